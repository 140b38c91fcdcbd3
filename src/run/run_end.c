/*-------------------------------------------------------------------------
 *
 * run_end.c
 *	  How a call ended: its last line, and the error of fail => true.
 *
 * What is left undone is found after the last commit, in the states of the
 * steps and in the log of this call, since workers write there as well.  Not
 * left undone is what the plan or a role wants so: steps that sg_plan_skip()
 * skips, and orphans of the policy "leave".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/spi.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_unit.h"

#define MOST_LINES 10			/* of what is left, that an error lists */

/* What this call last did to an object of a step, where that came to nothing */
typedef struct Trouble
{
	int			step;
	char	   *action;
	char	   *object;
	int			sqlerrcode;		/* 0: none */
	char	   *message;
	bool		skipped;		/* else it failed, or was interrupted */
} Trouble;

/* What is left undone */
typedef struct Rest
{
	int			n;
	int			sqlerrcode;		/* that all have in common, or 0 */
	StringInfoData lines;
} Rest;

bool
run_wants_orphans(const PlanStep *step, int sqlerrcode)
{
	return step->orphans == ORPHANS_LEAVE &&
		(sqlerrcode == ERRCODE_SG_ORPHANS || sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION);
}

/* ---- the last line ---- */

void
run_tell_summary(const PlanRun *run)
{
	static const StepState states[] = {STEP_VALIDATED, STEP_ADDED, STEP_FAILED, STEP_SKIPPED, STEP_PENDING,
	STEP_ROLLED_BACK};
	int			counts[STEP_ROLLED_BACK + 1] = {0};
	StringInfoData text;
	const char *some = "";

	foreach_ptr(const PlanStep, step, plan_chosen_steps(run->plan))
		counts[step->state]++;
	if (run->chosen)
		some = psprintf(", %d of %d steps", list_length(run->chosen), list_length(plan_steps(run->plan->name)));

	initStringInfo(&text);
	for (int i = 0; i < lengthof(states); i++)
	{
		int			n = counts[states[i]];

		if (n > 0)
			appendStringInfo(&text, "%s%d %s", text.len ? ", " : "", n, plan_state_word(states[i]));
	}
	ereport(NOTICE,
			(errmsg("plan \"%s\"%s: %s", run->plan->name, some, text.len ? text.data : "no step")));
	if (run->stop_reason)
		ereport(WARNING,
				(errmsg("plan \"%s\" stopped: %s", run->plan->name, run->stop_reason),
				 errhint("CALL %s() again to go on from here.", run->procedure)));
}

/* ---- what is left ---- */

static Trouble *
read_trouble(HeapTuple tuple, TupleDesc desc)
{
	Trouble    *trouble = palloc(sizeof(Trouble));
	char	   *sqlstate = sg_spi_text(tuple, desc, "sqlstate");

	trouble->step = (int) sg_spi_int64(tuple, desc, "step");
	trouble->action = sg_spi_text(tuple, desc, "action");
	trouble->object = sg_spi_text(tuple, desc, "object");
	trouble->message = sg_spi_text(tuple, desc, "message");
	trouble->skipped = sg_spi_bool(tuple, desc, "skipped");
	trouble->sqlerrcode = sqlstate == NULL ? 0 :
		MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
	return trouble;
}

