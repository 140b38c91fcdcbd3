/*-------------------------------------------------------------------------
 *
 * undo_hold.c
 *	  Deeds that wait until what came later is taken back.
 *
 *	  A later step that stands may need what an earlier one has copied: its
 *	  undo reads the copy, or what it has deleted has no other copy.  So an
 *	  undo that deletes or overwrites rows, or drops a table, waits for later
 *	  deeds on the same tables, and one that takes back a name for statements
 *	  whose undo has that name.  Rows and values that a later step has dropped
 *	  for good hold up the copy until a role has skipped that step: nobody needs
 *	  it then.  A role that skips the step of the copy has it stay.  A step of
 *	  kind table needs no such look: it stays as long as its table has rows.
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
#include "change/change.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_reads.h"
#include "plan/plan_relation.h"
#include "undo/undo_hold.h"

/* A deed that stands */
typedef struct Standing
{
	int64		id;
	const PlanStep *step;		/* as the plan has it now */
	bool		for_good;		/* what it has dropped does not come back */

	/* found once, when they are first requested */
	bool		known;
	bool		loses;			/* its statements that undo it may delete or
								 * overwrite rows, or drop a table */
	bool		moves;			/* its undo takes back a name */
	bool		needs;			/* it may need what came before it */
	PlanReads  *reads;			/* of its SQL, and of its undo or NULL */
	PlanReads  *undo_reads;
	PlanReads  *takes;			/* of a statement without an undo; or NULL */
	List	   *tables;			/* char *: qualified names of tables that it,
								 * or its undo, reads or writes */
} Standing;

struct UndoStanding
{
	List	   *all;			/* of Standing *, latest first */
};

UndoStanding *
undo_standing(const FkPlan *plan)
{
	UndoStanding *standing = palloc0(sizeof(UndoStanding));

	foreach_ptr(const PlanDeed, deed, plan_deeds_standing(plan))
	{
		Standing   *one = palloc0(sizeof(Standing));

		one->id = deed->id;
		one->step = plan_step_get(plan->name, deed->step, true);
		one->for_good = deed->what->kind == STEP_DROP && deed->what->discard && (change_stays_gone(deed) > 0 || deed->uncounted > 0);
		if (one->step && (one->for_good || deed->open))
			standing->all = lappend(standing->all, one);
	}
	return standing;
}

void
undo_standing_ends(UndoStanding *standing, const PlanDeed *deed)
{
	ListCell   *lc;

	foreach(lc, standing->all)
	{
		const Standing *one = lfirst(lc);

		if (one->id == deed->id && !one->for_good && !one->step->skipped_by)
			standing->all = foreach_delete_current(standing->all, lc);
	}
}

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

static void
find_out(Standing *one)
{
	const PlanStep *step = one->step;
	bool		is_statement = step->kind == STEP_STATEMENT;
	PlanStep	undo = *step;

	if (one->known)
		return;
	one->known = true;
	one->loses = is_statement && (step->undo == NULL || any_statement(step->undo, may_take));
	one->moves = step->kind == STEP_RENAME || (is_statement && any_statement(step->undo, renames));
	one->needs = may_need(step);
	one->reads = plan_reads(step);
	one->tables = add_tables(step->child_table ? list_make1(step->child_table) : NIL, step, one->reads);
	if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
		one->tables = lappend(one->tables, plan_renamed_table(step));
	if (is_statement && step->undo)
	{
		undo.definition = step->undo;
		one->undo_reads = plan_reads(&undo);
		one->tables = add_tables(one->tables, &undo, one->undo_reads);
	}
	else if (is_statement)
		one->takes = plan_takes(step);
}

/* Returns whether a deed has something to do with what a later one has done */
static bool
is_tied(const Standing *one, const Standing *later)
{
	const PlanStep *step = later->step;

	if (step->kind == STEP_COLUMN || (step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_COLUMN))
		return one->step->kind == STEP_STATEMENT &&
			(plan_reads_any(one->reads, step->child_table, step->fk_name, false) ||
			 (one->undo_reads && plan_reads_any(one->undo_reads, step->child_table, step->fk_name, false)));
	if (later->takes)
		return plan_takes_from(later->takes, one->reads);
	foreach_ptr(const char, name, one->tables)
	{
		if (sg_has_name(later->tables, name))
			return true;
	}
	return false;
}

/* Finds what holds up a deed; for a skipped step, skipped ones hold it up, too */
static bool
find_holder(const UndoStanding *standing, Standing *one, bool skipped, UndoHolder *holder)
{
	find_out(one);
	if (!one->loses && !one->moves)
		return false;
	foreach_ptr(Standing, later, standing->all)
	{
		const PlanStep *step = later->step;

		if (later->id <= one->id)
			break;
		if (step->step == one->step->step || (step->skipped_by && !skipped) || (!one->loses && (step->kind != STEP_STATEMENT || step->undo == NULL)))
			continue;
		find_out(later);
		if (!is_tied(one, later))
			continue;
		if (later->needs)
		{
			holder->step = step;
			holder->stays = later->for_good || (step->kind == STEP_STATEMENT && step->undo == NULL);
			return true;
		}
		if (find_holder(standing, later, skipped, holder))
			return true;
	}
	return false;
}

bool
undo_is_held(const UndoStanding *standing, const PlanDeed *deed, UndoHolder *holder)
{
	foreach_ptr(Standing, one, standing->all)
	{
		/* without an undo it stays anyway */
		if (one->id == deed->id)
			return (one->step->kind != STEP_STATEMENT || one->step->undo) && find_holder(standing, one, one->step->skipped_by != NULL, holder);
	}
	return false;
}
