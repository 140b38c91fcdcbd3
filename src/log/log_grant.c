/*-------------------------------------------------------------------------
 *
 * log_grant.c
 *	  The right to call functions that write: sg_grant() and sg_revoke().
 *
 * The right is EXECUTE on one function that does nothing,
 * schemaguard.sg_write(): so it is a privilege like any other, which roles
 * inherit, \df+ shows and a dump takes along, in this database only.  Every
 * function that needs it asks here, since PostgreSQL's own refusal could not
 * say who gives it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_grant);
SG_FUNCTION(sg_revoke);
SG_FUNCTION(sg_warn_of_schema);

/* Returns the function whose EXECUTE privilege is the right to write */
static Oid
marker(void)
{
	Oid			function;

	sg_check_version();
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("sg_write"),
							   PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(sg_schema_oid()));
	if (!OidIsValid(function))
		elog(ERROR, "function schemaguard.sg_write() is gone");
	return function;
}

bool
sg_is_granted(void)
{
	return object_aclcheck(ProcedureRelationId, marker(), GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
}

void
sg_check_granted(FunctionCallInfo fcinfo)
{
	Oid			function = fcinfo->flinfo->fn_oid;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	if (!sg_is_granted())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for %s %s",
						get_func_prokind(function) == PROKIND_PROCEDURE ? "procedure" : "function",
						sg_function_name(function)),
				 errdetail("Role \"%s\" has not been granted what writes plans, snapshots and the log.", role),
				 errhint(sg_calls("As a superuser, in this database:\nSELECT sg_grant(%s);"), quote_literal_cstr(role))));
}

/* Grants or revokes EXECUTE on the marker as the caller, and logs that */
static void
change(FunctionCallInfo fcinfo, const char *name, const char *form, const char *action)
{
	char	   *role;
	pg_uuid_t	run;
	LogEntry	entry;

	role = sg_arg_text(fcinfo, 0);
	if (!object_ownercheck(ProcedureRelationId, marker(), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", name),
				 errhint("Superusers and the owner of the extension call it.")));
	sg_check_writable(psprintf("%s()", name));
	if (strcmp(role, "public") != 0)
		(void) sg_role_by_name(role);

	SPI_connect();
	if (SPI_execute(psprintf(form, quote_identifier(role)), false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "%s failed", action);
	SPI_finish();

	run = log_new_run();
	entry = log_entry(&run, NULL, action, LOG_DONE);
	entry.object = psprintf("role %s", quote_identifier(role));
	(void) log_write(&entry);
}

/*
 * sg_grant(role text), sg_revoke(role text)
 *
 * Allow a role to call functions that write plans, snapshots and the log in
 * this database, or revoke that; "public" is every role.  For superusers and
 * the owner of the extension (42501). 42704 for an unknown role, 25006 in a
 * read-only transaction or on a standby.  Each writes a row of the log.
 */
static Datum
sg_grant_entered(PG_FUNCTION_ARGS)
{
	change(fcinfo, "sg_grant", "GRANT EXECUTE ON FUNCTION schemaguard.sg_write() TO %s", "grant");
	PG_RETURN_VOID();
}

static Datum
sg_revoke_entered(PG_FUNCTION_ARGS)
{
	change(fcinfo, "sg_revoke", "REVOKE EXECUTE ON FUNCTION schemaguard.sg_write() FROM %s", "revoke");
	PG_RETURN_VOID();
}

/*
 * sg_warn_of_schema(roles text), for the install script
 *
 * Warns that these roles may create functions beside the extension's; NULL:
 * only superusers may.
 */
static Datum
sg_warn_of_schema_entered(PG_FUNCTION_ARGS)
{
	if (!sg_arg_is_null(fcinfo, 0))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING_PRIVILEGE_NOT_GRANTED),
				 errmsg("others than superusers may create functions in the schema of extension \"schemaguard\": %s",
						sg_arg_text(fcinfo, 0)),
				 errdetail("A function of theirs can be called instead of one of the extension's, with the rights of whoever calls."),
				 errhint("Install it into a schema of its own, and qualify its calls with that:\nCREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg; GRANT USAGE ON SCHEMA sg TO PUBLIC;")));

	PG_RETURN_VOID();
}
