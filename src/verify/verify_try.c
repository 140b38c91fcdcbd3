/*-------------------------------------------------------------------------
 *
 * verify_try.c
 *	  The statements with which a key is tried, and what they have done.
 *
 * While this runs others may wait for our rows, so nothing is done here that
 * could be done before, and rows that others have locked are left alone.
 * When something is accepted that should not be, the rows themselves are
 * looked at before it is called a failure.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/gone.h"
#include "base/quote.h"
#include "verify/verify_live.h"
#include "verify/verify_row.h"

/* ---- the statements ---- */

/* Returns the value of the i-th column of the child's key, from aliases c and p */
static char *
key_value(const LiveTest *lt, int i)
{
	const FkKey *key = lt->key;

	if ((lt->kind == LIVE_INSERT_ORPHAN || lt->kind == LIVE_UPDATE_ORPHAN) && i == lt->fresh_column)
		return verify_fresh_value(key->child, key->child_att[i], key->parent, key->parent_att[i],
								  lt->negative);
	if (lt->candidate->use_parent)
		return verify_column("p", key->parent, key->parent_att[i]);
	return verify_column("c", key->child, key->child_att[i]);
}

/* Returns the value of any column of a copied child */
static char *
child_value(const LiveTest *lt, AttrNumber attnum)
{
	const FkKey *key = lt->key;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (key->child_att[i] == attnum)
			return key_value(lt, i);
	}
	if (bms_is_member(attnum, lt->fresh))
		return verify_fresh_value(key->child, attnum, InvalidOid, 0, lt->negative);
	if (bms_is_member(attnum, lt->null))
		return pstrdup("NULL");
	return verify_column("c", key->child, attnum);
}

/* Returns the value of any column of a copied parent */
static char *
parent_value(const LiveTest *lt, AttrNumber attnum)
{
	const FkKey *key = lt->key;
	int			i = lt->fresh_column;

	if (attnum == key->parent_att[i])
		return verify_fresh_value(key->parent, attnum, key->child, key->child_att[i], lt->negative);
	if (bms_is_member(attnum, lt->parent_fresh))
		return verify_fresh_value(key->parent, attnum, InvalidOid, 0, lt->negative);
	if (bms_is_member(attnum, lt->parent_null))
		return pstrdup("NULL");
	return verify_column("p", key->parent, attnum);
}

/* Returns the INSERT of a row with these values, of columns c.x and p.x */
static char *
insert_statement(const LiveTest *lt, Oid relid, char *(*value) (const LiveTest *lt, AttrNumber attnum),
				 const RowId *parent)
{
	const FkKey *key = lt->key;
	StringInfoData names,
				values;
	ListCell   *lc;

	initStringInfo(&names);
	initStringInfo(&values);
	foreach(lc, verify_given_columns(relid))
	{
		const char *comma = names.len ? ", " : "";

		appendStringInfo(&names, "%s%s", comma,
						 quote_identifier(sg_column_name(relid, lfirst_int(lc))));
		appendStringInfo(&values, "%s%s", comma, value(lt, lfirst_int(lc)));
	}
	return psprintf("INSERT INTO %s AS r (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s, %s WHERE %s AND %s"
					" RETURNING r.tableoid, r.ctid",
					sg_relation_name(relid), names.data, values.data,
					verify_table(key->child, "c"), verify_table(key->parent, "p"),
					verify_is_row("c", &lt->candidate->child), verify_is_row("p", parent));
}

static char *
update_child_statement(const LiveTest *lt)
{
	const FkKey *key = lt->key;
	StringInfoData sets;

	initStringInfo(&sets);
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&sets, "%s%s = %s", i ? ", " : "",
						 quote_identifier(sg_column_name(key->child, key->child_att[i])), key_value(lt, i));
	return psprintf("UPDATE %s SET %s FROM %s WHERE %s AND %s RETURNING c.tableoid, c.ctid",
					verify_table(key->child, "c"), sets.data, verify_table(key->parent, "p"),
					verify_is_row("c", &lt->candidate->child), verify_is_row("p", &lt->candidate->parent));
}

