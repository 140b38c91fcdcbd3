/*-------------------------------------------------------------------------
 *
 * drift_pairs.h
 *	  What drift compares, object by object: for those who make one side the
 *	  other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_PAIRS_H
#define SG_DRIFT_PAIRS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "snapshot/snapshot.h"

/* An object as the two sides have it; what one side lacks is NULL there */
typedef struct DriftPair
{
	SnapshotKind kind;
	char	   *identity[2];	/* reference, target */
	char	   *parent[2];
	char	   *name[2];		/* the last part of the identity, not quoted */
	Jsonb	   *properties[2];
	List	   *changes;		/* of char *: the properties that differ by
								 * meaning; NIL where one side lacks it */
	char	   *unknown;		/* why one side could not be read, or NULL */
	int			number[2];		/* for the caller */
} DriftPair;

/*
 * The pairs that differ, and those that are the same of kinds that may have
 * to be made anew with what they depend on.  Nothing is folded, and nothing
 * is called renamed but a constraint or an index that is the same in
 * everything else.  Sorted by kind and identity; as drift_compare() else.  The
 * digest is that of this database, if it is one of the sides.
 */
extern List *drift_pairs(const char *reference, const char *target, List *schemas, uint8 *digest);

#endif							/* SG_DRIFT_PAIRS_H */
