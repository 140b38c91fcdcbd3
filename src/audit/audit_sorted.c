/*-------------------------------------------------------------------------
 *
 * audit_sorted.c
 *	  The distinct keys of a child, read from its heap and sorted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "audit/audit_index.h"
#include "audit/audit_internal.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"

/* kB.  A run of the sort is written without a look at cancels: keep it short. */
#define MAX_SORT_MEMORY (16 * 1024)

struct SortedKeys
{
	const FkKey *key;
	const KeyOrder *order;
	Tuplesortstate *sort;
	TupleTableSlot *slot;		/* the group that the caller has */
	TupleTableSlot *ahead;		/* the first row of the next one */
	bool		more;			/* is there one? */
};

static TupleDesc
make_descriptor(const KeyOrder *order)
{
	TupleDesc	desc = CreateTemplateTupleDesc(order->nkeys);

	for (int i = 0; i < order->nkeys; i++)
	{
		TupleDescInitEntry(desc, i + 1, NULL, order->type[i]->type_id, order->typmod[i], 0);
		TupleDescInitEntryCollation(desc, i + 1, order->collation[i]);
	}
	TupleDescFinalize(desc);

	return desc;
}

/* Does the key look at this row?  MATCH SIMPLE: no null; FULL: not all null. */
static bool
is_checked(const FkKey *key, const bool *nulls)
{
	int			n = 0;

	for (int i = 0; i < key->nkeys; i++)
		n += nulls[i];
	return key->match == FKCONSTR_MATCH_FULL ? n < key->nkeys : n == 0;
}

static void
read_leaf(SortedKeys *sorted, Oid leaf)
{
	const KeyOrder *order = sorted->order;
	Relation	rel = table_open(leaf, NoLock);
	TupleTableSlot *row = table_slot_create(rel, NULL);
	TupleTableSlot *out = sorted->slot;
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL, SO_NONE);
	AttrNumber	att[INDEX_MAX_KEYS];

	/* a partition may have its columns in other places */
	for (int i = 0; i < order->nkeys; i++)
		att[i] = sg_column_in(leaf, sorted->key->child, order->att[i]);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(out);
		for (int i = 0; i < order->nkeys; i++)
			out->tts_values[i] = slot_getattr(row, att[i], &out->tts_isnull[i]);
		if (!is_checked(sorted->key, out->tts_isnull))
			continue;
		ExecStoreVirtualTuple(out);
		tuplesort_puttupleslot(sorted->sort, out);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(rel, NoLock);
}

SortedKeys *
audit_sorted_begin(const FkKey *key, List *leaves, const KeyOrder *order)
{
	SortedKeys *sorted = palloc0(sizeof(SortedKeys));
	TupleDesc	desc = make_descriptor(order);
	AttrNumber	columns[INDEX_MAX_KEYS];
	Oid			less[INDEX_MAX_KEYS];
	Oid			collations[INDEX_MAX_KEYS];
	bool		nulls_first[INDEX_MAX_KEYS] = {0};
	ListCell   *lc;

	for (int i = 0; i < order->nkeys; i++)
	{
		columns[i] = i + 1;
		less[i] = order->type[i]->lt_opr;
		collations[i] = order->collation[i];
	}
	sorted->key = key;
	sorted->order = order;
	sorted->sort = tuplesort_begin_heap(desc, order->nkeys, columns, less, collations, nulls_first,
										(int) Min(sg_audit_memory_bytes() / 1024, MAX_SORT_MEMORY),
										NULL, TUPLESORT_NONE);

	sorted->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	foreach(lc, audit_leaves(key->child, leaves))
		read_leaf(sorted, lfirst_oid(lc));
	ExecDropSingleTupleTableSlot(sorted->slot);
	tuplesort_performsort(sorted->sort);

	sorted->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sorted->ahead = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sorted->more = tuplesort_gettupleslot(sorted->sort, true, true, sorted->ahead, NULL);

	return sorted;
}

/* Are two rows of the same group?  Nulls are equal here. */
static bool
same_key(const KeyOrder *order, TupleTableSlot *a, TupleTableSlot *b)
{
	slot_getallattrs(a);
	slot_getallattrs(b);
	for (int i = 0; i < order->nkeys; i++)
	{
		if (a->tts_isnull[i] != b->tts_isnull[i])
			return false;
		if (!a->tts_isnull[i] &&
			DatumGetInt32(FunctionCall2Coll(&order->type[i]->cmp_proc_finfo, order->collation[i],
											a->tts_values[i], b->tts_values[i])) != 0)
			return false;
	}
	return true;
}

bool
audit_sorted_next(SortedKeys *sorted, Datum **values, bool **nulls, int64 *rows)
{
	TupleTableSlot *first = sorted->ahead;

	if (!sorted->more)
		return false;

	sorted->ahead = sorted->slot;
	sorted->slot = first;
	*rows = 0;
	do
	{
		CHECK_FOR_INTERRUPTS();
		++*rows;
		sorted->more = tuplesort_gettupleslot(sorted->sort, true, true, sorted->ahead, NULL);
	} while (sorted->more && same_key(sorted->order, first, sorted->ahead));

	slot_getallattrs(first);
	*values = first->tts_values;
	*nulls = first->tts_isnull;
	return true;
}

void
audit_sorted_end(SortedKeys *sorted)
{
	ExecDropSingleTupleTableSlot(sorted->slot);
	ExecDropSingleTupleTableSlot(sorted->ahead);
	tuplesort_end(sorted->sort);
	pfree(sorted);
}
