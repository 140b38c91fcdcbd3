/*-------------------------------------------------------------------------
 *
 * fix_restore.h
 *	  Shared by the files that restore rows from quarantine.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_RESTORE_H
#define SG_FIX_RESTORE_H

#include "postgres.h"

#include "fix/fix.h"
#include "run/run.h"

/* Returns the id of the plan whose copies are restored, because another plan may have the name now */
extern int64 fix_kept_by(const PlanRun *run);

/*
 * Returns the table that rows are from: by the identity in quarantine (NULL: not
 * known) where that is of this database, else by name; InvalidOid if it is gone.
 * By a call of its own, a role confirms that a recreated table of the name is
 * the one.
 */
extern Oid	fix_table_of_rows(const PlanRun *run, const char *name, const char *identity);

/* Rows in quarantine of one table, and of one partition of it */
typedef struct FixKept
{
	char	   *table;
	char	   *owner;
	char	   *identity;		/* plan_deed_mark_columns() of the columns */
	List	   *columns;		/* names */
	List	   *readers;		/* as in Copy */
	Oid			relid;
} FixKept;

/* Returns these (FixKept *), of the rows that the caller may see, with their former owners */
extern List *fix_kept_tables(const PlanRun *run);

/*
 * Returns the tables of these names in levels, as lists of names: by declared
 * keys, tables that are referred to before those that refer to them.  Tables
 * that refer to each other in a cycle share a level.
 */
extern List *fix_restore_levels(const PlanRun *run, List *names);

/*
 * Returns whether a table takes rows of a table with another owner: after a
 * restore without owners, in a superuser's call, a table of a superuser, who
 * sees all rows anyway.
 */
extern bool fix_takes_over(bool elsewhere, Oid owner);

/*
 * Adds those of some rows, which this transaction has inserted into some tables, that
 * a key refuses because they have no parent; none if that can't be told
 */
extern void fix_find_refused(const FkKey *key, List *tables, const FixPlaces *rows, FixPlaces *refused);

/* Begins the reason of a row that is in its restored table already */
#define RESTORED_ALREADY "an equal row is there already"

#endif							/* SG_FIX_RESTORE_H */
