/*-------------------------------------------------------------------------
 *
 * run_follower.c
 *	  Receivers of this server's WAL, and their lag.
 *
 *	  Read from shared memory, because pg_stat_replication hides other roles'
 *	  sessions from most roles.  A permanent slot is a follower whether or not
 *	  somebody reads from it, because WAL is kept for it.  A standby without a
 *	  slot is known by its application_name, as in synchronous_standby_names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "replication/slot.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/spin.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/quote.h"
#include "run/run_follower.h"

/*
 * Prefix of slots of standbys with wal_receiver_create_temp_slot; other
 * temporary slots belong to no follower
 */
#define TEMPORARY_STANDBY "pg_walreceiver_"

/* application_name of the session that streams WAL beside a base backup */
#define BACKUP_NAME "pg_basebackup"

/* A walsender */
typedef struct Sender
{
	int			pid;
	XLogRecPtr	reached;		/* invalid: nothing was reported yet */
	bool		has_slot;		/* the sender uses a slot, by which it is
								 * known */
	bool		keeps;			/* the receiver has reported flush positions,
								 * but never a replay position */
} Sender;

/* ---- finding followers ---- */

static Sender *
read_senders(int *n)
{
	Sender	   *senders = palloc(sizeof(Sender) * Max(max_wal_senders, 1));

	*n = 0;
	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsnd = &WalSndCtl->walsnds[i];
		Sender	   *sender = &senders[*n];
		WalSndState state;

		SpinLockAcquire(&walsnd->mutex);
		sender->pid = walsnd->pid;
		sender->reached = walsnd->apply != InvalidXLogRecPtr ? walsnd->apply : walsnd->flush;
		sender->keeps = walsnd->apply == InvalidXLogRecPtr && walsnd->write != InvalidXLogRecPtr;
		state = walsnd->state;
		SpinLockRelease(&walsnd->mutex);
		sender->has_slot = false;
		if (sender->pid != 0 && state != WALSNDSTATE_BACKUP)
			(*n)++;
	}
	return senders;
}

/* Returns whether the slot is of an initial table copy: pg_<subscription>_sync_<relation>_<system> */
static bool
is_table_sync(const char *slot)
{
	unsigned	subscription;
	unsigned	relation;
	int			end = 0;

	return sscanf(slot, "pg_%u_sync_%u_%n", &subscription, &relation, &end) == 2 && end > 0;
}

static void
add_follower(Followers *followers, const char *name, bool is_slot, XLogRecPtr reached, bool keeps, List *ignored)
{
	Follower   *follower = &followers->each[followers->n];

	if (reached == InvalidXLogRecPtr || sg_has_name(ignored, name))
		return;
	strlcpy(follower->name, name, NAMEDATALEN);
	follower->is_slot = is_slot;
	follower->is_here = true;
	follower->keeps = keeps;
	follower->reached = reached;
	followers->n++;
}

static void
add_slots(Followers *followers, Sender *senders, int nsenders, List *ignored)
{
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		ReplicationSlotPersistentData data;
		int			pid;
		XLogRecPtr	reached;
		bool		keeps = false;

		if (!slot->in_use)
			continue;
		SpinLockAcquire(&slot->mutex);
		data = slot->data;
		pid = slot_active_pid(slot);
		SpinLockRelease(&slot->mutex);

		reached = data.database == InvalidOid ? data.restart_lsn : data.confirmed_flush;
		for (int j = 0; j < nsenders; j++)
		{
			if (pid == 0 || senders[j].pid != pid)
				continue;
			senders[j].has_slot = data.persistency == RS_PERSISTENT ||
				strncmp(NameStr(data.name), TEMPORARY_STANDBY, strlen(TEMPORARY_STANDBY)) != 0;
			keeps = senders[j].keeps;
			if (senders[j].reached != InvalidXLogRecPtr)
				reached = senders[j].reached;
		}
		if (data.persistency == RS_PERSISTENT && data.restart_lsn != InvalidXLogRecPtr && !SG_SLOT_IS_INVALID(data) &&
			!is_table_sync(NameStr(data.name)))
			add_follower(followers, NameStr(data.name), true, reached, keeps, ignored);
	}
	LWLockRelease(ReplicationSlotControlLock);
}

