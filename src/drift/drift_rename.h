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

typedef struct Candidate
{
	DriftObject *reference;
	DriftObject *target;
	double		score;
	char	   *evidence;
} Candidate;

/*
 * Take candidates, best first, as pairs.  One that another one comes close to
 * is not taken: what it is about stays missing and extra, with the names of
 * the candidates.  pair() is called for each that is taken.
 */
extern void rename_choose(DriftComparison *c, List *candidates, double min_score,
						  void (*pair) (DriftComparison *c, Candidate *candidate));

/* 0 to 1: how alike two names are, by their words and by their letters */
extern double rename_name_likeness(const char *a, const char *b);

/* Append to the evidence of a candidate, if it is one */
extern void rename_say(Candidate *candidate, bool is_so, const char *what);

#endif							/* SG_DRIFT_RENAME_H */
