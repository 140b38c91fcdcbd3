/*-------------------------------------------------------------------------
 *
 * nearest.h
 *	  "Perhaps you meant": the name that is nearest to one that is none.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_NEAREST_H
#define SG_NEAREST_H

#include "postgres.h"

typedef struct SgNearest
{
	const char *wanted;			/* set it, and nothing else */
	char	   *found;			/* the nearest so far, or NULL: none is near */
	int			distance;
} SgNearest;

/* Takes an existing name as the nearest if it is nearer than the one so far */
extern void sg_nearest_try(SgNearest *nearest, const char *name);

/* A column of the table, or NULL */
extern char *sg_nearest_column(Oid relid, const char *name);

/* Returns a hint for a name that holds commas, as a list given in one text does; or NULL */
extern char *sg_several_names(const char *name);

/* A schema that is no system schema, or NULL */
extern char *sg_nearest_schema(const char *name);

/*
 * A table, qualified and quoted, or NULL: of nearly the same name in the same
 * schema, or of the same name in another one.  A schema that does not exist
 * stands for the nearest one.  Reads all of pg_class.
 */
extern char *sg_nearest_table(const char *qualified);

/* Returns the nearest relation likewise, of those whose relkind is among the letters */
#define SG_TABLE_KINDS "rp"
extern char *sg_nearest_relation(const char *qualified, const char *kinds);

/* A constraint, trigger or index of a table, by the OID of its catalog, or NULL */
extern char *sg_nearest_part(Oid relid, Oid catalog, const char *name);

/* The table that is meant by a name without the quotes that it needs, qualified and quoted, or NULL */
extern char *sg_unquoted_table(const char *input);

/* A role; 42704, with the nearest one, if there is none of that name */
extern Oid	sg_role_by_name(const char *name);

#endif							/* SG_NEAREST_H */
