/*-------------------------------------------------------------------------
 *
 * snapshot_export.c
 *	  A snapshot as a document.
 *
 * The document is JSON: a header, with a seal (the SHA-256 of the header's
 * text without it), and the objects, each with its checksum.  It comes in
 * lines, so that nobody has to hold it whole:
 *
 *		header, without its closing brace, "objects": [
 *		an object, the others with a comma before them
 *		]}
 *
 * With contents of look-up tables the last line is ], "rows": [...],
 * "rows_seal": "..."}, where the seal is the SHA-256 of the array's text.
 *
 * docs/snapshot.sql prints these lines, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "base/version.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

SG_FUNCTION(sg_snapshot_export);

Jsonb	   *(*snapshot_exported_hook) (const SnapshotInfo *info);

#define BATCH_ROWS 1000

static const char *header_query =
"SELECT h.header || jsonb_build_object('seal', encode(sha256(convert_to(h.header::text, 'UTF8')), 'hex'))"
" FROM (SELECT jsonb_build_object('schemaguard_snapshot', s.format,"
"    'taken_at', to_char(s.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
"    'role', s.role, 'server', s.server, 'database', s.database, 'server_version_num', s.server_version_num,"
"    'schemas', s.schemas, 'count', s.objects, 'checksum', encode(s.checksum, 'hex'))"
"    || CASE WHEN s.format > 1 THEN jsonb_build_object('environment', s.environment) ELSE '{}' END AS header"
"  FROM schemaguard.snapshot s WHERE s.name = $1) h";

static const char *objects_query =
"SELECT jsonb_build_object('kind', o.kind, 'identity', o.identity, 'parent', o.parent, 'properties', o.properties,"
"    'checksum', encode(o.checksum, 'hex'))"
"  || CASE WHEN $2 > 1 THEN jsonb_build_object('oid', o.oid::bigint) ELSE '{}' END"
" FROM schemaguard.snapshot_object o WHERE o.snapshot = $1 ORDER BY o.kind, o.identity";

static Jsonb *
sealed_header(const SnapshotInfo *info)
{
	Datum		header;

	if (!sg_owner_fetch(header_query, info->name, &header))
		snapshot_dropped(info->name);
	return DatumGetJsonbP(header);
}

/* Passes each object of the document to a function, in order, in a memory context of its own */
static void
each_object(const SnapshotInfo *info, void (*give) (Jsonb *object, void *arg), void *arg)
{
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(info->name), Int32GetDatum(info->format)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard document", ALLOCSET_DEFAULT_SIZES);
	Portal		portal;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	portal = SPI_cursor_open(NULL, sg_kept_plan(objects_query, lengthof(types), types), values, NULL, false);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(context);
			bool		isnull;

			give(DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)), arg);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
		}
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	SPI_finish();
	sg_scope_end(&scope);
	MemoryContextDelete(context);
}

typedef struct Lines
{
	SgRowSink	sink;
	StringInfoData line;
	bool		first;
} Lines;

static void
emit_line(Lines *lines)
{
	sg_sink_datum(&lines->sink, PointerGetDatum(cstring_to_text_with_len(lines->line.data, lines->line.len)));
	sg_sink_emit(&lines->sink);
	resetStringInfo(&lines->line);
}

static void
emit_object(Jsonb *object, void *arg)
{
	Lines	   *lines = arg;

	if (!lines->first)
		appendStringInfoChar(&lines->line, ',');
	lines->first = false;
	(void) JsonbToCString(&lines->line, &object->root, VARSIZE(object));
	emit_line(lines);
}

/* Appends the end of the document, with the contents of tables if there are any */
static void
append_end(StringInfo line, Jsonb *rows)
{
	uint8		digest[SNAPSHOT_CHECKSUM_LENGTH];
	char		hex[2 * SNAPSHOT_CHECKSUM_LENGTH + 1] = {0};

	if (rows == NULL)
	{
		appendStringInfoString(line, SNAPSHOT_LINES_END);
		return;
	}
	snapshot_rows_digest(rows, digest);
	hex_encode((char *) digest, sizeof(digest), hex);
	appendStringInfoString(line, SNAPSHOT_LINES_ROWS);
	(void) JsonbToCString(line, &rows->root, VARSIZE(rows));
	appendStringInfo(line, ", \"rows_seal\": \"%s\"}", hex);
}

/*
 * sg_snapshot_export(snapshot text)
 *
 * Returns the snapshot as the lines of a document for sg_snapshot_import(), with
 * the contents of the look-up tables that the caller may read.
 * For the role that took it, pg_monitor and superusers.  Holds at most work_mem
 * of it.  Raises 42704, 42501.
 */
static Datum
sg_snapshot_export_entered(PG_FUNCTION_ARGS)
{
	SnapshotInfo *info;
	Lines		lines = {.first = true};
	Jsonb	   *header;

	sg_check_version();
	info = snapshot_get(sg_arg_text(fcinfo, 0));
	sg_sink_begin_scalar(&lines.sink, fcinfo);
	initStringInfo(&lines.line);

	header = sealed_header(info);
	(void) JsonbToCString(&lines.line, &header->root, VARSIZE(header));
	lines.line.data[--lines.line.len] = '\0';
	appendStringInfoString(&lines.line, SNAPSHOT_LINES_BEGIN);
	emit_line(&lines);
	each_object(info, emit_object, &lines);
	append_end(&lines.line, snapshot_exported_hook ? snapshot_exported_hook(info) : NULL);
	snapshot_check_there(info);
	emit_line(&lines);

	PG_RETURN_VOID();
}
