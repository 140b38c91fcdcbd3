/*-------------------------------------------------------------------------
 *
 * snapshot_store.c
 *	  Snapshots that are kept: taking, reading, dropping.
 *
 * schemaguard.snapshot and schemaguard.snapshot_object are written here as
 * the owner of the extension, once; nothing updates them.  A snapshot is its
 * taker's: that role and superusers drop it, pg_monitor reads it, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nametable.h"
#include "base/nearest.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

SG_FUNCTION(sg_snapshot_take);
SG_FUNCTION(sg_snapshot_drop);
SG_FUNCTION(sg_snapshot_objects);

#define BATCH_ROWS 1000

void		(*snapshot_taken_hook) (const char *name, List *schemas, const char *server);

/*
 * Condition that leaves out triggers and functions of a plan's fills, which new
 * snapshots do not contain: see 17_trigger.sql, 21_function.sql
 */
#define FILLERS_LEFT_OUT \
	" AND (CASE kind WHEN 'function' THEN starts_with(identity, 'schemaguard.\"~schemaguard_fill_')" \
	"  WHEN 'trigger' THEN starts_with(properties ->> 'function', 'schemaguard.\"~schemaguard_fill_') ELSE false END) IS NOT TRUE"

/* ---- reading ---- */

/* Returns whether the user is the taker of a snapshot, or has that role's rights */
static bool
is_taker(Oid user, const char *taker)
{
	Oid			role = get_role_oid(taker, true);

	return superuser_arg(user) || (OidIsValid(role) && has_privs_of_role(user, role));
}

static bool
may_read(Oid user, const char *taker)
{
	return is_taker(user, taker) || has_privs_of_role(user, ROLE_PG_MONITOR);
}

/*
 * Returns the nearest name of a snapshot, or NULL.  Appends the names of up to
 * ten that the caller may read.
 */
static char *
nearest_snapshot(const char *name, StringInfo known)
{
	SgScope		scope;
	uint64		n;
	int			readable = 0;
	SgNearest	nearest = {name};
	MemoryContext caller = CurrentMemoryContext;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT,
						 "SELECT name, role FROM schemaguard.snapshot ORDER BY taken_at DESC, name",
						 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *other = SPI_getvalue(tuple, desc, 1);
		MemoryContext spi;

		if (!may_read(scope.userid, SPI_getvalue(tuple, desc, 2)))
			continue;
		spi = MemoryContextSwitchTo(caller);
		sg_nearest_try(&nearest, other);
		MemoryContextSwitchTo(spi);
		if (++readable <= 10)
			appendStringInfo(known, "%s\"%s\"", readable > 1 ? ", " : "", other);
	}
	if (readable > 10)
		appendStringInfoString(known, ", ...");
	SPI_finish();
	sg_scope_end(&scope);
	return nearest.found;
}

char *
snapshot_nearest(const char *name)
{
	StringInfoData known;

	initStringInfo(&known);
	return nearest_snapshot(name, &known);
}

/* Raises 42704, with a hint that names up to ten snapshots that the caller may read */
static void
no_such_snapshot(const char *name)
{
	StringInfoData known;
	char	   *near;

	initStringInfo(&known);
	near = nearest_snapshot(name, &known);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("snapshot \"%s\" does not exist", name),
			 near ? errhint("Perhaps you meant snapshot \"%s\".", near) :
			 known.len > 0 ? errhint("These snapshots exist: %s.", known.data) :
			 errhint(sg_calls("There is no snapshot that you may read. To take one:\nSELECT sg_snapshot_take('baseline');"))));
}

/* Returns the environment of a row, in the given context; NULL if unknown */
static Jsonb *
environment_of(HeapTuple tuple, TupleDesc desc, MemoryContext context)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "environment"), &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);
	Jsonb	   *environment = isnull ? NULL : DatumGetJsonbPCopy(value);

	MemoryContextSwitchTo(old);
	return environment;
}

