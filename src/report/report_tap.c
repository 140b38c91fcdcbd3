/*-------------------------------------------------------------------------
 *
 * report_tap.c
 *	  Assertions for pgTAP: sg_ok_no_orphans(), sg_ok_keys_valid() and
 *	  sg_ok_no_drift().  Each calls pgTAP's ok(boolean, text), so that it
 *	  counts in pgTAP's plan, and below a failed test lists the findings, as
 *	  diag() would.  An unknown verdict fails.
 *
 *	  pgTAP calls its own functions by unqualified names, and not only
 *	  superusers may have installed it.  So ok() runs with only pgTAP's schema
 *	  on the search_path, and only if no role but superusers and the caller
 *	  may create anything there, or has created objects that could be found
 *	  instead of pgTAP's.  The session's temporary schema is searched before
 *	  it: another role's function that ran with its owner's privileges may
 *	  have left something there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_check.h"
#include "log/log.h"
#include "report/report.h"

SG_FUNCTION(sg_ok_no_orphans);
SG_FUNCTION(sg_ok_keys_valid);
SG_FUNCTION(sg_ok_no_drift);

#define FIRST_FINDINGS 20		/* number of findings that a test shows */

/* ---- pgTAP ---- */

static const char pgtap_schema[] =
"SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
" WHERE e.extname = $1";

/*
 * Query: why pgTAP must not be called: the role that may create objects in its
 * schema, or an object that a call in pgTAP could find and run: functions and
 * types with names of pgTAP's or of the server's, operators, and relations with
 * names of pgTAP's temporary ones, or temporary relations. $1 is the caller; a
 * role that has become the caller by SET ROLE is trusted, too, because pgTAP's
 * tables belong to it.
 */
static const char pgtap_obstacle[] =
"SELECT CASE WHEN o.class IS NULL THEN coalesce('role ' || r.rolname, 'everybody') || ' may create functions in its schema'"
"            ELSE 'it could run ' || pg_describe_object(o.class, o.object, 0) || ' of role ' || r.rolname END"
" FROM pg_extension e"
"      JOIN pg_namespace s ON s.oid = e.extnamespace"
"      CROSS JOIN LATERAL ("
"        SELECT 'pg_proc'::regclass, oid, proname, proowner FROM pg_proc WHERE pronamespace = s.oid"
"        UNION ALL SELECT 'pg_type'::regclass, oid, typname, typowner FROM pg_type"
"                  WHERE typnamespace IN (s.oid, pg_my_temp_schema()) AND typrelid = 0 AND typelem = 0"
"        UNION ALL SELECT 'pg_operator'::regclass, oid, oprname, oprowner FROM pg_operator WHERE oprnamespace = s.oid"
"        UNION ALL SELECT 'pg_class'::regclass, oid, relname, relowner FROM pg_class"
"                  WHERE relnamespace = s.oid AND relname ~ '^__t' OR relnamespace = pg_my_temp_schema()"
"        UNION ALL SELECT NULL, NULL, NULL, s.nspowner"
"        UNION ALL SELECT NULL, NULL, NULL, grantee FROM aclexplode(s.nspacl) WHERE privilege_type = 'CREATE'"
"      ) o (class, object, name, owner)"
"      LEFT JOIN pg_database d ON d.datname = current_database() AND o.owner = 'pg_database_owner'::regrole"
"      LEFT JOIN pg_roles r ON r.oid = coalesce(d.datdba, o.owner)"
" WHERE e.extname = 'pgtap' AND r.rolsuper IS NOT TRUE AND r.rolname IS DISTINCT FROM $1"
"   AND (r.rolname IS DISTINCT FROM session_user OR current_setting('role') <> $1)"
"   AND (o.class IS NULL OR o.class IN ('pg_operator'::regclass, 'pg_class'::regclass)"
"        OR EXISTS (SELECT FROM pg_proc p WHERE p.proname = o.name AND p.pronamespace = 'pg_catalog'::regnamespace)"
"        OR EXISTS (SELECT FROM pg_proc p JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = p.oid"
"                   WHERE p.proname = o.name AND x.refclassid = 'pg_extension'::regclass AND x.refobjid = e.oid"
"                         AND x.deptype = 'e'))"
" ORDER BY o.class::oid NULLS FIRST, o.object, r.rolname LIMIT 1";

/* Returns the schema of pgTAP, after a check that its code belongs to no other role */
static char *
find_pgtap(void)
{
	Datum		schema;
	Datum		obstacle;

	if (!sg_owner_fetch(pgtap_schema, "pgtap", &schema))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("extension \"pgtap\" is not installed in this database"),
				 errhint("Install it; the gates do without:\nCREATE EXTENSION pgtap;")));
	if (sg_owner_fetch(pgtap_obstacle, GetUserNameFromId(GetUserId(), false), &obstacle))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("pgTAP is not called: %s", TextDatumGetCString(obstacle)),
				 errhint("What is temporary goes with the session. Have a superuser drop it, and install it in a schema where nobody else may create anything:\nDROP EXTENSION pgtap;")));

	return TextDatumGetCString(schema);
}

