/*-------------------------------------------------------------------------
 *
 * plan_order.c
 *	  Which steps of a plan come before which: a column before what is on it,
 *	  a unique constraint before the key that refers to it.
 *
 * Only steps that are no foreign keys are needed by others, so a plan of keys
 * alone costs nothing here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Does a step name the column, or may what somebody has written for it do so? */
static bool
mentions_column(const PlanStep *step, const char *table, const char *column)
{
	if (same(step->child_table, table))
	{
		if (sg_has_name(step->child_columns, column))
			return true;
		if ((step->definition && step->kind != STEP_COLUMN && strstr(step->definition, column)) ||
			(step->fill && strstr(step->fill, column)) ||
			(step->keep_by && strstr(step->keep_by, column)))
			return true;
	}
	return same(step->parent_table, table) && sg_has_name(step->parent_columns, column);
}

static bool
mentions_table(const PlanStep *step, const char *table)
{
	return same(step->child_table, table) || same(step->parent_table, table);
}

/* What is dropped goes from the outside to the inside */
static int
drop_rank(const PlanStep *step)
{
	switch (plan_changed_object(step))
	{
		case CHANGED_VIEW:
			return 0;
		case CHANGED_TRIGGER:
		case CHANGED_CONSTRAINT:
			return 1;
		case CHANGED_INDEX:
			return 2;
		case CHANGED_COLUMN:
			return 3;
		case CHANGED_TABLE:
			return 4;
	}
	return 4;
}

/* The table as it is called afterwards */
static char *
renamed_table(const PlanStep *step)
{
	SgTableName name = sg_parse_table_name(step->child_table);

	return quote_qualified_identifier(name.schema, step->new_name);
}

/* What names the old name comes before, what names the new one after */
static bool
needs_rename(const PlanStep *step, const PlanStep *rename, bool *before)
{
	switch (plan_changed_object(rename))
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
			*before = mentions_table(step, rename->child_table);
			return mentions_table(step, renamed_table(rename));
		case CHANGED_COLUMN:
			*before = mentions_column(step, rename->child_table, rename->fk_name);
			return mentions_column(step, rename->child_table, rename->new_name);
		case CHANGED_CONSTRAINT:
		case CHANGED_INDEX:
		case CHANGED_TRIGGER:
			*before = false;
			return false;
	}
	return false;
}

/* Does `step` need `other` to come first? */
static bool
needs(const PlanStep *step, const PlanStep *other)
{
	bool		before = false;

	switch (other->kind)
	{
		case STEP_COLUMN:
			return step->kind != STEP_RENAME && step->kind != STEP_DROP &&
				mentions_column(step, other->child_table, other->fk_name);
		case STEP_UNIQUE:
			return step->kind == STEP_FOREIGN_KEY && same(step->parent_table, other->child_table) &&
				(step->parent_columns ? sg_same_names(step->parent_columns, other->child_columns) : other->primary_key);
		case STEP_NOT_NULL:
			return step->kind == STEP_UNIQUE && step->primary_key && same(step->child_table, other->child_table) &&
				sg_has_name(step->child_columns, linitial(other->child_columns));
		case STEP_DROP:
			return step->kind == STEP_DROP && mentions_table(step, other->child_table) &&
				drop_rank(other) < drop_rank(step);
		case STEP_RENAME:
			return step->kind != STEP_DROP && needs_rename(step, other, &before);
		case STEP_FOREIGN_KEY:
			return step->kind == STEP_RENAME && plan_changed_object(step) == CHANGED_CONSTRAINT && other->step < step->step &&
				same(step->child_table, other->child_table) && same(step->fk_name, other->fk_name);
		case STEP_CHECK:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_STATEMENT:
		case STEP_KINDS:
			return false;
	}
	return false;
}

/* What is dropped goes after all that is about its table, and a rename after what names the old name */
static bool
comes_late(const PlanStep *step, const PlanStep *other)
{
	bool		before = false;

	if (step->kind == STEP_RENAME)
		return !needs_rename(other, step, &before) && before;
	if (step->kind != STEP_DROP || other->kind == STEP_DROP)
		return false;
	if (other->kind == STEP_RENAME)
		return needs_rename(step, other, &before);
	return mentions_table(other, step->child_table);
}

