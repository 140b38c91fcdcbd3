/*-------------------------------------------------------------------------
 *
 * fk_partition.c
 *	  A planned key whose child is partitioned, partition by partition.
 *
 * ALTER TABLE ... ADD FOREIGN KEY on a partitioned table attaches the keys
 * that its partitions have themselves, if they are the same in everything
 * that it compares (tryAttachPartitionForeignKey), before 18 only valid ones.
 * For each other partition it makes a key of its own, and reads all rows.  So
 * what is called the same here must be no less than what the server calls so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "fk/fk.h"

/* Maps column numbers of one table to another, by name */
static void
map_columns(Oid from, Oid to, const AttrNumber *columns, int n, AttrNumber *mapped)
{
	for (int i = 0; i < n; i++)
		mapped[i] = sg_column_in(to, from, columns[i]);
}

/* Returns whether two keys have the same pairs of columns in the same order, with the same operators */
static bool
same_pairs(const FkKey *a, const FkKey *b)
{
	for (int i = 0; i < a->nkeys; i++)
	{
		if (a->child_att[i] != b->child_att[i] || a->parent_att[i] != b->parent_att[i] ||
			a->pf_eq_op[i] != b->pf_eq_op[i])
			return false;
	}
	return true;
}

static FkProblem *
key_problem(Oid relid, const FkKey *key, const char *what, const char *hint)
{
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_SG_KEY_CONFLICT,
					  psprintf("partition %s has key %s on the same columns, but %s",
							   sg_relation_name(relid), quote_identifier(key->name), what),
					  hint);
}

/* Returns a hint: an alternative, then the statement that drops a partition's key */
static char *
drop_hint(const char *what, Oid relid, const FkKey *key)
{
	return psprintf("%s\nALTER TABLE %s DROP CONSTRAINT %s;", what, sg_relation_name(relid), quote_identifier(key->name));
}

/* Sets partition->own to the partition's key that equals the planned one, preferably a valid one */
static FkProblem *
find_own(FkPartition *partition)
{
	partition->own = NULL;
	foreach_ptr(FkKey, key, fk_declared(partition->relid))
	{
		char	   *difference;

		if (!fk_same_columns(&partition->planned, key))
			continue;
		difference = fk_clause_difference(&partition->planned, key);
		if (difference)
			return key_problem(partition->relid, key, difference,
							   drop_hint("Give the step the same clauses, or drop that key:", partition->relid, key));
		if (!same_pairs(&partition->planned, key))
			continue;
		if (key->enforced && !key->armed)
			return key_problem(partition->relid, key,
							   psprintf("it is unarmed: %s", key->unarmed_reason),
							   "Enable the triggers that have it as tgconstraint in pg_trigger, or drop the key and run the plan again.");
		if (key->validated && key->doubt)
			return key_problem(partition->relid, key, psprintf("nothing proves it: %s", key->doubt),
							   drop_hint("Leave the step out, or drop that key:", partition->relid, key));
		if (partition->own == NULL || (key->validated && !partition->own->validated))
			partition->own = key;
	}
	return NULL;
}

/* Fills *partition with the planned key of the whole table, mapped to one partition */
static FkProblem *
look(const FkKey *planned, Oid relid, FkPartition *partition)
{
	char		relkind = get_rel_relkind(relid);

	memset(partition, 0, sizeof(FkPartition));
	if (relkind == '\0')
		return NULL;			/* dropped a moment ago */
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_WRONG_OBJECT_TYPE,
						  psprintf("partition %s is a foreign table, which can't have foreign keys",
								   sg_relation_name(relid)),
						  "Give the partitions that are local tables keys of their own, or detach the foreign one.");

	partition->relid = relid;
	partition->planned = *planned;
	partition->planned.child = relid;
	map_columns(planned->child, relid, planned->child_att, planned->nkeys,
				partition->planned.child_att);
	map_columns(planned->child, relid, planned->delete_set, planned->ndelete_set,
				partition->planned.delete_set);
	return find_own(partition);
}

static FkProblem *
collect(const FkKey *planned, Oid relid, List **partitions)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, sg_children(relid))
	{
		FkPartition *partition = palloc(sizeof(FkPartition));
		FkProblem  *problem = look(planned, lfirst_oid(lc), partition);

		if (problem)
			return problem;
		if (!OidIsValid(partition->relid))
			continue;
		if (partition->own || get_rel_relkind(partition->relid) == RELKIND_RELATION)
			*partitions = lappend(*partitions, partition);
		else if ((problem = collect(planned, partition->relid, partitions)) != NULL)
			return problem;
	}
	return NULL;
}

FkProblem *
fk_partitions(const FkKey *planned, List **partitions)
{
	*partitions = NIL;
	return collect(planned, planned->child, partitions);
}

FkProblem *
fk_partition_look(const FkKey *planned, Oid relid, FkPartition *partition)
{
	if (list_member_oid(sg_partition_ancestors(relid), planned->child))
		return look(planned, relid, partition);

	memset(partition, 0, sizeof(FkPartition));
	return NULL;
}
