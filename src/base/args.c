/*-------------------------------------------------------------------------
 *
 * args.c
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"

SG_FUNCTION(sg_names_in);
SG_FUNCTION(sg_steps_in);
SG_FUNCTION(sg_table);

#define SCHEMAS_NAMED 20		/* number of schemas that an error lists */

/*
 * Returns the function's name in SQL, with a colon, and the argument's name.  A
 * function sg_..._details goes by the name of its listing, which people call; a
 * function of schema schemaguard, which people do not call, has no name.
 */
static void
argument_name(Oid function, int n, char **proname, char **argument)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid		   *types;
	char	  **names;
	char	   *modes;
	char	   *suffix;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	(void) get_func_arg_info(tuple, &types, &names, &modes);
	*proname = pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname));
	suffix = strstr(*proname, "_details");
	if (suffix)
		*suffix = '\0';
	*proname = ((Form_pg_proc) GETSTRUCT(tuple))->pronamespace == sg_schema_oid() ? "" : psprintf("%s: ", *proname);
	*argument = names[n];
	ReleaseSysCache(tuple);
}

pg_noreturn static void
refuse_null(Oid function, int n)
{
	char	   *proname;
	char	   *argument;

	argument_name(function, n, &proname, &argument);
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%sargument \"%s\" must not be null", proname, argument),
			 errhint("Give a value for \"%s\".", argument)));
}

bool
sg_arg_is_null(FunctionCallInfo fcinfo, int n)
{
	return n >= PG_NARGS() || PG_ARGISNULL(n);
}

void
sg_arg_check(FunctionCallInfo fcinfo, int n)
{
	if (n >= PG_NARGS())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the call lacks an argument that the library knows: the extension's objects are of an older version"),
				 errhint("Update them:\nALTER EXTENSION schemaguard UPDATE;")));
	if (PG_ARGISNULL(n))
		refuse_null(fcinfo->flinfo->fn_oid, n);
}

char *
sg_arg_text(FunctionCallInfo fcinfo, int n)
{
	sg_arg_check(fcinfo, n);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
sg_arg_optional_text(FunctionCallInfo fcinfo, int n)
{
	return sg_arg_is_null(fcinfo, n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static bool
is_oid(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

Oid
sg_table_of_text(const char *name)
{
	SgTableName parsed;
	char	   *qualified;

	if (is_oid(name))
		return DatumGetObjectId(DirectFunctionCall1(oidin, CStringGetDatum(name)));
	parsed = sg_parse_table_name(name);
	return sg_find_table(&parsed, &qualified);
}

char *
sg_table_of_oid(const char *oid)
{
	Oid			relid = oid && is_oid(oid) ? sg_table_of_text(oid) : InvalidOid;
	char	   *name = OidIsValid(relid) ? get_rel_name(relid) : NULL;

	return name ? sg_relation_name(relid) : NULL;
}

/* Raises 42P01, with the nearest table name as a hint */
pg_noreturn static void
no_such_table(const char *name)
{
	SgTableName parsed = sg_parse_table_name(name);
	char	   *qualified;
	char	   *near;

	(void) sg_find_table(&parsed, &qualified);
	near = sg_nearest_table(qualified);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table \"%s\" does not exist", name),
			 parsed.schema == NULL && OidIsValid(get_namespace_oid(parsed.name, true)) ?
			 errhint("It is a schema. Name one of its tables:\nSELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1;",
					 quote_literal_cstr(parsed.name)) :
			 near ? errhint("Perhaps you meant table %s.", near) :
			 errhint("Find the table, and give its name with the schema:\nSELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2;")));
}

/* Raises 42P01 for a missing relation, 42809 for a relation of another kind */
static void
check_table(Oid relid, const char *relkinds)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with OID %u", relid),
				 errhint("Name the table: one that is dropped and made again has another OID.")));
	if (relkinds && strchr(relkinds, relkind) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", sg_relation_name(relid)),
				 errhint("Name an ordinary or a partitioned table%s.", strchr(relkinds, RELKIND_FOREIGN_TABLE) ? ", or a foreign one" : "")));
}

Oid
sg_arg_table(FunctionCallInfo fcinfo, int n, const char *relkinds)
{
	char	   *name;
	Oid			relid;

	sg_arg_check(fcinfo, n);
	/* objects of version 0.1.0 pass a regclass */
	if (get_fn_expr_argtype(fcinfo->flinfo, n) == REGCLASSOID)
	{
		check_table(PG_GETARG_OID(n), relkinds);
		return PG_GETARG_OID(n);
	}
	name = sg_arg_text(fcinfo, n);
	relid = sg_table_of_text(name);
	if (!OidIsValid(relid) && !is_oid(name))
		no_such_table(name);
	check_table(relid, relkinds);
	return relid;
}

/*
 * schemaguard.sg_table(name schemaguard.table_name)
 *
 * Returns the table's qualified name.  Raises 42P01, with the nearest name as a
 * hint, for a missing table.
 */
static Datum
sg_table_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sg_relation_name(sg_arg_table(fcinfo, 0, NULL))));
}

