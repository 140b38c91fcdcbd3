/*-------------------------------------------------------------------------
 *
 * deploy_index.c
 *	  Indexes that are built concurrently: those on the child's columns, before
 *	  the keys, and those that steps of other kinds make.
 *
 * CREATE INDEX CONCURRENTLY commits in between, which no procedure can, so
 * background workers run it, one per table at a time.  The name is on record
 * before the build: a deed (plan_deed.h) that is not done yet.  A build that
 * fails or is killed leaves an invalid index, which the leader drops, or the
 * next call.  An index is taken for such a leftover only if it is invalid and
 * is on the very table and columns that are on record; it is looked at under a
 * lock that no build of anybody's leaves free.
 *
 * A key does without its index when that can't be built: the log says why.
 * Any other step has failed then.
 *
 * A build gives way to whoever waits for it (deploy_yield.c), tells the client
 * and the log to whom, and begins anew when nobody has the table any more; so
 * it does as the victim of a deadlock.  Workers of several plans take turns per
 * table, and look again what is missing once it is their turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/calls.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "deploy/deploy_index.h"
#include "plan/plan_deed.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"
#include "worker/worker.h"

/* Pause before another attempt, doubled each time that a build gives way */
#define FIRST_PAUSE_MS 50
#define LONGEST_PAUSE_MS 10000

/* Number of attempts even if one of them exceeds schemaguard.lock_budget */
#define SURE_ATTEMPTS 5

#define LEFTOVER_TEXT "what an interrupted build has left is still there"
#define SERVED_TEXT "another index that serves is there by now"

/* ---- in a worker ---- */

typedef struct IndexWork
{
	RunAction	action;
	StepWork	work;
	PlanStep	step;
	const char *table;			/* table of the index */
	const char *columns;		/* columns, or a definition (plan_index.h) */
	Oid			relid;			/* OID of the table */
	bool		drop;
	bool		ours;			/* the leftover is this plan's */
	bool		served;			/* another index serves meanwhile: none is
								 * built */
	bool		gave_way;
	bool		victim;			/* of a deadlock */
	char	   *waiters;		/* JSON: sessions that the attempts gave way
								 * to, or NULL */
	bool		stopped;		/* stopped: low on space */
	TimestampTz wait_end;		/* of the present wait for the table */
	int64		wait_id;		/* row of the log about it, or 0 */
	ErrorData  *error;
	MemoryContext context;
} IndexWork;

/* Records a deed: the action's only work has built, or is about to build, an index */
static void
write_deed(const RunAction *action, const char *table, const char *columns, bool done)
{
	const StepWork *work = linitial(action->works);
	PlanDeed	deed = plan_deed(DEED_INDEX, work->step->step, work->object);
	PlanStep	what = {.child_table = unconstify(char *, table)};

	deed.what = &what;
	deed.index_columns = unconstify(char *, columns);
	deed.partitioned = done;
	deed.done = done;
	deed.identity = plan_deed_identity(&deed);
	deed.log_id = work->started_id;
	plan_deed_write(action->run->plan, &deed);
}

static void
log_start(void *arg)
{
	IndexWork  *iw = arg;

	MemoryContextSwitchTo(iw->context);
	iw->relid = sg_find_qualified(iw->table);
	run_write_start(&iw->action);
	if (!iw->drop)
		write_deed(&iw->action, iw->table, iw->columns, false);
	run_commit_soon();
}

/* Returns whether the work was cancelled, which ends the call */
static bool
is_cancelled(const IndexWork *iw)
{
	return iw->error && sg_is_cancel(iw->error) && !run_timeout_struck();
}

static LogPhase
outcome_phase(const IndexWork *iw)
{
	if (iw->error == NULL)
		return iw->served || (iw->drop && !iw->ours) ? LOG_SKIPPED : LOG_DONE;
	return is_cancelled(iw) ? LOG_INTERRUPTED : LOG_FAILED;
}

/* Returns why an index was dropped, for the log */
static const char *
drop_text(const IndexWork *iw)
{
	return iw->ours ? "it was left invalid by a build that was interrupted" :
		"it is valid, or another one, by now";
}

