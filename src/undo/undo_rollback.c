/*-------------------------------------------------------------------------
 *
 * undo_rollback.c
 *	  CALL sg_rollback_fks: takes back what a plan has done, in reverse.
 *
 *	  schemaguard.plan_deed records what the plan has done.  A deed is closed
 *	  in the transaction that undoes it, so an interrupted rollback is
 *	  resumed, and a plan that is run again can be taken back again.  A deed
 *	  is taken back only if the catalog still has what it made: an object that
 *	  somebody else has dropped or changed since is left alone, and the log
 *	  says so.
 *
 *	  Keys come first, and replaced keys are restored before the new ones are
 *	  dropped; then rows, which those keys would have refused; then indexes,
 *	  which the keys used; then triggers of backfills; then their columns and
 *	  steps of other kinds.  A plan whose steps run one by one is taken back in
 *	  exactly that reverse order, and rows behind their keys.  A step with a deed that
 *	  can't be taken back keeps its other deeds; but each key of a dropped
 *	  table comes back by itself, whatever keeps other keys away.  The last
 *	  line and the step list all that is left, with reasons.
 *
 *	  Rows that a CHECK, NOT NULL or unique constraint of the plan has refused
 *	  go back when that constraint is dropped: later objects are dropped by
 *	  then, and the rows' columns still exist.  Rows that are left are tried
 *	  again in the end.  A column of rows in quarantine is not dropped before
 *	  these rows are back, and stays as long as they stay.  Rows in quarantine
 *	  know their columns by number, whatever their names are; rows that know
 *	  names only, as after a restore from a dump, need the original names.
 *
 *	  Old values that policy "set" has replaced go back in the step's turn, too,
 *	  and those that are refused in the end; so a step of rows waits while a
 *	  later step's old values of these rows are not back.  A column that was
 *	  filled goes if it holds what its step gives: before or after rows and old
 *	  values are back, because its trigger may have followed them, or not.  A
 *	  column of the same table has that look before the values go back.
 *
 *	  A deed waits for later ones that may need what it has made (undo_hold.c):
 *	  it is tried again in the end, and stays if they do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/oidlist.h"
#include "base/progress.h"
#include "base/quote.h"
#include "change/change.h"
#include "deploy/deploy_backfill.h"
#include "deploy/deploy_index.h"
#include "fix/fix.h"
#include "log/log_grant.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_value.h"
#include "run/run.h"
#include "run/run_rights.h"
#include "run/run_unit.h"
#include "undo/undo.h"
#include "undo/undo_hold.h"

SG_FUNCTION(sg_rollback_fks);

/* number of objects that the last line names */
#define MOST_LEFT			3

/* An object that could not be taken back */
typedef struct Left
{
	int			step;
	char	   *object;
	char	   *reason;
	bool		stays;			/* another call can't take it back, either */
} Left;

/* A table whose name was not the plan's when something was taken back on it */
typedef struct Moved
{
	int			step;
	Oid			table;
	char	   *was;
} Moved;

/* Old values that a step has replaced, to be restored in the step's turn */
typedef struct OldValues
{
	PlanDeed   *deed;
	List	   *held_by;		/* int: ids of deeds to be taken back before */
} OldValues;

/* State of a rollback */
typedef struct Rollback
{
	PlanRun    *run;
	bool		one_by_one;		/* in exact reverse of the plan's order */
	List	   *stuck;			/* int: steps that keep their other deeds */
	List	   *left;			/* of Left * */
	List	   *waiting;		/* PlanDeed *: wait, because rows in
								 * quarantine have their columns */
	bool		waited;			/* the rows of waiting deeds that can go back
								 * have gone back */
	List	   *values;			/* OldValues *, latest first: not tried yet */
	List	   *set_since;		/* int: steps in whose rows later ones had set
								 * values in the beginning */
	List	   *standing;		/* PlanStanding *: deeds that are not taken
								 * back yet */
	List	   *held;			/* PlanDeed *: wait for later ones */
	bool		held_again;		/* these are tried for the last time */
	List	   *put_off;		/* int: steps whose columns or rows wait for
								 * rows and old values */
	int			taken;			/* number of deeds that are closed */
	int			by_name;		/* number of deeds of which only names are
								 * known */
	List	   *lost;			/* int: steps with such a deed that is left */
	List	   *moved;			/* of Moved * */
} Rollback;

static bool
undo(PlanRun *run, const PlanDeed *deed)
{
	StepWork   *work = undo_begin(run, deed);
	bool		done = false;

	if (!undo_is_found(work, deed, &done))
	{
		run_end_step(work);
		return done;
	}
	switch (deed->kind)
	{
		case DEED_ADD:
			done = undo_key(work, deed);
			break;
		case DEED_REPLACE:
			done = undo_replace(work, deed);
			break;
		case DEED_INDEX:
			done = undo_index(work, deed);
			break;
		case DEED_COLUMNS:
			done = undo_columns(work, deed);
			break;
		case DEED_CHANGE:
			done = undo_change(work, deed);
			break;
		case DEED_DELETE:
		case DEED_SET_NULL:
		case DEED_SET:
		case DEED_KINDS:
			elog(ERROR, "rows can't be taken back");
	}
	if (!done && deed->kind != DEED_CHANGE && !run->put_off)
		undo_settle_stuck(work, deed);
	run_end_step(work);
	return done;
}

