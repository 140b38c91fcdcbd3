/*-------------------------------------------------------------------------
 *
 * snapshot_export.c
 *	  A snapshot as a document, whole or in lines.
 *
 * The document is JSON: a header, with a seal (the SHA-256 of the header's
 * text without it), and the objects, each with its checksum.  In lines it is
 * the same text, cut so that nobody has to hold it whole:
 *
 *		header, without its closing brace, "objects": [
 *		an object, the others with a comma before them
 *		]}
 *
 * docs/snapshot.sql prints these lines, too.  Whole it is a jsonb, which is put
 * together here out of the objects' own, one after the other: jsonb_agg() and
 * jsonb_in() would hold 20 to 30 times as much.
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
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

SG_FUNCTION(sg_snapshot_export);
SG_FUNCTION(sg_snapshot_export_lines);

#define BATCH_ROWS 1000

static const char *header_query =
"SELECT h.header || jsonb_build_object('seal', encode(sha256(convert_to(h.header::text, 'UTF8')), 'hex'))"
" FROM (SELECT jsonb_build_object('schemaguard_snapshot', s.format,"
"    'taken_at', to_char(s.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
"    'role', s.role, 'server', s.server, 'database', s.database, 'server_version_num', s.server_version_num,"
"    'schemas', s.schemas, 'count', s.objects, 'checksum', encode(s.checksum, 'hex'))"
"    || CASE WHEN s.format > 1 THEN jsonb_build_object('environment', s.environment) ELSE '{}' END AS header"
"  FROM schemaguard.snapshot s WHERE s.name = $1) h";

static const char *count_query =
"SELECT count(*)::text FROM schemaguard.snapshot_object WHERE snapshot = $1";

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
		elog(ERROR, "snapshot \"%s\" is gone", info->name);
	return DatumGetJsonbP(header);
}

/* Give each object of the document to a function, in order and in a context of its own; returns their number */
static uint32
each_object(const SnapshotInfo *info, void (*give) (Jsonb *object, void *arg), void *arg)
{
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(info->name), Int32GetDatum(info->format)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard document", ALLOCSET_DEFAULT_SIZES);
	Portal		portal;
	uint32		n = 0;
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
			n++;
		}
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	SPI_finish();
	sg_scope_end(&scope);
	MemoryContextDelete(context);

	return n;
}

/* ---- whole ---- */

/* An array of objects that grows at the end of a jsonb's bytes */
typedef struct ObjectArray
{
	StringInfo	bytes;
	int			entries;		/* where its JEntry are in these bytes */
	uint32		size;			/* for how many there is room */
	uint32		n;
	int			start;			/* where its elements begin */
} ObjectArray;

static void
pad(StringInfo bytes)
{
	while (bytes->len % sizeof(int32) != 0)
		appendStringInfoChar(bytes, '\0');
}

static void
check_size(size_t length)
{
	if (length > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the snapshot is too large for a document of type jsonb"),
				 errhint("Export it line by line.")));
}

static void
put_entry(StringInfo bytes, int at, JEntry entry)
{
	memcpy(bytes->data + at, &entry, sizeof(entry));
}

/* As convertJsonbArray() does it */
static void
append_object(Jsonb *object, void *arg)
{
	ObjectArray *array = arg;
	StringInfo	bytes = array->bytes;
	int			before = bytes->len;
	JEntry		entry;

	if (array->n == array->size)
		elog(ERROR, "a snapshot has more objects than it had");
	pad(bytes);
	appendBinaryStringInfo(bytes, (char *) &object->root, VARSIZE(object) - VARHDRSZ);
	check_size(bytes->len - array->start);

	entry = array->n % JB_OFFSET_STRIDE == 0 ?
		((bytes->len - array->start) | JENTRY_HAS_OFF) : (bytes->len - before);
	put_entry(bytes, array->entries + array->n * sizeof(JEntry), JENTRY_ISCONTAINER | entry);
	array->n++;
}

