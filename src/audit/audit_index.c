/*-------------------------------------------------------------------------
 *
 * audit_index.c
 *	  Which indexes an audit may read, and when that is worth it.
 *
 * A method that reads an index judges one row of each group of equal keys
 * for all of them, and believes the index that there are no other keys.  So
 * an index has to sort and compare as the columns do, and equal keys must
 * have the same parents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/plancat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "audit/audit.h"
#include "audit/audit_index.h"
#include "audit/audit_internal.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"

/*
 * A distinct key read by index costs as much as so many pages of a scan: two
 * descents of a tree and two rows, at random places.
 */
#define PAGES_PER_KEY	8

/* So many index entries that are passed over cost as much as one page */
#define ENTRIES_PER_PAGE	256

bool
key_order_make(KeyOrder *order, const FkKey *key, const int *positions)
{
	order->nkeys = key->nkeys;
	for (int i = 0; i < key->nkeys; i++)
	{
		int			position = positions ? positions[i] : i;
		Oid			type;

		order->position[i] = position;
		order->att[i] = key->child_att[position];
		get_atttypetypmodcoll(key->child, order->att[i], &type, &order->typmod[i],
							  &order->collation[i]);
		order->type[i] = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_BTREE_OPFAMILY |
										   TYPECACHE_CMP_PROC_FINFO);
		if (!OidIsValid(order->type[i]->lt_opr) ||
			!OidIsValid(order->type[i]->cmp_proc_finfo.fn_oid))
			return false;
	}
	return true;
}

int
key_order_compare(const KeyOrder *order, const Datum *a, const Datum *b)
{
	for (int i = 0; i < order->nkeys; i++)
	{
		int			c = DatumGetInt32(FunctionCall2Coll(&order->type[i]->cmp_proc_finfo,
														order->collation[i], a[i], b[i]));

		if (c != 0)
			return c;
	}
	return 0;
}

/* Are equal values of the column the same bytes? */
static bool
is_equal_image(const TypeCacheEntry *type, Oid collation)
{
	Oid			proc = get_opfamily_proc(type->btree_opf, type->btree_opintype,
										 type->btree_opintype, BTEQUALIMAGE_PROC);

	return OidIsValid(proc) &&
		DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(type->btree_opintype)));
}

/*
 * Values that are the same bytes have the same parents.  So have values that
 * are equal for the operator family and the collation by which the key
 * compares them to parents.
 */
bool
key_order_stands(const KeyOrder *order, const FkKey *key)
{
	for (int i = 0; i < order->nkeys; i++)
	{
		int			position = order->position[i];
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->parent, key->parent_att[position], &type, &typmod, &collation);
		if (!is_equal_image(order->type[i], order->collation[i]) &&
			(collation != order->collation[i] ||
			 get_op_opfamily_strategy(key->pf_eq_op[position],
									  order->type[i]->btree_opf) != BTEqualStrategyNumber))
			return false;
	}
	return true;
}

char *
audit_heap_problem(const FkKey *key, List *leaves)
{
	Oid			tables[] = {key->parent, key->child};
	const char *problem = audit_leaves_problem(key, leaves);

	if (problem)
		return pstrdup(problem);
	for (int i = 0; i < lengthof(tables); i++)
	{
		ListCell   *lc;

		foreach(lc, audit_leaves(tables[i], leaves))
		{
			Relation	rel = table_open(lfirst_oid(lc), NoLock);
			bool		heap = rel->rd_rel->relam == HEAP_TABLE_AM_OID;

			table_close(rel, NoLock);
			if (!heap)
				return psprintf("%s is no heap", sg_relation_name(lfirst_oid(lc)));
		}
	}
	return NULL;
}

char *
audit_index_problem(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relkind != RELKIND_INDEX || index->rd_rel->relam != BTREE_AM_OID)
		return "it is no btree";
	if (!form->indisvalid || !form->indisready || !form->indislive)
		return "it is not valid";

	/*
	 * As the planner: rows of a broken HOT chain are in such an index with
	 * their newest value only.
	 */
	if (form->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   TransactionXmin))
		return "it is newer than a transaction that still runs";
	return NULL;
}

/* column IS NOT NULL, of a row that is looked at */
static bool
is_not_null_test(Node *node, const FkKey *key)
{
	NullTest   *test = (NullTest *) node;

	if (!IsA(node, NullTest) || test->nulltesttype != IS_NOT_NULL || test->argisrow ||
		!IsA(test->arg, Var))
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		if (((Var *) test->arg)->varattno == key->child_att[i])
			return true;
	}
	return false;
}

/* Are all rows without a null in the key in this index?  Its predicate is not evaluated. */
static bool
has_all_keys(Relation index, const FkKey *key)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										Anum_pg_index_indpred, &isnull);
	Node	   *predicate;
	ListCell   *lc;

	if (isnull)
		return true;
	predicate = stringToNode(TextDatumGetCString(datum));
	foreach(lc, is_andclause(predicate) ? ((BoolExpr *) predicate)->args : list_make1(predicate))
	{
		if (!is_not_null_test(lfirst(lc), key))
			return false;
	}
	return true;
}

