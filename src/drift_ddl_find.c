/*-------------------------------------------------------------------------
 *
 * drift_ddl_find.c
 *	  The DDL that made an object what it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "drift_ddl.h"
#include "spi.h"

/* Bytes of a statement that are told */
#define STATEMENT_SHOWN 200

static char *
describe(HeapTuple row, TupleDesc desc)
{
	StringInfoData text;
	const char *role = sg_spi_text(row, desc, "role");
	const char *session_role = sg_spi_text(row, desc, "session_role");
	const char *application = sg_spi_text(row, desc, "application");
	const char *origin = sg_spi_text(row, desc, "origin");
	const char *origin_name = sg_spi_text(row, desc, "origin_name");
	char	   *statement = sg_spi_text(row, desc, "statement");

	initStringInfo(&text);
	appendStringInfo(&text, "%s by %s", sg_spi_text(row, desc, "tag"), session_role);
	if (strcmp(role, session_role) != 0)
		appendStringInfo(&text, " as %s", role);
	appendStringInfo(&text, " at %s, ", sg_spi_text(row, desc, "at"));
	if (strcmp(origin, "direct") == 0)
		appendStringInfo(&text, "directly%s%s", application ? ", by " : "", application ? application : "");
	else
		appendStringInfo(&text, "%s%s%s", origin, origin_name ? " " : "", origin_name ? origin_name : "");
	if (statement)
	{
		int			length = pg_mbcliplen(statement, strcspn(statement, "\r\n"), STATEMENT_SHOWN);

		appendStringInfo(&text, ": %.*s%s", length, statement, statement[length] ? " ..." : "");
	}
	return text.data;
}

char *
drift_ddl_of(const char *identity, const char *parent)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	char		nulls[2] = {' ', ' '};
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;
	char	   *found = NULL;

	values[0] = CStringGetTextDatum(identity);
	values[1] = parent ? CStringGetTextDatum(parent) : (Datum) 0;
	nulls[1] = parent ? ' ' : 'n';

	sg_caller_begin(&scope);
	SPI_connect();
	if (plan == NULL)
	{
		plan = SPI_prepare("SELECT tag, at::text, session_role, role, application, origin, origin_name, statement"
						   " FROM schemaguard.ddl_log WHERE object IN ($1, $2) AND event <> 'lost'"
						   " ORDER BY object = $1 OR coalesce($1 = ANY (parts), false) DESC, at DESC, id DESC"
						   " LIMIT 1", 2, types);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare returned %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
	}
	if (SPI_execute_plan(plan, values, nulls, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
	{
		char	   *text = describe(SPI_tuptable->vals[0], SPI_tuptable->tupdesc);

		found = MemoryContextStrdup(context, text);
	}
	SPI_finish();
	sg_scope_end(&scope);

	return found;
}
