/*-------------------------------------------------------------------------
 *
 * deploy_audit.c
 *	  Counting the orphans of a key on the way to its deployment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit_rule.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "plan/plan_call.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_unit.h"

/* Argument of an audit: tables whose orphans are counted */
typedef struct Count
{
	const PlanRun *run;
	List	   *tables;			/* AuditTable * */
} Count;

static void
count_one(void *arg)
{
	Count	   *one = arg;

	run_limit_waits(one->run);
	audit_tables(one->tables, AUDIT_HOLDS, NULL, NULL);
}

static void
count_at_once(void *arg)
{
	audit_tables_at_once(((Count *) arg)->tables);
}

/* Judges keys within schemaguard.statement_timeout; returns what went wrong, or NULL */
static char *
count(const RunAction *action, void (*how) (void *arg), List *tables)
{
	Count		arg = {action->run, tables};
	ErrorData  *edata;

	edata = run_try_undo(sg_statement_timeout, how, &arg);
	if (edata == NULL)
		return NULL;

	if (sg_is_cancel(edata) && !run_timeout_struck())
		run_log_cancel(action, edata);
	return run_timeout_struck() ? pstrdup(RUN_TIMEOUT_TEXT) : sg_error_text(edata);
}

static AuditTable *
table_of(AuditKey *ak)
{
	AuditTable *table = palloc0(sizeof(AuditTable));

	table->child = ak->key.child;
	table->keys = list_make1(ak);
	table->results = CurrentMemoryContext;
	return table;
}

/* Judges one key or rule alone */
static AuditKey *
judge(RunAction *action, AuditKey *ak)
{
	char	   *trouble = count(action, count_one, list_make1(table_of(ak)));

	if (trouble)
	{
		ak->result = AUDIT_UNKNOWN;
		ak->reason = trouble;
	}
	else if (ak->result == AUDIT_UNKNOWN && OidIsValid(ak->waits_for))
	{
		run_note_holders(action, ak->waits_for, AccessShareLock);
		ak->reason = psprintf("%s is locked by others; column blockers of the log says by whom",
							  sg_relation_name(ak->waits_for));
	}
	return ak;
}

AuditKey *
deploy_count_orphans(RunAction *action, const FkKey *key)
{
	return judge(action, audit_key_new(key, AUDIT_PLAN, FK_MISSING));
}

/* By name for a declared key: sg_orphans() by columns knows only MATCH SIMPLE */
char *
deploy_orphans_list(const FkKey *key)
{
	if (OidIsValid(key->conid))
		return psprintf(sg_calls("SELECT * FROM sg_fk_orphans(%s, %s);"), quote_literal_cstr(sg_relation_name(key->child)),
						quote_literal_cstr(key->name));
	return psprintf(sg_calls("SELECT * FROM sg_orphans(%s, %s, %s, %s);"), quote_literal_cstr(sg_relation_name(key->child)),
					sg_names_literal(sg_attribute_names(key->child, key->child_att, key->nkeys)), quote_literal_cstr(sg_relation_name(key->parent)),
					sg_names_literal(sg_attribute_names(key->parent, key->parent_att, key->nkeys)));
}

/* Returns the call that treats the rows of this step alone by its policy */
static char *
fixing_hint(const StepWork *work, const char *procedure)
{
	PlanRun		one = *work->run;

	one.chosen = list_make1_int(work->step->step);
	return run_fixing_hint(&one, list_make1(work->step), procedure, "Do what the step's policy says");
}

