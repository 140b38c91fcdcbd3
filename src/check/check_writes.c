/*-------------------------------------------------------------------------
 *
 * check_writes.c
 *	  Estimates the writes of a step: WAL, growth of tables, indexes and
 *	  copies, and temporary files.
 *
 * By the sizes of tables and indexes as they are, and statistics; the figures
 * are meant to be within a factor of 2.  A page that a checkpoint has written
 * is logged as a whole when it is next changed.  Rows that are updated stay on
 * their pages as far as the free space map tells room there, if no index has a
 * column that changes; others go where there is room, or to new pages, and then
 * each index gets an entry for each of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parser.h"
#include "postmaster/bgwriter.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"
#include "fix/fix.h"
#include "fk/fk.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "script/script.h"

/* Bytes of WAL records besides their data */
#define WAL_UPDATE 120
#define WAL_DELETE 54
#define WAL_INSERT 58
#define WAL_ENTRY 46

/* Bytes of a row's copy in quarantine that do not depend on the row; and per column, besides its name */
#define COPY_BASE 260
#define COPY_COLUMN 12

/* Bytes of an old value that is kept, which do not depend on the value; and per column of its row's key, besides its name */
#define VALUE_BASE 180
#define VALUE_COLUMN 16

/* For what no other statement comes before */
static const ScriptTouched nothing_touched;

/* Width of a filled value of which nothing else is known */
#define LONG_VALUE 16

/* Smaller amounts are not reported */
#define WORTH_TELLING (1024.0 * 1024.0)

/* Number of written rows from which on it is reported that triggers may write, too */
#define ROWS_WORTH_TELLING 1000

/* Width in pg_statistic of a value stored out of line: its pointer */
#define POINTER_WIDTH 18

/* ---- sizes ---- */

static double
rows_of(const CheckTable *table)
{
	return table->rows >= 0 ? table->rows : table->blocks * BLCKSZ / PLAN_UNKNOWN_ROW;
}

/* Returns the bytes of a row that are in TOAST */
static double
apart_of_row(const CheckTable *table)
{
	double		rows = rows_of(table);

	return rows > 0 ? table->toast * BLCKSZ / rows : 0;
}

/*
 * Returns the bytes of an old row that its UPDATE or DELETE logs: all of it,
 * with TOAST, if that is the replica identity
 */
static double
old_row(const CheckTable *table)
{
	double		rows = rows_of(table);
	FormData_pg_class class;

	if (!XLogLogicalInfoActive() || !sg_read_class(table->relid, &class) || class.relreplident != REPLICA_IDENTITY_FULL)
		return 0;
	return (rows > 0 ? table->blocks * BLCKSZ / rows : PLAN_UNKNOWN_ROW) + apart_of_row(table);
}

/*
 * Returns the number of pages with some rows, if these are spread evenly over
 * the table's rows and pages
 */
static double
pages_touched(double rows, double of, double pages)
{
	double		part = of > 0 ? Min(rows / of, 1) : 0;

	return pages > 0 ? pages * (1 - pow(1 - part, Max(of / pages, 1))) : 0;
}

/* Returns the bytes of WAL for full-page images of so many pages */
static double
page_images(double pages)
{
	return fullPageWrites ? pages * BLCKSZ : 0;
}

/*
 * Returns how many checkpoints end while so much WAL is written; a checkpoint
 * begins when a fraction of max_wal_size is used up
 */
static double
checkpoints(double wal)
{
	return floor(wal / (max_wal_size_mb * 1024.0 * 1024.0 / (1 + CheckPointCompletionTarget)));
}

double
check_index_bytes(const CheckTable *table, const AttrNumber *attnums, int n)
{
	return plan_index_size(table->relid, rows_of(table), table->blocks, attnums, n).bytes;
}

/* Returns whether a column has values in TOAST, judged by their width in the row */
static bool
may_be_apart(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(relid, attnum, &column) && !column.attisdropped && column.attlen == -1 &&
		column.attstorage != TYPSTORAGE_PLAIN && get_attavgwidth(relid, attnum) >= POINTER_WIDTH;
}

/* Returns the bytes of a value of the column, including TOAST */
static double
whole_width(const CheckTable *table, AttrNumber attnum)
{
	double		width = plan_column_width(table->relid, attnum);
	int			columns = 0;
	FormData_pg_class class;

	if (!may_be_apart(table->relid, attnum) || !sg_read_class(table->relid, &class))
		return width;
	for (AttrNumber other = 1; other <= class.relnatts; other++)
		columns += may_be_apart(table->relid, other);
	return width + apart_of_row(table) / Max(columns, 1);
}

/* Returns whether a value of the column, stored as it is, may be compressed in another column */
static bool
may_compress(const CheckTable *table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(table->relid, attnum, &column) && column.attstorage == TYPSTORAGE_EXTERNAL &&
		get_typstorage(column.atttypid) == TYPSTORAGE_EXTENDED && whole_width(table, attnum) >= TOAST_TUPLE_TARGET / 4;
}

/* Returns a table and those (CheckTable *) that inherit from it and are no partitions */
static List *
with_heirs(PlanCheck *check, const CheckTable *table)
{
	List	   *tables = list_make1(unconstify(CheckTable *, table));

	foreach_oid(heir, list_difference_oid(sg_all_inheritors(table->relid), table->relids))
	{
		tables = lappend(tables, check_table(check, heir));
	}
	return tables;
}

