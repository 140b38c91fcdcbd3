/*-------------------------------------------------------------------------
 *
 * fk_citus.c
 *	  Facts about tables of Citus that the catalogs of one node can't tell.
 *
 * The table that a user names is an empty shell.  Its rows are in shards,
 * ordinary tables on any of the nodes, each with constraints and triggers of
 * its own, which may differ from those of the shell.  So nothing that is said
 * here about the shell's key is a proof; a query that Citus plans does read
 * the rows, of one copy where there are several.  fk_citus_ask.c asks the nodes.
 *
 * Citus is known by its catalogs, which only a superuser can put into
 * pg_catalog.  A version of it that has other columns makes every table one
 * of Citus', so that all is unknown, and nothing passes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/pg_namespace.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/quote.h"
#include "fk/fk.h"

/* Row of pg_dist_partition */
typedef struct CitusTable
{
	char		method;			/* partmethod; n: rows are not distributed */
	char		replication;	/* repmodel; s: one copy */
} CitusTable;

#define CITUS_UNKNOWN '?'
#define CITUS_ONE_COPY 's'

/* Returns the OID of a catalog of Citus by its name, or InvalidOid */
static Oid
citus_catalog(const char *name)
{
	return get_relname_relid(name, PG_CATALOG_NAMESPACE);
}

/* Returns a copy of the first row with that value, or NULL; closes the relation */
static HeapTuple
find_row(Relation rel, AttrNumber column, const char *index, RegProcedure equal, Datum value)
{
	Oid			indexid = citus_catalog(index);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, equal, value);
	scan = systable_beginscan(rel, indexid, OidIsValid(indexid), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

static char
char_column(Relation rel, HeapTuple tuple, const char *name)
{
	AttrNumber	column = get_attnum(RelationGetRelid(rel), name);
	bool		isnull = true;
	Datum		value = 0;

	if (column > 0)
		value = heap_getattr(tuple, column, RelationGetDescr(rel), &isnull);
	return isnull ? CITUS_UNKNOWN : DatumGetChar(value);
}

/* Returns whether Citus manages a table, and fills *table with how its rows are distributed */
static bool
read_citus_table(Oid relid, CitusTable *table)
{
	Oid			catalog = citus_catalog("pg_dist_partition");
	AttrNumber	column;
	Relation	rel;
	HeapTuple	tuple;

	table->method = table->replication = CITUS_UNKNOWN;
	if (!OidIsValid(catalog))
		return false;
	column = get_attnum(catalog, "logicalrelid");
	if (column <= 0)
		return true;

	rel = table_open(catalog, AccessShareLock);
	tuple = find_row(rel, column, "pg_dist_partition_logical_relid_index", F_OIDEQ, ObjectIdGetDatum(relid));
	if (HeapTupleIsValid(tuple))
	{
		table->method = char_column(rel, tuple, "partmethod");
		table->replication = char_column(rel, tuple, "repmodel");
	}
	table_close(rel, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

bool
fk_citus_table(Oid relid)
{
	CitusTable	table;

	return read_citus_table(relid, &table);
}

bool
fk_citus_has_copies(Oid relid)
{
	CitusTable	table;

	return read_citus_table(relid, &table) && table.replication != CITUS_ONE_COPY;
}

/* Returns the table that a shard belongs to, or InvalidOid */
static Oid
table_of_shard(int64 shard)
{
	Oid			catalog = citus_catalog("pg_dist_shard");
	AttrNumber	number = OidIsValid(catalog) ? get_attnum(catalog, "shardid") : 0;
	AttrNumber	column = OidIsValid(catalog) ? get_attnum(catalog, "logicalrelid") : 0;
	Relation	rel;
	HeapTuple	tuple;
	bool		isnull;
	Oid			relid = InvalidOid;

	if (number <= 0 || column <= 0)
		return InvalidOid;
	rel = table_open(catalog, AccessShareLock);
	tuple = find_row(rel, number, "pg_dist_shard_shardid_index", F_INT8EQ, Int64GetDatum(shard));
	if (HeapTupleIsValid(tuple))
		relid = DatumGetObjectId(heap_getattr(tuple, column, RelationGetDescr(rel), &isnull));
	table_close(rel, AccessShareLock);
	return relid;
}

/*
 * Returns whether a relation is a shard.  A shard's name is its table's name
 * and the shard's number; a long name is cut and gets a hash.
 */
static bool
is_shard(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *digits = name ? strrchr(name, '_') : NULL;
	char	   *end;
	char	   *table_name;
	int64		shard;
	Oid			table;

	if (digits == NULL || digits[1] < '1' || digits[1] > '9')
		return false;
	shard = strtoll(digits + 1, &end, 10);
	if (*end != '\0')
		return false;
	table = table_of_shard(shard);
	table_name = OidIsValid(table) ? get_rel_name(table) : NULL;
	if (table_name == NULL || get_rel_namespace(table) != get_rel_namespace(relid))
		return false;
	return strlen(table_name) + strlen(digits) >= NAMEDATALEN ||
		(strlen(table_name) == digits - name && strncmp(table_name, name, digits - name) == 0);
}

bool
fk_citus_hides(Oid relid)
{
	if (!OidIsValid(citus_catalog("pg_dist_partition")))
		return false;
	return IsCatalogNamespace(get_rel_namespace(relid)) || is_shard(relid);
}

FkProblem *
fk_citus_problem(const FkKey *key)
{
	if (fk_citus_table(key->child) || !fk_citus_table(key->parent))
		return NULL;
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED,
					  psprintf("Citus never looks into the local table %s when a row of %s goes",
							   sg_relation_name(key->child), sg_relation_name(key->parent)),
					  psprintf("Give the child to Citus, too: create_distributed_table(), create_reference_table() or citus_add_local_table_to_metadata() of %s.",
							   quote_literal_cstr(sg_relation_name(key->child))));
}

void
fk_citus_judge(FkKey *key)
{
	FkProblem  *problem;

	if (!OidIsValid(citus_catalog("pg_dist_partition")))
		return;
	problem = fk_citus_problem(key);
	if (problem)
	{
		key->enforced = key->armed = false;
		key->unarmed_reason = key->doubt = problem->reason;
	}
	else if (fk_citus_table(key->child))
		key->doubt = psprintf("Citus keeps %s in shards, each with a key and triggers of its own, which this catalog does not show;"
							  " sg_verify_fks() asks them",
							  sg_relation_name(key->child));
}
