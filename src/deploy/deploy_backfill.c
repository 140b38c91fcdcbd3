/*-------------------------------------------------------------------------
 *
 * deploy_backfill.c
 *	  Filling columns: those of a key before it is added, a new column, and
 *	  those that CHECK or NOT NULL are about.
 *
 * First, in one transaction, the columns of a key that are missing are added
 * and a trigger is made that fills rows which are written from then on
 * (plan_backfill.c).  Then the rows that were there are updated, some in a
 * transaction each, which ends by the clock: what is locked stays locked until
 * its commit.  Rows that somebody holds are left for a later pass, and waited
 * for by the last one.  Where to go on after a crash is found in the rows: those
 * that are filled are passed over.  While others write the table, a batch is
 * followed by a pause as long as it took.
 *
 * The trigger is dropped with the key that the step replaces, or when CHECK or
 * NOT NULL is there; that of a new column stays until the column is NOT NULL,
 * until what it carries over is dropped, or sg_plan_release().
 *
 * The expressions are the plan author's code.  Nobody runs those of another
 * role, unless that role is superuser; and they run as the owner of the table
 * (deploy_backfill_role.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/calls.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/name.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "plan/plan_value.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_rows.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* blocks read for a batch, at most */
#define MOST_BLOCKS			1024

/* passes over all rows, at most */
#define MAX_PASSES			10

/* passes in a row that leave as many rows, at most */
#define MOST_IN_VAIN		2

/* factor by which a batch has fewer rows after a failed attempt */
#define FEWER_ROWS			8

/* microseconds between two looks at blockers */
#define LOOK_PAUSE			INT64CONST(100000)

/* how often the time of a batch that finds no row is doubled, at most */
#define MOST_PATIENCE		20

/* Action that reads or fills rows */
typedef struct Filling
{
	RunAction	action;			/* first: a pointer to it is one to the whole */
	StepWork   *work;
	Oid			table;			/* table that is read now */
	BlockNumber blocks;
	int64		rows;			/* rows updated by all batches */
	const char *query;
	int64		found;			/* rows found by the query, or updated by the
								 * batch */
	int64		fillable;		/* rows found for which there is a value */

	/* a batch */
	PlanFillBatch batch;
	BlockNumber width;			/* blocks of the next batch */
	int64		limit;			/* rows of the next batch */
	int			patience;		/* how often the batch's time is doubled */
	bool		is_cheap;		/* computing values twice is cheap */
	bool		is_coded;		/* a trigger or rule of users sees each row */
	bool		is_paced;		/* each row may cost time at the end of the
								 * statement */
	RunRows    *beside;			/* what triggers and expressions have deleted
								 * and changed in the batch beside its rows,
								 * or NULL */
	bool		again;			/* repeats a failed attempt */
	bool		at_rows;		/* the tables are locked and checked */
	bool		cut;			/* the batch ran out of time: rows may be left */
	bool		more;			/* the batch's blocks may have rows left */
	BlockNumber most;			/* most blocks of a batch that began here */
	int64		here;			/* rows updated by such batches */

	/* a pass */
	bool		waits;			/* waits for the holder of a row */
	int			passes;			/* so far */

	/* state of the question whether others write the table */
	int64		writes;			/* writes counted by the server */
	TimestampTz looked_at;
	bool		is_busy;
} Filling;

static const char *const not_kept_up =
"skipped, so the trigger of its backfill was dropped: values are not kept up any more";

/* Returns the state of a step whose filling has failed; its key may exist already */
static StepState
unfilled_state(const PlanStep *step)
{
	FkKey		key;

	return step->kind == STEP_FOREIGN_KEY && plan_step_is_there(step) && plan_step_key(step, &key) == NULL &&
		fk_declared_twin(&key) ? STEP_ADDED : STEP_FAILED;
}

/* Records a failure of the step outside of an action */
static void
fail_step(StepWork *work, int sqlerrcode, const char *reason, const char *hint)
{
	run_outcome(work, "backfill", LOG_FAILED, unfilled_state(work->step), sqlerrcode, reason);
	run_append_warning(work, psprintf("backfill failed: %s", reason));
	work->hint = hint;
}

bool
deploy_backfill_is_trusted(Oid author)
{
	return OidIsValid(author) && (author == GetUserId() || superuser_arg(author));
}

/*
 * Returns ", by two_plans_n_check of gra.two_plans" for an error about a
 * constraint or index that exists, or an empty text: users' code may put a
 * value into the fields of an error
 */
static char *
constraint_text(const ErrorData *error)
{
	Oid			table = error->schema_name && error->table_name ?
		sg_find_qualified(quote_qualified_identifier(error->schema_name, error->table_name)) : InvalidOid;

	if (!OidIsValid(table) || error->constraint_name == NULL ||
		(!sg_name_is_used(SG_NAME_CONSTRAINT, table, error->constraint_name) &&
		 !OidIsValid(get_relname_relid(error->constraint_name, get_rel_namespace(table)))))
		return "";
	return psprintf(", by %s of %s", quote_identifier(error->constraint_name), sg_relation_name(table));
}