/* ---- written bytes ---- */

/* Adds WAL, unless the table is unlogged or temporary */
static void
add_wal(CheckWrites *writes, char persistence, double bytes)
{
	if (persistence == RELPERSISTENCE_PERMANENT)
		writes->wal += bytes;
}

void
check_writes_grow(CheckWrites *writes, Oid tablespace, double bytes)
{
	CheckGrowth *growth = NULL;

	writes->growth += bytes;
	if (!OidIsValid(tablespace) || tablespace == MyDatabaseTableSpace)
		return;
	foreach_ptr(CheckGrowth, one, writes->elsewhere)
	{
		if (one->tablespace == tablespace)
			growth = one;
	}
	if (growth == NULL)
	{
		growth = palloc0(sizeof(CheckGrowth));
		growth->tablespace = tablespace;
		writes->elsewhere = lappend(writes->elsewhere, growth);
	}
	growth->bytes += bytes;
}

void
check_writes_by(CheckWrites *writes, const char *trigger)
{
	if (!sg_has_name(writes->triggers, trigger))
		writes->triggers = lappend(writes->triggers, pstrdup(trigger));
}

/* Adds the triggers of a table and those below it that may write elsewhere, if it is worth it */
static void
add_triggers(const CheckTable *table, double rows, int event, List *columns, CheckWrites *writes)
{
	foreach_oid(relid, rows >= ROWS_WORTH_TELLING ? sg_all_inheritors(table->relid) : NIL)
	{
		check_triggers_write(relid, event, columns, writes);
	}
}

typedef struct IndexSize
{
	Oid			tablespace;		/* InvalidOid: the database's own */
	double		blocks;
	bool		ordered;		/* its entries are in the order of the rows */
	bool		changes;		/* has columns that are updated */
} IndexSize;

/*
 * Returns whether the first column of an index correlates with the order of the
 * rows, by its statistics
 */
static bool
is_ordered(Oid table, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(attnum), BoolGetDatum(false));
	AttStatsSlot slot;
	bool		ordered = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_CORRELATION, InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		ordered = fabs(slot.numbers[0]) > 0.9;
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return ordered;
}

/* Adds the columns of an expression, or list of them, of an index */
static void
add_expression_columns(HeapTuple tuple, AttrNumber attnum, Bitmapset **columns)
{
	bool		is_null;
	Datum		tree = SysCacheGetAttr(INDEXRELID, tuple, attnum, &is_null);

	if (!is_null)
		pull_varattnos(stringToNode(TextDatumGetCString(tree)), 1, columns);
}

/*
 * Returns whether an index gets another entry for a row whose columns of these
 * names (NIL: none) change.  A summarizing index, such as BRIN, does not.
 */
static bool
index_changes(HeapTuple tuple, List *names)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Bitmapset  *columns = NULL;
	FormData_pg_class class;
	int			column = -1;

	if (sg_read_class(form->indexrelid, &class) && SG_SUMMARIZES(class.relam))
		return false;
	for (int i = 0; i < form->indnatts; i++)
		columns = bms_add_member(columns, form->indkey.values[i] - FirstLowInvalidHeapAttributeNumber);
	add_expression_columns(tuple, Anum_pg_index_indexprs, &columns);
	add_expression_columns(tuple, Anum_pg_index_indpred, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		FormData_pg_attribute attribute;

		/* a generated one may be of those that change */
		if (sg_read_column(form->indrelid, column + FirstLowInvalidHeapAttributeNumber, &attribute) &&
			(attribute.attgenerated || sg_has_name(names, NameStr(attribute.attname))))
			return true;
	}
	return false;
}

/*
 * Returns the indexes (IndexSize *) of a table and its partitions, and whether
 * columns of these names are theirs
 */
static List *
index_sizes(PlanCheck *check, const CheckTable *table, List *columns)
{
	List	   *sizes = NIL;

	foreach_oid(leaf, table->leaves)
	{
		foreach_oid(index, fk_table_indexes(leaf))
		{
			IndexSize  *size = palloc0(sizeof(IndexSize));
			HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
			AttrNumber	first;

			if (!HeapTupleIsValid(tuple))
				continue;
			first = ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[0];
			size->changes = index_changes(tuple, columns);
			ReleaseSysCache(tuple);
			size->tablespace = get_rel_tablespace(index);
			size->ordered = first != InvalidAttrNumber && is_ordered(leaf, first);
			size->blocks = check_table(check, index)->blocks;
			sizes = lappend(sizes, size);
		}
	}
	return sizes;
}

/* ---- room for the new versions of rows ---- */

/* At most so many pages' room is looked up, and one of each partition */
#define ROOM_LOOKS	500

/* Room on the pages of a table, in bytes over all of them, as VACUUM has last seen it */
typedef struct TableRoom
{
	double		share;			/* fraction of the rows on a page that are
								 * updated */
	double		longer;			/* bytes by which each of them gets longer */
	double		row;			/* present bytes of a row */
	double		free;
	double		elsewhere;		/* room for rows of other pages: without
								 * fillfactor's reserve */
	double		rows;			/* updated rows, and those among them that
								 * find room */
	double		stay;			/* rows that stay on their page */
	bool		triggers;		/* triggers may change other columns */
	Oid			relid;
	double		looks;			/* looks at this table */
	bool		measures;		/* a first pass that only measures free space */
} TableRoom;

