/*-------------------------------------------------------------------------
 *
 * plan_word.h
 *	  Values of a step's fields: kinds, priorities, policies, states.  Their
 *	  words are in plan_field.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_WORD_H
#define SG_PLAN_WORD_H

#include "postgres.h"

/*
 * Kind of a step.  A new kind is a word in plan_field.c, its fields in
 * plan_change.c, and a file in src/change.
 */
typedef enum StepKind
{
	STEP_FOREIGN_KEY,
	STEP_CHECK,
	STEP_NOT_NULL,
	STEP_UNIQUE,				/* also a primary key */
	STEP_COLUMN,
	STEP_DEFAULT,
	STEP_INDEX,
	STEP_STATEMENT,
	STEP_DROP,
	STEP_RENAME,
	STEP_TABLE,
	STEP_ROWS,
	STEP_KINDS
} StepKind;

/* Priorities, in the order in which steps run */
typedef enum StepPriority
{
	PRIORITY_CRITICAL,
	PRIORITY_HIGH,
	PRIORITY_MEDIUM,
	PRIORITY_LOW
} StepPriority;

/*
 * Policy for orphans, and for rows that break another rule; a new policy is a
 * word in plan_field.c, and a case in each switch
 */
typedef enum OrphanPolicy
{
	ORPHANS_STOP,				/* the key is not added while there are
								 * orphans */
	ORPHANS_LEAVE,
	ORPHANS_QUARANTINE,
	ORPHANS_DELETE,
	ORPHANS_SET_NULL,
	ORPHANS_SET					/* rows get the value of the step's fill; not
								 * for keys */
} OrphanPolicy;

typedef enum StepState
{
	STEP_AS_IT_IS,				/* no state of a step: leaves the state alone */
	STEP_PENDING,
	STEP_ADDED,
	STEP_VALIDATED,
	STEP_SKIPPED,
	STEP_FAILED,
	STEP_ROLLED_BACK,
	STEP_WAITING				/* waits for steps that it needs */
} StepState;

/* Return the words of SQL */
extern const char *plan_priority_word(StepPriority priority);
extern const char *plan_policy_word(OrphanPolicy policy);
extern OrphanPolicy plan_policy(const char *word);
extern StepState plan_state(const char *word);
extern const char *plan_state_word(StepState state);

/* Returns whether the policy deletes or changes rows and keeps no copy */
extern bool plan_policy_loses(OrphanPolicy policy);

/* Returns the policy's word, with a remark if it keeps no copy */
extern const char *plan_policy_text(OrphanPolicy policy);

extern const char *plan_kind_word(StepKind kind);

/*
 * Returns whether the policy removes orphans from their table, so that rows
 * which refer to them may go along
 */
extern bool plan_policy_deletes(OrphanPolicy policy);

#endif							/* SG_PLAN_WORD_H */
