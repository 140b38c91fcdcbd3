/*-------------------------------------------------------------------------
 *
 * sync_apply.c
 *	  CALL sg_sync_apply: this database becomes what a snapshot says, by a plan.
 *
 * The steps come from schemaguard.sg_sync_steps(), and sg_apply() runs them,
 * one after the other.  What a call finds in its plan from an earlier one is
 * gone on with: a step that has been begun is ended first; those that have
 * not are planned anew, which leaves the plan as it is, and approved, where
 * nothing has changed meanwhile.
 *
 * A call makes more than one round where names change, which come first: all
 * else is planned with the new ones.
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
#include "log/log_grant.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"
#include "plan/plan_lock.h"
#include "plan/plan_order.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_sync_apply);

/* Names, what stands under them, and what has come meanwhile */
#define MOST_ROUNDS 5

/* Questions that a call prints, at most */
#define MOST_ASKED 10

typedef enum SyncRound
{
	ROUND_NONE,					/* nothing is left to do */
	ROUND_STUCK,				/* what is left has just been tried */
	ROUND_BEGUN,				/* steps that an earlier call has begun */
	ROUND_RUN
} SyncRound;

typedef struct SyncApply
{
	FunctionCallInfo fcinfo;
	MemoryContext context;
	char	   *reference;
	char	   *renames;
	bool		fix;
	bool		fail;
	int64		max_rows;		/* negative: not given */
	int64		rows_gone;		/* by the rounds so far */
	char	   *plan;			/* NULL: not chosen yet */
	SyncRound	last;			/* what the round before was */
	List	   *wanted;			/* the steps that it had, of PlanStep * */
	List	   *left_out;		/* of char *: why, of each */
	List	   *asked;			/* of List * of char *: what may be renamed,
								 * and the two statements that answer */
	List	   *bare;			/* of char *: what is made without its options */
	List	   *sent;			/* of List * of char *: what publications will
								 * send, and a hint */
	bool		told;			/* these three */
} SyncApply;

/* ---- one at a time ---- */

static void
lock_database(void)
{
	if (!plan_lock(PLAN_LOCK_SYNC, get_relname_relid("plan", sg_schema_oid()), 0, true))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another session runs sg_sync_apply() in this database"),
				 errhint("Try again when it is done. What runs:\nSELECT * FROM schemaguard.progress;")));
}

static void
unlock_database(void)
{
	plan_unlock(PLAN_LOCK_SYNC, get_relname_relid("plan", sg_schema_oid()), 0);
}

/* ---- the steps ---- */

/* A name has a limit, and in a plan each statement has another */
static void
fit_name(PlanStep *step, List *before)
{
	const char *wanted = step->fk_name;

	if (step->kind != STEP_STATEMENT)
		return;
	for (int n = 1;; n++)
	{
		const char *suffix = n > 1 ? psprintf(" %d", n) : "";
		bool		taken = false;

		step->fk_name = psprintf("%.*s%s", sg_clip_name(wanted, NAMEDATALEN - 1 - (int) strlen(suffix)), wanted, suffix);
		foreach_ptr(const PlanStep, other, before)
		{
			taken = taken || (other->kind == STEP_STATEMENT && strcmp(other->fk_name, step->fk_name) == 0);
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

/* What stands in the way, of a row of kind "refused" */
static char *
reason_of(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;

	return linitial(sg_text_array_list(SPI_getbinval(tuple, desc, 2, &isnull)));
}

/* Nothing is done while this is so */
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

/* The arguments of the call, for hints: all but those of a run */
static char *
given(const SyncApply *apply)
{
	FunctionCallInfo fcinfo = apply->fcinfo;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, quote_literal_cstr(apply->reference));
	if (!PG_ARGISNULL(1))
		appendStringInfo(&text, ", schemas => %s", quote_literal_cstr(sg_names_text(sg_text_array_list(PG_GETARG_DATUM(1)))));
	if (sg_arg_bool(fcinfo, 2))
		appendStringInfoString(&text, ", allow_drop => true");
	if (sg_arg_bool(fcinfo, 3))
		appendStringInfoString(&text, ", partitions => true");
	if (strcmp(apply->renames, "ask") != 0)
		appendStringInfo(&text, ", renames => %s", quote_literal_cstr(apply->renames));
	if (!PG_ARGISNULL(6))
		appendStringInfo(&text, ", plan => %s", quote_literal_cstr(sg_arg_text(fcinfo, 6)));
	return text.data;
}

/* Raises 55000 if who uses this database could no longer write, or would send what a subscriber stops at, unless that is accepted */
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
			 errhint(sg_calls("Change them where the snapshot is taken, or accept that:\nSET schemaguard.accept_publication = on;\nCALL sg_sync_apply(%s);"),
					 given(apply))));
}

