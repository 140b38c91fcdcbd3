/*-------------------------------------------------------------------------
 *
 * fix_reach.c
 *	  Rows that go with an orphan: rows that refer to it, and to those, and so
 *	  on.
 *
 *	  None of that is left to the actions of keys, which delete and change
 *	  rows without a trace.  Rows are followed key by key, breadth first, each
 *	  row once, so that cycles end.  The key that has reached a row decides
 *	  its fate: by the policy of the key's step if the plan has one, else the
 *	  row goes into quarantine too or blocks, as the orphan's step says.  A
 *	  row that is an orphan itself keeps its own step's copy, whichever batch
 *	  meets it first.  A row that a quarantined row refers to is not deleted
 *	  without a copy, nor any row of a table to which rows refer that another
 *	  step of the plan has put into quarantine.
 *
 *	  Any number of rows can refer to an orphan, and a transaction locks its
 *	  rows until it ends.  So a batch follows each key to a limited number of
 *	  rows, and takes those to which nothing else refers; rows that others
 *	  refer to, and the orphan last, go with later batches.  No row ever
 *	  refers to a deleted one, wherever this ends.
 *
 *	  If policies differ, a row's fate depends on the rows that refer to it
 *	  and those to which it refers.  So the scan before the batches follows all
 *	  orphans at once, and rows that refer to one another go in one batch, with
 *	  the fates that the scan has decided.  A row that came after the scan is
 *	  not deleted without a copy.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/oidlist.h"
#include "base/quote.h"
#include "base/words.h"
#include "fix/fix.h"
#include "fix/fix_graph.h"
#include "fix/fix_sql.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "plan/plan_store.h"
#include "run/run.h"

/*
 * Number of keys that a message names, and the length after which it names no
 * more; sg_plan_referencing() lists all
 */
#define MOST_KEYS		4
#define LONG_TEXT		80

/* Rows that may go along for each step of the longest chain, whatever a batch's limit is */
#define ROWS_PER_STEP	10

/* ---- keys ---- */

static List *
add_key(List *keys, FkKey *key, const PlanStep *step)
{
	FixKey	   *fix_key = palloc0(sizeof(FixKey));

	fix_key->key = key;
	fix_key->step = step;
	return lappend(keys, fix_key);
}

bool
fix_shares_rows(Oid a, Oid b)
{
	return sg_is_within(a, b) || sg_is_within(b, a);
}

/* Returns whether both keys join the same columns, by name */
static bool
same_names(const FkKey *part, const FkKey *whole)
{
	if (part->nkeys != whole->nkeys)
		return false;
	for (int i = 0; i < part->nkeys; i++)
	{
		char	   *name = sg_column_name(part->child, part->child_att[i]);
		bool		found = false;

		for (int j = 0; j < whole->nkeys && !found; j++)
			found = part->parent_att[i] == whole->parent_att[j] &&
				strcmp(name, sg_column_name(whole->child, whole->child_att[j])) == 0;
		if (!found)
			return false;
	}
	return true;
}

/*
 * Returns whether a key belongs to a partition of a planned key's table: before
 * 18 the key of a partitioned table is first given to its partitions.
 */
static bool
is_part_of_planned(List *keys, const FkKey *key)
{
	foreach_ptr(const FixKey, planned, keys)
	{
		if (planned->step && !OidIsValid(planned->key->conid) &&
			planned->key->parent == key->parent &&
			sg_is_within(key->child, planned->key->child) && same_names(key, planned->key))
			return true;
	}
	return false;
}

/* Returns planned keys, too, because their rows would be orphans for their own steps */
List *
fix_keys(const char *plan)
{
	SgOidLists *seen = sg_lists_create();
	List	   *keys = NIL;

	foreach_ptr(PlanStep, step, plan_key_steps(plan))
	{
		FkKey	   *planned = palloc(sizeof(FkKey));
		FkKey	   *twin;

		if (step->skipped_by || !step->enforced || plan_step_key(step, planned))
			continue;
		twin = fk_declared_twin(planned);
		if (twin == NULL)
			keys = add_key(keys, planned, step);
		else if (twin->enforced && sg_lists_of(seen, twin->conid) == NIL)
		{
			keys = add_key(keys, twin, step);
			sg_lists_add(seen, twin->conid, twin);
		}
	}
	foreach_ptr(FkKey, key, fk_declared(InvalidOid))
	{
		if (key->enforced && sg_lists_of(seen, key->conid) == NIL && !is_part_of_planned(keys, key))
			keys = add_key(keys, key, NULL);
	}
	sg_lists_free(seen);
	return keys;
}

