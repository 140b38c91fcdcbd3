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
 * A discovery.  The candidates of the whole database may be more than
 * schemaguard.audit_memory has room for: then they are made for some tables
 * at a time.
 */
typedef struct Discovery
{
	Facts	   *facts;
	Weights    *weights;
	int64		room;			/* for candidates at a time */

	/* the candidates at hand, by column, with scores: those of columns from.. */
	MemoryContext caller;
	MemoryContext context;
	int			from;
	int			next;			/* ..the one before next */
	List	   *candidates;
} Discovery;

/* ---- discover_rows.c ---- */

/* For the view schemaguard.progress */
typedef struct RowProgress
{
	int64		done;
	int64		orphans;
} RowProgress;

/* Can a foreign key be? */
extern bool rows_possible(Facts *facts, Candidate *cand);

/* In the current memory context: cand->fk, or the reason why there can be none */
extern FkProblem *rows_resolve(const Facts *facts, Candidate *cand);

/* Do it in a subtransaction where there can be one; returns the error that undid it, or NULL.  A cancel goes through. */
extern ErrorData *rows_try(void (*read) (void *), void *arg);

/*
 * Look at a sample of the rows of candidates worth it, of the tables that are
 * asked for and their opposites; they are in the order of column and key.
 * Worth it is what has min_score, and most of what has less.  Nothing waits
 * for a lock.  What can't be read keeps the reason.
 */
extern void rows_sample(Discovery *d, double min_score);

/* The settings of reading users' rows, as the caller */
extern void probe_scope_begin(SgScope *scope);

/* The FROM clause of a sample of a child's rows, for columns of fk; returns the share of its blocks, in percent (0: there are none) */
extern double probe_from(StringInfo query, const Facts *facts, int child);

/* Rows that queries see as a table, with room in memory for an eighth of schemaguard.audit_memory, the rest in a file; put those of a query there */
extern void probe_store(EphemeralNamedRelation rows, const char *name, TupleDesc desc);
extern void probe_fill(EphemeralNamedRelation rows, Oid table, const char *query);

/* ---- discover_feedback.c ---- */

/* Reads accepted references, which teach names like declared keys; to be called before names are learned */
extern void feedback_read(Facts *facts);

/* The users' verdicts on some candidates: those that are left */
extern List *feedback_apply(Facts *facts, List *candidates);

/* Returns accepted references of the children with columns from..to - 1 that are not among their candidates */
extern List *feedback_beyond(Facts *facts, int from, int to, int last_set);

/* ---- discover.c ---- */

/* Is it a candidate of a table that is asked for, or may be the opposite of one? */
extern bool run_concerns(const Facts *facts, const Candidate *cand);

/* ---- discover_values.c ---- */

/* Candidates that only the rows can speak for, beside those at hand, which are scored anew */
extern void values_add(Discovery *d);

/* Keeps the likeliest of the candidates that values suggest for a column, if one is; candidates are in the order of columns */
extern void values_choose(const Facts *facts, List *candidates);

#endif							/* SG_DISCOVER_H */
