/*-------------------------------------------------------------------------
 *
 * plan_choice.h
 *	  The argument "steps": a call that is about some steps of a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_CHOICE_H
#define SG_PLAN_CHOICE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/*
 * Returns an argument "steps schemaguard.steps" as numbers, sorted and without
 * duplicates; NIL for null.  Raises 22004, 22023 and 2202E for an array with
 * nulls, without elements, or of arrays.
 */
extern List *plan_steps_argument(FunctionCallInfo fcinfo, int n);

/*
 * Chooses these steps of the plan for the call (22023 unless it has them all);
 * NIL: all, NULL for no plan
 */
extern void plan_choose(FkPlan *plan, List *chosen);

extern bool plan_is_chosen(const FkPlan *plan, int step);

/* Like plan_steps(), for the chosen steps */
extern List *plan_chosen_steps(const FkPlan *plan);

/* Returns the chosen numbers as int4[], for a statement; empty: all */
extern Datum plan_chosen_array(const FkPlan *plan);

/* Returns numbers of steps as a literal of schemaguard.steps, without quotes: {1,2} */
extern char *plan_steps_text(const List *numbers);

#endif							/* SG_PLAN_CHOICE_H */
