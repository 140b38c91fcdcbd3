/*-------------------------------------------------------------------------
 *
 * fix_referring.c
 *	  Rows that refer to orphans: sg_plan_referencing,
 *	  sg_plan_add_referencing.
 *
 *	  A fix follows keys from the rows that it removes, and stops at the first
 *	  row without a policy.  Here the same walk continues from such rows, as
 *	  if they went into quarantine, so that all blocking keys are found at
 *	  once.  Nothing is changed but the plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/version.h"
#include "base/words.h"
#include "change/change.h"
#include "deploy/deploy.h"
#include "fix/fix.h"
#include "fix/fix_pass.h"
#include "fix/fix_sql.h"
#include "log/log_grant.h"
#include "plan/plan_call.h"
#include "plan/plan_choice.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_deed.h"

SG_FUNCTION(sg_plan_referencing);
SG_FUNCTION(sg_plan_add_referencing);

/* The rows that steps before a walk's remove */
typedef struct Before
{
	MemoryContext context;		/* that of the call */
	HTAB	   *gone;			/* FixPlace, or NULL: none */
	List	   *copied;			/* FixCopied *, with the plan's rows that are
								 * in quarantine now */
} Before;

/* The rows that a step removes, and all rows that refer to them */
typedef struct Walk
{
	const PlanStep *step;
	FixKey		key;
	List	   *keys;			/* FixKey *: every key that may reach further
								 * rows */
	FixPlaces	found;
	int64		orphans[FIX_FATES]; /* number of rows that are not reached, by
									 * fate */
	List	   *tallies;		/* FixTally *: rows that go along */
	List	   *blocking;		/* FixTally *: blocking rows */
	List	   *shown;			/* of FixKey * */
	char	   *unknown;		/* why none of this could be determined, or
								 * NULL */
	char	   *hint;			/* how it could, or NULL */
	Before	   *before;			/* NULL: the step is looked at by itself */
	List	   *copied;			/* OIDs of tables whose rows are kept */
} Walk;

/* ---- walking ---- */

/*
 * Finds the rows that a step would remove or change, by key or rule; returns
 * false if there are none, or if they can't be found here
 */
static bool
find_key(Walk *walk)
{
	PlanStep   *step = (PlanStep *) walk->step;
	FkKey	   *key;

	if (!plan_step_fixes(step) || step->skipped_by)
		return false;
	if (step->kind == STEP_FOREIGN_KEY)
	{
		StepView   *view = palloc(sizeof(StepView));

		deploy_look(step, view);
		if (view->need == NEED_SKIP)
			return false;
		key = view->existing ? view->existing : &view->key;
	}
	else
	{
		ChangeMove *move = palloc(sizeof(ChangeMove));

		change_look(step, move);
		if (move->kind == MOVE_PROBLEM || move->kind == MOVE_NONE || !OidIsValid(move->rows.table))
			return false;
		walk->key.rule = &move->rows;
		key = palloc0(sizeof(FkKey));
		key->name = step->fk_name;
		key->child = key->parent = move->rows.table;
	}
	walk->key.key = key;
	walk->key.step = step;
	return !key->period;
}

/* Returns a walk for each table whose rows the step would remove or change; NIL: none */
static List *
walks_of(const PlanStep *step, List *keys)
{
	Walk	   *walk = palloc0(sizeof(Walk));
	List	   *walks = NIL;

	walk->step = step;
	walk->keys = keys;
	if (!find_key(walk))
		return NIL;
	if (walk->key.rule == NULL)
		return list_make1(walk);
	foreach_oid(table, fix_rule_tables(walk->key.rule))
	{
		Walk	   *one = palloc(sizeof(Walk));
		FkKey	   *key = palloc(sizeof(FkKey));

		*one = *walk;
		*key = *walk->key.key;
		key->child = key->parent = table;
		one->key.key = key;
		one->key.rule = fix_rule_of(walk->key.rule, table);
		walks = lappend(walks, one);
	}
	return walks;
}

