/*-------------------------------------------------------------------------
 *
 * change_column.c
 *	  Columns, and their defaults.
 *
 *	  A column is added without a rewrite: a default that is computed for each
 *	  row is set apart, for new rows, and existing ones are filled with it in
 *	  batches.  For values that the server itself computes, of an identity and
 *	  a stored generated column, there is no such way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "base/catalog.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "fk/fk_subscription.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "script/script.h"

/* ---- definition of a column ---- */

typedef struct ColumnArg
{
	const PlanStep *step;
	const ColumnDef *def;
	Oid			table;
	Oid			type;
	int32		typmod;
	Oid			collation;
	Node	   *initial;		/* the default, analysed, or NULL */
	bool		computes;		/* an identity, serial, or stored generated
								 * column */
	bool		rewrites;		/* adding it rewrites the table */
} ColumnArg;

/* Text before the definition when it is parsed */
#define COLUMN_PREFIX "ALTER TABLE t ADD COLUMN c "

/*
 * Handles serial, which only the server's own transformation knows: an integer,
 * NOT NULL, with a sequence.  This does the same for the column.
 */
static void
take_serial(ColumnDef *column)
{
	Oid			type = script_serial_type(column->typeName);

	if (!OidIsValid(type))
		return;
	column->typeName = makeTypeNameFromOid(type, -1);
	column->is_not_null = true;
}

static ColumnDef *
parse_column(const PlanStep *step)
{
	List	   *statements = raw_parser(psprintf(COLUMN_PREFIX "%s\n", step->definition), RAW_PARSE_DEFAULT);
	AlterTableStmt *alter = castNode(AlterTableStmt, linitial_node(RawStmt, statements)->stmt);
	ColumnDef  *column = castNode(ColumnDef, linitial_node(AlterTableCmd, alter->cmds)->def);

	take_serial(column);
	return column;
}

static void
analyse_definition(void *p)
{
	ColumnArg  *arg = p;
	const ColumnDef *def = arg->def;
	ParseState *pstate = make_parsestate(NULL);
	ScriptTouched none = {0};

	typenameTypeIdAndMod(pstate, def->typeName, &arg->type, &arg->typmod);
	arg->collation = GetColumnDefCollation(pstate, unconstify(ColumnDef *, def), arg->type);

	/*
	 * the grammar has NOT NULL as a constraint, so this flag is from
	 * take_serial()
	 */
	arg->computes = def->is_not_null || script_column_computes(def);
	arg->rewrites = arg->computes || script_column_rewrites(def, true, &none);
	foreach_ptr(Constraint, c, def->constraints)
	{
		if (c->contype == CONSTR_DEFAULT)
			arg->initial = cookDefault(pstate, c->raw_expr, arg->type, arg->typmod, "c", '\0');
	}
}

static void
analyse_column(void *p)
{
	ColumnArg  *arg = p;
	ColumnDef  *def = parse_column(arg->step);
	CodeReach  *reach = code_reach();
	SgScope		caller;
	SgScope		scope;

	sg_caller_begin(&caller);
	code_reach_raw(reach, (Node *) def->typeName);
	foreach_ptr(Constraint, c, def->constraints)
	{
		code_reach_raw(reach, c->raw_expr);
	}
	code_analysis_begin(&scope, reach, code_table_owner(arg->table), "definition");
	arg->def = def;
	code_analyse_as_meant(reach, analyse_definition, arg);
	sg_scope_end(&scope);
	sg_scope_end(&caller);
}

static bool
look_at_definition(const PlanStep *step, ChangeMove *move, ColumnArg *arg)
{
	ErrorData  *edata;

	memset(arg, 0, sizeof(ColumnArg));
	arg->step = step;
	arg->table = move->table;
	edata = sg_try_undo(analyse_column, arg);
	if (edata == NULL)
		return true;
	sg_rethrow_cancel(edata);
	change_problem(move, edata->sqlerrcode, psprintf("%s: the column can't be made", edata->message),
				   edata->hint ? edata->hint :
				   "Types and functions outside of pg_catalog need their schema.");
	return false;
}

