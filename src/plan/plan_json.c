/*-------------------------------------------------------------------------
 *
 * plan_json.c
 *	  A plan as a document, to be taken to another database.
 *
 * The document has what a step is to be, not how far it has come here; of
 * states only a skip by a role travels, as "skip": reason.  On the way in
 * everything is checked as sg_plan_add_fk() would, and the document itself
 * strictly: a key that we don't know could be a clause that would be lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"
#include "plan/plan_option.h"

PG_FUNCTION_INFO_V1(sg_plan_export);
PG_FUNCTION_INFO_V1(sg_plan_import);

#define DOCUMENT_VERSION 1

/* ---- out ---- */

/* $1 is the plan */
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
 * The plan as a document for sg_plan_import.  42501 for who may not read it.
 */
Datum
sg_plan_export(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	Datum		document;

	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	if (!sg_owner_fetch(export_query(), plan->name, &document))
		elog(ERROR, "plan \"%s\" is gone", plan->name);

	PG_RETURN_DATUM(document);
}

/* ---- in ---- */

static void bad_document(const char *path, const char *format,...) pg_attribute_printf(2, 3);

/* Raise 22023: what is wrong, and where in the document */
static void
bad_document(const char *path, const char *format,...)
{
	char		problem[256];
	va_list		args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid plan document"),
			 errdetail("%s %s.", path, problem),
			 errhint("sg_plan_export() makes documents of the right form.")));
}

static char *
value_string(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static JsonbValue *
member(JsonbContainer *object, const char *name)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), NULL);
}

static bool
is_container(const JsonbValue *value, bool object)
{
	if (value->type != jbvBinary)
		return false;

	return object ? JsonContainerIsObject(value->val.binary.data) :
		JsonContainerIsArray(value->val.binary.data) &&
		!JsonContainerIsScalar(value->val.binary.data);
}

static char *
read_string(const JsonbValue *value, const char *path)
{
	if (value->type != jbvString)
		bad_document(path, "must be a string");

	return value_string(value);
}

/* A member that must be there, a string */
static char *
string_member(JsonbContainer *object, const char *name)
{
	JsonbValue *value = member(object, name);

	if (value == NULL)
		bad_document(name, "is missing");

	return read_string(value, name);
}

static List *
read_columns(const JsonbValue *value, const char *path)
{
	List	   *columns = NIL;
	JsonbContainer *array;

	if (!is_container(value, false))
		bad_document(path, "must be an array of strings");

	array = value->val.binary.data;
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString)
			bad_document(psprintf("%s[%u]", path, i), "must be a string");
		columns = lappend(columns, value_string(element));
	}
	if (columns == NIL)
		bad_document(path, "must not be empty");

	return columns;
}

/* Put a member, which is not null, into the step */
static void
read_field(const StepField *field, const JsonbValue *value, const char *path, PlanStep *step)
{
	if (field->type == FIELD_COLUMNS)
		plan_field_set_columns(field, step, read_columns(value, path));
	else if (field->type == FIELD_BOOL)
	{
		if (value->type != jbvBool)
			bad_document(path, "must be true or false");
		plan_field_set_bool(field, step, value->val.boolean);
	}
	else
		plan_field_set_text(field, step, read_string(value, path));
}

/* Raise 22023 for a member that is none of the names that is_known accepts */
static void
check_members(JsonbContainer *object, const char *path, bool (*is_known) (const char *name))
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && !is_known(value_string(&value)))
			bad_document(psprintf("%s%s", path, value_string(&value)), "is not known");
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
read_step(const JsonbValue *value, uint32 n, const char *plan)
{
	PlanStep   *step = plan_step_default(plan);
	char	   *path = psprintf("steps[%u]", n);
	JsonbContainer *object;
	JsonbValue *kind;
	JsonbValue *skip;
	bool		is_change;

	if (!is_container(value, true))
		bad_document(path, "must be an object");
	object = value->val.binary.data;
	check_members(object, psprintf("%s.", path), is_step_member);

	/* what it needs hangs on the kind, which foreign keys do not say */
	kind = member(object, "kind");
	if (kind && kind->type != jbvNull)
		read_field(plan_field("kind", FIELD_ANY), kind, psprintf("%s.kind", path), step);
	is_change = step->kind != STEP_FOREIGN_KEY;

	for (int i = 0; i < step_nfields; i++)
	{
		const StepField *field = &step_fields[i];
		char	   *field_path = psprintf("%s.%s", path, field->name);
		JsonbValue *given = member(object, field->name);

		if (given && given->type != jbvNull)
			read_field(field, given, field_path, step);
		else if (given && !(field->flags & FIELD_NULLABLE) && !(is_change && (field->flags & FIELD_REQUIRED)))
			bad_document(field_path, "must not be null");
		else if (given == NULL && (field->flags & FIELD_REQUIRED) && !is_change)
			bad_document(field_path, "is missing");
	}
	skip = member(object, "skip");
	if (skip && skip->type != jbvNull)
		plan_step_skip(step, read_string(skip, psprintf("%s.skip", path)));

	return step;
}

