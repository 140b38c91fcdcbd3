/*-------------------------------------------------------------------------
 *
 * snapshot_property.c
 *	  What the names and properties of a snapshot's objects mean, and what
 *	  they may be.
 *
 * There is one table: kinds, and the properties of each with the JSON that
 * they may be.  What comes from anywhere but this database's catalogs is held
 * against it before it is kept or compared, so that whoever reads a property
 * finds what sql/snapshot/ puts there, or nothing.  Whoever adds a property
 * there adds it here.  docs/snapshots.md describes the same for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "snapshot/snapshot.h"

/*
 * Keywords of some of the majors 12 to 19 only, or that became more of a
 * keyword there.  sql/snapshot/01_statement.sql has the same list.
 */
static const char *const unsteady_keywords[] = {
	"json", "json_array", "json_arrayagg", "json_exists", "json_object",
	"json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table",
	"json_value", "merge_action", "normalize", "system_user"
};

/* The JSON that a property may be */
typedef enum PropertyForm
{
	FORM_STRING,
	FORM_BOOL,
	FORM_NUMBER,
	FORM_INTEGER,				/* of 32 bits */
	FORM_STRINGS,				/* an array */
	FORM_HOLES,					/* an array, where null stands for nothing */
	FORM_STRING_MAP,			/* an object, and what its values are */
	FORM_NUMBER_MAP,
	FORM_LIST_MAP,
	FORM_ACL_MAP,
	FORM_SEQUENCE				/* an object of identity_sequence_rules */
} PropertyForm;

static const char *const form_words[] = {
	[FORM_STRING] = "a string",
	[FORM_BOOL] = "true or false",
	[FORM_NUMBER] = "a number",
	[FORM_INTEGER] = "a whole number",
	[FORM_STRINGS] = "an array of strings",
	[FORM_HOLES] = "an array of strings and nulls",
	[FORM_STRING_MAP] = "an object of strings",
	[FORM_NUMBER_MAP] = "an object of numbers",
	[FORM_LIST_MAP] = "an object of arrays of strings",
	[FORM_ACL_MAP] = "an object of privileges",
	[FORM_SEQUENCE] = "an object of the options of a sequence",
};

#define PROPERTY_REQUIRED	0x01	/* in every object of the kind, read in
									 * full or not */
#define PROPERTY_NULLABLE	0x02

typedef struct PropertyRule
{
	const char *property;
	PropertyForm form;
	int			flags;
	SnapshotText text;
} PropertyRule;

/* Of any kind */
static const PropertyRule common_rules[] = {
	{"owner", FORM_STRING},
	{"comment", FORM_STRING},
	{"extension", FORM_STRING},
	{"partition_of", FORM_STRING},
	{"unknown", FORM_STRING},
	{"acl", FORM_LIST_MAP},
	{"grantors", FORM_STRINGS},
	{"automatic_name", FORM_BOOL},
};

static const PropertyRule table_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"persistence", FORM_STRING},
	{"partition_key", FORM_STRING},
	{"partition_bound", FORM_STRING},
	{"of_type", FORM_STRING},
	{"replica_identity", FORM_STRING},
	{"access_method", FORM_STRING},
	{"tablespace", FORM_STRING},
	{"server", FORM_STRING},
	{"inherits", FORM_STRINGS},
	{"options", FORM_STRINGS},
	{"toast_options", FORM_STRINGS},
	{"server_options", FORM_STRINGS},
	{"partition_detached", FORM_BOOL},
	{"row_security", FORM_BOOL},
	{"force_row_security", FORM_BOOL},
};

static const PropertyRule column_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"position", FORM_INTEGER},
	{"not_null", FORM_BOOL},
	{"collation", FORM_STRING},
	{"default", FORM_STRING, PROPERTY_NULLABLE, SNAPSHOT_EXPRESSION},
	{"generated", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"generated_kind", FORM_STRING},
	{"identity", FORM_STRING},
	{"storage", FORM_STRING},
	{"compression", FORM_STRING},
	{"inherited", FORM_STRING},
	{"not_null_name", FORM_STRING},
	{"not_null_comment", FORM_STRING},
	{"identity_sequence", FORM_SEQUENCE},
	{"statistics", FORM_INTEGER},
	{"options", FORM_STRINGS},
	{"server_options", FORM_STRINGS},
	{"not_null_validated", FORM_BOOL},
	{"not_null_no_inherit", FORM_BOOL},
};

