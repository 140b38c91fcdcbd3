/*-------------------------------------------------------------------------
 *
 * change_check.c
 *	  CHECK: added NOT VALID, then validated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

/* ---- conditions of a table that were deparsed by this call ---- */

typedef struct Deparsed
{
	Oid			conid;			/* hash key */
	TransactionId xmin;			/* xmin of the row of pg_constraint */
	ItemPointerData place;
	char	   *condition;
} Deparsed;

static HTAB *deparsed = NULL;
static MemoryContext deparsed_context = NULL;
static Oid	deparsed_table;
static TimestampTz deparsed_since;
static uint32 deparsed_columns;

/* Returns a hash of the names by which a condition may refer to columns */
static uint32
hash_columns(Oid table)
{
	SgCatalog	attributes;
	HeapTuple	tuple;
	uint32		hash = 0;

	sg_catalog_begin(&attributes, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&attributes)))
		hash = hash_combine(hash, string_hash(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname), NAMEDATALEN));
	return hash;
}

/* Clears the cache for another table, another call, or other column names */
static void
remember_table(Oid table)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(Deparsed)};
	uint32		columns = hash_columns(table);

	if (deparsed && deparsed_table == table && deparsed_since == GetCurrentStatementStartTimestamp() && deparsed_columns == columns)
		return;
	deparsed = NULL;
	if (deparsed_context)
		MemoryContextReset(deparsed_context);
	else
		deparsed_context = AllocSetContextCreate(TopMemoryContext, "schemaguard checks", ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = deparsed_context;
	deparsed = hash_create("schemaguard checks", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	deparsed_table = table;
	deparsed_since = GetCurrentStatementStartTimestamp();
	deparsed_columns = columns;
}

/*
 * Like change_condition(), cached, because a plan with many checks of a table
 * would ask for as many as there are pairs
 */
static const char *
condition_of(HeapTuple tuple)
{
	Oid			conid = ((Form_pg_constraint) GETSTRUCT(tuple))->oid;
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	Deparsed   *entry = hash_search(deparsed, &conid, HASH_FIND, NULL);
	char	   *condition;

	if (entry && entry->xmin == xmin && ItemPointerEquals(&entry->place, &tuple->t_self))
		return entry->condition;
	condition = MemoryContextStrdup(deparsed_context, change_condition(tuple));
	entry = hash_search(deparsed, &conid, HASH_ENTER, NULL);
	entry->xmin = xmin;
	entry->place = tuple->t_self;
	entry->condition = condition;
	return condition;
}

static bool
is_check(HeapTuple tuple, const char *condition, bool no_inherit, bool enforced)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

	return con->contype == CONSTRAINT_CHECK && con->connoinherit == no_inherit && SG_CON_ENFORCED(con) == enforced &&
		strcmp(change_condition(tuple), condition) == 0;
}

/*
 * Returns a copy of the table's own CHECK with a condition, preferring the
 * step's name, or NULL.  Other names count only if the step does not need its
 * own, and its CHECK is not to come back.  A table may have thousands: the
 * others are read, and deparsed, only if the step's own is missing.
 */
static HeapTuple
find_check(Oid table, const PlanStep *step, const char *condition, bool back, bool no_inherit, bool enforced)
{
	SgCatalog	scan;
	HeapTuple	tuple = change_constraint(table, step->fk_name);
	HeapTuple	found = NULL;

	if (tuple && (is_check(tuple, condition, no_inherit, enforced) ||
				  (change_has_made(step, ((Form_pg_constraint) GETSTRUCT(tuple))->oid) && SG_CON_ENFORCED((Form_pg_constraint) GETSTRUCT(tuple)))))
		return tuple;
	if (back || plan_step_needed_name(step))
		return NULL;
	remember_table(table);
	sg_catalog_begin(&scan, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
					 Anum_pg_constraint_conrelid, table, NULL);
	while (found == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

		if (con->contype == CONSTRAINT_CHECK && !con->connoinherit && SG_CON_ENFORCED(con) && strcmp(condition_of(tuple), condition) == 0)
			found = heap_copytuple(tuple);
	}
	sg_catalog_end(&scan);
	return found;
}

