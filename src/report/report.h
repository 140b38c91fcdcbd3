/*-------------------------------------------------------------------------
 *
 * report.h
 *	  Shared by the files of report: keys to judge, and their verdicts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_REPORT_H
#define SG_REPORT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "audit/audit.h"
#include "plan/plan.h"

/* Keys and rules that a call is to judge */
typedef struct AuditSet
{
	Oid			child;			/* restrict to this child, or InvalidOid */
	List	   *schemas;		/* restrict to children in these schemas, or
								 * NIL */
	List	   *keys;			/* AuditKey * */
} AuditSet;

/* ---- report_audit.c ---- */

/* Steps of a plan, except validated ones whose key has a row already */
typedef enum ReportSteps
{
	REPORT_ALL,
	REPORT_WANTED,				/* rolled back steps are listed but not judged */
	REPORT_UNFINISHED			/* rolled back and skipped steps are not even
								 * listed */
} ReportSteps;

/* Add the declared keys; the chosen steps of a plan */
extern void report_add_declared(AuditSet *set);
extern void report_add_plan(AuditSet *set, const FkPlan *plan, ReportSteps which);

/*
 * Judges the keys, sorted by table and name; calls judged, if given, after each
 * batch, as audit_tables() does
 */
extern void report_judge(AuditSet *set, int samples, AuditJudged judged, void *arg);

/* Writes verdicts (AuditKey *): rows of the log, for roles with sg_grant(), and proofs */
extern void report_write(List *keys, const pg_uuid_t *run, const char *plan);

/* Returns the remark beside the verdict, or NULL */
extern const char *report_reason(const AuditKey *ak);

/* Returns the finding about a key that does not pass: "fk ON table: 2 orphan rows" */
extern char *report_finding(const AuditKey *ak);

/* ---- report_gate.c ---- */

extern void report_gate_init(void);

/* ---- report_stats.c ---- */

extern void report_stats_init(void);

#endif							/* SG_REPORT_H */
