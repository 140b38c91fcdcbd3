/*-------------------------------------------------------------------------
 *
 * deploy_rollback.c
 *	  CALL sg_rollback_fks: takes back what a plan has done, in reverse.
 *
 * What it has done is in the log: a deed is a "done" row of add,
 * replace or index that belongs to this plan and that no later "done" or
 * "skipped" row of "rollback ..." closes.  So a rollback is taken up again
 * where it was interrupted, and a plan that is run again can be taken back
 * again.
 *
 * What was done twice, since somebody else undid it in between, is one deed.
 *
 * A deed is taken back only where the catalog still has what the statement in
 * the log made: what somebody else has dropped or changed since is left alone,
 * and the log says so.  No text of the log is executed; statements are made
 * from what it parses to.
 *
 * Keys first, the old ones that were replaced coming back before the new ones
 * go; then rows, which those keys would have refused; then indexes, which the
 * keys used; then the triggers and columns of backfills.  A step of which
 * something can't be taken back keeps the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "deploy.h"
#include "deploy_undo.h"
#include "errors.h"
#include "guc.h"
#include "log_grant.h"
#include "progress.h"
#include "quote.h"
#include "spi.h"

PG_FUNCTION_INFO_V1(sg_rollback_fks);

/* Rows of the log that were written before the plan was made are of another one */
#define MADE_SINCE \
	" coalesce((SELECT max(c.id) FROM schemaguard.audit_log c" \
	"           WHERE c.plan = $1 AND c.action IN ('plan create', 'plan import')), 0)"

static const char *deeds_query =
"SELECT d.step, d.action, d.object, d.statement, d.message,"
"       d.id = min(d.id) OVER (PARTITION BY d.step) AS last,"
"       EXISTS (SELECT FROM schemaguard.audit_log k"
"               WHERE k.plan = d.plan AND k.step = d.step AND k.id > d.id AND k.phase = 'skipped'"
"                 AND k.action = 'rollback add'"
"                 AND k.sqlstate = 'SG002') AS key_left"
" FROM schemaguard.audit_log d"
" WHERE d.plan = $1 AND d.phase = 'done' AND d.action = ANY ($2)"
"   AND d.id > " MADE_SINCE
"   AND NOT EXISTS (SELECT FROM schemaguard.audit_log r"
"                   WHERE r.plan = d.plan AND r.step = d.step AND r.object = d.object AND r.id > d.id"
"                     AND r.action = 'rollback ' || d.action AND r.phase IN ('done', 'skipped'))"
"   AND NOT EXISTS (SELECT FROM schemaguard.audit_log n"
"                   WHERE n.plan = d.plan AND n.step = d.step AND n.object = d.object AND n.id > d.id"
"                     AND n.action = d.action AND n.phase = 'done')"
" ORDER BY d.id DESC";

static UndoDeed *
read_deed(HeapTuple row, TupleDesc desc)
{
	UndoDeed   *deed = palloc0(sizeof(UndoDeed));

	deed->step = (int) sg_spi_int64(row, desc, "step");
	deed->action = sg_spi_text(row, desc, "action");
	deed->object = sg_spi_text(row, desc, "object");
	deed->statement = sg_spi_text(row, desc, "statement");
	deed->message = sg_spi_text(row, desc, "message");
	deed->last = sg_spi_bool(row, desc, "last");
	deed->key_left = sg_spi_bool(row, desc, "key_left");
	return deed;
}

/* A query with the plan as $1 and actions, if any, as $2; of UndoDeed * */
static List *
read_deeds(const DeployRun *run, const char *query, List *actions,
		   UndoDeed *(*read) (HeapTuple row, TupleDesc desc))
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID};
	Datum		values[] = {CStringGetTextDatum(run->plan->name), sg_text_array(actions)};
	MemoryContext context = CurrentMemoryContext;
	List	   *deeds = NIL;
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, query, lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		deeds = lappend(deeds, read(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return deeds;
}

/* What the plan did and nobody has taken back, the latest first */
static List *
open_deeds(const DeployRun *run, List *actions)
{
	return read_deeds(run, deeds_query, actions, read_deed);
}

static bool
undo(DeployRun *run, const UndoDeed *deed)
{
	StepWork   *work = undo_begin(run, deed);
	bool		done;

	if (strcmp(deed->action, "index") == 0)
		done = undo_index(work, deed);
	else if (strcmp(deed->action, "columns") == 0)
		done = undo_columns(work, deed);
	else if (strcmp(deed->action, "replace") == 0)
		done = undo_replace(work, deed);
	else
		done = undo_key(work, deed);
	if (!done)
		undo_settle_stuck(work, deed);
	deploy_end_step(work);
	return done;
}

/* Take back deeds one by one; returns the steps, old and new, that got stuck */
static List *
undo_all(DeployRun *run, List *deeds, List *stuck)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard rollback",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, deeds)
	{
		UndoDeed   *deed = lfirst(lc);
		MemoryContext old;
		bool		done;

		CHECK_FOR_INTERRUPTS();
		if (!list_member_int(stuck, deed->step))
		{
			old = MemoryContextSwitchTo(context);
			done = undo(run, deed);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
			if (!done)
				stuck = lappend_int(stuck, deed->step);
		}
		sg_progress_done(++run->done, 0);
	}
	MemoryContextDelete(context);
	return stuck;
}

