/*-------------------------------------------------------------------------
 *
 * finding_accept.c
 *	  Accepted findings of audits: each a debt with a reason and an end.
 *
 * A finding is accepted with the rows that it had then, until a time.  While
 * it has no more of them, gates leave it out; a result of unknown says
 * nothing about rows, so it is never accepted.  A finding that was gone and
 * comes back is another row, which nobody has accepted.  An acceptance ends if
 * another table takes the name: finding_found() leaves its reason, and nothing
 * else of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "finding/finding.h"
#include "log/log.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_audit_accept);
SG_FUNCTION(sg_audit_baseline);

#define DEFAULT_DAYS 90			/* default duration of an acceptance */

typedef struct Acceptance
{
	const char *role;			/* the caller */
	bool		monitor;		/* member of pg_monitor: accepts findings of
								 * all roles */
	char	   *key;			/* key, table, or table.key; NULL: all */
	char	   *reason;
	TimestampTz until;
	bool		renews;			/* the caller has given `until` */

	/* counts of findings */
	int64		tables;			/* tables with failing ones */
	int64		standing;		/* already accepted, so that a baseline leaves
								 * them alone */
	int64		unknown;		/* unknown ones */
} Acceptance;

/*
 * Conditions of the findings that a call concerns. $1 is the role, $2 whether
 * it belongs to pg_monitor, $3 the key: the name of what was found, or the
 * table, or both joined by a dot; the table with or without its schema.  A
 * table whose name contains a dot can't shadow another table's key.
 */
#define VISIBLE(f) #f ".source = 'audit' AND " #f ".gone_at IS NULL AND ($2 OR " #f ".role = $1)"
#define IS_WHOLE(f) #f ".object || '.' || " #f ".property = $3"
#define IS_TABLE(name) "(f.object = " name " OR right(f.object, length(" name ") + 1) = '.' || " name ")"
#define IS_PART "(f.property = $3 OR " IS_TABLE("$3") " OR (right($3, length(f.property) + 1) = '.' || f.property AND " \
	IS_TABLE("left($3, -length(f.property) - 1)") "))"
#define CONCERNED VISIBLE(f) " AND ($3 IS NULL OR " IS_WHOLE(f) \
	" OR " IS_PART " AND NOT EXISTS (SELECT FROM schemaguard.finding g WHERE " VISIBLE(g) " AND " IS_WHOLE(g) "))"
#define ACCEPTABLE "f.result = 'fail' AND f.count IS NOT NULL"

/*
 * Condition of the findings that a baseline does not change: accepted, with no
 * more rows since.  If the caller gives an end, $6, those with the same reason
 * are renewed.
 */
#define STANDING "$3 IS NULL AND coalesce(f.accepted_until > now() AND f.count <= f.accepted_count, false)" \
	" AND NOT ($6 AND f.reason = $5)"

#define ARGS 6
static Oid	argument_types[ARGS] = {TEXTOID, BOOLOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, BOOLOID};

/* Runs a statement about these findings as the owner of the extension */
static uint64
execute(const Acceptance *accept, int expected, const char *sql)
{
	Datum		values[ARGS] = {
		CStringGetTextDatum(accept->role), BoolGetDatum(accept->monitor),
		accept->key ? CStringGetTextDatum(accept->key) : (Datum) 0,
		TimestampTzGetDatum(accept->until), CStringGetTextDatum(accept->reason),
		BoolGetDatum(accept->renews)
	};
	char		nulls[ARGS + 1] = "      ";

	nulls[2] = accept->key ? ' ' : 'n';
	return sg_owner_execute(expected, sql, ARGS, argument_types, values, nulls);
}

/* ---- the arguments ---- */

static void
read_terms(FunctionCallInfo fcinfo, int first, Acceptance *accept)
{
	TimestampTz now = GetCurrentTimestamp();

	accept->role = GetUserNameFromId(GetUserId(), false);
	accept->monitor = is_member_of_role(GetUserId(), ROLE_PG_MONITOR);
	accept->reason = sg_arg_text(fcinfo, first);
	if (strspn(accept->reason, " \t\r\n") == strlen(accept->reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a finding is accepted for a reason, and that is empty"),
				 errhint("Say why it may stay: whoever reads the gate's report will ask.")));
	accept->renews = !sg_arg_is_null(fcinfo, first + 1);
	accept->until = sg_arg_is_null(fcinfo, first + 1) ? now + DEFAULT_DAYS * USECS_PER_DAY : PG_GETARG_TIMESTAMPTZ(first + 1);
	if (accept->until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a finding cannot be accepted until %s, which is over", timestamptz_to_str(accept->until)),
				 errhint("Give a time to come, or null for %d days.", DEFAULT_DAYS)));
}

/* ---- the findings ---- */

static void
look(Acceptance *accept)
{
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	execute(accept, SPI_OK_SELECT,
			"SELECT count(DISTINCT f.object) FILTER (WHERE " ACCEPTABLE ") AS tables,"
			"       count(*) FILTER (WHERE NOT (" ACCEPTABLE ")) AS unknown,"
			"       count(*) FILTER (WHERE " ACCEPTABLE " AND " STANDING ") AS standing"
			" FROM schemaguard.finding f WHERE " CONCERNED);
	accept->tables = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "tables");
	accept->unknown = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "unknown");
	accept->standing = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "standing");
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Raises 42704 if the key names no finding that can be accepted, 42P08 if it
 * names those of several tables
 */
