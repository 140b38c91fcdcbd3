/*-------------------------------------------------------------------------
 *
 * audit_sql.c
 *	  Judging a key by one generated query.
 *
 * The join is the one that core's VALIDATE makes (RI_Initial_Check in
 * ri_triggers.c): the constraint's own operators, COLLATE where the two
 * collations differ, ONLY unless a table is partitioned.  Around it an
 * aggregate counts rows, orphans and distinct orphan keys in the same pass:
 * all rows that are no orphans fall into one group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "audit/audit_internal.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"

char *
audit_sql_column(const char *alias, Oid relid, AttrNumber attnum)
{
	return psprintf("%s.%s", alias, quote_identifier(sg_column_name(relid, attnum)));
}

void
audit_sql_table(StringInfo buf, Oid relid, const char *alias)
{
	appendStringInfo(buf, "%s%s %s",
					 get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 sg_relation_name(relid), alias);
}

/* Appends pk.a OPERATOR(s.=) fk.b [COLLATE c] AND ... */
void
audit_sql_match(StringInfo buf, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		appendStringInfoString(buf, i ? " AND " : "");
		fk_append_equal(buf, key, i, audit_sql_column("pk", key->parent, key->parent_att[i]),
						audit_sql_column("fk", key->child, key->child_att[i]));
	}
}

/*
 * Appends the condition that the key applies to a row.  MATCH SIMPLE: no null;
 * FULL: not all null.  Not by IS NOT NULL, which tests the fields of a
 * composite value.
 */
void
audit_sql_checked(StringInfo buf, const FkKey *key)
{
	appendStringInfoChar(buf, '(');
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(buf, "%s%s IS DISTINCT FROM NULL",
						 i == 0 ? "" : key->match == FKCONSTR_MATCH_FULL ? " OR " : " AND ",
						 audit_sql_column("fk", key->child, key->child_att[i]));
	appendStringInfoChar(buf, ')');
}

/* Appends fk.period <@ range_agg(pk.period), which is null without a match */
static void
append_coverage(StringInfo buf, const FkKey *key)
{
	int			last = key->nkeys - 1;

	appendStringInfo(buf, "coalesce(%s OPERATOR(pg_catalog.<@) pg_catalog.range_agg(%s), false)",
					 audit_sql_column("fk", key->child, key->child_att[last]),
					 audit_sql_column("pk", key->parent, key->parent_att[last]));
}

/* Appends fk.a AS k1, fk.b AS k2, ... */
static void
append_key_columns(StringInfo buf, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(buf, ", %s AS k%d",
						 audit_sql_column("fk", key->child, key->child_att[i]), i + 1);
}

/* Appends jsonb_build_object('a', <format of k1>, ...) */
static void
append_key_object(StringInfo buf, const FkKey *key, const char *alias)
{
	appendStringInfoString(buf, "pg_catalog.jsonb_build_object(");
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *name = sg_column_name(key->child, key->child_att[i]);

		appendStringInfo(buf, "%s%s, ", i ? ", " : "", quote_literal_cstr(name));
		if (alias)
			appendStringInfoString(buf, audit_sql_column(alias, key->child, key->child_att[i]));
		else
			appendStringInfo(buf, "s.k%d", i + 1);
	}
	appendStringInfoChar(buf, ')');
}

/*
 * Returns whether a child row could match several parents: the unique index may
 * have another collation than its column, which the key compares by; if that is
 * nondeterministic, rows that are distinct for the index may be equal for the
 * key.
 */
static bool
may_match_twice(const FkKey *key)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(key->index));
	Form_pg_index form;
	oidvector  *collations;
	bool		isnull;
	bool		twice = false;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "an index");
	form = (Form_pg_index) GETSTRUCT(tuple);
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple,
															   Anum_pg_index_indcollation, &isnull));
	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->parent, key->parent_att[i], &type, &typmod, &collation);
		for (int j = 0; j < form->indnkeyatts; j++)
		{
			if (form->indkey.values[j] == key->parent_att[i] &&
				OidIsValid(collation) && collations->values[j] != collation &&
				!get_collation_isdeterministic(collation))
				twice = true;
		}
	}
	ReleaseSysCache(tuple);

	return twice;
}

