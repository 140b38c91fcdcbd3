/*-------------------------------------------------------------------------
 *
 * fkdiff_read.c
 *	  The foreign keys of one side, and what is known of their tables.
 *
 * Of the objects of a snapshot, tables, columns and constraints are kept, in
 * the few properties that matter here.
 * Keys that come with an extension, and clones of a partitioned table's keys,
 * are nobody's to compare.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/words.h"
#include "drift/drift.h"
#include "drift/drift_compare.h"
#include "fkdiff/fkdiff.h"
#include "plan/plan_key.h"
#include "snapshot/snapshot_property.h"

/* ---- properties ---- */

/* Returns the strings of an array without its nulls; NIL if there is no array */
static List *
list_property(const SgJson *properties, const char *name)
{
	SgJson		array;
	List	   *strings = NIL;

	if (!sg_json_find(properties, name, &array) || sg_json_is_null(&array))
		return NIL;
	for (uint32 i = 0; i < sg_json_size(&array); i++)
	{
		SgJson		element;

		sg_json_element(&array, i, &element);
		if (!sg_json_is_null(&element))
			strings = lappend(strings, sg_json_text(&element));
	}
	return strings;
}

/*
 * Raises an error for an invalid object: a snapshot may come from anywhere, and
 * its texts become part of statements
 */
static void
check_object(const KeySide *side, const SnapshotObject *object, bool valid)
{
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("snapshot \"%s\" does not describe %s %s as a snapshot should", side->name,
						snapshot_kinds[object->kind].word, object->identity),
				 errhint("Take or import the snapshot anew.")));
}

/* Returns the name of a column or constraint from its identity, without the table's */
static char *
local_name(const KeySide *side, const SnapshotObject *object)
{
	size_t		length = object->parent ? strlen(object->parent) : 0;
	const char *p = object->identity + length + 1;
	StringInfoData name;

	check_object(side, object, length > 0 && strncmp(object->identity, object->parent, length) == 0 &&
				 object->identity[length] == '.' && *p);
	if (*p != '"')
		return pstrdup(p);

	initStringInfo(&name);
	for (p++; *p && (*p != '"' || p[1] == '"'); p++)
	{
		if (*p == '"')
			p++;
		appendStringInfoChar(&name, *p);
	}
	return name.data;
}

/* ---- tables ---- */

static void
begin_side(KeySide *side, const char *name, const char *word)
{
	side->name = name;
	side->word = word;
	side->tables = sg_names_create(CurrentMemoryContext);
}

KeyTable *
fkdiff_table(const KeySide *side, const char *identity)
{
	return sg_names_value(side->tables, "", identity);
}

static KeyTable *
make_table(KeySide *side, const char *identity)
{
	KeyTable   *table = fkdiff_table(side, identity);

	if (table == NULL)
	{
		table = palloc0(sizeof(KeyTable));
		table->identity = pstrdup(identity);
		sg_names_enter(side->tables, "", table->identity)->value = table;
	}
	return table;
}

KeyPresence
fkdiff_presence(const KeySide *side, const char *identity)
{
	KeyTable   *table = fkdiff_table(side, identity);

	if (table && table->unknown)
		return KEY_TABLE_UNKNOWN;
	if (table && table->present)
		return KEY_TABLE_PRESENT;
	if (side->schemas != NIL)
	{
		SgTableName name = sg_parse_table_name(identity);

		if (name.schema && !sg_has_name(side->schemas, name.schema))
			return KEY_TABLE_OUTSIDE;
	}
	return KEY_TABLE_MISSING;
}

/* ---- objects ---- */

static void
read_table(KeySide *side, const SnapshotObject *object, const SgJson *properties)
{
	KeyTable   *table = make_table(side, object->identity);

	table->present = true;
	table->unknown = snapshot_unknown(object);
	table->partitioned = sg_json_has(properties, "partition_key");
	table->inherited = sg_json_has(properties, "partition_of") || sg_json_has(properties, "inherits");
	table->extension = sg_json_has(properties, "extension");
}

