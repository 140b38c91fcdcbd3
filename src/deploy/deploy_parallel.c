/*-------------------------------------------------------------------------
 *
 * deploy_parallel.c
 *	  Jobs that background workers do for a deployment.
 *
 * A job is a table: its keys to be validated, or its indexes to be built; or a
 * partition, whose key is made valid before the table takes it over.
 * Each worker takes the next job until none is left, and does with it what
 * the session itself would do, in transactions of its own: it logs, records
 * states and proofs, and its notices reach the user.  The leader only waits.
 * No two jobs lock the same table in modes that conflict, so steps on tables
 * of one partition tree are one job.
 *
 * The leader holds the plan's run lock all the time.  A worker that ended
 * early may leave a started row without outcome; the leader, or the next call
 * when that is gone as well, closes it when no worker is left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifndef WIN32
#include <sys/resource.h>
#endif

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/value.h"
#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "deploy/deploy_index.h"
#include "deploy/deploy_partition.h"
#include "plan/plan_index.h"
#include "plan/plan_lock.h"
#include "run/run.h"
#include "run/run_follower.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"
#include "worker/worker.h"

/* Niceness of a worker that builds or validates: the application gets the processor first */
#define WORKER_NICE 10

/* Interval of the leader's checks while it waits */
#define LOOK_MS 500

/* Maximum wait for a lock when no time is left */
#define HASTY_LOCK_MS 1000

typedef struct JobsShared
{
	DeployJobKind kind;
	pg_uuid_t	run;
	int64		plan_id;
	int			leader;
	volatile int lock_timeout;
	TimestampTz window_end;		/* the leader's: a time of day would mean the
								 * next one to each worker */
	bool		each_step;		/* arguments of the call, which hints repeat */
	bool		validate;
	int			batch;
	bool		fix;
	bool		fail;
	bool		looks_at_room;
	int64		max_rows;
	int			parallel_workers;	/* parallel workers of each worker */
	int			njobs;
	pg_atomic_uint32 next;		/* next job to take */
	pg_atomic_uint32 steps_done;
	pg_atomic_uint64 orphan_rows;
	pg_atomic_uint32 stopped;	/* set by the first worker that had to stop */
	char		stop_reason[DEPLOY_STOP_SIZE];	/* reason to stop, or the
												 * error of a statement */
	int			sqlerrcode;		/* SQLSTATE of that error, or 0 */
	int			jobs;			/* offset of the jobs in names */
	int			followers;		/* offset from the beginning; 0: none */
	int			slots;			/* offset of the workers' slots, for
								 * deploy_yield.c */
	char		names[FLEXIBLE_ARRAY_MEMBER];	/* plan; jobs as a node tree;
												 * texts of the call */
} JobsShared;

PGDLLEXPORT void deploy_worker_main(void *argument);

static DeploySlot *
yield_slots(JobsShared *shared)
{
	return (DeploySlot *) ((char *) shared + shared->slots);
}

/* ---- the worker ---- */

typedef struct WorkerJob
{
	JobsShared *shared;
	PlanRun		run;
	List	   *job;
	bool		go_on;			/* whether to go on with the next index */
	MemoryContext context;		/* context that survives transactions */
} WorkerJob;

/* Returns the call's arguments, which hints of its steps repeat */
static List *
arguments_of(const PlanRun *run)
{
	const char *texts[] = {run->procedure, run->given, run->author, run->confirm};
	List	   *list = list_make1(run->chosen);

	for (int i = 0; i < lengthof(texts); i++)
		list = lappend(list, texts[i] ? makeString(pstrdup(texts[i])) : NULL);
	return list;
}

static void
take_arguments(PlanRun *run, const JobsShared *shared)
{
	List	   *list = lsecond(stringToNode(shared->names + shared->jobs));
	const char *texts[4];

	for (int i = 0; i < lengthof(texts); i++)
		texts[i] = list_nth(list, i + 1) ? strVal(list_nth(list, i + 1)) : NULL;
	run->chosen = linitial(list);
	run->procedure = texts[0];
	run->given = unconstify(char *, texts[1]);
	run->author = texts[2];
	run->confirm = texts[3];
	run->each_step = shared->each_step;
	run->validate = shared->validate;
	run->batch = shared->batch;
	run->fix = shared->fix;
	run->fail = shared->fail;
	run->max_rows = shared->max_rows;
}

