/*-------------------------------------------------------------------------
 *
 * impact.h
 *	  Objects that depend on an object, and the effect of a change or a
 *	  drop on them.
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
	int			number;			/* position in the order of discovery */
	int			depth;			/* distance from the root, which has 0 */
	struct ImpactNode *via;		/* NULL at depth 0 */
	List	   *edges;			/* ImpactEdge * to its dependents */
	bool		automatic;		/* DROP drops it, also without CASCADE */
	bool		mentioned;		/* found in a text, or through such a node:
								 * DROP does not reach it */
	bool		stays;			/* depends, but survives the drop */
	bool		recurses;		/* column that ALTER TABLE itself drops, with
								 * the same column of inheriting tables */
} ImpactNode;

typedef struct ImpactEdge
{
	ImpactNode *to;
	bool		automatic;		/* dependency that does not need CASCADE */
} ImpactEdge;

typedef struct Impact
{
	HTAB	   *nodes;
	List	   *order;			/* ImpactNode *, the root first */
	ImpactNode *root;
	List	   *owners;			/* ObjectAddress *: objects that the root is a
								 * part of, so that it can't be dropped alone */
} Impact;

/* Registers with the plans' room, whose steps ask what depends on the objects that they rename or drop */
extern void impact_init(void);

/* ---- impact_name.c ---- */

/*
 * Returns the object that a text names: [schema.]table, [schema.]table.column,
 * [schema.]type, [schema.]function(types); a leading word (table, column, type,
 * function) says the kind.  Raises 42602 or 42622 for an invalid name, 42P01,
 * 42703, 42704 or 42883 for one that does not exist, 42725 or 42P09 for an
 * ambiguous one.  Takes no lock.
 */
extern ObjectAddress impact_find(const char *input);

/* ---- impact_graph.c ---- */

/* Returns the graph of what depends on the root, directly or through others */
extern Impact *impact_build(const ObjectAddress *root);

/*
 * Adds a node for an object that a text mentions, and nodes for its dependents;
 * returns NULL if the graph has the object already.
 */
extern ImpactNode *impact_add_mentioned(Impact *impact, const ObjectAddress *address, ImpactNode *via);

/*
 * Returns whether a node is part of another object that represents it, such as
 * a row type or a TOAST table
 */
extern bool impact_is_internal(const ImpactNode *node);

/* ---- impact_body.c ---- */

/*
 * Adds the functions whose bodies (stored as text) name an object of the graph,
 * and their dependents, until nothing is new.
 */
extern void impact_read_bodies(Impact *impact);

/* ---- impact_text.c ---- */

extern const char *impact_kind(const ObjectAddress *address);
extern const char *impact_on_change(const Impact *impact, const ImpactNode *node);
extern const char *impact_on_drop(const Impact *impact, const ImpactNode *node);

#endif							/* SG_IMPACT_H */
