/*-------------------------------------------------------------------------
 *
 * sync_text.c
 *	  Checks the text of a statement before it goes into a script.
 *
 *	  A document is code of its author, who could have written anything.
 *	  Templates put its names and expressions into statements, which psql
 *	  reads as well as the server.  So each text is parsed alone: it has to be
 *	  statements that fit the object's kind, on that object, without comments,
 *	  and with backslashes only in literals and quoted names, because psql
 *	  would take others for commands.  Only sg_sync_calls() reads a catalog:
 *	  it asks what the server's own functions do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/portable.h"
#include "base/scope.h"
#include "base/spi.h"
#include "sync/sync_scratch.h"
#include "sync/sync_write.h"

SG_FUNCTION(sg_sync_problem);
SG_FUNCTION(sg_sync_calls);
SG_FUNCTION(sg_sync_columns);
SG_FUNCTION(sg_sync_parses);
SG_FUNCTION(sg_sync_portable);

/* ---- characters ---- */

/* Returns the forbidden text outside of literals and quoted names, or NULL */
static const char *
stray(const char *sql)
{
	for (const char *p = sql; *p; p = sg_skip_token(sql, p))
	{
		bool		begins = !sg_is_word_character(p == sql ? ' ' : p[-1]);

		if (*p == '\\')
			return "a backslash";
		if (begins && pg_strncasecmp(p, "u&\"", 3) == 0)
			return "a name by Unicode escapes";
		if ((*p == '-' && p[1] == '-') || (*p == '/' && p[1] == '*'))
			return "a comment";
	}
	return sg_unportable(sql);
}

/*
 * schemaguard.sg_sync_portable(text text)
 *
 * Returns a statement or expression as sg_portable() writes it; SYNC_JOINT
 * becomes a semicolon at the end of a line.
 */
static Datum
sg_sync_portable_entered(PG_FUNCTION_ARGS)
{
	char	   *text = sg_arg_text(fcinfo, 0);

	PG_RETURN_TEXT_P(cstring_to_text(sg_portable(text)));
}

/* ---- parsing ---- */

typedef struct ParseArg
{
	const char *sql;
	RawParseMode mode;
	List	   *parsed;			/* RawStmt * */
} ParseArg;

static void
parse(void *p)
{
	ParseArg   *arg = p;

	arg->parsed = raw_parser(arg->sql, arg->mode);
}

List *
sync_parse_text(const char *sql, RawParseMode mode, char **problem)
{
	ParseArg	arg = {.sql = sql,.mode = mode};
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *error;

	*problem = NULL;
	if (stray(sql))
		*problem = psprintf("%s stands outside of literals and names", stray(sql));
	else
	{
		error = sg_try(parse, &arg);
		MemoryContextSwitchTo(context);
		if (error)
		{
			sg_rethrow_cancel(error);
			*problem = psprintf("PostgreSQL %s can't parse it: %s", PG_VERSION, sg_error_message(error));
		}
	}
	return *problem ? NIL : arg.parsed;
}

/* ---- kinds ---- */

/*
 * Command tags that make, alter and drop objects of a kind, besides CREATE,
 * ALTER and DROP of the kind itself
 */
static const char *const tags[][2] = {
	{"table", "CREATE FOREIGN TABLE,ALTER FOREIGN TABLE,DROP FOREIGN TABLE,DO"},
	{"column", "ALTER TABLE,ALTER FOREIGN TABLE,ALTER SEQUENCE,DO"},
	{"constraint", "ALTER TABLE,ALTER FOREIGN TABLE,ALTER DOMAIN,CREATE INDEX,ALTER INDEX,DROP INDEX,REINDEX,DO"},
	{"index", "ALTER TABLE,ALTER MATERIALIZED VIEW"},
	{"sequence", "DO"},
	{"materialized view", "REFRESH MATERIALIZED VIEW,DO"},
	{"rule", "ALTER TABLE"},
	{"trigger", "ALTER TABLE,ALTER FOREIGN TABLE"},
	{"type", "DO,ALTER TABLE"},
	{"foreign server", "CREATE SERVER,ALTER SERVER,DROP SERVER"},
	{"default privilege", "ALTER DEFAULT PRIVILEGES"},
};

