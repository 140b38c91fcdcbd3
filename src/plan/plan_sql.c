/*-------------------------------------------------------------------------
 *
 * plan_sql.c
 *	  sg_plan_sql(): the statements that deployment has still to run.
 *
 *	  They come from the plan alone, so the plan can be read as SQL in a
 *	  database that lacks its tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/portable.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

SG_FUNCTION(sg_plan_sql);

List	   *(*plan_column_statements_hook) (const PlanStep *step, char **fill) = NULL;

static void
emit(SgRowSink *sink, const char *line)
{
	sg_sink_text(sink, line);
	sg_sink_emit(sink);
}

/*
 * Emits a comment line.  Reasons and names are users' text: a line break in one
 * would turn the rest into a statement.
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

/*
 * Emits a statement, also for psql.  A statement with a semicolon is executed
 * by DO, because psql would end it there, or, within names like BEGIN,
 * miscount.
 */
static void
emit_statement(SgRowSink *sink, const char *statement)
{
	char	   *text = sg_portable(statement);

	if (sg_unportable(statement))
	{
		emit_comment(sink, psprintf("left out, for sg_apply() alone runs it: it has %s", sg_unportable(statement)));
		return;
	}
	if (sg_holds(text, ';'))
		text = psprintf("DO %s", quote_literal_cstr(psprintf("BEGIN EXECUTE %s; END", quote_literal_cstr(text))));

	emit(sink, psprintf("%s%s;", text, sg_ends_in_comment(text) ? "\n" : ""));
}

static void
emit_add(SgRowSink *sink, const PlanStep *step, bool not_valid)
{
	emit_statement(sink, plan_add_statement(step, not_valid));
}

static void
emit_validate(SgRowSink *sink, const char *table, const char *fk_name)
{
	emit_statement(sink, plan_validate_statement(table, fk_name));
}

/*
 * Emits a key partition by partition: before 18 no key of a partitioned table
 * can be NOT VALID, so its partitions get the key one by one, and the table
 * attaches these.
 */
static void
emit_partitions(SgRowSink *sink, const PlanStep *step, List *partitions)
{
	List	   *validate = NIL;

	foreach_ptr(const FkPartition, partition, partitions)
	{
		PlanStep   *part = plan_partition_step(step, partition->relid);

		if (partition->own == NULL)
			emit_add(sink, part, true);
		else if (partition->own->validated)
			continue;
		else
			part->fk_name = partition->own->name;
		validate = lappend(validate, part);
	}
	foreach_ptr(const PlanStep, part, validate)
	{
		emit_validate(sink, part->child_table, part->fk_name);
	}
	emit_add(sink, step, false);
}

static void
emit_list(SgRowSink *sink, List *statements)
{
	ListCell   *lc;

	foreach(lc, statements)
		emit_statement(sink, (char *) lfirst(lc));
}

/*
 * Emits the statements that fill columns, before all others.  Deployment
 * updates some blocks of each partition at a time.
 */
static void
emit_backfill(SgRowSink *sink, const PlanStep *step)
{
	FkKey		key;
	char	   *columns = plan_backfill_column_statement(step);

	if (step->backfill == NULL || step->skipped_by ||
		(plan_step_key(step, &key) == NULL && fk_declared_twin(&key)))
		return;

	emit_comment(sink, psprintf("step %d, backfill", step->step));
	if (columns)
		emit_statement(sink, columns);
	emit_list(sink, plan_filler_arm_statements(step));
	emit_statement(sink, plan_backfill_update(step));
}

/*
 * Emits the statements that deployment would run for the step, by the existing
 * keys, as deployment does, not by the step's state.
 */
static void
emit_step(SgRowSink *sink, const PlanStep *step)
{
	FkKey		key;
	bool		resolved = plan_step_key(step, &key) == NULL;
	FkKey	   *twin = resolved ? fk_declared_twin(&key) : NULL;
	bool		done = twin && (twin->validated || !twin->enforced);
	bool		by_partition = false;
	bool		filling = step->backfill &&
		(twin == NULL || plan_filler_is_armed(step)) && plan_filler_ends_with(step) == NULL;
	bool		replace = step->replaces &&
		(!OidIsValid(key.child) || fk_by_name(key.child, step->replaces));
	List	   *partitions = NIL;

	if (step->skipped_by)
	{
		emit_comment(sink, psprintf("step %d is skipped: %s", step->step,
									step->reason ? step->reason : "no reason given"));
		return;
	}
	if (done && !replace && !filling)
		return;
	if (resolved && twin == NULL && get_rel_relkind(key.child) == RELKIND_PARTITIONED_TABLE)
	{
		FkProblem  *problem = fk_partitions(&key, &partitions);

		if (problem)
		{
			emit_comment(sink, psprintf("step %d is skipped: %s", step->step, problem->reason));
			return;
		}
		by_partition = !SG_PARTITIONED_NOT_VALID;
	}

	emit_comment(sink, psprintf("step %d, %s", step->step, plan_priority_word(step->priority)));
	if (by_partition)
		emit_partitions(sink, step, partitions);
	else if (!done)
	{
		if (twin == NULL)
			emit_add(sink, step, true);
		if (plan_step_fixes(step))
			emit_comment(sink, psprintf(sg_calls("CALL sg_fix_orphans(%s); finds and fixes the orphans (%s%s)"), quote_literal_cstr(step->plan),
										plan_policy_word(step->orphans), step->sentinel ? ", with a sentinel" : ""));
		if (step->enforced)
			emit_validate(sink, step->child_table, twin ? twin->name : step->fk_name);
	}
	if (replace)
		emit_statement(sink, plan_drop_statement(step->child_table, step->replaces));
	if (filling)
		emit_list(sink, plan_filler_disarm_statements(step));
}

