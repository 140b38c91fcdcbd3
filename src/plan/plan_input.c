/*-------------------------------------------------------------------------
 *
 * plan_input.c
 *	  Checks of every step on its way into a plan, by sg_plan_add_fk(), a
 *	  script, a document or sg_plan_set().
 *
 *	  Misuse is an error.  A table or column that this database lacks is not:
 *	  a plan may be written in one environment for another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/name.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/words.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_input.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_name.h"
#include "plan/plan_option.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"

struct PlanDraft
{
	MemoryContext context;		/* memory context of the lists below */
	const FkPlan *plan;
	bool		quiet;			/* count incomplete steps, without a NOTICE
								 * for each */
	List	   *missing;		/* PlanStep * */
	List	   *untargeted;		/* PlanStep *, with the problem in reason:
								 * their parents lack a unique index */
	bool		incomplete;		/* the last checked step lacks something */
	FkProblem  *problem;		/* it lacks nothing, and its key is
								 * impossible; or NULL */
	bool		changed;
	List	   *checked;		/* PlanStep *: new or changed */
	int			first_new;		/* number of the first inserted step */
	OrphanPolicy policy;		/* policy of steps that have none of their own */
};

/* Checks a list of columns: valid names, no duplicates, no more than a key can have */
static void
check_columns(List *columns, const char *what)
{
	List	   *seen = NIL;

	if (list_length(columns) > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("%s lists %d columns", what, list_length(columns)),
				 errdetail("A foreign key has at most %d columns.", INDEX_MAX_KEYS)));

	foreach_ptr(char, name, columns)
	{
		sg_check_name(name, "column name");
		if (sg_has_name(seen, name))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column %s appears twice in %s", quote_identifier(name), what),
					 errhint("A key has each of its columns once.")));
		seen = lappend(seen, name);
	}
}

static void
check_key_columns(const PlanStep *step)
{
	if (step->child_columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("child_columns must not be empty"),
				 errhint("Name the referencing columns: ARRAY['customer_id'].")));
	check_columns(step->child_columns, "child_columns");
	check_columns(step->parent_columns, "parent_columns");

	if (step->parent_columns &&
		list_length(step->child_columns) != list_length(step->parent_columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("number of referencing and referenced columns differs"),
				 errdetail("child_columns has %d, parent_columns has %d.",
						   list_length(step->child_columns), list_length(step->parent_columns)),
				 errhint("The columns are paired by their position.")));
}

static void
check_delete_columns(const PlanStep *step)
{
	ListCell   *lc;

	if (step->on_delete_columns == NIL)
		return;

	if (step->on_delete != FKCONSTR_ACTION_SETNULL && step->on_delete != FKCONSTR_ACTION_SETDEFAULT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_delete_columns does not go with on_delete \"%s\"", sg_action_word(step->on_delete)),
				 errhint("A list of columns belongs to \"set null\" and \"set default\".")));

	check_columns(step->on_delete_columns, "on_delete_columns");
	foreach(lc, step->on_delete_columns)
	{
		if (!sg_has_name(step->child_columns, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_FOREIGN_KEY),
					 errmsg("column %s of on_delete_columns is not in child_columns",
							quote_identifier(lfirst(lc))),
					 errhint("ON DELETE can set columns of the key only.")));
	}
}

/* Checks the policy for orphans together with the fields that it needs */
static void
check_orphans(const PlanStep *step)
{
	plan_check_key_policy(step->orphans);
	/* with orphans, such a step has no key that could be fixed */
	if (step->sentinel && step->orphans == ORPHANS_STOP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a sentinel does not go with the policy \"stop\""),
				 errhint("Set orphans to \"leave\", \"quarantine\", \"delete\" or \"set null\"; or set no sentinel.")));
	if (step->quarantine_cascades && !plan_policy_deletes(step->orphans) && !plan_step_goes_along(step))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quarantine_cascades does not go with the policy \"%s\"", plan_policy_word(step->orphans)),
				 errhint("Set orphans to \"quarantine\", \"delete\" or \"leave\" first; or set quarantine_cascades to false.")));
}

