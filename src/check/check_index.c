/*-------------------------------------------------------------------------
 *
 * check_index.c
 *	  Indexes: whether one serves the triggers of the key, the cost of none,
 *	  and room for the one that deployment builds.
 *
 *	  A write to the child looks for the parent's row by "parent = $1"; the
 *	  parent's column is never cast, so its index is useless only if its
 *	  collation is not the column's.  A change of the parent looks for rows of
 *	  the child by "$1 = child": if the operator takes another type, the
 *	  child's column is cast, and no plain index on it serves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/itup.h"
#include "access/stratnum.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "check/check.h"
#include "plan/plan_index.h"

SG_FUNCTION(sg_unserved_keys);

static bool
is_cast(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (OidIsValid(fk_child_cast(key, i)))
			return true;
	}
	return false;
}

Oid
check_serving_index(const FkKey *key)
{
	Oid			index = fk_serving_index(key);
	ListCell   *lc;

	if (OidIsValid(index) || get_rel_relkind(key->child) != RELKIND_PARTITIONED_TABLE)
		return index;
	foreach(lc, plan_leaves(key->child))
	{
		index = fk_serving_index(fk_on_partition(key, lfirst_oid(lc)));
		if (!OidIsValid(index))
			return InvalidOid;
	}
	return index;
}

/* ---- does the operator let indexes serve? ---- */

/* Warns if the parent's index has another collation than the column, and so serves no check */
static bool
check_parent_index(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(key->index));
	bool		found = false;
	oidvector  *collations;
	Form_pg_index form;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indcollation, &isnull));
	for (int i = 0; i < form->indnkeyatts && !found; i++)
	{
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->parent, form->indkey.values[i], &type, &typmod, &collation);
		if (!OidIsValid(collations->values[i]) || collations->values[i] == collation)
			continue;
		found = true;
		check_row(cs, "index_use", CHECK_WARN,
				  psprintf("index %s has collation %s for column %s, whose own is %s: each row that is written to the child reads the parent from end to end",
						   sg_relation_name(key->index), generate_collation_name(collations->values[i]),
						   check_column(key->parent, form->indkey.values[i]), generate_collation_name(collation)),
				  fk_owner_hint("Build one in the column's collation", key->parent, InvalidOid,
								psprintf("CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s)",
										 cs->step->parent_table, check_columns(key->parent, key->parent_att, key->nkeys))));
	}
	ReleaseSysCache(tuple);
	return found;
}

/* Warns if the child's column is cast, so that an index on it does not serve */
static bool
check_child_cast(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		found = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			type = fk_child_cast(key, i);
		char	   *column = check_column(key->child, key->child_att[i]);

		if (!OidIsValid(type))
			continue;
		found = true;
		check_row(cs, "index_use", CHECK_WARN,
				  psprintf("a change of the parent compares %s cast to %s: no index on the column itself serves",
						   column, format_type_be(type)),
				  fk_owner_hint("Give the column the parent's type, which rewrites the table under a lock", key->child, type,
								psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s",
										 cs->step->child_table, column, format_type_be(type))));
	}
	return found;
}

void
check_index_use(CheckStep *cs)
{
	bool		found = check_parent_index(cs);

	found |= check_child_cast(cs);
	if (!found)
		check_row(cs, "index_use", CHECK_OK, NULL, NULL);
}

/* ---- is there one? ---- */

/* Returns the cost of a parent's delete that has to scan the whole child, as text */
static char *
scan_cost(const PlanCheck *check, const CheckStep *cs)
{
	double		blocks = cs->child->blocks;

	if (check->ms_per_block > 0)
		return psprintf("deleting one row of the parent reads %s of the child, about %s",
						check_bytes(blocks * BLCKSZ), check_duration(blocks * check->ms_per_block / 1000));
	return psprintf("deleting one row of the parent reads %s of the child, the planner's cost of which is %.0f",
					check_bytes(blocks * BLCKSZ),
					blocks * seq_page_cost + Max(cs->child->rows, 0) * cpu_tuple_cost);
}

/* Appends the statements that would build an index for the step, one for each partition */
static void
add_index_statements(StringInfo sql, const CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	PlanStep	step = *cs->step;

	if (is_cast(key))
	{
		char	   *obstacle;
		char	   *elements = fk_index_elements(key, &obstacle);

		if (elements)
			appendStringInfo(sql, "CREATE INDEX %sON %s (%s)",
							 get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ? "" : "CONCURRENTLY ",
							 cs->step->child_table, elements);
		return;
	}

	step.index = true;
	foreach_ptr(const PlanIndex, index, plan_missing_indexes(list_make1(&step)))
	{
		appendStringInfo(sql, "%s%s", sql->len ? "; " : "", index->statement);
	}
}

/*
 * Returns a hint with these statements, or NULL if no index can serve.  Each
 * step may have one, so names and indexes looked up for it, which take more
 * memory than its text, are freed at once.
 */
static char *
index_hint(const char *lead, const CheckStep *cs)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "schemaguard hint", ALLOCSET_SMALL_SIZES);
	StringInfoData sql;
	char	   *hint;

	MemoryContextSwitchTo(scratch);
	initStringInfo(&sql);
	add_index_statements(&sql, cs);
	hint = sql.len ? fk_owner_hint(lead, cs->view.key.child, InvalidOid, sql.data) : NULL;
	MemoryContextSwitchTo(context);

	hint = hint ? pstrdup(hint) : NULL;
	MemoryContextDelete(scratch);
	return hint;
}

