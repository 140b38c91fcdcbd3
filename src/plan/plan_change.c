/*-------------------------------------------------------------------------
 *
 * plan_change.c
 *	  Adding steps that are no foreign keys to a plan:
 *	  schemaguard.sg_plan_add_step(), and the checks of every such step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/name.h"
#include "base/quote.h"
#include "base/words.h"
#include "log/log_grant.h"
#include "plan/plan_backfill.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_rows.h"
#include "plan/plan_field.h"
#include "plan/plan_index.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"

SG_FUNCTION(sg_plan_add_step);
SG_FUNCTION(sg_plan_release);

/* Fields, for the table below */
#define HAS_TABLE		(1 << 0)
#define HAS_COLUMNS		(1 << 1)
#define HAS_COLUMN		(1 << 2)	/* exactly one */
#define HAS_NAME		(1 << 3)
#define HAS_DEFINITION	(1 << 4)
#define HAS_NEW_NAME	(1 << 5)
#define HAS_FILL		(1 << 6)
#define HAS_UNDO		(1 << 7)
#define HAS_DONE_WHEN	(1 << 8)
#define HAS_KEEP_BY		(1 << 9)
#define HAS_PRIMARY		(1 << 10)
#define HAS_DISCARD		(1 << 11)
#define HAS_OUTSIDE		(1 << 12)
#define HAS_DEFERRABLE	(1 << 13)
#define HAS_POLICY		(1 << 14)
#define HAS_NULLS		(1 << 15)

/* Prefix of an unlogged table's definition in a step of kind table */
#define UNLOGGED		"UNLOGGED "

/* By StepKind: fields that it must and may have, and the suffix of a generated name */
static const struct
{
	int			must;
	int			may;
	const char *suffix;
}			kinds[] = {
	[STEP_FOREIGN_KEY] = {0, HAS_TABLE | HAS_COLUMNS | HAS_NAME | HAS_DEFERRABLE | HAS_POLICY},
	[STEP_CHECK] = {HAS_TABLE | HAS_DEFINITION, HAS_COLUMNS | HAS_NAME | HAS_FILL | HAS_POLICY, "check"},
	[STEP_NOT_NULL] = {HAS_TABLE | HAS_COLUMN, HAS_NAME | HAS_FILL | HAS_POLICY, "not_null"},
	[STEP_UNIQUE] = {HAS_TABLE | HAS_COLUMNS, HAS_NAME | HAS_KEEP_BY | HAS_PRIMARY | HAS_DEFERRABLE | HAS_POLICY | HAS_NULLS, "key"},
	[STEP_COLUMN] = {HAS_TABLE | HAS_COLUMN | HAS_DEFINITION, HAS_NAME | HAS_FILL},
	[STEP_DEFAULT] = {HAS_TABLE | HAS_COLUMN, HAS_NAME | HAS_DEFINITION},
	[STEP_INDEX] = {HAS_TABLE | HAS_DEFINITION, HAS_NAME, "idx"},
	[STEP_STATEMENT] = {HAS_DEFINITION, HAS_TABLE | HAS_NAME | HAS_UNDO | HAS_DONE_WHEN | HAS_OUTSIDE},
	[STEP_DROP] = {HAS_TABLE | HAS_DEFINITION, HAS_NAME | HAS_DISCARD},
	[STEP_RENAME] = {HAS_TABLE | HAS_DEFINITION | HAS_NEW_NAME, HAS_NAME},
	[STEP_TABLE] = {HAS_TABLE | HAS_DEFINITION, HAS_NAME},
	[STEP_ROWS] = {HAS_TABLE | HAS_COLUMNS | HAS_DEFINITION, HAS_NAME, "rows"},
};

StaticAssertDecl(lengthof(kinds) == STEP_KINDS, "a kind of step has no line");

static const SgWord object_words[] = {
	{CHANGED_TABLE, "table"},
	{CHANGED_COLUMN, "column"},
	{CHANGED_CONSTRAINT, "constraint"},
	{CHANGED_INDEX, "index"},
	{CHANGED_TRIGGER, "trigger"},
	{CHANGED_VIEW, "view"},
	{0}
};

SG_WORDS_OF(object_words, CHANGED_VIEW + 1);

/* ---- SQL in a step ---- */

typedef struct ParseArg
{
	const char *sql;
	List	   *statements;
} ParseArg;

static void
parse(void *p)
{
	ParseArg   *arg = p;

	arg->statements = raw_parser(arg->sql, RAW_PARSE_DEFAULT);
}

List *
plan_parse(const char *sql, ErrorData **edata)
{
	ParseArg	arg = {.sql = sql};

	*edata = sg_try(parse, &arg);
	if (*edata)
		sg_rethrow_cancel(*edata);
	return *edata ? NIL : arg.statements;
}

/*
 * Returns a hint with a value that fits the field, which is an argument of
 * sg_plan_add_check() and the like
 */
