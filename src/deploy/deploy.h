/*-------------------------------------------------------------------------
 *
 * deploy.h
 *	  Putting the keys of a plan into the catalog.
 *
 * deploy_run.c is the procedure, deploy_step.c what happens to one step,
 * deploy_validate.c how keys become valid, deploy_partition.c how the key of
 * a partitioned table is made of those of its partitions, deploy_attach.c how
 * it takes them over, deploy_backfill.c how new columns are filled,
 * deploy_replace.c the end of a key that a step replaces, deploy_audit.c how
 * orphans are counted on the way, deploy_fix*.c how they are removed or
 * mended, fix_quarantine.c where copies of them are kept, run_lock.c how
 * tables are locked without holding up the application, run_unit.c
 * transactions, time limits and the log of one action, deploy_rights.c what
 * the caller may not do, deploy_index.c the indexes that keys want, deploy_parallel.c what background workers do, deploy_yield.c to whom they give way,
 * run_throttle.c when to pause, undo_rollback.c and undo.c how all
 * of it is taken back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_H
#define SG_DEPLOY_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "port/atomics.h"
#include "storage/lockdefs.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/progress.h"
#include "log/log.h"
#include "plan/plan.h"
#include "worker/worker.h"

/* the reason of a failure when schemaguard.statement_timeout struck */
#define DEPLOY_TIMEOUT_TEXT "the statement took longer than schemaguard.statement_timeout"

/* One CALL */
typedef struct DeployRun
{
	FkPlan	   *plan;
	pg_uuid_t	id;
	bool		validate;
	bool		parallel;		/* keys are added first, then validated table
								 * by table */
	int64		done;			/* steps looked at */
	int64		orphan_rows;	/* found in all of them */

	List	   *broken;			/* of steps whose key is valid, and whose rows
								 * are not known to hold */
	List	   *proved;			/* OIDs, once has_proved: deploy_is_proved */
	bool		has_proved;

	MemoryContext context;		/* of what lives as long as the call */
	const char *procedure;		/* "sg_add_fks", for messages and the log */
	const char *author;			/* whose plan the caller wants, or NULL */
	SgProgressAction shows;		/* what its progress begins with */
	bool		urgent;			/* a plan is taken back: wait for no load */
	char	   *stop_reason;	/* begin nothing new, or NULL: see
								 * deploy_throttle */
	TimestampTz window_end;		/* 0: none */
	List	   *failures;		/* of TableFailures *: run_throttle.c */
	List	   *put_last;		/* numbers of steps whose tables are busy */
	bool		may_put_last;	/* they get another round in this run */

	bool		fix;			/* orphans, where the step's policy says so */
	bool		dry_run;		/* count them only */
	int			batch;			/* rows of one transaction, at most */
	int64		kept_by;		/* the id of the plan whose copies go back; 0:
								 * the run's own */
	List	   *unfilled;		/* of steps whose backfill has failed */
	List	   *steps;			/* of PlanStep *: as they were in the
								 * beginning */
	List	   *audited;		/* of steps that have no orphans, counted with
								 * an earlier step */
	pg_atomic_uint32 *yield;	/* in a worker that builds indexes, its slot:
								 * deploy_yield.c */
} DeployRun;

/* What has to be done for a step, by the catalog */
typedef enum StepNeed
{
	NEED_NOTHING,				/* the key is there and valid */
	NEED_ADD,
	NEED_VALIDATE,				/* the key is there, not valid */
	NEED_REPLACE,				/* it is valid, and the one that it replaces,
								 * or the trigger of its backfill, is there */
	NEED_SKIP					/* it can't be done: see problem */
} StepNeed;

typedef struct StepView
{
	StepNeed	need;
	FkKey		key;			/* as planned, resolved in this database */
	FkKey	   *existing;		/* the key that is there already, or NULL */
	FkKey	   *replaced;		/* the one whose place it takes, or NULL */
	bool		filling;		/* the trigger of its backfill is there */
	FkProblem  *problem;

	/*
	 * Where the child is partitioned and the key is not there: its partitions
	 * (of FkPartition *).  by_partition, before 18: they get the key one by
	 * one (NEED_ADD while some have none), become valid one by one, and are
	 * attached to a key of the table in the end (NEED_VALIDATE, though
	 * nothing exists).
	 */
	List	   *partitions;
	bool		by_partition;
} StepView;

