/*-------------------------------------------------------------------------
 *
 * plan_set.c
 *	  Changing steps of a plan: sg_plan_set, sg_plan_skip, sg_plan_steps.
 *
 *	  A call changes all of its steps, or none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_index.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"

SG_FUNCTION(sg_plan_set);
SG_FUNCTION(sg_plan_set_options);
SG_FUNCTION(sg_plan_skip);
SG_FUNCTION(sg_plan_skip_steps);
SG_FUNCTION(sg_plan_steps);

/*
 * A trigger that fills columns outlives the step that records it, unless
 * deployment drops it: raises 55000 if the record of the step would be lost.
 */
static void
check_not_filling(const PlanStep *step)
{
	StringInfoData text;

	if (!plan_filler_is_armed(step))
		return;
	initStringInfo(&text);
	foreach_ptr(const char, statement, plan_filler_disarm_statements(step))
	{
		appendStringInfo(&text, "%s%s;", text.len ? " " : "", statement);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, step->plan,
					step->child_table),
			 errdetail("The trigger %s does so for rows that are written.",
					   quote_identifier(plan_filler_name(step))),
			 step->kind == STEP_COLUMN ? errhint("Drop it first:\n%s", plan_release_call(step->plan)) :
			 errhint("Roll the step back, which drops it, or do so by hand (%s):\n%s", text.data, plan_rollback_call(step))));
}

bool
plan_option_is_free(const char *option)
{
	return plan_field(option, FIELD_ANY_TIME) != NULL;
}

/*
 * Raises 22023 for an unknown name, with the nearest option or all of them.
 * Names of arguments of sg_plan_add_check() and others are known, too.
 */
static const StepField *
find_field(const char *name)
{
	const StepField *field = plan_field(strcmp(name, "name") == 0 ? "fk_name" : strcmp(name, "policy") == 0 ? "orphans" :
										strcmp(name, "keep") == 0 ? "discard" : name, FIELD_OPTION);
	SgNearest	nearest = {name};

	if (field)
		return field;
	for (int i = 0; i < step_nfields; i++)
	{
		if ((step_fields[i].flags & FIELD_OPTION) != 0)
			sg_nearest_try(&nearest, step_fields[i].name);
	}
	sg_nearest_try(&nearest, "name");
	sg_nearest_try(&nearest, "policy");
	sg_nearest_try(&nearest, "keep");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized option \"%s\"", name),
			 nearest.found ? errhint("Perhaps you meant the option \"%s\".", nearest.found) :
			 errhint("Options of a step are: %s.", plan_field_list(FIELD_OPTION, "@", 0))));
}

/* Undoes a skip: the only state that a user sets */
static void
set_pending(PlanStep *step, const char *value)
{
	if (strcmp(value, "pending") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for state: \"%s\"", value),
				 errhint("\"pending\" takes back a skip. The other states come from deployment. To skip the step:\n%s", plan_skip_call(step, "why"))));
	if (step->state != STEP_SKIPPED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is not skipped, but %s",
						step->step, step->plan, plan_state_word(step->state)),
				 errhint(sg_calls("Deployment looks at every step that is not validated:\nCALL sg_apply(%s);"), quote_literal_cstr(step->plan))));

	step->state = STEP_PENDING;
	step->reason = NULL;
	step->skipped_by = NULL;
	step->skip_done = false;
	plan_deed_reopen_values(step);
}

/* Raises an error if the plan would differ from the key that it has added */
static void
check_changeable(const StepField *option, const PlanStep *step)
{
	/* done_when of a statement changes no object */
	bool		any_time = (option->flags & FIELD_ANY_TIME) != 0 ||
		(step->kind == STEP_STATEMENT && strcmp(option->name, "done_when") == 0);

	if (plan_step_is_there(step) && !any_time)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is %s: its %s can't be changed",
						step->step, step->plan, plan_state_word(step->state), option->name),
				 errdetail("The key %s is in the database as the plan has it.",
						   quote_identifier(step->fk_name)),
				 errhint("Drop the key and plan it anew, or change it with ALTER TABLE.")));
}

