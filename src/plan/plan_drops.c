/*-------------------------------------------------------------------------
 *
 * plan_drops.c
 *	  Objects that a step drops: its own object, or the objects that the
 *	  author's statements drop, several of them, too.
 *
 *	  Unqualified names in a statement are looked up in pg_catalog alone, so
 *	  only qualified names are those of users' objects.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/proclang.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "rewrite/rewriteSupport.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/gone.h"
#include "base/quote.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"

/* Letters of pg_class.relkind: relations with rows, and views */
#define TABLE_KINDS "rpf"
#define VIEW_KINDS "vm"

/* ---- by dependencies ---- */

static List *
add_root(List *roots, Oid classid, Oid object, int sub)
{
	ObjectAddress *root = palloc(sizeof(ObjectAddress));

	ObjectAddressSubSet(*root, classid, object, sub);
	return OidIsValid(object) ? lappend(roots, root) : roots;
}

/*
 * Returns the OID in a catalog's cache, by name and schema, of an object with a
 * qualified name; or InvalidOid
 */
static Oid
find_in_schema(List *names, int cache, AttrNumber oid)
{
	Oid			schema = list_length(names) < 2 ? InvalidOid : get_namespace_oid(strVal(list_nth(names, list_length(names) - 2)), true);

	return !OidIsValid(schema) ? InvalidOid :
		GetSysCacheOid2(cache, oid, CStringGetDatum(strVal(llast(names))), ObjectIdGetDatum(schema));
}

/*
 * Returns whether a name is qualified by a schema on which the current role has
 * USAGE; looking up others could raise an error.
 */
