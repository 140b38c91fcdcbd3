/*-------------------------------------------------------------------------
 *
 * args.h
 *	  Arguments of SQL functions, by position from 0.
 *
 * A null where a value must be raises 22004, with the names that SQL knows
 * the function and its argument by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ARGS_H
#define SG_ARGS_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* Raises 22004 if the argument is null */
extern void sg_arg_check(FunctionCallInfo fcinfo, int n);

/* Return a text argument; an optional one is NULL for null */
extern char *sg_arg_text(FunctionCallInfo fcinfo, int n);
extern char *sg_arg_optional_text(FunctionCallInfo fcinfo, int n);

/*
 * Return a table by an argument of SQL type schemaguard.table_name: like
 * regclass, by its name or its OID in digits.  Raise 22004, 42602, 42622, 0A000
 * for another database; 42P01, with the nearest name; 42809 if its relkind is
 * not in relkinds, unless that is NULL. sg_table_of_text() returns InvalidOid
 * for a name without a table; sg_table_of_oid() returns the qualified name for
 * the digits of a relation's OID, else NULL.
 */
extern Oid	sg_arg_table(FunctionCallInfo fcinfo, int n, const char *relkinds);
extern Oid	sg_table_of_text(const char *name);
extern char *sg_table_of_oid(const char *oid);

/* Hint of errors about a value of SQL type schemaguard.steps */
#define SG_STEPS_HINT "Name the steps by their numbers, as in 3 or '{1,3}', or pass NULL for all."

/* Returns whether an argument is a constant or a parameter of the call, not computed by a query */
extern bool sg_arg_is_given(FunctionCallInfo fcinfo, int n);

/* Returns whether an argument is null, or one that objects of an older version lack */
extern bool sg_arg_is_null(FunctionCallInfo fcinfo, int n);

/* Returns a boolean argument, false for one that objects of an older version lack */
extern bool sg_arg_bool(FunctionCallInfo fcinfo, int n);

/* Returns a maximum number of rows, an int4 or int8; 22023 if it is negative */
extern int64 sg_arg_count(FunctionCallInfo fcinfo, int n, Oid type);

/* Returns a bigint that limits a call, -1 for null; 22023 if it is negative */
extern int64 sg_arg_limit(FunctionCallInfo fcinfo, int n);

/*
 * Returns the argument "schemas text[]" as names, sorted and each once; NIL for
 * null. 22004 and 22023 for nulls and an empty array, 3F000 for a schema that
 * does not exist.
 */
extern List *sg_arg_schemas(FunctionCallInfo fcinfo, int n);

#endif							/* SG_ARGS_H */
