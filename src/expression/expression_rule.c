/*-------------------------------------------------------------------------
 *
 * expression_rule.c
 *	  Rewrites one node of a parse tree: names, literals, operators.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/string.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/quote.h"
#include "expression/expression.h"
#include "expression/expression_rule.h"

/* ---- names ---- */

List *
expression_without_pg_catalog(List *name)
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

const DriftName *
expression_find_column(const Rules *rules, const char *table, const char *column)
{
	foreach_ptr(const DriftName, name, rules->names)
	{
		if (name->owner && strcmp(name->name, column) == 0 &&
			(table == NULL || strcmp(name->owner, table) == 0))
			return name;
	}
	return NULL;
}

/* Returns the rename of an object, or else that of its schema */
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

void
expression_rename_object(const Rules *rules, List *parts)
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

/*
 * Returns the item of this name from the innermost query that has one; without
 * a name, the only item of the innermost query
 */
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

const DriftName *
expression_find_referred(const Rules *rules, const char *prefix, const char *column)
{
	const QueryItem *item = find_item(rules, prefix);

	if (item)
		return item->table ? expression_find_column(rules, item->table, column) : NULL;
	return rules->only_items ? NULL : expression_find_column(rules, rules->table, column);
}

Node *
expression_rewrite_column(ColumnRef *ref, Rules *rules)
{
	Node	   *last = llast(ref->fields);
	const char *prefix = list_length(ref->fields) > 1 ? strVal(linitial(ref->fields)) : NULL;
	const DriftName *name = rules->names && IsA(last, String) ? expression_find_referred(rules, prefix, strVal(last)) : NULL;
	const QueryItem *item = rules->names && prefix ? find_item(rules, prefix) : NULL;

	if (name)
		llast(ref->fields) = makeString(name->new_name);
	if (prefix && rules->prefix && rules->depth <= 1 && list_length(ref->fields) == 2 && IsA(last, String) &&
		strcmp(prefix, rules->prefix) == 0)
		ref->fields = list_delete_first(ref->fields);
	else if (item && item->table)
	{
		const DriftName *new = strcmp(item->relname, prefix) == 0 ? find_object(rules, item->schema, item->relname) : NULL;

		/* a table without alias is named by its own name */
		if (new && new->new_name)
			linitial(ref->fields) = makeString(new->new_name);
	}
	return (Node *) ref;
}

Node *
expression_rewrite_table(RangeVar *table, Rules *rules)
{
	const DriftName *name = table->schemaname ? find_object(rules, table->schemaname, table->relname) : NULL;
	const char *old = table->relname;

	if (name)
	{
		/* PostgreSQL prints an alias if the table was renamed since */
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

/* Returns the elements of an array that is no array of arrays, or NIL */
static List *
elements_of(Node *node)
{
	List	   *elements = node && IsA(node, A_ArrayExpr) ? ((A_ArrayExpr *) node)->elements : NIL;

	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, A_ArrayExpr))
			return NIL;
	}
	return elements;
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

/* Returns whether a type is like regclass: its literal is the name of an object */
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
 * Removes a cast that restates a literal's own type: text of a string, integer
 * of a fitting number.  Any other cast stays, because without it the literal
 * means another value.  One of ARRAY[...] goes to the elements, as in the
 * server's parser, which prints either.
 */
Node *
expression_rewrite_cast(TypeCast *cast, const Rules *rules)
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

			/* a number beyond four bytes is a bigint without cast */
			if (IsA(&((A_Const *) value)->val, Float))
				return value;
			cast->arg = value;
		}
		if (is_name(type->names, "int4") && type->typmods == NIL && cast->arg && IsA(cast->arg, A_Const) &&
			!((A_Const *) cast->arg)->isnull && IsA(&((A_Const *) cast->arg)->val, Integer))
			return cast->arg;
	}
	else if (list_length(type->arrayBounds) == 1 && elements_of(cast->arg) != NIL)
	{
		ListCell   *lc;

		foreach(lc, elements_of(cast->arg))
		{
			TypeCast   *of_element = makeNode(TypeCast);

			of_element->arg = lfirst(lc);
			of_element->typeName = copyObject(type);
			of_element->typeName->arrayBounds = NIL;
			of_element->location = -1;
			lfirst(lc) = expression_rewrite_cast(of_element, rules);
		}
		return cast->arg;
	}

	return (Node *) cast;
}

/* ---- operators ---- */

static Node *
comparison(const char *operator, Node *left, Node *right)
{
	return (Node *) makeA_Expr(AEXPR_OP, list_make1(makeString(pstrdup(operator))), left, right, -1);
}

Node *
expression_rewrite_operator(A_Expr *expr)
{
	expr->name = expression_without_pg_catalog(expr->name);

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

Node *
expression_flatten(BoolExpr *expr)
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

Node *
expression_current_time(void)
{
	return (Node *) makeFuncCall(list_make1(makeString("now")), NIL, COERCE_EXPLICIT_CALL, -1);
}

Node *
expression_rewrite_function(FuncCall *call, Rules *rules)
{
	call->funcname = expression_without_pg_catalog(call->funcname);
	expression_rename_object(rules, call->funcname);
	if (call->args == NIL && is_name(call->funcname, "transaction_timestamp"))
		return expression_current_time();
	return (Node *) call;
}
