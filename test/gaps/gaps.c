/*-------------------------------------------------------------------------
 *
 * gaps.c
 *	  Calls back in the gaps between a look and the deed that trusts it.
 *
 * test/t/049_gaps.pl links this file into a library of its own.  The linker
 * replaces functions that the library calls (ld --wrap) by the wrappers below:
 * verdicts on code, checks of rights, locks, releases of locks, transaction
 * boundaries, and whatever hands a statement to the server.  So a new function
 * of the extension is covered without a line of its own, and a normal build
 * has none of this.
 *
 * In a session with setting gaps.attack, a connection string, each wrapper
 * opens that connection once and calls gap.attack(site) there, which commits
 * what it can against the locks that this session holds.  The site is the name
 * of the wrapped function and its callers' addresses in the library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "libpq-fe.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/code.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/hold.h"
#include "base/meant.h"
#include "base/scope.h"
#include "run/run_deed.h"

#include "callers.h"

static PGconn *attacker;
static Oid	extension_owner;

static pg_noinline void
gap(const char *wrapped)
{
	const char *conninfo = GetConfigOption("gaps.attack", true, false);
	char		site[200];
	const char *values[1] = {site};
	PGresult   *result;

	/* as the extension's owner nothing but our own tables is used: the gap lasts until that ends */
	if (conninfo == NULL || conninfo[0] == '\0' || GetUserId() == extension_owner)
		return;
	if (attacker == NULL)
		attacker = PQconnectdb(conninfo);
	strlcpy(site, wrapped, sizeof(site));
	append_callers(site, sizeof(site));
	result = PQexecParams(attacker, "SELECT gap.attack($1)", 1, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		elog(LOG, "gap.attack: %s", PQerrorMessage(attacker));
	PQclear(result);
}

/* A wrapper that calls back before, or after, the function that it stands for */
#define GAP_BEFORE(type, name, parameters, arguments, if_true) \
	extern type __real_##name parameters; \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		if (if_true) \
			gap(#name); \
		return __real_##name arguments; \
	}
#define GAP_AFTER(type, name, parameters, arguments, if_true) \
	extern type __real_##name parameters; \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		type		result = __real_##name arguments; \
 \
		if (if_true) \
			gap(#name); \
		return result; \
	}
#define GAP_AFTER_VOID(name, parameters, arguments, if_true) \
	extern void __real_##name parameters; \
	extern void __wrap_##name parameters; \
	void __wrap_##name parameters \
	{ \
		__real_##name arguments; \
		if (if_true) \
			gap(#name); \
	}

/* Remembers who the owner is; not a gap */
extern void __real_sg_owner_begin(SgScope *scope);
extern void __wrap_sg_owner_begin(SgScope *scope);
void
__wrap_sg_owner_begin(SgScope *scope)
{
	__real_sg_owner_begin(scope);
	extension_owner = GetUserId();
}

/* Verdicts on code that could run */
GAP_AFTER(char *, code_role, (CodeReach *reach, Oid owner, Oid *role), (reach, owner, role), true)
GAP_AFTER(char *, code_refusal, (CodeReach *reach, Oid owner), (reach, owner), true)
GAP_AFTER(bool, code_found, (CodeReach *reach), (reach), true)
GAP_AFTER(bool, code_is_others, (CodeReach *reach), (reach), true)
GAP_AFTER(Node *, code_analyse, (const CodeExpression *expression), (expression), true)
GAP_BEFORE(void, sg_role_begin, (SgScope *scope, Oid role), (scope, role), true)
GAP_BEFORE(void, sg_key_role_begin, (SgScope *scope, Oid owner, bool with_path), (scope, owner, with_path), true)

/* The looks are tried, not what stands behind them, but where that is all there is */
#ifndef GAPS_GUARD
extern void __wrap_sg_guard_begin(SgGuard *before);
void
__wrap_sg_guard_begin(SgGuard *before)
{
	*before = (SgGuard) {0};
}
#endif

/* The control: deeds that trust what was looked at before them */
#ifdef GAPS_HOLE
extern void __wrap_run_deed(RunAction *action, void (*fn) (void *arg), void *arg);
extern void __wrap_run_deed_alone(void (*fn) (void *arg), void *arg);
void
__wrap_run_deed(RunAction *action, void (*fn) (void *arg), void *arg)
{
	fn(arg);
}
void
__wrap_run_deed_alone(void (*fn) (void *arg), void *arg)
{
	fn(arg);
}
#endif

/* The control for names: nothing asks what they lead to when they are read */
#ifdef GAPS_NAMES
extern void __wrap_sg_as_meant(const SgMeant *meant, void (*run) (void *arg), void *arg);
extern void __wrap_sg_hold_type(Oid type);
extern void __wrap_code_reach_missing(CodeReach *reach, const char *what);
void
__wrap_sg_as_meant(const SgMeant *meant, void (*run) (void *arg), void *arg)
{
	run(arg);
}
void
__wrap_sg_hold_type(Oid type)
{
}
void
__wrap_code_reach_missing(CodeReach *reach, const char *what)
{
}
#endif

/* Rights */
GAP_AFTER(AclResult, pg_class_aclcheck, (Oid relid, Oid role, AclMode mode), (relid, role, mode), true)
GAP_AFTER(bool, sg_owns_relation, (Oid relid, Oid role), (relid, role), true)
#if PG_VERSION_NUM >= 160000
GAP_AFTER(bool, object_ownercheck, (Oid class, Oid object, Oid role), (class, object, role), class == RelationRelationId)
#else
GAP_AFTER(bool, pg_class_ownercheck, (Oid relid, Oid role), (relid, role), true)
#endif

/* Locks */
#define IS_USERS(relid) ((relid) >= FirstNormalObjectId)
GAP_BEFORE(void, LockRelationOid, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid))
GAP_BEFORE(bool, ConditionalLockRelationOid, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid))
GAP_BEFORE(List *, find_all_inheritors, (Oid relid, LOCKMODE mode, List **numparents), (relid, mode, numparents), IS_USERS(relid))
GAP_BEFORE(Relation, table_open, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid) && mode != NoLock)
GAP_BEFORE(Relation, relation_open, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid) && mode != NoLock)
GAP_BEFORE(Relation, try_relation_open, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid) && mode != NoLock)
GAP_AFTER_VOID(UnlockRelationOid, (Oid relid, LOCKMODE mode), (relid, mode), IS_USERS(relid))

