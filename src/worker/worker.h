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
 * Start up to `nworkers` workers that call `function`, an exported function of
 * type WorkerFunction, with a copy of the argument of `size` bytes.  Fewer
 * start, or none, where there are no free slots.  The pool outlives
 * transactions; the caller frees it, after an error too.
 */
extern WorkerPool *worker_pool_start(const char *function, const void *argument,
									 Size size, int nworkers);

/* Starts workers in another database, to which the leader's role may connect */
extern WorkerPool *worker_pool_start_in(Oid database, const char *function, const void *argument,
										Size size, int nworkers);

/* How many were started, and the argument as the workers see it */
extern int	worker_pool_started(const WorkerPool *pool);
extern void *worker_pool_argument(const WorkerPool *pool);

/*
 * Wait until all workers have ended, or for so many milliseconds; true when
 * they have.  Reports what they have to say, and gives way to interrupts.
 * The caller holds no snapshot, no lock on tables and no query meanwhile: a
 * worker may wait for it.
 */
extern bool worker_pool_wait(WorkerPool *pool, long timeout);

/* The process of the n-th worker while it runs, else 0 */
extern int	worker_pool_pid(const WorkerPool *pool, int n);

/*
 * The error of the first worker that ended without success, or NULL; one that
 * ended without a word counts as one.
 */
extern ErrorData *worker_pool_error(const WorkerPool *pool);

/* Returns the texts (char *) that workers have passed to worker_send(), until the pool is freed */
extern List *worker_pool_sent(const WorkerPool *pool);

/*
 * Cancel what still runs, wait until it has ended, terminate it when it does
 * not within some seconds.  Interrupts wait meanwhile.
 */
extern void worker_pool_stop(WorkerPool *pool);
extern void worker_pool_free(WorkerPool *pool);

/* ---- for the function that a worker calls (worker_main.c) ---- */

typedef void (*WorkerFunction) (void *argument);

/*
 * Run fn(arg) like the body of a procedure: in a transaction, with SPI
 * connected so that it may commit, in a memory context that ends with it.
 * Errors end the worker, and reach the leader.
 */
extern void worker_procedure(void (*fn) (void *arg), void *arg);

/*
 * Run fn(arg) in a transaction under a snapshot, or a utility statement as a
 * client would send it: outside of any procedure, so that it may be one of
 * those that commit.  Returns NULL, or the error in the caller's memory
 * context; the transaction is then rolled back, and the session's locks are
 * released.
 */
extern ErrorData *worker_try(void (*fn) (void *arg), void *arg);
extern ErrorData *worker_execute(const char *statement);

/* Executes the statement as worker_execute() does, after check(statement) in the transaction in which it begins */
extern ErrorData *worker_execute_checked(const char *statement, void (*check) (const char *statement));

/* Give the leader a text; in its encoding there */
extern void worker_send(const char *text);

/* Which of the pool's workers this process is, from 0 on */
extern int	worker_number(void);

/* Sets the text that pg_stat_activity shows */
extern void worker_report_activity(const char *text);

#endif							/* SG_WORKER_H */