/* Appends the parent as pk, with each key once */
static void
append_parent(StringInfo buf, const FkKey *key)
{
	if (key->period || !may_match_twice(key))
	{
		audit_sql_table(buf, key->parent, "pk");
		return;
	}

	appendStringInfoString(buf, "(SELECT DISTINCT ");
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(buf, "%s%s", i ? ", " : "",
						 audit_sql_column("pk", key->parent, key->parent_att[i]));
	appendStringInfoString(buf, " FROM ");
	audit_sql_table(buf, key->parent, "pk");
	appendStringInfoString(buf, ") pk");
}

/* Appends a query with a row per child row: o (orphan), k1, k2, ... */
static void
append_judged_rows(StringInfo buf, const FkKey *key)
{
	appendStringInfoString(buf, "SELECT ");
	audit_sql_checked(buf, key);
	if (key->period)
	{
		appendStringInfoString(buf, " AND NOT ");
		append_coverage(buf, key);
	}
	else
		appendStringInfo(buf, " AND %s IS NOT DISTINCT FROM NULL",
						 audit_sql_column("pk", key->parent, key->parent_att[0]));
	appendStringInfoString(buf, " AS o");
	append_key_columns(buf, key);
	appendStringInfoString(buf, " FROM ");
	audit_sql_table(buf, key->child, "fk");
	appendStringInfoString(buf, " LEFT JOIN ");
	append_parent(buf, key);
	appendStringInfoString(buf, " ON (");
	audit_sql_match(buf, key);
	appendStringInfoChar(buf, ')');
	if (key->period)
	{
		/* several parents together may cover one child row */
		appendStringInfoString(buf, " GROUP BY fk.tableoid, fk.ctid");
		for (int i = 0; i < key->nkeys; i++)
			appendStringInfo(buf, ", %s", audit_sql_column("fk", key->child, key->child_att[i]));
	}
}

static bool
is_composite(const FkKey *key, int i)
{
	return type_is_rowtype(get_atttype(key->child, key->child_att[i]));
}

bool
audit_sql_is_composite(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (is_composite(key, i))
			return true;
	}
	return false;
}

/*
 * Appends whether a group has a composite value with a null inside, whose rows
 * VALIDATE skips, because it asks IS NOT NULL
 */
static void
append_partial(StringInfo buf, const FkKey *key)
{
	bool		first = true;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (!is_composite(key, i))
			continue;
		appendStringInfo(buf, "%ss.k%d IS NOT NULL", first ? ", NOT (" : " AND ", i + 1);
		first = false;
	}
	if (!first)
		appendStringInfoString(buf, ") AS partial");
}

/*
 * Returns the whole query: o, number of rows, key object and, for composite
 * values, whether one has a null inside; one row per orphan key
 */
static char *
audit_query(const FkKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT s.o, pg_catalog.count(*), CASE WHEN s.o THEN ");
	append_key_object(&buf, key, NULL);
	appendStringInfoString(&buf, " END");
	append_partial(&buf, key);
	appendStringInfoString(&buf, " FROM (SELECT b.o");
	for (int i = 1; i <= key->nkeys; i++)
	{
		Oid			type,
					collation;
		int32		typmod;

		appendStringInfo(&buf, ", CASE WHEN b.o THEN b.k%d END", i);

		/* the CASE's null has the type's collation: give it the column's */
		get_atttypetypmodcoll(key->child, key->child_att[i - 1], &type, &typmod, &collation);
		if (OidIsValid(collation))
			sg_append_collation(&buf, collation);
		appendStringInfo(&buf, " AS k%d", i);
	}
	appendStringInfoString(&buf, " FROM (");
	append_judged_rows(&buf, key);
	appendStringInfoString(&buf, ") b) s GROUP BY s.o");
	for (int i = 1; i <= key->nkeys; i++)
		appendStringInfo(&buf, ", s.k%d", i);

	return buf.data;
}

