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
 * orphan rows stand in the way of a step whose policy is "stop"; of a CALL that
 * is to fail: steps are left undone, not all for one reason of their own; of
 * an audit gate: keys fail or are unknown
 */
#define ERRCODE_SG_ORPHANS			MAKE_SQLSTATE('S','G','0','0','1')
/* another key stands where the step wants to put its own */
#define ERRCODE_SG_KEY_CONFLICT		MAKE_SQLSTATE('S','G','0','0','2')
/* the rows could not be judged, so the step does not go on */
#define ERRCODE_SG_NOT_JUDGED		MAKE_SQLSTATE('S','G','0','0','3')
/* rows that refer to orphans stand in the way of fixing those */
#define ERRCODE_SG_REFERENCED		MAKE_SQLSTATE('S','G','0','0','4')
/* there is drift: what a gate or a check that is to fail raises */
#define ERRCODE_SG_DRIFT			MAKE_SQLSTATE('S','G','0','0','5')
/* lint finds something of the severity that a gate is to fail for, or could not run a rule */
#define ERRCODE_SG_LINT				MAKE_SQLSTATE('S','G','0','0','6')

/*
 * Run fn(arg) in a subtransaction.  Returns NULL when it succeeded.  When it
 * raised an error, the subtransaction is rolled back and a copy of the error,
 * in the caller's memory context, is returned; that includes cancels, which
 * the caller passes on after cleaning up (sg_rethrow_cancel).  The error of a
 * race is returned as 40001: XX000 that the server's own code raises because
 * another session dropped or changed an object while a statement or function
 * was at it, such as pg_get_viewdef() of a view that has just gone.
 *
 * Not for scans on a hot standby: there a recovery conflict inside a
 * subtransaction ends the session, outside of one only the statement.
 */
extern ErrorData *sg_try(void (*fn) (void *arg), void *arg);

/*
 * Like sg_try(), but the subtransaction is rolled back in any case: the locks that
 * fn took are free again, and what it wrote to tables is undone.
 */
extern ErrorData *sg_try_undo(void (*fn) (void *arg), void *arg);

/*
 * Run fn(arg), which only reads, in a subtransaction.  After the error
 * of a race it is called again, up to three times, and then 40001 is raised.
 * After an error that says that an object was dropped between two looks it is
 * called again as often, and should find that the name leads nowhere; then
 * that error is raised.  Any other error is raised at once.  fn forgets what
 * a call before has found.  On a standby fn is called once, outside of a
 * subtransaction.
 */
#define SG_READS 4
extern void sg_read(void (*fn) (void *arg), void *arg);

/*
 * Run fn(arg) as a call of ours: no function of others runs in the caller's
 * name (guard.h), and the error of a race is raised as 40001.
 */
extern void sg_call(void (*fn) (void *arg), void *arg);

/*
 * Declares a function that SQL calls, in place of PG_FUNCTION_INFO_V1(name);
 * its body is name_entered(), run by sg_call().
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

/* In PG_CATCH(): copies the error to the context, which becomes current, and clears it; that of a race becomes 40001 */
extern ErrorData *sg_caught(MemoryContext context);

/* Returns whether an error that sg_try() or sg_caught() returned is that of a race */
extern bool sg_is_race(const ErrorData *edata);

/* Is this the error of somebody who wants us to stop altogether? */
extern bool sg_is_cancel(const ErrorData *edata);
extern void sg_rethrow_cancel(ErrorData *edata);

/*
 * An error as one line that others may read: for reasons, the log, and errors
 * of ours that could end there.  Of the server's own errors and ours it is
 * the primary message, without the values that it may hold; of errors that
 * anybody else's code has raised, the SQLSTATE.  Messages at DEBUG1 have the
 * whole.
 */
extern char *sg_error_text(const ErrorData *edata);

/*
 * Like sg_error_text(), for an error that a statement of the plan has raised: a
 * message about names keeps those that stand in the statement, which may be NULL.
 */
extern char *sg_error_text_of(const ErrorData *edata, const char *statement);

/* The primary message as one line, for the eyes of the caller alone */
extern char *sg_error_message(const ErrorData *edata);

#endif							/* SG_ERRORS_H */
