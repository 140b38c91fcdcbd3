/*-------------------------------------------------------------------------
 *
 * drift_rename.h
 *	  Candidates for renames, and how they are chosen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_RENAME_H
#define SG_DRIFT_RENAME_H

#include "drift/drift_compare.h"

/*
 * Score of mere likeness: objects that look alike may be different ones.  For
 * objects that hold data, only evidence that links the two gives a higher
 * score.
 */
#define RENAME_GUESS 0.8

/* Minimum score from which a sync must ask */
#define RENAME_ASK 0.5

typedef struct Candidate
{
	DriftObject *reference;
	DriftObject *target;
	double		score;
	bool		proven;			/* whether there is such evidence */
	char	   *evidence;
} Candidate;

/*
 * Takes candidates as pairs, best first, and calls pair() for each.  A
 * candidate with a close rival is not taken: its objects stay missing and
 * extra, with the names of the candidates.
 */
extern void rename_choose(DriftComparison *c, List *candidates, double min_score,
						  void (*pair) (DriftComparison *c, Candidate *candidate));

/* Returns the score to report */
extern double rename_score(const Candidate *candidate);

/*
 * Returns the likeness of two names, 0 to 1, by words and by letters.  Names
 * that differ only by a number belong to a series, which is no likeness.
 */
extern double rename_name_likeness(const char *a, const char *b);

/*
 * Evidence by the names of constraints, indexes or sequences on both sides: a
 * name that PostgreSQL generated from a table's and its columns' names outlives
 * their rename, and a new object gets a new name.
 */
typedef enum NameSign
{
	NAME_SILENT,
	NAME_ANEW,
	NAME_KEPT					/* says most */
} NameSign;

extern NameSign rename_name_sign(Jsonb *reference, const char *old_name, Jsonb *target, const char *new_name);

/* Appends a text to a candidate's evidence, if is_so */
extern void rename_say(Candidate *candidate, bool is_so, const char *what);

#endif							/* SG_DRIFT_RENAME_H */
