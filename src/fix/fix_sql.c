/*-------------------------------------------------------------------------
 *
 * fix_sql.c
 *	  Statements that find, lock and judge orphans.
 *
 *	  They are built like those of audit_sql.c: every name qualified, every
 *	  operator the key's, ONLY unless a table is partitioned.  Places are
 *	  passed as two arrays; a partitioned table is addressed as a whole, so
 *	  that its own triggers and privileges apply, and the partition is part of
 *	  the place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/parsenodes.h"
#include "optimizer/plancat.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/nametable.h"
#include "base/quote.h"
#include "base/spi.h"
#include "fix/fix.h"
#include "fix/fix_sql.h"
#include "plan/plan_call.h"
#include "run/run_name.h"

/* ---- places ---- */

void
fix_places_init(FixPlaces *places)
{
	memset(places, 0, sizeof(FixPlaces));
	places->context = CurrentMemoryContext;
}

void
fix_places_add(FixPlaces *places, Oid leaf, const ItemPointerData *tid)
{
	if (places->n == places->max)
	{
		places->max = Max(places->max * 2, 64);
		if (places->places == NULL)
			places->places = MemoryContextAllocHuge(places->context,
													places->max * sizeof(FixPlace));
		else
			places->places = repalloc_huge(places->places, places->max * sizeof(FixPlace));
	}
	places->places[places->n].leaf = leaf;
	places->places[places->n].tid = *tid;
	places->places[places->n].unused = 0;
	places->n++;
}

void
fix_places_args(const FixPlaces *places, Datum *values)
{
	Datum	   *leaves = palloc(sizeof(Datum) * Max(places->n, 1));
	Datum	   *tids = palloc(sizeof(Datum) * Max(places->n, 1));

	for (int64 i = 0; i < places->n; i++)
	{
		leaves[i] = ObjectIdGetDatum(places->places[i].leaf);
		tids[i] = PointerGetDatum(&places->places[i].tid);
	}
	values[0] = PointerGetDatum(construct_array(leaves, places->n, OIDOID, sizeof(Oid), true,
												TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(tids, places->n, TIDOID, sizeof(ItemPointerData),
												false, TYPALIGN_SHORT));
}

/*
 * Appends the condition that the row of an alias is at one of the places of
 * arguments 2n + 1 and 2n + 2
 */
void
fix_append_places(StringInfo buf, Oid table, const char *alias, int n)
{
	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		appendStringInfo(buf, "%s.ctid OPERATOR(pg_catalog.=) ANY ($%d)", alias, 2 * n + 2);
	else
		appendStringInfo(buf, "(%s.tableoid, %s.ctid) OPERATOR(pg_catalog.=) ANY"
						 " (SELECT u.leaf, u.tid FROM ROWS FROM (pg_catalog.unnest($%d),"
						 " pg_catalog.unnest($%d)) AS u (leaf, tid))",
						 alias, alias, 2 * n + 1, 2 * n + 2);
}

/*
 * The plans of statements that come again with each batch, and with each step
 * of a chain.  The server makes them anew when what they name has changed.
 */
#define MOST_PLANS		1000
#define LONG_STATEMENT	4096	/* bytes: it holds places, and comes once */

static SgNameTable *kept_plans = NULL;	/* SPIPlanPtr, by options and
										 * statement */
static MemoryContext plans_context = NULL;
static List *plans_list = NIL;	/* SPIPlanPtr */

void
fix_forget_plans(void)
{
	foreach_ptr(struct _SPI_plan, plan, plans_list)
	{
		SPI_freeplan(plan);
	}
	if (plans_context)
		MemoryContextReset(plans_context);
	kept_plans = NULL;
	plans_list = NIL;
}

static void
keep_plan(const char *sql, const char *kind, SPIPlanPtr plan)
{
	MemoryContext old;

	if (plans_context == NULL)
		plans_context = AllocSetContextCreate(TopMemoryContext, "schemaguard plans of a fix", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(plans_context);
	if (kept_plans == NULL)
		kept_plans = sg_names_create(plans_context);
	SPI_keepplan(plan);
	plans_list = lappend(plans_list, plan);
	sg_names_enter(kept_plans, pstrdup(kind), pstrdup(sql))->value = plan;
	MemoryContextSwitchTo(old);
}

static SPIPlanPtr
prepare(const char *sql, int lists, int options)
{
	char		kind[32];
	Oid		   *types = palloc(sizeof(Oid) * 2 * lists);
	SPIPlanPtr	plan;

	run_check_names(sql);
	snprintf(kind, sizeof(kind), "%d %d", lists, options);
	plan = kept_plans ? sg_names_value(kept_plans, kind, sql) : NULL;
	if (plan)
		return plan;
	for (int i = 0; i < lists; i++)
	{
		types[2 * i] = OIDARRAYOID;
		types[2 * i + 1] = TIDARRAYOID;
	}
	plan = SPI_prepare_cursor(sql, 2 * lists, types, options);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), sql);
	if (list_length(plans_list) < MOST_PLANS && strlen(sql) < LONG_STATEMENT)
		keep_plan(sql, kind, plan);
	return plan;
}

