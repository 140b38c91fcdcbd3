/*-------------------------------------------------------------------------
 *
 * audit_access.c
 *	  May these rows be read, and are they all there?
 *
 * Everything that would make a scan fail, or see less than there is, is
 * found by checks beforehand: on a standby an error can't be caught, and a
 * row that a policy hides must never turn a verdict into "pass".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "audit/audit_internal.h"
#include "audit/audit_yield.h"
#include "audit/audit_rule.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"

static char *
grant_hint(const char *table, const char *role)
{
	return psprintf("Have its owner run:\nGRANT SELECT ON %s TO %s;", table, role);
}

FkProblem *
audit_readable(Oid relid, Oid role, const AttrNumber *columns, int n, bool whole_row)
{
	char	   *name = sg_relation_name(relid);
	char	   *who = sg_role_name(role);

	if (object_aclcheck(NamespaceRelationId, get_rel_namespace(relid), role, ACL_USAGE) != ACLCHECK_OK)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
						  psprintf("role %s has no USAGE on the schema of %s", who, name),
						  psprintf("Have its owner run:\nGRANT USAGE ON SCHEMA %s TO %s;",
								   quote_identifier(sg_schema_name(get_rel_namespace(relid))), who));

	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK)
	{
		if (whole_row)
			return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
							  psprintf("role %s has no SELECT on %s", who, name), grant_hint(name, who));
		for (int i = 0; i < n; i++)
		{
			if (pg_attribute_aclcheck(relid, columns[i], role, ACL_SELECT) != ACLCHECK_OK)
				return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
								  psprintf("role %s has no SELECT on column %s of %s", who,
										   sg_column_name(relid, columns[i]), name), grant_hint(name, who));
		}
	}

	if (check_enable_rls(relid, role, true) == RLS_ENABLED)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
						  psprintf("row security of %s would hide rows from role %s", name, who), NULL);

	return NULL;
}

FkProblem *
audit_placed(Oid relid)
{
	char		persistence = sg_rel_persistence(relid);

	if (persistence == RELPERSISTENCE_TEMP &&
		!isTempOrTempToastNamespace(get_rel_namespace(relid)))
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED,
						  psprintf("%s is a temporary table of another session", sg_relation_name(relid)), NULL);
	if (persistence != RELPERSISTENCE_PERMANENT && RecoveryInProgress())
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED,
						  psprintf("%s is not logged and has no rows on a standby", sg_relation_name(relid)), NULL);
	return NULL;
}

/*
 * Samples and whole rows are emitted as jsonb, which looks for casts of types
 * that are not built in.
 */
FkProblem *
audit_reading_role(const FkKey *key, bool whole_row, Oid *role)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "schemaguard reachable code", ALLOCSET_SMALL_SIZES);
	CodeReach  *reach;
	char	   *reason;
	FkProblem  *problem = NULL;

	MemoryContextSwitchTo(scratch);
	reach = code_reach();
	fk_code_reach(reach, key);
	code_reach_read(reach, key->child);
	if (key->parent != key->child)
		code_reach_read(reach, key->parent);
	if (whole_row)
		code_reach_row(reach, key->child);
	reason = audit_key_role(key, reach, role);
	MemoryContextSwitchTo(context);

	if (reason)
		problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
							 psprintf("reading these tables is left alone: %s", reason), NULL);
	MemoryContextDelete(scratch);
	return problem;
}

/* Returns true if only the child's owner may run the scan. */
bool
audit_needs_owner(const FkKey *key, bool whole_row)
{
	Oid			role;

	return audit_reading_role(key, whole_row, &role) != NULL || OidIsValid(role);
}

static FkProblem *
role_problem(const FkKey *key, Oid role, bool whole_row)
{
	/* PERIOD: the query groups by ctid */
	FkProblem  *p = audit_readable(key->child, role, key->child_att, key->nkeys,
								   whole_row || key->period);

	if (p == NULL)
		p = audit_readable(key->parent, role, key->parent_att, key->nkeys, false);
	return p;
}

