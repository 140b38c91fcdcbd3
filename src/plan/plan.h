/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Plans: named lists of foreign keys to add, kept in schemaguard.plan
 *	  and schemaguard.plan_step.
 *
 * A plan names its tables by text, since it may name what this database
 * lacks.  Only the role of its author and superusers change a plan;
 * plan_rights.c says who reads and runs it.
 *
 * (The type is not called Plan: that is the executor's, which spi.h brings.)
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_H
#define SG_PLAN_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "storage/block.h"
#include "base/errors.h"
#include "fk/fk.h"

/* Bytes for a qualified name, were every byte of it a quote to be doubled */
#define PLAN_QUALIFIED_MAX (2 * (2 * NAMEDATALEN + 2))

typedef struct FkPlan
{
	int64		id;				/* for locks and progress */
	Oid			table;			/* schemaguard.plan, for the lock */
	char	   *name;
	char	   *description;
	char	   *author;			/* role name */
	List	   *allowed;		/* names of roles that may use it, too */
} FkPlan;

/* Steps run in this order */
typedef enum StepPriority
{
	PRIORITY_CRITICAL,
	PRIORITY_HIGH,
	PRIORITY_MEDIUM,
	PRIORITY_LOW
} StepPriority;

/* What to do about orphans; a new policy is a word in plan_field.c, and a case in each switch */
typedef enum OrphanPolicy
{
	ORPHANS_STOP,				/* the key is not added while there are any */
	ORPHANS_LEAVE,
	ORPHANS_QUARANTINE,
	ORPHANS_DELETE,
	ORPHANS_SET_NULL
} OrphanPolicy;

typedef enum StepState
{
	STEP_AS_IT_IS,				/* of no step: to leave one as it is */
	STEP_PENDING,
	STEP_ADDED,
	STEP_VALIDATED,
	STEP_SKIPPED,
	STEP_FAILED,
	STEP_ROLLED_BACK
} StepState;

typedef struct PlanStep
{
	char	   *plan;
	int			step;
	StepPriority priority;
	char	   *child_table;	/* schema-qualified, quoted */
	List	   *child_columns;	/* of char *, plain names */
	char	   *parent_table;
	List	   *parent_columns; /* NIL: the primary key */
	char	   *fk_name;		/* never NULL once stored */
	char		on_delete;		/* FKCONSTR_ACTION_* */
	char		on_update;
	char		match;			/* FKCONSTR_MATCH_* */
	bool		deferrable;
	bool		initially_deferred;
	List	   *on_delete_columns;	/* NIL: none given */
	bool		enforced;
	OrphanPolicy orphans;
	bool		index;
	char	   *replaces;		/* NULL: none */
	StepState	state;
	char	   *reason;
	int			attempts;
	char	   *skipped_by;		/* role, when somebody skipped it for good */
	char	   *sentinel;		/* a value that stands for null, or NULL */
	bool		quarantine_cascades;	/* rows that refer to orphans go along */
	char	   *backfill;		/* select list that gives the values of
								 * child_columns, or NULL */
	bool		period;			/* last columns compare by coverage (18+) */
} PlanStep;

/* ---- plan_field.c ---- */

/* As SQL has them */
extern const char *plan_priority_word(StepPriority priority);
extern const char *plan_policy_word(OrphanPolicy policy);
extern OrphanPolicy plan_policy(const char *word);
extern const char *plan_state_word(StepState state);

/* Does the policy take orphans out of their table, and what refers to them may go along? */
extern bool plan_policy_deletes(OrphanPolicy policy);

/* Does the step say that its key is there? */
extern bool plan_step_is_there(const PlanStep *step);

/* ---- plan_store.c ---- */

/* Raises 42704 when there is no such plan, with a hint that names the others */
extern FkPlan *plan_get(const char *name);

/* Plans that the current role may read (of FkPlan *), by name */
extern List *plan_readable(void);

/* Steps in the order of deployment: priority, then step number */
extern List *plan_steps(const char *name);

/* Those of one child table, by its qualified name */
extern List *plan_steps_of_child(const char *name, const char *child_table);
extern PlanStep *plan_step_get(const char *name, int step, bool missing_ok);

/*
 * Raise 42501 unless the current role is, or has the rights of, the author's
 * role or is superuser; 55006 while a session runs the plan; 25006 in a
 * read-only transaction or on a standby.  For functions that change plans.
 */
extern void plan_check_writable(FkPlan *plan, const char *function);

/*
 * Only what concerns the lock: 55006 while a session runs or changes the plan,
 * 42704 when it has gone meanwhile, 25006.  The lock goes with the transaction.
 */
extern void plan_claim(FkPlan *plan, const char *function);

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

/* Insert a step that has passed plan_draft_check; returns its number */
extern int	plan_step_insert(PlanStep *step);

/* Record where a step stands; a reason of NULL becomes null */
extern void plan_step_set_state(const char *plan, int step, StepState state,
								const char *reason, int add_attempts);

/* A step with every default of sg_plan_add_fk */
extern PlanStep *plan_step_default(const char *plan);

/*
 * For functions that change plans, after plan_check_writable.  What they
 * change is part of the caller's transaction.
 */
typedef struct PlanNote
{
	int			line;			/* of the script; 0: about the whole */
	char	   *reason;
} PlanNote;

/* NULL when there is none */
extern FkPlan *plan_find(const char *name);

/*
 * Make a plan of the current role's; 42710 when there is one of that name, 55006
 * while another session makes one
 */
extern void plan_insert(const char *name, const char *description);

/* Take away a plan's steps and notes, and describe it anew; or all of it */
extern void plan_clear(const FkPlan *plan, const char *description);
extern void plan_delete(const FkPlan *plan);

/* Write every column of a step; its number names it */
extern void plan_step_update(const PlanStep *step);

/* Append notes, a List of PlanNote * */
extern void plan_notes_insert(const FkPlan *plan, List *notes);

/*
 * Statements of plan_approve.c on the plan's own row: $1 is its name, $2 the
 * value, which may be NULL.  What the first row of a query holds, or NULL;
 * the number of rows changed.
 */
extern void *plan_read_one(const FkPlan *plan, const char *sql,
						   void *(*read) (HeapTuple tuple, TupleDesc desc));
extern uint64 plan_change_row(const FkPlan *plan, const char *value, const char *sql);

/*
 * One row of the log about a change to a plan.  step may be 0, object and
 * message NULL; the message holds no value that a user gave.
 */
extern void plan_log(const FkPlan *plan, int step, const char *action,
					 const char *object, const char *message);

/* ---- plan_rights.c ---- */

/* Does the current role have the rights of the plan's author? */
extern bool plan_is_authors(const FkPlan *plan);
extern bool plan_is_readable(const FkPlan *plan);

/* plan_get() for who may read it, else 42501 */
extern FkPlan *plan_get_readable(const char *name);

/* Raise 42501 unless the current role may run and approve the plan */
extern void plan_check_usable(const FkPlan *plan);

/*
 * Raise 42501 unless this is the author that the caller expects: the one that
 * they name, or, author being NULL, the current role or a superuser.
 */
extern void plan_check_author(const FkPlan *plan, const char *author);

/* ---- plan_edit.c ---- */

/* May sg_plan_set() change the option while the key is there? */
extern bool plan_option_is_free(const char *option);

/* ---- plan_approve.c ---- */

/*
 * After every change of what a plan says: withdraws an approval, with a row
 * of the log, and remembers who has changed it.
 */
extern void plan_withdraw_approval(const FkPlan *plan);

/* Names of the roles that the session is: by function, by SET ROLE, by login */
extern List *plan_present_role_names(void);

/* The hash of what the plan says */
extern char *plan_hash(const FkPlan *plan);

/* Why the plan does not count as approved, as a full sentence, or NULL when it does */
extern char *plan_approval_problem(const FkPlan *plan);

/* ---- plan_key.c ---- */

/*
 * The step as a key in this database: finds both tables, checks that they
 * can be in a key, resolves columns and operators, fills in the clauses.
 * Returns NULL and fills key, or what stands in the way (key->child and
 * key->parent are set as far as they were found).
 */
extern FkProblem *plan_step_key(const PlanStep *step, FkKey *key);

/* FOREIGN KEY ... REFERENCES ... with all clauses */
extern char *plan_key_clause(const PlanStep *step, bool not_valid);

/* ALTER TABLE ... ADD CONSTRAINT ... [NOT VALID], and VALIDATE CONSTRAINT */
extern char *plan_add_statement(const PlanStep *step, bool not_valid);
extern char *plan_validate_statement(const char *child_table, const char *fk_name);
extern char *plan_drop_statement(const char *child_table, const char *fk_name);

/*
 * The step as one that gives the key to a partition of its child; the key has
 * another name where that one is taken there.
 */
extern PlanStep *plan_partition_step(const PlanStep *step, Oid partition);

/* Is there something to be done about the step's orphans, by sg_fix_orphans()? */
extern bool plan_step_fixes(const PlanStep *step);

/* "fk_name ON child_table": a step's key in log and notices */
extern char *plan_step_object(const PlanStep *step);

/* ---- plan_backfill.c ---- */

/* Raise 22023 unless step->backfill is a list of one expression per column */
extern void plan_check_backfill(const PlanStep *step);

/* The tables and views that the expressions name, as far as they are there */
extern List *plan_backfill_tables(const PlanStep *step);

/*
 * The body of the trigger's function; and statements: add the columns that the
 * child lacks (NULL when none); fill all rows of the child; plan the
 * expressions and read nothing.
 */
extern char *plan_backfill_body(const PlanStep *step);
extern char *plan_backfill_column_statement(const PlanStep *step);
extern char *plan_backfill_update(const PlanStep *step);
extern char *plan_backfill_probe(const PlanStep *step);

/*
 * For filling bit by bit: the rows of one table that can be filled, behind a
 * place and before a block, in their order: place and values; and the UPDATE
 * of one of them, with place and values as parameters.
 */
extern char *plan_backfill_find(const PlanStep *step, const char *table,
								ItemPointer after, BlockNumber to);
extern char *plan_backfill_write(const PlanStep *step, const char *table);

/*
 * A query that has a row if one of these columns, or more, holds a value that
 * the expressions do not give.
 */
extern char *plan_backfill_other_values(const PlanStep *step, List *columns);

/* ---- plan_filler.c ---- */

/*
 * The trigger that fills a step's columns meanwhile: its name; is it there;
 * does its function belong to the owner of the child, without whom it fills
 * nothing; and is it as the step would make it now?
 */
extern char *plan_filler_name(const PlanStep *step);
extern bool plan_filler_is_armed(const PlanStep *step, Oid child);
extern bool plan_filler_is_owners(const PlanStep *step, Oid child);
extern bool plan_filler_is_current(const PlanStep *step, Oid child);

/*
 * Make it, and drop it, with its function; the caller has locked the child, and
 * owns it.  What of that is there, or not, already does not matter.
 */
extern void plan_filler_arm(const PlanStep *step, Oid child);
extern void plan_filler_disarm(const PlanStep *step, Oid child);

/* The same as statements */
extern List *plan_filler_arm_statements(const PlanStep *step);
extern List *plan_filler_disarm_statements(const PlanStep *step);

/* Drop functions whose trigger went with its table, or by hand */
extern void plan_filler_sweep(void);

/*
 * Drop all of a plan's before it is forgotten, within schemaguard.lock_timeout
 * each; an error where that can't be done.
 */
extern void plan_filler_drop_all(const FkPlan *plan);

/* ---- plan_index.c ---- */

/* An index on a child's columns that steps want and this database lacks */
typedef struct PlanIndex
{
	int			step;			/* the first that wants it */
	FkKey	   *key;			/* it serves; NULL: the table is not here, or
								 * the columns are yet to be added */
	char	   *table;			/* qualified, as the index' name is */
	char	   *columns;
	char	   *name;
	char	   *statement;
	bool		partitioned;	/* to be made when all partitions have theirs,
								 * not concurrently */
	char	   *obstacle;		/* why it would not serve, so why it is not
								 * made, or NULL */
} PlanIndex;

/*
 * The indexes that some steps (a List of PlanStep *) lack, in the order in
 * which they are to be made; for a partitioned child one for each partition
 * that has none, then the one that joins them.
 */
extern List *plan_missing_indexes(List *steps);

/* Is it the index that plan_missing_indexes() would have made on these columns? */
extern bool plan_index_is(Oid index, const char *table, const char *columns, bool partitioned);

/*
 * Is it what an interrupted build of such an index has left?  And all that a
 * plan's builds have left: their deeds, of PlanDeed * (plan_deed.h).
 */
extern bool plan_index_is_leftover(Oid index, const char *table, const char *columns);
extern List *plan_index_leftovers(const FkPlan *plan);

/*
 * Drop those for a plan that is about to go, each within
 * schemaguard.lock_timeout (an error where that does not do), and say which
 * ones stay because they are not the caller's.
 */
extern void plan_index_drop_leftovers(const FkPlan *plan);

/* The partitions of a partitioned table that hold rows of their own */
extern List *plan_leaves(Oid relid);

/* ---- plan_input.c ---- */

/*
 * The steps of a plan while it is being changed: what plan_draft_check() needs
 * to see duplicates and names that are taken without asking for each step.
 * Steps given to it must live as long as it does.
 */
typedef struct PlanDraft PlanDraft;

/*
 * The caller has passed plan_check_writable.  child_table: the only one whose
 * steps will be checked; or NULL.
 */
extern PlanDraft *plan_draft_begin(const FkPlan *plan, const char *child_table);

/*
 * Raise an error unless the step can be in the plan; makes up fk_name when
 * that is NULL.  The tables' names are
 * qualified (plan_qualify).  What this database lacks is no error but a
 * NOTICE; a quiet draft counts such steps and says so once, at the end.  A
 * step that is skipped may have tables that no key can have.
 * Writes nothing.  For a step that is new, step->step is 0.
 */
extern void plan_draft_check(PlanDraft *draft, PlanStep *step);
extern void plan_draft_set_quiet(PlanDraft *draft);

/* Insert a step that has passed plan_draft_check; returns its number */
extern int	plan_draft_insert(PlanDraft *draft, PlanStep *step);

/* After all changes: withdraws the approval, and says what is not here */
extern void plan_draft_end(PlanDraft *draft);

/* A table's name as users write it, schema-qualified by the caller's search_path */
extern char *plan_qualify(const char *table);

/* The n-th name (from 0) that ALTER TABLE would try for the step's key */
extern char *plan_default_fk_name(const PlanStep *step, int n);

/* Skip a step for good, in the name of the current role; in memory alone */
extern void plan_step_skip(PlanStep *step, const char *reason);

/* ---- plan_statement.c ---- */

struct Constraint;
struct Node;
struct RangeVar;

/*
 * The step that a FOREIGN KEY clause means; fk_name may be NULL.  NOT VALID
 * makes its policy "leave".
 */
extern PlanStep *plan_step_of_constraint(const char *plan, const char *child_table,
										 const char *parent_table, const struct Constraint *c);

/* A declared key as a step; a plan can't hold all of one with PERIOD */
extern PlanStep *plan_step_of_key(const char *plan, const FkKey *key);

/* Strings of a list of String nodes, copied */
extern List *plan_node_strings(List *nodes);

#endif							/* SG_PLAN_H */