/* Returns the text of the default, and the definition without it */
static char *
cut_default(const PlanStep *step, char **without)
{
	ColumnDef  *def = parse_column(step);
	int			skip = strlen(COLUMN_PREFIX);
	int			start = -1;
	int			end = skip + strlen(plan_given(step->definition));
	List	   *others = NIL;

	if (def->collClause)
		others = lappend_int(others, def->collClause->location);
	foreach_ptr(Constraint, c, def->constraints)
	{
		if (c->contype == CONSTR_DEFAULT)
			start = c->location;
		else
			others = lappend_int(others, c->location);
	}
	foreach_int(location, others)
	{
		if (location > start)
			end = Min(end, location);
	}
	*without = psprintf("%s%s", pnstrdup(step->definition, start - skip), step->definition + end - skip);
	start += strlen("DEFAULT");
	start += strspn(step->definition + start - skip, " \t\n\r\f\v");
	return pnstrdup(step->definition + start - skip, end - start);
}

/* ---- column ---- */

static void
look_at_column(const PlanStep *step, ChangeMove *move, AttrNumber attnum, const ColumnArg *arg)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(move->table, attnum, &type, &typmod, &collation);
	if (type != arg->type || typmod != arg->typmod || collation != arg->collation)
		change_problem(move, ERRCODE_DUPLICATE_COLUMN,
					   psprintf("column %s of %s is there, as %s%s", quote_identifier(sg_column_name(move->table, attnum)),
								step->child_table, format_type_with_typemod(type, typmod),
								type == arg->type && typmod == arg->typmod ? ", with another collation" : ""),
					   psprintf("Rename one of the two, or leave the step out:\n%s", plan_skip_call(step, "the column is there")));
}

/*
 * Returns the source of a column's values if it differs from the step's
 * identity, generation or sequence, or NULL
 */
static const char *
other_values(const ColumnDef *def, const FormData_pg_attribute *column, const char *initial)
{
	if (def->is_not_null && initial == NULL && !column->attidentity)
		return "without a sequence";
	foreach_ptr(Constraint, c, def->constraints)
	{
		if (c->contype == CONSTR_IDENTITY && column->attidentity != c->generated_when)
			return column->attidentity ? "as another kind of identity" : "but it is no identity column";
		if (c->contype == CONSTR_GENERATED && !column->attgenerated)
			return "but it is not generated";
	}
	return NULL;
}

/*
 * Checks the source of values of a column that the step has not made: a
 * problem, or, for a default, a note
 */
static void
look_at_values(const PlanStep *step, ChangeMove *move, AttrNumber attnum, const ColumnArg *arg)
{
	FormData_pg_attribute column = sg_column(move->table, attnum);
	const char *initial = column.attgenerated ? NULL : change_current_default(move->table, attnum);
	const char *other = other_values(parse_column(step), &column, initial);
	bool		is_null = arg->initial && IsA(arg->initial, Const) && ((Const *) arg->initial)->constisnull;

	if (other)
		change_problem(move, ERRCODE_DUPLICATE_COLUMN,
					   psprintf("column %s of %s is there, %s", quote_identifier(sg_column_name(move->table, attnum)), step->child_table, other),
					   psprintf("Rename one of the two, or leave the step out:\n%s", plan_skip_call(step, "the column is there")));
	else if (arg->initial && !sg_same_text(initial, is_null ? NULL : change_deparse(move->table, arg->initial)))
		move->note = psprintf("it was there already, with%s", initial ? " another default" : "out a default");
}

char *
change_default_hint(const PlanStep *step)
{
	char	   *without;

	return psprintf(sg_calls("To have it so, set it by a step of its own:\nSELECT sg_plan_add_default(%s, %s, %s, %s);"), quote_literal_cstr(step->plan),
					quote_literal_cstr(plan_given(step->child_table)), quote_literal_cstr(linitial(step->child_columns)),
					quote_literal_cstr(cut_default(step, &without)));
}