/* Returns whether the index is the step's own object, not just one that its key wants */
static bool
is_needed(const IndexWork *iw)
{
	return plan_index_is_definition(iw->columns);
}

/* Returns a hint with the query for equal rows, by the expressions of the index */
static const char *
duplicates_hint(const IndexWork *iw, const PlanStep *step)
{
	bool		unique;
	bool		plain;
	bool		nulls_equal;

	(void) plan_index_columns(iw->columns, &unique, &plain, &nulls_equal);
	return plain ? psprintf(sg_calls("Remove or mend the rows that are equal, and CALL again:\nSELECT * FROM sg_violations(%s, %d);"),
							quote_literal_cstr(step->plan), step->step) :
		"Find the rows that are equal by a query that groups by what the index is on, HAVING count(*) > 1, under its WHERE. Remove or mend them and CALL again.";
}

static const char *
failure_hint(const IndexWork *iw, const PlanStep *step)
{
	const char *rest = is_needed(iw) ? "The next call tries again." :
		"The key does without the index; the next call tries again.";

	if (iw->drop)
		return "The next call tries again.";
	if (iw->error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
		return duplicates_hint(iw, step);
	if (iw->error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		return "Shorten the value, or index a digest of it instead, as md5() gives it, and CALL again.";
	if (iw->error->sqlerrcode == ERRCODE_DISK_FULL && !is_needed(iw))
		return psprintf(sg_calls("Make room and CALL again, or have the key do without the index:\nSELECT sg_plan_set(%s, %d, 'index', 'false');"),
						quote_literal_cstr(step->plan), step->step);
	if (iw->error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && !iw->gave_way && !iw->victim)
		return psprintf("Others were in the way for longer than schemaguard.lock_budget. %s", rest);
	return rest;
}

/* Records the end of the deed about the index; a failed build may have left an index, and its deed stays open */
static void
settle_deed(const IndexWork *iw)
{
	const FkPlan *plan = iw->action.run->plan;

	if (iw->drop && iw->error == NULL && iw->ours)
		plan_deed_close_object(plan, DEED_INDEX, iw->step.step, iw->work.object, DEED_TAKEN_BACK);
	else if (!iw->drop && iw->error == NULL && !iw->served)
	{
		PlanDeed	deed = plan_deed(DEED_INDEX, iw->step.step, iw->work.object);
		PlanStep	what = {.child_table = unconstify(char *, iw->table)};

		deed.what = &what;
		plan_deed_finish_object(plan, DEED_INDEX, iw->step.step, iw->work.object);
		plan_deed_identify(plan, &deed);
	}
	else if (!iw->drop && (iw->served || iw->error->sqlerrcode == ERRCODE_DUPLICATE_TABLE))
		plan_deed_close_object(plan, DEED_INDEX, iw->step.step, iw->work.object, DEED_LEFT_ALONE);
}

static void
log_outcome(void *arg)
{
	IndexWork  *iw = arg;
	StepWork   *work = &iw->work;
	LogEntry	entry;

	MemoryContextSwitchTo(iw->context);
	if (iw->waiters)
		iw->action.blockers = psprintf("[%s]", iw->waiters);
	entry = run_entry(&iw->action, work, outcome_phase(iw));
	if (iw->waiters)
		entry.message = "gave way to who waited for it: column blockers";
	if (iw->error)
	{
		entry.sqlstate = pstrdup(unpack_sql_state(iw->error->sqlerrcode));
		entry.message = run_timeout_struck() ? RUN_TIMEOUT_TEXT :
			deploy_yield_waited(work->run->yield, iw->gave_way ? NULL : &iw->action, iw->error->sqlerrcode, sg_error_text(iw->error));
		entry.blockers = iw->action.blockers;
		run_append_warning(work, psprintf("%s %s: %s", iw->action.name, log_phase_word(entry.phase), entry.message));
		work->hint = failure_hint(iw, work->step);
		if (is_needed(iw) && !iw->drop && entry.phase == LOG_FAILED)
			plan_step_set_state(iw->step.plan, iw->step.step, STEP_FAILED, entry.message, iw->action.attempts);
	}
	else if (iw->drop)
	{
		entry.message = drop_text(iw);
		run_append_notice(work, iw->ours ? "invalid index of an interrupted build dropped" :
						  "not dropped: it is valid, or another one, by now");
	}
	else if (iw->served)
	{
		entry.message = SERVED_TEXT;
		run_append_notice(work, psprintf("no index is built: %s", SERVED_TEXT));
	}
	else
		run_append_notice(work, psprintf("index built%s%s", run_took_text(&iw->action),
										 iw->waiters ? ", after it gave way" : ""));
	if (is_cancelled(iw))
		run_write_interrupted(list_make1(&entry));
	else
	{
		settle_deed(iw);
		log_write(&entry);
	}
	run_commit();
	run_end_step(work);
}

/* Returns whether the child, or a partition of it, has the index that the step wants */
static bool
is_served(PlanStep *step, Oid relid)
{
	FkKey		key;

	if (plan_step_key(step, &key) || !OidIsValid(relid))
		return false;
	if (key.child == relid)
		return OidIsValid(fk_serving_index(&key));
	return OidIsValid(fk_plain_index(fk_on_partition(&key, relid))) || OidIsValid(fk_plain_index(&key));
}

/* ---- taking turns ---- */

/*
 * Sets the tag of an advisory lock per table, of a class that no SQL function
 * locks: one worker at a time checks what a table lacks, and builds it.
 */
static void
turn_tag(const IndexWork *iw, LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, iw->work.run->plan->table, iw->relid, 3);
}

static void
take_turn(void *arg)
{
	LOCKTAG		tag;

	turn_tag(arg, &tag);
	/* drop our snapshot: the build that we wait for would wait for it */
	InvalidateCatalogSnapshot();
	(void) LockAcquire(&tag, ExclusiveLock, true, false);
}

static void
begin_turn(void *arg)
{
	IndexWork  *iw = arg;
	LOCKTAG		tag;
	ErrorData  *error;

	ForgetPortalSnapshots();
	turn_tag(iw, &tag);
	if (LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
		return;

	if (sg_tells(SG_VERBOSITY_ALL))
		ereport(NOTICE,
				(errmsg("step %d waits until another plan has built its indexes of %s",
						iw->step.step, iw->table)));
	error = sg_try_undo(take_turn, iw);
	if (error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("another plan is building indexes of %s", iw->table)));
	if (error)
		ReThrowError(error);
}

static void
end_turn(const IndexWork *iw)
{
	LOCKTAG		tag;

	turn_tag(iw, &tag);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

static void
pause_between(void *arg)
{
	const IndexWork *iw = arg;
	int64		pause = iw->victim ? FIRST_PAUSE_MS : Min(FIRST_PAUSE_MS << Min(iw->action.attempts, 10), LONGEST_PAUSE_MS);

	ForgetPortalSnapshots();
	run_sleep_until(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause));
}

/* Waits for holders of a conflicting lock before asking for ours, so that nobody queues behind us */
static void
wait_for_table(void *arg)
{
	const IndexWork *iw = arg;

	ForgetPortalSnapshots();
	if (!run_wait_for_holders(iw->relid, ShareUpdateExclusiveLock, iw->wait_end))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not lock %s", iw->table)));
}

static void
tell(const IndexWork *iw, const char *what, const char *detail)
{
	sg_tell_and_log(sg_tells(SG_VERBOSITY_STEPS),
					psprintf("step %d: the %s on %s %s", iw->step.step,
							 iw->drop ? "drop of what is left of an index" : "build of an index", iw->table, what),
					detail, NULL);
}

/* Tells the client and the log whom a build waits for, and shows it as a pause; in a transaction of its own */
static void
tell_holders(void *arg)
{
	IndexWork  *iw = arg;
	RunAction	look = iw->action;
	char	   *who = run_holders(&look, iw->relid, ShareUpdateExclusiveLock);

	if (who == NULL)
		return;
	who = psprintf("waits for %s", who);
	tell(iw, who, NULL);
	iw->wait_id = run_throttle_log(iw->action.run, LOG_STARTED, psprintf("%s %s", iw->work.object, who), look.blockers, 0, 0);
	sg_progress_begin(SG_PROGRESS_INDEX, iw->action.run->plan->id, 0);
	sg_progress_step(SG_PROGRESS_INDEX, iw->step.step, iw->relid);
	sg_progress_phase(SG_PHASE_THROTTLED);
}

static void
end_pause(void *arg)
{
	const IndexWork *iw = arg;

	(void) run_throttle_log(iw->action.run, iw->error ? LOG_FAILED : LOG_DONE, iw->error ? sg_error_message(iw->error) : NULL,
							NULL, iw->wait_id, iw->action.started_at);
}

/*
 * Waits for holders of the table's lock until lock_timeout is over, and after a
 * second tells whom it waits for; returns an error, or NULL
 */
static ErrorData *
wait_told(IndexWork *iw)
{
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(start, LockTimeout);

	iw->wait_id = 0;
	iw->wait_end = Min(deadline, TimestampTzPlusMilliseconds(start, RUN_QUIET_MS));
	iw->error = worker_try(wait_for_table, iw);
	if (iw->error == NULL || iw->error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE || iw->wait_end == deadline)
		return iw->error;
	worker_procedure(tell_holders, iw);
	iw->wait_end = deadline;
	iw->error = worker_try(wait_for_table, iw);
	sg_progress_end();
	if (iw->wait_id)
		worker_procedure(end_pause, iw);
	return iw->error;
}

/* Leftover index and its table, with the session locks of a build */
typedef struct LockedIndex
{
	IndexWork  *iw;
	LockRelId	table;
	LockRelId	index;
} LockedIndex;

static void
lock_leftover(void *arg)
{
	LockedIndex *locked = arg;
	Oid			index = sg_find_qualified(locked->iw->work.object);

	if (!plan_index_is_leftover(index, locked->iw->table, locked->iw->columns))
		return;
	locked->index.relId = index;
	locked->table.relId = IndexGetRelation(index, false);
	locked->index.dbId = locked->table.dbId = MyDatabaseId;
	LockRelationIdForSession(&locked->table, ShareUpdateExclusiveLock);
	LockRelationIdForSession(&locked->index, ShareUpdateExclusiveLock);
	locked->iw->ours = sg_find_qualified(locked->iw->work.object) == index &&
		plan_index_is_leftover(index, locked->iw->table, locked->iw->columns);
}

static ErrorData *
drop_leftover(IndexWork *iw)
{
	LockedIndex locked = {.iw = iw};
	ErrorData  *error;

	iw->ours = false;
	error = worker_try(lock_leftover, &locked);
	if (error == NULL && iw->ours)
		error = worker_execute(psprintf("DROP INDEX CONCURRENTLY %s", iw->work.object));

	/* after an error the locks are released already */
	if (error == NULL && OidIsValid(locked.index.relId))
	{
		UnlockRelationIdForSession(&locked.index, ShareUpdateExclusiveLock);
		UnlockRelationIdForSession(&locked.table, ShareUpdateExclusiveLock);
	}
	return error;
}

/* Checks whether somebody has built one while we waited */
static void
look_again(void *arg)
{
	IndexWork  *iw = arg;
	PlanStep   *step = plan_step_get(iw->step.plan, iw->step.step, true);
	const char *name = step && iw->relid == sg_find_qualified(step->child_table) ? plan_step_needed_name(step) : NULL;

	iw->served = is_needed(iw) ?
		OidIsValid(plan_index_like(iw->relid, iw->columns, name, get_rel_relispartition(iw->relid), false)) :
		step && is_served(step, iw->relid);
}

/*
 * Raises 53100 if the build, as far as its size is known, would leave less room
 * than schemaguard.min_free_disk
 */
static void
check_room(void *arg)
{
	const IndexWork *iw = arg;
	SgDiskUse	use = {0};
	char	   *low = plan_index_use(iw->relid, iw->work.statement, &use) ? sg_disk_low_after(&use) : NULL;

	if (low)
		ereport(ERROR,
				(errcode(ERRCODE_DISK_FULL),
				 errmsg("the build would take about %s, and the WAL of the index; then %s",
						sg_disk_size(use.tables + use.temporary), low)));
}

/* Makes one attempt to build or drop; drops first what an earlier attempt has left */
static ErrorData *
attempt(IndexWork *iw)
{
	ErrorData  *error = NULL;

	if (iw->drop || iw->action.attempts > 1)
		error = drop_leftover(iw);
	if (error || iw->drop || iw->served)
		return error;
	error = worker_try(check_room, iw);
	if (error)
		return error;
	return worker_execute_checked(iw->work.statement, plan_index_hold);
}

/* Returns whether to try again: after giving way, and as a deadlock's victim */
static bool
worth_another_attempt(const IndexWork *iw)
{
	TimestampTz window_end = iw->drop ? 0 : iw->action.run->window_end;

	if (window_end != 0 && GetCurrentTimestamp() >= window_end)
		return false;
	return (iw->gave_way || iw->victim) && iw->action.attempts < sg_lock_attempts &&
		(iw->action.attempts < SURE_ATTEMPTS ||
		 run_elapsed(iw->action.started_at) < sg_lock_budget);
}

static void
report_gave_way(void *arg)
{
	const IndexWork *iw = arg;

	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("%s gave way to others who wanted to lock %s, %d times",
					iw->drop ? "the drop" : "the build", iw->table,
					iw->action.attempts)));
}