/* Returns whether the deed's object is a constraint that refuses rows by itself */
static bool
refuses_rows(const PlanDeed *deed)
{
	return deed->kind == DEED_CHANGE && !deed->own &&
		(deed->what->kind == STEP_CHECK || deed->what->kind == STEP_NOT_NULL || deed->what->kind == STEP_UNIQUE);
}

/*
 * Restores rows that the steps (NIL: all steps) have taken away.  Rows that
 * cannot go back now do not hold up the rest; an error of a whole batch ends
 * all attempts.
 */
static void
put_rows_back(PlanRun *run, List *steps)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (run->rows_error == NULL)
		run->rows_back += fix_restore_plan(run, steps, &run->rows_error);
	MemoryContextSwitchTo(old);
}

/* Restores the rows of steps whose refusing constraints are all gone */
static void
put_free_rows_back(PlanRun *run)
{
	List	   *held = NIL;
	List	   *steps = NIL;

	foreach_ptr(const PlanDeed, deed, plan_deeds(run->plan, DEED_BIT(DEED_ADD) | DEED_BIT(DEED_CHANGE)))
	{
		if (deed->kind == DEED_ADD || refuses_rows(deed))
			held = lappend_int(held, deed->step);
	}
	foreach_ptr(const PlanStep, step, plan_chosen_steps(run->plan))
	{
		if (!list_member_int(held, step->step))
			steps = lappend_int(steps, step->step);
	}
	if (steps)
		put_rows_back(run, steps);
}

/* Returns the columns that undoing a deed drops or renames */
static List *
columns_of(const PlanDeed *deed)
{
	const PlanStep *what = deed->what;

	if (deed->kind == DEED_COLUMNS || (deed->kind == DEED_CHANGE && what->kind == STEP_COLUMN))
		return what->child_columns;
	if (deed->kind == DEED_CHANGE && what->kind == STEP_RENAME && plan_changed_object(what) == CHANGED_COLUMN)
		return list_make1(what->new_name);
	return NIL;
}

/* Records a deed that was not taken back; without a reason, the step's own counts */
static void
add_left(Rollback *rollback, const PlanDeed *deed, const char *reason)
{
	const PlanStep *step = plan_step_get(rollback->run->plan->name, deed->step, true);
	Left	   *left = palloc(sizeof(Left));

	if (reason == NULL)
		reason = step && step->reason ? step->reason : "the log says why";
	if (strncmp(reason, PLAN_NOT_BACK, strlen(PLAN_NOT_BACK)) == 0)
		reason += strlen(PLAN_NOT_BACK);
	left->step = deed->step;
	left->object = pstrdup(deed->object);
	left->reason = pstrdup(reason);
	left->stays = deed->kind == DEED_CHANGE && step && step->kind == STEP_STATEMENT && step->undo == NULL;
	rollback->left = lappend(rollback->left, left);
	/* rows that the statement has deleted or changed stay so */
	if (deed->kind == DEED_CHANGE && step && step->kind == STEP_STATEMENT)
		rollback->run->rows_lost += deed->rows;

	/*
	 * the objects that went with a dropped table or column do not need one
	 * another
	 */
	if ((deed->kind != DEED_REPLACE && !deed->own) || step == NULL || step->kind != STEP_DROP)
		rollback->stuck = lappend_int(rollback->stuck, deed->step);
}

/* Records that a deed was taken back on a table that has another name now */
static void
add_moved(Rollback *rollback, const PlanDeed *deed, const char *was)
{
	Moved	   *moved;

	if (was == NULL || plan_step_is_of_relation(deed->what) || sg_same_text(deed->what->child_table, was))
		return;
	moved = palloc(sizeof(Moved));
	moved->step = deed->step;
	moved->table = sg_find_qualified(deed->what->child_table);
	moved->was = pstrdup(was);
	rollback->moved = lappend(rollback->moved, moved);
}

/* Returns the number of objects that are left of a step */
static int
count_left(const Rollback *rollback, int step)
{
	int			n = 0;

	foreach_ptr(const Left, left, rollback->left)
	{
		n += left->step == step;
	}
	return n;
}

/*
 * Returns whether ATTACH would validate the partition by reading it, because a
 * key of its step is not back
 */
static bool
waits_for_keys(const Rollback *rollback, const PlanDeed *deed)
{
	if (deed->kind != DEED_CHANGE || !change_is_detached(deed))
		return false;
	return count_left(rollback, deed->step) > 0;
}