static void
lock_table(Oid table)
{
	Oid			busy = InvalidOid;
	FkProblem  *problem = audit_lock_rows(table, false, false, &busy);

	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
	if (OidIsValid(busy))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("table %s is locked by another session", sg_relation_name(busy)),
				 errhint("Find out by whom, and call again:\n" SG_LOCKED_BY,
						 quote_literal_cstr(sg_relation_name(busy)))));
}

static void
lock_tables(const Walk *walk)
{
	List	   *tables = fix_tables(&walk->key, walk->keys);

	foreach_oid(table, list_concat_unique_oid(fk_tables(walk->key.key), tables))
		lock_table(table);
	foreach_oid(table, fix_judging_tables(tables, walk->keys))
		lock_table(table);
}

static List *
add_tallies(List *all, List *some)
{
	foreach_ptr(const FixTally, tally, some)
	{
		FixTally   *same = NULL;

		foreach_ptr(FixTally, other, all)
		{
			if (other->by == tally->by && other->fate == tally->fate)
				same = other;
		}
		if (same == NULL)
		{
			same = palloc(sizeof(FixTally));
			*same = *tally;
			all = lappend(all, same);
		}
		else
			same->rows += tally->rows;
	}
	return all;
}

/* Walks from some of the orphans; rows that these remove count as gone for later ones */
static void
walk_some(Walk *walk, int64 first, int64 n, bool in_doubt, HTAB *gone, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	FixPlaces	places = {.places = walk->found.places + first,.n = n};
	FixBatch	batch = {.key = &walk->key,.keys = walk->keys,.gone = gone,.gone_before = walk->before ? walk->before->gone : NULL,.in_doubt = in_doubt,.follow = plan_policy_deletes(walk->step->orphans)};

	fix_collect(&batch, &places);
	MemoryContextSwitchTo(old);
	walk->tallies = add_tallies(walk->tallies, fix_add_tallies(NIL, &batch));
	walk->blocking = batch.follow ? add_tallies(walk->blocking, batch.blocking) : walk->tallies;
	for (int i = 0; i < batch.n; i++)
	{
		walk->orphans[batch.rows[i].fate] += !batch.rows[i].reached;
		if (batch.rows[i].fate == FIX_QUARANTINE)
			walk->copied = list_append_unique_oid(walk->copied, batch.rows[i].place.leaf);
		if (batch.rows[i].fate == FIX_DELETE || batch.rows[i].fate == FIX_QUARANTINE)
			(void) hash_search(gone, &batch.rows[i].place, HASH_ENTER, NULL);
	}
	MemoryContextReset(context);
}

static void
walk_rows(void *arg)
{
	Walk	   *walk = arg;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard rows that refer", ALLOCSET_DEFAULT_SIZES);
	HTAB	   *gone = fix_place_set(CurrentMemoryContext);
	FkProblem  *problem = walk->key.rule ? NULL : audit_access_problem(walk->key.key, true);
	bool		together;
	int64		n;

	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
	if (walk->before && fix_deletes(&walk->key, walk->keys))
		walk->key.referred = fix_referred_by_copies(&walk->key, walk->keys, walk->before->copied);
	together = fix_fates_depend(&walk->key, walk->keys, fix_tables(&walk->key, walk->keys));
	fix_places_init(&walk->found);
	fix_find(&walk->key, fix_most_places(&walk->key), &walk->found);
	for (int64 first = 0; first < walk->found.n; first += n)
	{
		n = together ? walk->found.n : Min(RUN_FIX_BATCH, walk->found.n - first);
		walk_some(walk, first, n, together && n == fix_most_places(&walk->key), gone, context);
	}
	if (walk->before && walk->blocking == NIL)
	{
		MemoryContext old = MemoryContextSwitchTo(walk->before->context);

		fix_place_set_add(&walk->before->gone, gone, fix_most_places(&walk->key), walk->before->context);
		foreach_oid(table, walk->copied)
		{
			walk->before->copied = fix_copied_add(walk->before->copied, walk->step->step, table);
		}
		MemoryContextSwitchTo(old);
	}
	hash_destroy(gone);
	MemoryContextDelete(context);
	/* the step would stop, and keep no copies */
	if (walk->blocking && walk->step->orphans == ORPHANS_DELETE)
	{
		walk->orphans[FIX_DELETE] += walk->orphans[FIX_QUARANTINE];
		walk->orphans[FIX_QUARANTINE] = 0;
	}
}

