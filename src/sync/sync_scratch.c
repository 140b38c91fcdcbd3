/*-------------------------------------------------------------------------
 *
 * sync_scratch.c
 *	  A scratch database: created, used by workers, dropped.
 *
 *	  CREATE DATABASE and DROP DATABASE run in a worker, at top level.  The
 *	  name is in schemaguard.scratch before the database exists, and the
 *	  session holds a lock on the name as long as it has the database: a name
 *	  without a lock is the leftover of a killed session, and is removed by
 *	  the next call of a role that may drop the database.  A session has one
 *	  scratch database at a time.  Only superusers and workers can connect to
 *	  it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/args.h"
#include "base/body.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan_lock.h"
#include "snapshot/snapshot.h"
#include "sync/sync_scratch.h"
#include "worker/worker.h"

SG_FUNCTION(sg_sync_check);
SG_FUNCTION(sg_snapshot_from_files);
SG_FUNCTION(sg_scratch_open);
SG_FUNCTION(sg_scratch_run);
SG_FUNCTION(sg_scratch_ask);
SG_FUNCTION(sg_scratch_close);

PGDLLEXPORT void sync_scratch_main(void *argument);

#define LOOK_MS 200

/*
 * Longest time without progress: DROP DATABASE waits for an answer of every
 * process of the server, which a stopped process does not give
 */
#define LONGEST_SILENCE_MS 10000

/* Longest time that a statement of a file may run on after its timeout, which its code can catch */
#define LONGEST_CATCH_MS 2000

/* Deed of a worker in this database */
typedef enum ScratchDeed
{
	SCRATCH_CREATE,
	SCRATCH_RECORD,				/* record a scratch database on another server */
	SCRATCH_DROP,
	SCRATCH_FORGET
} ScratchDeed;

typedef struct ScratchJob
{
	ScratchDeed deed;
	char		name[NAMEDATALEN];
	char		server[NAMEDATALEN];	/* empty: here */
	char		options[FLEXIBLE_ARRAY_MEMBER]; /* options of CREATE DATABASE */
} ScratchJob;

/* Scratch database of this session; without a name there is none, without a server it is local */
static char current[NAMEDATALEN];
static char current_server[NAMEDATALEN];
static bool recorded;			/* a row of schemaguard.scratch may exist, and
								 * a database to drop */

/* True while sg_sync_check() runs: the functions that it calls refuse any other caller */
static bool checking;
static bool replaying;			/* and that for sg_snapshot_from_files() */

/* ---- its name ---- */

static bool
take_name(const char *name)
{
	return plan_lock(PLAN_LOCK_SCRATCH, DatabaseRelationId, hash_bytes((const unsigned char *) name, strlen(name)), true);
}

static void
give_name(const char *name)
{
	plan_unlock(PLAN_LOCK_SCRATCH, DatabaseRelationId, hash_bytes((const unsigned char *) name, strlen(name)));
}

/* ---- in a worker here ---- */

static void
record(void *arg)
{
	const ScratchJob *job = arg;
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(job->name), CStringGetTextDatum(job->server),
	CStringGetTextDatum(GetUserNameFromId(GetUserId(), false))};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_INSERT, "INSERT INTO schemaguard.scratch (name, server, role) VALUES ($1, nullif($2, ''), $3)",
							lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

static void
forget(void *name)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.scratch WHERE name = $1", 1, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Takes the recorded names, of this server or another one, that no session has
 * locked, and whose databases this role may drop or do not exist; returns them.
 */
static List *
take_leftovers(const char *server)
{
	List	   *names = NIL;
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(GetUserId()), CStringGetTextDatum(server)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_SELECT,
							"SELECT s.name FROM schemaguard.scratch s LEFT JOIN pg_database d ON d.datname = s.name"
							" WHERE coalesce(s.server, '') = $2 AND (s.server IS NOT NULL OR d.oid IS NULL OR pg_has_role($1, d.datdba, 'USAGE'))",
							lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(context);

		if (take_name(name))
			names = lappend(names, pstrdup(name));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return names;
}

static void
take_leftovers_here(void *names)
{
	*(List **) names = take_leftovers("");
}

static void
check(ErrorData *error)
{
	if (error)
		ReThrowError(error);
}

/*
 * Drops the database, without FORCE if that is refused: the role cannot
 * terminate a background process of the server that connects, but DROP waits
 * for it.
 */
