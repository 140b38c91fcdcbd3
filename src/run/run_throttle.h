/*-------------------------------------------------------------------------
 *
 * run_throttle.h
 *	  When a call pauses, stops, or puts a step last; how much it does at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_THROTTLE_H
#define SG_RUN_THROTTLE_H

#include "postgres.h"

#include "run/run.h"
#include "run/run_follower.h"

/*
 * Before a step, an attempt to lock, a batch: waits while there is too much
 * load.  False when the run has to end (run->stop_reason): the window is over,
 * or the pause took too long.  The caller's transaction has done nothing, and
 * no snapshot is active: a pause commits.
 */
extern bool run_throttle(PlanRun *run);

/* Does the run stop where the server is low on space?  Not what takes a plan back, nor what makes room. */
extern bool run_looks_at_room(const PlanRun *run);

/* Like run_throttle(), for work that makes no load of its own: is the window over, or was the run stopped? */
extern bool run_must_stop(PlanRun *run);
extern void run_stop(PlanRun *run, const char *reason);

/* Returns how long a batch locks rows, in ms, at most; its last row and COMMIT come on top of that */
extern int	run_batch_ms(void);

/*
 * Returns how many rows the batch after one of `rows` rows, which were locked
 * for `ms`, has at most, where that one could have had `size`: as many as take
 * as long as rows may be locked, at most twice as many, for a small batch does
 * not tell what a large one costs.
 */
extern int64 run_batch_next(int64 size, int64 rows, double ms);

/* Read the settings once, as a call begins; errors for those that make no sense */
extern void run_throttle_begin(PlanRun *run);

/*
 * Answer of a part of the throttle, for a preflight: of the load against the
 * limits, in words, or NULL; or of the user's function, called in a
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
 * now, and those that an earlier call has paused for.  Without the second the
 * call after each stop would have the slot keep more.  *late receives the
 * others, of Follower *.
 */
extern Followers *run_throttle_followers(const FkPlan *plan, List **late);

/* Returns the one that is furthest behind, as of the last look, if that is past the limit; followers may be NULL */
extern const Follower *run_throttle_lagging(const Followers *followers);
extern char *run_throttle_lag_text(const Follower *follower);
extern char *run_throttle_ignore_hint(const Follower *follower);
extern char *run_throttle_backup(void);
extern char *run_throttle_waiting(void);
extern void run_throttle_ask(void *answer);

/* Counts one more failed attempt to lock the table; returns whether its steps are to be put last */
extern bool run_breaker_count(PlanRun *run, Oid relid);

/* Was that so for a table of this key?  Then the step is put last. */
extern bool run_breaker_open(StepWork *work, const FkKey *key);
extern void run_put_last(PlanRun *run, int step);

#endif							/* SG_RUN_THROTTLE_H */
