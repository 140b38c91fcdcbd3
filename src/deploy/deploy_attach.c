/*-------------------------------------------------------------------------
 *
 * deploy_attach.c
 *	  Before 18: the table takes over the valid keys of its partitions.
 *
 * The key of the whole table has never read a row itself: it is proved as far
 * as those of all partitions are.  Their proofs are looked up before the
 * tables are locked; marks of what they rest on, taken before that and
 * compared under the locks, tell that they still stand.
 *
 * To attach a key, the server drops its two triggers on the parent, and reads
 * those that are left anew after each: the time under the locks grows with the
 * square of the number of partitions.  Where these are many, the triggers are
 * dropped here, all at once, just before, in the same transaction and under
 * the same locks; the server then finds none to drop.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/tablecmds.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "deploy/deploy.h"
#include "deploy/deploy_partition.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_unit.h"

/* State of a partition's key and tables, on which the key's proof rests */
typedef struct PartitionMark
{
	Oid			conid;
	FkFingerprint print;
} PartitionMark;

/* Action to attach; the RunAction comes first, so that a pointer to it is one to this */
typedef struct AttachAction
{
	RunAction	action;
	List	   *marks;			/* PartitionMark *; NIL unless all are proved */
	TimestampTz proved_at;		/* time of the oldest proof */
	XLogRecPtr	proved_lsn;
} AttachAction;

/* ---- the proof ---- */

/* Returns the keys of the partitions, as text[] of the tables and text[] of the names */
static void
partition_names(const StepView *view, Datum *values)
{
	List	   *tables = NIL;
	List	   *names = NIL;

	foreach_ptr(const FkPartition, partition, view->partitions)
	{
		tables = lappend(tables, sg_relation_name(partition->relid));
		names = lappend(names, partition->own->name);
	}
	values[0] = sg_text_array(tables);
	values[1] = sg_text_array(names);
}

/* Returns whether the proofs of all partitions stand, and reads their times and marks */
static bool
read_proofs(AttachAction *attach, const StepView *view)
{
	static const char *query =
		"SELECT count(*), min(t.proved_at), min(t.proved_lsn)"
		" FROM unnest($1, $2) k (child_table, fk_name)"
		"  JOIN schemaguard.fk_trust t ON t.child_table = k.child_table AND t.fk_name::text = k.fk_name"
		" WHERE t.stands AND t.strength = 'table'";
	Oid			types[] = {TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[2];
	Datum		columns[3];
	SgScope		scope;
	HeapTuple	row;
	bool		isnull;

	partition_names(view, values);
	run_set_local("jit", "off");
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, query, lengthof(types), types, values, NULL);
	row = SPI_tuptable->vals[0];
	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = SPI_getbinval(row, SPI_tuptable->tupdesc, i + 1, &isnull);
	SPI_finish();
	sg_scope_end(&scope);

	if (DatumGetInt64(columns[0]) != list_length(view->partitions))
		return false;
	attach->proved_at = DatumGetTimestampTz(columns[1]);
	attach->proved_lsn = DatumGetLSN(columns[2]);
	return true;
}

static void
prepare_proof(AttachAction *attach, const StepView *view)
{
	List	   *marks = NIL;
	ListCell   *lc;

	/* a table without partitions has no row */
	attach->proved_at = GetCurrentTimestamp();
	attach->proved_lsn = GetXLogInsertRecPtr();
	if (view->partitions == NIL)
		return;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, view->partitions)
	{
		const FkKey *key = ((FkPartition *) lfirst(lc))->own;
		PartitionMark *mark = palloc(sizeof(PartitionMark));

		mark->conid = key->conid;
		mark->print = fk_fingerprint(key, NULL);
		marks = lappend(marks, mark);
	}
	if (read_proofs(attach, view))
		attach->marks = marks;
	PopActiveSnapshot();
}

/* Returns, under the locks, whether the proofs still stand for every present partition */
static bool
proofs_stand(const AttachAction *attach, const StepView *view)
{
	ListCell   *lc;

	if (list_length(attach->marks) != list_length(view->partitions))
		return false;
	foreach(lc, view->partitions)
	{
		const FkKey *key = ((FkPartition *) lfirst(lc))->own;
		FkFingerprint now = fk_fingerprint(key, NULL);
		bool		found = false;

		foreach_ptr(const PartitionMark, mark, attach->marks)
		{
			found = mark->conid == key->conid && memcmp(&mark->print, &now, sizeof(now)) == 0;
			if (found)
				break;
		}
		if (!found)
			return false;
	}
	return true;
}

