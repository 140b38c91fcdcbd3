/*-------------------------------------------------------------------------
 *
 * drift_pairs.c
 *	  The objects of two sides by pairs, with the properties that differ.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/nametable.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_check.h"
#include "drift/drift_compare.h"
#include "drift/drift_pairs.h"

static DriftPair *
new_pair(SnapshotKind kind)
{
	DriftPair  *pair = palloc0(sizeof(DriftPair));

	pair->kind = kind;
	return pair;
}

static void
fill_side(DriftPair *pair, DriftSide side, char *identity, char *parent, Jsonb *properties)
{
	DriftObject object = {.identity = identity};

	pair->identity[side] = identity;
	pair->parent[side] = parent;
	pair->name[side] = drift_local_name(&object);
	pair->properties[side] = properties;
	if (pair->unknown == NULL)
		pair->unknown = drift_string(properties, "unknown");
}

static void
fill_object(DriftPair *pair, const DriftObject *object)
{
	fill_side(pair, object->side, object->identity, object->parent, object->properties);
}

/* Returns whether two bodies differ only by white space and comments */
static bool
is_looks_only(const DriftChange *change)
{
	return change->property->compare == COMPARE_COSMETIC ||
		(change->property->compare == COMPARE_BODY && drift_body_verdict(change) == DRIFT_COSMETIC);
}

static void
add_changes(DriftComparison *c, SgNameTable *pairs, List **result)
{
	foreach_ptr(DriftChange, change, c->changes)
	{
		SgNameEntry *entry;
		DriftPair  *pair;

		bool		same = is_looks_only(change) || drift_same_value(c, change);

		if (same && change->kind == KIND_TABLE && strcmp(change->property->name, "partition_key") == 0)
			sg_names_enter(c->same_key, change->identity, "");
		if (same)
			continue;
		entry = sg_names_enter(pairs, snapshot_kinds[change->kind].word, change->identity);
		pair = entry->value;
		if (pair == NULL)
		{
			pair = entry->value = new_pair(change->kind);
			fill_side(pair, DRIFT_REFERENCE, change->identity, change->parent, change->reference);
			fill_side(pair, DRIFT_TARGET, change->target_identity, change->target_parent, change->target);
			*result = lappend(*result, pair);
		}
		pair->changes = lappend(pair->changes, unconstify(char *, change->property->name));
	}
}

/* Returns whether the object's parent is a schema that is part of its identity */
static bool
has_own_schema(const DriftPair *pair)
{
	switch (pair->kind)
	{
		case KIND_COLUMN:
		case KIND_CONSTRAINT:
		case KIND_TRIGGER:
		case KIND_RULE:
		case KIND_POLICY:
			return false;
		default:
			return snapshot_kinds[pair->kind].place == PLACE_WITHIN;
	}
}

/* Returns a name of the target, in the final name of a renamed schema */
static char *
in_renamed_schema(DriftComparison *c, char *name)
{
	foreach_ptr(DriftName, renamed, c->names)
	{
		char	   *within;

		if (name == NULL || renamed->name || renamed->owner ||
			strcmp(drift_schema(name), snapshot_quote(renamed->new_schema)) != 0)
			continue;
		within = drift_within_schema(name);
		return within ? psprintf("%s.%s", snapshot_quote(renamed->schema), within) :
			snapshot_quote(renamed->schema);
	}
	return name;
}

static void
add_objects(DriftComparison *c, SgNameTable *pairs, List **result)
{
	for (int side = 0; side < 2; side++)
	{
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			DriftPair  *pair;

			if (object->partner && side == DRIFT_TARGET)
				continue;
			pair = new_pair(object->kind);
			fill_object(pair, object);
			if (side == DRIFT_TARGET)
			{
				pair->identity[side] = in_renamed_schema(c, object->identity);
				pair->parent[side] = in_renamed_schema(c, object->parent);
			}
			if (object->partner)
			{
				fill_object(pair, object->partner);
				if (object->guessed)
				{
					pair->score = object->score;
					pair->evidence = object->evidence;
				}

				/*
				 * a generated name matters only on request
				 */
				if (strcmp(pair->name[0], pair->name[1]) != 0)
					pair->changes = list_make1(object->automatic_pair ? "automatic_name" : "name");
				/* objects do not move by a rename of their schema */
				if (has_own_schema(pair) && strcmp(drift_new_schema(c, pair->parent[0]), pair->parent[1]) != 0)
					pair->changes = lappend(pair->changes, "parent");
				sg_names_enter(pairs, snapshot_kinds[object->kind].word, object->identity)->value = pair;
			}
			else
				pair->perhaps = object->perhaps;
			*result = lappend(*result, pair);
		}
	}
}

