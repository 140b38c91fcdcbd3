/*-------------------------------------------------------------------------
 *
 * check_writes.c
 *	  How much a step writes: WAL, what tables, indexes and copies grow by, and
 *	  temporary files.
 *
 * By the sizes of tables and indexes as they are, and statistics; the figures
 * are meant to be within a factor of 2.  A page that a checkpoint has written
 * is logged as a whole when it is next changed.  The rows of a batch go to new
 * pages, since tables are full as a rule, and then each index gets an entry
 * for each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/itup.h"
#include "access/sysattr.h"
#include "access/xlog.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parser.h"
#include "postmaster/bgwriter.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
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

/* Bytes of records of WAL beside their data */
#define WAL_UPDATE 120
#define WAL_DELETE 54
#define WAL_INSERT 58
#define WAL_ENTRY 46

/* Bytes of a row's copy in quarantine that do not depend on the row; of its columns, beside their names */
#define COPY_BASE 260
#define COPY_COLUMN 12

/* A value that is filled in, and about which nothing else is known */
#define LONG_VALUE 16

/* Below that nothing is said */
#define WORTH_TELLING (1024.0 * 1024.0)

/* Width by pg_statistic of a value that is stored out of line: its pointer */
#define POINTER_WIDTH 18

/* ---- sizes ---- */

static double
rows_of(const CheckTable *table)
{
	return table->rows >= 0 ? table->rows : table->blocks * BLCKSZ / PLAN_UNKNOWN_ROW;
}

/* Bytes of a row that are stored apart from it */
static double
apart_of_row(const CheckTable *table)
{
	double		rows = rows_of(table);

	return rows > 0 ? table->toast * BLCKSZ / rows : 0;
}

/* Bytes of an old row that its UPDATE or DELETE logs: all of it, with what is stored apart, where that is the replica identity */
static double
old_row(const CheckTable *table)
{
	double		rows = rows_of(table);
	FormData_pg_class class;

	if (!XLogLogicalInfoActive() || !sg_read_class(table->relid, &class) || class.relreplident != REPLICA_IDENTITY_FULL)
		return 0;
	return (rows > 0 ? table->blocks * BLCKSZ / rows : PLAN_UNKNOWN_ROW) + apart_of_row(table);
}

/* Returns on how many pages some rows are, if these are spread evenly over so many of the table's rows and pages */
static double
pages_touched(double rows, double of, double pages)
{
	double		part = of > 0 ? Min(rows / of, 1) : 0;

	return pages > 0 ? pages * (1 - pow(1 - part, Max(of / pages, 1))) : 0;
}

/* Bytes of WAL for so many pages that are logged as a whole */
static double
page_images(double pages)
{
	return fullPageWrites ? pages * BLCKSZ : 0;
}

/* Returns how many checkpoints end while so much WAL is written; a checkpoint begins when a part of max_wal_size is used up */
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

/* ---- what is written ---- */

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

typedef struct IndexSize
{
	Oid			tablespace;		/* InvalidOid: the database's own */
	double		blocks;
	bool		ordered;		/* its entries come in the order of the rows */
} IndexSize;

/* Is the first column of an index in the order of the rows, by its statistics? */
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

/* The indexes of a table and its partitions: a list of IndexSize * */
static List *
index_sizes(PlanCheck *check, const CheckTable *table)
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
			ReleaseSysCache(tuple);
			size->tablespace = get_rel_tablespace(index);
			size->ordered = first != InvalidAttrNumber && is_ordered(leaf, first);
			size->blocks = check_table(check, index)->blocks;
			sizes = lappend(sizes, size);
		}
	}
	return sizes;
}

/*
 * Updates of rows on a part of the table, which get longer by some bytes.  An
 * index that gets a second entry for each row doubles; what is not in the
 * order of the rows is changed all over between any two checkpoints.
 */
static void
add_updates(PlanCheck *check, const CheckTable *table, double rows, double part, double longer, CheckWrites *writes)
{
	double		all = rows_of(table);
	double		row = (all > 0 ? table->blocks * BLCKSZ / all : PLAN_UNKNOWN_ROW) + longer;
	double		wal = rows * (row - SizeofHeapTupleHeader + WAL_UPDATE + old_row(table)) + page_images(pages_touched(rows, part * all, part * table->blocks));

	foreach_ptr(const IndexSize, index, index_sizes(check, table))
	{
		double		growth = all > 0 ? index->blocks * rows / all : 0;
		double		among = index->ordered ? part : 1;
		double		touched = pages_touched(rows, among * all, among * index->blocks);
		double		entry = all > 0 ? index->blocks * BLCKSZ / all : 0;
		double		once = rows * (WAL_ENTRY + entry) + growth * BLCKSZ / 2;

		wal += once + page_images(touched * (index->ordered ? 1 : 1 + checkpoints(wal + once)));
		check_writes_grow(writes, index->tablespace, growth * BLCKSZ);
	}
	writes->wal += wal;
	check_writes_grow(writes, get_rel_tablespace(table->relid), rows * row);
}