static void
record_proof(const AttachAction *attach, const FkKey *key)
{
	AuditKey   *proof = audit_key_new(key, AUDIT_PLAN, fk_state(key));

	audit_proof_begin(proof);
	proof->judged_at = attach->proved_at;
	proof->judged_lsn = attach->proved_lsn;
	proof->result = AUDIT_PASS;
	proof->method = "validate";
	proof->orphan_rows = 0;
	audit_proof_record(list_make1(proof));
}

/* ---- triggers ---- */

/* Drops the parent's action triggers of one partition's key, as the server would */
static void
drop_action_triggers(Relation pg_trigger, const FkKey *key)
{
	ScanKeyData skey;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&skey, Anum_pg_trigger_tgconstraint, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(key->conid));
	scan = systable_beginscan(pg_trigger, TriggerConstraintIndexId, true, NULL, 1, &skey);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		Oid			trigger = form->oid;

		if (form->tgrelid != key->parent || form->tgconstrrelid != key->child)
			continue;
		InvokeObjectDropHook(TriggerRelationId, trigger, 0);
		(void) deleteDependencyRecordsFor(TriggerRelationId, trigger, false);
		DeleteComments(trigger, TriggerRelationId, 0);
		CatalogTupleDelete(pg_trigger, &tuple->t_self);
	}
	systable_endscan(scan);
}

/* Drops the action triggers of all partitions; a partitioned parent has keys of its own for its partitions */
static void
drop_all_action_triggers(const StepView *view)
{
	Oid			parent = view->key.parent;
	Relation	rel;
	ListCell   *lc;

	if (list_length(view->partitions) < DEPLOY_MANY_PARTITIONS ||
		get_rel_relkind(parent) != RELKIND_RELATION)
		return;

	rel = table_open(parent, NoLock);
	CheckTableNotInUse(rel, "ALTER TABLE");
	table_close(rel, NoLock);

	rel = table_open(TriggerRelationId, RowExclusiveLock);
	foreach(lc, view->partitions)
		drop_action_triggers(rel, ((FkPartition *) lfirst(lc))->own);
	table_close(rel, RowExclusiveLock);
	CacheInvalidateRelcacheByRelid(parent);
	CommandCounterIncrement();
}

/* ---- attaching ---- */

static void
execute_attach(RunAction *action)
{
	AttachAction *attach = (AttachAction *) action;
	StepWork   *work = linitial(action->works);
	StepView	view;
	FkKey	   *key;
	bool		proved;
	ListCell   *lc;

	deploy_look(work->step, &view);
	if (view.need == NEED_SKIP)
		ereport(ERROR,
				(errcode(view.problem->sqlerrcode),
				 errmsg("%s", view.problem->reason)));
	if (view.existing || !deploy_partitions_are_valid(&view))
	{
		run_record_skipped(action, work, view.existing ?
						   "somebody else has added the key meanwhile" :
						   "a partition without a valid key of its own has come meanwhile");
		return;
	}

	proved = proofs_stand(attach, &view);
	deploy_record_own_keys(work, &view);
	drop_all_action_triggers(&view);
	deploy_run_add(view.key.child, work->statement);
	CommandCounterIncrement();
	key = fk_declared_twin(&view.key);
	if (key == NULL || !key->validated || !key->armed)
		elog(ERROR, "the key of %s is not valid and armed after ADD CONSTRAINT", work->step->child_table);
	foreach(lc, view.partitions)
	{
		/* an attached key is no longer a key of its own */
		if (fk_by_oid(((FkPartition *) lfirst(lc))->own->conid))
			elog(ERROR, "the key of partition %s was not attached",
				 sg_relation_name(((FkPartition *) lfirst(lc))->relid));
	}
	if (proved)
		record_proof(attach, key);
	if (!work->restoring)
		plan_deed_add(work->run->plan, work->step, work->started_id);
	run_record_done(action, work, STEP_VALIDATED, NULL);
	work->reached = STEP_VALIDATED;
}

bool
deploy_attach(StepWork *work, StepView *view)
{
	int			partitions = list_length(view->partitions);
	AttachAction attach = {.action = {
			.run = work->run,.works = list_make1(work),.name = deploy_partition_action(work),
			.references = true,.execute = execute_attach
	}};
	RunAction  *action = &attach.action;

	prepare_proof(&attach, view);
	action->message = psprintf("attaches the keys of %d %s", partitions,
							   partitions == 1 ? "partition" : "partitions");
	work->statement = plan_add_statement(work->step, false);
	work->key = &view->key;
	deploy_add_key_targets(action, view);

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, view->key.child);
	if (run_attempt(action))
		return true;

	run_record_failure(action, work, STEP_ADDED, action->error->sqlerrcode,
					   run_failure_text(action), LOG_NONE);
	return false;
}
