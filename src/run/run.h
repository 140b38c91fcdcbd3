/*-------------------------------------------------------------------------
 *
 * run.h
 *	  A procedure on a plan: one CALL, its steps, and the actions on them.
 *
 * run_call.c is the call from beginning to end, run_end.c what it comes to,
 * run_step.c work on one step,
 * run_unit.c transactions, time limits and the log of one action, run_lock.c
 * how tables are locked without holding up the application, run_throttle.c
 * when to pause, run_rights.c what the caller may not do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_H
#define SG_RUN_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "storage/lockdefs.h"

#include "audit/audit.h"
#include "base/progress.h"
#include "base/scope.h"
#include "log/log.h"
#include "plan/plan.h"
#include "plan/plan_order.h"

/* Orphans that sg_add_fks(fix => true) fixes in a batch */
#define RUN_FIX_BATCH 10000

/* Rows that a call takes away or changes, by table: run_rows.h */
typedef struct RunRows RunRows;

/* State of one CALL on a plan */
typedef struct PlanRun
{
	FkPlan	   *plan;
	pg_uuid_t	id;
	TimestampTz started_at;
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
	List	   *hints;			/* of char *: that messages of steps had */
	const char *procedure;		/* "sg_add_fks", for messages and the log */
	char	   *given;			/* its arguments, where the first one is not
								 * the plan's name */
	const char *author;			/* whose plan the caller wants, or NULL */
	List	   *chosen;			/* numbers of the steps, or NIL: all; becomes
								 * plan->chosen */
	bool		keys_chosen;	/* those steps are the keys, and what they
								 * need */
	const char *confirm;		/* the hash of the plan that the caller has
								 * read, or NULL */
	SgProgressAction shows;		/* what its progress begins with */
	bool		each_step;		/* takes every step to its end */
	bool		fail;			/* raise an error if anything is left undone */
	bool		as_defined;		/* bodies are not looked at: they call what is
								 * not there yet, or no more */
	int64		copies;			/* in quarantine before a restore; 0: not
								 * counted yet */
	int64		copies_back;	/* of these, by restores that are over */
	List	   *refusing;		/* OIDs of keys that have kept rows in
								 * quarantine, by the last restore */
	int64		rows_back;		/* from quarantine, by a rollback */
	int64		rows_left;		/* in quarantine, by a rollback */
	ErrorData  *rows_error;		/* what keeps it from going on with rows, or
								 * NULL */
	char	   *left_reason;	/* which rows are left, and why, for the last
								 * line; or NULL */
	int64		rows_lost;		/* that a rollback can't bring back: there is
								 * no copy */
	char	   *tally;			/* what the last line counts; NULL: the steps
								 * by their states */
	char	   *next;			/* its hint, what to call next; NULL: by the
								 * states */
	bool		urgent;			/* a plan is taken back: wait for no load */
	bool		gives_room;		/* what comes next drops, or puts rows back:
								 * space that is low is no reason to wait */
	List	   *rows_out;		/* of int: of a rollback, steps whose rows
								 * were away when it was asked first */
	bool		rows_out_known;
	int			at_step;		/* the step that is begun and not ended, or 0 */
	char	   *stop_reason;	/* begin nothing new, or NULL: see
								 * run_throttle */
	TimestampTz window_end;		/* 0: none */
	struct Followers *followers;	/* who is waited for if they lag, or NULL */
	List	   *failures;		/* of TableFailures *: run_throttle.c */
	List	   *put_last;		/* numbers of steps whose tables are busy */
	const struct SgSeen *seen;	/* the moment when the call began */
	bool		may_put_last;	/* they get another round in this run */
	bool		hasty;			/* a lock was waited for in vain: later waits
								 * are short */

	bool		fix;			/* orphans, where the step's policy says so */
	bool		dry_run;		/* count them only */
	bool		counting;		/* the same, before the call begins */
	int			batch;			/* rows of one transaction, at most */
	int64		max_rows;		/* that the call may take away or change
								 * without a copy; negative: not given */
	bool		less_rows;		/* that is what earlier runs of the call have
								 * left of its limit */
	int64		rows_gone;		/* when it has ended: how many of them it has */
	RunRows    *rows;			/* that it has, or in a dry run would */
	struct HTAB *gone;			/* of FixPlace: in a dry run, what steps would
								 * have taken away; NULL: nothing yet */
	RunRows    *written;		/* that statements of the plan's author have,
								 * and what steps have dropped: the limit is
								 * about these if it is given */
	int64		kept_by;		/* the id of the plan whose copies go back; 0:
								 * the run's own */
	List	   *unfilled;		/* of steps whose backfill has failed */
	List	   *steps;			/* of PlanStep *: as they were in the
								 * beginning */
	PlanGraph  *graph;			/* of all steps; NULL: none of the call waits
								 * for another one */
	Bitmapset  *audited;		/* steps that have no orphans, counted with
								 * earlier ones */
	Bitmapset  *counted;		/* all that were counted so, with orphans or
								 * without: none is twice */
	struct DeploySlot *yield;	/* in a worker that builds indexes, its slot:
								 * deploy_yield.c */
	bool		by_type;		/* the last restore has left rows whose
								 * columns have another type by now */
	bool		retyped;		/* these go back, too, as they were */
	bool		past_keys;		/* rows go back past keys and triggers */
} PlanRun;

