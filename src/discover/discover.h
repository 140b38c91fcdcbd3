/*-------------------------------------------------------------------------
 *
 * discover.h
 *	  Foreign keys that are missing: candidates, their signals and scores.
 *
 * Names, types, keys and indexes of the whole database are read once
 * (discover_facts.c).  For each column the tables that its name may mean are
 * looked up by words (discover_words.c, discover_match.c), groups of columns
 * likewise (discover_group.c).  Each candidate gets a vector of signals
 * (discover_signal.c).  The candidates of one column compete with each other
 * and with "no reference at all": a candidate's score is its share of the sum
 * of exp(weighted signals), where "none" counts 1 (discover_score.c).  The
 * weights are in schemaguard.discovery_weight, fitted by
 * test/bench/discover/fit.pl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_H
#define SG_DISCOVER_H

#include "postgres.h"

#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"

/* ---- discover_rows.c ---- */

/* Can a foreign key be? */
extern bool rows_possible(Facts *facts, Candidate *cand);

/* Read the tables of proposals, all of one table in one pass */
extern void rows_audit(Facts *facts, List *proposals);

/* ---- discover_feedback.c ---- */

extern List *feedback_read(void);
extern void feedback_teach(Facts *facts, List *rules);
extern List *feedback_apply(Facts *facts, List *rules, List *candidates);
extern List *feedback_beyond(Facts *facts, List *rules, int last_set);

/* ---- discover_run.c ---- */

/*
 * A discovery.  The candidates of the whole database may be more than
 * schemaguard.audit_memory has room for: then they are made again, for some
 * tables at a time, whenever they are asked for.
 */
typedef struct Discovery
{
	Facts	   *facts;
	Weights    *weights;
	List	   *rules;
	List	   *others;			/* groups, and what users have accepted beyond
								 * all candidates */
	HTAB	   *led;			/* see match_note_led() */
	HTAB	   *opposites;		/* see opposites_note() */
	double		shift;			/* of the odds, see odds_shift() */
	int64		room;			/* for candidates at a time */
	bool		whole;			/* all candidates fit into memory */
	bool		begun;			/* run_next() has been called */

	/* the candidates at hand, by set, with scores: those of columns from.. */
	MemoryContext context;
	int			from;
	int			next;			/* ..the one before next */
	List	   *candidates;
} Discovery;

/* Everything that has to be known before the first score */
extern void run_begin(Discovery *d);

/*
 * Fetch the candidates of the next tables, with scores by names and
 * statistics; what the ones before took is gone.  False: there are no more.
 */
extern bool run_next(Discovery *d);

/*
 * Look at a sample of the rows of candidates worth it, of the tables that are
 * asked for and their opposites; they are in the order of column and key.  Worth it is what has
 * min_score, and most of what has less.  Nothing waits for a lock.  What
 * can't be read keeps the reason.
 */
extern void rows_sample(Discovery *d, double min_score);

/* ---- discover_values.c ---- */

/* Candidates that only the rows can speak for, beside those at hand, which are scored anew */
extern void values_add(Discovery *d);

/* ---- discover_sort.c ---- */

typedef struct ProposalSort ProposalSort;
struct SgRowSink;

/* Rows of a sink, by the score of their candidates, the greatest first */
extern ProposalSort *sort_begin(const struct SgRowSink *sink);

/* The row that is in the sink, of a candidate: those of one score go by column and key */
extern void sort_put(ProposalSort *sort, struct SgRowSink *sink, const Candidate *cand);

/* All of them, but those that have a surer opposite */
extern void sort_end(ProposalSort *sort, struct SgRowSink *sink, const Discovery *d);

/* ---- discover_opposite.c ---- */

/* Is it a candidate of a table that is asked for, or may be the opposite of one? */
extern bool opposites_concern(const Facts *facts, const Candidate *cand);
extern HTAB *opposites_begin(void);

/* Note what is to be proposed, before it is asked of any which is the surer */
extern void opposites_note(const Discovery *d, List *proposals);

/* Is a proposal noted that would have the parent of this one refer to its child, with a greater score? */
extern bool opposites_surer(const Discovery *d, int column, int key, double score);

/* ---- discover_advice.c ---- */

/* One sentence for people; the evidence has every signal */
extern char *advice_why(Facts *facts, const Candidate *cand);
extern Datum advice_evidence(Facts *facts, Weights *weights, const Candidate *cand);
extern char *advice_reason(Facts *facts, const Weights *weights, const Candidate *cand);
extern const char *advice_on_delete(Facts *facts, const Candidate *cand, const char **reason);
extern bool advice_index(const Facts *facts, const Candidate *cand, const char **reason);

#endif							/* SG_DISCOVER_H */
