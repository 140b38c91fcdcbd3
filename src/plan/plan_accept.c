/*-------------------------------------------------------------------------
 *
 * plan_accept.c
 *	  Kinds of statements that a plan takes.
 *
 * A list of those that it takes, so that a newer server's kinds are refused
 * until somebody has looked at what they run (change_reach.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "plan/plan_change.h"

/*
 * Returns whether a statement stores a query's result; an empty materialized
 * view stores none, and REFRESH runs as its owner, restricted
 */
static bool
keeps_result(Node *statement)
{
	const CreateTableAsStmt *create = (CreateTableAsStmt *) statement;

	return IsA(statement, CreateTableAsStmt) && !(create->objtype == OBJECT_MATVIEW && create->into->skipData);
}

bool
plan_accepts_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
			/* rows */
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_TruncateStmt:
			/* tables, and their parts */
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_AlterTableStmt:
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_VacuumStmt:
		case T_CreateTrigStmt:
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateStatsStmt:
		case T_AlterStatsStmt:
		case T_ViewStmt:
		case T_RefreshMatViewStmt:
		case T_CreateSeqStmt:
		case T_AlterSeqStmt:
			/* types, functions and objects built on them */
		case T_CreateDomainStmt:
		case T_AlterDomainStmt:
		case T_CompositeTypeStmt:
		case T_CreateEnumStmt:
		case T_AlterEnumStmt:
		case T_CreateRangeStmt:
		case T_AlterTypeStmt:
		case T_DefineStmt:
		case T_CreateFunctionStmt:
		case T_AlterFunctionStmt:
		case T_CreateCastStmt:
		case T_CreateConversionStmt:
		case T_CreateTransformStmt:
		case T_CreateOpClassStmt:
		case T_CreateOpFamilyStmt:
		case T_AlterOpFamilyStmt:
		case T_AlterOperatorStmt:
		case T_AlterCollationStmt:
		case T_AlterTSDictionaryStmt:
		case T_AlterTSConfigurationStmt:
			/* any object */
		case T_DropStmt:
		case T_RenameStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterObjectDependsStmt:
		case T_AlterOwnerStmt:
		case T_CommentStmt:
		case T_SecLabelStmt:
		case T_CreateSchemaStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
		case T_CreatePLangStmt:
		case T_CreateAmStmt:
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
			/* privileges and roles */
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_AlterDatabaseSetStmt:
		case T_DropRoleStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
			/* other servers */
		case T_CreateFdwStmt:
		case T_AlterFdwStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
		case T_NotifyStmt:
			return true;
		case T_CreateTableAsStmt:
			return !keeps_result(statement);
		default:
			return false;
	}
}

bool
plan_option_is_on(List *options, const char *name)
{
	bool		set = false;

	foreach_ptr(DefElem, option, options)
	{
		if (strcmp(option->defname, name) == 0)
			set = defGetBoolean(option);
	}
	return set;
}

bool
plan_needs_no_transaction(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			return ((VacuumStmt *) statement)->is_vacuumcmd;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->concurrent;
		case T_DropStmt:
			return ((DropStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return plan_option_is_on(((ReindexStmt *) statement)->params, "concurrently");
		default:
			return false;
	}
}

/* Returns an unqualified name that is not the server's; or NULL */
static const char *
unqualified(const char *schema, const char *name)
{
	return schema == NULL && !OidIsValid(get_relname_relid(name, PG_CATALOG_NAMESPACE)) ? name : NULL;
}

static const char *
unqualified_list(List *names)
{
	return unqualified(list_length(names) > 1 ? strVal(linitial(names)) : NULL, strVal(llast(names)));
}

static const char *
unqualified_table(const RangeVar *table)
{
	return table ? unqualified(table->schemaname, table->relname) : NULL;
}

static const char *
unqualified_element(const IndexStmt *index, const IndexElem *element)
{
	const char *collation = list_length(element->collation) == 1 ? strVal(linitial(element->collation)) : NULL;
	const char *opclass = list_length(element->opclass) == 1 ? strVal(linitial(element->opclass)) : NULL;

	if (collation &&
		!SearchSysCacheExists3(COLLNAMEENCNSP, CStringGetDatum(collation), Int32GetDatum(GetDatabaseEncoding()), ObjectIdGetDatum(PG_CATALOG_NAMESPACE)) &&
		!SearchSysCacheExists3(COLLNAMEENCNSP, CStringGetDatum(collation), Int32GetDatum(-1), ObjectIdGetDatum(PG_CATALOG_NAMESPACE)))
		return collation;
	if (opclass &&
		!SearchSysCacheExists3(CLAAMNAMENSP, ObjectIdGetDatum(get_index_am_oid(index->accessMethod, true)), CStringGetDatum(opclass),
							   ObjectIdGetDatum(PG_CATALOG_NAMESPACE)))
		return opclass;
	return NULL;
}

static const char *
unqualified_in_index(const IndexStmt *index)
{
	const char *found = unqualified_table(index->relation);

	foreach_ptr(const IndexElem, element, index->indexParams)
	{
		found = found ? found : unqualified_element(index, element);
	}
	return found;
}

const char *
plan_unqualified_name(Node *statement)
{
	const char *found = NULL;

	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return unqualified_in_index((IndexStmt *) statement);
		case T_ReindexStmt:
			return unqualified_table(((ReindexStmt *) statement)->relation);
		case T_AlterEnumStmt:
			return unqualified_list(((AlterEnumStmt *) statement)->typeName);
		case T_VacuumStmt:
			foreach_ptr(const VacuumRelation, table, ((VacuumStmt *) statement)->rels)
			{
				found = found ? found : unqualified_table(table->relation);
			}
			return found;
		case T_DropStmt:
			if (((DropStmt *) statement)->concurrent)
			{
				foreach_ptr(List, names, ((DropStmt *) statement)->objects)
				{
					found = found ? found : unqualified_list(names);
				}
			}
			return found;
		default:
			return NULL;
	}
}
