/*-------------------------------------------------------------------------
 *
 * plan_deed.c
 *	  Reading and writing schemaguard.plan_deed.
 *
 *	  Deeds belong to a plan by its id: a plan of the same name that was
 *	  created again has another id.  They are kept until the plan is dropped;
 *	  closed ones until sg_prune() at the earliest, and then only those of
 *	  steps without anything left to undo, because the fate of a step's key
 *	  decides that of its index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/quote.h"
#include "log/log.h"
#include "plan/plan_choice.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_key.h"
#include "plan/plan_reads.h"

/* By DeedKind */
static const struct
{
	const char *word;
	const char *undo;
	const char *action;			/* in the log */
}			kinds[] = {
	[DEED_ADD] = {"add", "drop key", "add"},
	[DEED_REPLACE] = {"replace", "restore key", "replace"},
	[DEED_INDEX] = {"index", "drop index", "index"},
	[DEED_COLUMNS] = {"columns", "drop columns", "columns"},
	[DEED_CHANGE] = {"change", "change back", "change"},
	[DEED_DELETE] = {"delete", "nothing", "fix"},
	[DEED_SET_NULL] = {"set null", "nothing", "fix"},
	[DEED_SET] = {"set", "nothing", "fix"},
};

StaticAssertDecl(lengthof(kinds) == DEED_KINDS, "a kind of deed has no words");

#define DEED_FIELDS (FIELD_DEED | FIELD_CHANGE)

/* By DeedOutcome */
static const char *const outcomes[] = {
	[DEED_TAKEN_BACK] = "taken back",
	[DEED_GONE] = "gone",
	[DEED_LEFT_ALONE] = "left alone",
	[DEED_DONE_AGAIN] = "done again",
};

/* Condition for the open deeds of one plan, step, kind and object */
#define OPEN_OF_OBJECT \
	" plan_id = $1 AND step = $2 AND kind = $3 AND object = $4 AND undone_at IS NULL"

PlanDeed
plan_deed(DeedKind kind, int step, const char *object)
{
	PlanDeed	deed = {.kind = kind,.step = step,.done = true};

	deed.object = pstrdup(object);
	return deed;
}

const char *
plan_deed_action(DeedKind kind)
{
	return kinds[kind].action;
}

/* ---- writing ---- */

static void
store_arg_int64(StoreArgs *args, int64 value, bool isnull)
{
	store_arg_datum(args, INT8OID, Int64GetDatum(value), isnull);
}

/* Appends $1 to $4 of OPEN_OF_OBJECT */
static void
object_args(StoreArgs *args, const FkPlan *plan, DeedKind kind, int step, const char *object)
{
	store_arg_int64(args, plan->id, false);
	store_arg_int(args, step);
	store_arg_text(args, kinds[kind].word);
	store_arg_text(args, object);
}

/* Appends a flag that only some kinds have */
static void
flag_arg(StoreArgs *args, bool has, bool value)
{
	store_arg_datum(args, BOOLOID, BoolGetDatum(value), !has);
}

/*
 * Returns whether a deed records the step's field; deeds of an index and of
 * columns record only the columns
 */
static bool
has_field(const PlanDeed *deed, const StepField *field)
{
	switch (deed->kind)
	{
		case DEED_ADD:
		case DEED_REPLACE:
			return !(field->flags & FIELD_CHANGE) && field->offset != offsetof(PlanStep, nulls_not_distinct);
		case DEED_CHANGE:
			if ((field->flags & FIELD_CHANGE) || field->offset == offsetof(PlanStep, fk_name))
				return true;
			if (deed->what->kind == STEP_UNIQUE && field->type == FIELD_BOOL)
				return field->offset == offsetof(PlanStep, deferrable) ||
					field->offset == offsetof(PlanStep, initially_deferred) ||
					field->offset == offsetof(PlanStep, nulls_not_distinct);
			break;
		default:
			if (deed->what == NULL)
				return false;
	}
	return field->offset == offsetof(PlanStep, child_table) || field->offset == offsetof(PlanStep, child_columns);
}