char *
audit_sql_orphans(const FkKey *key)
{
	StringInfoData buf;
	bool		citus = fk_citus_table(key->child);
	bool		half_citus = !citus && fk_citus_table(key->parent);

	initStringInfo(&buf);

	/*
	 * when Citus joins a table of its own with a local one, it provides only
	 * the key
	 */
	appendStringInfo(&buf, "SELECT %s::pg_catalog.regclass, %s, ",
					 citus || half_citus ? "NULL" : "fk.tableoid",
					 half_citus ? "NULL::pg_catalog.tid" : "fk.ctid");
	append_key_object(&buf, key, "fk");
	appendStringInfo(&buf, ", %s FROM ", half_citus ? "NULL::pg_catalog.jsonb" : "pg_catalog.to_jsonb(fk.*)");
	audit_sql_table(&buf, key->child, "fk");
	if (key->period)
	{
		appendStringInfoString(&buf, " WHERE ");
		audit_sql_checked(&buf, key);
		appendStringInfoString(&buf, " AND NOT (SELECT ");
		append_coverage(&buf, key);
		appendStringInfoString(&buf, " FROM ");
		audit_sql_table(&buf, key->parent, "pk");
		appendStringInfoString(&buf, " WHERE ");
		audit_sql_match(&buf, key);
		appendStringInfoChar(&buf, ')');
	}
	else
	{
		appendStringInfoString(&buf, " LEFT JOIN ");
		audit_sql_table(&buf, key->parent, "pk");
		appendStringInfoString(&buf, " ON (");
		audit_sql_match(&buf, key);
		appendStringInfo(&buf, ") WHERE %s IS NOT DISTINCT FROM NULL AND ",
						 audit_sql_column("pk", key->parent, key->parent_att[0]));
		audit_sql_checked(&buf, key);
	}
	appendStringInfoString(&buf, " LIMIT $1");

	return buf.data;
}

/* DestReceiver for the groups of audit_query(), because parallel plans need a run without limit */
typedef struct GroupReceiver
{
	DestReceiver pub;
	AuditKey   *key;
	int			samples;
	MemoryContext results;
} GroupReceiver;

static bool
receive_group(TupleTableSlot *slot, DestReceiver *self)
{
	GroupReceiver *receiver = (GroupReceiver *) self;
	AuditKey   *key = receiver->key;
	int64		rows;

	slot_getallattrs(slot);
	rows = DatumGetInt64(slot->tts_values[1]);
	key->rows_checked += rows;
	if (slot->tts_isnull[0] || !DatumGetBool(slot->tts_values[0]))
		return true;

	key->orphan_rows += rows;
	key->orphan_keys++;
	if (slot->tts_tupleDescriptor->natts > 3 && DatumGetBool(slot->tts_values[3]))
		key->partial_rows += rows;
	if (list_length(key->sample) < receiver->samples)
	{
		MemoryContext old = MemoryContextSwitchTo(receiver->results);

		key->sample = lappend(key->sample,
							  DatumGetJsonbPCopy(slot->tts_values[2]));
		MemoryContextSwitchTo(old);
	}

	return true;
}

void
audit_sql_groups(AuditKey *key, const char *query, int samples, MemoryContext results, bool parallel)
{
	GroupReceiver receiver = {
		.pub = sg_receiver(receive_group),
		.key = key,
		.samples = samples,
		.results = results,
	};

	key->rows_checked = key->orphan_rows = key->orphan_keys = key->partial_rows = 0;
	key->sample = NIL;
	sg_spi_receive(query, fk_tables(&key->key), -1, parallel, &receiver.pub);
}

void
audit_sql_judge(AuditKey *key, MemoryContext results)
{
	char	   *copies;

	key->result = key->orphan_rows > 0 ? AUDIT_FAIL : AUDIT_PASS;
	if (key->orphan_rows > 0 && key->orphan_rows == key->partial_rows)
	{
		key->result = AUDIT_UNKNOWN;
		key->reason = MemoryContextStrdup(results, "all of these orphans are composite values with a null inside: the key's trigger refuses them, and VALIDATE passes over them");
	}
	if (key->orphan_rows > 0)
		return;
	/* a row that one copy of the parent lacks is an orphan on that node only */
	copies = fk_citus_copies(key->key.child);
	if (copies == NULL && OidIsValid(key->key.parent))
		copies = fk_citus_copies(key->key.parent);
	if (copies)
	{
		key->result = AUDIT_UNKNOWN;
		key->reason = MemoryContextStrdup(results, copies);
	}
}

void
audit_sql(AuditKey *key, int samples, MemoryContext results, bool parallel)
{
	SgScope		scope;

	key->method = "sql";
	audit_scope_begin(&scope, &key->key, false);
	audit_sql_groups(key, audit_query(&key->key), samples, results, parallel);
	sg_scope_end(&scope);
	audit_sql_judge(key, results);
}
