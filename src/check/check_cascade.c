/*-------------------------------------------------------------------------
 *
 * check_cascade.c
 *	  Reach of a delete, and whether the first row can still be written.
 *
 *	  The graph has all tables as nodes, partitions counted as their topmost
 *	  table, and the keys as edges: those of the catalog and those that the
 *	  plan adds.  The number of a child's rows per row of its parent is
 *	  counted if the child is small, else estimated by statistics.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/meant.h"
#include "base/quote.h"
#include "base/words.h"
#include "check/check.h"
#include "fix/fix.h"

/* Largest number of blocks of a child whose rows are counted */
#define COUNT_BLOCKS 256

/* Number of rows beyond which the preflight has a row about a cascade */
#define MANY_ROWS 10000

/* An edge from parent to child that a delete follows */
struct CheckEdge
{
	const FkKey *key;
	const FixKey *by;			/* the key as a fix sees it, in
								 * check->reaching */
	Oid			parent;			/* topmost tables */
	Oid			child;
	bool		goes_on;		/* rows are deleted, so the delete reaches
								 * further */
	bool		known;			/* the two below are set */
	double		expected;		/* rows of the child per row of the parent */
	double		most;
	bool		counted;
	const char *source;			/* source of these numbers */
};

/*
 * Returns whether no row can be written without the parent: no column may be
 * null, and the key is enforced and not deferrable
 */
static bool
is_hard(const FkKey *key)
{
	if (!key->enforced || key->deferrable)
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		FormData_pg_attribute column;

		if (!sg_read_column(key->child, key->child_att[i], &column) || !column.attnotnull)
			return false;
	}
	return true;
}

static void
add_edge(PlanCheck *check, FkKey *key)
{
	CheckEdge  *edge;

	if (is_hard(key))
		sg_lists_add(check->hard, sg_partition_root(key->child), key);
	if (!key->enforced || key->on_delete == FKCONSTR_ACTION_NOACTION || key->on_delete == FKCONSTR_ACTION_RESTRICT)
		return;
	edge = palloc0(sizeof(CheckEdge));
	edge->key = key;
	edge->parent = sg_partition_root(key->parent);
	edge->child = sg_partition_root(key->child);
	edge->goes_on = key->on_delete == FKCONSTR_ACTION_CASCADE;
	sg_lists_add(check->edges, edge->parent, edge);
}

static void
build_graph(PlanCheck *check)
{
	ListCell   *lc;

	if (check->edges)
		return;
	check->edges = sg_lists_create();
	check->hard = sg_lists_create();
	foreach(lc, check->declared)
		add_edge(check, lfirst(lc));
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (check_is_due(cs) && cs->view.existing == NULL)
			add_edge(check, &cs->view.key);
	}
}

/* ---- rows of a child for one row of its parent ---- */

typedef struct CountArg
{
	const FkKey *key;
	bool		done;
	double		groups;
	double		rows;
	double		most;
} CountArg;

static char *
count_query(const FkKey *key)
{
	char	   *columns = check_columns(key->child, key->child_att, key->nkeys);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT pg_catalog.count(*) AS groups, pg_catalog.sum(n)::pg_catalog.int8 AS rows,"
					 " pg_catalog.max(n) AS most FROM (SELECT pg_catalog.count(*) AS n FROM %s%s WHERE true",
					 get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 sg_relation_name(key->child));
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&sql, " AND %s IS NOT NULL", check_column(key->child, key->child_att[i]));
	appendStringInfo(&sql, " GROUP BY %s) g", columns);
	return sql.data;
}

/* Counts without waiting for a lock, as the role that may run the code of the columns' types */
static void
count_rows(void *p)
{
	CountArg   *arg = p;
	Oid			busy;
	SgScope		scope;

	if (audit_lock(arg->key, false, &busy) != NULL || OidIsValid(busy))
		return;
	audit_push_snapshot();
	audit_scope_begin(&scope, arg->key, false);
	SPI_connect();
	if (sg_spi_execute_meant(count_query(arg->key), list_make1_oid(arg->key->child), true, 1) == SPI_OK_SELECT && SPI_processed == 1)
	{
		arg->groups = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "groups");
		arg->rows = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "rows");
		arg->most = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "most");
		arg->done = true;
	}
	SPI_finish();
	sg_scope_end(&scope);
	PopActiveSnapshot();
}

