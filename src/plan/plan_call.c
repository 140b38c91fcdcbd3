/*-------------------------------------------------------------------------
 *
 * plan_call.c
 *	  Statements about a step, for hints.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/calls.h"
#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_field.h"

#define STEPS_WRITTEN 20		/* number of steps that one call names */

/* Appends a value as JSON; a boolean is not quoted */
static void
append_value(StringInfo buf, const char *name, const char *value)
{
	const StepField *field = plan_field(name, FIELD_OPTION);

	if (value == NULL)
		appendStringInfoString(buf, "null");
	else if (field && field->type == FIELD_BOOL)
		appendStringInfoString(buf, value);
	else
		escape_json(buf, value);
}

char *
plan_set_call(const PlanStep *step,...)
{
	StringInfoData options;
	va_list		args;
	const char *name;

	initStringInfo(&options);
	va_start(args, step);
	while ((name = va_arg(args, const char *)) != NULL)
	{
		appendStringInfo(&options, "%s\"%s\": ", options.len ? ", " : "{", name);
		append_value(&options, name, va_arg(args, const char *));
	}
	va_end(args);
	appendStringInfoChar(&options, '}');
	return psprintf(sg_calls("SELECT sg_plan_set(%s, '{%d}', %s);"), quote_literal_cstr(step->plan), step->step,
					quote_literal_cstr(options.data));
}

char *
plan_quarantine_call(const PlanStep *step)
{
	return plan_set_call(step, "orphans", "quarantine", NULL);
}

char *
plan_quarantine_all_call(const char *plan, List *steps)
{
	char	   *literal = quote_literal_cstr(plan);
	StringInfoData numbers;

	if (list_length(steps) <= STEPS_WRITTEN)
	{
		initStringInfo(&numbers);
		foreach_int(step, steps)
			appendStringInfo(&numbers, "%s%d", numbers.len ? "," : "", step);
		return psprintf(sg_calls("SELECT sg_plan_set(%s, '{%s}', '{\"orphans\": \"quarantine\"}');"), literal, numbers.data);
	}
	return psprintf(sg_calls("SELECT sg_plan_set(%s, array_agg(step), '{\"orphans\": \"quarantine\"}') FROM schemaguard.plan_step"
							 " WHERE plan = %s AND kind = 'foreign key' AND orphans = 'stop' AND NOT period HAVING count(*) > 0;"), literal, literal);
}

static char *
next_name(const char *name)
{
	return psprintf("%.*s_2", pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1 - strlen("_2")), name);
}

char *
plan_rename_call(const PlanStep *step, const char *option)
{
	const char *name = strcmp(option, "new_name") == 0 ? step->new_name :
		strcmp(option, "index_name") == 0 ? step->index_name : step->fk_name;

	return plan_set_call(step, option, next_name(name), NULL);
}

char *
plan_unique_call(const PlanStep *step)
{
	return psprintf(sg_calls("Have the plan make these columns unique, which looks for duplicates first:\nSELECT sg_plan_add_unique(%s, %s, %s);"),
					quote_literal_cstr(step->plan), quote_literal_cstr(plan_given(step->parent_table)), sg_names_literal(step->parent_columns));
}

char *
plan_replace_call(const PlanStep *step, const char *name)
{
	if (strcmp(step->fk_name, name) != 0)
		return plan_set_call(step, "replaces", name, NULL);
	return plan_set_call(step, "replaces", name, "fk_name", next_name(name), NULL);
}

char *
plan_skip_call(const PlanStep *step, const char *reason)
{
	return psprintf(sg_calls("SELECT sg_plan_skip(%s, '{%d}', %s);"), quote_literal_cstr(step->plan), step->step,
					quote_literal_cstr(reason));
}

/* Returns another step of the plan that is the key of these tables and columns, or NULL */
static const PlanStep *
find_twin(const PlanStep *step, const char *child, const char *parent, List *columns)
{
	foreach_ptr(const PlanStep, other, step->kind == STEP_FOREIGN_KEY ? plan_steps(step->plan) : NIL)
	{
		if (other->step != step->step && other->kind == STEP_FOREIGN_KEY && !other->skipped_by &&
			sg_same_text(other->child_table, child) && sg_same_text(other->parent_table, parent) &&
			strcmp(sg_names_text(other->child_columns), sg_names_text(columns)) == 0)
			return other;
	}
	return NULL;
}

/*
 * Returns the hint that gives an option of a step the value that is meant, or
 * skips the step if it would then be a twin
 */
static char *
near_hint(const PlanStep *step, const PlanStep *twin, const char *near, const char *option, const char *value)
{
	if (twin)
		return psprintf("Perhaps you meant %s, and step %d is that key. Leave this one out:\n%s", near, twin->step,
						plan_skip_call(step, psprintf("step %d is the same key", twin->step)));
	return psprintf("Perhaps you meant %s:\n%s", near, plan_set_call(step, option, value, NULL));
}

char *
plan_near_table_hint(const PlanStep *step, const char *near, bool is_parent)
{
	const PlanStep *twin = find_twin(step, is_parent ? step->child_table : near, is_parent ? near : step->parent_table, step->child_columns);

	return near_hint(step, twin, near, is_parent ? "parent_table" : "child_table", near);
}

char *
plan_near_columns_hint(const PlanStep *step, const char *near, List *columns, const char *value)
{
	return near_hint(step, find_twin(step, step->child_table, step->parent_table, columns), near, "child_columns", value);
}

char *
plan_rollback_call(const PlanStep *step)
{
	return psprintf(sg_calls("CALL sg_rollback_fks(%s, steps => '{%d}');"), quote_literal_cstr(step->plan), step->step);
}

char *
plan_sql_call(const char *plan)
{
	return psprintf(sg_calls("SELECT * FROM sg_plan_sql(%s);"), quote_literal_cstr(plan));
}

char *
plan_release_call(const char *plan)
{
	return psprintf(sg_calls("SELECT sg_plan_release(%s, '" PLAN_FILL_PHASE "');"), quote_literal_cstr(plan));
}
