/*-------------------------------------------------------------------------
 *
 * change_not_null.c
 *	  NOT NULL without a scan under ACCESS EXCLUSIVE.
 *
 *	  Before 18 an equivalent CHECK is validated first; with that, SET NOT
 *	  NULL reads no row, and the CHECK is dropped in the same transaction.
 *	  From 18 on the constraint itself is NOT VALID at first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/name.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"

bool
change_is_not_null(Oid table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(table, attnum, &column) && column.attnotnull;
}

bool
change_is_proved_not_null(Oid table, AttrNumber attnum)
{
	HeapTuple	tuple = SG_NOT_NULL_CONSTRAINT(table, attnum);

	return change_is_not_null(table, attnum) && (tuple == NULL || ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated);
}

static void
name_is_taken(const PlanStep *step, ChangeMove *move)
{
	change_problem(move, ERRCODE_SG_KEY_CONFLICT,
				   psprintf("the name %s is taken by another constraint of %s",
							quote_identifier(step->fk_name), step->child_table),
				   psprintf("Give the step another name:\n%s", plan_rename_call(step, "fk_name")));
}

static void
look_at_constraint(const PlanStep *step, ChangeMove *move, AttrNumber attnum)
{
	HeapTuple	tuple = SG_NOT_NULL_CONSTRAINT(move->table, attnum);

	if (tuple && ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated)
		return;
	if (tuple)
	{
		change_statement(move, MOVE_VALIDATE, "validate", ShareUpdateExclusiveLock, STEP_VALIDATED,
						 plan_validate_statement(step->child_table, NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname)));
		move->conid = ((Form_pg_constraint) GETSTRUCT(tuple))->oid;
		return;
	}
	if (HeapTupleIsValid(change_constraint(move->table, step->fk_name)))
	{
		name_is_taken(step, move);
		return;
	}
	change_statement(move, MOVE_STATEMENT, "add", AccessExclusiveLock, STEP_ADDED, linitial(plan_change_statements(step)));
	move->first = true;
}

/* Returns whether the constraint of the step's name is the equivalent CHECK */
static bool
is_helper(HeapTuple tuple, AttrNumber attnum)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);
	char	   *wanted;
	SgScope		scope;

	if (con->contype != CONSTRAINT_CHECK)
		return false;
	/* with the settings under which the condition is printed */
	change_text_begin(&scope);
	wanted = psprintf("(%s IS NOT NULL)", quote_identifier(sg_column_name(con->conrelid, attnum)));
	sg_scope_end(&scope);
	return strcmp(change_condition(tuple), wanted) == 0;
}

static void
look_at_helper(const PlanStep *step, ChangeMove *move, AttrNumber attnum)
{
	HeapTuple	helper = change_constraint(move->table, step->fk_name);
	List	   *statements = plan_change_statements(step);

	if (change_is_not_null(move->table, attnum))
		return;
	if (type_is_rowtype(get_atttype(move->table, attnum)))
	{
		change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED,
					   "before PostgreSQL 18 nothing proves NOT NULL of a column of a row type without a scan under ACCESS EXCLUSIVE",
					   fk_owner_hint("Set it in a maintenance window", move->table, InvalidOid,
									 psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", step->child_table,
											  quote_identifier(linitial(step->child_columns)))));
		return;
	}
	if (helper && !is_helper(helper, attnum))
		name_is_taken(step, move);
	else if (helper == NULL)
	{
		change_statement(move, MOVE_STATEMENT, "add", AccessExclusiveLock, STEP_ADDED, linitial(statements));
		move->first = true;
	}
	else if (!((Form_pg_constraint) GETSTRUCT(helper))->convalidated)
	{
		change_statement(move, MOVE_VALIDATE, "validate", ShareUpdateExclusiveLock, STEP_ADDED,
						 lsecond(statements));
		move->conid = ((Form_pg_constraint) GETSTRUCT(helper))->oid;
	}
	else
	{
		change_statement(move, MOVE_STATEMENT, "set not null", AccessExclusiveLock, STEP_VALIDATED, lthird(statements));
		change_statement(move, MOVE_STATEMENT, "set not null", AccessExclusiveLock, STEP_VALIDATED, lfourth(statements));
	}
}

/* Returns a name for NOT NULL of a column: that of an equivalent CHECK, or a free one */
char *
change_not_null_name(Oid table, const char *column)
{
	for (int n = 0;; n++)
	{
		char	   *name = sg_make_nth_name(sg_rel_name(table), column, "not_null", n);
		HeapTuple	taken = change_constraint(table, name);

		if (!HeapTupleIsValid(taken) || is_helper(taken, get_attnum(table, column)))
			return name;
	}
}

void
change_look_not_null(const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = change_column(step, move);

	if (attnum == InvalidAttrNumber ||
		!change_rows(step, move, psprintf("%s IS NULL", quote_identifier(linitial(step->child_columns))), NIL))
		return;
	move->rule = audit_rule_not_null(move->table, step->fk_name, attnum, true);
	if (SG_HAVE_NOT_ENFORCED)
		look_at_constraint(step, move, attnum);
	else
		look_at_helper(step, move, attnum);
	if (move->statements)
		change_reach_proof(move, move->table);
}

void
change_undo_not_null(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = plan_deed_column(deed, 0, linitial(deed->what->child_columns));
	HeapTuple	tuple = change_constraint(move->table, deed->what->fk_name);

	if (attnum == InvalidAttrNumber)
		return;
	if (deed->own)
	{
		change_own_back(deed, move);
		return;
	}
	if (tuple && (SG_HAVE_NOT_ENFORCED || is_helper(tuple, attnum)))
		change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
						 plan_drop_statement(deed->what->child_table, deed->what->fk_name));
	else if (!SG_HAVE_NOT_ENFORCED && change_is_not_null(move->table, attnum))
		change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
						 psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL", deed->what->child_table,
								  quote_identifier(linitial(deed->what->child_columns))));
}
