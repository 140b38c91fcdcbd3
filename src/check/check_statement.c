/*-------------------------------------------------------------------------
 *
 * check_statement.c
 *	  Statements of a plan: the objects that they name, and the tables whose
 *	  rows they write.
 *
 * Names are looked up as the statement's run does it, in pg_catalog alone
 * unless they have a schema.  An earlier step of the plan may make what is not
 * there yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "catalog/indexing.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "check/check.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_order.h"

#define NAMED_GONE 3			/* tables that a message names */

typedef struct Naming
{
	CheckStep  *cs;
	Node	   *statement;
	List	   *queries;		/* names of WITH, of char * */
	List	   *missing;		/* of char * */
	char	   *near;			/* what the first of these may have meant, or
								 * NULL */
} Naming;

/* ---- names ---- */

static void
look_for_table(Naming *naming, const RangeVar *name)
{
	if (name == NULL || OidIsValid(change_find_named(name)))
		return;
	if (naming->missing == NIL && name->schemaname)
		naming->near = sg_nearest_table(quote_qualified_identifier(name->schemaname, name->relname));
	naming->missing = lappend(naming->missing, psprintf("relation %s", name->schemaname ?
														quote_qualified_identifier(name->schemaname, name->relname) :
														quote_identifier(name->relname)));
}

static void
look_for_tables(Naming *naming, List *names)
{
	foreach_ptr(const RangeVar, name, names)
	{
		look_for_table(naming, name);
	}
}

static bool
visit_queries(Node *node, void *context)
{
	Naming	   *naming = context;

	if (node == NULL)
		return false;
	if (IsA(node, CommonTableExpr))
		naming->queries = lappend(naming->queries, ((CommonTableExpr *) node)->ctename);
	return raw_expression_tree_walker(node, visit_queries, context);
}

static bool
visit_tables(Node *node, void *context)
{
	Naming	   *naming = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) && (((RangeVar *) node)->schemaname || !sg_has_name(naming->queries, ((RangeVar *) node)->relname)))
		look_for_table(naming, (RangeVar *) node);
	return raw_expression_tree_walker(node, visit_tables, context);
}

/* Looks for the object of DROP or COMMENT; an error of the server's says what is missing */
static void
look_for_object(Naming *naming, ObjectType type, Node *object)
{
	Relation	rel = NULL;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			look_for_table(naming, makeRangeVarFromNameList((List *) object));
			break;
		case OBJECT_TRIGGER:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_COLUMN:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			look_for_table(naming, makeRangeVarFromNameList(list_copy_head((List *) object, list_length((List *) object) - 1)));
			if (naming->missing)
				break;
			(void) get_object_address(type, object, &rel, AccessShareLock, false);
			if (rel)
				relation_close(rel, NoLock);
			break;
		default:
			break;
	}
}

/* Looks for what a command of ALTER TABLE names */
static void
look_for_part(Naming *naming, Oid table, const AlterTableCmd *command)
{
	const char *what = NULL;

	switch (command->subtype)
	{
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			what = OidIsValid(get_trigger_oid(table, command->name, true)) ? NULL : "trigger";
			break;
		case AT_DropColumn:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_ColumnDefault:
		case AT_AlterColumnType:
			what = command->missing_ok || get_attnum(table, command->name) != InvalidAttrNumber ? NULL : "column";
			break;
		case AT_DropConstraint:
		case AT_ValidateConstraint:
			what = command->missing_ok || OidIsValid(get_relation_constraint_oid(table, command->name, true)) ? NULL : "constraint";
			break;
		default:
			break;
	}
	if (what)
		naming->missing = lappend(naming->missing, psprintf("%s %s", what, quote_identifier(command->name)));
}

static void
look_for_altered(Naming *naming, const AlterTableStmt *statement)
{
	Oid			table = change_find_named(statement->relation);

	if (OidIsValid(table))
	{
		foreach_ptr(const AlterTableCmd, command, statement->cmds)
		{
			look_for_part(naming, table, command);
		}
	}
	else if (!statement->missing_ok)
		look_for_table(naming, statement->relation);
}

