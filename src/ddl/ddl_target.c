/*-------------------------------------------------------------------------
 *
 * ddl_target.c
 *	  Objects of a DDL statement, read from its parse tree.
 *
 * Nothing is locked: names are looked up as the statement will look them up a
 * moment later, when they can mean something else: see ddl_touched.c.  What is
 * not found, or has no schema, is unknown, unless the statement leaves it alone
 * then.  A statement that has nothing to do, by IF EXISTS or IF NOT EXISTS, has
 * no objects, and is judged by what it turns out to have touched.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "ddl/ddl.h"

void
ddl_target_add_schema(DdlTarget *target, Oid schema)
{
	char	   *name = OidIsValid(schema) ? get_namespace_name(schema) : NULL;

	if (name == NULL)
		target->unknown = true;
	else if (isAnyTempNamespace(schema))
		target->temporary = true;
	else
		target->schemas = lappend(target->schemas, name);
}

/* Adds the schema of an object that the statement names, or what it means that there is none */
static void
add_found(DdlTarget *target, Oid schema)
{
	if (OidIsValid(schema) || !target->may_lack)
		ddl_target_add_schema(target, schema);
	else
		target->guessed = true;
}

static DdlTarget target_of(Node *statement, bool part);

static void
add_schema_name(DdlTarget *target, char *name)
{
	if (name)
		target->schemas = lappend(target->schemas, name);
	else
		target->unknown = true;
	if (name && target->name == NULL)
		target->name = quote_identifier(name);
}

static void
set_name(DdlTarget *target, List *names)
{
	if (target->name == NULL)
		target->name = NameListToQuotedString(names);
}

static void
set_relation_name(DdlTarget *target, const RangeVar *relation)
{
	if (target->name == NULL)
		target->name = relation->schemaname ? quote_qualified_identifier(relation->schemaname, relation->relname) :
			quote_identifier(relation->relname);
}

/* Returns whether an ALTER TABLE subcommand changes inheriting tables, too */
static bool
goes_down(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddInherit:
		case AT_AttachPartition:
		case AT_ChangeOwner:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
		case AT_DisableRowSecurity:
		case AT_DropInherit:
		case AT_EnableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_ReplicaIdentity:
		case AT_ResetRelOptions:
		case AT_SetRelOptions:
		case AT_SetTableSpace:
			return false;
		default:
			return true;
	}
}

/* Relations below the named one that a statement changes, too */
typedef enum Reach
{
	REACH_ITSELF,
	REACH_PARTITIONS,
	REACH_HEIRS					/* partitions, other inheriting tables, and
								 * tables OF a type */
} Reach;

static Reach
reach_of(Node *statement)
{
	RenameStmt *rename;

	switch (statement ? nodeTag(statement) : T_Invalid)
	{
		case T_AlterTableStmt:
			/* the grammar does not set inh for a type */
			if (((AlterTableStmt *) statement)->objtype == OBJECT_TYPE)
				return REACH_HEIRS;
			foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (((AlterTableStmt *) statement)->relation->inh && goes_down(command))
					return REACH_HEIRS;
			}
			return REACH_ITSELF;
		case T_RenameStmt:
			rename = (RenameStmt *) statement;
			if (rename->renameType == OBJECT_ATTRIBUTE)
				return REACH_HEIRS;
			return rename->renameType == OBJECT_TRIGGER ? REACH_PARTITIONS :
				rename->relation && rename->relation->inh &&
				(rename->renameType == OBJECT_COLUMN || rename->renameType == OBJECT_TABCONSTRAINT) ? REACH_HEIRS : REACH_ITSELF;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->relation->inh ? REACH_PARTITIONS : REACH_ITSELF;
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_POLICY ? REACH_ITSELF : REACH_PARTITIONS;
		case T_CreateTrigStmt:
		case T_Invalid:
			return REACH_PARTITIONS;
		default:
			return REACH_ITSELF;
	}
}

static void
add_heirs(DdlTarget *target, Oid relid)
{
	foreach_oid(heir, sg_all_inheritors(relid))
	{
		Oid			schema = get_rel_namespace(heir);

		if (OidIsValid(schema))
			ddl_target_add_schema(target, schema);
	}
}

