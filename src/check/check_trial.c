/*-------------------------------------------------------------------------
 *
 * check_trial.c
 *	  Tables that a plan creates, made on trial, and the steps about them.
 *
 *	  Only the server judges CREATE TABLE as the server does.  So each new
 *	  table is made in a subtransaction, as deployment would make it, and the
 *	  steps about it are checked, and made, as if it existed; keys are only
 *	  checked.  So are types, domains, and functions in SQL and PL/pgSQL.  All
 *	  of that is rolled back.  The trial locks no table of others in a mode
 *	  that blocks readers or writers; a session that creates a relation of the
 *	  same name waits until the rollback.  It takes a transaction ID, and
 *	  writes rows to the catalogs that VACUUM cleans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/calls.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_order.h"

/* Number of tables made before a rollback, because the lock table is limited */
#define MOST_TABLES 100

/* More moves than any kind has */
#define MOST_MOVES 16

typedef struct Trial
{
	PlanCheck  *check;
	List	   *makers;			/* CheckStep *: tables to make */
	List	   *made;			/* numbers of steps made in this
								 * subtransaction */
	List	   *failed;			/* numbers of failed steps */
	int			tables;			/* number of tables made in this
								 * subtransaction */
	int			next;			/* index of the next step of the check */
} Trial;

/* ---- steps made on trial ---- */

/* Returns the step that makes a table, or NULL */
static PlanStep *
maker_of(const Trial *trial, const char *table)
{
	foreach_ptr(const CheckStep, maker, trial->makers)
	{
		if (sg_same_text(maker->makes, table))
			return maker->step;
	}
	return NULL;
}

const char *
check_makes_table(const PlanStep *step)
{
	const CreateStmt *create = step->kind == STEP_STATEMENT ? plan_made_table(step) : NULL;

	return step->kind == STEP_TABLE ? step->child_table :
		create ? quote_qualified_identifier(create->relation->schemaname, create->relation->relname) : NULL;
}

/* Returns whether a function has a language whose validator runs nothing */
static bool
has_safe_language(const CreateFunctionStmt *function)
{
	foreach_ptr(const DefElem, option, function->options)
	{
		if (strcmp(option->defname, "language") == 0)
			return pg_strcasecmp(strVal(option->arg), "sql") == 0 || pg_strcasecmp(strVal(option->arg), "plpgsql") == 0;
	}
	return function->sql_body != NULL;
}

bool
check_makes_other(const PlanStep *step)
{
	List	   *texts = step->kind == STEP_STATEMENT && !step->outside ? plan_change_texts(step->definition) : NIL;
	Node	   *statement = list_length(texts) == 1 ? linitial_node(RawStmt, raw_parser(linitial(texts), RAW_PARSE_DEFAULT))->stmt : NULL;

	switch (statement ? nodeTag(statement) : T_Invalid)
	{
		case T_CreateFunctionStmt:
			return has_safe_language((CreateFunctionStmt *) statement);
		case T_CreateEnumStmt:
		case T_CreateRangeStmt:
		case T_CompositeTypeStmt:
		case T_CreateDomainStmt:
			return true;
		default:
			return false;
	}
}

/* Returns whether the step is made on trial: a table, a part of such a table, or a type or function */
static bool
is_made(const Trial *trial, const PlanStep *step)
{
	switch (step->kind)
	{
		case STEP_TABLE:
		case STEP_STATEMENT:
			return check_makes_table(step) != NULL || check_makes_other(step);
		case STEP_COLUMN:
		case STEP_DEFAULT:
		case STEP_CHECK:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
		case STEP_INDEX:
			return maker_of(trial, step->child_table) != NULL;
		default:
			return false;
	}
}

static bool
is_tried(const Trial *trial, const CheckStep *cs)
{
	return cs->on_trial && (is_made(trial, cs->step) ||
							(cs->step->kind == STEP_FOREIGN_KEY && (maker_of(trial, cs->step->child_table) || maker_of(trial, cs->step->parent_table))));
}

