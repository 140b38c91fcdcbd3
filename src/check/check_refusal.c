/*-------------------------------------------------------------------------
 *
 * check_refusal.c
 *	  What the server would refuse of a statement for what is there already,
 *	  or for what uses it.
 *
 * Each look raises the server's error.  Nothing is run; expressions are
 * analysed as whom their code allows.  Rows are for check_rows.c.  Names of
 * relations that lead nowhere were looked for before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/policy.h"
#include "commands/proclang.h"
#include "commands/tablespace.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"

static void
refuse(int sqlerrcode, char *message)
{
	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("%s", message)));
}

/* The relation that a table's index, or another relation in its schema, would be; raises if there is none */
static Oid
relation_beside(Oid table, const char *name)
{
	Oid			relid = get_relname_relid(name, get_rel_namespace(table));

	if (!OidIsValid(relid))
		refuse(ERRCODE_UNDEFINED_OBJECT, psprintf("index \"%s\" for table \"%s\" does not exist", name, sg_rel_name(table)));
	return relid;
}

static void
refuse_name(Oid table, const char *name)
{
	if (OidIsValid(get_relname_relid(name, get_rel_namespace(table))))
		refuse(ERRCODE_DUPLICATE_TABLE, psprintf("relation \"%s\" already exists", name));
}

static void
need_column(Oid table, const char *column)
{
	if (get_attnum(table, column) == InvalidAttrNumber)
		refuse(ERRCODE_UNDEFINED_COLUMN, psprintf("column \"%s\" of relation \"%s\" does not exist", column, sg_rel_name(table)));
}

static void
need_unique(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		unique;

	if (!HeapTupleIsValid(tuple))
		return;
	unique = ((Form_pg_index) GETSTRUCT(tuple))->indisunique;
	ReleaseSysCache(tuple);
	if (!unique)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not a unique index", sg_rel_name(index)));
}

/* ---- another type of a column ---- */

/* Does the same ALTER TABLE drop something first, which may be what uses the column? */
static bool
drops_first(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (command->subtype == AT_DropColumn || command->subtype == AT_DropExpression)
			return true;
	}
	return false;
}

/* Is it a generated column that uses another one? */
static bool
is_generated_by(const AlterTableStmt *statement, Oid table, AttrNumber attnum, Oid attrdef)
{
	ObjectAddress column = GetAttrDefaultColumnAddress(attrdef);

	return OidIsValid(column.objectId) && !(column.objectId == table && column.objectSubId == attnum) && !drops_first(statement);
}

/* Refuses what the server does not make anew with the column */
static void
look_for_users(const AlterTableStmt *statement, Oid table, AttrNumber attnum)
{
	SgCatalog	users;
	HeapTuple	tuple;
	const char *user = NULL;

	sg_catalog_begin_depend(&users, true, RelationRelationId, table, attnum);
	while (user == NULL && (tuple = sg_catalog_next(&users)) != NULL)
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		switch (depend->classid)
		{
			case RewriteRelationId:
				user = "used by a view or rule";
				break;
			case TriggerRelationId:
				user = "used in a trigger definition";
				break;
			case PolicyRelationId:
				user = "used in a policy definition";
				break;
			case ProcedureRelationId:
				user = "used by a function or procedure";
				break;
			case PublicationRelRelationId:
				user = "used by a publication WHERE clause";
				break;
			case AttrDefaultRelationId:
				user = is_generated_by(statement, table, attnum, depend->objid) ? "used by a generated column" : NULL;
				break;
			default:
				break;
		}
	}
	sg_catalog_end(&users);
	if (user)
		refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("cannot alter type of a column %s", user));
}

static bool
is_partition_key(Oid table, AttrNumber attnum)
{
	Relation	rel;
	bool		is_expression;
	bool		result;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return false;
	rel = sg_relation_open(table, AccessShareLock);
	result = has_partition_attrs(rel, bms_make_singleton(attnum - FirstLowInvalidHeapAttributeNumber), &is_expression);
	table_close(rel, AccessShareLock);
	return result;
}

/* Refuses to write a table anew of whose row type a column is */
static void
look_for_row_type(Oid table)
{
	SgCatalog	users;
	HeapTuple	tuple;

	sg_catalog_begin_depend(&users, true, TypeRelationId, get_rel_type_id(table), 0);
	while ((tuple = sg_catalog_next(&users)) != NULL)
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == RelationRelationId && depend->objsubid > 0 && get_rel_relkind(depend->objid) == RELKIND_RELATION)
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
				   psprintf("cannot alter table \"%s\" because a column of %s uses its row type", sg_rel_name(table), sg_relation_name(depend->objid)));
	}
	sg_catalog_end(&users);
}