/* Rows that were deleted or set to null, of which there is no copy */
static const char *lost_query =
"SELECT d.step, d.object, s.orphans, sum(d.rows_affected)::bigint AS changed"
" FROM schemaguard.audit_log d JOIN schemaguard.plan_step s ON s.plan = d.plan AND s.step = d.step"
" WHERE d.plan = $1 AND d.phase = 'done' AND d.action = 'fix' AND s.orphans IN ('delete', 'set null')"
"   AND d.id > " MADE_SINCE
"   AND NOT EXISTS (SELECT FROM schemaguard.audit_log r"
"                   WHERE r.plan = d.plan AND r.step = d.step AND r.action = 'rollback fix' AND r.id > d.id)"
" GROUP BY d.step, d.object, s.orphans HAVING sum(d.rows_affected) > 0 ORDER BY d.step DESC";

static UndoDeed *
read_lost(HeapTuple row, TupleDesc desc)
{
	UndoDeed   *deed = palloc0(sizeof(UndoDeed));
	bool		null = strcmp(sg_spi_text(row, desc, "orphans"), "set null") == 0;

	deed->step = (int) sg_spi_int64(row, desc, "step");
	deed->action = "fix";
	deed->object = sg_spi_text(row, desc, "object");
	deed->message = psprintf("rows that were %s stay so: " INT64_FORMAT,
							 null ? "set to null" : "deleted", sg_spi_int64(row, desc, "changed"));
	return deed;
}

/* What the policies "delete" and "set null" did to rows can't be taken back: say so */
static void
tell_lost(DeployRun *run)
{
	ListCell   *lc;

	foreach(lc, read_deeds(run, lost_query, NIL, read_lost))
	{
		UndoDeed   *deed = lfirst(lc);
		StepWork   *work = undo_begin(run, deed);

		undo_leave_alone(work, deed, 0, deed->message);
		deploy_end_step(work);
	}
}

static bool
has_key(const PlanStep *step)
{
	return strcmp(step->state, "added") == 0 || strcmp(step->state, "validated") == 0;
}

/* Steps whose key the plan has found, not made: they are the plan's no more */
static void
settle_steps(DeployRun *run, List *stuck)
{
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);
		UndoDeed	deed = {.step = step->step,.action = "add",.last = true};
		StepWork   *work;

		if (list_member_int(stuck, step->step) || !has_key(step))
			continue;
		deed.object = plan_step_object(step);
		work = undo_begin(run, &deed);
		undo_leave_alone(work, &deed, 0, "the log does not say that this plan has added the key");
		deploy_end_step(work);
	}
}

/* Columns that a backfill has added; the trigger is made in the same action */
static const char *columns_query =
"SELECT DISTINCT ON (d.step, d.statement) d.step, d.object, d.statement"
" FROM schemaguard.audit_log d"
" WHERE d.plan = $1 AND d.phase = 'done' AND d.action = 'trigger' AND d.statement IS NOT NULL"
"   AND d.id > " MADE_SINCE
"   AND NOT EXISTS (SELECT FROM schemaguard.audit_log r"
"                   WHERE r.plan = d.plan AND r.step = d.step AND r.id > d.id"
"                     AND r.action = 'rollback columns' AND r.phase IN ('done', 'skipped'))"
" ORDER BY d.step DESC, d.statement, d.id DESC";

