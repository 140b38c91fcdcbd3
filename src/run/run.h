/*-------------------------------------------------------------------------
 *
 * run.h
 *	  A procedure on a plan: one CALL, its steps, and the actions on them.
 *
 *	  run_call.c is the call from beginning to end, run_end.c its outcome,
 *	  run_step.c the work on one step, run_unit.c transactions, time limits
 *	  and the log of one action, run_lock.c locking tables without holding up
 *	  the application, run_throttle.c pauses under load, run_rights.c the
 *	  privileges that the caller needs.
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

/* Number of orphans that sg_add_fks(fix => true) fixes in a batch */
#define RUN_FIX_BATCH 10000

/* Counts of rows that a call deletes or changes, by table: see run_rows.h */
typedef struct RunRows RunRows;

/* State of one CALL on a plan */
typedef struct PlanRun
{
	FkPlan	   *plan;
	pg_uuid_t	id;
	TimestampTz started_at;
	bool		validate;
	bool		parallel;		/* all keys are added before any is validated,
								 * table by table */
	int64		done;			/* number of steps examined */
	int64		orphan_rows;	/* orphans found in all steps */

	List	   *broken;			/* steps whose key is valid, but not proved by
								 * their rows */
	List	   *proved;			/* OIDs, once has_proved is set:
								 * deploy_is_proved */
	bool		has_proved;

	MemoryContext context;		/* memory context of the whole call */
	List	   *hints;			/* char *: hints that steps have already told */
	List	   *said;			/* of run_say() */
	const char *procedure;		/* "sg_add_fks", for messages and the log */
	char	   *given;			/* arguments of the call, if the first one is
								 * not the plan's name */
	const char *author;			/* author of the plan that the caller wants,
								 * or NULL */
	List	   *chosen;			/* numbers of the chosen steps, or NIL: all;
								 * becomes plan->chosen */
	bool		keys_chosen;	/* the chosen steps are the foreign keys, and
								 * the steps that they need */
	bool		approved;		/* what the plan is made for was approved */
	const char *confirm;		/* hash of the plan that the caller has read,
								 * or NULL */
	SgProgressAction shows;		/* action that sg_progress shows at first */
	bool		each_step;		/* the call takes every step to its end */
	bool		fail;			/* raise an error if any step is left undone */
	bool		as_defined;		/* function bodies are not examined, because
								 * they may call functions that do not exist
								 * yet, or no longer */
	int64		copies;			/* rows in quarantine before a restore; 0: not
								 * counted yet */
	int64		copies_back;	/* rows among them that finished restores
								 * brought back */
	List	   *refusing;		/* OIDs of keys that refused rows from
								 * quarantine in the last restore */
	int64		rows_back;		/* rows that a rollback brought back from
								 * quarantine */
	int64		rows_left;		/* rows that a rollback left in quarantine */
	ErrorData  *rows_error;		/* error that keeps a rollback from going on
								 * with rows, or NULL */
	char	   *left_reason;	/* which rows are left, and why, for the last
								 * line; or NULL */
	int64		rows_lost;		/* rows that a rollback cannot bring back,
								 * because there is no copy */
	int64		values_lost;	/* rows and values that went for good with
								 * what a rollback takes back */
	bool		uncounted_lost; /* there are such without a number */
	bool		lost_in_doubt;	/* an undo may have given them back */
	char	   *tally;			/* counts for the last line; NULL: the steps
								 * by state */
	char	   *next;			/* hint of the last line, the next call; NULL:
								 * found from the states */
	bool		urgent;			/* the plan is taken back: do not wait for
								 * load */
	bool		gives_room;		/* the next action frees space or restores
								 * rows: low space is no reason to wait */
	List	   *rows_out;		/* int: steps of a rollback whose rows were
								 * away at the first look */
	bool		rows_out_known;
	int			at_step;		/* the step that has begun and not ended, or 0 */
	char	   *stop_reason;	/* why the call begins nothing new, or NULL:
								 * see run_throttle */
	TimestampTz window_end;		/* 0: none */
	struct Followers *followers;	/* followers for which the call waits if
									 * they lag, or NULL */
	Oid			behind;			/* table whose vacuum keeps the next batch
								 * waiting, or InvalidOid */
	List	   *failures;		/* TableFailures *: see run_throttle.c */
	List	   *put_last;		/* numbers of steps postponed because their
								 * tables are busy */
	const struct SgSeen *seen;	/* moment at which the call began */
	List	   *unkept;			/* int: steps that have not put their rows
								 * into quarantine in their turn */
	List	   *in_order;		/* the steps in the order of the call, with
								 * tables of whose rows they keep copies: see
								 * fix_before.c */
	bool		keepers_known;	/* these tables were looked up */
	bool		may_put_last;	/* postponed steps get another round in this
								 * run */
	bool		hasty;			/* a wait for a lock has timed out: later
								 * waits are short */

	bool		fix;			/* fix orphans if the step's policy says so */
	bool		dry_run;		/* only count the orphans */
	bool		counting;		/* dry_run for a count before the call begins */
	int			batch;			/* largest number of rows per transaction */
	int64		max_rows;		/* rows that the call may delete or change
								 * without a copy; negative: not given */
	RunRows    *rows;			/* rows that the call has deleted or changed,
								 * or in a dry run would; a caller that makes
								 * several runs creates it for all of them */
	int64		refused;		/* rows and values of steps that were rolled
								 * back because of max_rows */
	RunRows    *foreseen;		/* rows that all steps would delete or change,
								 * counted before the first one, or NULL */
	List	   *uncounted;		/* int: steps whose rows can't be counted yet,
								 * because earlier ones change them */
	struct HTAB *gone;			/* FixPlace entries: in a dry run, rows that
								 * steps would have removed; NULL: nothing yet */
	List	   *copied;			/* FixCopied *: tables of the plan's rows in
								 * quarantine, or in a dry run of those
								 * foreseen as well */
	bool		copied_known;
	RunRows    *written;		/* rows changed by statements of the plan's
								 * author, and dropped by steps; max_rows, if
								 * given, bounds these, too */
	int64		kept_by;		/* id of the plan whose copies are restored;
								 * 0: the run's own */
	List	   *unfilled;		/* steps whose backfill has failed */
	List	   *steps;			/* PlanStep *: as they were when the call
								 * began */
	PlanGraph  *graph;			/* graph of all steps; NULL: no step of the
								 * call waits for another one */
	Bitmapset  *audited;		/* steps without orphans, counted together
								 * with earlier ones */
	Bitmapset  *counted;		/* all steps counted together, with orphans or
								 * without: no step is counted twice */
	struct DeploySlot *yield;	/* in a worker that builds indexes, its slot:
								 * see deploy_yield.c */
	bool		by_type;		/* the last restore has left rows whose
								 * columns have another type now */
	bool		doubled;		/* the last restore has left rows that are in
								 * a restored table already */
	TransactionId restores_since;	/* rows that this call puts back have this
									 * one or a later one */
	bool		retyped;		/* restore such rows, too, with the old types */
	bool		past_keys;		/* restore rows past keys and triggers */
	bool		awaits_values;	/* a rollback is yet to restore rows or old
								 * values: columns with values that their
								 * steps do not give may have come from those */
	bool		put_off;		/* the last undo has left such a column for
								 * later */
} PlanRun;

