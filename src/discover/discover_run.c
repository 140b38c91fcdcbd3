/*-------------------------------------------------------------------------
 *
 * discover_run.c
 *	  The order in which a discovery goes over the candidates.
 *
 * The candidates of some tables after the other, as many as there is room for
 * in schemaguard.audit_memory beside the facts: no score depends on those of
 * other tables.  The facts are the floor: they grow with the columns and the
 * names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/guc.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_score.h"

#define CANDIDATE_BYTES 528		/* of memory that one takes */

/*
 * Is it a candidate of a table that is asked for, or may be the opposite of
 * one?  Where each item has a state, both could refer to the other one to
 * one; only the surer of two such proposals is made.
 */
bool
run_concerns(const Facts *facts, const Candidate *cand)
{
	return facts->tables[facts->columns[cand->column].table].asked ||
		(facts->tables[facts->keys[cand->key].table].asked && cand->n == 1 && facts->columns[cand->column].alone_unique);
}

/* So many candidates fit into memory beside the facts; a few always do */
static int64
room_beside(const Facts *facts)
{
	Size		memory = sg_audit_memory_bytes();
	Size		taken = MemoryContextMemAllocated(facts->context, true);

	return Max(memory - Min(taken, memory), memory / 8) / CANDIDATE_BYTES;
}

void
run_begin(Discovery *d)
{
	d->facts = facts_read();
	d->rules = feedback_read(d->facts);
	feedback_teach(d->facts, d->rules);
	names_prepare(d->facts);
	stats_begin(d->facts);
	d->weights = weights_read();
	d->room = room_beside(d->facts);
	d->context = AllocSetContextCreate(CurrentMemoryContext, "discovery candidates", ALLOCSET_DEFAULT_SIZES);
	d->facts->reasons = d->context;
	d->next = 0;
}

/* Of columns alone, of groups, and what users have accepted beyond them */
static List *
make_candidates(Discovery *d)
{
	List	   *made = match_candidates(d->facts, &d->next, d->room);
	int			last_set = d->facts->ncolumns;

	made = list_concat(made, match_groups(d->facts, d->from, d->next, made));
	foreach_ptr(const Candidate, cand, made)
		last_set = Max(last_set, cand->set);
	made = feedback_apply(d->facts, d->rules, made);
	return list_concat(made, feedback_beyond(d->facts, d->rules, d->from, d->next, last_set));
}

bool
run_next(Discovery *d)
{
	MemoryContext caller;

	if (d->next >= d->facts->ncolumns)
		return false;
	MemoryContextReset(d->context);
	caller = MemoryContextSwitchTo(d->context);
	d->from = d->next;
	d->candidates = make_candidates(d);
	foreach_ptr(Candidate, cand, d->candidates)
	{
		CHECK_FOR_INTERRUPTS();
		signals_fill(d->facts, cand);
	}
	score_all(d->weights, d->candidates);
	MemoryContextSwitchTo(caller);
	return true;
}
