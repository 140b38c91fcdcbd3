/*-------------------------------------------------------------------------
 *
 * deploy_backfill.c
 *	  Filling the columns of a key before it is added.
 *
 * First, in one transaction, the columns that are missing are added and a
 * trigger is made that fills them in the rows that are written from then on
 * (plan_backfill.c).  Then the rows that were there are updated, some in a
 * transaction each, which ends by the clock: what is locked stays locked until
 * its commit.  Where to go on after a crash is found in the rows: those that
 * are filled are passed over.  The trigger is dropped with the key that the
 * step replaces.
 *
 * The expressions are the plan author's code.  Nobody runs those of another
 * role, unless that role is superuser; and they run as the owner of the table
 * (deploy_backfill_role.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/calls.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

#define FIRST_BATCH_ROWS	100
#define LARGEST_BATCH_ROWS	10000

/* looked through for a batch, at most */
#define BATCH_BLOCKS		256

/* over all rows, until one finds nothing to fill */
#define MAX_PASSES			3

/* An action that reads or fills rows */
typedef struct Filling
{
	RunAction	action;			/* first, so that one pointer is both */
	StepWork   *work;
	Oid			table;			/* the one that is read now */
	BlockNumber blocks;
	int64		rows;			/* updated in all batches */
	int64		found;			/* by the last statement, or updated by the
								 * last batch */
	const char *query;

	/* a batch */
	const char *write;			/* the UPDATE of one row */
	ItemPointerData after;		/* the place of the last row before it */
	BlockNumber to;
	int64		limit;			/* of rows */
	int64		tried;			/* rows, so far */
	bool		ends;			/* no row before `to` is left */
} Filling;

static const char *const not_kept_up =
"skipped, so the trigger of its backfill was dropped: values are not kept up any more";

/* A failure of the step before an action could begin, or without one */
static void
fail_step(StepWork *work, int sqlerrcode, const char *reason, const char *hint)
{
	run_outcome(work, "backfill", LOG_FAILED, STEP_FAILED, sqlerrcode, reason);
	run_append_warning(work, psprintf("backfill failed: %s", reason));
	work->hint = hint;
}

bool
deploy_backfill_is_trusted(const char *author)
{
	Oid			role = get_role_oid(author, true);

	return OidIsValid(role) && (role == GetUserId() || superuser_arg(role));
}

/*
 * What stopped an action.  The message of an error that a row caused may quote
 * the row, and nothing of it may come into the log.
 */
static char *
failure_text(const RunAction *action)
{
	int			category = ERRCODE_TO_CATEGORY(action->error->sqlerrcode);

	if (!run_timeout_struck() &&
		(category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_PLPGSQL_ERROR ||
		 category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION))
		return psprintf("the expressions fail with SQLSTATE %s",
						unpack_sql_state(action->error->sqlerrcode));
	return run_failure_text(action);
}

/* ---- statements, by SPI in a subtransaction ---- */

/*
 * How long a batch is meant to lock rows, in ms.  A batch can take more than
 * twice as long as the one before it, and what a statement may wait for our
 * locks, half of it, is the bound.
 */
static int
longest_batch(void)
{
	return Max(sg_lock_timeout / 6, 1);
}

/* No row is hidden from what follows, and it waits for no longer than that */
static void
set_query_limits(int lock_timeout)
{
	run_set_local("lock_timeout", psprintf("%d", Max(lock_timeout, 1)));
	run_set_local("deadlock_timeout", psprintf("%d", Max(Min(lock_timeout, DeadlockTimeout) / 2, 1)));
	run_set_local("row_security", "off");
	run_set_local("jit", "off");
}

/* The role of those who plan something over the child */
static Oid
find_role(const Filling *f)
{
	run_check_privileges(f->work->key, false);
	set_query_limits(sg_lock_timeout);
	return deploy_backfill_role(f->work->step, f->work->key->child);
}

/* A query of ours, or expressions, as the plan's SQL expects it: names in pg_catalog only */
static void
do_query(void *p)
{
	Filling    *f = p;
	Oid			role = find_role(f);
	SgScope		scope;
	int			rc;

	deploy_backfill_begin(&scope, role);
	SPI_connect();
	run_check_names(f->query);
	rc = SPI_execute(f->query, false, 0);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), f->query);
	if (SPI_processed == 1)
		f->found = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "found");
	SPI_finish();
	sg_scope_end(&scope);
}

