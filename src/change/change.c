/*-------------------------------------------------------------------------
 *
 * change.c
 *	  Kinds of steps that are no foreign keys, and their common functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"

const ChangeKind change_kinds[] = {
	[STEP_CHECK] = {change_look_check, change_undo_check},
	[STEP_NOT_NULL] = {change_look_not_null, change_undo_not_null},
	[STEP_UNIQUE] = {change_look_unique, change_undo_unique},
	[STEP_COLUMN] = {change_look_column, change_undo_column},
	[STEP_DEFAULT] = {change_look_default, change_undo_default},
	[STEP_INDEX] = {change_look_index},
	[STEP_STATEMENT] = {change_look_statement, change_undo_statement},
	[STEP_DROP] = {change_look_drop, change_undo_drop},
	[STEP_RENAME] = {change_look_rename, change_undo_rename},
	[STEP_TABLE] = {change_look_table, change_undo_table},
	[STEP_ROWS] = {change_look_rows, change_undo_rows},
};

StaticAssertDecl(lengthof(change_kinds) == STEP_KINDS, "a kind of step has no functions");

void
change_problem(ChangeMove *move, int sqlerrcode, char *reason, const char *hint)
{
	move->kind = MOVE_PROBLEM;
	move->problem = fk_problem(FK_PROBLEM_OTHER, sqlerrcode, reason, hint);
}

void
change_move(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state)
{
	move->kind = kind;
	move->action = action;
	move->mode = mode;
	move->state = state;
}

void
change_statement(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state, char *statement)
{
	change_move(move, kind, action, mode, state);
	move->statements = lappend(move->statements, statement);
}

/* ---- expressions ---- */

typedef struct CookArg
{
	const char *sql;
	CodeExpression expression;
	Node	   *cooked;
} CookArg;

static void
cook(void *p)
{
	CookArg    *arg = p;

	if (arg->expression.raw == NULL)
		arg->expression.raw = plan_change_expression(arg->sql);
	arg->cooked = code_analyse(&arg->expression);
}

/* Returns the analysed expression, or NULL with the problem in the move */
static Node *
try_cook(ChangeMove *move, CookArg *arg)
{
	ErrorData  *edata = sg_try_undo(cook, arg);

	if (edata == NULL)
		return arg->cooked;
	sg_rethrow_cancel(edata);
	change_problem(move, edata->sqlerrcode, psprintf("%s: the expression can't be used", edata->message),
				   edata->hint ? edata->hint :
				   "Names in it are looked up in pg_catalog and among the table's columns; others need their schema.");
	return NULL;
}

Node *
change_cook_value(ChangeMove *move, const char *sql, const char *column, Oid type, int32 typmod)
{
	CookArg		arg = {.sql = sql,.expression = {.relid = move->table,.kind = EXPR_KIND_CHECK_CONSTRAINT,
	.target = psprintf("column %s", quote_identifier(column)),.type = type,.typmod = typmod}};

	return try_cook(move, &arg);
}

Node *
change_cook(ChangeMove *move, const char *sql, AttrNumber column, bool may_be_volatile)
{
	CookArg		arg = {.sql = sql,.expression = {.relid = move->table,.kind = EXPR_KIND_CHECK_CONSTRAINT,.condition = "CHECK"}};
	Oid			type;
	int32		typmod;
	Oid			collation;
	Node	   *cooked;

	if (column == InvalidAttrNumber)
		cooked = try_cook(move, &arg);
	else
	{
		get_atttypetypmodcoll(move->table, column, &type, &typmod, &collation);
		cooked = change_cook_value(move, sql, sg_column_name(move->table, column), type, typmod);
	}
	if (cooked && !may_be_volatile && contain_volatile_functions(cooked))
	{
		change_problem(move, ERRCODE_INVALID_OBJECT_DEFINITION,
					   "a condition with a volatile function holds for no row that is there",
					   "Use functions that are immutable, or at least stable.");
		return NULL;
	}
	return cooked;
}

Node *
change_cook_added(ChangeMove *move, const char *sql, List *added, List *values)
{
	CookArg		arg = {.sql = sql,.expression = {.relid = move->table,.kind = EXPR_KIND_CHECK_CONSTRAINT,.condition = "CHECK",
	.added = added,.values = values}};

	return try_cook(move, &arg);
}

/* Returns an expression of an ORDER BY, analysed; or NULL with a problem */
static Node *
cook_order(ChangeMove *move, const SortBy *by)
{
	CookArg		arg = {.expression = {.relid = move->table,.kind = EXPR_KIND_CHECK_CONSTRAINT,.raw = by->node}};
	Node	   *cooked = try_cook(move, &arg);

	if (cooked == NULL)
		return NULL;
	if (contain_volatile_functions(cooked))
		change_problem(move, ERRCODE_INVALID_OBJECT_DEFINITION, "an order by a volatile function is another one each time", NULL);
	else if (!OidIsValid(lookup_type_cache(exprType(cooked), TYPECACHE_LT_OPR)->lt_opr))
		change_problem(move, ERRCODE_UNDEFINED_FUNCTION, psprintf("values of type %s have no order", format_type_be(exprType(cooked))),
					   "Give option \"keep_by\" another order, or none.");
	return move->kind == MOVE_PROBLEM ? NULL : cooked;
}

