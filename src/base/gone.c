/*-------------------------------------------------------------------------
 *
 * gone.c
 *	  Answers of the catalogs about objects that another session may have
 *	  dropped since they were found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/gone.h"

void
sg_gone(int sqlstate, const char *what)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%s was dropped meanwhile", what),
			 errhint("Try again.")));
}

char *
sg_rel_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	return name;
}

char *
sg_rel_schema(Oid relid)
{
	char	   *name = get_namespace_name(get_rel_namespace(relid));

	if (name == NULL)
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	return name;
}

char *
sg_schema_name(Oid schema)
{
	char	   *name = get_namespace_name(schema);

	if (name == NULL)
		sg_gone(ERRCODE_UNDEFINED_SCHEMA, "a schema");
	return name;
}

char *
sg_function_name(Oid function)
{
	char	   *name = get_func_name(function);

	if (name == NULL)
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	return name;
}

char *
sg_collation_name(Oid collation)
{
	char	   *name = get_collation_name(collation);

	if (name == NULL)
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a collation");
	return name;
}

char *
sg_role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name ? name : pstrdup("(dropped)");
}

/* Raises that the column, or its whole relation, is gone */
pg_noreturn static void
column_gone(Oid relid)
{
	if (get_rel_relkind(relid) == '\0')
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	sg_gone(ERRCODE_UNDEFINED_COLUMN, "a column");
}

char *
sg_column_name(Oid relid, AttrNumber attnum)
{
	/* not get_attname(), which returns a name for a dropped column, too */
	return pstrdup(NameStr(sg_column(relid, attnum).attname));
}

AttrNumber
sg_column_in(Oid other, Oid relid, AttrNumber attnum)
{
	AttrNumber	number = get_attnum(other, sg_column_name(relid, attnum));

	if (number == InvalidAttrNumber)
		column_gone(other);
	return number;
}

bool
sg_ask(PGFunction function, Oid object, Datum *answer)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(object);
	fcinfo->args[0].isnull = false;
	*answer = function(fcinfo);
	return !fcinfo->isnull;
}

/* Calls a function of the server with two arguments; returns false if it returns null */
static bool
ask_two(PGFunction function, Datum first, Datum second, Datum *answer)
{
	LOCAL_FCINFO(fcinfo, 2);

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = first;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = second;
	fcinfo->args[1].isnull = false;
	*answer = function(fcinfo);
	return !fcinfo->isnull;
}

bool
sg_may(PGFunction function, Oid object, const char *privilege)
{
	Datum		answer;

	return ask_two(function, ObjectIdGetDatum(object), CStringGetTextDatum(privilege), &answer) && DatumGetBool(answer);
}

char *
sg_definition(PGFunction function, Oid object)
{
	Datum		answer;

	if (!sg_ask(function, object, &answer))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "an object");
	return TextDatumGetCString(answer);
}

char *
sg_expression(Datum tree, Oid relid)
{
	Datum		result;

	if (!ask_two(pg_get_expr, tree, ObjectIdGetDatum(relid), &result))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	return TextDatumGetCString(result);
}

bool
sg_read_class(Oid relid, FormData_pg_class *class)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(class, GETSTRUCT(tuple), CLASS_TUPLE_SIZE);
	ReleaseSysCache(tuple);
	return true;
}

char
sg_rel_persistence(Oid relid)
{
	FormData_pg_class class;

	return sg_read_class(relid, &class) ? class.relpersistence : '\0';
}

bool
sg_read_column(Oid relid, AttrNumber attnum, FormData_pg_attribute *column)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(column, GETSTRUCT(tuple), ATTRIBUTE_FIXED_PART_SIZE);
	ReleaseSysCache(tuple);
	return !column->attisdropped;
}

FormData_pg_attribute
sg_column(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;

	if (!sg_read_column(relid, attnum, &column))
		column_gone(relid);
	return column;
}

List *
sg_partition_ancestors(Oid relid)
{
	return get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL;
}

bool
sg_is_within(Oid table, Oid whole)
{
	return table == whole || list_member_oid(sg_partition_ancestors(table), whole);
}

Oid
sg_partition_parent(Oid relid, bool *leaving)
{
	SgCatalog	parents;
	HeapTuple	tuple;
	Oid			parent = InvalidOid;

	*leaving = false;
	if (!get_rel_relispartition(relid))
		return InvalidOid;
	sg_catalog_begin(&parents, InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&parents)))
	{
		parent = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent;
		*leaving = ((Form_pg_inherits) GETSTRUCT(tuple))->inhdetachpending;
	}
	return parent;
}

List *
sg_tables_above(Oid relid)
{
	List	   *tables = list_make1_oid(relid);

	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(tables); i++)
	{
		SgCatalog	parents;
		HeapTuple	tuple;

		CHECK_FOR_INTERRUPTS();
		sg_catalog_begin(&parents, InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, list_nth_oid(tables, i), NULL);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&parents)))
			tables = list_append_unique_oid(tables, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	}
	return list_delete_first(tables);
}

Oid
sg_partition_root(Oid relid)
{
	List	   *above = sg_partition_ancestors(relid);

	return above == NIL ? relid : llast_oid(above);
}

bool
sg_owns_relation(Oid relid, Oid role)
{
	HeapTuple	tuple;
	bool		owns;

	if (superuser_arg(role))
		return true;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	owns = has_privs_of_role(role, ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
	return owns;
}
