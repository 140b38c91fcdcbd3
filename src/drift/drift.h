/*-------------------------------------------------------------------------
 *
 * drift.h
 *	  How two databases differ, as rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_H
#define SG_DRIFT_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* One row of sg_drift(); the words are those of the result */
typedef struct DriftRow
{
	const char *kind;
	const char *object;			/* identity; where it is renamed, the
								 * reference's */
	const char *change;
	const char *property;		/* NULL for an object as a whole */
	const char *expected;		/* what the reference says */
	const char *actual;
	const char *class;
	const char *risk;			/* NULL where there is nothing to repair */
	const char *detail;
} DriftRow;

/*
 * Compare two snapshots, or one with this database (SNAPSHOT_LIVE), as the
 * caller.  Returns a List of DriftRow *, sorted by kind, object and property,
 * in the current memory context.  Rows of class cosmetic are there only on
 * demand.  Raises what snapshot_open() raises, and 22023 when the snapshots
 * have no schema in common.
 */
extern List *drift_compare(const char *reference, const char *target, List *schemas, bool cosmetic);

/*
 * Those of the schemas (of char *) that this database has: the others can't
 * be asked for, so that they are missing, and no error.
 */
extern List *drift_present_schemas(List *schemas);

#endif							/* SG_DRIFT_H */
