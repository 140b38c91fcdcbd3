/*-------------------------------------------------------------------------
 *
 * change_maintain.c
 *	  VACUUM, ANALYZE and REINDEX as statements of a plan.
 *
 *	  The server runs them as the owner of each table, restricted, and
 *	  computes the expressions of indexes and statistics as that owner.  If
 *	  the owner is a superuser, another role's code in these, such as a
 *	  domain's CHECK, would be trusted only by accident.  A foreign partition
 *	  is read by its owner's user mapping.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"

/*
 * Returns the tables and materialized views of a schema, or of the database if
 * it is invalid, without the server's own
 */
static List *
tables_of(Oid schema)
{
	List	   *tables = NIL;
	SgCatalog	all;
	HeapTuple	tuple;

	sg_catalog_begin_all(&all, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId && (!OidIsValid(schema) || form->relnamespace == schema) &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW || form->relkind == RELKIND_PARTITIONED_TABLE))
			tables = lappend_oid(tables, form->oid);
	}
	return tables;
}

static List *
vacuumed(const VacuumStmt *statement)
{
	List	   *tables = NIL;

	if (statement->rels == NIL)
		return tables_of(InvalidOid);
	foreach_ptr(const VacuumRelation, rel, statement->rels)
	{
		tables = lappend_oid(tables, OidIsValid(rel->oid) ? rel->oid : change_find_named(rel->relation));
	}
	return tables;
}

static List *
reindexed(const ReindexStmt *statement)
{
	Oid			relid = change_find_named(statement->relation);

	switch (statement->kind)
	{
		case REINDEX_OBJECT_INDEX:

			/*
			 * the indexes of partitions are reached by the partitions of its
			 * table
			 */
			return list_make1_oid(OidIsValid(relid) ? IndexGetRelation(relid, true) : InvalidOid);
		case REINDEX_OBJECT_TABLE:
			return list_make1_oid(relid);
		case REINDEX_OBJECT_SCHEMA:
			relid = get_namespace_oid(statement->name, true);
			return OidIsValid(relid) ? tables_of(relid) : NIL;
		case REINDEX_OBJECT_SYSTEM:
			return NIL;
		case REINDEX_OBJECT_DATABASE:
			break;
	}
	return tables_of(InvalidOid);
}

static bool
is_there(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

bool
change_maintains(Node *statement)
{
	return IsA(statement, VacuumStmt) || IsA(statement, ReindexStmt);
}

char *
change_maintain_refusal(Node *statement)
{
	List	   *tables;
	SgScope		scope;

	sg_caller_begin(&scope);
	tables = IsA(statement, VacuumStmt) ? vacuumed((VacuumStmt *) statement) : reindexed((ReindexStmt *) statement);
	sg_scope_end(&scope);
	foreach_oid(table, tables)
	{
		foreach_oid(member, is_there(table) ? code_tree(table, NoLock) : NIL)
		{
			CodeReach  *reach = code_reach();
			char	   *reason;

			if (!is_there(member))
				continue;
			code_reach_read(reach, member);
			code_reach_foreign(reach, member);
			reason = code_refusal(reach, code_table_owner(member));
			if (reason)
				return psprintf("%s, in table %s", reason, sg_relation_name(member));
		}
	}
	return NULL;
}

/* A REINDEX, and the invalid copies of indexes that it may have made */
typedef struct Copies
{
	ReindexStmt *statement;
	List	   *indexes;
} Copies;

/* Adds those of one table */
static void
add_copies(Copies *copies, Oid relid)
{
	SgCatalog	indexes;
	HeapTuple	tuple;

	sg_catalog_begin(&indexes, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&indexes)))
	{
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
		char	   *name = index->indisvalid ? NULL : get_rel_name(index->indexrelid);

		if (name && strstr(name, "_ccnew"))
			copies->indexes = lappend_oid(copies->indexes, index->indexrelid);
	}
	sg_catalog_end(&indexes);
}

/* Finds them, for sg_read(), because tables may be dropped meanwhile */
static void
find_copies(void *arg)
{
	Copies	   *copies = arg;
	SgScope		scope;
	List	   *tables;

	sg_caller_begin(&scope);
	tables = reindexed(copies->statement);
	sg_scope_end(&scope);
	foreach_oid(table, tables)
	{
		foreach_oid(member, is_there(table) ? code_tree(table, NoLock) : NIL)
		{
			FormData_pg_class class;

			add_copies(copies, member);
			if (sg_read_class(member, &class) && OidIsValid(class.reltoastrelid))
				add_copies(copies, class.reltoastrelid);
		}
	}
}

List *
change_invalid_copies(const char *sql)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	Copies		copies = {.statement = (ReindexStmt *) statement};

	if (IsA(statement, ReindexStmt))
		sg_read(find_copies, &copies);
	return copies.indexes;
}
