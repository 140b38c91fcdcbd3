/*-------------------------------------------------------------------------
 *
 * expression_raw.c
 *	  Rewrites parse trees so that texts with the same meaning become equal.
 *
 * The rules are those of docs/drift.md, for which no catalog is needed.  Each
 * says the same in every database; what only types and operators can tell
 * stays as it is.  The trees are changed in place: nobody else has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_target.h"
#include "parser/parser.h"

#include "base/compat.h"
#include "base/quote.h"
#include "expression/expression.h"
#include "expression/expression_rule.h"

typedef struct RawPair
{
	const DriftScope *scope;
	const char *text[2];
	bool		same;
} RawPair;

static Node *rewrite(Node *node, Rules *rules);

#define REWRITE(field) ((field) = (void *) rewrite((Node *) (field), rules))

/* ---- queries ---- */

/* Returns the prefix of columns of this item of FROM */
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

/* Collects the items of FROM, each under its name */
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

/* Enters a query: columns are resolved by its items, then by those of the outer queries */
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

/* Adds another name of the table that a statement writes: NEW, OLD or EXCLUDED */
static void
add_item(Rules *rules, const char *name)
{
	List	   *items = linitial(rules->queries);
	QueryItem  *item = palloc(sizeof(QueryItem));

	*item = *(QueryItem *) linitial(items);
	item->name = name;
	linitial(rules->queries) = lappend(items, item);
}

/* Renames columns of the written table in the target list */
static void
rename_targets(Rules *rules, List *targets)
{
	const QueryItem *item = linitial(linitial_node(List, rules->queries));

	foreach_ptr(ResTarget, target, targets)
	{
		const DriftName *name = target->name && item->table ? expression_find_column(rules, item->table, target->name) : NULL;

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

/* Returns whether an output column has the name that it would get without AS, of a cast's type or a function */
static bool
has_default_name(ResTarget *target)
{
	const char *name = target->name ? FigureColname(target->val) : NULL;

	return name && strcmp(name, target->name) == 0 && strcmp(name, "?column?") != 0;
}

/* Rewrites an output list, so that each output column keeps its name */
static void
rewrite_output(List *targets, Rules *rules)
{
	foreach_ptr(ResTarget, target, targets)
	{
		if (is_named_column(target) && target->name == NULL)
			target->name = strVal(llast(((ColumnRef *) target->val)->fields));
		else if (!is_named_column(target) && has_default_name(target))
			target->name = NULL;
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
 * Returns the only item of a query's FROM, or NULL if it has several.  Up to
 * 15, PostgreSQL prints its name before each column of a view; later versions
 * do not.
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

			/*
			 * not a query: a rule prints the columns of its only table with
			 * that table's name
			 */
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
					expression_find_referred(rules, ((QueryItem *) linitial(linitial_node(List, rules->queries)))->name, element->name) : NULL;

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
			return expression_rewrite_table((RangeVar *) node, rules);
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
			return expression_rewrite_column((ColumnRef *) node, rules);
		case T_A_Expr:
			REWRITE(((A_Expr *) node)->lexpr);
			REWRITE(((A_Expr *) node)->rexpr);
			return expression_rewrite_operator((A_Expr *) node);
		case T_BoolExpr:
			REWRITE(((BoolExpr *) node)->args);
			return expression_flatten((BoolExpr *) node);
		case T_TypeName:
			((TypeName *) node)->names = expression_without_pg_catalog(((TypeName *) node)->names);
			expression_rename_object(rules, ((TypeName *) node)->names);
			return node;
		case T_TypeCast:
			REWRITE(((TypeCast *) node)->typeName);
			REWRITE(((TypeCast *) node)->arg);
			return expression_rewrite_cast((TypeCast *) node, rules);
		case T_CollateClause:
			REWRITE(((CollateClause *) node)->arg);
			((CollateClause *) node)->collname = expression_without_pg_catalog(((CollateClause *) node)->collname);
			expression_rename_object(rules, ((CollateClause *) node)->collname);
			return node;
		case T_FuncCall:
			REWRITE(((FuncCall *) node)->args);
			REWRITE(((FuncCall *) node)->agg_order);
			REWRITE(((FuncCall *) node)->agg_filter);
			REWRITE(((FuncCall *) node)->over);
			return expression_rewrite_function((FuncCall *) node, rules);
		case T_SQLValueFunction:
			return ((SQLValueFunction *) node)->op == SVFOP_CURRENT_TIMESTAMP ? expression_current_time() : node;
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
			((SubLink *) node)->operName = expression_without_pg_catalog(((SubLink *) node)->operName);
			rules->depth--;
			return node;
		default:
			return rewrite_statement(node, rules);
	}
}

/* Rewrites a statement, or RETURN, which has no table */
static Node *
rewrite_whole(Node *statement, Rules *rules)
{
	rules->prefix = only_table(statement);
	return rewrite(statement, rules);
}

/* Rewrites the body of BEGIN ATOMIC, a list within a list */
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

/* Adds the expression's own table: a subquery prefixes that table's columns */
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
 * Returns the text without NO INDENT, the default of XMLSERIALIZE, which
 * PostgreSQL prints from 16 on and the grammar of 15 does not know.  Quoted
 * parts stay; printed texts double quotes within them, so that each quote opens
 * or closes one.
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