/* Appends the definition; fields that a kind does not have are null, and not in the document */
static void
definition_args(StoreArgs *args, const PlanDeed *deed)
{
	flag_arg(args, deed->kind == DEED_REPLACE, deed->valid);
	store_arg_text(args, deed->index_columns);
	store_arg_text(args, deed->was);
	flag_arg(args, deed->kind == DEED_INDEX, deed->partitioned);
	flag_arg(args, deed->own, deed->own);
	store_arg_text(args, deed->identity);
	for (int i = 0; i < step_nfields; i++)
	{
		if (step_fields[i].flags & DEED_FIELDS)
			plan_field_store(&step_fields[i], has_field(deed, &step_fields[i]) ? deed->what : NULL, args);
	}
}

/* Returns the INSERT: $1 to $9 are those of plan_deed_write(), the rest those of definition_args() */
static const char *
write_statement(void)
{
	static char *sql = NULL;

	if (sql == NULL)
		sql = MemoryContextStrdup(TopMemoryContext,
								  psprintf("WITH definition AS (SELECT jsonb_strip_nulls(jsonb_build_object("
										   "  'valid', $10, 'index_columns', $11, 'was', $12, 'partitioned', $13, 'own', $14, 'identity', $15, %s)) AS document),"
										   " again AS (UPDATE schemaguard.plan_deed SET undone_at = clock_timestamp(), outcome = 'done again'"
										   "  WHERE" OPEN_OF_OBJECT " AND kind NOT IN ('columns', 'change'))"
										   " INSERT INTO schemaguard.plan_deed"
										   "  (plan_id, step, kind, object, undo, before, after, rows_affected, done_at, log_id)"
										   " SELECT $1, $2, $3, $4, $5, CASE WHEN $6 THEN d.document END, CASE WHEN NOT $6 THEN nullif(d.document, '{}') END,"
										   "  $8, CASE WHEN $7 THEN clock_timestamp() END, $9 FROM definition d",
										   plan_field_list(DEED_FIELDS, "'@', #", 16)));
	return sql;
}

/* Does not close older deeds for columns, because further columns are added to earlier ones. */
void
plan_deed_write(const FkPlan *plan, const PlanDeed *deed)
{
	StoreArgs	args = {0};

	object_args(&args, plan, deed->kind, deed->step, deed->object);
	store_arg_text(&args, kinds[deed->kind].undo);
	store_arg_bool(&args, deed->kind == DEED_REPLACE);
	store_arg_bool(&args, deed->done);
	store_arg_int64(&args, deed->rows, deed->rows == 0);
	store_arg_int64(&args, deed->log_id, deed->log_id == 0);
	definition_args(&args, deed);
	if (store_change(SPI_OK_INSERT, write_statement(), &args) != 1)
		elog(ERROR, "no row was written into plan_deed");
}

/*
 * Records the OIDs that the expressions of a deed's step read, as long as their
 * names mean these, before later renames
 */
static void
record_reads(const FkPlan *plan, const PlanDeed *deed)
{
	StoreArgs	args = {0};

	if (deed->what == NULL || (deed->what->fill == NULL && deed->what->backfill == NULL))
		return;
	object_args(&args, plan, deed->kind, deed->step, deed->object);
	store_arg_text(&args, psprintf("%s%s", plan_deed_mark(InvalidOid), plan_reads_by_oid(plan_reads(deed->what))));
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET after = coalesce(after, '{}') || jsonb_build_object('reads', $5)"
				 " WHERE id = (SELECT max(id) FROM schemaguard.plan_deed WHERE" OPEN_OF_OBJECT ") AND after ->> 'reads' IS NULL", &args);
}

static void *
read_reader(HeapTuple tuple, TupleDesc desc)
{
	DeedReader *reader = palloc(sizeof(DeedReader));

	reader->plan = sg_spi_text(tuple, desc, "plan");
	reader->step = (int) sg_spi_int64(tuple, desc, "step");
	reader->reads = sg_spi_text(tuple, desc, "reads");
	reader->id = sg_spi_int64(tuple, desc, "id");
	return reader;
}

List *
plan_deed_readers(Oid relation, AttrNumber attnum)
{
	StoreArgs	args = {0};
	const char *mark = plan_deed_mark(InvalidOid);

	store_arg_text(&args, psprintf("%s%%%s%%", mark, plan_reads_part(relation, attnum ? attnum : PLAN_READS_RELATION)));
	store_arg_text(&args, psprintf("%s%%%s%%", mark, plan_reads_part(relation, attnum ? InvalidAttrNumber : PLAN_READS_RELATION)));
	return store_query("SELECT DISTINCT ON (plan, step) p.name AS plan, d.step, d.after ->> 'reads' AS reads, d.id"
					   " FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
					   " WHERE d.undone_at IS NULL AND d.after ? 'reads' AND (d.after ->> 'reads' LIKE $1 OR d.after ->> 'reads' LIKE $2)"
					   " ORDER BY plan, step, id DESC", &args, read_reader);
}