bool
change_order(ChangeMove *move, const char *sql)
{
	StringInfoData order;

	initStringInfo(&order);
	foreach_ptr(const SortBy, by, plan_change_order(sql))
	{
		Node	   *cooked = cook_order(move, by);

		if (cooked == NULL)
			return false;
		move->rows.expressions = lappend(move->rows.expressions, cooked);
		appendStringInfo(&order, "%s%s%s%s", order.len ? ", " : "", change_deparse(move->table, cooked),
						 by->sortby_dir == SORTBY_DESC ? " DESC" : "",
						 by->sortby_nulls == SORTBY_NULLS_FIRST ? " NULLS FIRST" :
						 by->sortby_nulls == SORTBY_NULLS_LAST ? " NULLS LAST" : "");
	}
	move->rows.keep_by = order.data;
	return true;
}

static bool
has_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, SubLink) || raw_expression_tree_walker(node, has_subquery, context);
}

bool
change_has_subquery(Node *raw)
{
	return has_subquery(raw, NULL);
}

bool
change_fill_is_query(const PlanStep *step)
{
	return step->fill && has_subquery(plan_change_expression(step->fill), NULL);
}

/*
 * Returns the value of a fill, converted to the column's type; a value with a
 * subquery, which no table's expression may have, as it was written
 */
static char *
fill_value(const PlanStep *step, ChangeMove *move, AttrNumber attnum)
{
	Node	   *cooked;

	if (change_fill_is_query(step))
		return psprintf("(%s\n)", step->fill);
	cooked = change_cook(move, step->fill, attnum, true);
	if (cooked == NULL)
		return NULL;
	move->rows.expressions = lappend(move->rows.expressions, cooked);
	return change_deparse(move->table, cooked);
}

bool
change_rows(const PlanStep *step, ChangeMove *move, char *broken, List *expressions)
{
	AttrNumber	attnum;

	move->rows.table = move->table;
	move->rows.broken = broken;
	move->rows.expressions = expressions;
	if (step->orphans != ORPHANS_SET)
		return true;
	attnum = change_column(step, move);
	if (attnum != InvalidAttrNumber && sg_column(move->table, attnum).attgenerated)
	{
		change_problem(move, ERRCODE_WRONG_OBJECT_TYPE, "the server computes the column: no fill gives it a value", NULL);
		return false;
	}
	move->rows.column = linitial(step->child_columns);
	move->rows.fill = attnum == InvalidAttrNumber ? NULL : fill_value(step, move, attnum);
	return move->rows.fill != NULL;
}

void
change_text_begin(SgScope *scope)
{
	sg_caller_begin(scope);
	sg_scope_pin_texts();
}

void
change_reach(ChangeMove *move, Node *raw)
{
	SgScope		scope;

	if (move->reach == NULL)
		move->reach = code_reach();
	sg_caller_begin(&scope);
	code_reach_raw(move->reach, raw);
	sg_scope_end(&scope);
}

void
change_reach_proof(ChangeMove *move, Oid relid)
{
	if (move->reach == NULL)
		move->reach = code_reach();
	foreach_oid(heir, code_tree(relid, AccessExclusiveLock))
	{
		code_reach_proof(move->reach, heir);
	}
}

char *
change_deparse(Oid table, Node *expression)
{
	char	   *name = sg_rel_name(table);
	SgScope		scope;
	char	   *text;

	change_text_begin(&scope);
	text = deparse_expression(expression, deparse_context_for(name, table), false, false);

	sg_scope_end(&scope);
	return text;
}

/* ---- catalog ---- */

AttrNumber
change_column(const PlanStep *step, ChangeMove *move)
{
	return change_named_column(step, linitial(step->child_columns), move);
}

AttrNumber
change_named_column(const PlanStep *step, const char *name, ChangeMove *move)
{
	AttrNumber	attnum = get_attnum(move->table, name);
	char	   *near;

	if (attnum > 0)
		return attnum;
	near = sg_nearest_column(move->table, name);
	change_problem(move, attnum < 0 ? ERRCODE_INVALID_COLUMN_REFERENCE : ERRCODE_UNDEFINED_COLUMN,
				   attnum < 0 ? psprintf("column %s of %s is a system column", quote_identifier(name), step->child_table) :
				   psprintf("table %s has no column %s", step->child_table, quote_identifier(name)),
				   near && list_length(step->child_columns) == 1 ?
				   psprintf("Perhaps you meant column %s:\n%s", quote_identifier(near),
							plan_set_call(step, "child_columns", sg_names_text(list_make1(near)),
										  step->kind == STEP_DEFAULT ? "fk_name" : NULL, near, NULL)) :
				   near ? psprintf("Perhaps you meant column %s.", quote_identifier(near)) :
				   psprintf("Add the column, or leave the step out:\n%s", plan_skip_call(step, "there is no such column")));
	return InvalidAttrNumber;
}

HeapTuple
change_constraint(Oid table, const char *name)
{
	Oid			conid = get_relation_constraint_oid(table, name, true);
	HeapTuple	tuple = NULL;
	SgCatalog	scan;

	if (!OidIsValid(conid))
		return NULL;
	sg_catalog_begin(&scan, ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, conid, NULL);
	tuple = sg_catalog_next(&scan);
	if (tuple)
		tuple = heap_copytuple(tuple);
	sg_catalog_end(&scan);
	return tuple;
}

char *
change_condition(HeapTuple tuple)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	bool		isnull;
	Datum		bin = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(rel), &isnull);
	SgScope		scope;
	char	   *condition;

	change_text_begin(&scope);
	condition = isnull ? pstrdup("") :
		sg_expression(bin, con->conrelid);
	sg_scope_end(&scope);
	table_close(rel, AccessShareLock);
	return condition;
}
