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
 * Keeps the schema of a relation from being renamed or dropped until the
 * (sub)transaction ends, by the lock on its row of pg_namespace that FOR KEY
 * SHARE takes: GRANT and a change of its owner are not held up.  Schemas of
 * superusers are left alone, and nothing is locked on a standby or in a
 * read-only transaction.  Does not wait: 55P03 where somebody renames it now.
 */
extern void run_hold_schema(Oid relid);

/*
 * Within a deed, raises 40001 where a name in a statement, which is about to be
 * run, leads to a table of a user's that the deed has not locked: it was
 * another one when the deed looked.  Outside of deeds it does nothing.  Call it
 * as the role that runs the statement, with its search_path.
 */
extern void run_check_names(const char *sql);

/* Is an error one of run_check_names? */
extern bool run_names_changed(const ErrorData *error);

#endif							/* SG_RUN_NAME_H */
