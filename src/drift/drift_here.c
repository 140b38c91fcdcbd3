/*-------------------------------------------------------------------------
 *
 * drift_here.c
 *	  What was there when the reference was taken, if that was here.
 *
 * A snapshot that was taken of this database has a row whose transaction came
 * before or after those that made the tables: a table that is newer is none of
 * the reference's under another name, and in one that is older each column
 * still has its number.  Of any other reference nothing of this is known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_compare.h"

/* Servers of one major share catalogs; pg_upgrade makes them anew */
#define MAJOR(version) ((version) / 10000)

/* What both snapshots know of their databases, and is the same */
static bool
same_environment(DriftComparison *c, const char *member)
{
	char	   *reference = snapshot_environment(c->info[DRIFT_REFERENCE], member);
	char	   *target = snapshot_environment(c->info[DRIFT_TARGET], member);

	return reference && target && strcmp(reference, target) == 0;
}

TransactionId
drift_taken_here(DriftComparison *c, const char *name)
{
	TransactionId taken = InvalidTransactionId;
	Datum		args[] = {CStringGetTextDatum(name)};
	Oid			types[] = {TEXTOID};
	bool		isnull;
	SgScope		scope;

	if (MAJOR(c->info[DRIFT_REFERENCE]->server_version_num) != MAJOR(c->info[DRIFT_TARGET]->server_version_num) ||
		!same_environment(c, "system_identifier") || !same_environment(c, "database_oid"))
		return InvalidTransactionId;
	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(SPI_OK_SELECT,
						 "SELECT xmin FROM schemaguard.snapshot WHERE name = $1 AND server IS NULL"
						 " AND imported_at IS NULL",
						 1, types, args, NULL) == 1)
		taken = DatumGetTransactionId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	sg_scope_end(&scope);
	return taken;
}

/* Before or after: what was made by the transaction of the snapshot itself is neither */
static DriftAge
age(DriftComparison *c, HeapTuple tuple)
{
	TransactionId xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);

	return TransactionIdPrecedes(xmin, c->taken) ? DRIFT_OLDER :
		TransactionIdFollows(xmin, c->taken) ? DRIFT_NEWER : DRIFT_AGELESS;
}

/* By what the catalog has of a system column, which is made with the table and never changed */
DriftAge
drift_table_age(DriftComparison *c, const char *table)
{
	Oid			relid = TransactionIdIsValid(c->taken) ? sg_find_qualified(table) : InvalidOid;
	HeapTuple	tuple;
	DriftAge	result;

	if (!OidIsValid(relid))
		return DRIFT_AGELESS;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(TableOidAttributeNumber));
	if (!HeapTupleIsValid(tuple))
		return DRIFT_AGELESS;
	result = age(c, tuple);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Numbers are never used again, so the columns that the reference has stand
 * before all that came since, but for those that were dropped before.
 */
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
		if (!att->attisdropped)
			fates = lappend(fates, pstrdup(NameStr(att->attname)));
		else if (age(c, tuple) != DRIFT_OLDER)
			fates = lappend(fates, NULL);
		ReleaseSysCache(tuple);
	}
	return fates;
}
