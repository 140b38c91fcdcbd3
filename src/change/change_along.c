/*-------------------------------------------------------------------------
 *
 * change_along.c
 *	  Objects that a statement with CASCADE takes along without naming them.
 *
 * Names are looked up as the statement's run does it.  Nothing is locked: what
 * comes between the look and the deed is not in the list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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

static void
add_dropped(ChangeAlong *along, const DropStmt *drop)
{
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
				add_along(along, RelationRelationId, change_find_named(makeRangeVarFromNameList((List *) object)), 0);
				break;
			case OBJECT_SCHEMA:
				add_along(along, NamespaceRelationId, get_namespace_oid(strVal(object), true), 0);
				break;
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
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
		if (command->behavior != DROP_CASCADE)
			continue;
		if (command->subtype == AT_DropColumn && get_attnum(table, command->name) > 0)
			add_along(along, RelationRelationId, table, get_attnum(table, command->name));
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
	}
	along->known = tables != NIL;
	while (tables && (more = heap_truncate_find_FKs(tables)) != NIL)
	{
		foreach_oid(table, more)
		{
			along->names = lappend(along->names, sg_relation_name(table));
		}
		tables = list_concat(tables, more);
	}
}

bool
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
	if (!along->cascades)
		return false;
	sg_caller_begin(&scope);
	if (IsA(statement, DropStmt))
		add_dropped(along, (DropStmt *) statement);
	else if (IsA(statement, TruncateStmt))
		add_emptied(along, (TruncateStmt *) statement);
	else
		add_altered(along, (AlterTableStmt *) statement);
	sg_scope_end(&scope);
	return true;
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
