/*-------------------------------------------------------------------------
 *
 * run_unit.h
 *	  An action of a call: its transactions, time limits, and rows in the
 *	  log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_UNIT_H
#define SG_RUN_UNIT_H

#include "postgres.h"

#include "base/compat.h"
#include "run/run.h"

/* reason of a step that exceeded schemaguard.statement_timeout */
#define RUN_TIMEOUT_TEXT "the statement took longer than schemaguard.statement_timeout"

/*
 * Commits and starts the next transaction: READ COMMITTED, READ WRITE.  A
 * cancel that ended the wait for a synchronous standby is thrown at the next
 * CHECK_FOR_INTERRUPTS().
 */
extern void run_commit(void);

/*
 * Runs the deferred triggers and constraints that would wait for the COMMIT, as
 * the current role.  Called last in the subtransaction of a piece of work that
 * is committed next, so that their errors fail that work, and do not end the
 * call.
 */
extern void run_fire_deferred(void);

/*
 * Keeps settings for the rest of the call, a List of SgOption *, over the
 * session's; they reach its workers.  They are set again in each transaction,
 * whose end resets them, so none outlives the call, however that ends, once the
 * call has forgotten them: NIL.
 */
extern void run_keep_options(List *options);

/*
 * Commits without waiting for the disk, for a row that only announces a change:
 * a crash may lose it, but then loses all later commits, too.
 */
extern void run_commit_soon(void);

/* Commits on the way out of a cancelled call, without waiting for a standby */
extern void run_commit_here(void);

/* Disarms statement_timeout, which would bound the whole CALL, with a NOTICE */
extern void run_disarm_statement_timeout(void);

/*
 * Like sg_try() and sg_try_undo(), for at most so many milliseconds; 0: no
 * limit.  A cancel, by the limit or by a user, ends fn even if code within
 * catches it: it is raised again by each CHECK_FOR_INTERRUPTS(), and the
 * session is ended after 100 of them.  A call that code within fn makes is
 * bounded by the outer limit alone.
 */
extern ErrorData *run_try(int ms, void (*fn) (void *arg), void *arg);
extern ErrorData *run_try_undo(int ms, void (*fn) (void *arg), void *arg);

/* Lets the limit of the run_try() that has called this function begin anew, with another length */
extern void run_restart_timeout(int ms);

/* Returns the limit of a query that a role has stored: schemaguard.statement_timeout, or a minute if that is 0 */
extern int	run_query_limit(void);

/* Begin and end such a limit around work in other transactions, such as a worker's */
extern void run_arm_timeout(int ms);
extern void run_disarm_timeout(void);

/*
 * run_room_struck() ends a watch of free space (sg_disk_watch_begin()), and
 * returns whether the watch has caused a statement's error; then
 * run_report_low() raises 53100 instead, which says what was low.
 */
extern bool run_room_struck(const ErrorData *error);
extern void run_report_low(void *arg);

/* Returns whether the last limit has expired; a user's cancel does not count */
extern bool run_timeout_struck(void);

/* Sets a parameter of DDL and scans until the transaction ends */
extern void run_set_local(const char *name, const char *value);

extern double run_elapsed(TimestampTz start);

/*
 * Sleeps, and can be cancelled; the caller holds nothing.  Changes of the
 * system clock make no difference.
 */
extern void run_sleep_until(TimestampTz deadline);

/* Returns the duration of an action, or an empty string if it was short */
extern char *run_took_text(const RunAction *action);

/* Record the beginning and the started rows of an action; run_log_start() commits */
extern void run_write_start(RunAction *action);
extern void run_log_start(RunAction *action);

/*
 * Records the outcome of a step without an action, or before one: its row in
 * the log (failed or skipped), and the step's state with the message as its
 * reason; STEP_AS_IT_IS leaves the step alone; sqlerrcode 0: none.  Commits.
 */
extern void run_outcome(const StepWork *work, const char *name, LogPhase phase,
						StepState state, int sqlerrcode, const char *message);

/* Returns the log entry that ends an action for a step, with the action's common fields */
extern LogEntry run_entry(const RunAction *action, const StepWork *work,
						  LogPhase phase);

/*
 * Returns the state of a step after an action that leads to `state`: not
 * validated while another action has to follow.
 */
extern StepState run_state_after(const StepWork *work, StepState state);

/* Records an action that turned out to be unnecessary, by a row of the log */
extern void run_record_skipped(const RunAction *action, const StepWork *work,
							   const char *message);

/*
 * Record the outcome of an action for a step, and its new state: done, in the
 * transaction of the DDL; failed, committed.
 */
extern void run_record_done(const RunAction *action, const StepWork *work,
							StepState state, const char *message);
extern void run_record_failure(const RunAction *action, StepWork *work,
							   StepState state, int sqlerrcode,
							   const char *message, int64 orphan_rows);

/*
 * Write an outcome that is not part of an attempt; the caller commits.  A
 * cancel that arrives meanwhile replaces it, as below.
 */
extern void run_settle(const RunAction *action, void (*write) (void *arg), void *arg);
extern void run_settle_with(const RunAction *action, LogEntry *entry);

/*
 * Sets lock_timeout for rows that a cancelled call still writes in this
 * transaction: schemaguard.lock_timeout, but a second at most.
 */
extern void run_limit_log_wait(void);

/*
 * Writes these entries (LogEntry *) of a cancel for started rows without an
 * outcome; the caller commits.  If the log stays locked for longer than
 * run_limit_log_wait() allows, the server's log says so, and the next call of
 * the plan closes the rows.
 */
extern void run_write_interrupted(List *entries);

/*
 * Passes a cancel on: the transaction is rolled back, and the next one writes
 * these entries as run_write_interrupted() does.  The cancelled work must have
 * been in a subtransaction (sg_try), which is undone.
 */
pg_noreturn extern void run_rethrow_logged(List *entries, ErrorData *edata);

/* Like run_rethrow_logged(), for the steps of an action */
pg_noreturn extern void run_log_cancel(const RunAction *action, ErrorData *edata);

/* Returns the state of a step that came no further, depending on whether its key still exists */
extern StepState run_state_short_of(const FkKey *key);

/* Adds a done thing to the NOTICE about a step */
extern void run_append_notice(StepWork *work, const char *text);

/* Adds a thing that is not as the plan wants it: the NOTICE becomes a WARNING */
extern void run_append_warning(StepWork *work, const char *text);

#endif							/* SG_RUN_UNIT_H */
