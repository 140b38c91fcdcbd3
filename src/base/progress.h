/*-------------------------------------------------------------------------
 *
 * progress.h
 *	  Progress of a running call, for the view schemaguard.progress.
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
	SG_PROGRESS_INDEX,			/* building missing indexes of the child */
	SG_PROGRESS_FIX,
	SG_PROGRESS_RESTORE,
	SG_PROGRESS_REPLACE,
	SG_PROGRESS_BACKFILL,
	SG_PROGRESS_VERIFY,
	SG_PROGRESS_MEASURE,
	SG_PROGRESS_DISCOVER,		/* sampling rows of candidates */
	SG_PROGRESS_SNAPSHOT,		/* taking a snapshot */
	SG_PROGRESS_CHECK,			/* preflight of a plan */
	SG_PROGRESS_COMPARE,		/* comparing two environments */
	SG_PROGRESS_SYNC,			/* running a script in a scratch database */
	SG_PROGRESS_COUNT			/* counting rows that a fix would remove */
} SgProgressAction;

typedef enum SgProgressPhase
{
	SG_PHASE_STARTING = 1,
	SG_PHASE_LOCKING,			/* waiting for locks on the tables */
	SG_PHASE_SCANNING,			/* reading rows */
	SG_PHASE_PAUSING,			/* between two attempts, no lock held */
	SG_PHASE_EXECUTING,			/* running DDL under the locks */
	SG_PHASE_BUILDING,			/* reading the keys of parents */
	SG_PHASE_COUNTING,			/* counting distinct keys of orphans */
	SG_PHASE_THROTTLED,			/* waiting for the load to go down */
	SG_PHASE_WORKING,			/* workers work in transactions of their own */
	SG_PHASE_WAITING			/* a worker's index waits for old transactions */
} SgProgressPhase;

/*
 * Between sg_progress_begin() and sg_progress_end(), or an error, the session
 * has a row in the view. done and total count keys (audit, verify), objects
 * (snapshot) or steps (plan); a total of 0 is unknown.
 */
extern void sg_progress_begin(SgProgressAction action, int64 plan_id, int64 total);
extern void sg_progress_total(int64 total);

/* Counts a step as begun whose first part is done, if other steps come before its second part */
extern void sg_progress_begun(void);

/*
 * Save and restore the row around code that clears it: the end of a failed
 * subtransaction, and server commands that report progress themselves.  An
 * error in between clears it, too.
 */
extern void sg_progress_keep(void);
extern void sg_progress_kept(void);

extern void sg_progress_step(SgProgressAction action, int step, Oid relid);
extern void sg_progress_phase(SgProgressPhase phase);

/* State of the progress report, restored after a pause */
#define SG_PROGRESS_PARAMS	20

typedef struct SgProgressPlace
{
	int64		params[SG_PROGRESS_PARAMS];
	int64		since;			/* begin of the pause, a TimestampTz */
} SgProgressPlace;

/*
 * Show a pause as this phase, and restore the former state afterwards; its time
 * does not count for the estimated end
 */
extern void sg_progress_pause(SgProgressPlace *place, SgProgressPhase phase);
extern void sg_progress_resume(const SgProgressPlace *place);
extern void sg_progress_done(int64 done, int64 orphan_rows);

/*
 * Report the reading of tables: table and number of blocks, and blocks read,
 * until the next step, phase or end.  While rows are fixed or restored, these
 * are counted instead, over all phases.
 */
extern void sg_progress_tables(SgProgressPhase phase, Oid relid, int64 blocks);
extern void sg_progress_blocks(int64 blocks, int64 orphan_rows);
extern void sg_progress_end(void);

/*
 * Reports a server's statement that reads two tables completely without
 * progress of its own.  The view shows the position of synchronized scans, if
 * synchronize_seqscans is on and a table is larger than a quarter of
 * shared_buffers.
 */
extern void sg_progress_silent(Oid table, Oid other);

/* Shows the progress of another process's CREATE INDEX; returns whether it runs one */
extern bool sg_progress_index(int pid);

#endif							/* SG_PROGRESS_H */