List *
plan_deed_readers_elsewhere(const FkPlan *plan)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, plan->id, false);
	store_arg_text(&args, plan_deed_mark(InvalidOid));
	store_arg_text(&args, plan->name);
	return store_query("SELECT DISTINCT ON (step) $3 AS plan, step, after ->> 'reads' AS reads, id FROM schemaguard.plan_deed"
					   " WHERE plan_id = $1 AND undone_at IS NULL AND NOT starts_with(after ->> 'reads', $2)"
					   " ORDER BY step, id DESC", &args, read_reader);
}

void
plan_deed_add(const FkPlan *plan, const PlanStep *step, int64 log_id)
{
	PlanDeed	deed = plan_deed(DEED_ADD, step->step, plan_step_object(step));

	deed.what = unconstify(PlanStep *, step);
	deed.log_id = log_id;
	CommandCounterIncrement();
	deed.identity = plan_deed_identity(&deed);
	plan_deed_write(plan, &deed);
	record_reads(plan, &deed);
}

void
plan_deed_replace(const FkPlan *plan, int step, const char *object, const FkKey *key, int64 log_id, bool own)
{
	PlanDeed	deed = plan_deed(DEED_REPLACE, step, object);

	deed.what = plan_step_of_key(plan->name, key);
	deed.valid = key->validated;
	deed.was = GetComment(key->conid, ConstraintRelationId, 0);
	deed.own = own;
	deed.log_id = log_id;
	deed.identity = plan_deed_identity(&deed);
	plan_deed_write(plan, &deed);
}

void
plan_deed_identify(const FkPlan *plan, PlanDeed *deed)
{
	StoreArgs	args = {0};

	CommandCounterIncrement();
	deed->identity = plan_deed_identity(deed);
	object_args(&args, plan, deed->kind, deed->step, deed->object);
	store_arg_text(&args, deed->identity);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET after = coalesce(after, '{}') || jsonb_strip_nulls(jsonb_build_object('identity', $5))"
				 " WHERE id = (SELECT max(id) FROM schemaguard.plan_deed WHERE" OPEN_OF_OBJECT ")", &args);
	record_reads(plan, deed);
}

/* Adds the figures of a document made by loss_arg() to those of a deed */
#define WITH_LOSS(document) \
	" after = coalesce(after, '{}') || (SELECT jsonb_object_agg(n.key, coalesce((after ->> n.key)::bigint, 0) + n.value::bigint)" \
	"  FROM jsonb_each_text(" document "::jsonb) n)"

static void
loss_arg(StoreArgs *args, const PlanLoss *loss)
{
	store_arg_text(args, psprintf("{\"rows_deleted\": " INT64_FORMAT ", \"rows_changed\": " INT64_FORMAT
								  ", \"values_gone\": " INT64_FORMAT ", \"uncounted\": " INT64_FORMAT "}",
								  loss->deleted, loss->changed, loss->values, loss->uncounted));
}

void
plan_deed_written(const FkPlan *plan, const PlanDeed *deed, const PlanLoss *loss)
{
	StoreArgs	args = {0};

	object_args(&args, plan, deed->kind, deed->step, deed->object);
	loss_arg(&args, loss);
	store_arg_int64(&args, loss->deleted + loss->changed, false);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET rows_affected = $6," WITH_LOSS("$5")
				 " WHERE id = (SELECT max(id) FROM schemaguard.plan_deed WHERE" OPEN_OF_OBJECT ")", &args);
}

void
plan_deed_unwritten(int64 id, const PlanLoss *loss)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, id, false);
	loss_arg(&args, loss);
	store_change(SPI_OK_UPDATE, "UPDATE schemaguard.plan_deed SET" WITH_LOSS("$2") " WHERE id = $1", &args);
}

