/*-------------------------------------------------------------------------
 *
 * quote.h
 *	  Names in and out: parsing without truncation, quoting, formatting.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_QUOTE_H
#define SG_QUOTE_H

#include "postgres.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

typedef struct SgTableName
{
	char	   *schema;			/* NULL if not given */
	char	   *name;
} SgTableName;

/*
 * Splits a table name as written in SQL: [[database.]schema.]name, quoted or
 * folded to lower case.  Raises 42602 for anything else, 0A000 for another
 * database, 42622 for a part of more than 63 bytes, which PostgreSQL's own
 * functions would truncate; 22004 for NULL.
 */
extern SgTableName sg_parse_table_name(const char *input);

/*
 * Returns the parts of a dotted name, by the same rules; *rest is the position
 * behind it.
 */
extern List *sg_parse_names(const char *input, const char **rest);

/* Raises 42622 if a name is too long, 42602 if it is empty */
extern void sg_check_name(const char *name, const char *what);

/*
 * Returns schema.name, quoted only if necessary whatever quote_all_identifiers
 * is, because plans compare these texts.
 */
extern char *sg_qualified_name(const char *schema, const char *name);

/*
 * Returns the OID of the relation that a table name means, by the caller's
 * search_path if it has no schema; InvalidOid if there is none.  Takes no lock,
 * but sees what others have committed so far. *qualified gets the qualified,
 * quoted name; a missing table gets the first schema of search_path.
 */
extern Oid	sg_find_table(const SgTableName *name, char **qualified);

/* Returns the OID of a relation by its qualified, quoted name, as in plans; or InvalidOid */
extern Oid	sg_find_qualified(const char *qualified);	/* NULL: none */

/* Returns schema.table, quoted; "(dropped)" if it was dropped */
extern char *sg_relation_name(Oid relid);

/* Appends a blank, COLLATE and the qualified, quoted name */
extern void sg_append_collation(StringInfo buf, Oid collation);

/* Returns names, quoted and joined by ", " */
extern char *sg_quote_list(List *names);

/* Return names as the text of an array, and as an SQL literal */
extern char *sg_names_text(List *names);
extern char *sg_names_literal(List *names);

/* Reads names: a text that begins with { is an array literal, another one is a name by itself; 22P02 for a broken literal */
extern List *sg_names_of_text(const char *text);

/* Compares names by their bytes, for list_sort() */
extern int	sg_compare_names(const ListCell *a, const ListCell *b);

/* Returns whether two texts are equal; NULL equals only NULL. */
extern bool sg_same_text(const char *a, const char *b);

/* Returns whether a name is in a list; NULL never is. */
extern bool sg_has_name(List *names, const char *name);

/* Returns whether all of these names are in the list */
extern bool sg_has_names(List *names, List *all);

/* Returns the names of one list that are in another one, too, in the first one's order */
extern List *sg_common_names(List *a, List *b);

/* Returns whether two lists of names are equal, in order */
extern bool sg_equal_names(List *a, List *b);

/* Returns whether two lists have the same names, in any order */
extern bool sg_same_names(List *a, List *b);

/* Returns the names of columns by number; "(dropped)" for a dropped one */
extern List *sg_attribute_names(Oid relid, const int16 *attnums, int n);

/* Returns a text of at most `length` bytes, "..." included, cut between characters */
extern char *sg_clip(const char *text, int length);

#endif							/* SG_QUOTE_H */
