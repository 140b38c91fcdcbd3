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

/* Numbers of orphans, and of rows reached, by fate */
typedef struct FixCounts
{
	int64		rows[FIX_FATES][2];
} FixCounts;

/* State of one step's fix, in one call */
typedef struct Fix
{
	StepWork   *work;
	FixKey		key;
	List	   *tables;			/* tables whose rows may be reached */
	List	   *judging;		/* tables that are read to judge the rows */
	FixPlaces	found;			/* orphans of this pass that are not settled
								 * yet */
	int64		seen;			/* rows seen by a dry run, in all tables */
	bool		more;			/* more orphans were found than memory holds */
	bool		together;		/* rows that refer to one another go in one
								 * batch */
	bool		in_doubt;		/* more orphans than memory holds are to go
								 * together */
	HTAB	   *known;			/* FixKnown: rows that go together, or NULL */
	FixPlaces	busy;			/* orphans that other sessions have locked */
	List	   *tallies;		/* FixTally *: rows that a dry run would reach */
	FixCounts	counts;
	int64		beside;			/* rows that users' triggers and rules have
								 * deleted and changed in this call */
	int64		deleted;		/* rows that earlier calls deleted without a
								 * copy */
	int			size;			/* size of the next batch */
	int			fits;			/* largest size for which there is room; 0:
								 * not known */
	int			smallest;		/* least size of a slow batch; 0: not known
								 * yet */
	int			last_size;		/* of the batch before, and its time in ms */
	double		last_ms;
	double		single_ms;		/* ms that a slow batch of one row took */
	int64		most;			/* limit of rows that go along in the next
								 * batch; 0: none */
	int64		least;			/* of these */
	bool		held;			/* orphans of the last batch stay for the next */
	bool		told;			/* a batch larger than wanted was reported */
	/* orphans fixed in this pass */
	int64		fixed;			/* orphans */
	int64		changed;		/* rows */
	int64		kept;			/* by triggers */
	int64		along;			/* number of rows that are to go along with
								 * orphans */
	int64		total;			/* orphans that this pass found, and rows that
								 * go along */
	int64		settled;		/* number of rows that no session had locked,
								 * for progress */
	double		few;			/* number of rows that the last pass over an
								 * open rule may find */
	RunRows    *rehearsed;		/* during a scan: rows that the step would
								 * delete or change, or NULL: not counted */
	MemoryContext batch_context;
} Fix;

/*
 * Fixes the orphans that passes find; in a dry run, counts them.  Returns false
 * after a failure, which is recorded.
 */
extern bool fix_run_passes(Fix *fix);

/*
 * Finds the orphans of the step's key, or rows that break its rule, into
 * fix->found.  Returns false after a failure, which is recorded; rows that
 * refer to these and block the step are one.
 */
extern bool fix_scan(Fix *fix);

/* Returns the number of places that fit into an audit's memory; the next pass finds the rest */
extern int64 fix_most_places(const FixKey *key);

/* A set of FixPlace */
extern HTAB *fix_place_set(MemoryContext context);

/*
 * Adds places to a set that is made when there is none yet.  With more than the
 * memory of an audit holds, those before are forgotten: then some rows count
 * for two steps.
 */
extern void fix_place_set_add(HTAB **all, HTAB *some, int64 most, MemoryContext context);

/* Returns a hint for a step that is blocked by rows that refer to its orphans, by these tallies */
extern char *fix_referenced_hint(const PlanStep *step, List *tallies);

/*
 * Returns the call that makes rows go along that the policies of the plan's own
 * steps keep; `steps` begins with a comma, or is empty
 */
extern char *fix_go_along_call(const char *plan, const char *steps);

/* Returns "3 orphan rows quarantined, 1 row that refers to them quarantined", or NULL */
extern char *fix_counts_text(const FixCounts *counts, bool of_rule);

/*
 * Returns the step's reason with what this call has done to its rows, including
 * a batch that is not counted yet; NULL: nothing
 */
extern char *fix_done_text(const Fix *fix, const FixCounts *batch);

/* ---- fix_together.c ---- */

/* Records the sets and fates of all rows that go, and sorts the orphans that were found by their set */
extern void fix_note_known(Fix *fix, FixBatch *batch);
extern void fix_forget_known(Fix *fix);

/* Returns the end of the set to which the last of so many orphans that were found belongs */
extern int64 fix_end_of_set(const Fix *fix, int64 end);

/* Returns whether places are one orphan, or those of one set */
extern bool fix_is_one_set(const Fix *fix, const FixPlaces *places);

/* Leaves the whole of a set for later if another session has locked an orphan of it */
extern void fix_leave_busy_sets(Fix *fix, FixPlaces *locked, FixPlaces *busy);

/*
 * Decides that later batches keep copies of rows to which quarantined rows of
 * this batch refer that came after the scan
 */
extern void fix_keep_copies_for_new(Fix *fix, FixBatch *batch);

#endif							/* SG_FIX_PASS_H */
