/*-------------------------------------------------------------------------
 *
 * plan_sql.c
 *	  sg_plan_sql(): the statements that deployment has still to run.
 *
 * They come from the plan alone, so the plan can be read as SQL in a database
 * that lacks its tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "errors.h"
#include "plan.h"
#include "quote.h"
#include "rowsink.h"

PG_FUNCTION_INFO_V1(sg_plan_sql);

static void
emit(SgRowSink *sink, const char *line)
{
	sg_sink_text(sink, line);
	sg_sink_emit(sink);
}

/*
 * A comment line.  Reasons and names are users' text: a line break in one
 * would turn what follows into a statement.
 */
static void
emit_comment(SgRowSink *sink, const char *text)
{
	char	   *line = psprintf("-- %s", text);

	for (char *p = line; *p; p++)
	{
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	}
	emit(sink, line);
}

/* Deployment leaves such a key alone on this server */
static bool
needs_window(const PlanStep *step)
{
	Oid			child = sg_find_qualified(step->child_table);

	return !SG_PARTITIONED_NOT_VALID && OidIsValid(child) &&
		get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE;
}

/*
 * What deployment would do, found as it finds it: by the keys that are there,
 * not by the state of the step.
 */
static void
emit_step(SgRowSink *sink, const PlanStep *step)
{
	FkKey		key;
	FkKey	   *twin = plan_step_key(step, &key) ? NULL : fk_declared_twin(&key);

	if (step->skipped_by)
	{
		emit_comment(sink, psprintf("step %d is skipped: %s", step->step,
									step->reason ? step->reason : "no reason given"));
		return;
	}
	if (twin && (twin->validated || !twin->enforced))
		return;
	if (twin == NULL && needs_window(step))
	{
		emit_comment(sink, psprintf("step %d is skipped: child %s is partitioned, and before PostgreSQL 18 a key of a partitioned table can't be added NOT VALID",
									step->step, step->child_table));
		return;
	}

	emit_comment(sink, psprintf("step %d, %s", step->step, step->priority));
	if (twin == NULL)
		emit(sink, psprintf("%s;", plan_add_statement(step, true)));
	if (plan_step_fixes(step))
		emit_comment(sink, psprintf("CALL sg_fix_orphans() finds and fixes the orphans (%s%s)",
									step->orphans, step->sentinel ? ", with a sentinel" : ""));
	if (step->enforced)
		emit(sink, psprintf("%s;", plan_validate_statement(step->child_table,
														   twin ? twin->name : step->fk_name)));
}

static void
emit_indexes(SgRowSink *sink, List *steps)
{
	List	   *wanted = NIL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		PlanStep   *step = lfirst(lc);

		if (!needs_window(step))
			wanted = lappend(wanted, step);
	}
	foreach(lc, plan_missing_indexes(wanted))
	{
		PlanIndex  *index = lfirst(lc);

		if (index->obstacle)
			emit_comment(sink, psprintf("step %d gets no index on %s (%s): %s", index->step,
										index->table, index->columns, index->obstacle));
		else
		{
			emit_comment(sink, psprintf("step %d, index", index->step));
			emit(sink, psprintf("%s;", index->statement));
		}
	}
}

/*
 * sg_plan_sql(plan text)
 *
 * One row per statement, in order, with comment lines in between.
 */
Datum
sg_plan_sql(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	FkPlan	   *plan;
	List	   *steps;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		sg_null_argument("sg_plan_sql", "plan");
	plan = plan_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	sg_sink_begin_scalar(&sink, fcinfo);
	steps = plan_steps(plan->name);
	emit_indexes(&sink, steps);
	foreach(lc, steps)
		emit_step(&sink, lfirst(lc));

	return (Datum) 0;
}
