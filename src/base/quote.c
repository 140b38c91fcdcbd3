/*-------------------------------------------------------------------------
 *
 * quote.c
 *	  Names in and out: parsing without truncation, quoting, formatting.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"


void
sg_check_name(const char *name, const char *what)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("%s must not be empty", what),
				 errhint("Give a name of 1 to %d bytes.", NAMEDATALEN - 1)));
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("%s \"%s\" is longer than %d bytes", what, name, NAMEDATALEN - 1),
				 errdetail("PostgreSQL would cut the name, and two long names could meet."),
				 errhint("Give the name as the catalog has it, with at most %d bytes.", NAMEDATALEN - 1)));
}

static void
invalid_table_name(const char *input)
{
	char	   *meant = sg_unquoted_table(input);
	int			length = strlen(input);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_NAME),
			 errmsg("invalid table name: \"%s\"", input),
			 length > 3 && strcmp(input + length - 3, "...") == 0 ?
			 errhint("A listing has cut it: the function whose name ends in _details gives the whole name.") :
			 meant ? errhint("Perhaps you meant table %s.", meant) :
			 strchr(input, ',') ? errhint("A call that takes several tables takes them as an array: %s.", quote_literal_cstr(psprintf("{%s}", input))) :
			 errhint("Write table or schema.table, with double quotes around a part that has capitals or special characters.")));
}

/*
 * Parses a part of a qualified name and moves *p past it.  A quoted part keeps
 * its case and has "" for a quote; other parts are folded to lower case as the
 * scanner does.
 */
static char *
parse_name_part(const char *input, const char **p)
{
	StringInfoData part;
	const char *s = *p;

	initStringInfo(&part);
	while (scanner_isspace(*s))
		s++;

	if (*s == '"')
	{
		for (s++;; s++)
		{
			if (*s == '\0')
				invalid_table_name(input);
			if (*s == '"')
			{
				if (s[1] != '"')
					break;
				s++;
			}
			appendStringInfoChar(&part, *s);
		}
		s++;
	}
	else
	{
		const char *start = s;
		char	   *folded;

		while (*s != '\0' && *s != '.' && *s != '(' && !scanner_isspace(*s))
		{
			bool		initial = IS_HIGHBIT_SET(*s) || *s == '_' ||
				(*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

			if (!initial && (s == start ||
							 !((*s >= '0' && *s <= '9') || *s == '$')))
				invalid_table_name(input);
			s++;
		}
		folded = downcase_identifier(start, s - start, false, false);
		appendStringInfoString(&part, folded);
	}

	if (part.len == 0)
		invalid_table_name(input);
	while (scanner_isspace(*s))
		s++;
	*p = s;

	return part.data;
}

SgTableName
sg_parse_table_name(const char *input)
{
	SgTableName result = {NULL, NULL};
	char	   *database = NULL;
	const char *p = input;

	if (input == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a table name is missing")));
	result.name = parse_name_part(input, &p);
	while (*p == '.' && database == NULL)
	{
		p++;
		database = result.schema;
		result.schema = result.name;
		result.name = parse_name_part(input, &p);
	}
	if (*p != '\0')
		invalid_table_name(input);

	if (database && !sg_same_text(database, get_database_name(MyDatabaseId)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is of another database", input),
				 errhint("Connect to database %s and call it there.", quote_identifier(database))));
	if (result.schema)
		sg_check_name(result.schema, "schema name");
	sg_check_name(result.name, "table name");

	return result;
}

List *
sg_parse_names(const char *input, const char **rest)
{
	List	   *names = NIL;
	const char *p = input;

	for (;;)
	{
		char	   *name = parse_name_part(input, &p);

		sg_check_name(name, "name");
		names = lappend(names, name);
		if (*p != '.')
			break;
		p++;
	}
	*rest = p;

	return names;
}

char *
sg_qualified_name(const char *schema, const char *name)
{
	bool		quote_all = quote_all_identifiers;
	char	   *qualified;

	quote_all_identifiers = false;
	qualified = quote_qualified_identifier(schema, name);
	quote_all_identifiers = quote_all;

	return qualified;
}

Oid
sg_find_table(const SgTableName *name, char **qualified)
{
	Oid			relid;
	const char *schema = name->schema;

	/*
	 * invalidations are processed here, because no lock is taken that would
	 * bring other sessions' commits
	 */
	AcceptInvalidationMessages();
	if (schema)
	{
		Oid			nspid = get_namespace_oid(schema, true);

		relid = OidIsValid(nspid) ? get_relname_relid(name->name, nspid) : InvalidOid;
	}
	else
	{
		relid = RelnameGetRelid(name->name);
		if (OidIsValid(relid))
			schema = get_namespace_name(get_rel_namespace(relid));
		else
		{
			List	   *path = fetch_search_path(false);

			schema = path ? get_namespace_name(linitial_oid(path)) : NULL;
		}
	}

	if (qualified)
		*qualified = sg_qualified_name(schema ? schema : "public", name->name);

	return relid;
}

Oid
sg_find_qualified(const char *qualified)
{
	SgTableName name;

	if (qualified == NULL)
		return InvalidOid;
	name = sg_parse_table_name(qualified);
	return sg_find_table(&name, NULL);
}

char *
sg_relation_name(Oid relid)
{
	char	   *relname = get_rel_name(relid);
	char	   *nspname = relname ? get_namespace_name(get_rel_namespace(relid)) : NULL;

	if (nspname == NULL)
		return pstrdup("(dropped)");

	return sg_qualified_name(nspname, relname);
}

char *
sg_quote_list(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "",
						 quote_identifier((char *) lfirst(lc)));

	return buf.data;
}

char *
sg_names_text(List *names)
{
	return OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(names));
}

