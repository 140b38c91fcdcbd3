/*-------------------------------------------------------------------------
 *
 * run_follower.h
 *	  Receivers of this server's WAL, and their lag.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_FOLLOWER_H
#define SG_RUN_FOLLOWER_H

#include "postgres.h"

#include "access/xlogdefs.h"

/*
 * A permanent slot, or a standby without one.  Temporary slots, slots of
 * initial table copies, and base backups are no followers.
 */
typedef struct Follower
{
	char		name[NAMEDATALEN];	/* name of the slot, or application_name */
	bool		is_slot;
	bool		is_here;		/* present at the last look */
	bool		keeps;			/* its reader, such as pg_receivewal, replays
								 * nothing, and reports its position at
								 * intervals */
	XLogRecPtr	reached;		/* replayed, or at least flushed, position */
} Follower;

/* Array without pointers, so that leaders share it with workers */
typedef struct Followers
{
	int			n;
	Follower	each[FLEXIBLE_ARRAY_MEMBER];
} Followers;

#define FOLLOWERS_SIZE(n) (offsetof(Followers, each) + (n) * sizeof(Follower))

/* Returns all present followers, except names in schemaguard.throttle_ignore */
extern Followers *run_followers(void);

extern Followers *run_followers_copy(const Followers *followers);

/* Returns the bytes of WAL that a follower has not replayed */
extern int64 run_follower_lag(const Follower *follower);

/*
 * Updates the followers' positions.  A standby that has disconnected keeps its
 * last position.  A slot that was dropped keeps no WAL and is no follower any
 * more, nor is a name that schemaguard.throttle_ignore has now.
 */
extern void run_followers_look(Followers *followers);

/* Returns "slot "s1"" or "standby "s1"", with further facts about it */
extern char *run_follower_text(const Follower *follower);

/*
 * Returns whether a base backup runs by the replication protocol; a backup by
 * pg_backup_start() is not visible
 */
extern bool run_base_backup(void);

#endif							/* SG_RUN_FOLLOWER_H */
