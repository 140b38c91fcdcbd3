/*-------------------------------------------------------------------------
 *
 * check_statement.c
 *	  Statements of a plan: the objects that they name, and the tables whose
 *	  rows they write.  Names are looked up as in the statement's run, in
 *	  pg_catalog unless they are qualified.  An earlier step of the plan may
 *	  make a missing object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "catalog/indexing.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "rewrite/rewriteSupport.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "check/check.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_drops.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "script/script.h"

#define NAMED_GONE 3			/* number of tables that a message names */

/* Bytes of a table that is built, read or written in a moment */
#define SHORT_HOLD (1024.0 * 1024.0)

typedef struct Naming
{
	CheckStep  *cs;
	Node	   *statement;
	List	   *before;			/* texts of earlier statements in its step */
	List	   *queries;		/* char *: names of WITH queries */
	List	   *missing;		/* of char * */
	char	   *near;			/* a name that the first missing one may have
								 * meant, or NULL */
	bool		refused;		/* an error is about an existing object, or
								 * one that uses it */
	bool		names_only;		/* existing objects are of no interest */
} Naming;

/* ---- names ---- */

/* Returns the relkinds that a statement about such an object may mean */
static const char *
kinds_of(ObjectType type)
{
	switch (type)
	{
		case OBJECT_INDEX:
			return "iI";
		case OBJECT_SEQUENCE:
			return "S";
		case OBJECT_VIEW:
			return "v";
		case OBJECT_MATVIEW:
			return "m";
		case OBJECT_FOREIGN_TABLE:
			return "f";
		default:
			return SG_TABLE_KINDS;
	}
}

static bool
is_in_texts(List *texts, const char *name)
{
	foreach_ptr(const char, text, texts)
	{
		if (strstr(text, name))
			return true;
	}
	return false;
}

/* Looks for a relation of these relkinds; an earlier statement of the step may make it */
static void
look_for_relation(Naming *naming, const RangeVar *name, const char *kinds)
{
	if (name == NULL || OidIsValid(change_find_named(name)) || is_in_texts(naming->before, name->relname))
		return;
	if (naming->missing == NIL)
		naming->near = sg_nearest_relation(quote_qualified_identifier(name->schemaname, name->relname), kinds);
	naming->missing = lappend(naming->missing, psprintf("relation %s", quote_qualified_identifier(name->schemaname, name->relname)));
}

static void
look_for_table(Naming *naming, const RangeVar *name)
{
	look_for_relation(naming, name, SG_TABLE_KINDS);
}

static void
look_for_tables(Naming *naming, List *names)
{
	foreach_ptr(const RangeVar, name, names)
	{
		look_for_table(naming, name);
	}
}

static bool
visit_queries(Node *node, void *context)
{
	Naming	   *naming = context;

	if (node == NULL)
		return false;
	if (IsA(node, CommonTableExpr))
		naming->queries = lappend(naming->queries, ((CommonTableExpr *) node)->ctename);
	return raw_expression_tree_walker(node, visit_queries, context);
}

static bool
visit_tables(Node *node, void *context)
{
	Naming	   *naming = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) && (((RangeVar *) node)->schemaname || !sg_has_name(naming->queries, ((RangeVar *) node)->relname)))
		look_for_table(naming, (RangeVar *) node);
	return raw_expression_tree_walker(node, visit_tables, context);
}

/* Raises the server's error for a missing role */
static void
look_for_roles(List *roles)
{
	foreach_ptr(const RoleSpec, role, roles)
	{
		if (role->roletype != ROLESPEC_PUBLIC)
			(void) get_rolespec_oid(role, false);
	}
}

/* Looks for the object of DROP, COMMENT or GRANT; the server's error names the missing one */
static void
look_for_object(Naming *naming, ObjectType type, Node *object)
{
	Relation	rel = NULL;

	if ((type == OBJECT_TYPE || type == OBJECT_DOMAIN) && IsA(object, List))
		object = (Node *) makeTypeNameFromNameList((List *) object);
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			look_for_relation(naming, makeRangeVarFromNameList((List *) object), kinds_of(type));
			if (naming->missing || is_in_texts(naming->before, strVal(llast((List *) object))))
				break;
			(void) get_object_address(type, object, &rel, AccessShareLock, false);
			if (rel)
				relation_close(rel, NoLock);
			break;
		case OBJECT_TRIGGER:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_COLUMN:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			look_for_table(naming, makeRangeVarFromNameList(list_copy_head((List *) object, list_length((List *) object) - 1)));
			if (naming->missing)
				break;
			(void) get_object_address(type, object, &rel, AccessShareLock, false);
			if (rel)
				relation_close(rel, NoLock);
			break;
		case OBJECT_LARGEOBJECT:
			break;
		default:
			(void) get_object_address(type, object, &rel, AccessShareLock, false);
			if (rel)
				relation_close(rel, NoLock);
			break;
	}
}

/*
 * Raises the server's error for operators and operator classes of EXCLUDE that
 * a column's type does not have
 */
static void
look_for_exclusion(Naming *naming, Oid table, const Constraint *constraint)
{
	Oid			method = get_index_am_oid(constraint->access_method, false);

	foreach_ptr(List, exclusion, constraint->exclusions)
	{
		IndexElem  *element = linitial(exclusion);
		AttrNumber	attnum = element->name ? get_attnum(table, element->name) : InvalidAttrNumber;

		if (attnum > 0)
			(void) ResolveOpClass(element->opclass, get_atttype(table, attnum), constraint->access_method, method);
		else if (element->name)
			naming->missing = lappend(naming->missing, psprintf("column %s", quote_identifier(element->name)));
	}
}

/* Looks for a column of a table; an earlier statement of the step may add it */
static void
look_for_column(Naming *naming, Oid table, const char *column)
{
	if (get_attnum(table, column) != InvalidAttrNumber || is_in_texts(naming->before, column))
		return;
	if (naming->missing == NIL)
		naming->near = sg_nearest_column(table, column);
	naming->missing = lappend(naming->missing, psprintf("column %s", quote_identifier(column)));
}

typedef struct RowNaming
{
	Naming	   *naming;
	Oid			table;
	bool		versions;		/* columns are those of NEW and OLD, else of
								 * the table */
} RowNaming;

/* Looks for columns of the table; other tables of subqueries may have those without a table's name */
static bool
visit_columns(Node *node, void *context)
{
	RowNaming  *row = context;
	const char *prefix = NULL;
	const List *fields;

	if (node == NULL || (IsA(node, SubLink) && !row->versions))
		return false;
	if (!IsA(node, ColumnRef))
		return raw_expression_tree_walker(node, visit_columns, context);
	fields = ((ColumnRef *) node)->fields;
	if (list_length(fields) > 2 || !IsA(llast(fields), String))
		return false;
	if (list_length(fields) == 2)
		prefix = strVal(linitial(fields));
	if (row->versions ? prefix && (strcmp(prefix, "new") == 0 || strcmp(prefix, "old") == 0) :
		prefix ? strcmp(prefix, sg_rel_name(row->table)) == 0 : strcmp(strVal(llast(fields)), sg_rel_name(row->table)) != 0)
		look_for_column(row->naming, row->table, strVal(llast(fields)));
	return false;
}

