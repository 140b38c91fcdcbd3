/*-------------------------------------------------------------------------
 *
 * fix_pass.c
 *	  Passes over the orphans of a step, or the rows that break its rule.
 *
 *	  A pass is one scan that records the places of orphans, and batches, each
 *	  a transaction: lock the rows, judge them again, find the rows that go
 *	  with them, keep copies, change all in one statement, log the counts.
 *	  Only the data say how far the fix has come, so an interrupted call is
 *	  simply repeated.
 *
 *	  Before anything is changed, all rows that would be reached are counted;
 *	  rows for which no policy is given block the step.  A row that another
 *	  session has locked is left for later, not waited for.  Sessions that
 *	  wrote to the parent when a batch begins are waited for, because the
 *	  missing parent may be among their rows.  Passes end when one finds
 *	  nothing; when one changes nothing, the step fails.
 *
 *	  A CHECK or NOT NULL is made when nearly all rows obey it, because every
 *	  call of the application that writes a row which breaks it fails from
 *	  then on.  Until then rows that break it can be added (DeployRule.open):
 *	  passes end when one finds under 0.1 % of the table's rows, and the step
 *	  fails if none of ten does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "audit/audit_yield.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/disk.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "fix/fix.h"
#include "fix/fix_limit.h"
#include "fix/fix_pass.h"
#include "fix/fix_sql.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

#define REFERRED_VALUES "values that would change are referred to by"

#define LONGEST_PAUSE_MS	10000

/* number of times that a batch is repeated without the rows that a trigger keeps */
#define MAX_AGAIN			10

/* number of passes over a table whose rule is not there yet */
#define MAX_OPEN_PASSES		10
#define FEW_ROWS			0.001	/* fraction of the table's rows */

/*
 * Size of the first batch, and the least size of a slow one if rows cost little
 * compared with the batch itself
 */
#define SMALLEST_BATCH		10
#define LARGEST_LEAST		200

/*
 * Number of rows that go along with orphans, in the first batch and at least;
 * and their bytes, if rows are wide
 */
#define FIRST_ALONG			100
#define FIRST_ALONG_BYTES	(4.0 * 1024 * 1024)

/* Bytes that a quarantined row takes besides its own, and how often these are written */
#define ROW_BYTES			1000.0
#define COPIES				5

/* An action of a fix; begins with the RunAction, so that a pointer to one is a pointer to the other */
typedef struct FixAction
{
	RunAction	action;
	Fix		   *fix;
	FixPlaces	places;			/* places of the orphans of a batch */
	FixPlaces	busy;
	FixBatch	batch;
	FixCounts	counts;
	int64		changed;
	int64		kept;
	int64		most;			/* limit of rows that go along */
	int64		along;			/* rows that went along */
	double		ms;				/* ms for which rows were locked */
	MemoryContext counting;
	RunRows    *beside;			/* rows that users' triggers and rules have
								 * deleted and changed meanwhile, or NULL */
} FixAction;

/* ---- words ---- */

static void
append_count(StringInfo text, int64 n, const char *singular, const char *plural, const char *verb)
{
	if (n > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " %s %s", text->len ? ", " : "", n,
						 n == 1 ? singular : plural, verb);
}

char *
fix_counts_text(const FixCounts *counts, bool of_rule)
{
	const char *one = of_rule ? "row that breaks it" : "orphan row";
	const char *many = of_rule ? "rows that break it" : "orphan rows";
	StringInfoData text;

	initStringInfo(&text);
	for (int fate = FIX_SENTINEL; fate <= FIX_QUARANTINE; fate++)
		append_count(&text, counts->rows[fate][false], one, many,
					 of_rule && fate == FIX_SET_NULL ? "given a value" : fix_fate_verb(fate));
	for (int fate = FIX_SENTINEL; fate <= FIX_QUARANTINE; fate++)
		append_count(&text, counts->rows[fate][true], "row that refers to them",
					 "rows that refer to them", fix_fate_verb(fate));
	return text.len ? text.data : NULL;
}

static void
add_counts(FixCounts *counts, const FixBatch *batch)
{
	for (int i = 0; i < batch->n; i++)
	{
		if (!batch->rows[i].kept)
			counts->rows[batch->rows[i].fate][batch->rows[i].reached]++;
	}
}

/* Returns the number of orphans, or of rows reached from them, that do not stay as they are */
static int64
rows_counted(const FixCounts *counts, bool reached)
{
	int64		n = 0;

	for (int fate = FIX_SENTINEL; fate <= FIX_QUARANTINE; fate++)
		n += counts->rows[fate][reached];
	return n;
}

/* ---- preconditions ---- */

static FkProblem *
not_judged(const char *reason)
{
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_SG_NOT_JUDGED,
					  psprintf("the orphans can't be fixed: %s", reason), NULL);
}

static FkProblem *
find_obstacle(const FixKey *key)
{
	FkProblem  *problem = NULL;
	const char *reason;

	if (key->rule)
		return pg_class_aclcheck(key->rule->table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
			check_enable_rls(key->rule->table, InvalidOid, true) != RLS_ENABLED ? NULL :
			not_judged(psprintf("not all rows of %s are to be seen", sg_relation_name(key->rule->table)));
	if (key->key->period)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED,
						  "orphans of a PERIOD key can't be fixed",
						  "List them with the function sg_orphans, and mend them by hand.");

	problem = audit_access_problem(key->key, true);
	if (problem)
		return not_judged(problem->reason);
	reason = audit_place_problem(key->key);
	if (reason)
		return not_judged(reason);
	if (fix_policy_fate(key->step) == FIX_SET_NULL)
		(void) fix_null_columns(key, FIX_SET_NULL, &problem);
	if (problem == NULL && key->step->sentinel)
		(void) fix_null_columns(key, FIX_SENTINEL, &problem);
	return problem;
}

