/*-------------------------------------------------------------------------
 *
 * fk_subscription.h
 *	  Which tables subscriptions have written to, past all keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FK_SUBSCRIPTION_H
#define SG_FK_SUBSCRIPTION_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/hsearch.h"

/* Marks of a table: the newest place of the WAL of each kind, or 0 */
typedef struct FkMark
{
	Oid			relid;
	XLogRecPtr	lsn;			/* until here, or later, a subscription could
								 * write to it */
	XLogRecPtr	trigger;		/* it got a trigger or rule that can swallow
								 * what a key does */
} FkMark;

/* Subscriptions of this database, as far as they are known */
typedef struct FkSubscribed
{
	HTAB	   *marks;			/* of FkMark, by table */
	XLogRecPtr	watched;		/* marks are complete from here on; 0: they
								 * are not */
	XLogRecPtr	changed;		/* a table was subscribed, or no more, no
								 * later than here; 0: none ever was */
	char	   *origin;			/* a replication origin that no subscription
								 * of today's has, or NULL */
} FkSubscribed;

extern void fk_read_subscribed(FkSubscribed *subscribed);

/* The place of a table's newest mark, or 0: of subscriptions, and of triggers and rules */
extern XLogRecPtr fk_subscribed_mark(const FkSubscribed *subscribed, Oid relid);
extern XLogRecPtr fk_trigger_mark(const FkSubscribed *subscribed, Oid relid);

/* An event trigger that notes what subscriptions write to, or which tables get triggers */
typedef struct FkSubscriptionTrigger
{
	const char *name;
	const char *event;
	const char *tags;
} FkSubscriptionTrigger;

#define FK_SUBSCRIPTION_TRIGGERS 3
extern const FkSubscriptionTrigger fk_subscription_triggers[FK_SUBSCRIPTION_TRIGGERS];

/*
 * A number for the event triggers as they are, and another one after any
 * change; 0 unless all are there and fire.
 */
extern int64 fk_subscription_triggers_version(void);

/* A subscription that writes to one of some tables (OIDs), or InvalidOid */
extern Oid	fk_subscription_of(List *tables);

/*
 * The first two arguments of statements about marks: these are of this
 * database of this system, since a dump takes them elsewhere.
 */
extern void fk_subscription_database(Oid *types, Datum *values);

#endif							/* SG_FK_SUBSCRIPTION_H */
