/*-------------------------------------------------------------------------
 *
 * script_follow.c
 *	  Effects of a script's later statements on the steps of earlier ones.
 *
 *	  Migration scripts drop a key to add it with other clauses, and rename
 *	  objects that they have created.  The plan is to hold the script's final
 *	  state, so steps that have been read are marked as gone, or follow the
 *	  new name.  Only meanings of table names are looked up in the database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_input.h"
#include "script/script.h"

static bool
is_child(const ScriptStep *step, const char *table)
{
	return !step->gone && sg_same_text(step->step->child_table, table);
}

static bool
is_parent(const ScriptStep *step, const char *table)
{
	return !step->gone && sg_same_text(step->step->parent_table, table);
}

static bool
is_constraint(const ScriptStep *step)
{
	StepKind	kind = step->step->kind;

	return kind == STEP_FOREIGN_KEY || kind == STEP_CHECK || kind == STEP_NOT_NULL || kind == STEP_UNIQUE;
}

/*
 * Returns the name of a table's constraint, or, for a key, the name that ALTER
 * TABLE would have chosen; *names has the table's earlier constraints.
 */
static char *
constraint_name(const ScriptStep *step, List **names)
{
	char	   *name = step->step->fk_name;

	for (int n = 0; name == NULL && step->step->kind == STEP_FOREIGN_KEY; n++)
	{
		name = plan_default_fk_name(step->step, n);
		if (sg_has_name(*names, name))
			name = NULL;
	}
	if (name)
		*names = lappend(*names, name);

	return name;
}

/* Returns the table's constraint of this name, or NULL */
static ScriptStep *
find_constraint(List *steps, const char *table, const char *name)
{
	List	   *names = NIL;

	foreach_ptr(ScriptStep, step, steps)
	{
		char	   *own = is_child(step, table) && is_constraint(step) ? constraint_name(step, &names) : NULL;

		if (own && strcmp(own, name) == 0)
			return step;
	}
	return NULL;
}

/* Sets the chosen names of the table's keys, before the table is renamed */
static void
fix_names(List *steps, const char *table)
{
	List	   *names = NIL;

	foreach_ptr(ScriptStep, step, steps)
	{
		char	   *name = is_child(step, table) && is_constraint(step) ? constraint_name(step, &names) : NULL;

		if (name)
			step->step->fk_name = MemoryContextStrdup(GetMemoryChunkContext(step), name);
	}
}

/* ---- commands of ALTER TABLE ---- */

static bool
drop_constraint(List *steps, const char *table, const char *name)
{
	ScriptStep *step = find_constraint(steps, table, name);

	if (step)
		step->gone = true;
	return step != NULL;
}

static bool
alter_constraint(List *steps, const char *table, Node *def)
{
	SgAlterConstraint alter = sg_alter_constraint(def);
	ScriptStep *step = find_constraint(steps, table, alter.name);

	if (step == NULL || step->step->kind != STEP_FOREIGN_KEY)
		return false;
	if (alter.alters_timing)
	{
		step->step->deferrable = alter.deferrable;
		step->step->initially_deferred = alter.initially_deferred;
	}
	if (alter.alters_enforced)
		step->step->enforced = alter.enforced;
	return true;
}

static bool
drop_column(List *steps, const char *table, const char *column)
{
	bool		found = false;

	foreach_ptr(ScriptStep, step, steps)
	{
		if ((is_child(step, table) && sg_has_name(step->step->child_columns, column)) ||
			(is_parent(step, table) && sg_has_name(step->step->parent_columns, column)))
			step->gone = found = true;
	}
	return found;
}

/* Drops the step by which an earlier statement gave the column this property */
static bool
drop_of_column(List *steps, const char *table, const char *column, StepKind kind)
{
	bool		found = false;

	foreach_ptr(ScriptStep, step, steps)
	{
		if (step->step->kind == kind && is_child(step, table) && sg_has_name(step->step->child_columns, column))
			step->gone = found = true;
	}
	return found;
}

bool
script_follow_command(List *steps, const char *table, AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_DropConstraint:
			return drop_constraint(steps, table, cmd->name);
		case AT_AlterConstraint:
			return alter_constraint(steps, table, cmd->def);
		case AT_DropColumn:
			return drop_column(steps, table, cmd->name);
		case AT_DropNotNull:
			return drop_of_column(steps, table, cmd->name, STEP_NOT_NULL);
		case AT_ColumnDefault:
			return drop_of_column(steps, table, cmd->name, STEP_DEFAULT);
		default:
			return false;
	}
}

/* ---- other statements ---- */

static void
drop_schemas(List *steps, List *objects)
{
	ListCell   *object;

	foreach(object, objects)
	{
		const char *schema = strVal(lfirst(object));

		foreach_ptr(ScriptStep, step, steps)
		{
			if (strcmp(sg_parse_table_name(step->step->child_table).schema, schema) == 0 ||
				(step->step->parent_table && strcmp(sg_parse_table_name(step->step->parent_table).schema, schema) == 0))
				step->gone = true;
		}
	}
}

/* Drops the steps of indexes, which are in the schemas of their tables */
static void
drop_indexes(List *steps, List *objects)
{
	ListCell   *object;

	foreach(object, objects)
	{
		RangeVar   *name = makeRangeVarFromNameList(lfirst(object));

		foreach_ptr(ScriptStep, step, steps)
		{
			if ((step->step->kind == STEP_INDEX || step->index_only) &&
				step->step->fk_name && strcmp(step->step->fk_name, name->relname) == 0 &&
				(name->schemaname == NULL ||
				 strcmp(sg_parse_table_name(step->step->child_table).schema, name->schemaname) == 0))
				step->gone = true;
		}
	}
}