/* Raises an error if the key is gone: without it nothing tells orphans, and new ones could be added */
static void
check_declared(const FixKey *key)
{
	FkKey		now;
	FkProblem  *problem;

	if (key->rule)
		return;
	if (OidIsValid(key->key->conid))
	{
		if (fk_by_oid(key->key->conid) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the key was dropped meanwhile"),
					 errhint("Run the plan again: it adds the key anew.")));
		return;
	}
	problem = plan_step_key(key->step, &now);
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
}

static void
check_obstacles(Fix *fix)
{
	FkProblem  *problem;

	check_declared(&fix->key);
	problem = find_obstacle(&fix->key);

	if (problem == NULL)
		return;
	fix->work->hint = problem->hint;
	ereport(ERROR,
			(errcode(problem->sqlerrcode),
			 errmsg("%s", problem->reason)));
}

/* ---- actions ---- */

static void
init_action(FixAction *action, Fix *fix, void (*execute) (RunAction *action), LOCKMODE mode)
{
	const FkKey *key = fix->key.key;
	ListCell   *lc;

	memset(action, 0, sizeof(FixAction));
	action->fix = fix;
	action->action.run = fix->work->run;
	action->action.works = list_make1(fix->work);
	action->action.name = fix->work->run->counting ? "count" : "fix";
	action->action.execute = execute;
	if (key->parent != key->child)
		run_add_target(&action->action, key->parent, AccessShareLock);
	run_add_target(&action->action, key->child, mode);
	foreach(lc, fix->tables)
		run_add_target(&action->action, lfirst_oid(lc), mode);
	foreach(lc, fix->judging)
		run_add_target(&action->action, lfirst_oid(lc), AccessShareLock);
}

/* Returns a failure's message with what the call has done to the step's rows before */
static const char *
with_done(const Fix *fix, const char *message)
{
	char	   *counts = fix_counts_text(&fix->counts, fix->key.rule != NULL);

	if (counts == NULL)
		return message;
	if (fix->beside > 0)
		counts = psprintf("%s, " INT64_FORMAT " other %s written by triggers or rules", counts, fix->beside, fix->beside == 1 ? "row" : "rows");
	return psprintf("%s, before that: %s", message, counts);
}

/* Records a failure; a dry run leaves the step as it is */
static bool
fail(FixAction *action, int sqlerrcode, const char *message, int64 orphan_rows)
{
	StepWork   *work = action->fix->work;
	const DeployRule *rule = action->fix->key.rule;
	LogEntry	entry;

	if (!work->run->dry_run)
	{
		message = with_done(action->fix, message);
		run_record_failure(&action->action, work, action->fix->key.kept || (rule && rule->open) ? STEP_FAILED :
						   run_state_short_of(action->fix->key.key), sqlerrcode, message, orphan_rows);
		return false;
	}

	/* a failure of a count before the call is reported by the deed itself */
	entry = run_entry(&action->action, work, work->run->counting ? LOG_SKIPPED : LOG_FAILED);
	entry.sqlstate = work->run->counting ? NULL : pstrdup(unpack_sql_state(sqlerrcode));
	entry.message = message;
	entry.orphan_rows = orphan_rows;
	run_settle_with(&action->action, &entry);
	run_commit();
	run_append_warning(work, psprintf("dry run failed: %s", message));
	return false;
}

/* Returns whether an action has found no room, so that a later call may go on where it was */
static bool
lacks_room(const FixAction *action)
{
	return action->action.error && action->action.error->sqlerrcode == ERRCODE_DISK_FULL && !action->fix->work->run->dry_run;
}

/* Records an action that has done nothing, and has not failed either */
static void
pass_over(FixAction *action, const char *message)
{
	run_record_skipped(&action->action, action->fix->work, message);
	run_commit();
	action->fix->work->started_id = 0;
}

/*
 * Handles a failed batch, or stops the run for lack of room, unless it has
 * stopped already; reports to the caller the part of the error that the log does
 * not keep
 */
static bool
fail_attempt(FixAction *action)
{
	const ErrorData *error = action->action.error;
	StepWork   *work = action->fix->work;
	PlanRun    *run = work->run;
	const char *text;
	const char *said;

	if (error == NULL)
	{
		pass_over(action, run->stop_reason);
		return false;
	}
	if (action->action.never_queues && run_is_lock_failure(error) && OidIsValid(action->action.wanted))
	{
		text = run_unlocked_text(&action->action);

		work->hint = psprintf("When that is over:\n%s", run_call_text(run, run->procedure));
	}
	else
	{
		text = run_failure_text(&action->action);

		if (work->hint == NULL)
			work->hint = error->hint;
	}

	said = sg_error_message(error);
	/* without a floor, other steps may write where there is room */
	if (lacks_room(action) && sg_min_free_disk != 0)
	{
		pass_over(action, text);
		run_stop_at_step(run, text);
		return false;
	}
	(void) fail(action, error->sqlerrcode, text, LOG_NONE);
	if (strcmp(text, sg_error_text(error)) == 0 && strcmp(text, said) != 0)
		appendStringInfo(&work->notice, " (%s)", said);
	return false;
}

