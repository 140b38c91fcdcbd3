/*-------------------------------------------------------------------------
 *
 * run_rows.c
 *	  Counts of the rows that a call deletes or changes, by table.
 *
 *	  The last line of a call always has these counts, whatever its verbosity.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/oidlist.h"
#include "base/quote.h"
#include "base/words.h"
#include "fk/fk.h"
#include "run/run_rows.h"
#include "run/run_unit.h"

#define MOST_TABLES 10			/* number of tables named for each fate */
#define LONG_LINE	300			/* length in bytes after which no more tables
								 * are named */

typedef struct TableRows
{
	Oid			table;			/* hash key */
	char	   *name;			/* name when its first rows were counted,
								 * because the table may have been dropped
								 * since */
	int64		n[ROW_FATES];
} TableRows;

struct RunRows
{
	MemoryContext context;
	HTAB	   *tables;			/* TableRows */
	int64		n[ROW_FATES];
};

/* Words for one row, for several rows, and for rows in a dry run */
static const char *const fate_words[ROW_FATES][3] = {
	[ROWS_DELETED] = {"was deleted, without a copy", "were deleted, without a copy", "would be deleted, without a copy"},
	[ROWS_CHANGED] = {"was changed, without a copy", "were changed, without a copy", "would be changed, without a copy"},
	[ROWS_SET] = {"was given a value, its old one is kept", "were given a value, their old ones are kept", "would be given a value, its old one kept"},
	[ROWS_QUARANTINED] = {"was put into quarantine", "were put into quarantine", "would be put into quarantine"},
	[ROWS_DROPPED] = {"is gone for good", "are gone for good", "would go for good"},
	[VALUES_DROPPED] = {"is gone for good", "are gone for good", "would go for good"},
};

RunRows *
run_rows_new(void)
{
	RunRows    *rows = palloc0(sizeof(RunRows));
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(TableRows),.hcxt = CurrentMemoryContext};

	rows->context = CurrentMemoryContext;
	rows->tables = hash_create("schemaguard rows of a call", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return rows;
}

/* Returns the counts of a table; `name` is its name in other counts, NULL: its present one */
static TableRows *
entry_of(RunRows *rows, Oid table, const char *name)
{
	TableRows  *entry = hash_search(rows->tables, &table, HASH_FIND, NULL);
	char	   *copy;

	if (entry)
		return entry;

	/*
	 * the name first, so that the table has no entry without a name if the
	 * look-up fails
	 */
	copy = MemoryContextStrdup(rows->context, name ? name : sg_relation_name(table));
	entry = hash_search(rows->tables, &table, HASH_ENTER, NULL);
	memset(entry->n, 0, sizeof(entry->n));
	entry->name = copy;
	return entry;
}

void
run_rows_add(RunRows *rows, Oid table, RowFate fate, int64 n)
{
	entry_of(rows, table, NULL)->n[fate] += n;
	rows->n[fate] += n;
}

int64
run_rows_count(const RunRows *rows, Oid table, RowFate fate)
{
	const TableRows *entry;

	if (!OidIsValid(table))
		return rows->n[fate];
	entry = hash_search(rows->tables, &table, HASH_FIND, NULL);
	return entry ? entry->n[fate] : 0;
}

int64
run_rows_lost(const RunRows *rows)
{
	return rows->n[ROWS_DELETED] + rows->n[ROWS_CHANGED] + rows->n[ROWS_SET];
}

int64
run_rows_gone(const RunRows *rows)
{
	int64		n = 0;

	for (int fate = 0; rows && fate < ROW_FATES; fate++)
	{
		if (fate != ROWS_QUARANTINED)
			n += rows->n[fate];
	}
	return n;
}

int64
run_rows_moved(const RunRows *rows)
{
	return rows->n[ROWS_QUARANTINED];
}

bool
run_rows_sum(const RunRows *rows, PlanLoss *loss)
{
	if (rows == NULL)
		return false;
	loss->deleted += rows->n[ROWS_DELETED] + rows->n[ROWS_DROPPED];
	loss->changed += rows->n[ROWS_CHANGED];
	loss->values += rows->n[VALUES_DROPPED];
	loss->uncounted += rows->n[UNCOUNTED_DROPPED];
	return run_rows_gone(rows) > 0;
}

List *
run_rows_tables(const RunRows *rows)
{
	HASH_SEQ_STATUS status;
	const TableRows *entry;
	List	   *tables = NIL;

	hash_seq_init(&status, rows->tables);
	while ((entry = hash_seq_search(&status)) != NULL)
		tables = lappend_oid(tables, entry->table);
	return tables;
}

void
run_rows_merge(RunRows *rows, const RunRows *others)
{
	HASH_SEQ_STATUS status;
	const TableRows *entry;

	hash_seq_init(&status, others->tables);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		TableRows  *sum = entry_of(rows, entry->table, entry->name);

		for (int fate = 0; fate < ROW_FATES; fate++)
			sum->n[fate] += entry->n[fate];
	}
	for (int fate = 0; fate < ROW_FATES; fate++)
		rows->n[fate] += others->n[fate];
}

