/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Plans: named lists of foreign keys to add, and of other changes, kept in
 *	  schemaguard.plan and schemaguard.plan_step.
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
#include "utils/uuid.h"

#include "plan/plan_word.h"

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
	List	   *chosen;			/* sorted numbers of the steps that the call
								 * is about, NIL: all; see plan_choice.h */
} FkPlan;

typedef struct PlanStep
{
	char	   *plan;
	int			step;
	StepPriority priority;
	char	   *child_table;	/* schema-qualified, quoted; NULL: a statement
								 * of no table */
	List	   *child_columns;	/* of char *, plain names */
	char	   *parent_table;	/* NULL: no foreign key */
	List	   *parent_columns; /* NIL: the primary key */
	char	   *fk_name;		/* never NULL once stored */
	int			on_delete;		/* FKCONSTR_ACTION_* */
	int			on_update;
	int			match;			/* FKCONSTR_MATCH_* */
	bool		deferrable;
	bool		initially_deferred;
	List	   *on_delete_columns;	/* NIL: none given */
	bool		enforced;
	OrphanPolicy orphans;
	bool		policy_is_plans;	/* new, and nobody gave a policy: it takes
									 * the plan's */
	bool		index;
	char	   *replaces;		/* NULL: none */
	StepState	state;
	char	   *reason;			/* or NULL */
	int			attempts;
	char	   *skipped_by;		/* role that skipped it for good, or NULL */
	char	   *sentinel;		/* a value that stands for null, or NULL */
	bool		quarantine_cascades;	/* rows that refer to orphans go along */
	char	   *backfill;		/* select list that gives the values of
								 * child_columns, or NULL */
	bool		period;			/* last columns compare by coverage (18+) */

	/*
	 * Other kinds than foreign keys: child_table is their table (a statement
	 * may have none), child_columns the columns, fk_name the name of the
	 * constraint, column or index.
	 */
	StepKind	kind;
	char	   *definition;		/* what it is, in SQL, or NULL: plan_change.h */
	char	   *new_name;		/* or NULL */
	char	   *fill;			/* an expression for rows, or NULL */
	char	   *undo;			/* a statement that takes one back, or NULL */
	char	   *done_when;		/* a query that says whether it is done, or
								 * NULL */
	char	   *keep_by;		/* ORDER BY among duplicates, or NULL */
	bool		primary_key;
	bool		nulls_not_distinct; /* a unique constraint under which nulls
									 * are equal */
	bool		discard;		/* what is dropped is gone at once */
	bool		outside;		/* no transaction for the statement */
	List	   *after;			/* names of steps that come before */
	char	   *phase;			/* that it waits for, or NULL */
	bool		missing;		/* what it drops or renames was not there when
								 * it was added */
	bool		if_exists;		/* while it is added: that is no mistake */
	bool		skip_done;		/* skipped, it counts as done for those that
								 * need it */
	char	   *index_name;		/* of the index that a key wants; NULL: none,
								 * or a step of 0.1.0 */
	char	   *rationale;		/* why it is to be, or NULL */
	bool		fills;			/* its trigger is to fill rows */
	bool		carries;		/* of a copy that fills: the trigger carries
								 * updates over, too; not stored */
} PlanStep;

/* ---- plan_field.c ---- */

/* Returns a field of a step that may be NULL, but not for the step's kind; raises 22004 if it is */
extern char *plan_given(char *field);

/* Does the step say that its key is there? */
extern bool plan_step_is_there(const PlanStep *step);

/* Do two steps make the same, whatever the name of a statement, and what sg_plan_set() may change at any time? */
extern bool plan_step_says_same(const PlanStep *a, const PlanStep *b);

/* ---- plan_store.c ---- */

/* Raises 42704 when there is no such plan, with a hint that names the others */
extern FkPlan *plan_get(const char *name);

/*
 * Takes the plan that a call runs, or NULL, and returns the one before.  Until
 * then each access to the tables of plans, and each transaction of the call,
 * raises 42704 if the extension was dropped and created anew meanwhile: a plan
 * of the same name, and be it of the same id, is another one.  The check comes
 * after the access, whose lock keeps the table as it is.
 */
extern const FkPlan *plan_keep_running(const FkPlan *plan);
extern void plan_check_running(void);

