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
#include "storage/itemptr.h"
#include "utils/dsa.h"

#include "audit/audit_distinct.h"
#include "audit/audit_rule.h"
#include "audit/audit_set.h"

typedef enum AuditPhase
{
	PHASE_BUILD,				/* read parents into sets */
	PHASE_INSERT,				/* chunks into tables of slots */
	PHASE_JUDGE					/* read children */
} AuditPhase;

/* A key, or a rule, to judge in this round */
typedef struct AuditTask
{
	FkKey		key;
	int			set;			/* number of its set in the round; -1: a rule */
	uint64		limit;			/* SET_PROBE: keys that may be looked up */
	bool		partly_null;	/* MATCH FULL: judge partly null keys, too */
	AuditRuleKind kind;
	bool		nulls_equal;
	Size		condition;		/* CHECK: offset of its text in the job */
	Size		hits;			/* offset of the AuditHits of each participant */
	pg_atomic_uint64 orphan_rows;
	pg_atomic_uint64 orphan_pages;	/* on which batches with orphans are */
} AuditTask;

/* A row that breaks a rule */
typedef struct AuditHit
{
	uint32		read;			/* number of the AuditRead */
	ItemPointerData tid;
} AuditHit;

/* Hits that one participant keeps, in order */
typedef struct AuditHits
{
	int			n;
	AuditHit	hits[FLEXIBLE_ARRAY_MEMBER];
} AuditHits;

/* Room for so many */
#define AUDIT_HITS_SIZE(n) MAXALIGN(offsetof(AuditHits, hits) + sizeof(AuditHit) * (n))

/* A relation to read */
typedef struct AuditRead
{
	Oid			relid;			/* a leaf */
	Oid			root;			/* the table of the key: columns are found by
								 * name */
	int			set;			/* PHASE_BUILD: the set to fill */
	int			first_task;		/* PHASE_JUDGE: its keys and rules, and how
								 * many */
	int			ntasks;
	Size		pscan;			/* offset of its ParallelTableScanDesc in the
								 * job */
	pg_atomic_uint64 rows;
} AuditRead;

/* Flat: followed by tasks, reads, what rules need, and parallel scans */
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
	int			samples;		/* AuditHit of a rule that are kept */
	Size		probe_memory;	/* for each key that is looked up, of each
								 * participant */
	Size		size;			/* of all, in bytes */
	bool		parallel;
	pg_atomic_uint64 blocks;	/* read so far */
	pg_atomic_uint64 orphans;	/* found so far */
	pg_atomic_uint32 raised;	/* the task, from 1, whose rule raised an
								 * error */
	pg_atomic_uint32 asked;		/* the index whose reading raised one */
} AuditJob;

#define AUDIT_TASKS(job) ((AuditTask *) ((char *) (job) + MAXALIGN(sizeof(AuditJob))))
/* Do its values go through a sort: of orphans, or, for UNIQUE, of all rows? */
#define AUDIT_COUNTS_DISTINCT(task) ((task)->set >= 0 || (task)->kind == AUDIT_UNIQUE)

#define AUDIT_READS(job) ((AuditRead *) ((char *) AUDIT_TASKS(job) + MAXALIGN(sizeof(AuditTask) * (job)->ntasks)))

/* Participant: a process that works on a job */
typedef struct AuditParticipant
{
	AuditJob   *job;
	AuditMemory *memory;
	int			number;			/* the leader is 0 */
	AuditCodec **codecs;		/* one per task; NULL for rules */
	AuditSetView *views;		/* one per set */
	AuditDistinct **distinct;	/* one per task; PHASE_JUDGE; NULL for rules
								 * but UNIQUE */
	uint64		blocks;			/* read and not yet reported */
	uint64		pages;			/* read */
	uint64		orphans;
	BlockNumber last_block;
	int			evaluated;		/* task whose rule's condition runs, or -1 */
	Oid			asking;			/* index that is read, or InvalidOid */
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
