/*-------------------------------------------------------------------------
 *
 * drift_class.c
 *	  From differences to rows: what each means.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/quote.h"
#include "drift/drift_compare.h"
#include "drift/drift_rename.h"

const SgWord drift_change_words[] = {
	{DRIFT_CHANGED, "changed"},
	{DRIFT_EXTRA, "extra"},
	{DRIFT_MISSING, "missing"},
	{DRIFT_RENAMED, "renamed"},
	{0}
};

SG_WORDS_OF(drift_change_words, DRIFT_RENAMED + 1);

const SgWord drift_class_words[] = {
	{CLASS_DRIFT, "drift"},
	{CLASS_EXTRA, "extra"},
	{CLASS_UNKNOWN, "unknown"},
	{CLASS_UNMANAGED, "unmanaged"},
	{CLASS_COSMETIC, "cosmetic"},
	{CLASS_PLANNED, "planned"},
	{0}
};

SG_WORDS_OF(drift_class_words, CLASS_PLANNED + 1);

/* Number of folded objects that a detail names */
#define NAMED_PARTS 5

static DriftRow *
add_row(DriftComparison *c, SnapshotKind kind, const char *object, DriftChangeKind change, DriftClass class)
{
	DriftRow   *row = palloc0(sizeof(DriftRow));

	row->kind = snapshot_kinds[kind].word;
	row->object = object;
	row->change = change;
	row->class = class;
	c->rows = lappend(c->rows, row);
	return row;
}

/* Returns "about 1200 rows" for a table of this database, or NULL */
static char *
row_count(DriftComparison *c, const char *table)
{
	Oid			relid = c->live && table ? sg_find_qualified(table) : InvalidOid;
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	float4		rows;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows < 0 ? pstrdup("an unknown number of rows") : psprintf("about %.0f rows", rows);
}

static void
add_detail(DriftRow *row, const char *text)
{
	if (text)
		row->detail = row->detail ? psprintf("%s; %s", row->detail, text) : text;
}

static void
add_rows_to_detail(DriftComparison *c, DriftRow *row, const char *table)
{
	if (row->risk > DRIFT_SAFE)
		add_detail(row, row_count(c, table));
}

/* ---- whole objects ---- */

/* Returns the name of a part within the object that it belongs to */
static char *
part_name(const DriftObject *part)
{
	KindPlace	place = snapshot_kinds[part->kind].place;

	if (place == PLACE_BESIDE)
		return pstrdup(quote_identifier(drift_local_name(part)));
	return place == PLACE_WITHIN ? part->identity + strlen(part->parent) + 1 : part->identity;
}

static const char *
plural(const char *word)
{
	char		last = word[strlen(word) - 1];

	if (strcmp(word, "statistics") == 0)
		return "";
	return last == 'y' ? " objects" : last == 's' || last == 'x' ? "es" : "s";
}

/* Returns a text like "with 3 columns, 1 constraint" */
static char *
folded_text(const DriftObject *object)
{
	StringInfoData text;
	List	   *left = object->folded;

	if (left == NIL)
		return NULL;

	initStringInfo(&text);
	appendStringInfoString(&text, "with ");
	while (left)
	{
		SnapshotKind kind = ((DriftObject *) linitial(left))->kind;
		const char *word = snapshot_kinds[kind].word;
		List	   *others = NIL;
		List	   *names = NIL;

		foreach_ptr(DriftObject, part, left)
		{
			if (part->kind == kind)
				names = lappend(names, part_name(part));
			else
				others = lappend(others, part);
		}
		appendStringInfo(&text, "%s%d %s%s", text.len > 5 ? ", " : "", list_length(names), word,
						 list_length(names) == 1 ? "" : plural(word));
		for (int i = 0; list_length(names) <= NAMED_PARTS && i < list_length(names); i++)
			appendStringInfo(&text, "%s%s", i == 0 ? " (" : ", ", (char *) list_nth(names, i));
		if (list_length(names) <= NAMED_PARTS)
			appendStringInfoChar(&text, ')');
		left = others;
	}
	return text.data;
}

