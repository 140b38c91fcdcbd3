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

typedef struct UndoStanding UndoStanding;

/* Reads the deeds of a plan, of steps that are chosen or not, that stand; undo_standing_ends() takes one out */
extern UndoStanding *undo_standing(const FkPlan *plan);
extern void undo_standing_ends(UndoStanding *standing, const PlanDeed *deed);

/* A step that holds up a deed */
typedef struct UndoHolder
{
	const PlanStep *step;
	bool		stays;			/* no call takes it back: it has dropped rows
								 * or values for good, or has no undo */
} UndoHolder;

/* Finds the last step that stands and holds up a deed; returns false if there is none */
extern bool undo_is_held(const UndoStanding *standing, const PlanDeed *deed, UndoHolder *holder);

#endif							/* SG_UNDO_HOLD_H */
