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
#include "storage/itemptr.h"

#include "plan/plan.h"

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

#endif							/* SG_PLAN_BACKFILL_H */