static void
add_deletes(const CheckTable *table, double rows, double part, CheckWrites *writes)
{
	double		of = part * rows_of(table);

	writes->wal += rows * (WAL_DELETE + old_row(table)) + page_images(pages_touched(rows, of, part * table->blocks) + pages_touched(rows, of, part * table->toast));
}

/* Copies in quarantine have the row as text and as JSON, and two indexes */
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

		if (sg_read_column(table->relid, attnum, &column) && !column.attisdropped)
			names += strlen(NameStr(column.attname)) + COPY_COLUMN;
	}
	copy = COPY_BASE + 2 * (Max(row, 0) + apart_of_row(table)) + 2 * names;
	writes->wal += rows * (copy + WAL_INSERT + 2 * (WAL_ENTRY + 24));
	writes->growth += rows * (copy + 2 * 24);
}

void
check_writes_along(const CheckTable *table, double rows, CheckWrites *writes)
{
	add_copies(table, rows, writes);
	add_deletes(table, rows, 1, writes);
	writes->along += rows;
}

/* Adds what it takes to mend rows that a full check has counted */
static void
add_counted(PlanCheck *check, CheckStep *cs)
{
	foreach_ptr(const FixTally, tally, cs->along)
	{
		const CheckTable *table = check_table(check, tally->by->key->child);

		if (tally->fate == FIX_QUARANTINE)
			check_writes_along(table, tally->rows, &cs->writes);
		else if (tally->fate == FIX_DELETE)
			add_deletes(table, tally->rows, 1, &cs->writes);
		else if (tally->fate == FIX_SET_NULL || tally->fate == FIX_SENTINEL)
			add_updates(check, table, tally->rows, 1, 0, &cs->writes);
	}
}