static UndoDeed *
read_columns(HeapTuple row, TupleDesc desc)
{
	UndoDeed   *deed = palloc0(sizeof(UndoDeed));

	deed->step = (int) sg_spi_int64(row, desc, "step");
	deed->action = "columns";
	deed->object = sg_spi_text(row, desc, "object");
	deed->statement = sg_spi_text(row, desc, "statement");
	return deed;
}

/* Triggers that fill columns, of steps that have no key of the plan's any more; how many */
static int
disarm_steps(DeployRun *run, List *stuck)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);

		if (step->backfill && !list_member_int(stuck, step->step))
			n += deploy_backfill_disarm(run, step, "trigger of its backfill dropped");
	}
	return n;
}

/*
 * Rows that can't go back now hold up nothing else: they are there for the
 * next call
 */
static int64
restore_rows(DeployRun *run)
{
	ErrorData  *error;
	int64		restored = deploy_restore_plan(run, &error);
	int64		left = deploy_restore_left(run);

	if (restored > 0 || left > 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\": " INT64_FORMAT " quarantined %s put back",
						run->plan->name, restored, restored == 1 ? "row" : "rows"),
				 left > 0 ? errdetail(INT64_FORMAT " %s left in quarantine%s%s.", left, left == 1 ? "is" : "are",
									  error ? ": " : "", error ? sg_error_message(error) : "") : 0,
				 left > 0 ? errhint("Column \"reason\" of schemaguard.quarantine says why; mend that and CALL sg_rollback_fks() or sg_restore_quarantine() again.") : 0));
	return restored;
}

static void
roll_back(DeployRun *run)
{
	List	   *keys = open_deeds(run, list_make2("add", "replace"));
	List	   *indexes = open_deeds(run, list_make1("index"));
	List	   *columns;
	List	   *stuck;
	int64		restored;
	int			disarmed;

	deploy_index_drop_leftovers(run, sg_retry_budget);
	deploy_commit();
	sg_progress_total(list_length(keys) + list_length(indexes));
	stuck = undo_all(run, keys, NIL);
	restored = restore_rows(run);

	/* again: what became of the keys is in the log now */
	(void) undo_all(run, open_deeds(run, list_make1("index")), stuck);
	disarmed = disarm_steps(run, stuck);
	columns = read_deeds(run, columns_query, NIL, read_columns);
	(void) undo_all(run, columns, stuck);
	settle_steps(run, stuck);
	tell_lost(run);

	if (keys == NIL && indexes == NIL && columns == NIL && restored == 0 && disarmed == 0)
		ereport(NOTICE,
				(errmsg("plan \"%s\": the log has nothing that is to be taken back", run->plan->name)));
}

/* The children of steps that have a key, or of which something is to be taken back */
static void
check_roll_back(DeployRun *run)
{
	List	   *steps = NIL;
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, list_concat(open_deeds(run, list_make3("add", "replace", "index")),
							read_deeds(run, columns_query, NIL, read_columns)))
		steps = list_append_unique_int(steps, ((UndoDeed *) lfirst(lc))->step);
	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);

		if (!sg_has_name(tables, step->child_table) &&
			(list_member_int(steps, step->step) || has_key(step)))
			tables = lappend(tables, step->child_table);
	}
	deploy_check_ownership(run, tables);
}

/*
 * sg_rollback_fks(plan text, author text DEFAULT NULL)
 *
 * Takes back what the plan did, in reverse: keys that it added are dropped,
 * those that it replaced are restored and validated first, rows that it took
 * away are put back, indexes that it built and columns that it added are
 * dropped.  Such a column stays where anything depends on it, or where it
 * holds a value that the step's expressions do not give.  Steps become "rolled
 * back"; sg_add_fks() runs them again.  Neither load nor window hold it up.
 *
 * Needs ownership of the children, and REFERENCES on the parents of keys that
 * are restored.  Locks parent and child in ACCESS EXCLUSIVE to drop a key, the
 * table to drop an index, the child to drop a trigger or columns, each attempt
 * within schemaguard.lock_timeout.
 *
 * Errors: as sg_add_fks.
 */
Datum
sg_rollback_fks(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"plan"};
	DeployRun	run = {.procedure = "sg_rollback_fks",.shows = SG_PROGRESS_ROLLBACK,.urgent = true};

	sg_check_granted(fcinfo);
	deploy_check_call(fcinfo, run.procedure, names, lengthof(names));
	deploy_call(fcinfo, 1, &run, check_roll_back, roll_back);

	PG_RETURN_VOID();
}
