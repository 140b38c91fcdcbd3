/*-------------------------------------------------------------------------
 *
 * audit_skip.c
 *	  Reading an index of the child from one distinct key to the next.
 *
 * Each step descends to the first entry behind the last key that leads to a
 * visible row; entries of dead rows are passed.  The values come from the
 * row, not from the index.
 *
 * An index scan would copy the rest of the page, a thousand entries of the
 * next key, to return the first of them.  So a step looks at that one itself,
 * and scans only where it does not lead to a visible row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_index.h"
#include "base/compat.h"
#include "base/quote.h"

struct SkipScan
{
	Relation	child;
	Relation	index;
	KeyOrder	order;
	TupleTableSlot *slot;
	BTScanInsert descent;		/* to the first entry behind the last key */
	IndexFetchTableData *fetch; /* of the row it leads to */
	IndexScanDesc forward;		/* to the next key, if that row is not visible */
	IndexScanDesc equal;		/* the rows of a key */
	ScanKeyData first_key[INDEX_MAX_KEYS];	/* for forward: no column is null */
	ScanKeyData next_key[INDEX_MAX_KEYS];	/* the same, and behind the last
											 * key */
	ScanKeyData behind[INDEX_MAX_KEYS]; /* the row in next_key[0] of several
										 * columns */
	ScanKeyData equal_key[INDEX_MAX_KEYS];
	bool		started;
	Datum		last[INDEX_MAX_KEYS];	/* the current key */
	MemoryContext context;		/* where its values are */
	MemoryContext spare;		/* where the next one's will be */
	int64		max_rows;		/* that the table can have */
};

/* A function of a column's operator class, by strategy, against the current key */
static void
init_operator(ScanKey skey, SkipScan *skip, int i, StrategyNumber strategy)
{
	Oid			family = skip->index->rd_opfamily[i];
	Oid			type = skip->index->rd_opcintype[i];
	Oid			operator = get_opfamily_member(family, type, type, strategy);

	if (!OidIsValid(operator))
		elog(ERROR, "operator family %u lacks operator %d for type %u", family, strategy, type);
	ScanKeyEntryInitialize(skey, 0, i + 1, strategy, InvalidOid,
						   skip->index->rd_indcollation[i], get_opcode(operator), (Datum) 0);
}

static void
init_scan_keys(SkipScan *skip)
{
	int			n = skip->order.nkeys;

	for (int i = 0; i < n; i++)
	{
		ScanKeyEntryInitialize(&skip->first_key[i], SK_ISNULL | SK_SEARCHNOTNULL, i + 1,
							   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
		skip->next_key[i] = skip->first_key[i];
		init_operator(&skip->equal_key[i], skip, i, BTEqualStrategyNumber);

		/* columns of a row are compared by the support function */
		ScanKeyEntryInitialize(&skip->behind[i], SK_ROW_MEMBER | (i == n - 1 ? SK_ROW_END : 0), i + 1,
							   BTGreaterStrategyNumber, InvalidOid, skip->index->rd_indcollation[i],
							   skip->order.type[i]->cmp_proc_finfo.fn_oid, (Datum) 0);
	}

	if (n == 1)
		init_operator(&skip->next_key[0], skip, 0, BTGreaterStrategyNumber);
	else
	{
		MemSet(&skip->next_key[0], 0, sizeof(ScanKeyData));
		skip->next_key[0].sk_flags = SK_ROW_HEADER;
		skip->next_key[0].sk_attno = 1;
		skip->next_key[0].sk_strategy = BTGreaterStrategyNumber;
		skip->next_key[0].sk_argument = PointerGetDatum(skip->behind);
	}
}

SkipScan *
audit_skip_begin(const FkKey *key, Oid indexid)
{
	SkipScan   *skip = palloc0(sizeof(SkipScan));
	Snapshot	snapshot = GetActiveSnapshot();

	skip->child = table_open(key->child, NoLock);
	skip->index = index_open(indexid, AccessShareLock);
	if (!audit_skip_order(skip->index, key, &skip->order))
		elog(ERROR, "index %s can't be read in the order of its key", sg_relation_name(indexid));
	init_scan_keys(skip);
	skip->descent = _bt_mkscankey(skip->index, NULL);
	_bt_metaversion(skip->index, &skip->descent->heapkeyspace, &skip->descent->allequalimage);
	skip->descent->nextkey = true;
	skip->descent->anynullkeys = false;
	skip->descent->keysz = key->nkeys;
	skip->fetch = table_index_fetch_begin(skip->child, SO_NONE);

	skip->slot = table_slot_create(skip->child, NULL);
	skip->forward = index_beginscan(skip->child, skip->index, snapshot, NULL,
									key->nkeys, 0, SO_NONE);
	skip->equal = index_beginscan(skip->child, skip->index, snapshot, NULL,
								  key->nkeys, 0, SO_NONE);
	skip->context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard skip scan",
										  ALLOCSET_SMALL_SIZES);
	skip->spare = AllocSetContextCreate(CurrentMemoryContext, "schemaguard skip scan",
										ALLOCSET_SMALL_SIZES);
	skip->max_rows = (int64) RelationGetNumberOfBlocks(skip->child) * MaxHeapTuplesPerPage;

	return skip;
}

