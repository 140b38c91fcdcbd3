/*-------------------------------------------------------------------------
 *
 * plan_option.c
 *	  sg_plan_option(): settings of a plan, which apply whatever role and pool
 *	  of connections runs it.
 *
 *	  They are in schemaguard.plan.options, by their names without the prefix.
 *	  They override the settings of the role that runs the plan, so only
 *	  settings that any role may set, that name no code to run and that do not
 *	  weaken an audit can be options: the list below.  Options are part of the
 *	  plan, like its steps: seen before it is run, and covered by its
 *	  approval.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/nearest.h"
#include "base/scope.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan_change.h"
#include "plan/plan_option.h"
#include "plan/plan_store.h"

SG_FUNCTION(sg_plan_option);

#define PREFIX "schemaguard."

/* Any role may set all of them (guc.c) */
static const char *const option_names[] = {
	"audit_memory",
	"audit_method",
	"audit_workers",
	"audit_yield",
	"fill_batch",
	"fill_target",
	"fix_pause",
	"live_search",
	"lock_attempts",
	"lock_breaker",
	"lock_budget",
	"lock_timeout",
	"min_free_disk",
	PLAN_OPTION_POLICY,
	"statement_timeout",
	"throttle_backup",
	"throttle_budget",
	"throttle_ignore",
	"throttle_lag",
	"throttle_waiting",
	"validate_with",
	"verbosity",
	"window_end",
	"workers",
};

/* Returns the name as in the list, or NULL */
static const char *
known_name(const char *name)
{
	for (int i = 0; i < lengthof(option_names); i++)
	{
		if (strcmp(option_names[i], name) == 0)
			return option_names[i];
	}
	return NULL;
}

/* ---- reading ---- */

static void *
read_option(HeapTuple tuple, TupleDesc desc)
{
	SgOption   *option = palloc(sizeof(SgOption));

	option->name = sg_spi_text(tuple, desc, "name");
	option->value = sg_spi_text(tuple, desc, "value");
	return option;
}

pg_noreturn static void
bad_options(const char *plan)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the options of plan \"%s\" are no JSON object", plan),
			 errdetail("Somebody has written column \"options\" of schemaguard.plan by hand."),
			 errhint("A superuser mends that:\nUPDATE schemaguard.plan SET options = '{}' WHERE name = %s;",
					 quote_literal_cstr(plan))));
}

/*
 * Returns all options of a plan, by name; ignores entries that were written
 * into the table by other means
 */
static List *
read_options(const char *plan)
{
	StoreArgs	args = {0};
	List	   *options = NIL;
	List	   *all;

	store_arg_text(&args, plan);
	/* a value that is no object comes as an empty name */
	all = store_query("SELECT o.key AS name, o.value FROM schemaguard.plan p,"
					  " jsonb_each_text(CASE jsonb_typeof(p.options) WHEN 'object' THEN p.options ELSE '{\"\": \"\"}' END) o"
					  " WHERE p.name = $1 AND o.value IS NOT NULL ORDER BY o.key COLLATE \"C\"", &args, read_option);
	foreach_ptr(SgOption, option, all)
	{
		if (option->name[0] == '\0')
			bad_options(plan);
		if (known_name(option->name))
			options = lappend(options, option);
	}
	return options;
}

List *
plan_options(const FkPlan *plan)
{
	List	   *settings = NIL;

	foreach_ptr(SgOption, option, read_options(plan->name))
	{
		if (strcmp(option->name, PLAN_OPTION_POLICY) == 0)
			continue;
		option->name = psprintf("%s%s", PREFIX, option->name);
		settings = lappend(settings, option);
	}
	return settings;
}

char *
plan_options_text(const FkPlan *plan)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const SgOption, option, read_options(plan->name))
		appendStringInfo(&text, "%s%s = %s", text.len ? ", " : "", option->name, option->value);
	return text.len ? text.data : NULL;
}

