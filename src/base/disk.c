/*-------------------------------------------------------------------------
 *
 * disk.c
 *	  Free space of the server's file systems.
 *
 *	  A server that cannot write WAL ends with PANIC, and cannot start until
 *	  somebody makes room.  So work that writes much stops at a floor of free
 *	  space, as the operating system reports it to an unprivileged user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/tablespace.h"
#include "common/relpath.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/disk.h"
#include "base/guc.h"

#define MB (1024.0 * 1024.0)

/* Default of a file system's floor, if schemaguard.min_free_disk is -1 */
#define FLOOR_SHARE 0.05
#define FLOOR_MOST (10 * 1024 * MB)
#define FLOOR_LEAST (64 * MB)

#define TABLESPACES "pg_tblspc"

/* ---- figures of the operating system ---- */

/*
 * Asks the operating system for free and total bytes of a file system; returns
 * false, with errno set, on failure
 */
static bool
ask(const char *directory, double *available, double *total)
{
	struct statvfs info;
	double		unit;

	if (statvfs(directory, &info) != 0)
		return false;
	unit = info.f_frsize ? info.f_frsize : info.f_bsize;
	*available = (double) info.f_bavail * unit;
	*total = (double) info.f_blocks * unit;
	return true;
}

double
sg_disk_free(const char *directory)
{
	double		available;
	double		total;

	return ask(directory, &available, &total) ? available : -1;
}

bool
sg_disk_is_shared(const char *one, const char *other)
{
	struct stat a;
	struct stat b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev;
}

bool
sg_disk_is_known(void)
{
	double		available;
	double		total;

	/* some network file systems report a size of 0 */
	return ask(DataDir, &available, &total) && total > 0;
}

/* ---- the floor ---- */

static double
floor_of(double total)
{
	if (sg_min_free_disk >= 0)
		return sg_min_free_disk * MB;
	return Max(FLOOR_LEAST, Min(total * FLOOR_SHARE, FLOOR_MOST));
}

/* Returns the bytes of the segments in pg_wal that are recycled for future WAL */
static double
segments_ahead(void)
{
	DIR		   *dir = AllocateDir(XLOGDIR);
	struct dirent *entry;
	XLogSegNo	current;
	double		bytes = 0;

	XLByteToSeg(GetXLogWriteRecPtr(), current, wal_segment_size);
	while ((entry = ReadDirExtended(dir, XLOGDIR, DEBUG1)) != NULL)
	{
		XLogSegNo	segment;
		TimeLineID	timeline;

		if (!IsXLogFileName(entry->d_name))
			continue;
		XLogFromFileName(entry->d_name, &timeline, &segment, wal_segment_size);
		if (segment > current)
			bytes += wal_segment_size;
	}
	if (dir)
		FreeDir(dir);
	return bytes;
}

char *
sg_disk_size(double bytes)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum((int64) bytes)));
}

/* Returns the message about a file system with less space than its floor */
static char *
below_text(const char *what, double available, double least)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return pstrdup("the server is low on space, by schemaguard.min_free_disk");
	return psprintf("%s has %s of free space, less than schemaguard.min_free_disk, %s", what,
					sg_disk_size(Max(available, 0)), sg_disk_size(least));
}

/*
 * Returns the message about a directory with less space than its floor, or
 * NULL; a missing directory has enough
 */
static char *
low_text(const char *directory, double more, const char *what)
{
	double		available;
	double		total;

	if (!ask(directory, &available, &total) || total <= 0 || available + more >= floor_of(total))
		return NULL;
	return below_text(what, available + more, floor_of(total));
}

static char *
wal_low(void)
{
	/* usually there is enough, and nothing has to be counted */
	if (low_text(XLOGDIR, 0, XLOGDIR) == NULL)
		return NULL;
	return low_text(XLOGDIR, segments_ahead(), XLOGDIR);
}

/* Number of tablespaces of temp_tablespaces that are checked at most */
#define MOST_TEMPORARY 16

/*
 * Finds the tablespaces of temporary files; returns their number; InvalidOid
 * stands for the database's own tablespace
 */
static int
temporary_tablespaces(Oid *tablespaces)
{
	PrepareTempTablespaces();
	InvalidateCatalogSnapshot();
	return GetTempTablespaces(tablespaces, MOST_TEMPORARY);
}

