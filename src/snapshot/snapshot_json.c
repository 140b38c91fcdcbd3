/*-------------------------------------------------------------------------
 *
 * snapshot_json.c
 *	  Documents of snapshots, on the way in.
 *
 * snapshot_export.c says what a document is.  Here everything is checked: a
 * document that was cut off or edited would make a comparison tell lies.  Seal
 * and checksums find accidents; they prove nothing about who made a document,
 * for anybody can compute them.  So what it says is trusted with nothing: each
 * property is held against what it may be (snapshot_problem).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

SG_FUNCTION(sg_snapshot_import);

void		(*snapshot_imported_hook) (const char *name, Jsonb *rows);

#define DOCUMENT_NAME "snapshot document"
#define DOCUMENT_HINT "Take a document that an export or docs/snapshot.sql has made."

static void changed_document(const char *format,...) pg_attribute_printf(1, 2);

/* Raises 22000: the document was changed since it was made */
static void
changed_document(const char *format,...)
{
	char		problem[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("snapshot document was changed after it was made"),
			 errdetail("%s.", sg_clip(problem, sizeof(problem) - MAX_MULTIBYTE_CHAR_LEN)),
			 errhint("Export it again, and take it over as it is.")));
}

/* Returns a string of bounded length; NULL for null, if nullable */
static char *
bounded_text(const SgJson *object, const char *name, bool nullable)
{
	SgJson		member;
	char	   *text;

	sg_json_get(object, name, &member);
	if (nullable && sg_json_is_null(&member))
		return NULL;
	text = sg_json_text(&member);

	if (strlen(text) > SNAPSHOT_NAME_BYTES)
		sg_json_refuse(&member, "has %zu bytes, more than %d", strlen(text), SNAPSHOT_NAME_BYTES);
	return text;
}

static int64
integer_member(const SgJson *object, const char *name, int64 smallest, int64 largest)
{
	SgJson		member;

	sg_json_get(object, name, &member);
	return sg_json_integer(&member, smallest, largest);
}

static void
checksum_member(const SgJson *object, const char *name, uint8 *checksum)
{
	SgJson		member;
	char	   *hex;

	sg_json_get(object, name, &member);
	hex = sg_json_text(&member);
	if (strlen(hex) != 2 * SNAPSHOT_CHECKSUM_LENGTH ||
		strspn(hex, "0123456789abcdef") != strlen(hex))
		sg_json_refuse(&member, "must be %d hexadecimal digits", 2 * SNAPSHOT_CHECKSUM_LENGTH);
	(void) hex_decode(hex, strlen(hex), (char *) checksum);
}

static List *
schemas_member(const SgJson *header)
{
	SgJson		member;
	List	   *schemas;

	sg_json_get(header, "schemas", &member);
	if (sg_json_is_null(&member))
		return NIL;
	schemas = sg_json_texts(&member);
	foreach_ptr(const char, schema, schemas)
		sg_check_name(schema, "schema name");
	if (schemas == NIL)
		sg_json_refuse(&member, "must be null or name one schema or more");
	return schemas;
}

/* Returns the environment of a document, NULL for format 1, which has none */
static Jsonb *
environment_member(const SgJson *header)
{
	SgJson		member;
	Jsonb	   *environment;
	char	   *problem;

	if (!sg_json_find(header, "environment", &member) || sg_json_is_null(&member))
		return NULL;
	environment = sg_json_object(&member);
	problem = snapshot_environment_problem(environment);
	if (problem)
		sg_json_refuse(&member, "is not valid: %s", problem);
	return environment;
}

static TimestampTz
time_member(const SgJson *header, const char *name)
{
	SgJson		member;
	TimestampTz time;

	sg_json_get(header, name, &member);
	time = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(sg_json_text(&member)),
												   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (TIMESTAMP_NOT_FINITE(time))
		sg_json_refuse(&member, "must be a time");
	return time;
}

