/*-------------------------------------------------------------------------
 *
 * expression.h
 *	  Do two texts that a catalog printed say the same?
 *
 * docs/drift.md has the rules, for users.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_EXPRESSION_H
#define SG_EXPRESSION_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Name that differs between reference and target */
typedef struct DriftName
{
	char	   *owner;			/* for a column: its table's name in the
								 * reference; NULL for an object with a schema */
	char	   *schema;			/* schema of the object; NULL for columns */
	char	   *name;			/* name in the reference; NULL: the schema
								 * itself is renamed */
	char	   *new_schema;
	char	   *new_name;
} DriftName;

typedef enum DriftTextKind
{
	DRIFT_TEXT_EXPRESSION,		/* expression on columns of the table */
	DRIFT_TEXT_DEFAULT,			/* default of the column */
	DRIFT_TEXT_ARGUMENTS,		/* arguments of a function, with their
								 * defaults */
	DRIFT_TEXT_QUERY,			/* statement of a view or a rule */
	DRIFT_TEXT_SQL_BODY,		/* RETURN or BEGIN ATOMIC */
	DRIFT_TEXT_BODY,			/* body of a function, scanned instead of
								 * parsed */
	DRIFT_TEXT_LINES			/* body of a function in an unknown language */
} DriftTextKind;

/* Context of two texts */
typedef struct DriftScope
{
	DriftTextKind kind;
	const char *owner;			/* qualified table or domain, if this catalog
								 * has the one that is meant; or NULL */
	const char *column;			/* column of a default, not quoted */
	const char *type;			/* printed type of a default without owner; or
								 * NULL */
	const char *table;			/* table with renamed columns, as the
								 * reference names it; NULL: any */
	List	   *names;			/* DriftName *: renames to apply to the first
								 * text */
} DriftScope;

typedef enum DriftVerdict
{
	DRIFT_SAME,
	DRIFT_COSMETIC,				/* only white space and comments of a body
								 * differ */
	DRIFT_DIFFERENT,
	DRIFT_UNDECIDED				/* the texts differ, and can't be compared
								 * further: *reason says why */
} DriftVerdict;

/*
 * Compares the text of the reference with that of the target.  Takes no lock
 * that could wait, runs no code except PostgreSQL's own on literals, and raises
 * no error for the contents of the texts.
 */
extern DriftVerdict expression_compare_text(const DriftScope *scope, const char *expected,
											const char *actual, char **reason);

/* expression_raw.c: compares by the grammar alone */
extern DriftVerdict expression_compare_raw(const DriftScope *scope, const char *expected,
										   const char *actual, char **reason);

/* expression_tree.c: compares by this database's catalog */
extern DriftVerdict expression_compare_analysed(const DriftScope *scope, const char *expected,
												const char *actual, char **reason);

/* expression_body.c */
extern DriftVerdict expression_compare_body(bool scan, const char *expected, const char *actual);

/*
 * Parse one expression; the body of a function, as in CreateFunctionStmt; its
 * arguments (FunctionParameter *).  Errors are raised.
 */
extern Node *expression_parse(const char *text);
extern Node *expression_parse_sql_body(const char *text);
extern List *expression_parse_arguments(const char *text);

/*
 * Runs a function that only uses memory, such as PostgreSQL's grammar; returns
 * the message of its error, or NULL.  Needs no subtransaction, so that it works
 * on a standby, where a conflict within one ends the session.
 */
extern char *expression_try_memory_only(void (*fn) (void *arg), void *arg);

#endif							/* SG_EXPRESSION_H */
