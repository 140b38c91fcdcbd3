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

#include "utils/memutils.h"

#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"


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

/* Candidates are in the order of column and key */
static bool
is_candidate(const List *candidates, int column, int key)
{
	int			lo = 0;
	int			hi = list_length(candidates);

	while (lo < hi)
	{
		int			middle = (lo + hi) / 2;
		const Candidate *cand = list_nth(candidates, middle);

		if (cand->column == column && cand->key == key)
			return true;
		if (cand->column < column || (cand->column == column && cand->key < key))
			lo = middle + 1;
		else
			hi = middle;
	}
	return false;
}

/* The last ones are those of the same child */
static bool
is_made(const Facts *facts, const List *made, int column, int key)
{
	for (int i = list_length(made) - 1; i >= 0; i--)
	{
		const Candidate *cand = list_nth(made, i);

		if (cand->column == column && cand->key == key)
			return true;
		if (facts->columns[cand->column].table != facts->columns[column].table)
			break;
	}
	return false;
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

/* Score it by its name, unless a user has rejected it */
static bool
is_wanted(const Discovery *d, Candidate *cand)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "discovery feedback", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	List	   *left = feedback_apply(d->facts, d->rules, list_make1(cand), false);
	bool		wanted = left != NIL;

	score_all(d->weights, d->shift, left);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work);
	return wanted;
}

bool
beyond_may_follow(const Candidate *cand)
{
	return cand->n > 1 && cand->leads && cand->redundant;
}

Candidate *
beyond_group(const Discovery *d, const Candidate *group, const List *made)
{
	MemoryContext caller = MemoryContextSwitchTo(d->context);
	int			key = key_alone(d->facts, group);
	Candidate  *cand = NULL;

	if (key >= 0 && !is_candidate(d->candidates, group->column, key) && !is_made(d->facts, made, group->column, key))
	{
		cand = one_of_group(d->facts, group, key);
		if (!is_wanted(d, cand))
			cand = NULL;
	}
	MemoryContextSwitchTo(caller);
	return cand;
}
