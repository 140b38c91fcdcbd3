/*-------------------------------------------------------------------------
 *
 * sync_ensure.c
 *	  CALL sg_ensure: creates the objects that this database lacks when an
 *	  application starts.
 *
 *	  Of all sessions that start at once, one works, under the lock of
 *	  sg_sync_apply().  The others poll the lock, and the result for their
 *	  document since they began.  Between two looks they have committed and
 *	  hold no snapshot and no lock, because CREATE INDEX CONCURRENTLY waits
 *	  for both.  If the working session dies, or fails, the lock is free
 *	  without a result, and the next session works.  Each caller judges from
 *	  the catalog whether its critical objects exist.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/body.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_backup.h"
#include "log/log_grant.h"
#include "run/run_unit.h"
#include "snapshot/snapshot.h"
#include "sync/sync_apply.h"

SG_FUNCTION(sg_ensure);

/* Time between two looks of a waiting session */
#define POLL_MS 200

typedef struct Ensure
{
	MemoryContext context;		/* of the call */
	char	   *reference;		/* name of the snapshot; for a document, set
								 * when it is stored */
	Datum		document;		/* document, a jsonb; 0: none */
	char	   *digest;
	List	   *critical;		/* char *; NIL: none was given */
	List	   *path;			/* char *: schemas */
	bool		check;			/* mode "check": nothing is written */
	bool		worked;
	char	   *plan;			/* name of the plan; NULL: nothing had to be
								 * made */
	TimestampTz start;
	Datum		before;			/* result of sg_ensure_list() before the work */
	Datum		after;			/* result of sg_ensure_list() after the work;
								 * 0: nothing was done */
	Datum		result;
} Ensure;

/* Commits; afterwards only the lock of the session is held */
static void
commit(void)
{
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	run_commit();
	SPI_finish();
}

/* ---- queries ---- */

/*
 * Fetches the value of a query's only row and column into the memory context of
 * the call; returns false for null, or no row.  Needs a snapshot; runs as the
 * caller, or as the owner of the extension's tables.
 */
static bool
fetch(const Ensure *ensure, bool as_owner, const char *sql, int nargs, Oid *types, Datum *values, const char *nulls, Datum *result)
{
	SgScope		scope;
	bool		isnull = true;

	if (as_owner)
		sg_owner_begin(&scope);
	else
	{
		sg_caller_begin(&scope);
		sg_scope_set("row_security", "on");
	}
	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0) < 0)
		elog(ERROR, "could not run: %s", sql);
	if (SPI_tuptable && SPI_processed > 0)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], desc, 1, &isnull);

		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(ensure->context);

			*result = datumCopy(value, TupleDescAttr(desc, 0)->attbyval, TupleDescAttr(desc, 0)->attlen);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	sg_scope_end(&scope);
	return !isnull;
}

static Datum
list(const Ensure *ensure)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(ensure->reference)};
	Datum		result = 0;

	(void) fetch(ensure, false, "SELECT schemaguard.sg_ensure_list($1)", 1, types, values, NULL, &result);
	return result;
}

/* Returns as JSON which of the critical names exist, or 0: none was given */
static Datum
judge_critical(const Ensure *ensure)
{
	Oid			types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTOID};
	Datum		values[] = {sg_text_array(ensure->critical), sg_text_array(ensure->path), CStringGetTextDatum(ensure->reference)};
	Datum		result = 0;

	if (ensure->critical)
		(void) fetch(ensure, false, "SELECT schemaguard.sg_ensure_critical($1, $2, $3)", 3, types, values, NULL, &result);
	return result;
}

/*
 * Raises 42704, with the nearest name, for a critical name that neither this
 * database nor the reference has
 */
