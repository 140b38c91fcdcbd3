/*-------------------------------------------------------------------------
 *
 * audit_table.c
 *	  Judging the keys of tables: the order of things.
 *
 * Access is checked, then the tables are locked, then the snapshot is taken.
 * A snapshot from before the lock would see nothing of a table that somebody
 * truncates and reloads while we wait, and say "pass".
 *
 * Tables that are read together share a snapshot, and so the sets of their
 * parents.  They are few and small enough for the snapshot to be short-lived:
 * it must not keep VACUUM from its work for as long as a whole database takes.
 *
 * Nobody waits for a lock while holding others, or the migration that waits
 * for us in turn would end in a deadlock: a table that somebody has locked is
 * judged later, and waited for with empty hands.  Only on a standby, where
 * there is no subtransaction to give locks back, they are waited for in place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_internal.h"
#include "audit/audit_yield.h"
#include "audit/audit_rule.h"
#include "audit/audit_rule_job.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"

/* Batch of keys that are judged together */
typedef struct Batch
{
	List	   *keys;			/* of AuditKey * */
	int			samples;
	MemoryContext results;
	bool		parallel;
	bool		probe;			/* indexes may be used */
	List	   *leaves;			/* leaves of partitioned tables as of the
								 * snapshot */
	List	   *busy;			/* keys whose tables other sessions have
								 * locked */
	List	  **late;			/* list that gets them when the batch is done */
	AuditYield	yield;
} Batch;

/* Number of waits for a table that others keep locking */
#define MAX_WAITS 20

/* Number of attempts to take a snapshot while partitions come and go */
#define MAX_SNAPSHOTS 10

static void
set_unknown(const Batch *batch, AuditKey *ak, const char *reason)
{
	ak->result = AUDIT_UNKNOWN;
	ak->reason = MemoryContextStrdup(batch->results, reason);
	ak->rows_checked = ak->orphan_rows = ak->orphan_keys = -1;
	ak->sample = NIL;
}

/* Resets a key to its state before any method */
static void
reset_key(AuditKey *ak)
{
	ak->result = AUDIT_UNKNOWN;
	ak->reason = NULL;
	ak->method = NULL;
	ak->rows_checked = ak->orphan_rows = ak->orphan_keys = -1;
	ak->sample = NIL;
	ak->asked = InvalidOid;
	ak->raised = false;
	ak->waits_for = InvalidOid;
}

/*
 * Returns how a key has changed since before it was locked, or NULL.  A
 * declared key is read again, a planned one resolved again: columns may have
 * been renamed or have another type.
 */
static const char *
key_changed(const Batch *batch, AuditKey *ak)
{
	FkKey		now = ak->key;
	FkProblem  *problem;

	if (ak->rule)
		return audit_rule_changed(ak);
	if (OidIsValid(ak->key.conid))
	{
		FkKey	   *declared = fk_by_oid(ak->key.conid);

		if (declared == NULL)
			return "the key was dropped meanwhile";
		declared->name = ak->key.name;
		if (declared->unarmed_reason)
			declared->unarmed_reason = MemoryContextStrdup(batch->results, declared->unarmed_reason);
		if (declared->doubt)
			declared->doubt = MemoryContextStrdup(batch->results, declared->doubt);
		ak->key = *declared;
		ak->state = fk_state(declared);
		return NULL;
	}

	problem = fk_resolve(ak->key.child, ak->child_columns, ak->key.parent, ak->parent_columns, &now);
	if (problem)
		return problem->reason;
	ak->key = now;
	return NULL;
}

static FkProblem *
access_problem(const AuditKey *ak)
{
	/* each part is checked when it is read */
	if (audit_is_foreign(ak))
		return ak->rule ? audit_rule_caller_problem(ak, false) : audit_caller_problem(&ak->key, false);
	return ak->rule ? audit_rule_access(ak, false) : audit_access_problem(&ak->key, false);
}

static FkProblem *
lock_key(AuditKey *ak)
{
	return ak->rule ? audit_rule_lock(ak, RecoveryInProgress(), &ak->waits_for) :
		audit_lock(&ak->key, RecoveryInProgress(), &ak->waits_for);
}

