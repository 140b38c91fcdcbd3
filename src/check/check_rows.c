/*-------------------------------------------------------------------------
 *
 * check_rows.c
 *	  Rows in the way of steps that are no foreign keys.
 *
 *	  Each question is a rule for the audit, so that one read of a table
 *	  answers all questions about it, as the role that its code allows: the
 *	  rule of the step itself; whether the value that a step sets satisfies
 *	  that rule; whether an expression can be computed for each row; whether a
 *	  row is too large for an index.  Volatile expressions are not computed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "partitioning/partbounds.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"
#include "fix/fix.h"
#include "plan/plan_change.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"

/* Number of a table's blocks beyond which a sample of as many is read */
#define SAMPLE_BLOCKS 10000

/* Words for rows to which a fill gives no value */
static const char gets_null[] = "would get a null";

/* Words for rows that do not fit into a btree */
static const char too_large[] = "are too large for an entry of the index";

typedef struct RowQuestion
{
	const char *name;			/* name of the check */
	AuditKey   *rule;
	CheckResult broken;			/* result if rows break the rule */
	CheckResult unknown;		/* result if the rule can't be judged */
	const char *breaks;			/* text about these rows */
	char	   *hint;
} RowQuestion;

/* Facts from which the questions of a step are made */
typedef struct Asking
{
	PlanCheck  *check;
	CheckStep  *cs;
	Oid			table;
	Oid			author;
	List	   *statements;		/* char *: of the step's next move */
	bool		asked;			/* of a CHECK that reads columns still to be
								 * added */
} Asking;

/* ---- asking ---- */

/*
 * Returns whether a step fills a column that is still to be added, and changes
 * nothing else: a question about rows that reads it computes its values
 */
static bool
fills_new_column(const PlanStep *step, Oid table)
{
	if (step->kind != STEP_COLUMN || get_attnum(table, linitial(step->child_columns)) != InvalidAttrNumber)
		return false;
	foreach_oid(part, sg_all_inheritors(table))
	{
		if (fix_has_code(part))
			return false;
	}
	return true;
}

/* Returns the earlier step that may change rows of the table, or NULL */
static const PlanStep *
changes_before(const Asking *asking)
{
	foreach_ptr(const CheckStep, other, asking->check->steps)
	{
		const PlanStep *before = other->step;

		if (other == asking->cs)
			return NULL;
		if (!plan_step_is_ahead(before))
			continue;
		if (before->kind == STEP_STATEMENT ||
			(before->child_table && sg_find_qualified(before->child_table) == asking->table && !fills_new_column(before, asking->table) &&
			 (before->fill || before->backfill || before->kind == STEP_ROWS || plan_step_fixes(before))))
			return before;
	}
	return NULL;
}

static void
ask(const Asking *asking, const char *name, AuditKey *rule, CheckResult broken, const char *breaks, char *hint)
{
	RowQuestion *question = palloc0(sizeof(RowQuestion));
	const PlanStep *before = broken == CHECK_BLOCK ? changes_before(asking) : NULL;
	double		blocks = check_table(asking->check, rule->key.child)->blocks;

	if (asking->check->verify == CHECK_READ_SAMPLE && blocks > SAMPLE_BLOCKS)
		rule->rule->sample = 100.0 * SAMPLE_BLOCKS / blocks;
	question->name = name;
	question->rule = rule;
	question->broken = before ? CHECK_WARN : broken;
	question->unknown = question->broken;
	question->breaks = before ? psprintf("%s, unless step %d changes that", breaks, before->step) : breaks;
	question->hint = hint;
	asking->cs->questions = lappend(asking->cs->questions, question);
}

/* Asks whether a condition is false for any row */
static void
ask_condition(const Asking *asking, const char *name, Node *condition, CheckResult broken, const char *breaks, char *hint)
{
	ask(asking, name, audit_rule_check(asking->table, NULL, condition, true, asking->author), broken, breaks, hint);
}

/* Is it a call of a built-in function with constants alone, such as gen_random_uuid(), which raises no error? */
static bool
is_plain_call(const Node *expression)
{
	foreach_ptr(const Node, arg, IsA(expression, FuncExpr) ? ((FuncExpr *) expression)->args : NIL)
	{
		if (!IsA(arg, Const))
			return false;
	}
	return IsA(expression, FuncExpr) && ((FuncExpr *) expression)->funcid < FirstNormalObjectId;
}

/* Reports that a volatile expression is not computed; returns whether it is one */
static bool
is_volatile(const Asking *asking, Node *expression)
{
	bool		result = contain_volatile_functions(expression);

	if (result)
		check_row(asking->cs, "fill", is_plain_call(expression) ? CHECK_OK : CHECK_WARN,
				  pstrdup("calls a volatile function, and was not computed for any row"), NULL);
	return result;
}

static Node *
is_not_null(Node *expression)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) expression;
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	return (Node *) test;
}

static Node *
either(Node *one, Node *other)
{
	return (Node *) makeBoolExpr(OR_EXPR, list_make2(one, other), -1);
}

/*
 * Asks whether an expression can be computed for each row, whatever its value:
 * by a condition that is always true and needs the value.  The planner of 19
 * optimises a test for NULL away, and would not compute it.
 */
