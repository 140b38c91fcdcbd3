/*-------------------------------------------------------------------------
 *
 * check_refusal.c
 *	  Statements that the server would refuse because of existing objects, or
 *	  of objects that use theirs.
 *
 *	  Each look raises the server's error.  Nothing is run; expressions are
 *	  analysed as the role that their code allows. check_rows.c checks rows.
 *	  Missing relations have been checked before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
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
#include "commands/seclabel.h"
#include "commands/tablespace.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "storage/bufmgr.h"
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
#include "fk/fk.h"
#include "check/check.h"

static void
refuse(int sqlerrcode, char *message)
{
	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("%s", message)));
}

/* Refuses a name for a relation in a schema if another relation has it, or a type, which a row type would meet */
static void
refuse_name(Oid relid, Oid schema, const char *name)
{
	Oid			type = OidIsValid(get_rel_type_id(relid)) ? GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(schema)) : InvalidOid;

	if (OidIsValid(get_relname_relid(name, schema)))
		refuse(ERRCODE_DUPLICATE_TABLE, psprintf("relation \"%s\" already exists in schema \"%s\"", name, sg_schema_name(schema)));
	/* the server gives the type of an array another name */
	if (OidIsValid(type) && (schema != get_rel_namespace(relid) || !OidIsValid(get_element_type(type))))
		refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("type \"%s\" already exists in schema \"%s\"", name, sg_schema_name(schema)));
}

/* Refuses a relation that is none of these kinds */
static void
need_kind(const RangeVar *name, const char *kinds)
{
	Oid			relid = change_find_named(name);

	if (OidIsValid(relid) && strchr(kinds, get_rel_relkind(relid)) == NULL)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not a table", sg_rel_name(relid)));
}

static void
need_column(Oid table, const char *column)
{
	if (get_attnum(table, column) == InvalidAttrNumber)
		refuse(ERRCODE_UNDEFINED_COLUMN, psprintf("column \"%s\" of relation \"%s\" does not exist", column, sg_rel_name(table)));
}

/* Does the server take a rule ON SELECT?  A view, and before 16 an empty table, which the rule makes a view. */
static bool
becomes_view(Oid table)
{
	if (SG_RULE_MAKES_VIEW && get_rel_relkind(table) == RELKIND_RELATION)
	{
		Relation	rel = sg_relation_open(table, AccessShareLock);
		bool		is_empty = RelationGetNumberOfBlocks(rel) == 0;

		table_close(rel, AccessShareLock);
		return is_empty;
	}
	return get_rel_relkind(table) == RELKIND_VIEW;
}

/* ---- another type of a column ---- */

static bool
has_command(const AlterTableStmt *statement, AlterTableType subtype)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (command->subtype == subtype)
			return true;
	}
	return false;
}

/* Returns whether the same ALTER TABLE drops something first, which may be the column's user */
static bool
drops_first(const AlterTableStmt *statement)
{
	return has_command(statement, AT_DropColumn) || has_command(statement, AT_DropExpression);
}

/* Returns whether an attribute default belongs to a generated column that uses another one */
static bool
is_generated_by(const AlterTableStmt *statement, Oid table, AttrNumber attnum, Oid attrdef)
{
	ObjectAddress column = GetAttrDefaultColumnAddress(attrdef);

	return OidIsValid(column.objectId) && !(column.objectId == table && column.objectSubId == attnum) && !drops_first(statement);
}

/* Raises an error for dependents that the server does not recreate with the column */
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

/* Raises an error for a rewrite of a table whose row type a column has */
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
	look_for_users(statement, table, attnum);
	if (OidIsValid(type) && !IsBinaryCoercible(column.atttypid, type))
		look_for_row_type(table);
}

/* ---- expressions ---- */

/* Analyses a default, which raises the server's errors */
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

/* Analyses the conditions of a policy, except those with subqueries */
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

/* Raises an error for changing a composite type without its typed tables */
static void
look_for_typed(Oid type, DropBehavior behavior)
{
	if (behavior == DROP_RESTRICT && get_rel_relkind(type) == RELKIND_COMPOSITE_TYPE && sg_typed_tables(type))
		refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("cannot alter type \"%s\" because it is the type of a typed table", sg_rel_name(type)));
}

