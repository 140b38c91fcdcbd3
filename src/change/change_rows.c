/*-------------------------------------------------------------------------
 *
 * change_rows.c
 *	  Steps that insert, change and delete rows.
 *
 *	  One statement changes the rows while nobody else writes the table, and
 *	  returns what they were and what they are; that is kept in the same
 *	  transaction.  A rollback takes back what is still as the step has made
 *	  it, and names the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"

#include "base/errors.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_rows.h"

/* Returns the step's statement, or NULL with a problem in the move */
static char *
find_statement(const PlanStep *step, bool count, ChangeMove *move)
{
	char	   *problem;
	char	   *statement = plan_rows_statement(step, count, &problem);

	if (problem)
		change_problem(move, ERRCODE_UNDEFINED_COLUMN, problem,
					   psprintf("Correct the step, or leave it out:\n%s", plan_skip_call(step, "its rows do not fit")));
	return problem ? NULL : statement;
}

/* Sets the move of a statement that returns texts about the rows that it changes */
static void
set_move(ChangeMove *move, char *statement, LOCKMODE mode, StepState state)
{
	if (!change_reach_statement(move, statement))
		return;
	change_statement(move, MOVE_STATEMENT, "rows", mode, state, statement);
	move->returns = palloc0(sizeof(ChangeReturned));
}

void
change_look_rows(const PlanStep *step, ChangeMove *move)
{
	char	   *statement;

	/* rows may change afterwards: a step is done once */
	if (step->state == STEP_VALIDATED)
		return;
	statement = find_statement(step, false, move);
	if (statement == NULL)
		return;
	set_move(move, statement, ShareRowExclusiveLock, STEP_VALIDATED);
	move->first = move->kind == MOVE_STATEMENT;
}

void
change_undo_rows(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	char	   *statement = plan_rows_undo(plan_get(step->plan), step->step, deed->what->child_table);

	if (statement == NULL)
		return;
	if (statement[0] == '\0')
	{
		change_problem(move, ERRCODE_UNDEFINED_COLUMN,
					   psprintf("table %s has no longer the columns by which the rows are known", deed->what->child_table),
					   psprintf("Give them their names again, or have the rows stay:\n%s", plan_skip_call(step, "the rows stay")));
		return;
	}
	/* nobody comes to refer to a row that goes */
	set_move(move, statement, ExclusiveLock, STEP_ROLLED_BACK);
	move->ends = true;
}

typedef struct CountArg
{
	char	   *sql;
	ChangeMove	move;
	int64		counts[3];
} CountArg;

static void
read_counts(void *p)
{
	CountArg   *arg = p;

	if (SPI_execute(arg->sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "rows of a step were not counted by: %s", arg->sql);
	for (int i = 0; i < lengthof(arg->counts); i++)
	{
		bool		isnull;

		arg->counts[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull));
	}
}

static void
ask_counts(void *p)
{
	CountArg   *arg = p;

	change_ask(arg->sql, &arg->move, read_counts, arg);
}

char *
change_rows_text(const PlanStep *step, bool *fails)
{
	CountArg	arg = {.move = {.action = "the count"}};
	ErrorData  *edata;

	*fails = false;
	/* a subtransaction's error would end a session of a standby */
	if (RecoveryInProgress())
		return pstrdup("the rows are not counted on a standby");
	arg.sql = find_statement(step, true, &arg.move);
	edata = arg.sql ? sg_try_undo(ask_counts, &arg) : NULL;
	if (edata)
		sg_rethrow_cancel(edata);
	*fails = edata && ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_DATA_EXCEPTION;
	if (arg.move.kind == MOVE_PROBLEM || edata)
		return psprintf("the rows can't be counted beforehand: %s", edata ? sg_error_message(edata) : arg.move.problem->reason);
	if (plan_rows_delete(step))
		return psprintf("to delete: " INT64_FORMAT ", gone already: " INT64_FORMAT, arg.counts[2] - arg.counts[0], arg.counts[0]);
	return psprintf("to insert: " INT64_FORMAT ", to change: " INT64_FORMAT ", there: " INT64_FORMAT,
					arg.counts[0], arg.counts[1], arg.counts[2] - arg.counts[0] - arg.counts[1]);
}