bool
sg_arg_is_given(FunctionCallInfo fcinfo, int n)
{
	Node	   *call = fcinfo->flinfo ? fcinfo->flinfo->fn_expr : NULL;
	Node	   *arg = call && IsA(call, FuncExpr) ? list_nth(((FuncExpr *) call)->args, n) : NULL;

	while (arg && (IsA(arg, RelabelType) || IsA(arg, CoerceViaIO)))
		arg = IsA(arg, RelabelType) ? (Node *) ((RelabelType *) arg)->arg : (Node *) ((CoerceViaIO *) arg)->arg;
	return arg == NULL || IsA(arg, Const) || (IsA(arg, Param) && ((Param *) arg)->paramkind == PARAM_EXTERN);
}

bool
sg_arg_bool(FunctionCallInfo fcinfo, int n)
{
	if (n >= PG_NARGS())
		return false;
	sg_arg_check(fcinfo, n);
	return PG_GETARG_BOOL(n);
}

int64
sg_arg_count(FunctionCallInfo fcinfo, int n, Oid type)
{
	char	   *proname;
	char	   *argument;
	int64		count;

	sg_arg_check(fcinfo, n);
	count = type == INT8OID ? PG_GETARG_INT64(n) : PG_GETARG_INT32(n);
	if (count >= 0)
		return count;
	argument_name(fcinfo->flinfo->fn_oid, n, &proname, &argument);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must not be negative", argument),
			 errhint("Pass a number of rows, 0 or more.")));
}

int64
sg_arg_limit(FunctionCallInfo fcinfo, int n)
{
	return sg_arg_is_null(fcinfo, n) ? -1 : sg_arg_count(fcinfo, n, INT8OID);
}

/* ---- schemas ---- */

/* Raises 3F000, with the nearest schema as a hint, or a list of the users' schemas */
pg_noreturn static void
no_such_schema(const char *schema)
{
	List	   *names = NIL;
	bool		more;
	char	   *near = sg_nearest_schema(schema);
	char	   *several = sg_several_names(schema);
	SgCatalog	all;
	HeapTuple	tuple;

	sg_catalog_begin_all(&all, NamespaceRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		const char *name = NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname);

		if (strncmp(name, "pg_", 3) != 0 && strcmp(name, "information_schema") != 0)
			names = lappend(names, pstrdup(name));
	}
	list_sort(names, sg_compare_names);
	more = list_length(names) > SCHEMAS_NAMED;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_SCHEMA),
			 errmsg("schema \"%s\" does not exist", schema),
			 near ? errhint("Perhaps you meant schema %s.", quote_identifier(near)) :
			 several ? errhint("%s", several) :
			 errhint("These schemas exist: %s%s.",
					 sg_quote_list(more ? list_truncate(names, SCHEMAS_NAMED) : names), more ? ", ..." : "")));
}

List *
sg_arg_schemas(FunctionCallInfo fcinfo, int n)
{
	List	   *schemas = NIL;
	ListCell   *lc;

	if (sg_arg_is_null(fcinfo, n))
		return NIL;
	if (array_contains_nulls(PG_GETARG_ARRAYTYPE_P(n)))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("schemas must not contain nulls"),
				 errhint("Give the schemas of the child tables, or null for all.")));
	foreach(lc, sg_text_array_list(PG_GETARG_DATUM(n)))
	{
		if (!OidIsValid(get_namespace_oid(lfirst(lc), true)))
			no_such_schema(lfirst(lc));
		if (!sg_has_name(schemas, lfirst(lc)))
			schemas = lappend(schemas, lfirst(lc));
	}
	if (schemas == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schemas must not be empty"),
				 errhint("Give the schemas of the child tables, or null for all.")));
	list_sort(schemas, sg_compare_names);
	return schemas;
}

/* ---- lists of names, and of numbers ---- */

/* Error context callback: adds a hint to the error of an array literal */
static void
add_hint(void *arg)
{
	errhint("%s", (const char *) arg);
}

/*
 * Reads an array literal.  Raises array_in()'s 22P02 with the hint, or returns
 * it softly if the caller passed an ErrorSaveContext.
 */
static Datum
array_literal(char *text, Oid element, const char *hint, FunctionCallInfo fcinfo)
{
	ErrorContextCallback callback = {.callback = add_hint,.arg = unconstify(char *, hint),.previous = error_context_stack};
	FmgrInfo	array_in;
	Datum		array;
	bool		fits;

	fmgr_info(F_ARRAY_IN, &array_in);
	error_context_stack = &callback;
	fits = InputFunctionCallSafe(&array_in, text, element, -1, fcinfo->context, &array);
	error_context_stack = callback.previous;
	if (!fits)
		PG_RETURN_NULL();
	return array;
}

/*
 * sg_names_in(cstring)
 *
 * Reads an array literal if the text begins with a brace, else a single name.
 */
static Datum
sg_names_in_entered(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	Datum		name;

	if (text[strspn(text, " \t\n\r")] == '{')
		return array_literal(text, TEXTOID, "Write one name as it is, and several as in '{a,b}'.", fcinfo);
	name = CStringGetTextDatum(text);
	PG_RETURN_ARRAYTYPE_P(construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * sg_steps_in(cstring)
 *
 * Reads an array literal of numbers, or the same without braces: one number or
 * several.
 */
static Datum
sg_steps_in_entered(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	return array_literal(strpbrk(text, "{[") ? text : psprintf("{%s}", text), INT4OID, SG_STEPS_HINT, fcinfo);
}
