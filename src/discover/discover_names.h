/*-------------------------------------------------------------------------
 *
 * discover_names.h
 *	  What the names of this database say: which tables a name may mean
 *	  (discover_names.c), and what is learned from all of them together
 *	  (discover_learn.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_NAMES_H
#define SG_DISCOVER_NAMES_H

#include "postgres.h"

#include "discover/discover_facts.h"
#include "discover/discover_words.h"

#define TAUGHT_MAX 4			/* keys that the declared ones teach of one
								 * column */

/* A column's name without its ending: the words that say what it refers to */
typedef struct Reading
{
	int			n;
	char	   *stem[WORDS_MAX];
	int			class[WORDS_MAX];
	Suffix		suffix;
	bool		plural;			/* the last word is one */
} Reading;

#define READINGS_MAX 8

/* The names of tables, columns and keys, ready to be looked up, and what is learned from them */
typedef struct Names
{
	HTAB	   *whole;			/* joined stems -> tables of that name */
	HTAB	   *rests;			/* ... -> tables of that name after their
								 * prefix */
	HTAB	   *tails;			/* ... -> tables whose name ends so */
	HTAB	   *heads;			/* ... -> tables whose name begins so */
	HTAB	   *columns;		/* ... -> columns, the prefix of their table
								 * left out */
	HTAB	   *keys;			/* ... -> keys of one column */
	HTAB	   *prefixes;		/* ... -> how many tables' names begin so, and
								 * have more */
	HTAB	   *expansions;		/* a stem -> words of tables that are short
								 * for it, or it for them */
	List	   *vocabulary[256];	/* words of tables, by first byte */
	List	   *persons;		/* of int: the tables of people, the likeliest
								 * first */
	HTAB	   *persons_of;		/* by schema, see names_persons() */

	/* learned */
	HTAB	   *endings;		/* words that end the names of references here */
	HTAB	   *markers;		/* ... that stand before those of many tables */
	HTAB	   *taught;			/* a reading, or its last words -> declared
								 * references */
	double		leaves_out;		/* share of the columns named after a table
								 * that leave out its prefix */
	double		declared_share; /* of all that end in id */
	HTAB	   *families;		/* see learn_rarely_declares() */
} Names;

/* What the declared keys say of a column */
typedef struct Taught
{
	int			key;
	double		by_name;		/* share of the columns of that name that
								 * refer there, less if they are few */
	double		by_word;		/* the same of those that end in the same
								 * words */
	int			columns;		/* that refer there */
} Taught;

extern void names_prepare(Facts *facts);
extern List *names_find(HTAB *hash, const char *key);
extern List *names_expansions(Facts *facts, const char *stem);

/* So many tables' names begin with the first n words of this one's */
extern int	names_sharing_prefix(const Facts *facts, const FactTable *table, int n);

/* Is what a table's name has before the last words a prefix: of many, and the name of none? */
extern bool names_is_prefix(const Facts *facts, const FactTable *table, int n);

/* The ways to read a column's name, at most READINGS_MAX */
extern int	names_read(const Facts *facts, int column, Reading *readings);
extern void names_join(Reading *reading, int lo, char *key);

/* Does a reading's name, from a word on, have a table that is called so, its prefix left out or not? */
extern bool names_a_table(const Facts *facts, Reading *reading, int lo, bool *whole);

/* ---- discover_learn.c ---- */

extern void learn_names(Facts *facts);

/* How much less do tables of this kind declare than others?  1: nothing */
extern double learn_rarely_declares(const Facts *facts, const FactTable *table);

/* What the declared keys teach of a column; returns how many */
extern int	learn_taught(Facts *facts, int column, Taught *taught);

/* hash tables of lists */
extern HTAB *names_hash(const char *name);
extern void names_add(HTAB *hash, const char *key, int value);

/* Is a column alone a unique key of its table? */
extern bool names_is_key(const Facts *facts, int column);

/* The columns of one name, the prefix of their table left out */
extern List *names_columns(const Facts *facts, const char *joined);

/* The first such column of one table that is no partition, or -1 */
extern int	names_column_of(const Facts *facts, int table, const char *joined);

/* The tables of people that a column may mean, the likeliest first: those of its schema, if there are any */
extern List *names_persons(const Facts *facts, int column);

/* Does the name say little: id, code, or a general word? */
extern bool names_is_general(const Facts *facts, int column);

#endif							/* SG_DISCOVER_NAMES_H */