/* Records the failure of an action that has done nothing */
static bool
fail_now(Fix *fix, int sqlerrcode, const char *message, int64 orphan_rows)
{
	FixAction	action;

	init_action(&action, fix, NULL, NoLock);
	action.action.attempts = 1;
	run_log_start(&action.action);
	return fail(&action, sqlerrcode, message, orphan_rows);
}

/* Records that passes have ended because somebody holds orphans, or rows that refer to them, and who does */
static bool
fail_held(Fix *fix, int passes)
{
	PlanRun    *run = fix->work->run;
	FixAction	action;
	char	   *who;

	init_action(&action, fix, NULL, NoLock);
	action.action.attempts = 1;
	action.action.targets = NIL;
	run_log_start(&action.action);
	foreach_oid(table, fix->tables)
	{
		run_add_target(&action.action, table, ExclusiveLock);
	}
	who = run_holders(&action.action, fix->key.key->child, ExclusiveLock);
	fix->work->hint = psprintf("When that is over:\n%s", run_call_text(run, run->procedure));
	return fail(&action, ERRCODE_LOCK_NOT_AVAILABLE,
				psprintf("orphans were held by %s, in %d attempts", who ? who : "somebody who has gone since", passes), fix->busy.n);
}

/* ---- a scan ---- */

/* Returns whether each deleted row could cost a scan of a referring table, for lack of an index */
static bool
reads_whole_tables(const Fix *fix, List *keys)
{
	foreach_ptr(const FixKey, by, keys)
	{
		if (list_member_oid(fix->tables, by->key->child) && !OidIsValid(fk_serving_index(by->key)))
			return true;
	}
	return false;
}

/*
 * Sets the number of rows that go along in the first batch, and at least, if
 * each batch scans whole tables
 */
static void
set_most(Fix *fix, List *keys)
{
	double		width = 1;
	double		rows;

	if (fix->together)
		return;
	foreach_oid(table, fix->tables)
	{
		width = Max(width, fix_estimate_width(table));
	}
	rows = Max(FIRST_ALONG_BYTES / width, 1);
	fix->most = fix->least = Min(rows, reads_whole_tables(fix, keys) ? sg_fill_batch : FIRST_ALONG);
}

int64
fix_most_places(const FixKey *key)
{
	bool		twins = key->rule && key->rule->equal;
	int64		size = sizeof(FixPlace) + (twins ? sizeof(FixTwin) + 3 * sizeof(void *) : 0);

	return Max(sg_audit_memory_bytes() / size, 1000);
}

