/*-------------------------------------------------------------------------
 *
 * verify_find.c
 *	  Rows of the real tables with which a key can be tried.
 *
 * Everything that takes time is done here, before a row is locked.  Several
 * rows are found, since others may be using the first one.  What is found may
 * have changed when it is tried: the attempt looks again, under its locks.
 *
 * First come rows that cost little to find, then those of a sample.  Where
 * other keys refuse these parents, or reach the same children, a copy of a
 * parent is tried, to which only a copy of a child refers, and only by the key
 * under test.  Where no copy can be made, all parents are looked at, some at a
 * time, as long as there is time: the ones that are fit may be few.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "verify/verify_live.h"
#include "verify/verify_row.h"

#define CANDIDATES		3		/* rows to try in turn */
#define LOOKED_AT		20		/* rows to choose from, at a time */
#define SAMPLE_ROWS		1000	/* rows of the child that are sampled to find
								 * parents */
#define SAMPLE_PARENTS	5000	/* rows of the parent that are sampled if that
								 * found none */

static const char *
no_privilege(Oid relid, Oid role, AclMode mode, const char *word)
{
	if (pg_class_aclcheck(relid, role, mode) == ACLCHECK_OK)
		return NULL;
	return psprintf("role %s has no %s on %s", sg_role_name(role), word,
					sg_relation_name(relid));
}

/* Returns the privilege that a role lacks for the tests, or NULL; locking a row asks for UPDATE, too */
static const char *
privilege_problem(const LiveTest *lt, Oid role)
{
	const char *problem = verify_read_problem(lt->key->child, role);

	if (problem == NULL)
		problem = verify_read_problem(lt->key->parent, role);
	if (problem == NULL && live_is_insert(lt->kind))
		problem = no_privilege(lt->key->child, role, ACL_INSERT, "INSERT");
	if (problem == NULL && !live_is_insert(lt->kind))
		problem = no_privilege(lt->key->child, role, ACL_UPDATE, "UPDATE");
	if (problem == NULL && !live_is_child_test(lt->kind))
		problem = no_privilege(lt->key->parent, role, ACL_UPDATE, "UPDATE");
	if (problem == NULL && lt->kind == LIVE_DELETE_PARENT)
		problem = no_privilege(lt->key->parent, role, ACL_DELETE, "DELETE");
	return problem;
}

static bool
may_insert(const LiveTest *lt, Oid role)
{
	return no_privilege(lt->key->parent, role, ACL_INSERT, "INSERT") == NULL &&
		no_privilege(lt->key->child, role, ACL_INSERT, "INSERT") == NULL;
}

/*
 * Returns whether both sides of a key have the same types, so that a value of
 * the parent fits the child unchanged
 */
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

/* Returns a query for rows of the child with a complete key */
static char *
some_children(const FkKey *key, const char *sampling, int limit)
{
	return psprintf("SELECT c.tableoid, c.ctid, c.* FROM %s%s WHERE %s LIMIT %d",
					verify_table(key->child, "c"), sampling,
					verify_complete(key->child, key->child_att, key->nkeys, "c"), limit);
}

char *
verify_judging_child(const LiveTest *lt)
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

/*
 * Returns a lateral join of a child c with its parent p, which uses the
 * parent's unique index even if the planner would read the whole parent
 */
static char *
parent_of_child(const FkKey *key, const char *match)
{
	return psprintf("LATERAL (SELECT p.tableoid, p.ctid FROM %s WHERE %s LIMIT 1) p", verify_table(key->parent, "p"), match);
}

/* Returns a query for children to copy, each with its own parent */
static char *
pairs_query(const FkKey *key, const char *sampling, int children)
{
	return psprintf("SELECT c.tableoid, c.ctid, p.tableoid, p.ctid FROM (%s) c, %s",
					some_children(key, sampling, children), parent_of_child(key, verify_match(key, "p", "c")));
}

/* Returns a query for a child to copy and another parent, with childless one that has no child */
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

/*
 * Returns TABLESAMPLE for about that many rows, spread over a large table so
 * that not only its oldest rows are seen; NULL for a small table.
 */
static char *
sampling_clause(Oid relid, int sample)
{
	FormData_pg_class class;
	double		rows = sg_read_class(relid, &class) ? class.reltuples : 0;

	return rows > 10.0 * sample ? psprintf(" TABLESAMPLE SYSTEM (%g)", 100.0 * sample / rows) : NULL;
}

