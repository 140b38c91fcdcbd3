/*-------------------------------------------------------------------------
 *
 * undo_change.c
 *	  Taking back a step that is no foreign key.  The step's kind finds the
 *	  way back, move by move, as it finds the way forth (change.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/calls.h"
#include "base/gone.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "deploy/deploy_index.h"
#include "fix/fix.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_rows.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_rights.h"
#include "run/run_rows.h"
#include "run/run_unit.h"
#include "undo/undo.h"

/* More moves than any kind needs */
#define MOST_MOVES 16

#define IS_GONE "it is gone"

/*
 * Action of taking one change back; begins with the RunAction, so that a
 * pointer to one is a pointer to the other
 */
typedef struct BackAction
{
	RunAction	action;
	ChangeMove	move;
	PlanDeed   *deed;
	const PlanStep *step;		/* the step as the plan has it now */
	bool		ends;			/* this move completes the undo */
	bool		closed;			/* there was nothing to take back */
	int64		lost;			/* rows or values that the undo deletes for
								 * good */
	RunRows    *dropped;		/* these rows by table */
	RunRows    *counts;			/* rows that the undo's queries have deleted
								 * or changed, or NULL */
	char	   *returned;		/* what became of rows, for who takes them
								 * back, or NULL */
	FkProblem  *left;			/* why some of the rows are not back, or NULL */
} BackAction;

/*
 * Returns whether the object of that name is another one.  An object that the
 * plan itself had taken over is not judged by its name.
 */
static bool
is_another(const PlanDeed *deed, const ChangeMove *move)
{
	return move->kind == MOVE_PROBLEM && move->problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT && deed->was == NULL;
}

/* Returns whether a deed has made a rule that goes with a column which is dropped and kept */
static bool
goes_along(const PlanDeed *deed)
{
	return !deed->own && (deed->what->kind == STEP_CHECK || deed->what->kind == STEP_NOT_NULL || deed->what->kind == STEP_UNIQUE);
}

/* Returns the problem that a later step of the plan keeps the rule of a deed with its column, and would bring it back; or NULL */
static FkProblem *
kept_along(const PlanDeed *deed)
{
	int			keeper = goes_along(deed) ? plan_deed_rule_keeper(deed) : 0;

	if (keeper == 0)
		return NULL;
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("it went with a column that step %d keeps, and would come back with it", keeper),
					  psprintf("Have the column back first:\n%s", plan_rollback_call(plan_step_get(deed->what->plan, keeper, false))));
}

/* Finds the next move back; sets a problem if the object may exist under another name */
static void
look_back(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	FkProblem  *doubt = NULL;

	PushActiveSnapshot(GetTransactionSnapshot());
	change_look_back(deed, step, move);
	if (move->kind == MOVE_NONE)
		doubt = kept_along(deed);
	if (doubt == NULL && ((move->kind == MOVE_NONE && !deed->own) || is_another(deed, move)))
		doubt = undo_doubt(deed, move->problem ? move->problem->reason : NULL);
	else if (move->kind == MOVE_STATEMENT)
		doubt = undo_made_anew(deed);
	if (doubt)
	{
		move->kind = MOVE_PROBLEM;
		move->problem = doubt;
	}
	PopActiveSnapshot();
}

/* Returns whether the look ends the deed without a move */
static bool
closes(const ChangeMove *move)
{
	return move->kind == MOVE_NONE ||
		(move->kind == MOVE_PROBLEM && move->problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT);
}

/* Resets steps that were found done because this step had made the same object */
static void
take_back_alike(const PlanStep *step)
{
	foreach_ptr(const PlanStep, alike, plan_steps_alike(step))
	{
		ChangeMove	move = {.kind = MOVE_NONE};

		if (alike->step == step->step || !plan_step_is_there(alike))
			continue;
		change_look(alike, &move);
		if (move.kind != MOVE_NONE && move.kind != MOVE_PROBLEM)
			plan_step_set_state(alike->plan, alike->step, STEP_ROLLED_BACK,
								psprintf("%s, which made the same object, was taken back", plan_step_object(step)), 0);
	}
}

/*
 * Returns whether a deed without anything to undo is news: somebody else has
 * dropped the step's object.  The deed is no news if the step has made the
 * object again, because that call reported the loss.
 */
