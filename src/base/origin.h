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

/* Origin of statements before sg_origin_begin() */
typedef struct SgOrigin
{
	const char *plan;
	const char *statement;		/* text that is run, or NULL */
} SgOrigin;

/*
 * Between sg_origin_begin() and sg_origin_end() this session runs statements of
 * a plan, or, with "", statements of the extension without a plan; NULL:
 * statements of others.  The caller also ends it after an error.
 */
extern void sg_origin_begin(SgOrigin *before, const char *plan);
extern void sg_origin_end(const SgOrigin *before);

/*
 * Run a text by SPI_execute(), or a statement parsed from it by
 * ProcessUtility(), as the extension's.  Statements that it triggers are not.
 */
extern int	sg_origin_execute(const char *text);
extern void sg_origin_utility(PlannedStmt *statement, const char *text, ProcessUtilityContext context);

/*
 * Returns the plan, or "", of a utility statement with this text that the
 * server begins to run; NULL if it is not the extension's.  The address of the
 * text decides.
 */
extern const char *sg_origin_of(const char *query);

#endif							/* SG_ORIGIN_H */
