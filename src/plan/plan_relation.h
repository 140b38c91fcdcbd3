/*-------------------------------------------------------------------------
 *
 * plan_relation.h
 *	  What two steps have to do with each other, by what they are about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_RELATION_H
#define SG_PLAN_RELATION_H

#include "postgres.h"

#include "plan/plan.h"

/* Does a step name the table, as its own or as its parent? */
extern bool plan_mentions_table(const PlanStep *step, const char *table);

/*
 * Does a step name a column that is not its own, or may what somebody has
 * written for it do so?  A table that is made has its columns from the start.
 */
extern bool plan_mentions_column(const PlanStep *step, const char *table, const char *column);

/* The table of a rename as it is called afterwards */
extern char *plan_renamed_table(const PlanStep *step);

/* Does a drop or rename take away the name that a step gives to another object, or makes one by, so that it has to come first? */
extern bool plan_step_frees(const PlanStep *step, const PlanStep *giver);

/* Does `step` need `other` to come first? */
extern bool plan_step_needs(const PlanStep *step, const PlanStep *other);

/*
 * Says whether `step` is a drop or rename that comes after `other`: a drop
 * comes after all steps of its table, a rename after those that use the old
 * name.
 */
extern bool plan_step_comes_late(const PlanStep *step, const PlanStep *other);

/* Is a name in SQL as a whole word, as it stands or folded to lower case? */
extern bool plan_has_word(const char *text, const char *word);

#endif							/* SG_PLAN_RELATION_H */
