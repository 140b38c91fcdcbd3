/*-------------------------------------------------------------------------
 *
 * report_stats.c
 *	  Samples of the database's figures: schemaguard.sg_stats_take(), and
 *	  sg_watch_start(), which marks the samples of a watch.
 *
 *	  The figures are counted by the SQL function
 *	  schemaguard.sg_stats_figures(), as the caller.  So a role can write no
 *	  other figures than these, and none of others' that it may not see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "report/report.h"

SG_FUNCTION(sg_stats_take);
SG_FUNCTION(sg_watch_start);

#define MAX_HOURS 720			/* of a watch */

/* Returns the figures as text, in the caller's memory context */
static char *
read_figures(void)
{
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;
	char	   *figures;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute("SELECT schemaguard.sg_stats_figures()", false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "figures could not be read");
	figures = MemoryContextStrdup(context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	sg_scope_end(&scope);
	return figures;
}

/* Writes the figures that the caller sees, as the extension's owner; returns the number of their row */
static int64
take(void)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)), CStringGetTextDatum(read_figures())};
	SgScope		scope;
	int64		id;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT_RETURNING, "INSERT INTO schemaguard.stats (role, figures) VALUES ($1, $2::jsonb) RETURNING id",
					 lengthof(types), types, values, NULL);
	id = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "id");
	SPI_finish();
	sg_scope_end(&scope);
	return id;
}

/*
 * schemaguard.sg_stats_take()
 *
 * Writes a row of schemaguard.stats with the figures that the caller sees, and
 * returns its number.  For writers.  Errors: 25006, 42501.
 */
static Datum
sg_stats_take_entered(PG_FUNCTION_ARGS)
{
	sg_check_version();
	sg_check_granted(fcinfo);
	sg_check_writable("sg_stats_take()");
	PG_RETURN_INT64(take());
}

/* Without a sample so recent, nothing seems to take them */
#define IS_SAMPLED "SELECT 'yes' FROM schemaguard.stats s WHERE $1 <> '' AND s.at > pg_catalog.now() - interval '30 minutes' LIMIT 1"

/*
 * Query of the statement that has samples taken: a job of pg_cron if the caller may make one here, or in the database of pg_cron,
 * whose name only members of pg_read_all_settings see; else one for psql
 */
#define SAMPLES "SELECT CASE" \
	" WHEN EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace" \
	"   WHERE n.nspname = 'cron' AND p.proname = 'schedule' AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE'))" \
	" THEN E'Let pg_cron take them:\nSELECT cron.schedule(''stats'', ''*/5 * * * *'', ''SELECT schemaguard.sg_stats_take()'');'" \
	" ELSE coalesce((SELECT format(E'Let pg_cron take them, in database %I:\nSELECT cron.schedule_in_database(%L, ''*/5 * * * *'', " \
	"''SELECT schemaguard.sg_stats_take()'', %L);', s.setting, 'stats of ' || current_database(), current_database())" \
	"   FROM pg_catalog.pg_settings s WHERE s.name = 'cron.database_name' AND s.setting <> current_database())," \
	"  E'Let any scheduler take them, or psql, as long as it runs:\nSELECT schemaguard.sg_stats_take() \\\\watch 300') END"

/* Tells how to have samples taken, unless somebody has taken one lately */
static void
tell_sampling(void)
{
	Datum		any;
	SgScope		scope;
	char	   *hint;
	MemoryContext context = CurrentMemoryContext;

	if (sg_owner_fetch(IS_SAMPLED, "any", &any))
		return;
	(void) sg_caller_execute(&scope, SAMPLES, 0, NULL, NULL, NULL);
	hint = MemoryContextStrdup(context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	sg_caller_finish(&scope);
	ereport(NOTICE,
			(errmsg("nothing has taken samples of figures in the last 30 minutes, and a watch compares samples"),
			 errhint("%s", hint)));
}

/*
 * sg_watch_start(plan text, hours int DEFAULT 24)
 *
 * Begins to watch a plan that the caller may read: its samples are those from
 * the one that this call takes until so many hours from now.  For writers.
 * Errors: 22004, 22023 for invalid hours, 25006, 42501, 42704.
 */
static Datum
sg_watch_start_entered(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, INT8OID, TEXTOID, INT4OID};
	Datum		values[lengthof(types)];
	FkPlan	   *plan;
	SgScope		scope;
	int			hours;

	sg_check_version();
	sg_check_granted(fcinfo);
	sg_check_writable("sg_watch_start()");
	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	sg_arg_check(fcinfo, 1);
	hours = PG_GETARG_INT32(1);
	if (hours < 1 || hours > MAX_HOURS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("hours is %d", hours),
				 errhint("Give a number from 1 to %d.", MAX_HOURS)));
	values[0] = CStringGetTextDatum(plan->name);
	values[1] = Int64GetDatum(plan->id);
	values[2] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[3] = Int32GetDatum(hours);
	tell_sampling();
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.watch (plan, plan_id, role, ends_at)"
					 " VALUES ($1, $2, $3, pg_catalog.clock_timestamp() + pg_catalog.make_interval(hours => $4))",
					 lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
	(void) take();
	PG_RETURN_VOID();
}

/* Prunes samples; the objects of the previous version have no such table */
static uint64
prune(TimestampTz before)
{
	if (!OidIsValid(get_relname_relid("watch", sg_schema_oid())))
		return 0;
	(void) log_prune_before("DELETE FROM schemaguard.watch w WHERE w.ends_at < $1", before);
	return log_prune_before("DELETE FROM schemaguard.stats s WHERE s.at < $1", before);
}

void
report_stats_init(void)
{
	log_register_prune("stats", "samples of figures", prune);
}