static bool
is_typed(Oid table)
{
	FormData_pg_class class;

	return sg_read_class(table, &class) && OidIsValid(class.reloftype);
}

/* Refuses a column that a table OF a type can't have, or that an heir has of another type */
static void
look_at_heirs(Oid table, const AlterTableCmd *command, const ColumnDef *def)
{
	Oid			type = LookupTypeNameOid(NULL, def->typeName, true);

	if (is_typed(table))
		refuse(ERRCODE_WRONG_OBJECT_TYPE, pstrdup("cannot add column to typed table"));
	if (sg_partition_ancestors(table))
		refuse(ERRCODE_WRONG_OBJECT_TYPE, pstrdup("cannot add column to a partition"));
	foreach_oid(heir, OidIsValid(type) ? sg_all_inheritors(table) : NIL)
	{
		AttrNumber	attnum = get_attnum(heir, def->colname);

		if (heir != table && attnum > 0 && get_atttype(heir, attnum) != type)
			refuse(ERRCODE_DATATYPE_MISMATCH, psprintf("child table \"%s\" has different type for column \"%s\"", sg_rel_name(heir), def->colname));
	}
}

/*
 * Refuses a foreign key that a partitioned table can't have, and a constraint
 * whose name or kind the table has already; after a drop in the same ALTER
 * TABLE it may be free
 */
static void
look_at_constraint(const AlterTableStmt *statement, Oid table, const Constraint *constraint)
{
	if (!SG_PARTITIONED_NOT_VALID && constraint->contype == CONSTR_FOREIGN && constraint->skip_validation &&
		get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("cannot add NOT VALID foreign key on partitioned table \"%s\" referencing relation \"%s\"",
												   sg_rel_name(table), constraint->pktable->relname));
	if (has_command(statement, AT_DropConstraint) || has_command(statement, AT_DropColumn))
		return;
	if (constraint->conname && OidIsValid(get_relation_constraint_oid(table, constraint->conname, true)))
		refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("constraint \"%s\" for relation \"%s\" already exists", constraint->conname, sg_rel_name(table)));
	if (constraint->contype == CONSTR_PRIMARY && fk_primary_key(table))
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("multiple primary keys for table \"%s\" are not allowed", sg_rel_name(table)));
}

static void
look_at_new_column(const AlterTableStmt *statement, Oid table, const AlterTableCmd *command)
{
	const ColumnDef *def = castNode(ColumnDef, command->def);
	FormData_pg_class class;
	Oid			type;

	if (!command->missing_ok && get_attnum(table, def->colname) != InvalidAttrNumber)
		refuse(ERRCODE_DUPLICATE_COLUMN, psprintf("column \"%s\" of relation \"%s\" already exists", def->colname, sg_rel_name(table)));
	look_at_heirs(table, command, def);
	if (sg_read_class(table, &class) && class.relnatts >= MaxHeapAttributeNumber)
		refuse(ERRCODE_TOO_MANY_COLUMNS, psprintf("tables can have at most %d columns, dropped ones among them", MaxHeapAttributeNumber));
	foreach_ptr(const Constraint, constraint, def->constraints)
	{
		look_at_constraint(statement, table, constraint);
		if (constraint->contype == CONSTR_IDENTITY && get_rel_relkind(table) == RELKIND_RELATION && sg_has_subclass(table))
			refuse(ERRCODE_INVALID_TABLE_DEFINITION, pstrdup("cannot recursively add identity column to table that has child tables"));
		if (constraint->contype == CONSTR_GENERATED || constraint->contype == CONSTR_IDENTITY ||
			(constraint->contype == CONSTR_DEFAULT && !(IsA(constraint->raw_expr, A_Const) && ((A_Const *) constraint->raw_expr)->isnull)))
			look_for_row_type(table);
	}
	/* serial is no type of the catalog */
	if (list_length(def->typeName->names) == 1 && strstr(strVal(linitial(def->typeName->names)), "serial"))
		return;
	type = LookupTypeNameOid(NULL, def->typeName, true);
	if (!OidIsValid(type))
		refuse(ERRCODE_UNDEFINED_OBJECT, psprintf("type \"%s\" does not exist", TypeNameToString(def->typeName)));
	CheckAttributeType(def->colname, type, get_typcollation(type), list_make1_oid(get_rel_type_id(table)), 0);
}

