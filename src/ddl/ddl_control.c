/*-------------------------------------------------------------------------
 *
 * ddl_control.c
 *	  Capturing DDL and guarding against it, on and off.
 *
 * The event triggers are members of the extension, so that they go with it
 * and no dump holds them; a row of schemaguard.ddl_capture or ddl_guard says
 * that they are wanted, a dump takes that along, and loading it makes them
 * again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/spi.h"
#include "ddl/ddl.h"
#include "log/log.h"

SG_FUNCTION(sg_capture_ddl);
SG_FUNCTION(sg_ddl_guard_changed);
SG_FUNCTION(sg_ddl_restored);
SG_FUNCTION(sg_guard_ddl);

typedef struct EventTrigger
{
	const char *name;
	const char *event;
	const char *function;
} EventTrigger;

/* Event triggers that are switched on and off as a whole */
typedef struct Triggers
{
	int			n;
	EventTrigger triggers[3];
} Triggers;

static const Triggers capture = {3, {
		{"schemaguard_ddl_command_end", "ddl_command_end", "sg_ddl_event"},
		{"schemaguard_sql_drop", "sql_drop", "sg_ddl_event"},
		{"schemaguard_table_rewrite", "table_rewrite", "sg_ddl_event"},
}};

static const Triggers guard = {3, {
		{"schemaguard_ddl_command_start", "ddl_command_start", "sg_ddl_guard_event"},
		{"schemaguard_guard_command_end", "ddl_command_end", "sg_ddl_guard_event"},
		{"schemaguard_guard_sql_drop", "sql_drop", "sg_ddl_guard_event"},
}};

typedef struct Switch
{
	const Triggers *which;
	bool		enabled;
} Switch;

/* Is the event trigger there?  Raises 42710 for one of somebody else's. */
static bool
has_trigger(const EventTrigger *trigger, bool *disabled)
{
	HeapTuple	tuple = SearchSysCache1(EVENTTRIGGERNAME, CStringGetDatum(trigger->name));
	Form_pg_event_trigger form;
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_event_trigger) GETSTRUCT(tuple);
	function = form->evtfoid;
	*disabled = form->evtenabled != TRIGGER_FIRES_ALWAYS;
	ReleaseSysCache(tuple);

	if (get_func_namespace(function) != sg_schema_oid() ||
		!sg_same_text(get_func_name(function), trigger->function))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("event trigger \"%s\" exists, and is not schemaguard's", trigger->name),
				 errhint("Rename or drop it.")));
	return true;
}

bool
ddl_is_caught(void)
{
	bool		disabled;

	return IsUnderPostmaster && has_trigger(&capture.triggers[0], &disabled) && !disabled;
}

static void
run(char *sql)
{
	int			rc = sg_origin_execute(sql);

	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
}

/* Makes an event trigger that is missing */
static void
make_trigger(const EventTrigger *trigger)
{
	bool		disabled = true;

	if (!has_trigger(trigger, &disabled))
	{
		run(psprintf("CREATE EVENT TRIGGER %s ON %s EXECUTE FUNCTION schemaguard.%s()",
					 trigger->name, trigger->event, trigger->function));
		run(psprintf("ALTER EXTENSION schemaguard ADD EVENT TRIGGER %s", trigger->name));
	}

	/* in a replica session too */
	if (disabled)
		run(psprintf("ALTER EVENT TRIGGER %s ENABLE ALWAYS", trigger->name));
}

static void
drop_trigger(const EventTrigger *trigger)
{
	bool		disabled;

	if (!has_trigger(trigger, &disabled))
		return;
	run(psprintf("ALTER EXTENSION schemaguard DROP EVENT TRIGGER %s", trigger->name));
	run(psprintf("DROP EVENT TRIGGER %s", trigger->name));
}

