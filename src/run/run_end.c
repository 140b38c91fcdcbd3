/*-------------------------------------------------------------------------
 *
 * run_end.c
 *	  The end of a call: its last line, and the error of fail => true.
 *
 *	  Steps left undone are found after the last commit, in the states of the
 *	  steps and in the log of this call, because workers write there as well.
 *	  Steps that sg_plan_skip() skips, and orphans of policy "leave", are
 *	  meant to stay, and do not count as left undone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/calls.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/spi.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_rows.h"
#include "run/run_unit.h"

/* Shorter calls do not report their time */
#define WORTH_TELLING_MS 5000

#define MOST_LINES 10			/* number of undone steps that an error lists */

/* Last action of this call on an object of a step, if it failed, was interrupted or skipped */
typedef struct Trouble
{
	int			step;
	char	   *action;
	char	   *object;
	int			sqlerrcode;		/* 0: none */
	char	   *message;
	bool		skipped;		/* skipped; else failed or interrupted */
} Trouble;

/* Steps that are left undone */
typedef struct Rest
{
	int			n;
	int			sqlerrcode;		/* SQLSTATE that all have in common, or 0 */
	StringInfoData lines;
} Rest;

bool
run_wants_orphans(const PlanStep *step, int sqlerrcode)
{
	return step->orphans == ORPHANS_LEAVE &&
		(sqlerrcode == ERRCODE_SG_ORPHANS || sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ||
		 sqlerrcode == ERRCODE_CHECK_VIOLATION || sqlerrcode == ERRCODE_NOT_NULL_VIOLATION);
}

/* ---- steps left undone ---- */

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

/* Returns a List of Trouble *, without actions that were done or put right later */
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

/* Returns the last of a step's troubles that keeps it from its end, or NULL */
static const Trouble *
trouble_of(const PlanStep *step, List *troubles)
{
	const Trouble *last = NULL;

	foreach_ptr(const Trouble, trouble, troubles)
	{
		if (trouble->step != step->step ||
			(trouble->skipped && step->state != STEP_SKIPPED && step->state != STEP_WAITING))
			continue;
		if (step->state != STEP_VALIDATED || strcmp(trouble->action, "index") == 0)
			last = trouble;
	}
	return last;
}

/* Returns whether a step without trouble has come as far as this call was to take it */
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

	if (step->skipped_by || step->phase || (trouble && run_wants_orphans(step, trouble->sqlerrcode)))
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

/* Adds the steps left undone by a call that takes each step to its end */
static void
find_steps_left(Rest *rest, const PlanRun *run, List *troubles)
{
	ListCell   *lc;

	foreach(lc, plan_chosen_steps(run->plan))
		add_step_rest(rest, run, lfirst(lc), troubles);
}

/*
 * Adds the steps left undone by a call that acts on some steps only; steps that
 * a rollback skips on purpose do not count
 */
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

/* ---- the last line ---- */

/* Arguments of a procedure, besides plan and author */
typedef enum CallArguments
{
	CALL_STEPS = 1,
	CALL_VALIDATE = 2,
	CALL_FIX = 4,
	CALL_DRY_RUN = 8,
	CALL_FAIL = 16,
	CALL_CONFIRM = 32,
	CALL_MAX_ROWS = 64,
	CALL_PLAN_ID = 128
} CallArguments;

static const struct
{
	const char *procedure;
	int			arguments;
}			procedures[] = {
	{"sg_add_fks", CALL_STEPS | CALL_VALIDATE | CALL_FIX | CALL_FAIL | CALL_MAX_ROWS},
	{"sg_apply", CALL_STEPS | CALL_VALIDATE | CALL_FIX | CALL_FAIL | CALL_CONFIRM | CALL_MAX_ROWS},
	{"sg_ensure", 0},
	{"sg_promote_apply", CALL_FIX | CALL_FAIL | CALL_CONFIRM | CALL_MAX_ROWS},
	{"sg_promote_rollback", CALL_CONFIRM},
	{"sg_sync_apply", CALL_FIX | CALL_FAIL | CALL_MAX_ROWS},
	{"sg_fix_orphans", CALL_STEPS | CALL_DRY_RUN | CALL_FAIL | CALL_CONFIRM | CALL_MAX_ROWS},
	{"sg_rollback_fks", CALL_STEPS | CALL_FAIL | CALL_CONFIRM},
	{"sg_restore_quarantine", CALL_PLAN_ID}
};

