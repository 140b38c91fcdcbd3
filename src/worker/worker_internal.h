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

/* The message by which a worker says that its function has returned */
#define WORKER_MESSAGE_DONE 'C'

/* Where a module's own file is, as in the control file's module_pathname */
#define WORKER_LIBRARY "$libdir/schemaguard"

#define WORKER_QUEUE_SIZE 16384

/* Followed by argument, settings and one queue per worker */
typedef struct WorkerShared
{
	Oid			database;
	Oid			login;			/* as whom the leader's session logged in */
	Oid			role;			/* its current role */
	int			leader_pid;
	char		function[NAMEDATALEN];
	Size		argument;		/* offsets */
	Size		settings;
	Size		queues;
} WorkerShared;

/* The n-th worker's queue, by which it reports to the leader */
static inline shm_mq *
worker_queue(WorkerShared *shared, int n)
{
	return (shm_mq *) ((char *) shared + shared->queues + (Size) n * WORKER_QUEUE_SIZE);
}

#endif							/* SG_WORKER_INTERNAL_H */
