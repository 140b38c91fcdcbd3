/*-------------------------------------------------------------------------
 *
 * worker_internal.h
 *	  State that leader and workers share: one segment of dynamic shared
 *	  memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_WORKER_INTERNAL_H
#define SG_WORKER_INTERNAL_H

#include "postgres.h"
#include "storage/shm_mq.h"

/*
 * Messages of a worker: its function has returned; its library's version, a
 * string, differs from the leader's; a text for the leader
 */
#define WORKER_MESSAGE_DONE 'C'
#define WORKER_MESSAGE_VERSION 'V'
#define WORKER_MESSAGE_TEXT 'd'

/* Path of the library, like module_pathname in the control file */
#define WORKER_LIBRARY "$libdir/schemaguard"

#define WORKER_QUEUE_SIZE 16384

/*
 * Beginning of the segment, followed by the argument, the settings and one
 * queue per worker.  A worker loads the library that is on disk, which may be
 * newer than the leader's.  So version and queues stay at the beginning, and
 * the size of the queues stays the same, in all versions.
 */
typedef struct WorkerShared
{
	char		version[32];	/* version of the leader's library */
	Size		queues;			/* offset */
	Oid			database;
	Oid			login;			/* role that the leader's session logged in as */
	Oid			role;			/* the leader's current role */
	int			leader_pid;
	int			encoding;		/* encoding of the leader's database */
	char		function[NAMEDATALEN];
	Size		argument;		/* offsets */
	Size		settings;
} WorkerShared;

/* Returns the queue by which the n-th worker reports to the leader */
static inline shm_mq *
worker_queue(WorkerShared *shared, int n)
{
	return (shm_mq *) ((char *) shared + shared->queues + (Size) n * WORKER_QUEUE_SIZE);
}

#endif							/* SG_WORKER_INTERNAL_H */