static void
report_stopped(void *arg)
{
	const IndexWork *iw = arg;

	ereport(ERROR,
			(errcode(ERRCODE_DISK_FULL),
			 errmsg("the build was cancelled: %s", iw->work.run->yield->low)));
}

/*
 * Tells the client and the log whom the build gave way to, and what follows; in
 * a transaction of its own
 */
static void
tell_waiter(void *arg)
{
	IndexWork  *iw = arg;
	const DeploySlot *slot = iw->work.run->yield;
	char	   *waiter = deploy_yield_json(slot, iw->table);
	MemoryContext old;

	tell(iw, psprintf("gave way to %s", deploy_yield_text(slot)),
		 deploy_yield_holds(slot) ? psprintf("It has given way %d times and now holds.", DEPLOY_YIELD_TIMES) : NULL);
	old = MemoryContextSwitchTo(iw->context);
	iw->waiters = iw->waiters ? psprintf("%s, %s", iw->waiters, waiter) : pstrdup(waiter);
	MemoryContextSwitchTo(old);
}

static void
tell_victim(void *arg)
{
	tell(arg, "was the victim of a deadlock and begins anew", NULL);
}

static ErrorData *
attempt_until_done(IndexWork *iw)
{
	DeployYield yield;
	ErrorData  *error;

	for (iw->action.attempts = 1;; iw->action.attempts++)
	{
		error = iw->action.attempts > 1 ? worker_try(pause_between, iw) : NULL;
		if (error == NULL)
			error = wait_told(iw);
		if (error)
			return error;
		if (!iw->drop)
			worker_procedure(look_again, iw);

		run_arm_timeout(sg_statement_timeout);
		deploy_yield_begin(iw->work.run->yield);
		error = attempt(iw);
		yield = deploy_yield_end(iw->work.run->yield);
		iw->gave_way = yield == YIELD_WAITER && error && sg_is_cancel(error);
		iw->stopped = yield == YIELD_STOP && error && sg_is_cancel(error);
		run_disarm_timeout();
		if (iw->gave_way)
			worker_procedure(tell_waiter, iw);
		iw->victim = error && error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
		if (!worth_another_attempt(iw))
			break;
		if (iw->victim)
			worker_procedure(tell_victim, iw);
	}
	if (iw->stopped)
		return worker_try(report_stopped, iw);
	return iw->gave_way ? worker_try(report_gave_way, iw) : error;
}

