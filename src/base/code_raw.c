/*-------------------------------------------------------------------------
 *
 * code_raw.c
 *	  Expressions that somebody has written, before their analysis.
 *
 *	  Analysis already runs code: it turns literals into values, and the CHECK
 *	  of a domain judges the elements of an array of that domain.  So
 *	  everything that the names in an expression can lead to is examined
 *	  before: types, functions and operators, by their arguments, and the
 *	  columns of tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/scanner.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/code_internal.h"
#include "base/compat.h"
#include "base/hold.h"
#include "base/meant.h"
#include "base/quote.h"

/* ---- code that analysis can run ---- */

/* Returns whether a name can mean an object of this schema */
static bool
is_meant(List *names, Oid namespace, bool visible)
{
	char	   *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL;

	return schema ? namespace == get_namespace_oid(schema, true) : visible;
}

/* Calls one() for each function that a name may mean */
static void
each_function(List *names, void (*one) (CodeReach *reach, Form_pg_proc form, HeapTuple tuple), CodeReach *reach)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->pronamespace, FunctionIsVisible(form->oid)))
			one(reach, form, &list->members[i]->tuple);
	}
	ReleaseSysCacheList(list);
}

/* Calls one() for each operator that a name may mean */
static void
each_operator(List *names, void (*one) (CodeReach *reach, Form_pg_operator form), CodeReach *reach)
{
	CatCList   *list = SearchSysCacheList1(OPERNAMENSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_operator form = (Form_pg_operator) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->oprnamespace, OperatorIsVisible(form->oid)))
			one(reach, form);
	}
	ReleaseSysCacheList(list);
}

static void
reach_function(CodeReach *reach, Form_pg_proc form, HeapTuple tuple)
{
	code_reach_called(reach, form->oid);
	code_reach_function(reach, form->oid);
}

static void
reach_operator(CodeReach *reach, Form_pg_operator form)
{
	code_reach_called(reach, form->oprcode);
	code_reach_operator(reach, form->oid);
}

/* ---- types ---- */

/* Adds the table of a type written as table.column%TYPE; the table is locked if looks take locks */
static void
reach_typed_by(CodeReach *reach, const TypeName *name)
{
	List	   *table = list_truncate(list_copy(name->names), list_length(name->names) - 1);
	Oid			relid = table ? RangeVarGetRelid(makeRangeVarFromNameList(table), NoLock, true) : InvalidOid;

	if (OidIsValid(relid))
		code_reach_row(reach, relid);
}

Oid
code_find_type(CodeReach *reach, TypeName *name)
{
	Oid			type;

	if (name->pct_type)
		reach_typed_by(reach, name);
	type = LookupTypeNameOid(NULL, name, true);

	/*
	 * unqualified names lead to the server's types, and some, such as serial,
	 * are no types
	 */
	if (!OidIsValid(type) && list_length(name->names) > 1)
		code_reach_missing(reach, psprintf("type \"%s\" does not exist", TypeNameToString(name)));
	if (!code_holds() || !OidIsValid(type))
		return type;
	sg_hold_type(type);
	AcceptInvalidationMessages();
	if (LookupTypeNameOid(NULL, name, true) != type)
		sg_raise_replaced(TypeNameToString(name));
	return type;
}

/* Adds a type; for a serial column, which has no such type, adds the functions of its default */
static void
reach_named_type(CodeReach *reach, TypeName *name)
{
	Oid			type = code_find_type(reach, name);

	if (OidIsValid(type))
		code_reach_type(reach, type);
	else
		code_reach_called(reach, F_NEXTVAL);
}

/*
 * Adds the type that a function's name may mean: f(x) is a cast to type f if no
 * function f fits, and _f(x) a cast to its array
 */
static void
reach_cast(CodeReach *reach, const FuncCall *call)
{
	TypeName   *name = makeTypeNameFromNameList(call->funcname);

	if (list_length(call->args) != 1 || !OidIsValid(LookupTypeNameOid(NULL, name, true)))
		return;
	code_reach_type(reach, code_find_type(reach, name));
}

/* ---- the types as which literals are read ---- */

static void
reach_function_types(CodeReach *reach, Form_pg_proc form, HeapTuple tuple)
{
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n = get_func_arg_info(tuple, &types, &names, &modes);

	for (int i = 0; i < n; i++)
		code_reach_type(reach, types[i]);
	code_reach_type(reach, form->prorettype);
	code_reach_called(reach, form->oid);
}

