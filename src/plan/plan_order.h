/*-------------------------------------------------------------------------
 *
 * plan_order.h
 *	  Which steps of a plan come before which.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_ORDER_H
#define SG_PLAN_ORDER_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/* The only name in `after` of a step that comes after all that have a lower number, and waits for no other */
#define PLAN_AFTER_ALL "*"

/* Does the step, do all of them, say so? */
extern bool plan_step_is_in_order(const PlanStep *step);

/*
 * The name that what the step makes has to have, or NULL: in a plan that is
 * run in order, such as one that makes all that another database has,
 * something like it is not it
 */
extern const char *plan_step_needed_name(const PlanStep *step);
extern bool plan_is_one_by_one(List *steps);

/*
 * Steps (of PlanStep *) in rounds, a List of Lists: a step is in a later round
 * than what it needs, and within a round they keep their order.  One round
 * where no step needs another.  Raises 42P17 where steps need each other, with
 * their numbers.
 */
extern List *plan_rounds(List *steps);

/* Of the steps, the foreign keys and what they need */
extern List *plan_keys_with_needs(List *steps);

/* One of the steps, not done yet, that this one needs; or NULL */
extern PlanStep *plan_needed_step(List *steps, const PlanStep *step);

/* The numbers of steps that need each other, as text, or NULL */
extern char *plan_circle(List *steps);

#endif							/* SG_PLAN_ORDER_H */