/* Returns a summary of an object: the properties that matter to users besides its name */
static char *
summary(const DriftObject *object)
{
	JsonbIterator *it = JsonbIteratorInit(&object->properties->root);
	JsonbIteratorToken token;
	JsonbValue	key,
				value;
	StringInfoData text;

	initStringInfo(&text);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		const SnapshotProperty *property;
		char	   *what;

		if (token != WJB_KEY)
			continue;
		property = drift_property(object->kind, &key);
		(void) JsonbIteratorNext(&it, &value, true);
		what = drift_text(JsonbValueToJsonb(&value));
		if ((property->flags & PROPERTY_ASIDE) || what == NULL || (value.type == jbvBool && !value.val.boolean))
			continue;
		appendStringInfo(&text, "%s%s", text.len ? ", " : "", property->name);
		if (value.type != jbvBool)
			appendStringInfo(&text, " %s", what);
	}
	return text.len ? text.data : NULL;
}

/*
 * Returns whether an object is a partition that comes and goes by itself, by
 * schemaguard.drift_partitions
 */
static bool
is_dynamic_partition(const DriftObject *object)
{
	char	   *bound = drift_string(object->properties, "partition_bound");

	if (object->kind != KIND_TABLE || drift_value(object->properties, "partition_of") == NULL)
		return false;
	/* bound unknown, because the table was locked */
	if (bound == NULL)
		return true;
	return !sg_drift_counts_partition(strcmp(bound, "DEFAULT") == 0 ? "default" :
									  strncmp(bound, "FOR VALUES IN", 13) == 0 ? "list" :
									  strncmp(bound, "FOR VALUES WITH", 15) == 0 ? "hash" : "range");
}

/* ---- members of extensions ---- */

/* Returns the change of a property of an extension that both sides have, or NULL */
static const DriftChange *
extension_change(DriftComparison *c, const char *extension, const char *property)
{
	const char *identity = quote_identifier(extension);

	foreach_ptr(const DriftChange, change, c->changes)
	{
		if (change->kind == KIND_EXTENSION && strcmp(change->property->name, property) == 0 &&
			strcmp(change->identity, identity) == 0)
			return change;
	}
	return NULL;
}

/* Returns whether both snapshots describe extensions; those of some schemas do not */
static bool
knows_extensions(DriftComparison *c)
{
	return c->info[DRIFT_REFERENCE]->schemas == NIL && c->info[DRIFT_TARGET]->schemas == NIL;
}

/*
 * Returns whether the extension itself, instead of a person, explains that one
 * side has an object, or an object of another kind: the extension has another
 * version or schema there.
 */
static bool
explains_objects(DriftComparison *c, const char *extension)
{
	return !knows_extensions(c) || extension_change(c, extension, "version") || extension_change(c, extension, "schema");
}

/*
 * Returns whether an extension is schemaguard in another version on the other
 * side.  The update has a row of its own; hundreds of rows about its members
 * would hide the user's.  Snapshots of some schemas lack the version, but only
 * 0.1.0 took snapshots of format 1.
 */
static bool
goes_with_our_version(DriftComparison *c, const char *extension)
{
	bool		is_older = (c->info[DRIFT_REFERENCE]->format < 2) != (c->info[DRIFT_TARGET]->format < 2);

	return extension && strcmp(extension, "schemaguard") == 0 &&
		(extension_change(c, extension, "version") || (is_older && !knows_extensions(c)));
}

/* Returns whether two values are equal; both may be missing in a document */
static bool
is_same_text(Jsonb *a, Jsonb *b)
{
	return a && b && strcmp(drift_text(a), drift_text(b)) == 0;
}

/*
 * Returns whether the extension itself, instead of a person, has changed this
 * property of its member.  Privileges are stored relative to what the extension
 * grants, so they are a person's; a snapshot of format 1 mixes both.
 */
