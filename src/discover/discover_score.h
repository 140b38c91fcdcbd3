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

typedef struct SignalName
{
	const char *name;
	const char *words;
} SignalName;

typedef struct SignalValue
{
	int			signal;
	float		value;
} SignalValue;

/*
 * The signals that statistics and rows give, after those of names: the fit of
 * those knows neither, and these are fitted on top of it.
 */
#define EVIDENCE_SIGNALS \
	X(STATS_KNOWN, "statistics", "there are statistics of both tables") \
	X(STATS_DISTINCT, "too many values", "by the statistics, the column has more different values than the parent has rows") \
	X(STATS_OUTSIDE, "values outside", "by the statistics, values of the column are none of the parent's") \
	X(STATS_LISTED, "values listed", "by the statistics, all values of the column are the parent's, and are no numbers") \
	X(STATS_SHORT, "numbers end early", "by the statistics, the column's numbers end far before the parent's") \
	X(STATS_FEW, "few values", "by the statistics, the column names far fewer parents than its rows could") \
	X(STATS_UNIQUE, "no value recurs", "by the statistics, no value recurs where those of a reference would") \
	X(ALONE, "alone", "the rows refute that the column is a part of a reference of several") \
	X(ROWS_LOOKED, "rows", "rows were looked at") \
	X(ROWS_NAMES, "names beside rows", "what the names say, now that rows say something") \
	X(ROWS_ORPHANS, "orphans", "values that were looked at are not in the parent") \
	X(ROWS_ORPHAN_SHARE, "share of orphans", "the share of these") \
	X(ROWS_FEW_ORPHANS, "few orphans", "nearly all values that were looked at are in the parent") \
	X(ROWS_NUMBER, "rows, numbers", "the numbers that were looked at are in the parent; more of them say more") \
	X(ROWS_OTHER, "rows, no numbers", "the values that were looked at are in the parent, and are no numbers") \
	X(ROWS_MOST, "rows, most", "more than half of the values that were looked at are in the parent, and are no numbers") \
	X(ROWS_TOGETHER, "rows, together", "the parent has them together, and would lack them if each came from another row") \
	X(ROWS_GAPS, "gaps are avoided", "the parent lacks numbers between those that were looked at, and they hit none of these gaps") \
	X(ROWS_SHORT, "rows, numbers end early", "the numbers that were looked at end far before the parent's") \
	X(ROWS_FEW, "rows, few values", "they name far fewer parents than they could") \
	X(ROWS_COVER, "rows, share of parents", "the share of the parent's rows that they name") \
	X(ROWS_UNIQUE, "rows, no value recurs", "no value recurs where those of a reference would") \
	X(ROWS_OWN_KEY, "rows of an own key", "the column is a key of its own, whose numbers begin like those of any other") \
	X(ROWS_SPARSE, "rows, sparse own key", "its numbers leave out so many that they are hardly its own") \
	X(ROWS_PARENT_SPARSE, "rows, sparse parent", "the parent's numbers leave out so many that they are hardly its own") \
	X(ROWS_OLDER, "older than the parent", "the share of rows that were made before their parent") \
	X(ROWS_IN_TIME, "made in time", "rows were made after their parent more often than by chance")

typedef enum EvidenceSignal
{
#define X(id, name, words) EVIDENCE_##id,
	EVIDENCE_SIGNALS
#undef X
	EVIDENCE_COUNT
} EvidenceSignal;

extern const SignalName signal_names[];
extern int	signal_count(void);

/* What all candidates together say of how columns are called here; each is counted once */
typedef struct Habits Habits;

extern Habits *habits_begin(const Facts *facts);
extern void habits_count(Facts *facts, Habits *habits, List *candidates);
extern void habits_end(const Facts *facts, Habits *habits);

extern void signals_fill(Facts *facts, const Habits *habits, List *candidates);

/* For the candidates of discover_beyond.c */
extern void signals_alone(Facts *facts, Candidate *cand, const Candidate *group);

/* Replace one of these; 0 takes it away */
extern void signals_set(Candidate *cand, EvidenceSignal signal, float value);

#define CALIBRATION_KNOTS 11

/* What share of proposals is right where the candidate's is 0.0, 0.1, ... 1.0 */
typedef struct Calibration
{
	double		right[CALIBRATION_KNOTS];
} Calibration;

typedef struct Weights
{
	double	   *signal;
	Calibration calibration[LEVEL_ROWS + 1];
	double		density;		/* log of the references per table that are
								 * usual */
	double		density_spread; /* of that log; 0: not considered */
	struct NumericData **printed;	/* by signal, as evidence has them; NULL:
									 * not yet */
} Weights;

/* What the candidates of each set come to, of the whole database */
typedef struct SetOdds
{
	double	   *odds;
	int			n;
	int			room;
} SetOdds;

extern Weights *weights_read(void);
extern void odds_add(SetOdds *odds, const Weights *weights, List *candidates);
extern double odds_shift(const SetOdds *odds, const Facts *facts, const Weights *weights);

/* Whole sets; sorts them, too */
extern void score_all(const Weights *weights, double shift, List *candidates);

/* ---- discover_stats.c ---- */

extern void stats_begin(Facts *facts);

/*
 * Fill in what the statistics say of a candidate, in the places of
 * EvidenceSignal; false if they say nothing.  The candidates of one column
 * should follow each other.
 */
extern bool stats_fill(Facts *facts, const Candidate *cand, float *evidence);

/* What a value is as a number, where it is one or a date */
extern bool stats_number(Oid type, Datum value, double *number);
extern double stats_expected(double rows, double parents);
extern double stats_short(double highest, double parent_lowest, double parent_highest);
extern double stats_few(double distinct, double rows, double parents);
extern bool stats_never_recurs(bool all_differ, double rows, double parents);

#endif							/* SG_DISCOVER_SCORE_H */
