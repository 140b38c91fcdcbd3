/*-------------------------------------------------------------------------
 *
 * report.h
 *	  Shared by the files of report: which keys to judge, and what came of it.
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
	List	   *schemas;		/* restrict to children in these, or NIL */
	List	   *keys;			/* of AuditKey * */
} AuditSet;

/* ---- report_audit.c ---- */

/* Steps of a plan, but for those that are validated and whose key has a row already */
typedef enum ReportSteps
{
	REPORT_ALL,
	REPORT_WANTED,				/* those that were rolled back are not judged */
	REPORT_UNFINISHED			/* not even named, nor are skipped ones */
} ReportSteps;

/* The declared keys; the chosen steps of a plan */
extern void report_add_declared(AuditSet *set);
extern void report_add_plan(AuditSet *set, const FkPlan *plan, ReportSteps which);

/* Judge the keys, sorted by table and name; judged, if given, is called after each batch, as by audit_tables() */
extern void report_judge(AuditSet *set, int samples, AuditJudged judged, void *arg);

/* Write verdicts (of AuditKey *) down: rows of the log, for roles with sg_grant(), and proofs */
extern void report_write(List *keys, const pg_uuid_t *run, const char *plan);

/* Returns the remark beside the verdict, or NULL */
extern const char *report_reason(const AuditKey *ak);

/* Describes the finding about a key that does not pass: "fk ON table: 2 orphan rows" */
extern char *report_finding(const AuditKey *ak);

/* ---- report_gate.c ---- */

extern void report_gate_init(void);

#endif							/* SG_REPORT_H */