/* Adds the room of a table that is not partitioned */
static void
read_room(void *p)
{
	TableRoom  *room = p;
	Relation	rel;

	if (!ConditionalLockRelationOid(room->relid, AccessShareLock))
		return;
	rel = try_relation_open(room->relid, NoLock);
	if (rel && rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relam == HEAP_TABLE_AM_OID &&
		(rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT || !RecoveryInProgress()))
	{
		BlockNumber blocks = RelationGetNumberOfBlocks(rel);
		double		step = Max(blocks / room->looks, 1);
		Size		kept = RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
		bool		known = false;

		room->triggers |= rel->trigdesc && rel->trigdesc->trig_update_before_row;
		for (double at = 0; at < blocks; at += step)
			known |= GetRecordedFreeSpace(rel, (BlockNumber) at) > 0;
		for (double at = 0; at < blocks; at += step)
		{
			/* without VACUUM: pages as INSERT leaves them */
			Size		here = known ? GetRecordedFreeSpace(rel, (BlockNumber) at) : kept;
			double		rows;
			double		stay;

			room->free += step * here;
			if (room->measures)
				continue;
			rows = room->share * (BLCKSZ - SizeOfPageHeaderData - Min(here, BLCKSZ - SizeOfPageHeaderData)) / room->row;
			room->rows += step * rows;
			stay = Min(rows, floor(here / (room->row + room->longer)));
			room->stay += step * stay;
			room->elsewhere += step * Max(here - stay * (room->row + room->longer) - kept, 0);
		}
	}
	if (rel)
		relation_close(rel, NoLock);
	UnlockRelationOid(room->relid, AccessShareLock);
}

static void
read_rooms(PlanCheck *check, const CheckTable *table, TableRoom *room)
{
	room->free = 0;
	foreach_oid(leaf, table->leaves)
	{
		room->relid = leaf;
		room->looks = 1 + ROOM_LOOKS * check_table(check, leaf)->blocks / Max(table->blocks, 1);
		(void) check_try(read_room, room);
	}
}

/* Returns the room of a table in which a fraction of the rows gets longer by some bytes */
static TableRoom
room_of(PlanCheck *check, const CheckTable *table, double share, double longer)
{
	double		all = rows_of(table);
	TableRoom	room = {.share = share,.longer = longer,.row = PLAN_UNKNOWN_ROW,.measures = true};

	read_rooms(check, table, &room);
	if (all > 0)
		room.row = Max((table->blocks * BLCKSZ - room.free) / all, SizeofHeapTupleHeader);
	room.measures = false;
	read_rooms(check, table, &room);
	return room;
}

/*
 * Returns how many of an index's pages are split by so many new entries for
 * each that is there: next to none as long as a page has the room that a build
 * leaves, and then all of them, once.
 */
static double
pages_split(double entries)
{
	return Min(entries + 10 * Max(entries - 0.05, 0), Max(entries, 1));
}

/*
 * Updates of columns of rows on a part of the table, which get longer by some
 * bytes.  An index that is not in the order of the rows is changed all over
 * between any two checkpoints.
 */
static void
add_updates(PlanCheck *check, const CheckTable *table, double rows, double part, double longer, List *columns, CheckWrites *writes)
{
	double		all = rows_of(table);
	List	   *indexes = index_sizes(check, table, columns);
	TableRoom	room = room_of(check, table, all > 0 && part > 0 ? Min(rows / (part * all), 1) : 1, longer);
	double		row = room.row + longer;
	double		image = table->blocks > 0 ? 1 - Min(room.free / (table->blocks * BLCKSZ), 1) : 1;
	double		stay = room.rows > 0 ? rows * Min(room.stay / room.rows, 1) : 0;
	double		entered = room.triggers ? rows : rows - stay;
	double		wal;

	foreach_ptr(const IndexSize, index, indexes)
	{
		if (index->changes)
			entered = rows;
	}
	wal = rows * (WAL_UPDATE + old_row(table)) + (rows - stay) * (row - SizeofHeapTupleHeader) +
		stay * (XLogLogicalInfoActive() ? row - SizeofHeapTupleHeader : longer) + image * page_images(pages_touched(rows, part * all, part * table->blocks));
	foreach_ptr(const IndexSize, index, indexes)
	{
		double		among = index->ordered ? part : 1;
		double		growth = among * index->blocks * pages_split(among * all > 0 ? entered / (among * all) : 0);
		double		touched = pages_touched(entered, among * all, among * index->blocks);
		double		entry = all > 0 ? index->blocks * BLCKSZ / all : 0;
		double		once = entered * (WAL_ENTRY + entry) + growth * BLCKSZ / 2;

		wal += once + page_images(touched * (index->ordered ? 1 : 1 + checkpoints(wal + once)));
		check_writes_grow(writes, index->tablespace, growth * BLCKSZ);
	}
	add_triggers(table, rows, TRIGGER_TYPE_UPDATE, columns, writes);
	add_wal(writes, sg_rel_persistence(table->relid), wal);
	check_writes_grow(writes, get_rel_tablespace(table->relid), Max((rows - stay) * row - room.elsewhere, 0));
}

static void
add_deletes(const CheckTable *table, double rows, double part, CheckWrites *writes)
{
	double		of = part * rows_of(table);

	add_triggers(table, rows, TRIGGER_TYPE_DELETE, NIL, writes);
	add_wal(writes, sg_rel_persistence(table->relid), rows * (WAL_DELETE + old_row(table)) + page_images(pages_touched(rows, of, part * table->blocks) + pages_touched(rows, of, part * table->toast)));
}

