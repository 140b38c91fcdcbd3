/*-------------------------------------------------------------------------
 *
 * deploy_audit.c
 *	  Counting the orphans of a key on the way to its deployment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "deploy.h"
#include "errors.h"
#include "progress.h"

static void
count_in_subtransaction(void *table)
{
	audit_table(table);
}

/* Judge keys of one child; when that comes to nothing, why, or NULL */
static char *
count_together(const DeployAction *action, Oid child, List *keys)
{
	AuditTable	table = {.child = child,.keys = keys,.results = CurrentMemoryContext};
	ErrorData  *edata;

	deploy_arm_timeout();
	edata = sg_try_undo(count_in_subtransaction, &table);
	deploy_disarm_timeout();
	if (edata == NULL)
		return NULL;

	if (sg_is_cancel(edata) && !deploy_timeout_struck())
		deploy_log_cancel(action, edata);
	return deploy_timeout_struck() ? pstrdup(DEPLOY_TIMEOUT_TEXT) : sg_error_text(edata);
}

AuditKey *
deploy_count_orphans(const DeployAction *action, const FkKey *key)
{
	AuditKey   *ak = audit_key_new(key, "plan", "missing");
	char	   *trouble = count_together(action, key->child, list_make1(ak));

	if (trouble)
	{
		ak->result = AUDIT_UNKNOWN;
		ak->reason = trouble;
	}
	return ak;
}

/* The form of sg_orphans by columns knows MATCH SIMPLE only */
const char *
deploy_orphans_hint(const StepWork *work)
{
	const FkKey *key = work->key;

	if (plan_step_fixes(work->step))
		return "CALL sg_fix_orphans(), or sg_add_fks() with fix => true, does what the step's policy says; sg_orphans() lists the rows.";
	if (key->match == FKCONSTR_MATCH_FULL && key->nkeys > 1 && !OidIsValid(key->conid))
		return "sg_orphans() lists these rows, except those that break MATCH FULL by a null in some of the columns. Remove or mend them and CALL again.";
	return "sg_orphans() lists these rows. Remove or mend them and CALL again.";
}

char *
deploy_orphans_text(const AuditKey *ak)
{
	return psprintf(INT64_FORMAT " orphan %s with " INT64_FORMAT " distinct %s",
					ak->orphan_rows, ak->orphan_rows == 1 ? "row" : "rows",
					ak->orphan_keys, ak->orphan_keys == 1 ? "key" : "keys");
}

static void
record_pass(const DeployAction *action, const StepWork *work, const char *message)
{
	LogEntry	entry = deploy_outcome(action, work, "done");

	entry.message = message;
	entry.orphan_rows = 0;
	log_write(&entry);
	deploy_commit_soon();
}

/* The key of a later step, if it waits for an audit of the same child, or NULL */
static FkKey *
waiting_key(const DeployRun *run, PlanStep *step, const StepWork *work, Oid child)
{
	StepView	view;
	FkKey	   *key;

	if (strcmp(step->child_table, work->step->child_table) != 0 ||
		!deploy_audits_first(step) || step->skipped_by ||
		list_member_int(run->unfilled, step->step))
		return NULL;
	deploy_look(step, &view);
	if (view.need != NEED_ADD || view.key.child != child)
		return NULL;

	key = palloc(sizeof(FkKey));
	memcpy(key, &view.key, sizeof(FkKey));
	return deploy_may_add(key) == NULL ? key : NULL;
}

/*
 * The orphans of a step's key; one scan of the child judges the keys of later
 * steps as well.  Which of those pass is kept in run->audited; the others are
 * judged again, alone, when their turn comes.
 */
static AuditKey *
judge_with_later(const DeployAction *action, StepWork *work, const FkKey *key)
{
	DeployRun  *run = work->run;
	AuditKey   *ak = audit_key_new(key, "plan", "missing");
	List	   *keys = list_make1(ak);
	List	   *steps = NIL;
	bool		later = false;
	ListCell   *lc,
			   *lc2;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, run->steps)
	{
		PlanStep   *step = lfirst(lc);
		FkKey	   *other = later ? waiting_key(run, step, work, key->child) : NULL;

		later = later || step->step == work->step->step;
		if (other == NULL)
			continue;
		keys = lappend(keys, audit_key_new(other, "plan", "missing"));
		steps = lappend_int(steps, step->step);
	}
	PopActiveSnapshot();

	if (steps == NIL || count_together(action, key->child, keys) != NULL)
		return deploy_count_orphans(action, key);

	forboth(lc, steps, lc2, list_copy_tail(keys, 1))
	{
		MemoryContext old;

		if (((AuditKey *) lfirst(lc2))->result != AUDIT_PASS)
			continue;
		old = MemoryContextSwitchTo(run->context);
		run->audited = lappend_int(run->audited, lfirst_int(lc));
		MemoryContextSwitchTo(old);
	}
	return ak;
}

bool
deploy_audit_step(StepWork *work, FkKey *key)
{
	DeployAction action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};
	AuditKey   *ak;

	work->statement = NULL;
	work->key = key;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, key->child);
	if (list_member_int(work->run->audited, work->step->step))
	{
		deploy_write_start(&action);
		record_pass(&action, work, "pass, by an earlier step's scan");
		return true;
	}

	deploy_log_start(&action);
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
		deploy_record_failure(&action, work, "failed", ERRCODE_SG_ORPHANS,
							  deploy_orphans_text(ak), ak->orphan_rows);
	}
	else
		deploy_record_failure(&action, work, "failed", ERRCODE_SG_NOT_JUDGED,
							  psprintf("the orphans could not be counted: %s", ak->reason),
							  LOG_NONE);
	return false;
}
