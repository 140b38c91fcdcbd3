/*-------------------------------------------------------------------------
 *
 * audit_yield.h
 *	  An audit stops for whoever waits behind it, and for want of disk space.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_YIELD_H
#define SG_AUDIT_YIELD_H

#include "postgres.h"

/* Number of times that a reader gives way, before it holds its locks */
#define AUDIT_MOST_YIELDS 3

/* Why an audit has cancelled itself */
typedef struct AuditStop
{
	char	   *reason;			/* NULL: it has not */
	Oid			relid;			/* object that a session waits for;
								 * InvalidOid: low on space */
} AuditStop;

/*
 * Runs fn(arg), which reads, in a subtransaction that is always rolled back, so
 * that ALTER TABLE does not wait for its locks.  Returns its error, or NULL; on
 * a standby, where there is no subtransaction, an error is raised.
 *
 * Cancels it if its temporary files leave less space free than
 * schemaguard.min_free_disk; and, if it yields and schemaguard.audit_yield is
 * on, for a session that waits for an object of audit_yield_lock().
 */
extern ErrorData *audit_run(void (*fn) (void *arg), void *arg, bool yields, AuditStop *stop);

/*
 * For other readers: between begin and end, a session that waits for a table
 * that they have locked cancels them, unless schemaguard.audit_yield is off or
 * this is a standby.  The end returns the reason, or NULL; no such cancel comes
 * after it.
 */
extern void audit_yield_begin(void);
extern char *audit_yield_end(void);

/*
 * Called before a table or index is locked, unless a lock that the transaction
 * holds already, which is not given up; and after, for tables (OIDs) that the
 * reader gives up when it is cancelled
 */
extern void audit_yield_lock(Oid relid);
extern void audit_yield_locked(List *relids);

#endif							/* SG_AUDIT_YIELD_H */
