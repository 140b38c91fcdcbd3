/*-------------------------------------------------------------------------
 *
 * audit_probe.c
 *	  Looking keys of a child up in the parent's unique index.
 *
 * A key counts as found when the index leads to a visible row of the parent
 * that the key's operators call equal.  So a damaged index may hide parents,
 * but it can't make up one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_collation.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_index.h"
#include "base/compat.h"
#include "base/quote.h"

struct IndexProbe
{
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	MemoryContext context;		/* of one probe */
	int			nkeys;
	/* by column of the index */
	int			position[INDEX_MAX_KEYS];	/* in FkKey's arrays */
	AttrNumber	att[INDEX_MAX_KEYS];	/* of the table */
	FmgrInfo	cast[INDEX_MAX_KEYS];	/* fn_oid 0: none */
	ScanKeyData skey[INDEX_MAX_KEYS];
};

/*
 * Does the index compare by another notion of equality than the key, which
 * takes the column's collation?
 */
static bool
collations_differ(Oid a, Oid b)
{
	return a != b && ((OidIsValid(a) && !get_collation_isdeterministic(a)) ||
					  (OidIsValid(b) && !get_collation_isdeterministic(b)));
}

/*
 * One column: the operator's function, and what makes the child's values its
 * right input, as for the checks of core's triggers.
 */
static char *
make_column(IndexProbe *probe, const FkKey *key, int i)
{
	int			position = probe->position[i];
	Oid			operator = key->pf_eq_op[position];
	Oid			child_type = get_atttype(key->child, key->child_att[position]);
	Oid			parent_type,
				collation,
				left,
				right,
				function = InvalidOid;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[position], &parent_type, &typmod, &collation);
	if (collations_differ(probe->index->rd_indcollation[i], collation))
		return "its collation is another than the column's";

	op_input_types(operator, &left, &right);
	if (get_op_opfamily_strategy(operator, probe->index->rd_opfamily[i]) != BTEqualStrategyNumber ||
		!OidIsValid(get_opfamily_proc(probe->index->rd_opfamily[i], probe->index->rd_opcintype[i],
									  right, BTORDER_PROC)))
		return "its operators are not those of the key";

	switch (find_coercion_pathway(right, child_type, COERCION_IMPLICIT, &function))
	{
		case COERCION_PATH_FUNC:
			fmgr_info(function, &probe->cast[i]);
			break;
		case COERCION_PATH_RELABELTYPE:
			break;
		default:
			/* inputs such as anyenum */
			if (!IsBinaryCoercible(child_type, right))
				return "the child's values can't be looked up in it";
	}
	ScanKeyEntryInitialize(&probe->skey[i], 0, i + 1, BTEqualStrategyNumber, right,
						   probe->index->rd_indcollation[i], get_opcode(operator), (Datum) 0);
	return NULL;
}

/* Which columns of the key are the columns of the parent's index? */
static char *
find_positions(IndexProbe *probe, const FkKey *key)
{
	Relation	index = index_open(key->index, AccessShareLock);
	int			found = 0;

	/* a partition's index has the same columns, with numbers of its own */
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		for (int p = 0; p < key->nkeys; p++)
		{
			if (key->parent_att[p] == index->rd_index->indkey.values[i])
			{
				probe->position[i] = p;
				probe->att[i] = probe->index->rd_index->indkey.values[i];
				found++;
			}
		}
	}
	probe->nkeys = index->rd_index->indnkeyatts;
	index_close(index, NoLock);

	return found == key->nkeys && found == probe->nkeys ? NULL :
		"its columns are not those of the key";
}

static char *
make_columns(IndexProbe *probe, const FkKey *key)
{
	char	   *problem = audit_index_problem(probe->index);

	if (problem == NULL)
		problem = find_positions(probe, key);
	for (int i = 0; i < key->nkeys && problem == NULL; i++)
		problem = make_column(probe, key, i);
	return problem;
}