/*
 * The key's columns in the order of an index: its first ones, each once.  A
 * key may have a column of the child twice, and so may an index.
 */
static bool
find_positions(Relation index, const FkKey *key, int *positions)
{
	Bitmapset  *used = NULL;

	if (index->rd_index->indnkeyatts < key->nkeys)
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		int			p = 0;

		if (index->rd_indoption[i] & INDOPTION_DESC)
			return false;
		while (p < key->nkeys && (bms_is_member(p, used) ||
								  key->child_att[p] != index->rd_index->indkey.values[i]))
			p++;
		if (p == key->nkeys)
			return false;
		used = bms_add_member(used, p);
		positions[i] = p;
	}
	return true;
}

bool
audit_skip_order(Relation index, const FkKey *key, KeyOrder *order)
{
	int			positions[INDEX_MAX_KEYS];

	if (audit_index_problem(index) || !find_positions(index, key, positions) ||
		!has_all_keys(index, key) || !key_order_make(order, key, positions))
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		if (index->rd_opfamily[i] != order->type[i]->btree_opf ||
			index->rd_opcintype[i] != order->type[i]->btree_opintype ||
			index->rd_indcollation[i] != order->collation[i])
			return false;
	}
	return true;
}

List *
audit_skip_indexes(const FkKey *key)
{
	Relation	child = table_open(key->child, NoLock);
	List	   *indexes = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(child))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		KeyOrder	order;

		if (audit_skip_order(index, key, &order))
			indexes = lappend_oid(indexes, lfirst_oid(lc));
		index_close(index, NoLock);
	}
	table_close(child, NoLock);

	return indexes;
}

void
audit_index_corrupt(Oid index, const char *how)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index %s is corrupt: %s", sg_relation_name(index), how),
			 errhint("Find out what damaged it, then rebuild it:\nREINDEX INDEX %s;",
					 sg_relation_name(index))));
}

void
index_verdict_add(IndexVerdict *verdict, const FkKey *key, const KeyOrder *order,
				  const Datum *values, const bool *nulls, int64 rows,
				  int samples, MemoryContext results)
{
	Datum		key_values[INDEX_MAX_KEYS];
	bool		key_nulls[INDEX_MAX_KEYS] = {0};
	Jsonb	   *object;
	MemoryContext old;

	verdict->orphan_rows += rows;
	verdict->orphan_keys++;
	if (list_length(verdict->sample) >= samples)
		return;

	for (int i = 0; i < order->nkeys; i++)
	{
		key_values[order->position[i]] = values[i];
		key_nulls[order->position[i]] = nulls && nulls[i];
	}
	object = audit_key_object(key, key_values, key_nulls, results);
	old = MemoryContextSwitchTo(results);
	verdict->sample = lappend(verdict->sample, object);
	MemoryContextSwitchTo(old);
}

/* ---- when it is worth it ---- */

/* Pages and rows of a table or its partitions, as the planner sees them */
static void
estimate_size(Oid relid, List *leaves, double *pages, double *rows)
{
	ListCell   *lc;

	*pages = *rows = 0;
	foreach(lc, audit_leaves(relid, leaves))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		BlockNumber leaf_pages;
		double		leaf_rows,
					visible;

		estimate_rel_size(rel, NULL, &leaf_pages, &leaf_rows, &visible);
		*pages += leaf_pages;
		*rows += leaf_rows;
		table_close(rel, NoLock);
	}
}

/*
 * Distinct keys of the child: the product of its columns' statistics, or 0
 * when a column has none.  *partly_null are the rows with a null in another
 * column than the first of the order.
 */
static double
estimate_keys(const FkKey *key, const KeyOrder *order, double rows, double *partly_null)
{
	bool		inherited = get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE;
	double		keys = 1;

	*partly_null = 0;
	for (int i = 0; i < order->nkeys; i++)
	{
		HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(key->child),
											Int16GetDatum(order->att[i]), BoolGetDatum(inherited));
		Form_pg_statistic form;

		if (!HeapTupleIsValid(tuple))
			return 0;
		form = (Form_pg_statistic) GETSTRUCT(tuple);
		keys *= form->stadistinct < 0 ? -form->stadistinct * rows : form->stadistinct;
		if (i > 0)
			*partly_null += form->stanullfrac * rows;
		ReleaseSysCache(tuple);
	}
	return Min(keys, rows);
}

/*
 * A skip scan costs PAGES_PER_KEY for each distinct key and a page for
 * ENTRIES_PER_PAGE partly null rows, which it passes one by one.  It is used
 * where that is less than the pages of the child, and is given up when there
 * are more keys than that.
 */