void
plan_deed_rows(const FkPlan *plan, DeedKind kind, int step, const char *object, int64 rows)
{
	StoreArgs	args = {0};
	PlanDeed	deed = plan_deed(kind, step, object);

	object_args(&args, plan, kind, step, object);
	store_arg_int64(&args, rows, false);
	if (store_change(SPI_OK_UPDATE,
					 "UPDATE schemaguard.plan_deed SET rows_affected = rows_affected + $5, done_at = clock_timestamp()"
					 " WHERE" OPEN_OF_OBJECT, &args) > 0)
		return;
	deed.rows = rows;
	plan_deed_write(plan, &deed);
}

void
plan_deed_finish(int64 id)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, id, false);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET done_at = clock_timestamp()"
				 " WHERE id = $1 AND done_at IS NULL", &args);
}

void
plan_deed_close(int64 id, DeedOutcome outcome)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, id, false);
	store_arg_text(&args, outcomes[outcome]);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET undone_at = clock_timestamp(), outcome = $2"
				 " WHERE id = $1 AND undone_at IS NULL", &args);
}

void
plan_deed_reopen_values(const PlanStep *step)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, plan_get(step->plan)->id, false);
	store_arg_int(&args, step->step);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET undone_at = NULL, outcome = NULL WHERE id = (SELECT max(d.id) FROM schemaguard.plan_deed d"
				 " JOIN schemaguard.plan_value v USING (plan_id, step) WHERE d.plan_id = $1 AND d.step = $2 AND d.kind = 'set')", &args);
}

void
plan_deed_pass(int64 id, int step)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, id, false);
	store_arg_int(&args, step);
	store_change(SPI_OK_UPDATE, "UPDATE schemaguard.plan_deed SET step = $2 WHERE id = $1", &args);
}

void
plan_deed_finish_object(const FkPlan *plan, DeedKind kind, int step, const char *object)
{
	StoreArgs	args = {0};

	object_args(&args, plan, kind, step, object);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET done_at = clock_timestamp()"
				 " WHERE" OPEN_OF_OBJECT, &args);
}

void
plan_deed_close_object(const FkPlan *plan, DeedKind kind, int step, const char *object,
					   DeedOutcome outcome)
{
	StoreArgs	args = {0};

	object_args(&args, plan, kind, step, object);
	store_arg_text(&args, outcomes[outcome]);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_deed SET undone_at = clock_timestamp(), outcome = $5"
				 " WHERE" OPEN_OF_OBJECT, &args);
}

void
plan_deeds_forget(const FkPlan *plan)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, plan->id, false);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_deed WHERE plan_id = $1", &args);
}

/* ---- reading ---- */

static DeedKind
kind_of(const char *word)
{
	for (int kind = 0; kind < DEED_KINDS; kind++)
	{
		if (strcmp(kinds[kind].word, word) == 0)
			return kind;
	}
	elog(ERROR, "unknown kind of deed: %s", word);
}

static void *
read_deed(HeapTuple tuple, TupleDesc desc)
{
	PlanDeed   *deed = palloc0(sizeof(PlanDeed));

	deed->id = sg_spi_int64(tuple, desc, "id");
	deed->kind = kind_of(sg_spi_text(tuple, desc, "deed"));
	deed->step = (int) sg_spi_int64(tuple, desc, "step");
	deed->object = sg_spi_text(tuple, desc, "object");
	deed->done = sg_spi_bool(tuple, desc, "done");
	deed->done_at = sg_spi_int64(tuple, desc, "done_at");
	deed->log_id = sg_spi_int64(tuple, desc, "log_id");
	deed->what = plan_step_default("");
	for (int i = 0; i < step_nfields; i++)
	{
		if (step_fields[i].flags & (FIELD_KEY | DEED_FIELDS))
			plan_field_fetch(&step_fields[i], deed->what, tuple, desc);
	}
	deed->valid = sg_spi_bool(tuple, desc, "valid");
	deed->index_columns = sg_spi_text(tuple, desc, "index_columns");
	deed->was = sg_spi_text(tuple, desc, "was");
	deed->partitioned = sg_spi_bool(tuple, desc, "partitioned");
	deed->own = sg_spi_bool(tuple, desc, "own");
	deed->identity = sg_spi_text(tuple, desc, "identity");
	deed->rows = sg_spi_int64(tuple, desc, "rows");
	deed->values = sg_spi_int64(tuple, desc, "values_gone");
	deed->uncounted = sg_spi_int64(tuple, desc, "uncounted");
	deed->last = sg_spi_bool(tuple, desc, "last");
	deed->open = sg_spi_bool(tuple, desc, "open");
	deed->key_left = sg_spi_bool(tuple, desc, "key_left");
	return deed;
}