/* Checks a PERIOD key for clauses that ALTER TABLE refuses, and for policies that do not exist for it */
static void
check_period(const PlanStep *step)
{
	if (!SG_HAVE_PERIOD)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server knows no PERIOD keys"),
				 errhint("They exist from PostgreSQL 18 on; leave out \"period\".")));
	if (list_length(step->child_columns) < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a PERIOD key needs two columns or more"),
				 errhint("The last one is the period; name the columns that are compared before it.")));
	if (step->on_delete != FKCONSTR_ACTION_NOACTION || step->on_update != FKCONSTR_ACTION_NOACTION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("PERIOD keys know no action but \"no action\""),
				 errhint("Leave out on_delete and on_update.")));
	if (step->orphans != ORPHANS_STOP && step->orphans != ORPHANS_LEAVE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("orphans of a PERIOD key can't be fixed"),
				 errhint("Set orphans to \"stop\" or \"leave\", and mend the rows by hand.")));
	if (step->sentinel)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a sentinel does not go with a PERIOD key"),
				 errhint("Replace the value by null yourself.")));
}

static void
check_clauses(PlanStep *step)
{
	check_orphans(step);

	/* as in SQL, where INITIALLY DEFERRED alone implies DEFERRABLE */
	if (step->initially_deferred)
		step->deferrable = true;

	if (!step->enforced && !SG_HAVE_NOT_ENFORCED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server knows no NOT ENFORCED keys"),
				 errhint("They exist from PostgreSQL 18 on; leave out \"enforced\".")));

	if (step->replaces)
		sg_check_name(step->replaces, "replaces");
	if ((step->replaces || step->backfill) && !step->enforced)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s does not go with a key that is not enforced",
						step->replaces ? "replaces" : "backfill"),
				 errhint("Such a key protects no row and is never validated, which is when the old key goes.")));
}

#define MISSING_TOLD 3			/* number of steps that a quiet draft
								 * describes */

static void
tell_no_column(Oid relid, const char *table, const char *column, const char *fate)
{
	char	   *near = sg_nearest_column(relid, column);
	char	   *several = sg_several_names(column);

	ereport(NOTICE,
			(errmsg("table %s has no column %s here: the step will %s until it has", table, quote_identifier(column), fate),
			 several ? errhint("%s", several) : near ? errhint("Perhaps you meant column %s.", quote_identifier(near)) : 0));
}

static bool is_made(List *steps, ChangedObject what, const char *table, const char *name);

/* Returns whether a step of the plan creates the table */
static bool
is_made_table(const char *plan, const char *table)
{
	return is_made(plan_steps_named(plan, table, sg_parse_table_name(table).name), CHANGED_TABLE, table, NULL);
}

/*
 * Returns a text about the first of these tables and columns that does not
 * exist, and that no step makes, with the nearest name if wanted; NULL: all
 * exist
 */
static char *
describe_lacking(const PlanStep *step, const char *table, List *columns, bool nearest)
{
	Oid			relid = table ? sg_find_qualified(table) : InvalidOid;
	char	   *near;

	if (table == NULL || (!OidIsValid(relid) && is_made_table(step->plan, table)))
		return NULL;
	if (!OidIsValid(relid))
	{
		near = nearest ? sg_nearest_table(table) : NULL;
		return near ? psprintf("there is no table %s, perhaps you meant %s", table, near) : psprintf("there is no table %s", table);
	}
	foreach_ptr(const char, column, columns)
	{
		if (get_attnum(relid, column) != InvalidAttrNumber ||
			is_made(plan_steps(step->plan), CHANGED_COLUMN, table, column))
			continue;
		near = nearest ? sg_nearest_column(relid, column) : NULL;
		return psprintf("table %s has no column %s%s", table, quote_identifier(column),
						near ? psprintf(", perhaps you meant %s", quote_identifier(near)) : "");
	}
	return NULL;
}

