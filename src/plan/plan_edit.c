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
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_index.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"

SG_FUNCTION(sg_plan_create);
SG_FUNCTION(sg_plan_add_fk);
SG_FUNCTION(sg_plan_set);
SG_FUNCTION(sg_plan_skip);
SG_FUNCTION(sg_plan_drop);

/* An empty array is an error, for it would look like null later */
static List *
columns_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	List	   *columns = sg_text_array_list(PG_GETARG_DATUM(n));

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("Name at least one column.")));

	return columns;
}

/* What an argument says about a step */
static void
field_argument(FunctionCallInfo fcinfo, const StepField *field, PlanStep *step)
{
	int			n = field->argument;

	if ((field->flags & FIELD_NULLABLE) == 0)
		sg_arg_check(fcinfo, n);

	if (PG_ARGISNULL(n))
		return;
	if (field->type == FIELD_COLUMNS)
		plan_field_set_columns(field, step, columns_argument(fcinfo, n, field->name));
	else if (field->type == FIELD_BOOL)
		plan_field_set_bool(field, step, PG_GETARG_BOOL(n));
	else
		plan_field_set_text(field, step, sg_arg_text(fcinfo, n));
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

/* ---- what would be forgotten ---- */

/* Is what a deed has made, or may restore, still to be found? */
static bool
may_be_undone(const PlanDeed *deed)
{
	Oid			child = deed->what->child_table ? sg_find_qualified(deed->what->child_table) : InvalidOid;

	if (deed->kind == DEED_CHANGE)
		return true;
	if (!OidIsValid(child))
		return false;
	if (deed->kind == DEED_ADD)
		return OidIsValid(get_relation_constraint_oid(child, deed->what->fk_name, true));
	return deed->kind != DEED_INDEX || OidIsValid(sg_find_qualified(deed->object));
}

/*
 * Without its deeds, nothing of a plan can be taken back: 55000, or where it
 * is replaced all the same, a warning.
 */
static void
tell_forgotten(const FkPlan *plan, bool replaced)
{
	const PlanDeed *last = NULL;
	int			n = 0;

	foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEEDS_OF_CATALOG))
	{
		if (!may_be_undone(deed))
			continue;
		n++;
		if (last == NULL)
			last = deed;
	}
	if (n == 0)
		return;
	ereport(replaced ? WARNING : ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 replaced ? errmsg("plan \"%s\" was replaced: what it has done can't be taken back any more", plan->name) :
			 errmsg("plan \"%s\" has done what can still be taken back", plan->name),
			 errdetail_plural("schemaguard.plan_deed has %d such deed, the last of them on %s.",
							  "schemaguard.plan_deed has %d such deeds, the last of them on %s.",
							  n, n, last->object),
			 replaced ? errhint("To take it back, CALL sg_rollback_fks(%s) before; in a transaction, ROLLBACK undoes the replacing.",
								quote_literal_cstr(plan->name)) :
			 errhint("CALL sg_rollback_fks() takes it back. To keep it, and forget the plan: sg_plan_drop(plan, force => true).")));
}

/*
 * sg_plan_create(plan text, description text, replace boolean)
 *
 * Makes an empty plan that belongs to the current role.  42710 when there is
 * one of that name, unless replace is true: then that plan, if the current
 * role may change it, loses its steps, notes, options and deeds and stays its
 * author's, with a warning where a deed could have been taken back;
 * a trigger of it that fills columns and what builds of indexes have left are
 * dropped as by sg_plan_drop().
 */
static Datum
sg_plan_create_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	char	   *description = sg_arg_text(fcinfo, 1);
	bool		replace = sg_arg_bool(fcinfo, 2);
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	sg_check_name(name, "plan name");
	sg_check_writable("sg_plan_create()");

	plan = plan_find(name);
	if (plan && replace)
	{
		plan_check_writable(plan, "sg_plan_create()");
		tell_forgotten(plan, true);
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
static Datum
sg_plan_add_fk_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	PlanStep   *step = plan_step_default(name);

	sg_check_granted(fcinfo);
	for (int i = 0; i < step_nfields; i++)
	{
		if (step_fields[i].argument >= 0)
			field_argument(fcinfo, &step_fields[i], step);
	}

	PG_RETURN_INT32(plan_add_step("sg_plan_add_fk()", step));
}

/* ---- sg_plan_set ---- */

bool
plan_option_is_free(const char *option)
{
	return plan_field(option, FIELD_ANY_TIME) != NULL;
}

