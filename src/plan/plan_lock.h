/*-------------------------------------------------------------------------
 *
 * plan_lock.h
 *	  Locks on what plans are about: one session at a time runs or changes one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_LOCK_H
#define SG_PLAN_LOCK_H

#include "postgres.h"

#include "plan/plan.h"

/* Object of a plan's lock; a lock on the table of plans, unless said otherwise */
typedef enum PlanLock
{
	PLAN_LOCK_RUN,				/* a plan, by its id: the run lock */
	PLAN_LOCK_WORKERS,			/* beside it: shared by the workers of whoever
								 * runs the plan */
	PLAN_LOCK_NAME,				/* a name, by its hash */
	PLAN_LOCK_SYNC,				/* sg_sync_apply(); id 0 */
	PLAN_LOCK_SCRATCH			/* of pg_database: a scratch database, by the
								 * hash of its name */
} PlanLock;

/*
 * Take one of these, exclusively and without waiting, for the session or for
 * the transaction; false when somebody else has it
 */
extern bool plan_lock(PlanLock lock, Oid table, uint32 id, bool session);
extern void plan_unlock(PlanLock lock, Oid table, uint32 id);	/* of the session */

/*
 * Take the plan's run lock for the session or for the transaction; false when
 * another session holds it.  The session lock lives until plan_unlock_run or
 * the end of the backend.
 */
extern bool plan_lock_run(const FkPlan *plan, bool session);
extern void plan_unlock_run(const FkPlan *plan);

/*
 * The pid of the session that holds the plan's run lock, or 0: no session, or
 * a prepared transaction.
 */
extern int	plan_runner_pid(const FkPlan *plan);

/* Raise 55006: another session has the run lock */
pg_noreturn extern void plan_in_use(const FkPlan *plan);

/*
 * A worker of the session `leader` takes part in the run; false when that
 * session does not hold the run lock any more.  Lasts until the end of the
 * worker, or the abort of a transaction.  The holder of the run lock awaits
 * workers of a session that has died, which may be in the middle of a commit.
 */
extern bool plan_join_run(const FkPlan *plan, int leader);
extern void plan_await_workers(const FkPlan *plan);

#endif							/* SG_PLAN_LOCK_H */
