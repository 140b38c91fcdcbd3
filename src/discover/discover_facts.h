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
	int			column_prefix;	/* words that its columns' names begin with */
	int			prefix;			/* words of its name that many tables begin
								 * with */
	int			family;			/* tables whose name begins with the next word */
	List	   *keys;			/* of int: its unique keys in Facts.keys */
	List	   *references;		/* of int: declared ones that it is the child
								 * of */
	int			primary;		/* the primary one, or -1 */
	bool		partition;
	bool		unlogged;
	bool		denied;			/* the current role may read none of it */
	bool		asked;			/* its references are asked for: facts_ask() */
	double		tuples;			/* reltuples: -1 is unknown */
	int			central;		/* columns whose name means this table */
	double		personal;		/* of the tables of people: columns about a
								 * person, as share of most in those that are
								 * no customers' */
	int			subject_end;	/* words of its name that are those of
								 * subjects; 0: none, -1: not looked for yet */
	List	   *subjects;		/* of int: tables whose rows it may be about */
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
	char	   *joined;			/* its stems, without the table's prefix */
	int32		typmod;
	bool		not_null;
	bool		sequence;		/* makes its own values */
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
	bool		borrowed;		/* its name is that of another table's key */
	bool		owned;			/* its name has the table's name in it */
	int			sharing;		/* keys of the same name */
	bool		first;			/* owned; no table that owns one of that name
								 * has fewer words, none of its schema as few */
	double		usual;			/* share of the primary keys that have this
								 * name */
	double		unlike;			/* how much more usual another name is for
								 * primary keys, 0 to 1 */
} FactKey;

typedef struct FactReference
{
	int			child;			/* tables */
	int			parent;
	int			n;
	int			child_columns[INDEX_MAX_KEYS];
	int			parent_columns[INDEX_MAX_KEYS];
	char		on_delete;
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
	int			references_room;
	int			indexed;		/* columns that lead an index that is not
								 * unique */
	HTAB	   *by_whole_name;	/* joined stems of all words -> tables */
	HTAB	   *by_table_name;	/* joined stems of parts, too -> tables */
	HTAB	   *by_key_name;	/* joined stems -> keys */
	HTAB	   *by_key_word;	/* the names of primary keys of one word ->
								 * keys */
	HTAB	   *by_column_name; /* joined stems -> columns */
	List	   *vocabulary[256];	/* stems of the tables' names, by first
									 * byte */
	HTAB	   *expansions;		/* see names_expansions() */
	int			by_letter[256]; /* the only table of one word that begins so,
								 * or -1 */
	List	   *persons;		/* of int: the tables of people, best first */
	int			staff;			/* the one of those who work here, or -1 */
	int			pictures;		/* the table of pictures and files, or -1 */
	struct StatsCache *stats;
	HTAB	   *type_pairs;
	HTAB	   *shared_words;
	HTAB	   *table_index;	/* OID -> table */
	HTAB	   *possible;		/* what rows_possible() has found out */
	char	   *usual_delete;	/* what most declared keys do, by parent;
								 * NULL: not yet counted */
} Facts;

extern Facts *facts_read(void);

/* Ask for the references of one table, or InvalidOid, and of the tables of some schemas (names), or NIL; else of all */
extern void facts_ask(Facts *facts, Oid child, List *schemas);
extern int	facts_find_table(const Facts *facts, Oid oid);
extern FactName *facts_find_name(const Facts *facts, const char *name);

/* Keep words in the facts, each of their strings once */
extern Words facts_keep_words(Facts *facts, const Words *words);

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