bool
change_keeps_filling(const PlanStep *step, const ChangeMove *move)
{
	return plan_filler_is_current(plan_filling_step(step, move->rows.column, move->rows.fill, move->rows.carries), move->table);
}

/*
 * Returns the step that drops or renames a column if a fill is computed from
 * columns of the row, immutably, that one among them: then the fill's trigger
 * can tell its own value from one of the application.
 */
static PlanStep *
carries_until(const PlanStep *step, Node *fill)
{
	PlanStep   *filling = plan_filling_step(step, linitial(step->child_columns), step->fill, true);

	return fill && !contain_mutable_functions(fill) && plan_backfill_change(filling) ? plan_filler_ends_with(filling) : NULL;
}

PlanStep *
change_carries_until(const PlanStep *step)
{
	ChangeMove	look = {.table = sg_find_qualified(step->child_table)};
	Node	   *initial;
	Node	   *fill;

	return step->kind == STEP_COLUMN && step->fill && OidIsValid(look.table) &&
		change_column_values(step, &look, &initial, &fill) ? carries_until(step, fill) : NULL;
}

/*
 * Finds a fill for rows without a value; only the step's state tells that all
 * rows have been examined, unless its trigger should fill rows and does not
 */
static void
look_at_fill(const PlanStep *step, ChangeMove *move, char *fill)
{
	PlanStep	filling = *step;

	if (step->state == STEP_VALIDATED && !step->fills)
		return;

	filling.orphans = ORPHANS_SET;
	filling.fill = fill;
	if (!change_rows(&filling, move, psprintf("%s IS NULL", quote_identifier(linitial(step->child_columns))), NIL))
	{
		PlanStep   *drop = change_dropped_before(step, 0);
		char	   *hint;
		char	   *reason = drop ? plan_filler_ended_text(step, drop, &hint) : NULL;

		if (reason)
			change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason, hint);
		return;
	}
	move->rows.carries = step->fill && carries_until(step, (Node *) move->rows.expressions);
	/* triggers do not fire for a subscription's writes */
	if (step->state == STEP_VALIDATED && change_keeps_filling(step, move) &&
		!OidIsValid(fk_subscription_of(list_concat(sg_with_partitions(move->table), sg_partition_ancestors(move->table)))))
		return;
	move->kind = MOVE_FILL;
	move->action = "fill";
}

/*
 * Returns the statements that add the column; a volatile default is set apart,
 * and fills the existing rows
 */