static bool
is_reachable(const List *names)
{
	Oid			schema = list_length(names) < 2 ? InvalidOid : get_namespace_oid(strVal(list_nth(names, list_length(names) - 2)), true);

	return OidIsValid(schema) && object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/*
 * Returns the OID of an operator class or family, whose name follows that of
 * its access method; or InvalidOid
 */
static Oid
find_for_method(List *names, Oid (*find) (Oid method, List *name, bool missing_ok))
{
	List	   *name = list_copy_tail(names, 1);
	Oid			method = get_am_oid(strVal(linitial(names)), true);

	return OidIsValid(method) && is_reachable(name) ? find(method, name, true) : InvalidOid;
}

static Oid
find_with_args(ObjectType type, ObjectWithArgs *object)
{
	if (object->args_unspecified || !is_reachable(object->objname))
		return InvalidOid;
	return type == OBJECT_OPERATOR ? LookupOperWithArgs(object, true) : LookupFuncWithArgs(OBJECT_ROUTINE, object, true);
}

/* A function without its arguments may be ambiguous, and is not found here */
ObjectAddress
plan_dropped_code(ObjectType type, Node *object)
{
	ObjectAddress code = {InvalidOid, InvalidOid, 0};

	switch (type)
	{
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			ObjectAddressSet(code, ProcedureRelationId, find_with_args(type, (ObjectWithArgs *) object));
			break;
		case OBJECT_OPERATOR:
			ObjectAddressSet(code, OperatorRelationId, find_with_args(type, (ObjectWithArgs *) object));
			break;
		case OBJECT_OPCLASS:
			ObjectAddressSet(code, OperatorClassRelationId, find_for_method((List *) object, get_opclass_oid));
			break;
		case OBJECT_OPFAMILY:
			ObjectAddressSet(code, OperatorFamilyRelationId, find_for_method((List *) object, get_opfamily_oid));
			break;
		case OBJECT_COLLATION:
			if (is_reachable((List *) object))
				ObjectAddressSet(code, CollationRelationId, get_collation_oid((List *) object, true));
			break;
		case OBJECT_TSCONFIGURATION:
			if (is_reachable((List *) object))
				ObjectAddressSet(code, TSConfigRelationId, get_ts_config_oid((List *) object, true));
			break;
		default:
			break;
	}
	return code;
}

/* Returns the part of a table that DROP names after it, in its catalog */
static ObjectAddress
find_part(ObjectType type, List *names)
{
	List	   *table = list_copy_head(names, list_length(names) - 1);
	Oid			relid = find_in_schema(table, RELNAMENSP, Anum_pg_class_oid);
	const char *name = strVal(llast(names));
	ObjectAddress part = {InvalidOid, InvalidOid, 0};

	if (!OidIsValid(relid))
		return part;
	if (type == OBJECT_TRIGGER)
		ObjectAddressSet(part, TriggerRelationId, get_trigger_oid(relid, name, true));
	else if (type == OBJECT_RULE)
		ObjectAddressSet(part, RewriteRelationId, get_rewrite_oid(relid, name, true));
	else
		ObjectAddressSet(part, PolicyRelationId, get_relation_policy_oid(relid, name, true));
	return part;
}

/* Returns the objects that a DROP names */
static List *
roots_of_drop(const DropStmt *statement)
{
	List	   *roots = NIL;

	foreach_ptr(Node, object, statement->objects)
	{
		const char *name = IsA(object, String) ? strVal(object) : NULL;
		ObjectAddress code;

		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
				roots = add_root(roots, RelationRelationId, find_in_schema((List *) object, RELNAMENSP, Anum_pg_class_oid), 0);
				break;
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
				roots = add_root(roots, TypeRelationId,
								 find_in_schema(((TypeName *) object)->names, TYPENAMENSP, Anum_pg_type_oid), 0);
				break;
			case OBJECT_TRIGGER:
			case OBJECT_RULE:
			case OBJECT_POLICY:
				code = find_part(statement->removeType, (List *) object);
				roots = add_root(roots, code.classId, code.objectId, 0);
				break;
			case OBJECT_SCHEMA:
				roots = add_root(roots, NamespaceRelationId, get_namespace_oid(name, true), 0);
				break;
			case OBJECT_EXTENSION:
				roots = add_root(roots, ExtensionRelationId, get_extension_oid(name, true), 0);
				break;
			case OBJECT_ACCESS_METHOD:
				roots = add_root(roots, AccessMethodRelationId, get_am_oid(name, true), 0);
				break;
			case OBJECT_LANGUAGE:
				roots = add_root(roots, LanguageRelationId, get_language_oid(name, true), 0);
				break;
			case OBJECT_FOREIGN_SERVER:
				roots = add_root(roots, ForeignServerRelationId, get_foreign_server_oid(name, true), 0);
				break;
			case OBJECT_FDW:
				roots = add_root(roots, ForeignDataWrapperRelationId, get_foreign_data_wrapper_oid(name, true), 0);
				break;
			default:
				code = plan_dropped_code(statement->removeType, object);
				roots = add_root(roots, code.classId, code.objectId, 0);
				break;
		}
	}
	return roots;
}

static Oid
altered_relation(const AlterTableStmt *statement)
{
	const RangeVar *name = statement->relation;

	return name->schemaname ? get_relname_relid(name->relname, get_namespace_oid(name->schemaname, true)) : InvalidOid;
}

List *
plan_drop_roots(Node *statement, bool *cascade)
{
	List	   *roots = NIL;

	*cascade = false;
	if (IsA(statement, DropStmt))
	{
		roots = roots_of_drop((DropStmt *) statement);
		*cascade = ((DropStmt *) statement)->behavior == DROP_CASCADE;
	}
	else if (IsA(statement, DropOwnedStmt))
	{
		foreach_ptr(const RoleSpec, role, ((DropOwnedStmt *) statement)->roles)
		{
			Oid			oid = get_rolespec_oid(role, true);

			if (OidIsValid(oid))
				roots = list_concat(roots, sg_owned_by(oid));
		}
		*cascade = ((DropOwnedStmt *) statement)->behavior == DROP_CASCADE;
	}
	else if (IsA(statement, AlterTableStmt))
	{
		Oid			table = altered_relation((AlterTableStmt *) statement);

		foreach_ptr(const AlterTableCmd, command, OidIsValid(table) ? ((AlterTableStmt *) statement)->cmds : NIL)
		{
			AttrNumber	column = command->subtype == AT_DropColumn ? get_attnum(table, command->name) : InvalidAttrNumber;

			if (column > 0)
				roots = add_root(roots, RelationRelationId, table, column);
			else if (command->subtype == AT_DropConstraint)
				roots = add_root(roots, ConstraintRelationId, get_relation_constraint_oid(table, command->name, true), 0);
			*cascade |= (command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint) && command->behavior == DROP_CASCADE;
		}
	}
	return roots;
}