static void
check_critical(const Ensure *ensure)
{
	Oid			types[] = {JSONBOID, TEXTOID};
	Datum		values[] = {judge_critical(ensure), CStringGetTextDatum(ensure->reference)};
	Datum		value;
	SgNearest	nearest = {NULL};
	SgScope		scope;

	if (ensure->critical == NIL ||
		!fetch(ensure, false, "SELECT e.e OPERATOR(pg_catalog.->>) 'name' FROM pg_catalog.jsonb_array_elements($1) e (e)"
			   " WHERE e.e OPERATOR(pg_catalog.?) 'unknown' LIMIT 1", 1, types, values, NULL, &value))
		return;
	nearest.wanted = TextDatumGetCString(value);
	(void) sg_caller_execute(&scope, "SELECT n FROM schemaguard.sg_ensure_names($1) n ORDER BY 1", 1, types + 1, values + 1, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(ensure->context);

		sg_nearest_try(&nearest, name);
		MemoryContextSwitchTo(old);
	}
	sg_caller_finish(&scope);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("critical name \"%s\" is no table, column or key of this database or of \"%s\"", nearest.wanted, ensure->reference),
			 nearest.found ? errhint("Perhaps you meant \"%s\".", nearest.found) :
			 errhint("Name a table, or a column or a constraint behind its table: orders, public.orders, orders.customer_id.")));
}

/* ---- the document ---- */

/* Reads the first argument: a name, or a document, by its type or its first character */
static void
read_reference(Ensure *ensure, FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	char	   *words;
	Datum		document;
	bytea	   *hash;

	sg_arg_check(fcinfo, 0);
	if (type != TEXTOID && type != VARCHAROID && type != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a reference is text or jsonb, not %s", format_type_be(type)),
				 errhint("Give the name of a snapshot, or the document of one, as jsonb.")));
	document = type == JSONBOID ? PG_GETARG_DATUM(0) : 0;
	words = type == JSONBOID ? NULL : TextDatumGetCString(PG_GETARG_DATUM(0));
	if (words && words[strspn(words, " \t\r\n")] == '{')
		document = DirectFunctionCall1(jsonb_in, CStringGetDatum(words));
	if (!document)
	{
		ensure->reference = words;
		return;
	}
	ensure->document = datumCopy(document, false, -1);

	/* one document has one digest, whatever its white space */
	words = JsonbToCString(NULL, &DatumGetJsonbP(document)->root, -1);
	hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(words)));
	ensure->digest = palloc0(2 * VARSIZE_ANY_EXHDR(hash) + 1);
	hex_encode(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash), ensure->digest);
}

/* Finds the snapshot of that name; the caller must be allowed to read it */
static void
find_snapshot(Ensure *ensure)
{
	SnapshotInfo *info = snapshot_get(ensure->reference);
	MemoryContext old = MemoryContextSwitchTo(ensure->context);

	ensure->digest = palloc0(2 * SNAPSHOT_CHECKSUM_LENGTH + 1);
	hex_encode((char *) info->checksum, SNAPSHOT_CHECKSUM_LENGTH, ensure->digest);
	MemoryContextSwitchTo(old);
}

/*
 * Stores the document as a snapshot, or finds the caller's own snapshot that an
 * earlier call has made of it
 */
static void
keep_document(Ensure *ensure)
{
	Oid			types[] = {TEXTOID, JSONBOID};
	Datum		values[] = {0, ensure->document};
	char	   *user = GetUserNameFromId(GetUserId(), false);

	for (int n = 1;; n++)
	{
		char	   *name = n == 1 ? psprintf("document %.32s", ensure->digest) : psprintf("document %.32s %d", ensure->digest, n);
		Datum		role;

		values[0] = CStringGetTextDatum(name);
		ensure->reference = MemoryContextStrdup(ensure->context, name);
		if (!fetch(ensure, true, "SELECT role FROM schemaguard.snapshot WHERE name = $1", 1, types, values, NULL, &role))
			break;
		/* another role's snapshot of that name may have any contents */
		if (strcmp(TextDatumGetCString(role), user) == 0)
			return;
	}
	SPI_connect();
	if (SPI_execute_with_args(psprintf("SELECT %s($1, $2)", sg_call_name("sg_snapshot_import")), 2, types, values, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "the document could not be read");
	SPI_finish();
}

/* ---- the wait ---- */

/*
 * Returns whether a result for this document has been recorded since the call
 * began, by whichever session
 */
static bool
has_come(Ensure *ensure)
{
	Oid			types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(ensure->digest), CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
	TimestampTzGetDatum(ensure->start)};
	Datum		name;

	if (!fetch(ensure, true, "SELECT result FROM schemaguard.ensured WHERE digest = $1 AND role = $2 AND finished_at >= $3",
			   3, types, values, NULL, &ensure->result))
		return false;
	if (ensure->reference == NULL &&
		fetch(ensure, true, "SELECT reference FROM schemaguard.ensured WHERE digest = $1 AND role = $2", 2, types, values, NULL, &name))
	{
		MemoryContext old = MemoryContextSwitchTo(ensure->context);

		ensure->reference = TextDatumGetCString(name);
		MemoryContextSwitchTo(old);
	}
	return true;
}

