/*-------------------------------------------------------------------------
 *
 * worker_pool.c
 *	  The leader's side: start workers, listen to them, end them.
 *
 * A worker speaks the wire protocol into a queue: notices are passed on to
 * the client, an error is kept, and a last message says that all went well.
 * One that ends without that has failed, whatever else is known of it.
 *
 * The segment outlives the leader's transactions.  It goes when the pool is
 * freed or the leader's process ends, and with it go the workers: whoever is
 * still there is terminated before the leader lets go of any lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "replication/syncrep.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "worker/worker.h"
#include "worker/worker_internal.h"

/* Time for a cancelled worker to end by itself, and for a terminated one */
#define CANCEL_MS 5000
#define TERMINATE_MS 20000
#define LOOK_MS 100

/* Time without a process for a worker after which the client is told */
#define START_MS 5000

typedef struct PoolWorker
{
	BackgroundWorkerHandle *handle;
	shm_mq_handle *queue;
	bool		detached;		/* the worker sends nothing any more */
	bool		ended;			/* the worker's process is gone */
	bool		done;			/* the worker has reported success */
	ErrorData  *error;
} PoolWorker;

struct WorkerPool
{
	MemoryContext context;		/* survives the portal, for terminate_all() */
	dsm_segment *segment;		/* NULL: no shared memory yet */
	ErrorData  *error;			/* why not */
	int			nworkers;
	PoolWorker *workers;
	List	   *sent;			/* of char * */
	TimestampTz registered_at;
	bool		told;			/* the client was told that workers wait to be
								 * started */
};

/* ---- start ---- */

/* Argument of create_segment(), which runs in a subtransaction */
typedef struct SegmentArg
{
	WorkerPool *pool;
	const void *argument;
	Size		size;
	int			nworkers;
} SegmentArg;

static void
create_segment(void *p)
{
	SegmentArg *arg = p;
	Size		settings_size = EstimateGUCStateSpace();
	WorkerShared layout = {0};
	WorkerShared *shared;
	dsm_segment *segment;

	layout.argument = MAXALIGN(sizeof(WorkerShared));
	layout.settings = layout.argument + MAXALIGN(arg->size);
	layout.queues = layout.settings + MAXALIGN(settings_size);
	segment = dsm_create(layout.queues + mul_size(arg->nworkers, WORKER_QUEUE_SIZE), 0);
	shared = dsm_segment_address(segment);
	*shared = layout;
	memcpy((char *) shared + shared->argument, arg->argument, arg->size);
	SerializeGUCState(settings_size, (char *) shared + shared->settings);

	dsm_pin_mapping(segment);
	arg->pool->segment = segment;
}

/* Terminates all workers when the segment goes, so that none outlives it.  The leader may be exiting. */
static void
terminate_all(dsm_segment *segment, Datum arg)
{
	WorkerPool *pool = (WorkerPool *) DatumGetPointer(arg);

	for (int i = 0; i < pool->nworkers; i++)
	{
		if (!pool->workers[i].ended)
			TerminateBackgroundWorker(pool->workers[i].handle);
	}
}

/* Starts another worker; returns false if the server has no slot */
static bool
start_worker(WorkerPool *pool)
{
	WorkerShared *shared = dsm_segment_address(pool->segment);
	BackgroundWorker bgw;
	PoolWorker *worker = &pool->workers[pool->nworkers];
	shm_mq	   *queue = shm_mq_create(worker_queue(shared, pool->nworkers), WORKER_QUEUE_SIZE);

	memset(&bgw, 0, sizeof(bgw));
	bgw.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	bgw.bgw_start_time = BgWorkerStart_RecoveryFinished;
	bgw.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(bgw.bgw_library_name, sizeof(bgw.bgw_library_name), WORKER_LIBRARY);
	snprintf(bgw.bgw_function_name, sizeof(bgw.bgw_function_name), "worker_main");
	snprintf(bgw.bgw_name, sizeof(bgw.bgw_name), "schemaguard worker for PID %d", MyProcPid);
	snprintf(bgw.bgw_type, sizeof(bgw.bgw_type), "schemaguard worker");
	bgw.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(pool->segment));
	bgw.bgw_notify_pid = MyProcPid;
	memcpy(bgw.bgw_extra, &pool->nworkers, sizeof(int));

	shm_mq_set_receiver(queue, MyProc);
	if (!RegisterDynamicBackgroundWorker(&bgw, &worker->handle))
		return false;
	pool->nworkers++;
	worker->queue = shm_mq_attach(queue, pool->segment, worker->handle);
	return true;
}

