/*-------------------------------------------------------------------------
 *
 * audit_job.h
 *	  State shared by the processes of a parallel scan (audit_scan.c,
 *	  audit_parallel.c).
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
	PHASE_INSERT,				/* insert chunks into tables of slots */
	PHASE_JUDGE					/* read children */
} AuditPhase;

/* Key or rule to judge in this round */
typedef struct AuditTask
{
	FkKey		key;
	int			set;			/* number of its set in the round; -1: a rule */
	uint64		limit;			/* SET_PROBE: maximum number of keys to look
								 * up */
	bool		partly_null;	/* MATCH FULL: judge partly null keys, too */
	AuditRuleKind kind;
	bool		nulls_equal;
	Size		condition;		/* CHECK: offset of its text in the job */
	Size		hits;			/* offset of each participant's AuditHits */
	pg_atomic_uint64 orphan_rows;
	pg_atomic_uint64 orphan_pages;	/* number of pages of batches with orphans */
} AuditTask;

/* Row that breaks a rule */
typedef struct AuditHit
{
	uint32		read;			/* number of the AuditRead */
	ItemPointerData tid;
} AuditHit;

/* Hits that one participant keeps, sorted */
typedef struct AuditHits
{
	int			n;
	AuditHit	hits[FLEXIBLE_ARRAY_MEMBER];
} AuditHits;

/* Size of AuditHits for n hits */
#define AUDIT_HITS_SIZE(n) MAXALIGN(offsetof(AuditHits, hits) + sizeof(AuditHit) * (n))

/* Relation to read */
typedef struct AuditRead
{
	Oid			relid;			/* a leaf */
	Oid			root;			/* table of the key, whose columns are found
								 * by name */
	int			set;			/* PHASE_BUILD: set to fill */
	int			first_task;		/* PHASE_JUDGE: its first key or rule, and
								 * their number */
	int			ntasks;
	Size		pscan;			/* offset of its ParallelTableScanDesc in the
								 * job */
	pg_atomic_uint64 rows;
} AuditRead;

/* Job in one piece of memory: followed by tasks, reads, state of rules, and parallel scans */
typedef struct AuditJob
{
	AuditPhase	phase;
	uint64		seed;
	dsa_handle	area;
	AuditRef	sets;			/* AuditSet[nsets] */
	int			nsets;
	int			ntasks;
	int			nreads;
	int			nparticipants;	/* requested workers and the leader */
	int			samples;		/* number of AuditHit to keep per rule */
	Size		probe_memory;	/* memory for looked up keys, for each key and
								 * participant */
	Size		size;			/* size of the whole, in bytes */
	bool		parallel;
	pg_atomic_uint64 blocks;	/* read so far */
	pg_atomic_uint64 orphans;	/* orphans found so far */
	pg_atomic_uint32 raised;	/* number, from 1, of the task whose rule
								 * raised an error */
	pg_atomic_uint32 asked;		/* index whose reading raised an error */
} AuditJob;

#define AUDIT_TASKS(job) ((AuditTask *) ((char *) (job) + MAXALIGN(sizeof(AuditJob))))
/* A task's values are sorted to be counted if it looks for orphans (theirs) or is of kind UNIQUE (those of all rows) */
#define AUDIT_COUNTS_DISTINCT(task) ((task)->set >= 0 || (task)->kind == AUDIT_UNIQUE)

#define AUDIT_READS(job) ((AuditRead *) ((char *) AUDIT_TASKS(job) + MAXALIGN(sizeof(AuditTask) * (job)->ntasks)))

/* Participant: a process that works on a job */
typedef struct AuditParticipant
{
	AuditJob   *job;
	AuditMemory *memory;
	int			number;			/* the leader is 0 */
	AuditCodec **codecs;		/* per task; NULL for rules */
	AuditSetView *views;		/* one per set */
	AuditDistinct **distinct;	/* per task, in PHASE_JUDGE; NULL for rules
								 * other than UNIQUE */
	uint64		blocks;			/* blocks read and not yet reported */
	uint64		pages;			/* read */
	uint64		orphans;
	BlockNumber last_block;
	int			evaluated;		/* task whose rule's condition runs, or -1 */
	Oid			asking;			/* index that is read, or InvalidOid */
} AuditParticipant;

/* Does a share of the job (audit_scan.c) */
extern void audit_participate(AuditParticipant *participant);
extern void audit_report_progress(AuditParticipant *participant);

/* Returns the number of workers for a job over relations of that many pages */
extern int	audit_choose_workers(BlockNumber pages);

/*
 * Runs a job with up to nworkers workers.  The leader takes part; orphan keys
 * of all participants end up in its `distinct`.
 */
extern void audit_run_job(AuditParticipant *leader, int nworkers);

#endif							/* SG_AUDIT_JOB_H */