/* Rows of a table that the transaction has written, or has written since a moment */
typedef struct Written
{
	Oid			table;
	int64		inserted;
	int64		deleted;
	int64		changed;
} Written;

static int64
ask_counter(PGFunction counter, Oid table)
{
	return DatumGetInt64(DirectFunctionCall1(counter, ObjectIdGetDatum(table)));
}

List *
run_rows_written(void)
{
	Oid			own = get_namespace_oid("schemaguard", true);
	List	   *tables = NIL;
	SgCatalog	all;
	HeapTuple	tuple;

	sg_catalog_begin_all(&all, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&all)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		Written		one = {.table = form->oid};

		if (form->relkind != RELKIND_RELATION || form->relnamespace == own || IsCatalogNamespace(form->relnamespace) ||
			form->relpersistence == RELPERSISTENCE_TEMP)
			continue;
		one.inserted = ask_counter(pg_stat_get_xact_tuples_inserted, one.table);
		one.deleted = ask_counter(pg_stat_get_xact_tuples_deleted, one.table);
		one.changed = ask_counter(pg_stat_get_xact_tuples_updated, one.table);
		if (one.inserted + one.deleted + one.changed > 0)
			tables = lappend(tables, memcpy(palloc(sizeof(Written)), &one, sizeof(Written)));
	}
	sg_catalog_end(&all);
	return tables;
}

/* Returns the entry of a table; a new table is also added to `tables` */
static Written *
written_of(SgOidLists *by_table, Oid table, List **tables)
{
	List	   *known = sg_lists_of(by_table, table);
	Written    *one;

	if (known)
		return linitial(known);
	one = palloc0(sizeof(Written));
	one->table = table;
	sg_lists_add(by_table, table, one);
	*tables = lappend(*tables, one);
	return one;
}

void
run_rows_add_written(RunRows *rows, const List *before)
{
	SgOidLists *by_table = sg_lists_create();
	SgOidLists *by_root = sg_lists_create();
	List	   *fresh = NIL;
	List	   *roots = NIL;

	foreach_ptr(Written, was, before)
	{
		sg_lists_add(by_table, was->table, was);
	}
	foreach_ptr(const Written, now, run_rows_written())
	{
		const Written *was = written_of(by_table, now->table, &fresh);
		Written    *sum = written_of(by_root, sg_partition_root(now->table), &roots);

		sum->inserted += Max(now->inserted - was->inserted, 0);
		sum->deleted += Max(now->deleted - was->deleted, 0);
		sum->changed += Max(now->changed - was->changed, 0);
	}
	sg_lists_free(by_table);
	sg_lists_free(by_root);
	foreach_ptr(const Written, sum, roots)
	{
		/* a row that moves to another partition is deleted and inserted */
		int64		moved = get_rel_relkind(sum->table) == RELKIND_PARTITIONED_TABLE ? Min(sum->inserted, sum->deleted) : 0;

		if (sum->deleted > moved)
			run_rows_add(rows, sum->table, ROWS_DELETED, sum->deleted - moved);
		if (sum->changed + moved > 0)
			run_rows_add(rows, sum->table, ROWS_CHANGED, sum->changed + moved);
	}
}

RunRows *
run_rows_beside(const List *before, Oid table, int64 changed, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RunRows    *rows = run_rows_new();
	Oid			root = sg_partition_root(table);

	run_rows_add_written(rows, before);
	changed = Min(changed, run_rows_count(rows, root, ROWS_CHANGED));
	if (changed > 0)
		run_rows_add(rows, root, ROWS_CHANGED, -changed);
	MemoryContextSwitchTo(old);
	return run_rows_gone(rows) > 0 ? rows : NULL;
}

int64
run_rows_needed(const PlanRun *run, int64 all)
{
	/* rows that users' code deletes and changes are not foreseen */
	return Max(all, run_rows_gone(run->foreseen) + run_rows_lost(run->written));
}

void
run_check_written(PlanRun *run, const RunRows *counts, const RunRows *dropped)
{
	int64		own = run_rows_gone(counts) + run_rows_gone(dropped);
	int64		all = own + run_rows_gone(run->rows) + run_rows_gone(run->written);
	bool		uncounted = dropped && run_rows_count(dropped, InvalidOid, UNCOUNTED_DROPPED) > 0;
	PlanRun		next = *run;

	if (run->max_rows < 0 || own == 0 || (all <= run->max_rows && !uncounted))
		return;
	next.max_rows = uncounted ? -1 : Max(all, run_rows_needed(run, 0) + (counts ? run_rows_lost(counts) : 0)) + run->refused;
	run->refused += own;
	if (uncounted)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("rows or values would go that could not be counted, so that max_rows does not hold for them"),
				 errhint("If that is to be, without a limit:\n%s", run_call_text(&next, run->procedure))));
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg(INT64_FORMAT " rows or values would be deleted or changed without a copy: more than max_rows allows, which is " INT64_FORMAT,
					all, run->max_rows),
			 errhint("If that is to be:\n%s", run_call_text(&next, run->procedure))));
}

/* A key whose referential action changes rows, and the rows of its child that were changed so far */
typedef struct Following
{
	const FkKey *key;
	int64		changed;
} Following;

