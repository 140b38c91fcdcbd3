/*-------------------------------------------------------------------------
 *
 * deploy_run.c
 *	  CALL sg_add_fks and sg_apply: the steps of a plan, one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "deploy/deploy_index.h"
#include "log/log_grant.h"
#include "plan/plan_choice.h"
#include "plan/plan_order.h"
#include "run/run.h"
#include "run/run_rights.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_add_fks);
SG_FUNCTION(sg_apply);

static List *
add_waiting(List *tables, Oid child, int step)
{
	WaitingTable *table;
	ListCell   *lc;

	foreach(lc, tables)
	{
		table = lfirst(lc);
		if (table->child == child)
		{
			table->steps = lappend_int(table->steps, step);
			return tables;
		}
	}

	table = palloc0(sizeof(WaitingTable));
	table->child = child;
	table->steps = list_make1_int(step);
	return lappend(tables, table);
}

/* Counts a step as done, unless it was put last */
static void
count_done(PlanRun *run, int step)
{
	if (!list_member_int(run->put_last, step))
		run->done++;
	sg_progress_done(run->done, run->orphan_rows);
}

/*
 * Returns whether a step is done, for keys by the catalog; steps of other kinds
 * look at the load before each batch
 */
static bool
is_done(PlanStep *step, MemoryContext step_context)
{
	MemoryContext old;
	StepView	view;

	if (step->state != STEP_VALIDATED || step->kind != STEP_FOREIGN_KEY)
		return step->state == STEP_VALIDATED;
	old = MemoryContextSwitchTo(step_context);
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(step, &view);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextReset(step_context);
	/* no pause in a transaction that has looked */
	run_commit();
	return view.need == NEED_NOTHING;
}

/* Returns whether a step may begin: one that is done needs neither room nor a pause for others */
static bool
may_begin(PlanRun *run, int number, MemoryContext step_context)
{
	bool		goes_on = false;

	foreach_ptr(PlanStep, step, run->steps)
	{
		if (step->step != number)
			continue;
		run->gives_room = step->kind == STEP_DROP;
		goes_on = run->stop_reason == NULL && is_done(step, step_context);
		break;
	}
	return goes_on || run_throttle(run);
}

/* Takes each step as far as it goes alone; returns the tables that wait for validation */
static List *
run_each(PlanRun *run, List *steps, MemoryContext step_context)
{
	List	   *waiting = NIL;

	foreach_int(step, steps)
	{
		MemoryContext old;
		Oid			child;

		CHECK_FOR_INTERRUPTS();
		if (!may_begin(run, step, step_context))
			break;
		old = MemoryContextSwitchTo(step_context);
		child = deploy_step(run, step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		if (OidIsValid(child))
		{
			waiting = add_waiting(waiting, child, step);
			sg_progress_begun();
		}
		else
			count_done(run, step);
	}
	run->gives_room = false;
	return waiting;
}

static void
run_tables(PlanRun *run, List *tables, MemoryContext step_context)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		List	   *steps = ((WaitingTable *) lfirst(lc))->steps;
		MemoryContext old;
		ListCell   *lc2;

		CHECK_FOR_INTERRUPTS();
		if (!run_throttle(run))
			break;
		old = MemoryContextSwitchTo(step_context);
		deploy_validate_table(run, steps);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		foreach(lc2, steps)
			count_done(run, lfirst_int(lc2));
	}
}

/* Takes the steps of a round as far as they go; steps of busy tables may be put last */
static void
run_round(PlanRun *run, List *steps, MemoryContext step_context)
{
	List	   *waiting = run_each(run, steps, step_context);

	if (run->parallel && waiting != NIL && run_throttle(run))
		waiting = deploy_validate_parallel(run, waiting);
	run_tables(run, waiting, step_context);
}

