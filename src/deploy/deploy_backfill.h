/*-------------------------------------------------------------------------
 *
 * deploy_backfill.h
 *	  Columns that a step adds and fills.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_BACKFILL_H
#define SG_DEPLOY_BACKFILL_H

#include "postgres.h"

#include "base/scope.h"
#include "deploy/deploy.h"

/* ---- deploy_backfill.c ---- */

/*
 * Fill the columns of a step that has expressions for it, before its index is
 * built and its key is added: add the columns that are missing, make the
 * trigger that keeps them filled, update the rows.  A step for which that
 * comes to nothing goes to run->unfilled.
 */
extern void deploy_backfill_step(PlanRun *run, int step);

/*
 * Fills the column of a step of another kind, whose rule has it and its value:
 * gives rows values, with keep_up by a trigger that stays, too.  False: failed,
 * on record; there is no trigger any more, unless somebody has held the filling
 * up, and the next call goes on with it.  Rows of a new column for which the
 * expression gives none are left without.
 */
extern bool deploy_fill_rule(StepWork *work, const DeployRule *rule, bool keep_up);

/*
 * Does every row that the key to be replaced joins have a value in each of the
 * new columns?  If not, and the policy is "stop", the step fails here; so it
 * does where that can't be found out.  `key` needs its tables only; `replaced`
 * may be NULL.
 */
extern bool deploy_backfill_is_complete(StepWork *work, FkKey *key, const FkKey *replaced);

/*
 * Fill the rows that the trigger has left without a value, before it goes: their
 * parent was not free.  False: failed, on record.
 */
extern bool deploy_backfill_last(StepWork *work, FkKey *key);

/*
 * Drop the trigger, if it is there, and say so; what was filled stays.  Was it
 * there?
 */
extern bool deploy_backfill_disarm(PlanRun *run, PlanStep *step, const char *notice);

/* May the caller run the expressions of a plan by this role? */
extern bool deploy_backfill_is_trusted(const char *author);

/* ---- deploy_backfill_role.c ---- */

/*
 * As whom a step's columns are filled, InvalidOid for the caller: for
 * sg_role_begin(), or for this, which pins the search_path as the expressions
 * want it.  Raises 42501 where nobody may.  The caller has locked the child.
 * *is_cheap, unless NULL: nothing but built-in functions computes the values,
 * none of them volatile, from the row alone.
 */
extern Oid	deploy_backfill_role(const PlanStep *step, Oid child, bool *is_cheap);
extern void deploy_backfill_begin(SgScope *scope, Oid role);

#endif							/* SG_DEPLOY_BACKFILL_H */
