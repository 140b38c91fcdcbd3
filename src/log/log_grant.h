/*-------------------------------------------------------------------------
 *
 * log_grant.h
 *	  The right to call functions that write: sg_grant() and sg_revoke().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_LOG_GRANT_H
#define SG_LOG_GRANT_H

#include "postgres.h"
#include "fmgr.h"

/* Returns whether the current role may write plans, snapshots and the log */
extern bool sg_is_granted(void);

/*
 * Raises 42501 without the grant, in the name of the called function, with a
 * hint that says how to get the right.  Called before anything else that a
 * function does for its caller: it takes no lock and looks nothing up.
 */
extern void sg_check_granted(FunctionCallInfo fcinfo);

#endif							/* SG_LOG_GRANT_H */