/* Returns whether the table has all the columns; reports missing ones, unless quiet */
static bool
has_columns(Oid relid, const char *table, List *columns, bool quiet)
{
	bool		all = true;
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	attnum = get_attnum(relid, lfirst(lc));

		if (attnum < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("column %s of %s is a system column", quote_identifier(lfirst(lc)), table),
					 errhint("System columns can't be in a key.")));
		if (attnum != InvalidAttrNumber)
			continue;
		all = false;
		if (!quiet)
			tell_no_column(relid, table, lfirst(lc), "be skipped");
	}
	return all;
}

static bool
has_table(const PlanStep *step, const char *table, bool quiet)
{
	Oid			relid = sg_find_qualified(table);

	if (!OidIsValid(relid) && !quiet && !is_made_table(step->plan, table))
	{
		char	   *near = sg_nearest_table(table);

		ereport(NOTICE,
				(errmsg("table %s does not exist here: the step will be skipped until it does", table),
				 near ? errhint("Perhaps you meant %s.", near) : 0));
	}
	return OidIsValid(relid);
}

/*
 * Checks that both tables, if they exist, can be in a key.  Returns whether
 * they and the columns exist.
 */
static bool
check_tables(const PlanStep *step, bool quiet)
{
	Oid			child = sg_find_qualified(step->child_table);
	Oid			parent = sg_find_qualified(step->parent_table);
	FkProblem  *problem = fk_check_tables(child, parent);
	bool		complete;

	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason),
				 problem->hint ? errhint("%s", problem->hint) : 0));

	complete = has_table(step, step->child_table, quiet) &&
		(has_columns(child, step->child_table, step->child_columns,
					 quiet || step->backfill) || step->backfill);
	if (!sg_same_text(step->child_table, step->parent_table))
		complete &= has_table(step, step->parent_table, quiet);
	if (OidIsValid(parent))
		complete &= has_columns(parent, step->parent_table, step->parent_columns, quiet);

	return complete;
}

char *
plan_qualify(const char *table)
{
	char	   *known = sg_table_of_oid(table);
	SgTableName name = sg_parse_table_name(known ? known : table);
	char	   *qualified;

	if (name.schema && (strncmp(name.schema, "pg_temp", 7) == 0 ||
						strncmp(name.schema, "pg_toast", 8) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("%s is in a schema of temporary or system tables", table),
				 errhint("Plans are for tables that stay.")));
	(void) sg_find_table(&name, &qualified);

	return qualified;
}

/* ---- identity ---- */

/* Returns the columns that a step references, as far as known */
static List *
referenced_columns(const PlanStep *step)
{
	Oid			parent;

	if (step->parent_columns)
		return step->parent_columns;
	parent = sg_find_qualified(step->parent_table);
	return OidIsValid(parent) ? fk_primary_key(parent) : NIL;
}

/* Returns whether two steps are the same key: same tables, same pairs of columns */
static bool
is_same_key(const PlanStep *a, const PlanStep *b)
{
	if (!sg_same_text(a->child_table, b->child_table) ||
		!sg_same_text(a->parent_table, b->parent_table))
		return false;

	/* without parent columns: pairs follow the order of the primary key */
	if (a->parent_columns == NIL && b->parent_columns == NIL)
		return sg_equal_names(a->child_columns, b->child_columns);

	/* a primary key that is unknown here counts as the same */
	return fk_same_pairs(a->child_columns, referenced_columns(a), b->child_columns, referenced_columns(b));
}

/*
 * Returns the space of names of a step's object: constraints of a table share
 * one, whatever their kind; other kinds of objects have one each
 */
static const char *
name_space(const PlanStep *step)
{
	switch (step->kind)
	{
		case STEP_FOREIGN_KEY:
		case STEP_CHECK:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
			return "";
		case STEP_DROP:
		case STEP_RENAME:
			return psprintf("%s %s", plan_kind_word(step->kind), step->definition ? step->definition : "");
		case STEP_COLUMN:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_STATEMENT:
		case STEP_TABLE:
		case STEP_ROWS:
		case STEP_KINDS:
			break;
	}
	return plan_kind_word(step->kind);
}

