/*-------------------------------------------------------------------------
 *
 * check_server.c
 *	  The state of the server, and of the plan as a whole (step 0).
 *
 *	  The server's views show what a role may see; sessions of other roles
 *	  appear without their times.  These are counted, so that nobody takes
 *	  silence for "all right".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "base/calls.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/tablespace.h"
#include "commands/trigger.h"
#include "catalog/pg_type.h"
#include "common/relpath.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker_internals.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/spi.h"
#include "check/check.h"
#include "log/log_backup.h"
#include "plan/plan_lock.h"

#define LONG_SECONDS 60

/*
 * Returns the age in seconds from which a transaction is long: a shorter one
 * blocks only for a moment, and attempts to lock outlast it.
 */
double
check_long_seconds(void)
{
	return Min(LONG_SECONDS, sg_lock_budget / 1000.0);
}

/* Returns a setting as a number, in its own unit; 0 if this server does not have it */
static double
setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value ? strtod(value, NULL) : 0;
}

static char *
me(void)
{
	return pstrdup(quote_identifier(GetUserNameFromId(GetUserId(), false)));
}

/* Runs a query as the caller, and calls a function for each row */
static uint64
each_row(const char *query, int nargs, Oid *types, Datum *values,
		 void (*handle) (HeapTuple row, TupleDesc desc, void *arg), void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	SgScope		scope;
	uint64		n;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(query, nargs, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the state of the server");
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		handle(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, arg);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return n;
}

/* ---- facts that steps need ---- */

static void
read_holder(HeapTuple row, TupleDesc desc, void *arg)
{
	PlanCheck  *check = arg;
	LockHolder *holder = palloc0(sizeof(LockHolder));
	PGPROC	   *proc;

	holder->relid = (Oid) sg_spi_int64(row, desc, "relation");
	holder->pid = (int) sg_spi_int64(row, desc, "pid");
	holder->gid = sg_spi_text(row, desc, "gid");
	holder->mode = sg_spi_text(row, desc, "mode");
	for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
	{
		if (strcmp(GetLockmodeName(DEFAULT_LOCKMETHOD, mode), holder->mode) == 0)
			holder->lock = mode;
	}
	holder->seconds = sg_spi_int64(row, desc, "seconds");
	proc = holder->pid ? BackendPidGetProc(holder->pid) : NULL;
	holder->wraparound = proc && (proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND);
	holder->autovacuum = proc && (proc->statusFlags & PROC_IS_AUTOVACUUM);
	check->holders = lappend(check->holders, holder);
}

/* Reads the holders of locks on tables */
static void
read_holders(PlanCheck *check)
{
	static const char *query =
		"SELECT l.relation::int8 AS relation, l.pid, x.gid, l.mode,"
		"       coalesce(extract(epoch FROM clock_timestamp() - coalesce(x.prepared, a.xact_start))::int8, -1) AS seconds"
		" FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
		"   LEFT JOIN pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid'"
		"     AND t.virtualtransaction = l.virtualtransaction"
		"   LEFT JOIN pg_prepared_xacts x ON x.transaction = t.transactionid"
		" WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()"
		"   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" ORDER BY l.relation, l.pid, l.mode";

	(void) each_row(query, 0, NULL, NULL, read_holder, check);
}

static void
read_published(HeapTuple row, TupleDesc desc, void *arg)
{
	PlanCheck  *check = arg;
	PublishedTable *published = palloc0(sizeof(PublishedTable));

	published->relid = (Oid) sg_spi_int64(row, desc, "relid");
	published->publication = sg_spi_text(row, desc, "pubname");
	published->updates = sg_spi_bool(row, desc, "pubupdate");
	published->deletes = sg_spi_bool(row, desc, "pubdelete");
	published->sends = sg_spi_text(row, desc, "sends");
	published->columns = sg_spi_text(row, desc, "columns");
	published->filter = sg_spi_text(row, desc, "rowfilter");
	check->published = lappend(check->published, published);
}

/* The view opens the tables, which another session may have locked */
void
check_read_published(void *arg)
{
	PlanCheck  *check = arg;

	check->published = NIL;
	(void) each_row("SELECT c.oid::int8 AS relid, p.pubname::text AS pubname, p.pubupdate, p.pubdelete, t.rowfilter,"
					" concat_ws(', ', CASE WHEN p.pubinsert THEN 'INSERT' END, CASE WHEN p.pubtruncate THEN 'TRUNCATE' END) AS sends,"
					" (SELECT string_agg(quote_ident(a), ', ') FROM unnest(t.attnames) a) AS columns"
					" FROM pg_publication p JOIN pg_publication_tables t ON t.pubname = p.pubname"
					"   JOIN pg_namespace n ON n.nspname = t.schemaname"
					"   JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
					" ORDER BY NOT (p.pubupdate AND p.pubdelete), p.pubname, c.oid",
					0, NULL, NULL, read_published, check);
}

void
check_server_read(PlanCheck *check)
{
	ErrorData  *edata;

	read_holders(check);
	edata = check_try(check_read_published, check);
	if (edata)
		check->unpublished_reason = sg_error_message(edata);
}

/* ---- disk ---- */

/*
 * Returns whether pg_tablespace_size() would be allowed: with CREATE on it,
 * which all roles have for the database's own
 */
static bool
may_see_tablespace(Oid tablespace)
{
	return tablespace == MyDatabaseTableSpace ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		object_aclcheck(TableSpaceRelationId, tablespace, GetUserId(), ACL_CREATE) == ACLCHECK_OK;
}

double
check_free_space(Oid tablespace, char **reason)
{
	double		available;

	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	if (!may_see_tablespace(tablespace))
	{
		*reason = psprintf("role %s has no CREATE on the tablespace", me());
		return -1;
	}
	available = sg_disk_free(sg_disk_directory(tablespace));
	if (available < 0)
		*reason = psprintf("the file system did not say: %s", strerror(errno));
	return available;
}

/*
 * Reports the plan's WAL against the free space of pg_wal, plus the growth of
 * tables if that shares the file system; privileges as for pg_ls_waldir().
 */
static void
check_wal(PlanCheck *check, const CheckWrites *all, bool shared)
{
	bool		may_see = has_privs_of_role(GetUserId(), ROLE_PG_MONITOR);
	double		available = may_see ? sg_disk_free(psprintf("%s/pg_wal", DataDir)) : -1;
	CheckWrites told = {.wal = all->wal,.most = all->most,.triggers = all->triggers,.unknown = all->unknown,.unsized = all->unsized};
	char	   *text;

	if (shared)
		told = *all;
	text = psprintf("%s %s", check->plan->chosen ? "these steps write" : "the plan writes", check_writes_text(&told));

	if (available < 0)
		check_row(&check->server, "disk", CHECK_WARN,
				  psprintf("%s; how much is free is not known: %s", text, may_see ? strerror(errno) : "only pg_monitor may see it"),
				  may_see ? "Look at the file system that holds pg_wal." :
				  psprintf("To see it:\nGRANT pg_monitor TO %s;", me()));
	else if (told.wal + told.growth + told.temp > available)
		check_row(&check->server, "disk", CHECK_WARN, psprintf("%s; %s are free", text, check_bytes(available)),
				  "Make room where pg_wal is, or run the plan in parts, and between them:\nCHECKPOINT;");
	else if (all->uncounted)
		check_row(&check->server, "disk", CHECK_WARN, psprintf("%s; %s are free", text, check_bytes(available)),
				  psprintf(sg_calls("Have the rows counted:\nSELECT * FROM sg_plan_check(%s, verify => 'full');"), quote_literal_cstr(check->plan->name)));
	else
		check_row(&check->server, "disk", CHECK_OK, psprintf("%s; %s are free", text, check_bytes(available)), NULL);
}

/* Returns "tablespace ta", for messages */
static char *
tablespace_text(Oid tablespace)
{
	char	   *name = get_tablespace_name(tablespace);

	return psprintf("tablespace %s", name ? quote_identifier(name) : psprintf("%u", tablespace));
}

/*
 * Reports the growth in a tablespace other than the database's own, and whether
 * it falls below the floor
 */
static void
check_place(PlanCheck *check, const CheckGrowth *growth)
{
	SgDiskUse	use = {.tablespace = growth->tablespace,.tables = growth->bytes};
	char	   *reason = NULL;
	double		available = check_free_space(growth->tablespace, &reason);
	char	   *low = sg_disk_low_after(&use);
	char	   *text = psprintf("%s gets %s of tables and indexes", tablespace_text(growth->tablespace), check_bytes(growth->bytes));

	if (available < 0)
		check_row(&check->server, "disk", CHECK_WARN, psprintf("%s; how much is free is not known: %s", text, reason),
				  psprintf("To see it:\nGRANT pg_read_all_stats TO %s;", me()));
	else if (low || growth->bytes > available)
		check_row(&check->server, "disk", CHECK_WARN, psprintf("%s; %s are free%s%s", text, check_bytes(available), low ? ": then " : "", low ? low : ""),
				  "Make room there, or leave the steps out that write there.");
	else
		check_row(&check->server, "disk", CHECK_OK, psprintf("%s; %s are free", text, check_bytes(available)), NULL);
}

/* Warns if temporary files would leave a tablespace of temp_tablespaces below the floor */
static void
check_temporary(PlanCheck *check, double bytes)
{
	SgDiskUse	use = {.temporary = bytes};
	char	   *low = sg_disk_low_after(&use);

	if (low)
		check_row(&check->server, "disk", CHECK_WARN, psprintf("temporary files take %s: then %s", check_bytes(bytes), low),
				  "Make room there, or name other tablespaces for them in temp_tablespaces.");
}

/*
 * Reports the plan's lasting growth of tables, indexes and copies, and its
 * temporary files, against the free space
 */
static void
check_growth(PlanCheck *check, const CheckWrites *all)
{
	char	   *reason = NULL;
	double		available = check_free_space(InvalidOid, &reason);

	if (available >= 0 && all->growth + all->temp > available)
		check_row(&check->server, "disk", CHECK_WARN,
				  psprintf("tables, indexes and temporary files take %s, and %s are free", check_bytes(all->growth + all->temp), check_bytes(available)),
				  "Make room where the database is, or run the plan in parts and VACUUM in between.");
}

static void
check_disk(PlanCheck *check)
{
	bool		shared = sg_disk_is_shared(psprintf("%s/pg_wal", DataDir), sg_disk_directory(InvalidOid));
	const char *elsewhere = GetConfigOption("temp_tablespaces", true, false);
	CheckWrites all = {0};

	foreach_ptr(const CheckStep, cs, check->steps)
	{
		all.wal += cs->writes.wal;
		all.growth += cs->writes.growth;
		foreach_ptr(const CheckGrowth, growth, cs->writes.elsewhere)
		{
			all.growth -= growth->bytes;
			check_writes_grow(&all, growth->tablespace, growth->bytes);
		}
		all.temp = Max(all.temp, cs->writes.temp);
		all.most |= cs->writes.most;
		foreach_ptr(const char, trigger, cs->writes.triggers)
		{
			check_writes_by(&all, trigger);
		}
		all.unknown |= cs->writes.unknown;
		all.uncounted |= cs->writes.uncounted;
		all.unsized |= cs->writes.unsized;
	}
	/* the data directory gets no part of these */
	foreach_ptr(const CheckGrowth, growth, all.elsewhere)
	{
		all.growth -= growth->bytes;
	}
	if (elsewhere && elsewhere[0])
	{
		check_temporary(check, all.temp);
		all.temp = 0;
	}
	check_wal(check, &all, shared);
	if (!shared)
		check_growth(check, &all);
	foreach_ptr(const CheckGrowth, growth, all.elsewhere)
	{
		check_place(check, growth);
	}
}

/* ---- the plan ---- */

static void
check_recovery(PlanCheck *check)
{
	if (RecoveryInProgress())
		check_row(&check->server, "server", CHECK_BLOCK,
				  "this server is a standby: rows were read here, but keys are added on the primary",
				  psprintf(sg_calls("On the primary:\nCALL sg_add_fks(%s);"), quote_literal_cstr(check->plan->name)));
	else if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		check_row(&check->server, "server", CHECK_WARN,
				  "session_replication_role is replica: no key and no trigger sees what a call of this session writes, whatever is said of them below",
				  "End that before the call:\nSET session_replication_role = origin;");
	else
		check_row(&check->server, "server", CHECK_OK, NULL, NULL);
}

static void
check_in_use(PlanCheck *check)
{
	int			pid = plan_runner_pid(check->plan);

	if (pid != 0 && pid != MyProcPid)
		check_row(&check->server, "in_use", CHECK_BLOCK,
				  psprintf("the session with process ID %d runs or changes the plan", pid),
				  psprintf("Wait for it:\nSELECT * FROM schemaguard.progress WHERE pid = %d;", pid));
	else
		check_row(&check->server, "in_use", CHECK_OK, NULL, NULL);
}

static void
check_approval(PlanCheck *check)
{
	char	   *problem = plan_approval_problem(check->plan);

	if (problem && sg_require_approval)
		check_row(&check->server, "approval", CHECK_BLOCK,
				  psprintf("schemaguard.require_approval is on: %s", problem),
				  psprintf(sg_calls("As another role than %s:\nSELECT sg_plan_approve(%s, '%s');"),
						   quote_identifier(check->plan->author), quote_literal_cstr(check->plan->name),
						   plan_hash(check->plan)));
	else
		check_row(&check->server, "approval", CHECK_OK, sg_require_approval ? NULL :
				  pstrdup("schemaguard.require_approval is off"), NULL);
}

/* Says nothing where no backup is asked for */
static void
check_recorded_backup(PlanCheck *check)
{
	char	   *problem = log_backup_problem();

	if (problem)
		check_row(&check->server, "backup", CHECK_BLOCK, problem, log_backup_hint());
	else if (sg_require_backup > 0)
		check_row(&check->server, "backup", CHECK_OK, NULL, NULL);
}

static void
check_total(PlanCheck *check)
{
	double		limit = setting("transaction_timeout") / 1000;

	check_row(&check->server, "estimate", CHECK_OK,
			  check->ms_per_block > 0 ?
			  psprintf("about %s in all%s, the longest step about %s, by the speed of reading %s (%.3f ms per block)",
					   check_duration(check->seconds), check->mends ? ", without mending rows" : "",
					   check_duration(check->longest), check->measured_on, check->ms_per_block) :
			  pstrdup("no table is large enough, and may be read, for its speed to be measured"),
			  NULL);
	if (limit > 0)
		check_row(&check->server, "transaction_timeout", CHECK_WARN,
				  psprintf("transaction_timeout is %s, which ends the session; the longest step takes about %s",
						   check_duration(limit), check_duration(check->longest)),
				  "Switch it off for the session that runs the plan:\nSET transaction_timeout = 0;");
	else
		check_row(&check->server, "transaction_timeout", CHECK_OK, NULL, NULL);
}

/* ---- the rules that are queries ---- */

static void
read_rule(HeapTuple row, TupleDesc desc, void *arg)
{
	PlanCheck  *check = arg;

	check_row(&check->server, sg_spi_text(row, desc, "check_name"),
			  strcmp(sg_spi_text(row, desc, "result"), "ok") == 0 ? CHECK_OK : CHECK_WARN,
			  sg_spi_text(row, desc, "detail"), sg_spi_text(row, desc, "hint"));
}

static void
check_rules(PlanCheck *check)
{
	Oid			types[] = {FLOAT8OID};
	Datum		values[] = {Float8GetDatum(check_long_seconds())};

	(void) each_row("SELECT * FROM schemaguard.sg_server_check($1)", 1, types, values, read_rule, check);
}

/* Checks how many workers, which build indexes and validate, can be started now */
static void
check_workers(PlanCheck *check)
{
	int			running = 0;
	int			n = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= n; i++)
	{
		if (pgstat_get_local_beentry_by_index(i)->backendStatus.st_backendType == B_BG_WORKER)
			running++;
	}
	if (sg_workers == 0)
		check_row(&check->server, "workers", CHECK_OK, pstrdup("schemaguard.workers is 0: none is asked for"), NULL);
	else if (running >= max_worker_processes)
		check_row(&check->server, "workers", CHECK_WARN,
				  psprintf("all %d worker processes are in use: no index can be built, and keys are validated one by one",
						   max_worker_processes),
				  psprintf("Wait until some are done, or allow more and restart the server:\nALTER SYSTEM SET max_worker_processes = %d;",
						   max_worker_processes + 8));
	else
		check_row(&check->server, "workers", CHECK_OK,
				  psprintf("%d of %d worker processes are in use", running, max_worker_processes), NULL);
}

void
check_server(PlanCheck *check)
{
	check_recovery(check);
	check_in_use(check);
	check_approval(check);
	check_recorded_backup(check);
	check_rules(check);
	check_workers(check);
	check_load(check);
	check_total(check);
	check_disk(check);
}