/* Returns the header of a snapshot, or NULL */
static SnapshotInfo *
find_snapshot(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SnapshotInfo *info = NULL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(SPI_OK_SELECT,
						 "SELECT taken_at, role, server, database, server_version_num, schemas, format,"
						 " objects, unknown, checksum, environment FROM schemaguard.snapshot WHERE name = $1",
						 1, types, values, NULL) > 0)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		bytea	   *checksum = DatumGetByteaPP(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "checksum"), &isnull));

		info = MemoryContextAllocZero(caller, sizeof(SnapshotInfo));
		info->name = MemoryContextStrdup(caller, name);
		info->taken_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "taken_at"), &isnull));
		info->role = sg_spi_text(tuple, desc, "role");
		info->server = sg_spi_text(tuple, desc, "server");
		info->database = sg_spi_text(tuple, desc, "database");
		info->server_version_num = (int) sg_spi_int64(tuple, desc, "server_version_num");
		info->schemas = sg_spi_text_array(tuple, desc, "schemas");
		info->format = (int) sg_spi_int64(tuple, desc, "format");
		info->objects = sg_spi_int64(tuple, desc, "objects");
		info->unknown = sg_spi_int64(tuple, desc, "unknown");
		info->has_checksum = VARSIZE_ANY_EXHDR(checksum) == SNAPSHOT_CHECKSUM_LENGTH;
		if (info->has_checksum)
			memcpy(info->checksum, VARDATA_ANY(checksum), SNAPSHOT_CHECKSUM_LENGTH);
		info->environment = environment_of(tuple, desc, caller);
	}
	SPI_finish();
	sg_scope_end(&scope);

	return info;
}

SgNameTable *
snapshot_left_out(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SgNameTable *names = NULL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_SELECT,
							"SELECT w.word, o.properties ->> 'unknown' AS reason FROM schemaguard.snapshot_object o,"
							" jsonb_array_elements_text(o.properties -> 'left_out') w (word)"
							" WHERE o.snapshot = $1 AND o.kind = 'extension' AND o.properties ? 'unknown'",
							lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(caller);

		if (names == NULL)
			names = sg_names_create(caller);
		sg_names_enter(names, "", sg_spi_text(tuple, SPI_tuptable->tupdesc, "word"))->value =
			sg_spi_text(tuple, SPI_tuptable->tupdesc, "reason");
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return names;
}

SnapshotInfo *
snapshot_get(const char *name)
{
	SnapshotInfo *info = find_snapshot(name);

	if (info == NULL)
		no_such_snapshot(name);
	if (!may_read(GetUserId(), info->role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for snapshot \"%s\"", name),
				 errdetail("The snapshot belongs to role \"%s\".", info->role),
				 errhint("That role, members of pg_monitor and superusers read it.")));
	if (info->environment && snapshot_environment_problem(info->environment))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("snapshot \"%s\" is damaged", name),
				 errdetail("It has what no snapshot has: %s.", snapshot_environment_problem(info->environment)),
				 errhint(sg_calls("Drop it, and take or import it anew:\nSELECT sg_snapshot_drop(%s);"), quote_literal_cstr(name))));

	return info;
}

void
snapshot_dropped(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("snapshot \"%s\" was dropped while it was read", name),
			 errhint("Run it again.")));
}

void
snapshot_check_there(const SnapshotInfo *info)
{
	SnapshotInfo *now = find_snapshot(info->name);

	if (now == NULL || now->taken_at != info->taken_at || now->objects != info->objects ||
		memcmp(now->checksum, info->checksum, SNAPSHOT_CHECKSUM_LENGTH) != 0)
		snapshot_dropped(info->name);
}

/* Returns whether a snapshot, or this database, has a schema */
static bool
has_schema(const char *name, const char *schema)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name), CStringGetTextDatum(snapshot_quote(schema))};
	SgScope		scope;
	uint64		n;

	if (strcmp(name, SNAPSHOT_LIVE) == 0)
		return OidIsValid(get_namespace_oid(schema, true));
	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, "SELECT FROM schemaguard.snapshot_object WHERE snapshot = $1 AND (kind = 'schema' AND identity = $2 OR parent = $2) LIMIT 1",
						 2, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
	return n > 0;
}