static void
ask_computed(const Asking *asking, const char *name, Node *expression, char *hint)
{
	FuncExpr   *nulls;
	Const	   *zero;

	if (is_volatile(asking, expression))
		return;
	nulls = makeFuncExpr(F_NUM_NULLS, INT4OID, list_make1(expression), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	zero = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(0), false, true);
	ask_condition(asking, name,
				  (Node *) makeFuncExpr(F_INT4GE, BOOLOID, list_make2(nulls, zero), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
				  CHECK_BLOCK, "", hint);
}

/* ---- the rule of the step ---- */

static char *
violations_hint(const PlanStep *step)
{
	if (plan_step_fixes(step))
		return psprintf(sg_calls("They are fixed only when you ask for it. To see first what it comes to:\nCALL sg_fix_orphans(%s, steps => '{%d}', dry_run => true);"),
						quote_literal_cstr(step->plan), step->step);
	if (step->orphans == ORPHANS_LEAVE)
		return psprintf(sg_calls("The constraint stays NOT VALID while there are any:\nSELECT * FROM sg_violations(%s, %d);"),
						quote_literal_cstr(step->plan), step->step);
	return deploy_rule_hint(step);
}

static void
ask_rule(const Asking *asking)
{
	const PlanStep *step = asking->cs->step;
	AuditKey   *rule = change_rule(step, asking->author);

	if (rule)
		ask(asking, "rows", rule, step->orphans == ORPHANS_STOP ? CHECK_BLOCK : CHECK_WARN,
			rule->rule->kind == AUDIT_UNIQUE ? "are equal" : "break the rule", violations_hint(step));
}

/* ---- values that the step gives ---- */

typedef struct Given
{
	Oid			table;
	AttrNumber	column;
	Node	   *value;
} Given;

/* Generated columns are computed from the value as well */
static Node *
give(Node *node, void *context)
{
	const Given *given = context;

	if (node && IsA(node, Var) && ((Var *) node)->varattno > 0 && get_attgenerated(given->table, ((Var *) node)->varattno))
		return give(sg_column_default(given->table, ((Var *) node)->varattno), context);
	if (node && IsA(node, Var) && ((Var *) node)->varattno == given->column)
		return copyObject(given->value);
	return expression_tree_mutator(node, give, context);
}

/* Asks whether rows that get a value obey the rule with it */
static void
ask_policy_fill(const Asking *asking)
{
	const PlanStep *step = asking->cs->step;
	ChangeMove	move = {.table = asking->table};
	Given		given;
	AuditKey   *rule;

	if (step->orphans != ORPHANS_SET || step->fill == NULL)
		return;
	given.table = asking->table;
	given.column = change_column(step, &move);
	if (given.column != InvalidAttrNumber && change_fill_is_query(step))
	{
		FormData_pg_attribute column = sg_column(asking->table, given.column);

		check_fill_query(asking->check, asking->cs, asking->table, step->kind == STEP_NOT_NULL ?
						 psprintf("%s IS NULL", quote_identifier(linitial(step->child_columns))) :
						 psprintf("NOT (%s\n)", plan_given(step->definition)), column.atttypid, column.atttypmod);
		return;
	}
	given.value = given.column == InvalidAttrNumber ? NULL : change_cook(&move, step->fill, given.column, true);
	if (given.value == NULL || is_volatile(asking, given.value))
		return;
	rule = change_rule(step, asking->author);
	if (rule->rule->kind == AUDIT_CHECK)
		ask_condition(asking, "fill", either(rule->rule->condition, give(rule->rule->condition, &given)), CHECK_BLOCK,
					  "would break the rule with the value that they get, too", violations_hint(asking->cs->step));
	else if (rule->rule->kind == AUDIT_NOT_NULL)
		ask_condition(asking, "fill",
					  either(is_not_null((Node *) makeVar(1, given.column, exprType(given.value), exprTypmod(given.value), exprCollation(given.value), 0)),
							 is_not_null(given.value)), CHECK_BLOCK,
					  gets_null, violations_hint(asking->cs->step));
}

/* Asks whether the domain of a new column takes what rows get there at once, unless the column has a default of its own */
static void
ask_domain(const Asking *asking, ChangeMove *move)
{
	Oid			type;
	int32		typmod;
	Oid			base;
	Node	   *value;

	if (!change_column_type(asking->cs->step, move, &type, &typmod) || get_typtype(type) != TYPTYPE_DOMAIN ||
		plan_has_word(asking->cs->step->definition, "generated"))
		return;
	base = getBaseType(type);
	value = get_typdefault(type);
	if (value == NULL)
		value = (Node *) makeNullConst(base, -1, get_typcollation(base));
	value = coerce_to_target_type(NULL, value, exprType(value), type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (value)
		ask_computed(asking, "rows", value, pstrdup("Give the column a default that its type accepts."));
}

/* Asks whether the fill of a new column can be computed */
static void
ask_column(const Asking *asking)
{
	ChangeMove	move = {.table = asking->table};
	Node	   *initial;
	Node	   *fill;
	Oid			type;
	int32		typmod;

	if (!change_column_values(asking->cs->step, &move, &initial, &fill) && check_waits(asking->check, asking->cs, move.problem))
		return;
	if (move.kind == MOVE_PROBLEM)
		check_row(asking->cs, "fill", CHECK_BLOCK, move.problem->reason, move.problem->hint);
	else if (initial == NULL)
		ask_domain(asking, &move);
	if (move.kind == MOVE_PROBLEM)
		return;
	if (change_fill_is_query(asking->cs->step))
	{
		if (change_column_type(asking->cs->step, &move, &type, &typmod))
			check_fill_query(asking->check, asking->cs, asking->table, "true", type, typmod);
	}
	else if (!(initial && is_volatile(asking, initial)) && fill && !is_volatile(asking, fill))
	{
		ask_condition(asking, "fill", initial ? either(is_not_null(initial), is_not_null(fill)) : is_not_null(fill), CHECK_WARN,
					  gets_null, pstrdup("Have the expression give a value of the column's type for each row."));
		((RowQuestion *) llast(asking->cs->questions))->unknown = CHECK_BLOCK;
		if (check_size_is_computed(fill) && change_column_type(asking->cs->step, &move, &type, &typmod))
			check_fill_size(asking->check, asking->cs, asking->table, type, typmod);
	}
}

/* Returns the earlier step that adds a column, or NULL */
static const PlanStep *
step_of_column(const Asking *asking, const char *column)
{
	foreach_ptr(const CheckStep, other, asking->check->steps)
	{
		const PlanStep *step = other->step;

		if (step->kind == STEP_COLUMN && !step->skipped_by && sg_same_text(step->child_table, asking->cs->step->child_table) &&
			strcmp(linitial(step->child_columns), column) == 0)
			return step;
	}
	return NULL;
}

/* Asks which rows stay without a value in a column that is still to be added, and to be NOT NULL */
static void
ask_new_column(const Asking *asking)
{
	const char *column = linitial(asking->cs->step->child_columns);
	const PlanStep *adds = step_of_column(asking, column);
	ChangeMove	move = {.table = asking->table};
	Node	   *condition = makeBoolConst(false, false);
	Node	   *initial;
	Node	   *fill;

	if (adds && change_fill_is_query(adds))
		check_row(asking->cs, "rows", CHECK_WARN, psprintf("whether each row gets a value by step %d was not looked at: its fill has a subquery", adds->step), NULL);
	if (adds == NULL || change_fill_is_query(adds) || !change_column_values(adds, &move, &initial, &fill))
		return;
	if ((initial && contain_volatile_functions(initial)) || (fill && contain_volatile_functions(fill)))
		return;
	if (initial)
		condition = either(condition, is_not_null(initial));
	if (fill)
		condition = either(condition, is_not_null(fill));
	ask_condition(asking, "rows", condition, asking->cs->step->orphans == ORPHANS_STOP ? CHECK_BLOCK : CHECK_WARN,
				  psprintf("get no value in column %s by step %d", quote_identifier(column), adds->step),
				  pstrdup("Give that step a fill, or a default, that is never null."));
}

/* Returns the value that rows get in a column that a step adds; NULL if that is unknown */
static Node *
value_of_added(const Asking *asking, const PlanStep *adds)
{
	ChangeMove	move = {.table = asking->table};
	Node	   *initial;
	Node	   *fill;
	Oid			type;
	int32		typmod;

	if (change_fill_is_query(adds) || !change_column_values(adds, &move, &initial, &fill) || !change_column_type(adds, &move, &type, &typmod) ||
		(initial && contain_volatile_functions(initial)) || (fill && contain_volatile_functions(fill)))
		return NULL;
	if (initial && fill)
	{
		CoalesceExpr *either_of = makeNode(CoalesceExpr);

		either_of->coalescetype = type;
		either_of->coalescecollid = get_typcollation(type);
		either_of->args = list_make2(initial, fill);
		either_of->location = -1;
		return (Node *) either_of;
	}
	return initial ? initial : fill ? fill : (Node *) makeNullConst(type, typmod, get_typcollation(type));
}

/* Asks which rows break a CHECK by the values that they get in columns that are still to be added */
static void
ask_check_of_added(Asking *asking)
{
	const PlanStep *step = asking->cs->step;
	ChangeMove	move = {.table = asking->table};
	List	   *added = NIL;
	List	   *values = NIL;
	Node	   *condition;

	foreach_ptr(const CheckStep, other, asking->check->steps)
	{
		const PlanStep *adds = other->step;
		const char *column = adds->kind == STEP_COLUMN ? linitial(adds->child_columns) : NULL;
		Node	   *value;

		if (column == NULL || adds->skipped_by || !sg_same_text(adds->child_table, step->child_table) ||
			!plan_has_word(step->definition, column) || get_attnum(asking->table, column) != InvalidAttrNumber)
			continue;
		value = value_of_added(asking, adds);
		if (value == NULL)
			return;
		added = lappend(added, unconstify(char *, column));
		values = lappend(values, value);
	}
	condition = added ? change_cook_added(&move, plan_given(step->definition), added, values) : NULL;
	if (condition == NULL || contain_volatile_functions(condition))
		return;
	ask_condition(asking, "rows", condition, step->orphans == ORPHANS_STOP ? CHECK_BLOCK : CHECK_WARN,
				  psprintf("break the rule with what they get in (%s)", sg_quote_list(added)),
				  pstrdup("Give the new column a fill, or a default, that the rule accepts."));
	asking->asked = true;
}

/* ---- indexes ---- */

/* Reports that values which an earlier step gives a column of an index were not looked at */
static void
tell_size(const Asking *asking, const PlanStep *gives, const char *column)
{
	check_row(asking->cs, "size", CHECK_WARN, psprintf("whether the values that step %d gives column %s fit into an entry of the index was not looked at",
													   gives->step, quote_identifier(column)), NULL);
}

/* Reports so for a column that has values, and gets others that no constant gives by a fill or by policy set before */
static void
tell_size_of_filled(const Asking *asking, const char *column)
{
	foreach_ptr(const CheckStep, other, asking->check->steps)
	{
		const PlanStep *fills = other->step;

		if (other == asking->cs)
			return;
		if (plan_step_is_ahead(fills) && fills->fill && (fills->kind == STEP_COLUMN || fills->orphans == ORPHANS_SET) &&
			sg_same_text(fills->child_table, asking->cs->step->child_table) && sg_has_name(fills->child_columns, column) &&
			!IsA(plan_change_expression(fills->fill), A_Const))
		{
			tell_size(asking, fills, column);
			return;
		}
	}
}

/*
 * Adds a column that a step is still to add to columns and their values, if
 * these have no fixed size; returns false if its values are unknown, or it is
 * no such column
 */
static bool
add_added(const Asking *asking, const char *column, List **added, List **values)
{
	const PlanStep *adds = step_of_column(asking, column);
	ChangeMove	move = {.table = asking->table};
	Node	   *value;
	Oid			type;
	int32		typmod;

	if (adds == NULL || !change_column_type(adds, &move, &type, &typmod))
		return false;
	if (get_typlen(type) >= 0)
		return true;
	value = value_of_added(asking, adds);
	if (value == NULL)
		tell_size(asking, adds, column);
	else
	{
		*added = lappend(*added, unconstify(char *, column));
		*values = lappend(*values, value);
	}
	return value != NULL;
}

/*
 * Asks whether the columns of a row, of which some may be still to be added,
 * fit into an entry of an index with so many bytes
 */
static void
ask_size(const Asking *asking, List *columns, int bytes, CheckResult broken, const char *breaks)
{
	StringInfoData size;
	ChangeMove	move = {.table = asking->table};
	List	   *added = NIL;
	List	   *values = NIL;
	Node	   *condition;

	initStringInfo(&size);
	foreach_ptr(const char, column, columns)
	{
		AttrNumber	attnum = get_attnum(asking->table, column);
		int			n = list_length(added);

		if (attnum == InvalidAttrNumber && !add_added(asking, column, &added, &values))
			return;
		if (attnum == InvalidAttrNumber ? list_length(added) > n : attnum > 0 && get_typlen(get_atttype(asking->table, attnum)) < 0)
		{
			appendStringInfo(&size, "%scoalesce(pg_column_size(%s), 0)", size.len ? " + " : "", quote_identifier(column));
			if (attnum > 0)
				tell_size_of_filled(asking, column);
		}
	}
	if (size.len == 0)
		return;
	appendStringInfo(&size, " <= %d", bytes);
	foreach_ptr(const Node, value, values)
	{
		/* another value is not compressed yet */
		if (!IsA(value, Var) && broken == CHECK_BLOCK)
		{
			broken = CHECK_WARN;
			breaks = psprintf("%s, unless they are compressed", breaks);
		}
	}
	condition = added ? change_cook_added(&move, size.data, added, values) : change_cook(&move, size.data, InvalidAttrNumber, false);
	if (condition)
		ask_condition(asking, "size", condition, broken, breaks,
					  pstrdup("Index a digest of the value instead, as md5() gives it."));
}

/* Returns whether a gin index of a column, without an operator class that is named, has entries as long as its values, or their elements */
static bool
has_long_entries(const Asking *asking, const IndexElem *element)
{
	AttrNumber	attnum = element->name && element->opclass == NIL ? get_attnum(asking->table, element->name) : InvalidAttrNumber;
	const PlanStep *adds = element->name && element->opclass == NIL && attnum == InvalidAttrNumber ? step_of_column(asking, element->name) : NULL;
	ChangeMove	move = {.table = asking->table};
	Oid			type = attnum > 0 ? get_atttype(asking->table, attnum) : InvalidOid;
	int32		typmod;

	if (adds && !change_column_type(adds, &move, &type, &typmod))
		return false;
	type = OidIsValid(type) ? getBaseType(type) : type;
	/* these two are hashed, or bounded */
	if (!OidIsValid(type) || type == JSONBOID || type == TSVECTOROID)
		return false;
	return get_typlen(OidIsValid(get_element_type(type)) ? get_element_type(type) : type) < 0;
}

/* Asks whether the columns of a row fit into an entry of an index */
static void
ask_entries(const Asking *asking, const IndexStmt *index)
{
	List	   *columns = NIL;

	if (index->whereClause)
		return;
	foreach_ptr(const IndexElem, element, list_concat_copy(index->indexParams, index->indexIncludingParams))
	{
		if (element->name)
			columns = lappend(columns, element->name);
		if (strcmp(index->accessMethod, "gin") == 0 && has_long_entries(asking, element))
			ask_size(asking, list_make1(element->name), LARGEST_ENTRY, CHECK_WARN, "may be, or have an element that is, too large for an entry of the index");
	}
	if (strcmp(index->accessMethod, "btree") == 0)
		ask_size(asking, columns, LARGEST_ENTRY, CHECK_BLOCK, too_large);
	else if (strcmp(index->accessMethod, "brin") == 0)
		ask_size(asking, columns, LARGEST_RANGE / 2, CHECK_WARN,
				 "may be too large for an entry of the index, which holds the least and the greatest value of a range");
}

/* Asks whether expressions of an index, and its WHERE, can be computed */
static void
ask_index(const Asking *asking, const IndexStmt *index, bool asks_unique)
{
	List	   *attnums = NIL;

	foreach_ptr(const IndexElem, element, index->indexParams)
	{
		CodeExpression expression = {.relid = asking->table,.raw = element->expr,.kind = EXPR_KIND_INDEX_EXPRESSION};

		if (element->name)
			attnums = lappend_int(attnums, get_attnum(asking->table, element->name));
		else
			ask_computed(asking, "index", code_analyse(&expression), NULL);
	}
	if (index->whereClause)
	{
		CodeExpression expression = {.relid = asking->table,.raw = index->whereClause,.kind = EXPR_KIND_INDEX_PREDICATE,.condition = "WHERE"};

		ask_computed(asking, "index", code_analyse(&expression), NULL);
	}
	if (index->unique && asks_unique && index->whereClause == NULL && !list_member_int(attnums, InvalidAttrNumber) && list_length(attnums) == list_length(index->indexParams))
		ask(asking, "rows", audit_rule_unique(asking->table, NULL, attnums, index->nulls_not_distinct), CHECK_BLOCK, "are equal", NULL);
	else if (index->unique && (asks_unique || change_rule(asking->cs->step, asking->author) == NULL))
		check_row(asking->cs, "rows", CHECK_WARN,
				  pstrdup("whether rows are equal was not looked at: the unique index is one of expressions, or of some rows"), NULL);
	ask_entries(asking, index);
}

/* Returns the statement of a step's index */
static const IndexStmt *
index_of(const PlanStep *step)
{
	char	   *statement = plan_index_statement(plan_index_written(step->definition), "i", "t", false);

	return castNode(IndexStmt, linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt);
}

/* ---- new partitions ---- */

/* Asks whether rows of the default partition belong to the new partition */
static void
ask_default_partition(const Asking *asking, const CreateStmt *create)
{
	const PartitionBoundSpec *bound = create->partbound;
	Asking		rows = *asking;
	CodeReach  *reach = code_reach();
	Oid			parent;
	Relation	rel;
	Relation	other;
	List	   *belongs;
	SgScope		caller;
	SgScope		scope;

	if (bound == NULL || bound->is_default)
		return;
	sg_caller_begin(&caller);
	parent = change_find_named(linitial(create->inhRelations));
	rows.table = OidIsValid(parent) ? get_default_partition_oid(parent) : InvalidOid;
	if (OidIsValid(rows.table))
	{
		code_reach_raw(reach, (Node *) list_concat(list_concat_copy(bound->listdatums, bound->lowerdatums), bound->upperdatums));
		code_reach_column_types(reach, parent);
		code_analysis_begin(&scope, reach, code_table_owner(parent), "bound");
		rel = sg_relation_open(parent, AccessShareLock);
		other = sg_relation_open(rows.table, AccessShareLock);
		belongs = get_qual_from_partbound(rel, transformPartitionBound(make_parsestate(NULL), rel, unconstify(PartitionBoundSpec *, bound)));
		belongs = map_partition_varattnos(belongs, 1, other, rel);
		table_close(other, NoLock);
		table_close(rel, NoLock);
		sg_scope_end(&scope);
		ask_condition(&rows, "rows", (Node *) makeBoolExpr(NOT_EXPR, list_make1(make_ands_explicit(belongs)), -1), CHECK_BLOCK,
					  psprintf("of the default partition %s belong to the new one", sg_relation_name(rows.table)),
					  pstrdup("Move them out of the default partition first."));
	}
	sg_scope_end(&caller);
}

/* ---- statements ---- */

/*
 * Reports objects that the server recreates for a column's new type, and may
 * refuse then: constraints, indexes, the default
 */
static void
tell_remade(const Asking *asking, AttrNumber attnum)
{
	SgCatalog	users;
	HeapTuple	tuple;
	List	   *names = NIL;

	sg_catalog_begin_depend(&users, true, RelationRelationId, asking->table, attnum);
	while ((tuple = sg_catalog_next(&users)) != NULL)
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		char	   *name = depend->classid == ConstraintRelationId ? get_constraint_name(depend->objid) :
			depend->classid == RelationRelationId && get_rel_relkind(depend->objid) == RELKIND_INDEX ? get_rel_name(depend->objid) : NULL;

		if (depend->classid == AttrDefaultRelationId)
			name = "its default";
		if (name && !sg_has_name(names, name))
			names = lappend(names, name);
	}
	sg_catalog_end(&users);
	if (names)
		check_row(asking->cs, "type", CHECK_WARN,
				  psprintf("whether what is made anew goes with the new type, and with the values, was not looked at: %s", check_list(names)), NULL);
}

/* Sets the type of an expression to one that a statement names, as the statement would read it */
static void
read_type(const Asking *asking, TypeName *name, CodeExpression *expression)
{
	CodeReach  *reach = code_reach();
	SgScope		caller;
	SgScope		scope;

	sg_caller_begin(&caller);
	code_reach_raw(reach, (Node *) name);
	code_analysis_begin(&scope, reach, code_table_owner(asking->table), "type");
	typenameTypeIdAndMod(NULL, name, &expression->type, &expression->typmod);
	sg_scope_end(&scope);
	sg_scope_end(&caller);
}

static void
ask_type(const Asking *asking, const char *column, const ColumnDef *def)
{
	Node	   *value;
	AttrNumber	attnum = get_attnum(asking->table, column);
	ColumnRef  *ref = makeNode(ColumnRef);
	CodeExpression expression = {.relid = asking->table,.kind = EXPR_KIND_ALTER_COL_TRANSFORM};

	if (attnum <= 0)
		return;
	ref->fields = list_make1(makeString(pstrdup(column)));
	ref->location = -1;
	expression.raw = def->raw_default ? def->raw_default : (Node *) ref;
	expression.target = psprintf("column %s", quote_identifier(column));
	read_type(asking, def->typeName, &expression);
	value = code_analyse(&expression);
	ask_computed(asking, "type", value,
				 pstrdup("Mend the values that can't be of the new type first, or give the statement a USING."));
	if (def->raw_default && sg_column(asking->table, attnum).attnotnull && !contain_volatile_functions(value))
		ask_condition(asking, "type", is_not_null(value), CHECK_BLOCK, "would get a null", NULL);
	if (def->raw_default || expression.type != get_atttype(asking->table, attnum))
		tell_remade(asking, attnum);
}

/* Asks for nulls in the columns of an index that becomes a primary key */
static void
ask_nulls_of(const Asking *asking, Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form = HeapTupleIsValid(tuple) ? (Form_pg_index) GETSTRUCT(tuple) : NULL;

	for (int i = 0; form && form->indrelid == asking->table && i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] > 0)
			ask(asking, "rows", audit_rule_not_null(asking->table, NULL, form->indkey.values[i], true), CHECK_BLOCK, "have a null", NULL);
	}
	if (form)
		ReleaseSysCache(tuple);
}

