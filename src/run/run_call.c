/*-------------------------------------------------------------------------
 *
 * run_call.c
 *	  Frame of every procedure on a plan: from the checks before it to the
 *	  summary after it.
 *
 *	  A procedure is many transactions.  One session at a time runs a plan: it
 *	  holds the plan's lock from beginning to end, and a crash frees that
 *	  lock, so the next holder knows that a started row without an outcome in
 *	  the log belongs to no session any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/progress.h"
#include "log/log_backup.h"
#include "plan/plan_backfill.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_lock.h"
#include "plan/plan_option.h"
#include "run/run.h"
#include "run/run_rows.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* Plans with more steps make a call report problems only */
#define MANY_STEPS 20

run_open_hook_type run_open_hook = NULL;
char	   *(*run_window_hook) (void) = NULL;

void
run_check_call(FunctionCallInfo fcinfo, const char *procedure)
{
	sg_check_procedure(fcinfo, procedure,
					   "It commits after every step, so that no lock is held longer than one statement.");
	sg_arg_check(fcinfo, 0);
}

/*
 * Applies the plan's options; sets schemaguard.verbosity to "problems" for a
 * call on many steps, unless it is set to another value than auto
 */
static void
take_options(const PlanRun *run)
{
	static SgOption problems = {"schemaguard.verbosity", "problems"};
	static SgOption past_keys = {"session_replication_role", "replica"};
	static SgOption as_defined[] = {{"check_function_bodies", "off"}, {"default_tablespace", ""}};
	List	   *options = plan_options(run->plan);

	for (int i = 0; run->as_defined && i < lengthof(as_defined); i++)
		options = lappend(options, &as_defined[i]);
	if (run->past_keys)
		options = lappend(options, &past_keys);
	run_keep_options(options);
	if (sg_verbosity == SG_VERBOSITY_AUTO && list_length(plan_chosen_steps(run->plan)) > MANY_STEPS)
		run_keep_options(lappend(options, &problems));
}

/* Locks the plan for this session only, beyond the transactions of the call */
static void
lock_plan(const FkPlan *plan)
{
	if (!plan_lock_run(plan, true))
		plan_in_use(plan);
}

/*
 * Checks that the caller may run the plan, has named its author and existing
 * steps, and has all privileges
 */
static void
check_rights(PlanRun *run, void (*check) (PlanRun *run))
{
	MemoryContext context = AllocSetContextCreate(run->context, "schemaguard rights",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	PushActiveSnapshot(GetTransactionSnapshot());
	plan_check_usable(run->plan);
	plan_check_author(run->plan, run->author);
	plan_choose(run->plan, run->chosen);
	check(run);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Reads the plan again under the lock: raises 55006 if it was replaced before the lock was held */
static void
reread_plan(PlanRun *run)
{
	FkPlan	   *current = plan_get(run->plan->name);

	if (current->id != run->plan->id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("plan \"%s\" was replaced meanwhile", current->name),
				 errhint("CALL again to run the plan that is there now.")));
	run->plan = current;
}

/* Reports author and options of another role's plan, and closes the leftovers of a crash */
static void
open_plan(const PlanRun *run)
{
	FkPlan	   *plan = run->plan;
	char	   *role = GetUserNameFromId(GetUserId(), false);
	char	   *options = plan_options_text(plan);
	int			interrupted;

	if (plan->author_id != GetUserId())
		ereport(NOTICE,
				(errmsg("plan \"%s\" is by role %s; it runs with the privileges of role %s",
						plan->name, plan->author, role),
				 options ? errdetail("It has options of its own: %s.", options) : 0));

	plan_await_workers(plan);
	if (run_open_hook)
		run_open_hook(run);
	interrupted = log_close_interrupted(plan->name);
	if (interrupted > 0 && run->chosen)
		ereport(NOTICE,
				(errmsg_plural("%d action of an earlier call was interrupted",
							   "%d actions of an earlier call were interrupted",
							   interrupted, interrupted)));
	else if (interrupted > 0)
		ereport(NOTICE,
				(errmsg_plural("%d action of an earlier call was interrupted; its step is taken up again",
							   "%d actions of an earlier call were interrupted; their steps are taken up again",
							   interrupted, interrupted)));
}

/* Logs that the call is refused, in a transaction of its own, before the error */
static void
log_refusal(const PlanRun *run, const char *action, const char *message)
{
	LogEntry	entry = log_entry(&run->id, run->plan->name, action, LOG_FAILED);

	entry.object = run->procedure;
	entry.sqlstate = pstrdup(unpack_sql_state(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE));
	entry.message = message;
	log_write(&entry);
	run_commit();
}

/* Raises an error, and logs it, if approval is required and missing */
static void
check_approved(const PlanRun *run)
{
	char	   *problem = sg_require_approval && !run->approved ? plan_approval_problem(run->plan) : NULL;

	if (problem == NULL)
		return;

	log_refusal(run, "approval", "the plan is not approved");
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("plan \"%s\" is not approved", run->plan->name),
			 errdetail("%s", problem),
			 errhint(sg_calls("schemaguard.require_approval is on. As another role than the author's, after a look at it:\nSELECT sg_plan_approve(%s);"),
					 quote_literal_cstr(run->plan->name))));
}

