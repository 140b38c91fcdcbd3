/*-------------------------------------------------------------------------
 *
 * discover_rows.c
 *	  What the rows say of candidates.
 *
 * First a sample of the child's blocks, one query per table for its
 * candidates; the values are looked up in the parents (discover_probe.c).
 * After that, the audit engine counts exactly, on demand, what the sample has
 * not refuted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

#define SAMPLE_KEYS 64			/* candidates that one sample serves */
#define WORTH_LOOKING 0.02		/* score below which rows are not asked,
								 * unless such scores are wanted */
#define REFUTED 0.05			/* share of orphans in a sample */
#define ORPHANS_USUAL 0.01		/* ... of a reference */
#define BY_CHANCE_LEAST 0.002	/* share of values that the parent has by
								 * chance, if nothing is known of it */
#define BY_CHANCE_NUMBER 0.9	/* ... of numbers, where it can't be told */
#define BY_CHANCE_OTHER 0.02	/* ... of texts and the like */
#define SURE 10.0				/* the log of odds that is enough */
#define AUDIT_KEYS (2 * AUDIT_BATCH_KEYS)	/* candidates that are counted
											 * together */

/* Candidates of one child that are looked at together */
typedef struct Batch
{
	Facts	   *facts;
	Oid			child;
	List	   *candidates;
	RowProgress *progress;		/* of all batches */
} Batch;

/* What it takes, beside the parent's key, for a column to be able to refer */
typedef struct PossibleKey
{
	int			key;
	Oid			type;
	Oid			collation;
	bool		unlogged;		/* its table */
} PossibleKey;

typedef struct PossibleEntry
{
	PossibleKey kind;			/* hash key */
	bool		possible;
} PossibleEntry;

/* In the current memory context: cand->fk, or the reason why there can be none */
static FkProblem *
resolve(const Facts *facts, Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];

	cand->fk = palloc0(sizeof(FkKey));
	cand->fk->name = "inferred";
	cand->fk->match = FKCONSTR_MATCH_SIMPLE;
	cand->fk->on_update = cand->fk->on_delete = FKCONSTR_ACTION_NOACTION;
	cand->fk->enforced = true;
	return fk_resolve(facts->tables[facts->columns[cand->column].table].oid,
					  facts_column_names(facts, cand->columns, cand->n),
					  facts->tables[key->table].oid,
					  facts_column_names(facts, key->columns, key->n), cand->fk);
}

static bool
is_possible(const Facts *facts, Candidate *cand)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery key", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		possible = resolve(facts, cand) == NULL;

	cand->fk = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return possible;
}

/* The answer is the same for all columns of one kind */
bool
rows_possible(Facts *facts, Candidate *cand)
{
	const FactColumn *column = &facts->columns[cand->column];
	PossibleKey kind;
	PossibleEntry *entry;
	bool		found;

	if (cand->n > 1)
		return is_possible(facts, cand);
	if (facts->possible == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(PossibleKey),.entrysize = sizeof(PossibleEntry),.hcxt = facts->context};

		facts->possible = hash_create("possible keys", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&kind, 0, sizeof(kind));
	kind.key = cand->key;
	kind.type = column->type;
	kind.collation = column->collation;
	kind.unlogged = facts->tables[column->table].unlogged;
	entry = hash_search(facts->possible, &kind, HASH_ENTER, &found);
	if (!found)
		entry->possible = is_possible(facts, cand);
	return entry->possible;
}

/* ---- signals ---- */

static bool
is_number(Oid type)
{
	return facts_type_category(type) == TYPCATEGORY_NUMERIC;
}

/*
 * What the values say that are in the parent, and those that are not, against
 * chance: of a reference, few are missing; of values that have nothing to do
 * with the parent, as many are there as the parent has of all that could be.
 * From 1, surely a reference, to -1.
 */
static double
beyond_chance(const Candidate *cand, const Facts *facts, const RowFindings *found)
{
	Oid			type = facts->columns[cand->columns[0]].type;
	double		by_chance = cand->n > 1 ? found->by_chance : found->density;
	double		missing = (double) found->orphans / found->rows;
	double		sure;

	/*
	 * numbers that are missing for another reason than gaps in the parent's
	 * are those of something else, or orphans
	 */
	if (is_number(type) && missing > 2 * (1 - by_chance))
		return missing > REFUTED ? -1 : 0;
	if (by_chance < 0)
		by_chance = is_number(type) ? BY_CHANCE_NUMBER : getBaseType(type) == UUIDOID ? BY_CHANCE_LEAST : BY_CHANCE_OTHER;
	by_chance = Max(Min(by_chance, 1 - ORPHANS_USUAL), BY_CHANCE_LEAST);
	sure = (1 - missing) * log((1 - ORPHANS_USUAL) / by_chance) + missing * log(ORPHANS_USUAL / (1 - by_chance));
	return Max(Min(found->distinct * sure / SURE, 1), -1);
}

