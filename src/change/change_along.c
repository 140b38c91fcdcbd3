/*-------------------------------------------------------------------------
 *
 * change_along.c
 *	  What goes with a statement: objects that CASCADE takes along without
 *	  naming them, rows, and values.
 *
 * Names are looked up as the statement's run does it.  Nothing is locked: what
 * comes between the look and the deed is not in the list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"

#define NAMED_ALONG 3			/* objects that a message names */

List	   *(*change_cascade_hook) (const ObjectAddress *object) = NULL;

static void
add_along(ChangeAlong *along, Oid classid, Oid object, int sub)
{
	ObjectAddress address;

	if (!OidIsValid(object) || change_cascade_hook == NULL)
		return;
	ObjectAddressSubSet(address, classid, object, sub);
	along->known = true;
	foreach_ptr(char, name, change_cascade_hook(&address))
	{
		if (!sg_has_name(along->names, name))
			along->names = lappend(along->names, name);
	}
}

/* Adds the rows of a table, or the values of one of its columns; views and others have none of their own */
static void
add_gone(ChangeAlong *along, Oid table, char *column, bool converted)
{
	char		relkind = OidIsValid(table) ? get_rel_relkind(table) : 0;
	ChangeGone *gone;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return;
	gone = palloc(sizeof(ChangeGone));
	gone->table = table;
	gone->column = column;
	gone->converted = converted;
	along->gone = lappend(along->gone, gone);
}

/* Adds the tables of a schema; partitions are counted with their tables */
static void
add_schema(ChangeAlong *along, Oid schema)
{
	SgCatalog	all;
	HeapTuple	tuple;

	sg_catalog_begin_all(&all, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relnamespace == schema && !form->relispartition)
			add_gone(along, form->oid, NULL, false);
	}
}

static void
add_dropped(ChangeAlong *along, const DropStmt *drop)
{
	bool		cascades = along->cascades;
	Oid			found;

	foreach_ptr(Node, object, drop->objects)
	{
		switch (drop->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
				found = change_find_named(makeRangeVarFromNameList((List *) object));
				add_along(along, RelationRelationId, cascades ? found : InvalidOid, 0);
				add_gone(along, found, NULL, false);
				break;
			case OBJECT_SCHEMA:
				found = get_namespace_oid(strVal(object), true);
				add_along(along, NamespaceRelationId, cascades ? found : InvalidOid, 0);
				if (cascades && OidIsValid(found))
					add_schema(along, found);
				break;
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
				if (cascades)
					add_along(along, TypeRelationId, LookupTypeNameOid(NULL, (TypeName *) object, true), 0);
				break;
			default:
				break;
		}
	}
}

static void
add_altered(ChangeAlong *along, const AlterTableStmt *alter)
{
	Oid			table = change_find_named(alter->relation);

	foreach_ptr(const AlterTableCmd, command, OidIsValid(table) ? alter->cmds : NIL)
	{
		AttrNumber	column = command->name && command->subtype != AT_DropConstraint ? get_attnum(table, command->name) : InvalidAttrNumber;

		if (column > 0 && command->subtype == AT_DropColumn)
			add_gone(along, table, command->name, false);
		else if (column > 0 && command->subtype == AT_AlterColumnType && castNode(ColumnDef, command->def)->raw_default)
			add_gone(along, table, command->name, true);
		if (command->behavior != DROP_CASCADE)
			continue;
		if (command->subtype == AT_DropColumn && column > 0)
			add_along(along, RelationRelationId, table, column);
		else if (command->subtype == AT_DropConstraint)
			add_along(along, ConstraintRelationId, get_relation_constraint_oid(table, command->name, true), 0);
	}
}

/* The tables whose keys refer to those that are emptied, and whose keys refer to these */
static void
add_emptied(ChangeAlong *along, const TruncateStmt *truncate)
{
	List	   *tables = NIL;
	List	   *more;

	foreach_ptr(const RangeVar, name, truncate->relations)
	{
		Oid			table = change_find_named(name);

		if (OidIsValid(table))
			tables = lappend_oid(tables, table);
		add_gone(along, table, NULL, false);
	}
	along->known = tables != NIL;
	while (along->cascades && tables && (more = heap_truncate_find_FKs(tables)) != NIL)
	{
		foreach_oid(table, more)
		{
			along->names = lappend(along->names, sg_relation_name(table));
			add_gone(along, table, NULL, false);
		}
		tables = list_concat(tables, more);
	}
}

void
change_along(Node *statement, ChangeAlong *along)
{
	SgScope		scope;

	memset(along, 0, sizeof(ChangeAlong));
	if (IsA(statement, DropStmt))
		along->cascades = ((DropStmt *) statement)->behavior == DROP_CASCADE;
	else if (IsA(statement, TruncateStmt))
		along->cascades = ((TruncateStmt *) statement)->behavior == DROP_CASCADE;
	else if (IsA(statement, AlterTableStmt))
	{
		foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
		{
			along->cascades |= command->behavior == DROP_CASCADE &&
				(command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint);
		}
	}
	else
		return;
	sg_caller_begin(&scope);
	if (IsA(statement, DropStmt))
		add_dropped(along, (DropStmt *) statement);
	else if (IsA(statement, TruncateStmt))
		add_emptied(along, (TruncateStmt *) statement);
	else
		add_altered(along, (AlterTableStmt *) statement);
	sg_scope_end(&scope);
}

char *
change_along_text(List *names)
{
	StringInfoData text;
	int			n = list_length(names);

	initStringInfo(&text);
	appendStringInfo(&text, "%d: ", n);
	for (int i = 0; i < Min(n, NAMED_ALONG); i++)
		appendStringInfo(&text, "%s%s", i ? ", " : "", (char *) list_nth(names, i));
	if (n > NAMED_ALONG)
		appendStringInfoString(&text, ", ...");
	return text.data;
}
