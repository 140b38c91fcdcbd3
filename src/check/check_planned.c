/*-------------------------------------------------------------------------
 *
 * check_planned.c
 *	  Rules that a plan adds to a table whose rows other steps of it write.
 *
 *	  Whichever comes first, the catalog of now has no such rule.  So the rows
 *	  that a step writes are checked against it with the table's own rules
 *	  (check_written.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/compat.h"
#include "base/quote.h"
#include "change/change.h"
#include "check/check.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"

/* Returns whether a step that is no statement updates rows of its table */
static bool
updates_rows(const PlanStep *step)
{
	return step->fill || step->backfill || step->kind == STEP_ROWS || (plan_step_fixes(step) && !plan_policy_deletes(step->orphans));
}

/* Returns whether a step between two others may change rows or rules, so that what the first does need not hurt the second */
static bool
may_come_between(const PlanCheck *check, const CheckStep *first, const CheckStep *second)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		const PlanStep *step = other->step;

		if ((step->kind == STEP_STATEMENT || step->kind == STEP_DROP || updates_rows(step) || plan_step_fixes(step)) &&
			check_comes_before(check, first, other) && check_comes_before(check, other, second))
			return true;
	}
	return false;
}

bool
check_meets_rule(const PlanCheck *check, const CheckStep *cs, const CheckStep *other, Oid table, CheckResult *result)
{
	const PlanStep *rule = other->step;
	bool		first;

	if (other == cs || !plan_step_adds_rule(rule) || !rule->enforced || !rule->child_table || sg_find_qualified(rule->child_table) != table ||
		(rule->kind == STEP_INDEX && !plan_index_parse(plan_index_written(rule->definition))->unique))
		return false;
	first = check_comes_before(check, other, cs);
	if (!first && !check_comes_before(check, cs, other))
		return false;
	/* a step that comes before the rule is done, whatever becomes of that */
	*result = first && !may_come_between(check, other, cs) ? CHECK_BLOCK : CHECK_WARN;
	return true;
}

char *
check_rule_text(const CheckStep *cs)
{
	return psprintf("the rule of step %d, %s", cs->step->step, plan_step_object(cs->step));
}

void
check_left_rows(const PlanCheck *check, CheckStep *cs)
{
	if (cs->step->kind != STEP_CHECK || cs->step->orphans != ORPHANS_LEAVE || check_rows_broken(cs) <= 0)
		return;
	foreach_ptr(CheckStep, other, check->steps)
	{
		if (sg_same_text(other->step->child_table, cs->step->child_table) && updates_rows(other->step) && check_comes_before(check, cs, other))
			check_row(other, "before", CHECK_WARN,
					  psprintf("step %d, %s, comes before it, and leaves rows that break its rule: an update of one of these fails",
							   cs->step->step, plan_step_object(cs->step)), NULL);
	}
}
