/*-------------------------------------------------------------------------
 *
 * deploy_rights.c
 *	  What the caller of a procedure lacks, found before anything starts.
 *
 * A plan may be run by others than its author, so what a caller lacks is an
 * error for that caller and leaves no trace in the plan.  A right that is
 * lost while the plan runs fails the step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "deploy/deploy.h"

/* What is missing; the first of it in words */
typedef struct Lacks
{
	int			steps;
	char	   *first;
} Lacks;

bool
deploy_has_privilege(Oid relid, const AttrNumber *columns, int n, Oid role, AclMode mode)
{
	if (pg_class_aclcheck(relid, role, mode) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < n; i++)
	{
		if (pg_attribute_aclcheck(relid, columns[i], role, mode) != ACLCHECK_OK)
			return false;
	}
	return n > 0;
}

static char *
lacks_ownership(const char *what, Oid relid)
{
	if (object_ownercheck(RelationRelationId, relid, GetUserId()))
		return NULL;
	return psprintf("role %s does not own %s %s", GetUserNameFromId(GetUserId(), false), what,
					sg_relation_name(relid));
}

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
	if (deploy_has_privilege(relid, columns, n, GetUserId(), ACL_SELECT))
		return NULL;
	return psprintf("role %s has no SELECT on the key's columns of %s",
					GetUserNameFromId(GetUserId(), false), sg_relation_name(relid));
}

/* What ALTER TABLE would ask for; `references` for a key that is new */
static char *
lacks_for_key(const FkKey *key, bool references)
{
	char	   *lack = lacks_ownership("child", key->child);

	if (lack || !references ||
		deploy_has_privilege(key->parent, key->parent_att, key->nkeys, GetUserId(), ACL_REFERENCES))
		return lack;
	return psprintf("role %s has no REFERENCES on parent %s", GetUserNameFromId(GetUserId(), false),
					sg_relation_name(key->parent));
}

void
deploy_check_privileges(const FkKey *key, bool references)
{
	char	   *lack;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->child)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->parent)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("child or parent was dropped meanwhile"),
				 errhint("Run the plan again: it looks the tables up anew.")));
	lack = lacks_for_key(key, references);
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
}

/* The key, its schemas, and, where orphans are counted, its rows */
static char *
lacks_for_view(const StepView *view, bool references, bool rows)
{
	const FkKey *key = &view->key;
	char	   *lack = lacks_for_key(key, references);
	ListCell   *lc;

	foreach(lc, view->by_partition ? view->partitions : NIL)
	{
		if (lack == NULL)
			lack = lacks_ownership("partition", ((FkPartition *) lfirst(lc))->relid);
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

/* What sg_add_fks() needs for a step as it stands */
static char *
lacks_for_step(DeployRun *run, PlanStep *step, const StepView *view)
{
	bool		fixes = run->fix && plan_step_fixes(step);

	switch (view->need)
	{
		case NEED_ADD:
			return lacks_for_view(view, true, fixes || deploy_audits_first(step));
		case NEED_VALIDATE:
			return lacks_for_view(view, false, fixes);
		case NEED_REPLACE:
			return lacks_for_view(view, false, fixes && !deploy_is_proved(run, view->existing));
		case NEED_SKIP:
			/* its columns may be missing because it is to add them */
			if (step->backfill && OidIsValid(view->key.child) && OidIsValid(view->key.parent) &&
				view->problem->sqlerrcode == ERRCODE_UNDEFINED_COLUMN)
				return lacks_ownership("child", view->key.child);
			return NULL;
		case NEED_NOTHING:
			if (fixes && !deploy_is_proved(run, view->existing))
				return lacks_for_view(view, false, true);
			return NULL;
	}
	return NULL;
}

/* What sg_fix_orphans() needs for it */
static char *
lacks_for_fix(DeployRun *run, PlanStep *step, const StepView *view)
{
	bool		valid = view->need == NEED_NOTHING || view->need == NEED_REPLACE;

	if (!plan_step_fixes(step) ||
		(view->need != NEED_VALIDATE && !(view->need == NEED_ADD && run->dry_run) &&
		 !(valid && !deploy_is_proved(run, view->existing))))
		return NULL;
	return lacks_for_view(view, false, true);
}

static void
add_lack(Lacks *lacks, const char *object, const char *lack)
{
	if (lacks->steps++ == 0)
		lacks->first = psprintf("%s: %s", object, lack);
}

static void
report_lacks(const DeployRun *run, const Lacks *lacks, const char *hint)
{
	if (lacks->steps == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role %s lacks privileges that plan \"%s\" needs",
					GetUserNameFromId(GetUserId(), false), run->plan->name),
			 lacks->steps == 1 ? errdetail("%s.", lacks->first) :
			 errdetail("%s; and so for %d more.", lacks->first, lacks->steps - 1),
			 errhint("Nothing was done. %s", hint)));
}

static void
check_each(DeployRun *run,
		   char *(*lacks_for) (DeployRun *run, PlanStep *step, const StepView *view))
{
	Lacks		lacks = {0};
	ListCell   *lc;

	foreach(lc, plan_steps(run->plan->name))
	{
		PlanStep   *step = lfirst(lc);
		StepView	view;
		char	   *lack;

		CHECK_FOR_INTERRUPTS();
		if (step->skipped_by)
			continue;
		deploy_look(step, &view);
		lack = lacks_for(run, step, &view);
		if (lack)
			add_lack(&lacks, psprintf("Step %d, %s", step->step, plan_step_object(step)), lack);
	}
	report_lacks(run, &lacks,
				 "Run it as the owner of the child tables, with REFERENCES and SELECT on the parents; sg_plan_check() says what to grant, sg_plan_skip() leaves a step out.");
}

void
deploy_check_add_rights(DeployRun *run)
{
	check_each(run, lacks_for_step);
}

void
deploy_check_fix_rights(DeployRun *run)
{
	check_each(run, lacks_for_fix);
}

void
deploy_check_ownership(const DeployRun *run, List *tables)
{
	Lacks		lacks = {0};
	ListCell   *lc;

	foreach(lc, tables)
	{
		Oid			relid = sg_find_qualified(lfirst(lc));
		char	   *lack = OidIsValid(relid) ? lacks_ownership("table", relid) : NULL;

		if (lack)
			add_lack(&lacks, lfirst(lc), lack);
	}
	report_lacks(run, &lacks, "Run it as the owner of these tables.");
}

void
deploy_check_insert(const DeployRun *run, List *tables)
{
	Lacks		lacks = {0};
	ListCell   *lc;

	foreach(lc, tables)
	{
		Oid			relid = sg_find_qualified(lfirst(lc));

		if (OidIsValid(relid) &&
			pg_class_aclmask(relid, GetUserId(), ACL_SELECT | ACL_INSERT, ACLMASK_ALL) != (ACL_SELECT | ACL_INSERT))
			add_lack(&lacks, lfirst(lc), psprintf("role %s has no SELECT and INSERT",
												  GetUserNameFromId(GetUserId(), false)));
	}
	report_lacks(run, &lacks, "Run it as the owner of these tables, or grant that.");
}
