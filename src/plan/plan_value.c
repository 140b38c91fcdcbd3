/*-------------------------------------------------------------------------
 *
 * plan_value.c
 *	  Old values that policy "set" has replaced, kept for a rollback.
 *
 *	  A row is found again by its primary key, and gets its old value back if
 *	  it still has the one that the plan set.  Texts are those of the types'
 *	  output functions, with the settings of sg_scope_pin_texts().  Only the
 *	  owner of the extension reads the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/spi.h"
#include "plan/plan_store.h"
#include "plan/plan_value.h"

#define OF_STEP " FROM schemaguard.plan_value WHERE plan_id = $1 AND step = $2"

static StoreArgs
step_args(const FkPlan *plan, int step)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan->id), false);
	store_arg_int(&args, step);
	return args;
}

static void
values_args(StoreArgs *args, const PlanValues *values)
{
	store_arg_text(args, values->table);
	store_arg_texts(args, values->key);
	store_arg_text(args, values->column);
	store_arg_text(args, values->identity);
}

void
plan_values_keep(const FkPlan *plan, int step, const PlanValues *values, const PlanValueRows *rows)
{
	StoreArgs	args = step_args(plan, step);

	values_args(&args, values);
	store_arg_datum(&args, TEXTARRAYOID, rows->keys, false);
	store_arg_datum(&args, TEXTARRAYOID, rows->was, false);
	store_arg_datum(&args, TEXTARRAYOID, rows->values, false);
	store_change(SPI_OK_INSERT,
				 "INSERT INTO schemaguard.plan_value (plan_id, step, row_table, key_columns, column_name, identity, key, was, value)"
				 " SELECT $1, $2, $3, $4, $5, $6, v.key::text[], v.was, v.value FROM unnest($7, $8, $9) AS v (key, was, value)", &args);
}

static void *
read_values(HeapTuple tuple, TupleDesc desc)
{
	PlanValues *values = palloc(sizeof(PlanValues));

	values->table = sg_spi_text(tuple, desc, "row_table");
	values->key = sg_spi_text_array(tuple, desc, "key_columns");
	values->column = sg_spi_text(tuple, desc, "column_name");
	values->identity = sg_spi_text(tuple, desc, "identity");
	values->at = (TimestampTz) sg_spi_int64(tuple, desc, "at");
	return values;
}

List *
plan_values(const FkPlan *plan, int step)
{
	StoreArgs	args = step_args(plan, step);

	return store_query("SELECT row_table, key_columns, column_name, identity, min(at) AS at" OF_STEP " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4", &args, read_values);
}

static void *
read_since(HeapTuple tuple, TupleDesc desc)
{
	PlanValuesSince *since = palloc(sizeof(PlanValuesSince));

	since->plan = sg_spi_text(tuple, desc, "name");
	since->step = (int) sg_spi_int64(tuple, desc, "step");
	since->rows = sg_spi_int64(tuple, desc, "n");
	return since;
}

/*
 * An identity is compared up to the numbers of the columns, because the types
 * after them may have changed meanwhile.  Sorts the values once: a join would
 * compare each with each while the table has no statistics.
 */
PlanValuesSince *
plan_values_since(const FkPlan *plan, int step, const PlanValues *values)
{
	StoreArgs	args = step_args(plan, step);
	List	   *since;

	store_arg_text(&args, values->identity);
	since = store_query("SELECT p.name, s.step::bigint AS step, count(DISTINCT s.key) AS n FROM"
						" (SELECT *, min(id) FILTER (WHERE plan_id = $1 AND step = $2 AND identity = $3) OVER (PARTITION BY key COLLATE \"C\") AS first"
						"  FROM schemaguard.plan_value WHERE split_part(identity, '}', 1) = split_part($3, '}', 1)) s"
						" JOIN schemaguard.plan p ON p.id = s.plan_id"
						" WHERE s.id > s.first AND (s.plan_id <> $1 OR s.step <> $2)"
						" GROUP BY p.name, s.step ORDER BY max(s.id) DESC LIMIT 1", &args, read_since);
	return since ? linitial(since) : NULL;
}