static const char *
example_hint(const char *field)
{
	static const struct
	{
		const char *field;
		const char *example;
	}			examples[] = {
		{"condition", "price > 0"},
		{"expression", "now()"},
		{"type", "numeric(10, 2) DEFAULT 0"},
		{"definition", "(customer_id, lower(city)) WHERE active"},
		{"table", "(id bigint PRIMARY KEY, name text NOT NULL)"},
		{"statement", "ALTER TABLE app.orders SET (fillfactor = 90)"},
		{"fill", "coalesce(price, 0)"},
		{"undo", "DROP VIEW app.live_orders"},
		{"done_when", "SELECT to_regclass('app.live_orders') IS NOT NULL"},
		{"keep_by", "created_at DESC, id"},
	};

	for (int i = 0; i < lengthof(examples); i++)
	{
		if (strcmp(examples[i].field, field) == 0)
			return psprintf("Write it as in: %s", examples[i].example);
	}
	return "Write it as it would stand in a statement.";
}

/* Parses so many statements (RawStmt *), or raises 42601 with the expected form */
static List *
parse_some(const char *sql, const char *field, const char *wanted, int least, int most)
{
	ErrorData  *edata;
	List	   *statements = plan_parse(sql, &edata);

	if (edata == NULL && list_length(statements) >= least && list_length(statements) <= most)
		return statements;
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is not %s", field, wanted),
			 edata ? errdetail("The parser says: %s.", edata->message) :
			 errdetail("It has %d statements.", list_length(statements)),
			 errhint("%s", example_hint(field))));
}

static Node *
parse_one(const char *sql, const char *field, const char *wanted)
{
	return linitial_node(RawStmt, parse_some(sql, field, wanted, 1, 1))->stmt;
}

List *
plan_change_texts(const char *sql)
{
	List	   *texts = NIL;

	foreach_ptr(const RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
	{
		const char *start = sql + Max(raw->stmt_location, 0);

		while (isspace((unsigned char) *start))
			start++;
		texts = lappend(texts, raw->stmt_len > 0 ?
						pnstrdup(start, sql + Max(raw->stmt_location, 0) + raw->stmt_len - start) : pstrdup(start));
	}
	return texts;
}

pg_noreturn static void
bad_sql(const char *field, const char *wanted, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is not %s", field, wanted),
			 errhint("%s", hint ? hint : example_hint(field))));
}

/*
 * Parses a text that must be one expression: within parentheses, and followed
 * by a newline, which ends a comment in it.
 */
static Node *
parse_expression(const char *text, const char *field)
{
	const char *wanted = "one expression";
	SelectStmt *select = (SelectStmt *) parse_one(psprintf("SELECT (%s\n)", text), field, wanted);

	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || list_length(select->targetList) != 1 ||
		select->distinctClause || select->intoClause || select->fromClause || select->whereClause ||
		select->groupClause || select->havingClause || select->windowClause || select->sortClause ||
		select->limitOffset || select->limitCount || select->lockingClause || select->withClause ||
		linitial_node(ResTarget, select->targetList)->name)
		bad_sql(field, wanted, NULL);
	return linitial_node(ResTarget, select->targetList)->val;
}

Node *
plan_change_expression(const char *text)
{
	return parse_expression(text, "the expression");
}

List *
plan_change_order(const char *text)
{
	const char *wanted = "what can follow ORDER BY";
	SelectStmt *select = (SelectStmt *) parse_one(psprintf("SELECT ORDER BY %s\n", text), "keep_by", wanted);

	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || select->sortClause == NIL ||
		select->limitOffset || select->limitCount || select->lockingClause)
		bad_sql("keep_by", wanted, NULL);
	foreach_ptr(const SortBy, by, select->sortClause)
	{
		if (by->sortby_dir == SORTBY_USING)
			bad_sql("keep_by", wanted, "ASC and DESC do; USING does not.");
	}
	return select->sortClause;
}

/*
 * Checks a column: a type, with a collation, a default, or a generation clause;
 * other clauses have kinds of their own
 */
static void
check_column(const PlanStep *step)
{
	const char *wanted = "the type of a column with its clauses";
	AlterTableStmt *alter = (AlterTableStmt *)
		parse_one(psprintf("ALTER TABLE t ADD COLUMN c %s\n", step->definition), "type", wanted);
	AlterTableCmd *cmd;

	if (!IsA(alter, AlterTableStmt) || list_length(alter->cmds) != 1)
		bad_sql("type", wanted, NULL);
	cmd = linitial_node(AlterTableCmd, alter->cmds);
	if (cmd->subtype != AT_AddColumn)
		bad_sql("type", wanted, NULL);
	foreach_ptr(Constraint, c, castNode(ColumnDef, cmd->def)->constraints)
	{
		if (c->contype != CONSTR_DEFAULT && c->contype != CONSTR_IDENTITY && c->contype != CONSTR_GENERATED &&
			c->contype != CONSTR_NULL)
			bad_sql("type", wanted,
					"NOT NULL, CHECK, UNIQUE and keys are steps of their own, which find the rows that break them.");
	}
}