static void
reach_operator_types(CodeReach *reach, Form_pg_operator form)
{
	if (OidIsValid(form->oprleft))
		code_reach_type(reach, form->oprleft);
	code_reach_type(reach, form->oprright);
	code_reach_type(reach, form->oprresult);
	code_reach_called(reach, form->oprcode);
}

/*
 * Adds the argument and result types of the functions or operators that a
 * FuncCall or an A_Expr may mean, because literals are read as these types;
 * function and operator themselves do not run
 */
static void
reach_call_types(CodeReach *reach, Node *call)
{
	if (IsA(call, FuncCall))
	{
		each_function(((FuncCall *) call)->funcname, reach_function_types, reach);
		reach_cast(reach, (FuncCall *) call);
	}
	else if (IsA(call, A_Expr))
		each_operator(((A_Expr *) call)->name, reach_operator_types, reach);
	else if (IsA(call, SubLink) && ((SubLink *) call)->operName)
		each_operator(((SubLink *) call)->operName, reach_operator_types, reach);
}

void
code_reach_literal_type(CodeReach *reach, Oid type)
{
	if (OidIsValid(type))
		code_reach_type(reach, getBaseType(type));
}

void
code_reach_column_types(CodeReach *reach, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			n;

	if (!HeapTupleIsValid(tuple))
		return;
	n = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	for (AttrNumber column = 1; column <= n; column++)
		code_reach_literal_type(reach, get_atttype(relid, column));
}

static bool
visit_literals(Node *node, void *reach)
{
	if (node == NULL || IsA(node, NotifyStmt))
		return false;
	if (IsA(node, RangeVar))
		code_reach_column_types(reach, RangeVarGetRelid((RangeVar *) node, NoLock, true));
	if (IsA(node, TypeName))
		reach_named_type(reach, (TypeName *) node);
	reach_call_types(reach, node);
	/* raw_expression_tree_walker() does not visit this field */
	if (IsA(node, RangeTableFuncCol) && ((RangeTableFuncCol *) node)->typeName)
		code_reach_type(reach, code_find_type(reach, ((RangeTableFuncCol *) node)->typeName));
	if (IsA(node, ReturnStmt))
		return visit_literals(((ReturnStmt *) node)->returnval, reach);
	return raw_expression_tree_walker(node, visit_literals, reach);
}

void
code_reach_literals(CodeReach *reach, Node *raw)
{
	(void) visit_literals(raw, reach);
}

/* ---- all that it could run ---- */

static bool
reach_names(Node *node, void *context)
{
	CodeReach  *reach = context;

	if (node == NULL)
		return false;
	if (IsA(node, TypeName))
		reach_named_type(reach, (TypeName *) node);
	else if (IsA(node, FuncCall))
	{
		each_function(((FuncCall *) node)->funcname, reach_function, reach);
		reach_cast(reach, (FuncCall *) node);
	}
	else if (IsA(node, A_Expr))
		each_operator(((A_Expr *) node)->name, reach_operator, reach);
	else if (IsA(node, SubLink) && ((SubLink *) node)->operName)
		each_operator(((SubLink *) node)->operName, reach_operator, reach);
	else if (IsA(node, RangeVar))
	{
		Oid			relid = RangeVarGetRelid((RangeVar *) node, NoLock, true);

		if (OidIsValid(relid))
			code_reach_row(reach, relid);
	}
	return raw_expression_tree_walker(node, reach_names, context);
}

void
code_reach_raw(CodeReach *reach, Node *raw)
{
	(void) reach_names(raw, reach);
}

/* ---- texts that are kept, and analysed anew each time ---- */

/* Returns a role, or for pg_database_owner its one member */
static Oid
member(Oid owner)
{
	HeapTuple	tuple = owner == ROLE_PG_DATABASE_OWNER ? SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId)) : NULL;

	if (!HeapTupleIsValid(tuple))
		return owner;
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

static Oid
schema_owner(Oid namespace)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(namespace));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = member(((Form_pg_namespace) GETSTRUCT(tuple))->nspowner);
	ReleaseSysCache(tuple);
	return owner;
}

