/*-------------------------------------------------------------------------
 *
 * sync_apply.c
 *	  CALL sg_sync_apply: a plan makes this database equal to a snapshot.
 *
 *	  The steps come from schemaguard.sg_sync_steps(), and sg_apply() runs
 *	  them, one after the other.  A call continues the plan of an earlier one:
 *	  steps that have begun are ended first; steps that have not are planned
 *	  again, which leaves the plan, and its approval, as it is if nothing has
 *	  changed meanwhile.  A call runs more than one round if names change:
 *	  renames come first, and everything else is planned with the new names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/body.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/name.h"
#include "base/quote.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "log/log_backup.h"
#include "log/log_grant.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"
#include "plan/plan_lock.h"
#include "plan/plan_order.h"
#include "run/run_rows.h"
#include "run/run_unit.h"
#include "sync/sync_apply.h"

SG_FUNCTION(sg_sync_apply);

/* Number of rounds at most: renames, the steps under the new names, and later changes */
#define MOST_ROUNDS 5

/* Number of rename questions that a call prints, at most */
#define MOST_ASKED 10

typedef enum SyncRound
{
	ROUND_NONE,					/* nothing is left to do */
	ROUND_STUCK,				/* all remaining steps have just been tried */
	ROUND_BEGUN,				/* steps that an earlier call has begun */
	ROUND_RUN
} SyncRound;

typedef struct SyncApply
{
	FunctionCallInfo fcinfo;
	MemoryContext context;
	char	   *reference;
	char	   *renames;
	const char *procedure;		/* name of the calling procedure */
	const char *word;			/* prefix of a new plan's name, before the
								 * reference */
	const char *given;			/* arguments of the call, for hints; NULL:
								 * those of sg_sync_apply() */
	bool		approved;		/* the plan needs no approval of its own */
	char	   *approved_rows;	/* what look-up rows may become (JSON); NULL:
								 * what the steps say */
	bool		safe;			/* only the safe steps of sg_ensure() */
	bool		fix;
	bool		fail;
	int64		max_rows;		/* max_rows; negative: not given */
	RunRows    *rows;			/* rows that the rounds so far have deleted or
								 * changed */
	RunRows    *written;		/* rows that statements and drops of the
								 * rounds have deleted or changed */
	char	   *plan;			/* name of the plan; NULL: not chosen yet */
	SyncRound	last;			/* kind of the previous round */
	List	   *wanted;			/* PlanStep *: steps of the previous round */
	List	   *left_out;		/* char *: reason of each difference that is
								 * left out */
	List	   *asked;			/* List * of char *: possible renames, each
								 * with the two statements that answer the
								 * question */
	List	   *bare;			/* char *: objects that are made without their
								 * options */
	List	   *sent;			/* List * of char *: what publications will
								 * send, and a hint */
	bool		told;			/* the three lists above were reported */
} SyncApply;

/* ---- one at a time ---- */

bool
sync_lock_database(void)
{
	return plan_lock(PLAN_LOCK_SYNC, get_relname_relid("plan", sg_schema_oid()), 0, true);
}

void
sync_unlock_database(void)
{
	plan_unlock(PLAN_LOCK_SYNC, get_relname_relid("plan", sg_schema_oid()), 0);
}

int
sync_holder_pid(void)
{
	return plan_lock_pid(PLAN_LOCK_SYNC, get_relname_relid("plan", sg_schema_oid()), 0);
}

/* Raises 55006 if another session syncs this database */
static void
lock_database(void)
{
	if (!sync_lock_database())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another session runs sg_sync_apply() in this database"),
				 errhint("Try again when it is done. What runs:\nSELECT * FROM schemaguard.progress;")));
}

/* ---- the steps ---- */

/* Returns whether a step has a name that is a text of ours, and is done each time */
static bool
is_text(const PlanStep *step)
{
	return step->kind == STEP_STATEMENT || step->kind == STEP_ROWS;
}

/* Shortens the step's name to the limit, and makes it unique in the plan */
static void
fit_name(PlanStep *step, List *before)
{
	const char *wanted = step->fk_name;

	if (!is_text(step))
		return;
	for (int n = 1;; n++)
	{
		const char *suffix = n > 1 ? psprintf(" %d", n) : "";
		bool		taken = false;

		step->fk_name = psprintf("%.*s%s", sg_clip_name(wanted, NAMEDATALEN - 1 - (int) strlen(suffix)), wanted, suffix);
		foreach_ptr(const PlanStep, other, before)
		{
			taken = taken || (other->kind == step->kind && strcmp(other->fk_name, step->fk_name) == 0);
		}
		if (!taken)
			return;
	}
}

