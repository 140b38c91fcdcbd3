/*-------------------------------------------------------------------------
 *
 * scope.h
 *	  As whom, and with which settings, a piece of work runs.
 *
 * Everything that switches roles does it here.  A scope ends with
 * sg_scope_end(), or by itself when an error ends the (sub)transaction in
 * which it began.  Who decides the role stays above: see code.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SCOPE_H
#define SG_SCOPE_H

#include "postgres.h"

#include "base/version.h"

/* State to restore when the scope ends */
typedef struct SgScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
	Oid			deed;			/* former role of sg_guard_deed() */
} SgScope;

/*
 * Becomes the owner of the extension, for the extension's tables, with
 * search_path pinned to pg_catalog.  Raises 55000 like sg_check_version().
 */
extern void sg_owner_begin(SgScope *scope);

/*
 * Becomes a role that does not exist, restricted as below, to plan a query: the
 * planner evaluates users' code in the expressions of indexes, also of those
 * created a moment ago.  Code that runs so has only the rights of PUBLIC, and
 * gets 42704 if it asks for current_user.  Settings are unchanged at first.
 * Raises 55000 if a role has that OID.
 */
extern void sg_nobody_begin(SgScope *scope);

/*
 * Becomes a role in a process that has no client, until the next call or the
 * transaction's abort.  Bound: as in a SECURITY DEFINER function, it can't SET
 * ROLE; not allowed outside of a transaction.
 */
extern void sg_become(Oid role, bool bound);

/* Stays the caller, with search_path pinned to pg_catalog */
extern void sg_caller_begin(SgScope *scope);

/*
 * Takes the role that code_role() returned.  InvalidOid stays the caller as
 * above; another role is taken restricted (SECURITY_RESTRICTED_OPERATION: no
 * SET ROLE, no temporary table, no deferred trigger), with that role's
 * search_path in this database, pg_temp last.  The caller's right to do the
 * work was checked before.
 */
extern void sg_role_begin(SgScope *scope, Oid role);

/*
 * Raises 42501 if the caller could not SET ROLE to the role: having its
 * privileges does not include its policies and attributes
 */
extern void sg_check_may_become(Oid role);

/* Returns the same as a text, or NULL */
extern char *sg_may_not_become(Oid role);

/*
 * Becomes a table's owner for a query about its rows, like the server for
 * foreign keys: restricted as above, and no policy hides a row, even with
 * FORCE.  Unless `with_path`, search_path is kept, which is faster: for
 * qualified queries that run only built-in code.
 */
extern void sg_key_role_begin(SgScope *scope, Oid owner, bool with_path);

/* For the rest of the scope: FORCE ROW LEVEL SECURITY hides no row from a table's owner */
extern void sg_scope_see_own(void);

/*
 * Makes the following code a security-restricted operation, whatever its role,
 * until sg_scope_unrestrict(); returns false, and needs no end, if it is one
 * already
 */
extern bool sg_scope_restrict(void);
extern void sg_scope_unrestrict(void);

/* For the rest of the scope: pins search_path to pg_catalog, whatever the role */
extern void sg_scope_pin(void);

/* For the rest of the scope: pins the settings of values' output, such as DateStyle */
extern void sg_scope_pin_texts(void);

/*
 * For the rest of the scope: pins the settings that decide how the server reads
 * a statement's text: those that pg_dump sets, and transform_null_equals,
 * array_nulls, backslash_quote.  For texts of a document.
 */
extern void sg_scope_pin_source(void);

/* Sets a setting for the rest of the scope, or of another nest level (NewGUCNestLevel) */
extern void sg_scope_set(const char *name, const char *value);

/*
 * Limits waits for locks for the rest of the scope to sg_lock_wait(); after half
 * of that the server has an ordinary autovacuum that is in the way give up
 */
extern void sg_scope_bound_waits(void);

extern void sg_scope_end(SgScope *scope);

#endif							/* SG_SCOPE_H */