static bool
is_missed(const PlanDeed *deed)
{
	switch (deed->what->kind)
	{
		case STEP_CHECK:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
		case STEP_COLUMN:
		case STEP_INDEX:
		case STEP_TABLE:
			return !deed->own && !plan_deed_is_repeated(deed);
		default:
			return false;
	}
}

/*
 * Counts the rows that the undo of a statement would delete for good, and
 * starts to count the rows that its queries write, per attempt
 */
static void
count_undone(BackAction *back, ChangeMove *move)
{
	MemoryContext old = MemoryContextSwitchTo(back->action.run->context);

	back->counts = back->dropped = NULL;
	if (back->step->kind == STEP_STATEMENT)
	{
		back->counts = move->counts = run_rows_new();
		back->dropped = run_rows_new();
		back->lost = change_count_lost(back->step, move, back->dropped);
	}
	MemoryContextSwitchTo(old);
}

/* A move that takes rows back, and what it has done */
typedef struct RowsBack
{
	ChangeMove *move;
	PlanRowsUndone undone;
} RowsBack;

static void
take_rows_back(void *arg)
{
	RowsBack   *rows = arg;
	char	   *table = sg_relation_name(rows->move->table);

	change_run(rows->move);
	rows->undone = plan_rows_undone(rows->move->returns->text);
	if (rows->undone.kept_out > 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger or rule of %s keeps " INT64_FORMAT " %s from being as before", table, rows->undone.kept_out,
						rows->undone.kept_out == 1 ? "row" : "rows")));
	run_fire_deferred();
}

/* Takes rows back; if triggers interfere, once more without these.  Returns which were disabled, as a text, or NULL. */
static char *
take_rows_back_anyway(RowsBack *rows)
{
	ErrorData  *error = sg_try(take_rows_back, rows);
	List	   *triggers;

	if (error == NULL)
		return NULL;
	triggers = error->sqlerrcode == ERRCODE_TRIGGERED_ACTION_EXCEPTION ?
		fix_row_triggers(rows->move->table, TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE) : NIL;
	if (triggers == NIL)
		ReThrowError(error);
	fix_switch_triggers(triggers, false);
	take_rows_back(rows);
	fix_switch_triggers(triggers, true);
	return fix_disabled_text(fix_trigger_names(triggers));
}

/* Returns why rows of a step are left for a later call: some of them, and the others because columns are gone */
static FkProblem *
rows_left(const BackAction *back, const ChangeMove *move, int64 left, const PlanRowsUndone *undone)
{
	int64		kept = list_length(sg_names_of_text(undone->stay));
	int64		stays = kept - undone->missing;
	StringInfoData reason;

	initStringInfo(&reason);
	if (undone->missing > 0)
		appendStringInfo(&reason, INT64_FORMAT " %s not found while rows of the table are in quarantine",
						 undone->missing, undone->missing == 1 ? "row is" : "rows are");
	if (stays > 0)
		appendStringInfo(&reason, "%s" INT64_FORMAT " %s as the step has made them: their key finds more than one row by now, or a column has another type",
						 reason.len ? "; " : "", stays, stays == 1 ? "row stays" : "rows stay");
	if (left > kept)
		appendStringInfo(&reason, "%sold values of " INT64_FORMAT " %s have no column any more: %s", reason.len ? "; " : "",
						 left - kept, left - kept == 1 ? "row" : "rows", sg_quote_list(move->returns->gone));
	if (left == undone->missing)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason.data,
						  undo_quarantine_hint(back->action.run, plan_rollback_call(back->deed->what)));
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason.data,
					  psprintf("The old values are in schemaguard.plan_value. Mend that, and roll back again. If the rows are to stay as they are:\n%s\n%s",
							   plan_skip_call(back->step, "the rows stay"), plan_rollback_call(back->deed->what)));
}