static PlanStep *
make_step(const SyncApply *apply, HeapTuple tuple, TupleDesc desc)
{
	PlanStep   *step = plan_step_default(apply->plan);
	bool		isnull;
	Datum		fields = SPI_getbinval(tuple, desc, 2, &isnull);

	plan_field_set_text(plan_field("kind", FIELD_ANY), step, SPI_getvalue(tuple, desc, 1));
	plan_step_set_fields(step, DatumGetArrayTypeP(fields));
	return step;
}

/* Returns the reason of a row of kind "refused" */
static char *
reason_of(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;

	return linitial(sg_text_array_list(SPI_getbinval(tuple, desc, 2, &isnull)));
}

/* Raises an error, before anything is done, with the reasons why the script may not run */
pg_noreturn static void
refuse(const SyncApply *apply, List *reasons)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, reason, reasons)
	{
		appendStringInfo(&text, "%s%s", text.len ? "\n" : "", reason);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this database can't be made what \"%s\" is", apply->reference),
			 errdetail("%s", text.data),
			 errhint("Create what is not there; say in schemaguard.rename (kind, old, new) what is one under two names. If nothing is, allow_drop => true drops what has the name of something else; of two schemas with the same contents, drop or create one by hand.")));
}

/* Returns the arguments for a call of sg_sync_sql() that shows what is left, for hints */
static char *
script_arguments(const SyncApply *apply)
{
	FunctionCallInfo fcinfo = apply->fcinfo;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, quote_literal_cstr(apply->reference));
	if (!sg_arg_is_null(fcinfo, 1))
		appendStringInfo(&text, ", schemas => %s", quote_literal_cstr(sg_names_text(sg_text_array_list(PG_GETARG_DATUM(1)))));
	if (sg_arg_bool(fcinfo, 2))
		appendStringInfoString(&text, ", allow_drop => true");
	if (sg_arg_bool(fcinfo, 3))
		appendStringInfoString(&text, ", partitions => true");
	if (strcmp(apply->renames, "ask") != 0)
		appendStringInfo(&text, ", renames => %s", quote_literal_cstr(apply->renames));
	return text.data;
}

/* Returns the arguments of the call, for hints, except those of a run */
static char *
given(const SyncApply *apply)
{
	char	   *plan = sg_arg_optional_text(apply->fcinfo, 6);

	if (apply->given)
		return pstrdup(apply->given);
	return plan ? psprintf("%s, plan => %s", script_arguments(apply), quote_literal_cstr(plan)) : script_arguments(apply);
}

/*
 * Raises 55000 if roles that use this database could no longer write, or
 * changes would be sent at which a subscriber stops, unless that is accepted
 */
static void
refuse_closed(const SyncApply *apply, List *closed)
{
	StringInfoData text;

	if (closed == NIL || sg_accept_publication)
		return;
	initStringInfo(&text);
	foreach_ptr(List, row, closed)
	{
		appendStringInfo(&text, "%s%s", text.len ? "\n" : "", (char *) linitial(row));
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this database is not made what \"%s\" is: publications would have writes refused, or send tables of schemaguard", apply->reference),
			 errdetail("%s", text.data),
			 errhint(sg_calls("Change them where the snapshot is taken, or accept that:\nSET schemaguard.accept_publication = on;\nCALL %s(%s);"),
					 apply->procedure, given(apply))));
}

/* Raises 55000 if triggers of plans stand on columns that the steps drop, or whose type they change */
static void
refuse_filled(const SyncApply *apply, List *filled)
{
	StringInfoData text;
	StringInfoData endings;
	List	   *seen = NIL;

	if (filled == NIL)
		return;
	initStringInfo(&text);
	initStringInfo(&endings);
	foreach_ptr(List, row, filled)
	{
		appendStringInfo(&text, "%s%s", text.len ? "\n" : "", (char *) linitial(row));
		if (!sg_has_name(seen, lsecond(row)))
			appendStringInfo(&endings, "\n%s", (char *) lsecond(row));
		seen = lappend(seen, lsecond(row));
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this database is not made what \"%s\" is: a plan fills what is dropped, or gets another type", apply->reference),
			 errdetail("%s", text.data),
			 errhint("Run this first, then make the same call again:%s", endings.data)));
}