bool
deploy_index_work(PlanRun *run, bool drop, int step, const char *name, const char *statement,
				  const char *table, const char *columns)
{
	IndexWork  *iw = palloc0(sizeof(IndexWork));

	iw->table = table;
	iw->columns = columns;
	iw->drop = drop;
	iw->context = CurrentMemoryContext;
	iw->step.plan = run->plan->name;
	iw->step.step = step;
	iw->work.run = run;
	iw->work.step = &iw->step;
	iw->work.object = pstrdup(name);
	iw->work.statement = statement;
	initStringInfo(&iw->work.notice);
	iw->action.run = run;
	iw->action.works = list_make1(&iw->work);
	iw->action.name = drop ? "drop index" : "index";
	iw->action.attempts = 1;

	worker_procedure(log_start, iw);
	deploy_yield_reset(run->yield);
	iw->error = worker_try(begin_turn, iw);
	if (iw->error == NULL)
	{
		iw->error = attempt_until_done(iw);
		end_turn(iw);
	}
	worker_procedure(log_outcome, iw);
	if (is_cancelled(iw))
		ReThrowError(iw->error);
	return iw->error == NULL || iw->error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
}

/* ---- what interrupted builds have left ---- */

void
deploy_index_recover(const PlanRun *run)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(PlanDeed, deed, plan_deeds_unfinished(run->plan))
	{
		Oid			index = sg_find_qualified(deed->object);

		if (!plan_index_is(index, deed->what->child_table, deed->index_columns, false))
			plan_deed_close(deed->id, DEED_GONE);
		else if (get_index_isvalid(index))
		{
			plan_deed_finish(deed->id);
			plan_deed_identify(run->plan, deed);
			log_end(deed->log_id, LOG_DONE, "built, but the session ended before it could say so");
		}
	}
	PopActiveSnapshot();
}