/* Takes back a step of rows; the deed stays open, unless a role has skipped the step, while some of them stay */
static void
take_back_rows(BackAction *back, StepWork *work, ChangeMove *move)
{
	RunAction  *action = &back->action;
	RowsBack	rows = {.move = move};
	MemoryContext old;
	char	   *disabled;
	int64		left;

	move->returns->context = CurrentMemoryContext;
	disabled = take_rows_back_anyway(&rows);
	left = plan_rows_forget(action->run->plan, back->step->step, rows.undone.stay, move->returns->gone);
	old = MemoryContextSwitchTo(action->run->context);
	back->returned = rows.undone.told && disabled ? psprintf("%s; %s", rows.undone.told, disabled) :
		rows.undone.told ? pstrdup(rows.undone.told) : NULL;
	back->left = left > 0 && !back->step->skipped_by ? rows_left(back, move, left, &rows.undone) : NULL;
	MemoryContextSwitchTo(old);
	if (rows.undone.line && disabled)
		rows.undone.line = psprintf("%s; %s", rows.undone.line, disabled);
	if (back->left)
	{
		LogEntry	entry = run_entry(action, work, rows.undone.line ? LOG_DONE : LOG_SKIPPED);

		entry.message = rows.undone.line;
		log_write(&entry);
	}
	else
		undo_record_done(action, work, rows.undone.line);
	back->ends = true;
}

/* Returns both texts as one; each may be NULL */
static char *
joined(char *a, char *b)
{
	return a && b ? psprintf("%s; %s", a, b) : a ? a : b;
}

/*
 * Records the rows that the undo of a statement has deleted for good, and
 * returns them, what stays gone, and what the move says of itself, as a text,
 * or NULL
 */
static char *
record_undone(BackAction *back)
{
	PlanLoss	loss = {0};
	bool		any = run_rows_sum(back->counts, &loss);
	char	   *stays = joined(change_stays_gone_text(back->deed, back->step), back->move.stays);

	if (back->counts == NULL)
		return stays;
	any |= run_rows_sum(back->dropped, &loss);
	back->action.rows = loss.deleted + loss.changed;
	if (any)
		plan_deed_unwritten(back->deed->id, &loss);
	return joined(stays, change_gone_text(back->step, back->lost, back->counts));
}

static void
do_back(void *arg)
{
	RunAction  *action = arg;
	BackAction *back = arg;
	StepWork   *work = linitial(action->works);
	ChangeMove	now;
	PlanStep	filled;
	char	   *lack;

	if (back->step->kind == STEP_ROWS)
		back->deed->rows_out = fix_kept_of(back->move.table, NULL, back->deed->done_at) > 0;
	look_back(back->deed, back->step, &now);
	if (closes(&now))
	{
		back->closed = true;
		if (now.kind == MOVE_NONE && goes_along(back->deed) && plan_deed_was_kept(back->deed))
		{
			undo_record_gone(action, work, 0, "its column came back without it");
			run_append_notice(work, "taken back");
		}
		else if (now.kind == MOVE_NONE && is_missed(back->deed))
			undo_record_left_alone(action, work, ERRCODE_UNDEFINED_OBJECT, IS_GONE);
		else if (now.kind == MOVE_NONE)
			undo_record_gone(action, work, ERRCODE_UNDEFINED_OBJECT, back->deed->own ? "it is there" : IS_GONE);
		else
			undo_record_left_alone(action, work, now.problem->sqlerrcode, now.problem->reason);
		return;
	}
	if (now.kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(now.problem->sqlerrcode),
				 errmsg("%s", now.problem->reason)));
	lack = OidIsValid(now.table) && now.kind == MOVE_STATEMENT ? run_lacks_ownership("table", now.table) : NULL;
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
	filled = *back->step;
	filled.child_table = back->deed->what->child_table;
	if (plan_filler_is_armed(&filled))
		plan_filler_disarm(&filled);
	count_undone(back, &now);
	if (now.returns)
	{
		take_back_rows(back, work, &now);
		return;
	}
	change_run(&now);
	CommandCounterIncrement();
	if (back->step->kind == STEP_DROP || back->step->kind == STEP_STATEMENT)
		plan_deeds_follow_anew();
	change_look_back(back->deed, back->step, &now);

	back->ends = back->move.ends || now.kind == MOVE_NONE;
	if (back->ends)
	{
		undo_record_done(action, work, record_undone(back));
		take_back_alike(back->step);
		return;
	}
	/* by OID from now on, because the move has changed the object's name */
	plan_deed_identify(action->run->plan, back->deed);
	run_record_skipped(action, work, "there is more to take back");
}

