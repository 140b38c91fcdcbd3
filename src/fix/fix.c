/*-------------------------------------------------------------------------
 *
 * fix.c
 *	  CALL sg_fix_orphans: orphans are removed or mended by their step's
 *	  policy, and so are rows that break the rule of a step of another kind.
 *
 *	  The key is there already, NOT VALID, so no new orphans can be added.
 *	  Steps run in the order of any call of the plan, each in as many passes
 *	  (fix_pass.c) as it needs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "fix/fix.h"
#include "fix/fix_limit.h"
#include "fix/fix_pass.h"
#include "fix/fix_sql.h"
#include "log/log_grant.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_fix_orphans);

/* ---- a step ---- */

static const char *
nothing_text(const Fix *fix)
{
	return fix_policy_fate(fix->key.step) == FIX_LEAVE ? "no orphan rows with the sentinel" :
		fix->key.rule ? "no row breaks it" : "no orphan rows";
}

/* Reports a blocked step; the last line has the remedy for all blocked steps */
static void
tell_blocked(PlanRun *run, const PlanStep *step)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->next = !plan_policy_deletes(step->orphans) ? plan_quarantine_call(step) :
		psprintf(sg_calls("Have what refers to orphans go into quarantine as well:\nSELECT sg_plan_add_referencing(%s%s);"),
				 quote_literal_cstr(run->plan->name), run_steps_text(run));
	MemoryContextSwitchTo(old);
}

/* Reports that an earlier step changes what this one judges rows by, so that it can't be counted yet */
static void
tell_changer(StepWork *work)
{
	bool		anew;
	const PlanStep *changer = fix_changer_before(work, &anew);
	MemoryContext old;

	if (changer == NULL)
		return;
	run_append_notice(work, psprintf(anew ? "step %d, %s, comes first: what it will find then is not counted" :
									 "step %d changes column %s before it: what it will find then is not counted", changer->step,
									 anew ? plan_step_object(changer) : sg_quote_list(changer->child_columns)));
	old = MemoryContextSwitchTo(work->run->context);
	work->run->uncounted = list_append_unique_int(work->run->uncounted, work->step->step);
	MemoryContextSwitchTo(old);
}

static void
tell_dry_run(Fix *fix)
{
	char	   *reached = fix_tallies_text(fix->tallies, false);
	char	   *blocked = fix_tallies_text(fix->tallies, true);
	char	   *counts = fix_counts_text(&fix->counts, fix->key.rule != NULL);
	StepWork   *work = fix->work;

	tell_changer(work);
	if (fix->seen == 0)
	{
		run_append_notice(work, nothing_text(fix));
		return;
	}
	run_append_notice(work, psprintf("would be: %s", counts ? counts : work->run->gone ? "nothing, because earlier steps take the rows away" : "nothing"));
	if (reached)
		run_append_notice(work, psprintf("reached: %s", reached));
	if (blocked)
	{
		run_append_notice(work, psprintf("but blocked by %s", blocked));
		work->hint = fix_referenced_hint(work->step, fix->tallies);
		tell_blocked(work->run, work->step);
		run_note_unkept(work->run, work->step);
	}
	if (fix->more)
		run_append_notice(work, "and more than fit into schemaguard.audit_memory");
}

static void
tell_done(Fix *fix)
{
	char	   *counts = fix_counts_text(&fix->counts, fix->key.rule != NULL);
	PlanStep   *step = fix->work->step;

	if (counts == NULL)
	{
		/* the look after this one reports a rule that is not there yet */
		if (fix->key.rule == NULL || !fix->key.rule->open)
			run_append_notice(fix->work, nothing_text(fix));
		return;
	}
	run_append_notice(fix->work, counts);
	plan_step_set_state(step->plan, step->step, STEP_AS_IT_IS, fix_done_text(fix, NULL), 0);
	run_commit();
}

/*
 * Returns whether a key refers to the column that gets a value, so that the
 * key's action could change rows
 */
static bool
is_referred(const DeployRule *rule)
{
	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		if (fix_is_referred(key, rule->table, list_make1(unconstify(char *, rule->column))))
			return true;
	}
	return false;
}

