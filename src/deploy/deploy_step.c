/*-------------------------------------------------------------------------
 *
 * deploy_step.c
 *	  Takes one step of a plan from its present state as far as it goes.
 *
 * The work to be done is found in the catalog, not in the step's state:
 * a step whose key somebody else added in the meantime is only validated, a
 * key that is gone is added again.  The state of the step changes in the
 * transaction that changes the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/calls.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/nearest.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "deploy/deploy_partition.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "plan/plan_relation.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_rights.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

deploy_fix_hook_type deploy_fix_hook = NULL;
bool		(*deploy_fix_rule_hook) (StepWork *work, const DeployRule *rule) = NULL;
void		(*deploy_count_first_hook) (PlanRun *run) = NULL;
Oid			(*deploy_change_hook) (StepWork *work, bool by_scan) = NULL;
bool		(*deploy_waits_hook) (StepWork *work) = NULL;
char	   *(*deploy_change_lacks_hook) (const PlanStep *step) = NULL;

static FkProblem *
conflict(const char *reason, const char *hint)
{
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_SG_KEY_CONFLICT, reason, hint);
}

/* Sets the need or the problem of a step whose key exists already */
static void
judge_existing(const PlanStep *step, StepView *view)
{
	FkKey	   *existing = view->existing;
	char	   *difference = fk_clause_difference(&view->key, existing);

	view->need = NEED_SKIP;
	if (difference)
		view->problem = conflict(psprintf("key %s on the same columns is there already, but %s",
										  quote_identifier(existing->name), difference),
								 step->enforced ? psprintf("Give the step the same clauses, or have its key take the place of that one:\n%s",
														   plan_replace_call(step, existing->name)) :
								 psprintf("Give the step the same clauses, or drop that key:\n%s;",
										  plan_drop_statement(sg_relation_name(existing->child), existing->name)));
	else if (!existing->enforced)
		view->need = NEED_NOTHING;
	else if (!existing->armed)
		view->problem = conflict(psprintf("key %s is there already, but it is unarmed: %s",
										  quote_identifier(existing->name), existing->unarmed_reason),
								 "Enable the triggers that have it as tgconstraint in pg_trigger, or drop the key and run the plan again.");
	else if (!existing->validated)
		view->need = NEED_VALIDATE;
	else if (existing->doubt)
		view->problem = conflict(psprintf("key %s is there already, but nothing proves it: %s",
										  quote_identifier(existing->name), existing->doubt),
								 psprintf("Drop the key, and run the plan again; or, if it is as it should be, leave the step out:\n%s",
										  plan_skip_call(step, "the key is as it should be")));
	else
		view->need = view->replaced || view->filling ? NEED_REPLACE : NEED_NOTHING;
}

/* Arguments of deploy_look() */
typedef struct Look
{
	PlanStep   *step;
	StepView   *view;
} Look;

/* Finds the step's tables, key and need, for sg_read() */
static void
look(void *arg)
{
	PlanStep   *step = ((Look *) arg)->step;
	StepView   *view = ((Look *) arg)->view;
	char	   *error;

	memset(view, 0, sizeof(StepView));
	view->need = NEED_SKIP;
	view->problem = plan_step_key(step, &view->key);
	if (view->problem == NULL)
		view->problem = deploy_look_replaced(step, view);
	if (view->problem)
		return;

	view->filling = (step->fills || plan_filler_is_armed(step)) && plan_filler_ends_with(step) == NULL;
	view->existing = fk_declared_twin(&view->key);
	if (view->existing)
	{
		judge_existing(step, view);
		return;
	}

	if (OidIsValid(get_relation_constraint_oid(view->key.child, step->fk_name, true)))
		view->problem = conflict(psprintf("the name %s is taken by another constraint of %s",
										  quote_identifier(step->fk_name), step->child_table),
								 psprintf("Give the step another name:\n%s", plan_rename_call(step, "fk_name")));
	else if ((view->problem = fk_citus_problem(&view->key)) != NULL)
		return;
	else if ((error = fk_check_error(&view->key)) != NULL)
		view->problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_DATATYPE_MISMATCH, error,
								   psprintf(sg_calls("With the key every INSERT would fail: give both columns the type without a length, as the check says:\nSELECT * FROM sg_plan_check(%s);"),
											quote_literal_cstr(step->plan)));
	else if (get_rel_relkind(view->key.child) == RELKIND_PARTITIONED_TABLE)
		deploy_look_partitions(view);
	else
		view->need = NEED_ADD;
}

void
deploy_look(PlanStep *step, StepView *view)
{
	Look		arg = {step, view};

	sg_read(look, &arg);
}

void
deploy_run_add(Oid child, const char *statement)
{
	CodeReach  *reach = code_reach();
	Oid			role = InvalidOid;
	char	   *reason = NULL;
	SgScope		scope = {0};

	if (get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE)
	{
		code_reach_read(reach, child);
		reason = code_role(reach, code_table_owner(child), &role);
	}
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("ADD CONSTRAINT is left alone: %s", reason)));
	if (OidIsValid(role))
		run_become_owner(&scope, child, role);
	run_statement(statement);
	if (OidIsValid(role))
		sg_scope_end(&scope);
}