const char *
deploy_orphans_hint(const StepWork *work)
{
	const FkKey *key = work->key;
	bool		full = key->match == FKCONSTR_MATCH_FULL && key->nkeys > 1 && !OidIsValid(key->conid);

	if (plan_step_fixes(work->step))
		return fixing_hint(work, "sg_fix_orphans");
	if (key->period && OidIsValid(key->conid))
		return psprintf("Change or delete these rows by hand, and CALL again:\n%s", deploy_orphans_list(key));
	if (key->period)
		return psprintf("With the policy \"leave\" the key is added NOT VALID, and the rows that break it can be listed:\n%s",
						plan_set_call(work->step, "orphans", "leave", NULL));
	return psprintf("Look at them%s:\n%s\nTo have them taken out, with copies in quarantine, set the policy and CALL with fix => true:\n%s",
					full ? ", except those that break MATCH FULL by a null in some of the columns" : "",
					deploy_orphans_list(key), plan_quarantine_call(work->step));
}

char *
deploy_orphans_text(const AuditKey *ak)
{
	return psprintf(INT64_FORMAT " orphan %s with " INT64_FORMAT " distinct %s",
					ak->orphan_rows, ak->orphan_rows == 1 ? "row" : "rows",
					ak->orphan_keys, ak->orphan_keys == 1 ? "key" : "keys");
}

static void
record_pass(const RunAction *action, const StepWork *work, const char *message)
{
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	entry.message = message;
	entry.orphan_rows = 0;
	run_settle_with(action, &entry);
	run_commit_soon();
}

/* Tables counted for a step, and for later steps on the way */
typedef struct Ahead
{
	StepWork   *work;
	List	   *tables;			/* AuditTable *: the step's child first */
	List	   *parents;		/* parents whose pages are counted already */
	int64		pages;			/* to be read */
	List	   *keys;			/* AuditKey *: keys of later steps */
	List	   *steps;			/* numbers of these steps */
} Ahead;

static AuditTable *
find_table(const Ahead *ahead, Oid child)
{
	ListCell   *lc;

	foreach(lc, ahead->tables)
	{
		if (((AuditTable *) lfirst(lc))->child == child)
			return lfirst(lc);
	}
	return NULL;
}

/*
 * Adds a later step's key, unless one of its tables is too large or locked;
 * returns false if the batch is full.
 */
static bool
add_ahead(Ahead *ahead, const FkKey *key, int step)
{
	AuditTable *table = find_table(ahead, key->child);
	AuditKey   *ak;
	int64		parent = list_member_oid(ahead->parents, key->parent) ? 0 : audit_pages(key->parent);
	int64		child = table ? 0 : audit_pages(key->child);

	if (Max(parent, child) >= AUDIT_BATCH_PAGES)
		return true;
	if (ahead->pages + parent + child >= AUDIT_BATCH_PAGES ||
		list_length(ahead->keys) + 1 >= AUDIT_BATCH_KEYS)
		return false;

	ak = audit_key_new(key, AUDIT_PLAN, FK_MISSING);
	if (table)
		table->keys = lappend(table->keys, ak);
	else
		ahead->tables = lappend(ahead->tables, table_of(ak));
	ahead->parents = list_append_unique_oid(ahead->parents, key->parent);
	ahead->pages += parent + child;
	ahead->keys = lappend(ahead->keys, ak);
	ahead->steps = lappend_int(ahead->steps, step);
	return true;
}

/* Returns whether a later step will want an audit before its key is added */
static bool
waits_for_audit(const PlanRun *run, PlanStep *step, StepView *view)
{
	if (!deploy_audits_first(step) || step->skipped_by ||
		list_member_int(run->unfilled, step->step) ||
		bms_is_member(step->step, run->counted))
		return false;
	deploy_look(step, view);
	return view->need == NEED_ADD && deploy_may_add(&view->key) == NULL;
}

/* Adds as many of the following steps as can be read together with this one */
static void
look_ahead(Ahead *ahead)
{
	const PlanStep *mine = ahead->work->step;
	const PlanRun *run = ahead->work->run;
	bool		later = false;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(PlanStep, step, run->steps)
	{
		StepView	view;

		if (later && waits_for_audit(run, step, &view) && !add_ahead(ahead, &view.key, step->step))
			break;
		later = later || step->step == mine->step;
	}
	PopActiveSnapshot();
}

