/*-------------------------------------------------------------------------
 *
 * run_deed.h
 *	  A deed that takes its own look at what it could run, and locks what it
 *	  looks at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_DEED_H
#define SG_RUN_DEED_H

#include "postgres.h"

#include "run/run.h"

/*
 * Does a deed: calls fn(arg).  Until fn returns, all looks at code (code.h) lock
 * the tables that they come to before they read anything about these: in SHARE
 * UPDATE EXCLUSIVE, which keeps away all that could plant code there and nobody
 * who reads or writes, or in the deed's own mode where that is stronger.  So
 * the answer of code_role() holds until the (sub)transaction ends, and with it
 * the locks.  All of them are had by the deadline of the action's attempt;
 * 55P03 after that.
 *
 * A table that the caller could not LOCK TABLE in that mode is locked in ACCESS
 * SHARE, unless the deed changes its rows: then in code_write_lock().  If a
 * weaker lock than SHARE UPDATE EXCLUSIVE is had on a table of another role
 * that is no superuser, the deed's queries are planned by nobody from then on
 * (sg_plan_apart), which makes a new index or statistics object harmless.
 * Raises 42501 for INSERT alone into a partitioned table of such a role.
 */
extern void run_deed(RunAction *action, void (*fn) (void *arg), void *arg);

/*
 * Returns the lock for a table into which the current role may insert: SHARE
 * UPDATE EXCLUSIVE if it could LOCK TABLE so, else the one that INSERT takes.
 */
extern LOCKMODE run_deed_mode(Oid relid);

/* Is a lock of any mode held on the relation? */
extern bool run_deed_holds(Oid relid);

/* Like run_deed(), without an attempt: by a deadline that schemaguard.lock_timeout sets */
extern void run_deed_alone(void (*fn) (void *arg), void *arg);

/* Like run_deed_alone(), but 55P03 for a table that is not to be had at once: cancels no autovacuum */
extern void run_deed_at_once(void (*fn) (void *arg), void *arg);

/* Like run_deed_alone(), for a deed that only reads: every table is locked in ACCESS SHARE */
extern void run_deed_reading(void (*fn) (void *arg), void *arg);

#endif							/* SG_RUN_DEED_H */
