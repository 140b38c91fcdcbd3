/*-------------------------------------------------------------------------
 *
 * plan_store.c
 *	  Reading and writing schemaguard.plan, plan_step and plan_note.
 *
 *	  Everything is read and written as the owner of the extension, so the
 *	  right to change a plan is decided only here: by plan_check_writable
 *	  (plan_rights.c decides about the use).  It takes the plan's run lock for
 *	  the transaction, so a plan has one writer at a time, and none while a
 *	  session deploys it.  Results are allocated in the memory context of the
 *	  caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/table.h"
#include "base/calls.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "log/log.h"
#include "plan/plan.h"
#include "plan/plan_deed.h"
#include "plan/plan_field.h"
#include "plan/plan_lock.h"
#include "plan/plan_store.h"
#include "plan/plan_value.h"

/* has_marks() says why the marks are not named */
#define PLAN_COLUMNS "id, name, description, author, allowed, to_jsonb(plan) ->> 'author_mark' AS author_mark," \
	" ARRAY(SELECT jsonb_array_elements_text(to_jsonb(plan) -> 'allowed_marks')) AS allowed_marks"
#define FEW_STEPS 256			/* so few steps are read all at once */

void
store_arg_datum(StoreArgs *args, Oid type, Datum value, bool isnull)
{
	Assert(args->n < STORE_MAX_ARGS);
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

void
store_arg_text(StoreArgs *args, const char *value)
{
	store_arg_datum(args, TEXTOID, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
store_arg_texts(StoreArgs *args, List *values)
{
	store_arg_datum(args, TEXTARRAYOID, values ? sg_text_array(values) : (Datum) 0, values == NIL);
}

void
store_arg_int(StoreArgs *args, int value)
{
	store_arg_datum(args, INT4OID, Int32GetDatum(value), false);
}

void
store_arg_bool(StoreArgs *args, bool value)
{
	store_arg_datum(args, BOOLOID, BoolGetDatum(value), false);
}

/* The plan of the current call, or NULL */
static const FkPlan *running = NULL;

const FkPlan *
plan_keep_running(const FkPlan *plan)
{
	const FkPlan *before = running;

	running = plan;
	return before;
}

void
plan_check_running(void)
{
	Oid			table = running ? get_relname_relid("plan", sg_schema_oid()) : InvalidOid;

	if (OidIsValid(table) && table != running->table)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("plan \"%s\" is gone", running->name),
				 errdetail("Extension schemaguard was dropped and created anew during the call."),
				 errhint(sg_calls("The call has nothing to do with a plan of that name that is there now. Look at it:\nSELECT * FROM sg_plan_check(%s);"),
						 quote_literal_cstr(running->name))));
}

uint64
store_change(int expected, const char *sql, StoreArgs *args)
{
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(expected, sql, args->n, args->types, args->values, args->nulls);
	SPI_finish();
	sg_scope_end(&scope);
	plan_check_running();

	return n;
}

List *
store_query(const char *sql, StoreArgs *args,
			void *(*read) (HeapTuple tuple, TupleDesc desc))
{
	MemoryContext caller = CurrentMemoryContext;
	SgScope		scope;
	List	   *result = NIL;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, sql, args->n, args->types, args->values, args->nulls);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = lappend(result, read(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	plan_check_running();

	return result;
}

void *
store_read_text(HeapTuple tuple, TupleDesc desc)
{
	return sg_spi_text(tuple, desc, NameStr(TupleDescAttr(desc, 0)->attname));
}

void *
store_read_texts(HeapTuple tuple, TupleDesc desc)
{
	return sg_spi_text_array(tuple, desc, NameStr(TupleDescAttr(desc, 0)->attname));
}

/*
 * Returns a role that a plan names, or InvalidOid: by its OID if that is of this
 * database, with its present name, else by its name
 */
static Oid
find_role(const char *mark, char **name)
{
	Oid			role;
	char	   *now;

	if (!plan_deed_read_mark(&mark, &role))
		return get_role_oid(*name, true);
	now = GetUserNameFromId(role, true);
	if (now == NULL)
		return InvalidOid;
	*name = now;
	return role;
}

static void *
read_plan(HeapTuple tuple, TupleDesc desc)
{
	FkPlan	   *plan = palloc0(sizeof(FkPlan));
	List	   *marks = sg_spi_text_array(tuple, desc, "allowed_marks");
	ListCell   *lc;

	plan->id = sg_spi_int64(tuple, desc, "id");
	plan->table = get_relname_relid("plan", sg_schema_oid());
	plan->name = sg_spi_text(tuple, desc, "name");
	plan->description = sg_spi_text(tuple, desc, "description");
	plan->author = sg_spi_text(tuple, desc, "author");
	plan->author_id = find_role(sg_spi_text(tuple, desc, "author_mark"), &plan->author);
	foreach(lc, sg_spi_text_array(tuple, desc, "allowed"))
	{
		int			n = foreach_current_index(lc);
		char	   *name = lfirst(lc);

		plan->allowed = lappend_oid(plan->allowed, find_role(n < list_length(marks) ? list_nth(marks, n) : NULL, &name));
	}

	return plan;
}

static void *
read_step(HeapTuple tuple, TupleDesc desc)
{
	PlanStep   *step = palloc0(sizeof(PlanStep));

	for (int i = 0; i < step_nfields; i++)
		plan_field_fetch(&step_fields[i], step, tuple, desc);

	return step;
}

/* ---- plans ---- */

FkPlan *
plan_find(const char *name)
{
	StoreArgs	args = {0};
	List	   *plans;

	store_arg_text(&args, name);
	plans = store_query("SELECT " PLAN_COLUMNS " FROM schemaguard.plan WHERE name = $1", &args, read_plan);

	return plans ? linitial(plans) : NULL;
}

List *
plan_readable(void)
{
	StoreArgs	args = {0};
	List	   *readable = NIL;
	ListCell   *lc;

	foreach(lc, store_query("SELECT " PLAN_COLUMNS " FROM schemaguard.plan ORDER BY name COLLATE \"C\"",
							&args, read_plan))
	{
		if (plan_is_readable(lfirst(lc)))
			readable = lappend(readable, lfirst(lc));
	}
	return readable;
}

/* Raises 42704, with a hint that names the nearest plan that the caller may read, or up to ten */
static void
no_such_plan(const char *name)
{
	List	   *plans = plan_readable();
	SgNearest	nearest = {name};
	StringInfoData known;
	int			n = 0;

	initStringInfo(&known);
	foreach_ptr(FkPlan, plan, plans)
	{
		sg_nearest_try(&nearest, plan->name);
		if (++n <= 10)
			appendStringInfo(&known, "%s\"%s\"", n > 1 ? ", " : "", plan->name);
	}
	if (n > 10)
		appendStringInfoString(&known, ", ...");

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("plan \"%s\" does not exist", name),
			 nearest.found ? errhint(sg_calls("Perhaps you meant plan \"%s\":\nSELECT * FROM sg_plan_check(%s);"),
									 nearest.found, quote_literal_cstr(nearest.found)) :
			 plans ? errhint("These plans exist: %s.", known.data) :
			 errhint(sg_calls("There is no plan that you may read. Make one:\nSELECT sg_plan_create(%s);"), quote_literal_cstr(name))));
}

