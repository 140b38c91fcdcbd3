/*-------------------------------------------------------------------------
 *
 * deploy_partition.h
 *	  The key of a partitioned table, made of those of its partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_PARTITION_H
#define SG_DEPLOY_PARTITION_H

#include "postgres.h"

#include "deploy/deploy.h"

/* ---- deploy_partition.c ---- */

/* Sets in the view what the partitions of the planned key's child mean for the step */
extern void deploy_look_partitions(StepView *view);

/* Add to an action what adding the planned key of a view locks */
extern void deploy_add_key_targets(RunAction *action, const StepView *view);

/* Records the keys that partitions have by themselves, and that become part of the whole's, so that a rollback recreates them behind that */
extern void deploy_record_own_keys(const StepWork *work, const StepView *view);

/*
 * Before 18: give every partition the key NOT VALID; and validate it there,
 * then add it to the whole, which attaches those of the partitions.  Returns
 * whether the step may go on.
 */
extern bool deploy_partition_add(StepWork *work);
extern bool deploy_partition_validate(StepWork *work);

/* In a worker: validate the key of one partition, for a step that others work on, too */
extern void deploy_partition_validate_one(PlanRun *run, int step, Oid relid);

/* Does every partition have a key that will be attached, so that none is read? */
extern bool deploy_partitions_are_valid(const StepView *view);

/* Returns the action's name in the log: adding the key of a partition, or of the whole */
extern const char *deploy_partition_action(const StepWork *work);

/* ---- deploy_attach.c ---- */

/* From so many on their triggers are dropped all at once */
#define DEPLOY_MANY_PARTITIONS 50

/* Add the key of a view whose partitions all have valid ones; false: failed, on record */
extern bool deploy_attach(StepWork *work, StepView *view);

#endif							/* SG_DEPLOY_PARTITION_H */
