/*-------------------------------------------------------------------------
 *
 * plan_edit.c
 *	  Making plans and changing them by hand: sg_plan_create, sg_plan_add_fk,
 *	  sg_plan_set, sg_plan_skip, sg_plan_drop.
 *
 * Each function checks its arguments first, then who may change the plan
 * (plan_check_writable), changes it, withdraws an approval and writes one row
 * of the log.  An error leaves everything as it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_deed.h"

PG_FUNCTION_INFO_V1(sg_plan_create);
PG_FUNCTION_INFO_V1(sg_plan_add_fk);
PG_FUNCTION_INFO_V1(sg_plan_set);
PG_FUNCTION_INFO_V1(sg_plan_skip);
PG_FUNCTION_INFO_V1(sg_plan_drop);

/* An argument that must not be null */
static char *
text_argument(FunctionCallInfo fcinfo, int n, const char *function, const char *name)
{
	if (PG_ARGISNULL(n))
		sg_null_argument(function, name);

	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* One that may: NULL for null */
static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static bool
bool_argument(FunctionCallInfo fcinfo, int n, const char *function, const char *name)
{
	if (PG_ARGISNULL(n))
		sg_null_argument(function, name);

	return PG_GETARG_BOOL(n);
}

/* NIL for null; an empty array is an error, for it would look like null later */
static List *
columns_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	List	   *columns;

	if (PG_ARGISNULL(n))
		return NIL;

	columns = sg_text_array_list(PG_GETARG_DATUM(n));
	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("Name at least one column.")));

	return columns;
}

/*
 * A trigger that fills columns outlives the step that knows of it, unless
 * deployment drops it: raise 55000 where the step is about to be forgotten.
 */
static void
check_not_filling(const PlanStep *step)
{
	List	   *statements;

	if (!plan_filler_is_armed(step, sg_find_qualified(step->child_table)))
		return;
	statements = plan_filler_disarm_statements(step);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, step->plan,
					step->child_table),
			 errdetail("The trigger %s does so for rows that are written.",
					   quote_identifier(plan_filler_name(step))),
			 errhint("CALL sg_rollback_fks() or, to the end, sg_add_fks() drops it; or do so by hand: %s; %s;",
					 (char *) linitial(statements), (char *) lsecond(statements))));
}

/*
 * sg_plan_create(plan text, description text, replace boolean)
 *
 * Makes an empty plan that belongs to the current role.  42710 when there is
 * one of that name, unless replace is true: then that plan, if the current
 * role may change it, loses its steps, notes and deeds and stays its author's;
 * a trigger of it that fills columns and what builds of indexes have left are
 * dropped as by sg_plan_drop().
 */
Datum
sg_plan_create(PG_FUNCTION_ARGS)
{
	const char *me = "sg_plan_create";
	char	   *name = text_argument(fcinfo, 0, me, "plan");
	char	   *description = text_argument(fcinfo, 1, me, "description");
	bool		replace = bool_argument(fcinfo, 2, me, "replace");
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	sg_check_name(name, "plan name");
	sg_check_writable("sg_plan_create()");

	plan = plan_find(name);
	if (plan && replace)
	{
		plan_check_writable(plan, "sg_plan_create()");
		plan_filler_drop_all(plan);
		plan_index_drop_leftovers(plan);
		plan_clear(plan, description);
		plan_withdraw_approval(plan);
		plan_log(plan, 0, "plan create", name, "replaced");
	}
	else
	{
		plan_insert(name, description);
		plan_log(plan_get(name), 0, "plan create", name, NULL);
	}

	PG_RETURN_VOID();
}

/*
 * sg_plan_add_fk(plan, child_table, child_columns, parent_table, ...)
 *
 * Adds one key, returns the number of its step.  What this database lacks is
 * a NOTICE; what no key can be is an error.
 */
