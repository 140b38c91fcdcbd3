/*-------------------------------------------------------------------------
 *
 * fix_graph.c
 *	  References between the rows of a batch.
 *
 *	  Each key is asked once for all rows of the batch; everything else
 *	  happens in memory, in time that grows with the rows and not with the
 *	  length of their chains.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/gone.h"
#include "fix/fix.h"
#include "fix/fix_graph.h"
#include "fix/fix_sql.h"

/*
 * Rows on the other side of a row's references, by its number: others[first[i]]
 * to others[first[i + 1] - 1]
 */
typedef struct Sides
{
	int		   *first;
	int		   *others;
} Sides;

struct FixGraph
{
	int			n;				/* rows */
	int			nedges;
	int			max;
	int		   *children;		/* row that refers, by edge */
	int		   *parents;		/* row to which that refers, by edge */
};

/* Returns the tables in the list that are a table, or partitions of it */
static List *
leaves_of(List *leaves, Oid table)
{
	List	   *within = NIL;

	foreach_oid(leaf, leaves)
	{
		if (sg_is_within(leaf, table))
			within = lappend_oid(within, leaf);
	}
	return within;
}

static void
choose(const FixBatch *batch, List *leaves, FixPlaces *places)
{
	fix_places_init(places);
	for (int i = 0; i < batch->n; i++)
	{
		const FixPlace *place = &batch->rows[i].place;

		if (list_member_oid(leaves, place->leaf))
			fix_places_add(places, place->leaf, &place->tid);
	}
}

static void
add_edge(FixGraph *graph, int child, int parent)
{
	if (graph->nedges == graph->max)
	{
		graph->max = Max(graph->max * 2, 64);
		graph->children = graph->children ? repalloc_huge(graph->children, graph->max * sizeof(int)) :
			palloc(graph->max * sizeof(int));
		graph->parents = graph->parents ? repalloc_huge(graph->parents, graph->max * sizeof(int)) :
			palloc(graph->max * sizeof(int));
	}
	graph->children[graph->nedges] = child;
	graph->parents[graph->nedges++] = parent;
}

static void
add_key(FixGraph *graph, FixBatch *batch, const FkKey *key, List *children, List *parents)
{
	FixPlaces	below;
	FixPlaces	above;
	FixPlaces	from;
	FixPlaces	to;

	CHECK_FOR_INTERRUPTS();
	choose(batch, children, &below);
	choose(batch, parents, &above);
	fix_places_init(&from);
	fix_places_init(&to);
	fix_pairs(key, &below, &above, &from, &to);
	for (int64 i = 0; i < from.n; i++)
		add_edge(graph, (int) (fix_batch_find(batch, &from.places[i]) - batch->rows),
				 (int) (fix_batch_find(batch, &to.places[i]) - batch->rows));
}

FixGraph *
fix_graph(FixBatch *batch)
{
	FixGraph   *graph = palloc0(sizeof(FixGraph));
	List	   *leaves = NIL;

	graph->n = batch->n;
	for (int i = 0; i < batch->n; i++)
	{
		if (i == 0 || batch->rows[i].place.leaf != batch->rows[i - 1].place.leaf)
			leaves = list_append_unique_oid(leaves, batch->rows[i].place.leaf);
	}
	foreach_ptr(const FixKey, by, batch->keys)
	{
		List	   *children = by->key->period ? NIL : leaves_of(leaves, by->key->child);
		List	   *parents = children ? leaves_of(leaves, by->key->parent) : NIL;

		if (parents)
			add_key(graph, batch, by->key, children, parents);
	}
	return graph;
}

/* Sorts the edges by one side */
static Sides
sides_of(const FixGraph *graph, const int *by, const int *others)
{
	Sides		sides = {palloc0(sizeof(int) * (graph->n + 2)), palloc(sizeof(int) * Max(graph->nedges, 1))};
	int		   *next = sides.first + 1;

	for (int i = 0; i < graph->nedges; i++)
		next[by[i] + 1]++;
	for (int i = 0; i < graph->n; i++)
		next[i + 1] += next[i];
	for (int i = 0; i < graph->nedges; i++)
		sides.others[next[by[i]]++] = others[i];
	return sides;
}

void
fix_graph_spread(const FixGraph *graph, FixBatch *batch, FixRowTest is_marked, FixRowTest is_candidate, void (*mark) (FixRow *row))
{
	Sides		above = sides_of(graph, graph->children, graph->parents);
	int		   *queue = palloc(sizeof(int) * Max(graph->n, 1));
	int			n = 0;

	for (int i = 0; i < batch->n; i++)
	{
		if (is_marked(&batch->rows[i]))
			queue[n++] = i;
	}
	for (int done = 0; done < n; done++)
	{
		for (int e = above.first[queue[done]]; e < above.first[queue[done] + 1]; e++)
		{
			FixRow	   *row = &batch->rows[above.others[e]];

			if (!is_candidate(row) || is_marked(row))
				continue;
			mark(row);
			queue[n++] = above.others[e];
		}
	}
}

/* Returns the first row of a row's set, and shortens the way to it */
static int
first_of(int *sets, int row)
{
	while (sets[row] != row)
		row = sets[row] = sets[sets[row]];
	return row;
}

