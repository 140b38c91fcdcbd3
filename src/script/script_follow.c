/*-------------------------------------------------------------------------
 *
 * script_follow.c
 *	  What the later statements of a script do to the keys of earlier ones.
 *
 * Migration scripts drop a key to add it with other clauses, and rename what
 * they have created.  The plan is to hold what the script leaves behind, so
 * keys that have been read are marked as gone, or follow the new name.
 * Nothing here looks at the database but for the meaning of table names.
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
is_child(const ScriptKey *key, const char *table)
{
	return !key->gone && strcmp(key->step->child_table, table) == 0;
}

static bool
is_parent(const ScriptKey *key, const char *table)
{
	return !key->gone && strcmp(key->step->parent_table, table) == 0;
}

/*
 * The name that a key of the table has, or that ALTER TABLE would have made
 * up for it; *names are those of the table's keys before it.
 */
static char *
key_name(const ScriptKey *key, List **names)
{
	char	   *name = key->step->fk_name;

	for (int n = 0; name == NULL; n++)
	{
		name = plan_default_fk_name(key->step, n);
		if (sg_has_name(*names, name))
			name = NULL;
	}
	*names = lappend(*names, name);

	return name;
}

/* The table's key of this name, or NULL */
static ScriptKey *
find_key(List *keys, const char *table, const char *name)
{
	List	   *names = NIL;

	foreach_ptr(ScriptKey, key, keys)
	{
		if (is_child(key, table) && strcmp(key_name(key, &names), name) == 0)
			return key;
	}
	return NULL;
}

/* Give the table's keys the names that they have got, before the table gets another */
static void
fix_names(List *keys, const char *table)
{
	List	   *names = NIL;

	foreach_ptr(ScriptKey, key, keys)
	{
		if (is_child(key, table))
			key->step->fk_name = MemoryContextStrdup(GetMemoryChunkContext(key),
													 key_name(key, &names));
	}
}

void
script_follow_drop_constraint(List *keys, const char *table, const char *name)
{
	ScriptKey  *key = find_key(keys, table, name);

	if (key)
		key->gone = true;
}

void
script_follow_alter_constraint(List *keys, const char *table, struct Node *def)
{
	SgAlterConstraint alter = sg_alter_constraint(def);
	ScriptKey  *key = find_key(keys, table, alter.name);

	if (key == NULL)
		return;
	if (alter.alters_timing)
	{
		key->step->deferrable = alter.deferrable;
		key->step->initially_deferred = alter.initially_deferred;
	}
	if (alter.alters_enforced)
		key->step->enforced = alter.enforced;
}

void
script_follow_drop_column(List *keys, const char *table, const char *column)
{
	foreach_ptr(ScriptKey, key, keys)
	{
		if ((is_child(key, table) && sg_has_name(key->step->child_columns, column)) ||
			(is_parent(key, table) && sg_has_name(key->step->parent_columns, column)))
			key->gone = true;
	}
}

static void
drop_schemas(List *keys, List *objects)
{
	ListCell   *object;

	foreach(object, objects)
	{
		const char *schema = strVal(lfirst(object));

		foreach_ptr(ScriptKey, key, keys)
		{
			if (strcmp(sg_parse_table_name(key->step->child_table).schema, schema) == 0 ||
				strcmp(sg_parse_table_name(key->step->parent_table).schema, schema) == 0)
				key->gone = true;
		}
	}
}

static void
follow_drop(List *keys, ScriptPath *path, DropStmt *stmt)
{
	ListCell   *object;

	if (stmt->removeType == OBJECT_SCHEMA)
		drop_schemas(keys, stmt->objects);
	if (stmt->removeType != OBJECT_TABLE)
		return;

	foreach(object, stmt->objects)
	{
		char	   *table = script_path_drop_table(path, makeRangeVarFromNameList(lfirst(object)));

		foreach_ptr(ScriptKey, key, keys)
		{
			if (is_child(key, table) || is_parent(key, table))
				key->gone = true;
		}
	}
}

/* The table goes by another name now */
static void
rename_table(List *keys, ScriptPath *path, RangeVar *name, char *schema, char *newname)
{
	RangeVar	renamed = *name;
	char	   *old = script_path_drop_table(path, name);
	char	   *new;

	/* it stays in its schema, which may be known from the search_path alone */
	if (schema == NULL)
		schema = sg_parse_table_name(old).schema;
	renamed.schemaname = schema;
	renamed.relname = newname;
	new = script_path_new_table(path, &renamed);

	fix_names(keys, old);
	foreach_ptr(ScriptKey, key, keys)
	{
		MemoryContext context = GetMemoryChunkContext(key);

		if (is_child(key, old))
			key->step->child_table = MemoryContextStrdup(context, new);
		if (is_parent(key, old))
			key->step->parent_table = MemoryContextStrdup(context, new);
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

static void
rename_column(List *keys, const char *table, const char *old, const char *new)
{
	fix_names(keys, table);
	foreach_ptr(ScriptKey, key, keys)
	{
		if (is_child(key, table))
		{
			rename_in(key->step->child_columns, old, new);
			rename_in(key->step->on_delete_columns, old, new);
		}
		if (is_parent(key, table))
			rename_in(key->step->parent_columns, old, new);
	}
}

static void
follow_rename(List *keys, ScriptPath *path, RenameStmt *stmt)
{
	ScriptKey  *key;

	if (stmt->relation == NULL)
		return;

	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
			rename_table(keys, path, stmt->relation, NULL, stmt->newname);
			break;
		case OBJECT_COLUMN:
			rename_column(keys, script_path_table(path, stmt->relation), stmt->subname, stmt->newname);
			break;
		case OBJECT_TABCONSTRAINT:
			key = find_key(keys, script_path_table(path, stmt->relation), stmt->subname);
			if (key)
				key->step->fk_name = MemoryContextStrdup(GetMemoryChunkContext(key), stmt->newname);
			break;
		default:
			break;
	}
}

void
script_follow_statement(List *keys, ScriptPath *path, struct Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			follow_drop(keys, path, (DropStmt *) statement);
			break;
		case T_RenameStmt:
			follow_rename(keys, path, (RenameStmt *) statement);
			break;
		case T_AlterObjectSchemaStmt:
			{
				AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) statement;

				if (stmt->objectType == OBJECT_TABLE)
					rename_table(keys, path, stmt->relation, stmt->newschema, stmt->relation->relname);
				break;
			}
		default:
			break;
	}
}
