/*-------------------------------------------------------------------------
 *
 * fk_catalog.c
 *	  Declared foreign keys, read from pg_constraint.
 *
 * Clones that partitioning makes (conparentid <> 0) are never keys of their
 * own: a name or a pair of tables may occur many times because of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "fk/fk.h"
#include "fk/fk_internal.h"

/* Reads the columns of a key from its pg_constraint row */
static void
read_columns(FkKey *key, HeapTuple tuple)
{
	int			nfks;
	AttrNumber	child_att[INDEX_MAX_KEYS];
	AttrNumber	parent_att[INDEX_MAX_KEYS];
	Oid			pf_eq[INDEX_MAX_KEYS];
	Oid			pp_eq[INDEX_MAX_KEYS];
	Oid			ff_eq[INDEX_MAX_KEYS];
	int			ndelete_set;
	AttrNumber	delete_set[INDEX_MAX_KEYS];

	DeconstructFkConstraintRow(tuple, &nfks, child_att, parent_att,
							   pf_eq, pp_eq, ff_eq, &ndelete_set, delete_set);
	key->nkeys = nfks;
	memcpy(key->child_att, child_att, nfks * sizeof(AttrNumber));
	memcpy(key->parent_att, parent_att, nfks * sizeof(AttrNumber));
	memcpy(key->pf_eq_op, pf_eq, nfks * sizeof(Oid));
	key->ndelete_set = ndelete_set;
	memcpy(key->delete_set, delete_set, ndelete_set * sizeof(AttrNumber));
}

static FkKey *
read_key(HeapTuple tuple)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);
	FkKey	   *key = palloc0(sizeof(FkKey));

	key->conid = con->oid;
	key->name = pstrdup(NameStr(con->conname));
	key->child = con->conrelid;
	key->parent = con->confrelid;
	key->index = con->conindid;
	key->match = con->confmatchtype;
	key->on_update = con->confupdtype;
	key->on_delete = con->confdeltype;
	key->deferrable = con->condeferrable;
	key->initially_deferred = con->condeferred;
	key->validated = con->convalidated;
	key->enforced = SG_CON_ENFORCED(con);
	key->period = SG_CON_PERIOD(con);
	read_columns(key, tuple);

	return key;
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	const FkKey *ka = lfirst(a);
	const FkKey *kb = lfirst(b);

	if (ka->child != kb->child)
		return ka->child < kb->child ? -1 : 1;
	return strcmp(ka->name, kb->name);
}

/*
 * Adds a row of pg_constraint: a key to *keys, and a key or clone to arming,
 * which knows the triggers that each must have
 */
static void
collect_row(HeapTuple tuple, List **keys, FkArming *arming)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

	if (con->contype != CONSTRAINT_FOREIGN)
		return;

	fk_arming_add(arming, con);
	if (!OidIsValid(con->conparentid))
		*keys = lappend(*keys, read_key(tuple));
}

/* Collects the rows of pg_constraint with a value in one OID column, and adds their OIDs to *found */
static void
collect_rows(Oid indexid, AttrNumber column, Oid value, List **keys, FkArming *arming, List **found)
{
	SgCatalog	constraints;
	HeapTuple	tuple;

	sg_catalog_begin(&constraints, ConstraintRelationId, indexid, column, value, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

		/* a clone on a partition belongs to the key of the partitioned table */
		if (con->contype != CONSTRAINT_FOREIGN ||
			(column == Anum_pg_constraint_conrelid && OidIsValid(con->conparentid)))
			continue;
		collect_row(tuple, keys, arming);
		*found = lappend_oid(*found, con->oid);
	}
}

/* Collects keys by an index of pg_constraint, with their clones at every level */
static void
collect_by(Oid indexid, AttrNumber column, Oid value, List **keys, FkArming *arming)
{
	List	   *found = NIL;

	collect_rows(indexid, column, value, keys, arming, &found);
	for (int i = 0; i < list_length(found); i++)
		collect_rows(ConstraintParentIndexId, Anum_pg_constraint_conparentid,
					 list_nth_oid(found, i), keys, arming, &found);
}

static void
judge_key(FkArming *arming, FkKey *key)
{
	fk_arming_judge(arming, key);
	fk_citus_judge(key);
}