/*
 * Postpones a deed whose columns rows in quarantine have, because the rows
 * could never go back without them.  The constraints that refuse these rows may
 * still have to be taken back: so the deed is tried again in the end, and stays
 * if the rows do.
 */
static bool
waits_for_rows(Rollback *rollback, const PlanDeed *deed)
{
	PlanRun    *run = rollback->run;
	List	   *columns = columns_of(deed);
	bool		renamed = deed->kind == DEED_CHANGE && deed->what->kind == STEP_RENAME;
	TimestampTz done_at = deed->kind == DEED_CHANGE && deed->done_at ? deed->done_at : DT_NOBEGIN;
	char	   *reason;
	int64		n;

	if (columns == NIL || fix_restore_needs(run, deed->what->child_table, columns, renamed, done_at) == 0)
		return false;
	put_free_rows_back(run);
	n = fix_restore_needs(run, deed->what->child_table, columns, renamed, done_at);
	if (n == 0)
		return false;
	if (!rollback->waited)
	{
		rollback->waiting = lappend(rollback->waiting, unconstify(PlanDeed *, deed));
		return true;
	}
	reason = psprintf(INT64_FORMAT " %s in quarantine %s values in (%s)", n, n == 1 ? "row" : "rows",
					  n == 1 ? "has" : "have", sg_quote_list(columns));
	plan_step_set_state(run->plan->name, deed->step, STEP_AS_IT_IS, psprintf(PLAN_NOT_BACK "%s", reason), 0);
	run_commit();
	add_left(rollback, deed, reason);
	return true;
}

/*
 * Postpones rows in which a later step has set values that are not back: with
 * those, they are no longer as their step has made them.  They are tried again
 * in the end, and stay if the values do.
 */
static bool
waits_for_values(Rollback *rollback, const PlanDeed *deed)
{
	PlanRun    *run = rollback->run;
	const char *plan = run->plan->name;
	StepWork   *work;
	char	   *again;
	int			step;

	if (deed->kind != DEED_CHANGE || deed->what->kind != STEP_ROWS || !list_member_int(rollback->set_since, deed->step) ||
		plan_deed_is_given_up(deed))
		return false;
	step = plan_values_in_rows(run->plan, deed->step);
	if (step == 0)
		return false;
	if (run->awaits_values)
	{
		rollback->put_off = lappend_int(rollback->put_off, deed->step);
		return true;
	}
	work = undo_begin(run, deed);
	again = run_call_text(run, "sg_rollback_fks");
	undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
											 psprintf("step %d has set values in its rows since", step),
											 psprintf(sg_calls("Have that taken back first:\nCALL sg_rollback_fks(%s, steps => '{%d}');\n%s\nIf the rows are to stay as they are:\n%s\n%s"),
													  quote_literal_cstr(plan), step, again, plan_skip_call(plan_step_get(plan, deed->step, false), "the rows stay"), again)));
	run_end_step(work);
	add_left(rollback, deed, NULL);
	return true;
}

/* Returns the calls that let a held deed go on, or have what it has made stay */
static char *
held_hint(const PlanRun *run, const PlanStep *step, const PlanHolder *holder)
{
	char	   *again = run_call_text(run, "sg_rollback_fks");

	if (!plan_is_chosen(run->plan, holder->step->step))
		return psprintf(sg_calls("Have that taken back, too:\nCALL sg_rollback_fks(%s, steps => '{%d,%d}');"), quote_literal_cstr(step->plan),
						step->step, holder->step->step);
	if (holder->stays)
		return psprintf("If nobody needs what step %d has taken away, skip that one, too. If step %d is to stay as it is:\n%s\n%s",
						holder->step->step, step->step, plan_skip_call(step, "it stays as it is"), again);
	return psprintf("When that one can be taken back:\n%s", again);
}

/*
 * Postpones a deed that a later one may need.  It is tried again in the end,
 * and stays if that one does; a step that a role has skipped stays for good.
 */
static bool
waits_for_later(Rollback *rollback, const PlanDeed *deed)
{
	PlanRun    *run = rollback->run;
	PlanHolder	holder;
	const PlanStep *step;
	StepWork   *work;
	char	   *reason;
	bool		done = false;

	if (!undo_is_held(rollback->standing, deed, &holder))
		return false;
	if (!rollback->held_again)
	{
		rollback->held = lappend(rollback->held, unconstify(PlanDeed *, deed));
		return true;
	}
	step = plan_step_get(run->plan->name, deed->step, false);
	reason = psprintf("step %d, %s, %s", holder.step->step, plan_step_object(holder.step),
					  holder.stays ? "has taken away rows or values that it may have the last copy of" : "came later, may need it, and is not taken back");
	work = undo_begin(run, deed);
	if (step->skipped_by)
	{
		undo_leave_alone(work, deed, 0, reason);
		rollback->standing = undo_standing_without(rollback->standing, deed);
		rollback->taken++;
		done = true;
	}
	else
		undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason,
												 held_hint(run, step, &holder)));
	run_end_step(work);
	if (done)
		return true;
	add_left(rollback, deed, NULL);
	((Left *) llast(rollback->left))->stays = holder.stays && plan_is_chosen(run->plan, holder.step->step);
	return true;
}

