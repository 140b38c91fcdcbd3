/*-------------------------------------------------------------------------
 *
 * change_table.c
 *	  Steps that make a table.
 *
 * One that is there by its name is taken as it is: what it lacks are steps of
 * other kinds.  It is dropped again while it is empty.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "base/errors.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"

/* What the table of a finished step is called by now, or NULL: it is gone, or names are all there is */
static char *
name_now(const PlanStep *step)
{
	foreach_ptr(const PlanDeed, deed, step->state == STEP_VALIDATED ? plan_deeds(plan_get(step->plan), DEED_BIT(DEED_CHANGE)) : NIL)
	{
		if (deed->step == step->step && plan_deed_follow(deed) == DEED_BY_OID)
			return deed->what->child_table;
	}
	return NULL;
}

void
change_look_table(const PlanStep *step, ChangeMove *move)
{
	char	   *now;
	char	   *schema = sg_parse_table_name(step->child_table).schema;
	char	   *statement = linitial(plan_change_statements(step));

	if (OidIsValid(move->table))
		return;
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

void
change_undo_table(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	const char *table = deed->what->child_table;

	if (!OidIsValid(move->table))
		return;
	if (plan_deed_follow(deed) == DEED_BY_NAME)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("whether table %s is the one that the plan has made can't be told in a restored copy", table),
					   psprintf("Drop it by hand if it is to go, then say so:\n%s", plan_skip_call(step, "dropped by hand")));
	else if (plan_deed_follow(deed) == DEED_TABLE_GONE)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("%s is another one by now", table), NULL);
	else if (sg_children(move->table) != NIL)
		change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("table %s has parts, which would go with it", table),
					   "Keep the table, or drop or detach its parts first.");
	else if (change_has_rows(move->table, table))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("table %s has rows, which would go with it", table),
					   psprintf("If the table is to stay:\n%s", plan_skip_call(step, "the table stays")));
	else
		change_statement(move, MOVE_STATEMENT, "table", AccessExclusiveLock, STEP_ROLLED_BACK, psprintf("DROP TABLE %s", table));
}