/*
 * Returns the objects (ObjectAddress *) that a statement would drop now: those
 * that it names, and those that go with them
 */
static List *
dropped_by(Node *statement)
{
	bool		cascade;
	List	   *roots = plan_drop_roots(statement, &cascade);

	return roots ? sg_dropped_with(roots, cascade) : NIL;
}

/* ---- rows and values ---- */

static List *
add_gone(List *gone, Oid table, char *column, char *attribute)
{
	PlanGone   *one = palloc0(sizeof(PlanGone));

	one->table = table;
	one->column = column;
	one->attribute = attribute;
	return lappend(gone, one);
}

bool
plan_has_rows(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/*
 * Adds the values that columns of a relation's row type, or of types built on
 * it, lose with an attribute, and those of typed tables
 */
static List *
add_values(List *gone, Oid relid, char *attribute)
{
	Oid			row = get_rel_type_id(relid);
	List	   *types = OidIsValid(row) ? list_make1_oid(row) : NIL;

	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(types); i++)
	{
		ObjectAddress type;

		ObjectAddressSet(type, TypeRelationId, list_nth_oid(types, i));
		foreach_ptr(const SgDependency, dependency, sg_dependencies(&type, true))
		{
			Oid			object = dependency->object.objectId;
			AttrNumber	column = dependency->object.objectSubId;
			char	   *name = column > 0 ? get_attname(object, column, true) : NULL;

			if (dependency->object.classId == TypeRelationId)
				types = list_append_unique_oid(types, object);
			else if (dependency->object.classId != RelationRelationId)
				continue;
			else if (column > 0 && get_rel_relkind(object) == RELKIND_COMPOSITE_TYPE)
				types = list_append_unique_oid(types, get_rel_type_id(object));
			else if (name && plan_has_rows(object))
				gone = add_gone(gone, object, name, get_atttype(object, column) == row ? attribute : NULL);
			else if (i == 0 && column == 0 && plan_has_rows(object))
				gone = add_gone(gone, object, attribute, NULL);
		}
	}
	return gone;
}

/* Returns whether a loss is counted with another one: its column or table, or that of a table above it */
static bool
is_counted(const PlanGone *one, const List *gone, const List *below)
{
	const ListCell *parts = list_head(below);
	bool		later = false;

	foreach_ptr(const PlanGone, other, gone)
	{
		const List *tables = lfirst(parts);
		bool		same = sg_same_text(one->column, other->column) && sg_same_text(one->attribute, other->attribute);
		bool		covers = other->column == NULL || (sg_same_text(one->column, other->column) && other->attribute == NULL) || same;

		parts = lnext(below, parts);
		later |= other == one;
		if (other != one && covers && (other->table == one->table ? !same || !later : list_member_oid(tables, one->table)))
			return true;
	}
	return false;
}

List *
plan_gone(Node *statement)
{
	List	   *gone = NIL;
	List	   *below = NIL;
	List	   *counted = NIL;

	foreach_ptr(const ObjectAddress, object, dropped_by(statement))
	{
		Oid			relid = object->objectId;
		FormData_pg_attribute column;

		if (object->classId != RelationRelationId)
			continue;
		if (object->objectSubId == 0)
		{
			if (plan_has_rows(relid))
				gone = add_gone(gone, relid, NULL, NULL);
			continue;
		}
		if (!sg_read_column(relid, object->objectSubId, &column))
			continue;
		if (plan_has_rows(relid) && !column.attgenerated)
			gone = add_gone(gone, relid, pstrdup(NameStr(column.attname)), NULL);
		gone = add_values(gone, relid, pstrdup(NameStr(column.attname)));
	}
	foreach_ptr(const PlanGone, one, gone)
	{
		below = lappend(below, sg_has_subclass(one->table) ? sg_all_inheritors(one->table) : NIL);
	}
	foreach_ptr(PlanGone, one, gone)
	{
		if (!is_counted(one, gone, below))
			counted = lappend(counted, one);
	}
	return counted;
}