bool
plan_step_is_in_order(const PlanStep *step)
{
	return list_length(step->after) == 1 && strcmp(linitial(step->after), PLAN_AFTER_ALL) == 0;
}

const char *
plan_step_needed_name(const PlanStep *step)
{
	return plan_step_is_in_order(step) ? step->fk_name : NULL;
}

static bool
must_follow(const PlanStep *step, const PlanStep *other)
{
	if (step == other)
		return false;
	if (plan_step_is_in_order(step))
		return other->step < step->step;
	if (sg_has_name(step->after, other->fk_name))
		return true;
	if (needs(step, other))
		return true;
	return comes_late(step, other);
}

static bool
is_plain(List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (step->kind != STEP_FOREIGN_KEY || step->after)
			return false;
	}
	return true;
}

bool
plan_is_one_by_one(List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (!plan_step_is_in_order(step))
			return false;
	}
	return steps != NIL;
}

static int
compare_numbers(const ListCell *a, const ListCell *b)
{
	return ((PlanStep *) lfirst(a))->step - ((PlanStep *) lfirst(b))->step;
}

/* One after the other, where all want it so; else NIL */
static List *
one_by_one(List *steps)
{
	List	   *sorted = plan_is_one_by_one(steps) ? list_copy(steps) : NIL;
	List	   *rounds = NIL;

	list_sort(sorted, compare_numbers);
	foreach_ptr(PlanStep, step, sorted)
	{
		rounds = lappend(rounds, list_make1(step));
	}
	return rounds;
}

/* Rounds, and in *rest the steps that need each other */
static List *
make_rounds(List *steps, List **rest)
{
	List	   *rounds = one_by_one(steps);

	*rest = NIL;
	if (rounds)
		return rounds;
	if (is_plain(steps))
		return steps ? list_make1(steps) : NIL;
	*rest = list_copy(steps);
	while (*rest != NIL)
	{
		List	   *ready = NIL;

		foreach_ptr(PlanStep, step, *rest)
		{
			bool		waits = false;

			foreach_ptr(PlanStep, other, *rest)
			{
				if (!waits && must_follow(step, other))
					waits = true;
			}
			if (!waits)
				ready = lappend(ready, step);
		}
		if (ready == NIL)
			break;
		rounds = lappend(rounds, ready);
		*rest = list_difference_ptr(*rest, ready);
	}
	return rounds;
}

static char *
numbers(List *steps)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const PlanStep, step, steps)
	{
		appendStringInfo(&text, "%s%d", text.len ? ", " : "", step->step);
	}
	return text.data;
}

char *
plan_circle(List *steps)
{
	List	   *rest;

	(void) make_rounds(steps, &rest);
	return rest ? numbers(rest) : NULL;
}

PlanStep *
plan_needed_step(List *steps, const PlanStep *step)
{
	foreach_ptr(PlanStep, other, steps)
	{
		if (other->step != step->step && other->state != STEP_VALIDATED && !other->skipped_by &&
			must_follow(step, other))
			return other;
	}
	return NULL;
}

List *
plan_rounds(List *steps)
{
	List	   *rest;
	List	   *rounds = make_rounds(steps, &rest);

	if (rest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("steps of the plan need each other: %s", numbers(rest)),
				 errhint("Take the circle apart: sg_plan_set(plan, step, 'after', NULL) takes away an order that somebody has given; sg_plan_skip() leaves a step out.")));
	return rounds;
}

List *
plan_keys_with_needs(List *steps)
{
	List	   *wanted = plan_only_keys(steps);
	List	   *kept = NIL;

	if (list_length(wanted) == list_length(steps))
		return steps;

	/* what is wanted grows while it is read */
	for (int i = 0; i < list_length(wanted); i++)
	{
		foreach_ptr(PlanStep, other, steps)
		{
			if (!list_member_ptr(wanted, other) && must_follow(list_nth(wanted, i), other))
				wanted = lappend(wanted, other);
		}
	}
	foreach_ptr(PlanStep, step, steps)
	{
		if (list_member_ptr(wanted, step))
			kept = lappend(kept, step);
	}
	return kept;
}