/* Progress of the working session */
typedef struct Way
{
	int			pid;
	int64		part;			/* when the current part of its work began */
	int64		ended;			/* number of its plan's actions that have
								 * ended since this call began */
	int64		done;			/* objects, keys, blocks or rows of the part
								 * that are done */
} Way;

/* Updates the visible progress; leaves it alone if none is visible */
static void
look(const Ensure *ensure, Way *way)
{
	Oid			types[] = {INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {Int32GetDatum(way->pid), TimestampTzGetDatum(ensure->start)};
	Datum		seen;
	Datum	   *figures;
	int			n;

	if (!fetch(ensure, true, "SELECT ARRAY[(extract(epoch FROM p.started_at) * 1000000)::bigint,"
			   " (SELECT count(*) FROM schemaguard.plan n JOIN schemaguard.audit_log l ON l.plan = n.name"
			   "  WHERE n.id = p.plan_id AND l.at >= $2 AND l.phase <> 'started'),"
			   " coalesce(p.done, 0) + coalesce(p.blocks_done, 0)] FROM schemaguard.sg_progress() p WHERE p.pid = $1 AND p.started_at IS NOT NULL",
			   2, types, values, NULL, &seen))
		return;
	deconstruct_array(DatumGetArrayTypeP(seen), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &figures, NULL, &n);
	way->part = DatumGetInt64(figures[0]);
	way->ended = DatumGetInt64(figures[1]);
	way->done = DatumGetInt64(figures[2]);
}

/*
 * Returns whether the progress has grown, and if so keeps it as the greatest.
 * An attempt to lock a table, and a repeated build, are no progress: they may
 * go on for as long as somebody holds the table.
 */
static bool
is_further(const Way *now, Way *furthest)
{
	if (now->pid == furthest->pid && now->part == furthest->part && now->ended <= furthest->ended &&
		(now->ended < furthest->ended || now->done <= furthest->done))
		return false;
	*furthest = *now;
	return true;
}

/*
 * Returns true when this session has the lock, and false when another one has
 * recorded a result.  Raises 55P03 if the working session has made no progress
 * for schemaguard.ensure_wait.
 */
static bool
get_turn(Ensure *ensure)
{
	Way			furthest = {0};
	TimestampTz moved = ensure->start;

	for (;;)
	{
		bool		locked = sync_lock_database();
		Way			way = furthest;
		bool		come;

		PushActiveSnapshot(GetTransactionSnapshot());
		come = has_come(ensure);
		if (!locked && !come)
		{
			way.pid = sync_holder_pid();
			look(ensure, &way);
		}
		PopActiveSnapshot();
		if (come && locked)
			sync_unlock_database();
		if (come || locked)
			return !come;
		if (is_further(&way, &furthest))
			moved = GetCurrentTimestamp();
		else if (TimestampDifferenceExceeds(moved, GetCurrentTimestamp(), sg_ensure_wait))
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("the session that makes this database what it should be has not moved for schemaguard.ensure_wait"),
					 errdetail("Process %d runs sg_ensure() or sg_sync_apply().", way.pid),
					 errhint("See what that session waits for, then start again:\nSELECT * FROM schemaguard.progress;")));
		commit();
		run_sleep_until(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), POLL_MS));
	}
}

/* ---- the work ---- */

/* Compares within sg_try_undo(), so that the document is not stored */
static void
compare(void *arg)
{
	Ensure	   *ensure = arg;

	if (ensure->document)
		keep_document(ensure);
	check_critical(ensure);
	ensure->before = list(ensure);
}

