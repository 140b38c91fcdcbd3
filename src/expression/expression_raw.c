/*-------------------------------------------------------------------------
 *
 * expression_raw.c
 *	  Two texts as parse trees, rewritten until what means the same looks it.
 *
 * The rules are those of docs/drift.md, for which no catalog is needed.  Each
 * says the same in every database; what only types and operators can tell
 * stays as it is.  The trees are changed in place: nobody else has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/string.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "base/compat.h"
#include "expression/expression.h"

typedef struct Rules
{
	const char *table;			/* of an expression, as the reference calls it */
	List	   *names;			/* of DriftName * */
	const char *prefix;			/* the only table of the query */
	int			depth;			/* queries that we are in */
} Rules;

typedef struct RawPair
{
	const DriftScope *scope;
	const char *text[2];
	bool		same;
} RawPair;

static Node *rewrite(Node *node, Rules *rules);

#define REWRITE(field) ((field) = (void *) rewrite((Node *) (field), rules))

/* ---- names ---- */

/* What is in pg_catalog needs no prefix: nothing else is on the search_path */
static List *
without_pg_catalog(List *name)
{
	if (list_length(name) == 2 && IsA(linitial(name), String) &&
		strcmp(strVal(linitial(name)), "pg_catalog") == 0)
		return list_delete_first(name);
	return name;
}

static bool
is_name(List *name, const char *word)
{
	return list_length(name) == 1 && IsA(linitial(name), String) && strcmp(strVal(linitial(name)), word) == 0;
}

static const DriftName *
find_column(const Rules *rules, const char *column)
{
	foreach_ptr(const DriftName, name, rules->names)
	{
		if (name->owner && strcmp(name->name, column) == 0 &&
			(rules->table == NULL || strcmp(name->owner, rules->table) == 0))
			return name;
	}
	return NULL;
}

static const DriftName *
find_object(const Rules *rules, const char *schema, const char *object)
{
	foreach_ptr(const DriftName, name, rules->names)
	{
		if (name->owner == NULL && strcmp(name->name, object) == 0 &&
			(schema == NULL || strcmp(name->schema, schema) == 0))
			return name;
	}
	return NULL;
}

/* schema.name, renamed; what has no schema here is of pg_catalog, or an alias */
static void
rename_object(const Rules *rules, List *parts)
{
	const DriftName *name;

	if (list_length(parts) != 2 || rules->names == NIL)
		return;
	name = find_object(rules, strVal(linitial(parts)), strVal(lsecond(parts)));
	if (name)
	{
		linitial(parts) = makeString(name->new_schema);
		lsecond(parts) = makeString(name->new_name);
	}
}

static Node *
rewrite_column(ColumnRef *ref, Rules *rules)
{
	Node	   *last = llast(ref->fields);

	if (rules->prefix && rules->depth <= 1 && list_length(ref->fields) == 2 && IsA(last, String) &&
		strcmp(strVal(linitial(ref->fields)), rules->prefix) == 0)
		ref->fields = list_delete_first(ref->fields);

	if (rules->names && IsA(last, String))
	{
		const DriftName *name = find_column(rules, strVal(last));

		if (name)
			llast(ref->fields) = makeString(name->new_name);
	}
	if (rules->names && list_length(ref->fields) > 1)
	{
		const DriftName *name = find_object(rules, NULL, strVal(linitial(ref->fields)));

		if (name)
			linitial(ref->fields) = makeString(name->new_name);
	}
	return (Node *) ref;
}

static Node *
rewrite_table(RangeVar *table, Rules *rules)
{
	const DriftName *name = table->schemaname ? find_object(rules, table->schemaname, table->relname) : NULL;

	if (name)
	{
		/* PostgreSQL prints an alias where a table was renamed since */
		table->schemaname = name->new_schema;
		table->relname = name->new_name;
	}
	if (table->alias && table->alias->colnames == NIL &&
		(strcmp(table->alias->aliasname, table->relname) == 0 ||
		 (name && strcmp(table->alias->aliasname, name->name) == 0)))
		table->alias = NULL;
	return (Node *) table;
}

/* ---- literals and their casts ---- */

