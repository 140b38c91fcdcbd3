/*-------------------------------------------------------------------------
 *
 * drift_move.c
 *	  Schemas that are called something else now, and objects that are in
 *	  another one.
 *
 * A renamed schema is one finding: what is in it is paired by name, and not
 * told.  What has changed its schema keeps its name and what it is; that it
 * was dropped and made again to the letter comes to the same.  Tables and
 * types may change on the way, see drift_rename.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift_compare.h"
#include "drift/drift_rename.h"

/* Minimum score of a renamed schema */
#define MIN_SCORE 0.65

/* Number of passes that look for moved objects: an object moves after those that it consists of */
#define ROUNDS 4

/* ---- schemas ---- */

typedef struct Schema
{
	DriftObject *object;
	List	   *contents;		/* char *: its contents without the schema's
								 * name, sorted */
	bool		older;			/* it has a table that existed when the
								 * reference was taken */
} Schema;

/* Returns a text without the schema's name before other names */
static char *
without_schema(const char *whole, const char *schema)
{
	size_t		length = strlen(schema);
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = whole; *p;)
	{
		if (strncmp(p, schema, length) == 0 && p[length] == '.' &&
			(p == whole || !(isalnum((unsigned char) p[-1]) || strchr("_$.\"", p[-1]))))
			p += length + 1;
		else
			appendStringInfoChar(&buf, *p++);
	}
	return buf.data;
}

/* Returns the schemas of one side without a partner, with their contents */
static List *
lone_schemas(DriftComparison *c, DriftSide side)
{
	SgNameTable *by_name = sg_names_create(CurrentMemoryContext);
	List	   *schemas = NIL;

	foreach_ptr(DriftObject, object, c->objects[side])
	{
		Schema	   *schema;

		if (object->kind != KIND_SCHEMA || object->partner || drift_value(object->properties, "extension"))
			continue;
		schema = palloc0(sizeof(Schema));
		schema->object = object;
		schemas = lappend(schemas, schema);
		sg_names_enter(by_name, "", object->identity)->value = schema;
	}
	if (schemas == NIL)
		return NIL;
	foreach_ptr(DriftObject, object, c->objects[side])
	{
		char	   *within = drift_within_schema(object->identity);
		char	   *name = within ? drift_schema(object->identity) : NULL;
		Schema	   *schema = name ? sg_names_value(by_name, "", name) : NULL;
		char	   *type = schema ? drift_string(object->properties, "type") : NULL;

		CHECK_FOR_INTERRUPTS();
		if (schema == NULL || object->kind == KIND_USER_MAPPING)
			continue;
		schema->contents = lappend(schema->contents,
								   without_schema(psprintf("%s %s %s", snapshot_kinds[object->kind].word, within,
														   type ? type : ""), name));
		if (side == DRIFT_TARGET && object->kind == KIND_TABLE && !schema->older)
			schema->older = drift_table_age(c, object->identity) == DRIFT_OLDER;
	}
	foreach_ptr(Schema, schema, schemas)
		list_sort(schema->contents, sg_compare_names);
	return schemas;
}

/* Returns the number of strings that two sorted lists have in common */
static int
in_common(List *a, List *b)
{
	int			common = 0;

	for (int i = 0, j = 0; i < list_length(a) && j < list_length(b);)
	{
		int			order = strcmp(list_nth(a, i), list_nth(b, j));

		common += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	return common;
}

static void
judge_schemas(const Schema *a, const Schema *b, List **candidates)
{
	int			all = list_length(a->contents) + list_length(b->contents);
	int			common = in_common(a->contents, b->contents);
	double		alike = all ? 2.0 * common / all : 0;
	double		name = rename_name_likeness(drift_local_name(a->object), drift_local_name(b->object));
	Candidate  *candidate;

	if (alike < 0.5)
		return;
	candidate = palloc0(sizeof(Candidate));
	candidate->reference = a->object;
	candidate->target = b->object;
	candidate->score = 0.7 * alike + 0.15 * name + (b->older ? 0.2 : 0);
	candidate->proven = b->older;
	rename_say(candidate, true, psprintf("%d of %d objects in it alike", common,
										 Max(list_length(a->contents), list_length(b->contents))));
	rename_say(candidate, b->older, "its tables were there before the snapshot");
	rename_say(candidate, name > 0, psprintf("names alike by %.2f", name));
	*candidates = lappend(*candidates, candidate);
}

static void
pair_schemas(DriftComparison *c, Candidate *candidate)
{
	DriftName  *name = palloc0(sizeof(DriftName));

	name->schema = drift_local_name(candidate->reference);
	name->new_schema = drift_local_name(candidate->target);
	drift_add_name(c, name);
	drift_pair(c, candidate->reference, candidate->target, rename_score(candidate), candidate->evidence);
}

void
drift_find_renamed_schemas(DriftComparison *c)
{
	List	   *reference = lone_schemas(c, DRIFT_REFERENCE);
	List	   *target = reference ? lone_schemas(c, DRIFT_TARGET) : NIL;
	List	   *candidates = NIL;
	ListCell   *la,
			   *lb;

	foreach(la, reference)
	{
		CHECK_FOR_INTERRUPTS();
		foreach(lb, target)
			judge_schemas(lfirst(la), lfirst(lb), &candidates);
	}
	rename_choose(c, candidates, MIN_SCORE, pair_schemas);
}

/* ---- pairs by a key of which each side has one ---- */

/* Returns the key by which an object is paired, in the target's names; NULL: it is not paired */
typedef char *(*KeyOf) (DriftComparison *c, const DriftObject *object);

static SgNameTable *
by_key(DriftComparison *c, DriftSide side, KeyOf key_of)
{
	SgNameTable *table = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftObject, object, c->objects[side])
	{
		char	   *key = key_of(c, object);
		SgNameEntry *entry;

		if (key == NULL)
			continue;
		entry = sg_names_enter(table, "", key);
		entry->value = lappend(entry->value, object);
	}
	return table;
}