/* Follows each key from its parent, or tables that share rows with it, to its child */
List *
fix_tables(const FixKey *key, List *keys)
{
	SgOidLists *by_root = sg_lists_create();
	SgOidLists *seen = sg_lists_create();
	List	   *queue = list_make1_oid(key->key->child);
	List	   *reached = NIL;

	foreach_ptr(const FixKey, one, keys)
	{
		if (!one->key->period)
			sg_lists_add(by_root, sg_partition_root(one->key->parent), one->key);
	}
	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		Oid			table = list_nth_oid(queue, i);

		foreach_ptr(FkKey, below, sg_lists_of(by_root, sg_partition_root(table)))
		{
			if (sg_lists_of(seen, below->child) || !fix_shares_rows(table, below->parent))
				continue;
			sg_lists_add(seen, below->child, below);
			reached = lappend_oid(reached, below->child);
			if (below->child != key->key->child)
				queue = lappend_oid(queue, below->child);
		}
	}
	sg_lists_free(by_root);
	sg_lists_free(seen);
	return reached;
}

FixFate
fix_policy_fate(const PlanStep *step)
{
	switch (step->orphans)
	{
		case ORPHANS_QUARANTINE:
			return FIX_QUARANTINE;
		case ORPHANS_DELETE:
			return FIX_DELETE;
		case ORPHANS_SET_NULL:
		case ORPHANS_SET:
			return FIX_SET_NULL;
		case ORPHANS_STOP:
		case ORPHANS_LEAVE:
			return FIX_LEAVE;
	}
	pg_unreachable();
}

/* Returns whether a step keeps copies of its orphans, and may have orphans */
static bool
keeps_copies(const FixKey *key)
{
	return key->step && fix_policy_fate(key->step) == FIX_QUARANTINE && !key->key->period &&
		!(OidIsValid(key->key->conid) && key->key->validated);
}

bool
fix_may_judge(const FkKey *key)
{
	return audit_access_problem(key, true) == NULL && audit_place_problem(key) == NULL;
}

List *
fix_judging_tables(List *tables, List *keys)
{
	SgOidLists *by_root = sg_lists_create();
	SgOidLists *seen = sg_lists_create();
	List	   *parents = NIL;

	foreach_ptr(const FixKey, key, keys)
	{
		if (keeps_copies(key))
			sg_lists_add(by_root, sg_partition_root(key->key->child), key->key);
	}
	foreach_oid(table, tables)
	{
		foreach_ptr(FkKey, key, sg_lists_of(by_root, sg_partition_root(table)))
		{
			if (sg_lists_of(seen, key->parent) || !fix_shares_rows(table, key->child) || !fix_may_judge(key))
				continue;
			sg_lists_add(seen, key->parent, key);
			parents = lappend_oid(parents, key->parent);
		}
	}
	sg_lists_free(by_root);
	sg_lists_free(seen);
	return parents;
}

FixFate
fix_reached_fate(const PlanStep *step, const FixKey *by)
{
	FixFate		fate = by->step ? fix_policy_fate(by->step) : FIX_LEAVE;
	FkProblem  *problem = NULL;

	if (fate == FIX_SET_NULL)
		(void) fix_null_columns(by, fate, &problem);
	if (fate != FIX_LEAVE)
		return problem ? FIX_BLOCK : fate;
	if (by->step && plan_step_goes_along(by->step))
		return FIX_QUARANTINE;

	switch (by->key->on_delete)
	{
		case FKCONSTR_ACTION_CASCADE:
		case FKCONSTR_ACTION_SETNULL:
		case FKCONSTR_ACTION_SETDEFAULT:
			return step->quarantine_cascades ? FIX_QUARANTINE : FIX_BLOCK;
		default:
			return FIX_BLOCK;
	}
}