static void
check_key(const Acceptance *accept)
{
	if (accept->tables > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("several tables have a finding of the name \"%s\"", accept->key),
				 errhint("Write the table before it, as in schema.table.name:\n" FINDING_LIST)));
	if (accept->tables == 0 && accept->unknown > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" could not be judged, and what is unknown cannot be accepted", accept->key),
				 errhint("The reason is in column detail:\n" FINDING_LIST)));
	if (accept->tables == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no gate has found anything about \"%s\"", accept->key),
				 errhint("These are the findings that there are, of gates that have run:\n" FINDING_LIST)));
}

/* Accepts the findings and logs that; returns their number */
static int64
accept_found(const Acceptance *accept)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, "audit accept", LOG_DONE);
	SgScope		scope;
	int64		accepted;

	sg_owner_begin(&scope);
	SPI_connect();
	accepted = (int64) execute(accept, SPI_OK_UPDATE,
							   "UPDATE schemaguard.finding f SET accepted_by = $1, accepted_at = clock_timestamp(),"
							   " accepted_count = f.count, accepted_until = $4, reason = $5"
							   " WHERE " CONCERNED " AND " ACCEPTABLE " AND NOT (" STANDING ")");
	SPI_finish();
	sg_scope_end(&scope);

	entry.object = accept->key ? accept->key : "all";
	entry.message = psprintf(INT64_FORMAT " findings until %s: %s", accepted, timestamptz_to_str(accept->until), accept->reason);
	(void) log_write(&entry);
	return accepted;
}

/*
 * sg_audit_accept(key text, reason text, until timestamptz DEFAULT NULL)
 *
 * Accepts what gates have found about a key or rule, with the present number of
 * rows, until a time; NULL means 90 days from now.  For writers: findings of
 * their own gates; a member of pg_monitor accepts those of all roles.  Returns
 * the number of findings, one per gate.  Errors: 42704 no such finding, 42P08
 * several tables, 55000 unknown, 22023, 22004, 25006, 42501.
 */
static Datum
sg_audit_accept_entered(PG_FUNCTION_ARGS)
{
	Acceptance	accept = {0};

	sg_check_granted(fcinfo);
	sg_check_writable("sg_audit_accept()");
	accept.key = sg_arg_text(fcinfo, 0);
	read_terms(fcinfo, 1, &accept);
	look(&accept);
	check_key(&accept);
	PG_RETURN_INT64(accept_found(&accept));
}

/*
 * sg_audit_baseline(reason text DEFAULT 'baseline', until timestamptz DEFAULT
 * NULL)
 *
 * Accepts all findings of gates, as sg_audit_accept() does.  Leaves accepted
 * ones that have not grown alone, but renews those with the same reason if
 * `until` is given.  NOTICEs say how many it leaves, and how many are unknown
 * and stay open.
 */
static Datum
sg_audit_baseline_entered(PG_FUNCTION_ARGS)
{
	Acceptance	accept = {0};
	int64		accepted;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_audit_baseline()");
	read_terms(fcinfo, 0, &accept);
	look(&accept);
	if (accept.unknown > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld finding is unknown, and is not accepted",
							   "%lld findings are unknown, and are not accepted",
							   (unsigned long) accept.unknown, (long long) accept.unknown)));
	if (accept.standing > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld finding is accepted and has not grown: its reason and end stay",
							   "%lld findings are accepted and have not grown: their reasons and ends stay",
							   (unsigned long) accept.standing, (long long) accept.standing)));
	accepted = accept_found(&accept);
	if (accepted == 0 && accept.unknown == 0 && accept.standing == 0)
		ereport(NOTICE,
				(errmsg("there is no finding of yours to accept"),
				 errhint(sg_calls("Findings are of gates that have run:\nCALL sg_audit_gate();"))));
	PG_RETURN_INT64(accepted);
}

/* ---- for gates ---- */

List *
finding_accepted(const FindingRun *run)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *accepted = NIL;
	Oid			types[] = {TEXTOID, TEXTOID, UUIDOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(run->role), CStringGetTextDatum(run->target),
	UUIDPGetDatum(&run->run), TimestampTzGetDatum(run->started_at)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT f.object, f.property, f.reason, f.accepted_until::date::text AS until, f.kind FROM schemaguard.finding f"
					 " WHERE f.source = 'audit' AND f.role = $1 AND f.reference = '' AND f.target = $2 AND f.gone_at IS NULL"
					 " AND f.run = $3 AND " ACCEPTABLE " AND f.accepted_until > $4 AND f.count <= f.accepted_count",
					 lengthof(types), types, values, NULL);
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[n];
		MemoryContext old = MemoryContextSwitchTo(context);
		FindingAccepted *one = palloc0(sizeof(FindingAccepted));

		one->object = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);
		one->property = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2);
		one->reason = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 3);
		one->until = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 4);
		one->kind = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 5);
		accepted = lappend(accepted, one);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return accepted;
}