static char *
change_parent_statement(const LiveTest *lt, const RowId *parent)
{
	const FkKey *key = lt->key;
	int			i = lt->fresh_column;

	if (lt->kind == LIVE_DELETE_PARENT)
		return psprintf("DELETE FROM %s WHERE %s RETURNING p.tableoid, p.ctid",
						verify_table(key->parent, "p"), verify_is_row("p", parent));
	return psprintf("UPDATE %s SET %s = %s WHERE %s RETURNING p.tableoid, p.ctid",
					verify_table(key->parent, "p"),
					quote_identifier(sg_column_name(key->parent, key->parent_att[i])),
					verify_fresh_value(key->parent, key->parent_att[i], key->child, key->child_att[i],
									   lt->negative),
					verify_is_row("p", parent));
}

static void
row_has_gone(LiveTest *lt)
{
	lt->gone = true;
	live_set_reason(lt, "the row to be tried was changed meanwhile");
}

/* Runs the statement under test; returns false if its row is gone. *now gets the row's new place. */
static bool
change(LiveTest *lt, const char *sql, RowId *now)
{
	lt->changing = true;
	if (verify_run(sql) != 1)
	{
		row_has_gone(lt);
		return false;
	}
	*now = verify_result_row(0, 1);
	return true;
}

/* ---- what has become of the rows ---- */

/* Examines an accepted row: a failure only if the key should have refused it */
static void
observe_child(LiveTest *lt, const RowId *row)
{
	const FkKey *key = lt->key;

	if (lt->kind == LIVE_INSERT_VALID)
	{
		lt->observed = OUTCOME_ACCEPTED;
		return;
	}
	(void) verify_run(psprintf("SELECT %s AND NOT EXISTS (SELECT FROM %s WHERE %s) FROM %s WHERE %s",
							   verify_complete(key->child, key->child_att, key->nkeys, "c"),
							   verify_table(key->parent, "p"), verify_match(key, "p", "c"),
							   verify_table(key->child, "c"), verify_is_row("c", row)));
	if (SPI_processed == 1 && verify_result_bool(0, 1))
		lt->observed = OUTCOME_ACCEPTED;
	else
		live_set_reason(lt, "the value that was drawn exists");
}

/*
 * Locks the children by which the key is judged, so that only our statement
 * changes them: those that no other key would touch, and never the parent
 * itself.  One child is enough if the key refuses.
 */
static List *
lock_children(LiveTest *lt)
{
	const FkKey *key = lt->key;
	bool		rejects = live_rejects_parent(lt);
	List	   *rows = NIL;
	uint64		n;

	n = verify_run(psprintf("SELECT c.tableoid, c.ctid FROM %s, %s WHERE %s AND %s LIMIT %d FOR %s OF c NOWAIT",
							verify_table(key->child, "c"), verify_table(key->parent, "p"),
							verify_is_row("p", &lt->candidate->parent), verify_judging_child(lt),
							rejects ? 1 : VERIFY_REACH_ROWS + 1, rejects ? "KEY SHARE" : "UPDATE"));
	if (n == 0)
		live_set_reason(lt, "the rows that refer to the parent went meanwhile");
	if (n > VERIFY_REACH_ROWS)
	{
		live_set_reason(lt, psprintf("it reaches more than %d rows", VERIFY_REACH_ROWS));
		return NIL;
	}
	for (uint64 i = 0; i < n; i++)
	{
		RowId	   *row = palloc(sizeof(RowId));

		*row = verify_result_row(i, 1);
		rows = lappend(rows, row);
	}
	return rows;
}