/* Looks for a table and, in an expression or list of queries, its columns */
static void
look_for_row(Naming *naming, const RangeVar *name, bool versions, List *nodes)
{
	RowNaming	row = {naming, change_find_named(name), versions};

	look_for_table(naming, name);
	foreach_ptr(Node, node, OidIsValid(row.table) ? nodes : NIL)
	{
		/* NOTIFY has no columns, and the walker does not know it */
		if (node && !IsA(node, NotifyStmt))
			(void) visit_columns(node, &row);
	}
}

static void
look_for_trigger(Naming *naming, const CreateTrigStmt *statement)
{
	Oid			table = change_find_named(statement->relation);

	look_for_row(naming, statement->relation, true, list_make1(statement->whenClause));
	foreach_ptr(Node, column, OidIsValid(table) ? statement->columns : NIL)
	{
		look_for_column(naming, table, strVal(column));
	}
	(void) LookupFuncName(statement->funcname, 0, NULL, false);
}

/* Looks for the index of which a command makes a constraint */
static void
look_for_index(Naming *naming, Oid table, const char *index)
{
	if (index && !OidIsValid(get_relname_relid(index, get_rel_namespace(table))) && !is_in_texts(naming->before, index))
		naming->missing = lappend(naming->missing, psprintf("index %s", quote_identifier(index)));
}

/* Returns the names of a table's columns */
static List *
columns_of(Oid table)
{
	List	   *names = NIL;
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(tuple);

		if (column->attnum > 0 && !column->attisdropped)
			names = lappend(names, pstrdup(NameStr(column->attname)));
	}
	sg_catalog_end(&scan);
	return names;
}

/* Raises the server's error about the columns of a table that is to become a partition */
static void
look_for_columns(Naming *naming, Oid parent, const PartitionCmd *command)
{
	Oid			part = change_find_named(command->name);

	if (!OidIsValid(part))
	{
		look_for_table(naming, command->name);
		return;
	}
	foreach_ptr(const char, column, columns_of(parent))
	{
		AttrNumber	attnum = get_attnum(part, column);

		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("child table is missing column \"%s\"", column)));
		if (get_atttype(part, attnum) != get_atttype(parent, get_attnum(parent, column)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("child table %s has different type for column \"%s\"", sg_relation_name(part), column)));
	}
	foreach_ptr(const char, column, columns_of(part))
	{
		if (get_attnum(parent, column) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("table %s contains column \"%s\" not found in parent %s", sg_relation_name(part), column, sg_relation_name(parent))));
	}
}

/*
 * Returns whether an earlier statement, or an earlier command of the same one,
 * adds the column or constraint that a command changes
 */
static bool
is_added(const Naming *naming, const AlterTableCmd *change)
{
	const AlterTableStmt *statement = castNode(AlterTableStmt, naming->statement);
	ScriptTouched touched = {NIL};

	foreach_ptr(const char, text, naming->before)
	{
		script_touch(&touched, linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt);
	}
	if (sg_has_name(touched.names, change->name))
		return true;
	if (change->subtype == AT_ValidateConstraint)
		return script_added_constraint(statement, change->name) != NULL;
	foreach_ptr(const AlterTableCmd, command, change->subtype == AT_SetNotNull || change->subtype == AT_ColumnDefault ? statement->cmds : NIL)
	{
		if (command->subtype == AT_AddColumn && strcmp(((ColumnDef *) command->def)->colname, change->name) == 0)
			return true;
	}
	return false;
}

/* Looks for the objects that a command of ALTER TABLE names */
static void
look_for_part(Naming *naming, Oid table, const AlterTableCmd *command)
{
	const char *what = NULL;
	char	   *near;

	switch (command->subtype)
	{
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			what = OidIsValid(get_trigger_oid(table, command->name, true)) ? NULL : "trigger";
			break;
		case AT_SetNotNull:
		case AT_ColumnDefault:
		case AT_DropColumn:
		case AT_DropNotNull:
		case AT_AlterColumnType:
		case AT_SetCompression:
		case AT_SetStorage:
		case AT_SetOptions:
		case AT_ResetOptions:
			what = command->missing_ok || get_attnum(table, command->name) != InvalidAttrNumber || is_added(naming, command) ? NULL : "column";
			break;
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
			what = OidIsValid(get_rewrite_oid(table, command->name, true)) ? NULL : "rule";
			break;
		case AT_ValidateConstraint:
		case AT_DropConstraint:
			what = command->missing_ok || OidIsValid(get_relation_constraint_oid(table, command->name, true)) || is_added(naming, command) ? NULL : "constraint";
			break;
		case AT_AddConstraint:
			look_for_table(naming, ((Constraint *) command->def)->pktable);
			look_for_index(naming, table, ((Constraint *) command->def)->indexname);
			if (((Constraint *) command->def)->contype == CONSTR_EXCLUSION)
				look_for_exclusion(naming, table, (Constraint *) command->def);
			break;
		case AT_AttachPartition:
			if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
				look_for_columns(naming, table, (PartitionCmd *) command->def);
			else
				look_for_relation(naming, ((PartitionCmd *) command->def)->name, kinds_of(OBJECT_INDEX));
			break;
		case AT_ChangeOwner:
			look_for_roles(list_make1(command->newowner));
			break;
		default:
			break;
	}
	if (what == NULL)
		return;
	if (strcmp(what, "column") == 0)
		near = sg_nearest_column(table, command->name);
	else if (strcmp(what, "rule") == 0)
		near = NULL;
	else
		near = sg_nearest_part(table, strcmp(what, "trigger") == 0 ? TriggerRelationId : ConstraintRelationId, command->name);
	if (naming->missing == NIL && near)
		naming->near = near;
	naming->missing = lappend(naming->missing, psprintf("%s %s", what, quote_identifier(command->name)));
}

static void
look_for_altered(Naming *naming, const AlterTableStmt *statement)
{
	Oid			table = change_find_named(statement->relation);

	if (OidIsValid(table))
	{
		foreach_ptr(const AlterTableCmd, command, statement->cmds)
		{
			look_for_part(naming, table, command);
		}
	}
	else if (!statement->missing_ok)
		look_for_relation(naming, statement->relation, kinds_of(statement->objtype));
}

/* Raises the server's error for a new relation's name that is taken */
static void
look_for_new(Naming *naming, const RangeVar *name, bool may_be_there)
{
	naming->refused = true;
	if (!may_be_there && name->schemaname && OidIsValid(change_find_named(name)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", name->relname)));
	naming->refused = false;
}

/* Raises an error for an extension that is there, or is not available */
static void
look_for_extension(const CreateExtensionStmt *statement)
{
	Datum		available;

	if (OidIsValid(get_extension_oid(statement->extname, true)))
	{
		if (!statement->if_not_exists)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("extension \"%s\" already exists", statement->extname)));
	}
	else if (!sg_owner_fetch("SELECT name::text FROM pg_available_extensions WHERE name = $1", statement->extname, &available))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("extension \"%s\" is not available", statement->extname)));
}

