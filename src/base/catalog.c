/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  The rows of a catalog, by one column; a relation by its OID; what inherits
 *	  from a table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/errors.h"
#include "base/gone.h"

SG_FUNCTION(sg_place);

void
sg_catalog_begin(SgCatalog *catalog, Oid relid, Oid index, AttrNumber column, Oid value,
				 Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	catalog->rel = table_open(relid, AccessShareLock);
	catalog->scan = systable_beginscan(catalog->rel, index, OidIsValid(index), snapshot, 1, &key);
}

void
sg_catalog_begin_all(SgCatalog *catalog, Oid relid)
{
	catalog->rel = table_open(relid, AccessShareLock);
	catalog->scan = systable_beginscan(catalog->rel, InvalidOid, false, NULL, 0, NULL);
}

static void
begin_depend(SgCatalog *catalog, bool dependents, Oid classid, Oid objid, int32 subid, Snapshot snapshot)
{
	ScanKeyData key[3];

	ScanKeyInit(&key[0], dependents ? Anum_pg_depend_refclassid : Anum_pg_depend_classid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(classid));
	ScanKeyInit(&key[1], dependents ? Anum_pg_depend_refobjid : Anum_pg_depend_objid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(objid));
	ScanKeyInit(&key[2], dependents ? Anum_pg_depend_refobjsubid : Anum_pg_depend_objsubid,
				BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(subid));
	catalog->rel = table_open(DependRelationId, AccessShareLock);
	catalog->scan = systable_beginscan(catalog->rel, dependents ? DependReferenceIndexId : DependDependerIndexId,
									   true, snapshot, subid == 0 ? 2 : 3, key);
}

void
sg_catalog_begin_depend(SgCatalog *catalog, bool dependents, Oid classid, Oid objid, int32 subid)
{
	begin_depend(catalog, dependents, classid, objid, subid, NULL);
}

void
sg_catalog_begin_depend_now(SgCatalog *catalog, Oid classid, Oid objid, int32 subid)
{
	begin_depend(catalog, false, classid, objid, subid, SnapshotSelf);
}

HeapTuple
sg_catalog_next(SgCatalog *catalog)
{
	HeapTuple	tuple = systable_getnext(catalog->scan);

	if (!HeapTupleIsValid(tuple))
		sg_catalog_end(catalog);
	return tuple;
}

void
sg_catalog_end(SgCatalog *catalog)
{
	if (catalog->rel == NULL)
		return;
	systable_endscan(catalog->scan);
	table_close(catalog->rel, AccessShareLock);
	catalog->rel = NULL;
}

Relation
sg_relation_open(Oid relid, LOCKMODE mode)
{
	Relation	rel = try_relation_open(relid, mode);

	if (rel == NULL)
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	return rel;
}

Node *
sg_column_default(Oid relid, AttrNumber attnum)
{
	SgCatalog	defaults;
	HeapTuple	tuple;
	bool		isnull;
	Node	   *expression = NULL;

	if (!sg_column(relid, attnum).atthasdef)
		return NULL;
	sg_catalog_begin(&defaults, AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, relid, NULL);
	while (expression == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&defaults)))
	{
		if (((Form_pg_attrdef) GETSTRUCT(tuple))->adnum == attnum)
			expression = stringToNode(TextDatumGetCString(heap_getattr(tuple, Anum_pg_attrdef_adbin,
																	   RelationGetDescr(defaults.rel), &isnull)));
	}
	sg_catalog_end(&defaults);
	if (expression == NULL)
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a default");
	return expression;
}

/* ---- children by inheritance ---- */

bool
sg_has_subclass(Oid relid)
{
	FormData_pg_class class;

	return sg_read_class(relid, &class) && class.relhassubclass;
}

/*
 * Returns whether the relation is a partition with a pending DETACH
 * CONCURRENTLY that the active snapshot sees, too
 */
static bool
is_leaving(HeapTuple inherits)
{
	return ((Form_pg_inherits) GETSTRUCT(inherits))->inhdetachpending &&
		!(ActiveSnapshotSet() && XidInMVCCSnapshot(HeapTupleHeaderGetXmin(inherits->t_data), GetActiveSnapshot()));
}

List *
sg_children(Oid relid)
{
	SgCatalog	inherits;
	HeapTuple	tuple;
	List	   *children = NIL;

	if (!sg_has_subclass(relid))
		return NIL;
	sg_catalog_begin(&inherits, InheritsRelationId, InheritsParentIndexId, Anum_pg_inherits_inhparent, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&inherits)))
	{
		if (!is_leaving(tuple))
			children = lappend_oid(children, ((Form_pg_inherits) GETSTRUCT(tuple))->inhrelid);
	}
	list_sort(children, list_oid_cmp);
	return children;
}

/* Returns the relations with an OID in a pg_class column that has no index of its own */
static List *
relations_with(AttrNumber column, Oid value)
{
	List	   *relids = NIL;
	SgCatalog	all;
	HeapTuple	tuple;

	if (!OidIsValid(value))
		return NIL;
	sg_catalog_begin(&all, RelationRelationId, InvalidOid, column, value, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
		relids = lappend_oid(relids, ((Form_pg_class) GETSTRUCT(tuple))->oid);
	return relids;
}

List *
sg_typed_tables(Oid relid)
{
	return relations_with(Anum_pg_class_reloftype, get_rel_type_id(relid));
}

List *
sg_relations_in(Oid schema)
{
	return relations_with(Anum_pg_class_relnamespace, schema);
}

List *
sg_all_inheritors(Oid relid)
{
	List	   *tables = list_make1_oid(relid);
	bool		partitions = RELKIND_HAS_PARTITIONS(get_rel_relkind(relid));

	for (int i = 0; i < list_length(tables); i++)
	{
		List	   *children = sg_children(list_nth_oid(tables, i));

		/* no duplicates: a partition has one parent only */
		tables = partitions ? list_concat(tables, children) : list_concat_unique_oid(tables, children);
	}
	return tables;
}

List *
sg_with_partitions(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? sg_all_inheritors(relid) : list_make1_oid(relid);
}

uint32
sg_database_mark(void)
{
	return hash_combine(MyDatabaseId, get_extension_oid("schemaguard", true));
}

/*
 * schemaguard.sg_place() RETURNS text
 *
 * Returns the system identifier and sg_database_mark(): for rows that say
 * something about this database, and for OIDs in them.
 */
static Datum
sg_place_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT " %u", GetSystemIdentifier(), sg_database_mark())));
}

bool
sg_is_attic(Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Form_pg_namespace form;
	bool		is_attic;
	const char *rest;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_namespace) GETSTRUCT(tuple);
	rest = NameStr(form->nspname) + strlen(SG_ATTIC);
	is_attic = strncmp(NameStr(form->nspname), SG_ATTIC, strlen(SG_ATTIC)) == 0 && superuser_arg(form->nspowner) &&
		(rest[0] == '\0' || (rest[0] == '_' && rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1)));
	ReleaseSysCache(tuple);
	return is_attic;
}
