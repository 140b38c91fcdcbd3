/*-------------------------------------------------------------------------
 *
 * plan_order.c
 *	  The graph of a plan: which steps need which, and why.
 *
 *	  An edge comes from a step's `after`, or from the objects of two steps: a
 *	  column comes before steps on it, a unique constraint before the key that
 *	  refers to it, and a drop after all steps about its object.  Only few
 *	  kinds of steps have such implied edges, and only among steps that name
 *	  one table, so the graph costs no more than its edges.  An implied edge
 *	  yields to `after`. A step runs only when all that it needs are done
 *	  (plan_waits_for).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/calls.h"
#include "base/compat.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_reads.h"
#include "plan/plan_relation.h"

/*
 * For plans that are made again as long as something is left: after all steps
 * with a lower number, whatever their outcome
 */
#define AFTER_ALL_ANYWAY "*?"

static bool
goes_on_anyway(const PlanStep *step)
{
	return list_length(step->after) == 1 && strcmp(linitial(step->after), AFTER_ALL_ANYWAY) == 0;
}

bool
plan_step_is_in_order(const PlanStep *step)
{
	return goes_on_anyway(step) || (list_length(step->after) == 1 && strcmp(linitial(step->after), PLAN_AFTER_ALL) == 0);
}

const char *
plan_step_needed_name(const PlanStep *step)
{
	return plan_step_is_in_order(step) ? step->fk_name : NULL;
}

bool
plan_is_one_by_one(List *steps)
{
	foreach_ptr(const PlanStep, step, steps)
	{
		if (!plan_step_is_in_order(step))
			return false;
	}
	return steps != NIL;
}

/* ---- the graph ---- */

/*
 * Prefixes of the names in the graph's hash table: of steps, of tables, of
 * tables that steps of their own kinds drop or rename, that any steps do, that
 * are created, or read or lose rows, of functions that are dropped or created
 */
#define OF_STEP		'n'
#define OF_TABLE	't'
#define OF_DROPPED	'd'
#define OF_MOVED	'v'
#define OF_MADE		'm'
#define OF_TOUCHED	'k'
#define OF_DROPPED_FUNCTION	'f'
#define OF_MADE_FUNCTION	'F'

typedef struct Bucket
{
	char		key[PLAN_QUALIFIED_MAX + 2];	/* hash key */
	List	   *nodes;			/* PlanNode * */
} Bucket;

struct PlanNode
{
	PlanStep   *step;
	int			place;			/* position in the order of deployment */
	List	   *needs;			/* PlanEdge *; those of `after` come first */
	List	   *needed_by;		/* PlanNode * */
	List	   *drops;			/* PlanStep *: its drops and renames of
								 * objects that SQL can read */
	List	   *rule_drops;		/* PlanStep *: its statements' drops of
								 * constraints and indexes */
	PlanReads  *reads;			/* reads of its SQL, once they were requested */
	bool		carries;		/* it carries rows elsewhere */
	PlanReads  *takes;			/* tables whose rows or values it deletes or
								 * overwrites, or NULL */
	struct PlanNode *freer;		/* node that takes away the name which this
								 * one gives, or NULL */
	List	   *takers;			/* PlanNode *: nodes that give names which
								 * this one takes away */
	List	   *followers;		/* PlanNode *: statements that come behind
								 * this one, and keep their order among others */
	int			waits;			/* number of edges to nodes without a round
								 * yet */
	int			turns;			/* number of edges to statements before it
								 * that have no round yet */
	bool		placed;
	bool		released;		/* nothing holds it up any more */
	int			reach;			/* last place among its own and those of all
								 * that it needs */
	int			visited;		/* number of the search that visited it last */
	char	   *unknown;		/* a name in `after` that no step has, or NULL */
};

struct PlanGraph
{
	PlanNode   *nodes;			/* nodes by number */
	int			n;
	HTAB	   *buckets;
	List	   *rounds;			/* List of PlanStep *, for each round */
	List	   *circle;			/* PlanStep *: steps without a round */
	PlanNode  **holders;		/* nodes by reach, from the first one without
								 * a round; ends with NULL */
	PlanNode  **statements;		/* the statements among them */
	int			first_left;		/* index of the first node without a round */
	int			first_undone;	/* index of the first node whose step is not
								 * done */
	int			searches;
};

static Bucket *
bucket(const PlanGraph *graph, char kind, const char *name, HASHACTION action)
{
	char		key[PLAN_QUALIFIED_MAX + 2];
	Bucket	   *entry;
	bool		found;

	snprintf(key, sizeof(key), "%c%s", kind, name);
	entry = hash_search(graph->buckets, key, action, &found);
	if (entry && !found)
		entry->nodes = NIL;
	return entry;
}

static void
put(const PlanGraph *graph, char kind, const char *name, PlanNode *node)
{
	Bucket	   *entry = bucket(graph, kind, name, HASH_ENTER);

	entry->nodes = lappend(entry->nodes, node);
}

static List *
nodes_of(const PlanGraph *graph, char kind, const char *name)
{
	Bucket	   *entry = bucket(graph, kind, name, HASH_FIND);

	return entry ? entry->nodes : NIL;
}

static int
compare_node_numbers(const void *a, const void *b)
{
	return ((const PlanNode *) a)->step->step - ((const PlanNode *) b)->step->step;
}

static int
compare_places(const ListCell *a, const ListCell *b)
{
	return ((PlanNode *) lfirst(a))->place - ((PlanNode *) lfirst(b))->place;
}

static PlanNode *
find_node(const PlanGraph *graph, int number)
{
	PlanStep	step = {.step = number};
	PlanNode	wanted = {.step = &step};

	return bsearch(&wanted, graph->nodes, graph->n, sizeof(PlanNode), compare_node_numbers);
}

static bool
drops_relation(const PlanStep *step)
{
	return step->kind == STEP_DROP && plan_step_is_of_relation(step);
}

static bool
drops_column(const PlanStep *step)
{
	return step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_COLUMN;
}

/* Returns whether a step renames a relation or a column that others may read under the old name */
static bool
renames_read(const PlanStep *step)
{
	return step->kind == STEP_RENAME && (plan_step_is_of_relation(step) || plan_changed_object(step) == CHANGED_COLUMN);
}

/* Enters a node of statements under the names that these take away or make */
static void
put_statement(PlanGraph *graph, PlanNode *node)
{
	ErrorData  *edata;

	node->drops = plan_drops(node->step);
	foreach_ptr(const PlanStep, drop, node->drops)
	{
		if (drop->kind == STEP_DROP)
			put(graph, OF_MOVED, sg_parse_table_name(drop->child_table).name, node);
		else
			put(graph, OF_DROPPED_FUNCTION, drop->child_table, node);
	}
	node->rule_drops = plan_drops_rules(node->step);
	foreach_ptr(const PlanStep, drop, node->rule_drops)
	{
		put(graph, OF_MOVED, sg_parse_table_name(drop->child_table).name, node);
	}
	foreach_ptr(const RawStmt, raw, plan_parse(node->step->definition, &edata))
	{
		List	   *names = IsA(raw->stmt, CreateFunctionStmt) ? ((CreateFunctionStmt *) raw->stmt)->funcname : NIL;

		if (list_length(names) == 2)
			put(graph, OF_MADE_FUNCTION, quote_qualified_identifier(strVal(linitial(names)), strVal(lsecond(names))), node);
	}
}

