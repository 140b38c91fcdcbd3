/*-------------------------------------------------------------------------
 *
 * plan_edit.c
 *	  Creating plans and changing them by hand: sg_plan_create,
 *	  sg_plan_add_fk, sg_plan_drop.
 *
 *	  Each function checks its arguments first, then the right to change the
 *	  plan (plan_check_writable), changes it, withdraws an approval and writes
 *	  one row of the log.  An error leaves everything as it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_index.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "plan/plan_value.h"

SG_FUNCTION(sg_plan_create);
SG_FUNCTION(sg_plan_add_fk);
SG_FUNCTION(sg_plan_drop);

/* Raises an error for an empty array, which would look like null later */
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

/* Sets a field of the step from an argument of the call */
static void
field_argument(FunctionCallInfo fcinfo, const StepField *field, PlanStep *step)
{
	int			n = field->argument;

	if ((field->flags & FIELD_NULLABLE) == 0)
		sg_arg_check(fcinfo, n);

	if (sg_arg_is_null(fcinfo, n))
		return;
	if (field->type == FIELD_COLUMNS)
		plan_field_set_columns(field, step, columns_argument(fcinfo, n, field->name));
	else if (field->type == FIELD_BOOL)
		plan_field_set_bool(field, step, PG_GETARG_BOOL(n));
	else
		plan_field_set_text(field, step, sg_arg_text(fcinfo, n));
}

/* ---- deeds and rows of a deleted plan ---- */

/* Returns whether the object that a deed has made, or may restore, still exists */
static bool
may_be_undone(const FkPlan *plan, const PlanDeed *deed)
{
	Oid			child = deed->what->child_table ? sg_find_qualified(deed->what->child_table) : InvalidOid;

	if (deed->kind == DEED_SET)
		return plan_keeps_values(plan, deed->step);
	if (deed->kind == DEED_CHANGE)
		return true;
	if (!OidIsValid(child))
		return false;
	if (deed->kind == DEED_ADD)
		return OidIsValid(get_relation_constraint_oid(child, deed->what->fk_name, true));
	return deed->kind != DEED_INDEX || OidIsValid(sg_find_qualified(deed->object));
}

/*
 * Without its deeds, nothing of a plan can be taken back: raises 55000, or
 * warns if the plan is replaced anyway.
 */
static void
tell_forgotten(const FkPlan *plan, bool replaced)
{
	const PlanDeed *last = NULL;
	int			n = 0;

	foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEEDS_OF_CATALOG | DEED_BIT(DEED_SET)))
	{
		if (!may_be_undone(plan, deed))
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
			 replaced ? errhint(sg_calls("In a transaction, ROLLBACK undoes the replacing. To take it back before that:\nCALL sg_rollback_fks(%s);"),
								quote_literal_cstr(plan->name)) :
			 errhint(sg_calls("To keep it, and forget the plan, drop that with force => true. To take it back:\nCALL sg_rollback_fks(%s);"),
					 quote_literal_cstr(plan->name))));
}

int64		(*plan_kept_rows_hook) (const FkPlan *plan) = NULL;

/*
 * Rows of the plan in quarantine are restored under its name: raises 55000, or
 * warns if the plan goes, or is replaced, anyway
 */
static void
tell_kept_rows(const FkPlan *plan, bool goes, bool replaced)
{
	int64		n = plan_kept_rows_hook ? plan_kept_rows_hook(plan) : 0;
	char	   *name = quote_literal_cstr(plan->name);

	if (n == 0)
		return;
	ereport(goes ? WARNING : ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(goes ? "plan \"%s\" leaves " INT64_FORMAT " %s in quarantine" : "plan \"%s\" has " INT64_FORMAT " %s in quarantine",
					plan->name, n, n == 1 ? "row" : "rows"),
			 goes ? errhint(sg_calls("To put them back later, in the name of a new plan:\n%sCALL sg_restore_quarantine(%s, plan_id => " INT64_FORMAT ");"),
							replaced ? "" : psprintf(sg_calls("SELECT sg_plan_create(%s);\n"), name), name, plan->id) :
			 errhint(sg_calls("To leave them there and forget the plan, drop that with force => true. To put them back:\nCALL sg_restore_quarantine(%s);"),
					 name)));
}

/*
 * sg_plan_create(plan text, description text, replace boolean)
 *
 * Creates an empty plan that belongs to the current role. 42710 if the name
 * exists, unless replace is true: then that plan, if the current role may
 * change it, loses its steps, notes, options and deeds and keeps its author and
 * a pause, with a warning if a deed could have been taken back or rows are in
 * quarantine; its triggers that fill columns and leftovers of index builds are
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
		tell_kept_rows(plan, true, true);
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
 * Adds one key, returns the number of its step.  Objects that this database
 * lacks are a NOTICE; an impossible key is an error.
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

/*
 * sg_plan_drop(plan text, force boolean DEFAULT false)
 *
 * Deletes the plan with its steps and notes; keys that it has added stay, and
 * so does the log about it. 55000 while something that it has done can be taken
 * back, or it has rows in quarantine, unless force is true.  An invalid index
 * that an interrupted build has left, and a trigger that fills columns, are
 * dropped, too, within schemaguard.lock_timeout each; 55000 if there is one and
 * the caller is in a transaction block.
 */
static Datum
sg_plan_drop_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	bool		force = sg_arg_bool(fcinfo, 1);
	pg_uuid_t	run = log_new_run();
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(name);
	plan_check_writable(plan, "sg_plan_drop()");
	if (!force)
		tell_forgotten(plan, false);
	tell_kept_rows(plan, force, false);
	plan_filler_drop_all(plan);
	plan_index_drop_leftovers(plan);
	(void) log_close_interrupted(name);
	plan_record_failed(plan, NIL, &run);
	plan_delete(plan);
	plan_log(plan, 0, "plan drop", name, NULL);

	PG_RETURN_VOID();
}
