/*-------------------------------------------------------------------------
 *
 * plan_reads.h
 *	  Which relations and columns the SQL of a step reads.
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

/* A relation that is read; by a view, or from the catalogs, one column of it */
typedef struct PlanRead
{
	char	   *schema;			/* NULL: any */
	char	   *name;
	char	   *column;			/* NULL: those that the text names */
	bool		all;			/* any column */
	const char *own;			/* an expression over the rows of the relation
								 * itself, or NULL */
} PlanRead;

/*
 * Returns what the expressions of a step, or its statement, read by themselves, by views
 * and by functions of users; too much rather than too little.  Locks and runs nothing.
 */
extern PlanReads *plan_reads(const PlanStep *step);

/* Returns what the views, functions and foreign keys that a step drops stand on by the catalogs, which can't be dropped before them */
extern PlanReads *plan_reads_dropped(const PlanStep *step);

/* Its reads (of PlanRead *); and is one of them of this table, and of that column of it, unless NULL? */
extern List *plan_reads_list(const PlanReads *reads);
extern bool plan_read_is_of(const PlanReads *reads, const PlanRead *read, const char *table, const char *column);

/* Is any of them of the table, and of that column of it, unless NULL; if `named`, not only a word in the text of a function? */
extern bool plan_reads_any(const PlanReads *reads, const char *table, const char *column, bool named);

/*
 * Returns what they are by OID and number, as a text whose parts plan_reads_part()
 * writes: a relation, and each column; a column of number 0 is any.
 */
extern char *plan_reads_by_oid(const PlanReads *reads);
extern char *plan_reads_part(Oid relation, AttrNumber attnum);

/* The number of a relation as such in a part */
#define PLAN_READS_RELATION (-1)

/* Columns and rows of a table that expressions over its rows mean */
typedef struct PlanRowReads
{
	SgTableName table;
	Oid			relid;			/* InvalidOid: it is not there */
	List	   *rows;			/* names by which they call rows of the table */
	List	   *relations;		/* of RangeVar *: all that they name */
	List	   *columns;		/* names that stand alone, or behind one of a
								 * row */
	List	   *others;			/* names behind that of another relation */
	bool		all;			/* a row as a whole, or a generated column,
								 * which stands for all columns */
	bool		renamed;		/* they give columns of the table other names */
} PlanRowReads;

/* Returns those that a SELECT without FROM means */
extern PlanRowReads plan_reads_of_row(const char *select, const char *table);

/*
 * May an expression over the rows of a table mean that column of it, which it has as
 * a word?  Not where each such name is qualified, and by another relation.
 */
extern bool plan_reads_own(const char *expression, const char *table, const char *column);

/* Returns the names of relations (of char *) that a statement of the author's makes, or gives to others */
extern List *plan_reads_made(const PlanStep *step);

/* Do the functions of users that the step calls have one of that name among them, other ones' calls included? */
extern bool plan_reads_calls(const PlanReads *reads, const char *function);

/* Returns the names (of char *) of the functions that the step calls so */
extern List *plan_reads_functions(const PlanReads *reads);

#endif							/* SG_PLAN_READS_H */