static void
ask_constraint(const Asking *asking, const Constraint *constraint, bool validated)
{
	List	   *attnums = NIL;

	if (constraint->contype == CONSTR_CHECK && (validated || !constraint->skip_validation))
	{
		CodeExpression expression = {.relid = asking->table,.raw = constraint->raw_expr,.kind = EXPR_KIND_CHECK_CONSTRAINT,
		.condition = "CHECK"};

		ask_condition(asking, "rows", code_analyse(&expression), CHECK_BLOCK, "break the rule", NULL);
	}
	if (constraint->contype == CONSTR_FOREIGN || constraint->contype == CONSTR_EXCLUSION)
		check_row(asking->cs, "rows", CHECK_WARN, pstrdup("whether rows break the constraint, and whether it can be made, was not looked at"),
				  constraint->contype != CONSTR_FOREIGN ? NULL :
				  psprintf(sg_calls("A step of its own is looked at:\nSELECT sg_plan_add(%s, %s);"), quote_literal_cstr(asking->cs->plan),
						   quote_literal_cstr(plan_given(asking->cs->step->definition))));
	if (constraint->contype != CONSTR_UNIQUE && constraint->contype != CONSTR_PRIMARY)
		return;
	foreach_ptr(Node, key, constraint->keys)
	{
		AttrNumber	attnum = get_attnum(asking->table, strVal(key));

		if (attnum <= 0)
			return;
		attnums = lappend_int(attnums, attnum);
		if (constraint->contype == CONSTR_PRIMARY)
			ask(asking, "rows", audit_rule_not_null(asking->table, NULL, attnum, true), CHECK_BLOCK, "have a null", NULL);
	}
	if (constraint->contype == CONSTR_PRIMARY && constraint->indexname)
		ask_nulls_of(asking, get_relname_relid(constraint->indexname, get_rel_namespace(asking->table)));
	if (attnums)
		ask(asking, "rows", audit_rule_unique(asking->table, NULL, attnums, constraint->nulls_not_distinct), CHECK_BLOCK,
			"are equal", NULL);
}

