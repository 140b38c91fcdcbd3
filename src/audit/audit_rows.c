/*-------------------------------------------------------------------------
 *
 * audit_rows.c
 *	  The rows of a relation, with the few columns that are asked for.
 *
 * Rows come from the table access method.  A heap scan finds out which rows
 * of a page are visible once for the whole page: they are then taken from
 * there one by one, without asking for each, and columns that lie at the same
 * place in every row are read from that place.  To call the access method and
 * to take the row apart takes more time than all that an audit does with it.
 *
 * That place is known where nothing before the column varies in width; a row
 * for which that is not so, because a column before is null, or has been
 * added after the row, is taken apart as usual.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/tupmacs.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_rows.h"
#include "base/compat.h"

/*
 * Finds the offset of each column in rows without nulls, as far as it does not
 * depend on the row; returns the number of these columns
 */
static int
find_places(TupleDesc desc, int last, uint32 *place)
{
	uint32		offset = 0;

	for (int i = 0; i < last; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		uint32		aligned = att_align_nominal(offset, att->attalign);

		/* short headers are not aligned, long ones are */
		if (att->attlen < 0 && aligned != offset)
			return i;
		place[i] = aligned;
		if (att->attlen < 0)
			return i + 1;
		offset = aligned + att->attlen;
	}
	return last;
}

static void
choose_columns(AuditRows *rows, TupleDesc desc, const bool *wanted)
{
	uint32	   *place = palloc(sizeof(uint32) * rows->last);

	if (find_places(desc, rows->last, place) < rows->last)
		rows->by_page = false;
	rows->columns = palloc(sizeof(AuditColumnPlace) * rows->last);
	rows->ncolumns = 0;
	for (int i = 0; i < rows->last; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AuditColumnPlace *column = &rows->columns[rows->ncolumns];

		if (!wanted[i])
			continue;
		column->index = i;
		column->offset = rows->by_page ? place[i] : 0;
		column->len = att->attlen;
		column->byval = att->attbyval;
		rows->ncolumns++;
	}
	pfree(place);
}

void
audit_rows_begin(AuditRows *rows, Relation rel, ParallelTableScanDesc pscan,
				 const bool *wanted, int last)
{
	memset(rows, 0, sizeof(AuditRows));
	rows->rel = rel;
	rows->slot = table_slot_create(rel, NULL);
	rows->last = last;
	rows->scan = pscan ? table_beginscan_parallel(rel, pscan, SO_NONE) :
		table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, true);
	rows->by_page = last > 0 && rel->rd_tableam == GetHeapamTableAmRoutine() &&
		(rows->scan->rs_flags & SO_ALLOW_PAGEMODE) != 0;
	choose_columns(rows, RelationGetDescr(rel), wanted);
}

void
audit_rows_end(AuditRows *rows)
{
	table_endscan(rows->scan);
	ExecDropSingleTupleTableSlot(rows->slot);
	pfree(rows->columns);
}

ItemPointerData
audit_rows_place(const AuditRows *rows)
{
	ItemPointerData tid = rows->slot->tts_tid;

	if (rows->by_page)
		ItemPointerSet(&tid, ((HeapScanDesc) rows->scan)->rs_cblock, rows->visible[rows->next - 1]);
	return tid;
}

bool
audit_rows_next_page(AuditRows *rows)
{
	HeapScanDesc scan = (HeapScanDesc) rows->scan;

	if (!rows->by_page)
	{
		if (!table_scan_getnextslot(rows->scan, ForwardScanDirection, rows->slot))
			return false;
		slot_getsomeattrs(rows->slot, rows->last);
		return true;
	}

	/* continue the scan behind the last row of the page */
	if (rows->ntuples > 0)
		scan->rs_cindex = rows->ntuples - 1;
	rows->ntuples = rows->next = 0;
	if (!table_scan_getnextslot(rows->scan, ForwardScanDirection, rows->slot))
		return false;
	rows->ntuples = scan->rs_ntuples;
	rows->next = scan->rs_cindex;
	rows->page = BufferGetPage(scan->rs_cbuf);
	rows->visible = scan->rs_vistuples;
	for (int i = rows->next; i < Min(rows->next + AUDIT_ROWS_AHEAD, rows->ntuples); i++)
		audit_prefetch(audit_rows_header(rows, i));
	/* the first row is counted already */
	pgstat_count_index_tuples(rows->rel, rows->ntuples - rows->next - 1);
	return true;
}

void
audit_rows_take_apart(AuditRows *rows, OffsetNumber offset)
{
	HeapScanDesc scan = (HeapScanDesc) rows->scan;
	ItemId		item = PageGetItemId(rows->page, offset);

	rows->tuple.t_data = (HeapTupleHeader) PageGetItem(rows->page, item);
	rows->tuple.t_len = ItemIdGetLength(item);
	rows->tuple.t_tableOid = RelationGetRelid(rows->rel);
	ItemPointerSet(&rows->tuple.t_self, scan->rs_cblock, offset);
	ExecStoreBufferHeapTuple(&rows->tuple, rows->slot, scan->rs_cbuf);
	slot_getsomeattrs(rows->slot, rows->last);
}