/* Adds the roles that may create objects in the schema of a name */
static void
reach_makers(CodeReach *reach, List *names)
{
	const char *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : "pg_catalog";
	Oid			namespace = strcmp(schema, "pg_catalog") == 0 ? InvalidOid : get_namespace_oid(schema, true);
	HeapTuple	tuple = OidIsValid(namespace) ? SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(namespace)) : NULL;
	const char *what = psprintf("what can be made in schema %s and called by the name of another", quote_identifier(schema));
	Datum		datum;
	bool		isnull;
	Acl		   *acl;

	if (!HeapTupleIsValid(tuple))
		return;
	code_reach_planter(reach, member(((Form_pg_namespace) GETSTRUCT(tuple))->nspowner), what);
	datum = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &isnull);
	acl = isnull ? NULL : DatumGetAclP(datum);
	for (int i = 0; acl && i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		if ((ACLITEM_GET_PRIVS(*item) & ACL_CREATE) == 0)
			continue;
		if (item->ai_grantee == ACL_ID_PUBLIC)
			code_reach_missing(reach, psprintf("anybody can make a function in schema %s that would be called in place of another", quote_identifier(schema)));
		else
			code_reach_planter(reach, member(item->ai_grantee), what);
	}
	ReleaseSysCache(tuple);
}

static bool
visit_makers(Node *node, void *reach)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
		reach_makers(reach, ((FuncCall *) node)->funcname);
	else if (IsA(node, A_Expr))
		reach_makers(reach, ((A_Expr *) node)->name);
	else if (IsA(node, SubLink))
		reach_makers(reach, ((SubLink *) node)->operName);
	return raw_expression_tree_walker(node, visit_makers, reach);
}

void
code_reach_kept(CodeReach *reach, Node *raw, const List *tables)
{
	(void) visit_makers(raw, reach);
	foreach_oid(table, tables)
	{
		const char *what = psprintf("what can be put in the place of table %s", sg_relation_name(table));

		code_reach_planter(reach, code_table_owner(table), what);
		code_reach_planter(reach, schema_owner(get_rel_namespace(table)), what);
	}
}

/* ---- roles ---- */

static Oid
analysing_role(CodeReach *reach, Oid owner, const char *what)
{
	Oid			role;
	char	   *reason = code_role(reach, owner, &role);

	if (reach->missing)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s", reach->missing)));
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the %s is left alone: %s", what, reason),
				 errhint("%s", CODE_REFUSED_HINT)));
	return role;
}

void
code_analyse_as_meant(const CodeReach *reach, void (*analyse) (void *arg), void *arg)
{
	SgMeant		meant = {.harmful = reach->harmful};

	sg_as_meant(&meant, analyse, arg);
}

typedef struct Prepared
{
	const char *sql;
	SPIPlanPtr	plan;
} Prepared;

static void
prepare(void *arg)
{
	Prepared   *prepared = arg;

	prepared->plan = SPI_prepare(prepared->sql, 0, NULL);
	if (prepared->plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), prepared->sql);
}

SPIPlanPtr
code_prepare(CodeReach *reach, const char *sql)
{
	Prepared	prepared = {sql, NULL};
	SgMeant		meant = {.sql = sql,.harmful = reach->harmful,.keep = &reach->query,.context = reach->context};

	reach->sql = MemoryContextStrdup(reach->context, sql);
	sg_as_meant(&meant, prepare, &prepared);
	return prepared.plan;
}

void
code_run_as_meant(const CodeReach *looked, const char *sql, void (*run) (void *arg), void *arg)
{
	SgMeant		meant = {.sql = sql,.query = looked->query};

	if (looked->query && strcmp(looked->sql, sql) == 0)
		sg_as_meant(&meant, run, arg);
	else
		run(arg);
}

/* Token numbers, from the comment in parser/scanner.h */
#define TOKEN_END 0
#define TOKEN_SCONST 261
#define TOKEN_XCONST 264

bool
code_is_literal(int token)
{
	return token >= TOKEN_SCONST && token <= TOKEN_XCONST;
}

bool
code_has_literal(const char *sql)
{
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE		location;
	core_yyscan_t scanner = scanner_init(sql, &extra, &ScanKeywords, ScanKeywordTokens);
	int			token;

	SG_SCANNER_QUIET(extra);
	do
		token = core_yylex(&value, &location, scanner);
	while (token != TOKEN_END && !code_is_literal(token));
	scanner_finish(scanner);
	return token != TOKEN_END;
}

