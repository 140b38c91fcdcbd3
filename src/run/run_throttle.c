/*-------------------------------------------------------------------------
 *
 * run_throttle.c
 *	  Load control: when a deployment pauses or stops, and which steps it
 *	  postpones.
 *
 *	  run_throttle() is called between steps, attempts to lock and batches,
 *	  when no lock is held.  It waits while somebody has paused the plan, the
 *	  server is low on space, replication lags, a base backup runs, sessions
 *	  wait for locks, a vacuum has the table of the next batch, or the user's
 *	  function says so.  If that takes too long,
 *	  or the window is over, the run ends there, in good order, and a later
 *	  call continues.  A state that can't be determined counts as load.
 *
 *	  The circuit breaker: a table that could not be locked time and again no
 *	  longer holds up the steps of other tables; its own steps come last.
 *	  Taking a plan back (run->urgent) waits for none of this.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/interrupt.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "plan/plan_option.h"
#include "plan/plan_store.h"
#include "run/run.h"
#include "run/run_follower.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

#define POLL_MS	500
#define GLANCE_MS	100

/* Number of failures to lock a table in this run */
typedef struct TableFailures
{
	Oid			relid;
	int			failures;
} TableFailures;

/* ---- load ---- */

/* Returns the number of this database's sessions that wait for a lock, by pg_stat_activity */
static int
waiting_sessions(void)
{
	int			waiting = 0;

	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		volatile PGPROC *proc = &ProcGlobal->allProcs[i];

		if (proc->pid != 0 && proc->databaseId == MyDatabaseId &&
			(proc->wait_event_info & 0xFF000000) == PG_WAIT_LOCK)
			waiting++;
	}
	return waiting;
}

/*
 * Returns the call of schemaguard.throttle_function.  Superusers set it, also
 * for other roles and databases; raises an error if it would run code of a
 * third role.
 */
static char *
throttle_call(void)
{
	SgTableName name = sg_parse_table_name(sg_throttle_function);
	List	   *names = list_make1(makeString(name.name));
	Oid			function;
	HeapTuple	tuple;
	Form_pg_proc proc;
	char	   *call;

	if (name.schema)
		names = lcons(makeString(name.schema), names);
	function = LookupFuncName(names, 0, NULL, true);
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s() of schemaguard.throttle_function does not exist", sg_throttle_function),
				 errhint("The setting names a function without arguments, with its schema.")));
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	proc = (Form_pg_proc) GETSTRUCT(tuple);

	if (proc->proowner != GetUserId() && !superuser_arg(proc->proowner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s of schemaguard.throttle_function belongs to role %s",
						sg_throttle_function, sg_role_name(proc->proowner)),
				 errhint("It runs with the privileges of the caller, so it must be the caller's own or a superuser's.")));
	if (proc->prokind != PROKIND_FUNCTION || proc->proretset ||
		(proc->prorettype != BOOLOID && proc->prorettype != TEXTOID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("function %s of schemaguard.throttle_function returns neither boolean nor text",
						sg_throttle_function),
				 errhint("It says true, or a text with the reason, while the deployment has to pause.")));
	call = psprintf("SELECT %s()", quote_qualified_identifier(sg_schema_name(proc->pronamespace),
															  NameStr(proc->proname)));
	ReleaseSysCache(tuple);
	return call;
}

void
run_throttle_ask(void *p)
{
	ThrottleAnswer *answer = p;
	char	   *call = throttle_call();
	bool		isnull;
	Datum		value;
	MemoryContext old;

	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(call, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run: %s", call);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

	old = MemoryContextSwitchTo(answer->context);
	if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) == TEXTOID)
		answer->reason = isnull ? NULL : TextDatumGetCString(value);
	else if (isnull)
		answer->reason = psprintf("%s() returns null", sg_throttle_function);
	else if (DatumGetBool(value))
		answer->reason = psprintf("%s() says so", sg_throttle_function);
	MemoryContextSwitchTo(old);
	SPI_finish();
	PopActiveSnapshot();
}

/* Asks the user's function; a function that fails says nothing about the load, so it counts as load */
static char *
ask_function(void)
{
	ThrottleAnswer answer = {CurrentMemoryContext, NULL};
	ErrorData  *edata;

	edata = run_try(sg_statement_timeout, run_throttle_ask, &answer);
	if (edata)
	{
		if (sg_is_cancel(edata) && !run_timeout_struck())
			ReThrowError(edata);
		answer.reason = psprintf("%s() fails: %s", sg_throttle_function,
								 run_timeout_struck() ? RUN_TIMEOUT_TEXT : sg_error_text(edata));
	}
	run_commit();
	return answer.reason;
}

