/*-------------------------------------------------------------------------
 *
 * calls.h
 *	  Calls of our functions in the SQL that we print.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CALLS_H
#define SG_CALLS_H

#include "postgres.h"

/*
 * Returns a format in which each call of an extension's function, such as
 * "SELECT sg_drift(%s)", is qualified with the extension's schema, so that it
 * runs under any search_path.  Each message with a call uses it; .ci/check-repo
 * looks for others.  A hint ends with one complete statement, alone on its last
 * line.
 */
extern const char *sg_calls(const char *format) pg_attribute_format_arg(1);

/* Returns the qualified name of an extension's function */
extern char *sg_call_name(const char *function);

/* Format of the query for the holders of locks on a table; takes its name as a literal */
#define SG_LOCKED_BY "SELECT pid, mode, granted, usename, query FROM pg_locks JOIN pg_stat_activity USING (pid)" \
	" WHERE relation = %s::regclass;"

#endif							/* SG_CALLS_H */