static void
look_for_all(void *arg)
{
	Naming	   *naming = arg;
	Node	   *statement = naming->statement;
	SgScope		scope;

	sg_caller_begin(&scope);
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			look_for_altered(naming, (AlterTableStmt *) statement);
			break;
		case T_RenameStmt:
			if (!((RenameStmt *) statement)->missing_ok)
				look_for_table(naming, ((RenameStmt *) statement)->relation);
			break;
		case T_DropStmt:
			foreach_ptr(Node, object, ((DropStmt *) statement)->missing_ok ? NIL : ((DropStmt *) statement)->objects)
			{
				look_for_object(naming, ((DropStmt *) statement)->removeType, object);
			}
			break;
		case T_CommentStmt:
			look_for_object(naming, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object);
			break;
		case T_GrantStmt:
			if (((GrantStmt *) statement)->targtype == ACL_TARGET_OBJECT &&
				(((GrantStmt *) statement)->objtype == OBJECT_TABLE || ((GrantStmt *) statement)->objtype == OBJECT_SEQUENCE))
				look_for_tables(naming, ((GrantStmt *) statement)->objects);
			break;
		case T_TruncateStmt:
			look_for_tables(naming, ((TruncateStmt *) statement)->relations);
			break;
		case T_RefreshMatViewStmt:
			look_for_table(naming, ((RefreshMatViewStmt *) statement)->relation);
			break;
		case T_IndexStmt:
			look_for_table(naming, ((IndexStmt *) statement)->relation);
			break;
		case T_CreatePolicyStmt:
			look_for_table(naming, ((CreatePolicyStmt *) statement)->table);
			break;
		case T_CreateTrigStmt:
			look_for_table(naming, ((CreateTrigStmt *) statement)->relation);
			(void) LookupFuncName(((CreateTrigStmt *) statement)->funcname, 0, NULL, false);
			break;
		case T_ViewStmt:
			(void) visit_queries(((ViewStmt *) statement)->query, naming);
			(void) visit_tables(((ViewStmt *) statement)->query, naming);
			break;
		default:
			break;
	}
	sg_scope_end(&scope);
}

bool
check_may_be_made(const PlanCheck *check, const CheckStep *cs, bool tables)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs)
			return false;
		if (!plan_step_is_done(other->step) && !other->step->skipped_by &&
			((other->step->kind == STEP_STATEMENT && (tables || other->makes == NULL)) || other->step->kind == STEP_RENAME))
			return true;
	}
	return false;
}

static void
check_names(PlanCheck *check, CheckStep *cs, Node *statement, bool first)
{
	Naming		naming = {.cs = cs,.statement = statement};
	ErrorData  *edata = check_try(look_for_all, &naming);
	CheckResult result = !first || check_may_be_made(check, cs, true) ? CHECK_WARN : CHECK_BLOCK;
	const char *unless = result == CHECK_WARN ? ", unless an earlier statement makes it" : "";

	if (edata && sg_is_race(edata))
		ReThrowError(edata);
	if (edata && edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		check_row(cs, "names", CHECK_WARN, psprintf("the names could not be looked up: %s", sg_error_message(edata)), NULL);
	else if (edata)
		check_row(cs, "names", result, psprintf("%s%s", sg_error_message(edata), unless), NULL);
	else if (naming.missing)
		check_row(cs, "names", result, psprintf("%s does not exist%s", (char *) linitial(naming.missing), unless),
				  naming.near ? psprintf("Perhaps you meant %s.", naming.near) :
				  pstrdup("Names in a statement are looked up in pg_catalog; others need their schema."));
}

/* ---- rows that are written ---- */

/* The table whose rows a statement writes, with the bit of its triggers; or InvalidOid */
static Oid
written_table(Node *statement, int *event)
{
	Oid			table;
	SgScope		scope;

	if (IsA(statement, InsertStmt))
		*event = TRIGGER_TYPE_INSERT;
	else if (IsA(statement, UpdateStmt))
		*event = TRIGGER_TYPE_UPDATE;
	else if (IsA(statement, DeleteStmt))
		*event = TRIGGER_TYPE_DELETE;
	else
		return InvalidOid;
	sg_caller_begin(&scope);
	table = change_find_named(change_written(statement));
	sg_scope_end(&scope);
	return table;
}

/* Warns of each trigger that fires for the rows, since nobody knows what it does */
static void
check_triggers(CheckStep *cs, Oid table, int event)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	StringInfoData names;

	initStringInfo(&names);
	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (!form->tgisinternal && form->tgenabled != TRIGGER_DISABLED && (form->tgtype & event))
			appendStringInfo(&names, "%s%s", names.len ? ", " : "", quote_identifier(NameStr(form->tgname)));
	}
	sg_catalog_end(&scan);
	if (names.len)
		check_row(cs, "triggers", CHECK_WARN,
				  psprintf("triggers of %s run for the rows that it writes, and may refuse or change these: %s", sg_relation_name(table), names.data),
				  NULL);
}

