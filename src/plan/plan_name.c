/*-------------------------------------------------------------------------
 *
 * plan_name.c
 *	  Names that plans generate: free in the catalog, and in the plan.
 *
 *	  A name is generated once, when its step is added, and stored with the
 *	  step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/name.h"
#include "base/quote.h"
#include "base/words.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_name.h"
#include "plan/plan_store.h"

SG_FUNCTION(sg_make_name_sql);
SG_FUNCTION(sg_free_name_sql);

static bool
is_of_schema(const char *table, const char *schema)
{
	return sg_same_text(sg_parse_table_name(table).schema, schema);
}

/* Returns whether a step of the table has the name, or is about a column of that name */
static bool
is_tables(const char *plan, const char *child_table, const char *name)
{
	StoreArgs	args = {0};

	store_arg_text(&args, plan);
	store_arg_text(&args, name);
	store_arg_text(&args, child_table);
	return store_query("SELECT 'true' FROM schemaguard.plan_step WHERE plan = $1 AND child_table = $3 AND (fk_name = $2 OR $2 = ANY (child_columns)) LIMIT 1",
					   &args, store_read_text) != NIL;
}

bool
plan_index_name_is_planned(const PlanStep *step, const char *name)
{
	const char *schema = sg_parse_table_name(plan_given(step->child_table)).schema;
	StoreArgs	args = {0};

	store_arg_text(&args, step->plan);
	store_arg_text(&args, name);
	store_arg_int(&args, step->step);
	store_arg_text(&args, step->child_table);
	store_arg_texts(&args, step->child_columns);
	foreach_ptr(const char, table,
				store_query("SELECT child_table FROM schemaguard.plan_step WHERE plan = $1 AND fk_name = $2 AND step <> $3"
							" AND kind IN ('index', 'unique', 'statement') AND child_table IS NOT NULL"
							" UNION ALL SELECT child_table FROM schemaguard.plan_step WHERE plan = $1 AND index_name = $2 AND step <> $3"
							" AND NOT (child_table = $4 AND child_columns = $5 AND $5 IS NOT NULL)",
							&args, store_read_text))
	{
		if (is_of_schema(table, schema))
			return true;
	}
	return false;
}

bool
plan_part_index_name_is_planned(const char *plan, const char *table, const char *name)
{
	PlanStep	none = {.plan = unconstify(char *, plan),.child_table = unconstify(char *, table)};

	return plan_index_name_is_planned(&none, name);
}

static bool
is_taken(const char *plan, SgNameKind kind, const char *child_table, Oid relid, const char *name)
{
	if (sg_name_is_schemas(kind) ? plan_part_index_name_is_planned(plan, child_table, name) : is_tables(plan, child_table, name))
		return true;
	return sg_name_is_used(kind, relid, name);
}

/*
 * schemaguard.sg_make_name(first text, second text, label text)
 *
 * Returns sg_make_name()
 */
static Datum
sg_make_name_sql_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sg_make_name(sg_arg_text(fcinfo, 0), sg_arg_optional_text(fcinfo, 1),
												  sg_arg_optional_text(fcinfo, 2))));
}

/*
 * schemaguard.sg_free_name(plan text, kind text, child_table text, first text,
 * second text, label text)
 *
 * Returns the first of sg_make_nth_name() that neither the catalog nor a step
 * of the plan has; for writers (42501); 42P01 if the table, which is qualified,
 * is gone.
 */
static Datum
sg_free_name_sql_entered(PG_FUNCTION_ARGS)
{
	char	   *plan = sg_arg_text(fcinfo, 0);
	SgNameKind	kind = sg_parse_word(sg_name_words, "kind", sg_arg_text(fcinfo, 1));
	char	   *child_table = sg_arg_text(fcinfo, 2);
	Oid			relid;
	char	   *name;

	sg_check_granted(fcinfo);
	(void) plan_get_readable(plan);
	relid = sg_find_qualified(child_table);
	if (!OidIsValid(relid))
		sg_gone(ERRCODE_UNDEFINED_TABLE, psprintf("table %s", child_table));
	for (int n = 0;; n++)
	{
		name = sg_make_nth_name(sg_arg_text(fcinfo, 3), sg_arg_optional_text(fcinfo, 4), sg_arg_optional_text(fcinfo, 5), n);
		if (!is_taken(plan, kind, child_table, relid, name))
			break;
	}
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