/* Adds a list with the texts of a row, in the memory context of the call; returns the list */
static List *
add_texts(SyncApply *apply, List *list, HeapTuple tuple, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(apply->context);
	bool		isnull;

	list = lappend(list, sg_text_array_list(SPI_getbinval(tuple, desc, 2, &isnull)));
	MemoryContextSwitchTo(old);
	return list;
}

/* Raises 55000 for steps that write rows of look-up tables otherwise than approved */
pg_noreturn static void
refuse_beyond(const SyncApply *apply, const char *tables)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of look-up tables have changed since %s was begun", apply->given),
			 errdetail("Not as approved: rows of %s.", tables),
			 errhint(sg_calls("Take it back, and make another one:\nCALL sg_promote_rollback(%s);"), apply->given)));
}

/*
 * Returns the steps to do by the present catalog (PlanStep *), and sets
 * apply->left_out to the differences that no step covers
 */
static List *
wanted_steps(SyncApply *apply)
{
	FunctionCallInfo fcinfo = apply->fcinfo;
	Oid			types[] = {TEXTOID, TEXTARRAYOID, BOOLOID, BOOLOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(apply->reference), PG_GETARG_DATUM(1),
		BoolGetDatum(sg_arg_bool(fcinfo, 2)), BoolGetDatum(sg_arg_bool(fcinfo, 3)), BoolGetDatum(apply->fix), CStringGetTextDatum(apply->renames), BoolGetDatum(apply->safe),
	apply->approved_rows ? CStringGetTextDatum(apply->approved_rows) : 0};
	char		nulls[] = {' ', sg_arg_is_null(fcinfo, 1) ? 'n' : ' ', ' ', ' ', ' ', ' ', ' ', apply->approved_rows ? ' ' : 'n'};
	MemoryContext context = CurrentMemoryContext;
	List	   *steps = NIL;
	List	   *refused = NIL;
	List	   *closed = NIL;
	List	   *filled = NIL;
	SgScope		scope;

	apply->left_out = NIL;
	apply->asked = NIL;
	apply->bare = NIL;
	apply->sent = NIL;
	sg_caller_begin(&scope);
	sg_scope_set("row_security", "on");
	SPI_connect();
	if (SPI_execute_with_args("WITH step AS MATERIALIZED (SELECT kind, fields, left_out FROM schemaguard.sg_sync_steps($1, $2, $3, $4, $5, $6, $7))"
							  " SELECT kind, fields, left_out FROM step UNION ALL"
							  " SELECT 'beyond', ARRAY[b], NULL FROM schemaguard.sg_sync_lookup_beyond((SELECT jsonb_agg(jsonb_object(fields))"
							  " FROM step WHERE kind = 'rows'), $8::jsonb) b WHERE $8 IS NOT NULL AND b IS NOT NULL",
							  lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the steps could not be read");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(context);
		char	   *left_out = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 3);
		char	   *kind = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);

		if (kind && strcmp(kind, "refused") == 0)
			refused = lappend(refused, reason_of(tuple, SPI_tuptable->tupdesc));
		else if (kind && strcmp(kind, "beyond") == 0)
			refuse_beyond(apply, reason_of(tuple, SPI_tuptable->tupdesc));
		else if (kind && strcmp(kind, "asked") == 0)
			apply->asked = add_texts(apply, apply->asked, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "sent") == 0)
			apply->sent = add_texts(apply, apply->sent, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "closed") == 0)
			closed = add_texts(apply, closed, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "filled") == 0)
			filled = add_texts(apply, filled, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "bare") == 0)
			apply->bare = lappend(apply->bare, MemoryContextStrdup(apply->context, left_out));
		else if (left_out)
			apply->left_out = lappend(apply->left_out, MemoryContextStrdup(apply->context, left_out));
		else
			steps = lappend(steps, make_step(apply, tuple, SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	if (refused)
		refuse(apply, refused);
	refuse_closed(apply, closed);
	refuse_filled(apply, filled);
	apply->sent = list_concat(apply->sent, closed);
	return steps;
}

/* Returns the plan's steps that are not done, by number */
static List *
open_steps(const char *plan)
{
	List	   *open = NIL;

	foreach_ptr(PlanStep, step, plan_steps(plan))
	{
		if (step->state != STEP_VALIDATED)
			open = lappend(open, step);
	}
	return open;
}

/* Returns whether one of the steps has left work that the next call has to continue */
static bool
is_begun(const FkPlan *plan, List *steps)
{
	foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEEDS_OF_CATALOG))
	{
		foreach_ptr(const PlanStep, step, steps)
		{
			if (deed->step == step->step)
				return true;
		}
	}
	return false;
}

