/*-------------------------------------------------------------------------
 *
 * impact.h
 *	  What depends on an object, and what a change or a drop would do to it.
 *
 * The nodes are what DROP ... CASCADE would reach, found in pg_depend as
 * PostgreSQL itself finds it, but without a lock, and what texts mention.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_IMPACT_H
#define SG_IMPACT_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

typedef struct ImpactNode
{
	ObjectAddress address;		/* key of the hash table */
	int			number;			/* in the order in which they were found */
	int			depth;			/* 0: the object that was asked about */
	struct ImpactNode *via;		/* NULL at depth 0 */
	List	   *edges;			/* of ImpactEdge *, to what depends on it */
	bool		automatic;		/* DROP takes it along, also without CASCADE */
	bool		mentioned;		/* found in a text, or through something found
								 * in a text: DROP does not reach it */
	bool		stays;			/* depends, and outlives the drop */
	bool		recurses;		/* a column that ALTER TABLE itself drops:
								 * that of the tables that inherit it goes,
								 * too */
} ImpactNode;

typedef struct ImpactEdge
{
	ImpactNode *to;
	bool		automatic;		/* not of the kind that needs CASCADE */
} ImpactEdge;

typedef struct Impact
{
	HTAB	   *nodes;
	List	   *order;			/* of ImpactNode *, the root first */
	ImpactNode *root;
	List	   *owners;			/* of ObjectAddress *: what the root is a part
								 * of, so that it can't be dropped by itself */
} Impact;

/* Tells the steps of plans what depends on what they rename or drop */
extern void impact_init(void);

/* ---- impact_name.c ---- */

/*
 * The object that a text names: [schema.]table, [schema.]table.column,
 * [schema.]type, [schema.]function(types); a word in front (table, column,
 * type, function) says which is meant.  Raises 42602 or 42622 for what is no
 * name, 42P01, 42703, 42704 or 42883 for what does not exist, 42725 or 42P09
 * for what could be several.  No lock is taken.
 */
extern ObjectAddress impact_find(const char *input);

/* ---- impact_graph.c ---- */

/* Returns the graph of what depends on the root, directly or through others */
extern Impact *impact_build(const ObjectAddress *root);

/*
 * A node for what a text mentions, and what depends on that; NULL when the
 * object is in the graph already.
 */
extern ImpactNode *impact_add_mentioned(Impact *impact, const ObjectAddress *address, ImpactNode *via);

/* Part of another object, which stands for it: a row type, a toast table */
extern bool impact_is_internal(const ImpactNode *node);

/* ---- impact_body.c ---- */

/*
 * Add the functions whose bodies, kept as text, name something of the graph,
 * and what depends on them, and so on.
 */
extern void impact_read_bodies(Impact *impact);

/* ---- impact_text.c ---- */

extern const char *impact_kind(const ObjectAddress *address);
extern const char *impact_on_change(const Impact *impact, const ImpactNode *node);
extern const char *impact_on_drop(const Impact *impact, const ImpactNode *node);

#endif							/* SG_IMPACT_H */
