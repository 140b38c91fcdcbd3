/*-------------------------------------------------------------------------
 *
 * audit_items.c
 *	  Work items of a judging scan, cut so that each fits into memory.
 *
 * An item is a set of a parent's keys, or a part of one.  What is expected of
 * a set comes from statistics; an item that turns out larger is expected to
 * be so, gets a round of its own, or is divided.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_statistic.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "audit/audit.h"
#include "audit/audit_codec.h"
#include "audit/audit_distinct.h"
#include "audit/audit_internal.h"
#include "audit/audit_items.h"
#include "audit/audit_rule_job.h"
#include "audit/audit_set.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"

/*
 * Maximum number of passes before a join is preferred.  A pass over a parent
 * and a child of five million rows each took 0.6 s where core's hash join,
 * spilling to temporary files, took 6 to 10 s, in one run on two cores:
 * docs/internals/measurements.md.
 */
#define MAX_PASSES 12

/* Returns the sum of the pages of leaf tables, and adds their tuples to *tuples */
static BlockNumber
sum_pages(List *relids, double *tuples)
{
	BlockNumber sum = 0;
	ListCell   *lc;

	*tuples = 0;
	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		BlockNumber pages;
		double		n;
		double		visible;

		estimate_rel_size(rel, NULL, &pages, &n, &visible);
		table_close(rel, NoLock);
		sum += pages;
		*tuples += n;
	}
	return sum;
}

bool
audit_key_is_tree(const ScanKeyState *key)
{
	return key->ak->rule && key->ak->rule->tree;
}

BlockNumber
audit_child_pages(List *keys, List *leaves)
{
	BlockNumber sum = 0;

	for (int i = 0; i < list_length(keys); i++)
	{
		const ScanKeyState *key = list_nth(keys, i);
		const ScanKeyState *next = i + 1 < list_length(keys) ? list_nth(keys, i + 1) : NULL;
		double		tuples;

		/* the last key of a child reads most */
		if (next == NULL || next->ak->key.child != key->ak->key.child)
			sum += sum_pages(audit_tree_leaves(key->ak->key.child, audit_key_is_tree(key), leaves), &tuples);
	}
	return sum;
}

/* ---- what there is to do ---- */

static int
find_set(ScanAudit *audit, const AuditKey *ak, AuditCodec *codec)
{
	ParentSet  *set;

	for (int i = 0; i < list_length(audit->sets); i++)
	{
		set = list_nth(audit->sets, i);
		if (set->parent == ak->key.parent && audit_codec_same_set(set->codec, codec))
			return i;
	}
	set = palloc0(sizeof(ParentSet));
	set->parent = ak->key.parent;
	set->codec = codec;
	set->pages = sum_pages(audit_leaves(set->parent, audit->leaves), &set->keys);
	set->bytes = set->keys * audit_codec_width(codec, set->parent);
	audit->sets = lappend(audit->sets, set);
	return list_length(audit->sets) - 1;
}

/* Returns whether a table of the key is temporary, so that no worker can read it */
static bool
is_temporary(const FkKey *key)
{
	return sg_rel_persistence(key->child) == RELPERSISTENCE_TEMP ||
		sg_rel_persistence(key->parent) == RELPERSISTENCE_TEMP;
}

/* Returns the number of parts so that each part of a set is likely to fit */
static uint32
parts_needed(const ScanAudit *audit, const ParentSet *set)
{
	uint32		nparts = 1;

	/* allow a tenth more, because statistics lag behind */
	while (set->bytes * 1.1 / nparts > audit->memory && nparts < AUDIT_MAX_PARTS)
		nparts *= 2;
	return nparts;
}

/*
 * Returns whether a join that spills is cheaper than the passes needed.  False
 * for numbers, which may turn out to be dense.
 */
static bool
leave_to_join(const ScanAudit *audit, int set)
{
	ParentSet  *parent = list_nth(audit->sets, set);

	return sg_audit_method == SG_AUDIT_AUTO && parent->codec->numbers == 0 &&
		parts_needed(audit, parent) > MAX_PASSES;
}

void
audit_add_key(ScanAudit *audit, AuditKey *ak, AuditCodec *codec)
{
	ScanKeyState *key = palloc0(sizeof(ScanKeyState));

	key->ak = ak;
	key->codec = codec;
	key->set = find_set(audit, ak, codec);
	key->distinct = audit_distinct_begin(&ak->key, NULL, audit->sort_memory);
	audit->keys = lappend(audit->keys, key);
	if (!codec->parallel_safe || is_temporary(&ak->key))
		audit->parallel = false;
	ak->rows_checked = ak->orphan_rows = ak->orphan_pages = ak->orphan_keys = 0;
}

/* Returns the memory for one UNIQUE rule, which may sort all rows of its table */
static int
unique_memory(const ScanAudit *audit, int nunique)
{
	return Max(Min(audit->memory / 1024 / nunique, INT_MAX), MIN_SORT_MEMORY);
}