/*
 * Judges a step's key, and later steps' keys along with it, as far as their
 * tables are small and not locked, so that a table that several keys share is
 * read once.  Later keys that pass are kept in run->audited; the others are
 * judged alone when it is their turn.
 */
static AuditKey *
judge_with_later(RunAction *action, StepWork *work, const FkKey *key)
{
	PlanRun    *run = work->run;
	AuditKey   *ak = audit_key_new(key, AUDIT_PLAN, FK_MISSING);
	Ahead		ahead = {.work = work,.tables = list_make1(table_of(ak)),
	.parents = list_make1_oid(key->parent)};
	ListCell   *lc,
			   *lc2;
	MemoryContext old;

	ahead.pages = audit_pages(key->child) + audit_pages(key->parent);
	if (!bms_is_member(work->step->step, run->counted))
		look_ahead(&ahead);
	if (ahead.steps == NIL || count(action, count_at_once, ahead.tables) != NULL)
		return deploy_count_orphans(action, key);

	old = MemoryContextSwitchTo(run->context);
	forboth(lc, ahead.steps, lc2, ahead.keys)
	{
		run->counted = bms_add_member(run->counted, lfirst_int(lc));
		if (((AuditKey *) lfirst(lc2))->result == AUDIT_PASS)
			run->audited = bms_add_member(run->audited, lfirst_int(lc));
	}
	MemoryContextSwitchTo(old);
	return ak->result == AUDIT_UNKNOWN ? deploy_count_orphans(action, key) : ak;
}

bool
deploy_audit_step(StepWork *work, FkKey *key)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};
	AuditKey   *ak;

	work->statement = NULL;
	work->key = key;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, key->child);
	if (bms_is_member(work->step->step, work->run->audited))
	{
		run_write_start(&action);
		record_pass(&action, work, "pass, counted with an earlier step");
		return true;
	}

	run_log_start(&action);
	ak = judge_with_later(&action, work, key);
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	if (ak->result == AUDIT_PASS)
	{
		record_pass(&action, work, "pass");
		return true;
	}

	if (ak->result == AUDIT_FAIL)
	{
		work->hint = deploy_orphans_hint(work);
		run_record_failure(&action, work, STEP_FAILED, ERRCODE_SG_ORPHANS,
						   deploy_orphans_text(ak), ak->orphan_rows);
	}
	else
		run_record_failure(&action, work, STEP_FAILED, ERRCODE_SG_NOT_JUDGED,
						   psprintf("the orphans could not be counted: %s", ak->reason),
						   LOG_NONE);
	return false;
}

static char *
rule_text(const AuditKey *rule)
{
	if (rule->rule->kind == AUDIT_UNIQUE)
		return psprintf(INT64_FORMAT " rows are equal, in " INT64_FORMAT " %s", rule->orphan_rows, rule->orphan_keys,
						rule->orphan_keys == 1 ? "group" : "groups");
	return rule->orphan_rows == 1 ? pstrdup("1 row breaks it") : psprintf(INT64_FORMAT " rows break it", rule->orphan_rows);
}

char *
deploy_rule_broken(StepWork *work, AuditKey *rule)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};

	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, rule->key.child);
	return judge(&action, rule)->result == AUDIT_FAIL ? rule_text(rule) : NULL;
}

char *
deploy_rule_hint(const PlanStep *step)
{
	List	   *order = fk_primary_key(sg_find_qualified(step->child_table));
	char	   *list;

	list = psprintf(sg_calls("SELECT * FROM sg_violations(%s, %d);"), quote_literal_cstr(step->plan), step->step);
	/* rows that are equal because of nulls are not quarantined */
	if (step->nulls_not_distinct)
		return psprintf("Take all but one of each group away:\n%s", list);
	return psprintf("Look at them:\n%s\nTo have them taken out, with copies in quarantine, set the policy%s and CALL with fix => true:\n%s",
					list, step->kind == STEP_UNIQUE ? ", say with keep_by which of equal rows stays," : "",
					step->kind == STEP_UNIQUE ? plan_set_call(step, "orphans", "quarantine", "keep_by", sg_quote_list(order ? order : step->child_columns), NULL) :
					plan_quarantine_call(step));
}

