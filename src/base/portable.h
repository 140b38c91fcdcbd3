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
 * Returns a statement or expression that means the same where
 * standard_conforming_strings is off, its literals with backslashes being E'', and
 * where psql has variables: a colon before what could be the name of one has a blank
 * behind it.  What stands between quotes or dollars stays as it is.
 */
extern char *sg_portable(const char *text);

/*
 * Returns what in a text sg_portable() would make another one of, or NULL.  No catalog
 * prints such literals.
 */
extern const char *sg_unportable(const char *text);

/* Does the character stand in a text outside of literals, quoted names, texts between dollars and comments? */
extern bool sg_holds(const char *text, char c);

/* Would a semicolon behind the text be a part of a comment? */
extern bool sg_ends_in_comment(const char *text);

/*
 * Returns what follows a literal, a quoted name, a text between dollars, a comment, or
 * one character, that begins at p in a text, which is read as with
 * standard_conforming_strings
 */
extern const char *sg_skip_token(const char *start, const char *p);

/* May it be within a name? */
extern bool sg_is_word_character(char c);

#endif							/* SG_PORTABLE_H */