/* Returns whether undoing the deed drops or renames a column that its step has filled */
static bool
is_filled(const FkPlan *plan, const PlanDeed *deed)
{
	const PlanStep *step = columns_of(deed) ? plan_step_get(plan->name, deed->step, true) : NULL;

	return step && (step->fill || step->backfill);
}

/*
 * Returns the old values (OldValues *) of the chosen steps, latest first.  Each
 * waits for its step's constraint, which refuses them, and for earlier columns
 * whose fill may have followed the values that were set.
 */
static List *
read_old_values(const FkPlan *plan)
{
	List	   *deeds = plan_deeds(plan, DEED_BIT(DEED_COLUMNS) | DEED_BIT(DEED_CHANGE));
	SgOidLists *filled = sg_lists_create();
	List	   *result = NIL;

	foreach_ptr(PlanDeed, deed, deeds)
	{
		foreach_oid(relid, is_filled(plan, deed) ? sg_all_inheritors(plan_deed_table(plan->id, deed->what->child_table)) : NIL)
		{
			sg_lists_add(filled, relid, deed);
		}
	}
	foreach_ptr(PlanDeed, set, plan_deeds(plan, DEED_BIT(DEED_SET)))
	{
		OldValues  *old = palloc0(sizeof(OldValues));

		old->deed = set;
		foreach_ptr(const PlanDeed, deed, deeds)
		{
			if (deed->step == set->step && refuses_rows(deed))
				old->held_by = lappend_int(old->held_by, (int) deed->id);
		}
		foreach_ptr(const PlanValues, values, plan_values(plan, set->step))
		{
			foreach_ptr(const PlanDeed, deed, sg_lists_of(filled, plan_deed_table(plan->id, values->table)))
			{
				if (deed->id < set->id)
					old->held_by = list_append_unique_int(old->held_by, (int) deed->id);
			}
		}
		result = lappend(result, old);
	}
	return result;
}

/* Restores the values that steps have set after that deed, once each; the rest is left for the end */
static void
restore_values_since(Rollback *rollback, const PlanDeed *deed)
{
	ListCell   *lc;

	foreach(lc, rollback->values)
	{
		OldValues  *old = lfirst(lc);
		StepWork   *work;

		if (old->deed->id < deed->id)
			break;
		if (old->held_by)
			continue;
		rollback->values = foreach_delete_current(rollback->values, lc);
		old->deed->last = false;
		work = undo_begin(rollback->run, old->deed);
		rollback->taken += undo_values(work, old->deed, true);
		run_end_step(work);
	}
}

/* Lets go of old values that have waited for a deed, which is taken back */
static void
release_values(const Rollback *rollback, const PlanDeed *deed)
{
	foreach_ptr(OldValues, old, rollback->values)
	{
		old->held_by = list_delete_int(old->held_by, (int) deed->id);
	}
}

/* Takes back deeds one by one, except those of steps that are stuck */
static void
undo_all(Rollback *rollback, List *deeds)
{
	PlanRun    *run = rollback->run;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard rollback",
												  ALLOCSET_DEFAULT_SIZES);

	foreach_ptr(PlanDeed, deed, deeds)
	{
		const char *was = deed->what->child_table;
		MemoryContext old;
		bool		by_name;
		bool		done;

		CHECK_FOR_INTERRUPTS();
		restore_values_since(rollback, deed);
		if (!list_member_int(rollback->stuck, deed->step) && waits_for_keys(rollback, deed))
			add_left(rollback, deed, "the partition is attached when its keys are back");
		else if (!list_member_int(rollback->stuck, deed->step) && !waits_for_later(rollback, deed) &&
				 !waits_for_rows(rollback, deed) && !waits_for_values(rollback, deed))
		{
			old = MemoryContextSwitchTo(context);
			/* asked before undo(), which brings the deed's names up to date */
			by_name = undo_knows_name_only(deed);
			run->put_off = false;
			done = undo(run, deed);
			rollback->by_name += by_name && !run->put_off;
			if (done && (refuses_rows(deed) || (rollback->one_by_one && deed->kind == DEED_ADD)))
				put_rows_back(run, list_make1_int(deed->step));
			MemoryContextSwitchTo(old);
			rollback->taken += done;
			if (done)
			{
				add_moved(rollback, deed, was);
				release_values(rollback, deed);
				rollback->standing = undo_standing_without(rollback->standing, deed);
			}
			MemoryContextReset(context);
			if (run->put_off)
				rollback->put_off = lappend_int(rollback->put_off, deed->step);
			else if (!done)
				add_left(rollback, deed, NULL);
			if (!done && !run->put_off && by_name)
				rollback->lost = lappend_int(rollback->lost, deed->step);
		}
		sg_progress_done(++run->done, 0);
	}
	MemoryContextDelete(context);
}

