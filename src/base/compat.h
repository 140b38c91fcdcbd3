/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  The differences between the supported majors, 15 to 19, in one place.
 *
 * This is the only file that looks at PG_VERSION_NUM.  Code elsewhere uses
 * the newest spelling, which is defined here for the older servers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_COMPAT_H
#define SG_COMPAT_H

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/tupdesc.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "postmaster/autovacuum.h"
#include "replication/walsender_private.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc_tables.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Tells errors of ours from the server's: see sg_error_text() */
#undef TEXTDOMAIN
#define TEXTDOMAIN "schemaguard"

#if PG_VERSION_NUM < 150000
#error "schemaguard needs PostgreSQL 15 or later"
#endif

/* Minor releases of 2025 replaced the flag by bits */
#ifdef SYNC_STANDBY_DEFINED
#define SG_STANDBYS_DEFINED() ((WalSndCtl->sync_standbys_status & SYNC_STANDBY_DEFINED) != 0)
#else
#define SG_STANDBYS_DEFINED() (WalSndCtl->sync_standbys_defined)
#endif

/*
 * 18: NOT ENFORCED and PERIOD, whose operators belong to any index method;
 * constraints on partitioned tables NOT VALID
 */
#if PG_VERSION_NUM >= 180000
#define SG_HAVE_PERIOD 1
#define SG_KEY_OPERATOR(family, left, right, overlaps) \
	get_opfamily_member_for_cmptype(family, left, right, (overlaps) ? COMPARE_OVERLAP : COMPARE_EQ)
#define SG_HAVE_NOT_ENFORCED 1
#define SG_NOT_NULL_CONSTRAINT(relid, attnum) findNotNullConstraintAttnum(relid, attnum)
#define SG_CON_ENFORCED(con) ((con)->conenforced)
#define SG_CON_PERIOD(con) ((con)->conperiod)
#define SG_CONSTRAINT_ENFORCED(c) ((c)->is_enforced)
#define SG_CONSTRAINT_PERIOD(c) ((c)->fk_with_period || (c)->pk_with_period || (c)->without_overlaps)
#define SG_CONSTRAINT_HALF_PERIOD(c) \
	((c)->pk_with_period != (c)->fk_with_period && ((c)->pk_with_period || (c)->pk_attrs != NIL))
#else
#define SG_HAVE_PERIOD 0
#define SG_KEY_OPERATOR(family, left, right, overlaps) \
	get_opfamily_member(family, left, right, BTEqualStrategyNumber)
#define SG_HAVE_NOT_ENFORCED 0
#define SG_NOT_NULL_CONSTRAINT(relid, attnum) NULL
#define SG_CON_ENFORCED(con) true
#define SG_CON_PERIOD(con) false
#define SG_CONSTRAINT_ENFORCED(c) true
#define SG_CONSTRAINT_PERIOD(c) false
#define SG_CONSTRAINT_HALF_PERIOD(c) false
#endif
#define SG_NONDETERMINISTIC_MUST_AGREE SG_HAVE_NOT_ENFORCED
#define SG_PARTITIONED_NOT_VALID SG_HAVE_NOT_ENFORCED

/* 18: ProcedureCreate() wants transforms twice; we have none.  The list of RETURNING stands in a clause. */
#if PG_VERSION_NUM >= 180000
#define SG_NO_TRANSFORMS PointerGetDatum(NULL), NIL
#define SG_RETURNING(statement) (*((statement)->returningClause ? &(statement)->returningClause->exprs : &(List *) {NIL}))
#define SG_IS_VIRTUAL(constraint) ((constraint)->generated_kind == ATTRIBUTE_GENERATED_VIRTUAL)
/* the constraint that ALTER CONSTRAINT has enforced, or NULL */
#define SG_ENFORCED(altered) (((const ATAlterConstraint *) (altered))->alterEnforceability && \
	((const ATAlterConstraint *) (altered))->is_enforced ? ((const ATAlterConstraint *) (altered))->conname : NULL)
#else
#define SG_NO_TRANSFORMS PointerGetDatum(NULL)
#define SG_RETURNING(statement) ((statement)->returningList)
#define SG_IS_VIRTUAL(constraint) false
#define SG_ENFORCED(altered) NULL
#endif

/* 17: ALTER COLUMN ... SET EXPRESSION */
#if PG_VERSION_NUM >= 170000
#define SG_AT_SET_EXPRESSION AT_SetExpression
#else
#define SG_AT_SET_EXPRESSION ((AlterTableType) -1)
#endif