/* Returns whether a table shares rows with one of some tables */
static bool
shares_rows_with(Oid one, List *tables)
{
	foreach_oid(table, tables)
	{
		if (fix_shares_rows(table, one))
			return true;
	}
	return false;
}

/* Reads a row of fix_copied()'s query */
static void *
read_copied(HeapTuple row, TupleDesc desc)
{
	FixCopied  *copied = palloc(sizeof(FixCopied));
	int64		plan_id = sg_spi_int64(row, desc, "plan_id");
	char	   *name = sg_spi_text(row, desc, "row_table");
	char	   *identity = sg_spi_text(row, desc, "identity");
	List	   *columns;

	copied->step = (int) sg_spi_int64(row, desc, "step");
	if (identity == NULL || !plan_deed_read_columns(identity, &copied->table, &columns))
		copied->table = plan_deed_table(plan_id, name);
	if (!OidIsValid(copied->table))
		copied->table = sg_find_qualified(name);
	return copied;
}

List *
fix_copied(int64 plan_id)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan_id), false);

	/*
	 * by the table's number, and any of its rows: a table may have been
	 * renamed since
	 */
	return store_query("SELECT plan_id, step::bigint AS step, row_table, min(identity) AS identity FROM schemaguard.quarantine"
					   " WHERE plan_id = $1 GROUP BY plan_id, step, row_table, split_part(identity, '{', 1)", &args, read_copied);
}

List *
fix_copied_add(List *copied, int step, Oid table)
{
	FixCopied  *added;

	foreach_ptr(const FixCopied, one, copied)
	{
		if (one->step == step && one->table == table)
			return copied;
	}
	added = palloc(sizeof(FixCopied));
	added->step = step;
	added->table = table;
	return lappend(copied, added);
}

bool
fix_deletes(const FixKey *key, List *keys)
{
	bool		deletes = key->step->orphans == ORPHANS_DELETE;

	foreach_ptr(const FixKey, by, keys)
	{
		deletes |= by->step && by->step->orphans == ORPHANS_DELETE;
	}
	return deletes;
}

List *
fix_referred_by_copies(const FixKey *key, List *keys, List *copied)
{
	List	   *tables = NIL;
	List	   *referred = NIL;

	foreach_ptr(const FixCopied, one, copied)
	{
		if (one->step != key->step->step && OidIsValid(one->table))
			tables = list_append_unique_oid(tables, one->table);
	}
	foreach_ptr(const FixKey, by, tables ? keys : NIL)
	{
		if (!by->key->period && shares_rows_with(by->key->child, tables))
			referred = list_append_unique_oid(referred, by->key->parent);
	}
	return referred;
}

bool
fix_fates_depend(const FixKey *key, List *keys, List *tables)
{
	FixFate		own = fix_policy_fate(key->step);
	FixFate		all = FIX_LEAVE;
	List	   *changed = NIL;

	foreach_ptr(const FixKey, by, keys)
	{
		FixFate		fate;

		if (by->key->period || !list_member_oid(tables, by->key->child))
			continue;
		fate = fix_reached_fate(key->step, by);
		if (fate == FIX_BLOCK)
			continue;
		if (all != FIX_LEAVE && all != fate)
			return true;
		/* two batches would change a row twice */
		if (fate == FIX_SET_NULL && (list_member_oid(changed, by->key->child) || (key->step->sentinel && fix_shares_rows(by->key->child, key->key->child))))
			return true;
		if (fate == FIX_DELETE && shares_rows_with(by->key->child, key->referred))
			return true;
		changed = lappend_oid(changed, by->key->child);
		all = fate;
	}
	if (all == FIX_QUARANTINE && own != FIX_QUARANTINE)
		return true;
	if (all >= FIX_DELETE && shares_rows_with(key->key->child, tables) && (own != all || key->step->sentinel))
		return true;
	foreach_ptr(const FixKey, other, keys)
	{
		if (all == FIX_DELETE && keeps_copies(other) && other->step->step != key->step->step && list_member_oid(tables, other->key->child))
			return true;
	}
	return false;
}

static bool
has_parent_column(const FkKey *key, List *columns)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (sg_has_name(columns, sg_column_name(key->parent, key->parent_att[i])))
			return true;
	}
	return false;
}

