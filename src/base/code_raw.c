/*-------------------------------------------------------------------------
 *
 * code_raw.c
 *	  Expressions that somebody has written, before they are analysed.
 *
 * Analysis already runs code: it turns literals into values, and that of an
 * array of a domain is looked at by the domain's CHECK.  So before, all that
 * the names in it can lead to is looked at: types, functions and operators, by
 * their arguments, and the columns of tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"

/* ---- what the analysis can run ---- */

/* Is the object that a name may mean the one of this schema? */
static bool
is_meant(List *names, Oid namespace, bool visible)
{
	char	   *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL;

	return schema ? namespace == get_namespace_oid(schema, true) : visible;
}

static void
reach_functions(CodeReach *reach, List *names)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->pronamespace, FunctionIsVisible(form->oid)))
			code_reach_function(reach, form->oid);
	}
	ReleaseSysCacheList(list);
}

static void
reach_operators(CodeReach *reach, List *names)
{
	CatCList   *list = SearchSysCacheList1(OPERNAMENSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_operator form = (Form_pg_operator) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->oprnamespace, OperatorIsVisible(form->oid)))
			code_reach_operator(reach, form->oid);
	}
	ReleaseSysCacheList(list);
}

static bool
reach_names(Node *node, void *context)
{
	CodeReach  *reach = context;

	if (node == NULL)
		return false;
	if (IsA(node, TypeName))
		code_reach_type(reach, LookupTypeNameOid(NULL, (TypeName *) node, true));
	else if (IsA(node, FuncCall))
		reach_functions(reach, ((FuncCall *) node)->funcname);
	else if (IsA(node, A_Expr))
		reach_operators(reach, ((A_Expr *) node)->name);
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

/* ---- as whom ---- */

static Oid
analysing_role(CodeReach *reach, Oid owner, const char *what)
{
	Oid			role;
	char	   *reason = code_role(reach, owner, &role);

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the %s is left alone: %s", what, reason)));
	return role;
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

/* As core does it for a CHECK of a table (cookConstraint), and for the value of a column in UPDATE */
static Node *
analyse(const CodeExpression *expression)
{
	ParseState *pstate = make_parsestate(NULL);
	Relation	rel = sg_relation_open(expression->relid, AccessShareLock);
	Node	   *cooked;

	addNSItemToQuery(pstate, addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, true),
					 true, true, true);
	cooked = transformExpr(pstate, expression->raw, expression->kind);
	if (expression->condition)
		cooked = coerce_to_boolean(pstate, cooked, expression->condition);
	else if (expression->target)
		cooked = as_value(pstate, cooked, expression);
	assign_expr_collations(pstate, cooked);
	free_parsestate(pstate);
	table_close(rel, NoLock);
	return cooked;
}

Node *
code_analyse(const CodeExpression *expression)
{
	CodeReach  *reach = code_reach();
	bool		pinned = !expression->any_path;
	SgScope		caller;
	SgScope		scope;
	Node	   *cooked;
	Oid			role;

	if (pinned)
		sg_caller_begin(&caller);
	code_reach_row(reach, expression->relid);
	code_reach_raw(reach, expression->raw);
	role = analysing_role(reach, code_table_owner(expression->relid), expression->condition ? "condition" : "expression");
	if (OidIsValid(role))
	{
		sg_role_begin(&scope, role);
		if (pinned)
			sg_scope_pin();
	}
	cooked = analyse(expression);
	if (OidIsValid(role))
		sg_scope_end(&scope);
	if (pinned)
		sg_scope_end(&caller);
	return cooked;
}
