/*-------------------------------------------------------------------------
 *
 * report_gate.c
 *	  CALL sg_audit_gate: do the rows hold what the keys promise?  For
 *	  pg_cron and CI.
 *
 * A gate is an audit whose verdicts are committed, and then an error if any
 * key fails or is unknown.  schemaguard.gate_finding has these keys as the
 * last gate of the same role and scope left them, so that what is new and
 * what is gone is known, and listeners are told of a change once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/payload.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_option.h"
#include "report/report.h"

PG_FUNCTION_INFO_V1(sg_audit_gate);

#define FIRST_KEYS 20			/* that an error names */

/* The first arguments of all statements about a gate */
#define GATE_ARGS 4

typedef struct AuditGate
{
	char	   *role;			/* whose privileges are used */
	FkPlan	   *plan;			/* or NULL */
	List	   *schemas;		/* of char *; NIL: all */
	char	   *scope;			/* the two as a text: gates of one scope have
								 * one history */
	pg_uuid_t	run;			/* in the log */
	TimestampTz started_at;
	int			keys;			/* that were judged, and rules ... */
	int			rules;			/* ... of which these are */
	List	   *found;			/* of AuditKey *: failing or unknown */
	int			failed;
	int			unknown;

	List	   *items;			/* of char *, JSON: new, gone, known */
	int			appeared;
	int			gone;
} AuditGate;

static const char *
gate_result(const AuditGate *gate)
{
	return gate->failed > 0 ? "fail" : gate->unknown > 0 ? "unknown" : "pass";
}

/* ---- what is judged ---- */

static void
read_arguments(FunctionCallInfo fcinfo, AuditGate *gate)
{
	StringInfoData scope;
	ListCell   *lc;

	gate->schemas = sg_arg_schemas(fcinfo, 0);
	if (!PG_ARGISNULL(1))
	{
		gate->plan = plan_get_readable(sg_arg_text(fcinfo, 1));
		(void) plan_options_begin(gate->plan);
	}

	initStringInfo(&scope);
	if (gate->plan)
		appendStringInfo(&scope, "plan %s", quote_identifier(gate->plan->name));
	foreach(lc, gate->schemas)
		appendStringInfo(&scope, "%s%s", lc != list_head(gate->schemas) ? ", " : scope.len ? ", schemas " : "schemas ",
						 quote_identifier(lfirst(lc)));
	gate->scope = scope.len ? scope.data : "all";
}

/* What passes without having been looked at */
static void
tell_left_out(const AuditGate *gate, int steps)
{
	if (steps > 0)
		ereport(NOTICE,
				(errmsg_plural("%d step of plan \"%s\" was skipped or rolled back, and is not judged",
							   "%d steps of plan \"%s\" were skipped or rolled back, and are not judged",
							   steps, steps, gate->plan->name)));
	if (gate->keys == 0)
		ereport(NOTICE,
				(errmsg("there is nothing to judge: %s", gate->scope)));
}

static void
judge(AuditGate *gate)
{
	AuditSet	set = {.schemas = gate->schemas};

	sg_progress_begin(SG_PROGRESS_AUDIT, 0, 0);
	if (gate->plan)
		report_add_plan(&set, gate->plan, REPORT_WANTED);
	else
		report_add_declared(&set);
	report_judge(&set, &gate->run, gate->plan ? gate->plan->name : NULL, 0);
	sg_progress_end();

	foreach_ptr(AuditKey, ak, set.keys)
	{
		if (ak->result == AUDIT_SKIPPED)
			continue;
		gate->keys++;
		gate->rules += ak->rule != NULL;
		if (ak->result == AUDIT_PASS)
			continue;
		gate->found = lappend(gate->found, ak);
		if (ak->result == AUDIT_FAIL)
			gate->failed++;
		else
			gate->unknown++;
	}
	tell_left_out(gate, list_length(set.keys) - gate->keys);
}

/* ---- the history ---- */

static void
gate_arguments(const AuditGate *gate, Oid *types, Datum *values)
{
	types[0] = TEXTOID;
	values[0] = CStringGetTextDatum(gate->role);
	types[1] = TEXTOID;
	values[1] = CStringGetTextDatum(gate->scope);
	types[2] = UUIDOID;
	values[2] = UUIDPGetDatum(&gate->run);
	types[3] = TIMESTAMPTZOID;
	values[3] = TimestampTzGetDatum(gate->started_at);
}

