/*-------------------------------------------------------------------------
 *
 * deploy_verify_live.c
 *	  Does a key do what it should?  Tried on the real tables.
 *
 * A test prepares by reading: is there a trigger in the way, which row could
 * be tried?  Then come the attempts, each in a subtransaction that is rolled
 * back whatever happens, and so are the locks that it took.  The application
 * may have to wait for rows that an attempt has locked or changed: therefore
 * one that lasts longer than schemaguard.lock_timeout is stopped, rows that
 * are locked by others are left alone, and nothing is done inside that could
 * be done before.
 *
 * The error tells who has refused a row: only a foreign key violation that
 * names this very key counts.  When a row is accepted that should not be,
 * the row itself is looked at before it is called a failure.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteHandler.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "deploy.h"
#include "deploy_verify.h"
#include "errors.h"
#include "guc.h"
#include "quote.h"

#define OTHER_PATH_TEXT	"other keys reach the same rows, so it can't be told which one has acted"

#define ATTEMPTS		5
#define CANDIDATES		3		/* rows that are fit, to try in turn */
#define LOOKED_AT		20		/* rows to choose them from */
#define SAMPLE_ROWS		1000	/* of the child, to find parents */
#define READ_LIMIT_MS	10000	/* for preparing, unless a setting says less */

typedef enum LiveKind
{
	LIVE_INSERT_ORPHAN,
	LIVE_UPDATE_ORPHAN,
	LIVE_INSERT_VALID,
	LIVE_DELETE_PARENT,
	LIVE_UPDATE_PARENT
} LiveKind;

static const char *const test_names[] = {
	[LIVE_INSERT_ORPHAN] = "live: insert an orphan",
	[LIVE_UPDATE_ORPHAN] = "live: update to an orphan",
	[LIVE_INSERT_VALID] = "live: insert a valid row",
	[LIVE_DELETE_PARENT] = "live: delete a parent",
	[LIVE_UPDATE_PARENT] = "live: update a parent",
};

/* what a test expects and observes */
static const char REJECTED[] = "rejected";
static const char ACCEPTED[] = "accepted";
static const char CASCADED[] = "cascaded";
static const char SET_NULL[] = "set null";
static const char SET_DEFAULT[] = "set default";
static const char ORPHANED[] = "accepted, and left orphans";

/* Rows to try with; a parent that is tried has no child here */
typedef struct Candidate
{
	RowId		child;
	RowId		parent;
	bool		use_parent;		/* the copy gets the key of this parent */
} Candidate;

typedef struct LiveTest
{
	const FkKey *key;
	const FkKey *planned;
	LiveKind	kind;
	const char *expected;
	VerifyReach reach;
	MemoryContext context;		/* of what outlives SPI */

	/* prepared */
	List	   *candidates;		/* of Candidate * */
	int			fresh_column;	/* of the key, by index */
	Bitmapset  *fresh;			/* other columns of a copy that must differ */
	Bitmapset  *null;

	/* of one attempt */
	const Candidate *candidate;
	bool		negative;		/* try negative numbers */
	bool		changing;		/* the statement under test has begun */
	int			timeouts;		/* of all attempts */

	/* outcome: what was seen, else the reason why nothing was */
	const char *observed;
	const char *reason;
} LiveTest;

/* ---- small SQL ---- */

static uint64
run(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	return SPI_processed;
}

static bool
result_bool(int row, int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(datum);
}

/* tableoid and ctid in two columns of the result */
static RowId
result_row(int row, int column)
{
	bool		isnull;
	RowId		id;

	id.relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
											  column, &isnull));
	id.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
														  column + 1, &isnull));
	return id;
}

static void
set_reason(LiveTest *lt, const char *reason)
{
	lt->reason = MemoryContextStrdup(lt->context, reason);
}

static bool
is_child_test(LiveKind kind)
{
	return kind <= LIVE_INSERT_VALID;
}

static bool
is_insert(LiveKind kind)
{
	return kind == LIVE_INSERT_ORPHAN || kind == LIVE_INSERT_VALID;
}

static char
declared_action(const LiveTest *lt)
{
	return lt->kind == LIVE_DELETE_PARENT ? lt->key->on_delete : lt->key->on_update;
}

static bool
rejects_parent(const LiveTest *lt)
{
	return declared_action(lt) == FKCONSTR_ACTION_NOACTION || declared_action(lt) == FKCONSTR_ACTION_RESTRICT;
}