FkPlan *
plan_get(const char *name)
{
	FkPlan	   *plan = plan_find(name);

	if (plan == NULL)
		no_such_plan(name);

	return plan;
}

void
plan_check_writable(FkPlan *plan, const char *function)
{
	if (!plan_is_authors(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for plan \"%s\"", plan->name),
				 errdetail("The plan belongs to role \"%s\"%s.", plan->author,
						   OidIsValid(plan->author_id) ? "" : ", which does not exist: the owner of the database and superusers stand in for it"),
				 errhint(sg_calls("Only the author's role and superusers change a plan. Import a copy that is yours from what this exports:\nSELECT sg_plan_export(%s);"), quote_literal_cstr(plan->name))));

	plan_claim(plan, function);
}

void
plan_claim(FkPlan *plan, const char *function)
{
	FkPlan	   *current;

	sg_check_writable(function);

	if (!plan_lock_run(plan, false))
		plan_in_use(plan);

	/*
	 * the plan may have been dropped, or dropped and created again, before
	 * the lock
	 */
	current = plan_find(plan->name);
	if (current == NULL || current->id != plan->id)
		no_such_plan(plan->name);
}

static void
name_is_taken(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("plan \"%s\" already exists", name),
			 errhint(sg_calls("Choose another name, or pass replace => true to start it anew, without its steps. What it has:\nSELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(name))));
}

/*
 * Locks the name, so that no session waits in the index for an open transaction
 * that creates or drops a plan of the same name.
 */
static void
lock_name(const char *name)
{
	uint32		hash = DatumGetUInt32(hash_any((const unsigned char *) name, strlen(name)));

	if (!plan_lock(PLAN_LOCK_NAME, get_relname_relid("plan", sg_schema_oid()), hash, false))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("plan \"%s\" is just being made by another session", name),
				 errhint("Try again when its transaction has ended, or choose another name.")));
	if (plan_find(name))
		name_is_taken(name);
}