/*
 * Returns why an action has failed.  The message of an error that a row caused
 * may quote the row, so it is left out: no value may enter the log.
 */
static char *
failure_text(const RunAction *action)
{
	int			category = ERRCODE_TO_CATEGORY(action->error->sqlerrcode);

	if (!run_timeout_struck() &&
		(category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_PLPGSQL_ERROR ||
		 category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION))
		return psprintf("the expressions fail with SQLSTATE %s%s",
						unpack_sql_state(action->error->sqlerrcode), constraint_text(action->error));
	return run_failure_text(action);
}

/* ---- statements, by SPI in a subtransaction ---- */

static int
longest_wait(const Filling *f)
{
	return sg_lock_wait(f->action.session_deadlock_timeout);
}

/* Sets row_security off, so that no row is hidden silently, and the lock timeout to `wait` ms */
static void
set_query_limits(int wait)
{
	run_set_local("lock_timeout", psprintf("%d", wait));
	run_set_local("deadlock_timeout", psprintf("%d", Max(wait / 2, 1)));
	run_set_local("row_security", "off");
	run_set_local("jit", "off");
}

/* Returns the role that plans queries on the child */
static Oid
find_role(Filling *f)
{
	run_check_privileges(f->work->key, false);
	set_query_limits(longest_wait(f));
	return deploy_backfill_role(f->work->step, f->work->key->child, &f->is_cheap);
}

/* Runs a query with names of pg_catalog only; for run_try() */
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
	if (SPI_processed == 1 && SPI_fnumber(SPI_tuptable->tupdesc, "fillable") > 0)
		f->fillable = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "fillable");
	SPI_finish();
	sg_scope_end(&scope);
}

static void
run_query(void *p)
{
	run_deed_reading(do_query, p);
}

/* Plans the UPDATE of a batch, with the search_path of its expressions */
static SgPlanned *
plan_batch(const Filling *f, Oid role)
{
	char	   *sql = plan_backfill_write(f->work->step, sg_relation_name(f->table), &f->batch);
	Oid			types[] = {TIMESTAMPTZOID, INT8OID};
	SgPlanned  *planned;
	SgScope		scope;

	deploy_backfill_begin(&scope, role);
	run_check_names(sql);
	planned = sg_spi_plan(sql, lengthof(types), types);
	sg_scope_end(&scope);
	return planned;
}

static void
set_param(ParamListInfo params, int n, Oid type, Datum value)
{
	params->params[n].ptype = type;
	params->params[n].value = value;
	params->params[n].isnull = false;
	params->params[n].pflags = PARAM_FLAG_CONST;
}

/* DestReceiver that keeps the rows which a batch returns, with their old values */
typedef struct KeptRows
{
	DestReceiver pub;			/* first: a pointer to it is one to the whole */
	MemoryContext context;
	TupleDesc	desc;
	List	   *tuples;
} KeptRows;

static bool
receive_kept(TupleTableSlot *slot, DestReceiver *self)
{
	KeptRows   *kept = (KeptRows *) self;
	MemoryContext old = MemoryContextSwitchTo(kept->context);

	if (kept->desc == NULL)
		kept->desc = CreateTupleDescCopy(slot->tts_tupleDescriptor);
	kept->tuples = lappend(kept->tuples, ExecCopySlotHeapTuple(slot));
	MemoryContextSwitchTo(old);
	return true;
}

/* Returns a column of a returned row as text, or null */
static Datum
kept_text(const KeptRows *kept, HeapTuple tuple, int column, bool *isnull)
{
	Datum		value = heap_getattr(tuple, column, kept->desc, isnull);
	Oid			output;
	bool		varlena;

	if (*isnull)
		return (Datum) 0;
	getTypeOutputInfo(TupleDescAttr(kept->desc, column - 1)->atttypid, &output, &varlena);
	return CStringGetTextDatum(OidOutputFunctionCall(output, value));
}

/* Returns the key of a row as an array literal */
static Datum
kept_key(const KeptRows *kept, HeapTuple tuple, int nkeys)
{
	List	   *texts = NIL;
	bool		isnull;

	for (int i = 1; i <= nkeys; i++)
		texts = lappend(texts, TextDatumGetCString(kept_text(kept, tuple, i, &isnull)));
	return CStringGetTextDatum(OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(texts)));
}

/*
 * Keeps old values for a rollback, in the batch's transaction; calls the output
 * functions of types as the role that runs the batch
 */