/* Opens the leader's run, as long as the leader lives */
static void
open_run(void *arg)
{
	WorkerJob  *job = arg;
	PlanRun    *run = &job->run;

	MemoryContextSwitchTo(job->context);
	memset(run, 0, sizeof(PlanRun));
	take_arguments(run, job->shared);
	run->plan = plan_get(job->shared->names);
	run->id = job->shared->run;
	run->context = job->context;
	run->seen = sg_seen_now(run->context);
	run->window_end = job->shared->window_end;
	if (job->shared->followers)
		run->followers = run_followers_copy((const Followers *) ((char *) job->shared + job->shared->followers));
	if (run->plan->id != job->shared->plan_id ||
		!plan_join_run(run->plan, job->shared->leader))
		ereport(ERROR,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("the session that runs plan \"%s\" has ended", run->plan->name)));
}

/* Returns whether to go on with the next part of a job; tells the leader why the run has to stop */
static bool
may_go_on(WorkerJob *job)
{
	JobsShared *shared = job->shared;

	if (pg_atomic_read_u32(&shared->stopped) && !job->run.urgent)
		return false;
	if (run_throttle(&job->run))
		return true;
	if (pg_atomic_exchange_u32(&shared->stopped, 1) == 0)
		strlcpy(shared->stop_reason, job->run.stop_reason, DEPLOY_STOP_SIZE);
	return false;
}

/* Sets the text that pg_stat_activity shows of a worker: the table that it is at */
static void
report_table(const WorkerJob *job, int step, const char *partition)
{
	static char text[4 * NAMEDATALEN + 100];
	const char *table = partition;

	if (table == NULL)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		table = plan_step_get(job->run.plan->name, step, false)->child_table;
		PopActiveSnapshot();
	}
	snprintf(text, sizeof(text), "schemaguard: validating keys of %s, plan %s", table, job->run.plan->name);
	worker_report_activity(text);
}

/* Validates the keys of one partition tree: a list of lists of steps */
static void
validate_job(void *arg)
{
	WorkerJob  *job = arg;
	int			nsteps = 0;
	ListCell   *lc;

	open_run(job);
	foreach(lc, job->job)
		nsteps += list_length(lfirst(lc));

	sg_progress_begin(SG_PROGRESS_VALIDATE, job->run.plan->id, nsteps);
	foreach_ptr(List, steps, job->job)
	{
		if (!may_go_on(job))
			break;
		report_table(job, linitial_int(steps), NULL);
		deploy_validate_table(&job->run, steps);
		job->run.done += list_length(steps);
		sg_progress_done(job->run.done, job->run.orphan_rows);
		pg_atomic_fetch_add_u32(&job->shared->steps_done, list_length(steps));
	}
	pg_atomic_fetch_add_u64(&job->shared->orphan_rows, job->run.orphan_rows);
	sg_progress_end();
}

/* Validates the key of one partition: a list of the step and the partition */
static void
validate_partition_job(void *arg)
{
	WorkerJob  *job = arg;
	Oid			partition = (Oid) lsecond_int(job->job);

	open_run(job);
	sg_progress_begin(SG_PROGRESS_VALIDATE, job->run.plan->id, 1);
	report_table(job, linitial_int(job->job), sg_relation_name(partition));
	if (may_go_on(job))
		deploy_partition_validate_one(&job->run, linitial_int(job->job), partition);
	pg_atomic_fetch_add_u64(&job->shared->orphan_rows, job->run.orphan_rows);
	sg_progress_end();
}

/* Begins a job of index builds or drops; a drop of what an earlier build has left obeys no window or throttle */
static void
open_index(void *arg)
{
	WorkerJob  *job = arg;

	open_run(job);
	job->run.urgent = job->shared->kind == JOB_DROP_INDEX;
	job->run.yield = &yield_slots(job->shared)[worker_number()];
	sg_progress_begin(SG_PROGRESS_INDEX, job->run.plan->id, 0);
	job->go_on = may_go_on(job);
	sg_progress_end();
}

/*
 * Builds or drops the indexes of a table.  After one build has waited for an
 * old transaction in vain, the next ones wait only briefly.
 */
