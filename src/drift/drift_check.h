/*-------------------------------------------------------------------------
 *
 * drift_check.h
 *	  One check for drift: shared by drift_check.c, drift_history.c and
 *	  drift_ignore.c, and for rooms above.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_CHECK_H
#define SG_DRIFT_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "drift/drift.h"
#include "finding/finding.h"

typedef struct DriftCheck
{
	FindingRun	history;		/* who compares what, and what is new or gone */

	/* rows by class; what is ignored is in none of the others */
	int64		drift;
	int64		extra;
	int64		unknown;
	int64		cosmetic;
	int64		unmanaged;
	int64		ignored;
	int64		planned;
	List	   *first;			/* of DriftRow *: the first ones that count */
	List	   *problems;		/* of char *: patterns that can't be used */

	bool		notified;
} DriftCheck;

/* Counts the rows that are drift: unknown is never a pass */
static inline int64
drift_check_count(const DriftCheck *check)
{
	return check->drift + check->extra + check->unknown;
}

/* pass, fail or unknown */
extern const char *drift_check_result(const DriftCheck *check);

/*
 * Compare the reference with the target, as the caller: the rows that count
 * (of DriftRow *), and their numbers in check.  Warns of entries of
 * schemaguard.drift_ignore that can't be used.  Writes nothing.
 */
extern List *drift_check_rows(DriftCheck *check);

/* "changed column public.t.c, default: expected 1, found 2" */
extern char *drift_row_text(const DriftRow *row);

/* ---- drift_ignore.c ---- */

/*
 * The entries of schemaguard.drift_ignore that are in force, as a List for
 * drift_is_ignored(); *problems receives what is wrong with others, which
 * ignore nothing.
 */
extern List *drift_ignore_load(List **problems);
extern bool drift_is_ignored(List *entries, const DriftRow *row);

/* ---- drift_history.c ---- */

/* Write the run's row */
extern void drift_history_write(const DriftCheck *check);

/* sg_prune() asks for the history, too */
extern void drift_history_init(void);

#endif							/* SG_DRIFT_CHECK_H */