/* The key of the row in the slot, as long as that row is in it */
static void
read_key(SkipScan *skip, Datum *values)
{
	for (int i = 0; i < skip->order.nkeys; i++)
	{
		bool		isnull;

		values[i] = slot_getattr(skip->slot, skip->order.att[i], &isnull);
		if (isnull)
			audit_index_corrupt(RelationGetRelid(skip->index), "it leads to a row with another key");
	}
}

/* Make the key of the row in the slot the current one */
static void
keep_key(SkipScan *skip)
{
	MemoryContext context = skip->spare;
	Datum		values[INDEX_MAX_KEYS];
	MemoryContext old;

	read_key(skip, values);
	/* or a damaged index could lead round in circles */
	if (skip->started && key_order_compare(&skip->order, values, skip->last) <= 0)
		audit_index_corrupt(RelationGetRelid(skip->index), "its keys are not in order");

	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < skip->order.nkeys; i++)
	{
		TypeCacheEntry *type = skip->order.type[i];

		/* looked at many times in a descent */
		if (type->typlen == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM(values[i]));
		skip->last[i] = datumCopy(values[i], type->typbyval, type->typlen);
		skip->behind[i].sk_argument = skip->equal_key[i].sk_argument = skip->last[i];
		skip->descent->scankeys[i].sk_argument = skip->last[i];
		skip->descent->scankeys[i].sk_flags &= ~SK_ISNULL;
	}
	if (skip->order.nkeys == 1)
		skip->next_key[0].sk_argument = skip->last[0];
	MemoryContextSwitchTo(old);

	skip->spare = skip->context;
	skip->context = context;
	MemoryContextReset(skip->spare);
	skip->started = true;
}

