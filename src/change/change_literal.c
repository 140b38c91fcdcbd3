/*-------------------------------------------------------------------------
 *
 * change_literal.c
 *	  The types as which literals in a utility statement are read.
 *
 * The server only analyses the expressions of many utility statements, and runs
 * nothing of them; but analysis passes literals through the input functions of
 * their types, which for an array of a domain is the domain's check.  So each name that can give a literal its type is looked at:
 * types, columns, parameters, and the arguments of functions and operators.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_change.h"

/* Adds the type of a column, as which literals beside it are read; the checks of a domain itself come later */
static void
reach_column_type(CodeReach *reach, Oid type)
{
	if (OidIsValid(type))
		code_reach_type(reach, getBaseType(type));
}

/* Adds those of all columns of a table or composite type */
static void
reach_columns_of(CodeReach *reach, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			n;

	if (!HeapTupleIsValid(tuple))
		return;
	n = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	for (AttrNumber column = 1; column <= n; column++)
		reach_column_type(reach, get_atttype(relid, column));
}

static void
reach_columns(CodeReach *reach, const RangeVar *name)
{
	reach_columns_of(reach, change_find_named(name));
}

static bool
visit_types(Node *node, void *reach)
{
	if (node == NULL || IsA(node, NotifyStmt))
		return false;
	if (IsA(node, RangeVar))
		reach_columns(reach, (RangeVar *) node);
	if (IsA(node, TypeName))
		code_reach_type(reach, LookupTypeNameOid(NULL, (TypeName *) node, true));
	code_reach_call_types(reach, node);
	/* which the walker does not know */
	if (IsA(node, ReturnStmt))
		return visit_types(((ReturnStmt *) node)->returnval, reach);
	return raw_expression_tree_walker(node, visit_types, reach);
}

/* Visits the expressions of a constraint; returns whether it has any */
static bool
visit_constraint(const Constraint *constraint, CodeReach *reach)
{
	bool		found = constraint->raw_expr || constraint->where_clause;

	(void) visit_types(constraint->raw_expr, reach);
	(void) visit_types(constraint->where_clause, reach);
	foreach_ptr(List, exclusion, constraint->exclusions)
	{
		const IndexElem *element = linitial_node(IndexElem, exclusion);

		(void) visit_types(element->expr, reach);
		found |= element->expr != NULL;
	}
	return found;
}

static bool
visit_constraints(List *elements, CodeReach *reach)
{
	bool		found = false;

	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, Constraint))
			found |= visit_constraint((Constraint *) element, reach);
		else if (IsA(element, ColumnDef))
			found |= visit_constraints(((ColumnDef *) element)->constraints, reach);
	}
	return found;
}

/* Visits the expressions of the key by which a table is partitioned; returns whether it has any */
static bool
visit_partition_key(const PartitionSpec *key, CodeReach *reach)
{
	bool		found = false;

	foreach_ptr(const PartitionElem, element, key ? key->partParams : NIL)
	{
		(void) visit_types(element->expr, reach);
		found |= element->expr != NULL;
	}
	return found;
}

/* Adds the types of the columns that a new table will have, wherever it has them from */
static void
reach_new_columns(const CreateStmt *statement, CodeReach *reach)
{
	if (statement->ofTypename)
		reach_columns_of(reach, get_typ_typrelid(LookupTypeNameOid(NULL, statement->ofTypename, true)));
	foreach_ptr(const RangeVar, parent, statement->inhRelations)
	{
		reach_columns(reach, parent);
	}
	foreach_ptr(Node, element, statement->tableElts)
	{
		if (IsA(element, TableLikeClause))
			reach_columns(reach, ((TableLikeClause *) element)->relation);
		else if (IsA(element, ColumnDef) && ((ColumnDef *) element)->typeName)
			reach_column_type(reach, LookupTypeNameOid(NULL, ((ColumnDef *) element)->typeName, true));
	}
}

/* Literals of an expression over a new table are read as the types of its columns */
static void
visit_creation(const CreateStmt *statement, CodeReach *reach)
{
	bool		found = visit_constraints(statement->tableElts, reach);

	found |= visit_partition_key(statement->partspec, reach);
	if (statement->partbound)
	{
		(void) visit_types((Node *) statement->partbound->listdatums, reach);
		(void) visit_types((Node *) statement->partbound->lowerdatums, reach);
		(void) visit_types((Node *) statement->partbound->upperdatums, reach);
		found = true;
	}
	if (found)
		reach_new_columns(statement, reach);
}