/* Calls work() for steps that fill columns or replace a key, before or after all keys of a round */
static void
run_extras(PlanRun *run, List *steps, MemoryContext step_context, void (*work) (PlanRun *run, int step))
{
	foreach_ptr(PlanStep, step, steps)
	{
		MemoryContext old;

		if (step->replaces == NULL && step->backfill == NULL)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (!may_begin(run, step->step, step_context))
			break;
		old = MemoryContextSwitchTo(step_context);
		work(run, step->step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
	}
}

/* Settles the states of steps that another session may have finished */
static void
settle_states(PlanRun *run, MemoryContext step_context)
{
	foreach_ptr(PlanStep, step, plan_chosen_steps(run->plan))
	{
		MemoryContext old;

		if (step->state == STEP_VALIDATED || step->skipped_by || !step->enforced)
			continue;
		old = MemoryContextSwitchTo(step_context);
		deploy_settle_step(run, step->step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
	}
}

/* Runs a round of steps that do not need one another */
static void
run_steps_of_round(PlanRun *run, List *steps, MemoryContext step_context)
{
	List	   *keys = plan_only_keys(steps);
	List	   *numbers = NIL;

	foreach_ptr(PlanStep, step, steps)
	{
		numbers = lappend_int(numbers, step->step);
	}
	run_extras(run, keys, step_context, deploy_backfill_step);
	if (!run_must_stop(run))
		deploy_index_build(run, keys);
	run->parallel = run->validate && deploy_wants_parallel(keys);
	run->may_put_last = true;
	run_round(run, numbers, step_context);
	run->may_put_last = false;
	if (run->put_last != NIL)
	{
		numbers = run->put_last;
		run->put_last = NIL;
		run_round(run, numbers, step_context);
	}
	if (run->validate && !run_must_stop(run))
		run_extras(run, keys, step_context, deploy_replace_step);
}

/*
 * Returns whether a done step must not be looked at again, because a later one
 * may have renamed its object
 */
static bool
is_behind(const PlanStep *step)
{
	return step->state == STEP_VALIDATED && plan_step_is_in_order(step);
}

/* Returns the steps of a round that can run now; the others wait for steps that are not done */
static List *
ready_steps(PlanRun *run, List *steps, MemoryContext step_context)
{
	List	   *ready = NIL;

	foreach_ptr(PlanStep, step, steps)
	{
		MemoryContext old = MemoryContextSwitchTo(step_context);
		bool		holds = run_holds_step(run, step);

		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		if (holds)
			count_done(run, step->step);
		else
			ready = lappend(ready, step);
	}
	return ready;
}

/*
 * Reads the states of the round's steps again, because workers have changed
 * some and later rounds wait for them
 */
static void
refresh_graph(PlanRun *run, List *steps, MemoryContext step_context)
{
	MemoryContext old = MemoryContextSwitchTo(step_context);

	plan_graph_refresh(run->graph, run->plan->name, steps);
	MemoryContextSwitchTo(old);
	MemoryContextReset(step_context);
}

static void
run_steps(PlanRun *run)
{
	List	   *rounds;
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "schemaguard step",
													   ALLOCSET_DEFAULT_SIZES);

	run->steps = plan_chosen_steps(run->plan);
	if (run->steps == NIL)
		ereport(NOTICE,
				(errmsg("plan \"%s\" has no step", run->plan->name),
				 errhint(sg_calls("Add what discovery proposes, or an SQL script:\nSELECT sg_plan_from_discovery(%s);"), quote_literal_cstr(run->plan->name))));
	deploy_count_first_hook(run);
	run->graph = plan_graph(run->steps);
	rounds = plan_rounds(run->graph);
	/* chosen steps also wait for steps that are not chosen */
	if (run->chosen)
		run->graph = plan_graph(plan_steps(run->plan->name));

	run_commit();
	sg_progress_total(list_length(run->steps));
	foreach_ptr(List, steps, rounds)
	{
		List	   *ready;

		if (is_behind(linitial(steps)))
		{
			count_done(run, ((PlanStep *) linitial(steps))->step);
			continue;
		}
		ready = ready_steps(run, steps, step_context);
		if (ready == NIL)
			continue;
		run_steps_of_round(run, ready, step_context);
		refresh_graph(run, ready, step_context);
	}
	settle_states(run, step_context);
	MemoryContextDelete(step_context);
}

/* ---- the procedures ---- */

/* Chooses the keys, and the steps that they need, of a plan that has other steps as well */
static void
choose_keys(PlanRun *run)
{
	List	   *steps = plan_chosen_steps(run->plan);
	List	   *kept = plan_keys_with_needs(plan_graph(plan_steps(run->plan->name)), steps);
	char	   *all = run_call_text(run, "sg_apply");
	bool		told = run->keys_chosen;
	MemoryContext old;

	if (list_length(kept) == list_length(steps))
		return;
	if (kept == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("plan \"%s\" has no foreign key among these steps", run->plan->name),
				 errhint("Run steps of all kinds:\n%s", all)));
	old = MemoryContextSwitchTo(run->context);
	run->chosen = NIL;
	foreach_ptr(PlanStep, step, kept)
	{
		run->chosen = lappend_int(run->chosen, step->step);
	}
	list_sort(run->chosen, list_int_cmp);
	run->plan->chosen = run->chosen;
	run->keys_chosen = true;
	MemoryContextSwitchTo(old);
	if (!told)
		ereport(NOTICE,
				(errmsg_plural("%d step of plan \"%s\" is no foreign key, nor does one need it: it is left alone",
							   "%d steps of plan \"%s\" are no foreign keys, nor does one need them: they are left alone",
							   list_length(steps) - list_length(kept),
							   list_length(steps) - list_length(kept), run->plan->name),
				 errhint("Run steps of all kinds:\n%s", all)));
}

static void
check_add(PlanRun *run)
{
	choose_keys(run);
	run_check_confirmed(run, NULL);
	deploy_check_add_rights(run);
}

