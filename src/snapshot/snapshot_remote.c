/*-------------------------------------------------------------------------
 *
 * snapshot_remote.c
 *	  The snapshot statement, run on another server.
 *
 * A foreign server and the caller's user mapping say where and as whom;
 * dblink connects, found in whatever schema it was installed, and is called
 * with the caller's privileges.  On the other side nothing is installed or
 * written: it is one read-only transaction.
 *
 * Nothing here waits without end.  Every query is sent, and then asked for
 * until it is ready, a deadline has passed or somebody cancels; the other
 * server has a statement_timeout, and notices when we are gone.  However it
 * ends, the connection is closed.
 *
 * Nothing that the other side says is believed: it may be no PostgreSQL at
 * all.  Whatever it gives is checked for null, form, size and number.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/spi.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

#define CONNECTION "schemaguard snapshot"	/* name of the dblink connection */
#define OLDEST_SERVER 120000
#define FETCH_ROWS 5000
#define POLL_MAX_MS 50

/* time to wait for the remote server's error beyond its statement_timeout */
#define GRACE_MS 5000

/* Connection of this backend, one at a time */
typedef struct Remote
{
	const char *server;
	const char *dblink;			/* schema of dblink, quoted */
	bool		connecting;
	bool		answering;		/* an error now is the remote server's */
	TimestampTz deadline;		/* deadline of the running query */
} Remote;

static Remote remote;
static volatile sig_atomic_t connect_timed_out = false;

/* ---- dblink ---- */

/* Returns the schema of dblink; raises 42704 if it is not installed */
static char *
dblink_schema(void)
{
	char	   *schema = NULL;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute("SELECT quote_ident(n.nspname) AS schema FROM pg_extension e"
					" JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink'",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look up dblink");
	if (SPI_processed > 0)
		schema = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "schema");
	SPI_finish();
	sg_scope_end(&scope);

	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"dblink\" is not installed in this database"),
				 errdetail("Snapshots of other servers are taken through dblink."),
				 errhint("Take the snapshot there with docs/snapshot.sql and import it here, or create the extension:\nCREATE EXTENSION dblink;")));

	return schema;
}

/* Returns SELECT columns FROM dblink.function('connection'[, 'argument']) [AS result] */
static char *
call_text(const char *columns, const char *function, const char *argument, const char *result)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s.%s('%s'", columns, remote.dblink, function, CONNECTION);
	if (argument)
		appendStringInfo(&sql, ", %s", quote_literal_cstr(argument));
	appendStringInfo(&sql, ") AS %s", result);

	return sql.data;
}

/* Runs such a call; SPI must be connected */
static uint64
call(const char *columns, const char *function, const char *argument, const char *result)
{
	char	   *sql = call_text(columns, function, argument, result);
	int			rc = SPI_execute(sql, false, 0);

	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s for %s", SPI_result_code_string(rc), function);
	pfree(sql);

	return SPI_processed;
}

static void
disconnect(void *arg)
{
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	(void) call("count(*)", "dblink_disconnect", NULL, "t");
	SPI_finish();
	sg_scope_end(&scope);
}

static void
close_connection(void)
{
	/* close a connection that may be left; an error means that it is gone */
	ErrorData  *edata = sg_try(disconnect, NULL);

	if (edata)
		FreeErrorData(edata);
}

/* ---- time ---- */