static ErrorData *
drop_database(char *name)
{
	ErrorData  *error = worker_execute(psprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", quote_identifier(name)));

	if (error && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		error = worker_execute(psprintf("DROP DATABASE IF EXISTS %s", quote_identifier(name)));
	return error ? error : worker_try(forget, name);
}

static void
drop_leftovers(void)
{
	List	   *names = NIL;

	check(worker_try(take_leftovers_here, &names));
	foreach_ptr(char, name, names)
	{
		ErrorData  *error = drop_database(name);

		give_name(name);
		/* one that cannot be dropped holds up no other call */
		if (error)
			sg_rethrow_cancel(error);
		if (error)
			ereport(WARNING,
					(errmsg("scratch database \"%s\" could not be dropped: %s", name, sg_error_message(error))));
	}
}

/* Returns CREATE DATABASE; the connection limit counts a client's connections, not a worker's */
static char *
create_text(const char *name, int connections, const char *options)
{
	return psprintf("CREATE DATABASE %s TEMPLATE template0 CONNECTION LIMIT %d %s", quote_identifier(name), connections, options);
}

void
sync_scratch_main(void *argument)
{
	ScratchJob *job = argument;

	if (job->deed == SCRATCH_CREATE)
		drop_leftovers();
	if (job->deed == SCRATCH_CREATE || job->deed == SCRATCH_RECORD)
		check(worker_try(record, job));
	if (job->deed == SCRATCH_CREATE)
		check(worker_execute(create_text(job->name, 0, job->options)));
	else if (job->deed == SCRATCH_DROP)
		check(drop_database(job->name));
	else if (job->deed == SCRATCH_FORGET)
		check(worker_try(forget, job->name));
}

/* ---- the leader ---- */

/* Returns whether the worker waits until each process of the server has closed the database's files */
static bool
waits_for_all(const WorkerPool *pool)
{
	int			pid = worker_pool_pid(pool, 0);
	PGPROC	   *proc = pid ? BackendPidGetProc(pid) : NULL;

	return proc && proc->wait_event_info == WAIT_EVENT_PROC_SIGNAL_BARRIER;
}

/*
 * Returns the failure of the statement of a file that is running, in the form of
 * the script's output, if it goes on after its timeout; else NULL
 */
static char *
unending_statement(SyncScript *script, uint32 *reached, TimestampTz *since)
{
	uint32		done = pg_atomic_read_u32(&script->done);
	TimestampTz now = GetCurrentTimestamp();

	if (*since == 0 || done != *reached || pg_atomic_read_u32(&script->begun) == done)
		*since = now;
	*reached = done;
	if (!TimestampDifferenceExceeds(*since, now, sg_remote_timeout + LONGEST_CATCH_MS))
		return NULL;
	return psprintf("!%u %s %s", done, unpack_sql_state(ERRCODE_QUERY_CANCELED), "the statement went on after its timeout");
}

/* Runs one worker from its start to its end; returns its output */
static List *
run_worker(Oid database, const char *function, const void *argument, Size size, int64 total)
{
	WorkerPool *pool;
	List	   *sent = NIL;
	char	   *unending = NULL;

	sg_progress_begin(SG_PROGRESS_SYNC, 0, total);
	sg_progress_phase(SG_PHASE_WORKING);
	pool = worker_pool_start_in(database, function, argument, size, 1);
	PG_TRY();
	{
		ErrorData  *error;
		int			silence = 0;
		uint32		reached = 0;
		TimestampTz since = 0;

		if (worker_pool_started(pool) == 0 && worker_pool_error(pool) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("no background worker could be started"),
					 errdetail("CREATE DATABASE and what follows need one at a time."),
					 errhint("Raise max_worker_processes, or call again when fewer workers run.")));
		while (unending == NULL && !worker_pool_wait(pool, LOOK_MS))
		{
			SyncScript *script = total > 0 ? worker_pool_argument(pool) : NULL;

			silence = waits_for_all(pool) ? silence + LOOK_MS : 0;
			if (silence > LONGEST_SILENCE_MS)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_IN_USE),
						 errmsg("another process of this server does not answer, so it may have files of the database open")));
			if (script)
			{
				sg_progress_done(pg_atomic_read_u32(&script->done), 0);
				unending = unending_statement(script, &reached, &since);
			}
		}
		sg_progress_end();
		error = unending ? NULL : worker_pool_error(pool);
		if (error)
		{
			/* a FATAL error of the worker must not end this session */
			error->elevel = ERROR;
			ThrowErrorData(error);
		}
		foreach_ptr(const char, text, worker_pool_sent(pool))
			sent = lappend(sent, pstrdup(text));
		if (unending)
			sent = lappend(sent, unending);
	}
	PG_FINALLY();
	{
		worker_pool_stop(pool);
		worker_pool_free(pool);
	}
	PG_END_TRY();
	return sent;
}

