/*-------------------------------------------------------------------------
 *
 * plan_option.h
 *	  What a plan says about its calls: settings of its own, and the policy
 *	  that its new steps take.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_OPTION_H
#define SG_PLAN_OPTION_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/* Not a setting, but what sg_plan_add_fk() has for its argument */
#define PLAN_OPTION_POLICY "orphans"

/* The settings that the plan has, a List of SgOption * for sg_options_apply(), by name */
extern List *plan_options(const FkPlan *plan);

/* Returns the plan's options as "name = value, ..." without the prefix, "orphans" included; NULL if there are none */
extern char *plan_options_text(const FkPlan *plan);

/*
 * Have them over the session's settings, for a function on the plan: until
 * plan_options_end(), or the end of the transaction.  Who has not written the
 * plan is told.  22023 where somebody has written them by hand, and badly.
 */
extern int	plan_options_begin(const FkPlan *plan);
extern void plan_options_end(int level);

/* Tells the caller of options that somebody else has given the plan */
extern void plan_tell_options(const FkPlan *plan, List *options);

/*
 * Set one after plan_check_writable(), or with a value of NULL remove it.
 * 22023 for a name that is none, and as the setting itself for a value.
 */
extern void plan_option_set(const FkPlan *plan, const char *name, const char *value);

/* The policy of new steps that are given none */
extern OrphanPolicy plan_option_policy(const char *plan);

/*
 * The time that schemaguard.window_end says; 0 for an empty text.  22007,
 * 22008 and 22023 for what is none.
 */
extern TimestampTz plan_window_end(const char *text);

#endif							/* SG_PLAN_OPTION_H */
