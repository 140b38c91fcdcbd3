/*-------------------------------------------------------------------------
 *
 * drift_ddl.c
 *	  Rows of drift name the DDL, or the migration file, that made them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/scope.h"
#include "base/spi.h"
#include "ddl/ddl.h"
#include "drift/drift.h"
#include "drift/drift_compare.h"

/* Returns the table of an object that is named as its part, or NULL */
static char *
table_of(const DriftRow *row)
{
	static const char *const kinds[] = {"column", "constraint", "trigger", "policy", "rule"};
	bool		quoted = false;
	int			last = -1;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(row->kind, kinds[i]) != 0)
			continue;
		for (int k = 0; row->object[k]; k++)
		{
			if (row->object[k] == '"')
				quoted = !quoted;
			else if (row->object[k] == '.' && !quoted)
				last = k;
		}
		return last > 0 ? pnstrdup(row->object, last) : NULL;
	}
	return NULL;
}

/* Returns two identities for each row: of its object, and of its table, or else its object once more */
static List *
identities_of(List *rows)
{
	List	   *identities = NIL;

	foreach_ptr(const DriftRow, row, rows)
	{
		char	   *table = table_of(row);

		identities = lappend(identities, unconstify(char *, row->object));
		identities = lappend(identities, table ? table : unconstify(char *, row->object));
	}
	return identities;
}

/* Appends to the details of rows who made these objects, or else their tables: texts, or NULL, by place of these identities */
static void
add_makers(List *rows, const char *what, char **texts)
{
	int			i = 0;

	foreach_ptr(DriftRow, row, rows)
	{
		const char *own = texts[i++];
		const char *whole = texts[i++];

		if (own || whole)
			row->detail = psprintf("%s%s%s%s: %s", row->detail ? row->detail : "", row->detail ? "; " : "",
								   what, own ? "" : " of the table", own ? own : whole);
	}
}

void
drift_name_ddl(List *rows)
{
	if (rows != NIL)
		add_makers(rows, "last DDL", ddl_last(identities_of(rows)));
}

void
drift_name_files(DriftComparison *c)
{
	List	   *identities = identities_of(c->rows);
	List	   *kinds = NIL;
	Oid			types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[4];
	char	  **files;
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;

	if (c->rows == NIL)
		return;
	foreach_ptr(const DriftRow, row, c->rows)
	{
		kinds = lappend(lappend(kinds, unconstify(char *, row->kind)), "table");
	}
	files = palloc0(sizeof(char *) * list_length(identities));
	values[0] = CStringGetTextDatum(c->info[0]->name);
	values[1] = CStringGetTextDatum(c->info[1]->name);
	values[2] = sg_text_array(kinds);
	values[3] = sg_text_array(identities);
	sg_caller_begin(&scope);
	sg_scope_set("row_security", "on");
	SPI_connect();
	if (SPI_execute_with_args("SELECT w.place, coalesce("
							  "(SELECT o.file FROM schemaguard.snapshot_object o WHERE o.snapshot = $1 AND o.kind = w.kind AND o.identity = w.identity),"
							  "(SELECT o.file FROM schemaguard.snapshot_object o WHERE o.snapshot = $2 AND o.kind = w.kind AND o.identity = w.identity))"
							  " FROM unnest($3, $4) WITH ORDINALITY w (kind, identity, place)",
							  lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		char	   *file = SPI_getvalue(SPI_tuptable->vals[n], SPI_tuptable->tupdesc, 2);

		if (file)
			files[sg_spi_int64(SPI_tuptable->vals[n], SPI_tuptable->tupdesc, "place") - 1] = MemoryContextStrdup(context, file);
	}
	SPI_finish();
	sg_scope_end(&scope);
	add_makers(c->rows, "last named in", files);
}