/* Parses an index: from USING or the columns' parenthesis on, or UNIQUE before */
static IndexStmt *
parse_index(const PlanStep *step)
{
	const char *wanted = "what CREATE INDEX has behind the table";
	IndexStmt  *index = (IndexStmt *)
		parse_one(plan_index_statement(plan_index_written(step->definition), "i", "t\n", false), "definition", wanted);

	if (!IsA(index, IndexStmt))
		bad_sql("definition", wanted, NULL);
	return index;
}

static void
check_statements(const char *text, const char *field, int least, int most)
{
	foreach_ptr(const RawStmt, raw, parse_some(text, field, most == 1 ? "one statement" : "SQL", least, most))
	{
		if (!plan_accepts_statement(raw->stmt))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s can't be %s", field, GetCommandTagName(CreateCommandTag(raw->stmt))),
					 errdetail("Transactions, calls, DO, SET, LISTEN, DISCARD, LOAD, CLUSTER, COPY, IMPORT FOREIGN SCHEMA, queries, cursors, databases, and what keeps a query's result are no changes that a plan could look at and take back."),
					 errhint("Plan the change itself; run the rest by hand.")));
	}
}

/*
 * Requires that a command which the server refuses within a transaction block
 * is alone in its step, which then runs outside of one
 */
static void
check_transaction(PlanStep *step)
{
	List	   *statements = raw_parser(step->definition, RAW_PARSE_DEFAULT);

	foreach_ptr(const RawStmt, raw, statements)
	{
		if (!plan_needs_no_transaction(raw->stmt))
			continue;
		if (list_length(statements) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s can't run in a transaction with other statements", GetCommandTagName(CreateCommandTag(raw->stmt))),
					 errhint("Make it a step of its own.")));
		step->outside = true;
	}
}

/*
 * Requires qualified names in a statement outside of a transaction, which a
 * worker runs; also in its undo, if that can't run in one
 */
static void
check_qualified(const PlanStep *step, const char *text, bool undo)
{
	List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	Node	   *statement = statements == NIL ? NULL : linitial_node(RawStmt, statements)->stmt;
	const char *name = statement && (!undo || plan_needs_no_transaction(statement)) ? plan_unqualified_name(statement) : NULL;

	if (name)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s outside of a transaction needs the schema of %s", undo ? "undo" : "a statement", quote_identifier(name)),
				 errdetail("A worker runs it, which knows the names of pg_catalog alone."),
				 undo ? errhint("Write the schema before the name.") :
				 errhint(sg_calls("Write the schema before the name, or have it completed:\nSELECT sg_plan_add(%s, %s);"),
						 quote_literal_cstr(step->plan), quote_literal_cstr(text))));
}

/* Returns the statement of a step of kind "table" */
static char *
table_statement(const PlanStep *step)
{
	const char *definition = step->definition;
	bool		unlogged = pg_strncasecmp(definition, UNLOGGED, strlen(UNLOGGED)) == 0;

	return psprintf("CREATE %sTABLE %s %s", unlogged ? UNLOGGED : "", step->child_table,
					definition + (unlogged ? strlen(UNLOGGED) : 0));
}

/* Parses a table step's definition: the text of CREATE TABLE after the name, with an optional UNLOGGED prefix */
static CreateStmt *
parse_table(const PlanStep *step)
{
	const char *wanted = "what CREATE TABLE has behind the name";
	CreateStmt *create = (CreateStmt *) parse_one(table_statement(step), "table", wanted);
	SgTableName name = sg_parse_table_name(step->child_table);

	if (!IsA(create, CreateStmt) || create->relation->catalogname || !sg_same_text(create->relation->schemaname, name.schema) ||
		!sg_same_text(create->relation->relname, name.name))
		bad_sql("table", wanted, NULL);
	return create;
}

char *
plan_change_run(const PlanStep *step)
{
	return step->kind == STEP_TABLE ? table_statement(step) : step->definition;
}

CreateStmt *
plan_made_table(const PlanStep *step)
{
	List	   *texts = step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL;
	Node	   *statement;

	if (step->kind == STEP_TABLE)
		return parse_table(step);
	if (list_length(texts) != 1)
		return NULL;
	statement = linitial_node(RawStmt, raw_parser(linitial(texts), RAW_PARSE_DEFAULT))->stmt;
	return IsA(statement, CreateStmt) ? (CreateStmt *) statement : NULL;
}

static void
check_query(const char *text)
{
	if (!IsA(parse_one(text, "done_when", "one query"), SelectStmt))
		bad_sql("done_when", "one query", NULL);
}

static void
check_rows(const PlanStep *step)
{
	char	   *problem = plan_rows_problem(step);

	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", problem),
				 errhint("Such as: rows => '[{\"code\": \"DE\", \"name\": \"Germany\"}]', key => '{code}'.")));
}