/* One step in one CALL */
typedef struct StepWork
{
	DeployRun  *run;
	PlanStep   *step;
	char	   *object;			/* key ON table, for log and notices */
	StringInfoData notice;		/* what was done, for the NOTICE */
	const char *hint;			/* what to do about it, or NULL */

	/* work on one partition of the step's child (deploy_partition.c), or NULL */
	const FkKey *whole;			/* the planned key of the whole table */
	bool		shared;			/* other workers are at the same step */
	const char *reached;		/* the step's state once the action is done */
	bool		restoring;		/* the key is an old one that comes back: the
								 * step's state is not about it */

	/* what the action that is under way does for the step */
	const char *statement;		/* NULL: none */
	List	   *columns;		/* names of those that it drops */
	FkKey	   *key;			/* as resolved before the action began; NULL:
								 * the action is not about one */
	int64		started_id;
	int64		deed;			/* the one that is taken back */

	/* validation by a scan */
	AuditKey   *verdict;		/* NULL: it was not judged */
	const char *why_core;		/* why VALIDATE has to do it, or NULL */
} StepWork;

/* A table that an action locks, with its partitions */
typedef struct LockTarget
{
	Oid			relid;
	LOCKMODE	mode;
} LockTarget;

/*
 * One action on a step, or on several that share a child: locks, the work,
 * new states.  `execute` does the work under the locks.
 */
typedef struct DeployAction DeployAction;

struct DeployAction
{
	DeployRun  *run;
	List	   *works;			/* of StepWork * */
	const char *name;			/* audit, add, validate, replace, index, ... */
	const char *message;		/* of the started rows, or NULL */
	bool		references;		/* needs REFERENCES on the parent: it is new */
	bool		goes_on;		/* done, the step has another action to come,
								 * whose commit waits for the disk for both */
	List	   *targets;		/* of LockTarget *, in the order of locking */
	void		(*execute) (DeployAction *action);

	/* outcome */
	int			attempts;
	TimestampTz started_at;
	ErrorData  *error;			/* NULL: done */
	bool		put_last;		/* error is a lock's: come again at the end */
	char	   *blockers;		/* JSON: who was in the way last */
	int			wraparound_pid; /* a vacuum among them that won't give way */
	Oid			wanted;			/* what the last attempt could not lock */
	Oid			wanted_root;	/* the same, or the table that it is part of */
	int			session_deadlock_timeout;	/* ms, before we shortened it */
};

/* ---- deploy_run.c ---- */

/*
 * What every procedure with a plan as its first argument begins with: 25001
 * in a transaction block, 25006 on a standby, 22004 for a null argument.
 */
extern void deploy_check_call(FunctionCallInfo fcinfo, const char *procedure,
							  const char *const *names, int nargs);

/*
 * Run `work` for the plan of the first argument: SPI that may commit, the
 * plan's lock from beginning to end (55006), leftovers of a crash closed, the
 * approval checked (55000), a summary in the end.  run->procedure, urgent and
 * the arguments of the procedure are the caller's.
 *
 * Before any of it, and before the lock is taken, 42501 for who may not run the
 * plan, or runs another role's without naming it in the argument of number
 * `author`, or lacks what `check` asks for.
 */
extern void deploy_call(FunctionCallInfo fcinfo, int author, DeployRun *run,
						void (*check) (DeployRun *run), void (*work) (DeployRun *run));

/* ---- run_unit.c ---- */

/* Commit and start the next transaction: READ COMMITTED, READ WRITE */
extern void deploy_commit(void);

/*
 * The same without waiting for the disk, for what only announces a change: a
 * crash may lose it, but then it loses what would have come after it, too.
 */
extern void deploy_commit_soon(void);

/* Disarm statement_timeout, which would count the whole CALL, with a NOTICE */
extern void deploy_disarm_statement_timeout(void);

/* schemaguard.statement_timeout around a statement; did it strike? */
extern void deploy_arm_timeout(void);
extern void deploy_arm_timeout_after(int ms);	/* another limit; 0 is none */
extern void deploy_disarm_timeout(void);
extern bool deploy_timeout_struck(void);

/* Settings of DDL and scans, until the end of the transaction */
extern void deploy_set_local(const char *name, const char *value);