static void
keep_values(Filling *f, const KeptRows *kept, Oid role)
{
	char	   *column = linitial(f->work->step->child_columns);
	PlanValues	values = {sg_relation_name(f->table), f->batch.key, column,
	plan_deed_mark_columns(f->table, f->table, lappend(list_copy(f->batch.key), column))};
	ArrayBuildState *arrays[3] = {NULL, NULL, NULL};
	PlanValueRows rows = {.n = list_length(kept->tuples)};
	int			nkeys = list_length(f->batch.key);
	SgScope		scope;

	if (kept->tuples == NIL)
		return;
	deploy_backfill_begin(&scope, role);
	sg_scope_pin_texts();
	foreach_ptr(HeapTupleData, tuple, kept->tuples)
	{
		for (int i = 0; i < 3; i++)
		{
			bool		isnull = false;
			Datum		value;

			value = i == 0 ? kept_key(kept, tuple, nkeys) : kept_text(kept, tuple, nkeys + 3 - i, &isnull);
			arrays[i] = accumArrayResult(arrays[i], value, isnull, TEXTOID, CurrentMemoryContext);
		}
	}
	sg_scope_end(&scope);
	rows.keys = makeArrayResult(arrays[0], CurrentMemoryContext);
	rows.was = makeArrayResult(arrays[1], CurrentMemoryContext);
	rows.values = makeArrayResult(arrays[2], CurrentMemoryContext);
	plan_values_keep(f->work->run->plan, f->work->step->step, &values, &rows);
}

static void
write_rows(Filling *f, SgPlanned *planned, KeptRows *kept)
{
	ParamListInfo params = makeParamList(2);
	TimestampTz deadline = GetCurrentTimestamp() + (run_batch_ms() * INT64CONST(1000) << f->patience);

	set_param(params, 0, TIMESTAMPTZOID, TimestampTzGetDatum(deadline));
	set_param(params, 1, INT8OID, Int64GetDatum(f->limit));
	f->at_rows = true;
	f->found = (int64) sg_spi_run_planned(planned, params, f->batch.key ? &kept->pub : None_Receiver);
	f->cut = GetCurrentTimestamp() >= deadline;
}

/*
 * Returns whether another session, or a prepared transaction, holds a lock on
 * the table that conflicts with this mode
 */
static bool
is_shared(Oid table, LOCKMODE mode)
{
	LOCKTAG		tag;
	int			n;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	(void) GetLockConflicts(&tag, mode, &n);
	return n > 0;
}

/* Returns whether rows get a value because they break a rule, so that a rollback restores the old one */
static bool
mends_rule(const Filling *f)
{
	return f->work->step->kind == STEP_CHECK || f->work->step->kind == STEP_NOT_NULL;
}

static void
record_rows(const Filling *f, DeedKind kind, int64 rows)
{
	if (rows > 0)
		plan_deed_rows(f->work->run->plan, kind, f->work->step->step, f->work->object, rows);
}

/* Counts what code of users has deleted and changed, once triggers that are deferred have fired */
static void
count_beside(Filling *f, const List *before)
{
	run_fire_deferred();
	f->beside = run_rows_beside(before, f->table, f->found, f->action.run->context);
	if (f->beside == NULL)
		return;
	run_check_written(f->action.run, f->beside, NULL);
	record_rows(f, DEED_DELETE, run_rows_count(f->beside, InvalidOid, ROWS_DELETED));
	record_rows(f, DEED_SET_NULL, run_rows_count(f->beside, InvalidOid, ROWS_CHANGED));
}

/*
 * Runs a batch: one statement finds rows, locks those that nobody else has
 * locked, and updates them, for as long as rows may be locked.  A batch of a
 * single row may wait for it, since nothing else is locked.  Triggers of the
 * table see the caller's settings or, if the batch runs as the owner, those of
 * that role.
 */
static void
do_batch(void *p)
{
	Filling    *f = p;
	Oid			role = find_role(f);
	KeptRows	kept = {.pub = sg_receiver(receive_kept)};
	SgPlanned  *planned;
	SgScope		scope;
	List	   *following = NIL;
	bool		counts;
	List	   *before;

	/* old values are returned only by a join, unless they were null */
	f->batch.alone = (f->batch.key == NIL || f->work->step->kind == STEP_NOT_NULL) && f->is_cheap && !f->again && !f->is_paced && f->limit > 1 && list_length(f->work->step->child_columns) == 1 &&
		!is_shared(f->table, ExclusiveLock);
	SPI_connect();
	/* freed with it */
	kept.context = CurrentMemoryContext;
	planned = plan_batch(f, role);
	if (OidIsValid(role))
	{
		/* a restricted operation can't defer a trigger */
		run_fire_deferred();
		sg_role_begin(&scope, role);
	}
	set_query_limits(f->limit == 1 ? longest_wait(f) : Min(run_batch_ms(), longest_wait(f)));

	/*
	 * rows of other tables that follow, which no look beforehand has counted;
	 * a null is not referenced
	 */
	if (f->work->step->kind == STEP_CHECK && f->is_paced)
		following = run_following(f->table, linitial(f->work->step->child_columns));
	counts = !f->is_cheap || f->is_coded;
	if (counts && !pgstat_track_counts)
		run_set_local("track_counts", "on");
	before = counts ? run_rows_written() : NIL;
	write_rows(f, planned, &kept);
	if (OidIsValid(role))
		sg_scope_end(&scope);
	if (counts)
		count_beside(f, before);
	run_check_following(f->table, following, f->found);
	keep_values(f, &kept, role);
	SPI_finish();
	record_rows(f, f->batch.key ? DEED_SET : DEED_SET_NULL, mends_rule(f) ? f->found : 0);
}