/*
 * Returns the number of another step, among those that have or replace a name,
 * in the same space of names; or 0
 */
static int
other_step(List *steps, const PlanStep *step)
{
	foreach_ptr(const PlanStep, other, steps)
	{
		if (other->step != step->step && strcmp(name_space(other), name_space(step)) == 0)
			return other->step;
	}
	return 0;
}

/* Returns the number of another step whose key has the name in the same table, or 0 */
static int
name_owner(PlanDraft *draft, const PlanStep *step, const char *name)
{
	return other_step(plan_steps_named(draft->plan->name, step->child_table, name), step);
}

/* Returns the number of the step that replaces the key of that name, or 0 */
static int
name_replacer(PlanDraft *draft, const PlanStep *step, const char *name)
{
	return other_step(plan_steps_replacing(draft->plan->name, step->child_table, name), step);
}

PlanDraft *
plan_draft_begin(const FkPlan *plan)
{
	PlanDraft  *draft = palloc0(sizeof(PlanDraft));

	draft->context = CurrentMemoryContext;
	draft->plan = plan;
	draft->policy = plan_option_policy(plan->name);
	draft->first_new = INT_MAX;

	return draft;
}

void
plan_draft_set_quiet(PlanDraft *draft)
{
	draft->quiet = true;
}

/* Raises an error if another step of the plan is this key or has its name */
static void
check_others(PlanDraft *draft, const PlanStep *step)
{
	int			owner = step->fk_name ? name_owner(draft, step, step->fk_name) : 0;

	foreach_ptr(PlanStep, other, step->kind == STEP_FOREIGN_KEY ? plan_steps_alike(step) : NIL)
	{
		if (other->step != step->step && is_same_key(step, other))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("step %d of plan \"%s\" is the same key", other->step, draft->plan->name),
					 errdetail("Both join %s (%s) to %s.", step->child_table,
							   sg_quote_list(step->child_columns), step->parent_table),
					 step->step ? errhint("Leave this one out:\n%s", plan_skip_call(step, psprintf("the same as step %d", other->step))) :
					 errhint(sg_calls("Change that step. What it says:\nSELECT * FROM sg_plan_explain(%s, %d);"), quote_literal_cstr(other->plan), other->step)));
	}

	if (owner)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("step %d of plan \"%s\" has the name %s", owner, draft->plan->name,
						quote_identifier(step->fk_name)),
				 step->kind == STEP_FOREIGN_KEY ?
				 errdetail("Both are keys of %s, whose keys need different names.", step->child_table) :
				 errdetail("Both are about %s.", plan_step_object(step)),
				 errhint("Choose another fk_name, or leave it out to have one made up.")));
}

/* Raises an error if the replaced key is one that a step adds, or another step replaces it */
static void
check_replaced(PlanDraft *draft, const PlanStep *step)
{
	int			other;

	if (step->replaces)
	{
		if (name_owner(draft, step, step->replaces) ||
			sg_same_text(step->replaces, step->fk_name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("key %s of %s can't be replaced: the plan adds it itself",
							quote_identifier(step->replaces), step->child_table),
					 errhint("Both keys exist for a while, so the new one needs another name than the old one.")));
		other = name_replacer(draft, step, step->replaces);
		if (other)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("step %d of plan \"%s\" replaces key %s already", other,
							draft->plan->name, quote_identifier(step->replaces)),
					 errhint("A key is replaced by one step.")));
	}

	other = name_replacer(draft, step, step->fk_name);
	if (other)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("step %d of plan \"%s\" replaces the key %s", other,
						draft->plan->name, quote_identifier(step->fk_name)),
				 errhint("Choose another fk_name.")));
}

/* ---- names ---- */

/* Returns the name of a declared key with the step's columns, or NULL */
static char *
declared_name(PlanDraft *draft, const PlanStep *step)
{
	PlanStep	named = *step;
	FkKey		key;

	named.fk_name = "";
	if (plan_step_key(&named, &key) != NULL)
		return NULL;

	foreach_ptr(FkKey, declared, fk_declared(key.child))
	{
		if (fk_same_columns(&key, declared) && !name_owner(draft, step, declared->name) &&
			!name_replacer(draft, step, declared->name) &&
			!sg_same_text(step->replaces, declared->name))
			return declared->name;
	}
	return NULL;
}