/* Emits a column, and the values of its rows, which deployment sets in batches */
static void
emit_column(SgRowSink *sink, const PlanStep *step)
{
	char	   *fill = step->fill;
	List	   *statements = plan_column_statements_hook(step, &fill);
	const char *column = quote_identifier(linitial(step->child_columns));

	emit_list(sink, statements ? statements : plan_change_statements(step));
	if (fill)
		emit_statement(sink, psprintf("UPDATE %s SET %s = (%s%s) WHERE %s IS NULL", step->child_table, column, fill,
									  strstr(fill, "--") ? "\n" : "", column));
}

/* Emits a rule, before which rows that break it are mended */
static void
emit_rule(SgRowSink *sink, const PlanStep *step)
{
	if (plan_step_fixes(step))
		emit_comment(sink, psprintf(sg_calls("CALL sg_apply(%s, fix => true); finds and mends the rows that break it (%s)"), quote_literal_cstr(step->plan),
									plan_policy_word(step->orphans)));
	foreach_ptr(char, statement, plan_change_statements(step))
	{
		emit_statement(sink, statement);
	}
}

/* Emits a drop of a table, view or column that is kept elsewhere */
static void
emit_kept(SgRowSink *sink, const PlanStep *step)
{
	if (plan_changed_object(step) == CHANGED_COLUMN)
		emit_comment(sink, psprintf("column %s of %s gets another name, without NOT NULL, default, foreign keys and other rules, and is dropped by sg_prune()",
									quote_identifier(step->fk_name), step->child_table));
	else
		emit_comment(sink, psprintf("%s %s goes to the attic, another schema, without its foreign keys, and is dropped by sg_prune()",
									step->definition, step->child_table));
}

static bool
is_kept(const PlanStep *step)
{
	ChangedObject what;

	if (step->kind != STEP_DROP || step->discard)
		return false;
	what = plan_changed_object(step);
	return what == CHANGED_TABLE || what == CHANGED_VIEW || what == CHANGED_COLUMN;
}

/* Emits a step that is no foreign key: all of its statements, unless it is done */
static void
emit_change(SgRowSink *sink, const PlanStep *step)
{
	if (step->skipped_by)
		emit_comment(sink, psprintf("step %d is skipped: %s", step->step, step->reason ? step->reason : "no reason given"));
	else if (step->phase)
		emit_comment(sink, psprintf("step %d waits for phase %s", step->step, step->phase));
	else if (step->state != STEP_VALIDATED)
	{
		emit_comment(sink, psprintf("step %d, %s, %s", step->step, plan_kind_word(step->kind),
									plan_priority_word(step->priority)));
		if (step->kind == STEP_COLUMN)
			emit_column(sink, step);
		else if (is_kept(step))
			emit_kept(sink, step);
		else
			emit_rule(sink, step);
	}
}

static void
emit_indexes(SgRowSink *sink, List *steps)
{
	foreach_ptr(PlanIndex, index, plan_missing_indexes(steps))
	{
		if (index->obstacle)
			emit_comment(sink, psprintf("step %d gets no index on %s (%s): %s", index->step,
										index->table, index->columns, index->obstacle));
		else
		{
			emit_comment(sink, psprintf("step %d, index", index->step));
			emit_statement(sink, index->statement);
		}
	}
}

static void
emit_round(SgRowSink *sink, List *steps)
{
	List	   *keys = plan_only_keys(steps);
	ListCell   *lc;

	foreach(lc, keys)
		emit_backfill(sink, lfirst(lc));
	emit_indexes(sink, keys);
	foreach_ptr(const PlanStep, step, steps)
	{
		if (step->kind == STEP_FOREIGN_KEY)
			emit_step(sink, step);
		else
			emit_change(sink, step);
	}
}

/*
 * sg_plan_sql(plan text, steps schemaguard.steps DEFAULT NULL)
 *
 * Returns one row per statement of the plan, or of its chosen steps, in order,
 * with comment lines in between. 42501 for a role that may not read the plan,
 * 22023 no such step.
 */
static Datum
sg_plan_sql_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	FkPlan	   *plan;
	ListCell   *lc;

	plan = plan_get_readable(sg_arg_text(fcinfo, 0));

	sg_sink_begin_scalar(&sink, fcinfo);
	plan_choose(plan, plan_steps_argument(fcinfo, 1));
	foreach(lc, plan_rounds(plan_graph(plan_chosen_steps(plan))))
		emit_round(&sink, lfirst(lc));

	return (Datum) 0;
}