/*
 * Returns the fraction of rows with a column's most frequent value, by its
 * statistics; 1 if unknown.
 */
static double
largest_share(Oid relid, AttrNumber attnum, double rows)
{
	bool		whole = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attnum), BoolGetDatum(whole));
	AttStatsSlot slot;
	double		distinct;
	double		share;

	if (!HeapTupleIsValid(tuple))
		return 1;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	if (distinct < 0)
		distinct *= -rows;
	share = distinct > 0 ? 1 / distinct : 1;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		if (slot.nnumbers > 0)
			share = Max(share, slot.numbers[0]);
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return Min(share, 1);
}

static void
fill_by_statistics(CheckEdge *edge, double child_rows, double parent_rows)
{
	const FkKey *key = edge->key;
	double		share = 1;

	for (int i = 0; i < key->nkeys; i++)
		share = Min(share, largest_share(key->child, key->child_att[i], child_rows));
	edge->most = ceil(child_rows * share);
	edge->expected = parent_rows > 0 ? Min(child_rows / parent_rows, edge->most) : edge->most;
	edge->source = "by statistics";
}

static void
fill_edge(PlanCheck *check, CheckEdge *edge)
{
	CheckTable *child = check_table(check, edge->key->child);
	CheckTable *parent = check_table(check, edge->key->parent);
	CountArg	arg = {.key = edge->key};
	bool		readable;

	if (edge->known)
		return;
	edge->known = true;
	readable = audit_access_problem(edge->key, false) == NULL;
	if (readable && child->blocks <= COUNT_BLOCKS && !RecoveryInProgress())
		(void) check_try(count_rows, &arg);
	if (arg.done)
	{
		edge->most = arg.most;
		edge->expected = arg.groups > 0 ? arg.rows / Max(arg.groups, parent->rows) : 0;
		edge->counted = true;
		edge->source = "counted";
	}
	else if (readable && child->rows >= 0)
		fill_by_statistics(edge, child->rows, parent->rows);
	else
	{
		edge->most = child->rows >= 0 ? child->rows : INFINITY;
		edge->expected = edge->most;
		edge->source = readable ? "never analyzed" : "not readable";
	}
}

/* ---- the tables that a delete reaches ---- */

/* State of the walk from one table */
typedef struct Reach
{
	PlanCheck  *check;
	List	   *tables;			/* reached tables, the first one included */
	List	   *deleted;		/* tables among them whose rows are deleted */
	char	   *cycle;			/* a table on a cycle, or NULL */
	const char *source;			/* the least certain source */
	List	   *done;			/* Below *: tables that are finished */
} Reach;

/* Tables and rows that a delete reaches from one table */
typedef struct Below
{
	Oid			table;
	double		expected;
	double		most;
	int			depth;
	char	   *path;			/* the longest */
} Below;

static void
collect(Reach *reach, Oid table)
{
	check_stack_depth();
	reach->deleted = lappend_oid(reach->deleted, table);
	foreach_ptr(CheckEdge, edge, sg_lists_of(reach->check->edges, table))
	{
		reach->tables = list_append_unique_oid(reach->tables, edge->child);
		if (edge->goes_on && !list_member_oid(reach->deleted, edge->child))
			collect(reach, edge->child);
	}
}

/* Removes, repeatedly, tables that no other one reaches: the rest are on or behind a cycle */
static void
find_cycle(Reach *reach)
{
	List	   *left = list_copy(reach->deleted);
	bool		changed = true;
	ListCell   *lc;

	while (changed)
	{
		changed = false;
		foreach(lc, left)
		{
			bool		leads_on = false;

			foreach_ptr(CheckEdge, edge, sg_lists_of(reach->check->edges, lfirst_oid(lc)))
			{
				leads_on |= edge->goes_on && list_member_oid(left, edge->child);
			}
			if (!leads_on)
			{
				left = foreach_delete_current(left, lc);
				changed = true;
			}
		}
	}
	if (left != NIL)
		reach->cycle = sg_relation_name(linitial_oid(left));
}