/* prexcept exists from 19 on */
static bool
is_named_by_publication(Oid table)
{
	Datum		named;

	return sg_owner_fetch("SELECT 'named' FROM pg_publication_rel r WHERE r.prrelid = $1::oid AND NOT coalesce((to_jsonb(r) ->> 'prexcept')::boolean, false) LIMIT 1",
						  psprintf("%u", table), &named);
}

/* Refuses a constraint that is none, or is no key */
static void
look_at_altered_key(Oid table, Node *def)
{
	const char *name = SG_ALTERED_CONSTRAINT(def);
	HeapTuple	tuple = change_constraint(table, name);

	if (tuple == NULL)
		refuse(ERRCODE_UNDEFINED_OBJECT, psprintf("constraint \"%s\" of relation \"%s\" does not exist", name, sg_rel_name(table)));
	if (strchr(SG_ALTERED_KINDS, ((Form_pg_constraint) GETSTRUCT(tuple))->contype) == NULL)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("constraint \"%s\" of relation \"%s\" is not a foreign key constraint", name, sg_rel_name(table)));
}

/* Refuses a key between a table that is logged and one that is not, once the table is */
static void
look_at_persistence(Oid table, bool logged)
{
	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		Oid			other = logged ? key->parent : key->child;

		if ((logged ? key->child : key->parent) == table && OidIsValid(other) && other != table &&
			(sg_rel_persistence(other) == RELPERSISTENCE_PERMANENT) != logged)
			refuse(ERRCODE_INVALID_TABLE_DEFINITION,
				   psprintf("could not change table \"%s\" to %s because of key \"%s\" of %s table \"%s\"", sg_rel_name(table), logged ? "logged" : "unlogged",
							key->name, logged ? "unlogged" : "logged", sg_rel_name(other)));
	}
}

/* Refuses a table whose columns are not those of a type */
static void
look_at_of(Oid table, const TypeName *name)
{
	Oid			type = typenameTypeId(NULL, name);
	Oid			relid = get_typ_typrelid(type);
	FormData_pg_class classes[2];
	AttrNumber	attnum[2] = {0, 0};

	if (!OidIsValid(relid))
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("type %s is not a composite type", format_type_be(type)));
	if (!sg_read_class(table, &classes[0]) || !sg_read_class(relid, &classes[1]))
		return;
	for (;;)
	{
		FormData_pg_attribute columns[2];
		Oid			relids[2] = {table, relid};

		for (int i = 0; i < 2; i++)
		{
			do
				attnum[i]++;
			while (attnum[i] <= classes[i].relnatts && (!sg_read_column(relids[i], attnum[i], &columns[i]) || columns[i].attisdropped));
		}
		if (attnum[0] > classes[0].relnatts && attnum[1] > classes[1].relnatts)
			return;
		if (attnum[0] > classes[0].relnatts || attnum[1] > classes[1].relnatts || columns[0].atttypid != columns[1].atttypid ||
			strcmp(NameStr(columns[0].attname), NameStr(columns[1].attname)) != 0)
			refuse(ERRCODE_DATATYPE_MISMATCH, psprintf("table \"%s\" has other columns than type %s", sg_rel_name(table), format_type_be(type)));
	}
}

/* Refuses another owner for a sequence that goes with its table */
static void
look_at_owner(Oid relid, const RoleSpec *owner)
{
	Oid			table;
	int32		column;
	FormData_pg_class class;

	if (get_rel_relkind(relid) == RELKIND_SEQUENCE && sg_read_class(relid, &class) && class.relowner != get_rolespec_oid(owner, false) &&
		(sequenceIsOwned(relid, DEPENDENCY_AUTO, &table, &column) || sequenceIsOwned(relid, DEPENDENCY_INTERNAL, &table, &column)))
		refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("cannot change owner of sequence \"%s\": it is linked to table \"%s\"", sg_rel_name(relid), sg_rel_name(table)));
}