HTAB *
fix_place_set(MemoryContext context)
{
	HASHCTL		ctl = {.keysize = sizeof(FixPlace),.entrysize = sizeof(FixPlace),.hcxt = context};

	return hash_create("schemaguard rows", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
fix_place_set_add(HTAB **all, HTAB *some, int64 most, MemoryContext context)
{
	HASH_SEQ_STATUS status;
	const FixPlace *place;

	if (*all && hash_get_num_entries(*all) > most)
	{
		hash_destroy(*all);
		*all = NULL;
	}
	if (*all == NULL)
		*all = fix_place_set(context);
	hash_seq_init(&status, some);
	while ((place = hash_seq_search(&status)) != NULL)
		(void) hash_search(*all, place, HASH_ENTER, NULL);
}

/* Records that the step puts, or would put, rows of a table into quarantine */
static void
note_copied(Fix *fix, Oid table)
{
	PlanRun    *run = fix->work->run;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->copied = fix_copied_add(run->copied, fix->work->step->step, table);
	MemoryContextSwitchTo(old);
}

/* ---- counting ---- */

/*
 * Counts what a batch would do to some orphans, and to rows that refer to them.
 * Records the rows that it would delete, because later batches would not meet
 * them.
 */
static void
rehearse(Fix *fix, List *keys, int64 first, int64 n, HTAB *gone, RunRows *rows)
{
	MemoryContext context = CurrentMemoryContext;
	FixPlaces	places = {.places = fix->found.places + first,.n = n};
	FixBatch	batch = {.key = &fix->key,.keys = keys,.gone = gone,.gone_before = fix->work->run->gone,.in_doubt = fix->in_doubt};

	MemoryContextSwitchTo(fix->batch_context);
	fix_collect(&batch, &places);
	MemoryContextSwitchTo(context);
	add_counts(&fix->counts, &batch);
	fix->tallies = fix_add_tallies(fix->tallies, &batch);
	fix_count_rows(rows, &batch);
	for (int i = 0; i < batch.n; i++)
	{
		if (batch.rows[i].fate == FIX_DELETE || batch.rows[i].fate == FIX_QUARANTINE)
			(void) hash_search(gone, &batch.rows[i].place, HASH_ENTER, NULL);
	}
	if (fix->together && !fix->work->run->dry_run)
	{
		MemoryContextSwitchTo(fix->batch_context);
		fix_note_known(fix, &batch);
		MemoryContextSwitchTo(context);
	}
	MemoryContextReset(fix->batch_context);
}

/* Counts what the whole step would do; nothing if it is blocked */
static void
rehearse_all(Fix *fix, List *keys)
{
	PlanRun    *run = fix->work->run;
	int64		batch = fix->together ? fix->found.n : run->batch;
	HTAB	   *gone = fix_place_set(CurrentMemoryContext);
	RunRows    *rows = run_rows_new();

	for (int64 first = 0; first < fix->found.n; first += batch)
		rehearse(fix, keys, first, Min(batch, fix->found.n - first), gone, rows);
	/* so that later steps do not count the same rows */
	if (run->dry_run && fix_tallies_text(fix->tallies, true) == NULL)
	{
		run_rows_merge(run->rows, rows);
		fix_place_set_add(&run->gone, gone, fix_most_places(&fix->key), run->context);
		foreach_oid(table, run_rows_tables(rows))
		{
			if (run_rows_count(rows, table, ROWS_QUARANTINED) > 0)
				note_copied(fix, table);
		}
	}
	hash_destroy(gone);
	fix->rehearsed = rows;
}

char *
fix_go_along_call(const char *plan, const char *steps)
{
	char	   *literal = quote_literal_cstr(plan);

	return psprintf(sg_calls("SELECT sg_plan_set(%s, array_agg(DISTINCT step), '{\"orphans\": \"quarantine\"}')"
							 " FROM sg_plan_referencing(%s%s) WHERE result = 'block' AND step IS NOT NULL HAVING count(*) > 0;"), literal, literal, steps);
}

char *
fix_referenced_hint(const PlanStep *step, List *tallies)
{
	char	   *plan = quote_literal_cstr(step->plan);
	char	   *steps = psprintf(", '{%d}'", step->step);
	bool		lacking = false;

	if (!plan_policy_deletes(step->orphans))
		return psprintf("Have those rows refer to other ones first; or have these go into quarantine, in place of a change:\n%s", plan_quarantine_call(step));
	foreach_ptr(const FixTally, tally, tallies)
	{
		lacking |= tally->fate == FIX_BLOCK && tally->by->step == NULL;
	}
	return psprintf(sg_calls("See what refers to them:\nSELECT * FROM sg_plan_referencing(%s%s);\nHave it go into quarantine as well:\n%s"),
					plan, steps, lacking ? psprintf(sg_calls("SELECT sg_plan_add_referencing(%s%s);"), plan, steps) :
					fix_go_along_call(step->plan, steps));
}

/* Returns the tables to which rows may refer that other steps have put into quarantine */
static List *
referred_by_copies(Fix *fix, List *keys)
{
	PlanRun    *run = fix->work->run;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (!run->copied_known && fix_deletes(&fix->key, keys))
	{
		run->copied = list_concat(run->copied, fix_copied(run->plan->id));
		run->copied_known = true;
	}
	MemoryContextSwitchTo(old);
	return run->copied_known ? fix_referred_by_copies(&fix->key, keys, run->copied) : NIL;
}

/* Finds what refers to the orphans, and counts what goes along */
static void
look_behind(Fix *fix)
{
	PlanRun    *run = fix->work->run;
	List	   *keys = fix_keys(run->plan->name);
	bool		anew;

	fix->key.referred = referred_by_copies(fix, keys);
	fix->tables = fix_tables(&fix->key, keys);
	fix->together = fix->tables != NIL && fix_fates_depend(&fix->key, keys, fix->tables);
	fix->in_doubt |= fix->together && fix->found.n == fix_most_places(&fix->key);
	if (fix->size == 0)
	{
		fix->size = Min(reads_whole_tables(fix, keys) ? 1 : SMALLEST_BATCH, run->batch);
		if (fix->tables != NIL)
			set_most(fix, keys);
	}
	fix->judging = fix_judging_tables(fix->tables, keys);
	if (fix->tables != NIL || run->dry_run || fix_changer_before(fix->work, &anew))
		rehearse_all(fix, keys);
}

static void
do_scan(void *arg)
{
	RunAction  *action = arg;
	Fix		   *fix = ((FixAction *) action)->fix;
	PlanRun    *run = action->run;
	char	   *blocked;
	LogEntry	entry;

	check_obstacles(fix);
	/* the number of rows of the next sweeps is known after the scan */
	sg_progress_tables(SG_PHASE_SCANNING, InvalidOid, 0);
	fix->found.n = 0;
	fix_find(&fix->key, fix_most_places(&fix->key), &fix->found);
	if (fix->key.rule && fix->key.rule->open)
		fix->few = fix_estimate_rows(fix->key.rule->table) * FEW_ROWS;

	fix_forget_known(fix);
	fix->tables = fix->judging = fix->tallies = NIL;
	fix->rehearsed = NULL;
	memset(&fix->counts, 0, sizeof(FixCounts));
	if (fix->found.n > 0)
		look_behind(fix);

	blocked = fix_tallies_text(fix->tallies, true);
	if (blocked && !run->dry_run)
	{
		fix->work->hint = fix_referenced_hint(fix->work->step, fix->tallies);
		ereport(ERROR,
				(errcode(ERRCODE_SG_REFERENCED),
				 errmsg("%s %s", fix->key.rule && fix->key.rule->fill ? REFERRED_VALUES : "orphans are referred to by", blocked)));
	}

	if (fix->rehearsed && !run->dry_run)
		fix_check_step(fix->work, fix->rehearsed);

	entry = run_entry(action, fix->work, LOG_DONE);
	/* the log counts an orphan once: when it is fixed, or in a dry run */
	if (run->dry_run)
	{
		entry.message = run->counting ? "counted beforehand" : "dry run";
		entry.orphan_rows = fix->found.n;
	}
	else
		entry.message = psprintf(INT64_FORMAT " found", fix->found.n);
	log_write(&entry);
}

static void
scan(void *arg)
{
	run_deed_reading(do_scan, arg);
}

/*
 * Scans for a dry run, which gives way like an audit, to come again in its next
 * attempt; one after AUDIT_MOST_YIELDS holds its locks
 */
static void
execute_scan(RunAction *action)
{
	ErrorData  *error;
	char	   *gave_way;

	if (!action->run->dry_run || action->attempts > AUDIT_MOST_YIELDS)
	{
		scan(action);
		return;
	}
	audit_yield_begin();
	audit_yield_locked(run_locked_tables(action));
	error = sg_try(scan, action);
	gave_way = audit_yield_end();
	if (error && gave_way && sg_is_cancel(error))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("%s", gave_way)));
	if (error)
		ReThrowError(error);
}