void
plan_tell_options(const FkPlan *plan, List *options)
{
	if (options != NIL && plan->author_id != GetUserId())
		ereport(NOTICE,
				(errmsg("plan \"%s\" is by role %s, and its options take the place of the session's settings",
						plan->name, plan->author),
				 errdetail("It has options of its own: %s.", plan_options_text(plan))));
}

int
plan_options_begin(const FkPlan *plan)
{
	int			level = NewGUCNestLevel();
	List	   *options = plan_options(plan);

	plan_tell_options(plan, options);
	sg_options_apply(options, GUC_ACTION_SAVE);
	return level;
}

void
plan_options_end(int level)
{
	AtEOXact_GUC(false, level);
}

OrphanPolicy
plan_option_policy(const char *plan)
{
	OrphanPolicy policy = ORPHANS_STOP;

	foreach_ptr(const SgOption, option, read_options(plan))
	{
		if (strcmp(option->name, PLAN_OPTION_POLICY) == 0)
			policy = plan_policy(option->value);
	}
	return policy;
}

/* ---- checking ---- */

/*
 * A time of day is the next one from now on; any other text a time stamp.
 * Arguments for a subtransaction.
 */
typedef struct WindowEnd
{
	const char *text;
	TimestampTz end;
} WindowEnd;

static void
parse_window_end(void *arg)
{
	static const char *query =
		"SELECT CASE WHEN $1 !~ '^ *[0-9]{1,2}:[0-9]{2}(:[0-9]{2})? *$' THEN $1::timestamptz"
		" WHEN $1::time > localtime THEN (current_date + $1::time)::timestamptz"
		" ELSE (current_date + 1 + $1::time)::timestamptz END";
	WindowEnd  *window = arg;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(window->text)};
	SgScope		scope;
	bool		isnull;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemaguard.window_end");
	window->end = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	sg_scope_end(&scope);
}

TimestampTz
plan_window_end(const char *text)
{
	WindowEnd	window;
	ErrorData  *edata;

	if (text[0] == '\0')
		return 0;
	window.text = text;

	edata = sg_try(parse_window_end, &window);
	if (edata == NULL)
		return window.end;
	sg_rethrow_cancel(edata);
	ereport(ERROR,
			(errcode(edata->sqlerrcode),
			 errmsg("invalid value for schemaguard.window_end: \"%s\"", text),
			 errdetail("%s.", sg_error_message(edata)),
			 errhint("Write a time of day, '05:00', or a time stamp, '2030-01-31 05:00+01'.")));
}

static char *
list_names(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(option_names); i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", option_names[i]);
	return list.data;
}

/* Returns the stored name of an option that is given with or without the prefix */
static const char *
find_name(const char *given)
{
	const char *name = strncmp(given, PREFIX, strlen(PREFIX)) == 0 ? given + strlen(PREFIX) : given;
	const char *known = known_name(name);
	SgNearest	nearest = {name};

	if (known)
		return known;
	for (int i = 0; i < lengthof(option_names); i++)
		sg_nearest_try(&nearest, option_names[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized option \"%s\"", given),
			 sg_find_setting(psprintf("%s%s", PREFIX, name)) ?
			 errdetail("That setting does not go with a plan: it is for whoever runs one.") : 0,
			 nearest.found ? errhint("Perhaps you meant the option \"%s\".", nearest.found) :
			 errhint("Options of a plan are: %s.", list_names())));
}

static void
check_setting(void *arg)
{
	const SgOption *option = arg;

	(void) set_config_option(option->name, option->value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, false, ERROR, false);
}

/* Returns the values that a setting takes; the server names them only for wrong units */
static const char *
unit_hint(const char *setting)
{
	int			flags = GetConfigOptionFlags(setting, true);

	if (flags & GUC_UNIT_TIME)
		return "Write a number with its unit, ms, s, min, h or d, as in '200ms'.";
	if (flags & GUC_UNIT_MEMORY)
		return "Write a number with its unit, kB, MB or GB, as in '64MB'.";
	return psprintf("What it takes:\nSELECT setting, min_val, max_val, enumvals FROM pg_settings WHERE name = %s;",
					quote_literal_cstr(setting));
}