void
ddl_target_add(DdlTarget *target, Oid relid, Node *statement)
{
	Reach		reach = reach_of(statement);
	char		kind = get_rel_relkind(relid);
	bool		divided = kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;

	ddl_target_add_schema(target, get_rel_namespace(relid));
	if (reach == REACH_ITSELF || (reach == REACH_PARTITIONS && !divided))
		return;
	add_heirs(target, relid);
	foreach_oid(typed, kind == RELKIND_COMPOSITE_TYPE ? sg_typed_tables(relid) : NIL)
	{
		add_heirs(target, typed);
	}
}

static void
add_relation(DdlTarget *target, RangeVar *relation, Node *statement)
{
	Oid			relid;

	if (relation == NULL)
	{
		target->unknown = true;
		return;
	}
	set_relation_name(target, relation);

	/*
	 * an element of CREATE SCHEMA is in that schema first, which may not
	 * exist yet
	 */
	relid = target->part && relation->schemaname == NULL ? InvalidOid : RangeVarGetRelid(relation, NoLock, true);
	if (OidIsValid(relid))
		ddl_target_add(target, relid, statement);
	else if (!target->part)
		add_found(target, InvalidOid);
}

/*
 * Adds a relation that a statement changes besides its main one; one that does
 * not exist may be created by the statement
 */
static void
add_other(DdlTarget *target, RangeVar *relation, Node *statement)
{
	Oid			relid = relation && !(target->part && relation->schemaname == NULL) ?
		RangeVarGetRelid(relation, NoLock, true) : InvalidOid;

	if (OidIsValid(relid))
		ddl_target_add(target, relid, statement);
}

/* Adds the tables that foreign keys among constraints and columns reference */
static void
add_referenced(DdlTarget *target, List *elements)
{
	foreach_ptr(Node, element, elements)
	{
		if (element && IsA(element, ColumnDef))
			add_referenced(target, ((ColumnDef *) element)->constraints);
		else if (element && IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_FOREIGN)
			add_other(target, ((Constraint *) element)->pktable, NULL);
	}
}

static void
add_others(DdlTarget *target, AlterTableStmt *statement)
{
	foreach_ptr(AlterTableCmd, command, statement->cmds)
	{
		if (command->def == NULL)
			continue;
		if (IsA(command->def, RangeVar))
			add_other(target, (RangeVar *) command->def, NULL);
		else if (IsA(command->def, PartitionCmd))
			add_other(target, ((PartitionCmd *) command->def)->name, NULL);
		else
			add_referenced(target, list_make1(command->def));
	}
}

static void
add_new_relation(DdlTarget *target, RangeVar *relation)
{
	set_relation_name(target, relation);
	if (target->part)
		return;
	if (relation->relpersistence == RELPERSISTENCE_TEMP)
		target->temporary = true;
	else
		ddl_target_add_schema(target, RangeVarGetCreationNamespace(relation));
}

static void
add_new(DdlTarget *target, List *names)
{
	char	   *name;

	set_name(target, names);
	if (!target->part)
		ddl_target_add_schema(target, QualifiedNameGetCreationNamespace(names, &name));
}

/* Returns the type that a parameter of CREATE OPERATOR names, or InvalidOid */
static Oid
operand(List *definition, const char *name)
{
	foreach_ptr(DefElem, element, definition)
	{
		if (strcmp(element->defname, name) == 0 && element->arg)
			return LookupTypeNameOid(NULL, defGetTypeName(element), true);
	}
	return InvalidOid;
}

/* Adds an operator, and its commutator and negator: these change, or are created as shells */
static void
add_operator(DdlTarget *target, DefineStmt *statement)
{
	Oid			left = operand(statement->definition, "leftarg");
	Oid			right = operand(statement->definition, "rightarg");

	add_new(target, statement->defnames);
	foreach_ptr(DefElem, element, statement->definition)
	{
		bool		commutes = strcmp(element->defname, "commutator") == 0;
		List	   *names;
		Oid			other;

		if (!commutes && strcmp(element->defname, "negator") != 0)
			continue;
		names = defGetQualifiedName(element);
		other = commutes ? OpernameGetOprid(names, right, left) : OpernameGetOprid(names, left, right);
		if (OidIsValid(other))
			ddl_target_add_schema(target, GetSysCacheOid1(OPEROID, Anum_pg_operator_oprnamespace, ObjectIdGetDatum(other)));
		else
			add_new(target, names);
	}
}