static void
look_at_type(const AlterTableStmt *statement, Oid table, const AlterTableCmd *command)
{
	AttrNumber	attnum = get_attnum(table, command->name);
	Oid			type = LookupTypeNameOid(NULL, castNode(ColumnDef, command->def)->typeName, true);
	FormData_pg_attribute column;

	if (attnum <= 0 || !sg_read_column(table, attnum, &column))
		return;
	if (column.attinhcount > 0)
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("cannot alter inherited column \"%s\"", command->name));
	if (is_partition_key(table, attnum))
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("cannot alter column \"%s\" because it is part of the partition key", command->name));
	if (column.attidentity && OidIsValid(type) && type != INT2OID && type != INT4OID && type != INT8OID)
		refuse(ERRCODE_INVALID_PARAMETER_VALUE, pstrdup("identity column type must be smallint, integer, or bigint"));
	if (castNode(ColumnDef, command->def)->collClause && OidIsValid(type) && !type_is_collatable(type))
		refuse(ERRCODE_DATATYPE_MISMATCH, psprintf("collations are not supported by type %s", format_type_be(type)));
	look_for_users(statement, table, attnum);
	if (OidIsValid(type) && !IsBinaryCoercible(column.atttypid, type))
		look_for_row_type(table);
}

/* ---- expressions ---- */

/* Analyses a default, which raises what the server would */
static void
look_at_default(Oid table, const AlterTableCmd *command)
{
	AttrNumber	attnum = get_attnum(table, command->name);
	CodeExpression expression = {.relid = table,.raw = command->def,.kind = EXPR_KIND_COLUMN_DEFAULT};
	FormData_pg_attribute column;

	if (command->def == NULL || attnum <= 0)
		return;
	column = sg_column(table, attnum);
	expression.target = psprintf("column %s", quote_identifier(command->name));
	expression.type = column.atttypid;
	expression.typmod = column.atttypmod;
	(void) code_analyse(&expression);
}

/* Analyses the conditions of a policy, but for those with subqueries */
static void
look_at_policy(Oid table, const CreatePolicyStmt *policy)
{
	Node	   *conditions[] = {policy->qual, policy->with_check};

	for (int i = 0; i < lengthof(conditions); i++)
	{
		CodeExpression expression = {.relid = table,.raw = conditions[i],.kind = EXPR_KIND_POLICY,.condition = "POLICY"};

		if (conditions[i] && !change_has_subquery(conditions[i]))
			(void) code_analyse(&expression);
	}
}

/* ---- ALTER TABLE and ALTER TYPE ---- */

/* Refuses to change a composite type, but not the tables OF it with it */
static void
look_for_typed(Oid type, DropBehavior behavior)
{
	if (behavior == DROP_RESTRICT && get_rel_relkind(type) == RELKIND_COMPOSITE_TYPE && sg_typed_tables(type))
		refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("cannot alter type \"%s\" because it is the type of a typed table", sg_rel_name(type)));
}

static void
look_at_new_column(Oid table, const AlterTableCmd *command)
{
	const ColumnDef *def = castNode(ColumnDef, command->def);

	if (!command->missing_ok && get_attnum(table, def->colname) != InvalidAttrNumber)
		refuse(ERRCODE_DUPLICATE_COLUMN, psprintf("column \"%s\" of relation \"%s\" already exists", def->colname, sg_rel_name(table)));
	/* serial is none of the catalog's */
	if (list_length(def->typeName->names) == 1 && strstr(strVal(linitial(def->typeName->names)), "serial"))
		return;
	if (!OidIsValid(LookupTypeNameOid(NULL, def->typeName, true)))
		refuse(ERRCODE_UNDEFINED_OBJECT, psprintf("type \"%s\" does not exist", TypeNameToString(def->typeName)));
}

static void
look_at_constraint(Oid table, const Constraint *constraint)
{
	if (constraint->conname && OidIsValid(get_relation_constraint_oid(table, constraint->conname, true)))
		refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("constraint \"%s\" for relation \"%s\" already exists", constraint->conname, sg_rel_name(table)));
	if (constraint->indexname)
		need_unique(relation_beside(table, constraint->indexname));
}

