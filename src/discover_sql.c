/*-------------------------------------------------------------------------
 *
 * discover_sql.c
 *	  The functions of discovery that SQL sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "discover.h"
#include "errors.h"
#include "quote.h"
#include "rowsink.h"
#include "spi.h"

PG_FUNCTION_INFO_V1(sg_discovery_candidates);

static List *
column_names(const Facts *facts, const int *columns, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, facts->columns[columns[i]].name);
	return names;
}

static void
sink_signals(SgRowSink *sink, const Candidate *cand)
{
	List	   *names = NIL;
	Datum	   *values = palloc(signal_count() * sizeof(Datum));
	int			n = 0;

	for (int s = 0; s < signal_count(); s++)
	{
		if (cand->signals[s] == 0)
			continue;
		names = lappend(names, unconstify(char *, signal_names[s].name));
		values[n++] = Float4GetDatum(cand->signals[s]);
	}
	sg_sink_datum(sink, sg_text_array(names));
	sg_sink_datum(sink, PointerGetDatum(construct_array(values, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT)));
}

/*
 * schemaguard.sg_discovery_candidates()
 *
 * Every candidate with its signals, for fitting the weights: those of one set
 * compete.  Reads the catalogs only, and needs no privilege.
 */
Datum
sg_discovery_candidates(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	Facts	   *facts;
	List	   *candidates;
	ListCell   *lc;

	sg_check_version();
	sg_sink_begin(&sink, fcinfo);
	facts = facts_read();
	match_prepare(facts);
	candidates = match_candidates(facts);
	candidates = list_concat(candidates, match_groups(facts, candidates));
	signals_fill(facts, candidates);
	(void) score_all(facts, candidates);
	foreach(lc, candidates)
	{
		Candidate  *cand = lfirst(lc);
		const FactKey *key = &facts->keys[cand->key];

		sg_sink_int32(&sink, cand->set);
		sg_sink_text(&sink, sg_relation_name(facts->tables[facts->columns[cand->column].table].oid));
		sg_sink_names(&sink, column_names(facts, cand->columns, cand->n));
		sg_sink_text(&sink, sg_relation_name(facts->tables[key->table].oid));
		sg_sink_names(&sink, column_names(facts, key->columns, key->n));
		sg_sink_float8(&sink, cand->score);
		sink_signals(&sink, cand);
		sg_sink_emit(&sink);
	}
	PG_RETURN_NULL();
}