static List *
add_statements(const PlanStep *step, const ColumnArg *arg, char **fill)
{
	const char *name = quote_identifier(linitial(step->child_columns));
	PlanStep	plain = *step;
	char	   *initial;

	*fill = step->fill;
	if (arg->initial == NULL || !contain_volatile_functions(arg->initial))
		return plan_change_statements(step);
	initial = cut_default(step, &plain.definition);
	if (*fill == NULL)
		*fill = initial;
	return lappend(plan_change_statements(&plain),
				   psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", step->child_table, name, initial));
}

static List *
column_statements(const PlanStep *step, char **fill)
{
	ChangeMove	move = {.table = sg_find_qualified(step->child_table)};
	ColumnArg	arg;

	return OidIsValid(move.table) && look_at_definition(step, &move, &arg) ? add_statements(step, &arg, fill) : NIL;
}

void
change_column_init(void)
{
	plan_column_statements_hook = column_statements;
}

bool
change_column_has_default(const PlanStep *step, Oid table)
{
	AttrNumber	attnum = get_attnum(table, linitial(step->child_columns));
	ChangeMove	look = {.table = table};
	ColumnArg	arg;

	if (attnum != InvalidAttrNumber)
	{
		Relation	rel = sg_relation_open(table, AccessShareLock);
		bool		found = build_column_default(rel, attnum) != NULL;

		table_close(rel, AccessShareLock);
		return found;
	}
	return look_at_definition(step, &look, &arg) &&
		(arg.computes || (arg.initial && !(IsA(arg.initial, Const) && ((Const *) arg.initial)->constisnull)) ||
		 get_typdefault(arg.type) != NULL);
}

/* Computes the default, as the server does when it adds the column, even without rows */
static void
compute(void *p)
{
	EState	   *estate = CreateExecutorState();
	bool		isnull;

	(void) ExecEvalExpr(ExecPrepareExpr((Expr *) p, estate), GetPerTupleExprContext(estate), &isnull);
	FreeExecutorState(estate);
}

typedef struct ComputeArg
{
	const ColumnArg *column;
	Oid			owner;
} ComputeArg;

static void
compute_default(void *p)
{
	ComputeArg *arg = p;
	CodeReach  *reach = code_reach();
	SgScope		scope;

	code_reach_type(reach, arg->column->type);
	code_reach_expression(reach, arg->column->initial, arg->owner);
	code_analysis_begin(&scope, reach, arg->owner, "default");
	code_analyse_as_meant(reach, compute, copyObject(arg->column->initial));
	sg_scope_end(&scope);
}

/* Returns false with a problem if the server would fail to compute the default once for all rows */
static bool
can_be_computed(ChangeMove *move, const ColumnArg *column)
{
	ComputeArg	arg = {column, code_table_owner(move->table)};
	ErrorData  *edata = column->initial == NULL || contain_volatile_functions(column->initial) ? NULL : sg_try_undo(compute_default, &arg);

	if (edata == NULL)
		return true;
	sg_rethrow_cancel(edata);
	change_problem(move, edata->sqlerrcode, psprintf("%s: the default can't be computed", edata->message), edata->hint);
	return false;
}

bool
change_column_values(const PlanStep *step, ChangeMove *move, Node **initial, Node **fill)
{
	ColumnArg	arg;

	*fill = NULL;
	if (!look_at_definition(step, move, &arg) || !can_be_computed(move, &arg))
		return false;
	*initial = arg.initial;
	if (step->fill == NULL || change_fill_is_query(step))
		return true;
	*fill = change_cook_value(move, step->fill, linitial(step->child_columns), arg.type, arg.typmod);
	return *fill != NULL;
}

bool
change_column_type(const PlanStep *step, ChangeMove *move, Oid *type, int32 *typmod)
{
	ColumnArg	arg;

	if (!look_at_definition(step, move, &arg))
		return false;
	*type = arg.type;
	*typmod = arg.typmod;
	return true;
}

void
change_look_column(const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = get_attnum(move->table, linitial(step->child_columns));
	ColumnArg	arg;
	char	   *fill;
	List	   *statements;
	PlanStep   *before = step->state != STEP_VALIDATED && change_fill_is_query(step) ? change_dropped_before(step, 0) : NULL;

	if (before)
	{
		change_problem(move, ERRCODE_UNDEFINED_OBJECT, psprintf("step %d, %s, has taken what its fill reads", before->step, plan_step_object(before)),
					   psprintf("Give it another fill, or none:\n%s", plan_set_call(step, "fill", NULL, NULL)));
		return;
	}
	if (!look_at_definition(step, move, &arg))
		return;
	statements = add_statements(step, &arg, &fill);
	if (attnum != InvalidAttrNumber)
	{
		if (change_is_renamed(step, attnum, move))
			return;
		look_at_column(step, move, attnum, &arg);
		if (move->kind != MOVE_PROBLEM && step->state != STEP_VALIDATED && change_deed_of(step) == NULL)
			look_at_values(step, move, attnum, &arg);
		if (move->kind != MOVE_PROBLEM && fill)
			look_at_fill(step, move, fill);
		return;
	}
	change_move(move, MOVE_STATEMENT, "add", AccessExclusiveLock, fill ? STEP_ADDED : STEP_VALIDATED);
	move->statements = statements;
	move->rewrites = arg.rewrites;
	move->first = true;
	move->reach = code_reach();
	code_reach_type(move->reach, arg.type);
	if (arg.initial)
		code_reach_expression(move->reach, arg.initial, code_table_owner(move->table));
	foreach_ptr(const Constraint, c, parse_column(step)->constraints)
	{
		if (c->contype == CONSTR_GENERATED)
			change_reach(move, c->raw_expr);
	}
}

bool
change_column_is_as_defined(const PlanStep *step, bool not_null)
{
	ChangeMove	move = {.table = sg_find_qualified(step->child_table)};
	AttrNumber	attnum = OidIsValid(move.table) ? get_attnum(move.table, linitial(step->child_columns)) : InvalidAttrNumber;
	ColumnArg	arg;
	bool		defined = false;

	if (attnum == InvalidAttrNumber || !look_at_definition(step, &move, &arg))
		return false;
	look_at_column(step, &move, attnum, &arg);
	foreach_ptr(const Constraint, c, parse_column(step)->constraints)
	{
		defined |= c->contype == CONSTR_NOTNULL;
	}
	return move.kind != MOVE_PROBLEM && defined == not_null &&
		sg_same_text(change_current_default(move.table, attnum), arg.initial ? change_deparse(move.table, arg.initial) : NULL);
}

char *
change_kept_below(Oid table, List *columns)
{
	StringInfoData kept;

	initStringInfo(&kept);
	foreach_oid(below, sg_all_inheritors(table))
	{
		foreach_ptr(const char, column, below == table ? NIL : columns)
		{
			FormData_pg_attribute own;

			if (sg_read_column(below, get_attnum(below, column), &own) && own.attislocal)
				appendStringInfo(&kept, "%s%s of %s", kept.len ? ", " : "", quote_identifier(column), sg_relation_name(below));
		}
	}
	return kept.len ? psprintf("stays, because its table has it as its own: %s", kept.data) : NULL;
}

void
change_undo_column(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	const char *name = linitial(deed->what->child_columns);
	AttrNumber	attnum = plan_deed_column(deed, 0, name);
	ColumnArg	arg;
	char	   *below;

	if (attnum == InvalidAttrNumber && get_attnum(move->table, name) != InvalidAttrNumber)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("the column is gone, and another one is called %s", quote_identifier(name)), NULL);
	if (attnum == InvalidAttrNumber)
		return;
	if (look_at_definition(deed->what, move, &arg))
		look_at_column(deed->what, move, attnum, &arg);
	if (move->kind == MOVE_PROBLEM)
	{
		move->problem->sqlerrcode = ERRCODE_SG_KEY_CONFLICT;
		return;
	}
	if (change_others_stand_on(step, linitial(step->child_columns), move))
		return;
	change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
					 psprintf("ALTER TABLE %s DROP COLUMN %s", deed->what->child_table, quote_identifier(name)));
	below = change_kept_below(move->table, list_make1(unconstify(char *, name)));
	if (below)
		change_stays(move, below);
}