void
audit_add_rule(ScanAudit *audit, AuditKey *ak, int nunique)
{
	ScanKeyState *key = palloc0(sizeof(ScanKeyState));

	key->ak = ak;
	key->set = -1;
	if (ak->rule->kind == AUDIT_UNIQUE)
		key->distinct = audit_distinct_begin(&ak->key, NULL, unique_memory(audit, nunique));
	audit->keys = lappend(audit->keys, key);
	if (!audit_rule_parallel_safe(ak) || is_temporary(&ak->key))
		audit->parallel = false;
	ak->rows_checked = ak->orphan_rows = 0;
	ak->orphan_keys = key->distinct ? 0 : -1;
}

int
audit_compare_children(const ListCell *a, const ListCell *b)
{
	const ScanKeyState *ka = lfirst(a);
	const ScanKeyState *kb = lfirst(b);

	if (ka->ak->key.child != kb->ak->key.child)
		return ka->ak->key.child < kb->ak->key.child ? -1 : 1;
	return (int) audit_key_is_tree(ka) - (int) audit_key_is_tree(kb);
}

static void
add_item(ScanAudit *audit, int set, uint32 nparts, uint32 part)
{
	WorkItem   *item = palloc0(sizeof(WorkItem));

	item->set = set;
	item->nparts = nparts;
	item->part = part;
	item->sparse = nparts > 1;
	audit->items = lappend(audit->items, item);
}

static void
add_parts(ScanAudit *audit, int set)
{
	uint32		nparts = parts_needed(audit, list_nth(audit->sets, set));

	for (uint32 part = 0; part < nparts; part++)
		add_item(audit, set, nparts, part);
}

/* Resets the counts of a key */
static void
forget_counts(ScanKeyState *key)
{
	AuditKey	counted = *key->ak;

	audit_distinct_end(key->distinct, &counted, 0, CurrentMemoryContext);
	key->distinct = NULL;
	key->passes = 0;
	key->ak->rows_checked = key->ak->orphan_rows = key->ak->orphan_pages = key->ak->orphan_keys = 0;
}

/*
 * Gives up a set that fits in no number of parts: its keys are left to a join,
 * and their counts discarded
 */
static void
give_up_set(ScanAudit *audit, int set)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, audit->items)
	{
		if (((WorkItem *) lfirst(lc))->set == set)
			audit->items = foreach_delete_current(audit->items, lc);
	}
	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		if (key->set != set)
		{
			keys = lappend(keys, key);
			continue;
		}
		forget_counts(key);
		audit->given_up = lappend(audit->given_up, key->ak);
	}
	audit->keys = keys;
}

/* Makes the items that read the parent of a set */
static void
plan_reading(ScanAudit *audit, int i)
{
	ParentSet  *set = list_nth(audit->sets, i);

	if (leave_to_join(audit, i))
		give_up_set(audit, i);
	else if (set->codec->numbers > 0 && set->bytes * 1.1 > audit->memory)
	{
		/* try bits if the keys themselves do not fit */
		add_item(audit, i, 1, 0);
		((WorkItem *) llast(audit->items))->stage = SET_RANGE;
	}
	else
		add_parts(audit, i);
}

/*
 * Estimates the distinct keys of a child: at most the product of its columns'
 * distinct values; without statistics one per row.
 */
static double
estimate_child_keys(const FkKey *key, List *leaves)
{
	bool		inherited = get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE;
	double		keys = 1;
	double		rows;

	(void) sum_pages(audit_leaves(key->child, leaves), &rows);
	for (int i = 0; i < key->nkeys; i++)
	{
		HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(key->child),
											Int16GetDatum(key->child_att[i]), BoolGetDatum(inherited));
		double		distinct = 0;

		if (HeapTupleIsValid(tuple))
		{
			distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
			ReleaseSysCache(tuple);
		}
		if (distinct == 0)
			return rows;
		keys *= distinct < 0 ? -distinct * rows : distinct;
	}
	return Min(keys, rows);
}

/* Returns whether the parent's index can be used, and is likely to be cheaper than reading the parent */
static bool
can_probe(ScanAudit *audit, int i)
{
	ParentSet  *set = list_nth(audit->sets, i);
	const FkKey *key = NULL;
	double		keys = 0;

	if (!audit->may_probe || sg_audit_method != SG_AUDIT_AUTO || set->pages < min_parallel_table_scan_size)
		return false;
	foreach_ptr(ScanKeyState, state, audit->keys)
	{
		if (state->set != i)
			continue;
		if (state->ak->damage || (key && state->ak->key.index != key->index))
			return false;
		key = &state->ak->key;
		keys += estimate_child_keys(key, audit->leaves);
		if (keys * ROWS_PER_PROBE >= set->keys)
			return false;
	}
	foreach_ptr(ScanKeyState, state, audit->keys)
	{
		if (state->set != i)
			continue;
		set->nleaves = audit_probe_leaves(&state->ak->key, audit->leaves, set->leaf);
		if (set->nleaves == 0)
			return false;
	}
	return true;
}