static void
index_job(WorkerJob *job)
{
	JobsShared *shared = job->shared;

	/* a cancelled call may be waiting for this worker */
	if (shared->kind == JOB_DROP_INDEX && synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION);
	foreach_ptr(List, parts, job->job)
	{
		SetConfigOption("lock_timeout", psprintf("%d", shared->lock_timeout),
						PGC_USERSET, PGC_S_SESSION);
		/* a user's definition names objects of pg_catalog without schema */
		if (plan_index_is_definition(strVal(list_nth(parts, 4))))
			SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION);
		worker_procedure(open_index, job);
		if (!job->go_on)
			break;
		if (!deploy_index_work(&job->run, shared->kind == JOB_DROP_INDEX,
							   intVal(linitial(parts)), strVal(lsecond(parts)), strVal(lthird(parts)),
							   strVal(lfourth(parts)), strVal(list_nth(parts, 4))))
			shared->lock_timeout = Min(shared->lock_timeout, HASTY_LOCK_MS);
	}
}

/* Runs a statement, whose outcome the leader records */
static void
statement_job(WorkerJob *job)
{
	JobsShared *shared = job->shared;
	const char *statement = strVal(linitial(job->job));
	ErrorData  *error;

	SetConfigOption("lock_timeout", psprintf("%d", shared->lock_timeout), PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION);
	worker_procedure(open_run, job);
	if (shared->looks_at_room)
		sg_disk_watch_begin();
	run_arm_timeout(sg_statement_timeout);
	error = worker_execute_checked(statement, plan_index_hold);
	run_disarm_timeout();
	if (run_room_struck(error))
		error = worker_try(run_report_low, NULL);
	if (error == NULL)
		return;
	shared->sqlerrcode = error->sqlerrcode;
	strlcpy(shared->stop_reason, run_timeout_struck() ? RUN_TIMEOUT_TEXT : sg_error_text_of(error, statement), DEPLOY_STOP_SIZE);
}

/* Entry point of a worker, which takes jobs until none is left */
void
deploy_worker_main(void *argument)
{
	JobsShared *shared = argument;
	List	   *jobs = linitial(stringToNode(shared->names + shared->jobs));
	WorkerJob	job = {.shared = shared};
	MemoryContext old = CurrentMemoryContext;

#ifndef WIN32
	(void) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + WORKER_NICE);
#endif
	job.context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard job",
										ALLOCSET_DEFAULT_SIZES);
	SetConfigOption("max_parallel_maintenance_workers", psprintf("%d", shared->parallel_workers), PGC_USERSET, PGC_S_SESSION);
	for (;;)
	{
		uint32		n = pg_atomic_fetch_add_u32(&shared->next, 1);

		if (n >= shared->njobs)
			break;
		job.job = list_nth(jobs, n);
		MemoryContextSwitchTo(job.context);
		if (shared->kind == JOB_VALIDATE || shared->kind == JOB_VALIDATE_PARTITION)
		{
			worker_procedure(shared->kind == JOB_VALIDATE ? validate_job : validate_partition_job,
							 &job);
		}
		else if (shared->kind == JOB_STATEMENT)
			statement_job(&job);
		else
			index_job(&job);
		MemoryContextSwitchTo(old);
		MemoryContextReset(job.context);
	}
}

/* ---- the leader ---- */

static JobsShared *
share_jobs(const PlanRun *run, DeployJobKind kind, List *jobs, int lock_timeout, int nworkers,
		   Size *size)
{
	char	   *text = nodeToString(list_make2(jobs, arguments_of(run)));
	Size		name_size = strlen(run->plan->name) + 1;
	Size		slots = MAXALIGN(offsetof(JobsShared, names) + name_size + strlen(text) + 1);
	JobsShared *shared;

	*size = MAXALIGN(slots + sizeof(DeploySlot) * nworkers);
	if (run->followers)
		*size += FOLLOWERS_SIZE(run->followers->n);
	shared = palloc0(*size);
	shared->slots = (int) slots;
	if (run->followers)
	{
		shared->followers = (int) (*size - FOLLOWERS_SIZE(run->followers->n));
		memcpy((char *) shared + shared->followers, run->followers, FOLLOWERS_SIZE(run->followers->n));
	}
	shared->kind = kind;
	shared->run = run->id;
	shared->plan_id = run->plan->id;
	shared->leader = MyProcPid;
	shared->lock_timeout = lock_timeout;
	shared->each_step = run->each_step;
	shared->validate = run->validate;
	shared->batch = run->batch;
	shared->fix = run->fix;
	shared->fail = run->fail;
	shared->looks_at_room = run_looks_at_room(run);
	shared->max_rows = run->max_rows;
	shared->parallel_workers = max_parallel_maintenance_workers;
	shared->njobs = list_length(jobs);
	shared->jobs = (int) name_size;
	pg_atomic_init_u32(&shared->next, 0);
	pg_atomic_init_u32(&shared->steps_done, 0);
	pg_atomic_init_u64(&shared->orphan_rows, 0);
	pg_atomic_init_u32(&shared->stopped, 0);
	shared->window_end = run->window_end;
	strcpy(shared->names, run->plan->name);
	strcpy(shared->names + name_size, text);
	return shared;
}