static int
arguments_of(const char *procedure)
{
	for (int i = 0; i < lengthof(procedures); i++)
	{
		if (strcmp(procedures[i].procedure, procedure) == 0)
			return procedures[i].arguments;
	}
	elog(ERROR, "no procedure %s", procedure);
}

char *
run_call_text(const PlanRun *run, const char *procedure)
{
	bool		same = strcmp(procedure, run->procedure) == 0;
	bool		always_fixes = strcmp(procedure, "sg_fix_orphans") == 0;
	int			has = arguments_of(procedure);
	StringInfoData call;

	initStringInfo(&call);
	appendStringInfo(&call, "CALL %s(%s", sg_call_name(procedure),
					 run->given && same ? run->given : quote_literal_cstr(run->plan->name));
	if (has & CALL_STEPS)
		appendStringInfoString(&call, run_steps_text(run));
	if ((has & CALL_VALIDATE) && run->each_step && !run->validate)
		appendStringInfoString(&call, ", validate => false");
	if (always_fixes && same && run->batch != RUN_FIX_BATCH)
		appendStringInfo(&call, ", batch => %d", run->batch);
	if ((has & CALL_DRY_RUN) && run->dry_run)
		appendStringInfoString(&call, ", dry_run => true");
	if ((has & CALL_FIX) && run->fix)
		appendStringInfoString(&call, ", fix => true");
	/* fail is true by default for the procedure that syncs */
	if ((has & CALL_FAIL) && run->fail != (run->given && same))
		appendStringInfo(&call, ", fail => %s", run->fail ? "true" : "false");
	if ((has & CALL_CONFIRM) && run->confirm)
		appendStringInfo(&call, ", confirm => %s", quote_literal_cstr(run->confirm));
	if ((has & CALL_MAX_ROWS) && (run->fix || same) && run->max_rows >= 0)
		appendStringInfo(&call, ", max_rows => " INT64_FORMAT, run->max_rows);
	if ((has & CALL_PLAN_ID) && run->kept_by)
		appendStringInfo(&call, ", plan_id => " INT64_FORMAT, run->kept_by);
	if ((has & CALL_PLAN_ID) && run->retyped)
		appendStringInfoString(&call, ", retyped => true");
	if ((has & CALL_PLAN_ID) && run->past_keys)
		appendStringInfoString(&call, ", past_keys => true");
	if (run->author && !(run->given && same))
		appendStringInfo(&call, ", author => %s", quote_literal_cstr(run->author));
	appendStringInfoString(&call, ");");
	return call.data;
}

/* Returns whether a call without max_rows would stop at so many rows */
static bool
is_past_limit(const PlanRun *run, int64 rows)
{
	return run->max_rows < 0 && sg_fix_limit >= 0 && rows > sg_fix_limit;
}

/* After a dry run: gives the next call max_rows for the rows counted, if it would stop at so many */
static void
allow_counted(PlanRun *next, const PlanRun *run)
{
	int64		rows;

	/* a worker does not count rows */
	if (!run->dry_run || run->rows == NULL)
		return;
	rows = Max(run_rows_lost(run->rows), run_rows_moved(run->rows));
	if (is_past_limit(run, rows))
		next->max_rows = rows;
}

/* Returns the policies that keep no copy of rows of steps that are not done, as a text; or NULL */
static char *
losing_policies(List *steps)
{
	List	   *words = NIL;

	foreach_ptr(const PlanStep, step, steps)
	{
		const char *word = plan_policy_word(step->orphans);

		if (plan_policy_loses(step->orphans) && step->state != STEP_VALIDATED && !step->skipped_by && !sg_has_name(words, word))
			words = lappend(words, unconstify(char *, word));
	}
	if (words == NIL)
		return NULL;
	return list_length(words) == 1 ? psprintf("Policy %s keeps no copy", (char *) linitial(words)) :
		psprintf("Policies %s and %s keep no copy", (char *) linitial(words), (char *) lsecond(words));
}

