/*-------------------------------------------------------------------------
 *
 * discover_candidate.h
 *	  What may be a reference, and how it is found (discover_match.c, discover_group.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_CANDIDATE_H
#define SG_DISCOVER_CANDIDATE_H

#include "postgres.h"

#include "fk/fk.h"
#include "discover/discover_facts.h"

#define GROUP_MAX 8				/* columns of a candidate */

/* What a score rests on: each level is calibrated apart */
typedef enum EvidenceLevel
{
	LEVEL_NAMES,
	LEVEL_STATISTICS,
	LEVEL_ROWS
} EvidenceLevel;

typedef enum NameMatch
{
	MATCH_NONE,
	MATCH_ACRONYM,
	MATCH_HEAD,					/* the name begins so */
	MATCH_TAIL,					/* the name ends so */
	MATCH_FULL
} NameMatch;

typedef struct Candidate
{
	int			set;			/* of candidates that compete */
	int			column;			/* the column that it is about, or the first */
	int			key;
	int			n;
	int			columns[GROUP_MAX]; /* pairwise with the key's */

	/* how the column's name meets the table's */
	NameMatch	table_match;
	int8		front;			/* words of the table's name left over */
	int8		back;
	int8		abbreviation;	/* as words_abbreviates */
	bool		glued;			/* begins inside of a word of the column's */
	bool		table_glued;	/* ... of the table's */
	int			sharing;		/* tables whose name ends like that */
	bool		counts;			/* the words before say "number of" */
	bool		self_before;	/* they are of another row */
	int8		before;			/* words of the column's name left over */
	int8		after;
	bool		sibling;		/* the child has a column without those */
	bool		own_front;		/* the words left over are the child's own */
	double		own_share;		/* how much of the child's name these words
								 * are, wherever they are in it */
	bool		decorated;		/* what is matched is all of another table's
								 * name */
	int8		roles_inside;	/* words before that are among those left over */
	double		cover;			/* share of the table's name that is matched */
	Suffix		suffix;
	bool		prefix;			/* id_, fk_ */
	bool		external;		/* the words before are another system's */
	bool		measure;		/* the words after are of a quantity or so */

	/* how it meets the key's */
	bool		key_match;
	int8		key_before;
	bool		key_glued;
	bool		key_initial;	/* what is before in that word abbreviates the
								 * parent */
	bool		key_short;		/* a word of it is abbreviated */
	bool		key_whole;		/* with what its table's columns begin with */

	bool		picture;		/* the name says what a picture is for, and
								 * this is their table */
	bool		self_word;
	bool		tree_word;		/* and it says nothing else */
	bool		self_named;		/* it comes after the child's own name */
	bool		actor_word;
	bool		buys;			/* who need not be of the house */
	bool		works;			/* as those do who are paid for it */
	bool		agent;			/* by its ending only */
	bool		about;			/* the child's name begins with the parent's,
								 * and the column is another row or the rest
								 * of that name */
	bool		kinds;			/* the parent's name is the child's, the
								 * column's, and one more word */
	bool		letter;			/* the column is the parent's first letter,
								 * and id */
	bool		linked;			/* the child is a link table, named after the
								 * parent at the column's place */
	bool		extends;		/* one to one: the child's name extends the
								 * parent's */
	double		rank;			/* for pruning */
	bool		polymorphic;	/* a sibling says of which table it is a key */
	bool		impossible;		/* only a user can want it */

	/* groups */
	bool		leads;			/* the column says the parent's name */
	int			lead;			/* its place in columns */
	bool		redundant;		/* what it refers to is unique already */
	int			rarity;			/* tables that have the rarest of its names */
	bool		within;			/* a wider group of the child has all its
								 * columns */

	/* what the rows say (discover_rows.c) */
	FkKey	   *fk;				/* resolved as ALTER TABLE would, or NULL;
								 * only while its rows are read */
	int64		rows_checked;	/* -1: none */
	int64		orphan_rows;
	bool		whole;			/* all rows were read, no sample */
	const char *reason;

	struct SignalValue *signals;	/* those that are not 0 */
	int			nsignals;
	EvidenceLevel level;
	bool		accepted;		/* by a user */
	double		sum;
	double		score;
	struct Candidate *rival;	/* the best other one of its set */
} Candidate;

/* Fill the hash tables of Facts */
extern void match_prepare(Facts *facts);
extern bool match_eligible(const Facts *facts, int column);
extern bool match_polymorphic(const Facts *facts, int column);

/*
 * Candidates of the columns from *next on, sets in one piece, ordered by
 * column.  After so many as there is room for, with those that the rows may
 * bring up, the table that is begun is the last one; *next is set to what
 * comes then.
 */
extern List *match_candidates(Facts *facts, int *next, int64 room);

/*
 * Groups, once it has been noted of all candidates of columns which of them
 * are groups as well.
 */
extern HTAB *match_led(void);
extern void match_note_led(const Facts *facts, HTAB *led, List *singles);
extern List *match_groups(Facts *facts, HTAB *led);

/*
 * The other columns that, with `lead`, refer to a key of several columns;
 * false unless each of them is in the child by the name it has in the parent.
 */
extern bool match_lead(Facts *facts, int lead, int key, int *columns);

/* Is a column alone a unique key of the table? */
extern bool match_is_key(const Facts *facts, int table, int column);

/* The columns of one name, the prefix of their table left out, as list of int */
extern List *match_columns_named(const Facts *facts, const char *joined);

/* The first such column of one table that is no partition, or -1 */
extern int	match_column_named(const Facts *facts, int table, const char *joined);
extern bool match_generic_name(const Facts *facts, int column);
extern bool match_columns_begin_alike(const Facts *facts, const FactColumn *column);

/* ---- link tables (discover_link.c) ---- */

/*
 * Of two columns that are only numbered or told by "from" and "to", which one is this?  1, 2, or 0: none;
 * *at is the word that says so.
 */
extern int	link_place(const Facts *facts, int column, int *at);

/* The two tables whose names make up that of another, in that order */
extern bool link_ends(const Facts *facts, int table, int ends[2]);

#endif							/* SG_DISCOVER_CANDIDATE_H */
