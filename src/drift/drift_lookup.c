/*-------------------------------------------------------------------------
 *
 * drift_lookup.c
 *	  The contents of look-up tables, now and as snapshots have them.
 *
 * They are stored when a snapshot is taken, beside its objects, of tables up
 * to a number of rows and bytes.  Rows are read as the caller, or, where a
 * condition chooses them, as the condition's author, by who may SET ROLE to it;
 * in both cases read only, and only where no code of others is reached.  Who
 * lacks SELECT on a table now does not read what was stored of it, either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "drift/drift.h"
#include "drift/drift_compare.h"
#include "plan/plan_rows.h"
#include "run/run_lock.h"
#include "run/run_unit.h"
#include "snapshot/snapshot.h"

SG_FUNCTION(sg_lookup_contents);
SG_FUNCTION(sg_lookup_taken);

#define MOST_ROWS		10000
#define MOST_BYTES		(16 * 1024 * 1024)
#define FETCH_ROWS		100

/* A row of schemaguard.lookup_table, and the contents of the table that it names */
typedef struct Lookup
{
	char	   *table;
	Oid			relid;
	List	   *key;			/* names of columns */
	List	   *ignored;
	char	   *author;			/* NULL: no condition, so the caller reads */
	Oid			author_id;
	char	   *query;
	Datum		contents;		/* jsonb, unless there is a reason */
	char	   *reason;			/* why it was not read, or NULL */
	MemoryContext context;
} Lookup;

/* Returns why the caller may not read all of a table, or NULL */
static char *
lacks_select(Oid relid)
{
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK)
		return psprintf("role %s has no SELECT on it", GetUserNameFromId(GetUserId(), false));
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return psprintf("row-level security hides rows from role %s", GetUserNameFromId(GetUserId(), false));
	return NULL;
}

/* Reads the rows as an array of objects; for change_ask() */
static void
read_rows(void *arg)
{
	Lookup	   *lookup = arg;
	StringInfoData text;
	int64		rows = 0;
	Portal		portal;
	MemoryContext old;

	/* read only until the subtransaction ends, which functions can't revoke */
	XactReadOnly = true;
	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	portal = SPI_cursor_open_with_args(NULL, lookup->query, 0, NULL, NULL, NULL, true, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			char	   *row = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

			if (++rows > MOST_ROWS || text.len + strlen(row) > MOST_BYTES)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("it has more than %d rows, or %d MB, which are not stored", MOST_ROWS, MOST_BYTES / (1024 * 1024))));
			appendStringInfo(&text, "%s%s", rows > 1 ? "," : "", row);
			pfree(row);
		}
		if (SPI_processed == 0)
			break;
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	appendStringInfoChar(&text, ']');
	old = MemoryContextSwitchTo(lookup->context);
	lookup->contents = DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
	MemoryContextSwitchTo(old);
}

/* Raises 42601 unless the condition leaves one SELECT as it is */
static void
check_query(const char *query)
{
	List	   *statements = raw_parser(query, RAW_PARSE_DEFAULT);
	SelectStmt *select = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;

	if (select == NULL || !IsA(select, SelectStmt) || select->op != SETOP_NONE || select->lockingClause || select->intoClause)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the condition is no expression of a row")));
}

/* Reads the rows, in a subtransaction that is rolled back */
static void
ask(void *arg)
{
	Lookup	   *lookup = arg;
	ChangeMove	move = {.action = "the table"};
	SgScope		scope;

	if (lookup->author)
		sg_check_may_become(lookup->author_id);
	sg_role_begin(&scope, lookup->author ? lookup->author_id : InvalidOid);
	sg_scope_pin();
	sg_scope_pin_source();
	sg_scope_pin_texts();
	sg_scope_set("row_security", "off");
	sg_scope_set("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	check_query(lookup->query);
	PushActiveSnapshot(GetTransactionSnapshot());
	change_ask(lookup->query, &move, read_rows, lookup);
	PopActiveSnapshot();
	if (move.kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(move.problem->sqlerrcode),
				 errmsg("%s", move.problem->reason)));
	sg_scope_end(&scope);
}

