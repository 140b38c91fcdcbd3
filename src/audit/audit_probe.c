/*-------------------------------------------------------------------------
 *
 * audit_probe.c
 *	  Looking keys of a child up in the parent's unique index.
 *
 * A key counts as found when the index leads to a visible row of the parent
 * that the key's operators call equal: that proves the parent, whatever state
 * the index is in.  A key that is not found proves nothing; it is for whoever
 * asks to read the parent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "parser/parse_coerce.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "audit/audit_internal.h"
#include "audit/audit_probe.h"
#include "base/compat.h"

typedef struct SeenKey
{
	AuditBytes	key;
	uint32		hash;
	bool		found;
	char		status;
} SeenKey;

#define SH_PREFIX seen
#define SH_ELEMENT_TYPE SeenKey
#define SH_KEY_TYPE AuditBytes
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_bytes((unsigned char *) (key).data, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct ProbedLeaf
{
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
} ProbedLeaf;

/* Column of the index */
typedef struct ProbedColumn
{
	int			position;		/* in FkKey's arrays */
	FmgrInfo	cast;			/* cast of the child's value; fn_oid 0: none */
	ScanKeyData skey;
} ProbedColumn;

struct AuditProbe
{
	const AuditCodec *codec;
	seen_hash  *seen;
	Size		memory;			/* memory for cached keys */
	Size		used;
	Oid		   *asking;
	MemoryContext kept;			/* context of cached keys and scans */
	MemoryContext work;			/* context of one look-up */
	int			ncolumns;
	ProbedColumn column[INDEX_MAX_KEYS];
	int			nleaves;
	ProbedLeaf	leaf[AUDIT_PROBE_LEAVES];
};

/* ---- which indexes can be asked ---- */

/*
 * Returns whether the index has all rows that the active snapshot sees: rows of
 * a broken HOT chain are in it only with their newest value, as the planner
 * knows, too.
 */
static bool
has_all_rows(Relation index)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID &&
		form->indisvalid && form->indisready && form->indislive &&
		!(form->indcheckxmin &&
		  !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin));
}

/*
 * Finds the operator's function for a column, and the cast of the child's value
 * to its right input, like the checks of core's triggers; returns false if the
 * index uses other operators or another collation.
 */
static bool
make_column(const FkKey *key, Relation index, int i, ProbedColumn *column)
{
	Oid			operator = key->pf_eq_op[column->position];
	Oid			child_type = get_atttype(key->child, key->child_att[column->position]);
	Oid			parent_type,
				collation,
				left,
				right,
				function;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[column->position], &parent_type, &typmod, &collation);
	op_input_types(operator, &left, &right);
	if (index->rd_indcollation[i] != collation ||
		get_op_opfamily_strategy(operator, index->rd_opfamily[i]) != BTEqualStrategyNumber ||
		!OidIsValid(get_opfamily_proc(index->rd_opfamily[i], index->rd_opcintype[i], right, BTORDER_PROC)))
		return false;

	switch (find_coercion_pathway(right, child_type, COERCION_IMPLICIT, &function))
	{
		case COERCION_PATH_FUNC:
			fmgr_info(function, &column->cast);
			break;
		case COERCION_PATH_RELABELTYPE:
			break;
		default:
			if (!IsBinaryCoercible(child_type, right))
				return false;
	}
	ScanKeyEntryInitialize(&column->skey, 0, i + 1, BTEqualStrategyNumber, right, collation, get_opcode(operator), (Datum) 0);
	return true;
}

/*
 * Fills in the columns of the parent's own index, whose order those of
 * partitions share; returns their number, or 0
 */
static int
make_columns(const FkKey *key, ProbedColumn *columns)
{
	/* a parallel worker has none of its leader's locks */
	Relation	index = index_open(key->index, AccessShareLock);
	int			n = index->rd_index->indnkeyatts;
	bool		made = n == key->nkeys;

	for (int i = 0; i < n && made; i++)
	{
		int			p = 0;

		while (p < n && key->parent_att[p] != index->rd_index->indkey.values[i])
			p++;
		columns[i].position = p;
		made = p < n && make_column(key, index, i, &columns[i]);
	}
	index_close(index, NoLock);
	return made ? n : 0;
}

int
audit_probe_leaves(const FkKey *key, List *kept, AuditProbeLeaf *leaves)
{
	List	   *tables = audit_leaves(key->parent, kept);
	CodeReach  *reach = code_reach();
	ProbedColumn columns[INDEX_MAX_KEYS];
	int			n = 0;

	if (!OidIsValid(key->index) || list_length(tables) > AUDIT_PROBE_LEAVES ||
		!ConditionalLockRelationOid(key->index, AccessShareLock) || make_columns(key, columns) == 0)
		return 0;
	fk_code_reach(reach, key);
	if (code_found(reach))
		return 0;

	foreach_oid(indexid, audit_leaves(key->index, NIL))
	{
		Oid			table = IndexGetRelation(indexid, true);
		Relation	index;

		if (!list_member_oid(tables, table) || !ConditionalLockRelationOid(indexid, AccessShareLock))
			continue;
		index = index_open(indexid, NoLock);
		if (has_all_rows(index))
		{
			leaves[n].table = table;
			leaves[n++].index = indexid;
		}
		index_close(index, NoLock);
	}
	return n == list_length(tables) ? n : 0;
}