SPIPlanPtr
fix_prepare(const char *sql, int lists)
{
	return prepare(sql, lists, CURSOR_OPT_GENERIC_PLAN);
}

/*
 * Appends the rows of a table at the places of arguments 1 and 2, in their
 * order
 */
void
fix_append_at_places(StringInfo buf, Oid table)
{
	appendStringInfoString(buf, " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) WITH ORDINALITY AS u (leaf, tid, n) JOIN ");
	audit_sql_table(buf, table, "fk");
	appendStringInfo(buf, " ON (fk.ctid OPERATOR(pg_catalog.=) u.tid%s) ORDER BY u.n",
					 get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? " AND fk.tableoid OPERATOR(pg_catalog.=) u.leaf" : "");
}

static FixPlace
place_at(HeapTuple row, TupleDesc desc, int column)
{
	bool		isnull;
	FixPlace	place = {.leaf = DatumGetObjectId(SPI_getbinval(row, desc, column, &isnull))};

	place.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(row, desc, column + 1, &isnull));
	return place;
}

/*
 * A query on one or two lists of places; its first two columns are places
 * again.  A third says which list they go to; or two more are places of the
 * other list, and lists may be long.  limit: so many rows, or 0 for all.
 */
static void
query_places(const FixUnit *unit, const char *sql, const FixPlaces *in, const FixPlaces *also, int64 limit, FixPlaces *out, FixPlaces *other)
{
	Datum		values[4];
	SgScope		scope;
	int			rc;

	if (in->n == 0)
		return;

	fix_scope_begin(&scope, unit);

	/*
	 * the planner would read the ends of indexes, past all rows that are gone
	 * from there
	 */
	sg_scope_set("enable_mergejoin", "off");
	SPI_connect();
	fix_places_args(in, values);
	if (also)
		fix_places_args(also, values + 2);
	rc = SPI_execute_plan(prepare(sql, also ? 2 : 1, also && other ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN), values, NULL, false, limit);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		FixPlace	place = place_at(row, desc, 1);
		bool		isnull = true;
		bool		is_other = desc->natts == 3 && DatumGetBool(SPI_getbinval(row, desc, 3, &isnull)) && !isnull;

		fix_places_add(is_other ? other : out, place.leaf, &place.tid);
		if (desc->natts < 4)
			continue;
		place = place_at(row, desc, 3);
		fix_places_add(other, place.leaf, &place.tid);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* ---- the sentinel ---- */

static bool
is_not_null(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column = sg_column(relid, attnum);
	bool		not_null = column.attnotnull;
	Oid			type = column.atttypid;

	/* a domain, or its base domain, may be NOT NULL */
	while (!not_null && get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		if (!HeapTupleIsValid(tuple))
			sg_gone(ERRCODE_UNDEFINED_OBJECT, "a type");
		not_null = ((Form_pg_type) GETSTRUCT(tuple))->typnotnull;
		type = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
	return not_null;
}

/*
 * Checks that all columns of the policy are nullable; for a sentinel, except
 * with MATCH FULL, that one is
 */
List *
fix_null_columns(const FixKey *key, FixFate fate, FkProblem **problem)
{
	const FkKey *fk = key->key;
	bool		some = fate == FIX_SET_NULL && fk->ndelete_set > 0;
	const AttrNumber *columns = some ? fk->delete_set : fk->child_att;
	int			n = some ? fk->ndelete_set : fk->nkeys;
	bool		need_all = fate == FIX_SET_NULL || fk->match == FKCONSTR_MATCH_FULL;
	List	   *names = NIL;
	char	   *refusing = NULL;

	*problem = NULL;
	for (int i = 0; i < n; i++)
	{
		char	   *name = sg_column_name(fk->child, columns[i]);

		if (get_attgenerated(fk->child, columns[i]) != '\0')
			refusing = psprintf("column %s is generated", quote_identifier(name));
		else if (is_not_null(fk->child, columns[i]))
			refusing = psprintf("column %s is NOT NULL", quote_identifier(name));
		else
			names = lappend(names, name);
	}

	if (refusing && (need_all || names == NIL))
		*problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_NOT_NULL_VIOLATION,
							  psprintf("the key of %s can't be set to null: %s",
									   sg_relation_name(fk->child), refusing),
							  key->step && fate == FIX_SENTINEL ? psprintf("Do without the sentinel:\n%s", plan_set_call(key->step, "sentinel", NULL, NULL)) :
							  key->step ? psprintf("Name other columns with on_delete_columns, or have the rows go into quarantine:\n%s", plan_quarantine_call(key->step)) :
							  "Choose another policy, drop NOT NULL, or name other columns with on_delete_columns.");
	else if (some && fk->match == FKCONSTR_MATCH_FULL && n < fk->nkeys)
		*problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_INVALID_FOREIGN_KEY,
							  psprintf("MATCH FULL allows no null beside values, and on_delete_columns has %d of the key's %d columns",
									   n, fk->nkeys),
							  "Choose another policy.");
	return names;
}

