/*-------------------------------------------------------------------------
 *
 * drift_match.c
 *	  Matches objects that the two sides name differently without anybody's
 *	  choice, and differences that a larger one explains.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/quote.h"
#include "drift/drift_compare.h"

DriftObject *
drift_find(DriftComparison *c, DriftSide side, SnapshotKind kind, const char *identity)
{
	if (c->by_name[side] == NULL)
	{
		c->by_name[side] = sg_names_create(CurrentMemoryContext);
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			sg_names_enter(c->by_name[side], snapshot_kinds[object->kind].word, object->identity)->value = object;
		}
	}
	return sg_names_value(c->by_name[side], snapshot_kinds[kind].word, identity);
}

/* ---- names ---- */

bool
drift_has_trait(SnapshotKind kind, int trait)
{
	return (snapshot_kinds[kind].traits & trait) != 0;
}

/* Returns the last part of an identity; for a function its name with argument types */
static const char *
last_part(const char *identity)
{
	const char *start = identity;
	bool		quoted = false;

	for (const char *p = identity; *p && (quoted || *p != '('); p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '.' && !quoted)
			start = p + 1;
	}
	return start;
}

/* Returns an identity without its last part: the table of a column; NULL for an identity of one part */
char *
drift_owner(const char *identity)
{
	const char *last = last_part(identity);

	return last == identity ? NULL : pnstrdup(identity, last - identity - 1);
}

/* Returns the last part of an identity, without quotes */
char *
drift_name(const char *identity)
{
	const char *start = last_part(identity);
	StringInfoData name;

	initStringInfo(&name);
	if (*start != '"')
	{
		appendStringInfoString(&name, start);
		return name.data;
	}
	for (const char *p = start + 1; *p && !(*p == '"' && p[1] != '"'); p++)
	{
		appendStringInfoChar(&name, *p);
		if (*p == '"')
			p++;
	}
	return name.data;
}

char *
drift_local_name(const DriftObject *object)
{
	return drift_name(object->identity);
}

static const SnapshotKind containers[] = {
	KIND_TABLE, KIND_VIEW, KIND_MATERIALIZED_VIEW, KIND_SCHEMA, KIND_DOMAIN, KIND_TYPE, KIND_FOREIGN_SERVER, KIND_EXTENSION
};

/* Returns the parent of an object, if that is on this side only, too */
DriftObject *
drift_parent(DriftComparison *c, const DriftObject *object)
{
	if (object->parent == NULL)
		return NULL;
	for (int i = 0; i < lengthof(containers); i++)
	{
		DriftObject *parent = drift_find(c, object->side, containers[i], object->parent);

		if (parent)
			return parent;
	}
	return NULL;
}

/* Returns the parent of an object of the reference under the target's name */
static const char *
target_parent(DriftComparison *c, const DriftObject *object)
{
	DriftObject *parent = drift_parent(c, object);

	return parent && parent->partner ? parent->partner->identity : object->parent;
}

/* ---- pairs ---- */

static SnapshotObject
as_snapshot(const DriftObject *object)
{
	SnapshotObject result = {
		.kind = object->kind,.identity = object->identity,.parent = object->parent,.properties = object->properties
	};

	return result;
}

List *
drift_pair_differences(DriftComparison *c, DriftObject *reference, DriftObject *target)
{
	SnapshotObject a = as_snapshot(reference);
	SnapshotObject b = as_snapshot(target);

	return drift_differences(c, &a, &b);
}

/*
 * Pairs two objects; their other differences become changes.  A part is not
 * more certain than its parent.
 */
void
drift_pair(DriftComparison *c, DriftObject *reference, DriftObject *target, double score, char *evidence)
{
	DriftObject *parent = drift_parent(c, reference);

	if (parent && parent->partner)
		score = Min(score, parent->score);
	reference->partner = target;
	target->partner = reference;
	reference->score = target->score = score;
	reference->evidence = evidence;
	c->changes = list_concat(c->changes, drift_pair_differences(c, reference, target));
}

static bool
has_automatic_name(const DriftObject *object)
{
	return drift_flag(object->properties, "automatic_name") || drift_value(object->properties, "partition_of");
}

/* Returns whether two objects are equal except for properties that can be altered in place */
static bool
same_core(DriftComparison *c, DriftObject *reference, DriftObject *target)
{
	foreach_ptr(DriftChange, change, drift_pair_differences(c, reference, target))
	{
		if (change->property->flags & PROPERTY_CORE)
			return false;
	}
	return true;
}

/*
 * Returns how alike two constraints or indexes are: 3 equal, 2 equal in what
 * they check, 1 each the only one of its table
 */
static int
likeness(DriftComparison *c, DriftObject *reference, DriftObject *target)
{
	char	   *type = drift_string(reference->properties, "type");
	char	   *other = drift_string(target->properties, "type");
	bool		differs = false;

	if (type && (other == NULL || strcmp(type, other) != 0))
		return 0;

	foreach_ptr(DriftChange, change, drift_pair_differences(c, reference, target))
	{
		differs = differs || (change->property != &drift_parent_property &&
							  change->property->compare != COMPARE_COSMETIC);
	}
	if (!differs)
		return 3;
	if (same_core(c, reference, target))
		return 2;
	return type && (strcmp(type, "p") == 0 || strcmp(type, "primary key") == 0) ? 1 : 0;
}

/* Returns the target's constraints and indexes without a partner, by kind and parent */
static SgNameTable *
free_parts(DriftComparison *c)
{
	SgNameTable *parts = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftObject, object, c->objects[DRIFT_TARGET])
	{
		if (drift_has_trait(object->kind, KIND_PART) && object->parent && object->partner == NULL)
		{
			SgNameEntry *entry = sg_names_enter(parts, snapshot_kinds[object->kind].word, object->parent);

			entry->value = lappend(entry->value, object);
		}
	}
	return parts;
}

