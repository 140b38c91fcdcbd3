/*-------------------------------------------------------------------------
 *
 * worker_internal.h
 *	  What leader and workers share: one segment of dynamic shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_WORKER_INTERNAL_H
#define SG_WORKER_INTERNAL_H

#include "postgres.h"
#include "storage/shm_mq.h"

/*
 * The messages by which a worker says that its function has returned, or, with
 * its version as a string, that it is of another version than the leader; and
 * that gives a text
 */
#define WORKER_MESSAGE_DONE 'C'
#define WORKER_MESSAGE_VERSION 'V'
#define WORKER_MESSAGE_TEXT 'd'

/* Where a module's own file is, as in the control file's module_pathname */
#define WORKER_LIBRARY "$libdir/schemaguard"

#define WORKER_QUEUE_SIZE 16384

/*
 * Followed by argument, settings and one queue per worker.
 *
 * A worker loads the library that is on disk, which may have been replaced
 * since the leader's session began.  So version and queues stay at the
 * beginning, and the queues as large as they are, in all versions.
 */
typedef struct WorkerShared
{
	char		version[32];	/* of the leader's library */
	Size		queues;			/* offset */
	Oid			database;
	Oid			login;			/* as whom the leader's session logged in */
	Oid			role;			/* its current role */
	int			leader_pid;
	int			encoding;		/* of the leader's database */
	char		function[NAMEDATALEN];
	Size		argument;		/* offsets */
	Size		settings;
} WorkerShared;

/* The n-th worker's queue, by which it reports to the leader */
static inline shm_mq *
worker_queue(WorkerShared *shared, int n)
{
	return (shm_mq *) ((char *) shared + shared->queues + (Size) n * WORKER_QUEUE_SIZE);
}

#endif							/* SG_WORKER_INTERNAL_H */
