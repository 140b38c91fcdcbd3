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

/* Raises 22023 unless step->backfill is a list of one expression per column */
extern void plan_check_backfill(const PlanStep *step);

/*
 * Returns a copy of a step of another kind, whose option backfill has the value
 * of its column, for the functions below. `carries`: its trigger changes the
 * column, too, if an UPDATE changes columns that the value reads; the value has
 * the column's type and is immutable.
 */
extern PlanStep *plan_filling_step(const PlanStep *step, const char *column, const char *value, bool carries);

/* Returns the existing tables and views that the expressions name */
extern List *plan_backfill_tables(const PlanStep *step);

/*
 * Return the body of the trigger's function; and statements: add the columns
 * that the child lacks (NULL if none); fill all rows of the child; plan the
 * expressions and read nothing.
 */
extern char *plan_backfill_body(const PlanStep *step);

/* Returns whether a body belongs to a step of such a kind for the same columns, whatever their values */
extern bool plan_backfill_is_body(const char *body, const PlanStep *step);

/*
 * Repeats the pattern for each column of the key, with the column for %c and,
 * for %n, the name of its value, which no user's column has
 */
extern char *plan_backfill_each(const PlanStep *step, const char *separator, const char *pattern);

/*
 * Returns a condition for a trigger's WHEN clause: the UPDATE changes columns
 * that the expressions read.  Compares without users' code.  NULL if they read
 * the row as a whole, or a generated column.
 */
extern char *plan_backfill_change(const PlanStep *step);

/*
 * Returns an expression for the value of the one column while that is still
 * empty: the value itself, unless it reads the column, or the whole row.
 */
extern char *plan_backfill_of_empty(const PlanStep *step, const char *value);
extern char *plan_backfill_column_statement(const PlanStep *step);
extern char *plan_backfill_update(const PlanStep *step);
extern char *plan_backfill_probe(const PlanStep *step);

/* Some of the rows of one table */
typedef struct PlanFillBatch
{
	BlockNumber from;
	BlockNumber to;				/* first block after the batch */
	bool		of_key;			/* a unique index has one of the columns */
	bool		waits;			/* waits for locked rows, which are otherwise
								 * passed over */
	bool		alone;			/* no session has locked rows, and the value
								 * of the one column may be computed twice */
	List	   *key;			/* columns that identify a row, if old values
								 * are kept, or NIL */
} PlanFillBatch;

/*
 * For filling in batches: the UPDATE of empty rows for which the expressions
 * have a value: rows that are found before $1 (timestamptz), at most $2
 * (bigint), without that limit if the batch is alone.  Columns are the table's
 * own.
 */
/*
 * With a key, returns each row's key, its new value, and the old one, which a
 * batch alone does not have (NULL)
 */
extern char *plan_backfill_write(const PlanStep *step, const char *table, const PlanFillBatch *batch);

/*
 * Returns the parent, if the key exists already, and the functions above look
 * for the values in it; or InvalidOid
 */
extern Oid	plan_backfill_parent(const PlanStep *step);

/*
 * Returns the query for the number of rows that want a value (found), and of
 * those that have one (fillable)
 */
extern char *plan_backfill_left(const PlanStep *step);

/*
 * Returns a query that has a row if one of these columns, or more, contains a
 * value that the expressions do not give.
 */
extern char *plan_backfill_other_values(const PlanStep *step, List *columns);


/* ---- plan_filler.c ---- */

/*
 * The trigger that fills a step's columns meanwhile: its name; the tables that
 * have it, other than through a partitioned one; whether it exists; whether its
 * function belongs to the owner of the child, without whom it fills nothing;
 * and whether it is as the step would make it now, on the child and all
 * inheriting tables, and enabled
 */
extern char *plan_filler_name(const PlanStep *step);
extern List *plan_filler_tables(const PlanStep *step);
extern bool plan_filler_is_armed(const PlanStep *step);
extern bool plan_filler_is_owners(const PlanStep *step, Oid child);
extern bool plan_filler_is_current(const PlanStep *step, Oid child);

/*
 * Returns whether the trigger exists, and is ENABLE ALWAYS, so that it fires
 * for a subscription's writes
 */
extern bool plan_filler_fires_always(const PlanStep *step, Oid child);

/*
 * Returns the step that will drop or rename a column that option backfill
 * reads, or NULL: until then the application may write that column alone.
 */
extern PlanStep *plan_filler_ends_with(const PlanStep *step);

/* Returns whether a key whose trigger is gone has rows to fill, because they were away until then */
extern bool plan_filler_left_rows(const PlanStep *step);

/*
 * Returns the text that a step has dropped or renamed an object that a fill
 * reads, with the hint that takes it back, if it was kept
 */
extern char *plan_filler_ended_text(const PlanStep *step, const PlanStep *drop, char **hint);

/* Likewise for the rows that such a key has to fill, if a step of the plan has done that; else NULL */
extern char *plan_filler_left_text(const PlanStep *step, char **hint);

/*
 * Create the trigger and its function, or drop them, and record whether the
 * step fills; the caller has locked the tables, and owns them.  Parts that
 * exist already, or are gone, do not matter.
 */
extern void plan_filler_arm(const PlanStep *step, Oid child);
extern void plan_filler_disarm(const PlanStep *step);

/* Return the commands of plan_filler_arm() and plan_filler_disarm() as statements, to be printed */
extern List *plan_filler_arm_statements(const PlanStep *step);
extern List *plan_filler_disarm_statements(const PlanStep *step);

/* Returns whether a locked table has any such trigger, of any plan */
extern bool plan_filler_is_on(Oid table);

/* Returns whether a name is that of such a trigger, of any plan */
extern bool plan_filler_is_named(const char *name);

/* Returns whether an identity by pg_identify_object() is that of such a trigger or function */
extern bool plan_filler_has_identity(const char *identity);

/* Returns whether a text that ends with the identity of such a trigger names one of this plan's */
extern bool plan_filler_is_of(const char *identity, const char *plan);

/*
 * Returns the statement that ends such a trigger, or NULL if it is another one
 * or gone; sets *plan to the name of its plan, or to NULL if there is none that
 * the current role may read
 */
extern char *plan_filler_ending(Oid trigger, const char **plan);

/* Drops functions whose trigger was dropped with its table, or by hand */
extern void plan_filler_sweep(void);

/* Phase of sg_plan_release() that drops the triggers of new columns */
#define PLAN_FILL_PHASE "fill"

/* Drops the triggers that fill columns of done steps; returns their number; errors as below */
extern int	plan_filler_release(const FkPlan *plan);

/*
 * Drops all triggers of a plan before it is deleted, within
 * schemaguard.lock_timeout each; raises an error if that fails.
 */
extern void plan_filler_drop_all(const FkPlan *plan);

#endif							/* SG_PLAN_BACKFILL_H */