/* Returns the call that goes on, of the sync or of the plan, after the rows are mended */
static char *
broken_hint(const StepWork *work)
{
	const PlanRun *run = work->run;

	return plan_step_fixes(work->step) ?
		fixing_hint(work, run->given ? run->procedure : "sg_apply") :
		deploy_rule_hint(work->step);
}

void
deploy_explain_rule(RunAction *action, StepWork *work, AuditKey *rule)
{
	(void) judge(action, rule);
	work->run->orphan_rows += Max(rule->orphan_rows, 0);
	work->hint = broken_hint(work);
	run_record_failure(action, work, STEP_ADDED, action->error->sqlerrcode,
					   rule->result == AUDIT_FAIL ? rule_text(rule) : sg_error_text(action->error),
					   rule->orphan_rows < 0 ? LOG_NONE : rule->orphan_rows);
}

bool
deploy_audit_rule(StepWork *work, AuditKey *rule)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};

	work->statement = NULL;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, rule->key.child);
	run_log_start(&action);
	(void) judge(&action, rule);
	work->run->orphan_rows += Max(rule->orphan_rows, 0);
	if (rule->result == AUDIT_PASS)
	{
		record_pass(&action, work, "pass");
		return true;
	}
	if (rule->result == AUDIT_FAIL)
	{
		work->hint = broken_hint(work);
		run_record_failure(&action, work, STEP_FAILED, ERRCODE_SG_ORPHANS, rule_text(rule), rule->orphan_rows);
	}
	else
		run_record_failure(&action, work, STEP_FAILED, ERRCODE_SG_NOT_JUDGED,
						   psprintf("its rows could not be judged: %s", rule->reason), LOG_NONE);
	return false;
}

/* ---- keys that are valid already ---- */

List *
deploy_proved_keys(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *proved = NIL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT constraint_oid::bigint AS key FROM schemaguard.fk_trust WHERE stands",
					 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Oid			key = (Oid) sg_spi_int64(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, "key");
		MemoryContext old = MemoryContextSwitchTo(context);

		proved = lappend_oid(proved, key);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return proved;
}

bool
deploy_is_proved(PlanRun *run, const FkKey *key)
{
	if (!key->enforced || !key->validated)
		return true;
	if (!run->has_proved)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		run->proved = deploy_proved_keys();
		run->has_proved = true;
		MemoryContextSwitchTo(old);
	}
	return list_member_oid(run->proved, key->conid);
}

bool
deploy_audit_existing(StepWork *work, FkKey *key)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};
	StepState	state = work->step->orphans == ORPHANS_STOP ? STEP_FAILED : STEP_ADDED;
	AuditKey   *ak;

	work->statement = NULL;
	work->key = key;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, key->child);
	run_log_start(&action);
	ak = deploy_count_orphans(&action, key);
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	audit_proof_record(list_make1(ak));
	if (ak->result == AUDIT_PASS)
	{
		record_pass(&action, work, "pass");
		return true;
	}

	if (ak->result == AUDIT_FAIL)
	{
		work->hint = deploy_orphans_hint(work);
		run_record_failure(&action, work, state, ERRCODE_SG_ORPHANS,
						   psprintf("%s came in past the key, which is valid", deploy_orphans_text(ak)),
						   ak->orphan_rows);
	}
	else
		run_record_failure(&action, work, STEP_ADDED, ERRCODE_SG_NOT_JUDGED,
						   psprintf("the key is valid, but its orphans could not be counted: %s", ak->reason),
						   LOG_NONE);
	return false;
}
