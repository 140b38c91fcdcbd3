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
/* How pairs treat renames that nobody has confirmed */
typedef enum DriftRenames
{
	RENAMES_DROP,				/* nothing: one object goes, another one comes */
	RENAMES_FOLLOW,				/* what sg_drift() calls renamed is one pair,
								 * with a score */
	RENAMES_ASK					/* so is what may be, from RENAME_ASK on; what
								 * else may be one of the two waits for them */
} DriftRenames;

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
	double		score;			/* of a rename that nobody has confirmed, or 0 */
	char	   *evidence;		/* for that */
	char	   *perhaps;		/* what else it may be, that is one of a pair:
								 * its identity in the reference, or NULL */
	struct DriftPair *waits_for;	/* for the caller */
	int			number[2];		/* for the caller */
} DriftPair;

/*
 * The pairs that differ, and those that are the same of kinds that may have
 * to be made anew with what they depend on.  Nothing is folded, and nothing
 * is called renamed but a constraint or an index that is the same in
 * everything else, but for "renames".  Sorted by kind and identity; as
 * drift_compare() else.  The digest is that of this database, if it is one of the sides.
 */
extern List *drift_pairs(const char *reference, const char *target, List *schemas, DriftRenames renames, uint8 *digest);

/* Returns the part of an identity before its last one: the table of a column; NULL where it has one part */
extern char *drift_owner(const char *identity);

#endif							/* SG_DRIFT_PAIRS_H */
