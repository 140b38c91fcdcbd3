/*-------------------------------------------------------------------------
 *
 * fk_citus_ask.c
 *	  Asks the nodes of Citus about a table's rows and keys.
 *
 * run_command_on_placements() of Citus runs a command for each copy of each
 * shard, on the node that has it, as the caller.  The answers are those of a
 * moment, and none of them changes what the catalog here says: they end a
 * doubt, or name the nodes that it is about.
 *
 * Each way in which asking fails, or answers are fewer than expected, leaves
 * the doubt.  Commands name nothing but built-in functions, since the
 * search_path there is not ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "fk/fk.h"

/* Count and order-independent hash of a copy's rows */
#define ROWS_COMMAND \
	"SELECT pg_catalog.concat(pg_catalog.count(*), ' ', pg_catalog.sum(pg_catalog.hashtextextended(" \
	"pg_catalog.textin(pg_catalog.record_out(t)), 0))) FROM %s t"

/* CTE that tells whether every shard of table $1 has answered */
#define TOLD \
	" told AS (SELECT count(DISTINCT shardid) = (SELECT count(*) FROM pg_catalog.pg_dist_shard WHERE logicalrelid = $1)" \
	"  AND count(*) > 0 AS all_shards FROM answer)"

/* Returns which copies of a shard differ; null if none does.  $1 is a table, $2 a command. */
#define COPIES_QUERY \
	"WITH answer AS MATERIALIZED (SELECT * FROM pg_catalog.run_command_on_placements($1, $2))," TOLD \
	", differing AS (SELECT shardid FROM answer GROUP BY shardid HAVING NOT bool_and(success) OR count(DISTINCT result) > 1)" \
	" SELECT CASE WHEN NOT all_shards THEN 'not every shard has answered'" \
	" ELSE (SELECT string_agg(format(CASE WHEN success THEN '%s:%s has %s rows of checksum %s' ELSE '%s:%s can''t be read' END," \
	"                                nodename, nodeport, split_part(result, ' ', 1), split_part(result, ' ', 2)), ', ' ORDER BY nodename, nodeport, shardid)" \
	"       FROM answer JOIN differing USING (shardid)) END FROM told"

/* Returns the nodes that have a shard without the key; null if none has; $3 is the parent */
#define KEYS_QUERY \
	"WITH answer AS MATERIALIZED (SELECT * FROM pg_catalog.run_command_on_placements($1, concat($2," \
	" (SELECT quote_literal(array_agg(shardid)::text) FROM pg_catalog.pg_dist_shard WHERE logicalrelid = $3), '::text[])')))," TOLD \
	" SELECT CASE WHEN NOT all_shards THEN 'not every shard has answered'" \
	" ELSE (SELECT 'it is missing, not valid or disabled on ' || string_agg(DISTINCT concat(nodename, ':', nodeport), ', ')" \
	"       FROM answer WHERE NOT success OR result IS NOT DISTINCT FROM '0') END FROM told"

typedef struct Question
{
	const char *query;
	Oid			relid;
	const char *command;
	Oid			parent;			/* parent of the key, or InvalidOid */
	MemoryContext context;
	char	   *answer;			/* objection of the nodes, or NULL */
} Question;

/* Runs the query that asks the nodes; for sg_try() */
static void
ask(void *arg)
{
	Question   *question = arg;
	Oid			types[] = {REGCLASSOID, TEXTOID, REGCLASSOID};
	Datum		values[] = {ObjectIdGetDatum(question->relid), CStringGetTextDatum(question->command), ObjectIdGetDatum(question->parent)};
	SgScope		scope;
	char	   *answer;
	int			rc;

	sg_caller_begin(&scope);
	SPI_connect();
	rc = SPI_execute_with_args(question->query, OidIsValid(question->parent) ? 3 : 2, types, values, NULL, false, 0);
	if (rc != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), question->query);
	answer = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	question->answer = answer ? MemoryContextStrdup(question->context, answer) : NULL;
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns the nodes' objection, or why they can't be asked, or NULL */
static char *
objection(const char *query, Oid relid, const char *command, Oid parent)
{
	Question	question = {query, relid, command, parent, CurrentMemoryContext, NULL};
	ErrorData  *error = sg_try(ask, &question);

	if (error == NULL)
		return question.answer;
	sg_rethrow_cancel(error);
	return sg_error_text(error);
}