extern double deploy_elapsed(TimestampTz start);

/* Sleep, ready to be cancelled; the caller holds nothing */
extern void deploy_sleep_until(TimestampTz deadline);

/* How long an action took, where that is worth a word, else an empty string */
extern char *deploy_took_text(const DeployAction *action);

/* The moment and the started rows of an action; committed, but for the first */
extern void deploy_write_start(DeployAction *action);
extern void deploy_log_start(DeployAction *action);

/* An entry that ends an action for a step, with what all of them have in common */
extern LogEntry deploy_outcome(const DeployAction *action, const StepWork *work,
							   const char *phase);

/*
 * The state of a step after an action that leads to `state`: it is not called
 * validated while another action has to follow.
 */
extern const char *deploy_state(const StepWork *work, const char *state);

/* The action turned out to be unnecessary; no more than a row of the log */
extern void deploy_record_skipped(const DeployAction *action, const StepWork *work,
								  const char *message);

/*
 * The outcome of an action for a step, and the state in which that leaves it:
 * done, in the transaction of the DDL; failed, committed.
 */
extern void deploy_record_done(const DeployAction *action, const StepWork *work,
							   const char *state, const char *message);
extern void deploy_record_failure(const DeployAction *action, StepWork *work,
								  const char *state, int sqlerrcode,
								  const char *message, int64 orphan_rows);

/*
 * Write an outcome that is not part of an attempt; the caller commits.  A
 * cancel that comes meanwhile takes its place, as below.
 */
extern void deploy_settle(const DeployAction *action, void (*write) (void *arg), void *arg);
extern void deploy_settle_with(const DeployAction *action, LogEntry *entry);

/*
 * A cancel: say so in the log for the steps that have no outcome yet, commit
 * that, and pass it on
 */
pg_noreturn extern void deploy_log_cancel(const DeployAction *action, ErrorData *edata);

/* The state of a step that came no further, which depends on whether its key is still there */
extern const char *deploy_state_short_of(const FkKey *key);

/* One more thing that was done, for the NOTICE about a step */
extern void deploy_append_notice(StepWork *work, const char *text);

/* ---- run_lock.c ---- */

/*
 * Run an action to its end: attempts to lock, pauses without any lock, the
 * work, the log.  Returns true when it is done and committed.  Returns false
 * with action->error set, in a transaction that has done nothing yet: the
 * caller records the failure.  Cancels are logged, committed and thrown.
 */
extern bool deploy_attempt(DeployAction *action);

/* Run the work of an action that has been started; a cancel is logged and thrown */
extern bool deploy_guard(DeployAction *action, bool (*work) (DeployAction *action));

/* The next table that an action locks; a table is locked once, in the first mode */
extern void deploy_add_target(DeployAction *action, Oid relid, LOCKMODE mode);

/*
 * Wait for the transactions that write to a table now to end; false when they
 * have not by the deadline.  The caller holds nothing.
 */
extern bool deploy_wait_for_writers(Oid relid, TimestampTz deadline);

/*
 * Wait until nobody holds a lock on a table that conflicts with this one,
 * without queueing for it; false when somebody still does at the deadline, or
 * after lock_timeout.  The caller holds no snapshot.
 */
extern bool deploy_wait_for_holders(Oid relid, LOCKMODE mode, TimestampTz deadline);

/* Was it the locks?  And the error that ended an action, in words for people */
extern bool deploy_is_lock_failure(const ErrorData *error);
extern char *deploy_failure_text(const DeployAction *action);

/* ---- deploy_rights.c ---- */

/*
 * What ALTER TABLE would ask for, before anything is locked (42501): nobody may
 * lock what he may not alter.  `references` for a key that is new.
 */
extern void deploy_check_privileges(const FkKey *key, bool references);

/* A privilege on the table, or on each of the columns, if there are any */
extern bool deploy_has_privilege(Oid relid, const AttrNumber *columns, int n, Oid role, AclMode mode);

/*
 * Raise 42501 with what the caller lacks for the steps that sg_add_fks() or
 * sg_fix_orphans() would work on; to alter tables, or to put rows into them
 * (of char *, qualified; those that are not here count for nothing).  Need a
 * snapshot; write and lock nothing.
 */
