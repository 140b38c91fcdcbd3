/*-------------------------------------------------------------------------
 *
 * scope.c
 *	  Role and settings under which a piece of work runs.
 *
 *	  Only this file switches roles.  Settings are changed in a nest level of
 *	  their own, so that they end with the scope, or with an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_db_role_setting.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/cursor.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/scope.h"

/* Cursors that the outermost restricted scope hides, or NULL */
static MemoryContext hidden_cursors = NULL;

void
sg_scope_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
sg_scope_bound_waits(void)
{
	int			wait = sg_lock_wait(DeadlockTimeout);

	sg_scope_set("lock_timeout", psprintf("%d", wait));
	/* PGC_SUSET, for this session's own waits only */
	(void) set_config_option("deadlock_timeout", psprintf("%d", Max(wait / 2, 1)), PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* search_path in which no schema of users comes first */
#define PINNED_PATH "pg_catalog, pg_temp"

/*
 * Switches to a role.  Each scope is a nest level of settings, so that no
 * setting changed by the role's code outlives it.  If path is NULL, the
 * settings stay as they are at first.
 */
static void
scope_begin(SgScope *scope, Oid role, int flags, const char *path)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	if ((flags & SECURITY_RESTRICTED_OPERATION) && !InSecurityRestrictedOperation())
		(void) sg_cursors_hide(&hidden_cursors);
	SetUserIdAndSecContext(role, scope->sec_context | flags);
	scope->deed = sg_guard_deed(InvalidOid);
	(void) sg_guard_deed(scope->deed);
	scope->guc_level = NewGUCNestLevel();
	if (path)
		sg_scope_set("search_path", path);
}

void
sg_owner_begin(SgScope *scope)
{
	scope_begin(scope, sg_checked_owner(), SECURITY_LOCAL_USERID_CHANGE, PINNED_PATH);

	/*
	 * a generic plan serves all calls, also while tables grow; before 18,
	 * disabled nodes have a high cost, which would trigger JIT
	 */
	sg_scope_set("plan_cache_mode", "force_generic_plan");
	sg_scope_set("enable_seqscan", "off");
	sg_scope_set("jit", "off");
}

/*
 * A role that does not exist: the last OID below those that the server assigns.
 * Creating an object in its name fails, because its owner is not found; an OID
 * below FirstUnpinnedObjectId would pass as a pinned owner's, and the created
 * object would break pg_dump.
 */
#define NOBODY	((Oid) (FirstNormalObjectId - 1))

void
sg_nobody_begin(SgScope *scope)
{
	/* superusers can write any row into pg_authid */
	if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(NOBODY)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("OID %u must not be a role's: queries are planned in its name", NOBODY),
				 errhint("Drop the role:\nDROP ROLE %s;", quote_identifier(GetUserNameFromId(NOBODY, false)))));
	scope_begin(scope, NOBODY, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION, NULL);
}

void
sg_become(Oid role, bool bound)
{
	SetUserIdAndSecContext(role, bound ? SECURITY_LOCAL_USERID_CHANGE : 0);
}

void
sg_caller_begin(SgScope *scope)
{
	scope_begin(scope, GetUserId(), 0, PINNED_PATH);
	/* compiling a query of the catalogs takes longer than running it */
	sg_scope_set("jit", "off");
}

/* Returns the search_path that ALTER ROLE or ALTER DATABASE has stored, or NULL */
static char *
stored_path(Relation rel, Oid database, Oid role)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *path = NULL;

	ScanKeyInit(&key[0], Anum_pg_db_role_setting_setdatabase,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(database));
	ScanKeyInit(&key[1], Anum_pg_db_role_setting_setrole,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		settings = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
											RelationGetDescr(rel), &isnull);
		Datum	   *elements;
		int			n = 0;

		if (!isnull)
			deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false,
							  TYPALIGN_INT, &elements, NULL, &n);
		for (int i = 0; i < n; i++)
		{
			char	   *setting = TextDatumGetCString(elements[i]);

			if (strncmp(setting, "search_path=", strlen("search_path=")) == 0)
				path = setting + strlen("search_path=");
		}
	}
	systable_endscan(scan);

	return path;
}