/* Raises an error for a version of an extension that is not there */
static void
look_for_version(const AlterExtensionStmt *statement)
{
	Datum		available;

	(void) get_extension_oid(statement->extname, false);
	foreach_ptr(const DefElem, option, statement->options)
	{
		char	   *version = psprintf("%s %s", statement->extname, strVal(option->arg));

		if (!sg_owner_fetch("SELECT name::text FROM pg_available_extension_versions WHERE name || ' ' || version = $1", version, &available))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("extension \"%s\" has no version \"%s\"", statement->extname, strVal(option->arg))));
	}
}

/* Raises the server's error for an enum value that is missing, or exists already */
static void
look_for_value(Oid type, const char *value, bool wanted)
{
	if (value == NULL || SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type), CStringGetDatum(value)) == wanted)
		return;
	if (wanted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an existing enum label", value)));
	else
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("enum label \"%s\" already exists", value)));
}

static void
look_for_values(const AlterEnumStmt *statement)
{
	Oid			type = typenameTypeId(NULL, makeTypeNameFromNameList(statement->typeName));

	look_for_value(type, statement->oldVal, true);
	look_for_value(type, statement->newValNeighbor, true);
	if (!statement->skipIfNewValExists)
		look_for_value(type, statement->newVal, false);
}

typedef struct Analysis
{
	RawStmt    *raw;
	Query	   *query;
} Analysis;

static void
analyse_query(void *arg)
{
	Analysis   *analysis = arg;

	analysis->query = parse_analyze_fixedparams(analysis->raw, "", NULL, 0, NULL);
}

/* Raises the server's error about the columns of a view that is replaced */
static void
look_for_replaced(Oid view, const Query *query)
{
	AttrNumber	attnum = 0;

	if (get_rel_relkind(view) != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a view", sg_rel_name(view))));

	foreach_ptr(const TargetEntry, entry, query->targetList)
	{
		FormData_pg_attribute column;

		if (entry->resjunk || !sg_read_column(view, ++attnum, &column) || column.attisdropped)
			continue;
		if (strcmp(NameStr(column.attname), entry->resname) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("cannot change name of view column \"%s\" to \"%s\"", NameStr(column.attname), entry->resname)));
		if (column.atttypid != exprType((Node *) entry->expr))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("cannot change data type of view column \"%s\"", NameStr(column.attname))));
	}
	if (list_length(columns_of(view)) > attnum)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("cannot drop columns from view")));
}

/* Raises the server's error for missing objects in the query of a view, by analysing it */
static void
look_for_columns_of(Naming *naming, Node *query, const ViewStmt *view)
{
	CodeReach  *reach = code_reach();
	Analysis	analysis = {makeNode(RawStmt)};
	Oid			replaced = view->replace && view->aliases == NIL ? change_find_named(view->view) : InvalidOid;
	SgScope		scope;

	(void) visit_queries(query, naming);
	(void) visit_tables(query, naming);
	if (naming->missing)
		return;
	analysis.raw->stmt = copyObject(query);
	code_reach_raw(reach, query);
	code_analysis_begin(&scope, reach, GetUserId(), "query");
	code_analyse_as_meant(reach, analyse_query, &analysis);
	sg_scope_end(&scope);
	if (OidIsValid(replaced))
		look_for_replaced(replaced, analysis.query);
}

static void
look_for_all(void *arg)
{
	Naming	   *naming = arg;
	Node	   *statement = naming->statement;
	SgScope		scope;

	sg_caller_begin(&scope);
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			look_for_altered(naming, (AlterTableStmt *) statement);
			break;
		case T_RenameStmt:
			if (!((RenameStmt *) statement)->missing_ok)
				look_for_relation(naming, ((RenameStmt *) statement)->relation, kinds_of(((RenameStmt *) statement)->renameType));
			if (((RenameStmt *) statement)->object)
				look_for_object(naming, ((RenameStmt *) statement)->renameType == OBJECT_DOMCONSTRAINT ? OBJECT_DOMAIN : ((RenameStmt *) statement)->renameType,
								((RenameStmt *) statement)->object);
			break;
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) statement)->object)
				look_for_object(naming, ((AlterObjectSchemaStmt *) statement)->objectType, ((AlterObjectSchemaStmt *) statement)->object);
			break;
		case T_AlterOwnerStmt:
			look_for_roles(list_make1(((AlterOwnerStmt *) statement)->newowner));
			look_for_object(naming, ((AlterOwnerStmt *) statement)->objectType, ((AlterOwnerStmt *) statement)->object);
			break;
		case T_AlterFunctionStmt:
			look_for_object(naming, ((AlterFunctionStmt *) statement)->objtype, (Node *) ((AlterFunctionStmt *) statement)->func);
			break;
		case T_AlterDomainStmt:
			look_for_object(naming, OBJECT_DOMAIN, (Node *) ((AlterDomainStmt *) statement)->typeName);
			break;
		case T_DropStmt:
			foreach_ptr(Node, object, ((DropStmt *) statement)->missing_ok ? NIL : ((DropStmt *) statement)->objects)
			{
				look_for_object(naming, ((DropStmt *) statement)->removeType, object);
			}
			break;
		case T_CommentStmt:
			look_for_object(naming, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object);
			break;
		case T_GrantStmt:
			look_for_roles(((GrantStmt *) statement)->grantees);
			if (((GrantStmt *) statement)->targtype != ACL_TARGET_OBJECT)
				break;
			if (((GrantStmt *) statement)->objtype == OBJECT_TABLE || ((GrantStmt *) statement)->objtype == OBJECT_SEQUENCE)
				look_for_tables(naming, ((GrantStmt *) statement)->objects);
			else
			{
				foreach_ptr(Node, object, ((GrantStmt *) statement)->objects)
				{
					look_for_object(naming, ((GrantStmt *) statement)->objtype, object);
				}
			}
			break;
		case T_GrantRoleStmt:
			look_for_roles(((GrantRoleStmt *) statement)->grantee_roles);
			break;
		case T_AlterEnumStmt:
			look_for_values((AlterEnumStmt *) statement);
			break;
		case T_ReassignOwnedStmt:
			look_for_roles(lappend(list_copy(((ReassignOwnedStmt *) statement)->roles), ((ReassignOwnedStmt *) statement)->newrole));
			break;
		case T_DropOwnedStmt:
			look_for_roles(((DropOwnedStmt *) statement)->roles);
			break;
		case T_AlterSubscriptionStmt:
			(void) get_subscription_oid(((AlterSubscriptionStmt *) statement)->subname, false);
			break;
		case T_AlterObjectDependsStmt:
			(void) get_extension_oid(strVal(((AlterObjectDependsStmt *) statement)->extname), false);
			break;
		case T_AlterExtensionStmt:
			look_for_version((AlterExtensionStmt *) statement);
			break;
		case T_CreateExtensionStmt:
			look_for_extension((CreateExtensionStmt *) statement);
			break;
		case T_CreateSeqStmt:
			look_for_new(naming, ((CreateSeqStmt *) statement)->sequence, ((CreateSeqStmt *) statement)->if_not_exists);
			break;
		case T_TruncateStmt:
			look_for_tables(naming, ((TruncateStmt *) statement)->relations);
			break;
		case T_RefreshMatViewStmt:
			look_for_table(naming, ((RefreshMatViewStmt *) statement)->relation);
			break;
		case T_IndexStmt:
			look_for_table(naming, ((IndexStmt *) statement)->relation);
			break;
		case T_CreatePolicyStmt:
			look_for_row(naming, ((CreatePolicyStmt *) statement)->table, false,
						 list_make2(((CreatePolicyStmt *) statement)->qual, ((CreatePolicyStmt *) statement)->with_check));
			look_for_roles(((CreatePolicyStmt *) statement)->roles);
			break;
		case T_CreateTrigStmt:
			look_for_trigger(naming, (CreateTrigStmt *) statement);
			break;
		case T_RuleStmt:
			look_for_row(naming, ((RuleStmt *) statement)->relation, true,
						 lcons(((RuleStmt *) statement)->whereClause, list_copy(((RuleStmt *) statement)->actions)));
			break;
		case T_ViewStmt:
			look_for_new(naming, ((ViewStmt *) statement)->view, ((ViewStmt *) statement)->replace);
			look_for_columns_of(naming, ((ViewStmt *) statement)->query, (ViewStmt *) statement);
			break;
		case T_AlterSeqStmt:
			if (!((AlterSeqStmt *) statement)->missing_ok)
				look_for_relation(naming, ((AlterSeqStmt *) statement)->sequence, kinds_of(OBJECT_SEQUENCE));
			break;
		case T_CreatePublicationStmt:
			foreach_ptr(const PublicationObjSpec, object, ((CreatePublicationStmt *) statement)->pubobjects)
			{
				if (object->pubtable)
					look_for_table(naming, object->pubtable->relation);
			}
			break;
		case T_DropRoleStmt:
			look_for_roles(((DropRoleStmt *) statement)->missing_ok ? NIL : ((DropRoleStmt *) statement)->roles);
			break;
		default:
			/* the first statement is reported by the look at the step */
			if ((naming->before || naming->names_only) && code_is_query(statement))
			{
				(void) visit_queries(statement, naming);
				(void) visit_tables(statement, naming);
			}
			break;
	}
	naming->refused = true;
	if (naming->missing == NIL && !naming->names_only)
		check_refused(statement);
	sg_scope_end(&scope);
}

