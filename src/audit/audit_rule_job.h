/*-------------------------------------------------------------------------
 *
 * audit_rule_job.h
 *	  Interface by which the engine judges rules (audit_rule*.c).
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

/* Returns how the rule has changed, now that the table is locked, or NULL; reads a declared one again */
extern const char *audit_rule_changed(AuditKey *ak);

/* Returns why a scan can't judge the rule, or NULL */
extern const char *audit_rule_scan_problem(const AuditKey *ak, List *leaves);

/* Returns whether workers may judge the rule */
extern bool audit_rule_parallel_safe(const AuditKey *ak);

/* ---- by scan (audit_rule_scan.c) ---- */

/* State of the rules of one leaf while it is read */
typedef struct AuditRuleReader AuditRuleReader;

/*
 * Prepares the rules among the tasks of a read: marks the columns that they
 * need, and raises *last to the last of them; returns NULL if there are no
 * rules.
 */
extern AuditRuleReader *audit_rules_begin(AuditParticipant *participant, int read, Relation rel,
										  bool *wanted, int *last);

/* Judges the current row */
extern void audit_rules_judge(AuditRuleReader *reader, AuditRows *rows);
extern void audit_rules_end(AuditRuleReader *reader);

/* Returns the rows that all participants have kept for a task, as a List of Jsonb * */
extern List *audit_rule_sample(const AuditKey *ak, const AuditJob *job, int task, MemoryContext results);

/* ---- by query (audit_rule_sql.c) ---- */

extern void audit_rule_sql(AuditKey *ak, int samples, MemoryContext results, bool parallel);

#endif							/* SG_AUDIT_RULE_JOB_H */