/*
 * Returns whether the wanted steps equal the plan's open ones, whose policies
 * may have been set by somebody
 */
static bool
says_same(List *wanted, List *open)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(wanted) != list_length(open))
		return false;
	forboth(lc, wanted, lc2, open)
	{
		const PlanStep *step = lfirst(lc);
		const PlanStep *other = lfirst(lc2);

		if (!plan_step_says_same(step, other) || (step->orphans != ORPHANS_STOP && other->orphans == ORPHANS_STOP))
			return false;
	}
	return true;
}

/*
 * Returns a done step of the plan that equals a wanted one, or NULL: a part of
 * its work is not done yet, or somebody has undone it
 */
static PlanStep *
done_before(List *steps, const PlanStep *wanted)
{
	foreach_ptr(PlanStep, step, steps)
	{
		if (step->state == STEP_VALIDATED && !is_text(step) && plan_step_says_same(step, wanted))
			return step;
	}
	return NULL;
}

/* Keeps the policy that somebody has set for the rows of a step */
static void
keep_policy(PlanStep *step, const PlanStep *other)
{
	step->orphans = other->orphans;
	step->sentinel = other->sentinel;
	step->keep_by = other->keep_by;
	step->fill = other->fill;
	step->quarantine_cascades = other->quarantine_cascades;
}

/* Keeps what somebody has said of drops: that their values may go at once */
static void
keep_discards(List *wanted, List *open)
{
	foreach_ptr(PlanStep, step, wanted)
	{
		foreach_ptr(const PlanStep, other, open)
		{
			if (!other->discard || step->discard)
				continue;
			step->discard = true;
			step->discard = plan_step_says_same(step, other);
		}
	}
}

/*
 * Replaces the open steps, and done ones that are wanted again, whose deeds
 * pass to the new ones; skipped steps stay skipped, and policies that somebody
 * has set stay, too
 */
static void
replace_steps(FkPlan *plan, List *open, List *skipped, List *wanted)
{
	PlanDraft  *draft;
	List	   *before = NIL;
	List	   *done = plan_steps(plan->name);
	List	   *deeds = plan_deeds(plan, DEEDS_OF_CATALOG);

	plan_check_writable(plan, "sg_sync_apply()");
	foreach_ptr(const PlanStep, step, open)
	{
		plan_step_delete(step);
	}
	foreach_ptr(const PlanStep, step, wanted)
	{
		const PlanStep *again = done_before(done, step);

		if (again)
			plan_step_delete(again);
	}
	before = plan_steps(plan->name);
	draft = plan_draft_begin(plan);
	plan_draft_set_quiet(draft);
	foreach_ptr(PlanStep, step, wanted)
	{
		const PlanStep *again = done_before(done, step);

		foreach_ptr(const PlanStep, other, skipped)
		{
			if (!plan_step_says_same(step, other))
				continue;
			if (step->orphans == ORPHANS_STOP)
				keep_policy(step, other);
			if (other->skipped_by)
			{
				step->skipped_by = other->skipped_by;
				step->state = other->state;
				step->reason = other->reason;
			}
		}
		fit_name(step, before);
		plan_draft_check(draft, step);
		(void) plan_draft_insert(draft, step);
		foreach_ptr(const PlanDeed, deed, deeds)
		{
			if (again && deed->step == again->step)
				plan_deed_pass(deed->id, step->step);
		}
		before = lappend(before, step);
	}
	plan_draft_end(draft);
	plan_log(plan, 0, "plan sync", plan->name, psprintf("%d steps", list_length(wanted)));
}

/* ---- the plan ---- */

static bool
is_callers(const FkPlan *plan)
{
	return plan->author_id == GetUserId();
}

/*
 * Raises 42501 unless the plan is the caller's: its author's steps would be
 * deleted, and the author could change the steps that the caller runs.
 */
static void
check_callers(const FkPlan *plan)
{
	if (!is_callers(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("plan \"%s\" belongs to role %s", plan->name, plan->author),
				 errdetail("sg_sync_apply() goes on with plans of its caller only."),
				 errhint("Name another plan, or none.")));
}

