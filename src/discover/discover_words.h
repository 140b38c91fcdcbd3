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
	SUFFIX_ID,					/* id, uuid, oid, ... */
	SUFFIX_KEY,					/* key, no, nr, sk, ... */
	SUFFIX_CODE,
	SUFFIX_NAME
} Suffix;

/* Classes of words; a word may be in several */
#define WORD_PERSON		0x01	/* names a table of people */
#define WORD_ACTOR		0x02	/* what people are called where they act */
#define WORD_SELF		0x04	/* another row of the same table */
#define WORD_EXTERNAL	0x08	/* another system */
#define WORD_GENERIC	0x10	/* says little alone: type, status, ... */
#define WORD_MEASURE	0x20	/* a quantity, a time, a text */
#define WORD_DECORATION 0x40	/* tbl, dim, master: part of no noun */
#define WORD_NUMBER		0x80	/* "number of", "most" */
#define WORD_LOG		0x100	/* a table that is written and not referred to */
#define WORD_TREE		0x200	/* of WORD_SELF: another row and nothing else */
#define WORD_ROLE		0x400	/* one of the two that a relation is between */
#define WORD_OUTSIDER	0x800	/* of WORD_PERSON: somebody from outside */
#define WORD_BUYER		0x1000	/* what somebody from outside may do */
#define WORD_STAFF		0x8000	/* names a table of those who work here */
#define WORD_JOB		0x10000 /* what these do */
#define WORD_SECRET		0x40000 /* what only one person knows */
#define WORD_MORE		0x80000 /* a table that tells more of another's rows */
#define WORD_PICTURE	0x100000	/* what a picture or a file is for */

extern Words words_split(const char *name, WordsRoom *room);
extern Words words_copy(const Words *words, WordsRoom *room);
extern bool words_is_number(const char *word);
extern int	words_class(const char *word, const char *stem);
extern Suffix words_suffix(const char *word);
extern bool words_personal(const Words *words);
extern int	words_secret(const Words *words);
extern bool words_is_agent(const char *word);
extern int	words_pictures(const char *stem);
extern bool words_reference_prefix(const char *word);

/* The part of a word before a glued suffix ("hostid"), or 0 */
extern int	words_glued_suffix(const char *word, Suffix *suffix);
extern char *words_stem(const char *word);

/* Is `a` short for `b`?  1: its beginning; 2: letters of it in order */
extern int	words_abbreviates(const char *a, const char *b);

/* Stems lo..hi joined, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Is a stem among lo..hi of them? */
extern bool words_have(const Words *words, int lo, int hi, const char *stem);

/* Is one of lo..hi of a class? */
extern bool words_any(const Words *words, int lo, int hi, int class);

/* Are n stems of a, from one on, those of b from another on? */
extern bool words_same(const Words *a, int from, const Words *b, int other, int n);

#endif							/* SG_DISCOVER_WORDS_H */
