/*-------------------------------------------------------------------------
 *
 * deploy_replace.c
 *	  The key that a step replaces: found by name, dropped last.
 *
 * Both keys hold while the new one is added and validated.  The old one goes
 * in a transaction of its own, in which the new one is seen to be valid under
 * a lock on the child that nobody can drop it under.  What the old key was is
 * kept as a deed (plan_deed.h); the log has the statement that would bring it
 * back, for people.
 *
 * With the old key goes the trigger that has kept the step's columns filled
 * (deploy_backfill.c), unless the plan has yet to drop a column that it reads:
 * until then the application may write that one alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_unit.h"

/* Returns whether this plan has added the step's key */
static bool
has_come_far(const PlanStep *step)
{
	return plan_step_is_there(step);
}

/* Returns another step of the plan whose key is the one to be dropped, or 0 */
static int
wanted_by(const PlanStep *step, const FkKey *key)
{
	foreach_ptr(const PlanStep, other, plan_key_steps(step->plan))
	{
		FkKey		planned;
		FkKey	   *twin;

		if (other->step == step->step || other->skipped_by ||
			!sg_same_text(other->child_table, step->child_table) ||
			plan_step_key(other, &planned) != NULL)
			continue;
		twin = fk_declared_twin(&planned);
		if (twin && twin->conid == key->conid)
			return other->step;
	}
	return 0;
}

FkProblem *
deploy_look_replaced(const PlanStep *step, StepView *view)
{
	int			other;

	if (step->replaces == NULL)
		return NULL;

	view->replaced = fk_by_name(view->key.child, step->replaces);
	if (view->replaced == NULL)
		return has_come_far(step) ? NULL :
			fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_OBJECT,
					   psprintf("%s has no foreign key %s of its own to replace",
								step->child_table, quote_identifier(step->replaces)),
					   psprintf("Correct the name, or replace nothing:\n%s", plan_set_call(step, "replaces", NULL, NULL)));

	other = wanted_by(step, view->replaced);
	if (other)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_SG_KEY_CONFLICT,
						  psprintf("the key %s that it replaces is the key of step %d",
								   quote_identifier(step->replaces), other),
						  "Skip or correct one of the two steps.");
	return NULL;
}

/* Returns the statement that recreates a key, fully qualified */
static char *
restoring_statement(Oid conid)
{
	SgScope		scope;
	char	   *statement;

	sg_caller_begin(&scope);
	statement = pg_get_constraintdef_command(conid);
	sg_scope_end(&scope);
	return statement;
}

/*
 * Returns whether the trigger is dropped after the old key, by a last pass over
 * rows that it has left without a value because their parent was locked
 */
static bool
goes_later(const PlanStep *step, const StepView *view)
{
	return view->replaced && OidIsValid(plan_backfill_parent(step));
}

/* Returns the statements that drop the replaced key and disarm the trigger, for the log */
static List *
statements(const PlanStep *step, const StepView *view)
{
	List	   *list = NIL;

	if (view->replaced)
		list = lappend(list, plan_drop_statement(step->child_table, view->replaced->name));
	if (view->filling && !goes_later(step, view))
		list = list_concat(list, plan_filler_disarm_statements(step));
	return list;
}

/* Checks under the lock that no row lacks the new reference, because the trigger did not fire for it */
static void
check_filling(const PlanStep *step, const StepView *view)
{
	if (view->replaced && step->fills && !plan_filler_is_current(step, view->key.child))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the trigger that fills rows was dropped, disabled or changed meanwhile"),
				 errhint("Run the plan again, which makes it anew.")));
}

/* Returns why the trigger stays, or NULL */
static char *
keeps_filling_text(const PlanStep *step)
{
	PlanStep   *drop = step->fills ? plan_filler_ends_with(step) : NULL;

	return drop ? psprintf("a trigger fills (%s) of rows that come without it, until column %s goes by step %d, or: %s",
						   sg_quote_list(step->child_columns), quote_identifier(drop->fk_name), drop->step,
						   plan_release_call(step->plan)) : NULL;
}

