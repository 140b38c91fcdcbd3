/*-------------------------------------------------------------------------
 *
 * audit_place.c
 *	  Are a table's rows where its relation says they are?
 *
 * The scan method reads relations through the table access method.  That is
 * wrong for a foreign table, and for tables that an extension keeps
 * elsewhere: a distributed table of Citus is an empty heap here, and the rows
 * of a hypertable of TimescaleDB may be compressed in tables of another
 * shape.  Those are left to a query, and so to the planner hooks of whoever
 * knows where the rows are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "nodes/nodes.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "audit/audit.h"
#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "base/compat.h"

/* Leaves of a partitioned table at the time of the snapshot */
typedef struct KeptLeaves
{
	Oid			relid;
	bool		tree;			/* table with inheriting tables */
	List	   *leaves;			/* of Oid */
} KeptLeaves;

static List *
list_leaves(Oid relid)
{
	List	   *leaves = NIL;
	ListCell   *lc;

	foreach(lc, sg_all_inheritors(relid))
	{
		if (!RELKIND_HAS_PARTITIONS(get_rel_relkind(lfirst_oid(lc))))
			leaves = lappend_oid(leaves, lfirst_oid(lc));
	}
	return leaves;
}

/* Returns whether rows are in partitions or, with tree, also in inheriting tables. */
bool
audit_spreads(Oid relid, bool tree)
{
	return RELKIND_HAS_PARTITIONS(get_rel_relkind(relid)) || (tree && sg_has_subclass(relid));
}

static KeptLeaves *
find_kept(Oid relid, bool tree, List *kept)
{
	ListCell   *lc;

	foreach(lc, kept)
	{
		KeptLeaves *leaves = lfirst(lc);

		if (leaves->relid == relid && leaves->tree == tree)
			return leaves;
	}
	return NULL;
}

List *
audit_tree_leaves(Oid relid, bool tree, List *kept)
{
	KeptLeaves *leaves;

	tree = tree && !RELKIND_HAS_PARTITIONS(get_rel_relkind(relid));
	if (!audit_spreads(relid, tree))
		return list_make1_oid(relid);
	leaves = find_kept(relid, tree, kept);
	return leaves ? list_copy(leaves->leaves) : list_leaves(relid);
}

List *
audit_leaves(Oid relid, List *kept)
{
	return audit_tree_leaves(relid, false, kept);
}

static bool
keep_leaves_of(Oid relid, bool tree, List **kept)
{
	KeptLeaves *leaves;
	ListCell   *lc;

	tree = tree && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE;
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE && !(tree && sg_has_subclass(relid)))
		return true;
	if (find_kept(relid, tree, *kept))
		return true;

	leaves = palloc(sizeof(KeptLeaves));
	leaves->relid = relid;
	leaves->tree = tree;
	leaves->leaves = list_leaves(relid);
	foreach(lc, leaves->leaves)
	{
		if (!ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock))
			return false;
	}
	*kept = lappend(*kept, leaves);
	return true;
}

bool
audit_keep_leaves(List *keys, List **kept)
{
	ListCell   *lc;

	*kept = NIL;
	foreach(lc, keys)
	{
		const AuditKey *ak = lfirst(lc);

		if (!keep_leaves_of(ak->key.child, ak->rule && ak->rule->tree, kept) ||
			!keep_leaves_of(ak->key.parent, false, kept))
			return false;
	}
	return true;
}

bool
audit_leaves_stand(List *kept)
{
	foreach_ptr(KeptLeaves, leaves, kept)
	{
		AcceptInvalidationMessages();
		if (!equal(list_leaves(leaves->relid), leaves->leaves))
			return false;
	}
	return true;
}

/* Returns whether a table is a hypertable, whose root is empty and whose chunks inherit from it */
static bool
is_hypertable(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	return (sg_has_subclass(relid) || (schema && strcmp(schema, "_timescaledb_internal") == 0)) &&
		OidIsValid(get_extension_oid("timescaledb", true));
}

static bool
has_virtual_column(Oid relid, const AttrNumber *att, int n)
{
	for (int i = 0; i < n; i++)
	{
		char		generated = get_attgenerated(relid, att[i]);

		if (generated != '\0' && generated != ATTRIBUTE_GENERATED_STORED)
			return true;
	}
	return false;
}

const char *
audit_table_problem(Oid relid, bool tree, List *kept)
{
	ListCell   *lc;

	if (fk_citus_table(relid) || is_hypertable(relid))
		return "an extension keeps the rows of a table elsewhere";
	foreach(lc, audit_tree_leaves(relid, tree, kept))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_RELATION)
			return "a partition is a foreign table";
		if (fk_citus_table(lfirst_oid(lc)))
			return "an extension keeps the rows of a partition elsewhere";
	}
	return NULL;
}

const char *
audit_leaves_problem(const FkKey *key, List *kept)
{
	const char *problem = audit_table_problem(key->child, false, kept);

	if (problem == NULL && key->parent != key->child)
		problem = audit_table_problem(key->parent, false, kept);
	if (problem == NULL &&
		(has_virtual_column(key->child, key->child_att, key->nkeys) ||
		 has_virtual_column(key->parent, key->parent_att, key->nkeys)))
		problem = "a column of the key is computed when it is read";
	return problem;
}

const char *
audit_place_problem(const FkKey *key)
{
	return audit_leaves_problem(key, NIL);
}
