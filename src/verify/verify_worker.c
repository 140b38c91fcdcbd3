/*-------------------------------------------------------------------------
 *
 * verify_worker.c
 *	  Live tests of many keys, in background workers.
 *
 * Each attempt is a subtransaction with a transaction ID of its own.  Past 64
 * of them in one transaction every standby looks the rest up in pg_subtrans,
 * and the transaction's own ID keeps VACUUM from its work until the last key
 * is done.  A worker tries each key in a transaction of its own.
 *
 * A worker sees nothing that the caller has not committed, and would wait for
 * the caller's locks, which nobody would see as a deadlock.  It logs in as the
 * caller did and does SET ROLE, so it is no place for the current role of a
 * SECURITY DEFINER function, whose code could then RESET ROLE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "run/run_unit.h"
#include "verify/verify.h"
#include "worker/worker.h"

/* Number of keys that the session tries itself, and that each further worker gets */
#define KEYS_OF_SESSION 6

#define LOOK_MS 100

typedef struct KeyToTry
{
	Oid			conid;
	int			step;			/* step of the plan, or 0 */
} KeyToTry;

typedef struct VerifyShared
{
	pg_atomic_uint32 next;		/* next key to take */
	pg_atomic_uint32 done;
	int			nkeys;
	int			plan;			/* offset of the plan's name, or 0 */
	KeyToTry	keys[FLEXIBLE_ARRAY_MEMBER];
} VerifyShared;

PGDLLEXPORT void verify_worker_main(void *argument);

/* ---- the worker ---- */

typedef struct WorkerTry
{
	const VerifyShared *shared;
	int			n;				/* of the key */
	VerifyKeys *declared;		/* all keys of this database */
	MemoryContext context;		/* context that survives transactions */
} WorkerTry;

static void
read_declared(void *arg)
{
	WorkerTry  *wt = arg;

	MemoryContextSwitchTo(wt->context);
	wt->declared = verify_keys(fk_declared(InvalidOid));
}

static VerifyKey *
find_key(const WorkerTry *wt, const KeyToTry *wanted)
{
	const char *plan = wt->shared->plan ? (const char *) wt->shared + wt->shared->plan : NULL;
	PlanStep   *step = plan ? plan_step_get(plan, wanted->step, true) : NULL;
	FkKey	   *key = plan ? NULL : fk_by_oid(wanted->conid);
	VerifyKey  *vk = step ? verify_step(step) : key ? verify_declared(key) : NULL;

	return vk && vk->key && vk->key->conid == wanted->conid ? vk : NULL;
}

/*
 * Tries one key and sends the verdicts to the leader: number of the key,
 * result, ms; observed and reason, each behind a tab, if present
 */
static void
try_key(void *arg)
{
	static char activity[4 * NAMEDATALEN];
	const WorkerTry *wt = arg;
	VerifyKey  *vk = find_key(wt, &wt->shared->keys[wt->n]);
	TimestampTz start = GetCurrentTimestamp();

	if (vk == NULL)
		return;
	vk->tests = NIL;
	snprintf(activity, sizeof(activity), "schemaguard: trying keys of %s", sg_relation_name(vk->key->child));
	worker_report_activity(activity);
	verify_live_begin();
	verify_live(vk, wt->declared);
	foreach_ptr(const VerifyTest, test, vk->tests)
		worker_send(psprintf("%d %d %.3f\t%s\t%s", wt->n, (int) test->result, run_elapsed(start),
							 test->observed ? test->observed : "", test->reason ? test->reason : ""));
}

/* Entry point of a worker, which takes keys until none is left */
void
verify_worker_main(void *argument)
{
	VerifyShared *shared = argument;
	WorkerTry	wt = {.shared = shared};

	wt.context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard verify worker", ALLOCSET_DEFAULT_SIZES);
	worker_procedure(read_declared, &wt);
	for (;;)
	{
		wt.n = (int) pg_atomic_fetch_add_u32(&shared->next, 1);
		if (wt.n >= shared->nkeys)
			break;
		worker_procedure(try_key, &wt);
		pg_atomic_fetch_add_u32(&shared->done, 1);
	}
}

/* ---- the leader ---- */

/*
 * Returns whether this session holds a table lock that an attempt could wait
 * for; ROW EXCLUSIVE without changed rows is none.
 */
static bool
holds_locks(void)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		if (lock->pid == MyProcPid && lock->locktag.locktag_type == LOCKTAG_RELATION &&
			lock->holdMask >= LOCKBIT_ON(ShareUpdateExclusiveLock))
			return true;
	}
	return false;
}

