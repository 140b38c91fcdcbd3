/*-------------------------------------------------------------------------
 *
 * expression_tree.c
 *	  Two expressions by what this catalog makes of them.
 *
 * Both are analysed as they would be in the table; then casts and arithmetic
 * of literals are folded, and the trees compared.  Columns are resolved by a
 * hook that reads the catalog, so no relation is opened and no lock taken.
 *
 * Nobody's code runs.  Analysis makes a value of a literal, and the input
 * function of its type comes to the CHECKs of a domain at any depth: in an
 * array, a composite, a range.  Which type that is may follow from all that
 * stands around the literal.  So types other than built-in ones, enums and
 * arrays of these are not let through; and where a function is called that
 * may bring in any type, each literal has to name its own.  What is folded are
 * PostgreSQL's own immutable functions on values of such types that are cheap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "expression/expression.h"

/* Origin of a column, as the varno of its Var */
#define OWN_ROW 1
#define OLD_ROW 2
#define NEW_ROW 3

typedef struct TreePair
{
	const DriftScope *scope;
	const char *text[2];
	Oid			relid;
	bool		is_domain;
	Oid			type;			/* type of a default, or of a domain's VALUE;
								 * never a domain */
	int32		typmod;
	Oid			collation;
	bool		same;
} TreePair;

pg_noreturn static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not analysed", what)));
}

/* ---- what may be analysed ---- */

/*
 * Returns whether PostgreSQL's own code alone makes a value of this type from a
 * literal; not of a domain, nor of an array of one.
 */
static bool
is_plain_type(Oid type)
{
	Oid			element = get_element_type(type);

	if (OidIsValid(element))
		type = element;

	return type < FirstUnpinnedObjectId || get_typtype(type) == TYPTYPE_ENUM;
}

/*
 * Returns whether a name is in pg_catalog, the only schema searched, where only
 * superusers can create objects
 */
static bool
is_own_name(List *name)
{
	return list_length(name) > 1 && strcmp(strVal(linitial(name)), "pg_catalog") != 0;
}

static bool
is_bare_literal(Node *node)
{
	return node && IsA(node, A_Const) && !((A_Const *) node)->isnull &&
		IsA(&((A_Const *) node)->val, String);
}

/*
 * Replaces a type name by its OID, because the name could mean another type
 * when the expression is analysed.
 */
static void
fix_type(TypeName *name)
{
	name->typeOid = typenameTypeId(NULL, name);
	name->names = NIL;
	name->arrayBounds = NIL;

	if (!is_plain_type(name->typeOid))
		refuse("a type that is not built in");
}

/* Constructs that a raw expression contains */
typedef struct RawCheck
{
	bool		own_function;
	bool		bare_literal;
} RawCheck;

/*
 * Raises an error for a node whose analysis would need a lock or run users'
 * code, and for each kind of node that is not listed.
 */
static bool
check_node(Node *node, void *context)
{
	RawCheck   *check = context;

	if (node == NULL)
		return false;

	switch (nodeTag(node))
	{
		case T_SubLink:
			refuse("a query inside of an expression");
			break;
		case T_ParamRef:
			refuse("a parameter");
			break;
		case T_TypeName:
			fix_type((TypeName *) node);
			break;
		case T_TypeCast:
			if (is_bare_literal(((TypeCast *) node)->arg))
				return check_node((Node *) ((TypeCast *) node)->typeName, context);
			break;
		case T_A_Const:
			check->bare_literal |= is_bare_literal(node);
			break;
		case T_FuncCall:
			check->own_function |= is_own_name(((FuncCall *) node)->funcname);
			break;
		case T_A_Expr:
			if (is_own_name(((A_Expr *) node)->name))
				refuse("an operator that is not built in");
			break;
		case T_List:
		case T_String:
		case T_Integer:
		case T_A_ArrayExpr:
		case T_A_Indices:
		case T_A_Indirection:
		case T_BoolExpr:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
		case T_CollateClause:
		case T_ColumnRef:
		case T_MinMaxExpr:
		case T_NamedArgExpr:
		case T_NullTest:
		case T_ResTarget:
		case T_RowExpr:
		case T_SQLValueFunction:
		case T_XmlExpr:
		case T_XmlSerialize:
			break;
		default:
			refuse("an expression of this kind");
	}

	return raw_expression_tree_walker(node, check_node, context);
}

static void
check_raw(Node *raw)
{
	RawCheck	check = {false, false};

	(void) check_node(raw, &check);
	if (check.own_function && check.bare_literal)
		refuse("a literal without a type");
}

/* ---- columns ---- */

/* Returns the Var of a column; a domain is replaced by its base type, as operators do */
static Node *
column_var(TreePair *pair, int row, const char *column)
{
	HeapTuple	tuple = OidIsValid(pair->relid) ? SearchSysCacheAttName(pair->relid, column) : NULL;
	Form_pg_attribute att;
	int32		typmod;
	Oid			type;
	Var		   *var;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	att = (Form_pg_attribute) GETSTRUCT(tuple);
	typmod = att->atttypmod;
	type = getBaseTypeAndTypmod(att->atttypid, &typmod);
	var = makeVar(row, att->attnum, type, typmod, att->attcollation, 0);
	ReleaseSysCache(tuple);

	if (!is_plain_type(var->vartype))
		refuse("a column of a type that is not built in");
	return (Node *) var;
}

