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

/* State to give back when the scope ends */
typedef struct SgScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
	Oid			deed;			/* of sg_guard_deed() */
} SgScope;

/*
 * Become the owner of the extension, for our own tables, with search_path
 * pinned to pg_catalog.  Raises 55000 where sg_check_version() does.
 */
extern void sg_owner_begin(SgScope *scope);

/*
 * Become a role that does not exist, restricted as below, to plan a query: the
 * planner evaluates what anybody has put into the expressions of an index,
 * also of one that was made a moment ago.  Code that runs so has the rights of
 * PUBLIC alone, and gets 42704 if it asks for current_user.  Settings begin as
 * they are.  Raises 55000 if somebody has given its OID to a role.
 */
extern void sg_nobody_begin(SgScope *scope);

/* Stay the caller, with search_path pinned to pg_catalog */
extern void sg_caller_begin(SgScope *scope);

/*
 * Takes the role that code_role() returned.  InvalidOid stays the caller as
 * above; any other role is taken restricted (SECURITY_RESTRICTED_OPERATION: no
 * SET ROLE, no temporary table, no deferred trigger), with the search_path
 * that this role has when it connects to this database, and pg_temp last.  The
 * caller's right to do the work has been checked before.
 */
extern void sg_role_begin(SgScope *scope, Oid role);

/* Raises 42501 for who could not SET ROLE: having the privileges of a role is not having its policies and attributes */
extern void sg_check_may_become(Oid role);

/*
 * Become a table's owner for a query about its rows, as the server does for
 * foreign keys: restricted as above, and no policy hides a row, whatever the
 * table FORCEs.  Unless `with_path`, search_path stays as it is, which is
 * quick: for queries with qualified names that run nothing but built-in code.
 */
extern void sg_key_role_begin(SgScope *scope, Oid owner, bool with_path);

/* Within a scope, for the rest of it: FORCE ROW LEVEL SECURITY hides no row from a table's owner */
extern void sg_scope_see_own(void);

/*
 * Makes what runs now a security-restricted operation, as whom it ever runs, until
 * sg_scope_unrestrict(); false, and nothing to end, where it is one already
 */
extern bool sg_scope_restrict(void);
extern void sg_scope_unrestrict(void);

/* Within a scope, for the rest of it: names are those of pg_catalog, whose role it ever is */
extern void sg_scope_pin(void);

/* Pins the settings by which values become texts, such as DateStyle, for the rest of a scope */
extern void sg_scope_pin_texts(void);

/*
 * Pins, for the rest of a scope, the settings that decide how the server reads a
 * statement's text: those that pg_dump sets, and transform_null_equals,
 * array_nulls, backslash_quote.  For texts that come from a document.
 */
extern void sg_scope_pin_source(void);

/* Sets a setting for the rest of a scope, or of another level of settings (NewGUCNestLevel) */
extern void sg_scope_set(const char *name, const char *value);

extern void sg_scope_end(SgScope *scope);

#endif							/* SG_SCOPE_H */