static void
read_column(KeySide *side, const SnapshotObject *object)
{
	char	   *name = local_name(side, object);
	KeyTable   *table = make_table(side, object->parent);

	table->columns = lappend(table->columns, name);
}

/* Raises an error unless a key has all of its properties, with valid names of tables */
static void
check_key(const KeySide *side, const SnapshotObject *object, const PlanStep *step)
{
	int			columns = list_length(step->child_columns);

	check_object(side, object, step->parent_table != NULL && columns > 0 &&
				 list_length(step->parent_columns) == columns);
	check_object(side, object, sg_parse_table_name(step->child_table).schema != NULL &&
				 sg_parse_table_name(step->parent_table).schema != NULL);
}

/* Returns the number of a property's word in a list; 0 if the property is missing */
static int
word_property(const KeySide *side, const SnapshotObject *object, const SgJson *properties, const char *name, const SgWord *words)
{
	char	   *word = sg_json_find_text(properties, name);
	int			code = word ? sg_word_code(words, word) : words[0].code;

	check_object(side, object, code >= 0);
	return code;
}

static SideKey *
read_key(const KeySide *side, const SnapshotObject *object, const SgJson *properties)
{
	SideKey    *key = palloc0(sizeof(SideKey));
	PlanStep   *step = plan_step_default("");

	step->child_table = pstrdup(object->parent);
	step->child_columns = list_property(properties, "columns");
	step->parent_table = sg_json_find_text(properties, "references");
	step->parent_columns = list_property(properties, "referenced_columns");
	step->fk_name = local_name(side, object);
	key->name = step->fk_name;
	step->on_delete = word_property(side, object, properties, "on_delete", sg_action_words);
	step->on_update = word_property(side, object, properties, "on_update", sg_action_words);
	step->match = word_property(side, object, properties, "match", sg_match_words);
	step->deferrable = sg_json_find_bool(properties, "deferrable", false);
	step->initially_deferred = sg_json_find_bool(properties, "deferred", false);
	step->on_delete_columns = list_property(properties, "on_delete_columns");
	step->enforced = sg_json_find_bool(properties, "enforced", true);
	step->period = sg_json_find_bool(properties, "period", false);
	check_key(side, object, step);

	key->step = step;
	key->validated = sg_json_find_bool(properties, "validated", true);
	key->period = step->period;
	key->automatic = sg_json_find_bool(properties, "automatic_name", false);
	key->triggers = sg_json_find_text(properties, "triggers");
	key->properties = JsonbToCString(NULL, &object->properties->root, VARSIZE(object->properties));
	key->definition = plan_key_clause(step, step->enforced && !key->validated);

	return key;
}

static void
add_unique(KeyTable *table, const SgJson *properties)
{
	KeyUnique  *unique = palloc(sizeof(KeyUnique));

	unique->columns = list_property(properties, "columns");
	unique->period = sg_json_find_bool(properties, "period", false);
	table->uniques = lappend(table->uniques, unique);
}

/* Reads a unique index, which a key may reference without a constraint */
static void
read_index(KeySide *side, const SnapshotObject *object, const SgJson *properties)
{
	if (object->parent && sg_json_find_bool(properties, "unique", false) && sg_json_find_bool(properties, "valid", true) &&
		!sg_json_has(properties, "predicate") && !sg_json_has(properties, "expressions"))
		add_unique(make_table(side, object->parent), properties);
}