/* Returns the value that a new column gets in each row, with its type */
static Node *
value_of_new(const Asking *asking, const ColumnDef *def, Node *raw, ParseExprKind kind)
{
	CodeExpression expression = {.relid = asking->table,.raw = raw,.kind = kind,.target = psprintf("column %s", quote_identifier(def->colname))};

	read_type(asking, def->typeName, &expression);
	return code_analyse(&expression);
}

/* Asks whether each row has a value in a new column, and whether that goes with the column's constraints */
static void
ask_added_column(const Asking *asking, const ColumnDef *def)
{
	const char *column = quote_identifier(def->colname);
	bool		not_null = false;
	bool		is_serial = list_length(def->typeName->names) == 1 && strstr(strVal(llast(def->typeName->names)), "serial") != NULL;
	bool		has_value = is_serial;
	Node	   *value = NULL;

	foreach_ptr(const Constraint, constraint, def->constraints)
	{
		bool		computes = constraint->contype == CONSTR_DEFAULT || constraint->contype == CONSTR_GENERATED;

		not_null |= constraint->contype == CONSTR_NOTNULL || constraint->contype == CONSTR_PRIMARY;
		has_value |= computes || constraint->contype == CONSTR_IDENTITY;
		if (computes && !is_serial)
			value = value_of_new(asking, def, constraint->raw_expr, constraint->contype == CONSTR_DEFAULT ? EXPR_KIND_COLUMN_DEFAULT : EXPR_KIND_GENERATED_COLUMN);
		if (constraint->contype == CONSTR_CHECK)
			check_row(asking->cs, "rows", CHECK_WARN, psprintf("whether rows break the CHECK of column %s was not looked at", column), NULL);
	}
	if (value && !IsA(value, Const))
		ask_computed(asking, "rows", value, NULL);
	foreach_ptr(const Constraint, constraint, value ? def->constraints : NIL)
	{
		if (constraint->contype == CONSTR_FOREIGN)
			check_row(asking->cs, "rows", CHECK_WARN, psprintf("whether the values of column %s have a parent was not looked at", column), NULL);
		if ((constraint->contype == CONSTR_UNIQUE || constraint->contype == CONSTR_PRIMARY) && !contain_volatile_functions(value))
			check_row(asking->cs, "rows", CHECK_WARN, psprintf("rows get their values in column %s, which are to be unique, by the same expression", column), NULL);
	}
	/* a domain may have a default */
	if (not_null && !has_value && get_typtype(typenameTypeId(NULL, def->typeName)) != TYPTYPE_DOMAIN)
		ask_condition(asking, "rows", makeBoolConst(false, false), CHECK_BLOCK,
					  psprintf("get no value in column %s, which is NOT NULL", column), NULL);
	else if (not_null && value && !contain_volatile_functions(value))
		ask_condition(asking, "rows", is_not_null(value), CHECK_BLOCK, psprintf("get no value in column %s, which is NOT NULL", column), NULL);
}

