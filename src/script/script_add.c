/*-------------------------------------------------------------------------
 *
 * script_add.c
 *	  sg_plan_add(): one statement, as steps of a plan.
 *
 *	  Statements that add keys, constraints, columns, defaults or indexes are
 *	  read as in a script; a drop or a rename of one object is a step of that
 *	  kind.  Any other statement, and one of which a script would leave a part
 *	  out, becomes a step of kind statement, so that nothing of it is lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_change.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"
#include "script/script.h"

SG_FUNCTION(sg_plan_add);

static const char refused_hint[] = "Nothing was added. Correct the statement, or what it is about.";

/* A drop or a rename, as fields of a step */
typedef struct ObjectChange
{
	char	   *kind;
	char	   *what;
	char	   *table;
	char	   *name;			/* name of the part; NULL: the table itself */
	char	   *new_name;
	bool		if_exists;
} ObjectChange;

static char *
relation_text(const RangeVar *relation)
{
	return quote_qualified_identifier(relation->schemaname, relation->relname);
}

static char *
script_table_of_index(Oid index)
{
	Oid			table = OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;

	return OidIsValid(table) ? sg_relation_name(table) : NULL;
}

static char *
table_of_index(const RangeVar *name)
{
	return script_table_of_index(RangeVarGetRelid(name, NoLock, true));
}

/* Reads a DROP of one object without CASCADE */
static bool
read_drop(const DropStmt *statement, ObjectChange *change)
{
	List	   *names;

	if (list_length(statement->objects) != 1 || statement->behavior == DROP_CASCADE || statement->concurrent)
		return false;
	names = linitial(statement->objects);
	change->kind = "drop";
	change->if_exists = statement->missing_ok;
	switch (statement->removeType)
	{
		case OBJECT_TABLE:
			change->what = "table";
			change->table = NameListToQuotedString(names);
			return true;
		case OBJECT_VIEW:
			change->what = "view";
			change->table = NameListToQuotedString(names);
			return true;
		case OBJECT_INDEX:
			change->what = "index";
			change->table = table_of_index(makeRangeVarFromNameList(names));
			change->name = strVal(llast(names));
			return change->table != NULL;
		case OBJECT_TRIGGER:
			change->what = "trigger";
			change->table = NameListToQuotedString(list_copy_head(names, list_length(names) - 1));
			change->name = strVal(llast(names));
			return true;
		default:
			return false;
	}
}

/* Reads an ALTER TABLE with one command that drops a part of the table */
static bool
read_alter(const AlterTableStmt *statement, ObjectChange *change)
{
	AlterTableCmd *command = linitial(statement->cmds);

	if (statement->objtype != OBJECT_TABLE || list_length(statement->cmds) != 1 || command->behavior == DROP_CASCADE ||
		!statement->relation->inh)
		return false;
	if (command->subtype != AT_DropColumn && command->subtype != AT_DropConstraint)
		return false;
	change->kind = "drop";
	change->if_exists = statement->missing_ok || command->missing_ok;
	change->what = command->subtype == AT_DropColumn ? "column" : "constraint";
	change->table = relation_text(statement->relation);
	change->name = command->name;
	return true;
}

static bool
read_rename(const RenameStmt *statement, ObjectChange *change)
{
	change->kind = "rename";
	change->new_name = statement->newname;
	if (statement->relation == NULL || !statement->relation->inh)
		return false;
	change->table = relation_text(statement->relation);
	switch (statement->renameType)
	{
		case OBJECT_TABLE:
			change->what = "table";
			return true;
		case OBJECT_VIEW:
			change->what = "view";
			return true;
		case OBJECT_INDEX:
			change->what = "index";
			change->table = table_of_index(statement->relation);
			change->name = statement->relation->relname;
			return change->table != NULL;
		case OBJECT_COLUMN:
			change->what = "column";
			change->name = statement->subname;
			return statement->relationType == OBJECT_TABLE;
		case OBJECT_TABCONSTRAINT:
			change->what = "constraint";
			change->name = statement->subname;
			return true;
		case OBJECT_TRIGGER:
			change->what = "trigger";
			change->name = statement->subname;
			return true;
		default:
			return false;
	}
}

static bool
read_object_change(Node *statement, ObjectChange *change)
{
	if (IsA(statement, DropStmt))
		return read_drop((DropStmt *) statement, change);
	if (IsA(statement, AlterTableStmt))
		return read_alter((AlterTableStmt *) statement, change);
	return IsA(statement, RenameStmt) && read_rename((RenameStmt *) statement, change);
}

static void
set_field(PlanStep *step, const char *name, char *value)
{
	if (value)
		plan_field_set_text(plan_field(name, FIELD_ANY), step, value);
}

/* Adds a step to the plan; returns it */
static PlanStep *
add_step(PlanStep *step)
{
	(void) plan_add_step("sg_plan_add()", step);
	return step;
}

static PlanStep *
add_object_change(const FkPlan *plan, const ObjectChange *change)
{
	PlanStep   *step = plan_step_default(plan->name);

	set_field(step, "kind", change->kind);
	set_field(step, "definition", change->what);
	set_field(step, "child_table", change->table);
	set_field(step, "fk_name", change->name);
	set_field(step, "new_name", change->new_name);
	step->if_exists = change->if_exists;
	return add_step(step);
}

