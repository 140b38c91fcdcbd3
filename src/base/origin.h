/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ORIGIN_H
#define SG_ORIGIN_H

/* The origin of statements, as it was before sg_origin_begin() */
typedef struct SgOrigin
{
	const char *plan;
	int			functions;		/* of users, that were under way then */
} SgOrigin;

/*
 * From here to sg_origin_end() this session runs statements of a plan, or, by
 * "", statements of ours that belong to no plan.  Whoever begins ends it, also
 * after an error.
 */
extern void sg_origin_begin(SgOrigin *before, const char *plan);
extern void sg_origin_end(const SgOrigin *before);

/*
 * Returns the plan, or "", whose statement is run right now; NULL if there is
 * none, and for what a function of users runs that the statement has led to, such
 * as a trigger.
 */
extern const char *sg_origin_plan(void);

#endif							/* SG_ORIGIN_H */