static void
check_sql(PlanStep *step)
{
	switch (step->kind)
	{
		case STEP_CHECK:
		case STEP_DEFAULT:
			if (step->definition)
				(void) parse_expression(step->definition, step->kind == STEP_CHECK ? "condition" : "expression");
			break;
		case STEP_COLUMN:
			check_column(step);
			break;
		case STEP_INDEX:
			(void) parse_index(step);
			break;
		case STEP_STATEMENT:
			check_statements(step->definition, "statement", 1, step->outside ? 1 : INT_MAX);
			check_transaction(step);
			if (step->outside)
				check_qualified(step, step->definition, false);
			break;
		case STEP_DROP:
		case STEP_RENAME:
			(void) plan_changed_object(step);
			break;
		case STEP_TABLE:
			(void) parse_table(step);
			break;
		case STEP_ROWS:
			check_rows(step);
			break;
		case STEP_FOREIGN_KEY:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
		case STEP_KINDS:
			break;
	}
	if (step->fill)
		(void) parse_expression(step->fill, "fill");
	if (step->undo)
		check_statements(step->undo, "undo", 0, INT_MAX);
	if (step->undo && step->outside)
		check_qualified(step, step->undo, true);
	if (step->done_when)
		check_query(step->done_when);
	if (step->keep_by)
		(void) plan_change_order(step->keep_by);
}

/* ---- fields ---- */

/* Returns the fields that the step has, as bits of the table above */
static int
fields_of(const PlanStep *step)
{
	return (step->child_table ? HAS_TABLE : 0) |
		(step->child_columns ? HAS_COLUMNS : 0) |
		(step->fk_name ? HAS_NAME : 0) |
		(step->definition ? HAS_DEFINITION : 0) |
		(step->new_name ? HAS_NEW_NAME : 0) |
		(step->fill ? HAS_FILL : 0) |
		(step->undo ? HAS_UNDO : 0) |
		(step->done_when ? HAS_DONE_WHEN : 0) |
		(step->keep_by ? HAS_KEEP_BY : 0) |
		(step->primary_key ? HAS_PRIMARY : 0) |
		(step->nulls_not_distinct ? HAS_NULLS : 0) |
		(step->discard ? HAS_DISCARD : 0) |
		(step->outside ? HAS_OUTSIDE : 0) |
		(step->deferrable ? HAS_DEFERRABLE : 0) |
		(step->orphans != ORPHANS_STOP ? HAS_POLICY : 0);
}

static const char *const field_names[] = {
	"child_table", "child_columns", "child_columns", "fk_name", "definition", "new_name", "fill", "undo", "done_when", "keep_by",
	"primary_key", "discard", "outside", "deferrable", "a policy other than stop", "nulls_not_distinct",
};

/* Options that only foreign keys have */
static const char *const key_options[] = {
	"parent_table", "parent_columns", "on_delete", "on_update", "on_delete_columns", "match", "enforced", "replaces", "backfill",
	"sentinel", "period", "index", "index_name",
};

bool
plan_step_takes(const PlanStep *step, const char *option)
{
	int			fields = kinds[step->kind].must | kinds[step->kind].may;
	bool		known = false;

	for (int i = 0; i < lengthof(key_options); i++)
	{
		if (strcmp(key_options[i], option) == 0)
			return step->kind == STEP_FOREIGN_KEY;
	}
	if (strcmp(option, "quarantine_cascades") == 0)
		return (fields & HAS_POLICY) != 0;
	if (strcmp(option, "initially_deferred") == 0)
		option = "deferrable";
	for (int i = 0; i < lengthof(field_names); i++)
	{
		if (strcmp(field_names[i], option) != 0)
			continue;
		if (fields & (1 << i))
			return true;
		known = true;
	}
	return !known;
}

static void
check_fields(const PlanStep *step)
{
	int			has = fields_of(step);
	int			must = kinds[step->kind].must;
	int			may = kinds[step->kind].may;
	bool		one = (must & HAS_COLUMN) != 0;

	if (one)
	{
		must |= HAS_COLUMNS;
		must &= ~HAS_COLUMN;
	}
	for (int i = 0; i < lengthof(field_names); i++)
	{
		int			bit = 1 << i;

		if ((must & bit) && !(has & bit))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a step of kind \"%s\" needs %s", plan_kind_word(step->kind), field_names[i])));
		if ((has & bit) && !((must | may) & bit))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a step of kind \"%s\" does not take %s", plan_kind_word(step->kind), field_names[i]),
					 bit == HAS_POLICY ? errhint("Rows can break keys, checks, NOT NULL and unique steps. NULL for the steps means all that take the policy.") : 0));
	}
	if (one && list_length(step->child_columns) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a step of kind \"%s\" is about one column, not %d", plan_kind_word(step->kind),
						list_length(step->child_columns))));
	if (step->parent_table || step->parent_columns || step->replaces || step->backfill || step->sentinel || step->period ||
		step->index_name)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a step of kind \"%s\" has no parent and nothing that goes with one", plan_kind_word(step->kind))));
}