char *
plan_default_fk_name(const PlanStep *step, int n)
{
	return sg_make_nth_name(sg_parse_table_name(step->child_table).name, sg_join_names(step->child_columns), "fkey", n);
}

/* Returns a name that ALTER TABLE would choose, free among the child's other keys */
static char *
make_fk_name(PlanDraft *draft, const PlanStep *step)
{
	Oid			child = sg_find_qualified(step->child_table);
	char	   *name = OidIsValid(child) ? declared_name(draft, step) : NULL;

	for (int n = 0; name == NULL; n++)
	{
		name = plan_default_fk_name(step, n);
		if (name_owner(draft, step, name) || name_replacer(draft, step, name) ||
			sg_same_text(step->replaces, name) ||
			(OidIsValid(child) && sg_name_is_used(SG_NAME_CONSTRAINT, child, name)))
			name = NULL;
	}

	return name;
}

void
plan_step_skip(PlanStep *step, const char *reason)
{
	step->state = STEP_SKIPPED;
	step->reason = pstrdup(reason);
	step->skipped_by = GetUserNameFromId(GetUserId(), false);
}

/* ---- into the plan ---- */

/*
 * Returns why existing tables and columns can't be in such a key; columns that
 * a backfill makes do not count
 */
static FkProblem *
find_problem(const PlanDraft *draft, const PlanStep *step)
{
	FkKey		key;

	if (step->state == STEP_SKIPPED || draft->incomplete || step->backfill)
		return NULL;
	return plan_step_key(step, &key);
}

/* Sets the plan's policy for a new step; a PERIOD key's orphans can't be fixed */
static void
take_policy(const PlanDraft *draft, PlanStep *step)
{
	if (step->policy_is_plans && step->orphans == ORPHANS_STOP &&
		(!step->period || draft->policy == ORPHANS_LEAVE))
		step->orphans = draft->policy;
}

/* Arguments for plan_change_check */
typedef struct TakenArg
{
	PlanDraft  *draft;
	const PlanStep *step;
} TakenArg;

/* Returns whether an object other than the step's own index has the name */
static bool
is_other_relation(const PlanStep *step, Oid table, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(table));

	if (step->kind == STEP_INDEX && OidIsValid(index) && plan_index_is_defined(index, table, step->definition))
		return false;
	return sg_name_is_used(SG_NAME_RELATION, table, name);
}

static bool
is_taken(void *p, const char *name)
{
	TakenArg   *arg = p;
	const PlanStep *step = arg->step;
	Oid			table = step->child_table ? sg_find_qualified(step->child_table) : InvalidOid;
	bool		is_relation = step->kind == STEP_INDEX || step->kind == STEP_UNIQUE;

	return name_owner(arg->draft, step, name) ||
		(is_relation && plan_index_name_is_planned(step, name)) ||
		(OidIsValid(table) && is_relation && is_other_relation(step, table, name)) ||
		(OidIsValid(table) && name_space(step)[0] == '\0' && sg_name_is_used(SG_NAME_CONSTRAINT, table, name));
}

/* Rejects an unnamed constraint or index that is identical to another step's */
static void
check_same_change(PlanDraft *draft, const PlanStep *step)
{
	foreach_ptr(PlanStep, other, plan_steps_alike(step))
	{
		if (other->step != step->step)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("step %d of plan \"%s\" is the same %s", other->step, draft->plan->name,
							plan_kind_word(step->kind)),
					 errdetail("Both are about %s.", plan_step_object(other)),
					 errhint(sg_calls("Give this one a name of its own, or change that step. What it says:\nSELECT * FROM sg_plan_explain(%s, %d);"), quote_literal_cstr(other->plan), other->step)));
	}
}

