/*-------------------------------------------------------------------------
 *
 * check_written.h
 *	  Rows that a statement of a plan would write, and the rules that they
 *	  meet. check_query.c computes the rows, as "~n" with the columns of the
 *	  table, for UPDATE and DELETE also "~place" and "~table", a row's present
 *	  place; check_written.c makes the rules, check_written_key.c those of
 *	  foreign keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHECK_WRITTEN_H
#define SG_CHECK_WRITTEN_H

#include "postgres.h"

#include "check/check.h"

/* A rule of the table, with the number of computed rows that break it */
typedef struct WrittenRule
{
	char	   *count;			/* an aggregate over "~n" */
	char	   *breaks;			/* text about the rows that it counts */
	char	   *unless;			/* exception that may let them pass, or NULL */
	CheckResult result;
} WrittenRule;

/* A table to which some of the rows go, with rules of its own */
typedef struct WrittenPlace
{
	Oid			table;
	bool		known;			/* the condition can be computed */
	char	   *goes;			/* condition of the rows that go there; NULL:
								 * all rows, or not built yet */
} WrittenPlace;

/* A column whose values a sequence gives */
typedef struct WrittenSequence
{
	char	   *column;
	Oid			sequence;
} WrittenSequence;

typedef struct Written
{
	PlanCheck  *check;
	CheckStep  *cs;
	const char *given;			/* the statement, or a query */
	bool		last;			/* no other statement of the step follows */
	bool		sample;			/* not all rows, whatever the check reads */
	Oid			table;
	Oid			type;			/* type of the one value that a fill gives, or
								 * InvalidOid */
	int32		typmod;

	Query	   *query;
	CmdType		event;
	bool		stays;			/* no row goes to another partition */
	bool		joins;			/* more than one table, or a row several times */
	bool		below;			/* rows of inheriting tables, or partitions,
								 * too */
	bool		conflicts;		/* ON CONFLICT may omit rows */
	List	   *places;			/* WrittenPlace *: the table, then the tables
								 * below it */
	List	   *set;			/* char *: columns that get another value */
	List	   *unknown;		/* char *: columns whose value is not computed */
	List	   *given_by;		/* WrittenSequence * */
	List	   *rules;			/* WrittenRule * */
	int			followed;		/* number of keys followed so far */
	List	   *unasked;		/* char *: rules that were not asked */
	char	   *sql;
	int64		rows;			/* number of computed rows */
	int64		bytes;			/* size of the values that a fill gives */
	int64	   *counts;
} Written;

/* ---- check_written.c ---- */

/*
 * Returns whether a tree has volatile code, also in the CHECK of a domain.  For
 * functions called within STABLE or IMMUTABLE code their author's declaration
 * counts.
 */
extern bool written_is_volatile(Node *node);

/* Lists the tables to which rows may go */
extern void written_find_places(Written *w);

/*
 * Returns whether a user's trigger may change rows that are written to one of
 * these tables (`after`: may add what they lack)
 */
extern bool written_fires(const Written *w, bool after);

extern void written_not_asked(Written *w, char *what);
extern void written_add(Written *w, char *broken, char *breaks, CheckResult result);

extern WrittenRule *written_add_condition(Written *w, char *broken, char *breaks, CheckResult result);

/* Turns a rule's result into a warning, because something may let the rows pass */
extern void written_soften(WrittenRule *rule, char *unless);

/* Has each of these values of "~n" (texts, char *) computed, by a condition that no row meets */
extern void written_add_computed(Written *w, List *values);

/* Adds the rules that the rows meet; those that can't be asked are listed */
extern void written_add_rules(Written *w, bool asks_unique);

extern bool written_is_partitioned(const Written *w);

/* Returns the place of a table; a partition has the rules of all tables above it; or NULL */
extern WrittenPlace *written_place(const Written *w, Oid table);

/* Prefixes a condition with the condition that a row goes to a place */
extern char *written_there(const Written *w, WrittenPlace *place, char *condition);

/* Returns whether some of these columns are set, and each is computed */
extern bool written_is_set(const Written *w, List *names);
extern bool written_is_known(const Written *w, List *names);

/* Returns whether the "=" of pg_catalog is that of each index and key for the types of the columns */
extern bool written_is_plain(Oid table, List *names);

/*
 * Return names of columns; their names in the computed rows; and the condition
 * that none of them is null
 */
extern List *written_names(Oid table, const AttrNumber *attnums, int n);
extern char *written_columns(List *names);
extern char *written_no_nulls(List *names);

/*
 * Returns EXISTS: a row "other" of a table whose columns equal those of a row,
 * with a further condition
 */
extern char *written_equal_row(Oid table, const char *other, List *theirs, const char *row, List *ours, const char *more);

/* ---- check_written_key.c ---- */

/* Returns whether a NOT VALID key of the table has the column, so that its old value matters */
extern bool written_needs_old(const Written *w, const char *column);

/* Asks for parents of new rows, and for rows that refer to deleted ones */
extern void written_add_keys(Written *w);

#endif							/* SG_CHECK_WRITTEN_H */
