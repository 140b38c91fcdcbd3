/*-------------------------------------------------------------------------
 *
 * plan_hold.c
 *	  What later steps may need of what an earlier one has made.
 *
 *	  A later step that stands may need what an earlier one has copied: its
 *	  undo reads the copy, or what it has deleted has no other copy.  So an
 *	  undo that deletes or overwrites rows, or drops a table, waits for later
 *	  steps on the same tables, and one that takes back a name for statements
 *	  whose undo has that name.  A step of kind table needs no such look: it
 *	  stays as long as its table has rows.
 *
 *	  Tables are compared by the names that steps and their SQL have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_hold.h"
#include "plan/plan_reads.h"
#include "plan/plan_relation.h"

/* Facts about a step, found once, when they are first requested */
struct HoldFacts
{
	bool		loses;			/* its statements that undo it may delete or
								 * overwrite rows, or drop a table */
	bool		moves;			/* its undo takes back a name */
	bool		needs;			/* it may need what came before it */
	PlanReads  *reads;			/* of its SQL, and of its undo or NULL */
	PlanReads  *undo_reads;
	PlanReads  *takes;			/* of a statement without an undo, or of a
								 * policy; or NULL */
	List	   *tables;			/* char *: qualified names of tables that it,
								 * or its undo, reads or writes */
	bool		judged;			/* plan_kept_for() was called, and returned
								 * this */
	const PlanStep *kept_for;
};

/* Returns whether a statement may delete, overwrite or drop rows or values: code that it calls may do anything */
static bool
may_take(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_DoStmt:
		case T_CallStmt:
		case T_DeleteStmt:
		case T_UpdateStmt:
		case T_MergeStmt:
		case T_TruncateStmt:
		case T_DropOwnedStmt:
			return true;
		case T_InsertStmt:
			return ((InsertStmt *) statement)->onConflictClause || ((InsertStmt *) statement)->withClause;
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_TABLE || ((DropStmt *) statement)->removeType == OBJECT_SCHEMA ||
				((DropStmt *) statement)->behavior == DROP_CASCADE;
		case T_AlterTableStmt:
			foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (command->subtype == AT_DropColumn || command->subtype == AT_AlterColumnType)
					return true;
			}
			return false;
		default:
			return false;
	}
}