/* Clears names that were generated from table and columns */
static void
forget_made_names(PlanStep *step)
{
	if (step->child_table && step->fk_name && strcmp(plan_default_fk_name(step, 0), step->fk_name) == 0)
		step->fk_name = NULL;
	if (step->index_name && strcmp(plan_default_index_name(step, 0), step->index_name) == 0)
		step->index_name = NULL;
}

/* Returns the one value of an option as text; `keep` is the opposite of the field that it sets */
static char *
scalar_text(const SgJson *value)
{
	char	   *text = sg_json_scalar(&value->value);
	bool		keep;

	if (strcmp(value->name, "keep") == 0 && parse_bool(text, &keep))
		return pstrdup(keep ? "false" : "true");
	return text;
}

/*
 * Sets an option from its JSON value: a text, true, false, a number, null, or a
 * list of texts; raises 22023 for another value
 */
static void
set_option(PlanStep *step, const SgJson *value)
{
	const StepField *option = find_field(value->name);
	bool		is_null = sg_json_is_null(value);
	bool		is_list = value->value.type == jbvBinary && JsonContainerIsArray(value->value.val.binary.data);

	check_changeable(option, step);
	if (strcmp(option->name, "child_table") == 0 ||
		((strcmp(option->name, "backfill") == 0 || strcmp(option->name, "fill") == 0) && is_null))
		check_not_filling(step);
	if (is_null && (option->flags & FIELD_NULLABLE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("option \"%s\" must not be null", option->name),
				 errhint("Give a value for \"%s\".", option->name)));
	if (strcmp(option->name, "child_table") == 0 || strcmp(option->name, "fk_name") == 0 || strcmp(option->name, "definition") == 0)
	{
		step->if_exists = false;
		step->object_mark = NULL;
	}
	if (strcmp(option->name, "child_table") == 0 || strcmp(option->name, "child_columns") == 0)
		forget_made_names(step);
	if (option->flags & FIELD_STATUS)
		set_pending(step, sg_json_text(value));
	else if (is_list && option->type == FIELD_COLUMNS)
		plan_field_set_columns(option, step, sg_json_texts(value));
	else if (value->value.type == jbvBinary)
		sg_json_refuse(value, option->type == FIELD_COLUMNS ? "must be a name or a list of names" : "must be one value");
	else
		plan_field_set_text(option, step, is_null ? NULL : scalar_text(value));

	/* the problem that deployment found was about the old definition */
	if (!(option->flags & FIELD_ANY_TIME) && step->skipped_by == NULL && step->state == STEP_SKIPPED)
	{
		step->state = STEP_PENDING;
		step->reason = NULL;
	}
}

/*
 * Returns the first option that the step's kind does not take, or NULL; an
 * option with a null value counts as taken.  With policies, a policy counts,
 * too.
 */
static const char *
untaken_option(const PlanStep *step, const SgJson *options, bool policies)
{
	SgJsonMembers members;
	SgJson		member;

	sg_json_members(&members, options);
	while (sg_json_next(&members, &member))
	{
		const StepField *field = find_field(member.name);

		if (sg_json_is_null(&member))
			continue;
		if (strcmp(field->name, "orphans") == 0)
		{
			if (policies && !plan_step_takes_policy(step, plan_policy(sg_json_text(&member))))
				return "the policy";
		}
		else if (!plan_step_takes(step, field->name))
			return field->name;
	}
	return NULL;
}

