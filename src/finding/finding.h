/*-------------------------------------------------------------------------
 *
 * finding.h
 *	  schemaguard.finding: what gates and checks have found, since when.
 *
 * A history is that of one role's look at one target against one reference:
 * roles may see different things, and would take each other's findings for
 * new or gone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FINDING_H
#define SG_FINDING_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"
#include "utils/uuid.h"

#define FINDING_UNCOUNTED (-1)	/* no count, which is null */

/* Statements for hints: the findings of audits that are still open, and those of them that nobody has accepted as they are */
#define FINDING_OPEN "SELECT result, object, property, count, first_seen::date, detail FROM schemaguard.finding" \
	" WHERE source = 'audit' AND gone_at IS NULL"
#define FINDING_LIST FINDING_OPEN ";"
#define FINDING_LIST_NEW FINDING_OPEN " AND (accepted_until > now() AND count <= accepted_count) IS NOT TRUE;"

/*
 * Finding.  Kind, object, property, change, expected and actual identify it;
 * the others are its state.  All but kind, object and result may be NULL.
 */
typedef struct Finding
{
	const char *kind;			/* foreign key, check, column, ... */
	const char *object;			/* the table, or the object of a snapshot */
	const char *property;		/* the key, the rule, or what differs */
	const char *change;			/* missing, extra, changed, renamed */
	const char *expected;
	const char *actual;
	const char *result;			/* fail, drift, extra, unknown */
	const char *risk;
	const char *detail;
	int64		count;			/* rows, or FINDING_UNCOUNTED */
} Finding;

/* Look at all that one source of findings reports */
typedef struct FindingRun
{
	const char *source;			/* audit, drift or lint */
	const char *role;			/* whose privileges are used */
	const char *reference;		/* a snapshot; empty but for drift */
	const char *target;			/* what is looked at */
	pg_uuid_t	run;			/* in the log */
	TimestampTz started_at;

	/*
	 * set by finding_lock_run(): the table of findings may be another one
	 * when the run ends
	 */
	LOCKTAG		lock;

	/* set by finding_note_others() */
	Datum		others;			/* bigint[]: findings of other histories ... */
	Datum		others_runs;	/* ... and uuid[]: the runs that found them */

	/* set by finding_close(): what listeners have not been told yet */
	int64		appeared;		/* new, or with another result than before */
	int64		gone;
} FindingRun;

/*
 * Take the lock of this history until the end of the transaction: two runs of
 * it take turns.  A run whose started_at lies behind the lock's is in the
 * order of what it saw.  Other histories may share the hash, and wait then
 * without need.
 */
extern void finding_lock(const FindingRun *run);

/*
 * Take the same lock for a run of many transactions, by the session: it is
 * released by finding_unlock_run(), or by the first error that ends the call.
 * The caller holds nothing while it waits.
 */
extern void finding_lock_run(FindingRun *run);
extern void finding_unlock_run(const FindingRun *run);

/*
 * Notes, before the run looks at anything, the open findings of other histories, of
 * the same comparison, that its verdicts end as well: those of its role and, if that is a superuser's, of
 * any, but for what is unknown to a role that is there and may look again.  What
 * another run finds meanwhile is left to that one.
 */
extern void finding_note_others(FindingRun *run);

/* Close those of them that a condition on f, a row of schemaguard.finding, says are about nothing that is there */
extern void finding_close_others(const FindingRun *run, const char *condition);

/*
 * Close those of them to which the condition on f applies, and of whose property
 * this run, which has looked at all that they are about, has found nothing in that
 * object; nor anywhere, where it could not tell.  After finding_found().
 */
extern void finding_close_unfound(const FindingRun *run, const char *condition);

/*
 * Write down what a run has found (of Finding *), new or as before.  A finding
 * that is there twice is written once.  In these three the caller has the
 * history's lock.
 */
extern void finding_found(const FindingRun *run, List *findings);

/* Close findings of earlier runs, noted ones of others too: this run has looked at these (of Finding *), and they pass */
extern void finding_passed(const FindingRun *run, List *findings);

/* The run has seen everything: close what only earlier ones have found, and count */
extern void finding_close(FindingRun *run);

/* An audit's finding that somebody has accepted */
typedef struct FindingAccepted
{
	char	   *object;
	char	   *property;
	char	   *reason;
	char	   *until;			/* a date */
} FindingAccepted;

/*
 * Returns (List of FindingAccepted *) what this run of an audit has recorded
 * and is accepted: as failing, with no more rows than then, and until a later
 * time.
 */
extern List *finding_accepted(const FindingRun *run);

/* A number in what listeners are told */
typedef struct FindingCount
{
	const char *name;
	int64		count;
} FindingCount;

/*
 * NOTIFY on schemaguard.notify_channel, if that is set and something is new
 * or gone since it was last told: the run, its verdict, the counts, and as
 * many of the findings as fit, new ones first, then those that are gone.
 * Returns whether it did.  After finding_close().
 */
extern bool finding_notify(const FindingRun *run, const char *result,
						   const FindingCount *counts, int ncounts, int64 findings);

/*
 * Delete findings of a source that are gone since before then, and those that
 * were last seen before then and to whose row f the condition (SQL) applies;
 * returns how many that were.
 */
extern uint64 finding_prune(const char *source, const char *condition, TimestampTz before);

#endif							/* SG_FINDING_H */
