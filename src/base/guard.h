/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Functions of others that would run as whoever has called us.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GUARD_H
#define SG_GUARD_H

#include "postgres.h"
#include "fmgr.h"
#include "utils/guc.h"

/* Installs the server's hooks; called once, when the library is loaded */
extern void sg_guard_init(void);

/* Running function of an event trigger */
typedef struct SgGuardEvent
{
	int			depth;			/* number of running ones; 0: none */
	int			functions;		/* number of users' functions running when it
								 * began, itself included */
	Oid			role;			/* role as which it began */
	int			context;
} SgGuardEvent;

/* State of the guard before a call, restored when a call within a call ends */
typedef struct SgGuard
{
	int			level;
	Oid			role;
	Oid			deed;			/* role as which a deed runs now, or
								 * InvalidOid */
	int			trusted;
	int			around;			/* number of functions around this call */
	int			within;			/* number of nested statements of this call */
	bool		by_others;		/* restricted code of others has made the call */
	SgGuardEvent event;			/* innermost event trigger function */
	TransactionId since;
} SgGuard;

/*
 * Between sg_guard_begin() and sg_guard_end() each function that is called as
 * the current role must belong to it, to a role that has its privileges, or to
 * a superuser; another one raises 42501 before it runs.  What such functions
 * call is their owner's choice.  Code that the server runs as another role,
 * such as the owner of the other table of a key, is a security-restricted
 * operation: it leaves no cursor, no deferred trigger and no temporary object
 * behind.  An error passes through sg_guard_end(), too.
 */
extern void sg_guard_begin(SgGuard *before);
extern void sg_guard_end(const SgGuard *before);

/*
 * Guards the role that a deed takes, too, if a call is guarded: code of roles
 * whose privileges it has may also run in its name.  Returns the former one.
 */
extern Oid	sg_guard_deed(Oid role);

/*
 * Returns whether the owner of code would gain if it ran as a role, because the
 * owner lacks that role's privileges
 */
extern bool sg_could_gain(Oid owner, Oid role);

/* Returns whether a call of the extension is running, or the session is guarded */
extern bool sg_guard_is_on(void);

/* Returns whether, besides, the running code has the caller's role, outside of trusted functions */
extern bool sg_guard_is_callers(void);

/*
 * Returns whether, besides, a role is neither a superuser nor the caller, or
 * the call itself was made by other roles' code
 */
extern bool sg_guard_is_other(Oid role);

/*
 * Returns whether the running code has such a role because the server or a call
 * of the extension switched to it
 */
extern bool sg_guard_is_others(void);

/* Notes that a query or a utility statement begins or ends within a call */
extern void sg_guard_within(bool begins);

/*
 * Returns whether a user's function is running, for example a trigger fired by
 * the extension's statement, or one that has called the extension; or whether a
 * utility statement runs within another statement of the call, for a C
 * function, which no hook reports; or whether other roles' code has made the
 * call, as in a rule.
 */
extern bool sg_guard_is_nested(void);

/*
 * Returns the number of running event trigger functions, if a call is guarded;
 * 0 below another user's function that the innermost of them has called, and
 * for another role than it began as.  The server looks each up again for each
 * event, so none is missed.
 */
extern int	sg_guard_event_triggers(void);

/*
 * Raises 42501 if a foreign table, or its server, belongs to a role that would
 * gain by the caller's user mapping, which reading the table would use.  Other
 * relations pass.
 */
extern void sg_guard_foreign(Oid relid);

/* Guards a process of the extension, for its role, as long as it lives */
extern void sg_guard_process(void);

/* Guards the session also between calls, for its current role; or ends that */
extern void sg_guard_session(bool on);

/*
 * A procedure that must pass as others do, but counts as none around what it
 * runs, or InvalidOid; returns the one before
 */
extern Oid	sg_guard_frame(Oid procedure);

/*
 * Makes each function that is created or altered until the end of the running
 * call raise 42501 if it is called as the caller or as a superuser.
 */
extern void sg_guard_documents(void);

/*
 * Settings for workers: the guarded role as an Oid, and the moment of
 * sg_guard_documents() as a TransactionId; or 0
 */
extern int	sg_guarded_role;
extern int	sg_guarded_since;
extern bool sg_guard_check_setting(int *newval, void **extra, GucSource source);
extern void sg_guard_take_over(int newval, void *extra);
extern void sg_guard_take_over_since(int newval, void *extra);

#endif							/* SG_GUARD_H */
