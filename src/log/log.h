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

/* Phase of an action; a row `started` is closed by a row with another phase */
typedef enum LogPhase
{
	LOG_STARTED,
	LOG_DONE,
	LOG_FAILED,
	LOG_SKIPPED,
	LOG_INTERRUPTED				/* cancelled, or the session died */
} LogPhase;

typedef struct LogEntry
{
	pg_uuid_t	run;			/* identifies one call by a user */
	const char *plan;			/* NULL: no plan is involved */
	int			step;			/* 0: no step */
	const char *action;			/* for example audit, add, validate, plan
								 * create */
	LogPhase	phase;
	const char *object;
	const char *statement;
	const char *sqlstate;
	const char *message;
	int64		rows_affected;	/* LOG_NONE: null, also in the next two */
	int64		orphan_rows;
	double		elapsed_ms;		/* negative: null */
	const char *blockers;		/* a JSON document, or NULL */
	int			attempt;		/* 0 is null */
	int64		started_id;		/* the started row that this one ends, or 0 */
} LogEntry;

/* Returns the word for a phase in the table */
extern const char *log_phase_word(LogPhase phase);

/* Returns an entry with this run, plan, action and phase, and null in all other columns */
extern LogEntry log_entry(const pg_uuid_t *run, const char *plan,
						  const char *action, LogPhase phase);
extern pg_uuid_t log_new_run(void);

/* Returns whether this transaction can write: not on a standby, nor READ ONLY */
extern bool log_writable(void);

/* Inserts an entry as the owner of the extension; returns its id.  Connects SPI. */
extern int64 log_write(const LogEntry *entry);

/*
 * Inserts the entries of one run (a List of LogEntry *) by one statement.  They
 * differ only in object, message, orphan_rows and elapsed_ms, and leave the
 * other optional columns null.  Connects SPI.
 */
extern void log_write_all(List *entries);

/*
 * Closes the started rows of a plan that have no outcome, because their session
 * died.  The caller holds the plan's lock, so none of them is still running.
 * Returns their number.
 */
extern int	log_close_interrupted(const char *plan);

/* Writes the outcome of a started row, if the row exists and has none yet */
extern void log_end(int64 started_id, LogPhase phase, const char *message);

/* Returns whether a started row exists and has no outcome */
extern bool log_is_open(int64 started_id);

/*
 * Registers a function that deletes a room's old rows for sg_prune(): all from
 * before a time; it returns their number. `what` names the rows in the log,
 * `word` is the argument of sg_prune() that asks for these alone.
 */
extern void log_register_prune(const char *word, const char *what, uint64 (*prune) (TimestampTz before));

/*
 * Like log_register_prune(), for users' data, which sg_prune() deletes only if
 * it is called with that word; otherwise `tell` reports what is left
 */
extern void log_register_prune_named(const char *word, const char *what, uint64 (*prune) (TimestampTz before), void (*tell) (TimestampTz before));

/*
 * Run a DELETE on tables of the extension, past their guard, for functions that
 * are registered; log_prune_before() passes the time as $1.  Both return the
 * number of rows.
 */
extern uint64 log_prune(const char *sql, int nargs, Oid *types, Datum *values);
extern uint64 log_prune_before(const char *sql, TimestampTz before);

/* ---- log_evidence.c ---- */

/*
 * Records figures for reports, as the owner of the extension: a JSON document
 * without values of rows; NULL stands for counts of the catalogs as of now.
 * plan is NULL and plan_id 0 for the whole database.  Belongs to the caller's
 * transaction.  Connects SPI.
 */
extern void log_evidence(const pg_uuid_t *run, const char *plan, int64 plan_id, const char *kind, const char *figures);

/* Registers the evidence with sg_prune() */
extern void log_evidence_init(void);

#endif							/* SG_LOG_H */
