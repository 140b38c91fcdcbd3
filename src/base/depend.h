/*-------------------------------------------------------------------------
 *
 * depend.h
 *	  What depends on an object, by pg_depend, and what a drop takes along.
 *
 * The rules are those of core's dependency.c, without its locks: an object that
 * is an internal part of another, such as a view's rule, or a member of an
 * extension, is not dropped by itself; the whole is, and takes the part along.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPEND_H
#define SG_DEPEND_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

typedef struct SgDependency
{
	ObjectAddress object;		/* the other one */
	char		type;			/* of pg_depend.deptype */
} SgDependency;

/* Returns the objects that depend on one (of SgDependency *), or that it depends on */
extern List *sg_dependencies(const ObjectAddress *object, bool dependents);

/* Is it the object, or one of its columns? */
extern bool sg_depend_covers(const ObjectAddress *whole, const ObjectAddress *object);

/* Returns the object that has to be dropped if one that depends on `from` is to go: itself, or the whole that it is a part of */
extern ObjectAddress sg_depend_whole(ObjectAddress object, const ObjectAddress *from);

/* Returns what goes with some objects (of ObjectAddress *), these first; without `cascade`, what a drop with RESTRICT takes */
extern List *sg_dropped_with(List *roots, bool cascade);

/* Returns the objects (of ObjectAddress *) that a role owns in this database, but for default privileges */
extern List *sg_owned_by(Oid role);

#endif							/* SG_DEPEND_H */