/* ---- drops as steps ---- */

/*
 * Returns the drop that a statement makes; that of a function has kind
 * statement, because no plan drops functions by kind
 */
static PlanStep *
statement_drop(const PlanStep *step, const char *what, const char *table, const char *name)
{
	PlanStep   *drop = plan_step_default(step->plan);

	drop->step = step->step;
	drop->kind = what ? STEP_DROP : STEP_STATEMENT;
	drop->definition = what ? pstrdup(what) : NULL;
	drop->child_table = pstrdup(table);
	drop->fk_name = pstrdup(name);
	drop->after = step->after;
	drop->discard = what && strcmp(what, "view") != 0;
	return drop;
}

/* Adds the drop of a relation by its names, qualified or not */
static List *
add_relation_drop(List *drops, const PlanStep *step, const char *what, List *names)
{
	/* an unqualified name is built in */
	if (list_length(names) < 2)
		return drops;
	return lappend(drops, statement_drop(step, what, quote_qualified_identifier(strVal(list_nth(names, list_length(names) - 2)), strVal(llast(names))),
										 strVal(llast(names))));
}

static List *
add_object_drops(List *drops, const PlanStep *step, const DropStmt *statement)
{
	foreach_ptr(Node, object, statement->objects)
	{
		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
				drops = add_relation_drop(drops, step, "table", (List *) object);
				break;
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
				drops = add_relation_drop(drops, step, "view", (List *) object);
				break;
			case OBJECT_FUNCTION:
			case OBJECT_ROUTINE:
			case OBJECT_PROCEDURE:
			case OBJECT_AGGREGATE:
				drops = add_relation_drop(drops, step, NULL, ((ObjectWithArgs *) object)->objname);
				break;
			default:
				break;
		}
	}
	return drops;
}

static List *
add_column_drops(List *drops, const PlanStep *step, const AlterTableStmt *statement)
{
	const RangeVar *table = statement->relation;

	foreach_ptr(const AlterTableCmd, command, table->schemaname ? statement->cmds : NIL)
	{
		if (command->subtype == AT_DropColumn)
			drops = lappend(drops, statement_drop(step, "column", quote_qualified_identifier(table->schemaname, table->relname), command->name));
	}
	return drops;
}

/* Returns whether a list has a drop of that kind, relation, and column, unless NULL */
static bool
has_drop(const List *drops, const char *what, const char *name, const char *column)
{
	foreach_ptr(const PlanStep, drop, drops)
	{
		if (sg_same_text(drop->definition, what) && sg_same_text(drop->child_table, name) && (column == NULL || sg_same_text(drop->fk_name, column)))
			return true;
	}
	return false;
}

/*
 * Adds the drops of relations, columns and functions that a statement takes
 * along, unless they are listed by their names
 */
static List *
add_drops_along(List *drops, const PlanStep *step, Node *statement)
{
	List	   *named = list_copy(drops);

	foreach_ptr(const ObjectAddress, object, dropped_by(statement))
	{
		char		relkind = object->classId == RelationRelationId ? get_rel_relkind(object->objectId) : 0;
		char	   *column = object->objectSubId != 0 ? get_attname(object->objectId, object->objectSubId, true) : NULL;
		const char *what = column ? "column" : relkind == RELKIND_VIEW || relkind == RELKIND_MATVIEW ? "view" : "table";
		char	   *name = object->classId == ProcedureRelationId ? get_func_name(object->objectId) : NULL;
		char	   *schema = name ? get_namespace_name(get_func_namespace(object->objectId)) : NULL;

		if (name)
		{
			what = NULL;
			name = schema ? sg_qualified_name(schema, name) : NULL;
		}
		else if (relkind != 0 && strchr(column ? TABLE_KINDS : TABLE_KINDS VIEW_KINDS, relkind))
			name = sg_relation_name(object->objectId);
		if (name && (object->objectSubId == 0 || column) && !has_drop(named, what, name, column))
			drops = lappend(drops, statement_drop(step, what, name, column ? column : sg_parse_table_name(name).name));
	}
	return drops;
}

