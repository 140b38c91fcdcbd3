/*-------------------------------------------------------------------------
 *
 * audit_rule_sql.c
 *	  Rules, judged by queries: where a scan can't, and for lists of rows.
 *
 * A condition is written out under the search_path that it is read again
 * with, so that every name in it means what it meant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "audit/audit_rule_job.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "fk/fk.h"

/* Appends the table as r, or a sample of it, with its inheriting tables if they count */
static void
append_table(StringInfo buf, const AuditKey *ak)
{
	if (ak->rule->tree)
		appendStringInfo(buf, "%s r", sg_relation_name(ak->key.child));
	else
		audit_sql_table(buf, ak->key.child, "r");
	if (ak->rule->sample > 0)
		appendStringInfo(buf, " TABLESAMPLE pg_catalog.system (%g)", ak->rule->sample);
}

static char *
column(const AuditKey *ak, int i)
{
	return audit_sql_column("r", ak->key.child, ak->key.child_att[i]);
}

/* Appends the condition that a row breaks the rule; for UNIQUE, that its nulls allow it to */
static void
append_broken(StringInfo buf, const AuditKey *ak)
{
	switch (ak->rule->kind)
	{
		case AUDIT_CHECK:
			appendStringInfo(buf, "((%s) IS FALSE)",
							 deparse_expression(ak->rule->condition,
												deparse_context_for("r", ak->key.child), true, false));
			break;
		case AUDIT_NOT_NULL:
			/* IS NULL would look into a composite value */
			appendStringInfo(buf, "(%s IS NOT DISTINCT FROM NULL)", column(ak, 0));
			break;
		case AUDIT_UNIQUE:
			appendStringInfoString(buf, "(true");
			for (int i = 0; i < ak->key.nkeys && !ak->rule->nulls_equal; i++)
				appendStringInfo(buf, " AND %s IS DISTINCT FROM NULL", column(ak, i));
			appendStringInfoChar(buf, ')');
			break;
	}
}

static void
append_columns(StringInfo buf, const AuditKey *ak)
{
	for (int i = 0; i < ak->key.nkeys; i++)
		appendStringInfo(buf, "%s%s", i ? ", " : "", column(ak, i));
}

static void
append_object(StringInfo buf, const AuditKey *ak)
{
	const char *separator = "";
	ListCell   *lc;

	appendStringInfoString(buf, "pg_catalog.jsonb_build_object(");
	if (ak->rule->ctid)
	{
		appendStringInfoString(buf, "'ctid', r.ctid");
		separator = ", ";
	}
	foreach(lc, ak->rule->shown)
	{
		char	   *name = sg_column_name(ak->key.child, lfirst_int(lc));

		appendStringInfo(buf, "%s%s, r.%s", separator, quote_literal_cstr(name), quote_identifier(name));
		separator = ", ";
	}
	appendStringInfoChar(buf, ')');
}

/*
 * Returns a query with one row: the number of rows, of rows that break the
 * rule, and of groups (or null)
 */
static char *
count_query(const AuditKey *ak)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (ak->rule->kind != AUDIT_UNIQUE)
	{
		appendStringInfoString(&buf, "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE ");
		append_broken(&buf, ak);
		appendStringInfoString(&buf, "), NULL::bigint FROM ");
		append_table(&buf, ak);
		return buf.data;
	}
	appendStringInfoString(&buf, "SELECT coalesce(pg_catalog.sum(g.n), 0)::bigint,"
						   " coalesce(pg_catalog.sum(g.n) FILTER (WHERE g.d AND g.n > 1), 0)::bigint,"
						   " pg_catalog.count(*) FILTER (WHERE g.d AND g.n > 1)"
						   " FROM (SELECT pg_catalog.count(*) AS n, ");
	append_broken(&buf, ak);
	appendStringInfoString(&buf, " AS d FROM ");
	append_table(&buf, ak);
	appendStringInfoString(&buf, " GROUP BY ");
	append_columns(&buf, ak);
	appendStringInfoString(&buf, ") g");
	return buf.data;
}

