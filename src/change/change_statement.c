/*-------------------------------------------------------------------------
 *
 * change_statement.c
 *	  Statements that a plan's author has written.  The author's query
 *	  done_when says whether one is done, or, without one, the step's state.
 *	  A statement is examined for code that others could have planted
 *	  (change_reach.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"

/* ---- done already? ---- */

/* A query under way */
typedef struct AskArg
{
	const char *sql;
	ChangeMove *move;
	void		(*run) (void *arg);
	void	   *run_arg;
} AskArg;

void
change_pin_meaning(void)
{
	sg_scope_set("array_nulls", "on");
	sg_scope_set("quote_all_identifiers", "off");
}

static void
ask(void *p)
{
	AskArg	   *arg = p;
	SgScope		scope;

	if (!change_reach_statement(arg->move, arg->sql))
		return;
	change_check_caller(arg->move);
	sg_caller_begin(&scope);
	change_pin_meaning();
	SPI_connect();
	run_check_names(arg->sql);
	code_run_as_meant(arg->move->reach, arg->sql, arg->run, arg->run_arg);
	SPI_finish();
	sg_scope_end(&scope);
}

void
change_ask(const char *sql, ChangeMove *move, void (*run) (void *arg), void *run_arg)
{
	AskArg		arg = {sql, move, run, run_arg};

	run_deed_reading(ask, &arg);
}

typedef struct DoneArg
{
	const char *sql;
	ChangeMove	move;			/* move whose role the query runs as */
	bool		done;
} DoneArg;

static void
run_query(void *arg)
{
	DoneArg    *done = arg;
	Datum		value;
	bool		isnull;

	if (SPI_execute(done->sql, true, 2) != SPI_OK_SELECT || SPI_processed != 1 || SPI_tuptable->tupdesc->natts != 1 ||
		SPI_gettypeid(SPI_tuptable->tupdesc, 1) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("done_when gives no single boolean")));
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	done->done = !isnull && DatumGetBool(value);
}

static void
ask_done(void *p)
{
	DoneArg    *arg = p;

	change_ask(arg->sql, &arg->move, run_query, arg);
}

/* Asks done_when; returns false with a problem if that is impossible */
static bool
is_done(const PlanStep *step, ChangeMove *move, bool *done)
{
	DoneArg		arg = {.sql = step->done_when};
	ErrorData  *edata;

	*done = step->state == STEP_VALIDATED;
	/* a subtransaction's error would end a session of a standby */
	if (step->done_when == NULL || RecoveryInProgress())
		return true;
	arg.move.action = "done_when";
	edata = sg_try_undo(ask_done, &arg);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		if (code_locks() && run_is_lock_failure(edata))
			ReThrowError(edata);
		change_problem(move, edata->sqlerrcode, psprintf("done_when fails: %s", sg_error_message(edata)),
					   psprintf("It is a query of one row and one boolean. Correct it, or do without:\n%s",
								plan_set_call(step, "done_when", NULL, NULL)));
		return false;
	}
	if (arg.move.kind == MOVE_PROBLEM)
	{
		move->kind = MOVE_PROBLEM;
		move->problem = arg.move.problem;
		return false;
	}
	*done = arg.done;
	return true;
}

FkProblem *
change_not_done(const PlanStep *step)
{
	ChangeMove	move = {0};
	bool		done = true;
	bool		asked;

	if (step->done_when == NULL)
		return NULL;
	CommandCounterIncrement();
	/* a worker may have changed the catalogs meanwhile */
	AcceptInvalidationMessages();
	PushActiveSnapshot(GetTransactionSnapshot());
	asked = is_done(step, &move, &done);
	PopActiveSnapshot();
	if (!asked)
		return move.problem;
	return done ? NULL : fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, pstrdup("done_when is still false"),
									psprintf("Correct the statement, or do without done_when:\n%s", plan_set_call(step, "done_when", NULL, NULL)));
}

/* ---- outside of a transaction ---- */