/* Adds copies in quarantine, which have the row as text and as JSON, and two indexes */
static void
add_copies(const CheckTable *table, double rows, CheckWrites *writes)
{
	double		all = rows_of(table);
	double		row = (all > 0 ? table->blocks * BLCKSZ / all : PLAN_UNKNOWN_ROW) - SizeofHeapTupleHeader;
	double		names = 0;
	FormData_pg_class class;
	double		copy;

	if (!sg_read_class(table->relid, &class))
		return;
	for (AttrNumber attnum = 1; attnum <= class.relnatts; attnum++)
	{
		FormData_pg_attribute column;

		if (!sg_read_column(table->relid, attnum, &column) || column.attisdropped)
			continue;
		names += strlen(NameStr(column.attname)) + COPY_COLUMN;
		writes->most |= rows >= 1 && may_compress(table, attnum);
	}
	copy = COPY_BASE + 2 * (Max(row, 0) + apart_of_row(table)) + 2 * names;
	writes->wal += rows * (copy + WAL_INSERT + 2 * (WAL_ENTRY + 24));
	writes->growth += rows * (copy + 2 * 24);
}

/* Adds the old values of a column that a policy sets, with two indexes; a table without a primary key keeps none */
static void
add_old_values(const CheckTable *table, const char *column, double rows, CheckWrites *writes)
{
	Oid			leaf = table->leaves ? linitial_oid(table->leaves) : table->relid;
	List	   *key = fk_primary_key(leaf);
	double		value = VALUE_BASE + strlen(sg_relation_name(leaf)) + strlen(column) + 2 * whole_width(table, get_attnum(table->relid, column));

	if (key == NIL)
		return;
	foreach_ptr(const char, name, key)
	{
		value += VALUE_COLUMN + strlen(name) + 2 * plan_column_width(leaf, get_attnum(leaf, name));
	}
	writes->wal += rows * (value + WAL_INSERT + 2 * (WAL_ENTRY + 28));
	writes->growth += rows * (value + 2 * 30);
}

/* Returns the names of a key's columns in its child */
static List *
names_of_key(const FkKey *key)
{
	List	   *names = NIL;

	for (int i = 0; i < key->nkeys; i++)
		names = lappend(names, sg_column_name(key->child, key->child_att[i]));
	return names;
}

/* Adds the writes of rows that go along */
static void
add_along(PlanCheck *check, CheckStep *cs)
{
	foreach_ptr(const FixTally, tally, cs->along)
	{
		const CheckTable *table = check_table(check, tally->by->key->child);

		if (tally->fate == FIX_QUARANTINE)
		{
			add_copies(table, tally->rows, &cs->writes);
			cs->writes.along += tally->rows;
		}
		if (tally->fate == FIX_QUARANTINE || tally->fate == FIX_DELETE)
			add_deletes(table, tally->rows, 1, &cs->writes);
		else if (tally->fate == FIX_SET_NULL || tally->fate == FIX_SENTINEL)
			add_updates(check, table, tally->rows, 1, 0, names_of_key(tally->by->key), &cs->writes);
	}
}

/* Adds the writes of mending rows of one table */
static void
add_mended(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows, double pages)
{
	double		part = pages > 0 && table->blocks > 0 ? Min(pages / table->blocks, 1) : 1;
	OrphanPolicy policy = cs->step->orphans;

	if (policy == ORPHANS_QUARANTINE)
		add_copies(table, rows, &cs->writes);
	if (plan_policy_deletes(policy))
		add_deletes(table, rows, part, &cs->writes);
	else
		add_updates(check, table, rows, part, 0, cs->step->child_columns, &cs->writes);
	if (policy == ORPHANS_SET)
		add_old_values(table, linitial(cs->step->child_columns), rows, &cs->writes);
}

void
check_writes_mend(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows, double pages)
{
	const PlanStep *step = cs->step;
	bool		heirs = step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL;
	List	   *tables = heirs ? with_heirs(check, table) : list_make1(unconstify(CheckTable *, table));
	double		all = 0;

	if (!plan_step_fixes(step) || rows == 0)
		return;
	if (rows < 0)
	{
		cs->writes.unknown = cs->writes.uncounted = true;
		return;
	}
	foreach_ptr(const CheckTable, one, tables)
	{
		all += rows_of(one);
	}
	foreach_ptr(const CheckTable, one, tables)
	{
		add_mended(check, cs, one, rows * (all > 0 ? rows_of(one) / all : 1.0 / list_length(tables)), pages);
	}
	if (plan_policy_deletes(step->orphans) && !cs->writes.counted)
		check_cascade_along(check, cs, table, rows);
	add_along(check, cs);
}

/* ---- fills ---- */

double
check_rows_without(const CheckTable *table, const char *column)
{
	AttrNumber	attnum = get_attnum(table->relid, column);
	FormData_pg_statistic form;

	if (attnum <= 0)
		return rows_of(table);
	return plan_column_statistics(table->relid, attnum, &form) ? form.stanullfrac * rows_of(table) : rows_of(table);
}

