/*-------------------------------------------------------------------------
 *
 * run_throttle.h
 *	  Decides when a call pauses, stops, or postpones a step, and how many
 *	  rows a batch has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_THROTTLE_H
#define SG_RUN_THROTTLE_H

#include "postgres.h"

#include "run/run.h"
#include "run/run_follower.h"

/*
 * Called before a step, an attempt to lock, a batch: waits while there is too
 * much load.  Returns false if the run has to end (run->stop_reason): the
 * window is over, or the pause took too long.  The caller's transaction has
 * done nothing, and no snapshot is active, because a pause commits.
 */
extern bool run_throttle(PlanRun *run);

/*
 * Like run_throttle(), for a batch that could not lock a table because of a
 * vacuum: waits for that, too, without queueing, which would cancel it
 */
extern bool run_throttle_behind(PlanRun *run, Oid relid);

/* Milliseconds for which a run waits for another session before it tells of that */
#define RUN_QUIET_MS	1000

/*
 * Writes a row of the log about a pause, with those whom it waits for as JSON,
 * and commits; returns its id, for the row that ends it
 */
extern int64 run_throttle_log(const PlanRun *run, LogPhase phase, const char *message, const char *blockers,
							  int64 started_id, TimestampTz since);

/*
 * Returns whether the run stops if the server is low on space; calls that take
 * a plan back, or free space, do not.
 */
extern bool run_looks_at_room(const PlanRun *run);

/*
 * Like run_throttle(), for work that causes no load: returns whether the window
 * is over, or the run was stopped
 */
extern bool run_must_stop(PlanRun *run);
extern void run_stop(PlanRun *run, const char *reason);

/*
 * Stops the run, and records the reason in the current step, with the call that
 * continues.  A worker does not know that call; its current step fails by
 * itself.
 */
extern void run_stop_at_step(PlanRun *run, const char *reason);

/* Returns for how many ms a batch locks rows, at most; its last row and COMMIT come on top of that */
extern int	run_batch_ms(void);

/*
 * Returns the largest number of rows of the batch after one of `rows` rows,
 * which were locked for `ms`, and whose limit was `size`: as many as fit the
 * time for which rows may be locked, but at most twice as many, because a small
 * batch does not tell the cost of a large one.
 */
extern int64 run_batch_next(int64 size, int64 rows, double ms);

/* Reads the settings once, when a call begins; raises errors for invalid ones */
extern void run_throttle_begin(PlanRun *run);

/*
 * Answer of a part of the throttle, for a preflight: the load against its limit
 * in words, or NULL; or the answer of the user's function, called in a
 * subtransaction of the caller's, which raises the errors of
 * run_throttle_begin() or its own.
 */
typedef struct ThrottleAnswer
{
	MemoryContext context;
	char	   *reason;			/* NULL: go on */
} ThrottleAnswer;

/*
 * Returns the followers that a call of the plan waits for: those that are near
 * now, and those that an earlier call has paused for.  Without the latter, each
 * call after a stop would let the slot retain more WAL. *late receives the
 * others (Follower *).
 */
extern Followers *run_throttle_followers(const FkPlan *plan, List **late);

/*
 * Returns the follower that is furthest behind, as of the last look, if its lag
 * exceeds the limit; followers may be NULL
 */
extern const Follower *run_throttle_lagging(const Followers *followers);
extern char *run_throttle_lag_text(const Follower *follower);
extern char *run_throttle_ignore_hint(const Follower *follower);
extern char *run_throttle_backup(void);
extern char *run_throttle_waiting(void);
extern void run_throttle_ask(void *answer);

/* Counts a failed attempt to lock the table; returns whether its steps are to be postponed */
extern bool run_breaker_count(PlanRun *run, Oid relid);

/* Returns whether the breaker is open for a table of this key: then its step is postponed */
extern bool run_breaker_open(StepWork *work, const FkKey *key);
extern void run_put_last(PlanRun *run, int step);

#endif							/* SG_RUN_THROTTLE_H */
