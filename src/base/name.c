/*-------------------------------------------------------------------------
 *
 * name.c
 *	  Names that are made of other names: sg_make_name(), and whether the
 *	  catalog has a name already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/quote.h"

#define NEW_NAME_SUFFIX "_sync_new"

const SgWord sg_name_words[] = {
	{SG_NAME_RELATION, "relation"},
	{SG_NAME_TYPE, "type"},
	{SG_NAME_FUNCTION, "function"},
	{SG_NAME_CONSTRAINT, "constraint"},
	{SG_NAME_TRIGGER, "trigger"},
	{SG_NAME_COLUMN, "column"},
	{0}
};

SG_WORDS_OF(sg_name_words, SG_NAME_COLUMN + 1);

bool
sg_name_is_schemas(SgNameKind kind)
{
	return kind == SG_NAME_RELATION || kind == SG_NAME_TYPE || kind == SG_NAME_FUNCTION;
}

/* A continuation byte of UTF-8 */
#define IS_CONTINUATION(byte) (((unsigned char) (byte) & 0xC0) == 0x80)

int
sg_clip_name(const char *name, int limit)
{
	int			length = strlen(name);

	if (length <= limit)
		return length;
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		return pg_mbcliplen(name, length, limit);
	/* text that is not UTF-8 has no lead byte within three bytes */
	for (int back = 0; back <= 3 && back < limit; back++)
	{
		if (!IS_CONTINUATION(name[limit - back]))
			return limit - back;
	}
	return limit;
}

char *
sg_make_name(const char *first, const char *second, const char *label)
{
	int			room = NAMEDATALEN - 1 - (second ? 1 : 0) - (label ? strlen(label) + 1 : 0);
	int			nfirst = strlen(first);
	int			nsecond = second ? strlen(second) : 0;

	if (room <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("a name of at most %d bytes has no room for the label \"%s\"", NAMEDATALEN - 1, sg_clip(label, NAMEDATALEN))));
	while (nfirst + nsecond > room)
	{
		if (nfirst > nsecond)
			nfirst--;
		else
			nsecond--;
	}
	return psprintf("%.*s%s%.*s%s%s", sg_clip_name(first, nfirst), first, second ? "_" : "",
					second ? sg_clip_name(second, nsecond) : 0, second ? second : "", label ? "_" : "", label ? label : "");
}

char *
sg_make_nth_name(const char *first, const char *second, const char *label, int n)
{
	return sg_make_name(first, second, n == 0 ? label : psprintf("%s%d", label ? label : "", n));
}

char *
sg_new_name(const char *name)
{
	if (strlen(name) + strlen(NEW_NAME_SUFFIX) >= NAMEDATALEN)
		name = TextDatumGetCString(DirectFunctionCall1(md5_text, CStringGetTextDatum(name)));
	return psprintf("%s" NEW_NAME_SUFFIX, name);
}

char *
sg_join_names(List *names)
{
	StringInfoData joined;

	if (names == NIL)
		return NULL;
	initStringInfo(&joined);
	foreach_ptr(const char, name, names)
	{
		appendStringInfo(&joined, "%s%s", joined.len ? "_" : "", name);
	}
	return joined.data;
}

static bool
has_function(Oid schema, const char *name)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; i < list->n_members; i++)
		found |= ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->pronamespace == schema;
	ReleaseSysCacheList(list);
	return found;
}

bool
sg_name_is_used(SgNameKind kind, Oid place, const char *name)
{
	Oid			schema = get_rel_namespace(place);

	switch (kind)
	{
		case SG_NAME_RELATION:
		case SG_NAME_TYPE:
			/* a table has a row type of its name */
			return OidIsValid(get_relname_relid(name, schema)) ||
				SearchSysCacheExists2(TYPENAMENSP, CStringGetDatum(name), ObjectIdGetDatum(schema));
		case SG_NAME_FUNCTION:
			return has_function(schema, name);
		case SG_NAME_CONSTRAINT:
			return ConstraintNameIsUsed(CONSTRAINT_RELATION, place, name);
		case SG_NAME_TRIGGER:
			return OidIsValid(get_trigger_oid(place, name, true));
		case SG_NAME_COLUMN:
			return get_attnum(place, name) != InvalidAttrNumber;
	}
	pg_unreachable();
}
