/*-------------------------------------------------------------------------
 *
 * snapshot_property.c
 *	  Meaning and permitted values of the names and properties of a
 *	  snapshot's objects.
 *
 * There is one table: the kinds, in snapshot_kindlist.h, and the properties of
 * each.  What comes from anywhere but this database's catalogs is held against
 * it before it is kept or compared, so that whoever reads a property finds
 * what sql/snapshot/ puts there, or nothing.  Whoever adds a property there
 * adds it here.  docs/snapshots.md describes the same for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "snapshot/snapshot_property.h"

/*
 * Words that are keywords, or more reserved, only in some of the majors 12 to
 * 19. sql/snapshot/01_statement.sql has the same list.
 */
static const char *const unsteady_keywords[] = {
	"json", "json_array", "json_arrayagg", "json_exists", "json_object",
	"json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table",
	"json_value", "merge_action", "normalize", "system_user"
};

static const char *const form_words[] = {
	[FORM_STRING] = "a string",
	[FORM_BOOL] = "true or false",
	[FORM_NUMBER] = "a number",
	[FORM_INTEGER] = "a whole number",
	[FORM_INTEGERS] = "an array of whole numbers",
	[FORM_STRINGS] = "an array of strings",
	[FORM_HOLES] = "an array of strings and nulls",
	[FORM_STRING_MAP] = "an object of strings",
	[FORM_NUMBER_MAP] = "an object of numbers",
	[FORM_LIST_MAP] = "an object of arrays of strings",
	[FORM_ACL_MAP] = "an object of privileges",
	[FORM_OBJECTS] = "an array of pairs of a kind and an identity",
	[FORM_SEQUENCE] = "an object of the options of a sequence",
};