static void
run_job(ScratchDeed deed, const char *name, const char *options)
{
	Size		size = offsetof(ScratchJob, options) + strlen(options) + 1;
	ScratchJob *job = palloc0(size);

	job->deed = deed;
	strlcpy(job->name, name, NAMEDATALEN);
	strlcpy(job->server, current_server, NAMEDATALEN);
	strcpy(job->options, options);
	(void) run_worker(MyDatabaseId, "sync_scratch_main", job, size, 0);
}

/* ---- on another server ---- */

static void
drop_there(const char *name)
{
	(void) snapshot_remote_run(psprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", quote_identifier(name)));
	run_job(SCRATCH_FORGET, name, "");
}

/*
 * Raises an error if the other server, or the role there, is unsuitable: before
 * 15, a standby, a superuser, or without CREATEDB
 */
static void
check_there(void)
{
	static const char *const ask =
		"SELECT CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 150000 THEN 'runs PostgreSQL before 15'"
		" WHEN pg_catalog.pg_is_in_recovery() THEN 'is a standby' WHEN r.rolsuper THEN 'lets you in as a superuser'"
		" WHEN NOT r.rolcreatedb THEN 'lets you in as a role without CREATEDB' END"
		" FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER";
	const char *trouble = snapshot_remote_ask(ask);

	if (trouble)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("server \"%s\" can't have a scratch database: it %s", current_server, trouble),
				 errhint("Your user mapping has to lead to a role with CREATEDB that is no superuser, on a primary of PostgreSQL 15 or later.")));
}

static void
make_there(const char *options)
{
	snapshot_remote_open(current_server, NULL);
	check_there();
	foreach_ptr(char, name, take_leftovers(current_server))
	{
		drop_there(name);
		give_name(name);
	}
	run_job(SCRATCH_RECORD, current, "");
	recorded = true;
	(void) snapshot_remote_run(create_text(current, 1, options));
	snapshot_remote_open(current_server, current);
	(void) snapshot_remote_run(psprintf("SET search_path = pg_catalog, pg_temp; SET check_function_bodies = off; SET default_tablespace = '';"
										"SET client_min_messages = error; SET standard_conforming_strings = on; SET statement_timeout = %d", sg_remote_timeout));
}

/* ---- both ---- */

static void
make_current(void *options)
{
	recorded = current_server[0] == '\0';
	if (recorded)
		run_job(SCRATCH_CREATE, current, options);
	else
		make_there(options);
}

static void
drop_current(void *arg)
{
	if (current_server[0] == '\0')
	{
		run_job(SCRATCH_DROP, current, "");
		return;
	}
	if (recorded)
	{
		snapshot_remote_open(current_server, NULL);
		drop_there(current);
	}
	snapshot_remote_close();
}

/* Drops the scratch database; errors become warnings, so that they do not hide the reason of the call */
static void
close_scratch(void)
{
	ErrorData  *error = sg_try(drop_current, NULL);
	char	   *name = pstrdup(current);

	give_name(current);
	current[0] = '\0';
	if (error == NULL)
		return;
	if (sg_is_cancel(error))
		ReThrowError(error);
	ereport(WARNING,
			(errmsg("scratch database \"%s\" could not be dropped: %s", name, sg_error_message(error)),
			 errhint("The next check tries again. Or:\nDROP DATABASE %s;", quote_identifier(name))));
}

/* Checks the privileges and settings, before anything is done */
static void
check_caller(FunctionCallInfo fcinfo, const char *function, bool here)
{
	sg_check_granted(fcinfo);
	sg_check_writable(function);
	if (here && !have_createdb_privilege())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to create a scratch database"),
				 errdetail("Role \"%s\" lacks CREATEDB.", GetUserNameFromId(GetUserId(), false)),
				 errhint("Call as a role that has it, or have a superuser grant it:\nALTER ROLE %s CREATEDB;",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/* Raises 42501 unless sg_sync_check() is the caller, however many functions are between */
static void
check_called_by_check(const char *function)
{
	sg_check_version();
	if (!checking)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s is a part of sg_sync_check()", function),
				 errhint("Leave it to that function.")));
}

