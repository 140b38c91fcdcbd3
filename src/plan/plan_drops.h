/*-------------------------------------------------------------------------
 *
 * plan_drops.h
 *	  Objects that a step drops.
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
 * Returns the objects that a step drops, as steps (PlanStep *) of kind drop
 * with its number: itself, or each relation and column that its statements drop
 * without keeping a copy, by their names, and as they go along with a type, a
 * role or another object.  A dropped function is a step of kind statement with
 * the name of the function as its table.  NIL for steps of other kinds.
 */
extern List *plan_drops(const PlanStep *step);

/* Returns the constraints and indexes that a step's statements drop by their names, as such steps */
extern List *plan_drops_rules(const PlanStep *step);

/* Rows of a table, or the values of a column, that are lost without a copy */
typedef struct PlanGone
{
	Oid			table;
	char	   *column;			/* NULL: all rows */
	char	   *attribute;		/* attribute of the column's composite type,
								 * if only that is lost; or NULL */
	bool		converted;		/* the values are converted */
	char	   *changed;		/* condition for the values that another type
								 * changes; NULL: all */
	Node	   *value;			/* the computing expression; NULL: no users'
								 * code */
} PlanGone;

/*
 * Returns the rows and values (PlanGone *) that would be lost now with a
 * statement's drops, also by dependencies: those of a table once, with those of
 * inheriting tables.  Locks nothing, and raises nothing about names.
 */
extern List *plan_gone(Node *statement);

/*
 * Returns the objects (ObjectAddress *) that a statement drops by their names,
 * those of DROP OWNED, and columns and constraints of ALTER TABLE, at present,
 * without those that go with them; sets whether CASCADE takes more along.
 */
extern List *plan_drop_roots(Node *statement, bool *cascade);

/*
 * Returns the function, operator, operator class or family, collation or
 * configuration that DROP names with its schema; objectId InvalidOid for
 * another object, or a missing one.  Expressions, partition keys and columns
 * depend on such.  Raises nothing about names.
 */
extern ObjectAddress plan_dropped_code(ObjectType type, Node *object);

/*
 * Returns whether a relation is a table, whose rows are lost with it, and not a
 * view, a foreign table or a materialized view
 */
extern bool plan_has_rows(Oid relid);

/* Returns the qualified names (char *) of the relations that a step of kind table or statement creates */
extern List *plan_makes(const PlanStep *step);

/* Returns whether plan_drops() has anything for a step */
extern bool plan_step_drops(const PlanStep *step);

#endif							/* SG_PLAN_DROPS_H */