/* Returns the width of the values that the fill of a key's columns gives: the parent's */
static double
width_of_parent(const CheckTable *table, const PlanStep *step)
{
	Oid			parent = sg_find_qualified(step->parent_table);
	List	   *columns = OidIsValid(parent) && step->parent_columns ? step->parent_columns : step->child_columns;
	double		width = 0;

	foreach_ptr(const char, column, columns)
	{
		Oid			relid = OidIsValid(parent) ? parent : table->relid;
		AttrNumber	attnum = get_attnum(relid, column);
		int			known = attnum > 0 ? get_attavgwidth(relid, attnum) : 0;

		width += known > 0 ? known : attnum > 0 ? Min(plan_column_width(relid, attnum), LONG_VALUE) : LONG_VALUE / 2;
	}
	return width;
}

/*
 * Returns the width of an expression's values: with a variable-length type, the
 * longest of its columns; else short.  The expression is one of table root,
 * which the table may inherit from.
 */
static double
width_of_value(const CheckTable *table, Oid root, Node *value, CheckWrites *writes)
{
	double		width = Min(get_typavgwidth(exprType(value), exprTypmod(value)), LONG_VALUE);

	if (get_typlen(exprType(value)) > 0)
		return width;
	foreach_ptr(const Var, var, pull_var_clause(value, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS))
	{
		AttrNumber	attnum = var->varattno > 0 ? get_attnum(table->relid, sg_column_name(root, var->varattno)) : InvalidAttrNumber;

		if (attnum <= 0 || get_typlen(var->vartype) > 0)
			continue;
		writes->most |= may_compress(table, attnum);
		width = Max(width, whole_width(table, attnum));
	}
	return width;
}

bool
check_size_is_computed(Node *value)
{
	return get_typlen(exprType(value)) < 0 && !IsA(strip_implicit_coercions(value), Var);
}

static void
add_fill(PlanCheck *check, CheckStep *cs, const CheckTable *table, double width)
{
	/* a row that would get a null is left as it is */
	double		rows = check_rows_without(table, linitial(cs->step->child_columns)) - check_share_without_value(cs) * rows_of(table);

	add_updates(check, table, Max(rows, 0), 1, width, cs->step->child_columns, &cs->writes);
}

/* Adds the fill of a key's columns */
static void
add_key_fill(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;
	Oid			relid = sg_find_qualified(step->child_table);

	if (!OidIsValid(relid) || step->child_columns == NIL)
		return;
	foreach_ptr(const CheckTable, one, with_heirs(check, check_table(check, relid)))
	{
		add_fill(check, cs, one, width_of_parent(one, step));
	}
	check_filled(check, cs, relid);
}

/* Returns the width of the values that a column's fill of table root (NULL: a query) gives in that or an heir */
static double
width_of_fill(CheckStep *cs, const CheckTable *table, Oid root, Node *fill)
{
	ChangeMove	look = {.table = table->relid};
	Oid			type;
	int32		typmod;

	if (fill && !check_size_is_computed(fill))
		return width_of_value(table, root, fill, &cs->writes);
	cs->writes.most |= cs->fill_width >= TOAST_TUPLE_TARGET / 4;
	if (cs->fill_width > 0)
		return cs->fill_width;
	cs->writes.unsized |= rows_of(table) >= ROWS_WORTH_TELLING &&
		(fill || !change_column_type(cs->step, &look, &type, &typmod) || get_typlen(type) < 0);
	return LONG_VALUE;
}

/* Adds the fill of a column, or of a default that is computed for each row */
static void
add_column_fill(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	const PlanStep *step = cs->step;
	const char *column = linitial(step->child_columns);
	ChangeMove	look = {.table = move->table};
	Node	   *initial = NULL;
	Node	   *fill = NULL;

	if (move->kind == MOVE_FILL)
		fill = move->rows.expressions ? llast(move->rows.expressions) : NULL;
	else if (get_attnum(move->table, column) != InvalidAttrNumber || !change_column_values(step, &look, &initial, &fill))
		return;
	if (fill == NULL && step->fill == NULL && initial && contain_volatile_functions(initial))
		fill = initial;
	if (!fill && !step->fill && move->kind != MOVE_FILL)
		return;
	foreach_ptr(const CheckTable, one, with_heirs(check, check_table(check, move->table)))
	{
		add_fill(check, cs, one, width_of_fill(cs, one, move->table, fill));
	}
	check_filled(check, cs, move->table);
}

/* ---- steps that are no keys ---- */

/*
 * Adds a rewrite; moves: the table goes to the tablespace, its indexes stay in
 * theirs; persistence: of the written table
 */
static void
add_rewrite(PlanCheck *check, const CheckTable *table, bool moves, Oid tablespace, char persistence, CheckWrites *writes)
{
	double		bytes = (table->blocks + table->toast) * BLCKSZ;

	check_writes_grow(writes, moves ? tablespace : get_rel_tablespace(table->relid), bytes);
	foreach_ptr(const IndexSize, index, moves ? NIL : index_sizes(check, table, NIL))
	{
		check_writes_grow(writes, index->tablespace, index->blocks * BLCKSZ);
		bytes += index->blocks * BLCKSZ;
	}
	add_wal(writes, persistence, bytes);
}

/*
 * Adds rewrites of the tables that inherit, too, and are no partitions, except
 * tables that already have the column that is added (NULL: none)
 */
static void
add_rewrite_below(PlanCheck *check, const CheckTable *table, const char *column, CheckWrites *writes)
{
	foreach_ptr(const CheckTable, heir, with_heirs(check, table))
	{
		if (heir != table && (column == NULL || get_attnum(heir->relid, column) == InvalidAttrNumber))
			add_rewrite(check, heir, false, InvalidOid, sg_rel_persistence(heir->relid), writes);
	}
}