/* Returns whether plans have the OIDs of their authors; objects of the version before do not */
static bool
has_marks(void)
{
	return get_attnum(get_relname_relid("plan", sg_schema_oid()), "author_mark") != InvalidAttrNumber;
}

void
plan_insert(const char *name, const char *description)
{
	StoreArgs	args = {0};

	lock_name(name);
	store_arg_text(&args, name);
	store_arg_text(&args, description);
	store_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	store_arg_texts(&args, plan_present_role_names());
	store_arg_text(&args, plan_deed_mark(GetUserId()));
	if (store_change(SPI_OK_INSERT, has_marks() ?
					 "INSERT INTO schemaguard.plan (name, description, author, changed_by, author_mark)"
					 " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING" :
					 "INSERT INTO schemaguard.plan (name, description, author, changed_by)"
					 " VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING", &args) == 0)
		name_is_taken(name);
}

void
plan_clear(const FkPlan *plan, const char *description)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan->name);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_step WHERE plan = $1", &args);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_note WHERE plan = $1", &args);
	plan_deeds_forget(plan);
	plan_values_forget(plan, 0);

	store_arg_text(&args, description);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan SET description = $2, created_at = now(), id = DEFAULT, options = DEFAULT"
				 " WHERE name = $1",
				 &args);
}

void
plan_delete(const FkPlan *plan)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan->name);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_step WHERE plan = $1", &args);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_note WHERE plan = $1", &args);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_pause WHERE plan = $1", &args);
	/* the next plan of that name may be another role's */
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.smoke_test WHERE plan = $1", &args);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan WHERE name = $1", &args);
	plan_deeds_forget(plan);
	plan_values_forget(plan, 0);
}

void *
plan_read_one(const FkPlan *plan, const char *sql, void *(*read) (HeapTuple tuple, TupleDesc desc))
{
	StoreArgs	args = {0};
	List	   *rows;

	store_arg_text(&args, plan->name);
	rows = store_query(sql, &args, read);

	return rows ? linitial(rows) : NULL;
}

uint64
plan_change_row(const FkPlan *plan, const char *value, const char *sql)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan->name);
	store_arg_text(&args, value);

	return store_change(SPI_OK_UPDATE, sql, &args);
}

void
plan_log(const FkPlan *plan, int step, const char *action,
		 const char *object, const char *message)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, plan->name, action, LOG_DONE);

	entry.step = step;
	entry.object = object;
	entry.message = message;
	(void) log_write(&entry);
}

/* ---- steps ---- */

static int
compare_steps(const ListCell *a, const ListCell *b)
{
	const PlanStep *x = lfirst(a);
	const PlanStep *y = lfirst(b);

	return x->priority != y->priority ? (int) x->priority - (int) y->priority : x->step - y->step;
}

/* Returns steps in the order of deployment; the condition is one of the fixed texts below */
static List *
query_any_steps(const char *condition, StoreArgs *args)
{
	char	   *sql = psprintf("SELECT %s FROM schemaguard.plan_step WHERE %s",
							   plan_field_columns(get_relname_relid("plan_step", sg_schema_oid())), condition);

	List	   *steps = store_query(sql, args, read_step);

	list_sort(steps, compare_steps);
	return steps;
}

/* Likewise for one plan, $1 */
static List *
query_steps(const char *condition, StoreArgs *args)
{
	return query_any_steps(psprintf("plan = $1%s", condition), args);
}

List *
plan_steps(const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);

	return query_steps("", &args);
}

List *
plan_only_keys(List *steps)
{
	List	   *keys = NIL;

	foreach_ptr(PlanStep, step, steps)
	{
		if (step->kind == STEP_FOREIGN_KEY)
			keys = lappend(keys, step);
	}
	return keys;
}

List *
plan_key_steps(const char *name)
{
	return plan_only_keys(plan_steps(name));
}

/* Returns arguments for the steps of one table, or of none, with the value of a condition as $3 */
static StoreArgs
child_args(const char *name, const char *child_table, const char *value)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	store_arg_text(&args, child_table);
	store_arg_text(&args, value);
	return args;
}