/* Returns the last name of "relation s.t" */
static const char *
last_name(const char *missing)
{
	const char *name = missing + strlen(missing);

	while (name > missing && strchr(". ", name[-1]) == NULL)
		name--;
	return name;
}

/* Has a step that is still to be run this name in its text? */
static bool
is_named_by(const PlanStep *step, const char *name)
{
	const char *texts[] = {step->definition, step->child_table, step->fk_name, step->new_name};

	if (!plan_step_is_ahead(step))
		return false;
	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] && plan_has_word(texts[i], name))
			return true;
	}
	return sg_has_name(step->child_columns, name);
}

/* Has another step that is still to be run the name of a missing object in its text? */
static bool
is_named_elsewhere(const PlanStep *step, const char *missing)
{
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (other->step != step->step && is_named_by(other, last_name(missing)))
			return true;
	}
	return false;
}

/* Returns what an object that a statement names, and that is not there, may be meant to be; or NULL */
static const char *
meant_instead(const Naming *naming)
{
	if (naming->near)
		return psprintf("Perhaps you meant %s.", naming->near);
	return strncmp(linitial(naming->missing), "relation ", 9) == 0 ?
		"Names in a statement are looked up in pg_catalog; others need their schema." : NULL;
}

/*
 * Returns the problem of a new step whose statements name a relation, column,
 * constraint or trigger that is not there, and that no other step names; called
 * by plan_input.c
 */
static FkProblem *
problem_of_names(const PlanStep *step)
{
	List	   *before = NIL;

	foreach_ptr(char, text, plan_change_texts(step->definition))
	{
		Naming		naming = {.before = before,.names_only = true};
		int			level = NewGUCNestLevel();
		ErrorData  *edata;

		naming.statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		sg_scope_set("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
		edata = sg_try_undo(look_for_all, &naming);
		AtEOXact_GUC(false, level);
		if (edata)
			sg_rethrow_cancel(edata);
		if (naming.missing)
			return is_named_elsewhere(step, linitial(naming.missing)) ? NULL :
				fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_OBJECT, psprintf("%s does not exist", (char *) linitial(naming.missing)),
						   psprintf("%s%sCorrect the step, or leave it out:\n%s", meant_instead(&naming) ? meant_instead(&naming) : "",
									meant_instead(&naming) ? " " : "", plan_skip_call(step, "it can't be done here")));
		before = lappend(before, text);
	}
	return NULL;
}

void
check_init(void)
{
	plan_names_hook = problem_of_names;
}

char *
check_refusal(Node *statement)
{
	Naming		naming = {.statement = statement};
	ErrorData  *edata = sg_try_undo(look_for_all, &naming);

	if (edata == NULL)
		return naming.missing ? psprintf("%s does not exist", (char *) linitial(naming.missing)) : NULL;
	sg_rethrow_cancel(edata);
	/* what a transaction block alone forbids is another question */
	return sg_is_race(edata) || edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		edata->sqlerrcode == ERRCODE_ACTIVE_SQL_TRANSACTION ?
		NULL : sg_error_message(edata);
}

bool
check_may_be_made(const PlanCheck *check, const CheckStep *cs, bool tables)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs)
			return false;
		if (plan_step_is_ahead(other->step) &&
			((other->step->kind == STEP_STATEMENT && (tables || other->makes == NULL)) || other->step->kind == STEP_RENAME))
			return true;
	}
	return false;
}

const PlanStep *
check_step_before(const PlanCheck *check, const CheckStep *cs)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs)
			return NULL;
		if (plan_step_is_ahead(other->step))
			return other->step;
	}
	return NULL;
}

/*
 * Returns whether an earlier step that is still to be run has the last name of
 * "relation s.t" in its text
 */
static bool
is_made_before(const PlanCheck *check, const CheckStep *cs, const char *missing)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs)
			return false;
		if (is_named_by(other->step, last_name(missing)))
			return true;
	}
	return false;
}

/*
 * Returns the hint for a statement that names missing objects, or is refused;
 * meant: a sentence, or NULL
 */
static char *
names_hint(const CheckStep *cs, const char *meant, const char *add, const char *why)
{
	return psprintf("%s%s%s a step that can run, and leave this one out:\n%s", meant ? meant : "", meant ? " " : "", add,
					check_skip(cs, why));
}

/* Does a step before this one, still to be run, add something that an error names? */
static bool
is_added_before(const PlanCheck *check, const CheckStep *cs, const ErrorData *edata)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		const PlanStep *step = other->step;

		if (other == cs)
			return false;
		if (!plan_step_is_ahead(step))
			continue;
		if ((step->fk_name && plan_has_word(edata->message, step->fk_name)) || (step->new_name && plan_has_word(edata->message, step->new_name)))
			return true;
		foreach_ptr(const char, column, step->child_columns)
		{
			if (plan_has_word(edata->message, column))
				return true;
		}
	}
	return false;
}

bool
check_adds_column(const PlanCheck *check, const CheckStep *cs, const ErrorData *edata)
{
	if (edata->sqlerrcode != ERRCODE_UNDEFINED_COLUMN)
		return false;
	foreach_ptr(const CheckStep, other, check->steps)
	{
		const PlanStep *step = other->step;

		if (other == cs)
			return false;
		if (step->kind == STEP_COLUMN && plan_step_is_ahead(step) &&
			sg_same_text(step->child_table, cs->step->child_table) && plan_has_word(edata->message, linitial(step->child_columns)))
			return true;
	}
	return false;
}

