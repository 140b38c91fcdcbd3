/*-------------------------------------------------------------------------
 *
 * oidlist.h
 *	  Lists that are found by an OID, such as the keys of each table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_OIDLIST_H
#define SG_OIDLIST_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct SgOidLists SgOidLists;

/* Returns an empty set of lists, in the current memory context */
extern SgOidLists *sg_lists_create(void);

/* Frees the index of the lists, not the lists themselves */
extern void sg_lists_free(SgOidLists *lists);

/* Adds an item at the end of the list of an OID; items are kept, not copied */
extern void sg_lists_add(SgOidLists *lists, Oid oid, void *item);

/* Returns the list of an OID; NIL if it is empty, or if lists is NULL */
extern List *sg_lists_of(const SgOidLists *lists, Oid oid);

#endif							/* SG_OIDLIST_H */
