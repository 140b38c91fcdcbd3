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

/* A table that a subscription could write to until this place of the WAL, or later */
typedef struct FkMark
{
	Oid			relid;
	XLogRecPtr	lsn;
} FkMark;

/* What is known of this database's subscriptions */
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

/* The place of a table's newest mark, or 0 */
extern XLogRecPtr fk_subscribed_mark(const FkSubscribed *subscribed, Oid relid);

/* An event trigger that notes what subscriptions write to */
typedef struct FkSubscriptionTrigger
{
	const char *name;
	const char *event;
	const char *tags;
} FkSubscriptionTrigger;

#define FK_SUBSCRIPTION_TRIGGERS 2
extern const FkSubscriptionTrigger fk_subscription_triggers[FK_SUBSCRIPTION_TRIGGERS];

/*
 * A number for the event triggers as they are, and another one after any
 * change; 0 unless all are there and fire.
 */
extern int64 fk_subscription_triggers_version(void);

/*
 * The first two arguments of statements about marks: these are of this
 * database of this system, since a dump takes them elsewhere.
 */
extern void fk_subscription_database(Oid *types, Datum *values);

#endif							/* SG_FK_SUBSCRIPTION_H */
