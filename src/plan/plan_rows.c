/*-------------------------------------------------------------------------
 *
 * plan_rows.c
 *	  Steps that insert and change rows, and delete those of {"delete": ...}.
 *
 *	  The statements are made in SQL (29_plan_rows_step.sql).  What the rows
 *	  were before and after a step stands in schemaguard.plan_value, a record
 *	  for each row, without a column's name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/quote.h"
#include "base/spi.h"
#include "plan/plan_rows.h"
#include "plan/plan_store.h"

char *
plan_rows_problem(const PlanStep *step)
{
	StoreArgs	args = {0};

	store_arg_text(&args, step->definition);
	store_arg_texts(&args, step->child_columns);
	return linitial(store_query("SELECT schemaguard.sg_rows_problem($1::jsonb, $2)", &args, store_read_text));
}

bool
plan_rows_delete(const PlanStep *step)
{
	return step->definition[strspn(step->definition, " \t\n\r")] == '{';
}

static void *
read_statement(HeapTuple tuple, TupleDesc desc)
{
	char	  **texts = palloc(2 * sizeof(char *));

	texts[0] = sg_spi_text(tuple, desc, "statement");
	texts[1] = sg_spi_text(tuple, desc, "problem");
	return texts;
}

char *
plan_rows_statement(const PlanStep *step, bool count, char **problem)
{
	StoreArgs	args = {0};
	List	   *made;

	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	store_arg_text(&args, step->definition);
	store_arg_bool(&args, count);
	made = store_query("SELECT statement, problem FROM schemaguard.sg_rows_statement($1, $2, $3::jsonb, $4)", &args, read_statement);
	*problem = made ? ((char **) linitial(made))[1] : NULL;
	return made ? ((char **) linitial(made))[0] : NULL;
}

PlanRowsMade
plan_rows_made(const char *result)
{
	List	   *texts = sg_names_of_text(result);
	char	   *rows = linitial(texts);
	char	   *cut = lsecond(texts);

	PlanRowsMade made = {.rows = rows[0] ? rows : NULL,.cut = cut[0] ? cut : NULL,
	.twice = strcmp(lthird(texts), "true") == 0,.lost = strtoi64(lfourth(texts), NULL, 10)};

	return made;
}

char *
plan_rows_since(TimestampTz since)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, TIMESTAMPTZOID, TimestampTzGetDatum(since), false);
	return linitial(store_query("SELECT jsonb_agg(jsonb_build_object('table', row_table, 'was', was::jsonb, 'now', value::jsonb) ORDER BY id)::text"
								" FROM schemaguard.plan_value WHERE at > $1 AND column_name = ''", &args, store_read_text));
}

char *
plan_rows_undo(const FkPlan *plan, int step, const char *table)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan->id), false);
	store_arg_int(&args, step);
	store_arg_text(&args, table);
	return linitial(store_query("SELECT schemaguard.sg_rows_undo($1, $2, $3)", &args, store_read_text));
}

int64
plan_rows_keep(const FkPlan *plan, const PlanStep *step, const char *changed)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan->id), false);
	store_arg_int(&args, step->step);
	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	store_arg_text(&args, changed);
	return (int64) store_change(SPI_OK_INSERT,
								"INSERT INTO schemaguard.plan_value (plan_id, step, row_table, key_columns, column_name, identity, key, was, value)"
								" SELECT $1, $2, $3, $4, '', '', ARRAY(SELECT coalesce(nullif(e -> 'now', 'null'), e -> 'was') ->> k.name"
								"  FROM unnest($4) WITH ORDINALITY k (name, o) ORDER BY k.o),"
								" nullif(e -> 'was', 'null')::text, nullif(e -> 'now', 'null')::text FROM jsonb_array_elements($5::jsonb) e", &args);
}