/* Adds objects that one side could not read in full, which drift reports as rows */
static void
add_unread(DriftComparison *c, List **result)
{
	foreach_ptr(DriftRow, row, c->rows)
	{
		SnapshotKind kind;
		DriftPair  *pair;

		if (!snapshot_kind(row->kind, &kind))
			continue;
		pair = new_pair(kind);
		for (int side = 0; side < 2; side++)
			fill_side(pair, side, unconstify(char *, row->object), NULL, NULL);
		pair->unknown = unconstify(char *, row->detail);
		*result = lappend(*result, pair);
	}
}

static int
compare_pairs(const ListCell *a, const ListCell *b)
{
	const DriftPair *x = lfirst(a);
	const DriftPair *y = lfirst(b);

	if (x->kind != y->kind)
		return (int) x->kind - (int) y->kind;
	return strcmp(x->identity[x->identity[0] ? 0 : 1], y->identity[y->identity[0] ? 0 : 1]);
}

/* Returns whether a pair differs only by properties that need no change */
static bool
is_settled(const DriftPair *pair)
{
	return pair->identity[0] && pair->identity[1] && pair->changes == NIL && pair->unknown == NULL;
}

/* ---- renames: what an OID proves, and what somebody has confirmed ---- */

/* Passes of pairing renames: outer objects first, because names of the others begin with theirs */
typedef enum RenamePass
{
	PASS_SCHEMAS,
	PASS_OBJECTS,
	PASS_COLUMNS
} RenamePass;

static bool
is_in_pass(SnapshotKind kind, RenamePass pass)
{
	switch (kind)
	{
		case KIND_SCHEMA:
			return pass == PASS_SCHEMAS;
		case KIND_TABLE:
		case KIND_VIEW:
		case KIND_MATERIALIZED_VIEW:
		case KIND_SEQUENCE:
		case KIND_TYPE:
		case KIND_DOMAIN:
			return pass == PASS_OBJECTS;
		case KIND_COLUMN:
			return pass == PASS_COLUMNS;
		default:
			return false;
	}
}

static void
pair_renamed(DriftComparison *c, DriftObject *reference, DriftObject *target, char *evidence)
{
	DriftName  *name = palloc0(sizeof(DriftName));

	drift_pair(c, reference, target, 1.0, evidence);
	if (reference->kind == KIND_SCHEMA)
	{
		name->schema = drift_local_name(reference);
		name->new_schema = drift_local_name(target);
	}
	else if (reference->kind == KIND_COLUMN)
	{
		name->owner = reference->parent;
		name->name = drift_local_name(reference);
		name->new_name = drift_local_name(target);
	}
	else
	{
		drift_add_object_name(c, reference, target);
		return;
	}
	drift_add_name(c, name);
}

/* Pairs the renames that schemaguard.rename confirms */
static void
pair_confirmed(DriftComparison *c, RenamePass pass)
{
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, "SELECT kind, old, new FROM schemaguard.rename r WHERE r.same ORDER BY kind, old", 0, NULL, NULL, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		HeapTuple	tuple = SPI_tuptable->vals[row];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		SnapshotKind kind;
		DriftObject *reference = NULL;
		DriftObject *target = NULL;

		if (snapshot_kind(SPI_getvalue(tuple, desc, 1), &kind) && is_in_pass(kind, pass))
		{
			reference = drift_find(c, DRIFT_REFERENCE, kind, SPI_getvalue(tuple, desc, 3));
			target = drift_find(c, DRIFT_TARGET, kind, SPI_getvalue(tuple, desc, 2));
			/* the rename may be stated in either direction */
			if (reference == NULL || target == NULL)
			{
				reference = drift_find(c, DRIFT_REFERENCE, kind, SPI_getvalue(tuple, desc, 2));
				target = drift_find(c, DRIFT_TARGET, kind, SPI_getvalue(tuple, desc, 3));
			}
		}
		if (reference && target && reference->partner == NULL && target->partner == NULL)
			pair_renamed(c, reference, target, "confirmed");
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns an object's OID, for a column with its number, as text; NULL if unknown */
static char *
lasting_name(const DriftObject *object)
{
	if (!OidIsValid(object->oid) || object->partner)
		return NULL;
	if (object->kind != KIND_COLUMN)
		return psprintf("%u", object->oid);
	return psprintf("%u %.0f", object->oid,
					drift_number(object->properties, drift_value(object->properties, "number") ? "number" : "position"));
}

static void
pair_same(DriftComparison *c, RenamePass pass)
{
	SgNameTable *targets = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftObject, object, c->objects[DRIFT_TARGET])
	{
		char	   *name = is_in_pass(object->kind, pass) ? lasting_name(object) : NULL;

		if (name)
			sg_names_enter(targets, snapshot_kinds[object->kind].word, name)->value = object;
	}
	foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
	{
		char	   *name = is_in_pass(object->kind, pass) ? lasting_name(object) : NULL;
		DriftObject *target = name ? sg_names_value(targets, snapshot_kinds[object->kind].word, name) : NULL;

		if (target)
			pair_renamed(c, object, target, "one object by its OID");
	}
	sg_names_destroy(targets);
}

