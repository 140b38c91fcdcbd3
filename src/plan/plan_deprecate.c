/*-------------------------------------------------------------------------
 *
 * plan_deprecate.c
 *	  schemaguard.deprecated_table: tables that nothing new is to refer to.
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
#include "base/spi.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_deprecate_table);

/*
 * sg_deprecate_table(table_name text, replacement text, reason text)
 *
 * Notes it, or notes it anew.  For writers; the table is qualified.  What another
 * role has noted, its table's owner alone replaces.  Raises 42501.
 */
static Datum
sg_deprecate_table_entered(PG_FUNCTION_ARGS)
{
	char	   *names[] = {
		sg_arg_text(fcinfo, 0), sg_arg_optional_text(fcinfo, 1), sg_arg_optional_text(fcinfo, 2),
		GetUserNameFromId(GetUserId(), false)
	};
	Oid			table = sg_table_of_text(names[0]);
	bool		is_owner = OidIsValid(table) ? sg_owns_relation(table, GetUserId()) : superuser();
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID};
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
	values[lengthof(names)] = BoolGetDatum(is_owner);
	nulls[lengthof(names)] = ' ';
	sg_owner_begin(&scope);
	SPI_connect();
	noted = sg_owner_execute(SPI_OK_INSERT,
							 "INSERT INTO schemaguard.deprecated_table AS d (table_name, replacement, reason, added_by)"
							 " VALUES ($1, $2, $3, $4)"
							 " ON CONFLICT (table_name) DO UPDATE SET replacement = excluded.replacement,"
							 " reason = coalesce(excluded.reason, d.reason), added_by = excluded.added_by, added_at = pg_catalog.now()"
							 " WHERE $5 OR d.added_by = $4",
							 lengthof(types), types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
	if (noted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("another role has noted what takes the place of table %s", names[0]),
				 errhint("Ask its owner:\nSELECT * FROM schemaguard.deprecated_table;")));

	PG_RETURN_VOID();
}