/* Enters a node under the names that it takes away, for others, or makes */
static void
put_moved(PlanGraph *graph, PlanNode *node)
{
	PlanStep   *step = node->step;
	const char *name = step->child_table ? sg_parse_table_name(step->child_table).name : NULL;

	if (step->kind == STEP_STATEMENT)
		put_statement(graph, node);
	if (drops_relation(step) || drops_column(step) || renames_read(step))
	{
		put(graph, OF_DROPPED, name, node);
		put(graph, OF_MOVED, name, node);
		node->drops = list_make1(step);
	}
	if (step->kind == STEP_TABLE)
		put(graph, OF_MADE, name, node);
	if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
		put(graph, OF_MADE, step->new_name, node);
}

/* Enters nodes under the names that others look for */
static void
fill_buckets(PlanGraph *graph)
{
	for (int i = 0; i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];
		const PlanStep *step = node->step;

		if (step->fk_name)
			put(graph, OF_STEP, step->fk_name, node);
		if (step->child_table)
			put(graph, OF_TABLE, step->child_table, node);
		if (step->parent_table && !sg_same_text(step->parent_table, step->child_table))
			put(graph, OF_TABLE, step->parent_table, node);
		if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
			put(graph, OF_TABLE, plan_renamed_table(step), node);
		foreach_ptr(const char, relative, step->kind == STEP_TABLE ? plan_table_relatives(step) : NIL)
		{
			put(graph, OF_TABLE, relative, node);
		}
		put_moved(graph, node);
	}
}

/* Returns whether an edge joins two statements that only keep their order */
static bool
is_turn(const PlanNode *node, const PlanEdge *edge)
{
	return (edge->kind == EDGE_TAKES || edge->kind == EDGE_TURN) &&
		node->step->kind == STEP_STATEMENT && edge->needed->kind == STEP_STATEMENT;
}

static void
add_edge(PlanNode *node, PlanNode *needed, PlanEdgeKind kind)
{
	PlanEdge   *edge = palloc(sizeof(PlanEdge));

	edge->needed = needed->step;
	edge->node = needed;
	edge->kind = kind;
	node->needs = lappend(node->needs, edge);
	if (is_turn(node, edge))
	{
		needed->followers = lappend(needed->followers, node);
		node->turns++;
		return;
	}
	needed->needed_by = lappend(needed->needed_by, node);
	node->waits++;
}

/* Removes an edge that is in no list any more; returns whether the node waits for nothing else */
static bool
remove_edge(PlanNode *node, const PlanEdge *edge)
{
	if (is_turn(node, edge))
	{
		edge->node->followers = list_delete_ptr(edge->node->followers, node);
		node->turns--;
		return false;
	}
	edge->node->needed_by = list_delete_ptr(edge->node->needed_by, node);
	return --node->waits == 0;
}

/* Returns whether the step's own `after` puts it behind the other one */
static bool
says_after(const PlanNode *node, const PlanNode *other)
{
	if (plan_step_is_in_order(node->step))
		return other->step->step < node->step->step;
	foreach_ptr(const PlanEdge, edge, node->needs)
	{
		if (edge->kind != EDGE_AFTER)
			break;
		if (edge->node == other)
			return true;
	}
	return false;
}

/* Adds an edge implied by the objects of the two, unless one of them has an `after` about the other */
static void
imply(PlanNode *node, PlanNode *needed, PlanEdgeKind kind)
{
	if (node != needed && !plan_step_is_in_order(node->step) && !says_after(needed, node) && !says_after(node, needed))
		add_edge(node, needed, kind);
}

/* Returns the steps that a name in `after` stands for, by name, else by number */
static List *
named_nodes(const PlanGraph *graph, const PlanNode *node, const char *name)
{
	List	   *named = list_delete_ptr(list_copy(nodes_of(graph, OF_STEP, name)), unconstify(PlanNode *, node));
	PlanNode   *numbered;

	if (named == NIL && name[0] != '\0' && strspn(name, "0123456789") == strlen(name) && strlen(name) < 10)
	{
		numbered = find_node(graph, atoi(name));
		if (numbered && numbered != node)
			named = list_make1(numbered);
	}
	return named;
}

static void
add_said_edges(PlanGraph *graph)
{
	for (int i = 0; i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];

		if (plan_step_is_in_order(node->step))
			continue;
		foreach_ptr(char, name, node->step->after)
		{
			List	   *named = named_nodes(graph, node, name);

			if (named == NIL)
				node->unknown = name;
			foreach_ptr(PlanNode, other, named)
			{
				add_edge(node, other, EDGE_AFTER);
			}
		}
	}
}

/* Returns why a drop goes behind a step that names its table */
static PlanEdgeKind
drop_edge(const PlanStep *drop, const PlanStep *other)
{
	ChangedObject what = plan_changed_object(drop);

	if (what == CHANGED_COLUMN && other->kind == STEP_FOREIGN_KEY && other->backfill &&
		sg_same_text(drop->child_table, other->child_table) && plan_has_word(other->backfill, drop->fk_name))
		return EDGE_CONTRACT;
	if ((what == CHANGED_CONSTRAINT || what == CHANGED_INDEX) &&
		(other->kind == STEP_FOREIGN_KEY || other->kind == STEP_CHECK || other->kind == STEP_NOT_NULL ||
		 other->kind == STEP_UNIQUE || other->kind == STEP_INDEX))
		return EDGE_REPLACES;
	return EDGE_READS;
}

/*
 * Returns whether a step uses a name for another object than the one from which
 * a drop or rename takes it away
 */
static bool
means_new(const PlanNode *moving, const PlanNode *other)
{
	foreach_ptr(const PlanNode, taker, moving->takers)
	{
		if (other->step->step > taker->step->step &&
			(plan_step_needs(other->step, taker->step) ||
			 ((other->step->kind == STEP_DROP || other->step->kind == STEP_RENAME) && plan_step_comes_late(other->step, taker->step))))
			return true;
	}
	return false;
}

/*
 * Returns whether a constraint or index is dropped to make way for one that the
 * plan adds, and so does not wait for steps that only name its table
 */
static bool
makes_way(const PlanNode *moving, const PlanNode *other)
{
	if (other->step->kind == STEP_RENAME)
		return false;
	foreach_ptr(const PlanNode, taker, moving->takers)
	{
		if (plan_step_adds_rule(taker->step))
			return true;
	}
	return false;
}

