/*-------------------------------------------------------------------------
 *
 * fix_limit.c
 *	  Number of rows that a call may delete or change.
 *
 *	  A call that may fix rows counts first what all of its steps would do,
 *	  and does nothing at all if that is more than schemaguard.fix_limit, or
 *	  than the call's max_rows.  Each batch is checked against the limit once
 *	  more, because rows may have been added meanwhile, and steps may have
 *	  created what others break.  Values that a policy sets are only counted
 *	  beforehand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "fix/fix_limit.h"
#include "fix/fix_sql.h"
#include "run/run_rows.h"

#define LARGE_PART 0.1			/* fraction of a table's rows put into
								 * quarantine */

/* Returns the fate for the counts; policy "set" keeps old values if a primary key identifies the rows */
static RowFate
row_fate(const FixRow *row, bool sets)
{
	switch (row->fate)
	{
		case FIX_DELETE:
			return ROWS_DELETED;
		case FIX_QUARANTINE:
			return ROWS_QUARANTINED;
		default:
			return sets && !row->reached ? ROWS_SET : ROWS_CHANGED;
	}
}

void
fix_count_rows(RunRows *rows, const FixBatch *batch)
{
	bool		sets = batch->key->rule && fk_primary_key(batch->key->rule->table) != NIL;

	for (int i = 0; i < batch->n; i++)
	{
		const FixRow *row = &batch->rows[i];

		if (!row->kept && row->fate != FIX_LEAVE && row->fate != FIX_BLOCK)
			run_rows_add(rows, row->table, row_fate(row, sets), 1);
	}
}

/* Returns the call's limit; negative: none */
static int64
limit_of(const PlanRun *run)
{
	return run->max_rows >= 0 ? run->max_rows : sg_fix_limit;
}

bool
fix_counts_first(const PlanRun *run)
{
	return !run->dry_run && (limit_of(run) >= 0 || run->given);
}

/* The rows and values that the limit is about: the setting is about what `fix` does alone */
static int64
limited_rows(const PlanRun *run, const RunRows *rows)
{
	return run->max_rows >= 0 ? run_rows_gone(rows) : run_rows_lost(rows);
}

static char *
lost_text(const RunRows *rows, int64 n)
{
	return psprintf(INT64_FORMAT " %s would be deleted or changed%s", n, n > run_rows_lost(rows) ? "rows or values" : n == 1 ? "row" : "rows",
					run_rows_count(rows, InvalidOid, ROWS_SET) > 0 ? "" : " without a copy");
}

/* Returns about how many rows a table had when the call began */
static double
rows_before(const PlanRun *run, Oid table)
{
	return fix_estimate_rows(table) + run_rows_count(run->rows, table, ROWS_QUARANTINED) + run_rows_count(run->rows, table, ROWS_DELETED);
}

/* Returns why rows must not go into quarantine, or NULL: they are few, or a small part of each table */
static char *
moved_text(const PlanRun *run, const RunRows *rows, int64 limit)
{
	List	   *tables;

	if (run_rows_moved(rows) <= limit)
		return NULL;
	/* sorted, so that the error names the same table each time */
	tables = run_rows_tables(rows);
	list_sort(tables, list_oid_cmp);
	foreach_oid(table, tables)
	{
		if (run_rows_count(rows, table, ROWS_QUARANTINED) > LARGE_PART * rows_before(run, table))
			return psprintf(INT64_FORMAT " rows would be put into quarantine, over %.0f %% of %s among them", run_rows_moved(rows),
							100 * LARGE_PART, sg_relation_name(table));
	}
	return NULL;
}

/* Returns what exceeds the limit, or NULL */
static char *
problem_text(const PlanRun *run, const RunRows *rows)
{
	int64		limit = limit_of(run);
	int64		n = limited_rows(run, rows);
	char	   *what = n > limit ? lost_text(rows, n) : moved_text(run, rows, limit);

	return what ? psprintf("%s: more than %s allows, which is " INT64_FORMAT, what,
						   run->max_rows >= 0 ? "max_rows" : "schemaguard.fix_limit", limit) : NULL;
}

/* All that a call has done, with that of runs before it, and some more rows */
static RunRows *
all_rows(const PlanRun *run, const RunRows *more)
{
	RunRows    *rows = run_rows_new();

	run_rows_merge(rows, more);
	run_rows_merge(rows, run->rows);
	if (run->max_rows >= 0)
		run_rows_merge(rows, run->written);
	return rows;
}

/* Returns the call that may delete and change these rows */
static char *
call_for_rows(const PlanRun *run, const RunRows *rows)
{
	PlanRun		next = *run;

	next.max_rows = Max(run_rows_gone(rows), run_rows_moved(rows));
	return run_call_text(&next, run->procedure);
}

void
fix_check_counted(const PlanRun *run)
{
	RunRows    *rows = all_rows(run, run->foreseen);
	char	   *problem = limit_of(run) >= 0 ? problem_text(run, rows) : NULL;
	char	   *told = run->given ? run_foreseen_text(run, run->foreseen) : NULL;

	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("%s", problem),
				 errdetail("%s", run_foreseen_text(run, rows)),
				 errhint("If that is to be:\n%s", call_for_rows(run, rows))));
	if (told)
		ereport(NOTICE,
				(errmsg("plan \"%s\": what its steps are about to do to rows", run->plan->name),
				 errdetail("%s", told)));
}

void
fix_check_step(StepWork *work, const RunRows *more)
{
	const PlanRun *run = work->run;
	RunRows    *rows;
	char	   *problem;

	if (!run->fix || limit_of(run) < 0)
		return;
	rows = all_rows(run, more);
	problem = problem_text(run, rows);
	if (problem == NULL)
		return;
	/* the next call counts what it does itself */
	work->hint = psprintf("If that is to be:\n%s", call_for_rows(run, more));
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("%s", problem)));
}

void
fix_check_batch(StepWork *work, const FixBatch *batch, const RunRows *beside, int64 expected)
{
	const PlanRun *run = work->run;
	PlanRun		look = *run;
	int64		limit = limit_of(run);
	RunRows    *more;
	RunRows    *rows;
	char	   *problem;
	int64		needed;

	if (!run->fix || limit < 0)
		return;
	more = run_rows_new();
	fix_count_rows(more, batch);
	if (beside)
		run_rows_merge(more, beside);
	rows = all_rows(run, more);
	if (limited_rows(run, rows) <= limit && (run_rows_moved(more) == 0 || run_rows_moved(rows) <= limit))
		return;
	problem = problem_text(run, rows);
	if (problem == NULL)
		return;
	if (expected > 0)
	{
		/* no dry run, because it fires no triggers */
		needed = run_rows_needed(run, 0) + expected;
		look.max_rows = Max(Max(needed, run_rows_gone(rows)), run_rows_moved(rows));
		work->hint = psprintf("A trigger or rule of the table writes other rows, which nothing counts beforehand."
							  " If that is to be, with as many for each row as so far:\n%s", run_call_text(&look, run->procedure));
	}
	else
	{
		look.dry_run = true;
		work->hint = psprintf("To see how many rows it is about:\n%s", run_call_text(&look, "sg_fix_orphans"));
	}
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("%s", problem)));
}