/* Adds a range type and its multirange type, which may be named with another schema */
static void
add_range(DdlTarget *target, CreateRangeStmt *statement)
{
	add_new(target, statement->typeName);
	foreach_ptr(DefElem, element, statement->params)
	{
		if (strcmp(element->defname, "multirange_type_name") == 0)
			add_new(target, defGetQualifiedName(element));
	}
}

static void
add_type(DdlTarget *target, List *names)
{
	Oid			type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(names), true);

	set_name(target, names);
	add_found(target, OidIsValid(type) ? GetSysCacheOid1(TYPEOID, Anum_pg_type_typnamespace, ObjectIdGetDatum(type)) : InvalidOid);
}

static void
add_function(DdlTarget *target, ObjectType kind, ObjectWithArgs *object)
{
	Oid			function = LookupFuncWithArgs(kind, object, true);

	set_name(target, object->objname);
	add_found(target, OidIsValid(function) ? get_func_namespace(function) : InvalidOid);
}

static bool
is_temporary(const RangeVar *relation)
{
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);

	return OidIsValid(relid) && isAnyTempNamespace(get_rel_namespace(relid));
}

/* Returns whether a query names a temporary relation, or what a relation of that name may hide */
static bool
names_temporary(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) && is_temporary((RangeVar *) node))
		return true;
	return raw_expression_tree_walker(node, names_temporary, context);
}

/* Adds a view, which is temporary, too, if it reads something temporary */
static void
add_view(DdlTarget *target, ViewStmt *statement)
{
	if (target->part || !names_temporary(statement->query, NULL))
	{
		add_new_relation(target, statement->view);
		return;
	}
	set_relation_name(target, statement->view);
	target->temporary = target->guessed = true;
}

/* Adds the statistics of a table, which go with it */
static void
add_statistics(DdlTarget *target, CreateStatsStmt *statement)
{
	foreach_ptr(Node, relation, statement->relations)
	{
		if (!IsA(relation, RangeVar))
			target->unknown = true;
		else
			add_relation(target, (RangeVar *) relation, (Node *) statement);
	}
	if (statement->defnames && !(target->temporary && target->schemas == NIL))
		add_new(target, statement->defnames);
}

/* Adds an object by its name; unless that has a schema, it is unknown */
static void
add_named(DdlTarget *target, ObjectType kind, List *names)
{
	Oid			statistics = kind == OBJECT_STATISTIC_EXT ? get_statistics_object_oid(names, true) : InvalidOid;

	set_name(target, names);
	if (OidIsValid(statistics) && ddl_is_of_temporary(statistics))
	{
		target->temporary = target->guessed = true;
		target->statistics = lappend_oid(target->statistics, statistics);
	}
	else if (list_length(names) == 2)
		ddl_target_add_schema(target, LookupNamespaceNoError(strVal(linitial(names))));
	else
		target->unknown = true;
}

/* Adds an object as DROP, ALTER and COMMENT name it */
static void
add_object(DdlTarget *target, ObjectType kind, Node *object, Node *statement)
{
	switch (kind)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			add_relation(target, IsA(object, RangeVar) ? (RangeVar *) object : makeRangeVarFromNameList(castNode(List, object)),
						 statement);
			break;
		case OBJECT_COLUMN:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
			{
				List	   *names = castNode(List, object);

				/* the last name is the object's own */
				if (list_length(names) > 1)
					add_relation(target, makeRangeVarFromNameList(list_copy_head(names, list_length(names) - 1)), statement);
				else
					target->unknown = true;
			}
			break;
		case OBJECT_DOMAIN:
		case OBJECT_TYPE:
			add_type(target, IsA(object, TypeName) ? ((TypeName *) object)->names : castNode(List, object));
			break;
		case OBJECT_AGGREGATE:
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			add_function(target, kind, castNode(ObjectWithArgs, object));
			break;
		case OBJECT_COLLATION:
		case OBJECT_CONVERSION:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSPARSER:
		case OBJECT_TSTEMPLATE:
			add_named(target, kind, castNode(List, object));
			break;
		case OBJECT_SCHEMA:
			add_schema_name(target, strVal(object));
			break;
		default:
			target->unknown = true;
			break;
	}
}