/* Returns the partitioned table or index right above one, or InvalidOid */
static Oid
parent_of(Oid relid)
{
	List	   *above = sg_partition_ancestors(relid);

	return above ? linitial_oid(above) : InvalidOid;
}

/* Has a partition an index that is attached to the partitioned one? */
static bool
has_attached(Oid part, Oid partitioned)
{
	foreach_oid(index, fk_table_indexes(part))
	{
		if (parent_of(index) == partitioned)
			return true;
	}
	return false;
}

/* Returns why an index can't be attached to a partitioned one, or NULL */
static const char *
attach_refusal(Oid partitioned, Oid index, Oid part)
{
	Oid			table = IndexGetRelation(partitioned, false);
	Relation	parent;
	Relation	child;
	Relation	above;
	Relation	below;
	AttrMap    *map;
	bool		alike;
	bool		keyed = OidIsValid(get_index_constraint(partitioned)) && !OidIsValid(get_index_constraint(index));

	if (OidIsValid(parent_of(index)) && parent_of(index) != partitioned)
		return "it is attached to another index";
	if (parent_of(part) != table)
		return psprintf("it is not an index on any partition of table \"%s\"", sg_rel_name(table));
	if (!OidIsValid(parent_of(index)) && has_attached(part, partitioned))
		return psprintf("another index is already attached for partition \"%s\"", sg_rel_name(part));
	above = sg_relation_open(table, AccessShareLock);
	below = sg_relation_open(part, AccessShareLock);
	parent = index_open(partitioned, AccessShareLock);
	child = index_open(index, AccessShareLock);
	map = SG_ATTRMAP_BY_NAME(RelationGetDescr(below), RelationGetDescr(above));
	alike = CompareIndexInfo(BuildIndexInfo(child), BuildIndexInfo(parent), child->rd_indcollation, parent->rd_indcollation,
							 child->rd_opfamily, parent->rd_opfamily, map);
	index_close(child, NoLock);
	index_close(parent, NoLock);
	table_close(below, NoLock);
	table_close(above, NoLock);
	return !alike ? "the index definitions do not match" :
		keyed ? psprintf("index \"%s\" belongs to a constraint, and it to none", sg_rel_name(partitioned)) : NULL;
}

/* Raises an error for an index that can't be attached to a partitioned one */
static void
look_at_attached(Oid partitioned, const RangeVar *name)
{
	Oid			index = change_find_named(name);
	char		relkind = OidIsValid(index) ? get_rel_relkind(index) : '\0';
	const char *reason;

	if (!OidIsValid(index))
		return;
	if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not an index", sg_rel_name(index)));
	reason = attach_refusal(partitioned, index, IndexGetRelation(index, false));
	if (reason)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION, psprintf("cannot attach index \"%s\" as a partition of index \"%s\": %s",
														   sg_rel_name(index), sg_rel_name(partitioned), reason));
}