/* Adds the types in the body of a function in SQL, which is analysed when it is created */
static void
visit_body(const CreateFunctionStmt *statement, CodeReach *reach)
{
	const char *body = NULL;
	bool		in_sql = false;
	ErrorData  *edata;

	foreach_ptr(const DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "language") == 0)
			in_sql = strcmp(strVal(option->arg), "sql") == 0;
		else if (strcmp(option->defname, "as") == 0)
			body = strVal(linitial((List *) option->arg));
	}
	if (!in_sql && statement->sql_body == NULL)
		return;
	foreach_ptr(const FunctionParameter, parameter, statement->parameters)
	{
		(void) visit_types((Node *) parameter->argType, reach);
	}
	(void) visit_types((Node *) statement->returnType, reach);
	(void) visit_types(statement->sql_body, reach);
	foreach_ptr(const RawStmt, raw, body ? plan_parse(body, &edata) : NIL)
	{
		(void) visit_types(raw->stmt, reach);
	}
}

/* A default is analysed in every language, as its parameter's type */
static void
visit_defaults(const CreateFunctionStmt *statement, CodeReach *reach)
{
	foreach_ptr(const FunctionParameter, parameter, statement->parameters)
	{
		if (parameter->defexpr == NULL)
			continue;
		(void) visit_types((Node *) parameter->argType, reach);
		(void) visit_types(parameter->defexpr, reach);
	}
}

static void
visit_publication(List *objects, CodeReach *reach)
{
	foreach_ptr(const PublicationObjSpec, object, objects)
	{
		if (object->pubtable == NULL || object->pubtable->whereClause == NULL)
			continue;
		reach_columns(reach, object->pubtable->relation);
		(void) visit_types(object->pubtable->whereClause, reach);
	}
}

void
change_reach_literals(Node *statement, CodeReach *reach)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			visit_creation((CreateStmt *) statement, reach);
			break;
		case T_CreateDomainStmt:
			if (visit_constraints(((CreateDomainStmt *) statement)->constraints, reach))
				(void) visit_types((Node *) ((CreateDomainStmt *) statement)->typeName, reach);
			break;
		case T_ViewStmt:
			(void) visit_types(((ViewStmt *) statement)->query, reach);
			break;
		case T_CreateTableAsStmt:
			(void) visit_types(((CreateTableAsStmt *) statement)->query, reach);
			break;
		case T_RuleStmt:
			reach_columns(reach, ((RuleStmt *) statement)->relation);
			(void) visit_types(((RuleStmt *) statement)->whereClause, reach);
			(void) visit_types((Node *) ((RuleStmt *) statement)->actions, reach);
			break;
		case T_CreatePolicyStmt:
			reach_columns(reach, ((CreatePolicyStmt *) statement)->table);
			(void) visit_types(((CreatePolicyStmt *) statement)->qual, reach);
			(void) visit_types(((CreatePolicyStmt *) statement)->with_check, reach);
			break;
		case T_AlterPolicyStmt:
			reach_columns(reach, ((AlterPolicyStmt *) statement)->table);
			(void) visit_types(((AlterPolicyStmt *) statement)->qual, reach);
			(void) visit_types(((AlterPolicyStmt *) statement)->with_check, reach);
			break;
		case T_CreateTrigStmt:
			(void) visit_types(((CreateTrigStmt *) statement)->whenClause, reach);
			break;
		case T_IndexStmt:
			(void) visit_types(((IndexStmt *) statement)->whereClause, reach);
			foreach_ptr(const IndexElem, element, ((IndexStmt *) statement)->indexParams)
			{
				(void) visit_types(element->expr, reach);
			}
			break;
		case T_CreateStatsStmt:
			foreach_ptr(const RangeVar, table, ((CreateStatsStmt *) statement)->relations)
			{
				reach_columns(reach, table);
			}
			foreach_ptr(const StatsElem, element, ((CreateStatsStmt *) statement)->exprs)
			{
				(void) visit_types(element->expr, reach);
			}
			break;
		case T_CreateFunctionStmt:
			visit_body((CreateFunctionStmt *) statement, reach);
			visit_defaults((CreateFunctionStmt *) statement, reach);
			break;
		case T_DefineStmt:
			/* the initial value of an aggregate */
			foreach_ptr(const DefElem, option, ((DefineStmt *) statement)->definition)
			{
				if (option->arg && IsA(option->arg, TypeName))
					(void) visit_types(option->arg, reach);
			}
			break;
		case T_CreatePublicationStmt:
			visit_publication(((CreatePublicationStmt *) statement)->pubobjects, reach);
			break;
		case T_AlterPublicationStmt:
			visit_publication(((AlterPublicationStmt *) statement)->pubobjects, reach);
			break;
		case T_CreateSchemaStmt:
			foreach_ptr(Node, element, ((CreateSchemaStmt *) statement)->schemaElts)
			{
				change_reach_literals(element, reach);
			}
			break;
		default:
			break;
	}
}