static Fix *
new_fix(StepWork *work)
{
	Fix		   *fix = palloc0(sizeof(Fix));

	fix->work = work;
	fix->key.step = work->step;
	fix->batch_context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard fix batch", ALLOCSET_DEFAULT_SIZES);
	fix_places_init(&fix->found);
	fix_places_init(&fix->busy);
	foreach_ptr(const PlanDeed, deed, plan_deeds(work->run->plan, DEED_BIT(DEED_DELETE)))
		fix->deleted += deed->step == work->step->step ? deed->rows : 0;

	/* deleted rows may leave orphans behind */
	work->run->audited = work->run->counted = NULL;
	return fix;
}

/*
 * Fixes the rows of one table, by the key, or by the rule that takes its place;
 * with `looks`, only looks whether others block that.  Counts add up.
 */
static bool
fix_table(Fix *fix, const FkKey *key, const DeployRule *rule, bool looks)
{
	StepWork   *work = fix->work;
	bool		dry_run = work->run->dry_run;
	FixCounts	before = fix->counts;
	List	   *tallies = fix->tallies;
	bool		clean;

	work->statement = NULL;
	work->key = palloc(sizeof(FkKey));
	memcpy(work->key, key, sizeof(FkKey));
	fix->key.key = work->key;
	fix->key.rule = rule;
	fix->tables = NIL;
	fix->size = fix->smallest = fix->fits = 0;
	fix->single_ms = 0;
	fix->last_size = 0;
	fix->most = fix->least = 0;
	fix->held = false;
	sg_progress_step(dry_run ? SG_PROGRESS_COUNT : SG_PROGRESS_FIX, work->step->step, key->child);
	clean = looks ? fix_scan(fix) : fix_run_passes(fix);
	fix_forget_plans();
	if (!dry_run)
		return clean;
	fix->seen += fix->found.n;
	fix->more |= fix->found.n == fix_most_places(&fix->key);
	fix->tallies = list_concat(tallies, fix->tallies);
	for (int fate = 0; fate < FIX_FATES; fate++)
	{
		fix->counts.rows[fate][false] += before.rows[fate][false];
		fix->counts.rows[fate][true] += before.rows[fate][true];
	}
	return clean;
}

static bool
end_fix(Fix *fix, bool clean)
{
	char	   *counts = fix_counts_text(&fix->counts, fix->key.rule != NULL);

	if (fix->work->run->dry_run && clean)
		tell_dry_run(fix);
	else if (clean)
		tell_done(fix);
	else if (fix->work->run->stop_reason && counts)
		run_append_notice(fix->work, psprintf("before that: %s", counts));
	if (!clean)
		run_note_unkept(fix->work->run, fix->work->step);
	return clean;
}

static bool
fixes_only(const PlanRun *run)
{
	return strcmp(run->procedure, "sg_fix_orphans") == 0;
}

/* Returns whether a run tells what a call does that adds what is not there yet */
static bool
tells_all(const PlanRun *run)
{
	return run->dry_run && !(run->counting && fixes_only(run));
}

/* Records that there is nothing to fix in a step, with the reason, and its new state, if any */
static void
skip_step(StepWork *work, StepState state, int sqlerrcode, const char *reason,
		  const char *hint)
{
	/* a count before the call is not logged: the deed itself reports it */
	if (work->run->counting)
		return;
	run_outcome(work, "fix", LOG_SKIPPED, work->run->dry_run ? STEP_AS_IT_IS : state, sqlerrcode, reason);
	run_append_warning(work, psprintf("skipped: %s", reason));
	work->hint = hint;
	/* in a dry run, an earlier step may be about to make what this one lacks */
	if (!work->run->dry_run)
		run_note_unkept(work->run, work->step);
}

/*
 * Returns whether the step has to wait for another one of the call that is to
 * put rows into quarantine that it would take without a copy, and has not
 */
