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

/* Marks of a table: the newest WAL position of each kind, or 0 */
typedef struct FkMark
{
	Oid			relid;
	XLogRecPtr	lsn;			/* a subscription could write to it at least
								 * until then */
	XLogRecPtr	trigger;		/* it got a trigger or rule that can suppress
								 * a key's action */
} FkMark;

/* Knowledge about this database's subscriptions, former ones included */
typedef struct FkSubscribed
{
	HTAB	   *marks;			/* FkMark by table */
	XLogRecPtr	watched;		/* marks are complete since then; 0:
								 * incomplete */
	XLogRecPtr	changed;		/* a table was last added to, or removed from,
								 * a subscription no later than this; 0: never */
	char	   *origin;			/* a replication origin that belongs to no
								 * subscription, or NULL */
} FkSubscribed;

extern void fk_read_subscribed(FkSubscribed *subscribed);

/* Return the WAL position of a table's newest mark, or 0: of subscriptions, and of triggers and rules */
extern XLogRecPtr fk_subscribed_mark(const FkSubscribed *subscribed, Oid relid);
extern XLogRecPtr fk_trigger_mark(const FkSubscribed *subscribed, Oid relid);

/* Event trigger that records the tables which subscriptions write to, or which get triggers */
typedef struct FkSubscriptionTrigger
{
	const char *name;
	const char *event;
	const char *tags;
} FkSubscriptionTrigger;

#define FK_SUBSCRIPTION_TRIGGERS 3
extern const FkSubscriptionTrigger fk_subscription_triggers[FK_SUBSCRIPTION_TRIGGERS];

/*
 * Returns a number that changes with any change of the event triggers; 0 unless
 * all of them exist and fire
 */
extern int64 fk_subscription_triggers_version(void);

/* Returns a subscription that writes to one of the tables (OIDs), or InvalidOid */
extern Oid	fk_subscription_of(List *tables);

/*
 * Fills the first two arguments of statements about marks: system identifier
 * and database OID, which keep marks that a dump carried elsewhere from
 * counting
 */
extern void fk_subscription_database(Oid *types, Datum *values);

#endif							/* SG_FK_SUBSCRIPTION_H */