static List *
index_job_part(int step, const char *name, const char *statement, const char *table, const char *columns)
{
	return list_make5(makeInteger(step), makeString(pstrdup(name)), makeString(pstrdup(statement)),
					  makeString(pstrdup(table)), makeString(pstrdup(columns)));
}

void
deploy_index_drop_leftovers(PlanRun *run, int lock_timeout)
{
	List	   *jobs = NIL;
	char	   *trouble;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(const PlanDeed, deed, plan_index_leftovers(run->plan))
	{
		if (sg_owns_relation(sg_find_qualified(deed->object), GetUserId()))
			jobs = lappend(jobs, list_make1(index_job_part(deed->step, deed->object,
														   psprintf("DROP INDEX CONCURRENTLY %s", deed->object),
														   deed->what->child_table, deed->index_columns)));
	}
	PopActiveSnapshot();
	if (jobs == NIL)
		return;

	if (sg_workers == 0)
		ereport(NOTICE,
				(errmsg("%d invalid indexes of interrupted builds are not dropped, since schemaguard.workers is 0",
						list_length(jobs))));
	else if (deploy_run_jobs(run, JOB_DROP_INDEX, jobs, lock_timeout, &trouble) < list_length(jobs))
		ereport(NOTICE,
				(errmsg("invalid indexes of interrupted builds are not dropped: %s", trouble),
				 errhint("The next call tries again.")));
}

