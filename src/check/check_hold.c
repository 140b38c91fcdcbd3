/*-------------------------------------------------------------------------
 *
 * check_hold.c
 *	  What a rollback would leave, because a later step has taken rows or
 *	  values away for good (plan_hold.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/check.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_hold.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

/* Returns whether a step may take rows or values away that no rollback brings back */
static bool
takes_for_good(const PlanStep *step)
{
	if (step->kind == STEP_DROP)
		return step->discard && (plan_changed_object(step) == CHANGED_TABLE || plan_changed_object(step) == CHANGED_COLUMN);
	return plan_step_fixes(step) && (step->orphans == ORPHANS_DELETE || step->orphans == ORPHANS_SET_NULL || step->sentinel);
}

/* Returns the steps as they stand when all is done (PlanStanding *), latest first */
static List *
all_done(const PlanCheck *check)
{
	List	   *movers = plan_movers(check->plan->name);
	List	   *standing = NIL;
	char	   *hint;

	foreach_ptr(List, round, plan_circle(check->graph, &hint) ? NIL : plan_rounds(check->graph))
	{
		foreach_ptr(const PlanStep, step, round)
		{
			PlanStanding *one = palloc0(sizeof(PlanStanding));

			one->step = step;
			one->movers = movers;
			one->for_good = takes_for_good(step);
			if (!step->skipped_by)
				standing = lcons(one, standing);
		}
	}
	return standing;
}

static char *
hint_about(const PlanStep *taker)
{
	if (taker->kind == STEP_DROP)
		return psprintf("Keep what that one drops until it is pruned:\n%s", plan_set_call(taker, "discard", "false", NULL));
	if (taker->kind == STEP_STATEMENT)
		return pstrdup("If both are to be taken back, give that step an undo, which brings them back from what this one has copied.");
	if (taker->sentinel && taker->orphans != ORPHANS_DELETE && taker->orphans != ORPHANS_SET_NULL)
		return psprintf("Do without the sentinel:\n%s", plan_set_call(taker, "sentinel", NULL, NULL));
	return psprintf("Keep the rows that it takes:\n%s", plan_set_call(taker, "orphans", "quarantine", NULL));
}

void
check_kept_for(const PlanCheck *check, const PlanStep *step, const PlanStep *taker)
{
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (cs->step->step == step->step && plan_is_chosen(check->plan, step->step))
			check_row(cs, "undo", CHECK_WARN,
					  psprintf("a rollback leaves it as it is if step %d, %s, takes rows or values away for good: it may have the last copy of them",
							   taker->step, plan_step_object(taker)), hint_about(taker));
	}
}

void
check_rollback(PlanCheck *check)
{
	List	   *standing = all_done(check);

	foreach_ptr(PlanStanding, one, standing)
	{
		const PlanStep *taker = one->step->undo && !plan_step_is_done(one->step) ? plan_kept_for(standing, one) : NULL;

		if (taker)
			check_kept_for(check, one->step, taker);
	}
}
