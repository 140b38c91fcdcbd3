/*-------------------------------------------------------------------------
 *
 * undo_column.c
 *	  Taking back the columns that a backfill has added.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_unit.h"
#include "undo/undo.h"

/* Returns the columns of the deed that still exist */
static List *
columns_left(const PlanDeed *deed)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, deed->what->child_columns)
	{
		if (plan_deed_column(deed, foreach_current_index(lc), lfirst(lc)) != InvalidAttrNumber)
			columns = lappend(columns, lfirst(lc));
	}
	return columns;
}

/* Returns whether anything depends on a column, or somebody has changed its definition */
static bool
column_is_used(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);
	SgCatalog	depend;
	HeapTuple	tuple;
	bool		used;

	if (attnum == InvalidAttrNumber)
		return false;

	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_COLUMN, "a column");
	used = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull ||
		!heap_attisnull(tuple, Anum_pg_attribute_attacl, NULL);
	ReleaseSysCache(tuple);
	if (used)
		return true;

	sg_catalog_begin_depend(&depend, true, RelationRelationId, relid, attnum);
	used = HeapTupleIsValid(sg_catalog_next(&depend));
	sg_catalog_end(&depend);
	return used;
}

/* Returns in words what uses one of the columns, or NULL */
static const char *
who_uses(Oid child, List *columns)
{
	List	   *tables = sg_all_inheritors(child);
	ListCell   *lc;

	foreach(lc, tables)
	{
		ListCell   *lc2;

		foreach(lc2, columns)
		{
			if (column_is_used(lfirst_oid(lc), lfirst(lc2)))
				return psprintf("column %s is used, or was changed, by somebody else",
								quote_identifier(lfirst(lc2)));
		}
	}
	return NULL;
}

/* Arguments of the search for values that the step has not given */
typedef struct ValueSearch
{
	const PlanStep *step;
	Oid			child;
	List	   *columns;
	bool		found;
} ValueSearch;

static void
do_search(void *p)
{
	ValueSearch *search = p;
	char	   *query = plan_backfill_other_values(search->step, search->columns);
	SgScope		scope;
	Oid			role;

	run_set_local("row_security", "off");
	role = deploy_backfill_role(search->step, search->child, NULL);
	deploy_backfill_begin(&scope, role);
	SPI_connect();
	run_check_names(query);
	if (SPI_execute(query, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not compare the values of columns");
	search->found = SPI_processed > 0;
	SPI_finish();
	sg_scope_end(&scope);
}

static void
search_values(void *p)
{
	run_deed_reading(do_search, p);
}

/*
 * Returns in words the values that would be lost with the columns, because the
 * step's expressions do not give them; or NULL
 */
static const char *
what_is_lost(const PlanRun *run, const PlanStep *step, Oid child, List *columns)
{
	ValueSearch search = {.step = step,.child = child,.columns = columns};
	ErrorData  *error;

	if (step->backfill == NULL || sg_find_qualified(step->child_table) != child ||
		!deploy_backfill_is_trusted(run->plan->author_id))
		return "nobody can tell whether all of their values come from the backfill";

	error = run_try_undo(sg_statement_timeout, search_values, &search);
	if (error && !run_timeout_struck())
		sg_rethrow_cancel(error);
	if (error)
		return psprintf("their values can't be compared with what the backfill gives: SQLSTATE %s",
						unpack_sql_state(error->sqlerrcode));
	return search.found ? "they hold values that do not come from the backfill" : NULL;
}

static void
execute_drop_columns(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	const char *used = who_uses(work->key->child, work->columns);
	char	   *kept = change_kept_below(work->key->child, work->columns);

	if (used)
	{
		undo_record_left_alone(action, work, ERRCODE_SG_KEY_CONFLICT, used);
		return;
	}
	run_statement(work->statement);
	undo_record_done(action, work, kept);
	run_append_notice(work, psprintf("dropped (%s), which the backfill had added%s%s",
									 sg_quote_list(work->columns), kept ? "; " : "", kept ? kept : ""));
}

static char *
drop_columns_statement(const char *table, List *columns)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s", table);
	foreach(lc, columns)
		appendStringInfo(&sql, "%s DROP COLUMN %s", foreach_current_index(lc) ? "," : "",
						 quote_identifier(lfirst(lc)));
	return sql.data;
}

/*
 * Drops the columns that nobody else uses and whose values the step's
 * expressions give.  Somebody may still write other values between that look
 * and the lock.
 */
bool
undo_columns(StepWork *work, const PlanDeed *deed)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
	.execute = execute_drop_columns};
	PlanStep   *step = plan_step_get(work->step->plan, deed->step, false);
	char	   *table = deed->what->child_table;
	Oid			child = sg_find_qualified(table);
	const char *reason;

	step->child_table = table;
	work->columns = columns_left(deed);
	if (work->columns == NIL)
	{
		FkProblem  *doubt = undo_doubt(deed, NULL);

		if (doubt)
			return undo_tell_problem(work, deed, doubt);
		undo_close_gone(work, deed, ERRCODE_UNDEFINED_COLUMN, "the columns are gone");
		return true;
	}

	/* a trigger that could not be dropped keeps its columns */
	if (plan_filler_is_armed(step))
		return false;

	work->statement = drop_columns_statement(table, work->columns);
	PushActiveSnapshot(GetTransactionSnapshot());
	reason = who_uses(child, work->columns);
	if (reason == NULL)
		reason = plan_deed_attached_since(deed);
	PopActiveSnapshot();
	if (reason == NULL)
	{
		reason = what_is_lost(work->run, step, child, work->columns);
		if (reason && work->run->awaits_values)
		{
			work->run->put_off = true;
			return false;
		}
	}
	if (reason)
	{
		work->hint = psprintf("Where nobody needs them any more:\n%s;", work->statement);
		undo_leave_alone(work, deed, ERRCODE_SG_KEY_CONFLICT,
						 psprintf("columns (%s) that the backfill had added: %s",
								  sg_quote_list(work->columns), reason));
		return true;
	}

	work->key = palloc0(sizeof(FkKey));
	work->key->child = work->key->parent = child;
	work->step->child_table = work->step->parent_table = table;
	run_add_target(&action, child, AccessExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, deed->step, child);
	if (run_attempt(&action))
		return true;
	undo_record_failed(&action, work, NULL);
	return false;
}
