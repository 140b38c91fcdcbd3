/*-------------------------------------------------------------------------
 *
 * plan_call.h
 *	  Statements about a step, for hints.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_CALL_H
#define SG_PLAN_CALL_H

#include "postgres.h"

#include "plan/plan.h"

/*
 * Returns the call that changes options of a step: names and values in turn,
 * ended by NULL; a NULL value removes an option
 */
extern char *plan_set_call(const PlanStep *step,...);

/* Returns the call that gives a step another name, by option fk_name or new_name */
extern char *plan_rename_call(const PlanStep *step, const char *option);

/*
 * Return the call that quarantines the orphans of a step, or of all keys of the
 * plan with policy "stop"
 */
extern char *plan_quarantine_call(const PlanStep *step);
extern char *plan_quarantine_all_call(const char *plan, List *steps);

/* Returns the hint that makes the plan add a unique constraint on the columns that a key refers to */
extern char *plan_unique_call(const PlanStep *step);

/*
 * Returns the call that makes a key replace one of that name, which is dropped
 * when the new one is valid
 */
extern char *plan_replace_call(const PlanStep *step, const char *name);

/* Returns the call that skips a step */
extern char *plan_skip_call(const PlanStep *step, const char *reason);

/*
 * Returns the hint for a key whose child or parent does not exist, with the
 * table that may be meant; another step may be that key already
 */
extern char *plan_near_table_hint(const PlanStep *step, const char *near, bool is_parent);

/* Likewise for a column of the child, with the full list of columns that are meant, and as a value */
extern char *plan_near_columns_hint(const PlanStep *step, const char *near, List *columns, const char *value);

/* Returns the call that takes a step back */
extern char *plan_rollback_call(const PlanStep *step);

/* Returns the query that shows the statements of the steps */
extern char *plan_sql_call(const char *plan);

/* Returns the call that drops the triggers which fill new columns */
extern char *plan_release_call(const char *plan);

#endif							/* SG_PLAN_CALL_H */
