/*-------------------------------------------------------------------------
 *
 * discover_match.h
 *	  The candidates of one column while they are being looked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_MATCH_H
#define SG_DISCOVER_MATCH_H

#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_words.h"


#define SET_MAX 8				/* candidates that a column keeps */

/* A column whose candidates are being looked for */
typedef struct MatchState
{
	Facts	   *facts;
	int			column;
	Candidate  *set[SET_MAX];
	int			nset;

	/* the way of reading its name that is being tried */
	const Words *words;
	int			lo;
	int			hi;
	Suffix		suffix;
	bool		prefix;
	bool		own_front;		/* with the word that the child's name begins
								 * with */
} MatchState;

/* Start from what is known of this key already; false if the column can't refer to it */
extern bool match_begin(MatchState *state, int key, Candidate *cand);

/* The candidate's place in the order of those that are kept */
extern double match_rank(const Facts *facts, const Candidate *cand);
extern void match_keep(MatchState *state, const Candidate *cand);

/* Has a table been found that bears the last words of the name? */
extern bool match_names_a_table(const MatchState *state);

/* The word that says the role */
extern int	match_role_word(const MatchState *state);

/* Is the primary key of a table one column of a type that fits? */
extern bool match_primary_fits(const MatchState *state, int table);

/* ---- by the child's name (discover_about.c) ---- */

/* A key named id, in a table whose name is that of another and more */
extern void about_extension(MatchState *state);

/* Another row of the table that the child is about, or the rest of the child's name */
extern void about_subject(MatchState *state);

/* A column of a letter and id, in many tables */
extern void about_letter(MatchState *state);

/* The values of a column, in a table named after both */
extern void about_kinds(MatchState *state);

/* The first or second table that a link table is named after */
extern void about_link(MatchState *state, int place);

#endif							/* SG_DISCOVER_MATCH_H */