/* Refuses to drop a constraint whose index a foreign key needs */
static void
look_at_dropped(Oid table, const AlterTableCmd *command)
{
	Oid			constraint = get_relation_constraint_oid(table, command->name, true);
	Oid			index = OidIsValid(constraint) ? get_constraint_index(constraint) : InvalidOid;
	SgCatalog	users;
	HeapTuple	tuple;
	bool		found = false;

	if (!OidIsValid(index) || command->behavior != DROP_RESTRICT || get_rel_relkind(index) != RELKIND_INDEX)
		return;
	sg_catalog_begin_depend(&users, true, RelationRelationId, index, 0);
	while (!found && (tuple = sg_catalog_next(&users)) != NULL)
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		found = depend->classid == ConstraintRelationId && depend->deptype == DEPENDENCY_NORMAL;
	}
	sg_catalog_end(&users);
	if (found)
		refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("cannot drop constraint %s because a foreign key needs it", quote_identifier(command->name)));
}

/* Storage parameters without those of TOAST */
static List *
own_options(List *options)
{
	List	   *own = NIL;

	foreach_ptr(DefElem, option, options)
	{
		if (option->defnamespace == NULL)
			own = lappend(own, option);
	}
	return own;
}

/* prexcept is there from 19 on */
static bool
is_named_by_publication(Oid table)
{
	Datum		named;

	return sg_owner_fetch("SELECT 'named' FROM pg_publication_rel r WHERE r.prrelid = $1::oid AND NOT coalesce((to_jsonb(r) ->> 'prexcept')::boolean, false) LIMIT 1",
						  psprintf("%u", table), &named);
}

static void
look_at_command(const AlterTableStmt *statement, Oid table, const AlterTableCmd *command)
{
	FormData_pg_attribute column;
	AttrNumber	attnum;
	Oid			relid;

	look_for_typed(table, command->behavior);
	switch (command->subtype)
	{
		case AT_AddColumn:
			look_at_new_column(table, command);
			break;
		case AT_AlterColumnType:
			look_at_type(statement, table, command);
			break;
		case AT_ColumnDefault:
			look_at_default(table, command);
			break;
		case AT_AddConstraint:
			look_at_constraint(table, castNode(Constraint, command->def));
			break;
		case AT_DropConstraint:
			look_at_dropped(table, command);
			break;
		case AT_DropNotNull:
			if (sg_has_name(fk_primary_key(table), command->name))
				refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("column \"%s\" is in a primary key", command->name));
			break;
		case AT_AddIdentity:
			attnum = get_attnum(table, command->name);
			if (attnum > 0 && sg_read_column(table, attnum, &column) && !column.attnotnull)
				refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("column \"%s\" of relation \"%s\" must be declared NOT NULL before identity can be added", command->name, sg_rel_name(table)));
			break;
		case AT_SetStorage:
			attnum = get_attnum(table, command->name);
			if (attnum > 0 && IsA(command->def, String) && pg_strcasecmp(strVal(command->def), "plain") != 0 && get_typstorage(get_atttype(table, attnum)) == TYPSTORAGE_PLAIN)
				refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("column data type %s can only have storage PLAIN", format_type_be(get_atttype(table, attnum))));
			break;
		case AT_SetUnLogged:
			if (is_named_by_publication(table))
				refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("cannot change table \"%s\" to unlogged because it is %s a publication", sg_rel_name(table), SG_PUBLISHED));
			break;
		case AT_SetTableSpace:
			(void) get_tablespace_oid(command->name, false);
			break;
		case AT_SetRelOptions:
			if (get_rel_relkind(table) == RELKIND_RELATION)
				(void) heap_reloptions(RELKIND_RELATION, transformRelOptions((Datum) 0, own_options((List *) command->def), NULL, NULL, false, false), true);
			break;
		case AT_ClusterOn:
			(void) relation_beside(table, command->name);
			break;
		case AT_ReplicaIdentity:
			if (((ReplicaIdentityStmt *) command->def)->identity_type == REPLICA_IDENTITY_INDEX)
				need_unique(relation_beside(table, ((ReplicaIdentityStmt *) command->def)->name));
			break;
		case AT_DetachPartition:
			relid = change_find_named(((PartitionCmd *) command->def)->name);
			if (OidIsValid(relid) && !list_member_oid(sg_children(table), relid))
				refuse(ERRCODE_UNDEFINED_TABLE, psprintf("relation \"%s\" is not a partition of relation \"%s\"", sg_rel_name(relid), sg_rel_name(table)));
			break;
		default:
			break;
	}
}

/* ---- other statements ---- */