static bool
is_string(Node *node)
{
	return node && IsA(node, A_Const) && !((A_Const *) node)->isnull &&
		IsA(&((A_Const *) node)->val, String);
}

static bool
is_text_type(const TypeName *type)
{
	return type->typmods == NIL && !type->setof && !type->pct_type &&
		(is_name(type->names, "text") || is_name(type->names, "varchar"));
}

static bool
is_string_array(Node *node)
{
	A_ArrayExpr *array = (A_ArrayExpr *) node;
	ListCell   *lc;

	if (node == NULL || !IsA(node, A_ArrayExpr) || array->elements == NIL)
		return false;
	foreach(lc, array->elements)
	{
		if (!is_string(lfirst(lc)))
			return false;
	}
	return true;
}

static Node *
number(const char *digits)
{
	A_Const    *constant = makeNode(A_Const);
	int			value;
	char	   *end;

	errno = 0;
	value = strtoint(digits, &end, 10);
	constant->location = -1;
	if (errno == 0 && *end == '\0')
	{
		constant->val.ival.type = T_Integer;
		constant->val.ival.ival = value;
	}
	else
	{
		constant->val.fval.type = T_Float;
		constant->val.fval.fval = pstrdup(digits);
	}
	return (Node *) constant;
}

static bool
is_integer_text(const char *digits)
{
	size_t		length = strlen(digits);
	size_t		sign = *digits == '-';

	return length > sign && length < 19 && strspn(digits + sign, "0123456789") == length - sign;
}

/*
 * A string is text unless a cast says otherwise, an integer that fits is an
 * integer.  Any other type stays: without it the literal means another value.
 */
static Node *
rewrite_cast(TypeCast *cast)
{
	TypeName   *type = cast->typeName;

	if (type->arrayBounds == NIL)
	{
		if (is_text_type(type) && is_string(cast->arg))
			return cast->arg;
		if (is_name(type->names, "int4") && type->typmods == NIL && is_string(cast->arg) &&
			is_integer_text(((A_Const *) cast->arg)->val.sval.sval))
			return number(((A_Const *) cast->arg)->val.sval.sval);
		if (is_name(type->names, "int8") && type->typmods == NIL && is_string(cast->arg) &&
			is_integer_text(((A_Const *) cast->arg)->val.sval.sval))
		{
			Node	   *value = number(((A_Const *) cast->arg)->val.sval.sval);

			/* beyond four bytes a number is a bigint by itself */
			if (IsA(&((A_Const *) value)->val, Float))
				return value;
			cast->arg = value;
		}
		if (is_name(type->names, "int4") && type->typmods == NIL && cast->arg && IsA(cast->arg, A_Const) &&
			!((A_Const *) cast->arg)->isnull && IsA(&((A_Const *) cast->arg)->val, Integer))
			return cast->arg;
	}
	else if (list_length(type->arrayBounds) == 1 && is_text_type(type) && is_string_array(cast->arg))
		return cast->arg;

	return (Node *) cast;
}

/* ---- operators ---- */

static Node *
comparison(const char *operator, Node *left, Node *right)
{
	return (Node *) makeA_Expr(AEXPR_OP, list_make1(makeString(pstrdup(operator))), left, right, -1);
}

static Node *
rewrite_operator(A_Expr *expr)
{
	expr->name = without_pg_catalog(expr->name);

	switch (expr->kind)
	{
		case AEXPR_LIKE:
		case AEXPR_ILIKE:
		case AEXPR_SIMILAR:
			expr->kind = AEXPR_OP;
			break;

		case AEXPR_IN:
			{
				List	   *list = castNode(List, expr->rexpr);

				if (list_length(list) == 1)
				{
					expr->kind = AEXPR_OP;
					expr->rexpr = linitial(list);
				}
				else
				{
					A_ArrayExpr *array = makeNode(A_ArrayExpr);

					array->elements = list;
					expr->kind = is_name(expr->name, "<>") ? AEXPR_OP_ALL : AEXPR_OP_ANY;
					expr->rexpr = (Node *) array;
				}
				break;
			}

		case AEXPR_BETWEEN:
		case AEXPR_NOT_BETWEEN:
			{
				bool		inside = expr->kind == AEXPR_BETWEEN;
				Node	   *low = linitial(castNode(List, expr->rexpr));
				Node	   *high = lsecond(castNode(List, expr->rexpr));

				return (Node *) makeBoolExpr(inside ? AND_EXPR : OR_EXPR,
											 list_make2(comparison(inside ? ">=" : "<", expr->lexpr, low),
														comparison(inside ? "<=" : ">", copyObject(expr->lexpr), high)),
											 -1);
			}

		default:
			break;
	}
	return (Node *) expr;
}

