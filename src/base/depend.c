/*-------------------------------------------------------------------------
 *
 * depend.c
 *	  Objects that depend on an object, by pg_depend, and objects that a drop
 *	  takes along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_shdepend.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"

List *
sg_dependencies(const ObjectAddress *object, bool dependents)
{
	SgCatalog	depend;
	HeapTuple	tuple;
	List	   *found = NIL;

	sg_catalog_begin_depend(&depend, dependents, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		SgDependency *dependency = palloc(sizeof(SgDependency));

		if (dependents)
			ObjectAddressSubSet(dependency->object, form->classid, form->objid, form->objsubid);
		else
			ObjectAddressSubSet(dependency->object, form->refclassid, form->refobjid, form->refobjsubid);
		dependency->type = form->deptype;
		found = lappend(found, dependency);
	}

	return found;
}

bool
sg_depend_covers(const ObjectAddress *whole, const ObjectAddress *object)
{
	return whole->classId == object->classId && whole->objectId == object->objectId &&
		(whole->objectSubId == 0 || whole->objectSubId == object->objectSubId);
}

ObjectAddress
sg_depend_whole(ObjectAddress object, const ObjectAddress *from)
{
	/*
	 * an owner may be a part itself; bounded, because a corrupt catalog may
	 * have cycles
	 */
	for (int i = 0; i < 100; i++)
	{
		const ObjectAddress *owner = NULL;

		foreach_ptr(SgDependency, dependency, sg_dependencies(&object, false))
		{
			if (dependency->type != DEPENDENCY_INTERNAL && dependency->type != DEPENDENCY_EXTENSION)
				continue;
			if (sg_depend_covers(from, &dependency->object))
				return object;
			owner = &dependency->object;
		}
		if (owner == NULL)
			break;
		object = *owner;
	}
	return object;
}

/* Appends an object, unless the list has it */
static List *
add_dropped(List *dropped, HTAB *seen, const ObjectAddress *object)
{
	ObjectAddress *entry;
	bool		found;

	(void) hash_search(seen, object, HASH_ENTER, &found);
	if (found)
		return dropped;
	entry = palloc(sizeof(ObjectAddress));
	*entry = *object;
	return lappend(dropped, entry);
}

List *
sg_dropped_with(List *roots, bool cascade)
{
	HASHCTL		ctl = {.keysize = sizeof(ObjectAddress),.entrysize = sizeof(ObjectAddress),.hcxt = CurrentMemoryContext};
	HTAB	   *seen = hash_create("schemaguard dropped", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	List	   *dropped = NIL;

	foreach_ptr(const ObjectAddress, root, roots)
	{
		dropped = add_dropped(dropped, seen, root);
	}
	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(dropped); i++)
	{
		const ObjectAddress *object = list_nth(dropped, i);

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(const SgDependency, dependency, sg_dependencies(object, true))
		{
			ObjectAddress whole;

			if ((dependency->type == DEPENDENCY_NORMAL && !cascade) || sg_depend_covers(object, &dependency->object))
				continue;
			whole = sg_depend_whole(dependency->object, object);
			if (!sg_depend_covers(object, &whole))
				dropped = add_dropped(dropped, seen, &whole);
		}
	}
	hash_destroy(seen);
	return dropped;
}

List *
sg_owned_by(Oid role)
{
	Relation	rel = table_open(SharedDependRelationId, AccessShareLock);
	List	   *objects = NIL;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&key[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, SharedDependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);
		ObjectAddress *object;

		if (form->dbid != MyDatabaseId || form->deptype != SHARED_DEPENDENCY_OWNER || form->classid == DefaultAclRelationId)
			continue;
		object = palloc(sizeof(ObjectAddress));
		ObjectAddressSubSet(*object, form->classid, form->objid, form->objsubid);
		objects = lappend(objects, object);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return objects;
}