/*
 * Adds edges between a step of a kind that others can need, or that comes late,
 * and one that names the same table.  A name that passes from one object to
 * another means the old one in steps that were added before the step which
 * gives it, and the new one in later ones.
 */
static void
imply_pair(PlanNode *special, PlanNode *other)
{
	StepKind	kind = special->step->kind;
	bool		of_old = special->freer && other->step->step < special->step->step;

	if (list_member_ptr(special->takers, other) || special->freer == other)
	{
		if (special->freer == other && !plan_step_adds_rule(special->step))
			imply(special, other, EDGE_NAME);
		return;
	}
	if (!of_old && plan_step_needs(other->step, special->step))
		imply(other, special, EDGE_OBJECT);
	if (kind == STEP_RENAME && plan_step_adds_rule(other->step) && plan_step_needs(special->step, other->step))
		imply(special, other, EDGE_OBJECT);
	if ((kind == STEP_RENAME || kind == STEP_DROP) && plan_step_comes_late(special->step, other->step) &&
		!means_new(special, other) && !makes_way(special, other))
		imply(special, other, kind == STEP_RENAME ? EDGE_OBJECT : drop_edge(special->step, other->step));
}

/* Returns the nodes of steps that name the table of a step, also under a rename's new name */
static List *
of_same_table(const PlanGraph *graph, const PlanStep *step)
{
	List	   *others = nodes_of(graph, OF_TABLE, step->child_table);

	return step->kind == STEP_RENAME ?
		list_concat_unique_ptr(list_copy(others), nodes_of(graph, OF_TABLE, plan_renamed_table(step))) : others;
}

/* Returns whether a step drops or renames the object with the name that another one gives */
static bool
frees(const PlanNode *node, const PlanStep *giver)
{
	foreach_ptr(const PlanStep, drop, node->drops)
	{
		if (plan_step_frees(drop, giver))
			return true;
	}
	foreach_ptr(const PlanStep, drop, node->rule_drops)
	{
		if (plan_step_frees(drop, giver))
			return true;
	}
	return node->step->kind != STEP_STATEMENT && plan_step_frees(node->step, giver);
}

/*
 * Pairs a step that gives a name, to an object that a table's name leads to,
 * with those that take it away
 */
static void
pair_with(const PlanGraph *graph, PlanNode *node, const char *table)
{
	List	   *others = list_concat_unique_ptr(list_copy(nodes_of(graph, OF_TABLE, table)),
												nodes_of(graph, OF_MOVED, sg_parse_table_name(table).name));
	int			last = INT_MAX;

	/*
	 * after a step that gives it and one that frees it, others mean the
	 * object that gets it
	 */
	foreach_ptr(const PlanNode, other, node->step->kind == STEP_RENAME ? others : NIL)
	{
		if (other->step->step < last && frees(other, node->step))
			last = Max(other->step->step, node->step->step);
	}
	foreach_ptr(PlanNode, other, others)
	{
		if (list_member_ptr(other->takers, node) || other->step->step > last || !frees(other, node->step))
			continue;
		node->freer = other;
		other->takers = lappend(other->takers, node);
		/* statements have no table, and a rule may have several freers */
		if (other->step->kind == STEP_STATEMENT || node->step->kind == STEP_STATEMENT || plan_step_adds_rule(node->step))
			imply(node, other, EDGE_NAME);
	}
	foreach_ptr(PlanNode, other, node->freer && node->step->kind == STEP_STATEMENT ? nodes_of(graph, OF_TABLE, table) : NIL)
	{
		if (other->step->step > node->step->step && plan_step_needs(other->step, node->step))
			imply(other, node, EDGE_OBJECT);
	}
}

/* Pairs steps that give names with steps that take them away */
static void
pair_names(PlanGraph *graph)
{
	for (int i = 0; i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];
		const PlanStep *step = node->step;

		if (step->kind == STEP_RENAME || step->kind == STEP_COLUMN || plan_step_adds_rule(step))
			pair_with(graph, node, step->child_table);
		if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
			pair_with(graph, node, plan_renamed_table(step));
		foreach_ptr(const char, made, step->kind == STEP_TABLE || step->kind == STEP_STATEMENT ? plan_makes(step) : NIL)
		{
			pair_with(graph, node, made);
		}
	}
}

static void
imply_edges(PlanGraph *graph)
{
	pair_names(graph);
	for (int i = 0; i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];
		StepKind	kind = node->step->kind;

		if (kind != STEP_COLUMN && kind != STEP_UNIQUE && kind != STEP_NOT_NULL && kind != STEP_DROP && kind != STEP_RENAME &&
			kind != STEP_TABLE)
			continue;
		foreach_ptr(PlanNode, other, of_same_table(graph, node->step))
		{
			if (other != node)
				imply_pair(node, other);
		}
	}
}

static void
imply_once(PlanNode *node, PlanNode *needed, PlanEdgeKind kind)
{
	if (node->needs == NIL || ((PlanEdge *) llast(node->needs))->node != needed)
		imply(node, needed, kind);
}

/* Puts a drop or rename behind SQL that was planned before it and names its object */
static void
imply_by_word(const PlanGraph *graph, PlanNode *reader, const char *text, const char *word)
{
	foreach_ptr(PlanNode, drop, nodes_of(graph, OF_DROPPED, word))
	{
		if (reader->step->step < drop->step->step && !plan_mentions_table(reader->step, drop->step->child_table) &&
			(plan_step_is_of_relation(drop->step) || plan_has_word(text, drop->step->fk_name)))
			imply_once(drop, reader, EDGE_READS);
	}
}

/* Does so for the words of a text, folded to lower case, and texts between double quotes */
static void
imply_by_text(const PlanGraph *graph, PlanNode *reader, const char *text)
{
	for (const char *at = text; at && *at;)
	{
		const char *start = at;

		if (*at == '"')
		{
			at = strchr(++start, '"');
			if (at == NULL)
				return;
			imply_by_word(graph, reader, text, pnstrdup(start, at - start));
			at++;
			continue;
		}
		while (isalnum((unsigned char) *at) || *at == '_' || IS_HIGHBIT_SET(*at))
			at++;
		if (at > start)
			imply_by_word(graph, reader, text, asc_tolower(start, at - start));
		else
			at++;
	}
}

/* Returns the step that gives the name again which a step's drop or rename takes away, or NULL */
static PlanNode *
taker_of(const PlanNode *moving, const PlanStep *drop)
{
	foreach_ptr(PlanNode, taker, moving->takers)
	{
		if (plan_step_frees(drop, taker->step))
			return taker;
	}
	return NULL;
}

/*
 * Returns whether SQL of a step reads an object of a drop or rename.  Steps
 * that name the table of a step of kind drop or rename come before it anyway.
 * Statements keep their order.
 */