static void
look_at_command(const AlterTableStmt *statement, Oid table, const AlterTableCmd *command)
{
	FormData_pg_attribute column;
	AttrNumber	attnum;
	Oid			relid;

	look_for_typed(table, command->behavior);
	if (!statement->relation->inh && get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE && sg_has_subclass(table) &&
		(command->subtype == AT_AddColumn || (command->subtype == AT_AddConstraint && ((Constraint *) command->def)->contype == CONSTR_CHECK &&
											  !((Constraint *) command->def)->is_no_inherit)))
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("%s must be added to child tables too", command->subtype == AT_AddColumn ? "column" : "constraint"));
	switch (command->subtype)
	{
		case AT_AddColumn:
			need_kind(statement->relation, "rpfc");
			look_at_new_column(statement, table, command);
			break;
		case AT_AlterColumnType:
			look_at_type(statement, table, command);
			break;
		case AT_ColumnDefault:
			look_at_default(table, command);
			break;
		case AT_AddConstraint:
			look_at_constraint(statement, table, castNode(Constraint, command->def));
			break;
		case AT_DropColumn:
			if (is_typed(table))
				refuse(ERRCODE_WRONG_OBJECT_TYPE, pstrdup("cannot drop column from typed table"));
			attnum = get_attnum(table, command->name);
			if (attnum > 0 && sg_read_column(table, attnum, &column) && column.attinhcount > 0)
				refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("cannot drop inherited column \"%s\"", command->name));
			break;
		case AT_SetUnLogged:
			if (is_named_by_publication(table))
				refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("cannot change table \"%s\" to unlogged because it is %s a publication", sg_rel_name(table), SG_PUBLISHED));
			look_at_persistence(table, false);
			break;
		case AT_SetLogged:
			look_at_persistence(table, true);
			break;
		case AT_AddOf:
			look_at_of(table, (TypeName *) command->def);
			break;
		case AT_AttachPartition:
			if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE && get_rel_relkind(table) != RELKIND_PARTITIONED_INDEX)
				refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not partitioned", sg_rel_name(table)));
			if (get_rel_relkind(table) == RELKIND_PARTITIONED_INDEX)
				look_at_attached(table, ((PartitionCmd *) command->def)->name);
			break;
		case AT_ChangeOwner:
			look_at_owner(table, command->newowner);
			break;
		case AT_SetTableSpace:
			(void) get_tablespace_oid(command->name, false);
			break;
		case AT_SetRelOptions:
			if (get_rel_relkind(table) == RELKIND_VIEW)
				(void) view_reloptions(transformRelOptions((Datum) 0, (List *) command->def, NULL, NULL, false, false), true);
			break;
		case AT_DropInherit:
			relid = change_find_named((RangeVar *) command->def);
			if (OidIsValid(relid) && !list_member_oid(sg_children(relid), table))
				refuse(ERRCODE_UNDEFINED_TABLE, psprintf("relation \"%s\" is not a parent of relation \"%s\"", sg_rel_name(relid), sg_rel_name(table)));
			break;
		case AT_AlterConstraint:
			look_at_altered_key(table, command->def);
			break;
		case AT_DetachPartition:
			relid = change_find_named(((PartitionCmd *) command->def)->name);
			if (OidIsValid(relid) && !list_member_oid(sg_children(table), relid))
				refuse(ERRCODE_UNDEFINED_TABLE, psprintf("relation \"%s\" is not a partition of relation \"%s\"", sg_rel_name(relid), sg_rel_name(table)));
			if (((PartitionCmd *) command->def)->concurrent)
				refuse(ERRCODE_ACTIVE_SQL_TRANSACTION, pstrdup("ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block"));
			break;
		default:
			break;
	}
}

/* ---- other statements ---- */

/* Raises an error for a column of OLD or NEW that the table does not have */
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
}

/* Refuses what is no sequence, and another owner for that of an identity column */
static void
look_at_sequence(const AlterSeqStmt *statement)
{
	Oid			sequence = change_find_named(statement->sequence);
	Oid			table;
	int32		column;

	if (OidIsValid(sequence) && get_rel_relkind(sequence) != RELKIND_SEQUENCE)
		refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not a sequence", sg_rel_name(sequence)));
	foreach_ptr(const DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "owned_by") == 0 && OidIsValid(sequence) && sequenceIsOwned(sequence, DEPENDENCY_INTERNAL, &table, &column))
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("cannot change ownership of identity sequence: it is linked to table \"%s\"", sg_rel_name(table)));
	}
}

/* Refuses to empty tables to which keys of others refer */
static void
look_at_truncate(const TruncateStmt *statement)
{
	List	   *tables = NIL;
	List	   *parents;		/* and the tables that these are partitions of */

	foreach_ptr(const RangeVar, name, statement->relations)
	{
		Oid			table = change_find_named(name);

		if (OidIsValid(table))
			tables = list_concat(tables, name->inh ? sg_all_inheritors(table) : list_make1_oid(table));
	}
	parents = list_copy(tables);
	foreach_oid(table, tables)
	{
		if (get_rel_relispartition(table))
			parents = list_concat_unique_oid(parents, sg_partition_ancestors(table));
	}
	foreach_ptr(const FkKey, key, statement->behavior == DROP_CASCADE ? NIL : fk_declared(InvalidOid))
	{
		if (list_member_oid(parents, key->parent) && !list_member_oid(tables, key->child))
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("cannot truncate a table referenced in a foreign key constraint: \"%s\" of %s", key->name, sg_relation_name(key->child)));
	}
}