/* Returns the tablespace of an index by CREATE INDEX */
static Oid
tablespace_of_build(Oid table, const char *named)
{
	return named ? get_tablespace_oid(named, true) : GetDefaultTablespace(sg_rel_persistence(table), false);
}

static void
add_index(const CheckTable *table, const PlanIndexSize *size, Oid tablespace, CheckWrites *writes)
{
	add_wal(writes, sg_rel_persistence(table->relid), size->bytes);
	check_writes_grow(writes, tablespace, size->bytes);
	writes->temp = Max(writes->temp, size->temporary);
	writes->most |= size->most;
}

void
check_writes_build(const CheckTable *table, const AttrNumber *attnums, int n, CheckWrites *writes)
{
	PlanIndexSize size = plan_index_size(table->relid, rows_of(table), table->blocks, attnums, n);

	add_index(table, &size, tablespace_of_build(table->relid, NULL), writes);
}

/* Adds an index by its statement; a WHERE makes it smaller */
static void
add_build(const CheckTable *table, const IndexStmt *stmt, const ScriptTouched *touched, CheckWrites *writes)
{
	PlanIndexSize size;

	if (script_index_is_there(table->relid, stmt, touched))
		return;
	(void) plan_index_statement_size(table->relid, rows_of(table), table->blocks, script_index_now(touched, table->relid, stmt), &size);
	add_index(table, &size, tablespace_of_build(table->relid, stmt->tableSpace), writes);
	writes->most |= stmt->whereClause != NULL;
}

static Node *
parse(const char *statement)
{
	return linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt;
}

/* Adds the writes of rebuilding an existing index in place */
static void
add_rebuild(PlanCheck *check, const CheckTable *table, Oid index, CheckWrites *writes)
{
	PlanIndexSize size;

	(void) plan_index_statement_size(table->relid, rows_of(table), table->blocks, (IndexStmt *) parse(pg_get_indexdef_string(index)), &size);
	size.bytes = check_table(check, index)->blocks * (double) BLCKSZ;
	add_index(table, &size, get_rel_tablespace(index), writes);
}

static void
add_builds(PlanCheck *check, const ChangeMove *move, CheckWrites *writes)
{
	foreach_ptr(const PlanIndex, index, move->builds)
	{
		Oid			relid = sg_find_qualified(index->table);

		if (OidIsValid(relid) && plan_index_is_definition(index->columns))
			add_build(check_table(check, relid), plan_index_parse(index->columns), &nothing_touched, writes);
	}
}

/* ---- statements ---- */

static void add_of_table(PlanCheck *check, Oid relid, Node *statement, const ScriptTouched *touched, CheckWrites *writes);

/* Returns whether a command of ALTER TABLE rewrites the table */
static bool
command_rewrites(const CheckTable *table, const AlterTableCmd *cmd, const ScriptTouched *touched, CheckWrites *writes)
{
	ScriptTypeChange change;

	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
			change = script_type_change(table->relid, script_column_now(touched, table->relid, cmd->name),
										script_type_given(touched, table->relid, cmd->name), (ColumnDef *) cmd->def);
			if (change == TYPE_NOT_HERE && sg_has_name(touched->names, cmd->name))
				change = TYPE_MAY_REWRITE;
			writes->most |= change == TYPE_MAY_REWRITE;
			return change == TYPE_REWRITES || change == TYPE_MAY_REWRITE;
		case AT_AddColumn:
			return script_column_rewrites((ColumnDef *) cmd->def, false, touched);
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			return true;
		default:
			return cmd->subtype == SG_AT_SET_EXPRESSION;
	}
}

/* Adds the indexes that a column's new type makes the server rebuild, in inheriting tables, too */
static void
add_retyped(PlanCheck *check, const CheckTable *table, const AlterTableCmd *cmd, const ScriptTouched *touched, CheckWrites *writes)
{
	const char *column = script_column_now(touched, table->relid, cmd->name);
	bool		reads = false;

	foreach_oid(relid, sg_all_inheritors(table->relid))
	{
		foreach_oid(index, script_type_redo(relid, column, script_type_given(touched, table->relid, cmd->name), (ColumnDef *) cmd->def, &reads))
		{
			add_rebuild(check, check_table(check, relid), index, writes);
		}
	}
}

/*
 * Adds the indexes that a command of ALTER TABLE builds: of new constraints,
 * and those that a partition lacks
 */
static void
add_new_indexes(PlanCheck *check, const CheckTable *table, const AlterTableCmd *cmd, const ScriptTouched *touched, CheckWrites *writes)
{
	const ColumnDef *column = cmd->subtype == AT_AddColumn ? (ColumnDef *) cmd->def : NULL;
	Oid			partition = cmd->subtype == AT_AttachPartition ? script_table_by_then(touched, ((PartitionCmd *) cmd->def)->name) : InvalidOid;

	foreach_ptr(const Constraint, c, column ? column->constraints : cmd->subtype == AT_AddConstraint ? list_make1(cmd->def) : NIL)
	{
		const IndexStmt *index = script_constraint_index(c, column ? column->colname : NULL);

		if (index)
			add_build(table, index, touched, writes);
	}
	foreach_ptr(const char, text, OidIsValid(partition) ? script_missing_indexes(table->relid, partition) : NIL)
	{
		add_of_table(check, partition, parse(text), touched, writes);
	}
}

