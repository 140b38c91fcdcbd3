/*-------------------------------------------------------------------------
 *
 * run_unit.c
 *	  Transactions, time limits and the log of one unit of work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/connection.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "run/run.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* Longest time that a lock on the log's table holds up a cancel */
#define LONGEST_LOG_WAIT_MS	1000

/* Own timeout and flag, because SQLSTATE 57014 alone would not tell this limit from a user's cancel */
static TimeoutId step_timeout = MAX_TIMEOUTS;
static volatile sig_atomic_t step_timeout_struck = false;
static int	armed_level;		/* subtransaction nesting level at which the
								 * limit was set */

/* Number of cancels within one limit; code that catches more of them has its session ended */
#define MOST_CANCELS	100
static int	cancels;

#define QUERY_LIMIT_MS	60000	/* limit of a stored query if
								 * schemaguard.statement_timeout is 0 */

static void repeat_cancel(void *arg);

/* On the error context stack while a statement is limited */
static ErrorContextCallback limit_context = {.callback = repeat_cancel};

/* SgOption *: settings of the current call that replace the session's */
static List *call_options = NIL;

/*
 * Returns whether the current transaction's COMMIT waits for a synchronous
 * standby, which it does not without a transaction ID, or without WAL.
 */
static bool
waits_for_standby(void)
{
	return SyncRepRequested() && SG_STANDBYS_DEFINED() && XactLastRecEnd != 0 &&
		TransactionIdIsValid(GetTopTransactionIdIfAny());
}

static bool
standby_has(XLogRecPtr lsn, int level)
{
	int			mode = level == SYNCHRONOUS_COMMIT_REMOTE_WRITE ? SYNC_REP_WAIT_WRITE :
		level == SYNCHRONOUS_COMMIT_REMOTE_APPLY ? SYNC_REP_WAIT_APPLY : SYNC_REP_WAIT_FLUSH;

	return !SG_STANDBYS_DEFINED() || WalSndCtl->lsn[mode] >= lsn;
}

void
run_keep_options(List *options)
{
	call_options = options;
	sg_locals_begin();
	if (!sg_is_plain())
		sg_set_plain(GUC_ACTION_LOCAL);
	sg_options_apply(options, GUC_ACTION_LOCAL);
}

/* Begins each transaction of a call in READ COMMITTED, whatever default_transaction_isolation is */
static void
begin_next(void)
{
	XactIsoLevel = XACT_READ_COMMITTED;
	/* a step with the caller's own SQL may have opened one */
	sg_close_connections();
	(void) sg_locals_enter();
	sg_locals_begin();
	if (!sg_is_plain())
		sg_set_plain(GUC_ACTION_LOCAL);
	sg_options_apply(call_options, GUC_ACTION_LOCAL);
	plan_check_running();
}

void
run_fire_deferred(void)
{
	int			guc_level = NewGUCNestLevel();

	/* SET CONSTRAINTS ALL IMMEDIATE, which lasts until the transaction ends */
	AfterTriggerSetState(makeNode(ConstraintsSetStmt));
	/* undoes settings of others' code, which may have run */
	AtEOXact_GUC(false, guc_level);
}

void
run_commit(void)
{
	bool		waits = waits_for_standby();
	int			level = synchronous_commit;

	SPI_commit();
	begin_next();

	/*
	 * the server ends only that wait by the cancel, which was meant for the
	 * call
	 */
	if (waits && !standby_has(XactLastCommitEnd, level))
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
}

