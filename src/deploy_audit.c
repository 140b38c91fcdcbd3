/*-------------------------------------------------------------------------
 *
 * deploy_audit.c
 *	  Counting the orphans of a key on the way to its deployment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/timestamp.h"

#include "deploy.h"
#include "errors.h"
#include "progress.h"

/* For deploy_count_orphans, inside its subtransaction */
typedef struct CountArg
{
	AuditTable	table;
	AuditKey   *key;
} CountArg;

static void
count_in_subtransaction(void *p)
{
	audit_table(&((CountArg *) p)->table);
}

AuditKey *
deploy_count_orphans(const DeployAction *action, const FkKey *key)
{
	CountArg	arg;
	ErrorData  *edata;

	arg.key = audit_key_new(key, "plan", "missing");
	arg.table.child = key->child;
	arg.table.keys = list_make1(arg.key);
	arg.table.samples = 0;
	arg.table.results = CurrentMemoryContext;

	deploy_arm_timeout();
	edata = sg_try_undo(count_in_subtransaction, &arg);
	deploy_disarm_timeout();
	if (edata == NULL)
		return arg.key;

	if (sg_is_cancel(edata) && !deploy_timeout_struck())
		deploy_log_cancel(action, edata);
	arg.key->result = AUDIT_UNKNOWN;
	arg.key->reason = deploy_timeout_struck() ? pstrdup(DEPLOY_TIMEOUT_TEXT) :
		sg_error_text(edata);
	return arg.key;
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

bool
deploy_audit_step(StepWork *work, FkKey *key)
{
	DeployAction action = {.run = work->run,.works = list_make1(work),.name = "audit",
	.attempts = 1};
	AuditKey   *ak;

	work->statement = NULL;
	work->key = key;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, key->child);
	deploy_log_start(&action);

	ak = deploy_count_orphans(&action, key);
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	if (ak->result == AUDIT_PASS)
	{
		LogEntry	entry = deploy_outcome(&action, work, "done");

		entry.message = "pass";
		entry.orphan_rows = 0;
		deploy_settle_with(&action, &entry);
		deploy_commit_soon();
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
