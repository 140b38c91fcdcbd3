/*-------------------------------------------------------------------------
 *
 * fix_restore.h
 *	  Shared by the files that put rows back from quarantine.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_RESTORE_H
#define SG_FIX_RESTORE_H

#include "postgres.h"

#include "run/run.h"

/* The id of the plan that copies go back for: a name may be that of another plan by now */
extern int64 fix_kept_by(const PlanRun *run);

/*
 * The table that has the name of the one that rows are from; InvalidOid where that one is gone.  Who has restored that
 * says so by a call of its own: the name counts then.
 */
extern Oid	fix_table_of_rows(const PlanRun *run, const char *name);

/*
 * Says whether a table takes rows that were in another role's: after a restore without
 * owners, by a superuser's call, one of a superuser, who sees all rows as it is.
 */
extern bool fix_takes_over(bool elsewhere, Oid owner);

#endif							/* SG_FIX_RESTORE_H */