/* Refuses the name of a trigger, policy, rule or constraint that is not there, or of a constraint that is */
static void
look_at_part_name(Oid table, const RenameStmt *statement)
{
	const char *name = statement->subname;
	bool		found = true;
	bool		taken = false;
	Oid			constraint;

	switch (statement->renameType)
	{
		case OBJECT_TRIGGER:
			found = OidIsValid(get_trigger_oid(table, name, true));
			taken = OidIsValid(get_trigger_oid(table, statement->newname, true));
			break;
		case OBJECT_POLICY:
			found = OidIsValid(get_relation_policy_oid(table, name, true));
			taken = OidIsValid(get_relation_policy_oid(table, statement->newname, true));
			break;
		case OBJECT_RULE:
			found = OidIsValid(get_rewrite_oid(table, name, true));
			taken = OidIsValid(get_rewrite_oid(table, statement->newname, true));
			break;
		case OBJECT_TABCONSTRAINT:
			constraint = get_relation_constraint_oid(table, name, true);
			found = OidIsValid(constraint);
			taken = OidIsValid(get_relation_constraint_oid(table, statement->newname, true));
			/* its index is renamed with it */
			if (found && OidIsValid(get_constraint_index(constraint)))
				refuse_name(get_constraint_index(constraint), get_rel_namespace(table), statement->newname);
			break;
		case OBJECT_VIEW:
			if (get_rel_relkind(table) != RELKIND_VIEW)
				refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not a view", sg_rel_name(table)));
			break;
		default:
			break;
	}
	if (taken)
		refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("\"%s\" for relation \"%s\" already exists", statement->newname, sg_rel_name(table)));
	if (!found)
		refuse(ERRCODE_UNDEFINED_OBJECT, psprintf("\"%s\" of table \"%s\" does not exist", name, sg_rel_name(table)));
}

/* Refuses another name for a column or CHECK that a table has from another one, or without those that have it from the table */
static void
look_at_inherited(Oid table, const RenameStmt *statement)
{
	const char *what = statement->renameType == OBJECT_COLUMN ? "column" : "constraint";
	HeapTuple	tuple = statement->renameType == OBJECT_TABCONSTRAINT ? change_constraint(table, statement->subname) : NULL;
	Form_pg_constraint constraint = tuple ? (Form_pg_constraint) GETSTRUCT(tuple) : NULL;
	AttrNumber	attnum = statement->renameType == OBJECT_COLUMN ? get_attnum(table, statement->subname) : InvalidAttrNumber;

	if (attnum <= 0 && (constraint == NULL || constraint->contype != CONSTRAINT_CHECK || constraint->connoinherit))
		return;
	if (attnum > 0 ? sg_column(table, attnum).attinhcount > 0 : constraint->coninhcount > 0)
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("cannot rename inherited %s \"%s\"", what, statement->subname));
	if (!statement->relation->inh && list_length(sg_all_inheritors(table)) > 1)
		refuse(ERRCODE_INVALID_TABLE_DEFINITION, psprintf("inherited %s \"%s\" must be renamed in child tables too", what, statement->subname));
}

/* Refuses a drop of an index that a constraint, or an index of the table above, needs: CASCADE does not help */
static void
look_at_dropped_index(const RangeVar *name)
{
	Oid			index = change_find_named(name);
	Oid			constraint = OidIsValid(index) ? get_index_constraint(index) : InvalidOid;
	char	   *constrained = OidIsValid(constraint) ? get_constraint_name(constraint) : NULL;
	List	   *above = OidIsValid(index) ? sg_partition_ancestors(index) : NIL;

	if (constrained)
		refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
			   psprintf("cannot drop index %s because constraint %s on table %s requires it", sg_relation_name(index),
						quote_identifier(constrained), sg_relation_name(IndexGetRelation(index, true))));
	if (above)
		refuse(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
			   psprintf("cannot drop index %s because index %s requires it", sg_relation_name(index), sg_relation_name(linitial_oid(above))));
}

