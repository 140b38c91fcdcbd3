/*-------------------------------------------------------------------------
 *
 * promote.h
 *	  Environments, and bundles of changes on their way between them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PROMOTE_H
#define SG_PROMOTE_H

#include "postgres.h"

/* Writes a row of the log about a bundle: done */
extern void promote_log(const char *action, const char *bundle, const char *message);

/* Registers the bundles with sg_prune(), and what lower rooms ask: whether the window of this environment is open */
extern void promote_init(void);

#endif							/* SG_PROMOTE_H */
