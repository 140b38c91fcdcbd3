/*-------------------------------------------------------------------------
 *
 * run_lock.c
 *	  Locking the tables of an action without holding up the application.
 *
 *	  A session that queues for a lock holds up all that come later, so:
 *
 *	  - one deadline, schemaguard.lock_timeout, bounds the waits for all locks
 *	  of an attempt together;
 *
 *	  - the first attempt does not queue at all, later ones queue for a
 *	  growing part of that time; a batch never queues, and pauses while a
 *	  vacuum has its table, because a wait would cancel an autovacuum;
 *
 *	  - between attempts no lock is held.  The pause waits for the blocking
 *	  transactions to end, by their virtual transaction IDs as CREATE INDEX
 *	  CONCURRENTLY does, which blocks nobody, so that the next attempt comes
 *	  at the moment when it can succeed; a growing, jittered limit ends the
 *	  pause otherwise;
 *
 *	  - after a deadlock the next attempt locks the tables in the other order,
 *	  which is the application's;
 *
 *	  - deadlock_timeout is half of the wait, and no wait is longer than the
 *	  session's own deadlock_timeout: after half of it the server cancels an
 *	  ordinary autovacuum in the way, and both make this session, not the
 *	  application's, the victim of a deadlock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/meant.h"
#include "base/name.h"
#include "base/origin.h"
#include "base/progress.h"
#include "base/quote.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_rights.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

#define FIRST_PAUSE_MS	1000
#define LONGEST_PAUSE_MS	10000
#define HASTY_WAIT_MS	1000

/* Returns the ms that an attempt may wait for all locks */
static int
longest_wait(const RunAction *action)
{
	return sg_lock_wait(action->session_deadlock_timeout);
}

/* Returns how long an attempt may queue: not at all, a quarter, half, or all of the longest wait */
static int
queue_time(const RunAction *action)
{
	if (action->never_queues)
		return 0;
	switch (action->attempts)
	{
		case 1:
			return 0;
		case 2:
			return Max(longest_wait(action) / 4, 1);
		case 3:
			return Max(longest_wait(action) / 2, 1);
		default:
			return longest_wait(action);
	}
}

static void
set_local_ms(const char *name, int64 ms)
{
	run_set_local(name, psprintf(INT64_FORMAT, Max(ms, 1)));
}

/* Locks one relation, in the time left until the deadline (0: without queueing) */
static void
lock_relation(RunAction *action, Oid relid, LOCKMODE mode, TimestampTz deadline)
{
	int64		left;

	if (ConditionalLockRelationOid(relid, mode))
		return;

	action->wanted = relid;
	left = deadline ? (deadline - GetCurrentTimestamp()) / 1000 : 0;
	if (left <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not lock %s", sg_relation_name(relid))));

	set_local_ms("lock_timeout", left);
	set_local_ms("deadlock_timeout", Min(left, action->session_deadlock_timeout) / 2);
	LockRelationOid(relid, mode);
	action->wanted = InvalidOid;
}

/* Limits the waits for locks that the statement takes on its own, while the action's locks are held */
static void
limit_statement_waits(const RunAction *action)
{
	set_local_ms("lock_timeout", longest_wait(action));
	set_local_ms("deadlock_timeout", longest_wait(action) / 2);
}

void
run_lock_reached(RunAction *action, Oid relid, Oid named, LOCKMODE mode)
{
	action->wanted_root = named;
	lock_relation(action, relid, mode, action->deadline);
	limit_statement_waits(action);
}

static List *
target_tables(const LockTarget *target)
{
	return target->alone ? list_make1_oid(target->relid) : sg_with_partitions(target->relid);
}

List *
run_locked_tables(const RunAction *action)
{
	List	   *tables = NIL;

	foreach_ptr(const LockTarget, target, action->targets)
	{
		tables = list_concat_unique_oid(tables, target_tables(target));
	}
	return tables;
}

static void
lock_target(RunAction *action, const LockTarget *target, TimestampTz deadline)
{
	ListCell   *lc;

	/* the root first: its list of partitions can't change under the lock */
	action->wanted_root = target->relid;
	lock_relation(action, target->relid, target->mode, deadline);
	foreach(lc, target_tables(target))
	{
		if (lfirst_oid(lc) != target->relid)
			lock_relation(action, lfirst_oid(lc), target->mode, deadline);
	}
}

/* Locks all targets, in the order of this attempt */
static void
lock_targets(RunAction *action)
{
	int			n = list_length(action->targets);

	for (int i = 0; i < n; i++)
		lock_target(action, list_nth(action->targets, action->backwards ? n - 1 - i : i), action->deadline);
}

/* Checks, with the locks held, that the names of a step still lead to these tables */
static void
check_located(const StepWork *work)
{
	if (sg_find_qualified(work->step->child_table) != work->key->child ||
		sg_find_qualified(work->step->parent_table) != work->key->parent)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s or %s was dropped, renamed or replaced meanwhile",
						work->step->child_table, work->step->parent_table),
				 errhint("Run the plan again: it looks the tables up again.")));
}

