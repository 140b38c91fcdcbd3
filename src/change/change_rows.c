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
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_rows.h"

SG_FUNCTION(sg_rows_foreseen);

/* Returns the step's statement, without a text and with a problem in the move if there is one */
static PlanRowsStatement
find_statement(const PlanStep *step, bool count, ChangeMove *move)
{
	PlanRowsStatement statement = plan_rows_statement(step, count);

	if (statement.problem)
	{
		change_problem(move, ERRCODE_UNDEFINED_COLUMN, statement.problem,
					   psprintf("Correct the step, or leave it out:\n%s", plan_skip_call(step, "its rows do not fit")));
		statement.text = NULL;
	}
	return statement;
}

/*
 * Has the move lock the tables through which keys carry the change on, as
 * whoever could lock them by LOCK TABLE; else there is a problem, and false is
 * returned
 */
static bool
lock_through(ChangeMove *move, List *through)
{
	foreach_ptr(const char, name, through)
	{
		Oid			table = sg_find_qualified(name);

		if (!OidIsValid(table) || table == move->table)
			continue;
		if (pg_class_aclcheck(table, GetUserId(), ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE) != ACLCHECK_OK)
		{
			change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE,
						   psprintf("role %s may not lock table %s, to which keys would carry a value on", sg_role_name(GetUserId()), name),
						   psprintf("Have its owner allow it:\nGRANT UPDATE ON %s TO %s;", name, quote_identifier(sg_role_name(GetUserId()))));
			return false;
		}
		move->tables = list_append_unique_oid(move->tables, table);
	}
	return true;
}

/* Sets the move of a statement that returns texts about the rows that it changes */
static void
set_move(ChangeMove *move, char *statement, LOCKMODE mode, List *through, StepState state)
{
	if (!change_reach_statement(move, statement) || !lock_through(move, through))
		return;
	change_statement(move, MOVE_STATEMENT, "rows", mode, state, statement);
	move->returns = palloc0(sizeof(ChangeReturned));
}

void
change_look_rows(const PlanStep *step, ChangeMove *move)
{
	PlanRowsStatement statement;
	LOCKMODE	mode;

	/* rows may change afterwards: a step is done once */
	if (step->state == STEP_VALIDATED)
		return;
	statement = find_statement(step, false, move);
	if (statement.text == NULL)
		return;

	/*
	 * nobody comes to refer to a row that goes, or whose change a key carries
	 * on
	 */
	mode = statement.through || plan_rows_delete(step) ? ExclusiveLock : ShareRowExclusiveLock;
	set_move(move, statement.text, mode, statement.through, STEP_VALIDATED);
	move->first = move->kind == MOVE_STATEMENT;
}

void
change_undo_rows(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	PlanRowsUndo undo = plan_rows_undo(plan_get(step->plan), step->step, deed->what->child_table, deed->rows_out);

	if (undo.statement == NULL)
		return;
	if (undo.statement[0] == '\0')
	{
		change_problem(move, ERRCODE_UNDEFINED_COLUMN,
					   psprintf("table %s has no longer the columns by which the rows are known", deed->what->child_table),
					   psprintf("Have the rows stay:\n%s\n%s", plan_skip_call(step, "the rows stay"), plan_rollback_call(deed->what)));
		return;
	}
	set_move(move, undo.statement, ExclusiveLock, undo.through, STEP_ROLLED_BACK);
	move->ends = true;
	if (move->returns)
		move->returns->gone = undo.gone;
}