void
snapshot_rows_digest(Jsonb *rows, uint8 *digest)
{
	char	   *text = JsonbToCString(NULL, &rows->root, VARSIZE(rows));
	char	   *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);

	snapshot_digest(utf8, strlen(utf8), digest);
}

/* Returns the contents of tables in a document, in the given context; NULL: it has none */
static Jsonb *
rows_member(const SgJson *whole, MemoryContext context)
{
	uint8		seal[SNAPSHOT_CHECKSUM_LENGTH];
	uint8		computed[SNAPSHOT_CHECKSUM_LENGTH];
	MemoryContext old;
	SgJson		member;
	Jsonb	   *rows;

	if (!sg_json_find(whole, "rows", &member))
		return NULL;
	old = MemoryContextSwitchTo(context);
	rows = JsonbValueToJsonb(&member.value);
	MemoryContextSwitchTo(old);
	checksum_member(whole, "rows_seal", seal);
	snapshot_rows_digest(rows, computed);
	if (memcmp(seal, computed, sizeof(seal)) != 0)
		changed_document("The seal of its rows does not fit");
	return rows;
}

/* Checks the seal against the header, which is everything except seal, objects and rows */
static void
check_seal(const SgJson *whole, Jsonb *document)
{
	uint8		seal[SNAPSHOT_CHECKSUM_LENGTH];
	uint8		computed[SNAPSHOT_CHECKSUM_LENGTH];
	Datum		header = JsonbPGetDatum(document);
	char	   *text;
	char	   *utf8;

	checksum_member(whole, "seal", seal);
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("seal"));
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("objects"));
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("rows"));
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("rows_seal"));
	text = JsonbToCString(NULL, &DatumGetJsonbP(header)->root, VARSIZE(DatumGetPointer(header)));

	utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	snapshot_digest(utf8, strlen(utf8), computed);

	if (memcmp(seal, computed, sizeof(seal)) != 0)
		changed_document("The seal does not fit the header");
}

static bool
is_header_member(const char *name)
{
	static const char *const members[] = {"schemaguard_snapshot", "taken_at", "role", "server", "database",
	"server_version_num", "schemas", "count", "checksum", "seal", "objects", "environment", "rows", "rows_seal"};

	for (int i = 0; i < lengthof(members); i++)
	{
		if (strcmp(name, members[i]) == 0)
			return true;
	}
	return false;
}

/* Reads the header into reader->info; returns the number of objects that it states */
static int64
read_header(SnapshotReader *reader, const SgJson *whole, Jsonb *document)
{
	SgJsonMembers members;
	SgJson		member;
	int64		format;

	format = integer_member(whole, "schemaguard_snapshot", 1, PG_INT64_MAX);
	if (format > SNAPSHOT_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("snapshot document has format " INT64_FORMAT ", this version of schemaguard reads formats up to %d",
						format, SNAPSHOT_FORMAT),
				 errhint("Install the version of schemaguard that made it, or a newer one.")));

	sg_json_members(&members, whole);
	while (sg_json_next(&members, &member))
	{
		if (!is_header_member(member.name))
			sg_json_refuse(&member, "is not known");
	}
	check_seal(whole, document);

	reader->info.format = (int) format;
	reader->info.taken_at = time_member(whole, "taken_at");
	reader->info.role = bounded_text(whole, "role", false);
	reader->info.server = bounded_text(whole, "server", true);
	reader->info.database = bounded_text(whole, "database", false);
	reader->info.server_version_num = (int) integer_member(whole, "server_version_num", 0, PG_INT32_MAX);
	reader->info.schemas = schemas_member(whole);
	reader->info.environment = environment_member(whole);

	return integer_member(whole, "count", 0, PG_INT64_MAX);
}

/* Returns the OID of an object; InvalidOid if it is null or, in format 1, absent */
static Oid
oid_member(const SgJson *object)
{
	SgJson		member;

	return sg_json_find(object, "oid", &member) && !sg_json_is_null(&member) ?
		(Oid) sg_json_integer(&member, 0, PG_UINT32_MAX) : InvalidOid;
}