static void
execute_add(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	StepView	view;

	/* the state may have changed while we waited for the locks */
	deploy_look(work->step, &view);
	if (view.need == NEED_SKIP)
		ereport(ERROR,
				(errcode(view.problem->sqlerrcode),
				 errmsg("%s", view.problem->reason)));
	if (view.need != NEED_ADD)
	{
		const char *reason = "somebody else has added the key meanwhile";

		plan_step_set_state(work->step->plan, work->step->step,
							view.need == NEED_NOTHING && view.existing->enforced ? STEP_VALIDATED : STEP_ADDED,
							reason, action->attempts);
		run_record_skipped(action, work, reason);
		return;
	}

	deploy_record_own_keys(work, &view);
	deploy_run_add(view.key.child, work->statement);
	plan_deed_add(work->run->plan, work->step, work->started_id);
	run_record_done(action, work, STEP_ADDED, work->step->enforced ? NULL :
					"not enforced, so there is nothing to validate");
}

/* Records that a replaced key can't be restored; the step keeps its state, with the reason */
static void
restore_skipped(StepWork *work, const FkProblem *problem)
{
	char	   *reason = psprintf("the old key can't come back: %s", problem->reason);

	plan_step_set_state(work->step->plan, work->step->step, STEP_AS_IT_IS, reason, 0);
	run_outcome(work, "restore key", LOG_SKIPPED, STEP_AS_IT_IS, problem->sqlerrcode, reason);
}

/* Returns a hint about a problem; for a missing table, one with a similar name */
static char *
problem_hint(const PlanStep *step, const FkProblem *problem)
{
	bool		is_child = !OidIsValid(sg_find_qualified(step->child_table));
	const char *table = is_child ? step->child_table : step->parent_table;
	char	   *near = table && problem->sqlerrcode == ERRCODE_UNDEFINED_TABLE ? sg_nearest_table(table) : NULL;

	return near ? plan_near_table_hint(step, near, !is_child) : problem->hint;
}

void
deploy_skip_step(StepWork *work, const FkProblem *problem)
{
	const PlanStep *step = work->step;

	run_append_warning(work, psprintf("skipped: %s", problem->reason));
	work->hint = problem_hint(step, problem);
	if (work->restoring)
	{
		restore_skipped(work, problem);
		return;
	}

	/* a call with fail => true finds the reasons in the log */
	if (!work->run->fail && step->state == STEP_SKIPPED && step->reason &&
		strcmp(step->reason, problem->reason) == 0)
		return;
	run_outcome(work, "add", LOG_SKIPPED, STEP_SKIPPED, problem->sqlerrcode, problem->reason);
}

static bool
add_key(StepWork *work, StepView *view)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "add",
		.references = true,.goes_on = work->run->validate && work->step->enforced,
	.execute = execute_add};

	work->statement = plan_add_statement(work->step, true);
	work->key = &view->key;
	deploy_add_key_targets(&action, view);

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, view->key.child);
	if (run_attempt(&action))
	{
		run_append_notice(work, action.attempts > 1 ?
						  psprintf("added after %d attempts", action.attempts) : "added");
		return true;
	}

	run_record_failure(&action, work, STEP_FAILED, action.error->sqlerrcode,
					   run_failure_text(&action), LOG_NONE);
	return false;
}

void
deploy_accept_existing(StepWork *work, const StepView *view)
{
	const FkKey *existing = view->existing;
	bool		proved = work->run->validate || work->run->fix || deploy_is_proved(work->run, existing);
	StepState	state = view->need == NEED_NOTHING && existing->enforced && proved ? STEP_VALIDATED : STEP_ADDED;
	PlanStep   *now;
	char	   *reason;

	if (work->restoring || work->step->state == state)
		return;

	reason = psprintf("key %s was there already", quote_identifier(existing->name));
	run_append_notice(work, reason);
	/* what a fix has taken away stays on record */
	now = plan_step_get(work->step->plan, work->step->step, true);
	if (now && now->reason && strncmp(now->reason, PLAN_FIXED, strlen(PLAN_FIXED)) == 0)
		reason = psprintf("%s; %s", reason, now->reason);
	run_outcome(work, "add", LOG_SKIPPED, state, 0, reason);
}

bool
deploy_audits_first(const PlanStep *step)
{
	return step->orphans == ORPHANS_STOP && step->enforced;
}

/* Checks the right to add the key before its tables are read; for sg_try() */
static void
check_may_add(void *key)
{
	run_check_privileges(key, true);
}

ErrorData *
deploy_may_add(FkKey *key)
{
	ErrorData  *edata = sg_try_undo(check_may_add, key);

	if (edata)
		sg_rethrow_cancel(edata);
	return edata;
}

