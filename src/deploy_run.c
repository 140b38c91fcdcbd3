/*-------------------------------------------------------------------------
 *
 * deploy_run.c
 *	  CALL sg_add_fks: the steps of a plan, one after the other.
 *
 * The procedure is many transactions.  One session at a time runs a plan: it
 * holds the plan's lock from beginning to end, and a crash frees that lock,
 * so who gets it knows that a started row without an outcome in the log
 * belongs to nobody any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "deploy.h"
#include "errors.h"
#include "progress.h"
#include "spi.h"

PG_FUNCTION_INFO_V1(sg_add_fks);

/* Misuse is recognised at once, not at the first COMMIT */
static void
check_call(FunctionCallInfo fcinfo)
{
	CallContext *context = (CallContext *) fcinfo->context;

	if (context == NULL || !IsA(context, CallContext) || context->atomic ||
		IsSubTransaction())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("sg_add_fks() cannot run inside a transaction block, a function or an exception block"),
				 errdetail("It commits after every step, so that no lock is held longer than one statement."),
				 errhint("CALL it on its own: no BEGIN, autocommit on, no psql -1, no other statement in the same message, not from a function, nor from a block with EXCEPTION.")));

	PreventCommandDuringRecovery("sg_add_fks()");
	for (int i = 0; i < 3; i++)
	{
		static const char *const names[] = {"plan", "validate", "fix"};

		if (PG_ARGISNULL(i))
			sg_null_argument("sg_add_fks", names[i]);
	}
	if (PG_GETARG_BOOL(2))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("orphans can't be fixed on the way yet"),
				 errhint("sg_orphans() lists them; remove them, then CALL sg_add_fks() again.")));
}

/* One session at a time; the lock outlives the transactions of the call */
static void
lock_plan(const FkPlan *plan)
{
	if (!plan_lock_run(plan, true))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("plan \"%s\" is in use by another session", plan->name),
				 errdetail("The session with process ID %d runs or changes the plan.", plan_runner_pid(plan)),
				 errhint("Look at schemaguard.progress, and CALL again when that session is done.")));
}

/* Whose plan it is, and the leftovers of a crash, which are closed */
static void
open_plan(const FkPlan *plan)
{
	char	   *role = GetUserNameFromId(GetUserId(), false);
	int			interrupted;

	/* it may have gone, or gone and come back, before we had the lock */
	if (plan_get(plan->name)->id != plan->id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("plan \"%s\" was replaced meanwhile", plan->name),
				 errhint("CALL again to run the plan that is there now.")));

	if (strcmp(plan->author, role) != 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\" is by role %s; it runs with the privileges of role %s",
						plan->name, plan->author, role)));

	interrupted = log_close_interrupted(plan->name);
	if (interrupted > 0)
		ereport(NOTICE,
				(errmsg_plural("%d action of an earlier call was interrupted; its step is taken up again",
							   "%d actions of an earlier call were interrupted; their steps are taken up again",
							   interrupted, interrupted)));
}

/* A child whose keys are added, and wait for one scan that validates them */
typedef struct WaitingTable
{
	Oid			child;
	List	   *steps;			/* their numbers, in the order of the plan */
} WaitingTable;

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

	table = palloc(sizeof(WaitingTable));
	table->child = child;
	table->steps = list_make1_int(step);
	return lappend(tables, table);
}

/* Take every step as far as it goes by itself; returns the tables that wait */
static List *
run_each(DeployRun *run, List *steps, MemoryContext step_context)
{
	List	   *waiting = NIL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		int			step = ((PlanStep *) lfirst(lc))->step;
		MemoryContext old = MemoryContextSwitchTo(step_context);
		Oid			child;

		CHECK_FOR_INTERRUPTS();
		child = deploy_step(run, step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		if (OidIsValid(child))
			waiting = add_waiting(waiting, child, step);
		else
			sg_progress_done(++run->done, run->orphan_rows);
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
		MemoryContext old = MemoryContextSwitchTo(step_context);

		CHECK_FOR_INTERRUPTS();
		deploy_validate_table(run, steps);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
		run->done += list_length(steps);
		sg_progress_done(run->done, run->orphan_rows);
	}
}

/* At the very end, the keys that others have replaced */
static void
run_replacements(DeployRun *run, List *steps, MemoryContext step_context)
{
	ListCell   *lc;

	foreach(lc, steps)
	{
		PlanStep   *step = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(step_context);

		CHECK_FOR_INTERRUPTS();
		if (step->replaces || step->backfill)
			deploy_replace_key(run, step->step);
		MemoryContextSwitchTo(old);
		MemoryContextReset(step_context);
	}
}

static void
run_steps(DeployRun *run)
{
	List	   *steps = plan_steps(run->plan->name);
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "schemaguard step",
													   ALLOCSET_DEFAULT_SIZES);

	if (steps == NIL)
		ereport(NOTICE,
				(errmsg("plan \"%s\" has no step", run->plan->name),
				 errhint("Add some with sg_plan_add_fk() or sg_plan_from_sql().")));

	deploy_commit();
	sg_progress_begin(SG_PROGRESS_ADD, run->plan->id, list_length(steps));
	run_tables(run, run_each(run, steps, step_context), step_context);
	if (run->validate)
		run_replacements(run, steps, step_context);
	sg_progress_end();
	MemoryContextDelete(step_context);
}

/* How many steps are in which state now */
static void
tell_summary(const DeployRun *run)
{
	static const char *const states[] = {"validated", "added", "failed", "skipped", "pending"};
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
}

/*
 * sg_add_fks(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false)
 *
 * Adds the keys of a plan NOT VALID and validates each in a transaction of
 * its own, in the order of priority; what can't be done is skipped or failed
 * with a reason, and the rest goes on.  With schemaguard.validate_with = scan
 * all keys are added first, and those of a table validated together.  A call
 * takes up where the last one stopped.
 *
 * Needs, per step, ownership of the child and REFERENCES on the parent; the
 * policy "stop" also SELECT on the key's columns of both.  Locks parent and
 * child in SHARE ROW EXCLUSIVE for ADD, child in SHARE UPDATE EXCLUSIVE and
 * parent in ROW SHARE for VALIDATE, each attempt within
 * schemaguard.lock_timeout.  ACCESS EXCLUSIVE on both where a partitioned
 * child attaches keys of its partitions, and on the child and its old parent
 * to drop a key that was replaced; nothing is read under these locks.
 *
 * Errors: 25001 inside a transaction, 42704 no such plan, 55006 another
 * session runs it, 25006 on a standby, 0A000 fix => true.
 */
Datum
sg_add_fks(PG_FUNCTION_ARGS)
{
	DeployRun	run = {0};
	MemoryContext context;
	MemoryContext caller = CurrentMemoryContext;
	char	   *name;

	sg_check_version();
	check_call(fcinfo);

	context = AllocSetContextCreate(PortalContext, "schemaguard run", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	run.validate = PG_GETARG_BOOL(1);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(context);
	deploy_disarm_statement_timeout();
	deploy_commit();

	run.id = log_new_run();
	run.plan = plan_get(name);
	lock_plan(run.plan);
	PG_TRY();
	{
		open_plan(run.plan);
		run_steps(&run);
		tell_summary(&run);
	}
	PG_FINALLY();
	{
		plan_unlock_run(run.plan);
	}
	PG_END_TRY();

	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	PG_RETURN_VOID();
}