static void
check_value(const char *name, const char *value)
{
	SgOption	option = {psprintf("%s%s", PREFIX, name), (char *) value};
	ErrorData  *edata;

	if (strcmp(name, PLAN_OPTION_POLICY) == 0)
	{
		plan_check_key_policy(plan_policy(value));
		return;
	}
	edata = sg_try(check_setting, &option);
	if (edata && edata->hint == NULL)
		edata->hint = pstrdup(unit_hint(option.name));
	if (edata)
		ReThrowError(edata);
	if (strcmp(name, "window_end") == 0)
		(void) plan_window_end(value);
}

void
plan_option_set(const FkPlan *plan, const char *name, const char *value)
{
	StoreArgs	args = {0};

	name = find_name(name);
	if (value)
		check_value(name, value);
	(void) read_options(plan->name);
	store_arg_text(&args, plan->name);
	store_arg_text(&args, name);
	if (value)
		store_arg_text(&args, value);
	store_change(SPI_OK_UPDATE, value ?
				 "UPDATE schemaguard.plan SET options = options || jsonb_build_object($2, $3) WHERE name = $1" :
				 "UPDATE schemaguard.plan SET options = options - $2 WHERE name = $1", &args);
}

/* Reports that there is no option to remove */
static void
tell_no_option(const FkPlan *plan, const char *name, const char *value)
{
	char	   *options = plan_options_text(plan);

	foreach_ptr(const SgOption, option, value ? NIL : read_options(plan->name))
	{
		if (strcmp(option->name, name) == 0)
			return;
	}
	if (value == NULL)
		ereport(NOTICE,
				(errmsg("plan \"%s\" has no option \"%s\" to take away", plan->name, name),
				 options ? errdetail("It has these: %s.", options) : errdetail("It has no option.")));
}

/* Reports that existing steps keep their policy */
static void
tell_policy_kept(const FkPlan *plan, const char *value)
{
	OrphanPolicy policy = plan_policy(value);
	int			n = 0;

	foreach_ptr(const PlanStep, step, plan_key_steps(plan->name))
		n += step->orphans != policy && !step->skipped_by && !step->period;
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("the policy is for steps that are added from now on: %d key of plan \"%s\" keeps another one",
							   "the policy is for steps that are added from now on: %d keys of plan \"%s\" keep other ones",
							   n, n, plan->name),
				 errhint(sg_calls("To give it to them as well:\nSELECT sg_plan_set(%s, array_agg(step), '{\"orphans\": \"%s\"}')"
								  " FROM schemaguard.plan_step WHERE plan = %s AND kind = 'foreign key' AND NOT period HAVING count(*) > 0;"),
						 quote_literal_cstr(plan->name), plan_policy_word(policy), quote_literal_cstr(plan->name))));
}

/*
 * sg_plan_option(plan text, name text, value text)
 *
 * Gives the plan its own value for a setting, over that of the session that
 * runs it, or with "orphans" the policy of steps that will be added without
 * one; null removes it.  For the author's role and superusers (42501);
 * withdraws an approval. 22023 for an unknown option, and for a value that the
 * setting does not take; 55006 while a session runs the plan.
 */
static Datum
sg_plan_option_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	const char *name;
	char	   *value;

	sg_check_granted(fcinfo);
	name = sg_arg_text(fcinfo, 1);
	value = sg_arg_optional_text(fcinfo, 2);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_option()");
	name = find_name(name);
	tell_no_option(plan, name, value);
	plan_option_set(plan, name, value);
	if (value && strcmp(name, PLAN_OPTION_POLICY) == 0)
		tell_policy_kept(plan, value);
	plan_withdraw_approval(plan);
	plan_log(plan, 0, "plan option", name, NULL);

	PG_RETURN_VOID();
}
