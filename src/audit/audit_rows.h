/*-------------------------------------------------------------------------
 *
 * audit_rows.h
 *	  The rows of a relation, with the few columns that are asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_ROWS_H
#define SG_AUDIT_ROWS_H

#include "postgres.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/tupmacs.h"
#include "executor/tuptable.h"
#include "storage/bufpage.h"

/* A column and, in rows without nulls before it, where it lies */
typedef struct AuditColumnPlace
{
	int			index;			/* attribute number less one */
	uint32		offset;
	int16		len;
	bool		byval;
} AuditColumnPlace;

/*
 * A scan.  The columns that are wanted of the row at hand are in tts_values
 * and tts_isnull of slot; what else is there means nothing.  What they point
 * to stays until the next row.
 */
typedef struct AuditRows
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int			last;			/* the last column wanted */
	AuditColumnPlace *columns;
	int			ncolumns;
	bool		by_page;		/* it is a heap, and the columns' places are
								 * known */
	/* the visible rows of the page at hand */
	Page		page;
	const OffsetNumber *visible;
	int			ntuples;
	int			next;
	HeapTupleData tuple;		/* one that had to be taken apart */
} AuditRows;

/*
 * In the active snapshot; pscan, if several processes share the scan.
 * wanted[0 .. last - 1] says which columns.
 */
extern void audit_rows_begin(AuditRows *rows, Relation rel, ParallelTableScanDesc pscan,
							 const bool *wanted, int last);
extern void audit_rows_end(AuditRows *rows);

/* Where the row at hand is */
extern ItemPointerData audit_rows_place(const AuditRows *rows);

/* Rows of a page are fetched into the processor's cache so far ahead */
#define AUDIT_ROWS_AHEAD 12

#if defined(__GNUC__)
#define audit_prefetch(p) __builtin_prefetch(p)
#else
#define audit_prefetch(p) ((void) 0)
#endif

/* Used by audit_rows_next: a row of its own or, by_page, a page; one that has to be taken apart */
extern bool audit_rows_next_page(AuditRows *rows);
extern void audit_rows_take_apart(AuditRows *rows, OffsetNumber offset);

static inline HeapTupleHeader
audit_rows_header(const AuditRows *rows, int i)
{
	return (HeapTupleHeader) PageGetItem(rows->page, PageGetItemId(rows->page, rows->visible[i]));
}

/* Are the first n columns of a row not null? */
static inline bool
audit_rows_filled(const uint8 *bits, int n)
{
	int			i;

	for (i = 0; i < n / 8; i++)
	{
		if (bits[i] != 0xFF)
			return false;
	}
	return n % 8 == 0 || (bits[i] | (0xFF << n % 8)) == (0xFF | (0xFF << n % 8));
}

/* false when there are no more rows */
static pg_attribute_always_inline bool
audit_rows_next(AuditRows *rows)
{
	Datum	   *values;
	bool	   *isnull;
	HeapTupleHeader tuple;
	char	   *data;
	bool		null_at_end = false;
	int			row = rows->next;

	if (row >= rows->ntuples)
	{
		if (!audit_rows_next_page(rows))
			return false;
		if (!rows->by_page)
			return true;
		row = rows->next;
	}
	rows->next = row + 1;
	if (row + AUDIT_ROWS_AHEAD < rows->ntuples)
		audit_prefetch(audit_rows_header(rows, row + AUDIT_ROWS_AHEAD));

	tuple = audit_rows_header(rows, row);
	if (HeapTupleHeaderGetNatts(tuple) < rows->last)
	{
		audit_rows_take_apart(rows, rows->visible[row]);
		return true;
	}
	if (tuple->t_infomask & HEAP_HASNULL)
	{
		if (!audit_rows_filled(tuple->t_bits, rows->last - 1))
		{
			audit_rows_take_apart(rows, rows->visible[row]);
			return true;
		}
		null_at_end = att_isnull(rows->last - 1, tuple->t_bits);
	}

	data = (char *) tuple + tuple->t_hoff;
	values = rows->slot->tts_values;
	isnull = rows->slot->tts_isnull;
	for (int i = 0; i < rows->ncolumns - null_at_end; i++)
	{
		const AuditColumnPlace *column = &rows->columns[i];

		values[column->index] = fetch_att(data + column->offset, column->byval, column->len);
		isnull[column->index] = false;
	}
	if (null_at_end)
		isnull[rows->last - 1] = true;
	return true;
}

#endif							/* SG_AUDIT_ROWS_H */
