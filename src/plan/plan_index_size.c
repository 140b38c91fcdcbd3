/*-------------------------------------------------------------------------
 *
 * plan_index_size.c
 *	  Size of an index, and room that its build takes.  Estimated by
 *	  statistics, within a factor of 2.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "plan/plan_index.h"

/* Number of equal keys in one entry of a btree, at most */
#define POSTING_KEYS 120

bool
plan_column_statistics(Oid relid, AttrNumber attnum, FormData_pg_statistic *form)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attnum), BoolGetDatum(false));

	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attnum), BoolGetDatum(true));
	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(form, GETSTRUCT(tuple), offsetof(FormData_pg_statistic, stacoll1));
	ReleaseSysCache(tuple);
	return true;
}

int
plan_column_width(Oid relid, AttrNumber attnum)
{
	int32		width = get_attavgwidth(relid, attnum);
	Oid			type;
	Oid			collation;
	int32		typmod;

	if (width > 0 || attnum == InvalidAttrNumber)
		return width;
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return OidIsValid(type) ? get_typavgwidth(type, typmod) : 0;
}

/* Returns the bytes of an entry with a key of its own */
static int
entry_width(Oid table, const AttrNumber *attnums, int n)
{
	int			width = 0;

	for (int i = 0; i < n; i++)
		width += plan_column_width(table, attnums[i]);
	return MAXALIGN(sizeof(IndexTupleData) + width) + sizeof(ItemIdData);
}

/* Returns how many rows have the same key, on average */
static double
equal_keys(Oid table, double rows, const AttrNumber *attnums, int n)
{
	double		distinct = 1;

	for (int i = 0; i < n; i++)
	{
		FormData_pg_statistic form;
		double		keys = rows;

		/* nulls alone have no number of distinct values */
		if (attnums[i] != InvalidAttrNumber && plan_column_statistics(table, attnums[i], &form) && (form.stadistinct != 0 || form.stanullfrac == 1))
			keys = form.stadistinct < 0 ? -form.stadistinct * rows : form.stadistinct;
		distinct = Min(distinct * Max(keys, 1), Max(rows, 1));
	}
	return rows / Max(distinct, 1);
}

/* Returns whether an index compresses values of a column that the table has as they are, if they get shorter by that */
static bool
may_compress(Oid table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return attnum > 0 && sg_read_column(table, attnum, &column) && column.attlen == -1 && plan_column_width(table, attnum) > TOAST_INDEX_TARGET &&
		(column.attstorage == TYPSTORAGE_EXTENDED || column.attstorage == TYPSTORAGE_MAIN);
}

/* Returns whether workers share a sort of so many blocks, and pass each other sorted data in files. */
static bool
sort_is_shared(double blocks)
{
	return max_parallel_maintenance_workers > 0 && blocks >= min_parallel_table_scan_size;
}

PlanIndexSize
plan_index_size(Oid table, double rows, double blocks, const AttrNumber *attnums, int n)
{
	PlanIndexSize size = {0};
	int			width = entry_width(table, attnums, n);
	double		equal = equal_keys(table, rows, attnums, n);
	double		sorted = rows * width;

	size.bytes = equal < 2 ? sorted / 0.9 :
		rows * (width / Min(equal, POSTING_KEYS) + sizeof(ItemPointerData)) / 0.9;
	if (sort_is_shared(blocks) || sorted > maintenance_work_mem * 1024.0)
		size.temporary = sorted;
	for (int i = 0; i < n; i++)
		size.most |= may_compress(table, attnums[i]);
	return size;
}

/* The widest column that an expression names */
typedef struct Widest
{
	Oid			table;
	AttrNumber	attnum;
} Widest;

static bool
find_widest(Node *node, void *context)
{
	Widest	   *widest = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
	{
		AttrNumber	attnum = get_attnum(widest->table, strVal(llast(((ColumnRef *) node)->fields)));

		if (attnum > 0 && (widest->attnum == InvalidAttrNumber ||
						   plan_column_width(widest->table, attnum) > plan_column_width(widest->table, widest->attnum)))
			widest->attnum = attnum;
		return false;
	}
	return raw_expression_tree_walker(node, find_widest, context);
}

/* Returns the column of an element; an expression counts as its widest column */
static AttrNumber
column_of(Oid table, const IndexElem *element)
{
	Widest		widest = {table, InvalidAttrNumber};

	if (element->name)
		return get_attnum(table, element->name);
	(void) find_widest(element->expr, &widest);
	return widest.attnum;
}

/*
 * Returns the size of a hash index, whose entries have a code of four bytes,
 * and fill its pages to three quarters
 */
static PlanIndexSize
hash_size(double rows, double blocks)
{
	PlanIndexSize size = {rows * (MAXALIGN(sizeof(IndexTupleData) + sizeof(uint32)) + sizeof(ItemIdData)) / 0.75};

	if (sort_is_shared(blocks) || size.bytes > maintenance_work_mem * 1024.0)
		size.temporary = size.bytes;
	return size;
}

bool
plan_index_statement_size(Oid table, double rows, double blocks, const IndexStmt *stmt, PlanIndexSize *size)
{
	AttrNumber	attnums[INDEX_MAX_KEYS];
	int			n = 0;

	if (stmt->accessMethod && strcmp(stmt->accessMethod, "hash") == 0)
	{
		*size = hash_size(rows, blocks);
		return true;
	}
	foreach_ptr(const IndexElem, element, list_concat_copy(stmt->indexParams, stmt->indexIncludingParams))
	{
		if (n < INDEX_MAX_KEYS)
			attnums[n++] = column_of(table, element);
	}
	*size = plan_index_size(table, rows, blocks, attnums, n);
	/* equal keys share an entry only without INCLUDE */
	if (stmt->indexIncludingParams)
		size->bytes = Max(size->bytes, rows * entry_width(table, attnums, n) / 0.9);
	return stmt->accessMethod == NULL || strcmp(stmt->accessMethod, "btree") == 0;
}

/*
 * Reads a table's number of rows and blocks; returns false if another session
 * has locked it, or it is gone
 */
static bool
read_size(Oid table, double *rows, double *blocks)
{
	Relation	rel;
	BlockNumber pages = 0;
	double		visible;

	if (!ConditionalLockRelationOid(table, AccessShareLock))
		return false;
	rel = try_relation_open(table, NoLock);
	if (rel == NULL)
		return false;
	if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
		estimate_rel_size(rel, NULL, &pages, rows, &visible);
	relation_close(rel, NoLock);
	*blocks = pages;
	return pages > 0;
}

bool
plan_index_use(Oid table, const char *statement, SgDiskUse *use)
{
	List	   *statements = raw_parser(statement, RAW_PARSE_DEFAULT);
	const IndexStmt *stmt = castNode(IndexStmt, linitial_node(RawStmt, statements)->stmt);
	double		rows;
	double		blocks;
	PlanIndexSize size;

	/* the fraction of rows for which a WHERE holds is unknown */
	if (stmt->whereClause || !read_size(table, &rows, &blocks) || !plan_index_statement_size(table, rows, blocks, stmt, &size) || size.most)
		return false;
	use->tablespace = stmt->tableSpace ? get_tablespace_oid(stmt->tableSpace, true) :
		GetDefaultTablespace(sg_rel_persistence(table), false);
	use->tables = size.bytes;
	use->temporary = size.temporary;
	use->wal = sg_rel_persistence(table) == RELPERSISTENCE_PERMANENT ? size.bytes : 0;
	return true;
}