static void
execute_replace(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	StepView	view;
	LogEntry	entry;

	/*
	 * The state may have changed while we waited for the locks: the key may
	 * be gone, different, NOT ENFORCED or unarmed.
	 */
	deploy_look(work->step, &view);
	if (view.need == NEED_SKIP)
		ereport(ERROR,
				(errcode(view.problem->sqlerrcode),
				 errmsg("%s", view.problem->reason)));
	if (view.need != NEED_REPLACE && view.need != NEED_NOTHING)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key %s is not valid any more",
						quote_identifier(work->step->fk_name)),
				 errhint("Run the plan again.")));

	check_filling(work->step, &view);

	plan_step_set_state(work->step->plan, work->step->step, STEP_VALIDATED, keeps_filling_text(work->step),
						action->attempts);
	if (view.need == NEED_NOTHING)
	{
		run_record_skipped(action, work, "somebody else has done it meanwhile");
		return;
	}

	entry = run_entry(action, work, LOG_DONE);
	if (view.replaced)
	{
		entry.message = restoring_statement(view.replaced->conid);
		plan_deed_replace(work->run->plan, work->step->step, work->object, view.replaced, work->started_id, false);
		run_statement(plan_drop_statement(work->step->child_table, view.replaced->name));
	}
	if (view.filling && !goes_later(work->step, &view))
		plan_filler_disarm(work->step);
	log_write(&entry);
}

static char *
join_statements(List *list)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, list)
		appendStringInfo(&text, "%s%s", text.len ? "; " : "", (char *) lfirst(lc));
	return text.data;
}

/* Drops the old key, and the trigger, of a step whose own key is valid */
static void
replace_key(StepWork *work, const StepView *view)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "replace",
	.execute = execute_replace};
	char	   *own = work->object;

	work->key = view->existing;
	if (view->replaced)
	{
		work->object = psprintf("%s ON %s", quote_identifier(view->replaced->name),
								work->step->child_table);
		run_add_target(&action, view->replaced->parent, AccessExclusiveLock);
	}
	work->statement = join_statements(statements(work->step, view));
	run_add_target(&action, view->key.child, AccessExclusiveLock);

	sg_progress_step(SG_PROGRESS_REPLACE, work->step->step, view->key.child);
	if (!run_attempt(&action))
		run_record_failure(&action, work, run_state_short_of(view->existing),
						   action.error->sqlerrcode, run_failure_text(&action), LOG_NONE);
	else if (view->replaced)
		run_append_notice(work, psprintf("replaces %s, which was dropped",
										 quote_identifier(view->replaced->name)));
	work->object = own;
}

/* Records that somebody else has dropped the replaced key */
static void
accept_gone(StepWork *work)
{
	char	   *reason = work->step->replaces == NULL ? "there is nothing left to drop" :
		psprintf("key %s is gone already", quote_identifier(work->step->replaces));

	run_outcome(work, "replace", LOG_SKIPPED, STEP_VALIDATED, 0, reason);
	run_append_notice(work, reason);
}

static void
look(PlanStep *step, StepView *view)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(step, view);
	PopActiveSnapshot();
}

void
deploy_replace_step(PlanRun *run, int step)
{
	StepWork   *work = run_begin_step(run, step);
	StepView	view;
	bool		replaces;

	if (work == NULL || list_member_int(run->broken, step) || plan_filler_left_rows(work->step))
		return;

	look(work->step, &view);
	replaces = view.need == NEED_REPLACE && view.replaced;
	if (replaces && (work->step->backfill == NULL || deploy_backfill_is_complete(work, &view.key, view.replaced)))
	{
		replace_key(work, &view);
		look(work->step, &view);
	}
	if (view.need == NEED_REPLACE && view.replaced == NULL)
	{
		if (deploy_backfill_last(work, &view.key))
			replace_key(work, &view);
	}
	else if (!replaces && view.need == NEED_NOTHING && view.existing->enforced &&
			 work->step->state == STEP_ADDED)
		accept_gone(work);
	run_end_step(work);
}
