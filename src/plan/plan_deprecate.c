/*-------------------------------------------------------------------------
 *
 * plan_deprecate.c
 *	  schemaguard.deprecated_table: tables that no new key should refer to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_deprecate_table);

/*
 * sg_deprecate_table(table_name text, replacement text, reason text)
 *
 * Records the table under its qualified name, or replaces its record.  For
 * writers.  Only the table's owner replaces a record of the owner's (42501).
 * Raises 42P01.
 */
static Datum
sg_deprecate_table_entered(PG_FUNCTION_ARGS)
{
	Oid			table = sg_arg_table(fcinfo, 0, NULL);
	char	   *names[] = {
		sg_relation_name(table), sg_arg_optional_text(fcinfo, 1), sg_arg_optional_text(fcinfo, 2),
		GetUserNameFromId(GetUserId(), false)
	};
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, OIDOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	uint64		noted;
	SgScope		scope;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_deprecate_table()");
	for (int i = 0; i < lengthof(names); i++)
	{
		nulls[i] = names[i] ? ' ' : 'n';
		values[i] = names[i] ? CStringGetTextDatum(names[i]) : (Datum) 0;
	}
	values[4] = BoolGetDatum(sg_owns_relation(table, GetUserId()));
	values[5] = ObjectIdGetDatum(table);
	nulls[4] = nulls[5] = ' ';
	sg_owner_begin(&scope);
	SPI_connect();
	noted = sg_owner_execute(SPI_OK_INSERT,
							 "INSERT INTO schemaguard.deprecated_table AS d (table_name, replacement, reason, added_by)"
							 " VALUES ($1, $2, $3, $4)"
							 " ON CONFLICT (table_name) DO UPDATE SET replacement = excluded.replacement,"
							 " reason = coalesce(excluded.reason, d.reason), added_by = excluded.added_by, added_at = pg_catalog.now()"
							 " WHERE $5 OR d.added_by = $4 OR NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r"
							 " ON pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE') WHERE c.oid = $6 AND r.rolname = d.added_by)",
							 lengthof(types), types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
	if (noted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the owner of table %s has noted what takes its place", names[0]),
				 errhint("The owner alone replaces this:\nSELECT * FROM schemaguard.deprecated_table;")));

	PG_RETURN_VOID();
}
