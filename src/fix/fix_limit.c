/*-------------------------------------------------------------------------
 *
 * fix_limit.c
 *	  How many rows a call may take away or change.
 *
 * A call that may fix rows counts first what all of its steps would do, and
 * does nothing at all if that is more than schemaguard.fix_limit, or than the
 * number that the call names, max_rows.  Each batch is held against the limit
 * once more, for rows may have come meanwhile, and steps may have made what
 * others break.  Values that a policy sets are counted beforehand alone.
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

#define LARGE_PART 0.1			/* of a table, put into quarantine */

/* Policy "set" keeps old values where a primary key tells the rows */
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

/* Negative: none */
static int64
limit_of(const PlanRun *run)
{
	return run->max_rows >= 0 ? run->max_rows : sg_fix_limit;
}

bool
fix_counts_first(const PlanRun *run)
{
	return !run->dry_run && limit_of(run) >= 0;
}

static char *
lost_text(const RunRows *rows)
{
	return psprintf(INT64_FORMAT " rows would be deleted or changed%s", run_rows_lost(rows),
					run_rows_count(rows, InvalidOid, ROWS_SET) > 0 ? "" : " without a copy");
}

/* Says what keeps rows from going into quarantine, or NULL: those are few, or a small part of each table */
static char *
moved_text(const RunRows *rows, int64 limit)
{
	List	   *tables;

	if (run_rows_moved(rows) <= limit)
		return NULL;
	/* the same one each time */
	tables = run_rows_tables(rows);
	list_sort(tables, list_oid_cmp);
	foreach_oid(table, tables)
	{
		if (run_rows_count(rows, table, ROWS_QUARANTINED) > LARGE_PART * fix_estimate_rows(table))
			return psprintf(INT64_FORMAT " rows would be put into quarantine, over %.0f %% of %s among them", run_rows_moved(rows),
							100 * LARGE_PART, sg_relation_name(table));
	}
	return NULL;
}

/* Says what is more than the limit, or NULL */
static char *
problem_text(const PlanRun *run, const RunRows *rows)
{
	int64		limit = limit_of(run);
	char	   *what = run_rows_lost(rows) > limit ? lost_text(rows) : moved_text(rows, limit);

	return what ? psprintf("%s: more than %s allows, which is " INT64_FORMAT, what,
						   run->max_rows >= 0 ? "max_rows" : "schemaguard.fix_limit", limit) : NULL;
}

void
fix_check_counted(const PlanRun *run, const RunRows *rows)
{
	char	   *problem = problem_text(run, rows);
	PlanRun		next = *run;

	next.max_rows = Max(run_rows_lost(rows), run_rows_moved(rows));
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("%s", problem),
				 errdetail("%s", run_rows_text(rows, true)),
				 errhint("If that is to be:\n%s", run_call_text(&next, run->procedure))));
}

void
fix_check_batch(StepWork *work, const FixBatch *batch, const RunRows *beside)
{
	const PlanRun *run = work->run;
	PlanRun		look = *run;
	int64		limit = limit_of(run);
	RunRows    *rows;
	char	   *problem;

	if (!run->fix || limit < 0)
		return;
	rows = run_rows_new();
	fix_count_rows(rows, batch);
	if (beside)
		run_rows_merge(rows, beside);
	if (run_rows_lost(rows) + run_rows_lost(run->rows) <= limit && (run_rows_moved(rows) == 0 || run_rows_moved(rows) + run_rows_moved(run->rows) <= limit))
		return;
	run_rows_merge(rows, run->rows);
	problem = problem_text(run, rows);
	if (problem == NULL)
		return;
	look.chosen = list_make1_int(work->step->step);
	if (beside)
	{
		/* a dry run runs no trigger */
		look.max_rows = Max(run_rows_lost(rows), run_rows_moved(rows));
		work->hint = psprintf("A trigger or rule of the table writes other rows. If that is to be:\n%s", run_call_text(&look, run->procedure));
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
