/*-------------------------------------------------------------------------
 *
 * deploy_scan.c
 *	  Constraints become valid by one scan of their table.
 *
 * Foreign keys, CHECKs and NOT NULLs (18 and later) of a table are judged
 * together, under the locks that VALIDATE takes and in a snapshot taken after
 * them: whoever writes what that snapshot does not see obeys the constraints
 * already.  Those that hold are marked in pg_constraint as ALTER TABLE does it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "audit/audit_rule.h"
#include "base/compat.h"
#include "base/errors.h"
#include "deploy/deploy_scan.h"

/* ---- what a scan can't do as core would ---- */

/*
 * Returns why VALIDATE may refuse rows of a pair of columns that an audit
 * accepts, or NULL.  An audit trusts equality; VALIDATE takes IS NULL, which
 * looks into composite values, as the sign of a missing parent, and the hash of
 * type name is that of its bytes, whatever the collation.
 */
static const char *
pair_obstacle(const FkKey *key, int i)
{
	Oid			parent_type,
				parent_coll,
				child_type,
				child_coll;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[i], &parent_type, &typmod, &parent_coll);
	get_atttypetypmodcoll(key->child, key->child_att[i], &child_type, &typmod, &child_coll);
	if (type_is_rowtype(parent_type) || type_is_rowtype(child_type))
		return "a column has a composite type";
	if ((parent_type == NAMEOID || child_type == NAMEOID) &&
		OidIsValid(parent_coll) && !get_collation_isdeterministic(parent_coll))
		return "a column of type name has a nondeterministic collation";
	return NULL;
}

static const char *
key_obstacle(const FkKey *key)
{
	FkProblem  *problem = audit_access_problem(key, false);
	CodeReach  *reach = code_reach();
	const char *obstacle = NULL;

	if (problem)
		return problem->reason;
	if (key->validated)
		return "it is valid by now";
	if (!key->enforced || !key->armed)
		return "it is not enforced, or unarmed";
	if (key->doubt)
		return key->doubt;
	if (get_rel_relkind(key->child) != RELKIND_RELATION ||
		get_rel_relkind(key->parent) != RELKIND_RELATION)
		return "child or parent is partitioned";
	if (key->period)
		return "it uses PERIOD";
	fk_code_reach(reach, key);
	code_reach_read(reach, key->child);
	code_reach_read(reach, key->parent);
	if (code_found(reach))
		return "its columns or indexes run code that is not built in";
	for (int i = 0; i < key->nkeys && obstacle == NULL; i++)
		obstacle = pair_obstacle(key, i);
	return obstacle;
}

/* Returns why a scan of the one table does not read all rows of a constraint, or NULL */
static const char *
place_obstacle(const AuditKey *ak)
{
	if (get_rel_relkind(ak->key.child) != RELKIND_RELATION)
		return "the table is partitioned";
	/* not by sg_has_subclass(), which stays true after they are gone */
	if (ak->rule->tree && sg_children(ak->key.child) != NIL)
		return "other tables inherit from it";
	return NULL;
}

static const char *
rule_obstacle(const AuditKey *ak)
{
	const char *obstacle = place_obstacle(ak);
	FkProblem  *problem;

	if (ak->rule->kind == AUDIT_UNIQUE)
		return "an index proves it";
	if (obstacle == NULL)
		obstacle = audit_rule_problem(ak);
	problem = obstacle ? NULL : audit_rule_access(ak, false);
	return problem ? problem->reason : obstacle;
}

/* Returns why a constraint does not wait for validation, or NULL; *contype gets its type */
static const char *
state_obstacle(Oid conid, char *contype)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	const char *obstacle = NULL;

	if (!HeapTupleIsValid(tuple))
		return "it was dropped meanwhile";
	*contype = ((Form_pg_constraint) GETSTRUCT(tuple))->contype;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->convalidated)
		obstacle = "it is valid by now";
	else if (*contype != CONSTRAINT_FOREIGN && !SG_CON_ENFORCED((Form_pg_constraint) GETSTRUCT(tuple)))
		obstacle = "it is not enforced";
	ReleaseSysCache(tuple);
	return obstacle;
}

/* Constraint that a scan may validate */
typedef struct ScanLook
{
	Oid			conid;
	const char *obstacle;		/* why a scan may not validate it, or NULL */
	AuditKey   *ak;				/* key or rule to judge */
} ScanLook;

/*
 * Finds the obstacle to a scan; for sg_read(), which looks again if the
 * constraint is dropped meanwhile
 */
static void
find_obstacle(void *arg)
{
	ScanLook   *look = arg;
	char		contype;

	look->ak = NULL;
	look->obstacle = state_obstacle(look->conid, &contype);
	if (look->obstacle)
		return;
	if (contype == CONSTRAINT_FOREIGN)
	{
		FkKey	   *key = fk_by_oid(look->conid);

		look->obstacle = key ? key_obstacle(key) : "it was dropped meanwhile";
		if (look->obstacle == NULL)
			look->ak = audit_key_new(key, AUDIT_PLAN, fk_state(key));
		return;
	}
	look->ak = audit_rule_declared(look->conid);
	look->obstacle = look->ak ? rule_obstacle(look->ak) : "it is no constraint that a scan knows";
}

const char *
deploy_scan_obstacle(Oid conid)
{
	ScanLook	look = {.conid = conid};

	sg_read(find_obstacle, &look);
	return look.obstacle;
}

/* ---- the scan ---- */

AuditKey *
deploy_scan_key(Oid conid, const char **why_core)
{
	ScanLook	look = {.conid = conid};

	sg_read(find_obstacle, &look);
	*why_core = look.obstacle;
	if (look.obstacle)
		return NULL;
	if (look.ak->rule == NULL)
		audit_proof_begin(look.ak);
	return look.ak;
}

void
deploy_scan(Oid child, List *keys)
{
	AuditTable	table = {.child = child,.keys = keys,.results = CurrentMemoryContext};

	if (keys == NIL)
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	audit_table_locked(&table);
	PopActiveSnapshot();
}

/*
 * Marks a constraint as validated, as ALTER TABLE does for a table without
 * partitions, on all majors.  The new row of pg_constraint makes every session
 * forget what it cached about a key and its child; for other constraints an
 * invalidation is sent.
 */
void
deploy_mark_valid(Oid conid)
{
	Relation	pg_constraint = table_open(ConstraintRelationId, RowExclusiveLock);
	Form_pg_constraint form;
	ScanKeyData skey;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&skey, Anum_pg_constraint_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(conid));
	scan = systable_beginscan(pg_constraint, ConstraintOidIndexId, true, NULL, 1, &skey);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find constraint %u", conid);

	/* two steps may be about the same constraint */
	if (!((Form_pg_constraint) GETSTRUCT(tuple))->convalidated)
	{
		tuple = heap_copytuple(tuple);
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		form->convalidated = true;
		CatalogTupleUpdate(pg_constraint, &tuple->t_self, tuple);
		InvokeObjectPostAlterHook(ConstraintRelationId, conid, 0);
		if (form->contype != CONSTRAINT_FOREIGN)
			CacheInvalidateRelcacheByRelid(form->conrelid);
	}
	systable_endscan(scan);
	table_close(pg_constraint, RowExclusiveLock);
	CommandCounterIncrement();
}
