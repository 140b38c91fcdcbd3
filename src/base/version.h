/*-------------------------------------------------------------------------
 *
 * version.h
 *	  Which version the objects in the database have.
 *
 * This library works with the objects of its own version (SG_VERSION) and of
 * the one before it (SG_LAST_VERSION), which are there from the moment that
 * a new package is installed until ALTER EXTENSION schemaguard UPDATE.  Older
 * objects lack columns, but for those at the end of a result: what needs a
 * column that is not there raises 55000, with what to do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERSION_H
#define SG_VERSION_H

#include "postgres.h"

/*
 * Raise 55000 unless this library works with the objects that are there; the
 * owner of the extension
 */
extern Oid	sg_checked_owner(void);

/*
 * Like sg_checked_owner(), for the beginning of calls that judge or write: raises
 * 22023 while a limit of the session is not a valid value (guc_early.c)
 */
extern void sg_check_version(void);

/*
 * Around what uses our own tables: an error of what is not there says that
 * the objects are the old ones, if they are.
 */
extern void sg_version_context_begin(ErrorContextCallback *callback);
extern void sg_version_context_end(ErrorContextCallback *callback);

#endif							/* SG_VERSION_H */
