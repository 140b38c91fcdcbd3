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
#include "plan/plan_key.h"
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
	List	   *stood;			/* OIDs of tables for which a stand-in was
								 * made in this subtransaction */
	List	   *unmade;			/* PlanStep *: steps that the tried one needs,
								 * and that are not made on trial */
	bool		untried;		/* the last step was not made, as nothing
								 * stands in for its table */
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

/* Returns the existing table for which another one stands in when a step about that name is tried; or InvalidOid */
static Oid
origin_of(const Trial *trial, const PlanStep *step, const char *table)
{
	if (table == NULL || maker_of(trial, table))
		return InvalidOid;
	foreach_ptr(const CheckStep, cs, trial->check->steps)
	{
		if (cs->step->step == step->step)
			return check_origin(trial->check, cs, table);
	}
	return InvalidOid;
}

/* Returns whether the step is made on trial: a table, a part of such a table or of a stand-in, or a type or function */
static bool
is_made(const Trial *trial, const PlanStep *step)
{
	bool		stands = check_tries(trial->check) && OidIsValid(origin_of(trial, step, step->child_table));

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
			return maker_of(trial, step->child_table) != NULL || (stands && check_names_stand_in(step));
		case STEP_RENAME:
			return stands;
		case STEP_DROP:
			return stands && !plan_step_is_of_relation(step);
		default:
			return false;
	}
}

/* Returns whether there is a table of that name for a key on trial */
static bool
has_table(const Trial *trial, const PlanStep *step, const char *table)
{
	return maker_of(trial, table) || (check_tries(trial->check) && OidIsValid(origin_of(trial, step, table)));
}

static bool
is_tried(const Trial *trial, const CheckStep *cs)
{
	return cs->on_trial && (is_made(trial, cs->step) ||
							(cs->step->kind == STEP_FOREIGN_KEY && has_table(trial, cs->step, cs->step->child_table) && has_table(trial, cs->step, cs->step->parent_table)));
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

/* Makes the table that stands in for the one of a step's name; returns an error, or NULL */
static ErrorData *
stand_in(Trial *trial, const PlanStep *step, const char *table)
{
	Oid			origin = origin_of(trial, step, table);
	ErrorData  *edata;

	if (!OidIsValid(origin) || list_member_oid(trial->stood, origin))
		return NULL;
	edata = sg_try(check_make_stand_in, &origin);
	if (edata)
		sg_rethrow_cancel(edata);
	else
		trial->stood = lappend_oid(trial->stood, origin);
	trial->tables++;
	return edata;
}

/* Returns the name of the table that stands in for that of a step, if it is there, or the name itself */
static char *
tried_name(const Trial *trial, const PlanStep *step, char *table)
{
	char	   *name = list_member_oid(trial->stood, origin_of(trial, step, table)) ? check_stand_in_name(table) : NULL;

	return name && OidIsValid(sg_find_qualified(name)) ? name : table;
}

/* Returns the step as one about the stand-ins */
static PlanStep *
as_tried(const Trial *trial, const PlanStep *step)
{
	PlanStep   *tried = palloc(sizeof(PlanStep));

	*tried = *step;
	tried->child_table = tried_name(trial, step, step->child_table);
	tried->parent_table = tried_name(trial, step, step->parent_table);
	if (tried->child_table != step->child_table)
		tried->object_mark = NULL;
	return tried;
}

/* Makes a step, as one about the stand-ins */
static FkProblem *
make_tried(const PlanStep *step, const PlanStep *tried)
{
	Making		making = {tried};
	ErrorData  *edata = sg_try(make_moves, &making);
	ListCell   *lc;

	if (edata)
	{
		sg_rethrow_cancel(edata);
		making.problem = fk_problem(FK_PROBLEM_OTHER, edata->sqlerrcode, sg_error_message(edata),
									psprintf("Correct it, or leave the step out:\n%s", plan_skip_call(step, "it can't be made")));
	}
	if (making.problem == NULL)
		return NULL;
	making.problem->reason = check_real_names(making.problem->reason);
	making.problem->hint = check_real_names(making.problem->hint);
	foreach(lc, making.problem->dependents)
		lfirst(lc) = check_real_names(lfirst(lc));
	return making.problem;
}

/* Makes a step; returns its problem, or NULL; sets trial->untried if nothing stands in for its table */
static FkProblem *
make(Trial *trial, const PlanStep *step)
{
	ErrorData  *edata = stand_in(trial, step, step->child_table);
	const PlanStep *tried = as_tried(trial, step);
	FkProblem  *problem;

	trial->untried = tried->child_table == step->child_table && OidIsValid(origin_of(trial, step, step->child_table));
	problem = !trial->untried ? make_tried(step, tried) :
		fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   edata ? sg_error_message(edata) : psprintf("nothing stands in for %s", step->child_table), NULL);
	if (problem)
		trial->failed = lappend_int(trial->failed, step->step);
	else
		trial->made = lappend_int(trial->made, step->step);
	trial->tables += check_makes_table(step) != NULL;
	return problem;
}