static List *
null_columns_or_error(const FixKey *key, FixFate fate)
{
	FkProblem  *problem;
	List	   *columns = fix_null_columns(key, fate, &problem);

	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason),
				 errhint("%s", problem->hint)));
	return columns;
}

/* Appends the names that the list lacks */
static List *
append_names(List *names, List *more)
{
	foreach_ptr(char, name, more)
	{
		if (!sg_has_name(names, name))
			names = lappend(names, name);
	}
	return names;
}

/* Each column once, because keys may share columns, and an UPDATE sets each once */
List *
fix_row_set_columns(const FixRow *row)
{
	List	   *columns = row->fate == FIX_SET_NULL ? null_columns_or_error(row->by, FIX_SET_NULL) : NIL;

	foreach_ptr(const FixKey, by, row->also)
	{
		columns = append_names(columns, null_columns_or_error(by, FIX_SET_NULL));
	}
	return columns;
}

List *
fix_row_null_columns(const FixRow *row)
{
	List	   *columns = fix_row_set_columns(row);

	return row->fate == FIX_SENTINEL ? append_names(columns, null_columns_or_error(row->by, FIX_SENTINEL)) : columns;
}

/* Appends fk.a OPERATOR(s.=) what, by the type's own equality */
static void
append_equal(StringInfo buf, Oid table, AttrNumber attnum, const char *what)
{
	Oid			type = get_atttype(table, attnum);
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR);

	if (!OidIsValid(entry->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("nothing can be compared with column %s of %s: its type has no equality",
						quote_identifier(sg_column_name(table, attnum)), sg_relation_name(table))));
	generate_operator_clause(buf, audit_sql_column("fk", table, attnum), type, entry->eq_opr, what, type);
}