static void
spread_signals(const Facts *facts, const Candidate *cand, const RowFindings *found, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	double		parents = found->parents;

	if (parents <= 0)
		return;
	s[EVIDENCE_FEW] = stats_few(found->distinct, found->rows, parents);
	s[EVIDENCE_COVERS] = Min(found->distinct / parents, 1) * Min(log2(1 + found->distinct), 8) / 8;
	s[EVIDENCE_UNIQUE] = cand->n == 1 && !column->alone_unique &&
		stats_never_recurs(found->distinct == found->rows, found->rows, parents);
}

/* What was found in a sample; replaces what statistics or an earlier sample said */
static void
sample_signals(const Facts *facts, Candidate *cand, const RowFindings *found)
{
	float		s[EVIDENCE_COUNT] = {0};
	double		beyond;

	cand->rows_checked = found->rows;
	cand->orphan_rows = found->orphans;
	cand->whole = found->whole;
	if (found->rows == 0)
		return;
	beyond = beyond_chance(cand, facts, found);

	/* where no name speaks for it, the values have to do so surely */
	if (cand->by_rows && beyond < 1)
		beyond = -1;
	cand->refuted = beyond < 0 && (beyond <= -1 || found->orphans > found->rows * REFUTED);
	s[EVIDENCE_KNOWN] = 1;
	s[EVIDENCE_NAMES] = cand->sum / 10;
	s[EVIDENCE_MISSING] = (double) found->orphans / found->rows;
	s[EVIDENCE_CHANCE] = Max(-beyond, 0);
	s[EVIDENCE_FITS] = Max(beyond, 0);
	if (!cand->refuted)
		spread_signals(facts, cand, found, s);
	for (int i = 0; i < EVIDENCE_COUNT; i++)
		signals_set(cand, i, s[i]);
	cand->level = LEVEL_ROWS;
}

/* All rows were counted: that replaces what the sample said of orphans */
static void
audit_signals(Candidate *cand)
{
	if (cand->rows_checked > 0)
		signals_set(cand, EVIDENCE_MISSING, (double) cand->orphan_rows / cand->rows_checked);
}

/* ---- the sample ---- */

/* May the rows be read?  Where not, the reason is kept. */
static bool
readable(const Facts *facts, Candidate *cand)
{
	FkProblem  *problem;

	if (resolve(facts, cand) != NULL)
		return false;
	problem = audit_access_problem(cand->fk, false);
	if (problem)
		cand->reason = MemoryContextStrdup(facts->reasons, problem->reason);
	else if (audit_needs_owner(cand->fk, false))
		cand->reason = "comparing these columns runs code that is not built in: only a full audit does it";
	return cand->reason == NULL;
}

static bool
is_worth_it(const Facts *facts, const Candidate *cand, double min_score)
{
	return (cand->by_rows || cand->score >= Min(min_score, WORTH_LOOKING)) && run_concerns(facts, cand);
}

/* Lock without waiting, so that nobody's ALTER TABLE makes us wait */
static List *
lock_candidates(const Batch *batch)
{
	List	   *locked = NIL;

	foreach_ptr(Candidate, cand, batch->candidates)
	{
		Oid			busy = InvalidOid;
		FkProblem  *problem = audit_lock(cand->fk, false, &busy);

		if (OidIsValid(busy))
			cand->reason = "another session has one of the tables locked";
		else if (problem)
			cand->reason = MemoryContextStrdup(batch->facts->reasons, problem->reason);
		else
			locked = lappend(locked, cand);
	}
	return locked;
}

/* Rows are read in a snapshot that was taken under the locks */
static void
lock_and_look(void *arg)
{
	Batch	   *batch = arg;
	List	   *locked = lock_candidates(batch);
	RowSample  *sample;

	if (locked == NIL)
		return;
	sg_progress_tables(SG_PHASE_SCANNING, batch->child, 0);
	audit_push_snapshot();
	sample = probe_begin(batch->facts, locked);
	foreach_ptr(Candidate, cand, locked)
	{
		RowFindings found;

		CHECK_FOR_INTERRUPTS();
		probe_candidate(sample, cand, &found);
		sample_signals(batch->facts, cand, &found);
		batch->progress->orphans += found.orphans;
		sg_progress_done(++batch->progress->done, batch->progress->orphans);
	}
	probe_end(sample);
	PopActiveSnapshot();
}