static void
connect_timeout_handler(void)
{
	connect_timed_out = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/*
 * Connects within schemaguard.connect_timeout.  Before PostgreSQL 16, libpq
 * obeys that limit itself, in a wait that can't be interrupted; later versions
 * ignore it, and are interrupted by a timer.
 */
static void
connect_there(void)
{
	static bool registered = false;
	static TimeoutId timeout;
	char	   *before = getenv("PGCONNECT_TIMEOUT");

	if (!registered)
	{
		timeout = RegisterTimeout(USER_TIMEOUT, connect_timeout_handler);
		registered = true;
	}
	if (before)
		before = pstrdup(before);

	remote.connecting = true;
	connect_timed_out = false;
	enable_timeout_after(timeout, sg_connect_timeout * 1000 + 500);
	PG_TRY();
	{
		setenv("PGCONNECT_TIMEOUT", psprintf("%d", Max(sg_connect_timeout, 2)), 1);
		(void) call("count(*)", "dblink_connect", remote.server, "t");
		CHECK_FOR_INTERRUPTS();
	}
	PG_FINALLY();
	{
		disable_timeout(timeout, false);
		if (before)
			setenv("PGCONNECT_TIMEOUT", before, 1);
		else
			unsetenv("PGCONNECT_TIMEOUT");
	}
	PG_END_TRY();
	remote.connecting = false;
}

/* Raises 08006 if the remote server has exceeded the deadline */
static void
check_deadline(void)
{
	if (GetCurrentTimestamp() > remote.deadline)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("server \"%s\" did not answer in time", remote.server),
				 errdetail("Nothing came for %d ms.", sg_remote_timeout + GRACE_MS),
				 errhint("Raise schemaguard.remote_timeout if the server is only slow.")));
}

/* Waits until the connection has a result, without blocking in libpq */
static void
await_result(void)
{
	int			ms = 1;

	for (;;)
	{
		bool		isnull;
		bool		busy;

		CHECK_FOR_INTERRUPTS();
		check_deadline();
		(void) call("b", "dblink_is_busy", NULL, "b");
		busy = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) != 0;
		SPI_freetuptable(SPI_tuptable);
		if (!busy)
			return;

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		ms = Min(ms * 2, POLL_MAX_MS);
	}
}

/* ---- queries ---- */

static void
send_query(const char *sql)
{
	remote.deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) sg_remote_timeout + GRACE_MS);
	(void) call("count(*)", "dblink_send_query", sql, "t");
}

/* Fetches the next result of the sent query into SPI_tuptable */
static uint64
next_result(const char *columns)
{
	uint64		rows;

	await_result();
	remote.answering = true;
	rows = call("*", "dblink_get_result", NULL, columns);
	remote.answering = false;

	return rows;
}

/* Runs remote statements that each return one row, or a command tag */
static void
run_there(const char *sql)
{
	send_query(sql);
	while (next_result("t (status text)") > 0)
		SPI_freetuptable(SPI_tuptable);
}

/* Raises 08P01: the remote server's answer is none of PostgreSQL's */
static void
bad_answer(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("server \"%s\" did not give a snapshot: %s", remote.server, what),
			 errhint("See whether the foreign server leads to a PostgreSQL server.")));
}

/* Identifies the server; raises 0A000 if it is too old. */
static void
look_around(SnapshotReader *reader)
{
	HeapTuple	tuple;
	TupleDesc	desc;
	char	   *database;
	int64		version;

	send_query("SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int8, pg_catalog.current_database()");
	if (next_result("t (version bigint, database text)") != 1)
		bad_answer("it did not tell its version in one row");
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	version = sg_spi_int64(tuple, desc, "version");
	database = SPI_getvalue(tuple, desc, 2);
	if (version <= 0 || version > PG_INT32_MAX)
		bad_answer("it told no version");
	if (database == NULL || strlen(database) == 0 || strlen(database) > SNAPSHOT_NAME_BYTES)
		bad_answer("it told no name of its database");
	reader->info.server_version_num = (int) version;
	reader->info.database = MemoryContextStrdup(reader->context, database);
	SPI_freetuptable(SPI_tuptable);
	(void) next_result("t (nothing text)");

	if (reader->info.server_version_num < OLDEST_SERVER)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("server \"%s\" runs PostgreSQL %d", remote.server, reader->info.server_version_num / 10000),
				 errdetail("The snapshot statement needs PostgreSQL %d or later.", OLDEST_SERVER / 10000),
				 errhint("Compare what pg_dump --schema-only writes, or snapshots taken after an upgrade.")));
}

