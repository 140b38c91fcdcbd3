/*-------------------------------------------------------------------------
 *
 * change_need.h
 *	  What a drop stands on, and what goes for good with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHANGE_NEED_H
#define SG_CHANGE_NEED_H

#include "postgres.h"

#include "change/change.h"
#include "plan/plan_order.h"

/*
 * Looks once more at what a drop needs by the graph, which may be NULL: the
 * move becomes a problem where something of it does not hold, or a value was
 * not carried over.  Reads rows.
 */
extern void change_check_needs(const PlanGraph *graph, const PlanStep *step, ChangeMove *move);

/*
 * Raises 55000 if rows have a value in a column that a drop has kept, by the name that it
 * has now, and none in one that a step of the plan fills from it.  Reads rows.
 */
extern void change_check_kept(const PlanDeed *deed, const char *kept);

/* Returns the step, but for that of a number, that has dropped what a fill reads, so that its names may mean something else; or NULL */
extern PlanStep *change_dropped_before(const PlanStep *filled, int but);

/* Returns a step that is to drop or rename what a fill reads, in whichever table, until when rows are filled behind NOT NULL, too; or NULL */
extern PlanStep *change_read_until(const PlanStep *filled);

/*
 * Returns the steps (of PlanStep *, by the names of now) that fill columns from what
 * a drop or rename takes away: by the graph, which may be NULL, or as what they have
 * read, whatever that is called by now
 */
extern List *change_readers(const PlanGraph *graph, const PlanStep *moving);

/*
 * Rows or values that a drop, or statements of the author's, let go for good:
 * 0 where there are none, -1 where they can't be counted; those of a list of
 * PlanGone *; and in words.  By table, they are added to the counts, which may
 * be NULL.
 */
extern int64 change_count_lost(const PlanStep *step, const ChangeMove *move, RunRows *counts);
extern int64 change_count_gone(List *gone, RunRows *counts);
extern char *change_lost_text(const PlanStep *step, int64 rows, bool done);

/* Makes a problem of the move that would drop a step's column where it holds other values than the step has given it.  Reads rows. */
extern void change_check_values(const PlanStep *step, ChangeMove *move);

/* Has a table rows, or what can't be asked: parts elsewhere, rows that the caller may not read?  Reads one. */
extern bool change_has_rows(Oid relid, const char *table);

/*
 * Returns a hint for a drop whose object was never there: the nearest name, of
 * parts of the table, or of tables where that is InvalidOid
 */
extern char *change_nearest_hint(const PlanStep *step, Oid table);

#endif							/* SG_CHANGE_NEED_H */