/* ---- what keeps a test from being tried ---- */

static bool
has_generated_column(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (get_attgenerated(key->child, key->child_att[i]) != '\0')
			return true;
	}
	return false;
}

/* What holds for every test of the key */
static const char *
key_problem(const FkKey *key)
{
	if (RecoveryInProgress())
		return "a standby can't write";
	if (XactReadOnly)
		return "this transaction is read-only";
	if (IsolationUsesXactSnapshot())
		return "this transaction is not READ COMMITTED: what it tries could make others fail";
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return "session_replication_role is replica, which silences keys";
	if (key->period)
		return "the key uses PERIOD";
	if (has_generated_column(key))
		return "a column of the key is generated";
	return NULL;
}

static const char *
no_privilege(Oid relid, AclMode mode, const char *word)
{
	if (pg_class_aclcheck(relid, GetUserId(), mode) == ACLCHECK_OK)
		return NULL;
	return psprintf("role %s has no %s on %s", GetUserNameFromId(GetUserId(), true), word,
					sg_relation_name(relid));
}

/* The caller's privileges; locking a row asks for UPDATE, too */
static const char *
privilege_problem(const LiveTest *lt)
{
	const char *problem = verify_read_problem(lt->key->child);

	if (problem == NULL)
		problem = verify_read_problem(lt->key->parent);
	if (problem == NULL && is_insert(lt->kind))
		problem = no_privilege(lt->key->child, ACL_INSERT, "INSERT");
	if (problem == NULL && !is_insert(lt->kind))
		problem = no_privilege(lt->key->child, ACL_UPDATE, "UPDATE");
	if (problem == NULL && !is_child_test(lt->kind))
		problem = no_privilege(lt->key->parent, ACL_UPDATE, "UPDATE");
	if (problem == NULL && lt->kind == LIVE_DELETE_PARENT)
		problem = no_privilege(lt->key->parent, ACL_DELETE, "DELETE");
	return problem;
}

/* ---- finding rows to try ---- */

/* Is a key's value of the parent the same when it is put into the child? */
static bool
same_types(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (get_atttype(key->parent, key->parent_att[i]) != get_atttype(key->child, key->child_att[i]))
			return false;
	}
	return true;
}

/* Some rows of the child with a complete key, and their places */
static char *
some_children(const FkKey *key, const char *sampling, int limit)
{
	return psprintf("SELECT c.tableoid, c.ctid, c.* FROM %s%s WHERE %s LIMIT %d",
					verify_table(key->child, "c"), sampling,
					verify_complete(key->child, key->child_att, key->nkeys, "c"), limit);
}

/*
 * A child c by which the key can be judged at its parent p: not the parent
 * itself, and none that another key would touch as well.
 */
static char *
judging_child(const LiveTest *lt)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s AND NOT (c.tableoid = p.tableoid AND c.ctid = p.ctid)",
					 verify_match(lt->key, "p", "c"));
	foreach(lc, lt->reach.beside)
		appendStringInfo(&sql, " AND (%s) IS NOT TRUE", verify_match(lfirst(lc), "p", "c"));
	return sql.data;
}

/* A copy of a child, with its own parent */
static char *
pairs_query(const FkKey *key)
{
	return psprintf("SELECT c.tableoid, c.ctid, p.tableoid, p.ctid FROM (%s) c JOIN %s ON %s LIMIT %d",
					some_children(key, "", LOOKED_AT), verify_table(key->parent, "p"),
					verify_match(key, "p", "c"), LOOKED_AT);
}

/* A copy of any child, with any parent, or one that has no child */
static char *
adopted_query(const FkKey *key, bool childless)
{
	return psprintf("SELECT c.tableoid, c.ctid, p.tableoid, p.ctid"
					" FROM (SELECT c.tableoid, c.ctid FROM %s LIMIT %d) c,"
					" (SELECT p.tableoid, p.ctid FROM %s WHERE %s%s LIMIT 1) p",
					verify_table(key->child, "c"), LOOKED_AT, verify_table(key->parent, "p"),
					verify_complete(key->parent, key->parent_att, key->nkeys, "p"),
					childless ? psprintf(" AND NOT EXISTS (SELECT FROM %s WHERE %s)",
										 verify_table(key->child, "c"), verify_match(key, "p", "c")) : "");
}

