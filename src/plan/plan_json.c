/*-------------------------------------------------------------------------
 *
 * plan_json.c
 *	  A plan as a document, to be taken to another database.
 *
 *	  The document has the definitions of the steps, not their progress; of
 *	  states only a skip by a role is included, as "skip": reason.  An import
 *	  checks everything as sg_plan_add_fk() does, and the document itself
 *	  strictly: an unknown member could be a clause that would be lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"
#include "plan/plan_option.h"

SG_FUNCTION(sg_plan_export);
SG_FUNCTION(sg_plan_import);

#define DOCUMENT_VERSION 1

/* ---- export ---- */

/* Returns the query for the document; $1 is the plan */
static char *
export_query(void)
{
	return psprintf("SELECT jsonb_build_object('schemaguard_plan', %d, 'plan', p.name, 'description', p.description,"
					" 'steps', coalesce((SELECT jsonb_agg(jsonb_build_object(%s) || jsonb_strip_nulls(jsonb_build_object(%s,"
					"   'skip', CASE WHEN s.state = 'skipped' AND s.skipped_by IS NOT NULL THEN coalesce(s.reason, '') END))"
					"   ORDER BY s.step)"
					"  FROM schemaguard.plan_step s WHERE s.plan = p.name), '[]'))"
					" || CASE WHEN p.options = '{}' THEN '{}' ELSE jsonb_build_object('options', p.options) END"
					" FROM schemaguard.plan p WHERE p.name = $1",
					DOCUMENT_VERSION, plan_field_list(FIELD_DOCUMENT, "'@', s.\"@\"", 0),
					plan_field_list(FIELD_SPARSE, "'@', nullif(nullif(to_jsonb(s.\"@\"), 'false'), '\"foreign key\"')", 0));
}

/*
 * sg_plan_export(plan text)
 *
 * Returns the plan as a document for sg_plan_import.  Raises 42501 for a role
 * that may not read it.
 */
static Datum
sg_plan_export_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	Datum		document;

	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	if (!sg_owner_fetch(export_query(), plan->name, &document))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("plan \"%s\" was dropped while it was read", plan->name),
				 errhint("Run it again.")));

	PG_RETURN_DATUM(document);
}

/* ---- import ---- */

#define DOCUMENT_NAME "plan document"
#define DOCUMENT_HINT "Take a document that an export of a plan has made."

/* Reads a member, which is not null, into the step */
static void
read_field(const StepField *field, const SgJson *given, PlanStep *step)
{
	if (field->type == FIELD_COLUMNS)
	{
		if (sg_json_size(given) == 0)
			sg_json_refuse(given, "must not be empty");
		plan_field_set_columns(field, step, sg_json_texts(given));
	}
	else if (field->type == FIELD_BOOL)
		plan_field_set_bool(field, step, sg_json_bool(given));
	else
		plan_field_set_text(field, step, sg_json_text(given));
}

/* Raises 22023 for a member that is_known() does not accept */
static void
check_members(const SgJson *object, bool (*is_known) (const char *name))
{
	SgJsonMembers members;
	SgJson		member;

	sg_json_members(&members, object);
	while (sg_json_next(&members, &member))
	{
		if (!is_known(member.name))
			sg_json_refuse(&member, "is not known");
	}
}

static bool
is_document_member(const char *name)
{
	return strcmp(name, "schemaguard_plan") == 0 || strcmp(name, "plan") == 0 ||
		strcmp(name, "description") == 0 || strcmp(name, "options") == 0 || strcmp(name, "steps") == 0;
}

static bool
is_step_member(const char *name)
{
	return plan_field(name, FIELD_DOCUMENT | FIELD_SPARSE) != NULL || strcmp(name, "skip") == 0;
}

static PlanStep *
read_step(const SgJson *object, const char *plan)
{
	PlanStep   *step = plan_step_default(plan);
	SgJson		given;
	char	   *skip;
	bool		is_change;

	check_members(object, is_step_member);

	/* the kind decides which members are required; foreign keys have none */
	if (sg_json_find(object, "kind", &given) && !sg_json_is_null(&given))
		read_field(plan_field("kind", FIELD_ANY), &given, step);
	is_change = step->kind != STEP_FOREIGN_KEY;

	for (int i = 0; i < step_nfields; i++)
	{
		const StepField *field = &step_fields[i];
		bool		needed = (field->flags & FIELD_REQUIRED) && !is_change;

		if (!sg_json_find(object, field->name, &given))
		{
			if (needed)
				sg_json_refuse(&given, "is missing");
		}
		else if (!sg_json_is_null(&given))
			read_field(field, &given, step);
		else if (!(field->flags & FIELD_NULLABLE) && !(is_change && (field->flags & FIELD_REQUIRED)))
			sg_json_refuse(&given, "must not be null");
	}
	skip = sg_json_find_text(object, "skip");
	if (skip)
		plan_step_skip(step, skip);

	return step;
}

