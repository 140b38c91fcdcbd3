/*-------------------------------------------------------------------------
 *
 * audit_distinct.h
 *	  Distinct orphan keys, in bounded memory (audit_distinct.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_DISTINCT_H
#define SG_AUDIT_DISTINCT_H

#include "postgres.h"
#include "utils/sharedtuplestore.h"

#include "audit/audit.h"

typedef struct AuditDistinct AuditDistinct;

/*
 * For one key, in CurrentMemoryContext; nothing more is allocated before the
 * first orphan.  A worker hands them on through sts; the leader, without one,
 * sorts them in so many kB.
 */
extern AuditDistinct *audit_distinct_begin(const FkKey *key, SharedTuplestoreAccessor *sts,
										   int memory_kb);

/* values in FkKey's order; bytes, if there are any, are those of the codec */
extern bool audit_distinct_seen(AuditDistinct *distinct, const char *bytes, Size len);
extern void audit_distinct_add(AuditDistinct *distinct, const Datum *values, const bool *nulls);

/* A worker's last word: what it added can be read */
extern void audit_distinct_flush(AuditDistinct *distinct);
extern void audit_distinct_drain(AuditDistinct *distinct, SharedTuplestoreAccessor *sts);

/*
 * Count them, keep the first `samples`, free everything.  For UNIQUE, those
 * that have come more than once, and how often they have.
 */
extern void audit_distinct_end(AuditDistinct *distinct, AuditKey *ak, int samples, MemoryContext results);
extern bool audit_distinct_possible(const FkKey *key);

#endif							/* SG_AUDIT_DISTINCT_H */
