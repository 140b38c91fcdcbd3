/*-------------------------------------------------------------------------
 *
 * change_index.c
 *	  Indexes: built concurrently, by background workers.
 *
 *	  A partitioned table gets an index on each partition first; its own then
 *	  takes them over, which is instant.  An index that a build makes is
 *	  recorded as built by the plan, and is taken back as such: this kind has
 *	  no deeds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/name.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_index.h"
#include "plan/plan_name.h"
#include "plan/plan_order.h"

bool
change_index_possible(ChangeMove *move, const char *definition)
{
	CodeReach  *reach = code_reach();
	ErrorData  *edata = plan_index_try(move->table, definition, reach);
	const char *reason;

	if (edata)
	{
		change_problem(move, edata->sqlerrcode, psprintf("%s: there can be no such index", edata->message),
					   edata->hint && edata->sqlerrcode != ERRCODE_UNDEFINED_FUNCTION ? edata->hint :
					   "Names in it are looked up in pg_catalog and among the table's columns; others need their schema.");
		return false;
	}

	/* the server computes the index as the table's owner */
	reason = code_refusal(reach, code_table_owner(move->table));
	if (reason == NULL)
		reason = plan_index_refusal(plan_index_statement(definition, "i", sg_relation_name(move->table), false));
	if (reason)
		change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("no index is built: %s", reason), NULL);
	return reason == NULL;
}

/* Returns whether the caller has CREATE on the tablespace that a definition names */
static bool
place_is_allowed(ChangeMove *move, const char *definition)
{
	const char *name = plan_index_parse(definition)->tableSpace;
	Oid			tablespace = name ? get_tablespace_oid(name, true) : InvalidOid;
	const char *role = GetUserNameFromId(GetUserId(), false);

	if (!OidIsValid(tablespace) || tablespace == MyDatabaseTableSpace ||
		object_aclcheck(TableSpaceRelationId, tablespace, GetUserId(), ACL_CREATE) == ACLCHECK_OK)
		return true;
	change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("role %s has no CREATE on tablespace %s", role, quote_identifier(name)),
				   psprintf("GRANT CREATE ON TABLESPACE %s TO %s;", quote_identifier(name), quote_identifier(role)));
	return false;
}

/*
 * Returns whether the index is the leftover of a build of the plan, which is
 * dropped before the next build
 */
static bool
is_leftover(const PlanStep *step, const char *name)
{
	foreach_ptr(PlanDeed, deed, plan_deeds_unfinished(plan_get(step->plan)))
	{
		if (deed->step == step->step && strcmp(deed->object, name) == 0)
			return true;
	}
	return false;
}

static bool
name_is_free(const PlanStep *step, ChangeMove *move, const char *definition)
{
	Oid			schema = get_rel_namespace(move->table);
	char	   *name = sg_qualified_name(sg_schema_name(schema), step->fk_name);
	Oid			other = get_relname_relid(step->fk_name, schema);
	bool		is_index;

	if (!OidIsValid(other) || is_leftover(step, name))
		return true;
	is_index = get_rel_relkind(other) == RELKIND_INDEX || get_rel_relkind(other) == RELKIND_PARTITIONED_INDEX;
	if (is_index && IndexGetRelation(other, true) == move->table && !get_index_isvalid(other) &&
		plan_index_is_defined(other, move->table, definition))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("index %s is there, but invalid, and no build of this plan has left it", name),
					   psprintf("Unless somebody is building it just now:\nDROP INDEX CONCURRENTLY %s;", name));
	else
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("the name %s is taken by another %s", name, is_index ? "index" : "relation"),
					   psprintf("Give the step another name:\n%s", plan_rename_call(step, "fk_name")));
	return false;
}

/* Returns whether a relation, or a build of the same move, has the name */
static bool
is_built(const PlanStep *step, const ChangeMove *move, Oid schema, Oid relid, const char *name)
{
	char	   *qualified = sg_qualified_name(sg_schema_name(schema), name);

	foreach_ptr(PlanIndex, index, move->builds)
	{
		if (strcmp(index->name, qualified) == 0)
			return true;
	}
	return sg_name_is_used(SG_NAME_RELATION, relid, name) || plan_part_index_name_is_planned(step->plan, sg_relation_name(relid), name);
}

/*
 * Returns the build of the index on one partition, with a chosen name, which
 * the deed records before the build begins
 */
static PlanIndex *
new_build(const PlanStep *step, const ChangeMove *move, Oid relid, const char *definition)
{
	PlanIndex  *index = palloc0(sizeof(PlanIndex));
	Oid			schema = get_rel_namespace(relid);
	const char *name = step->fk_name;

	for (int n = 0; relid != move->table && (n == 0 || is_built(step, move, schema, relid, name)); n++)
		name = sg_make_nth_name(sg_rel_name(relid), step->primary_key ? NULL : plan_index_name_part(definition),
								step->kind == STEP_INDEX ? "idx" : step->primary_key ? "pkey" : "key", n);
	index->step = step->step;
	index->table = sg_relation_name(relid);
	index->columns = pstrdup(definition);
	index->name = sg_qualified_name(sg_schema_name(schema), name);
	index->statement = plan_index_statement(definition, name, index->table, true);
	return index;
}