List *
plan_drops(const PlanStep *step)
{
	List	   *drops = NIL;
	ErrorData  *edata;

	if (step->kind == STEP_DROP)
		return list_make1(unconstify(PlanStep *, step));
	foreach_ptr(RawStmt, raw, step->kind == STEP_STATEMENT && !step->outside ? plan_parse(step->definition, &edata) : NIL)
	{
		if (IsA(raw->stmt, DropStmt))
			drops = add_object_drops(drops, step, (DropStmt *) raw->stmt);
		else if (IsA(raw->stmt, AlterTableStmt))
			drops = add_column_drops(drops, step, (AlterTableStmt *) raw->stmt);
		drops = add_drops_along(drops, step, raw->stmt);
	}
	return drops;
}

/* Adds the drop of a constraint or index, which has the statement's state */
static List *
add_rule_drop(List *drops, const PlanStep *step, const char *what, const char *table, const char *name)
{
	PlanStep   *drop = statement_drop(step, what, table, name);

	drop->state = step->state;
	drop->skipped_by = step->skipped_by;
	return lappend(drops, drop);
}

/* Adds the drops of the indexes that exist: without them their tables are unknown */
static List *
add_index_drops(List *drops, const PlanStep *step, const DropStmt *statement)
{
	foreach_ptr(List, name, statement->removeType == OBJECT_INDEX ? statement->objects : NIL)
	{
		Oid			index = find_in_schema(name, RELNAMENSP, Anum_pg_class_oid);
		Oid			table = OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;

		if (OidIsValid(table))
			drops = add_rule_drop(drops, step, "index", sg_relation_name(table), strVal(llast(name)));
	}
	return drops;
}

static List *
add_constraint_drops(List *drops, const PlanStep *step, const AlterTableStmt *statement)
{
	const RangeVar *table = statement->relation;

	foreach_ptr(const AlterTableCmd, command, table->schemaname ? statement->cmds : NIL)
	{
		if (command->subtype == AT_DropConstraint)
			drops = add_rule_drop(drops, step, "constraint", quote_qualified_identifier(table->schemaname, table->relname), command->name);
	}
	return drops;
}

List *
plan_drops_rules(const PlanStep *step)
{
	List	   *drops = NIL;
	ErrorData  *edata;

	foreach_ptr(const RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		if (IsA(raw->stmt, DropStmt))
			drops = add_index_drops(drops, step, (DropStmt *) raw->stmt);
		else if (IsA(raw->stmt, AlterTableStmt))
			drops = add_constraint_drops(drops, step, (AlterTableStmt *) raw->stmt);
	}
	return drops;
}

bool
plan_step_drops(const PlanStep *step)
{
	return step->kind == STEP_DROP || (step->kind == STEP_STATEMENT && plan_drops(step) != NIL);
}

/* Returns the name of a statement's new object, or NULL */
static const RangeVar *
made_by(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return ((CreateStmt *) statement)->relation;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->into->rel;
		case T_ViewStmt:
			return ((ViewStmt *) statement)->view;
		case T_SelectStmt:
			return ((SelectStmt *) statement)->intoClause ? ((SelectStmt *) statement)->intoClause->rel : NULL;
		default:
			return NULL;
	}
}

List *
plan_makes(const PlanStep *step)
{
	List	   *names = NIL;
	ErrorData  *edata;

	if (step->kind == STEP_TABLE)
		return list_make1(step->child_table);
	foreach_ptr(RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		const RangeVar *made = made_by(raw->stmt);

		if (made && made->schemaname)
			names = lappend(names, quote_qualified_identifier(made->schemaname, made->relname));
	}
	return names;
}