static void
compose(Ensure *ensure)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, JSONBOID};
	Datum		values[] = {CStringGetTextDatum(ensure->reference), CStringGetTextDatum(ensure->digest),
		CStringGetTextDatum(ensure->check ? "check" : "apply"), ensure->plan ? CStringGetTextDatum(ensure->plan) : 0,
	ensure->before, ensure->after};
	char		nulls[] = {' ', ' ', ' ', ensure->plan ? ' ' : 'n', ' ', ensure->after ? ' ' : 'n', '\0'};

	(void) fetch(ensure, false, "SELECT schemaguard.sg_ensure_result($1, $2, $3, $4, $5, $6)", 6, types, values, nulls, &ensure->result);
}

static void
keep_result(const Ensure *ensure)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID};
	Datum		values[] = {CStringGetTextDatum(ensure->digest), CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
		CStringGetTextDatum(ensure->reference), ensure->plan ? CStringGetTextDatum(ensure->plan) : 0,
	TimestampTzGetDatum(ensure->start), ensure->result};
	char		nulls[] = {' ', ' ', ' ', ensure->plan ? ' ' : 'n', ' ', ' ', '\0'};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.ensured (digest, role, reference, plan, started_at, finished_at, result)"
					 " VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp(), $6)"
					 " ON CONFLICT (digest, role) DO UPDATE SET reference = excluded.reference, plan = excluded.plan,"
					 " started_at = excluded.started_at, finished_at = excluded.finished_at, result = excluded.result",
					 6, types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
}

static bool
has_work(const Ensure *ensure)
{
	Oid			types[] = {JSONBOID};
	Datum		values[] = {ensure->before};
	Datum		work;

	return fetch(ensure, false, "SELECT 'yes'::pg_catalog.text FROM pg_catalog.jsonb_array_elements($1) e (e)"
				 " WHERE NOT e.e OPERATOR(pg_catalog.?) 'reason' LIMIT 1", 1, types, values, NULL, &work);
}

/* Does the work, under the lock */
static void
work(Ensure *ensure, FunctionCallInfo fcinfo)
{
	ensure->worked = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	compare(ensure);
	if (has_work(ensure))
	{
		log_check_backup("sg_ensure");
		PopActiveSnapshot();
		commit();
		ensure->plan = sync_apply_safe(fcinfo, ensure->reference, ensure->context);
		PushActiveSnapshot(GetTransactionSnapshot());
		ensure->after = list(ensure);
	}
	compose(ensure);
	keep_result(ensure);
	PopActiveSnapshot();
	commit();
}

static void
work_in_turn(Ensure *ensure, FunctionCallInfo fcinfo)
{
	if (!get_turn(ensure))
		return;
	PG_TRY();
	{
		work(ensure, fcinfo);
	}
	PG_FINALLY();
	{
		sync_unlock_database();
	}
	PG_END_TRY();
}

/* ---- the call ---- */

/* Raises SG007 if critical objects are missing */
static void
fail_unless_ready(const Ensure *ensure)
{
	Oid			types[] = {JSONBOID};
	Datum		values[] = {ensure->result};
	Datum		missing;

	if (!fetch(ensure, false, "SELECT pg_catalog.left(coalesce(nullif(pg_catalog.concat_ws(E'\\n',"
			   " (SELECT string_agg(pg_catalog.concat(e ->> 'name', ' ', e ->> 'reason'), E'\\n')"
			   "  FROM pg_catalog.jsonb_array_elements($1 -> 'critical') e WHERE e ->> 'result' = 'fail'),"
			   " (SELECT string_agg(pg_catalog.concat(e ->> 'kind', ' ', e ->> 'object', ': ', coalesce(e ->> 'reason', 'is missing')), E'\\n')"
			   "  FROM pg_catalog.jsonb_array_elements(($1 -> 'failed') || ($1 -> 'left_out') || ($1 -> 'todo')) e)), ''), '-'), 2000)"
			   " WHERE $1 ->> 'ready' = 'false'", 1, types, values, NULL, &missing))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_SG_NOT_READY),
			 errmsg("this database is not ready for \"%s\"", ensure->reference),
			 errdetail("%s", TextDatumGetCString(missing)),
			 errhint(sg_calls("What is left, as statements:\nSELECT * FROM sg_sync_sql(%s);"), quote_literal_cstr(ensure->reference))));
}