/*
 * Pairs a part with its best partner: the most alike, then of the same name.
 * An object that an interrupted sync has built beside a part of that name is no
 * partner.
 */
static void
match_part(DriftComparison *c, SgNameTable *parts, DriftObject *reference, int wanted, bool automatic)
{
	const char *parent = target_parent(c, reference);
	List	   *candidates = parent ? sg_names_value(parts, snapshot_kinds[reference->kind].word, parent) : NIL;
	DriftObject *best = NULL;

	foreach_ptr(DriftObject, target, candidates)
	{
		if (target->partner ||
			automatic != (has_automatic_name(reference) || has_automatic_name(target)) ||
			strcmp(drift_local_name(target), sg_new_name(drift_local_name(reference))) == 0 ||
			likeness(c, reference, target) < wanted)
			continue;
		if (best == NULL || strcmp(target->identity, reference->identity) == 0)
			best = target;
	}
	if (best)
	{
		drift_pair(c, reference, best, wanted == 3 ? 1.0 : wanted == 2 ? 0.9 : 0.8,
				   wanted == 3 ? "the same in everything else" :
				   wanted == 2 ? "the same columns and conditions" : "the table has no other primary key");
		reference->automatic_pair = automatic;
	}
}

/*
 * Pairs constraints and indexes by structure if at least one of the names is
 * generated; also renamed ones, whose rename is a difference that
 * drift_report() tells by automatic_pair.
 */
void
drift_match_automatic(DriftComparison *c)
{
	SgNameTable *parts = free_parts(c);

	for (int wanted = 3; wanted > 0; wanted--)
	{
		for (int automatic = 1; automatic >= 0; automatic--)
		{
			foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
			{
				CHECK_FOR_INTERRUPTS();
				if (object->partner == NULL && drift_has_trait(object->kind, KIND_PART))
					match_part(c, parts, object, wanted, automatic);
			}
		}
	}
	sg_names_destroy(parts);
}

/*
 * Returns the target's identity of an object; that of default privileges has
 * the schema in another form
 */
static char *
new_identity(DriftComparison *c, const DriftObject *object)
{
	char	   *words = object->parent ? psprintf(" IN SCHEMA %s ON ", object->parent) : NULL;
	char	   *found = object->kind == KIND_DEFAULT_PRIVILEGE && words ? strstr(object->identity, words) : NULL;

	if (found)
		return psprintf("%.*s IN SCHEMA %s ON %s", (int) (found - object->identity), object->identity,
						drift_new_schema(c, object->parent), found + strlen(words));
	return drift_new_identity(c, object->identity);
}

/* Pairs objects of a renamed schema or table that kept their own name */
void
drift_match_children(DriftComparison *c)
{
	foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
	{
		char	   *identity = object->partner ? object->identity : new_identity(c, object);
		DriftObject *target = strcmp(identity, object->identity) == 0 ? NULL :
			drift_find(c, DRIFT_TARGET, object->kind, identity);

		if (target && target->partner == NULL)
			drift_pair(c, object, target, 1.0, NULL);
	}
}

/* Pairs parts of the same generated name that found no better partner */
void
drift_match_same_names(DriftComparison *c)
{
	foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
	{
		DriftObject *target = object->partner ? NULL : drift_find(c, DRIFT_TARGET, object->kind, object->identity);

		if (target && target->partner == NULL)
			drift_pair(c, object, target, 1.0, NULL);
	}
}

/* ---- folding ---- */

/* Returns the first column of an index or constraint that is on this side only */
static DriftObject *
lone_column(DriftComparison *c, const DriftObject *object)
{
	List	   *columns = list_concat(drift_strings(object->properties, "columns"),
									  drift_strings(object->properties, "include"));
	ListCell   *lc;

	foreach(lc, columns)
	{
		DriftObject *column = drift_find(c, object->side, KIND_COLUMN,
										 psprintf("%s.%s", object->parent, quote_identifier(lfirst(lc))));

		if (column && column->partner == NULL)
			return column;
	}
	return NULL;
}

/* Returns the object that explains why this one is on one side only */
static DriftObject *
explanation(DriftComparison *c, const DriftObject *object)
{
	DriftObject *parent = drift_parent(c, object);
	char	   *extension = drift_string(object->properties, "extension");
	char	   *owner = drift_string(object->properties, "owned_by");
	DriftObject *found = NULL;

	if (parent && parent->partner == NULL)
		return parent;
	if (extension)
		found = drift_find(c, object->side, KIND_EXTENSION, quote_identifier(extension));
	else if (owner)
	{
		found = drift_find(c, object->side, KIND_COLUMN, owner);
		if (found == NULL && drift_owner(owner))
			found = drift_find(c, object->side, KIND_TABLE, drift_owner(owner));
	}
	else if (drift_has_trait(object->kind, KIND_PART) && object->parent)
		found = lone_column(c, object);

	return found && found->partner == NULL ? found : NULL;
}

/*
 * Folds objects into those that explain them, the topmost ones: a missing table
 * with all of its parts is one finding.
 */
void
drift_fold(DriftComparison *c)
{
	for (int side = 0; side < 2; side++)
	{
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			if (object->partner == NULL)
				object->within = explanation(c, object);
		}
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			DriftObject *top = object->within;

			if (top == NULL)
				continue;
			for (int steps = 0; top->within && steps < 10; steps++)
				top = top->within;
			top->folded = lappend(top->folded, object);
		}
	}
}
