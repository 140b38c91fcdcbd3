/*-------------------------------------------------------------------------
 *
 * expression_rule.h
 *	  Rewriting of one node of a parse tree (expression_rule.c), and facts
 *	  about the query around it (expression_raw.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_EXPRESSION_RULE_H
#define SG_EXPRESSION_RULE_H

#include "nodes/parsenodes.h"

#include "expression/expression.h"

typedef struct Rules
{
	const char *table;			/* table of an expression, as the reference
								 * names it */
	List	   *names;			/* DriftName * */
	const char *prefix;			/* name of the query's only table */
	int			depth;			/* depth of nested queries */
	List	   *queries;		/* lists of QueryItem * of these queries,
								 * innermost first */
	bool		only_items;		/* columns are resolved only by items of
								 * queries */
} Rules;

/* Named item of a query: a table, or what takes its place */
typedef struct QueryItem
{
	const char *name;
	char	   *schema;			/* schema of the table, as the reference names
								 * it */
	char	   *relname;
	char	   *table;			/* table, as the reference names it; NULL: no
								 * table */
} QueryItem;

/* Return the replacement of a node, which they may change in place */
extern Node *expression_rewrite_column(ColumnRef *ref, Rules *rules);
extern Node *expression_rewrite_table(RangeVar *table, Rules *rules);
extern Node *expression_rewrite_cast(TypeCast *cast, const Rules *rules);
extern Node *expression_rewrite_operator(A_Expr *expr);
extern Node *expression_rewrite_function(FuncCall *call, Rules *rules);

/* Flattens a AND (b AND c) to a AND b AND c */
extern Node *expression_flatten(BoolExpr *expr);

/* now() */
extern Node *expression_current_time(void);

/* Removes the schema pg_catalog from a name, because search_path contains nothing else */
extern List *expression_without_pg_catalog(List *name);

/* Applies renames to schema.name; a name without schema is in pg_catalog, or an alias */
extern void expression_rename_object(const Rules *rules, List *parts);

/* Returns the rename of a column of the table, or of any table if that is NULL */
extern const DriftName *expression_find_column(const Rules *rules, const char *table, const char *column);

/* Returns the rename of a column whose table is, or may be, the renamed one's */
extern const DriftName *expression_find_referred(const Rules *rules, const char *prefix, const char *column);

#endif							/* SG_EXPRESSION_RULE_H */
