/*-------------------------------------------------------------------------
 *
 * words.h
 *	  Enums as words: in SQL, in documents, in messages.
 *
 * Inside, a kind is a member of an enum (or a code of the server's), and a
 * switch over it has no default, so that the compiler names the one that
 * forgot a new member.  Its words stand in one array.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_WORDS_H
#define SG_WORDS_H

#include "postgres.h"

/* The last one of an array has no word */
typedef struct SgWord
{
	int			code;
	const char *word;
} SgWord;

/* An array that lacks a word, or has one too many, does not compile: put it behind the array */
#define SG_WORDS_OF(words, n) \
	StaticAssertDecl(lengthof(words) == (n) + 1, "members and words of an enum differ in number")

/* The word of a member; XX000 when there is none */
extern const char *sg_word(const SgWord *words, int code);

/* The member of a word, or -1 */
extern int	sg_word_code(const SgWord *words, const char *word);

/*
 * Returns the member of a word that a user gives as an option, in upper or lower
 * case; raises 22023 with a list of the valid words for any other.
 */
extern int	sg_parse_word(const SgWord *words, const char *option, const char *value);

/* ON DELETE, ON UPDATE and MATCH, by the server's codes (FKCONSTR_...) */
extern const SgWord sg_action_words[];
extern const SgWord sg_match_words[];
extern const char *sg_action_word(char action);
extern const char *sg_match_word(char match);

#endif							/* SG_WORDS_H */