/* Returns a query for the parents of some children; a sample comes in block order, and has no LIMIT */
static char *
parents_query(const LiveTest *lt, const char *sampling)
{
	return psprintf("SELECT DISTINCT p.tableoid, p.ctid FROM (%s) c, %s",
					some_children(lt->key, sampling, *sampling ? 3 * SAMPLE_ROWS : SAMPLE_ROWS),
					parent_of_child(lt->key, verify_judging_child(lt)));
}

/* Returns a subquery c for the key values that at most VERIFY_REACH_ROWS children have */
static char *
small_keys(const FkKey *key)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&columns, "%s%s", i ? ", " : "", verify_column("c", key->child, key->child_att[i]));
	return psprintf("(SELECT %s FROM %s WHERE %s GROUP BY %s HAVING pg_catalog.count(*) <= %d) c",
					columns.data, verify_table(key->child, "c"),
					verify_complete(key->child, key->child_att, key->nkeys, "c"), columns.data,
					VERIFY_REACH_ROWS);
}

/* Returns the condition that no child of another key refuses the statement first */
static char *
not_refused(const LiveTest *lt)
{
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const FkKey, key, lt->reach.rejecting)
	{
		appendStringInfo(&sql, " AND NOT EXISTS (SELECT FROM %s WHERE %s)",
						 verify_table(key->child, "x"), verify_match(key, "p", "x"));
	}
	return sql.data;
}

/*
 * Returns a query for parents, or a sample of them, with few children.  With an
 * index, children are counted parent by parent, not all at once.
 */
static char *
small_parents_query(const LiveTest *lt, const char *sampling)
{
	const FkKey *key = lt->key;
	char	   *parent = psprintf("%s%s", verify_table(key->parent, "p"), sampling);

	if (OidIsValid(fk_serving_index(key)))
		return psprintf("SELECT p.tableoid, p.ctid FROM %s WHERE (SELECT pg_catalog.count(*) FROM"
						" (SELECT FROM %s WHERE %s LIMIT %d) s) BETWEEN 1 AND %d%s",
						parent, verify_table(key->child, "c"),
						verify_judging_child(lt), VERIFY_REACH_ROWS + 1, VERIFY_REACH_ROWS, not_refused(lt));
	return psprintf("SELECT p.tableoid, p.ctid FROM %s JOIN %s ON %s"
					" WHERE EXISTS (SELECT FROM %s WHERE %s)%s",
					small_keys(key), parent, verify_match(key, "p", "c"),
					verify_table(key->child, "c"), verify_judging_child(lt), not_refused(lt));
}

/* Reads the fetched rows as candidates; column 1 is the child, unless there is only a parent */
static List *
read_candidates(const LiveTest *lt, bool use_parent)
{
	List	   *rows = NIL;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Candidate  *candidate = palloc0(sizeof(Candidate));

		if (live_is_child_test(lt->kind))
			candidate->child = verify_result_row(i, 1);
		candidate->parent = verify_result_row(i, live_is_child_test(lt->kind) ? 3 : 1);
		candidate->use_parent = use_parent;
		rows = lappend(rows, candidate);
	}
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

/* Keeps the rows from which the statement does not reach too many others */
static void
choose_candidates(LiveTest *lt, List *rows)
{
	foreach_ptr(Candidate, candidate, rows)
	{
		const RowId *row = live_is_child_test(lt->kind) ? &candidate->child : &candidate->parent;
		char	   *problem = live_is_insert(lt->kind) ? NULL : verify_reach_rows(&lt->reach, row);
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (problem)
		{
			problem = psprintf("no row of %s is fit to be tried: %s",
							   sg_relation_name(lt->reach.relid), problem);
			if (lt->reason == NULL || strcmp(lt->reason, problem) != 0)
				live_set_reason(lt, problem);
			lt->some_unfit = true;
			continue;
		}
		old = MemoryContextSwitchTo(lt->context);
		lt->candidates = lappend(lt->candidates, memcpy(palloc(sizeof(Candidate)), candidate, sizeof(Candidate)));
		MemoryContextSwitchTo(old);
		if (list_length(lt->candidates) == CANDIDATES)
			return;
	}
}

