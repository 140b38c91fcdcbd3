/*-------------------------------------------------------------------------
 *
 * drift_check.h
 *	  One check for drift: shared by drift_check.c, drift_history.c,
 *	  drift_ignore.c and drift_notify.c, and for rooms above.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_CHECK_H
#define SG_DRIFT_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "drift/drift.h"

typedef struct DriftCheck
{
	char	   *role;			/* whose privileges are used */
	char	   *reference;
	char	   *target;
	pg_uuid_t	run;			/* in the log */
	TimestampTz started_at;

	/* rows by class; what is ignored is in none of the others */
	int64		drift;
	int64		extra;
	int64		unknown;
	int64		cosmetic;
	int64		unmanaged;
	int64		ignored;
	List	   *first;			/* of DriftRow *: the first ones that count */
	List	   *problems;		/* of char *: patterns that can't be used */

	/* of the history, where it is written */
	int64		id;				/* of the row in drift_run */
	int64		appeared;
	int64		gone;
	bool		notified;
} DriftCheck;

/* What counts as drift: unknown is never a pass */
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

/*
 * Take the lock of this comparison by this role, until the end of the
 * transaction, and begin a run.  What is read for the check is read
 * afterwards, so that runs are in the order of what they saw.
 */
extern void drift_history_begin(DriftCheck *check);

/* Record what was found: the rows (of DriftRow *) that count */
extern void drift_history_add(const DriftCheck *check, List *rows);

/* Close what is gone, count what appeared and went; then write the run's row */
extern void drift_history_close(DriftCheck *check);

/* sg_prune() asks for the history, too */
extern void drift_history_init(void);
extern void drift_history_write(const DriftCheck *check);

/*
 * What the run found or missed, as a List of char *, JSON each, as many as a
 * message may hold: new ones first, then those that are gone.
 */
extern List *drift_history_items(const DriftCheck *check);

/* ---- drift_notify.c ---- */

/* NOTIFY about a run whose set of drifts is another one than the last's */
extern void drift_notify(const DriftCheck *check);

#endif							/* SG_DRIFT_CHECK_H */
