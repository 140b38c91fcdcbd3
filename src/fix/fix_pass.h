/*-------------------------------------------------------------------------
 *
 * fix_pass.h
 *	  Passes over the orphans of a step (fix_pass.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_PASS_H
#define SG_FIX_PASS_H

#include "fix/fix.h"

/* Numbers of rows by what was done to them: orphans, and rows reached */
typedef struct FixCounts
{
	int64		rows[FIX_FATES][2];
} FixCounts;

/* The orphans of one step, in one call */
typedef struct Fix
{
	StepWork   *work;
	FixKey		key;
	List	   *tables;			/* whose rows may be reached */
	List	   *judging;		/* those read to judge these rows */
	FixPlaces	found;			/* orphans of this pass, not settled yet */
	int64		seen;			/* by a dry run, of all tables */
	bool		more;			/* than fit into memory were there */
	FixPlaces	busy;			/* those that somebody else holds */
	List	   *tallies;		/* of FixTally *: what a dry run would reach */
	FixCounts	counts;
	int64		deleted;		/* without a copy, by earlier calls */
	int			size;			/* of the next batch */
	int			smallest;		/* that a slow one shrinks to; 0: not known
								 * yet */
	double		single_ms;		/* what a slow batch of one row took */
	int64		most;			/* rows that go along in the next batch; 0: no
								 * limit */
	int64		least;			/* of these */
	bool		held;			/* orphans of the last batch stay for the next */
	bool		told;			/* that a batch was larger than it should be */
	/* in this pass */
	int64		fixed;			/* orphans */
	int64		changed;		/* rows */
	int64		kept;			/* by triggers */
	int64		along;			/* rows that are to go along with orphans */
	int64		settled;		/* rows that nobody held, for progress */
	double		few;			/* rows that a pass over an open rule may find
								 * for being the last one */
	MemoryContext batch_context;
} Fix;

/* Fix what passes find; in a dry run, count it.  False: failed, on record. */
extern bool fix_run_passes(Fix *fix);

/*
 * Finds the orphans of the step's key, or rows that break its rule: fix->found.
 * False: failed, on record, as with rows that refer to these and block the step.
 */
extern bool fix_scan(Fix *fix);

/* As many places as fit into the memory of an audit; the next pass finds the rest */
extern int64 fix_most_places(const FixKey *key);

/* Returns a hint for a step that rows block, by these tallies, which refer to its orphans */
extern char *fix_referenced_hint(const PlanStep *step, List *tallies);

/* Have rows go along that stay by the policies of the plan's own steps; steps begins with a comma, or is empty */
extern char *fix_go_along_call(const char *plan, const char *steps);

/* "3 orphan rows quarantined, 1 row that refers to them quarantined", or NULL */
extern char *fix_counts_text(const FixCounts *counts, bool of_rule);

/* Returns what this call has done to rows of a step, and a batch that is not counted yet, as the step's reason has it; NULL: nothing */
extern char *fix_done_text(const Fix *fix, const FixCounts *batch);

#endif							/* SG_FIX_PASS_H */