/* Returns why this is not a valid object of the snapshot's format, or NULL; fills object->kind */
static char *
object_problem(SnapshotReader *reader, const char *kind, SnapshotObject *object)
{
	SnapshotObject upgraded = *object;
	char	   *problem;

	if (reader->info.format < SNAPSHOT_FORMAT)
		upgraded.properties = snapshot_upgrade(kind, object->properties);
	problem = snapshot_problem(kind, &upgraded);
	object->kind = upgraded.kind;
	return problem;
}

/*
 * Reads and checks an object; *last is the one before it.  Allocates in the
 * reader's row context, which is reset afterwards.
 */
static void
read_object(SnapshotReader *reader, const SgJson *object, SnapshotObject *last)
{
	SgJson		properties;
	SnapshotObject this;
	char	   *kind;
	uint8		computed[SNAPSHOT_CHECKSUM_LENGTH];
	int			order;
	int			members = reader->info.format > 1 ? SNAPSHOT_COLUMNS : SNAPSHOT_COLUMNS - 1;
	char	   *problem;

	this.oid = oid_member(object);
	if (JsonContainerSize(object->value.val.binary.data) != members)
		sg_json_refuse(object, "must have %d members", members);

	kind = bounded_text(object, "kind", false);
	this.identity = bounded_text(object, "identity", false);
	this.parent = bounded_text(object, "parent", true);
	sg_json_get(object, "properties", &properties);
	this.properties = sg_json_object(&properties);
	checksum_member(object, "checksum", this.checksum);

	snapshot_object_digest(kind, this.identity, this.parent, this.properties, computed);
	if (memcmp(this.checksum, computed, sizeof(computed)) != 0)
		changed_document("The checksum of %s %s does not fit", kind, this.identity);
	problem = object_problem(reader, kind, &this);
	if (problem)
		sg_json_refuse(&properties, "are not valid: %s", problem);
	order = last->identity == NULL ? -1 : (int) last->kind - (int) this.kind;
	if (order > 0 || (order == 0 && strcmp(last->identity, this.identity) >= 0))
		changed_document("%s %s is there twice or at the wrong place", kind, this.identity);

	if (last->identity != NULL)
		pfree(last->identity);
	last->kind = this.kind;
	last->identity = MemoryContextStrdup(reader->context, this.identity);
	snapshot_reader_add_object(reader, &this);
}

/* Checks, after all objects, that they are those which the header states */
static void
finish_document(SnapshotReader *reader, const SgJson *header, int64 promised)
{
	uint8		checksum[SNAPSHOT_CHECKSUM_LENGTH];

	checksum_member(header, "checksum", checksum);
	snapshot_reader_finish(reader);
	if (reader->info.objects != promised)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("snapshot document is not complete"),
				 errdetail("It has " INT64_FORMAT " objects, its header says " INT64_FORMAT ".",
						   reader->info.objects, promised),
				 errhint("Export it again, and take it over as it is.")));
	if (memcmp(checksum, reader->info.checksum, sizeof(checksum)) != 0)
		changed_document("The checksum of the whole does not fit");
}

static Jsonb *
read_document(SnapshotReader *reader, Jsonb *document)
{
	SgJson		whole;
	SgJson		objects;
	SnapshotObject last = {0};
	int64		promised;

	sg_json_begin(&whole, document, DOCUMENT_NAME, DOCUMENT_HINT);
	promised = read_header(reader, &whole, document);
	sg_json_get(&whole, "objects", &objects);
	for (uint32 i = 0; i < sg_json_size(&objects); i++)
	{
		MemoryContext old = MemoryContextSwitchTo(reader->row_context);
		SgJson		object;

		CHECK_FOR_INTERRUPTS();
		sg_json_element(&objects, i, &object);
		read_object(reader, &object, &last);
		MemoryContextSwitchTo(old);
	}
	finish_document(reader, &whole, promised);
	return rows_member(&whole, CurrentMemoryContext);
}