/* Moves *row to its latest visible version; returns false if there is none */
static bool
latest_version(RowId *row)
{
	Relation	rel = sg_relation_open(row->relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan;
	bool		found;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	scan = table_beginscan_tid(rel, GetActiveSnapshot());
	table_tuple_get_latest_tid(scan, &row->tid);
	table_endscan(scan);
	found = table_tuple_fetch_row_version(rel, &row->tid, GetActiveSnapshot(), slot);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);

	return found;
}

/*
 * Returns the condition that the columns which ON DELETE or ON UPDATE sets have
 * the values of `what`, and the others are not null
 */
static char *
columns_are_set(const LiveTest *lt, const char *(*what) (Relation rel, AttrNumber attnum))
{
	const FkKey *key = lt->planned;
	Relation	rel = sg_relation_open(key->child, AccessShareLock);
	Bitmapset  *set = lt->kind == LIVE_DELETE_PARENT && key->ndelete_set > 0 ?
		verify_column_set(key->delete_set, key->ndelete_set) : verify_column_set(key->child_att, key->nkeys);
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < key->nkeys; i++)
	{
		AttrNumber	attnum = key->child_att[i];

		appendStringInfo(&sql, "%s%s IS %s", i ? " AND " : "", verify_column("c", key->child, attnum),
						 bms_is_member(attnum, set) ? what(rel, attnum) : "DISTINCT FROM NULL");
	}
	table_close(rel, AccessShareLock);
	return sql.data;
}

static const char *
as_null(Relation rel, AttrNumber attnum)
{
	return "NOT DISTINCT FROM NULL";
}

/* Returns a column's default; only for keys that set defaults, which were found not to be volatile */
static const char *
as_default(Relation rel, AttrNumber attnum)
{
	Node	   *node = build_column_default(rel, attnum);

	return node ? psprintf("NOT DISTINCT FROM (%s)", deparse_expression(node, NIL, false, false)) :
		as_null(rel, attnum);
}

/* Returns whether a child has a parent in the end */
static bool
has_parent(const LiveTest *lt, const RowId *child)
{
	const FkKey *key = lt->key;

	return verify_run(psprintf("SELECT FROM %s, %s WHERE %s AND %s LIMIT 1", verify_table(key->child, "c"),
							   verify_table(key->parent, "p"), verify_is_row("c", child), verify_match(key, "p", "c"))) > 0;
}

/* Returns which action has changed a child */
static LiveOutcome
action_taken(const LiveTest *lt, const RowId *child, const RowId *parent)
{
	const FkKey *key = lt->key;
	const LiveOutcome outcomes[] = {OUTCOME_SET_NULL, OUTCOME_SET_DEFAULT, OUTCOME_CASCADED};
	LiveOutcome first = OUTCOME_CHANGED;

	if (verify_run(psprintf("SELECT %s, %s, EXISTS (SELECT FROM %s WHERE %s AND %s) FROM %s WHERE %s",
							columns_are_set(lt, as_null),
							live_declared_action(lt) == FKCONSTR_ACTION_SETDEFAULT ? columns_are_set(lt, as_default) : "false",
							verify_table(key->parent, "p"), verify_is_row("p", parent), verify_match(key, "p", "c"),
							verify_table(key->child, "c"), verify_is_row("c", child))) != 1)
		elog(ERROR, "could not read a row of %s again", sg_relation_name(key->child));
	for (int i = lengthof(outcomes) - 1; i >= 0; i--)
	{
		if (!verify_result_bool(0, i + 1))
			continue;
		if (outcomes[i] == lt->expected)
			return outcomes[i];
		first = outcomes[i];
	}
	return first;
}