/* The keys that were found, as arrays of their tables, names, results, orphans and reasons */
static void
found_arrays(const AuditGate *gate, Oid *types, Datum *values)
{
	ArrayBuildState *states[5] = {0};
	Oid			elements[] = {TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID};

	for (int i = 0; i < lengthof(states); i++)
		states[i] = initArrayResult(elements[i], CurrentMemoryContext, false);
	foreach_ptr(const AuditKey, ak, gate->found)
	{
		const char *reason = report_reason(ak);
		Datum		fields[] = {CStringGetTextDatum(ak->child_table), CStringGetTextDatum(ak->fk_name),
			CStringGetTextDatum(audit_result_word(ak->result)), Int64GetDatum(ak->orphan_rows),
		reason ? CStringGetTextDatum(reason) : (Datum) 0};
		bool		nulls[] = {false, false, false, ak->orphan_rows < 0, reason == NULL};

		for (int i = 0; i < lengthof(states); i++)
			accumArrayResult(states[i], fields[i], nulls[i], elements[i], CurrentMemoryContext);
	}
	for (int i = 0; i < lengthof(states); i++)
	{
		types[i] = elements[i] == INT8OID ? INT8ARRAYOID : TEXTARRAYOID;
		values[i] = makeArrayResult(states[i], CurrentMemoryContext);
	}
}

static char *
item_json(HeapTuple tuple, TupleDesc desc, const char *state)
{
	StringInfoData json;
	int			orphans = SPI_fnumber(desc, "orphan_rows");
	char	   *count = SPI_getvalue(tuple, desc, orphans);

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	sg_payload_text(&json, "state", state);
	sg_payload_text(&json, "table", sg_spi_text(tuple, desc, "child_table"));
	sg_payload_text(&json, "key", sg_spi_text(tuple, desc, "fk_name"));
	sg_payload_text(&json, "result", sg_spi_text(tuple, desc, "result"));
	appendStringInfo(&json, ", \"orphan_rows\": %s}", count ? count : "null");
	return json.data;
}

/* What this gate has found, and what only the one before had */
static void
read_items(AuditGate *gate, Oid *types, Datum *values, MemoryContext context)
{
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT f.*, s.state FROM schemaguard.gate_finding f, LATERAL"
					 " (SELECT CASE WHEN f.last_run <> $3 THEN 'gone' WHEN f.first_run = $3 THEN 'new' ELSE 'known' END) s (state)"
					 " WHERE f.role = $1 AND f.scope = $2"
					 " ORDER BY s.state = 'known', s.state = 'gone', f.child_table COLLATE \"C\", f.fk_name COLLATE \"C\"",
					 3, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		char	   *state = sg_spi_text(tuple, SPI_tuptable->tupdesc, "state");
		MemoryContext old = MemoryContextSwitchTo(context);

		gate->items = lappend(gate->items, item_json(tuple, SPI_tuptable->tupdesc, state));
		MemoryContextSwitchTo(old);
		gate->appeared += strcmp(state, "new") == 0;
		gate->gone += strcmp(state, "gone") == 0;
	}
}

/* A key that was found with another result is new.  Gates that write at the same time take turns. */
static void
write_findings(AuditGate *gate)
{
	Oid			types[GATE_ARGS + 5];
	Datum		values[GATE_ARGS + 5];
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;

	gate_arguments(gate, types, values);
	found_arrays(gate, types + GATE_ARGS, values + GATE_ARGS);

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_UTILITY, "LOCK TABLE schemaguard.gate_finding IN SHARE ROW EXCLUSIVE MODE",
					 0, NULL, NULL, NULL);
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.gate_finding AS f"
					 " (role, scope, first_run, last_run, first_seen, last_seen, child_table, fk_name, result, orphan_rows, reason)"
					 " SELECT DISTINCT ON (k.child_table, k.fk_name) $1, $2, $3, $3, $4, $4, k.*"
					 " FROM ROWS FROM (pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7),"
					 "                 pg_catalog.unnest($8), pg_catalog.unnest($9))"
					 "      AS k (child_table, fk_name, result, orphan_rows, reason)"
					 " ON CONFLICT (role, scope, child_table, fk_name) DO UPDATE"
					 " SET last_run = excluded.last_run, last_seen = excluded.last_seen, result = excluded.result,"
					 "     orphan_rows = excluded.orphan_rows, reason = excluded.reason,"
					 "     first_run = CASE WHEN f.result = excluded.result THEN f.first_run ELSE excluded.first_run END,"
					 "     first_seen = CASE WHEN f.result = excluded.result THEN f.first_seen ELSE excluded.first_seen END",
					 lengthof(types), types, values, NULL);
	read_items(gate, types, values, context);
	sg_owner_execute(SPI_OK_DELETE,
					 "DELETE FROM schemaguard.gate_finding WHERE role = $1 AND scope = $2 AND last_run <> $3",
					 3, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

static void
log_gate(const AuditGate *gate)
{
	LogEntry	entry = log_entry(&gate->run, gate->plan ? gate->plan->name : NULL, "audit gate", LOG_DONE);

	entry.object = gate->scope;
	entry.message = psprintf("%s: %d keys, %d fail, %d unknown; %d new, %d gone", gate_result(gate), gate->keys,
							 gate->failed, gate->unknown, gate->appeared, gate->gone);
	entry.elapsed_ms = (GetCurrentTimestamp() - gate->started_at) / 1000.0;
	log_write(&entry);
}

static void
notify(const AuditGate *gate)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	sg_payload_text(&json, "run", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&gate->run))));
	sg_payload_text(&json, "gate", gate->scope);
	sg_payload_text(&json, "result", gate_result(gate));
	sg_payload_count(&json, "keys", gate->keys);
	sg_payload_count(&json, "failed", gate->failed);
	sg_payload_count(&json, "unknown", gate->unknown);
	sg_payload_count(&json, "new", gate->appeared);
	sg_payload_count(&json, "gone", gate->gone);
	sg_payload_end(&json, gate->items, list_length(gate->items));
	Async_Notify(sg_notify_channel, json.data);
}