/* A share of a large table's blocks, so that not only its oldest rows are seen */
static char *
sampling_clause(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int32		pages = 0;

	if (HeapTupleIsValid(tuple))
	{
		pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
		ReleaseSysCache(tuple);
	}
	return pages > SAMPLE_ROWS ? psprintf(" TABLESAMPLE SYSTEM (%g)", 100.0 * 100 / pages) : NULL;
}

/* The parents of some children */
static char *
parents_query(const LiveTest *lt, const char *sampling)
{
	return psprintf("SELECT DISTINCT p.tableoid, p.ctid FROM (%s) c JOIN %s ON %s LIMIT %d",
					some_children(lt->key, sampling, SAMPLE_ROWS), verify_table(lt->key->parent, "p"),
					judging_child(lt), LOOKED_AT);
}

/* Parents with a few children only, where the others reach too far */
static char *
small_parents_query(const LiveTest *lt)
{
	return psprintf("SELECT p.tableoid, p.ctid FROM %s WHERE (SELECT pg_catalog.count(*) FROM"
					" (SELECT FROM %s WHERE %s LIMIT %d) s) BETWEEN 1 AND %d LIMIT %d",
					verify_table(lt->key->parent, "p"), verify_table(lt->key->child, "c"),
					judging_child(lt), VERIFY_REACH_ROWS + 1, VERIFY_REACH_ROWS, LOOKED_AT);
}

/* All rows of a query, as Candidates; column 1 is the child unless there is only a parent */
static List *
read_candidates(LiveTest *lt, const char *sql, bool use_parent)
{
	uint64		n = run(sql);
	MemoryContext old = MemoryContextSwitchTo(lt->context);
	List	   *rows = NIL;

	for (uint64 i = 0; i < n; i++)
	{
		Candidate  *candidate = palloc0(sizeof(Candidate));

		if (is_child_test(lt->kind))
			candidate->child = result_row(i, 1);
		candidate->parent = result_row(i, is_child_test(lt->kind) ? 3 : 1);
		candidate->use_parent = use_parent;
		rows = lappend(rows, candidate);
	}
	MemoryContextSwitchTo(old);
	return rows;
}

/* Keep those among the rows from which the statement does not reach too far */
static void
choose_candidates(LiveTest *lt, List *rows)
{
	ListCell   *lc;

	foreach(lc, rows)
	{
		Candidate  *candidate = lfirst(lc);
		const RowId *row = is_child_test(lt->kind) ? &candidate->child : &candidate->parent;
		char	   *problem = is_insert(lt->kind) ? NULL : verify_reach_rows(&lt->reach, row);

		if (problem)
			set_reason(lt, psprintf("no row of %s is fit to be tried: %s",
									sg_relation_name(lt->reach.relid), problem));
		else
		{
			MemoryContext old = MemoryContextSwitchTo(lt->context);

			lt->candidates = lappend(lt->candidates, candidate);
			MemoryContextSwitchTo(old);
		}
		if (list_length(lt->candidates) == CANDIDATES)
			return;
	}
}

static void
find_children(LiveTest *lt, bool childless)
{
	const FkKey *key = lt->key;

	if (!childless)
		choose_candidates(lt, read_candidates(lt, pairs_query(key), false));
	if (lt->candidates == NIL && lt->reason == NULL &&
		(same_types(key) || lt->kind != LIVE_INSERT_VALID))
		choose_candidates(lt, read_candidates(lt, adopted_query(key, childless), true));
	if (lt->candidates == NIL && lt->reason == NULL)
		set_reason(lt, childless ?
				   psprintf("no row of %s is without a child, and the key is unique", sg_relation_name(key->parent)) :
				   psprintf("%s or %s has no row to copy", sg_relation_name(key->child), sg_relation_name(key->parent)));
}

static void
find_parents(LiveTest *lt)
{
	char	   *sampling = sampling_clause(lt->key->child);

	choose_candidates(lt, read_candidates(lt, parents_query(lt, ""), false));
	if (lt->candidates == NIL && sampling)
		choose_candidates(lt, read_candidates(lt, parents_query(lt, sampling), false));
	if (lt->candidates == NIL && lt->reason)
		choose_candidates(lt, read_candidates(lt, small_parents_query(lt), false));
	if (lt->candidates == NIL && lt->reason == NULL)
		set_reason(lt, psprintf("no row of %s is referenced by another row%s", sg_relation_name(lt->key->parent),
								lt->reach.beside ? " by this key alone" : ""));
}