/* ---- default ---- */

char *
change_current_default(Oid table, AttrNumber attnum)
{
	Node	   *expression = sg_column_default(table, attnum);

	return expression ? change_deparse(table, expression) : NULL;
}

/* Returns the step's ALTER COLUMN statement with another expression */
static char *
default_statement(const PlanStep *step, char *expression)
{
	PlanStep	other = *step;

	other.definition = expression;
	return linitial(plan_change_statements(&other));
}

/*
 * Sets *text to the wanted default, as the server prints it, or NULL for none;
 * returns false with a problem if it is impossible
 */
static bool
wanted_default(const PlanStep *step, ChangeMove *move, AttrNumber attnum, char **text)
{
	Node	   *cooked;

	*text = NULL;
	if (step->definition == NULL)
		return true;
	cooked = change_cook(move, step->definition, attnum, true);
	if (cooked && contain_var_clause(cooked))
	{
		change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED, "a default can't name a column",
					   psprintf("Give the step a value, or leave it out:\n%s", plan_skip_call(step, "a default can't name a column")));
		return false;
	}
	/* like the server, which stores no default for a plain null */
	if (cooked && !(IsA(cooked, Const) && ((Const *) cooked)->constisnull))
		*text = change_deparse(move->table, cooked);
	return cooked != NULL;
}

