/*-------------------------------------------------------------------------
 *
 * audit_paranoid.c
 *	  A verdict that was read from heaps, compared with the indexes.
 *
 * Three comparisons, each in bounded memory, of indexes whose pages were found
 * to be sound:
 *
 *	  parent rows	every row of the parent's heap is found through the unique
 *					index, at its own place
 *	  lookups		no key of the child that is an orphan is found through it
 *	  child keys	a skip scan over each index of the child that has all its
 *					keys gives the distinct keys, and their numbers of rows,
 *					that the sorted heap gives
 *
 * Together they say that the methods that trust indexes would give the same
 * verdict.  What differs is the index's fault: the heap is the reference.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "audit/audit_index.h"
#include "audit/audit_internal.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"

/*
 * A unique index has one visible row for a key.  Where damage gave it more, we
 * look at so many: a circle of pages would have no end.
 */
#define MAX_ROWS_OF_KEY 100

typedef struct Comparison
{
	AuditKey   *ak;
	List	   *leaves;			/* that audit_keep_leaves has kept */
	Oid			index;			/* to be compared */
	Oid			reading;		/* the index that is read now, or InvalidOid */
	List	   *indexes;		/* of the parent, one per leaf */
	List	   *damage;			/* of char *, what was found */
	char	   *skipped;		/* why an index was not compared, or NULL */
} Comparison;

static void
add_damage(Comparison *comparison, Oid index, const char *what)
{
	char	   *name = sg_relation_name(index);

	comparison->damage = lappend(comparison->damage,
								 psprintf("index %s is corrupt: %s; rebuild it with REINDEX INDEX %s",
										  name, what, name));
}

static void
not_compared(Comparison *comparison, Oid index, const char *problem)
{
	comparison->skipped = psprintf("index %s was not compared: %s", sg_relation_name(index), problem);
}

/* ---- parent rows ---- */

/* Equality of an index with itself, for each of its columns */
static void
init_own_equality(Relation index, ScanKey skeys)
{
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i], type, type,
												   BTEqualStrategyNumber);

		ScanKeyEntryInitialize(&skeys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], get_opcode(operator), (Datum) 0);
	}
}

/* Does the index lead from the row's key to the row? */
static bool
leads_to(IndexScanDesc scan, ScanKey skeys, TupleTableSlot *row, TupleTableSlot *found)
{
	int			n = IndexRelationGetNumberOfKeyAttributes(scan->indexRelation);
	bool		leads = false;

	for (int i = 0; i < n; i++)
	{
		bool		isnull;

		skeys[i].sk_argument = slot_getattr(row, scan->indexRelation->rd_index->indkey.values[i],
											&isnull);
		/* no row of a child refers to it */
		if (isnull)
			return true;
	}
	index_rescan(scan, skeys, n, NULL, 0);
	for (int i = 0; i < MAX_ROWS_OF_KEY && !leads &&
		 index_getnext_slot(scan, ForwardScanDirection, found); i++)
		leads = ItemPointerEquals(&found->tts_tid, &row->tts_tid);
	ExecClearTuple(found);

	return leads;
}

