/*-------------------------------------------------------------------------
 *
 * plan_store.h
 *	  Statements on the tables of plans, for the files that store them.  They
 *	  run as the owner of the extension; results are allocated in the memory
 *	  context of the caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_STORE_H
#define SG_PLAN_STORE_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "base/spi.h"

#define STORE_MAX_ARGS 64

/* Arguments of one statement, in order of $1, $2, ... */
typedef struct StoreArgs
{
	int			n;
	Oid			types[STORE_MAX_ARGS];
	Datum		values[STORE_MAX_ARGS];
	char		nulls[STORE_MAX_ARGS];
} StoreArgs;

/* Append one; a NULL text and an empty list are null */
extern void store_arg_datum(StoreArgs *args, Oid type, Datum value, bool isnull);
extern void store_arg_text(StoreArgs *args, const char *value);
extern void store_arg_texts(StoreArgs *args, List *values);
extern void store_arg_int(StoreArgs *args, int value);
extern void store_arg_bool(StoreArgs *args, bool value);

/* Runs a statement that returns no rows; returns the number of changed rows */
extern uint64 store_change(int expected, const char *sql, StoreArgs *args);

/* Runs a query; returns the list of read()'s results for its rows */
extern List *store_query(const char *sql, StoreArgs *args,
						 void *(*read) (HeapTuple tuple, TupleDesc desc));

/* read() functions for one column: a text, an array of text */
extern void *store_read_text(HeapTuple tuple, TupleDesc desc);
extern void *store_read_texts(HeapTuple tuple, TupleDesc desc);

#endif							/* SG_PLAN_STORE_H */
