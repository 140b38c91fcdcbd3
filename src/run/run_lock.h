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
 * Runs an action to its end: attempts to lock, pauses without any lock, the
 * work, the log.  Returns true when it is done and committed.  Returns false
 * with action->error set, in a transaction that has done nothing yet: the
 * caller records the failure.  If a vacuum has kept an action that never queues
 * waiting until the run stopped, that error is NULL.  Cancels are logged,
 * committed and thrown.
 */
extern bool run_attempt(RunAction *action);

/* Runs the work of an action that has been started; a cancel is logged and thrown */
extern bool run_guard(RunAction *action, bool (*work) (RunAction *action));

/* Adds a table to lock; a table is locked once, in the mode given first */
extern void run_add_target(RunAction *action, Oid relid, LOCKMODE mode);

/* Returns the OIDs of the tables of all targets, with partitions */
extern List *run_locked_tables(const RunAction *action);

/* Like run_add_target(), but without the partitions of the table */
extern void run_add_target_alone(RunAction *action, Oid relid, LOCKMODE mode);

/*
 * Locks one more table within a running attempt, by its deadline; raises 55P03
 * after that. `named` is the table, or the topmost one above it.
 */
extern void run_lock_reached(RunAction *action, Oid relid, Oid named, LOCKMODE mode);

/*
 * Waits for transactions that write to a table now to end; returns false if
 * some have not ended by the deadline.  The caller holds nothing.
 */
extern bool run_wait_for_writers(Oid relid, TimestampTz deadline);

/*
 * Waits, without queueing, until no transaction holds a conflicting lock on a
 * table; returns false if one still does at the deadline, or after
 * lock_timeout.  The caller holds no snapshot.
 */
extern bool run_wait_for_holders(Oid relid, LOCKMODE mode, TimestampTz deadline);

/*
 * Limits the wait for each lock that an action requests by itself: to
 * schemaguard.lock_budget, or the session's lock_timeout; to 1 s once it has
 * passed in this run.  Ends with the subtransaction.
 */
extern void run_limit_waits(const PlanRun *run);

/* Records the holders of a lock for the action's log, after the wait for it has timed out */
extern void run_note_holders(RunAction *action, Oid relid, LOCKMODE mode);

/*
 * Returns in words who holds a lock on a table that conflicts with this mode, or
 * NULL if nobody does; records them for the action's log, too
 */
extern char *run_holders(RunAction *action, Oid relid, LOCKMODE mode);

/*
 * Returns these processes in words, each with its application and the first
 * word of its query, or NULL; 0 stands for prepared transactions.  Records them
 * for the action's log, too.
 */
extern char *run_lock_holders(RunAction *action, const int *pids, int n);

/*
 * Returns in words the autovacuum or VACUUM that has a lock on the table, or
 * NULL; then sets *blockers, to a JSON array for the log
 */
extern char *run_vacuum_of(Oid relid, char **blockers);

/*
 * After a failed attempt that has not queued: returns whether a vacuum had the
 * table, and waits for it as for any other load, without queueing, which would
 * cancel an autovacuum.  Moves the end of the budget for locks by that wait; if
 * the run stops meanwhile, sets action->error to NULL.  Commits.
 */
extern bool run_behind_vacuum(RunAction *action, TimestampTz *budget_end);

/*
 * After a failed attempt of an action without targets that never queues: records
 * who holds the table for the action's log, and pauses until that transaction
 * ends, as run_attempt() does.  Returns false, with action->error NULL, if the
 * run stops meanwhile.  Commits.
 */
extern bool run_pause_behind(RunAction *action, TimestampTz budget_end);

/* Returns in words which table a batch could not lock, and who holds it */
extern char *run_unlocked_text(RunAction *action);

/* Return whether an error is about a lock, and the error that ended an action, in words for people */
extern bool run_is_lock_failure(const ErrorData *error);
extern char *run_failure_text(const RunAction *action);

#endif							/* SG_RUN_LOCK_H */