/* Reads the rows of a table as they are now, or sets the reason why not */
static void
read_now(Lookup *lookup)
{
	int			limit = run_query_limit();
	char	   *author = lookup->author ? GetUserNameFromId(lookup->author_id, true) : NULL;
	ErrorData  *edata;

	if (lookup->reason == NULL)
		lookup->reason = lacks_select(lookup->relid);
	if (lookup->reason == NULL && lookup->author && (author == NULL || strcmp(author, lookup->author) != 0))
		lookup->reason = psprintf("role %s, who wrote the condition, is gone", quote_identifier(lookup->author));
	/* an error of a subtransaction would end a session of a standby */
	if (lookup->reason == NULL && RecoveryInProgress())
		lookup->reason = "rows are not read on a standby";
	if (lookup->reason)
		return;
	edata = run_try_undo(limit, ask, lookup);
	if (edata && run_timeout_struck())
		lookup->reason = psprintf("its query took longer than %d ms", limit);
	else if (edata)
	{
		sg_rethrow_cancel(edata);
		lookup->reason = psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode), sg_error_message(edata));
	}
}

static Oid
oid_of(int row, int column)
{
	bool		isnull;

	return DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* Runs a query for look-up tables as the owner of the extension; their contents are stored, or still to be read by the query */
static List *
find_lookups(const char *sql, Oid type, Datum argument, bool is_null)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *lookups = NIL;
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, sql, 1, &type, &argument, is_null ? "n" : " ");
	for (uint64 i = 0; i < n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Lookup	   *lookup = MemoryContextAllocZero(context, sizeof(Lookup));
		bool		isnull;
		MemoryContext old;

		lookup->context = context;
		lookup->table = sg_spi_text(tuple, desc, "table_name");
		lookup->relid = oid_of((int) i, SPI_fnumber(desc, "relid"));
		lookup->key = sg_spi_text_array(tuple, desc, "key_columns");
		lookup->ignored = sg_spi_text_array(tuple, desc, "ignored_columns");
		lookup->reason = sg_spi_text(tuple, desc, "reason");
		if (SPI_fnumber(desc, "query") > 0)
		{
			lookup->query = sg_spi_text(tuple, desc, "query");
			lookup->author = sg_spi_text(tuple, desc, "author");
			lookup->author_id = oid_of((int) i, SPI_fnumber(desc, "author_id"));
		}
		else
		{
			Datum		contents = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "contents"), &isnull);

			old = MemoryContextSwitchTo(context);
			lookup->contents = isnull ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(contents));
			MemoryContextSwitchTo(old);
		}
		old = MemoryContextSwitchTo(context);
		lookups = lappend(lookups, lookup);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return lookups;
}

static List *
live_lookups(List *schemas)
{
	List	   *lookups = find_lookups("SELECT table_name, relid, key_columns, ignored_columns, author, author_id, query, reason"
									   " FROM schemaguard.sg_lookup_queries($1)", TEXTARRAYOID,
									   schemas ? sg_text_array(schemas) : (Datum) 0, schemas == NIL);

	foreach_ptr(Lookup, lookup, lookups)
	{
		read_now(lookup);
	}
	return lookups;
}

/*
 * Returns why the caller may not read what a snapshot has of a table, or NULL.
 * The table that has the name now may be another one, whose owner may be
 * anybody: then only the snapshot's taker reads what it stored.
 */