/* a AND (b AND c) is a AND b AND c */
static Node *
flatten(BoolExpr *expr)
{
	List	   *args = NIL;

	if (expr->boolop == NOT_EXPR)
		return (Node *) expr;
	foreach_ptr(BoolExpr, arg, expr->args)
	{
		if (IsA(arg, BoolExpr) && arg->boolop == expr->boolop)
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
	return (Node *) makeFuncCall(list_make1(makeString("now")), NIL, COERCE_EXPLICIT_CALL, -1);
}

static Node *
rewrite_function(FuncCall *call, Rules *rules)
{
	call->funcname = without_pg_catalog(call->funcname);
	rename_object(rules, call->funcname);
	if (call->args == NIL && is_name(call->funcname, "transaction_timestamp"))
		return current_time();
	return (Node *) call;
}

/* ---- queries ---- */

static Node *
rewrite_select(SelectStmt *select, Rules *rules)
{
	rules->depth++;
	REWRITE(select->distinctClause);
	REWRITE(select->targetList);
	REWRITE(select->fromClause);
	REWRITE(select->whereClause);
	REWRITE(select->groupClause);
	REWRITE(select->havingClause);
	REWRITE(select->windowClause);
	REWRITE(select->valuesLists);
	REWRITE(select->sortClause);
	REWRITE(select->limitOffset);
	REWRITE(select->limitCount);
	REWRITE(select->withClause);
	REWRITE(select->larg);
	REWRITE(select->rarg);
	rules->depth--;

	/* a column is called as it is called */
	foreach_ptr(ResTarget, target, select->targetList)
	{
		ColumnRef  *ref = (ColumnRef *) target->val;

		if (target->name && ref && IsA(ref, ColumnRef) && IsA(llast(ref->fields), String) &&
			strcmp(target->name, strVal(llast(ref->fields))) == 0)
			target->name = NULL;
	}
	return (Node *) select;
}

/* What a column of this item of FROM is prefixed with */
static const char *
item_name(Node *item)
{
	Alias	   *alias = NULL;

	switch (nodeTag(item))
	{
		case T_RangeVar:
			alias = ((RangeVar *) item)->alias;
			if (alias == NULL)
				return ((RangeVar *) item)->relname;
			break;
		case T_RangeTableSample:
			return item_name(((RangeTableSample *) item)->relation);
		case T_RangeTableFunc:
			alias = ((RangeTableFunc *) item)->alias;
			if (alias == NULL)
				return "xmltable";
			break;
		case T_RangeSubselect:
			alias = ((RangeSubselect *) item)->alias;
			break;
		case T_RangeFunction:
			alias = ((RangeFunction *) item)->alias;
			break;
		default:
			break;
	}
	return alias ? alias->aliasname : NULL;
}

/*
 * The table of a query that has no other, or what it has in place of one: up
 * to 15, PostgreSQL prints its name before each column of a view, later it
 * does not.
 */
static const char *
only_table(Node *statement)
{
	SelectStmt *select = (SelectStmt *) statement;

	if (!IsA(statement, SelectStmt) || select->op != SETOP_NONE || list_length(select->fromClause) != 1)
		return NULL;
	return item_name(linitial(select->fromClause));
}

/* ---- the tree ---- */

static Node *
rewrite_statement(Node *node, Rules *rules)
{
	switch (nodeTag(node))
	{
		case T_RawStmt:
			REWRITE(((RawStmt *) node)->stmt);
			((RawStmt *) node)->stmt_location = 0;
			((RawStmt *) node)->stmt_len = 0;
			break;
		case T_SelectStmt:
			return rewrite_select((SelectStmt *) node, rules);
		case T_InsertStmt:
			rules->depth++;
			REWRITE(((InsertStmt *) node)->relation);
			REWRITE(((InsertStmt *) node)->cols);
			REWRITE(((InsertStmt *) node)->selectStmt);
			REWRITE(((InsertStmt *) node)->onConflictClause);
			REWRITE(SG_RETURNING((InsertStmt *) node));
			REWRITE(((InsertStmt *) node)->withClause);
			rules->depth--;
			break;
		case T_UpdateStmt:
			rules->depth++;
			REWRITE(((UpdateStmt *) node)->relation);
			REWRITE(((UpdateStmt *) node)->targetList);
			REWRITE(((UpdateStmt *) node)->whereClause);
			REWRITE(((UpdateStmt *) node)->fromClause);
			REWRITE(SG_RETURNING((UpdateStmt *) node));
			REWRITE(((UpdateStmt *) node)->withClause);
			rules->depth--;
			break;
		case T_DeleteStmt:
			rules->depth++;
			REWRITE(((DeleteStmt *) node)->relation);
			REWRITE(((DeleteStmt *) node)->usingClause);
			REWRITE(((DeleteStmt *) node)->whereClause);
			REWRITE(SG_RETURNING((DeleteStmt *) node));
			REWRITE(((DeleteStmt *) node)->withClause);
			rules->depth--;
			break;
		case T_RuleStmt:
			REWRITE(((RuleStmt *) node)->relation);
			REWRITE(((RuleStmt *) node)->whereClause);
			REWRITE(((RuleStmt *) node)->actions);
			break;
		case T_MergeStmt:
			rules->depth++;
			REWRITE(((MergeStmt *) node)->relation);
			REWRITE(((MergeStmt *) node)->sourceRelation);
			REWRITE(((MergeStmt *) node)->joinCondition);
			REWRITE(((MergeStmt *) node)->mergeWhenClauses);
			REWRITE(((MergeStmt *) node)->withClause);
			rules->depth--;
			break;
		case T_MergeWhenClause:
			REWRITE(((MergeWhenClause *) node)->condition);
			REWRITE(((MergeWhenClause *) node)->targetList);
			REWRITE(((MergeWhenClause *) node)->values);
			break;
		case T_OnConflictClause:
			REWRITE(((OnConflictClause *) node)->infer);
			REWRITE(((OnConflictClause *) node)->targetList);
			REWRITE(((OnConflictClause *) node)->whereClause);
			break;
		case T_InferClause:
			REWRITE(((InferClause *) node)->indexElems);
			REWRITE(((InferClause *) node)->whereClause);
			break;
		case T_IndexElem:
			REWRITE(((IndexElem *) node)->expr);
			break;
		case T_ReturnStmt:
			REWRITE(((ReturnStmt *) node)->returnval);
			break;
		case T_WithClause:
			REWRITE(((WithClause *) node)->ctes);
			break;
		case T_CommonTableExpr:
			REWRITE(((CommonTableExpr *) node)->ctequery);
			break;
		case T_JoinExpr:
			REWRITE(((JoinExpr *) node)->larg);
			REWRITE(((JoinExpr *) node)->rarg);
			REWRITE(((JoinExpr *) node)->quals);
			break;
		case T_RangeVar:
			return rewrite_table((RangeVar *) node, rules);
		case T_RangeSubselect:
			rules->depth++;
			REWRITE(((RangeSubselect *) node)->subquery);
			rules->depth--;
			break;
		case T_RangeFunction:
			REWRITE(((RangeFunction *) node)->functions);
			break;
		case T_RangeTableSample:
			REWRITE(((RangeTableSample *) node)->relation);
			REWRITE(((RangeTableSample *) node)->method);
			REWRITE(((RangeTableSample *) node)->args);
			REWRITE(((RangeTableSample *) node)->repeatable);
			break;
		case T_RangeTableFunc:
			REWRITE(((RangeTableFunc *) node)->docexpr);
			REWRITE(((RangeTableFunc *) node)->rowexpr);
			REWRITE(((RangeTableFunc *) node)->namespaces);
			REWRITE(((RangeTableFunc *) node)->columns);
			break;
		case T_RangeTableFuncCol:
			REWRITE(((RangeTableFuncCol *) node)->typeName);
			REWRITE(((RangeTableFuncCol *) node)->colexpr);
			REWRITE(((RangeTableFuncCol *) node)->coldefexpr);
			break;
		case T_ResTarget:
			REWRITE(((ResTarget *) node)->val);
			break;
		case T_MultiAssignRef:
			REWRITE(((MultiAssignRef *) node)->source);
			break;
		case T_FunctionParameter:
			REWRITE(((FunctionParameter *) node)->argType);
			REWRITE(((FunctionParameter *) node)->defexpr);
			break;
		case T_SortBy:
			REWRITE(((SortBy *) node)->node);
			if (((SortBy *) node)->sortby_dir == SORTBY_ASC)
				((SortBy *) node)->sortby_dir = SORTBY_DEFAULT;
			break;
		case T_WindowDef:
			REWRITE(((WindowDef *) node)->partitionClause);
			REWRITE(((WindowDef *) node)->orderClause);
			REWRITE(((WindowDef *) node)->startOffset);
			REWRITE(((WindowDef *) node)->endOffset);
			break;
		case T_GroupingSet:
			REWRITE(((GroupingSet *) node)->content);
			break;
		default:
			break;
	}
	return node;
}

static Node *
rewrite(Node *node, Rules *rules)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	check_stack_depth();

	switch (nodeTag(node))
	{
		case T_List:
			foreach(lc, (List *) node)
				lfirst(lc) = rewrite(lfirst(lc), rules);
			return node;
		case T_ColumnRef:
			return rewrite_column((ColumnRef *) node, rules);
		case T_A_Expr:
			REWRITE(((A_Expr *) node)->lexpr);
			REWRITE(((A_Expr *) node)->rexpr);
			return rewrite_operator((A_Expr *) node);
		case T_BoolExpr:
			REWRITE(((BoolExpr *) node)->args);
			return flatten((BoolExpr *) node);
		case T_TypeName:
			((TypeName *) node)->names = without_pg_catalog(((TypeName *) node)->names);
			rename_object(rules, ((TypeName *) node)->names);
			return node;
		case T_TypeCast:
			REWRITE(((TypeCast *) node)->typeName);
			REWRITE(((TypeCast *) node)->arg);
			return rewrite_cast((TypeCast *) node);
		case T_CollateClause:
			REWRITE(((CollateClause *) node)->arg);
			((CollateClause *) node)->collname = without_pg_catalog(((CollateClause *) node)->collname);
			return node;
		case T_FuncCall:
			REWRITE(((FuncCall *) node)->args);
			REWRITE(((FuncCall *) node)->agg_order);
			REWRITE(((FuncCall *) node)->agg_filter);
			REWRITE(((FuncCall *) node)->over);
			return rewrite_function((FuncCall *) node, rules);
		case T_SQLValueFunction:
			return ((SQLValueFunction *) node)->op == SVFOP_CURRENT_TIMESTAMP ? current_time() : node;
		case T_NamedArgExpr:
			REWRITE(((NamedArgExpr *) node)->arg);
			return node;
		case T_A_ArrayExpr:
			REWRITE(((A_ArrayExpr *) node)->elements);
			return node;
		case T_A_Indirection:
			REWRITE(((A_Indirection *) node)->arg);
			REWRITE(((A_Indirection *) node)->indirection);
			return node;
		case T_A_Indices:
			REWRITE(((A_Indices *) node)->lidx);
			REWRITE(((A_Indices *) node)->uidx);
			return node;
		case T_RowExpr:
			REWRITE(((RowExpr *) node)->args);
			return node;
		case T_CoalesceExpr:
			REWRITE(((CoalesceExpr *) node)->args);
			return node;
		case T_MinMaxExpr:
			REWRITE(((MinMaxExpr *) node)->args);
			return node;
		case T_NullTest:
			REWRITE(((NullTest *) node)->arg);
			return node;
		case T_BooleanTest:
			REWRITE(((BooleanTest *) node)->arg);
			return node;
		case T_CaseExpr:
			REWRITE(((CaseExpr *) node)->arg);
			REWRITE(((CaseExpr *) node)->args);
			REWRITE(((CaseExpr *) node)->defresult);
			return node;
		case T_CaseWhen:
			REWRITE(((CaseWhen *) node)->expr);
			REWRITE(((CaseWhen *) node)->result);
			return node;
		case T_XmlExpr:
			REWRITE(((XmlExpr *) node)->args);
			REWRITE(((XmlExpr *) node)->named_args);
			return node;
		case T_XmlSerialize:
			REWRITE(((XmlSerialize *) node)->expr);
			REWRITE(((XmlSerialize *) node)->typeName);
			return node;
		case T_SubLink:
			rules->depth++;
			REWRITE(((SubLink *) node)->testexpr);
			REWRITE(((SubLink *) node)->subselect);
			((SubLink *) node)->operName = without_pg_catalog(((SubLink *) node)->operName);
			rules->depth--;
			return node;
		default:
			return rewrite_statement(node, rules);
	}
}