static bool make_first(Trial *trial, const PlanStep *step);

/* Makes the steps that a step needs, as far as they are made on trial; adds the others to those unmade */
static void
make_needed(Trial *trial, const PlanStep *step)
{
	PlanStep   *makers[] = {maker_of(trial, step->child_table), maker_of(trial, step->parent_table)};

	check_stack_depth();
	foreach_ptr(const PlanEdge, edge, plan_needs(trial->check->graph, step->step))
	{
		if (!make_first(trial, edge->needed))
			trial->unmade = list_append_unique_ptr(trial->unmade, edge->needed);
	}
	for (int i = 0; i < lengthof(makers); i++)
	{
		if (makers[i] && makers[i]->step != step->step && !make_first(trial, makers[i]))
			trial->unmade = list_append_unique_ptr(trial->unmade, makers[i]);
	}
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
	if (step->skipped_by || list_member_int(trial->failed, step->step) || !is_made(trial, step))
		return false;
	make_needed(trial, step);
	if (make(trial, step))
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
		if (step->child_table && step->kind != STEP_TABLE && plan_step_is_ahead(step) &&
			sg_has_name(relatives, step->child_table))
			return true;
	}
	return false;
}

/* Returns whether an earlier step may make what a statement needs, or changes a table that the new one is like */
static bool
is_unsure(const Trial *trial, const CheckStep *cs)
{
	return (check_makes_other(cs->step) && check_step_before(trial->check, cs)) || changes_relative(trial, cs, cs->step->child_table) ||
		changes_relative(trial, cs, cs->step->parent_table);
}

/* Returns whether the rows of a needed step say already that it is not done, or was not looked at */
static bool
is_told(const Trial *trial, const PlanStep *needed)
{
	foreach_ptr(const CheckStep, other, trial->check->steps)
	{
		if (other->step->step != needed->step)
			continue;
		foreach_ptr(const CheckRow, row, other->rows)
		{
			if (strcmp(row->name, "trial") == 0 && row->result == CHECK_WARN)
				return true;
		}
		return other->blocked;
	}
	return false;
}

static void
say_untried(CheckStep *cs, char *why)
{
	check_row(cs, "trial", CHECK_WARN, psprintf("what it will find was not looked at: %s", why), check_later(cs, NULL));
}

/* Returns whether what a step does is seen where another one is tried: no stand-in inherits from another one */
static bool
is_seen(const Trial *trial, const PlanStep *before, const PlanStep *step)
{
	return list_member_int(trial->made, before->step) &&
		(sg_same_text(before->child_table, step->child_table) || sg_same_text(before->child_table, step->parent_table) ||
		 before->kind == STEP_RENAME || !OidIsValid(origin_of(trial, before, before->child_table)));
}

/* Returns an earlier step that is not seen on trial and may solve a problem, or NULL */
static const PlanStep *
mender_of(const Trial *trial, const CheckStep *cs, const FkProblem *problem, bool *sure)
{
	foreach_ptr(const CheckStep, other, trial->check->steps)
	{
		if (!is_seen(trial, other->step, cs->step) && check_comes_before(trial->check, other, cs) &&
			check_may_mend(other->step, cs->step, problem, sure))
			return other->step;
	}
	return NULL;
}

/* Reports that an earlier step may solve a problem, unless the rows of that step say why it is not made; returns whether there is one */
static bool
may_be_mended(const Trial *trial, CheckStep *cs, const FkProblem *problem)
{
	bool		sure = false;
	const PlanStep *before = mender_of(trial, cs, problem, &sure);

	if (before == NULL)
		return false;
	if (list_member_ptr(trial->unmade, before) && is_told(trial, before))
		return true;
	if (sure)
		say_untried(cs, psprintf("step %d, %s, which comes first, is not made on trial", before->step, plan_step_object(before)));
	else
		check_row(cs, "definition", CHECK_WARN, psprintf("unless step %d changes that: %s", before->step, problem->reason), check_later(cs, problem->hint));
	return true;
}