/* Returns the reach below a table; ends because there are no cycles */
static const Below *
below(Reach *reach, Oid table)
{
	static const Below nothing = {0};
	Below	   *result;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, reach->done)
	{
		if (((Below *) lfirst(lc))->table == table)
			return lfirst(lc);
	}

	result = palloc0(sizeof(Below));
	result->table = table;
	result->path = sg_relation_name(table);
	foreach_ptr(CheckEdge, edge, sg_lists_of(reach->check->edges, table))
	{
		const Below *next;

		fill_edge(reach->check, edge);
		if (reach->source == NULL || !edge->counted)
			reach->source = edge->source;
		next = edge->goes_on ? below(reach, edge->child) : &nothing;
		result->expected += edge->expected * (1 + next->expected);
		result->most += edge->most * (1 + next->most);
		if (edge->goes_on && next->depth >= result->depth)
		{
			result->depth = next->depth + 1;
			result->path = psprintf("%s > %s", sg_relation_name(table), next->path);
		}
	}
	reach->done = lappend(reach->done, result);
	return result;
}

/* Groups the keys by which mending reaches further rows, those of the plan too */
static void
group_reaching(PlanCheck *check)
{
	if (check->reaching)
		return;
	check->reaching = sg_lists_create();
	foreach_ptr(const FixKey, by, fix_keys(check->plan->name))
	{
		CheckEdge  *edge = palloc0(sizeof(CheckEdge));

		edge->key = by->key;
		edge->by = by;
		if (!by->key->period)
			sg_lists_add(check->reaching, sg_partition_root(by->key->parent), edge);
	}
}

/* Follows the keys from removed rows; each table is followed once, and loses no more rows than it has */
static void
add_along(PlanCheck *check, CheckStep *cs, Oid table, double rows, List **seen)
{
	check_stack_depth();
	*seen = lappend_oid(*seen, table);
	foreach_ptr(CheckEdge, edge, sg_lists_of(check->reaching, sg_partition_root(table)))
	{
		FixTally   *tally = palloc0(sizeof(FixTally));
		CheckTable *child = check_table(check, edge->key->child);

		tally->by = edge->by;
		tally->fate = fix_reached_fate(cs->step, edge->by);
		if (tally->fate == FIX_BLOCK || list_member_oid(*seen, child->relid) || !fix_shares_rows(table, edge->key->parent))
			continue;
		fill_edge(check, edge);
		if (isinf(edge->expected))
		{
			cs->writes.unknown = cs->writes.uncounted = true;
			continue;
		}
		tally->rows = (int64) (child->rows >= 0 ? Min(rows * edge->expected, child->rows) : rows * edge->expected);
		if (tally->rows < 1)
			continue;
		cs->along = lappend(cs->along, tally);
		if (tally->fate == FIX_DELETE || tally->fate == FIX_QUARANTINE)
			add_along(check, cs, child->relid, tally->rows, seen);
	}
}

void
check_cascade_along(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows)
{
	List	   *seen = NIL;

	group_reaching(check);
	add_along(check, cs, table->relid, rows, &seen);
}

static void
add_deleted_along(PlanCheck *check, Oid table, List **seen, List **texts)
{
	check_stack_depth();
	*seen = lappend_oid(*seen, table);
	foreach_ptr(CheckEdge, edge, sg_lists_of(check->edges, table))
	{
		const char *does = edge->goes_on ? "deleted" : "changed";

		fill_edge(check, edge);
		*texts = lappend(*texts, isinf(edge->expected) ? psprintf("%s (%s, not counted)", sg_relation_name(edge->child), does) :
						 psprintf("%s (%s, about %.0f for each row of %s)", sg_relation_name(edge->child), does,
								  ceil(edge->expected), sg_relation_name(table)));
		if (edge->goes_on && !list_member_oid(*seen, edge->child))
			add_deleted_along(check, edge->child, seen, texts);
	}
}

List *
check_deleted_along(PlanCheck *check, Oid table)
{
	List	   *seen = NIL;
	List	   *texts = NIL;

	build_graph(check);
	add_deleted_along(check, sg_partition_root(table), &seen, &texts);
	return texts;
}

List *
check_updated_along(PlanCheck *check, Oid table, List *columns)
{
	List	   *texts = NIL;

	foreach_ptr(const FkKey, key, check->declared)
	{
		bool		set = false;

		if (!key->enforced || key->on_update == FKCONSTR_ACTION_NOACTION || key->on_update == FKCONSTR_ACTION_RESTRICT ||
			sg_partition_root(key->parent) != sg_partition_root(table))
			continue;
		for (int i = 0; i < key->nkeys; i++)
		{
			FormData_pg_attribute column;

			set |= sg_read_column(key->parent, key->parent_att[i], &column) && sg_has_name(columns, NameStr(column.attname));
		}
		if (set)
			texts = lappend(texts, psprintf("%s (changed)", sg_relation_name(sg_partition_root(key->child))));
	}
	return texts;
}