/* The number of the value of "objects" among the entries of a header that has it, empty */
static int
find_objects(JsonbContainer *header)
{
	int			n = JsonContainerSize(header);
	const char *strings = (const char *) &header->children[2 * n];

	for (int i = 0; i < n; i++)
	{
		if (getJsonbLength(header, i) == strlen("objects") &&
			memcmp(strings + getJsonbOffset(header, i), "objects", strlen("objects")) == 0)
			return n + i;
	}
	elog(ERROR, "a snapshot's header has no objects");
}

/* The header with all objects in it */
static Jsonb *
document(const SnapshotInfo *info, uint32 count)
{
	Datum		empty = DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"objects\": []}"));
	Jsonb	   *header = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(sealed_header(info)), empty));
	JsonbContainer *root = &header->root;
	int			index = find_objects(root);
	int			values = (char *) &root->children[2 * JsonContainerSize(root)] - (char *) header;
	uint32		offset = getJsonbOffset(root, index);
	uint32		length = getJsonbLength(root, index);
	uint32		array_header = count | JB_FARRAY;
	StringInfoData bytes;
	ObjectArray array = {.bytes = &bytes,.size = count};

	/*
	 * then only the first entry, a key's, holds an offset, and none has to be
	 * moved
	 */
	if (2 * JsonContainerSize(root) > JB_OFFSET_STRIDE || count > JB_CMASK)
		elog(ERROR, "a snapshot's header has too many members");

	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, (char *) header, values + offset);
	pad(&bytes);
	appendBinaryStringInfo(&bytes, (char *) &array_header, sizeof(array_header));
	array.entries = bytes.len;
	for (uint32 i = 0; i < count; i++)
		appendBinaryStringInfo(&bytes, (char *) &array_header, sizeof(JEntry));
	array.start = bytes.len;
	if (each_object(info, append_object, &array) != count)
		elog(ERROR, "a snapshot has fewer objects than it had");

	/* what follows stays aligned as it was */
	pad(&bytes);
	check_size(bytes.len);
	put_entry(&bytes, (char *) &root->children[index] - (char *) header,
			  JENTRY_ISCONTAINER | (bytes.len - values - offset));
	appendBinaryStringInfo(&bytes, (char *) header + values + offset + length,
						   VARSIZE(header) - values - offset - length);
	SET_VARSIZE(bytes.data, bytes.len);

	return (Jsonb *) bytes.data;
}

/*
 * sg_snapshot_export(snapshot text)
 *
 * The snapshot as a document for sg_snapshot_import.  For the role that took
 * it, pg_monitor and superusers.  Raises 42704, 42501; 54000 where it is too
 * large for a jsonb.
 */
static Datum
sg_snapshot_export_entered(PG_FUNCTION_ARGS)
{
	SnapshotInfo *info = snapshot_get(sg_arg_text(fcinfo, 0));
	Datum		count;

	if (!sg_owner_fetch(count_query, info->name, &count))
		elog(ERROR, "snapshot \"%s\" is gone", info->name);
	PG_RETURN_POINTER(document(info, (uint32) atoll(TextDatumGetCString(count))));
}

/* ---- in lines ---- */

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

/*
 * sg_snapshot_export_lines(snapshot text)
 *
 * The same document in lines, for sg_snapshot_import_lines or, put together,
 * sg_snapshot_import.  Holds no more than work_mem of it.  Raises 42704, 42501.
 */
static Datum
sg_snapshot_export_lines_entered(PG_FUNCTION_ARGS)
{
	SnapshotInfo *info;
	Lines		lines = {.first = true};
	Jsonb	   *header;

	info = snapshot_get(sg_arg_text(fcinfo, 0));
	sg_sink_begin_scalar(&lines.sink, fcinfo);
	initStringInfo(&lines.line);

	header = sealed_header(info);
	(void) JsonbToCString(&lines.line, &header->root, VARSIZE(header));
	lines.line.data[--lines.line.len] = '\0';
	appendStringInfoString(&lines.line, SNAPSHOT_LINES_BEGIN);
	emit_line(&lines);
	(void) each_object(info, emit_object, &lines);
	appendStringInfoString(&lines.line, SNAPSHOT_LINES_END);
	emit_line(&lines);

	PG_RETURN_VOID();
}