bool
fix_is_referred(const FkKey *key, Oid table, List *columns)
{
	return OidIsValid(key->conid) && key->enforced && !key->period && fix_shares_rows(table, key->parent) &&
		(columns == NIL || has_parent_column(key, columns));
}

/*
 * Returns whether a key refers to columns that change in rows of this fate; a
 * column that gets a value counts for declared keys only
 */
static bool
refers_to_changed(const FixRow *row, const FkKey *key)
{
	const DeployRule *rule = row->by->rule;

	if (rule)
		return rule->column && fix_is_referred(key, rule->table, list_make1(unconstify(char *, rule->column)));
	return has_parent_column(key, fix_row_null_columns(row));
}

/* ---- rows ---- */

/* An entry of a batch's index: a place, and the number of its row */
typedef struct IndexEntry
{
	FixPlace	place;			/* hash key */
	int			n;
} IndexEntry;

FixRow *
fix_batch_find(FixBatch *batch, const FixPlace *place)
{
	IndexEntry *entry = batch->index ?
		hash_search(batch->index, place, HASH_FIND, NULL) : NULL;

	return entry ? &batch->rows[entry->n] : NULL;
}

static void
add_row(FixBatch *batch, const FixRow *row)
{
	if (batch->index == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(FixPlace);
		ctl.entrysize = sizeof(IndexEntry);
		ctl.hcxt = CurrentMemoryContext;
		batch->index = hash_create("schemaguard rows to fix", 1024, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	if (batch->n == batch->max)
	{
		batch->max = Max(batch->max * 2, 64);
		batch->rows = batch->rows ?
			repalloc_huge(batch->rows, batch->max * sizeof(FixRow)) :
			palloc(batch->max * sizeof(FixRow));
	}
	((IndexEntry *) hash_search(batch->index, &row->place, HASH_ENTER, NULL))->n = batch->n;
	batch->rows[batch->n++] = *row;
}

static bool
is_gone(const FixBatch *batch, const FixPlace *place)
{
	return (batch->gone && hash_search(batch->gone, place, HASH_FIND, NULL) != NULL) ||
		(batch->gone_before && hash_search(batch->gone_before, place, HASH_FIND, NULL) != NULL);
}

static void
add_orphans(FixBatch *batch, const FixPlaces *places, FixFate fate)
{
	for (int64 i = 0; i < places->n && fate != FIX_LEAVE; i++)
	{
		FixRow		row = {.place = places->places[i],.table = batch->key->key->child,
		.by = batch->key,.fate = fate};

		if (!is_gone(batch, &row.place) && fix_batch_find(batch, &row.place) == NULL)
			add_row(batch, &row);
	}
}

/*
 * Adds a reached row, or gives a known one a stronger fate, or null in the
 * columns of another key.  An orphan that goes blocks nothing.  Returns the
 * row's number if it has to be judged, and followed, else -1.
 */
static int
add_reached(FixBatch *batch, const FixPlace *place, const FixKey *by, FixFate fate, bool updates)
{
	FixRow	   *known = fix_batch_find(batch, place);
	FixRow		row = {.place = *place,.table = by->key->child,.by = by,.fate = fate,
	.reached = true,.updates = updates};
	bool		was_deleted;

	if (known == NULL)
	{
		add_row(batch, &row);
		return batch->n - 1;
	}
	if (fate == FIX_SET_NULL && (known->fate == FIX_SET_NULL || known->fate == FIX_SENTINEL))
	{
		if (known->by == by || list_member_ptr(known->also, by))
			return -1;
		known->also = lappend(known->also, (void *) by);
		return (int) (known - batch->rows);
	}
	if (fate <= known->fate || (fate == FIX_BLOCK && known->fate >= FIX_DELETE && !known->reached))
		return -1;

	was_deleted = known->fate >= FIX_DELETE;
	known->fate = fate;
	if (was_deleted)
		return -1;
	known->by = by;
	known->table = by->key->child;
	known->reached = true;
	known->updates = updates;
	return (int) (known - batch->rows);
}

/* Sorts the rows to which a key may refer into deleted and changed ones */
static void
choose_parents(FixBatch *batch, List *rows, const FkKey *key, FixPlaces *gone, FixPlaces *changed)
{
	Oid			leaf = InvalidOid;
	bool		within = false;
	const FixKey *by = NULL;
	FixFate		fate = FIX_LEAVE;
	const List *also = NIL;
	bool		refers = false;
	ListCell   *lc;

	foreach(lc, rows)
	{
		const FixRow *row = &batch->rows[lfirst_int(lc)];

		if (row->place.leaf != leaf)
		{
			leaf = row->place.leaf;
			within = sg_is_within(leaf, key->parent);
		}
		if (!within)
			continue;
		if (row->fate >= FIX_DELETE)
		{
			fix_places_add(gone, leaf, &row->place.tid);
			continue;
		}
		if (row->by != by || row->fate != fate || row->also != also)
		{
			by = row->by;
			fate = row->fate;
			also = row->also;
			refers = refers_to_changed(row, key);
		}
		if (refers)
			fix_places_add(changed, leaf, &row->place.tid);
	}
}

static void
check_readable(const FkKey *key)
{
	FkProblem  *problem = audit_access_problem(key, true);
	const char *reason = problem ? problem->reason : audit_place_problem(key);

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_SG_NOT_JUDGED),
				 errmsg("the rows of %s that refer to orphans can't be read: %s",
						sg_relation_name(key->child), reason),
				 problem && problem->hint ? errhint("%s", problem->hint) : 0));
}