/* Returns why no worker can try keys, or NULL */
static const char *
no_worker_reason(void)
{
	if (sg_workers == 0)
		return "schemaguard.workers is 0";
	if (InLocalUserIdChange() || InSecurityRestrictedOperation())
		return "a worker can't become the role of a SECURITY DEFINER function";
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return "this transaction has written, and a worker would not see that";
	if (holds_locks())
		return "this transaction holds locks, for which a worker would wait";
	return NULL;
}

static bool
is_temporary(Oid relid)
{
	return sg_rel_persistence(relid) == RELPERSISTENCE_TEMP;
}

/* Returns the keys that workers can try */
static List *
keys_to_try(List *keys)
{
	List	   *wanted = NIL;

	foreach_ptr(VerifyKey, vk, keys)
	{
		if (vk->change == NULL && vk->key && verify_live_tries(vk) && !is_temporary(vk->key->child) && !is_temporary(vk->key->parent))
			wanted = lappend(wanted, vk);
	}
	return wanted;
}

static VerifyShared *
share_keys(const FkPlan *plan, List *keys, Size *size)
{
	Size		keys_size = offsetof(VerifyShared, keys) + sizeof(KeyToTry) * list_length(keys);
	VerifyShared *shared;

	*size = keys_size + (plan ? strlen(plan->name) + 1 : 0);
	shared = palloc0(*size);
	pg_atomic_init_u32(&shared->next, 0);
	pg_atomic_init_u32(&shared->done, 0);
	foreach_ptr(const VerifyKey, vk, keys)
	{
		shared->keys[shared->nkeys].conid = vk->key->conid;
		shared->keys[shared->nkeys++].step = vk->step;
	}
	if (plan)
	{
		shared->plan = (int) keys_size;
		strcpy((char *) shared + keys_size, plan->name);
	}
	return shared;
}

/* Reads a verdict that try_key() has sent */
static void
take_verdict(List *keys, const char *text)
{
	char	   *end;
	VerifyKey  *vk = list_nth(keys, (int) strtol(text, &end, 10));
	AuditResult result = (AuditResult) strtol(end, &end, 10);
	const char *observed = strchr(text, '\t') + 1;
	const char *reason = strchr(observed, '\t') + 1;
	int			n = (int) (reason - observed) - 1;

	vk->live_ms = strtod(end, NULL);
	verify_add_live(vk, vk->tried++, n > 0 ? pnstrdup(observed, n) : NULL, result, reason[0] ? pstrdup(reason) : NULL);
}

/* Waits for all workers; returns why one ended early, or NULL */
static char *
run_pool(VerifyShared *shared, Size size, List *keys)
{
	int			nworkers = Min(sg_workers, (list_length(keys) + KEYS_OF_SESSION - 1) / KEYS_OF_SESSION);
	WorkerPool *pool = worker_pool_start("verify_worker_main", shared, size, nworkers);
	char	   *trouble = NULL;

	PG_TRY();
	{
		ErrorData  *error;

		while (!worker_pool_wait(pool, LOOK_MS))
			sg_progress_done(pg_atomic_read_u32(&((VerifyShared *) worker_pool_argument(pool))->done), 0);
		error = worker_pool_error(pool);
		foreach_ptr(const char, text, worker_pool_sent(pool))
			take_verdict(keys, text);
		if (error)
			trouble = pstrdup(sg_error_text(error));
		else if (worker_pool_started(pool) == 0)
			trouble = "no background worker could be started, all max_worker_processes are in use";
	}
	PG_FINALLY();
	{
		worker_pool_stop(pool);
		worker_pool_free(pool);
	}
	PG_END_TRY();
	return trouble;
}

const char *
verify_by_workers(const FkPlan *plan, List *keys)
{
	List	   *wanted = keys_to_try(keys);
	const char *reason;
	VerifyShared *shared;
	Size		size;

	if (list_length(wanted) <= KEYS_OF_SESSION)
		return NULL;
	reason = no_worker_reason();
	if (reason)
		return reason;
	shared = share_keys(plan, wanted, &size);
	reason = run_pool(shared, size, wanted);
	/* a key that no worker has begun is left for the session */
	foreach_ptr(VerifyKey, vk, wanted)
	{
		if (vk->tried > 0 || reason == NULL)
			verify_leave_live(vk, reason ? reason : "the key was dropped meanwhile");
	}
	return reason;
}