static void
walk_step(void *arg)
{
	lock_tables(arg);
	audit_push_snapshot();
	run_deed_reading(walk_rows, arg);
	PopActiveSnapshot();
}

/*
 * Examines one step; a table that can't be read makes it "unknown", except on a
 * standby, where the call ends
 */
static void
try_step(Walk *walk)
{
	ErrorData  *edata = NULL;

	if (RecoveryInProgress())
		walk_step(walk);
	else
		edata = sg_try_undo(walk_step, walk);
	fix_forget_plans();
	if (edata == NULL)
		return;
	sg_rethrow_cancel(edata);
	walk->unknown = sg_error_text(edata);
	walk->hint = edata->hint;
	walk->found.n = 0;
	walk->tallies = walk->blocking = NIL;
}

/*
 * Returns a Walk for each chosen step that removes rows.  Those that a step
 * removes are gone for the steps after it, unless it is blocked.
 */
static List *
walk_plan(const FkPlan *plan)
{
	List	   *walks = NIL;
	List	   *keys = fix_keys(plan->name);
	List	   *steps = fix_in_order(plan, plan_chosen_steps(plan));
	Before		before = {.context = CurrentMemoryContext,.copied = fix_copied(plan->id)};
	int			done = 0;

	sg_progress_begin(SG_PROGRESS_COUNT, plan->id, list_length(steps));
	foreach_ptr(PlanStep, step, steps)
	{
		CHECK_FOR_INTERRUPTS();
		sg_progress_done(done++, 0);
		if (!plan_policy_deletes(step->orphans))
			continue;
		foreach_ptr(Walk, walk, walks_of(step, keys))
		{
			walk->before = &before;
			sg_progress_step(SG_PROGRESS_COUNT, step->step, walk->key.key->child);
			try_step(walk);
			walks = lappend(walks, walk);
		}
	}
	sg_progress_end();
	return walks;
}

void
fix_find_blocking(const PlanStep *step, FixBlocking *blocking)
{
	List	   *tallies = NIL;

	memset(blocking, 0, sizeof(FixBlocking));
	foreach_ptr(Walk, walk, walks_of(step, fix_keys(step->plan)))
	{
		try_step(walk);
		if (walk->unknown)
			blocking->unknown = walk->unknown;
		blocking->along = list_concat(blocking->along, walk->tallies);
		tallies = list_concat(tallies, walk->blocking);
	}
	blocking->text = fix_tallies_text(tallies, true);
	if (blocking->text)
		blocking->hint = fix_referenced_hint(step, tallies);
	foreach_ptr(const FixTally, tally, tallies)
	{
		blocking->tables = list_append_unique_oid(blocking->tables, tally->by->key->child);
	}
}

static const FixTally *
tally_of(List *tallies, const FixKey *by)
{
	foreach_ptr(const FixTally, tally, tallies)
	{
		if (tally->by == by)
			return tally;
	}
	return NULL;
}

/* ---- sg_plan_referencing ---- */

static const char *
fate_word(FixFate fate)
{
	switch (fate)
	{
		case FIX_SENTINEL:
		case FIX_SET_NULL:
			return "set null";
		case FIX_DELETE:
			return "delete";
		default:
			return "quarantine";
	}
}

/* Returns why rows that refer by this key must not be changed */
static char *
block_reason(const FixKey *by)
{
	return by->step ? psprintf("the policy of step %d is %s", by->step->step, plan_policy_word(by->step->orphans)) :
		psprintf("no step of the plan has the key (on delete %s)", sg_action_word(by->key->on_delete));
}