bool
change_index_find(const PlanStep *step, ChangeMove *move, const char *definition, List **found)
{
	bool		partitioned = get_rel_relkind(move->table) == RELKIND_PARTITIONED_TABLE;

	*found = NIL;
	if (partitioned && !name_is_free(step, move, definition))
		return false;
	foreach_oid(relid, partitioned ? plan_leaves(move->table) : list_make1_oid(move->table))
	{
		Oid			index = plan_index_like(relid, definition, relid == move->table ? plan_step_needed_name(step) : NULL, partitioned, false);

		if (OidIsValid(index))
			*found = lappend_oid(*found, index);
		else
			move->builds = lappend(move->builds, new_build(step, move, relid, definition));
	}
	if (move->builds == NIL)
		return true;
	if (!partitioned && !name_is_free(step, move, definition))
		return false;
	move->kind = MOVE_BUILD;
	move->action = "index";
	return true;
}

/* Returns whether a build of the step made the index */
static bool
is_ours(const PlanStep *step, const char *index)
{
	foreach_ptr(PlanDeed, deed, plan_deeds(plan_get(step->plan), DEED_BIT(DEED_INDEX)))
	{
		if (deed->step == step->step && strcmp(deed->object, index) == 0)
			return true;
	}
	return false;
}

void
change_index_claim(const PlanStep *step, ChangeMove *move, List *indexes)
{
	foreach_oid(index, indexes)
	{
		char	   *name = sg_relation_name(index);

		if (is_ours(step, name))
			move->taken = lappend(move->taken, name);
		else
			move->was = name;
	}
}

/* Returns whether the index that the step has built is in another tablespace now */
static bool
is_moved(const PlanStep *step, const ChangeMove *move, const char *definition)
{
	Oid			index = get_relname_relid(step->fk_name, get_rel_namespace(move->table));

	return OidIsValid(index) && IndexGetRelation(index, true) == move->table && get_index_isvalid(index) &&
		is_ours(step, plan_given(sg_relation_name(index))) && plan_index_is_moved(index, move->table, definition);
}

/* Returns whether the step is done, and the index that it has built is known by its OID and where the step has put it */
static bool
is_as_built(const PlanStep *step, Oid table)
{
	Oid			index = get_relname_relid(step->fk_name, get_rel_namespace(table));

	if (step->state != STEP_VALIDATED || !OidIsValid(index) || !get_index_isvalid(index) || plan_index_parse(plan_index_written(step->definition))->tableSpace)
		return false;
	foreach_ptr(PlanDeed, deed, plan_deeds(plan_get(step->plan), DEED_BIT(DEED_INDEX)))
	{
		if (deed->step == step->step && plan_deed_index_oid(deed) == index && sg_find_qualified(deed->what->child_table) == table)
			return true;
	}
	return false;
}

/*
 * Checks whether the table can have a unique index, and rows are in its way;
 * for an index with expressions or WHERE, the build finds such rows
 */
static bool
look_at_unique(const PlanStep *step, ChangeMove *move)
{
	PlanStep	columns = *step;
	bool		unique;
	bool		plain;
	bool		nulls_equal;

	columns.child_columns = plan_index_columns(plan_index_written(step->definition), &unique, &plain, &nulls_equal);
	if (!unique)
		return true;
	if (!change_unique_over_partitions(&columns, move))
		return false;
	if (plain)
		move->rule = change_rule(step, InvalidOid);
	return true;
}

void
change_look_index(const PlanStep *step, ChangeMove *move)
{
	char	   *definition = plan_index_written(step->definition);
	Oid			there;
	List	   *found;

	if (!change_index_possible(move, definition))
		return;
	if (is_as_built(step, move->table))
		return;
	there = plan_index_like(move->table, definition, plan_step_needed_name(step), true, true);
	if (OidIsValid(there))
	{
		char	   *name = sg_rel_name(there);

		if (strcmp(name, step->fk_name) != 0)
			move->note = psprintf("index %s is the same", quote_identifier(name));
		return;
	}
	if (is_moved(step, move, definition))
	{
		move->note = psprintf("index %s is in another tablespace by now", quote_identifier(step->fk_name));
		return;
	}
	if (!place_is_allowed(move, definition) || !look_at_unique(step, move) || !change_index_find(step, move, definition, &found))
		return;
	move->first = true;
	if (move->kind == MOVE_BUILD)
		return;
	change_index_claim(step, move, found);
	change_statement(move, MOVE_STATEMENT, "index", ShareLock, STEP_VALIDATED,
					 plan_index_statement(definition, step->fk_name, step->child_table, false));
	move->index = definition;
	move->rule = NULL;
}
