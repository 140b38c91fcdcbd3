/*-------------------------------------------------------------------------
 *
 * plan_lock.c
 *	  Locks on plans and their surroundings.  They are on objects that no SQL
 *	  command locks: mostly rows of the table of plans. pg_locks shows them
 *	  with locktype object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "base/compat.h"
#include "plan/plan_lock.h"

static void
lock_tag(LOCKTAG *tag, PlanLock lock, Oid table, uint32 id)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, table, id, lock);
}

bool
plan_lock(PlanLock lock, Oid table, uint32 id, bool session)
{
	LOCKTAG		tag;

	lock_tag(&tag, lock, table, id);
	return LockAcquire(&tag, ExclusiveLock, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
plan_unlock(PlanLock lock, Oid table, uint32 id)
{
	LOCKTAG		tag;

	lock_tag(&tag, lock, table, id);
	/* a rollback has released the session's locks as well */
	if (LockHeldByMe(&tag, ExclusiveLock, false))
		(void) LockRelease(&tag, ExclusiveLock, true);
}

bool
plan_lock_run(const FkPlan *plan, bool session)
{
	return plan_lock(PLAN_LOCK_RUN, plan->table, plan->id, session);
}

void
plan_unlock_run(const FkPlan *plan)
{
	plan_unlock(PLAN_LOCK_RUN, plan->table, plan->id);
}

int
plan_lock_pid(PlanLock kind, Oid table, uint32 id)
{
	LockData   *locks = GetLockStatusData();
	LOCKTAG		tag;

	lock_tag(&tag, kind, table, id);
	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *lock = &locks->locks[i];

		if (memcmp(&lock->locktag, &tag, sizeof(LOCKTAG)) == 0 &&
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)) != 0)
			return lock->pid;
	}

	return 0;
}

int
plan_runner_pid(const FkPlan *plan)
{
	return plan_lock_pid(PLAN_LOCK_RUN, plan->table, plan->id);
}

void
plan_in_use(const FkPlan *plan)
{
	int			pid = plan_runner_pid(plan);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("plan \"%s\" is in use by another session", plan->name),
			 pid ? errdetail("The session with process ID %d runs or changes the plan. pg_cancel_backend(%d) ends it; what it has done stays done.", pid, pid) :
			 errdetail("Its transaction has ended by now, or is a prepared one."),
			 pid ? errhint("Try again when that session is done. How far it is, and whether it pauses (phase throttled):\n"
						   "SELECT * FROM schemaguard.progress WHERE pid = %d;", pid) :
			 errhint("Try again when that session is done. What runs:\nSELECT * FROM schemaguard.progress;")));
}

bool
plan_join_run(const FkPlan *plan, int leader)
{
	LOCKTAG		tag;

	/*
	 * in this order, because the next holder of the run lock waits for the
	 * workers' lock
	 */
	lock_tag(&tag, PLAN_LOCK_WORKERS, plan->table, plan->id);
	return LockAcquire(&tag, ShareLock, true, true) != LOCKACQUIRE_NOT_AVAIL &&
		plan_runner_pid(plan) == leader;
}

void
plan_await_workers(const FkPlan *plan)
{
	LOCKTAG		tag;

	lock_tag(&tag, PLAN_LOCK_WORKERS, plan->table, plan->id);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	(void) LockRelease(&tag, ExclusiveLock, false);
}