void
fix_append_is_sentinel(StringInfo buf, const FixKey *key, AttrNumber attnum)
{
	append_equal(buf, key->key->child, attnum,
				 psprintf("%s::%s", quote_literal_cstr(plan_given(key->step->sentinel)),
						  format_type_be_qualified(get_atttype(key->key->child, attnum))));
}

/*
 * Appends the condition that the row would be no orphan if its sentinels were
 * null: MATCH SIMPLE needs one null, MATCH FULL all.
 */
static void
append_sentinel_condition(StringInfo buf, const FixKey *key)
{
	bool		full = key->key->match == FKCONSTR_MATCH_FULL;
	FkProblem  *problem;
	List	   *columns = fix_null_columns(key, FIX_SENTINEL, &problem);
	ListCell   *lc;

	appendStringInfoChar(buf, '(');
	foreach(lc, columns)
	{
		AttrNumber	attnum = get_attnum(key->key->child, lfirst(lc));

		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, full ? " AND " : " OR ");
		if (full)
			appendStringInfo(buf, "(%s IS NOT DISTINCT FROM NULL OR ",
							 audit_sql_column("fk", key->key->child, attnum));
		fix_append_is_sentinel(buf, key, attnum);
		if (full)
			appendStringInfoChar(buf, ')');
	}
	appendStringInfoChar(buf, ')');
}

/* ---- finding and judging ---- */

const FixPlace *
fix_kept(const FixKey *key, const FixPlace *place)
{
	const FixTwin *twin = key->kept ? hash_search(key->kept, place, HASH_FIND, NULL) : NULL;

	return twin ? &twin->kept : NULL;
}

/* Appends '{"(0,1)","(0,2)"}' of places, and '{16384,16384}' of their tables */
static void
append_arrays(StringInfo buf, const FixPlaces *places)
{
	appendStringInfoString(buf, "'{");
	for (int64 i = 0; i < places->n; i++)
		appendStringInfo(buf, "%s%u", i ? "," : "", places->places[i].leaf);
	appendStringInfoString(buf, "}'::pg_catalog.oid[]), pg_catalog.unnest('{");
	for (int64 i = 0; i < places->n; i++)
		appendStringInfo(buf, "%s\"(%u,%u)\"", i ? "," : "",
						 ItemPointerGetBlockNumber(&places->places[i].tid),
						 ItemPointerGetOffsetNumber(&places->places[i].tid));
	appendStringInfoString(buf, "}'::pg_catalog.tid[])");
}

/*
 * Appends the condition that a row at one of these places still equals the one
 * that stays.  Their order is not compared again, because a changed row has
 * another place.
 */
static void
append_has_kept(StringInfo buf, const FixKey *key, const FixPlaces *places)
{
	Oid			table = key->rule->table;
	FixPlaces	gone;
	FixPlaces	kept;
	ListCell   *lc;

	fix_places_init(&gone);
	fix_places_init(&kept);
	for (int64 i = 0; i < places->n; i++)
	{
		const FixPlace *stays = fix_kept(key, &places->places[i]);

		if (stays == NULL)
			continue;
		fix_places_add(&gone, places->places[i].leaf, &places->places[i].tid);
		fix_places_add(&kept, stays->leaf, &stays->tid);
	}
	appendStringInfoString(buf, "EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(");
	append_arrays(buf, &gone);
	appendStringInfoString(buf, ", pg_catalog.unnest(");
	append_arrays(buf, &kept);
	appendStringInfoString(buf, ") AS w (leaf, tid, kept_leaf, kept_tid) JOIN ");
	audit_sql_table(buf, table, "k");
	appendStringInfoString(buf, " ON (k.ctid OPERATOR(pg_catalog.=) w.kept_tid AND k.tableoid OPERATOR(pg_catalog.=) w.kept_leaf)"
						   " WHERE w.leaf OPERATOR(pg_catalog.=) fk.tableoid AND w.tid OPERATOR(pg_catalog.=) fk.ctid");
	foreach(lc, key->rule->equal)
	{
		AttrNumber	attnum = get_attnum(table, lfirst(lc));

		appendStringInfoString(buf, " AND ");
		append_equal(buf, table, attnum, audit_sql_column("k", table, attnum));
	}
	appendStringInfoChar(buf, ')');
}

