/*-------------------------------------------------------------------------
 *
 * plan_drops.h
 *	  What a step drops.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_DROPS_H
#define SG_PLAN_DROPS_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/*
 * Returns what a step drops, as steps (of PlanStep *) of kind drop with its number:
 * itself, or each relation and column that its statements drop, and keep nothing
 * of.  A function that they drop is one of kind statement with the name of the
 * function as its table.  NIL for steps of other kinds.
 */
extern List *plan_drops(const PlanStep *step);

/* Returns the qualified names (of char *) of the relations that a step of kind table or statement makes */
extern List *plan_makes(const PlanStep *step);

/* Does a step drop anything so? */
extern bool plan_step_drops(const PlanStep *step);

#endif							/* SG_PLAN_DROPS_H */
