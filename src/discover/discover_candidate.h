/*-------------------------------------------------------------------------
 *
 * discover_candidate.h
 *	  What may be a reference, and how it is found (discover_match.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_CANDIDATE_H
#define SG_DISCOVER_CANDIDATE_H

#include "postgres.h"

#include "fk/fk.h"
#include "discover/discover_facts.h"
#include "discover/discover_signal.h"

#define GROUP_MAX 8				/* columns of a candidate */

/* Evidence that a score rests on: each level is calibrated apart */
typedef enum EvidenceLevel
{
	LEVEL_NAMES,
	LEVEL_STATISTICS,
	LEVEL_ROWS
} EvidenceLevel;

typedef enum NameMatch
{
	MATCH_NONE,
	MATCH_TAIL,					/* the table's name ends so */
	MATCH_WHOLE
} NameMatch;

typedef struct Candidate
{
	int			set;			/* of candidates that compete */
	int			column;			/* the column that it is about, or the first
								 * of them in the table */
	int			key;
	int			n;
	int			columns[GROUP_MAX]; /* pairwise with the key's */

	/* how the column's name meets the table's */
	Suffix		suffix;
	NameMatch	match;
	bool		own_front;		/* the words left over are the child's own */
	bool		own_name;		/* ... and all of its name */
	bool		prefix_left;	/* or a prefix of many tables */
	bool		plural;
	int8		before;			/* words of the column's name left over */
	double		cover;			/* share of the table's name that is matched */

	/* how it meets the key's, or a role */
	bool		key_match;
	int8		key_before;
	bool		self_word;
	bool		actor_word;
	double		taught_name;	/* as Taught has it */
	double		taught_word;
	int			taught_columns;

	double		rank;			/* for pruning */
	bool		external;		/* the words before are another system's */
	bool		polymorphic;	/* a sibling says of which table it is a key */
	bool		impossible;		/* only a user can want it */
	bool		by_rows;		/* only rows have brought it up */

	/* groups */
	bool		leads;			/* the column says the parent's name */
	int			lead;			/* its place in columns */
	bool		redundant;		/* what it refers to is unique already */

	/* what the rows say (discover_rows.c) */
	FkKey	   *fk;				/* resolved as ALTER TABLE would, or NULL;
								 * only while its rows are read */
	int64		rows_checked;	/* -1: none */
	int64		orphan_rows;
	int64		distinct;		/* values, in a sample */
	double		parents;		/* rows of the parent; -1: unknown */
	int			others;			/* keys that have the values, too, and are
								 * less likely */
	bool		whole;			/* all rows were read, no sample */
	bool		refuted;		/* by orphans, in a sample */
	const char *reason;

	float		signals[SIGNAL_COUNT];	/* those of EvidenceSignal come last */
	EvidenceLevel level;
	bool		accepted;		/* by a user */
	double		sum;
	double		score;
	struct Candidate *rival;	/* the best other one of its set */
} Candidate;

extern Candidate *candidate_new(int key, const int *columns, int n);
extern bool match_eligible(const Facts *facts, int column);

/* Has the child a sibling that says of which table the column's value is a key: commentable_type beside commentable_id? */
extern bool match_polymorphic(const Facts *facts, int column);

/*
 * Candidates of the columns from *next on, sets in one piece, ordered by
 * column, and then those of several columns of the same tables.  After so many as there is room for, with those that the rows may
 * bring up, the table that is begun is the last one; *next is set to what
 * comes then.
 */
extern List *match_candidates(Facts *facts, int *next, int64 room);

/* ---- discover_score.c: signals, and what they come to ---- */

extern void signals_fill(Facts *facts, Candidate *cand);

/* Signals of statistics and rows, by EvidenceSignal */
#define EVIDENCE_OF(cand) ((cand)->signals + NAME_SIGNAL_COUNT)

#define CALIBRATION_KNOTS 11

typedef struct Weights
{
	double		signal[SIGNAL_COUNT];

	/*
	 * what share of proposals is right where the candidate's is 0.0, 0.1, ...
	 * 1.0
	 */
	double		calibration[LEVEL_ROWS + 1][CALIBRATION_KNOTS];
} Weights;

extern Weights *weights_read(void);

/* Whole sets; sorts them by column, too */
extern void score_all(const Weights *weights, List *candidates);

/* ---- discover_stats.c ---- */

extern void stats_begin(Facts *facts);

/*
 * Fill in what the statistics say of a candidate, in the places of
 * EvidenceSignal; false if they say nothing.  The candidates of one column
 * should follow each other.
 */
extern bool stats_fill(Facts *facts, const Candidate *cand, float *evidence);

/* Could there be so many numbers for each one that is? */
extern bool stats_sparse(Facts *facts, int column, double of);

extern double stats_few(double distinct, double rows, double parents);
extern bool stats_never_recurs(bool all_differ, double rows, double parents);

#endif							/* SG_DISCOVER_CANDIDATE_H */