/* Returns the nearest name of a schema of a snapshot, or of this database, quoted, or NULL */
static char *
nearest_schema(const char *name, const char *schema)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SgNearest	nearest = {snapshot_quote(schema)};
	MemoryContext caller = CurrentMemoryContext;
	SgScope		scope;
	uint64		n;

	if (strcmp(name, SNAPSHOT_LIVE) == 0)
	{
		char	   *near = sg_nearest_schema(schema);

		return near ? snapshot_quote(near) : NULL;
	}
	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, "SELECT identity FROM schemaguard.snapshot_object WHERE snapshot = $1 AND kind = 'schema'", 1, types, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *other = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext spi = MemoryContextSwitchTo(caller);

		sg_nearest_try(&nearest, other);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return nearest.found;
}

void
snapshot_tell_same(const char *reference, const char *target)
{
	if (strcmp(reference, target) == 0)
		ereport(NOTICE,
				(errmsg("\"%s\" is compared with itself, so nothing can differ", reference),
				 errhint("Name a snapshot to compare it with. Those that you may read:\nSELECT name, taken_at FROM schemaguard.snapshot;")));
}

void
snapshot_check_schemas(const char *reference, const char *target, List *schemas)
{
	foreach_ptr(const char, schema, schemas)
	{
		char	   *near;

		if (has_schema(reference, schema) || has_schema(target, schema))
			continue;
		near = nearest_schema(reference, schema);
		if (near == NULL)
			near = nearest_schema(target, schema);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 strcmp(reference, target) == 0 ?
				 errmsg("\"%s\" has no schema \"%s\"", reference, schema) :
				 errmsg("neither \"%s\" nor \"%s\" has a schema \"%s\"", reference, target, schema),
				 near ? errhint("Perhaps you meant schema %s.", near) :
				 sg_several_names(schema) ? errhint("%s", sg_several_names(schema)) :
				 errhint(sg_calls("Give schemas as they are named there, without quotes, or null for all:\nSELECT identity FROM sg_snapshot_objects_details(%s) WHERE kind = 'schema';"),
						 quote_literal_cstr(reference))));
	}
}

void
snapshot_hold(const char *name)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SgScope		scope;

	if (XactReadOnly || RecoveryInProgress() || strcmp(name, SNAPSHOT_LIVE) == 0)
		return;
	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_SELECT, "SELECT FROM schemaguard.snapshot WHERE name = $1 FOR KEY SHARE", 1, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Fills the reader with the rows of a stored snapshot */
static void
read_stored(SnapshotReader *reader, List *schemas)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID};
	Datum		values[2] = {CStringGetTextDatum(reader->info.name), (Datum) 0};
	char		nulls[2] = {' ', 'n'};
	List	   *identities = NIL;
	ListCell   *lc;
	Portal		portal;
	SPIPlanPtr	plan;
	SgScope		scope;

	foreach(lc, schemas)
		identities = lappend(identities, snapshot_quote((char *) lfirst(lc)));
	if (schemas != NIL)
	{
		values[1] = sg_text_array(identities);
		nulls[1] = ' ';
	}

	sg_owner_begin(&scope);

	/*
	 * use the primary key's order: sorting takes four times as long as
	 * reading
	 */
	sg_scope_set("enable_sort", "off");
	SPI_connect();
	plan = SPI_prepare("SELECT kind, identity, parent, properties, checksum, oid FROM schemaguard.snapshot_object o"
					   " WHERE snapshot = $1 AND ($2 IS NULL OR (kind = 'schema' AND identity = ANY ($2)) OR parent = ANY ($2)"
					   "  OR EXISTS (SELECT FROM unnest($2) s WHERE starts_with(o.parent, s || '.')))"
					   FILLERS_LEFT_OUT
					   " ORDER BY kind, identity", 2, types);

	/* not read-only, so that rows written by this statement are visible */
	portal = SPI_cursor_open(NULL, plan, values, nulls, false);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		row[SNAPSHOT_COLUMNS];
			bool		row_nulls[SNAPSHOT_COLUMNS];

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, row, row_nulls);
			snapshot_reader_add_stored(reader, row, row_nulls);
		}
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	SPI_finish();
	sg_scope_end(&scope);

	snapshot_reader_finish(reader);
}