static void
add_alter(PlanCheck *check, const CheckTable *table, const AlterTableStmt *statement, const ScriptTouched *touched, CheckWrites *writes)
{
	bool		rewrites = false;
	bool		only_moves = true;
	bool		below = false;
	const char *column = NULL;
	Oid			tablespace = InvalidOid;
	char		persistence = sg_rel_persistence(table->relid);

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (script_command_is_brief(table->relid, statement, cmd, touched))
			continue;
		add_new_indexes(check, table, cmd, touched, writes);
		if (!command_rewrites(table, cmd, touched, writes))
			continue;
		rewrites = true;
		only_moves &= cmd->subtype == AT_SetTableSpace;
		if (cmd->subtype == AT_AddColumn)
			column = ((ColumnDef *) cmd->def)->colname;
		below |= cmd->subtype == AT_AlterColumnType || cmd->subtype == SG_AT_SET_EXPRESSION;
		if (cmd->subtype == AT_SetLogged || cmd->subtype == AT_SetUnLogged)
			persistence = cmd->subtype == AT_SetLogged ? RELPERSISTENCE_PERMANENT : RELPERSISTENCE_UNLOGGED;
		if (cmd->subtype == AT_SetTableSpace)
			tablespace = get_tablespace_oid(cmd->name, true);
	}
	if (rewrites)
		add_rewrite(check, table, only_moves, tablespace, persistence, writes);
	if (statement->relation->inh && (below || column))
		add_rewrite_below(check, table, below ? NULL : column, writes);
	foreach_ptr(const AlterTableCmd, cmd, !rewrites || only_moves ? statement->cmds : NIL)
	{
		if (cmd->subtype == AT_AlterColumnType)
			add_retyped(check, table, cmd, touched, writes);
	}
}

/* Adds all indexes of a table, or the named one */
static void
add_reindex(PlanCheck *check, Oid relid, const ReindexStmt *statement, CheckWrites *writes)
{
	if (statement->kind == REINDEX_OBJECT_INDEX)
	{
		add_wal(writes, sg_rel_persistence(relid), check_table(check, relid)->blocks * BLCKSZ);
		check_writes_grow(writes, get_rel_tablespace(relid), check_table(check, relid)->blocks * BLCKSZ);
		return;
	}
	foreach_ptr(const IndexSize, index, index_sizes(check, check_table(check, relid), NIL))
	{
		add_wal(writes, sg_rel_persistence(relid), index->blocks * BLCKSZ);
		check_writes_grow(writes, index->tablespace, index->blocks * BLCKSZ);
	}
}

/* Adds an INSERT: rows of VALUES are as wide as existing ones; the number of a query's rows is unknown */
static void
add_insert(const CheckTable *table, const InsertStmt *statement, CheckWrites *writes)
{
	const SelectStmt *select = (SelectStmt *) statement->selectStmt;
	double		all = rows_of(table);
	double		row = all > 0 ? table->blocks * BLCKSZ / all : PLAN_UNKNOWN_ROW;

	writes->unknown |= select && select->valuesLists == NIL;
	add_wal(writes, sg_rel_persistence(table->relid), (select ? list_length(select->valuesLists) : 1) * (row + WAL_INSERT));
}

/* Returns the table that a statement writes to or rewrites, or InvalidOid */
static Oid
table_of(Node *statement, const ScriptTouched *touched)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return script_table_by_then(touched, ((AlterTableStmt *) statement)->relation);
		case T_IndexStmt:
			return script_table_by_then(touched, ((IndexStmt *) statement)->relation);
		case T_ReindexStmt:
			return script_table_by_then(touched, ((ReindexStmt *) statement)->relation);
		case T_RepackStmt:
			return script_table_by_then(touched, SG_REPACKED(statement));
		default:
			return script_table_by_then(touched, change_written(statement));
	}
}

/* Returns the names of the columns that UPDATE sets */
static List *
names_of_update(const UpdateStmt *statement)
{
	List	   *names = NIL;

	foreach_ptr(const ResTarget, target, statement->targetList)
	{
		names = lappend(names, target->name);
	}
	return names;
}

static void
add_of_table(PlanCheck *check, Oid relid, Node *statement, const ScriptTouched *touched, CheckWrites *writes)
{
	const CheckTable *table = check_table(check, relid);

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			add_alter(check, table, (AlterTableStmt *) statement, touched, writes);
			break;
		case T_IndexStmt:
			add_build(table, (IndexStmt *) statement, touched, writes);
			break;
		case T_ReindexStmt:
			add_reindex(check, relid, (ReindexStmt *) statement, writes);
			break;
		case T_RepackStmt:
			add_rewrite(check, table, false, InvalidOid, sg_rel_persistence(relid), writes);
			break;
		case T_InsertStmt:
			add_insert(table, (InsertStmt *) statement, writes);
			break;
		case T_UpdateStmt:
			add_updates(check, table, rows_of(table), 1, 0, script_columns_now(touched, relid, names_of_update((UpdateStmt *) statement)), writes);
			writes->most |= ((UpdateStmt *) statement)->whereClause != NULL;
			break;
		case T_DeleteStmt:
			add_deletes(table, rows_of(table), 1, writes);
			writes->most |= ((DeleteStmt *) statement)->whereClause != NULL;
			break;
		default:
			writes->unknown = true;
			break;
	}
}

