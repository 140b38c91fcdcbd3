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
#include "utils/jsonb.h"

#include "base/words.h"

/* In the order of their words, which is that of the rows */
typedef enum DriftChangeKind
{
	DRIFT_CHANGED,
	DRIFT_EXTRA,
	DRIFT_MISSING,
	DRIFT_RENAMED
} DriftChangeKind;

typedef enum DriftClass
{
	CLASS_DRIFT,
	CLASS_EXTRA,
	CLASS_UNKNOWN,
	CLASS_UNMANAGED,			/* an extension's, or a dynamic partition */
	CLASS_COSMETIC,
	CLASS_PLANNED				/* made by steps of plans since the reference
								 * was taken */
} DriftClass;

/* Cost of a repair, from little to much */
typedef enum DriftRisk
{
	DRIFT_RISKLESS,				/* there is nothing to repair; has no word */
	DRIFT_SAFE,
	DRIFT_BLOCKING,
	DRIFT_LOSSY
} DriftRisk;

extern const SgWord drift_change_words[];
extern const SgWord drift_class_words[];
extern const char *drift_risk_word(DriftRisk risk); /* or NULL */

/* Row of sg_drift() */
typedef struct DriftRow
{
	const char *kind;
	const char *object;			/* identity; where it is renamed, the
								 * reference's */
	const char *target;			/* identity in the target, of what is renamed
								 * or changed */
	DriftChangeKind change;
	const char *property;		/* NULL for an object as a whole */
	const char *expected;		/* what the reference says */
	const char *actual;
	DriftClass	class;
	DriftRisk	risk;
	const char *detail;
	Jsonb	   *properties;		/* in the target, of what is extra or changed */
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
 * Returns those of the schemas (of char *) that this database has; asking for
 * others would be an error, while they are to be missing.
 */
extern List *drift_present_schemas(List *schemas);

#endif							/* SG_DRIFT_H */