/* Checks the access, locks, and checks again; returns whether the key can be judged now. */
static bool
prepare_key(Batch *batch, AuditKey *ak)
{
	FkProblem  *problem = access_problem(ak);
	const char *changed;
	uint64		messages = SharedInvalidMessageCounter;

	if (problem == NULL)
		problem = lock_key(ak);
	if (problem)
	{
		set_unknown(batch, ak, problem->reason);
		return false;
	}
	if (OidIsValid(ak->waits_for))
	{
		batch->busy = lappend(batch->busy, ak);
		return false;
	}

	changed = key_changed(batch, ak);
	/* check again only if an invalidation has arrived */
	problem = changed == NULL && messages != SharedInvalidMessageCounter ?
		access_problem(ak) : NULL;
	if (changed == NULL && problem == NULL && ak->rule)
		changed = audit_rule_problem(ak);
	if (changed || problem)
	{
		set_unknown(batch, ak, changed ? changed : problem->reason);
		return false;
	}
	if (ak->rule == NULL)
		audit_proof_begin(ak);
	return true;
}

static void
scope_begin(SgScope *scope, const AuditKey *ak)
{
	if (ak->rule)
		audit_rule_scope_begin(scope, ak, false);
	else
		audit_scope_begin(scope, &ak->key, false);
}

/* Judges keys by a scan if possible, else by a query each */
static void
judge_as(const Batch *batch, List *keys)
{
	SgScope		scope;

	if (sg_audit_method != SG_AUDIT_SQL)
	{
		scope_begin(&scope, linitial(keys));
		keys = audit_scan(keys, batch->leaves, batch->samples, batch->results, batch->parallel,
						  batch->probe && !RecoveryInProgress());
		sg_scope_end(&scope);
	}
	foreach_ptr(AuditKey, ak, keys)
	{
		sg_progress_tables(SG_PHASE_SCANNING, ak->key.child, 0);
		if (ak->rule)
			audit_rule_sql(ak, batch->samples, batch->results, batch->parallel);
		else
			audit_sql(ak, batch->samples, batch->results, batch->parallel);
	}
}

/* Returns whether the key must be judged as the owner of its table */
static bool
needs_owner(const AuditKey *ak)
{
	Oid			role;

	if (ak->rule == NULL)
		return audit_needs_owner(&ak->key, false);
	return audit_rule_role(ak, false, &role) != NULL || OidIsValid(role);
}

/* Returns whether any role can judge the key, because only built-in code runs */
static bool
is_bare(const AuditKey *ak)
{
	CodeReach  *reach = code_reach();

	if (ak->rule)
		return audit_rule_bare(ak);
	fk_code_reach(reach, &ak->key);
	return !code_found(reach);
}

/* Removes a table's keys from the list, all or the bare ones, and returns them */
static List *
take_keys(List **keys, Oid child, bool bare)
{
	List	   *taken = NIL;

	foreach_ptr(AuditKey, ak, *keys)
	{
		if (ak->key.child == child && (!bare || is_bare(ak)))
			taken = lappend(taken, ak);
	}
	*keys = list_difference_ptr(*keys, taken);
	return taken;
}

/*
 * Judges keys in the active snapshot table by table, each as the role that it
 * needs; keys that any role can judge join the scan of their table that must
 * run as the owner.
 */
static void
judge_by_table(const Batch *batch, List *keys)
{
	List	   *plain = NIL;
	List	   *owned = NIL;

	foreach_ptr(AuditKey, ak, keys)
	{
		if (audit_is_foreign(ak))
			audit_apart(ak, batch->samples, batch->results, batch->parallel);
		else if (needs_owner(ak))
			owned = lappend(owned, ak);
		else
			plain = lappend(plain, ak);
	}
	while (owned != NIL)
	{
		Oid			child = ((AuditKey *) linitial(owned))->key.child;
		List	   *together = take_keys(&owned, child, false);

		judge_as(batch, list_concat(together, take_keys(&plain, child, true)));
	}
	if (plain != NIL)
		judge_as(batch, plain);
}

char *
audit_index_damage(Oid index, const char *how)
{
	char	   *name = sg_relation_name(index);

	return psprintf("index %s is corrupt: %s; rebuild it with REINDEX INDEX %s", name, how, name);
}

/*
 * Reports the damage of an index that was found: a pass becomes unknown while
 * the key's triggers use that index
 */
static void
tell_damage(const Batch *batch, AuditKey *ak)
{
	/* keep the constraint's own reason, if it has one */
	const char *before = ak->reason ? ak->reason : ak->key.unarmed_reason;

	if (ak->damage == NULL)
		return;
	ak->reason = MemoryContextStrdup(batch->results, before ? psprintf("%s; %s", before, ak->damage) : ak->damage);
	if (ak->result == AUDIT_PASS)
		ak->result = AUDIT_UNKNOWN;
}

/*
 * Takes the snapshot, and the list of partitions that is true before and after
 * it, locked.
 */
