/*-------------------------------------------------------------------------
 *
 * fk_subscription.c
 *	  Which tables subscriptions have written to, past all keys.
 *
 * A subscription that is gone leaves no row in the catalogs.  Event triggers,
 * members of the extension, note the tables of all subscriptions
 * after CREATE and ALTER, and before ALTER and DROP: a proof from before such
 * a mark does not stand.  Who subscribes before a proof and is dropped after
 * it is in that proof's fingerprint.  Both together leave no gap: a mark is
 * older than the commit that it is about, but an audit between the two reads
 * rows that the next mark, or the fingerprint, puts out of use.
 *
 * A trigger or rule that is gone leaves none either; while it was there it could
 * swallow what a key does to its child.  A third event trigger notes the table
 * that gets one.
 *
 * While nobody watches, the pages of pg_subscription_rel and its index tell
 * that there was something: not whose tables, but when the last row came or
 * went, since a row's insertion or removal leaves its place in the WAL there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_replication_origin.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/spi.h"
#include "fk/fk_subscription.h"

const FkSubscriptionTrigger fk_subscription_triggers[FK_SUBSCRIPTION_TRIGGERS] = {
	{"schemaguard_subscription_start", "ddl_command_start", "'ALTER SUBSCRIPTION', 'DROP SUBSCRIPTION'"},
	{"schemaguard_subscription_end", "ddl_command_end", "'CREATE SUBSCRIPTION', 'ALTER SUBSCRIPTION'"},
	{"schemaguard_trigger_end", "ddl_command_end", "'CREATE TRIGGER', 'CREATE RULE'"},
};

/* ---- the event triggers ---- */

int64
fk_subscription_triggers_version(void)
{
	uint64		version = 1;

	for (int i = 0; i < FK_SUBSCRIPTION_TRIGGERS; i++)
	{
		HeapTuple	tuple = SearchSysCacheCopy1(EVENTTRIGGERNAME, CStringGetDatum(fk_subscription_triggers[i].name));
		Form_pg_event_trigger form;

		if (!HeapTupleIsValid(tuple))
			return 0;
		form = (Form_pg_event_trigger) GETSTRUCT(tuple);
		if (form->evtenabled != TRIGGER_FIRES_ALWAYS)
			return 0;

		/* freezing leaves the raw xmin as it is */
		version = version * 31 + form->oid;
		version = version * 31 + HeapTupleHeaderGetRawXmin(tuple->t_data);
		heap_freetuple(tuple);
	}
	return (int64) version;
}

/* ---- what there is ---- */

Oid
fk_subscription_of(List *tables)
{
	Oid			subscription = InvalidOid;

	foreach_oid(table, tables)
	{
		SgCatalog	rows;
		HeapTuple	tuple;

		sg_catalog_begin(&rows, SubscriptionRelRelationId, SubscriptionRelSrrelidSrsubidIndexId,
						 Anum_pg_subscription_rel_srrelid, table, NULL);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
			subscription = ((Form_pg_subscription_rel) GETSTRUCT(tuple))->srsubid;
	}
	return subscription;
}

/* ---- what is on record ---- */

void
fk_subscription_database(Oid *types, Datum *values)
{
	types[0] = INT8OID;
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	types[1] = OIDOID;
	values[1] = ObjectIdGetDatum(MyDatabaseId);
}

/* Returns the WAL position since which the event triggers have watched without a gap, or 0 */
static XLogRecPtr
read_watch(void)
{
	Oid			types[2];
	Datum		values[2];
	int64		version = fk_subscription_triggers_version();

	if (version == 0)
		return InvalidXLogRecPtr;
	fk_subscription_database(types, values);
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT (lsn - '0/0')::bigint AS place, triggers_version FROM schemaguard.subscription_mark"
					 " WHERE system_identifier = $1 AND database_oid = $2 AND table_oid IS NULL"
					 " ORDER BY lsn DESC LIMIT 1", lengthof(types), types, values, NULL);
	if (SPI_processed == 0 ||
		sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "triggers_version") != version)
		return InvalidXLogRecPtr;
	return (XLogRecPtr) sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "place");
}