static bool
may_add(StepWork *work, FkKey *key)
{
	ErrorData  *edata = deploy_may_add(key);
	char	   *message;

	if (edata == NULL)
		return true;

	message = sg_error_text(edata);
	run_outcome(work, "add", LOG_FAILED, STEP_FAILED, edata->sqlerrcode, message);
	run_append_warning(work, psprintf("add failed: %s", message));
	work->hint = "Run the plan as the owner of the child, with REFERENCES on the parent.";
	return false;
}

/* Fixes and counts rows that bypassed a valid key; returns false if some are left, which is on record */
static bool
mend_existing(StepWork *work, FkKey *existing)
{
	if (work->run->fix && plan_step_fixes(work->step) && !deploy_fix_hook(work, existing))
		return false;
	return deploy_audit_existing(work, existing);
}

/* Works on a key that is valid already, which proves nothing about its rows */
static void
work_on_existing(StepWork *work, const StepView *view)
{
	PlanRun    *run = work->run;

	if ((run->validate || run->fix) && !work->restoring && !deploy_is_proved(run, view->existing) &&
		!mend_existing(work, view->existing))
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		run->broken = lappend_int(run->broken, work->step->step);
		MemoryContextSwitchTo(old);
		return;
	}
	deploy_accept_existing(work, view);
}

bool
deploy_was_done(const PlanStep *step, const FkProblem *problem)
{
	return plan_step_undone(step) ||
		(step->state == STEP_VALIDATED && problem && (problem->kind == FK_PROBLEM_TABLE || problem->kind == FK_PROBLEM_NO_COLUMN) &&
		 (plan_has_moved(step->plan, step->child_table) || plan_has_moved(step->plan, step->parent_table)));
}

/* Does the work that the catalog shows; returns like deploy_step() */
static Oid
work_on_step(StepWork *work)
{
	StepView	view;

	if (list_member_int(work->run->unfilled, work->step->step))
		return InvalidOid;

	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(work->step, &view);
	PopActiveSnapshot();

	if ((view.need == NEED_ADD || view.need == NEED_VALIDATE) &&
		run_breaker_open(work, &view.key))
		return InvalidOid;

	if ((view.need == NEED_SKIP || view.need == NEED_ADD) && deploy_was_done(work->step, view.problem))
		return InvalidOid;
	switch (view.need)
	{
		case NEED_SKIP:
			deploy_skip_step(work, view.problem);
			return InvalidOid;
		case NEED_NOTHING:
		case NEED_REPLACE:
			work_on_existing(work, &view);
			return InvalidOid;
		case NEED_ADD:
			if (!may_add(work, &view.key))
				return InvalidOid;
			if (deploy_audits_first(work->step) && !deploy_audit_step(work, &view.key))
				return InvalidOid;
			if (!(view.by_partition ? deploy_partition_add(work) : add_key(work, &view)))
				return InvalidOid;
			break;
		case NEED_VALIDATE:
			break;
	}

	if ((!work->run->validate && !work->run->fix) || !work->step->enforced)
		return InvalidOid;
	if (view.by_partition)
	{
		if (work->run->fix && plan_step_fixes(work->step) && !deploy_fix_hook(work, &view.key))
			return InvalidOid;
		if (work->run->validate)
			deploy_partition_validate(work);
		return InvalidOid;
	}

	PushActiveSnapshot(GetTransactionSnapshot());
	view.existing = fk_declared_twin(&view.key);
	PopActiveSnapshot();
	if (view.existing == NULL || view.existing->validated)
		return InvalidOid;
	if (work->run->fix && plan_step_fixes(work->step) && !deploy_fix_hook(work, view.existing))
		return InvalidOid;
	if (!work->run->validate)
		return InvalidOid;
	if (sg_validate_with == SG_VALIDATE_SCAN || work->run->parallel)
		return view.key.child;
	deploy_validate_key(work, view.existing);
	return InvalidOid;
}

Oid
deploy_step(PlanRun *run, int step)
{
	StepWork   *work = run_begin_step(run, step);
	Oid			left = InvalidOid;

	if (work == NULL)
		return InvalidOid;
	/* the object is wanted again: clear the state that a rollback has left */
	if (work->step->state == STEP_VALIDATED && plan_is_not_back(work->step))
		plan_step_set_state(run->plan->name, step, STEP_AS_IT_IS, NULL, 0);
	if (work->step->kind == STEP_FOREIGN_KEY)
		left = work_on_step(work);
	else
		left = deploy_change_hook(work, sg_validate_with == SG_VALIDATE_SCAN);
	run_end_step(work);
	return left;
}

void
deploy_settle_step(PlanRun *run, int step)
{
	StepWork   *work = run_begin_step(run, step);
	StepView	view;

	if (work == NULL || work->step->kind != STEP_FOREIGN_KEY || list_member_int(run->unfilled, step) ||
		list_member_int(run->broken, step))
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(work->step, &view);
	PopActiveSnapshot();
	if (view.need != NEED_NOTHING)
		return;
	deploy_accept_existing(work, &view);
	run_end_step(work);
}
