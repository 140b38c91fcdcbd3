/*-------------------------------------------------------------------------
 *
 * schemaguard.c
 *	  Module entry.
 *
 * schemaguard needs no preloading: everything is set up when a session calls
 * one of its functions for the first time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "guc.h"

SG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sg_guc_init();
}