static void
check_names(PlanCheck *check, CheckStep *cs, Node *statement, List *before)
{
	Naming		naming = {.cs = cs,.statement = statement,.before = before};

	/* sg_try_undo() on a standby, too, because the error would end the call */
	ErrorData  *edata = sg_try_undo(look_for_all, &naming);
	CheckResult result = before || check_may_be_made(check, cs, true) || (naming.refused && check_step_before(check, cs)) ||
		(edata && is_added_before(check, cs, edata)) ? CHECK_WARN : CHECK_BLOCK;
	const char *unless = result == CHECK_WARN ? ", unless an earlier statement makes it" : "";
	const char *changes = result == CHECK_WARN ? ", unless an earlier statement changes that" : "";

	if (edata)
		sg_rethrow_cancel(edata);
	if (edata && sg_is_race(edata))
		ReThrowError(edata);
	if (edata && check_adds_column(check, cs, edata))
		return;
	if (edata && (edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE))
		check_row(cs, "names", CHECK_WARN, psprintf("the names could not be looked up: %s", sg_error_message(edata)), NULL);
	else if (edata)
		check_row(cs, "names", result, psprintf("%s%s", sg_error_message(edata), changes),
				  names_hint(cs, edata->hint, result == CHECK_WARN ? "If no earlier statement changes that, add" : "Add",
							 naming.refused ? "the server refuses it" : "it names what is not there"));
	else if (naming.missing && result == CHECK_WARN && is_made_before(check, cs, linitial(naming.missing)))
		check_row(cs, "names", result, psprintf("%s does not exist%s", (char *) linitial(naming.missing), unless), check_later(cs, NULL));
	else if (naming.missing)
		check_row(cs, "names", result, psprintf("%s does not exist%s", (char *) linitial(naming.missing), unless),
				  names_hint(cs, meant_instead(&naming),
							 result == CHECK_WARN ? "If no earlier statement makes it, add" : "Add", "it names what is not there"));
}

/* ---- rows that are written ---- */

/* Returns the event of triggers that a statement fires, or 0 */
static int
event_of(const Node *statement)
{
	return IsA(statement, InsertStmt) ? TRIGGER_TYPE_INSERT : IsA(statement, UpdateStmt) ? TRIGGER_TYPE_UPDATE :
		IsA(statement, DeleteStmt) ? TRIGGER_TYPE_DELETE : 0;
}

/* Returns the table whose rows a statement writes, with its triggers' event; or InvalidOid */
static Oid
written_table(Node *statement)
{
	Oid			table;
	SgScope		scope;

	if (event_of(statement) == 0)
		return InvalidOid;
	sg_caller_begin(&scope);
	table = change_find_named(change_written(statement));
	sg_scope_end(&scope);
	return table;
}

/* Returns whether a trigger fires for an UPDATE that sets these columns (char *; NIL: any) */
static bool
fires_for(Form_pg_trigger trigger, Oid table, List *columns)
{
	if (!TRIGGER_FOR_UPDATE(trigger->tgtype) || trigger->tgattr.dim1 == 0 || columns == NIL)
		return true;
	foreach_ptr(const char, column, columns)
	{
		AttrNumber	attnum = get_attnum(table, column);

		for (int i = 0; attnum != InvalidAttrNumber && i < trigger->tgattr.dim1; i++)
		{
			if (trigger->tgattr.values[i] == attnum)
				return true;
		}
	}
	return false;
}

/* Returns whether a user's trigger fires for an event of a table, here of these columns */
static bool
is_fired(Form_pg_trigger form, Oid table, int event, List *columns)
{
	/* triggers of a partition are counted at the table above it */
	return !form->tgisinternal && !OidIsValid(form->tgparentid) && form->tgenabled != TRIGGER_DISABLED &&
		form->tgenabled != TRIGGER_FIRES_ON_REPLICA && (form->tgtype & event) && !plan_filler_is_named(NameStr(form->tgname)) &&
		(event != TRIGGER_TYPE_UPDATE || fires_for(form, table, columns));
}

/*
 * Returns whether a trigger's function could write to tables, by its text: a
 * built-in one does not, and code in PL/pgSQL or SQL by statements only
 */
static bool
may_write_elsewhere(Oid function)
{
	static const char *const words[] = {"insert", "update", "delete", "merge", "copy", "execute", "perform", "call", "select"};
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *language;
	bool		isnull;
	Datum		source;
	bool		writes;

	if (!HeapTupleIsValid(tuple))
		return false;
	language = get_language_name(((Form_pg_proc) GETSTRUCT(tuple))->prolang, true);
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	writes = function >= FirstNormalObjectId && (isnull || language == NULL || strcmp(language, "plpgsql") != 0);
	for (int i = 0; !writes && function >= FirstNormalObjectId && i < lengthof(words); i++)
		writes = plan_has_word(TextDatumGetCString(source), words[i]);
	ReleaseSysCache(tuple);
	return writes;
}

void
check_triggers_write(Oid table, int event, List *columns, CheckWrites *writes)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (is_fired(form, table, event, columns) && may_write_elsewhere(form->tgfoid))
			check_writes_by(writes, quote_identifier(NameStr(form->tgname)));
	}
	sg_catalog_end(&scan);
}

void
check_triggers(CheckStep *cs, Oid table, int event, List *columns, double rows)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	StringInfoData names;

	initStringInfo(&names);
	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (!is_fired(form, table, event, columns))
			continue;
		appendStringInfo(&names, "%s%s%s%s", names.len ? ", " : "", quote_identifier(NameStr(form->tgname)),
						 TRIGGER_FOR_ROW(form->tgtype) ? "" : " (once for each statement)",
						 heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL) ? "" : " (if its WHEN holds)");
	}
	sg_catalog_end(&scan);
	if (names.len)
		check_row(cs, "triggers", CHECK_WARN,
				  psprintf("triggers of %s run for %s that it writes, and may refuse or change these: %s", sg_relation_name(table),
						   rows >= 0 ? psprintf("about %.0f %s", rows, rows == 1 ? "row" : "rows") : "the rows", names.data),
				  psprintf("%sTheir definitions:\nSELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal;",
						   event != TRIGGER_TYPE_UPDATE ? "" :
						   "A trigger with UPDATE OF other columns, or a WHEN that is false for these rows, leaves them alone. ",
						   quote_literal_cstr(sg_relation_name(table))));
}

/* Returns the names of the columns that the target list of an UPDATE sets */
static List *
columns_set(List *targets)
{
	List	   *columns = NIL;

	foreach_ptr(const ResTarget, target, targets)
	{
		columns = lappend(columns, target->name);
	}
	return columns;
}

static char *
json_string(const char *text)
{
	StringInfoData json;

	initStringInfo(&json);
	escape_json(&json, text);
	return json.data;
}

/* Appends a call that adds a step, with a trailing comma; options: a JSON object, or NULL */
static void
append_add(StringInfo calls, const PlanStep *step, const char *statement, const char *options)
{
	appendStringInfo(calls, "%s(%s, %s%s%s), ", sg_call_name("sg_plan_add"), quote_literal_cstr(step->plan), quote_literal_cstr(statement),
					 options ? ", " : "", options ? quote_literal_cstr(options) : "");
}

