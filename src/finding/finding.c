/*-------------------------------------------------------------------------
 *
 * finding.c
 *	  schemaguard.finding: what gates and checks have found, since when.
 *
 * A row is one finding from the run that first found it to the last one in a
 * row; when it comes back, a new row begins.  While it is there, its count,
 * risk and detail follow what was found last.  Another result is told anew,
 * for an alarm that has become unknown is not the same alarm; since when it is
 * there stays, for one run that could not tell has not shown that it was gone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/spi.h"
#include "finding/finding.h"
#include "log/log.h"

#define BATCH_ROWS 1000			/* findings that one statement writes */
#define FIELDS 11				/* columns of a finding */

/* Limits of the NOTIFY payload: core's is 8,000 bytes, and its error would fail the whole run. */
#define PAYLOAD_MAX 7900		/* bytes of the whole document */
#define PAYLOAD_TAIL 40			/* bytes behind the items */
#define PAYLOAD_TEXT 300		/* bytes of one text */
#define PAYLOAD_ITEMS "200"		/* upper bound of items that fit */

/* ---- statements ---- */

/* Number of leading arguments of all statements: the history and the run */
#define RUN_ARGS 6
#define OF_HISTORY "f.source = $1 AND f.role = $2 AND f.reference = $3 AND f.target = $4"

static void
run_arguments(const FindingRun *run, Oid *types, Datum *values)
{
	const char *texts[] = {run->source, run->role, run->reference, run->target};

	for (int i = 0; i < lengthof(texts); i++)
	{
		types[i] = TEXTOID;
		values[i] = CStringGetTextDatum(texts[i]);
	}
	types[4] = UUIDOID;
	values[4] = UUIDPGetDatum(&run->run);
	types[5] = TIMESTAMPTZOID;
	values[5] = TimestampTzGetDatum(run->started_at);
}

/* Runs a statement with the arguments of the run as the owner of the extension */
static uint64
execute(const FindingRun *run, int expected, const char *sql, int nargs)
{
	Oid			types[RUN_ARGS];
	Datum		values[RUN_ARGS];

	run_arguments(run, types, values);
	return sg_owner_execute(expected, sql, nargs, types, values, NULL);
}

/* ---- the lock ---- */

static LOCKTAG
history_tag(const FindingRun *run)
{
	char	   *key = psprintf("%s\n%s\n%s\n%s", run->source, run->role, run->reference, run->target);
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, get_relname_relid("finding", sg_schema_oid()),
					   DatumGetUInt32(hash_any((const unsigned char *) key, strlen(key))), 0);
	return tag;
}

