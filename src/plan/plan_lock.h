/*-------------------------------------------------------------------------
 *
 * plan_lock.h
 *	  Locks on plans and their surroundings: one session at a time runs or
 *	  changes a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_LOCK_H
#define SG_PLAN_LOCK_H

#include "postgres.h"

#include "plan/plan.h"

/* Object of a plan's lock; a lock on the table of plans, unless noted otherwise */
typedef enum PlanLock
{
	PLAN_LOCK_RUN,				/* a plan, by its id: the run lock */
	PLAN_LOCK_WORKERS,			/* shared by the workers of the session that
								 * runs the plan */
	PLAN_LOCK_NAME,				/* a plan's name, by its hash */
	PLAN_LOCK_SYNC,				/* sg_sync_apply(); id 0 */
	PLAN_LOCK_SCRATCH			/* on pg_database: a scratch database, by the
								 * hash of its name */
} PlanLock;

/*
 * Takes a lock, exclusively and without waiting, for the session or for the
 * transaction; returns false if another session has it
 */
extern bool plan_lock(PlanLock lock, Oid table, uint32 id, bool session);
extern void plan_unlock(PlanLock lock, Oid table, uint32 id);	/* releases a session
																 * lock */

/* Returns the pid of the session that holds a lock, or 0: no session, or a prepared transaction */
extern int	plan_lock_pid(PlanLock lock, Oid table, uint32 id);

/*
 * Takes the plan's run lock for the session or for the transaction; returns
 * false if another session holds it.  The session lock lives until
 * plan_unlock_run or the end of the backend.
 */
extern bool plan_lock_run(const FkPlan *plan, bool session);
extern void plan_unlock_run(const FkPlan *plan);

/* Returns the PID of the session that holds the plan's run lock, or 0 */
extern int	plan_runner_pid(const FkPlan *plan);

/* Raises 55006: another session has the run lock */
pg_noreturn extern void plan_in_use(const FkPlan *plan);

/*
 * plan_join_run() lets a worker of the session `leader` take part in the run;
 * returns false if that session does not hold the run lock any more.  Lasts
 * until the end of the worker, or the abort of a transaction.
 * plan_await_workers(): the holder of the run lock waits for workers of a dead
 * session, which may be in the middle of a commit.
 */
extern bool plan_join_run(const FkPlan *plan, int leader);
extern void plan_await_workers(const FkPlan *plan);

#endif							/* SG_PLAN_LOCK_H */
