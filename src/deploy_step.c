/*-------------------------------------------------------------------------
 *
 * deploy_step.c
 *	  One step of a plan, from wherever it stands to as far as it goes.
 *
 * What has to be done is found in the catalog, not in the step's state:
 * a step whose key somebody else added in the meantime is only validated, a
 * key that is gone is added again.  The state of the step changes in the
 * transaction that changes the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "deploy.h"
#include "errors.h"
#include "progress.h"
#include "quote.h"

static const char *const statement_timeout_text =
"the statement took longer than schemaguard.statement_timeout";

typedef enum StepNeed
{
	NEED_NOTHING,				/* the key is there and valid */
	NEED_ADD,
	NEED_VALIDATE,				/* the key is there, not valid */
	NEED_SKIP					/* it can't be done: see problem */
} StepNeed;

typedef struct StepView
{
	StepNeed	need;
	FkKey		key;			/* as planned, resolved in this database */
	FkKey	   *existing;		/* the key that is there already, or NULL */
	FkProblem  *problem;
} StepView;

/* One step in one CALL */
typedef struct StepWork
{
	DeployRun  *run;
	PlanStep   *step;
	char	   *object;			/* key ON table, for log and notices */
	StringInfoData notice;		/* what was done, for the NOTICE */
	const char *hint;			/* what to do about it, or NULL */
} StepWork;

static void
append_notice(StepWork *work, const char *text)
{
	appendStringInfo(&work->notice, "%s%s", work->notice.len ? ", " : "", text);
}

static FkProblem *
conflict(const char *reason, const char *hint)
{
	return fk_problem(ERRCODE_SG_KEY_CONFLICT, reason, hint);
}

/* What a key that is there already means for the step */
static void
judge_existing(StepView *view)
{
	FkKey	   *existing = view->existing;
	char	   *difference = fk_clause_difference(&view->key, existing);

	view->need = NEED_SKIP;
	if (difference)
		view->problem = conflict(psprintf("key %s on the same columns is there already, but %s",
										  quote_identifier(existing->name), difference),
								 "Drop that key, or give the step the same clauses with sg_plan_set.");
	else if (!existing->enforced)
		view->need = NEED_NOTHING;
	else if (!existing->armed)
		view->problem = conflict(psprintf("key %s is there already, but it is unarmed: %s",
										  quote_identifier(existing->name), existing->unarmed_reason),
								 "Enable the triggers that have it as tgconstraint in pg_trigger, or drop the key and run the plan again.");
	else
		view->need = existing->validated ? NEED_NOTHING : NEED_VALIDATE;
}

/* How the step stands in the catalog now */
static void
look_at_step(PlanStep *step, StepView *view)
{
	memset(view, 0, sizeof(StepView));
	view->need = NEED_SKIP;
	view->problem = plan_step_key(step, &view->key);
	if (view->problem)
		return;

	view->existing = fk_declared_twin(&view->key);
	if (view->existing)
	{
		judge_existing(view);
		return;
	}

	if (OidIsValid(get_relation_constraint_oid(view->key.child, step->fk_name, true)))
		view->problem = conflict(psprintf("the name %s is taken by another constraint of %s",
										  quote_identifier(step->fk_name), step->child_table),
								 "Give the step another name: sg_plan_set(plan, step, 'fk_name', ...).");
	else if (!SG_PARTITIONED_NOT_VALID &&
			 get_rel_relkind(view->key.child) == RELKIND_PARTITIONED_TABLE)
	{
		view->problem = conflict(psprintf("child %s is partitioned, and before PostgreSQL 18 a key of a partitioned table can't be added NOT VALID",
										  step->child_table),
								 "Add the key in a maintenance window with ALTER TABLE, or to each partition first.");
		view->problem->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
	}
	else
		view->need = NEED_ADD;
}

static void
run_statement(const char *statement)
{
	int			rc;

	SPI_connect();
	rc = SPI_execute(statement, false, 0);
	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), statement);
	SPI_finish();
}

