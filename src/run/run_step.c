/*-------------------------------------------------------------------------
 *
 * run_step.c
 *	  Work on one step of a plan: its beginning, its statements, its end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/origin.h"
#include "base/progress.h"
#include "base/quote.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_name.h"
#include "run/run_unit.h"

#define LONGEST_LINE 400		/* length of a message about a step */
#define HINTS_TOLD 50			/* number of hints that a call reports */
#define HINTS_ALIKE 3			/* number of reported hints with the same
								 * first line */

void
run_note_unkept(PlanRun *run, const PlanStep *step)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (plan_step_fixes(step))
		run->unkept = lappend_int(run->unkept, step->step);
	MemoryContextSwitchTo(old);
}

bool
run_holds_step(PlanRun *run, const PlanStep *step)
{
	char	   *reason;
	StepWork   *work;

	if (run->graph == NULL || run->stop_reason || step->skipped_by || step->phase)
		return false;
	reason = plan_waits_for(run->graph, step->step);
	if (reason == NULL)
	{
		if (step->state == STEP_WAITING)
		{
			plan_step_set_state(run->plan->name, step->step, STEP_PENDING, NULL, 0);
			run_commit();
		}
		return false;
	}
	work = run_begin_step(run, step->step);
	if (work == NULL || work->step->state == STEP_VALIDATED)
		return true;
	run_note_unkept(run, work->step);

	/*
	 * logged once, unless the call is to fail, because its error is taken
	 * from the log
	 */
	if (run->fail || work->step->reason == NULL || strcmp(work->step->reason, reason) != 0)
	{
		if (plan_step_is_there(work->step))
			plan_step_set_state(run->plan->name, step->step, STEP_AS_IT_IS, reason, 0);
		run_outcome(work, "wait", LOG_SKIPPED, plan_step_is_there(work->step) ? STEP_AS_IT_IS : STEP_WAITING,
					ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason);
	}
	run_append_notice(work, reason);
	run_end_step(work);
	return true;
}

StepWork *
run_begin_step(PlanRun *run, int step)
{
	PlanStep   *row = plan_step_get(run->plan->name, step, true);
	StepWork   *work;

	if (row == NULL || row->skipped_by || row->phase)
		return NULL;

	work = palloc0(sizeof(StepWork));
	work->run = run;
	work->step = row;
	work->object = plan_step_object(row);
	initStringInfo(&work->notice);
	run->at_step = step;
	return work;
}

/*
 * Returns the work's hint unless it was reported before: the hint of
 * consecutive steps is reported once, hints with the same first line a few
 * times, and all hints up to a limit, because the last line of a call leads to
 * them.
 */
static const char *
new_hint(const StepWork *work)
{
	PlanRun    *run = work->run;
	int			first_line = work->hint ? strcspn(work->hint, "\n") + 1 : 0;
	int			alike = 0;
	MemoryContext old;

	if (work->hint == NULL || list_length(run->hints) >= HINTS_TOLD)
		return NULL;
	foreach_ptr(const char, told, run->hints)
	{
		alike += strncmp(told, work->hint, first_line) == 0;
	}
	if (alike >= HINTS_ALIKE || (run->hints && strcmp(llast(run->hints), work->hint) == 0))
		return NULL;
	old = MemoryContextSwitchTo(run->context);
	run->hints = lappend(run->hints, pstrdup(work->hint));
	MemoryContextSwitchTo(old);
	return work->hint;
}

/* Logs a message that is too long for a terminal; returns the hint with the way to the whole message */
static char *
whole_hint(const StepWork *work, const char *text, const char *hint)
{
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, "message", LOG_DONE);
	int64		id;

	entry.step = work->step->step;
	entry.object = work->object;
	entry.message = text;

	id = log_write(&entry);
	run_commit();
	return psprintf("%s%sAll of this message:\nSELECT message FROM schemaguard.audit_log WHERE id = " INT64_FORMAT ";",
					hint ? hint : "", hint ? "\n" : "", id);
}

void
run_end_step(const StepWork *work)
{
	const char *hint;
	char	   *text;

	work->run->at_step = 0;
	/* a step of a dry run with a hint is one that would be blocked */
	if (work->notice.len == 0 || (!work->warns && !(work->run->dry_run && work->hint) && !sg_tells(SG_VERBOSITY_STEPS)))
		return;
	hint = new_hint(work);
	text = psprintf("step %d, %s: %s", work->step->step, work->object, work->notice.data);

	if (strlen(text) > LONGEST_LINE)
		hint = whole_hint(work, text, hint);
	ereport(work->warns ? WARNING : NOTICE,
			(errmsg("%s", sg_clip(text, LONGEST_LINE)),
			 hint ? errhint("%s", hint) : 0));
}

void
run_statement(const char *statement)
{
	int			rc;

	SPI_connect();
	sg_progress_keep();
	run_check_names(statement);
	rc = sg_origin_execute(statement);
	sg_progress_kept();
	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), statement);
	SPI_finish();
}

void
run_become_owner(SgScope *scope, Oid relid, Oid role)
{
	/*
	 * checked here, because ALTER TABLE would check the role that runs the
	 * statement, which is another one then
	 */
	if (!sg_owns_relation(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   sg_rel_name(relid));
	sg_check_may_become(role);
	sg_role_begin(scope, role);
}