SnapshotReader *
snapshot_open(const char *name, List *schemas, bool checksums)
{
	SnapshotReader *reader = snapshot_reader_begin(name);
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	ListCell   *lc;

	foreach(lc, schemas)
		sg_check_name((char *) lfirst(lc), "schema name");

	if (strcmp(name, SNAPSHOT_LIVE) == 0)
	{
		foreach(lc, schemas)
			reader->info.schemas = lappend(reader->info.schemas, pstrdup((char *) lfirst(lc)));
		reader->info.has_checksum = checksums;
		snapshot_read_live(reader);
	}
	else
	{
		SnapshotInfo *header = snapshot_get(name);

		reader->info = *header;
		reader->info.objects = reader->info.unknown = 0;
		read_stored(reader, schemas);
		/* dropped rows would look like an empty database */
		snapshot_check_there(header);
	}
	MemoryContextSwitchTo(old);

	return reader;
}

/* ---- writing ---- */

/* Raises 42939 for a reserved name, 42710 for one that exists */
void
snapshot_check_new(const char *name)
{
	sg_check_name(name, "snapshot name");
	if (strcmp(name, SNAPSHOT_LIVE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("snapshot name \"%s\" is reserved", name),
				 errdetail("It stands for this database as it is now."),
				 errhint("Choose another name.")));
	if (find_snapshot(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("snapshot \"%s\" already exists", name),
				 errhint(sg_calls("Choose another name, or drop that one:\nSELECT sg_snapshot_drop(%s);"), quote_literal_cstr(name))));
}

static bool
insert_header(const SnapshotInfo *info, const char *name, const char *role, bool imported)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, INT4OID,
	TEXTARRAYOID, INT4OID, INT8OID, INT8OID, BYTEAOID, BOOLOID, JSONBOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];

	memset(nulls, ' ', sizeof(nulls));

	values[0] = CStringGetTextDatum(name);
	values[1] = TimestampTzGetDatum(info->taken_at);
	values[2] = CStringGetTextDatum(role);
	values[3] = info->server ? CStringGetTextDatum(info->server) : (Datum) 0;
	nulls[3] = info->server ? ' ' : 'n';
	values[4] = CStringGetTextDatum(info->database);
	values[5] = Int32GetDatum(info->server_version_num);
	values[6] = info->schemas ? sg_text_array(info->schemas) : (Datum) 0;
	nulls[6] = info->schemas ? ' ' : 'n';
	values[7] = Int32GetDatum(info->format);
	values[8] = Int64GetDatum(info->objects);
	values[9] = Int64GetDatum(info->unknown);
	values[10] = snapshot_checksum_datum(info->checksum);
	values[11] = BoolGetDatum(imported);
	values[12] = info->environment ? JsonbPGetDatum(info->environment) : (Datum) 0;
	nulls[12] = info->environment ? ' ' : 'n';

	return sg_owner_execute(SPI_OK_INSERT,
							"INSERT INTO schemaguard.snapshot (name, taken_at, role, server, database, server_version_num,"
							" schemas, format, objects, unknown, checksum, imported_at, environment)"
							" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, CASE WHEN $12 THEN now() END, $13)"
							" ON CONFLICT (name) DO NOTHING",
							lengthof(types), types, values, nulls) == 1;
}

/*
 * Stores the reader's objects as a snapshot of the current role.  Returns their
 * number without columns and members of extensions.  Raises 42710 if the name
 * was taken meanwhile.
 */