static bool
is_in(const char *tag, const char *list)
{
	const char *at = list;
	size_t		length = strlen(tag);

	while (at)
	{
		if (strncmp(at, tag, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
		at = strchr(at, ',');
		if (at)
			at++;
	}
	return false;
}

static bool
fits_kind(const char *tag, const char *kind)
{
	const char *word = strchr(tag, ' ');

	if (is_in(tag, "COMMENT,GRANT,REVOKE"))
		return true;
	if (word && is_in(pnstrdup(tag, word - tag), "CREATE,ALTER,DROP") && pg_strcasecmp(word + 1, kind) == 0)
		return true;
	for (int i = 0; i < lengthof(tags); i++)
	{
		if (strcmp(kind, tags[i][0]) == 0 && is_in(tag, tags[i][1]))
			return true;
	}
	return false;
}

/* ---- objects ---- */

static char *
relation_name(const RangeVar *relation)
{
	return relation->schemaname ? quote_qualified_identifier(relation->schemaname, relation->relname) :
		pstrdup(quote_identifier(relation->relname));
}

static char *
list_name(List *names)
{
	foreach_ptr(Node, element, names)
	{
		if (!IsA(element, String))
			return NULL;
	}
	return NameListToQuotedString(names);
}

/*
 * Returns the name that a statement's node has for its object, or NULL if the
 * node's name is not compared
 */
static char *
name_of(Node *node)
{
	if (node == NULL)
		return NULL;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			return relation_name((RangeVar *) node);
		case T_TypeName:
			return ((TypeName *) node)->names ? NameListToQuotedString(((TypeName *) node)->names) : NULL;
		case T_String:
			return pstrdup(quote_identifier(strVal(node)));
		case T_List:
			return list_name((List *) node);
		case T_ObjectWithArgs:
			return list_name(((ObjectWithArgs *) node)->objname);
		default:
			return NULL;
	}
}

/*
 * Returns the object of a statement, as a node for name_of(); NULL: a kind
 * whose text is its identity alone
 */
static Node *
target_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return (Node *) ((AlterTableStmt *) statement)->relation;
		case T_CreateStmt:
			return (Node *) ((CreateStmt *) statement)->relation;
		case T_CreateForeignTableStmt:
			return (Node *) ((CreateForeignTableStmt *) statement)->base.relation;
		case T_IndexStmt:
			return (Node *) ((IndexStmt *) statement)->relation;
		case T_ReindexStmt:
			return (Node *) ((ReindexStmt *) statement)->relation;
		case T_ViewStmt:
			return (Node *) ((ViewStmt *) statement)->view;
		case T_CreateTableAsStmt:
			return (Node *) ((CreateTableAsStmt *) statement)->into->rel;
		case T_RefreshMatViewStmt:
			return (Node *) ((RefreshMatViewStmt *) statement)->relation;
		case T_RuleStmt:
			return (Node *) ((RuleStmt *) statement)->relation;
		case T_CreateTrigStmt:
			return (Node *) ((CreateTrigStmt *) statement)->relation;
		case T_CreatePolicyStmt:
			return (Node *) ((CreatePolicyStmt *) statement)->table;
		case T_AlterPolicyStmt:
			return (Node *) ((AlterPolicyStmt *) statement)->table;
		case T_CreateSeqStmt:
			return (Node *) ((CreateSeqStmt *) statement)->sequence;
		case T_AlterSeqStmt:
			return (Node *) ((AlterSeqStmt *) statement)->sequence;
		case T_CompositeTypeStmt:
			return (Node *) ((CompositeTypeStmt *) statement)->typevar;
		case T_CreateEnumStmt:
			return (Node *) ((CreateEnumStmt *) statement)->typeName;
		case T_AlterEnumStmt:
			return (Node *) ((AlterEnumStmt *) statement)->typeName;
		case T_CreateRangeStmt:
			return (Node *) ((CreateRangeStmt *) statement)->typeName;
		case T_CreateDomainStmt:
			return (Node *) ((CreateDomainStmt *) statement)->domainname;
		case T_AlterDomainStmt:
			return (Node *) ((AlterDomainStmt *) statement)->typeName;
		case T_CreateFunctionStmt:
			return (Node *) ((CreateFunctionStmt *) statement)->funcname;
		case T_CreateStatsStmt:
			return (Node *) ((CreateStatsStmt *) statement)->defnames;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->relation ? (Node *) ((RenameStmt *) statement)->relation : ((RenameStmt *) statement)->object;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) statement)->relation ? (Node *) ((AlterObjectSchemaStmt *) statement)->relation :
				((AlterObjectSchemaStmt *) statement)->object;
		case T_AlterFunctionStmt:
			return (Node *) ((AlterFunctionStmt *) statement)->func;
		case T_AlterTSConfigurationStmt:
			return (Node *) ((AlterTSConfigurationStmt *) statement)->cfgname;
		case T_CreateSchemaStmt:
			return (Node *) makeString(((CreateSchemaStmt *) statement)->schemaname);
		case T_CommentStmt:
			return ((CommentStmt *) statement)->object;
		case T_DropStmt:
			return list_length(((DropStmt *) statement)->objects) == 1 ? linitial(((DropStmt *) statement)->objects) : NULL;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) statement)->object;
		case T_GrantStmt:
			return list_length(((GrantStmt *) statement)->objects) == 1 ? linitial(((GrantStmt *) statement)->objects) : NULL;
		default:
			return NULL;
	}
}

