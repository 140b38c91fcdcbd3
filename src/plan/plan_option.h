/*-------------------------------------------------------------------------
 *
 * plan_option.h
 *	  Options of a plan: settings of its own for its calls, and the policy of
 *	  its new steps.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_OPTION_H
#define SG_PLAN_OPTION_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/* An option that is no setting, but the default of sg_plan_add_fk()'s argument */
#define PLAN_OPTION_POLICY "orphans"

/* Returns the plan's settings, a List of SgOption * for sg_options_apply(), by name */
extern List *plan_options(const FkPlan *plan);

/*
 * Returns the plan's options as "name = value, ..." without the prefix,
 * "orphans" included; NULL if there are none
 */
extern char *plan_options_text(const FkPlan *plan);

/*
 * Apply the plan's settings over the session's, for a function on the plan,
 * until plan_options_end(), or the end of the transaction.  A role that has not
 * written the plan is told.  Raise 22023 for invalid values that somebody has
 * written into the table by hand.
 */
extern int	plan_options_begin(const FkPlan *plan);
extern void plan_options_end(int level);

/* Tells the caller of options that somebody else has given the plan */
extern void plan_tell_options(const FkPlan *plan, List *options);

/*
 * Sets an option after plan_check_writable(), or removes it if the value is
 * NULL.  Raises 22023 for an unknown name, and the setting's own error for a
 * value.
 */
extern void plan_option_set(const FkPlan *plan, const char *name, const char *value);

/* Returns the policy of new steps without one of their own */
extern OrphanPolicy plan_option_policy(const char *plan);

/*
 * Returns the time of schemaguard.window_end; 0 for an empty text.  Raises
 * 22007, 22008 and 22023 for an invalid one.
 */
extern TimestampTz plan_window_end(const char *text);

#endif							/* SG_PLAN_OPTION_H */