static void
add_standbys(Followers *followers, const Sender *senders, int nsenders, List *ignored)
{
	int			n;

	pgstat_clear_backend_activity_snapshot();
	n = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= n; i++)
	{
		const PgBackendStatus *be = &pgstat_get_local_beentry_by_index(i)->backendStatus;

		for (int j = 0; j < nsenders; j++)
		{
			if (senders[j].pid == be->st_procpid && strcmp(be->st_appname, BACKUP_NAME) != 0)
				add_follower(followers, be->st_appname, false, senders[j].reached, senders[j].keeps, ignored);
		}
	}
}

static List *
ignored_names(void)
{
	List	   *names = NIL;

	(void) SplitGUCList(pstrdup(sg_throttle_ignore), ',', &names);
	return names;
}

Followers *
run_followers(void)
{
	Followers  *followers = palloc(FOLLOWERS_SIZE(max_wal_senders + max_replication_slots));
	List	   *ignored = ignored_names();
	Sender	   *senders;
	int			nsenders;
	int			alone = 0;

	followers->n = 0;
	senders = read_senders(&nsenders);
	add_slots(followers, senders, nsenders, ignored);
	for (int i = 0; i < nsenders; i++)
	{
		if (!senders[i].has_slot)
			senders[alone++] = senders[i];
	}
	if (alone > 0)
		add_standbys(followers, senders, alone, ignored);
	return followers;
}

Followers *
run_followers_copy(const Followers *followers)
{
	return memcpy(palloc(FOLLOWERS_SIZE(followers->n)), followers, FOLLOWERS_SIZE(followers->n));
}

/* ---- lag ---- */

int64
run_follower_lag(const Follower *follower)
{
	XLogRecPtr	here = GetXLogWriteRecPtr();

	return follower->reached < here ? (int64) (here - follower->reached) : 0;
}

/* Returns the follower that this one is; of standbys with the same name, each counts once */
static Follower *
find_follower(Followers *followers, const Follower *wanted)
{
	for (int i = 0; i < followers->n; i++)
	{
		Follower   *follower = &followers->each[i];

		if (!follower->is_here && follower->is_slot == wanted->is_slot && strcmp(follower->name, wanted->name) == 0)
			return follower;
	}
	return NULL;
}

void
run_followers_look(Followers *followers)
{
	Followers  *now = run_followers();
	List	   *ignored = ignored_names();
	int			n = 0;

	for (int i = 0; i < followers->n; i++)
		followers->each[i].is_here = false;
	for (int i = 0; i < now->n; i++)
	{
		Follower   *follower = find_follower(followers, &now->each[i]);

		if (follower)
			*follower = now->each[i];
	}
	for (int i = 0; i < followers->n; i++)
	{
		const Follower *follower = &followers->each[i];

		if ((follower->is_here || !follower->is_slot) && !sg_has_name(ignored, follower->name))
			followers->each[n++] = *follower;
	}
	followers->n = n;
	pfree(now);
}

char *
run_follower_text(const Follower *follower)
{
	return psprintf("%s \"%s\"%s", follower->is_slot ? "slot" : "standby", follower->name,
					!follower->is_here ? ", which has gone," :
					follower->keeps ? ", whose reader tells now and then what it has on disk," : "");
}

bool
run_base_backup(void)
{
	bool		found = false;

	for (int i = 0; i < max_wal_senders && !found; i++)
	{
		WalSnd	   *walsnd = &WalSndCtl->walsnds[i];

		SpinLockAcquire(&walsnd->mutex);
		found = walsnd->pid != 0 && walsnd->state == WALSNDSTATE_BACKUP;
		SpinLockRelease(&walsnd->mutex);
	}
	return found;
}
