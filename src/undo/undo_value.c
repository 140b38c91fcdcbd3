/*-------------------------------------------------------------------------
 *
 * undo_value.c
 *	  Old values of rows to which policy "set" has given one: brought back.
 *
 * Once nothing refuses them any more, a row that still has the value which the
 * plan set gets its old one; others, and rows that are gone, are counted.  Some
 * rows are a transaction; the next call goes on with what is left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/scope.h"
#include "log/log.h"
#include "plan/plan_value.h"
#include "run/run_deed.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_unit.h"
#include "undo/undo.h"

#define SOME_ROWS 500

typedef struct Restoring
{
	const FkPlan *plan;
	const PlanDeed *deed;
	const PlanValues *values;
	const PlanValueRows *rows;
	int64		restored;
} Restoring;

/* A text as a column has it */
static char *
as_column(Oid table, const char *column, const char *text)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(table, get_attnum(table, column), &type, &typmod, &collation);
	return psprintf("CAST(%s AS %s)", text, format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

static char *
restoring_statement(Oid table, const PlanValues *values)
{
	const char *column = quote_identifier(values->column);
	StringInfoData sql;
	int			n = 0;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s AS \"~t\" SET %s = %s FROM unnest($1, $2, $3) AS \"~v\" (key, was, value)"
					 " WHERE \"~t\".%s::text IS NOT DISTINCT FROM \"~v\".value", sg_relation_name(table), column,
					 as_column(table, values->column, "\"~v\".was"), column);
	foreach_ptr(const char, key, values->key)
	{
		Oid			type = get_atttype(table, get_attnum(table, key));

		appendStringInfoString(&sql, " AND ");
		generate_operator_clause(&sql, psprintf("\"~t\".%s", quote_identifier(key)), type,
								 lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr,
								 as_column(table, key, psprintf("(\"~v\".key::text[])[%d]", ++n)), type);
	}
	return sql.data;
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

static void
do_restore(void *p)
{
	Restoring  *r = p;
	Oid			table = plan_deed_table(r->plan->id, r->values->table);
	Oid			types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[] = {r->rows->keys, r->rows->was, r->rows->values};
	Oid			role;
	char	   *lack;
	char	   *sql;
	SgScope		scope;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s does not exist", r->values->table)));
	lack = run_lacks_ownership("table", table);
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
	role = find_role(table);
	foreach_ptr(const char, column, lappend(list_copy(r->values->key), r->values->column))
	{
		if (get_attnum(table, column) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column %s", r->values->table, quote_identifier(column))));
	}
	sql = restoring_statement(table, r->values);
	/* a restricted operation can't leave a trigger to the end */
	if (OidIsValid(role))
		run_fire_deferred();
	sg_role_begin(&scope, role);
	sg_scope_pin();
	sg_scope_pin_texts();
	sg_scope_set("row_security", "off");
	SPI_connect();
	run_check_names(sql);
	if (SPI_execute_with_args(sql, lengthof(types), types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "old values were not restored by: %s", sql);
	r->restored = (int64) SPI_processed;
	SPI_finish();
	sg_scope_end(&scope);
	plan_value_forget(r->rows->ids);

	/* the next call knows how many are left, should this one be cut off */
	plan_deed_rows(r->plan, DEED_SET, r->deed->step, r->deed->object, -r->restored);
}

static void
restore(void *p)
{
	run_deed_alone(do_restore, p);
	run_fire_deferred();
}

/* The rows of one column; returns how many have their old value back */
static int64
restore_column(StepWork *work, const PlanDeed *deed, const PlanValues *values, ErrorData **error)
{
	PlanRun    *run = work->run;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext rows = AllocSetContextCreate(context, "schemaguard old values", ALLOCSET_DEFAULT_SIZES);
	int64		before = PG_INT64_MAX;
	int64		restored = 0;

	while (*error == NULL)
	{
		Restoring	r = {.plan = run->plan,.deed = deed,.values = values};

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(rows);
		MemoryContextSwitchTo(rows);
		r.rows = plan_value_rows(run->plan, work->step->step, values, before, SOME_ROWS);
		MemoryContextSwitchTo(context);
		if (r.rows == NULL)
			break;
		before = r.rows->last;
		*error = run_try(sg_statement_timeout, restore, &r);
		if (*error && sg_is_cancel(*error) && !run_timeout_struck())
			ReThrowError(*error);
		restored += r.restored;
		run_commit();
	}
	MemoryContextDelete(rows);
	return restored;
}

bool
undo_values(StepWork *work, const PlanDeed *deed, int64 *left)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),.attempts = 1};
	int64		restored = 0;
	LogEntry	entry;

	foreach_ptr(const PlanValues, values, plan_values(work->run->plan, deed->step))
	{
		restored += restore_column(work, deed, values, &action.error);
	}
	*left = deed->rows - restored;
	if (restored > 0)
	{
		entry = run_entry(&action, work, LOG_DONE);
		entry.rows_affected = restored;
		log_write(&entry);
		run_commit();
		run_append_notice(work, psprintf(INT64_FORMAT " %s the old value back", restored, restored == 1 ? "row has" : "rows have"));
	}
	if (action.error == NULL)
		return true;
	return undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, action.error->sqlerrcode,
													psprintf("old values of %s: %s", deed->object, sg_error_text(action.error)),
													psprintf("Their columns are looked for by name. When that is mended:\n%s",
															 run_call_text(work->run, "sg_rollback_fks"))));
}
