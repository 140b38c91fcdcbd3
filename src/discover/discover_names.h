/*-------------------------------------------------------------------------
 *
 * discover_names.h
 *	  What the names of this database say: which tables a name may mean,
 *	  and what is learned from all of them together (discover_names.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_NAMES_H
#define SG_DISCOVER_NAMES_H

#include "postgres.h"

#include "discover/discover_facts.h"

#define TAUGHT_MAX 4			/* keys that the declared ones teach of one
								 * column */
#define READINGS_MAX 4
#define TAILS_MAX 8				/* tables, or keys, with one ending that are
								 * all looked at */

/* A column's name without its ending: the words that say what it refers to */
typedef struct Reading
{
	Words		words;
	Suffix		suffix;
} Reading;

/* Kinds of look-up by joined stems, each of which gives a list of numbers */
typedef enum NameKind
{
	NAME_TABLE,					/* tables of that name */
	NAME_REST,					/* ... after their prefix */
	NAME_TAIL,					/* ... whose name ends so */
	NAME_HEAD,					/* ... whose name begins so, and has more */
	NAME_COLUMN,				/* columns, the prefix of their table left out */
	NAME_KEY,					/* keys of one column */
	NAME_TELLING,				/* ... whose name says more than "id", or has
								 * that of its table in it */
	NAME_TAUGHT,				/* declared references, see learn_taught() */
	NAME_KINDS
} NameKind;

typedef struct Names
{
	HTAB	   *kind[NAME_KINDS];
	List	   *persons;		/* of int: tables of people, the likeliest
								 * first */
} Names;

/* Key that declared references teach for a column */
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
extern List *names_find(const Facts *facts, NameKind kind, const char *name);

/* Is what a table's name has before the last words a prefix: of many, and the name of none? */
extern bool names_is_prefix(const Facts *facts, const FactTable *table, int n);

/* The ways to read a column's name, at most READINGS_MAX */
extern int	names_read(const Facts *facts, int column, Reading *readings);

/* The first column of a name in one table that is no partition, or -1 */
extern int	names_column_of(const Facts *facts, int table, const char *joined);

/* The tables of people that a column may mean, the likeliest first: those of its schema, if there are any */
extern List *names_persons(const Facts *facts, int column);

/* Does the name say little: id, code, or a general word? */
extern bool names_is_general(const Facts *facts, int column);

/* Fills in the keys that declared references teach for a column; returns how many */
extern int	learn_taught(Facts *facts, int column, Taught *taught);

#endif							/* SG_DISCOVER_NAMES_H */
