/*-------------------------------------------------------------------------
 *
 * audit_yield.c
 *	  An audit that only reads gives way to whoever waits behind it for longer
 *	  than schemaguard.lock_timeout.
 *
 * ALTER TABLE waits behind the ACCESS SHARE of an audit, and everybody who
 * comes later, a plain SELECT as well, waits behind ALTER TABLE.  A timer
 * therefore looks who waits for ACCESS EXCLUSIVE on a table that the audit has
 * locked, or on an index of one, which nothing but such a lock conflicts with, and cancels the batch.
 * The end of its subtransaction releases the locks.
 *
 * The timer's handler reads shared memory without a lock, as
 * deploy_yield_look() does, and reads no memory that may go: the lock that a
 * process waits for may be another one's by then, but its memory stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "audit/audit_internal.h"
#include "audit/audit_yield.h"
#include "base/compat.h"
#include "base/guc.h"

#define LOOK_MS 50

static TimeoutId timer = MAX_TIMEOUTS;

/*
 * Tables and their indexes that the batch has locked and the transaction had
 * not; the handler reads them
 */
static Oid *volatile locked;
static volatile int nlocked = 0;
static int	room = 0;
static bool looking = false;

/* Session for which the handler has cancelled the batch */
static AuditWaiter waiter;
static volatile sig_atomic_t gave_way = false;

/* ---- the tables ---- */

/* Returns whether the transaction holds a lock on the table or index in any mode */
static bool
holds(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
	{
		if (LockHeldByMe(&tag, mode, false))
			return true;
	}
	return false;
}

void
audit_yield_lock(Oid relid)
{
	if (!looking || holds(relid))
		return;
	if (nlocked == room)
	{
		Oid		   *larger = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * Max(2 * room, 64));
		Oid		   *smaller = locked;

		if (nlocked > 0)
			memcpy(larger, smaller, sizeof(Oid) * nlocked);
		locked = larger;
		room = Max(2 * room, 64);
		if (smaller)
			pfree(smaller);
	}
	locked[nlocked] = relid;
	nlocked++;
}

/*
 * Indexes count, because REINDEX INDEX waits for the index alone, and whoever
 * plans a query of its table waits behind it.
 */
void
audit_yield_indexes(Oid relid)
{
	if (!looking)
		return;
	foreach_oid(index, fk_table_indexes(relid))
	{
		audit_yield_lock(index);
	}
}

/* ---- the timer ---- */

static bool
is_locked(Oid relid)
{
	for (int i = 0; i < nlocked; i++)
	{
		if (locked[i] == relid)
			return true;
	}
	return false;
}

/* Returns whether a process has waited for a table or index of the batch for too long */
static bool
waits_behind(volatile PGPROC *proc, TimestampTz now)
{
	const LOCK *lock = proc->waitLock;
	TimestampTz since = (TimestampTz) pg_atomic_read_u64(&unvolatize(PGPROC *, proc)->waitStart);

	if (lock == NULL || proc->waitLockMode != AccessExclusiveLock || proc->databaseId != MyDatabaseId ||
		since == 0 || now - since < sg_lock_timeout * INT64CONST(1000))
		return false;
	waiter.pid = proc->pid;
	waiter.relid = lock->tag.locktag_field2;
	return lock->tag.locktag_type == LOCKTAG_RELATION && lock->tag.locktag_field1 == MyDatabaseId &&
		waiter.pid != 0 && is_locked(waiter.relid);
}

/* Cancels the batch for a waiting session, unless a user's cancel is pending already */
static void
look(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (gave_way || QueryCancelPending || ProcDiePending)
		return;
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		if (!waits_behind(&ProcGlobal->allProcs[i], now))
			continue;
		gave_way = true;
		InterruptPending = true;
		QueryCancelPending = true;
		SetLatch(MyLatch);
		return;
	}
}

void
audit_yield_begin(void)
{
	nlocked = 0;
	gave_way = false;
	looking = sg_audit_yield && !RecoveryInProgress();
	if (!looking)
		return;
	if (timer == MAX_TIMEOUTS)
		timer = RegisterTimeout(USER_TIMEOUT, look);
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_MS), LOOK_MS);
}

const AuditWaiter *
audit_yield_end(void)
{
	if (!looking)
		return NULL;
	looking = false;
	disable_timeout(timer, false);
	if (!gave_way)
		return NULL;
	/* clear a cancel that the batch did not process before its end */
	QueryCancelPending = false;
	return &waiter;
}

char *
audit_yield_text(const AuditWaiter *whom)
{
	return psprintf("gave way to ACCESS EXCLUSIVE of pid %d", whom->pid);
}