/* 16: one family of ownership checks; entries of the status array by index; input functions with soft errors */
#if PG_VERSION_NUM < 160000
static inline bool
object_ownercheck(Oid classid, Oid objectid, Oid roleid)
{
	Assert(classid == RelationRelationId || classid == NamespaceRelationId || classid == ProcedureRelationId);
	return classid == RelationRelationId ? pg_class_ownercheck(objectid, roleid) :
		classid == NamespaceRelationId ? pg_namespace_ownercheck(objectid, roleid) :
		pg_proc_ownercheck(objectid, roleid);
}

static inline AclResult
object_aclcheck(Oid classid, Oid objectid, Oid roleid, AclMode mode)
{
	Assert(classid == NamespaceRelationId || classid == DatabaseRelationId || classid == TableSpaceRelationId || classid == ProcedureRelationId);
	return classid == NamespaceRelationId ? pg_namespace_aclcheck(objectid, roleid, mode) :
		classid == DatabaseRelationId ? pg_database_aclcheck(objectid, roleid, mode) :
		classid == TableSpaceRelationId ? pg_tablespace_aclcheck(objectid, roleid, mode) :
		pg_proc_aclcheck(objectid, roleid, mode);
}

#define pgstat_get_local_beentry_by_index(i) pgstat_fetch_stat_local_beentry(i)
#define InputFunctionCallSafe(in, text, param, typmod, context, result) (*(result) = InputFunctionCall(in, text, param, typmod), true)
#endif

/*
 * 19: a slot has the number of the process that uses it, before that its ID, 0
 * if nobody does; hooks may not change what pg_stat_statements counts by;
 * CLUSTER is a statement of REPACK; log_min_messages is one a kind of process; and a table with a publication is "referenced
 * by" it in the server's refusals, before that "part of" it.
 */
#if PG_VERSION_NUM >= 190000
#define slot_active_pid(slot) ((slot)->active_proc == INVALID_PROC_NUMBER ? 0 : GetPGProcByNumber((slot)->active_proc)->pid)
#define SG_JUMBLE const JumbleState
#define SG_LOG_MIN_MESSAGES log_min_messages[MyBackendType]
#define SG_PUBLISHED "referenced by"
#define SG_REPACKED(statement) (((RepackStmt *) (statement))->relation ? ((RepackStmt *) (statement))->relation->relation : NULL)
#else
#define SG_PUBLISHED "part of"
#define slot_active_pid(slot) ((slot)->active_pid)
#define SG_JUMBLE JumbleState
#define SG_LOG_MIN_MESSAGES log_min_messages
#define T_RepackStmt T_ClusterStmt
#define SG_REPACKED(statement) (((ClusterStmt *) (statement))->relation)
#endif

/* 16: settings are in a hash table: all of them in a new array, and one by its name, NULL where there is none */
static inline struct config_generic **
sg_settings(int *n)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(n);
#else
	*n = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

static inline struct config_generic *
sg_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	int			n;
	struct config_generic **settings = sg_settings(&n);

	for (int i = 0; i < n; i++)
	{
		if (pg_strcasecmp(settings[i]->name, name) == 0)
			return settings[i];
	}
	return NULL;
#endif
}

/* 19: settings of all types are one struct */
#if PG_VERSION_NUM >= 190000
#define SG_INT_SETTING(setting) (&(setting)->_int)
#define SG_BOOL_SETTING(setting) (&(setting)->_bool)
#else
#define SG_INT_SETTING(setting) ((struct config_int *) (setting))
#define SG_BOOL_SETTING(setting) ((struct config_bool *) (setting))
#endif

/* 16: who reads what is apart from the range table */
#if PG_VERSION_NUM >= 160000
#define SG_PERMISSIONS RTEPermissionInfo
#define SG_PLANNED_PERMISSIONS(planned) ((planned)->permInfos)
#else
#define SG_PERMISSIONS RangeTblEntry
#define SG_PLANNED_PERMISSIONS(planned) ((planned)->rtable)
#endif

/* 19: the planner's hook for each relation is another one */
#if PG_VERSION_NUM >= 190000
#define sg_relation_hook build_simple_rel_hook
#define sg_relation_hook_type build_simple_rel_hook_type
#define SG_RELATION_HOOK_PARAMETERS PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *entry
#define SG_RELATION_HOOK_ARGUMENTS root, rel, entry
#define SG_HOOKED_RELATION (entry->rtekind == RTE_RELATION ? entry->relid : InvalidOid)
#else
#define sg_relation_hook get_relation_info_hook
#define sg_relation_hook_type get_relation_info_hook_type
#define SG_RELATION_HOOK_PARAMETERS PlannerInfo *root, Oid id, bool parent, RelOptInfo *rel
#define SG_RELATION_HOOK_ARGUMENTS root, id, parent, rel
#define SG_HOOKED_RELATION id
#endif

