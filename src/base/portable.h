/*-------------------------------------------------------------------------
 *
 * portable.h
 *	  Statements as texts that a server and psql read alike, whatever is set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PORTABLE_H
#define SG_PORTABLE_H

#include "postgres.h"

/*
 * Returns a statement or expression in a form that has the same meaning with
 * standard_conforming_strings off, because its literals with backslashes are
 * E'', and in psql with variables: a colon before a possible variable's name is
 * followed by a blank.  Quoted and dollar-quoted parts are kept.
 */
extern char *sg_portable(const char *text);

/*
 * Returns the literal of a text that sg_portable() would change in its value,
 * or NULL.  No catalog prints such literals.
 */
extern const char *sg_unportable(const char *text);

/*
 * Returns whether a text contains the character outside of literals, quoted
 * names, dollar quotes and comments
 */
extern bool sg_holds(const char *text, char c);

/* Returns whether a semicolon behind the text would be part of a comment */
extern bool sg_ends_in_comment(const char *text);

/*
 * Returns the position behind the literal, quoted name, dollar quote, comment
 * or single character at p, in a text that is read with
 * standard_conforming_strings on
 */
extern const char *sg_skip_token(const char *start, const char *p);

/* Returns whether a character may be within a name */
extern bool sg_is_word_character(char c);

#endif							/* SG_PORTABLE_H */