/* A List of Trouble *; an action that was done or put right later is none */
static List *
find_troubles(const PlanRun *run)
{
	Oid			types[] = {UUIDOID, TIMESTAMPTZOID};
	Datum		values[] = {UUIDPGetDatum(&run->id), TimestampTzGetDatum(run->started_at)};
	MemoryContext context = CurrentMemoryContext;
	List	   *troubles = NIL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT step::bigint AS step, action, object, sqlstate, message, phase = 'skipped' AS skipped"
					 " FROM (SELECT DISTINCT ON (l.step, l.action, l.object) l.*"
					 "       FROM schemaguard.audit_log l"
					 "       WHERE l.run_id = $1 AND l.at >= $2 AND l.step IS NOT NULL AND l.phase <> 'started'"
					 "       ORDER BY l.step, l.action, l.object, l.id DESC) l"
					 " WHERE phase IN ('failed', 'interrupted') OR phase = 'skipped' AND sqlstate IS NOT NULL"
					 " ORDER BY id",
					 lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		troubles = lappend(troubles, read_trouble(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return troubles;
}

static void
add_rest(Rest *rest, int step, const char *object, const char *why, int sqlerrcode)
{
	if (rest->n == 0)
		rest->sqlerrcode = sqlerrcode;
	else if (rest->sqlerrcode != sqlerrcode)
		rest->sqlerrcode = 0;
	if (rest->n++ >= MOST_LINES)
		return;
	if (rest->lines.len)
		appendStringInfoChar(&rest->lines, '\n');
	if (object)
		appendStringInfo(&rest->lines, "step %d, %s: ", step, object);
	appendStringInfoString(&rest->lines, why);
}

/* The last of a step's troubles that keeps it from its end */
static const Trouble *
trouble_of(const PlanStep *step, List *troubles)
{
	const Trouble *last = NULL;

	foreach_ptr(const Trouble, trouble, troubles)
	{
		if (trouble->step != step->step ||
			(trouble->skipped && step->state != STEP_SKIPPED))
			continue;
		if (step->state != STEP_VALIDATED || strcmp(trouble->action, "index") == 0)
			last = trouble;
	}
	return last;
}

/* Has a step, in which nothing has failed, come as far as this call was to take it? */
static bool
is_done(const PlanRun *run, const PlanStep *step)
{
	switch (step->state)
	{
		case STEP_VALIDATED:
			return true;
		case STEP_ADDED:
			return !run->validate || !step->enforced;
		default:
			return false;
	}
}

static void
add_step_rest(Rest *rest, const PlanRun *run, const PlanStep *step, List *troubles)
{
	const Trouble *trouble = trouble_of(step, troubles);
	const char *why = step->reason;

	if (step->skipped_by || (trouble && run_wants_orphans(step, trouble->sqlerrcode)))
		return;
	if (trouble == NULL && is_done(run, step))
		return;
	if (trouble)
		why = trouble->message;
	else if (run->stop_reason && step->state != STEP_FAILED && step->state != STEP_SKIPPED)
		why = run->stop_reason;
	add_rest(rest, step->step, plan_step_object(step), why ? why : plan_state_word(step->state),
			 trouble ? trouble->sqlerrcode : 0);
}

/* Of a call that takes each step to an end */
static void
find_steps_left(Rest *rest, const PlanRun *run, List *troubles)
{
	ListCell   *lc;

	foreach(lc, plan_chosen_steps(run->plan))
		add_step_rest(rest, run, lfirst(lc), troubles);
}

/* Of a call that does one thing to some of the steps; what a rollback leaves alone is as it should be */
static void
find_actions_left(Rest *rest, const PlanRun *run, List *troubles)
{
	foreach_ptr(const Trouble, trouble, troubles)
	{
		const PlanStep *step = plan_step_get(run->plan->name, trouble->step, true);

		if ((trouble->skipped && !run->fix) ||
			(step && run_wants_orphans(step, trouble->sqlerrcode)))
			continue;
		add_rest(rest, trouble->step, trouble->object,
				 trouble->message ? trouble->message : plan_state_word(STEP_FAILED), trouble->sqlerrcode);
	}
	if (run->rows_left > 0)
		add_rest(rest, 0, NULL,
				 psprintf(INT64_FORMAT " %s left in quarantine", run->rows_left,
						  run->rows_left == 1 ? "row is" : "rows are"), 0);
	if (run->stop_reason)
		add_rest(rest, 0, NULL, psprintf("the call stopped: %s", run->stop_reason), 0);
}

ErrorData *
run_find_rest(const PlanRun *run)
{
	List	   *troubles = find_troubles(run);
	Rest		rest = {0};
	ErrorData  *error;

	initStringInfo(&rest.lines);
	if (run->each_step)
		find_steps_left(&rest, run, troubles);
	else
		find_actions_left(&rest, run, troubles);
	if (rest.n == 0)
		return NULL;
	if (rest.n > MOST_LINES)
		appendStringInfo(&rest.lines, "\n... and %d more", rest.n - MOST_LINES);

	error = palloc0(sizeof(ErrorData));
	error->sqlerrcode = rest.sqlerrcode ? rest.sqlerrcode : ERRCODE_SG_ORPHANS;
	error->detail = rest.lines.data;
	return error;
}