/* Takes back the deeds that waited for later ones */
static void
undo_held(Rollback *rollback)
{
	rollback->held_again = true;
	undo_all(rollback, rollback->held);
}

/* Takes back the deeds that waited for rows */
static void
undo_waiting(Rollback *rollback)
{
	rollback->waited = true;
	undo_all(rollback, rollback->waiting);
}

/*
 * Restores the rows that are left.  Rows of a table that was not found by name
 * are restored once it is.
 */
static void
put_rest_back(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	List	   *steps = NIL;

	foreach_ptr(const PlanStep, step, rollback->lost ? plan_chosen_steps(run->plan) : NIL)
	{
		if (!list_member_int(rollback->lost, step->step))
			steps = lappend_int(steps, step->step);
	}
	if (rollback->lost == NIL || steps)
		put_rows_back(run, steps);
}

/*
 * Restores the values that policy "set" has replaced and that are not back yet,
 * also in rows that come from quarantine; reports the rest
 */
static void
restore_values(Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	List	   *deeds = run->awaits_values ? plan_deeds(run->plan, DEED_BIT(DEED_SET)) : NIL;

	if (run->awaits_values)
		put_rest_back(rollback);
	run->awaits_values = false;
	rollback->values = NIL;
	foreach_ptr(PlanDeed, deed, deeds)
	{
		StepWork   *work;

		if (list_member_int(rollback->lost, deed->step))
			continue;
		deed->last = false;
		work = undo_begin(run, deed);
		if (undo_values(work, deed, false))
			rollback->taken++;
		else
			add_left(rollback, deed, NULL);
		run_end_step(work);
	}
}

static int
compare_later_first(const ListCell *a, const ListCell *b)
{
	int64		x = ((const PlanDeed *) lfirst(a))->id;
	int64		y = ((const PlanDeed *) lfirst(b))->id;

	return x > y ? -1 : x < y ? 1 : 0;
}

/* Takes back the columns and rows that waited for rows and old values */
static void
undo_put_off(Rollback *rollback)
{
	List	   *deeds = rollback->put_off ? plan_deeds(rollback->run->plan, DEED_BIT(DEED_COLUMNS) | DEED_BIT(DEED_CHANGE)) : NIL;
	ListCell   *lc;

	foreach(lc, deeds)
	{
		const PlanDeed *deed = lfirst(lc);

		if ((columns_of(deed) == NIL && deed->what->kind != STEP_ROWS) || !list_member_int(rollback->put_off, deed->step))
			deeds = foreach_delete_current(deeds, lc);
	}
	list_sort(deeds, compare_later_first);
	undo_all(rollback, deeds);
}

/* Reports the rows that were deleted or changed without a copy */
static void
tell_lost(PlanRun *run)
{
	foreach_ptr(PlanDeed, deed, plan_deeds(run->plan, DEED_BIT(DEED_DELETE) | DEED_BIT(DEED_SET_NULL)))
	{
		StepWork   *work;

		deed->last = false;
		run->rows_lost += deed->rows;
		work = undo_begin(run, deed);
		undo_leave_alone(work, deed, 0,
						 psprintf("rows that were %s stay so: " INT64_FORMAT,
								  deed->kind == DEED_DELETE ? "deleted" : "changed", deed->rows));
		run_end_step(work);
	}
}

static bool
has_key(const PlanStep *step)
{
	return plan_step_is_there(step);
}

/* Resets steps whose key the plan has found, not made: the plan no longer claims the key */
static void
settle_steps(Rollback *rollback)
{
	PlanRun    *run = rollback->run;

	foreach_ptr(PlanStep, step, plan_chosen_steps(run->plan))
	{
		PlanDeed	deed;
		StepWork   *work;

		/* an index that is left holds up nothing, but was the plan's */
		if (list_member_int(rollback->stuck, step->step) || count_left(rollback, step->step) > 0 || !has_key(step))
			continue;
		deed = plan_deed(DEED_ADD, step->step, plan_step_object(step));
		deed.last = true;
		work = undo_begin(run, &deed);
		if (step->kind == STEP_DROP && plan_deed_was_ended(run->plan, step->step))
		{
			deed.what = step;
			undo_tell_problem(work, &deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_OBJECT, "sg_prune() has ended what was kept",
													  psprintf("Recreate it by hand, then skip the step:\n%s", plan_skip_call(step, "made anew by hand"))));
			add_left(rollback, &deed, NULL);
			run_end_step(work);
			continue;
		}
		undo_leave_alone(work, &deed, 0, step->kind == STEP_FOREIGN_KEY ?
						 "this plan has not added the key" : "this plan has not made it");
		run_end_step(work);
	}
}

