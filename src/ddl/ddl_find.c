/*-------------------------------------------------------------------------
 *
 * ddl_find.c
 *	  The last DDL that concerned an object, where the log knows it.
 *
 * The log has no index, so that it costs little to write; all objects of a
 * comparison are looked up in one scan of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/spi.h"
#include "ddl/ddl.h"

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
		appendStringInfo(&text, "directly%s%s", application ? ", with " : "", application ? application : "");
	else
		appendStringInfo(&text, "%s%s%s", origin, origin_name ? " " : "", origin_name ? origin_name : "");
	if (statement)
	{
		int			length = pg_mbcliplen(statement, strcspn(statement, "\r\n"), STATEMENT_SHOWN);

		appendStringInfo(&text, ": %.*s%s", length, statement, statement[length] ? " ..." : "");
	}
	return text.data;
}

char	  **
ddl_last(List *identities)
{
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[1];
	char	  **texts = palloc0(sizeof(char *) * Max(list_length(identities), 1));
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;

	values[0] = sg_text_array(identities);
	sg_caller_begin(&scope);

	/* the rows of others are hidden, which is no error to the caller */
	sg_scope_set("row_security", "on");
	SPI_connect();
	if (SPI_execute_with_args("WITH wanted AS (SELECT * FROM unnest($1) WITH ORDINALITY w (name, place)),"
							  " last AS MATERIALIZED (SELECT DISTINCT ON (n.name) n.name, l.tag, l.at::text AS at,"
							  " l.session_role, l.role, l.application, l.origin, l.origin_name, l.statement"
							  " FROM schemaguard.ddl_log l"
							  " CROSS JOIN LATERAL (SELECT l.object UNION ALL SELECT * FROM unnest(l.parts)) n (name)"
							  " JOIN (SELECT DISTINCT name FROM wanted) w ON w.name = n.name"
							  " WHERE l.event <> 'lost'"
							  " ORDER BY n.name, l.at DESC)"
							  " SELECT w.place, l.* FROM wanted w JOIN last l ON l.name = w.name",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		texts[sg_spi_int64(row, desc, "place") - 1] = MemoryContextStrdup(context, describe(row, desc));
	}
	SPI_finish();
	sg_scope_end(&scope);
	return texts;
}