static void
push_snapshot(Batch *batch, List *keys)
{
	for (int i = 0; i < MAX_SNAPSHOTS; i++)
	{
		if (audit_keep_leaves(keys, &batch->leaves))
		{
			audit_push_snapshot();
			if (audit_leaves_stand(batch->leaves))
				return;
			PopActiveSnapshot();
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("partitions of a table of the key are attached or detached all the time"),
			 errhint("Audit the table again when that is over.")));
}

static void
judge_batch(void *arg)
{
	Batch	   *batch = arg;
	List	   *ready = NIL;
	ListCell   *lc;

	batch->busy = NIL;
	sg_progress_tables(SG_PHASE_LOCKING, ((AuditKey *) linitial(batch->keys))->key.child, 0);
	foreach(lc, batch->keys)
	{
		reset_key(lfirst(lc));
		if (prepare_key(batch, lfirst(lc)))
			ready = lappend(ready, lfirst(lc));
	}
	if (ready == NIL)
		return;

	push_snapshot(batch, ready);
	judge_by_table(batch, ready);
	PopActiveSnapshot();
	foreach(lc, ready)
		tell_damage(batch, lfirst(lc));
}

static void judge(Batch *batch);

/* Judges each table of a batch apart or, if there is only one, each key */
static void
judge_apart(const Batch *batch, List *keys, bool parallel)
{
	bool		by_table = ((AuditKey *) linitial(keys))->key.child != ((AuditKey *) llast(keys))->key.child;
	int			n = list_length(keys);

	for (int i = 0; i < n;)
	{
		Batch		part = *batch;

		part.keys = NIL;
		part.parallel = parallel;
		do
			part.keys = lappend(part.keys, list_nth(keys, i++));
		while (by_table && i < n && ((AuditKey *) list_nth(keys, i))->key.child ==
			   ((AuditKey *) linitial(part.keys))->key.child);
		judge(&part);
	}
}

/*
 * Returns whether an error may be due to workers: shared memory ran out, a
 * worker was terminated or could not start, or a function does what is not
 * allowed in parallel mode.  The catalogs call an array, a range or a record
 * safe, whatever its elements run.
 */
static bool
may_be_parallel_trouble(const ErrorData *edata)
{
	return ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES ||
		(edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN && !ProcDiePending) ||
		edata->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		edata->sqlerrcode == ERRCODE_INVALID_TRANSACTION_STATE;
}

/* Returns all keys except the rule that raised the error; NIL if that is unknown, or there is no other */
static List *
others_than_raised(const Batch *batch, const ErrorData *edata)
{
	List	   *others = NIL;
	AuditKey   *raised = NULL;

	foreach_ptr(AuditKey, ak, batch->keys)
	{
		if (ak->raised)
			raised = ak;
		else
			others = lappend(others, ak);
	}
	if (raised == NULL || others == NIL)
		return NIL;
	set_unknown(batch, raised, sg_error_text(edata));
	return others;
}

/*
 * Returns whether the error came from reading an index, and marks its keys so
 * that it is not used again.
 */
static bool
blame_index(const Batch *batch, const ErrorData *edata)
{
	bool		found = false;
	int			category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);

	if (category != ERRCODE_TO_CATEGORY(ERRCODE_INDEX_CORRUPTED) && category != ERRCODE_TO_CATEGORY(ERRCODE_IO_ERROR))
		return false;
	foreach_ptr(AuditKey, ak, batch->keys)
	{
		if (!OidIsValid(ak->asked))
			continue;
		ak->damage = MemoryContextStrdup(batch->results, audit_index_damage(ak->asked, sg_error_text(edata)));
		found = true;
	}
	return found;
}

/*
 * Recovers from an error: repeats without workers, if they may be the reason;
 * without the rule or index that raised it; else each table, and in the end
 * each key, apart, so that one bad page does not cost the others their verdict.
 */
static void
recover(Batch *batch, ErrorData *edata)
{
	List	   *others = NIL;

	if (batch->parallel && may_be_parallel_trouble(edata))
		judge_apart(batch, batch->keys, false);
	else if (sg_is_cancel(edata))
		ReThrowError(edata);
	else if (blame_index(batch, edata))
		judge(batch);
	else if ((others = others_than_raised(batch, edata)) != NIL)
	{
		Batch		rest = *batch;

		rest.keys = others;
		judge(&rest);
	}
	else if (list_length(batch->keys) > 1)
		judge_apart(batch, batch->keys, batch->parallel);
	else
		set_unknown(batch, linitial(batch->keys), sg_error_text(edata));
	FreeErrorData(edata);
}