/* Drops the triggers that fill columns, for steps without deeds left; returns their number */
static int
disarm_steps(const Rollback *rollback)
{
	List	   *held = list_copy(rollback->stuck);
	int			n = 0;

	/* undoing a change drops its trigger, too */
	foreach_ptr(const PlanDeed, deed, plan_deeds(rollback->run->plan, DEED_BIT(DEED_CHANGE)))
	{
		held = lappend_int(held, deed->step);
	}
	foreach_ptr(PlanStep, step, plan_chosen_steps(rollback->run->plan))
	{
		if ((step->backfill || step->fill) && !list_member_int(held, step->step))
			n += deploy_backfill_disarm(rollback->run, step, "trigger of its backfill dropped");
	}
	return n;
}

/* Returns whether the call has taken nothing back, so that it would come no further again */
static bool
is_stuck(const Rollback *rollback)
{
	return rollback->taken == 0 && rollback->run->rows_back == 0;
}

/* Restores the rows that are left, and reports the outcome; the next call gets the rest */
static void
settle_rows(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	const ErrorData *error;
	int64		restored;
	int64		left;
	char	   *hint;

	put_rest_back(rollback);
	fix_settle_rolled_back(run);
	error = run->rows_error;
	restored = run->rows_back;
	left = run->rows_left = fix_restore_left(run);
	if (left > 0)
	{
		run->left_reason = fix_restore_tell(run);
		run_commit();
	}
	hint = left > 0 ? fix_restore_hint(run) : fix_restore_earlier(run);
	if (left > 0 && hint == NULL)
		hint = psprintf(sg_calls("Mend what column \"reason\" of schemaguard.quarantine says, and put them back:\nCALL sg_restore_quarantine(%s);"), quote_literal_cstr(run->plan->name));
	/* once: in the last line, unless that has another one */
	run->next = hint;
	if (restored > 0 || left > 0)
		ereport(left > 0 ? WARNING : NOTICE,
				(errmsg("plan \"%s\": " INT64_FORMAT " quarantined %s put back",
						run->plan->name, restored, restored == 1 ? "row" : "rows"),
				 left > 0 ? errdetail(INT64_FORMAT " %s left in quarantine%s%s.", left, left == 1 ? "is" : "are",
									  error ? ": " : "", error ? sg_error_message(error) : "") : 0,
				 left > 0 && rollback->left != NIL && !is_stuck(rollback) ? errhint("%s", hint) : 0));
}

/*
 * Returns the deeds of indexes: those built for keys, or those of index steps,
 * which are taken back in their turn
 */
static List *
index_deeds(const FkPlan *plan, bool of_keys)
{
	List	   *deeds = plan_deeds(plan, DEED_BIT(DEED_INDEX));
	List	   *keys = NIL;
	ListCell   *lc;

	foreach_ptr(const PlanStep, step, deeds ? plan_key_steps(plan->name) : NIL)
	{
		keys = lappend_int(keys, step->step);
	}
	foreach(lc, deeds)
	{
		if (list_member_int(keys, ((PlanDeed *) lfirst(lc))->step) != of_keys)
			deeds = foreach_delete_current(deeds, lc);
	}
	return deeds;
}

/*
 * Returns the keys with the changes that came after all of them, and the
 * renames and drops between them, because keys are looked up by their former
 * names.  The other changes stay in the list.
 */
static List *
with_changes(List *keys, List **changes)
{
	List	   *taken = NIL;
	int64		last = keys ? ((PlanDeed *) linitial(keys))->id : 0;
	int64		first = keys ? ((PlanDeed *) llast(keys))->id : 0;

	foreach_ptr(PlanDeed, deed, *changes)
	{
		if (deed->id > last ||
			(deed->id > first && (deed->what->kind == STEP_DROP || deed->what->kind == STEP_RENAME)))
			taken = lappend(taken, deed);
	}
	*changes = list_difference_ptr(*changes, taken);
	taken = list_concat(taken, keys);
	list_sort(taken, compare_later_first);
	return taken;
}

/* Returns the last key after that place in the list that refers to one of the tables; or NULL */
static const PlanDeed *
last_key_to(const FkPlan *plan, List *tables, List *deeds, int place)
{
	for (int i = list_length(deeds) - 1; i > place; i--)
	{
		const PlanDeed *deed = list_nth(deeds, i);

		if (deed->kind == DEED_ADD && list_member_oid(tables, plan_deed_table(plan->id, deed->what->parent_table)))
			return deed;
	}
	return NULL;
}

/*
 * Moves partitions behind the keys that refer to their parents: such a key has
 * a part for each partition, later ones included, which keeps the partition
 * from being dropped.
 */
static List *
partitions_behind_keys(const FkPlan *plan, List *deeds)
{
	List	   *result = NIL;
	List	   *held = NIL;
	List	   *keys = NIL;		/* for each partition, the key that it follows */

	for (int at = 0; at < list_length(deeds); at++)
	{
		PlanDeed   *deed = list_nth(deeds, at);
		bool		is_table = deed->kind == DEED_CHANGE && deed->what->kind == STEP_TABLE;
		Oid			table = is_table ? plan_deed_table(plan->id, deed->what->child_table) : InvalidOid;
		List	   *parents = OidIsValid(table) ? sg_partition_ancestors(table) : NIL;
		const PlanDeed *key = parents ? last_key_to(plan, parents, deeds, at) : NULL;

		if (key)
		{
			held = lappend(held, deed);
			keys = lappend(keys, unconstify(PlanDeed *, key));
			continue;
		}
		result = lappend(result, deed);
		for (int i = 0; i < list_length(held); i++)
		{
			if (list_nth(keys, i) == deed)
				result = lappend(result, list_nth(held, i));
		}
	}
	return result;
}

