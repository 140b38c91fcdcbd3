/*-------------------------------------------------------------------------
 *
 * expression_rule.h
 *	  How one node of a parse tree is rewritten (expression_rule.c), and what
 *	  is known of the query that it is in (expression_raw.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_EXPRESSION_RULE_H
#define SG_EXPRESSION_RULE_H

#include "nodes/parsenodes.h"

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

/* A name for one query: of a table, or of what stands for one */
typedef struct QueryItem
{
	const char *name;
	char	   *schema;			/* of a table, as the reference calls it */
	char	   *relname;
	char	   *table;			/* both; NULL: no table */
} QueryItem;

/* Each returns what stands in the place of the node, which is changed */
extern Node *expression_rewrite_column(ColumnRef *ref, Rules *rules);
extern Node *expression_rewrite_table(RangeVar *table, Rules *rules);
extern Node *expression_rewrite_cast(TypeCast *cast, const Rules *rules);
extern Node *expression_rewrite_operator(A_Expr *expr);
extern Node *expression_rewrite_function(FuncCall *call, Rules *rules);

/* a AND (b AND c) is a AND b AND c */
extern Node *expression_flatten(BoolExpr *expr);

/* now() */
extern Node *expression_current_time(void);

/* Removes pg_catalog from a name: nothing else is on the search_path */
extern List *expression_without_pg_catalog(List *name);

/* schema.name, renamed; what has no schema here is of pg_catalog, or an alias */
extern void expression_rename_object(const Rules *rules, List *parts);

/* The new name of a column; of any table where that is NULL */
extern const DriftName *expression_find_column(const Rules *rules, const char *table, const char *column);

/* The new name of a column, where its table is known to be that of the old one, or could be */
extern const DriftName *expression_find_referred(const Rules *rules, const char *prefix, const char *column);

#endif							/* SG_EXPRESSION_RULE_H */
