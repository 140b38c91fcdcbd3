/*-------------------------------------------------------------------------
 *
 * deploy_yield.c
 *	  A build of an index gives way to whoever waits for a lock of it, and ends
 *	  when the server is low on space.
 *
 * CREATE INDEX CONCURRENTLY waits for transactions that wrote to the table, or
 * hold an old snapshot.  One of them that now wants to alter or analyze the
 * table waits for the build in turn, and if its deadlock_timeout ends first,
 * the server makes it the victim.  No setting of ours prevents that: each of
 * the two looks for a deadlock but once.  So the leader looks, again and
 * again, and cancels the worker before the circle closes, or at least before
 * deadlock_timeout (from 200 ms on) has passed since.
 *
 * Nor may a cancel hit what the worker does next: it goes out only while the
 * slot that the two share says so, and the worker, once it is done, waits for
 * one that is on its way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "deploy/deploy_index.h"
#include "worker/worker.h"

/* What a slot says: may the worker be cancelled? */
enum
{
	SLOT_NO = 0,				/* as shared memory begins */
	SLOT_YES,
	SLOT_CANCELLING,			/* the leader is at it */
	SLOT_CANCELLED,				/* for others who wait */
	SLOT_STOPPED				/* for good */
};

/* ---- the worker ---- */

void
deploy_yield_begin(pg_atomic_uint32 *slot)
{
	pg_atomic_write_u32(slot, SLOT_YES);
}

DeployYield
deploy_yield_end(pg_atomic_uint32 *slot)
{
	uint32		expected = SLOT_YES;
	uint32		state;

	if (pg_atomic_compare_exchange_u32(slot, &expected, SLOT_NO))
		return YIELD_NONE;
	while ((state = pg_atomic_read_u32(slot)) == SLOT_CANCELLING)
		pg_usleep(100L);
	pg_atomic_write_u32(slot, SLOT_NO);
	QueryCancelPending = false;
	return state == SLOT_STOPPED ? YIELD_STOP : YIELD_WAITER;
}

/* ---- the leader ---- */

/* Cancels a worker, unless it is not at a build; outcome: the state that says why */
static bool
cancel_worker(pg_atomic_uint32 *slot, int pid, uint32 outcome)
{
	uint32		expected = SLOT_YES;

	if (!pg_atomic_compare_exchange_u32(slot, &expected, SLOT_CANCELLING))
		return false;
	(void) kill(pid, SIGINT);
	pg_atomic_write_u32(slot, outcome);
	return true;
}

/* Those of the workers that a process waits for */
static void
cancel_blockers(const WorkerPool *pool, pg_atomic_uint32 *slots, int waiter)
{
	ArrayType  *blockers = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
																  Int32GetDatum(waiter)));
	const int32 *pids = (const int32 *) ARR_DATA_PTR(blockers);
	int			n = ArrayGetNItems(ARR_NDIM(blockers), ARR_DIMS(blockers));

	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);

		for (int j = 0; pid != 0 && j < n; j++)
		{
			if (pids[j] == pid)
				(void) cancel_worker(&slots[i], pid, SLOT_CANCELLED);
		}
	}
}

bool
deploy_yield_stop(const WorkerPool *pool, pg_atomic_uint32 *slots)
{
	bool		any = false;

	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);

		if (pid != 0)
			any |= cancel_worker(&slots[i], pid, SLOT_STOPPED);
	}
	return any;
}

void
deploy_yield_look(const WorkerPool *pool, pg_atomic_uint32 *slots)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard waiters",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	/* a glance that takes no lock, as most of the time nobody waits */
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];
		int			pid = proc->pid;

		if (pid != 0 && proc->databaseId == MyDatabaseId &&
			proc->wait_event_info == (PG_WAIT_LOCK | LOCKTAG_RELATION))
			cancel_blockers(pool, slots, pid);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