static void
compare_rows(Comparison *comparison, Relation table, Relation index)
{
	TupleTableSlot *row = table_slot_create(table, NULL);
	TupleTableSlot *found = table_slot_create(table, NULL);
	TableScanDesc heap = table_beginscan(table, GetActiveSnapshot(), 0, NULL, SO_NONE);
	IndexScanDesc scan = index_beginscan(table, index, GetActiveSnapshot(), NULL,
										 IndexRelationGetNumberOfKeyAttributes(index), 0, SO_NONE);
	ScanKeyData skeys[INDEX_MAX_KEYS];
	int64		rows = 0;
	int64		missing = 0;

	comparison->reading = comparison->index;
	audit_btree_check(table, index);
	comparison->reading = InvalidOid;

	init_own_equality(index, skeys);
	while (table_scan_getnextslot(heap, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		rows++;
		comparison->reading = comparison->index;
		missing += !leads_to(scan, skeys, row, found);
		comparison->reading = InvalidOid;
	}
	index_endscan(scan);
	table_endscan(heap);
	ExecDropSingleTupleTableSlot(found);
	ExecDropSingleTupleTableSlot(row);

	if (missing > 0)
		add_damage(comparison, comparison->index,
				   psprintf(INT64_FORMAT " of " INT64_FORMAT " parent rows are not found through it",
							missing, rows));
}

static void
compare_parent_rows(void *arg)
{
	Comparison *comparison = arg;
	Relation	table = table_open(IndexGetRelation(comparison->index, false), NoLock);
	Relation	index = index_open(comparison->index, AccessShareLock);
	char	   *problem = audit_index_problem(index);

	if (problem)
		not_compared(comparison, comparison->index, problem);
	else
		compare_rows(comparison, table, index);
	index_close(index, NoLock);
	table_close(table, NoLock);
}

/* ---- lookups ---- */

/* The parent's indexes, asked one after the other */
typedef struct Probes
{
	int			n;
	IndexProbe **probe;
	Oid		   *index;
	int64	   *wrong;			/* keys for which it leads to another row */
} Probes;

static bool
begin_probes(Comparison *comparison, Probes *probes)
{
	int			n = list_length(comparison->indexes);

	probes->n = 0;
	probes->probe = palloc(sizeof(IndexProbe *) * n);
	probes->index = palloc(sizeof(Oid) * n);
	probes->wrong = palloc0(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
	{
		char	   *problem;

		probes->index[i] = list_nth_oid(comparison->indexes, i);
		probes->probe[i] = audit_probe_begin(&comparison->ak->key, probes->index[i], &problem);
		if (probes->probe[i] == NULL)
		{
			not_compared(comparison, probes->index[i], problem);
			return false;
		}
		probes->n++;
	}
	return true;
}

static void
end_probes(Probes *probes)
{
	for (int i = 0; i < probes->n; i++)
		audit_probe_end(probes->probe[i]);
}

static bool
find_parent(Comparison *comparison, Probes *probes, const KeyOrder *order, const Datum *values)
{
	bool		found = false;

	for (int i = 0; i < probes->n && !found; i++)
	{
		ProbeResult result;

		comparison->reading = probes->index[i];
		result = audit_probe_find(probes->probe[i], order, values);
		comparison->reading = InvalidOid;
		found = result == PROBE_FOUND;
		probes->wrong[i] += result == PROBE_WRONG;
	}
	return found;
}

static bool
has_null(const KeyOrder *order, const bool *nulls)
{
	for (int i = 0; i < order->nkeys; i++)
	{
		if (nulls[i])
			return true;
	}
	return false;
}

/*
 * An orphan that is found is one for which an index leads to a row with
 * another key.  The number of orphan keys has to be the heap's, too.
 */
static void
look_up_keys(Comparison *comparison, Probes *probes, const KeyOrder *order)
{
	SortedKeys *sorted = audit_sorted_begin(&comparison->ak->key, comparison->leaves, order);
	Datum	   *values;
	bool	   *nulls;
	int64		rows;
	int64		keys = 0;
	int64		orphans = 0;
	bool		wrong = false;

	while (audit_sorted_next(sorted, &values, &nulls, &rows))
	{
		keys++;
		orphans += has_null(order, nulls) || !find_parent(comparison, probes, order, values);
	}
	audit_sorted_end(sorted);

	for (int i = 0; i < probes->n; i++)
	{
		if (probes->wrong[i] > 0)
			add_damage(comparison, probes->index[i],
					   psprintf("it leads to rows with other keys for " INT64_FORMAT " of " INT64_FORMAT " child keys",
								probes->wrong[i], keys));
		wrong |= probes->wrong[i] > 0;
	}
	if (!wrong && comparison->damage == NIL && orphans != comparison->ak->orphan_keys)
		add_damage(comparison, comparison->ak->key.index,
				   psprintf("it gives " INT64_FORMAT " orphan keys, the tables " INT64_FORMAT,
							orphans, comparison->ak->orphan_keys));
}

static void
compare_lookups(void *arg)
{
	Comparison *comparison = arg;
	const FkKey *key = &comparison->ak->key;
	KeyOrder	order;
	Probes		probes;

	/*
	 * of other types, each row would have to be looked up: their parents are
	 * compared
	 */
	if (!key_order_make(&order, key, NULL) || !key_order_stands(&order, key))
		return;
	if (begin_probes(comparison, &probes))
		look_up_keys(comparison, &probes, &order);
	end_probes(&probes);
}

/* ---- child keys ---- */

/* The next key of the heap without a null, as an index has it */
static bool
next_sorted(SortedKeys *sorted, const KeyOrder *order, Datum **values, int64 *rows)
{
	bool	   *nulls;

	while (audit_sorted_next(sorted, values, &nulls, rows))
	{
		if (!has_null(order, nulls))
			return true;
	}
	return false;
}

/*
 * Both give their keys in the same order: merge them.  The rows of a key are
 * counted in the index even if the heap has it not, or less would be read
 * than the method that trusts it might read.
 */
static void
merge_keys(Comparison *comparison, SortedKeys *sorted, SkipScan *skip, const KeyOrder *order)
{
	Datum	   *heap_values;
	int64		heap_rows;
	int64		keys = 0;
	int64		different = 0;
	const Datum *values = audit_skip_next(skip);
	bool		more = next_sorted(sorted, order, &heap_values, &heap_rows);

	while (more || values)
	{
		int			c = !more ? 1 : !values ? -1 : key_order_compare(order, heap_values, values);

		CHECK_FOR_INTERRUPTS();
		keys++;
		if (c != 0 || audit_skip_rows(skip) != heap_rows)
			different++;
		if (c >= 0)
			values = audit_skip_next(skip);
		if (c <= 0)
		{
			comparison->reading = InvalidOid;
			more = next_sorted(sorted, order, &heap_values, &heap_rows);
			comparison->reading = comparison->index;
		}
	}

	if (different > 0)
		add_damage(comparison, comparison->index,
				   psprintf("for " INT64_FORMAT " of " INT64_FORMAT " child keys it has not the rows of the table",
							different, keys));
}

static void
compare_child_keys(void *arg)
{
	Comparison *comparison = arg;
	const FkKey *key = &comparison->ak->key;
	Relation	child = table_open(key->child, NoLock);
	Relation	index = index_open(comparison->index, AccessShareLock);
	SortedKeys *sorted;
	SkipScan   *skip;
	KeyOrder	order;

	if (!audit_skip_order(index, key, &order))
		elog(ERROR, "index %s has changed under lock", sg_relation_name(comparison->index));
	comparison->reading = comparison->index;
	audit_btree_check(child, index);
	comparison->reading = InvalidOid;
	index_close(index, NoLock);
	table_close(child, NoLock);

	sorted = audit_sorted_begin(key, comparison->leaves, &order);
	comparison->reading = comparison->index;
	skip = audit_skip_begin(key, comparison->index);
	merge_keys(comparison, sorted, skip, &order);
	audit_skip_end(skip);
	comparison->reading = InvalidOid;
	audit_sorted_end(sorted);
}

/* ---- all of them ---- */

/* What a damaged file looks like to its readers: classes XX and 58 */
static bool
is_damage(const ErrorData *edata)
{
	int			category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_INDEX_CORRUPTED) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_IO_ERROR);
}

