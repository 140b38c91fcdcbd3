/*-------------------------------------------------------------------------
 *
 * plan_value.h
 *	  schemaguard.plan_value: what stood where policy "set" has put a value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_VALUE_H
#define SG_PLAN_VALUE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/array.h"

#include "plan/plan.h"

/* A column of a table in which a step has set values, of rows that their primary key tells */
typedef struct PlanValues
{
	char	   *table;			/* qualified */
	List	   *key;			/* names */
	char	   *column;
	char	   *identity;		/* the key and then the column, by numbers
								 * (plan_deed.h) */
	TimestampTz at;				/* when the first one was set; when it is read */
} PlanValues;

/* Some of them; arrays of text: literals of arrays with the key's values, old values, new ones */
typedef struct PlanValueRows
{
	int64		n;
	int64		last;			/* the smallest id, and all of them
								 * (bigint[]), when they are read */
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

/* The tables and columns of a step (of PlanValues *) */
extern List *plan_values(const FkPlan *plan, int step);

/* The last step, of any plan, that has set the column in rows of these since, and whose old values are on record; NULL: none */
extern PlanValuesSince *plan_values_since(const FkPlan *plan, int step, const PlanValues *values);

/* Are old values of a step on record? */
extern bool plan_keeps_values(const FkPlan *plan, int step);

/* The next rows with a smaller id, `most` at most, the latest first; NULL: none */
extern PlanValueRows *plan_value_rows(const FkPlan *plan, int step, const PlanValues *values, int64 before, int most);

/* Forget rows, by id, and all of a step, or of all steps (0) */
extern void plan_value_forget(Datum ids);
extern void plan_values_forget(const FkPlan *plan, int step);

#endif							/* SG_PLAN_VALUE_H */
