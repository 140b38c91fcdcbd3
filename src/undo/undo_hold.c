/*-------------------------------------------------------------------------
 *
 * undo_hold.c
 *	  Deeds that wait until what came later is taken back (plan_hold.c).
 *
 *	  Rows and values that a later step has taken away for good hold up a copy
 *	  until a role has skipped that step: nobody needs it then.  A role that
 *	  skips the step of the copy has it stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/change.h"
#include "undo/undo_hold.h"

/* Returns whether what a deed has taken does not come back */
static bool
is_for_good(const PlanDeed *deed)
{
	if (deed->kind == DEED_DELETE || deed->kind == DEED_SET_NULL)
		return deed->rows > 0;
	return deed->what->kind == STEP_DROP && deed->what->discard && (change_stays_gone(deed) > 0 || deed->uncounted > 0);
}

List *
undo_standing(const FkPlan *plan)
{
	List	   *movers = plan_movers(plan->name);
	List	   *standing = NIL;

	foreach_ptr(const PlanDeed, deed, plan_deeds_standing(plan))
	{
		PlanStanding *one = palloc0(sizeof(PlanStanding));

		one->id = deed->id;
		one->movers = movers;
		one->step = plan_step_get(plan->name, deed->step, true);
		one->for_good = is_for_good(deed);
		if (one->step && (one->for_good || deed->open))
			standing = lappend(standing, one);
	}
	return standing;
}

List *
undo_standing_without(List *standing, const PlanDeed *deed)
{
	ListCell   *lc;

	foreach(lc, standing)
	{
		const PlanStanding *one = lfirst(lc);

		if (one->id == deed->id && !one->for_good && !one->step->skipped_by)
			standing = foreach_delete_current(standing, lc);
	}
	return standing;
}

bool
undo_is_held(const List *standing, const PlanDeed *deed, PlanHolder *holder)
{
	foreach_ptr(PlanStanding, one, standing)
	{
		if (one->id == deed->id)
			return plan_find_holder(standing, one, holder);
	}
	return false;
}