/* Returns whether one of these steps makes this object of a table, or renames one to that name */
static bool
is_made(List *steps, ChangedObject what, const char *table, const char *name)
{
	bool		is_relation = what == CHANGED_TABLE || what == CHANGED_VIEW;

	foreach_ptr(const PlanStep, step, steps)
	{
		if (step->kind == STEP_RENAME && plan_changed_object(step) == what)
		{
			if (is_relation ? sg_same_text(plan_renamed_table(step), table) :
				sg_same_text(step->child_table, table) && sg_same_text(step->new_name, name))
				return true;
		}
		else if (step->kind == STEP_TABLE && is_relation && sg_same_text(step->child_table, table))
			return true;
		else if ((step->kind == STEP_COLUMN && what == CHANGED_COLUMN) || (step->kind == STEP_INDEX && what == CHANGED_INDEX) ||
				 (name_space(step)[0] == '\0' && what == CHANGED_CONSTRAINT))
		{
			if (sg_same_text(step->child_table, table) && sg_same_text(step->fk_name, name))
				return true;
		}
	}
	return false;
}

/*
 * Returns the columns that a step which is no foreign key needs, that its table
 * does not have, and that none of the steps makes.
 */
static List *
lacking_columns(const PlanStep *step, List *steps)
{
	List	   *lacking = NIL;
	Oid			relid;

	if (step->kind != STEP_NOT_NULL && step->kind != STEP_UNIQUE && step->kind != STEP_DEFAULT)
		return NIL;
	relid = sg_find_qualified(step->child_table);
	if (!OidIsValid(relid))
		return NIL;
	foreach_ptr(char, column, step->child_columns)
	{
		if (get_attnum(relid, column) == InvalidAttrNumber && !is_made(steps, CHANGED_COLUMN, step->child_table, column))
			lacking = lappend(lacking, column);
	}
	return lacking;
}

char *
plan_nearest_part(const PlanStep *step, Oid table)
{
	switch (plan_changed_object(step))
	{
		case CHANGED_CONSTRAINT:
			return sg_nearest_part(table, ConstraintRelationId, step->fk_name);
		case CHANGED_TRIGGER:
			return sg_nearest_part(table, TriggerRelationId, step->fk_name);
		case CHANGED_INDEX:
			return sg_nearest_part(table, IndexRelationId, step->fk_name);
		default:
			return NULL;
	}
}

/* Reports that the object that a step is to drop or rename neither exists nor is made by another step */
static void
tell_absent(const PlanStep *step)
{
	Oid			table = sg_find_qualified(step->child_table);
	char	   *near;

	if (plan_changed_object(step) == CHANGED_COLUMN)
	{
		tell_no_column(table, step->child_table, step->fk_name, "fail");
		return;
	}
	near = plan_nearest_part(step, table);
	ereport(NOTICE,
			(errmsg("%s: there is none here, and the step will fail until there is", plan_step_object(step)),
			 near ? errhint("Perhaps you meant %s.", quote_identifier(near)) : 0));
}

/* Records which object a step drops, unless another step makes it, or the step knows already */
static void
set_mark(PlanStep *step)
{
	ObjectAddress object = plan_step_target(step, step->fk_name);

	if (step->object_mark == NULL && OidIsValid(object.objectId) &&
		!is_made(plan_steps(step->plan), plan_changed_object(step), step->child_table, step->fk_name))
		step->object_mark = plan_object_mark(&object);
}

