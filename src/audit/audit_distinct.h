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
 * Starts the count for one key, in CurrentMemoryContext; allocates more only at
 * the first orphan.  A worker passes orphans on by sts; the leader, without
 * one, sorts them in memory_kb.
 */
extern AuditDistinct *audit_distinct_begin(const FkKey *key, SharedTuplestoreAccessor *sts,
										   int memory_kb);

/* values are in FkKey's order; bytes, if given, are the codec's */
extern bool audit_distinct_seen(AuditDistinct *distinct, const char *bytes, Size len);
extern void audit_distinct_add(AuditDistinct *distinct, const Datum *values, const bool *nulls);

/* flush: a worker has added its last orphan; drain: the leader reads them */
extern void audit_distinct_flush(AuditDistinct *distinct);
extern void audit_distinct_drain(AuditDistinct *distinct, SharedTuplestoreAccessor *sts);

/*
 * Counts the distinct keys, keeps the first `samples`, and frees everything.
 * For UNIQUE counts values that occurred more than once, and their occurrences.
 */
extern void audit_distinct_end(AuditDistinct *distinct, AuditKey *ak, int samples, MemoryContext results);
extern bool audit_distinct_possible(const FkKey *key);

#endif							/* SG_AUDIT_DISTINCT_H */
