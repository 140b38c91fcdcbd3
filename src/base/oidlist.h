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

/* An empty set of lists, in the current memory context, with which it goes */
extern SgOidLists *sg_lists_create(void);

/* Frees what finds the lists; the lists themselves stay */
extern void sg_lists_free(SgOidLists *lists);

/* Adds an item at the end of the list of an OID; items are kept, not copied */
extern void sg_lists_add(SgOidLists *lists, Oid oid, void *item);

/* The list of an OID; NIL if nothing was added to it, or if there are no lists (NULL) */
extern List *sg_lists_of(const SgOidLists *lists, Oid oid);

#endif							/* SG_OIDLIST_H */
