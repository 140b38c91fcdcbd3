/*-------------------------------------------------------------------------
 *
 * deploy.h
 *	  Putting the keys of a plan into the catalog.
 *
 * deploy_run.c is the procedure, deploy_step.c what happens to one step,
 * deploy_lock.c how tables are locked without holding up the application,
 * deploy_unit.c transactions, time limits and the log of one action.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_H
#define SG_DEPLOY_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "storage/lockdefs.h"

#include "audit.h"
#include "compat.h"
#include "log.h"
#include "plan.h"

/* One CALL */
typedef struct DeployRun
{
	FkPlan	   *plan;
	pg_uuid_t	id;
	bool		validate;
	int64		done;			/* steps looked at */
	int64		orphan_rows;	/* found in all of them */
} DeployRun;

/* A table that an action locks, with its partitions */
typedef struct LockTarget
{
	Oid			relid;
	LOCKMODE	mode;
} LockTarget;

/*
 * One action on a step: locks, a statement, a new state.  `execute` does the
 * work under the locks.
 */
typedef struct DeployAction DeployAction;

struct DeployAction
{
	DeployRun  *run;
	PlanStep   *step;
	const char *name;			/* add, validate */
	const char *object;
	const char *statement;
	FkKey	   *key;			/* as resolved before the action began */
	bool		references;		/* needs REFERENCES on the parent: it is new */
	LockTarget	targets[2];		/* in the order of locking */
	int			ntargets;
	void		(*execute) (DeployAction *action);

	/* outcome */
	int			attempts;
	int64		started_id;
	TimestampTz started_at;
	ErrorData  *error;			/* NULL: done */
	char	   *blockers;		/* JSON: who was in the way last */
	int			wraparound_pid; /* a vacuum among them that won't give way */
	Oid			wanted;			/* what the last attempt could not lock */
	int			session_deadlock_timeout;	/* ms, before we shortened it */
};

/* ---- deploy_unit.c ---- */

/* Commit and start the next transaction: READ COMMITTED, READ WRITE */
extern void deploy_commit(void);

/* Disarm statement_timeout, which would count the whole CALL, with a NOTICE */
extern void deploy_disarm_statement_timeout(void);

/* schemaguard.statement_timeout around a statement; did it strike? */
extern void deploy_arm_timeout(void);
extern void deploy_disarm_timeout(void);
extern bool deploy_timeout_struck(void);

/* Settings of DDL and scans, until the end of the transaction */
extern void deploy_set_local(const char *name, const char *value);

/* The started row, committed; and its outcome, not committed yet */
extern int64 deploy_log_start(DeployRun *run, PlanStep *step, const char *action,
							  const char *object, const char *statement);
extern double deploy_elapsed(TimestampTz start);

/* An entry that ends an action, with what all of them have in common */
extern LogEntry deploy_outcome(const DeployAction *action, const char *phase);

/* A cancel: say so in the log, commit that, and pass it on */
pg_noreturn extern void deploy_log_cancel(const DeployAction *action, ErrorData *edata);

/* ---- deploy_lock.c ---- */

/*
 * Run an action to its end: attempts to lock, pauses without any lock, the
 * work, the log.  Returns true when it is done and committed.  Returns false
 * with action->error set, in a transaction that has done nothing yet: the
 * caller records the failure.  Cancels are logged, committed and thrown.
 */
extern bool deploy_attempt(DeployAction *action);

/* What ALTER TABLE would ask for (42501); `references` for a key that is new */
extern void deploy_check_privileges(const FkKey *key, bool references);

/* ---- deploy_step.c ---- */

/* Take one step as far as it goes now; the caller's transaction is clean */
extern void deploy_step(DeployRun *run, int step);

#endif							/* SG_DEPLOY_H */
