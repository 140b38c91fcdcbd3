/*-------------------------------------------------------------------------
 *
 * plan_drops.c
 *	  What a step drops: its own object, or what statements of the author's
 *	  drop, also several at once.
 *
 * A statement looks for names without a schema in pg_catalog alone, so only
 * names with one are of objects of users.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"

/* A drop that a statement makes; of a function if it is of no kind that a plan drops */
static PlanStep *
statement_drop(const PlanStep *step, const char *what, const char *table, const char *name)
{
	PlanStep   *drop = plan_step_default(step->plan);

	drop->step = step->step;
	drop->kind = what ? STEP_DROP : STEP_STATEMENT;
	drop->definition = what ? pstrdup(what) : NULL;
	drop->child_table = pstrdup(table);
	drop->fk_name = pstrdup(name);
	drop->after = step->after;
	drop->discard = what && strcmp(what, "view") != 0;
	return drop;
}

/* Adds the drop of a relation by its names, with the schema or without it */
static List *
add_relation_drop(List *drops, const PlanStep *step, const char *what, List *names)
{
	/* one without a schema is built in */
	if (list_length(names) < 2)
		return drops;
	return lappend(drops, statement_drop(step, what, quote_qualified_identifier(strVal(list_nth(names, list_length(names) - 2)), strVal(llast(names))),
										 strVal(llast(names))));
}

/* Adds the drops of the relations and functions of a schema */
static List *
add_schema_drops(List *drops, const PlanStep *step, const char *schema)
{
	Oid			namespace = get_namespace_oid(schema, true);
	SgCatalog	all;
	HeapTuple	tuple;

	sg_catalog_begin_all(&all, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		bool		is_view = form->relkind == RELKIND_VIEW || form->relkind == RELKIND_MATVIEW;

		if (form->relnamespace == namespace && (is_view || form->relkind == RELKIND_RELATION ||
												form->relkind == RELKIND_PARTITIONED_TABLE || form->relkind == RELKIND_FOREIGN_TABLE))
			drops = lappend(drops, statement_drop(step, is_view ? "view" : "table",
												  quote_qualified_identifier(schema, NameStr(form->relname)), NameStr(form->relname)));
	}
	sg_catalog_end(&all);
	sg_catalog_begin_all(&all, ProcedureRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		if (form->pronamespace == namespace)
			drops = lappend(drops, statement_drop(step, NULL, quote_qualified_identifier(schema, NameStr(form->proname)), NameStr(form->proname)));
	}
	sg_catalog_end(&all);
	return drops;
}

static List *
add_object_drops(List *drops, const PlanStep *step, const DropStmt *statement)
{
	foreach_ptr(Node, object, statement->objects)
	{
		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
				drops = add_relation_drop(drops, step, "table", (List *) object);
				break;
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
				drops = add_relation_drop(drops, step, "view", (List *) object);
				break;
			case OBJECT_FUNCTION:
			case OBJECT_ROUTINE:
			case OBJECT_PROCEDURE:
			case OBJECT_AGGREGATE:
				drops = add_relation_drop(drops, step, NULL, ((ObjectWithArgs *) object)->objname);
				break;
			case OBJECT_SCHEMA:
				if (statement->behavior == DROP_CASCADE)
					drops = add_schema_drops(drops, step, strVal(object));
				break;
			default:
				break;
		}
	}
	return drops;
}

static List *
add_column_drops(List *drops, const PlanStep *step, const AlterTableStmt *statement)
{
	const RangeVar *table = statement->relation;

	foreach_ptr(const AlterTableCmd, command, table->schemaname ? statement->cmds : NIL)
	{
		if (command->subtype == AT_DropColumn)
			drops = lappend(drops, statement_drop(step, "column", quote_qualified_identifier(table->schemaname, table->relname), command->name));
	}
	return drops;
}

List *
plan_drops(const PlanStep *step)
{
	List	   *drops = NIL;
	ErrorData  *edata;

	if (step->kind == STEP_DROP)
		return list_make1(unconstify(PlanStep *, step));
	foreach_ptr(RawStmt, raw, step->kind == STEP_STATEMENT && !step->outside ? plan_parse(step->definition, &edata) : NIL)
	{
		if (IsA(raw->stmt, DropStmt))
			drops = add_object_drops(drops, step, (DropStmt *) raw->stmt);
		else if (IsA(raw->stmt, AlterTableStmt))
			drops = add_column_drops(drops, step, (AlterTableStmt *) raw->stmt);
	}
	return drops;
}

bool
plan_step_drops(const PlanStep *step)
{
	return step->kind == STEP_DROP || (step->kind == STEP_STATEMENT && plan_drops(step) != NIL);
}

/* Returns the name of what a statement makes, or NULL */
static const RangeVar *
made_by(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return ((CreateStmt *) statement)->relation;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->into->rel;
		case T_ViewStmt:
			return ((ViewStmt *) statement)->view;
		case T_SelectStmt:
			return ((SelectStmt *) statement)->intoClause ? ((SelectStmt *) statement)->intoClause->rel : NULL;
		default:
			return NULL;
	}
}

List *
plan_makes(const PlanStep *step)
{
	List	   *names = NIL;
	ErrorData  *edata;

	if (step->kind == STEP_TABLE)
		return list_make1(step->child_table);
	foreach_ptr(RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		const RangeVar *made = made_by(raw->stmt);

		if (made && made->schemaname)
			names = lappend(names, quote_qualified_identifier(made->schemaname, made->relname));
	}
	return names;
}
