/*-------------------------------------------------------------------------
 *
 * discover_run.c
 *	  The order in which a discovery goes over the candidates, and what it
 *	  proposes of them.
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

#define CANDIDATE_BYTES 528		/* of memory that one takes */

/*
 * Where each item has a state, both could refer to the other one to
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

/* ---- what to propose ---- */

/* What no name suggests is proposed only if its values are keys of that one table, and surely */
static bool
values_tell(const Candidate *cand)
{
	const Candidate *rival = cand->rival;

	return !cand->by_rows ||
		(cand->rows_checked > 0 && !cand->refuted &&
		 (rival == NULL || rival->rows_checked <= 0 || rival->refuted || rival->score < cand->score / 2));
}

/* The best of each set, and what ties with it, if it is good enough */
static List *
choose(const Discovery *d, double min_score)
{
	List	   *chosen = NIL;

	foreach_ptr(Candidate, cand, d->candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (values_tell(cand) && cand->score >= min_score &&
			(cand->rival == NULL || cand->score >= cand->rival->score - 1e-6) &&
			run_concerns(d->facts, cand) && rows_possible(d->facts, cand))
			chosen = lappend(chosen, cand);
	}
	return chosen;
}

static int
compare_children(const ListCell *a, const ListCell *b)
{
	const Candidate *ca = lfirst(a);
	const Candidate *cb = lfirst(b);

	CHECK_FOR_INTERRUPTS();
	return ca->column != cb->column ? (ca->column > cb->column) - (ca->column < cb->column) :
		(ca->key > cb->key) - (ca->key < cb->key);
}

List *
run_asked(const Facts *facts, List *proposals)
{
	List	   *left = NIL;

	foreach_ptr(Candidate, cand, proposals)
	{
		if (facts->tables[facts->columns[cand->column].table].asked)
			left = lappend(left, cand);
	}
	return left;
}

void
run_look(Discovery *d, double min_score, Verify verify)
{
	MemoryContext caller = MemoryContextSwitchTo(d->context);

	if (verify == VERIFY_FULL)
		values_add(d);
	if (verify != VERIFY_NONE)
	{
		list_sort(d->candidates, compare_children);
		rows_sample(d, min_score);
		score_all(d->weights, d->candidates);
	}
	MemoryContextSwitchTo(caller);
}

List *
run_propose(Discovery *d, double min_score, Verify verify)
{
	MemoryContext caller = MemoryContextSwitchTo(d->context);
	List	   *proposals;

	run_look(d, min_score, verify);
	proposals = choose(d, min_score);
	if (verify == VERIFY_FULL)
	{
		list_sort(proposals, compare_children);
		rows_audit(d->facts, run_asked(d->facts, proposals));
		score_all(d->weights, d->candidates);
		proposals = choose(d, min_score);
	}
	MemoryContextSwitchTo(caller);
	return proposals;
}
