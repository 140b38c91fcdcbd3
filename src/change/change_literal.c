/*-------------------------------------------------------------------------
 *
 * change_literal.c
 *	  Types as which literals in a utility statement are read.
 *
 *	  The server only analyses the expressions of many utility statements,
 *	  without running them; but analysis passes literals through the input
 *	  functions of their types, which for an array of a domain runs the
 *	  domain's CHECK.  So each name that can give a literal its type is
 *	  examined: types, columns, parameters, and the arguments of functions and
 *	  operators.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_change.h"
#include "plan/plan_index.h"

static void
reach_columns(CodeReach *reach, const RangeVar *name)
{
	code_reach_column_types(reach, change_find_named(name));
}

/* Visits the expressions of a constraint; returns whether it has any */
static bool
visit_constraint(const Constraint *constraint, CodeReach *reach)
{
	bool		found = constraint->raw_expr || constraint->where_clause;

	code_reach_literals(reach, constraint->raw_expr);
	code_reach_literals(reach, constraint->where_clause);
	foreach_ptr(List, exclusion, constraint->exclusions)
	{
		const IndexElem *element = linitial_node(IndexElem, exclusion);

		code_reach_literals(reach, element->expr);
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

/* Visits the expressions of a table's partition key; returns whether it has any */
static bool
visit_partition_key(const PartitionSpec *key, CodeReach *reach)
{
	bool		found = false;

	foreach_ptr(const PartitionElem, element, key ? key->partParams : NIL)
	{
		code_reach_literals(reach, element->expr);
		found |= element->expr != NULL;
	}
	return found;
}

/* Adds the types of the columns of a new table, from all sources */
static void
reach_new_columns(const CreateStmt *statement, CodeReach *reach)
{
	if (statement->ofTypename)
		code_reach_column_types(reach, get_typ_typrelid(code_find_type(reach, statement->ofTypename)));
	foreach_ptr(const RangeVar, parent, statement->inhRelations)
	{
		reach_columns(reach, parent);
	}
	foreach_ptr(Node, element, statement->tableElts)
	{
		if (IsA(element, TableLikeClause))
			reach_columns(reach, ((TableLikeClause *) element)->relation);
		else if (IsA(element, ColumnDef) && ((ColumnDef *) element)->typeName)
			code_reach_literal_type(reach, code_find_type(reach, ((ColumnDef *) element)->typeName));
	}
}

/* Adds types for literals in expressions of a new table, which are read as the types of its columns */
static void
visit_creation(const CreateStmt *statement, CodeReach *reach)
{
	bool		found = visit_constraints(statement->tableElts, reach);

	found |= visit_partition_key(statement->partspec, reach);
	if (statement->partbound)
	{
		code_reach_literals(reach, (Node *) statement->partbound->listdatums);
		code_reach_literals(reach, (Node *) statement->partbound->lowerdatums);
		code_reach_literals(reach, (Node *) statement->partbound->upperdatums);
		found = true;
	}
	if (found)
		reach_new_columns(statement, reach);
}

/* Adds the types in the body of a SQL function, which is analysed when it is created */
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
		code_reach_literals(reach, (Node *) parameter->argType);
	}
	code_reach_literals(reach, (Node *) statement->returnType);
	code_reach_literals(reach, (Node *) code_queries(statement->sql_body));
	foreach_ptr(const RawStmt, raw, body ? plan_parse(body, &edata) : NIL)
	{
		/* other statements are analysed when the function runs */
		if (code_is_query(raw->stmt))
			code_reach_literals(reach, raw->stmt);
	}
}

/* Visits defaults of parameters, which are analysed in every language, as the parameters' types */
static void
visit_defaults(const CreateFunctionStmt *statement, CodeReach *reach)
{
	foreach_ptr(const FunctionParameter, parameter, statement->parameters)
	{
		if (parameter->defexpr == NULL)
			continue;
		code_reach_literals(reach, (Node *) parameter->argType);
		code_reach_literals(reach, parameter->defexpr);
	}
}

/*
 * Visits the initial value of an aggregate; in such a statement names of
 * functions look like those of types
 */