/* A statement, or RETURN, which has no table at all */
static Node *
rewrite_whole(Node *statement, Rules *rules)
{
	rules->prefix = only_table(statement);
	return rewrite(statement, rules);
}

/* BEGIN ATOMIC is a list in a list */
static Node *
rewrite_sql_body(Node *body, Rules *rules)
{
	ListCell   *lc;

	if (!IsA(body, List))
		return rewrite_whole(body, rules);
	foreach(lc, linitial_node(List, (List *) body))
		lfirst(lc) = rewrite_whole(lfirst(lc), rules);
	return body;
}

static Node *
parse(const DriftScope *scope, const char *text, bool reference)
{
	Rules		rules = {.names = reference ? scope->names : NIL,.table = scope->table};
	Node	   *tree;

	if (scope->kind == DRIFT_TEXT_SQL_BODY)
	{
		rules.table = NULL;
		return rewrite_sql_body(expression_parse_sql_body(text), &rules);
	}
	if (scope->kind == DRIFT_TEXT_QUERY)
	{
		List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);

		rules.table = NULL;
		if (list_length(statements) == 1)
			rules.prefix = only_table(linitial_node(RawStmt, statements)->stmt);
		tree = (Node *) statements;
	}
	else if (scope->kind == DRIFT_TEXT_ARGUMENTS)
		tree = (Node *) expression_parse_arguments(text);
	else
		tree = expression_parse(text);

	return rewrite(tree, &rules);
}

