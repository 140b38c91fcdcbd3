/*-------------------------------------------------------------------------
 *
 * change_need.h
 *	  Conditions of a drop, and its losses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHANGE_NEED_H
#define SG_CHANGE_NEED_H

#include "postgres.h"

#include "change/change.h"
#include "plan/plan_order.h"

/* Steps of other plans that have yet to read what a drop may take, read once for all drops of a plan */
typedef struct ChangeOthers
{
	bool		known;
	List	   *carrying;
} ChangeOthers;

/*
 * Checks once more what a drop needs by the graph, which may be NULL: sets a
 * problem if a needed step does not hold, a value was not carried over, or a
 * step of another plan has yet to read it (others; NULL: look now).  Reads
 * rows.
 */
extern void change_check_needs(const PlanGraph *graph, const PlanStep *step, ChangeOthers *others, ChangeMove *move);

/* Checks for the steps of other plans alone, whatever the drop waits for in its own */
extern void change_check_others(const PlanStep *step, ChangeOthers *others, ChangeMove *move);

/*
 * Raises 55000 if rows have a value in a column that a drop has kept, under its
 * present name, and none in one that a step of a plan fills from it.  Reads
 * rows.
 */
extern void change_check_kept(const PlanDeed *deed, const char *kept);

/*
 * Raises 55000 if a step of any plan is yet to read the table or column that a
 * drop has kept, or reads it when it is taken back; change_wanting() returns
 * these steps, for all drops.
 */
extern List *change_wanting(void);
extern void change_check_wanted(const PlanDeed *deed, const List *wanting);

/*
 * Returns the step, except the one of that number, that has dropped an object
 * that a fill reads, so that its names may mean something else; or NULL
 */
extern PlanStep *change_dropped_before(const PlanStep *filled, int but);

/*
 * Returns a step that will drop or rename an object that a fill reads, in any
 * table: until then rows are filled behind NOT NULL, too; or NULL
 */
extern PlanStep *change_read_until(const PlanStep *filled);

/*
 * Returns the steps (PlanStep *, with present names) that fill columns from the
 * object of a drop or rename: by the graph, which may be NULL, or by the OIDs
 * that they have read
 */
extern List *change_readers(const PlanGraph *graph, const PlanStep *moving);

/*
 * Return the rows or values that a drop, or the author's statements, delete for
 * good: 0 if there are none, -1 if they can't be counted; those of a list of
 * PlanGone *; and in words.  They are added to the counts by table, which may
 * be NULL.
 */
extern int64 change_count_lost(const PlanStep *step, const ChangeMove *move, RunRows *counts);
extern int64 change_count_gone(List *gone, RunRows *counts);
extern char *change_lost_text(const PlanStep *step, int64 rows, bool done);

/*
 * Sets a problem for a move that would drop a step's column with values that
 * the step has not given it.  Reads rows.
 */
extern void change_check_values(const PlanStep *step, ChangeMove *move);

/*
 * Returns whether a table has rows, or its rows can't be read: parts elsewhere,
 * rows that the caller may not read.  Reads one row.
 */
extern bool change_has_rows(Oid relid, const char *table);

/*
 * Returns a hint for a drop whose object never existed: the nearest name, among
 * parts of the table, or among tables if that is InvalidOid
 */
extern char *change_nearest_hint(const PlanStep *step, Oid table);

#endif							/* SG_CHANGE_NEED_H */