/* ---- in lines ---- */

/*
 * Places in a document above its lines.  Documents in lines have the paths of
 * whole ones, so that each error names the number of the object.
 */
typedef struct LinePlaces
{
	SgJson		whole;
	SgJson		objects;
} LinePlaces;

/* Returns the header from the first line */
static Jsonb *
header_line(LinePlaces *places, const char *line)
{
	size_t		length = strlen(line);
	size_t		begin = strlen(SNAPSHOT_LINES_BEGIN);
	Jsonb	   *header;

	if (length < begin || strcmp(line + length - begin, SNAPSHOT_LINES_BEGIN) != 0)
		sg_json_refuse(&places->whole, "must begin with a line that ends with \"objects\": [");
	header = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%s%s", line, SNAPSHOT_LINES_END))));
	sg_json_begin(&places->whole, header, DOCUMENT_NAME, DOCUMENT_HINT);
	sg_json_get(&places->whole, "objects", &places->objects);
	return header;
}

static void
object_line(SnapshotReader *reader, LinePlaces *places, const char *line, SnapshotObject *last)
{
	SgJson		object;

	sg_json_begin(&object, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(line[0] == ',' ? line + 1 : line))),
				  NULL, NULL);
	object.above = &places->objects;
	object.index = (uint32) reader->info.objects;
	read_object(reader, &object, last);
}

/* Source of lines: an array, or a text */
typedef struct LineSource
{
	ArrayIterator elements;		/* NULL: a text */
	char	   *rest;			/* rest of the text, NULL behind its end */
} LineSource;

/* Returns the next line of a text, and advances behind it */
static char *
cut_line(LineSource *source)
{
	char	   *line = source->rest;
	char	   *end = strchr(line, '\n');

	if (end)
		*end = '\0';
	source->rest = end ? end + 1 : NULL;
	return line;
}

/* Gets the next line, NULL for null; returns false behind the last one */
static bool
next_line(LineSource *source, char **line)
{
	Datum		element;
	bool		isnull;

	if (source->elements == NULL)
	{
		*line = source->rest ? cut_line(source) : NULL;
		return *line != NULL;
	}
	if (!array_iterate(source->elements, &element, &isnull))
		return false;
	*line = isnull ? NULL : TextDatumGetCString(element);
	return true;
}

/* Returns the contents of tables from the last line */
static Jsonb *
rows_line(const char *line, MemoryContext context)
{
	SgJson		end;

	sg_json_begin(&end, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("{%s", line + strlen("], "))))),
				  DOCUMENT_NAME, DOCUMENT_HINT);
	return rows_member(&end, context);
}

/* Reads a document in lines; lines behind its end, such as an empty one, are ignored */
static Jsonb *
read_lines(SnapshotReader *reader, LineSource *source)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *rows = NULL;
	LinePlaces	places = {.whole = {.name = DOCUMENT_NAME,.hint = DOCUMENT_HINT}};
	Jsonb	   *header = NULL;
	int64		promised = 0;
	bool		ended = false;
	SnapshotObject last = {0};
	char	   *line;

	for (;;)
	{
		MemoryContext old = header ? MemoryContextSwitchTo(reader->row_context) : CurrentMemoryContext;
		bool		more = !ended && next_line(source, &line);

		CHECK_FOR_INTERRUPTS();
		if (more && line == NULL)
			sg_json_refuse(&places.whole, "must not have a line that is null");
		if (more && header == NULL)
		{
			header = header_line(&places, line);
			promised = read_header(reader, &places.whole, header);
		}
		else if (more && strcmp(line, SNAPSHOT_LINES_END) == 0)
			ended = true;
		else if (more && strncmp(line, SNAPSHOT_LINES_ROWS, strlen(SNAPSHOT_LINES_ROWS)) == 0)
		{
			rows = rows_line(line, context);
			ended = true;
		}
		else if (more)
			object_line(reader, &places, line, &last);
		MemoryContextSwitchTo(old);
		if (!more)
			break;
	}
	if (header == NULL)
		sg_json_refuse(&places.whole, "has no line");
	if (!ended && reader->info.objects == promised)
		changed_document("Its last line is missing");
	finish_document(reader, &places.whole, promised);
	return rows;
}

