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
 * Build the indexes that the steps of a plan (a List of PlanStep *) want and
 * this database lacks, by workers; a step whose index can't be built goes on
 * without.  Commits.
 */
extern void deploy_index_build(PlanRun *run, List *steps);

/*
 * Builds indexes (a List of PlanIndex *, without keys) that steps of another
 * kind are about.  Where one can't be built, the log says why;
 * the step has failed if it was tried.
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
 * In a worker: build an index of a table, or drop what is left of it, with its
 * log rows.  Gives way to whoever waits for it, and tries again.  False when
 * it has waited for others in vain.
 */
extern bool deploy_index_work(PlanRun *run, bool drop, int step,
							  const char *name, const char *statement,
							  const char *table, const char *columns);

/* ---- deploy_yield.c ---- */

/* How often the leader looks whether somebody waits for a build */
#define DEPLOY_YIELD_MS 50

/* A build gives way so many times: once to each session, and once to the autovacuums of its table together */
#define DEPLOY_YIELD_TIMES 3

/* Bytes of a text that says why a run stops, and how many holders of what a worker waits for are kept */
#define DEPLOY_STOP_SIZE 512
#define DEPLOY_HOLDERS 5

/* A session that waits for a build */
typedef struct DeployWaiter
{
	int			pid;
	bool		autovacuum;
	Oid			role;
	LOCKMODE	mode;
} DeployWaiter;

/* Memory that the leader and a worker share; deploy_yield.c alone reads and writes it */
typedef struct DeploySlot
{
	pg_atomic_uint32 state;		/* may the worker be cancelled? */
	int			ngiven;
	DeployWaiter given[DEPLOY_YIELD_TIMES]; /* to whom this build gave way */
	DeployWaiter waiter;		/* the last one */
	char		low[DEPLOY_STOP_SIZE];	/* where space is low */
	int			nholders;
	int			holders[DEPLOY_HOLDERS];	/* processes that the worker waits
											 * for, or waited; 0: a prepared
											 * transaction */
} DeploySlot;

typedef enum DeployYield
{
	YIELD_NONE,					/* it was not cancelled */
	YIELD_WAITER,				/* for others, who wait for it */
	YIELD_STOP					/* for good: the run stops */
} DeployYield;

/* In a worker: another build begins, which has given way to nobody */
extern void deploy_yield_reset(DeploySlot *slot);

/*
 * In a worker: from now on, until the end, it may be cancelled by way of its
 * slot.  The end tells whether it was; no such cancel comes after it.
 */
extern void deploy_yield_begin(DeploySlot *slot);
extern DeployYield deploy_yield_end(DeploySlot *slot);

/* In a worker: who was it?  In words, as JSON for the log, and whether the build holds from now on */
extern char *deploy_yield_text(const DeploySlot *slot);
extern char *deploy_yield_json(const DeploySlot *slot, const char *table);
extern bool deploy_yield_holds(const DeploySlot *slot);

/* In the leader: cancel the workers, of which each has a slot, that somebody waits for */
extern void deploy_yield_look(const WorkerPool *pool, DeploySlot *slots);

/*
 * Returns the text of an error with the holders of the lock that a worker has
 * waited for in vain, who are kept for the action's log (NULL: none), too
 */
extern char *deploy_yield_waited(const DeploySlot *slot, RunAction *action, int sqlerrcode, const char *text);

/* In the leader: note for each worker that waits for a lock who holds it */
extern void deploy_yield_note_holders(const WorkerPool *pool, DeploySlot *slots);

/* In the leader: cancel all that are at a build, for good, with the reason for them to tell; were there any? */
extern bool deploy_yield_stop(const WorkerPool *pool, DeploySlot *slots, const char *low);

/* ---- deploy_parallel.c ---- */

/* A child whose keys are added, and wait for their validation */
typedef struct WaitingTable
{
	Oid			child;
	List	   *steps;			/* their numbers, in the order of the plan */

	/* which workers take first (deploy_validate_parallel) */
	StepPriority priority;		/* of the first step */
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
 * Have up to schemaguard.workers workers do some jobs, and wait for them.
 * Returns how many of the jobs, from the first on, were taken; if that is not
 * all, or a worker ended early, *trouble says why.  Commits.  A cancel ends
 * the workers, completes the log, and is thrown.
 */
extern int	deploy_run_jobs(PlanRun *run, DeployJobKind kind, List *jobs,
							int lock_timeout, char **trouble);

/*
 * Have a worker run one statement as the caller, as a client would send it:
 * one that can't be in a transaction.  Names in it are looked up in pg_catalog.
 * Returns NULL, or the error.  Commits.  The caller's action, which has begun (or
 * NULL), keeps for the log who was in the way.
 */
extern ErrorData *deploy_run_outside(PlanRun *run, const char *statement, RunAction *action);

/* Are there steps of several tables to be validated by several workers? */
extern bool deploy_wants_parallel(List *steps);

/*
 * Validate the keys of some tables (a List of WaitingTable *) by workers;
 * returns the tables that are left for the session itself.
 */
extern List *deploy_validate_parallel(PlanRun *run, List *tables);

/*
 * Validate the keys of some partitions (a List of FkPartition *) of a step by
 * workers; returns how many of them, from the first on, are done or have
 * failed, on record.
 */
extern int	deploy_validate_partitions(PlanRun *run, int step, List *partitions);

#endif							/* SG_DEPLOY_INDEX_H */