/* With the caller's privileges, and nothing of theirs in the way */
static void
do_switch(void *arg)
{
	const Switch *s = arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	for (int i = 0; i < s->which->n; i++)
	{
		if (s->enabled)
			make_trigger(&s->which->triggers[i]);
		else
			drop_trigger(&s->which->triggers[i]);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

static ErrorData *
switch_triggers(const Triggers *which, bool enabled)
{
	Switch		s = {which, enabled};
	ErrorData  *error;
	SgOrigin	origin;

	sg_origin_begin(&origin, "");
	error = sg_try(do_switch, &s);
	sg_origin_end(&origin);
	return error;
}

/* Write down what is wanted from now on; returns whether that is new */
static bool
set_wanted(bool enabled)
{
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	if (enabled)
	{
		Oid			types[] = {TEXTOID};
		Datum		values[] = {CStringGetTextDatum(GetUserNameFromId(scope.userid, false))};

		n = sg_owner_execute(SPI_OK_INSERT,
							 "INSERT INTO schemaguard.ddl_capture (since, role) SELECT pg_catalog.now(), $1"
							 " WHERE NOT EXISTS (SELECT FROM schemaguard.ddl_capture)", 1, types, values, NULL);
	}
	else
		n = sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.ddl_capture", 0, NULL, NULL, NULL);
	SPI_finish();
	sg_scope_end(&scope);

	return n > 0;
}

static void
log_switch(bool enabled)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, enabled ? "capture ddl" : "stop capturing ddl", LOG_DONE);

	entry.object = "schemaguard.ddl_log";
	log_write(&entry);
}

/*
 * sg_capture_ddl(enabled boolean)
 *
 * From the next command of each session on, every DDL command of the database
 * is written into schemaguard.ddl_log; or no more.  Asks for what CREATE EVENT
 * TRIGGER and ALTER EXTENSION ask for, that is superuser (42501).  Writes a
 * row of the log of our own actions.  Locks schemaguard.ddl_capture in SHARE
 * ROW EXCLUSIVE until the transaction ends.  Further errors: 25006 in a
 * read-only transaction or on a standby, 42710 when a name is taken.
 */
static Datum
sg_capture_ddl_entered(PG_FUNCTION_ARGS)
{
	bool		enabled;
	Oid			table;
	ErrorData  *error;

	sg_check_version();
	enabled = sg_arg_bool(fcinfo, 0);
	sg_check_writable("sg_capture_ddl()");

	table = get_relname_relid("ddl_capture", sg_schema_oid());
	if (!sg_owns_relation(table, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to switch the capture of DDL"),
				 errhint(sg_calls("Only superusers make event triggers. As one:\nSELECT sg_capture_ddl(%s);"),
						 enabled ? "true" : "false")));
	LockRelationOid(table, ShareRowExclusiveLock);

	error = switch_triggers(&capture, enabled);
	if (error && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to switch the capture of DDL"),
				 errdetail("%s.", sg_error_message(error)),
				 errhint(sg_calls("Only superusers make event triggers. As one:\nSELECT sg_capture_ddl(%s);"),
						 enabled ? "true" : "false")));
	if (error)
		ReThrowError(error);

	if (set_wanted(enabled))
		log_switch(enabled);

	PG_RETURN_VOID();
}

/*
 * sg_ddl_restored() trigger: a dump is loaded whose database had its DDL
 * caught, so it is caught here, too.  A role that may not do that gets a
 * warning, and its restore goes on.
 */
static Datum
sg_ddl_restored_entered(PG_FUNCTION_ARGS)
{
	ErrorData  *error;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_ddl_restored is a trigger function")));

	error = switch_triggers(&capture, true);
	if (error)
	{
		sg_rethrow_cancel(error);
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("DDL is not captured here, as it was where this comes from: %s", sg_error_message(error)),
				 errhint(sg_calls("As a superuser:\nSELECT sg_capture_ddl(true);"))));
	}

	return PointerGetDatum(((TriggerData *) fcinfo->context)->tg_trigtuple);
}

/* ---- the guard ---- */