/* The new state of a step and the outcome in the log, in one transaction with the DDL */
static void
record_done(DeployAction *action, const char *state, const char *reason)
{
	LogEntry	entry = deploy_outcome(action, "done");

	entry.message = reason;
	plan_step_set_state(action->run->plan->name, action->step->step, state, reason,
						action->attempts);
	log_write(&entry);
}

static void
execute_add(DeployAction *action)
{
	StepView	view;

	/* the world may have moved on while we waited for the locks */
	look_at_step(action->step, &view);
	if (view.need == NEED_SKIP)
		ereport(ERROR,
				(errcode(view.problem->sqlerrcode),
				 errmsg("%s", view.problem->reason)));
	if (view.need != NEED_ADD)
	{
		record_done(action, view.need == NEED_NOTHING && view.existing->enforced ? "validated" : "added",
					"somebody else has added the key meanwhile");
		return;
	}

	run_statement(action->statement);
	record_done(action, "added", action->step->enforced ? NULL :
				"not enforced, so there is nothing to validate");
}

static void
execute_validate(DeployAction *action)
{
	FkKey	   *key = fk_by_oid(action->key->conid);
	AuditKey   *proof;

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the key was dropped meanwhile"),
				 errhint("Run the plan again: it adds the key anew.")));
	proof = audit_key_new(key, "plan", fk_state(key));
	audit_proof_begin(proof);
	run_statement(action->statement);

	CommandCounterIncrement();
	key = fk_by_oid(action->key->conid);
	if (key == NULL || !key->validated)
		elog(ERROR, "key %u is not valid after VALIDATE CONSTRAINT", action->key->conid);
	proof->result = AUDIT_PASS;
	proof->method = "validate";
	proof->orphan_rows = 0;
	audit_proof_record(list_make1(proof));
	record_done(action, "validated", NULL);
}

/* For count_orphans, inside its subtransaction */
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

/*
 * Count the orphans of a step's key for an action that has begun; the
 * verdict, with its reason.  A cancel is logged as the action's outcome and
 * thrown.
 */
static AuditKey *
count_orphans(const DeployAction *action, const FkKey *key)
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
	arg.key->reason = deploy_timeout_struck() ? pstrdup(statement_timeout_text) :
		sg_error_text(edata);
	return arg.key;
}

/* What to do about orphans; the form of sg_orphans by columns knows MATCH SIMPLE only */
static const char *
orphans_hint(const FkKey *key)
{
	if (key->match == FKCONSTR_MATCH_FULL && key->nkeys > 1 && !OidIsValid(key->conid))
		return "sg_orphans() lists these rows, except those that break MATCH FULL by a null in some of the columns. Remove or mend them and CALL again.";
	return "sg_orphans() lists these rows. Remove or mend them and CALL again.";
}

static char *
orphans_text(const AuditKey *ak)
{
	return psprintf(INT64_FORMAT " orphan %s with " INT64_FORMAT " distinct %s",
					ak->orphan_rows, ak->orphan_rows == 1 ? "row" : "rows",
					ak->orphan_keys, ak->orphan_keys == 1 ? "key" : "keys");
}

/* A step that can't be done: say so, unless that is what it says already */
static void
skip_step(StepWork *work, const FkProblem *problem)
{
	PlanStep   *step = work->step;
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, "add", "skipped");

	append_notice(work, psprintf("skipped: %s", problem->reason));
	work->hint = problem->hint;
	if (strcmp(step->state, "skipped") == 0 && step->reason &&
		strcmp(step->reason, problem->reason) == 0)
		return;

	entry.step = step->step;
	entry.object = work->object;
	entry.sqlstate = pstrdup(unpack_sql_state(problem->sqlerrcode));
	entry.message = problem->reason;
	plan_step_set_state(step->plan, step->step, "skipped", problem->reason, 0);
	log_write(&entry);
	deploy_commit();
}