/* Members of that property */
static const PropertyRule identity_sequence_rules[] = {
	{"type", FORM_STRING},
	{"name", FORM_STRING},
	{"comment", FORM_STRING},
	{"persistence", FORM_STRING},
	{"start", FORM_NUMBER},
	{"increment", FORM_NUMBER},
	{"minimum", FORM_NUMBER},
	{"maximum", FORM_NUMBER},
	{"cache", FORM_NUMBER},
	{"cycle", FORM_BOOL},
	{"acl", FORM_LIST_MAP},
};

static const PropertyRule constraint_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"columns", FORM_STRINGS, PROPERTY_NULLABLE},
	{"references", FORM_STRING},
	{"match", FORM_STRING},
	{"on_update", FORM_STRING},
	{"on_delete", FORM_STRING},
	{"inherited", FORM_STRING},
	{"triggers", FORM_STRING},
	{"index_name", FORM_STRING},
	{"index_comment", FORM_STRING},
	{"access_method", FORM_STRING},
	{"tablespace", FORM_STRING},
	{"referenced_columns", FORM_STRINGS},
	{"on_delete_columns", FORM_STRINGS},
	{"include", FORM_STRINGS},
	{"operators", FORM_STRINGS},
	{"options", FORM_STRINGS},
	{"deferrable", FORM_BOOL},
	{"deferred", FORM_BOOL},
	{"validated", FORM_BOOL},
	{"enforced", FORM_BOOL},
	{"no_inherit", FORM_BOOL},
	{"period", FORM_BOOL},
	{"nulls_not_distinct", FORM_BOOL},
	{"valid", FORM_BOOL},
	{"clustered", FORM_BOOL},
	{"replica_identity", FORM_BOOL},
	{"expression", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"expressions", FORM_HOLES, 0, SNAPSHOT_EXPRESSION},
	{"predicate", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"index_columns", FORM_HOLES},
	{"operator_classes", FORM_HOLES},
	{"collations", FORM_HOLES},
	{"ordering", FORM_HOLES},
	{"operator_class_options", FORM_LIST_MAP},
	{"statistics", FORM_NUMBER_MAP},
};

static const PropertyRule index_rules[] = {
	{"access_method", FORM_STRING, PROPERTY_REQUIRED},
	{"unique", FORM_BOOL},
	{"expressions", FORM_HOLES, 0, SNAPSHOT_EXPRESSION},
	{"predicate", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"columns", FORM_HOLES},
	{"operator_classes", FORM_HOLES},
	{"collations", FORM_HOLES},
	{"ordering", FORM_HOLES},
	{"include", FORM_STRINGS},
	{"options", FORM_STRINGS},
	{"nulls_not_distinct", FORM_BOOL},
	{"valid", FORM_BOOL},
	{"clustered", FORM_BOOL},
	{"replica_identity", FORM_BOOL},
	{"tablespace", FORM_STRING},
	{"operator_class_options", FORM_LIST_MAP},
	{"statistics", FORM_NUMBER_MAP},
};

/* A view or a materialized one */
static const PropertyRule view_rules[] = {
	{"query", FORM_STRING, 0, SNAPSHOT_QUERY},
	{"columns", FORM_HOLES},
	{"column_defaults", FORM_STRING_MAP, 0, SNAPSHOT_EXPRESSION},
	{"column_comments", FORM_STRING_MAP},
	{"column_storage", FORM_STRING_MAP},
	{"column_compression", FORM_STRING_MAP},
	{"column_acl", FORM_ACL_MAP},
	{"column_statistics", FORM_NUMBER_MAP},
	{"column_options", FORM_LIST_MAP},
	{"options", FORM_STRINGS},
	{"populated", FORM_BOOL},
	{"access_method", FORM_STRING},
	{"tablespace", FORM_STRING},
};

static const PropertyRule sequence_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"persistence", FORM_STRING},
	{"owned_by", FORM_STRING},
	{"start", FORM_NUMBER},
	{"increment", FORM_NUMBER},
	{"minimum", FORM_NUMBER},
	{"maximum", FORM_NUMBER},
	{"cache", FORM_NUMBER},
	{"cycle", FORM_BOOL},
};