static void
emit_row(SgRowSink *sink, int depth, const FixKey *by, const char *result, const char *fate, int64 rows, char *reason)
{
	sg_sink_text(sink, result);
	sg_sink_text(sink, psprintf("%*s%s", 2 * depth, "", sg_relation_name(by->key->child)));
	sg_sink_count(sink, rows);
	sg_sink_text(sink, fate);
	sg_sink_text(sink, by->key->name);
	if (by->step)
		sg_sink_int32(sink, by->step->step);
	else
		sg_sink_null(sink);
	sg_sink_text(sink, reason);
	sg_sink_emit(sink);
}

/* Emits the rows that refer by a key, one line for each fate */
static void
emit_fates(SgRowSink *sink, const Walk *walk, int depth, const FixKey *by)
{
	const FixTally *blocking = tally_of(walk->blocking, by);

	if (blocking)
	{
		emit_row(sink, depth, by, "block", "stays", blocking->rows, block_reason(by));
		return;
	}
	foreach_ptr(const FixTally, tally, walk->tallies)
	{
		if (tally->by == by)
			emit_row(sink, depth, by, "ok", fate_word(tally->fate), tally->rows, NULL);
	}
}

/* Emits the keys by which rows refer to those of a table, each once */
static void
emit_below(SgRowSink *sink, Walk *walk, Oid table, int depth)
{
	check_stack_depth();
	foreach_ptr(const FixKey, by, walk->keys)
	{
		if ((tally_of(walk->blocking, by) == NULL && tally_of(walk->tallies, by) == NULL) ||
			list_member_ptr(walk->shown, by) || !fix_shares_rows(table, by->key->parent))
			continue;
		walk->shown = lappend(walk->shown, (void *) by);
		emit_fates(sink, walk, depth, by);
		emit_below(sink, walk, by->key->child, depth + 1);
	}
}

/*
 * sg_plan_referencing(plan text, steps schemaguard.steps DEFAULT NULL)
 *
 * Returns one row for each step that removes orphans (policy quarantine or
 * delete), and below it, indented, one for each key by which rows refer to
 * those, and to these again, with their number: the rows go along, or block the
 * step.  If rows of a step or key have several fates, there is one row for
 * each.  Tables that can't be read, or are locked, are "unknown", with the
 * reason.  Needs the right to read the plan, and SELECT on all tables that are
 * reached.  Locks these in ACCESS SHARE, and waits for none.  Changes nothing.
 */
static Datum
sg_plan_referencing_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	SgRowSink	sink;

	sg_check_version();
	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	plan_choose(plan, plan_steps_argument(fcinfo, 1));
	sg_sink_begin(&sink, fcinfo);
	foreach_ptr(Walk, walk, walk_plan(plan))
	{
		if (walk->found.n == 0 && walk->unknown == NULL)
			continue;
		if (walk->unknown)
			emit_row(&sink, 0, &walk->key, "unknown", plan_policy_word(walk->step->orphans), -1, walk->unknown);
		for (int fate = FIX_SENTINEL; !walk->unknown && fate <= FIX_QUARANTINE; fate++)
		{
			if (walk->orphans[fate] > 0)
				emit_row(&sink, 0, &walk->key, "ok", fate_word(fate), walk->orphans[fate], NULL);
		}
		emit_below(&sink, walk, walk->key.key->child, 1);
	}
	PG_RETURN_NULL();
}

/* ---- sg_plan_add_referencing ---- */

/*
 * Returns a step for a declared key whose rows go along, whose own orphans
 * stay, and that builds nothing
 */
static PlanStep *
step_of_key(const FkPlan *plan, const FkKey *key)
{
	PlanStep   *step = plan_step_of_key(plan->name, key);

	step->orphans = ORPHANS_LEAVE;
	step->quarantine_cascades = true;
	step->policy_is_plans = false;
	step->index = false;
	return step;
}

/* Returns the chosen steps as a further argument, or an empty text for all steps */
static char *
steps_text(const FkPlan *plan)
{
	return plan->chosen ? psprintf(", '%s'", plan_steps_text(plan->chosen)) : "";
}

