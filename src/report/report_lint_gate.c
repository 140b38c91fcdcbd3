/*-------------------------------------------------------------------------
 *
 * report_lint_gate.c
 *	  CALL sg_lint_gate: raises an error if sg_lint() finds anything of a
 *	  severity. schemaguard.finding has the findings, with the time of their
 *	  first sight, as after an audit gate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "finding/finding.h"
#include "log/log.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_lint_gate);

#define FIRST_FINDINGS 20		/* number of findings that an error names */

#define WITH_IGNORED ", with what is ignored"	/* suffix of a target */

/* Condition: the finding f belongs to a gate whose arguments cover no more than this run's */
#define OF_NO_MORE "(f.target = $4 OR $4 = 'all" WITH_IGNORED "'" \
	" OR $4 = 'all' AND right(f.target, length('" WITH_IGNORED "')) <> '" WITH_IGNORED "')"

static const char *const severities[] = {"error", "warning", "note"};

typedef struct LintGate
{
	int			level;			/* index in severities[]: this severity and
								 * those before it fail */
	bool		only_new;		/* leave out ignored findings */
	FindingRun	history;
	List	   *found;			/* Finding * */
	int			failed;			/* number of failing findings */
	int			unknown;		/* number of rules that could not be run */
	StringInfoData detail;		/* names the first findings */
} LintGate;

static int
severity_of(const char *word)
{
	int			n = 0;

	while (n < lengthof(severities) && strcmp(word, severities[n]) != 0)
		n++;
	return n;
}

static void
read_arguments(FunctionCallInfo fcinfo, LintGate *gate)
{
	char	   *severity = sg_arg_text(fcinfo, 0);
	List	   *schemas = sg_arg_schemas(fcinfo, 2);
	StringInfoData scope;

	gate->level = severity_of(severity);
	if (gate->level == lengthof(severities))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for severity: \"%s\"", severity),
				 errhint("Valid values are: \"error\", \"warning\", \"note\".")));
	gate->only_new = sg_arg_bool(fcinfo, 1);

	initStringInfo(&scope);
	foreach_ptr(const char, schema, schemas)
		appendStringInfo(&scope, "%s%s", scope.len ? ", " : "schemas ", quote_identifier(schema));
	if (scope.len == 0)
		appendStringInfoString(&scope, "all");
	if (!gate->only_new)
		appendStringInfoString(&scope, WITH_IGNORED);
	gate->history.target = scope.data;
}

/* Adds one row of sg_lint_found() */
static void
add_finding(LintGate *gate, HeapTuple tuple, TupleDesc desc)
{
	Finding    *finding = palloc0(sizeof(Finding));
	char	   *severity = sg_spi_text(tuple, desc, "severity");
	char	   *message = sg_spi_text(tuple, desc, "message");
	bool		unknown = strcmp(severity, "unknown") == 0;

	finding->kind = "lint";
	finding->object = sg_spi_text(tuple, desc, "object");
	finding->property = sg_spi_text(tuple, desc, "rule");
	finding->result = unknown ? "unknown" : "fail";
	finding->detail = psprintf("%s: %s", severity, message);
	finding->count = FINDING_UNCOUNTED;
	gate->found = lappend(gate->found, finding);
	if (!unknown && severity_of(severity) > gate->level)
		return;
	if (unknown)
		gate->unknown++;
	else
		gate->failed++;
	if (gate->failed + gate->unknown <= FIRST_FINDINGS)
		appendStringInfo(&gate->detail, "%s%s %s%s%s: %s", gate->detail.len ? "\n" : "", severity, finding->property,
						 unknown ? "" : " ", sg_one_line(finding->object), sg_one_line(message));
}