/*
 * Returns the SELECT: $1 is the plan's id, $2 its name, $3 the kinds, $4
 * whether done, $5 and $6 the first and the last step, $7 whether those that
 * were left alone, or have nothing to undo, too
 */
static const char *
read_statement(void)
{
	static char *sql = NULL;

	if (sql == NULL)
		sql = MemoryContextStrdup(TopMemoryContext,
								  psprintf("SELECT d.id, $2 AS plan, d.kind AS deed, d.step, d.object, d.done_at IS NOT NULL AS done,"
										   "       coalesce((extract(epoch FROM d.done_at - '2000-01-01 00:00:00+00') * 1000000)::bigint, 0) AS done_at,"
										   "       coalesce(d.log_id, 0) AS log_id, coalesce(d.rows_affected, 0) AS rows,"
										   "       d.id = min(d.id) OVER (PARTITION BY d.step) AS last, d.undone_at IS NULL AS open,"
										   "       d.kind = 'index' AND EXISTS (SELECT FROM schemaguard.plan_deed k"
										   "                                    WHERE k.plan_id = $1 AND k.step = d.step AND k.kind = 'add'"
										   "                                      AND k.id > d.id AND k.outcome = 'left alone') AS key_left,"
										   "       w.*"
										   " FROM schemaguard.plan_deed d CROSS JOIN LATERAL"
										   "  jsonb_to_record(coalesce(d.before, d.after, '{}'))"
										   "   AS w (valid boolean, index_columns text, was text, partitioned boolean, own boolean, identity text, values_gone bigint, uncounted bigint, %s)"
										   " WHERE d.plan_id = $1 AND d.kind = ANY ($3) AND (d.undone_at IS NULL OR ($7 AND (d.outcome = 'left alone' OR d.undo = 'nothing'))) AND (d.done_at IS NOT NULL) = $4"
										   "   AND d.step BETWEEN $5 AND $6"
										   " ORDER BY d.id DESC",
										   plan_field_list(DEED_FIELDS, "\"@\" ~", 0)));
	return sql;
}

static List *
read_deeds(const FkPlan *plan, int kinds_wanted, bool done, int first_step, int last_step, bool left_alone)
{
	StoreArgs	args = {0};
	List	   *words = NIL;

	for (int kind = 0; kind < DEED_KINDS; kind++)
	{
		if (kinds_wanted & DEED_BIT(kind))
			words = lappend(words, unconstify(char *, kinds[kind].word));
	}
	store_arg_int64(&args, plan->id, false);
	store_arg_text(&args, plan->name);
	store_arg_texts(&args, words);
	store_arg_bool(&args, done);
	store_arg_int(&args, first_step);
	store_arg_int(&args, last_step);
	store_arg_bool(&args, left_alone);
	return store_query(read_statement(), &args, read_deed);
}

List *
plan_deeds_of_step(const PlanStep *step, DeedKind kind)
{
	return read_deeds(plan_get(step->plan), DEED_BIT(kind), true, step->step, step->step, false);
}

List *
plan_deeds(const FkPlan *plan, int kinds_wanted)
{
	List	   *deeds = read_deeds(plan, kinds_wanted, true, 0, PG_INT32_MAX, false);
	ListCell   *lc;

	foreach(lc, deeds)
	{
		if (!plan_is_chosen(plan, ((PlanDeed *) lfirst(lc))->step))
			deeds = foreach_delete_current(deeds, lc);
	}
	return deeds;
}

List *
plan_deeds_standing(const FkPlan *plan)
{
	return read_deeds(plan, DEED_BIT(DEED_COLUMNS) | DEED_BIT(DEED_CHANGE) | DEED_BIT(DEED_DELETE) | DEED_BIT(DEED_SET_NULL), true, 0, PG_INT32_MAX, true);
}

List *
plan_deeds_unfinished(const FkPlan *plan)
{
	List	   *deeds = read_deeds(plan, DEED_BIT(DEED_INDEX), false, 0, PG_INT32_MAX, false);

	foreach_ptr(const PlanDeed, deed, deeds)
	{
		plan_deed_follow(deed);
	}
	return deeds;
}

