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

typedef struct Words
{
	int			n;
	char	  **word;			/* lower case */
	char	  **stem;			/* the word without the marks of a plural */
	int		   *class;			/* WORD_* */
} Words;

/* Room for words that are being made: those of facts are shared by all that have the name */
typedef struct WordsRoom
{
	char	   *word[WORDS_MAX];
	char	   *stem[WORDS_MAX];
	int			class[WORDS_MAX];
} WordsRoom;

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
#define WORD_LOG		0x400	/* a table that is written and not referred to */
#define WORD_KIND		0x800	/* says of which table an id is */
#define WORD_CREATED	0x1000	/* when a row was made */
#define WORD_LOGIN		0x4000	/* ... if it is that of those who log in */
#define WORD_PLURAL		0x2000	/* an ending or a whole word, and what it
								 * stands for */

typedef struct Dictionary Dictionary;

/* The rows of schemaguard.discovery_word; a user's row of a word takes the place of those that are shipped */
extern Dictionary *words_read(void);
extern Words words_split(const Dictionary *dictionary, const char *name, WordsRoom *room);
extern char *words_stem(const Dictionary *dictionary, const char *word);

/* The classes of a word, by its stem or as it stands */
extern int	words_class(const Dictionary *dictionary, const char *word, const char *stem);
extern bool words_is_number(const char *word);
extern bool words_is_plural(const Words *words, int i);
extern Suffix words_suffix(int class);

/* Length of a word, at least so many letters, before an ending that is written together with it ("hostid"), or 0 */
extern int	words_glued_suffix(const Dictionary *dictionary, const char *word, int least, Suffix *suffix);

/* Is a column's word short for a table's, its beginning or its consonants, or the table's for the consonants of the column's? */
extern bool words_abbreviate(const char *a, const char *b);

/* Stems lo..hi joined, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Is one of lo..hi of a class? */
extern bool words_any(const Words *words, int lo, int hi, int class);

/* Are the first n stems of two names the same? */
extern bool words_begin_alike(const Words *a, const Words *b, int n);

#endif							/* SG_DISCOVER_WORDS_H */
