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

#define FINDING_UNCOUNTED (-1)	/* no count; null in the table */

/* Conditions and statements for hints: open findings of audits, and those of them that are not accepted */
#define FINDING_IS_OPEN "source = 'audit' AND gone_at IS NULL"
#define FINDING_IS_NEW FINDING_IS_OPEN " AND (accepted_until > now() AND count <= accepted_count) IS NOT TRUE"
#define FINDING_COLUMNS "SELECT result, object, property, count, first_seen::date, detail FROM schemaguard.finding WHERE "
#define FINDING_LIST FINDING_COLUMNS FINDING_IS_OPEN ";"
#define FINDING_LIST_NEW FINDING_COLUMNS FINDING_IS_NEW ";"

/*
 * Finding.  Kind, object, property, change, expected and actual identify it;
 * the others are its state.  All but kind, object and result may be NULL.
 */
typedef struct Finding
{
	const char *kind;			/* foreign key, check, column, ... */
	const char *object;			/* table, or object of a snapshot */
	const char *property;		/* key, rule, or differing property */
	const char *change;			/* missing, extra, changed, renamed */
	const char *expected;
	const char *actual;
	const char *result;			/* fail, drift, extra, unknown */
	const char *risk;
	const char *detail;
	const char *identity;		/* OIDs of its tables behind the mark of this
								 * database */
	int64		count;			/* number of rows, or FINDING_UNCOUNTED */
} Finding;

/* Run of one source of findings, which looks at everything that the source reports */
typedef struct FindingRun
{
	const char *source;			/* audit, drift or lint */
	const char *role;			/* role whose privileges are used */
	const char *reference;		/* snapshot; empty except for drift */
	const char *target;			/* object of the run, for example the database */
	pg_uuid_t	run;			/* in the log */
	TimestampTz started_at;

	/*
	 * set by finding_lock_run(); stored, because the table of findings may be
	 * another one when the run ends
	 */
	LOCKTAG		lock;

	/* set by finding_note_others() */
	Datum		others;			/* bigint[]: findings of other histories */
	Datum		others_runs;	/* uuid[]: the runs that found them */

	/* set by finding_close(): what listeners have not been told yet */
	int64		appeared;		/* new, or with a changed result */
	int64		gone;
} FindingRun;

/*
 * Takes the lock of this history until the end of the transaction, so that two
 * runs of it take turns.  Runs are ordered by the lock: started_at is set
 * behind it.  Other histories may share the hash and then wait needlessly.
 */
extern void finding_lock(const FindingRun *run);

/*
 * Take and release the same lock by session, for a run of several transactions;
 * an error that ends the call releases it, too.  The caller holds no other lock
 * while it waits.
 */
extern void finding_lock_run(FindingRun *run);
extern void finding_unlock_run(const FindingRun *run);

/*
 * Records, before the run looks at anything, the open findings of other
 * histories of the same comparison which its verdicts close as well: those of
 * its own role and, for a superuser, of any role, except unknown ones of a role
 * that exists and may look again.  Findings of concurrent runs are left to
 * these.
 */
extern void finding_note_others(FindingRun *run);

/*
 * Closes the recorded ones that meet the condition on f, a row of
 * schemaguard.finding, which says that their object no longer exists
 */
extern void finding_close_others(const FindingRun *run, const char *condition);

/*
 * Closes the recorded ones that meet the condition on f, unless this run has
 * found the same property in that object, or was left with an unknown about
 * that property in any object.  Only for runs that have looked at all of their
 * objects, after finding_found().
 */
extern void finding_close_unfound(const FindingRun *run, const char *condition);

/*
 * Stores the findings (Finding *) of a run: inserts new ones, updates known
 * ones; a duplicate is stored once.  An acceptance follows a table that has
 * another name, and ends if another table has the name, by OIDs, which are
 * known in their own database only.  The caller of this function and the next
 * two holds the history's lock.
 */
extern void finding_found(const FindingRun *run, List *findings);

/*
 * Closes findings of earlier runs, recorded ones of others included, which this
 * run has judged as passed (Finding *)
 */
extern void finding_passed(const FindingRun *run, List *findings);

/*
 * Closes the findings that only earlier runs have found, and counts.  Only for
 * runs that have looked at everything.
 */
extern void finding_close(FindingRun *run);

/* Accepted finding of an audit */
typedef struct FindingAccepted
{
	const char *kind;
	const char *object;
	const char *property;
	char	   *reason;
	char	   *until;			/* a date */
} FindingAccepted;

/*
 * Returns the accepted findings (List of FindingAccepted *) among those of this
 * run: failing, with at most the accepted number of rows, and before the end of
 * the acceptance.
 */
extern List *finding_accepted(const FindingRun *run);

/* Named number in the payload for listeners */
typedef struct FindingCount
{
	const char *name;
	int64		count;
} FindingCount;

/*
 * Sends NOTIFY on schemaguard.notify_channel, if that is set and findings are
 * new or gone since the last one: the run, its verdict, the counts, and as many
 * findings as fit, first new ones, then those that are gone.  Returns whether
 * it did.  After finding_close().
 */
extern bool finding_notify(const FindingRun *run, const char *result,
						   const FindingCount *counts, int ncounts, int64 findings);

/*
 * Deletes findings of a source that were closed before a time, and open ones
 * last seen before it that meet the condition (SQL on row f); returns their
 * number.
 */
extern uint64 finding_prune(const char *source, const char *condition, TimestampTz before);

#endif							/* SG_FINDING_H */
