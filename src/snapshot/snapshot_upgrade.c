/*-------------------------------------------------------------------------
 *
 * snapshot_upgrade.c
 *	  Objects of a snapshot of an older format, as the current one has them.
 *
 * A snapshot keeps what it was made with, and the checksums that go with it;
 * its objects are brought to the current form each time that they are read.
 * Format 1 had no "depends", "number", "dropped_columns" and no members of
 * operator classes: these stay unknown.  The rest was there in another form:
 *
 *		owner, grantors			names of roles, not quoted
 *		arguments (trigger)		bytes as bytea prints them, each ended by a zero
 *		function (operator)		with the types of its arguments
 *		replica_identity		of foreign tables, too, where it says nothing
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

/* Cuts off the arguments of a function: everything from the first parenthesis outside of quotes on */
static char *
without_arguments(char *text)
{
	bool		quoted = false;

	for (char *c = text; *c; c++)
	{
		if (*c == '"')
			quoted = !quoted;
		else if (*c == '(' && !quoted)
		{
			*c = '\0';
			break;
		}
	}
	return text;
}

static void
append_value(StringInfo json, JsonbValue *value)
{
	Jsonb	   *jsonb = JsonbValueToJsonb(value);

	(void) JsonbToCString(json, &jsonb->root, VARSIZE(jsonb));
}

/* Appends an array of strings */
static void
append_strings(StringInfo json, List *strings)
{
	ListCell   *lc;

	appendStringInfoChar(json, '[');
	foreach(lc, strings)
	{
		if (lc != list_head(strings))
			appendStringInfoChar(json, ',');
		escape_json(json, lfirst(lc));
	}
	appendStringInfoChar(json, ']');
}

/* Quotes names of roles; returns false if the value is not an array of strings */
static bool
quote_roles(const JsonbValue *value, List **roles)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;

	*roles = NIL;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && element.type != jbvString)
			return false;
		if (token == WJB_ELEM)
			*roles = lappend(*roles, snapshot_quote(sg_json_scalar(&element)));
	}
	return true;
}

/* Returns the byte at *c in bytea's escape format, and advances *c; -1 if there is none */
static int
escaped_byte(const char **c)
{
	const char *at = *c;

	*c = at + 1;
	if (*at != '\\')
		return (unsigned char) *at;
	if (at[1] == '\\')
	{
		*c = at + 2;
		return '\\';
	}
	for (int i = 1; i <= 3; i++)
	{
		if (at[i] < '0' || at[i] > '7')
			return -1;
	}
	*c = at + 4;
	return ((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')) & 0xFF;
}

/*
 * Decodes the arguments of a trigger to a list of strings; returns false if
 * they are not text in this database's encoding
 */
static bool
decode_arguments(const char *text, List **arguments)
{
	StringInfoData argument;

	*arguments = NIL;
	initStringInfo(&argument);
	while (*text)
	{
		int			byte = escaped_byte(&text);

		if (byte < 0)
			return false;
		if (byte > 0)
			appendStringInfoChar(&argument, (char) byte);
		else
		{
			if (!pg_verifymbstr(argument.data, argument.len, true))
				return false;
			*arguments = lappend(*arguments, pstrdup(argument.data));
			resetStringInfo(&argument);
		}
	}
	return true;
}

static bool
is_foreign_table(const char *kind, Jsonb *properties)
{
	JsonbValue *type = getKeyJsonValueFromContainer(&properties->root, "type", strlen("type"), NULL);

	return strcmp(kind, "table") == 0 && type && type->type == jbvString && strcmp(sg_json_scalar(type), "foreign table") == 0;
}

/*
 * Appends a value in the current format; a value that format 1 could not have
 * is kept, to be refused later
 */
static void
append_upgraded(StringInfo json, const char *kind, const char *key, JsonbValue *value, List *arguments)
{
	List	   *roles;

	if (strcmp(key, "owner") == 0 && value->type == jbvString)
		escape_json(json, snapshot_quote(sg_json_scalar(value)));
	else if (strcmp(key, "grantors") == 0 && quote_roles(value, &roles))
		append_strings(json, roles);
	else if (strcmp(kind, "operator") == 0 && strcmp(key, "function") == 0 && value->type == jbvString)
		escape_json(json, without_arguments(sg_json_scalar(value)));
	else if (arguments != NIL)
		append_strings(json, arguments);
	else
		append_value(json, value);
}

/* Returns the properties of an object of format 1 in the current format */
Jsonb *
snapshot_upgrade(const char *kind, Jsonb *properties)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key,
				value;
	StringInfoData json;

	if (!JB_ROOT_IS_OBJECT(properties))
		return properties;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	it = JsonbIteratorInit(&properties->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		char	   *name;
		List	   *arguments = NIL;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		name = sg_json_scalar(&key);
		if (strcmp(name, "replica_identity") == 0 && is_foreign_table(kind, properties))
			continue;
		if (strcmp(kind, "trigger") == 0 && strcmp(name, "arguments") == 0 && value.type == jbvString &&
			!decode_arguments(sg_json_scalar(&value), &arguments))
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		escape_json(&json, name);
		appendStringInfoChar(&json, ':');
		append_upgraded(&json, kind, name, &value, arguments);
	}
	appendStringInfoChar(&json, '}');

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