bool
fix_scan(Fix *fix)
{
	FixAction	action;
	FixCounts	done = fix->counts;
	bool		found;

	init_action(&action, fix, execute_scan, AccessShareLock);
	action.action.message = "looking for orphans";
	found = run_attempt(&action.action);
	fix->along = rows_counted(&fix->counts, true);
	if (!fix->work->run->dry_run)
		fix->counts = done;
	return found || fail_attempt(&action);
}

/* ---- a batch ---- */

/* Returns the keys again under the locks, because rows that go along must come from locked tables */
static List *
keys_under_locks(Fix *fix)
{
	List	   *keys = fix_keys(fix->work->run->plan->name);

	if (list_difference_oid(fix_tables(&fix->key, keys), fix->tables) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("keys were added or changed meanwhile"),
				 errhint("CALL again.")));
	return keys;
}

/* Records rows that exist, but are locked by other sessions */
static void
note_busy(FixAction *action, const FixPlaces *locked)
{
	FixPlaces	there;
	HTAB	   *ours;

	action->busy.n = 0;
	if (locked->n == action->places.n)
		return;

	ours = fix_place_set(CurrentMemoryContext);
	for (int64 i = 0; i < locked->n; i++)
		(void) hash_search(ours, &locked->places[i], HASH_ENTER, NULL);
	fix_places_init(&there);
	fix_exist(action->fix->key.key->child, &action->places, &there);
	for (int64 i = 0; i < there.n; i++)
	{
		if (hash_search(ours, &there.places[i], HASH_FIND, NULL) == NULL)
			fix_places_add(&action->busy, there.places[i].leaf, &there.places[i].tid);
	}
}

/*
 * Returns whether a batch has to be undone because a trigger kept some rows:
 * harmless for orphans that alone were to be deleted or changed.
 */
static bool
must_undo(const FixBatch *batch)
{
	bool		any_kept = false;
	bool		any_reached = false;
	bool		copy_kept = false;

	for (int i = 0; i < batch->n; i++)
	{
		const FixRow *row = &batch->rows[i];

		any_kept |= row->kept;
		any_reached |= row->reached || row->also;
		copy_kept |= row->kept && row->fate == FIX_QUARANTINE;
	}
	return copy_kept || (any_kept && any_reached);
}

bool
fix_has_code(Oid relid)
{
	FormData_pg_class class;
	SgCatalog	triggers;
	HeapTuple	tuple;
	bool		found = sg_read_class(relid, &class) && class.relhasrules;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		found = !form->tgisinternal && (TRIGGER_FOR_DELETE(form->tgtype) || TRIGGER_FOR_UPDATE(form->tgtype));
	}
	sg_catalog_end(&triggers);
	return found;
}

static bool
any_code_for(const FixBatch *batch)
{
	List	   *tables = NIL;

	for (int i = 0; i < batch->n; i++)
		tables = list_append_unique_oid(list_append_unique_oid(tables, batch->rows[i].table), batch->rows[i].place.leaf);
	foreach_oid(table, tables)
	{
		if (fix_has_code(table))
			return true;
	}
	return false;
}

/*
 * Counts rows deleted and changed since `before`, beyond the batch's own; in
 * the batch's tables only deleted rows, because a trigger may change rows of
 * the batch as well
 */
static void
count_beside(FixAction *action, const List *before)
{
	const FixBatch *batch = &action->batch;
	MemoryContext old;
	RunRows    *all;
	RunRows    *beside;
	List	   *own = NIL;

	action->counting = AllocSetContextCreate(action->action.run->context, "schemaguard rows beside", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(action->counting);
	all = run_rows_new();
	beside = run_rows_new();

	run_rows_add_written(all, before);
	for (int i = 0; i < batch->n; i++)
	{
		const FixRow *row = &batch->rows[i];

		own = list_append_unique_oid(own, sg_partition_root(row->place.leaf));
		if (!row->kept && (row->fate == FIX_DELETE || row->fate == FIX_QUARANTINE))
			run_rows_add(all, sg_partition_root(row->place.leaf), ROWS_DELETED, -1);
	}
	foreach_oid(table, run_rows_tables(all))
	{
		run_rows_add(beside, table, ROWS_DELETED, Max(run_rows_count(all, table, ROWS_DELETED), 0));
		if (!list_member_oid(own, table))
			run_rows_add(beside, table, ROWS_CHANGED, run_rows_count(all, table, ROWS_CHANGED));
	}
	MemoryContextSwitchTo(old);
	action->beside = beside;
}

/*
 * Returns how many rows users' triggers and rules write from this batch on, if
 * they write as many for each row as so far
 */
static int64
beside_expected(const FixAction *action)
{
	const Fix  *fix = action->fix;
	int64		now = run_rows_gone(action->beside);
	int64		batch = action->beside ? action->batch.n : 0;
	double		done = rows_counted(&fix->counts, false) + rows_counted(&fix->counts, true) + batch;
	double		left = Max(fix->total - fix->settled - batch, 0);

	return now + (int64) ceil((fix->beside + now) * left / Max(done, 1));
}

static void
write_rows(void *arg)
{
	FixAction  *action = arg;
	FixBatch   *batch = &action->batch;
	bool		counts = any_code_for(batch);
	List	   *before;

	action->beside = NULL;
	if (counts && !pgstat_track_counts)
		run_set_local("track_counts", "on");
	before = counts ? run_rows_written() : NIL;
	fix_quarantine(batch, action->action.run, action->fix->work->step->step);
	action->changed = fix_change(batch);
	if (must_undo(batch))
	{
		batch->again = true;
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger or rule of %s keeps orphans, each time others, or some that refer to others",
						sg_relation_name(batch->key->key->child))));
	}
	run_fire_deferred();
	if (counts)
	{
		count_beside(action, before);
		fix_check_batch(action->fix->work, batch, action->beside, beside_expected(action));
	}
}