/* Returns whether an index has only columns, so that analysing it runs no code */
static bool
is_plain_index(const IndexStmt *stmt)
{
	foreach_ptr(IndexElem, element, stmt->indexParams)
	{
		if (element->name == NULL || element->opclassopts)
			return false;
	}
	return stmt->concurrent && stmt->whereClause == NULL;
}

/*
 * Returns whether a statement commits on its way or can't be in a transaction,
 * blocks neither readers nor writers, and runs only code that the server runs
 * as the table's owner
 */
static bool
may_be_outside(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return is_plain_index((IndexStmt *) statement);
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_INDEX && ((DropStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return plan_option_is_on(((ReindexStmt *) statement)->params, "concurrently");
		case T_VacuumStmt:
			return !plan_option_is_on(((VacuumStmt *) statement)->options, "full");
		case T_AlterEnumStmt:
			return true;
		default:
			return false;
	}
}

/* The caller's worker sends the statement, so no other role could run it */
static void
outside_statement(const PlanStep *step, const char *sql, ChangeMove *move, StepState state)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	char	   *reason;

	if (may_be_outside(statement))
	{
		if (!change_reach_statement(move, sql))
			return;
		reason = change_outside_refusal(move, sql);
		if (reason)
		{
			change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("statement is left alone: %s", reason), CODE_REFUSED_HINT);
			return;
		}
		change_statement(move, MOVE_OUTSIDE, "statement", NoLock, state, pstrdup(sql));
	}
	else
		change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED,
					   "a statement of this kind is not run outside of a transaction",
					   psprintf("CONCURRENTLY of CREATE INDEX on columns, REINDEX and DROP INDEX, VACUUM without FULL, ANALYZE and ALTER TYPE ... ADD VALUE are. Run others by hand, then leave the step out:\n%s",
								plan_skip_call(step, "run by hand")));
}

/*
 * Returns whether a query that failed so, after a statement that is no query,
 * may succeed once that statement has run
 */
static bool
may_run_later(const FkProblem *problem)
{
	return problem->sqlerrcode == ERRCODE_INVALID_SCHEMA_NAME ||
		(ERRCODE_TO_CATEGORY(problem->sqlerrcode) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		 problem->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE);
}

/*
 * Returns whether a statement that keeps an object would give it to a role that
 * has taken the attic's name since the step was added; no problem for roles
 * that own the schema
 */
static bool
goes_astray(Node *statement, ChangeMove *move)
{
	const char *name = IsA(statement, AlterObjectSchemaStmt) ? ((AlterObjectSchemaStmt *) statement)->newschema : "";
	Oid			schema = strcmp(name, SG_ATTIC) == 0 ? get_namespace_oid(name, true) : InvalidOid;
	HeapTuple	tuple = OidIsValid(schema) && !sg_is_attic(schema) ? SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema)) : NULL;
	Oid			owner;
	char	   *role;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	role = GetUserNameFromId(owner, true);
	if (role == NULL || is_member_of_role_nosuper(GetUserId(), owner))
		return false;
	change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("schema %s belongs to role %s, who could take or drop what is put there", name, role),
				   psprintf("ALTER SCHEMA %s RENAME TO %s_of_theirs;", name, name));
	return true;
}

/*
 * Runs the statements in one transaction; returns false with a problem if one
 * can't be analysed.  A query after a statement that creates its tables or
 * columns is examined when it runs.
 */
static bool
run_statements(ChangeMove *move, const char *sql, StepState state)
{
	List	   *texts = plan_change_texts(sql);
	bool		changed = false;

	foreach_ptr(const char, text, texts)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		ChangeAlong along;

		if (goes_astray(statement, move))
			return false;
		if (!change_reach_statement(move, text))
		{
			if (!changed || !code_is_query(statement) || !may_run_later(move->problem))
				return false;
			move->problem = NULL;
			continue;
		}
		changed |= !code_is_query(statement);
		change_along(statement, &along);
		move->along = list_concat(move->along, along.names);
		move->gone = list_concat(move->gone, along.gone);
	}
	change_move(move, MOVE_STATEMENT, "statement", OidIsValid(move->table) ? AccessExclusiveLock : NoLock, state);
	move->statements = texts;
	move->one_by_one = list_length(texts) > 1;
	return true;
}

