/*-------------------------------------------------------------------------
 *
 * run_deed.c
 *	  Looks that a deed may trust.
 *
 *	  The owner of a table can give it a trigger, an index or a child at any
 *	  moment, also between a look that found nothing and the deed that the
 *	  look was for.  So the function that does a deed takes its own look, and
 *	  each table is locked before the look reads anything about it.
 *
 *	  Deeds that look at the same tables in different orders would deadlock.
 *	  One that was looked at before locks the tables of that look first, in
 *	  the order of their OIDs.
 *
 *	  The body of a function can be replaced under any lock, and so can the
 *	  CHECK of a domain.  These are judged by their owners (code.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit_yield.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/hold.h"
#include "base/made.h"
#include "base/quote.h"
#include "base/spi.h"
#include "run/run_deed.h"
#include "run/run_lock.h"

struct LookedTable
{
	Oid			relid;
	Oid			named;			/* see CodeLock */
};

/* A deed under way */
typedef struct Deed
{
	RunAction  *action;
	Oid			caller;			/* the deed's statements may be analysed as
								 * another role */
	bool		reads;			/* the deed only reads */
	bool		is_weak;		/* a lock is too weak to keep others from
								 * planting code */
	List	   *schemas;		/* OIDs of schemas that cannot be renamed
								 * meanwhile */
	List	  **tables;			/* receives the tables that it looks at
								 * (LookedTable *), or NULL */
	const List *first;			/* tables to lock before the look */
	MemoryContext context;		/* memory context of these lists */
	void		(*fn) (void *arg);
	void	   *arg;
} Deed;

/*
 * Returns whether the caller may lock the table as LOCK TABLE would: only then
 * may the caller hold up its owner's VACUUM.
 */
static bool
may_keep_still(Oid relid, Oid caller)
{
	return sg_owns_relation(relid, caller) ||
		pg_class_aclmask(relid, caller, ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE, ACLMASK_ANY) != 0;
}

LOCKMODE
run_deed_mode(Oid relid)
{
	return may_keep_still(relid, GetUserId()) ? ShareUpdateExclusiveLock : RowExclusiveLock;
}

/*
 * Returns the weakest sufficient lock mode, or the deed's own mode if stronger.
 * The locks of code_write_lock() are for rows that the deed changes, with a
 * privilege that its look has checked.
 */
static LOCKMODE
mode_for(const Deed *deed, Oid named, LOCKMODE own)
{
	if (deed->reads)
		return AccessShareLock;
	if (own != ShareUpdateExclusiveLock && !may_keep_still(named, deed->caller))
		return own == RowExclusiveLock ? RowExclusiveLock : AccessShareLock;
	if (own < ShareUpdateExclusiveLock)
		return ShareUpdateExclusiveLock;

	/*
	 * SHARE allows index builds but excludes writers: take a mode that
	 * excludes both
	 */
	return own == ShareLock ? ShareRowExclusiveLock : own;
}

/*
 * Returns whether a held lock excludes all that this mode would.  Then no other
 * is requested, because that could queue behind a session that waits for the
 * first.
 */
static bool
is_covered(Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE held = mode; held <= AccessExclusiveLock; held++)
	{
		/* SHARE is higher by number, but does not exclude itself */
		if (held == ShareLock && mode == ShareUpdateExclusiveLock)
			continue;
		if (LockHeldByMe(&tag, held, false))
			return true;
	}
	return false;
}

bool
run_deed_holds(Oid relid)
{
	return is_covered(relid, AccessShareLock);
}

/* Returns whether another role could plant code on a table that is only read */
static bool
is_of_another(Oid relid, Oid caller)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	/* the next look reports a dropped table */
	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner != caller && !superuser_arg(owner);
}

/*
 * Raises 42501 for inserts into a partitioned table of another role, which
 * could add partitions with triggers under the lock that INSERT takes
 */
static void
check_no_new_partition(Oid relid, Oid caller)
{
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE && is_of_another(relid, caller))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s may not keep partitions away from table %s while rows go into it",
						sg_role_name(caller), sg_relation_name(relid)),
				 errhint("Let the owner of the table grant UPDATE, DELETE or TRUNCATE on it, or run the plan.")));
}

/* Holds the name of a schema, once each */
static void
hold_schema(Deed *deed, Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	MemoryContext old;

	if (list_member_oid(deed->schemas, schema))
		return;
	sg_hold_schema(schema);
	old = MemoryContextSwitchTo(deed->context);
	deed->schemas = lappend_oid(deed->schemas, schema);
	MemoryContextSwitchTo(old);
}

