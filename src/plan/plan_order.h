/*-------------------------------------------------------------------------
 *
 * plan_order.h
 *	  Order of a plan's steps: a graph, made once for a call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_ORDER_H
#define SG_PLAN_ORDER_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/* The only name in `after` of a step that needs all steps with a lower number, and no other */
#define PLAN_AFTER_ALL "*"

/* Returns whether the step's `after` is "*" */
extern bool plan_step_is_in_order(const PlanStep *step);

/*
 * plan_step_needed_name() returns the name that a step's object has to have, or
 * NULL; in a plan that is run in order, such as one that makes all objects of
 * another database, a similar object does not count. plan_is_one_by_one()
 * returns whether all steps have "*".
 */
extern const char *plan_step_needed_name(const PlanStep *step);
extern bool plan_is_one_by_one(List *steps);

/* Why a step needs another one */
typedef enum PlanEdgeKind
{
	EDGE_AFTER,					/* its own `after` */
	EDGE_OBJECT,				/* it is about an object that the other step
								 * makes or renames */
	EDGE_NAME,					/* it gives the name that the other step takes
								 * away, or adds the rule that that one drops */
	EDGE_REPLACES,				/* it drops an object that the other step may
								 * replace */
	EDGE_READS,					/* it drops or renames an object that the
								 * other step is about or reads */
	EDGE_TAKES,					/* it deletes or overwrites rows or values
								 * that the other step copies elsewhere */
	EDGE_TURN,					/* statements about one table, of which one
								 * deletes or overwrites rows */
	EDGE_CONTRACT				/* it drops the column from which the other
								 * step's key takes its values */
} PlanEdgeKind;

typedef struct PlanNode PlanNode;
typedef struct PlanGraph PlanGraph;

typedef struct PlanEdge
{
	PlanStep   *needed;
	PlanNode   *node;			/* its node in the graph */
	PlanEdgeKind kind;
} PlanEdge;

/* Returns the graph of some steps of a plan (PlanStep *, in the order of deployment), which it keeps */
extern PlanGraph *plan_graph(List *steps);

/*
 * Returns the steps in rounds, a List of Lists: a step is in a later round than
 * those that it needs, and within a round they keep their order.  Raises 42P17
 * if some of them need each other, with the edges.
 */
extern List *plan_rounds(PlanGraph *graph);

/* Returns the foreign keys among the given steps, with the steps that they need */
extern List *plan_keys_with_needs(PlanGraph *graph, List *steps);

/* Describes steps that need each other, edge by edge, with a hint; NULL if none do */
extern char *plan_circle(PlanGraph *graph, char **hint);

/*
 * Checks the `after` of steps that were added or changed: raises 42704 for a
 * name that no other step has, 42P17 for a cycle, with a hint about steps below
 * first_new, the first one that the call has added.
 */
extern void plan_check_order(const char *plan, List *changed, int first_new);

/*
 * Return whether the step counts as done for steps that need it, and whether it
 * is still to come: neither done so nor skipped
 */
extern bool plan_step_is_done(const PlanStep *step);
extern bool plan_step_is_ahead(const PlanStep *step);

/* Returns whether a step gives rows or values that it reads to other rows, by a fill, INSERT, UPDATE or MERGE */
extern bool plan_step_carries(const PlanStep *step);

/* Returns "waits for step 1, ...": the steps that a step needs and that are not done; or NULL */
extern char *plan_waits_for(PlanGraph *graph, int step);

/* Returns all that a step needs (PlanEdge *); empty for a step after all others */
extern List *plan_needs(const PlanGraph *graph, int step);

/* Returns numbers of steps, with those of all steps that these wait for, sorted */
extern List *plan_with_waited_for(PlanGraph *graph, const List *numbers);

/* Returns the step that takes a name away from another object before this one gives it to its own, or NULL */
extern const PlanStep *plan_freer(const PlanGraph *graph, int step);

/* Reads the states of some steps again; data that is kept of them lives as long as the graph */
extern void plan_graph_refresh(PlanGraph *graph, const char *plan, List *steps);

#endif							/* SG_PLAN_ORDER_H */
