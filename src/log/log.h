/*-------------------------------------------------------------------------
 *
 * log.h
 *	  schemaguard.audit_log: what was done, by whom, with what outcome.
 *
 * Append-only.  It never holds a key value: messages are primary messages of
 * errors, never their detail, and statements are DDL that we generated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_LOG_H
#define SG_LOG_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

#define LOG_NONE (-1)			/* "no value" for the counts below */

/* Phase of an action in a row of the log; `started` is ended by one of the others */
typedef enum LogPhase
{
	LOG_STARTED,
	LOG_DONE,
	LOG_FAILED,
	LOG_SKIPPED,
	LOG_INTERRUPTED				/* cancelled, or its session died */
} LogPhase;

typedef struct LogEntry
{
	pg_uuid_t	run;			/* one call of a user's */
	const char *plan;			/* NULL where no plan is involved */
	int			step;			/* 0 where no step is */
	const char *action;			/* audit, add, validate, plan create, ... */
	LogPhase	phase;
	const char *object;
	const char *statement;
	const char *sqlstate;
	const char *message;
	int64		rows_affected;	/* LOG_NONE is null, as in the two below */
	int64		orphan_rows;
	double		elapsed_ms;		/* negative is null */
	const char *blockers;		/* a JSON document, or NULL */
	int			attempt;		/* 0 is null */
	int64		started_id;		/* the started row that this one ends, or 0 */
} LogEntry;

/* As SQL has it */
extern const char *log_phase_word(LogPhase phase);

/* An entry with everything null but the run, plan, action and phase */
extern LogEntry log_entry(const pg_uuid_t *run, const char *plan,
						  const char *action, LogPhase phase);
extern pg_uuid_t log_new_run(void);

/* May this transaction write at all?  Not on a standby nor READ ONLY. */
extern bool log_writable(void);

/* Insert it, as the owner of the extension; returns its id.  Connects SPI. */
extern int64 log_write(const LogEntry *entry);

/*
 * Insert the entries of one run (a List of LogEntry *) that differ in object,
 * message, orphan_rows and elapsed_ms only, and have none of the other
 * values, in one statement.  Connects SPI.
 */
extern void log_write_all(List *entries);

/*
 * Close the started rows of a plan that have no outcome: their session died.
 * The caller holds the plan's lock, so none of them can be running.  Returns
 * how many there were.
 */
extern int	log_close_interrupted(const char *plan);

/* Write the outcome of a started row, as far as that is there and has none */
extern void log_end(int64 started_id, LogPhase phase, const char *message);

/* Is it there, and without an outcome? */
extern bool log_is_open(int64 started_id);

/*
 * sg_prune() calls it for a table whose room registers it: delete what is
 * older, and return how many rows that were.  `what` is for the log, `word` the
 * argument that asks for this alone.
 */
extern void log_register_prune(const char *word, const char *what, uint64 (*prune) (TimestampTz before));

/* Registers data of users so, which goes only when sg_prune() is asked for it by that word; else `tell` says what is left */
extern void log_register_prune_named(const char *word, const char *what, uint64 (*prune) (TimestampTz before), void (*tell) (TimestampTz before));

/*
 * For these: a DELETE on tables of ours, past their guard; the second one takes
 * the time as $1.  They say how many rows that were.
 */
extern uint64 log_prune(const char *sql, int nargs, Oid *types, Datum *values);
extern uint64 log_prune_before(const char *sql, TimestampTz before);

/* ---- log_evidence.c ---- */

/*
 * Records figures for reports, as the owner of the extension: a JSON document
 * without values of rows, or NULL for counts of the catalogs as they are now.
 * plan is NULL, and plan_id 0, for the whole database.  Part of the caller's
 * transaction.  Connects SPI.
 */
extern void log_evidence(const pg_uuid_t *run, const char *plan, int64 plan_id, const char *kind, const char *figures);

/* Register what sg_prune() deletes */
extern void log_evidence_init(void);

#endif							/* SG_LOG_H */