static void
give_verdict(Ensure *ensure, Datum critical)
{
	Oid			types[] = {JSONBOID, JSONBOID, BOOLOID};
	Datum		values[] = {ensure->result, critical, BoolGetDatum(ensure->worked)};

	(void) fetch(ensure, false, "SELECT schemaguard.sg_ensure_verdict($1, $2, $3)", 3, types, values, critical ? NULL : " n ", &ensure->result);
}

static void
read_arguments(Ensure *ensure, FunctionCallInfo fcinfo)
{
	char	   *mode = sg_arg_text(fcinfo, 2);

	read_reference(ensure, fcinfo);
	if (strcmp(mode, "check") != 0 && strcmp(mode, "apply") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid mode \"%s\"", mode),
				 errhint("A mode is apply, or check, which writes nothing.")));
	ensure->check = strcmp(mode, "check") == 0;
	if (!sg_arg_is_null(fcinfo, 1))
		ensure->critical = sg_text_array_list(PG_GETARG_DATUM(1));
	foreach_oid(schema, fetch_search_path(false))
	{
		char	   *name = get_namespace_name(schema);

		if (name)
			ensure->path = lappend(ensure->path, name);
	}
}

/*
 * sg_ensure(reference anycompatible, critical text[] DEFAULT NULL, mode text
 * DEFAULT 'apply', INOUT result jsonb DEFAULT NULL, fail boolean DEFAULT false)
 *
 * Creates the objects that the reference, a snapshot or the document of one,
 * has and this database lacks, if that removes nothing, by a plan that
 * sg_rollback_fks() takes back; returns what it has made, what it has not and
 * why, and which of the critical tables, columns and keys exist.  One session
 * in a database works at a time; others wait for its result.  Needs the
 * privileges of sg_sync_apply(), and sg_grant(), also in mode "check", which
 * reads what sg_drift() reads, and of a document what sg_snapshot_import()
 * does.  Errors: those of sg_sync_apply(), except that the error of a failed
 * step is in the result; 55P03 the working session makes no progress; 42704 no
 * such snapshot, or critical name; with fail, SG007.
 */
static Datum
ensure_start(PG_FUNCTION_ARGS)
{
	Ensure		ensure = {.start = GetCurrentTimestamp()};
	bool		fail;
	MemoryContext caller;
	TupleDesc	desc;
	Datum		critical;
	bool		isnull = false;

	sg_check_granted(fcinfo);
	sg_check_version();
	ensure.context = AllocSetContextCreate(PortalContext, "schemaguard ensure", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(ensure.context);
	read_arguments(&ensure, fcinfo);
	fail = sg_arg_bool(fcinfo, 4);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	run_check_call(fcinfo, "sg_ensure");

	/*
	 * no code that the document gives to the caller or to a superuser runs in
	 * this call
	 */
	sg_guard_documents();
	run_disarm_statement_timeout();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (ensure.reference)
	{
		find_snapshot(&ensure);
		check_critical(&ensure);
	}
	if (ensure.check)
	{
		ErrorData  *error = ensure.document ? sg_try_undo(compare, &ensure) : NULL;

		if (error)
			ReThrowError(error);
		if (!ensure.document)
			compare(&ensure);
		compose(&ensure);
	}
	PopActiveSnapshot();
	if (!ensure.check)
		work_in_turn(&ensure, fcinfo);
	MemoryContextSwitchTo(ensure.context);
	PushActiveSnapshot(GetTransactionSnapshot());
	critical = judge_critical(&ensure);
	give_verdict(&ensure, critical);
	if (fail)
		fail_unless_ready(&ensure);
	PopActiveSnapshot();
	MemoryContextSwitchTo(caller);

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, &ensure.result, &isnull)));
}

static Datum
sg_ensure_entered(PG_FUNCTION_ARGS)
{
	return sg_enter_alone(ensure_start, fcinfo);
}