/* Checks the policy against the kind, and the fields that it needs */
static void
check_policy(const PlanStep *step)
{
	bool		sets = step->orphans == ORPHANS_SET;

	if (step->orphans == ORPHANS_SET_NULL ||
		(step->kind == STEP_UNIQUE && step->orphans != ORPHANS_STOP && step->orphans != ORPHANS_QUARANTINE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy \"%s\" does not go with a step of kind \"%s\"", plan_policy_word(step->orphans),
						plan_kind_word(step->kind)),
				 errhint(step->kind == STEP_UNIQUE ? "Duplicates know \"stop\" and \"quarantine\"." :
						 "Policies are: stop, leave, quarantine, delete, set.")));
	if (step->kind != STEP_COLUMN && sets != (step->fill != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy \"set\" and fill go together"),
				 errhint("fill is the expression that gives rows their value.")));
	if (step->kind == STEP_CHECK && sets != (list_length(step->child_columns) == 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy \"set\" of a check needs one column, and no other policy has any"),
				 errhint("child_columns names the column that fill is for.")));
	if (step->nulls_not_distinct && (step->primary_key || step->orphans != ORPHANS_STOP))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nulls_not_distinct goes with no primary key, and with the policy \"stop\" alone"),
				 errhint("Leave it out of a primary key; take duplicates away by hand: a call that meets them says how to list them.")));
	if (step->kind == STEP_UNIQUE && (step->orphans == ORPHANS_QUARANTINE) != (step->keep_by != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy \"quarantine\" of a unique step and keep_by go together"),
				 errhint("keep_by says which of the duplicates stays: what can follow ORDER BY.")));
}

void
plan_check_key_policy(OrphanPolicy policy)
{
	if (policy == ORPHANS_SET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy \"set\" does not go with a foreign key"),
				 errhint("Policies of a foreign key are: stop, leave, quarantine, delete, set null.")));
}

bool
plan_step_takes_policy(const PlanStep *step, OrphanPolicy policy)
{
	if (step->kind == STEP_UNIQUE)
		return (policy == ORPHANS_QUARANTINE) == (step->keep_by != NULL);
	if (step->kind == STEP_FOREIGN_KEY && policy == ORPHANS_SET)
		return false;
	return (kinds[step->kind].may & HAS_POLICY) != 0;
}

ChangedObject
plan_changed_object(const PlanStep *step)
{
	return sg_parse_word(object_words, "what", plan_given(step->definition));
}

bool
plan_step_is_of_relation(const PlanStep *step)
{
	ChangedObject what;

	if (step->kind != STEP_DROP && step->kind != STEP_RENAME)
		return step->kind == STEP_TABLE;
	what = plan_changed_object(step);
	return what == CHANGED_TABLE || what == CHANGED_VIEW;
}

List *
plan_table_relatives(const PlanStep *step)
{
	const CreateStmt *create = plan_made_table(step);
	List	   *relatives = NIL;

	foreach_ptr(const RangeVar, above, create->inhRelations)
	{
		relatives = lappend(relatives, quote_qualified_identifier(above->schemaname, above->relname));
	}
	foreach_ptr(Node, element, create->tableElts)
	{
		if (IsA(element, TableLikeClause))
			relatives = lappend(relatives, quote_qualified_identifier(((TableLikeClause *) element)->relation->schemaname,
																	  ((TableLikeClause *) element)->relation->relname));
	}
	return relatives;
}

static ObjectAddress
address_of(Oid classid, Oid object, int sub)
{
	ObjectAddress address;

	ObjectAddressSubSet(address, object ? classid : InvalidOid, object, sub);
	return address;
}

ObjectAddress
plan_step_target(const PlanStep *step, const char *name)
{
	ChangedObject what = plan_changed_object(step);
	bool		relation = what == CHANGED_TABLE || what == CHANGED_VIEW;
	Oid			table = sg_find_qualified(relation ? quote_qualified_identifier(sg_parse_table_name(step->child_table).schema, name) :
										  step->child_table);
	AttrNumber	attnum;
	Oid			index;

	switch (what)
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
			return address_of(RelationRelationId, table, 0);
		case CHANGED_COLUMN:
			attnum = OidIsValid(table) ? get_attnum(table, name) : InvalidAttrNumber;
			return address_of(RelationRelationId, attnum > 0 ? table : InvalidOid, attnum);
		case CHANGED_CONSTRAINT:
			return address_of(ConstraintRelationId, OidIsValid(table) ?
							  get_relation_constraint_oid(table, name, true) : InvalidOid, 0);
		case CHANGED_INDEX:
			index = OidIsValid(table) ? get_relname_relid(name, get_rel_namespace(table)) : InvalidOid;
			if (OidIsValid(index) && IndexGetRelation(index, true) != table)
				index = InvalidOid;
			return address_of(RelationRelationId, index, 0);
		case CHANGED_TRIGGER:
			return address_of(TriggerRelationId, OidIsValid(table) ? get_trigger_oid(table, name, true) : InvalidOid, 0);
	}
	pg_unreachable();
}