Datum
sg_plan_add_fk(PG_FUNCTION_ARGS)
{
	const char *me = "sg_plan_add_fk";
	char	   *name = text_argument(fcinfo, 0, me, "plan");
	PlanStep   *step = plan_step_default(name);
	FkPlan	   *plan;
	PlanDraft  *draft;

	sg_check_granted(fcinfo);
	step->child_table = text_argument(fcinfo, 1, me, "child_table");
	if (PG_ARGISNULL(2))
		sg_null_argument(me, "child_columns");
	step->child_columns = columns_argument(fcinfo, 2, "child_columns");
	step->parent_table = text_argument(fcinfo, 3, me, "parent_table");
	step->parent_columns = columns_argument(fcinfo, 4, "parent_columns");
	step->fk_name = optional_text(fcinfo, 5);
	step->on_delete = text_argument(fcinfo, 6, me, "on_delete");
	step->on_update = text_argument(fcinfo, 7, me, "on_update");
	step->priority = text_argument(fcinfo, 8, me, "priority");
	step->orphans = text_argument(fcinfo, 9, me, "orphans");
	step->index = bool_argument(fcinfo, 10, me, "index");
	step->replaces = optional_text(fcinfo, 11);
	step->match = text_argument(fcinfo, 12, me, "match");
	step->deferrable = bool_argument(fcinfo, 13, me, "deferrable");
	step->initially_deferred = bool_argument(fcinfo, 14, me, "initially_deferred");
	step->on_delete_columns = columns_argument(fcinfo, 15, "on_delete_columns");
	step->enforced = bool_argument(fcinfo, 16, me, "enforced");
	step->sentinel = optional_text(fcinfo, 17);
	step->quarantine_cascades = bool_argument(fcinfo, 18, me, "quarantine_cascades");
	step->backfill = optional_text(fcinfo, 19);
	step->period = bool_argument(fcinfo, 20, me, "period");

	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_add_fk()");

	step->child_table = plan_qualify(step->child_table);
	step->parent_table = plan_qualify(step->parent_table);
	draft = plan_draft_begin(plan, step->child_table);
	plan_draft_check(draft, step);
	(void) plan_draft_insert(draft, step);
	plan_draft_end(draft);
	plan_log(plan, step->step, "plan add", plan_step_object(step), NULL);

	PG_RETURN_INT32(step->step);
}

/* ---- sg_plan_set ---- */

/* What can be set: where its value goes and how it is read */
typedef enum OptionKind
{
	OPTION_TEXT,
	OPTION_OPTIONAL_TEXT,
	OPTION_TABLE,
	OPTION_COLUMNS,
	OPTION_OPTIONAL_COLUMNS,
	OPTION_BOOL,
	OPTION_STATE
} OptionKind;

typedef struct StepOption
{
	const char *name;
	OptionKind	kind;
	size_t		offset;			/* in PlanStep */
	bool		any_time;		/* may change when the key is there already */
} StepOption;

static const StepOption options[] = {
	{"priority", OPTION_TEXT, offsetof(PlanStep, priority), true},
	{"orphans", OPTION_TEXT, offsetof(PlanStep, orphans), true},
	{"index", OPTION_BOOL, offsetof(PlanStep, index), true},
	{"sentinel", OPTION_OPTIONAL_TEXT, offsetof(PlanStep, sentinel), true},
	{"quarantine_cascades", OPTION_BOOL, offsetof(PlanStep, quarantine_cascades), true},
	{"state", OPTION_STATE, 0, true},
	{"child_table", OPTION_TABLE, offsetof(PlanStep, child_table), false},
	{"child_columns", OPTION_COLUMNS, offsetof(PlanStep, child_columns), false},
	{"parent_table", OPTION_TABLE, offsetof(PlanStep, parent_table), false},
	{"parent_columns", OPTION_OPTIONAL_COLUMNS, offsetof(PlanStep, parent_columns), false},
	{"fk_name", OPTION_OPTIONAL_TEXT, offsetof(PlanStep, fk_name), false},
	{"on_delete", OPTION_TEXT, offsetof(PlanStep, on_delete), false},
	{"on_update", OPTION_TEXT, offsetof(PlanStep, on_update), false},
	{"on_delete_columns", OPTION_OPTIONAL_COLUMNS, offsetof(PlanStep, on_delete_columns), false},
	{"match", OPTION_TEXT, offsetof(PlanStep, match), false},
	{"deferrable", OPTION_BOOL, offsetof(PlanStep, deferrable), false},
	{"initially_deferred", OPTION_BOOL, offsetof(PlanStep, initially_deferred), false},
	{"enforced", OPTION_BOOL, offsetof(PlanStep, enforced), false},
	{"replaces", OPTION_OPTIONAL_TEXT, offsetof(PlanStep, replaces), false},
	{"backfill", OPTION_OPTIONAL_TEXT, offsetof(PlanStep, backfill), false},
	{"period", OPTION_BOOL, offsetof(PlanStep, period), false},
};

