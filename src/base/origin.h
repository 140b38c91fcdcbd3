/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ORIGIN_H
#define SG_ORIGIN_H

#include "postgres.h"
#include "tcop/utility.h"

/* The origin of statements, as it was before sg_origin_begin() */
typedef struct SgOrigin
{
	const char *plan;
	const char *statement;		/* the text that is run, or NULL */
} SgOrigin;

/*
 * From here to sg_origin_end() this session runs statements of a plan, or, by
 * "", statements of ours that belong to no plan; NULL: none of ours.  Whoever
 * begins ends it, also after an error.
 */
extern void sg_origin_begin(SgOrigin *before, const char *plan);
extern void sg_origin_end(const SgOrigin *before);

/*
 * Run a text by SPI_execute(), or a statement that was read from it by
 * ProcessUtility(), as ours.  Nothing that it leads to is.
 */
extern int	sg_origin_execute(const char *text);
extern void sg_origin_utility(PlannedStmt *statement, const char *text, ProcessUtilityContext context);

/*
 * Returns the plan, or "", of a utility statement that the server begins to run
 * with this text; NULL: it is none of ours.  The address of the text decides.
 */
extern const char *sg_origin_of(const char *query);

#endif							/* SG_ORIGIN_H */
