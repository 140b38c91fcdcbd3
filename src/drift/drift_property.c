/*-------------------------------------------------------------------------
 *
 * drift_property.c
 *	  Properties of an object: read, and compared by what they mean.
 *
 * A snapshot leaves out what has its default, so a key that only one side has
 * is a difference like any other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift_compare.h"

/* The parent, which is compared like a property */
const SnapshotProperty drift_parent_property = {"parent", FORM_STRING, COMPARE_OBJECT};

/* ---- reading ---- */

/* Finds a property; returns false if it is missing or null */
static bool
find(Jsonb *properties, const char *key, SgJson *whole, SgJson *member)
{
	if (properties == NULL)
		return false;
	snapshot_properties(whole, properties);
	return sg_json_find(whole, key, member) && !sg_json_is_null(member);
}

/* Returns the value of a key, NULL if it is missing or null */
Jsonb *
drift_value(Jsonb *properties, const char *key)
{
	SgJson		whole;
	SgJson		member;

	return find(properties, key, &whole, &member) ? JsonbValueToJsonb(&member.value) : NULL;
}

char *
drift_string(Jsonb *properties, const char *key)
{
	SgJson		whole;
	SgJson		member;

	return find(properties, key, &whole, &member) ? sg_json_scalar(&member.value) : NULL;
}

bool
drift_flag(Jsonb *properties, const char *key)
{
	SgJson		whole;
	SgJson		member;

	return find(properties, key, &whole, &member) && sg_json_bool(&member);
}

double
drift_number(Jsonb *properties, const char *key)
{
	SgJson		whole;
	SgJson		member;

	return find(properties, key, &whole, &member) ? sg_json_float8(&member) : 0;
}

/*
 * Returns the elements of an array as texts, nulls as NULL; NIL for another
 * value, such as an object of options
 */