/* Refuses a column of OLD or NEW that the table has not */
static bool
look_for_row_columns(Node *node, void *context)
{
	Oid			table = *(Oid *) context;
	List	   *fields = node && IsA(node, ColumnRef) ? ((ColumnRef *) node)->fields : NIL;

	if (node == NULL)
		return false;
	if (list_length(fields) == 2 && IsA(linitial(fields), String) && IsA(lsecond(fields), String) &&
		(strcmp(strVal(linitial(fields)), "old") == 0 || strcmp(strVal(linitial(fields)), "new") == 0))
		need_column(table, strVal(lsecond(fields)));
	return raw_expression_tree_walker(node, look_for_row_columns, context);
}

static void
look_at_trigger(const CreateTrigStmt *statement)
{
	Oid			table = change_find_named(statement->relation);
	char		relkind = get_rel_relkind(table);
	Oid			function = LookupFuncName(statement->funcname, 0, NULL, true);

	if (OidIsValid(get_trigger_oid(table, statement->trigname, true)) && !statement->replace)
		refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("trigger \"%s\" for relation \"%s\" already exists", statement->trigname, sg_rel_name(table)));
	if (OidIsValid(function) && get_func_rettype(function) != TRIGGEROID)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION, psprintf("function %s must return type trigger", NameListToString(statement->funcname)));
	if (relkind == RELKIND_VIEW && statement->row && statement->timing != TRIGGER_TYPE_INSTEAD)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is a view: it has row triggers that are INSTEAD OF alone", sg_rel_name(table)));
	if (relkind != RELKIND_VIEW && statement->timing == TRIGGER_TYPE_INSTEAD)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is a table: it has no INSTEAD OF triggers", sg_rel_name(table)));
	foreach_ptr(Node, column, statement->columns)
	{
		need_column(table, strVal(column));
	}
	(void) look_for_row_columns(statement->whenClause, &table);
}

static void
look_at_rename(const RenameStmt *statement)
{
	Oid			table = change_find_named(statement->relation);

	if (!OidIsValid(table))
		return;
	if (statement->renameType == OBJECT_COLUMN && get_attnum(table, statement->newname) != InvalidAttrNumber)
		refuse(ERRCODE_DUPLICATE_COLUMN, psprintf("column \"%s\" of relation \"%s\" already exists", statement->newname, sg_rel_name(table)));
	if (statement->renameType == OBJECT_COLUMN)
		need_column(table, statement->subname);
	if (statement->renameType == OBJECT_ATTRIBUTE)
		look_for_typed(table, statement->behavior);
	if (statement->renameType == OBJECT_TABLE || statement->renameType == OBJECT_VIEW || statement->renameType == OBJECT_MATVIEW ||
		statement->renameType == OBJECT_INDEX || statement->renameType == OBJECT_SEQUENCE)
		refuse_name(table, statement->newname);
}

static void
look_at_schema(const AlterObjectSchemaStmt *statement)
{
	Oid			schema = get_namespace_oid(statement->newschema, false);
	Oid			table = change_find_named(statement->relation);

	if (OidIsValid(table) && OidIsValid(get_relname_relid(sg_rel_name(table), schema)))
		refuse(ERRCODE_DUPLICATE_TABLE, psprintf("relation \"%s\" already exists in schema \"%s\"", sg_rel_name(table), statement->newschema));
}

static void
look_at_refresh(const RefreshMatViewStmt *statement)
{
	Oid			view = change_find_named(statement->relation);
	bool		found = false;

	if (!OidIsValid(view))
		return;
	if (get_rel_relkind(view) != RELKIND_MATVIEW)
		refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("\"%s\" is not a materialized view", sg_rel_name(view)));
	foreach_oid(index, fk_table_indexes(view))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));

		if (!HeapTupleIsValid(tuple))
			continue;
		found |= ((Form_pg_index) GETSTRUCT(tuple))->indisunique && heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		ReleaseSysCache(tuple);
	}
	if (statement->concurrent && !found)
		refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   psprintf("cannot refresh materialized view \"%s\" concurrently: it has no unique index without WHERE", sg_rel_name(view)));
}

static void
look_at_granted(const GrantStmt *statement)
{
	foreach_ptr(const RangeVar, name, statement->objtype == OBJECT_TABLE && statement->targtype == ACL_TARGET_OBJECT ? statement->objects : NIL)
	{
		Oid			table = change_find_named(name);

		foreach_ptr(const AccessPriv, privilege, OidIsValid(table) ? statement->privileges : NIL)
		{
			foreach_ptr(Node, column, privilege->cols)
			{
				need_column(table, strVal(column));
			}
		}
	}
}

