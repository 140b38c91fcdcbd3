/*-------------------------------------------------------------------------
 *
 * plan_rows.h
 *	  Steps that insert, change and delete rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_ROWS_H
#define SG_PLAN_ROWS_H

#include "postgres.h"

#include "plan/plan.h"

/* Returns why a step can't have its rows, or NULL; raises an error for a definition that is no JSON */
extern char *plan_rows_problem(const PlanStep *step);

/* Outcome of a step of rows; a count before the step runs fills in all but `rows` and `lost` */
typedef struct PlanRowsMade
{
	char	   *rows;			/* record of what it has changed (JSON), or
								 * NULL */
	char	   *cut;			/* name of a column whose type cuts or rounds
								 * a value, or NULL */
	bool		twice;			/* a key finds more than one row to change */
	int64		lost;			/* rows that were kept out or rewritten */
	int64		alone;			/* rows that are left alone: they are no
								 * longer as they were */
	int64		held;			/* rows that are not deleted: those of a table
								 * refer to them, and would go or change */
	char	   *holder;			/* the table, or NULL */
} PlanRowsMade;

/* The statement of a step, which changes its rows or counts them */
typedef struct PlanRowsStatement
{
	char	   *text;			/* NULL: the table or a column is missing */
	char	   *problem;		/* says so unless it is the table */
	List	   *through;		/* char *: qualified names of tables to whose
								 * rows nobody may come to refer meanwhile, as
								 * keys carry the change on from there */
} PlanRowsStatement;

/*
 * Returns the statement of a step, whose result plan_rows_made() reads, or the
 * query that counts rows: to insert, to change or delete, and all; with `cut`,
 * `twice`, `alone`, `held` and `holder` behind that
 */
extern PlanRowsStatement plan_rows_statement(const PlanStep *step, bool count);

/* A statement that inserts, updates or deletes rows of a step, as the only thing that it does */
typedef struct PlanRowsPlain
{
	CmdType		event;
	char	   *statement;
} PlanRowsPlain;

/* Returns such statements (PlanRowsPlain *), which write all rows of the step, for a look at what they would write */
extern List *plan_rows_plain(const PlanStep *step);

extern PlanRowsMade plan_rows_made(const char *result);

/* Returns whether a step deletes rows */
extern bool plan_rows_delete(const PlanStep *step);

/* Keeps such a record; returns the number of its rows */
extern int64 plan_rows_keep(const FkPlan *plan, const PlanStep *step, const char *changed);

/*
 * Returns what steps have made of rows since a time, and no rollback has taken
 * back: a JSON array of {"table", "was", "now"}, in order; NULL: nothing
 */
extern char *plan_rows_since(TimestampTz since);

/* The statement that takes back the recorded rows of a step, and what it leaves out */
typedef struct PlanRowsUndo
{
	char	   *statement;		/* NULL: nothing is on record; "": a column of
								 * the key is gone */
	List	   *gone;			/* char *: names, then, of columns that are
								 * gone */
	List	   *through;		/* as of PlanRowsStatement */
} PlanRowsUndo;

/*
 * Finds the statement for a table by its present name; plan_rows_undone() reads
 * the statement's result.  With `wait`, rows that are not found may come back.
 */
extern PlanRowsUndo plan_rows_undo(const FkPlan *plan, int step, const char *table, bool wait);

/* Result of a statement that takes back rows of a step */
typedef struct PlanRowsUndone
{
	char	   *line;			/* in words, or NULL; and with keys */
	char	   *told;
	char	   *stay;			/* ids of records whose rows were left for a
								 * later call, as an array */
	int64		kept_out;		/* rows that a trigger or rule has kept from
								 * being as they were */
	int64		missing;		/* part of these records: their rows are
								 * waited for */
} PlanRowsUndone;

extern PlanRowsUndone plan_rows_undone(const char *result);

/*
 * Deletes the records of a step except those whose rows stay, and those with
 * other values in columns that are gone; returns how many are left
 */
extern int64 plan_rows_forget(const FkPlan *plan, int step, const char *stay, List *gone);

#endif							/* SG_PLAN_ROWS_H */