List *
drift_elements(Jsonb *array)
{
	SgJson		whole;
	List	   *texts = NIL;

	if (array == NULL || !JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		return NIL;
	snapshot_properties(&whole, array);
	for (uint32 i = 0; i < sg_json_size(&whole); i++)
	{
		SgJson		element;

		sg_json_element(&whole, i, &element);
		texts = lappend(texts, sg_json_scalar(&element.value));
	}
	return texts;
}

/* Returns the strings of a property, without nulls */
List *
drift_strings(Jsonb *properties, const char *key)
{
	List	   *strings = NIL;
	ListCell   *lc;

	foreach(lc, drift_elements(drift_value(properties, key)))
	{
		if (lfirst(lc))
			strings = lappend(strings, lfirst(lc));
	}
	return strings;
}

/* Returns a value as text for users: a string without quotes, names with commas */
char *
drift_text(Jsonb *value)
{
	if (value == NULL)
		return NULL;
	if (JB_ROOT_IS_SCALAR(value))
		return sg_json_scalar(getIthJsonbValueFromContainer(&value->root, 0));
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

/* ---- comparing ---- */

static bool
same_json(Jsonb *a, Jsonb *b)
{
	return a && b && compareJsonbContainers(&a->root, &b->root) == 0;
}

/* ---- names that changed ---- */

/* Returns a text of the reference with the target's names */
static char *
renamed(DriftComparison *c, const DriftChange *change, char *text)
{
	if (text == NULL || c->names == NIL)
		return text;

	if (change->property->compare == COMPARE_COLUMNS)
		return drift_new_column(c, change->parent, text);
	if (change->property->compare == COMPARE_REFERENCED)
		return drift_new_column(c, drift_string(change->reference, "references"), text);
	return drift_new_identity(c, text);
}

static bool
same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int
compare_strings(const ListCell *a, const ListCell *b)
{
	const char *x = lfirst(a);
	const char *y = lfirst(b);

	return strcmp(x ? x : "", y ? y : "");
}

static bool
same_names(DriftComparison *c, DriftChange *change)
{
	List	   *expected;
	List	   *actual;
	ListCell   *le,
			   *la;

	if (change->expected == NULL || change->actual == NULL || c->names == NIL)
		return false;
	if (JB_ROOT_IS_SCALAR(change->expected) && JB_ROOT_IS_SCALAR(change->actual))
		return same_string(renamed(c, change, drift_text(change->expected)), drift_text(change->actual));

	expected = drift_elements(change->expected);
	actual = drift_elements(change->actual);
	if (expected == NIL || list_length(expected) != list_length(actual))
		return false;
	foreach(le, expected)
		lfirst(le) = renamed(c, change, lfirst(le));
	if (change->property->compare == COMPARE_OBJECTS)
	{
		list_sort(expected, compare_strings);
		list_sort(actual, compare_strings);
	}
	forboth(le, expected, la, actual)
	{
		if (!same_string(lfirst(le), lfirst(la)))
			return false;
	}
	return true;
}

/* Fills in the context of a text for its analysis; names: the renames */
static void
fill_scope(DriftComparison *c, const DriftChange *change, List *names, DriftScope *scope)
{
	PropertyCompare compare = change->property->compare;

	switch (compare)
	{
		case COMPARE_QUERY:
			scope->kind = DRIFT_TEXT_QUERY;
			break;
		case COMPARE_SQL_BODY:
			scope->kind = DRIFT_TEXT_SQL_BODY;
			break;
		case COMPARE_ARGUMENTS:
			scope->kind = DRIFT_TEXT_ARGUMENTS;
			break;
		case COMPARE_DEFAULT:
			scope->kind = DRIFT_TEXT_DEFAULT;
			break;
		default:
			scope->kind = DRIFT_TEXT_EXPRESSION;
			break;
	}
	scope->names = names;

	/* the reference's table name decides which columns are renamed */
	if (names)
	{
		scope->table = change->parent;
		return;
	}

	/* only a live target's columns are in this catalog */
	if (!c->live)
	{
		if (compare == COMPARE_DEFAULT)
			scope->type = drift_string(change->target, "type");
		return;
	}
	scope->owner = change->kind == KIND_DOMAIN ? change->target_identity : change->target_parent;
	if (compare == COMPARE_DEFAULT && change->kind == KIND_COLUMN)
		scope->column = drift_name(change->target_identity);
}

/* Returns the elements of an array, or the values of an object, as texts */
static List *
texts(Jsonb *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	List	   *list = NIL;

	if (value == NULL)
		return NIL;
	it = JsonbIteratorInit(&value->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		/* keys have to be equal, too */
		if (token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM)
			list = lappend(list, sg_json_scalar(&v));
	}
	return list;
}

/*
 * Returns whether all texts have the same meaning; *reason says why the first
 * other one could not be analysed
 */
static bool
same_in_scope(const DriftScope *scope, List *expected, List *actual, char **reason)
{
	ListCell   *le,
			   *la;

	*reason = NULL;
	forboth(le, expected, la, actual)
	{
		if (lfirst(le) == NULL || lfirst(la) == NULL)
		{
			if (lfirst(le) != lfirst(la))
				return false;
		}
		else if (expression_compare_text(scope, lfirst(le), lfirst(la), reason) != DRIFT_SAME)
			return false;
	}
	return true;
}

static bool
same_texts(DriftComparison *c, DriftChange *change)
{
	DriftScope	scope = {0};
	List	   *expected = texts(change->expected);
	List	   *actual = texts(change->actual);
	char	   *ignored;

	if (expected == NIL || list_length(expected) != list_length(actual))
		return false;

	fill_scope(c, change, NIL, &scope);
	if (same_in_scope(&scope, expected, actual, &change->reason))
		return true;
	if (c->names == NIL)
		return false;
	memset(&scope, 0, sizeof(scope));
	fill_scope(c, change, c->names, &scope);
	return same_in_scope(&scope, expected, actual, &ignored);
}

/* Compares a publication's filters by table, whose columns they use */
static bool
same_filters(DriftComparison *c, DriftChange *change)
{
	List	   *expected = texts(change->expected);

	if (change->expected == NULL || change->actual == NULL ||
		list_length(expected) != list_length(texts(change->actual)))
		return false;
	for (int i = 0; i < list_length(expected); i += 2)
	{
		char	   *table = list_nth(expected, i);
		char	   *new_table = drift_new_identity(c, table);
		char	   *actual = drift_string(change->actual, new_table);
		DriftScope	scope = {.kind = DRIFT_TEXT_EXPRESSION,.owner = c->live ? new_table : NULL};
		DriftScope	renamed = {.kind = DRIFT_TEXT_EXPRESSION,.table = table,.names = c->names};
		char	   *ignored;

		if (actual == NULL ||
			(expression_compare_text(&scope, list_nth(expected, i + 1), actual, &change->reason) != DRIFT_SAME &&
			 (c->names == NIL ||
			  expression_compare_text(&renamed, list_nth(expected, i + 1), actual, &ignored) != DRIFT_SAME)))
			return false;
	}
	return true;
}

/* Returns an identity column's sequence without its generated name and its value */
static Jsonb *
chosen_sequence(Jsonb *sequence)
{
	Datum		rest = JsonbPGetDatum(sequence);

	rest = DirectFunctionCall2(jsonb_delete, rest, CStringGetTextDatum("name"));
	rest = DirectFunctionCall2(jsonb_delete, rest, CStringGetTextDatum("last_value"));
	return DatumGetJsonbP(rest);
}

static bool
same_sequence(DriftChange *change)
{
	return change->expected && change->actual &&
		same_json(chosen_sequence(change->expected), chosen_sequence(change->actual));
}

/* Returns whether a value is missing because that side's server, or snapshot format, is too old for it */
static bool
is_beyond_server(DriftComparison *c, const DriftChange *change)
{
	const SnapshotInfo *side = c->info[change->expected ? DRIFT_TARGET : DRIFT_REFERENCE];

	return !(change->expected && change->actual) &&
		(side->server_version_num < change->property->since ||
		 (side->format < 2 && (change->property->flags & PROPERTY_FORMAT_2)));
}

/*
 * Returns whether both values of a change have the same meaning, given the
 * renames.  Otherwise change->reason may say how far the comparison got.
 */
bool
drift_same_value(DriftComparison *c, DriftChange *change)
{
	if (same_json(change->expected, change->actual) || is_beyond_server(c, change))
		return true;

	/*
	 * a check's columns follow from its expression, in no particular order
	 */
	if (change->property->compare == COMPARE_COLUMNS && drift_value(change->reference, "expression"))
		return true;

	switch (change->property->compare)
	{
		case COMPARE_IGNORE:
			return true;
		case COMPARE_EXPRESSION:
			return change->kind == KIND_PUBLICATION ? same_filters(c, change) : same_texts(c, change);
		case COMPARE_DEFAULT:
		case COMPARE_QUERY:
		case COMPARE_SQL_BODY:
			return same_texts(c, change);
		case COMPARE_ARGUMENTS:

			/*
			 * arguments of an aggregate may contain ORDER BY, and have no
			 * defaults
			 */
			return change->kind == KIND_AGGREGATE ? drift_same_renamed(c, change) : same_texts(c, change);
		case COMPARE_SEQUENCE:
			return same_sequence(change);
		case COMPARE_CLONE:
			return change->expected && change->actual;
		case COMPARE_COLUMNS:
		case COMPARE_REFERENCED:
		case COMPARE_OBJECT:
		case COMPARE_OBJECTS:
			return same_names(c, change);
		case COMPARE_PLAIN:
			/* properties aside name no renamed object */
			return !(change->property->flags & PROPERTY_ASIDE) && drift_same_renamed(c, change);
		case COMPARE_BODY:
		case COMPARE_COSMETIC:
			return false;
	}
	return false;
}

/* Property as key and value, sorted like jsonb: by length, then bytes */
typedef struct Property
{
	JsonbValue	key;
	Jsonb	   *value;
} Property;

static int
read_properties(Jsonb *properties, Property **result)
{
	JsonbIterator *it = JsonbIteratorInit(&properties->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	Property   *list = palloc(sizeof(Property) * Max(JB_ROOT_COUNT(properties), 1));
	int			n = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			list[n].key = v;
		else if (token == WJB_VALUE)
			list[n++].value = JsonbValueToJsonb(&v);
	}
	*result = list;
	return n;
}

static int
compare_keys(const JsonbValue *a, const JsonbValue *b)
{
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

static DriftChange *
new_change(const SnapshotObject *reference, const SnapshotObject *target, const SnapshotProperty *property,
		   Jsonb *expected, Jsonb *actual)
{
	DriftChange *change = palloc0(sizeof(DriftChange));

	change->kind = reference->kind;
	change->identity = reference->identity;
	change->target_identity = target->identity;
	change->parent = reference->parent;
	change->target_parent = target->parent;
	change->property = property;
	change->expected = expected;
	change->actual = actual;
	change->reference = reference->properties;
	change->target = target->properties;
	return change;
}

static Jsonb *
string_value(const char *text)
{
	JsonbValue	value = {.type = jbvString};

	if (text == NULL)
		return NULL;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	return JsonbValueToJsonb(&value);
}

/* Returns whether the identity contains the parent */
static bool
is_within_parent(const SnapshotObject *object)
{
	return object->parent && strncmp(object->identity, object->parent, strlen(object->parent)) == 0;
}

/* Returns the description of the property with that key */
const SnapshotProperty *
drift_property(SnapshotKind kind, const JsonbValue *key)
{
	const SnapshotProperty *property = snapshot_property(kind, key->val.string.val, key->val.string.len);

	if (property == NULL)
		elog(ERROR, "unknown property \"%.*s\" of %s", key->val.string.len, key->val.string.val,
			 snapshot_kinds[kind].word);
	return property;
}

/*
 * Returns the properties that differ in text and in meaning; drift_report()
 * looks again when all renames are known.  The objects need not outlive the
 * call.
 */
List *
drift_differences(DriftComparison *c, const SnapshotObject *reference, const SnapshotObject *target)
{
	SnapshotObject a,
				b;
	Property   *pa,
			   *pb;
	int			na,
				nb;
	List	   *changes = NIL;

	/* copies that the changes share */
	a = *reference;
	b = *target;
	a.identity = pstrdup(a.identity);
	a.parent = a.parent ? pstrdup(a.parent) : NULL;
	a.properties = (Jsonb *) pg_detoast_datum_copy((struct varlena *) a.properties);
	b.identity = pstrdup(b.identity);
	b.parent = b.parent ? pstrdup(b.parent) : NULL;
	b.properties = (Jsonb *) pg_detoast_datum_copy((struct varlena *) b.properties);

	na = read_properties(a.properties, &pa);
	nb = read_properties(b.properties, &pb);
	for (int i = 0, j = 0; i < na || j < nb;)
	{
		int			order = i == na ? 1 : j == nb ? -1 : compare_keys(&pa[i].key, &pb[j].key);
		JsonbValue *key = order <= 0 ? &pa[i].key : &pb[j].key;
		DriftChange *change = new_change(&a, &b, drift_property(a.kind, key),
										 order <= 0 ? pa[i].value : NULL, order >= 0 ? pb[j].value : NULL);

		if (!drift_same_value(c, change))
			changes = lappend(changes, change);
		i += order <= 0;
		j += order >= 0;
	}

	/* a parent that is part of the identity is no property of its own */
	if (!same_string(a.parent, b.parent) && !(is_within_parent(&a) && is_within_parent(&b)))
		changes = lappend(changes, new_change(&a, &b, &drift_parent_property, string_value(a.parent), string_value(b.parent)));
	return changes;
}
