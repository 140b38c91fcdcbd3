/*-------------------------------------------------------------------------
 *
 * rowsink.c
 *	  Rows out of a set-returning function, through a tuplestore.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/rowsink.h"
#include "base/spi.h"

static void
begin(SgRowSink *sink, FunctionCallInfo fcinfo, int flags)
{
	InitMaterializedSRF(fcinfo, flags);
	sink->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	sink->next = 0;
	Assert(sink->rsinfo->setDesc->natts <= SG_SINK_MAX_COLUMNS);
}

void
sg_sink_begin(SgRowSink *sink, FunctionCallInfo fcinfo)
{
	begin(sink, fcinfo, 0);
}

void
sg_sink_begin_scalar(SgRowSink *sink, FunctionCallInfo fcinfo)
{
	begin(sink, fcinfo, MAT_SRF_USE_EXPECTED_DESC);
}

void
sg_sink_clear(SgRowSink *sink)
{
	tuplestore_clear(sink->rsinfo->setResult);
	sink->next = 0;
}

void
sg_sink_datum(SgRowSink *sink, Datum value)
{
	Assert(sink->next < SG_SINK_MAX_COLUMNS);
	sink->values[sink->next] = value;
	sink->nulls[sink->next++] = false;
}

void
sg_sink_null(SgRowSink *sink)
{
	Assert(sink->next < SG_SINK_MAX_COLUMNS);
	sink->values[sink->next] = (Datum) 0;
	sink->nulls[sink->next++] = true;
}

void
sg_sink_text(SgRowSink *sink, const char *value)
{
	if (value)
		sg_sink_datum(sink, CStringGetTextDatum(value));
	else
		sg_sink_null(sink);
}

void
sg_sink_name(SgRowSink *sink, const char *value)
{
	if (value)
		sg_sink_datum(sink, DirectFunctionCall1(namein, CStringGetDatum(value)));
	else
		sg_sink_null(sink);
}

void
sg_sink_names(SgRowSink *sink, List *names)
{
	if (names == NIL)
		sg_sink_null(sink);
	else
		sg_sink_datum(sink, sg_text_array(names));
}

void
sg_sink_bool(SgRowSink *sink, bool value)
{
	sg_sink_datum(sink, BoolGetDatum(value));
}

void
sg_sink_int64(SgRowSink *sink, int64 value)
{
	sg_sink_datum(sink, Int64GetDatum(value));
}

void
sg_sink_count(SgRowSink *sink, int64 count)
{
	if (count < 0)
		sg_sink_null(sink);
	else
		sg_sink_int64(sink, count);
}

void
sg_sink_int32(SgRowSink *sink, int32 value)
{
	sg_sink_datum(sink, Int32GetDatum(value));
}

void
sg_sink_float8(SgRowSink *sink, double value)
{
	sg_sink_datum(sink, Float8GetDatum(value));
}

void
sg_sink_undo(SgRowSink *sink)
{
	sink->next = 0;
}

void
sg_sink_emit(SgRowSink *sink)
{
	/* objects of the previous version lack columns that were appended */
	Assert(sink->next >= sink->rsinfo->setDesc->natts);
	tuplestore_putvalues(sink->rsinfo->setResult, sink->rsinfo->setDesc,
						 sink->values, sink->nulls);
	sink->next = 0;
}

double
sg_rounded(double value, int digits)
{
	double		unit = pow(10, digits);

	return rint(value * unit) / unit;
}
