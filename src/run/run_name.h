/*-------------------------------------------------------------------------
 *
 * run_name.h
 *	  Names that lead, while a deed is done, to the tables it has looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_NAME_H
#define SG_RUN_NAME_H

#include "postgres.h"

/*
 * Within a deed, raises 40001 where a name in a statement, which is about to be
 * run, leads to a table of a user's that the deed has not locked: it was
 * another one when the deed looked.  Outside of deeds it does nothing.  Call it
 * as the role that runs the statement, with its search_path.
 */
extern void run_check_names(const char *sql);

#endif							/* SG_RUN_NAME_H */
