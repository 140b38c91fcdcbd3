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

/* A row of a table, or of the partition that holds it */
typedef struct RowId
{
	Oid			relid;
	ItemPointerData tid;
} RowId;

/* Run a statement; returns the number of its rows.  In the result: a boolean, tableoid and ctid in two columns */
extern uint64 verify_run(const char *sql);
extern bool verify_result_bool(int row, int column);
extern RowId verify_result_row(int row, int column);

extern Bitmapset *verify_column_set(const AttrNumber *columns, int n);

/* alias.column, for a column by number */
extern char *verify_column(const char *alias, Oid relid, AttrNumber attnum);

/* [ONLY] schema.table alias */
extern char *verify_table(Oid relid, const char *alias);

/* alias.tableoid = n AND alias.ctid = '(n,n)' */
extern char *verify_is_row(const char *alias, const RowId *row);

/* parent.a = child.b AND ..., as the key compares */
extern char *verify_match(const FkKey *key, const char *parent, const char *child);

/* No column of the key is null */
extern char *verify_complete(Oid relid, const AttrNumber *columns, int n, const char *alias);

/* The columns to which a statement can give a value, a list of int */
extern List *verify_given_columns(Oid relid);

/*
 * A value of the column's type, as SQL, that is most likely in no table; where
 * `other` is given, one that fits into that column's type as well.  Numbers
 * are large, or negative.  NULL when there is no telling for that type.
 */
extern char *verify_fresh_value(Oid relid, AttrNumber attnum, Oid other, AttrNumber other_attnum,
								bool negative);

/* The column of a key whose value is to be fresh, as index into it, or -1 */
extern int	verify_fresh_column(const FkKey *key, Oid relid, const AttrNumber *columns, VerifyKeys *declared);

/*
 * The columns to which a copy of a row must give another value to be unique,
 * besides those in `changed`: fresh ones go to *fresh, the others can be null.
 * Returns why no copy can be unique, or NULL.
 */
extern char *verify_unique_columns(Oid relid, VerifyKeys *declared, const Bitmapset *changed,
								   Bitmapset **fresh, Bitmapset **null);

#endif							/* SG_VERIFY_ROW_H */
