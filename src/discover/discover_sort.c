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

#define SORT_KEYS 3				/* score, then column and key as they are
								 * numbered */

struct ProposalSort
{
	Tuplesortstate *state;
	TupleTableSlot *slot;
	int			columns;		/* of a row; after them come column and key */
	AttrNumber	score;			/* which of them it is */
};

ProposalSort *
sort_begin(const SgRowSink *sink, AttrNumber score)
{
	ProposalSort *sort = palloc(sizeof(ProposalSort));
	TupleDesc	row = sink->rsinfo->setDesc;
	TupleDesc	desc = CreateTemplateTupleDesc(row->natts + SORT_KEYS - 1);
	AttrNumber	att[SORT_KEYS] = {score, row->natts + 1, row->natts + 2};
	Oid			operators[SORT_KEYS] = {lookup_type_cache(FLOAT8OID, TYPECACHE_GT_OPR)->gt_opr, Int4LessOperator, Int4LessOperator};
	Oid			collations[SORT_KEYS] = {0};
	bool		nulls_first[SORT_KEYS] = {0};

	for (int i = 1; i <= row->natts; i++)
		TupleDescCopyEntry(desc, i, row, i);
	for (int i = 1; i < SORT_KEYS; i++)
		TupleDescInitEntry(desc, row->natts + i, NULL, INT4OID, -1, 0);
	TupleDescFinalize(desc);
	sort->columns = row->natts;
	sort->score = score;
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
	in->tts_values[sort->columns] = Int32GetDatum(cand->column);
	in->tts_values[sort->columns + 1] = Int32GetDatum(cand->key);
	in->tts_isnull[sort->columns] = in->tts_isnull[sort->columns + 1] = false;
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
		const Datum *values = sort->slot->tts_values;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(sort->slot);
		if (opposites_surer(d, DatumGetInt32(values[sort->columns]), DatumGetInt32(values[sort->columns + 1]),
							DatumGetFloat8(values[sort->score - 1])))
			continue;
		memcpy(sink->values, sort->slot->tts_values, sort->columns * sizeof(Datum));
		memcpy(sink->nulls, sort->slot->tts_isnull, sort->columns * sizeof(bool));
		sink->next = sort->columns;
		sg_sink_emit(sink);
	}
	ExecDropSingleTupleTableSlot(sort->slot);
	tuplesort_end(sort->state);
}
