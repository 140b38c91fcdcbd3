/*-------------------------------------------------------------------------
 *
 * plan_finding.c
 *	  Findings about failed or skipped steps, which tell listeners and relays
 *	  about a plan that nobody watches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "finding/finding.h"
#include "log/log.h"
#include "plan/plan.h"
#include "plan/plan_key.h"

void
plan_record_failed(const FkPlan *plan, List *steps, const pg_uuid_t *run)
{
	FindingRun	history = {.source = "plan",.role = plan->author,.reference = "",.target = plan->name,
	.run = *run,.started_at = GetCurrentTimestamp()};
	FindingCount counts[] = {{"failed", 0}};
	List	   *found = NIL;

	foreach_ptr(const PlanStep, step, steps)
	{
		Finding    *finding;

		if (step->state != STEP_FAILED && (step->state != STEP_SKIPPED || step->skipped_by))
			continue;
		finding = palloc0(sizeof(Finding));
		finding->kind = "step";
		finding->object = step->child_table ? step->child_table : plan->name;
		finding->property = psprintf("%d, %s", step->step, step->fk_name);
		finding->result = "fail";
		finding->detail = step->reason;
		finding->count = FINDING_UNCOUNTED;
		found = lappend(found, finding);
	}
	counts[0].count = list_length(found);
	if (found)
		finding_found(&history, found);
	finding_close(&history);
	(void) finding_notify(&history, found ? "fail" : "pass", counts, lengthof(counts), list_length(found));
}
