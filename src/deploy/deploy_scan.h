/*-------------------------------------------------------------------------
 *
 * deploy_scan.h
 *	  Constraints become valid by one scan of their table (deploy_scan.c).
 *
 * Under the locks of VALIDATE CONSTRAINT, SHARE UPDATE EXCLUSIVE on the table
 * and ROW SHARE on the parents of foreign keys:
 *
 *		ak = deploy_scan_key(conid, &why_core);		for each constraint
 *		deploy_scan(table, list of these);
 *		if (ak->result == AUDIT_PASS)
 *			deploy_mark_valid(conid);
 *
 * A constraint is a foreign key, a CHECK or, from 18 on, a NOT NULL, which waits
 * for validation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DEPLOY_SCAN_H
#define SG_DEPLOY_SCAN_H

#include "postgres.h"

#include "audit/audit.h"

/* Returns why a scan can't validate a constraint as core would, or NULL; takes no lock */
extern const char *deploy_scan_obstacle(Oid conid);

/* Returns the rule of a constraint for a scan, or NULL with the reason in *why_core */
extern AuditKey *deploy_scan_key(Oid conid, const char **why_core);

/*
 * Judges constraints of one table (a List of AuditKey *) in one scan.  The
 * caller holds the locks, has checked that the table is not in use in its
 * session, and that the user may alter it.  Errors go through; if a condition
 * raised one, `raised` of its AuditKey is set.
 */
extern void deploy_scan(Oid child, List *keys);

/* Sets convalidated in pg_constraint, and invalidates other sessions' caches */
extern void deploy_mark_valid(Oid conid);

#endif							/* SG_DEPLOY_SCAN_H */