WorkerPool *
worker_pool_start(const char *function, const void *argument, Size size, int nworkers)
{
	return worker_pool_start_in(MyDatabaseId, function, argument, size, nworkers);
}

WorkerPool *
worker_pool_start_in(Oid database, const char *function, const void *argument, Size size, int nworkers)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "schemaguard workers",
												  ALLOCSET_SMALL_SIZES);
	WorkerPool *pool = MemoryContextAllocZero(context, sizeof(WorkerPool));
	SegmentArg	arg = {pool, argument, size, nworkers};
	WorkerShared *shared;
	MemoryContext old;

	pool->context = context;
	pool->workers = MemoryContextAllocZero(context, sizeof(PoolWorker) * Max(nworkers, 1));
	pool->error = sg_try(create_segment, &arg);
	if (pool->error)
	{
		if (sg_is_cancel(pool->error))
		{
			ErrorData  *edata = pool->error;

			MemoryContextDelete(context);
			ReThrowError(edata);
		}
		return pool;
	}

	on_dsm_detach(pool->segment, terminate_all, PointerGetDatum(pool));
	shared = dsm_segment_address(pool->segment);
	strlcpy(shared->version, SG_VERSION, sizeof(shared->version));
	shared->database = database;
	shared->encoding = GetDatabaseEncoding();
	shared->login = GetAuthenticatedUserId();
	shared->role = GetUserId();
	shared->leader_pid = MyProcPid;
	strlcpy(shared->function, function, sizeof(shared->function));
	old = MemoryContextSwitchTo(context);
	pool->registered_at = GetCurrentTimestamp();
	while (pool->nworkers < nworkers && start_worker(pool))
		;
	MemoryContextSwitchTo(old);
	return pool;
}

int
worker_pool_started(const WorkerPool *pool)
{
	return pool->nworkers;
}

void *
worker_pool_argument(const WorkerPool *pool)
{
	WorkerShared *shared = dsm_segment_address(pool->segment);

	return (char *) shared + shared->argument;
}

/* ---- listen ---- */

static void
take_message(WorkerPool *pool, PoolWorker *worker, void *data, Size size)
{
	MemoryContext old = MemoryContextSwitchTo(pool->context);
	ErrorData  *edata;
	StringInfoData message;
	char		type;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, (int) size);
	type = pq_getmsgbyte(&message);
	if (type == WORKER_MESSAGE_DONE)
		worker->done = true;
	else if (type == WORKER_MESSAGE_TEXT)
		pool->sent = lappend(pool->sent, pstrdup(pq_getmsgrawstring(&message)));
	else if (type == WORKER_MESSAGE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schemaguard library was replaced: this session has version %s, and background workers have version %s",
						SG_VERSION, pq_getmsgrawstring(&message)),
				 errhint("Reconnect, and call again.")));
	else if (type == 'E' || type == 'N')
	{
		edata = palloc0(sizeof(ErrorData));
		pq_parse_errornotice(&message, edata);
		MemoryContextSwitchTo(old);
		if (type == 'E')
			worker->error = edata;
		else
			ThrowErrorData(edata);
	}
	MemoryContextSwitchTo(old);
}

/* Reads a worker's messages, and notices its end */
static void
listen_to(WorkerPool *pool, PoolWorker *worker)
{
	pid_t		pid;

	while (!worker->detached)
	{
		Size		size;
		void	   *data;
		shm_mq_result result = shm_mq_receive(worker->queue, &size, &data, true);

		if (result == SHM_MQ_WOULD_BLOCK)
			return;
		if (result == SHM_MQ_DETACHED)
			worker->detached = true;
		else
			take_message(pool, worker, data, size);
	}

	/* a worker holds its locks until its process is gone */
	if (!worker->ended && GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED)
		worker->ended = true;
}

static bool
all_ended(WorkerPool *pool)
{
	bool		ended = true;

	for (int i = 0; i < pool->nworkers; i++)
	{
		listen_to(pool, &pool->workers[i]);
		ended = ended && pool->workers[i].ended;
	}
	return ended;
}