static void
fill_batch(void *p)
{
	Filling    *f = p;

	f->at_rows = false;
	/* without queueing, which would cancel an autovacuum */
	f->action.deadline = 0;
	run_deed(&f->action, do_batch, f);
	run_fire_deferred();
}

/* Returns whether a unique index has one of the columns, so that an update changes a key of the row */
static bool
is_of_key(const Filling *f, Relation rel)
{
	Bitmapset  *keys = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_KEY);
	ListCell   *lc;

	foreach(lc, f->work->step->child_columns)
	{
		if (bms_is_member(get_attnum(f->table, lfirst(lc)) - FirstLowInvalidHeapAttributeNumber, keys))
			return true;
	}
	return false;
}

/*
 * Returns whether AFTER triggers of users, or keys that reference a column, do
 * work per row after the statement, whose time can't be predicted
 */
static bool
fires_after_rows(Relation rel, bool of_key)
{
	const TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers && triggers->trig_update_after_row && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if ((!trigger->tgisinternal || (of_key && RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK)) && trigger->tgenabled != TRIGGER_DISABLED &&
			TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER, TRIGGER_TYPE_UPDATE))
			return true;
	}
	return false;
}

/* Returns whether a trigger or rule of users may write other rows when one is updated */
static bool
runs_code(Relation rel)
{
	const TriggerDesc *triggers = rel->trigdesc;
	bool		found = rel->rd_rules != NULL;

	for (int i = 0; triggers && !found && i < triggers->numtriggers; i++)
		found = !triggers->triggers[i].tgisinternal && TRIGGER_FOR_UPDATE(triggers->triggers[i].tgtype);
	return found;
}

static void
measure(void *p)
{
	Filling    *f = p;
	Relation	rel;

	run_set_local("lock_timeout", psprintf("%d", longest_wait(f)));
	rel = sg_relation_open(f->table, AccessShareLock);
	f->blocks = RelationGetNumberOfBlocks(rel);
	f->batch.of_key = is_of_key(f, rel);
	f->batch.key = mends_rule(f) ? fk_primary_key(f->table) : NIL;
	f->is_paced = fires_after_rows(rel, f->batch.of_key);
	f->is_coded = runs_code(rel);
	table_close(rel, AccessShareLock);
}

