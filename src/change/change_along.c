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
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_drops.h"

#define NAMED_ALONG 3			/* objects that a message names */

List	   *(*change_cascade_hook) (const ObjectAddress *object) = NULL;

static void
add_name(ChangeAlong *along, char *name)
{
	if (!sg_has_name(along->names, name))
		along->names = lappend(along->names, name);
}

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
		add_name(along, name);
	}
}

/* Adds the rows of a table, or the values of one of its columns: those that a condition names change, or all are computed anew */
static void
add_gone(ChangeAlong *along, Oid table, char *column, char *changed)
{
	PlanGone   *gone;

	if (!OidIsValid(table) || !plan_has_rows(table))
		return;
	gone = palloc0(sizeof(PlanGone));
	gone->table = table;
	gone->column = column;
	gone->converted = column != NULL && changed == NULL;
	gone->changed = changed;
	along->gone = lappend(along->gone, gone);
}

/* Digits behind the point; -1: any number of them */
static int
scale_of(int32 typmod)
{
	/* 11 bits with a sign */
	return typmod < (int32) VARHDRSZ ? -1 : ((((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024);
}

/* Does no value change when it is converted, where the statement does not fail on it? */
static bool
keeps_values(Oid from, int32 was, Oid to, int32 is)
{
	switch (to)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BITOID:
		case VARBITOID:
			return true;
		case INT4OID:
			return from == INT2OID;
		case INT8OID:
			return from == INT2OID || from == INT4OID;
		case FLOAT8OID:
			return from == FLOAT4OID || from == INT2OID || from == INT4OID;
		case NUMERICOID:
			if (from == INT2OID || from == INT4OID || from == INT8OID)
				return is == -1 || scale_of(is) >= 0;
			return from == to && (is == -1 || (was != -1 && scale_of(is) >= scale_of(was)));
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return (from == to || (from == DATEOID && to == TIMESTAMPOID)) && (is == -1 || (was != -1 && is >= was));
		default:
			return from == to && (is == -1 || is == was);
	}
}

/*
 * Returns the condition of the values of a column that are others after ALTER TYPE
 * without USING, for they do not come back when they are converted back; or NULL.
 * Of types that are built in: no code of anybody's is asked.
 */
static char *
changed_values(Oid table, const AlterTableCmd *command)
{
	TypeName   *name = castNode(ColumnDef, command->def)->typeName;
	Oid			type = LookupTypeNameOid(NULL, name, true);
	const char *column = quote_identifier(command->name);
	FormData_pg_attribute was;
	int32		typmod;
	Oid			function;

	if (!OidIsValid(type) || type >= FirstGenbkiObjectId || !sg_read_column(table, get_attnum(table, command->name), &was) ||
		was.atttypid >= FirstGenbkiObjectId || was.attgenerated)
		return NULL;
	typenameTypeIdAndMod(NULL, name, &type, &typmod);
	if (keeps_values(was.atttypid, was.atttypmod, type, typmod) ||
		find_coercion_pathway(type, was.atttypid, COERCION_ASSIGNMENT, &function) == COERCION_PATH_NONE ||
		find_coercion_pathway(was.atttypid, type, COERCION_EXPLICIT, &function) == COERCION_PATH_NONE)
		return NULL;
	return psprintf("%s IS DISTINCT FROM %s::%s::%s", column, column, format_type_with_typemod(type, typmod),
					format_type_with_typemod(was.atttypid, was.atttypmod));
}

/* The objects that DROP takes along by CASCADE, beside those that it names */
static void
add_dropped(ChangeAlong *along, const DropStmt *drop)
{
	foreach_ptr(Node, object, along->cascades ? drop->objects : NIL)
	{
		ObjectAddress code;

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
			case OBJECT_EXTENSION:
				add_along(along, ExtensionRelationId, get_extension_oid(strVal(object), true), 0);
				break;
			default:
				code = plan_dropped_code(drop->removeType, object);
				add_along(along, code.classId, code.objectId, 0);
				break;
		}
	}
}

/* The objects that roles own, and what CASCADE takes along with each */
static void
add_owned(ChangeAlong *along, const DropOwnedStmt *drop)
{
	along->known = along->owned = true;
	foreach_ptr(const RoleSpec, role, drop->roles)
	{
		Oid			oid = get_rolespec_oid(role, true);

		foreach_ptr(const ObjectAddress, object, OidIsValid(oid) ? sg_owned_by(oid) : NIL)
		{
			char	   *type = getObjectTypeDescription(object, true);
			char	   *identity = getObjectIdentity(object, true);

			if (type && identity)
				add_name(along, psprintf("%s %s", type, identity));
			if (along->cascades)
				add_along(along, object->classId, object->objectId, object->objectSubId);
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

		if (column > 0 && command->subtype == AT_AlterColumnType)
		{
			char	   *changed = castNode(ColumnDef, command->def)->raw_default ? NULL : changed_values(table, command);

			if (changed || castNode(ColumnDef, command->def)->raw_default)
				add_gone(along, table, command->name, changed);
		}
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
		add_gone(along, table, NULL, NULL);
	}
	along->known = tables != NIL;
	while (along->cascades && tables && (more = heap_truncate_find_FKs(tables)) != NIL)
	{
		foreach_oid(table, more)
		{
			along->names = lappend(along->names, sg_relation_name(table));
			add_gone(along, table, NULL, NULL);
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
	else if (IsA(statement, DropOwnedStmt))
		along->cascades = ((DropOwnedStmt *) statement)->behavior == DROP_CASCADE;
	else
		return;
	sg_caller_begin(&scope);
	along->gone = plan_gone(statement);
	if (IsA(statement, DropStmt))
		add_dropped(along, (DropStmt *) statement);
	else if (IsA(statement, DropOwnedStmt))
		add_owned(along, (DropOwnedStmt *) statement);
	else if (IsA(statement, TruncateStmt))
		add_emptied(along, (TruncateStmt *) statement);
	else
		add_altered(along, (AlterTableStmt *) statement);
	/* columns of typed tables are among what goes */
	if (IsA(statement, AlterTableStmt) && ((AlterTableStmt *) statement)->objtype == OBJECT_TYPE)
		along->cascades &= along->names != NIL;
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
