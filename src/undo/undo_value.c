/*-------------------------------------------------------------------------
 *
 * undo_value.c
 *	  Restoring the old values that policy "set" has replaced.
 *
 *	  Once the step's rule is gone, a row that still has the value which the
 *	  plan set gets its old one, before earlier steps are taken back.  Where
 *	  something refuses old values, or rows are not found, all that is left is
 *	  tried again in the end; then rows that have another value, or are gone,
 *	  are counted.  Each transaction restores a batch of rows; the next
 *	  call continues.  A value may have been set by a later step, too, which
 *	  found and recorded this one's: the column waits until that step's old
 *	  values are back.  An old value is forgotten when its row has it, or when
 *	  all is settled: rows in quarantine get theirs later.  An error on one
 *	  table does not affect the others.  A role that skips the step gives up
 *	  the values that are left; taking back the skip has them tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/calls.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/scope.h"
#include "fix/fix.h"
#include "log/log.h"
#include "plan/plan_call.h"
#include "plan/plan_value.h"
#include "run/run_deed.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_rows.h"
#include "run/run_unit.h"
#include "undo/undo.h"

#define SOME_ROWS 500

/* Old values of one column of one table, a batch of rows at a time */
typedef struct Restoring
{
	const FkPlan *plan;
	const PlanDeed *deed;
	const PlanValues *values;
	const PlanValueRows *rows;
	bool		by_type;		/* the column has another type now */
	int64		restored;
} Restoring;

/* Outcome over all columns of a step */
typedef struct Restored
{
	int64		restored;		/* rows */
	int64		missing;		/* rows that were not found, or have another
								 * value */
	int64		waiting;		/* part of the missing rows that may be in
								 * quarantine */
	ErrorData  *error;			/* first error, or NULL */
	bool		by_type;		/* the error is about the column's type */
	PlanValuesSince *since;		/* later values that would be overwritten, or
								 * NULL */
} Restored;

/*
 * Returns whether a user has made a cast from text to the type, or to a
 * domain's base type, which would be called instead of the input function
 */
static bool
has_own_cast(Oid type)
{
	HeapTuple	tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(TEXTOID), ObjectIdGetDatum(getBaseType(type)));
	bool		own = HeapTupleIsValid(tuple) && ((Form_pg_cast) GETSTRUCT(tuple))->oid >= FirstNormalObjectId;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return own;
}

/* Returns the expression of a text converted to the column's type */
static char *
as_column(Oid table, const char *column, const char *text)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(table, get_attnum(table, column), &type, &typmod, &collation);
	if (has_own_cast(type))
		return psprintf("(pg_catalog.jsonb_populate_record(NULL::%s, pg_catalog.jsonb_build_object(%s, %s))).%s", sg_relation_name(table),
						quote_literal_cstr(column), text, quote_identifier(column));
	return psprintf("CAST(%s AS %s)", text, format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/*
 * Returns the condition that a column has a value kept as text.  A cast to text
 * may differ from the output of char(n), boolean and xml; the condition accepts
 * the column's output.
 */
static char *
has_value(Oid table, const char *column, const char *text)
{
	return psprintf("ROW(\"~t\".%s)::text = ROW(%s)::text", quote_identifier(column), as_column(table, column, text));
}

/* Returns the query for the recorded rows that have the value which was set */
static char *
rows_with_value(Oid table, const char *name, List *keys)
{
	StringInfoData sql;
	int			n = 0;

	initStringInfo(&sql);
	appendStringInfo(&sql, "unnest($1, $2, $3, $4) AS \"~v\" (id, key, was, value) WHERE %s", has_value(table, name, "\"~v\".value"));
	foreach_ptr(const char, key, keys)
	{
		Oid			type = get_atttype(table, get_attnum(table, key));
		Oid			equal = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

		if (!OidIsValid(equal))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("rows of %s can't be found by column %s any more: its type %s has no equality operator",
							sg_relation_name(table), quote_identifier(key), format_type_be(type))));
		appendStringInfoString(&sql, " AND ");
		generate_operator_clause(&sql, psprintf("\"~t\".%s", quote_identifier(key)), type, equal,
								 as_column(table, key, psprintf("(\"~v\".key::text[])[%d]", ++n)), type);
	}
	return sql.data;
}

/* Returns the ids of rows that got their old values, and whether they have them */
static char *
restoring_statement(Oid table, const char *name, List *keys)
{
	return psprintf("UPDATE ONLY %s AS \"~t\" SET %s = %s FROM %s RETURNING \"~v\".id, %s", sg_relation_name(table), quote_identifier(name),
					as_column(table, name, "\"~v\".was"), rows_with_value(table, name, keys), has_value(table, name, "\"~v\".was"));
}

