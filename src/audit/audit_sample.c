/*-------------------------------------------------------------------------
 *
 * audit_sample.c
 *	  A key of a child row as people see it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit/audit_internal.h"
#include "base/gone.h"


/* ctid and tableoid beside the columns of a key */
#define MAX_VALUES (INDEX_MAX_KEYS + 2)

Jsonb *
audit_object(int n, char **names, Oid *types, const Datum *values, const bool *nulls,
			 MemoryContext context)
{
	StringInfoData query;
	char		spi_nulls[MAX_VALUES];
	Datum		arguments[MAX_VALUES];
	MemoryContext old;
	Jsonb	   *object;
	bool		isnull;
	int			rc;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT pg_catalog.jsonb_build_object(");
	for (int i = 0; i < n; i++)
	{
		arguments[i] = values[i];
		spi_nulls[i] = nulls[i] ? 'n' : ' ';
		appendStringInfo(&query, "%s%s, $%d", i ? ", " : "", quote_literal_cstr(names[i]), i + 1);
	}
	appendStringInfoChar(&query, ')');

	SPI_connect();
	rc = SPI_execute_with_args(query.data, n, types, arguments, spi_nulls, true, 1);
	if (rc != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), query.data);
	old = MemoryContextSwitchTo(context);
	object = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
											  1, &isnull));
	MemoryContextSwitchTo(old);
	SPI_finish();
	pfree(query.data);

	return object;
}

Jsonb *
audit_key_object(const FkKey *key, const Datum *values, const bool *nulls,
				 MemoryContext context)
{
	Oid			types[INDEX_MAX_KEYS];
	char	   *names[INDEX_MAX_KEYS];

	for (int i = 0; i < key->nkeys; i++)
	{
		types[i] = get_atttype(key->child, key->child_att[i]);
		names[i] = sg_column_name(key->child, key->child_att[i]);
	}
	return audit_object(key->nkeys, names, types, values, nulls, context);
}