static int
compare_places(const void *a, const void *b)
{
	const FixPlace *pa = a;
	const FixPlace *pb = b;

	if (pa->leaf != pb->leaf)
		return pa->leaf < pb->leaf ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &pa->tid, (ItemPointer) &pb->tid);
}

static bool
same_places(FixPlaces *a, FixPlaces *b)
{
	if (a->n != b->n)
		return false;
	qsort(a->places, a->n, sizeof(FixPlace), compare_places);
	qsort(b->places, b->n, sizeof(FixPlace), compare_places);
	for (int64 i = 0; i < a->n; i++)
	{
		if (compare_places(&a->places[i], &b->places[i]) != 0)
			return false;
	}
	return true;
}

/* Marks rows that stay, because the batch has no room for all that refer to them */
static void
hold(FixBatch *batch, const FixPlaces *places)
{
	for (int64 i = 0; i < places->n; i++)
		fix_batch_find(batch, &places->places[i])->held = true;
}

/*
 * Finds the rows that refer to some locked rows: found, locked, and found
 * again, after which they can't change, and none can be added, because an
 * INSERT must lock the row that it refers to.  If there are more rows than the
 * batch takes, the rows that they refer to are held.
 */
static void
find_referring(FixBatch *batch, const FkKey *key, const FixPlaces *parents, FixPlaces *found)
{
	FixPlaces	locked;
	FixPlaces	first;

	fix_places_init(found);
	if (parents->n == 0)
		return;
	check_readable(key);
	if (!batch->lock)
	{
		fix_reach(key, parents, 0, found);
		return;
	}

	fix_places_init(&first);
	fix_places_init(&locked);
	fix_reach(key, parents, batch->most > 0 ? batch->most + 1 : 0, &first);
	if (first.n == 0)
		return;
	if (batch->most > 0 && first.n > batch->most)
	{
		hold(batch, parents);
		first.n = batch->most;
		fix_lock(key->child, &first, &locked);
		fix_reach_again(key, parents, &first, found);
	}
	else
	{
		fix_lock(key->child, &first, &locked);
		fix_reach(key, parents, 0, found);
	}
	if (!same_places(&locked, found))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("rows of %s that refer to orphans are being changed by another transaction",
						sg_relation_name(key->child))));
}

static FixTally *
find_tally(List **tallies, const FixRow *row)
{
	FixTally   *tally;
	ListCell   *lc;

	foreach(lc, *tallies)
	{
		tally = lfirst(lc);
		if (tally->fate == row->fate && tally->updates == row->updates && tally->by->key->conid == row->by->key->conid &&
			strcmp(tally->by->key->name, row->by->key->name) == 0 &&
			tally->by->key->child == row->by->key->child)
			return tally;
	}
	tally = palloc0(sizeof(FixTally));
	tally->by = row->by;
	tally->fate = row->fate;
	tally->updates = row->updates;
	*tallies = lappend(*tallies, tally);
	return tally;
}

