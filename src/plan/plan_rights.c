/*-------------------------------------------------------------------------
 *
 * plan_rights.c
 *	  Roles that may use a plan: read it, run it, approve it; and
 *	  sg_plan_allow().
 *
 *	  A plan is usable for its author's role, for a role that owns every child
 *	  table in it, and for roles that the author has allowed; superusers may
 *	  do everything, members of pg_monitor read.  Row security of
 *	  schemaguard.plan, plan_step and plan_note calls sg_readable_plans(), so
 *	  that SQL shows the same plans as the functions.
 *
 *	  Anybody may take a free name for a plan, so a name alone must not make a
 *	  role run one: to run another role's plan, a role other than a superuser
 *	  has to name its author.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_store.h"

SG_FUNCTION(sg_plan_allow);
SG_FUNCTION(sg_readable_plans);

/* Returns whether the current role has the privileges of a role, if it exists */
static bool
has_rights_of(Oid role)
{
	return OidIsValid(role) && has_privs_of_role(GetUserId(), role);
}

/* Superusers have every role's privileges, and the owner of the database stands in for an author's role that is gone. */
bool
plan_is_authors(const FkPlan *plan)
{
	return superuser() || has_rights_of(OidIsValid(plan->author_id) ? plan->author_id : ROLE_PG_DATABASE_OWNER);
}

/*
 * Returns whether the role owns every child table; never for a plan without
 * steps, with a step without a table, or with a missing table
 */
static bool
owns_children(const FkPlan *plan)
{
	List	   *children = plan_read_one(plan,
										 "SELECT CASE WHEN bool_and(child_table IS NOT NULL) THEN array_agg(DISTINCT child_table) END AS children"
										 " FROM schemaguard.plan_step WHERE plan = $1",
										 store_read_texts);
	ListCell   *lc;

	foreach(lc, children)
	{
		Oid			child = sg_find_qualified(lfirst(lc));

		if (!OidIsValid(child) || !sg_owns_relation(child, GetUserId()))
			return false;
	}
	return children != NIL;
}

static bool
may_use(const FkPlan *plan)
{
	if (plan_is_authors(plan))
		return true;
	foreach_oid(role, plan->allowed)
	{
		if (has_rights_of(role))
			return true;
	}
	return owns_children(plan);
}

bool
plan_is_readable(const FkPlan *plan)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_MONITOR) || may_use(plan);
}

static void
permission_denied(const FkPlan *plan)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for plan \"%s\"", plan->name),
			 errdetail("The plan belongs to role \"%s\", and role %s does not own all of its child tables.",
					   plan->author, GetUserNameFromId(GetUserId(), false)),
			 errhint(sg_calls("Have %s allow it:\nSELECT sg_plan_allow(%s, %s);"),
					 OidIsValid(plan->author_id) ? "its author" : "the owner of the database, or a superuser, as that role does not exist,",
					 quote_literal_cstr(plan->name),
					 quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
}

FkPlan *
plan_get_readable(const char *name)
{
	FkPlan	   *plan = plan_get(name);

	if (!plan_is_readable(plan))
		permission_denied(plan);
	return plan;
}

void
plan_check_usable(const FkPlan *plan)
{
	if (!may_use(plan))
		permission_denied(plan);
}

void
plan_check_author(const FkPlan *plan, const char *author)
{
	Oid			role = plan->author_id;

	if (author && strcmp(author, plan->author) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("plan \"%s\" is by role \"%s\", not by \"%s\"", plan->name, plan->author, author),
				 errhint("Somebody else has taken that name. Make one of another name, or look at what this one does:\n%s", plan_sql_call(plan->name))));
	if (author || role == GetUserId() || (OidIsValid(role) && superuser_arg(role)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("plan \"%s\" is by role \"%s\"", plan->name, plan->author),
			 errdetail("A plan of another role runs only for who names that role: anybody could have made a plan of this name."),
			 errhint("Read it and, if it is the plan that you mean, add author => %s:\n%s",
					 quote_literal_cstr(plan->author), plan_sql_call(plan->name))));
}

/*
 * sg_plan_allow(plan text, role text, allowed boolean DEFAULT true)
 *
 * Lets a role read, run and approve the plan, or revokes that.  For the
 * author's role and superusers (42501). 42704: the role does not exist, which
 * is no error for a revocation.
 */
static Datum
sg_plan_allow_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	char	   *role;
	bool		allowed;
	StoreArgs	args = {0};

	sg_check_granted(fcinfo);
	role = sg_arg_text(fcinfo, 1);
	allowed = sg_arg_bool(fcinfo, 2);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_allow()");
	store_arg_text(&args, plan->name);
	store_arg_text(&args, role);
	store_arg_text(&args, allowed ? plan_deed_mark(sg_role_by_name(role)) : NULL);

	/*
	 * with present names, and without roles that are gone; objects of the
	 * version before have no marks
	 */
	store_change(SPI_OK_UPDATE, get_attnum(plan->table, "allowed_marks") != InvalidAttrNumber ?
				 "UPDATE schemaguard.plan SET (allowed, allowed_marks) ="
				 " (SELECT coalesce(array_agg(r.name ORDER BY r.n), '{}'), coalesce(array_agg(coalesce(r.mark, '') ORDER BY r.n), '{}')"
				 "  FROM (SELECT schemaguard.sg_plan_author(u.name, u.mark) AS name, u.mark, u.n"
				 "        FROM unnest(allowed, allowed_marks) WITH ORDINALITY u (name, mark, n)"
				 "        UNION ALL SELECT $2, $3, NULL) r"
				 "  WHERE CASE WHEN r.n IS NULL THEN r.mark IS NOT NULL ELSE r.name <> $2 END) WHERE name = $1" :
				 "UPDATE schemaguard.plan SET allowed = array_remove(allowed, $2) || CASE WHEN $3 IS NOT NULL THEN ARRAY[$2] END WHERE name = $1", &args);
	plan_log(plan, 0, allowed ? "plan allow" : "plan disallow", role, NULL);

	PG_RETURN_VOID();
}

/*
 * sg_readable_plans()
 *
 * Returns the names of the plans that the current role may read.  For policies.
 */
static Datum
sg_readable_plans_entered(PG_FUNCTION_ARGS)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, plan_readable())
		names = lappend(names, ((FkPlan *) lfirst(lc))->name);

	PG_RETURN_DATUM(sg_text_array(names));
}
