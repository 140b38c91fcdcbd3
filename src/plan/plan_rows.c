/*-------------------------------------------------------------------------
 *
 * plan_rows.c
 *	  Steps that insert and change rows, and delete those of {"delete": ...}.
 *
 *	  The statements are made in SQL (29_plan_rows_step.sql).  What the rows
 *	  were before and after a step stands in schemaguard.plan_value, a record
 *	  for each row, without a column's name.  Columns are found again by their
 *	  numbers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "plan/plan_deed.h"
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
	Jsonb	   *definition = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(step->definition)));

	return JB_ROOT_IS_OBJECT(definition) && getKeyJsonValueFromContainer(&definition->root, "delete", strlen("delete"), NULL) != NULL;
}

static void *
read_statement(HeapTuple tuple, TupleDesc desc)
{
	PlanRowsStatement *read = palloc(sizeof(PlanRowsStatement));

	read->text = sg_spi_text(tuple, desc, "statement");
	read->problem = sg_spi_text(tuple, desc, "problem");
	read->through = sg_spi_text_array(tuple, desc, "through");
	return read;
}

PlanRowsStatement
plan_rows_statement(const PlanStep *step, bool count)
{
	StoreArgs	args = {0};
	PlanRowsStatement none = {0};
	List	   *made;

	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	store_arg_text(&args, step->definition);
	store_arg_bool(&args, count);
	made = store_query("SELECT * FROM schemaguard.sg_rows_statement($1, $2, $3::jsonb, $4)", &args, read_statement);
	return made ? *(PlanRowsStatement *) linitial(made) : none;
}

static void *
read_plain(HeapTuple tuple, TupleDesc desc)
{
	PlanRowsPlain *plain = palloc(sizeof(PlanRowsPlain));
	char	   *event = sg_spi_text(tuple, desc, "event");

	plain->event = strcmp(event, "insert") == 0 ? CMD_INSERT : strcmp(event, "update") == 0 ? CMD_UPDATE : CMD_DELETE;
	plain->statement = sg_spi_text(tuple, desc, "statement");
	return plain;
}

List *
plan_rows_plain(const PlanStep *step)
{
	StoreArgs	args = {0};

	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	store_arg_text(&args, step->definition);
	return store_query("SELECT event, statement FROM schemaguard.sg_rows_plain($1, $2, $3::jsonb)", &args, read_plain);
}

PlanRowsMade
plan_rows_made(const char *result)
{
	List	   *texts = sg_names_of_text(result);
	char	   *rows = linitial(texts);
	char	   *cut = lsecond(texts);
	char	   *holder = llast(texts);

	PlanRowsMade made = {.rows = rows[0] ? rows : NULL,.cut = cut[0] ? cut : NULL,
		.twice = strcmp(lthird(texts), "true") == 0,.lost = strtoi64(lfourth(texts), NULL, 10),
	.alone = strtoi64(list_nth(texts, 4), NULL, 10),.held = strtoi64(list_nth(texts, 5), NULL, 10),.holder = holder[0] ? holder : NULL};

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

/* A record of a step: the table and columns as plan_deed_mark_columns() has them, and the names of the columns then */
typedef struct Recorded
{
	char	   *identity;
	List	   *names;
} Recorded;

static void *
read_recorded(HeapTuple tuple, TupleDesc desc)
{
	Recorded   *recorded = palloc(sizeof(Recorded));

	recorded->identity = sg_spi_text(tuple, desc, "identity");
	recorded->names = sg_spi_text_array(tuple, desc, "names");
	return recorded;
}

static StoreArgs
step_args(const FkPlan *plan, int step)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan->id), false);
	store_arg_int(&args, step);
	return args;
}

