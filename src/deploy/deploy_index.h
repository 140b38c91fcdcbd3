/*-------------------------------------------------------------------------
 *
 * deploy_index.h
 *	  Background workers: the indexes that they build, to whom they give way, and
 *	  the keys that they validate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_INDEX_H
#define SG_DEPLOY_INDEX_H

#include "postgres.h"
#include "port/atomics.h"

#include "deploy/deploy.h"
#include "worker/worker.h"

/* ---- deploy_index.c ---- */

/*
 * Builds by workers the indexes that the steps of a plan (a List of PlanStep *)
 * want and this database lacks; a step whose index can't be built goes on
 * without it.  Commits.
 */
extern void deploy_index_build(PlanRun *run, List *steps);

/*
 * Builds indexes (a List of PlanIndex *, without keys) that are the objects of
 * steps of another kind.  The log says why one can't be built; its step has
 * failed if it was tried.
 */
extern void deploy_index_make(PlanRun *run, List *indexes);

/*
 * Settles the indexes that earlier builds have left behind: a valid index that nobody had the
 * time to record is recorded as built; an invalid one is dropped, with
 * so many milliseconds for each wait.  For the session that holds the plan's
 * run lock, when no worker of the plan is left.
 */
extern void deploy_index_recover(const PlanRun *run);
extern void deploy_index_drop_leftovers(PlanRun *run, int lock_timeout);

/*
 * In a worker: builds an index of a table, or drops a leftover, with its rows
 * in the log.  Gives way to sessions that wait for it, and tries again.
 * Returns false if it has waited for others in vain.
 */
extern bool deploy_index_work(PlanRun *run, bool drop, int step,
							  const char *name, const char *statement,
							  const char *table, const char *columns);

/* ---- deploy_yield.c ---- */

/* Interval at which the leader checks whether somebody waits for a build */
#define DEPLOY_YIELD_MS 50

/* How often a build gives way: once to each session, and once to all autovacuums of its table */
#define DEPLOY_YIELD_TIMES 3

/* Size of the text that says why a run stops, and number of lock holders that are kept */
#define DEPLOY_STOP_SIZE 512
#define DEPLOY_HOLDERS 5

/* Session that waits for a build */
typedef struct DeployWaiter
{
	int			pid;
	bool		autovacuum;
	Oid			role;
	LOCKMODE	mode;
} DeployWaiter;

/* Memory shared by the leader and a worker; used by deploy_yield.c alone */
typedef struct DeploySlot
{
	pg_atomic_uint32 state;		/* whether the worker may be cancelled */
	int			ngiven;
	DeployWaiter given[DEPLOY_YIELD_TIMES]; /* sessions that this build gave
											 * way to */
	DeployWaiter waiter;		/* the last of them */
	char		low[DEPLOY_STOP_SIZE];	/* where space is low */
	int			nholders;
	int			holders[DEPLOY_HOLDERS];	/* processes that the worker waits
											 * for, or waited; 0: a prepared
											 * transaction */
} DeploySlot;

typedef enum DeployYield
{
	YIELD_NONE,					/* not cancelled */
	YIELD_WAITER,				/* cancelled for sessions that wait */
	YIELD_STOP					/* cancelled for good: the run stops */
} DeployYield;

/* In a worker: resets the slot for another build */
extern void deploy_yield_reset(DeploySlot *slot);

/*
 * In a worker: allows a cancel by way of its slot, from begin to end.  The end
 * returns whether there was one; none comes after it.
 */
extern void deploy_yield_begin(DeploySlot *slot);
extern DeployYield deploy_yield_end(DeploySlot *slot);

/*
 * In a worker: return the session that it gave way to, in words or as JSON for
 * the log, and whether the build holds from now on
 */
extern char *deploy_yield_text(const DeploySlot *slot);
extern char *deploy_yield_json(const DeploySlot *slot, const char *table);
extern bool deploy_yield_holds(const DeploySlot *slot);

/* In the leader: cancels the workers, each of which has a slot, that somebody waits for */
extern void deploy_yield_look(const WorkerPool *pool, DeploySlot *slots);

/*
 * Returns the text of an error with the holders of the lock that a worker has
 * waited for in vain; the action's log (NULL: none) gets them, too
 */
extern char *deploy_yield_waited(const DeploySlot *slot, RunAction *action, int sqlerrcode, const char *text);

/* In the leader: records for each worker that waits for a lock who holds it */
extern void deploy_yield_note_holders(const WorkerPool *pool, DeploySlot *slots);

/*
 * In the leader: cancels all running builds for good, with the reason that they
 * report; returns whether there were any
 */
extern bool deploy_yield_stop(const WorkerPool *pool, DeploySlot *slots, const char *low);

/* ---- deploy_parallel.c ---- */

/* Child whose keys are added, and wait for validation */
typedef struct WaitingTable
{
	Oid			child;
	List	   *steps;			/* numbers of the steps, in the order of the
								 * plan */

	/* order in which workers take tables (deploy_validate_parallel) */
	StepPriority priority;		/* priority of the first step */
	int			pages;
} WaitingTable;

typedef enum DeployJobKind
{
	JOB_VALIDATE,				/* list of lists of steps */
	JOB_VALIDATE_PARTITION,		/* step, partition */
	JOB_BUILD_INDEX,			/* list of (step, table, name, statement) */
	JOB_DROP_INDEX,				/* the same */
	JOB_STATEMENT				/* statement */
} DeployJobKind;

/*
 * Lets up to schemaguard.workers workers do some jobs, and waits for them.
 * Returns how many of the jobs, from the first on, were taken; if not all, or
 * if a worker ended early, *trouble says why.  Commits.  A cancel ends the
 * workers, completes the log, and is raised.
 */
extern int	deploy_run_jobs(PlanRun *run, DeployJobKind kind, List *jobs,
							int lock_timeout, char **trouble);

/*
 * Lets a worker run one statement as the caller, as a client would send it, for
 * one that can't run in a transaction.  Names in it are looked up in
 * pg_catalog.  Returns NULL, or the error.  Commits.  The caller's action,
 * which has begun (or NULL), keeps blockers for the log.
 */
extern ErrorData *deploy_run_outside(PlanRun *run, const char *statement, RunAction *action);

/* Returns whether steps of several tables are to be validated by several workers */
extern bool deploy_wants_parallel(List *steps);

/*
 * Validates the keys of some tables (a List of WaitingTable *) by workers;
 * returns the tables that are left for the session itself.
 */
extern List *deploy_validate_parallel(PlanRun *run, List *tables);

/*
 * Validates the keys of some partitions (a List of FkPartition *) of a step by
 * workers; returns how many of them, from the first on, are done or have
 * failed, on record.
 */
extern int	deploy_validate_partitions(PlanRun *run, int step, List *partitions);

#endif							/* SG_DEPLOY_INDEX_H */
