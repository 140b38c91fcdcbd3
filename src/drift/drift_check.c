/*-------------------------------------------------------------------------
 *
 * drift_check.c
 *	  sg_drift_check() and CALL sg_drift_gate(): is there drift?  For people,
 *	  pg_cron and CI.
 *
 * A check is sg_drift() counted: what is missing, changed, extra or could not
 * be compared counts, unless schemaguard.drift_ignore says otherwise; what is
 * cosmetic, unmanaged or made by a step of a plan does not.  It is written down as a whole, in the
 * caller's transaction, and nowhere on a standby or in a read-only one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_check.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "snapshot/snapshot.h"

SG_FUNCTION(sg_drift_check);
SG_FUNCTION(sg_drift_gate);

#define FIRST_ROWS 10			/* rows that an error lists */
#define VALUE_BYTES 80			/* bytes of a value in an error */

/* Condition: the side is not a foreign server, of which another role's mapping may see more */
#define OF_NO_SERVER "NOT EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname IN ($3, $4))"

const char *
drift_check_result(const DriftCheck *check)
{
	if (check->drift + check->extra > 0)
		return "fail";
	return check->unknown > 0 ? "unknown" : "pass";
}

/* ---- counting ---- */

/* Counts a row by class; returns whether it counts as drift */
static bool
count_row(DriftCheck *check, List *ignored, const DriftRow *row)
{
	if (row->class == CLASS_COSMETIC)
		check->cosmetic++;
	else if (row->class == CLASS_UNMANAGED)
		check->unmanaged++;
	else if (row->class == CLASS_PLANNED)
		check->planned++;
	else if (drift_is_ignored(ignored, row))
		check->ignored++;
	else
	{
		if (row->class == CLASS_EXTRA)
			check->extra++;
		else if (row->class == CLASS_UNKNOWN)
			check->unknown++;
		else
			check->drift++;
		return true;
	}
	return false;
}

/* ---- a check ---- */

/* Writes a row of the log: the comparison and its outcome, without values of either side */
static void
log_check(const DriftCheck *check)
{
	LogEntry	entry = log_entry(&check->history.run, NULL, "drift check", LOG_DONE);

	entry.object = psprintf("%s of %s", check->history.target, check->history.reference);
	entry.message = psprintf("%s: " INT64_FORMAT " drift, " INT64_FORMAT " extra, " INT64_FORMAT " unknown, "
							 INT64_FORMAT " ignored; " INT64_FORMAT " new, " INT64_FORMAT " gone",
							 drift_check_result(check), check->drift, check->extra, check->unknown,
							 check->ignored, check->history.appeared, check->history.gone);
	if (check->planned > 0)
		entry.message = psprintf("%s; " INT64_FORMAT " planned", entry.message, check->planned);
	entry.rows_affected = drift_check_count(check);
	entry.elapsed_ms = (GetCurrentTimestamp() - check->history.started_at) / 1000.0;
	log_write(&entry);
}

List *
drift_check_rows(DriftCheck *check)
{
	List	   *ignored = drift_ignore_load(&check->problems);
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, check->problems)
		ereport(WARNING,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", (char *) lfirst(lc)),
				 errhint("The entry ignores nothing until that is mended. A pattern is a name, with * and ? as wildcards.")));
	foreach(lc, list_concat(drift_compare(check->history.reference, check->history.target, NIL, false),
							drift_lookup_rows(check->history.reference, check->history.target, NIL)))
	{
		if (count_row(check, ignored, lfirst(lc)))
			rows = lappend(rows, lfirst(lc));
	}
	return rows;
}

/* Converts the rows that count to findings */
static List *
found(List *rows)
{
	List	   *findings = NIL;

	foreach_ptr(const DriftRow, row, rows)
	{
		Finding    *finding = palloc0(sizeof(Finding));

		finding->kind = row->kind;
		finding->object = row->object;
		finding->property = row->property;
		finding->change = sg_word(drift_change_words, row->change);
		finding->expected = row->expected;
		finding->actual = row->actual;
		finding->result = sg_word(drift_class_words, row->class);
		finding->risk = drift_risk_word(row->risk);
		finding->detail = row->detail;
		finding->count = FINDING_UNCOUNTED;
		findings = lappend(findings, finding);
	}
	return findings;
}

static bool
notify(const DriftCheck *check)
{
	FindingCount counts[] = {
		{"drifts", drift_check_count(check)}, {"drift", check->drift}, {"extra", check->extra},
		{"unknown", check->unknown}, {"ignored", check->ignored}
	};

	return finding_notify(&check->history, drift_check_result(check), counts, lengthof(counts),
						  drift_check_count(check));
}

/* Compares and counts; with record, stores the run and its findings, and notifies listeners */
static void
run_check(FunctionCallInfo fcinfo, DriftCheck *check, bool record)
{
	FindingRun *history = &check->history;
	List	   *rows;

	history->source = "drift";
	history->role = GetUserNameFromId(GetUserId(), false);
	history->reference = sg_arg_text(fcinfo, 0);
	history->target = sg_arg_text(fcinfo, 1);
	history->run = log_new_run();
	if (record)
	{
		finding_lock(history);
		finding_note_others(history);
	}
	history->started_at = GetCurrentTimestamp();

	rows = drift_check_rows(check);
	check->first = list_copy_head(rows, FIRST_ROWS);
	if (!record)
		return;

	finding_found(history, found(rows));
	finding_close(history);

	/*
	 * under a transaction's snapshot, updating findings that others have
	 * written since would fail
	 */
	if (check->unknown == 0 && !IsolationUsesXactSnapshot())
		finding_close_unfound(history, OF_NO_SERVER);
	check->notified = notify(check);
	drift_history_write(check);
	log_check(check);
}