/* A function, a procedure or an aggregate */
static const PropertyRule routine_rules[] = {
	{"language", FORM_STRING, PROPERTY_REQUIRED},
	{"arguments", FORM_STRING},
	{"returns", FORM_STRING},
	{"volatility", FORM_STRING},
	{"parallel", FORM_STRING},
	{"support", FORM_STRING},
	{"body", FORM_STRING},
	{"library", FORM_STRING},
	{"sql_body", FORM_STRING, 0, SNAPSHOT_STATEMENT},
	{"strict", FORM_BOOL},
	{"security_definer", FORM_BOOL},
	{"leakproof", FORM_BOOL},
	{"window", FORM_BOOL},
	{"cost", FORM_NUMBER},
	{"rows", FORM_NUMBER},
	{"configuration", FORM_STRINGS},
	{"transforms", FORM_STRINGS},
	{"aggregate_kind", FORM_STRING},
	{"state_function", FORM_STRING},
	{"state_type", FORM_STRING},
	{"initial_value", FORM_STRING},
	{"final_function", FORM_STRING},
	{"final_modify", FORM_STRING},
	{"combine_function", FORM_STRING},
	{"serial_function", FORM_STRING},
	{"deserial_function", FORM_STRING},
	{"moving_state_function", FORM_STRING},
	{"moving_inverse_function", FORM_STRING},
	{"moving_final_function", FORM_STRING},
	{"moving_state_type", FORM_STRING},
	{"moving_initial_value", FORM_STRING},
	{"moving_final_modify", FORM_STRING},
	{"sort_operator", FORM_STRING},
	{"final_extra", FORM_BOOL},
	{"moving_final_extra", FORM_BOOL},
	{"state_size", FORM_NUMBER},
	{"moving_state_size", FORM_NUMBER},
};

static const PropertyRule trigger_rules[] = {
	{"function", FORM_STRING, PROPERTY_REQUIRED},
	{"timing", FORM_STRING},
	{"level", FORM_STRING},
	{"arguments", FORM_STRING},
	{"old_table", FORM_STRING},
	{"new_table", FORM_STRING},
	{"enabled", FORM_STRING},
	{"from_table", FORM_STRING},
	{"when", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"events", FORM_STRINGS},
	{"update_of", FORM_STRINGS},
	{"constraint", FORM_BOOL},
	{"deferrable", FORM_BOOL},
	{"deferred", FORM_BOOL},
};

static const PropertyRule event_trigger_rules[] = {
	{"event", FORM_STRING},
	{"function", FORM_STRING},
	{"enabled", FORM_STRING},
	{"tags", FORM_STRINGS},
};

static const PropertyRule rule_rules[] = {
	{"event", FORM_STRING, PROPERTY_REQUIRED},
	{"definition", FORM_STRING, 0, SNAPSHOT_STATEMENT},
	{"enabled", FORM_STRING},
	{"instead", FORM_BOOL},
};

static const PropertyRule policy_rules[] = {
	{"command", FORM_STRING, PROPERTY_REQUIRED},
	{"permissive", FORM_BOOL},
	{"roles", FORM_STRINGS},
	{"using", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"check", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
};

static const PropertyRule type_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"labels", FORM_STRINGS},
	{"attributes", FORM_HOLES},
	{"attribute_comments", FORM_STRING_MAP},
	{"subtype", FORM_STRING},
	{"operator_class", FORM_STRING},
	{"collation", FORM_STRING},
	{"canonical", FORM_STRING},
	{"difference", FORM_STRING},
	{"multirange", FORM_STRING},
	{"input", FORM_STRING},
	{"output", FORM_STRING},
	{"category", FORM_STRING},
	{"alignment", FORM_STRING},
	{"storage", FORM_STRING},
	{"default", FORM_STRING},
	{"element", FORM_STRING},
	{"delimiter", FORM_STRING},
	{"receive", FORM_STRING},
	{"send", FORM_STRING},
	{"modifier_input", FORM_STRING},
	{"modifier_output", FORM_STRING},
	{"analyze", FORM_STRING},
	{"subscript", FORM_STRING},
	{"length", FORM_INTEGER},
	{"by_value", FORM_BOOL},
	{"preferred", FORM_BOOL},
	{"collatable", FORM_BOOL},
};

static const PropertyRule domain_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"not_null", FORM_BOOL},
	{"collation", FORM_STRING},
	{"default", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
};

static const PropertyRule collation_rules[] = {
	{"provider", FORM_STRING},
	{"locale", FORM_STRING},
	{"lc_collate", FORM_STRING},
	{"lc_ctype", FORM_STRING},
	{"rules", FORM_STRING},
	{"deterministic", FORM_BOOL},
};

static const PropertyRule operator_rules[] = {
	{"function", FORM_STRING},
	{"result", FORM_STRING},
	{"commutator", FORM_STRING},
	{"negator", FORM_STRING},
	{"restrict", FORM_STRING},
	{"join", FORM_STRING},
	{"hashes", FORM_BOOL},
	{"merges", FORM_BOOL},
};