/* Refuses to drop a schema that holds something */
static void
look_at_dropped_schema(const DropStmt *statement)
{
	foreach_ptr(Node, name, statement->removeType == OBJECT_SCHEMA && statement->behavior == DROP_RESTRICT ? statement->objects : NIL)
	{
		Oid			schema = get_namespace_oid(strVal(name), true);
		SgCatalog	users;
		bool		found;

		if (!OidIsValid(schema))
			continue;
		sg_catalog_begin_depend(&users, true, NamespaceRelationId, schema, 0);
		found = sg_catalog_next(&users) != NULL;
		sg_catalog_end(&users);
		if (found)
			refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("cannot drop schema %s because other objects depend on it", quote_identifier(strVal(name))));
	}
}

/* Refuses a language that is not there */
static void
look_at_function(const CreateFunctionStmt *statement)
{
	foreach_ptr(const DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "language") == 0)
			(void) get_language_oid(strVal(option->arg), false);
	}
}

void
check_refused(Node *statement)
{
	const AlterTableStmt *alter = (AlterTableStmt *) statement;
	Oid			table;

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			table = change_find_named(alter->relation);
			foreach_ptr(const AlterTableCmd, command, OidIsValid(table) ? alter->cmds : NIL)
			{
				look_at_command(alter, table, command);
			}
			break;
		case T_RenameStmt:
			look_at_rename((RenameStmt *) statement);
			break;
		case T_AlterObjectSchemaStmt:
			look_at_schema((AlterObjectSchemaStmt *) statement);
			break;
		case T_IndexStmt:
			table = change_find_named(((IndexStmt *) statement)->relation);
			if (OidIsValid(table) && ((IndexStmt *) statement)->idxname && !((IndexStmt *) statement)->if_not_exists)
				refuse_name(table, ((IndexStmt *) statement)->idxname);
			foreach_ptr(const IndexElem, element, OidIsValid(table) ? ((IndexStmt *) statement)->indexParams : NIL)
			{
				if (element->name)
					need_column(table, element->name);
			}
			break;
		case T_CreatePolicyStmt:
			table = change_find_named(((CreatePolicyStmt *) statement)->table);
			if (OidIsValid(table) && OidIsValid(get_relation_policy_oid(table, ((CreatePolicyStmt *) statement)->policy_name, true)))
				refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("policy \"%s\" for table \"%s\" already exists",
														  ((CreatePolicyStmt *) statement)->policy_name, sg_rel_name(table)));
			if (OidIsValid(table))
				look_at_policy(table, (CreatePolicyStmt *) statement);
			break;
		case T_CreateTrigStmt:
			if (OidIsValid(change_find_named(((CreateTrigStmt *) statement)->relation)))
				look_at_trigger((CreateTrigStmt *) statement);
			break;
		case T_RuleStmt:
			table = change_find_named(((RuleStmt *) statement)->relation);
			if (OidIsValid(table))
				(void) look_for_row_columns(((RuleStmt *) statement)->whereClause, &table);
			break;
		case T_CreateStatsStmt:
			/* the grammar takes any FROM, the server the name of one table */
			foreach_ptr(Node, from, ((CreateStatsStmt *) statement)->relations)
			{
				if (list_length(((CreateStatsStmt *) statement)->relations) != 1 || !IsA(from, RangeVar))
				{
					refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "only a single relation is allowed in CREATE STATISTICS");
					break;
				}
				table = change_find_named((RangeVar *) from);
				foreach_ptr(const StatsElem, element, OidIsValid(table) ? ((CreateStatsStmt *) statement)->exprs : NIL)
				{
					if (element->name)
						need_column(table, element->name);
				}
			}
			break;
		case T_CreatePublicationStmt:
			if (OidIsValid(get_publication_oid(((CreatePublicationStmt *) statement)->pubname, true)))
				refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("publication \"%s\" already exists", ((CreatePublicationStmt *) statement)->pubname));
			break;
		case T_CreateSchemaStmt:
			if (((CreateSchemaStmt *) statement)->schemaname && !((CreateSchemaStmt *) statement)->if_not_exists &&
				OidIsValid(get_namespace_oid(((CreateSchemaStmt *) statement)->schemaname, true)))
				refuse(ERRCODE_DUPLICATE_SCHEMA, psprintf("schema \"%s\" already exists", ((CreateSchemaStmt *) statement)->schemaname));
			break;
		case T_RefreshMatViewStmt:
			look_at_refresh((RefreshMatViewStmt *) statement);
			break;
		case T_DropStmt:
			look_at_dropped_schema((DropStmt *) statement);
			break;
		case T_CreateFunctionStmt:
			look_at_function((CreateFunctionStmt *) statement);
			break;
		case T_GrantStmt:
			look_at_granted((GrantStmt *) statement);
			break;
		default:
			break;
	}
}