/* The message of an error, without what add_damage puts before it */
static const char *
damage_text(const ErrorData *edata, Oid index)
{
	char	   *message = sg_error_text(edata);
	char	   *prefix = psprintf("index %s is corrupt: ", sg_relation_name(index));
	Size		len = strlen(prefix);

	return strncmp(message, prefix, len) == 0 ? &message[len] : message;
}

/* One comparison.  An index that can't be read is damage, too: then false */
static bool
run(Comparison *comparison, void (*compare) (void *arg), Oid index)
{
	ErrorData  *edata;

	comparison->index = index;
	comparison->reading = InvalidOid;
	if (RecoveryInProgress())
	{
		/* no subtransaction, as in all reading there */
		compare(comparison);
		return true;
	}

	edata = sg_try(compare, comparison);
	if (edata == NULL)
		return true;
	sg_rethrow_cancel(edata);
	if (!OidIsValid(comparison->reading) || !is_damage(edata))
		ReThrowError(edata);
	add_damage(comparison, comparison->reading, damage_text(edata, comparison->reading));
	FreeErrorData(edata);
	return false;
}

static void
compare_indexes(Comparison *comparison)
{
	const FkKey *key = &comparison->ak->key;
	char	   *problem = audit_heap_problem(key, comparison->leaves);
	bool		readable = true;
	ListCell   *lc;

	if (problem)
	{
		not_compared(comparison, key->index, problem);
		return;
	}

	comparison->indexes = audit_leaves(key->index, NIL);
	foreach(lc, comparison->indexes)
		readable &= run(comparison, compare_parent_rows, lfirst_oid(lc));
	if (comparison->skipped == NULL && readable)
		(void) run(comparison, compare_lookups, key->index);

	if (get_rel_relkind(key->child) != RELKIND_RELATION)
		return;
	foreach(lc, audit_skip_indexes(key))
		(void) run(comparison, compare_child_keys, lfirst_oid(lc));
}

void
audit_paranoid(AuditKey *ak, List *leaves, MemoryContext results)
{
	Comparison	comparison = {.ak = ak,.leaves = leaves};
	SgScope		scope;
	ListCell   *lc;

	if (!sg_audit_paranoid || (ak->result != AUDIT_PASS && ak->result != AUDIT_FAIL))
		return;

	audit_scope_begin(&scope, &ak->key, false);
	compare_indexes(&comparison);
	sg_scope_end(&scope);

	foreach(lc, comparison.damage)
		audit_add_reason(ak, lfirst(lc), results);
	if (comparison.damage && ak->result == AUDIT_PASS)
		ak->result = AUDIT_UNKNOWN;
	if (comparison.skipped)
		audit_add_reason(ak, comparison.skipped, results);
}
