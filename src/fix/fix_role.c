/*-------------------------------------------------------------------------
 *
 * fix_role.c
 *	  Role of the statements of a fix.
 *
 *	  Casts, operators, triggers, checks and expressions of tables are code of
 *	  their owners.  All code that a statement could run is collected before
 *	  it is planned.  The statement runs as the caller if none of the code is
 *	  somebody else's; else as the owner of its table, restricted, after a
 *	  check of the caller's own privileges on the table; else it does not run,
 *	  and the error says why (SG003).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "fix/fix.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_rights.h"

/* A privilege that the statement needs */
typedef struct FixRight
{
	Oid			relid;
	AclMode		mode;
	List	   *columns;		/* names; NIL: the whole table */
} FixRight;

struct FixUnit
{
	Oid			table;
	CodeReach  *reach;
	List	   *rights;			/* FixRight * */
};

FixUnit *
fix_unit(Oid table)
{
	FixUnit    *unit = palloc0(sizeof(FixUnit));

	unit->table = table;
	unit->reach = code_reach();
	code_reach_read(unit->reach, table);
	return unit;
}

static bool
has_right(const FixRight *right)
{
	ListCell   *lc;

	if (pg_class_aclcheck(right->relid, GetUserId(), right->mode) == ACLCHECK_OK)
		return true;
	if (right->columns == NIL)
		return right->mode != ACL_DELETE &&
			pg_attribute_aclcheck_all(right->relid, GetUserId(), right->mode,
									  right->mode == ACL_UPDATE ? ACLMASK_ANY : ACLMASK_ALL) == ACLCHECK_OK;
	foreach(lc, right->columns)
	{
		if (pg_attribute_aclcheck(right->relid, get_attnum(right->relid, lfirst(lc)), GetUserId(),
								  right->mode) != ACLCHECK_OK)
			return false;
	}
	return true;
}

static FixRight *
add_right(FixUnit *unit, Oid relid, AclMode mode, List *columns)
{
	FixRight   *right = palloc(sizeof(FixRight));

	right->relid = relid;
	right->mode = mode;
	right->columns = columns;
	unit->rights = lappend(unit->rights, right);
	return right;
}

void
fix_unit_key(FixUnit *unit, const FkKey *key)
{
	fk_code_reach(unit->reach, key);
	code_reach_read(unit->reach, key->child);
	code_reach_read(unit->reach, key->parent);
}

void
fix_unit_judge(FixUnit *unit, const FixKey *key)
{
	ListCell   *lc;

	if (key->rule == NULL)
	{
		fix_unit_key(unit, key->key);
		return;
	}
	code_reach_read(unit->reach, key->rule->table);
	foreach(lc, key->rule->expressions)
	{
		code_reach_expression(unit->reach, lfirst(lc), code_table_owner(key->rule->table));
		if (key->rule->equal)
			code_reach_type(unit->reach, exprType(lfirst(lc)));
	}
	foreach(lc, key->rule->equal)
		code_reach_type(unit->reach, get_atttype(key->rule->table, get_attnum(key->rule->table, lfirst(lc))));
}

void
fix_unit_rows(FixUnit *unit, Oid relid)
{
	code_reach_row(unit->reach, relid);
	(void) add_right(unit, relid, ACL_SELECT, NIL);
}

void
fix_unit_lock(FixUnit *unit, Oid relid)
{
	(void) add_right(unit, relid, ACL_UPDATE, NIL);
}

void
fix_unit_write(FixUnit *unit, Oid relid, CmdType event, List *columns)
{
	const FixRight *right = add_right(unit, relid, event == CMD_DELETE ? ACL_DELETE :
									  event == CMD_UPDATE ? ACL_UPDATE : ACL_INSERT, columns);

	(void) code_tree(relid, has_right(right) ? code_write_lock(event) : NoLock);
	code_reach_write(unit->reach, relid, event);
	if (event != CMD_INSERT)
		fk_reach_actions(unit->reach, relid, event, NoLock);
	if (event != CMD_DELETE)
		fix_unit_rows(unit, relid);

	/* the server compares old and new keys as the role that changes them */
	foreach_ptr(const FkKey, key, event == CMD_UPDATE ? fk_declared(InvalidOid) : NIL)
	{
		if (key->child == relid || key->parent == relid)
			fk_code_reach(unit->reach, key);
	}
}

/* Checks a privilege as the server would if the statement ran as the caller */
static void
check_right(const FixRight *right)
{
	Oid			namespace = get_rel_namespace(right->relid);

	if (object_aclcheck(NamespaceRelationId, namespace, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, sg_schema_name(namespace));
	if (!has_right(right))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, sg_rel_name(right->relid));
	if (check_enable_rls(right->relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of %s is for role %s, and only another role may do the rest",
						sg_relation_name(right->relid), sg_role_name(GetUserId()))));
}

Oid
fix_unit_role(const FixUnit *unit)
{
	Oid			role;
	char	   *reason = code_role(unit->reach, code_table_owner(unit->table), &role);
	ListCell   *lc;

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_SG_NOT_JUDGED),
				 errmsg("rows of %s are left alone: %s", sg_relation_name(unit->table), reason)));
	if (OidIsValid(role))
		foreach(lc, unit->rights)
			check_right(lfirst(lc));
	return role;
}

void
fix_scope_begin(SgScope *scope, const FixUnit *unit)
{
	sg_role_begin(scope, fix_unit_role(unit));
	sg_scope_set("row_security", "off");
}

/*
 * A caller's own code runs with the caller's settings; triggers of an owner's
 * restricted statement that would be deferred have to fire at its end.
 */
void
fix_write_begin(SgScope *scope, Oid role)
{
	run_statement("SET CONSTRAINTS ALL IMMEDIATE");
	if (OidIsValid(role))
		sg_role_begin(scope, role);
}

void
fix_write_end(SgScope *scope, Oid role)
{
	if (OidIsValid(role))
		sg_scope_end(scope);
}

/* Returns the privilege that sg_fix_orphans() lacks for a step, or NULL */
static char *
lacks_for_fix(PlanRun *run, PlanStep *step, const StepView *view)
{
	bool		valid = view && (view->need == NEED_NOTHING || view->need == NEED_REPLACE);

	if (!plan_step_fixes(step))
		return NULL;
	if (view == NULL)
		return deploy_change_lacks_hook(step);
	if ((view->need != NEED_VALIDATE && !(view->need == NEED_ADD && run->dry_run) &&
		 !(valid && !deploy_is_proved(run, view->existing))))
		return NULL;
	return deploy_lacks(view, false, true);
}

void
fix_check_rights(PlanRun *run)
{
	run_check_confirmed(run, plan_step_fixes);
	deploy_check_each(run, lacks_for_fix);
}
