/*-------------------------------------------------------------------------
 *
 * deploy_run.c
 *	  CALL sg_add_fks: the steps of a plan, one after the other; and what every
 *	  procedure on a plan has in common.
 *
 * A procedure is many transactions.  One session at a time runs a plan: it
 * holds the plan's lock from beginning to end, and a crash frees that lock,
 * so who gets it knows that a started row without an outcome in the log
 * belongs to nobody any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "log/log_grant.h"

PG_FUNCTION_INFO_V1(sg_add_fks);

void
deploy_check_call(FunctionCallInfo fcinfo, const char *procedure,
				  const char *const *names, int nargs)
{
	sg_check_procedure(fcinfo, procedure,
					   "It commits after every step, so that no lock is held longer than one statement.");
	for (int i = 0; i < nargs; i++)
	{
		if (PG_ARGISNULL(i))
			sg_null_argument(procedure, names[i]);
	}
}

/* One session at a time; the lock outlives the transactions of the call */
static void
lock_plan(const FkPlan *plan)
{
	if (!plan_lock_run(plan, true))
		plan_in_use(plan);
}

/* Whether the caller may run the plan, has named its author, and lacks nothing */
static void
check_rights(DeployRun *run, void (*check) (DeployRun *run))
{
	MemoryContext context = AllocSetContextCreate(run->context, "schemaguard rights",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	PushActiveSnapshot(GetTransactionSnapshot());
	plan_check_usable(run->plan);
	plan_check_author(run->plan, run->author);
	check(run);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* It may have gone, or gone and come back, before we had the lock */
static void
reread_plan(DeployRun *run)
{
	FkPlan	   *current = plan_get(run->plan->name);

	if (current->id != run->plan->id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("plan \"%s\" was replaced meanwhile", current->name),
				 errhint("CALL again to run the plan that is there now.")));
	run->plan = current;
}

/* Whose plan it is, and the leftovers of a crash, which are closed */
static void
open_plan(const DeployRun *run)
{
	FkPlan	   *plan = run->plan;
	char	   *role = GetUserNameFromId(GetUserId(), false);
	int			interrupted;

	if (strcmp(plan->author, role) != 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\" is by role %s; it runs with the privileges of role %s",
						plan->name, plan->author, role)));

	plan_await_workers(plan);
	deploy_index_recover(run);
	interrupted = log_close_interrupted(plan->name);
	if (interrupted > 0)
		ereport(NOTICE,
				(errmsg_plural("%d action of an earlier call was interrupted; its step is taken up again",
							   "%d actions of an earlier call were interrupted; their steps are taken up again",
							   interrupted, interrupted)));
}

/* Where approval is required, nothing happens without; the refusal is logged */
static void
check_approved(const DeployRun *run)
{
	char	   *problem = sg_require_approval ? plan_approval_problem(run->plan) : NULL;
	LogEntry	entry = log_entry(&run->id, run->plan->name, "approval", "failed");

	if (problem == NULL)
		return;

	entry.object = run->procedure;
	entry.sqlstate = pstrdup(unpack_sql_state(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE));
	entry.message = "the plan is not approved";
	log_write(&entry);
	deploy_commit();
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("plan \"%s\" is not approved", run->plan->name),
			 errdetail("%s", problem),
			 errhint("Have another role than the author's look at it and call sg_plan_approve(). schemaguard.require_approval is on.")));
}

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

/* A step that was put last is not done yet */
static void
count_done(DeployRun *run, int step)
{
	if (!list_member_int(run->put_last, step))
		run->done++;
	sg_progress_done(run->done, run->orphan_rows);
}

/* Take every step as far as it goes by itself; returns the tables that wait */
static List *
run_each(DeployRun *run, List *steps, MemoryContext step_context)
{
	List	   *waiting = NIL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		int			step = lfirst_int(lc);
		MemoryContext old;
		Oid			child;

		CHECK_FOR_INTERRUPTS();
		if (!deploy_throttle(run))
			break;
		old = MemoryContextSwitchTo(step_context);
		child = deploy_step(run, step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		if (OidIsValid(child))
			waiting = add_waiting(waiting, child, step);
		else
			count_done(run, step);
	}
	return waiting;
}

static void
run_tables(DeployRun *run, List *tables, MemoryContext step_context)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		List	   *steps = ((WaitingTable *) lfirst(lc))->steps;
		MemoryContext old;
		ListCell   *lc2;

		CHECK_FOR_INTERRUPTS();
		if (!deploy_throttle(run))
			break;
		old = MemoryContextSwitchTo(step_context);
		deploy_validate_table(run, steps);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		foreach(lc2, steps)
			count_done(run, lfirst_int(lc2));
	}
}

/* Some steps, as far as they go; those of busy tables may be put last */
static void
run_round(DeployRun *run, List *steps, MemoryContext step_context)
{
	List	   *waiting = run_each(run, steps, step_context);

	if (run->parallel && waiting != NIL && deploy_throttle(run))
		waiting = deploy_validate_parallel(run, waiting);
	run_tables(run, waiting, step_context);
}

/* What comes before all keys, or after them, for steps that fill columns or replace a key */
static void
run_extras(DeployRun *run, MemoryContext step_context, void (*work) (DeployRun *run, int step))
{
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);
		MemoryContext old;

		if (step->replaces == NULL && step->backfill == NULL)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (!deploy_throttle(run))
			break;
		old = MemoryContextSwitchTo(step_context);
		work(run, step->step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
	}
}

/* Another session may have finished what we could not, or had not seen finished */
static void
settle_states(DeployRun *run, MemoryContext step_context)
{
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);
		MemoryContext old;

		if (strcmp(step->state, "validated") == 0 || step->skipped_by || !step->enforced)
			continue;
		old = MemoryContextSwitchTo(step_context);
		deploy_settle_step(run, step->step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
	}
}

