/*-------------------------------------------------------------------------
 *
 * fk_code.c
 *	  Code that comparing the columns of a key, and its actions, could run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "fk/fk.h"

static void
reach_pair(CodeReach *reach, const FkKey *key, int i)
{
	Oid			child_type = get_atttype(key->child, key->child_att[i]);
	Oid			left,
				right,
				castfunc;

	code_reach_operator(reach, key->pf_eq_op[i]);
	code_reach_type(reach, get_atttype(key->parent, key->parent_att[i]));
	code_reach_type(reach, child_type);
	if (!OidIsValid(key->pf_eq_op[i]))
		return;

	op_input_types(key->pf_eq_op[i], &left, &right);
	if (find_coercion_pathway(right, getBaseType(child_type), COERCION_IMPLICIT, &castfunc) == COERCION_PATH_FUNC)
		code_reach_function(reach, castfunc);
}

void
fk_code_reach(CodeReach *reach, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
		reach_pair(reach, key, i);
	/* the index brings its operator classes along */
	if (OidIsValid(key->index))
		code_reach_object(reach, RelationRelationId, key->index);
}

static bool
is_one_of(Oid relid, const List *tables)
{
	foreach_oid(table, tables)
	{
		if (table == relid || list_member_oid(sg_partition_ancestors(table), relid))
			return true;
	}
	return false;
}

bool
fk_is_of(const FkKey *key, const List *tables)
{
	return is_one_of(key->child, tables);
}

bool
fk_refers_to(const FkKey *key, const List *tables)
{
	return is_one_of(key->parent, tables);
}

/*
 * Adds the owners of the tables at the other end of a table's keys, as which
 * the keys' triggers run queries
 */
static void
reach_key_owners(CodeReach *reach, Oid table)
{
	SgCatalog	triggers;
	HeapTuple	tuple;
	List	   *others = NIL;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
	{
		Oid			other = ((Form_pg_trigger) GETSTRUCT(tuple))->tgconstrrelid;

		if (OidIsValid(other))
			others = list_append_unique_oid(others, other);
	}
	sg_catalog_end(&triggers);
	foreach_oid(other, others)
	{
		code_reach_owners(reach, other);
	}
}

Oid
fk_hint_role(List *tables, Oid type, char **reason)
{
	CodeReach  *reach = code_reach();
	Oid			owner = code_table_owner(linitial_oid(tables));
	Oid			role;

	if (OidIsValid(type))
		code_reach_type(reach, type);
	foreach_oid(table, tables)
	{
		code_reach_owners(reach, table);
		code_reach_changed(reach, table, NoLock);

		/*
		 * an ALTER of a key's column may make the server check the key by
		 * queries of the role that runs it
		 */
		foreach_oid(member, code_tree(table, NoLock))
		{
			reach_key_owners(reach, member);
		}
	}
	*reason = code_role(reach, owner, &role);
	if (*reason == NULL && !OidIsValid(role))
		return GetUserId();
	return owner == GetUserId() || superuser_arg(owner) ? InvalidOid : owner;
}

char *
fk_owner_hint(const char *lead, Oid table, Oid type, const char *statement)
{
	char	   *reason;
	Oid			role = fk_hint_role(list_make1_oid(table), type, &reason);

	if (!OidIsValid(role))
		return psprintf("%s. No statement is given here: %s.", lead, reason);
	if (role == GetUserId())
		return psprintf("%s:\n%s;", lead, statement);
	return psprintf("%s. Have role %s, who owns %s, run:\n%s;", lead, sg_role_name(role), sg_relation_name(table), statement);
}

static bool
keeps_rows(char action)
{
	return action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
}

static bool
has_triggers(const List *tables)
{
	foreach_oid(table, tables)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
		bool		has = HeapTupleIsValid(tuple) && ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;

		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
		if (has)
			return true;
	}
	return false;
}

/*
 * Returns whether an UPDATE or DELETE on these tables changes rows of others:
 * one has an action trigger, which partitions have, too
 */