/* Raises 42710 if sg_sync_apply() would run steps that it has not made */
static void
check_own(const FkPlan *plan, List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (plan_step_is_in_order(step) || step->state == STEP_VALIDATED || step->skipped_by)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("plan \"%s\" is not one of sg_sync_apply()", plan->name),
				 errdetail("It has steps that something else has made."),
				 errhint("Leave such a step out, and make the same call again:\n%s",
						 plan_skip_call(step, "not made by this call"))));
	}
}

/* Chooses the plan of the name, or of the next free name after plans that are done */
static void
choose_plan(SyncApply *apply)
{
	char	   *given = sg_arg_optional_text(apply->fcinfo, 6);

	for (int n = 1; apply->plan == NULL; n++)
	{
		char	   *name = given ? given :
			n == 1 ? psprintf("%s %s", apply->word, apply->reference) : psprintf("%s %s %d", apply->word, apply->reference, n);
		FkPlan	   *plan = plan_find(name);
		List	   *steps = plan ? plan_steps(name) : NIL;

		if (plan && given)
		{
			check_callers(plan);
			check_own(plan, steps);
		}
		if (given || plan == NULL || (is_callers(plan) && (steps == NIL || open_steps(name) != NIL)))
			apply->plan = MemoryContextStrdup(apply->context, name);
	}
	sg_check_name(apply->plan, "plan name");
}

/* Returns whether a done step has the name of a different wanted step */
static bool
has_conflict(const FkPlan *plan, List *wanted)
{
	List	   *steps = plan_steps(plan->name);

	foreach_ptr(const PlanStep, step, wanted)
	{
		foreach_ptr(const PlanStep, other, steps)
		{
			if (other->state == STEP_VALIDATED && other->kind == step->kind && !is_text(step) &&
				step->fk_name && other->fk_name && strcmp(step->fk_name, other->fk_name) == 0 &&
				sg_same_text(step->child_table, other->child_table) && !plan_step_says_same(step, other))
				return true;
		}
	}
	return false;
}

/* Raises an error for a plan that the caller has named and that conflicts */
static void
refuse_conflict(const SyncApply *apply)
{
	if (sg_arg_optional_text(apply->fcinfo, 6))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("plan \"%s\" has made something else under a name that is needed now", apply->plan),
				 errhint("Name another plan, or none.")));
}

static SyncRound
plan_round(SyncApply *apply)
{
	FkPlan	   *plan;
	List	   *open;
	List	   *skipped = NIL;
	List	   *wanted;

	if (apply->plan == NULL)
		choose_plan(apply);
	plan = plan_find(apply->plan);
	if (plan)
		check_callers(plan);
	open = plan ? open_steps(apply->plan) : NIL;
	if (plan && is_begun(plan, open))
		return apply->last == ROUND_BEGUN ? ROUND_STUCK : ROUND_BEGUN;

	wanted = wanted_steps(apply);
	keep_discards(wanted, open);
	if (apply->last == ROUND_RUN && wanted && says_same(wanted, apply->wanted))
		return ROUND_STUCK;
	apply->wanted = wanted;
	if (plan && has_conflict(plan, wanted))
	{
		/*
		 * the done steps stay in their plan, to be taken back; open and
		 * skipped ones go into the next plan
		 */
		plan_check_writable(plan, "sg_sync_apply()");
		refuse_conflict(apply);
		foreach_ptr(const PlanStep, step, open)
		{
			plan_step_delete(step);
		}
		apply->plan = NULL;
		choose_plan(apply);
		plan = plan_find(apply->plan);
		skipped = open;
		open = plan ? open_steps(apply->plan) : NIL;
		check_own(plan, open);
	}
	if (plan && says_same(wanted, open))
		return wanted == NIL ? ROUND_NONE : ROUND_RUN;
	if (plan == NULL && wanted == NIL)
		return ROUND_NONE;
	if (plan == NULL)
	{
		plan_insert(apply->plan, psprintf("makes this database what %s is", quote_literal_cstr(apply->reference)));
		plan = plan_get(apply->plan);
	}
	replace_steps(plan, open, list_concat(skipped, open), wanted);
	return wanted == NIL ? ROUND_NONE : ROUND_RUN;
}

/* ---- the call ---- */