static bool
renames(Node *statement)
{
	return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

/* Returns whether that is true of a statement in SQL, which may be NULL */
static bool
any_statement(const char *sql, bool (*is_so) (Node *statement))
{
	ErrorData  *edata;

	foreach_ptr(const RawStmt, raw, sql ? plan_parse(sql, &edata) : NIL)
	{
		if (is_so(raw->stmt))
			return true;
	}
	return false;
}

/* Adds the tables that a step's SQL reads or writes */
static List *
add_tables(List *names, const PlanStep *step, const PlanReads *reads)
{
	PlanReads  *takes = plan_takes(step);

	foreach_ptr(const PlanRead, read, list_concat_copy(plan_reads_list(reads), takes ? plan_reads_list(takes) : NIL))
	{
		if (read->schema)
			names = lappend(names, quote_qualified_identifier(read->schema, read->name));
	}
	foreach_ptr(const PlanStep, drop, plan_drops(step))
	{
		if (drop->kind == STEP_DROP)
			names = lappend(names, drop->child_table);
	}
	return list_concat(names, plan_makes(step));
}

/* Returns whether a step that stands may need what came before it; others have only added something */
static bool
may_need(const PlanStep *step)
{
	switch (step->kind)
	{
		case STEP_STATEMENT:
			return step->undo || any_statement(step->definition, may_take);
		case STEP_DROP:
		case STEP_RENAME:
		case STEP_COLUMN:
		case STEP_ROWS:
		case STEP_TABLE:
			return true;
		case STEP_FOREIGN_KEY:
			return step->backfill != NULL;
		case STEP_CHECK:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
		case STEP_DEFAULT:
		case STEP_INDEX:
		case STEP_KINDS:
			return false;
	}
	return false;
}

static struct HoldFacts *
facts_of(PlanStanding *one)
{
	const PlanStep *step = one->step;
	bool		is_statement = step->kind == STEP_STATEMENT;
	PlanStep	undo = *step;
	struct HoldFacts *facts = one->facts;

	if (facts)
		return facts;
	one->facts = facts = palloc0(sizeof(struct HoldFacts));
	facts->loses = is_statement && (step->undo == NULL || any_statement(step->undo, may_take));
	facts->moves = step->kind == STEP_RENAME || (is_statement && any_statement(step->undo, renames));
	facts->needs = one->for_good || may_need(step);
	facts->reads = plan_reads(step);
	facts->tables = add_tables(step->child_table ? list_make1(step->child_table) : NIL, step, facts->reads);
	if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
		facts->tables = lappend(facts->tables, plan_renamed_table(step));
	if (is_statement && step->undo)
	{
		undo.definition = step->undo;
		facts->undo_reads = plan_reads(&undo);
		facts->tables = add_tables(facts->tables, &undo, facts->undo_reads);
	}
	else if (is_statement || (one->for_good && step->kind != STEP_DROP))
		facts->takes = plan_takes(step);
	return facts;
}

/* Returns whether a step has something to do with what a later one has done */
static bool
is_tied(PlanStanding *one, PlanStanding *later)
{
	const PlanStep *step = later->step;
	const struct HoldFacts *facts = facts_of(one);

	if (facts_of(later)->takes)
		return plan_takes_from(later->facts->takes, facts->reads);
	if (step->kind == STEP_COLUMN || (step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_COLUMN))
		return one->step->kind == STEP_STATEMENT &&
			(plan_reads_any(facts->reads, step->child_table, step->fk_name, false) ||
			 (facts->undo_reads && plan_reads_any(facts->undo_reads, step->child_table, step->fk_name, false)));
	foreach_ptr(const char, name, facts->tables)
	{
		if (sg_has_name(later->facts->tables, name))
			return true;
	}
	return false;
}

/* Returns whether the undo of a step waits for a later one, if that needs it */
static bool
waits_for(PlanStanding *one, PlanStanding *later)
{
	const PlanStep *step = later->step;
	const struct HoldFacts *facts = facts_of(one);

	return (facts->loses || facts->moves) && step->step != one->step->step &&
		(facts->loses || (step->kind == STEP_STATEMENT && step->undo)) && is_tied(one, later);
}

/* Returns whether no rollback takes a step back: what it has taken is gone for good, or it has no undo */
static bool
stays(const PlanStanding *one)
{
	return one->for_good || (one->step->kind == STEP_STATEMENT && one->step->undo == NULL);
}

/* For a skipped step, skipped ones hold it up, too */
static bool
find_holder(const List *standing, PlanStanding *one, bool skipped, PlanHolder *holder)
{
	foreach_ptr(PlanStanding, later, standing)
	{
		if (later == one)
			break;
		if ((later->step->skipped_by && !skipped) || !waits_for(one, later))
			continue;
		if (later->facts->needs)
		{
			holder->step = later->step;
			holder->stays = stays(later);
			return true;
		}
		if (find_holder(standing, later, skipped, holder))
			return true;
	}
	return false;
}

bool
plan_find_holder(const List *standing, PlanStanding *one, PlanHolder *holder)
{
	/* without an undo it stays anyway */
	return (one->step->kind != STEP_STATEMENT || one->step->undo) && find_holder(standing, one, one->step->skipped_by != NULL, holder);
}

const PlanStep *
plan_kept_for(const List *standing, PlanStanding *one)
{
	struct HoldFacts *facts = facts_of(one);

	if (facts->judged)
		return facts->kept_for;
	facts->judged = true;
	foreach_ptr(PlanStanding, later, standing)
	{
		if (later == one || facts->kept_for)
			break;
		if (waits_for(one, later))
			facts->kept_for = later->facts->needs && stays(later) ? later->step : plan_kept_for(standing, later);
	}
	return facts->kept_for;
}
