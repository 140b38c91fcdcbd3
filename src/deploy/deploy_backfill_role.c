/*-------------------------------------------------------------------------
 *
 * deploy_backfill_role.c
 *	  As whom columns are filled.
 *
 * The trigger fills them as the owner of the table (plan_filler.c), and so do
 * the batches, or an expression that works for the rows that are there would
 * fail for those that are written.  It runs restricted where that is not the
 * caller, who owns the table or has the owner's privileges: so nothing is done
 * for them that they may not do.
 *
 * Not done at all is what could run code of a third role.  To look whether the
 * expressions do, they have to be analysed, which may run code by itself: that
 * of the types of the tables that they name.  So these come first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/scope.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"

void
deploy_backfill_begin(SgScope *scope, Oid role)
{
	if (OidIsValid(role))
		sg_check_may_become(role);
	sg_role_begin(scope, role);
	sg_scope_pin();
}

/* Returns the code that could run when the step's statements write to its tables */
static CodeReach *
reach_tables(const PlanStep *step, Oid child)
{
	CodeReach  *reach = code_reach();
	Oid			parent;
	ListCell   *lc;

	/*
	 * code_reach_write() covers partitions, but no other inheriting tables
	 */
	code_reach_write(reach, child, CMD_UPDATE);
	foreach_oid(heir, get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE ? NIL : code_tree(child, NoLock))
	{
		if (heir != child)
			code_reach_write(reach, heir, CMD_UPDATE);
	}
	fk_reach_actions(reach, child, CMD_UPDATE, NoLock);
	parent = plan_backfill_parent(step);
	if (OidIsValid(parent))
		code_reach_read(reach, parent);
	foreach(lc, plan_backfill_tables(step))
	{
		code_reach_read(reach, lfirst_oid(lc));
		code_reach_row(reach, lfirst_oid(lc));
	}
	return reach;
}

/* Returns whether values are computed from the row alone, by the server's own functions, none volatile */
static bool
is_cheap(const Query *query, Oid owner)
{
	CodeReach  *reach = code_reach();

	foreach_ptr(const RangeTblEntry, entry, query->rtable)
	{
		if (entry->rtekind == RTE_SUBQUERY && entry->subquery->hasSubLinks)
			return false;
	}
	code_reach_expression(reach, (Node *) list_make1(unconstify(Query *, query)), owner);
	return !contain_volatile_functions((Node *) query) && !code_found(reach);
}

/*
 * Adds the code that names in the expressions lead to, because analysis turns
 * literals into values of types
 */
static void
reach_names(CodeReach *reach, const char *probe, const List *tables)
{
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(const RawStmt, raw, raw_parser(probe, RAW_PARSE_DEFAULT))
	{
		code_reach_raw(reach, raw->stmt);
		/* the trigger keeps the text for weeks */
		code_reach_kept(reach, raw->stmt, tables);
	}
	sg_scope_end(&scope);
}

/* Adds the functions that the expressions call; analyses them, but neither plans nor runs them */
static void
reach_expressions(CodeReach *reach, const char *probe, Oid owner, Oid role, bool *cheap)
{
	SPIPlanPtr	plan;
	SgScope		scope;

	deploy_backfill_begin(&scope, role);
	SPI_connect();
	plan = code_prepare(reach, probe);
	foreach_ptr(CachedPlanSource, source, SPI_plan_get_plan_sources(plan))
	{
		code_reach_expression(reach, (Node *) source->query_list, owner);
		if (cheap)
			*cheap = is_cheap(linitial(source->query_list), owner);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

char *
deploy_backfill_refusal(const PlanStep *step, Oid child)
{
	Oid			unused;
	char	   *reason = code_role(reach_tables(step, child), code_table_owner(child), &unused);

	return reason ? psprintf("filling columns is left alone: %s", reason) : NULL;
}

Oid
deploy_backfill_role(const PlanStep *step, Oid child, bool *cheap)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "schemaguard reachable code", ALLOCSET_SMALL_SIZES);
	Oid			owner = code_table_owner(child);
	Oid			role = owner == GetUserId() ? InvalidOid : owner;
	CodeReach  *reach;
	char	   *probe;
	char	   *reason;
	Oid			unused;

	MemoryContextSwitchTo(scratch);
	reach = reach_tables(step, child);
	probe = plan_backfill_probe(step);
	reach_names(reach, probe, plan_backfill_tables(step));
	reason = code_role(reach, owner, &unused);
	if (reason == NULL)
	{
		reach_expressions(reach, probe, owner, role, cheap);
		reason = code_role(reach, owner, &unused);
	}
	MemoryContextSwitchTo(context);

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("filling columns is left alone: %s", reason)));
	MemoryContextDelete(scratch);
	return role;
}
