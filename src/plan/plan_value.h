/*-------------------------------------------------------------------------
 *
 * plan_value.h
 *	  schemaguard.plan_value: old values that policy "set" has replaced.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_VALUE_H
#define SG_PLAN_VALUE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/array.h"

#include "plan/plan.h"

/* A column of a table in which a step has set values, of rows identified by their primary key */
typedef struct PlanValues
{
	char	   *table;			/* qualified */
	List	   *key;			/* names */
	char	   *column;
	char	   *identity;		/* the primary key and then the column, by
								 * numbers (plan_deed.h) */
	TimestampTz at;				/* when the first value was set; set when it
								 * is read */
} PlanValues;

/* Some of the rows; arrays of text: array literals of the key's values, old values, new values */
typedef struct PlanValueRows
{
	int64		n;
	int64		last;			/* set when read: the smallest id, and all ids
								 * (bigint[]) */
	Datum		ids;
	Datum		keys;
	Datum		was;
	Datum		values;
} PlanValueRows;

/* A step that has set values where another one had set its own before */
typedef struct PlanValuesSince
{
	char	   *plan;
	int			step;
	int64		rows;
} PlanValuesSince;

extern void plan_values_keep(const FkPlan *plan, int step, const PlanValues *values, const PlanValueRows *rows);

/* Returns the tables and columns of a step (PlanValues *) */
extern List *plan_values(const FkPlan *plan, int step);

/*
 * Returns the last step, of any plan, that has set the column in these rows
 * since, and has old values on record; NULL: none
 */
extern PlanValuesSince *plan_values_since(const FkPlan *plan, int step, const PlanValues *values);

/*
 * Returns a step of the plan that has set values since in rows and columns which
 * a step of rows has written, and whose old values are not all back; 0: none
 */
extern int	plan_values_in_rows(const FkPlan *plan, int step);

/* Returns the steps (int) of rows for which that may be so */
extern List *plan_rows_set_since(const FkPlan *plan);

/* Returns whether old values of a step are on record */
extern bool plan_keeps_values(const FkPlan *plan, int step);

/* Returns the next rows with a smaller id, `most` at most, latest first; NULL: none */
extern PlanValueRows *plan_value_rows(const FkPlan *plan, int step, const PlanValues *values, int64 before, int most);

/* Delete records of rows, by id, and all records of a step, or of all steps (0) */
extern void plan_value_forget(Datum ids);
extern void plan_values_forget(const FkPlan *plan, int step);

#endif							/* SG_PLAN_VALUE_H */