/* ---- asking them ---- */

AuditProbe *
audit_probe_begin(const FkKey *key, const AuditCodec *codec, const AuditProbeLeaf *leaves, int nleaves,
				  Size memory, Oid *asking)
{
	AuditProbe *probe = palloc0(sizeof(AuditProbe));

	probe->codec = codec;
	probe->memory = memory;
	probe->asking = asking;
	probe->kept = AllocSetContextCreate(CurrentMemoryContext, "schemaguard keys seen", ALLOCSET_DEFAULT_SIZES);
	probe->work = AllocSetContextCreate(CurrentMemoryContext, "schemaguard probe", ALLOCSET_SMALL_SIZES);
	probe->seen = seen_create(probe->kept, 64, NULL);
	probe->ncolumns = make_columns(key, probe->column);
	probe->nleaves = nleaves;
	for (int i = 0; i < nleaves; i++)
	{
		ProbedLeaf *leaf = &probe->leaf[i];

		leaf->table = table_open(leaves[i].table, AccessShareLock);
		leaf->index = index_open(leaves[i].index, AccessShareLock);
		leaf->slot = table_slot_create(leaf->table, NULL);
		leaf->scan = index_beginscan(leaf->table, leaf->index, GetActiveSnapshot(), NULL, probe->ncolumns, 0, SO_NONE);
	}
	return probe;
}

/* Returns whether the row that the index has led to equals the key by the key's operators */
static bool
row_matches(const AuditProbe *probe, const ProbedLeaf *leaf, const ScanKeyData *skeys)
{
	for (int i = 0; i < probe->ncolumns; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(leaf->slot, leaf->index->rd_index->indkey.values[i], &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(unconstify(FmgrInfo *, &skeys[i].sk_func), skeys[i].sk_collation,
													  value, skeys[i].sk_argument)))
			return false;
	}
	return true;
}

static bool
leaf_has(AuditProbe *probe, ProbedLeaf *leaf, ScanKeyData *skeys)
{
	bool		found;

	*probe->asking = RelationGetRelid(leaf->index);
	index_rescan(leaf->scan, skeys, probe->ncolumns, NULL, 0);
	found = index_getnext_slot(leaf->scan, ForwardScanDirection, leaf->slot);
	*probe->asking = InvalidOid;
	if (found)
	{
		MemoryContext old = MemoryContextSwitchTo(probe->work);

		found = row_matches(probe, leaf, skeys);
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(leaf->slot);
	return found;
}

/* Looks a key up in the indexes, one after the other */
static bool
ask(AuditProbe *probe, const AuditBytes *key)
{
	MemoryContext old = MemoryContextSwitchTo(probe->work);
	Datum		values[INDEX_MAX_KEYS];
	ScanKeyData skeys[INDEX_MAX_KEYS];
	bool		found = false;

	audit_decode(probe->codec, key->data, key->len, values);
	for (int i = 0; i < probe->ncolumns; i++)
	{
		ProbedColumn *column = &probe->column[i];

		skeys[i] = column->skey;
		skeys[i].sk_argument = values[column->position];
		if (OidIsValid(column->cast.fn_oid))
			skeys[i].sk_argument = FunctionCall3(&column->cast, values[column->position], Int32GetDatum(-1), BoolGetDatum(false));
	}
	/* allocate in the context that lives as long as the scans */
	MemoryContextSwitchTo(probe->kept);
	for (int i = 0; i < probe->nleaves && !found; i++)
		found = leaf_has(probe, &probe->leaf[i], skeys);
	MemoryContextSwitchTo(old);
	MemoryContextReset(probe->work);
	return found;
}

/*
 * Caches an answer, unless that would exceed the memory: while a hash table
 * doubles, it has three times as many slots as keys
 */
static void
remember(AuditProbe *probe, const AuditBytes *key, bool found)
{
	Size		size = MAXALIGN(key->len) + 3 * sizeof(SeenKey) + sizeof(Pointer);
	AuditBytes	copy = {.len = key->len};
	SeenKey    *entry;
	bool		there;

	if (probe->used + size > probe->memory)
		return;
	probe->used += size;
	copy.data = MemoryContextAlloc(probe->kept, Max(key->len, 1));
	memcpy(copy.data, key->data, key->len);
	entry = seen_insert(probe->seen, copy, &there);
	entry->found = found;
}

bool
audit_probe_has(AuditProbe *probe, const AuditBytes *key, bool *asked)
{
	const SeenKey *entry = seen_lookup(probe->seen, *key);
	bool		found;

	*asked = entry == NULL;
	if (entry)
		return entry->found;
	found = ask(probe, key);
	remember(probe, key, found);
	return found;
}

void
audit_probe_end(AuditProbe *probe)
{
	for (int i = 0; i < probe->nleaves; i++)
	{
		ProbedLeaf *leaf = &probe->leaf[i];

		index_endscan(leaf->scan);
		ExecDropSingleTupleTableSlot(leaf->slot);
		index_close(leaf->index, NoLock);
		table_close(leaf->table, NoLock);
	}
	MemoryContextDelete(probe->kept);
	MemoryContextDelete(probe->work);
	pfree(probe);
}
