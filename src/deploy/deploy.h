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
 * orphans are counted on the way, deploy_rights.c what the caller lacks,
 * deploy_index.c the indexes that keys want, deploy_parallel.c what background
 * workers do, deploy_yield.c to whom they give way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_H
#define SG_DEPLOY_H

#include "postgres.h"

#include "run/run.h"

/* Work that a step needs, by the catalog */
typedef enum StepNeed
{
	NEED_NOTHING,				/* the key exists and is valid */
	NEED_ADD,
	NEED_VALIDATE,				/* the key exists, not valid */
	NEED_REPLACE,				/* the key is valid, and the key that it
								 * replaces, or the trigger of its backfill,
								 * still exists */
	NEED_SKIP					/* the step can't be done: see problem */
} StepNeed;

typedef struct StepView
{
	StepNeed	need;
	FkKey		key;			/* key as planned, resolved in this database */
	FkKey	   *existing;		/* key that exists already, or NULL */
	FkKey	   *replaced;		/* key that it replaces, or NULL */
	bool		filling;		/* the trigger of its backfill exists, or
								 * should, until the key is valid */
	FkProblem  *problem;

	/*
	 * Partitions (FkPartition *) of a partitioned child without the key.
	 * by_partition, before 18: each partition gets the key (NEED_ADD while
	 * some have none) and has it validated, and in the end a key of the table
	 * attaches these (NEED_VALIDATE, though the table has no key yet).
	 */
	List	   *partitions;
	bool		by_partition;
} StepView;

/* Registers the functions that lower rooms call */
extern void deploy_init(void);

/* ---- deploy_run.c ---- */

/* Runs sg_apply() on the plan of the first argument; the fourth argument is its author, or null */
extern void deploy_apply(FunctionCallInfo fcinfo, PlanRun *run);

/* ---- deploy_rights.c ---- */

/*
 * Raise 42501 with the privileges that the caller lacks for the steps that
 * sg_add_fks() would work on, or for all steps to which lacks_for objects;
 * steps of other kinds than keys have no view.  Need a snapshot; write and lock
 * nothing.
 */
extern void deploy_check_add_rights(PlanRun *run);
extern void deploy_check_each(PlanRun *run,
							  char *(*lacks_for) (PlanRun *run, PlanStep *step, const StepView *view));

/*
 * Returns the privilege that is lacking on the key's tables, their schemas and,
 * if orphans are counted, their rows; or NULL
 */
extern char *deploy_lacks(const StepView *view, bool references, bool rows);

/* ---- deploy_audit.c ---- */

/*
 * Counts the orphans of a key for an action that has begun; returns the verdict
 * with its reason.  A cancel is logged as the action's outcome and raised.
 * Waits for a locked table as run_limit_waits() says; then the action's log
 * names the holder.
 */
extern AuditKey *deploy_count_orphans(RunAction *action, const FkKey *key);

/* Return the orphans in words, the statement that lists them, and a hint about those of a step */
extern char *deploy_orphans_text(const AuditKey *ak);
extern char *deploy_orphans_list(const FkKey *key);

/*
 * Returns in words how many rows break a rule that has no step; NULL if none
 * do, or if it can't be told.  Commits.
 */
extern char *deploy_rule_broken(StepWork *work, AuditKey *rule);

/* Returns a hint about rows that break the rule of a step other than a key */
extern char *deploy_rule_hint(const PlanStep *step);
extern const char *deploy_orphans_hint(const StepWork *work);

/*
 * Audits a step's key before it is added, for policy "stop": a key with orphans
 * is not added.  Returns whether the step may go on.  Reads small tables of the
 * following steps along with it.
 */
extern bool deploy_audit_step(StepWork *work, FkKey *key);

/*
 * Like deploy_audit_step(), for the rule of a step that is not a foreign key
 */
extern bool deploy_audit_rule(StepWork *work, AuditKey *rule);

/* Counts the rows that break a constraint that could not be validated, and records the failure */
extern void deploy_explain_rule(RunAction *action, StepWork *work, AuditKey *rule);

/*
 * Returns the OIDs of the keys whose proof stands (schemaguard.fk_trust), in
 * the caller's memory context
 */
extern List *deploy_proved_keys(void);

/* Returns whether a key needs no proof, or has one; the proofs are read once per call */
extern bool deploy_is_proved(PlanRun *run, const FkKey *key);

/*
 * Counts and records the orphans of a key that is valid already, which rows can
 * have bypassed.  Returns whether there are none.
 */
extern bool deploy_audit_existing(StepWork *work, FkKey *key);

/* ---- deploy_step.c ---- */