/* Returns the outcome for one child; unseen, with the reason, if it can't be told */
static LiveOutcome
fate(LiveTest *lt, RowId *row, const RowId *parent)
{
	ItemPointerData before = row->tid;

	if (!latest_version(row))
	{
		/* an UPDATE of the partition key leaves no link to the new row */
		if (get_rel_relkind(lt->key->child) == RELKIND_PARTITIONED_TABLE &&
			!(lt->kind == LIVE_DELETE_PARENT && lt->key->on_delete == FKCONSTR_ACTION_CASCADE))
		{
			live_set_reason(lt, "rows moved to another partition");
			return OUTCOME_UNSEEN;
		}
		return lt->kind == LIVE_DELETE_PARENT ? OUTCOME_CASCADED : OUTCOME_DELETED;
	}
	if (!ItemPointerEquals(&before, &row->tid))
		return action_taken(lt, row, parent);
	if (has_parent(lt, row))
	{
		live_set_reason(lt, "another row of the parent has an equal key");
		return OUTCOME_UNSEEN;
	}
	return OUTCOME_ORPHANED;
}

/* Examines the children after an accepted change of their parent */
static void
observe_parent(LiveTest *lt, List *children, RowId *parent)
{
	LiveOutcome observed = OUTCOME_UNSEEN;
	ListCell   *lc;

	if (lt->reach.other_path && !lt->candidate->copied)
	{
		lt->reason = verify_other_path_text;
		return;
	}
	/* a parent that references itself was changed once more, as its own child */
	if (lt->kind == LIVE_UPDATE_PARENT)
		(void) latest_version(parent);
	foreach(lc, children)
	{
		LiveOutcome one = fate(lt, lfirst(lc), parent);

		if (one == OUTCOME_UNSEEN)
			return;
		if (observed != OUTCOME_UNSEEN && one != observed)
			one = OUTCOME_MIXED;
		observed = one;
	}
	lt->observed = observed;
}

/* ---- tried ---- */

static void
try_child(LiveTest *lt)
{
	char	   *sql = live_is_insert(lt->kind) ?
		insert_statement(lt, lt->key->child, child_value, &lt->candidate->parent) : update_child_statement(lt);
	RowId		row;

	if (lt->kind == LIVE_UPDATE_ORPHAN &&
		verify_run(psprintf("SELECT FROM %s WHERE %s FOR UPDATE NOWAIT", verify_table(lt->key->child, "c"),
							verify_is_row("c", &lt->candidate->child))) != 1)
	{
		row_has_gone(lt);
		return;
	}
	if (change(lt, sql, &row))
		observe_child(lt, &row);
}

/* Inserts a parent and its only child, which nobody else sees */
static bool
make_parent(LiveTest *lt, RowId *parent, RowId *child)
{
	if (verify_run(insert_statement(lt, lt->key->parent, parent_value, &lt->candidate->parent)) != 1)
		return false;
	*parent = verify_result_row(0, 1);
	if (verify_run(insert_statement(lt, lt->key->child, child_value, parent)) != 1)
		return false;
	*child = verify_result_row(0, 1);
	return true;
}

static void
try_copied_parent(LiveTest *lt)
{
	RowId		parent,
				child,
				row;

	if (!make_parent(lt, &parent, &child))
		live_set_reason(lt, lt->unfit);
	else if (change(lt, change_parent_statement(lt, &parent), &row))
		observe_parent(lt, list_make1(&child), &row);
}

static void
try_parent(LiveTest *lt)
{
	char	   *sql = change_parent_statement(lt, &lt->candidate->parent);
	List	   *children;
	RowId		row;

	if (verify_run(psprintf("SELECT FROM %s WHERE %s FOR UPDATE NOWAIT", verify_table(lt->key->parent, "p"),
							verify_is_row("p", &lt->candidate->parent))) != 1)
	{
		row_has_gone(lt);
		return;
	}
	children = lock_children(lt);
	if (children != NIL && change(lt, sql, &row))
		observe_parent(lt, children, &row);
}

void
verify_try(LiveTest *lt)
{
	SPI_connect();
	if (live_is_child_test(lt->kind))
		try_child(lt);
	else if (lt->candidate->copied)
		try_copied_parent(lt);
	else
		try_parent(lt);
	SPI_finish();
}
