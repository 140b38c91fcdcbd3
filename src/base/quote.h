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
	char	   *schema;			/* NULL when not given */
	char	   *name;
} SgTableName;

/*
 * Split a table name as a user writes it in SQL: [[database.]schema.]name,
 * quoted or folded to lower case.  Raises 42602 for anything else, 0A000 for
 * another database, and 42622 for a part of more than 63 bytes, where
 * PostgreSQL's own functions would truncate; 22004 for NULL.
 */
extern SgTableName sg_parse_table_name(const char *input);

/*
 * The parts of a dotted name, under the same rules; *rest is where it ends.
 */
extern List *sg_parse_names(const char *input, const char **rest);

/* Raise 42622 when a name is too long to be one, 42602 when it is empty */
extern void sg_check_name(const char *name, const char *what);

/*
 * schema.name, quoted where it has to be and nowhere else: plans compare
 * these texts, so the setting quote_all_identifiers has no say.
 */
extern char *sg_qualified_name(const char *schema, const char *name);

/*
 * Where a table name leads, by the caller's search_path when it has no
 * schema.  Returns the relation's OID, or InvalidOid when there is none; no
 * lock is taken, but what others have committed so far is seen.  *qualified receives the schema-qualified, quoted name; a
 * table that does not exist gets the first schema of the search_path.
 */
extern Oid	sg_find_table(const SgTableName *name, char **qualified);

/* Returns the OID of a relation by its qualified, quoted name, as plans hold it; or InvalidOid */
extern Oid	sg_find_qualified(const char *qualified);	/* NULL: none */

/* schema.table, quoted; "(dropped)" when it is gone */
extern char *sg_relation_name(Oid relid);

/* COLLATE and the name, qualified and quoted, after a blank */
extern void sg_append_collation(StringInfo buf, Oid collation);

/* Names, quoted, joined by ", " */
extern char *sg_quote_list(List *names);

/* An array of names as text, and as a SQL literal */
extern char *sg_names_text(List *names);
extern char *sg_names_literal(List *names);

/* Reads names: a text that begins with { is an array literal, another one is a name by itself; 22P02 for a broken literal */
extern List *sg_names_of_text(const char *text);

/* For list_sort() of names: by their letters */
extern int	sg_compare_names(const ListCell *a, const ListCell *b);

/* Are two texts equal?  NULL equals NULL alone. */
extern bool sg_same_text(const char *a, const char *b);

/* Is a name in a list of names?  NULL is in none. */
extern bool sg_has_name(List *names, const char *name);

/* Are all of these names in the list? */
extern bool sg_has_names(List *names, List *all);

/* The names of one list that are in another one, too, in its order */
extern List *sg_common_names(List *a, List *b);

/* Are two lists of names the same, in order? */
extern bool sg_equal_names(List *a, List *b);

/* And in any order? */
extern bool sg_same_names(List *a, List *b);

/* Columns given by number, as names; "(dropped)" for one that is gone */
extern List *sg_attribute_names(Oid relid, const int16 *attnums, int n);

/* A text of at most so many bytes, "..." included, cut between characters */
extern char *sg_clip(const char *text, int length);

#endif							/* SG_QUOTE_H */