/*
 * Returns whether a name is the object's, its parent's, or that of an object
 * beside it.  Names have no arguments.  A column, or another part of a table,
 * has its table's name before its own.
 */
static bool
is_one_of(Node *target, List *names)
{
	char	   *name = name_of(target);
	char	   *of = IsA(target, List) && list_length((List *) target) > 1 ?
		list_name(list_truncate(list_copy((List *) target), list_length((List *) target) - 1)) : NULL;

	foreach_ptr(const char, allowed, names)
	{
		if (strcmp(name, allowed) == 0 || (of && strchr(of, '.') && strcmp(of, allowed) == 0))
			return true;
	}
	return false;
}

/*
 * Returns whether a kind has no single name: casts and the like have several,
 * operators none; only the kind is compared
 */
static bool
has_no_name(ObjectType type)
{
	return type == OBJECT_CAST || type == OBJECT_TRANSFORM || type == OBJECT_OPCLASS || type == OBJECT_OPFAMILY ||
		type == OBJECT_OPERATOR || type == OBJECT_DOMCONSTRAINT;
}

/*
 * Returns the kind of object that a statement drops, or gives to another owner;
 * *gives: it is such a statement
 */
static ObjectType
given_type(Node *statement, bool *gives)
{
	*gives = true;
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) statement)->objectType;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) statement)->objectType;
		case T_GrantStmt:
			return ((GrantStmt *) statement)->objtype;
		case T_CommentStmt:
			return ((CommentStmt *) statement)->objtype;
		default:
			*gives = false;
			return OBJECT_TABLE;
	}
}

/* Returns the argument types of a routine; *is_routine: the statement is about one */
static List *
input_types(Node *statement, bool *is_routine)
{
	Node	   *target = target_of(statement);
	List	   *parameters = NIL;
	List	   *types = NIL;

	*is_routine = true;
	if (target && IsA(target, ObjectWithArgs))
		return ((ObjectWithArgs *) target)->objargs;
	if (IsA(statement, CreateFunctionStmt))
		parameters = ((CreateFunctionStmt *) statement)->parameters;
	else if (IsA(statement, DefineStmt) && ((DefineStmt *) statement)->kind == OBJECT_AGGREGATE && !((DefineStmt *) statement)->oldstyle)
		parameters = linitial(((DefineStmt *) statement)->args);
	else
		*is_routine = false;
	foreach_ptr(const FunctionParameter, parameter, parameters)
	{
		if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			types = lappend(types, parameter->argType);
	}
	return types;
}

