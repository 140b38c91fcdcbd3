/*-------------------------------------------------------------------------
 *
 * errors.h
 *	  SQLSTATEs of our own, and helpers that run code and keep its error.
 *
 * Class SG is outside the classes that the SQL standard and PostgreSQL use
 * (Appendix A of PostgreSQL's manual).  Where one of PostgreSQL's own codes
 * fits, we use that one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ERRORS_H
#define SG_ERRORS_H

#include "postgres.h"
#include "fmgr.h"

#include "base/compat.h"

/*
 * orphan rows block a step with policy "stop"; a CALL with fail leaves steps
 * undone for several reasons; keys fail or are unknown in an audit gate
 */
#define ERRCODE_SG_ORPHANS			MAKE_SQLSTATE('S','G','0','0','1')
/* another key occupies the place of the step's key */
#define ERRCODE_SG_KEY_CONFLICT		MAKE_SQLSTATE('S','G','0','0','2')
/* rows could not be judged, so the step does not go on */
#define ERRCODE_SG_NOT_JUDGED		MAKE_SQLSTATE('S','G','0','0','3')
/* rows that reference orphans prevent fixing these */
#define ERRCODE_SG_REFERENCED		MAKE_SQLSTATE('S','G','0','0','4')
/* drift, raised by a gate or by a check with fail */
#define ERRCODE_SG_DRIFT			MAKE_SQLSTATE('S','G','0','0','5')
/* a lint gate found something of its severity, or could not run a rule */
#define ERRCODE_SG_LINT				MAKE_SQLSTATE('S','G','0','0','6')
/* the application can't start: what it needs is missing, or was left out */
#define ERRCODE_SG_NOT_READY		MAKE_SQLSTATE('S','G','0','0','7')

/*
 * Runs fn(arg) in a subtransaction; returns NULL if it succeeded.  After an
 * error rolls the subtransaction back and returns a copy of the error, in the
 * caller's memory context; also of a cancel, which the caller passes on after
 * cleaning up (sg_rethrow_cancel).
 *
 * The error of a race is returned as 40001: an XX000 of the server's own code
 * because another session dropped or changed an object while a statement or
 * function was using it, for example pg_get_viewdef() of a view that was just
 * dropped.
 *
 * Not for scans on a hot standby: there a recovery conflict within a
 * subtransaction ends the session, outside of one only the statement.
 */
extern ErrorData *sg_try(void (*fn) (void *arg), void *arg);

/*
 * Like sg_try(), but always rolls the subtransaction back, which releases fn's
 * locks and undoes its changes.
 */
extern ErrorData *sg_try_undo(void (*fn) (void *arg), void *arg);

/*
 * Runs fn(arg), which only reads, in a subtransaction.  After the error of a
 * race it is called again, up to three times, and then 40001 is raised.  After
 * an error that an object was dropped between two look-ups it is called again
 * as often, and should then find that the name does not exist; if not, that
 * error is raised.  Other errors are raised at once. fn must discard the
 * results of earlier calls.  On a standby fn is called once, outside of a
 * subtransaction.
 */
#define SG_READS 4
extern void sg_read(void (*fn) (void *arg), void *arg);

/*
 * Runs fn(arg) as a call of the extension: no function of other roles runs in
 * the caller's name (guard.h), and the error of a race is raised as 40001.
 */
extern void sg_call(void (*fn) (void *arg), void *arg);

/*
 * Declares a function that SQL calls, instead of PG_FUNCTION_INFO_V1(name); its
 * body is name_entered(), run by sg_call().
 */
#define SG_FUNCTION(name) \
	static Datum name##_entered(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return sg_enter(name##_entered, fcinfo); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)
extern Datum sg_enter(PGFunction function, FunctionCallInfo fcinfo);

/*
 * In PG_CATCH(): copies the error to the context, which becomes current, and
 * clears it; turns the error of a race into 40001
 */
extern ErrorData *sg_caught(MemoryContext context);

/* Returns whether an error that sg_try() or sg_caught() returned is that of a race */
extern bool sg_is_race(const ErrorData *edata);

/* Returns whether an error is a cancel or a termination, which ends all work */
extern bool sg_is_cancel(const ErrorData *edata);
extern void sg_rethrow_cancel(ErrorData *edata);

/*
 * Returns an error as one line that others may read: for reasons, the log, and
 * errors that may end up there.  For the server's own errors and the
 * extension's it is the primary message, without values, and with the first
 * dependent of an object that has some; for errors of other code, the SQLSTATE.
 * The whole is logged at DEBUG1.
 */
extern char *sg_error_text(const ErrorData *edata);

/* Returns the place where code in PL/pgSQL has raised an error, without values; NULL for an error of other code */
extern char *sg_error_place(const ErrorData *edata);

/*
 * Like sg_error_text(), for an error of a plan's statement: a message about
 * names keeps those that the statement, which may be NULL, contains.
 */
extern char *sg_error_text_of(const ErrorData *edata, const char *statement);

/*
 * Writes a message, with a detail and a hint or NULL, to the server's log,
 * whatever log_min_messages says about notices, and, if the client is to see
 * it, once to the client as a NOTICE
 */
extern void sg_tell_and_log(bool client, const char *message, const char *detail, const char *hint);

/* Returns the text with blanks for ends of lines and tabs */
extern char *sg_one_line(const char *text);

/* Returns the primary message as one line, for the caller alone */
extern char *sg_error_message(const ErrorData *edata);

#endif							/* SG_ERRORS_H */