static void
read_constraint(KeySide *side, const SnapshotObject *object, const SgJson *properties)
{
	char	   *type = sg_json_find_text(properties, "type");
	char	   *unknown = snapshot_unknown(object);
	KeyTable   *table;

	/* skip a constraint of a domain */
	if (object->parent == NULL)
		return;

	table = make_table(side, object->parent);
	table->names = lappend(table->names, local_name(side, object));
	if (unknown && (type == NULL || strcmp(type, "f") == 0))
		table->unknown = unknown;
	else if (type && (strcmp(type, "p") == 0 || strcmp(type, "u") == 0))
	{
		if (!sg_json_find_bool(properties, "deferrable", false))
			add_unique(table, properties);
	}
	else if (type && strcmp(type, "f") == 0 && !sg_json_has(properties, "partition_of") &&
			 !sg_json_has(properties, "extension"))
		side->keys = lappend(side->keys, read_key(side, object, properties));
}

/* ---- sides ---- */

int
fkdiff_compare_keys(const ListCell *a, const ListCell *b)
{
	const PlanStep *x = ((SideKey *) lfirst(a))->step;
	const PlanStep *y = ((SideKey *) lfirst(b))->step;
	int			order = strcmp(plan_given(x->child_table), plan_given(y->child_table));

	return order ? order : strcmp(x->fk_name, y->fk_name);
}

/* Sorts the keys, and removes those of extensions */
static void
finish_side(KeySide *side)
{
	List	   *keys = NIL;

	foreach_ptr(SideKey, key, side->keys)
	{
		if (!fkdiff_table(side, key->step->child_table)->extension)
			keys = lappend(keys, key);
	}
	list_sort(keys, fkdiff_compare_keys);
	side->keys = keys;
}

static void
read_side(KeySide *side, List *schemas)
{
	List	   *wanted = schemas;
	SnapshotReader *reader;
	const SnapshotObject *object;

	side->schemas = schemas;
	if (strcmp(side->name, SNAPSHOT_LIVE) == 0)
	{
		wanted = drift_present_schemas(schemas);
		if (schemas != NIL && wanted == NIL)
			return;
	}

	reader = snapshot_open(side->name, wanted, false);
	side->version = snapshot_info(reader)->server_version_num;
	while ((object = snapshot_next(reader)) != NULL)
	{
		SgJson		properties;

		CHECK_FOR_INTERRUPTS();
		snapshot_properties(&properties, object->properties);
		if (object->kind == KIND_TABLE)
			read_table(side, object, &properties);
		else if (object->kind == KIND_COLUMN)
			read_column(side, object);
		else if (object->kind == KIND_CONSTRAINT)
			read_constraint(side, object, &properties);
		else if (object->kind == KIND_INDEX)
			read_index(side, object, &properties);
	}
	snapshot_close(reader);
	finish_side(side);
}

/* Marks tables of keys as unknown that a replay of files has left out of the side */
static void
mark_left_out(KeySide *side, List *keys)
{
	SgNameTable *names = snapshot_left_out(side->name);

	foreach_ptr(const SideKey, key, names ? keys : NIL)
	{
		char	   *reason = sg_names_value(names, "", drift_name(key->step->child_table));

		if (reason)
			make_table(side, key->step->child_table)->unknown = reason;
	}
}

/* Returns the schemas that a snapshot covers; NIL: all */
static List *
covered(const char *name)
{
	return strcmp(name, SNAPSHOT_LIVE) == 0 ? NIL : snapshot_get(name)->schemas;
}

void
fkdiff_read(KeyComparison *comparison, const char *reference, const char *target)
{
	List	   *schemas = covered(reference);
	List	   *others = covered(target);

	if (schemas != NIL && others != NIL)
	{
		schemas = sg_common_names(schemas, others);
		if (schemas == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" and \"%s\" have no schema in common", reference, target),
					 errhint("Take both snapshots of the same schemas.")));
	}
	else if (schemas == NIL)
		schemas = others;

	begin_side(&comparison->reference, reference, "reference");
	begin_side(&comparison->target, target, "target");
	read_side(&comparison->reference, schemas);
	read_side(&comparison->target, schemas);
	mark_left_out(&comparison->reference, comparison->target.keys);
	mark_left_out(&comparison->target, comparison->reference.keys);
}