/* Sets a problem if the rows are not, or will not be, those of the step; without their values */
static void
judge_made(const PlanStep *step, const PlanRowsMade *made, ChangeMove *move)
{
	char	   *table = sg_relation_name(move->table);
	char	   *leave_out = plan_skip_call(step, "its rows do not fit");

	if (made->cut)
	{
		FormData_pg_attribute column = sg_column(move->table, get_attnum(move->table, made->cut));

		change_problem(move, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
					   psprintf("column %s of table %s would not keep a value as it is written: its type %s cuts or rounds it",
								quote_identifier(made->cut), table, format_type_with_typemod(column.atttypid, column.atttypmod)),
					   psprintf("Write the value as the type keeps it, or leave the step out:\n%s", leave_out));
	}
	else if (made->twice)
	{
		StringInfoData key;

		initStringInfo(&key);
		foreach_ptr(const char, column, step->child_columns)
		{
			appendStringInfo(&key, "%s%s", key.len ? ", " : "", quote_identifier(column));
		}
		change_problem(move, ERRCODE_CARDINALITY_VIOLATION,
					   psprintf("a key of the step finds more than one row of table %s by (%s)", table, key.data),
					   psprintf("Name a key that is unique in the table, or leave the step out. These are there more than once:\n"
								"SELECT %s, count(*) FROM %s GROUP BY %s HAVING count(*) > 1;", key.data, table, key.data));
	}
	else if (made->held > 0)
		change_problem(move, ERRCODE_FOREIGN_KEY_VIOLATION,
					   psprintf("%s " INT64_FORMAT " %s of table %s would reach rows of table %s that refer to %s",
								plan_rows_delete(step) ? "deleting" : "changing", made->held,
								made->held == 1 ? "row" : "rows", table, made->holder, made->held == 1 ? "it" : "them"),
					   psprintf("Have those rows refer to others, or leave the step out:\n%s", leave_out));
	else if (made->lost > 0)
		change_problem(move, ERRCODE_TRIGGERED_ACTION_EXCEPTION,
					   psprintf("a trigger or rule of table %s has kept out, or rewritten, " INT64_FORMAT " %s of the step", table, made->lost,
								made->lost == 1 ? "row" : "rows"),
					   psprintf("Disable it, make the same call again, and enable it; or leave the step out:\n"
								"SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal;\n%s",
								quote_literal_cstr(table), leave_out));
}

char *
change_rows_made(const PlanStep *step, ChangeMove *move)
{
	PlanRowsMade made = plan_rows_made(move->returns->text);

	judge_made(step, &made, move);
	if (move->kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(move->problem->sqlerrcode),
				 errmsg("%s", move->problem->reason),
				 errhint("%s", move->problem->hint)));
	move->returns->alone = made.alone;
	return made.rows;
}

/* Returns the statement that makes a unique constraint deferrable, unless it is, or a key relies on it; NULL: there is none */
static char *
deferrable_text(const ErrorData *error)
{
	StringInfoData sql;
	char	   *table = quote_qualified_identifier(error->schema_name, error->table_name);
	char	   *text = NULL;
	SgScope		scope;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I, ADD CONSTRAINT %%2$I %%s DEFERRABLE;', %s, c.conname,"
					 " pg_get_constraintdef(c.oid)) FROM pg_constraint c WHERE c.conrelid = to_regclass(%s) AND c.conname = %s"
					 " AND c.contype = 'u' AND NOT c.condeferrable"
					 " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conindid = c.conindid)",
					 quote_literal_cstr(table), quote_literal_cstr(table), quote_literal_cstr(error->constraint_name));
	if (sg_caller_execute(&scope, sql.data, 0, NULL, NULL, NULL) == 1)
		text = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "format");

	sg_caller_finish(&scope);
	return text;
}

char *
change_rows_hint(const PlanStep *step, const ErrorData *error)
{
	char	   *skip = plan_skip_call(step, "its rows do not fit");
	char	   *swap = NULL;

	if (error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION)
		return psprintf("%s, or leave the step out:\n%s", plan_rows_delete(step) ? "Have the rows that refer to these refer to others first" :
						"Add the rows to which these refer by a step before it", skip);
	if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		return NULL;
	if (error->schema_name && error->table_name && error->constraint_name)
		swap = deferrable_text(error);
	return psprintf("Have the rows that have the values give them up first%s, or leave the step out:\n%s",
					swap ? psprintf("; or, for rows that swap them, have the key be checked at the end:\n%s\nMake the same call again", swap) : "", skip);
}

typedef struct CountArg
{
	char	   *sql;
	ChangeMove	move;
	int64		counts[3];
	PlanRowsMade made;
	MemoryContext context;
} CountArg;