/* ---- what is to be built ---- */

/* Returns the steps whose key is possible and whose child the caller may change */
static List *
wanted_steps(List *steps)
{
	List	   *wanted = NIL;

	foreach_ptr(PlanStep, step, steps)
	{
		StepView	view;

		if (!step->index || step->skipped_by)
			continue;
		deploy_look(step, &view);
		if (view.need != NEED_SKIP &&
			sg_owns_relation(view.key.child, GetUserId()))
			wanted = lappend(wanted, step);
	}
	return wanted;
}

static bool
is_finished(List *steps, int number)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (step->step == number)
			return step->state == STEP_VALIDATED;
	}
	return false;
}

/* Reports an index that is not built, with what to do about it */
static void
skip_index(const PlanRun *run, const PlanIndex *index, const char *reason, const char *hint)
{
	LogEntry	entry = log_entry(&run->id, run->plan->name, "index", LOG_SKIPPED);

	entry.step = index->step;
	entry.object = index->name;
	entry.statement = index->statement;
	entry.message = reason;
	log_write(&entry);
	run_commit();
	ereport(NOTICE,
			(errmsg("step %d, %s: no index is built on %s%s: %s", index->step, index->name, index->table,
					plan_index_is_definition(index->columns) ? "" : psprintf(" (%s)", index->columns), reason),
			 errhint("%s", hint)));
}