char *
run_fixing_hint(const PlanRun *run, List *steps, const char *procedure, const char *does)
{
	PlanRun		fixing = *run;
	char	   *losing = run->dry_run || run->given ? NULL : losing_policies(steps);

	fixing.fix = true;
	fixing.dry_run = false;
	allow_counted(&fixing, run);
	if (losing || (!run->dry_run && !run->given && is_past_limit(run, run->orphan_rows)))
	{
		/* the call itself would stop at more rows than the limit */
		fixing.dry_run = true;
		return psprintf("%s%s the rows first; the hint of this call is the call that fixes them:\n%s", losing ? losing : "", losing ? ". Count" : "Count",
						run_call_text(&fixing, "sg_fix_orphans"));
	}
	return psprintf("%s:\n%s", does, run_call_text(&fixing, procedure));
}

/* Returns the chosen steps as a further argument, or an empty text for all steps */
char *
run_steps_text(const PlanRun *run)
{
	return run->chosen ? psprintf(", steps => '%s'", plan_steps_text(run->chosen)) : "";
}

char *
run_select_text(const PlanRun *run, const char *function)
{
	return psprintf("SELECT * FROM %s(%s%s);", sg_call_name(function), quote_literal_cstr(run->plan->name),
					run_steps_text(run));
}

/* Returns the hint after a rollback: the rest, or the plan's state */
static char *
next_after_rollback(const PlanRun *run, List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (plan_step_is_there(step))
			return run_call_text(run, run->procedure);
	}
	if (run->rows_left > 0)
		return run_call_text(run, "sg_restore_quarantine");
	return run_select_text(run, "sg_plan_check");
}

/* Remedies for a step that is not as the plan wants it, in the order of preference */
typedef enum StepNeed
{
	STEP_NEEDS_LOOK,
	STEP_NEEDS_FIX,
	STEP_NEEDS_ADD,
	STEP_NEEDS_NOTHING
} StepNeed;

/* Returns the remedy for a step whose key exists and is not valid */
static StepNeed
added_need(const PlanRun *run, const PlanStep *step, List *troubles)
{
	bool		fixing = run->fix && !run->dry_run;

	if (!step->enforced)
		return STEP_NEEDS_NOTHING;
	if (run->each_step && !run->validate)
		return STEP_NEEDS_ADD;
	if (step->orphans == ORPHANS_LEAVE)
		return STEP_NEEDS_NOTHING;
	if (!run->each_step)
		return trouble_of(step, troubles) ? STEP_NEEDS_LOOK : fixing ? STEP_NEEDS_ADD : STEP_NEEDS_FIX;
	return plan_step_fixes(step) && !fixing ? STEP_NEEDS_FIX : STEP_NEEDS_LOOK;
}

static StepNeed
step_need(const PlanRun *run, const PlanStep *step, List *troubles)
{
	if (step->skipped_by || step->phase)
		return STEP_NEEDS_NOTHING;
	switch (step->state)
	{
		case STEP_FAILED:
		case STEP_SKIPPED:
			return STEP_NEEDS_LOOK;
		case STEP_PENDING:
		case STEP_WAITING:
		case STEP_ROLLED_BACK:
			return STEP_NEEDS_ADD;
		case STEP_ADDED:
			return added_need(run, step, troubles);
		default:
			return STEP_NEEDS_NOTHING;
	}
}

/* Adds the steps to those of the next call for which they wait */
static void
choose_waited_for(PlanRun *next, const List *steps)
{
	foreach_ptr(const PlanStep, step, next->chosen ? steps : NIL)
	{
		if (step->state == STEP_WAITING)
		{
			next->chosen = plan_with_waited_for(plan_graph(plan_steps(next->plan->name)), next->chosen);
			return;
		}
	}
}