bool
plan_change_finds(const PlanStep *step)
{
	return OidIsValid(plan_step_target(step, step->fk_name).objectId);
}

char *
plan_object_mark(const ObjectAddress *object)
{
	return psprintf("%s %d", plan_deed_mark(object->objectId), object->objectSubId);
}

ObjectAddress
plan_marked_object(const PlanStep *step)
{
	const char *mark = step->object_mark;
	ChangedObject what = plan_changed_object(step);
	Oid			object;
	bool		here = plan_deed_read_mark(&mark, &object);

	return address_of(what == CHANGED_CONSTRAINT ? ConstraintRelationId : what == CHANGED_TRIGGER ? TriggerRelationId : RelationRelationId,
					  here ? object : InvalidOid, here ? atoi(mark) : 0);
}

/* Returns a label such as "create view" */
static char *
statement_label(const PlanStep *step)
{
	List	   *statements = parse_some(step->definition, "definition", "SQL", 1, INT_MAX);
	const char *tag = GetCommandTagName(CreateCommandTag(linitial_node(RawStmt, statements)->stmt));

	return asc_tolower(tag, strlen(tag));
}

/*
 * Returns the names that stand for the columns of an index in a generated name,
 * chosen as CREATE INDEX chooses them
 */
static List *
named_columns(const PlanStep *step)
{
	List	   *names = NIL;

	if (step->kind != STEP_INDEX)
		return step->child_columns;
	foreach_ptr(IndexElem, element, parse_index(step)->indexParams)
	{
		names = lappend(names, element->name ? element->name : "expr");
	}
	return names;
}

/* Returns a name for the kind's object that is free in the plan */
static char *
make_name(const PlanStep *step, bool (*is_taken) (void *arg, const char *name), void *arg)
{
	const char *suffix = kinds[step->kind].suffix;
	SgTableName table = {0};
	const char *label;

	if (step->kind == STEP_COLUMN || step->kind == STEP_DEFAULT)
		return pstrdup(linitial(step->child_columns));
	if (step->child_table)
		table = sg_parse_table_name(step->child_table);
	if (step->kind == STEP_DROP || step->kind == STEP_RENAME || step->kind == STEP_TABLE)
		return table.name;

	label = step->primary_key ? "pkey" : suffix ? suffix : statement_label(step);
	for (int n = 0;; n++)
	{
		char	   *name;

		if (table.name && suffix)
			name = sg_make_nth_name(table.name, step->primary_key ? NULL : sg_join_names(named_columns(step)), label, n);
		else
			name = n > 0 ? psprintf("%s %d", label, n) : pstrdup(label);
		if (!is_taken(arg, name))
			return name;

		/* many statements of one kind get the numbers of their steps */
		if (suffix == NULL && n == 0)
			n = plan_next_step(step->plan) - 1;
	}
}

/*
 * Raises 22023 for the trigger of a plan that fills rows: a step that drops it
 * could not give it back
 */
static void
check_no_filler(const PlanStep *step)
{
	Oid			trigger;
	const char *plan = NULL;
	char	   *ending;

	if ((step->kind != STEP_DROP && step->kind != STEP_RENAME) || plan_changed_object(step) != CHANGED_TRIGGER ||
		!plan_filler_is_named(step->fk_name))
		return;
	trigger = plan_step_target(step, step->fk_name).objectId;
	ending = OidIsValid(trigger) ? plan_filler_ending(trigger, &plan) : NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("trigger %s fills rows%s: no step drops or renames it", quote_identifier(step->fk_name),
					plan ? psprintf(" for plan \"%s\"", plan) : ""),
			 ending ? errhint("What ends it:\n%s", ending) : errhint("%s has no such trigger: leave the step out.", step->child_table)));
}

