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
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/quote.h"
#include "expression/expression.h"

typedef struct Rules
{
	const char *table;			/* of an expression, as the reference calls it */
	List	   *names;			/* of DriftName * */
	const char *prefix;			/* the only table of the query */
	int			depth;			/* queries that we are in */
	List	   *queries;		/* of lists of QueryItem *: these, innermost
								 * first */
	bool		only_items;		/* columns are those of items of queries */
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

/* A name for one query: of a table, or of what stands for one */
typedef struct QueryItem
{
	const char *name;
	char	   *schema;			/* of a table, as the reference calls it */
	char	   *relname;
	char	   *table;			/* both; NULL: no table */
} QueryItem;

static const DriftName *
find_column(const Rules *rules, const char *table, const char *column)
{
	foreach_ptr(const DriftName, name, rules->names)
	{
		if (name->owner && strcmp(name->name, column) == 0 &&
			(table == NULL || strcmp(name->owner, table) == 0))
			return name;
	}
	return NULL;
}

/* Of the object itself, or else of its schema */
static const DriftName *
find_object(const Rules *rules, const char *schema, const char *object)
{
	const DriftName *found = NULL;

	foreach_ptr(const DriftName, name, rules->names)
	{
		if (name->owner || strcmp(name->schema, schema) != 0)
			continue;
		if (name->name == NULL)
			found = name;
		else if (strcmp(name->name, object) == 0)
			return name;
	}
	return found;
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
		if (name->new_name)
			lsecond(parts) = makeString(name->new_name);
	}
}

/* The item of the innermost query that has one of this name; without a name, the only one of the innermost query */
static const QueryItem *
find_item(const Rules *rules, const char *wanted)
{
	if (wanted == NULL)
		return rules->queries && list_length(linitial(rules->queries)) == 1 ?
			linitial(linitial_node(List, rules->queries)) : NULL;
	foreach_ptr(List, items, rules->queries)
	{
		foreach_ptr(const QueryItem, item, items)
		{
			if (item->name && strcmp(item->name, wanted) == 0)
				return item;
		}
	}
	return NULL;
}

/* The new name of a column, where its table is known to be that of the old one, or could be */
static const DriftName *
find_referred(const Rules *rules, const char *prefix, const char *column)
{
	const QueryItem *item = find_item(rules, prefix);

	if (item)
		return item->table ? find_column(rules, item->table, column) : NULL;
	return rules->only_items ? NULL : find_column(rules, rules->table, column);
}

static Node *
rewrite_column(ColumnRef *ref, Rules *rules)
{
	Node	   *last = llast(ref->fields);
	const char *prefix = list_length(ref->fields) > 1 ? strVal(linitial(ref->fields)) : NULL;
	const DriftName *name = rules->names && IsA(last, String) ? find_referred(rules, prefix, strVal(last)) : NULL;
	const QueryItem *item = rules->names && prefix ? find_item(rules, prefix) : NULL;

	if (name)
		llast(ref->fields) = makeString(name->new_name);
	if (prefix && rules->prefix && rules->depth <= 1 && list_length(ref->fields) == 2 && IsA(last, String) &&
		strcmp(prefix, rules->prefix) == 0)
		ref->fields = list_delete_first(ref->fields);
	else if (item && item->table)
	{
		const DriftName *new = strcmp(item->relname, prefix) == 0 ? find_object(rules, item->schema, item->relname) : NULL;

		/* a table that has no alias is called by its name */
		if (new && new->new_name)
			linitial(ref->fields) = makeString(new->new_name);
	}
	return (Node *) ref;
}