static void
read_counts(void *p)
{
	CountArg   *arg = p;
	bool		isnull;
	HeapTuple	tuple;
	TupleDesc	desc;
	char	   *cut;
	char	   *holder;

	/* values are read as in the run */
	sg_scope_pin_texts();
	if (SPI_execute(arg->sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "rows of a step were not counted by: %s", arg->sql);
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	for (int i = 0; i < lengthof(arg->counts); i++)
		arg->counts[i] = DatumGetInt64(SPI_getbinval(tuple, desc, i + 1, &isnull));
	cut = SPI_getvalue(tuple, desc, 4);
	arg->made.cut = cut ? MemoryContextStrdup(arg->context, cut) : NULL;
	arg->made.twice = DatumGetBool(SPI_getbinval(tuple, desc, 5, &isnull));
	arg->made.alone = DatumGetInt64(SPI_getbinval(tuple, desc, 6, &isnull));
	arg->made.held = DatumGetInt64(SPI_getbinval(tuple, desc, 7, &isnull));
	holder = SPI_getvalue(tuple, desc, 8);
	arg->made.holder = holder ? MemoryContextStrdup(arg->context, holder) : NULL;
}

static void
ask_counts(void *p)
{
	CountArg   *arg = p;

	change_ask(arg->sql, &arg->move, read_counts, arg);
}

/* Counts the rows of a step, and returns why it would not run, or NULL; *hint: how it would */
static char *
foresee(const PlanStep *step, CountArg *arg, char **hint)
{
	ErrorData  *edata;

	*hint = NULL;
	/* a subtransaction's error would end a session of a standby */
	if (RecoveryInProgress())
		return pstrdup("the rows are not counted on a standby");
	arg->sql = find_statement(step, true, &arg->move).text;
	edata = arg->sql ? sg_try_undo(ask_counts, arg) : NULL;
	if (edata)
		sg_rethrow_cancel(edata);
	if (edata && ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
		*hint = psprintf("Correct the step, or leave it out:\n%s", plan_skip_call(step, "a value does not fit"));
	if (arg->move.kind == MOVE_PROBLEM || edata)
		return psprintf("the rows can't be counted beforehand: %s", edata ? sg_error_message(edata) : arg->move.problem->reason);
	arg->move.table = sg_find_qualified(step->child_table);
	judge_made(step, &arg->made, &arg->move);
	if (arg->move.kind != MOVE_PROBLEM)
		return NULL;
	*hint = arg->move.problem->hint;
	return arg->move.problem->reason;
}

char *
change_rows_text(const PlanStep *step, char **hint, List **writes)
{
	CountArg	arg = {.move = {.action = "the count"},.context = CurrentMemoryContext};
	char	   *reason = foresee(step, &arg, hint);
	bool		deletes;
	const char *alone;

	if (reason)
		return reason;
	deletes = plan_rows_delete(step);
	alone = arg.made.alone ? psprintf(", left alone: " INT64_FORMAT, arg.made.alone) : "";
	if (arg.counts[1] > 0)
		*writes = lappend_int(*writes, deletes ? CMD_DELETE : CMD_UPDATE);
	if (arg.counts[0] > 0 && !deletes)
		*writes = lappend_int(*writes, CMD_INSERT);
	if (deletes)
		return psprintf("to delete: " INT64_FORMAT ", gone already: " INT64_FORMAT "%s", arg.counts[1], arg.counts[0], alone);
	return psprintf("to insert: " INT64_FORMAT ", to change: " INT64_FORMAT ", there: " INT64_FORMAT "%s",
					arg.counts[0], arg.counts[1], arg.counts[2] - arg.counts[0] - arg.counts[1] - arg.made.alone, alone);
}

/*
 * sg_rows_foreseen(child_table text, key_columns text[], definition jsonb)
 *
 * Returns why a step would not write these rows now, or NULL.
 */
static Datum
sg_rows_foreseen_entered(PG_FUNCTION_ARGS)
{
	PlanStep	step = {.plan = "",.kind = STEP_ROWS,.child_table = sg_arg_text(fcinfo, 0),.child_columns = sg_text_array_list(PG_GETARG_DATUM(1)),
	.definition = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(2)))};
	CountArg	arg = {.move = {.action = "the count"},.context = CurrentMemoryContext};
	Oid			relid = sg_find_qualified(step.child_table);
	char	   *hint;
	char	   *reason;

	/* who may read nothing of the table does not wait for its lock */
	if (OidIsValid(relid) && pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("role %s has no SELECT on %s", sg_role_name(GetUserId()), sg_relation_name(relid))));
	SPI_connect();
	reason = foresee(&step, &arg, &hint);
	if (reason)
		reason = MemoryContextStrdup(arg.context, reason);
	SPI_finish();
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}
