/*-------------------------------------------------------------------------
 *
 * run_lock.h
 *	  Locks that hold up nobody: attempts, pauses, and who is in the way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_LOCK_H
#define SG_RUN_LOCK_H

#include "postgres.h"

#include "run/run.h"

/*
 * Run an action to its end: attempts to lock, pauses without any lock, the
 * work, the log.  Returns true when it is done and committed.  Returns false
 * with action->error set, in a transaction that has done nothing yet: the
 * caller records the failure.  Cancels are logged, committed and thrown.
 */
extern bool run_attempt(RunAction *action);

/* Run the work of an action that has been started; a cancel is logged and thrown */
extern bool run_guard(RunAction *action, bool (*work) (RunAction *action));

/* The next table that an action locks; a table is locked once, in the first mode */
extern void run_add_target(RunAction *action, Oid relid, LOCKMODE mode);

/* Like run_add_target(), but without the partitions of the table */
extern void run_add_target_alone(RunAction *action, Oid relid, LOCKMODE mode);

/*
 * Locks one more table in an attempt that is under way, by its deadline; 55P03
 * after that.  `named` is the table, or the topmost one above it.
 */
extern void run_lock_reached(RunAction *action, Oid relid, Oid named, LOCKMODE mode);

/*
 * Wait for the transactions that write to a table now to end; false when they
 * have not by the deadline.  The caller holds nothing.
 */
extern bool run_wait_for_writers(Oid relid, TimestampTz deadline);

/*
 * Wait until nobody holds a lock on a table that conflicts with this one,
 * without queueing for it; false when somebody still does at the deadline, or
 * after lock_timeout.  The caller holds no snapshot.
 */
extern bool run_wait_for_holders(Oid relid, LOCKMODE mode, TimestampTz deadline);

/*
 * The longest wait for each lock that an action asks for by itself:
 * schemaguard.lock_budget, or the session's lock_timeout; 1 s once it has
 * passed in this run.  Ends with the subtransaction.
 */
extern void run_limit_waits(const PlanRun *run);

/* Keeps the holders of a lock for the action's log, once the time to wait for it has passed */
extern void run_note_holders(RunAction *action, Oid relid, LOCKMODE mode);

/*
 * Who could hold rows of a table, in words, or NULL where nobody is there any
 * more; kept for the action's log, too
 */
extern char *run_row_holders(RunAction *action, Oid relid);

/*
 * Returns these processes in words, each with its application and the first word
 * of what it runs, or NULL; 0 is prepared transactions.  Kept for the action's log, too.
 */
extern char *run_lock_holders(RunAction *action, const int *pids, int n);

/* Does an autovacuum have a lock on the table? */
extern bool run_autovacuum_holds(Oid relid);

/* Was it the locks?  And the error that ended an action, in words for people */
extern bool run_is_lock_failure(const ErrorData *error);
extern char *run_failure_text(const RunAction *action);

#endif							/* SG_RUN_LOCK_H */
