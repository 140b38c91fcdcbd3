/*-------------------------------------------------------------------------
 *
 * change_literal.h
 *	  The types as which literals in a utility statement are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHANGE_LITERAL_H
#define SG_CHANGE_LITERAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/code.h"

/* Adds the types of what a utility statement has analysed, by the search_path that is in force */
extern void change_reach_literals(Node *statement, CodeReach *reach);

/* Like change_reach_literals(), for any statement, ALTER TABLE and ALTER DOMAIN among them */
extern void change_reach_expressions(Node *statement, CodeReach *reach);

/* Does the server only analyse what is written in a statement, and is there no literal that would become a value by that? */
extern bool change_reads_no_value(const char *sql);

/* Adds such types for a statement that was made of what somebody has written, ALTER TABLE and CREATE INDEX among them, and no other code of theirs */
extern void change_reach_written(const char *sql, CodeReach *reach);

/* Is it a utility statement of a kind that has expressions, which the server analyses by their names? */
extern bool change_has_expressions(const char *sql);

/*
 * Does it make a function whose body in a text no look goes through as the server
 * would: by a search_path of its own, or with a query in another statement?
 */
extern bool change_hides_body(const char *sql);

/* Is it VACUUM, ANALYZE or REINDEX?  Then: why it must not be run on one of its tables, or NULL. */
extern bool change_maintains(Node *statement);
extern char *change_maintain_refusal(Node *statement);

/* Returns the name of the table whose rows a query writes, or NULL */
extern const RangeVar *change_written(Node *statement);

/* What statements of ALTER TABLE have done to the type of a column; of two the later one in this list counts */
typedef enum ChangeRetype
{
	RETYPE_NONE,
	RETYPE_OTHER,				/* something else to the table */
	RETYPE_CONVERTED,			/* as the server converts values */
	RETYPE_USING				/* by an expression */
} ChangeRetype;

/* Returns that of the statements in a text on a column, which has had both names */
extern ChangeRetype change_retype(const char *sql, Oid table, const char *then, const char *now);

/* Returns a table that a statement names, or InvalidOid: the statement says so itself if there is none */
extern Oid	change_find_named(const RangeVar *name);

#endif							/* SG_CHANGE_LITERAL_H */