List *
sg_names_of_text(const char *text)
{
	const char *begin = text;

	while (scanner_isspace(*begin))
		begin++;
	if (*begin != '{')
		return list_make1(pstrdup(text));
	return sg_text_array_list(OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, text), TEXTOID, -1));
}

char *
sg_names_literal(List *names)
{
	return quote_literal_cstr(sg_names_text(names));
}

int
sg_compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

bool
sg_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
sg_has_name(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (sg_same_text(lfirst(lc), name))
			return true;
	}
	return false;
}

List *
sg_common_names(List *a, List *b)
{
	List	   *common = NIL;
	ListCell   *lc;

	foreach(lc, a)
	{
		if (sg_has_name(b, lfirst(lc)))
			common = lappend(common, lfirst(lc));
	}
	return common;
}

bool
sg_equal_names(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		if (strcmp((char *) lfirst(la), (char *) lfirst(lb)) != 0)
			return false;
	}
	return true;
}

bool
sg_has_names(List *names, List *all)
{
	ListCell   *lc;

	foreach(lc, all)
	{
		if (!sg_has_name(names, lfirst(lc)))
			return false;
	}
	return true;
}

bool
sg_same_names(List *a, List *b)
{
	return list_length(a) == list_length(b) && sg_has_names(b, a);
}

List *
sg_attribute_names(Oid relid, const int16 *attnums, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
	{
		FormData_pg_attribute column;

		names = lappend(names, sg_read_column(relid, attnums[i], &column) ? pstrdup(NameStr(column.attname)) :
						pstrdup("(dropped)"));
	}

	return names;
}

void
sg_append_collation(StringInfo buf, Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a collation");
	form = (Form_pg_collation) GETSTRUCT(tuple);
	appendStringInfo(buf, " COLLATE %s",
					 quote_qualified_identifier(sg_schema_name(form->collnamespace),
												NameStr(form->collname)));
	ReleaseSysCache(tuple);
}

char *
sg_clip(const char *text, int length)
{
	int			size = strlen(text);

	if (size <= length)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, size, length - 3), text);
}
