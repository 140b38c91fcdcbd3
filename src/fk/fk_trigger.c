/*-------------------------------------------------------------------------
 *
 * fk_trigger.c
 *	  Is a key armed: are all its triggers there and enabled?
 *
 * A key that convalidated calls valid protects nothing while its triggers
 * are disabled or lost.  What there has to be, on 15 to 19: a key has two
 * check triggers on the child and two action triggers on the parent; the
 * clone for a partition of the child has the check half, the clone for a
 * partition of the parent the action half.  Check triggers and NO ACTION
 * triggers have the constraint's deferrability, other actions are never
 * deferred.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "fk/fk_internal.h"

SG_FUNCTION(sg_unarmed_keys);

typedef struct ArmingEntry
{
	Oid			conid;			/* hash key */
	Oid			parentid;		/* conparentid */
	Oid			child;
	Oid			parent;
	bool		enforced;
	bool		deferrable;
	bool		deferred;
	int			check;			/* enabled triggers of each half */
	int			action;
	bool		disabled;		/* one exists, but is disabled */
	bool		misdeferred;	/* one's deferrability differs from the
								 * constraint's */
	bool		told;			/* by sg_unarmed_keys() */
	List	   *clones;			/* ArmingEntry *, one level below */
} ArmingEntry;

struct FkArming
{
	MemoryContext context;
	HTAB	   *entries;
	bool		linked;			/* whether the lists of clones are filled */
};

FkArming *
fk_arming_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemaguard key triggers",
												  ALLOCSET_DEFAULT_SIZES);
	FkArming   *arming = MemoryContextAlloc(context, sizeof(FkArming));
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(ArmingEntry);
	ctl.hcxt = context;
	arming->context = context;
	arming->linked = false;
	arming->entries = hash_create("schemaguard key triggers", 256, &ctl,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return arming;
}

void
fk_arming_destroy(FkArming *arming)
{
	MemoryContextDelete(arming->context);
}

void
fk_arming_add(FkArming *arming, Form_pg_constraint con)
{
	ArmingEntry *entry = hash_search(arming->entries, &con->oid, HASH_ENTER, NULL);

	entry->parentid = con->conparentid;
	entry->child = con->conrelid;
	entry->parent = con->confrelid;
	entry->enforced = SG_CON_ENFORCED(con);
	entry->deferrable = con->condeferrable;
	entry->deferred = con->condeferred;
	entry->check = entry->action = 0;
	entry->disabled = entry->misdeferred = entry->told = false;
	entry->clones = NIL;
}

static void
count_trigger(FkArming *arming, HeapTuple tuple)
{
	Form_pg_trigger trig = (Form_pg_trigger) GETSTRUCT(tuple);
	ArmingEntry *entry;
	bool		follows_constraint;

	if (!OidIsValid(trig->tgconstraint))
		return;
	entry = hash_search(arming->entries, &trig->tgconstraint, HASH_FIND, NULL);
	if (entry == NULL)
		return;

	/* ENABLE REPLICA triggers do not fire for applications */
	if (trig->tgenabled != TRIGGER_FIRES_ON_ORIGIN &&
		trig->tgenabled != TRIGGER_FIRES_ALWAYS)
	{
		entry->disabled = true;
		return;
	}

	switch (RI_FKey_trigger_type(trig->tgfoid))
	{
		case RI_TRIGGER_FK:
			entry->check++;
			follows_constraint = true;
			break;
		case RI_TRIGGER_PK:
			entry->action++;
			follows_constraint = trig->tgfoid == F_RI_FKEY_NOACTION_DEL ||
				trig->tgfoid == F_RI_FKEY_NOACTION_UPD;
			break;
		default:
			return;
	}

	if (follows_constraint &&
		(trig->tgdeferrable != entry->deferrable ||
		 trig->tginitdeferred != entry->deferred))
		entry->misdeferred = true;
}

void
fk_arming_read_triggers(FkArming *arming, bool whole)
{
	SgCatalog	triggers;
	HeapTuple	tuple;

	if (whole)
	{
		sg_catalog_begin_all(&triggers, TriggerRelationId);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
			count_trigger(arming, tuple);
	}
	else
	{
		HASH_SEQ_STATUS seq;
		ArmingEntry *entry;

		hash_seq_init(&seq, arming->entries);
		while ((entry = hash_seq_search(&seq)) != NULL)
		{
			sg_catalog_begin(&triggers, TriggerRelationId, TriggerConstraintIndexId,
							 Anum_pg_trigger_tgconstraint, entry->conid, NULL);
			while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
				count_trigger(arming, tuple);
		}
	}
}

/* Returns which triggers an entry lacks, or NULL; check and action say which halves it needs */
static char *
entry_problem(const ArmingEntry *entry, bool check, bool action)
{
	if (check && entry->check < 2)
		return psprintf("%s check trigger on %s",
						entry->disabled ? "disabled" : "missing",
						sg_relation_name(entry->child));
	if (action && entry->action < 2)
		return psprintf("%s action trigger on %s",
						entry->disabled ? "disabled" : "missing",
						sg_relation_name(entry->parent));
	if (entry->misdeferred)
		return psprintf("a trigger on %s or %s is not deferrable as the constraint is",
						sg_relation_name(entry->child),
						sg_relation_name(entry->parent));
	return NULL;
}