/* Adds the statement as it is written, with the schemas that its names need */
static PlanStep *
add_statement(const FkPlan *plan, const ScriptReader *reader, Node *statement)
{
	PlanStep   *step = plan_step_default(plan->name);
	const ScriptStatement *first = reader->script->statements;

	set_field(step, "kind", "statement");
	set_field(step, "definition", script_qualified_statement(script_tokens(reader->script->sql + first->start), reader->path,
															 statement, first->length));
	return add_step(step);
}

/* Returns whether the first step creates the table, which it does not if the table exists */
static bool
makes_table(const ScriptReader *reader)
{
	return ((ScriptStep *) linitial(reader->steps))->step->kind == STEP_TABLE;
}

/* Returns whether a script takes the whole of such a statement, if it takes anything of it */
static bool
is_taken_whole(Node *statement, const ScriptReader *reader)
{
	return reader->steps != NIL && reader->remarks == NIL && (IsA(statement, AlterTableStmt) || IsA(statement, IndexStmt) || makes_table(reader));
}

static Node *
single_statement(const ScriptReader *reader)
{
	const Script *script = reader->script;

	if (script->nstatements != 1 || script->commands != NIL || script->copy_lines != 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 script->commands != NIL || script->copy_lines != 0 ?
				 errmsg("sg_plan_add() takes one statement of SQL, and neither commands of psql nor rows of COPY") :
				 errmsg("sg_plan_add() takes one statement, and here are %d", script->nstatements),
				 errhint("Several are a script, which sg_plan_from_sql reads.")));
	return linitial_node(RawStmt, raw_parser(script->sql + script->statements->start, RAW_PARSE_DEFAULT))->stmt;
}

/* Adds the steps that the statement makes; returns them */
static List *
add(FkPlan *plan, ScriptReader *reader)
{
	ObjectChange change = {0};
	Node	   *statement;

	(void) script_notes(reader, refused_hint);
	statement = single_statement(reader);
	if (read_object_change(statement, &change))
		return list_make1(add_object_change(plan, &change));
	if (is_taken_whole(statement, reader))
	{
		List	   *added = script_add_steps(reader, plan);

		(void) script_notes(reader, refused_hint);
		foreach_ptr(const PlanStep, step, added)
		{
			plan_tell_holds(step);
		}
		return added;
	}
	return list_make1(add_statement(plan, reader, statement));
}

/* Gives the names in a step's undo their schemas, as in its statement */
static void
qualify_undo(const FkPlan *plan, const ScriptReader *reader, int number)
{
	PlanStep   *step = plan_step_get(plan->name, number, false);
	StringInfoData undo;
	StringInfoData options;
	SgJson		json;

	if (step->kind != STEP_STATEMENT || step->undo == NULL)
		return;
	initStringInfo(&undo);
	foreach_ptr(const char, text, plan_change_texts(step->undo))
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		appendStringInfo(&undo, "%s%s", undo.len ? "; " : "",
						 script_qualified_statement(script_tokens(text), reader->path, statement, strlen(text)));
	}
	if (undo.len == 0 || strcmp(undo.data, step->undo) == 0)
		return;
	initStringInfo(&options);
	appendStringInfoString(&options, "{\"undo\": ");
	escape_json(&options, undo.data);
	appendStringInfoChar(&options, '}');
	sg_json_begin(&json, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(options.data))), PLAN_OPTIONS_NAME, PLAN_OPTIONS_HINT);
	plan_step_set_options(plan, step, &json);
}

/*
 * sg_plan_add(plan text, sql text, options jsonb DEFAULT '{}')
 *
 * Adds one statement's work to a plan and sets options of its steps, as
 * sg_plan_set() does; returns their numbers, none for steps that the plan has
 * already.  For the author's role and superusers (42501); 42601 unless sql is
 * one statement, 22023 for options that no step has, 0A000 for kinds of
 * statements that no plan takes, 55006 while a session runs the plan.  Locks no
 * table of users.
 */
static Datum
sg_plan_add_entered(PG_FUNCTION_ARGS)
{
	ScriptReader reader = {0};
	SgJson		options;
	FkPlan	   *plan;
	Datum	   *numbers;
	List	   *steps;
	int			n = 0;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	sg_arg_check(fcinfo, 2);
	sg_json_begin(&options, PG_GETARG_JSONB_P(2), PLAN_OPTIONS_NAME, PLAN_OPTIONS_HINT);
	plan_check_writable(plan, "sg_plan_add()");
	script_read(&reader, plan, sg_arg_text(fcinfo, 1));
	steps = add(plan, &reader);
	numbers = palloc(sizeof(Datum) * Max(list_length(steps), 1));
	foreach_ptr(const PlanStep, step, steps)
	{
		numbers[n++] = Int32GetDatum(step->step);
	}
	if (JB_ROOT_COUNT(PG_GETARG_JSONB_P(2)) > 0 || !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(2)))
	{
		int			level = NewGUCNestLevel();

		/* warnings about the step were given when it was added */
		if (client_min_messages < WARNING)
			sg_scope_set("client_min_messages", "warning");
		foreach_ptr(PlanStep, step, plan_steps_that_take(plan, steps, &options))
		{
			plan_step_set_options(plan, step, &options);
			qualify_undo(plan, &reader, step->step);
		}
		AtEOXact_GUC(false, level);
	}
	if (n == 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\" has all that the statement adds", plan->name)));
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
