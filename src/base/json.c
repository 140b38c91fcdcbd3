/*-------------------------------------------------------------------------
 *
 * json.c
 *	  The reader of JSON documents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/json.h"
#include "base/quote.h"

#define SHOWN_NAME_BYTES 100	/* bytes of one name in a path */
#define SHOWN_BYTES 1000		/* bytes of a whole detail */
#define WHOLE_DIGITS 18			/* any number with so many digits fits an
								 * int64 */

/* ---- errors ---- */

static void
append_path(StringInfo buf, const SgJson *json)
{
	if (json->above == NULL)
		return;
	append_path(buf, json->above);
	if (json->name == NULL)
		appendStringInfo(buf, "[%u]", json->index);
	else
		appendStringInfo(buf, "%s%s", buf->len > 0 ? "." : "", sg_clip(json->name, SHOWN_NAME_BYTES));
}

void
sg_json_refuse(const SgJson *json, const char *format,...)
{
	StringInfoData detail;
	const SgJson *whole = json;

	initStringInfo(&detail);
	append_path(&detail, json);
	if (detail.len == 0)
		appendStringInfoString(&detail, "The document");
	appendStringInfoChar(&detail, ' ');
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&detail, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&detail, needed);
	}
	while (whole->above)
		whole = whole->above;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s", whole->name),
			 errdetail("%s.", sg_clip(detail.data, SHOWN_BYTES)),
			 whole->hint ? errhint("%s", whole->hint) : 0));
}

/* ---- parts ---- */

/* Begins with the whole document; name and hint, which may be NULL, are for errors */
void
sg_json_begin(SgJson *whole, Jsonb *document, const char *name, const char *hint)
{
	memset(whole, 0, sizeof(SgJson));
	whole->name = name;
	whole->hint = hint;
	if (JB_ROOT_IS_SCALAR(document))
		(void) JsonbExtractScalar(&document->root, &whole->value);
	else
	{
		whole->value.type = jbvBinary;
		whole->value.val.binary.data = &document->root;
		whole->value.val.binary.len = VARSIZE(document) - VARHDRSZ;
	}
}

static JsonbContainer *
object_container(const SgJson *json)
{
	if (json->value.type != jbvBinary || !JsonContainerIsObject(json->value.val.binary.data))
		sg_json_refuse(json, "must be an object");
	return json->value.val.binary.data;
}

static JsonbContainer *
array_container(const SgJson *json)
{
	if (json->value.type != jbvBinary || !JsonContainerIsArray(json->value.val.binary.data))
		sg_json_refuse(json, "must be an array");
	return json->value.val.binary.data;
}

bool
sg_json_find(const SgJson *object, const char *name, SgJson *member)
{
	memset(member, 0, offsetof(SgJson, value));
	member->above = object;
	member->name = name;
	return getKeyJsonValueFromContainer(object_container(object), name, strlen(name), &member->value) != NULL;
}

bool
sg_json_has(const SgJson *object, const char *name)
{
	SgJson		member;

	return sg_json_find(object, name, &member);
}

void
sg_json_get(const SgJson *object, const char *name, SgJson *member)
{
	if (!sg_json_find(object, name, member))
		sg_json_refuse(member, "is missing");
}

void
sg_json_members(SgJsonMembers *members, const SgJson *object)
{
	JsonbValue	begin;

	members->object = object;
	members->it = JsonbIteratorInit(object_container(object));
	(void) JsonbIteratorNext(&members->it, &begin, true);
}

bool
sg_json_next(SgJsonMembers *members, SgJson *member)
{
	JsonbValue	key;

	if (JsonbIteratorNext(&members->it, &key, true) != WJB_KEY)
		return false;
	memset(member, 0, offsetof(SgJson, value));
	member->above = members->object;
	member->name = pnstrdup(key.val.string.val, key.val.string.len);
	(void) JsonbIteratorNext(&members->it, &member->value, true);
	return true;
}

/* Returns the number of elements of an array */
uint32
sg_json_size(const SgJson *array)
{
	return JsonContainerSize(array_container(array));
}

void
sg_json_element(const SgJson *array, uint32 i, SgJson *element)
{
	JsonbValue *value;

	memset(element, 0, offsetof(SgJson, value));
	element->above = array;
	element->index = i;
	value = getIthJsonbValueFromContainer(array_container(array), i);
	if (value == NULL)
		sg_json_refuse(element, "is missing");
	element->value = *value;
}

/* ---- values ---- */

bool
sg_json_is_null(const SgJson *json)
{
	return json->value.type == jbvNull;
}

char *
sg_json_text(const SgJson *json)
{
	if (json->value.type != jbvString)
		sg_json_refuse(json, "must be a string");
	return pnstrdup(json->value.val.string.val, json->value.val.string.len);
}

bool
sg_json_bool(const SgJson *json)
{
	if (json->value.type != jbvBool)
		sg_json_refuse(json, "must be true or false");
	return json->value.val.boolean;
}

/* Returns a whole number of at most 18 digits between both bounds, inclusive */
int64
sg_json_integer(const SgJson *json, int64 smallest, int64 largest)
{
	char	   *digits;
	bool		is_negative;
	int64		number;

	if (json->value.type != jbvNumeric)
		sg_json_refuse(json, "must be a number");
	digits = numeric_normalize(json->value.val.numeric);
	is_negative = *digits == '-';
	if (strspn(digits + is_negative, "0123456789") != strlen(digits) - is_negative || strlen(digits) > WHOLE_DIGITS)
		sg_json_refuse(json, "must be a whole number, not %s", sg_clip(digits, SHOWN_NAME_BYTES));
	number = strtoll(digits, NULL, 10);
	if (number < smallest)
		sg_json_refuse(json, "must be " INT64_FORMAT " or more, not %s", smallest, digits);
	if (number > largest)
		sg_json_refuse(json, "must be " INT64_FORMAT " at most, not %s", largest, digits);
	return number;
}

/* Returns a number; a number that is too large becomes infinite */
double
sg_json_float8(const SgJson *json)
{
	if (json->value.type != jbvNumeric)
		sg_json_refuse(json, "must be a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(json->value.val.numeric)));
}

List *
sg_json_texts(const SgJson *json)
{
	List	   *texts = NIL;
	uint32		size = sg_json_size(json);

	for (uint32 i = 0; i < size; i++)
	{
		SgJson		element;

		sg_json_element(json, i, &element);
		texts = lappend(texts, sg_json_text(&element));
	}
	return texts;
}

Jsonb *
sg_json_object(const SgJson *json)
{
	(void) object_container(json);
	return JsonbValueToJsonb(unconstify(JsonbValue *, &json->value));
}

char *
sg_json_get_text(const SgJson *object, const char *name)
{
	SgJson		member;

	sg_json_get(object, name, &member);
	return sg_json_text(&member);
}

char *
sg_json_find_text(const SgJson *object, const char *name)
{
	SgJson		member;

	return sg_json_find(object, name, &member) && !sg_json_is_null(&member) ? sg_json_text(&member) : NULL;
}

bool
sg_json_find_bool(const SgJson *object, const char *name, bool absent)
{
	SgJson		member;

	return sg_json_find(object, name, &member) && !sg_json_is_null(&member) ? sg_json_bool(&member) : absent;
}

char *
sg_json_scalar(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvNull:
			return NULL;
		default:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	}
}
