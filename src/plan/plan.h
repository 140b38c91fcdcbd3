/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Plans: named lists of foreign keys to add, and of other changes, in
 *	  schemaguard.plan and schemaguard.plan_step.  A plan names its tables by
 *	  text, because it may name tables that this database lacks.  Only the
 *	  role of its author and superusers change a plan; plan_rights.c says who
 *	  may read and run it. (The type is not called Plan, because spi.h
 *	  includes the executor's.)
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

/* Bytes of a qualified name if every byte were a quote to be doubled */
#define PLAN_QUALIFIED_MAX (2 * (2 * NAMEDATALEN + 2))

typedef struct FkPlan
{
	int64		id;				/* for locks and progress */
	Oid			table;			/* OID of schemaguard.plan, for the lock */
	char	   *name;
	char	   *description;
	char	   *author;			/* name of the role, its present one if known */
	Oid			author_id;		/* InvalidOid: there is no such role */
	List	   *allowed;		/* OIDs of further roles that may use it;
								 * InvalidOid: gone */
	List	   *chosen;			/* sorted numbers of the chosen steps, NIL:
								 * all; see plan_choice.h */
} FkPlan;

typedef struct PlanStep
{
	char	   *plan;
	int			step;
	StepPriority priority;
	char	   *child_table;	/* schema-qualified, quoted; NULL: a statement
								 * without a table */
	List	   *child_columns;	/* char *, plain names */
	char	   *parent_table;	/* NULL: no foreign key */
	List	   *parent_columns; /* NIL: the primary key */
	char	   *fk_name;		/* never NULL once stored */
	int			on_delete;		/* FKCONSTR_ACTION_* */
	int			on_update;
	int			match;			/* FKCONSTR_MATCH_* */
	bool		deferrable;
	bool		initially_deferred;
	List	   *on_delete_columns;	/* NIL: not given */
	bool		enforced;
	OrphanPolicy orphans;
	bool		policy_is_plans;	/* new, without a policy of its own: takes
									 * the plan's */
	bool		index;
	char	   *replaces;		/* NULL: none */
	StepState	state;
	char	   *reason;			/* or NULL */
	int			attempts;
	char	   *skipped_by;		/* role that skipped it for good, or NULL */
	char	   *sentinel;		/* a value that stands for null, or NULL */
	bool		quarantine_cascades;	/* rows that refer to orphans go along */
	char	   *backfill;		/* select list with the values of
								 * child_columns, or NULL */
	bool		period;			/* the last columns compare by coverage
								 * (PERIOD, 18+) */

	/*
	 * Kinds other than foreign keys: child_table is their table (a statement
	 * may have none), child_columns the columns, fk_name the name of the
	 * constraint, column or index.
	 */
	StepKind	kind;
	char	   *definition;		/* definition in SQL, or NULL: plan_change.h */
	char	   *new_name;		/* or NULL */
	char	   *fill;			/* an expression for rows, or NULL */
	char	   *undo;			/* a statement that takes a statement back, or
								 * NULL */
	char	   *done_when;		/* a query whether a statement is done, or
								 * NULL */
	char	   *keep_by;		/* ORDER BY among duplicates, or NULL */
	bool		primary_key;
	bool		nulls_not_distinct; /* a unique constraint with NULLS NOT
									 * DISTINCT */
	bool		discard;		/* a dropped object is not kept */
	bool		outside;		/* the statement runs outside of a transaction */
	List	   *after;			/* names of steps that come before */
	char	   *phase;			/* phase that it waits for, or NULL */
	bool		missing;		/* the object that it drops or renames did not
								 * exist when the step was added */
	char	   *object_mark;	/* mark of the object that a drop is about
								 * (plan_object_mark()), or NULL */
	bool		if_exists;		/* for the call that adds it: a missing object
								 * is no mistake */
	bool		skip_done;		/* skipped, it counts as done for steps that
								 * need it */
	char	   *index_name;		/* name of the index that a key wants; NULL:
								 * none, or a step of 0.1.0 */
	char	   *rationale;		/* reason for the step, or NULL */
	bool		fills;			/* its trigger is to fill rows */
	bool		carries;		/* in a copy that fills: the trigger carries
								 * updates over, too; not stored */
} PlanStep;

/* ---- plan_field.c ---- */

/* Returns a field of a step that may be NULL, but not for the step's kind; raises 22004 if it is */
extern char *plan_given(char *field);

/* Returns whether the step's state says that its key exists */
extern bool plan_step_is_there(const PlanStep *step);

/*
 * Returns whether two steps make the same object; names of statements, and
 * options that sg_plan_set() may change at any time, do not count
 */
extern bool plan_step_says_same(const PlanStep *a, const PlanStep *b);

/* ---- plan_store.c ---- */

/* Returns the plan; raises 42704 if there is none, with a hint that names the others */
extern FkPlan *plan_get(const char *name);

/*
 * Sets the plan that a call runs, or NULL, and returns the previous one.  While
 * it is set, each access to the tables of plans, and each transaction of the
 * call, raises 42704 if the extension was dropped and created again meanwhile,
 * because a plan of the same name, even with the same id, is another one.  The
 * check comes after the access, whose lock keeps the table.
 */
extern const FkPlan *plan_keep_running(const FkPlan *plan);
extern void plan_check_running(void);

/* Returns the plans that the current role may read (FkPlan *), by name */
extern List *plan_readable(void);

/*
 * Return the steps in the order of deployment, by priority and step number; and
 * those that are foreign keys
 */
extern List *plan_steps(const char *name);
extern List *plan_key_steps(const char *name);
extern List *plan_only_keys(List *steps);

/*
 * plan_steps_again() returns the present state of some steps (PlanStep *);
 * plan_has_own_order() whether a step of the plan has an order of its own,
 * other than "after all", or new names
 */
extern List *plan_steps_again(const char *name, List *steps);
extern bool plan_has_own_order(const char *name);

/*
 * Returns whether another step of the plan names this one in `after`, renames
 * or drops anything of its tables, or is a statement
 */
extern bool plan_may_need_step(const PlanStep *step);

/* Returns whether a plan, such as that of a sync, has dropped the schema */
extern bool plan_has_dropped_schema(const char *schema);

/*
 * Prefix of the reason of a step that a rollback has left in place, which
 * sg_status() looks for; and whether a step has it
 */
#define PLAN_NOT_BACK "not taken back: "
extern bool plan_is_not_back(const PlanStep *step);

/*
 * Prefix of the reason of a step that has fixed rows; it stays when the step is
 * added or validated without another reason
 */
#define PLAN_FIXED "fixed: "

/* Returns whether a step of the plan has renamed or dropped the table, or a part of it */
extern bool plan_has_moved(const char *name, const char *child_table);

/*
 * Return the steps of one child table, or of none (NULL): those with this name;
 * those that replace the key of that name; those of the step's kind and table
 * with its parent, or definition, among which the step itself may be.
 */
extern List *plan_steps_named(const char *name, const char *child_table, const char *fk_name);
extern List *plan_steps_replacing(const char *name, const char *child_table, const char *fk_name);

/* Returns the steps that drop or rename a part of the table */
extern List *plan_steps_moving(const char *name, const char *child_table);

/* Returns the steps of other plans, of any author, whose triggers fill rows */
extern List *plan_steps_filling_elsewhere(const char *name);

/*
 * Returns the steps of other plans, of any author, that are not done, and may
 * copy rows or values: plan_step_carries(); of all plans for an empty name
 */
extern List *plan_steps_to_carry_elsewhere(const char *name);

/* Returns the statements of all plans that are done and can be taken back */
extern List *plan_steps_with_undo(void);

/*
 * Returns other steps about the table of a step, and, unless NULL, about a
 * column or with its name in their definition, with deeds to take back that
 * were done after the step's own
 */
extern List *plan_steps_standing_on(const PlanStep *step, const char *column);
extern List *plan_steps_alike(const PlanStep *step);
extern PlanStep *plan_step_get(const char *name, int step, bool missing_ok);

/*
 * Raises 42501 unless the current role is the author's role, has its privileges
 * or is a superuser; 55006 while a session runs the plan; 25006 in a read-only
 * transaction or on a standby.  For functions that change plans.
 */
extern void plan_check_writable(FkPlan *plan, const char *function);

/*
 * The part of plan_check_writable() about the lock: 55006 while a session runs
 * or changes the plan, 42704 if it was dropped meanwhile, 25006.  The lock is
 * released at the end of the transaction.
 */
extern void plan_claim(FkPlan *plan, const char *function);

/* Returns the number of the next new step */
extern int	plan_next_step(const char *name);

/* Inserts a step that has passed plan_draft_check; returns its number */
extern int	plan_step_insert(PlanStep *step);

/* Deletes a step without deeds, for functions that change plans */
extern void plan_step_delete(const PlanStep *step);

/* Records the state of a step; a reason of NULL becomes null */
extern void plan_step_set_state(const char *plan, int step, StepState state,
								const char *reason, int add_attempts);

/* Records whether the step's trigger is to fill rows */
extern void plan_step_set_fills(const PlanStep *step, bool fills);

/* Returns a step with every default of sg_plan_add_fk; its policy becomes the plan's in a draft */
extern PlanStep *plan_step_default(const char *plan);

/*
 * For functions that change plans, after plan_check_writable.  Their changes
 * are part of the caller's transaction.
 */
typedef struct PlanNote
{
	int			line;			/* line of the script; 0: about the whole
								 * script */
	char	   *reason;
	const char *tag;			/* command tag of a statement that made no
								 * step, or NULL */
} PlanNote;

/* Returns the plan, or NULL if there is none */
extern FkPlan *plan_find(const char *name);

/*
 * Creates a plan of the current role; 42710 if the name exists, 55006 while
 * another session creates one
 */
extern void plan_insert(const char *name, const char *description);

/* Delete a plan's steps, notes and options, and set its description; or delete all of it */
extern void plan_clear(const FkPlan *plan, const char *description);
extern void plan_delete(const FkPlan *plan);

/* Writes every column of the step with that number */
extern void plan_step_update(const PlanStep *step);

/* Appends notes, a List of PlanNote * */
extern void plan_notes_insert(const FkPlan *plan, List *notes);

/*
 * Statements of plan_approve.c on the plan's own row: $1 is its name, $2 the
 * value, which may be NULL. plan_read_one() returns the first row of a query,
 * or NULL; plan_change_row() the number of changed rows.
 */
extern void *plan_read_one(const FkPlan *plan, const char *sql,
						   void *(*read) (HeapTuple tuple, TupleDesc desc));
extern uint64 plan_change_row(const FkPlan *plan, const char *value, const char *sql);

/*
 * Writes a row of the log about a change to a plan. step may be 0, object and
 * message NULL; the message contains no value that a user gave.
 */
extern void plan_log(const FkPlan *plan, int step, const char *action,
					 const char *object, const char *message);

/* ---- plan_finding.c ---- */

/*
 * Records the failed or skipped ones of these steps, except by sg_plan_skip(),
 * as findings of a run, closes findings of the plan's other steps, and notifies
 * listeners of new and ended ones.  The caller has the plan's lock.
 */
extern void plan_record_failed(const FkPlan *plan, List *steps, const pg_uuid_t *run);

/* ---- plan_rights.c ---- */

/* Return whether the current role has the privileges of the plan's author, or may read it */
extern bool plan_is_authors(const FkPlan *plan);
extern bool plan_is_readable(const FkPlan *plan);

/* Like plan_get(); raises 42501 if the role may not read the plan */
extern FkPlan *plan_get_readable(const char *name);

/* Raises 42501 unless the current role may run and approve the plan */
extern void plan_check_usable(const FkPlan *plan);

/*
 * Raises 42501 unless the plan's author is the one that the caller names, or,
 * with author NULL, the current role or a superuser.
 */
extern void plan_check_author(const FkPlan *plan, const char *author);

/* ---- plan_edit.c ---- */

/* Returns whether sg_plan_set() may change the option while the key exists */
extern bool plan_option_is_free(const char *option);

/* ---- plan_approve.c ---- */

/*
 * Called after every change of a plan's contents: withdraws an approval, with a
 * row of the log, and records who has changed the plan.
 */
extern void plan_withdraw_approval(const FkPlan *plan);

/* Returns the names of the session's roles: by function, by SET ROLE, by login */
extern List *plan_present_role_names(void);

/*
 * Raises 42501 if one of these roles is the author of a plan or of something
 * else (kind), a member of the author's role, or among `authors` (char *)
 */
extern void plan_check_no_author(const char *kind, const char *name, const char *author, List *authors);

/* Returns the hash of the plan's contents */
extern char *plan_hash(const FkPlan *plan);

/* Returns why the plan does not count as approved, as a full sentence, or NULL if it does */
extern char *plan_approval_problem(const FkPlan *plan);

/* ---- plan_pause.c ---- */

/* Returns who has paused the plan, and when, or NULL if nobody has */
extern char *plan_pause_text(const FkPlan *plan);

/* Returns the number of a plan's rows in quarantine, visible or not; set by the room that keeps them */
extern int64 (*plan_kept_rows_hook) (const FkPlan *plan);

#endif							/* SG_PLAN_H */