/*
 * 17: a stronger lock may count as well; a lock's virtual transaction is one
 * field; kinds of processes are asked for alike; loops over lists declare what they visit (the list stays as it is)
 */
#if PG_VERSION_NUM < 170000
#define AmAutoVacuumWorkerProcess() IsAutoVacuumWorkerProcess()
#define LockHeldByMe(tag, mode, orstronger) LockHeldByMe(tag, mode)
#define SG_LOCK_VXID(lock) ((VirtualTransactionId) {(lock)->backend, (lock)->lxid})
#define SG_LOCAL_XID(proc) ((proc)->lxid)
#define SG_FOREACH(type, star, var, list, value) \
	for (ForEachState var##_at = {(list), 0}; var##_at.i >= 0; var##_at.i = -1) \
		for (type star var; \
			 var##_at.l != NIL && var##_at.i < var##_at.l->length && \
			 ((var = (type star) value(&var##_at.l->elements[var##_at.i])), true); \
			 var##_at.i++)
#define foreach_ptr(type, var, list) SG_FOREACH(type, *, var, list, lfirst)
#define foreach_int(var, list) SG_FOREACH(int, , var, list, lfirst_int)
#define foreach_oid(var, list) SG_FOREACH(Oid, , var, list, lfirst_oid)
#else
#define SG_LOCK_VXID(lock) ((lock)->vxid)
#define SG_LOCAL_XID(proc) ((proc)->vxid.lxid)
#endif

/* 16: a member of a role may SET ROLE only where that was granted */
#if PG_VERSION_NUM < 160000
#define member_can_set_role(member, role) is_member_of_role(member, role)
#endif

/* 18: scans by index count for EXPLAIN, columns may be computed when they are read */
#if PG_VERSION_NUM < 180000
#define index_beginscan(heap, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#define expand_generated_columns_in_expr(node, rel, rt_index) (node)
#elif PG_VERSION_NUM < 190000
#define index_beginscan(heap, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(heap, index, snapshot, instrument, nkeys, norderbys)
#endif

/* 19: scans take flags, descriptors of rows are finished by a call, scanners have nothing to warn about, planners know EXPLAIN's state */
#if PG_VERSION_NUM < 190000
#define SO_NONE 0
#define table_beginscan(rel, snapshot, nkeys, key, flags) table_beginscan(rel, snapshot, nkeys, key)
#define table_beginscan_parallel(rel, pscan, flags) table_beginscan_parallel(rel, pscan)
#define table_beginscan_tidrange(rel, snapshot, first, last, flags) table_beginscan_tidrange(rel, snapshot, first, last)
#define TupleDescFinalize(desc) ((void) (desc))
#define SG_SCANNER_QUIET(extra) ((extra).escape_string_warning = false)
#define SG_PLANNER_MORE(explain)
#else
#define SG_SCANNER_QUIET(extra) ((void) 0)
#define SG_PLANNER_MORE(explain) , explain
#endif

/* ALTER TABLE ... ALTER CONSTRAINT, whose parse node is another one from 18 on */
typedef struct SgAlterConstraint
{
	char	   *name;
	bool		alters_timing;
	bool		deferrable;
	bool		initially_deferred;
	bool		alters_enforced;
	bool		enforced;
} SgAlterConstraint;

static inline SgAlterConstraint
sg_alter_constraint(Node *def)
{
	SgAlterConstraint result = {0};

#if PG_VERSION_NUM >= 180000
	ATAlterConstraint *alter = castNode(ATAlterConstraint, def);

	result.alters_timing = alter->alterDeferrability;
	result.alters_enforced = alter->alterEnforceability;
	result.enforced = alter->is_enforced;
#else
	Constraint *alter = castNode(Constraint, def);

	result.alters_timing = true;
#endif
	result.name = alter->conname;
	result.deferrable = alter->deferrable;
	result.initially_deferred = alter->initdeferred;
	return result;
}

/* 18: noreturn is a prefix, so that C11's keyword can stand there */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18: the module can tell its name and version to pg_get_loaded_modules() */
#ifdef PG_MODULE_MAGIC_EXT
#define SG_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "schemaguard", .version = SG_VERSION)
#else
#define SG_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18: a query is executed once anyway */
#if PG_VERSION_NUM >= 180000
#define SG_EXECUTOR_RUN(query) ExecutorRun(query, ForwardScanDirection, 0)
#else
#define SG_EXECUTOR_RUN(query) ExecutorRun(query, ForwardScanDirection, 0, true)
#endif

/* 17: the expression of a generated column can be another one */
#if PG_VERSION_NUM >= 170000
#define sg_sets_expression(command) ((command) == AT_SetExpression)
#else
#define sg_sets_expression(command) false
#endif

/* 18: frozen pages, too.  How large a table is, in a transaction that may be undone. */
#if PG_VERSION_NUM >= 180000
#define SG_UPDATE_RELSTATS(rel, pages, tuples) \
	vac_update_relstats(rel, pages, tuples, (rel)->rd_rel->relallvisible, (rel)->rd_rel->relallfrozen, true, \
						InvalidTransactionId, InvalidMultiXactId, NULL, NULL, true)
#else
#define SG_UPDATE_RELSTATS(rel, pages, tuples) \
	vac_update_relstats(rel, pages, tuples, (rel)->rd_rel->relallvisible, true, \
						InvalidTransactionId, InvalidMultiXactId, NULL, NULL, true)
#endif

/* 19: ALTER DOMAIN ... VALIDATE CONSTRAINT lets others write meanwhile */
#if PG_VERSION_NUM >= 190000
#define SG_VALIDATE_DOMAIN_LOCK ShareUpdateExclusiveLock
#else
#define SG_VALIDATE_DOMAIN_LOCK ShareLock
#endif

/* 16: a slot that is of no use any more can have a place in the WAL still */
#if PG_VERSION_NUM >= 160000
#define SG_SLOT_IS_INVALID(data) ((data).invalidated != RS_INVAL_NONE)
#else
#define SG_SLOT_IS_INVALID(data) false
#endif

/* 16: an index that has a summary of each range of pages, as BRIN, gets no entry for a row that stays on its page */
#if PG_VERSION_NUM >= 160000
#define SG_SUMMARIZES(method) ((method) == BRIN_AM_OID)
#else
#define SG_SUMMARIZES(method) false
#endif

/* lc_messages; utils/pg_locale.h, which declares it, asks for ICU's headers */
extern PGDLLIMPORT char *locale_messages;

/*
 * 16 to 18: kinds of nodes in expressions, as labels of a switch: those whose
 * type exprType() tells, and the others
 */
#if PG_VERSION_NUM < 160000
#define SG_TYPED_NODES
#define SG_PLAIN_NODES
#elif PG_VERSION_NUM < 170000
#define SG_TYPED_NODES case T_JsonValueExpr: case T_JsonConstructorExpr:
#define SG_PLAIN_NODES case T_JsonIsPredicate:
#elif PG_VERSION_NUM < 180000
#define SG_TYPED_NODES case T_JsonValueExpr: case T_JsonConstructorExpr: case T_JsonExpr:
#define SG_PLAIN_NODES case T_JsonIsPredicate: case T_JsonBehavior: case T_MergeSupportFunc:
#else
#define SG_TYPED_NODES case T_JsonValueExpr: case T_JsonConstructorExpr: case T_JsonExpr: case T_ReturningExpr:
#define SG_PLAIN_NODES case T_JsonIsPredicate: case T_JsonBehavior: case T_MergeSupportFunc:
#endif

/* 19 knows no other strings */
#if PG_VERSION_NUM >= 190000
#define SG_CONFORMING_STRINGS true
#else
#define SG_CONFORMING_STRINGS standard_conforming_strings
#endif

/* 19: as SG_INT_SETTING() */
#if PG_VERSION_NUM >= 190000
#define SG_REAL_SETTING(setting) (&(setting)->_real)
#else
#define SG_REAL_SETTING(setting) ((struct config_real *) (setting))
#endif

/* 19: a new column of a domain rewrites the table if a constraint is volatile; before, if the domain has any constraint */
#define SG_DOMAIN_REWRITES_IF_VOLATILE (PG_VERSION_NUM >= 190000)

/* Maps the columns of one table to those of another by their names */
#if PG_VERSION_NUM >= 160000
#define SG_ATTRMAP_BY_NAME(from, to) build_attrmap_by_name(from, to, false)
#else
#define SG_ATTRMAP_BY_NAME(from, to) build_attrmap_by_name(from, to)
#endif

/* Before 16 a rule ON SELECT makes a view of an empty table */
#define SG_RULE_MAKES_VIEW (PG_VERSION_NUM < 160000)

/* 18: arguments of an ExecutorRun_hook */
#if PG_VERSION_NUM >= 180000
#define SG_RUN_MORE(once)
#else
#define SG_RUN_MORE(once) , once
#endif

/* The name in ALTER CONSTRAINT, and the kinds (pg_constraint.contype) that it may change */
#if PG_VERSION_NUM < 180000
#define SG_ALTERED_CONSTRAINT(def) (castNode(Constraint, def)->conname)
#define SG_ALTERED_KINDS "f"
#else
#define SG_ALTERED_CONSTRAINT(def) (castNode(ATAlterConstraint, def)->conname)
#define SG_ALTERED_KINDS (PG_VERSION_NUM < 190000 ? "fn" : "fnc")
#endif

#endif							/* SG_COMPAT_H */
