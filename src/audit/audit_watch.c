/*-------------------------------------------------------------------------
 *
 * audit_watch.c
 *	  Watching subscriptions, so that the trust ledger knows what they write to.
 *
 * The event triggers are members of the extension, so that they go with it;
 * what the marks mean, and who reads them, is in fk_subscription.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/spi.h"
#include "fk/fk_subscription.h"
#include "log/log.h"

SG_FUNCTION(sg_watch_subscriptions);
SG_FUNCTION(sg_subscription_event);

/* ---- the event triggers ---- */

static HeapTuple
find_trigger(const char *name)
{
	HeapTuple	tuple = SearchSysCacheCopy1(EVENTTRIGGERNAME, CStringGetDatum(name));
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		return NULL;

	function = ((Form_pg_event_trigger) GETSTRUCT(tuple))->evtfoid;
	if (get_func_namespace(function) != sg_schema_oid() ||
		!sg_same_text(get_func_name(function), "sg_subscription_event"))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("event trigger \"%s\" exists, and is not schemaguard's", name),
				 errhint("Rename or drop it.")));
	return tuple;
}

static void
run(const char *sql)
{
	int			rc = sg_origin_execute(sql);

	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
}

/*
 * Enables or disables the event triggers with the caller's privileges, because
 * CREATE EVENT TRIGGER requires a superuser
 */