/*
 * Returns the call that adds the keys and rules whose rows were counted, and
 * runs no other steps of the plan but those that they wait for
 */
static char *
adding_call(PlanRun *next, List *steps)
{
	List	   *fixes = NIL;
	bool		keys = true;
	bool		others = false;

	foreach_ptr(const PlanStep, step, steps)
	{
		bool		fixed = plan_step_fixes(step);

		if (fixed)
			fixes = lappend_int(fixes, step->step);
		others |= !fixed && step->kind != STEP_FOREIGN_KEY;
		keys &= !fixed || step->kind == STEP_FOREIGN_KEY;
	}
	if (keys && (fixes || !others))
		return run_call_text(next, "sg_add_fks");
	if (fixes && others)
		next->chosen = fixes;
	choose_waited_for(next, steps);
	return run_call_text(next, "sg_apply");
}

/* Returns the call that fixes the rows that a dry run has counted, whatever has failed before */
static char *
next_after_count(const PlanRun *run, List *steps)
{
	PlanRun		next = *run;

	next.fix = next.validate = true;
	allow_counted(&next, run);
	foreach_ptr(const PlanStep, step, steps)
	{
		if (plan_step_fixes(step) && !step->skipped_by && !step->phase && !plan_step_is_there(step))
			return adding_call(&next, steps);
	}
	return run_fixing_hint(run, steps, "sg_fix_orphans", "Do what the steps' policies say about rows");
}

/* Returns the next call, or NULL */
static char *
next_call(const PlanRun *run, List *steps)
{
	StepNeed	need = STEP_NEEDS_NOTHING;
	PlanRun		next = *run;
	bool		repeats = false;
	List	   *troubles;

	if (steps == NIL)
		return NULL;
	if (run->stop_reason)
		return run_call_text(run, run->procedure);
	if (run->urgent)
		return next_after_rollback(run, steps);
	if (run->dry_run && run_rows_tables(run->rows) != NIL)
		return next_after_count(run, steps);
	troubles = find_troubles(run);
	foreach_ptr(const PlanStep, step, steps)
	{
		StepNeed	one = step_need(run, step, troubles);

		need = Min(need, one);
		repeats |= one == STEP_NEEDS_ADD && step->state != STEP_ADDED;
	}
	switch (need)
	{
		case STEP_NEEDS_LOOK:
			return run_select_text(run, "sg_plan_check");
		case STEP_NEEDS_FIX:
			return run_fixing_hint(run, steps, run->each_step && strcmp(run->procedure, "sg_add_fks") != 0 ? run->procedure : "sg_fix_orphans",
								   "Do what the steps' policies say about rows");
		case STEP_NEEDS_ADD:
			next.validate = run->validate || !repeats;
			next.fix = run->each_step ? run->fix : run->dry_run;
			allow_counted(&next, run);
			choose_waited_for(&next, steps);
			return run->each_step ? run_call_text(&next, run->procedure) : adding_call(&next, steps);
		case STEP_NEEDS_NOTHING:
			return psprintf("SELECT * FROM %s(%s%s) WHERE result <> 'pass';", sg_call_name("sg_verify_fks"),
							quote_literal_cstr(run->plan->name), run_steps_text(run));
	}
	pg_unreachable();
}

/* Returns the number of steps by state */
static char *
tally(List *steps)
{
	static const StepState states[] = {STEP_VALIDATED, STEP_ADDED, STEP_FAILED, STEP_SKIPPED, STEP_PENDING,
	STEP_ROLLED_BACK, STEP_WAITING};
	int			counts[STEP_WAITING + 1] = {0};
	StringInfoData text;
	ListCell   *lc;

	foreach(lc, steps)
		counts[((PlanStep *) lfirst(lc))->state]++;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(states); i++)
	{
		int			n = counts[states[i]];

		if (n > 0)
			appendStringInfo(&text, "%s%d %s", text.len ? ", " : "", n, plan_state_word(states[i]));
	}
	return text.len ? text.data : "no step";
}