extern void deploy_check_add_rights(DeployRun *run);
extern void deploy_check_fix_rights(DeployRun *run);
extern void deploy_check_ownership(const DeployRun *run, List *tables);
extern void deploy_check_insert(const DeployRun *run, List *tables);

/* ---- deploy_audit.c ---- */

/*
 * Count the orphans of a key for an action that has begun; the verdict, with
 * its reason.  A cancel is logged as the action's outcome and thrown.
 */
extern AuditKey *deploy_count_orphans(const DeployAction *action, const FkKey *key);

/* Orphans in words, and what to do about them */
extern char *deploy_orphans_text(const AuditKey *ak);
extern const char *deploy_orphans_hint(const StepWork *work);

/*
 * Policy "stop": a key that has orphans is not even added.  Returns whether
 * the step may go on.  Small tables of the steps that follow are read with it.
 */
extern bool deploy_audit_step(StepWork *work, FkKey *key);

/* The OIDs of the keys whose proof stands (schemaguard.fk_trust), in the caller's context */
extern List *deploy_proved_keys(void);

/* Whether that says of a key that needs none, or has one; read once for a call */
extern bool deploy_is_proved(DeployRun *run, const FkKey *key);

/*
 * The orphans of a key that is valid already: rows can have come in past it.
 * They are counted, and the count is on record.  Returns whether there are none.
 */
extern bool deploy_audit_existing(StepWork *work, FkKey *key);

/* ---- deploy_step.c ---- */

/*
 * Take one step as far as it goes now; the caller's transaction is clean.
 * Returns the child whose scan (deploy_validate_table) has to validate the
 * key, or InvalidOid when there is nothing left to do.
 */
extern Oid	deploy_step(DeployRun *run, int step);

/* A step whose key is there and valid by now says so, whatever became of its own work */
extern void deploy_settle_step(DeployRun *run, int step);

/* Is a step's key only added when it has no orphans? */
extern bool deploy_audits_first(const PlanStep *step);

/* NULL if the caller may add the key, else the error */
extern ErrorData *deploy_may_add(FkKey *key);

/* A step to work on, or NULL when it is gone or skipped for good; and its end */
extern StepWork *deploy_begin_step(DeployRun *run, int step);
extern void deploy_end_step(const StepWork *work);

/* How a step stands in the catalog now; needs a snapshot */
extern void deploy_look(PlanStep *step, StepView *view);

/* A step that can't be done, or whose key is there: say so, unless it does already */
extern void deploy_skip_step(StepWork *work, const FkProblem *problem);
extern void deploy_accept_existing(StepWork *work, const StepView *view);

/* SQL without a result, as the caller */
extern void deploy_run_statement(const char *statement);

/*
 * What a role does as the owner of a table, `role`, who is another one:
 * raises 42501 unless the caller could do it as well.  Ends with sg_scope_end.
 */
extern void deploy_become_owner(SgScope *scope, Oid relid, Oid role);

/*
 * ADD CONSTRAINT.  For a partitioned child the server opens the table anew and
 * computes constants in its partition key: as the owner, where those could
 * be code that is not the caller's, and as nobody (42501) where not its either.
 */
extern void deploy_run_add(Oid child, const char *statement);

/* ---- deploy_validate.c ---- */

/*
 * VALIDATE CONSTRAINT, in the caller's subtransaction: 42501 where policies
 * would hide rows from it
 */
extern void deploy_run_validate(const FkKey *key, const char *statement);

/* VALIDATE CONSTRAINT for a step's key */
extern void deploy_validate_key(StepWork *work, FkKey *key);

/*
 * Validate the keys of some steps, a List of their numbers, which have one
 * child: those that one scan can judge by one scan, the others by VALIDATE.
 */
extern void deploy_validate_table(DeployRun *run, List *steps);

/* ---- deploy_index.c ---- */

/*
 * Build the indexes that the steps of a plan (a List of PlanStep *) want and
 * this database lacks, by workers; a step whose index can't be built goes on
 * without.  Commits.
 */
extern void deploy_index_build(DeployRun *run, List *steps);

/*
 * What earlier builds have left behind: a valid index that nobody had the
 * time to record is recorded as built; an invalid one is dropped, with
 * so many milliseconds for each wait.  For the session that holds the plan's
 * run lock, when no worker of the plan is left.
 */
