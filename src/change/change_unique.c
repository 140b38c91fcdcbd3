/*-------------------------------------------------------------------------
 *
 * change_unique.c
 *	  UNIQUE and PRIMARY KEY: made of an existing index.
 *
 *	  With the index, the constraint is instant.  On a partitioned table each
 *	  partition gets its own, and the parent's takes them over, in one
 *	  transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "base/calls.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_partitioned_table.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

/* ---- constraints that are there ---- */

static bool
has_columns(HeapTuple tuple, List *attnums)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	bool		isnull;
	Datum		datum = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(rel), &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(datum);
	bool		same = array && ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) == list_length(attnums);

	for (int i = 0; same && i < list_length(attnums); i++)
		same = list_member_int(attnums, ((int16 *) ARR_DATA_PTR(array))[i]);
	table_close(rel, AccessShareLock);
	return same;
}

static bool
nulls_are_equal(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		equal = HeapTupleIsValid(tuple) && ((Form_pg_index) GETSTRUCT(tuple))->indnullsnotdistinct;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return equal;
}

/* Returns whether a constraint is what the step makes, whatever its name */
static bool
is_same(HeapTuple tuple, const PlanStep *step, List *attnums)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

	return con->contype == (step->primary_key ? CONSTRAINT_PRIMARY : CONSTRAINT_UNIQUE) && !SG_CON_PERIOD(con) &&
		con->condeferrable == step->deferrable && con->condeferred == step->initially_deferred &&
		nulls_are_equal(con->conindid) == step->nulls_not_distinct && has_columns(tuple, attnums);
}

/*
 * Returns the name of an equivalent constraint of the table, or NULL; sets the
 * name of its primary key, or NULL
 */
static char *
find_constraint(const PlanStep *step, Oid table, List *attnums, char **primary)
{
	const char *needed = plan_step_needed_name(step);
	SgCatalog	scan;
	HeapTuple	tuple;
	char	   *found = NULL;

	*primary = NULL;
	sg_catalog_begin(&scan, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
					 Anum_pg_constraint_conrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

		if (con->contype == CONSTRAINT_PRIMARY)
			*primary = pstrdup(NameStr(con->conname));
		if (needed && strcmp(NameStr(con->conname), needed) != 0)
			continue;
		if (is_same(tuple, step, attnums) && (found == NULL || strcmp(NameStr(con->conname), step->fk_name) == 0))
			found = pstrdup(NameStr(con->conname));
	}
	sg_catalog_end(&scan);
	return found;
}

/* ---- obstacles ---- */

static bool
columns_are_there(const PlanStep *step, ChangeMove *move, List **attnums)
{
	ListCell   *lc;

	*attnums = NIL;
	foreach(lc, step->child_columns)
	{
		AttrNumber	attnum = change_named_column(step, lfirst(lc), move);

		if (attnum == InvalidAttrNumber)
			return false;
		*attnums = lappend_int(*attnums, attnum);
	}
	return true;
}

/*
 * Returns whether the columns of a primary key are NOT NULL; otherwise the
 * server would read the table under ACCESS EXCLUSIVE.
 */
static bool
columns_are_not_null(const PlanStep *step, ChangeMove *move, List *attnums)
{
	foreach_int(attnum, attnums)
	{
		if (step->primary_key && !change_is_proved_not_null(move->table, attnum))
		{
			char	   *name = sg_column_name(move->table, attnum);

			change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						   psprintf("column %s of the primary key may be null", quote_identifier(name)),
						   psprintf(sg_calls("Make it NOT NULL before:\nSELECT sg_plan_add_not_null(%s, %s, %s);"),
									quote_literal_cstr(step->plan), quote_literal_cstr(plan_given(step->child_table)),
									quote_literal_cstr(name)));
			return false;
		}
	}
	return true;
}

/* Returns why a unique constraint on these columns lacks a part of the partition key of a table, or NULL */
static char *
lacks_partition_key(List *columns, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
	Form_pg_partitioned_table form;
	char	   *missing = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts && missing == NULL; i++)
	{
		AttrNumber	attnum = form->partattrs.values[i];
		char	   *name = attnum ? sg_column_name(relid, attnum) : NULL;

		if (name == NULL)
			missing = psprintf("%s is partitioned by an expression", sg_relation_name(relid));
		else if (!sg_has_name(columns, name))
			missing = psprintf("%s is partitioned by column %s, which is not among those of the constraint",
							   sg_relation_name(relid), quote_identifier(name));
	}
	ReleaseSysCache(tuple);
	return missing;
}

bool
change_unique_over_partitions(const PlanStep *step, ChangeMove *move)
{
	ListCell   *lc;

	if (get_rel_relkind(move->table) != RELKIND_PARTITIONED_TABLE)
		return true;
	foreach(lc, sg_all_inheritors(move->table))
	{
		Oid			relid = lfirst_oid(lc);
		char	   *reason = lacks_partition_key(step->child_columns, relid);

		if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
			reason = psprintf("partition %s is a foreign table", sg_relation_name(relid));
		if (reason)
		{
			change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED, reason,
						   "The server can't enforce it over all partitions. Add the column to the constraint, or make the constraint on single partitions.");
			return false;
		}
	}
	return true;
}

/*
 * Returns how a table's key replaces another one, which a step of the plan may
 * drop: otherwise that step waits for this one
 */
