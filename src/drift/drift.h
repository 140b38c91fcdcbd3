/*-------------------------------------------------------------------------
 *
 * drift.h
 *	  Differences between two databases, as rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_H
#define SG_DRIFT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/words.h"

/* Sorted like their words, which is the order of the rows */
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
	CLASS_UNMANAGED,			/* object of an extension, or dynamic
								 * partition */
	CLASS_COSMETIC,
	CLASS_PLANNED				/* made by plan steps since the reference was
								 * taken */
} DriftClass;

/* Risk of a repair, in ascending order */
typedef enum DriftRisk
{
	DRIFT_RISKLESS,				/* nothing to repair; has no word */
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
	const char *object;			/* identity; in the reference if renamed */
	const char *target;			/* identity in the target, of a renamed or
								 * changed object */
	DriftChangeKind change;
	const char *property;		/* NULL: the object as a whole */
	const char *expected;		/* value in the reference */
	const char *actual;
	DriftClass	class;
	DriftRisk	risk;
	const char *detail;
	Jsonb	   *properties;		/* properties in the target, of an extra or
								 * changed object */
} DriftRow;

/*
 * Compares two snapshots, or one with this database (SNAPSHOT_LIVE), as the
 * caller.  Returns a List of DriftRow *, sorted by kind, object and property,
 * in the current memory context.  Includes rows of class cosmetic on request.
 * Raises snapshot_open()'s errors, and 22023 if the snapshots have no schema in
 * common.
 */
extern List *drift_compare(const char *reference, const char *target, List *schemas, bool cosmetic);

/*
 * Compares the contents of the look-up tables of which both sides have some, as
 * the caller.  Returns a row for each table that differs, without values, or
 * could not be read, in the order of their names.
 */
extern List *drift_lookup_rows(const char *reference, const char *target, List *schemas);

/*
 * Returns the schemas (char *) that exist in this database, because asking for
 * others is an error although they may be meant to be missing.
 */
extern List *drift_present_schemas(List *schemas);

/* Registers the contents of look-up tables with snapshots */
extern void drift_lookup_init(void);

#endif							/* SG_DRIFT_H */