/* Asks for the rows that would fail the validation of a NOT VALID constraint */
static void
ask_validated(const Asking *asking, const char *name)
{
	HeapTuple	tuple = change_constraint(asking->table, name);
	Form_pg_constraint form = tuple ? (Form_pg_constraint) GETSTRUCT(tuple) : NULL;
	ChangeMove	move = {.table = asking->table};
	Node	   *condition;

	if (form == NULL || form->convalidated)
		return;
	condition = form->contype == CONSTRAINT_CHECK ? change_cook(&move, change_condition(tuple), InvalidAttrNumber, true) : NULL;
	if (condition)
		ask_condition(asking, "rows", condition, CHECK_BLOCK, "break the rule", NULL);
	else
		check_row(asking->cs, "rows", CHECK_WARN, psprintf("whether rows break constraint %s was not looked at", quote_identifier(name)), NULL);
}

static bool
adds_columns(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (command->subtype == AT_AddColumn)
			return true;
	}
	return false;
}

/* Returns whether ALTER TABLE validates the constraint of that name, which may be NULL */
static bool
validates(const AlterTableStmt *statement, const char *name)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (command->subtype == AT_ValidateConstraint && sg_same_text(command->name, name))
			return true;
	}
	return false;
}

/* Warns of keys to a partitioned table by which rows may refer to the partition that leaves it */
static void
tell_detached(const Asking *asking, const RangeVar *name)
{
	Oid			part;
	List	   *above;
	SgScope		scope;

	sg_caller_begin(&scope);
	part = change_find_named(name);
	sg_scope_end(&scope);
	above = OidIsValid(part) ? sg_partition_ancestors(part) : NIL;
	foreach_ptr(const FkKey, key, list_member_oid(above, asking->table) ? asking->check->declared : NIL)
	{
		StringInfoData columns;

		if (!list_member_oid(above, key->parent))
			continue;
		initStringInfo(&columns);
		for (int i = 0; i < key->nkeys; i++)
			appendStringInfo(&columns, "%sc.%s = p.%s", i ? " AND " : "", quote_identifier(sg_column_name(key->child, key->child_att[i])),
							 quote_identifier(sg_column_name(key->parent, key->parent_att[i])));
		check_row(asking->cs, "rows", CHECK_WARN,
				  psprintf("whether rows of %s refer to the partition by key %s was not looked at: it can't be detached while they do",
						   sg_relation_name(key->child), quote_identifier(key->name)),
				  psprintf("To see these rows:\nSELECT c.* FROM %s c JOIN %s p ON %s;", sg_relation_name(key->child), sg_relation_name(part), columns.data));
	}
}

