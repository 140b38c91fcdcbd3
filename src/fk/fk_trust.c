/*-------------------------------------------------------------------------
 *
 * fk_trust.c
 *	  Fingerprints on which a proof about a key rests, and the facts behind
 *	  fk_trust.
 *
 * Rows that were found to hold go on holding as long as every change of
 * either table passes through the key's triggers.  Whatever lets rows come
 * or go past them leaves its mark in the catalogs: a new version of a row of
 * pg_trigger or pg_inherits, another file, a subscription.  A fingerprint
 * sums these marks up, apart from each other so that the view can say which
 * one has changed; what subscriptions that are gone have written to is in
 * fk_subscription.c.  What leaves no mark, session_replication_role = replica
 * above all, can't be seen here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"

#include "base/catalog.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "fk/fk.h"
#include "fk/fk_internal.h"
#include "fk/fk_subscription.h"

SG_FUNCTION(sg_fk_facts);

typedef struct TrustWalk
{
	FkFingerprint print;
	Snapshot	snapshot;		/* snapshot of the catalogs; NULL: now */
	Oid			subscription;	/* first subscription that writes to one of
								 * the tables */
	Oid			target;			/* the table that it writes to */
	const FkSubscribed *subscribed; /* marks of subscriptions; NULL: not
									 * needed */
	XLogRecPtr	marked;			/* newest mark of the key's tables */
	XLogRecPtr	triggered;		/* newest LSN at which the child got a trigger
								 * or rule, or 0 */
	char	   *doubt;			/* see fk_cascade_doubt() */
} TrustWalk;

/*
 * Adds two OIDs and the version of their catalog row to a hash.  The version
 * has the row's place besides xmin, which is equal for two changes of one
 * transaction.  Hashes are summed because catalogs return rows in any order.
 */
static void
add_mark(uint64 *hash, Oid a, Oid b, HeapTuple version)
{
	uint32		words[5] = {a, b, 0, 0, 0};

	if (version)
	{
		/* freezing leaves the raw xmin as it is */
		words[2] = HeapTupleHeaderGetRawXmin(version->t_data);
		words[3] = ItemPointerGetBlockNumber(&version->t_self);
		words[4] = ItemPointerGetOffsetNumber(&version->t_self);
	}
	*hash += hash_bytes_extended((unsigned char *) words, sizeof(words), 0);
}

static void
visit_triggers(TrustWalk *walk, Oid conid)
{
	SgCatalog	triggers;
	HeapTuple	tuple;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerConstraintIndexId,
					 Anum_pg_trigger_tgconstraint, conid, walk->snapshot);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
		add_mark(&walk->print.triggers, ((Form_pg_trigger) GETSTRUCT(tuple))->oid, conid, tuple);
}

/* Visits the triggers of the key's clones on partitions, at every level */
static void
visit_clones(TrustWalk *walk, Oid conid)
{
	List	   *keys = list_make1_oid(conid);

	for (int i = 0; i < list_length(keys); i++)
	{
		SgCatalog	clones;
		HeapTuple	tuple;

		sg_catalog_begin(&clones, ConstraintRelationId, ConstraintParentIndexId,
						 Anum_pg_constraint_conparentid, list_nth_oid(keys, i), walk->snapshot);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&clones)))
		{
			keys = lappend_oid(keys, ((Form_pg_constraint) GETSTRUCT(tuple))->oid);
			visit_triggers(walk, llast_oid(keys));
		}
	}
}

static void
visit_subscriptions(TrustWalk *walk, Oid relid)
{
	SgCatalog	subscribed;
	HeapTuple	tuple;

	sg_catalog_begin(&subscribed, SubscriptionRelRelationId, SubscriptionRelSrrelidSrsubidIndexId,
					 Anum_pg_subscription_rel_srrelid, relid, walk->snapshot);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&subscribed)))
	{
		/*
		 * the row's version changes with the state of the initial copy: leave
		 * it out
		 */
		walk->subscription = ((Form_pg_subscription_rel) GETSTRUCT(tuple))->srsubid;
		walk->target = relid;
		add_mark(&walk->print.subscriptions, relid, walk->subscription, NULL);
	}

	if (walk->subscribed)
		walk->marked = Max(walk->marked, fk_subscribed_mark(walk->subscribed, relid));
}

/*
 * Visits triggers and rules, those that are gone included, that stand or stood
 * between the key's actions and the child, its partitions and ancestors
 */
static void
visit_triggered(TrustWalk *walk, const FkKey *key)
{
	if (walk->subscribed == NULL || !fk_acts_on_child(key))
		return;
	foreach_oid(relid, list_concat(sg_with_partitions(key->child), sg_partition_ancestors(key->child)))
	{
		walk->triggered = Max(walk->triggered, fk_trigger_mark(walk->subscribed, relid));
	}
}

/* Returns the relfilenumber of a table, mapped ones included, or InvalidOid if it has no storage */
static Oid
table_file(Oid relid)
{
	Datum		file;

	return sg_ask(pg_relation_filenode, relid, &file) ? DatumGetObjectId(file) : InvalidOid;
}

/* Appends the partitions of a table to the list */
static List *
visit_partitions(TrustWalk *walk, Oid relid, List *partitions)
{
	SgCatalog	inherits;
	HeapTuple	tuple;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return partitions;

	sg_catalog_begin(&inherits, InheritsRelationId, InheritsParentIndexId,
					 Anum_pg_inherits_inhparent, relid, walk->snapshot);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&inherits)))
	{
		Oid			partition = ((Form_pg_inherits) GETSTRUCT(tuple))->inhrelid;

		add_mark(&walk->print.partitions, partition, relid, tuple);
		partitions = lappend_oid(partitions, partition);
	}
	return partitions;
}

