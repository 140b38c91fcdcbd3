/*-------------------------------------------------------------------------
 *
 * calls.c
 *	  Calls of our functions in the SQL that we print.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"

/*
 * Returns the quoted schema of the extension and a dot, or an empty text if the
 * extension is not installed
 */
static char *
prefix(void)
{
	Oid			schema = InvalidOid;
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, ExtensionRelationId, ExtensionOidIndexId, Anum_pg_extension_oid,
					 get_extension_oid("schemaguard", true), NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	sg_catalog_end(&scan);
	return OidIsValid(schema) ? psprintf("%s.", quote_identifier(sg_schema_name(schema))) : "";
}

/*
 * Returns whether the text has the unqualified name of a function of the
 * extension and "(" at this place
 */
static bool
is_call(const char *text, const char *at)
{
	const char *end = at;

	if (strncmp(at, "sg_", 3) != 0 || (at > text &&(isalnum((unsigned char) at[-1]) || strchr("_.\"", at[-1]))))
		return false;
	while (islower((unsigned char) *end) || *end == '_')
		end++;
	return *end == '(';
}

char *
sg_call_name(const char *function)
{
	return psprintf("%s%s", prefix(), function);
}

const char *
sg_calls(const char *format)
{
	const char *schema = prefix();
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *at = format; *at; at++)
	{
		/* doubled: the schema's name becomes part of a format */
		for (const char *c = schema; *c && is_call(format, at); c++)
			appendStringInfo(&buf, *c == '%' ? "%%%%" : "%c", *c);
		appendStringInfoChar(&buf, *at);
	}
	return buf.data;
}