char *
fk_citus_copies(Oid relid)
{
	char	   *differ;

	if (!fk_citus_has_copies(relid))
		return NULL;
	differ = objection(COPIES_QUERY, relid, ROWS_COMMAND, InvalidOid);
	if (differ == NULL)
		return NULL;
	return psprintf("%s has a copy of its rows on several nodes, and Citus has read one of them: %s;"
					" look at each with run_command_on_placements()", sg_relation_name(relid), differ);
}

/* Appends a text with % doubled, because run_command_on_placements() passes it to format() */
static void
append_formatted(StringInfo buf, const char *text)
{
	for (const char *c = text; *c; c++)
	{
		if (*c == '%')
			appendStringInfoChar(buf, '%');
		appendStringInfoChar(buf, *c);
	}
}

/*
 * Appends the condition that the constraint's column list (conkey or confkey)
 * names these columns of the relation
 */
static void
append_columns(StringInfo buf, const char *relation, const char *list, List *names)
{
	const char *separator = "";

	appendStringInfo(buf, " AND ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.%s) WITH ORDINALITY k (attnum, n)"
					 " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.%s AND a.attnum = k.attnum ORDER BY k.n) = ARRAY[", list, relation);
	foreach_ptr(const char, name, names)
	{
		appendStringInfoString(buf, separator);
		append_formatted(buf, quote_literal_cstr(name));
		separator = ", ";
	}
	appendStringInfoString(buf, "]::text[]");
}

/*
 * Returns the command that counts the keys of a shard that are valid, enabled
 * and like this one.  The parent's shard is known by its number, which the
 * query appends.
 */
static char *
key_command(const FkKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint c"
					 " JOIN pg_catalog.pg_class p ON p.oid = c.confrelid JOIN pg_catalog.pg_namespace s ON s.oid = p.relnamespace"
					 " WHERE c.conrelid = '%%s'::pg_catalog.regclass AND c.contype = 'f' AND c.convalidated"
					 " AND c.confdeltype = '%c' AND c.confupdtype = '%c' AND c.confmatchtype = '%c' AND c.condeferrable = %s AND c.condeferred = %s"
					 " AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgenabled IN ('O', 'A')) = 4",
					 key->on_delete, key->on_update, key->match, key->deferrable ? "true" : "false",
					 key->initially_deferred ? "true" : "false");
	append_columns(&buf, "conrelid", "conkey", sg_attribute_names(key->child, key->child_att, key->nkeys));
	append_columns(&buf, "confrelid", "confkey", sg_attribute_names(key->parent, key->parent_att, key->nkeys));
	appendStringInfoString(&buf, " AND s.nspname = ");
	append_formatted(&buf, quote_literal_cstr(sg_schema_name(get_rel_namespace(key->parent))));
	appendStringInfoString(&buf, " AND pg_catalog.substring(p.relname::text, '_([0-9]+)$') = ANY (");
	return buf.data;
}

/*
 * Returns whether the nodes' answers could clear the doubt about a key; not for
 * partitions, whose keys have triggers of their own
 */
static bool
can_ask(const FkKey *key)
{
	return key->doubt && key->enforced && key->armed && key->validated &&
		fk_citus_table(key->child) && fk_citus_table(key->parent) &&
		get_rel_relkind(key->child) == RELKIND_RELATION && !get_rel_relispartition(key->child) &&
		get_rel_relkind(key->parent) == RELKIND_RELATION && !get_rel_relispartition(key->parent);
}

void
fk_citus_ask(FkKey *key)
{
	char	   *without;

	if (!can_ask(key))
		return;
	without = objection(KEYS_QUERY, key->child, key_command(key), key->parent);
	key->doubt = without == NULL ? NULL :
		psprintf("Citus keeps %s in shards, each with a key of its own: %s;"
				 " look at pg_constraint and pg_trigger with run_command_on_shards()", sg_relation_name(key->child), without);
}