/* Makes one attempt at an action, inside a subtransaction */
static void
attempt(void *arg)
{
	RunAction  *action = arg;
	ListCell   *lc;

	foreach(lc, action->works)
	{
		if (((StepWork *) lfirst(lc))->key)
			run_check_privileges(((StepWork *) lfirst(lc))->key, action->references);
	}

	sg_progress_phase(SG_PHASE_LOCKING);
	action->wanted = InvalidOid;
	action->session_deadlock_timeout = DeadlockTimeout;
	action->deadline = queue_time(action) > 0 ? GetCurrentTimestamp() + queue_time(action) * INT64CONST(1000) : 0;
	lock_targets(action);
	limit_statement_waits(action);
	run_set_local("jit", "off");

	sg_progress_phase(SG_PHASE_EXECUTING);
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, action->works)
	{
		if (((StepWork *) lfirst(lc))->key)
			check_located(lfirst(lc));
	}
	action->execute(action);
	PopActiveSnapshot();
	if (!action->goes_on)
		run_fire_deferred();
}

/* Returns the lock modes that conflict with a mode, as pg_locks spells them */
static Datum
conflicting_modes(LOCKMODE mode)
{
	List	   *names = NIL;

	for (LOCKMODE other = AccessShareLock; other <= AccessExclusiveLock; other++)
	{
		if (DoLockModesConflict(mode, other))
			names = lappend(names, (char *) GetLockmodeName(DEFAULT_LOCKMETHOD, other));
	}
	return sg_text_array(names);
}

