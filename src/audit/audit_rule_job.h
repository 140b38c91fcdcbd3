/*-------------------------------------------------------------------------
 *
 * audit_rule_job.h
 *	  What the engine asks of rules while it judges (audit_rule*.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_RULE_JOB_H
#define SG_AUDIT_RULE_JOB_H

#include "postgres.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "audit/audit_job.h"
#include "audit/audit_rows.h"
#include "audit/audit_rule.h"

/* Why it is not what it was, now that the table is locked, or NULL; a declared one is read again */
extern const char *audit_rule_changed(AuditKey *ak);

/* Why a scan can't judge it, or NULL */
extern const char *audit_rule_scan_problem(const AuditKey *ak, List *leaves);

/* May workers judge it? */
extern bool audit_rule_parallel_safe(const AuditKey *ak);

/* ---- by scan (audit_rule_scan.c) ---- */

/* Rules of one leaf while it is read */
typedef struct AuditRuleReader AuditRuleReader;

/*
 * Prepare the rules among the tasks of a read: marks the columns that they
 * want and raises *last to the last of them; NULL where there are no rules.
 */
extern AuditRuleReader *audit_rules_begin(AuditParticipant *participant, int read, Relation rel,
										  bool *wanted, int *last);

/* The row at hand */
extern void audit_rules_judge(AuditRuleReader *reader, AuditRows *rows);
extern void audit_rules_end(AuditRuleReader *reader);

/* The rows that all participants have kept for a task, as a List of Jsonb * */
extern List *audit_rule_sample(const AuditKey *ak, const AuditJob *job, int task, MemoryContext results);

/* ---- by query (audit_rule_sql.c) ---- */

extern void audit_rule_sql(AuditKey *ak, int samples, MemoryContext results, bool parallel);

#endif							/* SG_AUDIT_RULE_JOB_H */