static void
show_progress(const PlanRun *run, const WorkerPool *pool)
{
	JobsShared *shared = worker_pool_argument(pool);

	if (shared->kind == JOB_VALIDATE || shared->kind == JOB_VALIDATE_PARTITION)
	{
		sg_progress_done(run->done + pg_atomic_read_u32(&shared->steps_done),
						 run->orphan_rows + (int64) pg_atomic_read_u64(&shared->orphan_rows));
		return;
	}
	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);

		if (pid != 0 && sg_progress_index(pid))
			return;
	}
}

/* Records the outcome of rows that workers have left open */
static void
close_jobs(void *arg)
{
	PlanRun    *run = arg;

	deploy_index_recover(run);
	(void) log_close_interrupted(run->plan->name);
}

/*
 * Cancels the workers of a wait that was cancelled, who log that for their
 * steps.  Where the log is locked, the next call records the rest.
 */
pg_noreturn static void
cancel_jobs(PlanRun *run, WorkerPool *pool, DeployJobKind kind, ErrorData *edata)
{
	ErrorData  *failure;

	worker_pool_stop(pool);
	worker_pool_free(pool);
	if (!sg_is_cancel(edata))
		ReThrowError(edata);

	run_limit_log_wait();
	failure = sg_try(close_jobs, run);
	run_commit_here();
	if (failure == NULL && kind == JOB_BUILD_INDEX)
		deploy_index_drop_leftovers(run, HASTY_LOCK_MS);
	ReThrowError(edata);
}

/* Ends builds, and the run, if the server is low on space; a worker that has not begun waits by itself */
static void
look_at_room(const PlanRun *run, WorkerPool *pool)
{
	JobsShared *shared = worker_pool_argument(pool);
	char	   *low = sg_disk_low();

	if (low == NULL ||
		!deploy_yield_stop(pool, yield_slots(shared), psprintf("%s; to go on: %s", low, run_call_text(run, run->procedure))))
		return;
	if (pg_atomic_exchange_u32(&shared->stopped, 1) == 0)
		strlcpy(shared->stop_reason, low, DEPLOY_STOP_SIZE);
}

/* Waits for a moment, or until all workers have ended */
static bool
wait_a_while(const PlanRun *run, WorkerPool *pool, DeployJobKind kind)
{
	if (kind == JOB_VALIDATE || kind == JOB_VALIDATE_PARTITION)
		return worker_pool_wait(pool, LOOK_MS);

	for (int ms = 0; ms < LOOK_MS; ms += DEPLOY_YIELD_MS)
	{
		DeploySlot *slots;

		if (worker_pool_wait(pool, DEPLOY_YIELD_MS))
			return true;
		slots = yield_slots(worker_pool_argument(pool));
		deploy_yield_note_holders(pool, slots);
		if (kind != JOB_STATEMENT)
			deploy_yield_look(pool, slots);
		/* a build can write a gigabyte in a second */
		if (kind == JOB_BUILD_INDEX)
			look_at_room(run, pool);
	}
	return false;
}

