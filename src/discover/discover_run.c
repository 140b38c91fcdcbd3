/*-------------------------------------------------------------------------
 *
 * discover_run.c
 *	  The order in which a discovery goes over the candidates.
 *
 * What a candidate is worth depends on all of them: on how many references
 * their names promise (SetOdds), and on which groups there are.  So they are
 * gone over before the first score.  As long as they fit into
 * schemaguard.audit_memory beside the facts, they are made once and kept.
 * Where they don't, they are made anew each time, for some tables after the
 * other: that takes three times as long and finds the same.
 *
 * The facts are the floor: they grow with the columns and the names.  So do
 * the groups, which are few: they are kept.
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

#define CANDIDATE_BYTES 512		/* of memory that one takes, with its signals */

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

/* Those of columns only, as users see them */
static void
make_candidates(Discovery *d, bool first)
{
	List	   *candidates;

	d->from = d->next;
	candidates = match_candidates(d->facts, &d->next, d->room);
	if (first)
	{
		MemoryContext work = MemoryContextSwitchTo(d->facts->context);

		match_note_led(d->facts, d->led, candidates);
		MemoryContextSwitchTo(work);
	}
	d->candidates = feedback_apply(d->facts, d->rules, candidates);
}

/* Groups and the like stay what they were, for the next time */
static void
add_others(Discovery *d)
{
	foreach_ptr(const Candidate, other, d->others)
	{
		Candidate  *cand;

		if (other->column < d->from || other->column >= d->next)
			continue;
		cand = palloc(sizeof(Candidate));
		*cand = *other;
		d->candidates = lappend(d->candidates, cand);
	}
}

static bool
at_end(const Discovery *d)
{
	return d->next >= d->facts->ncolumns;
}

/* In d->context, emptied unless it holds everything there is */
static void
next_candidates(Discovery *d)
{
	MemoryContextReset(d->context);
	d->candidates = NIL;
	make_candidates(d, false);
}

/* The first time: which columns are in groups */
static void
find_groups(Discovery *d)
{
	MemoryContext caller = MemoryContextSwitchTo(d->context);
	int			last_set = d->facts->ncolumns;
	ListCell   *lc;

	for (;;)
	{
		make_candidates(d, true);
		d->whole = d->from == 0 && at_end(d);
		if (at_end(d))
			break;
		MemoryContextReset(d->context);
	}
	MemoryContextSwitchTo(caller);
	d->others = feedback_apply(d->facts, d->rules, match_groups(d->facts, d->led));
	foreach(lc, d->others)
		last_set = Max(last_set, ((Candidate *) lfirst(lc))->set);
	d->others = list_concat(d->others, feedback_beyond(d->facts, d->rules, last_set));
}

/* The second time: what the names promise */
static void
count_odds(Discovery *d)
{
	MemoryContext caller = CurrentMemoryContext;
	SetOdds		odds = {0};

	if (!d->whole)
		d->next = 0;
	do
	{
		MemoryContextSwitchTo(d->context);
		if (!d->whole)
			next_candidates(d);
		add_others(d);
		signals_fill(d->facts, d->candidates);
		MemoryContextSwitchTo(caller);
		odds_add(&odds, d->weights, d->candidates);
	} while (!at_end(d));
	d->shift = odds_shift(&odds, d->facts, d->weights);
	if (odds.odds)
		pfree(odds.odds);
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
	d->led = match_led();
	d->room = room_beside(d->facts);
	d->context = AllocSetContextCreate(CurrentMemoryContext, "discovery candidates", ALLOCSET_DEFAULT_SIZES);
	d->facts->reasons = d->context;
	find_groups(d);
	count_odds(d);
	d->begun = false;
}

bool
run_next(Discovery *d)
{
	MemoryContext caller;

	if (d->begun && at_end(d))
		return false;
	if (!d->begun && !d->whole)
		d->next = 0;
	d->begun = true;
	caller = MemoryContextSwitchTo(d->context);
	if (!d->whole)
	{
		next_candidates(d);
		add_others(d);
		signals_fill(d->facts, d->candidates);
	}
	score_all(d->weights, d->shift, d->candidates);
	MemoryContextSwitchTo(caller);
	return true;
}