static bool
is_read_by(const PlanNode *moving, const PlanStep *drop, const PlanNode *reader, const PlanReads *reads, const PlanRead *read)
{
	const char *column = plan_step_is_of_relation(drop) ? NULL : drop->fk_name;
	const PlanStep *step = reader->step;

	if (moving->step->kind == STEP_STATEMENT && step->kind == STEP_STATEMENT && step->step > moving->step->step)
		return false;
	if (!plan_mentions_table(step, drop->child_table))
		return plan_read_is_of(reads, read, drop->child_table, column);
	return moving->step->kind == STEP_STATEMENT && column &&
		(plan_mentions_column(step, drop->child_table, column) ||
		 (step->backfill && plan_has_word(step->backfill, column) && plan_reads_own(step->backfill, drop->child_table, column)));
}

/*
 * Returns whether a statement was added behind a step that gives a name to an
 * object, and has that name
 */
static bool
has_new_name(const PlanStep *statement, const PlanStep *giver)
{
	bool		is_column = giver->kind == STEP_COLUMN || (giver->kind == STEP_RENAME && !plan_step_is_of_relation(giver));
	List	   *tables = NIL;

	if (statement->kind != STEP_STATEMENT || statement->step <= giver->step)
		return false;
	if (giver->kind == STEP_TABLE || giver->kind == STEP_STATEMENT)
		tables = plan_makes(giver);
	else if (!is_column || plan_has_word(statement->definition, giver->kind == STEP_RENAME ? giver->new_name : giver->fk_name))
		tables = list_make1(is_column ? giver->child_table : plan_renamed_table(giver));
	foreach_ptr(const char, table, tables)
	{
		if (plan_has_word(statement->definition, sg_parse_table_name(table).name))
			return true;
	}
	return false;
}

/*
 * Puts a drop or rename behind SQL that reads its object, whatever their
 * numbers.  If the plan makes an object of that name, the SQL may read that
 * instead.
 */
static void
imply_by_read(PlanNode *reader, const PlanReads *reads, const PlanRead *read, PlanNode *moving, bool made)
{
	foreach_ptr(const PlanStep, drop, moving->drops)
	{
		PlanNode   *taker = taker_of(moving, drop);

		if (drop->kind == STEP_STATEMENT || !is_read_by(moving, drop, reader, reads, read) ||
			(moving->step->kind == STEP_RENAME && has_new_name(reader->step, moving->step)))
			continue;

		/*
		 * a name that passes to another object later still means the former
		 * one
		 */
		if (taker && reader->step->step >= taker->step->step)
			imply_once(reader, taker, EDGE_OBJECT);
		else if (taker || !made)
			imply_once(moving, reader, EDGE_READS);
	}
}

/*
 * Puts the drop of a function behind SQL that calls it, unless that was added
 * behind the step that creates it again
 */
static void
imply_by_calls(const PlanGraph *graph, PlanNode *reader, const char *function)
{
	foreach_ptr(PlanNode, drop, nodes_of(graph, OF_DROPPED_FUNCTION, function))
	{
		bool		is_new = reader->step->kind == STEP_STATEMENT && reader->step->step > drop->step->step;

		foreach_ptr(const PlanNode, maker, nodes_of(graph, OF_MADE_FUNCTION, function))
		{
			is_new |= maker->step->step >= drop->step->step && maker->step->step < reader->step->step;
		}
		if (!is_new)
			imply_once(drop, reader, EDGE_READS);
	}
}

static const PlanReads *
reads_of(PlanNode *node)
{
	if (node->reads == NULL)
		node->reads = plan_reads(node->step);
	return node->reads;
}

static void
imply_by_reads(const PlanGraph *graph, PlanNode *reader)
{
	const PlanReads *reads = reads_of(reader);

	foreach_ptr(const PlanRead, read, plan_reads_list(reads))
	{
		bool		made = nodes_of(graph, OF_MADE, read->name) != NIL;

		foreach_ptr(PlanNode, moving, nodes_of(graph, OF_MOVED, read->name))
		{
			imply_by_read(reader, reads, read, moving, made);
		}
	}
	foreach_ptr(const char, function, plan_reads_functions(reads))
	{
		imply_by_calls(graph, reader, function);
	}
}

bool
plan_step_carries(const PlanStep *step)
{
	ErrorData  *edata;

	if (step->kind != STEP_STATEMENT)
		return step->fill || step->backfill;
	foreach_ptr(const RawStmt, raw, plan_parse(step->definition, &edata))
	{
		if (IsA(raw->stmt, InsertStmt) || IsA(raw->stmt, UpdateStmt) || IsA(raw->stmt, MergeStmt))
			return true;
	}
	return false;
}

/* Returns whether a step copies rows or values elsewhere, which it reads in their old place */
static bool
carries_rows(const PlanStep *step)
{
	return plan_step_carries(step) || (step->kind != STEP_STATEMENT && step->orphans == ORPHANS_QUARANTINE && plan_step_fixes(step));
}

/* Returns whether a statement alters a table, and the other step drops something */
static bool
alters_under(const PlanNode *node, const PlanNode *other)
{
	ErrorData  *edata;
	List	   *parsed = other->step->kind == STEP_DROP && node->step->kind == STEP_STATEMENT ? plan_parse(node->step->definition, &edata) : NIL;

	return parsed && IsA(linitial_node(RawStmt, parsed)->stmt, AlterTableStmt);
}

/* Returns whether the step is skipped, or waits for a phase that another step does not wait for */
static bool
is_out(const PlanStep *step, const PlanStep *other)
{
	return step->skipped_by || (step->phase && !sg_same_text(step->phase, other->phase));
}

static bool
takes_from(const PlanNode *taker, PlanNode *other)
{
	return taker->takes && (plan_takes_from(taker->takes, other->takes) || plan_takes_from(taker->takes, reads_of(other)));
}

/*
 * Puts a step behind those before it of whose tables it deletes or overwrites rows, or the
 * other way round: both are statements, or it takes what the other one carries elsewhere
 */
static void
imply_turn(PlanGraph *graph, PlanNode *node, const char *table)
{
	foreach_ptr(PlanNode, other, nodes_of(graph, OF_TOUCHED, table))
	{
		bool		both = node->step->kind == STEP_STATEMENT && other->step->kind == STEP_STATEMENT;
		bool		takes;

		if ((node->step->kind != STEP_STATEMENT && other->step->kind != STEP_STATEMENT) || other == node || other->visited == graph->searches)
			continue;
		other->visited = graph->searches;
		takes = takes_from(node, other);
		if (takes && other->carries)
			imply(node, other, EDGE_TAKES);
		else if (!is_out(other->step, node->step) &&
				 ((both && (takes || takes_from(other, node))) || (takes && alters_under(node, other))))
			imply(node, other, EDGE_TURN);
	}
}