static void
rest(TimestampTz since)
{
	/* pause as long as the batch took, which leaves others half of the time */
	long		ms = Min(Max((GetCurrentTimestamp() - since) / 1000, 1), 1000);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Returns whether others write the table: another session holds such a lock, or
 * the server has counted writes in the last second; it counts this session's
 * own writes only at the end of the call.
 */
static bool
others_write(Filling *f)
{
	PgStat_StatTabEntry *counts;
	TimestampTz now = GetCurrentTimestamp();
	int64		writes;

	if (is_shared(f->table, ShareLock))
		return true;
	if (now - f->looked_at < USECS_PER_SEC)
		return f->is_busy;
	counts = pgstat_fetch_stat_tabentry(f->table);
	writes = counts ? counts->tuples_inserted + counts->tuples_updated + counts->tuples_deleted : 0;
	f->is_busy = f->looked_at != 0 && writes > f->writes;
	f->writes = writes;
	f->looked_at = now;
	return f->is_busy;
}

/*
 * Returns whether to give up after this failure.  A row is waited for once, a
 * table lock until the time is used up; a foreign key violation is retried,
 * because a parent may have been deleted meanwhile.
 */
static bool
is_final(const Filling *f, const ErrorData *error, int attempt, TimestampTz budget_end)
{
	bool		again = run_is_lock_failure(error) ||
		(error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION && f->at_rows && OidIsValid(plan_backfill_parent(f->work->step)));

	return !again || (f->batch.waits && f->at_rows) || attempt >= sg_lock_attempts ||
		GetCurrentTimestamp() > budget_end;
}

/*
 * Repeats fn until it succeeds; returns false if it fails for another reason
 * than a lock, attempts and time are used up, or the run stops, which leaves no
 * error in the action.  After a failed attempt a batch has fewer rows, which are
 * not locked while it waits for others.  Who has the table is waited for as by
 * run_attempt(), and a vacuum as long as any other reason to pause.
 */
static bool
persist(void (*fn) (void *arg), Filling *f)
{
	RunAction  *action = &f->action;
	TimestampTz budget_end = GetCurrentTimestamp() + sg_lock_budget * INT64CONST(1000);

	for (int attempt = 1;; attempt++)
	{
		TimestampTz start = GetCurrentTimestamp();

		action->wanted = InvalidOid;
		action->error = run_try(sg_statement_timeout, fn, f);
		if (action->error && sg_is_cancel(action->error) && !run_timeout_struck())
			ReThrowError(action->error);
		if (action->error && run_behind_vacuum(action, &budget_end))
		{
			if (action->error == NULL)
				return false;
			attempt--;
			continue;
		}
		if (action->error && is_final(f, action->error, attempt, budget_end))
			return false;
		if (action->error && OidIsValid(action->wanted))
		{
			action->attempts = attempt;
			if (!run_pause_behind(action, budget_end))
				return false;
			continue;
		}
		run_commit_soon();
		if (action->error == NULL)
			return true;
		f->again = f->at_rows;
		f->limit = Max(f->limit / FEWER_ROWS, 1);
		rest(start - attempt * LOOK_PAUSE);
	}
}

/* ---- the trigger ---- */

/* Returns the columns that the child has, or with !there those that it lacks */
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
	deed.identity = plan_deed_identity(&deed);
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

/*
 * Adds the child and its inheriting tables to the action's locks; partitions
 * are locked with their root
 */
static void
add_tree(RunAction *action, Oid child, LOCKMODE mode)
{
	if (get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE)
		run_add_target(action, child, mode);
	else
		foreach_oid(table, sg_all_inheritors(child))
			run_add_target(action, table, mode);
}

/* Adds the columns and creates the trigger */
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
	add_tree(&action, key->child, columns ? AccessExclusiveLock : ShareRowExclusiveLock);
	sg_progress_step(SG_PROGRESS_BACKFILL, work->step->step, key->child);
	if (run_attempt(&action))
		return true;

	run_record_failure(&action, work, unfilled_state(work->step), action.error->sqlerrcode,
					   run_failure_text(&action), LOG_NONE);
	return false;
}

/* ---- the rows ---- */

/*
 * Sets the size of the next batch, which is to take as long as rows may be
 * locked, and whether it begins at the same block.  It moves on after more
 * updates there than the blocks can hold: something resets the values.
 */
static void
set_next(Filling *f, TimestampTz since)
{
	double		ms = run_elapsed(since);

	f->most = Max(f->most, f->batch.to - f->batch.from);
	f->here += f->found;
	f->more = (f->cut || f->found >= f->limit) && f->here <= (int64) f->most * MaxHeapTuplesPerPage;
	if (f->found > 0 || !f->cut)
		f->patience = 0;
	else if (f->width == 1)
		f->patience = Min(f->patience + 1, MOST_PATIENCE);
	if (f->more || ms > run_batch_ms())
		f->width = Max(f->width / 2, 1);
	else if (ms < run_batch_ms() / 2.0 && f->found <= f->limit / 2)
		f->width = Min(f->width * 2, MOST_BLOCKS);
	f->limit = f->is_paced ? run_batch_next(f->limit, f->found, ms) : Min(f->limit * 2, sg_fill_batch);
}

/* Fills one batch */
static bool
fill_some(Filling *f)
{
	TimestampTz start;

	if (!run_throttle(f->action.run))
		return false;
	start = GetCurrentTimestamp();
	f->beside = NULL;
	if (!persist(fill_batch, f))
		return false;
	f->again = false;
	f->rows += f->found;
	if (f->beside)
		run_rows_merge(f->action.run->written, f->beside);
	/* without a primary key no old values are kept */
	if (mends_rule(f) && f->found > 0)
		run_rows_add(f->action.run->rows, get_rel_relkind(f->work->key->child) == RELKIND_PARTITIONED_TABLE ? f->work->key->child : f->table,
					 f->batch.key ? ROWS_SET : ROWS_CHANGED, f->found);
	set_next(f, start);
	if (f->found > 0 && others_write(f))
		rest(start);
	return true;
}

/* Fills one row that somebody holds, while nothing else is locked */
static bool
fill_held(Filling *f)
{
	int64		limit = f->limit;
	bool		done;

	f->limit = 1;
	f->batch.waits = true;
	done = fill_some(f);
	if (done)
		f->batch.waits = false;
	f->limit = limit;
	return done;
}

/* Fills some blocks until no row is left, or only rows that others hold */
static bool
fill_blocks(Filling *f)
{
	f->most = f->here = 0;
	do
	{
		f->batch.to = Min(f->batch.from + f->width, f->blocks);
		if (!fill_some(f) || (f->waits && !f->more && !fill_held(f)))
			return false;
	} while (f->more);
	return true;
}