/*
 * Examines the rows of a query in groups, until one is fit, `most` rows have
 * been seen (0: all), or the time is up.
 */
static void
look_at(LiveTest *lt, const char *sql, int most, bool use_parent)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard candidates",
												  ALLOCSET_DEFAULT_SIZES);
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, true, 0);
	bool		more = true;

	for (int seen = 0; more && lt->candidates == NIL && (most == 0 || seen < most) &&
		 GetCurrentTimestamp() < lt->look_until; seen += LOOKED_AT)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		SPI_cursor_fetch(portal, true, LOOKED_AT);
		more = SPI_processed > 0;
		choose_candidates(lt, read_candidates(lt, use_parent));
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(context);
}

static void
find_children(LiveTest *lt, bool childless)
{
	const FkKey *key = lt->key;
	char	   *sampling = sampling_clause(key->child, SAMPLE_ROWS);

	if (!childless)
		look_at(lt, pairs_query(key, "", LOOKED_AT), 0, false);
	if (!childless && lt->candidates == NIL)
		look_at(lt, pairs_query(key, "", SAMPLE_ROWS), 0, false);
	if (!childless && lt->candidates == NIL && sampling)
		look_at(lt, pairs_query(key, sampling, 3 * SAMPLE_ROWS), 0, false);
	if (lt->candidates == NIL && lt->reason == NULL &&
		(same_types(key) || lt->kind != LIVE_INSERT_VALID))
		look_at(lt, adopted_query(key, childless), 0, true);
	if (lt->candidates == NIL && lt->reason == NULL)
		live_set_reason(lt, childless ?
						psprintf("no row of %s is without a child, and the key is unique", sg_relation_name(key->parent)) :
						psprintf("%s or %s has no row to copy", sg_relation_name(key->child), sg_relation_name(key->parent)));
}

static void
find_parents(LiveTest *lt)
{
	char	   *children = sampling_clause(lt->key->child, SAMPLE_ROWS);

	if (lt->reach.other_path && !live_rejects_parent(lt))
	{
		live_set_reason(lt, verify_other_path_text);
		return;
	}
	look_at(lt, parents_query(lt, ""), LOOKED_AT, false);
	if (lt->candidates == NIL && children)
		look_at(lt, parents_query(lt, children), LOOKED_AT, false);
	if (lt->candidates == NIL && lt->reason == NULL)
		live_set_reason(lt, psprintf("no row of %s is referenced by another row%s", sg_relation_name(lt->key->parent),
									 lt->reach.beside ? " by this key alone" : ""));
}

/* Chooses the key column that gets a value which occurs in no table */
static void
choose_fresh_column(LiveTest *lt, Oid relid, const AttrNumber *columns)
{
	lt->fresh_column = verify_fresh_column(lt->key, relid, columns, lt->reach.declared);
	if (lt->fresh_column < 0)
		lt->reason = "no value could be made that does not exist, for any column of the key";
}

/* Returns whether another key between the same tables would reach a child that is made for this one */
static bool
shares_columns(const LiveTest *lt)
{
	const FkKey *key = lt->key;
	Bitmapset  *columns = verify_column_set(key->child_att, key->nkeys);

	foreach_ptr(const FkKey, other, verify_keys_to_tree(lt->reach.declared, key->parent))
	{
		if (other->conid != key->conid && verify_same_tree(other->child, key->child) &&
			(other->child != key->child || bms_overlap(columns, verify_column_set(other->child_att, other->nkeys))))
			return true;
	}
	return false;
}

bool
verify_may_copy(LiveTest *lt)
{
	MemoryContext old;
	Oid			role;
	bool		may;

	if (lt->no_copies || live_is_child_test(lt->kind) || shares_columns(lt) || !lt->may_insert)
		return false;
	old = MemoryContextSwitchTo(lt->context);
	lt->reach.inserts = true;
	may = verify_reach_tables(&lt->reach) == NULL &&
		verify_reach_role(&lt->reach, &role) == NULL && role == lt->role;
	MemoryContextSwitchTo(old);
	return may;
}

