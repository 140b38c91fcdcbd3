/*-------------------------------------------------------------------------
 *
 * drift_pairs.h
 *	  Pairs of objects that drift compares, for callers that make one side
 *	  like the other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_PAIRS_H
#define SG_DRIFT_PAIRS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "snapshot/snapshot.h"

/* Object as both sides have it; members are NULL for a side without it */
/* How pairs treat renames that nobody has confirmed */
typedef enum DriftRenames
{
	RENAMES_DROP,				/* a rename is a drop and a create */
	RENAMES_FOLLOW,				/* a rename of sg_drift() is one pair, with a
								 * score */
	RENAMES_ASK					/* likewise a possible rename, from RENAME_ASK
								 * on; other candidates wait for the pair */
} DriftRenames;

typedef struct DriftPair
{
	SnapshotKind kind;
	char	   *identity[2];	/* reference, target */
	char	   *parent[2];
	char	   *name[2];		/* last part of the identity, not quoted */
	Jsonb	   *properties[2];
	List	   *changes;		/* char *: properties that differ in meaning;
								 * NIL if one side lacks the object */
	char	   *unknown;		/* why one side could not be read, or NULL */
	double		score;			/* score of a rename that nobody has
								 * confirmed, or 0 */
	char	   *evidence;		/* for that */
	char	   *perhaps;		/* identity, in the reference, of an object of
								 * another pair that it may be; or NULL */
	struct DriftPair *waits_for;	/* for the caller */
	int			number[2];		/* for the caller */
} DriftPair;

/*
 * Returns the pairs that differ, and equal ones of kinds that may have to be
 * recreated with objects that they depend on.  Nothing is folded, and only
 * constraints and indexes that are equal otherwise count as renamed, apart from
 * what `renames` says.  Sorted by kind and identity; otherwise like
 * drift_compare(). *digest gets that of this database, if it is one of the
 * sides.
 */
extern List *drift_pairs(const char *reference, const char *target, List *schemas, DriftRenames renames, uint8 *digest);

/* Returns an identity without its last part: the table of a column; NULL if it has one part */
extern char *drift_owner(const char *identity);

#endif							/* SG_DRIFT_PAIRS_H */
