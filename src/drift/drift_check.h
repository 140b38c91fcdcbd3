/*-------------------------------------------------------------------------
 *
 * drift_check.h
 *	  A check for drift: shared by drift_check.c, drift_history.c and
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
	FindingRun	history;		/* run of the history: role, reference,
								 * target, findings that are new or gone */

	/* number of rows by class; ignored rows count only as ignored */
	int64		drift;
	int64		extra;
	int64		unknown;
	int64		cosmetic;
	int64		unmanaged;
	int64		ignored;
	int64		planned;
	List	   *first;			/* DriftRow *: the first ones that count */
	List	   *problems;		/* char *: invalid patterns */

	bool		notified;
} DriftCheck;

/* Returns the number of rows that count as drift, unknown ones included */
static inline int64
drift_check_count(const DriftCheck *check)
{
	return check->drift + check->extra + check->unknown;
}

/* Returns pass, fail or unknown */
extern const char *drift_check_result(const DriftCheck *check);

/*
 * Compares reference and target, as the caller: returns the rows that count
 * (DriftRow *), and their numbers in check.  Warns of invalid entries of
 * schemaguard.drift_ignore.  Writes nothing.
 */
extern List *drift_check_rows(DriftCheck *check);

/* Returns a text like "changed column public.t.c, default: expected 1, found 2" */
extern char *drift_row_text(const DriftRow *row);

/* ---- drift_ignore.c ---- */

/*
 * drift_ignore_load() returns the valid entries of schemaguard.drift_ignore for
 * drift_is_ignored(); *problems gets the errors of the others, which ignore
 * nothing.
 */
extern List *drift_ignore_load(List **problems);
extern bool drift_is_ignored(List *entries, const DriftRow *row);

/* ---- drift_history.c ---- */

/* Writes the run's row */
extern void drift_history_write(const DriftCheck *check);

/* Registers the history with sg_prune() */
extern void drift_history_init(void);

#endif							/* SG_DRIFT_CHECK_H */