static void
look_at_rename(const RenameStmt *statement)
{
	Oid			table = change_find_named(statement->relation);

	if (!OidIsValid(table))
		return;
	look_at_part_name(table, statement);
	look_at_inherited(table, statement);
	if (statement->renameType == OBJECT_COLUMN)
	{
		foreach_oid(heir, statement->relation->inh ? sg_all_inheritors(table) : NIL)
		{
			if (heir != table && get_attnum(heir, statement->newname) != InvalidAttrNumber)
				refuse(ERRCODE_DUPLICATE_COLUMN, psprintf("column \"%s\" of relation \"%s\" already exists", statement->newname, sg_rel_name(heir)));
		}
		if (is_typed(table))
			refuse(ERRCODE_WRONG_OBJECT_TYPE, pstrdup("cannot rename column of typed table"));
	}
	if (statement->renameType == OBJECT_COLUMN && get_attnum(table, statement->newname) != InvalidAttrNumber)
		refuse(ERRCODE_DUPLICATE_COLUMN, psprintf("column \"%s\" of relation \"%s\" already exists", statement->newname, sg_rel_name(table)));
	if (statement->renameType == OBJECT_COLUMN)
		need_column(table, statement->subname);
	if (statement->renameType == OBJECT_ATTRIBUTE)
		look_for_typed(table, statement->behavior);
	if (statement->renameType == OBJECT_TABLE || statement->renameType == OBJECT_VIEW || statement->renameType == OBJECT_MATVIEW ||
		statement->renameType == OBJECT_INDEX || statement->renameType == OBJECT_SEQUENCE)
		refuse_name(table, get_rel_namespace(table), statement->newname);
}

static void
look_at_schema(const AlterObjectSchemaStmt *statement)
{
	Oid			schema = get_namespace_oid(statement->newschema, false);
	Oid			table = change_find_named(statement->relation);

	if (!OidIsValid(table) || schema == get_rel_namespace(table))
		return;
	/* its indexes and sequences go along */
	foreach_oid(relid, lcons_oid(table, list_concat_copy(fk_table_indexes(table), getOwnedSequences(table))))
	{
		refuse_name(relid, schema, sg_rel_name(relid));
	}
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

/* Raises an error for a missing language */
static void
look_at_function(const CreateFunctionStmt *statement)
{
	foreach_ptr(const DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "language") == 0)
			(void) get_language_oid(strVal(option->arg), false);
	}
}

/* Refuses what makes a slot on the publisher, which no transaction can take back */
static void
look_at_subscription(const CreateSubscriptionStmt *statement)
{
	bool		creates = true;

	foreach_ptr(DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "create_slot") == 0 || strcmp(option->defname, "connect") == 0)
			creates &= defGetBoolean(option);
	}
	if (creates)
		refuse(ERRCODE_ACTIVE_SQL_TRANSACTION, pstrdup("CREATE SUBSCRIPTION ... WITH (create_slot = true) cannot run inside a transaction block"));
}

static void
set_label(void *statement)
{
	(void) ExecSecLabelStmt(statement);
}

