/*-------------------------------------------------------------------------
 *
 * impact_name.c
 *	  The object that sg_impact() is asked about.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "parser/parse_type.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "impact/impact.h"

/* Kinds of objects that a name can denote */
enum
{
	WANT_TABLE = 1,
	WANT_COLUMN = 2,
	WANT_TYPE = 4,
	WANT_FUNCTION = 8,
	WANT_ANY = 15
};

static const struct
{
	const char *word;
	int			wants;
}			words[] =

{
	{"table", WANT_TABLE},
	{"view", WANT_TABLE},
	{"materialized view", WANT_TABLE},
	{"index", WANT_TABLE},
	{"sequence", WANT_TABLE},
	{"column", WANT_COLUMN},
	{"type", WANT_TYPE},
	{"domain", WANT_TYPE},
	{"function", WANT_FUNCTION},
	{"procedure", WANT_FUNCTION},
	{"aggregate", WANT_FUNCTION},
};

typedef struct Finder
{
	const char *input;
	int			wants;
	ObjectAddress found;
	int			nfound;
	StringInfoData candidates;
} Finder;

static void
add_candidate(Finder *finder, Oid classid, Oid objid, int objsubid, const char *spelling)
{
	ObjectAddressSubSet(finder->found, classid, objid, objsubid);
	if (finder->nfound++ > 0)
		appendStringInfoString(&finder->candidates, ", ");
	appendStringInfo(&finder->candidates, "\"%s\"", spelling);
}

/* Skips a leading word that says the kind of object */
static const char *
skip_word(Finder *finder, const char *input)
{
	while (scanner_isspace(*input))
		input++;
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		length = strlen(words[i].word);

		if (pg_strncasecmp(input, words[i].word, length) == 0 && scanner_isspace(input[length]))
		{
			finder->wants = words[i].wants;
			return input + length;
		}
	}
	return input;
}

static void
find_relation(Finder *finder, const char *schema, const char *name)
{
	SgTableName table = {unconstify(char *, schema), unconstify(char *, name)};
	char	   *qualified;
	Oid			relid = sg_find_table(&table, &qualified);

	if (OidIsValid(relid) && get_rel_relkind(relid) != RELKIND_COMPOSITE_TYPE)
		add_candidate(finder, RelationRelationId, relid, 0, psprintf("table %s", qualified));
}

/* Adds a hint to an error: the same call with a similar name */
static int
hint_near(const char *name)
{
	return errhint(sg_calls("Perhaps you meant %s:\nSELECT * FROM sg_impact(%s);"), name, quote_literal_cstr(name));
}

static void
find_column(Finder *finder, const char *schema, const char *name, const char *column)
{
	SgTableName table = {unconstify(char *, schema), unconstify(char *, name)};
	char	   *qualified;
	Oid			relid = sg_find_table(&table, &qualified);
	AttrNumber	attnum;

	if (!OidIsValid(relid))
		return;
	attnum = get_attnum(relid, column);
	if (attnum > 0)
		add_candidate(finder, RelationRelationId, relid, attnum,
					  psprintf("column %s.%s", qualified, quote_identifier(column)));
	else if (schema)
	{
		char	   *near = sg_nearest_column(relid, column);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", qualified, column),
				 near ? hint_near(psprintf("%s.%s", qualified, quote_identifier(near))) : 0));
	}
}

/* Finds types, without row types of tables, which are found as tables */
static void
find_type(Finder *finder, const char *schema, const char *name)
{
	Oid			oid;

	if (schema)
	{
		Oid			nspid = get_namespace_oid(schema, true);

		oid = OidIsValid(nspid) ?
			GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(nspid)) : InvalidOid;
	}
	else
		oid = TypenameGetTypid(name);

	if (!OidIsValid(oid))
		return;
	if (OidIsValid(get_typ_typrelid(oid)) && get_rel_relkind(get_typ_typrelid(oid)) != RELKIND_COMPOSITE_TYPE)
		return;
	add_candidate(finder, TypeRelationId, oid, 0, psprintf("type %s", format_type_extended(oid, -1, FORMAT_TYPE_FORCE_QUALIFY)));
}

/* Finds functions by name alone */
static void
find_functions(Finder *finder, const char *schema, const char *name)
{
	CatCList   *list;
	Oid			nspid = InvalidOid;

	if (schema)
	{
		nspid = get_namespace_oid(schema, true);
		if (!OidIsValid(nspid))
			return;
	}

	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (OidIsValid(nspid) ? proc->pronamespace == nspid : FunctionIsVisible(proc->oid))
			add_candidate(finder, ProcedureRelationId, proc->oid, 0, format_procedure_qualified(proc->oid));
	}
	ReleaseSysCacheList(list);
}

