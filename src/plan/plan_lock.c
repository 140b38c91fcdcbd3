/*-------------------------------------------------------------------------
 *
 * plan_lock.c
 *	  The run lock of a plan.
 *
 * It is on an object that no SQL command locks: row "id" of the table of
 * plans.  A session's lock shows in pg_locks as locktype object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "base/compat.h"
#include "plan/plan_lock.h"

static void
run_lock_tag(const FkPlan *plan, LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, plan->table, (uint32) plan->id, 0);
}

bool
plan_lock_run(const FkPlan *plan, bool session)
{
	LOCKTAG		tag;

	run_lock_tag(plan, &tag);

	return LockAcquire(&tag, ExclusiveLock, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
plan_unlock_run(const FkPlan *plan)
{
	LOCKTAG		tag;

	run_lock_tag(plan, &tag);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

int
plan_runner_pid(const FkPlan *plan)
{
	LockData   *locks = GetLockStatusData();
	LOCKTAG		tag;

	run_lock_tag(plan, &tag);
	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *lock = &locks->locks[i];

		if (memcmp(&lock->locktag, &tag, sizeof(LOCKTAG)) == 0 &&
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)) != 0)
			return lock->pid;
	}

	return 0;
}

void
plan_in_use(const FkPlan *plan)
{
	int			pid = plan_runner_pid(plan);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("plan \"%s\" is in use by another session", plan->name),
			 pid ? errdetail("The session with process ID %d runs or changes the plan.", pid) :
			 errdetail("Its transaction has ended by now, or is a prepared one."),
			 errhint("Try again when that session is done; schemaguard.progress shows what runs.")));
}

/* A second lock beside it: shared by the workers of whoever runs the plan */
static void
worker_lock_tag(const FkPlan *plan, LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, plan->table, (uint32) plan->id, 1);
}

bool
plan_join_run(const FkPlan *plan, int leader)
{
	LOCKTAG		tag;

	/* in this order: who gets the run lock after us waits for us */
	worker_lock_tag(plan, &tag);
	return LockAcquire(&tag, ShareLock, true, true) != LOCKACQUIRE_NOT_AVAIL &&
		plan_runner_pid(plan) == leader;
}

void
plan_await_workers(const FkPlan *plan)
{
	LOCKTAG		tag;

	worker_lock_tag(plan, &tag);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	(void) LockRelease(&tag, ExclusiveLock, false);
}