static void
check_apply(PlanRun *run)
{
	run_check_confirmed(run, NULL);
	deploy_check_add_rights(run);
}

/*
 * sg_add_fks(plan text, validate boolean DEFAULT true, fix boolean DEFAULT
 * false, author text DEFAULT NULL, fail boolean DEFAULT false, steps
 * schemaguard.steps DEFAULT NULL, max_rows bigint DEFAULT NULL)
 *
 * Builds the indexes that the plan's keys lack, adds the keys NOT VALID and
 * validates each, in transactions of their own and in the order of priority.  A
 * step that can't be done is skipped or fails with a reason, and the rest goes
 * on.  With schemaguard.validate_with = scan, or with workers that validate
 * keys of several tables, all keys are added first.  A repeated call goes on
 * where the last one stopped.
 *
 * Needs the right to run the plan (plan_rights.c) and, for each step, ownership
 * of the child and REFERENCES on the parent; policy "stop" also needs SELECT on
 * the key's columns of both.  Otherwise nothing is begun.
 *
 * Locks: parent and child in SHARE ROW EXCLUSIVE for ADD; child in SHARE UPDATE
 * EXCLUSIVE and parent in ROW SHARE for VALIDATE, each attempt within
 * schemaguard.lock_timeout; child in SHARE UPDATE EXCLUSIVE for an index, which
 * blocks no reader or writer, within schemaguard.lock_budget.  ACCESS EXCLUSIVE
 * on the child to add columns that are filled, on child and parent if a
 * partitioned child attaches keys of its partitions, and on the child and its
 * old parent to drop a replaced key; no rows are read under these locks.
 *
 * fix => true fixes orphans between ADD and VALIDATE by each step's policy
 * (fix.c), within the call's limit of rows (fix_limit.c).  Pauses and stops as
 * run_throttle.c says.  With steps, only these are done, and only these count
 * in the call's messages. fail => true raises an error after the last commit
 * that names what is left undone (run_end.c).
 *
 * Errors: 25001 inside a transaction, 42704 no such plan, 42501 as above, 55006
 * another session runs it, 55000 not approved, 25006 on a standby, 22023 no
 * such step; with fix, 53400 more rows than the call may fix; with fail, SG001
 * or the SQLSTATE of the only cause.
 */
static Datum
sg_add_fks_entered(PG_FUNCTION_ARGS)
{
	PlanRun		run = {.procedure = "sg_add_fks",.shows = SG_PROGRESS_ADD,.batch = RUN_FIX_BATCH,
	.each_step = true};

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, run.procedure);
	run.validate = sg_arg_bool(fcinfo, 1);
	run.fix = sg_arg_bool(fcinfo, 2);
	run.fail = sg_arg_bool(fcinfo, 4);
	run.chosen = plan_steps_argument(fcinfo, 5);
	run.max_rows = sg_arg_limit(fcinfo, 6);
	run_call(fcinfo, 3, &run, check_add, run_steps);

	PG_RETURN_VOID();
}

/*
 * sg_apply(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false,
 * author text DEFAULT NULL, fail boolean DEFAULT false, steps schemaguard.steps
 * DEFAULT NULL, confirm text DEFAULT NULL, max_rows bigint DEFAULT NULL)
 *
 * Like sg_add_fks(), for steps of all kinds.  Steps that others need come
 * first, then priority decides (plan_order.c).  Steps that wait for a phase are
 * left alone (sg_plan_release).  Each other kind needs ownership of its table,
 * and locks it in ACCESS EXCLUSIVE for short statements and in SHARE UPDATE
 * EXCLUSIVE while its rows are read, each attempt within
 * schemaguard.lock_timeout.
 *
 * Errors: those of sg_add_fks(); 42501 for a plan with SQL of another author,
 * unless confirm is the plan's hash; 42P17 for steps that need each other.
 */
static Datum
sg_apply_entered(PG_FUNCTION_ARGS)
{
	PlanRun		run = {.procedure = "sg_apply",.shows = SG_PROGRESS_ADD,.batch = RUN_FIX_BATCH,
	.each_step = true};

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, run.procedure);
	run.validate = sg_arg_bool(fcinfo, 1);
	run.fix = sg_arg_bool(fcinfo, 2);
	run.fail = sg_arg_bool(fcinfo, 4);
	run.chosen = plan_steps_argument(fcinfo, 5);
	run.confirm = sg_arg_optional_text(fcinfo, 6);
	run.max_rows = sg_arg_limit(fcinfo, 7);
	deploy_apply(fcinfo, &run);

	PG_RETURN_VOID();
}

void
deploy_apply(FunctionCallInfo fcinfo, PlanRun *run)
{
	run_call(fcinfo, 3, run, check_apply, run_steps);
}

void
deploy_init(void)
{
	run_open_hook = deploy_index_recover;
}
