/*-------------------------------------------------------------------------
 *
 * deploy_scan.h
 *	  Constraints become valid by one scan of their table (deploy_scan.c).
 *
 * Under the locks of VALIDATE CONSTRAINT, SHARE UPDATE EXCLUSIVE on the table
 * and ROW SHARE on the parents of foreign keys:
 *
 *		deploy_scan(table, verdicts);
 *		for those whose verdict is AUDIT_PASS:
 *			deploy_mark_valid(verdict->conid);
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_SCAN_H
#define SG_DEPLOY_SCAN_H

#include "postgres.h"

#include "audit/audit.h"

/* A constraint that waits for validation: a foreign key, a CHECK or, from 18 on, a NOT NULL */
typedef struct ScanVerdict
{
	Oid			conid;
	AuditKey   *verdict;		/* NULL: it was not judged */
	const char *why_core;		/* why VALIDATE has to do it, or NULL */
} ScanVerdict;

/* Why a scan can't validate a constraint as core would, or NULL; takes no lock */
extern const char *deploy_scan_obstacle(Oid conid);

/*
 * Judge constraints of one table, a List of ScanVerdict *, in one scan, and
 * say how many those were.  The caller holds the locks, has checked that the
 * table is not in use in its session, and that the user may alter it.  Errors
 * go through.
 */
extern int	deploy_scan(Oid child, List *verdicts);

/* In pg_constraint, and in what other sessions know of the table */
extern void deploy_mark_valid(Oid conid);

#endif							/* SG_DEPLOY_SCAN_H */
