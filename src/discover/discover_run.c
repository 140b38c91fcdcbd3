/*-------------------------------------------------------------------------
 *
 * discover_run.c
 *	  The order in which a discovery goes over the candidates, and what it
 *	  proposes of them.
 *
 * The candidates of some tables after the other, as many as there is room for
 * in schemaguard.audit_memory beside the facts: no score depends on those of
 * other tables.  The facts are the floor: they grow with the columns and the
 * names.  What is proposed in full is counted by the audit engine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/progress.h"
#include "discover/discover.h"
#include "discover/discover_names.h"

#define CANDIDATE_BYTES 528		/* of memory that one takes */
#define AUDIT_KEYS (2 * AUDIT_BATCH_KEYS)	/* candidates that are counted
											 * together */

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
	feedback_read(d->facts);
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
	made = feedback_apply(d->facts, made);
	return list_concat(made, feedback_beyond(d->facts, d->from, d->next, last_set));
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

/* ---- all rows ---- */

static void
show_judged(List *keys, void *arg)
{
	RowProgress *progress = arg;

	foreach_ptr(const AuditKey, key, keys)
		progress->orphans += Max(key->orphan_rows, 0);
	progress->done += list_length(keys);
	sg_progress_done(progress->done, progress->orphans);
}

/* Where all rows were counted, that replaces what the sample said of orphans */
static void
take_verdict(Candidate *cand, const AuditKey *key)
{
	cand->rows_checked = key->rows_checked;
	cand->orphan_rows = key->orphan_rows;
	cand->whole = key->result != AUDIT_UNKNOWN;
	cand->reason = key->reason;
	cand->fk = NULL;
	if (cand->whole && cand->rows_checked > 0)
		signals_set(cand, EVIDENCE_MISSING, (double) cand->orphan_rows / cand->rows_checked);
}

/* Some candidates, those of one child one after the other; reasons are kept */
static void
audit_some(const Facts *facts, List *candidates, RowProgress *progress)
{
	List	   *tables = NIL;
	List	   *keys = NIL;
	AuditTable *table = NULL;
	ListCell   *lc;
	ListCell   *k;

	foreach_ptr(Candidate, cand, candidates)
	{
		AuditKey   *key = audit_key_new(cand->fk, AUDIT_INFERRED, FK_MISSING);

		if (table == NULL || table->child != cand->fk->child)
		{
			table = palloc0(sizeof(AuditTable));
			table->child = cand->fk->child;
			table->results = facts->reasons;
			tables = lappend(tables, table);
		}
		table->keys = lappend(table->keys, key);
		keys = lappend(keys, key);
	}
	audit_tables(tables, show_judged, progress);
	forboth(lc, candidates, k, keys)
		take_verdict(lfirst(lc), lfirst(k));
}

/*
 * Count exactly, by the audit engine, what is to be proposed and no sample has
 * refuted.  Many keys go to it in parts, at the end of a table, for each takes
 * memory until it is judged.
 */
static void
audit_proposals(const Facts *facts, List *proposals)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery audit", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowProgress progress = {0};
	List	   *some = NIL;
	int			last = -1;

	sg_progress_begin(SG_PROGRESS_AUDIT, 0, list_length(proposals));
	foreach_ptr(Candidate, cand, proposals)
	{
		int			child = facts->columns[cand->column].table;

		CHECK_FOR_INTERRUPTS();
		if (child != last && list_length(some) >= AUDIT_KEYS)
		{
			audit_some(facts, some, &progress);
			some = NIL;
			MemoryContextReset(context);
		}
		last = child;
		if ((cand->rows_checked <= 0 || !cand->refuted) && rows_resolve(facts, cand) == NULL)
			some = lappend(some, cand);
		else
			progress.done++;
	}
	if (some != NIL)
		audit_some(facts, some, &progress);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	sg_progress_end();
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
		values_choose(d->candidates);
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
		audit_proposals(d->facts, run_asked(d->facts, proposals));
		score_all(d->weights, d->candidates);
		proposals = choose(d, min_score);
	}
	MemoryContextSwitchTo(caller);
	return proposals;
}