static void
find_renames(DriftComparison *c)
{
	bool		one_history = drift_one_history(c);

	for (RenamePass pass = PASS_SCHEMAS; pass <= PASS_COLUMNS; pass++)
	{
		pair_confirmed(c, pass);
		if (one_history)
			pair_same(c, pass);
		drift_match_children(c);
	}
	if (c->renames != RENAMES_DROP)
		drift_find_renamed(c);
}

/* ---- what is meant to differ ---- */

/* Returns whether schemaguard.drift_ignore has an entry for this difference */
static bool
is_meant(List *entries, const DriftPair *pair, const char *property)
{
	DriftRow	row = {.kind = snapshot_kinds[pair->kind].word,.property = property};

	row.object = pair->identity[0] ? pair->identity[0] : pair->identity[1];
	row.change = pair->identity[1] == NULL ? DRIFT_MISSING : pair->identity[0] == NULL ? DRIFT_EXTRA :
		property && strcmp(property, "name") == 0 ? DRIFT_RENAMED : DRIFT_CHANGED;
	return drift_is_ignored(entries, &row);
}

/* Removes ignored differences; returns true if there are no others */
static bool
forget_meant(List *entries, DriftPair *pair)
{
	List	   *changes = NIL;
	ListCell   *lc;

	if (pair->identity[0] == NULL || pair->identity[1] == NULL)
		return is_meant(entries, pair, NULL);
	foreach(lc, pair->changes)
	{
		if (!is_meant(entries, pair, lfirst(lc)))
			changes = lappend(changes, lfirst(lc));
	}
	pair->changes = changes;
	return is_settled(pair);
}

/* Returns whether an index or a statistics object belongs to another relation on the other side */
static bool
is_elsewhere(const DriftPair *pair)
{
	ListCell   *lc;

	if (pair->kind != KIND_INDEX && pair->kind != KIND_STATISTICS)
		return false;
	foreach(lc, pair->changes)
	{
		if (strcmp(lfirst(lc), drift_parent_property.name) == 0)
			return true;
	}
	return false;
}

/* Returns one side of a pair as a pair of its own */
static DriftPair *
half(const DriftPair *pair, int side)
{
	DriftPair  *result = new_pair(pair->kind);

	fill_side(result, side, pair->identity[side], pair->parent[side], pair->properties[side]);
	return result;
}

static bool
is_of_table(SnapshotKind kind)
{
	return kind == KIND_COLUMN || kind == KIND_CONSTRAINT || kind == KIND_TRIGGER || kind == KIND_RULE ||
		kind == KIND_POLICY || kind == KIND_INDEX || kind == KIND_STATISTICS;
}

/*
 * Returns the tables that differing objects are or belong to; NULL: columns of
 * any table may be concerned
 */
static SgNameTable *
touched_tables(List *differing)
{
	SgNameTable *tables = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftPair, pair, differing)
	{
		bool		is_table = pair->kind == KIND_TABLE;

		for (int side = 0; side < 2; side++)
		{
			Jsonb	   *properties = pair->properties[side];
			char	   *table = is_table ? pair->identity[side] : pair->parent[side];

			if ((!is_table && !is_of_table(pair->kind)) || pair->unknown ||
				(is_table && properties && (drift_value(properties, "partition_key") || drift_value(properties, "partition_of"))))
			{
				sg_names_destroy(tables);
				return NULL;
			}
			if (table)
				sg_names_enter(tables, table, "");
		}
	}
	return tables;
}

/*
 * Returns equal pairs that may have to be recreated because of a change; of
 * foreign keys, which most tables have, only those of tables that a difference
 * touches.
 */
