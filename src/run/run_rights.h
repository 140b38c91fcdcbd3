/*-------------------------------------------------------------------------
 *
 * run_rights.h
 *	  Privileges that the caller of a procedure lacks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_RUN_RIGHTS_H
#define SG_RUN_RIGHTS_H

#include "postgres.h"
#include "utils/acl.h"

#include "run/run.h"

/*
 * Raises 42501 unless the caller has the privileges that ALTER TABLE asks for;
 * called before any lock, because nobody may lock a table that they may not
 * alter. `references`: the key is new.
 */
extern void run_check_privileges(const FkKey *key, bool references);

/*
 * Raise 42501 if the caller is not the author of a plan with SQL in the chosen
 * steps, unless run->confirm is the plan's hash (55000 if it is an earlier
 * hash).
 */
extern void run_check_confirmed(const PlanRun *run, bool (*runs) (const PlanStep *step));

/* Return the missing privilege, in words, or NULL; `what` names the table in them */
extern char *run_lacks_for_key(const FkKey *key, bool references);
extern char *run_lacks_ownership(const char *what, Oid relid);

/* Returns whether the role has a privilege on the table, or on each of the columns, if given */
extern bool run_has_privilege(Oid relid, const AttrNumber *columns, int n, Oid role, AclMode mode);

/* Number of steps for which a privilege is missing, and the first of these in words */
typedef struct RunLacks
{
	int			steps;
	char	   *first;
} RunLacks;

extern void run_add_lack(RunLacks *lacks, const char *object, const char *lack);

/* Raises 42501 if there are any */
extern void run_report_lacks(const PlanRun *run, const RunLacks *lacks, const char *hint);

/*
 * Raise 42501 with the privileges that the caller lacks to alter the tables, or
 * to insert rows into them (char *, qualified; missing tables do not count).
 */
extern void run_check_ownership(const PlanRun *run, List *tables);
extern void run_check_insert(const PlanRun *run, List *tables);

#endif							/* SG_RUN_RIGHTS_H */
