/*-------------------------------------------------------------------------
 *
 * plan_input.h
 *	  Checks of every step on its way into a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_INPUT_H
#define SG_PLAN_INPUT_H

#include "postgres.h"

#include "base/json.h"
#include "plan/plan.h"

/*
 * A plan while it is being changed.  Each step is compared with the few of the
 * plan that have its name, or make the same object of its table, so that the
 * cost per step does not grow with the plan.  Steps given to it must live as
 * long as it does.
 */
typedef struct PlanDraft PlanDraft;

/* Begins a draft; the caller has passed plan_check_writable */
extern PlanDraft *plan_draft_begin(const FkPlan *plan);

/*
 * Raises an error unless the step can be in the plan; generates fk_name if it
 * is NULL.  The tables' names are qualified (plan_qualify).  Objects that this
 * database lacks are a NOTICE; a quiet draft counts such steps and reports them
 * once, at the end.  A skipped step may have tables that no key can have.
 * Writes nothing.  A new step has step->step 0.
 */
extern void plan_draft_check(PlanDraft *draft, PlanStep *step);
extern void plan_draft_set_quiet(PlanDraft *draft);

/*
 * Inserts a step that has just passed plan_draft_check; returns its number.  A
 * NOTICE reports why its key is impossible, if tables and columns exist.
 */
extern int	plan_draft_insert(PlanDraft *draft, PlanStep *step);

/* Ends the draft after all changes: withdraws the approval, and reports missing objects */
extern void plan_draft_end(PlanDraft *draft);

/*
 * Does all of that for one new step of step->plan, for the SQL function of that
 * name; returns its number
 */
extern int	plan_add_step(const char *function, PlanStep *step);

/*
 * Changes options of a step of the plan, as sg_plan_set() does; raises 22023,
 * 55000.  Texts and names for sg_json_begin() are here, too.
 */
#define PLAN_OPTIONS_NAME "options"
#define PLAN_OPTIONS_HINT "Give names and values, as in '{\"orphans\": \"quarantine\"}'."
extern void plan_step_set_options(const FkPlan *plan, PlanStep *step, const SgJson *options);

/*
 * Returns the steps whose kinds take all of the options, with a NOTICE about
 * the others; all steps if none does
 */
extern List *plan_steps_that_take(const FkPlan *plan, List *steps, const SgJson *options);

/* Returns a table's name as users write it, schema-qualified by the caller's search_path */
extern char *plan_qualify(const char *table);

/* Returns the n-th name (from 0) that ALTER TABLE would try for the step's key */
extern char *plan_default_fk_name(const PlanStep *step, int n);

/* Skips a step for good, in the name of the current role, in memory only */
extern void plan_step_skip(PlanStep *step, const char *reason);

/*
 * Returns the locks that others wait for while the statements of a step build,
 * read or write large tables: lists of a clause and a hint (char *); set by the
 * room of scripts.
 */
extern List *(*plan_holds_hook) (const PlanStep *step);

/* Warns of a step that runs as it is written, and makes others wait, longer for a larger table */
extern void plan_tell_holds(const PlanStep *step);

#endif							/* SG_PLAN_INPUT_H */