static int64
skip_scan_limit(const FkKey *key, List *leaves, Oid indexid)
{
	Relation	index = index_open(indexid, NoLock);
	KeyOrder	order;
	double		pages,
				rows,
				partly_null,
				keys,
				limit;

	if (!audit_skip_order(index, key, &order))
		elog(ERROR, "index %u has changed under lock", indexid);
	index_close(index, NoLock);

	estimate_size(key->child, leaves, &pages, &rows);
	keys = estimate_keys(key, &order, rows, &partly_null);
	limit = (pages - partly_null / ENTRIES_PER_PAGE) / PAGES_PER_KEY;

	return keys > 0 && keys <= limit ? (int64) limit : 0;
}

/* The index of the child to scan, and up to how many keys; or InvalidOid */
static Oid
choose_skip_index(const FkKey *key, List *leaves, int64 *max_keys)
{
	Oid			best = InvalidOid;
	ListCell   *lc;

	/*
	 * partly null keys are violations of MATCH FULL, and a skip scan passes
	 * them
	 */
	if (get_rel_relkind(key->child) != RELKIND_RELATION ||
		(key->match == FKCONSTR_MATCH_FULL && key->nkeys > 1))
		return InvalidOid;

	*max_keys = 0;
	foreach(lc, audit_skip_indexes(key))
	{
		int64		limit = skip_scan_limit(key, leaves, lfirst_oid(lc));

		if (limit > *max_keys)
		{
			best = lfirst_oid(lc);
			*max_keys = limit;
		}
	}
	return best;
}

/*
 * Probing reads the child as a scan does, but PAGES_PER_KEY for each distinct
 * key instead of the parent.  Returns up to how many keys, or 0.
 */
static int64
probe_limit(const FkKey *key, List *leaves, const KeyOrder *order)
{
	double		pages,
				rows,
				partly_null,
				keys,
				limit;

	estimate_size(key->parent, leaves, &pages, &rows);
	limit = pages / PAGES_PER_KEY;
	estimate_size(key->child, leaves, &pages, &rows);
	keys = estimate_keys(key, order, rows, &partly_null);
	if (keys == 0)
		keys = rows;

	return keys <= limit ? (int64) limit : 0;
}

/* Are both tables such that an index can tell? */
static bool
can_read_indexes(const FkKey *key, List *leaves, KeyOrder *order)
{
	return !key->period &&
		get_rel_relkind(key->parent) == RELKIND_RELATION &&
		key_order_make(order, key, NULL) && key_order_stands(order, key) &&
		audit_heap_problem(key, leaves) == NULL;
}

static bool
judge_by_index(AuditKey *ak, List *leaves, int samples, MemoryContext results,
			   IndexVerdict *verdict, char **used)
{
	const FkKey *key = &ak->key;
	KeyOrder	order;
	Oid			index;

	if (!can_read_indexes(key, leaves, &order))
		return false;

	*used = sg_relation_name(key->index);
	index = choose_skip_index(key, leaves, &verdict->max_keys);
	if (OidIsValid(index) && audit_skip_scan(verdict, key, index, samples, results))
	{
		ak->method = "skip scan";
		*used = psprintf("%s and %s", sg_relation_name(index), *used);
		return true;
	}

	memset(verdict, 0, sizeof(IndexVerdict));
	verdict->max_keys = probe_limit(key, leaves, &order);
	if (verdict->max_keys > 0 && audit_index_probe(verdict, key, leaves, samples, results))
	{
		ak->method = "index probe";
		return true;
	}
	return false;
}

bool
audit_by_index(AuditKey *ak, List *leaves, int samples, MemoryContext results)
{
	IndexVerdict verdict = {0};
	SgScope		scope;
	char	   *used;
	bool		done;

	/* who doubts the indexes does not want to hear from them alone */
	if (!sg_audit_use_index || sg_audit_paranoid || sg_audit_method != SG_AUDIT_AUTO)
		return false;

	sg_progress_tables(SG_PHASE_SCANNING, ak->key.child, 0);
	audit_scope_begin(&scope, &ak->key, false);
	done = judge_by_index(ak, leaves, samples, results, &verdict, &used);
	sg_scope_end(&scope);
	if (!done)
		return false;

	ak->by_index = true;
	ak->rows_checked = -1;
	ak->orphan_rows = verdict.orphan_rows;
	ak->orphan_keys = verdict.orphan_keys;
	ak->sample = verdict.sample;
	ak->result = verdict.orphan_rows > 0 ? AUDIT_FAIL : AUDIT_PASS;
	audit_add_reason(ak, psprintf("read by index %s", used), results);

	return true;
}

void
audit_add_reason(AuditKey *ak, const char *reason, MemoryContext results)
{
	/* the constraint's own trouble, if any, would not be told otherwise */
	const char *before = ak->reason ? ak->reason : ak->key.unarmed_reason;

	ak->reason = MemoryContextStrdup(results, before ? psprintf("%s; %s", before, reason) : reason);
}