/*
 * Appends the steps that copy the rows of tables before these are emptied; the
 * emptying step waits for each copy
 */
static void
append_copies(StringInfo calls, const PlanStep *step, const List *gone)
{
	StringInfoData names;

	initStringInfo(&names);
	foreach_ptr(const PlanGone, one, gone)
	{
		char	   *table = sg_relation_name(one->table);
		Oid			schema = get_rel_namespace(one->table);
		char	   *relname = get_rel_name(one->table);
		char	   *nspname = get_namespace_name(schema);
		char	   *kept;
		char	   *copy;
		char	   *name;

		if (relname == NULL || nspname == NULL)
			continue;
		kept = ChooseRelationName(relname, NULL, "kept", schema, false);
		copy = quote_qualified_identifier(nspname, kept);
		name = json_string(makeObjectName(nspname, kept, "copy"));
		append_add(calls, step, psprintf("CREATE TABLE %s (LIKE %s)", copy, table), NULL);
		append_add(calls, step, psprintf("INSERT INTO %s SELECT * FROM %s", copy, table), psprintf("{\"name\": %s}", name));
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", name);
	}
	append_add(calls, step, plan_given(step->definition), names.len ? psprintf("{\"after\": [%s]}", names.data) : NULL);
}

/* Returns whether a query reads all columns of all rows of a table */
static bool
reads_all(const SelectStmt *query, Oid table)
{
	ResTarget  *target = list_length(query->targetList) == 1 ? linitial(query->targetList) : NULL;
	ColumnRef  *column = target && IsA(target->val, ColumnRef) ? (ColumnRef *) target->val : NULL;
	RangeVar   *from = list_length(query->fromClause) == 1 && IsA(linitial(query->fromClause), RangeVar) ? linitial(query->fromClause) : NULL;

	return column && IsA(llast(column->fields), A_Star) && from && from->inh && query->whereClause == NULL && query->limitCount == NULL && query->limitOffset == NULL &&
		query->groupClause == NIL && query->distinctClause == NIL && change_find_named(from) == table;
}

/* Returns whether a step copies all rows of a table into another one */
static bool
is_copy(const PlanStep *step, Oid table)
{
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		Node	   *query = IsA(statement, InsertStmt) ? ((InsertStmt *) statement)->selectStmt : NULL;

		if (query && IsA(query, SelectStmt) && reads_all((SelectStmt *) query, table))
			return true;
	}
	return false;
}

/* Returns an earlier step, still to be run, that copies a table, or NULL */
static const PlanStep *
copy_before(const PlanCheck *check, const CheckStep *cs, Oid table)
{
	const PlanStep *copy = NULL;
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs || copy)
			break;
		if (plan_step_is_ahead(other->step) && is_copy(other->step, table))
			copy = other->step;
	}
	sg_scope_end(&scope);
	return copy;
}

/* Appends the steps that rename schemas instead of dropping them */
static void
append_renames(StringInfo calls, const PlanStep *step, const List *schemas)
{
	foreach_ptr(String, schema, schemas)
	{
		const char *name = quote_identifier(strVal(schema));
		const char *kept = quote_identifier(makeObjectName(strVal(schema), NULL, "kept"));

		append_add(calls, step, psprintf("ALTER SCHEMA %s RENAME TO %s", name, kept),
				   psprintf("{\"undo\": %s}", json_string(psprintf("ALTER SCHEMA %s RENAME TO %s", kept, name))));
	}
}

/* Returns the call that skips a step whose work other steps do, so that later steps may run */
static char *
replaced_call(const PlanStep *step)
{
	return psprintf("%s(%s, '{%d}', 'other steps do it', done => true);", sg_call_name("sg_plan_skip"), quote_literal_cstr(step->plan), step->step);
}

/*
 * Returns the calls that add steps which keep what a statement would delete,
 * and skip its step; or NULL
 */
static char *
kept_instead(const PlanStep *step, Node *statement, const List *gone)
{
	const PlanGone *one = list_length(gone) == 1 ? linitial(gone) : NULL;
	const DropStmt *drop = IsA(statement, DropStmt) ? (DropStmt *) statement : NULL;
	const char *steps = "a step for each, which keeps it until it is pruned";
	StringInfoData calls;

	if (list_length(plan_change_texts(step->definition)) > 1)
		return NULL;
	initStringInfo(&calls);
	if (IsA(statement, TruncateStmt))
	{
		steps = "steps that copy the rows first";
		append_copies(&calls, step, gone);
	}
	else if (drop && drop->removeType == OBJECT_SCHEMA)
	{
		steps = "a step that gives it another name";
		append_renames(&calls, step, drop->objects);
	}
	else if (drop && drop->removeType == OBJECT_TABLE && list_length(drop->objects) > 1 && drop->behavior == DROP_RESTRICT)
	{
		foreach_ptr(List, object, drop->objects)
			append_add(&calls, step, psprintf("DROP TABLE %s%s", drop->missing_ok ? "IF EXISTS " : "", NameListToQuotedString(object)), NULL);
	}
	else if (one && !one->converted && one->changed == NULL && one->attribute == NULL &&
			 (drop ? drop->removeType == OBJECT_TABLE : IsA(statement, AlterTableStmt) && ((AlterTableStmt *) statement)->objtype == OBJECT_TABLE))
	{
		steps = "a step that keeps it until it is pruned";
		append_add(&calls, step, one->column ? psprintf("ALTER TABLE %s DROP COLUMN %s", sg_relation_name(one->table), quote_identifier(one->column)) :
				   psprintf("DROP TABLE %s", sg_relation_name(one->table)), NULL);
	}
	else
		return NULL;
	return psprintf("In its place, %s:\nSELECT %s%s", steps, calls.data, replaced_call(step));
}

/* Returns the remedy for rows and values that are deleted for good */
static char *
loss_hint(const CheckStep *cs, Node *statement, const List *gone)
{
	char	   *instead = kept_instead(cs->step, statement, gone);

	return instead ? instead :
		psprintf("Have a step before it copy what may be wanted again. If it is to stay:\n%s", check_skip(cs, "what it lets go is to stay"));
}

/* Reports rows that earlier steps copy; returns false unless all are copied */
static bool
is_copied(const PlanCheck *check, CheckStep *cs, const List *gone, const char *lost)
{
	List	   *copies = NIL;
	List	   *numbers = NIL;
	bool		waits = true;

	foreach_ptr(PlanGone, one, gone)
	{
		const PlanStep *copy = one->column ? NULL : copy_before(check, cs, one->table);
		bool		is_needed = false;

		if (copy == NULL && change_count_gone(list_make1(one), NULL) != 0)
			return false;
		foreach_ptr(const PlanEdge, edge, copy ? plan_needs(check->graph, cs->step->step) : NIL)
		{
			is_needed |= edge->needed->step == copy->step;
		}
		if (copy && !list_member_int(copies, copy->step))
		{
			copies = lappend_int(copies, copy->step);
			numbers = lappend(numbers, psprintf("%d", copy->step));
		}
		waits &= copy == NULL || is_needed;
	}
	if (copies == NIL)
		return false;
	check_row(cs, "loss", waits ? CHECK_OK : CHECK_WARN,
			  psprintf("copied by step %s%s: %s", check_list(numbers), waits ? "" : ", but goes for good if that fails", lost),
			  waits ? NULL : cs->step->after ? pstrdup("Add the copy to what it comes after.") :
			  psprintf("Have it wait for the copy:\n%s", check_set(cs, "after", plan_steps_text(copies))));
	return true;
}

