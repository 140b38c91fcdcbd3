/*-------------------------------------------------------------------------
 *
 * run_follower.h
 *	  Who receives WAL of this server, and how far behind they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_FOLLOWER_H
#define SG_RUN_FOLLOWER_H

#include "postgres.h"

#include "access/xlogdefs.h"

/*
 * A permanent slot, or a standby without one.  Temporary slots, slots of
 * initial table syncs and base backups are none.
 */
typedef struct Follower
{
	char		name[NAMEDATALEN];	/* of the slot, or application_name */
	bool		is_slot;
	bool		is_here;		/* it was there at the last look */
	bool		keeps;			/* its reader, such as pg_receivewal, replays
								 * nothing, and tells where it is at intervals */
	XLogRecPtr	reached;		/* what it had replayed, or at least flushed */
} Follower;

/* No pointers, so that leaders share it with workers */
typedef struct Followers
{
	int			n;
	Follower	each[FLEXIBLE_ARRAY_MEMBER];
} Followers;

#define FOLLOWERS_SIZE(n) (offsetof(Followers, each) + (n) * sizeof(Follower))

/* Returns all that are there, but for the names in schemaguard.throttle_ignore */
extern Followers *run_followers(void);

extern Followers *run_followers_copy(const Followers *followers);

/* Returns the bytes of WAL that one has not replayed */
extern int64 run_follower_lag(const Follower *follower);

/*
 * Reads how far they are now.  A standby that has gone stays where it was.  A
 * slot that was dropped keeps no WAL and is no follower any more, and neither
 * is who is in schemaguard.throttle_ignore by now.
 */
extern void run_followers_look(Followers *followers);

/* Returns "slot "s1"" or "standby "s1"", with what else is to be said of it */
extern char *run_follower_text(const Follower *follower);

/* Returns whether a base backup runs by the replication protocol; one by pg_backup_start() is not to be seen */
extern bool run_base_backup(void);

#endif							/* SG_RUN_FOLLOWER_H */
