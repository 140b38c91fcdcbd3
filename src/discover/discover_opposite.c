/*-------------------------------------------------------------------------
 *
 * discover_opposite.c
 *	  Of two tables that could refer to each other one to one, one does.
 *
 * An item and its state have the same numbers for a key, and where each item
 * has a state, both could refer to the other.  Only the surer of two such
 * proposals is made.  They may be in different lots, so what is to be
 * proposed is noted first: few are one to one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"


typedef struct Opposite
{
	int			columns[2];		/* hash key: child's, parent's */
	double		score;
} Opposite;

static bool
is_one_to_one(const Facts *facts, const Candidate *cand)
{
	return cand->n == 1 && facts->columns[cand->column].alone_unique;
}

bool
opposites_concern(const Facts *facts, const Candidate *cand)
{
	return facts->tables[facts->columns[cand->column].table].asked ||
		(facts->tables[facts->keys[cand->key].table].asked && is_one_to_one(facts, cand));
}

HTAB *
opposites_begin(void)
{
	HASHCTL		control = {.keysize = 2 * sizeof(int),.entrysize = sizeof(Opposite),.hcxt = CurrentMemoryContext};

	return hash_create("one to one proposals", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
opposites_note(const Discovery *d, List *proposals)
{
	const Facts *facts = d->facts;

	foreach_ptr(const Candidate, cand, proposals)
	{
		int			columns[2] = {cand->column, facts->keys[cand->key].columns[0]};
		Opposite   *entry;

		CHECK_FOR_INTERRUPTS();
		if (!is_one_to_one(facts, cand))
			continue;
		entry = hash_search(d->opposites, columns, HASH_ENTER, NULL);
		entry->score = cand->score;
	}
}

bool
opposites_surer(const Discovery *d, int column, int key, double score)
{
	int			columns[2] = {d->facts->keys[key].columns[0], column};
	const Opposite *entry = d->facts->keys[key].n > 1 ? NULL : hash_search(d->opposites, columns, HASH_FIND, NULL);

	return entry && entry->score > score;
}