List *
plan_steps_that_take(const FkPlan *plan, List *steps, const SgJson *options)
{
	List	   *takers = NIL;
	List	   *others[STEP_KINDS] = {NIL};
	const char *untaken[STEP_KINDS] = {NULL};
	StringInfoData detail;

	foreach_ptr(PlanStep, step, steps)
	{
		const char *option = untaken_option(step, options, true);

		if (option == NULL)
			takers = lappend(takers, step);
		else if (others[step->kind] == NIL)
			untaken[step->kind] = option;
		if (option)
			others[step->kind] = lappend_int(others[step->kind], step->step);
	}
	if (takers == NIL || list_length(takers) == list_length(steps))
		return steps;

	initStringInfo(&detail);
	for (int kind = 0; kind < STEP_KINDS; kind++)
	{
		if (others[kind])
			appendStringInfo(&detail, "%sSteps of kind \"%s\" do not take %s: %s.", detail.len ? "\n" : "", plan_kind_word(kind),
							 untaken[kind], plan_steps_text(others[kind]));
	}
	ereport(NOTICE,
			(errmsg("plan \"%s\": set in %d of %d steps; the others stay as they are", plan->name, list_length(takers),
					list_length(steps)),
			 errdetail("%s", detail.data)));
	return takers;
}

void
plan_step_set_options(const FkPlan *plan, PlanStep *step, const SgJson *options)
{
	bool		deferrable = step->deferrable;
	StringInfoData names;
	SgJsonMembers members;
	SgJson		member;
	PlanDraft  *draft;
	const char *untaken = untaken_option(step, options, false);

	if (untaken)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step %d of plan \"%s\" is of kind \"%s\", which does not take %s", step->step, step->plan,
						plan_kind_word(step->kind), untaken),
				 errhint("Leave these steps out. The steps and their kinds:\n"
						 "SELECT step, kind, fk_name FROM schemaguard.plan_step WHERE plan = %s;", quote_literal_cstr(step->plan))));

	/*
	 * an object that existed when the step was added, or need not exist, may
	 * be gone since
	 */
	step->if_exists |= step->kind == STEP_DROP && !step->missing;
	initStringInfo(&names);
	sg_json_members(&members, options);
	while (sg_json_next(&members, &member))
	{
		set_option(step, &member);
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", member.name);
	}
	if (deferrable && !step->deferrable && step->initially_deferred)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key that is initially deferred must be deferrable"),
				 errhint("Set initially_deferred to false with that.")));

	draft = plan_draft_begin(plan);
	plan_draft_check(draft, step);
	plan_step_update(step);
	plan_draft_end(draft);
	plan_log(plan, step->step, "plan set", plan_step_object(step), names.data);
}

/*
 * sg_plan_set(plan text, steps schemaguard.steps, options jsonb)
 *
 * Changes columns of the steps' definitions, for NULL of all steps that take
 * the options; or undoes a skip (state pending).  Options that need each other
 * are set at once, and each step is then checked as a new one would be. 55000
 * if a trigger that fills columns would be left behind.
 */
static Datum
sg_plan_set_options_entered(PG_FUNCTION_ARGS)
{
	SgJson		options;
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	sg_arg_check(fcinfo, 2);
	sg_json_begin(&options, PG_GETARG_JSONB_P(2), PLAN_OPTIONS_NAME, PLAN_OPTIONS_HINT);
	plan_check_writable(plan, "sg_plan_set()");
	plan_choose(plan, plan_steps_argument(fcinfo, 1));
	foreach_ptr(PlanStep, step, sg_arg_is_null(fcinfo, 1) ? plan_steps_that_take(plan, plan_steps(plan->name), &options) : plan_chosen_steps(plan))
		plan_step_set_options(plan, step, &options);

	PG_RETURN_VOID();
}

/* sg_plan_set(plan text, step int, option text, value text) of version 0.1.0 */
static Datum
sg_plan_set_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan = plan_get(sg_arg_text(fcinfo, 0));
	StringInfoData text;
	SgJson		options;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	plan_check_writable(plan, "sg_plan_set()");
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	escape_json(&text, sg_arg_text(fcinfo, 2));
	appendStringInfoString(&text, ": ");
	if (sg_arg_is_null(fcinfo, 3))
		appendStringInfoString(&text, "null");
	else
		escape_json(&text, sg_arg_text(fcinfo, 3));
	appendStringInfoChar(&text, '}');
	sg_json_begin(&options, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data))), "options", NULL);
	plan_step_set_options(plan, plan_step_get(plan->name, PG_GETARG_INT32(1), false), &options);

	PG_RETURN_VOID();
}