static void
ask_command(const Asking *asking, const AlterTableStmt *statement, const AlterTableCmd *command)
{
	AttrNumber	attnum;

	switch (command->subtype)
	{
		case AT_SetNotNull:
			attnum = get_attnum(asking->table, command->name);
			if (attnum > 0)
				ask(asking, "rows", audit_rule_not_null(asking->table, NULL, attnum, true), CHECK_BLOCK, "have a null", NULL);
			break;
		case AT_AlterColumnType:
			ask_type(asking, command->name, castNode(ColumnDef, command->def));
			break;
		case AT_AddConstraint:
			if (((Constraint *) command->def)->contype == CONSTR_CHECK && adds_columns(statement))
				check_row(asking->cs, "rows", CHECK_WARN, pstrdup("whether rows break a CHECK, which may be of a column that the statement adds, was not looked at"), NULL);
			else
				ask_constraint(asking, castNode(Constraint, command->def), validates(statement, ((Constraint *) command->def)->conname));
			break;
		case AT_AddColumn:
			ask_added_column(asking, castNode(ColumnDef, command->def));
			break;
		case AT_ValidateConstraint:
			ask_validated(asking, command->name);
			break;
		case AT_DetachPartition:
			tell_detached(asking, ((PartitionCmd *) command->def)->name);
			break;
		case AT_AttachPartition:
		case AT_AddInherit:
			check_row(asking->cs, "rows", CHECK_WARN, pstrdup("whether the tables, the bound and the rows go together was not looked at"), NULL);
			break;
		default:
			break;
	}
}