/* Raises 22023 for a name that is none, with the nearest option or all of them */
static const StepField *
find_field(const char *name)
{
	const StepField *field = plan_field(name, FIELD_OPTION);
	SgNearest	nearest = {name};

	if (field)
		return field;
	for (int i = 0; i < step_nfields; i++)
	{
		if ((step_fields[i].flags & FIELD_OPTION) != 0)
			sg_nearest_try(&nearest, step_fields[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized option \"%s\"", name),
			 nearest.found ? errhint("Perhaps you meant the option \"%s\".", nearest.found) :
			 errhint("Options of a step are: %s.", plan_field_list(FIELD_OPTION, "@", 0))));
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
	if (step->state != STEP_SKIPPED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is not skipped, but %s",
						step->step, step->plan, plan_state_word(step->state)),
				 errhint("CALL sg_add_fks() looks at every step that is not validated.")));

	step->state = STEP_PENDING;
	step->reason = NULL;
	step->skipped_by = NULL;
	step->skip_done = false;
}

/* Refuse what would make the plan differ from the key that it has put there */
static void
check_changeable(const StepField *option, const PlanStep *step)
{
	bool		any_time = (option->flags & FIELD_ANY_TIME) != 0;

	if (plan_step_is_there(step) && !any_time)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is %s: its %s can't be changed",
						step->step, step->plan, plan_state_word(step->state), option->name),
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
static Datum
sg_plan_set_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	char	   *option_name;
	const StepField *option;
	char	   *value;
	FkPlan	   *plan;
	PlanStep   *step;
	PlanDraft  *draft;
	bool		made_name;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	option_name = sg_arg_text(fcinfo, 2);
	option = find_field(option_name);
	value = sg_arg_optional_text(fcinfo, 3);

	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_set()");
	step = plan_step_get(name, PG_GETARG_INT32(1), false);
	check_changeable(option, step);
	if (strcmp(option_name, "child_table") == 0 || (strcmp(option_name, "backfill") == 0 && value == NULL))
		check_not_filling(step);

	if (value == NULL && (option->flags & FIELD_NULLABLE) == 0)
		sg_arg_check(fcinfo, 3);
	/* a name that was made of table and columns goes with them */
	made_name = (strcmp(option_name, "child_table") == 0 || strcmp(option_name, "child_columns") == 0) &&
		strcmp(plan_default_fk_name(step, 0), step->fk_name) == 0;
	if (option->flags & FIELD_STATUS)
		set_pending(step, value);
	else
		plan_field_set_text(option, step, value);
	if (made_name)
		step->fk_name = NULL;

	/* what deployment found to stand in the way was about the old definition */
	if (!(option->flags & FIELD_ANY_TIME) && step->skipped_by == NULL && step->state == STEP_SKIPPED)
	{
		step->state = STEP_PENDING;
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
 * sg_plan_skip(plan text, step int, reason text, done boolean DEFAULT false)
 *
 * Deployment leaves the step alone until sg_plan_set(plan, step, 'state',
 * 'pending').  Steps that need it wait, unless it counts as done.  A step that is validated can't be skipped (55000).  A trigger
 * that fills columns for it goes with the next deployment.
 */
static Datum
sg_plan_skip_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	char	   *reason;
	FkPlan	   *plan;
	PlanStep   *step;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	reason = sg_arg_text(fcinfo, 2);
	if (reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason must not be empty"),
				 errhint("Say why the step is left out: whoever reads the plan will ask.")));

	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_skip()");
	step = plan_step_get(name, PG_GETARG_INT32(1), false);

	if (step->state == STEP_VALIDATED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is validated already", step->step, name),
				 errhint("There is nothing left to skip.")));

	if (plan_filler_is_armed(step, sg_find_qualified(step->child_table)))
		ereport(NOTICE,
				(errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, name, step->child_table),
				 errhint("CALL sg_add_fks() or sg_rollback_fks() drops the trigger that does so.")));

	plan_step_skip(step, reason);
	/* 0.1.0 declares it without the last argument */
	step->skip_done = PG_NARGS() > 3 && sg_arg_bool(fcinfo, 3);
	plan_step_update(step);
	plan_withdraw_approval(plan);
	plan_log(plan, step->step, "plan skip", plan_step_object(step), NULL);

	PG_RETURN_VOID();
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
static Datum
sg_plan_drop_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	bool		force = sg_arg_bool(fcinfo, 1);
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_drop()");
	if (!force)
		tell_forgotten(plan, false);
	plan_filler_drop_all(plan);
	plan_index_drop_leftovers(plan);
	(void) log_close_interrupted(name);
	plan_delete(plan);
	plan_log(plan, 0, "plan drop", name, NULL);

	PG_RETURN_VOID();
}
