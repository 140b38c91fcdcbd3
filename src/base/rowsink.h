/*-------------------------------------------------------------------------
 *
 * rowsink.h
 *	  Rows out of a set-returning function, through a tuplestore.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ROWSINK_H
#define SG_ROWSINK_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/execnodes.h"

#define SG_SINK_MAX_COLUMNS 48

typedef struct SgRowSink
{
	ReturnSetInfo *rsinfo;
	int			next;			/* column to fill next */
	Datum		values[SG_SINK_MAX_COLUMNS];
	bool		nulls[SG_SINK_MAX_COLUMNS];
} SgRowSink;

/* Prepare a materialized result of rows with the declared columns, or of single values */
extern void sg_sink_begin(SgRowSink *sink, FunctionCallInfo fcinfo);
extern void sg_sink_begin_scalar(SgRowSink *sink, FunctionCallInfo fcinfo);

/* Removes all rows and columns, for a function that starts over */
extern void sg_sink_clear(SgRowSink *sink);

/* Append the columns of a row one by one, then emit it */
extern void sg_sink_datum(SgRowSink *sink, Datum value);
extern void sg_sink_null(SgRowSink *sink);
extern void sg_sink_text(SgRowSink *sink, const char *value);	/* NULL is null */
extern void sg_sink_name(SgRowSink *sink, const char *value);
extern void sg_sink_names(SgRowSink *sink, List *names);	/* text[]; NIL is null */
extern void sg_sink_bool(SgRowSink *sink, bool value);
extern void sg_sink_int64(SgRowSink *sink, int64 value);
extern void sg_sink_count(SgRowSink *sink, int64 count);	/* negative is null */
extern void sg_sink_int32(SgRowSink *sink, int32 value);
extern void sg_sink_float8(SgRowSink *sink, double value);
extern void sg_sink_emit(SgRowSink *sink);

/* Removes a partial row after a caught error */
extern void sg_sink_undo(SgRowSink *sink);

/* Rounds for people: scores have two decimal digits, times one */
extern double sg_rounded(double value, int digits);

#endif							/* SG_ROWSINK_H */