List *
plan_steps_named(const char *name, const char *child_table, const char *fk_name)
{
	StoreArgs	args = child_args(name, child_table, fk_name);

	return query_steps(child_table ? " AND child_table = $2 AND fk_name = $3" : " AND child_table IS NULL AND fk_name = $3", &args);
}

List *
plan_steps_replacing(const char *name, const char *child_table, const char *fk_name)
{
	StoreArgs	args = child_args(name, child_table, fk_name);

	return child_table ? query_steps(" AND child_table = $2 AND replaces = $3", &args) : NIL;
}

List *
plan_steps_moving(const char *name, const char *child_table)
{
	StoreArgs	args = child_args(name, child_table, NULL);

	return query_steps(" AND child_table = $2 AND kind IN ('drop', 'rename')", &args);
}

List *
plan_steps_filling_elsewhere(const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	return query_any_steps("plan <> $1 AND fills", &args);
}

List *
plan_steps_to_carry_elsewhere(const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	return query_any_steps("plan <> $1 AND state <> 'validated' AND skipped_by IS NULL"
						   " AND (fill IS NOT NULL OR backfill IS NOT NULL OR (kind = 'statement' AND definition ~* '(insert|update|merge)'))", &args);
}

List *
plan_steps_with_undo(void)
{
	StoreArgs	args = {0};

	return query_any_steps("kind = 'statement' AND undo IS NOT NULL AND state = 'validated' AND skipped_by IS NULL", &args);
}

List *
plan_steps_standing_on(const PlanStep *step, const char *column)
{
	StoreArgs	args = child_args(step->plan, step->child_table, column);

	store_arg_int(&args, step->step);
	return query_steps(" AND (child_table = $2 OR parent_table = $2) AND step <> $4 AND kind <> 'statement' AND state IN ('added', 'validated')"
					   " AND ($3 IS NULL OR fk_name = $3 OR $3 = ANY (child_columns) OR $3 = ANY (parent_columns) OR strpos(lower(definition), lower($3)) > 0)"
					   " AND EXISTS (SELECT FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
					   "             WHERE p.name = $1 AND d.step = plan_step.step AND d.undone_at IS NULL AND d.done_at IS NOT NULL"
	/* what was done before is about another object, which had the name then */
					   "             AND d.id > (SELECT coalesce(min(o.id), 0) FROM schemaguard.plan_deed o"
					   "                         WHERE o.plan_id = d.plan_id AND o.step = $4 AND o.undone_at IS NULL AND o.kind = 'change')"
	/* somebody has undone the object, and the repetition is taken back */
					   "             AND NOT EXISTS (SELECT FROM schemaguard.plan_deed n WHERE n.plan_id = d.plan_id AND n.step = d.step"
					   "                             AND n.kind = d.kind AND n.object = d.object AND n.id > d.id AND n.outcome = 'taken back'))", &args);
}

/*
 * Returns the steps that join the same tables by a key, or make the same object
 * of the same table, whatever its name; the step itself is among them.  NIL for
 * drops, renames and statements.
 */
List *
plan_steps_alike(const PlanStep *step)
{
	bool		is_key = step->kind == STEP_FOREIGN_KEY;
	StoreArgs	args = child_args(step->plan, step->child_table, is_key ? step->parent_table : step->definition);

	store_arg_text(&args, plan_kind_word(step->kind));
	if (step->child_table == NULL || step->kind == STEP_STATEMENT || step->kind == STEP_DROP || step->kind == STEP_RENAME)
		return NIL;
	if (is_key)
		return query_steps(" AND child_table = $2 AND parent_table = $3 AND kind = $4", &args);
	store_arg_texts(&args, step->child_columns);
	store_arg_bool(&args, step->primary_key);
	return query_steps(" AND child_table = $2 AND coalesce(definition, '') = coalesce($3, '') AND kind = $4"
					   " AND coalesce(child_columns, '{}') = coalesce($5, '{}') AND primary_key = $6", &args);
}

List *
plan_steps_again(const char *name, List *steps)
{
	StoreArgs	args = {0};
	Datum	   *numbers = palloc(sizeof(Datum) * Max(list_length(steps), 1));
	int			n = 0;

	foreach_ptr(const PlanStep, step, steps)
	{
		numbers[n++] = Int32GetDatum(step->step);
	}
	store_arg_text(&args, name);
	store_arg_datum(&args, INT4ARRAYOID,
					PointerGetDatum(construct_array(numbers, n, INT4OID, sizeof(int32), true, TYPALIGN_INT)), false);
	return query_steps(" AND step = ANY ($2)", &args);
}