/*
 * Returns whether a statement on a routine is about the overload of one of the
 * names, which come with arguments, too
 */
static bool
is_overload(Node *statement, const char *kind, List *names)
{
	bool		is_routine;
	List	   *types = input_types(statement, &is_routine);
	bool		any = false;

	if (!is_routine || strcmp(kind, "operator") == 0)
		return true;
	foreach_ptr(const char, name, names)
	{
		char	   *problem;
		List	   *parsed;
		Node	   *drop;

		if (strchr(name, '(') == NULL)
			continue;
		any = true;
		parsed = sync_parse_text(psprintf("DROP %s %s", strcmp(kind, "aggregate") == 0 ? "AGGREGATE" : "ROUTINE", name), RAW_PARSE_DEFAULT, &problem);
		drop = list_length(parsed) == 1 ? linitial_node(RawStmt, parsed)->stmt : NULL;
		if (drop && IsA(drop, DropStmt) && list_length(((DropStmt *) drop)->objects) == 1 && equal(types, input_types(drop, &is_routine)))
			return true;
	}
	return !any;
}

/* Returns whether a statement is about the object of one of these names, as far as its kind has a name */
static bool
is_about(Node *statement, List *names)
{
	Node	   *target = target_of(statement);
	bool		gives;
	ObjectType	type = given_type(statement, &gives);

	if (IsA(statement, DropStmt) && list_length(((DropStmt *) statement)->objects) != 1)
		return false;
	if (gives && has_no_name(type))
		return true;
	if (target == NULL || name_of(target) == NULL)
		return !gives;
	return is_one_of(target, names);
}

/*
 * Returns whether the subcommands of ALTER TABLE come from one rule: a single
 * one, or a column's type with its default.  A composite type may have more.
 */
static bool
is_one_change(const AlterTableStmt *statement)
{
	const char *column = NULL;

	if (list_length(statement->cmds) == 1 || statement->objtype == OBJECT_TYPE)
		return true;
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->subtype != AT_ColumnDefault && cmd->subtype != AT_AlterColumnType)
			return false;
		if (column && (cmd->name == NULL || strcmp(cmd->name, column) != 0))
			return false;
		column = cmd->name;
	}
	return true;
}

/* Returns whether GRANT or REVOKE is of privileges on one object, that of target_of() */
static bool
is_one_grant(const GrantStmt *statement)
{
	return statement->targtype == ACL_TARGET_DEFAULTS ||
		(statement->targtype == ACL_TARGET_OBJECT && list_length(statement->objects) == 1);
}

/*
 * Returns what is wrong with one statement, or NULL.  With any_object, its
 * object is not compared.  CREATE SCHEMA may contain statements and name an
 * owner; no template writes it so.
 */
static char *
statement_problem(Node *statement, const char *kind, bool any_object, List *names)
{
	const char *tag = GetCommandTagName(CreateCommandTag(statement));

	if (!fits_kind(tag, kind))
		return psprintf("%s is no statement for a %s", tag, kind);
	if (!any_object && !(is_about(statement, names) && is_overload(statement, kind, names)))
		return psprintf("%s is about another object", tag);
	if (IsA(statement, DropStmt) && ((DropStmt *) statement)->behavior == DROP_CASCADE)
		return psprintf("%s takes more along", tag);
	if (IsA(statement, AlterTableStmt) && !is_one_change((AlterTableStmt *) statement))
		return psprintf("%s makes more than one change", tag);
	if (IsA(statement, GrantStmt) && !is_one_grant((GrantStmt *) statement))
		return psprintf("%s is about more than one object", tag);
	if (IsA(statement, CreateSchemaStmt) &&
		(((CreateSchemaStmt *) statement)->schemaElts || ((CreateSchemaStmt *) statement)->authrole))
		return pstrdup("CREATE SCHEMA makes more than a schema");
	return NULL;
}