void
finding_lock(const FindingRun *run)
{
	LOCKTAG		tag = history_tag(run);

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

void
finding_lock_run(FindingRun *run)
{
	run->lock = history_tag(run);
	/* waiting may take as long as an audit */
	InvalidateCatalogSnapshot();
	(void) LockAcquire(&run->lock, ExclusiveLock, true, false);
}

void
finding_unlock_run(const FindingRun *run)
{
	(void) LockRelease(&run->lock, ExclusiveLock, true);
}

/* ---- writing ---- */

/* Converts findings into arguments, an array per field */
static void
field_arrays(List *findings, Oid *types, Datum *values)
{
	ArrayBuildState *states[FIELDS];

	for (int i = 0; i < FIELDS; i++)
		states[i] = initArrayResult(i < FIELDS - 1 ? TEXTOID : INT8OID, CurrentMemoryContext, false);
	foreach_ptr(const Finding, finding, findings)
	{
		const char *texts[] = {finding->kind, finding->object, finding->property, finding->change,
		finding->expected, finding->actual, finding->result, finding->risk, finding->detail, finding->identity};

		for (int i = 0; i < lengthof(texts); i++)
			accumArrayResult(states[i], texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0, texts[i] == NULL,
							 TEXTOID, CurrentMemoryContext);
		accumArrayResult(states[FIELDS - 1], Int64GetDatum(finding->count), finding->count == FINDING_UNCOUNTED,
						 INT8OID, CurrentMemoryContext);
	}
	for (int i = 0; i < FIELDS; i++)
	{
		types[i] = i < FIELDS - 1 ? TEXTARRAYOID : INT8ARRAYOID;
		values[i] = makeArrayResult(states[i], CurrentMemoryContext);
	}
}

/* Runs a statement with the first fields of findings as arrays, as the owner of the extension */
static void
execute_over(const FindingRun *run, List *findings, int fields, int expected, const char *sql)
{
	Oid			types[RUN_ARGS + FIELDS];
	Datum		values[RUN_ARGS + FIELDS];
	SgScope		scope;

	run_arguments(run, types, values);
	field_arrays(findings, types + RUN_ARGS, values + RUN_ARGS);
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(expected, sql, RUN_ARGS + fields, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Condition: this database has another table of the name by now */
#define MARK_OF(row) "substring(" row ".identity, '^[0-9]+ [0-9]+ ')"
#define IS_OF_ANOTHER "(f.identity <> excluded.identity AND " MARK_OF("f") " = " MARK_OF("excluded") ") IS TRUE"

static void
write_batch(const FindingRun *run, List *findings)
{
	execute_over(run, findings, FIELDS, SPI_OK_INSERT,
				 "INSERT INTO schemaguard.finding AS f"
				 " (source, role, reference, target, first_run, run, first_seen, last_seen,"
				 "  kind, object, property, change, expected, actual, result, risk, detail, identity, count, fingerprint,"
				 "  accepted_by, accepted_at, accepted_count, accepted_until, reason)"
				 " SELECT DISTINCT ON (h.fingerprint) $1, $2, $3, $4, $5, $5, $6, $6, r.*, h.fingerprint,"
				 "  was.accepted_by, was.accepted_at, was.accepted_count, was.accepted_until, was.reason"
				 " FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9),"
				 "                 pg_catalog.unnest($10), pg_catalog.unnest($11), pg_catalog.unnest($12),"
				 "                 pg_catalog.unnest($13), pg_catalog.unnest($14), pg_catalog.unnest($15),"
				 "                 pg_catalog.unnest($16), pg_catalog.unnest($17))"
				 "      AS r (kind, object, property, change, expected, actual, result, risk, detail, identity, count)"
				 "      CROSS JOIN LATERAL (SELECT sha256(convert_to(jsonb_build_array(r.kind, r.object, r.property, r.change,"
				 "                                        r.expected, r.actual)::text,"
				 "                                        getdatabaseencoding()))) AS h (fingerprint)"
				 "      LEFT JOIN schemaguard.finding was ON was.source = $1 AND was.role = $2 AND was.reference = $3 AND was.target = $4"
				 "           AND was.gone_at IS NULL AND was.accepted_by IS NOT NULL AND was.kind = r.kind AND was.identity = r.identity"
				 "           AND was.object <> r.object AND was.property = r.property AND was.expected = r.expected"
				 " ON CONFLICT (source, role, reference, target, fingerprint) WHERE gone_at IS NULL"
				 " DO UPDATE SET run = excluded.run, last_seen = excluded.last_seen, place = excluded.place, result = excluded.result,"
				 "     risk = excluded.risk, count = excluded.count, identity = coalesce(excluded.identity, f.identity),"
				 "     detail = CASE WHEN f.reason IS NOT NULL AND (f.accepted_by IS NULL OR " IS_OF_ANOTHER ")"
				 "       THEN concat_ws('; ', 'accepted for another table of this name: ' || f.reason, excluded.detail) ELSE excluded.detail END,"
				 "     (accepted_by, accepted_at, accepted_count, accepted_until) ="
				 "       (SELECT f.accepted_by, f.accepted_at, f.accepted_count, f.accepted_until WHERE NOT (" IS_OF_ANOTHER ")),"
				 "     (delivered_at, relayed_at) ="
				 "       (SELECT f.delivered_at, f.relayed_at WHERE f.result = excluded.result AND coalesce(f.place = excluded.place, true)"
				 "        AND NOT (" IS_OF_ANOTHER "))");
}

/* Closes an open finding, and marks it as not delivered yet */
#define CLOSE "UPDATE schemaguard.finding f SET gone_at = $6, gone_run = $5, delivered_at = NULL, relayed_at = NULL"

void
finding_close(FindingRun *run)
{
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	execute(run, SPI_OK_UPDATE, CLOSE " WHERE " OF_HISTORY " AND f.gone_at IS NULL AND f.run <> $5", RUN_ARGS);
	execute(run, SPI_OK_SELECT,
			"SELECT count(*) FILTER (WHERE f.gone_at IS NULL) AS appeared, count(f.gone_at) AS gone"
			" FROM schemaguard.finding f WHERE " OF_HISTORY " AND f.delivered_at IS NULL", 4);
	run->appeared = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "appeared");
	run->gone = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "gone");
	SPI_finish();
	sg_scope_end(&scope);
}

void
finding_note_others(FindingRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	tuple;
	TupleDesc	desc;
	SgScope		scope;
	bool		null;

	sg_owner_begin(&scope);
	SPI_connect();
	execute(run, SPI_OK_SELECT,
			"SELECT coalesce(array_agg(f.id), '{}'), coalesce(array_agg(f.run), '{}')"
			" FROM schemaguard.finding f WHERE f.source = $1 AND f.gone_at IS NULL AND NOT (" OF_HISTORY ")"
			" AND (f.source <> 'drift' OR f.reference = $3 AND f.target = $4)"
			" AND (f.role = $2 OR (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = $2)"
			"      AND (f.result <> 'unknown' OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = f.role)))", 4);
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	MemoryContextSwitchTo(caller);
	run->others = datumCopy(SPI_getbinval(tuple, desc, 1, &null), false, -1);
	run->others_runs = datumCopy(SPI_getbinval(tuple, desc, 2, &null), false, -1);
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Closes noted findings that are unchanged.  Findings that another run is about
 * to write are left to that run, so that two runs never wait for each other.
 */
static void
close_noted(const FindingRun *run, const char *from, const char *condition, List *findings)
{
	Oid			types[RUN_ARGS + 2 + FIELDS];
	Datum		values[RUN_ARGS + 2 + FIELDS];
	SgScope		scope;

	if (run->others == 0)
		return;
	run_arguments(run, types, values);
	types[RUN_ARGS] = INT8ARRAYOID;
	values[RUN_ARGS] = run->others;
	types[RUN_ARGS + 1] = get_array_type(UUIDOID);
	values[RUN_ARGS + 1] = run->others_runs;
	field_arrays(findings, types + RUN_ARGS + 2, values + RUN_ARGS + 2);
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_UPDATE,
					 psprintf(CLOSE " WHERE f.id IN (SELECT f.id FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8)) AS n (id, run)"
							  " JOIN schemaguard.finding f ON f.id = n.id AND f.run = n.run AND f.gone_at IS NULL%s"
							  " WHERE %s ORDER BY f.id FOR UPDATE OF f SKIP LOCKED)", from, condition),
					 findings == NIL ? RUN_ARGS + 2 : RUN_ARGS + 5, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

void
finding_close_others(const FindingRun *run, const char *condition)
{
	close_noted(run, "", condition, NIL);
}

void
finding_close_unfound(const FindingRun *run, const char *condition)
{
	close_noted(run, "",
				psprintf("%s AND NOT EXISTS (SELECT FROM schemaguard.finding o"
						 " WHERE o.source = $1 AND o.role = $2 AND o.reference = $3 AND o.target = $4 AND o.run = $5"
						 " AND o.kind = f.kind AND o.property IS NOT DISTINCT FROM f.property"
						 " AND (o.object = f.object OR o.result = 'unknown'))", condition), NIL);
}

void
finding_passed(const FindingRun *run, List *findings)
{
	close_noted(run,
				" JOIN ROWS FROM (pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11))"
				" AS r (kind, object, property) ON true",
				"f.kind = r.kind AND f.object = r.object AND f.property = r.property", findings);
	execute_over(run, findings, 3, SPI_OK_UPDATE,
				 CLOSE " FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9))"
				 "      AS r (kind, object, property)"
				 " WHERE " OF_HISTORY " AND f.gone_at IS NULL"
				 " AND f.kind = r.kind AND f.object = r.object AND f.property = r.property");
}

void
finding_found(const FindingRun *run, List *findings)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard findings",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int first = 0; first < list_length(findings); first += BATCH_ROWS)
	{
		List	   *batch = NIL;

		CHECK_FOR_INTERRUPTS();
		for (int i = first; i < Min(first + BATCH_ROWS, list_length(findings)); i++)
			batch = lappend(batch, list_nth(findings, i));
		write_batch(run, batch);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* ---- telling ---- */

static void
append_text(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->data[json->len - 1] == '{' ? "" : ", ", name);
	if (value)
		escape_json(json, sg_clip(value, PAYLOAD_TEXT));
	else
		appendStringInfoString(json, "null");
}

static void
append_count(StringInfo json, const char *name, int64 count)
{
	appendStringInfo(json, ", \"%s\": " INT64_FORMAT, name, count);
}

/* Returns a finding as JSON, from a row whose last column is the count */
static char *
item(HeapTuple tuple, TupleDesc desc)
{
	StringInfoData json;
	char	   *count = SPI_getvalue(tuple, desc, desc->natts);

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 1; i < desc->natts; i++)
		append_text(&json, SPI_fname(desc, i), SPI_getvalue(tuple, desc, i));
	appendStringInfo(&json, ", \"count\": %s}", count ? count : "null");
	return json.data;
}

/* Appends as many findings of a run as fit; total is their number */
static void
append_items(StringInfo json, const FindingRun *run, int64 total)
{
	int64		fitting = 0;
	SgScope		scope;

	appendStringInfoString(json, ", \"items\": [");
	sg_owner_begin(&scope);
	SPI_connect();
	execute(run, SPI_OK_SELECT,
			"SELECT CASE s.state WHEN 1 THEN 'new' WHEN 2 THEN 'gone' ELSE 'known' END AS state,"
			"       f.kind, f.object, f.property, f.change, f.result, f.risk, f.count"
			" FROM schemaguard.finding f, LATERAL (SELECT CASE WHEN f.delivered_at IS NOT NULL THEN 3"
			"      WHEN f.gone_at IS NULL THEN 1 ELSE 2 END) s (state)"
			" WHERE " OF_HISTORY " AND (f.gone_at IS NULL OR f.delivered_at IS NULL)"
			" ORDER BY s.state, f.kind COLLATE \"C\", f.object COLLATE \"C\", f.property COLLATE \"C\", f.id"
			" LIMIT " PAYLOAD_ITEMS, 4);
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		char	   *text = item(SPI_tuptable->vals[n], SPI_tuptable->tupdesc);

		if (json->len + strlen(text) + PAYLOAD_TAIL >= PAYLOAD_MAX)
			break;
		appendStringInfo(json, "%s%s", fitting++ > 0 ? ", " : "", text);
	}
	SPI_finish();
	sg_scope_end(&scope);
	appendStringInfo(json, "], \"more\": " INT64_FORMAT "}", total - fitting);
}

/* Marks the run's findings as delivered, also if nobody listens */
static void
mark_delivered(const FindingRun *run)
{
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	execute(run, SPI_OK_UPDATE,
			"UPDATE schemaguard.finding f SET delivered_at = pg_catalog.now()"
			" WHERE " OF_HISTORY " AND f.delivered_at IS NULL", 4);
	SPI_finish();
	sg_scope_end(&scope);
}

static void
tell_listeners(const FindingRun *run, const char *result, const FindingCount *counts, int ncounts, int64 findings)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_text(&json, "source", run->source);
	append_text(&json, "run", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&run->run))));
	append_text(&json, "reference", run->reference);
	append_text(&json, "target", run->target);
	append_text(&json, "result", result);
	for (int i = 0; i < ncounts; i++)
		append_count(&json, counts[i].name, counts[i].count);
	append_count(&json, "new", run->appeared);
	append_count(&json, "gone", run->gone);
	append_items(&json, run, findings + run->gone);
	Async_Notify(sg_notify_channel, json.data);
}

bool
finding_notify(const FindingRun *run, const char *result, const FindingCount *counts, int ncounts, int64 findings)
{
	bool		sends = sg_notify_channel[0] != '\0';

	if (run->appeared + run->gone == 0)
		return false;
	if (sends)
		tell_listeners(run, result, counts, ncounts, findings);
	mark_delivered(run);
	return sends;
}

/* ---- pruning ---- */

uint64
finding_prune(const char *source, const char *condition, TimestampTz before)
{
	return log_prune_before(psprintf("DELETE FROM schemaguard.finding f WHERE f.source = %s"
									 " AND (f.gone_at < $1 OR f.last_seen < $1 AND (%s))",
									 quote_literal_cstr(source), condition), before);
}