static void
run_steps(DeployRun *run)
{
	List	   *steps = NIL;
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "schemaguard step",
													   ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	run->steps = plan_steps(run->plan->name);
	foreach(lc, run->steps)
		steps = lappend_int(steps, ((PlanStep *) lfirst(lc))->step);
	if (steps == NIL)
		ereport(NOTICE,
				(errmsg("plan \"%s\" has no step", run->plan->name),
				 errhint("Add some with sg_plan_add_fk() or sg_plan_from_sql().")));

	deploy_commit();
	sg_progress_total(list_length(steps));
	run_extras(run, step_context, deploy_backfill_step);
	if (!deploy_must_stop(run))
		deploy_index_build(run, plan_steps(run->plan->name));
	run->parallel = run->validate && deploy_wants_parallel(plan_steps(run->plan->name));
	run->may_put_last = true;
	run_round(run, steps, step_context);
	run->may_put_last = false;
	if (run->put_last != NIL)
	{
		steps = run->put_last;
		run->put_last = NIL;
		run_round(run, steps, step_context);
	}
	if (run->validate && !deploy_must_stop(run))
		run_extras(run, step_context, deploy_replace_step);
	settle_states(run, step_context);
	MemoryContextDelete(step_context);
}

/* How many steps are in which state now */
static void
tell_summary(const DeployRun *run)
{
	static const char *const states[] = {"validated", "added", "failed", "skipped", "pending",
	"rolled back"};
	int			counts[lengthof(states)] = {0};
	StringInfoData text;
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		for (int i = 0; i < lengthof(states); i++)
		{
			if (strcmp(((PlanStep *) lfirst(lc))->state, states[i]) == 0)
				counts[i]++;
		}
	}

	initStringInfo(&text);
	for (int i = 0; i < lengthof(states); i++)
	{
		if (counts[i] > 0)
			appendStringInfo(&text, "%s%d %s", text.len ? ", " : "", counts[i], states[i]);
	}
	ereport(NOTICE,
			(errmsg("plan \"%s\": %s", run->plan->name, text.len ? text.data : "no step")));
	if (run->stop_reason)
		ereport(NOTICE,
				(errmsg("plan \"%s\" stopped: %s", run->plan->name, run->stop_reason),
				 errhint("CALL %s() again to go on from here.", run->procedure)));
}

void
deploy_call(FunctionCallInfo fcinfo, int author, DeployRun *run,
			void (*check) (DeployRun *run), void (*work) (DeployRun *run))
{
	MemoryContext caller = CurrentMemoryContext;
	char	   *name;

	run->context = AllocSetContextCreate(PortalContext, "schemaguard run", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run->context);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	run->author = PG_ARGISNULL(author) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(author));

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(run->context);
	deploy_disarm_statement_timeout();
	deploy_commit();

	run->id = log_new_run();
	run->plan = plan_get(name);
	check_rights(run, check);
	sg_progress_begin(run->shows, run->plan->id, 0);
	deploy_throttle_begin(run);
	lock_plan(run->plan);
	PG_TRY();
	{
		reread_plan(run);
		check_rights(run, check);
		open_plan(run);
		check_approved(run);
		plan_filler_sweep();
		work(run);
		tell_summary(run);
	}
	PG_FINALLY();
	{
		plan_unlock_run(run->plan);
	}
	PG_END_TRY();

	sg_progress_end();
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(run->context);
}

/*
 * sg_add_fks(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false,
 *			  author text DEFAULT NULL)
 *
 * Builds the indexes that its steps lack, adds the keys of a plan NOT VALID
 * and validates each in a transaction of its own, in the order of priority;
 * what can't be done is skipped or failed with a reason, and the rest goes on.
 * With schemaguard.validate_with = scan, or workers to validate the keys of
 * several tables, all keys are added first.  A call takes up where the last
 * one stopped.
 *
 * Needs the right to run the plan (plan_rights.c) and, per step, ownership of
 * the child and REFERENCES on the parent; the policy "stop" also SELECT on the
 * key's columns of both; else nothing is begun.  Locks parent and
 * child in SHARE ROW EXCLUSIVE for ADD, child in SHARE UPDATE EXCLUSIVE and
 * parent in ROW SHARE for VALIDATE, each attempt within
 * schemaguard.lock_timeout; child in SHARE UPDATE EXCLUSIVE for an index,
 * which holds up no reader or writer, within schemaguard.retry_budget.  ACCESS
 * EXCLUSIVE on the child to add columns that are to be filled, on child and
 * parent where a partitioned child attaches keys of its partitions, and on the
 * child and its old parent to drop a key that was replaced; no rows are read
 * under these locks.
 *
 * With fix => true, orphans are fixed between the two, where the policy of the
 * step says so (fix.c).  Pauses and stops as run_throttle.c says.
 *
 * Errors: 25001 inside a transaction, 42704 no such plan, 42501 as above, 55006
 * another session runs it, 55000 it is not approved, 25006 on a standby.
 */
Datum
sg_add_fks(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"plan", "validate", "fix"};
	DeployRun	run = {.procedure = "sg_add_fks",.shows = SG_PROGRESS_ADD,.batch = DEPLOY_FIX_BATCH};

	sg_check_granted(fcinfo);
	deploy_check_call(fcinfo, run.procedure, names, lengthof(names));
	run.validate = PG_GETARG_BOOL(1);
	run.fix = PG_GETARG_BOOL(2);
	deploy_call(fcinfo, 3, &run, deploy_check_add_rights, run_steps);

	PG_RETURN_VOID();
}