bool
plan_has_own_order(const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	return store_query("SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE plan = $1 AND (after <> '{*}' OR kind = 'rename') LIMIT 1", &args, store_read_text) != NIL;
}

bool
plan_may_need_step(const PlanStep *step)
{
	StoreArgs	args = {0};

	store_arg_text(&args, step->plan);
	store_arg_int(&args, step->step);
	store_arg_text(&args, step->fk_name);
	store_arg_text(&args, step->child_table);
	store_arg_text(&args, step->parent_table);
	return store_query("SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE plan = $1 AND after <> '{*}' AND step <> $2 AND ($3 = ANY (after) OR $2::text = ANY (after))"
					   " UNION ALL SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE plan = $1 AND (kind = 'rename' OR kind = 'drop') AND child_table IN ($4, $5)"
					   " UNION ALL SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE plan = $1 AND kind = 'statement' LIMIT 1",
					   &args, store_read_text) != NIL;
}

bool
plan_is_not_back(const PlanStep *step)
{
	return step->reason && strncmp(step->reason, PLAN_NOT_BACK, strlen(PLAN_NOT_BACK)) == 0;
}

bool
plan_has_moved(const char *name, const char *child_table)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	store_arg_text(&args, child_table);

	/*
	 * a missing table has been renamed as a whole, or somebody else has
	 * dropped it
	 */
	store_arg_datum(&args, BOOLOID, BoolGetDatum(OidIsValid(sg_find_qualified(child_table))), false);
	return store_query("SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE plan = $1 AND child_table = $2 AND (kind = 'rename' OR kind = 'drop')"
					   " AND ($3 OR definition IN ('table', 'view')) AND state = 'validated' LIMIT 1", &args, store_read_text) != NIL;
}

bool
plan_has_dropped_schema(const char *schema)
{
	StoreArgs	args = {0};

	store_arg_text(&args, psprintf("DROP SCHEMA %s", quote_identifier(schema)));
	return store_query("SELECT 'true' FROM schemaguard.plan_step"
					   " WHERE kind = 'statement' AND definition = $1 AND state = 'validated' LIMIT 1", &args, store_read_text) != NIL;
}

PlanStep *
plan_step_get(const char *name, int step, bool missing_ok)
{
	StoreArgs	args = {0};
	List	   *steps;

	store_arg_text(&args, name);
	store_arg_int(&args, step);
	steps = query_steps(" AND step = $2", &args);
	if (steps == NIL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("plan \"%s\" has no step %d", name, step),
				 errhint("SELECT step, kind, child_table, fk_name, state FROM schemaguard.plan_step WHERE plan = %s ORDER BY step;",
						 quote_literal_cstr(name))));

	return steps ? linitial(steps) : NULL;
}

PlanStep *
plan_step_default(const char *plan)
{
	PlanStep   *step = palloc0(sizeof(PlanStep));

	step->plan = pstrdup(plan);
	step->priority = PRIORITY_MEDIUM;
	step->on_delete = FKCONSTR_ACTION_NOACTION;
	step->on_update = FKCONSTR_ACTION_NOACTION;
	step->match = FKCONSTR_MATCH_SIMPLE;
	step->enforced = true;
	step->orphans = ORPHANS_STOP;
	step->policy_is_plans = true;
	step->index = true;
	step->state = STEP_PENDING;

	return step;
}

/*
 * Runs a statement with every field as an argument, in the order of
 * step_fields: $1 and $2 identify the step
 */
static uint64
change_step(int expected, const char *sql, const PlanStep *step)
{
	StoreArgs	args = {0};

	for (int i = 0; i < step_nfields; i++)
		plan_field_store(&step_fields[i], step, &args);

	return store_change(expected, sql, &args);
}

static void *
read_next(HeapTuple tuple, TupleDesc desc)
{
	int		   *next = palloc(sizeof(int));

	*next = (int) sg_spi_int64(tuple, desc, "next");

	return next;
}

int
plan_next_step(const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, name);
	return *(int *) linitial(store_query("SELECT coalesce(max(step), 0) + 1 AS next FROM schemaguard.plan_step WHERE plan = $1",
										 &args, read_next));
}

/*
 * Tells the planner the size of plan_step, unless it is locked now, and has
 * statements planned again: plans made when it had few rows, or that take its
 * pages for as empty as VACUUM left them, find a step by reading all of its
 * plan.
 */
