/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  What a database is made of: read live, or from a stored snapshot.
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

#define SNAPSHOT_LIVE "live"	/* the name that stands for this database, now */
#define SNAPSHOT_FORMAT 2		/* of the properties, and of documents */
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
	Oid			oid;			/* in that database, of a column its table's;
								 * InvalidOid: not known */
} SnapshotObject;

typedef struct SnapshotInfo
{
	char	   *name;			/* SNAPSHOT_LIVE for this database */
	TimestampTz taken_at;
	char	   *role;
	char	   *server;			/* NULL: this server */
	char	   *database;
	int			server_version_num;
	List	   *schemas;		/* names; NIL: all */
	int			format;
	bool		sequence_values;	/* to be read, too */
	Jsonb	   *environment;	/* of the database; NULL: not known */

	/* of the objects that the reader returns */
	int64		objects;
	int64		unknown;
	bool		has_checksum;	/* and each of them; else all are nought */
	uint8		checksum[SNAPSHOT_CHECKSUM_LENGTH];
} SnapshotInfo;

typedef struct SnapshotReader SnapshotReader;

/*
 * Start to read a snapshot, or this database as it is now; schemas (names as
 * in pg_namespace) narrows it down, NIL is all of it.  Everything is read
 * when this returns, into a tuplestore of work_mem that goes to disk beyond;
 * no lock is kept.  Raises 42P17 where a stored snapshot has what no snapshot
 * has (snapshot_problem).  Equal objects have equal checksums, equal snapshots equal
 * info->checksum; those of this database, a tenth of the time that it takes
 * to read it, are computed only if they are asked for.  Raises 42704 for a
 * snapshot that does not exist, 42501 for somebody else's; a schema that is
 * not there is no error.
 */
extern SnapshotReader *snapshot_open(const char *name, List *schemas, bool checksums);
extern const SnapshotInfo *snapshot_info(SnapshotReader *reader);

/* The next object in the order of kind, identity (as bytes), NULL at the end.  It is good until the next call. */
extern const SnapshotObject *snapshot_next(SnapshotReader *reader);

extern void snapshot_close(SnapshotReader *reader);

/* ---- snapshot_remote.c: a session on another server, one at a time ---- */

/*
 * Connect by a foreign server and the caller's user mapping, to another
 * database than the server's unless that is NULL.  Raises as
 * snapshot_open() does for a server.
 */
extern void snapshot_remote_open(const char *server, const char *database);
extern void snapshot_remote_close(void);

/*
 * Run statements there.  Returns the rows of the last one (of char *, or NULL)
 * if it is a query of one text, else its tag.  Raises what they raise.
 */
extern List *snapshot_remote_run(const char *sql);

/* Likewise of a query of one text in one row; raises 08P01 for an answer that is not that */
extern char *snapshot_remote_ask(const char *sql);

/* The header of a stored snapshot; raises as snapshot_open */
extern SnapshotInfo *snapshot_get(const char *name);

/* Raises 40001: what was read of it may be nothing */
pg_noreturn extern void snapshot_dropped(const char *name);

/*
 * Raises that unless the snapshot is still the one of this header, read
 * before: header and objects are read by statements of their own.
 */
extern void snapshot_check_there(const SnapshotInfo *info);

/* The stored snapshot that the caller may read whose name is nearest, or NULL */
extern char *snapshot_nearest(const char *name);

/* Raises 3F000 for a schema that neither has */
extern void snapshot_check_schemas(const char *reference, const char *target, List *schemas);

/* Tells with a NOTICE that a comparison of something with itself finds nothing */
extern void snapshot_tell_same(const char *reference, const char *target);

/* Nobody drops it until the transaction ends, unless that may not write */
extern void snapshot_hold(const char *name);

/*
 * A name as identities have it: quoted where it has to be in any of the
 * supported majors, whatever quote_all_identifiers says.
 */
extern char *snapshot_quote(const char *name);

/* Have two objects of one kind and identity the same parent and properties, to the byte? */
extern bool snapshot_same(const SnapshotObject *a, const SnapshotObject *b);

/* Why the object could not be read in full, or NULL when it could */
extern char *snapshot_unknown(const SnapshotObject *object);

/* A member of the environment as text; NULL: not known */
extern char *snapshot_environment(const SnapshotInfo *info, const char *name);

/* The kind of a word; false: there is none */
extern bool snapshot_kind(const char *word, SnapshotKind *kind);

/*
 * Returns the reason why an object can't be one of a snapshot: an unknown kind
 * or property, JSON of another form, a parent that it can't have; NULL if it
 * can.  Fills object->kind.  Readers ask before they return an object.
 */
extern char *snapshot_problem(const char *kind, SnapshotObject *object);

#endif							/* SG_SNAPSHOT_H */