/* Returns whether a text begins with the first line of a document in lines */
static bool
is_in_lines(const char *document)
{
	const char *end = strchr(document, '\n');
	size_t		begin = strlen(SNAPSHOT_LINES_BEGIN);

	if (end == NULL || end - document < begin)
		return false;
	return strncmp(end - begin, SNAPSHOT_LINES_BEGIN, begin) == 0;
}

static Jsonb *
read_text(SnapshotReader *reader, char *string)
{
	LineSource	source = {.rest = string};

	if (is_in_lines(string))
		return read_lines(reader, &source);
	return read_document(reader, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(string))));
}

/* Reads the second argument, whose type the caller chooses; returns the contents of tables, or NULL */
static Jsonb *
read_argument(SnapshotReader *reader, FunctionCallInfo fcinfo)
{
	Oid			type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1));
	Oid			output;
	bool		is_varlena;

	if (type == JSONBOID)
		return read_document(reader, PG_GETARG_JSONB_P(1));
	if (type == TEXTARRAYOID)
	{
		LineSource	source = {.elements = array_create_iterator(PG_GETARG_ARRAYTYPE_P(1), 0, NULL)};

		return read_lines(reader, &source);
	}
	getTypeOutputInfo(type, &output, &is_varlena);
	return read_text(reader, OidOutputFunctionCall(output, PG_GETARG_DATUM(1)));
}

/* Notifies the user of properties that an older format lacks */
static void
tell_loss(SnapshotReader *reader)
{
	ereport(WARNING,
			(errmsg("snapshot document has format %d, the current one is %d", reader->info.format, SNAPSHOT_FORMAT),
			 errdetail("It does not say what objects depend on, the numbers of columns, the members of operator"
					   " classes, nor where the database is."),
			 errhint("It can be compared; to rebuild a database from it, take it again with this version.")));
}

/*
 * sg_snapshot_import(snapshot text, document anycompatible)
 *
 * Stores a document of sg_snapshot_export() or docs/snapshot.sql as a snapshot
 * of the caller's.  The document is jsonb, a text, or lines, which are read one
 * at a time.  Logged.  Seal and checksums prove nothing about who made it.
 * Raises 42710, 42939 like sg_snapshot_take(); 22023 for an invalid document,
 * naming kind, object and property; 0A000 for a newer format (an older one is
 * stored as it is, with a WARNING of what it lacks); 22000 for one that lacks
 * objects or was edited.  A truncated text is invalid JSON: jsonb's 22P02.
 */
static Datum
sg_snapshot_import_entered(PG_FUNCTION_ARGS)
{
	char	   *name;
	SnapshotReader *reader;
	Jsonb	   *rows;
	MemoryContext old;
	int64		objects;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	name = sg_arg_text(fcinfo, 0);

	sg_check_writable("sg_snapshot_import()");
	snapshot_check_new(name);

	reader = snapshot_reader_begin(name);
	old = MemoryContextSwitchTo(reader->context);
	rows = read_argument(reader, fcinfo);
	MemoryContextSwitchTo(old);
	sg_progress_begin(SG_PROGRESS_SNAPSHOT, 0, 0);
	objects = snapshot_insert(reader, name, true);
	if (rows && snapshot_imported_hook)
		snapshot_imported_hook(name, rows);
	sg_progress_end();
	snapshot_log("snapshot import", name, objects,
				 reader->info.format < SNAPSHOT_FORMAT ? psprintf("format %d", reader->info.format) : NULL);
	if (reader->info.format < SNAPSHOT_FORMAT)
		tell_loss(reader);
	snapshot_close(reader);

	PG_RETURN_INT64(objects);
}