static Node *
resolve_column(ParseState *pstate, ColumnRef *ref)
{
	TreePair   *pair = pstate->p_ref_hook_state;
	const char *column;
	const char *row = NULL;

	if (!IsA(llast(ref->fields), String))
		refuse("a whole row");
	column = strVal(llast(ref->fields));
	if (list_length(ref->fields) > 1)
		row = strVal(list_nth(ref->fields, list_length(ref->fields) - 2));

	if (pair->is_domain)
		return strcmp(column, "value") == 0 ?
			(Node *) makeVar(OWN_ROW, 1, pair->type, pair->typmod, pair->collation, 0) : NULL;

	return column_var(pair, row && strcmp(row, "old") == 0 ? OLD_ROW :
					  row && strcmp(row, "new") == 0 ? NEW_ROW : OWN_ROW, column);
}

/* ---- folding ---- */

static bool
is_own_function(Oid function, void *context)
{
	return function >= FirstUnpinnedObjectId || func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

static bool
has_own_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_own_function, NULL) ||
		expression_tree_walker(node, has_own_function, NULL);
}

static bool
is_plain_const(Node *node)
{
	return IsA(node, Const) && is_plain_type(((Const *) node)->consttype);
}

static bool
all_const(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		if (!is_plain_const(lfirst(lc)))
			return false;
	}
	return true;
}

/* Returns whether an operator is arithmetic that is cheap for all values */
static bool
is_cheap(const OpExpr *expr)
{
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		if (!((Const *) lfirst(lc))->constbyval && ((Const *) lfirst(lc))->consttype != INTERVALOID)
			return false;
	}
	return get_typbyval(expr->opresulttype) || expr->opresulttype == INTERVALOID;
}

/*
 * Returns whether a node works on literals alone, and is of a kind that
 * PostgreSQL itself puts around them
 */
static bool
is_foldable(Node *node)
{
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			return ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
				!((FuncExpr *) node)->funcretset && all_const(((FuncExpr *) node)->args);
		case T_OpExpr:
			return all_const(((OpExpr *) node)->args) && is_cheap((OpExpr *) node);
		case T_RelabelType:
			return is_plain_const((Node *) ((RelabelType *) node)->arg);
		case T_CoerceViaIO:
			return is_plain_const((Node *) ((CoerceViaIO *) node)->arg);
		case T_ArrayCoerceExpr:
			return is_plain_const((Node *) ((ArrayCoerceExpr *) node)->arg);
		case T_ArrayExpr:
			return all_const(((ArrayExpr *) node)->elements);
		default:
			return false;
	}
}

static Node *
flatten(BoolExpr *expr)
{
	List	   *args = NIL;

	foreach_ptr(BoolExpr, arg, expr->args)
	{
		if (expr->boolop != NOT_EXPR && IsA(arg, BoolExpr) && arg->boolop == expr->boolop)
			args = list_concat(args, arg->args);
		else
			args = lappend(args, arg);
	}
	expr->args = args;
	return (Node *) expr;
}

static Node *
current_time(void)
{
	return (Node *) makeFuncExpr(F_NOW, TIMESTAMPTZOID, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* Rewrites x = ANY of one element to x = that element */
static Node *
single_element(ScalarArrayOpExpr *expr)
{
	ArrayExpr  *array = lsecond(expr->args);

	if (!IsA(array, ArrayExpr) || array->multidims || list_length(array->elements) != 1)
		return (Node *) expr;
	return (Node *) make_opclause(expr->opno, BOOLOID, false, linitial(expr->args), linitial(array->elements),
								  InvalidOid, expr->inputcollid);
}

static Node *
fold(Node *node, void *context)
{
	if (node == NULL)
		return NULL;

	if (IsA(node, SQLValueFunction) && ((SQLValueFunction *) node)->op == SVFOP_CURRENT_TIMESTAMP)
		return current_time();

	/* rewrite before the array is folded to a literal */
	if (IsA(node, ScalarArrayOpExpr))
		node = single_element((ScalarArrayOpExpr *) node);

	node = expression_tree_mutator(node, fold, context);
	if (IsA(node, BoolExpr))
		return flatten((BoolExpr *) node);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_TRANSACTION_TIMESTAMP)
		return current_time();
	if (IsA(node, OpExpr))
		set_opfuncid((OpExpr *) node);
	if (is_foldable(node) && is_plain_type(exprType(node)) && !has_own_function(node, NULL))
		return eval_const_expressions(NULL, node);
	return node;
}

/* ---- both together ---- */

static Node *
analyse(TreePair *pair, Node *raw)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *expr;

	check_raw(raw);
	pstate->p_pre_columnref_hook = resolve_column;
	pstate->p_ref_hook_state = pair;
	expr = transformExpr(pstate, raw, EXPR_KIND_OTHER);

	if (pair->scope->kind != DRIFT_TEXT_EXPRESSION && OidIsValid(pair->type))
	{
		Node	   *value = coerce_to_target_type(pstate, expr, exprType(expr), pair->type, pair->typmod,
												  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);

		if (value)
			expr = value;
	}
	assign_expr_collations(pstate, expr);

	return fold(expr, NULL);
}