static List *
concerned(List *same, List *differing)
{
	SgNameTable *tables = touched_tables(differing);
	List	   *result = NIL;

	if (tables == NULL)
		return same;
	foreach_ptr(DriftPair, pair, same)
	{
		bool		is_concerned = pair->kind != KIND_CONSTRAINT;

		for (int side = 0; side < 2 && !is_concerned; side++)
		{
			Jsonb	   *properties = pair->properties[side];
			char	   *references = properties ? drift_string(properties, "references") : NULL;

			is_concerned = properties &&
				(references == NULL || sg_names_has(tables, references, "") || sg_names_has(tables, pair->parent[side], ""));
		}
		if (is_concerned)
			result = lappend(result, pair);
	}
	sg_names_destroy(tables);
	return result;
}

/* Returns whether a table is a different object on each side */
static bool
is_apart(DriftComparison *c, const char *table)
{
	return c->knows_apart && table && sg_names_has(c->apart, table, "") &&
		(sg_names_has(c->apart, table, "other") || !sg_names_has(c->same_key, table, ""));
}

static void
finish(DriftComparison *c, void *arg)
{
	List	  **result = arg;
	SgNameTable *pairs = sg_names_create(CurrentMemoryContext);
	List	   *all = NIL;
	List	   *problems = NIL;
	List	   *entries = drift_ignore_load(&problems);

	find_renames(c);
	drift_match_automatic(c);
	drift_match_same_names(c);
	add_objects(c, pairs, &all);
	add_changes(c, pairs, &all);
	add_unread(c, result);
	foreach_ptr(DriftPair, pair, all)
	{
		if (is_settled(pair) || forget_meant(entries, pair))
			continue;
		if (is_elsewhere(pair) || (is_of_table(pair->kind) && pair->identity[0] && pair->identity[1] && is_apart(c, pair->parent[1])))
		{
			*result = lappend(*result, half(pair, 0));
			*result = lappend(*result, half(pair, 1));
		}
		else
			*result = lappend(*result, pair);
	}
	*result = list_concat(*result, concerned(c->same, *result));
	list_sort(*result, compare_pairs);
	sg_names_destroy(pairs);
}

/* Returns whether an object depends on a user's routine, operator or type; a column or type may have the row type of a table or view */
static bool
needs_code(const SnapshotObject *object)
{
	static const char *const plain[] = {"column", "sequence", "constraint", "index", "table", "view", "materialized view"};
	int			nplain = object->kind == KIND_COLUMN || object->kind == KIND_TYPE ? 4 : lengthof(plain);
	SgJson		properties;
	SgJson		edges;

	snapshot_properties(&properties, object->properties);
	if (!sg_json_find(&properties, "depends", &edges))
		return false;
	for (uint32 i = 0; i < sg_json_size(&edges); i++)
	{
		SgJson		edge;
		SgJson		kind;
		bool		is_plain = false;

		sg_json_element(&edges, i, &edge);
		sg_json_element(&edge, 0, &kind);
		for (int j = 0; j < nplain && !is_plain; j++)
			is_plain = strcmp(plain[j], sg_json_text(&kind)) == 0;
		if (!is_plain)
			return true;
	}
	return false;
}

/*
 * Returns whether an object that is equal on both sides may have to be
 * recreated when an object below it changes, or decides how another one is
 * changed
 */
static bool
is_fragile(DriftComparison *c, const SnapshotObject *object)
{
	switch (object->kind)
	{
		case KIND_VIEW:
		case KIND_MATERIALIZED_VIEW:
		case KIND_RULE:
		case KIND_POLICY:
		case KIND_TRIGGER:
		case KIND_FUNCTION:
		case KIND_PROCEDURE:
		case KIND_AGGREGATE:
		case KIND_OPERATOR:
		case KIND_INDEX:
		case KIND_DOMAIN:
		case KIND_DEFAULT_PRIVILEGE:
			return drift_value(object->properties, "extension") == NULL;
		case KIND_COLUMN:
			return drift_value(object->properties, "acl") != NULL ||
				drift_value(object->properties, "generated") != NULL || needs_code(object);
		case KIND_CONSTRAINT:
			/* a constraint without columns may belong to a domain */
			return drift_value(object->properties, "references") != NULL || needs_code(object) ||
				drift_value(object->properties, "columns") == NULL ||
				(c->computed && sg_names_has(c->computed, object->parent, ""));
		case KIND_TYPE:
		case KIND_CAST:
		case KIND_STATISTICS:
		case KIND_EVENT_TRIGGER:
		case KIND_TRANSFORM:
		case KIND_CONVERSION:
		case KIND_OPERATOR_CLASS:
		case KIND_TEXT_SEARCH_CONFIGURATION:
			return needs_code(object);
		case KIND_PUBLICATION:
			return drift_value(object->properties, "table_filters") != NULL ||
				drift_value(object->properties, "table_columns") != NULL;
		case KIND_TABLE:
			return drift_value(object->properties, "partition_key") != NULL ||
				drift_value(object->properties, "partition_of") != NULL ||
				drift_value(object->properties, "inherits") != NULL ||
				drift_value(object->properties, "of_type") != NULL ||
				strcmp(drift_string(object->properties, "type"), "foreign table") == 0;
		default:
			return false;
	}
}

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static void
fill_copy(DriftPair *pair, DriftSide side, const SnapshotObject *object)
{
	fill_side(pair, side, copy_text(object->identity), copy_text(object->parent),
			  (Jsonb *) pg_detoast_datum_copy((struct varlena *) object->properties));
}