/* Finds the columns that make copies of a parent and a child unique; returns false if there are none */
static bool
make_copies_unique(LiveTest *lt)
{
	const FkKey *key = lt->key;
	VerifyKeys *declared = lt->reach.declared;

	lt->fresh_column = verify_fresh_column(key, key->parent, key->parent_att, declared);
	if (lt->fresh_column < 0)
		return false;
	return verify_unique_columns(key->parent, declared, bms_make_singleton(key->parent_att[lt->fresh_column]),
								 &lt->parent_fresh, &lt->parent_null) == NULL &&
		verify_unique_columns(key->child, declared, verify_column_set(key->child_att, key->nkeys),
							  &lt->fresh, &lt->null) == NULL;
}

void
verify_find_copies(LiveTest *lt)
{
	MemoryContext old = MemoryContextSwitchTo(lt->context);
	bool		possible = make_copies_unique(lt);

	MemoryContextSwitchTo(old);
	if (!possible)
		return;
	lt->unfit = lt->reason;
	SPI_connect();
	if (SPI_execute(adopted_query(lt->key, false), true, CANDIDATES) != SPI_OK_SELECT)
		elog(ERROR, "could not read rows of %s", sg_relation_name(lt->key->child));
	MemoryContextSwitchTo(lt->context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Candidate  *candidate = palloc0(sizeof(Candidate));

		candidate->child = verify_result_row(i, 1);
		candidate->parent = verify_result_row(i, 3);
		candidate->use_parent = candidate->copied = true;
		lt->candidates = lappend(lt->candidates, candidate);
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
}

/*
 * Finds the columns that make a copy of a child unique.  Returns whether these
 * include the key's own: then a valid row needs a parent without children.
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
	problem = verify_unique_columns(key->child, lt->reach.declared, changed, &lt->fresh, &lt->null);
	if (lt->kind == LIVE_INSERT_VALID &&
		(problem || bms_overlap(lt->null, verify_column_set(key->child_att, key->nkeys))))
	{
		childless = true;
		problem = verify_unique_columns(key->child, lt->reach.declared, verify_column_set(key->child_att, key->nkeys),
										&lt->fresh, &lt->null);
	}
	if (problem)
		live_set_reason(lt, problem);
	return childless;
}

void
verify_find_role(LiveTest *lt)
{
	MemoryContext old = MemoryContextSwitchTo(lt->context);

	lt->role = InvalidOid;
	lt->reason = audit_place_problem(lt->key);
	if (lt->reason == NULL)
		lt->reason = privilege_problem(lt, GetUserId());
	if (lt->reason == NULL)
		lt->reason = verify_reach_tables(&lt->reach);
	if (lt->reason == NULL)
		lt->reason = verify_reach_role(&lt->reach, &lt->role);
	if (lt->reason == NULL && OidIsValid(lt->role))
		lt->reason = privilege_problem(lt, lt->role);
	lt->may_insert = may_insert(lt, GetUserId()) && (!OidIsValid(lt->role) || may_insert(lt, lt->role));
	MemoryContextSwitchTo(old);
}

void
verify_find(LiveTest *lt)
{
	const FkKey *key = lt->key;
	MemoryContext old = MemoryContextSwitchTo(lt->context);
	bool		childless = false;

	if (lt->reason == NULL && (lt->kind == LIVE_INSERT_ORPHAN || lt->kind == LIVE_UPDATE_ORPHAN))
		choose_fresh_column(lt, key->child, key->child_att);
	if (lt->reason == NULL && lt->kind == LIVE_UPDATE_PARENT)
		choose_fresh_column(lt, key->parent, key->parent_att);
	if (lt->reason == NULL && live_is_insert(lt->kind))
		childless = make_copy_unique(lt);
	MemoryContextSwitchTo(old);

	if (lt->reason == NULL)
	{
		SPI_connect();
		if (live_is_child_test(lt->kind))
			find_children(lt, childless);
		else
			find_parents(lt);
		SPI_finish();
		lt->no_time = lt->candidates == NIL && GetCurrentTimestamp() >= lt->look_until;
	}
}

void
verify_find_all(LiveTest *lt)
{
	char	   *parents = sampling_clause(lt->key->parent, SAMPLE_PARENTS);

	if (live_is_child_test(lt->kind) || !lt->some_unfit)
		return;
	SPI_connect();
	if (parents)
		look_at(lt, small_parents_query(lt, parents), 0, false);
	if (lt->candidates == NIL)
		look_at(lt, small_parents_query(lt, ""), 0, false);
	SPI_finish();
	lt->no_time = lt->candidates == NIL && GetCurrentTimestamp() >= lt->look_until;
}