static bool
waits_for_copies(StepWork *work)
{
	bool		put_last;
	const PlanStep *keeper = fix_keeper_without_turn(work, &put_last);

	if (keeper == NULL)
		return false;
	if (work->run->dry_run)
	{
		run_append_warning(work, psprintf("would wait: step %d, %s, would not put its rows into quarantine: those that both take would be lost",
										  keeper->step, plan_step_object(keeper)));
		run_note_unkept(work->run, work->step);
		return true;
	}
	if (put_last)
	{
		run_put_last(work->run, work->step->step);
		run_append_notice(work, psprintf("put last, behind step %d, which keeps copies of rows of the same table", keeper->step));
		return true;
	}
	skip_step(work, STEP_FAILED, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			  psprintf("step %d, %s, has not put its rows into quarantine: those that both take would be lost", keeper->step, plan_step_object(keeper)),
			  psprintf("Mend what has stopped that one, and CALL again. What it was:\nSELECT state, reason FROM schemaguard.plan_step WHERE plan = %s AND step = %d;",
					   quote_literal_cstr(keeper->plan), keeper->step));
	return true;
}

/*
 * Applies the step's policy to the orphans of its key, in batches with a commit
 * each; with run->dry_run, counts them.  The key is declared, armed and not
 * valid (in a dry run it may be planned).  Returns whether no orphan is left
 * that the policy covers; otherwise the failure is recorded.  The caller's
 * transaction is clean, before and after.
 */
static bool
fix_step(StepWork *work, const FkKey *key)
{
	Fix		   *fix;

	if (waits_for_copies(work))
		return false;
	fix = new_fix(work);
	return end_fix(fix, fix_table(fix, key, NULL, false));
}

List *
fix_rule_tables(const DeployRule *rule)
{
	List	   *tables = NIL;

	if (rule->equal || get_rel_relkind(rule->table) != RELKIND_RELATION)
		return list_make1_oid(rule->table);
	foreach_oid(table, sg_all_inheritors(rule->table))
	{
		if (get_rel_relkind(table) == RELKIND_RELATION)
			tables = lappend_oid(tables, table);
	}
	return tables;
}

DeployRule *
fix_rule_of(const DeployRule *rule, Oid table)
{
	DeployRule *copy = palloc(sizeof(DeployRule));

	*copy = *rule;
	copy->table = table;
	return copy;
}

/*
 * Fixes the rows of each table of a rule, or with `looks` only examines them;
 * returns false after a failure, which is recorded
 */
static bool
fix_tables_of(Fix *fix, const DeployRule *rule, List *tables, bool looks)
{
	PlanStep   *step = fix->work->step;
	char	   *child_table = step->child_table;
	bool		clean = true;

	foreach_oid(table, tables)
	{
		FkKey		key = {.child = table,.parent = table,.name = step->fk_name};

		/* an action's targets are looked up by the step's table names */
		step->child_table = step->parent_table = sg_relation_name(table);
		clean = clean && fix_table(fix, &key, fix_rule_of(rule, table), looks);
	}
	step->child_table = child_table;
	step->parent_table = NULL;
	fix->work->key = NULL;
	return clean;
}

/*
 * Fixes the rows of a rule.  Values of policy "set" are set by
 * deploy_fill_rule(), after a look that no key's rows block their replacement.
 */
static bool
fix_rule(StepWork *work, const DeployRule *rule)
{
	bool		dry_run = work->run->dry_run;
	bool		fills = rule->fill && !dry_run;
	List	   *tables = fix_rule_tables(rule);
	List	   *referred = NIL;
	Fix		   *fix;

	/* a fill keeps the old values */
	if (!rule->fill && waits_for_copies(work))
		return false;
	fix = new_fix(work);
	foreach_oid(table, fills ? tables : NIL)
	{
		if (is_referred(fix_rule_of(rule, table)))
			referred = lappend_oid(referred, table);
	}
	if (fills)
		return fix_tables_of(fix, rule, referred, true) && deploy_fill_rule(work, rule, rule->open);

	/* finds blocking rows of all tables before the first one is changed */
	if (!dry_run && list_length(tables) > 1 && !fix_tables_of(fix, rule, tables, true))
		return end_fix(fix, false);
	return end_fix(fix, fix_tables_of(fix, rule, tables, false));
}

/* ---- the procedure ---- */

/*
 * Returns whether the step's state says that its key exists, but neither the
 * table nor a partition has it
 */
static bool
was_dropped(const PlanStep *step, const StepView *view)
{
	ListCell   *lc;

	foreach(lc, view->partitions)
	{
		if (((FkPartition *) lfirst(lc))->own)
			return false;
	}
	return view->existing == NULL && plan_step_is_there(step);
}

