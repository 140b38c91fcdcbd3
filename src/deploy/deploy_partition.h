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

/* Sets the view's need and partitions for a partitioned child */
extern void deploy_look_partitions(StepView *view);

/* Adds to an action the locks of adding the planned key of a view */
extern void deploy_add_key_targets(RunAction *action, const StepView *view);

/*
 * Records the partitions' own keys that become part of the whole's, so that a
 * rollback recreates them after dropping that
 */
extern void deploy_record_own_keys(const StepWork *work, const StepView *view);

/*
 * Before 18: give every partition the key NOT VALID; validate these, then add
 * the key to the whole, which attaches them.  Return whether the step may go
 * on.
 */
extern bool deploy_partition_add(StepWork *work);
extern bool deploy_partition_validate(StepWork *work);

/* In a worker: validates the key of one partition, for a step that other workers work on, too */
extern void deploy_partition_validate_one(PlanRun *run, int step, Oid relid);

/* Returns whether every partition has a key that will be attached, so that no row is read */
extern bool deploy_partitions_are_valid(const StepView *view);

/* Returns the action's name in the log: adding the key of a partition, or of the whole */
extern const char *deploy_partition_action(const StepWork *work);

/* ---- deploy_attach.c ---- */

/* Number of partitions from which on their triggers are dropped all at once */
#define DEPLOY_MANY_PARTITIONS 50

/* Adds the key of a view whose partitions all have valid ones; returns false if that failed, on record */
extern bool deploy_attach(StepWork *work, StepView *view);

#endif							/* SG_DEPLOY_PARTITION_H */
