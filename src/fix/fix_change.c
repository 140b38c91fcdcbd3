/*-------------------------------------------------------------------------
 *
 * fix_change.c
 *	  The statement that changes the rows of a batch.
 *
 *	  One statement changes all rows, so that the actions of keys between the
 *	  rows find nothing left to do.  It judges orphans again, and returns for
 *	  each row its state after the BEFORE triggers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "fix/fix.h"
#include "fix/fix_sql.h"
#include "run/run_name.h"

/* Rows of a batch that one part of the statement changes */
typedef struct FixGroup
{
	const FixRow *like;
	FixPlaces	places;
	int64		changed;		/* number of rows that are no orphans any more */
	int64		done;			/* number of rows that are as their fate wants
								 * them */
} FixGroup;

/* State of a row after the statement and its BEFORE triggers */
typedef enum FixResult
{
	RESULT_DONE,
	RESULT_ORPHAN,				/* a trigger has restored the orphan's value */
	RESULT_OTHER				/* a trigger has set another value, which has
								 * a parent */
} FixResult;

/*
 * Returns whether one part of the statement can change both rows; keys matter
 * if orphans are judged, or columns set
 */
static bool
same_group(const FixRow *a, const FixRow *b)
{
	bool		deleted = a->fate >= FIX_DELETE && b->fate >= FIX_DELETE;

	if (a->table != b->table || a->reached != b->reached)
		return false;
	if (deleted)
		return a->reached || a->by == b->by;
	return a->fate == b->fate && a->by == b->by && list_length(a->also) == list_length(b->also) &&
		list_difference_ptr(a->also, b->also) == NIL;
}

static List *
make_groups(const FixBatch *batch)
{
	List	   *groups = NIL;

	for (int i = 0; i < batch->n; i++)
	{
		const FixRow *row = &batch->rows[i];
		FixGroup   *group = NULL;
		ListCell   *lc;

		if (row->fate == FIX_LEAVE)
			continue;
		foreach(lc, groups)
		{
			if (same_group(((FixGroup *) lfirst(lc))->like, row))
				group = lfirst(lc);
		}
		if (group == NULL)
		{
			group = palloc0(sizeof(FixGroup));
			group->like = row;
			fix_places_init(&group->places);
			groups = lappend(groups, group);
		}
		fix_places_add(&group->places, row->place.leaf, &row->place.tid);
	}
	return groups;
}

/* Appends a = NULL, b = CASE WHEN it is the sentinel THEN NULL ELSE fk.b END */
static void
append_assignments(StringInfo buf, const FixRow *row)
{
	List	   *columns = fix_row_null_columns(row);
	List	   *set = fix_row_set_columns(row);
	ListCell   *lc;

	foreach(lc, columns)
	{
		char	   *name = lfirst(lc);
		AttrNumber	attnum = get_attnum(row->by->key->child, name);

		appendStringInfo(buf, "%s%s = ", foreach_current_index(lc) ? ", " : "",
						 quote_identifier(name));
		if (sg_has_name(set, name))
		{
			appendStringInfoString(buf, "NULL");
			continue;
		}
		appendStringInfoString(buf, "CASE WHEN ");
		fix_append_is_sentinel(buf, row->by, attnum);
		appendStringInfo(buf, " THEN NULL ELSE %s END",
						 audit_sql_column("fk", row->by->key->child, attnum));
	}
}

/* Appends the expression of a row's FixResult after an UPDATE */
static void
append_result(StringInfo buf, const FixRow *row, const FixPlaces *places)
{
	const FkKey *key = row->by->key;

	appendStringInfoString(buf, "CASE WHEN true");
	if (row->fate == FIX_SENTINEL)
	{
		appendStringInfoString(buf, " AND NOT ");
		audit_sql_checked(buf, key);
	}
	foreach_ptr(const char, name, fix_row_set_columns(row))
		appendStringInfo(buf, " AND %s IS NOT DISTINCT FROM NULL", audit_sql_column("fk", key->child, get_attnum(key->child, name)));
	appendStringInfo(buf, " THEN %d WHEN ", RESULT_DONE);
	fix_append_orphan(buf, row->by, places);
	appendStringInfo(buf, " THEN %d ELSE %d END", RESULT_ORPHAN, RESULT_OTHER);
}