List *
plan_deed_children(const FkPlan *plan)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan->name);
	store_arg_int64(&args, plan->id, false);
	store_arg_datum(&args, INT4ARRAYOID, plan_chosen_array(plan), false);
	return store_query("SELECT DISTINCT s.child_table FROM schemaguard.plan_step s"
					   " WHERE s.plan = $1 AND s.child_table IS NOT NULL AND (cardinality($3) = 0 OR s.step = ANY ($3))"
					   "   AND (s.state IN ('added', 'validated')"
					   "        OR EXISTS (SELECT FROM schemaguard.plan_deed d"
					   "                   WHERE d.plan_id = $2 AND d.step = s.step AND d.undone_at IS NULL"
					   "                     AND d.done_at IS NOT NULL AND d.undo <> 'nothing'))"
					   " ORDER BY s.child_table", &args, store_read_text);
}

List *
plans_with_deeds_since(TimestampTz since)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, TIMESTAMPTZOID, TimestampTzGetDatum(since), false);
	return store_query("SELECT p.name FROM schemaguard.plan p"
					   " WHERE EXISTS (SELECT FROM schemaguard.plan_deed d WHERE d.plan_id = p.id AND d.undone_at IS NULL AND d.done_at > $1)"
					   " ORDER BY p.name", &args, store_read_text);
}

/* Reads a row of plan_deed_fills()'s query: plan and number only */
static void *
read_fill(HeapTuple tuple, TupleDesc desc)
{
	PlanStep   *step = palloc0(sizeof(PlanStep));

	step->plan = sg_spi_text(tuple, desc, "plan");
	step->step = (int) sg_spi_int64(tuple, desc, "step");
	return step;
}

List *
plan_deed_fills(Oid table)
{
	StoreArgs	args = {0};
	List	   *steps = NIL;

	store_arg_text(&args, psprintf("%s ", plan_deed_mark(table)));
	foreach_ptr(const PlanStep, found, store_query("SELECT DISTINCT s.plan, s.step FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
												   " JOIN schemaguard.plan_step s ON s.plan = p.name AND s.step = d.step"
												   " WHERE d.undone_at IS NULL AND d.after ? 'reads' AND starts_with(d.after ->> 'identity', $1)"
												   " AND s.state = 'validated' AND NOT s.fills ORDER BY 1, 2", &args, read_fill))
	{
		steps = lappend(steps, plan_step_get(found->plan, found->step, false));
	}
	return steps;
}

static void *
read_nothing(HeapTuple tuple, TupleDesc desc)
{
	return NULL;
}

bool
plan_deed_has_added(const FkPlan *plan, const PlanStep *step)
{
	StoreArgs	args = {0};

	object_args(&args, plan, DEED_ADD, step->step, plan_step_object(step));
	return store_query("SELECT FROM schemaguard.plan_deed WHERE" OPEN_OF_OBJECT, &args, read_nothing) != NIL;
}

List *
plan_deed_renames(const FkPlan *plan)
{
	FkPlan		all = *plan;
	List	   *renames = NIL;

	all.chosen = NIL;
	foreach_ptr(PlanDeed, deed, plan_deeds(&all, DEED_BIT(DEED_CHANGE)))
	{
		if (deed->what->kind == STEP_RENAME)
			renames = lappend(renames, deed);
	}
	return renames;
}

/* Reads a row of plan_deed_since()'s query */
static void *
read_since(HeapTuple tuple, TupleDesc desc)
{
	DeedSince  *since = palloc0(sizeof(DeedSince));

	since->is_statement = sg_spi_bool(tuple, desc, "is_statement");
	since->statement = sg_spi_text(tuple, desc, "statement");
	since->open = sg_spi_bool(tuple, desc, "open");
	return since;
}

List *
plan_deed_since(Oid table, TimestampTz at)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, TIMESTAMPTZOID, TimestampTzGetDatum(at), false);
	store_arg_text(&args, psprintf("%s ", plan_deed_mark(table)));
	store_arg_text(&args, sg_relation_name(table));
	return store_query("SELECT after ->> 'kind' = 'statement' AS is_statement, after ->> 'definition' AS statement, undone_at IS NULL AS open"
					   " FROM schemaguard.plan_deed"
					   " WHERE kind = 'change' AND done_at > $1 AND (after ->> 'kind' = 'statement'"
					   "  OR after ->> 'kind' NOT IN ('check', 'index', 'column', 'table')"
					   "   AND (starts_with(after ->> 'identity', $2) OR after ->> 'child_table' = $3))", &args, read_since);
}