/* Reads sg_lint()'s findings, as the caller, into the current context */
static void
lint(LintGate *gate, FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {TEXTARRAYOID, BOOLOID};
	Datum		values[] = {PG_GETARG_DATUM(2), BoolGetDatum(!gate->only_new)};
	char		nulls[] = {sg_arg_is_null(fcinfo, 2) ? 'n' : ' ', ' '};
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args("SELECT * FROM schemaguard.sg_lint_found($1, $2)", lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "sg_lint_found() could not be called");
	MemoryContextSwitchTo(context);
	for (uint64 n = 0; n < SPI_processed; n++)
		add_finding(gate, SPI_tuptable->vals[n], SPI_tuptable->tupdesc);
	SPI_finish();
	MemoryContextSwitchTo(context);
	sg_scope_end(&scope);
}

static void
record(LintGate *gate)
{
	const char *result = gate->failed > 0 ? "fail" : gate->unknown > 0 ? "unknown" : "pass";
	LogEntry	entry = log_entry(&gate->history.run, NULL, "lint gate", LOG_DONE);
	FindingCount counts[] = {{"failed", gate->failed}, {"unknown", gate->unknown}};

	finding_found(&gate->history, gate->found);
	finding_close(&gate->history);
	finding_close_unfound(&gate->history, OF_NO_MORE);
	entry.object = gate->history.target;
	entry.message = psprintf("%s: %d findings, %d fail, %d unknown; %d new, %d gone", result, list_length(gate->found), gate->failed,
							 gate->unknown, (int) gate->history.appeared, (int) gate->history.gone);
	entry.elapsed_ms = (GetCurrentTimestamp() - gate->history.started_at) / 1000.0;
	log_write(&entry);
	(void) finding_notify(&gate->history, result, counts, lengthof(counts), list_length(gate->found));
}

static void
raise_found(LintGate *gate)
{
	int			more = gate->failed + gate->unknown - FIRST_FINDINGS;

	if (more > 0)
		appendStringInfo(&gate->detail, "\n... and %d more", more);
	ereport(ERROR,
			(errcode(ERRCODE_SG_LINT),
			 errmsg("lint finds %d of severity \"%s\" or above; rules that could not be run: %d", gate->failed, severities[gate->level],
					gate->unknown),
			 errdetail("%s", gate->detail.data),
			 errhint(sg_calls("All findings, with what mends them; what may stay goes into schemaguard.lint_ignore:\nSELECT * FROM sg_lint();"))));
}

/*
 * sg_lint_gate(severity text DEFAULT 'error', only_new boolean DEFAULT true,
 * schemas schemaguard.names DEFAULT NULL)
 *
 * Commits sg_lint()'s findings in the schemas to schemaguard.finding, with a
 * NOTIFY if they differ from the last gate's; then raises SG006 if there is any
 * finding of that severity or above, or a rule that could not be run.  Unless
 * only_new, findings that schemaguard.lint_ignore leaves out count as well.
 * For writers, with the caller's privileges.  Takes sg_lint()'s locks, and
 * locks the history of this gate until the commit.  Errors: SG006, 25001 inside
 * a transaction, 25006, 22023, 22004, 3F000, 42501.
 */
static Datum
sg_lint_gate_entered(PG_FUNCTION_ARGS)
{
	LintGate	gate = {0};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;

	sg_check_granted(fcinfo);
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute sg_lint_gate() during recovery"),
				 errdetail("It writes down what it finds."),
				 errhint(sg_calls("Have it said without a record:\nSELECT * FROM sg_lint();"))));
	sg_check_procedure(fcinfo, "sg_lint_gate", "It commits what it has found before it raises an error about it.");

	/* context that survives the commit, for the error's text */
	context = AllocSetContextCreate(PortalContext, "schemaguard lint gate", ALLOCSET_DEFAULT_SIZES);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(context);
	initStringInfo(&gate.detail);
	gate.history.source = "lint";
	gate.history.role = GetUserNameFromId(GetUserId(), false);
	gate.history.reference = "";
	gate.history.run = log_new_run();
	read_arguments(fcinfo, &gate);
	finding_lock(&gate.history);
	gate.history.started_at = GetCurrentTimestamp();
	finding_note_others(&gate.history);
	lint(&gate, fcinfo);
	record(&gate);
	SPI_commit();
	MemoryContextSwitchTo(context);
	if (gate.failed + gate.unknown > 0)
		raise_found(&gate);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	PG_RETURN_VOID();
}