/* Returns the call's duration as a text, or an empty text if it was short or nobody wants to know */
static char *
time_text(const PlanRun *run)
{
	double		ms = run_elapsed(run->started_at);

	return ms < WORTH_TELLING_MS || sg_progress_interval == 0 ? "" : psprintf(" in %.0f s", ms / 1000.0);
}

/*
 * Returns a summary of the rows that no rollback can bring back, or that this
 * one has not; empty if there are none
 */
static char *
lost_text(const PlanRun *run, const RunRows *rows)
{
	int64		lost = run_rows_count(rows, InvalidOid, ROWS_DELETED) + run_rows_count(rows, InvalidOid, ROWS_CHANGED);
	int64		dropped = run_rows_count(rows, InvalidOid, ROWS_DROPPED) + run_rows_count(rows, InvalidOid, VALUES_DROPPED);
	StringInfoData text;

	initStringInfo(&text);
	if (lost > 0 && !run->dry_run)
		appendStringInfo(&text, ", " INT64_FORMAT " %s deleted or changed without a copy", lost, lost == 1 ? "row" : "rows");
	if (dropped > 0)
		appendStringInfo(&text, ", " INT64_FORMAT " %s gone for good", dropped, dropped == 1 ? "row or value" : "rows or values");
	if (run_rows_count(rows, InvalidOid, UNCOUNTED_DROPPED) > 0)
		appendStringInfoString(&text, ", rows or values that could not be counted gone for good");
	if (run->rows_lost > 0)
		appendStringInfo(&text, ", " INT64_FORMAT " %s", run->rows_lost, run->rows_lost == 1 ? "deletion or change of a row stays" : "deletions or changes of rows stay");
	if (run->values_lost > 0)
		appendStringInfo(&text, ", " INT64_FORMAT " %s gone", run->values_lost, run->values_lost == 1 ? "row or value stays" : "rows or values stay");
	if (run->uncounted_lost)
		appendStringInfoString(&text, ", rows or values that could not be counted stay gone");
	if (run->lost_in_doubt)
		appendStringInfoString(&text, " unless an undo gives them back");
	return text.data;
}

char *
run_foreseen_text(const PlanRun *run, const RunRows *rows)
{
	char	   *text = run_rows_text(rows, true);
	char	   *uncounted;

	if (run->uncounted == NIL)
		return text;

	uncounted = psprintf("Not counted: what steps %s will find, because earlier ones change columns or tables by which they judge rows.",
						 plan_steps_text(run->uncounted));
	return text ? psprintf("%s\n%s", text, uncounted) : uncounted;
}

/*
 * Returns the detail about rows and keys that are not as they were, or not as
 * the plan wants them; NULL: none
 */
static char *
detail_text(const PlanRun *run, const RunRows *all, List *steps)
{
	char	   *rows;
	List	   *others = NIL;
	int			left = 0;
	int			past = 0;

	if (run->dry_run)
		rows = run_foreseen_text(run, all);
	else
		rows = run_rows_text(run->rows_lost == 0 ? all : run->written, false);
	if (run->rows_lost > 0)
		rows = psprintf(INT64_FORMAT " %s.%s%s", run->rows_lost,
						run->rows_lost == 1 ? "deletion or change of a row without a copy stays" :
						"deletions or changes of rows without a copy stay; one row may have had several",
						rows ? "\n" : "", rows ? rows : "");
	if (run->values_lost > 0 || run->uncounted_lost)
		rows = psprintf("%s%sRows and values that the plan has dropped or converted stay gone: column reason of schemaguard.plan_step has them by steps.",
						rows ? rows : "", rows ? "\n" : "");
	foreach_ptr(const PlanStep, step, run->dry_run ? steps : NIL)
	{
		if ((step->kind == STEP_STATEMENT || step->kind == STEP_DROP) && step->state != STEP_VALIDATED && !step->skipped_by)
			others = lappend_int(others, step->step);
	}
	if (others)
		rows = psprintf("%s%sNot counted: what statements and drops, steps %s, delete, change or let go; sg_plan_check() tells of it.",
						rows ? rows : "", rows ? "\n" : "", plan_steps_text(others));
	foreach_ptr(const PlanStep, step, steps)
	{
		if (step->state != STEP_ADDED || !step->enforced || step->orphans != ORPHANS_LEAVE || step->skipped_by || step->phase)
			continue;
		if (list_member_int(run->broken, step->step))
			past++;
		else
			left++;
	}
	if (!run->each_step || !run->validate)
		return rows;
	if (left > 0)
		rows = psprintf("%s%d %s NOT VALID with rows that break %s, as the policy \"leave\" says.", rows ? psprintf("%s\n", rows) : "", left,
						left == 1 ? "step stays" : "steps stay", left == 1 ? "it" : "them");
	if (past > 0)
		rows = psprintf("%s%d valid %s rows that came in past %s and stay, as the policy \"leave\" says.", rows ? psprintf("%s\n", rows) : "", past,
						past == 1 ? "key has" : "keys have", past == 1 ? "it" : "them");
	return rows;
}

