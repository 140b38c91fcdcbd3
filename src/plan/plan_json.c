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

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan.h"

PG_FUNCTION_INFO_V1(sg_plan_export);
PG_FUNCTION_INFO_V1(sg_plan_import);

#define DOCUMENT_VERSION 1

/* What a member of a step holds, and where it goes in PlanStep */
typedef enum FieldKind
{
	FIELD_TEXT,
	FIELD_TABLE,
	FIELD_COLUMNS,
	FIELD_BOOL,
	FIELD_SKIP					/* the reason of a skip */
} FieldKind;

typedef struct StepField
{
	const char *name;
	FieldKind	kind;
	size_t		offset;
	bool		required;
	bool		nullable;
} StepField;

static const StepField step_fields[] = {
	{"child_table", FIELD_TABLE, offsetof(PlanStep, child_table), true, false},
	{"child_columns", FIELD_COLUMNS, offsetof(PlanStep, child_columns), true, false},
	{"parent_table", FIELD_TABLE, offsetof(PlanStep, parent_table), true, false},
	{"parent_columns", FIELD_COLUMNS, offsetof(PlanStep, parent_columns), false, true},
	{"fk_name", FIELD_TEXT, offsetof(PlanStep, fk_name), false, true},
	{"priority", FIELD_TEXT, offsetof(PlanStep, priority), false, false},
	{"on_delete", FIELD_TEXT, offsetof(PlanStep, on_delete), false, false},
	{"on_update", FIELD_TEXT, offsetof(PlanStep, on_update), false, false},
	{"match", FIELD_TEXT, offsetof(PlanStep, match), false, false},
	{"deferrable", FIELD_BOOL, offsetof(PlanStep, deferrable), false, false},
	{"initially_deferred", FIELD_BOOL, offsetof(PlanStep, initially_deferred), false, false},
	{"on_delete_columns", FIELD_COLUMNS, offsetof(PlanStep, on_delete_columns), false, true},
	{"enforced", FIELD_BOOL, offsetof(PlanStep, enforced), false, false},
	{"orphans", FIELD_TEXT, offsetof(PlanStep, orphans), false, false},
	{"index", FIELD_BOOL, offsetof(PlanStep, index), false, false},
	{"replaces", FIELD_TEXT, offsetof(PlanStep, replaces), false, true},
	{"backfill", FIELD_TEXT, offsetof(PlanStep, backfill), false, true},
	{"skip", FIELD_SKIP, 0, false, true},
	{"sentinel", FIELD_TEXT, offsetof(PlanStep, sentinel), false, true},
	{"quarantine_cascades", FIELD_BOOL, offsetof(PlanStep, quarantine_cascades), false, false},
	{"period", FIELD_BOOL, offsetof(PlanStep, period), false, false},
};

/* ---- out ---- */

static const char *export_query =
"SELECT jsonb_build_object('schemaguard_plan', 1, 'plan', p.name, 'description', p.description,"
" 'steps', coalesce((SELECT jsonb_agg(jsonb_build_object("
"   'priority', s.priority, 'child_table', s.child_table, 'child_columns', s.child_columns,"
"   'parent_table', s.parent_table, 'parent_columns', s.parent_columns, 'fk_name', s.fk_name,"
"   'on_delete', s.on_delete, 'on_update', s.on_update, 'match', s.match,"
"   'deferrable', s.deferrable, 'initially_deferred', s.initially_deferred,"
"   'on_delete_columns', s.on_delete_columns, 'enforced', s.enforced, 'orphans', s.orphans,"
"   'index', s.index, 'replaces', s.replaces, 'backfill', s.backfill)"
"   || CASE WHEN s.state = 'skipped' AND s.skipped_by IS NOT NULL"
"           THEN jsonb_build_object('skip', coalesce(s.reason, '')) ELSE '{}' END"
"   || CASE WHEN s.sentinel IS NOT NULL"
"           THEN jsonb_build_object('sentinel', s.sentinel) ELSE '{}' END"
"   || CASE WHEN s.quarantine_cascades"
"           THEN jsonb_build_object('quarantine_cascades', true) ELSE '{}' END"
"   || CASE WHEN s.period THEN jsonb_build_object('period', true) ELSE '{}' END"
"   ORDER BY s.step)"
"  FROM schemaguard.plan_step s WHERE s.plan = p.name), '[]'))"
" FROM schemaguard.plan p WHERE p.name = $1";

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

	if (PG_ARGISNULL(0))
		sg_null_argument("sg_plan_export", "plan");
	plan = plan_get_readable(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (!sg_owner_fetch(export_query, plan->name, &document))
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

/* A member that must be a string */
static char *
string_member(JsonbContainer *object, const char *name)
{
	JsonbValue *value = member(object, name);

	if (value == NULL)
		bad_document(name, "is missing");
	if (value->type != jbvString)
		bad_document(name, "must be a string");

	return value_string(value);
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
	void	   *target = (char *) step + field->offset;

	if (field->kind == FIELD_COLUMNS)
	{
		*(List **) target = read_columns(value, path);
		return;
	}
	if (field->kind == FIELD_BOOL)
	{
		if (value->type != jbvBool)
			bad_document(path, "must be true or false");
		*(bool *) target = value->val.boolean;
		return;
	}

	if (value->type != jbvString)
		bad_document(path, "must be a string");
	if (field->kind == FIELD_SKIP)
	{
		step->state = "skipped";
		step->reason = value_string(value);
		step->skipped_by = GetUserNameFromId(GetUserId(), false);
	}
	else if (field->kind == FIELD_TABLE)
		*(char **) target = plan_qualify(value_string(value));
	else
		*(char **) target = value_string(value);
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
		strcmp(name, "description") == 0 || strcmp(name, "steps") == 0;
}

static bool
is_step_member(const char *name)
{
	for (int i = 0; i < lengthof(step_fields); i++)
	{
		if (strcmp(step_fields[i].name, name) == 0)
			return true;
	}
	return false;
}

static PlanStep *
read_step(const JsonbValue *value, uint32 n, const char *plan)
{
	PlanStep   *step = plan_step_default(plan);
	char	   *path = psprintf("steps[%u]", n);
	JsonbContainer *object;

	if (!is_container(value, true))
		bad_document(path, "must be an object");
	object = value->val.binary.data;
	check_members(object, psprintf("%s.", path), is_step_member);

	for (int i = 0; i < lengthof(step_fields); i++)
	{
		const StepField *field = &step_fields[i];
		char	   *field_path = psprintf("%s.%s", path, field->name);
		JsonbValue *given = member(object, field->name);

		if (given && given->type != jbvNull)
			read_field(field, given, field_path, step);
		else if (given && !field->nullable)
			bad_document(field_path, "must not be null");
		else if (field->required && given == NULL)
			bad_document(field_path, "is missing");
	}

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

/* The plan to import into: a new one, or an empty one of the caller's */
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
	if (plan_steps(name) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("plan \"%s\" has steps already", name),
				 errhint("Import into a new or an empty plan; sg_plan_create(plan, replace => true) empties one.")));

	return plan;
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
	if (PG_ARGISNULL(0))
		sg_null_argument("sg_plan_import", "plan");
	if (PG_ARGISNULL(1))
		sg_null_argument("sg_plan_import", "document");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	document = PG_GETARG_JSONB_P(1);
	sg_check_name(name, "plan name");
	sg_check_writable("sg_plan_import()");

	steps = check_frame(document);
	plan = open_target(name, member(&document->root, "description") ?
					   string_member(&document->root, "description") : "");
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
