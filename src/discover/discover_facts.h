/*-------------------------------------------------------------------------
 *
 * discover_facts.h
 *	  Names, types, keys and indexes of the whole database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_FACTS_H
#define SG_DISCOVER_FACTS_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* ---- discover_names.c: the words that names are made of ---- */

#define WORDS_MAX 16
#define WORD_KEY_SIZE 96		/* bytes of a looked up name; longer is cut */

/* Kind of a column, told by the end of its name */
typedef enum Suffix
{
	SUFFIX_NONE,
	SUFFIX_ID,
	SUFFIX_NUMBER,
	SUFFIX_NAME
} Suffix;

/* Classes of words, as in schemaguard.discovery_word; a word may be in several */
#define WORD_ID			0x01	/* ends the name of a reference */
#define WORD_NUMBER		0x02	/* ends that of a key or of a reference */
#define WORD_NAME		0x04	/* ends that of a text which may be one */
#define WORD_SELF		0x08	/* another row of the same table */
#define WORD_ACTOR		0x10	/* who does something */
#define WORD_PERSON		0x20	/* names a table of people */
#define WORD_PERSONAL	0x40	/* what such a table has columns of */
#define WORD_EXTERNAL	0x80	/* another system */
#define WORD_MEASURE	0x100	/* a quantity, a time, a text */
#define WORD_GENERAL	0x200	/* says little alone */
#define WORD_KIND		0x800	/* says of which table an id is */
#define WORD_PLURAL		0x2000	/* an ending or a whole word, and what it
								 * stands for */
#define WORD_LOGIN		0x4000	/* what a table of those who log in has */
#define WORD_SINGULAR	0x8000	/* a word may be the plural of another name */

/* Each word of all names is there once */
typedef struct Word
{
	char text[	WORD_KEY_SIZE]; /* hash key, in lower case */
	struct Word *stem;			/* without the marks of a plural; NULL: not
								 * yet looked for */
	const char *means;			/* of class plural */
	bool		named;			/* it is part of a name */
	int			class;			/* see words_class() */
	int			seen;			/* times that it is the last of a name.. */
	int			behind;			/* ..and the rest is a table's */
} Word;

typedef struct Words
{
	int			n;
	Word	  **word;
} Words;

typedef struct Dictionary Dictionary;

/* The rows of schemaguard.discovery_word; a user's row of a word takes the place of those that are shipped */
extern Dictionary *words_read(void);
extern Words words_split(Dictionary *dictionary, const char *name);

/* Once all names are split: words that only other names tell to be plurals get the stems of those */
extern void words_settle(Dictionary *dictionary);

/* Facts about a word: the class of the word or its stem, the suffix of a class, and whether it is a plural */
extern int	words_class(const Words *words, int i);
extern Suffix words_suffix(int class);
extern bool words_is_plural(const Word *word);

/* Stems lo..hi joined, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Is one of them of a class? */
extern bool words_any(const Words *words, int class);

/* Are the first n stems of two names the same? */
extern bool words_begin_alike(const Words *a, const Words *b, int n);

/* ---- discover_facts.c ---- */

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
	Oid			base;			/* what a domain is made of */
	char		category;		/* TYPCATEGORY_* of that */
	bool		refers;			/* there are references of such a type */
	Oid			collation;
	Words		words;
	const char *joined;			/* its stems */
	int32		typmod;
	bool		not_null;
	bool		own;			/* its values are made for it, or inherited */
	bool		has_default;
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
	List	   *rules;			/* what users have said: discover_feedback.c */
} Facts;

extern Facts *facts_read(void);

/* Ask for the references of one table, or InvalidOid, and of the tables of some schemas (names), or NIL; else of all */
extern void facts_ask(Facts *facts, Oid child, List *schemas);
extern int	facts_find_table(const Facts *facts, Oid oid);

/* A column that there is, or -1 */
extern int	facts_find_column(const Facts *facts, Oid relid, AttrNumber attnum);

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

/* Could a key's column of one type refer to a key of another?  No domains. */
extern bool facts_types_match(Facts *facts, Oid child, Oid parent);

#endif							/* SG_DISCOVER_FACTS_H */