void
check_writes_mend(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows, double pages)
{
	double		part = pages > 0 && table->blocks > 0 ? Min(pages / table->blocks, 1) : 1;
	OrphanPolicy policy = cs->step->orphans;

	if (!plan_step_fixes(cs->step))
		return;
	if (policy == ORPHANS_QUARANTINE)
		add_copies(table, rows, &cs->writes);
	if (plan_policy_deletes(policy))
		add_deletes(table, rows, part, &cs->writes);
	else
		add_updates(check, table, rows, part, 0, &cs->writes);
	if (cs->writes.counted)
		add_counted(check, cs);
	else if (plan_policy_deletes(policy) && cs->step->quarantine_cascades)
		check_cascade_along(check, table, rows, &cs->writes);
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

/* The width of the values that the fill of a key's columns gives: those of the parent */
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

/* Has a column values that are stored apart, by the width that they have in the row? */
static bool
may_be_apart(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(relid, attnum, &column) && !column.attisdropped && column.attlen == -1 &&
		column.attstorage != TYPSTORAGE_PLAIN && get_attavgwidth(relid, attnum) >= POINTER_WIDTH;
}

/* Bytes of a value of the column, those that are stored apart among them */
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

/* The width of an expression's values: of a type without a fixed one as long as the longest of its columns; others are short */
static double
width_of_value(const CheckTable *table, Node *value)
{
	double		width = Min(get_typavgwidth(exprType(value), exprTypmod(value)), LONG_VALUE);

	if (get_typlen(exprType(value)) > 0)
		return width;
	foreach_ptr(const Var, var, pull_var_clause(value, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS))
	{
		if (var->varattno > 0 && get_typlen(var->vartype) < 0)
			width = Max(width, whole_width(table, var->varattno));
	}
	return width;
}

static void
add_fill(PlanCheck *check, CheckStep *cs, const CheckTable *table, double width)
{
	add_updates(check, table, check_rows_without(table, linitial(cs->step->child_columns)), 1, width, &cs->writes);
	check_filled(check, cs, table->relid);
}

/* A key's columns that are filled */
static void
add_key_fill(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;
	Oid			relid = sg_find_qualified(step->child_table);

	if (OidIsValid(relid) && step->child_columns != NIL)
		add_fill(check, cs, check_table(check, relid), width_of_parent(check_table(check, relid), step));
}

/* A column with values by its fill, or else by a default that is computed for each row */
static void
add_column_fill(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	const PlanStep *step = cs->step;
	const CheckTable *table = check_table(check, move->table);
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
	if (fill || step->fill || move->kind == MOVE_FILL)
		add_fill(check, cs, table, fill ? width_of_value(table, fill) : LONG_VALUE);
}

/* ---- steps that are no keys ---- */

/* moves: the table goes to the tablespace, its indexes stay where they are */
static void
add_rewrite(PlanCheck *check, const CheckTable *table, bool moves, Oid tablespace, CheckWrites *writes)
{
	double		bytes = (table->blocks + table->toast) * BLCKSZ;

	check_writes_grow(writes, moves ? tablespace : get_rel_tablespace(table->relid), bytes);
	writes->wal += bytes;
	foreach_ptr(const IndexSize, index, moves ? NIL : index_sizes(check, table))
	{
		check_writes_grow(writes, index->tablespace, index->blocks * BLCKSZ);
		writes->wal += index->blocks * BLCKSZ;
	}
}

/* The tables that inherit from one, too, which are no partitions */
static void
add_rewrite_below(PlanCheck *check, const CheckTable *table, CheckWrites *writes)
{
	foreach_oid(heir, list_difference_oid(sg_all_inheritors(table->relid), table->relids))
	{
		add_rewrite(check, check_table(check, heir), false, InvalidOid, writes);
	}
}

/* Where an index by CREATE INDEX goes */
static Oid
tablespace_of_build(Oid table, const char *named)
{
	return named ? get_tablespace_oid(named, true) : GetDefaultTablespace(sg_rel_persistence(table), false);
}

void
check_writes_build(const CheckTable *table, const AttrNumber *attnums, int n, CheckWrites *writes)
{
	PlanIndexSize size = plan_index_size(table->relid, rows_of(table), table->blocks, attnums, n);

	writes->wal += size.bytes;
	check_writes_grow(writes, tablespace_of_build(table->relid, NULL), size.bytes);
	writes->temp = Max(writes->temp, size.temporary);
}

/* An index by its statement; a WHERE makes it smaller */
static void
add_build(const CheckTable *table, const IndexStmt *stmt, CheckWrites *writes)
{
	PlanIndexSize size;

	(void) plan_index_statement_size(table->relid, rows_of(table), table->blocks, stmt, &size);
	writes->wal += size.bytes;
	check_writes_grow(writes, tablespace_of_build(table->relid, stmt->tableSpace), size.bytes);
	writes->temp = Max(writes->temp, size.temporary);
	writes->most |= stmt->whereClause != NULL;
}

static void
add_builds(PlanCheck *check, const ChangeMove *move, CheckWrites *writes)
{
	foreach_ptr(const PlanIndex, index, move->builds)
	{
		Oid			relid = sg_find_qualified(index->table);

		if (OidIsValid(relid) && plan_index_is_definition(index->columns))
			add_build(check_table(check, relid), plan_index_parse(index->columns), writes);
	}
}

/* ---- statements ---- */

/* Adds what a command of ALTER TABLE writes anew; whether the table is to be rewritten */
static bool
command_rewrites(const CheckTable *table, const AlterTableCmd *cmd, CheckWrites *writes)
{
	ScriptTypeChange change;

	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
			change = script_type_change(table->relid, cmd->name, (ColumnDef *) cmd->def);
			writes->most |= change == TYPE_MAY_REWRITE;
			return change == TYPE_REWRITES || change == TYPE_MAY_REWRITE;
		case AT_AddColumn:
			return script_column_rewrites((ColumnDef *) cmd->def, false);
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			return true;
		default:
			return false;
	}
}

static void
add_alter(PlanCheck *check, const CheckTable *table, const AlterTableStmt *statement, CheckWrites *writes)
{
	bool		rewrites = false;
	bool		only_moves = true;
	bool		below = false;
	Oid			tablespace = InvalidOid;

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (!command_rewrites(table, cmd, writes))
			continue;
		rewrites = true;
		only_moves &= cmd->subtype == AT_SetTableSpace;
		below |= statement->relation->inh && (cmd->subtype == AT_AddColumn || cmd->subtype == AT_AlterColumnType);
		if (cmd->subtype == AT_SetTableSpace)
			tablespace = get_tablespace_oid(cmd->name, true);
	}
	if (rewrites)
		add_rewrite(check, table, only_moves, tablespace, writes);
	if (below)
		add_rewrite_below(check, table, writes);
}

/* All indexes of a table, or the one that is named */
static void
add_reindex(PlanCheck *check, Oid relid, const ReindexStmt *statement, CheckWrites *writes)
{
	if (statement->kind == REINDEX_OBJECT_INDEX)
	{
		writes->wal += check_table(check, relid)->blocks * BLCKSZ;
		check_writes_grow(writes, get_rel_tablespace(relid), check_table(check, relid)->blocks * BLCKSZ);
		return;
	}
	foreach_ptr(const IndexSize, index, index_sizes(check, check_table(check, relid)))
	{
		writes->wal += index->blocks * BLCKSZ;
		check_writes_grow(writes, index->tablespace, index->blocks * BLCKSZ);
	}
}