/* Close an action that failed, with the state in which that leaves the step */
static void
record_failure(StepWork *work, DeployAction *action, const char *state,
			   int sqlerrcode, const char *message, int64 orphan_rows)
{
	LogEntry	entry = deploy_outcome(action, "failed");

	entry.sqlstate = pstrdup(unpack_sql_state(sqlerrcode));
	entry.message = message;
	entry.orphan_rows = orphan_rows;
	plan_step_set_state(action->step->plan, action->step->step, state, message,
						action->attempts);
	log_write(&entry);
	deploy_commit();
	append_notice(work, psprintf("%s failed: %s", action->name, message));
}

/*
 * Policy "stop": a key that has orphans is not even added.  Returns whether
 * the step may go on.
 */
static bool
audit_step(StepWork *work, const FkKey *key)
{
	DeployAction action = {.run = work->run,.step = work->step,.name = "audit",
	.object = work->object,.attempts = 1};
	AuditKey   *ak;

	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, key->child);
	action.started_at = GetCurrentTimestamp();
	action.started_id = deploy_log_start(work->run, work->step, "audit", work->object, NULL);

	ak = count_orphans(&action, key);
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	if (ak->result == AUDIT_PASS)
	{
		LogEntry	entry = deploy_outcome(&action, "done");

		entry.message = "pass";
		entry.orphan_rows = 0;
		log_write(&entry);
		deploy_commit();
		return true;
	}

	if (ak->result == AUDIT_FAIL)
	{
		work->hint = orphans_hint(key);
		record_failure(work, &action, "failed", ERRCODE_SG_ORPHANS, orphans_text(ak),
					   ak->orphan_rows);
	}
	else
		record_failure(work, &action, "failed", ERRCODE_SG_NOT_JUDGED,
					   psprintf("the orphans could not be counted: %s", ak->reason), LOG_NONE);
	return false;
}

static void
add_target(DeployAction *action, Oid relid, LOCKMODE mode)
{
	action->targets[action->ntargets].relid = relid;
	action->targets[action->ntargets++].mode = mode;
}

/* What an action locks, in order: the parent, then the child */
static void
set_targets(DeployAction *action, FkKey *key, LOCKMODE parent_mode, LOCKMODE child_mode)
{
	action->key = key;
	if (key->parent != key->child)
		add_target(action, key->parent, parent_mode);
	add_target(action, key->child, child_mode);
}

/* An error that ended an action, in words for people */
static char *
failure_text(const DeployAction *action)
{
	if (deploy_timeout_struck())
		return pstrdup(statement_timeout_text);
	if (action->error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE || !OidIsValid(action->wanted))
		return sg_error_text(action->error);
	if (action->wraparound_pid)
		return psprintf("could not lock %s in %d attempts: process %d, a vacuum to prevent transaction ID wraparound, must finish first",
						sg_relation_name(action->wanted), action->attempts, action->wraparound_pid);
	return psprintf("could not lock %s in %d attempts; column blockers of the log says who was in the way",
					sg_relation_name(action->wanted), action->attempts);
}

static bool
add_key(StepWork *work, StepView *view)
{
	DeployAction action = {.run = work->run,.step = work->step,.name = "add",
		.object = work->object,.statement = plan_add_statement(work->step, true),
	.references = true,.execute = execute_add};

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, view->key.child);
	set_targets(&action, &view->key, ShareRowExclusiveLock, ShareRowExclusiveLock);
	if (deploy_attempt(&action))
	{
		append_notice(work, action.attempts > 1 ?
					  psprintf("added after %d attempts", action.attempts) : "added");
		return true;
	}

	record_failure(work, &action, "failed", action.error->sqlerrcode,
				   failure_text(&action), LOG_NONE);
	return false;
}

/* Why VALIDATE failed: orphans are counted, other errors speak for themselves */
static void
explain_validation(StepWork *work, DeployAction *action)
{
	AuditKey   *ak;

	if (action->error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION)
	{
		record_failure(work, action, "added", action->error->sqlerrcode,
					   failure_text(action), LOG_NONE);
		return;
	}

	ak = count_orphans(action, action->key);
	audit_proof_record(list_make1(ak));
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	work->hint = orphans_hint(action->key);
	record_failure(work, action, "added", ERRCODE_FOREIGN_KEY_VIOLATION,
				   ak->result == AUDIT_FAIL ? orphans_text(ak) : sg_error_text(action->error),
				   ak->orphan_rows < 0 ? LOG_NONE : ak->orphan_rows);
}