static bool
has_actions(const List *tables)
{
	bool		found = false;

	foreach_oid(table, tables)
	{
		SgCatalog	rows;
		HeapTuple	tuple;

		sg_catalog_begin(&rows, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		{
			switch (((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid)
			{
				case F_RI_FKEY_CASCADE_DEL:
				case F_RI_FKEY_CASCADE_UPD:
				case F_RI_FKEY_SETNULL_DEL:
				case F_RI_FKEY_SETNULL_UPD:
				case F_RI_FKEY_SETDEFAULT_DEL:
				case F_RI_FKEY_SETDEFAULT_UPD:
					found = true;
			}
		}
	}
	return found;
}

/* Adds the child of a key to *changed with its partitions; returns false if it is there already */
static bool
follow(CodeReach *reach, const FkKey *key, List **changed, LOCKMODE mode)
{
	if (list_member_oid(*changed, key->child))
		return false;
	code_reach_changed(reach, key->child, mode);
	fk_code_reach(reach, key);
	*changed = list_concat_unique_oid(*changed, code_tree(key->child, mode));
	return true;
}

/*
 * Follows the actions of keys transitively from a table's tree: adds tables
 * whose rows are updated or deleted to *updated and *deleted.  Returns all
 * declared keys, or NIL if no action leads on.
 */
static List *
follow_actions(CodeReach *reach, const List *tree, List **updated, List **deleted, LOCKMODE mode)
{
	List	   *keys;
	bool		more;

	/* read all keys only if there is an action to follow */
	if (!has_actions(tree))
		return NIL;
	keys = fk_declared(InvalidOid);
	do
	{
		more = false;
		foreach_ptr(const FkKey, key, keys)
		{
			if (!key->enforced)
				continue;
			if (!keeps_rows(key->on_update) && fk_refers_to(key, *updated))
				more |= follow(reach, key, updated, mode);
			if (!keeps_rows(key->on_delete) && fk_refers_to(key, *deleted))
				more |= follow(reach, key, key->on_delete == FKCONSTR_ACTION_CASCADE ? deleted : updated, mode);
		}
	} while (more);
	return keys;
}

void
fk_reach_actions(CodeReach *reach, Oid relid, CmdType event, LOCKMODE mode)
{
	List	   *tree = code_tree(relid, mode);
	List	   *updated = event == CMD_DELETE ? NIL : list_copy(tree);
	List	   *deleted = event == CMD_UPDATE ? NIL : list_copy(tree);

	(void) follow_actions(reach, tree, &updated, &deleted, mode);
}

/*
 * Returns why the query of a key's trigger must not run as the owner of the
 * table that it reads, or NULL
 */
static char *
query_refusal(const FkKey *key, Oid relid, bool writes)
{
	CodeReach  *reach = code_reach();
	char	   *refusal;

	fk_code_reach(reach, key);
	if (writes)
		code_reach_changed(reach, relid, NoLock);
	foreach_oid(member, code_tree(relid, NoLock))
	{
		code_reach_read(reach, member);
	}
	refusal = code_refusal(reach, code_table_owner(relid));
	return refusal ? psprintf("key %s would do it: %s", quote_identifier(key->name), refusal) : NULL;
}

/* Returns the keys of tables, those of a partition's ancestors included */
static List *
keys_of(const List *tables)
{
	List	   *children = NIL;
	List	   *keys = NIL;

	foreach_oid(table, tables)
	{
		children = list_append_unique_oid(children, table);
		children = list_concat_unique_oid(children, sg_partition_ancestors(table));
	}
	foreach_oid(child, children)
	{
		keys = list_concat(keys, fk_declared(child));
	}
	return keys;
}

char *
fk_query_refusal(Oid relid, CmdType event)
{
	List	   *tree = code_tree(relid, NoLock);
	List	   *updated = event == CMD_UPDATE || event == CMD_MERGE ? list_copy(tree) : NIL;
	List	   *deleted = event == CMD_DELETE || event == CMD_MERGE ? list_copy(tree) : NIL;
	List	   *keys = event == CMD_INSERT ? keys_of(tree) : follow_actions(code_reach(), tree, &updated, &deleted, NoLock);
	char	   *refusal = NULL;

	/* a key that references the tables has action triggers on them */
	if (keys == NIL && event != CMD_INSERT && has_triggers(tree))
		keys = fk_declared(InvalidOid);
	foreach_ptr(const FkKey, key, keys)
	{
		if (refusal == NULL && key->enforced && fk_is_of(key, event == CMD_INSERT ? tree : updated))
			refusal = query_refusal(key, key->parent, false);
		if (refusal == NULL && key->enforced && (fk_refers_to(key, updated) || fk_refers_to(key, deleted)))
			refusal = query_refusal(key, key->child, !keeps_rows(key->on_update) || !keeps_rows(key->on_delete));
	}
	return refusal;
}
