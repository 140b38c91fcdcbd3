/*-------------------------------------------------------------------------
 *
 * plan_input.h
 *	  What every step has to pass on its way into a plan.
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
 * plan that have its name, or say the same of its table, so that steps cost
 * the same however many the plan has.  Steps given to it must live as long as
 * it does.
 */
typedef struct PlanDraft PlanDraft;

/* The caller has passed plan_check_writable */
extern PlanDraft *plan_draft_begin(const FkPlan *plan);

/*
 * Raise an error unless the step can be in the plan; makes up fk_name when
 * that is NULL.  The tables' names are
 * qualified (plan_qualify).  What this database lacks is no error but a
 * NOTICE; a quiet draft counts such steps and says so once, at the end.  A
 * step that is skipped may have tables that no key can have.
 * Writes nothing.  For a step that is new, step->step is 0.
 */
extern void plan_draft_check(PlanDraft *draft, PlanStep *step);
extern void plan_draft_set_quiet(PlanDraft *draft);

/*
 * Insert a step that has just passed plan_draft_check; returns its number.  A
 * NOTICE says why its key can't be, where tables and columns are here.
 */
extern int	plan_draft_insert(PlanDraft *draft, PlanStep *step);

/* After all changes: withdraws the approval, and says what is not here */
extern void plan_draft_end(PlanDraft *draft);

/* All of that for one new step of step->plan, by this function of ours: returns its number */
extern int	plan_add_step(const char *function, PlanStep *step);

/*
 * Changes options of a step that is in the plan, as sg_plan_set() does: 22023,
 * 55000.  Texts and names for sg_json_begin() are here, too.
 */
#define PLAN_OPTIONS_NAME "options"
#define PLAN_OPTIONS_HINT "Give names and values, as in '{\"orphans\": \"quarantine\"}'."
extern void plan_step_set_options(const FkPlan *plan, PlanStep *step, const SgJson *options);

/* Those of the steps whose kinds take all of the options, and a NOTICE about the others; all where none does */
extern List *plan_steps_that_take(const FkPlan *plan, List *steps, const SgJson *options);

/* A table's name as users write it, schema-qualified by the caller's search_path */
extern char *plan_qualify(const char *table);

/* The n-th name (from 0) that ALTER TABLE would try for the step's key */
extern char *plan_default_fk_name(const PlanStep *step, int n);

/* Skip a step for good, in the name of the current role; in memory alone */
extern void plan_step_skip(PlanStep *step, const char *reason);

/*
 * Returns what others wait for while the statements of a step run and large
 * tables are built, read or written under a lock: lists of a clause and a hint
 * (of char *); set by the room of scripts.
 */
extern List *(*plan_holds_hook) (const PlanStep *step);

/* Warns of a step that runs as it is written, and has others wait for as long as a table is large */
extern void plan_tell_holds(const PlanStep *step);

#endif							/* SG_PLAN_INPUT_H */
