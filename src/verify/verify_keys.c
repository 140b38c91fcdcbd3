/*-------------------------------------------------------------------------
 *
 * verify_keys.c
 *	  Every key of the database, found by the tables that it joins.
 *
 * Each of a key's tests asks for the keys of a few tables: going through all
 * keys each time would make a thousand keys cost a million looks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/oidlist.h"
#include "fk/fk.h"
#include "verify/verify_keys.h"

struct VerifyKeys
{
	SgOidLists *by_child;
	SgOidLists *by_parent;
	SgOidLists *by_tree;		/* keys by the root of the parent's partition
								 * tree */
};

VerifyKeys *
verify_keys(List *declared)
{
	VerifyKeys *keys = palloc(sizeof(VerifyKeys));

	keys->by_child = sg_lists_create();
	keys->by_parent = sg_lists_create();
	keys->by_tree = sg_lists_create();
	foreach_ptr(FkKey, key, declared)
	{
		sg_lists_add(keys->by_child, key->child, key);
		sg_lists_add(keys->by_parent, key->parent, key);
		sg_lists_add(keys->by_tree, sg_partition_root(key->parent), key);
	}
	return keys;
}

static List *
still_declared(List *keys)
{
	List	   *still = NIL;

	foreach_ptr(FkKey, key, keys)
	{
		if (SearchSysCacheExists1(CONSTROID, ObjectIdGetDatum(key->conid)))
			still = lappend(still, key);
	}
	return still;
}

List *
verify_keys_of(const VerifyKeys *keys, Oid child)
{
	return still_declared(sg_lists_of(keys->by_child, child));
}

List *
verify_keys_to(const VerifyKeys *keys, Oid parent)
{
	return still_declared(sg_lists_of(keys->by_parent, parent));
}

List *
verify_keys_to_tree(const VerifyKeys *keys, Oid parent)
{
	return still_declared(sg_lists_of(keys->by_tree, sg_partition_root(parent)));
}
