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

/* Installs the server's hooks; once, when the library is loaded */
extern void sg_guard_init(void);

/* A function of an event trigger that is under way */
typedef struct SgGuardEvent
{
	int			depth;			/* how many such ones are; 0: none */
	int			functions;		/* of users that were under way when it began,
								 * with it */
	Oid			role;			/* as whom it began */
	int			context;
} SgGuardEvent;

/* State of the guard before a call, restored when a call within a call ends */
typedef struct SgGuard
{
	int			level;
	Oid			role;
	Oid			deed;			/* as whom a deed runs now, or InvalidOid */
	int			trusted;
	int			around;			/* functions that this call has been made by */
	int			within;			/* statements of it that are under way, one
								 * within the other */
	bool		by_others;		/* code of others has made it, restricted */
	SgGuardEvent event;			/* the innermost one */
	TransactionId since;
} SgGuard;

/*
 * From here to sg_guard_end() each function that is called as the current role
 * belongs to it, to a role that has its privileges, or to a superuser: another
 * one raises 42501 before it runs.  What those functions call is their owner's
 * choice.  What the server calls as another role, such as the owner of the other
 * table of a key, runs as a security-restricted operation: it leaves no cursor,
 * no deferred trigger and no temporary object behind, which would outlive that
 * role.  An error goes through sg_guard_end(), too.
 */
extern void sg_guard_begin(SgGuard *before);
extern void sg_guard_end(const SgGuard *before);

/*
 * Guards a role that a deed takes, too, where a call is guarded: code of roles
 * whose privileges it has may run in its name as well.  Returns the one before.
 */
extern Oid	sg_guard_deed(Oid role);

/* Would the owner of code gain by it if it ran as a role, whose privileges he lacks? */
extern bool sg_could_gain(Oid owner, Oid role);

/* Is a call of ours under way, or the session guarded? */
extern bool sg_guard_is_on(void);

/* Is it, and does what runs now run as who has called, outside of functions that are trusted? */
extern bool sg_guard_is_callers(void);

/* Is it, and a role neither a superuser nor who has called, or is that itself code of others? */
extern bool sg_guard_is_other(Oid role);

/* Does what runs now run as such a role, which the server or a call of ours has made it? */
extern bool sg_guard_is_others(void);

/* A query or a utility statement begins within a call, or ends */
extern void sg_guard_within(bool begins);

/*
 * Is a function of users under way, such as a trigger that a statement of ours has
 * fired, or one that has called us?  Or does a utility statement run within another
 * statement of the call, for a function in C, which nothing tells, or have others made
 * the call, as in a rule?
 */
extern bool sg_guard_is_nested(void);

/*
 * Returns how many functions of event triggers are under way, where a call is
 * guarded; 0 below another function of users that the innermost of them has led to,
 * and for another role than it began as.  The server looks each up anew for each
 * event, so none is missed.
 */
extern int	sg_guard_event_triggers(void);

/*
 * Raises 42501 if a foreign table, or its server, belongs to a role that could gain
 * by the user mapping of who has called us, which reading the table would use.
 * Any other relation passes.
 */
extern void sg_guard_foreign(Oid relid);

/* For a process of ours: as long as it lives, for the role that it is */
extern void sg_guard_process(void);

/* From here on, or no longer, between calls of ours as well: for the role that the session is now */
extern void sg_guard_session(bool on);

/*
 * From here to the end of the call under way, a function that comes or changes
 * (by ALTER, too) is not called as the caller or as a superuser: 42501.
 */
extern void sg_guard_documents(void);

/* Settings for workers: the role that is guarded, as an Oid, and that moment, as a TransactionId; or 0 */
extern int	sg_guarded_role;
extern int	sg_guarded_since;
extern bool sg_guard_check_setting(int *newval, void **extra, GucSource source);
extern void sg_guard_take_over(int newval, void *extra);
extern void sg_guard_take_over_since(int newval, void *extra);

#endif							/* SG_GUARD_H */