static void
look_at_existing(const PlanStep *step, ChangeMove *move, HeapTuple tuple, CodeReach *reach)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);
	const char *name = NameStr(con->conname);

	if (!con->convalidated)
	{
		change_statement(move, MOVE_VALIDATE, "validate", ShareUpdateExclusiveLock, STEP_VALIDATED,
						 plan_validate_statement(step->child_table, name));
		move->reach = reach;
		move->conid = con->oid;
	}
	else if (strcmp(name, step->fk_name) != 0)
		move->note = psprintf("check %s has the same condition already", quote_identifier(name));
}

/*
 * Returns the table, or one that is to inherit its new CHECK, in which another
 * constraint has the step's name, or InvalidOid
 */
static Oid
name_taken_in(const PlanStep *step, Oid table, const char *condition, bool no_inherit, bool enforced)
{
	foreach_oid(heir, no_inherit ? list_make1_oid(table) : sg_all_inheritors(table))
	{
		HeapTuple	tuple = change_constraint(heir, step->fk_name);

		if (tuple && (heir == table || !is_check(tuple, condition, no_inherit, enforced)))
			return heir;
	}
	return InvalidOid;
}

static void
look_at_check(const PlanStep *step, ChangeMove *move, bool back, bool no_inherit, bool enforced)
{
	Node	   *cooked = change_cook(move, step->definition, InvalidAttrNumber, false);
	Oid			named;
	HeapTuple	same;
	CodeReach  *reach = code_reach();
	char	   *condition;

	if (cooked == NULL)
		return;
	condition = change_deparse(move->table, cooked);
	if (!change_rows(step, move, psprintf("NOT (%s)", condition), list_make1(cooked)))
		return;
	move->rule = audit_rule_check(move->table, step->fk_name, cooked, true, code_table_owner(move->table));
	code_reach_expression(reach, cooked, code_table_owner(move->table));
	same = find_check(move->table, step, condition, back, no_inherit, enforced);
	if (same)
	{
		look_at_existing(step, move, same, reach);
		return;
	}
	named = name_taken_in(step, move->table, condition, no_inherit, enforced);
	if (OidIsValid(named))
	{
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("the name %s is taken by another constraint of %s",
								quote_identifier(step->fk_name), sg_relation_name(named)),
					   psprintf("Give the step another name:\n%s", plan_rename_call(step, "fk_name")));
		return;
	}
	change_statement(move, MOVE_STATEMENT, "add", AccessExclusiveLock, STEP_ADDED,
					 psprintf("%s%s%s", (char *) linitial(plan_change_statements(step)), no_inherit ? " NO INHERIT" : "",
							  enforced ? "" : " NOT ENFORCED"));
	move->first = !back;
}

void
change_look_check(const PlanStep *step, ChangeMove *move)
{
	look_at_check(step, move, false, false, true);
}

void
change_check_back(const PlanStep *step, ChangeMove *move, bool no_inherit, bool enforced)
{
	look_at_check(step, move, true, no_inherit, enforced);
}

void
change_undo_check(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	HeapTuple	tuple = change_constraint(move->table, deed->what->fk_name);
	Node	   *cooked;

	if (deed->own)
	{
		change_own_back(deed, move);
		return;
	}
	if (tuple == NULL)
		return;
	if (plan_deed_has_constraint(deed))
	{
		change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
						 plan_drop_statement(deed->what->child_table, deed->what->fk_name));
		return;
	}
	cooked = change_cook(move, deed->what->definition, InvalidAttrNumber, false);
	if (cooked == NULL || !is_check(tuple, change_deparse(move->table, cooked), false, true))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, "the constraint of that name is another one by now", NULL);
	else
		change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_ROLLED_BACK,
						 plan_drop_statement(deed->what->child_table, deed->what->fk_name));
}
