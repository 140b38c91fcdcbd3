/*-------------------------------------------------------------------------
 *
 * fix.c
 *	  CALL sg_fix_orphans: orphans are removed or mended as a step says, and so
 *	  are rows that break the rule of a step of another kind than keys.
 *
 * The key is there already, NOT VALID, so no new orphans come.  Steps are taken
 * parents before children, each by as many passes (fix_pass.c) as it needs.
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
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "fix/fix.h"
#include "fix/fix_limit.h"
#include "fix/fix_pass.h"
#include "fix/fix_sql.h"
#include "log/log_grant.h"
#include "plan/plan_call.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
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

/* The last line says what leads on for all steps that are blocked */
static void
tell_blocked(PlanRun *run, const PlanStep *step)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->next = !plan_policy_deletes(step->orphans) ? plan_quarantine_call(step) :
		psprintf(sg_calls("Have what refers to orphans go into quarantine as well:\nSELECT sg_plan_add_referencing(%s%s);"),
				 quote_literal_cstr(run->plan->name), run_steps_text(run));
	MemoryContextSwitchTo(old);
}

static void
tell_dry_run(Fix *fix)
{
	char	   *reached = fix_tallies_text(fix->tallies, false);
	char	   *blocked = fix_tallies_text(fix->tallies, true);
	char	   *counts = fix_counts_text(&fix->counts, fix->key.rule != NULL);
	StepWork   *work = fix->work;

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
		/* of a rule that is not there yet, the look behind it says so */
		if (fix->key.rule == NULL || !fix->key.rule->open)
			run_append_notice(fix->work, nothing_text(fix));
		return;
	}
	run_append_notice(fix->work, counts);
	plan_step_set_state(step->plan, step->step, STEP_AS_IT_IS, fix_done_text(fix, NULL), 0);
	run_commit();
}

/* Does a key refer to the column that gets a value, so that rows could be changed with it? */
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

	/* rows that go may leave orphans behind */
	work->run->audited = work->run->counted = NULL;
	return fix;
}

/*
 * Fixes the rows of one table, by the key, or by the rule that takes its place; or only looks
 * whether others block that.  Counts add up.
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
	fix->size = fix->smallest = 0;
	fix->single_ms = 0;
	fix->most = fix->least = 0;
	fix->held = false;
	sg_progress_step(dry_run ? SG_PROGRESS_COUNT : SG_PROGRESS_FIX, work->step->step, key->child);
	clean = looks ? fix_scan(fix) : fix_run_passes(fix);
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
	else if (!fix->work->run->dry_run && counts)
		run_append_notice(fix->work, psprintf("before that: %s", counts));
	return clean;
}

/*
 * Do to the orphans of a step's key what its policy says, in batches with a
 * commit each; with run->dry_run, count them.  The key is declared, armed and
 * not valid (planned will do for a dry run).  Returns whether no orphan is
 * left that the policy is about; if not, the failure is on record.  The
 * caller's transaction is clean, before and after.
 */
static bool
fix_step(StepWork *work, const FkKey *key)
{
	Fix		   *fix = new_fix(work);

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

/* Fixes the rows of each table that a rule is about, or only looks at them; false: failed, on record */
static bool
fix_tables_of(Fix *fix, const DeployRule *rule, List *tables, bool looks)
{
	PlanStep   *step = fix->work->step;
	char	   *child_table = step->child_table;
	bool		clean = true;

	foreach_oid(table, tables)
	{
		FkKey		key = {.child = table,.parent = table,.name = step->fk_name};

		/*
		 * under its locks, an action looks up the tables of its key by the
		 * step's names
		 */
		step->child_table = step->parent_table = sg_relation_name(table);
		clean = clean && fix_table(fix, &key, fix_rule_of(rule, table), looks);
	}
	step->child_table = child_table;
	step->parent_table = NULL;
	fix->work->key = NULL;
	return clean;
}

/* A value is given by deploy_fill_rule(), once no key refers to one that it would replace */
static bool
fix_rule(StepWork *work, const DeployRule *rule)
{
	bool		dry_run = work->run->dry_run;
	bool		fills = rule->fill && !dry_run;
	List	   *tables = fix_rule_tables(rule);
	List	   *referred = NIL;
	Fix		   *fix = new_fix(work);

	foreach_oid(table, fills ? tables : NIL)
	{
		if (is_referred(fix_rule_of(rule, table)))
			referred = lappend_oid(referred, table);
	}
	if (fills)
		return fix_tables_of(fix, rule, referred, true) && deploy_fill_rule(work, rule, rule->open);

	/*
	 * what blocks one of several tables is found before the first one is
	 * changed
	 */
	if (!dry_run && list_length(tables) > 1 && !fix_tables_of(fix, rule, tables, true))
		return end_fix(fix, false);
	return end_fix(fix, fix_tables_of(fix, rule, tables, false));
}

/* ---- the procedure ---- */

/* Does the step say that its key is there, and neither the table has it nor a partition? */
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

/*
 * Nothing to fix in a step, for a reason that people want to know; with the
 * state that it comes to, if any.
 */
static void
skip_step(StepWork *work, StepState state, int sqlerrcode, const char *reason,
		  const char *hint)
{
	/* of a call that only counts before it begins, the deed itself says so */
	if (work->run->counting)
		return;
	run_outcome(work, "fix", LOG_SKIPPED, work->run->dry_run ? STEP_AS_IT_IS : state, sqlerrcode, reason);
	run_append_warning(work, psprintf("skipped: %s", reason));
	work->hint = hint;
}

/* While the rule is not made, or its index not built, others could come */
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
	else if (work->run->dry_run || move.kind == MOVE_BUILD || !move.first)
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
			/* rows can have come in past a valid key */
			if (!deploy_is_proved(work->run, view.existing) &&
				fix_step(work, view.existing) && !work->run->dry_run)
				(void) deploy_audit_existing(work, view.existing);
			break;
		case NEED_ADD:
			if (work->run->dry_run)
				(void) fix_step(work, &view.key);
			else
				skip_step(work, dropped ? STEP_FAILED : STEP_AS_IT_IS, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  dropped ? "the key was dropped meanwhile, so new orphans could come" :
						  "the key is not there yet, so new orphans could come",
						  psprintf("Add it NOT VALID first, and fix with that:\n%s", run_call_text(work->run, "sg_add_fks")));
			break;
		case NEED_VALIDATE:
			/* before 18, partitions have it already, and the whole has not */
			(void) fix_step(work, view.existing ? view.existing : &view.key);
			break;
	}
}