static bool
fill_table(Filling *f, Oid table)
{
	f->table = table;
	f->looked_at = 0;
	f->width = 1;
	f->limit = sg_fill_batch;
	if (!persist(measure, f))
		return false;
	if (f->is_paced)
		f->limit = 1;

	sg_progress_tables(SG_PHASE_EXECUTING, table, f->blocks);
	for (f->batch.from = 0; f->batch.from < f->blocks; f->batch.from = f->batch.to)
	{
		if (!fill_blocks(f))
			return false;
		sg_progress_blocks(f->batch.to, 0);
	}
	return true;
}

static bool
count_left(Filling *f)
{
	f->query = plan_backfill_left(f->work->step);
	return persist(run_query, f);
}

/*
 * Fills all tables that hold rows of the child, until no row is left that has a
 * value.  Rows that others hold are left to a later pass, and waited for when
 * nothing else is left.
 */
static bool
fill_tables(RunAction *action)
{
	Filling    *f = (Filling *) action;
	Oid			child = f->work->key->child;
	int64		least = PG_INT64_MAX;
	int			in_vain = 0;

	for (f->passes = 1; f->passes <= MAX_PASSES; f->passes++)
	{
		int64		before = f->rows;

		foreach_oid(table, sg_all_inheritors(child))
		{
			if (get_rel_relkind(table) == RELKIND_RELATION && !fill_table(f, table))
				return false;
		}
		if (!count_left(f))
			return false;
		in_vain = f->fillable < least ? 0 : in_vain + 1;
		least = Min(least, f->fillable);
		if (f->fillable == 0 || in_vain == MOST_IN_VAIN)
			break;
		f->waits = f->rows == before || f->passes == MAX_PASSES - 1;
	}
	return true;
}

/* Returns a new Filling for a step */
static Filling
new_filling(StepWork *work, FkKey *key)
{
	Filling		f = {.work = work};

	f.action.run = work->run;
	f.action.works = list_make1(work);
	f.action.name = work->step->kind == STEP_FOREIGN_KEY ? "backfill" : "fill";
	f.action.attempts = 1;
	f.action.never_queues = true;
	f.action.session_deadlock_timeout = DeadlockTimeout;
	work->key = key;
	return f;
}

/* Returns why a filling has failed */
static char *
unfilled_text(Filling *f)
{
	char	   *who;

	if (run_is_lock_failure(f->action.error) && OidIsValid(f->action.wanted))
		return run_unlocked_text(&f->action);
	if (!f->batch.waits || !f->at_rows || !run_is_lock_failure(f->action.error))
		return failure_text(&f->action);
	who = run_holders(&f->action, f->table, ExclusiveLock);
	return psprintf("a row of %s without a value is held by %s", sg_relation_name(f->table),
					who ? who : "somebody who has gone since");
}

/*
 * Returns the hint to run the failed statement, as the role that ran it, to see
 * the whole error; NULL if it did not fail, or no role may run it
 */
