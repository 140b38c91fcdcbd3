/*-------------------------------------------------------------------------
 *
 * ddl_control.c
 *	  Capturing DDL, on and off.
 *
 * The event triggers are members of the extension, so that they go with it
 * and no dump holds them; a row of schemaguard.ddl_capture says that they are
 * wanted, a dump takes that along, and loading it makes them again.
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
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/spi.h"
#include "ddl/ddl.h"
#include "log/log.h"

SG_FUNCTION(sg_capture_ddl);
SG_FUNCTION(sg_ddl_restored);

static const struct
{
	const char *name;
	const char *event;
}			triggers[] =

{
	{"schemaguard_ddl_command_end", "ddl_command_end"},
	{"schemaguard_sql_drop", "sql_drop"},
	{"schemaguard_table_rewrite", "table_rewrite"},
};

/* Is the event trigger there?  Raises 42710 for one of somebody else's. */
static bool
has_trigger(const char *name, bool *disabled)
{
	HeapTuple	tuple = SearchSysCache1(EVENTTRIGGERNAME, CStringGetDatum(name));
	Form_pg_event_trigger form;
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_event_trigger) GETSTRUCT(tuple);
	function = form->evtfoid;
	*disabled = form->evtenabled != TRIGGER_FIRES_ALWAYS;
	ReleaseSysCache(tuple);

	if (get_func_namespace(function) != sg_schema_oid() ||
		!sg_same_text(get_func_name(function), "sg_ddl_event"))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("event trigger \"%s\" exists, and is not schemaguard's", name),
				 errhint("Rename or drop it.")));
	return true;
}

bool
ddl_is_caught(void)
{
	bool		disabled;

	return IsUnderPostmaster && has_trigger(triggers[0].name, &disabled) && !disabled;
}

static void
run(const char *format, const char *name, const char *event)
{
	char	   *sql = psprintf(format, name, event);
	int			rc = SPI_execute(sql, false, 0);

	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
}

/* Make the event triggers that are missing; returns how many */
static int
make_triggers(void)
{
	int			made = 0;

	for (int i = 0; i < lengthof(triggers); i++)
	{
		const char *name = triggers[i].name;
		bool		disabled = true;

		if (!has_trigger(name, &disabled))
		{
			run("CREATE EVENT TRIGGER %s ON %s EXECUTE FUNCTION schemaguard.sg_ddl_event()",
				name, triggers[i].event);
			run("ALTER EXTENSION schemaguard ADD EVENT TRIGGER %s", name, NULL);
			made++;
		}

		/* in a replica session too */
		if (disabled)
			run("ALTER EVENT TRIGGER %s ENABLE ALWAYS", name, NULL);
	}
	return made;
}

static int
drop_triggers(void)
{
	int			dropped = 0;

	for (int i = 0; i < lengthof(triggers); i++)
	{
		bool		disabled;

		if (!has_trigger(triggers[i].name, &disabled))
			continue;
		run("ALTER EXTENSION schemaguard DROP EVENT TRIGGER %s", triggers[i].name, NULL);
		run("DROP EVENT TRIGGER %s", triggers[i].name, NULL);
		dropped++;
	}
	return dropped;
}

/* With the caller's privileges, and nothing of theirs in the way */
static void
do_switch(void *arg)
{
	bool		enabled = *(bool *) arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (enabled)
		make_triggers();
	else
		drop_triggers();
	SPI_finish();
	sg_scope_end(&scope);
}

static ErrorData *
switch_triggers(bool enabled)
{
	ErrorData  *error;

	sg_origin_plan = "";
	error = sg_try(do_switch, &enabled);
	sg_origin_plan = NULL;
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

	error = switch_triggers(enabled);
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

	error = switch_triggers(true);
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