/* Returns whether the table that a session waits for is one that a key has locked */
static bool
has_locked(const AuditKey *ak, Oid relid)
{
	List	   *above = lappend_oid(sg_partition_ancestors(relid), relid);

	return list_member_oid(above, ak->key.child) || list_member_oid(above, ak->key.parent);
}

/* Puts keys off, to be judged later */
static void
put_off(const Batch *batch, List *keys)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(batch->late));

	*batch->late = list_concat(*batch->late, keys);
	MemoryContextSwitchTo(old);
}

/*
 * Handles a batch that has given way: keys whose tables others wait for are
 * unknown, or come back later; the rest of the batch is judged at once.
 */
static void
give_way(const Batch *batch, const AuditStop *stop)
{
	Batch		rest = *batch;
	List	   *given = NIL;

	rest.keys = NIL;
	foreach_ptr(AuditKey, ak, batch->keys)
	{
		if (has_locked(ak, stop->relid))
			given = lappend(given, ak);
		else
			rest.keys = lappend(rest.keys, ak);
	}
	/* the table is reached by inheritance */
	if (given == NIL)
	{
		given = rest.keys;
		rest.keys = NIL;
	}
	foreach_ptr(AuditKey, ak, given)
	{
		set_unknown(batch, ak, stop->reason);
		ak->yields++;
		ak->waits_for = stop->relid;
	}
	if (batch->yield == AUDIT_COMES_BACK)
		put_off(batch, given);
	if (rest.keys != NIL)
		judge(&rest);
}

/*
 * Handles a batch whose temporary files take too much space: one table or key
 * takes less, and others may take none
 */
static void
give_up(const Batch *batch, const AuditStop *stop)
{
	if (list_length(batch->keys) > 1)
		judge_apart(batch, batch->keys, batch->parallel);
	else
		set_unknown(batch, linitial(batch->keys), stop->reason);
}

/*
 * Returns whether a batch gives way to waiting sessions: not if a key of it has
 * done so often enough, which is reported
 */
static bool
yields(const Batch *batch)
{
	if (batch->yield == AUDIT_HOLDS || RecoveryInProgress())
		return false;
	foreach_ptr(const AuditKey, ak, batch->keys)
	{
		if (ak->yields < AUDIT_MOST_YIELDS)
			continue;
		sg_tell_and_log(true, psprintf("the audit of %s gave way %d times and now holds its locks", ak->child_table, AUDIT_MOST_YIELDS),
						"ALTER TABLE and whoever comes after it wait until its keys are judged.", NULL);
		return false;
	}
	return true;
}

static void
judge(Batch *batch)
{
	TimestampTz start = GetCurrentTimestamp();
	AuditStop	stop;
	ErrorData  *edata;
	double		elapsed;
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	edata = audit_run(judge_batch, batch, yields(batch), &stop);

	/* divide the time among the keys that were read together */
	elapsed = (GetCurrentTimestamp() - start) / 1000.0 / list_length(batch->keys);
	foreach(lc, batch->keys)
		((AuditKey *) lfirst(lc))->elapsed_ms = elapsed;
	if (stop.reason && OidIsValid(stop.relid))
		give_way(batch, &stop);
	else if (stop.reason)
		give_up(batch, &stop);
	else if (edata)
		recover(batch, edata);
	else
		put_off(batch, batch->busy);
}

/* Waits for a table's lock while holding nothing */
static void
wait_for_table(void *relid)
{
	LockRelationOid(*(Oid *) relid, AccessShareLock);
}

/*
 * Judges the keys of a table that had to wait: waits for the locked table
 * first.
 */
static void
judge_late(const Batch *model, List *keys)
{
	Batch		batch = *model;
	Oid			table = ((AuditKey *) linitial(keys))->waits_for;
	ErrorData  *edata;

	sg_progress_tables(SG_PHASE_LOCKING, table, 0);
	edata = sg_try_undo(wait_for_table, &table);
	if (edata == NULL)
	{
		batch.keys = keys;
		judge(&batch);
		return;
	}

	sg_rethrow_cancel(edata);
	foreach_ptr(AuditKey, ak, keys)
	{
		if (ak->waits_for == table)
			set_unknown(model, ak, sg_error_text(edata));
		else
			*batch.late = lappend(*batch.late, ak);
	}
}