/* Reports steps that block by a policy that somebody gave them, which stays */
static void
tell_stopping(const FkPlan *plan, List *steps)
{
	if (steps == NIL)
		return;
	ereport(NOTICE,
			(errmsg_plural("%d step of plan \"%s\" stands in the way by its own policy, which stays",
						   "%d steps of plan \"%s\" stand in the way by their own policies, which stay",
						   list_length(steps), list_length(steps), plan->name),
			 errhint("To have their rows go into quarantine as well:\n%s", fix_go_along_call(plan->name, steps_text(plan)))));
}

/* Reports steps that could not be examined, once for each reason; returns whether there are any */
static bool
tell_unknown(List *walks)
{
	List	   *told = NIL;

	foreach_ptr(const Walk, walk, walks)
	{
		List	   *alike = NIL;

		if (walk->unknown == NULL || sg_has_name(told, walk->unknown))
			continue;
		told = lappend(told, walk->unknown);
		foreach_ptr(const Walk, other, walks)
		{
			if (sg_same_text(other->unknown, walk->unknown))
				alike = list_append_unique_int(alike, other->step->step);
		}
		ereport(WARNING,
				(errmsg_plural("what refers to the orphans of step %s is not known: %s",
							   "what refers to the orphans of steps %s is not known: %s",
							   list_length(alike), list_length(alike) == 1 ? psprintf("%d", walk->step->step) : plan_steps_text(alike), walk->unknown),
				 walk->hint ? errhint("%s", walk->hint) : 0));
	}
	return told != NIL;
}

static void
tell_added(const FkPlan *plan, int n)
{
	if (n == 0)
		ereport(NOTICE,
				(errmsg("no key that the plan lacks stands in the way of plan \"%s\"", plan->name)));
	else
		ereport(NOTICE,
				(errmsg_plural("%d key was added to plan \"%s\": rows that refer by it to orphans go into quarantine with them",
							   "%d keys were added to plan \"%s\": rows that refer by them to orphans go into quarantine with them",
							   n, n, plan->name),
				 errhint(sg_calls("See how many:\nSELECT * FROM sg_plan_referencing(%s%s);"), quote_literal_cstr(plan->name), steps_text(plan))));
}

/*
 * sg_plan_add_referencing(plan text, steps schemaguard.steps DEFAULT NULL)
 *
 * Adds each key that blocks the removal of orphans as a step with policy leave
 * and quarantine_cascades, so that rows which refer to orphans go along, and
 * come back with them, while orphans of that key itself stay.  Returns the
 * numbers of the new steps.  For the author's role and superusers (42501);
 * withdraws an approval; 55006 while a session runs the plan.  Reads as
 * sg_plan_referencing().
 */
static Datum
sg_plan_add_referencing_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	PlanDraft  *draft;
	List	   *added = NIL;
	List	   *numbers = NIL;
	List	   *stopping = NIL;
	List	   *walks;
	bool		unknown;
	Datum	   *steps;
	int			n = 0;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_add_referencing()");
	plan_choose(plan, plan_steps_argument(fcinfo, 1));
	draft = plan_draft_begin(plan);
	walks = walk_plan(plan);
	unknown = tell_unknown(walks);
	foreach_ptr(const Walk, walk, walks)
	{
		foreach_ptr(const FixTally, tally, walk->blocking)
		{
			PlanStep   *step;

			if (tally->by->step)
			{
				stopping = list_append_unique_int(stopping, tally->by->step->step);
				continue;
			}
			if (list_member_oid(added, tally->by->key->conid))
				continue;
			added = lappend_oid(added, tally->by->key->conid);
			step = step_of_key(plan, tally->by->key);
			plan_draft_check(draft, step);
			numbers = lappend_int(numbers, plan_draft_insert(draft, step));
			plan_log(plan, step->step, "plan add", plan_step_object(step), NULL);
		}
	}
	plan_draft_end(draft);
	if (numbers != NIL || !unknown)
		tell_added(plan, list_length(numbers));
	tell_stopping(plan, stopping);

	steps = palloc(sizeof(Datum) * Max(list_length(numbers), 1));
	foreach_int(number, numbers)
		steps[n++] = Int32GetDatum(number);
	PG_RETURN_ARRAYTYPE_P(construct_array(steps, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
