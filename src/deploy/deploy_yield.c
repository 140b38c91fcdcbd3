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
 * A build gives way once to each session, and once to all autovacuums, three
 * times in all; then it holds, as CREATE INDEX CONCURRENTLY does, and leaves
 * circles to the server: sessions that come one after another, each with a
 * snapshot that the build has to wait for, would have it begin anew for ever.
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
#include "nodes/pg_list.h"
#include "port/atomics.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "deploy/deploy_index.h"
#include "run/run_lock.h"
#include "worker/worker.h"

/* States of a slot: whether the worker may be cancelled */
enum
{
	SLOT_NO = 0,				/* initial state of shared memory */
	SLOT_YES,
	SLOT_CANCELLING,			/* the leader is cancelling */
	SLOT_CANCELLED,				/* cancelled for others who wait */
	SLOT_STOPPED				/* for good */
};

/* ---- the worker ---- */

void
deploy_yield_reset(DeploySlot *slot)
{
	slot->ngiven = 0;
	slot->nholders = 0;
}

void
deploy_yield_begin(DeploySlot *slot)
{
	pg_atomic_write_u32(&slot->state, SLOT_YES);
}

/* Returns whether the build has given way to this session before */
static bool
gave_way_to(const DeploySlot *slot, const DeployWaiter *waiter)
{
	for (int i = 0; i < slot->ngiven; i++)
	{
		if (waiter->autovacuum ? slot->given[i].autovacuum : slot->given[i].pid == waiter->pid)
			return true;
	}
	return false;
}

DeployYield
deploy_yield_end(DeploySlot *slot)
{
	uint32		state;

	for (;;)
	{
		state = SLOT_YES;
		if (pg_atomic_compare_exchange_u32(&slot->state, &state, SLOT_NO))
			return YIELD_NONE;
		if (state != SLOT_CANCELLING)
			break;
		pg_usleep(100L);
	}
	pg_atomic_write_u32(&slot->state, SLOT_NO);
	QueryCancelPending = false;
	if (state == SLOT_STOPPED)
		return YIELD_STOP;
	slot->given[slot->ngiven++] = slot->waiter;
	return YIELD_WAITER;
}

bool
deploy_yield_holds(const DeploySlot *slot)
{
	return slot->ngiven == DEPLOY_YIELD_TIMES;
}

char *
deploy_yield_text(const DeploySlot *slot)
{
	const DeployWaiter *waiter = &slot->waiter;
	char	   *role = OidIsValid(waiter->role) ? GetUserNameFromId(waiter->role, true) : NULL;

	return psprintf("%s %d%s%s, which waited for %s", waiter->autovacuum ? "autovacuum process" : "process", waiter->pid,
					role ? " of role " : "", role ? quote_identifier(role) : "",
					GetLockmodeName(DEFAULT_LOCKMETHOD, waiter->mode));
}

/* Returns the waiters in the JSON form of run_lock.c's blockers */
char *
deploy_yield_json(const DeploySlot *slot, const char *table)
{
	const DeployWaiter *waiter = &slot->waiter;
	char	   *role = OidIsValid(waiter->role) ? GetUserNameFromId(waiter->role, true) : NULL;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"pid\": %d, ", waiter->pid);
	if (role)
	{
		appendStringInfoString(&json, "\"role\": ");
		escape_json(&json, role);
		appendStringInfoString(&json, ", ");
	}
	appendStringInfo(&json, "\"backend\": \"%s\", \"waits\": \"%s\", \"table\": ",
					 waiter->autovacuum ? "autovacuum worker" : "client backend",
					 GetLockmodeName(DEFAULT_LOCKMETHOD, waiter->mode));
	escape_json(&json, table);
	appendStringInfoChar(&json, '}');
	return json.data;
}

char *
deploy_yield_waited(const DeploySlot *slot, RunAction *action, int sqlerrcode, const char *text)
{
	char	   *who = action == NULL || sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE ? NULL :
		run_lock_holders(action, slot->holders, slot->nholders);

	return who ? psprintf("%s: it has waited for %s", text, who) : pstrdup(text);
}

/* ---- the leader ---- */

/* Returns the processes that a process waits for */
static const int32 *
blockers_of(int pid, int *n)
{
	ArrayType  *blockers = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid)));

	*n = ArrayGetNItems(ARR_NDIM(blockers), ARR_DIMS(blockers));
	return (const int32 *) ARR_DATA_PTR(blockers);
}

/* Cancels a worker that is building, for a session that waits */
static void
give_way(DeploySlot *slot, int pid, const DeployWaiter *waiter)
{
	uint32		expected = SLOT_YES;

	if (!pg_atomic_compare_exchange_u32(&slot->state, &expected, SLOT_CANCELLING))
		return;
	if (deploy_yield_holds(slot) || gave_way_to(slot, waiter))
	{
		pg_atomic_write_u32(&slot->state, SLOT_YES);
		return;
	}
	slot->waiter = *waiter;
	(void) kill(pid, SIGINT);
	pg_atomic_write_u32(&slot->state, SLOT_CANCELLED);
}

/* Cancels a worker that is building, for good */
static bool
stop_worker(DeploySlot *slot, int pid, const char *low)
{
	uint32		expected = SLOT_YES;

	if (!pg_atomic_compare_exchange_u32(&slot->state, &expected, SLOT_CANCELLING))
		return false;
	strlcpy(slot->low, low, DEPLOY_STOP_SIZE);
	(void) kill(pid, SIGINT);
	pg_atomic_write_u32(&slot->state, SLOT_STOPPED);
	return true;
}

/* Cancels the workers that a process waits for */
static void
cancel_blockers(const WorkerPool *pool, DeploySlot *slots, const DeployWaiter *waiter)
{
	int			n;
	const int32 *pids = blockers_of(waiter->pid, &n);

	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);

		for (int j = 0; pid != 0 && j < n; j++)
		{
			if (pids[j] == pid)
				give_way(&slots[i], pid, waiter);
		}
	}
}

void
deploy_yield_note_holders(const WorkerPool *pool, DeploySlot *slots)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard holders",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);
		const volatile PGPROC *proc = pid != 0 ? BackendPidGetProc(pid) : NULL;
		const int32 *pids;
		int			n;

		if (proc == NULL || (proc->wait_event_info & 0xFF000000) != PG_WAIT_LOCK)
			continue;
		pids = blockers_of(pid, &n);

		/*
		 * keep the last holders, which the worker reports if it has waited in
		 * vain
		 */
		if (n == 0)
			continue;
		slots[i].nholders = Min(n, DEPLOY_HOLDERS);
		memcpy(slots[i].holders, pids, sizeof(int) * slots[i].nholders);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
deploy_yield_stop(const WorkerPool *pool, DeploySlot *slots, const char *low)
{
	bool		any = false;

	for (int i = 0; i < worker_pool_started(pool); i++)
	{
		int			pid = worker_pool_pid(pool, i);

		if (pid != 0)
			any |= stop_worker(&slots[i], pid, low);
	}
	return any;
}

void
deploy_yield_look(const WorkerPool *pool, DeploySlot *slots)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard waiters",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	/* glance without a lock: most of the time nobody waits */
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];
		DeployWaiter waiter = {.pid = proc->pid,.autovacuum = (proc->statusFlags & PROC_IS_AUTOVACUUM) != 0,
		.role = proc->roleId,.mode = proc->waitLockMode};

		if (waiter.pid != 0 && proc->databaseId == MyDatabaseId &&
			proc->wait_event_info == (PG_WAIT_LOCK | LOCKTAG_RELATION))
			cancel_blockers(pool, slots, &waiter);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