/* Judges all keys that had to wait, table by table, in a limited number of rounds */
static void
judge_all_late(const Batch *model)
{
	ListCell   *lc;

	for (int i = 0; *model->late != NIL && i < MAX_WAITS; i++)
	{
		List	   *keys = *model->late;

		*model->late = NIL;
		while (keys != NIL)
		{
			Oid			child = ((AuditKey *) linitial(keys))->key.child;
			List	   *table = NIL;

			while (keys != NIL && ((AuditKey *) linitial(keys))->key.child == child)
			{
				table = lappend(table, linitial(keys));
				keys = list_delete_first(keys);
			}
			judge_late(model, table);
		}
	}
	foreach(lc, *model->late)
		set_unknown(model, lfirst(lc),
					psprintf("%s is locked by others again and again",
							 sg_relation_name(((AuditKey *) lfirst(lc))->waits_for)));
}

int64
audit_pages(Oid relid)
{
	Relation	rel;
	int64		pages = AUDIT_BATCH_PAGES;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return AUDIT_BATCH_PAGES;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		pages = 0;
	else
	{
		/* an unlogged table has no file on a standby, and gets no verdict */
		if (RecoveryInProgress() && rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
			pages = 0;
		else if (rel->rd_rel->relkind == RELKIND_RELATION)
			pages = RelationGetNumberOfBlocks(rel);
		relation_close(rel, NoLock);
	}
	UnlockRelationOid(relid, AccessShareLock);
	return pages;
}

/* Returns the pages of a relation and adds it to the list; 0 if it is in the list already */
static int64
pages_once(Oid relid, List **counted)
{
	if (list_member_oid(*counted, relid))
		return 0;
	*counted = lappend_oid(*counted, relid);
	return audit_pages(relid);
}

/* Returns the pages that a batch has to read in addition if it takes the table */
static int64
table_pages(const AuditTable *table, List **counted)
{
	int64		pages = pages_once(table->child, counted);
	ListCell   *lc;

	foreach(lc, table->keys)
		pages += pages_once(((AuditKey *) lfirst(lc))->key.parent, counted);
	return pages;
}

void
audit_tables(List *tables, AuditYield yield, AuditJudged judged, void *arg)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "schemaguard audit",
											   ALLOCSET_DEFAULT_SIZES);
	Batch		batch = {.parallel = true,.probe = true,.late = palloc0(sizeof(List *)),.yield = yield};
	List	   *late;
	int			n = list_length(tables);

	for (int i = 0; i < n;)
	{
		MemoryContext old = MemoryContextSwitchTo(work);
		List	   *counted = NIL;
		int64		pages = table_pages(list_nth(tables, i), &counted);
		bool		more;

		batch.keys = NIL;
		batch.samples = ((AuditTable *) list_nth(tables, i))->samples;
		batch.results = ((AuditTable *) list_nth(tables, i))->results;
		do
		{
			AuditTable *table = list_nth(tables, i);

			batch.keys = list_concat(batch.keys, table->keys);
			more = ++i < n && pages < AUDIT_BATCH_PAGES && list_length(batch.keys) < AUDIT_BATCH_KEYS;
			if (more)
				pages += table_pages(list_nth(tables, i), &counted);
		} while (more && pages < AUDIT_BATCH_PAGES);

		judge(&batch);
		MemoryContextSwitchTo(old);
		if (judged)
			judged(list_difference_ptr(batch.keys, *batch.late), arg);
		MemoryContextReset(work);
	}
	MemoryContextDelete(work);

	late = list_copy(*batch.late);
	judge_all_late(&batch);
	if (judged && late != NIL)
		judged(late, arg);
}

void
audit_table(AuditTable *table)
{
	audit_tables(list_make1(table), AUDIT_YIELDS, NULL, NULL);
}

void
audit_tables_at_once(List *tables)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "schemaguard audit",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	const AuditTable *first = linitial(tables);
	Batch		batch = {NIL, first->samples, first->results, true, true,.late = palloc0(sizeof(List *))};
	ListCell   *lc;

	foreach(lc, tables)
		batch.keys = list_concat(batch.keys, ((AuditTable *) lfirst(lc))->keys);
	judge(&batch);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

void
audit_table_locked(AuditTable *table)
{
	Batch		batch = {table->keys, table->samples, table->results, true};
	List	   *keys = NIL;

	foreach_ptr(AuditKey, ak, table->keys)
	{
		const char *problem = ak->rule ? audit_rule_problem(ak) : NULL;

		reset_key(ak);
		if (problem)
			set_unknown(&batch, ak, problem);
		else
			keys = lappend(keys, ak);
	}
	judge_by_table(&batch, keys);
}