/*
 * Returns what is wrong with a guard, or NULL: it must be one expression,
 * because the script puts it into its own statements
 */
static char *
guard_problem(const char *guard)
{
	char	   *problem;
	List	   *parsed = sync_parse_text(guard, RAW_PARSE_PLPGSQL_EXPR, &problem);
	SelectStmt *select;

	if (problem)
		return problem;
	select = (SelectStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (list_length(select->targetList) != 1 || linitial_node(ResTarget, select->targetList)->name ||
		select->op != SETOP_NONE || select->fromClause || select->whereClause || select->intoClause ||
		select->distinctClause || select->groupClause || select->havingClause || select->windowClause || select->valuesLists ||
		select->sortClause || select->limitCount || select->limitOffset || select->lockingClause || select->withClause)
		return pstrdup("its state can't be asked for by one expression");
	return NULL;
}

/*
 * Returns why the statements of a text may not go into a script, or NULL; with
 * any_object each part may be several statements
 */
static char *
text_problem(const char *text, const char *kind, bool any_object, List *names)
{
	const char *end;
	char	   *problem = NULL;

	for (const char *p = text; p && problem == NULL; p = end ? end + strlen(SYNC_JOINT) : NULL)
	{
		List	   *parsed;

		end = strstr(p, SYNC_JOINT);
		parsed = sync_parse_text(end ? pnstrdup(p, end - p) : p, RAW_PARSE_DEFAULT, &problem);
		if (problem == NULL && parsed == NIL)
			problem = pstrdup("it is no statement");
		else if (problem == NULL && list_length(parsed) > 1 && !any_object)
			problem = psprintf("it is %d statements", list_length(parsed));
		foreach_ptr(const RawStmt, raw, parsed)
		{
			if (problem == NULL)
				problem = statement_problem(raw->stmt, kind, any_object, names);
		}
	}
	return problem;
}

/*
 * schemaguard.sg_sync_problem(kind text, names text[], statement text, guard
 * text)
 *
 * Returns why a statement, or one of those between SYNC_JOINT, may not go into
 * a script, or NULL: it is of another kind, more than one, about an object with
 * none of these names (NULL: any, and any number of statements), not parseable
 * by this server, or has comments or backslashes outside of literals.  Checks
 * its guard alike, which may be NULL.
 */
static Datum
sg_sync_problem_entered(PG_FUNCTION_ARGS)
{
	char	   *kind = sg_arg_text(fcinfo, 0);
	List	   *names = sg_arg_is_null(fcinfo, 1) ? NIL : sg_text_array_list(PG_GETARG_DATUM(1));
	char	   *problem;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_pin_source();
	problem = text_problem(sg_arg_text(fcinfo, 2), kind, sg_arg_is_null(fcinfo, 1), names);
	if (problem == NULL && !sg_arg_is_null(fcinfo, 3))
		problem = guard_problem(sg_arg_text(fcinfo, 3));
	sg_scope_end(&scope);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* Returns what is wrong with the attribute of a composite type, or NULL */
static char *
attribute_problem(const char *attribute)
{
	char	   *problem;
	List	   *parsed = sync_parse_text(psprintf("CREATE TYPE t AS (%s)", attribute), RAW_PARSE_DEFAULT, &problem);

	if (problem)
		return problem;
	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, CompositeTypeStmt) ||
		list_length(((CompositeTypeStmt *) linitial_node(RawStmt, parsed)->stmt)->coldeflist) != 1)
		return pstrdup("it is not one attribute");
	return NULL;
}

/*
 * schemaguard.sg_sync_parses(form text, value text)
 *
 * Returns whether a document's property is a type, an expression, or an
 * attribute, each alone and whole, because templates put it between words of
 * their own.
 */
static Datum
sg_sync_parses_entered(PG_FUNCTION_ARGS)
{
	char	   *form = sg_arg_text(fcinfo, 0);
	char	   *value = sg_arg_text(fcinfo, 1);
	char	   *problem;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_pin_source();
	if (strcmp(form, "type") == 0)
		(void) sync_parse_text(value, RAW_PARSE_TYPE_NAME, &problem);
	else if (strcmp(form, "attribute") == 0)
		problem = attribute_problem(value);
	else
		problem = guard_problem(value);
	sg_scope_end(&scope);
	PG_RETURN_BOOL(problem == NULL);
}

