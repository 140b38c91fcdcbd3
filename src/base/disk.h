/*-------------------------------------------------------------------------
 *
 * disk.h
 *	  Free disk space of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISK_H
#define SG_DISK_H

#include "postgres.h"

/* Returns the free bytes of a directory's file system; -1 with errno if unknown */
extern double sg_disk_free(const char *directory);

/* Returns whether two directories are on one file system */
extern bool sg_disk_is_shared(const char *one, const char *other);

/*
 * Returns whether schemaguard.min_free_disk can be obeyed: the data directory's
 * file system tells its free space
 */
extern bool sg_disk_is_known(void);

/*
 * Returns in words where less space is free than schemaguard.min_free_disk, or
 * NULL.  Checks the data directory, pg_wal and the tablespaces that have files
 * of this database, or get its temporary files.  Members of pg_monitor get
 * figures, others only that space is low.  Needs a transaction; keeps no
 * snapshot.
 */
extern char *sg_disk_low(void);

/* Returns a number of bytes in words, like pg_size_pretty() */
extern char *sg_disk_size(double bytes);

/* Returns the directory of a tablespace; InvalidOid: the database's own */
extern char *sg_disk_directory(Oid tablespace);

/* Bytes that some work is about to use */
typedef struct SgDiskUse
{
	Oid			tablespace;		/* tablespace of tables and indexes;
								 * InvalidOid: the database's own */
	double		tables;
	double		temporary;		/* bytes of temporary files */
	double		wal;			/* bytes of WAL */
} SgDiskUse;

/*
 * Returns in words where less would be free than schemaguard.min_free_disk
 * after that use, or NULL; needs a transaction
 */
extern char *sg_disk_low_after(const SgDiskUse *use);

/*
 * Watch the free space while a statement runs in this session, and cancel it if
 * space falls below schemaguard.min_free_disk. sg_disk_watch_end() returns
 * whether it was cancelled; false if nothing was watched.  The text about what
 * was low needs a transaction.
 */
extern void sg_disk_watch_begin(void);
extern bool sg_disk_watch_end(void);
extern char *sg_disk_watch_text(void);

/*
 * Begins such a watch of the places of temporary files only, which cancels
 * nothing before this session has written one.  Returns whether
 * sg_disk_watch_end() is due: false if there is no limit, or a watch is under
 * way.  Needs a transaction; keeps no snapshot.
 */
extern bool sg_disk_watch_spills(void);

#endif							/* SG_DISK_H */