char *
run_throttle_lag_text(const Follower *follower)
{
	return psprintf("%s lags by " INT64_FORMAT " kB, more than schemaguard.throttle_lag, %d kB",
					run_follower_text(follower), run_follower_lag(follower) / 1024, sg_throttle_lag);
}

char *
run_throttle_ignore_hint(const Follower *follower)
{
	char	   *names = psprintf("%s%s%s", sg_throttle_ignore, sg_throttle_ignore[0] ? ", " : "", quote_identifier(follower->name));

	return psprintf("%s, or have it not counted:\nSET schemaguard.throttle_ignore = %s;",
					follower->keeps ? "Have the reader confirm sooner (pg_receivewal: --synchronous; pg_recvlogical: --fsync-interval=1 --status-interval=1)" : "Wait until it is less",
					quote_literal_cstr(names));
}

static bool
is_late(const Follower *follower)
{
	return run_follower_lag(follower) / 1024 > sg_throttle_lag;
}

const Follower *
run_throttle_lagging(const Followers *followers)
{
	const Follower *slowest = NULL;

	if (sg_throttle_lag < 0 || followers == NULL)
		return NULL;
	for (int i = 0; i < followers->n; i++)
	{
		if (slowest == NULL || followers->each[i].reached < slowest->reached)
			slowest = &followers->each[i];
	}
	return slowest && is_late(slowest) ? slowest : NULL;
}

/* Returns a follower as JSON, for the blockers in the log */
static char *
follower_json(const Follower *follower)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "[{\"%s\": ", follower->is_slot ? "slot" : "standby");
	escape_json(&json, follower->name);
	appendStringInfoString(&json, "}]");
	return json.data;
}

/* Returns whether an earlier call of the plan has paused for a follower */
static bool
was_waited_for(const FkPlan *plan, const Follower *follower)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan->name);
	store_arg_text(&args, follower_json(follower));
	return store_query("SELECT s.message FROM schemaguard.plan p JOIN schemaguard.audit_log s ON s.plan = p.name AND s.at >= p.created_at"
					   " LEFT JOIN schemaguard.audit_log o ON o.started_id = s.id"
					   " WHERE p.name = $1 AND s.phase = 'started' AND s.action = 'throttle'"
					   " AND (s.blockers @> $2::jsonb OR o.blockers @> $2::jsonb) LIMIT 1", &args, store_read_text) != NIL;
}

Followers *
run_throttle_followers(const FkPlan *plan, List **late)
{
	Followers  *all = run_followers();
	int			n = 0;

	*late = NIL;
	for (int i = 0; i < all->n; i++)
	{
		const Follower *follower = &all->each[i];

		if (is_late(follower) && !was_waited_for(plan, follower))
			*late = lappend(*late, memcpy(palloc(sizeof(Follower)), follower, sizeof(Follower)));
		else
			all->each[n++] = *follower;
	}
	all->n = n;
	return all;
}

char *
run_throttle_waiting(void)
{
	int			waiting = sg_throttle_waiting < 0 ? 0 : waiting_sessions();

	if (sg_throttle_waiting < 0 || waiting <= sg_throttle_waiting)
		return NULL;
	return psprintf("%d %s for a lock, more than schemaguard.throttle_waiting, %d",
					waiting, waiting == 1 ? "session waits" : "sessions wait",
					sg_throttle_waiting);
}

char *
run_throttle_backup(void)
{
	if (!sg_throttle_backup || !run_base_backup())
		return NULL;
	return pstrdup("a base backup runs, and schemaguard.throttle_backup is on");
}

/* A reason to pause */
typedef struct Load
{
	char	   *why;			/* reason in words; NULL: none */
	const Follower *lags;		/* the lagging follower, or NULL */
	char	   *blockers;		/* who is in the way, as JSON for the log, or
								 * NULL */
} Load;

bool
run_looks_at_room(const PlanRun *run)
{
	return !run->urgent && !run->gives_room && !run->dry_run;
}

static Load
find_load(const PlanRun *run)
{
	Load		load = {run->dry_run ? NULL : plan_pause_text(run->plan)};

	if (load.why == NULL && run_looks_at_room(run))
		load.why = sg_disk_low();
	if (load.why == NULL && run->followers)
	{
		run_followers_look(run->followers);
		load.lags = run_throttle_lagging(run->followers);
		if (load.lags)
		{
			load.why = run_throttle_lag_text(load.lags);
			load.blockers = follower_json(load.lags);
		}
	}
	if (load.why == NULL && OidIsValid(run->behind))
	{
		load.why = run_vacuum_of(run->behind, &load.blockers);
		if (load.why)
			load.why = psprintf("the next batch waits for %s", load.why);
	}
	if (load.why == NULL)
		load.why = run_throttle_backup();
	if (load.why == NULL)
		load.why = run_throttle_waiting();
	if (load.why == NULL && sg_throttle_function[0])
		load.why = ask_function();
	return load;
}