/* A message of a call, and the number of its transactions that gave it */
typedef struct RunSaid
{
	int			elevel;
	char	   *text;
	int			times;
} RunSaid;

void
run_say(PlanRun *run, int elevel, const char *text)
{
	MemoryContext old;
	RunSaid    *new;

	foreach_ptr(RunSaid, said, run->said)
	{
		if (said->elevel == elevel && strcmp(said->text, text) == 0)
		{
			said->times++;
			return;
		}
	}
	old = MemoryContextSwitchTo(run->context);
	new = palloc(sizeof(RunSaid));
	new->elevel = elevel;
	new->text = pstrdup(text);
	new->times = 1;
	run->said = lappend(run->said, new);
	MemoryContextSwitchTo(old);
}

static void
tell_said(const PlanRun *run)
{
	foreach_ptr(const RunSaid, said, run->said)
	{
		ereport(said->elevel,
				(said->times == 1 ? errmsg("%s", said->text) :
				 errmsg("%s (in %d transactions)", said->text, said->times)));
	}
}

void
run_tell_cut_off(const PlanRun *run)
{
	RunRows    *rows = run_rows_new();
	char	   *detail;

	tell_said(run);
	if (run->dry_run || run->counting)
		return;
	run_rows_merge(rows, run->rows);
	run_rows_merge(rows, run->written);
	detail = run_rows_text(rows, false);
	if (detail)
		ereport(WARNING,
				(errmsg("plan \"%s\": cut off%s", run->plan->name, lost_text(run, rows)),
				 errdetail("%s", detail),
				 errhint("What its calls have done to rows:\nSELECT * FROM schemaguard.plan_summary WHERE plan = %s;",
						 quote_literal_cstr(run->plan->name))));
}

void
run_tell_summary(const PlanRun *run)
{
	List	   *steps = plan_chosen_steps(run->plan);
	char	   *next = run->next ? run->next : next_call(run, steps);
	RunRows    *rows = run_rows_new();
	const char *some = "";
	char	   *detail;
	char	   *lost;

	tell_said(run);
	run_rows_merge(rows, run->rows);
	run_rows_merge(rows, run->written);
	detail = detail_text(run, rows, steps);
	lost = lost_text(run, rows);
	if (run->chosen)
		some = psprintf(", %d of %d steps", list_length(run->chosen), list_length(plan_steps(run->plan->name)));
	if (run->stop_reason)
		ereport(WARNING,
				(errmsg("plan \"%s\" stopped: %s", run->plan->name, run->stop_reason)));

	/*
	 * as a WARNING, so that it is seen also by clients that show neither
	 * details nor notices
	 */
	ereport(lost[0] || run->rows_left > 0 ? WARNING : NOTICE,
			(errmsg("plan \"%s\"%s: %s%s%s%s%s", run->plan->name, some, run->tally ? run->tally : tally(steps),
					run->left_reason ? ", " : "", run->left_reason ? run->left_reason : "",
					lost, time_text(run)),
			 detail ? errdetail("%s", detail) : 0,
			 next ? errhint("%s", next) : 0));
}
