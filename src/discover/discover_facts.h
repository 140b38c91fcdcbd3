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
#define WORD_KEY_SIZE 96		/* maximum bytes of a name in a look-up;
								 * longer ones are cut */

/* Kind of a column, by the end of its name */
typedef enum Suffix
{
	SUFFIX_NONE,
	SUFFIX_ID,
	SUFFIX_NUMBER,
	SUFFIX_NAME
} Suffix;

/* Classes of words, as in schemaguard.discovery_word; a word may be in several */
#define WORD_ID			0x01	/* ends the name of a reference */
#define WORD_NUMBER		0x02	/* ends the name of a key or of a reference */
#define WORD_NAME		0x04	/* ends the name of a text that may be a
								 * reference */
#define WORD_SELF		0x08	/* denotes another row of the same table */
#define WORD_ACTOR		0x10	/* denotes a person who does something */
#define WORD_PERSON		0x20	/* names a table of people */
#define WORD_PERSONAL	0x40	/* names a column of such a table */
#define WORD_EXTERNAL	0x80	/* names another system */
#define WORD_MEASURE	0x100	/* names a quantity, a time or a text */
#define WORD_GENERAL	0x200	/* has little meaning alone */
#define WORD_KIND		0x800	/* names the table of an id */
#define WORD_PLURAL		0x2000	/* plural ending or word, with its singular */
#define WORD_LOGIN		0x4000	/* names a column of a table of users who log
								 * in */
#define WORD_SINGULAR	0x8000	/* ending that makes a plural only of another
								 * existing name */

/* Word of names, each stored once */
typedef struct Word
{
	char text[	WORD_KEY_SIZE]; /* hash key: the text in lower case */
	struct Word *stem;			/* singular; NULL: not looked up yet */
	const char *means;			/* of class plural: the singular */
	bool		named;			/* part of a name */
	int			class;			/* see words_class() */
	int			seen;			/* number of names that end with it */
	int			behind;			/* and whose beginning is a table's name */
} Word;

typedef struct Words
{
	int			n;
	Word	  **word;
} Words;

typedef struct Dictionary Dictionary;

/* Reads schemaguard.discovery_word; users' rows of a word replace the shipped ones */
extern Dictionary *words_read(void);
extern Words words_split(Dictionary *dictionary, const char *name);

/* Called when all names are split: gives words that are plurals of other names these names' stems */
extern void words_settle(Dictionary *dictionary);

/* Facts about a word: the class of the word or its stem, the suffix of a class, and whether it is a plural */
extern int	words_class(const Words *words, int i);
extern Suffix words_suffix(int class);
extern bool words_is_plural(const Word *word);

/* Joins the stems lo..hi, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Returns whether one of the words has a class */
extern bool words_any(const Words *words, int class);

/* Returns whether the first n stems of two names are equal */
extern bool words_begin_alike(const Words *a, const Words *b, int n);

/* ---- discover_facts.c ---- */

/* Name of tables or columns, stored once */
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
	int			prefix;			/* number of words that are a prefix of many
								 * tables */
	List	   *keys;			/* int: its unique keys, in Facts.keys */
	List	   *references;		/* int: declared references of which it is the
								 * child */
	int			primary;		/* its primary key, or -1 */
	bool		partition;
	bool		unlogged;
	bool		denied;			/* the current role may not read the table */
	bool		asked;			/* its references are requested: facts_ask() */
	double		tuples;			/* reltuples; -1: unknown */
	int			person_rank;	/* how likely it is a table of people; 0: it
								 * is none */
	char	   *shown;			/* facts_table_name(), or NULL */
} FactTable;

typedef struct FactColumn
{
	int			table;
	AttrNumber	attnum;
	char	   *name;
	Oid			type;
	Oid			base;			/* base type of a domain, else the type */
	char		category;		/* TYPCATEGORY_* of the base type */
	bool		refers;			/* references of such a type exist */
	Oid			collation;
	Words		words;
	const char *joined;			/* its stems */
	int32		typmod;
	bool		not_null;
	bool		own;			/* its values are generated, or inherited */
	bool		has_default;
	bool		leads_index;	/* first column of an index that is not unique */
	bool		leads_any;		/* first column of any index */
	bool		alone_primary;
	bool		alone_unique;
	bool		in_primary;
	bool		declared;		/* already a reference of one column */
} FactColumn;

typedef struct FactKey
{
	int			table;
	int			n;
	int			columns[INDEX_MAX_KEYS];	/* indexes into Facts.columns */
	bool		primary;
	bool		owned;			/* its name contains the table's name */
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
	MemoryContext reasons;		/* context of the current candidates' reasons */
	FactTable  *tables;
	int			ntables;
	FactColumn *columns;
	int			ncolumns;
	HTAB	   *names;			/* FactName of tables and columns */
	FactKey    *keys;
	int			nkeys;
	FactReference *references;	/* declared references */
	int			nreferences;
	bool		indexed;		/* indexes that are not unique exist */
	struct Names *names_of;		/* see discover_names.h */
	Dictionary *dictionary;
	struct StatsCache *stats;
	HTAB	   *type_pairs;
	HTAB	   *table_index;	/* table by OID */
	HTAB	   *possible;		/* results of rows_possible() */
	List	   *rules;			/* users' verdicts: discover_feedback.c */
} Facts;

extern Facts *facts_read(void);

/*
 * Requests the references of one table (or InvalidOid) and of the tables of
 * some schemas (names, or NIL); of all tables if neither is given
 */
extern void facts_ask(Facts *facts, Oid child, List *schemas);
extern int	facts_find_table(const Facts *facts, Oid oid);

/* Returns an existing column, or -1 */
extern int	facts_find_column(const Facts *facts, Oid relid, AttrNumber attnum);

/* Returns the table's unique key of these columns, or -1 */
extern int	facts_find_key(const Facts *facts, int table, const int *columns, int n);

/* Returns whether a reference of these columns to one table, or (-1) to any, is declared */
extern bool facts_is_declared(const Facts *facts, int child, int parent, const int *columns, int n);

/*
 * Returns an empty hash table in the current memory context; keys of
 * NAMEDATALEN and more bytes are strings
 */
extern HTAB *facts_hash(const char *name, Size keysize, Size entrysize);

/*
 * Passes the rows of a query, run as the extension's owner, to take(), in the
 * current memory context; $1 is `argument` unless that is negative
 */
extern void facts_query(const char *query, int64 argument, void (*take) (void *arg, const Datum *row, const bool *nulls), void *arg);

/* Returns a table's name for messages, looked up once */
extern const char *facts_table_name(const Facts *facts, int table);

/* Returns columns' names as a list of char * */
extern List *facts_column_names(const Facts *facts, const int *columns, int n);

/* Returns whether a column of one type could reference a key of another; neither is a domain */
extern bool facts_types_match(Facts *facts, Oid child, Oid parent);

#endif							/* SG_DISCOVER_FACTS_H */