static void
execute_back(RunAction *action)
{
	run_deed(action, do_back, action);
}

static void
check_values(void *arg)
{
	BackAction *back = arg;
	PlanStep	step = *back->step;

	step.child_table = back->deed->what->child_table;
	step.child_columns = back->deed->what->child_columns;
	change_check_values(&step, &back->move);
}

/*
 * Keeps a column that holds values which its step has not given it; returns
 * whether it does.  Reads all rows, so before the lock: somebody may still write
 * a value until the lock is held.
 */
static bool
keep_values(BackAction *back)
{
	ErrorData  *error;

	if (back->deed->what->kind != STEP_COLUMN || back->move.kind != MOVE_STATEMENT)
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	error = run_try_undo(sg_statement_timeout, check_values, back);
	PopActiveSnapshot();
	if (error && !run_timeout_struck())
		sg_rethrow_cancel(error);
	if (error)
		change_problem(&back->move, error->sqlerrcode,
					   psprintf("whether it holds values that the step has not given it can't be told: %s", sg_error_message(error)), error->hint);
	return back->move.kind == MOVE_PROBLEM;
}

/* Returns the call that lists the rows which break a rule */
static char *
violations_call(const AuditKey *rule)
{
	bool		is_check = rule->rule->kind == AUDIT_CHECK;

	return psprintf(sg_calls("SELECT * FROM sg_rule_violations(%s, %s, %s);"), quote_literal_cstr(sg_relation_name(rule->key.child)),
					quote_literal_cstr(is_check ? "check" : "not null"),
					quote_literal_cstr(is_check ? change_deparse(rule->key.child, rule->rule->condition) :
									   sg_column_name(rule->key.child, rule->key.child_att[0])));
}

/*
 * Checks the rows before a dropped rule comes back, because rows added since
 * may break it: with the rule, every call that writes one of them would fail,
 * and the rule would never be valid.
 */
static bool
check_rows(StepWork *work, const PlanDeed *deed, const ChangeMove *move)
{
	char	   *broken = deploy_rule_broken(work, move->rule);
	FkProblem  *problem;

	if (broken == NULL)
		return true;
	PushActiveSnapshot(GetTransactionSnapshot());
	problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_SG_ORPHANS,
						 psprintf("%s can't come back: %s", move->rule->rule->kind == AUDIT_CHECK ? "the check" :
								  "the column is back, but its NOT NULL", broken),
						 psprintf("Mend these rows, and roll back again:\n%s\n%s", violations_call(move->rule),
								  run_call_text(work->run, "sg_rollback_fks")));
	PopActiveSnapshot();
	return undo_tell_problem(work, deed, problem);
}

static void
do_untie(void *arg)
{
	RunAction  *action = arg;
	BackAction *back = arg;
	StepWork   *work = linitial(action->works);
	LogEntry	entry = run_entry(action, work, LOG_DONE);
	ChangeMove	now;
	char	   *name;
	char	   *lack;

	look_back(back->deed, back->step, &now);
	name = now.kind == MOVE_VALIDATE ? get_constraint_name(now.conid) : NULL;
	if (name == NULL)
	{
		run_record_skipped(action, work, "somebody else has changed it meanwhile");
		return;
	}
	lack = run_lacks_ownership("table", now.table);
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
	work->statement = plan_drop_statement(back->deed->what->child_table, name);
	run_statement(work->statement);
	log_write(&entry);
}

static void
execute_untie(RunAction *action)
{
	run_deed(action, do_untie, action);
}

/* Drops a restored constraint again that rows added meanwhile break; the recorded reason stays */
static void
untie(StepWork *work, PlanDeed *deed, const PlanStep *step, const ChangeMove *move)
{
	BackAction	back = {.action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
	.execute = execute_untie},.deed = deed,.step = step};

	run_add_target(&back.action, move->table, AccessExclusiveLock);
	if (run_attempt(&back.action))
		run_append_notice(work, "dropped again, so that no call fails for those rows");
	else
		run_record_failure(&back.action, work, STEP_AS_IT_IS, back.action.error->sqlerrcode,
						   run_failure_text(&back.action), LOG_NONE);
}