bool
plan_deed_is_given_up(const PlanDeed *deed)
{
	PlanStep   *step = plan_step_get(deed->what->plan, deed->step, true);

	return step == NULL || step->skipped_by;
}

bool
plan_deed_was_ended(const FkPlan *plan, int step)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, plan->id, false);
	store_arg_int(&args, step);
	return store_query("SELECT FROM schemaguard.plan_deed WHERE plan_id = $1 AND step = $2 AND kind = 'change' AND outcome = 'left alone'",
					   &args, read_nothing) != NIL;
}

bool
plan_deed_is_repeated(const PlanDeed *deed)
{
	StoreArgs	args = {0};

	store_arg_int64(&args, deed->id, false);
	return store_query("SELECT FROM schemaguard.plan_deed o JOIN schemaguard.plan_deed d ON d.plan_id = o.plan_id AND d.step = o.step"
					   " WHERE o.id = $1 AND d.id > o.id AND d.kind = 'change'", &args, read_nothing) != NIL;
}

/* ---- rules that went with a column ---- */

#define TABLE_OF(deed) "substring(" deed ".after ->> 'identity', '^[^ ]+ [^ ]+ [^ ]+ ')"
#define COLUMNS_OF(deed) "substring(" deed ".after ->> 'identity', '[{][0-9,]*[}]')"

/* Deeds r of rules, and the later deeds d by which the same plan took them along with a column that it keeps */
#define RULES_AND_DROPS \
	" FROM schemaguard.plan_deed r JOIN schemaguard.plan_deed d ON d.plan_id = r.plan_id AND d.id > r.id AND d.after ->> 'kind' = 'drop'" \
	"  AND r.after ->> 'own' IS NULL AND " TABLE_OF("r") " = " TABLE_OF("d") \
	"  AND CASE WHEN d.after ->> 'own' IS NULL" \
	"      THEN r.after ->> 'kind' = 'not null' AND " COLUMNS_OF("r") " = " COLUMNS_OF("d") " AND starts_with(d.after ->> 'was', '" DEED_NOT_NULL "')" \
	"      ELSE r.after ->> 'kind' IN ('check', 'unique') AND r.after ->> 'fk_name' = d.after ->> 'fk_name' END"

/* Returns the first step that a query about the deed finds, or 0 */
static int
find_step(const char *sql, const PlanDeed *deed)
{
	StoreArgs	args = {0};
	List	   *found;

	store_arg_int64(&args, deed->id, false);
	found = store_query(sql, &args, store_read_text);
	return found ? atoi(linitial(found)) : 0;
}

int
plan_deed_rule_keeper(const PlanDeed *rule)
{
	return find_step("SELECT d.step::text" RULES_AND_DROPS " WHERE r.id = $1 AND d.undone_at IS NULL LIMIT 1", rule);
}

bool
plan_deed_was_kept(const PlanDeed *rule)
{
	return find_step("SELECT d.step::text" RULES_AND_DROPS " WHERE r.id = $1 AND d.undone_at IS NOT NULL LIMIT 1", rule) != 0;
}

int
plan_deed_rule_step(const PlanDeed *drop)
{
	return find_step("SELECT r.step::text" RULES_AND_DROPS " WHERE d.id = $1 AND r.undone_at IS NULL LIMIT 1", drop);
}

/* ---- pruning ---- */

static uint64
prune(TimestampTz before)
{
	return log_prune_before("DELETE FROM schemaguard.plan_deed d WHERE d.undone_at < $1"
							" AND NOT EXISTS (SELECT FROM schemaguard.plan_deed o WHERE o.plan_id = d.plan_id AND o.undone_at IS NULL"
							"                 AND (o.step = d.step OR (o.id < d.id AND d.undo = 'nothing')))"
							" AND NOT EXISTS (SELECT FROM schemaguard.plan p JOIN schemaguard.plan_step s ON s.plan = p.name"
							"                 WHERE p.id = d.plan_id AND s.step = d.step AND s.kind = 'drop' AND s.state = 'validated')",
							before);
}

void
plan_deed_init(void)
{
	log_register_prune("deeds", "deeds with nothing left to undo", prune);
}
