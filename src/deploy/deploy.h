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
	bool		filling;		/* the trigger of its backfill is there, or
								 * should be, until the key is valid */
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

/* Registers what the rooms below ask of this one */
extern void deploy_init(void);

/* ---- deploy_run.c ---- */

/* Runs sg_apply() on the plan of the first argument; the fourth is its author, or null */
extern void deploy_apply(FunctionCallInfo fcinfo, PlanRun *run);

/* ---- deploy_rights.c ---- */

/*
 * Raise 42501 with what the caller lacks for the steps that sg_add_fks() would
 * work on, or for all to which lacks_for has an objection; of other kinds of
 * steps than keys there is no view.  Need a snapshot; write and lock nothing.
 */
extern void deploy_check_add_rights(PlanRun *run);
extern void deploy_check_each(PlanRun *run,
							  char *(*lacks_for) (PlanRun *run, PlanStep *step, const StepView *view));

/* Returns the privilege lacking for the key, its schemas, and, if orphans are counted, its rows; or NULL */
extern char *deploy_lacks(const StepView *view, bool references, bool rows);

/* ---- deploy_audit.c ---- */

/*
 * Count the orphans of a key for an action that has begun; the verdict, with
 * its reason.  A cancel is logged as the action's outcome and thrown.  A table
 * that stays locked is waited for as run_limit_waits() says; then the action's
 * log says who holds it.
 */
extern AuditKey *deploy_count_orphans(RunAction *action, const FkKey *key);

/* Orphans in words, the statement that lists them, and what to do about those of a step */
extern char *deploy_orphans_text(const AuditKey *ak);
extern char *deploy_orphans_list(const FkKey *key);

/* Do rows break a rule that has no step?  How many, in words, or NULL; NULL too where that can't be told.  Commits. */
extern char *deploy_rule_broken(StepWork *work, AuditKey *rule);

/* Returns a hint about rows that break the rule of a step which is no key, and does nothing about them */
extern char *deploy_rule_hint(const PlanStep *step);
extern const char *deploy_orphans_hint(const StepWork *work);

/*
 * Policy "stop": a key that has orphans is not even added.  Returns whether
 * the step may go on.  Small tables of the steps that follow are read with it.
 */
extern bool deploy_audit_step(StepWork *work, FkKey *key);

/*
 * The rows that break a rule of a step that is no foreign key, before it is
 * made: the same, and returns the same, as deploy_audit_step().
 */
extern bool deploy_audit_rule(StepWork *work, AuditKey *rule);

/* Counts the rows that break a constraint that could not be validated, and records the failure */
extern void deploy_explain_rule(RunAction *action, StepWork *work, AuditKey *rule);

/* The OIDs of the keys whose proof stands (schemaguard.fk_trust), in the caller's context */
extern List *deploy_proved_keys(void);

/* Whether that says of a key that needs none, or has one; read once for a call */
extern bool deploy_is_proved(PlanRun *run, const FkKey *key);

/*
 * The orphans of a key that is valid already: rows can have come in past it.
 * They are counted, and the count is on record.  Returns whether there are none.
 */
extern bool deploy_audit_existing(StepWork *work, FkKey *key);

/* ---- deploy_step.c ---- */

/*
 * Do to the orphans of a step's key what its policy says: fix_step(), set by
 * the room above.
 */
typedef bool (*deploy_fix_hook_type) (StepWork *work, const FkKey *key);
extern deploy_fix_hook_type deploy_fix_hook;

/* The rule of a step of another kind than keys, in SQL over a row; deploy_fix_rule_hook fixes rows that break it */
typedef struct DeployRule
{
	Oid			table;
	const char *broken;			/* does the row break it? */
	const char *column;			/* what gets a value, or NULL */
	const char *fill;			/* which */
	bool		carries;		/* as plan_filling_step() takes it */
	List	   *expressions;	/* of Node *: these, analysed */

	/*
	 * UNIQUE, in place of `broken`: of rows that are equal in these columns
	 * all but the first break it
	 */
	List	   *equal;			/* names */
	const char *keep_by;		/* ORDER BY, over the expressions */

	/*
	 * Nothing keeps more of them from coming yet: passes end when one finds
	 * few (fix_pass.c)
	 */
	bool		open;
} DeployRule;

extern bool (*deploy_fix_rule_hook) (StepWork *work, const DeployRule *rule);

/* Refuse a call, by 53400, that would fix more rows than it may; before it begins */
extern void (*deploy_count_first_hook) (PlanRun *run);

/*
 * Set by the room of changes.  deploy_change_hook works on a step that is no
 * foreign key and has begun, as far as it goes; by_scan: it returns the table
 * whose scan has to validate the constraint.  deploy_waits_hook then adds that
 * constraint to the work, and returns false if no constraint waits any more.
 * The third returns the privilege that the caller lacks for the step, or NULL.
 */
extern Oid	(*deploy_change_hook) (StepWork *work, bool by_scan);
extern bool (*deploy_waits_hook) (StepWork *work);
extern char *(*deploy_change_lacks_hook) (const PlanStep *step);

/*
 * Take one step as far as it goes now; the caller's transaction is clean.
 * Returns the child whose scan (deploy_validate_table) has to validate the
 * key, or InvalidOid when there is nothing left to do.
 */
extern Oid	deploy_step(PlanRun *run, int step);

/* A step whose key is there and valid by now says so, whatever became of its own work */
extern void deploy_settle_step(PlanRun *run, int step);

/* Is a step's key only added when it has no orphans? */
extern bool deploy_audits_first(const PlanStep *step);

/* NULL if the caller may add the key, else the error */
extern ErrorData *deploy_may_add(FkKey *key);

/* How a step stands in the catalog now; needs a snapshot */
extern void deploy_look(PlanStep *step, StepView *view);

/* Was it done before, and has a later step of the plan renamed or dropped what it is on? */
extern bool deploy_was_done(const PlanStep *step, const FkProblem *problem);

/* A step that can't be done, or whose key is there: say so, unless it does already */
extern void deploy_skip_step(StepWork *work, const FkProblem *problem);
extern void deploy_accept_existing(StepWork *work, const StepView *view);

/*
 * ADD CONSTRAINT.  For a partitioned child the server opens the table anew and
 * computes constants in its partition key: as the owner, where those could
 * be code that is not the caller's, and as nobody (42501) where not its either.
 */
extern void deploy_run_add(Oid child, const char *statement);

/* ---- deploy_validate.c ---- */

/*
 * Runs VALIDATE CONSTRAINT in the caller's subtransaction; raises 42501 if
 * policies would hide rows from it.  Nobody plans the server's query if a
 * table belongs to another role, and no superuser: in event triggers, too,
 * that fire in it.
 */
extern void deploy_run_validate(const FkKey *key, const char *statement);

/* VALIDATE CONSTRAINT for a step's key */
extern void deploy_validate_key(StepWork *work, FkKey *key);

/*
 * Validate the constraints of some steps, a List of their numbers, which have
 * one table: those that one scan can judge by one scan, the others by VALIDATE.
 */
extern void deploy_validate_table(PlanRun *run, List *steps);

/* ---- deploy_replace.c ---- */

/*
 * Looks at the key that a step replaces: returns a problem, or sets
 * view->replaced to the key, NULL when it is gone.
 */
extern FkProblem *deploy_look_replaced(const PlanStep *step, StepView *view);

/* Drop that key, if the step's own is valid */
extern void deploy_replace_step(PlanRun *run, int step);

#endif							/* SG_DEPLOY_H */