static char *
exchange_hint(const PlanStep *step, const char *primary)
{
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (other->kind == STEP_DROP && !other->skipped_by && step->after == NIL && plan_changed_object(other) == CHANGED_CONSTRAINT &&
			sg_same_text(other->child_table, step->child_table) && sg_same_text(other->fk_name, primary))
			return psprintf("Have it come after step %d, which drops that one; between the two the table has none:\n%s", other->step,
							plan_set_call(step, "after", psprintf("%d", other->step), NULL));
	}
	return pstrdup("A table has one only: plan a unique constraint, or drop the other one first.");
}

static bool
nothing_else_is_there(const PlanStep *step, ChangeMove *move, const char *primary)
{
	if (step->primary_key && primary)
		change_problem(move, ERRCODE_INVALID_TABLE_DEFINITION,
					   psprintf("%s has another primary key, %s", step->child_table, quote_identifier(primary)),
					   exchange_hint(step, primary));
	else if (HeapTupleIsValid(change_constraint(move->table, step->fk_name)))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("the name %s is taken by another constraint of %s",
								quote_identifier(step->fk_name), step->child_table),
					   psprintf("Give the step another name:\n%s", plan_rename_call(step, "fk_name")));
	else
		return true;
	return false;
}

/* ---- moves ---- */

/* Returns whether a partition's constraint is one that the parent's can take over */
static bool
can_be_taken(const PlanStep *step, ChangeMove *move, Oid conid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	Form_pg_constraint con;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a constraint");
	con = (Form_pg_constraint) GETSTRUCT(tuple);
	same = con->condeferrable == step->deferrable && con->condeferred == step->initially_deferred;
	if (!same)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("constraint %s of %s is deferred in another way", quote_identifier(NameStr(con->conname)),
								sg_relation_name(con->conrelid)),
					   "Drop it, or make the step like it.");
	ReleaseSysCache(tuple);
	return same;
}

/*
 * Adds statements that make constraints of the table's or its partitions'
 * indexes, unless they are constraints already
 */
static void
add_constraint(const PlanStep *step, ChangeMove *move, List *found)
{
	const char *action = "add";
	bool		partitioned = get_rel_relkind(move->table) == RELKIND_PARTITIONED_TABLE;

	foreach_oid(index, found)
	{
		char	   *name = sg_rel_name(index);
		Oid			relid = IndexGetRelation(index, false);

		if (OidIsValid(get_index_constraint(index)))
		{
			if (!can_be_taken(step, move, get_index_constraint(index)))
				return;
			continue;
		}
		change_statement(move, MOVE_STATEMENT, action, AccessExclusiveLock, STEP_VALIDATED,
						 plan_unique_statement(step, sg_relation_name(relid), partitioned ? name : step->fk_name, name));
	}
	change_index_claim(step, move, found);
	if (partitioned)
		change_statement(move, MOVE_STATEMENT, action, AccessExclusiveLock, STEP_VALIDATED,
						 plan_unique_statement(step, step->child_table, step->fk_name, NULL));
	if (step->primary_key)
		change_reach_proof(move, move->table);
	move->first = true;
}

/* Checks the order by which the first of equal rows stays; returns false with a problem */
static bool
look_at_order(const PlanStep *step, ChangeMove *move)
{
	move->rows.table = move->table;
	move->rows.equal = step->child_columns;
	return change_order(move, step->keep_by);
}

void
change_look_unique(const PlanStep *step, ChangeMove *move)
{
	char	   *definition = plan_index_definition(true, psprintf("(%s)%s", sg_quote_list(step->child_columns),
																  step->nulls_not_distinct ? " NULLS NOT DISTINCT" : ""));
	List	   *attnums;
	List	   *found;
	char	   *primary;
	char	   *there;

	if (!columns_are_there(step, move, &attnums))
		return;
	there = find_constraint(step, move->table, attnums, &primary);
	if (there)
	{
		if (strcmp(there, step->fk_name) != 0)
			move->note = psprintf("constraint %s is the same already", quote_identifier(there));
		return;
	}
	if (!nothing_else_is_there(step, move, primary) || !columns_are_not_null(step, move, attnums) ||
		!change_unique_over_partitions(step, move) || !change_index_possible(move, definition) ||
		!change_index_find(step, move, definition, &found))
		return;
	if (move->builds == NIL)
		add_constraint(step, move, found);
	else if (step->orphans == ORPHANS_STOP || look_at_order(step, move))
	{
		move->first = true;
		move->rule = change_rule(step, InvalidOid);
	}
}

void
change_undo_unique(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	HeapTuple	tuple = change_constraint(move->table, deed->what->fk_name);
	List	   *attnums = NIL;
	ListCell   *lc;

	if (tuple == NULL)
		return;
	foreach(lc, deed->what->child_columns)
		attnums = lappend_int(attnums, get_attnum(move->table, lfirst(lc)));
	if (!is_same(tuple, deed->what, attnums))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, "the constraint of that name is another one by now", NULL);
	else if (deed->was)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("its index was there before, as %s, and would go with the constraint", deed->was),
					   "Drop the constraint by hand, and make the index anew.");
	else if (change_undo_keeps_identity(deed, "constraint", ConstraintRelationId, ((Form_pg_constraint) GETSTRUCT(tuple))->oid, move))
		change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
						 plan_drop_statement(deed->what->child_table, deed->what->fk_name));
}