/*
 * sg_sync_check(reference text, target text DEFAULT 'live', schemas text[]
 * DEFAULT NULL, allow_drop boolean DEFAULT false, partitions boolean DEFAULT
 * false, server text DEFAULT NULL, renames text DEFAULT 'ask')
 *
 * Returns the rows of sg_drift() between the reference and the result of
 * sg_sync_sql()'s script on the target's structure in a scratch database, each
 * with whether the script leaves it out on purpose.  Raises errors of
 * sg_drift() and sg_scratch_open(); 55000 if the script would not begin.
 */
static Datum
sync_check(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, BOOLOID, BOOLOID, TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	SgRowSink	sink;
	SgScope		scope;

	sg_check_version();
	check_caller(fcinfo, "sg_sync_check", sg_arg_is_null(fcinfo, 5));
	for (int i = 0; i < lengthof(types); i++)
	{
		if (types[i] != TEXTARRAYOID && i != 5)
			sg_arg_check(fcinfo, i);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = sg_arg_is_null(fcinfo, i) ? 'n' : ' ';
	}
	if (checking)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("sg_sync_check() runs in this session already")));
	if (sg_arg_is_null(fcinfo, 5))
		ereport(NOTICE,
				(errmsg("sg_sync_check() ends with a checkpoint of the whole server"),
				 errhint("The scratch database is dropped with one. Where that weighs, name another server.")));

	sg_sink_begin(&sink, fcinfo);
	sg_caller_begin(&scope);
	sg_scope_set("row_security", "on");
	SPI_connect();
	checking = true;
	PG_TRY();
	{
		if (SPI_execute_with_args("SELECT * FROM schemaguard.sg_sync_rows($1, $2, $3, $4, $5, $6, $7)",
								  lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
			elog(ERROR, "a script could not be checked");
	}
	PG_FINALLY();
	{
		checking = false;
	}
	PG_END_TRY();
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		for (int column = 1; column < 10; column++)
			sg_sink_text(&sink, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column));
		sg_sink_bool(&sink, sg_spi_bool(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, "left_out"));
		sg_sink_emit(&sink);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return (Datum) 0;
}

static Datum
sg_sync_check_entered(PG_FUNCTION_ARGS)
{
	return sg_enter_alone(sync_check, fcinfo);
}

/*
 * sg_snapshot_from_files(name text, paths text[], contents text[], tool text
 * DEFAULT 'psql', placeholders jsonb DEFAULT NULL, data text DEFAULT 'run')
 *
 * Runs files of migrations in a scratch database, and stores its objects as a
 * snapshot; returns their number.  Raises errors of sg_scratch_open() and of
 * sg_snapshot_import(); 22023 for arguments; the SQLSTATE of a statement that
 * fails, with its file and line.
 */
static Datum
snapshot_from_files(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, JSONBOID, TEXTOID};
	char		nulls[lengthof(types)];
	Datum		values[lengthof(types)];
	int64		objects = 0;
	bool		isnull;
	SgScope		scope;

	sg_check_version();
	check_caller(fcinfo, "sg_snapshot_from_files", true);
	for (int i = 0; i < lengthof(types); i++)
	{
		if (i != 4)
			sg_arg_check(fcinfo, i);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = sg_arg_is_null(fcinfo, i) ? 'n' : ' ';
	}
	if (checking)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("this session uses a scratch database already")));
	sg_caller_begin(&scope);
	sg_scope_set("row_security", "on");
	SPI_connect();
	checking = replaying = true;
	PG_TRY();
	{
		if (SPI_execute_with_args("SELECT schemaguard.sg_replay($1, $2, $3, $4, $5, $6)", lengthof(types), types, values, nulls, false, 0)
			!= SPI_OK_SELECT || SPI_processed != 1)
			elog(ERROR, "files could not be replayed");
		objects = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	}
	PG_FINALLY();
	{
		checking = replaying = false;
	}
	PG_END_TRY();
	SPI_finish();
	sg_scope_end(&scope);
	PG_RETURN_INT64(objects);
}

static Datum
sg_snapshot_from_files_entered(PG_FUNCTION_ARGS)
{
	return sg_enter_alone(snapshot_from_files, fcinfo);
}

/*
 * schemaguard.sg_scratch_open(options text, server text)
 *
 * Drops databases that killed sessions have left, then creates this session's
 * scratch database.  Raises 42501 outside of sg_sync_check() and without the
 * grant or CREATEDB, 25006, 53400 if no worker can be started, and errors of
 * CREATE DATABASE.
 */
