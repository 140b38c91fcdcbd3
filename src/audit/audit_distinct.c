/*-------------------------------------------------------------------------
 *
 * audit_distinct.c
 *	  Counts the distinct keys of orphans, in bounded memory.
 *
 * There may be as many orphans as rows, so they go through a tuplesort, which
 * spills to temporary files, and are counted in order: equal is what the
 * columns' own types and collations call equal, as in GROUP BY.  In front of
 * it sits a small cache of keys seen lately, for the common case that many
 * rows miss the same few parents.
 *
 * Workers hand their tuples to the leader through a shared tuplestore.
 *
 * For UNIQUE all rows go through it, and what counts is what has come before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "audit/audit.h"
#include "audit/audit_distinct.h"
#include "audit/audit_internal.h"
#include "base/compat.h"

#define SEEN_ENTRIES 256
#define SEEN_MAX_LEN 64

typedef struct SeenKey
{
	uint64		hash;
	Size		len;			/* 0: empty */
	char		bytes[SEEN_MAX_LEN];
} SeenKey;

struct AuditDistinct
{
	const FkKey *key;
	SharedTuplestoreAccessor *sts;	/* a worker's tuplestore; NULL in the
									 * leader */
	int			memory_kb;
	MemoryContext context;
	TupleDesc	desc;			/* NULL before the first orphan */
	TupleTableSlot *in;
	TupleTableSlot *out;
	Tuplesortstate *sort;
	SeenKey    *seen;
	SortSupport compare;
};

AuditDistinct *
audit_distinct_begin(const FkKey *key, SharedTuplestoreAccessor *sts, int memory_kb)
{
	AuditDistinct *distinct = palloc0(sizeof(AuditDistinct));

	distinct->key = key;
	distinct->sts = sts;
	distinct->memory_kb = memory_kb;
	distinct->context = CurrentMemoryContext;
	return distinct;
}

/* Returns the operator that sorts a column, or InvalidOid */
static Oid
sort_operator(const FkKey *key, int i, Oid *collation)
{
	Oid			type;
	int32		typmod;

	get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, collation);
	return lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr;
}

bool
audit_distinct_possible(const FkKey *key)
{
	Oid			collation;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (!OidIsValid(sort_operator(key, i, &collation)))
			return false;
	}
	return true;
}

static void
begin_sort(AuditDistinct *distinct)
{
	int			n = distinct->key->nkeys;
	AttrNumber	att[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	Oid			collations[INDEX_MAX_KEYS];
	bool		nulls_first[INDEX_MAX_KEYS] = {0};

	distinct->compare = palloc0(sizeof(SortSupportData) * n);
	for (int i = 0; i < n; i++)
	{
		att[i] = i + 1;
		operators[i] = sort_operator(distinct->key, i, &collations[i]);
		distinct->compare[i].ssup_cxt = CurrentMemoryContext;
		distinct->compare[i].ssup_collation = collations[i];
		distinct->compare[i].ssup_attno = i + 1;
		PrepareSortSupportFromOrderingOp(operators[i], &distinct->compare[i]);
	}
	distinct->sort = tuplesort_begin_heap(distinct->desc, n, att, operators, collations,
										  nulls_first, distinct->memory_kb, NULL, TUPLESORT_NONE);
}

/* Sets up the state that is needed from the first orphan on */
static void
start(AuditDistinct *distinct)
{
	MemoryContext old = MemoryContextSwitchTo(distinct->context);
	const FkKey *key = distinct->key;
	TupleDesc	desc = CreateTemplateTupleDesc(key->nkeys);

	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, &collation);
		TupleDescInitEntry(desc, i + 1, NULL, type, typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, collation);
	}
	TupleDescFinalize(desc);
	distinct->desc = desc;
	distinct->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	if (distinct->sts == NULL)
		begin_sort(distinct);
	MemoryContextSwitchTo(old);
}

/*
 * Returns whether the key is in the cache of recent keys, and adds it.  May
 * miss a recent key, but never reports a new one as seen.
 */
bool
audit_distinct_seen(AuditDistinct *distinct, const char *bytes, Size len)
{
	uint64		hash;
	SeenKey    *entry;

	if (len > SEEN_MAX_LEN || len == 0)
		return false;
	if (distinct->seen == NULL)
		distinct->seen = MemoryContextAllocZero(distinct->context,
												sizeof(SeenKey) * SEEN_ENTRIES);
	hash = hash_bytes_extended((const unsigned char *) bytes, len, 0);
	entry = &distinct->seen[hash % SEEN_ENTRIES];
	if (entry->hash == hash && entry->len == len && memcmp(entry->bytes, bytes, len) == 0)
		return true;
	entry->hash = hash;
	entry->len = len;
	memcpy(entry->bytes, bytes, len);
	return false;
}