/* Checks a step that is no foreign key */
static void
check_change(PlanDraft *draft, PlanStep *step)
{
	TakenArg	arg = {draft, step};
	bool		named = step->fk_name != NULL;
	bool		absent = false;

	plan_change_check(step, is_taken, &arg);
	if (step->kind == STEP_DROP && !plan_step_is_there(step))
		set_mark(step);
	if ((step->kind == STEP_DROP || step->kind == STEP_RENAME) && !plan_step_is_there(step) && !step->if_exists)
	{
		absent = !plan_change_finds(step) && !is_made(plan_steps(step->plan), plan_changed_object(step), step->child_table, step->fk_name);
		step->missing = absent;
	}
	if (!named)
		check_same_change(draft, step);
	check_columns(step->child_columns, "child_columns");
	draft->incomplete = step->state != STEP_SKIPPED && step->child_table && step->kind != STEP_TABLE &&
		!has_table(step, step->child_table, draft->quiet || step->if_exists);
	if (absent && step->state != STEP_SKIPPED && !draft->incomplete && !draft->quiet)
		tell_absent(step);
	if (step->state != STEP_SKIPPED && !draft->incomplete && lacking_columns(step, NIL) != NIL)
	{
		List	   *lacking = lacking_columns(step, plan_steps(step->plan));

		draft->incomplete = lacking != NIL;
		if (!draft->quiet)
			foreach_ptr(const char, column, lacking)
				tell_no_column(sg_find_qualified(step->child_table), step->child_table, column, "be skipped");
	}
	check_others(draft, step);
	draft->problem = NULL;
	draft->changed = true;
}

void
plan_draft_check(PlanDraft *draft, PlanStep *step)
{
	MemoryContext old = MemoryContextSwitchTo(draft->context);

	draft->checked = lappend(draft->checked, step);
	MemoryContextSwitchTo(old);
	if (step->kind != STEP_FOREIGN_KEY)
	{
		check_change(draft, step);
		return;
	}
	take_policy(draft, step);
	check_clauses(step);
	check_key_columns(step);
	check_delete_columns(step);
	if (step->period)
		check_period(step);
	if (step->backfill)
		plan_check_backfill(step);
	if (step->fk_name)
		sg_check_name(step->fk_name, "fk_name");
	draft->incomplete = step->state != STEP_SKIPPED && !check_tables(step, draft->quiet);

	check_others(draft, step);
	if (step->fk_name == NULL)
		step->fk_name = make_fk_name(draft, step);
	if (step->index_name)
		sg_check_name(step->index_name, "index_name");
	else if (step->index)
		step->index_name = plan_make_index_name(step);
	check_replaced(draft, step);
	draft->problem = find_problem(draft, step);

	draft->changed = true;
}

static void
tell_problem(const PlanStep *step, const char *reason, const char *hint)
{
	ereport(NOTICE,
			(errmsg("step %d (%s) can't work as things are here: %s", step->step, plan_step_object(step), reason),
			 hint ? errhint("%s", hint) : 0));
}

FkProblem  *(*plan_problem_hook) (const PlanStep *step) = NULL;
FkProblem  *(*plan_names_hook) (const PlanStep *step) = NULL;
bool		(*plan_equal_hook) (const PlanStep *step, const char *name) = NULL;

/* Returns whether another step of the plan may make an object that a step lacks */
static bool
may_come(const PlanStep *step)
{
	List	   *steps = plan_steps(step->plan);

	foreach_ptr(const PlanStep, other, steps)
	{
		if (other->step != step->step && (other->kind == STEP_STATEMENT || other->kind == STEP_RENAME) &&
			!plan_step_is_done(other))
			return true;
	}
	return plan_waits_for(plan_graph(steps), step->step) != NULL;
}

/* Reports why a step that is no foreign key can't be done at present */
static void
tell_change(const PlanDraft *draft, const PlanStep *step)
{
	FkProblem  *problem = NULL;

	if (draft->quiet || draft->incomplete || step->missing || step->state != STEP_PENDING)
		return;
	switch (step->kind)
	{
		case STEP_STATEMENT:
			problem = plan_names_hook(step);
			if (problem)
				tell_problem(step, problem->reason, problem->hint);
			return;
		case STEP_CHECK:
		case STEP_COLUMN:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_TABLE:
		case STEP_RENAME:
		case STEP_ROWS:
			problem = plan_problem_hook(step);
			break;
		default:
			break;
	}
	if (problem && !may_come(step))
		tell_problem(step, problem->reason, problem->hint);
}