/*
 * Returns the first partition below relid that has no clone among the entries,
 * or InvalidOid.  Foreign tables carry no key.
 */
static Oid
unprotected_partition(Oid relid, bool child_side, List *clones)
{
	foreach_oid(partition, sg_with_partitions(relid))
	{
		char		relkind = get_rel_relkind(partition);
		bool		found = false;

		if (partition == relid || (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE))
			continue;
		foreach_ptr(ArmingEntry, entry, clones)
		{
			if ((child_side ? entry->child : entry->parent) == partition)
				found = true;
		}
		if (!found)
			return partition;
	}

	return InvalidOid;
}

/* Returns the entry that an entry was cloned from, or NULL */
static ArmingEntry *
cloned_from(const FkArming *arming, const ArmingEntry *entry)
{
	return OidIsValid(entry->parentid) ? hash_search(arming->entries, &entry->parentid, HASH_FIND, NULL) : NULL;
}

/* Links each clone to the entry that it was cloned from */
static void
link_clones(FkArming *arming)
{
	MemoryContext old = MemoryContextSwitchTo(arming->context);
	HASH_SEQ_STATUS seq;
	ArmingEntry *entry;

	hash_seq_init(&seq, arming->entries);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		ArmingEntry *up = cloned_from(arming, entry);

		if (up)
			up->clones = lappend(up->clones, entry);
	}
	MemoryContextSwitchTo(old);
	arming->linked = true;
}

/* Returns all clones below an entry, at every level */
static List *
clones_below(const ArmingEntry *entry)
{
	List	   *clones = list_copy(entry->clones);

	for (int i = 0; i < list_length(clones); i++)
		clones = list_concat(clones, ((ArmingEntry *) list_nth(clones, i))->clones);

	return clones;
}

/* Returns which triggers a clone lacks, or NULL */
static char *
clone_problem(const FkArming *arming, const ArmingEntry *clone)
{
	const ArmingEntry *up = cloned_from(arming, clone);
	bool		child_side = up == NULL || up->child != clone->child;

	return entry_problem(clone, child_side, !child_side);
}

void
fk_arming_judge(FkArming *arming, FkKey *key)
{
	ArmingEntry *entry = hash_search(arming->entries, &key->conid, HASH_FIND, NULL);
	bool		child_parts = get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE;
	bool		parent_parts = get_rel_relkind(key->parent) == RELKIND_PARTITIONED_TABLE;
	char	   *problem;

	if (!key->enforced)
	{
		key->armed = false;
		key->unarmed_reason = pstrdup("not enforced keys have no triggers");
		return;
	}

	problem = entry_problem(entry, true, true);
	if (problem == NULL && (child_parts || parent_parts))
	{
		List	   *clones;
		Oid			open = InvalidOid;

		if (!arming->linked)
			link_clones(arming);
		clones = clones_below(entry);

		foreach_ptr(ArmingEntry, clone, clones)
		{
			problem = clone_problem(arming, clone);
			if (problem)
				break;
		}
		if (problem == NULL && child_parts)
			open = unprotected_partition(key->child, true, clones);
		if (problem == NULL && !OidIsValid(open) && parent_parts)
			open = unprotected_partition(key->parent, false, clones);
		if (problem == NULL && OidIsValid(open))
			problem = psprintf("partition %s has no part of the key", sg_relation_name(open));
	}

	key->armed = problem == NULL;
	key->unarmed_reason = problem;
}

/*
 * schemaguard.sg_unarmed_keys()
 *
 * Returns the declared keys one of whose triggers, or of their clones' on
 * partitions, is disabled or missing, and those that are not enforced.  Reads
 * pg_constraint and pg_trigger once; asks for no privilege, and takes no lock
 * on the keys' tables.
 */
static Datum
sg_unarmed_keys_entered(PG_FUNCTION_ARGS)
{
	FkArming   *arming = fk_arming_create();
	SgRowSink	sink;
	SgCatalog	constraints;
	HeapTuple	tuple;
	HASH_SEQ_STATUS seq;
	ArmingEntry *entry;

	sg_catalog_begin_all(&constraints, ConstraintRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN)
			fk_arming_add(arming, (Form_pg_constraint) GETSTRUCT(tuple));
	}
	fk_arming_read_triggers(arming, true);

	sg_sink_begin(&sink, fcinfo);
	hash_seq_init(&seq, arming->entries);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		ArmingEntry *root = entry;
		ArmingEntry *up;

		if (!(OidIsValid(entry->parentid) ? clone_problem(arming, entry) : entry_problem(entry, true, true)))
			continue;
		while ((up = cloned_from(arming, root)) != NULL)
			root = up;
		if (OidIsValid(root->parentid) || root->told)
			continue;
		root->told = true;
		sg_sink_datum(&sink, ObjectIdGetDatum(root->conid));
		sg_sink_bool(&sink, root->enforced);
		sg_sink_emit(&sink);
	}
	fk_arming_destroy(arming);
	PG_RETURN_NULL();
}
