/*-------------------------------------------------------------------------
 *
 * run_rows.h
 *	  Rows that a call deletes or changes, by table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_ROWS_H
#define SG_RUN_ROWS_H

#include "postgres.h"

#include "plan/plan_deed.h"
#include "run/run.h"

typedef enum RowFate
{
	ROWS_DELETED,				/* deleted, without a copy */
	ROWS_CHANGED,				/* changed, without a copy of the old values */
	ROWS_SET,					/* changed, with a copy of the old values */
	ROWS_QUARANTINED,
	ROWS_DROPPED,				/* deleted with an object that a step drops or
								 * empties */
	VALUES_DROPPED,
	UNCOUNTED_DROPPED,			/* tables with such rows or values, without a
								 * number */
	ROW_FATES
} RowFate;

/* Returns empty counts, in the current memory context */
extern RunRows *run_rows_new(void);

/* Counts rows of a table under the name that the table has at its first count */
extern void run_rows_add(RunRows *rows, Oid table, RowFate fate, int64 n);

/* Returns the number of rows of a table with that fate; InvalidOid: of all tables */
extern int64 run_rows_count(const RunRows *rows, Oid table, RowFate fate);

/*
 * Return the rows that schemaguard.fix_limit bounds: deleted or changed in
 * place; and moved into quarantine
 */
extern int64 run_rows_lost(const RunRows *rows);
extern int64 run_rows_moved(const RunRows *rows);

/* Returns all rows and values without a copy in quarantine, which max_rows bounds; 0 for NULL */
extern int64 run_rows_gone(const RunRows *rows);

/*
 * Raises 53400 if rows and values that code of users has taken away or changed in a step, or that it drops,
 * are more than max_rows allows, with what the call has done before, or if there is no number of them.
 * The hint is the call that goes on past all steps.  The setting fix_limit is about what `fix` does alone.
 */
extern void run_check_written(PlanRun *run, const RunRows *counts, const RunRows *dropped);

/* Returns what max_rows has to be, at least, for a call that does not stop at what it foresees, with `all` that is gone */
extern int64 run_rows_needed(const PlanRun *run, int64 all);

/* Sums up the lost rows of the counts, which may be NULL; returns false if there are none */
extern bool run_rows_sum(const RunRows *rows, PlanLoss *loss);

/* Returns the tables, as OIDs */
extern List *run_rows_tables(const RunRows *rows);

/*
 * Returns the rows that the session has deleted and changed so far in each
 * table, by the statistics counters, if track_counts is on.  The extension's
 * own tables are left out.
 */
extern List *run_rows_written(void);

/*
 * Returns the rows that one transaction has deleted and changed since `before`,
 * without the rows of a table that its own statement changed; NULL if there are
 * none
 */
extern RunRows *run_rows_beside(const List *before, Oid table, int64 changed, MemoryContext context);

/*
 * Counts the rows deleted and changed since `before`, by whatever: keys,
 * triggers, functions, queries in WITH
 */
extern void run_rows_add_written(RunRows *rows, const List *before);

/*
 * run_following() returns the keys whose ON UPDATE CASCADE, SET NULL or SET
 * DEFAULT follows a change of a table's column; the table is not partitioned.
 * run_check_following() raises SG004 if rows have followed since, in this
 * transaction; `own` rows of the table itself were changed.
 */
extern List *run_following(Oid table, const char *column);
extern void run_check_following(Oid table, const List *following, int64 own);

/* Adds the counts of others to rows */
extern void run_rows_merge(RunRows *rows, const RunRows *others);

/*
 * Returns a line for each fate, with the ten tables that have most rows;
 * `would`: in a dry run.  NULL: no rows
 */
extern char *run_rows_text(const RunRows *rows, bool would);

#endif							/* SG_RUN_ROWS_H */