/* ---- pausing and stopping ---- */

static LogEntry
make_entry(const PlanRun *run, LogPhase phase, const char *message,
		   int64 started_id, TimestampTz since)
{
	LogEntry	entry = log_entry(&run->id, run->plan->name, "throttle", phase);

	entry.object = run->procedure;
	entry.message = message;
	entry.started_id = started_id;
	if (since)
		entry.elapsed_ms = run_elapsed(since);
	return entry;
}

/* Arguments of write_row */
typedef struct ThrottleRow
{
	LogEntry	entry;
	int64		id;
} ThrottleRow;

static void
write_entry(void *arg)
{
	ThrottleRow *row = arg;

	row->id = log_write(&row->entry);
}

/* Writes in a subtransaction, because a cancel may arrive while this waits for the log */
static int64
write_row(LogEntry entry)
{
	ThrottleRow row = {entry};
	ErrorData  *edata = sg_try(write_entry, &row);

	if (edata)
		ReThrowError(edata);
	run_commit();
	return row.id;
}

int64
run_throttle_log(const PlanRun *run, LogPhase phase, const char *message, const char *blockers,
				 int64 started_id, TimestampTz since)
{
	LogEntry	entry = make_entry(run, phase, message, started_id, since);

	entry.blockers = blockers;
	return write_row(entry);
}

void
run_stop(PlanRun *run, const char *reason)
{
	run->stop_reason = MemoryContextStrdup(run->context, reason);
}

void
run_stop_at_step(PlanRun *run, const char *reason)
{
	const PlanStep *step = run->at_step != 0 && MyBackendType == B_BACKEND ? plan_step_get(run->plan->name, run->at_step, true) : NULL;

	run_stop(run, reason);
	if (step == NULL || (step->state != STEP_PENDING && step->state != STEP_ADDED && step->state != STEP_FAILED))
		return;
	/* this call has not failed, whatever an earlier one did */
	plan_step_set_state(run->plan->name, step->step, step->state == STEP_FAILED ? STEP_PENDING : STEP_AS_IT_IS,
						psprintf("stopped: %s; to go on: %s", reason, run_call_text(run, run->procedure)), 0);
	run_commit();
}

static bool
window_is_over(const PlanRun *run)
{
	return run->window_end != 0 && GetCurrentTimestamp() >= run->window_end;
}

static char *
window_text(const PlanRun *run)
{
	return psprintf("the window is over: schemaguard.window_end is %s",
					timestamptz_to_str(run->window_end));
}

/* Checks until the load is gone; returns why the run has to stop, or NULL */
static char *
wait_for_calm(const PlanRun *run, Load *load)
{
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	while (load->why)
	{
		instr_time	waited;
		double		left;

		INSTR_TIME_SET_CURRENT(waited);
		INSTR_TIME_SUBTRACT(waited, start);
		left = sg_throttle_budget - INSTR_TIME_GET_MILLISEC(waited);
		if (window_is_over(run))
			return window_text(run);
		if (left <= 0)
			return psprintf("paused for schemaguard.throttle_budget, %d ms: %s",
							sg_throttle_budget, load->why);
		run_commit();
		run_sleep_until(GetCurrentTimestamp() + (int64) (Min(POLL_MS, left) * 1000));
		/* a reload is the only way to reach this session with a new setting */
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		*load = find_load(run);
	}
	return NULL;
}

/* Pauses, with rows in the log; returns whether the run continues */
static bool
pause_run(PlanRun *run, Load load)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz since = GetCurrentTimestamp();
	int64		started_id;
	char	   *stop = NULL;
	SgProgressPlace place;

	sg_progress_pause(&place, SG_PHASE_THROTTLED);
	started_id = run_throttle_log(run, LOG_STARTED, load.why, load.blockers, 0, 0);
	sg_tell_and_log(true, psprintf("plan \"%s\" pauses: %s", run->plan->name, load.why), NULL,
					load.lags ? run_throttle_ignore_hint(load.lags) : NULL);
	PG_TRY();
	{
		stop = wait_for_calm(run, &load);
		(void) run_throttle_log(run, stop ? LOG_FAILED : LOG_DONE, stop, load.blockers, started_id, since);
		sg_progress_resume(&place);
	}
	PG_CATCH();
	{
		LogEntry	entry;
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		if (!sg_is_cancel(edata))
			ReThrowError(edata);
		entry = make_entry(run, LOG_INTERRUPTED, sg_error_text(edata), started_id, since);
		run_rethrow_logged(list_make1(&entry), edata);
	}
	PG_END_TRY();

	if (stop)
		run_stop_at_step(run, stop);
	return stop == NULL;
}

