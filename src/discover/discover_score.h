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

/* Which way a signal speaks: the fit keeps to that */
typedef enum SignalDirection
{
	AGAINST = -1,
	EITHER,
	FOR
} SignalDirection;

typedef struct SignalName
{
	const char *name;
	SignalDirection direction;
	const char *words;
} SignalName;

typedef struct SignalValue
{
	int			signal;
	float		value;
} SignalValue;

/* What names, types and keys say: name in discovery_weight, direction, words for people */
#define NAME_SIGNALS \
	X(CANDIDATE, "candidate", AGAINST, "most candidates are none") \
	X(TABLE, "table name", FOR, "named like the table") \
	X(PREFIX_LEFT, "prefix left out", FOR, "what is left out is a prefix of many tables, and columns here leave it out") \
	X(OWN_FRONT, "own prefix", FOR, "what is left out is what the child's name begins with") \
	X(COVER, "share of table name", FOR, "how much of the table's name it has") \
	X(BEFORE, "words before", AGAINST, "words come before") \
	X(KEY_SHARED, "shared key name", AGAINST, "other tables' keys have that name, too") \
	X(ACTOR_BEST, "table of people", FOR, "no other table does better as that of people") \
	X(SELF_WORD, "another row", FOR, "says that it is another row of the same table") \
	X(SELF, "same table", AGAINST, "child and parent are one table") \
	X(SELF_NEEDED, "same table, not null", AGAINST, "and each row would need another one") \
	X(BARE_TEXT, "bare text", AGAINST, "a text without an ending") \
	X(PLURAL, "plural", AGAINST, "a number that is called by a plural") \
	X(MEASURE, "named as a quantity", AGAINST, "its last word is of a quantity, a time or a text") \
	X(SUFFIX_SAME, "same ending", FOR, "column and key end in the same word") \
	X(SUFFIX_OTHER, "other ending", AGAINST, "column and key end in different words") \
	X(TYPE_SAME, "same type", FOR, "the types are the same") \
	X(CHILD_PRIMARY, "child's primary key", AGAINST, "it is the child's primary key") \
	X(CHILD_IN_PRIMARY, "part of child's key", FOR, "it is part of the child's primary key") \
	X(NOT_NULL, "not null", FOR, "it is not null") \
	X(UNINDEXED, "not indexed", AGAINST, "no index begins with it, where others have one") \
	X(PARENT_PRIMARY, "parent's primary key", FOR, "the target is a primary key") \
	X(OTHER_SCHEMA, "other schema", AGAINST, "child and parent are in different schemas") \
	X(PARENT_HAS, "parent has it too", AGAINST, "the parent has a column of that name beside its key") \
	X(TAUGHT, "declared elsewhere", FOR, "columns of that name are declared to refer there") \
	X(TAUGHT_WORD, "declared by word", FOR, "columns that end in the same words are declared to refer there") \
	X(GROUP, "group", AGAINST, "a reference of several columns")

/*
 * What statistics and rows say, after that: the fit of names knows neither,
 * and these are fitted on top of it.
 */
#define EVIDENCE_SIGNALS \
	X(KNOWN, "rows or statistics", EITHER, "there are rows or statistics of both tables") \
	X(NAMES, "names beside rows", FOR, "what the names say, now that rows say something") \
	X(MISSING, "values missing", AGAINST, "values are not in the parent") \
	X(TOO_MANY, "too many values", AGAINST, "it has more different values than the parent has rows") \
	X(CHANCE, "as by chance", AGAINST, "no more values are in the parent than by chance") \
	X(FITS, "beyond chance", FOR, "more values are in the parent than by chance") \
	X(SHORT, "numbers end early", AGAINST, "its numbers end far before the parent's") \
	X(FEW, "few values", AGAINST, "it names far fewer parents than its rows could") \
	X(UNIQUE, "no value recurs", AGAINST, "no value recurs where those of a reference would") \
	X(COVERS, "share of parents", FOR, "many of the parent's rows are named") \
	X(OWN_KEY, "rows of an own key", AGAINST, "it is a key of its own, whose numbers begin like those of any other") \
	X(OLDER, "older than the parent", AGAINST, "rows were made before their parent") \
	X(IN_TIME, "made in time", FOR, "rows were made after their parent more often than by chance")

typedef enum EvidenceSignal
{
#define X(id, name, direction, words) EVIDENCE_##id,
	EVIDENCE_SIGNALS
#undef X
	EVIDENCE_COUNT
} EvidenceSignal;

extern const SignalName signal_names[];
extern int	signal_count(void);

/* Whole sets, and what is added to one later */
extern void signals_fill(Facts *facts, List *candidates);
extern void signals_alone(Facts *facts, Candidate *cand);

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

/* Are its numbers so far apart that a key of 1 to n would not have them by chance? */
extern bool stats_sparse(Facts *facts, int column);

/* What a value is as a number, where it is one or a date */
extern bool stats_number(Oid type, Datum value, double *number);
extern double stats_expected(double rows, double parents);
extern double stats_short(double highest, double parent_lowest, double parent_highest);
extern double stats_few(double distinct, double rows, double parents);
extern bool stats_never_recurs(bool all_differ, double rows, double parents);

#endif							/* SG_DISCOVER_SCORE_H */
