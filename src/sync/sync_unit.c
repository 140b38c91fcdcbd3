/*-------------------------------------------------------------------------
 *
 * sync_unit.c
 *	  Units of objects that are dropped and recreated together.
 *
 *	  The nodes are the objects of statements, the edges lead from a node to
 *	  those that it depends on.  A unit is an object that is dropped and
 *	  recreated, with all changed objects below it; two units that share a
 *	  node are one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/spi.h"

SG_FUNCTION(sg_sync_units);

typedef struct UnitGraph
{
	int			n;				/* number of nodes, which are numbered from 1
								 * on */
	List	  **below;			/* int list for each node: nodes that it
								 * depends on */
	int		   *first;			/* a node of its unit, or itself; 0: in no
								 * unit */
} UnitGraph;

/* Returns the node that represents a unit */
static int
find_unit(UnitGraph *graph, int node)
{
	while (graph->first[node] != node)
	{
		graph->first[node] = graph->first[graph->first[node]];
		node = graph->first[node];
	}
	return node;
}

/* Raises 22023 for a number that is no node's */
static int
check_node(const UnitGraph *graph, int node)
{
	if (node < 1 || node > graph->n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node %d is none of %d", node, graph->n)));
	return node;
}

/* Takes the nodes below a root into its unit, and joins it with their units */
static void
spread(UnitGraph *graph, int root)
{
	List	   *left = list_make1_int(root);

	if (graph->first[root] == 0)
		graph->first[root] = root;
	while (left != NIL)
	{
		int			node = llast_int(left);

		CHECK_FOR_INTERRUPTS();
		left = list_delete_last(left);
		foreach_int(under, graph->below[node])
		{
			if (graph->first[under] == 0)
			{
				graph->first[under] = find_unit(graph, node);
				left = lappend_int(left, under);
			}
			else
				graph->first[find_unit(graph, under)] = find_unit(graph, node);
		}
	}
}

/*
 * schemaguard.sg_sync_units(nodes int, roots int[], above int[], below int[])
 *
 * Returns for each node, from 1 on, the node that represents its unit, or null
 * if it is below no root.  The i-th edge leads from above[i] to below[i].
 */
static Datum
sg_sync_units_entered(PG_FUNCTION_ARGS)
{
	List	   *above = sg_int_array_list(PG_GETARG_DATUM(2));
	List	   *below = sg_int_array_list(PG_GETARG_DATUM(3));
	UnitGraph	graph = {.n = PG_GETARG_INT32(0)};
	Datum	   *units;
	bool	   *nulls;
	int			size;
	int			bound = 1;
	ListCell   *a;
	ListCell   *b;

	if (graph.n < 0 || graph.n >= MaxAllocSize / sizeof(Datum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d is no number of nodes", graph.n)));
	size = graph.n;
	graph.below = palloc0(sizeof(List *) * (size + 1));
	graph.first = palloc0(sizeof(int) * (size + 1));
	units = palloc0(sizeof(Datum) * (size + 1));
	nulls = palloc0(sizeof(bool) * (size + 1));
	forboth(a, above, b, below)
	{
		int			from = check_node(&graph, lfirst_int(a));

		graph.below[from] = lappend_int(graph.below[from], check_node(&graph, lfirst_int(b)));
	}
	foreach_int(root, sg_int_array_list(PG_GETARG_DATUM(1)))
	{
		spread(&graph, check_node(&graph, root));
	}
	for (int i = 0; i < size; i++)
	{
		nulls[i] = graph.first[i + 1] == 0;
		if (!nulls[i])
			units[i] = Int32GetDatum(find_unit(&graph, i + 1));
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(units, nulls, 1, &size, &bound, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
