/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  Background workers that do a session's work in transactions of their own.
 *
 * A pool is some workers that call one function of this library with one
 * argument, which all of them and their leader share.  They are what the
 * leader is: database, roles, settings.  What they report reaches the
 * leader's client, and they end when the leader ends, however it ends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_WORKER_H
#define SG_WORKER_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct WorkerPool WorkerPool;

/* ---- for the leader (worker_pool.c) ---- */

/*
 * Starts up to `nworkers` workers that call `function`, an exported function of
 * type WorkerFunction, with a copy of the argument of `size` bytes.  Starts
 * fewer, or none, if the server lacks free slots.  The pool outlives
 * transactions; the caller frees it, also after an error.
 */
extern WorkerPool *worker_pool_start(const char *function, const void *argument,
									 Size size, int nworkers);

/* Starts workers in another database; the leader's role must be allowed to connect to it */
extern WorkerPool *worker_pool_start_in(Oid database, const char *function, const void *argument,
										Size size, int nworkers);

/* Return how many workers were started, and the argument that the workers share */
extern int	worker_pool_started(const WorkerPool *pool);
extern void *worker_pool_argument(const WorkerPool *pool);

/*
 * Waits until all workers have ended, or for that many milliseconds; returns
 * true if they have ended.  Passes their messages on, and processes interrupts.
 * The caller holds no snapshot, table lock or query meanwhile, because a worker
 * might wait for it.
 */
extern bool worker_pool_wait(WorkerPool *pool, long timeout);

/* Returns the PID of the n-th worker, or 0 if it does not run */
extern int	worker_pool_pid(const WorkerPool *pool, int n);

/*
 * Returns the error of the first worker that failed, or NULL.  A worker that
 * ended without a message counts as failed.
 */
extern ErrorData *worker_pool_error(const WorkerPool *pool);

/* Returns the texts (char *) that workers have passed to worker_send(), until the pool is freed */
extern List *worker_pool_sent(const WorkerPool *pool);

/*
 * Cancels running workers and waits for their end; terminates those that do not
 * end within CANCEL_MS.  Holds off interrupts meanwhile.
 */
extern void worker_pool_stop(WorkerPool *pool);
extern void worker_pool_free(WorkerPool *pool);

/* ---- for the function that a worker calls (worker_main.c) ---- */

typedef void (*WorkerFunction) (void *argument);

/*
 * Runs fn(arg) like the body of a procedure: in a transaction that it may
 * commit, with SPI connected, in a memory context that ends with it.  An error
 * ends the worker and reaches the leader.
 */
extern void worker_procedure(void (*fn) (void *arg), void *arg);

/*
 * Run fn(arg) in a transaction under a snapshot, or a utility statement as a
 * client would send it, outside of any procedure, so that the statement may
 * commit.  Return NULL, or the error in the caller's memory context; the
 * transaction is then rolled back and the session's locks are released.
 */
extern ErrorData *worker_try(void (*fn) (void *arg), void *arg);
extern ErrorData *worker_execute(const char *statement);

/* Executes the statement as worker_execute() does, after check(statement) in the transaction in which it begins */
extern ErrorData *worker_execute_checked(const char *statement, void (*check) (const char *statement));

/* Sends a text to the leader, converted to the leader's encoding */
extern void worker_send(const char *text);

/* Returns this process's number among the pool's workers, from 0 on */
extern int	worker_number(void);

/* Sets the text that pg_stat_activity shows */
extern void worker_report_activity(const char *text);

#endif							/* SG_WORKER_H */
