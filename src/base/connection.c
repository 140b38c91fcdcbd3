/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Connections to other servers that a session has open.
 *
 *	  postgres_fdw checks whether a role may use a user mapping when it
 *	  connects, and keeps the connection by that mapping, for the next role
 *	  that uses the mapping.  By a mapping for PUBLIC without a password, code
 *	  of any role could work on a server as the role that a superuser has
 *	  connected as.  So while a call of schemaguard is guarded, this file
 *	  repeats postgres_fdw's check for every role that is neither the caller
 *	  nor a superuser, wherever its query comes from: the planner's hook
 *	  checks each relation that is read, and the executor's hook checks
 *	  written relations, and plans that were made earlier.  If the server
 *	  opens a table later, it calls the wrapper's handler, unless the session
 *	  has used that table before; but by then no such connection is open that
 *	  the transaction has not used before the call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/connection.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/quote.h"

/* Transaction with the last change of a user mapping, as far as this session knows */
static LocalTransactionId changed_in;

static sg_relation_hook_type next_info;
static ExecutorStart_hook_type next_start;

bool
sg_uses_connections(Oid function)
{
	HeapTuple	tuple = function >= FirstNormalObjectId ? SearchSysCache1(PROCOID, ObjectIdGetDatum(function)) : NULL;
	bool		uses = false;
	bool		isnull;
	Datum		library;

	if (!HeapTupleIsValid(tuple))
		return false;
	library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	if (!isnull && ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId)
	{
		const char *name = TextDatumGetCString(library);
		const char *slash = strrchr(name, '/');

		name = slash ? slash + 1 : name;
		uses = strncmp(name, "dblink", strlen("dblink")) == 0 || strncmp(name, "postgres_fdw", strlen("postgres_fdw")) == 0;
	}
	ReleaseSysCache(tuple);
	return uses;
}

/* Returns the handler of the foreign-data wrapper of a server, or InvalidOid */
static Oid
handler_of(Oid server)
{
	HeapTuple	tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(server));
	HeapTuple	wrapper;
	Oid			handler;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	wrapper = SearchSysCache1(FOREIGNDATAWRAPPEROID, ObjectIdGetDatum(((Form_pg_foreign_server) GETSTRUCT(tuple))->srvfdw));
	ReleaseSysCache(tuple);
	if (!HeapTupleIsValid(wrapper))
		return InvalidOid;
	handler = ((Form_pg_foreign_data_wrapper) GETSTRUCT(wrapper))->fdwhandler;
	ReleaseSysCache(wrapper);
	return handler;
}

/* Returns the server of a foreign table whose wrapper keeps connections by user mapping, or InvalidOid */
static Oid
connected_server(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(FOREIGNTABLEREL, ObjectIdGetDatum(relid));
	Oid			server;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	server = ((Form_pg_foreign_table) GETSTRUCT(tuple))->ftserver;
	ReleaseSysCache(tuple);
	return sg_uses_connections(handler_of(server)) ? server : InvalidOid;
}

static void
note_change(Datum arg, int cache, uint32 hash)
{
	changed_in = MyProc ? SG_LOCAL_XID(MyProc) : InvalidLocalTransactionId;
}

/*
 * Returns whether postgres_fdw's check_conn_params() would refuse the mapping
 * for PUBLIC to a role that is no superuser, or mappings have changed in this
 * transaction.  The wrapper keeps a connection that the transaction uses as it
 * was opened.  A mapping of the role itself does not count: the role's code
 * could drop it before the wrapper looks.
 */
static bool
is_for_superusers(Oid server)
{
	HeapTuple	mapping = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(server));
	bool		refused = true;
	bool		isnull;
	Datum		options;

	if (!HeapTupleIsValid(mapping))
		return false;
	if (LocalTransactionIdIsValid(changed_in) && changed_in == SG_LOCAL_XID(MyProc))
	{
		ReleaseSysCache(mapping);
		return true;
	}
	options = SysCacheGetAttr(USERMAPPINGUSERSERVER, mapping, Anum_pg_user_mapping_umoptions, &isnull);
	foreach_ptr(DefElem, option, isnull ? NIL : untransformRelOptions(options))
	{
		if ((strcmp(option->defname, "password") == 0 && defGetString(option)[0] != '\0') ||
			(strcmp(option->defname, "password_required") == 0 && !defGetBoolean(option)))
			refused = false;
	}
	ReleaseSysCache(mapping);
	return refused;
}

pg_noreturn static void
refuse(Oid role, const char *what, Oid server)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role %s must not use %s, whose connection may be a superuser's", sg_role_name(role), what),
			 errdetail("The server has a user mapping for PUBLIC without a password, or mappings have changed in this transaction."),
			 errhint("Make a user mapping for each role that uses the server, and drop that one:\nDROP USER MAPPING FOR PUBLIC SERVER %s;",
					 quote_identifier(GetForeignServer(server)->servername))));
}

/* Returns the servers for which is_for_superusers() holds */
static List *
servers_for_superusers(void)
{
	SgCatalog	mappings;
	HeapTuple	tuple;
	List	   *all = NIL;
	List	   *servers = NIL;

	sg_catalog_begin(&mappings, UserMappingRelationId, UserMappingUserServerIndexId, Anum_pg_user_mapping_umuser, InvalidOid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&mappings)))
		all = lappend_oid(all, ((Form_pg_user_mapping) GETSTRUCT(tuple))->umserver);
	foreach_oid(server, all)
	{
		if (sg_uses_connections(handler_of(server)) && is_for_superusers(server))
			servers = lappend_oid(servers, server);
	}
	return servers;
}

