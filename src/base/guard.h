/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Functions of others that would run as whoever has called us.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GUARD_H
#define SG_GUARD_H

#include "postgres.h"
#include "fmgr.h"

/* Installs the server's hooks; once, when the library is loaded */
extern void sg_guard_init(void);

/* What the guard was before; for a call in a call */
typedef struct SgGuard
{
	int			level;
	Oid			role;
	int			trusted;
} SgGuard;

/*
 * From here to sg_guard_end() each function that is called as the current role
 * belongs to it, to a role that has its privileges, or to a superuser: another
 * one raises 42501 before it runs.  What those functions call is their owner's
 * choice.  An error goes through sg_guard_end(), too.
 */
extern void sg_guard_begin(SgGuard *before);
extern void sg_guard_end(const SgGuard *before);

/* For a process of ours: as long as it lives, for the role that it works for by then */
extern void sg_guard_process(void);

#endif							/* SG_GUARD_H */
