/*-------------------------------------------------------------------------
 *
 * sync_template.c
 *	  Templates of statements, filled from the properties of an object.
 *
 * sql/sync/ holds the templates.  In one stands
 *
 *	{a.b}			the value of b in a: text, a number, or the elements of an
 *					array, with commas between them
 *	{a|I}			the same as identifiers, each
 *	{a|L}			as literals
 *	{a|U}			in capitals
 *	{a|O}			options name=value as name='value'
 *	{a|R}			the same as the server prints them
 *	{a|F}			as name 'value'
 *	{a|K}			as their names
 *	{a|S}			as statements, with what sync_write.h has between them
 *	{;}				that, between the template's own statements
 *	{?a} {?!a}		nothing: only if a is there, or isn't
 *	{?a=x} {?a!=x}	nothing: only if a is x, or isn't
 *	[ ]				what is left out where a value or condition in it fails
 *
 * null, false, [] and {} are no values, but {?a=false} holds for false.  Where
 * one fails outside of brackets, the template does not apply to the object and
 * gives NULL.  What is filled in is never looked at again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/name.h"
#include "base/scope.h"
#include "base/spi.h"
#include "sync/sync_write.h"

SG_FUNCTION(sg_sync_fill);
SG_FUNCTION(sg_sync_new_name);

/* ---- values ---- */

/* Returns a scalar as text; NULL for null and false */
static char *
scalar_text(const JsonbValue *value)
{
	return value->type == jbvBinary || (value->type == jbvBool && !value->val.boolean) ? NULL : sg_json_scalar(value);
}

/* Finds the value at a path of keys; returns false if there is none */
static bool
find_value(Jsonb *object, const char *path, JsonbValue *value)
{
	JsonbContainer *container = &object->root;

	for (;;)
	{
		const char *dot = strchr(path, '.');
		int			length = dot ? dot - path : strlen(path);

		if (!JsonContainerIsObject(container) ||
			getKeyJsonValueFromContainer(container, path, length, value) == NULL)
			return false;
		if (dot == NULL)
			return true;
		if (value->type != jbvBinary)
			return false;
		container = value->val.binary.data;
		path = dot + 1;
	}
}

/* Returns the texts of a value, one or those of an array; NIL if it counts as no value */
static List *
find_texts(Jsonb *object, const char *path)
{
	JsonbValue	value;
	List	   *texts = NIL;

	if (!find_value(object, path, &value))
		return NIL;
	if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
	{
		for (uint32 i = 0; i < JsonContainerSize(value.val.binary.data); i++)
		{
			char	   *text = scalar_text(getIthJsonbValueFromContainer(value.val.binary.data, i));

			if (text)
				texts = lappend(texts, text);
		}
		return texts;
	}
	if (value.type == jbvBinary)
		return JsonContainerSize(value.val.binary.data) > 0 ?
			list_make1(sg_json_scalar(&value)) : NIL;
	if (scalar_text(&value))
		texts = list_make1(scalar_text(&value));
	return texts;
}

/* Appends name=value, an element of a list of options */
static void
append_option(StringInfo buf, const char *option, char form)
{
	const char *equal = strchr(option, '=');
	char	   *name = equal ? pnstrdup(option, equal - option) : pstrdup(option);

	appendStringInfoString(buf, quote_identifier(name));
	if (form == 'R' && equal && strcmp(quote_identifier(equal + 1), equal + 1) == 0)
		appendStringInfo(buf, "=%s", equal + 1);
	else if (form != 'K')
		appendStringInfo(buf, "%s%s", form == 'F' ? " " : "=", quote_literal_cstr(equal ? equal + 1 : ""));
}

static void
append_text(StringInfo buf, const char *text, char form)
{
	if (strstr(text, SYNC_JOINT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a property of the document holds what stands between statements"),
				 errhint("No catalog has a semicolon, a form feed and a line feed in such a place: see who has written the document.")));
	switch (form)
	{
		case 'I':
			appendStringInfoString(buf, quote_identifier(text));
			break;
		case 'L':
			appendStringInfoString(buf, quote_literal_cstr(text));
			break;
		case 'U':
			appendStringInfoString(buf, asc_toupper(text, strlen(text)));
			break;
		case 'O':
		case 'R':
		case 'F':
		case 'K':
			append_option(buf, text, form);
			break;
		default:
			appendStringInfoString(buf, text);
	}
}

/* ---- templates ---- */

pg_noreturn static void
refuse_template(const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid template: %s", problem)));
}