int64
snapshot_insert(SnapshotReader *reader, const char *name, bool imported)
{
	char	   *role = GetUserNameFromId(GetUserId(), false);
	EphemeralNamedRelationData objects = {
		.md = {
			.name = "objects",
			.tupdesc = reader->slot->tts_tupleDescriptor,
			.enrtype = ENR_NAMED_TUPLESTORE,
			.enrtuples = reader->info.objects,
		},
		.reldata = reader->store,
	};
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	int64		count;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	if (!insert_header(&reader->info, name, role, imported))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("snapshot \"%s\" already exists", name),
				 errhint(sg_calls("Choose another name, or drop that one:\nSELECT sg_snapshot_drop(%s);"), quote_literal_cstr(name))));

	sg_progress_total(reader->info.objects);
	sg_progress_phase(SG_PHASE_EXECUTING);
	if (SPI_register_relation(&objects) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the objects of a snapshot");
	(void) sg_owner_execute(SPI_OK_INSERT,
							"INSERT INTO schemaguard.snapshot_object (snapshot, kind, identity, parent, properties, checksum, oid)"
							" SELECT $1, kind, identity, parent, properties, checksum, oid FROM objects",
							lengthof(types), types, values, NULL);
	(void) sg_owner_execute(SPI_OK_SELECT,
							"SELECT count(*) AS n FROM objects WHERE kind <> 'column' AND NOT properties ? 'extension'",
							0, NULL, NULL, NULL);
	count = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "n");
	SPI_finish();
	sg_scope_end(&scope);

	return count;
}

void
snapshot_log(const char *action, const char *name, int64 objects, const char *message)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, action, LOG_DONE);

	entry.object = name;
	entry.rows_affected = objects;
	entry.message = message;
	(void) log_write(&entry);
}

/* ---- functions ---- */

/* Returns a text[] argument as a list of schema names; raises an error for an empty array */
static List *
schemas_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *schemas;
	ListCell   *lc;

	if (sg_arg_is_null(fcinfo, n))
		return NIL;

	schemas = sg_text_array_list(PG_GETARG_DATUM(n));
	if (schemas == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schemas must not be empty"),
				 errhint("Name one schema or more, or pass NULL for all.")));
	foreach(lc, schemas)
		sg_check_name((char *) lfirst(lc), "schema name");

	return schemas;
}

/* Raises 3F000 unless every requested schema exists: a misspelt one would give an empty snapshot */
static void
check_schemas(SnapshotReader *reader, List *schemas)
{
	List	   *missing = schemas;
	const SnapshotObject *object;
	ListCell   *lc;

	while (missing != NIL && (object = snapshot_next(reader)) != NULL)
	{
		List	   *rest = NIL;

		if (object->kind != KIND_SCHEMA)
			continue;
		foreach(lc, missing)
		{
			if (strcmp(snapshot_quote((char *) lfirst(lc)), object->identity) != 0)
				rest = lappend(rest, lfirst(lc));
		}
		missing = rest;
	}

	if (missing != NIL)
	{
		char	   *near = reader->info.server ? NULL : sg_nearest_schema(linitial(missing));

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist in database \"%s\"", (char *) linitial(missing),
						reader->info.database),
				 near ? errhint("Perhaps you meant schema %s.", quote_identifier(near)) :
				 sg_several_names(linitial(missing)) ? errhint("%s", sg_several_names(linitial(missing))) :
				 errhint("Schemas are given as they are in pg_namespace, without quotes.")));
	}
}

/*
 * sg_snapshot_take(snapshot text, schemas text[], server text, sequence_values
 * boolean)
 *
 * Stores a snapshot of this database, or of the one that a foreign server leads
 * to, restricted to schemas; with the values of sequences on request.  Objects
 * that the caller may not read, or that stay locked, are marked as unknown.
 * Logged.  Raises 42710 (name exists), 42939 ("live"), 3F000, 55P03 (locks,
 * after several attempts), 25006; for a server snapshot_read_remote()'s errors.
 * Takes only the locks of the pg_get_* functions, ACCESS SHARE, while they run.
 */
