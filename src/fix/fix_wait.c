/*-------------------------------------------------------------------------
 *
 * fix_wait.c
 *	  Steps that wait for others which keep copies of rows.
 *
 *	  A row that two steps take counts for the first one, in the count before
 *	  a call and in its deeds.  If that one keeps copies, and could not have
 *	  its turn, the other one must not take the row without a copy.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/oidlist.h"
#include "base/quote.h"
#include "base/words.h"
#include "fix/fix.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_throttle.h"

/* A step, and the tables of whose rows it keeps copies */
typedef struct Keeper
{
	PlanStep   *step;			/* as it was when the call began */
	List	   *roots;			/* OIDs: topmost partitioned tables; NIL: it
								 * keeps none */
} Keeper;

static bool
have_one_in_common(const List *a, const List *b)
{
	foreach_oid(oid, a)
	{
		if (list_member_oid(b, oid))
			return true;
	}
	return false;
}

static SgOidLists *
keys_by_parent(List *keys)
{
	SgOidLists *by_root = sg_lists_create();

	foreach_ptr(FixKey, key, keys)
	{
		if (!key->key->period)
			sg_lists_add(by_root, sg_partition_root(key->key->parent), key);
	}
	return by_root;
}

/*
 * Returns the tables whose rows a step takes, as their topmost tables: its own,
 * and those whose rows refer to these, and so on; with `copies` those of whose
 * rows it keeps copies, else those whose rows it deletes or changes without
 */
static List *
taken_tables(const PlanStep *step, const SgOidLists *by_root, bool copies)
{
	Oid			table = sg_find_qualified(step->child_table);
	bool		keeps = step->orphans == ORPHANS_QUARANTINE;
	List	   *queue = NIL;
	List	   *taken = NIL;

	if (!OidIsValid(table))
		return NIL;
	if (step->kind == STEP_FOREIGN_KEY)
		queue = list_make1_oid(sg_partition_root(table));
	else
		foreach_oid(heir, sg_all_inheritors(table))
			queue = list_append_unique_oid(queue, sg_partition_root(heir));
	if (keeps == copies || (!copies && step->sentinel))
		taken = list_copy(queue);
	if (!plan_policy_deletes(step->orphans))
		return taken;
	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		foreach_ptr(FixKey, by, sg_lists_of(by_root, list_nth_oid(queue, i)))
		{
			FixFate		fate = fix_reached_fate(step, by);
			Oid			root = sg_partition_root(by->key->child);

			if (fate == FIX_LEAVE || fate == FIX_BLOCK)
				continue;
			if ((fate == FIX_QUARANTINE) == copies)
				taken = list_append_unique_oid(taken, root);
			queue = list_append_unique_oid(queue, root);
		}
	}
	return taken;
}

/* Finds once in a call what its steps keep, in their order */
static void
find_keepers(PlanRun *run, const SgOidLists *by_root)
{
	if (run->keepers)
		return;
	foreach_ptr(PlanStep, step, fix_in_order(run->plan, run->steps))
	{
		List	   *roots = step->orphans == ORPHANS_QUARANTINE && plan_step_fixes(step) ? taken_tables(step, by_root, true) : NIL;
		MemoryContext old = MemoryContextSwitchTo(run->context);
		Keeper	   *keeper = palloc(sizeof(Keeper));

		keeper->step = step;
		keeper->roots = list_copy(roots);
		run->keepers = lappend(run->keepers, keeper);
		MemoryContextSwitchTo(old);
	}
}

/* Returns the earlier steps (PlanStep *) of the call that keep copies of rows of tables whose rows this step takes without */
static List *
keepers_of(StepWork *work)
{
	SgOidLists *by_root = keys_by_parent(fix_keys(work->run->plan->name));
	List	   *taken = taken_tables(work->step, by_root, false);
	List	   *keepers = NIL;

	find_keepers(work->run, by_root);
	sg_lists_free(by_root);
	foreach_ptr(const Keeper, keeper, work->run->keepers)
	{
		if (keeper->step->step == work->step->step)
			break;
		if (have_one_in_common(keeper->roots, taken))
			keepers = lappend(keepers, keeper->step);
	}
	return keepers;
}

static bool
keeps_any(const PlanRun *run)
{
	foreach_ptr(const PlanStep, step, run->steps)
	{
		if (step->orphans == ORPHANS_QUARANTINE && plan_step_fixes(step))
			return true;
	}
	return false;
}

const PlanStep *
fix_keeper_without_turn(StepWork *work, bool *put_last)
{
	PlanRun    *run = work->run;
	List	   *keepers;

	*put_last = false;
	if (run->dry_run || (work->step->orphans == ORPHANS_QUARANTINE && work->step->sentinel == NULL) || !keeps_any(run))
		return NULL;
	keepers = keepers_of(work);
	foreach_ptr(const PlanStep, keeper, keepers)
	{
		if (list_member_int(run->put_last, keeper->step))
		{
			*put_last = true;
			return keeper;
		}
	}
	foreach_ptr(const PlanStep, keeper, keepers ? plan_steps_again(run->plan->name, keepers) : NIL)
	{
		if (!keeper->skipped_by &&
			(keeper->state == STEP_FAILED || keeper->state == STEP_SKIPPED || list_member_int(run->unkept, keeper->step)))
			return keeper;
	}
	return NULL;
}
