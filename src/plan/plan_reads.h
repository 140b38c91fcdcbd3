/*-------------------------------------------------------------------------
 *
 * plan_reads.h
 *	  Relations and columns that the SQL of a step reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_READS_H
#define SG_PLAN_READS_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "base/quote.h"
#include "plan/plan.h"

typedef struct PlanReads PlanReads;

/* A relation that is read; through a view, or from the catalogs, one column of it */
typedef struct PlanRead
{
	char	   *schema;			/* NULL: any */
	char	   *name;
	char	   *column;			/* NULL: the columns that the text names */
	bool		all;			/* any column */
	const char *own;			/* an expression over the rows of the relation
								 * itself, or NULL */
	bool		own_rows;		/* the step's own table, or one that shares
								 * rows with it: each row reads itself */
} PlanRead;

/*
 * Returns the reads of a step's expressions or statement: direct ones, and
 * those of views and users' functions; rather too many than too few.  Locks and
 * runs nothing.
 */
extern PlanReads *plan_reads(const PlanStep *step);

/*
 * Returns the objects that the views, functions and foreign keys of a step's
 * drops depend on by the catalogs, and that can't be dropped before them
 */
extern PlanReads *plan_reads_dropped(const PlanStep *step);

/*
 * Returns the tables whose rows or values a step may delete or overwrite: those that such a
 * statement names, or the step's own by its policy, with those that foreign keys take along.
 * NULL if there are none.
 */
extern PlanReads *plan_takes(const PlanStep *step);

/*
 * Returns whether `reads`, the reads or takes of another step, include anything
 * that `takes` takes away
 */
extern bool plan_takes_from(const PlanReads *takes, const PlanReads *reads);

/*
 * Return the reads (PlanRead *); and whether one of them is of this table, and
 * of that column of it, unless NULL
 */
extern List *plan_reads_list(const PlanReads *reads);
extern bool plan_read_is_of(const PlanReads *reads, const PlanRead *read, const char *table, const char *column);

/*
 * Returns whether any read is of the table, and of that column of it, unless
 * NULL: then a row that reads itself does not count, because it goes with the
 * table.  With `named`, not only by a word in a function's text.
 */
extern bool plan_reads_any(const PlanReads *reads, const char *table, const char *column, bool named);

/*
 * Return the reads by OID and number, as a text of parts that plan_reads_part()
 * writes: a relation, unless only each row reads itself, and each column;
 * column number 0 is any.
 */
extern char *plan_reads_by_oid(const PlanReads *reads);
extern char *plan_reads_part(Oid relation, AttrNumber attnum);

/* Number in a part for the relation itself */
#define PLAN_READS_RELATION (-1)

/* Columns and rows of a table that expressions over its rows mean */
typedef struct PlanRowReads
{
	SgTableName table;
	Oid			relid;			/* InvalidOid: the table does not exist */
	List	   *rows;			/* names of rows of the table in the
								 * expressions */
	List	   *relations;		/* RangeVar *: all relations in the
								 * expressions */
	List	   *columns;		/* unqualified names, or names qualified by a
								 * row's */
	List	   *others;			/* names qualified by another relation's */
	bool		all;			/* a whole row, or a generated column, which
								 * stands for all columns */
	bool		renamed;		/* the expressions rename columns of the table */
} PlanRowReads;

/* Returns the columns and rows that a SELECT without FROM means */
extern PlanRowReads plan_reads_of_row(const char *select, const char *table);

/*
 * Returns whether an expression over the rows of a table may mean that column
 * of it, whose name it has as a word.  It does not if each such name is
 * qualified by another relation.
 */
extern bool plan_reads_own(const char *expression, const char *table, const char *column);

/* Returns the names of relations (char *) that the author's statement creates, or renames to */
extern List *plan_reads_made(const PlanStep *step);

/*
 * Returns whether the users' functions that the step calls, directly or through
 * others, include one of that name
 */
extern bool plan_reads_calls(const PlanReads *reads, const char *function);

/* Returns the names (char *) of these functions */
extern List *plan_reads_functions(const PlanReads *reads);

#endif							/* SG_PLAN_READS_H */
