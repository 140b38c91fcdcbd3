/*-------------------------------------------------------------------------
 *
 * deploy_undo.h
 *	  Taking back one thing that a plan has done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_UNDO_H
#define SG_DEPLOY_UNDO_H

#include "deploy.h"

/* A row of the log, as of now */
typedef struct UndoDeed
{
	int			step;
	char	   *action;			/* add, replace, index, fix, columns */
	char	   *object;
	char	   *statement;		/* that did it */
	char	   *message;		/* replace: that brings the old key back */
	bool		last;			/* with it, the step is rolled back */
	bool		key_left;		/* the step's key is somebody else's by now */
} UndoDeed;

/* The work on a deed; the step is filled in by those below */
extern StepWork *undo_begin(DeployRun *run, const UndoDeed *deed);

/* Close a deed without doing anything; sqlerrcode 0 is none.  Commits. */
extern void undo_leave_alone(StepWork *work, const UndoDeed *deed, int sqlerrcode, const char *reason);

/*
 * A step that keeps the rest is not "validated" any more if its key went while
 * it was being taken back: with a column that somebody dropped, say.  Commits.
 */
extern void undo_settle_stuck(StepWork *work, const UndoDeed *deed);

/* Each takes back one deed; false when the step keeps the rest */
extern bool undo_key(StepWork *work, const UndoDeed *deed);
extern bool undo_replace(StepWork *work, const UndoDeed *deed);
extern bool undo_index(StepWork *work, const UndoDeed *deed);
extern bool undo_columns(StepWork *work, const UndoDeed *deed);

#endif							/* SG_DEPLOY_UNDO_H */