/* Returns the query for rows that still have the value which was set, except those ids */
static char *
passed_over_query(Oid table, const char *name, List *keys)
{
	return psprintf("SELECT FROM ONLY %s AS \"~t\", %s AND \"~v\".id <> ALL ($5) LIMIT 1", sg_relation_name(table), rows_with_value(table, name, keys));
}

/* Returns the role as which old values are restored, by whose code that could run; raises 42501 if no role may */
static Oid
find_role(Oid table)
{
	CodeReach  *reach = code_reach();
	Oid			role;
	char	   *reason;

	code_reach_write(reach, table, CMD_UPDATE);
	code_reach_row(reach, table);
	fk_reach_actions(reach, table, CMD_UPDATE, NoLock);
	reason = code_role(reach, code_table_owner(table), &role);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("old values are left alone: %s", reason)));
	return role;
}

/*
 * Returns the table that had the rows, or InvalidOid, and its columns by their
 * present names, the last of which got values.  If the table is gone, as when a
 * dump was restored over it, it is the table of its name: columns of other
 * types are refused, and rows that differ are passed over.
 */
static Oid
table_of_values(const Restoring *r, List **columns)
{
	Oid			table;

	if (!plan_deed_read_columns(r->values->identity, &table, columns))
		table = plan_deed_table(r->plan->id, r->values->table);
	if (*columns == NIL)
		*columns = lappend(list_copy(r->values->key), r->values->column);
	if (!OidIsValid(table))
		table = sg_find_qualified(r->values->table);
	return get_rel_relkind(table) == RELKIND_RELATION ? table : InvalidOid;
}

/* Raises an error whose hint says how to bring back the table of that name, or how to do without */
pg_noreturn static void
table_is_gone(const Restoring *r)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 OidIsValid(sg_find_qualified(r->values->table)) ? errmsg("%s is no table by now", r->values->table) :
			 errmsg("table %s does not exist", r->values->table),
			 errhint(sg_calls("Give it this name again if it has another one. If it is gone for good:\n%s\nCALL sg_rollback_fks(%s);"),
					 plan_skip_call(plan_step_get(r->plan->name, r->deed->step, false), "its table is gone"), quote_literal_cstr(r->plan->name))));
}

/* Returns the ids in the only column of a statement's result, as bigint[] */
static Datum
returned_ids(void)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(SPI_processed, 1));
	bool		isnull;

	for (uint64 i = 0; i < SPI_processed; i++)
		ids[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
	return PointerGetDatum(construct_array(ids, (int) SPI_processed, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * Raises 09000 if a trigger or rule has changed the restored values, or
 * suppressed the update: otherwise the last copy would be forgotten
 */
static void
check_triggers(Oid table, bool all_have_it)
{
	if (all_have_it)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
			 errmsg("a trigger or rule of %s keeps them out", sg_relation_name(table)),
			 errhint("Disable it, make the same call again, and enable it:\nSELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal;",
					 quote_literal_cstr(sg_relation_name(table)))));
}

/* Returns whether the second column is true in all rows of a statement's result */
static bool
returned_all_true(void)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull)))
			return false;
	}
	return true;
}