/* Asks the server for the provider of a label, on an object of a kind that has none, so that it gets no further */
static void
look_at_label(const SecLabelStmt *statement)
{
	SecLabelStmt probe = *statement;
	ErrorData  *edata;

	probe.objtype = OBJECT_AMOP;
	edata = check_try(set_label, &probe);
	if (edata && edata->sqlerrcode != ERRCODE_WRONG_OBJECT_TYPE)
		ReThrowError(edata);
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
		case T_DropStmt:
			foreach_ptr(List, name, ((DropStmt *) statement)->removeType == OBJECT_INDEX ? ((DropStmt *) statement)->objects : NIL)
			{
				look_at_dropped_index(makeRangeVarFromNameList(name));
			}
			break;
		case T_IndexStmt:
			need_kind(((IndexStmt *) statement)->relation, "rpm");
			table = change_find_named(((IndexStmt *) statement)->relation);
			if (OidIsValid(table) && ((IndexStmt *) statement)->idxname && !((IndexStmt *) statement)->if_not_exists)
				refuse_name(InvalidOid, get_rel_namespace(table), ((IndexStmt *) statement)->idxname);
			foreach_ptr(const IndexElem, element, OidIsValid(table) ? ((IndexStmt *) statement)->indexParams : NIL)
			{
				if (element->name)
					need_column(table, element->name);
			}
			if (OidIsValid(table) && ((IndexStmt *) statement)->concurrent && get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
				refuse(ERRCODE_FEATURE_NOT_SUPPORTED, psprintf("cannot create index on partitioned table \"%s\" concurrently", sg_rel_name(table)));
			break;
		case T_CreatePolicyStmt:
			need_kind(((CreatePolicyStmt *) statement)->table, "rp");
			table = change_find_named(((CreatePolicyStmt *) statement)->table);
			if (OidIsValid(table) && OidIsValid(get_relation_policy_oid(table, ((CreatePolicyStmt *) statement)->policy_name, true)))
				refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("policy \"%s\" for table \"%s\" already exists",
														  ((CreatePolicyStmt *) statement)->policy_name, sg_rel_name(table)));
			if (OidIsValid(table))
				look_at_policy(table, (CreatePolicyStmt *) statement);
			break;
		case T_AlterPolicyStmt:
			table = change_find_named(((AlterPolicyStmt *) statement)->table);
			if (OidIsValid(table))
			{
				CreatePolicyStmt policy = {.qual = ((AlterPolicyStmt *) statement)->qual,.with_check = ((AlterPolicyStmt *) statement)->with_check};

				(void) get_relation_policy_oid(table, ((AlterPolicyStmt *) statement)->policy_name, false);
				look_at_policy(table, &policy);
			}
			break;
		case T_VacuumStmt:
			foreach_ptr(const VacuumRelation, one, ((VacuumStmt *) statement)->rels)
			{
				table = RangeVarGetRelid(one->relation, NoLock, false);
				foreach_ptr(Node, column, one->va_cols)
				{
					need_column(table, strVal(column));
				}
			}
			break;
		case T_CreateTrigStmt:
			if (OidIsValid(change_find_named(((CreateTrigStmt *) statement)->relation)))
				look_at_trigger((CreateTrigStmt *) statement);
			break;
		case T_RuleStmt:
			table = change_find_named(((RuleStmt *) statement)->relation);
			if (OidIsValid(table) && ((RuleStmt *) statement)->event == CMD_SELECT && !becomes_view(table))
				refuse(ERRCODE_WRONG_OBJECT_TYPE, psprintf("\"%s\" is not a view: it takes no rule ON SELECT", sg_rel_name(table)));
			if (OidIsValid(table))
				(void) look_for_row_columns(((RuleStmt *) statement)->whereClause, &table);
			if (OidIsValid(table) && !((RuleStmt *) statement)->replace && OidIsValid(get_rewrite_oid(table, ((RuleStmt *) statement)->rulename, true)))
				refuse(ERRCODE_DUPLICATE_OBJECT, psprintf("rule \"%s\" for relation \"%s\" already exists", ((RuleStmt *) statement)->rulename, sg_rel_name(table)));
			break;
		case T_CreateStatsStmt:

			/*
			 * the grammar accepts any FROM, the server only the name of one
			 * table
			 */
			foreach_ptr(Node, from, ((CreateStatsStmt *) statement)->relations)
			{
				if (list_length(((CreateStatsStmt *) statement)->relations) != 1 || !IsA(from, RangeVar))
				{
					refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "only a single relation is allowed in CREATE STATISTICS");
					break;
				}
				need_kind((RangeVar *) from, "rpmf");
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
		case T_AlterSeqStmt:
			look_at_sequence((AlterSeqStmt *) statement);
			break;
		case T_TruncateStmt:
			look_at_truncate((TruncateStmt *) statement);
			break;
		case T_RefreshMatViewStmt:
			look_at_refresh((RefreshMatViewStmt *) statement);
			break;
		case T_CreateFunctionStmt:
			look_at_function((CreateFunctionStmt *) statement);
			break;
		case T_GrantStmt:
			look_at_granted((GrantStmt *) statement);
			break;
		case T_CreateSubscriptionStmt:
			look_at_subscription((CreateSubscriptionStmt *) statement);
			break;
		case T_SecLabelStmt:
			look_at_label((SecLabelStmt *) statement);
			break;
		default:
			break;
	}
}