/*
 * Appends the condition that a row at one of the places breaks the rule, or has
 * a key value without a parent
 */
void
fix_append_orphan(StringInfo buf, const FixKey *fix_key, const FixPlaces *places)
{
	const FkKey *key = fix_key->key;

	if (fix_key->rule && fix_key->rule->equal)
	{
		append_has_kept(buf, fix_key, places);
		return;
	}
	if (fix_key->rule)
	{
		appendStringInfo(buf, "(%s)", fix_key->rule->broken);
		return;
	}
	audit_sql_checked(buf, key);
	appendStringInfoString(buf, " AND NOT EXISTS (SELECT FROM ");
	audit_sql_table(buf, key->parent, "pk");
	appendStringInfoString(buf, " WHERE ");
	audit_sql_match(buf, key);
	appendStringInfoChar(buf, ')');
}

char *
fix_set_statement(const FixKey *key)
{
	bool		sets = fix_policy_fate(key->step) == FIX_SET_NULL;
	FkProblem  *problem = NULL;
	List	   *columns = sets || key->step->sentinel ? fix_null_columns(key, sets ? FIX_SET_NULL : FIX_SENTINEL, &problem) : NIL;
	StringInfoData buf;

	if (problem || columns == NIL)
		return NULL;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "UPDATE ");
	audit_sql_table(&buf, key->key->child, "fk");
	foreach_ptr(const char, column, columns)
	{
		AttrNumber	attnum = get_attnum(key->key->child, column);

		appendStringInfo(&buf, "%s%s = ", column == linitial(columns) ? " SET " : ", ", quote_identifier(column));
		if (sets)
			appendStringInfoString(&buf, "NULL");
		else
		{
			appendStringInfoString(&buf, "CASE WHEN ");
			fix_append_is_sentinel(&buf, key, attnum);
			appendStringInfo(&buf, " THEN NULL ELSE %s END", audit_sql_column("fk", key->key->child, attnum));
		}
	}
	appendStringInfoString(&buf, " WHERE ");
	fix_append_orphan(&buf, key, NULL);
	if (!sets)
	{
		appendStringInfoString(&buf, " AND ");
		append_sentinel_condition(&buf, key);
	}
	return buf.data;
}

/* Receives places, from plans that may be parallel */
typedef struct PlaceReceiver
{
	DestReceiver pub;
	FixPlaces  *places;
	HTAB	   *kept;			/* table for the third and fourth column, or
								 * NULL */
} PlaceReceiver;

static bool
receive_place(TupleTableSlot *slot, DestReceiver *self)
{
	PlaceReceiver *receiver = (PlaceReceiver *) self;

	slot_getallattrs(slot);
	fix_places_add(receiver->places, DatumGetObjectId(slot->tts_values[0]),
				   (ItemPointer) DatumGetPointer(slot->tts_values[1]));
	if (receiver->kept)
	{
		FixTwin    *twin = hash_search(receiver->kept, &receiver->places->places[receiver->places->n - 1],
									   HASH_ENTER, NULL);

		memset(&twin->kept, 0, sizeof(FixPlace));
		twin->kept.leaf = DatumGetObjectId(slot->tts_values[2]);
		twin->kept.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[3]);
	}
	return true;
}

/* Reads rows as the role that may judge them */
static void
find_places(const FixKey *key, const char *sql, DestReceiver *receiver)
{
	SgScope		scope;

	if (key->rule)
	{
		FixUnit    *unit = fix_unit(key->rule->table);

		fix_unit_judge(unit, key);
		fix_scope_begin(&scope, unit);
	}
	else
		audit_scope_begin(&scope, key->key, false);
	sg_spi_receive(sql, fk_tables(key->key), -1, true, receiver);
	sg_scope_end(&scope);
}

