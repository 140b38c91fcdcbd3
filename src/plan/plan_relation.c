/*-------------------------------------------------------------------------
 *
 * plan_relation.c
 *	  Relations between two steps: a column comes before steps on it, a unique
 *	  constraint before the key that refers to it; and a step that takes back
 *	  what an earlier one has made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_reads.h"
#include "plan/plan_relation.h"

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool
plan_mentions_column(const PlanStep *step, const char *table, const char *column)
{
	if (step->kind == STEP_TABLE)
		return false;
	if (step->kind == STEP_DROP || step->kind == STEP_RENAME)
		return same(step->child_table, table) && plan_changed_object(step) == CHANGED_COLUMN && same(step->fk_name, column);
	if (same(step->child_table, table))
	{
		if (sg_has_name(step->child_columns, column))
			return true;
		if ((step->definition && step->kind != STEP_COLUMN && plan_has_word(step->definition, column)) ||
			(step->fill && plan_has_word(step->fill, column) && plan_reads_own(step->fill, table, column)) ||
			(step->keep_by && plan_has_word(step->keep_by, column)))
			return true;
	}
	return same(step->parent_table, table) && sg_has_name(step->parent_columns, column);
}

bool
plan_mentions_table(const PlanStep *step, const char *table)
{
	return same(step->child_table, table) || same(step->parent_table, table);
}

/* Ranks drops: containing objects go before the objects that they depend on */
static int
drop_rank(const PlanStep *step)
{
	switch (plan_changed_object(step))
	{
		case CHANGED_VIEW:
			return 0;
		case CHANGED_TRIGGER:
		case CHANGED_CONSTRAINT:
			return 1;
		case CHANGED_INDEX:
			return 2;
		case CHANGED_COLUMN:
			return 3;
		case CHANGED_TABLE:
			return 4;
	}
	return 4;
}

char *
plan_renamed_table(const PlanStep *step)
{
	SgTableName name = sg_parse_table_name(step->child_table);

	return quote_qualified_identifier(name.schema, step->new_name);
}

void
plan_name_before(PlanStep *step, const PlanStep *rename)
{
	bool		of_relation = plan_step_is_of_relation(step);

	if (plan_step_is_of_relation(rename) && sg_same_text(plan_renamed_table(rename), step->child_table))
	{
		step->child_table = rename->child_table;
		if (of_relation)
			step->fk_name = rename->fk_name;
	}
	else if (!of_relation && plan_changed_object(rename) == plan_changed_object(step) &&
			 sg_same_text(rename->child_table, step->child_table) && sg_same_text(rename->new_name, step->fk_name))
		step->fk_name = rename->fk_name;
}

/*
 * Returns whether the step needs the rename, because it uses the new name;
 * *before: it uses the old one, so that it comes before
 */
static bool
needs_rename(const PlanStep *step, const PlanStep *rename, bool *before)
{
	switch (plan_changed_object(rename))
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
			*before = plan_mentions_table(step, rename->child_table);
			return plan_mentions_table(step, plan_renamed_table(rename));
		case CHANGED_COLUMN:
			*before = plan_mentions_column(step, rename->child_table, rename->fk_name);
			/* the step adds the column that is renamed */
			if (step->kind == STEP_COLUMN && same(step->child_table, rename->child_table) && same(step->fk_name, rename->fk_name))
				return false;
			return plan_mentions_column(step, rename->child_table, rename->new_name);
		case CHANGED_CONSTRAINT:
		case CHANGED_INDEX:
		case CHANGED_TRIGGER:
			*before = false;
			return (step->kind == STEP_DROP || step->kind == STEP_RENAME) && plan_changed_object(step) == plan_changed_object(rename) &&
				same(step->child_table, rename->child_table) && same(step->fk_name, rename->new_name);
	}
	return false;
}

bool
plan_step_adds_rule(const PlanStep *step)
{
	return step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL || step->kind == STEP_UNIQUE || step->kind == STEP_INDEX ||
		step->kind == STEP_FOREIGN_KEY;
}

/*
 * Returns whether a drop takes the name of a constraint or index that another
 * step adds, or the object that is already what that step adds: added first, it
 * would be taken for done, and gone with the drop
 */
static bool
takes_equal(const PlanStep *drop, const PlanStep *giver)
{
	ChangedObject what = plan_changed_object(drop);

	if (drop->skipped_by || !same(drop->child_table, giver->child_table) || (what != CHANGED_CONSTRAINT && what != CHANGED_INDEX))
		return false;
	return (same(drop->fk_name, giver->fk_name) && drop->step < giver->step) ||
		(drop->kind == STEP_DROP && drop->state != STEP_VALIDATED && plan_change_finds(drop) && !same(drop->fk_name, giver->replaces) &&
		 plan_equal_hook(giver, drop->fk_name));
}