/* Fixes a rule's rows; more can be added until the rule is made, or its index built */
static void
fix_rule_work(StepWork *work)
{
	ChangeMove	move;

	PushActiveSnapshot(GetTransactionSnapshot());
	change_look(work->step, &move);
	PopActiveSnapshot();
	if (move.kind == MOVE_PROBLEM)
		skip_step(work, STEP_AS_IT_IS, move.problem->sqlerrcode, move.problem->reason, move.problem->hint);
	else if (move.kind == MOVE_NONE)
		run_append_notice(work, "no row breaks it");
	else if (tells_all(work->run) || move.kind == MOVE_BUILD || !move.first)
		(void) fix_rule(work, &move.rows);
	else
		skip_step(work, STEP_AS_IT_IS, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				  "it is not there yet, so more rows that break it could come",
				  psprintf("Mend the rows and make it in one call:\n%s", run_call_text(work->run, "sg_apply")));
}

static void
fix_work(StepWork *work)
{
	StepView	view;
	bool		dropped;
	bool		anew;

	if (work->run->dry_run && fix_changer_before(work, &anew) && anew)
	{
		tell_changer(work);
		return;
	}
	if (work->step->kind != STEP_FOREIGN_KEY)
	{
		fix_rule_work(work);
		return;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(work->step, &view);
	PopActiveSnapshot();
	dropped = was_dropped(work->step, &view);

	switch (view.need)
	{
		case NEED_SKIP:
			skip_step(work, dropped ? STEP_SKIPPED : STEP_AS_IT_IS, view.problem->sqlerrcode,
					  view.problem->reason, view.problem->hint);
			break;
		case NEED_NOTHING:
		case NEED_REPLACE:
			/* rows can have bypassed a valid key */
			if (!deploy_is_proved(work->run, view.existing) &&
				fix_step(work, view.existing) && !work->run->dry_run)
				(void) deploy_audit_existing(work, view.existing);
			break;
		case NEED_ADD:
			if (tells_all(work->run))
				(void) fix_step(work, &view.key);
			else
				skip_step(work, dropped ? STEP_FAILED : STEP_AS_IT_IS, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  dropped ? "the key was dropped meanwhile, so new orphans could come" :
						  "the key is not there yet, so new orphans could come",
						  psprintf("Add it NOT VALID first, and fix with that:\n%s", run_call_text(work->run, "sg_add_fks")));
			break;
		case NEED_VALIDATE:

			/*
			 * before 18, partitions have the key already, but not the
			 * partitioned table
			 */
			(void) fix_step(work, view.existing ? view.existing : &view.key);
			break;
	}
}

/* ---- order of steps ---- */

List *
fix_in_order(const FkPlan *plan, List *steps)
{
	PlanGraph  *graph;
	Bitmapset  *numbers = NULL;
	List	   *ordered = NIL;
	char	   *hint;

	graph = plan_graph(plan_chosen_steps(plan));
	if (plan_circle(graph, &hint))
		return steps;
	foreach_ptr(const PlanStep, step, steps)
	{
		numbers = bms_add_member(numbers, step->step);
	}
	foreach_ptr(List, round, plan_rounds(graph))
	{
		foreach_ptr(PlanStep, step, round)
		{
			if (bms_is_member(step->step, numbers))
				ordered = lappend(ordered, step);
		}
	}
	return ordered;
}

/* ---- counting before the call ---- */

/* Counts the rows that a fill would change in a column that the plan has not added, whatever `fix` is */
static void
count_fill(StepWork *work, List *deeds)
{
	ChangeMove	move;

	foreach_ptr(const PlanDeed, deed, deeds)
	{
		if (deed->step == work->step->step)
			return;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	change_look(work->step, &move);
	PopActiveSnapshot();
	if (move.kind != MOVE_FILL)
		return;
	work->step->orphans = ORPHANS_SET;
	(void) fix_rule(work, &move.rows);
}

/*
 * Returns a step with the name that its object has before the n first steps of a
 * call, which may rename it
 */
static PlanStep *
named_as_now(const PlanStep *step, const List *order, int n)
{
	PlanStep   *now = palloc(sizeof(PlanStep));

	*now = *step;
	while (--n >= 0)
	{
		const PlanStep *rename = list_nth(order, n);

		if (rename->kind == STEP_RENAME && rename->state != STEP_VALIDATED && !rename->skipped_by)
			plan_name_before(now, rename);
	}
	return now;
}

/* Returns whether a step needs others that are to be done by the call */
static bool
waits_for_others(const PlanGraph *graph, const PlanStep *step)
{
	foreach_ptr(const PlanEdge, edge, plan_needs(graph, step->step))
	{
		if (!plan_step_is_done(edge->needed))
			return true;
	}
	return false;
}

/*
 * Counts the rows and values that would go with what a step drops, or changes
 * the type of; the first n steps of the order come before it
 */
static void
count_dropped(StepWork *work, RunRows *rows, const PlanGraph *graph, const List *order, int n)
{
	ChangeMove	move;
	const PlanStep *step = work->step;
	bool		anew;

	if (fix_changer_before(work, &anew) && anew)
	{
		tell_changer(work);
		return;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	change_look(work->step, &move);
	if (step->kind == STEP_DROP && move.kind != MOVE_STATEMENT && waits_for_others(graph, step))
	{
		step = named_as_now(step, order, n);
		move.kind = MOVE_STATEMENT;
		move.table = sg_find_qualified(step->child_table);
	}
	if (move.kind == MOVE_STATEMENT)
		(void) change_count_lost(step, &move, rows);
	PopActiveSnapshot();
}

/* Returns whether a call counts a step's rows beforehand, together with those of a fix */
static bool
is_counted(const PlanRun *run, const PlanStep *step)
{
	bool		applies = !fixes_only(run);

	switch (step->kind)
	{
		case STEP_COLUMN:
			return applies && (step->state != STEP_VALIDATED || step->fills);
		case STEP_STATEMENT:
		case STEP_DROP:
			return applies && step->state != STEP_VALIDATED && (run->max_rows >= 0 || run->given);
		default:
			return run->fix && plan_step_fixes(step);
	}
}

/*
 * Raises an error for a call that would delete or change more rows than its
 * limit.  Rows that can't be counted yet, because their table does not exist,
 * are checked against the limit batch by batch.  A call without chosen steps
 * reports what they would do.
 */
static void
count_first(PlanRun *run)
{
	int64		orphan_rows = run->orphan_rows;
	List	   *deeds;
	List	   *order;
	PlanGraph  *graph;
	int			n = 0;
	int			counted = 0;
	int			total = 0;
	RunRows    *before = run->rows;
	MemoryContext context;
	MemoryContext old;

	if (!fix_counts_first(run))
		return;
	deeds = plan_deeds(run->plan, DEED_BIT(DEED_CHANGE));
	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard step", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(run->context);
	run->rows = run->foreseen = run_rows_new();
	order = fix_in_order(run->plan, plan_chosen_steps(run->plan));
	graph = plan_graph(plan_chosen_steps(run->plan));
	run->dry_run = run->counting = true;
	foreach_ptr(const PlanStep, step, order)
		total += is_counted(run, step);
	sg_progress_total(total);
	foreach_ptr(const PlanStep, step, order)
	{
		bool		counts = is_counted(run, step);
		StepWork   *work;

		CHECK_FOR_INTERRUPTS();
		sg_progress_done(counted, 0);
		MemoryContextSwitchTo(context);
		work = counts ? run_begin_step(run, step->step) : NULL;
		counted += counts;
		if (work && step->kind == STEP_COLUMN)
			count_fill(work, deeds);
		else if (work && (step->kind == STEP_STATEMENT || step->kind == STEP_DROP))
			count_dropped(work, run->rows, graph, order, n);
		else if (work)
			fix_work(work);
		MemoryContextReset(context);
		n++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	sg_progress_total(0);
	sg_progress_done(0, 0);
	run->dry_run = run->counting = false;
	run->rows = before;
	PushActiveSnapshot(GetTransactionSnapshot());
	fix_check_counted(run);
	PopActiveSnapshot();
	run->orphan_rows = orphan_rows;
	run->hints = NIL;
	if (run->gone)
		hash_destroy(run->gone);
	run->gone = NULL;
	run->copied = run->unkept = NIL;
	run->copied_known = false;
	run_commit();
}

static void
fix_steps(PlanRun *run)
{
	List	   *steps = NIL;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard step",
												  ALLOCSET_DEFAULT_SIZES);
	List	   *stops = NIL;
	ListCell   *lc;

	foreach_ptr(PlanStep, step, plan_chosen_steps(run->plan))
	{
		if (plan_step_fixes(step))
			steps = lappend(steps, step);
		else if (step->kind == STEP_FOREIGN_KEY && step->orphans == ORPHANS_STOP && !step->period)
			stops = lappend_int(stops, step->step);
	}
	if (steps == NIL)
		ereport(NOTICE,
				(errmsg("no %sstep of plan \"%s\" says what to do about orphans", run->chosen ? "chosen " : "", run->plan->name),
				 stops ? errhint("Choose a policy, \"quarantine\"; or \"delete\" or \"set null\", which keep no copy:\n%s",
								 plan_quarantine_all_call(run->plan->name, stops)) : 0));
	run->steps = steps = fix_in_order(run->plan, steps);
	count_first(run);

	if (!run->dry_run)
		run->graph = plan_graph(plan_steps(run->plan->name));
	run_commit();
	sg_progress_total(list_length(steps));
	foreach(lc, steps)
	{
		MemoryContext old;
		StepWork   *work;

		CHECK_FOR_INTERRUPTS();
		if (!run_throttle(run))
			break;
		old = MemoryContextSwitchTo(context);
		work = run_holds_step(run, lfirst(lc)) ? NULL : run_begin_step(run, ((PlanStep *) lfirst(lc))->step);
		if (work)
		{
			fix_work(work);
			run_end_step(work);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		sg_progress_done(++run->done, run->orphan_rows);
	}
	MemoryContextDelete(context);
}

/*
 * sg_fix_orphans(plan text, batch int DEFAULT 10000, dry_run boolean DEFAULT
 * false, author text DEFAULT NULL, fail boolean DEFAULT false, steps
 * schemaguard.steps DEFAULT NULL, confirm text DEFAULT NULL, max_rows bigint
 * DEFAULT NULL)
 *
 * For each chosen step whose key is NOT VALID, or valid without a proof that
 * stands (schemaguard.fk_trust): applies the step's policy to the orphans, in
 * the order of the plan's graph, at most `batch` orphans in a transaction, fewer
 * if that would lock them for longer than schemaguard.lock_timeout, with a pause
 * of schemaguard.fix_pause between batches.  A step that fails gets the reason,
 * and the others run.  With dry_run, counts the orphans and the rows that would
 * be reached, and changes nothing; then the key need not exist.  Rows that
 * break the rule of a step of kind check, not null or unique are fixed alike.
 *
 * Needs, per step, ownership of the child, SELECT on child and parent, the
 * privileges for DELETE or UPDATE of the child, and the same on tables whose
 * rows are reached; no policy may hide rows.  Locks the tables in SHARE UPDATE
 * EXCLUSIVE, and rows, for the length of a batch.  Statements that would run
 * code of others run as the owner of the table, restricted, or not at all: see
 * fix_role.c.
 *
 * Counts first what all steps would do, and raises an error if that is more
 * than max_rows, or schemaguard.fix_limit if max_rows is null (fix_limit.c).
 * Errors: as sg_apply, and 22023 for a batch below 1.
 */
static Datum
sg_fix_orphans_entered(PG_FUNCTION_ARGS)
{
	PlanRun		run = {.procedure = "sg_fix_orphans",.shows = SG_PROGRESS_FIX,.fix = true};

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, run.procedure);
	sg_arg_check(fcinfo, 1);
	run.batch = PG_GETARG_INT32(1);
	run.dry_run = sg_arg_bool(fcinfo, 2);
	if (run.batch < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be at least 1"),
				 errhint("Give the number of orphans that one transaction may change.")));
	run.fail = sg_arg_bool(fcinfo, 4);
	run.chosen = plan_steps_argument(fcinfo, 5);
	run.confirm = sg_arg_optional_text(fcinfo, 6);
	run.max_rows = sg_arg_limit(fcinfo, 7);
	run_call(fcinfo, 3, &run, fix_check_rights, fix_steps);

	PG_RETURN_VOID();
}

void
fix_init(void)
{
	deploy_fix_hook = fix_step;
	deploy_fix_rule_hook = fix_rule;
	deploy_count_first_hook = count_first;
	fix_restore_init();
}
