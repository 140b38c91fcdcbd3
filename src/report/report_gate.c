/*-------------------------------------------------------------------------
 *
 * report_gate.c
 *	  CALL sg_audit_gate: raises an error if rows break keys; for pg_cron and
 *	  CI.
 *
 *	  A gate is an audit whose verdicts are committed, and then an error if
 *	  any key fails, is unknown, or is declared but unarmed, so that new rows
 *	  go unchecked. schemaguard.finding has the findings of the last gate of
 *	  the same role and scope, so that new and ended findings are known, and
 *	  listeners are notified of a change once.  A finding that was accepted
 *	  there, and has not grown, does not cause the error.  The triggers of a
 *	  key are a finding of their own, and each names what the key demands:
 *	  who accepts orphans accepts no disabled trigger, no other key and no
 *	  other table of the name.
 *
 *	  Each batch of tables that is read together is a transaction, which
 *	  writes only after its tables are read: no snapshot and no transaction ID
 *	  spans two batches or a scan, and a cancelled gate keeps its verdicts so
 *	  far.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_rule.h"
#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "finding/finding.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_deed.h"
#include "plan/plan_option.h"
#include "report/report.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_audit_gate);

#define FIRST_KEYS 20			/* number of keys that an error names */
#define TRIGGERS "triggers"		/* kind of the finding that a key is unarmed */

/*
 * Condition: the finding f is of a key that is neither declared nor planned any
 * more, or of a rule that no plan has on its table
 */
#define ABOUT_NOTHING \
	"NOT EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.child_table = f.object AND s.kind = f.kind" \
	"            AND (f.kind <> 'foreign key' OR s.fk_name = f.property))" \
	" AND NOT EXISTS (SELECT FROM pg_constraint k WHERE f.kind IN ('foreign key', '" TRIGGERS "') AND k.contype = 'f'" \
	"                 AND k.conrelid = pg_catalog.to_regclass(f.object) AND k.conname = f.property)"

typedef struct AuditGate
{
	FkPlan	   *plan;			/* or NULL */
	List	   *schemas;		/* char *; NIL: all */
	bool		fails;			/* raise an error for findings, instead of a
								 * WARNING */
	FindingRun	history;		/* its target is the text of plan and schemas */
	int			keys;			/* number of keys and rules that were judged */
	int			rules;			/* number of rules among them */
	bool		only_new;		/* leave out accepted findings */
	List	   *failed;			/* AuditKey *, also in the next two */
	List	   *unarmed;
	List	   *unknown;
	List	   *accepted;		/* FindingAccepted *, sorted */
} AuditGate;

/* Returns whether a declared key lets orphans in */
static bool
is_unarmed(const AuditKey *ak)
{
	return ak->rule == NULL && ak->state == FK_UNARMED;
}

static const char *
gate_result(const AuditGate *gate)
{
	return gate->failed || gate->unarmed ? "fail" : gate->unknown ? "unknown" : "pass";
}

/* ---- keys to judge ---- */

static void
read_arguments(FunctionCallInfo fcinfo, AuditGate *gate)
{
	StringInfoData scope;
	ListCell   *lc;

	gate->schemas = sg_arg_schemas(fcinfo, 0);
	if (!sg_arg_is_null(fcinfo, 1))
		gate->plan = plan_get_readable(sg_arg_text(fcinfo, 1));
	/* the objects of version 0.1.0 pass two arguments */
	gate->only_new = PG_NARGS() < 3 || sg_arg_bool(fcinfo, 2);
	gate->fails = PG_NARGS() < 4 || sg_arg_bool(fcinfo, 3);

	initStringInfo(&scope);
	if (gate->plan)
		appendStringInfo(&scope, "plan %s", quote_identifier(gate->plan->name));
	foreach(lc, gate->schemas)
		appendStringInfo(&scope, "%s%s", lc != list_head(gate->schemas) ? ", " : scope.len ? ", schemas " : "schemas ",
						 quote_identifier(lfirst(lc)));
	gate->history.target = scope.len ? scope.data : "all";
}

