/*-------------------------------------------------------------------------
 *
 * discover_rows.h
 *	  What discovery reads of rows: shared by discover_rows.c and
 *	  discover_probe.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_ROWS_H
#define SG_DISCOVER_ROWS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/scope.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

/* For the view schemaguard.progress */
typedef struct RowProgress
{
	int64		done;
	int64		orphans;
} RowProgress;

/* What the values of a sample say of one candidate */
typedef struct RowFindings
{
	int64		rows;			/* values looked up */
	int64		orphans;
	int64		distinct;
	bool		whole;			/* these were all values that there are */
	double		parents;		/* rows of the parent; -1 is unknown */

	/* numbers only */
	bool		ranged;			/* the next two are known */
	double		lowest;
	double		highest;
	double		density;		/* share of the numbers between the child's
								 * ends that are keys; -1 is unknown */

	/* several columns only */
	double		by_chance;		/* share of the parent's where each value
								 * stands beside those of another row; -1 is
								 * unknown */

} RowFindings;

typedef struct RowSample RowSample;

/*
 * The settings of reading users' rows, as the caller; the share of a child's
 * blocks that a sample takes, in percent (0: there are none), and the FROM
 * clause of that, for columns of fk
 */
extern void probe_scope_begin(SgScope *scope);
extern double probe_percent(const Facts *facts, int child);
extern void probe_from(StringInfo query, const Facts *facts, int child, double percent);

/*
 * Read a sample of the rows of a child, the columns of these candidates.
 * Locks are held, the snapshot to read in is the active one.  Allocates in
 * the current memory context; rows that an eighth of
 * schemaguard.audit_memory has no room for are in a file.
 */
extern RowSample *probe_begin(Facts *facts, List *candidates);

/* Look the values of a candidate up in its parent */
extern void probe_candidate(RowSample *sample, const Candidate *cand, RowFindings *found);
extern void probe_end(RowSample *sample);

#endif							/* SG_DISCOVER_ROWS_H */
