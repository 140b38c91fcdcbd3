/*-------------------------------------------------------------------------
 *
 * check_stand_in.c
 *	  Empty tables that stand in for existing ones on trial.
 *
 *	  A step about something that earlier steps add to an existing table, or
 *	  rename there, is judged on a table like that one, on which those steps are
 *	  made first.  The stand-in has the table's name, in a schema of its own
 *	  for each schema.  It lacks rows, keys, triggers, rules and policies.  The
 *	  table itself is locked for reading alone.
 *
 *	  There is none if another role's code could run: the server evaluates
 *	  constant parts of expressions of indexes and checks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "check/check.h"
#include "plan/plan_change.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "run/run_deed.h"

/* Followed by the OID of the schema that it stands for */
#define STAND_IN_SCHEMA "~sg_trial_"

/* Returns the table that a name leads to after the renames of the steps before a place; or InvalidOid */
static Oid
find_origin(const PlanCheck *check, int place, const char *table)
{
	Oid			relid;

	for (int i = place - 1; i >= 0; i--)
	{
		const CheckStep *other = list_nth(check->steps, i);

		if (other->step->kind == STEP_RENAME && plan_step_is_of_relation(other->step) && plan_step_is_ahead(other->step) &&
			sg_same_text(plan_renamed_table(other->step), table))
			return find_origin(check, i, other->step->child_table);
	}
	relid = sg_find_qualified(table);
	return OidIsValid(relid) && (get_rel_relkind(relid) == RELKIND_RELATION || get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE) &&
		sg_rel_persistence(relid) == RELPERSISTENCE_PERMANENT ? relid : InvalidOid;
}

Oid
check_origin(const PlanCheck *check, const CheckStep *cs, const char *table)
{
	return table ? find_origin(check, cs->place, table) : InvalidOid;
}

char *
check_stand_in_name(const char *table)
{
	SgTableName name = sg_parse_table_name(table);

	return quote_qualified_identifier(psprintf(STAND_IN_SCHEMA "%u", get_namespace_oid(name.schema, false)), name.name);
}

/* Raises 42501 if the caller may not, or should not, make a table like this one */
static void
check_may_stand_in(Oid table)
{
	CodeReach  *reach = code_reach();
	char	   *reason;
	Oid			role;

	code_reach_read(reach, table);
	code_reach_proof(reach, table);
	reason = code_role(reach, code_table_owner(table), &role);
	if (reason == NULL && OidIsValid(role))
		reason = psprintf("code of role %s would run", sg_role_name(role));
	if (reason == NULL && object_aclcheck(DatabaseRelationId, MyDatabaseId, GetUserId(), ACL_CREATE) != ACLCHECK_OK)
		reason = psprintf("role %s may not create schemas", sg_role_name(GetUserId()));
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", reason)));
}

static void
make_stand_in(void *arg)
{
	Oid			table = *(Oid *) arg;
	char	   *schema = psprintf(STAND_IN_SCHEMA "%u", get_rel_namespace(table));
	char	   *parted = "";
	Datum		key;
	SgScope		scope;

	check_may_stand_in(table);
	sg_caller_begin(&scope);
	if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE && sg_ask(pg_get_partkeydef, table, &key))
		parted = psprintf(" PARTITION BY %s", TextDatumGetCString(key));
	change_run_on_trial(psprintf("CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(schema)));
	change_run_on_trial(psprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)%s", quote_qualified_identifier(schema, sg_rel_name(table)), sg_relation_name(table), parted));
	sg_scope_end(&scope);
}

void
check_make_stand_in(void *table)
{
	run_deed_reading(make_stand_in, table);
}

char *
check_real_names(const char *text)
{
	StringInfoData real;
	const char *at;

	if (text == NULL)
		return NULL;
	initStringInfo(&real);
	while ((at = strstr(text, "\"" STAND_IN_SCHEMA)) != NULL)
	{
		char	   *end;
		Oid			schema = strtoul(at + strlen("\"" STAND_IN_SCHEMA), &end, 10);

		appendBinaryStringInfo(&real, text, at - text);
		appendStringInfoString(&real, quote_identifier(sg_schema_name(schema)));
		text = *end == '"' ? end + 1 : end;
	}
	appendStringInfoString(&real, text);
	return real.data;
}

bool
check_names_stand_in(const PlanStep *step)
{
	const char *texts[] = {step->definition, step->fill};

	for (int i = 0; i < lengthof(texts); i++)
	{
		SgTableName name = sg_parse_table_name(step->child_table);

		if (texts[i] && plan_has_word(texts[i], name.schema) && plan_has_word(texts[i], name.name))
			return false;
	}
	return true;
}
