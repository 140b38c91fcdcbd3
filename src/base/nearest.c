/*-------------------------------------------------------------------------
 *
 * nearest.c
 *	  "Perhaps you meant": the existing name that is nearest to an unknown
 *	  one.  Near is defined as in the server's errors about columns: few
 *	  letters differ, and more are equal.  Of equally near names the
 *	  alphabetically first is taken, so that a hint is the same each time.
 *	  A schema or relation is offered only if the current role may use it:
 *	  anybody could plant a name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"

#define MAX_DISTANCE 3

void
sg_nearest_try(SgNearest *nearest, const char *name)
{
	int			wanted = strlen(nearest->wanted);
	int			len = strlen(name);
	int			most = nearest->found ? nearest->distance : MAX_DISTANCE;
	int			distance;

	/* a distance to a text longer than any name costs too much */
	if (wanted >= NAMEDATALEN || len >= NAMEDATALEN || abs(wanted - len) > most)
		return;
	distance = pg_strcasecmp(nearest->wanted, name) == 0 ? 0 :
		varstr_levenshtein_less_equal(nearest->wanted, wanted, name, len, 1, 1, 1, most, true);
	if (distance > most || distance > Min(wanted, len) / 2 ||
		(nearest->found && distance == nearest->distance && strcmp(name, nearest->found) >= 0))
		return;
	nearest->found = pstrdup(name);
	nearest->distance = distance;
}

char *
sg_nearest_column(Oid relid, const char *name)
{
	const char *dot = strrchr(name, '.');
	SgNearest	nearest = {dot ? dot + 1 : name};
	char	   *column;

	/* placeholders of dropped columns are near to nothing */
	for (AttrNumber i = 1; (column = get_attname(relid, i, true)) != NULL; i++)
		sg_nearest_try(&nearest, column);
	return nearest.found;
}

char *
sg_several_names(const char *name)
{
	const char *inner = name + strspn(name, "(");

	return strchr(name, ',') ?
		psprintf("Several names are an array: %s.",
				 quote_literal_cstr(psprintf("{%.*s}", (int) strcspn(inner, ")"), inner))) : NULL;
}

char *
sg_nearest_schema(const char *name)
{
	SgNearest	nearest = {name};
	SgCatalog	schemas;
	HeapTuple	tuple;

	sg_catalog_begin_all(&schemas, NamespaceRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&schemas)))
	{
		const char *other = NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname);

		if (!IsReservedName(other) && strcmp(other, "information_schema") != 0 &&
			sg_may(has_schema_privilege_id, ((Form_pg_namespace) GETSTRUCT(tuple))->oid, "USAGE"))
			sg_nearest_try(&nearest, other);
	}
	return nearest.found;
}

/* Returns whether the current role may read a relation, or for an index its table, and use its schema */
static bool
may_use(const FormData_pg_class *form)
{
	Oid			relid = form->relkind == RELKIND_INDEX || form->relkind == RELKIND_PARTITIONED_INDEX ?
		IndexGetRelation(form->oid, true) : form->oid;

	return OidIsValid(relid) && sg_may(has_schema_privilege_id, form->relnamespace, "USAGE") &&
		sg_may(has_any_column_privilege_id, relid, "SELECT");
}

char *
sg_nearest_table(const char *qualified)
{
	return sg_nearest_relation(qualified, SG_TABLE_KINDS);
}

char *
sg_nearest_relation(const char *qualified, const char *kinds)
{
	SgTableName wanted = sg_parse_table_name(qualified);
	SgNearest	nearest = {wanted.name};
	Oid			schema = wanted.schema ? get_namespace_oid(wanted.schema, true) : InvalidOid;
	char	   *elsewhere = NULL;
	SgCatalog	tables;
	HeapTuple	tuple;

	if (wanted.schema && !OidIsValid(schema))
	{
		char	   *other = sg_nearest_schema(wanted.schema);

		if (other)
		{
			wanted.schema = other;
			schema = get_namespace_oid(other, true);
		}
	}
	sg_catalog_begin_all(&tables, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&tables)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (strchr(kinds, form->relkind) == NULL ||
			form->relpersistence == RELPERSISTENCE_TEMP || IsCatalogNamespace(form->relnamespace) ||
			(form->relnamespace != schema && strcmp(NameStr(form->relname), wanted.name) != 0) || !may_use(form))
			continue;
		if (form->relnamespace == schema)
			sg_nearest_try(&nearest, NameStr(form->relname));
		else
		{
			char	   *other = sg_relation_name(form->oid);

			if (elsewhere == NULL || strcmp(other, elsewhere) < 0)
				elsewhere = other;
		}
	}
	return nearest.found ? sg_qualified_name(wanted.schema, nearest.found) : elsewhere;
}

char *
sg_nearest_part(Oid relid, Oid catalog, const char *name)
{
	SgNearest	nearest = {name};
	SgCatalog	parts;
	HeapTuple	tuple;

	if (catalog == ConstraintRelationId)
		sg_catalog_begin(&parts, catalog, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relid, NULL);
	else if (catalog == TriggerRelationId)
		sg_catalog_begin(&parts, catalog, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid, NULL);
	else
		sg_catalog_begin(&parts, catalog, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&parts)))
	{
		const char *part;

		if (catalog == ConstraintRelationId)
			part = NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname);
		else if (catalog == TriggerRelationId)
			part = NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname);
		else
			part = get_rel_name(((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
		if (part)
			sg_nearest_try(&nearest, part);
	}
	sg_catalog_end(&parts);
	return nearest.found;
}

char *
sg_unquoted_table(const char *input)
{
	char	   *found = NULL;
	SgCatalog	tables;
	HeapTuple	tuple;

	sg_catalog_begin_all(&tables, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&tables)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		char	   *schema = get_namespace_name(form->relnamespace);
		char	   *name;

		if ((form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE) || schema == NULL ||
			(strcmp(input, NameStr(form->relname)) != 0 &&
			 strcmp(input, psprintf("%s.%s", schema, NameStr(form->relname))) != 0) || !may_use(form))
			continue;
		name = sg_qualified_name(schema, NameStr(form->relname));
		if (found == NULL || strcmp(name, found) < 0)
			found = name;
	}
	return found;
}

Oid
sg_role_by_name(const char *name)
{
	Oid			role = get_role_oid(name, true);
	SgNearest	nearest = {name};
	SgCatalog	roles;
	HeapTuple	tuple;

	if (OidIsValid(role))
		return role;
	sg_catalog_begin_all(&roles, AuthIdRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&roles)))
		sg_nearest_try(&nearest, NameStr(((Form_pg_authid) GETSTRUCT(tuple))->rolname));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("role \"%s\" does not exist", name),
			 nearest.found ? errhint("Perhaps you meant role \"%s\".", nearest.found) :
			 errhint("Find the role, and write its name without quotes of its own:\nSELECT rolname FROM pg_roles ORDER BY 1;")));
}