/* ---- making ---- */

typedef struct Making
{
	const PlanStep *step;
	FkProblem  *problem;
} Making;

static void
make_moves(void *arg)
{
	Making	   *making = arg;
	ChangeMove	move;

	for (int i = 0; i < MOST_MOVES && change_try_move(making->step, &move) && making->step->kind != STEP_STATEMENT; i++)
		CHECK_FOR_INTERRUPTS();
	if (move.kind == MOVE_PROBLEM)
		making->problem = move.problem;
}

/* Makes a step; returns its problem, or NULL */
static FkProblem *
make(Trial *trial, const PlanStep *step)
{
	Making		making = {step};
	ErrorData  *edata = sg_try(make_moves, &making);

	if (edata)
	{
		sg_rethrow_cancel(edata);
		making.problem = fk_problem(FK_PROBLEM_OTHER, edata->sqlerrcode, sg_error_message(edata),
									psprintf("Correct it, or leave the step out:\n%s", plan_skip_call(step, "it can't be made")));
	}
	if (making.problem)
		trial->failed = lappend_int(trial->failed, step->step);
	else
		trial->made = lappend_int(trial->made, step->step);
	trial->tables += check_makes_table(step) != NULL;
	return making.problem;
}

static bool make_first(Trial *trial, const PlanStep *step);

/* Makes all steps that a step needs; returns false if one of them is not made on trial */
static bool
make_needed(Trial *trial, const PlanStep *step)
{
	PlanStep   *makers[] = {maker_of(trial, step->child_table), maker_of(trial, step->parent_table)};

	check_stack_depth();
	foreach_ptr(const PlanEdge, edge, plan_needs(trial->check->graph, step->step))
	{
		if (!make_first(trial, edge->needed))
			return false;
	}
	for (int i = 0; i < lengthof(makers); i++)
	{
		if (makers[i] && makers[i]->step != step->step && !make_first(trial, makers[i]))
			return false;
	}
	return true;
}

/*
 * Makes a needed step, and for a table that is made again its former parts;
 * returns false if that is impossible
 */
static bool
make_first(Trial *trial, const PlanStep *step)
{
	const char *table;

	if (plan_step_is_done(step) || list_member_int(trial->made, step->step))
		return true;
	if (step->skipped_by || list_member_int(trial->failed, step->step) || !is_made(trial, step) ||
		!make_needed(trial, step) || make(trial, step))
		return false;
	table = check_makes_table(step);
	for (int i = 0; table && i < trial->next; i++)
	{
		const CheckStep *cs = list_nth(trial->check->steps, i);

		if (cs->makes == NULL && sg_same_text(cs->step->child_table, table) &&
			is_tried(trial, cs) && is_made(trial, cs->step))
			(void) make_first(trial, cs->step);
	}
	return true;
}

/* ---- rows of the check ---- */

/* Returns whether an earlier step changes a table that the new one is LIKE or a part of */
static bool
changes_relative(const Trial *trial, const CheckStep *cs, const char *table)
{
	const PlanStep *maker = maker_of(trial, table);
	List	   *relatives = maker ? plan_table_relatives(maker) : NIL;

	foreach_ptr(const CheckStep, other, relatives ? trial->check->steps : NIL)
	{
		const PlanStep *step = other->step;

		if (other == cs)
			return false;
		if (step->child_table && step->kind != STEP_TABLE && !plan_step_is_done(step) && !step->skipped_by &&
			sg_has_name(relatives, step->child_table))
			return true;
	}
	return false;
}

/* Returns whether an earlier step, which is not tried, may make a missing object */
static bool
is_unsure(const Trial *trial, const CheckStep *cs)
{
	return check_may_be_made(trial->check, cs, false) || (check_makes_other(cs->step) && check_step_before(trial->check, cs)) || changes_relative(trial, cs, cs->step->child_table) ||
		changes_relative(trial, cs, cs->step->parent_table);
}