/*
 * Sets the type of a default by name.  No effect if this catalog has no such
 * type, or if users' code makes its values.
 */
static void
set_type(TreePair *pair, const TypeName *name)
{
	Oid			type = LookupTypeNameOid(NULL, name, true);
	int32		typmod;

	pair->type = InvalidOid;
	if (!OidIsValid(type) || !is_plain_type(getBaseType(type)))
		return;
	typenameTypeIdAndMod(NULL, name, &type, &typmod);
	pair->typmod = typmod;
	pair->type = getBaseTypeAndTypmod(type, &pair->typmod);
}

/* Returns the domain of that qualified name, or InvalidOid */
static Oid
find_domain(const char *qualified)
{
	SgTableName name = sg_parse_table_name(qualified);
	Oid			schema = name.schema ? get_namespace_oid(name.schema, true) : InvalidOid;

	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum(name.name), ObjectIdGetDatum(schema));
}

static void
find_scope(TreePair *pair)
{
	const DriftScope *scope = pair->scope;
	HeapTuple	tuple;

	if (scope->owner == NULL)
	{
		if (scope->type)
			set_type(pair, linitial_node(TypeName, raw_parser(scope->type, RAW_PARSE_TYPE_NAME)));
		return;
	}
	pair->relid = sg_find_qualified(scope->owner);
	if (!OidIsValid(pair->relid))
	{
		Oid			domain = find_domain(scope->owner);

		if (!OidIsValid(domain))
			refuse("what belongs to something that is not here");
		pair->is_domain = true;
		pair->typmod = -1;
		pair->type = getBaseTypeAndTypmod(domain, &pair->typmod);
		pair->collation = get_typcollation(domain);
	}
	else if (scope->column)
	{
		tuple = SearchSysCacheAttName(pair->relid, scope->column);
		if (!HeapTupleIsValid(tuple))
			refuse("a column that is not here");
		pair->typmod = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypmod;
		pair->type = getBaseTypeAndTypmod(((Form_pg_attribute) GETSTRUCT(tuple))->atttypid, &pair->typmod);
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(pair->type) && !is_plain_type(pair->type))
		refuse("a type that is not built in");
}

/* Returns whether two argument lists are equal, including defaults */
static bool
same_arguments(TreePair *pair)
{
	List	   *expected = expression_parse_arguments(pair->text[0]);
	List	   *actual = expression_parse_arguments(pair->text[1]);
	ListCell   *le,
			   *la;

	if (list_length(expected) != list_length(actual))
		return false;
	forboth(le, expected, la, actual)
	{
		FunctionParameter *a = lfirst(le);
		FunctionParameter *b = lfirst(la);
		Node	   *was = a->defexpr;
		Node	   *is = b->defexpr;

		a->defexpr = b->defexpr = NULL;
		if (!equal(a, b) || (was == NULL) != (is == NULL))
			return false;
		if (was == NULL || equal(was, is))
			continue;
		set_type(pair, a->argType);
		if (!equal(analyse(pair, was), analyse(pair, is)))
			return false;
	}
	return true;
}

static void
compare_trees(void *arg)
{
	TreePair   *pair = arg;

	if (pair->scope->kind == DRIFT_TEXT_ARGUMENTS)
	{
		pair->same = same_arguments(pair);
		return;
	}
	find_scope(pair);
	pair->same = equal(analyse(pair, expression_parse(pair->text[0])), analyse(pair, expression_parse(pair->text[1])));
}

/* Pins the settings that change the meaning of a text to those of a snapshot */
static void
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"lc_monetary", "C"},
		{"TimeZone", "UTC"},
		{"transform_null_equals", "off"},
		{"standard_conforming_strings", "on"},
		{"array_nulls", "on"},
		{"xmloption", "content"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		sg_scope_set(settings[i][0], settings[i][1]);
}

DriftVerdict
expression_compare_analysed(const DriftScope *scope, const char *expected, const char *actual, char **reason)
{
	TreePair	pair = {.scope = scope,.text = {expected, actual},.typmod = -1};
	SgScope		caller;
	ErrorData  *error;

	sg_caller_begin(&caller);
	pin_settings();
	error = sg_try_undo(compare_trees, &pair);
	sg_scope_end(&caller);

	if (error == NULL)
		return pair.same ? DRIFT_SAME : DRIFT_DIFFERENT;
	sg_rethrow_cancel(error);
	*reason = sg_error_message(error);
	return DRIFT_UNDECIDED;
}
