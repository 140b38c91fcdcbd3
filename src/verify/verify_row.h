/*-------------------------------------------------------------------------
 *
 * verify_row.h
 *	  SQL for rows: to find one, to copy it, to match it with others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERIFY_ROW_H
#define SG_VERIFY_ROW_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"

#include "fk/fk.h"
#include "verify/verify_keys.h"

/* Row of a table, or of the partition that holds it */
typedef struct RowId
{
	Oid			relid;
	ItemPointerData tid;
} RowId;

/*
 * Run a statement and return the number of its rows; read from its result a
 * boolean, or tableoid and ctid in two columns
 */
extern uint64 verify_run(const char *sql);
extern bool verify_result_bool(int row, int column);
extern RowId verify_result_row(int row, int column);

extern Bitmapset *verify_column_set(const AttrNumber *columns, int n);

/* Returns "alias.column" */
extern char *verify_column(const char *alias, Oid relid, AttrNumber attnum);

/* Returns "[ONLY] schema.table alias" */
extern char *verify_table(Oid relid, const char *alias);

/* Returns "alias.tableoid = n AND alias.ctid = '(n,n)'" */
extern char *verify_is_row(const char *alias, const RowId *row);

/* Returns "parent.a = child.b AND ...", with the key's operators */
extern char *verify_match(const FkKey *key, const char *parent, const char *child);

/* Returns the condition that no column of the key is null */
extern char *verify_complete(Oid relid, const AttrNumber *columns, int n, const char *alias);

/* Returns the columns that a statement can give a value, as a list of int */
extern List *verify_given_columns(Oid relid);

/*
 * Returns an SQL value of the column's type that most likely occurs in no
 * table; it fits the column `other`, too, if that is given.  Numbers are large,
 * or with `negative` negative.  NULL if the type's values can't be made up.
 */
extern char *verify_fresh_value(Oid relid, AttrNumber attnum, Oid other, AttrNumber other_attnum,
								bool negative);

/* Returns the index of the key column that gets a fresh value, or -1 */
extern int	verify_fresh_column(const FkKey *key, Oid relid, const AttrNumber *columns, VerifyKeys *declared);

/*
 * Finds the columns, besides those in `changed`, that must differ in a copy of
 * a row for it to be unique: *fresh get fresh values, *null can be null.
 * Returns why no copy can be unique, or NULL.
 */
extern char *verify_unique_columns(Oid relid, VerifyKeys *declared, const Bitmapset *changed,
								   Bitmapset **fresh, Bitmapset **null);

#endif							/* SG_VERIFY_ROW_H */