/* Returns a list with the texts of a row added, in the memory of the call */
static List *
add_texts(SyncApply *apply, List *list, HeapTuple tuple, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(apply->context);
	bool		isnull;

	list = lappend(list, sg_text_array_list(SPI_getbinval(tuple, desc, 2, &isnull)));
	MemoryContextSwitchTo(old);
	return list;
}

/* What is to be done, as the catalog is now (of PlanStep *), and in apply->left_out what is not */
static List *
wanted_steps(SyncApply *apply)
{
	FunctionCallInfo fcinfo = apply->fcinfo;
	Oid			types[] = {TEXTOID, TEXTARRAYOID, BOOLOID, BOOLOID, BOOLOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(apply->reference), PG_GETARG_DATUM(1),
	BoolGetDatum(sg_arg_bool(fcinfo, 2)), BoolGetDatum(sg_arg_bool(fcinfo, 3)), BoolGetDatum(apply->fix), CStringGetTextDatum(apply->renames)};
	MemoryContext context = CurrentMemoryContext;
	List	   *steps = NIL;
	List	   *refused = NIL;
	List	   *closed = NIL;
	SgScope		scope;

	apply->left_out = NIL;
	apply->asked = NIL;
	apply->bare = NIL;
	apply->sent = NIL;
	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args("SELECT kind, fields, left_out FROM schemaguard.sg_sync_steps($1, $2, $3, $4, $5, $6)",
							  lengthof(types), types, values, PG_ARGISNULL(1) ? " n    " : NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the steps could not be read");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(context);
		char	   *left_out = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 3);
		char	   *kind = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);

		if (kind && strcmp(kind, "refused") == 0)
			refused = lappend(refused, reason_of(tuple, SPI_tuptable->tupdesc));
		else if (kind && strcmp(kind, "asked") == 0)
			apply->asked = add_texts(apply, apply->asked, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "sent") == 0)
			apply->sent = add_texts(apply, apply->sent, tuple, SPI_tuptable->tupdesc);
		else if (kind && strcmp(kind, "closed") == 0)
			closed = add_texts(apply, closed, tuple, SPI_tuptable->tupdesc);
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
	apply->sent = list_concat(apply->sent, closed);
	return steps;
}

/* Those that are not done, in the order of their numbers */
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

/* Has any of them left something that the next call has to go on with? */
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

/* Are these the steps that the plan has?  A policy that somebody has given one stays, too. */
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
 * The step that the plan has done and that is wanted again, or NULL: something
 * else of what it is for is not done yet, or somebody has taken it away
 */
static PlanStep *
done_before(List *steps, const PlanStep *wanted)
{
	foreach_ptr(PlanStep, step, steps)
	{
		if (step->state == STEP_VALIDATED && step->kind != STEP_STATEMENT && plan_step_says_same(step, wanted))
			return step;
	}
	return NULL;
}

/* What somebody has said about the rows of a step */
static void
keep_policy(PlanStep *step, const PlanStep *other)
{
	step->orphans = other->orphans;
	step->sentinel = other->sentinel;
	step->keep_by = other->keep_by;
	step->fill = other->fill;
	step->quarantine_cascades = other->quarantine_cascades;
}

/*
 * In place of those that are not done, and of those that are wanted again,
 * whose deeds the new ones take over; what somebody has skipped stays skipped,
 * and a policy that somebody has set stays, too
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
	return strcmp(plan->author, GetUserNameFromId(GetUserId(), false)) == 0;
}

/*
 * Raises 42501 unless the plan is the caller's: the steps that its author has
 * put there would go, and the author could change those that the caller runs.
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

/* Raises 42710 if a step is none that sg_sync_apply() has made */
static void
check_own(const FkPlan *plan, List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (plan_step_is_in_order(step))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("plan \"%s\" is not one of sg_sync_apply()", plan->name),
				 errdetail("It has steps that something else has made."),
				 errhint("Name another plan, or one without steps.")));
	}
}

