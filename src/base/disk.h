/*-------------------------------------------------------------------------
 *
 * disk.h
 *	  How much room the server has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISK_H
#define SG_DISK_H

#include "postgres.h"

/* Returns the bytes that are free where a directory is; -1 if that cannot be asked, and errno says why */
extern double sg_disk_free(const char *directory);

/* Returns whether two directories are on one file system */
extern bool sg_disk_is_shared(const char *one, const char *other);

/* Returns whether schemaguard.min_free_disk can be obeyed: the file system of the data directory says how much is free */
extern bool sg_disk_is_known(void);

/*
 * Returns in words where the server has less room than
 * schemaguard.min_free_disk, or NULL.  Looks at the data directory, at pg_wal
 * and at the tablespaces that have files of this database, or get its
 * temporary files.  Members of pg_monitor read the figures, others that space is low.  Needs a transaction;
 * keeps no snapshot.
 */
extern char *sg_disk_low(void);

/* Returns so many bytes in words, as pg_size_pretty() has it */
extern char *sg_disk_size(double bytes);

/* Returns the directory of a tablespace; InvalidOid stands for the database's own */
extern char *sg_disk_directory(Oid tablespace);

/* Bytes that something is about to use */
typedef struct SgDiskUse
{
	Oid			tablespace;		/* where tables and indexes grow; InvalidOid:
								 * the database's own */
	double		tables;
	double		temporary;		/* where temporary files go */
	double		wal;			/* all that is written */
} SgDiskUse;

/* Returns in words where the server would have less room than that if so much more were used, or NULL; needs a transaction */
extern char *sg_disk_low_after(const SgDiskUse *use);

/*
 * Watches the room of the server while a statement runs in this session: where
 * it falls below schemaguard.min_free_disk, the statement is cancelled.
 * sg_disk_watch_end() returns whether it was, and false where nothing was
 * watched; what was low then, in words, needs a transaction.
 */
extern void sg_disk_watch_begin(void);
extern bool sg_disk_watch_end(void);
extern char *sg_disk_watch_text(void);

#endif							/* SG_DISK_H */