/* Plans that the current role may read (of FkPlan *), by name */
extern List *plan_readable(void);

/* Steps in the order of deployment: priority, then step number; and those that are foreign keys */
extern List *plan_steps(const char *name);
extern List *plan_key_steps(const char *name);
extern List *plan_only_keys(List *steps);

/* Some steps (of PlanStep *) as they are now; has any step of the plan an order of its own, other than "after all", or new names? */
extern List *plan_steps_again(const char *name, List *steps);
extern bool plan_has_own_order(const char *name);

/* Does another step of the plan name this one in `after`, rename or drop anything of its tables, or is one a statement? */
extern bool plan_may_need_step(const PlanStep *step);

/* Has a plan, such as that of a sync, dropped the schema? */
extern bool plan_has_dropped_schema(const char *schema);

/* How the reason of a step begins that a rollback has left, which sg_status() looks for; does it say so? */
#define PLAN_NOT_BACK "not taken back: "
extern bool plan_is_not_back(const PlanStep *step);

/* How the reason of a step begins that has fixed rows; it stays when the step is added or validated with no other */
#define PLAN_FIXED "fixed: "

/* Has a step of the plan renamed or dropped the table, or something of it? */
extern bool plan_has_moved(const char *name, const char *child_table);

/*
 * Return the steps of one child table, or of none (NULL), by what they are:
 * those with this name; those that replace the key of that name; those of the
 * step's kind and table with its parent, or definition, of which one may be
 * the step.
 */
extern List *plan_steps_named(const char *name, const char *child_table, const char *fk_name);
extern List *plan_steps_replacing(const char *name, const char *child_table, const char *fk_name);

/* Returns the steps that drop or rename a part of the table */
extern List *plan_steps_moving(const char *name, const char *child_table);

/* Other steps about the table of a step that have done something to be taken back */
extern List *plan_steps_standing_on(const PlanStep *step);
extern List *plan_steps_alike(const PlanStep *step);
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

/* The number that the next new step gets */
extern int	plan_next_step(const char *name);

/* Insert a step that has passed plan_draft_check; returns its number */
extern int	plan_step_insert(PlanStep *step);

/* For functions that change plans; the step has no deed */
extern void plan_step_delete(const PlanStep *step);

/* Record where a step stands; a reason of NULL becomes null */
extern void plan_step_set_state(const char *plan, int step, StepState state,
								const char *reason, int add_attempts);

/* Record that the step's trigger is to fill rows, or not any more */
extern void plan_step_set_fills(const PlanStep *step, bool fills);

/* A step with every default of sg_plan_add_fk; its policy is the plan's once it is in a draft */
extern PlanStep *plan_step_default(const char *plan);

/*
 * For functions that change plans, after plan_check_writable.  What they
 * change is part of the caller's transaction.
 */
typedef struct PlanNote
{
	int			line;			/* of the script; 0: about the whole */
	char	   *reason;
	const char *tag;			/* of a statement that was left alone, or NULL */
} PlanNote;

/* NULL when there is none */
extern FkPlan *plan_find(const char *name);

/*
 * Make a plan of the current role's; 42710 when there is one of that name, 55006
 * while another session makes one
 */
extern void plan_insert(const char *name, const char *description);

/* Take away a plan's steps, notes and options, and describe it anew; or all of it */
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
 * Writes a row of the log about a change to a plan.  step may be 0, object and
 * message NULL; the message holds no value that a user gave.
 */
extern void plan_log(const FkPlan *plan, int step, const char *action,
					 const char *object, const char *message);

/* ---- plan_finding.c ---- */

/*
 * Records, as findings of a run, which of these steps have failed or were skipped, but
 * by sg_plan_skip(), closes those of the plan that were not, and notifies
 * listeners of what is new or gone.  The caller has the plan's lock.
 */
extern void plan_record_failed(const FkPlan *plan, List *steps, const pg_uuid_t *run);

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

/* ---- plan_pause.c ---- */

/* Who has paused the plan, and when, or NULL if nobody has */
extern char *plan_pause_text(const FkPlan *plan);

/* Returns how many rows of a plan are in quarantine, whoever may see them; set by the room that keeps them */
extern int64 (*plan_kept_rows_hook) (const FkPlan *plan);

#endif							/* SG_PLAN_H */
