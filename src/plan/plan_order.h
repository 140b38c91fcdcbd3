/*-------------------------------------------------------------------------
 *
 * plan_order.h
 *	  Which steps of a plan come before which: a graph, made once for a call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_ORDER_H
#define SG_PLAN_ORDER_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "plan/plan.h"

/* The only name in `after` of a step that needs all that have a lower number, and no other */
#define PLAN_AFTER_ALL "*"

/* Does the step, do all of them, say so? */
extern bool plan_step_is_in_order(const PlanStep *step);

/*
 * The name that what the step makes has to have, or NULL: in a plan that is
 * run in order, such as one that makes all that another database has,
 * something like it is not it
 */
extern const char *plan_step_needed_name(const PlanStep *step);
extern bool plan_is_one_by_one(List *steps);

/* Why a step needs another one */
typedef enum PlanEdgeKind
{
	EDGE_AFTER,					/* its own `after` says so */
	EDGE_OBJECT,				/* it is about what that one makes or renames */
	EDGE_NAME,					/* it gives the name that that one takes away */
	EDGE_REPLACES,				/* it drops what that one may replace */
	EDGE_READS,					/* it drops or renames what that one is about
								 * or reads */
	EDGE_CONTRACT				/* it drops the column that the key of that
								 * one takes its values from */
} PlanEdgeKind;

typedef struct PlanNode PlanNode;
typedef struct PlanGraph PlanGraph;

typedef struct PlanEdge
{
	PlanStep   *needed;
	PlanNode   *node;			/* the same, in the graph */
	PlanEdgeKind kind;
} PlanEdge;

/* The graph of some steps of a plan (of PlanStep *, in the order of deployment), which it keeps */
extern PlanGraph *plan_graph(List *steps);

/*
 * The steps in rounds, a List of Lists: a step is in a later round than what
 * it needs, and within a round they keep their order.  Raises 42P17 where some
 * of them need each other, with the edges.
 */
extern List *plan_rounds(PlanGraph *graph);

/* Returns the foreign keys among the given steps, with the steps that they need */
extern List *plan_keys_with_needs(PlanGraph *graph, List *steps);

/* Describes steps that need each other, edge by edge, with a hint; NULL where none do */
extern char *plan_circle(PlanGraph *graph, char **hint);

/*
 * Checks what `after` of steps that were added or changed leads to: raises
 * 42704 for a name that no other step has, 42P17 for a circle, with a hint
 * about steps below first_new, the first one that the call has added.
 */
extern void plan_check_order(const char *plan, List *changed, int first_new);

/* Does the step count as done for those that need it? */
extern bool plan_step_is_done(const PlanStep *step);

/* "waits for step 1, ...": the steps that a step needs and that are not done; or NULL */
extern char *plan_waits_for(PlanGraph *graph, int step);

/* All that a step needs (of PlanEdge *); one that comes after all has none */
extern List *plan_needs(const PlanGraph *graph, int step);

/* Reads the states of some steps anew; what is kept of them lives as long as the graph */
extern void plan_graph_refresh(PlanGraph *graph, const char *plan, List *steps);

#endif							/* SG_PLAN_ORDER_H */
