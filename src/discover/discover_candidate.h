/*-------------------------------------------------------------------------
 *
 * discover_candidate.h
 *	  Candidates for references, and how they are found (discover_match.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_CANDIDATE_H
#define SG_DISCOVER_CANDIDATE_H

#include "postgres.h"

#include "fk/fk.h"
#include "discover/discover_facts.h"
#include "discover/discover_signal.h"

#define GROUP_MAX 8				/* columns of a candidate, at most */

/* Evidence of a score; each level is calibrated separately */
typedef enum EvidenceLevel
{
	LEVEL_NAMES,
	LEVEL_STATISTICS,
	LEVEL_ROWS
} EvidenceLevel;

typedef enum NameMatch
{
	MATCH_NONE,
	MATCH_TAIL,					/* the table's name ends with it */
	MATCH_WHOLE
} NameMatch;

typedef struct Candidate
{
	int			set;			/* set of competing candidates */
	int			column;			/* its column, or the first of its columns in
								 * the table */
	int			key;
	int			n;
	int			columns[GROUP_MAX]; /* columns, pairwise with the key's */

	/* how the column's name matches the table's */
	Suffix		suffix;
	NameMatch	match;
	bool		own_front;		/* the remaining words are in the child's name */
	bool		own_name;		/* and are the child's whole name */
	bool		prefix_left;	/* or they are a prefix of many tables */
	bool		plural;
	int8		before;			/* number of remaining words of the column's
								 * name */
	double		cover;			/* share of the table's name that is matched */

	/* how it matches the key's name, or a role */
	bool		key_match;
	int8		key_before;
	bool		self_word;
	bool		actor_word;
	double		taught_name;	/* share by names, as in Taught */
	double		taught_word;
	int			taught_columns;

	double		rank;			/* for pruning */
	bool		external;		/* the words before belong to another system */
	bool		polymorphic;	/* a sibling column names the table */
	bool		impossible;		/* only a user's acceptance makes it possible */
	bool		by_rows;		/* suggested by rows alone */

	/* groups */
	bool		leads;			/* the column names the parent */
	int			lead;			/* its position in columns */
	bool		redundant;		/* the referenced columns contain another key */

	/* results of sampling rows (discover_rows.c) */
	FkKey	   *fk;				/* key as resolved by ALTER TABLE, or NULL;
								 * only while its rows are read */
	int64		rows_checked;	/* -1: none */
	int64		orphan_rows;
	int64		distinct;		/* distinct values in a sample */
	double		parents;		/* rows of the parent; -1: unknown */
	int			others;			/* number of less likely keys that have the
								 * values, too */
	bool		whole;			/* all rows were read instead of a sample */
	bool		refuted;		/* refuted by orphans in a sample */
	const char *reason;

	float		signals[SIGNAL_COUNT];	/* signals; those of EvidenceSignal
										 * come last */
	EvidenceLevel level;
	bool		accepted;		/* by a user */
	double		sum;
	double		score;
	struct Candidate *rival;	/* best other candidate of its set */
} Candidate;

extern Candidate *candidate_new(int key, const int *columns, int n);
extern bool match_eligible(const Facts *facts, int column);

/*
 * Returns whether the child has a sibling column that names the table of the
 * column's value: commentable_type beside commentable_id
 */
extern bool match_polymorphic(const Facts *facts, int column);

/*
 * Returns candidates of the columns from *next on, sorted by column and with
 * sets in one piece, then those of several columns of the same tables.  Stops
 * after the table with which `room` is reached, including candidates that rows
 * may suggest; *next is set to the next column.
 */
extern List *match_candidates(Facts *facts, int *next, int64 room);

/* ---- discover_score.c: signals, and what they come to ---- */

extern void signals_fill(Facts *facts, Candidate *cand);

/* Signals of statistics and rows, indexed by EvidenceSignal */
#define EVIDENCE_OF(cand) ((cand)->signals + NAME_SIGNAL_COUNT)

#define CALIBRATION_KNOTS 11

typedef struct Weights
{
	double		signal[SIGNAL_COUNT];

	/*
	 * share of proposals that are right, for candidates' shares of 0.0, 0.1,
	 * ... 1.0
	 */
	double		calibration[LEVEL_ROWS + 1][CALIBRATION_KNOTS];
} Weights;

extern Weights *weights_read(void);

/* Scores whole sets of candidates, and sorts them by column */
extern void score_all(const Weights *weights, List *candidates);

/* ---- discover_stats.c ---- */

extern void stats_begin(Facts *facts);

/*
 * Fill in what the statistics say of a candidate, in the places of
 * EvidenceSignal; false if they say nothing.  The candidates of one column
 * should follow each other.
 */
extern bool stats_fill(Facts *facts, const Candidate *cand, float *evidence);

/* Returns whether a column's numbers are spread over a range `of` times as large as their number */
extern bool stats_sparse(Facts *facts, int column, double of);

extern double stats_few(double distinct, double rows, double parents);
extern bool stats_never_recurs(bool all_differ, double rows, double parents);

#endif							/* SG_DISCOVER_CANDIDATE_H */