/* ---- the error ---- */

pg_noreturn static void
raise_found(const AuditGate *gate)
{
	StringInfoData detail;
	int			named = Min(list_length(gate->found), FIRST_KEYS);

	initStringInfo(&detail);
	for (int i = 0; i < named; i++)
		appendStringInfo(&detail, "%s%s", i > 0 ? "\n" : "", report_finding(list_nth(gate->found, i)));
	if (list_length(gate->found) > named)
		appendStringInfo(&detail, "\n... and %d more", list_length(gate->found) - named);

	ereport(ERROR,
			(errcode(ERRCODE_SG_ORPHANS),
			 gate->rules == 0 ?
			 errmsg("orphans in %d of %d foreign keys, %d could not be judged", gate->failed, gate->keys, gate->unknown) :
			 errmsg("rows break %d of %d keys and rules, %d could not be judged", gate->failed, gate->keys, gate->unknown),
			 errdetail("%s", detail.data),
			 gate->plan ?
			 errhint("sg_violations() lists the rows of a step; schemaguard.gate_finding has all that was found, and since when.") :
			 errhint("sg_fk_orphans() and sg_orphans() list the rows; schemaguard.gate_finding has all of these keys, and since when.")));
}

/* ---- the procedure ---- */

/*
 * sg_audit_gate(schemas text[] DEFAULT NULL, plan text DEFAULT NULL)
 *
 * Judges the declared keys, or those of a plan and its rules, whose child is in one of the
 * schemas, as sg_orphan_audit() does.  Commits the verdicts (the log, proofs,
 * schemaguard.gate_finding) and a NOTIFY on schemaguard.notify_channel if
 * they are not the last gate's; then raises SG001 if any key fails or is
 * unknown, with the first ones in the detail.
 *
 * With the caller's privileges; locks what sg_orphan_audit() locks, and
 * gate_finding while it writes there.
 *
 * Errors: 25001 inside a transaction, 25006 on a standby, SG001, 22023 no
 * schema, 3F000 no such schema, 42704 no such plan, 42501.
 */
Datum
sg_audit_gate(PG_FUNCTION_ARGS)
{
	AuditGate	gate = {0};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;

	sg_check_granted(fcinfo);
	sg_check_procedure(fcinfo, "sg_audit_gate",
					   "It commits what it has found before it raises an error about it.");

	/* what the error says has to outlive the commit */
	context = AllocSetContextCreate(PortalContext, "schemaguard audit gate", ALLOCSET_DEFAULT_SIZES);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(context);
	gate.role = GetUserNameFromId(GetUserId(), false);
	gate.run = log_new_run();
	gate.started_at = GetCurrentTimestamp();
	read_arguments(fcinfo, &gate);
	judge(&gate);
	write_findings(&gate);
	log_gate(&gate);
	if (sg_notify_channel[0] != '\0' && gate.appeared + gate.gone > 0)
		notify(&gate);
	SPI_commit();
	MemoryContextSwitchTo(context);
	if (gate.found != NIL)
		raise_found(&gate);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	PG_RETURN_VOID();
}

static uint64
prune(TimestampTz before)
{
	return log_prune_before("DELETE FROM schemaguard.gate_finding WHERE last_seen < $1", before);
}

void
report_gate_init(void)
{
	log_register_prune("findings of audit gates", prune);
}
