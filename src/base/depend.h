/*-------------------------------------------------------------------------
 *
 * depend.h
 *	  Objects that depend on an object, by pg_depend, and objects that a
 *	  drop takes along.
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
	ObjectAddress object;		/* the other object */
	char		type;			/* pg_depend.deptype */
} SgDependency;

/* Returns the dependents of an object (SgDependency *), or the objects that it depends on */
extern List *sg_dependencies(const ObjectAddress *object, bool dependents);

/* Returns whether an object is the whole, or one of its columns */
extern bool sg_depend_covers(const ObjectAddress *whole, const ObjectAddress *object);

/*
 * Returns the object that must be dropped for one that depends on `from`:
 * itself, or the whole that it is a part of
 */
extern ObjectAddress sg_depend_whole(ObjectAddress object, const ObjectAddress *from);

/*
 * Returns the objects that are dropped with some objects (ObjectAddress *),
 * these first; without `cascade`, by a drop with RESTRICT
 */
extern List *sg_dropped_with(List *roots, bool cascade);

/* Returns the objects (ObjectAddress *) that a role owns in this database, except default privileges */
extern List *sg_owned_by(Oid role);

#endif							/* SG_DEPEND_H */