static Bitmapset *
columns_of(const AttrNumber *columns, int n)
{
	Bitmapset  *set = NULL;

	for (int i = 0; i < n; i++)
		set = bms_add_member(set, columns[i]);
	return set;
}

/* The column that is to get a value that is in no table */
static bool
choose_fresh_column(LiveTest *lt, Oid relid, const AttrNumber *columns)
{
	lt->fresh_column = verify_fresh_column(lt->key, relid, columns, lt->reach.declared);
	if (lt->fresh_column < 0)
		set_reason(lt, "no value could be made that does not exist, for any column of the key");
	return lt->fresh_column >= 0;
}

/*
 * What a copy needs in order to be unique.  Returns whether the key's own
 * columns have to be: then a valid row needs a parent that has no child.
 */
static bool
make_copy_unique(LiveTest *lt)
{
	const FkKey *key = lt->key;
	Bitmapset  *changed = NULL;
	bool		childless = false;
	char	   *problem;

	if (lt->kind == LIVE_INSERT_ORPHAN)
		changed = bms_add_member(NULL, key->child_att[lt->fresh_column]);
	problem = verify_unique_columns(key, lt->reach.declared, changed, &lt->fresh, &lt->null);
	if (lt->kind == LIVE_INSERT_VALID &&
		(problem || bms_overlap(lt->null, columns_of(key->child_att, key->nkeys))))
	{
		childless = true;
		problem = verify_unique_columns(key, lt->reach.declared, columns_of(key->child_att, key->nkeys),
										&lt->fresh, &lt->null);
	}
	if (problem)
		set_reason(lt, problem);
	return childless;
}

static void
begin_settings(SgScope *scope)
{
	sg_caller_begin(scope);
	deploy_set_local("lock_timeout", psprintf("%d", sg_lock_timeout));
	deploy_set_local("deadlock_timeout", psprintf("%d", Max(Min(sg_lock_timeout, DeadlockTimeout) / 2, 1)));
	deploy_set_local("row_security", "off");
	deploy_set_local("jit", "off");

	/*
	 * planning must not look into CHECK constraints, which may be anybody's
	 * code
	 */
	deploy_set_local("constraint_exclusion", "off");
}

/* Find rows to try, or the reason why there are none; reads only */
static void
prepare(void *arg)
{
	LiveTest   *lt = arg;
	const FkKey *key = lt->key;
	MemoryContext old = MemoryContextSwitchTo(lt->context);
	bool		childless = false;
	SgScope		scope;

	begin_settings(&scope);
	lt->reason = audit_place_problem(key);
	if (lt->reason == NULL)
		lt->reason = privilege_problem(lt);
	if (lt->reason == NULL)
		lt->reason = verify_reach_tables(&lt->reach);
	if (lt->reason == NULL && !is_child_test(lt->kind) && lt->reach.other_path && !rejects_parent(lt))
		lt->reason = OTHER_PATH_TEXT;
	if (lt->reason == NULL && (lt->kind == LIVE_INSERT_ORPHAN || lt->kind == LIVE_UPDATE_ORPHAN))
		(void) choose_fresh_column(lt, key->child, key->child_att);
	if (lt->reason == NULL && lt->kind == LIVE_UPDATE_PARENT)
		(void) choose_fresh_column(lt, key->parent, key->parent_att);
	if (lt->reason == NULL && is_insert(lt->kind))
		childless = make_copy_unique(lt);
	MemoryContextSwitchTo(old);

	if (lt->reason == NULL)
	{
		SPI_connect();
		if (is_child_test(lt->kind))
			find_children(lt, childless);
		else
			find_parents(lt);
		SPI_finish();
	}
	sg_scope_end(&scope);
}

/* ---- the statements ---- */

/* Value of the i-th column of the child's key, from aliases c and p */
static char *
key_value(const LiveTest *lt, int i)
{
	const FkKey *key = lt->key;

	if (lt->kind != LIVE_INSERT_VALID && i == lt->fresh_column)
		return verify_fresh_value(key->child, key->child_att[i], key->parent, key->parent_att[i],
								  lt->negative);
	if (lt->candidate->use_parent)
		return verify_column("p", key->parent, key->parent_att[i]);
	return verify_column("c", key->child, key->child_att[i]);
}

/* Value of any column of a copy */
static char *
copy_value(const LiveTest *lt, AttrNumber attnum)
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

