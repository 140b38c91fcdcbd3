/*-------------------------------------------------------------------------
 *
 * snapshot_reader.c
 *	  The objects of a snapshot, in order, wherever they come from.
 *
 * A reader is filled completely before it is read, in a tuplestore, so that
 * its users may run queries of their own, two readers can be merged, and no
 * lock or snapshot is held meanwhile.
 *
 * An object's checksum is the SHA-256 of the UTF-8 text
 *		kind \n identity \n parent or nothing \n properties
 * that of a snapshot the SHA-256 of its objects' checksums, one after the
 * other.  docs/snapshot.sql computes the same in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "base/calls.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/progress.h"
#include "base/spi.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

#define PROGRESS_ROWS 1000

/* Returns a checksum as bytea, in the current memory context */
Datum
snapshot_checksum_datum(const uint8 *digest)
{
	bytea	   *checksum = palloc(VARHDRSZ + SNAPSHOT_CHECKSUM_LENGTH);

	SET_VARSIZE(checksum, VARHDRSZ + SNAPSHOT_CHECKSUM_LENGTH);
	memcpy(VARDATA(checksum), digest, SNAPSHOT_CHECKSUM_LENGTH);

	return PointerGetDatum(checksum);
}

static void
digest_with(pg_cryptohash_ctx *ctx, const void *data, size_t length, uint8 *digest)
{
	if (pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, data, length) < 0 ||
		pg_cryptohash_final(ctx, digest, SNAPSHOT_CHECKSUM_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(ctx));
}

void
snapshot_digest(const void *data, size_t length, uint8 *digest)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	digest_with(ctx, data, length, digest);
	pg_cryptohash_free(ctx);
}

static void
object_digest_with(pg_cryptohash_ctx *ctx, const char *kind, const char *identity,
				   const char *parent, Jsonb *properties, uint8 *digest)
{
	StringInfoData text;
	char	   *utf8;

	initStringInfo(&text);
	appendStringInfoString(&text, kind);
	appendStringInfoChar(&text, '\n');
	appendStringInfoString(&text, identity);
	appendStringInfoChar(&text, '\n');
	if (parent)
		appendStringInfoString(&text, parent);
	appendStringInfoChar(&text, '\n');
	(void) JsonbToCString(&text, &properties->root, VARSIZE(properties));

	utf8 = pg_server_to_any(text.data, text.len, PG_UTF8);
	digest_with(ctx, utf8, utf8 == text.data ? text.len : strlen(utf8), digest);
	if (utf8 != text.data)
		pfree(utf8);
	pfree(text.data);
}

void
snapshot_object_digest(const char *kind, const char *identity, const char *parent,
					   Jsonb *properties, uint8 *digest)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	object_digest_with(ctx, kind, identity, parent, properties, digest);
	pg_cryptohash_free(ctx);
}

/* Returns an empty reader, in a child of the current memory context */
SnapshotReader *
snapshot_reader_begin(const char *name)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard snapshot",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SnapshotReader *reader = palloc0(sizeof(SnapshotReader));
	TupleDesc	desc = CreateTemplateTupleDesc(SNAPSHOT_COLUMNS);

	reader->context = context;
	reader->row_context = AllocSetContextCreate(context, "schemaguard snapshot object",
												ALLOCSET_DEFAULT_SIZES);
	TupleDescInitEntry(desc, SNAPSHOT_KIND + 1, "kind", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, SNAPSHOT_IDENTITY + 1, "identity", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, SNAPSHOT_PARENT + 1, "parent", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, SNAPSHOT_PROPERTIES + 1, "properties", JSONBOID, -1, 0);
	TupleDescInitEntry(desc, SNAPSHOT_CHECKSUM + 1, "checksum", BYTEAOID, -1, 0);
	TupleDescInitEntry(desc, SNAPSHOT_OID + 1, "oid", OIDOID, -1, 0);
	TupleDescFinalize(desc);

	reader->store = tuplestore_begin_heap(false, false, work_mem);
	reader->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	initStringInfo(&reader->checksums);
	reader->info.name = pstrdup(name);
	reader->info.format = SNAPSHOT_FORMAT;
	reader->info.has_checksum = true;
	MemoryContextSwitchTo(old);

	return reader;
}

