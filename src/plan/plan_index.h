/*-------------------------------------------------------------------------
 *
 * plan_index.h
 *	  Indexes that the steps of a plan want.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_INDEX_H
#define SG_PLAN_INDEX_H

#include "postgres.h"

#include "fk/fk.h"
#include "plan/plan.h"

/* An index on a child's columns that steps want and this database lacks */
typedef struct PlanIndex
{
	int			step;			/* the first that wants it */
	FkKey	   *key;			/* it serves; NULL: the table is not here, or
								 * the columns are yet to be added */
	char	   *table;			/* qualified, as the index' name is */
	char	   *columns;
	char	   *name;
	char	   *statement;
	bool		partitioned;	/* to be made when all partitions have theirs,
								 * not concurrently */
	char	   *obstacle;		/* why it would not serve, so why it is not
								 * made, or NULL */
} PlanIndex;

/*
 * The indexes that some steps (a List of PlanStep *) lack, in the order in
 * which they are to be made; for a partitioned child one for each partition
 * that has none, then the one that joins them.
 */
extern List *plan_missing_indexes(List *steps);

/* Is it the index that plan_missing_indexes() would have made on these columns? */
extern bool plan_index_is(Oid index, const char *table, const char *columns, bool partitioned);

/*
 * Is it what an interrupted build of such an index has left?  And all that a
 * plan's builds have left: their deeds, of PlanDeed * (plan_deed.h).
 */
extern bool plan_index_is_leftover(Oid index, const char *table, const char *columns);
extern List *plan_index_leftovers(const FkPlan *plan);

/*
 * Drop those for a plan that is about to go, each within
 * schemaguard.lock_timeout (an error where that does not do), and say which
 * ones stay because they are not the caller's.
 */
extern void plan_index_drop_leftovers(const FkPlan *plan);

/* The partitions of a partitioned table that hold rows of their own */
extern List *plan_leaves(Oid relid);

#endif							/* SG_PLAN_INDEX_H */