/* Counts a blocking row, once for each key; an orphan that goes itself blocks nothing */
static void
note_blocking(FixBatch *batch, const FixPlace *place, const FixKey *by, bool updates)
{
	const FixRow *known = fix_batch_find(batch, place);
	FixRow		row = {.by = by,.fate = FIX_BLOCK,.updates = updates};

	if (known == NULL || known->reached)
		find_tally(&batch->blocking, &row)->rows++;
}

static List *
add_referring(FixBatch *batch, const FixKey *by, const FixPlaces *parents, FixFate fate,
			  bool updates, List *next)
{
	FixPlaces	found;

	bool		blocks = batch->follow && fate == FIX_BLOCK;

	find_referring(batch, by->key, parents, &found);
	for (int64 i = 0; i < found.n; i++)
	{
		bool		gone = is_gone(batch, &found.places[i]);
		int			n;

		if (blocks && !gone)
			note_blocking(batch, &found.places[i], by, updates);
		n = gone ? -1 : add_reached(batch, &found.places[i], by, blocks ? FIX_QUARANTINE : fate, updates);

		if (n >= 0)
			next = lappend_int(next, n);
	}
	return next;
}

/*
 * Gives reached rows that are orphans of the fixed key themselves, and which
 * another batch would meet, the fate of orphans if their policy keeps a copy or
 * deletes: such rows block nothing.
 */
static void
take_own_orphans(FixBatch *batch, List *rows)
{
	FixFate		fate = fix_policy_fate(batch->key->step);
	FixPlaces	places;
	FixPlaces	orphans;
	FixPlaces	sentinels;
	ListCell   *lc;

	if (fate < FIX_DELETE)
		return;
	fix_places_init(&places);
	fix_places_init(&orphans);
	fix_places_init(&sentinels);
	foreach(lc, rows)
	{
		const FixRow *row = &batch->rows[lfirst_int(lc)];

		if (row->reached && (row->fate <= fate || row->fate == FIX_BLOCK) &&
			sg_is_within(row->place.leaf, batch->key->key->child))
			fix_places_add(&places, row->place.leaf, &row->place.tid);
	}
	fix_judge(batch->key, &places, &orphans, &sentinels);
	for (int64 i = 0; i < orphans.n; i++)
	{
		FixRow	   *row = fix_batch_find(batch, &orphans.places[i]);

		row->fate = fate;
		row->by = batch->key;
		row->table = batch->key->key->child;
		row->also = NIL;
		row->reached = false;
	}
}

/*
 * Keeps copies of rows to be deleted that another step would keep copies of as
 * its own orphans, and of rows that can't be judged.
 */
static void
keep_copies_for(FixBatch *batch, List *rows, const FixKey *own)
{
	FixPlaces	places;
	FixPlaces	orphans;
	FixPlaces	sentinels;
	ListCell   *lc;

	fix_places_init(&places);
	fix_places_init(&orphans);
	fix_places_init(&sentinels);
	foreach(lc, rows)
	{
		const FixRow *row = &batch->rows[lfirst_int(lc)];

		if (row->reached && row->fate == FIX_DELETE && sg_is_within(row->place.leaf, own->key->child))
			fix_places_add(&places, row->place.leaf, &row->place.tid);
	}
	if (places.n == 0)
		return;
	if (fix_may_judge(own->key))
		fix_judge(own, &places, &orphans, &sentinels);
	else
		orphans = places;
	for (int64 i = 0; i < orphans.n; i++)
		fix_batch_find(batch, &orphans.places[i])->fate = FIX_QUARANTINE;
}

/* Judges rows just reached: orphans among them get a fate at least as strong as an orphan's */
static void
judge_reached(FixBatch *batch, List *rows)
{
	if (rows == NIL)
		return;
	take_own_orphans(batch, rows);
	foreach_ptr(const FixKey, own, batch->keys)
	{
		CHECK_FOR_INTERRUPTS();
		if (keeps_copies(own) && own->step->step != batch->key->step->step)
			keep_copies_for(batch, rows, own);
	}
}

