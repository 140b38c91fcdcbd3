/*-------------------------------------------------------------------------
 *
 * verify_change.c
 *	  sg_verify_fks: steps that are no foreign keys.
 *
 * Whether one is done its kind finds in the catalogs, as for deployment; with
 * live, rows that a rule is about are judged one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "audit/audit_rule.h"
#include "base/compat.h"
#include "base/errors.h"
#include "change/change.h"
#include "plan/plan_relation.h"
#include "verify/verify.h"

/* Returns whether a step creates an object; others are done without one */
static bool
makes_something(const PlanStep *step)
{
	return step->kind != STEP_STATEMENT && step->kind != STEP_DROP && step->kind != STEP_RENAME && step->kind != STEP_ROWS;
}

/* Returns the name of the test, which is also the expectation */
static const char *
done_word(const PlanStep *step)
{
	return makes_something(step) ? "present" : "done";
}

static void
test_done(VerifyKey *vk, const PlanStep *step, const ChangeMove *move, bool moved)
{
	bool		made = makes_something(step);
	const char *yes = done_word(step);
	const char *no = made ? "missing" : "not done";

	if (moved)
	{
		verify_add_test(vk, yes, yes, "unknown", AUDIT_UNKNOWN, VERIFY_MOVED);
		return;
	}
	switch (move->kind)
	{
		case MOVE_NONE:
			if (step->kind == STEP_STATEMENT && step->done_when == NULL)
				verify_add_test(vk, yes, yes, "unknown", AUDIT_UNKNOWN, "nothing but the plan says so: the step has no done_when");
			else
				verify_add_test(vk, yes, yes, yes, AUDIT_PASS, move->note);
			break;
		case MOVE_VALIDATE:
		case MOVE_FILL:
			verify_add_test(vk, yes, yes, yes, AUDIT_PASS, NULL);
			break;
		case MOVE_STATEMENT:
		case MOVE_BUILD:
		case MOVE_OUTSIDE:
			verify_add_test(vk, yes, yes, no, AUDIT_FAIL, step->reason);
			break;
		case MOVE_PROBLEM:
			verify_add_test(vk, yes, yes, no, AUDIT_FAIL, move->problem->reason);
			break;
	}
}

static void
judge(AuditKey *rule)
{
	AuditTable	table = {.child = rule->key.child,.keys = list_make1(rule),.results = CurrentMemoryContext};

	audit_table(&table);
}

/*
 * Adds the test that a fill is complete: rows that were written past the
 * trigger have no value until the next call
 */
static void
test_filled(VerifyKey *vk, const PlanStep *step, const ChangeMove *move)
{
	AuditKey   *rule = audit_rule_not_null(move->table, NULL, get_attnum(move->table, linitial(step->child_columns)), true);

	judge(rule);
	if (rule->result == AUDIT_PASS)
		verify_add_test(vk, "filled", "filled", "filled", AUDIT_PASS, NULL);
	else if (rule->result == AUDIT_UNKNOWN)
		verify_add_test(vk, "filled", "filled", "unknown", AUDIT_UNKNOWN, rule->reason);
	else
		verify_add_test(vk, "filled", "filled", psprintf(INT64_FORMAT " have no value", rule->orphan_rows), AUDIT_FAIL,
						"rows that a subscription has written past the trigger; the next call of sg_apply fills them");
}

/* Adds the test that a constraint exists and is validated */
static void
test_valid(VerifyKey *vk, const PlanStep *step, const ChangeMove *move)
{
	const char *yes = step->kind == STEP_COLUMN ? "filled" : "valid";

	if (step->kind != STEP_CHECK && step->kind != STEP_NOT_NULL && step->kind != STEP_COLUMN)
		return;
	if (move->kind == MOVE_NONE && (step->kind != STEP_COLUMN || step->fill))
		verify_add_test(vk, yes, yes, yes, AUDIT_PASS, NULL);
	else if (move->kind == MOVE_VALIDATE)
		verify_add_test(vk, "valid", "valid", "not valid", AUDIT_FAIL, "rows that were there before may break it");
	else if (move->kind == MOVE_FILL && step->state == STEP_VALIDATED)
		test_filled(vk, step, move);
	else if (move->kind == MOVE_FILL)
		verify_add_test(vk, "filled", "filled", "not filled", AUDIT_FAIL, "rows that were there before may have no value");
}

