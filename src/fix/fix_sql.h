/*-------------------------------------------------------------------------
 *
 * fix_sql.h
 *	  The statements that find, lock, judge and change orphans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_SQL_H
#define SG_FIX_SQL_H

#include "executor/spi.h"
#include "lib/stringinfo.h"

#include "fix/fix.h"

extern void fix_places_init(FixPlaces *places);
extern void fix_places_add(FixPlaces *places, Oid leaf, const ItemPointerData *tid);

/* A query on table fk, narrowed to places, and its two arguments */
extern char *fix_at_places(const char *query, Oid table);
extern void fix_places_args(const FixPlaces *places, Datum *values);

/*
 * Prepares a statement on so many lists of places, by SPI, which is connected.
 * The planner does not learn how long the lists are: for some thousands of
 * rows it would read the whole table, at several times the cost of a row.
 */
extern SPIPlanPtr fix_prepare(const char *sql, int lists);

/*
 * The places of a key's orphans (`limit` at most), by a scan that trusts no
 * index.  With the policy "leave", only those that hold the sentinel.  Of equal
 * rows, with those that stay in key->kept, which lives as long as `found`.
 */
extern void fix_find(FixKey *key, int64 limit, FixPlaces *found);

/* Estimates the rows of a table and its partitions, which are locked; and the bytes of one, those stored apart among them */
extern double fix_estimate_rows(Oid table);
extern double fix_estimate_width(Oid table);

/* Lock the rows at these places that nobody else has locked */
extern void fix_lock(Oid table, const FixPlaces *in, FixPlaces *locked);

/* Lock the rows that stay of equal ones, too; leave out places whose row that stays is locked by somebody else */
extern void fix_lock_kept(const FixKey *key, FixPlaces *locked);

/* Returns the place of the row that stays for an equal one; or NULL */
extern const FixPlace *fix_kept(const FixKey *key, const FixPlace *place);

/* Returns the places at which there is a row */
extern void fix_exist(Oid table, const FixPlaces *in, FixPlaces *out);

/* Returns the rows that are orphans, and those of them that hold the sentinel */
extern void fix_judge(const FixKey *key, const FixPlaces *in, FixPlaces *orphans,
					  FixPlaces *sentinels);

/* The rows that refer to these by a key; so many of them, if limit is not 0 */
extern void fix_reach(const FkKey *key, const FixPlaces *parents, int64 limit, FixPlaces *out);

/* Those of the children that still refer to some of the parents by a key */
extern void fix_reach_again(const FkKey *key, const FixPlaces *parents, const FixPlaces *children, FixPlaces *out);

/* Finds the parents to which some of the children refer by a key; the same one may be found several times */
extern void fix_reach_back(const FkKey *key, const FixPlaces *children, const FixPlaces *parents, FixPlaces *out);

/* The columns that a fate sets to null: names.  *problem says why that can't be, or NULL. */
extern List *fix_null_columns(const FixKey *key, FixFate fate, FkProblem **problem);

/* All that become null in a row, by each key that it is reached by; an error where that can't be */
extern List *fix_row_null_columns(const FixRow *row);

/* ---- what such statements are made of: fk is the row ---- */

/* Is the row of an alias at one of the places of arguments 2n + 1 and 2n + 2? */
extern void fix_append_places(StringInfo buf, Oid table, const char *alias, int n);

/* Is the row at one of the places an orphan of the key, or does it break its rule? */
extern void fix_append_orphan(StringInfo buf, const FixKey *fix_key, const FixPlaces *places);

/* Does a column hold the sentinel of the key's step? */
extern void fix_append_is_sentinel(StringInfo buf, const FixKey *key, AttrNumber attnum);

/* ---- fix_change.c ---- */

/*
 * Change the rows of a batch, in one statement, so that the actions of keys
 * between them find nothing left to do.  Orphans are judged again by it.
 * Marks those that were kept.  Returns how many rows were changed.
 */
extern int64 fix_change(FixBatch *batch);

#endif							/* SG_FIX_SQL_H */
