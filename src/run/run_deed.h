/*-------------------------------------------------------------------------
 *
 * run_deed.h
 *	  A deed that takes its own look at the code that it could run, and locks
 *	  what it looks at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_DEED_H
#define SG_RUN_DEED_H

#include "postgres.h"

#include "run/run.h"

/*
 * Does a deed: calls fn(arg).  Until fn returns, all looks at code (code.h)
 * lock each table before they read anything about it: in SHARE UPDATE
 * EXCLUSIVE, which excludes everybody who could plant code there and nobody who
 * reads or writes, or in the deed's own mode if stronger.  So the answer of
 * code_role() holds until the (sub)transaction ends, and with it the locks.
 * All of them are acquired by the deadline of the action's attempt; 55P03 after
 * that.
 *
 * A table that the caller could not LOCK TABLE in that mode is locked in ACCESS
 * SHARE, or in code_write_lock() if the deed changes its rows.  If a table of
 * another role that is no superuser is locked more weakly than SHARE UPDATE
 * EXCLUSIVE, the deed's queries are planned as no role from then on
 * (sg_plan_apart), which makes a new index or statistics object harmless.
 * Raises 42501 only for INSERT into a partitioned table of such a role.
 */
extern void run_deed(RunAction *action, void (*fn) (void *arg), void *arg);

/*
 * Returns the lock mode for a table into which the current role may insert:
 * SHARE UPDATE EXCLUSIVE if the role could LOCK TABLE so, else INSERT's ROW
 * EXCLUSIVE.
 */
extern LOCKMODE run_deed_mode(Oid relid);

/* Returns whether this session holds a lock of any mode on the relation */
extern bool run_deed_holds(Oid relid);

/* Like run_deed(), without an action: with a deadline by schemaguard.lock_timeout */
extern void run_deed_alone(void (*fn) (void *arg), void *arg);

/* Like run_deed_alone(), for a deed that only reads: locks every table in ACCESS SHARE */
extern void run_deed_reading(void (*fn) (void *arg), void *arg);

/* A table that a deed has looked at */
typedef struct LookedTable LookedTable;

/*
 * Like run_deed_reading(), for the look before a deed: adds each table that it
 * locks to *tables (LookedTable *), in the current memory context.
 */
extern void run_deed_look(List **tables, void (*fn) (void *arg), void *arg);

/*
 * Like run_deed_alone(), for the deed after such a look: locks its tables
 * first, in the order of their OIDs, so that deeds which look at the same
 * tables in different orders don't deadlock.
 */
extern void run_deed_looked_at(const List *tables, void (*fn) (void *arg), void *arg);

#endif							/* SG_RUN_DEED_H */
