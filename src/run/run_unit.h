/*-------------------------------------------------------------------------
 *
 * run_unit.h
 *	  One action of a call: transactions, time limits, and its rows in the log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_UNIT_H
#define SG_RUN_UNIT_H

#include "postgres.h"

#include "base/compat.h"
#include "run/run.h"

/* the reason of a failure when schemaguard.statement_timeout struck */
#define RUN_TIMEOUT_TEXT "the statement took longer than schemaguard.statement_timeout"

/*
 * Commit and start the next transaction: READ COMMITTED, READ WRITE.  A cancel
 * that ended the wait for a synchronous standby is thrown at the next look at
 * interrupts.
 */
extern void run_commit(void);

/*
 * Run the deferred triggers and constraints that would wait for the COMMIT, as
 * the current role.  Called last in the subtransaction of a piece of work that is
 * committed next: their errors are its failure then, and do not end the call.
 */
extern void run_fire_deferred(void);

/*
 * Settings for the rest of the call, a List of SgOption *, over the session's;
 * they reach its workers.  They are set anew in each transaction, whose end
 * takes them back, so none outlives the call, however that ends, once the
 * call has forgotten them: NIL.
 */
extern void run_keep_options(List *options);

/*
 * Commits without waiting for the disk, for a row that only announces a change: a
 * crash may lose it, but then it loses what would have come after it, too.
 */
extern void run_commit_soon(void);

/* Commits on the way out of a call that was cancelled: no standby is waited for */
extern void run_commit_here(void);

/* Disarm statement_timeout, which would count the whole CALL, with a NOTICE */
extern void run_disarm_statement_timeout(void);

/*
 * Like sg_try() and sg_try_undo(), for at most so many milliseconds, 0 being no
 * limit.  A cancel, by the limit or by a user, ends fn even if code within
 * catches it: it is raised again by each look at interrupts, and the session
 * is ended after 100 of them.  A call that code within fn makes is bounded by
 * the outer limit alone.
 */
extern ErrorData *run_try(int ms, void (*fn) (void *arg), void *arg);
extern ErrorData *run_try_undo(int ms, void (*fn) (void *arg), void *arg);

/* Begin and end such a limit around work in other transactions, as a worker's */
extern void run_arm_timeout(int ms);
extern void run_disarm_timeout(void);

/*
 * Ends a watch of the server's room (sg_disk_watch_begin()), and returns whether
 * it has led to a statement's error; then run_report_low() raises 53100, which
 * says what was low, in its place.
 */
extern bool run_room_struck(const ErrorData *error);
extern void run_report_low(void *arg);

/* Returns whether the last limit has struck, which a user's cancel is not */
extern bool run_timeout_struck(void);

/* Settings of DDL and scans, until the end of the transaction */
extern void run_set_local(const char *name, const char *value);

extern double run_elapsed(TimestampTz start);

/* Sleep, ready to be cancelled; the caller holds nothing.  A clock that is set meanwhile makes no difference. */
extern void run_sleep_until(TimestampTz deadline);

/* How long an action took, where that is worth a word, else an empty string */
extern char *run_took_text(const RunAction *action);

/* The moment and the started rows of an action; committed, but for the first */
extern void run_write_start(RunAction *action);
extern void run_log_start(RunAction *action);

/*
 * Records the outcome of a step without an action, or before one: its row in the log
 * (failed or skipped), and the step's state with the message as its
 * reason; STEP_AS_IT_IS leaves the step alone, sqlerrcode 0 is none.  Commits.
 */
extern void run_outcome(const StepWork *work, const char *name, LogPhase phase,
						StepState state, int sqlerrcode, const char *message);

/* An entry that ends an action for a step, with what all of them have in common */
extern LogEntry run_entry(const RunAction *action, const StepWork *work,
						  LogPhase phase);

/*
 * The state of a step after an action that leads to `state`: it is not called
 * validated while another action has to follow.
 */
extern StepState run_state_after(const StepWork *work, StepState state);

/* The action turned out to be unnecessary; no more than a row of the log */
extern void run_record_skipped(const RunAction *action, const StepWork *work,
							   const char *message);

/*
 * The outcome of an action for a step, and the state in which that leaves it:
 * done, in the transaction of the DDL; failed, committed.
 */
extern void run_record_done(const RunAction *action, const StepWork *work,
							StepState state, const char *message);
extern void run_record_failure(const RunAction *action, StepWork *work,
							   StepState state, int sqlerrcode,
							   const char *message, int64 orphan_rows);

/*
 * Write an outcome that is not part of an attempt; the caller commits.  A
 * cancel that comes meanwhile takes its place, as below.
 */
extern void run_settle(const RunAction *action, void (*write) (void *arg), void *arg);
extern void run_settle_with(const RunAction *action, LogEntry *entry);

/*
 * Sets lock_timeout for what a cancelled call still writes in this
 * transaction: schemaguard.lock_timeout, and a second at most.
 */
extern void run_limit_log_wait(void);

/*
 * Writes these entries (LogEntry *) of a cancel for started rows that are
 * there and have no outcome yet; the caller commits.  Where the log stays
 * locked for longer than run_limit_log_wait() allows, the server's log says
 * it, and the next call of the plan closes the rows.
 */
extern void run_write_interrupted(List *entries);

/*
 * Passes a cancel on: the transaction is rolled back, and the next one writes
 * these entries as run_write_interrupted() does.  What was under way must have
 * been in a subtransaction (sg_try), which is undone.
 */
pg_noreturn extern void run_rethrow_logged(List *entries, ErrorData *edata);

/* So for the steps of an action */
pg_noreturn extern void run_log_cancel(const RunAction *action, ErrorData *edata);

/* The state of a step that came no further, which depends on whether its key is still there */
extern StepState run_state_short_of(const FkKey *key);

/* Adds a thing that was done to the NOTICE about a step */
extern void run_append_notice(StepWork *work, const char *text);

/* Adds a thing that is not as the plan wants it: the NOTICE becomes a WARNING */
extern void run_append_warning(StepWork *work, const char *text);

#endif							/* SG_RUN_UNIT_H */