static void
run_plan(SyncApply *apply)
{
	LOCAL_FCINFO(call, 4);
	PlanRun		run = {.procedure = apply->procedure,.shows = SG_PROGRESS_ADD,.batch = RUN_FIX_BATCH,
		.each_step = true,.validate = true,.fix = apply->fix,.fail = apply->fail,.as_defined = true,
	.max_rows = apply->max_rows,.rows = apply->rows,.written = apply->written,.given = given(apply),.approved = apply->approved};

	InitFunctionCallInfoData(*call, apply->fcinfo->flinfo, 4, InvalidOid, apply->fcinfo->context, NULL);
	memset(call->args, 0, 4 * sizeof(NullableDatum));
	call->args[0].value = CStringGetTextDatum(apply->plan);
	call->args[3].isnull = true;
	deploy_apply(call, &run);
}

/*
 * Reports, once and before a step can fail, decisions that only a person can
 * make, each with its statements; the others are in the script.
 */
static void
tell_asked(SyncApply *apply)
{
	if (apply->told)
		return;
	apply->told = apply->asked != NIL || apply->bare != NIL || apply->sent != NIL;
	foreach_ptr(List, row, apply->sent)
	{
		ereport(WARNING, (errmsg("%s", (char *) linitial(row)), errhint("%s", (char *) lsecond(row))));
	}
	for (int i = 0; i < list_length(apply->asked) && i < MOST_ASKED; i++)
	{
		List	   *question = list_nth(apply->asked, i);

		ereport(WARNING,
				(errmsg("%s", (char *) linitial(question)),
				 errhint("If it is renamed, or else if they are two:\n%s\n%s", (char *) lsecond(question), (char *) lthird(question))));
	}
	foreach_ptr(const char, object, apply->bare)
	{
		ereport(WARNING,
				(errmsg("%s is made without its options, which no snapshot has", object),
				 errhint("ALTER USER MAPPING ... OPTIONS (ADD ...) gives it the ones of \"%s\".", apply->reference)));
	}
}

static void
make_rounds(SyncApply *apply)
{
	MemoryContext caller = MemoryContextSwitchTo(apply->context);

	apply->rows = run_rows_new();
	apply->written = run_rows_new();
	MemoryContextSwitchTo(caller);
	for (int n = 0; n < MOST_ROUNDS; n++)
	{
		MemoryContext old;

		SPI_connect_ext(SPI_OPT_NONATOMIC);
		old = MemoryContextSwitchTo(AllocSetContextCreate(apply->context, "schemaguard sync round", ALLOCSET_DEFAULT_SIZES));
		PushActiveSnapshot(GetTransactionSnapshot());
		apply->last = plan_round(apply);
		PopActiveSnapshot();
		MemoryContextSwitchTo(old);
		run_commit();
		SPI_finish();
		tell_asked(apply);
		if (apply->last == ROUND_NONE || apply->last == ROUND_STUCK)
			return;
		run_plan(apply);
	}
}

/* Returns a text like "2 would lose something (allow_drop), 1 nothing alters" */
static char *
left_out_text(List *reasons)
{
	StringInfoData text;
	List	   *told = NIL;

	initStringInfo(&text);
	foreach_ptr(char, reason, reasons)
	{
		int			n = 0;

		if (sg_has_name(told, reason))
			continue;
		told = lappend(told, reason);
		foreach_ptr(const char, other, reasons)
		{
			n += strcmp(other, reason) == 0;
		}
		appendStringInfo(&text, "%s%d %s", text.len ? ", " : "", n, reason);
	}
	return text.data;
}

static void
tell_end(const SyncApply *apply)
{
	if (apply->last == ROUND_NONE && apply->left_out == NIL)
		ereport(NOTICE, (errmsg("this database is what \"%s\" is", apply->reference)));
	else if (apply->last != ROUND_NONE)
		ereport(WARNING,
				(errmsg("this database is not yet what \"%s\" is", apply->reference),
				 errhint(sg_calls("What is left:\nSELECT * FROM sg_sync_sql(%s);"), script_arguments(apply))));
	else
		ereport(NOTICE,
				(errmsg("left out of what makes this database what \"%s\" is: %s", apply->reference, left_out_text(apply->left_out)),
				 errhint(sg_calls("To see them by name:\nSELECT * FROM sg_sync_sql(%s);"), script_arguments(apply))));
}

