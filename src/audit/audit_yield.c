/*-------------------------------------------------------------------------
 *
 * audit_yield.c
 *	  An audit stops for whoever waits behind it, and for want of disk space.
 *
 * ALTER TABLE waits behind the ACCESS SHARE of an audit, and everybody who
 * comes later, a plain SELECT as well, waits behind ALTER TABLE.  A timer
 * therefore looks who waits for ACCESS EXCLUSIVE on a table that the audit has
 * locked, or on an index of one, which nothing but such a lock conflicts with,
 * for longer than schemaguard.lock_timeout, and cancels the batch.
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
#include "base/disk.h"
#include "base/errors.h"
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
static int	waiting_pid;
static Oid	awaited;
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

static void
add(Oid relid)
{
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

void
audit_yield_lock(Oid relid)
{
	if (looking && !holds(relid))
		add(relid);
}

void
audit_yield_locked(List *relids)
{
	foreach_oid(relid, looking ? relids : NIL)
	{
		add(relid);
	}
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
	waiting_pid = proc->pid;
	awaited = lock->tag.locktag_field2;
	return lock->tag.locktag_type == LOCKTAG_RELATION && lock->tag.locktag_field1 == MyDatabaseId &&
		waiting_pid != 0 && is_locked(awaited);
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

char *
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
	return psprintf("gave way to ACCESS EXCLUSIVE of pid %d", waiting_pid);
}

/* ---- an audit ---- */

/* Runs an audit on a standby, where its error ends the call */
static void
run_on_standby(void (*fn) (void *arg), void *arg)
{
	bool		watches = sg_disk_watch_spills();

	PG_TRY();
	{
		fn(arg);
	}
	PG_CATCH();
	{
		if (watches && sg_disk_watch_end() && geterrcode() == ERRCODE_QUERY_CANCELED)
		{
			FlushErrorState();
			ereport(ERROR,
					(errcode(ERRCODE_DISK_FULL),
					 errmsg("the audit was cancelled: its temporary files leave less space free than schemaguard.min_free_disk"),
					 errhint("More memory takes fewer files:\nSET schemaguard.audit_memory = '1GB';")));
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watches)
		(void) sg_disk_watch_end();
}

ErrorData *
audit_run(void (*fn) (void *arg), void *arg, bool yields, AuditStop *stop)
{
	ErrorData  *error;
	char	   *reason;
	bool		watches;

	memset(stop, 0, sizeof(AuditStop));
	if (RecoveryInProgress())
	{
		/* no subtransaction: a recovery conflict in it would be FATAL */
		run_on_standby(fn, arg);
		return NULL;
	}

	watches = sg_disk_watch_spills();
	if (yields)
		audit_yield_begin();
	error = sg_try_undo(fn, arg);
	reason = audit_yield_end();
	if (reason && error && sg_is_cancel(error))
	{
		stop->reason = reason;
		stop->relid = awaited;
	}
	if (watches && sg_disk_watch_end() && error && sg_is_cancel(error) && stop->reason == NULL)
		stop->reason = psprintf("it was cancelled because of its temporary files: %s", sg_disk_watch_text());
	return error;
}