/* Appends the DELETE or UPDATE of a group, which returns the places of deleted rows */
static void
append_change(StringInfo buf, const FixGroup *group, int n)
{
	const FixRow *row = group->like;

	if (row->fate >= FIX_DELETE)
	{
		appendStringInfoString(buf, "DELETE FROM ");
		audit_sql_table(buf, row->table, "fk");
	}
	else
	{
		appendStringInfoString(buf, "UPDATE ");
		audit_sql_table(buf, row->table, "fk");
		appendStringInfoString(buf, " SET ");
		append_assignments(buf, row);
	}
	appendStringInfoString(buf, " WHERE ");
	fix_append_places(buf, row->table, "fk", n);
	if (!row->reached)
	{
		appendStringInfoString(buf, " AND ");
		fix_append_orphan(buf, row->by, &group->places);
	}
	appendStringInfo(buf, " RETURNING %d, fk.tableoid, fk.ctid, ", n);
	if (row->fate >= FIX_DELETE)
		appendStringInfo(buf, "%d", RESULT_DONE);
	else
		append_result(buf, row, &group->places);
}

/*
 * Returns the statement for all groups; a single group's is plain, without
 * WITH, so that rules apply to it
 */
static char *
change_statement(List *groups)
{
	StringInfoData buf;
	int			n = list_length(groups);

	initStringInfo(&buf);
	if (n == 1)
	{
		append_change(&buf, linitial(groups), 0);
		return buf.data;
	}
	for (int i = 0; i < n; i++)
	{
		appendStringInfo(&buf, "%s c%d (n, leaf, tid, result) AS (", i ? "," : "WITH", i);
		append_change(&buf, list_nth(groups, i), i);
		appendStringInfoChar(&buf, ')');
	}
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, "%s SELECT n, leaf, tid, result FROM c%d", i ? " UNION ALL" : "", i);
	return buf.data;
}

/* Reads which rows were changed; all rows of a batch count as kept before */
static void
read_changed(FixBatch *batch, List *groups)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		FixGroup   *group = list_nth(groups, DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull)));
		int			result = DatumGetInt32(SPI_getbinval(tuple, desc, 4, &isnull));
		FixPlace	place = {0};
		FixRow	   *row;

		group->changed += result != RESULT_ORPHAN;
		group->done += result == RESULT_DONE;
		if (group->like->fate < FIX_DELETE)
			continue;			/* not marked here, because an updated row has
								 * a new place */
		place.leaf = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));
		place.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 3, &isnull));
		row = fix_batch_find(batch, &place);
		if (row == NULL)
			elog(ERROR, "a row was deleted that was not to be");
		row->kept = false;
	}
}

/*
 * Marks a group as kept if rows of it were not changed: an updated row does not
 * return its old place, but the number is known
 */
static void
mark_kept(FixBatch *batch, const FixGroup *group)
{
	int64		n = group->places.n - group->done;

	for (int i = 0; i < batch->n && n > 0; i++)
	{
		if (!same_group(group->like, &batch->rows[i]))
			continue;
		batch->rows[i].kept = true;
		n--;
	}
}

/* Returns the role for the statement; the batch is of the orphans' table, whatever rows go along */
static Oid
change_role(const FixBatch *batch, List *groups)
{
	FixUnit    *unit = fix_unit(batch->key->key->child);
	ListCell   *lc;

	foreach(lc, groups)
	{
		const FixRow *row = ((FixGroup *) lfirst(lc))->like;

		fix_unit_judge(unit, row->by);
		if (row->fate >= FIX_DELETE)
			fix_unit_write(unit, row->table, CMD_DELETE, NIL);
		else
			fix_unit_write(unit, row->table, CMD_UPDATE, fix_row_null_columns(row));
	}
	return fix_unit_role(unit);
}

int64
fix_change(FixBatch *batch)
{
	List	   *groups = make_groups(batch);
	int			n = list_length(groups);
	Datum	   *values;
	int64		changed = 0;
	SgScope		scope;
	Oid			role;
	char	   *sql;
	int			rc;

	if (n == 0)
		return 0;

	for (int i = 0; i < batch->n; i++)
		batch->rows[i].kept = batch->rows[i].fate >= FIX_DELETE;
	values = palloc(sizeof(Datum) * 2 * n);
	for (int i = 0; i < n; i++)
		fix_places_args(&((FixGroup *) list_nth(groups, i))->places, &values[2 * i]);

	sql = change_statement(groups);
	role = change_role(batch, groups);
	fix_write_begin(&scope, role);
	SPI_connect();
	rc = SPI_execute_plan(fix_prepare(sql, n), values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	if (SPI_tuptable)
		read_changed(batch, groups);
	SPI_finish();
	fix_write_end(&scope, role);

	foreach_ptr(FixGroup, group, groups)
	{
		if (group->like->fate < FIX_DELETE)
			mark_kept(batch, group);
		if (group->like->reached && group->done < group->places.n)
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("a trigger or rule of %s keeps rows that refer to orphans",
							sg_relation_name(group->like->table))));
		changed += group->changed;
	}
	return changed;
}