static char *
may_not_read(const SnapshotInfo *info, const Lookup *lookup)
{
	Oid			relid = sg_find_qualified(lookup->table);
	Oid			taker = get_role_oid(info->role, true);

	if (superuser())
		return NULL;
	if (OidIsValid(relid) && relid == lookup->relid)
		return lacks_select(relid);
	if (OidIsValid(taker) && has_privs_of_role(GetUserId(), taker))
		return OidIsValid(relid) ? lacks_select(relid) : NULL;
	return psprintf("the table is not the one of the snapshot, whose taker, role %s, reads it", info->role);
}

static List *
stored_lookups(const char *name)
{
	SnapshotInfo *info = snapshot_get(name);
	List	   *lookups = find_lookups("SELECT table_name, relid, key_columns, ignored_columns, contents, reason"
									   " FROM schemaguard.snapshot_lookup WHERE snapshot = $1", TEXTOID, CStringGetTextDatum(name), false);

	foreach_ptr(Lookup, lookup, lookups)
	{
		if (lookup->reason == NULL)
			lookup->reason = may_not_read(info, lookup);
	}
	return lookups;
}

/*
 * sg_lookup_contents(snapshot text)
 *
 * Returns the rows of each look-up table as of a snapshot, or now ("live"), or
 * the reason why the caller does not read them.  Raises 42704, 42501.
 */
static Datum
sg_lookup_contents_entered(PG_FUNCTION_ARGS)
{
	char	   *name = sg_arg_text(fcinfo, 0);
	SgRowSink	sink;

	sg_sink_begin(&sink, fcinfo);
	foreach_ptr(const Lookup, lookup, strcmp(name, SNAPSHOT_LIVE) == 0 ? live_lookups(NIL) : stored_lookups(name))
	{
		sg_sink_text(&sink, lookup->table);
		sg_sink_names(&sink, lookup->key);
		sg_sink_datum(&sink, sg_text_array(lookup->ignored));
		if (lookup->reason)
			sg_sink_null(&sink);
		else
			sg_sink_datum(&sink, lookup->contents);
		sg_sink_text(&sink, lookup->reason);
		sg_sink_emit(&sink);
	}
	PG_RETURN_VOID();
}

/*
 * sg_lookup_taken(table_name text, keys jsonb)
 *
 * Returns those of the keys that a row of a look-up table has now, whatever its
 * condition says.  NULL: the caller can't read that.
 */
static Datum
sg_lookup_taken_entered(PG_FUNCTION_ARGS)
{
	char	   *sql = psprintf("SELECT n.name AS table_name, p.relid, NULL::text[] AS key_columns, NULL::text[] AS ignored_columns,"
							   " NULL::text AS author, NULL::oid AS author_id, NULL::text AS reason, format('SELECT %%L::pg_catalog.jsonb ->"
							   " (\"~v\".\"~n\" - 1)::pg_catalog.int4 FROM (%%s) AS \"~v\" WHERE EXISTS (SELECT FROM %%s AS \"~t\" WHERE %%s)',"
							   " $1, p.rows, p.named, p.matches) AS query FROM (SELECT %s) n (name),"
							   " schemaguard.sg_rows_parts(n.name, ARRAY(SELECT jsonb_object_keys($1 -> 0)), $1) p"
							   " WHERE p.relid IS NOT NULL AND p.missing IS NULL", quote_literal_cstr(sg_arg_text(fcinfo, 0)));
	List	   *lookups = find_lookups(sql, JSONBOID, PG_GETARG_DATUM(1), false);
	Lookup	   *lookup = lookups ? linitial(lookups) : NULL;

	if (lookup)
		read_now(lookup);
	if (lookup == NULL || lookup->reason)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(lookup->contents);
}

/* Returns what steps have made of rows since the reference was taken in this database, for sg_lookup_counts(); NULL: nothing */
static char *
made_since(const char *reference, const char *target)
{
	SnapshotInfo *info = strcmp(reference, SNAPSHOT_LIVE) != 0 && strcmp(target, SNAPSHOT_LIVE) == 0 ? snapshot_get(reference) : NULL;

	return info && drift_taken_here(info) ? plan_rows_since(info->taken_at) : NULL;
}

