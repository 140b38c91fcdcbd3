/*-------------------------------------------------------------------------
 *
 * audit_job.h
 *	  What the processes that read together share (audit_scan.c, audit_parallel.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_JOB_H
#define SG_AUDIT_JOB_H

#include "postgres.h"
#include "port/atomics.h"
#include "utils/dsa.h"

#include "audit/audit_distinct.h"
#include "audit/audit_set.h"

typedef enum AuditPhase
{
	PHASE_BUILD,				/* read parents into sets */
	PHASE_INSERT,				/* chunks into tables of slots */
	PHASE_JUDGE					/* read children */
} AuditPhase;

/* A key to judge in this round */
typedef struct AuditTask
{
	FkKey		key;
	int			set;			/* number of its set in the round */
	bool		partly_null;	/* MATCH FULL: judge partly null keys, too */
	pg_atomic_uint64 orphan_rows;
} AuditTask;

/* A relation to read */
typedef struct AuditRead
{
	Oid			relid;			/* a leaf */
	Oid			root;			/* the table of the key: columns are found by
								 * name */
	int			set;			/* PHASE_BUILD: the set to fill */
	int			first_task;		/* PHASE_JUDGE: its keys, and how many */
	int			ntasks;
	Size		pscan;			/* offset of its ParallelTableScanDesc in the
								 * job */
	pg_atomic_uint64 rows;
} AuditRead;

/* Flat: followed by tasks, reads and parallel scans */
typedef struct AuditJob
{
	AuditPhase	phase;
	uint64		seed;
	dsa_handle	area;
	AuditRef	sets;			/* AuditSet[nsets] */
	int			nsets;
	int			ntasks;
	int			nreads;
	int			nparticipants;	/* workers asked for, and the leader */
	Size		size;			/* of all, in bytes */
	bool		parallel;
	pg_atomic_uint64 blocks;	/* read so far */
	pg_atomic_uint64 orphans;	/* found so far */
} AuditJob;

#define AUDIT_TASKS(job) ((AuditTask *) ((char *) (job) + MAXALIGN(sizeof(AuditJob))))
#define AUDIT_READS(job) ((AuditRead *) ((char *) AUDIT_TASKS(job) + MAXALIGN(sizeof(AuditTask) * (job)->ntasks)))

/* One process at work on a job */
typedef struct AuditParticipant
{
	AuditJob   *job;
	AuditMemory *memory;
	bool		leader;
	AuditCodec **codecs;		/* one per task */
	AuditSetView *views;		/* one per set */
	AuditDistinct **distinct;	/* one per task; PHASE_JUDGE */
	uint64		blocks;			/* read and not yet reported */
	uint64		orphans;
	BlockNumber last_block;
} AuditParticipant;

/* Do a share of the job (audit_scan.c) */
extern void audit_participate(AuditParticipant *participant);
extern void audit_report_progress(AuditParticipant *participant);

/* How many workers a job over relations of so many pages gets */
extern int	audit_choose_workers(BlockNumber pages);

/*
 * Run a job with up to so many workers.  The leader takes part; orphan keys
 * of all participants end in `distinct`.
 */
extern void audit_run_job(AuditParticipant *leader, int nworkers);

#endif							/* SG_AUDIT_JOB_H */