PlanRowsUndo
plan_rows_undo(const FkPlan *plan, int step, const char *table, bool wait)
{
	PlanRowsUndo undo = {0};
	StoreArgs	args = step_args(plan, step);
	List	   *found = store_query("SELECT identity, ARRAY(SELECT jsonb_object_keys(coalesce(value, was)::jsonb)) AS names FROM schemaguard.plan_value"
									" WHERE plan_id = $1 AND step = $2 AND column_name = '' ORDER BY id LIMIT 1", &args, read_recorded);
	Oid			relid = sg_find_qualified(table);
	Oid			recorded_table;
	Recorded   *recorded;
	DeedOrigin	origin;
	List	   *now;
	List	   *present = NIL;
	List	   *retyped = NIL;
	ListCell   *then;
	PlanRowsStatement *read;

	if (found == NIL || !OidIsValid(relid))
		return undo;
	recorded = linitial(found);
	if (!plan_deed_read_columns(recorded->identity, &recorded_table, &now) || now == NIL)
		now = recorded->names;
	if (!plan_deed_read_origin(recorded->identity, &origin) || !origin.here)
		origin.states = NIL;
	foreach(then, recorded->names)
	{
		int			n = foreach_current_index(then);
		char	   *name = list_nth(now, n);
		bool		there = name && get_attnum(relid, name) != InvalidAttrNumber;

		if (!there)
			undo.gone = lappend(undo.gone, lfirst(then));
		else if (origin.states && strcmp(plan_deed_type_in(list_nth(origin.states, n)), plan_deed_type_in(plan_deed_column_state(relid, name))) != 0)
			retyped = lappend(retyped, name);
		present = lappend(present, there ? name : "");
	}
	args = step_args(plan, step);
	store_arg_text(&args, table);
	store_arg_texts(&args, present);
	store_arg_texts(&args, retyped);
	store_arg_bool(&args, wait);
	read = linitial(store_query("SELECT *, NULL::text AS problem FROM schemaguard.sg_rows_undo($1, $2, $3, $4, coalesce($5, '{}'), $6)", &args,
								read_statement));
	undo.statement = read->text;
	undo.through = read->through;
	return undo;
}

PlanRowsUndone
plan_rows_undone(const char *result)
{
	List	   *texts = sg_names_of_text(result);
	char	   *line = linitial(texts);

	PlanRowsUndone undone = {.line = line[0] ? line : NULL,.told = line[0] ? lsecond(texts) : NULL,.stay = lthird(texts),
	.kept_out = strtoi64(lfourth(texts), NULL, 10),.missing = strtoi64(llast(texts), NULL, 10)};

	return undone;
}

/*
 * A record whose rows stay is kept as it is.  Of one with other values in
 * columns that are gone, only these are left to take back.
 */
int64
plan_rows_forget(const FkPlan *plan, int step, const char *stay, List *gone)
{
	StoreArgs	args = step_args(plan, step);

	store_arg_text(&args, stay);
	store_arg_texts(&args, gone);
	store_change(SPI_OK_DELETE,
				 "DELETE FROM schemaguard.plan_value WHERE plan_id = $1 AND step = $2 AND column_name = '' AND id <> ALL ($3::bigint[])"
				 " AND (was IS NULL OR NOT EXISTS (SELECT FROM unnest($4) g WHERE was::jsonb ->> g IS DISTINCT FROM value::jsonb ->> g))", &args);
	return (int64) store_change(SPI_OK_UPDATE,
								"UPDATE schemaguard.plan_value SET value = CASE WHEN id = ANY ($3::bigint[]) THEN value ELSE"
								" (SELECT jsonb_object_agg(k, CASE WHEN k = ANY ($4) THEN value::jsonb -> k ELSE was::jsonb -> k END)"
								"  FROM jsonb_object_keys(was::jsonb) k)::text END WHERE plan_id = $1 AND step = $2 AND column_name = ''", &args);
}

int64
plan_rows_keep(const FkPlan *plan, const PlanStep *step, const char *changed)
{
	StoreArgs	names = {0};
	StoreArgs	args = step_args(plan, step->step);
	Oid			table = sg_find_qualified(step->child_table);

	store_arg_text(&names, changed);
	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	store_arg_text(&args, changed);
	store_arg_text(&args, plan_deed_mark_columns(table, table, store_query("SELECT jsonb_object_keys(coalesce(nullif(e -> 'now', 'null'), e -> 'was'))"
																		   " FROM (SELECT $1::jsonb -> 0) e (e)", &names, store_read_text)));
	return (int64) store_change(SPI_OK_INSERT,
								"INSERT INTO schemaguard.plan_value (plan_id, step, row_table, key_columns, column_name, identity, key, was, value)"
								" SELECT $1, $2, $3, $4, '', $6, ARRAY(SELECT coalesce(nullif(e -> 'now', 'null'), e -> 'was') ->> k.name"
								"  FROM unnest($4) WITH ORDINALITY k (name, o) ORDER BY k.o),"
								" nullif(e -> 'was', 'null')::text, nullif(e -> 'now', 'null')::text FROM jsonb_array_elements($5::jsonb) e", &args);
}