static const PropertyRule operator_class_rules[] = {
	{"type", FORM_STRING},
	{"family", FORM_STRING},
	{"storage", FORM_STRING},
	{"default", FORM_BOOL},
};

static const PropertyRule operator_family_rules[] = {
	{"operators", FORM_STRINGS},
	{"functions", FORM_STRINGS},
};

static const PropertyRule cast_rules[] = {
	{"method", FORM_STRING, PROPERTY_REQUIRED},
	{"context", FORM_STRING},
	{"function", FORM_STRING},
};

static const PropertyRule statistics_rules[] = {
	{"kinds", FORM_STRINGS},
	{"columns", FORM_STRINGS},
	{"expressions", FORM_STRING, 0, SNAPSHOT_EXPRESSION},
	{"target", FORM_INTEGER},
};

static const PropertyRule dictionary_rules[] = {
	{"template", FORM_STRING},
	{"options", FORM_STRING},
};

static const PropertyRule configuration_rules[] = {
	{"parser", FORM_STRING},
	{"mappings", FORM_LIST_MAP},
};

static const PropertyRule parser_rules[] = {
	{"start", FORM_STRING},
	{"token", FORM_STRING},
	{"end", FORM_STRING},
	{"headline", FORM_STRING},
	{"lextypes", FORM_STRING},
};

static const PropertyRule template_rules[] = {
	{"init", FORM_STRING},
	{"lexize", FORM_STRING},
};

static const PropertyRule conversion_rules[] = {
	{"from", FORM_STRING},
	{"to", FORM_STRING},
	{"function", FORM_STRING},
	{"default", FORM_BOOL},
};

static const PropertyRule publication_rules[] = {
	{"all_tables", FORM_BOOL},
	{"all_sequences", FORM_BOOL},
	{"via_root", FORM_BOOL},
	{"publish", FORM_STRINGS},
	{"tables", FORM_STRINGS},
	{"except", FORM_STRINGS},
	{"schemas", FORM_STRINGS},
	{"generated_columns", FORM_STRING},
	{"table_columns", FORM_LIST_MAP},
	{"table_filters", FORM_STRING_MAP, 0, SNAPSHOT_EXPRESSION},
};

static const PropertyRule subscription_rules[] = {
	{"enabled", FORM_BOOL},
	{"binary", FORM_BOOL},
	{"two_phase", FORM_BOOL},
	{"disable_on_error", FORM_BOOL},
	{"password_required", FORM_BOOL},
	{"run_as_owner", FORM_BOOL},
	{"failover", FORM_BOOL},
	{"retain_dead_tuples", FORM_BOOL},
	{"slot", FORM_STRING},
	{"streaming", FORM_STRING},
	{"origin", FORM_STRING},
	{"server", FORM_STRING},
	{"receiver_timeout", FORM_STRING},
	{"publications", FORM_STRINGS},
	{"max_retention", FORM_NUMBER},
};

static const PropertyRule extension_rules[] = {
	{"version", FORM_STRING, PROPERTY_REQUIRED},
	{"schema", FORM_STRING},
};

static const PropertyRule language_rules[] = {
	{"trusted", FORM_BOOL},
	{"handler", FORM_STRING},
	{"inline", FORM_STRING},
	{"validator", FORM_STRING},
};

static const PropertyRule transform_rules[] = {
	{"from_sql", FORM_STRING},
	{"to_sql", FORM_STRING},
};

static const PropertyRule access_method_rules[] = {
	{"type", FORM_STRING, PROPERTY_REQUIRED},
	{"handler", FORM_STRING},
};

static const PropertyRule wrapper_rules[] = {
	{"handler", FORM_STRING},
	{"validator", FORM_STRING},
	{"options", FORM_STRINGS},
};

static const PropertyRule server_rules[] = {
	{"wrapper", FORM_STRING},
	{"type", FORM_STRING},
	{"version", FORM_STRING},
	{"options", FORM_STRINGS},
};

/* Where objects of a kind are */
typedef enum KindPlace
{
	PLACE_NOWHERE,				/* without a parent */
	PLACE_WITHIN,				/* the identity is the parent's, a dot, and a
								 * name */
	PLACE_BESIDE,				/* the parent is another object's */
	PLACE_ANYWHERE				/* there may be a parent */
} KindPlace;