bool
plan_option_is_free(const char *option)
{
	for (int i = 0; i < lengthof(options); i++)
	{
		if (strcmp(options[i].name, option) == 0)
			return options[i].any_time;
	}
	return false;
}

/* Raises 22023, listing the options, for a name that is none */
static const StepOption *
find_step_option(const char *name)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (int i = 0; i < lengthof(options); i++)
	{
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
		appendStringInfo(&valid, "%s%s", valid.len ? ", " : "", options[i].name);
	}

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized option \"%s\"", name),
			 errhint("Options of a step are: %s.", valid.data)));
}

static bool
parse_bool_option(const char *name, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for %s: \"%s\"", name, value),
				 errhint("Valid values are: true, false.")));

	return result;
}

/* The text of an array, as in '{a,b}' */
static List *
parse_columns_option(const char *name, char *value)
{
	Datum		array = OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID, -1);
	List	   *columns = sg_text_array_list(array);

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("Name at least one column, as in '{a,b}'.")));

	return columns;
}

/* Take back a skip: the only state that a user sets */
static void
set_pending(PlanStep *step, const char *value)
{
	if (strcmp(value, "pending") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for state: \"%s\"", value),
				 errhint("\"pending\" takes back a skip; sg_plan_skip() skips a step. The other states come from deployment.")));
	if (strcmp(step->state, "skipped") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is not skipped, but %s",
						step->step, step->plan, step->state),
				 errhint("CALL sg_add_fks() looks at every step that is not validated.")));

	step->state = "pending";
	step->reason = NULL;
	step->skipped_by = NULL;
}

static void
apply_option(const StepOption *option, PlanStep *step, char *value)
{
	void	   *field = (char *) step + option->offset;
	bool		may_be_null = option->kind == OPTION_OPTIONAL_TEXT ||
		option->kind == OPTION_OPTIONAL_COLUMNS;

	if (value == NULL && !may_be_null)
		sg_null_argument("sg_plan_set", "value");

	switch (option->kind)
	{
		case OPTION_TEXT:
		case OPTION_OPTIONAL_TEXT:
			*(char **) field = value;
			break;
		case OPTION_TABLE:
			*(char **) field = plan_qualify(value);
			break;
		case OPTION_COLUMNS:
		case OPTION_OPTIONAL_COLUMNS:
			*(List **) field = value ? parse_columns_option(option->name, value) : NIL;
			break;
		case OPTION_BOOL:
			*(bool *) field = parse_bool_option(option->name, value);
			break;
		case OPTION_STATE:
			set_pending(step, value);
			break;
	}
}

/* Refuse what would make the plan differ from the key that it has put there */
static void
check_changeable(const StepOption *option, const PlanStep *step)
{
	bool		is_there = strcmp(step->state, "added") == 0 ||
		strcmp(step->state, "validated") == 0;

	if (is_there && !option->any_time)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is %s: its %s can't be changed",
						step->step, step->plan, step->state, option->name),
				 errdetail("The key %s is in the database as the plan has it.",
						   quote_identifier(step->fk_name)),
				 errhint("Drop the key and plan it anew, or change it with ALTER TABLE.")));
}

/*
 * sg_plan_set(plan text, step int, option text, value text)
 *
 * Changes one column of a step's definition, or takes back a skip (state
 * pending).  The step is checked as a new one would be.  55000 for what would
 * leave behind a trigger that fills columns.
 */
Datum
sg_plan_set(PG_FUNCTION_ARGS)
{
	const char *me = "sg_plan_set";
	char	   *name = text_argument(fcinfo, 0, me, "plan");
	char	   *option_name;
	const StepOption *option;
	FkPlan	   *plan;
	PlanStep   *step;
	PlanDraft  *draft;

	sg_check_granted(fcinfo);
	if (PG_ARGISNULL(1))
		sg_null_argument(me, "step");
	option_name = text_argument(fcinfo, 2, me, "option");
	option = find_step_option(option_name);

	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_set()");
	step = plan_step_get(name, PG_GETARG_INT32(1), false);
	check_changeable(option, step);
	if (strcmp(option_name, "child_table") == 0 || (strcmp(option_name, "backfill") == 0 && PG_ARGISNULL(3)))
		check_not_filling(step);

	apply_option(option, step, optional_text(fcinfo, 3));

	/* what deployment found to stand in the way was about the old definition */
	if (!option->any_time && step->skipped_by == NULL && strcmp(step->state, "skipped") == 0)
	{
		step->state = "pending";
		step->reason = NULL;
	}
	if (!step->deferrable && step->initially_deferred && strcmp(option_name, "deferrable") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key that is initially deferred must be deferrable"),
				 errhint("Set initially_deferred to false first.")));

	draft = plan_draft_begin(plan, step->child_table);
	plan_draft_check(draft, step);
	plan_step_update(step);
	plan_draft_end(draft);
	plan_log(plan, step->step, "plan set", plan_step_object(step), option_name);

	PG_RETURN_VOID();
}