/* Visits a table and, if it is partitioned, its whole tree */
static void
visit_table(TrustWalk *walk, Oid root)
{
	List	   *tables = list_make1_oid(root);

	for (int i = 0; i < list_length(tables); i++)
	{
		Oid			relid = list_nth_oid(tables, i);

		add_mark(&walk->print.files, relid, table_file(relid), NULL);
		visit_subscriptions(walk, relid);
		tables = visit_partitions(walk, relid, tables);
	}
}

/* Visits the ancestors of a partition, since a subscription of these writes to it, too */
static void
visit_ancestors(TrustWalk *walk, Oid relid)
{
	ListCell   *lc;

	foreach(lc, sg_partition_ancestors(relid))
		visit_subscriptions(walk, lfirst_oid(lc));
}

static void
visit_key(TrustWalk *walk, const FkKey *key)
{
	uint64		between;

	for (int i = 0; i < key->nkeys; i++)
	{
		add_mark(&walk->print.columns, key->child, key->child_att[i], NULL);
		add_mark(&walk->print.columns, key->parent, key->parent_att[i], NULL);
		add_mark(&walk->print.columns, key->pf_eq_op[i], key->match, NULL);
	}

	walk->doubt = fk_cascade_doubt(key, walk->snapshot, &between);
	walk->print.triggers += between;
	visit_triggers(walk, key->conid);
	if (get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ||
		get_rel_relkind(key->parent) == RELKIND_PARTITIONED_TABLE)
		visit_clones(walk, key->conid);

	visit_triggered(walk, key);
	visit_table(walk, key->child);
	visit_ancestors(walk, key->child);
	if (key->parent != key->child)
	{
		visit_table(walk, key->parent);
		visit_ancestors(walk, key->parent);
	}
}

FkFingerprint
fk_fingerprint(const FkKey *key, Snapshot snapshot)
{
	TrustWalk	walk = {.snapshot = snapshot};

	visit_key(&walk, key);
	return walk.print;
}

/* Returns a text about the subscription that writes to the key's tables past its triggers, or NULL */
static char *
subscription_text(const TrustWalk *walk)
{
	char	   *name;

	if (!OidIsValid(walk->subscription))
		return NULL;

	name = get_subscription_name(walk->subscription, true);
	return psprintf("subscription %s writes to %s without a check",
					name ? quote_identifier(name) : "(dropped)", sg_relation_name(walk->target));
}

/* Emits an LSN, null for none */
static void
sink_place(SgRowSink *sink, XLogRecPtr place)
{
	if (XLogRecPtrIsInvalid(place))
		sg_sink_null(sink);
	else
		sg_sink_datum(sink, LSNGetDatum(place));
}

static void
emit_facts(SgRowSink *sink, const FkKey *key, XLogRecPtr reached, const FkSubscribed *subscribed)
{
	TrustWalk	walk = {.subscribed = subscribed};

	visit_key(&walk, key);
	sg_sink_datum(sink, ObjectIdGetDatum(key->conid));
	sg_sink_name(sink, key->name);
	sg_sink_text(sink, sg_relation_name(key->child));
	sg_sink_text(sink, sg_relation_name(key->parent));
	sg_sink_text(sink, fk_state_word(fk_state(key)));
	if (key->armed && key->doubt)
		sg_sink_null(sink);
	else
		sg_sink_bool(sink, key->armed);
	sg_sink_text(sink, key->unarmed_reason);
	sg_sink_text(sink, subscription_text(&walk));
	sg_sink_text(sink, key->doubt ? key->doubt : walk.doubt);
	sg_sink_int64(sink, (int64) walk.print.columns);
	sg_sink_int64(sink, (int64) walk.print.partitions);
	sg_sink_int64(sink, (int64) walk.print.triggers);
	sg_sink_int64(sink, (int64) walk.print.files);
	sg_sink_int64(sink, (int64) walk.print.subscriptions);
	sg_sink_int64(sink, (int64) GetSystemIdentifier());
	sg_sink_datum(sink, ObjectIdGetDatum(MyDatabaseId));
	sg_sink_datum(sink, LSNGetDatum(reached));
	sink_place(sink, walk.marked);
	sink_place(sink, subscribed->watched);
	sink_place(sink, subscribed->changed);
	sg_sink_text(sink, subscribed->origin);
	sink_place(sink, walk.triggered);
	sg_sink_emit(sink);
}

/*
 * schemaguard.sg_fk_facts()
 *
 * Returns a row per declared key: its state, its fingerprint, the system,
 * database and WAL position of now, and what is known of subscriptions.  Reads
 * only catalogs and marks, so that anybody may call it; takes no lock on the
 * keys' tables.
 */
static Datum
sg_fk_facts_entered(PG_FUNCTION_ARGS)
{
	XLogRecPtr	reached = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetXLogInsertRecPtr();
	FkSubscribed subscribed;
	SgRowSink	sink;
	ListCell   *lc;

	(void) sg_checked_owner();
	fk_read_subscribed(&subscribed);
	sg_sink_begin(&sink, fcinfo);
	foreach(lc, fk_declared(InvalidOid))
	{
		CHECK_FOR_INTERRUPTS();
		emit_facts(&sink, lfirst(lc), reached, &subscribed);
	}

	PG_RETURN_NULL();
}