List *
drift_lookup_rows(const char *reference, const char *target, List *schemas)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(reference), CStringGetTextDatum(target), (Datum) 0, (Datum) 0};
	char		nulls[] = {' ', ' ', 'n', 'n', '\0'};
	MemoryContext context = CurrentMemoryContext;
	List	   *rows = NIL;
	char	   *made;
	SgScope		scope;
	uint64		n;

	/* version 0.1.0 has no such table */
	if (!OidIsValid(get_relname_relid("snapshot_lookup", sg_schema_oid())))
		return NIL;
	made = made_since(reference, target);
	if (schemas)
	{
		values[2] = sg_text_array(schemas);
		nulls[2] = ' ';
	}
	if (made)
	{
		values[3] = CStringGetTextDatum(made);
		nulls[3] = ' ';
	}
	n = sg_caller_execute(&scope, "SELECT table_name, told, unknown, loses, planned FROM schemaguard.sg_lookup_counts($1, $2, $3, $4::jsonb)",
						  lengthof(types), types, values, nulls);
	for (uint64 i = 0; i < n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		DriftRow   *row = MemoryContextAllocZero(context, sizeof(DriftRow));
		bool		unknown = sg_spi_bool(tuple, desc, "unknown");
		bool		planned = sg_spi_bool(tuple, desc, "planned");
		char	   *told = sg_spi_text(tuple, desc, "told");
		MemoryContext old = MemoryContextSwitchTo(context);

		row->kind = "rows";
		row->object = row->target = sg_spi_text(tuple, desc, "table_name");
		row->change = DRIFT_CHANGED;
		row->class = unknown ? CLASS_UNKNOWN : planned ? CLASS_PLANNED : CLASS_DRIFT;
		row->risk = unknown ? DRIFT_RISKLESS : sg_spi_bool(tuple, desc, "loses") ? DRIFT_LOSSY : DRIFT_SAFE;
		row->detail = unknown ? told : psprintf("%s (sg_lookup_drift has them)%s", told, planned ? "; by steps of plans" : "");
		rows = lappend(rows, row);
		MemoryContextSwitchTo(old);
	}
	sg_caller_finish(&scope);
	return rows;
}

/* Names a table whose contents are left out, with the reason */
static void
append_left(StringInfo left, const char *table, const char *reason)
{
	appendStringInfo(left, "%s%s: %s", left->len ? "\n" : "", table, reason);
}

/*
 * The contents that a role may read, as a document has them, or why not; %s: of
 * which snapshot, and of which tables of it
 */
#define CONTENTS "(SELECT pg_catalog.jsonb_agg(CASE WHEN c.reason IS NULL THEN pg_catalog.jsonb_build_object('table', c.table_name," \
	" 'key', c.key_columns, 'ignored', c.ignored_columns, 'contents', c.contents) ELSE" \
	" pg_catalog.jsonb_build_object('table', c.table_name, 'reason', c.reason) END) FROM schemaguard.sg_lookup_contents(%s) c%s)"

/* Returns the contents that the caller may read, for the document of a snapshot, and tells which are left out; NULL: none */
static Jsonb *
export_contents(const SnapshotInfo *info)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(info->name);
	MemoryContext context = CurrentMemoryContext;
	StringInfoData left;
	Jsonb	   *contents = NULL;
	SgScope		scope;
	bool		isnull;
	Datum		found;

	/* version 0.1.0 has no such table */
	if (!OidIsValid(get_relname_relid("snapshot_lookup", sg_schema_oid())))
		return NULL;
	initStringInfo(&left);
	foreach_ptr(const Lookup, lookup, stored_lookups(info->name))
	{
		if (lookup->reason)
			append_left(&left, lookup->table, lookup->reason);
	}
	(void) sg_caller_execute(&scope, psprintf("SELECT " CONTENTS, "$1", ""), 1, &type, &value, NULL);
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		contents = DatumGetJsonbPCopy(found);
		MemoryContextSwitchTo(old);
	}
	sg_caller_finish(&scope);
	if (left.len)
		ereport(NOTICE,
				(errmsg("look-up tables are not in the document of snapshot \"%s\"", info->name),
				 errdetail("%s", left.data)));
	return contents;
}

