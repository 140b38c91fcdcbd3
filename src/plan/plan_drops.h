/*-------------------------------------------------------------------------
 *
 * plan_drops.h
 *	  What a step drops.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_DROPS_H
#define SG_PLAN_DROPS_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"

#include "plan/plan.h"

/*
 * Returns what a step drops, as steps (of PlanStep *) of kind drop with its number:
 * itself, or each relation and column that its statements drop, and keep nothing
 * of, by their names, and as they go along with a type, a role or another object.  A function that they drop is one of kind statement with the name of the
 * function as its table.  NIL for steps of other kinds.
 */
extern List *plan_drops(const PlanStep *step);

/* Rows of a table, or the values of a column, of which no copy is kept */
typedef struct PlanGone
{
	Oid			table;
	char	   *column;			/* NULL: all rows */
	char	   *attribute;		/* of the column's composite type, alone; or
								 * NULL */
	bool		converted;		/* the values are computed anew */
	char	   *changed;		/* condition: the values that another type
								 * changes; NULL: all */
	Node	   *value;			/* what it computes; NULL: no code of
								 * anybody's */
} PlanGone;

/*
 * Returns the rows and values (of PlanGone *) that go with what a statement drops as
 * things are now, also by dependencies: those of a table once, with those of tables
 * that inherit from it.  Locks nothing, and raises nothing about names.
 */
extern List *plan_gone(Node *statement);

/*
 * Returns the function, operator, operator class or family, collation or configuration
 * that DROP names with its schema, as one of a kind; without an OID where it is none, or
 * not there.  Expressions, keys of partitions and columns depend on such.  Raises nothing
 * about names.
 */
extern ObjectAddress plan_dropped_code(ObjectType type, Node *object);

/* Is it a table, whose rows go with it, and not a view, a foreign table or a materialized view? */
extern bool plan_has_rows(Oid relid);

/* Returns the qualified names (of char *) of the relations that a step of kind table or statement makes */
extern List *plan_makes(const PlanStep *step);

/* Does a step drop anything so? */
extern bool plan_step_drops(const PlanStep *step);

#endif							/* SG_PLAN_DROPS_H */
