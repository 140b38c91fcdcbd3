/*-------------------------------------------------------------------------
 *
 * discover_facts.h
 *	  Names, types, keys and indexes of the whole database (discover_facts.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_FACTS_H
#define SG_DISCOVER_FACTS_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "discover/discover_words.h"

/* A name that tables or columns have, each once: the same ones recur */
typedef struct FactName
{
	char		name[NAMEDATALEN];	/* hash key */
	Words		words;
} FactName;

typedef struct FactTable
{
	Oid			oid;
	Oid			schema;
	char	   *name;
	Words		words;
	int			columns;		/* first of ncolumns in Facts.columns */
	int			ncolumns;
	int			prefix;			/* words of its name that many tables begin
								 * with */
	List	   *keys;			/* of int: its unique keys in Facts.keys */
	List	   *references;		/* of int: declared ones that it is the child
								 * of */
	int			primary;		/* the primary one, or -1 */
	bool		partition;
	bool		unlogged;
	bool		denied;			/* the current role may read none of it */
	bool		asked;			/* its references are asked for: facts_ask() */
	double		tuples;			/* reltuples: -1 is unknown */
	int			person_rank;	/* how well it does as a table of people; 0:
								 * not at all */
	char	   *shown;			/* facts_table_name(), or NULL */
} FactTable;

typedef struct FactColumn
{
	int			table;
	AttrNumber	attnum;
	char	   *name;
	Oid			type;
	Oid			collation;
	Words		words;
	const char *joined;			/* its stems */
	int32		typmod;
	bool		not_null;
	bool		own;			/* its values are made for it, or inherited */
	bool		leads_index;	/* first of an index, unique ones left out */
	bool		leads_any;		/* first of any index */
	bool		alone_primary;
	bool		alone_unique;
	bool		in_primary;
	bool		declared;		/* is a reference already, alone */
} FactColumn;

typedef struct FactKey
{
	int			table;
	int			n;
	int			columns[INDEX_MAX_KEYS];	/* in Facts.columns */
	bool		primary;
	bool		owned;			/* its name has the table's name in it */
} FactKey;

typedef struct FactReference
{
	int			child;			/* tables */
	int			parent;
	int			n;
	int			child_columns[INDEX_MAX_KEYS];
	int			parent_columns[INDEX_MAX_KEYS];
} FactReference;

typedef struct Facts
{
	MemoryContext context;
	MemoryContext reasons;		/* where the candidates that are at hand keep
								 * theirs */
	FactTable  *tables;
	int			ntables;
	FactColumn *columns;
	int			ncolumns;
	HTAB	   *names;			/* of tables and columns: FactName */
	FactKey    *keys;
	int			nkeys;
	FactReference *references;	/* declared ones */
	int			nreferences;
	bool		indexed;		/* there are indexes that are not unique */
	struct Names *names_of;		/* see discover_names.h */
	Dictionary *dictionary;
	struct StatsCache *stats;
	HTAB	   *type_pairs;
	HTAB	   *table_index;	/* OID -> table */
	HTAB	   *possible;		/* what rows_possible() has found out */
} Facts;

extern Facts *facts_read(void);

/* Ask for the references of one table, or InvalidOid, and of the tables of some schemas (names), or NIL; else of all */
extern void facts_ask(Facts *facts, Oid child, List *schemas);
extern int	facts_find_table(const Facts *facts, Oid oid);

/* The table's unique key of these columns, or -1 */
extern int	facts_find_key(const Facts *facts, int table, const int *columns, int n);

/* Is there a reference of these columns, to one table or (-1) to any? */
extern bool facts_is_declared(const Facts *facts, int child, int parent, const int *columns, int n);

/* An empty hash table in the current memory context; keys of NAMEDATALEN and more are strings */
extern HTAB *facts_hash(const char *name, Size keysize, Size entrysize);

/* Give the rows of a query of ours, run as the owner, to take(), in the current memory context; $1 is `argument` unless that is negative */
extern void facts_query(const char *query, int64 argument, void (*take) (void *arg, const Datum *row, const bool *nulls), void *arg);

/* A table's name as it is shown, looked up once */
extern const char *facts_table_name(const Facts *facts, int table);

/* As list of char * */
extern List *facts_column_names(const Facts *facts, const int *columns, int n);

/* Could a key's column of one type refer to a key of another? */
extern bool facts_types_match(Facts *facts, Oid child, Oid parent);

/* TYPCATEGORY_* of a type, a domain's of what it is made of */
extern char facts_type_category(Oid type);
extern bool facts_is_text(Oid type);

#endif							/* SG_DISCOVER_FACTS_H */