/*
 * Returns whether a pg_attrdef entry belongs to an identity or generated
 * column, whose expression is not a default that users can set
 */
static bool
is_computed(Oid table, AttrNumber attnum, ChangeMove *move)
{
	FormData_pg_attribute column = sg_column(table, attnum);
	bool		computed = column.attidentity != '\0' || column.attgenerated != '\0';

	if (computed)
		change_problem(move, ERRCODE_WRONG_OBJECT_TYPE, "the server computes the column: it has no default of its own", NULL);
	return computed;
}

void
change_look_default(const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = change_column(step, move);
	char	   *now;
	char	   *wanted;

	if (attnum == InvalidAttrNumber || is_computed(move->table, attnum, move) ||
		!wanted_default(step, move, attnum, &wanted))
		return;
	now = change_current_default(move->table, attnum);
	if (sg_same_text(now, wanted) || change_has_made(step, GetAttrDefaultOid(move->table, attnum)))
		return;
	change_statement(move, MOVE_STATEMENT, "set default", AccessExclusiveLock, STEP_VALIDATED, default_statement(step, wanted));
	change_reach(move, wanted ? plan_change_expression(wanted) : NULL);
	move->first = true;
	move->was = now;
}

/*
 * Returns whether a table with a default of its own has the partitioned table's
 * now, which is taken back before
 */
static bool
is_of_whole(const PlanDeed *deed, const PlanStep *step, const char *now)
{
	Oid			whole = sg_find_qualified(step->child_table);

	return deed->own && OidIsValid(whole) &&
		sg_same_text(now, change_current_default(whole, get_attnum(whole, linitial(deed->what->child_columns))));
}

/*
 * Returns whether a plan's statement has rewritten the column by an expression
 * since, so that the former default would mean something else
 */
static bool
gives_other_meaning(const PlanDeed *deed, Oid table)
{
	const char *column = linitial(deed->what->child_columns);

	foreach_ptr(const DeedSince, since, plan_deed_since(table, deed->done_at))
	{
		if (since->is_statement && since->open && change_retype(since->statement, table, column, column) == RETYPE_USING)
			return true;
	}
	return false;
}

void
change_undo_default(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = plan_deed_column(deed, 0, linitial(deed->what->child_columns));
	char	   *now;
	char	   *made;

	if (attnum == InvalidAttrNumber)
		return;
	now = change_current_default(move->table, attnum);
	if (sg_same_text(now, deed->was))
		return;
	if (deed->was && gives_other_meaning(deed, move->table))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("its default was %s before the column was rewritten by ALTER COLUMN ... TYPE", deed->was),
					   psprintf("Give it the one that is right now, then leave the step out:\n%s", plan_skip_call(step, "it has another default")));
	else if (!plan_deed_is_of(deed, GetAttrDefaultOid(move->table, attnum)) &&
			 (!wanted_default(deed->what, move, attnum, &made) || (!sg_same_text(now, made) && !is_of_whole(deed, step, now))))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, "the column has another default by now", NULL);
	else if (deed->was == NULL || change_kept_command(deed->what, default_statement(deed->what, deed->was), AT_ColumnDefault, move))
	{
		change_statement(move, MOVE_STATEMENT, "set default", AccessExclusiveLock, STEP_ROLLED_BACK,
						 default_statement(deed->what, deed->was));
		change_reach(move, deed->was ? plan_change_expression(deed->was) : NULL);
	}
}
