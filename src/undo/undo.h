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

/* The work on a deed; the step is filled in by those below */
extern StepWork *undo_begin(PlanRun *run, const PlanDeed *deed);

/* Close a deed without doing anything; sqlerrcode 0 is none.  Commits. */
extern void undo_leave_alone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason);

/*
 * A step that keeps the rest is not "validated" any more if its key went while
 * it was being taken back: with a column that somebody dropped, say.  Commits.
 */
extern void undo_settle_stuck(StepWork *work, const PlanDeed *deed);

/*
 * Brings the names of a deed up to date; false where its table is not found:
 * *done says whether the deed is closed with it, or kept, and told, since the
 * table may have another name.
 */
extern bool undo_is_found(StepWork *work, const PlanDeed *deed, bool *done);

/* Is a deed about something that a table has, and the table known by its name alone? */
extern bool undo_knows_name_only(const PlanDeed *deed);

/*
 * Returns the problem if an object that is not found, or (with a reason) is
 * another one, may exist under another name, so that its deed stays open; else
 * NULL.
 */
extern FkProblem *undo_doubt(const PlanDeed *deed, const char *reason);

/* Has somebody made anew the constraint or index that a deed has made?  The problem, which closes the deed of a step that is given up; or NULL. */
extern FkProblem *undo_made_anew(const PlanDeed *deed);

/* Each takes back one deed; false when the step keeps the rest */
extern bool undo_key(StepWork *work, const PlanDeed *deed);
extern bool undo_replace(StepWork *work, const PlanDeed *deed);
extern bool undo_index(StepWork *work, const PlanDeed *deed);
extern bool undo_columns(StepWork *work, const PlanDeed *deed);
extern bool undo_change(StepWork *work, const PlanDeed *deed);

/* ---- for each of these ---- */

/* The name of the action in the log */
extern char *undo_name(const PlanDeed *deed);

/* Close a deed of which nothing is left, without an action; sqlerrcode 0 is none.  Commits. */
extern void undo_close_gone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason);

/* Tell why something stays until somebody mends that; returns false */
extern bool undo_tell_problem(StepWork *work, const PlanDeed *deed, const FkProblem *problem);

/* The outcome of an action: under its locks, and when it came to nothing */
extern void undo_record_done(const RunAction *action, const StepWork *work, const char *message);
extern void undo_record_left_alone(const RunAction *action, StepWork *work, int sqlerrcode, const char *reason);
extern void undo_record_gone(const RunAction *action, const StepWork *work, int sqlerrcode, const char *reason);
extern void undo_record_failed(const RunAction *action, StepWork *work);

/* ---- undo_value.c ---- */

/*
 * Brings old values back that policy "set" has replaced, where the row still has
 * the new one, and closes the deed, with the number of rows that keep it.  False:
 * some are left, on record; the next call goes on.  Commits.
 */
extern bool undo_values(StepWork *work, const PlanDeed *deed);

#endif							/* SG_UNDO_H */
