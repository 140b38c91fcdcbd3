/*-------------------------------------------------------------------------
 *
 * change_along.c
 *	  Losses by a statement: objects that CASCADE takes along without naming
 *	  them, rows, and values.
 *
 *	  Names are looked up as in the statement's run.  Nothing is locked:
 *	  objects created between the look and the deed are not in the list.
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
#include "nodes/nodeFuncs.h"
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

#define NAMED_ALONG 3			/* number of objects that a message names */

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

/*
 * Adds the rows of a table, or the values of one of its columns: those for
 * which a condition holds, or all of them
 */
static PlanGone *
add_gone(ChangeAlong *along, Oid table, char *column, char *changed)
{
	PlanGone   *gone = palloc0(sizeof(PlanGone));

	gone->table = table;
	gone->column = column;
	gone->converted = column != NULL && changed == NULL;
	gone->changed = changed;
	if (OidIsValid(table) && plan_has_rows(table))
		along->gone = lappend(along->gone, gone);
	return gone;
}

/* Returns the digits behind the decimal point; -1: any number */
static int
scale_of(int32 typmod)
{
	/* 11 bits, signed */
	return typmod < (int32) VARHDRSZ ? -1 : ((((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024);
}

/*
 * Returns whether every value survives the conversion.  An assignment fails if
 * a text or bits are too long, except for blanks at the end of a text, which it
 * truncates; an explicit cast truncates all.
 */
static bool
keeps_values(Oid from, int32 was, Oid to, int32 is, bool cuts)
{
	switch (to)
	{
		case TEXTOID:
			return true;
		case VARCHAROID:
		case BPCHAROID:
		case BITOID:
		case VARBITOID:
			if (!cuts && (to == BITOID || to == VARBITOID))
				return true;
			if (from == to)
				return is == was || (to != BITOID && (is == -1 || (was != -1 && is > was)));
			return is == -1 && to == VARCHAROID;
		case INT4OID:
			return from == to || from == INT2OID;
		case INT8OID:
			return from == to || from == INT2OID || from == INT4OID;
		case FLOAT8OID:
			return from == to || from == FLOAT4OID || from == INT2OID || from == INT4OID;
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
 * Finds a built-in type and its modifier; another type's modifier would be read
 * by code of the type's owner
 */
static bool
find_type(const TypeName *name, Oid *type, int32 *typmod)
{
	*type = LookupTypeNameOid(NULL, name, true);
	if (!OidIsValid(*type) || !get_typisdefined(*type) || (*type >= FirstGenbkiObjectId && name->typmods))
		return false;
	typenameTypeIdAndMod(NULL, name, type, typmod);
	return true;
}

/*
 * Returns whether an expression is a column, with or without casts.  Sets the
 * types (TypeName *) of the casts, in order.
 */
static bool
is_cast_column(Node *node, const char *column, List **types)
{
	*types = NIL;
	while (node && (IsA(node, TypeCast) || IsA(node, CollateClause)))
	{
		if (IsA(node, TypeCast))
			*types = lcons(((TypeCast *) node)->typeName, *types);
		node = IsA(node, TypeCast) ? ((TypeCast *) node)->arg : ((CollateClause *) node)->arg;
	}
	return node == NULL || (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String) &&
							strcmp(strVal(llast(((ColumnRef *) node)->fields)), column) == 0);
}

/* Casts an expression and its text once more; returns false if there is no cast */
static bool
add_cast(Node **value, StringInfo text, Oid type, int32 typmod)
{
	*value = coerce_to_target_type(NULL, *value, exprType(*value), type, typmod, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	appendStringInfo(text, "::%s", format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	return *value != NULL;
}

/*
 * Adds a column's values that ALTER TYPE changes.  With casts, those that
 * casting back does not restore, which no undo can.  If an expression computes
 * them, or the types are unknown, all.
 */
static void
add_retyped(ChangeAlong *along, Oid table, const AlterTableCmd *command)
{
	ColumnDef  *def = castNode(ColumnDef, command->def);
	const char *column = quote_identifier(command->name);
	FormData_pg_attribute was;
	List	   *casts;
	Oid			type;
	int32		typmod;
	Oid			cast;
	int32		cast_typmod;
	Node	   *value;
	Oid			function;
	StringInfoData text;
	char	   *as_text;
	PlanGone   *gone;

	if (!sg_read_column(table, get_attnum(table, command->name), &was) || was.attgenerated)
		return;
	if (!is_cast_column(def->raw_default, command->name, &casts) || !find_type(def->typeName, &type, &typmod))
	{
		if (def->raw_default)
			(void) add_gone(along, table, command->name, NULL);
		return;
	}
	/* the statement will fail */
	if (casts == NIL && find_coercion_pathway(getBaseType(type), getBaseType(was.atttypid), COERCION_ASSIGNMENT, &function) == COERCION_PATH_NONE)
		return;
	value = (Node *) makeVar(1, was.attnum, was.atttypid, was.atttypmod, was.attcollation, 0);
	initStringInfo(&text);
	appendStringInfoString(&text, column);
	foreach_ptr(TypeName, name, casts)
	{
		if (!find_type(name, &cast, &cast_typmod))
		{
			(void) add_gone(along, table, command->name, NULL);
			return;
		}
		if (!add_cast(&value, &text, cast, cast_typmod))
			return;
	}
	if (list_length(casts) <= 1 && exprType(value) == (casts ? type : was.atttypid) &&
		keeps_values(was.atttypid, was.atttypmod, type, typmod, casts != NIL))
		return;
	if (!add_cast(&value, &text, type, typmod))
		return;

	/*
	 * casts back through the types in between, because nothing casts one enum
	 * to another directly
	 */
	for (int i = list_length(casts) - 2; i >= 0 && value; i--)
	{
		(void) find_type(list_nth(casts, i), &cast, &cast_typmod);
		(void) add_cast(&value, &text, cast, cast_typmod);
	}
	if (value == NULL || !add_cast(&value, &text, was.atttypid, was.atttypmod))
	{
		(void) add_gone(along, table, command->name, psprintf("%s IS NOT NULL", column));
		return;
	}

	/*
	 * 1.5 and 1.50 are equal numbers; values of other types, such as json,
	 * are compared as text
	 */
	as_text = was.atttypid < FirstGenbkiObjectId && TypeCategory(was.atttypid) == TYPCATEGORY_NUMERIC ? "" : "::text";
	gone = add_gone(along, table, command->name, psprintf("ROW(%s)%s IS DISTINCT FROM ROW(%s)%s", column, as_text, text.data, as_text));
	gone->value = value;
}

/* Adds the objects that DROP ... CASCADE takes along, besides those that it names */
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

/* Adds the objects that roles own, and those that CASCADE takes along with each */
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
			add_retyped(along, table, command);
		if (command->behavior != DROP_CASCADE)
			continue;
		if (command->subtype == AT_DropColumn && column > 0)
			add_along(along, RelationRelationId, table, column);
		else if (command->subtype == AT_DropConstraint)
			add_along(along, ConstraintRelationId, get_relation_constraint_oid(table, command->name, true), 0);
	}
}

/* Adds the tables whose keys refer to emptied tables, and whose keys refer to these */
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
		(void) add_gone(along, table, NULL, NULL);
	}
	along->known = tables != NIL;
	while (along->cascades && tables && (more = heap_truncate_find_FKs(tables)) != NIL)
	{
		foreach_oid(table, more)
		{
			along->names = lappend(along->names, sg_relation_name(table));
			(void) add_gone(along, table, NULL, NULL);
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
	/* columns of typed tables are among the objects dropped */
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