/* Asks what ALTER TABLE, run as it was written, would find in the rows */
static void
ask_statements(Asking *asking, List *texts)
{
	foreach_ptr(const char, text, texts)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		SgScope		scope;

		if (IsA(statement, CreateStmt) && change_computes_nothing(text))
			ask_default_partition(asking, (CreateStmt *) statement);
		if (IsA(statement, AlterDomainStmt) && (((AlterDomainStmt *) statement)->subtype == 'C' || ((AlterDomainStmt *) statement)->subtype == 'O'))
			check_row(asking->cs, "rows", CHECK_WARN, pstrdup("whether the values of the domain in tables are as it wants them was not looked at"), NULL);
		if (!IsA(statement, AlterTableStmt) && !IsA(statement, IndexStmt))
			continue;
		sg_caller_begin(&scope);
		asking->table = change_find_named(IsA(statement, IndexStmt) ? ((IndexStmt *) statement)->relation : ((AlterTableStmt *) statement)->relation);
		sg_scope_end(&scope);
		if (!OidIsValid(asking->table) || (get_rel_relkind(asking->table) != RELKIND_RELATION &&
										   get_rel_relkind(asking->table) != RELKIND_PARTITIONED_TABLE))
			continue;
		if (IsA(statement, IndexStmt))
			ask_index(asking, (IndexStmt *) statement, true);
		if (!IsA(statement, AlterTableStmt))
			continue;
		foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
		{
			ask_command(asking, (AlterTableStmt *) statement, command);
		}
	}
}

/* ---- all of a step ---- */

static void
ask_step(void *arg)
{
	Asking	   *asking = arg;

	switch (asking->cs->step->kind)
	{
		case STEP_CHECK:
		case STEP_NOT_NULL:
			ask_rule(asking);
			ask_policy_fill(asking);
			break;
		case STEP_UNIQUE:
			ask_rule(asking);
			ask_size(asking, asking->cs->step->child_columns, LARGEST_ENTRY, CHECK_BLOCK, too_large);
			break;
		case STEP_INDEX:
			ask_rule(asking);
			ask_index(asking, index_of(asking->cs->step), false);
			break;
		case STEP_COLUMN:
			ask_column(asking);
			ask_statements(asking, list_copy_head(asking->statements, 1));
			break;
		case STEP_STATEMENT:
			ask_statements(asking, plan_change_texts(asking->cs->step->definition));
			break;
		case STEP_TABLE:
			ask_default_partition(asking, plan_made_table(asking->cs->step));
			break;
		default:
			break;
	}
}

/*
 * Asks; reports an expression that can't be analysed, because the step could
 * not analyse it, either.  A lock that another session holds now says nothing
 * about that.
 */