/* The one of that name, or the next one after those that are done */
static void
choose_plan(SyncApply *apply)
{
	char	   *given = sg_arg_optional_text(apply->fcinfo, 6);

	for (int n = 1; apply->plan == NULL; n++)
	{
		char	   *name = given ? given : n == 1 ? psprintf("sync %s", apply->reference) : psprintf("sync %s %d", apply->reference, n);
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

/* Has a step that is done the name of one that says something else? */
static bool
has_conflict(const FkPlan *plan, List *wanted)
{
	List	   *steps = plan_steps(plan->name);

	foreach_ptr(const PlanStep, step, wanted)
	{
		foreach_ptr(const PlanStep, other, steps)
		{
			if (other->state == STEP_VALIDATED && other->kind == step->kind && step->kind != STEP_STATEMENT &&
				step->fk_name && other->fk_name && strcmp(step->fk_name, other->fk_name) == 0 &&
				sg_same_text(step->child_table, other->child_table) && !plan_step_says_same(step, other))
				return true;
		}
	}
	return false;
}

/* A plan that the caller has named is the one to be used */
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
	if (apply->last == ROUND_RUN && wanted && says_same(wanted, apply->wanted))
		return ROUND_STUCK;
	apply->wanted = wanted;
	if (plan && has_conflict(plan, wanted))
	{
		/*
		 * what is done can be taken back as it stands; what is not goes into
		 * the next plan, and what is skipped is skipped there
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
	PlanRun		run = {.procedure = "sg_sync_apply",.shows = SG_PROGRESS_ADD,.batch = RUN_FIX_BATCH,
		.each_step = true,.validate = true,.fix = apply->fix,.fail = apply->fail,.as_defined = true,
		.max_rows = apply->max_rows < 0 ? apply->max_rows : Max(apply->max_rows - apply->rows_gone, 0),
	.less_rows = apply->rows_gone > 0,.given = given(apply)};

	InitFunctionCallInfoData(*call, apply->fcinfo->flinfo, 4, InvalidOid, apply->fcinfo->context, NULL);
	memset(call->args, 0, 4 * sizeof(NullableDatum));
	call->args[0].value = CStringGetTextDatum(apply->plan);
	call->args[3].isnull = true;
	deploy_apply(call, &run);
	apply->rows_gone += run.rows_gone;
}

/*
 * What nobody but a person can say, each with the statements that do; the others are in the script.  And what only
 * a person knows.  Once, and before a step can fail.
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

/* "2 would lose something (allow_drop), 1 nothing alters" */
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
				 errhint(sg_calls("What is left:\nSELECT * FROM sg_sync_sql(%s);"), quote_literal_cstr(apply->reference))));
	else
		ereport(NOTICE,
				(errmsg("left out of what makes this database what \"%s\" is: %s", apply->reference, left_out_text(apply->left_out)),
				 errhint(sg_calls("To see them by name:\nSELECT * FROM sg_sync_sql(%s);"), quote_literal_cstr(apply->reference))));
}

/*
 * sg_sync_apply(reference text, schemas text[] DEFAULT NULL, allow_drop boolean DEFAULT false,
 *				 partitions boolean DEFAULT false, fix boolean DEFAULT false, fail boolean DEFAULT true,
 *				 plan text DEFAULT NULL, max_rows bigint DEFAULT NULL, renames text DEFAULT 'ask')
 *
 * Makes this database what the snapshot is, as sg_sync_sql() would, by a plan
 * that sg_rollback_fks() takes back; what is dropped is kept as by any step of
 * kind drop.  The plan is one of the name given, or of the reference's; where
 * it is not done, the call goes on with it.
 *
 * Needs what sg_snapshot_take() of this database and sg_apply() need.
 *
 * Errors: those of sg_drift() and sg_apply(); 55000 what sg_accept_publication
 * is for; 55006 another session does the same; 42501 a plan of that name that is another role's; 42710 one that
 * something else has made; with fail, SG001 or that of the one cause.
 */
static Datum
sync_apply(PG_FUNCTION_ARGS)
{
	SyncApply	apply = {.fcinfo = fcinfo};
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
	 * nothing runs in this call that the document gives to the caller or to a
	 * superuser
	 */
	sg_guard_documents();

	/* the comparisons before and between the calls on the plan count, too */
	run_disarm_statement_timeout();
	lock_database();
	PG_TRY();
	{
		make_rounds(&apply);
	}
	PG_FINALLY();
	{
		unlock_database();
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