FkProblem *
audit_caller_problem(const FkKey *key, bool whole_row)
{
	FkProblem  *p;

	/* the table may have been dropped while an earlier key waited */
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->child)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->parent)))
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_TABLE,
						  "a table of the key was dropped meanwhile", NULL);

	p = audit_placed(key->child);
	if (p == NULL)
		p = audit_placed(key->parent);
	if (p == NULL)
		p = role_problem(key, GetUserId(), whole_row);
	return p;
}

static bool
is_nondeterministic(Oid relid, AttrNumber attnum, Oid *collation)
{
	Oid			type;
	int32		typmod;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, collation);
	return OidIsValid(*collation) && !get_collation_isdeterministic(*collation);
}

/*
 * Returns the problem of an operator that may contradict its type's order.
 * Only built-in types are known to obey nondeterministic collations in both:
 * citext compares bytes for =, but sorts by the collation, so that a merge join
 * finds parents for rows for which a hash join finds none.
 */
static FkProblem *
operator_problem(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			collation;
		char	   *name;
		char	   *operator;

		if (key->pf_eq_op[i] < FirstUnpinnedObjectId ||
			(!is_nondeterministic(key->parent, key->parent_att[i], &collation) &&
			 !is_nondeterministic(key->child, key->child_att[i], &collation)))
			continue;
		name = get_collation_name(collation);
		operator = get_opname(key->pf_eq_op[i]);
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED,
						  psprintf("collation %s is nondeterministic, and operator %s of type %s, which is not built in, may contradict the order of its values under it",
								   name ? quote_identifier(name) : "?", operator ? operator : "?",
								   format_type_be(get_atttype(key->parent, key->parent_att[i]))), NULL);
	}
	return NULL;
}

FkProblem *
audit_access_problem(const FkKey *key, bool whole_row)
{
	FkProblem  *p = audit_caller_problem(key, whole_row);
	Oid			owner = InvalidOid;

	if (p == NULL)
		p = operator_problem(key);
	if (p == NULL)
		p = audit_reading_role(key, whole_row, &owner);
	if (p == NULL && OidIsValid(owner))
	{
		p = role_problem(key, owner, whole_row);
		if (p)
			p->reason = psprintf("%s may do it, but %s", audit_key_is_foreign(key) ?
								 "reading these tables asks a foreign server, so only the foreign table's owner" :
								 "reading these tables runs code that is not built in, so only the child's owner", p->reason);
	}
	return p;
}

/* Locks a table, with or without waiting */
static bool
lock_one(Oid relid, bool wait)
{
	audit_yield_lock(relid);
	if (wait)
		LockRelationOid(relid, AccessShareLock);
	else if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;

	audit_yield_indexes(relid);
	return true;
}

/*
 * Locks a table and its partitions or, with tree, all inheriting tables, and
 * returns them; NIL if it was dropped
 */
static List *
lock_tree(Oid relid, bool tree, bool wait, Oid *busy)
{
	List	   *relids;
	ListCell   *lc;

	if (!lock_one(relid, wait))
	{
		*busy = relid;
		return list_make1_oid(relid);
	}
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return NIL;
	if (!audit_spreads(relid, tree))
		return list_make1_oid(relid);

	/*
	 * a table that is dropped meanwhile is no longer a partition: see
	 * audit_keep_leaves()
	 */
	relids = wait ? find_all_inheritors(relid, AccessShareLock, NULL) : sg_all_inheritors(relid);
	foreach(lc, relids)
	{
		if (!wait && lfirst_oid(lc) != relid && !lock_one(lfirst_oid(lc), false))
			*busy = lfirst_oid(lc);
	}
	return relids;
}

/*
 * Returns whether the table got a new file since the transaction's snapshot:
 * TRUNCATE and most rewriting ALTERs are not MVCC-safe, so an older snapshot
 * sees the new file as empty.
 */
static bool
rewritten_since_snapshot(Oid relid)
{
	SgCatalog	classes;
	HeapTuple	tuple;
	bool		rewritten = true;

	sg_catalog_begin(&classes, RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, relid,
					 GetTransactionSnapshot());
	tuple = sg_catalog_next(&classes);
	if (HeapTupleIsValid(tuple))
	{
		HeapTuple	now = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

		rewritten = !HeapTupleIsValid(now) ||
			((Form_pg_class) GETSTRUCT(tuple))->relfilenode !=
			((Form_pg_class) GETSTRUCT(now))->relfilenode;
		if (HeapTupleIsValid(now))
			ReleaseSysCache(now);
	}
	sg_catalog_end(&classes);

	return rewritten;
}

