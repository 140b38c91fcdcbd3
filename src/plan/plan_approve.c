/*-------------------------------------------------------------------------
 *
 * plan_approve.c
 *	  Four eyes: sg_plan_approve(), and what makes an approval count.
 *
 * An approval is bound to what the plan says, by a hash over author, approver,
 * options and all of the steps but how far they have come: a change that went round
 * our functions, which withdraw the approval themselves, is noticed, too.
 * plan.changed_by has every role that had a hand in the plan, current and
 * session user both: SET ROLE makes nobody another person.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_store.h"

SG_FUNCTION(sg_plan_approve);
SG_FUNCTION(sg_plan_hash);

/*
 * The hash of a plan p that role %s approves, or of what it says: NULL.  A
 * column that an upgrade adds is null in older plans, and null makes no
 * difference, nor do options where there are none.
 */
#define CONTENT_HASH(role) \
	"encode(sha256(convert_to(concat_ws(E'\\n', p.author, " role ", nullif(p.options, '{}')::text, " \
	" (SELECT string_agg(jsonb_strip_nulls(to_jsonb(s) - '{state,reason,attempts,updated_at}'::text[])::text," \
	"                    E'\\n' ORDER BY s.step)" \
	"  FROM schemaguard.plan_step s WHERE s.plan = p.name))," \
	" getdatabaseencoding())), 'hex')"

/* ---- who ---- */

/* Everybody that the current session is: its login, SET ROLE, the function's owner */
static List *
present_roles(void)
{
	List	   *roles = list_make1_oid(GetUserId());

	roles = list_append_unique_oid(roles, GetOuterUserId());
	return list_append_unique_oid(roles, GetSessionUserId());
}

List *
plan_present_role_names(void)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, present_roles())
		names = lappend(names, GetUserNameFromId(lfirst_oid(lc), false));
	return names;
}

/* 42501 for whoever wrote the plan, or could have, and for whom it is nothing to */
static void
check_may_approve(const FkPlan *plan)
{
	Oid			author = get_role_oid(plan->author, true);
	List	   *changed_by = plan_read_one(plan, "SELECT changed_by FROM schemaguard.plan WHERE name = $1",
										   store_read_texts);

	foreach_oid(role, present_roles())
	{
		char	   *name = GetUserNameFromId(role, false);
		bool		is_author = strcmp(name, plan->author) == 0;

		if (is_author || sg_has_name(changed_by, name))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role %s can't approve plan \"%s\"", name, plan->name),
					 errdetail(is_author ? "It is the plan's author." : "It has changed the plan, or logged in the session that did."),
					 errhint("Somebody else approves it, in a session with a login of their own: SET ROLE makes nobody another person.")));

		/* superusers are members of every role, so that says nothing */
		if (OidIsValid(author) && is_member_of_role_nosuper(role, author))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role %s can't approve plan \"%s\"", name, plan->name),
					 errdetail("It is a member of the author's role \"%s\", and so could change the plan.", plan->author),
					 errhint("Somebody who has no part in that role approves it.")));
	}
	plan_check_usable(plan);
}

/* ---- approval ---- */

char *
plan_hash(const FkPlan *plan)
{
	return plan_read_one(plan, "SELECT " CONTENT_HASH("NULL") " AS hash FROM schemaguard.plan p WHERE p.name = $1",
						 store_read_text);
}

/*
 * sg_plan_hash(plan text)
 *
 * The hash of what the plan says now, by which sg_plan_approve() tells that
 * this is what was read.  42501 for who may not read it.
 */
static Datum
sg_plan_hash_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(plan_hash(plan_get_readable(sg_arg_text(fcinfo, 0)))));
}

/*
 * sg_plan_approve(plan text, hash text DEFAULT NULL)
 *
 * Approves the plan as it stands; any change withdraws that.  With a hash only
 * if the plan still has it (55000).  For those who may use the plan, but for
 * those that wrote it or could have: the author, members of the author's role,
 * whoever has changed it (42501).  Superusers may, unless they are among these
 * themselves.  55006 while a session runs or changes it.  Holds the plan until
 * the end of the transaction; who wants it meanwhile gets 55006.
 */
static Datum
sg_plan_approve_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));

	/*
	 * nobody holds a plan that is nothing to them; until they do, that may
	 * change
	 */
	check_may_approve(plan);
	plan_claim(plan, "sg_plan_approve()");
	plan = plan_get(plan->name);
	check_may_approve(plan);
	if (!PG_ARGISNULL(1) &&
		strcmp(sg_arg_text(fcinfo, 1), plan_hash(plan)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("plan \"%s\" does not have that hash", plan->name),
				 errdetail("It was changed since that hash was taken, or the hash is another plan's."),
				 errhint(sg_calls("Read the plan as it is now, and approve it with its hash:\nSELECT schemaguard.sg_plan_hash(%s);"), quote_literal_cstr(plan->name))));

	plan_change_row(plan, GetUserNameFromId(GetUserId(), false),
					"UPDATE schemaguard.plan p SET approved_by = $2, approved_at = clock_timestamp(),"
					" approved_hash = " CONTENT_HASH("$2") " WHERE p.name = $1");
	plan_log(plan, 0, "plan approve", plan->name, NULL);

	PG_RETURN_VOID();
}

void
plan_withdraw_approval(const FkPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan_present_role_names())
		plan_change_row(plan, lfirst(lc),
						"UPDATE schemaguard.plan SET changed_by = changed_by || $2"
						" WHERE name = $1 AND $2 <> ALL (changed_by)");
	if (plan_change_row(plan, NULL,
						"UPDATE schemaguard.plan SET approved_by = NULL, approved_at = NULL, approved_hash = NULL"
						" WHERE name = $1 AND (approved_by IS NOT NULL OR approved_at IS NOT NULL)"))
		plan_log(plan, 0, "plan withdraw", plan->name, "the plan was changed");
}

char *
plan_approval_problem(const FkPlan *plan)
{
	return plan_read_one(plan,
						 "SELECT CASE WHEN p.approved_by IS NULL"
						 " THEN 'Nobody has approved it, or a change has withdrawn the approval.'"
						 " WHEN p.approved_hash IS DISTINCT FROM " CONTENT_HASH("p.approved_by")
						 " THEN 'It is not what was approved: the tables of schemaguard were changed directly.'"
						 " END AS problem FROM schemaguard.plan p WHERE p.name = $1",
						 store_read_text);
}