/* Steps in whose turn it matters what others have done to rows of their tables */
static void
imply_turns(PlanGraph *graph)
{
	bool		takes = false;

	for (int i = 0; i < graph->n; i++)
	{
		graph->nodes[i].takes = plan_takes(graph->nodes[i].step);
		graph->nodes[i].carries = carries_rows(graph->nodes[i].step);
		takes |= graph->nodes[i].takes != NULL;
	}
	for (int i = 0; takes && i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];
		List	   *touched = node->takes ? list_copy(plan_reads_list(node->takes)) : NIL;

		if (node->step->kind == STEP_DROP && plan_changed_object(node->step) == CHANGED_VIEW)
			node->reads = plan_reads_dropped(node->step);
		if (node->step->kind == STEP_STATEMENT || node->step->kind == STEP_DROP || node->carries)
			touched = list_concat(touched, plan_reads_list(reads_of(node)));
		graph->searches++;
		foreach_ptr(const PlanRead, read, touched)
		{
			imply_turn(graph, node, read->name);
		}
		foreach_ptr(const PlanRead, read, touched)
		{
			List	   *there = nodes_of(graph, OF_TOUCHED, read->name);

			if (there == NIL || llast(there) != node)
				put(graph, OF_TOUCHED, read->name, node);
		}
	}
}

/* Puts the drop of an object behind the drops of its dependents; statements keep their order */
static void
imply_by_dropped(const PlanGraph *graph, PlanNode *node)
{
	const PlanReads *reads = plan_reads_dropped(node->step);

	foreach_ptr(const PlanRead, read, plan_reads_list(reads))
	{
		foreach_ptr(PlanNode, moving, nodes_of(graph, OF_MOVED, read->name))
		{
			foreach_ptr(const PlanStep, drop, moving->drops)
			{
				if (drop->kind == STEP_DROP && !sg_same_text(drop->child_table, node->step->child_table) &&
					(moving->step->kind != STEP_STATEMENT || node->step->kind != STEP_STATEMENT) &&
					plan_read_is_of(reads, read, drop->child_table, plan_step_is_of_relation(drop) ? NULL : drop->fk_name))
					imply_once(moving, node, EDGE_READS);
			}
		}
	}

	/*
	 * for a foreign key: the index that it needs, which has its constraint's
	 * name
	 */
	foreach_ptr(const PlanRead, read, plan_reads_list(reads))
	{
		foreach_ptr(PlanNode, drop, nodes_of(graph, OF_STEP, read->name))
		{
			if (drop->step->kind == STEP_DROP && read->column == NULL && drop->step->child_table &&
				sg_same_text(sg_parse_table_name(drop->step->child_table).schema, read->schema) &&
				(plan_changed_object(drop->step) == CHANGED_CONSTRAINT || plan_changed_object(drop->step) == CHANGED_INDEX))
				imply_once(drop, node, EDGE_READS);
		}
	}
	foreach_ptr(const char, function, node->step->kind == STEP_DROP ? plan_reads_functions(reads) : NIL)
	{
		foreach_ptr(PlanNode, drop, nodes_of(graph, OF_DROPPED_FUNCTION, function))
		{
			imply_once(drop, node, EDGE_READS);
		}
	}
}

/*
 * Puts a statement behind the step that renames an object, or gives a name to
 * another one, if the statement uses that name
 */
static void
imply_by_new_names(const PlanGraph *graph, PlanNode *statement)
{
	for (int i = 0; i < graph->n && graph->nodes[i].step->step < statement->step->step; i++)
	{
		PlanNode   *giver = &graph->nodes[i];

		if ((giver->freer || giver->step->kind == STEP_RENAME) && !plan_step_adds_rule(giver->step) && has_new_name(statement->step, giver->step))
			imply_once(statement, giver, EDGE_OBJECT);
	}
}

/*
 * Reads the name that a statement takes away from a relation, by SET SCHEMA or
 * a rename, and the one that it gives to it, both qualified; returns false for
 * others
 */
static bool
moves_relation(Node *statement, char **old, char **new)
{
	const RangeVar *name = NULL;
	char	   *schema = NULL;
	char	   *relation = NULL;

	if (IsA(statement, AlterObjectSchemaStmt))
	{
		name = ((AlterObjectSchemaStmt *) statement)->relation;
		schema = ((AlterObjectSchemaStmt *) statement)->newschema;
	}
	else if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->subname == NULL)
	{
		name = ((RenameStmt *) statement)->relation;
		relation = ((RenameStmt *) statement)->newname;
	}
	if (name == NULL || name->schemaname == NULL)
		return false;
	*old = quote_qualified_identifier(name->schemaname, name->relname);
	*new = quote_qualified_identifier(schema ? schema : name->schemaname, relation ? relation : name->relname);
	return true;
}

/* Has statements that name a relation keep their order with the one that moves or renames it */
static void
imply_order_with(const PlanGraph *graph, PlanNode *moving, const char *relation)
{
	for (int i = 0; i < graph->n; i++)
	{
		PlanNode   *other = &graph->nodes[i];

		if (other->step->kind != STEP_STATEMENT || !plan_has_word(other->step->definition, relation))
			continue;
		if (other->step->step < moving->step->step)
			imply_once(moving, other, EDGE_READS);
		else
			imply_once(other, moving, EDGE_OBJECT);
	}
}

/*
 * Puts a statement that moves or renames a relation behind the steps before it
 * that are about the relation by its old name, and those behind it that have
 * the new one behind it.  A drop of the relation comes behind it, and so finds
 * nothing of that name.
 */
static void
imply_by_moved(const PlanGraph *graph, PlanNode *statement)
{
	ErrorData  *edata;
	char	   *old;
	char	   *new;

	foreach_ptr(const RawStmt, raw, plan_parse(statement->step->definition, &edata))
	{
		if (!moves_relation(raw->stmt, &old, &new))
			continue;
		foreach_ptr(PlanNode, other, nodes_of(graph, OF_TABLE, old))
		{
			if (drops_relation(other->step) && other->takers == NIL && !statement->step->skipped_by)
				imply_once(other, statement, EDGE_READS);
			else if (other->step->step < statement->step->step && !drops_relation(other->step))
				imply_once(statement, other, EDGE_READS);
		}
		foreach_ptr(PlanNode, other, nodes_of(graph, OF_TABLE, new))
		{
			if (other->step->step > statement->step->step)
				imply_once(other, statement, EDGE_OBJECT);
		}
		imply_order_with(graph, statement, sg_parse_table_name(old).name);
		if (strcmp(sg_parse_table_name(old).name, sg_parse_table_name(new).name) != 0)
			imply_order_with(graph, statement, sg_parse_table_name(new).name);
	}
}