/*
 * Tells once, by NOTICE, of workers that have a slot but no process: the
 * postmaster is busy, or can't fork
 */
static void
tell_of_start(WorkerPool *pool)
{
	int			waiting = 0;

	if (pool->told || GetCurrentTimestamp() < pool->registered_at + START_MS * INT64CONST(1000))
		return;
	for (int i = 0; i < pool->nworkers; i++)
	{
		pid_t		pid;

		if (GetBackgroundWorkerPid(pool->workers[i].handle, &pid) == BGWH_NOT_YET_STARTED)
			waiting++;
	}
	pool->told = true;
	if (waiting > 0)
		sg_tell_and_log(true, psprintf("%d of %d background workers not started after %d s: the server is busy",
									   waiting, pool->nworkers, START_MS / 1000), NULL, NULL);
}

bool
worker_pool_wait(WorkerPool *pool, long timeout)
{
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	for (;;)
	{
		instr_time	waited;
		long		left;

		CHECK_FOR_INTERRUPTS();
		if (all_ended(pool))
			return true;
		tell_of_start(pool);
		INSTR_TIME_SET_CURRENT(waited);
		INSTR_TIME_SUBTRACT(waited, start);
		left = timeout - (long) INSTR_TIME_GET_MILLISEC(waited);
		if (left <= 0)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

int
worker_pool_pid(const WorkerPool *pool, int n)
{
	pid_t		pid;

	if (n >= pool->nworkers || pool->workers[n].ended ||
		GetBackgroundWorkerPid(pool->workers[n].handle, &pid) != BGWH_STARTED)
		return 0;
	return (int) pid;
}

ErrorData *
worker_pool_error(const WorkerPool *pool)
{
	static ErrorData silence = {
		.elevel = ERROR,
		.sqlerrcode = ERRCODE_CONNECTION_FAILURE,
		.domain = TEXTDOMAIN,
		.message = "the worker ended without a word",
	};

	for (int i = 0; i < pool->nworkers; i++)
	{
		if (!pool->workers[i].done)
			return pool->workers[i].error ? pool->workers[i].error : &silence;
	}
	return pool->error;
}

List *
worker_pool_sent(const WorkerPool *pool)
{
	return pool->sent;
}

/* ---- end ---- */

static bool
wait_uninterrupted(WorkerPool *pool, long timeout)
{
	bool		ended;

	HOLD_INTERRUPTS();
	ended = worker_pool_wait(pool, timeout);
	RESUME_INTERRUPTS();
	return ended;
}

/*
 * Terminates cancelled workers that wait for a synchronous standby: a cancel
 * would end that wait, but not the worker's work
 */
static void
terminate_waiting(WorkerPool *pool)
{
	for (int i = 0; i < pool->nworkers; i++)
	{
		PGPROC	   *proc = BackendPidGetProc(worker_pool_pid(pool, i));

		if (proc && proc->syncRepState == SYNC_REP_WAITING)
			TerminateBackgroundWorker(pool->workers[i].handle);
	}
}

void
worker_pool_stop(WorkerPool *pool)
{
	if (all_ended(pool))
		return;

	/* a process that the postmaster has not reaped yet still has its PID */
	for (int i = 0; i < pool->nworkers; i++)
	{
		PoolWorker *worker = &pool->workers[i];
		pid_t		pid;
		BgwHandleStatus status = GetBackgroundWorkerPid(worker->handle, &pid);

		if (status == BGWH_STARTED)
			(void) kill(pid, SIGINT);
		else if (status == BGWH_NOT_YET_STARTED)
			TerminateBackgroundWorker(worker->handle);
	}
	for (int ms = 0; ms < CANCEL_MS; ms += LOOK_MS)
	{
		if (wait_uninterrupted(pool, LOOK_MS))
			return;
		terminate_waiting(pool);
	}

	for (int i = 0; i < pool->nworkers; i++)
	{
		if (!pool->workers[i].ended)
			TerminateBackgroundWorker(pool->workers[i].handle);
	}
	(void) wait_uninterrupted(pool, TERMINATE_MS);
}

void
worker_pool_free(WorkerPool *pool)
{
	if (pool->segment)
		dsm_detach(pool->segment);
	MemoryContextDelete(pool->context);
}