List *
fk_declared(Oid child)
{
	FkArming   *arming = fk_arming_create();
	List	   *keys = NIL;
	ListCell   *lc;

	if (OidIsValid(child))
		collect_by(ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid,
				   child, &keys, arming);
	else
	{
		SgCatalog	constraints;
		HeapTuple	tuple;

		sg_catalog_begin_all(&constraints, ConstraintRelationId);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
			collect_row(tuple, &keys, arming);
	}

	fk_arming_read_triggers(arming, !OidIsValid(child));
	foreach(lc, keys)
	{
		if (!OidIsValid(child) && fk_citus_hides(((FkKey *) lfirst(lc))->child))
			keys = foreach_delete_current(keys, lc);
		else
			judge_key(arming, lfirst(lc));
	}
	fk_arming_destroy(arming);

	list_sort(keys, compare_keys);
	return keys;
}

FkKey *
fk_by_oid(Oid conid)
{
	FkArming   *arming = fk_arming_create();
	List	   *keys = NIL;
	FkKey	   *key = NULL;

	collect_by(ConstraintOidIndexId, Anum_pg_constraint_oid, conid, &keys, arming);

	if (keys != NIL)
	{
		key = linitial(keys);
		fk_arming_read_triggers(arming, false);
		judge_key(arming, key);
	}
	fk_arming_destroy(arming);

	return key;
}

/* Returns the OID of the key that a clone belongs to, its own if it is none */
static Oid
top_key(Oid conid)
{
	Oid			top = InvalidOid;

	while (OidIsValid(conid))
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));

		if (!HeapTupleIsValid(tuple))
			return InvalidOid;
		top = conid;
		conid = ((Form_pg_constraint) GETSTRUCT(tuple))->conparentid;
		ReleaseSysCache(tuple);
	}
	return top;
}

Oid
fk_of_error(const ErrorData *error)
{
	Oid			schema = error->schema_name ? get_namespace_oid(error->schema_name, true) : InvalidOid;
	Oid			relid = OidIsValid(schema) && error->table_name ? get_relname_relid(error->table_name, schema) : InvalidOid;
	Oid			conid = OidIsValid(relid) && error->constraint_name ?
		get_relation_constraint_oid(relid, error->constraint_name, true) : InvalidOid;

	return top_key(conid);
}

FkKey *
fk_by_name(Oid child, const char *name)
{
	foreach_ptr(FkKey, key, fk_declared(child))
	{
		if (strcmp(key->name, name) == 0)
			return key;
	}

	return NULL;
}

/*
 * Returns the valid key of a partitioned table whose part on a partition does
 * what a planned key of the partition would do, or NULL
 */
static FkKey *
inherited_twin(const FkKey *planned)
{
	SgCatalog	constraints;
	HeapTuple	tuple;
	List	   *parts = NIL;

	if (!get_rel_relispartition(planned->child))
		return NULL;
	sg_catalog_begin(&constraints, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
					 Anum_pg_constraint_conrelid, planned->child, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tuple);

		if (con->contype == CONSTRAINT_FOREIGN && OidIsValid(con->conparentid) && con->convalidated)
			parts = lappend(parts, read_key(tuple));
	}
	foreach_ptr(FkKey, part, parts)
	{
		FkKey	   *whole;

		if (!fk_same_columns(planned, part) || fk_clause_difference(planned, part) != NULL)
			continue;
		whole = fk_by_oid(top_key(part->conid));

		/*
		 * a key to a partitioned parent has clones for the parent's
		 * partitions
		 */
		if (whole && whole->child != part->child && whole->parent == part->parent)
			return whole;
	}
	return NULL;
}

FkKey *
fk_declared_twin(const FkKey *planned)
{
	FkKey	   *best = NULL;

	foreach_ptr(FkKey, key, fk_declared(planned->child))
	{
		if (!fk_same_columns(planned, key) ||
			(planned->replaces && strcmp(planned->replaces, key->name) == 0))
			continue;
		if (best == NULL || (fk_clause_difference(planned, best) &&
							 !fk_clause_difference(planned, key)))
			best = key;
	}
	return best ? best : inherited_twin(planned);
}

FkState
fk_state(const FkKey *key)
{
	if (!key->enforced)
		return FK_NOT_ENFORCED;
	if (!key->armed)
		return FK_UNARMED;
	if (!key->validated)
		return FK_NOT_VALID;
	return key->doubt ? FK_UNKNOWN : FK_VALID;
}

const char *
fk_state_word(FkState state)
{
	switch (state)
	{
		case FK_MISSING:
			return "missing";
		case FK_NOT_ENFORCED:
			return "not enforced";
		case FK_UNARMED:
			return "unarmed";
		case FK_NOT_VALID:
			return "not valid";
		case FK_UNKNOWN:
			return "unknown";
		case FK_VALID:
			return "valid";
	}
	pg_unreachable();
}
