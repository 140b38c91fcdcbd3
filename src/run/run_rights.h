/*-------------------------------------------------------------------------
 *
 * run_rights.h
 *	  What the caller of a procedure lacks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_RIGHTS_H
#define SG_RUN_RIGHTS_H

#include "postgres.h"
#include "utils/acl.h"

#include "run/run.h"

/*
 * Raises 42501 unless the caller has the privileges that ALTER TABLE asks for,
 * before any lock: nobody may lock a table that they may not alter.
 * `references`: the key is new.
 */
extern void run_check_privileges(const FkKey *key, bool references);

/*
 * Raise 42501 for who is not the author of a plan with SQL in the steps that
 * the call is about, unless run->confirm is the hash of what it says (55000
 * where it was, and is not any more).
 */
extern void run_check_confirmed(const PlanRun *run, bool (*runs) (const PlanStep *step));

/* Return the privilege that is lacking, in words, or NULL; `what` is what the table is called */
extern char *run_lacks_for_key(const FkKey *key, bool references);
extern char *run_lacks_ownership(const char *what, Oid relid);

/* A privilege on the table, or on each of the columns, if there are any */
extern bool run_has_privilege(Oid relid, const AttrNumber *columns, int n, Oid role, AclMode mode);

/* Count of steps for which a privilege is lacking, and the first of these in words */
typedef struct RunLacks
{
	int			steps;
	char	   *first;
} RunLacks;

extern void run_add_lack(RunLacks *lacks, const char *object, const char *lack);

/* Raise 42501 if there is any */
extern void run_report_lacks(const PlanRun *run, const RunLacks *lacks, const char *hint);

/*
 * Raise 42501 with what the caller lacks to alter tables, or to put rows into
 * them (of char *, qualified; those that are not here count for nothing).
 */
extern void run_check_ownership(const PlanRun *run, List *tables);
extern void run_check_insert(const PlanRun *run, List *tables);

#endif							/* SG_RUN_RIGHTS_H */