/* Returns the number of all rows, an upper bound; INFINITY if a table was never counted */
static double
all_rows(const Reach *reach)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, reach->tables)
	{
		CheckTable *table = check_table(reach->check, lfirst_oid(lc));

		rows += table->rows < 0 ? INFINITY : table->rows;
	}
	return rows;
}

static char *
rows_text(double rows)
{
	return isinf(rows) ? pstrdup("an unknown number of") : psprintf("%.0f", ceil(rows));
}

/* Adds a row about a graph without cycles */
static void
check_reach(CheckStep *cs, Reach *reach, Oid start)
{
	const Below *result = below(reach, start);
	double		all = all_rows(reach);
	double		most = Min(result->most, all);
	char	   *text;

	text = psprintf("deleting one row of %s changes about %s rows in %d %s, at most %s (%s); depth %d: %s",
					sg_relation_name(start), rows_text(Min(result->expected, most)), list_length(reach->tables),
					list_length(reach->tables) == 1 ? "table" : "tables", rows_text(most),
					reach->source, result->depth, result->path);

	if (most > MANY_ROWS)
		check_row(cs, "cascade", CHECK_WARN, text,
				  psprintf("If nobody should delete that much by accident:\n%s", check_set(cs, "on_delete", "no action")));
	else
		check_row(cs, "cascade", CHECK_OK, text, NULL);
}

static void
check_delete(PlanCheck *check, CheckStep *cs)
{
	Oid			start = sg_partition_root(cs->view.key.parent);
	Reach		reach = {.check = check};

	if (cs->view.key.on_delete == FKCONSTR_ACTION_NOACTION || cs->view.key.on_delete == FKCONSTR_ACTION_RESTRICT)
	{
		check_row(cs, "cascade", CHECK_OK, psprintf("on_delete %s changes no other row", sg_action_word(cs->step->on_delete)), NULL);
		return;
	}

	build_graph(check);
	collect(&reach, start);
	find_cycle(&reach);
	if (reach.cycle == NULL)
		check_reach(cs, &reach, start);
	else
		check_row(cs, "cascade", CHECK_WARN,
				  psprintf("ON DELETE CASCADE goes in a circle through %s: deleting one row of %s changes up to %s rows in %d %s, and how deep depends on the rows",
						   reach.cycle, sg_relation_name(start), rows_text(all_rows(&reach)),
						   list_length(reach.tables), list_length(reach.tables) == 1 ? "table" : "tables"),
				  psprintf("Break the circle:\n%s", check_set(cs, "on_delete", "no action")));
}

/* ---- the first row ---- */

/* Returns whether a row of `from` needs one of `to` first, through any tables between them */
static bool
needs_row(const PlanCheck *check, Oid from, Oid to)
{
	List	   *tables = list_make1_oid(from);

	for (int i = 0; i < list_length(tables) && !list_member_oid(tables, to); i++)
	{
		foreach_ptr(const FkKey, key, sg_lists_of(check->hard, list_nth_oid(tables, i)))
		{
			tables = list_append_unique_oid(tables, sg_partition_root(key->parent));
		}
	}
	return list_member_oid(tables, to);
}

/* Warns if this step makes two tables need a row of each other first */
static void
check_first_row(PlanCheck *check, CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	Oid			child = sg_partition_root(key->child);
	Oid			parent = sg_partition_root(key->parent);

	build_graph(check);
	if (child != parent && is_hard(key) && needs_row(check, parent, child))
		check_row(cs, "first_row", CHECK_WARN,
				  psprintf("%s and %s need a row of each other first: their keys go in a circle, are NOT NULL and not deferrable, so no new pair can be written",
						   cs->step->child_table, cs->step->parent_table),
				  psprintf("Have this key checked at the end of a transaction:\n%s",
						   check_set(cs, "initially_deferred", "true")));
	else
		check_row(cs, "first_row", CHECK_OK, NULL, NULL);
}

void
check_cascade(PlanCheck *check, CheckStep *cs)
{
	check_delete(check, cs);
	check_first_row(check, cs);
}