/* The document's frame; returns the array of steps */
static JsonbContainer *
check_frame(Jsonb *document)
{
	JsonbValue *version;
	JsonbValue *steps;

	if (!JB_ROOT_IS_OBJECT(document))
		bad_document("the document", "must be an object");

	version = member(&document->root, "schemaguard_plan");
	if (version == NULL)
		bad_document("schemaguard_plan", "is missing");
	if (version->type != jbvNumeric ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(version->val.numeric),
										  NumericGetDatum(int64_to_numeric(DOCUMENT_VERSION)))))
		bad_document("schemaguard_plan", "must be %d, the version that this library reads",
					 DOCUMENT_VERSION);

	check_members(&document->root, "", is_document_member);
	(void) string_member(&document->root, "plan");
	steps = member(&document->root, "steps");
	if (steps == NULL)
		bad_document("steps", "is missing");
	if (!is_container(steps, false))
		bad_document("steps", "must be an array");

	return steps->val.binary.data;
}

/* The plan to import into: a new one, or one of the caller's without steps and options */
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
				 errhint("Import into a new or an empty plan; sg_plan_create(plan, replace => true) empties one.")));

	return plan;
}

/* The options that go with the plan, if any: an object of strings */
static void
read_options(Jsonb *document, const FkPlan *plan)
{
	JsonbValue *options = member(&document->root, "options");
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	if (options == NULL)
		return;
	if (!is_container(options, true))
		bad_document("options", "must be an object");
	it = JsonbIteratorInit(options->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = value_string(&value);
		else if (token == WJB_VALUE)
			plan_option_set(plan, name, read_string(&value, psprintf("options.%s", name)));
	}
}

/* Where in the document an error of a check is */
static void
step_context(void *arg)
{
	errcontext("steps[%u] of the plan document", *(uint32 *) arg);
}

/*
 * sg_plan_import(plan text, document jsonb)
 *
 * Makes the plan, or fills an empty one, and returns the number of steps.
 */
Datum
sg_plan_import(PG_FUNCTION_ARGS)
{
	char	   *name;
	Jsonb	   *document;
	JsonbContainer *steps;
	FkPlan	   *plan;
	PlanDraft  *draft;
	uint32		n = 0;
	ErrorContextCallback context;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	name = sg_arg_text(fcinfo, 0);
	document = PG_GETARG_JSONB_P(1);
	sg_check_name(name, "plan name");
	sg_check_writable("sg_plan_import()");

	steps = check_frame(document);
	plan = open_target(name, member(&document->root, "description") ?
					   string_member(&document->root, "description") : "");
	read_options(document, plan);
	draft = plan_draft_begin(plan, NULL);
	plan_draft_set_quiet(draft);

	context.callback = step_context;
	context.arg = &n;
	context.previous = error_context_stack;
	error_context_stack = &context;
	for (n = 0; n < JsonContainerSize(steps); n++)
	{
		PlanStep   *step = read_step(getIthJsonbValueFromContainer(steps, n), n, name);

		CHECK_FOR_INTERRUPTS();
		plan_draft_check(draft, step);
		(void) plan_draft_insert(draft, step);
	}
	error_context_stack = context.previous;

	plan_draft_end(draft);
	plan_log(plan, 0, "plan import", name, psprintf("%u steps", n));

	PG_RETURN_INT32((int32) n);
}