int *
fix_graph_sets(const FixGraph *graph)
{
	int		   *sets = palloc(sizeof(int) * Max(graph->n, 1));

	for (int i = 0; i < graph->n; i++)
		sets[i] = i;
	for (int i = 0; i < graph->nedges; i++)
	{
		int			child = first_of(sets, graph->children[i]);
		int			parent = first_of(sets, graph->parents[i]);

		sets[Max(child, parent)] = Min(child, parent);
	}
	for (int i = 0; i < graph->n; i++)
		sets[i] = first_of(sets, i);
	return sets;
}

/* A walk from rows to those that refer to them, which finds cycles of rows (Tarjan) */
typedef struct Walk
{
	Sides		below;
	int		   *number;			/* order of the visit, by row; 0: not visited */
	int		   *low;			/* lowest number that each row leads to */
	int		   *next;			/* next edge of each row */
	int		   *stack;			/* rows whose cycle is not known yet */
	int			nstack;
	int		   *path;			/* path from the first row to the present one */
	int			npath;
	bool	   *open;			/* whether each row is on the stack */
	int			met;
	int		   *order;			/* rows of known cycles, the deepest first */
	int			norder;
	int		   *circle;			/* number of each row's cycle */
	int			ncircles;
} Walk;

static void
enter(Walk *walk, int row)
{
	walk->number[row] = walk->low[row] = ++walk->met;
	walk->next[row] = walk->below.first[row];
	walk->stack[walk->nstack++] = row;
	walk->open[row] = true;
	walk->path[walk->npath++] = row;
}

/* Ends a row: takes its cycle off the stack if it is the cycle's first row */
static void
leave(Walk *walk, int row)
{
	int			other;

	walk->npath--;
	if (walk->npath > 0)
		walk->low[walk->path[walk->npath - 1]] = Min(walk->low[walk->path[walk->npath - 1]], walk->low[row]);
	if (walk->low[row] != walk->number[row])
		return;
	do
	{
		other = walk->stack[--walk->nstack];
		walk->open[other] = false;
		walk->order[walk->norder++] = other;
		walk->circle[other] = walk->ncircles;
	} while (other != row);
	walk->ncircles++;
}

static void
walk_from(Walk *walk, int start)
{
	enter(walk, start);
	while (walk->npath > 0)
	{
		int			row = walk->path[walk->npath - 1];

		if (walk->next[row] == walk->below.first[row + 1])
			leave(walk, row);
		else
		{
			int			other = walk->below.others[walk->next[row]++];

			if (walk->number[other] == 0)
				enter(walk, other);
			else if (walk->open[other])
				walk->low[row] = Min(walk->low[row], walk->number[other]);
		}
	}
}

static void
find_circles(const FixGraph *graph, Walk *walk)
{
	int			n = Max(graph->n, 1);

	walk->below = sides_of(graph, graph->parents, graph->children);
	walk->number = palloc0(sizeof(int) * n);
	walk->low = palloc(sizeof(int) * n);
	walk->next = palloc(sizeof(int) * n);
	walk->stack = palloc(sizeof(int) * n);
	walk->path = palloc(sizeof(int) * n);
	walk->open = palloc0(sizeof(bool) * n);
	walk->order = palloc(sizeof(int) * n);
	walk->circle = palloc(sizeof(int) * n);

	/* rows that were reached last are the deepest */
	for (int row = graph->n - 1; row >= 0; row--)
	{
		if (walk->number[row] == 0)
			walk_from(walk, row);
	}
}

/*
 * Returns whether the rows of a cycle can go: neither they nor rows that refer
 * to them are held. *reached: number of them that are no orphans
 */
static bool
may_go(const FixBatch *batch, const Walk *walk, int first, int end, int64 *reached)
{
	*reached = 0;
	for (int i = first; i < end; i++)
	{
		int			row = walk->order[i];

		if (batch->rows[row].held)
			return false;
		*reached += batch->rows[row].reached && batch->rows[row].fate != FIX_BLOCK;
		for (int e = walk->below.first[row]; e < walk->below.first[row + 1]; e++)
		{
			const FixRow *child = &batch->rows[walk->below.others[e]];

			if (child->held && child->fate != FIX_BLOCK && walk->circle[walk->below.others[e]] != walk->circle[row])
				return false;
		}
	}
	return true;
}

bool
fix_graph_hold(const FixGraph *graph, FixBatch *batch, int64 most)
{
	Walk		walk = {0};
	int64		going = 0;
	bool		any = false;
	int			end;

	find_circles(graph, &walk);
	for (int first = 0; first < walk.norder; first = end)
	{
		int64		reached;
		bool		goes;

		for (end = first + 1; end < walk.norder && walk.circle[walk.order[end]] == walk.circle[walk.order[first]];)
			end++;
		goes = may_go(batch, &walk, first, end, &reached) && (reached == 0 || !any || going + reached <= most);
		for (int i = first; i < end; i++)
			batch->rows[walk.order[i]].held |= !goes;
		if (!goes)
			continue;
		going += reached;
		for (int i = first; i < end; i++)
			any |= batch->rows[walk.order[i]].fate != FIX_LEAVE && batch->rows[walk.order[i]].fate != FIX_BLOCK;
	}
	return any;
}