static int64
changed_so_far(const FkKey *key)
{
	int64		n = 0;

	foreach_oid(leaf, sg_with_partitions(key->child))
	{
		n += ask_counter(pg_stat_get_xact_tuples_updated, leaf) + ask_counter(pg_stat_get_xact_tuples_deleted, leaf);
	}
	return n;
}

/* Returns whether a key refers to the column, and changes rows when that column is updated */
static bool
is_followed(const FkKey *key, Oid table, const char *column)
{
	if (!key->enforced || key->on_update == FKCONSTR_ACTION_NOACTION || key->on_update == FKCONSTR_ACTION_RESTRICT ||
		!sg_is_within(table, key->parent))
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		if (strcmp(sg_column_name(key->parent, key->parent_att[i]), column) == 0)
			return true;
	}
	return false;
}

List *
run_following(Oid table, const char *column)
{
	List	   *following = NIL;

	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		Following  *one;

		if (!is_followed(key, table, column))
			continue;
		/* the server counts only for tables opened after this */
		if (!pgstat_track_counts)
			run_set_local("track_counts", "on");
		one = palloc(sizeof(Following));
		one->key = key;
		one->changed = changed_so_far(key);
		following = lappend(following, one);
	}
	return following;
}

void
run_check_following(Oid table, const List *following, int64 own)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const Following, one, following)
	{
		const FkKey *key = one->key;
		int64		n = changed_so_far(key) - one->changed;

		if (list_member_oid(sg_with_partitions(key->child), table))
			n -= own;
		if (n > 0)
			appendStringInfo(&text, "%s" INT64_FORMAT " %s of %s by key %s (on update %s)", text.len ? ", " : "", n, n == 1 ? "row" : "rows",
							 sg_relation_name(key->child), quote_identifier(key->name), sg_action_word(key->on_update));
	}
	if (text.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_SG_REFERENCED),
				 errmsg("values that would change are referred to by %s", text.data)));
}

/* Returns the tables with rows of that fate, most rows first, as a list of TableRows */
static List *
tables_of(const RunRows *rows, RowFate fate)
{
	HASH_SEQ_STATUS status;
	TableRows  *entry;
	List	   *most = NIL;

	hash_seq_init(&status, rows->tables);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		int			place = list_length(most);

		while (place > 0)
		{
			const TableRows *before = list_nth(most, place - 1);

			if (before->n[fate] > entry->n[fate] || (before->n[fate] == entry->n[fate] && before->table < entry->table))
				break;
			place--;
		}
		if (entry->n[fate] > 0 && place < MOST_TABLES)
			most = list_truncate(list_insert_nth(most, place, entry), MOST_TABLES);
	}
	return most;
}

/* Appends the tables of a fate to the line from `begin` on, with the rows of each, as far as they fit */
static void
append_tables(StringInfo text, int begin, const RunRows *rows, RowFate fate, List *tables, bool would)
{
	int64		rest = rows->n[fate];
	const char *separator = ": ";

	foreach_ptr(const TableRows, entry, tables)
	{
		if (text->len + strlen(entry->name) > begin + LONG_LINE)
			break;
		appendStringInfoString(text, separator);
		if (fate != UNCOUNTED_DROPPED)
			appendStringInfo(text, INT64_FORMAT " of ", entry->n[fate]);
		appendStringInfoString(text, entry->name);
		rest -= entry->n[fate];
		separator = ", ";
	}
	if (rest > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " of other tables, which %s by steps", separator, rest,
						 would ? "a dry run has" : "column reason of schemaguard.plan_step has");
}

/*
 * Appends "5 rows of s.t were deleted, without a copy.", or of several tables
 * "... copy: 3 of s.t, 2 of s.u."
 */
static void
append_fate(StringInfo text, const RunRows *rows, RowFate fate, bool would)
{
	int64		n = rows->n[fate];
	int			begin = text->len;
	List	   *tables = tables_of(rows, fate);

	if (fate == UNCOUNTED_DROPPED)
	{
		appendStringInfo(text, "%sRows or values that could not be counted are gone for good", text->len ? "\n" : "");
		append_tables(text, begin, rows, fate, tables, would);
		appendStringInfoChar(text, '.');
		return;
	}
	appendStringInfo(text, "%s" INT64_FORMAT " %s%s ", text->len ? "\n" : "", n, fate == VALUES_DROPPED ? "value" : "row", n == 1 ? "" : "s");
	if (list_length(tables) == 1)
		appendStringInfo(text, "of %s ", ((TableRows *) linitial(tables))->name);
	appendStringInfoString(text, fate_words[fate][would ? 2 : n == 1 ? 0 : 1]);
	if (list_length(tables) > 1)
		append_tables(text, begin, rows, fate, tables, would);
	appendStringInfoChar(text, '.');
}

char *
run_rows_text(const RunRows *rows, bool would)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int fate = 0; fate < ROW_FATES; fate++)
	{
		if (rows->n[fate] > 0)
			append_fate(&text, rows, fate, would);
	}
	return text.len ? text.data : NULL;
}
