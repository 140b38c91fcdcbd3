/*-------------------------------------------------------------------------
 *
 * sync_apply.h
 *	  The work of sg_sync_apply(), also for sg_ensure().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SYNC_APPLY_H
#define SG_SYNC_APPLY_H

#include "postgres.h"
#include "fmgr.h"

/*
 * Locks the database for one syncing call at a time, for the session; returns
 * false if another session has the lock. sync_holder_pid() returns that
 * session's process ID, or 0.
 */
extern bool sync_lock_database(void);
extern void sync_unlock_database(void);
extern int	sync_holder_pid(void);

/*
 * Creates objects that the snapshot has and this database lacks, if that is
 * safe (schemaguard.sg_sync_safe()), in transactions of its own.  The lock is
 * held, and the documents are guarded.  Returns the name of the plan, in
 * `context`, which outlives transactions; NULL if there was nothing to do.
 * Raises errors of sg_apply() before its first step; the error of a failed step
 * is in the plan.
 */
extern char *sync_apply_safe(FunctionCallInfo fcinfo, const char *reference, MemoryContext context);

/* Arguments of sync_apply_bundle(); texts outlive transactions */
typedef struct SyncBundle
{
	const char *procedure;		/* name of the calling procedure */
	const char *given;			/* its arguments, for hints */
	char	   *reference;		/* name of a snapshot */
	char	   *plan;			/* name of the plan, a new one or the caller's */
	List	   *schemas;		/* char *; NIL: all */
	bool		allow_drop;
	char	   *renames;
	bool		fix;
	int64		max_rows;		/* negative: not given */
	bool		fail;			/* raise an error if a step is left undone */
	bool		approved;		/* the plan needs no approval of its own */
	char	   *approved_rows;	/* what look-up rows may become (JSON), see
								 * schemaguard.sg_sync_lookup_beyond() */
} SyncBundle;

/*
 * Does what sg_sync_apply() does, in transactions of its own.  The lock is
 * held, and the documents are guarded.  Returns whether nothing is left to do.
 * Raises the errors of sg_sync_apply().
 */
extern bool sync_apply_bundle(FunctionCallInfo fcinfo, const SyncBundle *bundle, MemoryContext context);

#endif							/* SG_SYNC_APPLY_H */