static void
imply_reads(PlanGraph *graph)
{
	bool		moves = false;

	for (int i = 0; i < graph->n; i++)
	{
		if (graph->nodes[i].step->kind == STEP_STATEMENT)
			imply_by_moved(graph, &graph->nodes[i]);
	}
	for (int i = 0; i < graph->n && !moves; i++)
		moves = graph->nodes[i].step->kind == STEP_DROP || graph->nodes[i].drops;
	for (int i = 0; moves && i < graph->n; i++)
	{
		foreach_ptr(const char, made, plan_reads_made(graph->nodes[i].step))
		{
			put(graph, OF_MADE, made, &graph->nodes[i]);
		}
	}
	for (int i = 0; moves && i < graph->n; i++)
	{
		const PlanStep *step = graph->nodes[i].step;

		imply_by_reads(graph, &graph->nodes[i]);
		if (step->kind == STEP_DROP || graph->nodes[i].drops)
			imply_by_dropped(graph, &graph->nodes[i]);
		if (step->kind == STEP_STATEMENT)
		{
			imply_by_text(graph, &graph->nodes[i], step->definition);
			imply_by_new_names(graph, &graph->nodes[i]);
		}
		imply_by_text(graph, &graph->nodes[i], step->backfill);
		imply_by_text(graph, &graph->nodes[i], step->fill);
	}
}

/* ---- rounds ---- */

/*
 * Returns the nodes that wait for no other one any more; only the lowest
 * number, if it waits for all before it
 */
static List *
next_round(PlanGraph *graph, List *ready)
{
	while (graph->first_left < graph->n && graph->nodes[graph->first_left].placed)
		graph->first_left++;
	if (graph->first_left < graph->n && plan_step_is_in_order(graph->nodes[graph->first_left].step))
		ready = lappend(ready, &graph->nodes[graph->first_left]);
	list_sort(ready, compare_places);
	return ready;
}

/* Appends a round; returns the nodes that waited only for it */
static List *
place(PlanGraph *graph, List *round)
{
	List	   *steps = NIL;
	List	   *ready = NIL;

	foreach_ptr(PlanNode, node, round)
	{
		steps = lappend(steps, node->step);
		foreach_ptr(PlanNode, other, node->needed_by)
		{
			if (--other->waits == 0 && !plan_step_is_in_order(other->step))
				ready = lappend(ready, other);
		}
		foreach_ptr(PlanNode, other, node->followers)
		{
			other->turns--;
		}
	}
	graph->rounds = lappend(graph->rounds, steps);
	return ready;
}

/*
 * Returns whether the steps' `after` puts one behind the other, directly or
 * through others; with `all`, implied edges count, too
 */
static bool
is_behind(PlanGraph *graph, PlanNode *node, const PlanNode *other, bool all)
{
	List	   *queue = list_make1(node);

	graph->searches++;
	for (int i = 0; i < list_length(queue); i++)
	{
		PlanNode   *one = list_nth(queue, i);

		if (says_after(one, other) || (all && one == other))
			return true;
		foreach_ptr(const PlanEdge, edge, one->needs)
		{
			if ((all || edge->kind == EDGE_AFTER) && edge->node->visited != graph->searches)
			{
				edge->node->visited = graph->searches;
				queue = lappend(queue, edge->node);
			}
		}
	}
	return false;
}

/* Returns whether an edge yields to all others: it only keeps rows, or a rule, until other steps have them */
static bool
is_soft(const PlanEdge *edge)
{
	return edge->kind == EDGE_TAKES || edge->kind == EDGE_TURN || edge->kind == EDGE_REPLACES;
}

/*
 * Removes implied edges that contradict `after`, through other steps, and soft
 * ones; returns the nodes that become ready
 */
static List *
give_way(PlanGraph *graph)
{
	List	   *ready = NIL;

	for (int i = graph->first_left; i < graph->n; i++)
	{
		PlanNode   *node = &graph->nodes[i];
		List	   *kept = NIL;

		if (node->placed)
			continue;
		foreach_ptr(PlanEdge, edge, node->needs)
		{
			if (edge->kind == EDGE_AFTER || edge->node->placed || !is_behind(graph, edge->node, node, is_soft(edge)))
			{
				kept = lappend(kept, edge);
				continue;
			}
			if (remove_edge(node, edge))
				ready = lappend(ready, node);
		}
		node->needs = kept;
	}
	return ready;
}

/* Returns the reach of a node; of nodes that need each other it may be less */
static int
find_reach(PlanGraph *graph, PlanNode *node)
{
	check_stack_depth();
	if (node->visited == graph->searches)
		return node->reach;
	node->visited = graph->searches;
	node->reach = node->place;
	if (plan_step_is_in_order(node->step) && node > graph->nodes)
		node->reach = Max(node->reach, find_reach(graph, node - 1));
	foreach_ptr(const PlanEdge, edge, node->needs)
	{
		node->reach = Max(node->reach, find_reach(graph, edge->node));
	}
	return node->reach;
}

static int
compare_reaches(const void *a, const void *b)
{
	return (*(PlanNode *const *) a)->reach - (*(PlanNode *const *) b)->reach;
}

/* Sorts the nodes by reach */
static void
find_holders(PlanGraph *graph)
{
	int			n = 0;

	graph->holders = palloc0(sizeof(PlanNode *) * (graph->n + 1));
	graph->statements = palloc0(sizeof(PlanNode *) * (graph->n + 1));
	graph->searches++;
	for (int i = 0; i < graph->n; i++)
	{
		find_reach(graph, &graph->nodes[i]);
		graph->holders[i] = &graph->nodes[i];
	}
	qsort(graph->holders, graph->n, sizeof(PlanNode *), compare_reaches);
	for (int i = 0; i < graph->n; i++)
	{
		if (graph->holders[i]->step->kind == STEP_STATEMENT)
			graph->statements[n++] = graph->holders[i];
	}
}

/*
 * Returns whether a node that is ready does not have its turn: a statement that
 * it follows has no round yet, or a node before it waits, for others before it,
 * and one of the two is a statement, of which nobody knows what it is about.
 */
static bool
is_held(PlanGraph *graph, const PlanNode *node)
{
	PlanNode ***first = node->step->kind == STEP_STATEMENT ? &graph->holders : &graph->statements;

	while (**first && (**first)->placed)
		(*first)++;
	if (node->released || plan_step_is_in_order(node->step))
		return false;
	return node->turns > 0 || (**first && (**first)->reach < node->place);
}

/*
 * Places what is ready, in its order: a statement that follows one of them begins a round of
 * its own, and so do not others pass it.  Returns what is ready then.
 */
static List *
place_in_turn(PlanGraph *graph, List *ready)
{
	List	   *round = NIL;
	List	   *next = NIL;
	List	   *left = NIL;

	foreach_ptr(PlanNode, node, ready)
	{
		if (node->turns > 0 && round)
		{
			next = list_concat(next, place(graph, round));
			round = NIL;
		}
		if (is_held(graph, node))
		{
			left = lappend(left, node);
			continue;
		}
		node->placed = true;
		round = lappend(round, node);
	}
	if (round)
		next = list_concat(next, place(graph, round));
	if (list_length(left) < list_length(ready))
		return list_concat(next, left);

	/* what holds them up gets a later round */
	next = give_way(graph);
	foreach_ptr(const PlanNode, node, left)
	{
		if (next || !is_held(graph, node))
			return list_concat(next, left);
	}
	((PlanNode *) linitial(left))->released = true;
	return left;
}