/* Removes the orphans that were kept from the places; returns their number */
static int64
leave_out_kept(FixPlaces *places, FixBatch *batch)
{
	int64		n = 0;
	int64		before = places->n;

	for (int64 i = 0; i < places->n; i++)
	{
		const FixRow *row = fix_batch_find(batch, &places->places[i]);

		if (row == NULL || !row->kept)
			places->places[n++] = places->places[i];
	}
	places->n = n;
	return before - n;
}

static void
check_not_blocked(const FixBatch *batch)
{
	char	   *blocked = fix_tallies_text(fix_add_tallies(NIL, batch), true);

	if (blocked)
		ereport(ERROR,
				(errcode(ERRCODE_SG_REFERENCED),
				 errmsg("orphans are referred to by %s", blocked)));
}

static int64
rows_of(const FixCounts *counts, FixFate fate)
{
	return counts->rows[fate][false] + counts->rows[fate][true];
}

static void
record_rows(const FixAction *action, DeedKind kind, int64 rows)
{
	const StepWork *work = action->fix->work;

	if (rows > 0)
		plan_deed_rows(work->run->plan, kind, work->step->step, work->object, rows);
}

/*
 * Records rows that were changed without a copy, so that a rollback can report
 * that it cannot restore them.  Rows that refer to a fixed row follow the
 * policy of their own key, so the step's policy does not decide.
 */
static void
record_lost(const FixAction *action)
{
	int64		deleted = action->beside ? run_rows_count(action->beside, InvalidOid, ROWS_DELETED) : 0;
	int64		changed = action->beside ? run_rows_count(action->beside, InvalidOid, ROWS_CHANGED) : 0;

	record_rows(action, DEED_DELETE, rows_of(&action->counts, FIX_DELETE) + deleted);
	record_rows(action, DEED_SET_NULL, rows_of(&action->counts, FIX_SET_NULL) + rows_of(&action->counts, FIX_SENTINEL) + changed);
}

char *
fix_done_text(const Fix *fix, const FixCounts *batch)
{
	FixCounts	sum = fix->counts;
	char	   *text;
	int64		deleted;

	for (int fate = 0; batch && fate < FIX_FATES; fate++)
	{
		sum.rows[fate][false] += batch->rows[fate][false];
		sum.rows[fate][true] += batch->rows[fate][true];
	}
	text = fix_counts_text(&sum, fix->key.rule != NULL);

	deleted = rows_of(&sum, FIX_DELETE);
	if (deleted > 0 && fix->deleted > 0)
		text = psprintf("%s, " INT64_FORMAT " deleted in all", text, deleted + fix->deleted);
	return text ? psprintf(PLAN_FIXED "%s", text) : NULL;
}

static void
log_batch(FixAction *action)
{
	LogEntry	entry = run_entry(&action->action, action->fix->work, LOG_DONE);

	entry.message = fix_counts_text(&action->counts, action->fix->key.rule != NULL);
	entry.rows_affected = action->changed;
	entry.orphan_rows = rows_counted(&action->counts, false);
	log_write(&entry);

	/*
	 * a call that is cut off between two batches leaves no other trace in the
	 * step
	 */
	plan_step_set_state(entry.plan, entry.step, STEP_AS_IT_IS, fix_done_text(action->fix, &action->counts), 0);
}

/*
 * Raises 53100 if the copies and WAL of rows that have to go in one
 * transaction, because they refer to each other, or because policies differ,
 * would not fit above the floor of free space.
 */
static void
check_room(Fix *fix, const FixBatch *batch)
{
	double		bytes = 0;
	int64		rows = batch->n - batch->held;
	SgDiskUse	use = {0};
	char	   *low;

	if (rows <= Max(fix->most, sg_fill_batch) * 2)
		return;
	foreach_oid(table, list_append_unique_oid(list_copy(fix->tables), fix->key.key->child))
	{
		bytes = Max(bytes, fix_estimate_width(table));
	}
	bytes = rows * (ROW_BYTES + COPIES * bytes);
	use.tables = bytes;
	low = sg_disk_low_after(&use);
	if (low)
		ereport(ERROR,
				(errcode(ERRCODE_DISK_FULL),
				 errmsg(INT64_FORMAT " rows have to go in one transaction, which takes about " INT64_FORMAT " MB; then %s",
						rows, (int64) (bytes / (1024 * 1024)), low),
				 errhint("Make room, and CALL again.")));
	if (!fix->told)
		run_append_notice(fix->work, psprintf(INT64_FORMAT " rows go in one transaction", rows));
	fix->told = true;
}