void
plan_change_check(PlanStep *step, bool (*is_taken) (void *arg, const char *name), void *arg)
{
	check_fields(step);
	check_policy(step);
	check_sql(step);
	if ((step->kind == STEP_DROP || step->kind == STEP_RENAME) && step->fk_name == NULL &&
		plan_changed_object(step) != CHANGED_TABLE && plan_changed_object(step) != CHANGED_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a step of kind \"%s\" needs the name of the %s", plan_kind_word(step->kind), step->definition),
				 errhint("Name it beside its table: name => 'note'.")));
	if (step->fk_name)
		sg_check_name(step->fk_name, "name");
	else
		step->fk_name = make_name(step, is_taken, arg);
	check_no_filler(step);
	if (step->new_name)
		sg_check_name(step->new_name, "new_name");
	if ((step->kind == STEP_COLUMN || step->kind == STEP_DEFAULT) &&
		strcmp(step->fk_name, linitial(step->child_columns)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of such a step is that of its column")));
	if (plan_step_is_of_relation(step) && strcmp(step->fk_name, sg_parse_table_name(step->child_table).name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s is named by child_table alone", step->kind == STEP_TABLE ? "table" : step->definition)));
}

bool
plan_step_holds_sql(const PlanStep *step)
{
	if (step->fill || step->undo || step->done_when || step->keep_by)
		return true;
	switch (step->kind)
	{
		case STEP_CHECK:
		case STEP_COLUMN:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_STATEMENT:
		case STEP_TABLE:
			return step->definition != NULL;
		case STEP_FOREIGN_KEY:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
		case STEP_DROP:
		case STEP_RENAME:
		case STEP_ROWS:
		case STEP_KINDS:
			return false;
	}
	return true;
}

char *
plan_change_object(const PlanStep *step)
{
	const char *word = plan_kind_word(step->kind);

	if (step->kind == STEP_DROP || step->kind == STEP_RENAME)
		word = psprintf("%s %s", word, step->definition);
	if (step->child_table == NULL || plan_step_is_of_relation(step))
		return psprintf("%s %s", word, step->child_table ? step->child_table : quote_identifier(step->fk_name));
	return psprintf("%s %s ON %s", word, quote_identifier(step->fk_name), step->child_table);
}

/* ---- statements ---- */

/*
 * Returns ADD CONSTRAINT ... NOT VALID; `what` has a line break after an
 * expression, which may end with a comment
 */
static char *
add_constraint(const PlanStep *step, char *what)
{
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", step->child_table,
					quote_identifier(step->fk_name), what);
}

static List *
not_null_statements(const PlanStep *step)
{
	const char *column = quote_identifier(linitial(step->child_columns));

	if (SG_HAVE_NOT_ENFORCED)
		return list_make2(add_constraint(step, psprintf("NOT NULL %s", column)),
						  plan_validate_statement(step->child_table, step->fk_name));
	return list_make4(add_constraint(step, psprintf("CHECK (%s IS NOT NULL)", column)),
					  plan_validate_statement(step->child_table, step->fk_name),
					  psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", step->child_table, column),
					  plan_drop_statement(step->child_table, step->fk_name));
}

char *
plan_unique_statement(const PlanStep *step, const char *table, const char *name, const char *index)
{
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s %s%s", table, quote_identifier(name),
					step->primary_key ? "PRIMARY KEY" : step->nulls_not_distinct && index == NULL ? "UNIQUE NULLS NOT DISTINCT" : "UNIQUE",
					index ? psprintf("USING INDEX %s", quote_identifier(index)) :
					psprintf("(%s)", sg_quote_list(step->child_columns)),
					step->initially_deferred ? " DEFERRABLE INITIALLY DEFERRED" :
					step->deferrable ? " DEFERRABLE" : "");
}

static List *
unique_statements(const PlanStep *step)
{
	return list_make2(psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)%s", quote_identifier(step->fk_name),
							   step->child_table, sg_quote_list(step->child_columns),
							   step->nulls_not_distinct ? " NULLS NOT DISTINCT" : ""),
					  plan_unique_statement(step, step->child_table, step->fk_name, step->fk_name));
}

const char *
plan_relation_word(const PlanStep *step, const char *name)
{
	if (plan_changed_object(step) != CHANGED_VIEW)
		return "TABLE";
	return get_rel_relkind(sg_find_qualified(name)) == RELKIND_MATVIEW ? "MATERIALIZED VIEW" : "VIEW";
}

/*
 * Returns ALTER TABLE, or another ALTER, with the verb and the name of the
 * object that is dropped or renamed
 */
static char *
object_statement(const PlanStep *step, const char *verb, const char *new_name)
{
	const char *name = quote_identifier(step->fk_name);
	const char *to = new_name ? psprintf(" TO %s", quote_identifier(new_name)) : "";
	bool		drops = new_name == NULL;
	SgTableName table = sg_parse_table_name(step->child_table);

	switch (plan_changed_object(step))
	{
		case CHANGED_TABLE:
			return drops ? psprintf("DROP TABLE %s", step->child_table) :
				psprintf("ALTER TABLE %s RENAME%s", step->child_table, to);
		case CHANGED_VIEW:
			return drops ? psprintf("DROP %s %s", plan_relation_word(step, step->child_table), step->child_table) :
				psprintf("ALTER %s %s RENAME%s", plan_relation_word(step, step->child_table), step->child_table, to);
		case CHANGED_COLUMN:
			return psprintf("ALTER TABLE %s %s COLUMN %s%s", step->child_table, verb, name, to);
		case CHANGED_CONSTRAINT:
			return psprintf("ALTER TABLE %s %s CONSTRAINT %s%s", step->child_table, verb, name, to);
		case CHANGED_INDEX:
			name = quote_qualified_identifier(table.schema, step->fk_name);
			return drops ? psprintf("DROP INDEX %s", name) : psprintf("ALTER INDEX %s RENAME%s", name, to);
		case CHANGED_TRIGGER:
			return drops ? psprintf("DROP TRIGGER %s ON %s", name, step->child_table) :
				psprintf("ALTER TRIGGER %s ON %s RENAME%s", name, step->child_table, to);
	}
	pg_unreachable();
}