static void
say_problem(const Trial *trial, CheckStep *cs, const FkProblem *problem)
{
	if (trial->untried)
		say_untried(cs, problem->reason);
	else if (problem->sqlerrcode == ERRCODE_DUPLICATE_TABLE && check_is_freed(trial->check, cs))
		say_untried(cs, pstrdup("a table has the name, until an earlier step takes it away"));
	else if (problem->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || problem->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
			 problem->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
		check_row(cs, "trial", CHECK_WARN, psprintf("it could not be made on trial: %s", problem->reason),
				  psprintf(sg_calls("Check again:\nSELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(cs->plan)));
	else if (may_be_mended(trial, cs, problem))
		return;
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
	const char *tables[] = {cs->step->child_table, cs->step->parent_table};

	for (int i = 0; i < lengthof(tables) && row->hint; i++)
	{
		if (tried_name(trial, cs->step, unconstify(char *, tables[i])) != tables[i] && strstr(row->hint, psprintf("ALTER TABLE %s ", tables[i])))
			row->hint = psprintf("Correct the step, or one of those before it, or leave it out:\n%s", check_skip(cs, "it does not go with the table"));
	}
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

/* Returns whether an earlier step that is not made on trial may change what a row about a key says */
static bool
may_change(const Trial *trial, const CheckStep *cs, const CheckRow *row)
{
	FkProblem	problem = {.sqlerrcode = cs->view.problem ? cs->view.problem->sqlerrcode : 0,.reason = row->detail};

	return is_unsure(trial, cs) || mender_of(trial, cs, &problem, NULL);
}

static void
try_key(Trial *trial, CheckStep *cs)
{
	KeyLook		look = {trial->check, cs};
	int			before = list_length(cs->rows);
	PlanStep   *step = cs->step;
	ErrorData  *edata = stand_in(trial, step, step->child_table);

	cs->step = as_tried(trial, step);
	if (edata == NULL)
		edata = check_try(look_at_key, &look);
	cs->step = step;
	if (edata)
	{
		cs->rows = list_truncate(cs->rows, before);
		check_row(cs, "trial", CHECK_WARN, psprintf("the key could not be looked at: %s", sg_error_message(edata)), NULL);
	}
	for (int i = before; i < list_length(cs->rows); i++)
	{
		CheckRow   *row = list_nth(cs->rows, i);

		row->detail = check_real_names(row->detail);
		row->hint = check_real_names(row->hint);
		mend_hint(trial, cs, row);
		if (row->result == CHECK_BLOCK && may_change(trial, cs, row))
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

	trial->unmade = NIL;
	make_needed(trial, cs->step);
	foreach_ptr(const CheckStep, other, trial->check->steps)
	{
		if ((other->step->kind == STEP_COLUMN || other->step->kind == STEP_RENAME) && sg_same_text(other->step->child_table, cs->step->child_table) && check_comes_before(trial->check, other, cs))
			(void) make_first(trial, other->step);
	}
	if (cs->step->kind == STEP_FOREIGN_KEY)
	{
		if (trial->unmade == NIL)
			try_key(trial, cs);
		else if (!is_told(trial, linitial(trial->unmade)))
			say_untried(cs, psprintf("step %d, %s, which comes first, is not made on trial",
									 ((const PlanStep *) linitial(trial->unmade))->step, plan_step_object(linitial(trial->unmade))));
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

/* Returns whether a step makes nothing by itself on trial, and waits for what others make */
static bool
waits_for_others(const CheckStep *cs)
{
	return cs->on_trial && cs->makes == NULL && !check_makes_other(cs->step);
}

/* Reports that a step which waits for what others make is not tried, and why */
static void
say_not_tried(const Trial *trial, CheckStep *cs)
{
	const PlanCheck *check = trial->check;

	foreach_ptr(const PlanEdge, edge, plan_needs(check->graph, cs->step->step))
	{
		if (is_told(trial, edge->needed))
			return;
	}
	if (check->verify == CHECK_READ_NONE)
		check_row(cs, "trial", CHECK_OK, pstrdup("it was not made on trial"),
				  psprintf(sg_calls("To have it made, and rolled back:\nSELECT * FROM sg_plan_check(%s);"), quote_literal_cstr(cs->plan)));
	else
		say_untried(cs, XactReadOnly ? pstrdup("a read-only transaction makes nothing on trial") :
					!check_is_authors(check) ? psprintf("the plan is role %s's, and nothing of it was made on trial", quote_identifier(check->plan->author)) :
					cs->waits ? psprintf("it %s, and is not made on trial", cs->waits) : pstrdup("it is not made on trial"));
}

/* Returns whether a step was made on trial that does not come before this one */
static bool
is_stale(const Trial *trial, const CheckStep *cs)
{
	foreach_ptr(const CheckStep, other, trial->check->steps)
	{
		if (other != cs && list_member_int(trial->made, other->step->step) && !check_comes_before(trial->check, other, cs))
			return true;
	}
	return false;
}

/* Tries steps one after the other, until there are many tables, or one that comes before another that was made */
static void
try_some(void *arg)
{
	Trial	   *trial = arg;
	int			level = NewGUCNestLevel();

	trial->made = NIL;
	trial->stood = NIL;
	trial->tables = 0;
	sg_scope_set("client_min_messages", "error");
	for (; trial->next < list_length(trial->check->steps) && trial->tables < MOST_TABLES; trial->next++)
	{
		CheckStep  *cs = list_nth(trial->check->steps, trial->next);

		if (is_tried(trial, cs) && is_stale(trial, cs))
			break;
		if (is_tried(trial, cs))
			try_one(trial, cs);
		else if (waits_for_others(cs))
			say_not_tried(trial, cs);
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
		any |= cs->on_trial;
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
	if (!check_tries(check))
	{
		foreach_ptr(CheckStep, cs, check->steps)
		{
			if (waits_for_others(cs))
				say_not_tried(&trial, cs);
		}
		return;
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