static void
switch_triggers(bool enabled)
{
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	for (int i = 0; i < FK_SUBSCRIPTION_TRIGGERS; i++)
	{
		const char *name = fk_subscription_triggers[i].name;

		if (find_trigger(name))
		{
			run(psprintf("ALTER EXTENSION schemaguard DROP EVENT TRIGGER %s", name));
			run(psprintf("DROP EVENT TRIGGER %s", name));
		}
		if (!enabled)
			continue;
		run(psprintf("CREATE EVENT TRIGGER %s ON %s WHEN TAG IN (%s)"
					 " EXECUTE FUNCTION schemaguard.sg_subscription_event()",
					 name, fk_subscription_triggers[i].event, fk_subscription_triggers[i].tags));
		run(psprintf("ALTER EXTENSION schemaguard ADD EVENT TRIGGER %s", name));
		run(psprintf("ALTER EVENT TRIGGER %s ENABLE ALWAYS", name));
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* ---- marks ---- */

static void
write_watch(bool enabled)
{
	Oid			types[6] = {0, 0, TEXTOID, TEXTOID, PG_LSNOID, INT8OID};
	Datum		values[6];
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	fk_subscription_database(types, values);
	values[2] = CStringGetTextDatum(enabled ? "watch" : "no watch");
	values[3] = CStringGetTextDatum(GetUserNameFromId(scope.userid, false));
	values[4] = LSNGetDatum(GetXLogInsertRecPtr());
	values[5] = Int64GetDatum(fk_subscription_triggers_version());
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.subscription_mark"
					 " (system_identifier, database_oid, event, role, lsn, triggers_version)"
					 " VALUES ($1, $2, $3, $4, $5, $6)", lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Statement that records the tables of all subscriptions */
static const char *const subscribed_sql =
"SELECT r.srrelid, r.srrelid::regclass::text, s.subname"
" FROM pg_subscription_rel r LEFT JOIN pg_subscription s ON s.oid = r.srsubid";

/*
 * Statement that records the tables of new BEFORE triggers for rows (tgtype 2
 * and 1) on DELETE or UPDATE (8, 16), and of new INSTEAD rules
 */
static const char *const triggered_sql =
"SELECT DISTINCT t.relid, t.relid::regclass::text, NULL::name"
" FROM (SELECT g.tgrelid FROM pg_event_trigger_ddl_commands() c JOIN pg_trigger g ON g.oid = c.objid"
"       WHERE c.classid = 'pg_trigger'::regclass AND g.tgtype & 3 = 3 AND g.tgtype & 24 <> 0"
"       UNION ALL SELECT w.ev_class FROM pg_event_trigger_ddl_commands() c JOIN pg_rewrite w ON w.oid = c.objid"
"       WHERE c.classid = 'pg_rewrite'::regclass AND w.is_instead) t (relid)";

static void
write_marks(const char *event, const char *tables)
{
	Oid			types[5] = {0, 0, TEXTOID, TEXTOID, PG_LSNOID};
	Datum		values[5];
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	fk_subscription_database(types, values);
	values[2] = CStringGetTextDatum(event);
	values[3] = CStringGetTextDatum(GetUserNameFromId(scope.userid, false));
	values[4] = LSNGetDatum(GetXLogInsertRecPtr());
	sg_owner_execute(SPI_OK_INSERT,
					 psprintf("INSERT INTO schemaguard.subscription_mark"
							  " (system_identifier, database_oid, event, role, lsn, table_oid, table_name, subscription)"
							  " SELECT $1, $2, $3, $4, $5, m.* FROM (%s) m", tables),
					 lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* ---- functions ---- */

static void
log_switch(bool enabled)
{
	pg_uuid_t	run_id = log_new_run();
	LogEntry	entry = log_entry(&run_id, NULL, enabled ? "watch subscriptions" : "stop watching subscriptions",
								  LOG_DONE);

	entry.object = "schemaguard.subscription_mark";
	log_write(&entry);
}

/*
 * sg_watch_subscriptions(enabled boolean)
 *
 * Makes tables of subscriptions be marked when these are created, altered and
 * dropped, for schemaguard.fk_trust, from its commit on; or ends that.  Does
 * nothing if the state is as requested.  For superusers (42501).  Waits, within
 * lock_timeout, for transactions that create or drop subscriptions, and blocks
 * these in all databases until its own ends.  Writes a row of the log.  Further
 * errors: 25006 in a read-only transaction or on a standby, 42710 if a name is
 * taken.
 */
static Datum
sg_watch_subscriptions_entered(PG_FUNCTION_ARGS)
{
	bool		enabled;
	bool		is_on;
	SgOrigin	origin;

	sg_check_version();
	enabled = sg_arg_bool(fcinfo, 0);
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to watch subscriptions"),
				 errhint(sg_calls("Only superusers make event triggers. As one:\nSELECT sg_watch_subscriptions(%s);"),
						 enabled ? "true" : "false")));
	sg_check_writable("sg_watch_subscriptions()");

	/*
	 * this lock waits for transactions that looked up event triggers before
	 * ours are visible
	 */
	LockRelationOid(SubscriptionRelationId, ShareRowExclusiveLock);

	is_on = fk_subscription_triggers_version() != 0;
	if (is_on)
	{
		FkSubscribed subscribed;

		fk_read_subscribed(&subscribed);
		is_on = subscribed.watched != InvalidXLogRecPtr;
	}
	if (enabled == is_on && (enabled || find_trigger(fk_subscription_triggers[0].name) == NULL))
		PG_RETURN_VOID();

	sg_origin_begin(&origin, "");
	PG_TRY();
	{
		switch_triggers(enabled);
	}
	PG_FINALLY();
	{
		sg_origin_end(&origin);
	}
	PG_END_TRY();
	write_watch(enabled);
	log_switch(enabled);

	PG_RETURN_VOID();
}

/*
 * sg_subscription_event(), event trigger: marks the tables of all
 * subscriptions, since a mark on one that is still written to is harmless; or a
 * table that got a trigger or rule.  Errors fail the command: without the mark,
 * proofs would seem to stand.
 */
static Datum
sg_subscription_event_entered(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_subscription_event is an event trigger function"),
				 errhint(sg_calls("Have the event triggers made:\nSELECT sg_watch_subscriptions(true);"))));

	if (!IsBinaryUpgrade)
		write_marks(GetCommandTagName(event->tag),
					event->tag == CMDTAG_CREATE_TRIGGER || event->tag == CMDTAG_CREATE_RULE ? triggered_sql : subscribed_sql);

	PG_RETURN_NULL();
}
