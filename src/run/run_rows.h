/*-------------------------------------------------------------------------
 *
 * run_rows.h
 *	  The rows that a call takes away or changes, by table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_ROWS_H
#define SG_RUN_ROWS_H

#include "postgres.h"

#include "run/run.h"

typedef enum RowFate
{
	ROWS_DELETED,				/* no copy is kept */
	ROWS_CHANGED,				/* old values are not kept */
	ROWS_SET,					/* the same, but old values are kept */
	ROWS_QUARANTINED,
	ROWS_DROPPED,				/* with what a step drops or empties */
	VALUES_DROPPED,
	UNCOUNTED_DROPPED,			/* tables with such rows or values, of which
								 * there is no number */
	ROW_FATES
} RowFate;

/* Empty counts, in the current memory context */
extern RunRows *run_rows_new(void);

/* Counts rows of a table, which has the name by then that it has at first */
extern void run_rows_add(RunRows *rows, Oid table, RowFate fate, int64 n);

/* Returns how many rows of a table have that fate; InvalidOid: of all tables */
extern int64 run_rows_count(const RunRows *rows, Oid table, RowFate fate);

/* Return the rows that schemaguard.fix_limit bounds: deleted, or changed where they are; and moved into quarantine */
extern int64 run_rows_lost(const RunRows *rows);
extern int64 run_rows_moved(const RunRows *rows);

/* Returns all rows and values that are not in quarantine: what max_rows bounds; 0 for NULL */
extern int64 run_rows_gone(const RunRows *rows);

/* Returns the tables, as OIDs */
extern List *run_rows_tables(const RunRows *rows);

/*
 * Returns what the session has deleted and changed so far of each table, by the counters
 * that statistics are made of, if track_counts is on.  Own tables are left out.
 */
extern List *run_rows_written(void);

/* Counts what has been deleted and changed since, by whatever: keys, triggers, functions, queries in WITH */
extern void run_rows_add_written(RunRows *rows, const List *before);

/*
 * Keys by which rows follow a change of a column of a table, which is no partitioned one:
 * ON UPDATE CASCADE, SET NULL or SET DEFAULT.  run_check_following() raises SG004 if rows
 * have followed since, in this transaction; `own` rows of the table itself were changed.
 */
extern List *run_following(Oid table, const char *column);
extern void run_check_following(Oid table, const List *following, int64 own);

/* Adds other counts to some */
extern void run_rows_merge(RunRows *rows, const RunRows *others);

/* Returns a line for each fate, with the ten tables that have most rows; would: nothing is done yet.  NULL: no row */
extern char *run_rows_text(const RunRows *rows, bool would);

#endif							/* SG_RUN_ROWS_H */