/* The first entry of a leaf that is behind the last key; past its end: none */
static OffsetNumber
first_behind(SkipScan *skip, Page page)
{
	OffsetNumber low = P_FIRSTDATAKEY(BTPageGetOpaque(page));
	OffsetNumber high = PageGetMaxOffsetNumber(page) + 1;

	while (low < high)
	{
		OffsetNumber middle = low + (high - low) / 2;

		if (_bt_compare(skip->index, skip->descent, page, middle) >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A copy of that entry, or NULL when it is not on the page where it should be */
static IndexTuple
next_entry(SkipScan *skip)
{
	Buffer		buffer;
	BTPageOpaque opaque;
	Page		page;
	OffsetNumber n;
	IndexTuple	entry = NULL;

	sg_bt_search(skip->index, skip->child, skip->descent, &buffer, GetActiveSnapshot());
	if (!BufferIsValid(buffer))
		return NULL;

	PredicateLockPage(skip->index, BufferGetBlockNumber(buffer), GetActiveSnapshot());
	page = BufferGetPage(buffer);
	opaque = BTPageGetOpaque(page);
	n = first_behind(skip, page);
	if (!P_IGNORE(opaque) && n <= PageGetMaxOffsetNumber(page) &&
		!ItemIdIsDead(PageGetItemId(page, n)))
		entry = CopyIndexTuple((IndexTuple) PageGetItem(page, PageGetItemId(page, n)));
	_bt_relbuf(skip->index, buffer);

	return entry;
}

/*
 * Does the first entry behind the last key lead to a visible row?  If so, it
 * is in the slot.  If not, nothing is known.
 */
static bool
look_at_next(SkipScan *skip)
{
	IndexTuple	entry = next_entry(skip);
	bool		found = false;

	if (entry == NULL)
		return false;

	if (!IndexTupleHasNulls(entry))
	{
		ItemPointerData tid = BTreeTupleIsPosting(entry) ? *BTreeTupleGetPosting(entry) : entry->t_tid;
		bool		again = false;

		found = table_index_fetch_tuple(skip->fetch, &tid, GetActiveSnapshot(), skip->slot,
										&again, NULL);
	}
	pfree(entry);

	return found;
}

/* The same by an index scan, which passes the entries of dead rows */
static bool
scan_to_next(SkipScan *skip)
{
	index_rescan(skip->forward, skip->started ? skip->next_key : skip->first_key,
				 skip->order.nkeys, NULL, 0);
	return index_getnext_slot(skip->forward, ForwardScanDirection, skip->slot);
}

const Datum *
audit_skip_next(SkipScan *skip)
{
	bool		found;

	CHECK_FOR_INTERRUPTS();
	found = (skip->started && look_at_next(skip)) || scan_to_next(skip);
	if (found)
		keep_key(skip);
	ExecClearTuple(skip->slot);

	return found ? skip->last : NULL;
}

int64
audit_skip_rows(SkipScan *skip)
{
	int64		rows = 0;

	index_rescan(skip->equal, skip->equal_key, skip->order.nkeys, NULL, 0);
	while (index_getnext_slot(skip->equal, ForwardScanDirection, skip->slot))
	{
		Datum		values[INDEX_MAX_KEYS];

		CHECK_FOR_INTERRUPTS();
		read_key(skip, values);
		if (key_order_compare(&skip->order, values, skip->last) != 0)
			audit_index_corrupt(RelationGetRelid(skip->index), "it leads to a row with another key");
		if (++rows > skip->max_rows)
			audit_index_corrupt(RelationGetRelid(skip->index), "it has more rows than its table");
	}
	ExecClearTuple(skip->slot);

	return rows;
}

void
audit_skip_end(SkipScan *skip)
{
	table_index_fetch_end(skip->fetch);
	pfree(skip->descent);
	index_endscan(skip->forward);
	index_endscan(skip->equal);
	ExecDropSingleTupleTableSlot(skip->slot);
	index_close(skip->index, NoLock);
	table_close(skip->child, NoLock);
	MemoryContextDelete(skip->context);
	MemoryContextDelete(skip->spare);
	pfree(skip);
}

bool
audit_skip_scan(IndexVerdict *verdict, const FkKey *key, Oid index,
				int samples, MemoryContext results)
{
	char	   *problem;
	IndexProbe *probe = audit_probe_begin(key, key->index, &problem);
	SkipScan   *skip;
	const Datum *values;
	int64		nkeys = 0;

	if (probe == NULL)
		return false;

	skip = audit_skip_begin(key, index);
	while (nkeys <= verdict->max_keys && (values = audit_skip_next(skip)) != NULL)
	{
		nkeys++;
		if (!audit_probe_has(probe, &skip->order, values))
			index_verdict_add(verdict, key, &skip->order, values, NULL, audit_skip_rows(skip),
							  samples, results);
	}
	audit_skip_end(skip);
	audit_probe_end(probe);

	return nkeys <= verdict->max_keys;
}
