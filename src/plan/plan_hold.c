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
 *	  Tables are compared by the names that steps and their SQL have, and by
 *	  those that steps give them.  Whose rows a partitioned or inherited table
 *	  had, or a view, or one that is not there, can't be told afterwards: a
 *	  copy of these waits for each step that has dropped a relation for good.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
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
	List	   *moved;			/* char *: names that steps give to them */
	bool		wide;			/* it copies rows that may be of other tables
								 * than it names */
	bool		drops;			/* it drops relations */
	bool		judged;			/* plan_kept_for() was called, and returned
								 * this */
	const PlanStep *kept_for;
};

static bool
drops_relations(Node *statement)
{
	return IsA(statement, DropOwnedStmt) ||
		(IsA(statement, DropStmt) && (((DropStmt *) statement)->removeType == OBJECT_TABLE ||
									  ((DropStmt *) statement)->removeType == OBJECT_SCHEMA ||
									  ((DropStmt *) statement)->behavior == DROP_CASCADE));
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
			return true;
		case T_InsertStmt:
			return ((InsertStmt *) statement)->onConflictClause || ((InsertStmt *) statement)->withClause;
		case T_AlterTableStmt:
			foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (command->subtype == AT_DropColumn || command->subtype == AT_AlterColumnType)
					return true;
			}
			return false;
		default:
			return drops_relations(statement);
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

List *
plan_movers(const char *plan)
{
	List	   *movers = NIL;

	foreach_ptr(const PlanStep, step, plan_steps(plan))
	{
		if (step->kind == STEP_RENAME && plan_step_is_of_relation(step))
			movers = lappend(movers, list_make2(step->child_table, plan_renamed_table(step)));
		else if (step->kind == STEP_STATEMENT && any_statement(step->definition, renames))
			movers = lappend(movers, add_tables(NIL, step, plan_reads(step)));
	}
	return movers;
}

/* Returns whether any of these names are among others */
static bool
names_meet(List *names, List *others)
{
	foreach_ptr(const char, name, names)
	{
		if (sg_has_name(others, name))
			return true;
	}
	return false;
}

/* Returns the qualified names of the relations that a step's statements write or make */
static List *
written(const PlanStep *step)
{
	List	   *names = list_copy(plan_makes(step));
	ErrorData  *edata;

	foreach_ptr(const RawStmt, raw, plan_parse(step->definition, &edata))
	{
		const Node *statement = raw->stmt;
		const RangeVar *table = IsA(statement, InsertStmt) ? ((const InsertStmt *) statement)->relation :
			IsA(statement, UpdateStmt) ? ((const UpdateStmt *) statement)->relation :
			IsA(statement, DeleteStmt) ? ((const DeleteStmt *) statement)->relation :
			IsA(statement, MergeStmt) ? ((const MergeStmt *) statement)->relation : NULL;

		if (table && table->schemaname)
			names = lappend(names, quote_qualified_identifier(table->schemaname, table->relname));
	}
	return names;
}

/* Returns whether a statement reads a relation, beside those that it writes, whose rows may be, or have been, those of others */
static bool
reads_wide(const PlanStep *step, const PlanReads *reads)
{
	List	   *own = written(step);

	foreach_ptr(const PlanRead, read, plan_reads_list(reads))
	{
		char	   *name = read->schema ? quote_qualified_identifier(read->schema, read->name) : NULL;
		Oid			relid = sg_find_qualified(name);

		if (name && !sg_has_name(own, name) &&
			(!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION || sg_has_subclass(relid)))
			return true;
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
	facts->drops = is_statement ? any_statement(step->definition, drops_relations) :
		step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_TABLE;
	facts->wide = is_statement && facts->loses && reads_wide(step, facts->reads);
	foreach_ptr(List, names, facts->loses ? one->movers : NIL)
	{
		bool		ours = names_meet(names, facts->tables) || names_meet(names, facts->moved);

		foreach_ptr(char, name, ours ? names : NIL)
		{
			if (!sg_has_name(facts->tables, name))
				facts->moved = lappend(facts->moved, name);
		}
	}
	return facts;
}

/* Returns whether no rollback takes a step back: what it has taken is gone for good, or it has no undo */
static bool
stays(const PlanStanding *one)
{
	return one->for_good || (one->step->kind == STEP_STATEMENT && one->step->undo == NULL);
}

/* Returns whether a step has something to do with what a later one has done */
static bool
is_tied(PlanStanding *one, PlanStanding *later)
{
	const PlanStep *step = later->step;
	const struct HoldFacts *facts = facts_of(one);

	if ((facts_of(later)->drops && facts->wide && stays(later)) || names_meet(facts->moved, later->facts->tables))
		return true;
	if (later->facts->takes)
		return plan_takes_from(later->facts->takes, facts->reads);
	if (step->kind == STEP_COLUMN || (step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_COLUMN))
		return one->step->kind == STEP_STATEMENT &&
			(plan_reads_any(facts->reads, step->child_table, step->fk_name, false) ||
			 (facts->undo_reads && plan_reads_any(facts->undo_reads, step->child_table, step->fk_name, false)));
	return names_meet(facts->tables, later->facts->tables);
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