/* Try a batch; after an error, each of its candidates that is left alone */
static void
look_at_each(Batch *batch)
{
	ErrorData  *error = NULL;

	/* on a standby, an error inside of a subtransaction may end the session */
	if (RecoveryInProgress())
		lock_and_look(batch);
	else
		error = sg_try_undo(lock_and_look, batch);
	if (error == NULL)
		return;
	sg_rethrow_cancel(error);
	foreach_ptr(Candidate, cand, batch->candidates)
	{
		Batch		alone = *batch;

		if (cand->reason || cand->rows_checked >= 0)
			continue;
		alone.candidates = list_make1(cand);
		if (list_length(batch->candidates) > 1)
			look_at_each(&alone);
		else
			cand->reason = MemoryContextStrdup(batch->facts->reasons, sg_error_text(error));
	}
}

/*
 * Looks at a batch.  What it takes is gone afterwards, the keys that the
 * candidates would make as well: only what is proposed needs them again.
 */
static void
look_at(Batch *batch)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "discovery sample", ALLOCSET_DEFAULT_SIZES);
	List	   *all = batch->candidates;

	MemoryContextSwitchTo(context);
	batch->candidates = NIL;
	foreach_ptr(Candidate, cand, all)
	{
		if (readable(batch->facts, cand))
			batch->candidates = lappend(batch->candidates, cand);
		else
			batch->progress->done++;
	}
	if (batch->candidates != NIL)
		look_at_each(batch);
	foreach_ptr(Candidate, cand, all)
		cand->fk = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	list_free(all);
	batch->candidates = NIL;
}

void
rows_sample(Discovery *d, double min_score)
{
	Facts	   *facts = d->facts;
	RowProgress progress = {0};
	Batch		batch = {.facts = facts,.progress = &progress};
	int64		total = 0;

	foreach_ptr(const Candidate, cand, d->candidates)
		total += is_worth_it(facts, cand, min_score);
	sg_progress_begin(SG_PROGRESS_DISCOVER, 0, total);
	foreach_ptr(Candidate, cand, d->candidates)
	{
		Oid			its = facts->tables[facts->columns[cand->column].table].oid;

		CHECK_FOR_INTERRUPTS();
		if (!is_worth_it(facts, cand, min_score))
			continue;
		if (batch.candidates != NIL && (its != batch.child || list_length(batch.candidates) == SAMPLE_KEYS))
			look_at(&batch);
		batch.child = its;
		batch.candidates = lappend(batch.candidates, cand);
	}
	if (batch.candidates != NIL)
		look_at(&batch);
	sg_progress_end();
}

/* ---- all rows ---- */

static void
show_judged(List *keys, void *arg)
{
	RowProgress *progress = arg;
	ListCell   *lc;

	foreach(lc, keys)
		progress->orphans += Max(((AuditKey *) lfirst(lc))->orphan_rows, 0);
	progress->done += list_length(keys);
	sg_progress_done(progress->done, progress->orphans);
}

/* Is it still to be counted?  What the sample has refuted is not. */
static bool
is_open(const Candidate *cand)
{
	return cand->rows_checked <= 0 || !cand->refuted;
}

static void
take_verdict(Candidate *cand, const AuditKey *key)
{
	cand->rows_checked = key->rows_checked;
	cand->orphan_rows = key->orphan_rows;
	cand->whole = key->result != AUDIT_UNKNOWN;
	cand->reason = key->reason;
	cand->fk = NULL;
	if (cand->whole)
		audit_signals(cand);
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

		cand->reason = NULL;
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
 * Count exactly, by the audit engine, what is to be proposed.  Many keys go
 * to it in parts, at the end of a table, for each takes memory until it is
 * judged.
 */
void
rows_audit(Facts *facts, List *proposals)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "discovery audit", ALLOCSET_DEFAULT_SIZES);
	RowProgress progress = {0};
	List	   *some = NIL;
	int			last = -1;

	sg_progress_begin(SG_PROGRESS_AUDIT, 0, list_length(proposals));
	MemoryContextSwitchTo(context);
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
		if (is_open(cand) && resolve(facts, cand) == NULL)
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
