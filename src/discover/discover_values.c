/*-------------------------------------------------------------------------
 *
 * discover_values.c
 *	  Candidates that no name suggests, of columns whose values can tell.
 *
 * That uuids, texts of many kinds or numbers far apart are all keys of a
 * table is no chance.  So where the names bring up nothing that is likely,
 * such a column gets a candidate for each key of its type that its statistics
 * do not rule out; the sample of its rows, which is read anyway, is looked up
 * in their indexes, a few values at first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"

#define LIKELY 0.3				/* score of a candidate that needs no others */
#define KEYS_MAX 64				/* candidates that a column gets */

/* Could its values be in a key of another table, but not by chance? */
static bool
can_tell(Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];

	return match_eligible(facts, c) && !column->declared && !column->alone_primary &&
		(getBaseType(column->type) == UUIDOID || stats_can_tell(facts, c));
}

/* Adds a candidate for each key that the column's values could be of, but those that names have brought up */
static List *
add_keys(Discovery *d, int c, const List *known, List *candidates)
{
	Facts	   *facts = d->facts;
	int			made = 0;

	for (int k = 0; k < facts->nkeys && made < KEYS_MAX; k++)
	{
		const FactKey *key = &facts->keys[k];
		float		evidence[EVIDENCE_COUNT] = {0};
		Candidate  *cand;

		CHECK_FOR_INTERRUPTS();
		if (key->n > 1 || key->table == facts->columns[c].table || facts->tables[key->table].denied ||
			facts->tables[key->table].partition || facts->tables[key->table].tuples == 0 ||
			!facts_types_match(facts, facts->columns[c].type, facts->columns[key->columns[0]].type) || list_member_int(known, k))
			continue;
		cand = candidate_new(facts, k, &c, 1);
		if (stats_fill(facts, cand, evidence) && (evidence[EVIDENCE_MISSING] > 0 || evidence[EVIDENCE_TOO_MANY] > 0))
			continue;
		cand->by_rows = true;
		signals_alone(facts, cand);
		candidates = lappend(candidates, cand);
		made++;
	}
	return candidates;
}

/* To the candidates at hand; a column that has a likely one gets no others */
void
values_add(Discovery *d)
{
	int			n = d->next - d->from;
	bool	   *likely = MemoryContextAllocExtended(d->context, n + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	List	  **known = MemoryContextAllocExtended(d->context, (n + 1) * sizeof(List *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	List	   *added = NIL;

	foreach_ptr(const Candidate, cand, d->candidates)
	{
		for (int i = 0; i < cand->n; i++)
			likely[cand->columns[i] - d->from] |= cand->score >= LIKELY;
		if (cand->n == 1)
			known[cand->column - d->from] = lappend_int(known[cand->column - d->from], cand->key);
	}
	for (int c = d->from; c < d->next && list_length(added) < d->room; c++)
	{
		if (!likely[c - d->from] && d->facts->tables[d->facts->columns[c].table].asked && can_tell(d->facts, c))
			added = add_keys(d, c, known[c - d->from], added);
	}
	d->candidates = list_concat(d->candidates, feedback_apply(d->facts, d->rules, added));
	score_all(d->weights, d->shift, d->candidates);
}