static void
compare_trees(void *arg)
{
	RawPair    *pair = arg;

	pair->same = equal(parse(pair->scope, pair->text[0], true),
					   parse(pair->scope, pair->text[1], false));
}

/*
 * From 16 on, PostgreSQL prints the default of XMLSERIALIZE, which the grammar
 * of 15 does not know.  Not of what is quoted; what is printed doubles quotes
 * there, so that each one opens or closes.
 */
static const char *
without_no_indent(const char *text)
{
	static const char word[] = " NO INDENT)";
	char	   *copy = palloc(strlen(text) + 1);
	char	   *to = copy;
	char		quote = '\0';

	for (const char *from = text; *from; from++)
	{
		if (quote == '\0' && strncmp(from, word, strlen(word)) == 0)
			from += strlen(word) - 1;
		else if (quote == '\0' && (*from == '\'' || *from == '"'))
			quote = *from;
		else if (*from == quote)
			quote = '\0';
		*to++ = *from;
	}
	*to = '\0';
	return copy;
}

DriftVerdict
expression_compare_raw(const DriftScope *scope, const char *expected, const char *actual, char **reason)
{
	RawPair		pair = {.scope = scope,.text = {expected, actual}};
	char	   *error = expression_try_memory_only(compare_trees, &pair);

	if (error)
	{
		RawPair		again = {.scope = scope,.text = {without_no_indent(expected), without_no_indent(actual)}};

		if ((strcmp(again.text[0], expected) != 0 || strcmp(again.text[1], actual) != 0) &&
			expression_try_memory_only(compare_trees, &again) == NULL)
			return again.same ? DRIFT_SAME : DRIFT_DIFFERENT;
	}
	if (error)
	{
		*reason = psprintf("compared as text, which this server can't parse: %s", error);
		return DRIFT_UNDECIDED;
	}
	return pair.same ? DRIFT_SAME : DRIFT_DIFFERENT;
}