/* Returns the objects left of one step (0: of all), with the reasons, as many as fit */
static char *
left_text(const Rollback *rollback, int step, int most)
{
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	foreach_ptr(const Left, left, rollback->left)
	{
		if (step != 0 && left->step != step)
			continue;
		if (++n <= most)
			appendStringInfo(&text, "%s%s: %s", n > 1 ? "; " : "", left->object, left->reason);
	}
	if (n > most)
		appendStringInfo(&text, "; and %d more", n - most);
	return text.data;
}

/* Writes into each step's reason all that is left of it, or nothing if it has come back since */
static void
set_reasons(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;

	foreach_ptr(const PlanStep, step, plan_chosen_steps(run->plan))
	{
		int			n = count_left(rollback, step->step);
		bool		only_key = step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_CONSTRAINT &&
			step->state == STEP_ROLLED_BACK;

		/* a constraint that is to come back is all that the step has dropped */
		if (n > 1 || (n == 1 && (!plan_is_not_back(step) || only_key)))
			plan_step_set_state(run->plan->name, step->step, only_key ? STEP_VALIDATED : STEP_AS_IT_IS,
								psprintf(PLAN_NOT_BACK "%s", left_text(rollback, step->step, INT_MAX)), 0);
		else if (n == 0 && step->state == STEP_ROLLED_BACK && plan_is_not_back(step))
			plan_step_set_state(run->plan->name, step->step, STEP_AS_IT_IS, NULL, 0);
	}
	run_commit();
}

/*
 * Returns the steps that are left because they, or later ones that may need
 * them, have no undo, in order; sets *others if there are others
 */
static List *
steps_without_undo(const Rollback *rollback, bool *others)
{
	List	   *steps = NIL;

	*others = false;
	foreach_ptr(const Left, left, rollback->left)
	{
		if (left->stays)
			steps = list_append_unique_int(steps, left->step);
		else
			*others = true;
	}
	list_sort(steps, list_int_cmp);
	return steps;
}

/* Returns the last line's hint: the same call if it can get further, else the remedy */
static char *
way_on(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	bool		stands = is_stuck(rollback);
	bool		others;
	List	   *steps = steps_without_undo(rollback, &others);

	if (stands && run->rows_left > 0 && run->next)
		return psprintf("%s\n%s", run->next, run_call_text(run, run->procedure));
	if (steps && (stands || !others))
		return psprintf(sg_calls("Take back by hand what has no undo. If it is to stay as it is:\nSELECT sg_plan_skip(%s, '%s', 'it stays as it is');"),
						quote_literal_cstr(run->plan->name), plan_steps_text(steps));
	if (stands && run->hints && strchr(linitial(run->hints), '\n'))
		return linitial(run->hints);
	return run_call_text(run, run->procedure);
}

/* Reports all that is left, in the steps and in the last line */
static void
tell_left(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	const char *rows = run->left_reason;

	set_reasons(rollback);
	if (rollback->left == NIL)
		return;
	run->left_reason = psprintf("%s%s" PLAN_NOT_BACK "%s", rows ? rows : "", rows ? ", " : "",
								left_text(rollback, 0, MOST_LEFT));
	run->next = way_on(rollback);
}

/* Reports tables that have other names now, unless the rollback itself has renamed them */
static void
tell_moved(const Rollback *rollback)
{
	PlanRun    *run = rollback->run;
	List	   *told = NIL;

	foreach_ptr(const Moved, moved, rollback->moved)
	{
		const PlanStep *step = plan_step_get(run->plan->name, moved->step, true);
		const char *now = OidIsValid(moved->table) && get_rel_relkind(moved->table) ? sg_relation_name(moved->table) : moved->was;
		char	   *text;

		if (strcmp(now, moved->was) == 0)
			continue;
		text = psprintf("the rollback has worked on table %s, which the plan knows as %s%s", now, moved->was,
						OidIsValid(sg_find_qualified(moved->was)) ? "; the table of that name is another one" : "");

		if (step && step->reason == NULL)
			plan_step_set_state(run->plan->name, moved->step, STEP_AS_IT_IS, text, 0);
		if (!list_member_oid(told, moved->table))
			ereport(NOTICE,
					(errmsg("plan \"%s\": %s", run->plan->name, text)));
		told = lappend_oid(told, moved->table);
	}
	if (told)
		run_commit();
}