static bool
explains_property(DriftComparison *c, const char *extension, const DriftChange *change)
{
	const char *property = change->property->name;

	if (strcmp(property, "acl") == 0)
		return c->info[DRIFT_REFERENCE]->format < 2 || c->info[DRIFT_TARGET]->format < 2;
	if (strcmp(property, "owner") == 0)
	{
		const DriftChange *owner = extension_change(c, extension, "owner");

		return !knows_extensions(c) ||
			(owner && is_same_text(owner->expected, change->expected) && is_same_text(owner->actual, change->actual));
	}
	return extension_change(c, extension, "version") || goes_with_our_version(c, extension);
}

/* Returns whether a change is an update of schemaguard, which changes no user's object */
static bool
is_our_update(const DriftChange *change)
{
	return change->kind == KIND_EXTENSION && strcmp(change->identity, "schemaguard") == 0 &&
		strcmp(change->property->name, "version") == 0;
}

static DriftClass
object_class(DriftComparison *c, const DriftObject *object, DriftClass otherwise)
{
	char	   *extension = drift_string(object->properties, "extension");

	if (is_dynamic_partition(object))
		return CLASS_UNMANAGED;
	/* sg_capture_ddl() creates and drops members of the extension */
	if (extension && ((object->kind == KIND_EVENT_TRIGGER && strcmp(extension, "schemaguard") == 0) ||
					  explains_objects(c, extension)))
		return CLASS_UNMANAGED;
	return otherwise;
}

static const char *
table_of(const DriftObject *object)
{
	return drift_has_trait(object->kind, KIND_RELATION) ? object->identity : object->parent;
}

static void
report_lone(DriftComparison *c, DriftObject *object)
{
	bool		missing = object->side == DRIFT_REFERENCE;
	char	   *extension = drift_string(object->properties, "extension");
	DriftRow   *row;

	if (goes_with_our_version(c, extension))
		return;
	row = add_row(c, object->kind, object->identity, missing ? DRIFT_MISSING : DRIFT_EXTRA,
				  object_class(c, object, missing ? CLASS_DRIFT : CLASS_EXTRA));
	if (missing)
		row->expected = summary(object);
	else
	{
		row->actual = summary(object);
		row->properties = object->properties;
	}
	row->risk = missing ? drift_risk_of_making(object) : drift_risk_of_dropping(c, object);

	add_detail(row, folded_text(object));
	add_detail(row, object->evidence);
	if (object->unknown)
		add_detail(row, psprintf("not readable: %s", object->unknown));
	if (extension)
		add_detail(row, psprintf("belongs to extension %s", quote_identifier(extension)));
	else if (drift_value(object->properties, "partition_of") && object->kind == KIND_TABLE)
		add_detail(row, psprintf("a partition of %s", drift_string(object->properties, "partition_of")));
	add_rows_to_detail(c, row, table_of(object));
}

/*
 * Returns whether an object's identity differs only because its parent or
 * schema is renamed
 */
static bool
goes_along(DriftComparison *c, const DriftObject *reference, const DriftObject *target)
{
	char	   *old = drift_within_schema(reference->identity);
	char	   *new = drift_within_schema(target->identity);
	char	   *schema = drift_schema(target->identity);
	char	   *owner = reference->kind == KIND_SEQUENCE ? drift_string(target->properties, "owned_by") : NULL;

	/* part of another object; statistics objects have their own schema */
	if (reference->kind != KIND_STATISTICS && reference->parent && drift_within_schema(reference->parent))
		return strcmp(drift_local_name(reference), drift_local_name(target)) == 0;

	/* only the schema can differ */
	if (reference->kind == KIND_DEFAULT_PRIVILEGE)
		return true;

	if (old == NULL || new == NULL || strcmp(drift_new_text(c, old), new) != 0)
		return strcmp(reference->identity, target->identity) == 0;
	return strcmp(drift_new_schema(c, drift_schema(reference->identity)), schema) == 0 ||
		(owner && strcmp(drift_schema(owner), schema) == 0);
}

/* Returns the contents of a renamed schema, without parts of other contents */
static List *
schema_contents(DriftComparison *c, const DriftObject *schema)
{
	List	   *contents = NIL;

	foreach_ptr(DriftObject, object, c->objects[schema->side])
	{
		if (object->parent && strcmp(object->parent, schema->identity) == 0)
			contents = lappend(contents, object);
	}
	return contents;
}

