/*-------------------------------------------------------------------------
 *
 * progress.h
 *	  What a running call is doing, for the view schemaguard.progress.
 *
 * Uses the slots that every backend has in shared memory for the views
 * pg_stat_progress_*, under a command number that none of those views shows.
 * So nothing has to be preloaded, a backend that dies takes its row along,
 * and it works on a standby.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PROGRESS_H
#define SG_PROGRESS_H

#include "postgres.h"

typedef enum SgProgressAction
{
	SG_PROGRESS_AUDIT = 1,
	SG_PROGRESS_ADD,
	SG_PROGRESS_VALIDATE,
	SG_PROGRESS_ROLLBACK,
	SG_PROGRESS_INDEX,			/* building what the child's columns lack */
	SG_PROGRESS_FIX,
	SG_PROGRESS_RESTORE,
	SG_PROGRESS_REPLACE,
	SG_PROGRESS_BACKFILL,
	SG_PROGRESS_VERIFY,
	SG_PROGRESS_MEASURE,
	SG_PROGRESS_DISCOVER,		/* looking at rows of candidates */
	SG_PROGRESS_SNAPSHOT,		/* reading what a database is made of */
	SG_PROGRESS_CHECK,			/* preflight of a plan */
	SG_PROGRESS_COMPARE,		/* two environments */
	SG_PROGRESS_SYNC,			/* a script in a scratch database */
	SG_PROGRESS_COUNT			/* rows that a fix would take away */
} SgProgressAction;

typedef enum SgProgressPhase
{
	SG_PHASE_STARTING = 1,
	SG_PHASE_LOCKING,			/* waiting for locks on the tables */
	SG_PHASE_SCANNING,			/* reading rows */
	SG_PHASE_PAUSING,			/* between two attempts, no lock held */
	SG_PHASE_EXECUTING,			/* running DDL under the locks */
	SG_PHASE_BUILDING,			/* reading the keys of parents */
	SG_PHASE_COUNTING,			/* distinct keys of orphans */
	SG_PHASE_THROTTLED,			/* waiting for the load to go down */
	SG_PHASE_WORKING,			/* workers do it, in transactions of their own */
	SG_PHASE_WAITING			/* a worker's index waits for old transactions */
} SgProgressPhase;

/*
 * From here to sg_progress_end(), or an error, the session has a row in the
 * view.  done and total count keys (audit, verify), objects (snapshot) or
 * steps (plan); a total of 0 is not known yet.
 */
extern void sg_progress_begin(SgProgressAction action, int64 plan_id, int64 total);
extern void sg_progress_total(int64 total);

/* Counts a step as begun whose first part is done, where other steps come before its second part */
extern void sg_progress_begun(void);

/*
 * Around what would clear the row: the end of a failed subtransaction, and
 * commands of the server's that show progress of their own.  An error in
 * between ends it, too.
 */
extern void sg_progress_keep(void);
extern void sg_progress_kept(void);

extern void sg_progress_step(SgProgressAction action, int step, Oid relid);
extern void sg_progress_phase(SgProgressPhase phase);

/* Place in the work, from which it goes on after a pause */
#define SG_PROGRESS_PARAMS	20

typedef struct SgProgressPlace
{
	int64		params[SG_PROGRESS_PARAMS];
	int64		since;			/* of the pause; a TimestampTz */
} SgProgressPlace;

/* Show a pause, as this phase, and afterwards what was shown before it; its time does not count for the estimated end */
extern void sg_progress_pause(SgProgressPlace *place, SgProgressPhase phase);
extern void sg_progress_resume(const SgProgressPlace *place);
extern void sg_progress_done(int64 done, int64 orphan_rows);

/*
 * Reading tables: how many blocks there are and which table it is, and how
 * many are read.  Until the next step, phase or done.  While rows are fixed or
 * restored, these are counted instead, over all phases.
 */
extern void sg_progress_tables(SgProgressPhase phase, Oid relid, int64 blocks);
extern void sg_progress_blocks(int64 blocks, int64 orphan_rows);
extern void sg_progress_end(void);

/*
 * A statement of the server's reads two tables from end to end, and says
 * nothing.  The view shows how far it is where the server keeps that for scans
 * which run in step: with synchronize_seqscans, of tables larger than a
 * quarter of shared_buffers.
 */
extern void sg_progress_silent(Oid table, Oid other);

/* Show what the CREATE INDEX of another process is at, if it runs one */
extern bool sg_progress_index(int pid);

#endif							/* SG_PROGRESS_H */
