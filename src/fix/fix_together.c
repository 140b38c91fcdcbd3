/*-------------------------------------------------------------------------
 *
 * fix_together.c
 *	  Rows that have to go in one transaction, because their policies differ.
 *
 *	  The scan before the batches records every row that goes, with its fate
 *	  and its set: rows that refer to one another, however indirectly.  A
 *	  batch takes whole sets, so that no call ends between rows of one.  Rows
 *	  change between the scan and their batch: one that the scan has not seen
 *	  is not deleted without a copy (fix_reach.c), nor are those to which it
 *	  refers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/bitmapset.h"

#include "base/compat.h"
#include "base/gone.h"
#include "fix/fix.h"
#include "fix/fix_graph.h"
#include "fix/fix_pass.h"
#include "fix/fix_sql.h"

static int
set_of(const Fix *fix, const FixPlace *place)
{
	const FixKnown *known = fix->known ? hash_search(fix->known, place, HASH_FIND, NULL) : NULL;

	return known ? known->set : -1;
}

static int
compare_sets(const void *a, const void *b, void *arg)
{
	int			sa = set_of(arg, a);
	int			sb = set_of(arg, b);

	return sa < sb ? -1 : sa > sb;
}

static void
sort_by_set(Fix *fix, FixPlaces *places)
{
	if (fix->known && places->n > 1)
		qsort_arg(places->places, places->n, sizeof(FixPlace), compare_sets, fix);
}

int64
fix_end_of_set(const Fix *fix, int64 end)
{
	int			set = set_of(fix, &fix->found.places[end - 1]);

	while (set >= 0 && end < fix->found.n && set_of(fix, &fix->found.places[end]) == set)
		end++;
	return end;
}

void
fix_forget_known(Fix *fix)
{
	if (fix->known)
		hash_destroy(fix->known);
	fix->known = NULL;
}

void
fix_note_known(Fix *fix, FixBatch *batch)
{
	HASHCTL		ctl = {.keysize = sizeof(FixPlace),.entrysize = sizeof(FixKnown),.hcxt = fix->found.context};
	int		   *sets = fix_graph_sets(fix_graph(batch));

	fix->known = hash_create("schemaguard rows that go together", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < batch->n; i++)
	{
		FixKnown   *known = hash_search(fix->known, &batch->rows[i].place, HASH_ENTER, NULL);

		known->set = sets[i];
		known->copy = batch->rows[i].fate == FIX_QUARANTINE;
	}
	sort_by_set(fix, &fix->found);
}

void
fix_leave_busy_sets(Fix *fix, FixPlaces *locked, FixPlaces *busy)
{
	Bitmapset  *sets = NULL;
	int64		n = 0;

	if (fix->known == NULL || busy->n == 0)
		return;
	for (int64 i = 0; i < busy->n; i++)
	{
		int			set = set_of(fix, &busy->places[i]);

		if (set >= 0)
			sets = bms_add_member(sets, set);
	}
	for (int64 i = 0; i < locked->n; i++)
	{
		int			set = set_of(fix, &locked->places[i]);

		if (set >= 0 && bms_is_member(set, sets))
			fix_places_add(busy, locked->places[i].leaf, &locked->places[i].tid);
		else
			locked->places[n++] = locked->places[i];
	}
	locked->n = n;
	sort_by_set(fix, busy);
}

/* Appends the places that are within a table */
static void
choose_within(const FixPlaces *places, Oid table, FixPlaces *within)
{
	fix_places_init(within);
	for (int64 i = 0; i < places->n; i++)
	{
		if (sg_is_within(places->places[i].leaf, table))
			fix_places_add(within, places->places[i].leaf, &places->places[i].tid);
	}
}

void
fix_keep_copies_for_new(Fix *fix, FixBatch *batch)
{
	HASH_SEQ_STATUS status;
	const FixKnown *known;
	FixPlaces	fresh;
	FixPlaces	rest;

	if (fix->known == NULL)
		return;
	fix_places_init(&fresh);
	fix_places_init(&rest);
	for (int i = 0; i < batch->n; i++)
	{
		const FixRow *row = &batch->rows[i];

		if (row->fate == FIX_QUARANTINE && set_of(fix, &row->place) < 0)
			fix_places_add(&fresh, row->place.leaf, &row->place.tid);
	}
	if (fresh.n == 0)
		return;
	hash_seq_init(&status, fix->known);
	while ((known = hash_seq_search(&status)) != NULL)
	{
		if (!known->copy && fix_batch_find(batch, &known->place) == NULL)
			fix_places_add(&rest, known->place.leaf, &known->place.tid);
	}
	foreach_ptr(const FixKey, by, batch->keys)
	{
		FixPlaces	children;
		FixPlaces	parents;
		FixPlaces	from;
		FixPlaces	to;

		if (by->key->period)
			continue;
		choose_within(&fresh, by->key->child, &children);
		choose_within(&rest, by->key->parent, &parents);
		fix_places_init(&from);
		fix_places_init(&to);
		fix_pairs(by->key, &children, &parents, &from, &to);
		for (int64 i = 0; i < to.n; i++)
			((FixKnown *) hash_search(fix->known, &to.places[i], HASH_FIND, NULL))->copy = true;
	}
}

bool
fix_is_one_set(const Fix *fix, const FixPlaces *places)
{
	int			set = set_of(fix, &places->places[0]);

	return places->n == 1 || (set >= 0 && set_of(fix, &places->places[places->n - 1]) == set);
}