/*
 * Treats the orphans of a step's key by its policy: fix_step(), set by the room
 * above.
 */
typedef bool (*deploy_fix_hook_type) (StepWork *work, const FkKey *key);
extern deploy_fix_hook_type deploy_fix_hook;

/*
 * Rule of a step of another kind than keys, in SQL over a row;
 * deploy_fix_rule_hook fixes rows that break it
 */
typedef struct DeployRule
{
	Oid			table;
	const char *broken;			/* condition: the row breaks the rule */
	const char *column;			/* column that gets a value, or NULL */
	const char *fill;			/* which */
	bool		carries;		/* as plan_filling_step() takes it */
	List	   *expressions;	/* Node *: the same, analysed */

	/*
	 * UNIQUE, instead of `broken`: of rows equal in these columns (names),
	 * all but the first break it
	 */
	List	   *equal;			/* names */
	const char *keep_by;		/* ORDER BY, over the expressions */

	/*
	 * nothing prevents new broken rows yet: passes end when one finds few
	 * (fix_pass.c)
	 */
	bool		open;
} DeployRule;

extern bool (*deploy_fix_rule_hook) (StepWork *work, const DeployRule *rule);

/* Refuses a call, by 53400 and before it begins, that would fix more rows than it may */
extern void (*deploy_count_first_hook) (PlanRun *run);

/*
 * Set by the room of changes. deploy_change_hook works on a step that is not a
 * foreign key and has begun, as far as it goes; with by_scan it returns the
 * table whose scan has to validate the constraint. deploy_waits_hook then adds
 * that constraint to the work, and returns false if no constraint waits any
 * more.  The third returns the privilege that the caller lacks for the step, or
 * NULL.
 */
extern Oid	(*deploy_change_hook) (StepWork *work, bool by_scan);
extern bool (*deploy_waits_hook) (StepWork *work);
extern char *(*deploy_change_lacks_hook) (const PlanStep *step);

/*
 * Takes one step as far as it goes now; the caller's transaction has done
 * nothing else.  Returns the child whose scan (deploy_validate_table) has to
 * validate the key, or InvalidOid if nothing is left to do.
 */
extern Oid	deploy_step(PlanRun *run, int step);

/* Sets the state of a step whose key exists and is valid by now, however its own work ended */
extern void deploy_settle_step(PlanRun *run, int step);

/* Returns whether a step's key is added only if it has no orphans */
extern bool deploy_audits_first(const PlanStep *step);

/* Returns the error that keeps the caller from adding the key, or NULL */
extern ErrorData *deploy_may_add(FkKey *key);

/* Fills view with the step's state in the catalog; needs a snapshot */
extern void deploy_look(PlanStep *step, StepView *view);

/*
 * Returns whether the step was done, and a later step of the plan has renamed,
 * dropped or changed its object; `problem` may be NULL
 */
extern bool deploy_was_done(const PlanStep *step, const FkProblem *problem);

/* Record a step that can't be done, or whose key exists already, unless that is on record */
extern void deploy_skip_step(StepWork *work, const FkProblem *problem);
extern void deploy_accept_existing(StepWork *work, const StepView *view);

/*
 * Runs ADD CONSTRAINT.  For a partitioned child the server reopens the table
 * and computes constants in its partition key: it runs as the owner if that
 * could run code other than the caller's; raises 42501 if the code is not the
 * owner's either.
 */
extern void deploy_run_add(Oid child, const char *statement);

/* ---- deploy_validate.c ---- */

/*
 * Runs VALIDATE CONSTRAINT in the caller's subtransaction; raises 42501 if
 * policies would hide rows from it.  If a table belongs to another role that is
 * no superuser, the server's query is not planned, also within event triggers
 * that the statement fires.
 */
extern void deploy_run_validate(const FkKey *key, const char *statement);

/* Runs VALIDATE CONSTRAINT for a step's key */
extern void deploy_validate_key(StepWork *work, FkKey *key);

/*
 * Validates the constraints of some steps (a List of numbers) of one table:
 * those that a scan can judge by one scan, the others by VALIDATE.
 */
extern void deploy_validate_table(PlanRun *run, List *steps);

/* ---- deploy_replace.c ---- */

/*
 * Reads the key that a step replaces: returns a problem, or sets view->replaced
 * to the key, NULL if it is gone.
 */
extern FkProblem *deploy_look_replaced(const PlanStep *step, StepView *view);

/* Drops the replaced key, if the step's own key is valid */
extern void deploy_replace_step(PlanRun *run, int step);

#endif							/* SG_DEPLOY_H */
