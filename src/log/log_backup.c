/*-------------------------------------------------------------------------
 *
 * log_backup.c
 *	  schemaguard.backup: which backups of this database there are.
 *
 * A record is a claim of who wrote it: nothing here reads a backup.  Records
 * that a dump has brought from another server or database count for nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_backup.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_backup_problem);
SG_FUNCTION(sg_backup_record);

#define BACKUP_LIST "SELECT kind, location, taken_at, verified_at FROM schemaguard.backup ORDER BY taken_at DESC;"

/* ---- what is recorded ---- */

/* Raises 22023 for a time that is not between `after` and now */
static void
check_time(const char *name, TimestampTz time, TimestampTz after)
{
	if (TIMESTAMP_IS_NOBEGIN(time) || time > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 TIMESTAMP_NOT_FINITE(time) ? errmsg("%s is no time", name) :
				 errmsg("%s is in the future: %s", name, timestamptz_to_str(time)),
				 errhint("A backup is recorded when it is there: up to now, by the server's clock.")));
	if (time < after)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the backup was verified before it was taken: %s", timestamptz_to_str(time)),
				 errhint("taken_at is the moment that the backup has, verified_at when it was restored and looked at.")));
}

/*
 * Raises 22023 for a short text without a digit, or one that begins as a date,
 * in place of a checksum: the time of the backup, which would be taken for now
 */
static void
check_checksum(const char *checksum)
{
	size_t		len = strlen(checksum);
	const char *digits = "0123456789";

	if ((len >= 16 || strpbrk(checksum, digits)) && !(strspn(checksum, digits) == 4 && checksum[4] == '-'))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("checksum is none: \"%s\"", checksum),
			 errhint(sg_calls("The third argument is what sha256sum or the like prints. The time of the backup is another one:\n"
							  "SELECT sg_backup_record('pg_dump', '/backups/shop.dump', taken_at => now() - interval '1 hour');"))));
}

/* Inserts the record, or completes the one that is there; returns its number */
static int64
record(Datum *values, const char *nulls)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID};
	SgScope		scope;
	int64		id = 0;
	bool		isnull;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT_RETURNING,
					 "INSERT INTO schemaguard.backup AS b (kind, location, checksum, taken_at, verified_at, role)"
					 " VALUES ($1, $2, $3, $4, $5, $6)"
					 " ON CONFLICT (place, location, taken_at) DO UPDATE"
					 " SET checksum = coalesce(b.checksum, excluded.checksum), role = excluded.role,"
					 " verified_at = greatest(b.verified_at, excluded.verified_at)"
					 " WHERE b.kind = excluded.kind AND coalesce(b.checksum = excluded.checksum, true)"
					 " RETURNING id",
					 lengthof(types), types, values, nulls);
	if (SPI_processed == 1)
		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	sg_scope_end(&scope);
	return id;
}

/*
 * sg_backup_record(kind text, location text, checksum text DEFAULT NULL, taken_at timestamptz DEFAULT now(),
 *					verified_at timestamptz DEFAULT NULL) -> bigint
 *
 * Records a backup of this database, or when the one of that location and time
 * was verified: restored, and looked at.  Returns its number.  Needs sg_grant().
 *
 * Errors: 22023 empty names, times that cannot be, a checksum that is none; 23505 the backup of that
 * location and time is recorded with another kind or checksum; 22004; 25006; 42501.
 */
static Datum
sg_backup_record_entered(PG_FUNCTION_ARGS)
{
	Datum		values[6] = {0};
	char		nulls[] = "      ";
	char	   *kind,
			   *location;
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, "backup", LOG_DONE);
	int64		id;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_backup_record()");
	kind = sg_arg_text(fcinfo, 0);
	location = sg_arg_text(fcinfo, 1);
	sg_arg_check(fcinfo, 3);
	if (kind[0] == '\0' || location[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s of a backup is empty", kind[0] == '\0' ? "kind" : "location"),
				 errhint(sg_calls("The kind is what made it, the location where it is, as in:\n"
								  "SELECT sg_backup_record('pg_dump', '/backups/shop.dump');"))));
	if (!sg_arg_is_null(fcinfo, 2))
		check_checksum(sg_arg_text(fcinfo, 2));
	check_time("taken_at", PG_GETARG_TIMESTAMPTZ(3), DT_NOBEGIN);
	if (!sg_arg_is_null(fcinfo, 4))
		check_time("verified_at", PG_GETARG_TIMESTAMPTZ(4), PG_GETARG_TIMESTAMPTZ(3));
	for (int n = 0; n < 5; n++)
	{
		values[n] = PG_GETARG_DATUM(n);
		if (sg_arg_is_null(fcinfo, n))
			nulls[n] = 'n';
	}
	values[5] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));

	id = record(values, nulls);
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("the backup at \"%s\" of %s is recorded with another kind or checksum", location,
						timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(3))),
				 errhint("See what is recorded:\nSELECT * FROM schemaguard.backup WHERE location = %s;", quote_literal_cstr(location))));
	entry.object = kind;
	entry.message = sg_arg_is_null(fcinfo, 4) ? "recorded" : "recorded as verified";
	(void) log_write(&entry);
	PG_RETURN_INT64(id);
}

/* ---- what is asked for ---- */

/* Returns whether the table exists: the objects of version 0.1.0 lack it */
static bool
has_backups(void)
{
	return OidIsValid(get_relname_relid("backup", sg_schema_oid()));
}

char *
log_backup_problem(void)
{
	char	   *age;
	Datum		problem;

	if (sg_require_backup == 0)
		return NULL;
	if (!has_backups())
		return pstrdup("the extension's objects are of a version that knows no backups");
	age = GetConfigOptionByName("schemaguard.require_backup", NULL, false);
	if (!sg_owner_fetch("SELECT CASE WHEN count(b.verified_at) > 0"
						"   THEN format('the last backup that was verified is of %s', date_trunc('second', max(b.taken_at) FILTER (WHERE b.verified_at IS NOT NULL)))"
						"   WHEN count(*) > 0 THEN format('the last backup, of %s, was not verified', date_trunc('second', max(b.taken_at)))"
						"   ELSE 'no backup of this database is recorded' END"
						" FROM schemaguard.backup b WHERE b.place = schemaguard.sg_place()"
						" HAVING coalesce(max(b.taken_at) FILTER (WHERE b.verified_at IS NOT NULL) < clock_timestamp() - $1::interval, true)",
						age, &problem))
		return NULL;
	return psprintf("%s, and schemaguard.require_backup is %s", TextDatumGetCString(problem), age);
}

/*
 * schemaguard.sg_backup_problem()
 *
 * Returns log_backup_problem()
 */
static Datum
sg_backup_problem_entered(PG_FUNCTION_ARGS)
{
	char	   *problem = log_backup_problem();

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

char *
log_backup_hint(void)
{
	return pstrdup("Take one, restore it elsewhere, and record it (function sg_backup_record). These are recorded:\n" BACKUP_LIST);
}

void
log_refuse_backup(const char *procedure, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s() needs a backup that was verified", procedure),
			 errdetail_internal("%c%s.", pg_toupper((unsigned char) problem[0]), problem + 1),
			 errhint("%s", log_backup_hint())));
}

void
log_check_backup(const char *procedure)
{
	char	   *problem = log_backup_problem();

	if (problem)
		log_refuse_backup(procedure, problem);
}

static uint64
prune(TimestampTz before)
{
	return has_backups() ?
		log_prune_before("DELETE FROM schemaguard.backup b WHERE b.taken_at < $1", before) : 0;
}

void
log_backup_init(void)
{
	log_register_prune("backups", "records of backups", prune);
}
