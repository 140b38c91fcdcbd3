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

/* Set of transactions that had ended at a moment */
typedef struct SgSeen SgSeen;

/*
 * Returns the transactions that have ended by now, in that memory context.  As
 * long as that exists, it learns which ones are this session's own, and what
 * other roles' code has created in them.
 */
extern SgSeen *sg_seen_now(MemoryContext context);

/*
 * Sets, or clears, the moment up to which a guarded session has seen objects;
 * the second returns it, or NULL
 */
extern void sg_seen_session(bool on);
extern const SgSeen *sg_seen_by_session(void);

/*
 * Calls fn(arg), which does what was examined at that moment.  Raises 42501 if
 * an object that it creates or alters uses a function, operator, operator class
 * or type of a role that would gain by it, and that another transaction has
 * created or changed since.
 */
extern void sg_make_as_seen(const SgSeen *seen, void (*fn) (void *arg), void *arg);

/*
 * Within a call: notes that a utility statement of other roles' code has ended,
 * as the current role and with commands from that one on.  Its changes are not
 * the call's own.
 */
extern void sg_note_written(CommandId first);

/*
 * Returns whether such a call of fn is running; the moment that a guarded
 * session has seen is kept meanwhile.
 */
extern bool sg_is_making(void);

/*
 * Within sg_make_as_seen(): announces objects made from a stored text, whose
 * names may mean other code by now, for a table of `owner`. The code that they
 * use must be among `known` (ObjectAddress *), or belong to a superuser, to the
 * caller, or to a role that the owner trusts; otherwise 42501.
 */
extern void sg_make_of_kept(Oid owner, const List *known);

/*
 * Returns the functions, operators, operator classes and types that an object
 * uses (ObjectAddress *), without those of initdb
 */
extern List *sg_code_used(Oid classid, Oid objectid);

/*
 * Installs the hook; called once, when the library is loaded.  While a call or
 * a session is guarded (guard.h), an index that uses code which its table's
 * owner does not trust can't be created: 42501.
 */
extern void sg_made_init(void);

#endif							/* SG_MADE_H */
