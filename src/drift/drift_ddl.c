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

/* Appends a remark about who made a row's object, or else its table, to its detail */
static void
add_maker(DriftRow *row, const char *what, const char *own, const char *whole)
{
	if (own || whole)
		row->detail = psprintf("%s%s%s%s: %s", row->detail ? row->detail : "", row->detail ? "; " : "",
							   what, own ? "" : " of the table", own ? own : whole);
}

void
drift_name_ddl(List *rows)
{
	List	   *identities = NIL;
	char	  **texts;
	int			i = 0;

	if (rows == NIL)
		return;

	/* for each row the object, and its table if it has one */
	foreach_ptr(const DriftRow, row, rows)
	{
		char	   *table = table_of(row);

		identities = lappend(identities, unconstify(char *, row->object));
		identities = lappend(identities, table ? table : unconstify(char *, row->object));
	}
	texts = ddl_last(identities);

	foreach_ptr(DriftRow, row, rows)
	{
		const char *own = texts[i++];
		const char *whole = texts[i++];

		add_maker(row, "last DDL", own, whole);
	}
}

void
drift_name_files(DriftComparison *c)
{
	List	   *identities = NIL;
	List	   *kinds = NIL;
	Oid			types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[4];
	char	  **files;
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;
	int			i = 0;

	if (c->rows == NIL)
		return;
	foreach_ptr(const DriftRow, row, c->rows)
	{
		char	   *table = table_of(row);

		kinds = lappend(lappend(kinds, unconstify(char *, row->kind)), "table");
		identities = lappend(lappend(identities, unconstify(char *, row->object)), table ? table : "");
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
	foreach_ptr(DriftRow, row, c->rows)
	{
		const char *own = files[i++];

		add_maker(row, "last named in", own, files[i++]);
	}
}