static void
validate_key(StepWork *work, FkKey *key)
{
	DeployAction action = {.run = work->run,.step = work->step,.name = "validate",
		.object = work->object,
		.statement = plan_validate_statement(work->step->child_table, key->name),
	.execute = execute_validate};

	sg_progress_step(SG_PROGRESS_VALIDATE, work->step->step, key->child);
	set_targets(&action, key, RowShareLock, ShareUpdateExclusiveLock);
	if (deploy_attempt(&action))
	{
		double		seconds = deploy_elapsed(action.started_at) / 1000.0;

		append_notice(work, seconds < 1 ? "validated" : psprintf("validated in %.1f s", seconds));
	}
	else
		explain_validation(work, &action);
}

/* The key is there as planned: the step says so, if it does not already */
static void
accept_existing(StepWork *work, const FkKey *existing)
{
	const char *state = existing->enforced ? "validated" : "added";
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, "add", "skipped");
	char	   *reason;

	if (strcmp(work->step->state, state) == 0)
		return;

	reason = psprintf("key %s was there already", quote_identifier(existing->name));
	entry.step = work->step->step;
	entry.object = work->object;
	entry.message = reason;
	plan_step_set_state(work->step->plan, work->step->step, state, reason, 0);
	log_write(&entry);
	deploy_commit();
	append_notice(work, reason);
}

/* Who may not add the key need not read its tables first */
static void
check_may_add(void *key)
{
	deploy_check_privileges(key, true);
}

static bool
may_add(StepWork *work, FkKey *key)
{
	ErrorData  *edata = sg_try_undo(check_may_add, key);
	LogEntry	entry;

	if (edata == NULL)
		return true;
	sg_rethrow_cancel(edata);

	entry = log_entry(&work->run->id, work->run->plan->name, "add", "failed");
	entry.step = work->step->step;
	entry.object = work->object;
	entry.sqlstate = pstrdup(unpack_sql_state(edata->sqlerrcode));
	entry.message = sg_error_text(edata);
	plan_step_set_state(work->step->plan, work->step->step, "failed", entry.message, 1);
	log_write(&entry);
	deploy_commit();
	append_notice(work, psprintf("add failed: %s", entry.message));
	work->hint = "Run the plan as the owner of the child, with REFERENCES on the parent.";
	return false;
}

/* Do what the catalog says is to be done */
static void
work_on_step(StepWork *work)
{
	StepView	view;

	PushActiveSnapshot(GetTransactionSnapshot());
	look_at_step(work->step, &view);
	PopActiveSnapshot();

	switch (view.need)
	{
		case NEED_SKIP:
			skip_step(work, view.problem);
			return;
		case NEED_NOTHING:
			accept_existing(work, view.existing);
			return;
		case NEED_ADD:
			if (!may_add(work, &view.key))
				return;
			if (strcmp(work->step->orphans, "stop") == 0 && work->step->enforced &&
				!audit_step(work, &view.key))
				return;
			if (!add_key(work, &view))
				return;
			break;
		case NEED_VALIDATE:
			break;
	}

	if (!work->run->validate || !work->step->enforced)
		return;

	PushActiveSnapshot(GetTransactionSnapshot());
	view.existing = fk_declared_twin(&view.key);
	PopActiveSnapshot();
	if (view.existing && !view.existing->validated)
		validate_key(work, view.existing);
}

void
deploy_step(DeployRun *run, int step)
{
	StepWork	work = {run};

	work.step = plan_step_get(run->plan->name, step, true);
	if (work.step == NULL || work.step->skipped_by)
		return;

	work.object = plan_step_object(work.step);
	initStringInfo(&work.notice);
	work_on_step(&work);
	if (work.notice.len > 0)
		ereport(NOTICE,
				(errmsg("step %d, %s: %s", step, work.object, work.notice.data),
				 work.hint ? errhint("%s", work.hint) : 0));
}
