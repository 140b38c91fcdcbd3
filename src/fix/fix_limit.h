/*-------------------------------------------------------------------------
 *
 * fix_limit.h
 *	  Number of rows that a call may delete or change (fix_limit.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_LIMIT_H
#define SG_FIX_LIMIT_H

#include "fix/fix.h"
#include "run/run_rows.h"

/* Counts the fates of the rows of a batch, or in a dry run their future fates */
extern void fix_count_rows(RunRows *rows, const FixBatch *batch);

/* Returns whether the call counts before it begins, because it has a limit, or no chosen steps */
extern bool fix_counts_first(const PlanRun *run);

/*
 * Raise 53400 if more rows would be deleted or changed without a copy than the
 * call may, or put into quarantine, if these are more than a tenth of their
 * table: fix_check_counted() for all counted rows; fix_check_step() for those
 * of a step in its turn, before its first batch, and fix_check_batch() for a
 * batch, with all that the call has done already, and with `beside`, the rows
 * that triggers of users have changed, or NULL, and the number that they are
 * expected to change, from this batch on.  The hint is the call that may, or
 * one that counts.
 */
extern void fix_check_counted(const PlanRun *run);
extern void fix_check_step(StepWork *work, const RunRows *more);
extern void fix_check_batch(StepWork *work, const FixBatch *batch, const RunRows *beside, int64 expected);

#endif							/* SG_FIX_LIMIT_H */