static void
do_restore(void *p)
{
	Restoring  *r = p;
	MemoryContext context = CurrentMemoryContext;
	List	   *columns;
	Oid			table = table_of_values(r, &columns);
	Oid			types[] = {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID};
	Datum		values[] = {r->rows->ids, r->rows->keys, r->rows->was, r->rows->values, (Datum) 0};
	ListCell   *now;
	ListCell   *then;
	List	   *keys;
	Datum		ids;
	Oid			role;
	char	   *lack;
	char	   *sql;
	char	   *passed_over;
	SgScope		scope;
	List	   *following;

	if (!OidIsValid(table))
		table_is_gone(r);
	lack = run_lacks_ownership("table", table);
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
	role = find_role(table);
	forboth(now, columns, then, lappend(list_copy(r->values->key), r->values->column))
	{
		if (lfirst(now) == NULL || get_attnum(table, lfirst(now)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column %s", r->values->table, quote_identifier(lfirst(then)))));
	}
	r->by_type = true;
	fix_check_retyped(table, r->values->identity, r->values->at, lappend(list_copy(r->values->key), r->values->column), columns);
	r->by_type = false;
	keys = list_truncate(list_copy(columns), list_length(columns) - 1);
	sql = restoring_statement(table, llast(columns), keys);
	passed_over = passed_over_query(table, llast(columns), keys);
	/* a restricted operation cannot leave triggers deferred */
	if (OidIsValid(role))
		run_fire_deferred();
	following = run_following(table, llast(columns));
	sg_role_begin(&scope, role);
	sg_scope_pin();
	sg_scope_pin_texts();
	sg_scope_set("row_security", "off");
	SPI_connect();
	run_check_names(sql);
	if (SPI_execute_with_args(sql, lengthof(types) - 1, types, values, NULL, false, 0) != SPI_OK_UPDATE_RETURNING)
		elog(ERROR, "old values were not restored by: %s", sql);
	r->restored = (int64) SPI_processed;
	run_check_following(table, following, r->restored);
	check_triggers(table, returned_all_true());
	MemoryContextSwitchTo(context);
	ids = values[4] = returned_ids();
	if (SPI_execute_with_args(passed_over, lengthof(types), types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "rows with values that were set were not looked for by: %s", passed_over);
	check_triggers(table, SPI_processed == 0);
	SPI_finish();
	sg_scope_end(&scope);
	plan_value_forget(ids);

	/*
	 * recorded now: the next call needs to know how many are left if this one
	 * is cut off
	 */
	plan_deed_rows(r->plan, DEED_SET, r->deed->step, r->deed->object, -r->restored);
}

static void
restore(void *p)
{
	run_deed_alone(do_restore, p);
	run_fire_deferred();
}

/*
 * Returns the number of rows that are in quarantine from the table, its
 * partitions, or the partitioned tables above it: of the plan, those with the
 * column, and of others
 */
static int64
in_quarantine(const PlanRun *run, Oid table, const char *column)
{
	int64		n = fix_kept_of(table, run, DT_NOBEGIN);

	foreach_oid(relid, lcons_oid(table, list_copy(sg_partition_ancestors(table))))
	{
		n += fix_restore_needs(run, sg_relation_name(relid), list_make1(unconstify(char *, column)), false, DT_NOBEGIN);
	}
	return n;
}

/* Restores the old values of one column, and counts; an error ends this column only */
static void
restore_column(StepWork *work, Restoring *r, Restored *result)
{
	PlanRun    *run = work->run;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext rows = AllocSetContextCreate(context, "schemaguard old values", ALLOCSET_DEFAULT_SIZES);
	ErrorData  *error = NULL;
	int64		before = PG_INT64_MAX;
	int64		missing = 0;
	PlanValuesSince *since = plan_values_since(run->plan, work->step->step, r->values);

	sg_progress_step(SG_PROGRESS_RESTORE, work->step->step, sg_find_qualified(r->values->table));
	sg_progress_tables(SG_PHASE_EXECUTING, InvalidOid, r->deed->rows);
	if (since)
		result->since = since;
	while (error == NULL && since == NULL)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(rows);
		MemoryContextSwitchTo(rows);
		r->rows = plan_value_rows(run->plan, work->step->step, r->values, before, SOME_ROWS);
		MemoryContextSwitchTo(context);
		if (r->rows == NULL)
			break;
		before = r->rows->last;
		r->restored = 0;
		r->by_type = false;
		error = run_try(sg_statement_timeout, restore, r);
		if (error && sg_is_cancel(error) && !run_timeout_struck())
			ReThrowError(error);
		if (error == NULL)
		{
			result->restored += r->restored;
			missing += r->rows->n - r->restored;
			sg_progress_blocks(result->restored + result->missing + missing, 0);
		}
		run_commit();
	}
	MemoryContextDelete(rows);
	result->missing += missing;
	if (missing > 0 && error == NULL)
	{
		List	   *columns;

		PushActiveSnapshot(GetTransactionSnapshot());
		result->waiting += Min(missing, in_quarantine(run, table_of_values(r, &columns), r->values->column));
		PopActiveSnapshot();
	}
	if (result->error == NULL)
	{
		result->error = error;
		result->by_type = error && r->by_type;
	}
}

/* Returns why rows keep the value that was set */
static char *
why_kept(const Restored *result, int64 left)
{
	int64		unknown = left - result->missing;
	char	   *changed = unknown == 0 ? "changed or gone since" :
		result->missing == 0 ? "" : psprintf(INT64_FORMAT " changed or gone since, ", result->missing);
	char	   *lost = unknown == 0 ? "" :
		psprintf("%sno old value on record, as without a primary key or in a copy without these rows",
				 result->missing == 0 ? "" : psprintf("of " INT64_FORMAT " ", unknown));

	return psprintf(INT64_FORMAT " %s the value that was set: %s%s", left, left == 1 ? "row keeps" : "rows keep", changed, lost);
}

char *
undo_quarantine_hint(const PlanRun *run, const char *again)
{
	return fix_restore_left(run) > 0 ? NULL :
		psprintf("Have them go back first, by a rollback of their plans, which schemaguard.quarantine names. Then:\n%s", again);
}

/* Returns the problem that keeps old values from going back in this call, or NULL */
static FkProblem *
find_problem(const StepWork *work, const PlanDeed *deed, const Restored *result)
{
	const char *again = run_call_text(work->run, "sg_rollback_fks");
	const ErrorData *error = result->error;

	if (result->by_type)
		return fk_problem(FK_PROBLEM_OTHER, error->sqlerrcode, psprintf("old values of %s: %s", deed->object, sg_error_text(error)),
						  psprintf("They are those of before ALTER COLUMN ... TYPE. Take that back by hand, then roll back again. If the values that were set are to stay:\n%s\n%s",
								   plan_skip_call(plan_step_get(work->run->plan->name, deed->step, false), "the values stay"), again));
	if (error && error->sqlerrcode == ERRCODE_SG_REFERENCED)
		return fk_problem(FK_PROBLEM_OTHER, error->sqlerrcode, psprintf("old values of %s: %s", deed->object, sg_error_text(error)),
						  psprintf("Have those rows refer to other ones first, then roll back again. If the values that were set are to stay:\n%s\n%s",
								   plan_skip_call(plan_step_get(work->run->plan->name, deed->step, false), "the values stay"), again));
	if (result->since)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  psprintf("old values of %s: step %d of plan \"%s\" has set values in " INT64_FORMAT " of the rows since",
								   deed->object, result->since->step, result->since->plan, result->since->rows),
						  psprintf(sg_calls("Have it taken back first:\nCALL sg_rollback_fks(%s, steps => '{%d}');\n%s\nIf the values that were set are to stay:\n%s\n%s"),
								   quote_literal_cstr(result->since->plan), result->since->step, again,
								   plan_skip_call(plan_step_get(work->run->plan->name, deed->step, false), "the values stay"), again));
	if (error)
		return fk_problem(FK_PROBLEM_OTHER, error->sqlerrcode, psprintf("old values of %s: %s", deed->object, sg_error_text(error)),
						  error->hint ? pstrdup(error->hint) : psprintf("In a copy of the database its columns are looked for by name. When that is mended:\n%s", again));
	if (result->waiting > 0)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  psprintf("old values of %s: " INT64_FORMAT " %s not found while rows of the table are in quarantine",
								   deed->object, result->waiting, result->waiting == 1 ? "row is" : "rows are"),
						  undo_quarantine_hint(work->run, again));
	return NULL;
}

