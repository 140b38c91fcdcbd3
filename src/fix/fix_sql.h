/*-------------------------------------------------------------------------
 *
 * fix_sql.h
 *	  Statements that find, lock, judge and change orphans.
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

/* FROM a table's rows fk at places, in their order, and the two arguments of such a query */
extern void fix_append_at_places(StringInfo buf, Oid table);
extern void fix_places_args(const FixPlaces *places, Datum *values);

/*
 * Prepares a statement with so many lists of places, by SPI, which is
 * connected.  The planner does not see the length of the lists: for some
 * thousands of rows it would scan the whole table, at several times the cost
 * per row.
 */
extern SPIPlanPtr fix_prepare(const char *sql, int lists);

/* Frees the plans that fix_prepare() and the queries on places have kept for their next use */
extern void fix_forget_plans(void);

/*
 * Finds the places of a key's orphans (`limit` at most), by a scan that uses no
 * index.  With policy "leave", only those with the sentinel.  Of equal rows,
 * records those that stay in key->kept, which lives as long as `found`.
 */
extern void fix_find(FixKey *key, int64 limit, FixPlaces *found);

/* Estimate the rows of a locked table and its partitions; and the bytes of a row, including TOAST */
extern double fix_estimate_rows(Oid table);
extern double fix_estimate_width(Oid table);

/* Locks the rows at these places that no other session has locked */
extern void fix_lock(Oid table, const FixPlaces *in, FixPlaces *locked);

/*
 * Locks the rows that stay of equal ones, too; removes places whose row that
 * stays is locked by another session
 */
extern void fix_lock_kept(const FixKey *key, FixPlaces *locked);

/* Returns the place of the row that stays for an equal one; or NULL */
extern const FixPlace *fix_kept(const FixKey *key, const FixPlace *place);

/* Returns the places at which there is a row */
extern void fix_exist(Oid table, const FixPlaces *in, FixPlaces *out);

/* Returns the rows that are orphans, and those among them with the sentinel */
extern void fix_judge(const FixKey *key, const FixPlaces *in, FixPlaces *orphans,
					  FixPlaces *sentinels);

/* Finds the rows that refer to these by a key; at most `limit` rows, 0 for all */
extern void fix_reach(const FkKey *key, const FixPlaces *parents, int64 limit, FixPlaces *out);

/* Finds the children that still refer to some of the parents by a key */
extern void fix_reach_again(const FkKey *key, const FixPlaces *parents, const FixPlaces *children, FixPlaces *out);

/* Finds which of the children refer by a key to which of the parents: a pair has the same place in both lists */
extern void fix_pairs(const FkKey *key, const FixPlaces *children, const FixPlaces *parents, FixPlaces *from, FixPlaces *to);

/*
 * Returns the names of the columns that a fate sets to null. *problem says why
 * that is impossible, or NULL.
 */
extern List *fix_null_columns(const FixKey *key, FixFate fate, FkProblem **problem);

/*
 * Returns all columns that become null in a row, by all keys that reach it;
 * raises an error if that is impossible
 */
extern List *fix_row_null_columns(const FixRow *row);

/* Returns those of these columns that become null whatever their value, sentinel or not */
extern List *fix_row_set_columns(const FixRow *row);

/* ---- parts of such statements: fk is the row ---- */

/*
 * Appends the condition that the row of an alias is at one of the places of
 * arguments 2n + 1 and 2n + 2
 */
extern void fix_append_places(StringInfo buf, Oid table, const char *alias, int n);

/* Appends the condition that the row at one of the places is an orphan of the key, or breaks its rule */
extern void fix_append_orphan(StringInfo buf, const FixKey *fix_key, const FixPlaces *places);

/* Returns an UPDATE that would set columns of all orphans to null at once, as the policy or the sentinel says, or NULL */
extern char *fix_set_statement(const FixKey *key);

/* Appends the condition that a column has the sentinel of the key's step */
extern void fix_append_is_sentinel(StringInfo buf, const FixKey *key, AttrNumber attnum);

/* ---- fix_change.c ---- */

/*
 * Changes the rows of a batch, in one statement, so that the actions of keys
 * between them find nothing left to do; judges orphans again.  Marks those that
 * were kept.  Returns the number of changed rows.
 */
extern int64 fix_change(FixBatch *batch);

#endif							/* SG_FIX_SQL_H */