/* Returns why an index can't be built now, with what to do about it, or NULL: leftovers are what is left of this plan's builds */
static const char *
find_obstacle(const PlanIndex *index, List *leftovers, const char **hint)
{
	*hint = index->hint ? index->hint : "Give the column the parent's type, or index the expression that the key compares.";
	if (index->obstacle)
		return index->obstacle;
	foreach_ptr(const PlanDeed, deed, leftovers)
	{
		if (strcmp(plan_given(deed->what->child_table), index->table) == 0 && strcmp(deed->index_columns, index->columns) == 0)
		{
			*hint = "The next call tries again.";
			return LEFTOVER_TEXT;
		}
	}
	if (!OidIsValid(sg_find_qualified(index->name)))
		return NULL;
	*hint = psprintf("Unless somebody is building it just now:\nDROP INDEX CONCURRENTLY %s;", index->name);
	return "it is there, but invalid, and no build of this plan has left it";
}

/*
 * Leaves out indexes that can't serve or have no free name, and reports each
 * until its key is valid.  An index without a key is on an object that was
 * dropped after the steps were looked at.
 */
static List *
without_obstacles(const PlanRun *run, List *steps, List *indexes, List *leftovers)
{
	List	   *left = NIL;

	foreach_ptr(PlanIndex, index, indexes)
	{
		const char *hint;
		const char *obstacle = find_obstacle(index, leftovers, &hint);

		if (index->key == NULL)
			continue;
		if (obstacle == NULL)
			left = lappend(left, index);
		else if (!is_finished(steps, index->step))
			skip_index(run, index, obstacle, hint);
	}
	return left;
}

static void
tell_statements(const PlanRun *run, List *indexes)
{
	if (indexes != NIL && !sg_tells(SG_VERBOSITY_STEPS))
	{
		ereport(NOTICE,
				(errmsg_plural("%d index is not built, since schemaguard.workers is 0",
							   "%d indexes are not built, since schemaguard.workers is 0",
							   list_length(indexes), list_length(indexes)),
				 errhint("%s", run_select_text(run, "sg_plan_sql"))));
		return;
	}
	foreach_ptr(PlanIndex, index, indexes)
	{
		ereport(NOTICE,
				(errmsg("step %d: no index is built on %s (%s), since schemaguard.workers is 0",
						index->step, index->table, index->columns),
				 errhint("%s;", index->statement)));
	}
}

static bool
is_on(const PlanIndex *index, const char *table)
{
	return strcmp(index->table, table) == 0;
}

static char *
by_hand_hint(const PlanIndex *index)
{
	const char *lead = index->key ? "The key does without it. CALL again, raise max_worker_processes, or build it by hand" :
		"CALL again, raise max_worker_processes, or build it by hand";
	Oid			table = sg_find_qualified(index->table);
	char	   *reason = OidIsValid(table) ? plan_index_code_refusal(index->statement, code_table_owner(table)) : NULL;

	if (reason)
		return psprintf("%s. No statement is given here: %s.", lead, reason);
	return OidIsValid(table) ? fk_owner_hint(lead, table, InvalidOid, index->statement) : pstrdup("CALL again.");
}

/* Builds indexes by workers, one job per table: two builds on one table would wait for each other */
static void
build_concurrently(PlanRun *run, List *indexes)
{
	List	   *jobs = NIL;
	List	   *first = NIL;	/* the first index of each job */
	char	   *trouble;
	int			taken;

	foreach_ptr(PlanIndex, index, indexes)
	{
		List	   *part = index_job_part(index->step, index->name, index->statement, index->table,
										  index->columns);
		ListCell   *lc2;
		int			n = 0;

		if (index->partitioned)
			continue;
		foreach(lc2, first)
		{
			if (is_on(lfirst(lc2), index->table))
				break;
			n++;
		}
		if (n < list_length(first))
			lfirst(list_nth_cell(jobs, n)) = lappend(list_nth(jobs, n), part);
		else
		{
			first = lappend(first, index);
			jobs = lappend(jobs, list_make1(part));
		}
	}
	if (jobs == NIL)
		return;

	taken = deploy_run_jobs(run, JOB_BUILD_INDEX, jobs, sg_lock_budget, &trouble);
	foreach_ptr(PlanIndex, index, indexes)
	{
		for (int n = taken; n < list_length(first); n++)
		{
			if (!index->partitioned && is_on(list_nth(first, n), index->table))
				skip_index(run, index, trouble,
						   by_hand_hint(index));
		}
	}
	deploy_index_drop_leftovers(run, sg_lock_budget);
}