/* Closes the deed of a skipped step; its old values, maybe the only copy, stay on record.  Returns true. */
static bool
give_up(StepWork *work, const PlanDeed *deed, const char *reason)
{
	work->hint = psprintf("The old values stay in schemaguard.plan_value. To have them back after all, once that is mended:\n%s\n%s",
						  plan_set_call(plan_step_get(work->run->plan->name, deed->step, false), "state", "pending", NULL),
						  run_call_text(work->run, "sg_rollback_fks"));
	undo_leave_alone(work, deed, 0, reason);
	return true;
}

bool
undo_values(StepWork *work, const PlanDeed *deed, bool again)
{
	PlanRun    *run = work->run;
	RunAction	action = {.run = run,.works = list_make1(work),.name = undo_name(deed),.attempts = 1,
	.started_at = GetCurrentTimestamp()};
	Restoring	restoring = {.plan = run->plan,.deed = deed};
	Restored	result = {0};
	FkProblem  *problem;
	int64		left;
	LogEntry	entry;

	foreach_ptr(const PlanValues, values, plan_values(run->plan, deed->step))
	{
		restoring.values = values;
		restore_column(work, &restoring, &result);
	}
	if (result.restored > 0)
	{
		entry = run_entry(&action, work, LOG_DONE);
		entry.rows_affected = result.restored;
		log_write(&entry);
		run_commit();
		run_append_notice(work, psprintf(INT64_FORMAT " %s the old value back", result.restored, result.restored == 1 ? "row has" : "rows have"));
	}
	if (again && result.restored < deed->rows)
		return false;
	problem = find_problem(work, deed, &result);
	if (problem && !plan_deed_is_given_up(deed))
		return undo_tell_problem(work, deed, problem);
	if (problem)
		return give_up(work, deed, problem->reason);
	left = deed->rows - result.restored;
	run->rows_lost += left;
	plan_values_forget(run->plan, deed->step);
	if (left > 0)
		undo_leave_alone(work, deed, 0, why_kept(&result, left));
	else
		plan_deed_close(deed->id, DEED_TAKEN_BACK);
	run_commit();
	return true;
}