static void
make_rounds(PlanGraph *graph)
{
	List	   *ready = NIL;

	find_holders(graph);
	for (int i = 0; i < graph->n; i++)
	{
		if (graph->nodes[i].waits == 0 && !plan_step_is_in_order(graph->nodes[i].step))
			ready = lappend(ready, &graph->nodes[i]);
	}
	for (;;)
	{
		ready = next_round(graph, ready);
		if (ready == NIL && graph->first_left < graph->n)
			ready = give_way(graph);
		if (ready == NIL)
			break;
		ready = place_in_turn(graph, ready);
	}
	for (int i = graph->first_left; i < graph->n; i++)
	{
		if (!graph->nodes[i].placed)
			graph->circle = lappend(graph->circle, graph->nodes[i].step);
	}
}

PlanGraph *
plan_graph(List *steps)
{
	PlanGraph  *graph = palloc0(sizeof(PlanGraph));
	HASHCTL		control = {.keysize = sizeof(((Bucket *) NULL)->key),.entrysize = sizeof(Bucket),.hcxt = CurrentMemoryContext};

	graph->nodes = palloc0(sizeof(PlanNode) * Max(list_length(steps), 1));
	foreach_ptr(PlanStep, step, steps)
	{
		graph->nodes[graph->n].step = step;
		graph->nodes[graph->n].place = graph->n;
		graph->n++;
	}
	qsort(graph->nodes, graph->n, sizeof(PlanNode), compare_node_numbers);
	graph->buckets = hash_create("schemaguard plan order", 256, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	fill_buckets(graph);
	add_said_edges(graph);
	imply_edges(graph);
	imply_reads(graph);
	imply_turns(graph);
	hash_destroy(graph->buckets);
	make_rounds(graph);
	return graph;
}

/* ---- circles ---- */

static const char *
edge_reason(PlanEdgeKind kind)
{
	switch (kind)
	{
		case EDGE_AFTER:
			return "its \"after\" says so";
		case EDGE_OBJECT:
			return "it is about what that step makes or renames";
		case EDGE_NAME:
			return "it gives the name that that step takes away, or adds what that step drops";
		case EDGE_REPLACES:
			return "it drops what that step may replace";
		case EDGE_READS:
			return "it drops or renames what that step is about or reads";
		case EDGE_TAKES:
			return "it deletes, overwrites or takes away rows that that step carries elsewhere";
		case EDGE_TURN:
			return "it was added behind that step, and one of the two deletes or overwrites rows of the other's table";
		case EDGE_CONTRACT:
			return "it drops the column that the key of that step takes its values from";
	}
	pg_unreachable();
}

/* Returns a step of the cycle that this one waits for, and why */
static PlanNode *
next_in_circle(const PlanGraph *graph, const PlanNode *node, PlanEdgeKind *why)
{
	*why = EDGE_AFTER;
	if (plan_step_is_in_order(node->step))
		return &graph->nodes[graph->first_left];
	foreach_ptr(const PlanEdge, edge, node->needs)
	{
		*why = edge->kind;
		if (!edge->node->placed)
			return edge->node;
	}
	pg_unreachable();
}

/*
 * Describes a cycle of steps by its edges, with the numbers of its steps and a
 * statement that breaks it, about steps below `first_new` only, because an
 * error undoes those that were added with it.
 */
static char *
circle_text(PlanGraph *graph, int first_new, char **numbers, char **hint)
{
	PlanNode   *node = find_node(graph, ((PlanStep *) linitial(graph->circle))->step);
	char	   *plan = quote_literal_cstr(node->step->plan);
	PlanEdgeKind why;
	StringInfoData text;
	StringInfoData list;
	StringInfoData said;		/* numbers of steps whose `after` is part of
								 * the cycle */
	int			old = 0;		/* a step that existed before, or 0 */

	/* after so many steps the walk is in the cycle */
	for (int i = 0; i < list_length(graph->circle); i++)
		node = next_in_circle(graph, node, &why);
	initStringInfo(&text);
	initStringInfo(&list);
	initStringInfo(&said);
	for (const PlanNode *start = node; text.len == 0 || node != start;)
	{
		PlanNode   *next = next_in_circle(graph, node, &why);
		int			step = node->step->step;

		appendStringInfo(&text, "%sStep %d, %s, comes behind step %d: %s.", text.len ? " " : "",
						 step, plan_step_object(node->step), next->step->step, edge_reason(why));
		appendStringInfo(&list, "%s%d", list.len ? ", " : "", step);
		if (step < first_new)
		{
			old = step;
			if (why == EDGE_AFTER)
				appendStringInfo(&said, "%s%d", said.len ? ", " : "", step);
		}
		node = next;
	}
	*numbers = list.data;
	if (said.len)
		*hint = psprintf(sg_calls("Take the circle apart: what \"after\" says goes before what follows from the objects of steps. To take it away:\n"
								  "SELECT sg_plan_set(%s, '{%s}', '{\"after\": null}');"), plan, said.data);
	else if (old)
		*hint = psprintf(sg_calls("No plan can hold all of these changes: put one of them into a plan of its own. To see what step %d does:\n"
								  "SELECT * FROM sg_plan_explain(%s, %d);"), old, plan, old);
	else
		*hint = pstrdup("Nothing was added. No plan can hold all of these changes: put one of them into a plan of its own.");
	return text.data;
}

pg_noreturn static void
circle_error(PlanGraph *graph, int first_new)
{
	char	   *numbers;
	char	   *hint;
	char	   *edges = circle_text(graph, first_new, &numbers, &hint);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("steps of the plan need each other: %s", numbers),
			 errdetail("%s", edges),
			 errhint("%s", hint)));
}

char *
plan_circle(PlanGraph *graph, char **hint)
{
	char	   *numbers;

	return graph->circle ? circle_text(graph, INT_MAX, &numbers, hint) : NULL;
}

List *
plan_rounds(PlanGraph *graph)
{
	if (graph->circle)
		circle_error(graph, INT_MAX);
	return graph->rounds;
}

/* Raises 42704 for a name in the step's `after` that no other step has */
static void
check_names(const PlanGraph *graph, const PlanNode *node)
{
	SgNearest	nearest = {node->unknown};

	if (node->unknown == NULL)
		return;
	for (int i = 0; i < graph->n; i++)
	{
		if (graph->nodes[i].step->fk_name && &graph->nodes[i] != node)
			sg_nearest_try(&nearest, graph->nodes[i].step->fk_name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("plan \"%s\" has no other step \"%s\", after which step %d is to come", node->step->plan, node->unknown,
					node->step->step),
			 nearest.found ? errhint("Perhaps you meant \"%s\".", nearest.found) :
			 errhint("\"after\" has names or numbers of steps that were added before, or * for all of them.")));
}

/*
 * Returns whether the step's kind is needed only by renames and drops of its
 * own tables, and by steps that name it in `after`
 */