static char *
insert_statement(const LiveTest *lt)
{
	const FkKey *key = lt->key;
	StringInfoData names,
				values;
	ListCell   *lc;

	initStringInfo(&names);
	initStringInfo(&values);
	foreach(lc, verify_given_columns(key->child))
	{
		const char *comma = names.len ? ", " : "";

		appendStringInfo(&names, "%s%s", comma,
						 quote_identifier(get_attname(key->child, lfirst_int(lc), false)));
		appendStringInfo(&values, "%s%s", comma, copy_value(lt, lfirst_int(lc)));
	}
	return psprintf("INSERT INTO %s AS r (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s, %s WHERE %s AND %s"
					" RETURNING r.tableoid, r.ctid",
					sg_relation_name(key->child), names.data, values.data,
					verify_table(key->child, "c"), verify_table(key->parent, "p"),
					verify_is_row("c", &lt->candidate->child), verify_is_row("p", &lt->candidate->parent));
}

static char *
update_child_statement(const LiveTest *lt)
{
	const FkKey *key = lt->key;
	StringInfoData sets;

	initStringInfo(&sets);
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&sets, "%s%s = %s", i ? ", " : "",
						 quote_identifier(get_attname(key->child, key->child_att[i], false)), key_value(lt, i));
	return psprintf("UPDATE %s SET %s FROM %s WHERE %s AND %s RETURNING c.tableoid, c.ctid",
					verify_table(key->child, "c"), sets.data, verify_table(key->parent, "p"),
					verify_is_row("c", &lt->candidate->child), verify_is_row("p", &lt->candidate->parent));
}

static char *
change_parent_statement(const LiveTest *lt)
{
	const FkKey *key = lt->key;
	int			i = lt->fresh_column;

	if (lt->kind == LIVE_DELETE_PARENT)
		return psprintf("DELETE FROM %s WHERE %s RETURNING p.tableoid, p.ctid",
						verify_table(key->parent, "p"), verify_is_row("p", &lt->candidate->parent));
	return psprintf("UPDATE %s SET %s = %s WHERE %s RETURNING p.tableoid, p.ctid",
					verify_table(key->parent, "p"),
					quote_identifier(get_attname(key->parent, key->parent_att[i], false)),
					verify_fresh_value(key->parent, key->parent_att[i], key->child, key->child_att[i],
									   lt->negative),
					verify_is_row("p", &lt->candidate->parent));
}

/* The statement under test; false when its row has gone.  The row's new place goes to *now. */
static bool
change(LiveTest *lt, const char *sql, RowId *now)
{
	lt->changing = true;
	if (run(sql) != 1)
	{
		set_reason(lt, "the row to be tried was changed meanwhile");
		return false;
	}
	*now = result_row(0, 1);
	return true;
}

/* ---- what has become of the rows ---- */

/* An accepted row: is it really one that the key should have refused? */
static void
observe_child(LiveTest *lt, const RowId *row)
{
	const FkKey *key = lt->key;

	if (lt->kind == LIVE_INSERT_VALID)
	{
		lt->observed = ACCEPTED;
		return;
	}
	(void) run(psprintf("SELECT %s AND NOT EXISTS (SELECT FROM %s WHERE %s) FROM %s WHERE %s",
						verify_complete(key->child, key->child_att, key->nkeys, "c"),
						verify_table(key->parent, "p"), verify_match(key, "p", "c"),
						verify_table(key->child, "c"), verify_is_row("c", row)));
	if (SPI_processed == 1 && result_bool(0, 1))
		lt->observed = ACCEPTED;
	else
		set_reason(lt, "the value that was drawn exists");
}

/*
 * Lock the children by which the key is judged, so that nobody but our
 * statement changes them: those that no other key would touch, and never the
 * parent itself.  Where the key refuses, one will do.
 */
static List *
lock_children(LiveTest *lt)
{
	const FkKey *key = lt->key;
	bool		rejects = rejects_parent(lt);
	List	   *rows = NIL;
	uint64		n;

	n = run(psprintf("SELECT c.tableoid, c.ctid FROM %s, %s WHERE %s AND %s LIMIT %d FOR %s OF c NOWAIT",
					 verify_table(key->child, "c"), verify_table(key->parent, "p"),
					 verify_is_row("p", &lt->candidate->parent), judging_child(lt),
					 rejects ? 1 : VERIFY_REACH_ROWS + 1, rejects ? "KEY SHARE" : "UPDATE"));
	if (n == 0)
		set_reason(lt, "the rows that refer to the parent went meanwhile");
	if (n > VERIFY_REACH_ROWS)
	{
		set_reason(lt, psprintf("it reaches more than %d rows", VERIFY_REACH_ROWS));
		return NIL;
	}
	for (uint64 i = 0; i < n; i++)
	{
		RowId	   *row = palloc(sizeof(RowId));

		*row = result_row(i, 1);
		rows = lappend(rows, row);
	}
	return rows;
}