static Datum
oid_array(List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * list_length(oids));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, oids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return PointerGetDatum(construct_array(elements, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/*
 * Returns the holder of a lock as JSON.  An anti-wraparound vacuum is marked,
 * because it does not give way to a lock request as other autovacuums do.
 */
static char *
describe_holder(RunAction *action, HeapTuple row, TupleDesc desc)
{
	int			pid = (int) sg_spi_int64(row, desc, "pid");
	PGPROC	   *proc = pid ? BackendPidGetProc(pid) : NULL;

	if (proc && (proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND))
	{
		action->wraparound_pid = pid;
		return sg_spi_text(row, desc, "who_wraparound");
	}
	return sg_spi_text(row, desc, "who");
}

/*
 * Fields of a session in the log: only the first word of its query, because the
 * rest may have values in it
 */
#define SESSION_FIELDS \
	"'role', a.usename, 'application', nullif(a.application_name, '')," \
	" 'backend', a.backend_type, 'transaction_since', a.xact_start, 'state', a.state," \
	" 'runs', upper(substring(a.query FROM '^(?:\\s|--[^\\n]*\\n|/\\*.*?\\*/)*(\\w+)'))"

/*
 * Records the holders of the blocking lock: sessions, as far as the caller may
 * see them in pg_stat_activity, and prepared transactions, which
 * pg_blocking_pids does not show.  Sets action->blockers to a JSON array; keeps
 * the previous one if no holder is left.
 */
static void
find_blockers(void *arg)
{
	static const char *query =
		"SELECT b.pid, b.who::text AS who,"
		"       (b.who || '{\"wraparound\": true}')::text AS who_wraparound"
		" FROM (SELECT DISTINCT l.pid, jsonb_strip_nulls(jsonb_build_object("
		"         'pid', l.pid, " SESSION_FIELDS ","
		"         'prepared', x.gid, 'mode', l.mode, 'table', l.relation::regclass::text)) AS who"
		"       FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
		"         LEFT JOIN pg_locks t ON l.pid IS NULL AND t.locktype = 'transactionid'"
		"           AND t.virtualtransaction = l.virtualtransaction"
		"         LEFT JOIN pg_prepared_xacts x ON x.transaction = t.transactionid"
		"       WHERE l.locktype = 'relation' AND l.granted AND l.relation = ANY ($1)"
		"         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
		"         AND l.mode = ANY ($2) AND l.pid IS DISTINCT FROM pg_backend_pid()"
		"       LIMIT 20) b";
	RunAction  *action = arg;
	Oid			types[] = {OIDARRAYOID, TEXTARRAYOID};
	StringInfoData json;
	SgScope		scope;

	action->wraparound_pid = 0;
	initStringInfo(&json);
	sg_caller_begin(&scope);
	SPI_connect();
	foreach_ptr(LockTarget, target, action->targets)
	{
		Datum		values[2];

		values[0] = oid_array(target_tables(target));
		values[1] = conflicting_modes(target->mode);
		if (SPI_execute_with_args(query, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not read pg_locks");
		for (uint64 row = 0; row < SPI_processed; row++)
			appendStringInfo(&json, "%s%s", json.len ? ", " : "[",
							 describe_holder(action, SPI_tuptable->vals[row], SPI_tuptable->tupdesc));
	}
	SPI_finish();
	sg_scope_end(&scope);

	if (json.len > 0)
		appendStringInfoChar(&json, ']');
	if (json.len > 0)
		action->blockers = json.data;
}

static void
note_blockers(RunAction *action)
{
	ErrorData  *edata = sg_try_undo(find_blockers, action);

	if (edata)
		sg_rethrow_cancel(edata);
}

void
run_note_holders(RunAction *action, Oid relid, LOCKMODE mode)
{
	action->run->hasty = true;
	run_add_target(action, relid, mode);
	note_blockers(action);
}

/* Returns a list of processes, and of prepared transactions, in words */
static char *
holders_text(const RunAction *action)
{
	static const char *query =
		"SELECT string_agg(DISTINCT coalesce('process ' || (h ->> 'pid') || coalesce(' (' || nullif(concat_ws('; ', h ->> 'application',"
		"   (h ->> 'state') || coalesce(CASE h ->> 'state' WHEN 'active' THEN ': ' ELSE ' after ' END || (h ->> 'runs'), '')), '') || ')', ''),"
		" 'prepared transaction ' || (h ->> 'prepared'), 'a session'), ', ') AS who FROM jsonb_array_elements($1::jsonb) h";
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(action->blockers)};
	char	   *text;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read who is in the way");
	text = MemoryContextStrdup(context, sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "who"));

	SPI_finish();
	sg_scope_end(&scope);
	return text;
}

char *
run_holders(RunAction *action, Oid relid, LOCKMODE mode)
{
	char	   *text = run_vacuum_of(relid, &action->blockers);

	if (text)
		return text;

	action->blockers = NULL;
	run_add_target(action, relid, mode);
	note_blockers(action);
	if (action->blockers == NULL)
		return NULL;
	PushActiveSnapshot(GetTransactionSnapshot());
	text = holders_text(action);

	PopActiveSnapshot();
	return text;
}

/* Process IDs (0: prepared transactions), for find_sessions */
typedef struct Sessions
{
	RunAction  *action;
	const int  *pids;
	int			n;
} Sessions;

static void
find_sessions(void *arg)
{
	static const char *query =
		"SELECT jsonb_agg(b.who)::text AS who"
		" FROM (SELECT jsonb_strip_nulls(jsonb_build_object('pid', p.pid, " SESSION_FIELDS ")) AS who"
		"       FROM unnest($1) p (pid) LEFT JOIN pg_stat_activity a ON a.pid = p.pid WHERE p.pid <> 0"
		"       UNION ALL SELECT jsonb_build_object('prepared', x.gid) FROM pg_prepared_xacts x"
		"       WHERE 0 = ANY ($1) AND x.database = current_database()) b";
	Sessions   *sessions = arg;
	MemoryContext context = CurrentMemoryContext;
	Datum	   *pids = palloc(sizeof(Datum) * sessions->n);
	Oid			types[] = {INT4ARRAYOID};
	Datum		values[1];
	SgScope		scope;
	char	   *who;

	for (int i = 0; i < sessions->n; i++)
		pids[i] = Int32GetDatum(sessions->pids[i]);
	values[0] = PointerGetDatum(construct_array(pids, sessions->n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_stat_activity");
	who = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "who");
	sessions->action->blockers = who ? MemoryContextStrdup(context, who) : NULL;
	SPI_finish();
	sg_scope_end(&scope);
}

char *
run_lock_holders(RunAction *action, const int *pids, int n)
{
	Sessions	sessions = {action, pids, n};
	ErrorData  *edata;
	char	   *text = NULL;

	if (n == 0)
		return NULL;
	PushActiveSnapshot(GetTransactionSnapshot());
	edata = sg_try_undo(find_sessions, &sessions);
	if (edata)
		sg_rethrow_cancel(edata);
	if (action->blockers)
		text = holders_text(action);

	PopActiveSnapshot();
	return text;
}

/* Returns a vacuum of a table in words, and as JSON for the log's blockers */
static char *
vacuum_text(const PGPROC *proc, Oid relid, char **blockers)
{
	bool		is_auto = (proc->statusFlags & PROC_IS_AUTOVACUUM) != 0;
	bool		wraparound = (proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND) != 0;
	char	   *table = sg_relation_name(relid);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "[{\"pid\": %d, \"backend\": \"%s\", \"runs\": \"VACUUM\", %s\"table\": ", proc->pid,
					 is_auto ? "autovacuum worker" : "client backend", wraparound ? "\"wraparound\": true, " : "");
	escape_json(&json, table);
	appendStringInfoString(&json, "}]");
	*blockers = json.data;
	return psprintf("%s of %s (process %d%s)", is_auto ? "autovacuum" : "VACUUM", table, proc->pid,
					wraparound ? ", to prevent transaction ID wraparound" : "");
}

char *
run_vacuum_of(Oid relid, char **blockers)
{
	LockData   *locks = GetLockStatusData();
	char	   *text = NULL;

	for (int i = 0; i < locks->nelements && text == NULL; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		PGPROC	   *proc;

		if (lock->locktag.locktag_type != LOCKTAG_RELATION || lock->locktag.locktag_field1 != MyDatabaseId ||
			lock->locktag.locktag_field2 != relid || lock->holdMask == 0 || lock->pid == 0)
			continue;
		/* a parallel worker's leader is the one to name */
		proc = BackendPidGetProc(lock->leaderPid);
		if (proc && (proc->statusFlags & (PROC_IS_AUTOVACUUM | PROC_IN_VACUUM)))
			text = vacuum_text(proc, relid, blockers);
	}
	/* looks are many while a vacuum goes on */
	pfree(locks->locks);
	pfree(locks);
	return text;
}

bool
run_behind_vacuum(RunAction *action, TimestampTz *budget_end)
{
	TimestampTz start = GetCurrentTimestamp();

	if (!run_is_lock_failure(action->error) || !OidIsValid(action->wanted) ||
		run_vacuum_of(action->wanted, &action->blockers) == NULL)
		return false;
	run_commit();
	if (run_throttle_behind(action->run, action->wanted))
		*budget_end += GetCurrentTimestamp() - start;
	else
		action->error = NULL;
	return true;
}

void
run_limit_waits(const PlanRun *run)
{
	int			limit = run->hasty ? Min(sg_lock_budget, HASTY_WAIT_MS) : sg_lock_budget;

	if (LockTimeout == 0 || LockTimeout > limit)
		set_local_ms("lock_timeout", limit);
}

/* Deadline and outcome of a pause */
typedef struct Pause
{
	RunAction  *action;
	TimestampTz deadline;
	bool		waited;			/* a holder was waited for */
} Pause;

/* Waits for the transactions that hold a conflicting lock on a relation */
static void
wait_for_relation(Pause *pause, Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;
	VirtualTransactionId *holders;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	holders = GetLockConflicts(&tag, mode, NULL);
	for (; VirtualTransactionIdIsValid(*holders); holders++)
	{
		int64		left = (pause->deadline - GetCurrentTimestamp()) / 1000;

		if (left <= 0)
			return;
		set_local_ms("lock_timeout", left);
		pause->waited = true;

		/*
		 * released, because CREATE INDEX CONCURRENTLY would wait for this
		 * snapshot while this session waits for it
		 */
		InvalidateCatalogSnapshot();
		(void) VirtualXactLock(*holders, true);
	}
}

/* Waits until the deadline for the blocking transactions to end; holds nothing meanwhile */
static void
wait_for_holders(void *arg)
{
	Pause	   *pause = arg;

	foreach_ptr(LockTarget, target, pause->action->targets)
	{
		foreach_oid(table, target_tables(target))
		{
			char	   *blockers;

			/* a wait for its transaction would cancel an autovacuum, too */
			if (!pause->action->never_queues || run_vacuum_of(table, &blockers) == NULL)
				wait_for_relation(pause, table, target->mode);
		}
	}
}

/*
 * Pauses after a failed attempt, until the blocking transactions have ended:
 * between a client's long transactions there is no more than a moment.
 */
static void
pause_after(RunAction *action, TimestampTz budget_end)
{
	double		limit = Min((double) FIRST_PAUSE_MS * (1 << Min(action->attempts - 1, 10)),
							LONGEST_PAUSE_MS);
	Pause		pause = {action, 0, false};
	ErrorData  *edata;

	limit *= 0.75 + 0.5 * pg_prng_double(&pg_global_prng_state);
	pause.deadline = Min(GetCurrentTimestamp() + (int64) (limit * 1000), budget_end);

	sg_progress_phase(SG_PHASE_PAUSING);
	edata = sg_try_undo(wait_for_holders, &pause);
	if (edata && edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(edata);

	/*
	 * published again, because the end of a subtransaction clears the
	 * progress
	 */
	sg_progress_phase(SG_PHASE_PAUSING);

	/*
	 * No transaction holds it now, but one queued before this session: come
	 * again later, so that the application waits for a tenth of the time at
	 * most.
	 */
	if (!pause.waited && action->attempts > 1)
		run_sleep_until(Min(pause.deadline,
							GetCurrentTimestamp() + sg_lock_timeout * INT64CONST(10000)));
	CHECK_FOR_INTERRUPTS();
}

/* Pauses after a failed attempt, then for any other reason; returns false if the run stops meanwhile */
static bool
pause_run(RunAction *action, TimestampTz budget_end)
{
	run_commit();
	pause_after(action, budget_end);
	run_commit();
	return run_throttle(action->run);
}

bool
run_pause_behind(RunAction *action, TimestampTz budget_end)
{
	SgProgressPlace place;
	bool		goes_on;

	sg_progress_pause(&place, SG_PHASE_PAUSING);
	run_add_target_alone(action, action->wanted, ShareUpdateExclusiveLock);
	note_blockers(action);
	goes_on = pause_run(action, budget_end);
	sg_progress_resume(&place);
	action->targets = NIL;
	if (!goes_on)
		action->error = NULL;
	return goes_on;
}

/* Arguments of run_wait_for_writers */
typedef struct WriterWait
{
	List	   *relids;
	TimestampTz deadline;
} WriterWait;

static void
wait_for_writers(void *arg)
{
	WriterWait *wait = arg;
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		VirtualTransactionId vxid = SG_LOCK_VXID(lock);
		int64		left = (wait->deadline - GetCurrentTimestamp()) / 1000;

		if (lock->locktag.locktag_type != LOCKTAG_RELATION ||
			lock->locktag.locktag_field1 != MyDatabaseId ||
			!list_member_oid(wait->relids, lock->locktag.locktag_field2) ||
			(lock->holdMask & LOCKBIT_ON(RowExclusiveLock)) == 0 ||
			lock->pid == MyProcPid || !VirtualTransactionIdIsValid(vxid))
			continue;
		set_local_ms("lock_timeout", left);
		InvalidateCatalogSnapshot();
		(void) VirtualXactLock(vxid, true);
	}
}

bool
run_wait_for_writers(Oid relid, TimestampTz deadline)
{
	LockTarget	target = {relid, RowExclusiveLock};
	WriterWait	wait = {sg_with_partitions(target.relid), deadline};
	ErrorData  *edata;

	sg_progress_phase(SG_PHASE_PAUSING);
	edata = sg_try_undo(wait_for_writers, &wait);
	if (edata && edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(edata);
	return edata == NULL;
}

/* Arguments of run_wait_for_holders; a session's lock is held under one vxid after the other */
typedef struct HolderWait
{
	Oid			relid;
	LOCKMODE	mode;
	Pause		pause;
} HolderWait;

static void
wait_until_free(void *arg)
{
	HolderWait *wait = arg;

	do
	{
		wait->pause.waited = false;
		wait_for_relation(&wait->pause, wait->relid, wait->mode);
	} while (wait->pause.waited);
}

bool
run_wait_for_holders(Oid relid, LOCKMODE mode, TimestampTz deadline)
{
	HolderWait	wait = {relid, mode,.pause = {.deadline = deadline}};
	ErrorData  *edata = sg_try_undo(wait_until_free, &wait);

	if (edata && edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(edata);
	return edata == NULL && GetCurrentTimestamp() < deadline;
}

bool
run_is_lock_failure(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

static void
append_words(StringInfo words, const char *text)
{
	if (text)
		appendStringInfo(words, "%s\n", text);
}

/*
 * Returns the SQL and the names of the action's step, which an error may
 * repeat, because readers of the plan see them anyway.  NULL for an action
 * about several steps.
 */
static const char *
words_of(const RunAction *action)
{
	const PlanStep *step;
	StringInfoData words;

	if (list_length(action->works) != 1)
		return NULL;
	step = ((StepWork *) linitial(action->works))->step;
	initStringInfo(&words);
	append_words(&words, step->definition);
	append_words(&words, step->backfill);
	append_words(&words, step->fill);
	append_words(&words, step->fk_name);
	append_words(&words, step->child_table);
	append_words(&words, step->parent_table);
	append_words(&words, sg_join_names(step->child_columns));
	append_words(&words, ((StepWork *) linitial(action->works))->statement);
	return words.data;
}

char *
run_unlocked_text(RunAction *action)
{
	char	   *who = run_holders(action, action->wanted, ShareUpdateExclusiveLock);

	return psprintf("could not lock %s, held by %s", sg_relation_name(action->wanted),
					who ? who : "somebody who has gone since");
}

char *
run_failure_text(const RunAction *action)
{
	if (run_timeout_struck())
		return pstrdup(RUN_TIMEOUT_TEXT);
	if (action->error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE || !OidIsValid(action->wanted))
		return sg_error_text_of(action->error, words_of(action));
	if (action->wraparound_pid)
		return psprintf("could not lock %s in %d attempts: process %d, a vacuum to prevent transaction ID wraparound, must finish first",
						sg_relation_name(action->wanted), action->attempts, action->wraparound_pid);
	return psprintf("could not lock %s in %d attempts; column blockers of the log says who was in the way",
					sg_relation_name(action->wanted), action->attempts);
}

static void
add_target(RunAction *action, Oid relid, LOCKMODE mode, bool alone)
{
	LockTarget *target;
	ListCell   *lc;

	foreach(lc, action->targets)
	{
		if (((LockTarget *) lfirst(lc))->relid == relid)
			return;
	}
	target = palloc(sizeof(LockTarget));
	target->relid = relid;
	target->mode = mode;
	target->alone = alone;
	action->targets = lappend(action->targets, target);
}

void
run_add_target(RunAction *action, Oid relid, LOCKMODE mode)
{
	add_target(action, relid, mode, false);
}

void
run_add_target_alone(RunAction *action, Oid relid, LOCKMODE mode)
{
	add_target(action, relid, mode, true);
}

/*
 * Returns whether another attempt may succeed; a row that moves to another
 * partition raises 40001 now, and may be lockable later
 */
static bool
worth_another_attempt(const RunAction *action, TimestampTz budget_end)
{
	/* a broken object stays broken, and so may a wrong name */
	int			most = sg_is_race(action->error) || sg_was_replaced(action->error) ? Min(sg_lock_attempts, SG_READS) : sg_lock_attempts;

	return (run_is_lock_failure(action->error) ||
			action->error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE) &&
		action->attempts < most &&
		GetCurrentTimestamp() < budget_end;
}

/* Makes attempts until one succeeds; cancels come out as errors */
static bool
attempt_until_done(RunAction *action)
{
	TimestampTz budget_end = action->started_at + sg_lock_budget * INT64CONST(1000);

	for (action->attempts = 1;; action->attempts++)
	{
		SgOrigin	origin;

		sg_origin_begin(&origin, action->run->plan->name);
		if (run_looks_at_room(action->run))
			sg_disk_watch_begin();
		action->error = run_try(sg_statement_timeout, attempt, action);
		if (run_room_struck(action->error))
			action->error = sg_try(run_report_low, NULL);
		sg_origin_end(&origin);

		if (action->error == NULL)
		{
			if (action->goes_on)
				run_commit_soon();
			else
				run_commit();
			return true;
		}
		if (sg_is_cancel(action->error) && !run_timeout_struck())
			ReThrowError(action->error);
		if (action->never_queues && run_behind_vacuum(action, &budget_end))
		{
			if (action->error == NULL)
				return false;
			action->attempts--;
			continue;
		}
		if (run_is_lock_failure(action->error))
			note_blockers(action);
		if (action->error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
			action->backwards = !action->backwards;
		if (!worth_another_attempt(action, budget_end))
			return false;
		if (OidIsValid(action->wanted) &&
			run_breaker_count(action->run, action->wanted_root))
		{
			action->put_last = true;
			return false;
		}

		if (!pause_run(action, budget_end))
			return false;
	}
}

bool
run_guard(RunAction *action, bool (*work) (RunAction *action))
{
	MemoryContext context = CurrentMemoryContext;
	bool		done = false;

	PG_TRY();
	{
		done = work(action);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		if (!sg_is_cancel(edata))
			ReThrowError(edata);
		run_log_cancel(action, edata);
	}
	PG_END_TRY();

	return done;
}

bool
run_attempt(RunAction *action)
{
	run_log_start(action);
	return run_guard(action, attempt_until_done);
}
