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
#include "utils/numeric.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

PG_FUNCTION_INFO_V1(sg_snapshot_import);
PG_FUNCTION_INFO_V1(sg_snapshot_import_lines);

static void bad_document(const char *format,...) pg_attribute_printf(1, 2);
static void changed_document(const char *format,...) pg_attribute_printf(1, 2);
static char *problem_text(const char *format, va_list args) pg_attribute_printf(1, 0);

static char *problem_text(const char *format, va_list args) pg_attribute_printf(1, 0);

/* For a detail: no more of it than a user reads, and no half of a character */
static char *
problem_text(const char *format, va_list args)
{
	char text[	1024];

	vsnprintf(text, sizeof(text), format, args);
	return pnstrdup(text, pg_mbcliplen(text, strlen(text), sizeof(text) - MAX_MULTIBYTE_CHAR_LEN));
}

/* Raise 22023: it never was a document of this form */
static void
bad_document(const char *format,...)
{
	char	   *problem;
	va_list		args;

	va_start(args, format);
	problem = problem_text(format, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid snapshot document"),
			 errdetail("%s.", problem),
			 errhint("sg_snapshot_export() and docs/snapshot.sql make documents of the right form.")));
}

/* Raise 22000: it was one, and then something happened to it */
static void
changed_document(const char *format,...)
{
	char	   *problem;
	va_list		args;

	va_start(args, format);
	problem = problem_text(format, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("snapshot document was changed after it was made"),
			 errdetail("%s.", problem),
			 errhint("Export it again, and take it over as it is.")));
}

static JsonbValue *
member(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	if (value == NULL)
		bad_document("\"%s\" is missing", name);

	return value;
}

/* A member that is a string, or, where that is allowed, null (NULL) */
static char *
string_member(JsonbContainer *object, const char *name, bool nullable)
{
	JsonbValue *value = member(object, name);

	if (value->type == jbvNull && nullable)
		return NULL;
	if (value->type != jbvString)
		bad_document("\"%s\" must be a string", name);
	if (value->val.string.len > SNAPSHOT_NAME_BYTES)
		bad_document("\"%s\" has %d bytes, more than %d", name, value->val.string.len, SNAPSHOT_NAME_BYTES);

	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int64
integer_member(JsonbContainer *object, const char *name, int64 largest)
{
	JsonbValue *value = member(object, name);
	char	   *digits;

	if (value->type != jbvNumeric)
		bad_document("\"%s\" must be a number", name);
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 15)
		bad_document("\"%s\" must be a whole number, not %s", name, digits);
	if (atoll(digits) > largest)
		bad_document("\"%s\" must be " INT64_FORMAT " at most, not %s", name, largest, digits);

	return atoll(digits);
}

static void
checksum_member(JsonbContainer *object, const char *name, uint8 *checksum)
{
	char	   *hex = string_member(object, name, false);

	if (strlen(hex) != 2 * SNAPSHOT_CHECKSUM_LENGTH ||
		strspn(hex, "0123456789abcdef") != strlen(hex))
		bad_document("\"%s\" must be %d hexadecimal digits", name, 2 * SNAPSHOT_CHECKSUM_LENGTH);
	(void) hex_decode(hex, strlen(hex), (char *) checksum);
}

static JsonbContainer *
array_container(const JsonbValue *value, const char *name)
{
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		bad_document("\"%s\" must be an array", name);

	return value->val.binary.data;
}

static List *
schemas_member(JsonbContainer *header)
{
	JsonbValue *value = member(header, "schemas");
	List	   *schemas = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (value->type == jbvNull)
		return NIL;

	it = JsonbIteratorInit(array_container(value, "schemas"));
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvString)
			bad_document("\"schemas\" must be an array of strings");
		schemas = lappend(schemas, pnstrdup(element.val.string.val, element.val.string.len));
		sg_check_name(llast(schemas), "schema name");
	}
	if (schemas == NIL)
		bad_document("\"schemas\" must be null or name one schema or more");

	return schemas;
}

/* Documents of format 1 have none */
static Jsonb *
environment_member(JsonbContainer *header)
{
	JsonbValue *value = getKeyJsonValueFromContainer(header, "environment", strlen("environment"), NULL);
	Jsonb	   *environment;
	char	   *problem;

	if (value == NULL || value->type == jbvNull)
		return NULL;
	environment = JsonbValueToJsonb(value);
	problem = snapshot_environment_problem(environment);
	if (problem)
		bad_document("\"environment\": %s", problem);
	return environment;
}

/* Is it sealed with what it says?  The header is everything but seal and objects. */
static void
check_seal(Jsonb *document)
{
	uint8		seal[SNAPSHOT_CHECKSUM_LENGTH];
	uint8		computed[SNAPSHOT_CHECKSUM_LENGTH];
	Datum		header = JsonbPGetDatum(document);
	char	   *text;
	char	   *utf8;

	checksum_member(&document->root, "seal", seal);
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("seal"));
	header = DirectFunctionCall2(jsonb_delete, header, CStringGetTextDatum("objects"));
	text = JsonbToCString(NULL, &DatumGetJsonbP(header)->root, VARSIZE(DatumGetPointer(header)));

	utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	snapshot_digest(utf8, strlen(utf8), computed);

	if (memcmp(seal, computed, sizeof(seal)) != 0)
		changed_document("The seal does not fit the header");
}