void
snapshot_reader_clear(SnapshotReader *reader)
{
	tuplestore_clear(reader->store);
	resetStringInfo(&reader->checksums);
	reader->info.objects = 0;
	reader->info.unknown = 0;
}

/* Returns why a row from elsewhere is not a valid object, or NULL */
static char *
row_problem(const Datum *values, const bool *nulls)
{
	SnapshotObject object = {0};

	for (int i = SNAPSHOT_KIND; i <= SNAPSHOT_PROPERTIES; i++)
	{
		static const char *const columns[] = {"kind", "identity", "parent", "properties"};
		Size		limit = i == SNAPSHOT_PROPERTIES ? SNAPSHOT_PROPERTIES_BYTES : SNAPSHOT_NAME_BYTES;

		if (nulls[i] && i != SNAPSHOT_PARENT)
			return psprintf("an object has no %s", columns[i]);
		if (!nulls[i] && toast_raw_datum_size(values[i]) - VARHDRSZ > limit)
			return psprintf("the %s of an object has more than %zu bytes", columns[i], limit);
	}

	object.identity = TextDatumGetCString(values[SNAPSHOT_IDENTITY]);
	object.parent = nulls[SNAPSHOT_PARENT] ? NULL : TextDatumGetCString(values[SNAPSHOT_PARENT]);
	object.properties = DatumGetJsonbP(values[SNAPSHOT_PROPERTIES]);
	return snapshot_problem(TextDatumGetCString(values[SNAPSHOT_KIND]), &object);
}

/* Counts a row, and appends it to the store; checksum: known checksum, or NULL */
static void
append_row(SnapshotReader *reader, Datum *values, bool *nulls, const uint8 *checksum)
{
	SgJson		properties;
	SgJson		unknown;

	snapshot_properties(&properties, DatumGetJsonbP(values[SNAPSHOT_PROPERTIES]));
	if (sg_json_find(&properties, "unknown", &unknown))
		reader->info.unknown++;
	reader->info.objects++;
	if (checksum)
		appendBinaryStringInfo(&reader->checksums, (const char *) checksum, SNAPSHOT_CHECKSUM_LENGTH);
	tuplestore_putvalues(reader->store, reader->slot->tts_tupleDescriptor, values, nulls);
}

/* DestReceiver that takes a query's rows without copying them */
typedef struct ObjectReceiver
{
	DestReceiver pub;
	SnapshotReader *reader;
	bool		foreign;		/* rows do not come from the snapshot
								 * statement in this database */
	pg_cryptohash_ctx *ctx;		/* shared by all rows, because it is slow to
								 * create */
} ObjectReceiver;

static bool
receive_object(TupleTableSlot *slot, DestReceiver *self)
{
	ObjectReceiver *receiver = (ObjectReceiver *) self;
	SnapshotReader *reader = receiver->reader;
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	uint8		digest[SNAPSHOT_CHECKSUM_LENGTH];
	Datum		values[SNAPSHOT_COLUMNS];
	bool		nulls[SNAPSHOT_COLUMNS];
	Jsonb	   *properties;

	slot_getallattrs(slot);
	memcpy(values, slot->tts_values, sizeof(Datum) * SNAPSHOT_CHECKSUM);
	memcpy(nulls, slot->tts_isnull, sizeof(bool) * SNAPSHOT_CHECKSUM);
	/* the statement has no checksum */
	values[SNAPSHOT_OID] = slot->tts_values[SNAPSHOT_CHECKSUM];
	nulls[SNAPSHOT_OID] = slot->tts_isnull[SNAPSHOT_CHECKSUM];
	if (receiver->foreign)
	{
		char	   *problem = row_problem(values, nulls);

		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg_internal("%s", problem)));
	}
	properties = DatumGetJsonbP(values[SNAPSHOT_PROPERTIES]);
	values[SNAPSHOT_PROPERTIES] = JsonbPGetDatum(properties);
	nulls[SNAPSHOT_CHECKSUM] = !reader->info.has_checksum;
	if (reader->info.has_checksum)
	{
		object_digest_with(receiver->ctx, TextDatumGetCString(values[SNAPSHOT_KIND]),
						   TextDatumGetCString(values[SNAPSHOT_IDENTITY]),
						   nulls[SNAPSHOT_PARENT] ? NULL : TextDatumGetCString(values[SNAPSHOT_PARENT]),
						   properties, digest);
		values[SNAPSHOT_CHECKSUM] = snapshot_checksum_datum(digest);
	}
	append_row(reader, values, nulls, reader->info.has_checksum ? digest : NULL);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);

	if (reader->info.objects % PROGRESS_ROWS == 0)
		sg_progress_done(reader->info.objects, 0);
	return true;
}