/* Runs a statement that needs to be outside of a transaction, by a worker */
static bool
run_outside(StepWork *work, const PlanDeed *deed, RunAction *action, const ChangeMove *move)
{
	if (sg_workers == 0)
		return undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
														"it can't be in a transaction, and schemaguard.workers is 0",
														"SET schemaguard.workers = 1;"));
	action->attempts = 1;
	run_log_start(action);
	action->error = deploy_run_outside(work->run, linitial(move->statements), action);
	if (action->error)
	{
		/* a worker's message contains no values */
		work->hint = psprintf("When that is mended:\n%s", run_call_text(work->run, "sg_rollback_fks"));
		run_record_failure(action, work, STEP_AS_IT_IS, action->error->sqlerrcode, action->error->message, LOG_NONE);
		return false;
	}
	undo_record_done(action, work, NULL);
	run_commit();
	run_append_notice(work, "taken back");
	return true;
}

/* Takes back a change without a table, which no lock could protect */
static bool
close_without(StepWork *work, const PlanDeed *deed, const ChangeMove *move)
{
	if (move->kind == MOVE_NONE && is_missed(deed))
		undo_leave_alone(work, deed, ERRCODE_UNDEFINED_OBJECT, IS_GONE);
	else if (move->kind == MOVE_NONE)
		undo_close_gone(work, deed, ERRCODE_UNDEFINED_OBJECT, IS_GONE);
	else
	{
		work->hint = move->problem->hint;
		undo_leave_alone(work, deed, move->problem->sqlerrcode, move->problem->reason);
	}
	return true;
}

/*
 * Adds the tables that an undo drops or empties as targets of locks, so that no
 * row is added between the look and the deed
 */
static void
add_gone_targets(RunAction *action, const ChangeMove *move)
{
	foreach_ptr(const PlanGone, one, move->gone)
	{
		if (one->table != move->table && run_lacks_ownership("table", one->table) == NULL)
			run_add_target(action, one->table, AccessExclusiveLock);
	}
}

/* Reports what stays gone, and the rows that an undo has deleted for good, which it counts for the last line */
static void
tell_undone(StepWork *work, const BackAction *back)
{
	char	   *gone = back->counts ? change_gone_text(back->step, back->lost, back->counts) : NULL;
	char	   *stays = change_stays_gone_text(back->deed, back->step);

	if (stays)
		run_append_notice(work, stays);
	if (gone == NULL)
		return;
	run_append_warning(work, gone);
	run_rows_merge(work->run->written, back->counts);
	run_rows_merge(work->run->written, back->dropped);
}

/* Returns the statements of a move that brings a view back with its text, which are its words; NULL for other moves */
static char *
view_again(const PlanDeed *deed, const ChangeMove *move)
{
	StringInfoData text;

	if (deed->what->kind != STEP_DROP || plan_changed_object(deed->what) != CHANGED_VIEW || move->last_statements == NIL)
		return NULL;
	initStringInfo(&text);
	foreach_ptr(const char, statement, list_concat_copy(move->owner_statements, move->last_statements))
	{
		appendStringInfo(&text, "%s%.*s;", text.len ? "\n" : "", (int) strlen(statement) - (statement[strlen(statement) - 1] == ';'), statement);
	}
	return text.data;
}

/*
 * Returns whether a rule that a drop has taken along is to stay away, because
 * this rollback goes on to take back the step that made it
 */
static bool
stays_away(const PlanRun *run, const PlanDeed *deed, const ChangeMove *move)
{
	bool		brings_rule = deed->what->kind == STEP_DROP && move->kind != MOVE_NONE &&
		(deed->own ? plan_changed_object(deed->what) == CHANGED_CONSTRAINT : plan_changed_object(deed->what) == CHANGED_COLUMN && move->rule);
	int			step = brings_rule ? plan_deed_rule_step(deed) : 0;

	return step != 0 && plan_is_chosen(run->plan, step);
}