/* Rows of VALUES are as wide as those that are there; of how many a query gives nothing is known */
static void
add_insert(const CheckTable *table, const InsertStmt *statement, CheckWrites *writes)
{
	const SelectStmt *select = (SelectStmt *) statement->selectStmt;
	double		all = rows_of(table);
	double		row = all > 0 ? table->blocks * BLCKSZ / all : PLAN_UNKNOWN_ROW;

	writes->unknown |= select && select->valuesLists == NIL;
	writes->wal += (select ? list_length(select->valuesLists) : 1) * (row + WAL_INSERT);
}

/* Returns the table that a statement writes to or makes anew, or InvalidOid */
static Oid
table_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return change_find_named(((AlterTableStmt *) statement)->relation);
		case T_IndexStmt:
			return change_find_named(((IndexStmt *) statement)->relation);
		case T_ReindexStmt:
			return change_find_named(((ReindexStmt *) statement)->relation);
		case T_RepackStmt:
			return change_find_named(SG_REPACKED(statement));
		default:
			return change_find_named(change_written(statement));
	}
}

static void
add_of_table(PlanCheck *check, Oid relid, Node *statement, CheckWrites *writes)
{
	const CheckTable *table = check_table(check, relid);

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			add_alter(check, table, (AlterTableStmt *) statement, writes);
			break;
		case T_IndexStmt:
			add_build(table, (IndexStmt *) statement, writes);
			break;
		case T_ReindexStmt:
			add_reindex(check, relid, (ReindexStmt *) statement, writes);
			break;
		case T_RepackStmt:
			add_rewrite(check, table, false, InvalidOid, writes);
			break;
		case T_InsertStmt:
			add_insert(table, (InsertStmt *) statement, writes);
			break;
		case T_UpdateStmt:
			add_updates(check, table, rows_of(table), 1, 0, writes);
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

/* Could a statement that is about no table write rows? */
static bool
may_write(Node *statement)
{
	return IsA(statement, CreateTableAsStmt) || IsA(statement, RefreshMatViewStmt) || IsA(statement, DoStmt) || IsA(statement, CallStmt) ||
		IsA(statement, SelectStmt);
}

typedef struct StatementWrites
{
	PlanCheck  *check;
	CheckWrites *writes;
	const char *text;
} StatementWrites;

static void
add_statement(void *p)
{
	StatementWrites *arg = p;
	Node	   *statement = linitial_node(RawStmt, raw_parser(arg->text, RAW_PARSE_DEFAULT))->stmt;
	Oid			relid = table_of(statement);

	if (OidIsValid(relid))
		add_of_table(arg->check, relid, statement, arg->writes);
	else
		arg->writes->unknown |= may_write(statement);
}

/* The statements of a step; one that the server refuses, as of a type that can't be, writes nothing */
static void
add_statements(PlanCheck *check, CheckStep *cs)
{
	StatementWrites arg = {.check = check,.writes = &cs->writes};

	foreach_ptr(const char, text, plan_change_texts(cs->step->definition))
	{
		ErrorData  *error;

		arg.text = text;

		error = sg_try(add_statement, &arg);
		if (error)
			sg_rethrow_cancel(error);
	}
}

/* ---- what is said ---- */

char *
check_writes_text(const CheckWrites *writes)
{
	StringInfoData text;

	initStringInfo(&text);
	if (writes->unknown && writes->wal < WORTH_TELLING)
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
	return text.data;
}

/*
 * Step of any kind: what it fills, builds, mends or writes anew.  A key that is
 * due says it with its time (check_estimate).
 */
void
check_writes(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;
	ChangeMove	move = {.kind = MOVE_NONE};

	if (!plan_is_chosen(check->plan, step->step) || plan_step_is_done(step) || step->skipped_by || step->phase)
		return;
	if (step->kind == STEP_FOREIGN_KEY && step->backfill)
		add_key_fill(check, cs);
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
		add_rewrite(check, check_table(check, move.table), false, InvalidOid, &cs->writes);
		add_rewrite_below(check, check_table(check, move.table), &cs->writes);
	}
	add_builds(check, &move, &cs->writes);
	if (step->kind == STEP_STATEMENT)
		add_statements(check, cs);
	if ((cs->writes.wal >= WORTH_TELLING || cs->writes.unknown) && !check_is_due(cs))
		check_row(cs, "estimate", CHECK_OK, psprintf("writes %s", check_writes_text(&cs->writes)), NULL);
}