/*
 * Returns the query for all but the first of equal rows, each with the first
 * one; sorts on disk if they are many
 */
static char *
find_equal_query(const DeployRule *rule, int64 limit)
{
	StringInfoData columns;
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&columns);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT w.leaf, w.tid, w.kept_leaf, w.kept_tid FROM (SELECT fk.tableoid AS leaf, fk.ctid AS tid,"
						   " pg_catalog.first_value(fk.tableoid) OVER g AS kept_leaf,"
						   " pg_catalog.first_value(fk.ctid) OVER g AS kept_tid FROM ");
	audit_sql_table(&buf, rule->table, "fk");
	foreach(lc, rule->equal)
	{
		const char *column = audit_sql_column("fk", rule->table, get_attnum(rule->table, lfirst(lc)));

		appendStringInfo(&columns, "%s%s", columns.len ? ", " : "", column);
		appendStringInfo(&buf, " %s %s IS DISTINCT FROM NULL", foreach_current_index(lc) ? "AND" : "WHERE", column);
	}
	appendStringInfo(&buf, " WINDOW g AS (PARTITION BY %s ORDER BY %s, fk.tableoid, fk.ctid)) w"
					 " WHERE w.tid OPERATOR(pg_catalog.<>) w.kept_tid OR w.leaf OPERATOR(pg_catalog.<>) w.kept_leaf"
					 " LIMIT " INT64_FORMAT, columns.data, rule->keep_by, limit);
	return buf.data;
}