/* ---- the error ---- */

char *
drift_row_text(const DriftRow *row)
{
	StringInfoData text;
	bool		unknown = row->class == CLASS_UNKNOWN;

	initStringInfo(&text);
	appendStringInfo(&text, "%s %s %s", sg_word(unknown ? drift_class_words : drift_change_words, unknown ? CLASS_UNKNOWN : row->change), row->kind, row->object);
	if (row->property)
		appendStringInfo(&text, ", %s", row->property);
	if (unknown && row->detail)
		appendStringInfo(&text, ": %s", row->detail);
	else if (row->property && (row->expected || row->actual))
		appendStringInfo(&text, ": expected %s, found %s",
						 row->expected ? sg_clip(row->expected, VALUE_BYTES) : "nothing",
						 row->actual ? sg_clip(row->actual, VALUE_BYTES) : "nothing");
	return text.data;
}

/*
 * Tells by NOTICE of differences that plan steps have made, and of the next
 * call if there are no others
 */
static void
tell_planned(const DriftCheck *check)
{
	char	   *reference = quote_literal_cstr(check->history.reference);
	List	   *schemas;

	if (check->planned == 0)
		return;
	schemas = snapshot_get(check->history.reference)->schemas;
	ereport(NOTICE,
			(errmsg_plural("%lld difference from \"%s\" is as steps of plans have made it since, and does not count",
						   "%lld differences from \"%s\" are as steps of plans have made them since, and do not count",
						   (unsigned long) check->planned, (long long) check->planned, check->history.reference),
			 drift_check_count(check) + check->ignored > 0 ?
			 errhint(sg_calls("These are:\nSELECT * FROM sg_drift(%s) WHERE class = 'planned';"), reference) :
			 errhint(sg_calls("There are no others. What is here becomes what to compare with by:\nSELECT sg_snapshot_drop(%s), sg_snapshot_take(%s%s);"),
					 reference, reference,
					 schemas ? psprintf(", %s", quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(schemas)))) : "")));
}

static void
raise_drift(const DriftCheck *check)
{
	int64		count = drift_check_count(check);
	StringInfoData detail;
	ListCell   *lc;

	initStringInfo(&detail);
	foreach(lc, check->first)
		appendStringInfo(&detail, "%s%s", detail.len ? "\n" : "", drift_row_text(lfirst(lc)));
	if (count > list_length(check->first))
		appendStringInfo(&detail, "\n... and " INT64_FORMAT " more", count - list_length(check->first));

	ereport(ERROR,
			(errcode(ERRCODE_SG_DRIFT),
			 errmsg("\"%s\" has drifted from \"%s\": " INT64_FORMAT " missing or changed, " INT64_FORMAT " extra, "
					INT64_FORMAT " unknown", check->history.target, check->history.reference, check->drift, check->extra,
					check->unknown),
			 errdetail("%s", detail.data),
			 errhint(sg_calls("What is meant to differ goes into schemaguard.drift_ignore; after changes of one's own a new snapshot is what to compare with. All that differs:\nSELECT * FROM sg_drift(%s, %s);"),
					 quote_literal_cstr(check->history.reference), quote_literal_cstr(check->history.target))));
}

/* ---- functions ---- */

/*
 * sg_drift_check(reference text, target text DEFAULT 'live', fail boolean
 * DEFAULT false)
 *
 * Compares both sides by sg_drift() and returns the number of differences that
 * count: missing, changed, renamed, extra and unknown ones that match no entry
 * of schemaguard.drift_ignore.  Writes a row of drift_run, the findings, and a
 * row of the log; NOTIFY on schemaguard.notify_channel if the differences are
 * not those of the last run. fail => true raises SG005 if there are any, and
 * writes nothing; nothing is written on a standby or in a read-only
 * transaction, either.  Uses the caller's privileges.  Takes sg_drift()'s
 * locks, and excludes other checks of the same role, reference and target until
 * the transaction ends.  Raises sg_drift()'s errors.
 */
static Datum
sg_drift_check_entered(PG_FUNCTION_ARGS)
{
	DriftCheck	check = {0};
	bool		fail;

	sg_check_granted(fcinfo);
	fail = sg_arg_bool(fcinfo, 2);

	run_check(fcinfo, &check, !fail && log_writable());
	tell_planned(&check);
	if (fail && drift_check_count(&check) > 0)
		raise_drift(&check);

	PG_RETURN_INT64(drift_check_count(&check));
}

/*
 * sg_drift_gate(reference text, target text DEFAULT 'live')
 *
 * Like sg_drift_check(), committed; then raises SG005 if there are differences
 * that count, with the first ones in the detail.  Errors: 25001 inside a
 * transaction, 25006 on a standby, SG005, and those of sg_drift().
 */
static Datum
sg_drift_gate_entered(PG_FUNCTION_ARGS)
{
	DriftCheck	check = {0};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;

	sg_check_granted(fcinfo);
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute sg_drift_gate() during recovery"),
				 errdetail("It writes down what it finds."),
				 errhint(sg_calls("Compare without a record:\nSELECT * FROM sg_drift(%s);"), quote_literal_cstr(sg_arg_text(fcinfo, 0)))));
	sg_check_procedure(fcinfo, "sg_drift_gate",
					   "It commits what it has found before it raises an error about it.");

	/* context that survives the commit, for the error's text */
	context = AllocSetContextCreate(PortalContext, "schemaguard drift gate", ALLOCSET_DEFAULT_SIZES);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(context);
	run_check(fcinfo, &check, true);
	tell_planned(&check);
	SPI_commit();
	MemoryContextSwitchTo(context);
	if (drift_check_count(&check) > 0)
		raise_drift(&check);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	PG_RETURN_VOID();
}
