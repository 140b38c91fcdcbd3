/*-------------------------------------------------------------------------
 *
 * plan_pause.c
 *	  sg_plan_pause() and sg_plan_resume(): a running plan is paused by
 *	  another session.
 *
 *	  A pause is a row of its own, which a run never locks.  It takes effect
 *	  when its transaction has committed, so neither function runs in a
 *	  transaction block, a DO block or a procedure, and the server commits at
 *	  the end of its statement, also in a pipeline.  A run looks for it between
 *	  steps, attempts and batches, when it holds nothing: see run_throttle.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/pquery.h"

#include "base/args.h"
#include "base/errors.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_store.h"

SG_FUNCTION(sg_plan_pause);
SG_FUNCTION(sg_plan_resume);

char *
plan_pause_text(const FkPlan *plan)
{
	return plan_read_one(plan,
						 "SELECT format('role %s has paused it at %s', role, date_trunc('second', at))"
						 " FROM schemaguard.plan_pause WHERE plan = $1", store_read_text);
}

/*
 * Has the server commit when the current statement ends, as after VACUUM;
 * raises 25001 where it would not do so then
 */
static void
commit_at_once(const char *function)
{
	/* a utility statement, such as DO, goes on after this function */
	bool		is_within = ActivePortal == NULL || ActivePortal->strategy == PORTAL_MULTI_QUERY || ActivePortal->strategy == PORTAL_UTIL_SELECT;

	if (is_within || IsTransactionBlock() || (MyXactFlags & XACT_FLAGS_PIPELINING))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s() cannot run inside a transaction block, a pipeline, DO or a procedure", function),
				 errdetail("The session that runs the plan would not see it until that ends."),
				 errhint("Call it alone, outside of BEGIN, with autocommit on.")));
	MyXactFlags |= XACT_FLAGS_NEEDIMMEDIATECOMMIT;
}

/* Runs one statement on a plan's pause; returns whether it has changed anything */
static bool
change_pause(FunctionCallInfo fcinfo, const char *function, const char *action, int expected, const char *sql)
{
	FkPlan	   *plan;
	StoreArgs	args = {0};

	sg_check_granted(fcinfo);
	commit_at_once(function);
	sg_check_writable(psprintf("%s()", function));
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_usable(plan);

	store_arg_text(&args, plan->name);
	store_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	if (store_change(expected, sql, &args) == 0)
		return false;
	plan_log(plan, 0, action, plan->name, NULL);
	return true;
}

/*
 * sg_plan_pause(plan text) -> boolean
 *
 * Makes a call that runs the plan pause before its next step, attempt or batch,
 * for schemaguard.throttle_budget at most, and makes later calls fail.  Returns
 * false if it was paused already.  For roles that may run the plan (42501);
 * 25001 in a transaction block, a pipeline behind another statement, DO or a
 * procedure.
 */
static Datum
sg_plan_pause_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(change_pause(fcinfo, "sg_plan_pause", "plan pause", SPI_OK_INSERT,
								"INSERT INTO schemaguard.plan_pause (plan, role) VALUES ($1, $2) ON CONFLICT DO NOTHING"));
}

/*
 * sg_plan_resume(plan text) -> boolean
 *
 * Ends a pause; returns false if the plan was not paused.  For roles that may
 * run the plan, not only the one that has paused it.
 */
static Datum
sg_plan_resume_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(change_pause(fcinfo, "sg_plan_resume", "plan resume", SPI_OK_DELETE,
								"DELETE FROM schemaguard.plan_pause WHERE plan = $1 AND $2 IS NOT NULL"));
}