bool
code_is_query(Node *statement)
{
	return IsA(statement, SelectStmt) || IsA(statement, InsertStmt) || IsA(statement, UpdateStmt) ||
		IsA(statement, DeleteStmt) || IsA(statement, MergeStmt);
}

/* raw_expression_tree_walker() raises an error for a utility statement */
List *
code_queries(Node *statements)
{
	List	   *queries = NIL;

	if (statements == NULL)
		return NIL;
	if (!IsA(statements, List))
		return code_is_query(statements) || IsA(statements, ReturnStmt) ? list_make1(statements) : NIL;
	foreach_ptr(Node, statement, (List *) statements)
	{
		queries = list_concat(queries, code_queries(statement));
	}
	return queries;
}

void
code_analysis_begin(SgScope *scope, CodeReach *reach, Oid owner, const char *what)
{
	sg_role_begin(scope, analysing_role(reach, owner, what));
	sg_scope_pin();
}

/* ---- expressions over the row of a table ---- */

static Node *
as_value(ParseState *pstate, Node *cooked, const CodeExpression *expression)
{
	Node	   *value = coerce_to_target_type(pstate, cooked, exprType(cooked), expression->type, expression->typmod,
											  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s is of type %s, but the expression is of type %s", expression->target,
						format_type_be(expression->type), format_type_be(exprType(cooked)))));
	return value;
}

/* Returns the value of a column that is still to be added, or NULL for other names */
static Node *
added_column(ParseState *pstate, ColumnRef *ref)
{
	const CodeExpression *expression = pstate->p_ref_hook_state;
	ListCell   *name;
	ListCell   *value;

	forboth(name, expression->added, value, expression->values)
	{
		if (IsA(llast(ref->fields), String) && strcmp(strVal(llast(ref->fields)), lfirst(name)) == 0)
			return copyObject((Node *) lfirst(value));
	}
	return NULL;
}

typedef struct Analysis
{
	const CodeExpression *expression;
	Node	   *cooked;
} Analysis;

/*
 * Analyses as the server does: like cookConstraint() for a table's CHECK, and
 * like UPDATE for a column's value
 */
static void
analyse(void *arg)
{
	Analysis   *analysis = arg;
	const CodeExpression *expression = analysis->expression;
	ParseState *pstate = make_parsestate(NULL);
	Relation	rel = sg_relation_open(expression->relid, AccessShareLock);
	Node	   *cooked;

	addNSItemToQuery(pstate, addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, true),
					 true, true, true);
	pstate->p_pre_columnref_hook = added_column;
	pstate->p_ref_hook_state = unconstify(CodeExpression *, expression);
	cooked = transformExpr(pstate, expression->raw, expression->kind);
	if (expression->condition)
		cooked = coerce_to_boolean(pstate, cooked, expression->condition);
	else if (expression->target)
		cooked = as_value(pstate, cooked, expression);
	assign_expr_collations(pstate, cooked);
	free_parsestate(pstate);
	table_close(rel, NoLock);
	analysis->cooked = cooked;
}

Node *
code_analyse(const CodeExpression *expression)
{
	CodeReach  *reach = code_reach();
	bool		pinned = !expression->any_path;
	SgScope		caller;
	SgScope		scope;
	Analysis	analysis = {expression, NULL};
	Oid			role;

	if (pinned)
		sg_caller_begin(&caller);

	/*
	 * the lock keeps the table's columns as they are until the transaction
	 * ends
	 */
	table_close(sg_relation_open(expression->relid, AccessShareLock), NoLock);
	code_reach_row(reach, expression->relid);
	code_reach_raw(reach, expression->raw);

	/*
	 * a domain within that type judges a literal as soon as the literal is
	 * converted
	 */
	if (expression->target)
		code_reach_type(reach, expression->type);
	role = analysing_role(reach, code_table_owner(expression->relid), expression->condition ? "condition" : "expression");
	if (OidIsValid(role))
	{
		sg_role_begin(&scope, role);
		if (pinned)
			sg_scope_pin();
	}
	code_analyse_as_meant(reach, analyse, &analysis);
	if (OidIsValid(role))
		sg_scope_end(&scope);
	if (pinned)
		sg_scope_end(&caller);
	return analysis.cooked;
}