IndexProbe *
audit_probe_begin(const FkKey *key, Oid indexid, char **problem)
{
	IndexProbe *probe = palloc0(sizeof(IndexProbe));

	probe->table = table_open(IndexGetRelation(indexid, false), NoLock);
	probe->index = index_open(indexid, AccessShareLock);
	*problem = make_columns(probe, key);
	if (*problem)
	{
		index_close(probe->index, NoLock);
		table_close(probe->table, NoLock);
		pfree(probe);
		return NULL;
	}

	probe->context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard probe",
										   ALLOCSET_SMALL_SIZES);
	probe->slot = table_slot_create(probe->table, NULL);
	probe->scan = index_beginscan(probe->table, probe->index, GetActiveSnapshot(), NULL,
								  probe->nkeys, 0, SO_NONE);
	return probe;
}

/* The child's columns in the order of that index; false as of key_order_make */
static bool
probe_order(IndexProbe *probe, const FkKey *key, KeyOrder *order)
{
	return key_order_make(order, key, probe->position);
}

/* Is the row that the index leads to one that the key's operators call equal? */
static bool
row_matches(IndexProbe *probe)
{
	for (int i = 0; i < probe->nkeys; i++)
	{
		ScanKey		skey = &probe->skey[i];
		bool		isnull;
		Datum		value = slot_getattr(probe->slot, probe->att[i], &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(&skey->sk_func, skey->sk_collation,
													  value, skey->sk_argument)))
			return false;
	}
	return true;
}

ProbeResult
audit_probe_find(IndexProbe *probe, const KeyOrder *order, const Datum *values)
{
	Datum		by_position[INDEX_MAX_KEYS];
	ProbeResult result = PROBE_ABSENT;
	MemoryContext old = MemoryContextSwitchTo(probe->context);

	for (int i = 0; i < order->nkeys; i++)
		by_position[order->position[i]] = values[i];
	for (int i = 0; i < probe->nkeys; i++)
	{
		Datum		value = by_position[probe->position[i]];

		if (OidIsValid(probe->cast[i].fn_oid))
			value = FunctionCall3(&probe->cast[i], value, Int32GetDatum(-1), BoolGetDatum(false));
		probe->skey[i].sk_argument = value;
	}

	/* what a scan allocates on the way has to live as long as the scan */
	MemoryContextSwitchTo(old);
	index_rescan(probe->scan, probe->skey, probe->nkeys, NULL, 0);
	if (index_getnext_slot(probe->scan, ForwardScanDirection, probe->slot))
	{
		MemoryContextSwitchTo(probe->context);
		result = row_matches(probe) ? PROBE_FOUND : PROBE_WRONG;
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(probe->slot);
	MemoryContextReset(probe->context);

	return result;
}

bool
audit_probe_has(IndexProbe *probe, const KeyOrder *order, const Datum *values)
{
	ProbeResult result = audit_probe_find(probe, order, values);

	if (result == PROBE_WRONG)
		audit_index_corrupt(RelationGetRelid(probe->index), "it leads to a row with another key");
	return result == PROBE_FOUND;
}

void
audit_probe_end(IndexProbe *probe)
{
	index_endscan(probe->scan);
	ExecDropSingleTupleTableSlot(probe->slot);
	index_close(probe->index, NoLock);
	table_close(probe->table, NoLock);
	MemoryContextDelete(probe->context);
	pfree(probe);
}

static bool
has_null(const bool *nulls, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			return true;
	}
	return false;
}

bool
audit_index_probe(IndexVerdict *verdict, const FkKey *key, List *leaves, int samples, MemoryContext results)
{
	char	   *problem;
	IndexProbe *probe = audit_probe_begin(key, key->index, &problem);
	KeyOrder	order;
	SortedKeys *sorted;
	Datum	   *values;
	bool	   *nulls;
	int64		rows;
	int64		nkeys = 0;

	if (probe == NULL)
		return false;

	/*
	 * in the order of the index, so that neighbours are looked up one after
	 * the other
	 */
	if (!probe_order(probe, key, &order))
		elog(ERROR, "a column of %s has no order", sg_relation_name(key->child));
	sorted = audit_sorted_begin(key, leaves, &order);
	while (nkeys <= verdict->max_keys && audit_sorted_next(sorted, &values, &nulls, &rows))
	{
		nkeys++;
		/* a key that is partly null is here for MATCH FULL, which forbids it */
		if (has_null(nulls, order.nkeys) || !audit_probe_has(probe, &order, values))
			index_verdict_add(verdict, key, &order, values, nulls, rows, samples, results);
	}
	audit_sorted_end(sorted);
	audit_probe_end(probe);

	return nkeys <= verdict->max_keys;
}