/*
 * Returns the message about a tablespace of temporary files that would fall
 * below its floor with so many more bytes, because one tablespace may get all
 * of them; or NULL
 */
static char *
temporary_low(double more)
{
	Oid			tablespaces[MOST_TEMPORARY];
	int			n = temporary_tablespaces(tablespaces);
	char	   *low = NULL;

	for (int i = 0; low == NULL && i < n; i++)
	{
		char	   *name;

		if (low_text(sg_disk_directory(tablespaces[i]), -more, "") == NULL)
			continue;
		name = OidIsValid(tablespaces[i]) ? get_tablespace_name(tablespaces[i]) : NULL;
		InvalidateCatalogSnapshot();
		low = low_text(sg_disk_directory(tablespaces[i]), -more, name ? psprintf("tablespace %s", quote_identifier(name)) : "the data directory");
	}
	return low;
}

/* Checks the tablespaces that have files of this database */
static char *
tablespaces_low(void)
{
	DIR		   *dir = AllocateDir(TABLESPACES);
	struct dirent *entry;
	char	   *low = NULL;

	while (low == NULL && (entry = ReadDirExtended(dir, TABLESPACES, DEBUG1)) != NULL)
	{
		Oid			tablespace = atooid(entry->d_name);
		char	   *files;
		char	   *name;

		if (!OidIsValid(tablespace))
			continue;
		files = psprintf("%s/%u/%s/%u", TABLESPACES, tablespace, TABLESPACE_VERSION_DIRECTORY, MyDatabaseId);
		if (low_text(files, 0, "") == NULL)
			continue;
		name = get_tablespace_name(tablespace);
		InvalidateCatalogSnapshot();
		low = low_text(files, 0, psprintf("tablespace %s", name ? quote_identifier(name) : entry->d_name));
	}
	if (dir)
		FreeDir(dir);
	return low;
}

char *
sg_disk_directory(Oid tablespace)
{
	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	if (tablespace == DEFAULTTABLESPACE_OID)
		return psprintf("%s/base", DataDir);
	return psprintf("%s/" TABLESPACES "/%u", DataDir, tablespace);
}

/*
 * Returns the bytes by which pg_wal grows while so many bytes of WAL are
 * written, given that segments are recycled
 */
static double
wal_growth(double bytes)
{
	double		most = Min(bytes, max_wal_size_mb * MB);

	return most > 0 ? Max(most - segments_ahead(), 0) : 0;
}

/* Bytes by which a directory will grow */
typedef struct Growth
{
	const char *directory;
	double		bytes;
	const char *what;
} Growth;

char *
sg_disk_low_after(const SgDiskUse *use)
{
	Growth		places[] = {
		{sg_disk_directory(use->tablespace), use->tables, "the file system of the tables"},
		{sg_disk_directory(InvalidOid), use->temporary, "the data directory"},
		{XLOGDIR, 0, XLOGDIR}
	};
	const char *elsewhere = GetConfigOption("temp_tablespaces", true, false);
	char	   *low = NULL;

	if (sg_min_free_disk == 0)
		return NULL;
	places[2].bytes = wal_growth(use->wal);
	if (elsewhere && elsewhere[0])
	{
		places[1].bytes = 0;
		low = use->temporary > 0 ? temporary_low(use->temporary) : NULL;
	}
	for (int i = 0; low == NULL && i < lengthof(places); i++)
	{
		double		bytes = 0;

		for (int j = 0; j < lengthof(places); j++)
		{
			if (j == i || sg_disk_is_shared(places[i].directory, places[j].directory))
				bytes += places[j].bytes;
		}
		if (places[i].bytes > 0)
			low = low_text(places[i].directory, -bytes, places[i].what);
	}
	return low;
}

char *
sg_disk_low(void)
{
	char	   *low;

	if (sg_min_free_disk == 0)
		return NULL;
	low = low_text(DataDir, 0, "the data directory");
	if (low == NULL)
		low = wal_low();
	if (low == NULL)
		low = tablespaces_low();
	if (low == NULL)
		low = temporary_low(0);
	return low;
}

/* ---- while a statement runs ---- */

/* Interval of checks: a rewrite can fill the floor's 64 MB in less than 0.1 seconds */
#define LOOK_MS 50
/* Number of watched file systems at most, tablespaces included */
#define MOST_PLACES 32

