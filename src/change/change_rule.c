/*-------------------------------------------------------------------------
 *
 * change_rule.c
 *	  Steps that are rules for rows, as rules of the audit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit/audit_rule.h"
#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/version.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"

SG_FUNCTION(sg_violations);

/* Returns columns of a step as numbers */
static List *
step_columns(const PlanStep *step, Oid table, List *names)
{
	List	   *attnums = NIL;

	foreach_ptr(const char, name, names)
	{
		AttrNumber	attnum = get_attnum(table, name);

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column %s", step->child_table, quote_identifier(name)),
					 errhint("Add the column, or leave the step out:\n%s", plan_skip_call(step, "there is no such column"))));
		attnums = lappend_int(attnums, attnum);
	}
	return attnums;
}

/* Returns the columns of a unique index that has only plain columns */
static List *
index_columns(const PlanStep *step, bool *nulls_equal)
{
	bool		unique;
	bool		plain;
	List	   *columns = plan_index_columns(plan_index_written(step->definition), &unique, &plain, nulls_equal);

	return unique && plain ? columns : NIL;
}

bool
change_is_rule(const PlanStep *step)
{
	bool		nulls_equal;

	return step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL || step->kind == STEP_UNIQUE ||
		(step->kind == STEP_INDEX && index_columns(step, &nulls_equal) != NIL);
}

AuditKey *
change_rule(const PlanStep *step, Oid author)
{
	Oid			table = sg_find_qualified(step->child_table);
	AuditKey   *ak;
	List	   *columns;
	bool		nulls_equal;

	if (!change_is_rule(step))
		return NULL;
	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s does not exist", step->child_table),
				 errhint("Create the table, or leave the step out:\n%s", plan_skip_call(step, "there is no such table"))));
	switch (step->kind)
	{
		case STEP_CHECK:
			ak = audit_rule_parse(table, AUDIT_CHECK, step->definition, author, true);
			break;
		case STEP_NOT_NULL:
			ak = audit_rule_not_null(table, NULL, linitial_int(step_columns(step, table, step->child_columns)), true);
			break;
		case STEP_UNIQUE:
			ak = audit_rule_unique(table, NULL, step_columns(step, table, step->child_columns), step->nulls_not_distinct);
			break;
		case STEP_INDEX:
			columns = index_columns(step, &nulls_equal);
			ak = audit_rule_unique(table, NULL, step_columns(step, table, columns), nulls_equal);
			break;
		default:
			return NULL;
	}
	ak->fk_name = step->fk_name;
	ak->rule->definition = step->definition;
	return ak;
}

static void
list_step_orphans(FunctionCallInfo fcinfo, PlanStep *step, int64 max_rows)
{
	FkKey		key = {0};
	FkProblem  *problem = plan_step_key(step, &key);

	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("the violations of step %d can't be listed: %s", step->step, problem->reason),
				 problem->hint ? errhint("%s", problem->hint) : 0));
	audit_list_orphans(fcinfo, &key, max_rows);
}

/*
 * sg_violations(plan text, step int, max_rows bigint DEFAULT 1000)
 *
 * Returns the rows because of which a step's constraint would be refused,
 * whether it exists yet or not.  Needs the right to read the plan, and SELECT
 * on the table (and on the parent of a key) without row security (42501); locks
 * them in ACCESS SHARE until the end of the transaction.
 */
static Datum
sg_violations_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	PlanStep   *step;
	AuditKey   *rule;
	int64		max_rows;

	sg_check_version();
	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	sg_arg_check(fcinfo, 1);
	step = plan_step_get(plan->name, PG_GETARG_INT32(1), false);
	max_rows = sg_arg_count(fcinfo, 2, INT8OID);
	if (step->kind == STEP_FOREIGN_KEY)
	{
		list_step_orphans(fcinfo, step, max_rows);
		PG_RETURN_NULL();
	}

	rule = change_rule(step, get_role_oid(plan->author, true));
	if (rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("step %d of plan \"%s\" is of kind \"%s\", which no row can break",
						step->step, plan->name, plan_kind_word(step->kind)),
				 errhint("Steps of kind foreign key, check, not null and unique have violations, and unique indexes of columns alone.")));
	audit_list_violations(fcinfo, rule, max_rows);

	PG_RETURN_NULL();
}