/* Stores the contents that a document, or another server, has of tables, with a snapshot, or why it has them not */
static void
import_contents(const char *name, Jsonb *rows)
{
	static const char *const form =
		"strict $.reason.type() == \"string\" && $.table.type() == \"string\" || $.table.type() == \"string\" && $.key.type() == \"array\" && $.key.size() > 0 && $.ignored.type() == \"array\""
		" && !exists($.key[*] ? (@.type() != \"string\")) && !exists($.ignored[*] ? (@.type() != \"string\"))"
		" && $.contents.type() == \"array\" && $.contents.size() <= 10000 && !exists($.contents[*] ? (@.type() != \"object\"))"
		" && !exists($.contents[*].* ? (@.type() != \"string\" && @.type() != \"null\"))";
	Oid			types[] = {TEXTOID, JSONBOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name), JsonbPGetDatum(rows), CStringGetTextDatum(form)};
	SgScope		scope;

	if (!OidIsValid(get_relname_relid("snapshot_lookup", sg_schema_oid())))
		return;
	sg_owner_begin(&scope);
	SPI_connect();
	if (!JB_ROOT_IS_ARRAY(rows) ||
		sg_owner_execute(SPI_OK_SELECT, "SELECT FROM jsonb_array_elements($2) e WHERE (e @@ $3::jsonpath) IS NOT TRUE"
						 " OR e ->> 'table' !~ '^(\"([^\"]|\"\")+\"|[a-z_][a-z0-9_$]*)[.](\"([^\"]|\"\")+\"|[a-z_][a-z0-9_$]*)$'"
						 " OR $1 IS NULL", lengthof(types), types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a document of snapshot \"%s\" has rows that are not valid", name),
				 errhint("Export it again, and take it over as it is.")));
	(void) sg_owner_execute(SPI_OK_INSERT,
							"INSERT INTO schemaguard.snapshot_lookup (snapshot, table_name, key_columns, ignored_columns, contents, reason)"
							" SELECT $1, quote_ident(p.n[1]) || '.' || quote_ident(p.n[2]), ARRAY(SELECT jsonb_array_elements_text(e -> 'key')),"
							" ARRAY(SELECT jsonb_array_elements_text(e -> 'ignored')), e -> 'contents', e ->> 'reason'"
							" FROM jsonb_array_elements($2) e CROSS JOIN LATERAL parse_ident(e ->> 'table') p (n) WHERE $3 IS NOT NULL",
							lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Contents of the tables of a server */
typedef struct There
{
	const char *server;
	const char *of_schemas;		/* condition */
	char	   *contents;		/* NULL: none */
} There;

static void
read_there(void *arg)
{
	There	   *there = arg;

	snapshot_remote_open(there->server, NULL);
	if (snapshot_remote_ask("SELECT coalesce(pg_catalog.to_regprocedure('schemaguard.sg_lookup_contents(text)')::pg_catalog.text, '')")[0])
		there->contents = snapshot_remote_ask(psprintf("SELECT coalesce(" CONTENTS "::pg_catalog.text, '[]')", "'live'", there->of_schemas));
	snapshot_remote_close();
}

/* Stores, of the look-up tables of this database that a server has not told of, why not */
static void
store_missing(const char *name, List *schemas, const char *reason)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name), schemas ? sg_text_array(schemas) : (Datum) 0, CStringGetTextDatum(reason)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_INSERT,
							"INSERT INTO schemaguard.snapshot_lookup (snapshot, table_name, reason)"
							" SELECT $1, q.table_name, $3 FROM schemaguard.sg_lookup_queries($2) q ON CONFLICT DO NOTHING",
							lengthof(types), types, values, schemas ? NULL : " n ");
	SPI_finish();
	sg_scope_end(&scope);
}