char *
sync_apply_safe(FunctionCallInfo fcinfo, const char *reference, MemoryContext context)
{
	LOCAL_FCINFO(call, 9);
	SyncApply	apply = {.fcinfo = call,.procedure = "sg_ensure",.word = "ensure",.safe = true,
	.reference = pstrdup(reference),.renames = "ask",.max_rows = -1,.context = context,.told = true};

	InitFunctionCallInfoData(*call, fcinfo->flinfo, 9, InvalidOid, fcinfo->context, NULL);
	memset(call->args, 0, 9 * sizeof(NullableDatum));
	call->args[0].value = CStringGetTextDatum(reference);
	call->args[1].isnull = true;
	call->args[6].isnull = true;
	make_rounds(&apply);
	return apply.plan && plan_find(apply.plan) ? apply.plan : NULL;
}

bool
sync_apply_bundle(FunctionCallInfo fcinfo, const SyncBundle *bundle, MemoryContext context)
{
	LOCAL_FCINFO(call, 9);
	SyncApply	apply = {.fcinfo = call,.procedure = bundle->procedure,.given = bundle->given,.approved = bundle->approved,
		.approved_rows = bundle->approved_rows,.reference = bundle->reference,.renames = bundle->renames,.max_rows = bundle->max_rows,.fix = bundle->fix,
	.fail = bundle->fail,.context = context};

	InitFunctionCallInfoData(*call, fcinfo->flinfo, 9, InvalidOid, fcinfo->context, NULL);
	memset(call->args, 0, 9 * sizeof(NullableDatum));
	call->args[0].value = CStringGetTextDatum(bundle->reference);
	call->args[1].isnull = bundle->schemas == NIL;
	call->args[1].value = bundle->schemas ? sg_text_array(bundle->schemas) : 0;
	call->args[2].value = BoolGetDatum(bundle->allow_drop);
	call->args[6].value = CStringGetTextDatum(bundle->plan);
	make_rounds(&apply);
	tell_end(&apply);
	return apply.last == ROUND_NONE;
}

/*
 * sg_sync_apply(reference text, schemas text[] DEFAULT NULL, allow_drop boolean
 * DEFAULT false, partitions boolean DEFAULT false, fix boolean DEFAULT false,
 * fail boolean DEFAULT true, plan text DEFAULT NULL, max_rows bigint DEFAULT
 * NULL, renames text DEFAULT 'ask')
 *
 * Makes this database equal to the snapshot, as sg_sync_sql() would, by a plan
 * that sg_rollback_fks() takes back; dropped objects are kept as by any step of
 * kind drop.  The plan has the given name, or one made of the reference's; the
 * call continues it if it is not done.  Needs the privileges of
 * sg_snapshot_take() of this database and of sg_apply().  Errors: those of
 * sg_drift() and sg_apply(); 55000 for changes that need sg_accept_publication;
 * 55006 another session syncs the database; 42501 the plan is another role's;
 * 42710 sg_sync_apply() has not made the plan; with fail, SG001 or the SQLSTATE
 * of the only cause.
 */
static Datum
sync_apply(PG_FUNCTION_ARGS)
{
	SyncApply	apply = {.fcinfo = fcinfo,.procedure = "sg_sync_apply",.word = "sync"};
	MemoryContext caller;

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, "sg_sync_apply");
	sg_check_version();
	apply.context = AllocSetContextCreate(PortalContext, "schemaguard sync", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(apply.context);
	apply.reference = sg_arg_text(fcinfo, 0);
	apply.fix = sg_arg_bool(fcinfo, 4);
	apply.fail = sg_arg_bool(fcinfo, 5);
	apply.max_rows = sg_arg_limit(fcinfo, 7);
	apply.renames = sg_arg_text(fcinfo, 8);

	/*
	 * no code that the document gives to the caller or to a superuser runs in
	 * this call
	 */
	sg_guard_documents();

	log_check_backup("sg_sync_apply");

	/*
	 * disarmed here, because comparisons before and between the calls on the
	 * plan count, too
	 */
	run_disarm_statement_timeout();
	lock_database();
	PG_TRY();
	{
		make_rounds(&apply);
	}
	PG_FINALLY();
	{
		sync_unlock_database();
	}
	PG_END_TRY();
	tell_end(&apply);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(apply.context);

	PG_RETURN_VOID();
}

static Datum
sg_sync_apply_entered(PG_FUNCTION_ARGS)
{
	return sg_enter_alone(sync_apply, fcinfo);
}