/* Warns of failed steps without rows to judge, such as statements */
static void
tell_failed(const AuditGate *gate)
{
	int			n = 0;

	foreach_ptr(const PlanStep, step, gate->plan ? plan_steps(gate->plan->name) : NIL)
		n += step->state == STEP_FAILED && step->kind != STEP_FOREIGN_KEY && !change_is_rule(step);
	if (n > 0)
		ereport(WARNING,
				(errmsg_plural("%d step of plan \"%s\" failed, and has no rows to judge",
							   "%d steps of plan \"%s\" failed, and have no rows to judge",
							   n, n, gate->plan->name),
				 errhint(sg_calls("SELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(gate->plan->name))));
}

/* Reports the number of steps that pass without a look at their rows */
static void
tell_left_out(const AuditGate *gate, int steps)
{
	if (steps > 0)
		ereport(NOTICE,
				(errmsg_plural("%d step of plan \"%s\" was skipped or rolled back, and is not judged",
							   "%d steps of plan \"%s\" were skipped or rolled back, and are not judged",
							   steps, steps, gate->plan->name)));
	tell_failed(gate);
	if (gate->keys == 0)
		ereport(NOTICE,
				(errmsg("there is nothing to judge: %s", gate->history.target)));
}

/* ---- the history ---- */

static const char *
rule_word(const AuditKey *ak)
{
	if (ak->rule == NULL)
		return plan_kind_word(STEP_FOREIGN_KEY);
	switch (ak->rule->kind)
	{
		case AUDIT_CHECK:
			return plan_kind_word(STEP_CHECK);
		case AUDIT_NOT_NULL:
			return plan_kind_word(STEP_NOT_NULL);
		case AUDIT_UNIQUE:
			return plan_kind_word(STEP_UNIQUE);
	}
	return NULL;
}

/*
 * Returns what a key or rule demands, so that another one of its name is
 * another finding; NULL: not known.  sg_accepted_keys() writes the same text.
 */
static const char *
demand_of(const AuditKey *ak)
{
	const char *columns = sg_quote_list(ak->child_columns);

	if (ak->rule)
		return ak->rule->definition ? ak->rule->definition :
			psprintf("(%s)%s", columns, ak->rule->nulls_equal ? " NULLS NOT DISTINCT" : "");
	return ak->parent_table == NULL ? NULL :
		psprintf("(%s) REFERENCES %s(%s)%s", columns, ak->parent_table, sg_quote_list(ak->parent_columns),
				 ak->key.match == FKCONSTR_MATCH_FULL ? " MATCH FULL" : "");
}

static Finding *
finding_of(const AuditKey *ak)
{
	Finding    *finding = palloc0(sizeof(Finding));

	finding->kind = rule_word(ak);
	finding->object = ak->child_table;
	finding->property = ak->fk_name;
	finding->expected = demand_of(ak);
	finding->result = audit_result_word(ak->result);
	finding->detail = report_reason(ak);
	finding->identity = OidIsValid(ak->key.child) ? psprintf("%s %u", plan_deed_mark(ak->key.child), ak->key.parent) : NULL;
	finding->count = ak->orphan_rows < 0 ? FINDING_UNCOUNTED : ak->orphan_rows;
	return finding;
}

/* Returns the finding that a key is unarmed, which has no rows */
static Finding *
triggers_of(const AuditKey *ak)
{
	Finding    *finding = finding_of(ak);

	finding->kind = TRIGGERS;
	finding->result = audit_result_word(AUDIT_FAIL);
	finding->detail = ak->key.unarmed_reason;
	finding->count = 0;
	return finding;
}

/* Records the verdicts of a batch, and commits */
static void
record(List *keys, void *arg)
{
	const AuditGate *gate = arg;
	List	   *found = NIL;
	List	   *passed = NIL;

	if (keys == NIL)
		return;
	foreach_ptr(const AuditKey, ak, keys)
	{
		if (ak->result == AUDIT_SKIPPED)
			continue;
		if (ak->result == AUDIT_PASS)
			passed = lappend(passed, finding_of(ak));
		else
			found = lappend(found, finding_of(ak));
		if (is_unarmed(ak))
			found = lappend(found, triggers_of(ak));
		else if (OidIsValid(ak->key.conid))
			passed = lappend(passed, triggers_of(ak));
	}
	report_write(keys, &gate->history.run, gate->plan ? gate->plan->name : NULL);
	if (found != NIL)
		finding_found(&gate->history, found);
	if (passed != NIL)
		finding_passed(&gate->history, passed);
	run_commit_soon();
}

/* ---- judging ---- */

static void
collect(const AuditGate *gate, AuditSet *set)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	if (gate->plan)
		report_add_plan(set, gate->plan, REPORT_WANTED);
	else
		report_add_declared(set);
	PopActiveSnapshot();
}

static void
judge(AuditGate *gate)
{
	AuditSet	set = {.schemas = gate->schemas};

	sg_progress_begin(SG_PROGRESS_AUDIT, 0, 0);
	collect(gate, &set);
	report_judge(&set, 0, record, gate);
	sg_progress_end();

	foreach_ptr(AuditKey, ak, set.keys)
	{
		if (ak->result == AUDIT_SKIPPED)
			continue;
		gate->keys++;
		gate->rules += ak->rule != NULL;
		if (ak->result == AUDIT_FAIL)
			gate->failed = lappend(gate->failed, ak);
		else if (ak->result == AUDIT_UNKNOWN)
			gate->unknown = lappend(gate->unknown, ak);
		if (is_unarmed(ak))
			gate->unarmed = lappend(gate->unarmed, ak);
	}
	tell_left_out(gate, list_length(set.keys) - gate->keys);
}

/* ---- accepted findings ---- */

/* Compares two cells of FindingAccepted * by their subjects */
static int
compare_accepted(const ListCell *a, const ListCell *b)
{
	const FindingAccepted *one = lfirst(a);
	const FindingAccepted *other = lfirst(b);
	int			order = strcmp(one->object, other->object);

	order = order != 0 ? order : strcmp(one->property, other->property);
	return order != 0 ? order : strcmp(one->kind, other->kind);
}

static bool
is_accepted(const AuditGate *gate, const Finding *finding)
{
	FindingAccepted key = {.kind = finding->kind,.object = finding->object,.property = finding->property};
	ListCell	cell = {.ptr_value = &key};
	int			low = 0;
	int			high = list_length(gate->accepted);

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = compare_accepted(&cell, list_nth_cell(gate->accepted, middle));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* Reports the first accepted findings, with reason and expiry */
static void
tell_accepted(const AuditGate *gate)
{
	int			named = Min(list_length(gate->accepted), FIRST_KEYS);
	StringInfoData detail;

	initStringInfo(&detail);
	for (int i = 0; i < named; i++)
	{
		const FindingAccepted *accepted = list_nth(gate->accepted, i);

		appendStringInfo(&detail, "%s%s ON %s%s, until %s: %s", i > 0 ? "\n" : "", quote_identifier(accepted->property),
						 accepted->object, strcmp(accepted->kind, TRIGGERS) == 0 ? ": unarmed" : "", accepted->until, accepted->reason);
	}
	if (list_length(gate->accepted) > named)
		appendStringInfo(&detail, "\n... and %d more", list_length(gate->accepted) - named);
	ereport(NOTICE,
			(errmsg_plural("%d finding is accepted, and is left out", "%d findings are accepted, and are left out",
						   list_length(gate->accepted), list_length(gate->accepted)),
			 errdetail("%s", detail.data)));
}

/* Returns the keys whose finding is not accepted */
static List *
not_accepted(const AuditGate *gate, List *keys, Finding *(*finding) (const AuditKey *ak))
{
	List	   *counts = NIL;

	foreach_ptr(AuditKey, ak, keys)
	{
		if (!is_accepted(gate, finding(ak)))
			counts = lappend(counts, ak);
	}
	return counts;
}

/* Removes accepted findings from the found ones, after record() */
static void
leave_out_accepted(AuditGate *gate)
{
	gate->accepted = gate->only_new ? finding_accepted(&gate->history) : NIL;
	if (gate->accepted == NIL)
		return;
	list_sort(gate->accepted, compare_accepted);
	gate->failed = not_accepted(gate, gate->failed, finding_of);
	gate->unarmed = not_accepted(gate, gate->unarmed, triggers_of);
	tell_accepted(gate);
}

/* Returns the number of findings that are not accepted */
static int
count_found(const AuditGate *gate)
{
	return list_length(gate->failed) + list_length(gate->unarmed) + list_length(gate->unknown);
}

/* ---- the log, and listeners ---- */

static void
log_gate(const AuditGate *gate)
{
	LogEntry	entry = log_entry(&gate->history.run, gate->plan ? gate->plan->name : NULL, "audit gate", LOG_DONE);

	entry.object = gate->history.target;
	entry.message = psprintf("%s: %d keys, %d fail, %d unknown, %d accepted; %d new, %d gone", gate_result(gate), gate->keys,
							 list_length(gate->failed) + list_length(gate->unarmed), list_length(gate->unknown), list_length(gate->accepted), (int) gate->history.appeared,
							 (int) gate->history.gone);
	entry.elapsed_ms = (GetCurrentTimestamp() - gate->history.started_at) / 1000.0;
	log_write(&entry);
}

static void
notify(const AuditGate *gate)
{
	FindingCount counts[] = {{"keys", gate->keys}, {"failed", list_length(gate->failed) + list_length(gate->unarmed)},
	{"unknown", list_length(gate->unknown)}, {"accepted", list_length(gate->accepted)}};

	(void) finding_notify(&gate->history, gate_result(gate), counts, lengthof(counts),
						  count_found(gate) + list_length(gate->accepted));
}

/* ---- the error ---- */

/* Returns a line for each of the first findings, the worst ones first */
static char *
first_found(const AuditGate *gate)
{
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	foreach_ptr(const AuditKey, ak, gate->failed)
	{
		if (n++ < FIRST_KEYS)
			appendStringInfo(&text, "%s\n", report_finding(ak));
	}
	foreach_ptr(const AuditKey, ak, gate->unarmed)
	{
		if (n++ < FIRST_KEYS)
			appendStringInfo(&text, "%s ON %s: unarmed: %s\n", quote_identifier(ak->fk_name), ak->child_table, ak->key.unarmed_reason);
	}
	foreach_ptr(const AuditKey, ak, gate->unknown)
	{
		if (n++ < FIRST_KEYS)
			appendStringInfo(&text, "%s\n", report_finding(ak));
	}
	if (n > FIRST_KEYS)
		appendStringInfo(&text, "... and %d more\n", n - FIRST_KEYS);
	text.		data[text.len - 1] = '\0';
	return text.data;
}

/*
 * Returns the statements that make a plan of the keys whose orphans this gate
 * does not accept: with the keys' clauses, and the plan's policy instead of NOT
 * VALID
 */
static char *
mending_plan(const AuditGate *gate)
{
	char	   *plan = "mend";

	for (int n = 2; plan_find(plan); n++)
		plan = psprintf("mend %d", n);
	plan = quote_literal_cstr(plan);
	return psprintf("%s%s%s",
					psprintf(sg_calls("\nTo have a plan take the orphans out, with copies in quarantine:\n"
									  "SELECT sg_plan_create(%1$s), sg_plan_option(%1$s, 'orphans', 'quarantine');\n"), plan),
					psprintf(sg_calls("SELECT sg_plan_from_sql(%1$s, string_agg(format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s;', object, property,"
									  " regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')), ' ')) FROM schemaguard.finding JOIN pg_constraint c"
									  " ON conrelid = to_regclass(object) AND conname = property WHERE role = current_user AND target = %2$s AND kind = 'foreign key'"
									  " AND result = 'fail' AND %3$s;\n"),
							 plan, quote_literal_cstr(gate->history.target), gate->accepted ? FINDING_IS_NEW : FINDING_IS_OPEN),
					psprintf(sg_calls("CALL sg_fix_orphans(%1$s, dry_run => true);"), plan));
}

static void
tell_found(const AuditGate *gate)
{
	int			failed = list_length(gate->failed);
	int			unknown = list_length(gate->unknown);
	const char *unarmed = gate->unarmed == NIL ? "" : psprintf("; unarmed: %d", list_length(gate->unarmed));
	const char *arm = gate->unarmed == NIL ? "" : sg_calls("What arms keys whose triggers do not fire:\nSELECT object, fix FROM sg_lint() WHERE rule = 'key-unarmed';\n");
	const char *all = gate->accepted ? FINDING_LIST_NEW : FINDING_LIST;

	/* running the whole hint makes a plan, and accepts nothing */
	ereport(gate->fails ? ERROR : WARNING,
			(errcode(ERRCODE_SG_ORPHANS),
			 gate->rules == 0 ?
			 errmsg("orphans in %d of %d foreign keys, %d could not be judged%s", failed, gate->keys, unknown, unarmed) :
			 errmsg("rows break %d of %d keys and rules, %d could not be judged%s", failed, gate->keys, unknown, unarmed),
			 errdetail("%s", first_found(gate)),
			 gate->plan ?
			 errhint("%sAll that was found, and since when:\n%s", arm, all) :
			 errhint("%sAll of these keys, and since when:\n%s%s%s", arm, all, failed == 0 ? "" : mending_plan(gate), !gate->failed && !gate->unarmed ? "" :
					 sg_calls("\n-- or accept them as they are, so that the gate fails on what is new or has grown:\n-- SELECT sg_audit_baseline();"))));
}

/* ---- the procedure ---- */

/* Judges in this history's turn, from a transaction that holds no lock */
static void
run_gate(AuditGate *gate)
{
	run_commit();
	finding_lock_run(&gate->history);
	gate->history.started_at = GetCurrentTimestamp();
	if (gate->plan)
	{
		List	   *options;

		gate->plan = plan_get_readable(gate->plan->name);
		options = plan_options(gate->plan);
		plan_tell_options(gate->plan, options);
		run_keep_options(options);
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	finding_note_others(&gate->history);
	PopActiveSnapshot();
	judge(gate);
	leave_out_accepted(gate);
	finding_close(&gate->history);
	finding_close_others(&gate->history, ABOUT_NOTHING);
	log_gate(gate);
	notify(gate);
	run_commit();
	finding_unlock_run(&gate->history);
}

/*
 * sg_audit_gate(schemas text[] DEFAULT NULL, plan text DEFAULT NULL, only_new
 * boolean DEFAULT true, fail boolean DEFAULT true)
 *
 * Judges the declared keys, or those of a plan and its rules, whose child is in
 * one of the schemas, as sg_orphan_audit() does.  Commits the verdicts (the
 * log, proofs, schemaguard.finding) after each batch of tables that is read
 * together, and at the end a NOTIFY on schemaguard.notify_channel if they
 * differ from the last gate's; then raises SG001 if any key fails, is unknown
 * or unarmed, with the first ones in the detail.  A finding that
 * sg_audit_accept() has accepted is left out with a NOTICE, unless only_new is
 * false.  Without fail, the error is a WARNING.  A key that passes, or no
 * longer exists, ends findings of other gates as well, of this role or, for a
 * superuser's gate, of any.
 *
 * Uses the caller's privileges; takes sg_orphan_audit()'s locks, and locks the
 * history of this gate, so that gates of one role and scope take turns.
 * Errors: 25001 inside a transaction, 25006 on a standby, SG001, 22023 no
 * schema, 3F000 no such schema, 42704 no such plan, 42501.
 */
static Datum
sg_audit_gate_entered(PG_FUNCTION_ARGS)
{
	AuditGate	gate = {0};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;

	sg_check_granted(fcinfo);
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute sg_audit_gate() during recovery"),
				 errdetail("It writes down what it finds."),
				 errhint(sg_calls("Have the keys judged without a record:\nSELECT * FROM sg_orphan_audit();"))));
	sg_check_procedure(fcinfo, "sg_audit_gate",
					   "It commits what it has found, batch by batch.");

	/* context that survives the commits, for the error's text */
	context = AllocSetContextCreate(PortalContext, "schemaguard audit gate", ALLOCSET_DEFAULT_SIZES);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(context);
	gate.history.source = "audit";
	gate.history.role = GetUserNameFromId(GetUserId(), false);
	gate.history.reference = "";
	gate.history.run = log_new_run();
	read_arguments(fcinfo, &gate);
	PG_TRY();
	{
		run_gate(&gate);
	}
	PG_FINALLY();
	{
		run_keep_options(NIL);
	}
	PG_END_TRY();
	if (count_found(&gate) > 0)
		tell_found(&gate);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	PG_RETURN_VOID();
}

static uint64
prune(TimestampTz before)
{
	return finding_prune("audit", "true", before) + finding_prune("lint", "true", before) + finding_prune("plan", "true", before);
}

void
report_gate_init(void)
{
	log_register_prune("findings", "findings of audit and lint gates", prune);
}