static void
find_signature(Finder *finder, const char *signature)
{
	const char *arguments = signature;
	List	   *names;

	/* reject names that PostgreSQL would truncate */
	names = sg_parse_names(signature, &arguments);
	if (*arguments != '(' || list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a function: \"%s\"", signature),
				 errhint("Write schema.function(type, ...).")));
	add_candidate(finder, ProcedureRelationId,
				  DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature))), 0, signature);
}

static void
find_by_names(Finder *finder, List *names)
{
	const char *first = linitial(names);
	const char *second = list_length(names) > 1 ? lsecond(names) : NULL;
	const char *schema = second ? first : NULL;
	const char *name = second ? second : first;

	if (list_length(names) == 3)
	{
		if (finder->wants & WANT_COLUMN)
			find_column(finder, first, second, lthird(names));
		return;
	}
	if (finder->wants & WANT_TABLE)
		find_relation(finder, schema, name);
	if (second && (finder->wants & WANT_COLUMN))
		find_column(finder, NULL, first, second);
	if (finder->wants & WANT_TYPE)
		find_type(finder, schema, name);
	if (finder->wants & WANT_FUNCTION)
		find_functions(finder, schema, name);
}

/* Returns the SQLSTATE for a missing object, as specific as the caller's word and name allow */
static int
missing_code(const Finder *finder, List *names)
{
	if (list_length(names) == 3 || finder->wants == WANT_TABLE)
		return ERRCODE_UNDEFINED_TABLE;
	if (finder->wants == WANT_COLUMN)
		return ERRCODE_UNDEFINED_COLUMN;
	return finder->wants == WANT_FUNCTION ? ERRCODE_UNDEFINED_FUNCTION : ERRCODE_UNDEFINED_OBJECT;
}

/*
 * Returns the table with the nearest name, or the nearest column of an existing
 * table, or NULL.  A name without a schema is searched for in the first schema
 * of search_path.
 */
static char *
nearest(List *names)
{
	SgTableName table = {0};
	char	   *qualified;
	char	   *column = NULL;
	Oid			relid;

	if (list_length(names) > 1)
	{
		table.name = linitial(names);
		relid = sg_find_table(&table, &qualified);
		column = OidIsValid(relid) ? sg_nearest_column(relid, llast(names)) : NULL;
	}
	if (column)
		return psprintf("%s.%s", qualified, quote_identifier(column));
	table.name = llast(names);
	if (list_length(names) > 1)
		table.schema = linitial(names);
	(void) sg_find_table(&table, &qualified);
	return sg_nearest_table(qualified);
}

ObjectAddress
impact_find(const char *input)
{
	Finder		finder = {.input = input,.wants = WANT_ANY};
	const char *name = skip_word(&finder, input);
	const char *rest;
	char	   *near = NULL;
	List	   *names;

	if (sg_table_of_oid(name))
		name = sg_table_of_oid(name);
	initStringInfo(&finder.candidates);
	names = sg_parse_names(name, &rest);
	if (*rest == '(' && (finder.wants & WANT_FUNCTION))
	{
		find_signature(&finder, name);
		return finder.found;
	}
	if (*rest != '\0' || list_length(names) > 3)
		near = sg_unquoted_table(input);
	if (*rest != '\0' || list_length(names) > 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of an object: \"%s\"", input),
				 near ? hint_near(near) :
				 errhint("Write schema.table, schema.table.column, schema.type or schema.function(type, ...), with double quotes around a part that has capitals or special characters.")));

	find_by_names(&finder, names);
	if (finder.nfound == 0 && finder.wants == WANT_ANY && list_length(names) <= 2)
		near = nearest(names);
	if (finder.nfound == 0)
		ereport(ERROR,
				(errcode(missing_code(&finder, names)),
				 errmsg("object \"%s\" does not exist", input),
				 near ? hint_near(near) :
				 errhint("Write schema.table, schema.table.column, schema.type or schema.function(type, ...).")));
	if (finder.nfound > 1)
		ereport(ERROR,
				(errcode(finder.found.classId == ProcedureRelationId ? ERRCODE_AMBIGUOUS_FUNCTION : ERRCODE_AMBIGUOUS_ALIAS),
				 errmsg("name \"%s\" is ambiguous", input),
				 errdetail("It could be %s.", finder.candidates.data),
				 errhint("Write one of these.")));

	return finder.found;
}