/* Reads the remote database's environment */
static void
look_closer(SnapshotReader *reader, const SnapshotTexts *texts)
{
	bool		allowed;
	bool		isnull;
	MemoryContext old;
	char	   *problem;

	send_query("SELECT count(*) = 0 FROM unnest('{pg_control_system(),pg_current_wal_lsn(),pg_last_wal_replay_lsn(),"
			   "pg_walfile_name(pg_lsn)}'::regprocedure[]) f WHERE NOT has_function_privilege(f, 'EXECUTE')");
	if (next_result("t (allowed bool)") != 1)
		bad_answer("it did not tell what it allows");
	allowed = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull;
	SPI_freetuptable(SPI_tuptable);
	(void) next_result("t (nothing text)");
	if (allowed)
		run_there(texts->system);

	send_query(texts->environment);
	if (next_result("t (environment jsonb)") != 1 ||
		SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) == NULL)
		bad_answer("it did not tell its environment in one row");
	old = MemoryContextSwitchTo(reader->context);
	reader->info.environment =
		DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	MemoryContextSwitchTo(old);
	problem = snapshot_environment_problem(reader->info.environment);
	if (problem)
		bad_answer(problem);
	SPI_freetuptable(SPI_tuptable);
	(void) next_result("t (nothing text)");
}

static uint64
fetch_batch(SnapshotReader *reader)
{
	char	   *sql = call_text("*", "dblink_get_result", NULL,
								"t (kind text, identity text, parent text, properties jsonb, oid oid)");
	SPIPlanPtr	plan = SPI_prepare(sql, 0, NULL);
	uint64		rows;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for dblink_get_result", SPI_result_code_string(SPI_result));
	send_query(psprintf("FETCH %d FROM sg_snapshot", FETCH_ROWS));
	await_result();
	remote.answering = true;
	rows = snapshot_reader_fill(reader, plan, false, true);
	remote.answering = false;
	if (rows > FETCH_ROWS)
		bad_answer("it gave more rows than it was asked for");
	(void) next_result("t (nothing text)");
	SPI_freeplan(plan);
	pfree(sql);

	return rows;
}

static void
read_there(SnapshotReader *reader, SnapshotCare care)
{
	SnapshotTexts texts;
	SgScope		scope;

	snapshot_texts(&texts);
	close_connection();

	sg_caller_begin(&scope);
	SPI_connect();
	connect_there();
	look_around(reader);
	run_there(psprintf("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;"
					   "SET LOCAL statement_timeout = %d;"
					   "SELECT pg_catalog.count(pg_catalog.set_config(name, '1s', true)) FROM pg_catalog.pg_settings"
					   " WHERE name = 'client_connection_check_interval';"
					   "%s%s;", sg_remote_timeout, texts.prologue, snapshot_settings(&reader->info, care)));
	look_closer(reader, &texts);
	if (care == SNAPSHOT_PROBE)
		run_there(texts.probe);
	run_there(psprintf("DECLARE sg_snapshot NO SCROLL CURSOR FOR %s", texts.statement));
	while (fetch_batch(reader) > 0)
		CHECK_FOR_INTERRUPTS();
	SPI_finish();
	sg_scope_end(&scope);
}

static void
read_remote(void *arg)
{
	snapshot_attempts((SnapshotReader *) arg, read_there);
}

/*
 * Returns whether an error means that the remote statement or server has ended,
 * not that this session was cancelled
 */
static bool
is_remote_end(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_QUERY_CANCELED ||
		edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
		edata->sqlerrcode == ERRCODE_CRASH_SHUTDOWN;
}

/* Raises the error in terms of the foreign server */
static void
report_error(ErrorData *edata)
{
	if (remote.connecting && connect_timed_out && edata->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not connect to server \"%s\" within %d s", remote.server, sg_connect_timeout),
				 errhint("See whether it runs and can be reached; schemaguard.connect_timeout is the limit.")));
	if (remote.connecting && edata->sqlerrcode == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION)
		ereport(ERROR,
				(errcode(edata->sqlerrcode),
				 errmsg("could not connect to server \"%s\"", remote.server),
				 edata->detail ? errdetail_internal("%s", edata->detail) : 0,
				 errhint("See the options of the foreign server and of your user mapping.")));
	if (remote.answering && !sg_is_cancel(edata))
		ereport(ERROR,
				(errcode(is_remote_end(edata) ? ERRCODE_CONNECTION_FAILURE : edata->sqlerrcode),
				 errmsg("server \"%s\" did not give a snapshot: %s", remote.server, sg_error_message(edata)),
				 edata->sqlerrcode == ERRCODE_QUERY_CANCELED ?
				 errhint("Raise schemaguard.remote_timeout if the server is only slow.") : 0));
	ReThrowError(edata);
}

