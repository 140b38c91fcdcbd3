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
 * Score of a mere likeness: two objects that look alike may still be two.  For
 * an object that holds data, only evidence that links the two themselves
 * scores more.
 */
#define RENAME_GUESS 0.8

/* From here on who makes the target the reference has to ask */
#define RENAME_ASK 0.5

typedef struct Candidate
{
	DriftObject *reference;
	DriftObject *target;
	double		score;
	bool		proven;			/* there is such evidence */
	char	   *evidence;
} Candidate;

/*
 * Take candidates, best first, as pairs.  One that another one comes close to
 * is not taken: what it is about stays missing and extra, with the names of
 * the candidates.  pair() is called for each that is taken.
 */
extern void rename_choose(DriftComparison *c, List *candidates, double min_score,
						  void (*pair) (DriftComparison *c, Candidate *candidate));

/* The score that is reported */
extern double rename_score(const Candidate *candidate);

/*
 * 0 to 1: how alike two names are, by their words and by their letters.  Names
 * that differ by a number only are two of a series, which is no likeness.
 */
extern double rename_name_likeness(const char *a, const char *b);

/*
 * Evidence of a constraint's, index's or sequence's name on either side: a
 * name that PostgreSQL made of the table's and its columns' names stays behind
 * when these are renamed, and an object that is made anew has a new one.
 */
typedef enum NameSign
{
	NAME_SILENT,
	NAME_ANEW,
	NAME_KEPT					/* says most */
} NameSign;

extern NameSign rename_name_sign(Jsonb *reference, const char *old_name, Jsonb *target, const char *new_name);

/* Append to the evidence of a candidate, if it is one */
extern void rename_say(Candidate *candidate, bool is_so, const char *what);

#endif							/* SG_DRIFT_RENAME_H */