static char *
whole_error_hint(const Filling *f)
{
	const PlanStep *step = f->work->step;
	const PlanStep *filling = step->kind == STEP_COLUMN && step->fill ?
		plan_filling_step(step, linitial(step->child_columns), step->fill, false) : step;
	Oid			table = sg_find_qualified(step->child_table);
	List	   *reads = NIL;
	char	   *reason;
	Oid			role;

	if (!OidIsValid(table) || f->action.error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		return NULL;
	/* a default that is computed for each row reads no table */
	if (filling->backfill)
		reads = plan_backfill_tables(filling);
	role = fk_hint_role(lcons_oid(table, reads), InvalidOid, &reason);
	return OidIsValid(role) ?
		psprintf("To see the whole error, %s the UPDATE that is among these, in a transaction that is rolled back:\n%s",
				 role == GetUserId() ? "run" : psprintf("have role %s, who owns %s, run", sg_role_name(role), sg_relation_name(table)),
				 plan_sql_call(step->plan)) : NULL;
}

/* Records a failure of a filling */
static void
record_unfilled(Filling *f)
{
	StepWork   *work = f->work;

	if (f->action.error == NULL)
	{
		run_record_skipped(&f->action, work, work->run->stop_reason);
		run_commit();
		return;
	}
	run_record_failure(&f->action, work, unfilled_state(work->step), f->action.error->sqlerrcode,
					   unfilled_text(f), LOG_NONE);
	if (f->action.error->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED)
		work->hint = f->action.error->hint;
	else if (run_is_lock_failure(f->action.error))
		work->hint = psprintf("When that is over:\n%s", run_call_text(work->run, work->run->procedure));
	else if (work->step->kind == STEP_FOREIGN_KEY || work->step->kind == STEP_COLUMN)
		work->hint = whole_error_hint(f);
}

static char *
without_text(int64 rows)
{
	return psprintf(INT64_FORMAT " %s left without a value: its fill gives none", rows, rows == 1 ? "row is" : "rows are");
}

/* Returns why rows are left without a value, or NULL */
static char *
left_text(Filling *f, bool is_armed)
{
	StepKind	kind = f->work->step->kind;

	if (f->fillable > 0)
	{
		if (is_armed)
			f->work->hint = "Look for a trigger that fires behind ours and takes the value away, and for who writes past triggers: subscriptions, and session_replication_role = replica.";
		return psprintf(INT64_FORMAT " %s left after %d passes: a trigger or rule of the table keeps them%s", f->fillable,
						f->fillable == 1 ? "row is" : "rows are", Min(f->passes, MAX_PASSES),
						is_armed ? ", or they come past the trigger that fills them" : "");
	}
	if (f->found > 0 && (kind == STEP_CHECK || kind == STEP_NOT_NULL))
		return psprintf(INT64_FORMAT " %s left: its fill gives them no value that mends them", f->found,
						f->found == 1 ? "row is" : "rows are");
	return NULL;
}

/* Outcome of a filling */
typedef struct Filled
{
	int64		rows;
	int64		left;			/* rows left without a value */
	bool		goes_on;		/* the next call goes on, because this one was
								 * held up */
} Filled;

/* Fills rows; returns false if that failed or was stopped, which is on record */
static bool
fill(StepWork *work, FkKey *key, bool is_armed, Filled *filled)
{
	Filling		f = new_filling(work, key);
	LogEntry	entry;
	char	   *reason;

	/* do not log the UPDATEs: the expressions may contain literals */
	work->statement = NULL;
	sg_progress_step(SG_PROGRESS_BACKFILL, work->step->step, key->child);
	run_log_start(&f.action);
	if (!run_guard(&f.action, fill_tables))
	{
		filled->rows = f.rows;
		filled->goes_on = f.action.error == NULL || run_is_lock_failure(f.action.error);
		record_unfilled(&f);
		return false;
	}
	filled->rows = f.rows;
	filled->left = f.found;
	reason = left_text(&f, is_armed);
	if (reason)
	{
		run_record_failure(&f.action, work, unfilled_state(work->step), ERRCODE_SG_ORPHANS, reason, f.found);
		return false;
	}

	entry = run_entry(&f.action, work, LOG_DONE);
	entry.rows_affected = f.rows;
	if (f.found > 0 && work->step->kind == STEP_COLUMN)
		entry.message = without_text(f.found);
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
	return persist(run_query, (Filling *) action);
}

bool
deploy_backfill_is_complete(StepWork *work, FkKey *key, const FkKey *replaced)
{
	Filling		f = new_filling(work, key);
	StepState	state = unfilled_state(work->step);
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

/* Returns whether the caller may run the expressions; records the failure otherwise */
static bool
check_trust(StepWork *work)
{
	const FkPlan *plan = work->run->plan;

	if (deploy_backfill_is_trusted(plan->author_id))
		return true;
	fail_step(work, ERRCODE_INSUFFICIENT_PRIVILEGE,
			  psprintf("the expressions are those of role %s, which nobody else runs", plan->author),
			  psprintf(sg_calls("Have that role run the plan, or import what this exports under another name:\nSELECT sg_plan_export(%s);"),
					   quote_literal_cstr(plan->name)));
	return false;
}

/* Returns whether the columns that the expressions read still exist; records the failure otherwise */
static bool
check_source(StepWork *work)
{
	char	   *hint;
	char	   *reason = plan_filler_left_text(work->step, &hint);

	if (reason)
		fail_step(work, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason, hint);
	return reason == NULL;
}

/* Returns whether the expressions can be planned; records the failure otherwise */
static bool
check_expressions(StepWork *work, FkKey *key)
{
	Filling		f = {.action = {.works = list_make1(work),.session_deadlock_timeout = DeadlockTimeout},.work = work,.query = plan_backfill_probe(work->step)};

	work->key = key;
	f.action.error = sg_try_undo(run_query, &f);
	if (f.action.error == NULL)
		return true;
	sg_rethrow_cancel(f.action.error);
	fail_step(work, f.action.error->sqlerrcode, failure_text(&f.action),
			  "In backfill, names of tables, functions and operators outside pg_catalog need their schema; and the owner of the child, as whom it runs, needs rights to them.");
	return false;
}

/*
 * Returns whether a step has rows to fill.  If its key exists and replaces
 * none, only if its trigger has stopped, if the plan is about to drop a column
 * that it reads, or if rows were in quarantine until the trigger was dropped.
 */
static bool
has_to_fill(const PlanStep *step, const FkKey *key, bool is_there, const FkKey *replaced)
{
	PlanStep   *drop;

	if (!is_there || replaced)
		return step->replaces == NULL || replaced;
	if (plan_filler_left_rows(step))
		return true;
	drop = step->fills ? plan_filler_ends_with(step) : NULL;
	return drop && (drop->phase == NULL || !plan_filler_is_current(step, key->child));
}

static bool
fill_step(StepWork *work)
{
	PlanStep   *step = work->step;
	FkKey		key;
	FkProblem  *problem = plan_step_key(step, &key);
	FkKey	   *replaced;
	Filled		filled = {0};

	/* deploy_look() will report anything missing except columns */
	if (!OidIsValid(key.child) || !OidIsValid(key.parent) ||
		(problem && problem->kind != FK_PROBLEM_NO_COLUMN) ||
		(problem && plan_backfill_column_statement(step) == NULL))
	{
		(void) deploy_backfill_disarm(work->run, step, not_kept_up);
		return true;
	}
	replaced = step->replaces ? fk_by_name(key.child, step->replaces) : NULL;
	if (!has_to_fill(step, &key, problem == NULL && fk_declared_twin(&key) != NULL, replaced))
		return true;
	if (plan_filler_is_armed(step) && !plan_filler_is_owners(step, key.child))
		(void) deploy_backfill_disarm(work->run, step, "the child has another owner, so the trigger of its backfill is made anew");

	return check_trust(work) && check_source(work) && check_expressions(work, &key) && arm(work, &key) && fill(work, &key, true, &filled) &&
		deploy_backfill_is_complete(work, &key, replaced);
}

bool
deploy_backfill_last(StepWork *work, FkKey *key)
{
	Filled		filled = {0};

	return !OidIsValid(plan_backfill_parent(work->step)) || !work->step->fills ||
		(check_trust(work) && check_expressions(work, key) && fill(work, key, true, &filled));
}

void
deploy_backfill_step(PlanRun *run, int step)
{
	StepWork   *work = run_begin_step(run, step);

	if (work == NULL)
	{
		PlanStep   *row = plan_step_get(run->plan->name, step, true);

		/* a step that is skipped for good is not filled further */
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

/* ---- steps of other kinds ---- */

/* Fills with the plan's filling step in place of the work's step */
static bool
fill_as(StepWork *work, Oid table, bool keep_up, Filled *filled)
{
	FkKey		key = {.child = table,.parent = table,.name = work->step->fk_name};

	return check_expressions(work, &key) && (!keep_up || arm(work, &key)) &&
		fill(work, &key, keep_up, filled);
}

bool
deploy_fill_rule(StepWork *work, const DeployRule *rule, bool keep_up)
{
	PlanStep   *step = work->step;
	Filled		filled = {0};
	bool		done;

	work->step = plan_filling_step(step, rule->column, rule->fill, rule->carries);
	done = fill_as(work, rule->table, keep_up, &filled);
	work->step = step;
	work->key = NULL;
	if (step->kind != STEP_COLUMN)
	{
		/* a failure is on record already, and says more */
		if (filled.rows > 0 && done)
		{
			plan_step_set_state(step->plan, step->step, STEP_AS_IT_IS,
								psprintf(PLAN_FIXED INT64_FORMAT " %s set", filled.rows, filled.rows == 1 ? "row" : "rows"), 0);
			run_commit();
		}
		work->run->orphan_rows += filled.rows;
	}
	else if (done && filled.left > 0)
		run_append_notice(work, without_text(filled.left));
	if (!done && keep_up && !filled.goes_on)
		(void) deploy_backfill_disarm(work->run, step, "the trigger that fills rows was dropped");
	return done;
}

/* ---- taken back ---- */

static void
execute_disarm(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	if (!plan_filler_is_armed(work->step))
	{
		run_record_skipped(action, work, "somebody else has dropped the trigger meanwhile");
		return;
	}
	plan_filler_disarm(work->step);
	log_write(&entry);
}

bool
deploy_backfill_disarm(PlanRun *run, PlanStep *step, const char *notice)
{
	PlanStep	own = *step;
	StepWork	work = {.run = run,.step = &own,.object = plan_step_object(step)};
	RunAction	action = {.run = run,.works = list_make1(&work),.name = "rollback trigger",
	.execute = execute_disarm};
	List	   *tables = plan_filler_tables(step);
	FkKey		key = {0};

	if (tables == NIL)
		return false;

	/* only the child matters: the parent may be gone */
	key.child = key.parent = linitial_oid(tables);
	own.child_table = own.parent_table = sg_relation_name(key.child);
	initStringInfo(&work.notice);
	work.key = &key;
	foreach_oid(table, tables)
	{
		run_add_target(&action, table, AccessExclusiveLock);
	}
	sg_progress_step(SG_PROGRESS_ROLLBACK, step->step, key.child);
	if (run_attempt(&action))
		run_append_notice(&work, notice);
	else
	{
		work.hint = psprintf("When that is mended:\n%s", run_call_text(run, run->procedure));
		run_record_failure(&action, &work, STEP_AS_IT_IS, action.error->sqlerrcode,
						   run_failure_text(&action), LOG_NONE);
	}
	run_end_step(&work);
	return true;
}