void
run_commit_here(void)
{
	if (synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		run_set_local("synchronous_commit", "local");
	run_commit();
}

void
run_commit_soon(void)
{
	run_set_local("synchronous_commit", "off");
	run_commit();
}

void
run_disarm_statement_timeout(void)
{
	if (!get_timeout_active(STATEMENT_TIMEOUT))
		return;

	disable_timeout(STATEMENT_TIMEOUT, false);
	ereport(NOTICE,
			(errmsg("statement_timeout does not apply to this CALL, which is many transactions"),
			 errhint("schemaguard.statement_timeout limits each statement of a step.")));
}

/* Returns whether a limit is set by an outer call, within which others' code has made this one */
static bool
is_within(void)
{
	if (GetCurrentTransactionNestLevel() <= armed_level)
		return false;
	for (const ErrorContextCallback *c = error_context_stack; c; c = c->previous)
	{
		if (c == &limit_context)
			return true;
	}
	return false;
}

/*
 * Error context callback, called for each error within the limit: makes a
 * cancel, by the limit or by a user, due again at the next
 * CHECK_FOR_INTERRUPTS(), so that code which catches it, even in a loop, gets
 * no further than its handler.
 */
static void
repeat_cancel(void *arg)
{
	MemoryContext context;
	ErrorData  *edata;

	if (geterrcode() != ERRCODE_QUERY_CANCELED)
		return;
	context = MemoryContextSwitchTo(TopMemoryContext);
	edata = CopyErrorData();
	MemoryContextSwitchTo(context);
	if (sg_is_cancel(edata))
	{
		cancels++;
		QueryCancelPending = true;
		ProcDiePending |= cancels > MOST_CANCELS;
		InterruptPending = true;
	}
	FreeErrorData(edata);
}

static void
step_timeout_handler(void)
{
	/* an error has left the limited code */
	if (GetCurrentTransactionNestLevel() < armed_level)
		return;
	step_timeout_struck = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

void
run_arm_timeout(int ms)
{
	/* otherwise limited code could end its limit by a call of schemaguard */
	if (is_within())
		return;
	step_timeout_struck = false;
	cancels = 0;
	armed_level = GetCurrentTransactionNestLevel();
	limit_context.previous = error_context_stack;
	error_context_stack = &limit_context;
	if (ms == 0)
		return;

	if (step_timeout == MAX_TIMEOUTS)
		step_timeout = RegisterTimeout(USER_TIMEOUT, step_timeout_handler);
	enable_timeout_after(step_timeout, ms);
}

void
run_restart_timeout(int ms)
{
	/* an outer limit stays as it is */
	if (armed_level == GetCurrentTransactionNestLevel() - 1 && step_timeout != MAX_TIMEOUTS && get_timeout_active(step_timeout))
		enable_timeout_after(step_timeout, ms);
}

void
run_disarm_timeout(void)
{
	if (is_within())
		return;
	error_context_stack = limit_context.previous;
	if (step_timeout != MAX_TIMEOUTS)
		disable_timeout(step_timeout, false);

	/*
	 * the cancel has ended the limited code, or arrived after its last
	 * CHECK_FOR_INTERRUPTS()
	 */
	if (step_timeout_struck || cancels > 0)
		QueryCancelPending = false;
}

/* For run_try */
typedef struct Limited
{
	void		(*fn) (void *arg);
	void	   *arg;
} Limited;

static void
do_limited(void *arg)
{
	Limited    *limited = arg;

	limited->fn(limited->arg);
	/* code that has caught a cancel and returned has not done its work */
	CHECK_FOR_INTERRUPTS();
}

static ErrorData *
try_limited(int ms, void (*fn) (void *arg), void *arg, bool undo)
{
	Limited		limited = {fn, arg};
	ErrorData  *edata;

	run_arm_timeout(ms);
	edata = undo ? sg_try_undo(do_limited, &limited) : sg_try(do_limited, &limited);
	run_disarm_timeout();
	return edata;
}

ErrorData *
run_try(int ms, void (*fn) (void *arg), void *arg)
{
	return try_limited(ms, fn, arg, false);
}

ErrorData *
run_try_undo(int ms, void (*fn) (void *arg), void *arg)
{
	return try_limited(ms, fn, arg, true);
}

int
run_query_limit(void)
{
	return sg_statement_timeout ? sg_statement_timeout : QUERY_LIMIT_MS;
}

void
run_report_low(void *arg)
{
	ereport(ERROR,
			(errcode(ERRCODE_DISK_FULL),
			 errmsg("the statement was cancelled: %s", sg_disk_watch_text())));
}

bool
run_room_struck(const ErrorData *error)
{
	return sg_disk_watch_end() && error && sg_is_cancel(error) && !run_timeout_struck();
}

bool
run_timeout_struck(void)
{
	return step_timeout_struck;
}

void
run_set_local(const char *name, const char *value)
{
	/*
	 * PGC_SUSET, because deadlock_timeout is among them, for this session's
	 * own waits only
	 */
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

void
run_write_start(RunAction *action)
{
	action->started_at = GetCurrentTimestamp();
	foreach_ptr(StepWork, work, action->works)
	{
		LogEntry	entry = log_entry(&action->run->id, action->run->plan->name,
									  action->name, LOG_STARTED);

		entry.step = work->step->step;
		entry.object = work->object;
		entry.statement = work->statement;
		entry.message = action->message;
		work->started_id = log_write(&entry);
	}
}

void
run_log_start(RunAction *action)
{
	run_write_start(action);
	run_commit_soon();
}

LogEntry
run_entry(const RunAction *action, const StepWork *work, LogPhase phase)
{
	LogEntry	entry = log_entry(&action->run->id, action->run->plan->name,
								  action->name, phase);

	entry.step = work->step->step;
	entry.object = work->object;
	entry.statement = work->statement;
	entry.elapsed_ms = run_elapsed(action->started_at);
	entry.blockers = action->blockers;
	entry.attempt = action->attempts;
	entry.started_id = work->started_id;
	return entry;
}

void
run_outcome(const StepWork *work, const char *name, LogPhase phase,
			StepState state, int sqlerrcode, const char *message)
{
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, name, phase);

	entry.step = work->step->step;
	entry.object = work->object;
	if (sqlerrcode)
		entry.sqlstate = pstrdup(unpack_sql_state(sqlerrcode));
	entry.message = message;
	if (state != STEP_AS_IT_IS)
		plan_step_set_state(work->step->plan, work->step->step, state, message,
							phase == LOG_FAILED ? 1 : 0);
	log_write(&entry);
	run_commit();
}

StepState
run_state_after(const StepWork *work, StepState state)
{
	if (work->restoring)
		return STEP_AS_IT_IS;
	if (work->whole)
		return work->reached;
	if ((work->step->replaces || work->step->backfill) && state == STEP_VALIDATED)
		return STEP_ADDED;
	return state;
}

void
run_record_skipped(const RunAction *action, const StepWork *work, const char *message)
{
	LogEntry	entry = run_entry(action, work, LOG_SKIPPED);

	entry.message = message;
	log_write(&entry);
}

void
run_record_done(const RunAction *action, const StepWork *work,
				StepState state, const char *message)
{
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	entry.message = message;
	if (action->rows > 0)
		entry.rows_affected = action->rows;

	/*
	 * sessions that share the step would wait for this row, without any
	 * progress by it
	 */
	if (!work->shared)
		plan_step_set_state(work->step->plan, work->step->step, run_state_after(work, state),
							message, action->attempts);
	log_write(&entry);
}

void
run_settle(const RunAction *action, void (*write) (void *arg), void *arg)
{
	ErrorData  *edata = sg_try(write, arg);

	if (edata && sg_is_cancel(edata))
		run_log_cancel(action, edata);
	if (edata)
		ReThrowError(edata);
}

static void
write_entry(void *entry)
{
	log_write(entry);
}

void
run_settle_with(const RunAction *action, LogEntry *entry)
{
	run_settle(action, write_entry, entry);
}

/* Arguments of run_record_failure */
typedef struct Failure
{
	const StepWork *work;
	LogEntry	entry;
	StepState	state;
} Failure;

static void
write_failure(void *arg)
{
	Failure    *failure = arg;
	const PlanStep *step = failure->work->step;

	plan_step_set_state(step->plan, step->step, failure->state, failure->entry.message,
						failure->entry.attempt);
	log_write(&failure->entry);
}

void
run_record_failure(const RunAction *action, StepWork *work, StepState state,
				   int sqlerrcode, const char *message, int64 orphan_rows)
{
	Failure		failure = {.work = work,.state = state};
	LogEntry   *entry = &failure.entry;

	*entry = run_entry(action, work, action->put_last ? LOG_SKIPPED : LOG_FAILED);
	if (action->put_last)
	{
		run_put_last(work->run, work->step->step);
		failure.state = STEP_AS_IT_IS;
		message = psprintf("put last: %s", message);
	}
	if (work->restoring)
		failure.state = STEP_AS_IT_IS;
	entry->sqlstate = pstrdup(unpack_sql_state(sqlerrcode));
	entry->message = message;
	entry->orphan_rows = orphan_rows;
	run_settle(action, write_failure, &failure);
	run_commit();
	work->started_id = 0;
	if (action->put_last)
		run_append_notice(work, message);
	else if (run_wants_orphans(work->step, sqlerrcode))
		run_append_notice(work, psprintf("%s failed: %s", action->name, message));
	else
		run_append_warning(work, psprintf("%s failed: %s", action->name, message));
}

StepState
run_state_short_of(const FkKey *key)
{
	return OidIsValid(key->conid) && fk_by_oid(key->conid) == NULL ? STEP_FAILED : STEP_ADDED;
}

static void
write_interrupted(void *entries)
{
	foreach_ptr(LogEntry, entry, (List *) entries)
	{
		if (log_is_open(entry->started_id))
			log_write(entry);
	}
}

void
run_limit_log_wait(void)
{
	run_set_local("lock_timeout", psprintf("%d", Max(Min(sg_lock_timeout, LONGEST_LOG_WAIT_MS), 1)));
}

void
run_write_interrupted(List *entries)
{
	ErrorData  *failure;

	run_limit_log_wait();
	failure = sg_try(write_interrupted, entries);

	foreach_ptr(LogEntry, entry, failure ? entries : NIL)
		ereport(LOG_SERVER_ONLY,
				(errmsg("schemaguard: %s of %s by plan \"%s\" was interrupted: %s",
						entry->action, entry->object, entry->plan, entry->message),
				 errdetail_log("The log could not say so: %s", sg_error_text(failure))));
}

/* Forgets the snapshots of looks that an error ended: SPI_rollback() expects none but those of portals */
static void
forget_snapshots(void)
{
	while (ActiveSnapshotSet() && !(ActivePortal && GetActiveSnapshot() == ActivePortal->portalSnapshot))
		PopActiveSnapshot();
}

void
run_rethrow_logged(List *entries, ErrorData *edata)
{
	/*
	 * disconnects queries of this extension that a cancel ended outside of a
	 * subtransaction, because nothing within the call could end the
	 * transaction otherwise
	 */
	while (!IsSubTransaction() && !SPI_inside_nonatomic_context() && SPI_finish() == SPI_OK_FINISH)
		;
	forget_snapshots();
	SPI_rollback();
	begin_next();
	run_write_interrupted(entries);
	run_commit_here();
	ReThrowError(edata);
}

void
run_log_cancel(const RunAction *action, ErrorData *edata)
{
	List	   *entries = NIL;

	foreach_ptr(StepWork, work, action->works)
	{
		LogEntry   *entry = palloc(sizeof(LogEntry));

		if (work->started_id == 0)
			continue;
		*entry = run_entry(action, work, LOG_INTERRUPTED);
		entry->sqlstate = pstrdup(unpack_sql_state(edata->sqlerrcode));
		entry->message = sg_error_text(edata);
		entries = lappend(entries, entry);
	}
	run_rethrow_logged(entries, edata);
}

void
run_append_notice(StepWork *work, const char *text)
{
	appendStringInfo(&work->notice, "%s%s", work->notice.len ? ", " : "", text);
}

void
run_append_warning(StepWork *work, const char *text)
{
	run_append_notice(work, text);
	work->warns = true;
}

void
run_sleep_until(TimestampTz deadline)
{
	double		ms = (deadline - GetCurrentTimestamp()) / 1000.0;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	for (;;)
	{
		instr_time	slept;
		double		left;

		INSTR_TIME_SET_CURRENT(slept);
		INSTR_TIME_SUBTRACT(slept, start);
		left = ms - INSTR_TIME_GET_MILLISEC(slept);
		if (left <= 0)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) ceil(left), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

double
run_elapsed(TimestampTz start)
{
	return (GetCurrentTimestamp() - start) / 1000.0;
}

char *
run_took_text(const RunAction *action)
{
	double		seconds = run_elapsed(action->started_at) / 1000.0;

	return seconds < 1 || sg_progress_interval == 0 ? "" : psprintf(" in %.1f s", seconds);
}