static char *
sample_query(const AuditKey *ak)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	append_object(&buf, ak);
	appendStringInfoString(&buf, " FROM ");
	append_table(&buf, ak);
	appendStringInfoString(&buf, " WHERE ");
	append_broken(&buf, ak);
	if (ak->rule->kind == AUDIT_UNIQUE)
	{
		appendStringInfoString(&buf, " GROUP BY ");
		append_columns(&buf, ak);
		appendStringInfoString(&buf, " HAVING pg_catalog.count(*) > 1 ORDER BY ");
		append_columns(&buf, ak);
	}
	appendStringInfoString(&buf, " LIMIT $1");
	return buf.data;
}

char *
audit_rule_rows(const AuditKey *ak)
{
	StringInfoData buf;
	const char *place = fk_citus_table(ak->key.child) ? "NULL::pg_catalog.regclass" : "r.tableoid::pg_catalog.regclass";

	initStringInfo(&buf);
	if (ak->rule->kind != AUDIT_UNIQUE)
	{
		appendStringInfo(&buf, "SELECT %s, r.ctid, pg_catalog.to_jsonb(r.*) FROM ", place);
		append_table(&buf, ak);
		appendStringInfoString(&buf, " WHERE ");
		append_broken(&buf, ak);
		appendStringInfoString(&buf, " LIMIT $1");
		return buf.data;
	}

	/* sort equal rows next to each other */
	appendStringInfo(&buf, "SELECT w.t, w.c, w.j FROM (SELECT %s AS t, r.ctid AS c, pg_catalog.to_jsonb(r.*) AS j, "
					 "pg_catalog.count(*) OVER (PARTITION BY ", place);
	append_columns(&buf, ak);
	appendStringInfoString(&buf, ") AS n FROM ");
	append_table(&buf, ak);
	appendStringInfoString(&buf, " WHERE ");
	append_broken(&buf, ak);
	appendStringInfoString(&buf, ") w WHERE w.n > 1 LIMIT $1");
	return buf.data;
}

typedef struct RuleReceiver
{
	DestReceiver pub;
	AuditKey   *ak;
	MemoryContext results;
} RuleReceiver;

static bool
receive_counts(TupleTableSlot *slot, DestReceiver *self)
{
	AuditKey   *ak = ((RuleReceiver *) self)->ak;

	slot_getallattrs(slot);
	ak->rows_checked = DatumGetInt64(slot->tts_values[0]);
	ak->orphan_rows = DatumGetInt64(slot->tts_values[1]);
	ak->orphan_keys = slot->tts_isnull[2] ? -1 : DatumGetInt64(slot->tts_values[2]);
	return true;
}

static bool
receive_sample(TupleTableSlot *slot, DestReceiver *self)
{
	RuleReceiver *receiver = (RuleReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->results);

	slot_getallattrs(slot);
	receiver->ak->sample = lappend(receiver->ak->sample, DatumGetJsonbPCopy(slot->tts_values[0]));
	MemoryContextSwitchTo(old);
	return true;
}

void
audit_rule_sql(AuditKey *ak, int samples, MemoryContext results, bool parallel)
{
	RuleReceiver counts = {.pub = sg_receiver(receive_counts),.ak = ak,.results = results};
	RuleReceiver sample = {.pub = sg_receiver(receive_sample),.ak = ak,.results = results};
	SgScope		scope;

	ak->method = "sql";
	audit_rule_scope_begin(&scope, ak, false);
	sg_spi_receive(count_query(ak), fk_tables(&ak->key), -1, parallel, &counts.pub);
	if (ak->orphan_rows > 0 && samples > 0)
		sg_spi_receive(sample_query(ak), fk_tables(&ak->key), samples, parallel, &sample.pub);
	sg_scope_end(&scope);
	audit_sql_judge(ak, results);
}