static void *
read_step(HeapTuple tuple, TupleDesc desc)
{
	int		   *step = palloc(sizeof(int));

	*step = (int) sg_spi_int64(tuple, desc, "step");
	return step;
}

/* Sorts the values once, like plan_values_since() */
int
plan_values_in_rows(const FkPlan *plan, int step)
{
	StoreArgs	args = step_args(plan, step);
	List	   *steps;

	steps = store_query("SELECT step::bigint AS step FROM"
						" (SELECT *, min(id) FILTER (WHERE step = $2) OVER w AS first, max(identity) FILTER (WHERE step = $2) OVER w AS written"
						"  FROM schemaguard.plan_value WHERE plan_id = $1"
						"  WINDOW w AS (PARTITION BY split_part(identity, ' {', 1), key_columns, key COLLATE \"C\")) v"
						" WHERE id > first AND column_name <> ''"
						"  AND substring(identity, '([0-9]+)[}]') = ANY (string_to_array(split_part(split_part(written, ' {', 2), '}', 1), ','))"
						"  AND step IN (SELECT step FROM schemaguard.plan_deed WHERE plan_id = $1 AND kind = 'set' AND undone_at IS NULL)"
						" ORDER BY id DESC LIMIT 1", &args, read_step);
	return steps ? *(int *) linitial(steps) : 0;
}

List *
plan_rows_set_since(const FkPlan *plan)
{
	StoreArgs	args = {0};
	List	   *found;
	List	   *steps = NIL;

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan->id), false);
	found = store_query("SELECT DISTINCT step::bigint AS step FROM"
						" (SELECT id, step, column_name, max(id) FILTER (WHERE column_name <> '')"
						"    OVER (PARTITION BY split_part(identity, ' {', 1), key_columns, key COLLATE \"C\") AS last"
						"  FROM schemaguard.plan_value WHERE plan_id = $1) v WHERE column_name = '' AND last > id", &args, read_step);
	foreach_ptr(const int, step, found)
	{
		steps = lappend_int(steps, *step);
	}
	return steps;
}

bool
plan_keeps_values(const FkPlan *plan, int step)
{
	StoreArgs	args = step_args(plan, step);

	return store_query("SELECT row_table" OF_STEP " LIMIT 1", &args, store_read_text) != NIL;
}

static Datum
copy_array(HeapTuple tuple, TupleDesc desc, const char *name)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, SPI_fnumber(desc, name), &isnull);

	return PointerGetDatum(DatumGetArrayTypePCopy(value));
}

static void *
read_rows(HeapTuple tuple, TupleDesc desc)
{
	PlanValueRows *rows = palloc0(sizeof(PlanValueRows));

	rows->n = sg_spi_int64(tuple, desc, "n");
	if (rows->n == 0)
		return rows;
	rows->last = sg_spi_int64(tuple, desc, "last");
	rows->ids = copy_array(tuple, desc, "ids");
	rows->keys = copy_array(tuple, desc, "keys");
	rows->was = copy_array(tuple, desc, "was");
	rows->values = copy_array(tuple, desc, "values");
	return rows;
}

PlanValueRows *
plan_value_rows(const FkPlan *plan, int step, const PlanValues *values, int64 before, int most)
{
	StoreArgs	args = step_args(plan, step);
	PlanValueRows *rows;

	values_args(&args, values);
	store_arg_datum(&args, INT8OID, Int64GetDatum(before), false);
	store_arg_int(&args, most);
	rows = linitial(store_query("SELECT count(*) AS n, min(id) AS last, array_agg(id) AS ids, array_agg(key::text) AS keys,"
								" array_agg(was) AS was, array_agg(value) AS values"
								" FROM (SELECT *" OF_STEP " AND row_table = $3 AND key_columns = $4 AND column_name = $5 AND identity = $6 AND id < $7"
								" ORDER BY id DESC LIMIT $8) v", &args, read_rows));
	return rows->n > 0 ? rows : NULL;
}

void
plan_value_forget(Datum ids)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8ARRAYOID, ids, false);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_value WHERE id = ANY ($1)", &args);
}

void
plan_values_forget(const FkPlan *plan, int step)
{
	StoreArgs	args = step_args(plan, step);

	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_value WHERE plan_id = $1 AND $2 IN (0, step)", &args);
}