static void
follow_drop(List *steps, ScriptPath *path, DropStmt *stmt)
{
	ListCell   *object;

	if (stmt->removeType == OBJECT_SCHEMA)
		drop_schemas(steps, stmt->objects);
	if (stmt->removeType == OBJECT_INDEX)
		drop_indexes(steps, stmt->objects);
	if (stmt->removeType != OBJECT_TABLE)
		return;

	foreach(object, stmt->objects)
	{
		char	   *table = script_path_drop_table(path, makeRangeVarFromNameList(lfirst(object)));

		foreach_ptr(ScriptStep, step, steps)
		{
			if (is_child(step, table) || is_parent(step, table))
				step->gone = true;
		}
	}
}

/* Returns whether a command leaves CREATE TABLE's definition of the table alone */
static bool
is_beside(AlterTableType command)
{
	switch (command)
	{
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_ValidateConstraint:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return true;
		default:
			return false;
	}
}

static void
skip_table(List *steps, const char *table, const char *reason)
{
	foreach_ptr(ScriptStep, step, steps)
	{
		MemoryContext context;

		if (step->step->kind != STEP_TABLE || !is_child(step, table))
			continue;
		context = MemoryContextSwitchTo(GetMemoryChunkContext(step));
		plan_step_skip(step->step, reason);
		MemoryContextSwitchTo(context);
	}
}

void
script_follow_unread(List *steps, ScriptPath *path, const char *table, AlterTableCmd *cmd)
{
	if (cmd->subtype == AT_AttachPartition)
		skip_table(steps, script_path_table(path, castNode(PartitionCmd, cmd->def)->name), "the script attaches the table to another one");
	else if (!is_beside(cmd->subtype))
		skip_table(steps, table, "the script changes the table in a way that no step has");
}

/* Renames the table in all steps */
static void
rename_table(List *steps, ScriptPath *path, RangeVar *name, char *schema, char *newname)
{
	RangeVar	renamed = *name;
	char	   *old = script_path_drop_table(path, name);
	char	   *new;

	/*
	 * the table stays in its schema, which may be known only from the
	 * search_path
	 */
	if (schema == NULL)
		schema = sg_parse_table_name(old).schema;
	renamed.schemaname = schema;
	renamed.relname = newname;
	new = script_path_new_table(path, &renamed);

	fix_names(steps, old);
	foreach_ptr(ScriptStep, step, steps)
	{
		MemoryContext context = GetMemoryChunkContext(step);

		if (is_child(step, old))
			step->step->child_table = MemoryContextStrdup(context, new);
		if (is_child(step, new) && step->step->kind == STEP_TABLE)
			step->step->fk_name = MemoryContextStrdup(context, renamed.relname);
		if (is_parent(step, old))
			step->step->parent_table = MemoryContextStrdup(context, new);
	}
}

static void
rename_in(List *names, const char *old, const char *new)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), old) == 0)
			lfirst(lc) = MemoryContextStrdup(GetMemoryChunkContext(lfirst(lc)), new);
	}
}

/* Renames a column in its own step; texts of other definitions are not rewritten */
static void
rename_definition(ScriptStep *step, const char *old, const char *new)
{
	PlanStep   *change = step->step;

	if (change->kind == STEP_COLUMN || change->kind == STEP_DEFAULT)
	{
		if (change->fk_name && strcmp(change->fk_name, old) == 0)
			change->fk_name = MemoryContextStrdup(GetMemoryChunkContext(step), new);
	}
	else if (change->definition && strstr(change->definition, old))
	{
		MemoryContext context = MemoryContextSwitchTo(GetMemoryChunkContext(step));

		plan_step_skip(change, "the script renames a column that the definition may name");
		MemoryContextSwitchTo(context);
	}
}

static void
rename_column(List *steps, const char *table, const char *old, const char *new)
{
	fix_names(steps, table);
	foreach_ptr(ScriptStep, step, steps)
	{
		if (is_child(step, table))
		{
			rename_in(step->step->child_columns, old, new);
			rename_in(step->step->on_delete_columns, old, new);
			rename_in(step->leading, old, new);
			rename_definition(step, old, new);
		}
		if (is_parent(step, table))
			rename_in(step->step->parent_columns, old, new);
	}
}

static void
follow_rename(List *steps, ScriptPath *path, RenameStmt *stmt)
{
	ScriptStep *step;

	if (stmt->relation == NULL)
		return;

	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
			rename_table(steps, path, stmt->relation, NULL, stmt->newname);
			break;
		case OBJECT_COLUMN:
			rename_column(steps, script_path_table(path, stmt->relation), stmt->subname, stmt->newname);
			break;
		case OBJECT_TABCONSTRAINT:
			step = find_constraint(steps, script_path_table(path, stmt->relation), stmt->subname);
			if (step)
				step->step->fk_name = MemoryContextStrdup(GetMemoryChunkContext(step), stmt->newname);
			break;
		default:
			break;
	}
}

void
script_follow_statement(List *steps, ScriptPath *path, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			follow_drop(steps, path, (DropStmt *) statement);
			break;
		case T_RenameStmt:
			follow_rename(steps, path, (RenameStmt *) statement);
			break;
		case T_AlterObjectSchemaStmt:
			{
				AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) statement;

				if (stmt->objectType == OBJECT_TABLE)
					rename_table(steps, path, stmt->relation, stmt->newschema, stmt->relation->relname);
				break;
			}
		default:
			break;
	}
}