/* Reads the marks into a hash table in the given context, because SPI's is freed with it */
static HTAB *
read_marks(MemoryContext context)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(FkMark),.hcxt = context};
	HTAB	   *marks = hash_create("schemaguard subscribed tables", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Oid			types[2];
	Datum		values[2];

	fk_subscription_database(types, values);
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT table_oid::bigint,"
					 " coalesce((max(lsn) FILTER (WHERE event NOT IN ('CREATE TRIGGER', 'CREATE RULE')) - '0/0')::bigint, 0) AS place,"
					 " coalesce((max(lsn) FILTER (WHERE event IN ('CREATE TRIGGER', 'CREATE RULE')) - '0/0')::bigint, 0) AS triggered"
					 " FROM schemaguard.subscription_mark"
					 " WHERE system_identifier = $1 AND database_oid = $2 AND table_oid IS NOT NULL"
					 " GROUP BY table_oid", lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		Oid			relid = (Oid) sg_spi_int64(tuple, SPI_tuptable->tupdesc, "table_oid");
		FkMark	   *mark = hash_search(marks, &relid, HASH_ENTER, NULL);

		mark->lsn = (XLogRecPtr) sg_spi_int64(tuple, SPI_tuptable->tupdesc, "place");
		mark->trigger = (XLogRecPtr) sg_spi_int64(tuple, SPI_tuptable->tupdesc, "triggered");
	}
	return marks;
}

/* ---- what is left where nobody watched ---- */

/* Returns the newest LSN of a relation's pages from block `first` on, or 0 */
static XLogRecPtr
newest_page(Oid relid, BlockNumber first)
{
	Relation	rel = sg_relation_open(relid, AccessShareLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);
	XLogRecPtr	newest = InvalidXLogRecPtr;

	for (BlockNumber block = first; block < blocks; block++)
	{
		Buffer		buffer = ReadBuffer(rel, block);
		XLogRecPtr	lsn;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		lsn = PageGetLSN(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		newest = Max(newest, lsn);
	}
	relation_close(rel, AccessShareLock);
	return newest;
}

/* Says whether the origin is that of an existing subscription, by which its writes are recognised */
static bool
is_of_subscription(const char *origin)
{
	Oid			subscription;

	return sscanf(origin, "pg_%u", &subscription) == 1 &&
		SearchSysCacheExists1(SUBSCRIPTIONOID, ObjectIdGetDatum(subscription));
}

/* Returns a replication origin that belongs to no subscription, or NULL */
static char *
find_origin(void)
{
	SgCatalog	origins;
	HeapTuple	tuple;
	char	   *found = NULL;

	sg_catalog_begin_all(&origins, ReplicationOriginRelationId);
	while (found == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&origins)))
	{
		bool		isnull;
		Datum		name = heap_getattr(tuple, Anum_pg_replication_origin_roname,
										RelationGetDescr(origins.rel), &isnull);

		if (!isnull && !is_of_subscription(TextDatumGetCString(name)))
			found = TextDatumGetCString(name);
	}
	sg_catalog_end(&origins);
	return found;
}

void
fk_read_subscribed(FkSubscribed *subscribed)
{
	SgScope		scope;
	MemoryContext context = CurrentMemoryContext;

	sg_owner_begin(&scope);
	SPI_connect();
	subscribed->watched = read_watch();
	subscribed->marks = read_marks(context);
	SPI_finish();
	sg_scope_end(&scope);

	/* block 0 of an index of the kind holds no entry */
	subscribed->changed = Max(newest_page(SubscriptionRelRelationId, 0),
							  newest_page(SubscriptionRelSrrelidSrsubidIndexId, 1));
	subscribed->origin = find_origin();
}

XLogRecPtr
fk_subscribed_mark(const FkSubscribed *subscribed, Oid relid)
{
	const FkMark *mark = hash_search(subscribed->marks, &relid, HASH_FIND, NULL);

	return mark ? mark->lsn : InvalidXLogRecPtr;
}

XLogRecPtr
fk_trigger_mark(const FkSubscribed *subscribed, Oid relid)
{
	const FkMark *mark = hash_search(subscribed->marks, &relid, HASH_FIND, NULL);

	return mark ? mark->trigger : InvalidXLogRecPtr;
}
