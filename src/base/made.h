/*-------------------------------------------------------------------------
 *
 * made.h
 *	  Code that a statement makes something of.
 *
 * A look goes by the names in a statement, and so does the server, later: no
 * lock keeps a better match for the name of a function away in between.  So
 * what has been made tells, by OID, what it uses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_MADE_H
#define SG_MADE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Which transactions had ended at a moment */
typedef struct SgSeen SgSeen;

/*
 * Returns those that have ended now, in that memory context.  Until that goes, it
 * learns which ones are this session's own, and what others' code has made in them.
 */
extern SgSeen *sg_seen_now(MemoryContext context);

/* From here on, or no longer, a guarded session has seen what is there now; returns it, or NULL */
extern void sg_seen_session(bool on);
extern const SgSeen *sg_seen_by_session(void);

/*
 * Calls fn(arg), which does what was looked at first at that moment.  Raises 42501
 * if something that was made or altered there uses a function, operator, operator
 * class or type of a role that could gain by it, and that another transaction has
 * made or changed since.
 */
extern void sg_make_as_seen(const SgSeen *seen, void (*fn) (void *arg), void *arg);

/*
 * Within a call: a utility statement of others' code has ended, as the current role
 * and by commands from that on.  What it has written is not the call's own.
 */
extern void sg_note_written(CommandId first);

/* Is something being made so now?  What a guarded session has seen is read until then, and stays. */
extern bool sg_is_making(void);

/*
 * Within sg_make_as_seen(): what is made from here on, for something that `owner` owns,
 * is made of a text on record, whose names may lead elsewhere by now.  What it uses has
 * to be among `known` (of ObjectAddress *), a superuser's, the caller's own, or code
 * that the owner trusts: 42501 else.
 */
extern void sg_make_of_kept(Oid owner, const List *known);

/* Returns the functions, operators, operator classes and types that an object uses (of ObjectAddress *), without those of initdb */
extern List *sg_code_used(Oid classid, Oid objectid);

/*
 * Installs the hook, once, when the library is loaded.  While a call of ours or
 * a session is guarded (guard.h), an index that uses code which its table's
 * owner does not trust can't be made: 42501.
 */
extern void sg_made_init(void);

#endif							/* SG_MADE_H */
