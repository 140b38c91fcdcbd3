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

/* Raise 22004 where it is null */
extern void sg_arg_check(FunctionCallInfo fcinfo, int n);

/* Texts; an optional one is NULL for null */
extern char *sg_arg_text(FunctionCallInfo fcinfo, int n);
extern char *sg_arg_optional_text(FunctionCallInfo fcinfo, int n);

/*
 * A table, of SQL type schemaguard.table_name: as regclass takes it, by its
 * name or its OID in digits.  22004, 42602, 42622, 0A000 for one of another
 * database; 42P01, with the nearest name; 42809 where it is of none of these
 * kinds (relkind), unless that is NULL.  sg_table_of_text() returns InvalidOid
 * where there is none of that name, sg_table_of_oid() the qualified name if
 * these are the digits of a relation's OID, else NULL.
 */
extern Oid	sg_arg_table(FunctionCallInfo fcinfo, int n, const char *relkinds);
extern Oid	sg_table_of_text(const char *name);
extern char *sg_table_of_oid(const char *oid);

/* Hint of errors about a value of SQL type schemaguard.steps */
#define SG_STEPS_HINT "Name the steps by their numbers, as in 3 or '{1,3}', or pass NULL for all."

/* Is an argument written in the call, as a constant or a parameter, rather than computed by a query? */
extern bool sg_arg_is_given(FunctionCallInfo fcinfo, int n);

extern bool sg_arg_bool(FunctionCallInfo fcinfo, int n);

/* How many rows to show at most, an int4 or int8; 22023 where it is negative */
extern int64 sg_arg_count(FunctionCallInfo fcinfo, int n, Oid type);

/* A bigint that limits a call, or -1: null; 22023: it is negative */
extern int64 sg_arg_limit(FunctionCallInfo fcinfo, int n);

/*
 * "schemas text[]" as names, in order and each once; NIL for null.  22004 and
 * 22023 for nulls and an empty array, 3F000 for one that is not here.
 */
extern List *sg_arg_schemas(FunctionCallInfo fcinfo, int n);

#endif							/* SG_ARGS_H */
