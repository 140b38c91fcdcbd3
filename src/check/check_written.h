/*-------------------------------------------------------------------------
 *
 * check_written.h
 *	  Rows that a statement of a plan would write, and the rules that they meet.
 *
 * check_query.c computes the rows, as "~n" with the columns of the table, for
 * UPDATE and DELETE also "~place" and "~table", where a row is now;
 * check_written.c makes the rules, check_written_key.c those of foreign keys.
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
	char	   *breaks;			/* said of the rows that it counts */
	char	   *unless;			/* what may let them pass, or NULL */
	CheckResult result;
} WrittenRule;

/* A table to which some of the rows go, with rules of its own */
typedef struct WrittenPlace
{
	Oid			table;
	bool		known;			/* which rows go there can be computed */
	char	   *goes;			/* the condition of that, or NULL: all do, or
								 * not asked for yet */
} WrittenPlace;

/* Column whose values a sequence gives */
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
	Oid			table;
	Oid			type;			/* of the one value that a fill gives, or
								 * InvalidOid */
	int32		typmod;

	Query	   *query;
	CmdType		event;
	bool		joins;			/* more than one table, or a row several times */
	bool		below;			/* rows of what inherits, or partitions, too */
	bool		conflicts;		/* ON CONFLICT may leave rows out */
	List	   *places;			/* of WrittenPlace *: the table, then what is
								 * below it */
	List	   *set;			/* of char *: columns that get another value */
	List	   *unknown;		/* of char *: columns whose value is not
								 * computed */
	List	   *given_by;		/* of WrittenSequence * */
	List	   *rules;			/* of WrittenRule * */
	int			followed;		/* keys that rows go along by, so far */
	List	   *unasked;		/* of char *: rules that were not asked */
	char	   *sql;
	int64		rows;			/* that were computed */
	int64	   *counts;
} Written;

/* ---- check_written.c ---- */

/* Is there code that gives another value each time, also in the CHECK of a domain?  What STABLE or IMMUTABLE code calls is its author's word. */
extern bool written_is_volatile(Node *node);

/* Lists the tables to which rows may go */
extern void written_find_places(Written *w);

/* Returns whether a user's trigger may change (`after`: may add what is missing for) rows that are written to one of these tables */
extern bool written_fires(const Written *w, bool after);

extern void written_not_asked(Written *w, char *what);
extern void written_add(Written *w, char *broken, char *breaks, CheckResult result);

extern WrittenRule *written_add_condition(Written *w, char *broken, char *breaks, CheckResult result);

/* Warns only, since something may let the rows pass */
extern void written_soften(WrittenRule *rule, char *unless);

/* Has each of these values of "~n" (texts, of char *) computed, by a condition that no row fulfils */
extern void written_add_computed(Written *w, List *values);

/* Adds the rules that the rows meet; those that can't be asked are listed */
extern void written_add_rules(Written *w, bool asks_unique);

extern bool written_is_partitioned(const Written *w);

/* Returns the place that is a table, of which a partition has the rules of all above it; or NULL */
extern WrittenPlace *written_place(const Written *w, Oid table);

/* Puts the condition that a row goes to a place before another one */
extern char *written_there(const Written *w, WrittenPlace *place, char *condition);

/* Are some of these columns set, and is each computed? */
extern bool written_is_set(const Written *w, List *names);
extern bool written_is_known(const Written *w, List *names);

/* Are the types of the columns such that the "=" of pg_catalog is the one of each index and key? */
extern bool written_is_plain(Oid table, List *names);

/* Names of columns; and as they stand in the computed rows; and the condition that none of them is null */
extern List *written_names(Oid table, const AttrNumber *attnums, int n);
extern char *written_columns(List *names);
extern char *written_no_nulls(List *names);

/* EXISTS: is there a row "other" of a table whose columns equal those of a row, and for which more holds? */
extern char *written_equal_row(Oid table, const char *other, List *theirs, const char *row, List *ours, const char *more);

/* ---- check_written_key.c ---- */

/* Returns whether a NOT VALID key of the table has the column, so that its old value matters */
extern bool written_needs_old(const Written *w, const char *column);

/* Asks for parents of new rows, and for rows that refer to those that go */
extern void written_add_keys(Written *w);

#endif							/* SG_CHECK_WRITTEN_H */
