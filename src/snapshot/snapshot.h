/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  Objects of a database: read live, or from a stored snapshot.
 *
 * A live snapshot is one statement over pg_catalog, run with the caller's
 * privileges; its text is schemaguard.sg_snapshot_statement() and the same
 * for this database, for another server and for psql.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SNAPSHOT_H
#define SG_SNAPSHOT_H

#include "postgres.h"
#include "common/sha2.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/compat.h"

#define SNAPSHOT_LIVE "live"	/* name that denotes this database as of now */
#define SNAPSHOT_FORMAT 2		/* format of properties and documents */
#define SNAPSHOT_CHECKSUM_LENGTH PG_SHA256_DIGEST_LENGTH

typedef enum SnapshotKind
{
#define SG_KIND(kind, word, place, traits, properties) kind,
#include "snapshot/snapshot_kindlist.h"
#undef SG_KIND
} SnapshotKind;

typedef struct SnapshotObject
{
	SnapshotKind kind;
	char	   *identity;		/* unique within the kind */
	char	   *parent;			/* identity of the table or schema, or NULL */
	Jsonb	   *properties;		/* an object; absent keys have their default */
	uint8		checksum[SNAPSHOT_CHECKSUM_LENGTH];
	Oid			oid;			/* OID in its database, for a column that of
								 * its table; InvalidOid: unknown */
} SnapshotObject;

typedef struct SnapshotInfo
{
	char	   *name;			/* name; SNAPSHOT_LIVE for this database */
	TimestampTz taken_at;
	char	   *role;
	char	   *server;			/* NULL: this server */
	char	   *database;
	int			server_version_num;
	List	   *schemas;		/* schema names; NIL: all */
	int			format;
	bool		sequence_values;	/* read the values of sequences, too */
	Jsonb	   *environment;	/* environment of the database; NULL: unknown */

	/* counts of the objects that the reader returns */
	int64		objects;
	int64		unknown;
	bool		has_checksum;	/* whether the checksums are computed;
								 * otherwise they are zero */
	uint8		checksum[SNAPSHOT_CHECKSUM_LENGTH];
} SnapshotInfo;

typedef struct SnapshotReader SnapshotReader;

/*
 * Starts to read a snapshot, or this database as it is now, restricted to
 * schemas (names as in pg_namespace; NIL: all).  Everything has been read when
 * this returns, into a tuplestore of work_mem that spills to disk; no lock is
 * kept.
 *
 * Equal objects have equal checksums, equal snapshots equal info->checksum.
 * Checksums of this database are computed only if `checksums` asks for them, since
 * they take a tenth of the time that reading takes.  Raises 42704 for a missing
 * snapshot, 42501 for somebody else's, 42P17 if a stored snapshot contains an
 * invalid object (snapshot_problem); a missing schema is no error.
 */
extern SnapshotReader *snapshot_open(const char *name, List *schemas, bool checksums);
extern const SnapshotInfo *snapshot_info(SnapshotReader *reader);

/*
 * Returns the next object in the order of kind and identity (as bytes), NULL at
 * the end.  Valid until the next call.
 */
extern const SnapshotObject *snapshot_next(SnapshotReader *reader);

extern void snapshot_close(SnapshotReader *reader);

/* ---- snapshot_remote.c: a session on another server, one at a time ---- */

/*
 * Connects by a foreign server and the caller's user mapping, to another
 * database than the server's unless that is NULL.  Raises snapshot_open()'s
 * errors for servers.
 */
extern void snapshot_remote_open(const char *server, const char *database);
extern void snapshot_remote_close(void);

/*
 * Runs statements on the remote server.  Returns the rows (char *, or NULL) of
 * the last one if it is a query of one text, else its tag.  Raises their
 * errors.
 */
extern List *snapshot_remote_run(const char *sql);

/*
 * Runs a query of one text in one row on the remote server and returns it;
 * raises 08P01 for another answer
 */
extern char *snapshot_remote_ask(const char *sql);

/* Returns the header of a stored snapshot; raises snapshot_open()'s errors */
extern SnapshotInfo *snapshot_get(const char *name);

/* Raises 40001: the snapshot was dropped, so that reading it may have returned nothing */
pg_noreturn extern void snapshot_dropped(const char *name);

/*
 * Raises 40001 unless the snapshot is still that of the header, because header
 * and objects are read by separate statements.
 */
extern void snapshot_check_there(const SnapshotInfo *info);

/* Returns the nearest name of a stored snapshot that the caller may read, or NULL */
extern char *snapshot_nearest(const char *name);

/* Raises 3F000 for a schema that neither side has */
extern void snapshot_check_schemas(const char *reference, const char *target, List *schemas);

/*
 * Returns the words of statements that a replay of files has left out, because
 * they need an extension without files: names of objects that are unknown in the
 * snapshot, each with the reason (char *) as its value; NULL: none
 */
extern struct names_hash *snapshot_left_out(const char *name);

/* Tells by NOTICE that comparing something with itself finds nothing */
extern void snapshot_tell_same(const char *reference, const char *target);

/*
 * Locks a snapshot against being dropped until the transaction ends; no effect
 * in a read-only transaction
 */
extern void snapshot_hold(const char *name);

/*
 * Quotes a name as identities do: only if one of the supported majors requires
 * it, whatever quote_all_identifiers is.
 */
extern char *snapshot_quote(const char *name);

/*
 * Returns whether two objects of one kind and identity have the same parent and
 * properties, byte by byte
 */
extern bool snapshot_same(const SnapshotObject *a, const SnapshotObject *b);

/* Returns why the object could not be read in full, or NULL */
extern char *snapshot_unknown(const SnapshotObject *object);

/* Returns a member of the environment as text; NULL: unknown */
extern char *snapshot_environment(const SnapshotInfo *info, const char *name);

/* Sets *kind to the kind of a word; returns false if there is none */
extern bool snapshot_kind(const char *word, SnapshotKind *kind);

/*
 * Returns the reason why an object can't be one of a snapshot: an unknown kind
 * or property, JSON of another form, a parent that it can't have; NULL if it
 * can.  Fills object->kind.  Readers ask before they return an object.
 */
extern char *snapshot_problem(const char *kind, SnapshotObject *object);

/*
 * Contents of tables, which belong to a snapshot and are none of its objects;
 * set by a higher room.  Taken: a snapshot of this database, or of a server, or
 * of these schemas of it, was stored.  Exported: returns an array of those that
 * the caller may read; NULL: none.  Imported: stores such an array, which
 * anybody may have written; raises 22023.
 */
extern void (*snapshot_taken_hook) (const char *name, List *schemas, const char *server);
extern Jsonb *(*snapshot_exported_hook) (const SnapshotInfo *info);
extern void (*snapshot_imported_hook) (const char *name, Jsonb *rows);

#endif							/* SG_SNAPSHOT_H */