/* Counts for the last line what is gone for good with a deed, whether it is taken back or not */
static void
count_lost(PlanRun *run, const PlanDeed *deed, const PlanStep *step)
{
	int64		n = change_stays_gone(deed);

	run->values_lost += n;
	run->uncounted_lost |= deed->uncounted > 0;
	run->lost_in_doubt |= (n > 0 || deed->uncounted > 0) && change_may_give_back(step);
}

bool
undo_change(StepWork *work, const PlanDeed *deed)
{
	PlanStep   *step = plan_step_get(work->run->plan->name, deed->step, false);
	bool		by_name = undo_knows_name_only(deed);

	count_lost(work->run, deed, step);
	for (int moves = 0; moves < MOST_MOVES; moves++)
	{
		BackAction	back = {.action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
		.execute = execute_back},.deed = unconstify(PlanDeed *, deed),.step = step};
		char	   *again;

		look_back(deed, step, &back.move);
		if (stays_away(work->run, deed, &back.move))
		{
			undo_close_gone(work, deed, 0, "the step that made the rule is taken back, too");
			if (!deed->own)
				run_append_notice(work, "taken back");
			return true;
		}
		if (keep_values(&back) && work->run->awaits_values)
		{
			work->run->put_off = true;
			return false;
		}
		work->statement = again = NULL;
		if (closes(&back.move))
		{
			if (!OidIsValid(back.move.table))
				return close_without(work, deed, &back.move);

			/*
			 * looks again under a lock that excludes changes which could have
			 * misled this look
			 */
			run_add_target(&back.action, back.move.table, AccessShareLock);
		}
		else if (back.move.kind == MOVE_PROBLEM && step->skipped_by)
		{
			undo_leave_alone(work, deed, back.move.problem->sqlerrcode, back.move.problem->reason);
			return true;
		}
		else if (back.move.kind == MOVE_PROBLEM)
			return undo_tell_problem(work, deed, back.move.problem);
		else if (back.move.kind == MOVE_OUTSIDE)
			return run_outside(work, deed, &back.action, &back.move);
		else
		{
			if (back.move.kind == MOVE_STATEMENT && back.move.rule && !check_rows(work, deed, &back.move))
				return false;
			if (step->kind != STEP_STATEMENT && back.move.returns == NULL)
				work->statement = linitial(back.move.statements ? back.move.statements : back.move.owner_statements);
			again = view_again(deed, &back.move);
			work->statement = again ? again : work->statement;
			change_add_target(&back.action, &back.move);
			add_gone_targets(&back.action, &back.move);
		}
		sg_progress_step(SG_PROGRESS_ROLLBACK, deed->step, back.move.table);
		if (!run_attempt(&back.action))
		{
			int			sqlerrcode = back.action.error->sqlerrcode;

			/* a view that is known by the attic's name is not found elsewhere */
			undo_record_failed(&back.action, work, again ? psprintf("If what it reads has other names by now, put these into its text, and have it back by hand:\n%s\n%s%s%s", again,
																	change_knows_kept(deed->was) ? "" : plan_skip_call(step, "it was made by hand"),
																	change_knows_kept(deed->was) ? "" : "\n", plan_rollback_call(deed->what)) : NULL);
			if (back.move.kind == MOVE_VALIDATE && (sqlerrcode == ERRCODE_CHECK_VIOLATION || sqlerrcode == ERRCODE_NOT_NULL_VIOLATION))
				untie(work, back.deed, step, &back.move);
			return false;
		}
		if (back.closed)
		{
			work->hint = back.move.kind == MOVE_PROBLEM ? back.move.problem->hint : NULL;
			return true;
		}
		if (back.left)
		{
			if (back.returned)
				run_append_notice(work, back.returned);
			return undo_tell_problem(work, deed, back.left);
		}
		if (back.ends)
		{
			run_append_notice(work, psprintf("%s%s%s%s", deed->own ? "there again, as before" : "taken back", by_name ? ", found by its name alone" : "",
											 back.move.note ? "; " : "", back.move.note ? back.move.note : ""));
			if (back.returned)
				run_append_notice(work, back.returned);
			tell_undone(work, &back);
			if (back.move.show_again)
				work->hint = psprintf("If such a publication is made anew, add the table to it:\n%s", back.move.show_again);
			return true;
		}
	}
	elog(ERROR, "step %d makes more moves than any kind needs", deed->step);
}
