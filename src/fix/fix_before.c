/*-------------------------------------------------------------------------
 *
 * fix_before.c
 *	  What the steps before a step mean for its rows.
 *
 *	  A row that two steps take counts for the first one, in the count before
 *	  a call and in its deeds.  If that one keeps copies, and could not have
 *	  its turn, the other one must not take the row without a copy.
 *
 *	  If the first one changes columns by which the other one judges rows,
 *	  nobody can count beforehand what that will find: it is counted in its
 *	  turn, before it changes the first row.  So are rows of a table or column
 *	  whose name leads to another one until then.
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
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "run/run.h"
#include "run/run_throttle.h"

/* A step, and the tables of whose rows it keeps copies */
typedef struct Keeper
{
	PlanStep   *step;			/* as it was when the call began */
	List	   *roots;			/* OIDs: topmost partitioned tables; NIL: it
								 * keeps none, or they are not known yet */
	List	   *gives;			/* char *: tables whose names it gives, or
								 * that of its column's table, once an earlier
								 * step has taken the name from another object */
	const char *column;			/* the column, or NULL */
} Keeper;

/* Notes the names that a step gives to other objects than those that have them now */
static void
note_given(Keeper *keeper, const PlanGraph *graph)
{
	const PlanStep *step = keeper->step;
	const PlanStep *freer = step->skipped_by || step->state == STEP_VALIDATED ? NULL : plan_freer(graph, step->step);

	if (freer == NULL || freer->skipped_by || freer->state == STEP_VALIDATED)
		return;
	if (step->kind == STEP_COLUMN)
		keeper->column = step->fk_name;
	else if (step->kind == STEP_RENAME && plan_changed_object(step) == CHANGED_COLUMN)
		keeper->column = step->new_name;
	if (keeper->column || step->kind == STEP_TABLE)
		keeper->gives = list_make1(step->child_table);
	else if (step->kind == STEP_STATEMENT)
		keeper->gives = plan_makes(step);
	else if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
		keeper->gives = list_make1(plan_renamed_table(step));
}

/* Returns the chosen steps (Keeper *) in the order of the call, found once */
static List *
steps_in_order(PlanRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (run->in_order == NIL)
	{
		PlanGraph  *graph = plan_graph(plan_chosen_steps(run->plan));

		foreach_ptr(PlanStep, step, fix_in_order(run->plan, plan_chosen_steps(run->plan)))
		{
			Keeper	   *keeper = palloc0(sizeof(Keeper));

			keeper->step = step;
			note_given(keeper, graph);
			run->in_order = lappend(run->in_order, keeper);
		}
	}
	MemoryContextSwitchTo(old);
	return run->in_order;
}

/* ---- copies ---- */

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

/* Finds once in a call the tables of the steps that keep copies */
static void
find_roots(PlanRun *run, const SgOidLists *by_root)
{
	if (run->keepers_known)
		return;
	foreach_ptr(Keeper, keeper, steps_in_order(run))
	{
		List	   *roots = plan_step_fixes(keeper->step) ? taken_tables(keeper->step, by_root, true) : NIL;
		MemoryContext old = MemoryContextSwitchTo(run->context);

		keeper->roots = list_copy(roots);
		MemoryContextSwitchTo(old);
	}
	run->keepers_known = true;
}

/* Returns the earlier steps (PlanStep *) of the call that keep copies of rows of tables whose rows this step takes without */
static List *
keepers_of(StepWork *work)
{
	SgOidLists *by_root = keys_by_parent(fix_keys(work->run->plan->name));
	List	   *taken = taken_tables(work->step, by_root, false);
	List	   *keepers = NIL;

	if (taken != NIL)
		find_roots(work->run, by_root);
	sg_lists_free(by_root);
	foreach_ptr(const Keeper, keeper, work->run->in_order)
	{
		if (keeper->step->step == work->step->step)
			break;
		if (have_one_in_common(keeper->roots, taken))
			keepers = lappend(keepers, keeper->step);
	}
	return keepers;
}

const PlanStep *
fix_keeper_without_turn(StepWork *work, bool *put_last)
{
	PlanRun    *run = work->run;
	List	   *keepers;

	*put_last = false;
	if (run->dry_run && run->unkept == NIL)
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
		/* in a dry run, a state is that of an earlier call */
		if (!keeper->skipped_by &&
			(list_member_int(run->unkept, keeper->step) ||
			 (!run->dry_run && (keeper->state == STEP_FAILED || keeper->state == STEP_SKIPPED))))
			return keeper;
	}
	return NULL;
}

/* ---- values ---- */

/* Returns the columns of its table that a step changes in rows, before steps behind it; *nulls: to null alone */
static List *
changed_columns(const PlanStep *step, bool *nulls)
{
	bool		sets = step->orphans == ORPHANS_SET || step->fill || step->backfill;

	*nulls = !sets;
	if (step->skipped_by || step->state == STEP_VALIDATED || !(sets || step->orphans == ORPHANS_SET_NULL || step->sentinel))
		return NIL;
	return step->child_columns;
}

/* Returns whether a step judges rows by one of these columns of a table */
static bool
judges_by(const PlanStep *step, const char *table, List *columns)
{
	if (step->kind != STEP_FOREIGN_KEY)
		return sg_same_text(step->child_table, table) && (step->child_columns == NIL || sg_common_names(step->child_columns, columns));
	return (sg_same_text(step->child_table, table) && sg_common_names(step->child_columns, columns)) ||
		(sg_same_text(step->parent_table, table) && sg_common_names(step->parent_columns, columns));
}

/* Returns whether a step is about what another one gives to others than those which have the name when the call begins */
static bool
is_about_given(const PlanStep *step, const Keeper *giver)
{
	foreach_ptr(const char, table, giver->gives)
	{
		if (giver->column ? plan_mentions_column(step, table, giver->column) : plan_mentions_table(step, table))
			return true;
	}
	return false;
}

const PlanStep *
fix_changer_before(StepWork *work, bool *anew)
{
	foreach_ptr(const Keeper, other, steps_in_order(work->run))
	{
		bool		nulls;
		List	   *columns = changed_columns(other->step, &nulls);

		*anew = false;
		if (other->step->step == work->step->step)
			break;
		if (is_about_given(work->step, other))
		{
			*anew = true;
			return other->step;
		}
		/* a row without a reference is no orphan */
		if (columns == NIL || (nulls && work->step->kind == STEP_FOREIGN_KEY))
			continue;
		if (judges_by(work->step, other->step->child_table, columns))
			return other->step;
	}
	return NULL;
}