typedef struct RowsArg
{
	const PlanStep *step;
	Oid			author;
	AuditKey   *rule;
} RowsArg;

static void
make_rule(void *p)
{
	RowsArg    *arg = p;

	arg->rule = change_rule(arg->step, arg->author);
}

/* Adds the test that no row breaks the rule, whatever the catalogs say */
static void
test_rows(VerifyKey *vk, const FkPlan *plan, const PlanStep *step)
{
	RowsArg		arg = {.step = step,.author = plan->author_id};
	ErrorData  *edata = sg_try_undo(make_rule, &arg);

	if (edata == NULL && arg.rule)
		judge(arg.rule);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		verify_add_test(vk, "live: rows", "0 break it", "unknown", AUDIT_UNKNOWN, sg_error_message(edata));
	}
	else if (arg.rule && arg.rule->result == AUDIT_UNKNOWN)
		verify_add_test(vk, "live: rows", "0 break it", "unknown", AUDIT_UNKNOWN, arg.rule->reason);
	else if (arg.rule)
		verify_add_test(vk, "live: rows", "0 break it", psprintf(INT64_FORMAT " break it", arg.rule->orphan_rows), arg.rule->result, NULL);
}

/* Arguments of change_look(), for sg_try_undo() */
typedef struct ChangeArg
{
	const PlanStep *step;
	ChangeMove	move;
	bool		moved;			/* a later step has renamed or dropped its
								 * object */
} ChangeArg;

static void
look_at_change(void *p)
{
	ChangeArg  *arg = p;

	change_look(arg->step, &arg->move);
	if ((arg->move.kind == MOVE_PROBLEM || !(arg->step->kind == STEP_RENAME || arg->step->kind == STEP_DROP)) &&
		change_was_done(arg->step, &arg->move))
	{
		const PlanStep *now = verify_step_now(arg->step, DEED_CHANGE);

		if (now)
		{
			arg->step = now;
			change_look(now, &arg->move);
		}

		/*
		 * a column step whose column is missing: the plan has dropped the
		 * column
		 */
		arg->moved = (arg->move.kind == MOVE_PROBLEM || (arg->step->kind == STEP_COLUMN && arg->move.kind == MOVE_STATEMENT) ||
					  (arg->move.kind != MOVE_NONE && plan_step_undone(arg->step))) && makes_something(arg->step);
	}
}

void
verify_change(VerifyKey *vk, const FkPlan *plan, bool live)
{
	const PlanStep *step = vk->change;
	ChangeArg	arg = {step};
	ErrorData  *edata;

	if (step->skipped_by || step->phase)
	{
		verify_add_test(vk, done_word(step), NULL, NULL, AUDIT_SKIPPED, step->phase ? psprintf("waits for phase %s", step->phase) :
						psprintf("the step is skipped: %s", step->reason ? step->reason : "no reason given"));
		return;
	}
	if (step->done_when && plan->author_id != GetUserId())
	{
		verify_add_test(vk, done_word(step), NULL, NULL, AUDIT_UNKNOWN,
						psprintf("whether it is done says a query of role %s, which was not run", plan->author));
		return;
	}
	edata = sg_try_undo(look_at_change, &arg);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		verify_add_test(vk, done_word(step), NULL, NULL, AUDIT_UNKNOWN, sg_error_text(edata));
		return;
	}
	step = arg.step;
	test_done(vk, step, &arg.move, arg.moved);
	test_valid(vk, step, &arg.move);
	if (live && arg.move.kind != MOVE_PROBLEM &&
		(step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL || step->kind == STEP_UNIQUE || step->kind == STEP_INDEX))
		test_rows(vk, plan, step);
}