/* Pairs objects whose key is unique on both sides; returns whether any was paired */
static bool
pair_by_key(DriftComparison *c, KeyOf key_of, bool (*pair) (DriftComparison *c, DriftObject *reference, DriftObject *target))
{
	SgNameTable *references = by_key(c, DRIFT_REFERENCE, key_of);
	SgNameTable *targets = by_key(c, DRIFT_TARGET, key_of);
	bool		found = false;

	foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
	{
		char	   *key = key_of(c, object);
		List	   *others = key ? sg_names_value(targets, "", key) : NIL;

		CHECK_FOR_INTERRUPTS();
		if (list_length(others) == 1 && list_length(sg_names_value(references, "", key)) == 1 &&
			((DriftObject *) linitial(others))->partner == NULL)
			found |= pair(c, object, linitial(others));
	}
	sg_names_destroy(references);
	sg_names_destroy(targets);
	return found;
}

/* ---- into another schema ---- */

static bool
is_movable(const DriftObject *object)
{
	switch (object->kind)
	{
		case KIND_AGGREGATE:
		case KIND_COLLATION:
		case KIND_CONVERSION:
		case KIND_DOMAIN:
		case KIND_FUNCTION:
		case KIND_MATERIALIZED_VIEW:
		case KIND_OPERATOR:
		case KIND_OPERATOR_CLASS:
		case KIND_OPERATOR_FAMILY:
		case KIND_PROCEDURE:
		case KIND_SEQUENCE:
		case KIND_STATISTICS:
		case KIND_TEXT_SEARCH_CONFIGURATION:
		case KIND_TEXT_SEARCH_DICTIONARY:
		case KIND_TEXT_SEARCH_PARSER:
		case KIND_TEXT_SEARCH_TEMPLATE:
		case KIND_TYPE:
		case KIND_VIEW:
			return object->partner == NULL && !drift_value(object->properties, "extension");
		default:
			return false;
	}
}

/*
 * Returns whether two objects are equal except for the schema; *entirely: also
 * in owner, privileges and comment
 */
static bool
is_same_elsewhere(DriftComparison *c, DriftObject *reference, DriftObject *target, bool *entirely)
{
	*entirely = true;
	foreach_ptr(DriftChange, change, drift_pair_differences(c, reference, target))
	{
		if (change->property == &drift_parent_property)
			continue;
		if (!(change->property->flags & PROPERTY_ASIDE))
			return false;
		*entirely = false;
	}
	return true;
}

static bool
pair_moved(DriftComparison *c, DriftObject *reference, DriftObject *target)
{
	Candidate	candidate = {.reference = reference,.target = target,.score = 1.0};
	bool		entirely;

	if (drift_has_trait(reference->kind, KIND_HOLDS_DATA))
	{
		DriftAge	age = drift_table_age(c, target->identity);

		candidate.proven = age == DRIFT_OLDER;
		if (age == DRIFT_NEWER)
			return false;
	}
	if (!is_same_elsewhere(c, reference, target, &entirely))
		return false;
	drift_add_object_name(c, reference, target);
	drift_pair(c, reference, target, Min(rename_score(&candidate), entirely ? 1.0 : 0.9),
			   entirely ? "the same name in another schema, the same in everything else" :
			   "the same name in another schema, the same definition");
	return true;
}

/*
 * Returns the key by which moved objects are matched: kind and name without
 * the schema; a function's types are part of its name
 */
static char *
key_of_movable(DriftComparison *c, const DriftObject *object)
{
	char	   *within = is_movable(object) ? drift_within_schema(object->identity) : NULL;

	if (within == NULL)
		return NULL;
	return psprintf("%s %s", snapshot_kinds[object->kind].word,
					object->side == DRIFT_REFERENCE ? drift_new_text(c, within) : within);
}

void
drift_find_moved(DriftComparison *c)
{
	for (int i = 0; i < ROUNDS && pair_by_key(c, key_of_movable, pair_moved); i++)
		;
}

/* ---- sequences of columns ---- */

static char *
key_of_sequence(DriftComparison *c, const DriftObject *object)
{
	char	   *owner = object->kind == KIND_SEQUENCE && object->partner == NULL ?
		drift_string(object->properties, "owned_by") : NULL;

	return object->side == DRIFT_REFERENCE ? drift_new_identity(c, owner) : owner;
}

static bool
pair_sequences(DriftComparison *c, DriftObject *reference, DriftObject *target)
{
	DriftObject *column = drift_find(c, DRIFT_REFERENCE, KIND_COLUMN, drift_string(reference->properties, "owned_by"));

	drift_add_object_name(c, reference, target);
	drift_pair(c, reference, target, column && column->partner ? column->score : 1.0, "the sequence of the same column");
	reference->automatic_pair = drift_flag(reference->properties, "automatic_name") ||
		drift_flag(target->properties, "automatic_name");
	return true;
}

/* Pairs the only sequences of a column, whatever their names */
void
drift_match_sequences(DriftComparison *c)
{
	(void) pair_by_key(c, key_of_sequence, pair_sequences);
}