/* The version of a row that we see now; false when there is none */
static bool
latest_version(RowId *row)
{
	Relation	rel = table_open(row->relid, AccessShareLock);
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

/* Columns that ON DELETE or ON UPDATE should set are as `what` says, the others are not null */
static char *
columns_are_set(const LiveTest *lt, const char *(*what) (Relation rel, AttrNumber attnum))
{
	const FkKey *key = lt->planned;
	Relation	rel = table_open(key->child, AccessShareLock);
	Bitmapset  *set = lt->kind == LIVE_DELETE_PARENT && key->ndelete_set > 0 ?
		columns_of(key->delete_set, key->ndelete_set) : columns_of(key->child_att, key->nkeys);
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

/* Only for a key that does set defaults: those were found not to be volatile */
static const char *
as_default(Relation rel, AttrNumber attnum)
{
	Node	   *node = build_column_default(rel, attnum);

	return node ? psprintf("NOT DISTINCT FROM (%s)", deparse_expression(node, NIL, false, false)) :
		as_null(rel, attnum);
}

/* Is there a parent for a child, in the end? */
static bool
has_parent(const LiveTest *lt, const RowId *child)
{
	const FkKey *key = lt->key;

	return run(psprintf("SELECT FROM %s, %s WHERE %s AND %s LIMIT 1", verify_table(key->child, "c"),
						verify_table(key->parent, "p"), verify_is_row("c", child), verify_match(key, "p", "c"))) > 0;
}

/* A child that was changed: which action was it? */
static const char *
action_taken(const LiveTest *lt, const RowId *child, const RowId *parent)
{
	const FkKey *key = lt->key;
	const char *words[] = {SET_NULL, SET_DEFAULT, CASCADED};
	const char *first = "changed otherwise";

	if (run(psprintf("SELECT %s, %s, EXISTS (SELECT FROM %s WHERE %s AND %s) FROM %s WHERE %s",
					 columns_are_set(lt, as_null),
					 declared_action(lt) == FKCONSTR_ACTION_SETDEFAULT ? columns_are_set(lt, as_default) : "false",
					 verify_table(key->parent, "p"), verify_is_row("p", parent), verify_match(key, "p", "c"),
					 verify_table(key->child, "c"), verify_is_row("c", child))) != 1)
		elog(ERROR, "could not read a row of %s again", sg_relation_name(key->child));
	for (int i = lengthof(words) - 1; i >= 0; i--)
	{
		if (!result_bool(0, i + 1))
			continue;
		if (words[i] == lt->expected)
			return words[i];
		first = words[i];
	}
	return first;
}

/* What has become of one child; NULL, with the reason, when it can't be told */
static const char *
fate(LiveTest *lt, RowId *row, const RowId *parent)
{
	ItemPointerData before = row->tid;

	if (!latest_version(row))
	{
		/* an UPDATE of the partition key leaves no link to follow */
		if (get_rel_relkind(lt->key->child) == RELKIND_PARTITIONED_TABLE &&
			!(lt->kind == LIVE_DELETE_PARENT && lt->key->on_delete == FKCONSTR_ACTION_CASCADE))
		{
			set_reason(lt, "rows moved to another partition");
			return NULL;
		}
		return lt->kind == LIVE_DELETE_PARENT ? CASCADED : "deleted";
	}
	if (!ItemPointerEquals(&before, &row->tid))
		return action_taken(lt, row, parent);
	if (has_parent(lt, row))
	{
		set_reason(lt, "another row of the parent has an equal key");
		return NULL;
	}
	return ORPHANED;
}

/* An accepted change of a parent: what has become of its children? */
static void
observe_parent(LiveTest *lt, List *children, const RowId *parent)
{
	const char *observed = NULL;
	ListCell   *lc;

	if (lt->reach.other_path)
	{
		lt->reason = OTHER_PATH_TEXT;
		return;
	}
	foreach(lc, children)
	{
		const char *word = fate(lt, lfirst(lc), parent);

		if (word == NULL)
			return;
		if (observed && word != observed)
			word = "different from row to row";
		observed = word;
	}
	lt->observed = observed;
}

/* ---- one attempt ---- */

static void
try_child(LiveTest *lt)
{
	char	   *sql = is_insert(lt->kind) ? insert_statement(lt) : update_child_statement(lt);
	RowId		row;

	if (lt->kind == LIVE_UPDATE_ORPHAN &&
		run(psprintf("SELECT FROM %s WHERE %s FOR UPDATE NOWAIT", verify_table(lt->key->child, "c"),
					 verify_is_row("c", &lt->candidate->child))) != 1)
	{
		set_reason(lt, "the row to be tried was changed meanwhile");
		return;
	}
	if (change(lt, sql, &row))
		observe_child(lt, &row);
}

static void
try_parent(LiveTest *lt)
{
	char	   *sql = change_parent_statement(lt);
	List	   *children;
	RowId		row;

	if (run(psprintf("SELECT FROM %s WHERE %s FOR UPDATE NOWAIT", verify_table(lt->key->parent, "p"),
					 verify_is_row("p", &lt->candidate->parent))) != 1)
	{
		set_reason(lt, "the row to be tried was changed meanwhile");
		return;
	}
	children = lock_children(lt);
	if (children != NIL && change(lt, sql, &row))
		observe_parent(lt, children, &row);
}

static void
attempt(void *arg)
{
	LiveTest   *lt = arg;
	const FkKey *key = lt->key;
	SgScope		scope;

	begin_settings(&scope);
	SPI_connect();

	/*
	 * what this transaction has put off until now may fail here, but counts
	 * for nothing
	 */
	if (key->deferrable)
		(void) run(psprintf("SET CONSTRAINTS %s IMMEDIATE",
							sg_qualified_name(get_namespace_name(get_rel_namespace(key->child)), key->name)));
	if (is_child_test(lt->kind))
		try_child(lt);
	else
		try_parent(lt);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Does the error come from this key, or from its part for a partition? */
static bool
names_key(const FkKey *key, const ErrorData *edata)
{
	Oid			nspid,
				relid,
				conid;

	if (edata->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION &&
		edata->sqlerrcode != ERRCODE_RESTRICT_VIOLATION)
		return false;
	if (!edata->schema_name || !edata->table_name || !edata->constraint_name)
		return false;

	nspid = get_namespace_oid(edata->schema_name, true);
	relid = OidIsValid(nspid) ? get_relname_relid(edata->table_name, nspid) : InvalidOid;
	conid = OidIsValid(relid) ? get_relation_constraint_oid(relid, edata->constraint_name, true) : InvalidOid;
	while (OidIsValid(conid) && conid != key->conid)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));

		if (!HeapTupleIsValid(tuple))
			return false;
		conid = ((Form_pg_constraint) GETSTRUCT(tuple))->conparentid;
		ReleaseSysCache(tuple);
	}
	return OidIsValid(conid);
}

