/*-------------------------------------------------------------------------
 *
 * audit_yield.h
 *	  An audit that only reads gives way to whoever waits behind it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_YIELD_H
#define SG_AUDIT_YIELD_H

/* Who waited behind an audit for too long, and for which table */
typedef struct AuditWaiter
{
	int			pid;
	Oid			relid;
} AuditWaiter;

/*
 * From here to the end somebody who waits for what audit_yield_lock() has had
 * cancels what is running, unless schemaguard.audit_yield is off or this is a
 * standby.  The end returns who that was, or NULL; no such cancel comes after
 * it.
 */
extern void audit_yield_begin(void);
extern const AuditWaiter *audit_yield_end(void);

/* Returns what is said of a key that has given way to them */
extern char *audit_yield_text(const AuditWaiter *waiter);

#endif							/* SG_AUDIT_YIELD_H */