/* Raises an error for a paused plan, unless the call takes it back, or is a dry run */
static void
check_paused(const PlanRun *run)
{
	char	   *pause = run->urgent || run->dry_run ? NULL : plan_pause_text(run->plan);

	if (pause)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("plan \"%s\" can't run: %s", run->plan->name, pause),
				 errhint(sg_calls("Have it go on:\nSELECT sg_plan_resume(%s);"), quote_literal_cstr(run->plan->name))));
}

/* Rows and plans are taken back without a backup, and a dry run does nothing; the refusal is logged */
static void
check_backup(const PlanRun *run)
{
	char	   *problem = run->urgent || run->gives_room || run->dry_run ? NULL : log_backup_problem();

	if (problem == NULL)
		return;
	log_refusal(run, "backup", "there is no backup as schemaguard.require_backup asks for");
	log_refuse_backup(run->procedure, problem);
}

/* Plans are taken back, and dry runs made, at any time; the refusal is logged */
static void
check_window(const PlanRun *run)
{
	char	   *problem = run->urgent || run->gives_room || run->dry_run ? NULL : run_window_hook();

	if (problem == NULL)
		return;
	log_refusal(run, "window", "the window of this environment is closed");
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s() runs in the window of this environment only", run->procedure),
			 errdetail("%s", problem),
			 errhint("CALL again when it is open. The owner of the database can change it in schemaguard.environment.")));
}

/*
 * Returns whether a step that is not validated has a policy for its rows,
 * although the call has no fix => true
 */
static bool
lacks_fix(const PlanRun *run)
{
	foreach_ptr(const PlanStep, step, run->each_step && !run->fix ? plan_chosen_steps(run->plan) : NIL)
	{
		if (plan_step_fixes(step) && !step->skipped_by && step->state != STEP_VALIDATED)
			return true;
	}
	return false;
}

/* Raises the error about steps left undone, when all is committed and the plan is unlocked */
pg_noreturn static void
raise_rest(const PlanRun *run, const ErrorData *rest)
{
	ereport(ERROR,
			(errcode(rest->sqlerrcode),
			 run->chosen ? errmsg("%s() could not do all of the chosen steps of plan \"%s\"", run->procedure, run->plan->name) :
			 errmsg("%s() could not do all of plan \"%s\"", run->procedure, run->plan->name),
			 errdetail("%s", rest->detail),
			 lacks_fix(run) ?
			 errhint("What is done stays done. %s",
					 run_fixing_hint(run, plan_chosen_steps(run->plan), run->procedure, "To have rows quarantined, deleted or changed as the steps' policies say")) :
			 errhint("What is done stays done. When that is mended:\n%s", run_call_text(run, run->procedure))));
}

/* The arguments of run_call() */
typedef struct Call
{
	FunctionCallInfo fcinfo;
	int			author;
	PlanRun    *run;
	void		(*check) (PlanRun *run);
	void		(*work) (PlanRun *run);
} Call;

/* Does the work; if an error or a cancel ends it, reports the rows changed so far first */
static void
work_or_tell(const Call *call)
{
	PG_TRY();
	{
		call->work(call->run);
	}
	PG_CATCH();
	{
		MemoryContext old = MemoryContextSwitchTo(call->run->context);

		run_tell_cut_off(call->run);
		MemoryContextSwitchTo(old);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
run_plan(void *arg)
{
	Call	   *call = arg;
	PlanRun    *run = call->run;
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile rest = NULL;
	const FkPlan *before;
	char	   *name;

	run->context = AllocSetContextCreate(PortalContext, "schemaguard run", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run->context);
	name = sg_arg_text(call->fcinfo, 0);
	run->author = sg_arg_optional_text(call->fcinfo, call->author);
	if (run->rows == NULL)
		run->rows = run_rows_new();
	if (run->written == NULL)
		run->written = run_rows_new();

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(run->context);
	run_disarm_statement_timeout();
	run_keep_options(NIL);

	run->id = log_new_run();
	run->started_at = GetCurrentTimestamp();
	run->seen = sg_seen_now(run->context);
	run->plan = plan_get(name);
	check_rights(run, call->check);
	sg_progress_begin(run->shows, run->plan->id, 0);
	lock_plan(run->plan);
	before = plan_keep_running(run->plan);
	PG_TRY();
	{
		reread_plan(run);
		check_rights(run, call->check);
		take_options(run);
		check_paused(run);
		open_plan(run);
		check_approved(run);
		check_window(run);
		check_backup(run);
		if (!run->dry_run)
			log_evidence(&run->id, run->plan->name, run->plan->id, "before", NULL);
		run_throttle_begin(run);
		plan_filler_sweep();
		work_or_tell(call);
		if (!run->dry_run)
			log_evidence(&run->id, run->plan->name, run->plan->id, "after", NULL);
		if (!run->dry_run && !run->counting)
			plan_record_failed(run->plan, plan_steps(run->plan->name), &run->id);
		run_tell_summary(run);
		if (run->fail)
			rest = run_find_rest(run);
	}
	PG_FINALLY();
	{
		run_keep_options(NIL);
		(void) plan_keep_running(before);
		plan_unlock_run(run->plan);
	}
	PG_END_TRY();

	sg_progress_end();
	run_commit();
	SPI_finish();
	if (rest)
		raise_rest(run, rest);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(run->context);
}

void
run_call(FunctionCallInfo fcinfo, int author, PlanRun *run,
		 void (*check) (PlanRun *run), void (*work) (PlanRun *run))
{
	Call		call = {fcinfo, author, run, check, work};

	run_plan(&call);
}