/* Adds a table that the deed looks at, once each */
static void
add_table(Deed *deed, Oid relid, Oid named)
{
	MemoryContext old;
	LookedTable *table;

	foreach_ptr(const LookedTable, known, *deed->tables)
	{
		if (known->relid == relid)
			return;
	}
	old = MemoryContextSwitchTo(deed->context);
	table = palloc(sizeof(LookedTable));
	table->relid = relid;
	table->named = named;
	*deed->tables = lappend(*deed->tables, table);
	MemoryContextSwitchTo(old);
}

static void
lock_reached(Oid relid, Oid named, LOCKMODE own, void *lock_arg)
{
	Deed	   *deed = lock_arg;
	LOCKMODE	mode = mode_for(deed, named, own);

	if (mode == RowExclusiveLock)
		check_no_new_partition(relid, deed->caller);
	if (deed->reads)
		audit_yield_lock(relid);
	if (!is_covered(relid, mode))
		run_lock_reached(deed->action, relid, named, mode);
	hold_schema(deed, relid);
	if (deed->tables)
		add_table(deed, relid, named);
	if (!deed->is_weak && !is_covered(relid, ShareUpdateExclusiveLock))
		deed->is_weak = is_of_another(relid, deed->caller);
}

static bool
is_there(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

static int
by_oid(const ListCell *a, const ListCell *b)
{
	Oid			one = ((const LookedTable *) lfirst(a))->relid;
	Oid			other = ((const LookedTable *) lfirst(b))->relid;

	return (one > other) - (one < other);
}

/*
 * Locks the tables of an earlier look; those that were dropped since stay
 * unlocked, for the next look to report
 */
static void
lock_first(Deed *deed)
{
	List	   *sorted = list_copy(deed->first);

	list_sort(sorted, by_oid);
	foreach_ptr(const LookedTable, table, sorted)
	{
		if (is_there(table->relid) && is_there(table->named))
			lock_reached(table->relid, table->named, NoLock, deed);
	}
}

static void
do_locked(void *arg)
{
	Deed	   *deed = arg;

	lock_first(deed);
	code_with_locks(lock_reached, deed, deed->fn, deed->arg);
}

/*
 * Returns the moment when the call, or the session, began: objects that were
 * made since do not count as seen for a later step or attempt
 */
static const SgSeen *
seen_by(const RunAction *action)
{
	const PlanRun *run = action->run;

	if (run)
		return run->seen;
	return sg_seen_by_session() ? sg_seen_by_session() : sg_seen_now(CurrentMemoryContext);
}

static void
do_as_seen(void *arg)
{
	Deed	   *deed = arg;

	if (deed->reads)
		do_locked(arg);
	else
		sg_make_as_seen(seen_by(deed->action), do_locked, arg);
}

static void
do_deed(Deed *deed)
{
	deed->caller = GetUserId();
	deed->context = CurrentMemoryContext;
	sg_plan_apart_if(&deed->is_weak, do_as_seen, deed);
}

void
run_deed(RunAction *action, void (*fn) (void *arg), void *arg)
{
	Deed		deed = {.action = action,.fn = fn,.arg = arg};

	do_deed(&deed);
}

static RunAction
action_alone(void)
{
	return (RunAction)
	{
		.session_deadlock_timeout = DeadlockTimeout,
			.deadline = GetCurrentTimestamp() + sg_lock_wait(DeadlockTimeout) * INT64CONST(1000)
	};
}

void
run_deed_alone(void (*fn) (void *arg), void *arg)
{
	run_deed_looked_at(NIL, fn, arg);
}

void
run_deed_looked_at(const List *tables, void (*fn) (void *arg), void *arg)
{
	RunAction	action = action_alone();
	Deed		deed = {.action = &action,.first = tables,.fn = fn,.arg = arg};

	do_deed(&deed);
}

void
run_deed_reading(void (*fn) (void *arg), void *arg)
{
	run_deed_look(NULL, fn, arg);
}

void
run_deed_look(List **tables, void (*fn) (void *arg), void *arg)
{
	RunAction	action = action_alone();
	Deed		deed = {.action = &action,.reads = true,.tables = tables,.fn = fn,.arg = arg};

	do_deed(&deed);
}