/* Stores the contents of the tables of a server, where this database has look-up tables, too; tells why not */
static void
store_there(const char *name, List *schemas, const char *server)
{
	There		there = {.server = server,.of_schemas = ""};
	Datum		any;
	ErrorData  *error;

	if (!sg_owner_fetch("SELECT 'yes' FROM schemaguard.lookup_table WHERE $1 IS NOT NULL LIMIT 1", "", &any))
		return;
	if (schemas)
		there.of_schemas = psprintf(" WHERE (pg_catalog.parse_ident(c.table_name))[1] = ANY (%s)",
									quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(schemas))));
	error = sg_try(read_there, &there);
	if (error)
	{
		snapshot_remote_close();
		sg_rethrow_cancel(error);
	}
	if (there.contents)
		import_contents(name, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(there.contents))));
	store_missing(name, schemas, error ? sg_error_message(error) : there.contents ? "schemaguard.lookup_table does not name it there" :
				  "schemaguard is not installed there");
	if (sg_owner_fetch("SELECT string_agg(table_name || ': ' || reason, E'\\n' ORDER BY table_name) FROM schemaguard.snapshot_lookup"
					   " WHERE snapshot = $1 AND reason IS NOT NULL HAVING count(*) > 0", name, &any))
		ereport(NOTICE,
				(errmsg("look-up tables of server \"%s\" were not stored with snapshot \"%s\"", server, name),
				 errdetail("%s", TextDatumGetCString(any))));
}

/* Stores the contents with a snapshot that was taken, and tells which were not */
static void
store_contents(const char *name, List *schemas, const char *server)
{
	StringInfoData left;
	SgScope		scope;
	List	   *lookups;

	/* version 0.1.0 has no such table */
	if (!OidIsValid(get_relname_relid("lookup_table", sg_schema_oid())))
		return;
	if (server)
	{
		store_there(name, schemas, server);
		return;
	}
	lookups = live_lookups(schemas);
	initStringInfo(&left);
	sg_owner_begin(&scope);
	SPI_connect();
	foreach_ptr(const Lookup, lookup, lookups)
	{
		Oid			types[] = {TEXTOID, TEXTOID, OIDOID, TEXTARRAYOID, TEXTARRAYOID, JSONBOID, TEXTOID};
		Datum		values[] = {CStringGetTextDatum(name), CStringGetTextDatum(lookup->table), ObjectIdGetDatum(lookup->relid),
			sg_text_array(lookup->key), sg_text_array(lookup->ignored), lookup->reason ? (Datum) 0 : lookup->contents,
		lookup->reason ? CStringGetTextDatum(lookup->reason) : (Datum) 0};
		char		nulls[] = {' ', ' ', OidIsValid(lookup->relid) ? ' ' : 'n', lookup->key ? ' ' : 'n', ' ', lookup->reason ? 'n' : ' ',
		lookup->reason ? ' ' : 'n'};

		(void) sg_owner_execute(SPI_OK_INSERT,
								"INSERT INTO schemaguard.snapshot_lookup (snapshot, table_name, relid, key_columns, ignored_columns,"
								" contents, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)", lengthof(types), types, values, nulls);
		if (lookup->reason)
			append_left(&left, lookup->table, lookup->reason);
	}
	SPI_finish();
	sg_scope_end(&scope);
	if (left.len)
		ereport(NOTICE,
				(errmsg("look-up tables were not stored with snapshot \"%s\"", name),
				 errdetail("%s", left.data)));
}

void
drift_lookup_init(void)
{
	snapshot_taken_hook = store_contents;
	snapshot_exported_hook = export_contents;
	snapshot_imported_hook = import_contents;
}