typedef struct KindRules
{
	const char *kind;
	KindPlace	place;
	const PropertyRule *rules;
	int			nrules;
} KindRules;

#define RULES(rules) rules, lengthof(rules)

static const KindRules kinds[] = {
	{"access method", PLACE_NOWHERE, RULES(access_method_rules)},
	{"aggregate", PLACE_WITHIN, RULES(routine_rules)},
	{"cast", PLACE_NOWHERE, RULES(cast_rules)},
	{"collation", PLACE_WITHIN, RULES(collation_rules)},
	{"column", PLACE_WITHIN, RULES(column_rules)},
	{"constraint", PLACE_WITHIN, RULES(constraint_rules)},
	{"conversion", PLACE_WITHIN, RULES(conversion_rules)},
	{"default privilege", PLACE_ANYWHERE},
	{"domain", PLACE_WITHIN, RULES(domain_rules)},
	{"event trigger", PLACE_NOWHERE, RULES(event_trigger_rules)},
	{"extension", PLACE_NOWHERE, RULES(extension_rules)},
	{"foreign data wrapper", PLACE_NOWHERE, RULES(wrapper_rules)},
	{"foreign server", PLACE_NOWHERE, RULES(server_rules)},
	{"function", PLACE_WITHIN, RULES(routine_rules)},
	{"index", PLACE_BESIDE, RULES(index_rules)},
	{"language", PLACE_NOWHERE, RULES(language_rules)},
	{"materialized view", PLACE_WITHIN, RULES(view_rules)},
	{"operator", PLACE_WITHIN, RULES(operator_rules)},
	{"operator class", PLACE_WITHIN, RULES(operator_class_rules)},
	{"operator family", PLACE_WITHIN, RULES(operator_family_rules)},
	{"policy", PLACE_WITHIN, RULES(policy_rules)},
	{"procedure", PLACE_WITHIN, RULES(routine_rules)},
	{"publication", PLACE_NOWHERE, RULES(publication_rules)},
	{"rule", PLACE_WITHIN, RULES(rule_rules)},
	{"schema", PLACE_NOWHERE},
	{"sequence", PLACE_WITHIN, RULES(sequence_rules)},
	{"statistics", PLACE_BESIDE, RULES(statistics_rules)},
	{"subscription", PLACE_NOWHERE, RULES(subscription_rules)},
	{"table", PLACE_WITHIN, RULES(table_rules)},
	{"text search configuration", PLACE_WITHIN, RULES(configuration_rules)},
	{"text search dictionary", PLACE_WITHIN, RULES(dictionary_rules)},
	{"text search parser", PLACE_WITHIN, RULES(parser_rules)},
	{"text search template", PLACE_WITHIN, RULES(template_rules)},
	{"transform", PLACE_NOWHERE, RULES(transform_rules)},
	{"trigger", PLACE_WITHIN, RULES(trigger_rules)},
	{"type", PLACE_WITHIN, RULES(type_rules)},
	{"user mapping", PLACE_WITHIN},
	{"view", PLACE_WITHIN, RULES(view_rules)},
};

char *
snapshot_quote(const char *name)
{
	bool		quote_all = quote_all_identifiers;
	char	   *quoted;

	for (int i = 0; i < lengthof(unsteady_keywords); i++)
	{
		if (strcmp(name, unsteady_keywords[i]) == 0)
			return psprintf("\"%s\"", name);
	}

	quote_all_identifiers = false;
	quoted = pstrdup(quote_identifier(name));
	quote_all_identifiers = quote_all;

	return quoted;
}

/* ---- what a property may be ---- */

static const KindRules *
find_kind(const char *kind)
{
	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	}
	return NULL;
}

static const PropertyRule *
find_rule(const PropertyRule *rules, int nrules, const char *property, int length)
{
	for (int i = 0; i < nrules; i++)
	{
		if (strncmp(rules[i].property, property, length) == 0 && rules[i].property[length] == '\0')
			return &rules[i];
	}
	return NULL;
}

SnapshotText
snapshot_property_text(const char *kind, const char *property)
{
	const KindRules *found = find_kind(kind);
	const PropertyRule *rule = found ? find_rule(found->rules, found->nrules, property, strlen(property)) : NULL;

	return rule ? rule->text : SNAPSHOT_PLAIN;
}

static bool
is_integer(Numeric number)
{
	double		value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));

	return value == floor(value) && fabs(value) <= PG_INT32_MAX;
}

static bool fits(PropertyForm form, const JsonbValue *value);

