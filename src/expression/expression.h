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

/* A name that changed between reference and target */
typedef struct DriftName
{
	char	   *owner;			/* the table of a column, as the reference
								 * calls it; NULL for an object with a schema */
	char	   *schema;			/* of the object, NULL for columns */
	char	   *name;			/* NULL: the schema itself has another name */
	char	   *new_schema;
	char	   *new_name;
} DriftName;

typedef enum DriftTextKind
{
	DRIFT_TEXT_EXPRESSION,		/* may use the columns of the table */
	DRIFT_TEXT_DEFAULT,			/* becomes a value of the column */
	DRIFT_TEXT_ARGUMENTS,		/* of a function, with their defaults */
	DRIFT_TEXT_QUERY,			/* a statement: views, rules */
	DRIFT_TEXT_SQL_BODY,		/* RETURN or BEGIN ATOMIC */
	DRIFT_TEXT_BODY,			/* of a function: scanned, not parsed */
	DRIFT_TEXT_LINES			/* of a function in a language that we don't
								 * know */
} DriftTextKind;

/* Where two texts stand */
typedef struct DriftScope
{
	DriftTextKind kind;
	const char *owner;			/* table or domain, qualified, where this
								 * catalog's is the one that is meant; or NULL */
	const char *column;			/* whose default it is, not quoted */
	const char *type;			/* what a default becomes, where there is no
								 * owner: printed; or NULL */
	const char *table;			/* whose columns have new names, as the
								 * reference calls it; NULL: any */
	List	   *names;			/* of DriftName *: to be taken as new ones in
								 * the first text */
} DriftScope;

typedef enum DriftVerdict
{
	DRIFT_SAME,
	DRIFT_COSMETIC,				/* white space and comments of a body */
	DRIFT_DIFFERENT,
	DRIFT_UNDECIDED				/* different as written, and no way to look
								 * further: *reason says why */
} DriftVerdict;

/*
 * Compare the text of the reference with that of the target.  Takes no lock
 * that could wait, runs no code but PostgreSQL's own on literals, and never
 * fails on what the texts contain.
 */
extern DriftVerdict expression_compare_text(const DriftScope *scope, const char *expected,
											const char *actual, char **reason);

/* expression_raw.c: without a catalog */
extern DriftVerdict expression_compare_raw(const DriftScope *scope, const char *expected,
										   const char *actual, char **reason);

/* expression_tree.c: with this one */
extern DriftVerdict expression_compare_analysed(const DriftScope *scope, const char *expected,
												const char *actual, char **reason);

/* expression_body.c */
extern DriftVerdict expression_compare_body(bool scan, const char *expected, const char *actual);

/*
 * A text, parsed, which is nothing but one expression; the body of a function,
 * as it stands in CreateFunctionStmt; its arguments (of FunctionParameter *).
 * Errors are raised.
 */
extern Node *expression_parse(const char *text);
extern Node *expression_parse_sql_body(const char *text);
extern List *expression_parse_arguments(const char *text);

/*
 * Run a function that does nothing but use memory, such as PostgreSQL's
 * grammar; the message of its error, or NULL.  Needs no subtransaction, so it
 * is fit for a standby, where a conflict inside of one ends the session.
 */
extern char *expression_try_memory_only(void (*fn) (void *arg), void *arg);

#endif							/* SG_EXPRESSION_H */