static void
report_pair(DriftComparison *c, DriftObject *reference)
{
	DriftObject *target = reference->partner;
	bool		automatic = reference->automatic_pair;
	DriftRow   *row;

	if (goes_along(c, reference, target) || (automatic && !c->cosmetic) ||
		goes_with_our_version(c, drift_string(reference->properties, "extension")))
		return;

	row = add_row(c, reference->kind, reference->identity, DRIFT_RENAMED, automatic ? CLASS_COSMETIC :
				  object_class(c, reference, CLASS_DRIFT));
	row->target = target->identity;
	row->property = "name";
	row->expected = reference->identity;
	row->actual = target->identity;
	row->risk = drift_has_trait(reference->kind, KIND_HOLDS_DATA) && reference->score <= RENAME_GUESS ? DRIFT_LOSSY : DRIFT_SAFE;
	row->detail = psprintf("score %.2f: %s", reference->score, reference->evidence ? reference->evidence : "the same name");
	if (reference->kind == KIND_SCHEMA)
		reference->folded = schema_contents(c, reference);
	add_detail(row, folded_text(reference));
}

/* ---- properties ---- */

DriftVerdict
drift_body_verdict(const DriftChange *change)
{
	char	   *language = drift_string(change->target, "language");
	char	   *expected = drift_text(change->expected);
	char	   *actual = drift_text(change->actual);
	DriftScope	scope = {.kind = DRIFT_TEXT_LINES};
	char	   *reason;

	if (expected == NULL || actual == NULL)
		return DRIFT_DIFFERENT;
	if (language && (strcmp(language, "sql") == 0 || strcmp(language, "plpgsql") == 0))
		scope.kind = DRIFT_TEXT_BODY;
	return expression_compare_text(&scope, expected, actual, &reason);
}

static void
report_change(DriftComparison *c, DriftChange *change)
{
	PropertyCompare compare = change->property->compare;
	bool		cosmetic = compare == COMPARE_COSMETIC ||
		(compare == COMPARE_BODY && drift_body_verdict(change) == DRIFT_COSMETIC);
	char	   *extension = drift_string(change->reference, "extension");
	bool		member = extension && drift_value(change->target, "extension");
	bool		unmanaged = is_our_update(change) || (member && explains_property(c, extension, change));
	DriftRow   *row;

	/* renames found since may explain the difference */
	if ((cosmetic && !c->cosmetic) || drift_same_value(c, change) ||
		(unmanaged && member && strcmp(change->property->name, "owner") != 0 && goes_with_our_version(c, extension)))
		return;

	row = add_row(c, change->kind, change->identity, DRIFT_CHANGED,
				  cosmetic ? CLASS_COSMETIC : unmanaged ? CLASS_UNMANAGED : CLASS_DRIFT);
	row->target = change->target_identity;
	row->properties = change->target;
	row->property = change->property->name;
	row->expected = drift_text(change->expected);
	row->actual = drift_text(change->actual);
	row->risk = cosmetic ? DRIFT_SAFE : drift_risk_of_changing(change);
	if (strcmp(change->identity, change->target_identity) != 0)
		add_detail(row, psprintf("%s in the target", change->target_identity));
	add_detail(row, change->reason);
	if (member)
		add_detail(row, psprintf("belongs to extension %s", quote_identifier(extension)));
	if (is_our_update(change))
		add_detail(row, "its objects differ as its versions do");
	if (compare == COMPARE_BODY && cosmetic)
		add_detail(row, "only white space and comments differ");
	add_rows_to_detail(c, row, drift_has_trait(change->kind, KIND_RELATION) ? change->target_identity : change->target_parent);
}

void
drift_report(DriftComparison *c)
{
	ListCell   *lc;

	for (int side = 0; side < 2; side++)
	{
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			if (object->partner == NULL)
			{
				if (object->within == NULL)
					report_lone(c, object);
			}
			else if (side == DRIFT_REFERENCE)
				report_pair(c, object);
		}
	}
	foreach(lc, c->changes)
		report_change(c, lfirst(lc));
}
