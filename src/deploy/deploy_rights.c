/*-------------------------------------------------------------------------
 *
 * deploy_rights.c
 *	  Privileges that the caller lacks for the steps of a plan, as they
 *	  stand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_rights.h"

static char *
lacks_usage(Oid relid)
{
	if (object_aclcheck(NamespaceRelationId, get_rel_namespace(relid), GetUserId(), ACL_USAGE) == ACLCHECK_OK)
		return NULL;
	return psprintf("role %s has no USAGE on the schema of %s", GetUserNameFromId(GetUserId(), false),
					sg_relation_name(relid));
}

static char *
lacks_select(Oid relid, const AttrNumber *columns, int n)
{
	if (run_has_privilege(relid, columns, n, GetUserId(), ACL_SELECT))
		return NULL;
	return psprintf("role %s has no SELECT on the key's columns of %s",
					GetUserNameFromId(GetUserId(), false), sg_relation_name(relid));
}

char *
deploy_lacks(const StepView *view, bool references, bool rows)
{
	const FkKey *key = &view->key;
	char	   *lack = run_lacks_for_key(key, references);
	ListCell   *lc;

	foreach(lc, view->by_partition ? view->partitions : NIL)
	{
		if (lack == NULL)
			lack = run_lacks_ownership("partition", ((FkPartition *) lfirst(lc))->relid);
	}
	if (lack == NULL)
		lack = lacks_usage(key->child);
	if (lack == NULL)
		lack = lacks_usage(key->parent);
	if (lack == NULL && rows)
		lack = lacks_select(key->child, key->child_att, key->nkeys);
	if (lack == NULL && rows)
		lack = lacks_select(key->parent, key->parent_att, key->nkeys);
	return lack;
}

/* Returns the privilege that sg_add_fks() lacks for a step as it stands, or NULL */
static char *
lacks_for_step(PlanRun *run, PlanStep *step, const StepView *view)
{
	bool		fixes = run->fix && plan_step_fixes(step);

	if (view == NULL)
		return deploy_change_lacks_hook(step);
	switch (view->need)
	{
		case NEED_ADD:
			return deploy_lacks(view, true, fixes || deploy_audits_first(step));
		case NEED_VALIDATE:
			return deploy_lacks(view, false, fixes);
		case NEED_REPLACE:
			return deploy_lacks(view, false, fixes && !deploy_is_proved(run, view->existing));
		case NEED_SKIP:
			/* the step itself may be about to add the missing columns */
			if (step->backfill && OidIsValid(view->key.child) && OidIsValid(view->key.parent) &&
				view->problem->kind == FK_PROBLEM_NO_COLUMN)
				return run_lacks_ownership("child", view->key.child);
			return NULL;
		case NEED_NOTHING:
			if (fixes && !deploy_is_proved(run, view->existing))
				return deploy_lacks(view, false, true);
			return NULL;
	}
	return NULL;
}

/* Step whose rights are checked */
typedef struct RightsLook
{
	PlanRun    *run;
	PlanStep   *step;
	char	   *(*lacks_for) (PlanRun *run, PlanStep *step, const StepView *view);
	char	   *lack;
} RightsLook;

/* Finds the rights that a step lacks; for sg_read(), which looks again if a table is dropped meanwhile */
static void
find_lack(void *arg)
{
	RightsLook *look = arg;
	StepView	view;

	if (look->step->kind == STEP_FOREIGN_KEY)
		deploy_look(look->step, &view);
	look->lack = look->lacks_for(look->run, look->step, look->step->kind == STEP_FOREIGN_KEY ? &view : NULL);
}

void
deploy_check_each(PlanRun *run,
				  char *(*lacks_for) (PlanRun *run, PlanStep *step, const StepView *view))
{
	RunLacks	lacks = {0};

	foreach_ptr(PlanStep, step, plan_chosen_steps(run->plan))
	{
		RightsLook	look = {run, step, lacks_for};

		CHECK_FOR_INTERRUPTS();
		if (step->skipped_by || step->phase)
			continue;
		sg_read(find_lack, &look);

		/*
		 * look again: a table that was just dropped seems to belong to
		 * another role
		 */
		if (look.lack)
			sg_read(find_lack, &look);
		if (look.lack)
			run_add_lack(&lacks, psprintf("Step %d, %s", step->step, plan_step_object(step)), look.lack);
	}
	run_report_lacks(run, &lacks,
					 psprintf("Run it as the owner of the child tables, with REFERENCES and SELECT on the parents. What to grant:\n%s",
							  run_select_text(run, "sg_plan_check")));
}

void
deploy_check_add_rights(PlanRun *run)
{
	deploy_check_each(run, lacks_for_step);
}