/* Waits for the end of all workers; commits now and then to publish progress */
static void
wait_for_jobs(PlanRun *run, WorkerPool *pool, DeployJobKind kind)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *edata = NULL;

	PG_TRY();
	{
		while (!wait_a_while(run, pool, kind))
		{
			show_progress(run, pool);
			run_commit();
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	if (edata)
		cancel_jobs(run, pool, kind, edata);
}

/* Returns why a worker failed, or NULL */
static char *
pool_trouble(const WorkerPool *pool)
{
	ErrorData  *error = worker_pool_error(pool);

	if (error)
		return sg_error_text(error);
	if (worker_pool_started(pool) == 0)
		return "no background worker could be started, all max_worker_processes are in use";
	return NULL;
}

/*
 * Returns the number of workers to start, and for each the number of its own
 * parallel workers: together at most half of max_worker_processes, unless
 * schemaguard.workers is set.
 */
static int
choose_workers(int njobs, int *parallel)
{
	int			most = Max(max_worker_processes / 2, 1);
	int			nworkers = Min(sg_workers, njobs);

	*parallel = max_parallel_maintenance_workers;
	if (sg_find_setting("schemaguard.workers")->source != PGC_S_DEFAULT)
		return nworkers;
	nworkers = Min(nworkers, most);
	*parallel = Min(*parallel, most / Max(nworkers, 1) - 1);
	return nworkers;
}

int
deploy_run_jobs(PlanRun *run, DeployJobKind kind, List *jobs, int lock_timeout, char **trouble)
{
	Size		size;
	int			parallel;
	int			nworkers = choose_workers(list_length(jobs), &parallel);
	JobsShared *shared = share_jobs(run, kind, jobs, lock_timeout, nworkers, &size);
	WorkerPool *pool;
	int			taken = 0;

	shared->parallel_workers = parallel;
	/* commit: from here on we hold nothing that a worker could wait for */
	run_commit();
	sg_progress_step(kind == JOB_VALIDATE || kind == JOB_VALIDATE_PARTITION ?
					 SG_PROGRESS_VALIDATE : SG_PROGRESS_INDEX, 0, InvalidOid);
	sg_progress_phase(SG_PHASE_WORKING);
	pool = worker_pool_start("deploy_worker_main", shared, size, nworkers);
	wait_for_jobs(run, pool, kind);

	*trouble = pool_trouble(pool);
	if (worker_pool_started(pool) > 0)
	{
		shared = worker_pool_argument(pool);
		taken = Min(pg_atomic_read_u32(&shared->next), shared->njobs);
		run->orphan_rows += (int64) pg_atomic_read_u64(&shared->orphan_rows);
		if (pg_atomic_read_u32(&shared->stopped))
			run_stop(run, shared->stop_reason);
	}
	worker_pool_free(pool);

	if (*trouble && taken > 0)
	{
		close_jobs(run);
		run_commit();
		ereport(NOTICE,
				(errmsg("a background worker of plan \"%s\" ended early: %s",
						run->plan->name, *trouble),
				 errhint("CALL again: it takes up what was interrupted.")));
	}
	return taken;
}

ErrorData *
deploy_run_outside(PlanRun *run, const char *statement, RunAction *action)
{
	List	   *jobs = list_make1(list_make1(makeString(pstrdup(statement))));
	Size		size;
	JobsShared *shared = share_jobs(run, JOB_STATEMENT, jobs, sg_lock_budget, 1, &size);
	ErrorData  *error = NULL;
	WorkerPool *pool;
	char	   *trouble;

	run_commit();
	sg_progress_phase(SG_PHASE_WORKING);
	pool = worker_pool_start("deploy_worker_main", shared, size, 1);
	wait_for_jobs(run, pool, JOB_STATEMENT);
	trouble = pool_trouble(pool);
	shared = worker_pool_started(pool) > 0 ? worker_pool_argument(pool) : NULL;
	if (trouble || shared->sqlerrcode)
	{
		error = palloc0(sizeof(ErrorData));
		error->sqlerrcode = trouble ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE : shared->sqlerrcode;
		error->message = trouble ? pstrdup(trouble) : deploy_yield_waited(yield_slots(shared), action, error->sqlerrcode, shared->stop_reason);
	}
	worker_pool_free(pool);
	return error;
}

/* ---- validation ---- */

bool
deploy_wants_parallel(List *steps)
{
	Oid			first = InvalidOid;
	bool		several = false;

	if (sg_workers < 2)
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(PlanStep, step, steps)
	{
		StepView	view;

		if (step->skipped_by || !step->enforced)
			continue;
		deploy_look(step, &view);
		if (view.need != NEED_ADD && view.need != NEED_VALIDATE)
			continue;
		several = OidIsValid(first) && view.key.child != first;
		if (several)
			break;
		first = view.key.child;
	}
	PopActiveSnapshot();
	return several;
}

static void
measure_table(const PlanRun *run, WaitingTable *table)
{
	FormData_pg_class class;

	table->pages = sg_read_class(table->child, &class) ? class.relpages : 0;
	table->priority = PRIORITY_LOW;
	foreach_ptr(PlanStep, step, run->steps)
	{
		if (step->step == linitial_int(table->steps))
			table->priority = step->priority;
	}
}

/* Compares tables by priority, then by size, the largest first, so that workers end together */
static int
compare_tables(const ListCell *a, const ListCell *b)
{
	const WaitingTable *left = lfirst(a);
	const WaitingTable *right = lfirst(b);

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->pages != right->pages)
		return left->pages > right->pages ? -1 : 1;
	return linitial_int(left->steps) < linitial_int(right->steps) ? -1 : 1;
}