/* State of one step in one CALL */
typedef struct StepWork
{
	PlanRun    *run;
	PlanStep   *step;
	char	   *object;			/* key ON table, for log and notices */
	StringInfoData notice;		/* what was done, for the NOTICE */
	const char *hint;			/* what to do about it, or NULL */
	bool		warns;			/* the step was not done as the plan wants it */

	/* work on one partition of the step's child (deploy_partition.c), or NULL */
	const FkKey *whole;			/* the planned key of the whole table */
	bool		shared;			/* other workers are at the same step */
	StepState	reached;		/* the step's state once the action is done */
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
	Oid			conid;			/* the constraint that waits for it ... */
	Oid			table;			/* ... whose it is ... */
	StepState	validated;		/* ... and the state in which it leaves the
								 * step */
	AuditKey   *verdict;		/* NULL: it was not judged */
	const char *why_core;		/* why VALIDATE has to do it, or NULL */
} StepWork;

/* A table that an action locks, with its partitions */
typedef struct LockTarget
{
	Oid			relid;
	LOCKMODE	mode;
	bool		alone;			/* without them */
} LockTarget;

/*
 * Action on a step, or on several that share a child: locks, the work, new
 * states.  `execute` does the work under the locks.
 */
typedef struct RunAction RunAction;

struct RunAction
{
	PlanRun    *run;
	List	   *works;			/* of StepWork * */
	const char *name;			/* audit, add, validate, replace, index, ... */
	const char *message;		/* of the started rows, or NULL */
	bool		references;		/* needs REFERENCES on the parent: it is new */
	bool		goes_on;		/* done, the step has another action to come,
								 * whose commit waits for the disk for both */
	List	   *targets;		/* of LockTarget *, in the order of locking */
	void		(*execute) (RunAction *action);

	/* an attempt */
	TimestampTz deadline;		/* for all of its locks; 0: it does not queue */
	bool		backwards;		/* it locks the last target first */

	/* outcome */
	int			attempts;
	TimestampTz started_at;
	int64		rows;			/* that it has deleted or changed, for the
								 * log; 0: none */
	ErrorData  *error;			/* NULL: done */
	bool		put_last;		/* error is a lock's: come again at the end */
	char	   *blockers;		/* JSON: who was in the way last */
	int			wraparound_pid; /* a vacuum among them that won't give way */
	Oid			wanted;			/* what the last attempt could not lock */
	Oid			wanted_root;	/* the same, or the table that it is part of */
	int			session_deadlock_timeout;	/* ms, before we shortened it */
};

/* ---- run_call.c ---- */

/*
 * Called when a plan is opened and its run lock held: closes the leftovers of
 * earlier calls.  Set by the init function of a room above.
 */
typedef void (*run_open_hook_type) (const PlanRun *run);
extern run_open_hook_type run_open_hook;

/*
 * Checks for every procedure with a plan as its first argument: raises 25001 in
 * a transaction block, 25006 on a standby, 22004 for a null plan.
 */
extern void run_check_call(FunctionCallInfo fcinfo, const char *procedure);

/*
 * Run `work` for the plan of the first argument: SPI that may commit, the
 * plan's lock from beginning to end (55006), leftovers of a crash closed, the
 * approval checked (55000), a summary in the end; with run->fail, an error
 * after the last commit for what is left undone: its own SQLSTATE, SG001 for
 * several causes.  run->procedure, urgent and the arguments of the procedure
 * are the caller's.
 *
 * Before any of it, and before the lock is taken, 42501 for who may not run
 * the plan, or runs another role's without naming it in the argument of
 * number `author`, or lacks what `check` asks for.
 */
extern void run_call(FunctionCallInfo fcinfo, int author, PlanRun *run,
					 void (*check) (PlanRun *run), void (*work) (PlanRun *run));

/* ---- run_end.c ---- */

/* Is this what policy "leave" is about: orphans that stay? */
extern bool run_wants_orphans(const PlanStep *step, int sqlerrcode);

/*
 * The last line: how many steps are in which state now, with the next call as
 * its hint; before it, why the call has stopped.
 */
extern void run_tell_summary(const PlanRun *run);

/* Warns of what the call has done to rows until now, where an error ends it */
extern void run_tell_cut_off(const PlanRun *run);

/*
 * Returns the CALL of a procedure on the run's plan, with all that the run's
 * caller has given and the procedure has: steps, validate, fix, author and so
 * on.  A hint with another argument takes a copy of the run.
 */
extern char *run_call_text(const PlanRun *run, const char *procedure);

/*
 * Returns the hint that rows be fixed, with what the call does before it; of
 * more rows than schemaguard.fix_limit, the dry run, whose own hint has max_rows.
 */
extern char *run_fixing_hint(const PlanRun *run, const char *procedure, const char *does);

/* The steps that the run is about, as a further argument; a SELECT * FROM a function, about these */
extern char *run_steps_text(const PlanRun *run);
extern char *run_select_text(const PlanRun *run, const char *function);

/*
 * Returns the steps left undone against the plan's will, as SQLSTATE and detail of
 * an error, or NULL: failed, skipped for a reason in the database, not reached.
 */
extern ErrorData *run_find_rest(const PlanRun *run);

/* ---- run_step.c ---- */

/*
 * Does the step wait for others, by run->graph?  Then its state and its reason
 * say so; a step that waits no more is pending again.
 */
extern bool run_holds_step(PlanRun *run, const PlanStep *step);

/* A step to work on, or NULL when it is gone or skipped for good; and its end */
extern StepWork *run_begin_step(PlanRun *run, int step);
extern void run_end_step(const StepWork *work);

/* SQL without a result, as the caller */
extern void run_statement(const char *statement);

/*
 * Becomes the owner of a table, `role`, who is not the caller: raises 42501
 * unless the caller could act as this role.  Ends with sg_scope_end.
 */
extern void run_become_owner(SgScope *scope, Oid relid, Oid role);

#endif							/* SG_RUN_H */
