/*-------------------------------------------------------------------------
 *
 * discover_words.h
 *	  The words that names are made of (discover_words.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_WORDS_H
#define SG_DISCOVER_WORDS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#define WORDS_MAX 16
#define WORD_KEY_SIZE 96		/* bytes of a looked up name; longer is cut */

/* What the end of a column's name says about its kind */
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

/* Each word of all names is there once */
typedef struct Word
{
	char text[	WORD_KEY_SIZE]; /* hash key, in lower case */
	struct Word *stem;			/* without the marks of a plural; NULL: not
								 * yet looked for */
	const char *means;			/* of class plural */
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

/* A word with its stem, or what ends another one and must be known as it is: NULL then, if it isn't */
extern Word *words_find(Dictionary *dictionary, const char *text);
extern Word *words_known(const Dictionary *dictionary, const char *text);

/* What is said of a word as it stands or of its stem */
extern int	words_class(const Words *words, int i);
extern Suffix words_suffix(int class);
extern bool words_is_number(const Word *word);
extern bool words_is_plural(const Word *word);

/* Stems lo..hi joined, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Is one of them of a class? */
extern bool words_any(const Words *words, int class);

/* Are the first n stems of two names the same? */
extern bool words_begin_alike(const Words *a, const Words *b, int n);

#endif							/* SG_DISCOVER_WORDS_H */
