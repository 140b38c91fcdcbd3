/*-------------------------------------------------------------------------
 *
 * undo_hold.h
 *	  Deeds that wait until what came later is taken back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_UNDO_HOLD_H
#define SG_UNDO_HOLD_H

#include "plan/plan_deed.h"
#include "plan/plan_hold.h"

/*
 * Returns the deeds of a plan, of steps that are chosen or not, that stand
 * (PlanStanding *, latest first); undo_standing_without() takes one out
 */
extern List *undo_standing(const FkPlan *plan);
extern List *undo_standing_without(List *standing, const PlanDeed *deed);

/* Finds the last step that stands and holds up a deed; returns false if there is none */
extern bool undo_is_held(const List *standing, const PlanDeed *deed, PlanHolder *holder);

#endif							/* SG_UNDO_HOLD_H */
