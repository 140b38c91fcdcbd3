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
	const char *wanted;			/* set by the caller; the other members are
								 * zero */
	char	   *found;			/* nearest name so far, or NULL */
	int			distance;
} SgNearest;

/* Takes an existing name as the nearest if it is nearer than the one so far */
extern void sg_nearest_try(SgNearest *nearest, const char *name);

/* Returns the nearest column of the table, or NULL */
extern char *sg_nearest_column(Oid relid, const char *name);

/* Returns a hint for a name that contains commas, like a list in one text; or NULL */
extern char *sg_several_names(const char *name);

/* Returns the nearest schema with USAGE for the current role, system schemas excluded, or NULL */
extern char *sg_nearest_schema(const char *name);

/*
 * Returns the nearest table, qualified and quoted, or NULL: of a similar name
 * in the same schema, or of the same name in another one.  A schema that does
 * not exist stands for the nearest one.  Offers what the current role has USAGE
 * and SELECT on.  Reads all of pg_class.
 */
extern char *sg_nearest_table(const char *qualified);

/* Likewise, of relations whose relkind is among the letters */
#define SG_TABLE_KINDS "rp"
extern char *sg_nearest_relation(const char *qualified, const char *kinds);

/* Returns the nearest constraint, trigger or index of a table, by the OID of its catalog, or NULL */
extern char *sg_nearest_part(Oid relid, Oid catalog, const char *name);

/* Returns the table that a name lacking its quotes means, qualified and quoted, or NULL */
extern char *sg_unquoted_table(const char *input);

/* Returns a role by its name; raises 42704, with the nearest name, if there is none */
extern Oid	sg_role_by_name(const char *name);

#endif							/* SG_NEAREST_H */
