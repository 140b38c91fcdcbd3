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

/* A table, 22004, 42P01; of one of these kinds (relkind), unless that is NULL, 42809 */
extern Oid	sg_arg_table(FunctionCallInfo fcinfo, int n, const char *relkinds);
extern void sg_check_table(Oid relid, const char *relkinds);

extern bool sg_arg_bool(FunctionCallInfo fcinfo, int n);

/* How many rows to show at most, an int4 or int8; 22023 where it is negative */
extern int64 sg_arg_count(FunctionCallInfo fcinfo, int n, Oid type);

/*
 * "schemas text[]" as names, in order and each once; NIL for null.  22004 and
 * 22023 for nulls and an empty array, 3F000 for one that is not here.
 */
extern List *sg_arg_schemas(FunctionCallInfo fcinfo, int n);

#endif							/* SG_ARGS_H */