/* Returns the rows without blocked ones, from which no key is followed */
static List *
without_blocked(const FixBatch *batch, List *rows)
{
	ListCell   *lc;

	foreach(lc, rows)
	{
		if (batch->rows[lfirst_int(lc)].fate == FIX_BLOCK)
			rows = foreach_delete_current(rows, lc);
	}
	return rows;
}

/* Follows all keys one step further from some rows; returns the rows reached */
static List *
reach_from(FixBatch *batch, List *rows)
{
	List	   *next = NIL;

	foreach_ptr(const FixKey, by, batch->keys)
	{
		FixPlaces	gone;
		FixPlaces	changed;

		/* a PERIOD key has only NO ACTION: the server itself refuses */
		if (by->key->period)
			continue;
		CHECK_FOR_INTERRUPTS();
		fix_places_init(&gone);
		fix_places_init(&changed);
		choose_parents(batch, rows, by->key, &gone, &changed);
		next = add_referring(batch, by, &gone, fix_reached_fate(batch->key->step, by), false, next);
		next = add_referring(batch, by, &changed, FIX_BLOCK, true, next);
	}
	judge_reached(batch, next);
	return without_blocked(batch, next);
}

/* ---- parents of marked rows ---- */

static bool
is_copied(const FixRow *row)
{
	return row->fate == FIX_QUARANTINE;
}

static bool
is_deleted(const FixRow *row)
{
	return row->fate == FIX_DELETE;
}

static void
copy_row(FixRow *row)
{
	row->fate = FIX_QUARANTINE;
}

/*
 * Keeps copies of rows as was decided before the first batch, and of rows that
 * came later, because those that refer to them may be gone by now
 */
static void
keep_decided(FixBatch *batch)
{
	if (batch->known == NULL && !batch->in_doubt)
		return;
	for (int i = 0; i < batch->n; i++)
	{
		FixRow	   *row = &batch->rows[i];
		const FixKnown *known;

		if (!is_deleted(row))
			continue;
		known = batch->in_doubt ? NULL : hash_search(batch->known, &row->place, HASH_FIND, NULL);
		if (known == NULL || known->copy)
			copy_row(row);
	}
}

/* Keeps copies of rows of tables to which rows in quarantine may refer */
static void
keep_referred(FixBatch *batch)
{
	for (int i = 0; i < batch->n && batch->key->referred; i++)
	{
		FixRow	   *row = &batch->rows[i];

		if (is_deleted(row) && shares_rows_with(row->place.leaf, batch->key->referred))
			copy_row(row);
	}
}

/*
 * Keeps copies of the rows to which quarantined rows refer, and so on, because
 * the latter could never go back without them
 */
static void
keep_parents(FixBatch *batch)
{
	bool		copied = false;
	bool		deleted = false;

	for (int i = 0; i < batch->n; i++)
	{
		copied |= is_copied(&batch->rows[i]);
		deleted |= is_deleted(&batch->rows[i]);
	}
	if (copied && deleted)
		fix_graph_spread(fix_graph(batch), batch, is_copied, is_deleted, copy_row);
}

/* Raises an error if the row that stays of equal ones refers by a key to one that goes */
static void
check_kept(FixBatch *batch)
{
	for (int i = 0; i < batch->n; i++)
	{
		const FixPlace *place = batch->rows[i].reached ? NULL : fix_kept(batch->key, &batch->rows[i].place);
		const FixRow *kept = place ? fix_batch_find(batch, place) : NULL;

		if (kept && kept->fate >= FIX_DELETE)
			ereport(ERROR,
					(errcode(ERRCODE_SG_REFERENCED),
					 errmsg("a row of %s that is to stay refers by key %s to one that is to go",
							sg_relation_name(kept->table), quote_identifier(kept->by->key->name)),
					 errhint("Change what it refers to, or give keep_by another order.")));
	}
}

/* ---- order of rows ---- */

/*
 * Holds rows beyond the limit, the rows reached last being the deepest.
 * Returns whether any row can go.
 */