static void
do_batch(void *arg)
{
	FixAction  *action = arg;
	Fix		   *fix = action->fix;
	TimestampTz start;
	List	   *keys;
	FixPlaces	locked;

	check_obstacles(fix);
	keys = keys_under_locks(fix);
	action->kept = 0;
	fix_places_init(&locked);
	if (action->most == 0 && fix->tables != NIL)
	{
		FixBatch	look = {.key = &fix->key,.keys = keys};

		fix_collect(&look, &action->places);
		check_room(fix, &look);
	}
	start = GetCurrentTimestamp();
	fix_lock(fix->key.key->child, &action->places, &locked);
	fix_lock_kept(&fix->key, &locked);
	note_busy(action, &locked);
	fix_leave_busy_sets(fix, &locked, &action->busy);
	for (int again = 0;; again++)
	{
		FixBatch	fresh = {.key = &fix->key,.keys = keys,.lock = true,.most = action->most,.known = fix->known,.in_doubt = fix->in_doubt};
		ErrorData  *error;
		int64		left_out;

		action->batch = fresh;
		fix_collect(&action->batch, &locked);
		check_not_blocked(&action->batch);
		if (action->most > 0)
			check_room(fix, &action->batch);
		fix_check_batch(fix->work, &action->batch, NULL, beside_expected(action));
		fix_keep_copies_for_new(fix, &action->batch);
		error = sg_try(write_rows, action);
		if (error == NULL)
			break;
		if (!action->batch.again || again == MAX_AGAIN)
			ReThrowError(error);
		left_out = leave_out_kept(&locked, &action->batch);
		if (left_out == 0)
			ReThrowError(error);
		action->kept += left_out;
	}

	memset(&action->counts, 0, sizeof(FixCounts));
	add_counts(&action->counts, &action->batch);
	record_lost(action);
	action->along = 0;
	for (int i = 0; i < action->batch.n; i++)
	{
		const FixRow *row = &action->batch.rows[i];

		action->kept += row->kept;
		action->along += row->reached && row->fate != FIX_LEAVE;
	}
	log_batch(action);
	action->ms = run_elapsed(start);
}

static void
execute_batch(RunAction *action)
{
	run_deed(action, do_batch, action);
}

/* Adds the results of a committed batch */
static void
take_results(Fix *fix, const FixAction *action)
{
	Oid			last = InvalidOid;

	for (int fate = 0; fate < FIX_FATES; fate++)
	{
		fix->counts.rows[fate][false] += action->counts.rows[fate][false];
		fix->counts.rows[fate][true] += action->counts.rows[fate][true];
	}
	fix_count_rows(fix->work->run->rows, &action->batch);
	for (int i = 0; i < action->batch.n; i++)
	{
		const FixRow *row = &action->batch.rows[i];

		if (row->fate == FIX_QUARANTINE && !row->kept && row->table != last)
			note_copied(fix, last = row->table);
	}
	if (action->beside)
	{
		run_rows_merge(fix->work->run->rows, action->beside);
		fix->beside += run_rows_gone(action->beside);
		MemoryContextDelete(action->counting);
	}
	fix->fixed += rows_counted(&action->counts, false);
	fix->changed += action->changed;
	fix->held = action->batch.held > 0;
	fix->settled += action->along + (fix->held ? 0 : action->places.n - action->busy.n);
	sg_progress_blocks(fix->settled, 0);
	fix->kept += action->kept;
	/* unless held: the same orphans come again in the next batch */
	for (int64 i = 0; i < action->busy.n && !fix->held; i++)
		fix_places_add(&fix->busy, action->busy.places[i].leaf, &action->busy.places[i].tid);
}

/*
 * Returns the next batch's size, because rows are locked until their batch is
 * committed.  If a batch of one row exceeds the time allowed, a batch of two
 * tests once whether a smaller batch is any shorter.
 */
static int
next_size(Fix *fix, const FixAction *action)
{
	int64		size = run_batch_next(fix->size, action->places.n, action->ms);

	if (fix->smallest == 0 && action->places.n == 1 && action->ms > run_batch_ms())
	{
		fix->single_ms = action->ms;
		return Min(2, fix->work->run->batch);
	}
	if (fix->smallest == 0 && action->places.n == 2 && fix->single_ms > 0)
		fix->smallest = action->ms < fix->single_ms * 1.5 ? SMALLEST_BATCH : 1;

	/*
	 * twice the rows in hardly more time: it is the batch that costs, not its
	 * rows
	 */
	if (fix->last_size >= SMALLEST_BATCH && action->places.n >= 2 * fix->last_size && action->ms < 1.5 * fix->last_ms)
		fix->smallest = Max(fix->smallest, Min(2 * action->places.n, LARGEST_LEAST));
	fix->last_size = action->places.n;
	fix->last_ms = action->ms;

	size = Min(Max(size, fix->smallest), Min(fix->work->run->batch, sg_fill_batch));
	return fix->fits > 0 ? Min(size, fix->fits) : size;
}

/*
 * After a batch for which there was no room: makes the next one half as large,
 * of the same orphans; returns false if that one was small
 */
