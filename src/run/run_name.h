/*-------------------------------------------------------------------------
 *
 * run_name.h
 *	  Names that lead, during a deed, to the tables that it has looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_NAME_H
#define SG_RUN_NAME_H

#include "postgres.h"

/*
 * Within a deed, raises 40001 if a name in a statement that is about to run
 * leads to a user's table that the deed has not locked: the name led to another
 * table when the deed looked.  Outside of deeds it does nothing.  Call it as
 * the role that runs the statement, with its search_path.
 */
extern void run_check_names(const char *sql);

#endif							/* SG_RUN_NAME_H */