/* Returns whether a drop or rename is about the constraint or index that another step adds under that name */
static bool
is_of_rule(const PlanStep *step, const PlanStep *rule)
{
	ChangedObject what = plan_changed_object(step);

	return plan_step_adds_rule(rule) && (what == CHANGED_CONSTRAINT || what == CHANGED_INDEX) &&
		same(step->child_table, rule->child_table) && same(step->fk_name, rule->fk_name);
}

/* Returns whether a step's object has the name that another step gives to another object of its kind */
static bool
is_given_away(const PlanStep *step, const PlanStep *giver)
{
	ChangedObject what = plan_changed_object(step);

	if (giver->kind == STEP_COLUMN)
		return what == CHANGED_COLUMN && same(step->child_table, giver->child_table) && same(step->fk_name, giver->fk_name);
	if (giver->kind == STEP_TABLE || giver->kind == STEP_STATEMENT)
		return plan_step_is_of_relation(step) && sg_has_name(plan_makes(giver), step->child_table);
	if (plan_step_is_of_relation(giver))
		return plan_step_is_of_relation(step) && same(step->child_table, plan_renamed_table(giver));
	return plan_changed_object(giver) == what && same(step->child_table, giver->child_table) && same(step->fk_name, giver->new_name);
}

/*
 * The name may be that of the rename's own object, too: it means the other
 * object if that existed first.  A step that adds an object under an existing
 * object's name means that one.
 */
bool
plan_step_frees(const PlanStep *step, const PlanStep *giver)
{
	if (plan_step_adds_rule(giver))
		return (step->kind == STEP_DROP || step->kind == STEP_RENAME) && takes_equal(step, giver);
	if ((step->kind != STEP_RENAME && step->kind != STEP_DROP) || step == giver ||
		(giver->kind != STEP_RENAME && giver->kind != STEP_COLUMN && giver->kind != STEP_TABLE && giver->kind != STEP_STATEMENT) ||
		!is_given_away(step, giver))
		return false;
	return (step->step < giver->step && !step->missing) ||
		(giver->kind == STEP_RENAME && step->state != STEP_VALIDATED && giver->state != STEP_VALIDATED && plan_change_finds(step));
}

bool
plan_step_needs(const PlanStep *step, const PlanStep *other)
{
	bool		before = false;

	if (step->kind == STEP_RENAME && other->step < step->step && is_of_rule(step, other))
		return true;
	switch (other->kind)
	{
		case STEP_COLUMN:
			return step->kind != STEP_RENAME && step->kind != STEP_DROP &&
				plan_mentions_column(step, other->child_table, other->fk_name);
		case STEP_UNIQUE:
			return step->kind == STEP_FOREIGN_KEY && same(step->parent_table, other->child_table) &&
				(step->parent_columns ? sg_same_names(step->parent_columns, other->child_columns) : other->primary_key);
		case STEP_NOT_NULL:
			return step->kind == STEP_UNIQUE && step->primary_key && same(step->child_table, other->child_table) &&
				sg_has_name(step->child_columns, linitial(other->child_columns));
		case STEP_DROP:
			return step->kind == STEP_DROP && plan_mentions_table(step, other->child_table) &&
				drop_rank(other) < drop_rank(step);
		case STEP_RENAME:
			return step->kind != STEP_DROP && needs_rename(step, other, &before);
		case STEP_TABLE:
			return step->kind != STEP_DROP && (plan_mentions_table(step, other->child_table) ||
											   (step->kind == STEP_TABLE && sg_has_name(plan_table_relatives(step), other->child_table)));
		case STEP_STATEMENT:
			foreach_ptr(const char, made, plan_makes(other))
			{
				if (step->kind != STEP_DROP && plan_mentions_table(step, made))
					return true;
			}
			return false;
		case STEP_FOREIGN_KEY:
		case STEP_CHECK:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_ROWS:
		case STEP_KINDS:
			return false;
	}
	return false;
}

/*
 * Returns whether a drop takes away the object that a rename is about, or the
 * table that has it: the rename comes first, so that the drop finds nothing of
 * that name, and no rows are lost by plans that contradict themselves
 */
static bool
drops_renamed(const PlanStep *drop, const PlanStep *rename)
{
	if (drop->kind != STEP_DROP || rename->skipped_by || !same(drop->child_table, rename->child_table))
		return false;
	return plan_step_is_of_relation(drop) ||
		(plan_changed_object(drop) == plan_changed_object(rename) && same(drop->fk_name, rename->fk_name));
}