bool
run_must_stop(PlanRun *run)
{
	if (run->urgent)
		return false;
	if (run->stop_reason == NULL && window_is_over(run))
	{
		run_stop_at_step(run, window_text(run));
		(void) write_row(make_entry(run, LOG_SKIPPED, run->stop_reason, 0, 0));
	}
	return run->stop_reason != NULL;
}

bool
run_throttle(PlanRun *run)
{
	Load		load;

	if (run->urgent)
		return true;
	if (run_must_stop(run))
		return false;

	load = find_load(run);
	return load.why == NULL || pause_run(run, load);
}

bool
run_throttle_behind(PlanRun *run, Oid relid)
{
	TimestampTz quiet_end = GetCurrentTimestamp() + Min(RUN_QUIET_MS, sg_throttle_budget) * INT64CONST(1000);
	SgProgressPlace place;
	char	   *blockers;
	bool		goes_on;

	/* a vacuum of a small table is over before anybody is told */
	sg_progress_pause(&place, SG_PHASE_PAUSING);
	while (GetCurrentTimestamp() < quiet_end && run_vacuum_of(relid, &blockers))
		run_sleep_until(GetCurrentTimestamp() + GLANCE_MS * INT64CONST(1000));
	sg_progress_resume(&place);

	run->behind = relid;
	goes_on = run_throttle(run);
	run->behind = InvalidOid;
	return goes_on;
}

/* ---- before the first step ---- */

/*
 * Reports followers that already lag, once, which the call does not wait for
 * unless an earlier call has waited for them
 */
static void
note_followers(PlanRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	List	   *late;

	run->followers = run_throttle_followers(run->plan, &late);
	foreach_ptr(const Follower, follower, late)
	{
		char	   *text = run_throttle_lag_text(follower);

		sg_tell_and_log(true, psprintf("plan \"%s\" does not wait: %s", run->plan->name, text), NULL, NULL);
		(void) write_row(make_entry(run, LOG_SKIPPED, psprintf("not waited for: %s", text), 0, 0));
	}
	MemoryContextSwitchTo(old);
}

void
run_throttle_begin(PlanRun *run)
{
	if (run->urgent)
		return;
	run->window_end = plan_window_end(sg_window_end);
	if (sg_throttle_lag >= 0)
		note_followers(run);
	if (sg_throttle_function[0])
		(void) throttle_call();
}

/* ---- the circuit breaker ---- */

static TableFailures *
find_failures(const PlanRun *run, Oid relid)
{
	ListCell   *lc;

	foreach(lc, run->failures)
	{
		if (((TableFailures *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	}
	return NULL;
}

static bool
breaks(const PlanRun *run, Oid relid)
{
	const TableFailures *table = find_failures(run, relid);

	return table && sg_lock_breaker > 0 && table->failures >= sg_lock_breaker && run->may_put_last;
}

bool
run_breaker_count(PlanRun *run, Oid relid)
{
	TableFailures *table = find_failures(run, relid);

	if (!OidIsValid(relid))
		return false;
	if (table == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		table = palloc0(sizeof(TableFailures));
		table->relid = relid;
		run->failures = lappend(run->failures, table);
		MemoryContextSwitchTo(old);
	}
	table->failures++;
	return breaks(run, relid);
}

void
run_put_last(PlanRun *run, int step)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->put_last = list_append_unique_int(run->put_last, step);
	MemoryContextSwitchTo(old);
}

bool
run_breaker_open(StepWork *work, const FkKey *key)
{
	Oid			table = breaks(work->run, key->parent) ? key->parent : key->child;

	if (!breaks(work->run, table))
		return false;
	run_put_last(work->run, work->step->step);
	run_append_notice(work, psprintf("put last: %s could not be locked time and again",
									 sg_relation_name(table)));
	return true;
}

/* ---- batches ---- */

int
run_batch_ms(void)
{
	return Max(Min(sg_fill_target, sg_lock_timeout / 3), 1);
}

int64
run_batch_next(int64 size, int64 rows, double ms)
{
	double		next = Min(rows * run_batch_ms() / Max(ms, 0.01), size * 2.0);

	/* a batch that was not full does not tell the time of a full one */
	if (rows < size && ms <= run_batch_ms())
		next = size;
	return Max((int64) Min(next, sg_fill_batch), 1);
}