extern void __real_table_close(Relation rel, LOCKMODE mode);
extern void __wrap_table_close(Relation rel, LOCKMODE mode);
void
__wrap_table_close(Relation rel, LOCKMODE mode)
{
	bool		is_users = IS_USERS(RelationGetRelid(rel));

	__real_table_close(rel, mode);
	if (is_users && mode != NoLock)
		gap("table_close");
}

/* Transactions */
GAP_AFTER_VOID(CommitTransactionCommand, (void), (), true)
GAP_AFTER_VOID(SPI_commit, (void), (), true)
GAP_AFTER_VOID(BeginInternalSubTransaction, (const char *name), (name), true)
GAP_AFTER_VOID(ReleaseCurrentSubTransaction, (void), (), true)
GAP_AFTER_VOID(RollbackAndReleaseCurrentSubTransaction, (void), (), true)
GAP_BEFORE(Snapshot, GetLatestSnapshot, (void), (), true)

/* Statements: gaps before they are planned, and before they are run */
GAP_BEFORE(int, SPI_execute, (const char *sql, bool read_only, long limit), (sql, read_only, limit), true)
GAP_BEFORE(int, SPI_execute_with_args, (const char *sql, int n, Oid *types, Datum *values, const char *nulls, bool read_only, long limit),
		   (sql, n, types, values, nulls, read_only, limit), true)
GAP_BEFORE(int, SPI_execute_plan, (SPIPlanPtr plan, Datum *values, const char *nulls, bool read_only, long limit),
		   (plan, values, nulls, read_only, limit), true)
GAP_BEFORE(int, SPI_execute_plan_extended, (SPIPlanPtr plan, const SPIExecuteOptions *options), (plan, options), true)
GAP_BEFORE(int, SPI_execute_snapshot, (SPIPlanPtr plan, Datum *values, const char *nulls, Snapshot snapshot, Snapshot crosscheck,
									   bool read_only, bool fire_triggers, long limit),
		   (plan, values, nulls, snapshot, crosscheck, read_only, fire_triggers, limit), true)
GAP_BEFORE(SPIPlanPtr, SPI_prepare, (const char *sql, int n, Oid *types), (sql, n, types), true)
GAP_BEFORE(SPIPlanPtr, SPI_prepare_cursor, (const char *sql, int n, Oid *types, int options), (sql, n, types, options), true)
GAP_BEFORE(Portal, SPI_cursor_open, (const char *name, SPIPlanPtr plan, Datum *values, const char *nulls, bool read_only),
		   (name, plan, values, nulls, read_only), true)
GAP_BEFORE(Portal, SPI_cursor_open_with_args, (const char *name, const char *sql, int n, Oid *types, Datum *values, const char *nulls,
											   bool read_only, int options),
		   (name, sql, n, types, values, nulls, read_only, options), true)
GAP_BEFORE(void, ProcessUtility, (PlannedStmt *statement, const char *sql, bool read_only, ProcessUtilityContext context,
								  ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion),
		   (statement, sql, read_only, context, params, environment, receiver, completion), true)