void
deploy_index_make(PlanRun *run, List *indexes)
{
	List	   *free = NIL;

	deploy_index_drop_leftovers(run, sg_lock_budget);
	foreach_ptr(PlanIndex, index, indexes)
	{
		if (OidIsValid(sg_find_qualified(index->name)))
			skip_index(run, index, LEFTOVER_TEXT, "The next call tries again.");
		else
			free = lappend(free, index);
	}
	build_concurrently(run, free);
}

/* ---- partitioned tables ---- */

/*
 * Creates the index of the partitioned table, which attaches those of its
 * partitions at once.  Under its lock it checks that none is missing: that one
 * would be built here, while nobody can write.
 */
static void
execute_join(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	LogEntry	entry;
	ListCell   *lc;

	if (OidIsValid(fk_plain_index(work->key)))
	{
		run_record_skipped(action, work, SERVED_TEXT);
		run_append_notice(work, psprintf("no index is built: %s", SERVED_TEXT));
		return;
	}
	foreach(lc, plan_leaves(work->key->child))
	{
		if (!OidIsValid(fk_plain_index(fk_on_partition(work->key, lfirst_oid(lc)))))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition %s has no such index yet", sg_relation_name(lfirst_oid(lc))),
					 errhint("CALL again to build it.")));
	}
	run_statement(work->statement);
	plan_index_check_whole(work->object);
	write_deed(action, sg_relation_name(work->key->child), fk_index_columns(work->key), true);
	entry = run_entry(action, work, LOG_DONE);
	log_write(&entry);
	run_append_notice(work, "index of the partitions built");
}

static void
join_partitions(PlanRun *run, const PlanIndex *index)
{
	StepWork   *work = run_begin_step(run, index->step);
	RunAction	action = {.run = run,.name = "index",.execute = execute_join};
	LogEntry	entry;

	if (work == NULL)
		return;
	action.works = list_make1(work);
	work->object = index->name;
	work->statement = index->statement;
	work->key = index->key;
	run_add_target(&action, index->key->child, ShareLock);

	sg_progress_step(SG_PROGRESS_INDEX, index->step, index->key->child);
	if (!run_attempt(&action))
	{
		entry = run_entry(&action, work, LOG_FAILED);
		entry.sqlstate = pstrdup(unpack_sql_state(action.error->sqlerrcode));
		entry.message = run_failure_text(&action);
		run_settle_with(&action, &entry);
		run_commit();
		run_append_warning(work, psprintf("index failed: %s", entry.message));
		work->hint = action.error->hint ? action.error->hint : "The key does without the index; the next call tries again.";
	}
	run_end_step(work);
}

/* ---- the whole ---- */

/* Steps of a round, and the indexes that they lack */
typedef struct IndexLook
{
	List	   *steps;
	List	   *indexes;
} IndexLook;

/* Finds the missing indexes; for sg_read(), which looks again if a table is dropped meanwhile */
static void
find_missing(void *arg)
{
	IndexLook  *look = arg;

	look->indexes = plan_missing_indexes(wanted_steps(look->steps));
}

void
deploy_index_build(PlanRun *run, List *steps)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard indexes",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IndexLook	look = {steps, NIL};
	List	   *indexes;
	List	   *leftovers;
	ListCell   *lc;

	deploy_index_drop_leftovers(run, sg_lock_budget);

	PushActiveSnapshot(GetTransactionSnapshot());
	sg_read(find_missing, &look);
	leftovers = plan_index_leftovers(run->plan);
	PopActiveSnapshot();
	indexes = without_obstacles(run, steps, look.indexes, leftovers);
	if (indexes != NIL && !run_throttle(run))
		indexes = NIL;

	if (sg_workers == 0)
		tell_statements(run, indexes);
	else
	{
		build_concurrently(run, indexes);
		foreach(lc, indexes)
		{
			if (((PlanIndex *) lfirst(lc))->partitioned)
				join_partitions(run, lfirst(lc));
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