/* Divides the memory of an audit: at most half of it caches looked up keys */
static void
share_memory(ScanAudit *audit)
{
	int			readers = audit->parallel ? 1 + Max(sg_audit_workers, max_parallel_maintenance_workers) : 1;
	double		bytes = 0;

	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		ParentSet  *set = key->set < 0 ? NULL : list_nth(audit->sets, key->set);

		if (set && set->nleaves > 0)
			bytes += set->keys / ROWS_PER_PROBE * readers * (audit_codec_width(set->codec, set->parent) + 128);
	}
	audit->probe_memory = Min(bytes, audit->memory / 2);
	audit->memory -= audit->probe_memory;
}

void
audit_plan_items(ScanAudit *audit)
{
	for (int i = 0; i < list_length(audit->sets); i++)
	{
		if (can_probe(audit, i))
		{
			add_item(audit, i, 1, 0);
			((WorkItem *) llast(audit->items))->stage = SET_PROBE;
		}
		else
			((ParentSet *) list_nth(audit->sets, i))->nleaves = 0;
	}
	share_memory(audit);
	for (int i = 0; i < list_length(audit->sets); i++)
	{
		if (((ParentSet *) list_nth(audit->sets, i))->nleaves == 0)
			plan_reading(audit, i);
	}
}

void
audit_read_instead(ScanAudit *audit, int set)
{
	ListCell   *lc;

	foreach(lc, audit->items)
	{
		if (((WorkItem *) lfirst(lc))->set == set)
			audit->items = foreach_delete_current(audit->items, lc);
	}
	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		if (key->set != set)
			continue;
		forget_counts(key);
		key->probed = false;
		key->distinct = audit_distinct_begin(&key->ak->key, NULL, audit->sort_memory);
	}
	((ParentSet *) list_nth(audit->sets, set))->nleaves = 0;
	plan_reading(audit, set);
}

/* Divides an item that ran out of memory in a round of its own */
static void
divide_item(ScanAudit *audit, WorkItem *item)
{
	ParentSet  *set = list_nth(audit->sets, item->set);

	if (item->stage == SET_RANGE)
	{
		/* not dense: store the keys, in parts */
		item->sparse = true;
		item->stage = SET_COLLECT;
		if (set->bytes * 1.1 > audit->memory)
		{
			audit->items = list_delete_ptr(audit->items, item);
			add_parts(audit, item->set);
		}
		return;
	}
	if (set->codec->numbers > 0 && !item->sparse)
	{
		item->stage = SET_RANGE;
		return;
	}
	if (item->nparts >= AUDIT_MAX_PARTS)
	{
		if (sg_audit_method != SG_AUDIT_AUTO)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("the keys of %s do not fit into schemaguard.audit_memory in %u parts",
							sg_relation_name(set->parent), item->nparts),
					 errhint("Raise schemaguard.audit_memory.")));
		give_up_set(audit, item->set);
		return;
	}
	add_item(audit, item->set, item->nparts * 2, item->part + item->nparts);
	item->nparts *= 2;
}

double
audit_item_bytes(ScanAudit *audit, const WorkItem *item)
{
	ParentSet  *set = list_nth(audit->sets, item->set);

	if (item->stage == SET_PROBE)
		return set->bytes / ROWS_PER_PROBE;
	return item->stage == SET_RANGE ? set->keys / 2 : set->bytes / item->nparts;
}

bool
audit_has_set(List *items, int set)
{
	ListCell   *lc;

	foreach(lc, items)
	{
		if (((WorkItem *) lfirst(lc))->set == set)
			return true;
	}
	return false;
}

bool
audit_rules_left(const ScanAudit *audit)
{
	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		if (key->set < 0 && key->passes == 0)
			return true;
	}
	return false;
}

bool
audit_takes_rule(const ScanAudit *audit, List *items, const ScanKeyState *rule)
{
	bool		later = false;

	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		if (key->set < 0 || key->ak->key.child != rule->ak->key.child)
			continue;
		if (audit_has_set(items, key->set))
			return true;
		later = later || audit_has_set(audit->items, key->set);
	}
	return !later;
}

List *
audit_choose_items(ScanAudit *audit)
{
	List	   *chosen = NIL;
	double		bytes = 0;

	foreach_ptr(WorkItem, item, audit->items)
	{
		if (chosen != NIL &&
			(item->alone || audit_has_set(chosen, item->set) ||
			 bytes + audit_item_bytes(audit, item) * 1.1 > audit->memory))
			continue;
		chosen = lappend(chosen, item);
		bytes += audit_item_bytes(audit, item) * 1.1;
		if (item->alone)
			break;
	}
	return chosen;
}

void
audit_replan(ScanAudit *audit, List *items, List *failed)
{
	foreach_ptr(WorkItem, item, failed)
	{
		if (item->stage == SET_PROBE)
			audit_read_instead(audit, item->set);
		else if (item->crowded)
			((ParentSet *) list_nth(audit->sets, item->set))->bytes *= 8;
		else if (list_length(items) == 1)
			divide_item(audit, item);
		else
			item->alone = true;
	}
}