/* How long an attempt may hold up others */
static int
attempt_limit(void)
{
	return sg_statement_timeout ? Min(sg_statement_timeout, sg_lock_timeout) : sg_lock_timeout;
}

/* One attempt, rolled back; returns whether another one may tell more */
static bool
attempt_once(LiveTest *lt)
{
	ErrorData  *edata;

	lt->observed = lt->reason = NULL;
	lt->changing = false;
	deploy_arm_timeout_after(attempt_limit());
	edata = sg_try_undo(attempt, lt);
	deploy_disarm_timeout();

	if (edata == NULL)
		return lt->observed == NULL;
	if (deploy_timeout_struck())
	{
		lt->reason = psprintf("an attempt took longer than %d ms, the least of schemaguard.lock_timeout and schemaguard.statement_timeout",
							  attempt_limit());
		/* the first one had to plan and to fill caches, too */
		return ++lt->timeouts == 1;
	}
	sg_rethrow_cancel(edata);
	if (lt->changing && names_key(lt->key, edata))
	{
		lt->observed = REJECTED;
		/* the parent of a valid row may have gone at that very moment */
		return lt->kind == LIVE_INSERT_VALID;
	}
	lt->reason = psprintf("%s%s: %s", lt->changing ? "" : "before it was tried, ",
						  unpack_sql_state(edata->sqlerrcode), sg_error_text(edata));
	return lt->changing || deploy_is_lock_failure(edata);
}

/* ---- one test ---- */

