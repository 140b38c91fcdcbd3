/*-------------------------------------------------------------------------
 *
 * plan_key.c
 *	  A step of a plan as a key in this database, and as SQL.
 *
 *	  The SQL qualifies all names and quotes those that need it; it omits
 *	  default clauses, so that it reads like a script that a person would
 *	  write.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/quote.h"
#include "base/words.h"
#include "plan/plan.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"

static FkProblem *
missing_table(const PlanStep *step, const char *side, const char *table)
{
	return fk_problem(FK_PROBLEM_TABLE, ERRCODE_UNDEFINED_TABLE,
					  psprintf("%s table %s does not exist", side, table),
					  psprintf("Create the table, or leave the step out:\n%s", plan_skip_call(step, "there is no such table")));
}

/* Resolves ON DELETE SET ... (columns), which are columns of the child, to numbers */
static FkProblem *
resolve_delete_set(const PlanStep *step, FkKey *key)
{
	foreach_ptr(char, name, step->on_delete_columns)
	{
		AttrNumber	attnum = get_attnum(key->child, name);
		bool		in_key = false;

		for (int i = 0; i < key->nkeys && !in_key; i++)
			in_key = key->child_att[i] == attnum;
		if (!in_key || key->ndelete_set == INDEX_MAX_KEYS)
			return fk_problem(FK_PROBLEM_COLUMN, ERRCODE_INVALID_COLUMN_REFERENCE,
							  psprintf("column %s of ON DELETE SET is not one of the key's columns",
									   quote_identifier(name)),
							  psprintf("Name columns of the key, or set all of them:\n%s", plan_set_call(step, "on_delete_columns", NULL, NULL)));
		key->delete_set[key->ndelete_set++] = attnum;
	}

	return NULL;
}

/*
 * Returns the hint for a key's problem: the call that adds the unique index
 * that the parent lacks, or skips a step whose types do not fit, or the
 * problem's own
 */
static char *
plan_hint(const PlanStep *step, const FkProblem *problem)
{
	if (problem->kind == FK_PROBLEM_TARGET && problem->hint == NULL)
		return plan_unique_call(step);
	if (step->step > 0 && problem->kind == FK_PROBLEM_OPERATOR && problem->hint && strchr(problem->hint, '\n') == NULL)
		return psprintf("%s Or leave the step out:\n%s", problem->hint, plan_skip_call(step, "the types do not go together"));
	return problem->hint;
}

FkProblem *
plan_step_key(const PlanStep *step, FkKey *key)
{
	FkProblem  *problem;

	memset(key, 0, sizeof(FkKey));
	if (step->kind != STEP_FOREIGN_KEY)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED, "the step is no foreign key", NULL);
	key->name = pstrdup(step->fk_name);
	key->match = step->match;
	key->on_update = step->on_update;
	key->on_delete = step->on_delete;
	key->deferrable = step->deferrable;
	key->initially_deferred = step->initially_deferred;
	key->enforced = step->enforced;
	key->period = step->period;
	key->replaces = step->replaces;
	key->child = sg_find_qualified(step->child_table);
	key->parent = sg_find_qualified(step->parent_table);

	if (!OidIsValid(key->child))
		return missing_table(step, "child", step->child_table);
	if (!OidIsValid(key->parent))
		return missing_table(step, "parent", step->parent_table);

	problem = fk_check_tables(key->child, key->parent);
	if (problem == NULL)
		problem = fk_resolve(key->child, step->child_columns,
							 key->parent, step->parent_columns, key);
	if (problem)
		problem->hint = plan_hint(step, problem);
	if (problem == NULL)
		problem = resolve_delete_set(step, key);
	if (problem == NULL && !step->enforced && !SG_HAVE_NOT_ENFORCED)
		problem = fk_problem(FK_PROBLEM_ENFORCEMENT, ERRCODE_FEATURE_NOT_SUPPORTED,
							 "this server knows no NOT ENFORCED keys",
							 "They exist from PostgreSQL 18 on.");

	return problem;
}

/* Appends ON DELETE or ON UPDATE, unless it is NO ACTION */
static void
append_action(StringInfo sql, const char *event, char action)
{
	const char *word = sg_action_word(action);

	if (action != FKCONSTR_ACTION_NOACTION)
		appendStringInfo(sql, " ON %s %s", event, asc_toupper(word, strlen(word)));
}

/* Returns "a, b", or "a, PERIOD b" if the last column compares by coverage */
static char *
key_columns(List *names, bool period)
{
	List	   *others;

	if (!period)
		return sg_quote_list(names);

	others = list_copy_head(names, list_length(names) - 1);
	return psprintf("%s%sPERIOD %s", sg_quote_list(others), others ? ", " : "",
					quote_identifier(llast(names)));
}

char *
plan_key_clause(const PlanStep *step, bool not_valid)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "FOREIGN KEY (%s) REFERENCES %s",
					 key_columns(step->child_columns, step->period), step->parent_table);
	if (step->parent_columns)
		appendStringInfo(&sql, " (%s)", key_columns(step->parent_columns, step->period));
	if (step->match == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&sql, " MATCH FULL");

	append_action(&sql, "UPDATE", step->on_update);
	append_action(&sql, "DELETE", step->on_delete);
	if (step->on_delete_columns)
		appendStringInfo(&sql, " (%s)", sg_quote_list(step->on_delete_columns));

	if (step->initially_deferred)
		appendStringInfoString(&sql, " DEFERRABLE INITIALLY DEFERRED");
	else if (step->deferrable)
		appendStringInfoString(&sql, " DEFERRABLE");

	/* NOT ENFORCED implies NOT VALID */
	if (!step->enforced)
		appendStringInfoString(&sql, " NOT ENFORCED");
	else if (not_valid)
		appendStringInfoString(&sql, " NOT VALID");

	return sql.data;
}

char *
plan_add_statement(const PlanStep *step, bool not_valid)
{
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", step->child_table,
					quote_identifier(step->fk_name), plan_key_clause(step, not_valid));
}

char *
plan_validate_statement(const char *child_table, const char *fk_name)
{
	return psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
					child_table, quote_identifier(fk_name));
}

bool
plan_step_fixes(const PlanStep *step)
{
	return step->enforced && step->orphans != ORPHANS_STOP &&
		(step->orphans != ORPHANS_LEAVE || step->sentinel);
}

bool
plan_step_goes_along(const PlanStep *step)
{
	return step->orphans == ORPHANS_LEAVE && step->quarantine_cascades;
}

char *
plan_drop_statement(const char *child_table, const char *fk_name)
{
	return psprintf("ALTER TABLE %s DROP CONSTRAINT %s",
					child_table, quote_identifier(fk_name));
}

PlanStep *
plan_partition_step(const PlanStep *step, Oid partition)
{
	PlanStep   *part = palloc(sizeof(PlanStep));

	*part = *step;
	part->child_table = sg_relation_name(partition);
	for (int n = 1; sg_name_is_used(SG_NAME_CONSTRAINT, partition, part->fk_name); n++)
		part->fk_name = sg_make_nth_name(step->fk_name, NULL, NULL, n);
	return part;
}

char *
plan_step_object(const PlanStep *step)
{
	if (step->kind != STEP_FOREIGN_KEY)
		return plan_change_object(step);
	return psprintf("%s ON %s", quote_identifier(step->fk_name), step->child_table);
}