/*
 * Parents before children: a step comes when no step before which it has to
 * come is left, or, in a cycle, by its place in the plan.
 */
static List *
order_steps(List *steps)
{
	List	   *ordered = NIL;

	while (steps != NIL)
	{
		PlanStep   *next = NULL;

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(PlanStep, step, steps)
		{
			bool		waits = false;
			ListCell   *lc2;

			foreach(lc2, steps)
				waits |= lfirst(lc2) != step && step->parent_table &&
				sg_same_text(((PlanStep *) lfirst(lc2))->child_table, step->parent_table);
			if (!waits)
			{
				next = step;
				break;
			}
		}
		if (next == NULL)
			next = linitial(steps);
		ordered = lappend(ordered, next);
		steps = list_delete_ptr(steps, next);
	}
	return ordered;
}

/* Counts the rows of a column that the plan has not added, which its fill would change, whatever `fix` says */
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
 * Refuses a call that would take away or change more rows than it may.  What
 * can't be counted, for it is not there yet, is held against the limit batch by
 * batch.
 */
static void
count_first(PlanRun *run)
{
	int64		orphan_rows = run->orphan_rows;
	bool		applies = strcmp(run->procedure, "sg_fix_orphans") != 0;
	List	   *deeds;
	List	   *steps;
	int			counted = 0;
	RunRows    *rows;
	MemoryContext context;
	MemoryContext old;

	if (!fix_counts_first(run))
		return;
	deeds = applies ? plan_deeds(run->plan, DEED_BIT(DEED_CHANGE)) : NIL;
	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard step", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(run->context);
	run->dry_run = run->counting = true;
	steps = plan_chosen_steps(run->plan);
	sg_progress_total(list_length(steps));
	foreach_ptr(const PlanStep, step, steps)
	{
		StepWork   *work;

		CHECK_FOR_INTERRUPTS();
		sg_progress_done(counted++, 0);
		if (step->kind == STEP_COLUMN ? !applies || (step->state == STEP_VALIDATED && !step->fills) : !(run->fix && plan_step_fixes(step)))
			continue;
		MemoryContextSwitchTo(context);
		work = run_begin_step(run, step->step);
		if (work && step->kind == STEP_COLUMN)
			count_fill(work, deeds);
		else if (work)
			fix_work(work);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	sg_progress_done(0, 0);
	sg_progress_total(0);
	run->dry_run = run->counting = false;
	rows = run->rows;
	old = MemoryContextSwitchTo(run->context);
	run->rows = run_rows_new();
	MemoryContextSwitchTo(old);
	PushActiveSnapshot(GetTransactionSnapshot());
	fix_check_counted(run, rows);
	PopActiveSnapshot();
	run->orphan_rows = orphan_rows;
	run->hints = NIL;
	if (run->gone)
		hash_destroy(run->gone);
	run->gone = NULL;
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
	count_first(run);
	steps = order_steps(steps);

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
 * sg_fix_orphans(plan text, batch int DEFAULT 10000, dry_run boolean DEFAULT false,
 *				  author text DEFAULT NULL, fail boolean DEFAULT false,
 *				  steps schemaguard.steps DEFAULT NULL, confirm text DEFAULT NULL, max_rows bigint DEFAULT NULL)
 *
 * For each step of the plan, or of those chosen, whose key is there, NOT VALID, or valid without a
 * proof that stands (schemaguard.fk_trust): does to its orphans
 * what the step's policy says, parents before children, at most `batch`
 * orphans in a transaction, fewer where that would lock them for longer than
 * schemaguard.lock_timeout, with a pause of schemaguard.fix_pause between two.
 * A step that can't be done fails with the reason, and the rest goes on.  With
 * dry_run, counts the orphans and what would be reached, and changes nothing;
 * then the key need not be there.  The same for the rows that break the rule of
 * a step of kind check, not null or unique.
 *
 * Needs, per step, ownership of the child, SELECT on child and parent, what
 * DELETE or UPDATE of the child needs, and the same on tables whose rows are
 * reached; no policy may hide rows.  Locks the tables in SHARE UPDATE EXCLUSIVE,
 * and rows, for the length of a batch.  What runs code that is not the caller's runs as
 * the owner of the table, restricted, or not at all: see fix_role.c.
 *
 * Counts first what all steps would do, and refuses if that is more than
 * max_rows, or schemaguard.fix_limit where that is null (fix_limit.c).
 *
 * Errors: as sg_apply, and 22023 for a batch of no row.
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