/*
 * Runs a query with the active snapshot, or with a new one, and adds the
 * objects that it returns: kind, identity and parent as text, properties as
 * jsonb, an OID.  Foreign objects are checked; 08P01 for an invalid one.  SPI
 * must be connected.  Returns their number.
 */
uint64
snapshot_reader_fill(SnapshotReader *reader, SPIPlanPtr plan, bool read_only, bool foreign)
{
	ObjectReceiver receiver = {
		.pub = sg_receiver(receive_object),
		.reader = reader,
		.foreign = foreign,
		.ctx = pg_cryptohash_create(PG_SHA256),
	};
	SPIExecuteOptions options = {.read_only = read_only,.dest = &receiver.pub};
	int			rc = SPI_execute_plan_extended(plan, &options);

	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s for a snapshot", SPI_result_code_string(rc));
	pg_cryptohash_free(receiver.ctx);
	sg_progress_done(reader->info.objects, 0);
	return SPI_processed;
}

/* Adds an object with its checksum */
void
snapshot_reader_add_object(SnapshotReader *reader, const SnapshotObject *object)
{
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	Datum		values[SNAPSHOT_COLUMNS];
	bool		nulls[SNAPSHOT_COLUMNS] = {false};

	values[SNAPSHOT_KIND] = CStringGetTextDatum(snapshot_kinds[object->kind].word);
	values[SNAPSHOT_IDENTITY] = CStringGetTextDatum(object->identity);
	values[SNAPSHOT_PARENT] = object->parent ? CStringGetTextDatum(object->parent) : (Datum) 0;
	nulls[SNAPSHOT_PARENT] = object->parent == NULL;
	values[SNAPSHOT_PROPERTIES] = JsonbPGetDatum(object->properties);
	values[SNAPSHOT_CHECKSUM] = snapshot_checksum_datum(object->checksum);
	values[SNAPSHOT_OID] = ObjectIdGetDatum(object->oid);
	nulls[SNAPSHOT_OID] = !OidIsValid(object->oid);
	append_row(reader, values, nulls, object->checksum);

	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/*
 * Adds a row of schemaguard.snapshot_object with its checksum; an older format
 * is converted to the current one.  Raises 42P17 for an invalid object, which a
 * restored dump may contain.
 */
void
snapshot_reader_add_stored(SnapshotReader *reader, Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	char	   *problem;
	bytea	   *checksum = nulls[SNAPSHOT_CHECKSUM] ? NULL : DatumGetByteaPP(values[SNAPSHOT_CHECKSUM]);

	if (reader->info.format < SNAPSHOT_FORMAT && !nulls[SNAPSHOT_KIND] && !nulls[SNAPSHOT_PROPERTIES])
		values[SNAPSHOT_PROPERTIES] = JsonbPGetDatum(snapshot_upgrade(TextDatumGetCString(values[SNAPSHOT_KIND]),
																	  DatumGetJsonbP(values[SNAPSHOT_PROPERTIES])));
	problem = row_problem(values, nulls);
	if (problem == NULL && (checksum == NULL || VARSIZE_ANY_EXHDR(checksum) != SNAPSHOT_CHECKSUM_LENGTH))
		problem = "the checksum of an object has another length";
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("snapshot \"%s\" is damaged", reader->info.name),
				 errdetail("It has what no snapshot has: %s.", problem),
				 errhint(sg_calls("Drop it, and take or import it anew:\nSELECT sg_snapshot_drop(%s);"), quote_literal_cstr(reader->info.name))));
	append_row(reader, values, nulls, (uint8 *) VARDATA_ANY(checksum));

	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/* Ends the filling of a reader: computes the checksum of the whole, and rewinds to the first object */
