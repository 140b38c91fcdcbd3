/*-------------------------------------------------------------------------
 *
 * change_identity.c
 *	  Replica identities that go with a dropped index, constraint or column.
 *
 * The server refuses to update and delete rows of a published table that has
 * none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "plan/plan_change.h"

static char
identity_kind(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	char		kind = REPLICA_IDENTITY_NOTHING;

	if (HeapTupleIsValid(tuple))
	{
		kind = ((Form_pg_class) GETSTRUCT(tuple))->relreplident;
		ReleaseSysCache(tuple);
	}
	return kind;
}

/*
 * Returns the index that is the replica identity of a table, or InvalidOid;
 * sets whether it has a column
 */
static Oid
identity_index(Oid relid, char kind, AttrNumber attnum, bool *has_column)
{
	SgCatalog	indexes;
	HeapTuple	tuple;
	Oid			found = InvalidOid;

	*has_column = false;
	if (kind != REPLICA_IDENTITY_INDEX && kind != REPLICA_IDENTITY_DEFAULT)
		return InvalidOid;
	sg_catalog_begin(&indexes, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (!OidIsValid(found) && HeapTupleIsValid(tuple = sg_catalog_next(&indexes)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		if (!(kind == REPLICA_IDENTITY_INDEX ? form->indisreplident : form->indisprimary))
			continue;
		found = form->indexrelid;
		for (int i = 0; i < form->indnatts; i++)
			*has_column |= attnum != InvalidAttrNumber && form->indkey.values[i] == attnum;
	}
	sg_catalog_end(&indexes);
	return found;
}

/* Returns the replica identity of a table if a step's drop removes it, or InvalidOid */
static Oid
identity_that_goes(const PlanStep *step, const ChangeMove *move, Oid relid, char kind)
{
	ChangedObject what = plan_changed_object(step);
	Oid			dropped = what == CHANGED_CONSTRAINT ? get_constraint_index(move->object.objectId) : move->object.objectId;
	bool		has_column;
	Oid			index = identity_index(relid, kind, what == CHANGED_COLUMN ? get_attnum(relid, step->fk_name) : InvalidAttrNumber, &has_column);

	if (what == CHANGED_COLUMN ? has_column : index == dropped || list_member_oid(sg_partition_ancestors(index), dropped))
		return index;
	return InvalidOid;
}

static void
identity_problem(ChangeMove *move, Oid relid, char *reason)
{
	change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason,
				   psprintf("Give the table another replica identity first:\nALTER TABLE %s REPLICA IDENTITY FULL;", sg_relation_name(relid)));
	move->stands = true;
}

bool
change_keeps_identity(const PlanStep *step, ChangeMove *move)
{
	ChangedObject what = plan_changed_object(step);

	foreach_oid(relid, what == CHANGED_CONSTRAINT || what == CHANGED_INDEX || what == CHANGED_COLUMN ? sg_all_inheritors(move->table) : NIL)
	{
		char		kind = identity_kind(relid);
		Oid			index = identity_that_goes(step, move, relid, kind);
		char	   *publications = NULL;

		if (!OidIsValid(index))
			continue;
		if (get_rel_relkind(relid) == RELKIND_RELATION)
			publications = change_published(list_concat(list_make1_oid(relid), sg_partition_ancestors(relid)), NULL, true);
		if (publications)
			identity_problem(move, relid, psprintf("index %s is the replica identity of %s, and without one the server refuses to update or delete rows that publication %s sends",
												   quote_identifier(sg_rel_name(index)), sg_relation_name(relid), publications));
		else if (kind == REPLICA_IDENTITY_INDEX && (relid != move->table || (what == CHANGED_COLUMN && !step->discard)))
			identity_problem(move, relid, psprintf("index %s is the replica identity of %s", quote_identifier(sg_rel_name(index)), sg_relation_name(relid)));
		else
		{
			move->identity = kind == REPLICA_IDENTITY_INDEX;
			continue;
		}
		return false;
	}
	return true;
}

bool
change_undo_keeps_identity(const PlanDeed *deed, const char *definition, Oid catalog, Oid object, ChangeMove *move)
{
	PlanStep	drop = *deed->what;

	drop.kind = STEP_DROP;
	drop.definition = unconstify(char *, definition);
	ObjectAddressSet(move->object, catalog, object);
	return change_keeps_identity(&drop, move);
}

char *
change_identity_statement(Oid table, const char *name, const char *index)
{
	bool		has_column;
	char		kind = identity_kind(table);

	if (kind != REPLICA_IDENTITY_INDEX || OidIsValid(identity_index(table, kind, InvalidAttrNumber, &has_column)))
		return NULL;
	return psprintf("ALTER TABLE %s REPLICA IDENTITY USING INDEX %s", name, quote_identifier(index));
}
