/*-------------------------------------------------------------------------
 *
 * fk_code.c
 *	  Would reading the tables of a key run code of its owners?
 *
 * Code of a user's can hide behind an operator, a cast or the output of a
 * type (to_jsonb looks for casts of types that are not built in), and behind
 * what the planner evaluates when it looks at a table: predicates and
 * expressions of indexes, expressions of extended statistics.  Nothing here
 * evaluates any of it: stored expressions are walked, not run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_statistic_ext.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "fk.h"

static bool
pair_has_code(const FkKey *key, int i)
{
	Oid			parent_type,
				child_type,
				coll,
				left,
				right,
				castfunc;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[i], &parent_type, &typmod, &coll);
	get_atttypetypmodcoll(key->child, key->child_att[i], &child_type, &typmod, &coll);
	if (key->pf_eq_op[i] >= FirstNormalObjectId ||
		parent_type >= FirstNormalObjectId || child_type >= FirstNormalObjectId ||
		get_opcode(key->pf_eq_op[i]) >= FirstNormalObjectId)
		return true;

	op_input_types(key->pf_eq_op[i], &left, &right);
	return find_coercion_pathway(right, getBaseType(child_type), COERCION_IMPLICIT, &castfunc) ==
		COERCION_PATH_FUNC && castfunc >= FirstNormalObjectId;
}

bool
fk_columns_have_code(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (pair_has_code(key, i))
			return true;
	}
	return false;
}

static bool
is_users_function(Oid funcid, void *context)
{
	return funcid >= FirstNormalObjectId;
}

static bool
expression_has_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* a domain may have checks */
	if (IsA(node, CoerceToDomain))
		return true;
	if (check_functions_in_node(node, is_users_function, NULL))
		return true;
	return expression_tree_walker(node, expression_has_code, context);
}

/* A stored expression, as pg_node_tree, in a column that may be null */
static bool
stored_has_code(HeapTuple tuple, AttrNumber attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		datum = heap_getattr(tuple, attnum, desc, &isnull);

	return !isnull &&
		expression_has_code((Node *) stringToNode(TextDatumGetCString(datum)), NULL);
}

/* Rows of a catalog about one table: does one of two expressions have code? */
static bool
catalog_has_code(Oid catalog, Oid index, AttrNumber relid_column, Oid relid,
				 AttrNumber first, AttrNumber second)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	ScanKeyData skey;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&skey, relid_column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, index, true, NULL, 1, &skey);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = stored_has_code(tuple, first, RelationGetDescr(rel)) ||
			stored_has_code(tuple, second, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	return found;
}

bool
fk_table_has_code(Oid relid)
{
	ListCell   *lc;

	if (catalog_has_code(IndexRelationId, IndexIndrelidIndexId,
						 Anum_pg_index_indrelid, relid,
						 Anum_pg_index_indexprs, Anum_pg_index_indpred) ||
		catalog_has_code(PartitionedRelationId, PartitionedRelidIndexId,
						 Anum_pg_partitioned_table_partrelid, relid,
						 Anum_pg_partitioned_table_partexprs, Anum_pg_partitioned_table_partexprs) ||
		catalog_has_code(StatisticExtRelationId, StatisticExtRelidIndexId,
						 Anum_pg_statistic_ext_stxrelid, relid,
						 Anum_pg_statistic_ext_stxexprs, Anum_pg_statistic_ext_stxexprs))
		return true;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return false;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		if (fk_table_has_code(lfirst_oid(lc)))
			return true;
	}
	return false;
}
