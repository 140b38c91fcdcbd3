/*-------------------------------------------------------------------------
 *
 * undo.h
 *	  Taking back one thing that a plan has done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_UNDO_H
#define SG_UNDO_H

#include "deploy/deploy.h"
#include "plan/plan_deed.h"

/* Does what sg_rollback_fks() does: the plan is the first argument, its author the second one */
extern void undo_call(FunctionCallInfo fcinfo, PlanRun *run);

/* Begins the work on a deed; the functions below set its step */
extern StepWork *undo_begin(PlanRun *run, const PlanDeed *deed);

/* Closes a deed without an action; sqlerrcode 0: none.  Commits. */
extern void undo_leave_alone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason);

/*
 * Sets the state of a step that keeps other deeds: no longer "validated" if its
 * key was dropped meanwhile, with a column that somebody dropped, for example.
 * Commits.
 */
extern void undo_settle_stuck(StepWork *work, const PlanDeed *deed);

/*
 * Brings a deed's names up to date; returns false if its table is not found:
 * then *done says whether the deed is closed, or stays open with a reason,
 * because the table may have another name.
 */
extern bool undo_is_found(StepWork *work, const PlanDeed *deed, bool *done);

/* Returns whether the deed's object is, or belongs to, a table that is known by name only */
extern bool undo_knows_name_only(const PlanDeed *deed);

/*
 * Returns the problem if an object that is not found, or (with a reason) is
 * another one, may exist under another name, so that its deed stays open; else
 * NULL.
 */
extern FkProblem *undo_doubt(const PlanDeed *deed, const char *reason);

/*
 * Returns the problem if somebody has recreated the constraint or index of a
 * deed, which closes the deed of a step that is given up; or NULL.
 */
extern FkProblem *undo_made_anew(const PlanDeed *deed);

/* Take back one deed; return false if the step keeps its other deeds */
extern bool undo_key(StepWork *work, const PlanDeed *deed);
extern bool undo_replace(StepWork *work, const PlanDeed *deed);
extern bool undo_index(StepWork *work, const PlanDeed *deed);
extern bool undo_columns(StepWork *work, const PlanDeed *deed);
extern bool undo_change(StepWork *work, const PlanDeed *deed);

/* ---- helpers of these ---- */

/* Returns the action's name in the log */
extern char *undo_name(const PlanDeed *deed);

/*
 * Returns the hint for rows that are in quarantine, with the call that goes on;
 * NULL if rows of the plan itself are left there: their own hint comes first
 */
extern char *undo_quarantine_hint(const PlanRun *run, const char *again);

/* Closes a deed without an action, because nothing of it is left; sqlerrcode 0: none.  Commits. */
extern void undo_close_gone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason);

/* Reports why an object stays until somebody mends that; returns false */
extern bool undo_tell_problem(StepWork *work, const PlanDeed *deed, const FkProblem *problem);

/*
 * Record the outcome of an action: under its locks, or after its failure, when
 * the step stays as it is and a later call tries again, with another hint than
 * that call if one is given
 */
extern void undo_record_done(const RunAction *action, const StepWork *work, const char *message);
extern void undo_record_left_alone(const RunAction *action, StepWork *work, int sqlerrcode, const char *reason);
extern void undo_record_gone(const RunAction *action, const StepWork *work, int sqlerrcode, const char *reason);
extern void undo_record_failed(const RunAction *action, StepWork *work, char *hint);

/* ---- undo_value.c ---- */

/*
 * Restores the old values that policy "set" has replaced, in rows that still
 * have the new value, and closes the deed, with the number of rows that do not
 * get theirs.  Returns false if some are left, on record for the next call, or,
 * without a word, for the end of this one (`again`).  Commits.
 */
extern bool undo_values(StepWork *work, const PlanDeed *deed, bool again);

#endif							/* SG_UNDO_H */