static void
tell_planner(int steps)
{
	Oid			relid = get_relname_relid("plan_step", sg_schema_oid());

	if (ConditionalLockRelationOid(relid, ShareUpdateExclusiveLock))
	{
		Relation	rel = table_open(relid, NoLock);

		SG_UPDATE_RELSTATS(rel, RelationGetNumberOfBlocks(rel), Max(rel->rd_rel->reltuples, steps));
		table_close(rel, ShareUpdateExclusiveLock);
	}
	CacheInvalidateRelcacheByRelid(relid);
}

int
plan_step_insert(PlanStep *step)
{
	static char *sql = NULL;

	step->step = plan_next_step(step->plan);
	if (step->step >= FEW_STEPS && pg_popcount32(step->step) == 1)
		tell_planner(step->step);
	if (sql == NULL)
		sql = MemoryContextStrdup(TopMemoryContext,
								  psprintf("INSERT INTO schemaguard.plan_step (%s) VALUES (%s)",
										   plan_field_list(FIELD_ANY, "\"@\"", 0), plan_field_list(FIELD_ANY, "#", 1)));
	change_step(SPI_OK_INSERT, sql, step);

	return step->step;
}

void
plan_step_update(const PlanStep *step)
{
	static char *sql = NULL;

	if (sql == NULL)
		sql = MemoryContextStrdup(TopMemoryContext,
								  psprintf("UPDATE schemaguard.plan_step SET %s, updated_at = clock_timestamp()"
										   " WHERE plan = $1 AND step = $2",
										   plan_field_list(FIELD_ANY & ~FIELD_KEY, "\"@\" = #", 3)));
	change_step(SPI_OK_UPDATE, sql, step);
}

void
plan_step_delete(const PlanStep *step)
{
	StoreArgs	args = {0};

	store_arg_text(&args, step->plan);
	store_arg_int(&args, step->step);
	store_change(SPI_OK_DELETE, "DELETE FROM schemaguard.plan_step WHERE plan = $1 AND step = $2", &args);
}

void
plan_step_set_state(const char *plan, int step, StepState state,
					const char *reason, int add_attempts)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan);
	store_arg_int(&args, step);
	store_arg_text(&args, state == STEP_AS_IT_IS ? NULL : plan_state_word(state));
	store_arg_text(&args, reason);
	store_arg_int(&args, add_attempts);
	store_change(SPI_OK_UPDATE,
				 "UPDATE schemaguard.plan_step SET state = coalesce($3, state),"
				 " reason = coalesce($4, CASE WHEN $3 IN ('added', 'validated') AND starts_with(reason, '" PLAN_FIXED "') THEN reason END),"
				 " attempts = attempts + $5, updated_at = clock_timestamp()"
				 " WHERE plan = $1 AND step = $2", &args);
}

void
plan_step_set_fills(const PlanStep *step, bool fills)
{
	StoreArgs	args = {0};

	store_arg_text(&args, step->plan);
	store_arg_int(&args, step->step);
	store_arg_bool(&args, fills);
	store_change(SPI_OK_UPDATE, "UPDATE schemaguard.plan_step SET fills = $3 WHERE plan = $1 AND step = $2", &args);
}

/* ---- notes ---- */

void
plan_notes_insert(const FkPlan *plan, List *notes)
{
	StoreArgs	args = {0};
	Datum	   *lines = palloc(sizeof(Datum) * Max(list_length(notes), 1));
	List	   *reasons = NIL;
	List	   *tags = NIL;
	int			n = 0;

	if (notes == NIL)
		return;

	foreach_ptr(PlanNote, note, notes)
	{
		lines[n++] = Int32GetDatum(note->line);
		reasons = lappend(reasons, note->reason);
		tags = lappend(tags, note->tag ? unconstify(char *, note->tag) : "");
	}

	store_arg_text(&args, plan->name);
	store_arg_datum(&args, INT4ARRAYOID,
					PointerGetDatum(construct_array(lines, n, INT4OID, sizeof(int32), true, TYPALIGN_INT)),
					false);
	store_arg_texts(&args, reasons);
	store_arg_texts(&args, tags);
	store_change(SPI_OK_INSERT,
				 "INSERT INTO schemaguard.plan_note (plan, line, reason, tag)"
				 " SELECT $1, n.line, n.reason, nullif(n.tag, '')"
				 " FROM unnest($2, $3, $4) WITH ORDINALITY AS n(line, reason, tag, nr) ORDER BY n.nr", &args);
}