static void
check_server(const char *server)
{
	if (GetForeignServerByName(server, true) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("foreign server \"%s\" does not exist", server),
				 errhint("CREATE SERVER makes one, of dblink_fdw, and CREATE USER MAPPING lets you in. These are there:\nSELECT srvname FROM pg_foreign_server ORDER BY 1;")));
}

/*
 * Fills the reader with the objects of the database that info->server leads to.
 * Raises 42704 for a missing foreign server or dblink, 08001 if it can't be
 * reached, 08006 if it is too slow, 08P01 if its answer is not a snapshot,
 * 0A000 if it is too old, 42501 without USAGE on the server, and the remote
 * server's errors.
 */
void
snapshot_read_remote(SnapshotReader *reader)
{
	ErrorData  *edata;

	check_server(reader->info.server);
	memset(&remote, 0, sizeof(remote));
	remote.server = reader->info.server;
	remote.dblink = dblink_schema();
	reader->info.taken_at = GetCurrentTimestamp();
	reader->info.role = GetUserNameFromId(GetUserId(), false);

	edata = sg_try_undo(read_remote, reader);
	close_connection();
	if (edata)
		report_error(edata);
	snapshot_reader_finish(reader);
}

/* ---- a session there, for others ---- */

/*
 * Changes the foreign server's database in a subtransaction that is rolled
 * back, because dblink takes its parameters from the foreign server.  Who may
 * connect, and as whom, stays the same.
 */
static void
lead_to(const char *database)
{
	AlterForeignServerStmt *statement = makeNode(AlterForeignServerStmt);
	bool		given = false;
	SgScope		scope;

	foreach_ptr(DefElem, option, GetForeignServerByName(remote.server, false)->options)
	{
		given = given || strcmp(option->defname, "dbname") == 0;
	}
	statement->servername = pstrdup(remote.server);
	statement->options = list_make1(makeDefElemExtended(NULL, "dbname", (Node *) makeString(pstrdup(database)),
														given ? DEFELEM_SET : DEFELEM_ADD, -1));
	sg_owner_begin(&scope);
	(void) AlterForeignServer(statement);
	sg_scope_end(&scope);
	CommandCounterIncrement();
}

static void
connect_to(void *database)
{
	SgScope		scope;

	if (database)
		lead_to(database);
	sg_caller_begin(&scope);
	SPI_connect();
	connect_there();
	SPI_finish();
	sg_scope_end(&scope);
}

void
snapshot_remote_open(const char *server, const char *database)
{
	ErrorData  *edata;

	check_server(server);
	memset(&remote, 0, sizeof(remote));
	remote.server = MemoryContextStrdup(TopMemoryContext, server);
	remote.dblink = MemoryContextStrdup(TopMemoryContext, dblink_schema());
	close_connection();
	edata = sg_try_undo(connect_to, unconstify(char *, database));
	if (edata)
		report_error(edata);
}

void
snapshot_remote_close(void)
{
	close_connection();
}

List *
snapshot_remote_run(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *rows = NIL;
	uint64		n;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	/* drop the results behind an error */
	remote.deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) sg_remote_timeout + GRACE_MS);
	while (next_result("t (line text)") > 0)
		SPI_freetuptable(SPI_tuptable);
	send_query(sql);
	while ((n = next_result("t (line text)")) > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		rows = NIL;
		for (uint64 i = 0; i < n; i++)
			rows = lappend(rows, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		MemoryContextSwitchTo(old);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return rows;
}

char *
snapshot_remote_ask(const char *sql)
{
	List	   *rows = snapshot_remote_run(sql);

	if (list_length(rows) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("server \"%s\" gave %d rows to a question that has one answer", remote.server, list_length(rows)),
				 errhint("See whether the foreign server leads to a PostgreSQL server whose catalogs are as they were made.")));
	return linitial(rows);
}