static void
try_asking(CheckStep *cs, void (*fn) (void *arg), Asking *asking)
{
	ErrorData  *edata = check_try(fn, asking);
	bool		unreadable = edata && (edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE || edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE);

	if (edata && sg_is_race(edata))
		ReThrowError(edata);
	if (edata && check_adds_column(asking->check, cs, edata))
	{
		cs->on_trial |= cs->step->kind == STEP_COLUMN;
		check_row(cs, "rows", CHECK_WARN, psprintf("what it does to rows was not looked at, as a step before it adds the column: %s", sg_error_message(edata)), NULL);
	}
	else if (edata)
		check_row(cs, "rows", unreadable || changes_before(asking) ? CHECK_WARN : CHECK_BLOCK,
				  psprintf("the rows could not be looked at: %s", sg_error_message(edata)), NULL);
}

void
check_ask_rows(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	Asking		asking = {check, cs, move->table, check->plan->author_id, move->statements};

	if (move->kind != MOVE_NONE)
		try_asking(cs, ask_step, &asking);
}

static void
ask_early(void *arg)
{
	Asking	   *asking = arg;
	const PlanStep *step = asking->cs->step;

	if (step->kind == STEP_CHECK)
		ask_check_of_added(asking);
	else if (step->kind == STEP_INDEX)
		ask_entries(asking, index_of(step));
	else if (step->kind == STEP_UNIQUE)
		ask_size(asking, step->child_columns, LARGEST_ENTRY, CHECK_BLOCK, too_large);
	else
		ask_new_column(asking);
}

bool
check_ask_early(PlanCheck *check, CheckStep *cs)
{
	Asking		asking = {check, cs, sg_find_qualified(cs->step->child_table), check->plan->author_id};

	if ((cs->step->kind == STEP_CHECK || cs->step->kind == STEP_INDEX || cs->step->kind == STEP_UNIQUE) && OidIsValid(asking.table))
	{
		try_asking(cs, ask_early, &asking);
		return asking.asked;
	}
	if (cs->step->kind != STEP_NOT_NULL || !OidIsValid(asking.table) || step_of_column(&asking, linitial(cs->step->child_columns)) == NULL ||
		get_attnum(asking.table, linitial(cs->step->child_columns)) != InvalidAttrNumber)
		return false;
	try_asking(cs, ask_early, &asking);
	return true;
}

List *
check_row_rules(const CheckStep *cs)
{
	List	   *rules = NIL;

	foreach_ptr(const RowQuestion, question, cs->questions)
	{
		rules = lappend(rules, question->rule);
	}
	return rules;
}

double
check_rows_broken(const CheckStep *cs)
{
	double		rows = -1;

	foreach_ptr(const RowQuestion, question, cs->questions)
	{
		const AuditKey *rule = question->rule;

		if (strcmp(question->name, "rows") != 0)
			continue;
		if (rule->result == AUDIT_UNKNOWN)
			return -1;
		rows = Max(rows, 0) + rule->orphan_rows * (rule->rule->sample > 0 ? 100 / rule->rule->sample : 1);
	}
	return rows;
}

double
check_share_without_value(const CheckStep *cs)
{
	foreach_ptr(const RowQuestion, question, cs->questions)
	{
		const AuditKey *rule = question->rule;

		if (question->breaks == gets_null && rule->result == AUDIT_FAIL && rule->rows_checked > 0)
			return (double) rule->orphan_rows / rule->rows_checked;
	}
	return 0;
}

/* ---- the answers ---- */

/* Returns "10 rows", or "10 rows, a sample of 2 %" */
static char *
read_text(const AuditKey *rule)
{
	char	   *rows = psprintf(INT64_FORMAT " %s", rule->rows_checked, rule->rows_checked == 1 ? "row" : "rows");

	return rule->rule->sample > 0 ? psprintf("%s, a sample of %.2g %%", rows, rule->rule->sample) : rows;
}

static void
answer(CheckStep *cs, const RowQuestion *question)
{
	const AuditKey *rule = question->rule;

	if (rule->result == AUDIT_PASS)
		check_row(cs, question->name, CHECK_OK, psprintf("read %s: none is in the way", read_text(rule)),
				  rule->rule->sample > 0 ? psprintf(sg_calls("To read all of them:\nSELECT * FROM sg_plan_check(%s, verify => 'full');"),
													quote_literal_cstr(cs->plan)) : NULL);
	else if (rule->result == AUDIT_FAIL)
		check_row(cs, question->name, question->broken,
				  psprintf("%s" INT64_FORMAT " of %s %s%s",
						   plan_step_fixes(cs->step) && strcmp(question->name, "rows") == 0 ? psprintf("%s: ", plan_policy_text(cs->step->orphans)) : "",
						   rule->orphan_rows, read_text(rule), question->breaks,
						   rule->orphan_keys > 0 && rule->rule->kind == AUDIT_UNIQUE ?
						   psprintf(", in " INT64_FORMAT " %s", rule->orphan_keys, rule->orphan_keys == 1 ? "group" : "groups") : ""),
				  question->hint);
	else if (OidIsValid(rule->waits_for))
		check_row(cs, question->name, CHECK_WARN,
				  psprintf("the rows could not be read: somebody has locked %s", sg_relation_name(rule->waits_for)), NULL);
	else
		check_row(cs, question->name, question->unknown, psprintf("the rows could not be judged: %s", rule->reason), question->hint);
}

void
check_row_answers(PlanCheck *check, CheckStep *cs)
{
	if (cs->questions && check->verify == CHECK_READ_NONE)
	{
		check_row(cs, "rows", CHECK_OK, pstrdup("rows were not read"),
				  psprintf(sg_calls("To read them:\nSELECT * FROM sg_plan_check(%s, verify => 'full');"), quote_literal_cstr(cs->plan)));
		return;
	}
	foreach_ptr(const RowQuestion, question, cs->questions)
	{
		answer(cs, question);
		if (question->rule->result == AUDIT_FAIL && strcmp(question->name, "rows") == 0)
			check_fixing(check, cs, question->rule->key.child, check_rows_broken(cs));
	}
}