static bool
holds(Jsonb *object, char *condition)
{
	char	   *equal = strchr(condition, '=');
	JsonbValue	value;
	List	   *texts;
	bool		negated;

	if (equal == NULL)
	{
		negated = *condition == '!';
		return (find_texts(object, condition + negated) != NIL) != negated;
	}
	negated = equal > condition && equal[-1] == '!';
	equal[negated ? -1 : 0] = '\0';
	if (find_value(object, condition, &value) && value.type == jbvBool && !value.val.boolean)
		texts = list_make1("false");
	else
		texts = find_texts(object, condition);
	return (list_length(texts) == 1 && strcmp(linitial(texts), equal + 1) == 0) != negated;
}

/* Fills one {...}, without its braces; returns false if it fails */
static bool
fill_place(StringInfo buf, Jsonb *object, char *place)
{
	char	   *bar = strchr(place, '|');
	List	   *texts;
	ListCell   *lc;

	if (*place == '?')
		return holds(object, place + 1);
	if (strcmp(place, ";") == 0)
	{
		appendStringInfoString(buf, SYNC_JOINT);
		return true;
	}
	if (bar)
		*bar = '\0';
	texts = find_texts(object, place);
	foreach(lc, texts)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, bar && bar[1] == 'S' ? SYNC_JOINT : ", ");
		append_text(buf, lfirst(lc), bar ? bar[1] : '\0');
	}
	return texts != NIL;
}

/*
 * Fills from *p to the end or to the closing bracket; moves *p past it.
 * Returns whether everything succeeded: otherwise the appended text is void.
 */
static bool
fill(StringInfo buf, Jsonb *object, const char **p)
{
	bool		good = true;

	check_stack_depth();
	while (**p && **p != ']')
	{
		const char *end = strpbrk(*p, "{[]");

		if (end == NULL)
			end = *p + strlen(*p);
		appendBinaryStringInfo(buf, *p, end - *p);
		*p = end;
		if (**p == '[')
		{
			int			length = buf->len;

			(*p)++;
			if (!fill(buf, object, p))
			{
				buf->len = length;
				buf->data[length] = '\0';
			}
			if (**p != ']')
				refuse_template("a bracket is not closed");
			(*p)++;
		}
		else if (**p == '{')
		{
			end = strchr(*p, '}');
			if (end == NULL)
				refuse_template("a brace is not closed");
			good = fill_place(buf, object, pnstrdup(*p + 1, end - *p - 1)) && good;
			*p = end + 1;
		}
	}
	return good;
}

/*
 * Returns the template with a quote $tag$ after DO that occurs in no value of
 * the object, because a value could end the quote.
 */
static const char *
quoted_apart(const char *template, Jsonb *object)
{
	const char *begin = strstr(template, "DO $");
	const char *end = begin ? strchr(begin + 4, '$') : NULL;
	char	   *values;
	char	   *quote;
	StringInfoData buf;

	if (end == NULL)
		return template;
	values = JsonbToCString(NULL, &object->root, VARSIZE(object));
	quote = pnstrdup(begin + 3, end - begin - 2);
	if (strstr(values, quote) == NULL)
		return template;
	initStringInfo(&buf);
	for (const char *at = strstr(template, quote); at; at = strstr(template, quote))
	{
		appendBinaryStringInfo(&buf, template, at - template);
		appendStringInfo(&buf, "%.*s_%s$", (int) strlen(quote) - 1, quote, TextDatumGetCString(DirectFunctionCall1(md5_text, CStringGetTextDatum(values))));
		template = at + strlen(quote);
	}
	appendStringInfoString(&buf, template);
	return buf.data;
}

/*
 * schemaguard.sg_sync_fill(template text, object jsonb)
 *
 * Returns the template with the object's values, or null if it does not apply.
 */
static Datum
sg_sync_fill_entered(PG_FUNCTION_ARGS)
{
	const char *template = quoted_apart(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1));
	StringInfoData buf;

	initStringInfo(&buf);
	if (!fill(&buf, PG_GETARG_JSONB_P(1), &template))
		PG_RETURN_NULL();
	if (*template)
		refuse_template("a bracket is not opened");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}

/* ---- single statements ---- */

/*
 * schemaguard.sg_sync_new_name(name text)
 *
 * Returns sg_new_name()
 */
static Datum
sg_sync_new_name_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sg_new_name(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

List *
sync_write(List *lists)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[] = {sg_text_array(lists)};
	List	   *written = NIL;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args("SELECT statements FROM schemaguard.sg_sync_write($1) statements", 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no statements were written");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *statements = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(caller);

		/* NULL: nothing to write */
		written = lappend(written, statements ? pstrdup(statements) : NULL);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return written;
}