static const char *
expected_word(const FkKey *planned, LiveKind kind)
{
	switch (kind)
	{
		case LIVE_INSERT_ORPHAN:
		case LIVE_UPDATE_ORPHAN:
			return REJECTED;
		case LIVE_INSERT_VALID:
			return ACCEPTED;
		case LIVE_DELETE_PARENT:
		case LIVE_UPDATE_PARENT:
			break;
	}
	switch (kind == LIVE_DELETE_PARENT ? planned->on_delete : planned->on_update)
	{
		case FKCONSTR_ACTION_CASCADE:
			return CASCADED;
		case FKCONSTR_ACTION_SETNULL:
			return SET_NULL;
		case FKCONSTR_ACTION_SETDEFAULT:
			return SET_DEFAULT;
		default:
			return REJECTED;
	}
}

static void
add_verdict(VerifyKey *vk, const LiveTest *lt)
{
	AuditResult result = AUDIT_UNKNOWN;
	const char *reason = lt->reason;

	if (lt->observed && lt->expected == SET_DEFAULT && lt->observed == REJECTED)
		reason = "refused by the key itself, as it does where the column's default is no key of the parent";
	else if (lt->observed == lt->expected)
		result = AUDIT_PASS;
	else if (lt->observed && fk_by_oid(lt->key->conid) == NULL)
		reason = "the key was dropped meanwhile";
	else if (lt->observed)
		result = AUDIT_FAIL;
	verify_add_test(vk, test_names[lt->kind], lt->expected, lt->observed, result, reason);
}

/* Prepare within a limit of time of its own; the locks are gone afterwards */
static void
prepare_within_limit(LiveTest *lt)
{
	int			limit = sg_statement_timeout ? sg_statement_timeout : READ_LIMIT_MS;
	ErrorData  *edata;

	deploy_arm_timeout_after(limit);
	edata = sg_try_undo(prepare, lt);
	deploy_disarm_timeout();
	if (edata == NULL)
		return;

	lt->candidates = NIL;
	if (deploy_timeout_struck())
		lt->reason = psprintf("no row to try was found within %d ms; an index on the columns of the key makes that fast",
							  limit);
	else
	{
		sg_rethrow_cancel(edata);
		lt->reason = psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode), sg_error_text(edata));
	}
}

/* Between attempts nothing is held; who was in the way may be gone after a moment */
static void
pause_briefly(int attempt)
{
	pg_usleep(10000L * attempt);
	CHECK_FOR_INTERRUPTS();
}

static void
run_test(VerifyKey *vk, List *declared, LiveKind kind)
{
	LiveTest	lt = {
		.key = vk->key,
		.planned = &vk->expected,
		.kind = kind,
		.expected = expected_word(&vk->expected, kind),
		.context = CurrentMemoryContext,
		.reach = {
			.declared = declared,
			.key = vk->key,
			.relid = is_child_test(kind) ? vk->key->child : vk->key->parent,
			.event = is_insert(kind) ? CMD_INSERT : kind == LIVE_DELETE_PARENT ? CMD_DELETE : CMD_UPDATE,
		},
	};

	if (kind == LIVE_UPDATE_ORPHAN)
		lt.reach.columns = columns_of(vk->key->child_att, vk->key->nkeys);
	else if (kind == LIVE_UPDATE_PARENT)
		lt.reach.columns = columns_of(vk->key->parent_att, vk->key->nkeys);

	prepare_within_limit(&lt);
	for (int i = 0; lt.candidates != NIL && i < ATTEMPTS; i++)
	{
		if (i > 0)
			pause_briefly(i);
		lt.candidate = list_nth(lt.candidates, i % list_length(lt.candidates));
		lt.negative = i % 2 == 1;
		if (!attempt_once(&lt))
			break;
	}
	add_verdict(vk, &lt);
}

void
verify_live(VerifyKey *vk, List *declared)
{
	const char *problem = key_problem(vk->key);

	for (int kind = LIVE_INSERT_ORPHAN; kind <= LIVE_UPDATE_PARENT; kind++)
	{
		const char *expected = expected_word(&vk->expected, kind);

		CHECK_FOR_INTERRUPTS();
		if (!vk->expected.enforced)
			verify_add_test(vk, test_names[kind], NULL, NULL, AUDIT_SKIPPED, "a key that is not enforced does nothing");
		else if (problem)
			verify_add_test(vk, test_names[kind], expected, NULL, AUDIT_UNKNOWN, problem);
		else
			run_test(vk, declared, kind);
	}
}
