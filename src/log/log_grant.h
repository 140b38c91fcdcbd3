/*-------------------------------------------------------------------------
 *
 * log_grant.h
 *	  Who may call what writes: sg_grant() and sg_revoke().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_LOG_GRANT_H
#define SG_LOG_GRANT_H

#include "postgres.h"
#include "fmgr.h"

/* May the current role write plans, snapshots and the log? */
extern bool sg_is_granted(void);

/*
 * Raises 42501 without the grant, in the name of the function that is called,
 * with what gives the right as the hint.  Comes before anything else that a
 * function does for its caller: no lock, no look-up.
 */
extern void sg_check_granted(FunctionCallInfo fcinfo);

#endif							/* SG_LOG_GRANT_H */