/*
 * sg_plan_skip(plan text, step int, reason text)
 *
 * Deployment leaves the step alone until sg_plan_set(plan, step, 'state',
 * 'pending').  A step that is validated can't be skipped (55000).  A trigger
 * that fills columns for it goes with the next deployment.
 */
Datum
sg_plan_skip(PG_FUNCTION_ARGS)
{
	const char *me = "sg_plan_skip";
	char	   *name = text_argument(fcinfo, 0, me, "plan");
	char	   *reason;
	FkPlan	   *plan;
	PlanStep   *step;

	sg_check_granted(fcinfo);
	if (PG_ARGISNULL(1))
		sg_null_argument(me, "step");
	reason = text_argument(fcinfo, 2, me, "reason");
	if (reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason must not be empty"),
				 errhint("Say why the step is left out: whoever reads the plan will ask.")));

	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_skip()");
	step = plan_step_get(name, PG_GETARG_INT32(1), false);

	if (strcmp(step->state, "validated") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is validated already", step->step, name),
				 errhint("There is nothing left to skip.")));

	if (plan_filler_is_armed(step, sg_find_qualified(step->child_table)))
		ereport(NOTICE,
				(errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, name, step->child_table),
				 errhint("CALL sg_add_fks() or sg_rollback_fks() drops the trigger that does so.")));

	step->state = "skipped";
	step->reason = reason;
	step->skipped_by = GetUserNameFromId(GetUserId(), false);
	plan_step_update(step);
	plan_withdraw_approval(plan);
	plan_log(plan, step->step, "plan skip", plan_step_object(step), NULL);

	PG_RETURN_VOID();
}

/* Is what a deed has made, or may restore, still to be found? */
static bool
may_be_undone(const PlanDeed *deed)
{
	Oid			child = sg_find_qualified(deed->what->child_table);

	if (!OidIsValid(child))
		return false;
	if (deed->kind == DEED_ADD)
		return OidIsValid(get_relation_constraint_oid(child, deed->what->fk_name, true));
	return deed->kind != DEED_INDEX || OidIsValid(sg_find_qualified(deed->object));
}

/* Without its deeds, nothing of a plan can be taken back: 55000 */
static void
check_forgettable(const FkPlan *plan)
{
	const PlanDeed *last = NULL;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, plan_deeds(plan, DEEDS_OF_CATALOG))
	{
		const PlanDeed *deed = lfirst(lc);

		if (!may_be_undone(deed))
			continue;
		n++;
		if (last == NULL)
			last = deed;
	}
	if (n == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("plan \"%s\" has done what can still be taken back", plan->name),
			 errdetail_plural("schemaguard.plan_deed has %d such deed, the last of them on %s.",
							  "schemaguard.plan_deed has %d such deeds, the last of them on %s.",
							  n, n, last->object),
			 errhint("CALL sg_rollback_fks() takes it back. To keep it, and forget the plan: sg_plan_drop(plan, force => true).")));
}

/*
 * sg_plan_drop(plan text, force boolean DEFAULT false)
 *
 * Deletes the plan with its steps and notes; keys that it has added stay, and
 * so does what the log says about it.  55000 while something that it has done
 * can be taken back, unless force is true.  An invalid index that an interrupted
 * build has left, and a trigger that fills columns, are dropped, too, within
 * schemaguard.lock_timeout each.  55000 where there is such a one and the
 * caller is in a transaction block.
 */
Datum
sg_plan_drop(PG_FUNCTION_ARGS)
{
	char	   *name = text_argument(fcinfo, 0, "sg_plan_drop", "plan");
	bool		force = bool_argument(fcinfo, 1, "sg_plan_drop", "force");
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_drop()");
	if (!force)
		check_forgettable(plan);
	plan_filler_drop_all(plan);
	plan_index_drop_leftovers(plan);
	(void) log_close_interrupted(name);
	plan_delete(plan);
	plan_log(plan, 0, "plan drop", name, NULL);

	PG_RETURN_VOID();
}