extern void deploy_index_recover(const DeployRun *run);
extern void deploy_index_drop_leftovers(DeployRun *run, int lock_timeout);

/*
 * In a worker: build an index of a table, or drop what is left of it, with its
 * log rows.  Gives way to whoever waits for it, and tries again.  False when
 * it has waited for others in vain.
 */
extern bool deploy_index_work(DeployRun *run, bool drop, int step,
							  const char *name, const char *statement,
							  const char *table, const char *columns);

/* ---- deploy_yield.c ---- */

/* How often the leader looks whether somebody waits for a build */
#define DEPLOY_YIELD_MS 50

/*
 * In a worker: from now on, until the end, it may be cancelled by way of its
 * slot.  The end tells whether it was; no such cancel comes after it.
 */
extern void deploy_yield_begin(pg_atomic_uint32 *slot);
extern bool deploy_yield_end(pg_atomic_uint32 *slot);

/* In the leader: cancel the workers, of which each has a slot, that somebody waits for */
extern void deploy_yield_look(const WorkerPool *pool, pg_atomic_uint32 *slots);

/* ---- deploy_parallel.c ---- */

/* A child whose keys are added, and wait for their validation */
typedef struct WaitingTable
{
	Oid			child;
	List	   *steps;			/* their numbers, in the order of the plan */

	/* which workers take first (deploy_validate_parallel) */
	int			priority;		/* of the first step: 0 is the most urgent */
	int			pages;
} WaitingTable;

typedef enum DeployJobKind
{
	JOB_VALIDATE,				/* list of lists of steps */
	JOB_VALIDATE_PARTITION,		/* step, partition */
	JOB_BUILD_INDEX,			/* list of (step, table, name, statement) */
	JOB_DROP_INDEX				/* the same */
} DeployJobKind;

/*
 * Have up to schemaguard.workers workers do some jobs, and wait for them.
 * Returns how many of the jobs, from the first on, were taken; if that is not
 * all, or a worker ended early, *trouble says why.  Commits.  A cancel ends
 * the workers, completes the log, and is thrown.
 */
extern int	deploy_run_jobs(DeployRun *run, DeployJobKind kind, List *jobs,
							int lock_timeout, char **trouble);

/* Are there steps of several tables to be validated by several workers? */
extern bool deploy_wants_parallel(List *steps);

/*
 * Validate the keys of some tables (a List of WaitingTable *) by workers;
 * returns the tables that are left for the session itself.
 */
extern List *deploy_validate_parallel(DeployRun *run, List *tables);

/*
 * Validate the keys of some partitions (a List of FkPartition *) of a step by
 * workers; returns how many of them, from the first on, are done or have
 * failed, on record.
 */
extern int	deploy_validate_partitions(DeployRun *run, int step, List *partitions);

/* ---- fix.c ---- */

/* What sg_add_fks(fix => true) does in a batch */
#define DEPLOY_FIX_BATCH 10000

/*
 * Do to the orphans of a step's key what its policy says, in batches with a
 * commit each; with run->dry_run, count them.  The key is declared, armed and
 * not valid (planned will do for a dry run).  Returns whether no orphan is
 * left that the policy is about; if not, the failure is on record.  The
 * caller's transaction is clean, before and after.
 */
extern bool deploy_fix_step(StepWork *work, const FkKey *key);

/* ---- fix_quarantine.c ---- */

/*
 * Put back what the plan has quarantined, in batches with a commit each; what
 * can't go back stays, with the reason.  Rows that the caller may not see
 * stay, too.  Returns how many rows went back.  *error: why a batch, of which
 * the log says that it failed, was the last one, or NULL.
 */
extern int64 deploy_restore_plan(DeployRun *run, ErrorData **error);

/* How many copies there are, seen or not */
extern int64 deploy_restore_left(const DeployRun *run);

/* ---- deploy_partition.c ---- */

/* What the partitions of the planned key's child mean for the step */
extern void deploy_look_partitions(StepView *view);

/* Add to an action what adding the planned key of a view locks */
extern void deploy_add_key_targets(DeployAction *action, const StepView *view);

/*
 * Before 18: give every partition the key NOT VALID; and validate it there,
 * then add it to the whole, which attaches those of the partitions.  Returns
 * whether the step may go on.
 */