static void
add_granted(DdlTarget *target, GrantStmt *grant)
{
	ListCell   *lc;

	foreach(lc, grant->objects)
		add_object(target, grant->targtype == ACL_TARGET_ALL_IN_SCHEMA ? OBJECT_SCHEMA : grant->objtype, lfirst(lc), (Node *) grant);
	if (grant->objects == NIL)
		target->unknown = true;
}

/* Returns the trigger, policy or rule of a table that is there, or InvalidOid */
static Oid
part_of_table(ObjectType kind, List *names)
{
	Oid			relid = list_length(names) < 2 ? InvalidOid :
		RangeVarGetRelid(makeRangeVarFromNameList(list_copy_head(names, list_length(names) - 1)), NoLock, true);
	char	   *name = strVal(llast(names));

	if (!OidIsValid(relid))
		return InvalidOid;
	return kind == OBJECT_TRIGGER ? get_trigger_oid(relid, name, true) :
		kind == OBJECT_POLICY ? get_relation_policy_oid(relid, name, true) : get_rewrite_oid(relid, name, true);
}

/*
 * Returns whether there is an object that DROP names.  Relations, types and
 * functions count as there: they are looked up when they are added.  What has no
 * table is looked up as the server does, but its lock is given back.
 */
static bool
is_there(ObjectType kind, Node *object)
{
	ObjectAddress address;
	Relation	rel = NULL;

	switch (kind)
	{
		case OBJECT_AGGREGATE:
		case OBJECT_DOMAIN:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_FUNCTION:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_TYPE:
		case OBJECT_VIEW:
			return true;
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			return OidIsValid(part_of_table(kind, castNode(List, object)));
		default:
			address = get_object_address(kind, object, &rel, AccessShareLock, true);
			if (OidIsValid(address.objectId))
				UnlockDatabaseObject(address.classId, address.objectId, 0, AccessShareLock);
			return OidIsValid(address.objectId);
	}
}

static void
add_dropped(DdlTarget *target, DropStmt *drop)
{
	ListCell   *lc;

	target->may_lack = drop->missing_ok;
	foreach(lc, drop->objects)
	{
		if (drop->missing_ok && !is_there(drop->removeType, lfirst(lc)))
			target->guessed = true;
		else
			add_object(target, drop->removeType, lfirst(lc), (Node *) drop);
	}
}

/* Returns whether there is a relation of the name, in the schema in which it would be made */
static bool
has_relation(RangeVar *relation)
{
	return relation->relpersistence != RELPERSISTENCE_TEMP &&
		OidIsValid(get_relname_relid(relation->relname, RangeVarGetCreationNamespace(relation)));
}

/*
 * Returns whether an index of the name is there.  One that is built concurrently
 * counts as missing: once it is built, no error undoes it.
 */
static bool
has_index(IndexStmt *statement)
{
	Oid			relid = statement->concurrent ? InvalidOid : RangeVarGetRelid(statement->relation, NoLock, true);

	return OidIsValid(relid) && statement->idxname && OidIsValid(get_relname_relid(statement->idxname, get_rel_namespace(relid)));
}

/* Returns whether ALTER TABLE adds with IF NOT EXISTS what is there, drops with IF EXISTS what is not, and no more */
static bool
alters_nothing(AlterTableStmt *statement)
{
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, true);

	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (!OidIsValid(relid) || !command->missing_ok ||
			!(command->subtype == AT_AddColumn ? get_attnum(relid, castNode(ColumnDef, command->def)->colname) != InvalidAttrNumber :
			  command->subtype == AT_DropColumn ? get_attnum(relid, command->name) == InvalidAttrNumber :
			  command->subtype == AT_DropConstraint && !OidIsValid(get_relation_constraint_oid(relid, command->name, true))))
			return false;
	}
	return statement->cmds != NIL;
}