/* State of one step in one CALL */
typedef struct StepWork
{
	PlanRun    *run;
	PlanStep   *step;
	char	   *object;			/* "key ON table", for log and notices */
	StringInfoData notice;		/* text of the NOTICE: what was done */
	const char *hint;			/* hint about the outcome, or NULL */
	bool		warns;			/* the outcome is not what the plan wants: a
								 * WARNING */

	/* work on one partition of the step's child (deploy_partition.c), or NULL */
	const FkKey *whole;			/* the planned key of the whole table */
	bool		shared;			/* other workers work on the same step */
	StepState	reached;		/* the step's state once the action is done */
	bool		restoring;		/* an old key comes back: the step's state is
								 * not about it */

	/* effects of the current action for the step */
	const char *statement;		/* NULL: none */
	List	   *columns;		/* names of the columns that the action drops */
	FkKey	   *key;			/* key as resolved before the action began;
								 * NULL: the action is not about a key */
	int64		started_id;
	int64		deed;			/* id of the deed that is taken back */

	/* validation by a scan */
	Oid			conid;			/* OID of the constraint to validate */
	Oid			table;			/* table of the constraint */
	StepState	validated;		/* state of the step after the validation */
	AuditKey   *verdict;		/* result of the audit; NULL: not audited */
	const char *why_core;		/* why only VALIDATE CONSTRAINT will do, or
								 * NULL */
} StepWork;

/* A table that an action locks, with its partitions */
typedef struct LockTarget
{
	Oid			relid;
	LOCKMODE	mode;
	bool		alone;			/* lock the table without its partitions */
} LockTarget;

/*
 * Action on a step, or on several that share a child: locks, the work, new
 * states.  `execute` does the work under the locks.
 */
typedef struct RunAction RunAction;

struct RunAction
{
	PlanRun    *run;
	List	   *works;			/* StepWork * */
	const char *name;			/* audit, add, validate, replace, index, ... */
	const char *message;		/* message of the started rows, or NULL */
	bool		references;		/* the key is new, so REFERENCES on the parent
								 * is needed */
	bool		goes_on;		/* the step has another action to come, whose
								 * commit waits for the disk for both */
	bool		never_queues;	/* a batch: its attempts do not queue for a
								 * lock, and a vacuum in its way is a pause */
	List	   *targets;		/* LockTarget *, in the order of locking */
	void		(*execute) (RunAction *action);

	/* an attempt */
	TimestampTz deadline;		/* deadline for all of its locks; 0: no
								 * queueing */
	bool		backwards;		/* lock the last target first */