static Node *
rewrite_table(RangeVar *table, Rules *rules)
{
	const DriftName *name = table->schemaname ? find_object(rules, table->schemaname, table->relname) : NULL;
	const char *old = table->relname;

	if (name)
	{
		/* PostgreSQL prints an alias where a table was renamed since */
		table->schemaname = name->new_schema;
		if (name->new_name)
			table->relname = name->new_name;
	}
	if (table->alias && table->alias->colnames == NIL &&
		(strcmp(table->alias->aliasname, table->relname) == 0 || strcmp(table->alias->aliasname, old) == 0))
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

/* regclass and its like: the literal is the name of an object */
static bool
is_object_type(const TypeName *type)
{
	return list_length(type->names) == 1 && strncmp(strVal(linitial(type->names)), "reg", 3) == 0;
}

static Node *
rename_literal(const Rules *rules, A_Const *literal)
{
	const char *old = literal->val.sval.sval;

	foreach_ptr(const DriftName, name, rules->names)
	{
		size_t		length;

		if (name->owner)
			continue;
		if (name->name && strcmp(old, sg_qualified_name(name->schema, name->name)) == 0)
		{
			literal->val.sval.sval = sg_qualified_name(name->new_schema, name->new_name);
			break;
		}
		length = strlen(quote_identifier(name->schema));
		if (name->name == NULL && strncmp(old, quote_identifier(name->schema), length) == 0 && old[length] == '.')
			literal->val.sval.sval = psprintf("%s%s", quote_identifier(name->new_schema), old + length);
	}
	return (Node *) literal;
}

/*
 * A string is text unless a cast says otherwise, an integer that fits is an
 * integer.  Any other type stays: without it the literal means another value.
 */
static Node *
rewrite_cast(TypeCast *cast, const Rules *rules)
{
	TypeName   *type = cast->typeName;

	if (rules->names && is_string(cast->arg) && is_object_type(type))
		cast->arg = rename_literal(rules, (A_Const *) cast->arg);
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

/* The items of FROM, each under its name */
static List *
collect_items(List *items, Node *node)
{
	RangeVar   *table = (RangeVar *) node;
	QueryItem  *item;

	check_stack_depth();
	if (IsA(node, JoinExpr))
		return collect_items(collect_items(items, ((JoinExpr *) node)->larg), ((JoinExpr *) node)->rarg);
	item = palloc0(sizeof(QueryItem));
	item->name = item_name(node);
	if (IsA(node, RangeTableSample))
		table = (RangeVar *) ((RangeTableSample *) node)->relation;
	if (IsA(table, RangeVar) && table->schemaname)
	{
		item->schema = table->schemaname;
		item->relname = table->relname;
		item->table = sg_qualified_name(table->schemaname, table->relname);
	}
	return lappend(items, item);
}

/* Begin a query: columns are looked for in its items, then in those of the queries around it */
static void
enter_query(Rules *rules, RangeVar *relation, List *from)
{
	List	   *items = relation ? collect_items(NIL, (Node *) relation) : NIL;
	ListCell   *lc;

	foreach(lc, from)
		items = collect_items(items, lfirst(lc));
	rules->queries = lcons(items, rules->queries);
	rules->depth++;
}

static void
leave_query(Rules *rules)
{
	rules->queries = list_delete_first(rules->queries);
	rules->depth--;
}

/* More names of the table that a statement writes: NEW and OLD, EXCLUDED */
static void
add_item(Rules *rules, const char *name)
{
	List	   *items = linitial(rules->queries);
	QueryItem  *item = palloc(sizeof(QueryItem));

	*item = *(QueryItem *) linitial(items);
	item->name = name;
	linitial(rules->queries) = lappend(items, item);
}

/* Columns of the table that a statement writes, in the place of its targets */
static void
rename_targets(Rules *rules, List *targets)
{
	const QueryItem *item = linitial(linitial_node(List, rules->queries));

	foreach_ptr(ResTarget, target, targets)
	{
		const DriftName *name = target->name && item->table ? find_column(rules, item->table, target->name) : NULL;

		if (name)
			target->name = name->new_name;
	}
}

static bool
is_named_column(ResTarget *target)
{
	ColumnRef  *ref = (ColumnRef *) target->val;

	return IsA(target, ResTarget) && ref && IsA(ref, ColumnRef) && IsA(llast(ref->fields), String);
}

/* What is returned has the name that it had: a column is called as it is called */
static void
rewrite_output(List *targets, Rules *rules)
{
	foreach_ptr(ResTarget, target, targets)
	{
		if (is_named_column(target) && target->name == NULL)
			target->name = strVal(llast(((ColumnRef *) target->val)->fields));
	}
	(void) rewrite((Node *) targets, rules);
	foreach_ptr(ResTarget, target, targets)
	{
		if (is_named_column(target) && strcmp(target->name, strVal(llast(((ColumnRef *) target->val)->fields))) == 0)
			target->name = NULL;
	}
}

static Node *
rewrite_returning(Node *returning, Rules *rules)
{
	if (returning && IsA(returning, List))
	{
		rewrite_output((List *) returning, rules);
		return returning;
	}
	return rewrite(returning, rules);
}

static Node *
rewrite_select(SelectStmt *select, Rules *rules)
{
	enter_query(rules, NULL, select->fromClause);
	REWRITE(select->distinctClause);
	rewrite_output(select->targetList, rules);
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
	leave_query(rules);
	return (Node *) select;
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
			enter_query(rules, ((InsertStmt *) node)->relation, NIL);
			add_item(rules, "excluded");
			rename_targets(rules, ((InsertStmt *) node)->cols);
			REWRITE(((InsertStmt *) node)->relation);
			REWRITE(((InsertStmt *) node)->cols);
			REWRITE(((InsertStmt *) node)->selectStmt);
			REWRITE(((InsertStmt *) node)->onConflictClause);
			(void) rewrite_returning((Node *) SG_RETURNING((InsertStmt *) node), rules);
			REWRITE(((InsertStmt *) node)->withClause);
			leave_query(rules);
			break;
		case T_UpdateStmt:
			enter_query(rules, ((UpdateStmt *) node)->relation, ((UpdateStmt *) node)->fromClause);
			rename_targets(rules, ((UpdateStmt *) node)->targetList);
			REWRITE(((UpdateStmt *) node)->relation);
			REWRITE(((UpdateStmt *) node)->targetList);
			REWRITE(((UpdateStmt *) node)->whereClause);
			REWRITE(((UpdateStmt *) node)->fromClause);
			(void) rewrite_returning((Node *) SG_RETURNING((UpdateStmt *) node), rules);
			REWRITE(((UpdateStmt *) node)->withClause);
			leave_query(rules);
			break;
		case T_DeleteStmt:
			enter_query(rules, ((DeleteStmt *) node)->relation, ((DeleteStmt *) node)->usingClause);
			REWRITE(((DeleteStmt *) node)->relation);
			REWRITE(((DeleteStmt *) node)->usingClause);
			REWRITE(((DeleteStmt *) node)->whereClause);
			(void) rewrite_returning((Node *) SG_RETURNING((DeleteStmt *) node), rules);
			REWRITE(((DeleteStmt *) node)->withClause);
			leave_query(rules);
			break;
		case T_RuleStmt:
			/* no query: what only one table has stands with its name here */
			enter_query(rules, ((RuleStmt *) node)->relation, NIL);
			rules->depth--;
			add_item(rules, "new");
			add_item(rules, "old");
			REWRITE(((RuleStmt *) node)->relation);
			REWRITE(((RuleStmt *) node)->whereClause);
			REWRITE(((RuleStmt *) node)->actions);
			rules->depth++;
			leave_query(rules);
			break;
		case T_MergeStmt:
			enter_query(rules, ((MergeStmt *) node)->relation, list_make1(((MergeStmt *) node)->sourceRelation));
			REWRITE(((MergeStmt *) node)->relation);
			REWRITE(((MergeStmt *) node)->sourceRelation);
			REWRITE(((MergeStmt *) node)->joinCondition);
			REWRITE(((MergeStmt *) node)->mergeWhenClauses);
			REWRITE(((MergeStmt *) node)->withClause);
			leave_query(rules);
			break;
		case T_MergeWhenClause:
			rename_targets(rules, ((MergeWhenClause *) node)->targetList);
			REWRITE(((MergeWhenClause *) node)->condition);
			REWRITE(((MergeWhenClause *) node)->targetList);
			REWRITE(((MergeWhenClause *) node)->values);
			break;
		case T_OnConflictClause:
			rename_targets(rules, ((OnConflictClause *) node)->targetList);
			REWRITE(((OnConflictClause *) node)->infer);
			REWRITE(((OnConflictClause *) node)->targetList);
			REWRITE(((OnConflictClause *) node)->whereClause);
			break;
		case T_InferClause:
			REWRITE(((InferClause *) node)->indexElems);
			REWRITE(((InferClause *) node)->whereClause);
			break;
		case T_IndexElem:
			{
				IndexElem  *element = (IndexElem *) node;
				const DriftName *name = element->name && rules->names && rules->queries ?
					find_referred(rules, ((QueryItem *) linitial(linitial_node(List, rules->queries)))->name, element->name) : NULL;

				if (name)
					element->name = name->new_name;
			}
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
			return rewrite_cast((TypeCast *) node, rules);
		case T_CollateClause:
			REWRITE(((CollateClause *) node)->arg);
			((CollateClause *) node)->collname = without_pg_catalog(((CollateClause *) node)->collname);
			rename_object(rules, ((CollateClause *) node)->collname);
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

/* A query inside of an expression prefixes the columns of the table that the expression belongs to */
static void
add_own_table(Rules *rules)
{
	SgTableName name = sg_parse_table_name(rules->table);

	if (name.schema)
		enter_query(rules, makeRangeVar(name.schema, name.name, -1), NIL);
	rules->depth = 0;
}

static Node *
parse(const DriftScope *scope, const char *text, bool reference)
{
	Rules		rules = {.names = reference ? scope->names : NIL,.table = scope->table};
	Node	   *tree;

	if (scope->kind == DRIFT_TEXT_SQL_BODY)
	{
		rules.table = NULL;
		rules.only_items = true;
		return rewrite_sql_body(expression_parse_sql_body(text), &rules);
	}
	if (scope->kind == DRIFT_TEXT_QUERY)
	{
		List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);

		rules.table = NULL;
		rules.only_items = true;
		if (list_length(statements) == 1)
			rules.prefix = only_table(linitial_node(RawStmt, statements)->stmt);
		tree = (Node *) statements;
	}
	else if (scope->kind == DRIFT_TEXT_ARGUMENTS)
		tree = (Node *) expression_parse_arguments(text);
	else
		tree = expression_parse(text);
	if (rules.names && rules.table)
		add_own_table(&rules);

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
