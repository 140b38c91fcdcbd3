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
 * Fills the columns of a step with expressions, before its index is built and
 * its key is added: adds missing columns, creates the trigger that keeps them
 * filled, updates the rows.  A step that fails goes to run->unfilled.
 */
extern void deploy_backfill_step(PlanRun *run, int step);

/*
 * Fills the column of a step of another kind, whose rule gives column and
 * value; with keep_up also creates a trigger that stays.  Returns false if that
 * failed, on record; the trigger is gone then, unless the filling was held up
 * and the next call goes on with it.  Rows of a new column for which the
 * expression is null stay null.
 */
extern bool deploy_fill_rule(StepWork *work, const DeployRule *rule, bool keep_up);

/*
 * Returns whether every row that the replaced key joins has a value in each new
 * column.  If not, or if it can't be told, the step fails here under policy
 * "stop".  Of `key` only the tables are used; `replaced` may be NULL.
 */
extern bool deploy_backfill_is_complete(StepWork *work, FkKey *key, const FkKey *replaced);

/*
 * Fills the rows that the trigger has left without a value because their parent
 * was locked, before the trigger is dropped.  Returns false if that failed, on
 * record.
 */
extern bool deploy_backfill_last(StepWork *work, FkKey *key);

/*
 * Drops the trigger, if it exists, with that notice; filled values stay.
 * Returns whether it existed.
 */
extern bool deploy_backfill_disarm(PlanRun *run, PlanStep *step, const char *notice);

/* Returns whether the caller may run the expressions of a plan by this role */
extern bool deploy_backfill_is_trusted(Oid author);

/* ---- deploy_backfill_role.c ---- */

/*
 * deploy_backfill_role() returns the role that fills a step's columns,
 * InvalidOid for the caller; raises 42501 if no role may.  The caller has
 * locked the child. *is_cheap, unless NULL: the values are computed from the
 * row alone, by non-volatile built-in functions. deploy_backfill_begin() takes
 * the role, like sg_role_begin(), and the search_path that the expressions
 * expect.
 */
extern Oid	deploy_backfill_role(const PlanStep *step, Oid child, bool *is_cheap);

/* Returns the reason of that for the step's tables alone, whose columns need not be there, or NULL */
extern char *deploy_backfill_refusal(const PlanStep *step, Oid child);
extern void deploy_backfill_begin(SgScope *scope, Oid role);

#endif							/* SG_DEPLOY_BACKFILL_H */
