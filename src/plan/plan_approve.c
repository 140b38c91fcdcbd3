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
 * Hash of a plan p that role %s approves, or of its contents: NULL.  A column
 * that an upgrade adds is null in older plans, and null does not change the
 * hash, nor do missing options.
 */
#define CONTENT_HASH(role) \
	"encode(sha256(convert_to(concat_ws(E'\\n', p.author, " role ", nullif(p.options, '{}')::text, " \
	" (SELECT string_agg(jsonb_strip_nulls(to_jsonb(s) - '{state,reason,attempts,updated_at}'::text[])::text," \
	"                    E'\\n' ORDER BY s.step)" \
	"  FROM schemaguard.plan_step s WHERE s.plan = p.name))," \
	" getdatabaseencoding())), 'hex')"

/* ---- roles ---- */

/* Returns all roles of the current session: its login, SET ROLE, the function's owner */
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

void
plan_check_no_author(const char *kind, const char *name, const char *author, List *authors)
{
	Oid			author_id = get_role_oid(author, true);

	foreach_oid(role, present_roles())
	{
		char	   *present = GetUserNameFromId(role, false);
		bool		is_author = strcmp(present, author) == 0;

		if (is_author || sg_has_name(authors, present))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role %s can't approve %s \"%s\"", present, kind, name),
					 is_author ? errdetail("It is the %s's author.", kind) :
					 errdetail("It has changed the %s, or logged in the session that did.", kind),
					 errhint("Somebody else approves it, in a session with a login of their own: SET ROLE makes nobody another person.")));

		/*
		 * superusers count as members of every role, which would exclude them
		 * all
		 */
		if (OidIsValid(author_id) && is_member_of_role_nosuper(role, author_id))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role %s can't approve %s \"%s\"", present, kind, name),
					 errdetail("It is a member of the author's role \"%s\", and so could change the %s.", author, kind),
					 errhint("Somebody who has no part in that role approves it.")));
	}
}

/* Raises 42501 for roles that wrote the plan, or could have, and for roles that may not use it */
static void
check_may_approve(const FkPlan *plan)
{
	plan_check_no_author("plan", plan->name, plan->author,
						 plan_read_one(plan, "SELECT changed_by FROM schemaguard.plan WHERE name = $1", store_read_texts));
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
 * Returns the hash of the plan's present contents, by which sg_plan_approve()
 * checks that they are those that were read.  Raises 42501 for a role that may
 * not read the plan.
 */
static Datum
sg_plan_hash_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(plan_hash(plan_get_readable(sg_arg_text(fcinfo, 0)))));
}

/*
 * sg_plan_approve(plan text, hash text DEFAULT NULL)
 *
 * Approves the plan's present contents; any change withdraws the approval.
 * With a hash, only if the plan still has it (55000).  For roles that may use
 * the plan, except those that wrote it or could have: the author, members of
 * the author's role, roles that have changed it (42501).  Superusers may,
 * unless they are among these. 55006 while a session runs or changes it.  Locks
 * the plan until the end of the transaction; other sessions get 55006.
 */
static Datum
sg_plan_approve_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));

	/*
	 * before the lock, because a role that may not use the plan must not lock
	 * it; and again below
	 */
	check_may_approve(plan);
	plan_claim(plan, "sg_plan_approve()");
	plan = plan_get(plan->name);
	check_may_approve(plan);
	if (!sg_arg_is_null(fcinfo, 1) &&
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