static bool
make_smaller(FixAction *action)
{
	Fix		   *fix = action->fix;

	if (!lacks_room(action) || (fix_is_one_set(fix, &action->places) && action->most <= SMALLEST_BATCH))
		return false;
	pass_over(action, psprintf("half as many rows are next: %s", run_failure_text(&action->action)));
	fix->size = fix->fits = Max(action->places.n / 2, 1);
	fix->most = action->most > 0 ? Max(action->most / 2, 1) : 0;
	fix->held = true;
	return true;
}

/* Fixes a batch of the orphans that were found; returns false after a failure, which is recorded */
static bool
run_batch(Fix *fix, int64 first, int64 n)
{
	MemoryContext context = CurrentMemoryContext;
	FixAction	action;
	bool		done;

	if (fix->key.rule == NULL &&
		!run_wait_for_writers(fix->key.key->parent,
							  GetCurrentTimestamp() + sg_lock_budget * INT64CONST(1000)))
		return fail_now(fix, ERRCODE_LOCK_NOT_AVAILABLE,
						psprintf("a transaction that writes to %s did not end within schemaguard.lock_budget",
								 sg_relation_name(fix->key.key->parent)), LOG_NONE);

	MemoryContextSwitchTo(fix->batch_context);
	init_action(&action, fix, execute_batch, ShareUpdateExclusiveLock);
	action.action.never_queues = true;
	action.places.places = fix->found.places + first;
	action.places.n = n;
	action.most = fix->most;
	fix_places_init(&action.busy);
	done = run_attempt(&action.action);
	MemoryContextSwitchTo(context);
	if (!done)
		return make_smaller(&action) || fail_attempt(&action);
	take_results(fix, &action);
	if (action.most > 0 && action.along > 0)
		fix->most = Max(run_batch_next(action.most, action.along, action.ms), fix->least);
	fix->size = fix->held ? Max(fix->size / 2, 1) : next_size(fix, &action);
	MemoryContextReset(fix->batch_context);
	return true;
}

/* ---- a pass ---- */

static void
pause_ms(int64 ms)
{
	sg_progress_phase(SG_PHASE_PAUSING);
	run_sleep_until(GetCurrentTimestamp() + ms * 1000);
}

/* Fixes every orphan that was found, once */
static bool
sweep(Fix *fix)
{
	int64		n;

	fix->busy.n = 0;
	for (int64 first = 0; first < fix->found.n; first += fix->held ? 0 : n)
	{
		n = fix_end_of_set(fix, first + Min(fix->size, fix->found.n - first)) - first;
		if (first > 0 || fix->held)
			pause_ms(sg_fix_pause);
		if (!run_throttle(fix->work->run))
			return false;
		if (!run_batch(fix, first, n))
			return false;
	}
	return true;
}

/*
 * Sweeps until no orphan is locked by others.  A longer pause follows each
 * sweep without success, until attempts and time are used up.
 */
static bool
settle(Fix *fix)
{
	TimestampTz budget_end = GetCurrentTimestamp() + sg_lock_budget * INT64CONST(1000);
	int			idle = 0;

	for (;;)
	{
		int64		before = fix->changed;
		FixPlaces	rest;

		if (!sweep(fix))
			return false;
		if (fix->busy.n == 0)
			return true;
		if (fix->changed > before)
		{
			budget_end = GetCurrentTimestamp() + sg_lock_budget * INT64CONST(1000);
			idle = 0;
		}
		else if (++idle >= sg_lock_attempts || GetCurrentTimestamp() > budget_end)
			return fail_held(fix, idle);

		rest = fix->found;
		fix->found = fix->busy;
		fix->busy = rest;
		pause_ms(Min((int64) sg_lock_timeout << Min(idle, 20), LONGEST_PAUSE_MS));
	}
}

/* Returns why passes do not end */
static char *
left_text(const Fix *fix, int64 found)
{
	return psprintf(INT64_FORMAT " %s%s left: %s", found, fix->key.rule ? "" : "orphan ", found == 1 ? "row is" : "rows are",
					fix->kept > 0 ? "a trigger or rule of the table keeps them" : "they change all the time");
}

bool
fix_run_passes(Fix *fix)
{
	bool		open = fix->key.rule && fix->key.rule->open;
	int			idle = 0;

	for (int pass = 1;; pass++)
	{
		int64		found;

		if (!fix_scan(fix))
			return false;
		if (pass == 1)
			fix->work->run->orphan_rows += fix->found.n;
		if (fix->found.n == 0 || fix->work->run->dry_run)
			return true;

		found = fix->found.n;
		fix->fixed = fix->changed = fix->kept = fix->settled = 0;
		fix->total = found + fix->along;
		sg_progress_tables(SG_PHASE_STARTING, InvalidOid, fix->total);
		if (!settle(fix))
			return false;

		/* all orphans are fixed, and no new ones can be added, or only a few */
		if (fix->fixed == found && found < (open ? fix->few : fix_most_places(&fix->key)))
			return true;
		if (open && pass == MAX_OPEN_PASSES)
			return fail_now(fix, ERRCODE_SG_ORPHANS, psprintf("more rows that break it come than %d passes can mend: the last one found " INT64_FORMAT,
															  pass, found), found);

		/*
		 * moved rows are found by the next pass; rows kept by triggers stay
		 * kept
		 */
		idle = fix->changed > 0 ? 0 : idle + 1;
		if (idle > 0 && (fix->kept > 0 || idle >= sg_lock_attempts))
			return fail_now(fix, ERRCODE_SG_ORPHANS, left_text(fix, found), found);
	}
}