/* Writes down what is wanted from now on, or that nothing is */
static void
set_guard(const char *mode, List *schemas, List *roles)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[] = "     ";
	SgScope		scope;

	values[0] = CStringGetTextDatum(mode);
	values[1] = sg_text_array(schemas);
	values[2] = sg_text_array(roles);
	values[3] = CStringGetTextDatum(ddl_guard_mark());
	values[4] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	nulls[1] = schemas == NIL ? 'n' : ' ';
	nulls[2] = roles == NIL ? 'n' : ' ';

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.ddl_guard", 0, NULL, NULL, NULL);
	if (strcmp(mode, "off") != 0)
		sg_owner_execute(SPI_OK_INSERT,
						 "INSERT INTO schemaguard.ddl_guard (mode, schemas, roles, made_in, since, role)"
						 " VALUES ($1, $2, $3, $4, pg_catalog.now(), $5)", lengthof(types), types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
}

static void
log_guard(const char *mode, List *schemas, List *roles)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, "guard ddl", LOG_DONE);
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfoString(&message, mode);
	foreach_ptr(const char, schema, schemas)
		appendStringInfo(&message, ", schema %s", quote_identifier(schema));
	foreach_ptr(const char, role, roles)
		appendStringInfo(&message, ", migration role %s", quote_identifier(role));
	entry.object = "schemaguard.ddl_guard";
	entry.message = message.data;
	log_write(&entry);
}

/* Names of roles that are there, or NIL for null; 42704 */
static List *
migration_roles(FunctionCallInfo fcinfo, int n)
{
	List	   *roles = sg_arg_is_null(fcinfo, n) ? NIL : sg_text_array_list(PG_GETARG_DATUM(n));

	foreach_ptr(const char, role, roles)
		(void) sg_role_by_name(role);
	return roles;
}

/*
 * sg_guard_ddl(mode text, schemas names, roles names)
 *
 * From the next statement of each session on, DDL that no plan and none of the
 * roles runs is let through (off), warned of (warn), or refused (refuse), in
 * these schemas or in all.  For superusers (42501).  Writes a row of the log.
 * Locks schemaguard.ddl_guard in SHARE ROW EXCLUSIVE until the transaction ends.
 * Further errors: 22023 for another word, 3F000 and 42704 for schemas and roles
 * that are not there, 25006 in a read-only transaction or on a standby, 42710
 * when an event trigger's name is taken.
 */
static Datum
sg_guard_ddl_entered(PG_FUNCTION_ARGS)
{
	char	   *mode;
	List	   *schemas;
	List	   *roles;
	ErrorData  *error;

	sg_check_version();
	mode = sg_arg_text(fcinfo, 0);
	if (strcmp(mode, "off") != 0 && strcmp(mode, "warn") != 0 && strcmp(mode, "refuse") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no mode of the guard", mode),
				 errhint(sg_calls("Modes are off, warn and refuse:\nSELECT sg_guard_ddl('warn');"))));
	schemas = sg_arg_schemas(fcinfo, 1);
	roles = migration_roles(fcinfo, 2);
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to guard against DDL"),
				 errhint(sg_calls("Only superusers make event triggers. As one:\nSELECT sg_guard_ddl(%s);"),
						 quote_literal_cstr(mode))));
	sg_check_writable("sg_guard_ddl()");

	LockRelationOid(get_relname_relid("ddl_guard", sg_schema_oid()), ShareRowExclusiveLock);
	error = switch_triggers(&guard, strcmp(mode, "off") != 0);
	if (error)
		ReThrowError(error);
	set_guard(mode, schemas, roles);
	log_guard(mode, schemas, roles);
	PG_RETURN_VOID();
}

/*
 * sg_ddl_guard_changed() trigger: have each session read the row again.  One that
 * a dump brings makes the event triggers; a role that may not do that gets a
 * warning, and its restore goes on.
 */
static Datum
sg_ddl_guard_changed_entered(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ErrorData  *error;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_ddl_guard_changed is a trigger function")));

	CacheInvalidateRelcache(data->tg_relation);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && (error = switch_triggers(&guard, true)) != NULL)
	{
		sg_rethrow_cancel(error);
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("DDL is guarded only in sessions that load schemaguard when they begin: %s", sg_error_message(error)),
				 errhint(sg_calls("As a superuser:\nSELECT sg_guard_ddl('warn');"))));
	}
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple);
}