static void
visit_definition(const DefineStmt *statement, CodeReach *reach)
{
	if (statement->kind != OBJECT_AGGREGATE)
		return;
	foreach_ptr(const DefElem, option, statement->definition)
	{
		if (strstr(option->defname, "stype") && option->arg && IsA(option->arg, TypeName))
			code_reach_literals(reach, option->arg);
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
		code_reach_literals(reach, object->pubtable->whereClause);
	}
}

/* Visits the expressions in a command of ALTER TABLE; returns whether it has any */
static bool
visit_command(const AlterTableCmd *cmd, CodeReach *reach)
{
	Node	   *def = cmd->def;

	if (def == NULL)
		return false;
	if (cmd->subtype == AT_ColumnDefault || sg_sets_expression(cmd->subtype))
		code_reach_literals(reach, def);
	else if (IsA(def, Constraint))
		return visit_constraint((Constraint *) def, reach);
	else if (IsA(def, ColumnDef))
	{
		code_reach_literals(reach, (Node *) ((ColumnDef *) def)->typeName);
		code_reach_literals(reach, ((ColumnDef *) def)->raw_default);
		return visit_constraints(((ColumnDef *) def)->constraints, reach) || ((ColumnDef *) def)->raw_default;
	}
	else
		return false;
	return true;
}

/* Adds types for literals in ALTER TABLE, which are read as the types of the table's columns */
static void
visit_table(const AlterTableStmt *statement, CodeReach *reach)
{
	bool		found = false;

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		found |= visit_command(cmd, reach);
	}
	if (found)
		reach_columns(reach, statement->relation);
}

/* Adds types for literals in ALTER DOMAIN, which are read as the domain, and as the types beside them */
static void
visit_domain(const AlterDomainStmt *statement, CodeReach *reach)
{
	Node	   *def = statement->def;

	if (def == NULL)
		return;
	code_reach_literal_type(reach, code_find_type(reach, makeTypeNameFromNameList(statement->typeName)));
	code_reach_literals(reach, IsA(def, Constraint) ? ((Constraint *) def)->raw_expr : def);
}

void
change_reach_expressions(Node *statement, CodeReach *reach)
{
	if (IsA(statement, AlterTableStmt))
		visit_table((AlterTableStmt *) statement, reach);
	else if (IsA(statement, AlterDomainStmt))
		visit_domain((AlterDomainStmt *) statement, reach);
	else
		change_reach_literals(statement, reach);
}

bool
change_reads_no_value(const char *sql)
{
	switch (nodeTag(linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt))
	{
		case T_ViewStmt:
		case T_CreateTableAsStmt:	/* WITH NO DATA: see plan_accept.c */
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateTrigStmt:
		case T_CreateStatsStmt:
		case T_CreateFunctionStmt:
			return !code_has_literal(sql);
		default:
			return false;
	}
}