/* Returns why the transaction's snapshot, if it keeps one, can't see the tables' rows, or NULL */
static FkProblem *
snapshot_problem(List *relids)
{
	ListCell   *lc;

	if (!IsolationUsesXactSnapshot())
		return NULL;
	foreach(lc, relids)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION &&
			rewritten_since_snapshot(lfirst_oid(lc)))
			return fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							  psprintf("%s was truncated or rewritten after the snapshot of this transaction was taken",
									   sg_relation_name(lfirst_oid(lc))), NULL);
	}
	return NULL;
}

FkProblem *
audit_lock_rows(Oid relid, bool tree, bool wait, Oid *busy)
{
	List	   *relids = lock_tree(relid, tree, wait, busy);
	ListCell   *lc;

	if (relids == NIL)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_TABLE,
						  "a table of the key was dropped meanwhile", NULL);
	if (OidIsValid(*busy))
		return NULL;
	foreach(lc, relids)
	{
		FkProblem  *p = audit_placed(lfirst_oid(lc));

		if (p)
			return p;
	}
	return snapshot_problem(relids);
}

FkProblem *
audit_lock(const FkKey *key, bool wait, Oid *busy)
{
	FkProblem  *p;

	*busy = InvalidOid;
	p = audit_lock_rows(key->child, false, wait, busy);
	if (p == NULL && !OidIsValid(*busy) && key->parent != key->child)
		p = audit_lock_rows(key->parent, false, wait, busy);
	return p;
}

void
audit_push_snapshot(void)
{
	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
}

static void
scope_begin(SgScope *scope, const FkProblem *problem, Oid role)
{
	char		number[32];
	int			workers;

	/* raise an error if the result of the earlier check has changed */
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
	sg_role_begin(scope, role);

	/*
	 * policies were checked before; make any that applies all the same an
	 * error
	 */
	sg_scope_set("row_security", "off");

	/*
	 * Divide the memory: each process may use work_mem for the join, and
	 * again for the groups above it.
	 */
	workers = sg_audit_workers >= 0 ? sg_audit_workers : max_parallel_maintenance_workers;
	snprintf(number, sizeof(number), "%d", workers);
	sg_scope_set("max_parallel_workers_per_gather", number);
	snprintf(number, sizeof(number), "%d",
			 (int) Max(sg_audit_memory_bytes() / 1024 / 2 / (workers + 1), 64));
	sg_scope_set("work_mem", number);
	sg_scope_set("hash_mem_multiplier", "1");
	sg_scope_set("jit", "off");

	/*
	 * planning must not evaluate CHECK constraints, which may be anybody's
	 * code
	 */
	sg_scope_set("constraint_exclusion", "off");

	/*
	 * Read only the heap: a damaged index must not decide what is an orphan.
	 * Enable the plain methods whatever the session says, else disabled ones
	 * would look as cheap.
	 */
	sg_scope_set("enable_seqscan", "on");
	sg_scope_set("enable_hashjoin", "on");
	sg_scope_set("enable_mergejoin", "on");
	sg_scope_set("enable_hashagg", "on");
	sg_scope_set("enable_sort", "on");
	sg_scope_set("enable_indexscan", "off");
	sg_scope_set("enable_indexonlyscan", "off");
	sg_scope_set("enable_bitmapscan", "off");

	/*
	 * without indexes a nested loop is quadratic, though LIMIT makes it look
	 * cheap
	 */
	sg_scope_set("enable_nestloop", "off");
}

void
audit_scope_begin(SgScope *scope, const FkKey *key, bool whole_row)
{
	Oid			role;
	FkProblem  *problem = audit_reading_role(key, whole_row, &role);

	scope_begin(scope, problem, role);
}

void
audit_rule_scope_begin(SgScope *scope, const AuditKey *ak, bool whole_row)
{
	Oid			role;
	FkProblem  *problem = audit_rule_role(ak, whole_row, &role);

	scope_begin(scope, problem, role);
}