/* Returns the jobs of a validation, one per partition tree, in the order of priority */
static List *
validation_jobs(const PlanRun *run, List *tables)
{
	List	   *roots = NIL;
	List	   *jobs = NIL;
	ListCell   *lc;

	foreach(lc, tables)
		measure_table(run, lfirst(lc));
	tables = list_copy(tables);
	list_sort(tables, compare_tables);

	foreach_ptr(WaitingTable, table, tables)
	{
		Oid			root = sg_partition_root(table->child);
		ListCell   *lc2;
		int			n = 0;

		foreach(lc2, roots)
		{
			if (lfirst_oid(lc2) == root)
				break;
			n++;
		}
		if (n == list_length(roots))
		{
			roots = lappend_oid(roots, root);
			jobs = lappend(jobs, list_make1(table->steps));
		}
		else
			lfirst(list_nth_cell(jobs, n)) = lappend(list_nth(jobs, n), table->steps);
	}
	return jobs;
}

/* Returns whether the table is in one of the first n jobs, which were taken */
static bool
is_taken(const WaitingTable *table, List *jobs, int taken)
{
	for (int n = 0; n < taken; n++)
	{
		if (list_member_ptr(list_nth(jobs, n), table->steps))
			return true;
	}
	return false;
}

List *
deploy_validate_parallel(PlanRun *run, List *tables)
{
	List	   *jobs;
	List	   *left = NIL;
	char	   *trouble;
	int			taken;

	if (list_length(tables) < 2)
		return tables;
	PushActiveSnapshot(GetTransactionSnapshot());
	jobs = validation_jobs(run, tables);
	PopActiveSnapshot();
	if (list_length(jobs) < 2)
		return tables;

	taken = deploy_run_jobs(run, JOB_VALIDATE, jobs, 0, &trouble);
	foreach_ptr(WaitingTable, table, tables)
	{
		if (is_taken(table, jobs, taken))
			run->done += list_length(table->steps);
		else
			left = lappend(left, table);
	}
	sg_progress_done(run->done, run->orphan_rows);
	if (left != NIL && sg_tells(SG_VERBOSITY_ALL))
		ereport(NOTICE,
				(errmsg_plural("the keys of %d table are validated in this session: %s",
							   "the keys of %d tables are validated in this session, one table after the other: %s",
							   list_length(left), list_length(left), trouble)));
	return left;
}

int
deploy_validate_partitions(PlanRun *run, int step, List *partitions)
{
	List	   *jobs = NIL;
	char	   *trouble;
	int			taken;
	ListCell   *lc;

	foreach(lc, partitions)
		jobs = lappend(jobs, list_make2_int(step, (int) ((FkPartition *) lfirst(lc))->relid));

	taken = deploy_run_jobs(run, JOB_VALIDATE_PARTITION, jobs, 0, &trouble);
	if (taken < list_length(jobs) && run->stop_reason == NULL && sg_tells(SG_VERBOSITY_ALL))
		ereport(NOTICE,
				(errmsg_plural("the key of %d partition is validated in this session: %s",
							   "the keys of %d partitions are validated in this session, one after the other: %s",
							   list_length(jobs) - taken, list_length(jobs) - taken, trouble)));
	return taken;
}