extern bool deploy_partition_add(StepWork *work);
extern bool deploy_partition_validate(StepWork *work);

/* In a worker: validate the key of one partition, for a step that others work on, too */
extern void deploy_partition_validate_one(DeployRun *run, int step, Oid relid);

/* Does every partition have a key that will be attached, so that none is read? */
extern bool deploy_partitions_are_valid(const StepView *view);

/* What the log calls the adding of a partition's key, and of the whole */
extern const char *deploy_partition_action(const StepWork *work);

/* ---- deploy_attach.c ---- */

/* From so many on their triggers are dropped all at once */
#define DEPLOY_MANY_PARTITIONS 50

/* Add the key of a view whose partitions all have valid ones; false: failed, on record */
extern bool deploy_attach(StepWork *work, StepView *view);

/* ---- deploy_backfill.c ---- */

/*
 * Fill the columns of a step that has expressions for it, before its index is
 * built and its key is added: add the columns that are missing, make the
 * trigger that keeps them filled, update the rows.  A step for which that
 * comes to nothing goes to run->unfilled.
 */
extern void deploy_backfill_step(DeployRun *run, int step);

/*
 * Does every row that the key to be replaced joins have a value in each of the
 * new columns?  If not, and the policy is "stop", the step fails here; so it
 * does where that can't be found out.  `key` needs its tables only; `replaced`
 * may be NULL.
 */
extern bool deploy_backfill_is_complete(StepWork *work, FkKey *key, const FkKey *replaced);

/*
 * Drop the trigger, if it is there, and say so; what was filled stays.  Was it
 * there?
 */
extern bool deploy_backfill_disarm(DeployRun *run, PlanStep *step, const char *notice);

/* May the caller run the expressions of a plan by this role? */
extern bool deploy_backfill_is_trusted(const char *author);

/* ---- deploy_backfill_role.c ---- */

/*
 * As whom a step's columns are filled, InvalidOid for the caller: for
 * sg_role_begin(), or for this, which pins the search_path as the expressions
 * want it.  Raises 42501 where nobody may.  The caller has locked the child.
 */
extern Oid	deploy_backfill_role(const PlanStep *step, Oid child);
extern void deploy_backfill_begin(SgScope *scope, Oid role);

/* ---- deploy_replace.c ---- */

/*
 * What the key that a step replaces means for it: a problem, or in
 * view->replaced the key, NULL when it is gone.
 */
extern FkProblem *deploy_look_replaced(const PlanStep *step, StepView *view);

/* Drop that key, if the step's own is valid */
extern void deploy_replace_step(DeployRun *run, int step);

/* ---- run_throttle.c ---- */

/*
 * Before a step, an attempt to lock, a batch: waits while there is too much
 * load.  False when the run has to end (run->stop_reason): the window is over,
 * or the pause took too long.  The caller's transaction has done nothing, and
 * no snapshot is active: a pause commits.
 */
extern bool deploy_throttle(DeployRun *run);

/* The same for what makes no load of its own: is the window over, or was the run stopped? */
extern bool deploy_must_stop(DeployRun *run);
extern void deploy_stop(DeployRun *run, const char *reason);

/* Read the settings once, as a call begins; errors for those that make no sense */
extern void deploy_throttle_begin(DeployRun *run);

/*
 * The same bit by bit, for a preflight.  When the window ends, or 0 when there
 * is none (22007, 22008 and 22023 for what is no time); load by the limits, in
 * words, or NULL; and by the user's function, for a subtransaction of the
 * caller's: errors are those of deploy_throttle_begin, or of the function.
 */
typedef struct ThrottleAnswer
{
	MemoryContext context;
	char	   *reason;			/* NULL: go on */
} ThrottleAnswer;

extern TimestampTz deploy_window_end(void);
extern char *deploy_throttle_lag(void);
extern char *deploy_throttle_waiting(void);
extern void deploy_throttle_ask(void *answer);

/* One more attempt to lock the table has failed: are its steps to be put last? */
extern bool deploy_breaker_count(DeployRun *run, Oid relid);

/* Was that so for a table of this key?  Then the step is put last. */
extern bool deploy_breaker_open(StepWork *work, const FkKey *key);
extern void deploy_put_last(DeployRun *run, int step);

#endif							/* SG_DEPLOY_H */
