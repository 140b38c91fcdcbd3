/*-------------------------------------------------------------------------
 *
 * change_own.c
 *	  Rules that partitions and inheriting tables had of their own before a
 *	  step.
 *
 *	  A CHECK, NOT NULL or default of a parent table replaces that of a
 *	  partition, and of some inheriting tables, and is dropped there with the
 *	  parent's; a kept column loses NOT NULL and default in all of them.  So
 *	  each such rule has a deed of its own, older than that of the step: a
 *	  rollback recreates the rule when the parent's is gone, or the column is
 *	  back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"

/* Word in deed->was for a constraint that was not valid; empty for others */
#define WAS_NOT_VALID "not valid"

static char *
was_of(HeapTuple constraint)
{
	return constraint && !((Form_pg_constraint) GETSTRUCT(constraint))->convalidated ? WAS_NOT_VALID : "";
}

/*
 * Fills in the rule that one table has of its own; returns false if there is
 * none, or it equals the parent's
 */
static bool
find_own(PlanDeed *deed, Oid whole, Oid relid)
{
	PlanStep   *what = deed->what;
	HeapTuple	tuple = NULL;
	AttrNumber	attnum = what->kind == STEP_CHECK ? InvalidAttrNumber : get_attnum(relid, linitial(what->child_columns));

	switch (what->kind)
	{
		case STEP_CHECK:
			tuple = change_constraint(relid, what->fk_name);
			deed->was = was_of(tuple);
			return tuple && ((Form_pg_constraint) GETSTRUCT(tuple))->conislocal;
		case STEP_NOT_NULL:
			if (!change_is_not_null(relid, attnum) || change_is_not_null(whole, get_attnum(whole, linitial(what->child_columns))))
				return false;
			tuple = SG_NOT_NULL_CONSTRAINT(relid, attnum);
			deed->was = was_of(tuple);
			what->fk_name = tuple ? pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname)) :
				change_not_null_name(relid, linitial(what->child_columns));
			return true;
		case STEP_DEFAULT:
			deed->was = change_current_default(relid, attnum);
			return !sg_same_text(deed->was, change_current_default(whole, get_attnum(whole, linitial(what->child_columns))));
		default:
			return false;
	}
}

/* The parent comes first in the tree, and so last among the deeds, which are undone in reverse */
static List *
own_deeds(const PlanStep *step, Oid table)
{
	List	   *deeds = NIL;

	foreach_oid(relid, sg_all_inheritors(table))
	{
		PlanDeed   *deed = palloc(sizeof(PlanDeed));
		PlanStep   *what = palloc(sizeof(PlanStep));

		if (relid == table)
			continue;
		*what = *step;
		what->child_table = sg_relation_name(relid);
		what->orphans = ORPHANS_STOP;
		*deed = plan_deed(DEED_CHANGE, step->step, plan_step_object(what));
		deed->own = true;
		deed->what = what;
		if (find_own(deed, table, relid))
			deeds = lcons(deed, deeds);
	}
	return deeds;
}

List *
change_own_deeds(const PlanStep *step, Oid table)
{
	PlanStep	of_column = *step;
	List	   *deeds;

	if (step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL || step->kind == STEP_DEFAULT)
		return own_deeds(step, table);
	if (step->kind != STEP_DROP || step->discard || plan_changed_object(step) != CHANGED_COLUMN)
		return NIL;
	of_column.child_columns = list_make1(step->fk_name);
	of_column.definition = NULL;
	of_column.kind = STEP_NOT_NULL;
	deeds = own_deeds(&of_column, table);
	of_column.kind = STEP_DEFAULT;
	return list_concat(deeds, own_deeds(&of_column, table));
}

List *
change_own_not_null(const PlanStep *step, Oid table)
{
	List	   *tables = NIL;

	foreach_ptr(const PlanDeed, deed, change_own_deeds(step, table))
	{
		if (deed->what->kind == STEP_NOT_NULL)
			tables = lcons(deed->what->child_table, tables);
	}
	return tables;
}

void
change_own_back(const PlanDeed *deed, ChangeMove *move)
{
	PlanStep	step = *deed->what;
	bool		not_valid = sg_same_text(deed->was, WAS_NOT_VALID);

	if (step.kind == STEP_CHECK)
		change_check_back(&step, move, false, true);
	else
		change_look_not_null(&step, move);

	/*
	 * the move that makes the constraint checks the rows, unless it held for
	 * new rows only
	 */
	if (not_valid || (step.kind == STEP_NOT_NULL && !move->first))
		move->rule = NULL;
	move->first = false;
	if (not_valid && move->kind == MOVE_VALIDATE)
		move->kind = MOVE_NONE;
}
