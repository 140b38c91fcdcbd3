/*-------------------------------------------------------------------------
 *
 * plan_backfill.h
 *	  The expressions that fill a step's columns, and the trigger that keeps
 *	  them filled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_BACKFILL_H
#define SG_PLAN_BACKFILL_H

#include "postgres.h"
#include "storage/block.h"

#include "plan/plan.h"

/* Raise 22023 unless step->backfill is a list of one expression per column */
extern void plan_check_backfill(const PlanStep *step);

/*
 * A copy of a step of another kind, by which its column gets a value where the
 * functions below look for option backfill.  `carries`: its trigger has an
 * UPDATE of what the value reads change the column, too; the value is the
 * column's type and immutable.
 */
extern PlanStep *plan_filling_step(const PlanStep *step, const char *column, const char *value, bool carries);

/* The tables and views that the expressions name, as far as they are there */
extern List *plan_backfill_tables(const PlanStep *step);

/*
 * The body of the trigger's function; and statements: add the columns that the
 * child lacks (NULL when none); fill all rows of the child; plan the
 * expressions and read nothing.
 */
extern char *plan_backfill_body(const PlanStep *step);

/* Is that the body of a step of such a kind for the same columns, whatever they get? */
extern bool plan_backfill_is_body(const char *body, const PlanStep *step);

/*
 * A condition of a trigger's WHEN clause: does the UPDATE change what the
 * expressions read of the row?  No code of users compares.  NULL if they read
 * the row as a whole, or a generated column.
 */
extern char *plan_backfill_change(const PlanStep *step);

/*
 * Returns an expression for what the value of the one column is where that is
 * still empty: the value itself, unless it reads the column, or the whole row.
 */
extern char *plan_backfill_of_empty(const PlanStep *step, const char *value);
extern char *plan_backfill_column_statement(const PlanStep *step);
extern char *plan_backfill_update(const PlanStep *step);
extern char *plan_backfill_probe(const PlanStep *step);

/* Some of the rows of one table */
typedef struct PlanFillBatch
{
	BlockNumber from;
	BlockNumber to;				/* not in it any more */
	bool		of_key;			/* a unique index has one of the columns */
	bool		waits;			/* for who holds a row, which else is passed
								 * over */
	bool		alone;			/* nobody holds one, and the value of the one
								 * column may be computed twice */
	List	   *key;			/* columns that tell a row, if old values are
								 * kept, or NIL */
} PlanFillBatch;

/*
 * For filling bit by bit: the UPDATE of those that are empty and for which the
 * expressions have a value: rows that are found before $1 (timestamptz), $2
 * (bigint) at most, of which there is no limit where the batch is alone.  The columns that it names are the table's own.
 */
/* With a key, returns that of each row, its new value, and the old one, which a batch alone has not (NULL) */
extern char *plan_backfill_write(const PlanStep *step, const char *table, const PlanFillBatch *batch);

/* The parent, where the key is there already, and these look for the values in it; or InvalidOid */
extern Oid	plan_backfill_parent(const PlanStep *step);

/* A query: how many rows want a value (found), and for how many of these there is one (fillable) */
extern char *plan_backfill_left(const PlanStep *step);

/*
 * A query that has a row if one of these columns, or more, holds a value that
 * the expressions do not give.
 */
extern char *plan_backfill_other_values(const PlanStep *step, List *columns);


/* ---- plan_filler.c ---- */

/*
 * The trigger that fills a step's columns meanwhile: its name; the tables that
 * have it, other than by a partitioned one; is it there; does its function
 * belong to the owner of the child, without whom it fills nothing; and is it as
 * the step would make it now, on the child and all that inherits from it, and
 * enabled?
 */
extern char *plan_filler_name(const PlanStep *step);
extern List *plan_filler_tables(const PlanStep *step);
extern bool plan_filler_is_armed(const PlanStep *step);
extern bool plan_filler_is_owners(const PlanStep *step, Oid child);
extern bool plan_filler_is_current(const PlanStep *step, Oid child);

/* Is it there, and ENABLE ALWAYS, so that it fires for what a subscription writes? */
extern bool plan_filler_fires_always(const PlanStep *step, Oid child);

/*
 * Returns the step that is to drop or rename a column that option backfill
 * reads, or NULL: until then the application may write that column alone.
 */
extern PlanStep *plan_filler_ends_with(const PlanStep *step);

/* Has a key whose trigger is gone rows to fill, because they were away until then? */
extern bool plan_filler_left_rows(const PlanStep *step);

/* Says that a step has dropped or renamed what a fill reads, with the hint that has it taken back */
extern char *plan_filler_ended_text(const PlanStep *drop, char **hint);

/* Likewise of the rows that such a key has to fill, where a step of the plan has done that; else NULL */
extern char *plan_filler_left_text(const PlanStep *step, char **hint);

/*
 * Make it, and drop it, with its function, and record that the step fills, or
 * not; the caller has locked the tables, and owns them.  What of that is there,
 * or not, already does not matter.
 */
extern void plan_filler_arm(const PlanStep *step, Oid child);
extern void plan_filler_disarm(const PlanStep *step);

/* Return the commands of plan_filler_arm() and plan_filler_disarm() as statements, to be printed */
extern List *plan_filler_arm_statements(const PlanStep *step);
extern List *plan_filler_disarm_statements(const PlanStep *step);

/* Has a table, which is locked, any such trigger, of whichever plan? */
extern bool plan_filler_is_on(Oid table);

/* Is it the name of such a trigger, of whichever plan? */
extern bool plan_filler_is_named(const char *name);

/* Is it the identity of such a trigger or function, as pg_identify_object() has it? */
extern bool plan_filler_has_identity(const char *identity);

/* Does a text that ends with the identity of such a trigger name one of this plan's? */
extern bool plan_filler_is_of(const char *identity, const char *plan);

/* Drop functions whose trigger went with its table, or by hand */
extern void plan_filler_sweep(void);

/* Phase of sg_plan_release() that drops the triggers of new columns */
#define PLAN_FILL_PHASE "fill"

/* Drop those that fill columns of steps that are done; returns how many; errors as below */
extern int	plan_filler_release(const FkPlan *plan);

/*
 * Drop all of a plan's before it is forgotten, within schemaguard.lock_timeout
 * each; an error where that can't be done.
 */
extern void plan_filler_drop_all(const FkPlan *plan);

#endif							/* SG_PLAN_BACKFILL_H */
