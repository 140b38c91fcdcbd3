/*-------------------------------------------------------------------------
 *
 * oidlist.c
 *	  Hash table of lists by an OID, such as the keys of each table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/hsearch.h"

#include "base/oidlist.h"

struct SgOidLists
{
	HTAB	   *table;			/* of OidList */
	MemoryContext context;
};

typedef struct OidList
{
	Oid			oid;
	List	   *items;
} OidList;

SgOidLists *
sg_lists_create(void)
{
	SgOidLists *lists = palloc(sizeof(SgOidLists));
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(OidList),.hcxt = CurrentMemoryContext};

	lists->table = hash_create("schemaguard lists", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	lists->context = CurrentMemoryContext;
	return lists;
}

void
sg_lists_free(SgOidLists *lists)
{
	hash_destroy(lists->table);
	pfree(lists);
}

void
sg_lists_add(SgOidLists *lists, Oid oid, void *item)
{
	MemoryContext before = MemoryContextSwitchTo(lists->context);
	bool		found;
	OidList    *list = hash_search(lists->table, &oid, HASH_ENTER, &found);

	list->items = found ? lappend(list->items, item) : list_make1(item);
	MemoryContextSwitchTo(before);
}

List *
sg_lists_of(const SgOidLists *lists, Oid oid)
{
	const OidList *list = lists ? hash_search(lists->table, &oid, HASH_FIND, NULL) : NULL;

	return list ? list->items : NIL;
}