static bool
is_rarely_needed(const PlanStep *step)
{
	if (step->kind == STEP_CHECK)
	{
		foreach_ptr(const PlanRead, read, plan_reads_list(plan_reads(step)))
		{
			if (strcmp(read->name, sg_parse_table_name(step->child_table).name) != 0)
				return false;
		}
		return true;
	}
	return step->kind == STEP_INDEX || (step->kind == STEP_FOREIGN_KEY && step->backfill == NULL && step->fill == NULL);
}

/*
 * Returns whether this step can make the order of the plan wrong.  Without
 * `after`, and without new names, the objects of steps imply no cycle; nor is a
 * step that no other one needs part of one.
 */
static bool
may_be_wrong(const char *plan, const PlanStep *step)
{
	if (plan_step_is_in_order(step) || !(step->after || step->kind == STEP_RENAME || plan_has_own_order(plan)))
		return false;
	return step->after || !is_rarely_needed(step) || plan_may_need_step(step);
}

void
plan_check_order(const char *plan, List *changed, int first_new)
{
	PlanGraph  *graph = NULL;

	foreach_ptr(const PlanStep, step, changed)
	{
		PlanNode   *node;

		if (graph == NULL && !may_be_wrong(plan, step))
			continue;
		if (graph == NULL)
			graph = plan_graph(plan_steps(plan));
		node = find_node(graph, step->step);
		if (node == NULL)
			continue;
		check_names(graph, node);
		if (!node->placed)
			circle_error(graph, first_new);
	}
}

/* ---- waiting steps ---- */

bool
plan_step_is_done(const PlanStep *step)
{
	if (step->skipped_by)
		return step->skip_done;
	return step->state == STEP_VALIDATED ||
		(step->state == STEP_ADDED && (!step->enforced || step->orphans == ORPHANS_LEAVE));
}

bool
plan_step_is_ahead(const PlanStep *step)
{
	return !step->skipped_by && !plan_step_is_done(step);
}

/* Number of needed steps that are named */
#define MOST_NAMED 3

/* Adds a step to the list of steps that are waited for; returns false if the list is long enough */
static bool
name_step(StringInfo text, int *n, const PlanStep *step)
{
	if (++*n > MOST_NAMED)
	{
		appendStringInfoString(text, ", ...");
		return false;
	}
	appendStringInfo(text, "%s step %d, %s", *n > 1 ? "," : "waits for", step->step, plan_step_object(step));
	if (step->phase || step->state != STEP_PENDING)
		appendStringInfo(text, " (%s)", step->phase ? psprintf("phase %s", step->phase) : plan_state_word(step->state));
	return true;
}

/* Names the needed steps, all those with a lower number */
static void
name_lower(PlanGraph *graph, const PlanNode *node, StringInfo text)
{
	int			n = 0;

	while (graph->first_undone < graph->n && plan_step_is_done(graph->nodes[graph->first_undone].step))
		graph->first_undone++;
	for (int i = graph->first_undone; i < graph->n && &graph->nodes[i] < node; i++)
	{
		if (!plan_step_is_done(graph->nodes[i].step) && !name_step(text, &n, graph->nodes[i].step))
			break;
	}
}

char *
plan_waits_for(PlanGraph *graph, int number)
{
	PlanNode   *node = find_node(graph, number);
	StringInfoData text;
	List	   *named = NIL;
	int			n = 0;

	if (node == NULL || goes_on_anyway(node->step))
		return NULL;
	initStringInfo(&text);
	if (plan_step_is_in_order(node->step))
		name_lower(graph, node, &text);
	if (node->unknown)
		return psprintf("waits for \"%s\", which is no step of the plan", node->unknown);
	foreach_ptr(const PlanEdge, edge, node->needs)
	{
		/* a statement that is left out does not have its turn any more */
		if (plan_step_is_done(edge->needed) || (edge->kind == EDGE_TURN && edge->needed->skipped_by) ||
			list_member_ptr(named, edge->needed))
			continue;
		named = lappend(named, edge->needed);
		if (!name_step(&text, &n, edge->needed))
			break;
	}
	return text.len ? text.data : NULL;
}

void
plan_graph_refresh(PlanGraph *graph, const char *plan, List *steps)
{
	foreach_ptr(const PlanStep, now, plan_steps_again(plan, steps))
	{
		PlanNode   *node = find_node(graph, now->step);

		if (node == NULL)
			continue;
		node->step->state = now->state;
		if (!sg_same_text(node->step->phase, now->phase))
			node->step->phase = now->phase ? MemoryContextStrdup(GetMemoryChunkContext(graph), now->phase) : NULL;
		if (!plan_step_is_done(node->step))
			graph->first_undone = Min(graph->first_undone, (int) (node - graph->nodes));
	}
}

List *
plan_needs(const PlanGraph *graph, int number)
{
	const PlanNode *node = find_node(graph, number);

	return node ? node->needs : NIL;
}

List *
plan_with_waited_for(PlanGraph *graph, const List *numbers)
{
	List	   *all = list_copy(numbers);

	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(all); i++)
	{
		const PlanNode *node = find_node(graph, list_nth_int(all, i));

		foreach_ptr(const PlanEdge, edge, node ? node->needs : NIL)
		{
			if (plan_step_is_ahead(edge->needed))
				all = list_append_unique_int(all, edge->needed->step);
		}
		for (int n = 0; node && plan_step_is_in_order(node->step) && &graph->nodes[n] < node; n++)
		{
			if (!plan_step_is_done(graph->nodes[n].step))
				all = list_append_unique_int(all, graph->nodes[n].step->step);
		}
	}
	list_sort(all, list_int_cmp);
	return all;
}

const PlanStep *
plan_freer(const PlanGraph *graph, int number)
{
	const PlanNode *node = find_node(graph, number);

	return node && node->freer ? node->freer->step : NULL;
}

List *
plan_keys_with_needs(PlanGraph *graph, List *steps)
{
	List	   *queue = NIL;
	List	   *kept = NIL;
	int			number = ++graph->searches;

	foreach_ptr(PlanStep, step, plan_only_keys(steps))
	{
		queue = lappend(queue, find_node(graph, step->step));
		((PlanNode *) llast(queue))->visited = number;
	}
	if (list_length(queue) == list_length(steps))
		return steps;

	/* by number: the queue grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		PlanNode   *node = list_nth(queue, i);

		for (int j = 0; plan_step_is_in_order(node->step) && &graph->nodes[j] < node; j++)
		{
			if (graph->nodes[j].visited != number)
				queue = lappend(queue, &graph->nodes[j]);
			graph->nodes[j].visited = number;
		}
		foreach_ptr(const PlanEdge, edge, node->needs)
		{
			if (edge->node->visited != number)
				queue = lappend(queue, edge->node);
			edge->node->visited = number;
		}
	}
	foreach_ptr(PlanStep, step, steps)
	{
		if (find_node(graph, step->step)->visited == number)
			kept = lappend(kept, step);
	}
	return kept;
}