/*
 * Warns of rows and values that are deleted without a copy: of the first such
 * tables, and how many more there are
 */
static void
check_gone(const PlanCheck *check, CheckStep *cs, Node *statement, const List *gone)
{
	const char *goes = gone && ((PlanGone *) linitial(gone))->converted ? "computed anew, and what was there goes" :
		gone && ((PlanGone *) linitial(gone))->changed ? "does not fit the new type, and changes" : "goes";
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	foreach_ptr(PlanGone, one, gone)
	{
		int64		rows = change_count_gone(list_make1(one), NULL);

		if (rows == 0 || n++ >= NAMED_GONE)
			continue;
		appendStringInfo(&text, "%s%s%s%s of %s%s%s", text.len ? ", " : "", rows < 0 ? "" : psprintf(INT64_FORMAT " ", rows),
						 one->column ? "value" : "row", rows == 1 ? "" : "s", sg_relation_name(one->table), one->column ? "." : "",
						 one->column ? quote_identifier(one->column) : "");
		if (one->attribute)
			appendStringInfo(&text, ".%s", quote_identifier(one->attribute));
	}
	if (n > NAMED_GONE)
		appendStringInfo(&text, ", and what %d more tables have", n - NAMED_GONE);
	if (n > 0 && is_copied(check, cs, gone, text.data))
		return;
	if (n > 0)
		check_row(cs, "loss", CHECK_WARN, psprintf("%s for good: %s", goes, text.data), loss_hint(cs, statement, gone));
	else if (gone)
		check_row(cs, "loss", CHECK_OK, pstrdup("no row or value goes as things are now"), NULL);
}

/* Warns of objects that are dropped for good without being named */
static void
check_loss(const PlanCheck *check, CheckStep *cs, Node *statement)
{
	char	   *hint = psprintf("Drop first what depends on it, each by a step of its own, then add it without CASCADE, and leave this step out:\nSELECT %s",
								replaced_call(cs->step));
	ChangeAlong along;

	change_along(statement, &along);
	check_gone(check, cs, statement, along.gone);
	if (IsA(statement, TruncateStmt))
		return;
	if (along.names)
		check_row(cs, "loss", CHECK_WARN,
				  psprintf("%s takes along %s; no rollback brings it back", along.owned ? "DROP OWNED" : "CASCADE", change_along_text(along.names)),
				  along.owned ? psprintf("Give what is to stay to another role, each by a step of its own. If all is to stay:\n%s",
										 check_skip(cs, "the objects that it drops are to stay")) : hint);
	else if (along.owned)
		check_row(cs, "loss", CHECK_OK, pstrdup("DROP OWNED takes no object along as things are now"), NULL);
	else if (along.cascades && along.known)
		check_row(cs, "loss", CHECK_OK, pstrdup("CASCADE takes nothing along as things are now"), NULL);
	else if (along.cascades)
		check_row(cs, "loss", CHECK_WARN,
				  pstrdup("CASCADE drops whatever depends on that, such as views, keys and columns, and no rollback brings it back"),
				  hint);
}

typedef struct WrittenTables
{
	List	   *deleted;		/* char *: tables whose rows are deleted */
	List	   *changed;
	List	   *columns;		/* char *: columns that are set in these */
} WrittenTables;

static List *
add_table(List *names, const RangeVar *table)
{
	char	   *name = sg_qualified_name(table->schemaname, table->relname);

	return sg_has_name(names, name) ? names : lappend(names, name);
}

/* Lists the tables whose rows queries delete or change, in WITH, too */
static bool
list_written(Node *node, void *context)
{
	WrittenTables *tables = context;

	if (node == NULL)
		return false;
	if (IsA(node, DeleteStmt))
		tables->deleted = add_table(tables->deleted, ((DeleteStmt *) node)->relation);
	if (IsA(node, UpdateStmt))
	{
		tables->changed = add_table(tables->changed, ((UpdateStmt *) node)->relation);
		tables->columns = list_concat(tables->columns, columns_set(((UpdateStmt *) node)->targetList));
	}
	if (IsA(node, InsertStmt) && ((InsertStmt *) node)->onConflictClause && ((InsertStmt *) node)->onConflictClause->action == ONCONFLICT_UPDATE)
	{
		tables->changed = add_table(tables->changed, ((InsertStmt *) node)->relation);
		tables->columns = list_concat(tables->columns, columns_set(((InsertStmt *) node)->onConflictClause->targetList));
	}
	foreach_ptr(const MergeWhenClause, clause, IsA(node, MergeStmt) ? ((MergeStmt *) node)->mergeWhenClauses : NIL)
	{
		if (clause->commandType == CMD_DELETE)
			tables->deleted = add_table(tables->deleted, ((MergeStmt *) node)->relation);
		if (clause->commandType == CMD_UPDATE)
		{
			tables->changed = add_table(tables->changed, ((MergeStmt *) node)->relation);
			tables->columns = list_concat(tables->columns, columns_set(clause->targetList));
		}
	}
	return raw_expression_tree_walker(node, list_written, context);
}

static void
say_written(CheckStep *cs, CheckResult result, const char *does, List *names)
{
	if (names)
		check_row(cs, "loss", cs->step->undo ? CHECK_OK : result, psprintf("%s rows of %s without a copy", does, check_list(names)),
				  cs->step->undo ? NULL : pstrdup("No rollback brings them back. If they may be wanted again, copy them first, by a statement before it."));
}

/* Warns of rows that foreign keys delete or change along with those of some tables */
static void
say_taken(PlanCheck *check, CheckStep *cs, List *names, List *columns)
{
	List	   *taken = NIL;

	foreach_ptr(const char, name, names)
	{
		Oid			table = sg_find_qualified(name);

		if (OidIsValid(table))
			taken = list_concat(taken, columns ? check_updated_along(check, table, columns) : check_deleted_along(check, table));
	}
	if (taken)
		check_row(cs, "loss", cs->step->undo ? CHECK_OK : CHECK_WARN,
				  psprintf("foreign keys take along rows of %s, without a copy", check_list(taken)),
				  cs->step->undo ? NULL : pstrdup("If they may be wanted again, copy them first, by a statement before it."));
}

/* Warns of a query that deletes or changes rows, and of the actions of foreign keys */
static void
check_written(PlanCheck *check, CheckStep *cs, Node *statement)
{
	WrittenTables tables = {NIL, NIL, NIL};

	(void) list_written(statement, &tables);
	say_written(cs, CHECK_WARN, "deletes", tables.deleted);
	say_taken(check, cs, tables.deleted, NIL);
	say_written(cs, CHECK_OK, "changes", tables.changed);
	if (tables.columns)
		say_taken(check, cs, tables.changed, tables.columns);
}

/* Functions that a statement calls by their schemas, and relations that it names */
typedef struct Calls
{
	Oid			owner;			/* owner whose functions don't count */
	Oid			function;		/* the first function in a language whose
								 * bodies have names, or InvalidOid */
	int			relations;
} Calls;