/* Properties of all kinds */
static const SnapshotProperty common_properties[] = {
	{"owner", FORM_STRING, COMPARE_PLAIN, RISK_SAFE, PROPERTY_ASIDE},
	{"comment", FORM_STRING, COMPARE_PLAIN, RISK_SAFE, PROPERTY_ASIDE},
	{"extension", FORM_STRING, COMPARE_PLAIN, RISK_SAFE, PROPERTY_ASIDE},
	{"partition_of", FORM_STRING, COMPARE_OBJECT},
	{"unknown", FORM_STRING, COMPARE_IGNORE},
	{"acl", FORM_LIST_MAP, COMPARE_PLAIN, RISK_SAFE, PROPERTY_ASIDE},
	{"grantors", FORM_STRINGS, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
	{"automatic_name", FORM_BOOL, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
	{"depends", FORM_OBJECTS, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
};

static const SnapshotProperty table_properties[] = {
	{"type", FORM_STRING, COMPARE_PLAIN, RISK_TABLE, PROPERTY_REQUIRED},
	{"persistence", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"partition_key", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"partition_bound", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"of_type", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"replica_identity", FORM_STRING},
	{"access_method", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"tablespace", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"server", FORM_STRING},
	{"inherits", FORM_STRINGS, COMPARE_OBJECT, RISK_BLOCKING},
	{"options", FORM_STRINGS},
	{"toast_options", FORM_STRINGS},
	{"server_options", FORM_STRINGS},
	{"partition_detached", FORM_BOOL, COMPARE_PLAIN, RISK_BLOCKING},
	{"row_security", FORM_BOOL},
	{"force_row_security", FORM_BOOL},
	{"partition_of", FORM_STRING, COMPARE_OBJECT, RISK_BLOCKING},
	{"dropped_columns", FORM_INTEGERS, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
};

static const SnapshotProperty column_properties[] = {
	{"type", FORM_STRING, COMPARE_OBJECT, RISK_TYPE, PROPERTY_REQUIRED},
	{"position", FORM_INTEGER, COMPARE_COSMETIC, RISK_OF_KIND, PROPERTY_ASIDE},
	{"number", FORM_INTEGER, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
	{"not_null", FORM_BOOL, COMPARE_PLAIN, RISK_NOT_NULL},
	{"collation", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"default", FORM_STRING, COMPARE_DEFAULT, RISK_OF_KIND, PROPERTY_NULLABLE},
	{"generated", FORM_STRING, COMPARE_EXPRESSION, RISK_GENERATED},
	{"generated_kind", FORM_STRING, COMPARE_PLAIN, RISK_GENERATED},
	{"identity", FORM_STRING, COMPARE_PLAIN, RISK_IDENTITY},
	{"storage", FORM_STRING},
	{"compression", FORM_STRING},
	{"inherited", FORM_STRING},
	{"not_null_name", FORM_STRING, COMPARE_COSMETIC},
	{"not_null_comment", FORM_STRING},
	{"identity_sequence", FORM_SEQUENCE, COMPARE_SEQUENCE},
	{"statistics", FORM_INTEGER},
	{"options", FORM_STRINGS},
	{"server_options", FORM_STRINGS},
	{"not_null_validated", FORM_BOOL},
	{"not_null_no_inherit", FORM_BOOL, COMPARE_PLAIN, RISK_BLOCKING},
};

/* Members of the property identity_sequence */
static const SnapshotProperty identity_sequence_properties[] = {
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
	{"last_value", FORM_NUMBER, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_NULLABLE},
};

/* Members of the environment of a snapshot's database */
static const SnapshotProperty environment_properties[] = {
	{"system_identifier", FORM_STRING},
	{"timeline", FORM_NUMBER},
	{"lsn", FORM_STRING},
	{"database_oid", FORM_NUMBER},
	{"encoding", FORM_STRING},
	{"locale_provider", FORM_STRING},
	{"collate", FORM_STRING},
	{"ctype", FORM_STRING},
	{"locale", FORM_STRING},
	{"icu_rules", FORM_STRING},
	{"tablespace", FORM_STRING},
	{"sequence_values", FORM_BOOL},
	{"roles", FORM_STRINGS},
	{"tablespaces", FORM_STRINGS},
	{"collations", FORM_STRINGS},
};

static const SnapshotProperty constraint_properties[] = {
	{"type", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED | PROPERTY_CORE},
	{"columns", FORM_STRINGS, COMPARE_COLUMNS, RISK_OF_KIND, PROPERTY_NULLABLE | PROPERTY_CORE},
	{"references", FORM_STRING, COMPARE_OBJECT, RISK_OF_KIND, PROPERTY_CORE},
	{"match", FORM_STRING},
	{"on_update", FORM_STRING},
	{"on_delete", FORM_STRING},
	{"inherited", FORM_STRING, COMPARE_PLAIN, RISK_SAFE},
	{"triggers", FORM_STRING, COMPARE_PLAIN, RISK_SAFE},
	{"index_name", FORM_STRING, COMPARE_COSMETIC, RISK_SAFE},
	{"index_comment", FORM_STRING, COMPARE_PLAIN, RISK_SAFE},
	{"access_method", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_CORE},
	{"tablespace", FORM_STRING},
	{"referenced_columns", FORM_STRINGS, COMPARE_REFERENCED, RISK_OF_KIND, PROPERTY_CORE},
	{"on_delete_columns", FORM_STRINGS, COMPARE_COLUMNS},
	{"include", FORM_STRINGS, COMPARE_COLUMNS},
	{"operators", FORM_STRINGS, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_CORE},
	{"options", FORM_STRINGS, COMPARE_PLAIN, RISK_SAFE},
	{"deferrable", FORM_BOOL, COMPARE_PLAIN, RISK_TIMING},
	{"deferred", FORM_BOOL, COMPARE_PLAIN, RISK_TIMING},
	{"validated", FORM_BOOL, COMPARE_PLAIN, RISK_SAFE},
	{"enforced", FORM_BOOL},
	{"no_inherit", FORM_BOOL},
	{"period", FORM_BOOL},
	{"nulls_not_distinct", FORM_BOOL},
	{"valid", FORM_BOOL},
	{"clustered", FORM_BOOL, COMPARE_PLAIN, RISK_SAFE},
	{"replica_identity", FORM_BOOL, COMPARE_PLAIN, RISK_SAFE},
	{"expression", FORM_STRING, COMPARE_EXPRESSION, RISK_OF_KIND, PROPERTY_CORE},
	{"expressions", FORM_HOLES, COMPARE_EXPRESSION, RISK_OF_KIND, PROPERTY_CORE},
	{"predicate", FORM_STRING, COMPARE_EXPRESSION, RISK_OF_KIND, PROPERTY_CORE},
	{"index_columns", FORM_HOLES, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_CORE},
	{"operator_classes", FORM_HOLES},
	{"collations", FORM_HOLES},
	{"ordering", FORM_HOLES},
	{"operator_class_options", FORM_LIST_MAP},
	{"statistics", FORM_NUMBER_MAP, COMPARE_PLAIN, RISK_SAFE},
	{"partition_of", FORM_STRING, COMPARE_CLONE},
};

static const SnapshotProperty index_properties[] = {
	{"access_method", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED | PROPERTY_CORE},
	{"unique", FORM_BOOL, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_CORE},
	{"expressions", FORM_HOLES, COMPARE_EXPRESSION, RISK_OF_KIND, PROPERTY_CORE},
	{"predicate", FORM_STRING, COMPARE_EXPRESSION, RISK_OF_KIND, PROPERTY_CORE},
	{"columns", FORM_HOLES, COMPARE_COLUMNS, RISK_OF_KIND, PROPERTY_CORE},
	{"operator_classes", FORM_HOLES},
	{"collations", FORM_HOLES},
	{"ordering", FORM_HOLES},
	{"include", FORM_STRINGS, COMPARE_COLUMNS},
	{"options", FORM_STRINGS, COMPARE_PLAIN, RISK_SAFE},
	{"nulls_not_distinct", FORM_BOOL},
	{"valid", FORM_BOOL},
	{"clustered", FORM_BOOL, COMPARE_PLAIN, RISK_SAFE},
	{"replica_identity", FORM_BOOL, COMPARE_PLAIN, RISK_SAFE},
	{"tablespace", FORM_STRING},
	{"operator_class_options", FORM_LIST_MAP},
	{"statistics", FORM_NUMBER_MAP, COMPARE_PLAIN, RISK_SAFE},
	{"partition_of", FORM_STRING, COMPARE_CLONE},
};

/* View or materialized view */
static const SnapshotProperty view_properties[] = {
	{"query", FORM_STRING, COMPARE_QUERY, RISK_STORED},
	{"columns", FORM_HOLES, COMPARE_PLAIN, RISK_STORED},
	{"column_defaults", FORM_STRING_MAP, COMPARE_EXPRESSION},
	{"column_comments", FORM_STRING_MAP},
	{"column_storage", FORM_STRING_MAP},
	{"column_compression", FORM_STRING_MAP},
	{"column_acl", FORM_ACL_MAP},
	{"column_statistics", FORM_NUMBER_MAP},
	{"column_options", FORM_LIST_MAP},
	{"options", FORM_STRINGS},
	{"populated", FORM_BOOL, COMPARE_PLAIN, RISK_POPULATED},
	{"access_method", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"tablespace", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
};

static const SnapshotProperty sequence_properties[] = {
	{"type", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"persistence", FORM_STRING},
	{"owned_by", FORM_STRING, COMPARE_OBJECT},
	{"start", FORM_NUMBER},
	{"increment", FORM_NUMBER},
	{"minimum", FORM_NUMBER},
	{"maximum", FORM_NUMBER},
	{"cache", FORM_NUMBER},
	{"cycle", FORM_BOOL},
	{"last_value", FORM_NUMBER, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_NULLABLE | PROPERTY_ASIDE},
};

/* Function, procedure or aggregate */
static const SnapshotProperty routine_properties[] = {
	{"language", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"arguments", FORM_STRING, COMPARE_ARGUMENTS},
	{"returns", FORM_STRING},
	{"volatility", FORM_STRING},
	{"parallel", FORM_STRING},
	{"support", FORM_STRING},
	{"body", FORM_STRING, COMPARE_BODY},
	{"library", FORM_STRING},
	{"sql_body", FORM_STRING, COMPARE_SQL_BODY},
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

static const SnapshotProperty trigger_properties[] = {
	{"function", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"timing", FORM_STRING},
	{"level", FORM_STRING},
	{"arguments", FORM_STRINGS},
	{"old_table", FORM_STRING},
	{"new_table", FORM_STRING},
	{"enabled", FORM_STRING},
	{"from_table", FORM_STRING, COMPARE_OBJECT},
	{"when", FORM_STRING, COMPARE_EXPRESSION},
	{"events", FORM_STRINGS},
	{"update_of", FORM_STRINGS, COMPARE_COLUMNS},
	{"constraint", FORM_BOOL},
	{"deferrable", FORM_BOOL},
	{"deferred", FORM_BOOL},
	{"partition_of", FORM_STRING, COMPARE_CLONE},
};

static const SnapshotProperty event_trigger_properties[] = {
	{"event", FORM_STRING},
	{"function", FORM_STRING},
	{"enabled", FORM_STRING},
	{"tags", FORM_STRINGS},
};

static const SnapshotProperty rule_properties[] = {
	{"event", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"definition", FORM_STRING, COMPARE_QUERY},
	{"enabled", FORM_STRING},
	{"instead", FORM_BOOL},
};

static const SnapshotProperty policy_properties[] = {
	{"command", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"permissive", FORM_BOOL},
	{"roles", FORM_STRINGS},
	{"using", FORM_STRING, COMPARE_EXPRESSION},
	{"check", FORM_STRING, COMPARE_EXPRESSION},
};

static const SnapshotProperty type_properties[] = {
	{"type", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY, PROPERTY_REQUIRED},
	{"labels", FORM_STRINGS, COMPARE_PLAIN, RISK_LABELS},
	{"attributes", FORM_HOLES, COMPARE_PLAIN, RISK_ATTRIBUTES},
	{"attribute_comments", FORM_STRING_MAP},
	{"dropped_attributes", FORM_INTEGERS, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
	{"subtype", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"operator_class", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"collation", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"canonical", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"difference", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"multirange", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, 0, 140000},
	{"input", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"output", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"category", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"alignment", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"storage", FORM_STRING},
	{"default", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"element", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"delimiter", FORM_STRING, COMPARE_PLAIN, RISK_LOSSY},
	{"receive", FORM_STRING},
	{"send", FORM_STRING},
	{"modifier_input", FORM_STRING},
	{"modifier_output", FORM_STRING},
	{"analyze", FORM_STRING},
	{"subscript", FORM_STRING},
	{"length", FORM_INTEGER, COMPARE_PLAIN, RISK_LOSSY},
	{"by_value", FORM_BOOL, COMPARE_PLAIN, RISK_LOSSY},
	{"preferred", FORM_BOOL, COMPARE_PLAIN, RISK_LOSSY},
	{"collatable", FORM_BOOL, COMPARE_PLAIN, RISK_LOSSY},
};

static const SnapshotProperty domain_properties[] = {
	{"type", FORM_STRING, COMPARE_OBJECT, RISK_DOMAIN, PROPERTY_REQUIRED},
	{"not_null", FORM_BOOL, COMPARE_PLAIN, RISK_NOT_NULL},
	{"collation", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"default", FORM_STRING, COMPARE_DEFAULT},
};

static const SnapshotProperty collation_properties[] = {
	{"provider", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"locale", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"lc_collate", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"lc_ctype", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"rules", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"deterministic", FORM_BOOL, COMPARE_PLAIN, RISK_BLOCKING},
};

static const SnapshotProperty operator_properties[] = {
	{"function", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"result", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"commutator", FORM_STRING},
	{"negator", FORM_STRING},
	{"restrict", FORM_STRING},
	{"join", FORM_STRING},
	{"hashes", FORM_BOOL},
	{"merges", FORM_BOOL},
};

static const SnapshotProperty operator_class_properties[] = {
	{"type", FORM_STRING, COMPARE_OBJECT, RISK_BLOCKING},
	{"family", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"storage", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"default", FORM_BOOL, COMPARE_PLAIN, RISK_BLOCKING},
	{"operators", FORM_STRINGS, COMPARE_PLAIN, RISK_BLOCKING, PROPERTY_FORMAT_2},
	{"functions", FORM_STRINGS, COMPARE_PLAIN, RISK_BLOCKING, PROPERTY_FORMAT_2},
};

static const SnapshotProperty operator_family_properties[] = {
	{"operators", FORM_STRINGS},
	{"functions", FORM_STRINGS},
};

static const SnapshotProperty cast_properties[] = {
	{"method", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"context", FORM_STRING},
	{"function", FORM_STRING},
};

static const SnapshotProperty statistics_properties[] = {
	{"kinds", FORM_STRINGS},
	{"columns", FORM_STRINGS, COMPARE_COLUMNS},
	{"expressions", FORM_STRING, COMPARE_EXPRESSION},
	{"target", FORM_INTEGER},
};

static const SnapshotProperty dictionary_properties[] = {
	{"template", FORM_STRING},
	{"options", FORM_STRING},
};

static const SnapshotProperty configuration_properties[] = {
	{"parser", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"mappings", FORM_LIST_MAP},
};

static const SnapshotProperty parser_properties[] = {
	{"start", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"token", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"end", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"headline", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
	{"lextypes", FORM_STRING, COMPARE_PLAIN, RISK_BLOCKING},
};

static const SnapshotProperty template_properties[] = {
	{"init", FORM_STRING},
	{"lexize", FORM_STRING},
};

static const SnapshotProperty conversion_properties[] = {
	{"from", FORM_STRING},
	{"to", FORM_STRING},
	{"function", FORM_STRING},
	{"default", FORM_BOOL},
};

static const SnapshotProperty publication_properties[] = {
	{"all_tables", FORM_BOOL},
	{"all_sequences", FORM_BOOL},
	{"via_root", FORM_BOOL},
	{"publish", FORM_STRINGS},
	{"tables", FORM_STRINGS, COMPARE_OBJECTS},
	{"except", FORM_STRINGS, COMPARE_OBJECTS},
	{"schemas", FORM_STRINGS},
	{"generated_columns", FORM_STRING},
	{"table_columns", FORM_LIST_MAP},
	{"table_filters", FORM_STRING_MAP, COMPARE_EXPRESSION},
};

static const SnapshotProperty subscription_properties[] = {
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

static const SnapshotProperty extension_properties[] = {
	{"version", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"schema", FORM_STRING},
	{"left_out", FORM_STRINGS, COMPARE_IGNORE, RISK_OF_KIND, PROPERTY_ASIDE},
};

static const SnapshotProperty language_properties[] = {
	{"trusted", FORM_BOOL},
	{"handler", FORM_STRING},
	{"inline", FORM_STRING},
	{"validator", FORM_STRING},
};

static const SnapshotProperty transform_properties[] = {
	{"from_sql", FORM_STRING},
	{"to_sql", FORM_STRING},
};

static const SnapshotProperty access_method_properties[] = {
	{"type", FORM_STRING, COMPARE_PLAIN, RISK_OF_KIND, PROPERTY_REQUIRED},
	{"handler", FORM_STRING},
};

static const SnapshotProperty wrapper_properties[] = {
	{"handler", FORM_STRING},
	{"validator", FORM_STRING},
	{"options", FORM_STRINGS},
};

static const SnapshotProperty server_properties[] = {
	{"wrapper", FORM_STRING},
	{"type", FORM_STRING},
	{"version", FORM_STRING},
	{"options", FORM_STRINGS},
};

const SnapshotKindRow snapshot_kinds[] = {
#define SG_KIND(kind, word, place, traits, properties) {word, place, traits, properties, lengthof(properties)},
#include "snapshot/snapshot_kindlist.h"
#undef SG_KIND
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

static int
compare_kind(const void *word, const void *row)
{
	return strcmp(word, ((const SnapshotKindRow *) row)->word);
}

bool
snapshot_kind(const char *word, SnapshotKind *kind)
{
	const SnapshotKindRow *row = bsearch(word, snapshot_kinds, lengthof(snapshot_kinds), sizeof(snapshot_kinds[0]),
										 compare_kind);

	if (row)
		*kind = (SnapshotKind) (row - snapshot_kinds);
	return row != NULL;
}

static const SnapshotProperty *
find_property(const SnapshotProperty *properties, int nproperties, const char *name, int length)
{
	for (int i = 0; i < nproperties; i++)
	{
		if (strncmp(properties[i].name, name, length) == 0 && properties[i].name[length] == '\0')
			return &properties[i];
	}
	return NULL;
}

const SnapshotProperty *
snapshot_property(SnapshotKind kind, const char *name, int length)
{
	const SnapshotKindRow *row = &snapshot_kinds[kind];
	const SnapshotProperty *property = find_property(row->properties, row->nproperties, name, length);

	return property ? property : find_property(common_properties, lengthof(common_properties), name, length);
}

static bool
is_integer(Numeric number)
{
	double		value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));

	return value == floor(value) && fabs(value) <= PG_INT32_MAX;
}

static bool fits(PropertyForm form, const JsonbValue *value);

/*
 * Returns whether a value is an array or an object whose elements or values
 * have that form; with holes, nulls are allowed
 */
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
fits_property(const SnapshotProperty *property, const JsonbValue *value)
{
	return fits(property->form, value) || ((property->flags & PROPERTY_NULLABLE) && value->type == jbvNull);
}

/* Returns whether a value is an object with these members */
static bool
fits_members(JsonbContainer *object, const SnapshotProperty *properties, int nproperties)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	const SnapshotProperty *property = NULL;

	if (!JsonContainerIsObject(object))
		return false;
	it = JsonbIteratorInit(object);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			property = find_property(properties, nproperties, v.val.string.val, v.val.string.len);
			if (property == NULL)
				return false;
		}
		else if (token == WJB_VALUE && !fits_property(property, &v))
			return false;
	}
	return true;
}

/* Returns whether a value is an array of arrays, each of a kind's word and a string */
static bool
fits_objects(const JsonbValue *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!fits_container(value, false, FORM_STRINGS, false))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_ELEM)
	{
		JsonbValue *word;
		SnapshotKind kind;

		if (JsonContainerSize(v.val.binary.data) != 2)
			return false;
		word = getIthJsonbValueFromContainer(v.val.binary.data, 0);
		if (!snapshot_kind(pnstrdup(word->val.string.val, word->val.string.len), &kind))
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
		case FORM_INTEGERS:
			return fits_container(value, false, FORM_INTEGER, false);
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
		case FORM_OBJECTS:
			return fits_objects(value);
		case FORM_SEQUENCE:
			return value->type == jbvBinary &&
				fits_members(value->val.binary.data, identity_sequence_properties, lengthof(identity_sequence_properties));
	}
	return false;
}

/* ---- what an object may be ---- */

static char *
place_problem(const SnapshotKindRow *row, const SnapshotObject *object)
{
	size_t		length = object->parent ? strlen(object->parent) : 0;

	if (object->parent && row->place == PLACE_NOWHERE)
		return psprintf("%s %s must not have a parent", row->word, object->identity);
	if (length == 0 && (row->place == PLACE_WITHIN || row->place == PLACE_BESIDE))
		return psprintf("%s %s must have a parent", row->word, object->identity);
	if (row->place == PLACE_WITHIN &&
		!(strncmp(object->identity, object->parent, length) == 0 &&
		  object->identity[length] == '.' && object->identity[length + 1] != '\0'))
		return psprintf("%s %s is not within its parent %s", row->word, object->identity, object->parent);
	return NULL;
}

static char *
property_problem(const SnapshotObject *object, const JsonbValue *key, const JsonbValue *value)
{
	const char *word = snapshot_kinds[object->kind].word;
	const char *name = key->val.string.val;
	int			length = key->val.string.len;
	const SnapshotProperty *property = snapshot_property(object->kind, name, length);

	if (property == NULL)
		return psprintf("property \"%.*s\" of %s %s is not known", pg_mbcliplen(name, length, NAMEDATALEN), name,
						word, object->identity);
	if (!fits_property(property, value))
		return psprintf("property \"%s\" of %s %s must be %s", property->name, word, object->identity,
						form_words[property->form]);
	return NULL;
}

char *
snapshot_problem(const char *kind, SnapshotObject *object)
{
	const SnapshotKindRow *row;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key,
				value;
	char	   *problem;

	if (!snapshot_kind(kind, &object->kind))
		return psprintf("kind \"%s\" of %s is not known", kind, object->identity);
	row = &snapshot_kinds[object->kind];
	problem = place_problem(row, object);
	if (problem)
		return problem;
	if (!JB_ROOT_IS_OBJECT(object->properties))
		return psprintf("the properties of %s %s must be an object", kind, object->identity);

	it = JsonbIteratorInit(&object->properties->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		problem = property_problem(object, &key, &value);
		if (problem)
			return problem;
	}
	for (int i = 0; i < row->nproperties; i++)
	{
		const char *name = row->properties[i].name;

		if ((row->properties[i].flags & PROPERTY_REQUIRED) &&
			getKeyJsonValueFromContainer(&object->properties->root, name, strlen(name), &value) == NULL)
			return psprintf("property \"%s\" of %s %s is missing", name, kind, object->identity);
	}
	return NULL;
}

char *
snapshot_environment_problem(Jsonb *environment)
{
	return fits_members(&environment->root, environment_properties, lengthof(environment_properties)) ? NULL :
		"the environment of a database must be an object of what is known of it";
}

void
snapshot_properties(SgJson *whole, Jsonb *properties)
{
	sg_json_begin(whole, properties, "properties of an object in a snapshot",
				  "Drop the snapshot, and take or import it anew.");
}