	/* outcome */
	int			attempts;
	TimestampTz started_at;
	int64		rows;			/* number of rows that it has deleted or
								 * changed, for the log; 0: none */
	ErrorData  *error;			/* NULL: done */
	bool		put_last;		/* the error is about a lock: postpone the
								 * step to the end */
	char	   *blockers;		/* JSON: sessions that were in the way last */
	int			wraparound_pid; /* an anti-wraparound vacuum among them, which
								 * does not give way */
	Oid			wanted;			/* relation that the last attempt could not
								 * lock */
	Oid			wanted_root;	/* topmost table of that relation, or the
								 * relation itself */
	int			session_deadlock_timeout;	/* deadlock_timeout in ms before
											 * this call shortened it */
};

/* ---- run_call.c ---- */

/*
 * Called when a plan is opened and its run lock held: closes the leftovers of
 * earlier calls.  Set by a higher room's init function.
 */
typedef void (*run_open_hook_type) (const PlanRun *run);
extern run_open_hook_type run_open_hook;

/*
 * Set by the room of promotions: returns why no plan may run in this database
 * now, or NULL
 */
extern char *(*run_window_hook) (void);

/*
 * Checks of every procedure with a plan as its first argument: raises 25001 in
 * a transaction block, 25006 on a standby, 22004 for a null plan.
 */
extern void run_check_call(FunctionCallInfo fcinfo, const char *procedure);

/*
 * Runs `work` for the plan of the first argument: with SPI that may commit,
 * under the plan's lock from beginning to end (55006 if another session has
 * it), after closing the leftovers of a crash and checking the approval
 * (55000), with a summary in the end.  With run->fail, raises an error after
 * the last commit if steps are left undone: their common SQLSTATE, or SG001 for
 * several causes.  The caller sets run->procedure, urgent and the arguments of
 * the procedure.  Before all that, raises 42501 if the role may not run the
 * plan, runs another role's plan without naming its author in argument number
 * `author`, or lacks a privilege that `check` asks for.
 */
extern void run_call(FunctionCallInfo fcinfo, int author, PlanRun *run,
					 void (*check) (PlanRun *run), void (*work) (PlanRun *run));

/* ---- run_end.c ---- */

/* Returns whether policy "leave" accepts the error: orphans that stay */
extern bool run_wants_orphans(const PlanStep *step, int sqlerrcode);

/*
 * Says something of a call once, before its last line, however often its
 * transactions come to say it
 */
extern void run_say(PlanRun *run, int elevel, const char *text);

/*
 * Reports by the last line the number of steps by state, with the next call as
 * its hint, and before it why the call has stopped.
 */
extern void run_tell_summary(const PlanRun *run);

/* Returns what would be done to rows, and which steps are not counted; NULL: nothing */
extern char *run_foreseen_text(const PlanRun *run, const RunRows *rows);

/* Warns of rows that the call has deleted or changed so far, when an error ends it */
extern void run_tell_cut_off(const PlanRun *run);

/*
 * Returns the text of a CALL of a procedure on the run's plan, with all
 * arguments that the run's caller has given and the procedure has: steps,
 * validate, fix, author and so on.  For a hint with another argument, pass a
 * changed copy of the run.
 */
extern char *run_call_text(const PlanRun *run, const char *procedure);

/*
 * Returns the hint to fix rows of these steps, with what the call does before
 * it.  For a policy that keeps no copy, and for more rows than
 * schemaguard.fix_limit, it is the dry run, whose own hint has the call.
 */
extern char *run_fixing_hint(const PlanRun *run, List *steps, const char *procedure, const char *does);

/*
 * Return the run's chosen steps as a further argument, and a SELECT * FROM the
 * function about these steps
 */
extern char *run_steps_text(const PlanRun *run);
extern char *run_select_text(const PlanRun *run, const char *function);

/*
 * Returns the steps that are left undone against the plan's will (failed,
 * skipped for a reason in the database, not reached) as an error with SQLSTATE
 * and detail, or NULL.
 */
extern ErrorData *run_find_rest(const PlanRun *run);

/* ---- run_step.c ---- */

/*
 * Returns whether the step waits for others, by run->graph: then sets its state
 * and its reason; a step that no longer waits becomes pending again.
 */
extern bool run_holds_step(PlanRun *run, const PlanStep *step);

/* Notes that a step has not put its rows into quarantine: steps that keep no copies of them wait */
extern void run_note_unkept(PlanRun *run, const PlanStep *step);

/*
 * Begins the work on a step; returns NULL if the step is gone, or skipped for
 * good. run_end_step() ends it.
 */
extern StepWork *run_begin_step(PlanRun *run, int step);
extern void run_end_step(const StepWork *work);

/* Runs a statement without a result, as the caller */
extern void run_statement(const char *statement);

/*
 * Switches to the owner of a table, `role`, who is not the caller: raises 42501
 * unless the caller could act as this role. sg_scope_end() ends it.
 */
extern void run_become_owner(SgScope *scope, Oid relid, Oid role);

#endif							/* SG_RUN_H */