List *
plan_change_statements(const PlanStep *step)
{
	const char *first = step->child_columns ? quote_identifier(linitial(step->child_columns)) : NULL;
	char	   *statement;

	switch (step->kind)
	{
		case STEP_CHECK:
			return list_make2(add_constraint(step, psprintf("CHECK (%s%s)", step->definition,
															strstr(plan_given(step->definition), "--") ? "\n" : "")),
							  plan_validate_statement(step->child_table, step->fk_name));
		case STEP_NOT_NULL:
			return not_null_statements(step);
		case STEP_UNIQUE:
			return unique_statements(step);
		case STEP_COLUMN:
			return list_make1(psprintf("ALTER TABLE %s ADD COLUMN %s %s", step->child_table, first, step->definition));
		case STEP_DEFAULT:
			return list_make1(step->definition ?
							  psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", step->child_table, first, step->definition) :
							  psprintf("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", step->child_table, first));
		case STEP_INDEX:
			return list_make1(plan_index_statement(plan_index_written(step->definition), step->fk_name, step->child_table, true));
		case STEP_STATEMENT:
			return plan_change_texts(step->definition);
		case STEP_DROP:
			return list_make1(object_statement(step, "DROP", NULL));
		case STEP_RENAME:
			return list_make1(object_statement(step, "RENAME", step->new_name));
		case STEP_TABLE:
			return list_make1(table_statement(step));
		case STEP_ROWS:
			statement = plan_rows_statement(step, false).text;
			return list_make1(statement ? statement : psprintf("-- rows of table %s, which does not fit yet", step->child_table));
		case STEP_FOREIGN_KEY:
		case STEP_KINDS:
			break;
	}
	return NIL;
}

/* ---- SQL functions ---- */

void
plan_step_set_fields(PlanStep *step, ArrayType *pairs)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(pairs, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i + 1 < n; i += 2)
	{
		char	   *name = TextDatumGetCString(elements[i]);
		const StepField *field = plan_field(name, FIELD_OPTION | FIELD_CHANGE);

		if (field == NULL || (field->flags & FIELD_STATUS))
			elog(ERROR, "there is no field \"%s\"", name);
		if (!nulls[i + 1])
			plan_field_set_text(field, step, TextDatumGetCString(elements[i + 1]));
	}
}

/*
 * schemaguard.sg_plan_add_step(plan text, kind text, VARIADIC fields text[])
 *
 * Adds a step that is no foreign key, for sg_plan_add_check() and the like.
 * Returns its number.  For the author's role and superusers (42501), 55006
 * while a session runs the plan, 22023 and 42601 for invalid steps.  Objects
 * that this database lacks are no error.
 */
static Datum
sg_plan_add_step_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	PlanStep   *step = plan_step_default(name);
	char	   *kind = sg_arg_text(fcinfo, 1);

	sg_check_granted(fcinfo);
	plan_field_set_text(plan_field("kind", FIELD_ANY), step, kind);
	if (!sg_arg_is_null(fcinfo, 2))
		plan_step_set_fields(step, PG_GETARG_ARRAYTYPE_P(2));

	PG_RETURN_INT32(plan_add_step(psprintf("sg_plan_add_%s()", kind), step));
}

/*
 * sg_plan_release(plan text, phase text)
 *
 * Releases the steps that wait for this phase; returns their number.  Phase
 * "fill" drops the triggers that fill new columns, too.  Withdraws an approval.
 * For the author's role and superusers (42501), 22023 if no step waits for it,
 * 55006 while a session runs the plan.
 */
static Datum
sg_plan_release_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	char	   *phase = sg_arg_text(fcinfo, 1);
	FkPlan	   *plan;
	int			released = 0;

	sg_check_granted(fcinfo);
	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_release()");
	foreach_ptr(PlanStep, step, plan_steps(name))
	{
		if (step->phase == NULL || strcmp(step->phase, phase) != 0)
			continue;
		step->phase = NULL;
		plan_step_update(step);
		released++;
	}
	if (strcmp(phase, PLAN_FILL_PHASE) == 0)
		released += plan_filler_release(plan);
	if (released == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no step of plan \"%s\" waits for phase \"%s\"", name, phase),
				 errhint("These are the phases that steps wait for:\nSELECT DISTINCT phase FROM schemaguard.plan_step WHERE plan = %s AND phase IS NOT NULL;",
						 quote_literal_cstr(name))));
	plan_withdraw_approval(plan);
	plan_log(plan, 0, "plan release", name, NULL);

	PG_RETURN_INT32(released);
}