bool
plan_step_comes_late(const PlanStep *step, const PlanStep *other)
{
	bool		before = false;

	if (step->kind == STEP_RENAME)
		return !drops_renamed(other, step) && !needs_rename(other, step, &before) && before;
	if (step->kind != STEP_DROP || other->kind == STEP_DROP)
		return false;
	if (other->kind == STEP_RENAME)
		return drops_renamed(step, other) || needs_rename(step, other, &before);
	return plan_mentions_table(other, step->child_table);
}

/* ---- steps whose work a later step takes back on purpose ---- */

static bool
is_named(const RangeVar *name, const char *table)
{
	return name && name->schemaname && same(quote_qualified_identifier(name->schemaname, name->relname), table);
}

/* Returns whether a part of the step's table is the object of the step, or a column that it is about */
static bool
is_part(const PlanStep *step, const char *name)
{
	return name && (same(step->fk_name, name) || sg_has_name(step->child_columns, name) ||
					((step->kind == STEP_CHECK || step->kind == STEP_INDEX) && step->definition && plan_has_word(step->definition, name)));
}

/* Returns whether ALTER TABLE of the step's table takes away, or sets otherwise, what the step has made */
static bool
alters_part(const AlterTableStmt *statement, const PlanStep *step)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		bool		undone = false;

		switch (command->subtype)
		{
			case AT_DropConstraint:
				undone = same(step->fk_name, command->name);
				break;
			case AT_DropNotNull:
				undone = step->kind == STEP_NOT_NULL && is_part(step, command->name);
				break;
			case AT_ColumnDefault:
				undone = step->kind == STEP_DEFAULT && is_part(step, command->name);
				break;
			case AT_AlterColumnType:
			case AT_DropColumn:
				undone = is_part(step, command->name);
				break;
			default:
				break;
		}
		if (undone)
			return true;
	}
	return false;
}

/* Returns whether a statement takes away, moves, renames or changes what a step has made */
static bool
statement_undoes(Node *statement, const PlanStep *step)
{
	SgTableName table = sg_parse_table_name(step->child_table);
	const char *names[] = {step->child_table, step->kind == STEP_INDEX ? quote_qualified_identifier(table.schema, step->fk_name) : step->parent_table};

	if (IsA(statement, AlterTableStmt))
		return is_named(((AlterTableStmt *) statement)->relation, step->child_table) && alters_part((AlterTableStmt *) statement, step);
	for (int i = 0; i < lengthof(names) && names[i]; i++)
	{
		if (IsA(statement, AlterObjectSchemaStmt) && is_named(((AlterObjectSchemaStmt *) statement)->relation, names[i]))
			return true;
		if (IsA(statement, RenameStmt) && is_named(((RenameStmt *) statement)->relation, names[i]) &&
			(((RenameStmt *) statement)->subname == NULL || is_part(step, ((RenameStmt *) statement)->subname)))
			return true;
	}
	if (!IsA(statement, DropStmt) || ((DropStmt *) statement)->removeType != OBJECT_INDEX)
		return false;
	foreach_ptr(const List, name, ((DropStmt *) statement)->objects)
	{
		if (list_length(name) == 2 && same(strVal(linitial(name)), table.schema) && same(strVal(lsecond(name)), step->fk_name))
			return true;
	}
	return false;
}

/* Returns whether a step, which runs behind the other one, takes back what that has made */
static bool
undoes(const PlanStep *step, const PlanStep *other)
{
	ErrorData  *edata;

	if (step->kind == STEP_DEFAULT)
		return other->kind == STEP_DEFAULT && same(step->child_table, other->child_table) && same(step->fk_name, other->fk_name);
	foreach_ptr(const RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		if (statement_undoes(raw->stmt, other))
			return true;
	}
	return false;
}

bool
plan_step_undone(const PlanStep *step)
{
	bool		later = false;

	if (step->state != STEP_VALIDATED || step->child_table == NULL || step->kind == STEP_STATEMENT)
		return false;
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		bool		done = other->state == STEP_VALIDATED && !other->skipped_by;

		/* a drop comes behind the steps of its table, unless it frees a name */
		if (done && other->kind == STEP_DROP && is_of_rule(other, step) && !plan_step_frees(other, step))
			return true;
		if (done && later && undoes(other, step))
			return true;
		later |= other->step == step->step;
	}
	return false;
}

static bool
has_word(const char *text, const char *word)
{
	size_t		length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
	{
		bool		begins = at == text ||!(isalnum((unsigned char) at[-1]) || at[-1] == '_');

		if (begins && !(isalnum((unsigned char) at[length]) || at[length] == '_'))
			return true;
	}
	return false;
}

bool
plan_has_word(const char *text, const char *word)
{
	return has_word(text, word) || has_word(asc_tolower(text, strlen(text)), word);
}