/* Checks the room for the index, and as much again for sorting it */
static void
check_disk(CheckStep *cs)
{
	Oid			tablespace = GetDefaultTablespace(sg_rel_persistence(cs->child->relid), false);
	char	   *reason = NULL;
	double		available = check_free_space(tablespace, &reason);

	if (available < 0)
		check_row(cs, "disk", CHECK_WARN,
				  psprintf("the index takes up to %s; how much is free is not known: %s",
						   check_bytes(cs->index_bytes), reason),
				  psprintf("To see it:\nGRANT pg_read_all_stats TO %s;",
						   quote_identifier(GetUserNameFromId(GetUserId(), false))));
	else if (2 * cs->index_bytes > available)
		check_row(cs, "disk", CHECK_WARN,
				  psprintf("the index takes up to %s, and as much again while it is built; %s are free",
						   check_bytes(cs->index_bytes), check_bytes(available)),
				  psprintf("Make room, or set default_tablespace to build it elsewhere, or do without:\n%s",
						   check_set(cs, "index", "false")));
	else
		check_row(cs, "disk", CHECK_OK,
				  psprintf("the index takes up to %s of %s that are free",
						   check_bytes(cs->index_bytes), check_bytes(available)), NULL);
}

/* Checks the privilege to build the index, which differs from the key's */
static void
check_may_build(CheckStep *cs)
{
	Oid			namespace = get_rel_namespace(cs->child->relid);
	Oid			role = GetUserId();

	if (object_aclcheck(NamespaceRelationId, namespace, role, ACL_CREATE) == ACLCHECK_OK)
		return;
	check_row(cs, "privileges", CHECK_WARN,
			  psprintf("role %s has no CREATE on the schema of %s, which building the index takes",
					   GetUserNameFromId(role, false), cs->step->child_table),
			  psprintf("Grant it:\nGRANT CREATE ON SCHEMA %s TO %s;",
					   quote_identifier(sg_schema_name(namespace)),
					   quote_identifier(GetUserNameFromId(role, false))));
}

/* Returns the indexes that deployment builds, by their tables */
static SgOidLists *
planned_indexes(const PlanCheck *check)
{
	SgOidLists *indexes = sg_lists_create();
	List	   *steps = NIL;

	foreach_ptr(const CheckStep, cs, check->steps)
	{
		if (check_is_due(cs))
			steps = lappend(steps, cs->step);
	}
	foreach_ptr(PlanIndex, index, plan_missing_indexes(steps))
	{
		if (index->key)
			sg_lists_add(indexes, index->key->child, index);
	}
	return indexes;
}

const PlanIndex *
check_planned_index(PlanCheck *check, const FkKey *key)
{
	if (check->indexes == NULL)
		check->indexes = planned_indexes(check);
	foreach_ptr(PlanIndex, index, sg_lists_of(check->indexes, key->child))
	{
		if (fk_index_covers(index->key, key))
			return index;
	}
	return NULL;
}

/* Reports a missing index: its cost, and who builds it */
static void
check_missing_index(PlanCheck *check, CheckStep *cs)
{
	const PlanIndex *planned = cs->step->index ? check_planned_index(check, &cs->view.key) : NULL;
	char	   *what = psprintf("no index serves the key: %s", scan_cost(check, cs));

	if (planned == NULL || planned->obstacle || is_cast(&cs->view.key))
		check_row(cs, "index", CHECK_WARN,
				  planned && planned->obstacle ? psprintf("%s; none is built: %s", what, planned->obstacle) : what,
				  planned && planned->hint ? planned->hint : index_hint("Build one", cs));
	else if (sg_workers == 0)
		check_row(cs, "index", CHECK_WARN,
				  psprintf("%s; none is built, since schemaguard.workers is 0", what),
				  index_hint("Set schemaguard.workers to 1, or build it by hand", cs));
	else if (planned->step != cs->step->step)
		check_row(cs, "index", CHECK_OK,
				  psprintf("%s; deployment builds one first, which serves step %d as well", what, planned->step), NULL);
	else
	{
		cs->index_bytes = check_index_bytes(cs->child, cs->view.key.child_att, cs->view.key.nkeys);
		check_row(cs, "index", CHECK_OK, psprintf("%s; deployment builds one first: %s", what, planned->name), NULL);
		check_may_build(cs);
		check_disk(cs);
	}
}

void
check_index(PlanCheck *check, CheckStep *cs)
{
	Oid			index = check_serving_index(&cs->view.key);

	if (OidIsValid(index))
		check_row(cs, "index", CHECK_OK, psprintf("index %s serves", sg_relation_name(index)), NULL);
	else
		check_missing_index(check, cs);
}

/*
 * schemaguard.sg_unserved_keys()
 *
 * Returns the declared keys whose own queries, after a change of the parent,
 * can use no index of the child; with the columns of one that they could use,
 * or else the reason why there is none.  Takes no lock, asks for no privilege.
 */
static Datum
sg_unserved_keys_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;

	sg_sink_begin(&sink, fcinfo);
	foreach_ptr(FkKey, key, fk_declared(InvalidOid))
	{
		char	   *obstacle = NULL;

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(check_serving_index(key)))
			continue;
		sg_sink_datum(&sink, ObjectIdGetDatum(key->conid));
		sg_sink_text(&sink, fk_index_elements(key, &obstacle));
		sg_sink_text(&sink, obstacle);
		sg_sink_emit(&sink);
	}
	PG_RETURN_NULL();
}