/* Checks the document's frame, and finds the array of steps */
static void
check_frame(const SgJson *document, SgJson *steps)
{
	SgJson		version;

	sg_json_get(document, "schemaguard_plan", &version);
	if (sg_json_integer(&version, 1, PG_INT64_MAX) != DOCUMENT_VERSION)
		sg_json_refuse(&version, "must be %d, the version that this library reads", DOCUMENT_VERSION);

	check_members(document, is_document_member);
	(void) sg_json_get_text(document, "plan");
	sg_json_get(document, "steps", steps);
	(void) sg_json_size(steps);
}

/* Returns the plan to import into: a new one, or one of the caller's without steps and options */
static FkPlan *
open_target(const char *name, const char *description)
{
	FkPlan	   *plan = plan_find(name);

	if (plan == NULL)
	{
		plan_insert(name, description);
		return plan_get(name);
	}

	plan_check_writable(plan, "sg_plan_import()");
	if (plan_steps(name) != NIL || plan_options_text(plan))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 plan_steps(name) != NIL ? errmsg("plan \"%s\" has steps already", name) :
				 errmsg("plan \"%s\" has options already: %s", name, plan_options_text(plan)),
				 errhint(sg_calls("Import into a new plan, or empty this one:\nSELECT sg_plan_create(%s, replace => true);"), quote_literal_cstr(name))));

	return plan;
}

/* Reads the options of the plan, if any: an object of strings */
static void
read_options(const SgJson *document, const FkPlan *plan)
{
	SgJson		options;
	SgJson		option;
	SgJsonMembers members;

	if (!sg_json_find(document, "options", &options))
		return;
	sg_json_members(&members, &options);
	while (sg_json_next(&members, &option))
		plan_option_set(plan, option.name, sg_json_text(&option));
}

/* Error context callback: the place in the document of a check's error */
static void
step_context(void *arg)
{
	errcontext("steps[%u] of the plan document", *(uint32 *) arg);
}

/* Returns the second argument, of any type; raises 22P02 for a text that is no JSON */
static Jsonb *
read_argument(FunctionCallInfo fcinfo)
{
	Oid			type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1));
	Oid			output;
	bool		is_varlena;

	if (type == JSONBOID)
		return PG_GETARG_JSONB_P(1);
	getTypeOutputInfo(type, &output, &is_varlena);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(OidOutputFunctionCall(output, PG_GETARG_DATUM(1)))));
}

/*
 * sg_plan_import(plan text, document anycompatible)
 *
 * Creates the plan, or fills an empty one, and returns the number of steps.
 */
static Datum
sg_plan_import_entered(PG_FUNCTION_ARGS)
{
	char	   *name;
	SgJson		document;
	SgJson		member;
	SgJson		steps;
	FkPlan	   *plan;
	PlanDraft  *draft;
	uint32		n = 0;
	ErrorContextCallback context;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	name = sg_arg_text(fcinfo, 0);
	sg_json_begin(&document, read_argument(fcinfo), DOCUMENT_NAME, DOCUMENT_HINT);
	sg_check_name(name, "plan name");
	sg_check_writable("sg_plan_import()");

	check_frame(&document, &steps);
	plan = open_target(name, sg_json_find(&document, "description", &member) ? sg_json_text(&member) : "");
	read_options(&document, plan);
	draft = plan_draft_begin(plan);
	plan_draft_set_quiet(draft);

	context.callback = step_context;
	context.arg = &n;
	context.previous = error_context_stack;
	error_context_stack = &context;
	for (n = 0; n < sg_json_size(&steps); n++)
	{
		SgJson		object;
		PlanStep   *step;

		CHECK_FOR_INTERRUPTS();
		sg_json_element(&steps, n, &object);
		step = read_step(&object, name);
		plan_draft_check(draft, step);
		(void) plan_draft_insert(draft, step);
	}
	error_context_stack = context.previous;

	plan_draft_end(draft);
	plan_log(plan, 0, "plan import", name, psprintf("%u steps", n));

	PG_RETURN_INT32((int32) n);
}
