/*-------------------------------------------------------------------------
 *
 * discover_names.h
 *	  Facts from the names of this database: the tables that a name may
 *	  mean, and the lessons from all names together (discover_names.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_NAMES_H
#define SG_DISCOVER_NAMES_H

#include "postgres.h"

#include "discover/discover_facts.h"

#define TAUGHT_MAX 4			/* keys that declared references teach for one
								 * column, at most */
#define READINGS_MAX 4
#define TAILS_MAX 8				/* tables or keys with one ending that are all
								 * tried, at most */

/* Reading of a column's name: the words, without ending, that name the referenced table */
typedef struct Reading
{
	Words		words;
	Suffix		suffix;
} Reading;

/* Kinds of look-up by joined stems, which return lists of numbers */
typedef enum NameKind
{
	NAME_TABLE,					/* tables with this name */
	NAME_REST,					/* tables with this name behind their prefix */
	NAME_TAIL,					/* tables whose name ends with it */
	NAME_HEAD,					/* tables whose longer name begins with it */
	NAME_COLUMN,				/* columns, without their table's prefix */
	NAME_KEY,					/* keys of one column */
	NAME_TELLING,				/* keys whose name means more than "id", or
								 * contains its table's */
	NAME_TAUGHT,				/* declared references, see learn_taught() */
	NAME_KINDS
} NameKind;

typedef struct Names
{
	HTAB	   *kind[NAME_KINDS];
	List	   *persons;		/* int: tables of people, the likeliest first */
} Names;

/* Key that declared references teach for a column */
typedef struct Taught
{
	int			key;
	double		by_name;		/* share of the columns of that name that
								 * reference it, lowered if they are few */
	double		by_word;		/* likewise, of the columns that end with the
								 * same words */
	int			columns;		/* number of columns that reference it */
} Taught;

extern void names_prepare(Facts *facts);
extern List *names_find(const Facts *facts, NameKind kind, const char *name);

/*
 * Returns whether the words of a table's name before its last n ones are a
 * prefix: of many tables, and the name of none
 */
extern bool names_is_prefix(const Facts *facts, const FactTable *table, int n);

/* Fills in the readings of a column's name, at most READINGS_MAX; returns their number */
extern int	names_read(const Facts *facts, int column, Reading *readings);

/* Returns the first column of that name in a table that is no partition, or -1 */
extern int	names_column_of(const Facts *facts, int table, const char *joined);

/*
 * Returns the tables of people that a column may mean, the likeliest first;
 * only those of its schema, if it has any
 */
extern List *names_persons(const Facts *facts, int column);

/* Returns whether a column's name has little meaning: id, code, or a general word */
extern bool names_is_general(const Facts *facts, int column);

/* Fills in the keys that declared references teach for a column; returns their number */
extern int	learn_taught(Facts *facts, int column, Taught *taught);

#endif							/* SG_DISCOVER_NAMES_H */
