/*-------------------------------------------------------------------------
 *
 * ddl_find.c
 *	  Rows of drift name the DDL that made them, where the log knows it.
 *
 * The log has no index, so that it costs little to write; all rows of a
 * comparison are looked up in one scan of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"

#include "base/spi.h"
#include "ddl/ddl.h"
#include "drift/drift.h"

/* Bytes of a statement that are told */
#define STATEMENT_SHOWN 200

/* The last command that concerned an object */
typedef struct LastDdl
{
	char	   *name;			/* key: an identity */
	char	   *text;			/* NULL: none is known */
} LastDdl;

static uint32
hash_name(const void *key, Size size)
{
	const char *name = *(char *const *) key;

	return hash_bytes((const unsigned char *) name, strlen(name));
}

static int
compare_names(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The table of what is named as its part, or NULL */
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

static void
want(HTAB *names, char *name)
{
	bool		found;
	LastDdl    *entry = hash_search(names, &name, HASH_ENTER, &found);

	if (!found)
		entry->text = NULL;
}

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

/* As the caller, who may not see everybody's */
static void
read_log(HTAB *names)
{
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[1];
	List	   *list = NIL;
	MemoryContext context = CurrentMemoryContext;
	HASH_SEQ_STATUS status;
	LastDdl    *entry;
	SgScope		scope;

	hash_seq_init(&status, names);
	while ((entry = hash_seq_search(&status)) != NULL)
		list = lappend(list, entry->name);
	values[0] = sg_text_array(list);

	sg_caller_begin(&scope);

	/* the rows of others are hidden, which is no error to him */
	(void) set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (SPI_execute_with_args("SELECT DISTINCT ON (n.name) n.name, l.tag, l.at::text AS at, l.session_role, l.role,"
							  " l.application, l.origin, l.origin_name, l.statement"
							  " FROM schemaguard.ddl_log l"
							  " CROSS JOIN LATERAL (SELECT l.object UNION ALL SELECT * FROM unnest(l.parts)) n (name)"
							  " JOIN (SELECT * FROM unnest($1)) w (name) ON w.name = n.name"
							  " WHERE l.event <> 'lost'"
							  " ORDER BY n.name, l.at DESC",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *name = sg_spi_text(row, desc, "name");

		entry = hash_search(names, &name, HASH_FIND, NULL);
		if (entry)
			entry->text = MemoryContextStrdup(context, describe(row, desc));
	}
	SPI_finish();
	sg_scope_end(&scope);
}

void
drift_name_ddl(List *rows)
{
	HASHCTL		ctl = {0};
	HTAB	   *names;
	ListCell   *lc;

	if (rows == NIL)
		return;

	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(LastDdl);
	ctl.hash = hash_name;
	ctl.match = compare_names;
	ctl.hcxt = CurrentMemoryContext;
	names = hash_create("schemaguard DDL", 256, &ctl, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	foreach(lc, rows)
	{
		const DriftRow *row = lfirst(lc);
		char	   *table = table_of(row);

		want(names, unconstify(char *, row->object));
		if (table)
			want(names, table);
	}
	read_log(names);

	foreach(lc, rows)
	{
		DriftRow   *row = lfirst(lc);
		char	   *table = table_of(row);
		LastDdl    *own = hash_search(names, &row->object, HASH_FIND, NULL);
		LastDdl    *whole = table ? hash_search(names, &table, HASH_FIND, NULL) : NULL;
		const char *text = own->text ? own->text : whole ? whole->text : NULL;

		if (text)
			row->detail = psprintf("%s%slast DDL%s: %s", row->detail ? row->detail : "", row->detail ? "; " : "",
								   own->text ? "" : " of the table", text);
	}
	hash_destroy(names);
}