/* ---- the server's functions ---- */

static bool
calls_more(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		List	   *names = ((FuncCall *) node)->funcname;
		CatCList   *list;
		bool		more = false;

		if (list_length(names) > 1 && strcmp(strVal(linitial(names)), "pg_catalog") != 0)
			return raw_expression_tree_walker(node, calls_more, context);
		list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));
		for (int i = 0; i < list->n_members; i++)
		{
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

			more = more || (form->pronamespace == PG_CATALOG_NAMESPACE && !sync_sandbox_is_harmless(form->oid));
		}
		ReleaseSysCacheList(list);
		if (more)
			return true;
	}
	return raw_expression_tree_walker(node, calls_more, context);
}

static bool
constraints_call_more(List *constraints)
{
	foreach_ptr(const Constraint, constraint, constraints)
	{
		if (calls_more(constraint->raw_expr, NULL))
			return true;
	}
	return false;
}

/* Returns whether ALTER TABLE computes anything by such functions */
static bool
command_calls_more(const AlterTableCmd *cmd)
{
	Node	   *def = cmd->def;

	if (def == NULL)
		return false;
	if (IsA(def, Constraint))
		return calls_more(((Constraint *) def)->raw_expr, NULL);
	if (IsA(def, ColumnDef))
		return calls_more(((ColumnDef *) def)->raw_default, NULL) || constraints_call_more(((ColumnDef *) def)->constraints);
	return false;
}

static bool
commands_call_more(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (command_calls_more(cmd))
			return true;
	}
	return false;
}

static bool
domain_calls_more(const AlterDomainStmt *statement)
{
	return statement->def && IsA(statement->def, Constraint) &&
		calls_more(((Constraint *) statement->def)->raw_expr, NULL);
}

static bool
statements_call_more(List *parsed)
{
	foreach_ptr(const RawStmt, raw, parsed)
	{
		if ((IsA(raw->stmt, AlterTableStmt) && commands_call_more((AlterTableStmt *) raw->stmt)) ||
			(IsA(raw->stmt, AlterDomainStmt) && domain_calls_more((AlterDomainStmt *) raw->stmt)))
			return true;
	}
	return false;
}

/*
 * schemaguard.sg_sync_calls(statement text)
 *
 * Returns whether ALTER TABLE or ALTER DOMAIN computes a value by a built-in
 * function that does more than compute or read catalogs: such a function runs
 * queries, reads files, or ends sessions, as the role that runs the statement.
 */
static Datum
sg_sync_calls_entered(PG_FUNCTION_ARGS)
{
	char	   *problem;
	List	   *parsed;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_pin_source();
	parsed = sync_parse_text(sg_arg_text(fcinfo, 0), RAW_PARSE_DEFAULT, &problem);
	sg_scope_end(&scope);
	PG_RETURN_BOOL(problem != NULL || statements_call_more(parsed));
}

static bool
add_column(Node *node, void *names)
{
	if (node && IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		*(List **) names = lappend(*(List **) names, strVal(llast(((ColumnRef *) node)->fields)));
	return node && raw_expression_tree_walker(node, add_column, names);
}

/*
 * schemaguard.sg_sync_columns(expression text)
 *
 * Returns the names of the columns that an expression over one table reads;
 * null if it can't be parsed.
 */
static Datum
sg_sync_columns_entered(PG_FUNCTION_ARGS)
{
	char	   *problem;
	List	   *names = NIL;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_pin_source();
	foreach_ptr(const RawStmt, raw, sync_parse_text(sg_arg_text(fcinfo, 0), RAW_PARSE_PLPGSQL_EXPR, &problem))
	{
		(void) add_column(raw->stmt, &names);
	}
	sg_scope_end(&scope);
	if (problem)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(sg_text_array(names));
}