void
audit_distinct_add(AuditDistinct *distinct, const Datum *values, const bool *nulls)
{
	if (distinct->desc == NULL)
		start(distinct);

	ExecClearTuple(distinct->in);
	memcpy(distinct->in->tts_values, values, sizeof(Datum) * distinct->key->nkeys);
	if (nulls)
		memcpy(distinct->in->tts_isnull, nulls, sizeof(bool) * distinct->key->nkeys);
	else
		memset(distinct->in->tts_isnull, 0, sizeof(bool) * distinct->key->nkeys);
	ExecStoreVirtualTuple(distinct->in);

	if (distinct->sts)
	{
		MemoryContext old;
		bool		must_free;
		MinimalTuple tuple = ExecFetchSlotMinimalTuple(distinct->in, &must_free);

		/* before 17 the file is allocated in the current memory context */
		old = MemoryContextSwitchTo(distinct->context);
		sts_puttuple(distinct->sts, NULL, tuple);
		MemoryContextSwitchTo(old);
		if (must_free)
			heap_free_minimal_tuple(tuple);
	}
	else
		tuplesort_puttupleslot(distinct->sort, distinct->in);
}

void
audit_distinct_flush(AuditDistinct *distinct)
{
	sts_end_write(distinct->sts);
}

/* Reads the orphans of the workers into the leader's sort. */
void
audit_distinct_drain(AuditDistinct *distinct, SharedTuplestoreAccessor *sts)
{
	MinimalTuple tuple;
	TupleTableSlot *slot = NULL;

	sts_begin_parallel_scan(sts);
	while ((tuple = sts_parallel_scan_next(sts, NULL)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (distinct->desc == NULL)
			start(distinct);
		if (slot == NULL)
			slot = MakeSingleTupleTableSlot(distinct->desc, &TTSOpsMinimalTuple);
		ExecStoreMinimalTuple(tuple, slot, false);
		tuplesort_puttupleslot(distinct->sort, slot);
	}
	sts_end_parallel_scan(sts);
	if (slot)
		ExecDropSingleTupleTableSlot(slot);
}

static bool
same_key(AuditDistinct *distinct, TupleTableSlot *a, TupleTableSlot *b)
{
	for (int i = 0; i < distinct->key->nkeys; i++)
	{
		if (ApplySortComparator(a->tts_values[i], a->tts_isnull[i],
								b->tts_values[i], b->tts_isnull[i],
								&distinct->compare[i]) != 0)
			return false;
	}
	return true;
}

static void
add_sample(AuditKey *ak, TupleTableSlot *slot, int samples, MemoryContext results)
{
	Jsonb	   *object;

	if (list_length(ak->sample) >= samples)
		return;
	object = audit_key_object(&ak->key, slot->tts_values, slot->tts_isnull, results);
	MemoryContextSwitchTo(results);
	ak->sample = lappend(ak->sample, object);
}

void
audit_distinct_end(AuditDistinct *distinct, AuditKey *ak, int samples, MemoryContext results)
{
	TupleTableSlot *slot;
	TupleTableSlot *last;
	MemoryContext work;
	MemoryContext old;
	int64		times = 0;		/* occurrences of the current key */
	int64		counted_at = ak->rule ? 2 : 1;

	if (distinct->desc == NULL)
		return;

	work = AllocSetContextCreate(CurrentMemoryContext, "schemaguard orphan keys",
								 ALLOCSET_DEFAULT_SIZES);
	slot = MakeSingleTupleTableSlot(distinct->desc, &TTSOpsMinimalTuple);
	last = MakeSingleTupleTableSlot(distinct->desc, &TTSOpsMinimalTuple);
	tuplesort_performsort(distinct->sort);
	while (tuplesort_gettupleslot(distinct->sort, true, true, slot, NULL))
	{
		TupleTableSlot *swap = slot;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		old = MemoryContextSwitchTo(work);
		times = TTS_EMPTY(last) || !same_key(distinct, slot, last) ? 1 : times + 1;
		if (times == counted_at)
		{
			ak->orphan_keys++;
			add_sample(ak, slot, samples, results);
		}
		if (ak->rule && times > 1)
			ak->orphan_rows += times == 2 ? 2 : 1;
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
		slot = last;
		last = swap;
	}
	tuplesort_end(distinct->sort);
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(last);
	ExecDropSingleTupleTableSlot(distinct->in);
	MemoryContextDelete(work);
}