void
sg_check_wrapper(Oid handler)
{
	foreach_oid(server, sg_uses_connections(handler) ? servers_for_superusers() : NIL)
	{
		if (handler_of(server) == handler)
			refuse(GetUserId(), psprintf("server %s", quote_identifier(GetForeignServer(server)->servername)), server);
	}
}

/* Returns whether the session has loaded postgres_fdw, without which it has no connections */
static bool
is_loaded(void)
{
	const struct config_generic *setting = sg_find_setting("postgres_fdw.application_name");

	return setting && (setting->flags & GUC_CUSTOM_PLACEHOLDER) == 0;
}

void
sg_close_connections(void)
{
	/*
	 * a background worker of schemaguard starts outside a transaction, and
	 * has no connections
	 */
	foreach_oid(id, IsTransactionState() && is_loaded() ? servers_for_superusers() : NIL)
	{
		ForeignServer *server = GetForeignServerExtended(id, FSV_MISSING_OK);
		PGFunction	disconnect = (PGFunction) load_external_function("$libdir/postgres_fdw", "postgres_fdw_disconnect", false, NULL);

		if (server && disconnect)
			(void) DirectFunctionCall1(disconnect, CStringGetTextDatum(server->servername));
	}
}

/*
 * Raises 42501 if the relation is a foreign table and the role would use a
 * connection that postgres_fdw would not open for it; other relations pass
 */
static void
check_connection(Oid relid, Oid role)
{
	Oid			server = sg_guard_is_other(role) && get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE ? connected_server(relid) : InvalidOid;

	if (OidIsValid(server) && is_for_superusers(server))
		refuse(role, psprintf("foreign table %s", sg_relation_name(relid)), server);
}

/* Checks the relation and all below it, for each of the roles */
static void
check_tree(Oid relid, const List *roles)
{
	foreach_oid(member, sg_all_inheritors(relid))
	{
		foreach_oid(role, roles)
			check_connection(member, role);
	}
}

static void
look_at_relation(SG_RELATION_HOOK_PARAMETERS)
{
	Oid			relid = SG_HOOKED_RELATION;

	if (OidIsValid(relid))
		check_connection(relid, OidIsValid(rel->userid) ? rel->userid : GetUserId());
	if (next_info)
		next_info(SG_RELATION_HOOK_ARGUMENTS);
}

/* Returns the roles whose privileges a plan uses on its relations */
static List *
roles_of(const PlannedStmt *planned)
{
	List	   *roles = list_make1_oid(GetUserId());

	foreach_ptr(const SG_PERMISSIONS, permissions, SG_PLANNED_PERMISSIONS(planned))
	{
		if (OidIsValid(permissions->checkAsUser))
			roles = list_append_unique_oid(roles, permissions->checkAsUser);
	}
	return roles;
}

static bool
any_other(const List *roles)
{
	foreach_oid(role, roles)
	{
		if (sg_guard_is_other(role))
			return true;
	}
	return false;
}

/* Checks the partitions, too, because rows may be routed to partitions that no plan contains */
static void
start_query(QueryDesc *query, int flags)
{
	List	   *roles = sg_guard_is_on() ? roles_of(query->plannedstmt) : NIL;

	foreach_ptr(const RangeTblEntry, entry, any_other(roles) ? query->plannedstmt->rtable : NIL)
	{
		if (entry->rtekind == RTE_RELATION && (entry->relkind == RELKIND_FOREIGN_TABLE || entry->relkind == RELKIND_PARTITIONED_TABLE))
			check_tree(entry->relid, roles);
	}
	(next_start ? next_start : standard_ExecutorStart) (query, flags);
}

/*
 * Checks all foreign tables of the database, each as its owner, because ANALYZE
 * reads them as their owners
 */
static void
check_all(void)
{
	SgCatalog	tables;
	HeapTuple	tuple;
	List	   *relids = NIL;

	sg_catalog_begin_all(&tables, ForeignTableRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&tables)))
		relids = lappend_oid(relids, ((Form_pg_foreign_table) GETSTRUCT(tuple))->ftrelid);
	foreach_oid(relid, relids)
		check_connection(relid, code_table_owner(relid));
}

void
sg_refuse_connections(Node *statement)
{
	bool		analyzes = IsA(statement, VacuumStmt);
	List	   *relations = NIL;

	if (!sg_guard_is_on())
		return;
	if (IsA(statement, CopyStmt) && ((CopyStmt *) statement)->relation)
		relations = list_make1(((CopyStmt *) statement)->relation);
	else if (IsA(statement, TruncateStmt))
		relations = ((TruncateStmt *) statement)->relations;
	else if (analyzes)
	{
		foreach_ptr(const VacuumRelation, named, ((VacuumStmt *) statement)->rels)
			relations = lappend(relations, named->relation);
	}
	if (sg_guard_is_other(GetUserId()) && (IsA(statement, ImportForeignSchemaStmt) || (analyzes && relations == NIL)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("code of another role must not import a foreign schema, or analyze all tables, by the session's connections")));
	if (analyzes && relations == NIL)
		check_all();
	foreach_ptr(const RangeVar, relation, relations)
	{
		Oid			relid = RangeVarGetRelid(relation, NoLock, true);

		foreach_oid(member, OidIsValid(relid) ? sg_all_inheritors(relid) : NIL)
			check_connection(member, analyzes ? code_table_owner(member) : GetUserId());
	}
}

void
sg_connection_init(void)
{
	next_info = sg_relation_hook;
	sg_relation_hook = look_at_relation;
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = start_query;
	/* counts as changed: earlier changes of this transaction are unknown */
	note_change((Datum) 0, USERMAPPINGOID, 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, note_change, (Datum) 0);
}
