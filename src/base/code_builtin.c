/*-------------------------------------------------------------------------
 *
 * code_builtin.c
 *	  Functions that may be called in anybody's expression by anybody.
 *
 * A built-in function can run code that is named by an OID, a text or a value's
 * type, read what only its caller may read, or act on the server.  So no
 * function counts as harmless unless one of two rules says so:
 *
 * - It is immutable: its result depends on its arguments alone, so it looks up
 *	 no object and asks for no role.  Arguments of any type are excepted, since
 *	 the type's own functions are called, and so are arguments that name an
 *	 object, for which functions of extensions need not keep the promise.
 * - It is built in and stable, and its name is in the list below.  These depend
 *	 on time, time zone, formats, encodings and the text search configuration,
 *	 and on nothing else.
 *
 * num_nulls() and num_nonnulls() take arguments of any type, and call nothing:
 * they count, and conditions of our own are made with them.
 *
 * A function that a newer server adds is therefore not harmless, unless it is
 * immutable.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/code_internal.h"

/*
 * Names of stable built-in functions that count as harmless with all argument
 * types; test/t/072_guard.pl reads this list
 */
static const char *const stable_names[] = {
	"age", "cash_in", "cash_out", "convert", "convert_from", "convert_to", "current_database",
	"date", "date_cmp_timestamptz", "date_eq_timestamptz", "date_ge_timestamptz",
	"date_gt_timestamptz", "date_in", "date_le_timestamptz", "date_lt_timestamptz",
	"date_ne_timestamptz", "date_out", "date_part", "date_trunc", "extract", "format",
	"generate_series", "get_current_ts_config", "getdatabaseencoding", "in_range", "interval_in",
	"interval_out", "interval_pl_timestamptz", "json_to_tsvector", "jsonb_path_exists_tz",
	"jsonb_path_match_tz", "jsonb_path_query_array_tz",
	"jsonb_path_query_first_tz", "jsonb_path_query_tz", "jsonb_to_tsvector", "length",
	"make_timestamptz", "money", "now", "numeric", "overlaps", "pg_char_to_encoding",
	"pg_client_encoding", "pg_encoding_to_char", "phraseto_tsquery", "plainto_tsquery",
	"statement_timestamp", "time", "time_in", "timestamp", "timestamp_cmp_timestamptz",
	"timestamp_eq_timestamptz", "timestamp_ge_timestamptz", "timestamp_gt_timestamptz",
	"timestamp_in", "timestamp_le_timestamptz", "timestamp_lt_timestamptz",
	"timestamp_ne_timestamptz", "timestamp_out", "timestamptz", "timestamptz_cmp_date",
	"timestamptz_cmp_timestamp", "timestamptz_eq_date", "timestamptz_eq_timestamp",
	"timestamptz_ge_date", "timestamptz_ge_timestamp", "timestamptz_gt_date",
	"timestamptz_gt_timestamp", "timestamptz_in", "timestamptz_le_date",
	"timestamptz_le_timestamp", "timestamptz_lt_date", "timestamptz_lt_timestamp",
	"timestamptz_mi_interval", "timestamptz_ne_date", "timestamptz_ne_timestamp",
	"timestamptz_out", "timestamptz_pl_interval", "timetz", "timetz_in", "timezone", "to_char",
	"to_date", "to_number", "to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp",
	"ts_headline", "ts_match_tq", "ts_match_tt", "version", "websearch_to_tsquery", "xml", "xml_in",
	"xml_is_well_formed",
};

static bool
is_listed(const char *name)
{
	for (int i = 0; i < lengthof(stable_names); i++)
	{
		if (strcmp(stable_names[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * Returns whether a value of the type can name an object, or be of any type.
 * Text search configurations and dictionaries count as data: only superusers
 * make the code behind them.
 */
static bool
leads_elsewhere(Oid type, bool built_in)
{
	switch (type)
	{
		case CSTRINGOID:
		case INTERNALOID:
			return false;
		case OIDOID:

			/*
			 * an OID argument of a built-in input function is the type of an
			 * array's elements
			 */
			return !built_in;
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGNAMESPACEOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGROLEOID:
		case REGTYPEOID:
		case REFCURSOROID:
			return true;
		default:
			return get_typtype(type) == TYPTYPE_PSEUDO;
	}
}

bool
code_is_harmless(Form_pg_proc form)
{
	bool		built_in = form->oid < FirstNormalObjectId;

	/*
	 * these functions call nothing of the values' types; triggers that fill
	 * columns compare record images
	 */
	if (form->oid == F_NUM_NULLS || form->oid == F_NUM_NONNULLS || form->oid == F_RECORD_IMAGE_EQ || form->oid == F_RECORD_IMAGE_NE)
		return true;
	for (int i = 0; i < form->pronargs; i++)
	{
		if (leads_elsewhere(form->proargtypes.values[i], built_in))
			return false;
	}
	switch (form->provolatile)
	{
		case PROVOLATILE_IMMUTABLE:
			return true;
		case PROVOLATILE_STABLE:
			return built_in && form->pronamespace == PG_CATALOG_NAMESPACE && is_listed(NameStr(form->proname));
		default:
			return false;
	}
}