static bool
has_mapping(DropUserMappingStmt *statement)
{
	Oid			server = get_foreign_server_oid(statement->servername, true);
	Oid			role = statement->user->roletype == ROLESPEC_PUBLIC ? ACL_ID_PUBLIC : get_rolespec_oid(statement->user, true);

	return OidIsValid(server) && SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role), ObjectIdGetDatum(server));
}

/* Returns whether a statement would do nothing now, by IF EXISTS or IF NOT EXISTS; for DROP see add_dropped() */
static bool
does_nothing(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return ((CreateStmt *) statement)->if_not_exists && has_relation(((CreateStmt *) statement)->relation);
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) statement)->if_not_exists && has_relation(((CreateSeqStmt *) statement)->sequence);
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->if_not_exists && has_relation(((CreateTableAsStmt *) statement)->into->rel);
		case T_IndexStmt:
			return ((IndexStmt *) statement)->if_not_exists && has_index((IndexStmt *) statement);
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->if_not_exists && ((CreateSchemaStmt *) statement)->schemaname &&
				OidIsValid(get_namespace_oid(((CreateSchemaStmt *) statement)->schemaname, true));
		case T_CreateExtensionStmt:
			return ((CreateExtensionStmt *) statement)->if_not_exists &&
				OidIsValid(get_extension_oid(((CreateExtensionStmt *) statement)->extname, true));
		case T_CreateForeignServerStmt:
			return ((CreateForeignServerStmt *) statement)->if_not_exists &&
				OidIsValid(get_foreign_server_oid(((CreateForeignServerStmt *) statement)->servername, true));
		case T_AlterTableStmt:
			return alters_nothing((AlterTableStmt *) statement);
		case T_DropUserMappingStmt:
			return ((DropUserMappingStmt *) statement)->missing_ok && !has_mapping((DropUserMappingStmt *) statement);
		default:
			return false;
	}
}

/* Adds the object of an ALTER statement: a relation, or an object that is named otherwise */
static void
add_altered(DdlTarget *target, ObjectType kind, RangeVar *relation, Node *object, Node *statement)
{
	if (relation)
		add_relation(target, relation, statement);
	else if (object)
		add_object(target, kind, object, statement);
	else
		target->unknown = true;
}

/* Adds the objects of an element of CREATE SCHEMA, except those that it creates */
static void
add_part(DdlTarget *target, Node *statement)
{
	DdlTarget	part = target_of(statement, true);

	target->schemas = list_concat(target->schemas, part.schemas);
	target->unknown |= part.unknown;
}