void
change_look_statement(const PlanStep *step, ChangeMove *move)
{
	bool		done;

	if (!is_done(step, move, &done) || done)
		return;
	if (step->outside)
	{
		outside_statement(step, step->definition, move, STEP_VALIDATED);
		move->first = true;
		return;
	}
	move->first = run_statements(move, step->definition, STEP_VALIDATED);
	if (move->first)
		change_list_rules(step, move);
}

/* A table that a query of the plan may insert into */
typedef struct Inserted
{
	Oid			table;
	bool		found;
} Inserted;

static bool
visit_inserts(Node *node, void *context)
{
	Inserted   *arg = context;
	bool		inserts = node && (IsA(node, InsertStmt) || IsA(node, MergeStmt));

	if (node == NULL)
		return false;
	arg->found |= inserts && change_find_named(change_written(node)) == arg->table;
	return arg->found || raw_expression_tree_walker(node, visit_inserts, context);
}

bool
change_inserts(const PlanStep *step, Oid table)
{
	Inserted	arg = {table};
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		if (code_is_query(statement))
			(void) visit_inserts(statement, &arg);
	}
	sg_scope_end(&scope);
	return arg.found;
}

/* Returns whether a step that was taken back has deleted the rows that it had inserted into the table */
static bool
has_deleted(const PlanStep *step, Oid table)
{
	bool		found = false;
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(const char, text, step->undo && step->state == STEP_ROLLED_BACK ? plan_change_texts(step->undo) : NIL)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		found |= IsA(statement, DeleteStmt) ? change_find_named(change_written(statement)) == table :
			IsA(statement, TruncateStmt) && change_find_named(linitial(((TruncateStmt *) statement)->relations)) == table;
	}
	sg_scope_end(&scope);
	return found;
}

static bool
plan_inserts(const PlanStep *step, Oid table)
{
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (change_inserts(other, table) && !has_deleted(other, table))
			return true;
	}
	return false;
}

/* Sets a problem for an undo that drops a table with rows which no statement of the plan has inserted */
static void
keep_rows(const PlanStep *step, List *texts, ChangeMove *move)
{
	foreach_ptr(const char, text, texts)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		ChangeAlong along = {0};

		if (IsA(statement, DropStmt))
			change_along(statement, &along);
		foreach_ptr(const PlanGone, one, along.gone)
		{
			char	   *table = sg_relation_name(one->table);

			if (!change_has_rows(one->table, table) || plan_inserts(step, one->table))
				continue;
			change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("table %s has rows, which would go with it", table),
						   psprintf("If nobody needs them, delete them and roll back again. If the table is to stay:\n%s", plan_skip_call(step, "the table stays")));
			return;
		}
	}
}

void
change_undo_statement(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	bool		done = true;
	char	   *gone = change_stays_gone_text(deed, step);
	List	   *texts;

	if (step->done_when && !is_done(step, move, &done))
		return;
	/* an interrupted undo has left an invalid index */
	if (!done && !(step->outside && change_half_built(step->definition)))
		return;
	texts = step->undo ? plan_change_texts(step->undo) : NIL;
	if (step->undo == NULL)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("the step has no statement that takes it back%s%s", gone ? ": " : "", gone ? gone : ""),
					   psprintf("Take back by hand what it has done, or give it an undo. If it is to stay as it is:\n%s",
								plan_skip_call(step, "it stays as it is")));
	else if (texts == NIL)
		return;					/* taken back with another step */
	else if (step->outside && list_length(texts) == 1 &&
			 may_be_outside(linitial_node(RawStmt, raw_parser(step->undo, RAW_PARSE_DEFAULT))->stmt))
		outside_statement(step, step->undo, move, STEP_ROLLED_BACK);
	else if (run_statements(move, step->undo, STEP_ROLLED_BACK))
		keep_rows(step, texts, move);
	/* by running it, whatever done_when says then */
	move->ends = true;
}
