/*-------------------------------------------------------------------------
 *
 * plan_choice.c
 *	  The argument "steps": a call that is about some steps of a plan.
 *
 *	  The choice is kept in the plan that the call has read.  Functions for
 *	  chosen steps, or deeds, leave the others alone; code that compares a
 *	  step with the rest of its plan calls plan_steps().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/spi.h"
#include "plan/plan_choice.h"

List *
plan_steps_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *chosen = NIL;
	List	   *given;
	ArrayType  *array;

	if (sg_arg_is_null(fcinfo, n))
	{
		if (!sg_arg_is_given(fcinfo, n))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("steps is null, as an aggregate over no rows gives it, and null stands for all steps"),
					 errhint(sg_calls("Write NULL itself for all of them. A list that may be empty is coalesce(array_agg(step), '{}'), or:\nSELECT sg_plan_steps(%s, 'pending');"),
							 quote_literal_cstr(sg_arg_text(fcinfo, 0)))));
		return NIL;
	}
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("steps must have one dimension, not %d", ARR_NDIM(array)),
				 errhint(SG_STEPS_HINT)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("steps must not contain nulls"),
				 errhint(SG_STEPS_HINT)));
	given = sg_int_array_list(PointerGetDatum(array));
	list_sort(given, list_int_cmp);
	foreach_int(step, given)
	{
		if (chosen == NIL || llast_int(chosen) != step)
			chosen = lappend_int(chosen, step);
	}
	if (chosen == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("steps must not be empty"),
				 errhint(SG_STEPS_HINT)));
	return chosen;
}

/* Returns whether a sorted list has a number */
static bool
has_number(const List *sorted, int number)
{
	int			lo = 0;
	int			hi = list_length(sorted);

	while (lo < hi)
	{
		int			middle = lo + (hi - lo) / 2;

		if (list_nth_int(sorted, middle) < number)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo < list_length(sorted) && list_nth_int(sorted, lo) == number;
}

pg_noreturn static void
no_such_steps(const FkPlan *plan, List *steps, List *unknown)
{
	StringInfoData numbers;
	int			first = 0;
	int			last = 0;

	initStringInfo(&numbers);
	foreach_int(step, unknown)
		appendStringInfo(&numbers, "%s%d", numbers.len ? ", " : "", step);
	foreach_ptr(const PlanStep, step, steps)
	{
		first = first == 0 ? step->step : Min(first, step->step);
		last = Max(last, step->step);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_plural("plan \"%s\" has no step %s", "plan \"%s\" has no steps %s",
						   list_length(unknown), plan->name, numbers.data),
			 steps == NIL ? errdetail("It has no step at all.") :
			 first == last ? errdetail("Its only step is %d.", first) :
			 errdetail("Its steps are %d to %d.", first, last),
			 errhint("SELECT step, kind, child_table, fk_name, state FROM schemaguard.plan_step WHERE plan = %s ORDER BY step;",
					 quote_literal_cstr(plan->name))));
}

void
plan_choose(FkPlan *plan, List *chosen)
{
	List	   *steps;
	List	   *numbers = NIL;
	List	   *unknown = NIL;

	if (chosen == NIL)
		return;
	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("steps without a plan"),
				 errhint("Steps are those of a plan: give its name, too.")));
	steps = plan_steps(plan->name);
	foreach_ptr(const PlanStep, step, steps)
		numbers = lappend_int(numbers, step->step);
	list_sort(numbers, list_int_cmp);
	foreach_int(number, chosen)
	{
		if (!has_number(numbers, number))
			unknown = lappend_int(unknown, number);
	}
	if (unknown != NIL)
		no_such_steps(plan, steps, unknown);
	plan->chosen = chosen;
}

bool
plan_is_chosen(const FkPlan *plan, int step)
{
	return plan->chosen == NIL || has_number(plan->chosen, step);
}

List *
plan_chosen_steps(const FkPlan *plan)
{
	List	   *chosen = NIL;

	foreach_ptr(PlanStep, step, plan_steps(plan->name))
	{
		if (plan_is_chosen(plan, step->step))
			chosen = lappend(chosen, step);
	}
	return chosen;
}

char *
plan_steps_text(const List *numbers)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_int(number, numbers)
		appendStringInfo(&text, "%s%d", text.len ? "," : "{", number);
	appendStringInfoString(&text, text.len ? "}" : "{}");
	return text.data;
}

Datum
plan_chosen_array(const FkPlan *plan)
{
	int			n = list_length(plan->chosen);
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = Int32GetDatum(list_nth_int(plan->chosen, i));
	return PointerGetDatum(construct_array(elements, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