static Datum
sg_scratch_open_entered(PG_FUNCTION_ARGS)
{
	char	   *options;
	char	   *server;
	uint64		random;
	ErrorData  *error;

	check_called_by_check("schemaguard.sg_scratch_open()");
	options = sg_arg_text(fcinfo, 0);
	server = sg_arg_optional_text(fcinfo, 1);
	check_caller(fcinfo, "sg_sync_check", server == NULL);
	if (current[0])
		close_scratch();
	if (!pg_strong_random(&random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	snprintf(current, NAMEDATALEN, "_sg_scratch_%016llx", (unsigned long long) random);
	strlcpy(current_server, server ? server : "", NAMEDATALEN);
	if (!take_name(current))
		elog(ERROR, "the name \"%s\" is taken", current);
	error = sg_try(make_current, options);
	if (error)
	{
		close_scratch();
		ReThrowError(error);
	}
	PG_RETURN_VOID();
}

/*
 * schemaguard.sg_scratch_run(steps jsonb, strict boolean, query text)
 *
 * Runs steps in this session's scratch database: objects with section, object,
 * what, statement, step, and optionally guard, before, after, check and
 * checked, all texts.  Returns the errors of steps, each with its number from 0
 * on, then the result of the query there.
 */
static Datum
sg_scratch_run_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	Jsonb	   *steps;
	char	   *text;
	char	   *snapshot;
	Size		size;
	SyncScript *script;
	List	   *lines;

	check_called_by_check("schemaguard.sg_scratch_run()");
	sg_arg_check(fcinfo, 0);
	steps = PG_GETARG_JSONB_P(0);
	text = JsonbToCString(NULL, &steps->root, VARSIZE(steps));

	snapshot = sg_arg_text(fcinfo, 2);
	if (current[0] == '\0' || !JB_ROOT_IS_ARRAY(steps))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no scratch database, or nothing to be done"),
				 errhint("Leave it to that function.")));
	size = offsetof(SyncScript, steps) + strlen(text) + 1 + strlen(snapshot) + 1;
	script = MemoryContextAllocHuge(CurrentMemoryContext, size);
	memset(script, 0, offsetof(SyncScript, steps));
	pg_atomic_init_u32(&script->done, 0);
	pg_atomic_init_u32(&script->begun, 0);
	script->encoding = GetDatabaseEncoding();
	script->strict = sg_arg_bool(fcinfo, 1);
	script->files = replaying;
	script->snapshot = offsetof(SyncScript, steps) + strlen(text) + 1;
	strcpy(script->steps, text);
	strcpy((char *) script + script->snapshot, snapshot);

	sg_sink_begin(&sink, fcinfo);
	lines = current_server[0] ? sync_script_run_there(script) :
		run_worker(get_database_oid(current, false), "sync_script_main", script, size, JB_ROOT_COUNT(steps));
	foreach_ptr(const char, line, lines)
	{
		/* a statement of a file that was left out has a negative number */
		if (*line == ' ')
			sg_sink_null(&sink);
		else
			sg_sink_int32(&sink, *line == '!' ? atoi(line + 1) : -1 - atoi(line + 1));
		sg_sink_text(&sink, *line == ' ' ? line + 1 : strchr(line, ' ') + 1);
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}

/*
 * schemaguard.sg_scratch_ask(query text)
 *
 * Returns the result of a query for one text on the server of the scratch
 * database
 */
static Datum
sg_scratch_ask_entered(PG_FUNCTION_ARGS)
{
	char	   *query;
	char	   *answer = NULL;

	check_called_by_check("schemaguard.sg_scratch_ask()");
	query = sg_arg_text(fcinfo, 0);
	if (current[0] && current_server[0])
		answer = snapshot_remote_ask(query);
	else
	{
		MemoryContext context = CurrentMemoryContext;

		SPI_connect();
		if (SPI_execute(query, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
			answer = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (answer)
			answer = MemoryContextStrdup(context, answer);
		SPI_finish();
	}
	if (answer == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(answer));
}

/* schemaguard.sg_scratch_close() Drops this session's scratch database, if it has one */
static Datum
sg_scratch_close_entered(PG_FUNCTION_ARGS)
{
	check_called_by_check("schemaguard.sg_scratch_close()");
	if (current[0])
		close_scratch();
	PG_RETURN_VOID();
}
