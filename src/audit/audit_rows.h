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

/* Column, and its offset in rows without nulls before it */
typedef struct AuditColumnPlace
{
	int			index;			/* attribute number minus one */
	uint32		offset;
	int16		len;
	bool		byval;
} AuditColumnPlace;

/*
 * Scan.  The wanted columns of the current row are in tts_values and tts_isnull
 * of slot; other elements are undefined.  By-reference values are valid until
 * the next row.
 */
typedef struct AuditRows
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int			last;			/* last wanted column */
	AuditColumnPlace *columns;
	int			ncolumns;
	bool		by_page;		/* a heap whose columns' offsets are known */
	/* visible rows of the current page */
	Page		page;
	const OffsetNumber *visible;
	int			ntuples;
	int			next;
	HeapTupleData tuple;		/* row that was deformed */
} AuditRows;

/*
 * Starts a scan in the active snapshot; with pscan several processes share it.
 * wanted[0 .. last - 1] says which columns.
 */
extern void audit_rows_begin(AuditRows *rows, Relation rel, ParallelTableScanDesc pscan,
							 const bool *wanted, int last);
extern void audit_rows_end(AuditRows *rows);

/* Returns the current row's ctid */
extern ItemPointerData audit_rows_place(const AuditRows *rows);

/* Number of rows to prefetch into the processor's cache */
#define AUDIT_ROWS_AHEAD 12

#if defined(__GNUC__)
#define audit_prefetch(p) __builtin_prefetch(p)
#else
#define audit_prefetch(p) ((void) 0)
#endif

/* Used by audit_rows_next(): get the next row or, by_page, the next page; deform a row */
extern bool audit_rows_next_page(AuditRows *rows);
extern void audit_rows_take_apart(AuditRows *rows, OffsetNumber offset);

static inline HeapTupleHeader
audit_rows_header(const AuditRows *rows, int i)
{
	return (HeapTupleHeader) PageGetItem(rows->page, PageGetItemId(rows->page, rows->visible[i]));
}

/* Returns whether the first n columns of a row are not null */
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

/* Gets the next row; returns false at the end */
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
