/*-------------------------------------------------------------------------
 *
 * run_rights.c
 *	  Privileges that the caller of a procedure lacks, found before anything
 *	  starts.
 *
 *	  A plan may be run by other roles than its author, so a missing privilege
 *	  is an error for that caller and leaves no trace in the plan.  A
 *	  privilege that is lost while the plan runs fails the step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_rights.h"

bool
run_has_privilege(Oid relid, const AttrNumber *columns, int n, Oid role, AclMode mode)
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

char *
run_lacks_ownership(const char *what, Oid relid)
{
	if (sg_owns_relation(relid, GetUserId()))
		return NULL;
	return psprintf("role %s does not own %s %s", GetUserNameFromId(GetUserId(), false), what,
					sg_relation_name(relid));
}

char *
run_lacks_for_key(const FkKey *key, bool references)
{
	char	   *lack = run_lacks_ownership("child", key->child);

	if (lack || !references ||
		run_has_privilege(key->parent, key->parent_att, key->nkeys, GetUserId(), ACL_REFERENCES))
		return lack;
	return psprintf("role %s has no REFERENCES on parent %s", GetUserNameFromId(GetUserId(), false),
					sg_relation_name(key->parent));
}

void
run_check_confirmed(const PlanRun *run, bool (*runs) (const PlanStep *step))
{
	const PlanStep *holder = NULL;
	PlanRun		confirmed = *run;
	char	   *hash;

	if (run->plan->author_id == GetUserId())
		return;
	foreach_ptr(const PlanStep, step, plan_chosen_steps(run->plan))
	{
		if (holder == NULL && !step->skipped_by && plan_step_holds_sql(step) && (runs == NULL || runs(step)))
			holder = step;
	}
	if (holder == NULL)
		return;
	hash = plan_hash(run->plan);
	if (run->confirm && strcmp(run->confirm, hash) == 0)
		return;
	confirmed.confirm = hash;
	ereport(ERROR,
			(errcode(run->confirm ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE : ERRCODE_INSUFFICIENT_PRIVILEGE),
			 run->confirm ? errmsg("plan \"%s\" does not have that hash", run->plan->name) :
			 errmsg("plan \"%s\" holds SQL of role %s, which would run with your privileges", run->plan->name,
					run->plan->author),
			 errdetail("Step %d is %s.", holder->step, plan_step_object(holder)),
			 errhint("Read it:\n%s\nThen confirm it:\n%s", plan_sql_call(run->plan->name),
					 run_call_text(&confirmed, strcmp(run->procedure, "sg_add_fks") == 0 ? "sg_apply" : run->procedure))));
}

void
run_check_privileges(const FkKey *key, bool references)
{
	char	   *lack;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->child)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->parent)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("child or parent was dropped meanwhile"),
				 errhint("Run the plan again: it looks the tables up again.")));
	lack = run_lacks_for_key(key, references);
	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
}

void
run_add_lack(RunLacks *lacks, const char *object, const char *lack)
{
	if (lacks->steps++ == 0)
		lacks->first = psprintf("%s: %s", object, lack);
}

void
run_report_lacks(const PlanRun *run, const RunLacks *lacks, const char *hint)
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

/* Checks tables by their qualified names; missing tables do not count */
static void
check_tables(const PlanRun *run, List *tables, char *(*lacks_for) (Oid relid), const char *hint)
{
	RunLacks	lacks = {0};
	ListCell   *lc;

	foreach(lc, tables)
	{
		Oid			relid = sg_find_qualified(lfirst(lc));
		char	   *lack = OidIsValid(relid) ? lacks_for(relid) : NULL;

		if (lack)
			run_add_lack(&lacks, lfirst(lc), lack);
	}
	run_report_lacks(run, &lacks, hint);
}

static char *
lacks_table(Oid relid)
{
	return run_lacks_ownership("table", relid);
}

void
run_check_ownership(const PlanRun *run, List *tables)
{
	check_tables(run, tables, lacks_table, "Run it as the owner of these tables.");
}

static char *
lacks_insert(Oid relid)
{
	bool		gone = false;
	bool		may = pg_class_aclcheck_ext(relid, GetUserId(), ACL_SELECT, &gone) == ACLCHECK_OK &&
		pg_class_aclcheck_ext(relid, GetUserId(), ACL_INSERT, &gone) == ACLCHECK_OK;

	if (may || gone)
		return NULL;
	return psprintf("role %s has no SELECT and INSERT", GetUserNameFromId(GetUserId(), false));
}

void
run_check_insert(const PlanRun *run, List *tables)
{
	check_tables(run, tables, lacks_insert, "Run it as the owner of these tables, or grant that.");
}
