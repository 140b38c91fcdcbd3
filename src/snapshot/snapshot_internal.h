/*-------------------------------------------------------------------------
 *
 * snapshot_internal.h
 *	  Declarations that the files snapshot_*.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SNAPSHOT_INTERNAL_H
#define SG_SNAPSHOT_INTERNAL_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/tuplestore.h"

#include "snapshot/snapshot_property.h"

/* Columns of the tuplestore, which are those of sg_snapshot_objects() */
enum
{
	SNAPSHOT_KIND,
	SNAPSHOT_IDENTITY,
	SNAPSHOT_PARENT,
	SNAPSHOT_PROPERTIES,
	SNAPSHOT_CHECKSUM,
	SNAPSHOT_OID,
	SNAPSHOT_COLUMNS
};

/* Limits for input from elsewhere */
#define SNAPSHOT_NAME_BYTES 65536	/* bytes of a kind, identity or parent */
#define SNAPSHOT_PROPERTIES_BYTES (64 * 1024 * 1024)

struct SnapshotReader
{
	MemoryContext context;		/* context of the reader and all that it
								 * points to */
	MemoryContext row_context;	/* context of the object that snapshot_next()
								 * returned */
	Tuplestorestate *store;
	TupleTableSlot *slot;
	StringInfoData checksums;	/* checksums of all objects, in order */
	SnapshotInfo info;
	SnapshotObject object;
};

/* Text of a document in lines behind its header, and at its end */
#define SNAPSHOT_LINES_BEGIN ", \"objects\": ["
#define SNAPSHOT_LINES_END "]}"
#define SNAPSHOT_LINES_ROWS "], \"rows\": "

/* Care of an attempt to read, from one attempt to the next: see snapshot_live.c */
typedef enum SnapshotCare
{
	SNAPSHOT_WAIT,				/* wait for locks */
	SNAPSHOT_SKIP_LOCKED,		/* leave out the text of locked objects */
	SNAPSHOT_PROBE,				/* also leave out the text of objects that
								 * can't be printed alone */
	SNAPSHOT_SKIP_TEXT			/* leave out each text whose printing takes a
								 * lock */
} SnapshotCare;

/* snapshot_reader.c */
extern SnapshotReader *snapshot_reader_begin(const char *name);
extern void snapshot_reader_clear(SnapshotReader *reader);
extern uint64 snapshot_reader_fill(SnapshotReader *reader, SPIPlanPtr plan, bool read_only, bool foreign);
extern void snapshot_reader_add_object(SnapshotReader *reader, const SnapshotObject *object);
extern void snapshot_reader_add_stored(SnapshotReader *reader, Datum *values, bool *nulls);
extern void snapshot_reader_finish(SnapshotReader *reader);
extern Datum snapshot_checksum_datum(const uint8 *digest);
extern void snapshot_digest(const void *data, size_t length, uint8 *digest);
extern void snapshot_object_digest(const char *kind, const char *identity, const char *parent,
								   Jsonb *properties, uint8 *digest);

/* snapshot_live.c */
typedef struct SnapshotTexts
{
	char	   *prologue;
	char	   *statement;
	char	   *environment;
	char	   *system;
	char	   *probe;
} SnapshotTexts;

extern void snapshot_texts(SnapshotTexts *texts);
extern char *snapshot_settings(const SnapshotInfo *info, SnapshotCare care);
extern void snapshot_attempts(SnapshotReader *reader,
							  void (*attempt) (SnapshotReader *reader, SnapshotCare care));
extern void snapshot_read_live(SnapshotReader *reader);

/* snapshot_remote.c */
extern void snapshot_read_remote(SnapshotReader *reader);

/* snapshot_json.c: the digest of contents of tables, whose text is UTF-8 */
extern void snapshot_rows_digest(Jsonb *rows, uint8 *digest);

/* snapshot_upgrade.c */
extern Jsonb *snapshot_upgrade(const char *kind, Jsonb *properties);

/* snapshot_store.c */
extern void snapshot_check_new(const char *name);
extern int64 snapshot_insert(SnapshotReader *reader, const char *name, bool imported);
extern void snapshot_log(const char *action, const char *name, int64 objects, const char *message);

#endif							/* SG_SNAPSHOT_INTERNAL_H */
