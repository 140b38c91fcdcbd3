/*-------------------------------------------------------------------------
 *
 * change_literal.h
 *	  Types as which literals in a utility statement are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHANGE_LITERAL_H
#define SG_CHANGE_LITERAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/code.h"

/* Adds the types of literals that a utility statement analyses, by the current search_path */
extern void change_reach_literals(Node *statement, CodeReach *reach);

/* Like change_reach_literals(), for any statement, ALTER TABLE and ALTER DOMAIN included */
extern void change_reach_expressions(Node *statement, CodeReach *reach);

/*
 * Returns whether the server only analyses a statement's expressions, and no
 * literal would become a value by that
 */
extern bool change_reads_no_value(const char *sql);

/*
 * Adds such types for a statement built from a user's text, ALTER TABLE and
 * CREATE INDEX included, and no other code of it
 */
extern void change_reach_written(const char *sql, CodeReach *reach);

/*
 * Returns whether the statement is a utility statement with expressions, which
 * the server analyses by their names
 */
extern bool change_has_expressions(const char *sql);

/*
 * Returns whether a statement makes a function whose body no look can read as
 * the server would: with a search_path of its own, or with a query in another
 * statement
 */
extern bool change_hides_body(const char *sql);

/*
 * Return whether the statement is VACUUM, ANALYZE or REINDEX; and why it must
 * not run on one of its tables, or NULL
 */
extern bool change_maintains(Node *statement);
extern char *change_maintain_refusal(Node *statement);

/*
 * Returns the invalid indexes of the tables of a REINDEX by whose names it may
 * have left them (_ccnew), or NIL for another statement
 */
extern List *change_invalid_copies(const char *sql);

/* Returns the name of the table whose rows a query writes, or NULL */
extern const RangeVar *change_written(Node *statement);

/* Effects of ALTER TABLE statements on the type of a column; of two the later one in this list counts */
typedef enum ChangeRetype
{
	RETYPE_NONE,
	RETYPE_OTHER,				/* another change of the table */
	RETYPE_CONVERTED,			/* values converted by the server's cast */
	RETYPE_USING				/* values converted by an expression */
} ChangeRetype;

/* Returns the effect of a text's statements on a column, which has had both names */
extern ChangeRetype change_retype(const char *sql, Oid table, const char *then, const char *now);

/*
 * Returns a table that a statement names, or InvalidOid: the statement itself
 * raises an error for a missing one
 */
extern Oid	change_find_named(const RangeVar *name);

#endif							/* SG_CHANGE_LITERAL_H */
