/*-------------------------------------------------------------------------
 *
 * audit_yield.h
 *	  An audit that only reads gives way to whoever waits behind it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_YIELD_H
#define SG_AUDIT_YIELD_H

/* Session that has waited behind an audit for too long, and the table */
typedef struct AuditWaiter
{
	int			pid;
	Oid			relid;
} AuditWaiter;

/*
 * Between begin and end, a session that waits for an object of
 * audit_yield_lock() cancels the running work, unless schemaguard.audit_yield
 * is off or this is a standby.  The end returns that session, or NULL; no such
 * cancel comes after it.
 */
extern void audit_yield_begin(void);
extern const AuditWaiter *audit_yield_end(void);

/* Returns the reason of a key that has given way to a session */
extern char *audit_yield_text(const AuditWaiter *waiter);

#endif							/* SG_AUDIT_YIELD_H */
