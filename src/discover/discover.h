/*-------------------------------------------------------------------------
 *
 * discover.h
 *	  Foreign keys that are missing: candidates, their signals and scores.
 *
 * Names, types, keys and indexes of the whole database are read once
 * (discover_facts.c).  For each column the tables that its name may mean are
 * looked up by words (discover_names.c, discover_match.c), groups of columns
 * likewise.  Each candidate gets a vector of signals.  The candidates of one
 * column compete with each other and with "no reference at all": a candidate's
 * score is its share of the sum of exp(weighted signals), where "none" counts
 * 1 (discover_score.c).  Rows are sampled, counted, and bring up candidates of
 * their own (discover_rows.c, discover_values.c).  The weights are in
 * schemaguard.discovery_weight, fitted by test/bench/discover/fit.pl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_H
#define SG_DISCOVER_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "utils/queryenvironment.h"

#include "base/scope.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

/*
 * A discovery.  The candidates of the whole database may exceed
 * schemaguard.audit_memory; then they are made for some tables at a time.
 */
typedef struct Discovery
{
	Facts	   *facts;
	Weights    *weights;
	int64		room;			/* number of candidates at a time */

	/*
	 * current candidates by column, with scores: those of the columns from
	 * `from` on
	 */
	MemoryContext caller;
	MemoryContext context;
	int			from;
	int			next;			/* up to the column before this one */
	List	   *candidates;
} Discovery;

/* ---- discover_rows.c ---- */

/* For the view schemaguard.progress */
typedef struct RowProgress
{
	int64		done;
	int64		orphans;
} RowProgress;

/* Returns whether a foreign key is possible */
extern bool rows_possible(Facts *facts, Candidate *cand);

/* Sets cand->fk, in the current memory context, and returns NULL; or returns the problem */
extern FkProblem *rows_resolve(const Facts *facts, Candidate *cand);

/*
 * Calls a function in a subtransaction, if one is allowed; returns the error
 * that rolled it back, or NULL.  Cancels are raised.
 */
extern ErrorData *rows_try(void (*read) (void *), void *arg);

/*
 * Samples the rows of promising candidates of the requested tables and their
 * opposites; the candidates are sorted by column and key.  Promising are those
 * with min_score, and most of the others.  Waits for no lock.  A candidate that
 * can't be read keeps the reason.
 */
extern void rows_sample(Discovery *d, double min_score);

/* Sets the settings for reading users' rows as the caller */
extern void probe_scope_begin(SgScope *scope);

/*
 * Appends the FROM clause of a sample of a child's rows for columns of a key;
 * returns the sampled share of its blocks in percent, 0 for none
 */
extern double probe_from(StringInfo query, const Facts *facts, int child);

/*
 * Create a store of rows that queries see as a table, with an eighth of
 * schemaguard.audit_memory in memory and the rest in a file; fill it by a query
 */
extern void probe_store(EphemeralNamedRelation rows, const char *name, TupleDesc desc);
extern void probe_fill(EphemeralNamedRelation rows, Oid table, const char *query);

/* ---- discover_feedback.c ---- */

/* Reads accepted references, which teach names like declared keys; called before names are learned */
extern void feedback_read(Facts *facts);

/* Applies the users' verdicts to some candidates; returns those that are left */
extern List *feedback_apply(Facts *facts, List *candidates);

/* Returns accepted references of the children with columns from..to - 1 that are not among their candidates */
extern List *feedback_beyond(Facts *facts, int from, int to, int last_set);

/* ---- discover.c ---- */

/* Returns whether a candidate belongs to a requested table, or may be the opposite of one that does */
extern bool run_concerns(const Facts *facts, const Candidate *cand);

/* ---- discover_values.c ---- */

/* Adds candidates that only rows suggest to the current ones, which are scored again */
extern void values_add(Discovery *d);

/*
 * Keeps the likeliest of the candidates that values suggest for a column;
 * candidates are sorted by column
 */
extern void values_choose(const Facts *facts, List *candidates);

#endif							/* SG_DISCOVER_H */
