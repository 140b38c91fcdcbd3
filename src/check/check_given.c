/*-------------------------------------------------------------------------
 *
 * check_given.c
 *	  Names that two steps give: of tables, views and indexes in a schema, of
 *	  columns and of constraints in a table.
 *
 *	  The order of steps does not matter here: a name can be given once more
 *	  than it is taken away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/quote.h"
#include "check/check.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"

/* Kinds of names in the hash table */
#define OF_RELATION	'r'
#define OF_COLUMN	'c'
#define OF_CONSTRAINT	'n'

typedef struct GivenName
{
	char		key[PLAN_QUALIFIED_MAX + NAMEDATALEN + 2];	/* kind, relation, and
															 * name in it */
	int			takes;			/* number of steps that take it away */
	List	   *givers;			/* CheckStep * */
} GivenName;

static GivenName *
find(const PlanCheck *check, char kind, const char *relation, const char *name)
{
	char		key[sizeof(((GivenName *) NULL)->key)];
	GivenName  *entry;
	bool		found;

	snprintf(key, sizeof(key), "%c%s %s", kind, relation, name ? name : "");
	entry = hash_search(check->given, key, HASH_ENTER, &found);
	if (!found)
	{
		entry->takes = 0;
		entry->givers = NIL;
	}
	return entry;
}

/* Returns the entry of an index, which shares its schema with the tables */
static GivenName *
find_index(const PlanCheck *check, const char *table, const char *name)
{
	return find(check, OF_RELATION, quote_qualified_identifier(sg_parse_table_name(table).schema, name), NULL);
}

static GivenName *
find_named(const PlanCheck *check, const StepName *name)
{
	return find(check, name->column ? OF_COLUMN : OF_RELATION, name->relation, name->column);
}

/* Enters the constraint or index that a drop or rename takes away; a constraint may have an index of its name */
static void
take_rule(const PlanCheck *check, const PlanStep *step)
{
	ChangedObject what = plan_changed_object(step);

	if (what == CHANGED_CONSTRAINT)
		find(check, OF_CONSTRAINT, step->child_table, step->fk_name)->takes++;
	if (what == CHANGED_CONSTRAINT || what == CHANGED_INDEX)
		find_index(check, step->child_table, step->fk_name)->takes++;
}

/* Returns the entries (GivenName *) of constraints and indexes to which a step gives a name */
static List *
given_rules(const PlanCheck *check, const PlanStep *step)
{
	bool		renames = step->kind == STEP_RENAME;
	ChangedObject what = renames ? plan_changed_object(step) : CHANGED_TABLE;
	const char *name = renames ? step->new_name : step->fk_name;
	bool		is_index = step->kind == STEP_INDEX || step->kind == STEP_UNIQUE || what == CHANGED_INDEX;
	bool		is_constraint = step->kind == STEP_CHECK || step->kind == STEP_UNIQUE || step->kind == STEP_FOREIGN_KEY || what == CHANGED_CONSTRAINT;
	List	   *names = NIL;

	if (name && is_constraint)
		names = lappend(names, find(check, OF_CONSTRAINT, step->child_table, name));
	if (name && is_index)
		names = lappend(names, find_index(check, step->child_table, name));
	return names;
}

static void
enter(const PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;

	foreach_ptr(const StepName, name, check_step_names(cs)->takes)
	{
		find_named(check, name)->takes++;
	}
	foreach_ptr(const StepName, name, check_step_names(cs)->gives)
	{
		GivenName  *given = name->anew ? find_named(check, name) : NULL;

		if (given)
			given->givers = lappend(given->givers, cs);
	}
	foreach_ptr(GivenName, given, given_rules(check, step))
	{
		given->givers = lappend(given->givers, cs);
	}
	if (step->kind == STEP_DROP || step->kind == STEP_RENAME)
		take_rule(check, step);
	foreach_ptr(const PlanStep, drop, plan_drops_rules(step))
	{
		take_rule(check, drop);
	}
	if (step->replaces)
		find(check, OF_CONSTRAINT, step->child_table, step->replaces)->takes++;
}

static bool
is_to_come(const CheckStep *cs)
{
	return plan_step_is_ahead(cs->step);
}

static void
enter_all(PlanCheck *check)
{
	HASHCTL		control = {.keysize = sizeof(((GivenName *) NULL)->key),.entrysize = sizeof(GivenName),.hcxt = CurrentMemoryContext};

	check->given = hash_create("schemaguard given names", 256, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (is_to_come(cs))
			enter(check, cs);
	}
}

/* Returns whether some statement runs code that may take a name away */
static bool
may_be_taken(const PlanCheck *check, const char *word)
{
	foreach_ptr(const CheckStep, cs, check->steps)
	{
		ErrorData  *edata;

		foreach_ptr(const RawStmt, raw, is_to_come(cs) && cs->step->kind == STEP_STATEMENT ? plan_parse(cs->step->definition, &edata) : NIL)
		{
			if ((IsA(raw->stmt, DoStmt) || IsA(raw->stmt, CallStmt)) && plan_has_word(cs->step->definition, word))
				return true;
		}
	}
	return false;
}

/*
 * Blocks the step if another one that was added before it gives the name, too;
 * `table` is the relation that the name is in, or NULL; returns whether it did
 */
static bool
check_given(const PlanCheck *check, CheckStep *cs, const GivenName *given, bool there, const char *table, const char *name)
{
	const GivenName *of_table = table ? find(check, OF_RELATION, table, NULL) : NULL;
	const CheckStep *first = NULL;

	foreach_ptr(const CheckStep, other, given->givers)
	{
		/* what is there is the step's own */
		there &= other->step->state != STEP_ADDED;
		if (other->step->step < cs->step->step && (first == NULL || other->step->step < first->step->step))
			first = other;
	}

	/*
	 * a table whose name passes to another one has other columns and
	 * constraints then
	 */
	if (first == NULL || list_length(given->givers) + there - given->takes < 2 ||
		(of_table && of_table->takes > 0 && of_table->givers) || may_be_taken(check, name))
		return false;
	check_row(cs, "names", CHECK_BLOCK,
			  psprintf("step %d, %s, gives the name %s, too", first->step->step, plan_step_object(first->step), quote_identifier(name)),
			  psprintf("Give one of the two another name, or leave one out:\n%s", check_skip(cs, "another step gives the name")));
	return true;
}

void
check_given_twice(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;

	if (!is_to_come(cs))
		return;
	if (check->given == NULL)
		enter_all(check);
	foreach_ptr(const StepName, name, check_step_names(cs)->gives)
	{
		if (name->anew && check_given(check, cs, find_named(check, name), check_name_is_there(name), name->column ? name->relation : NULL,
									  name->column ? name->column : sg_parse_table_name(name->relation).name))
			return;
	}
	foreach_ptr(const GivenName, given, given_rules(check, step))
	{
		if (check_given(check, cs, given, false, step->child_table, step->kind == STEP_RENAME ? step->new_name : step->fk_name))
			return;
	}
}