/* The header, into reader->info; returns the number of objects that it promises */
static int64
read_header(SnapshotReader *reader, Jsonb *document)
{
	static const char *const members[] = {"schemaguard_snapshot", "taken_at", "role", "server", "database",
	"server_version_num", "schemas", "count", "checksum", "seal", "objects", "environment"};
	JsonbContainer *root = &document->root;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	int64		format;

	if (!JsonContainerIsObject(root))
		bad_document("It must be an object");
	format = integer_member(root, "schemaguard_snapshot", PG_INT64_MAX);
	if (format > SNAPSHOT_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("snapshot document has format " INT64_FORMAT ", this version of schemaguard reads formats up to %d",
						format, SNAPSHOT_FORMAT),
				 errhint("Install the version of schemaguard that made it, or a newer one.")));
	if (format < 1)
		bad_document("\"schemaguard_snapshot\" must be 1 or more");

	it = JsonbIteratorInit(root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		known = token != WJB_KEY;

		for (int i = 0; i < lengthof(members) && !known; i++)
			known = value.val.string.len == (int) strlen(members[i]) &&
				memcmp(value.val.string.val, members[i], value.val.string.len) == 0;
		if (!known)
			bad_document("\"%.*s\" is not known", value.val.string.len, value.val.string.val);
	}
	check_seal(document);

	reader->info.format = (int) format;
	reader->info.taken_at =
		DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												CStringGetDatum(string_member(root, "taken_at", false)),
												ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (TIMESTAMP_NOT_FINITE(reader->info.taken_at))
		bad_document("\"taken_at\" must be a time");
	reader->info.role = string_member(root, "role", false);
	reader->info.server = string_member(root, "server", true);
	reader->info.database = string_member(root, "database", false);
	reader->info.server_version_num = (int) integer_member(root, "server_version_num", PG_INT32_MAX);
	reader->info.schemas = schemas_member(root);
	reader->info.environment = environment_member(root);

	return integer_member(root, "count", PG_INT64_MAX);
}

/* InvalidOid where it is null or, in format 1, absent */
static Oid
oid_member(JsonbContainer *object)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, "oid", strlen("oid"), NULL);

	return value == NULL || value->type == jbvNull ? InvalidOid : (Oid) integer_member(object, "oid", PG_UINT32_MAX);
}

/* What keeps it from being an object of this snapshot's format, or NULL; fills object->kind */
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
 * One object, checked; *last is the one before it.  What it takes is in the
 * reader's context of a row, which is empty afterwards.
 */
static void
read_object(SnapshotReader *reader, const JsonbValue *value, SnapshotObject *last)
{
	JsonbContainer *object;
	JsonbValue *properties;
	SnapshotObject this;
	char	   *kind;
	uint8		computed[SNAPSHOT_CHECKSUM_LENGTH];
	int			order;
	int			members = reader->info.format > 1 ? SNAPSHOT_COLUMNS : SNAPSHOT_COLUMNS - 1;
	char	   *problem;
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		bad_document("Element " INT64_FORMAT " of \"objects\" must be an object", reader->info.objects);
	object = value->val.binary.data;
	this.oid = oid_member(object);
	if (JsonContainerSize(object) != members)
		bad_document("Element " INT64_FORMAT " of \"objects\" must have %d members",
					 reader->info.objects, members);

	kind = string_member(object, "kind", false);
	this.identity = string_member(object, "identity", false);
	this.parent = string_member(object, "parent", true);
	properties = member(object, "properties");
	if (properties->type != jbvBinary || !JsonContainerIsObject(properties->val.binary.data))
		bad_document("\"properties\" of %s %s must be an object", kind, this.identity);
	this.properties = JsonbValueToJsonb(properties);
	checksum_member(object, "checksum", this.checksum);

	snapshot_object_digest(kind, this.identity, this.parent, this.properties, computed);
	if (memcmp(this.checksum, computed, sizeof(computed)) != 0)
		changed_document("The checksum of %s %s does not fit", kind, this.identity);
	problem = object_problem(reader, kind, &this);
	if (problem)
		bad_document("%s", problem);
	order = last->identity == NULL ? -1 : (int) last->kind - (int) this.kind;
	if (order > 0 || (order == 0 && strcmp(last->identity, this.identity) >= 0))
		changed_document("%s %s is there twice or at the wrong place", kind, this.identity);

	if (last->identity != NULL)
		pfree(last->identity);
	last->kind = this.kind;
	last->identity = MemoryContextStrdup(reader->context, this.identity);
	snapshot_reader_add_object(reader, &this);
	MemoryContextSwitchTo(old);
}

