/*-------------------------------------------------------------------------
 *
 * fix_limit.h
 *	  How many rows a call may take away or change (fix_limit.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_LIMIT_H
#define SG_FIX_LIMIT_H

#include "fix/fix.h"
#include "run/run_rows.h"

/* Counts what became of the rows of a batch, or would */
extern void fix_count_rows(RunRows *rows, const FixBatch *batch);

/* Does the call have a limit, so that it counts before it begins? */
extern bool fix_counts_first(const PlanRun *run);

/*
 * Raise 53400 if more rows would be deleted or changed without a copy than
 * the call may, or more than that would be put into quarantine, and more than
 * a tenth of their table: by all that was counted, or by a batch with what the
 * call has done already; `beside`: and with what triggers of users have done, or
 * NULL.  The hint is the call that may, or one that counts.
 */
extern void fix_check_counted(const PlanRun *run, const RunRows *rows);
extern void fix_check_batch(StepWork *work, const FixBatch *batch, const RunRows *beside);

#endif							/* SG_FIX_LIMIT_H */