static bool
differs(const SnapshotObject *a, const SnapshotObject *b, const char *key)
{
	char	   *x = drift_string(a->properties, key);
	char	   *y = drift_string(b->properties, key);

	return strcmp(x ? x : "", y ? y : "") != 0;
}

void
drift_keep_same(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b)
{
	DriftPair  *pair;

	/*
	 * ask both sides, because a forged document may leave things out; a check
	 * with other casts is one of a column that gets another type
	 */
	if (!c->keep_same || !(is_fragile(c, a) || is_fragile(c, b) || (a->kind == KIND_CONSTRAINT && differs(a, b, "expression"))))
		return;
	pair = new_pair(a->kind);
	fill_copy(pair, DRIFT_REFERENCE, a);
	fill_copy(pair, DRIFT_TARGET, b);
	if (is_apart(c, drift_string(a->properties, "partition_of")))
		pair->changes = list_make1("partition_bound");
	c->same = lappend(c->same, pair);
}

/* ---- tables that nothing alters into one another ---- */

static void
keep_one(DriftComparison *c, DriftSide side, const SnapshotObject *object)
{
	DriftPair  *pair = new_pair(object->kind);

	fill_copy(pair, side, object);
	c->same = lappend(c->same, pair);
}

bool
drift_keep_apart(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b)
{
	bool		is_table = a->kind == KIND_TABLE;
	char	   *column;

	if (!c->keep_same)
		return false;
	/* columns come before constraints */
	if (a->kind == KIND_COLUMN &&
		(drift_value(a->properties, "generated") || drift_value(b->properties, "generated") || needs_code(a) || needs_code(b)))
	{
		if (c->computed == NULL)
			c->computed = sg_names_create(CurrentMemoryContext);
		sg_names_enter(c->computed, copy_text(b->parent), "");
	}
	if (!c->knows_apart)
	{
		bool		is_other = differs(a, b, "type") || differs(a, b, "server");

		if (is_table && (is_other || differs(a, b, "partition_key")))
		{
			if (c->apart == NULL)
				c->apart = sg_names_create(CurrentMemoryContext);
			sg_names_enter(c->apart, copy_text(a->identity), "");
			if (is_other)
				sg_names_enter(c->apart, copy_text(a->identity), "other");
		}
		return false;
	}
	/* a sequence belongs to its column's table */
	column = b->kind == KIND_SEQUENCE ? drift_string(b->properties, "owned_by") : NULL;
	if (!(is_table && is_apart(c, a->identity)) && !(is_of_table(a->kind) && is_apart(c, a->parent)) &&
		!(column && is_apart(c, drift_owner(column))))
		return false;
	keep_one(c, DRIFT_REFERENCE, a);
	keep_one(c, DRIFT_TARGET, b);
	return true;
}

/*
 * Returns the pairs of both sides.  A table that is a different object on each
 * side gives two pairs, and so do all of its parts; columns are read before
 * tables, hence the second pass.  A table that is partitioned alike, by renamed
 * columns, is the same.
 */
List *
drift_pairs(const char *reference, const char *target, List *schemas, DriftRenames renames, uint8 *digest)
{
	SgNameTable *same_key = sg_names_create(CurrentMemoryContext);
	DriftComparison c = {.keep_same = true,.renames = renames,.same_key = same_key};
	List	   *result = NIL;

	drift_run(&c, reference, target, schemas, finish, &result);
	memcpy(digest, c.digest, SNAPSHOT_CHECKSUM_LENGTH);
	if (c.apart)
	{
		DriftComparison again = {.keep_same = true,.renames = renames,.knows_apart = true,.apart = c.apart,.same_key = same_key};

		result = NIL;
		drift_run(&again, reference, target, schemas, finish, &result);
	}
	return result;
}