/* All objects were read: are they those that the header promised? */
static void
finish_document(SnapshotReader *reader, Jsonb *header, int64 promised)
{
	uint8		checksum[SNAPSHOT_CHECKSUM_LENGTH];

	checksum_member(&header->root, "checksum", checksum);
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

static void
read_document(SnapshotReader *reader, FunctionCallInfo fcinfo)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(1);
	int64		promised = read_header(reader, document);
	SnapshotObject last = {0};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	it = JsonbIteratorInit(array_container(member(&document->root, "objects"), "objects"));
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_ELEM)
			read_object(reader, &value, &last);
	}
	finish_document(reader, document, promised);
}

/* ---- in lines ---- */

/* The header, out of the first line */
static Jsonb *
header_line(const char *line)
{
	size_t		length = strlen(line);
	size_t		begin = strlen(SNAPSHOT_LINES_BEGIN);

	if (length < begin || strcmp(line + length - begin, SNAPSHOT_LINES_BEGIN) != 0)
		bad_document("The first line must end with \"objects\": [");
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%s%s", line, SNAPSHOT_LINES_END))));
}

static void
object_line(SnapshotReader *reader, const char *line, SnapshotObject *last)
{
	Jsonb	   *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(line[0] == ',' ? line + 1 : line)));
	JsonbValue	value = {.type = jbvBinary};

	value.val.binary.data = &object->root;
	value.val.binary.len = VARSIZE(object) - VARHDRSZ;
	read_object(reader, &value, last);
}

/* Lines behind the end, such as the empty one behind the last line break, say nothing */
static void
read_lines(SnapshotReader *reader, FunctionCallInfo fcinfo)
{
	ArrayIterator it = array_create_iterator(PG_GETARG_ARRAYTYPE_P(1), 0, NULL);
	Jsonb	   *header = NULL;
	int64		promised = 0;
	bool		ended = false;
	SnapshotObject last = {0};
	Datum		element;
	bool		isnull;

	while (!ended && array_iterate(it, &element, &isnull))
	{
		MemoryContext old = CurrentMemoryContext;
		char	   *line;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			bad_document("A line must not be null");
		if (header)
			MemoryContextSwitchTo(reader->row_context);
		line = TextDatumGetCString(element);
		if (header == NULL)
		{
			header = header_line(line);
			promised = read_header(reader, header);
		}
		else if (strcmp(line, SNAPSHOT_LINES_END) == 0)
			ended = true;
		else
			object_line(reader, line, &last);
		MemoryContextSwitchTo(old);
	}
	if (header == NULL)
		bad_document("It has no line");
	if (!ended && reader->info.objects == promised)
		changed_document("Its last line is missing");
	finish_document(reader, header, promised);
}

/* Of what an older format lacks, a user should know */
static void
tell_loss(SnapshotReader *reader)
{
	ereport(WARNING,
			(errmsg("snapshot document has format %d, the current one is %d", reader->info.format, SNAPSHOT_FORMAT),
			 errdetail("It does not say what objects depend on, the numbers of columns, the members of operator"
					   " classes, nor where the database is."),
			 errhint("It can be compared; to rebuild a database from it, take it again with this version.")));
}

static int64
import(FunctionCallInfo fcinfo, void (*read) (SnapshotReader *reader, FunctionCallInfo fcinfo))
{
	char	   *name;
	SnapshotReader *reader;
	MemoryContext old;
	int64		objects;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	name = sg_arg_text(fcinfo, 0);

	sg_check_writable(read == read_lines ? "sg_snapshot_import_lines()" : "sg_snapshot_import()");
	snapshot_check_new(name);

	reader = snapshot_reader_begin(name);
	old = MemoryContextSwitchTo(reader->context);
	read(reader, fcinfo);
	MemoryContextSwitchTo(old);
	sg_progress_begin(SG_PROGRESS_SNAPSHOT, 0, 0);
	objects = snapshot_insert(reader, name, true);
	sg_progress_end();
	snapshot_log("snapshot import", name, objects,
				 reader->info.format < SNAPSHOT_FORMAT ? psprintf("format %d", reader->info.format) : NULL);
	if (reader->info.format < SNAPSHOT_FORMAT)
		tell_loss(reader);
	snapshot_close(reader);

	return objects;
}

/*
 * sg_snapshot_import(snapshot text, document jsonb)
 *
 * Keeps a document of sg_snapshot_export or docs/snapshot.sql as a snapshot of
 * the caller's.  Logged.  The seal and the checksums prove nothing about who
 * made it.  Raises 42710, 42939 as sg_snapshot_take; 22023 for what is no such
 * document, by kind, object and property; 0A000 for one of a newer format (an
 * older one is kept as it is, with a warning of what it lacks),
 * 22000 for one that lacks objects or was edited.  Text that was cut off is no
 * JSON: jsonb's own 22P02.
 */
Datum
sg_snapshot_import(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(import(fcinfo, read_document));
}

/*
 * sg_snapshot_import_lines(snapshot text, lines text[])
 *
 * The same for the lines of sg_snapshot_export_lines or docs/snapshot.sql, of
 * which one at a time is read: it needs no more memory than the lines have.
 */
Datum
sg_snapshot_import_lines(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(import(fcinfo, read_lines));
}