/* Returns SELECT ok(passed, description), in the caller's memory context */
static char *
call_ok(const char *schema, bool passed, const char *description)
{
	char	   *sql = psprintf("SELECT %s.ok($1, $2)", quote_identifier(schema));
	Oid			types[] = {BOOLOID, TEXTOID};
	Datum		values[] = {BoolGetDatum(passed), CStringGetTextDatum(description)};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext old;
	SgScope		scope;
	char	   *line;

	sg_caller_begin(&scope);

	/*
	 * the session's temporary tables, in which pgTAP keeps its counts, are
	 * searched first
	 */
	sg_scope_set("search_path", quote_identifier(schema));
	SPI_connect();
	if (SPI_execute_with_args(sql, lengthof(types), types, values, NULL, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "unexpected result of: %s", sql);
	line = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	old = MemoryContextSwitchTo(caller);
	line = pstrdup(line ? line : "");
	MemoryContextSwitchTo(old);
	SPI_finish();
	sg_scope_end(&scope);

	return line;
}

/* Returns the line of a test, which passes without findings (a List of char *) */
static Datum
tap_line(const char *schema, List *findings, const char *description)
{
	StringInfoData line;
	int			shown = Min(list_length(findings), FIRST_FINDINGS);

	initStringInfo(&line);
	appendStringInfoString(&line, call_ok(schema, findings == NIL, description));
	for (int i = 0; i < shown; i++)
	{
		appendStringInfoString(&line, "\n# ");
		for (const char *c = list_nth(findings, i); *c; c++)
		{
			if (*c == '\n')
				appendStringInfoString(&line, "\n# ");
			else if (*c != '\r')
				appendStringInfoChar(&line, *c);
		}
	}
	if (list_length(findings) > shown)
		appendStringInfo(&line, "\n# ... and %d more", list_length(findings) - shown);

	return CStringGetTextDatum(line.data);
}

static const char *
description_of(FunctionCallInfo fcinfo, int argument, const char *usual)
{
	return sg_arg_is_null(fcinfo, argument) ? usual : sg_arg_text(fcinfo, argument);
}

/* ---- assertions ---- */

/* Returns the declared keys of the child tables in the schemas of the first argument */
static AuditSet
declared_keys(FunctionCallInfo fcinfo)
{
	AuditSet	set = {.schemas = sg_arg_schemas(fcinfo, 0)};

	report_add_declared(&set);
	if (set.keys == NIL)
		ereport(NOTICE,
				(errmsg("there is no foreign key to judge")));
	return set;
}

/*
 * sg_ok_no_orphans(schemas text[] DEFAULT NULL, description text DEFAULT NULL)
 *
 * Passes if sg_orphan_audit() returns "pass" for all declared keys whose child
 * is in one of the schemas; with its privileges, locks, log and proofs.  Errors
 * of all three: 0A000 without pgTAP, 42501 if its schema has code of others,
 * 22023 no schema, 3F000 no such schema, and pgTAP's own.
 */
static Datum
sg_ok_no_orphans_entered(PG_FUNCTION_ARGS)
{
	char	   *schema;
	AuditSet	set;
	pg_uuid_t	run;
	List	   *findings = NIL;

	sg_check_version();
	schema = find_pgtap();
	set = declared_keys(fcinfo);
	sg_progress_begin(SG_PROGRESS_AUDIT, 0, 0);
	report_judge(&set, 0, NULL, NULL);
	run = log_new_run();
	report_write(set.keys, &run, NULL);
	sg_progress_end();
	foreach_ptr(const AuditKey, ak, set.keys)
	{
		if (ak->result != AUDIT_PASS)
			findings = lappend(findings, report_finding(ak));
	}

	PG_RETURN_DATUM(tap_line(schema, findings, description_of(fcinfo, 1, "no orphans")));
}

/*
 * sg_ok_keys_valid(schemas text[] DEFAULT NULL, description text DEFAULT NULL)
 *
 * Passes if all these keys are "valid": enforced, armed and validated.  Reads
 * catalogs, no rows.
 */
static Datum
sg_ok_keys_valid_entered(PG_FUNCTION_ARGS)
{
	char	   *schema;
	AuditSet	set;
	List	   *findings = NIL;

	sg_check_version();
	schema = find_pgtap();
	set = declared_keys(fcinfo);
	foreach_ptr(const AuditKey, ak, set.keys)
	{
		const char *reason = report_reason(ak);

		if (ak->state != FK_VALID)
			findings = lappend(findings,
							   psprintf("%s ON %s: %s%s%s", quote_identifier(ak->fk_name), ak->child_table, fk_state_word(ak->state),
										reason ? ": " : "", reason ? reason : ""));
	}

	PG_RETURN_DATUM(tap_line(schema, findings, description_of(fcinfo, 1, "all foreign keys are valid")));
}

/*
 * sg_ok_no_drift(reference text, target text DEFAULT 'live', description text
 * DEFAULT NULL)
 *
 * Passes if sg_drift_check() would return 0; writes no history.  Raises
 * sg_drift()'s errors.
 */
static Datum
sg_ok_no_drift_entered(PG_FUNCTION_ARGS)
{
	DriftCheck	check = {0};
	char	   *schema;
	List	   *findings = NIL;

	sg_check_version();
	schema = find_pgtap();
	check.history.reference = sg_arg_text(fcinfo, 0);
	check.history.target = sg_arg_text(fcinfo, 1);
	foreach_ptr(const DriftRow, row, drift_check_rows(&check))
	{
		findings = lappend(findings, drift_row_text(row));
	}

	PG_RETURN_DATUM(tap_line(schema, findings,
							 description_of(fcinfo, 2, psprintf("no drift of \"%s\" from \"%s\"", check.history.target, check.history.reference))));
}
