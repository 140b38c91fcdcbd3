/*-------------------------------------------------------------------------
 *
 * fix_graph.h
 *	  Which rows of a batch refer to which (fix_graph.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_GRAPH_H
#define SG_FIX_GRAPH_H

#include "fix/fix.h"

typedef struct FixGraph FixGraph;

typedef bool (*FixRowTest) (const FixRow *row);

/* Finds the references between the rows of a batch, by all of its keys */
extern FixGraph *fix_graph(FixBatch *batch);

/* Marks the candidates to which marked rows refer, those to which these refer, and so on */
extern void fix_graph_spread(const FixGraph *graph, FixBatch *batch, FixRowTest is_marked, FixRowTest is_candidate, void (*mark) (FixRow *row));

/*
 * Returns the number of each row's set, by its number: rows that refer to one
 * another, however indirectly, are one set, numbered by its first row
 */
extern int *fix_graph_sets(const FixGraph *graph);

/*
 * Holds the rows to which rows refer that are held, and all that are too many:
 * of those that were reached, at most so many go, the deepest first, or those
 * alone that refer to one another in a circle.  Returns whether any row goes.
 */
extern bool fix_graph_hold(const FixGraph *graph, FixBatch *batch, int64 most);

#endif							/* SG_FIX_GRAPH_H */
