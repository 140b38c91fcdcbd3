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

/* Returns the call that changes options of a step: names and values by turns, and NULL; NULL for a value takes one away */
extern char *plan_set_call(const PlanStep *step,...);

/* Returns the call that gives a step another name, by option fk_name or new_name */
extern char *plan_rename_call(const PlanStep *step, const char *option);

/* Returns the call that has the orphans of a step, or of all keys of the plan that stop at them, put into quarantine */
extern char *plan_quarantine_call(const PlanStep *step);
extern char *plan_quarantine_all_call(const char *plan, List *steps);

/* Returns the hint that has the plan make the columns which a key refers to unique */
extern char *plan_unique_call(const PlanStep *step);

/* Returns the call that has a key take the place of one of that name, which goes when the new one is valid */
extern char *plan_replace_call(const PlanStep *step, const char *name);

/* Returns the call that leaves a step out */
extern char *plan_skip_call(const PlanStep *step, const char *reason);

/* Returns the hint for a key whose child or parent is not there, with the table that may be meant: another step may be that key already */
extern char *plan_near_table_hint(const PlanStep *step, const char *near, bool is_parent);

/* The same for a column of the child, with all columns as they are meant, and these as a value */
extern char *plan_near_columns_hint(const PlanStep *step, const char *near, List *columns, const char *value);

/* Returns the call that takes a step back */
extern char *plan_rollback_call(const PlanStep *step);

/* Returns the query that shows what the steps do */
extern char *plan_sql_call(const char *plan);

/* Returns the call that drops the triggers which fill new columns */
extern char *plan_release_call(const char *plan);

#endif							/* SG_PLAN_CALL_H */