void
snapshot_reader_finish(SnapshotReader *reader)
{
	if (reader->info.has_checksum)
		snapshot_digest(reader->checksums.data, reader->checksums.len, reader->info.checksum);
	pfree(reader->checksums.data);
	reader->checksums.data = NULL;
	tuplestore_rescan(reader->store);
}

const SnapshotInfo *
snapshot_info(SnapshotReader *reader)
{
	return &reader->info;
}

const SnapshotObject *
snapshot_next(SnapshotReader *reader)
{
	SnapshotObject *object = &reader->object;
	TupleTableSlot *slot = reader->slot;
	char	   *kind;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(reader->row_context);

	/*
	 * a tuple from disk is allocated here, and freed with the slot's contents
	 * below
	 */
	old = MemoryContextSwitchTo(reader->row_context);
	if (!tuplestore_gettupleslot(reader->store, true, false, slot))
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}

	slot_getallattrs(slot);
	kind = TextDatumGetCString(slot->tts_values[SNAPSHOT_KIND]);
	if (!snapshot_kind(kind, &object->kind))
		elog(ERROR, "unknown kind of object \"%s\"", kind);
	object->identity = TextDatumGetCString(slot->tts_values[SNAPSHOT_IDENTITY]);
	object->parent = slot->tts_isnull[SNAPSHOT_PARENT] ? NULL :
		TextDatumGetCString(slot->tts_values[SNAPSHOT_PARENT]);
	object->properties = DatumGetJsonbPCopy(slot->tts_values[SNAPSHOT_PROPERTIES]);
	if (!slot->tts_isnull[SNAPSHOT_CHECKSUM])
		memcpy(object->checksum, VARDATA_ANY(DatumGetByteaPP(slot->tts_values[SNAPSHOT_CHECKSUM])),
			   SNAPSHOT_CHECKSUM_LENGTH);
	object->oid = slot->tts_isnull[SNAPSHOT_OID] ? InvalidOid : DatumGetObjectId(slot->tts_values[SNAPSHOT_OID]);
	ExecClearTuple(slot);
	MemoryContextSwitchTo(old);

	return object;
}

void
snapshot_close(SnapshotReader *reader)
{
	ExecDropSingleTupleTableSlot(reader->slot);
	tuplestore_end(reader->store);
	MemoryContextDelete(reader->context);
}

bool
snapshot_same(const SnapshotObject *a, const SnapshotObject *b)
{
	return (a->parent && b->parent ? strcmp(a->parent, b->parent) == 0 : a->parent == b->parent) &&
		VARSIZE(a->properties) == VARSIZE(b->properties) &&
		memcmp(a->properties, b->properties, VARSIZE(a->properties)) == 0;
}

char *
snapshot_unknown(const SnapshotObject *object)
{
	SgJson		properties;

	snapshot_properties(&properties, object->properties);
	return sg_json_find_text(&properties, "unknown");
}

char *
snapshot_environment(const SnapshotInfo *info, const char *name)
{
	SgJson		environment;
	SgJson		member;

	if (info->environment == NULL)
		return NULL;
	snapshot_properties(&environment, info->environment);
	return sg_json_find(&environment, name, &member) ? sg_json_scalar(&member.value) : NULL;
}