/* ---- sg_plan_skip ---- */

static void
skip_step(FkPlan *plan, PlanStep *step, const char *reason, bool done)
{
	/*
	 * after a rollback that has not found its object, a skip confirms that
	 * the object is gone
	 */
	if (step->state == STEP_VALIDATED && !plan_is_not_back(step))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is validated already", step->step, plan->name),
				 errhint("There is nothing left to skip.")));

	if (plan_filler_is_armed(step))
		ereport(NOTICE,
				(errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, plan->name, step->child_table),
				 errhint(sg_calls("Deployment and rollback drop the trigger that does so:\nCALL sg_apply(%s);"), quote_literal_cstr(plan->name))));

	plan_step_skip(step, reason);
	step->skip_done = done;
	plan_step_update(step);
	plan_withdraw_approval(plan);
	plan_log(plan, step->step, "plan skip", plan_step_object(step), NULL);
}

/* Returns the reason; raises 22023 for a missing one, with the correct call */
static char *
reason_argument(FunctionCallInfo fcinfo, const char *steps)
{
	char	   *reason = sg_arg_optional_text(fcinfo, 2);

	if (reason == NULL || reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("steps are left out for a reason: sg_plan_skip() lacks it"),
				 errhint(sg_calls("Say why: whoever reads the plan will ask:\nSELECT sg_plan_skip(%s, %s, 'not needed here');"),
						 quote_literal_cstr(sg_arg_text(fcinfo, 0)), steps)));
	return reason;
}

/*
 * sg_plan_skip(plan text, steps schemaguard.steps, reason text, done boolean)
 *
 * Deployment leaves the steps alone until sg_plan_set() makes their state
 * pending.  Steps that need one wait, unless it counts as done.  A validated
 * step can't be skipped (55000).  The next deployment drops a trigger that
 * fills columns for one.
 */
static Datum
sg_plan_skip_steps_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	char	   *reason;
	bool		done;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_skip()");
	plan_choose(plan, plan_steps_argument(fcinfo, 1));
	reason = reason_argument(fcinfo, sg_arg_is_null(fcinfo, 1) ? "NULL" :
							 quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(1))));
	done = sg_arg_bool(fcinfo, 3);
	foreach_ptr(PlanStep, step, plan_chosen_steps(plan))
		skip_step(plan, step, reason, done);

	PG_RETURN_VOID();
}

/* sg_plan_skip(plan text, step int, reason text) of version 0.1.0 */
static Datum
sg_plan_skip_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	char	   *reason;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	reason = reason_argument(fcinfo, psprintf("%d", PG_GETARG_INT32(1)));
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_skip()");
	skip_step(plan, plan_step_get(plan->name, PG_GETARG_INT32(1), false), reason, false);

	PG_RETURN_VOID();
}

/*
 * sg_plan_steps(plan text, state text DEFAULT NULL) int[]
 *
 * Returns the numbers of the steps in a state, of all for NULL, in the order of
 * deployment; an empty array if there are none. 22023 for an unknown state,
 * 42501 unless the caller may read the plan.
 */
static Datum
sg_plan_steps_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	char	   *word = sg_arg_optional_text(fcinfo, 1);
	int			state = word ? plan_state(word) : 0;
	List	   *steps = plan_steps(plan->name);
	Datum	   *numbers = palloc(sizeof(Datum) * Max(list_length(steps), 1));
	int			n = 0;

	foreach_ptr(const PlanStep, step, steps)
	{
		if (word == NULL || step->state == state)
			numbers[n++] = Int32GetDatum(step->step);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