static void
run_query(void *p)
{
	run_deed_alone(do_query, p);
}

/* The UPDATE of one row, whose parameters are the columns of a result */
static SPIPlanPtr
prepare_write(const char *write, TupleDesc desc)
{
	Oid		   *types = palloc(sizeof(Oid) * desc->natts);
	SPIPlanPtr	plan;

	for (int i = 0; i < desc->natts; i++)
		types[i] = SPI_gettypeid(desc, i + 1);
	run_check_names(write);
	plan = SPI_prepare_cursor(write, desc->natts, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor returned %s for: %s", SPI_result_code_string(SPI_result), write);
	return plan;
}

/* Update one row; its place is the first of its columns */
static void
write_row(Filling *f, SPIPlanPtr plan, HeapTuple row, TupleDesc desc)
{
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	char	   *nulls = palloc(desc->natts);

	for (int i = 0; i < desc->natts; i++)
	{
		bool		isnull;

		values[i] = SPI_getbinval(row, desc, i + 1, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	if (SPI_execute_plan(plan, values, nulls, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not run: %s", f->write);
	f->found += (int64) SPI_processed;
	ItemPointerCopy((ItemPointer) DatumGetPointer(values[0]), &f->after);
	pfree(values);
	pfree(nulls);
}

/* The rows and their new values, with the expressions' search_path; SPI is connected */
static SPITupleTable *
find_rows(const Filling *f, Oid role)
{
	SgScope		scope;

	deploy_backfill_begin(&scope, role);
	run_check_names(f->query);
	if (SPI_execute(f->query, false, f->limit) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", f->query);
	sg_scope_end(&scope);
	return SPI_tuptable;
}

static void
write_rows(Filling *f, SPITupleTable *rows)
{
	TimestampTz deadline = GetCurrentTimestamp() + longest_batch() * INT64CONST(1000);
	SPIPlanPtr	plan = prepare_write(f->write, rows->tupdesc);

	set_query_limits(longest_batch());
	do
	{
		write_row(f, plan, rows->vals[f->tried], rows->tupdesc);
		f->tried++;
	} while (f->tried < rows->numvals && GetCurrentTimestamp() < deadline);
}

/*
 * The values of some rows are found without a lock on them; then the rows are
 * updated one by one for as long as they may be locked.  The snapshot keeps
 * their places from being given to other rows in between.
 *
 * An attempt that fails leaves the next one as many rows as it had updated:
 * then the row in the way is the first of its batch, and nothing else is
 * locked while we wait for it.
 */
static void
do_batch(void *p)
{
	Filling    *f = p;
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Oid			role;
	SPITupleTable *rows;
	SgScope		scope;

	if (f->tried > 0)
		f->limit = f->tried;
	f->tried = f->found = 0;
	role = find_role(f);
	SPI_connect();
	rows = find_rows(f, role);
	sg_role_begin(&scope, role);
	if (rows->numvals > 0)
		write_rows(f, rows);
	f->ends = f->tried == rows->numvals && f->tried < f->limit;
	sg_scope_end(&scope);
	SPI_finish();
	UnregisterSnapshot(snapshot);
}

static void
fill_batch(void *p)
{
	run_deed_alone(do_batch, p);
	run_fire_deferred();
}

static void
measure(void *p)
{
	Filling    *f = p;
	Relation	rel;

	run_set_local("lock_timeout", psprintf("%d", Max(sg_lock_timeout, 1)));
	rel = sg_relation_open(f->table, AccessShareLock);
	f->blocks = RelationGetNumberOfBlocks(rel);
	table_close(rel, AccessShareLock);
}

static void
rest(TimestampTz since)
{
	/* as long as the batch took, so that others have half of the time */
	long		ms = Min(Max((GetCurrentTimestamp() - since) / 1000, 1), 1000);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Until it is done, fails for another reason than a lock, or attempts and time
 * are used up; NULL is success
 */
static ErrorData *
persist(void (*fn) (void *arg), Filling *f)
{
	TimestampTz budget_end = GetCurrentTimestamp() + sg_lock_budget * INT64CONST(1000);

	for (int attempt = 1;; attempt++)
	{
		TimestampTz start = GetCurrentTimestamp();
		ErrorData  *edata;

		run_arm_timeout();
		edata = sg_try(fn, f);
		run_disarm_timeout();
		if (edata && sg_is_cancel(edata) && !run_timeout_struck())
			ReThrowError(edata);
		if (edata && (!run_is_lock_failure(edata) || attempt >= sg_lock_attempts ||
					  GetCurrentTimestamp() > budget_end))
			return edata;
		run_commit();
		if (edata == NULL)
			return NULL;
		rest(start - attempt * INT64CONST(100000));
	}
}

/* ---- the trigger ---- */

/* Those columns that the child has, or has not */
static List *
columns_of_child(Oid child, List *among, bool there)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, among)
	{
		if ((get_attnum(child, lfirst(lc)) != InvalidAttrNumber) == there)
			columns = lappend(columns, lfirst(lc));
	}
	return columns;
}

static void
add_columns(StepWork *work, const char *statement)
{
	PlanStep   *step = work->step;
	Oid			child = work->key->child;
	PlanDeed	deed = plan_deed(DEED_COLUMNS, step->step, work->object);
	PlanStep	what = {.child_table = step->child_table};
	List	   *missing = columns_of_child(child, step->child_columns, false);

	run_statement(statement);
	CommandCounterIncrement();
	what.child_columns = columns_of_child(child, missing, true);
	deed.what = &what;
	deed.log_id = work->started_id;
	plan_deed_write(work->run->plan, &deed);
}

static void
execute_arm(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	char	   *columns = plan_backfill_column_statement(work->step);
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	if (columns)
		add_columns(work, columns);
	plan_filler_arm(work->step, work->key->child);
	log_write(&entry);
}

/* Add the columns, make the trigger */
static bool
arm(StepWork *work, FkKey *key)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "trigger",
	.execute = execute_arm};
	char	   *columns = plan_backfill_column_statement(work->step);

	if (columns == NULL && plan_filler_is_current(work->step, key->child))
		return true;

	work->key = key;
	work->statement = columns;
	run_add_target(&action, key->child, columns ? AccessExclusiveLock : ShareRowExclusiveLock);
	sg_progress_step(SG_PROGRESS_BACKFILL, work->step->step, key->child);
	if (run_attempt(&action))
		return true;

	run_record_failure(&action, work, STEP_FAILED, action.error->sqlerrcode,
					   run_failure_text(&action), LOG_NONE);
	return false;
}

/* ---- the rows ---- */

/* So many rows in the next batch, which is to take as long as rows may be locked */
static int64
next_limit(const Filling *f, TimestampTz since)
{
	double		ms = run_elapsed(since);

	if (ms > longest_batch())
		return Max(Min(f->tried, f->limit / 2), 1);
	return ms < longest_batch() / 2.0 && f->tried == f->limit ?
		Min(f->limit * 2, LARGEST_BATCH_ROWS) : f->limit;
}

/* One batch of those between f->after and f->to */
static bool
fill_some(Filling *f)
{
	TimestampTz start;

	if (!run_throttle(f->action.run))
		return false;
	start = GetCurrentTimestamp();
	f->query = plan_backfill_find(f->work->step, sg_relation_name(f->table), &f->after, f->to);
	f->action.error = persist(fill_batch, f);
	if (f->action.error)
		return false;
	f->rows += f->found;
	f->limit = next_limit(f, start);
	if (f->tried > 0)
		rest(start);
	f->tried = 0;
	return true;
}

static bool
fill_table(Filling *f, Oid table)
{
	f->table = table;
	f->write = plan_backfill_write(f->work->step, sg_relation_name(table));
	f->action.error = persist(measure, f);
	if (f->action.error)
		return false;

	sg_progress_tables(SG_PHASE_EXECUTING, table, f->blocks);
	for (BlockNumber from = 0; from < f->blocks; from = f->to)
	{
		ItemPointerSet(&f->after, from, 0);
		f->to = Min(from + BATCH_BLOCKS, f->blocks);
		do
		{
			if (!fill_some(f))
				return false;
			sg_progress_blocks(f->ends ? f->to : ItemPointerGetBlockNumberNoCheck(&f->after), 0);
		} while (!f->ends);
	}
	return true;
}

/*
 * All tables that hold rows of the child.  Rows that others write move, ahead
 * of us or back: that is so until nothing is left wherever we look.
 */
static bool
fill_tables(RunAction *action)
{
	Filling    *f = (Filling *) action;
	Oid			child = f->work->key->child;

	for (int pass = 1; pass <= MAX_PASSES; pass++)
	{
		List	   *tables = sg_with_partitions(child);
		int64		before = f->rows;
		ListCell   *lc;

		foreach(lc, tables)
		{
			if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION &&
				!fill_table(f, lfirst_oid(lc)))
				return false;
		}
		if (f->rows == before)
			break;
	}
	return true;
}

/* An action that is no attempt to lock */
static Filling
new_filling(StepWork *work, FkKey *key)
{
	Filling		f = {.work = work,.limit = FIRST_BATCH_ROWS};

	f.action.run = work->run;
	f.action.works = list_make1(work);
	f.action.name = "backfill";
	f.action.attempts = 1;
	work->key = key;
	return f;
}

static bool
fill(StepWork *work, FkKey *key)
{
	Filling		f = new_filling(work, key);
	LogEntry	entry;

	/* not the UPDATEs: the expressions may have literals in them */
	work->statement = NULL;
	sg_progress_step(SG_PROGRESS_BACKFILL, work->step->step, key->child);
	run_log_start(&f.action);
	if (!run_guard(&f.action, fill_tables))
	{
		if (f.action.error == NULL)
		{
			run_record_skipped(&f.action, work, work->run->stop_reason);
			run_commit();
			return false;
		}
		run_record_failure(&f.action, work, STEP_FAILED, f.action.error->sqlerrcode,
						   failure_text(&f.action), LOG_NONE);
		work->hint = psprintf("To see the whole error, run the UPDATE that is among these, in a transaction that is rolled back:\n%s",
							  plan_sql_call(work->step->plan));
		return false;
	}

	entry = run_entry(&f.action, work, LOG_DONE);
	entry.rows_affected = f.rows;
	run_settle_with(&f.action, &entry);
	run_commit();
	if (f.rows > 0)
		run_append_notice(work, psprintf("filled " INT64_FORMAT " %s", f.rows,
										 f.rows == 1 ? "row" : "rows"));
	return true;
}

/* ---- what is left without values ---- */

static char *
unfilled_query(const PlanStep *step, const FkKey *replaced)
{
	StringInfoData old;
	StringInfoData new;
	ListCell   *lc;

	initStringInfo(&old);
	initStringInfo(&new);
	foreach(lc, sg_attribute_names(replaced->child, replaced->child_att, replaced->nkeys))
		appendStringInfo(&old, "t.%s IS NOT NULL AND ", quote_identifier(lfirst(lc)));
	foreach(lc, step->child_columns)
		appendStringInfo(&new, "%st.%s IS NULL", new.len ? " OR " : "", quote_identifier(lfirst(lc)));
	return psprintf("SELECT count(*) AS found FROM %s%s AS t WHERE %s(%s)",
					get_rel_relkind(replaced->child) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					step->child_table, old.data, new.data);
}

static bool
count_unfilled(RunAction *action)
{
	action->error = persist(run_query, (Filling *) action);
	return action->error == NULL;
}

bool
deploy_backfill_is_complete(StepWork *work, FkKey *key, const FkKey *replaced)
{
	Filling		f = new_filling(work, key);
	StepState	state = work->step->state == STEP_ADDED ? STEP_ADDED : STEP_FAILED;
	LogEntry	entry;
	char	   *reason = NULL;

	if (replaced == NULL)
		return true;

	work->statement = NULL;
	f.action.message = "counts rows without values";
	f.query = unfilled_query(work->step, replaced);
	run_log_start(&f.action);
	if (!run_guard(&f.action, count_unfilled))
	{
		run_record_failure(&f.action, work, state,
						   f.action.error->sqlerrcode, run_failure_text(&f.action), LOG_NONE);
		return false;
	}

	if (f.found > 0)
		reason = psprintf(INT64_FORMAT " %s that key %s joins %s no value in (%s)", f.found,
						  f.found == 1 ? "row" : "rows", quote_identifier(replaced->name),
						  f.found == 1 ? "has" : "have", sg_quote_list(work->step->child_columns));
	if (reason && work->step->orphans == ORPHANS_STOP)
	{
		work->hint = "Correct the backfill, or what it reads, so that it gives a value for each of them; with another policy for orphans they are left as they are.";
		run_record_failure(&f.action, work, state,
						   ERRCODE_SG_ORPHANS, reason, f.found);
		return false;
	}

	entry = run_entry(&f.action, work, LOG_DONE);
	entry.message = reason ? reason : "no row is without values";
	entry.orphan_rows = f.found;
	run_settle_with(&f.action, &entry);
	run_commit();
	return true;
}

/* ---- the step ---- */

/* Can the expressions be planned here? */
static bool
check_expressions(StepWork *work, FkKey *key)
{
	Filling		f = {.work = work,.query = plan_backfill_probe(work->step)};

	work->key = key;
	f.action.error = sg_try_undo(run_query, &f);
	if (f.action.error == NULL)
		return true;
	sg_rethrow_cancel(f.action.error);
	fail_step(work, f.action.error->sqlerrcode, failure_text(&f.action),
			  "In backfill, names of tables, functions and operators outside pg_catalog need their schema; and the owner of the child, as whom it runs, needs rights to them.");
	return false;
}

static bool
fill_step(StepWork *work)
{
	PlanStep   *step = work->step;
	FkKey		key;
	FkProblem  *problem = plan_step_key(step, &key);
	FkKey	   *replaced;

	/* what is missing besides columns, deploy_look will say */
	if (!OidIsValid(key.child) || !OidIsValid(key.parent) ||
		(problem && problem->kind != FK_PROBLEM_NO_COLUMN) ||
		(problem && plan_backfill_column_statement(step) == NULL))
	{
		(void) deploy_backfill_disarm(work->run, step, not_kept_up);
		return true;
	}
	/* with its key, a step is filled */
	if (plan_filler_is_armed(step, key.child) && !plan_filler_is_owners(step, key.child))
		(void) deploy_backfill_disarm(work->run, step, "the child has another owner, so the trigger of its backfill is made anew");
	else if (problem == NULL && fk_declared_twin(&key))
		return true;
	replaced = step->replaces ? fk_by_name(key.child, step->replaces) : NULL;
	if (step->replaces && replaced == NULL)
		return true;

	if (!deploy_backfill_is_trusted(work->run->plan->author))
	{
		fail_step(work, ERRCODE_INSUFFICIENT_PRIVILEGE,
				  psprintf("the expressions are those of role %s, which nobody else runs",
						   work->run->plan->author),
				  psprintf(sg_calls("Have that role run the plan, or import what this exports under another name:\nSELECT sg_plan_export(%s);"),
						   quote_literal_cstr(step->plan)));
		return false;
	}
	return check_expressions(work, &key) && arm(work, &key) && fill(work, &key) &&
		deploy_backfill_is_complete(work, &key, replaced);
}

void
deploy_backfill_step(PlanRun *run, int step)
{
	StepWork   *work = run_begin_step(run, step);

	if (work == NULL)
	{
		PlanStep   *row = plan_step_get(run->plan->name, step, true);

		/* one that is skipped for good is not filled any further */
		if (row)
			(void) deploy_backfill_disarm(run, row, not_kept_up);
		return;
	}
	if (work->step->backfill == NULL)
		return;
	if (!fill_step(work))
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		run->unfilled = lappend_int(run->unfilled, step);
		MemoryContextSwitchTo(old);
	}
	run_end_step(work);
}

/* ---- taken back ---- */

static void
execute_disarm(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	if (!plan_filler_is_armed(work->step, work->key->child))
	{
		run_record_skipped(action, work, "somebody else has dropped the trigger meanwhile");
		return;
	}
	plan_filler_disarm(work->step, work->key->child);
	log_write(&entry);
}

bool
deploy_backfill_disarm(PlanRun *run, PlanStep *step, const char *notice)
{
	PlanStep	own = *step;
	StepWork	work = {.run = run,.step = &own,.object = plan_step_object(step)};
	RunAction	action = {.run = run,.works = list_make1(&work),.name = "rollback trigger",
	.execute = execute_disarm};
	FkKey		key = {.child = sg_find_qualified(step->child_table)};

	if (!plan_filler_is_armed(step, key.child))
		return false;

	/* it is the child's, whatever has become of the parent */
	key.parent = key.child;
	own.parent_table = own.child_table;
	initStringInfo(&work.notice);
	work.key = &key;
	run_add_target(&action, key.child, AccessExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, step->step, key.child);
	if (run_attempt(&action))
		run_append_notice(&work, notice);
	else
	{
		work.hint = psprintf("When that is mended:\n%s", run_call_text(run, run->procedure, NULL));
		run_record_failure(&action, &work, STEP_AS_IT_IS, action.error->sqlerrcode,
						   run_failure_text(&action), LOG_NONE);
	}
	run_end_step(&work);
	return true;
}
