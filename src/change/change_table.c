/*-------------------------------------------------------------------------
 *
 * change_table.c
 *	  Steps that create a table.
 *
 *	  An existing table of that name is accepted as it is, unless a step of the
 *	  plan has given it the name: steps of other kinds add what it lacks.  A
 *	  rollback drops the table that a step has created while it is empty.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/errors.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "plan/plan_relation.h"

/*
 * Returns the present name of the table that a finished step has created, or
 * NULL if it is gone, or only its old name is known
 */
static char *
name_now(const PlanStep *step)
{
	const PlanDeed *deed = step->state == STEP_VALIDATED ? change_deed_of(step) : NULL;

	return deed && plan_deed_follow(deed) == DEED_BY_OID ? deed->what->child_table : NULL;
}

void
change_look_table(const PlanStep *step, ChangeMove *move)
{
	char	   *now;
	char	   *schema = sg_parse_table_name(step->child_table).schema;
	char	   *statement = linitial(plan_change_statements(step));

	if (OidIsValid(move->table))
	{
		(void) change_is_renamed(step, 0, move);
		return;
	}
	now = name_now(step);
	if (now)
		move->note = psprintf("it is called %s by now", now);
	else if (step->state == STEP_VALIDATED && plan_has_moved(step->plan, step->child_table))
		change_problem(move, ERRCODE_UNDEFINED_TABLE, psprintf("table %s does not exist", step->child_table), NULL);
	else if (!OidIsValid(get_namespace_oid(schema, true)))
		change_problem(move, ERRCODE_UNDEFINED_SCHEMA, psprintf("schema %s does not exist", quote_identifier(schema)),
					   psprintf("CREATE SCHEMA %s;", quote_identifier(schema)));
	else if (change_reach_statement(move, statement))
	{
		change_statement(move, MOVE_STATEMENT, "table", NoLock, STEP_VALIDATED, statement);
		move->first = true;
	}
}

/* Returns whether a step is about a column of a table, as child or parent */
static bool
is_about_column(const PlanStep *step, const char *table, const char *column)
{
	if (step->parent_table && strcmp(step->parent_table, table) == 0 && sg_has_name(step->parent_columns, column))
		return true;
	if (step->child_table == NULL || strcmp(step->child_table, table) != 0)
		return false;
	if (step->kind == STEP_DROP || step->kind == STEP_RENAME)
		return plan_changed_object(step) == CHANGED_COLUMN && strcmp(step->fk_name, column) == 0;
	return sg_has_name(step->child_columns, column) || (step->definition && plan_has_word(step->definition, column));
}

bool
change_others_stand_on(const PlanStep *step, const char *column, ChangeMove *move)
{
	StringInfoData steps;
	const PlanStep *first = NULL;

	initStringInfo(&steps);
	appendStringInfo(&steps, "%d", step->step);
	foreach_ptr(const PlanStep, other, plan_steps_standing_on(step, column))
	{
		/* the step that freed the name is about another object */
		if (plan_step_frees(other, step) || (column && !is_about_column(other, step->child_table, column)))
			continue;
		first = first ? first : other;
		appendStringInfo(&steps, ",%d", other->step);
	}
	if (first == NULL)
		return false;
	change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
				   psprintf("what step %d has done, %s, would go with it", first->step, plan_step_object(first)),
				   psprintf(sg_calls("Take back all that would:\nCALL sg_rollback_fks(%s, steps => '{%s}');"),
							quote_literal_cstr(step->plan), steps.data));
	return true;
}

void
change_undo_table(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	DeedTable	known = plan_deed_follow(deed);
	const char *table = deed->what->child_table;

	if (!OidIsValid(move->table))
		return;
	if (known == DEED_BY_NAME)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("whether table %s is the one that the plan has made can't be told in a restored copy", table),
					   psprintf("Drop it by hand if it is to go, then say so:\n%s", plan_skip_call(step, "dropped by hand")));
	else if (known == DEED_TABLE_GONE)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("%s is another one by now", table), NULL);
	else if (change_others_stand_on(step, NULL, move))
		return;
	else if (sg_children(move->table) != NIL)
		change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("table %s has parts, which would go with it", table),
					   "Keep the table, or drop or detach its parts first.");
	else if (change_has_rows(move->table, table))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("table %s has rows, which would go with it", table),
					   psprintf("If the table is to stay:\n%s", plan_skip_call(step, "the table stays")));
	else
		change_statement(move, MOVE_STATEMENT, "table", AccessExclusiveLock, STEP_ROLLED_BACK, psprintf("DROP TABLE %s", table));
}