/* Warns of a disk that is nearly full, which holds up no rollback */
static void
tell_low_space(const PlanRun *run)
{
	char	   *low = sg_disk_low();

	if (low)
		ereport(WARNING,
				(errcode(ERRCODE_DISK_FULL),
				 errmsg("plan \"%s\": %s", run->plan->name, low),
				 errdetail("A rollback goes on nevertheless, and the server ends where the disk is full."),
				 errhint("Where many rows have to go back, cancel the call, make room and call again: it goes on where it was.")));
}

static void
roll_back(PlanRun *run)
{
	Rollback	rollback = {.run = run,.one_by_one = plan_is_one_by_one(plan_steps(run->plan->name))};
	List	   *keys = plan_deeds(run->plan, DEED_BIT(DEED_ADD) | DEED_BIT(DEED_REPLACE));
	List	   *indexes = index_deeds(run->plan, true);
	List	   *columns;
	List	   *stuck;
	List	   *changes = list_concat(plan_deeds(run->plan, DEED_BIT(DEED_CHANGE)), index_deeds(run->plan, false));
	int			nchanges = list_length(changes);
	int			disarmed;

	run->awaits_values = fix_rows_out(run->plan) != NIL;
	rollback.set_since = plan_rows_set_since(run->plan);
	rollback.values = run->awaits_values ? read_old_values(run->plan) : NIL;
	rollback.standing = undo_standing(run->plan);
	tell_low_space(run);
	list_sort(changes, compare_later_first);
	deploy_index_drop_leftovers(run, sg_lock_budget);
	run_commit();
	sg_progress_total(list_length(keys) + list_length(indexes) + nchanges);
	undo_all(&rollback, partitions_behind_keys(run->plan, rollback.one_by_one ? plan_deeds(run->plan, DEEDS_OF_CATALOG) : with_changes(keys, &changes)));
	if (rollback.one_by_one)
		changes = NIL;
	put_free_rows_back(run);

	/*
	 * tried again, because the keys' fate is decided, and an index holds up
	 * nothing else
	 */
	stuck = list_copy(rollback.stuck);
	undo_all(&rollback, index_deeds(run->plan, true));
	rollback.stuck = stuck;
	disarmed = disarm_steps(&rollback);
	columns = plan_deeds(run->plan, DEED_BIT(DEED_COLUMNS));
	changes = list_concat_copy(columns, changes);
	list_sort(changes, compare_later_first);
	undo_all(&rollback, changes);
	undo_waiting(&rollback);
	disarmed += disarm_steps(&rollback);
	restore_values(&rollback);
	undo_put_off(&rollback);
	undo_held(&rollback);
	settle_steps(&rollback);
	tell_lost(run);
	settle_rows(&rollback);
	tell_left(&rollback);
	tell_moved(&rollback);
	if (rollback.by_name > 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\": objects that it has changed were looked up by their names only, as after a restore", run->plan->name)));

	if (keys == NIL && indexes == NIL && columns == NIL && nchanges == 0 && rollback.taken == 0 && run->rows_back == 0 && disarmed == 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\": nothing is to be taken back", run->plan->name)));
}

/* Checks ownership of the children of steps that have a key, or a deed to take back */
static void
check_roll_back(PlanRun *run)
{
	run_check_confirmed(run, NULL);
	run_check_ownership(run, plan_deed_children(run->plan));
}

/*
 * sg_rollback_fks(plan text, author text DEFAULT NULL, fail boolean DEFAULT
 * false, steps schemaguard.steps DEFAULT NULL, confirm text DEFAULT NULL)
 *
 * Takes back what the plan did, in reverse: keys that it added are dropped,
 * those that it replaced are restored and validated first, rows that it took
 * away are restored, indexes that it built and columns that it added are
 * dropped.  Such a column stays if anything depends on it, or if it holds a
 * value that the step's expressions do not give.  Steps become "rolled back";
 * sg_add_fks() runs them again.  Neither load nor schemaguard.window_end holds
 * it up.  With steps, takes back only these steps; an index that also serves
 * the key of a step that stays passes to that step.
 *
 * Needs ownership of the children, and REFERENCES on the parents of keys that
 * are restored.  Locks parent and child in ACCESS EXCLUSIVE to drop a key, the
 * table to drop an index, the child to drop a trigger or columns, each attempt
 * within schemaguard.lock_timeout.  Errors: as sg_add_fks.
 */
static Datum
sg_rollback_fks_entered(PG_FUNCTION_ARGS)
{
	PlanRun		run = {.procedure = "sg_rollback_fks",.shows = SG_PROGRESS_ROLLBACK,.urgent = true,.as_defined = true};

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, run.procedure);
	run.fail = sg_arg_bool(fcinfo, 2);
	run.chosen = plan_steps_argument(fcinfo, 3);
	run.confirm = sg_arg_optional_text(fcinfo, 4);
	undo_call(fcinfo, &run);

	PG_RETURN_VOID();
}

void
undo_call(FunctionCallInfo fcinfo, PlanRun *run)
{
	run_call(fcinfo, 1, run, check_roll_back, roll_back);
}
