/*-------------------------------------------------------------------------
 *
 * plan_argument.c
 *	  Types of arguments: tables and lists of names, as people type them.
 *
 * schemaguard.regtable is a regclass whose input says which table was meant
 * where there is none of that name.  schemaguard.names is a text[] whose input
 * takes one name for a list of one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

#include "base/calls.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "plan/plan.h"

SG_FUNCTION(sg_regtable_in);
SG_FUNCTION(sg_names_in);

/* [database.][schema.]table */
static SgTableName
parse_name(const char *name)
{
	const char *rest;
	List	   *parts = sg_parse_names(name, &rest);
	SgTableName parsed;

	if (list_length(parts) != 3 || *rest != '\0')
		return sg_parse_table_name(name);
	if (!sg_same_text(linitial(parts), get_database_name(MyDatabaseId)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is of another database", name),
				 errhint("Connect to database %s and call it there.", quote_identifier(linitial(parts)))));
	parsed.schema = lsecond(parts);
	parsed.name = lthird(parts);
	return parsed;
}

/*
 * sg_regtable_in(cstring)
 *
 * A table as regclass takes it: by its name, or its OID in digits.  Raises 42P01
 * with the nearest name, or where a plan has the name, which people try, with
 * the call for it; 0A000 for one of another database, 42602, 42622.
 */
static Datum
sg_regtable_in_entered(PG_FUNCTION_ARGS)
{
	const char *name = PG_GETARG_CSTRING(0);
	SgTableName parsed;
	char	   *qualified;
	Oid			relid;
	FkPlan	   *plan;
	char	   *near;

	if (strcmp(name, "-") == 0)
		PG_RETURN_OID(InvalidOid);
	if (name[0] != '\0' && name[strspn(name, "0123456789")] == '\0')
		return DirectFunctionCall1(oidin, CStringGetDatum(name));
	parsed = parse_name(name);
	relid = sg_find_table(&parsed, &qualified);
	if (OidIsValid(relid))
		PG_RETURN_OID(relid);
	plan = plan_find(name);
	near = sg_nearest_table(qualified);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table \"%s\" does not exist", name),
			 plan && plan_is_readable(plan) ?
			 errhint(sg_calls("There is a plan of that name:\nSELECT * FROM sg_orphan_audit(plan => %s);"), quote_literal_cstr(name)) :
			 near ? errhint("Perhaps you meant table %s.", near) : 0));
}

/*
 * sg_names_in(cstring)
 *
 * What begins with a brace is an array literal, everything else one name.
 * Raises 22P02 as text[] does.
 */
static Datum
sg_names_in_entered(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	Datum		name;

	if (text[strspn(text, " \t\n\r")] == '{')
		return OidInputFunctionCall(F_ARRAY_IN, text, TEXTOID, -1);
	name = CStringGetTextDatum(text);
	PG_RETURN_ARRAYTYPE_P(construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT));
}