static Datum
sg_snapshot_take_entered(PG_FUNCTION_ARGS)
{
	char	   *name;
	List	   *schemas;
	SnapshotReader *reader;
	int64		objects;

	sg_check_granted(fcinfo);
	name = sg_arg_text(fcinfo, 0);
	schemas = schemas_argument(fcinfo, 1);

	sg_check_writable("sg_snapshot_take()");
	snapshot_check_new(name);

	sg_progress_begin(SG_PROGRESS_SNAPSHOT, 0, 0);
	reader = snapshot_reader_begin(sg_arg_is_null(fcinfo, 2) ? SNAPSHOT_LIVE : name);
	reader->info.schemas = schemas;
	reader->info.sequence_values = !sg_arg_is_null(fcinfo, 3) && PG_GETARG_BOOL(3);
	if (sg_arg_is_null(fcinfo, 2))
		snapshot_read_live(reader);
	else
	{
		reader->info.server = sg_arg_text(fcinfo, 2);
		snapshot_read_remote(reader);
	}
	check_schemas(reader, schemas);
	objects = snapshot_insert(reader, name, false);
	if (snapshot_taken_hook)
		snapshot_taken_hook(name, schemas, reader->info.server);
	snapshot_log("snapshot take", name, objects,
				 reader->info.server ? psprintf("from server %s", reader->info.server) : NULL);
	snapshot_close(reader);
	sg_progress_end();

	PG_RETURN_INT64(objects);
}

/*
 * sg_snapshot_drop(snapshot text)
 *
 * Drops a snapshot.  For the role that took or imported it, and superusers.
 * Logged.  Raises 42704, 42501, 25006.
 */
static Datum
sg_snapshot_drop_entered(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID};
	Datum		values[1];
	SnapshotInfo *info;
	int64		objects;
	SgScope		scope;

	sg_check_granted(fcinfo);
	info = find_snapshot(sg_arg_text(fcinfo, 0));
	if (info == NULL)
		no_such_snapshot(sg_arg_text(fcinfo, 0));
	sg_check_writable("sg_snapshot_drop()");
	if (!is_taker(GetUserId(), info->role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to drop snapshot \"%s\"", info->name),
				 errdetail("The snapshot belongs to role \"%s\".", info->role),
				 errhint("Only that role and superusers drop it.")));

	values[0] = CStringGetTextDatum(info->name);
	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.snapshot WHERE name = $1",
							1, types, values, NULL);
	/* version 0.1.0 has no such table */
	if (OidIsValid(get_relname_relid("snapshot_lookup", sg_schema_oid())))
		(void) sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.snapshot_lookup WHERE snapshot = $1",
								1, types, values, NULL);
	objects = (int64) sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.snapshot_object WHERE snapshot = $1",
									   1, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
	snapshot_log("snapshot drop", info->name, objects, NULL);

	PG_RETURN_VOID();
}

/*
 * sg_snapshot_objects(snapshot text, schemas text[])
 *
 * Returns the rows of a snapshot, or of this database as it is now ("live"), in
 * the order of kind and identity as bytes.  Works on a standby and in a
 * read-only transaction.  Raises 42704, 42501; for "live" sg_snapshot_take()'s
 * errors.
 */
static Datum
sg_snapshot_objects_entered(PG_FUNCTION_ARGS)
{
	List	   *schemas;
	SnapshotReader *reader;
	const SnapshotObject *object;
	SgRowSink	sink;

	schemas = schemas_argument(fcinfo, 1);
	sg_sink_begin(&sink, fcinfo);

	reader = snapshot_open(sg_arg_text(fcinfo, 0), schemas, true);
	snapshot_check_schemas(sg_arg_text(fcinfo, 0), sg_arg_text(fcinfo, 0), schemas);
	while ((object = snapshot_next(reader)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(reader->row_context);

		sg_sink_text(&sink, snapshot_kinds[object->kind].word);
		sg_sink_text(&sink, object->identity);
		sg_sink_text(&sink, object->parent);
		sg_sink_datum(&sink, JsonbPGetDatum(object->properties));
		sg_sink_datum(&sink, snapshot_checksum_datum(object->checksum));
		if (OidIsValid(object->oid))
			sg_sink_datum(&sink, ObjectIdGetDatum(object->oid));
		else
			sg_sink_null(&sink);
		sg_sink_emit(&sink);
		MemoryContextSwitchTo(old);
	}
	snapshot_close(reader);

	PG_RETURN_VOID();
}