/* Returns whether a statement without a table could write rows */
static bool
may_write(Node *statement)
{
	return IsA(statement, CreateTableAsStmt) || IsA(statement, RefreshMatViewStmt) || IsA(statement, DoStmt) || IsA(statement, CallStmt) ||
		IsA(statement, SelectStmt);
}

typedef struct StatementWrites
{
	PlanCheck  *check;
	CheckStep  *cs;
	List	   *locked;			/* OIDs of tables that ALTER TABLE locks */
	const char *text;
	ScriptTouched touched;		/* by those before it */
} StatementWrites;

static void
add_statement(void *p)
{
	StatementWrites *arg = p;
	Node	   *statement = parse(arg->text);
	Oid			relid = table_of(statement, &arg->touched);

	if (OidIsValid(relid))
		add_of_table(arg->check, relid, statement, &arg->touched, &arg->cs->writes);
	else
		arg->cs->writes.unknown |= may_write(statement);
	if (OidIsValid(relid) && IsA(statement, AlterTableStmt) && !list_member_oid(arg->locked, relid))
	{
		arg->locked = lappend_oid(arg->locked, relid);
		check_lock_of_move(arg->check, arg->cs, relid, AlterTableGetLockLevel(((AlterTableStmt *) statement)->cmds));
	}
	script_touch(&arg->touched, statement);
}

/*
 * Adds the statements of a step; one that the server refuses, as with an
 * impossible type, writes nothing
 */
static void
add_statements(PlanCheck *check, CheckStep *cs)
{
	StatementWrites arg = {.check = check,.cs = cs};

	foreach_ptr(const char, text, plan_change_texts(cs->step->definition))
	{
		ErrorData  *error;

		arg.text = text;

		error = sg_try(add_statement, &arg);
		if (error)
			sg_rethrow_cancel(error);
	}
}

/* ---- rows of the check ---- */

char *
check_writes_text(const CheckWrites *writes)
{
	StringInfoData text;

	initStringInfo(&text);
	if (writes->unknown && Max(writes->wal, writes->growth) < WORTH_TELLING && writes->triggers == NIL)
		return pstrdup("rows, of which it is not known how many");
	appendStringInfo(&text, "%s%s of WAL", writes->most ? "at most " : "", check_bytes(writes->wal));
	if (writes->growth >= WORTH_TELLING)
		appendStringInfo(&text, ", and %s of tables and indexes", check_bytes(writes->growth));
	if (writes->along >= 1)
		appendStringInfo(&text, ", with %s%.0f rows that refer to those that go%s", writes->counted ? "" : "about ", writes->along,
						 writes->counted ? "" : ", by averages");
	if (writes->temp >= WORTH_TELLING)
		appendStringInfo(&text, ", and meanwhile %s of temporary files", check_bytes(writes->temp));
	if (writes->unknown)
		appendStringInfoString(&text, ", and rows of which it is not known how many");
	if (writes->unsized)
		appendStringInfoString(&text, ", besides values of a fill, whose size is not known");
	if (writes->triggers)
		appendStringInfo(&text, ", besides what %s %s, which is not known", list_length(writes->triggers) == 1 ? "trigger" : "triggers",
						 list_length(writes->triggers) == 1 ? psprintf("%s writes", (char *) linitial(writes->triggers)) :
						 psprintf("%s write", check_list(writes->triggers)));
	return text.data;
}

/*
 * Estimates a step of any kind: its fills, builds, mends and rewrites.  A due
 * key is reported with its time (check_estimate).
 */
void
check_writes(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;
	ChangeMove	move = {.kind = MOVE_NONE};

	if (!plan_is_chosen(check->plan, step->step) || !plan_step_is_ahead(step) || step->phase)
		return;
	if (step->kind == STEP_FOREIGN_KEY && step->backfill)
		add_key_fill(check, cs);
	/* rows of columns that are still to be added */
	if (cs->is_early)
		check_writes_mend(check, cs, NULL, -1, 0);
	if (step->kind != STEP_FOREIGN_KEY && (step->done_when == NULL || check_is_authors(check)))
		change_look(step, &move);
	if (step->kind != STEP_FOREIGN_KEY && move.kind == MOVE_NONE)
		return;
	if (step->kind == STEP_COLUMN && OidIsValid(move.table))
		add_column_fill(check, cs, &move);
	if (cs->child || OidIsValid(move.table))
		check_published_step(check, cs, cs->child ? cs->child->relid : move.table);
	if (OidIsValid(move.table))
		check_writes_mend(check, cs, check_table(check, move.table), check_rows_broken(cs), 0);
	if (move.rewrites)
	{
		add_rewrite(check, check_table(check, move.table), false, InvalidOid, sg_rel_persistence(move.table), &cs->writes);
		add_rewrite_below(check, check_table(check, move.table), step->kind == STEP_COLUMN ? linitial(step->child_columns) : NULL, &cs->writes);
	}
	add_builds(check, &move, &cs->writes);
	if (step->kind == STEP_STATEMENT)
		add_statements(check, cs);
	if ((Max(cs->writes.wal, cs->writes.growth) >= WORTH_TELLING || cs->writes.unknown || cs->writes.unsized || cs->writes.triggers) && !check_is_due(cs))
		check_row(cs, "estimate", CHECK_OK, psprintf("writes %s; how long it takes is not known here", check_writes_text(&cs->writes)), NULL);
}