/* A watched file system */
typedef struct Watched
{
	char		directory[MAXPGPATH];
	const char *what;
	double		least;			/* its floor */
	double		available;		/* free bytes at the last look */
	double		at_first;
} Watched;

static TimeoutId watch_timeout = MAX_TIMEOUTS;
static Watched watched[MOST_PLACES];
static int	nwatched;
static int64 watch_spilled;		/* temporary blocks that this session had
								 * written; -1: the watch does not depend on
								 * them */
static volatile sig_atomic_t watch_low = -1;	/* index of the first file
												 * system below its floor, or
												 * -1 */

/*
 * Checks each watched file system by one system call, as this is a signal
 * handler.  Recycled segments of pg_wal count as room: once they are used up,
 * pg_wal takes free space.
 */
static void
watch_handler(void)
{
	if (pgBufferUsage.temp_blks_written == watch_spilled)
		return;
	for (int i = 0; i < nwatched && watch_low < 0; i++)
	{
		double		total;

		if (!ask(watched[i].directory, &watched[i].available, &total) || watched[i].available >= watched[i].least)
			continue;
		if (strcmp(watched[i].directory, XLOGDIR) == 0 && watched[i].available > watched[i].at_first - wal_segment_size)
			continue;
		watch_low = i;
		InterruptPending = true;
		QueryCancelPending = true;
		SetLatch(MyLatch);
	}
}

static void
watch(const char *directory, const char *what)
{
	Watched    *place = &watched[nwatched];
	double		total;

	if (nwatched == MOST_PLACES || !ask(directory, &place->at_first, &total) || total <= 0)
		return;
	strlcpy(place->directory, directory, MAXPGPATH);
	place->what = what;
	place->least = floor_of(total);
	nwatched++;
}

/* Prepares a watch without places; returns whether schemaguard.min_free_disk wants one */
static bool
watch_nothing(int64 spilled)
{
	nwatched = 0;
	watch_low = -1;
	watch_spilled = spilled;
	if (watch_timeout == MAX_TIMEOUTS)
		watch_timeout = RegisterTimeout(USER_TIMEOUT, watch_handler);
	return sg_min_free_disk != 0;
}

static void
start_watch(void)
{
	enable_timeout_every(watch_timeout, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_MS), LOOK_MS);
}

void
sg_disk_watch_begin(void)
{
	DIR		   *dir;
	struct dirent *entry;

	if (!watch_nothing(-1))
		return;
	watch(DataDir, "the data directory");
	watch(XLOGDIR, XLOGDIR);
	dir = AllocateDir(TABLESPACES);
	while ((entry = ReadDirExtended(dir, TABLESPACES, DEBUG1)) != NULL)
	{
		if (OidIsValid(atooid(entry->d_name)))
			watch(psprintf("%s/%s", TABLESPACES, entry->d_name), "a tablespace");
	}
	if (dir)
		FreeDir(dir);
	start_watch();
}

bool
sg_disk_watch_spills(void)
{
	Oid			tablespaces[MOST_TEMPORARY];
	int			n;

	if ((watch_timeout != MAX_TIMEOUTS && get_timeout_active(watch_timeout)) || !watch_nothing(pgBufferUsage.temp_blks_written))
		return false;
	n = temporary_tablespaces(tablespaces);
	for (int i = 0; i < n; i++)
		watch(sg_disk_directory(tablespaces[i]), OidIsValid(tablespaces[i]) ? "a tablespace of temporary files" : "the data directory");
	if (n == 0)
		watch(sg_disk_directory(InvalidOid), "the data directory");
	start_watch();
	return true;
}

bool
sg_disk_watch_end(void)
{
	bool		struck;

	if (nwatched == 0)
		return false;
	disable_timeout(watch_timeout, false);
	nwatched = 0;
	struck = watch_low >= 0;

	/*
	 * the cancel has ended the statement, or was requested after the last
	 * CHECK_FOR_INTERRUPTS()
	 */
	if (struck)
		QueryCancelPending = false;
	return struck;
}

char *
sg_disk_watch_text(void)
{
	return below_text(watched[watch_low].what, watched[watch_low].available, watched[watch_low].least);
}