/* Is it an array or an object, with elements or values of that form, or also nulls? */
static bool
fits_container(const JsonbValue *value, bool object, PropertyForm form, bool holes)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (value->type != jbvBinary || JsonContainerIsScalar(value->val.binary.data) ||
		(object ? !JsonContainerIsObject(value->val.binary.data) : !JsonContainerIsArray(value->val.binary.data)))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) && !(holes && v.type == jbvNull) && !fits(form, &v))
			return false;
	}
	return true;
}

static bool
fits_sequence(const JsonbValue *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	const PropertyRule *rule = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			rule = find_rule(RULES(identity_sequence_rules), v.val.string.val, v.val.string.len);
			if (rule == NULL)
				return false;
		}
		else if (token == WJB_VALUE && !fits(rule->form, &v))
			return false;
	}
	return true;
}

static bool
fits(PropertyForm form, const JsonbValue *value)
{
	switch (form)
	{
		case FORM_STRING:
			return value->type == jbvString;
		case FORM_BOOL:
			return value->type == jbvBool;
		case FORM_NUMBER:
			return value->type == jbvNumeric;
		case FORM_INTEGER:
			return value->type == jbvNumeric && is_integer(value->val.numeric);
		case FORM_STRINGS:
			return fits_container(value, false, FORM_STRING, false);
		case FORM_HOLES:
			return fits_container(value, false, FORM_STRING, true);
		case FORM_STRING_MAP:
			return fits_container(value, true, FORM_STRING, false);
		case FORM_NUMBER_MAP:
			return fits_container(value, true, FORM_NUMBER, false);
		case FORM_LIST_MAP:
			return fits_container(value, true, FORM_STRINGS, false);
		case FORM_ACL_MAP:
			return fits_container(value, true, FORM_LIST_MAP, false);
		case FORM_SEQUENCE:
			return fits_sequence(value);
	}
	return false;
}

/* ---- what an object may be ---- */

static char *
place_problem(const KindRules *kind, const SnapshotObject *object)
{
	size_t		length = object->parent ? strlen(object->parent) : 0;

	if (object->parent && kind->place == PLACE_NOWHERE)
		return psprintf("%s %s must not have a parent", object->kind, object->identity);
	if (length == 0 && (kind->place == PLACE_WITHIN || kind->place == PLACE_BESIDE))
		return psprintf("%s %s must have a parent", object->kind, object->identity);
	if (kind->place == PLACE_WITHIN &&
		!(strncmp(object->identity, object->parent, length) == 0 &&
		  object->identity[length] == '.' && object->identity[length + 1] != '\0'))
		return psprintf("%s %s is not within its parent %s", object->kind, object->identity, object->parent);
	return NULL;
}

static char *
property_problem(const KindRules *kind, const SnapshotObject *object, const JsonbValue *key, const JsonbValue *value)
{
	const char *name = key->val.string.val;
	int			length = key->val.string.len;
	const PropertyRule *rule = find_rule(kind->rules, kind->nrules, name, length);

	if (rule == NULL)
		rule = find_rule(RULES(common_rules), name, length);
	if (rule == NULL)
		return psprintf("property \"%.*s\" of %s %s is not known", pg_mbcliplen(name, length, NAMEDATALEN), name,
						object->kind, object->identity);
	if (!fits(rule->form, value) && !((rule->flags & PROPERTY_NULLABLE) && value->type == jbvNull))
		return psprintf("property \"%s\" of %s %s must be %s", rule->property, object->kind, object->identity,
						form_words[rule->form]);
	return NULL;
}

char *
snapshot_problem(const SnapshotObject *object)
{
	const KindRules *kind = find_kind(object->kind);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key,
				value;
	char	   *problem;

	if (kind == NULL)
		return psprintf("kind \"%s\" of %s is not known", object->kind, object->identity);
	problem = place_problem(kind, object);
	if (problem)
		return problem;
	if (!JB_ROOT_IS_OBJECT(object->properties))
		return psprintf("the properties of %s %s must be an object", object->kind, object->identity);

	it = JsonbIteratorInit(&object->properties->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		problem = property_problem(kind, object, &key, &value);
		if (problem)
			return problem;
	}
	for (int i = 0; i < kind->nrules; i++)
	{
		const char *name = kind->rules[i].property;

		if ((kind->rules[i].flags & PROPERTY_REQUIRED) &&
			getKeyJsonValueFromContainer(&object->properties->root, name, strlen(name), &value) == NULL)
			return psprintf("property \"%s\" of %s %s is missing", name, object->kind, object->identity);
	}
	return NULL;
}
