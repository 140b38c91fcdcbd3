/*-------------------------------------------------------------------------
 *
 * discover_score.h
 *	  Signals of a candidate, and what they come to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_SCORE_H
#define SG_DISCOVER_SCORE_H

#include "postgres.h"

#include "discover/discover_candidate.h"

/* ---- discover_signal.c ---- */

extern void signals_fill(Facts *facts, Candidate *cand);

/* What the rows say in place of one */
extern void signals_set(Candidate *cand, EvidenceSignal signal, float value);

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

/* Whole sets; sorts them, too */
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

#endif							/* SG_DISCOVER_SCORE_H */