/* Returns a search_path with pg_temp as its last schema */
static char *
path_without_temp(const char *path)
{
	StringInfoData buf;
	List	   *names;
	ListCell   *lc;

	initStringInfo(&buf);
	if (SplitIdentifierString(pstrdup(path), ',', &names))
	{
		foreach(lc, names)
		{
			if (strcmp(lfirst(lc), "pg_temp") != 0)
				appendStringInfo(&buf, "%s, ", quote_identifier(lfirst(lc)));
		}
	}
	if (buf.len == 0)
		appendStringInfoString(&buf, "pg_catalog, ");
	appendStringInfoString(&buf, "pg_temp");
	return buf.data;
}

/*
 * Returns the search_path of a role that connects to this database: the most
 * specific stored one, else the built-in default, because the session's own may
 * be its user's. pg_temp comes last, or temporary tables of the caller would be
 * taken for the role's own.
 */
static char *
path_of(Oid role)
{
	Oid			places[][2] = {
		{MyDatabaseId, role}, {InvalidOid, role},
		{MyDatabaseId, InvalidOid}, {InvalidOid, InvalidOid}
	};
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	char	   *path = NULL;

	for (int i = 0; i < lengthof(places) && path == NULL; i++)
		path = stored_path(rel, places[i][0], places[i][1]);
	table_close(rel, AccessShareLock);

	return path_without_temp(path ? path : "\"$user\", public");
}

void
sg_role_begin(SgScope *scope, Oid role)
{
	if (!OidIsValid(role))
	{
		sg_caller_begin(scope);
		return;
	}
	scope_begin(scope, role, SECURITY_RESTRICTED_OPERATION | SECURITY_LOCAL_USERID_CHANGE, path_of(role));
	(void) sg_guard_deed(role);
}

char *
sg_may_not_become(Oid role)
{
	if (member_can_set_role(GetUserId(), role))
		return NULL;
	return psprintf("it would run as role %s, which role %s may not become by SET ROLE", sg_role_name(role), sg_role_name(GetUserId()));
}

void
sg_check_may_become(Oid role)
{
	char	   *reason = sg_may_not_become(role);

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", reason)));
}

void
sg_key_role_begin(SgScope *scope, Oid owner, bool with_path)
{
	scope_begin(scope, owner,
				SECURITY_RESTRICTED_OPERATION | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS,
				with_path ? path_of(owner) : NULL);
	(void) sg_guard_deed(owner);
}

void
sg_scope_pin_texts(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "1"},
		{"lc_monetary", "C"},
		{"bytea_output", "hex"},
		{"xmloption", "content"},
		{"array_nulls", "on"},
		{"quote_all_identifiers", "off"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		sg_scope_set(settings[i][0], settings[i][1]);
}

void
sg_scope_pin_source(void)
{
	static const char *const settings[][2] = {
		{"standard_conforming_strings", "on"},
		{"quote_all_identifiers", "off"},
		{"backslash_quote", "safe_encoding"},
		{"transform_null_equals", "off"},
		{"array_nulls", "on"},
		{"xmloption", "content"},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		sg_scope_set(settings[i][0], settings[i][1]);
}

void
sg_scope_pin(void)
{
	sg_scope_set("search_path", PINNED_PATH);
}

void
sg_scope_end(SgScope *scope)
{
	if (hidden_cursors && !(scope->sec_context & SECURITY_RESTRICTED_OPERATION) && InSecurityRestrictedOperation())
		sg_cursors_show(hidden_cursors);
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
	(void) sg_guard_deed(scope->deed);
}

void
sg_scope_see_own(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(userid, sec_context | SECURITY_NOFORCE_RLS);
}

bool
sg_scope_restrict(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	if (sec_context & SECURITY_RESTRICTED_OPERATION)
		return false;
	SetUserIdAndSecContext(userid, sec_context | SECURITY_RESTRICTED_OPERATION);
	return true;
}

void
sg_scope_unrestrict(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(userid, sec_context & ~SECURITY_RESTRICTED_OPERATION);
}