static DdlTarget
target_of(Node *statement, bool part)
{
	DdlTarget	target = {.part = part};

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			add_new_relation(&target, ((CreateStmt *) statement)->relation);
			foreach_ptr(RangeVar, parent, ((CreateStmt *) statement)->inhRelations)
				add_other(&target, parent, statement);
			add_referenced(&target, ((CreateStmt *) statement)->tableElts);
			add_referenced(&target, ((CreateStmt *) statement)->constraints);
			break;
		case T_CreateSeqStmt:
			add_new_relation(&target, ((CreateSeqStmt *) statement)->sequence);
			break;
		case T_CreateTableAsStmt:
			add_new_relation(&target, ((CreateTableAsStmt *) statement)->into->rel);
			break;
		case T_CompositeTypeStmt:
			add_new_relation(&target, ((CompositeTypeStmt *) statement)->typevar);
			break;
		case T_ViewStmt:
			add_view(&target, (ViewStmt *) statement);
			break;
		case T_AlterTableStmt:
			target.may_lack = ((AlterTableStmt *) statement)->missing_ok;
			add_relation(&target, ((AlterTableStmt *) statement)->relation, statement);
			add_others(&target, (AlterTableStmt *) statement);
			break;
		case T_AlterSeqStmt:
			add_relation(&target, ((AlterSeqStmt *) statement)->sequence, statement);
			break;
		case T_IndexStmt:
			add_relation(&target, ((IndexStmt *) statement)->relation, statement);
			break;
		case T_CreateStatsStmt:
			add_statistics(&target, (CreateStatsStmt *) statement);
			break;
		case T_AlterStatsStmt:
			add_object(&target, OBJECT_STATISTIC_EXT, (Node *) ((AlterStatsStmt *) statement)->defnames, statement);
			break;
		case T_CreateTrigStmt:
			add_relation(&target, ((CreateTrigStmt *) statement)->relation, statement);
			break;
		case T_RuleStmt:
			add_relation(&target, ((RuleStmt *) statement)->relation, statement);
			break;
		case T_CreatePolicyStmt:
			add_relation(&target, ((CreatePolicyStmt *) statement)->table, statement);
			break;
		case T_AlterPolicyStmt:
			add_relation(&target, ((AlterPolicyStmt *) statement)->table, statement);
			break;
		case T_DefineStmt:
			if (((DefineStmt *) statement)->kind == OBJECT_OPERATOR)
				add_operator(&target, (DefineStmt *) statement);
			else
				add_new(&target, ((DefineStmt *) statement)->defnames);
			break;
		case T_CreateFunctionStmt:
			add_new(&target, ((CreateFunctionStmt *) statement)->funcname);
			break;
		case T_CreateDomainStmt:
			add_new(&target, ((CreateDomainStmt *) statement)->domainname);
			break;
		case T_CreateEnumStmt:
			add_new(&target, ((CreateEnumStmt *) statement)->typeName);
			break;
		case T_CreateRangeStmt:
			add_range(&target, (CreateRangeStmt *) statement);
			break;
		case T_AlterEnumStmt:
			add_type(&target, ((AlterEnumStmt *) statement)->typeName);
			break;
		case T_AlterDomainStmt:
			add_type(&target, ((AlterDomainStmt *) statement)->typeName);
			break;
		case T_AlterTypeStmt:
			add_type(&target, ((AlterTypeStmt *) statement)->typeName);
			break;
		case T_AlterFunctionStmt:
			add_function(&target, ((AlterFunctionStmt *) statement)->objtype, ((AlterFunctionStmt *) statement)->func);
			break;
		case T_CreateSchemaStmt:
			add_schema_name(&target, ((CreateSchemaStmt *) statement)->schemaname);
			foreach_ptr(Node, part, ((CreateSchemaStmt *) statement)->schemaElts)
				add_part(&target, part);
			break;
		case T_ImportForeignSchemaStmt:
			add_schema_name(&target, ((ImportForeignSchemaStmt *) statement)->local_schema);
			break;
		case T_DropStmt:
			add_dropped(&target, (DropStmt *) statement);
			break;
		case T_GrantStmt:
			add_granted(&target, (GrantStmt *) statement);
			break;
		case T_CommentStmt:
			add_object(&target, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object, statement);
			break;
		case T_AlterOwnerStmt:
			add_altered(&target, ((AlterOwnerStmt *) statement)->objectType, ((AlterOwnerStmt *) statement)->relation,
						((AlterOwnerStmt *) statement)->object, statement);
			break;
		case T_AlterObjectSchemaStmt:
			add_altered(&target, ((AlterObjectSchemaStmt *) statement)->objectType,
						((AlterObjectSchemaStmt *) statement)->relation, ((AlterObjectSchemaStmt *) statement)->object, statement);
			add_schema_name(&target, ((AlterObjectSchemaStmt *) statement)->newschema);
			break;
		case T_RenameStmt:
			{
				RenameStmt *rename = (RenameStmt *) statement;

				if (rename->renameType == OBJECT_SCHEMA)
				{
					add_schema_name(&target, rename->subname);
					add_schema_name(&target, rename->newname);
				}
				else
					add_altered(&target, rename->renameType, rename->relation, rename->object, statement);
			}
			break;
		default:
			target.unknown = true;
			break;
	}
	return target;
}

DdlTarget
ddl_target(Node *statement)
{
	DdlTarget	nothing = {.guessed = true};

	return does_nothing(statement) ? nothing : target_of(statement, false);
}
