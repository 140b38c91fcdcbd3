/*-------------------------------------------------------------------------
 *
 * drift_here.c
 *	  Recognises objects that existed when the reference was taken, if it
 *	  was taken in this database.
 *
 * A snapshot that was taken of this database has the OID of each table, and
 * the number of each column, which are never given again: a table with another
 * OID is none of the reference's under another name, and in one of them each
 * column still has its number.  Of any other reference nothing of this is
 * known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_compare.h"

/* Major of a version: pg_upgrade recreates the catalogs */
#define MAJOR(version) ((version) / 10000)

/* Returns whether both snapshots have that member of the environment, with the same value */
static bool
same_environment(DriftComparison *c, const char *member)
{
	char	   *reference = snapshot_environment(c->info[DRIFT_REFERENCE], member);
	char	   *target = snapshot_environment(c->info[DRIFT_TARGET], member);

	return reference && target && strcmp(reference, target) == 0;
}

void
drift_look_here(DriftComparison *c, const char *name)
{
	Datum		args[] = {CStringGetTextDatum(name)};
	Oid			types[] = {TEXTOID};
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;
	uint64		n;

	if (MAJOR(c->info[DRIFT_REFERENCE]->server_version_num) != MAJOR(c->info[DRIFT_TARGET]->server_version_num) ||
		!same_environment(c, "system_identifier") || !same_environment(c, "database_oid"))
		return;
	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT,
						 "SELECT o.oid FROM schemaguard.snapshot s JOIN schemaguard.snapshot_object o ON o.snapshot = s.name"
						 " WHERE s.name = $1 AND s.server IS NULL AND s.imported_at IS NULL AND o.oid IS NOT NULL"
						 "   AND o.kind = ANY ('{table,view,materialized view,sequence}') ORDER BY o.oid",
						 1, types, args, NULL);
	c->tables = MemoryContextAllocHuge(context, n * sizeof(Oid));
	c->ntables = n;
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		c->tables[i] = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns how many of the two sides are snapshots that were taken in this database, not imported */
static uint64
count_taken_here(DriftComparison *c)
{
	Datum		names[] = {CStringGetTextDatum(c->info[DRIFT_REFERENCE]->name), CStringGetTextDatum(c->info[DRIFT_TARGET]->name)};
	Oid			types[] = {TEXTOID, TEXTOID};
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT,
						 "SELECT FROM schemaguard.snapshot s WHERE s.name IN ($1, $2) AND s.server IS NULL AND s.imported_at IS NULL",
						 2, types, names, NULL);
	SPI_finish();
	sg_scope_end(&scope);
	return n;
}

bool
drift_taken_here(const SnapshotInfo *info)
{
	char	   *system = snapshot_environment(info, "system_identifier");
	char	   *database = snapshot_environment(info, "database_oid");
	DriftComparison c = {.info = {info, info}};

	return system && strcmp(system, psprintf(UINT64_FORMAT, GetSystemIdentifier())) == 0 &&
		database && strcmp(database, psprintf("%u", MyDatabaseId)) == 0 && count_taken_here(&c) > 0;
}

bool
drift_one_history(DriftComparison *c)
{
	uint64		stored = 0;

	for (int i = 0; i < 2; i++)
		stored += strcmp(c->info[i]->name, SNAPSHOT_LIVE) != 0;
	return MAJOR(c->info[DRIFT_REFERENCE]->server_version_num) == MAJOR(c->info[DRIFT_TARGET]->server_version_num) &&
		same_environment(c, "system_identifier") && same_environment(c, "database_oid") &&
		same_environment(c, "timeline") && count_taken_here(c) == stored;
}

DriftAge
drift_table_age(DriftComparison *c, const char *table)
{
	Oid			relid = c->ntables > 0 ? sg_find_qualified(table) : InvalidOid;

	if (!OidIsValid(relid))
		return DRIFT_AGELESS;
	return bsearch(&relid, c->tables, c->ntables, sizeof(Oid), oid_cmp) ? DRIFT_OLDER : DRIFT_NEWER;
}

List *
drift_column_fates(DriftComparison *c, const char *table)
{
	Oid			relid = drift_table_age(c, table) == DRIFT_OLDER ? sg_find_qualified(table) : InvalidOid;
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	List	   *fates = NIL;
	int			natts;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	for (int i = 1; i <= natts; i++)
	{
		Form_pg_attribute att;

		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(i));
		if (!HeapTupleIsValid(tuple))
			return NIL;
		att = (Form_pg_attribute) GETSTRUCT(tuple);
		fates = lappend(fates, att->attisdropped ? NULL : pstrdup(NameStr(att->attname)));
		ReleaseSysCache(tuple);
	}
	return fates;
}