static Oid
function_with_names(const FuncCall *call, Oid but_of)
{
	Oid			schema = list_length(call->funcname) == 2 ? LookupExplicitNamespace(strVal(linitial(call->funcname)), true) : InvalidOid;
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(call->funcname))));
	Oid			found = InvalidOid;

	for (int i = 0; i < list->n_members && OidIsValid(schema); i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (form->pronamespace == schema && form->oid >= FirstNormalObjectId && !form->prosecdef && form->proowner != but_of &&
			form->prolang != INTERNALlanguageId && form->prolang != ClanguageId)
			found = form->oid;
	}
	ReleaseSysCacheList(list);
	return found;
}

static bool
list_calls(Node *node, void *context)
{
	Calls	   *calls = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		calls->relations++;
	if (IsA(node, FuncCall) && !OidIsValid(calls->function))
		calls->function = function_with_names((FuncCall *) node, calls->owner);
	return raw_expression_tree_walker(node, list_calls, context);
}

/*
 * Warns of rows for another role's table that a function computes, which runs
 * with the caller's privileges: it reads whatever the names in its body lead to
 * by then.  A statement that itself names a relation runs as that role.
 */
static void
check_lent(CheckStep *cs, Node *statement, Oid table)
{
	Calls		calls = {code_table_owner(table)};
	char	   *function;

	if (!IsA(statement, InsertStmt) || !sg_could_gain(calls.owner, GetUserId()))
		return;
	(void) list_calls(statement, &calls);
	if (!OidIsValid(calls.function) || calls.relations > 1)
		return;
	function = format_procedure_qualified(calls.function);
	check_row(cs, "lent", CHECK_WARN,
			  psprintf("%s reads with the rights of role %s what stands under the names in it, and role %s, who owns %s, gets what it returns",
					   function, sg_role_name(GetUserId()), sg_role_name(calls.owner), sg_relation_name(table)),
			  psprintf("See that it reads no table or view of a role that could put something else in its place:\nSELECT pg_get_functiondef(%s::regprocedure);",
					   quote_literal_cstr(function)));
}

/* Appends the present objects that one statement of an undo would delete */
static void
append_undone(StringInfo text, const PlanStep *step, Node *statement)
{
	WrittenTables tables = {NIL, NIL};
	ChangeAlong along;

	change_along(statement, &along);
	foreach_ptr(const PlanGone, one, along.gone)
	{
		int64		rows = one->converted || IsA(statement, DropStmt) ? 0 : change_count_gone(list_make1(unconstify(PlanGone *, one)), NULL);

		if (rows != 0)
			appendStringInfo(text, "%s%s%s%s of %s%s%s", text->len ? ", " : "", rows < 0 ? "" : psprintf(INT64_FORMAT " ", rows),
							 one->column ? "value" : "row", rows == 1 ? "" : "s", sg_relation_name(one->table), one->column ? "." : "",
							 one->column ? quote_identifier(one->column) : "");
	}
	if (along.names && !IsA(statement, TruncateStmt))
		appendStringInfo(text, "%s%s by CASCADE", text->len ? ", " : "", change_along_text(along.names));
	else if (along.cascades && !along.known)
		appendStringInfo(text, "%swhat CASCADE drops by then", text->len ? ", " : "");
	if (!code_is_query(statement))
		return;
	(void) list_written(statement, &tables);
	foreach_ptr(const char, table, tables.deleted)
	{
		if (!change_inserts(step, sg_find_qualified(table)))
			appendStringInfo(text, "%srows of %s that it deletes", text->len ? ", " : "", table);
	}
}

void
check_undo(CheckStep *cs)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, statement, cs->step->undo ? plan_change_texts(cs->step->undo) : NIL)
	{
		append_undone(&text, cs->step, linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt);
	}
	if (text.len)
		check_row(cs, "undo", CHECK_WARN, psprintf("a rollback loses %s", text.data),
				  psprintf("To have a rollback leave the step as it is:\n%s", check_set(cs, "undo", NULL)));
}

void
check_holds(PlanCheck *check, CheckStep *cs)
{
	foreach_ptr(const ScriptHold, hold, script_holds(cs->step))
	{
		Oid			relid = hold->relation ? sg_find_qualified(hold->relation) : InvalidOid;
		double		bytes = OidIsValid(relid) ? check_table(check, relid)->blocks * (double) BLCKSZ : -1;
		bool		refuses = strcmp(hold->does, DOES_REFUSE) == 0;
		bool		is_long;

		foreach_ptr(const char, heir, hold->heirs)
		{
			Oid			table = sg_find_qualified(heir);

			bytes += OidIsValid(table) ? check_table(check, table)->blocks * (double) BLCKSZ : 0;
		}
		is_long = refuses || bytes < 0 || bytes > SHORT_HOLD;

		check_row(cs, refuses ? "inserts" : "locks", is_long ? CHECK_WARN : CHECK_OK,
				  psprintf("%s%s", script_hold_text(hold), bytes < 0 || refuses ? "" : psprintf(" (%s)", check_bytes(bytes))),
				  is_long ? script_hold_hint(hold, cs->step) : NULL);
	}
}

static void
look_at_refreshed(PlanCheck *check, CheckStep *cs, const RangeVar *name, bool first)
{
	Oid			view;
	SgScope		scope;

	sg_caller_begin(&scope);
	view = change_find_named(name);
	sg_scope_end(&scope);
	if (OidIsValid(view) && get_rel_relkind(view) == RELKIND_MATVIEW)
		check_refreshed(check, cs, view, first);
}

void
check_table_written(PlanCheck *check, CheckStep *cs, Oid table, const char *text, bool first, bool last)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
	int			event = event_of(statement);

	check_triggers(cs, table, event, IsA(statement, UpdateStmt) ? columns_set(((UpdateStmt *) statement)->targetList) : NIL, -1);
	if (event != TRIGGER_TYPE_INSERT)
		check_published_writes(check, cs, table, CHECK_BLOCK, event == TRIGGER_TYPE_UPDATE, event == TRIGGER_TYPE_DELETE);
	check_query_rows(check, cs, table, text, first, last);
}

void
check_statement(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	List	   *texts = plan_change_texts(cs->step->definition);
	List	   *before = NIL;

	check_holds(check, cs);
	foreach_ptr(char, text, texts)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		Oid			table = written_table(statement);

		check_names(check, cs, statement, before);
		check_taken_names(check, cs, text, statement, before);
		check_dropped(check, cs, statement, before);
		check_on_clone(check, cs, move, text);
		check_loss(check, cs, statement);
		if (code_is_query(statement))
			check_written(check, cs, statement);
		if (IsA(statement, RefreshMatViewStmt) && !((RefreshMatViewStmt *) statement)->skipData)
			look_at_refreshed(check, cs, ((RefreshMatViewStmt *) statement)->relation, before == NIL);
		if (OidIsValid(table))
		{
			check_lent(cs, statement, table);
			check_table_written(check, cs, table, text, before == NIL, text == llast(texts));
		}
		else if (code_is_query(statement))
			check_row(cs, "rows", CHECK_WARN, pstrdup("the rows that it writes were not looked at"), NULL);
		before = lappend(before, text);
	}
}
