/*-------------------------------------------------------------------------
 *
 * plan_relation.h
 *	  Relations between two steps, by their objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_RELATION_H
#define SG_PLAN_RELATION_H

#include "postgres.h"

#include "plan/plan.h"

/* Returns whether a step names the table, as its own or as its parent */
extern bool plan_mentions_table(const PlanStep *step, const char *table);

/*
 * Returns whether a step names a column that is not its own, or its author's
 * SQL may.  A created table has its columns from the start.
 */
extern bool plan_mentions_column(const PlanStep *step, const char *table, const char *column);

/* Returns the new name of a renamed table */
extern char *plan_renamed_table(const PlanStep *step);

/* Gives a drop or rename the names that its object has before a rename, if that is of the object or its table */
extern void plan_name_before(PlanStep *step, const PlanStep *rename);

/* Returns whether a step adds a constraint or an index */
extern bool plan_step_adds_rule(const PlanStep *step);

/*
 * Returns whether a drop or rename frees a name that another step gives to an
 * object, or creates one by, or drops the very constraint or index that the
 * other step adds again, so that it has to come first
 */
extern bool plan_step_frees(const PlanStep *step, const PlanStep *giver);

/* Returns whether `step` needs `other` to come first */
extern bool plan_step_needs(const PlanStep *step, const PlanStep *other);

/*
 * Returns whether `step` is a drop or rename that comes after `other`: a drop
 * comes after all steps of its table, a rename after those that use the old
 * name.
 */
extern bool plan_step_comes_late(const PlanStep *step, const PlanStep *other);

/*
 * Returns whether a validated step has been taken back on purpose, by a
 * validated step that runs behind it: its object is dropped, moved or renamed,
 * or its default is another one
 */
extern bool plan_step_undone(const PlanStep *step);

/* Returns whether a name is in SQL as a whole word, as it stands or folded to lower case */
extern bool plan_has_word(const char *text, const char *word);

#endif							/* SG_PLAN_RELATION_H */
