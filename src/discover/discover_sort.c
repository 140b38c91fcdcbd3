/*-------------------------------------------------------------------------
 *
 * discover_sort.c
 *	  The surest proposals first, where they come in several lots.
 *
 * They may be many, and each has its evidence, so they go through a
 * tuplesort: what work_mem has no room for is put into files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/rowsink.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"

/* What is sorted by comes after the columns of a row; the score there is not rounded */
typedef enum SortKey
{
	SORT_SCORE,
	SORT_COLUMN,
	SORT_KEY,
	SORT_KEYS
} SortKey;

struct ProposalSort
{
	Tuplesortstate *state;
	TupleTableSlot *slot;
	int			columns;		/* of a row */
};

ProposalSort *
sort_begin(const SgRowSink *sink)
{
	ProposalSort *sort = palloc(sizeof(ProposalSort));
	TupleDesc	row = sink->rsinfo->setDesc;
	TupleDesc	desc = CreateTemplateTupleDesc(row->natts + SORT_KEYS);
	Oid			types[SORT_KEYS] = {FLOAT8OID, INT4OID, INT4OID};
	AttrNumber	att[SORT_KEYS];
	Oid			operators[SORT_KEYS] = {lookup_type_cache(FLOAT8OID, TYPECACHE_GT_OPR)->gt_opr, Int4LessOperator, Int4LessOperator};
	Oid			collations[SORT_KEYS] = {0};
	bool		nulls_first[SORT_KEYS] = {0};

	for (int i = 1; i <= row->natts; i++)
		TupleDescCopyEntry(desc, i, row, i);
	for (int i = 0; i < SORT_KEYS; i++)
	{
		att[i] = row->natts + 1 + i;
		TupleDescInitEntry(desc, att[i], NULL, types[i], -1, 0);
	}
	TupleDescFinalize(desc);
	sort->columns = row->natts;
	sort->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sort->state = tuplesort_begin_heap(desc, SORT_KEYS, att, operators, collations, nulls_first, work_mem, NULL,
									   TUPLESORT_NONE);
	return sort;
}

void
sort_put(ProposalSort *sort, SgRowSink *sink, const Candidate *cand)
{
	TupleTableSlot *in = MakeSingleTupleTableSlot(sort->slot->tts_tupleDescriptor, &TTSOpsVirtual);

	Assert(sink->next == sort->columns);
	memcpy(in->tts_values, sink->values, sort->columns * sizeof(Datum));
	memcpy(in->tts_isnull, sink->nulls, sort->columns * sizeof(bool));
	in->tts_values[sort->columns + SORT_SCORE] = Float8GetDatum(cand->score);
	in->tts_values[sort->columns + SORT_COLUMN] = Int32GetDatum(cand->column);
	in->tts_values[sort->columns + SORT_KEY] = Int32GetDatum(cand->key);
	memset(in->tts_isnull + sort->columns, false, SORT_KEYS * sizeof(bool));
	ExecStoreVirtualTuple(in);
	tuplesort_puttupleslot(sort->state, in);
	ExecDropSingleTupleTableSlot(in);
	sink->next = 0;
}

void
sort_end(ProposalSort *sort, SgRowSink *sink, const Discovery *d)
{
	tuplesort_performsort(sort->state);
	while (tuplesort_gettupleslot(sort->state, true, false, sort->slot, NULL))
	{
		const Datum *values = sort->slot->tts_values + sort->columns;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(sort->slot);
		if (opposites_surer(d, DatumGetInt32(values[SORT_COLUMN]), DatumGetInt32(values[SORT_KEY]),
							DatumGetFloat8(values[SORT_SCORE])))
			continue;
		memcpy(sink->values, sort->slot->tts_values, sort->columns * sizeof(Datum));
		memcpy(sink->nulls, sort->slot->tts_isnull, sort->columns * sizeof(bool));
		sink->next = sort->columns;
		sg_sink_emit(sink);
	}
	ExecDropSingleTupleTableSlot(sort->slot);
	tuplesort_end(sort->state);
}
