/*-------------------------------------------------------------------------
 *
 * discover_beyond.c
 *	  Candidates that only the rows can speak for.
 *
 * A column that names a parent which has a key of several columns, made for
 * references, is taken for a part of such a reference.  Where the rows refute
 * that, it may still refer to the parent alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "discover.h"

/* The key that the leading column of a group could refer to alone, or -1 */
static int
key_alone(const Facts *facts, const Candidate *group)
{
	const FactKey *key = &facts->keys[group->key];
	ListCell   *lc;

	foreach(lc, facts->tables[key->table].keys)
	{
		const FactKey *other = &facts->keys[lfirst_int(lc)];

		if (other->n == 1 && other->columns[0] == key->columns[group->lead])
			return lfirst_int(lc);
	}
	return -1;
}

/* What is a candidate already is taken out */
static void
leave_known(HTAB *pairs, List *candidates)
{
	ListCell   *lc;

	foreach(lc, candidates)
	{
		const Candidate *cand = lfirst(lc);
		int			pair[2] = {cand->column, cand->key};

		CHECK_FOR_INTERRUPTS();
		if (cand->n == 1)
			(void) hash_search(pairs, pair, HASH_REMOVE, NULL);
	}
}

static Candidate *
one_of_group(Facts *facts, const Candidate *group, int key)
{
	Candidate  *cand = palloc(sizeof(Candidate));

	*cand = *group;
	cand->key = key;
	cand->n = 1;
	cand->columns[0] = group->column;
	cand->lead = 0;
	cand->leads = cand->redundant = cand->accepted = cand->whole = false;
	cand->rows_checked = cand->orphan_rows = -1;
	cand->fk = NULL;
	cand->reason = NULL;
	signals_alone(facts, cand, group);
	return cand;
}

List *
beyond_groups(Facts *facts, List *candidates, List *refuted)
{
	HASHCTL		control = {.keysize = 2 * sizeof(int),.entrysize = 2 * sizeof(int),.hcxt = CurrentMemoryContext};
	HTAB	   *pairs;
	List	   *alone = NIL;
	ListCell   *lc;

	if (refuted == NIL)
		return NIL;
	pairs = hash_create("columns of refuted groups", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, refuted)
	{
		const Candidate *group = lfirst(lc);
		int			pair[2] = {group->column, key_alone(facts, group)};

		if (pair[1] >= 0)
			(void) hash_search(pairs, pair, HASH_ENTER, NULL);
	}
	leave_known(pairs, candidates);
	foreach(lc, refuted)
	{
		const Candidate *group = lfirst(lc);
		int			pair[2] = {group->column, key_alone(facts, group)};

		CHECK_FOR_INTERRUPTS();
		if (hash_search(pairs, pair, HASH_REMOVE, NULL))
			alone = lappend(alone, one_of_group(facts, group, pair[1]));
	}
	hash_destroy(pairs);
	return alone;
}
