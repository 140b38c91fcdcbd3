/*-------------------------------------------------------------------------
 *
 * discover_names.h
 *	  Which tables a name may mean (discover_names.c, discover_split.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_NAMES_H
#define SG_DISCOVER_NAMES_H

#include "postgres.h"

#include "discover/discover_candidate.h"

/* A table's name, or a part of it */
typedef struct NameForm
{
	int			table;
	int8		front;			/* words left out; letters if glued */
	int8		back;
	bool		glued;			/* begins inside of a word */
	NameMatch	match;
	double		cover;			/* share of the whole name */
} NameForm;

/* How many tables go by one name, or a part of it, in each way */
typedef struct NameCrowd
{
	int			n[MATCH_FULL + 1];
	const NameForm *root;		/* of those that begin so, the one that all
								 * others extend, or NULL */
} NameCrowd;

/* Counted once for each name, which must be there */
extern const NameCrowd *names_crowd(Facts *facts, const char *name);

/* Is there a table whose name is just these words of another's? */
extern bool names_another(const Facts *facts, const FactTable *table, int lo, int hi);

/* Where a table's decorations at the end of its name begin: after its last noun */
extern int	names_end(const FactTable *table);

/* Is it a table of customers, or of a customer's users? */
extern bool names_outsiders(const FactTable *table);

/* Does the name of one table begin with all of another's? */
extern bool names_extended(const Facts *facts, int front, int table);

/* What is in one of the hash tables of Facts under a name, or NIL */
extern List *names_find(HTAB *hash, const char *key);

extern List *names_expansions(Facts *facts, const char *stem);

/* Hash tables of lists of int, as those of Facts */
extern HTAB *names_hash(const char *name);
extern void names_add(HTAB *hash, const char *key, int value);

/* Cut names written as one word (discover_split.c) */
extern void split_names(Facts *facts);

#endif							/* SG_DISCOVER_NAMES_H */