int
plan_draft_insert(PlanDraft *draft, PlanStep *step)
{
	(void) plan_step_insert(step);
	draft->first_new = Min(draft->first_new, step->step);
	tell_change(draft, step);
	/* a step after all others may be about objects that they make */
	if (draft->incomplete && !plan_step_is_in_order(step))
	{
		MemoryContext old = MemoryContextSwitchTo(draft->context);

		draft->missing = lappend(draft->missing, step);
		MemoryContextSwitchTo(old);
	}
	if (draft->problem && draft->problem->kind == FK_PROBLEM_TARGET && draft->quiet)
	{
		MemoryContext old = MemoryContextSwitchTo(draft->context);
		PlanStep   *told = palloc(sizeof(PlanStep));

		*told = *step;
		told->reason = pstrdup(draft->problem->reason);
		draft->untargeted = lappend(draft->untargeted, told);
		MemoryContextSwitchTo(old);
	}
	else if (draft->problem)
		tell_problem(step, draft->problem->reason, draft->problem->hint);

	return step->step;
}

/* Reports at the end of a quiet draft the parents without a unique index that a step makes */
static void
tell_untargeted(const PlanDraft *draft)
{
	PlanGraph  *graph = plan_graph(plan_steps(draft->plan->name));

	foreach_ptr(const PlanStep, step, draft->untargeted)
	{
		if (plan_waits_for(graph, step->step) == NULL)
			tell_problem(step, step->reason, step->parent_columns ? plan_unique_call(step) : NULL);
	}
}

/*
 * Reports at the end of a quiet draft the steps that lack a table or a column,
 * which a step added later may make
 */
static void
tell_missing(const PlanDraft *draft)
{
	List	   *steps = plan_steps(draft->plan->name);
	StringInfoData told;
	int			n = 0;

	initStringInfo(&told);
	foreach_ptr(const PlanStep, step, draft->missing)
	{
		List	   *columns = step->kind == STEP_FOREIGN_KEY ? (step->backfill ? NIL : step->child_columns) : lacking_columns(step, steps);
		char	   *lacking;

		if (step->kind != STEP_FOREIGN_KEY && columns == NIL && OidIsValid(sg_find_qualified(step->child_table)))
			continue;
		lacking = describe_lacking(step, step->child_table, columns, n < MISSING_TOLD);
		if (lacking == NULL)
			lacking = describe_lacking(step, step->parent_table, step->parent_columns, n < MISSING_TOLD);
		if (lacking && ++n <= MISSING_TOLD)
			appendStringInfo(&told, "%sStep %d: %s.", n > 1 ? "\n" : "", step->step, lacking);
	}
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("%d step names a table or column that does not exist here: it will be skipped until it does",
							   "%d steps name a table or column that does not exist here: they will be skipped until it does",
							   n, n),
				 errdetail("%s%s", told.data, n > MISSING_TOLD ? "\n..." : "")));
}

void
plan_draft_end(PlanDraft *draft)
{
	if (!draft->changed)
		return;

	plan_check_order(draft->plan->name, draft->checked, draft->first_new);
	plan_withdraw_approval(draft->plan);
	if (draft->quiet && draft->missing)
		tell_missing(draft);
	if (draft->untargeted)
		tell_untargeted(draft);
}

List	   *(*plan_holds_hook) (const PlanStep *step) = NULL;

void
plan_tell_holds(const PlanStep *step)
{
	bool		as_written = step->kind == STEP_STATEMENT || step->kind == STEP_TABLE;

	foreach_ptr(const List, told, (as_written || step->kind == STEP_COLUMN) && plan_holds_hook ? plan_holds_hook(step) : NIL)
	{
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("step %d%s: %s", step->step, as_written ? " runs as it stands" : "", (char *) linitial(told)),
				 errhint("%s", (char *) lsecond(told))));
	}
}

int
plan_add_step(const char *function, PlanStep *step)
{
	FkPlan	   *plan = plan_get(step->plan);
	PlanDraft  *draft;

	plan_check_writable(plan, function);
	draft = plan_draft_begin(plan);
	plan_draft_check(draft, step);
	(void) plan_draft_insert(draft, step);
	plan_draft_end(draft);
	plan_log(plan, step->step, "plan add", plan_step_object(step), NULL);
	plan_tell_holds(step);

	return step->step;
}