/* A statement that names one table to drop, or one column, is a step that keeps it if nothing is to go along */
static char *
kept_instead(const PlanStep *step, Node *statement, const List *gone)
{
	const ChangeGone *one = list_length(gone) == 1 ? linitial(gone) : NULL;

	if (one == NULL || one->converted || IsA(statement, TruncateStmt) || list_length(plan_change_texts(step->definition)) > 1)
		return NULL;
	return psprintf(sg_calls("In its place, a step that keeps it until it is pruned:\nSELECT sg_plan_add(%s, %s);\n%s"), quote_literal_cstr(step->plan),
					quote_literal_cstr(one->column ? psprintf("ALTER TABLE %s DROP COLUMN %s", sg_relation_name(one->table), quote_identifier(one->column)) :
									   psprintf("DROP TABLE %s", sg_relation_name(one->table))),
					plan_skip_call(step, "another step drops it, and keeps it"));
}

/* Rows and values that go without a copy: those of the first tables that have some, and how many tables more */
static void
check_gone(CheckStep *cs, Node *statement, const List *gone)
{
	bool		converted = gone && ((ChangeGone *) linitial(gone))->converted;
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	foreach_ptr(ChangeGone, one, gone)
	{
		int64		rows = change_count_gone(list_make1(one));

		if (rows == 0 || n++ >= NAMED_GONE)
			continue;
		appendStringInfo(&text, "%s%s%s%s of %s%s%s", text.len ? ", " : "", rows < 0 ? "" : psprintf(INT64_FORMAT " ", rows),
						 one->column ? "value" : "row", rows == 1 ? "" : "s", sg_relation_name(one->table), one->column ? "." : "",
						 one->column ? quote_identifier(one->column) : "");
	}
	if (n > NAMED_GONE)
		appendStringInfo(&text, ", and what %d more tables have", n - NAMED_GONE);
	if (n > 0)
		check_row(cs, "loss", converted && cs->step->undo ? CHECK_OK : CHECK_WARN, psprintf("%s for good: %s", converted ? "computed anew, and what was there goes" : "goes", text.data),
				  kept_instead(cs->step, statement, gone));
	else if (gone)
		check_row(cs, "loss", CHECK_OK, pstrdup("no row or value goes as things are now"), NULL);
}

/* Tells what goes for good without being named */
static void
check_loss(CheckStep *cs, Node *statement)
{
	ChangeAlong along;

	change_along(statement, &along);
	check_gone(cs, statement, along.gone);
	if (IsA(statement, TruncateStmt))
		return;
	if (along.names)
		check_row(cs, "loss", CHECK_WARN,
				  psprintf("CASCADE takes along %s; no rollback brings it back", change_along_text(along.names)),
				  pstrdup("Drop first what depends on it, each by a step of its own, and leave CASCADE out."));
	else if (along.cascades && along.known)
		check_row(cs, "loss", CHECK_OK, pstrdup("CASCADE takes nothing along as things are now"), NULL);
	else if (along.cascades)
		check_row(cs, "loss", CHECK_WARN,
				  pstrdup("CASCADE drops whatever depends on that, such as views, keys and columns, and no rollback brings it back"),
				  pstrdup("Drop first what depends on it, each by a step of its own, and leave CASCADE out."));
}

/* Looks for queries that delete rows, in WITH, too */
static bool
deletes(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, DeleteStmt) || (IsA(node, MergeWhenClause) && ((MergeWhenClause *) node)->commandType == CMD_DELETE))
		return true;
	return raw_expression_tree_walker(node, deletes, context);
}

/* Warns of a query that deletes rows; one that changes them is said to */
static void
check_written(CheckStep *cs, Node *statement)
{
	const RangeVar *name = change_written(statement);
	bool		goes = deletes(statement, NULL);

	if (!goes && (name == NULL || IsA(statement, InsertStmt)))
		return;
	check_row(cs, "loss", goes && cs->step->undo == NULL ? CHECK_WARN : CHECK_OK,
			  psprintf("%s rows%s without a copy", goes ? "deletes" : "changes", name == NULL ? "" :
					   psprintf(" of %s", sg_qualified_name(name->schemaname, name->relname))),
			  cs->step->undo ? NULL : pstrdup("No rollback brings them back. If they may be wanted again, copy them first, by a statement before it."));
}

void
check_statement(PlanCheck *check, CheckStep *cs)
{
	bool		first = true;

	foreach_ptr(const char, text, plan_change_texts(cs->step->definition))
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		int			event = 0;
		Oid			table = written_table(statement, &event);

		check_names(check, cs, statement, first);
		check_loss(cs, statement);
		if (code_is_query(statement))
			check_written(cs, statement);
		first = false;
		if (!OidIsValid(table))
			continue;
		check_triggers(cs, table, event);
		if (event != TRIGGER_TYPE_INSERT)
			check_published_writes(check, cs, table, CHECK_BLOCK, event == TRIGGER_TYPE_UPDATE, event == TRIGGER_TYPE_DELETE);
	}
}
