/*-------------------------------------------------------------------------
 *
 * plan_hold.h
 *	  What later steps may need of what an earlier one has made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_HOLD_H
#define SG_PLAN_HOLD_H

#include "plan/plan.h"

/* A step that stands until a rollback has taken it back */
typedef struct PlanStanding
{
	int64		id;				/* of its deed, or 0 */
	const PlanStep *step;
	bool		for_good;		/* rows or values that it has taken do not
								 * come back */
	List	   *movers;			/* of the plan, see plan_movers() */
	struct HoldFacts *facts;	/* NULL at first */
} PlanStanding;

/*
 * Returns, for each step of a plan that gives relations other names, done or
 * not, a list of these and of the names before (char *)
 */
extern List *plan_movers(const char *plan);

/* A step that holds up the undo of another one */
typedef struct PlanHolder
{
	const PlanStep *step;
	bool		stays;			/* no call takes it back: it has taken rows or
								 * values for good, or has no undo */
} PlanHolder;

/*
 * Finds the last step that holds up the undo of another one, among those that
 * stand (PlanStanding *, latest first); returns false if there is none
 */
extern bool plan_find_holder(const List *standing, PlanStanding *one, PlanHolder *holder);

/*
 * Returns a step because of which no rollback takes this one back: it, or what
 * waits for it in turn, can't be taken back; NULL if there is none
 */
extern const PlanStep *plan_kept_for(const List *standing, PlanStanding *one);

#endif							/* SG_PLAN_HOLD_H */