static HTAB *
new_twins(MemoryContext context)
{
	HASHCTL		ctl = {.keysize = sizeof(FixPlace),.entrysize = sizeof(FixTwin),.hcxt = context};

	return hash_create("schemaguard equal rows", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
fix_find(FixKey *key, int64 limit, FixPlaces *found)
{
	PlaceReceiver receiver = {
		.pub = sg_receiver(receive_place),
		.places = found,
	};
	const FkKey *fk = key->key;
	StringInfoData buf;

	initStringInfo(&buf);
	if (key->rule && key->rule->equal)
	{
		if (key->kept)
			hash_destroy(key->kept);
		receiver.kept = key->kept = new_twins(found->context);
		find_places(key, find_equal_query(key->rule, limit), &receiver.pub);
		return;
	}
	appendStringInfoString(&buf, "SELECT fk.tableoid, fk.ctid FROM ");
	audit_sql_table(&buf, fk->child, "fk");
	if (key->rule)
	{
		appendStringInfo(&buf, " WHERE %s LIMIT " INT64_FORMAT, key->rule->broken, limit);
		find_places(key, buf.data, &receiver.pub);
		return;
	}
	appendStringInfoString(&buf, " LEFT JOIN ");
	audit_sql_table(&buf, fk->parent, "pk");
	appendStringInfoString(&buf, " ON (");
	audit_sql_match(&buf, fk);
	appendStringInfo(&buf, ") WHERE %s IS NOT DISTINCT FROM NULL AND ",
					 audit_sql_column("pk", fk->parent, fk->parent_att[0]));
	audit_sql_checked(&buf, fk);
	if (fix_policy_fate(key->step) == FIX_LEAVE)
	{
		appendStringInfoString(&buf, " AND ");
		append_sentinel_condition(&buf, key);
	}
	appendStringInfo(&buf, " LIMIT " INT64_FORMAT, limit);

	find_places(key, buf.data, &receiver.pub);
}

/*
 * Where a table was never analyzed, as after a restore, estimate_rel_size()
 * takes the widths of types for those of values, and finds thirty times the
 * rows where they are long texts.  Then the rows of so many pages are counted,
 * spread evenly over the table, or all of it.
 */
#define SAMPLE_PAGES 32

/* Counts the rows in some pages */
static double
count_rows(Relation rel, BlockNumber first, BlockNumber last)
{
	double		rows = 0;
	ItemPointerData from;
	ItemPointerData to;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan;

	ItemPointerSet(&from, first, FirstOffsetNumber);
	ItemPointerSet(&to, last, PG_UINT16_MAX);
	scan = table_beginscan_tidrange(rel, snapshot, &from, &to, SO_NONE);
	while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
		rows++;
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return rows;
}

/* Estimates a table's rows by some of its pages; a page's own rows are counted, not what is free in it */
static double
sample_rows(Relation rel)
{
	BlockNumber pages = RelationGetNumberOfBlocks(rel);
	double		rows = 0;

	if (pages <= SAMPLE_PAGES)
		return pages > 0 ? count_rows(rel, 0, pages - 1) : 0;
	for (int i = 0; i < SAMPLE_PAGES; i++)
	{
		BlockNumber page = (BlockNumber) ((double) pages * i / SAMPLE_PAGES);

		rows += count_rows(rel, page, page);
	}
	return rows * pages / SAMPLE_PAGES;
}

double
fix_estimate_rows(Oid table)
{
	double		rows = 0;

	foreach_oid(leaf, sg_with_partitions(table))
	{
		Relation	rel;
		BlockNumber pages;
		double		tuples;
		double		visible;

		if (get_rel_relkind(leaf) != RELKIND_RELATION)
			continue;
		rel = sg_relation_open(leaf, AccessShareLock);
		if (rel->rd_tableam->scan_getnextslot_tidrange &&
			(rel->rd_rel->reltuples < 0 || rel->rd_rel->relpages == 0 || RelationGetNumberOfBlocks(rel) <= SAMPLE_PAGES))
			tuples = sample_rows(rel);
		else
			estimate_rel_size(rel, NULL, &pages, &tuples, &visible);
		rows += tuples;
		table_close(rel, NoLock);
	}
	return rows;
}

double
fix_estimate_width(Oid table)
{
	double		rows = fix_estimate_rows(table);
	double		bytes = 0;

	foreach_oid(leaf, sg_with_partitions(table))
	{
		if (get_rel_relkind(leaf) == RELKIND_RELATION)
			bytes += DatumGetInt64(DirectFunctionCall1(pg_table_size, ObjectIdGetDatum(leaf)));
	}
	return rows > 0 ? bytes / rows : 0;
}

static void
lock_rows(Oid table, const char *strength, const FixPlaces *in, FixPlaces *locked)
{
	FixUnit    *unit = fix_unit(table);
	StringInfoData buf;

	fix_unit_lock(unit, table);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT fk.tableoid, fk.ctid FROM ");
	audit_sql_table(&buf, table, "fk");
	appendStringInfoString(&buf, " WHERE ");
	fix_append_places(&buf, table, "fk", 0);
	appendStringInfo(&buf, " FOR %s OF fk SKIP LOCKED", strength);
	query_places(unit, buf.data, in, NULL, 0, locked, NULL);
}

void
fix_lock(Oid table, const FixPlaces *in, FixPlaces *locked)
{
	lock_rows(table, "UPDATE", in, locked);
}

void
fix_exist(Oid table, const FixPlaces *in, FixPlaces *out)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT fk.tableoid, fk.ctid FROM ");
	audit_sql_table(&buf, table, "fk");
	appendStringInfoString(&buf, " WHERE ");
	fix_append_places(&buf, table, "fk", 0);
	query_places(fix_unit(table), buf.data, in, NULL, 0, out, NULL);
}

static HTAB *
set_of(const FixPlaces *places)
{
	HASHCTL		ctl = {.keysize = sizeof(FixPlace),.entrysize = sizeof(FixPlace),
	.hcxt = CurrentMemoryContext};
	HTAB	   *set = hash_create("schemaguard places", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	for (int64 i = 0; i < places->n; i++)
		(void) hash_search(set, &places->places[i], HASH_ENTER, NULL);
	return set;
}

/* If the row that stays is gone itself, judging finds nothing, and the next pass finds another one */
void
fix_lock_kept(const FixKey *key, FixPlaces *locked)
{
	FixPlaces	kept;
	FixPlaces	held;
	FixPlaces	there;
	HTAB	   *ours;
	HTAB	   *existing;
	int64		n = 0;

	if (key->kept == NULL || locked->n == 0)
		return;
	fix_places_init(&kept);
	fix_places_init(&held);
	fix_places_init(&there);
	for (int64 i = 0; i < locked->n; i++)
	{
		const FixPlace *place = fix_kept(key, &locked->places[i]);

		if (place)
			fix_places_add(&kept, place->leaf, &place->tid);
	}
	lock_rows(key->rule->table, "SHARE", &kept, &held);
	ours = set_of(&held);
	fix_exist(key->rule->table, &kept, &there);
	existing = set_of(&there);
	for (int64 i = 0; i < locked->n; i++)
	{
		const FixPlace *place = fix_kept(key, &locked->places[i]);

		if (place && (hash_search(ours, place, HASH_FIND, NULL) || !hash_search(existing, place, HASH_FIND, NULL)))
			locked->places[n++] = locked->places[i];
	}
	locked->n = n;
}

void
fix_judge(const FixKey *key, const FixPlaces *in, FixPlaces *orphans, FixPlaces *sentinels)
{
	const FkKey *fk = key->key;
	FixUnit    *unit = fix_unit(fk->child);
	StringInfoData buf;

	fix_unit_judge(unit, key);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT fk.tableoid, fk.ctid, ");
	if (key->step->sentinel)
		append_sentinel_condition(&buf, key);
	else
		appendStringInfoString(&buf, "false");
	appendStringInfoString(&buf, " FROM ");
	audit_sql_table(&buf, fk->child, "fk");
	appendStringInfoString(&buf, " WHERE ");
	fix_append_places(&buf, fk->child, "fk", 0);
	appendStringInfoString(&buf, " AND ");
	fix_append_orphan(&buf, key, in);
	query_places(unit, buf.data, in, NULL, 0, orphans, sentinels);
}

/*
 * Places of rows that refer by a key to these, among the children if there are
 * some; with `to`, also of those to which they refer, in the same order
 */
static void
join_places(const FkKey *key, const FixPlaces *parents, const FixPlaces *children, int64 limit, FixPlaces *out, FixPlaces *to)
{
	FixUnit    *unit = fix_unit(key->child);
	StringInfoData buf;

	fix_unit_key(unit, key);

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT fk.tableoid, fk.ctid%s FROM ", to ? ", pk.tableoid, pk.ctid" : "");
	audit_sql_table(&buf, key->parent, "pk");
	appendStringInfoString(&buf, " JOIN ");
	audit_sql_table(&buf, key->child, "fk");
	appendStringInfoString(&buf, " ON (");
	audit_sql_match(&buf, key);
	appendStringInfoString(&buf, ") WHERE ");
	fix_append_places(&buf, key->parent, "pk", 0);
	if (children)
	{
		appendStringInfoString(&buf, " AND ");
		fix_append_places(&buf, key->child, "fk", 1);
	}
	query_places(unit, buf.data, parents, children, limit, out, to);
}

void
fix_reach(const FkKey *key, const FixPlaces *parents, int64 limit, FixPlaces *out)
{
	join_places(key, parents, NULL, limit, out, NULL);
}

void
fix_reach_again(const FkKey *key, const FixPlaces *parents, const FixPlaces *children, FixPlaces *out)
{
	join_places(key, parents, children, 0, out, NULL);
}

void
fix_pairs(const FkKey *key, const FixPlaces *children, const FixPlaces *parents, FixPlaces *from, FixPlaces *to)
{
	if (children->n > 0)
		join_places(key, parents, children, 0, from, to);
}