void
change_reach_written(const char *sql, CodeReach *reach)
{
	CodeReach  *types = code_reach();
	Node	   *statement;
	SgScope		scope;

	statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	sg_caller_begin(&scope);
	change_reach_expressions(statement, types);
	code_reach_take_called(reach, types);
	/* a literal runs no cast, which only the owner of a type could plant */
	if (!change_reads_no_value(sql) && (code_is_others(types) || code_has_domains(types)))
		change_reach_expressions(statement, reach);
	sg_scope_end(&scope);
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
				code_reach_literals(reach, (Node *) ((CreateDomainStmt *) statement)->typeName);
			break;
		case T_ViewStmt:
			code_reach_literals(reach, ((ViewStmt *) statement)->query);
			break;
		case T_CreateTableAsStmt:
			code_reach_literals(reach, (Node *) code_queries(((CreateTableAsStmt *) statement)->query));
			break;
		case T_RuleStmt:
			reach_columns(reach, ((RuleStmt *) statement)->relation);
			code_reach_literals(reach, ((RuleStmt *) statement)->whereClause);
			code_reach_literals(reach, (Node *) code_queries((Node *) ((RuleStmt *) statement)->actions));
			break;
		case T_CreatePolicyStmt:
			reach_columns(reach, ((CreatePolicyStmt *) statement)->table);
			code_reach_literals(reach, ((CreatePolicyStmt *) statement)->qual);
			code_reach_literals(reach, ((CreatePolicyStmt *) statement)->with_check);
			break;
		case T_AlterPolicyStmt:
			reach_columns(reach, ((AlterPolicyStmt *) statement)->table);
			code_reach_literals(reach, ((AlterPolicyStmt *) statement)->qual);
			code_reach_literals(reach, ((AlterPolicyStmt *) statement)->with_check);
			break;
		case T_CreateTrigStmt:
			code_reach_literals(reach, ((CreateTrigStmt *) statement)->whenClause);
			break;
		case T_IndexStmt:
			plan_index_literals((IndexStmt *) statement, reach);
			break;
		case T_CreateStatsStmt:
			/* the server takes only a name, and raises an error otherwise */
			foreach_ptr(const Node, table, ((CreateStatsStmt *) statement)->relations)
			{
				if (IsA(table, RangeVar))
					reach_columns(reach, (const RangeVar *) table);
			}
			foreach_ptr(const StatsElem, element, ((CreateStatsStmt *) statement)->exprs)
			{
				code_reach_literals(reach, element->expr);
			}
			break;
		case T_CreateFunctionStmt:
			visit_body((CreateFunctionStmt *) statement, reach);
			visit_defaults((CreateFunctionStmt *) statement, reach);
			break;
		case T_DefineStmt:
			visit_definition((DefineStmt *) statement, reach);
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

static bool
has_expressions(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
		case T_AlterDomainStmt:
		case T_IndexStmt:
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_CreateTableAsStmt:	/* WITH NO DATA: see plan_accept.c */
		case T_ViewStmt:
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateTrigStmt:
		case T_CreateStatsStmt:
		case T_CreateDomainStmt:
		case T_CreateFunctionStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
			return true;
		case T_DefineStmt:
			/* an aggregate's initial value is read */
			return ((DefineStmt *) statement)->kind == OBJECT_AGGREGATE;
		case T_CreateSchemaStmt:
			foreach_ptr(Node, element, ((CreateSchemaStmt *) statement)->schemaElts)
			{
				if (!has_expressions(element) && !IsA(element, GrantStmt) && !IsA(element, CreateSeqStmt))
					return false;
			}
			return true;
		default:
			return false;
	}
}

bool
change_has_expressions(const char *sql)
{
	return has_expressions(linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt);
}

/*
 * Returns whether a body in SQL has a statement other than a query that is
 * analysed with a query inside
 */
static bool
holds_query(const char *body)
{
	ErrorData  *edata;

	foreach_ptr(const RawStmt, raw, plan_parse(body, &edata))
	{
		if (IsA(raw->stmt, CreateTableAsStmt) || IsA(raw->stmt, ExplainStmt) || IsA(raw->stmt, DeclareCursorStmt) ||
			IsA(raw->stmt, CallStmt))
			return true;
	}
	return false;
}

bool
change_hides_body(const char *sql)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	if (!IsA(statement, CreateFunctionStmt))
		return false;
	foreach_ptr(const DefElem, option, ((CreateFunctionStmt *) statement)->options)
	{
		if (strcmp(option->defname, "set") == 0 ||
			(strcmp(option->defname, "as") == 0 && holds_query(strVal(linitial((List *) option->arg)))))
			return true;
	}
	return false;
}

ChangeRetype
change_retype(const char *sql, Oid table, const char *then, const char *now)
{
	ChangeRetype result = RETYPE_NONE;

	foreach_ptr(const char, text, plan_change_texts(sql))
	{
		AlterTableStmt *alter = (AlterTableStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		if (!IsA(alter, AlterTableStmt) || change_find_named(alter->relation) != table)
			continue;
		foreach_ptr(const AlterTableCmd, command, alter->cmds)
		{
			ChangeRetype one = command->subtype != AT_AlterColumnType || !(sg_same_text(command->name, then) || sg_same_text(command->name, now)) ? RETYPE_OTHER :
				castNode(ColumnDef, command->def)->raw_default ? RETYPE_USING : RETYPE_CONVERTED;

			result = Max(result, one);
		}
	}
	return result;
}
