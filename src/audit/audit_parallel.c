/*-------------------------------------------------------------------------
 *
 * audit_parallel.c
 *	  Memory that participants share, and workers that take part.
 *
 * A job is a flat piece of memory: what to read and which keys to judge.
 * Whoever takes part helps until nothing is left, and nobody waits for
 * anybody: with fewer workers than planned, or none, the result is the same.
 * The sets outlive a job, since the next one looks them up: they are in an
 * area of dynamic shared memory of the leader's, or, where no worker is going
 * to be asked, in the leader's own memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "storage/sharedfileset.h"
#include "storage/shm_toc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_codec.h"
#include "audit/audit_distinct.h"
#include "audit/audit_job.h"
#include "audit/audit_set.h"
#include "base/guc.h"
#include "base/progress.h"

#define KEY_JOB			UINT64CONST(0x5347000000000001)
#define KEY_FILESET		UINT64CONST(0x5347000000000002)
#define KEY_TUPLES		UINT64CONST(0x5347000000000003)

PGDLLEXPORT void audit_worker_main(dsm_segment *seg, shm_toc *toc);

/* ---- memory ---- */

AuditRef
audit_alloc(AuditMemory *memory, Size size)
{
	void	   *p;

	if (memory->area)
		return dsa_allocate_extended(memory->area, size,
									 DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
	if (memory->used + size > memory->limit)
		return 0;
	p = MemoryContextAllocExtended(memory->context, size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (p == NULL)
		return 0;
	memory->used += size;
	return (AuditRef) (uintptr_t) p;
}

void *
audit_address(AuditMemory *memory, AuditRef ref)
{
	if (memory->area)
		return dsa_get_address(memory->area, ref);
	return (void *) (uintptr_t) ref;
}

/* ---- workers ---- */

/*
 * Like the planner (compute_parallel_worker): one for
 * min_parallel_table_scan_size, and one more for each further factor of three,
 * at most half of the server's worker processes, unless
 * schemaguard.audit_workers sets the number.
 */
int
audit_choose_workers(BlockNumber pages)
{
	double		threshold = Max(min_parallel_table_scan_size, 1);
	int			workers = 1;
	int			most;

	if (IsInParallelMode() || max_parallel_workers == 0 ||
		pages < min_parallel_table_scan_size)
		return 0;
	if (sg_audit_workers >= 0)
		return sg_audit_workers;
	most = Min(max_parallel_maintenance_workers, max_worker_processes / 2);
	while (pages >= threshold * 3 && workers < most)
	{
		workers++;
		threshold *= 3;
	}
	return Min(workers, most);
}

void
audit_report_progress(AuditParticipant *participant)
{
	AuditJob   *job = participant->job;

	pg_atomic_fetch_add_u64(&job->blocks, participant->blocks);
	pg_atomic_fetch_add_u64(&job->orphans, participant->orphans);
	participant->blocks = 0;
	participant->orphans = 0;
	if (participant->number == 0)
		sg_progress_blocks(pg_atomic_read_u64(&job->blocks), pg_atomic_read_u64(&job->orphans));
}

static void
init_scans(AuditJob *job)
{
	for (int i = 0; i < job->nreads; i++)
	{
		AuditRead  *read = &AUDIT_READS(job)[i];
		Relation	rel = table_open(read->relid, NoLock);

		table_parallelscan_initialize(rel, (ParallelTableScanDesc) ((char *) job + read->pscan),
									  GetActiveSnapshot());
		table_close(rel, NoLock);
	}
}

/* Returns the bytes of the job with its parallel scans, and stores their offsets */
static Size
plan_scans(AuditJob *job)
{
	Size		size = MAXALIGN(job->size);

	for (int i = 0; job->phase != PHASE_INSERT && i < job->nreads; i++)
	{
		AuditRead  *read = &AUDIT_READS(job)[i];
		Relation	rel = table_open(read->relid, NoLock);

		read->pscan = size;
		size = add_size(size, MAXALIGN(table_parallelscan_estimate(rel, GetActiveSnapshot())));
		table_close(rel, NoLock);
	}
	return size;
}

typedef struct ParallelRun
{
	ParallelContext *pcxt;
	AuditJob   *job;			/* job in the segment */
	SharedTuplestoreAccessor **tuples;	/* per task */
} ParallelRun;

static void
init_tuples(ParallelRun *run, int ntasks)
{
	ParallelContext *pcxt = run->pcxt;
	Size		each = MAXALIGN(sts_estimate(pcxt->nworkers + 1));
	SharedFileSet *fileset = shm_toc_allocate(pcxt->toc, sizeof(SharedFileSet));
	char	   *tuples = shm_toc_allocate(pcxt->toc, each * ntasks);

	SharedFileSetInit(fileset, pcxt->seg);
	shm_toc_insert(pcxt->toc, KEY_FILESET, fileset);
	run->tuples = palloc(sizeof(SharedTuplestoreAccessor *) * ntasks);
	for (int i = 0; i < ntasks; i++)
	{
		char		name[NAMEDATALEN];

		snprintf(name, sizeof(name), "orphans%d", i);
		run->tuples[i] = sts_initialize((SharedTuplestore *) (tuples + each * i),
										pcxt->nworkers + 1, 0, 0, SHARED_TUPLESTORE_SINGLE_PASS,
										fileset, name);
	}
	shm_toc_insert(pcxt->toc, KEY_TUPLES, tuples);
}

/* Creates a segment with the job; returns NULL if no shared memory is available */
static ParallelRun *
begin_run(AuditJob *job, int nworkers)
{
	ParallelRun *run = palloc0(sizeof(ParallelRun));
	ParallelContext *pcxt;
	bool		judging = job->phase == PHASE_JUDGE;
	Size		size = plan_scans(job);

	EnterParallelMode();
	/* the library of the control file's module_pathname */
	pcxt = CreateParallelContext("$libdir/schemaguard", "audit_worker_main", nworkers);
	shm_toc_estimate_chunk(&pcxt->estimator, size);
	shm_toc_estimate_keys(&pcxt->estimator, 1);
	if (judging)
	{
		shm_toc_estimate_chunk(&pcxt->estimator, sizeof(SharedFileSet));
		shm_toc_estimate_chunk(&pcxt->estimator,
							   mul_size(MAXALIGN(sts_estimate(nworkers + 1)), job->ntasks));
		shm_toc_estimate_keys(&pcxt->estimator, 2);
	}
	InitializeParallelDSM(pcxt);
	if (pcxt->seg == NULL)
	{
		DestroyParallelContext(pcxt);
		ExitParallelMode();
		return NULL;
	}

	run->pcxt = pcxt;
	run->job = shm_toc_allocate(pcxt->toc, size);
	memcpy(run->job, job, job->size);
	run->job->parallel = true;
	run->job->nparticipants = pcxt->nworkers + 1;
	if (job->phase != PHASE_INSERT)
		init_scans(run->job);
	if (judging)
		init_tuples(run, job->ntasks);
	shm_toc_insert(pcxt->toc, KEY_JOB, run->job);

	return run;
}

void
audit_run_job(AuditParticipant *leader, int nworkers)
{
	AuditJob   *job = leader->job;
	ParallelRun *run = nworkers > 0 && leader->memory->area ? begin_run(job, nworkers) : NULL;

	if (run == NULL)
	{
		audit_participate(leader);
		return;
	}

	LaunchParallelWorkers(run->pcxt);
	leader->job = run->job;
	audit_participate(leader);
	WaitForParallelWorkersToFinish(run->pcxt);

	if (run->tuples)
	{
		for (int i = 0; i < job->ntasks; i++)
		{
			if (leader->distinct[i])
				audit_distinct_drain(leader->distinct[i], run->tuples[i]);
		}
	}
	memcpy(job, run->job, job->size);
	job->parallel = false;
	leader->job = job;
	DestroyParallelContext(run->pcxt);
	ExitParallelMode();
	pfree(run);
}

/* Entry point of a worker: does a share of the job, and ends. */
void
audit_worker_main(dsm_segment *seg, shm_toc *toc)
{
	AuditParticipant participant = {0};
	AuditMemory memory = {0};
	AuditJob   *job = shm_toc_lookup(toc, KEY_JOB, false);
	AuditSet   *sets;

	memory.area = dsa_attach(job->area);
	sets = audit_address(&memory, job->sets);
	participant.job = job;
	participant.memory = &memory;
	participant.number = ParallelWorkerNumber + 1;
	participant.codecs = palloc0(sizeof(AuditCodec *) * job->ntasks);
	participant.views = palloc0(sizeof(AuditSetView) * job->nsets);
	participant.distinct = palloc0(sizeof(AuditDistinct *) * job->ntasks);

	for (int i = 0; i < job->ntasks; i++)
	{
		AuditTask  *task = &AUDIT_TASKS(job)[i];
		const char *reason;

		if (task->set < 0)
			continue;
		participant.codecs[i] = audit_codec_make(&task->key, &reason);
		if (participant.codecs[i] == NULL)
			elog(ERROR, "a worker can't judge a key: %s", reason);
		/* the codec of a set's first key builds it */
		if (participant.views[task->set].set == NULL)
			audit_set_open(&participant.views[task->set], &sets[task->set], &memory,
						   participant.codecs[i], job->seed);
	}
	if (job->phase == PHASE_JUDGE)
	{
		SharedFileSet *fileset = shm_toc_lookup(toc, KEY_FILESET, false);
		char	   *tuples = shm_toc_lookup(toc, KEY_TUPLES, false);
		Size		each = MAXALIGN(sts_estimate(job->nparticipants));

		SharedFileSetAttach(fileset, seg);
		for (int i = 0; i < job->ntasks; i++)
		{
			if (AUDIT_COUNTS_DISTINCT(&AUDIT_TASKS(job)[i]))
				participant.distinct[i] =
					audit_distinct_begin(&AUDIT_TASKS(job)[i].key,
										 sts_attach((SharedTuplestore *) (tuples + each * i),
													participant.number, fileset), 0);
		}
	}

	audit_participate(&participant);

	for (int i = 0; i < job->ntasks; i++)
	{
		if (participant.distinct[i])
			audit_distinct_flush(participant.distinct[i]);
	}
	dsa_detach(memory.area);
}