static bool
hold_rows(FixBatch *batch)
{
	/*
	 * a walk along a chain costs as much as some rows of each step do, and
	 * has locked all that it has met: a batch takes half of that, lest the
	 * same walk comes again for each few of them
	 */
	int64		most = Max(Max(batch->most, batch->depth * (int64) ROWS_PER_STEP), batch->n / 2);
	int64		reached = 0;
	bool		any_held = false;
	bool		any_goes = true;

	for (int i = 0; i < batch->n; i++)
	{
		reached += batch->rows[i].reached && batch->rows[i].fate != FIX_BLOCK;
		any_held |= batch->rows[i].held;
	}
	if (!any_held && reached <= most)
		return true;
	any_goes = fix_graph_hold(fix_graph(batch), batch, most);
	for (int i = 0; i < batch->n; i++)
	{
		FixRow	   *row = &batch->rows[i];

		if (!row->held || row->fate == FIX_BLOCK)
			continue;
		row->fate = FIX_LEAVE;
		batch->held++;
	}
	return any_goes;
}

static void
collect(FixBatch *batch, const FixPlaces *places)
{
	FixPlaces	orphans;
	FixPlaces	sentinels;
	List	   *rows = NIL;

	fix_places_init(&orphans);
	fix_places_init(&sentinels);
	fix_judge(batch->key, places, &orphans, &sentinels);
	add_orphans(batch, &sentinels, FIX_SENTINEL);
	add_orphans(batch, &orphans, fix_policy_fate(batch->key->step));

	for (int i = 0; i < batch->n; i++)
		rows = lappend_int(rows, i);
	for (; rows != NIL; batch->depth++)
		rows = reach_from(batch, rows);
	keep_decided(batch);
	keep_referred(batch);
	keep_parents(batch);
	check_kept(batch);
}

void
fix_collect(FixBatch *batch, const FixPlaces *places)
{
	const FixBatch fresh = *batch;

	collect(batch, places);
	while (batch->most > 0 && !hold_rows(batch))
	{
		int64		most = batch->most * 2;

		/*
		 * in a circle, each of these has more rows than that which refer to
		 * it
		 */
		*batch = fresh;
		batch->most = most;
		collect(batch, places);
	}
}

/* ---- counting ---- */

const char *
fix_fate_verb(FixFate fate)
{
	static const char *const verbs[FIX_FATES] = {
		[FIX_SENTINEL] = "set from the sentinel to null",
		[FIX_SET_NULL] = "set to null",
		[FIX_DELETE] = "deleted",
		[FIX_QUARANTINE] = "quarantined",
	};

	return verbs[fate];
}

/* Returns " deleted" and so on if rows of the tally's key have other fates, too; else an empty text */
static char *
fate_text(List *tallies, const FixTally *tally)
{
	foreach_ptr(const FixTally, other, tallies)
	{
		if (other->by == tally->by && other->fate != tally->fate && other->fate != FIX_BLOCK && tally->fate != FIX_BLOCK)
			return psprintf(" %s", fix_fate_verb(tally->fate));
	}
	return "";
}

List *
fix_add_tallies(List *tallies, const FixBatch *batch)
{
	for (int i = 0; i < batch->n; i++)
	{
		if (batch->rows[i].reached || batch->rows[i].fate == FIX_BLOCK)
			find_tally(&tallies, &batch->rows[i])->rows++;
	}
	return tallies;
}

char *
fix_tallies_text(List *tallies, bool blocked)
{
	StringInfoData text;
	int			named = 0;
	int			more = 0;
	int64		rows = 0;

	initStringInfo(&text);
	foreach_ptr(const FixTally, tally, tallies)
	{
		const FkKey *key = tally->by->key;

		if ((tally->fate == FIX_BLOCK) != blocked)
			continue;
		if (named == MOST_KEYS || text.len > LONG_TEXT)
		{
			more++;
			rows += tally->rows;
			continue;
		}
		named++;
		appendStringInfo(&text, "%s" INT64_FORMAT " %s of %s by key %s (on %s %s)%s",
						 text.len ? ", " : "", tally->rows,
						 tally->rows == 1 ? "row" : "rows", sg_relation_name(key->child),
						 quote_identifier(key->name), tally->updates ? "update" : "delete",
						 sg_action_word(tally->updates ? key->on_update : key->on_delete), fate_text(tallies, tally));
	}
	if (more > 0)
		appendStringInfo(&text, ", " INT64_FORMAT " %s by %d more %s", rows, rows == 1 ? "row" : "rows", more, more == 1 ? "key" : "keys");
	return text.len ? text.data : NULL;
}