static void
say_problem(const Trial *trial, CheckStep *cs, const FkProblem *problem)
{
	if (problem->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || problem->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		problem->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
		check_row(cs, "trial", CHECK_WARN, psprintf("it could not be made on trial: %s", problem->reason),
				  psprintf(sg_calls("Check again:\nSELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(cs->plan)));
	else if (is_unsure(trial, cs))
		check_row(cs, "definition", CHECK_WARN, psprintf("unless an earlier step changes that: %s", problem->reason),
				  check_later(cs, problem->hint));
	else
		check_row(cs, "definition", CHECK_BLOCK, problem->reason, problem->hint);
}

/* Removes the statement from a hint about a table that does not exist yet, because it can't be run */
static void
mend_hint(const Trial *trial, const CheckStep *cs, CheckRow *row)
{
	foreach_ptr(const CheckStep, maker, row->hint ? trial->makers : NIL)
	{
		if (strstr(row->hint, psprintf("ALTER TABLE %s ", maker->makes)))
			row->hint = psprintf("Correct the step, or step %d, which makes the table, or leave it out:\n%s", maker->step->step,
								 check_skip(cs, "it does not go with the table"));
	}
}

typedef struct KeyLook
{
	PlanCheck  *check;
	CheckStep  *cs;
} KeyLook;

static void
look_at_key(void *arg)
{
	KeyLook    *look = arg;

	deploy_look(look->cs->step, &look->cs->view);
	check_definition(look->check, look->cs);
	if (look->cs->view.need == NEED_SKIP && !look->cs->blocked)
		check_row(look->cs, "deployment", CHECK_BLOCK, look->cs->view.problem->reason, look->cs->view.problem->hint);
}

static void
try_key(Trial *trial, CheckStep *cs)
{
	KeyLook		look = {trial->check, cs};
	int			before = list_length(cs->rows);
	ErrorData  *edata = check_try(look_at_key, &look);

	if (edata)
	{
		cs->rows = list_truncate(cs->rows, before);
		check_row(cs, "trial", CHECK_WARN, psprintf("the key could not be looked at: %s", sg_error_message(edata)), NULL);
	}
	for (int i = before; i < list_length(cs->rows); i++)
	{
		CheckRow   *row = list_nth(cs->rows, i);

		mend_hint(trial, cs, row);
		if (row->result == CHECK_BLOCK && is_unsure(trial, cs))
		{
			row->result = CHECK_WARN;
			row->detail = psprintf("unless an earlier step changes that: %s", row->detail);
			row->hint = check_later(cs, row->hint);
			cs->blocked = false;
		}
	}
}

/* ---- all of a plan ---- */

static void
try_one(Trial *trial, CheckStep *cs)
{
	FkProblem  *problem;
	const char *untried;

	if (!make_needed(trial, cs->step))
		return;
	if (cs->step->kind == STEP_FOREIGN_KEY)
	{
		try_key(trial, cs);
		return;
	}
	problem = make(trial, cs->step);
	untried = cs->step->kind == STEP_STATEMENT ? change_untried(plan_given(cs->step->definition)) : NULL;
	if (problem)
		say_problem(trial, cs, problem);
	else if (untried)
		check_row(cs, "trial", CHECK_WARN, psprintf("made on trial, and rolled back, but for %s", untried),
				  strstr(untried, "keys") == NULL ? NULL :
				  psprintf(sg_calls("Have the plan make these steps of their own, which are looked at:\nSELECT sg_plan_add(%s, %s);"),
						   quote_literal_cstr(cs->plan), quote_literal_cstr(plan_given(cs->step->definition))));
	else
		check_row(cs, "trial", CHECK_OK, pstrdup("made on trial, and rolled back"), NULL);
}

/* Tries steps one after the other, until there are many tables */
static void
try_some(void *arg)
{
	Trial	   *trial = arg;
	int			level = NewGUCNestLevel();

	trial->made = NIL;
	trial->tables = 0;
	sg_scope_set("client_min_messages", "error");
	for (; trial->next < list_length(trial->check->steps) && trial->tables < MOST_TABLES; trial->next++)
	{
		CheckStep  *cs = list_nth(trial->check->steps, trial->next);

		if (is_tried(trial, cs))
			try_one(trial, cs);
	}
	AtEOXact_GUC(false, level);
}

static bool
is_temporary(const CreateStmt *create)
{
	return create->relation->relpersistence == RELPERSISTENCE_TEMP || sg_same_text(create->relation->schemaname, "pg_temp");
}

/* Returns whether a table is not made on trial, and reports why */
static bool
is_left_out(const PlanCheck *check, CheckStep *cs)
{
	char	   *again = psprintf(sg_calls("SELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(cs->plan));

	if (check->verify == CHECK_READ_NONE)
		check_row(cs, "trial", CHECK_OK, pstrdup("it was not made on trial"), psprintf("To have it made, and rolled back:\n%s", again));
	else if (XactReadOnly)
		check_row(cs, "trial", CHECK_WARN, pstrdup("neither the table nor the steps about it could be looked at: a read-only transaction makes no table on trial"),
				  psprintf("Check where tables can be made:\n%s", again));
	else if (!check_is_authors(check))
		check_row(cs, "trial", CHECK_WARN, psprintf("neither the table nor the steps about it were looked at: the statement is role %s's, and was not made on trial",
													quote_identifier(check->plan->author)),
				  psprintf("Read it, or have that role check the plan:\n%s", plan_sql_call(cs->plan)));
	else if (OidIsValid(get_extension_oid("citus", true)))
		check_row(cs, "trial", CHECK_WARN, pstrdup("neither the table nor the steps about it were looked at: Citus could make it on other servers, too"), NULL);
	else if (is_temporary(plan_made_table(cs->step)))
	{
		/* PREPARE TRANSACTION fails after a look at a temporary table */
		cs->on_trial = false;
		check_row(cs, "trial", CHECK_WARN, pstrdup("the statement was not looked at: a temporary table is not made on trial"), NULL);
	}
	else if (!change_computes_nothing(linitial(plan_change_statements(cs->step))))
	{
		cs->on_trial = false;
		check_row(cs, "trial", CHECK_WARN, pstrdup("neither the table nor the steps about it were looked at: the bound of the partition is computed when that is made"),
				  pstrdup("Write the bound as literals, without casts and calls."));
	}
	else
		return false;
	return true;
}

/* Returns whether types, functions and statements may be tried; if not, nothing is reported about them. */
bool
check_tries(const PlanCheck *check)
{
	return check->verify != CHECK_READ_NONE && !XactReadOnly && check_is_authors(check) && !OidIsValid(get_extension_oid("citus", true));
}

void
check_trials(PlanCheck *check)
{
	Trial		trial = {check};
	bool		any = false;

	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (!cs->on_trial || (cs->makes == NULL && !check_makes_other(cs->step)))
			continue;
		if (cs->makes == NULL && !check_tries(check))
			cs->on_trial = false;
		if (!cs->on_trial || (cs->makes && is_left_out(check, cs)))
			continue;
		any = true;
		if (cs->makes == NULL)
			continue;
		if (cs->step->kind == STEP_TABLE || !OidIsValid(sg_find_qualified(cs->makes)))
			trial.makers = lappend(trial.makers, cs);
	}
	while (any && trial.next < list_length(check->steps))
	{
		ErrorData  *edata = check_try(try_some, &trial);

		if (edata == NULL)
			continue;
		/* the remaining steps wait */
		check_row(&check->server, "trial", CHECK_WARN, psprintf("tables could not be made on trial: %s", sg_error_message(edata)), NULL);
		return;
	}
}
