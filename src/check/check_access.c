/*-------------------------------------------------------------------------
 *
 * check_access.c
 *	  Privileges and visibility: of the role that deploys, and of the owners
 *	  of the tables, as whom the key's triggers run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/calls.h"
#include "base/quote.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "run/run_rights.h"

static Oid
table_owner(Oid relid)
{
	FormData_pg_class class;

	return sg_read_class(relid, &class) ? class.relowner : InvalidOid;
}

static bool
has_row_security(Oid relid)
{
	FormData_pg_class class;

	return sg_read_class(relid, &class) && class.relrowsecurity;
}

static char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return pstrdup(name ? quote_identifier(name) : "(dropped)");
}

static char *
schema_name(Oid relid)
{
	return pstrdup(quote_identifier(sg_rel_schema(relid)));
}

static bool
has_usage(Oid relid, Oid role)
{
	return object_aclcheck(NamespaceRelationId, get_rel_namespace(relid), role, ACL_USAGE) == ACLCHECK_OK;
}

static void
check_usage(CheckStep *cs, Oid relid, bool *complete)
{
	if (has_usage(relid, GetUserId()))
		return;
	*complete = false;
	check_row(cs, "privileges", CHECK_BLOCK,
			  psprintf("role %s has no USAGE on the schema of %s", role_name(GetUserId()), sg_relation_name(relid)),
			  psprintf("Grant it:\nGRANT USAGE ON SCHEMA %s TO %s;", schema_name(relid), role_name(GetUserId())));
}

static void
check_ownership(CheckStep *cs, const char *what, Oid relid, bool *complete)
{
	Oid			role = GetUserId();

	if (!OidIsValid(relid) || sg_owns_relation(relid, role))
		return;
	*complete = false;

	/*
	 * no GRANT hint for a superuser's table: no role should become a
	 * superuser for a key
	 */
	check_row(cs, "privileges", CHECK_BLOCK,
			  psprintf("role %s does not own %s %s", role_name(role), what, sg_relation_name(relid)),
			  superuser_arg(table_owner(relid)) ?
			  psprintf(sg_calls("Have role %s, who owns it, run the plan; the plan as SQL:\nSELECT * FROM sg_plan_sql(%s);"),
					   role_name(table_owner(relid)), quote_literal_cstr(cs->plan)) :
			  psprintf("Run the plan as its owner, or become a member:\nGRANT %s TO %s;",
					   role_name(table_owner(relid)), role_name(role)));
}

/* Checks the privileges that run_check_privileges() asks for, each with the GRANT that gives it */
static void
check_privileges(CheckStep *cs, bool references)
{
	const FkKey *key = &cs->view.key;
	Oid			role = GetUserId();
	bool		complete = true;
	ListCell   *lc;

	check_ownership(cs, "child", key->child, &complete);
	/* partitions that get the key one by one are altered one by one */
	foreach(lc, cs->view.by_partition ? cs->view.partitions : NIL)
		check_ownership(cs, "partition", ((FkPartition *) lfirst(lc))->relid, &complete);
	if (references &&
		!run_has_privilege(key->parent, key->parent_att, key->nkeys, role, ACL_REFERENCES))
	{
		complete = false;
		check_row(cs, "privileges", CHECK_BLOCK,
				  psprintf("role %s has no REFERENCES on parent %s", role_name(role), sg_relation_name(key->parent)),
				  psprintf("Grant it:\nGRANT REFERENCES (%s) ON %s TO %s;",
						   check_columns(key->parent, key->parent_att, key->nkeys),
						   sg_relation_name(key->parent), role_name(role)));
	}
	check_usage(cs, key->child, &complete);
	if (get_rel_namespace(key->parent) != get_rel_namespace(key->child))
		check_usage(cs, key->parent, &complete);
	if (complete)
		check_row(cs, "privileges", CHECK_OK, NULL, NULL);
}

/* Checks a table that VALIDATE reads; returns false if there is a row about it */
static bool
check_validation_of(CheckStep *cs, Oid relid, const AttrNumber *columns)
{
	Oid			role = GetUserId();
	int			n = cs->view.key.nkeys;

	if (!run_has_privilege(relid, columns, n, role, ACL_SELECT))
	{
		check_row(cs, "validation", CHECK_WARN,
				  psprintf("role %s has no SELECT on the key's columns of %s: VALIDATE checks row by row, which takes about 16 times as long",
						   role_name(role), sg_relation_name(relid)),
				  psprintf("Grant it:\nGRANT SELECT (%s) ON %s TO %s;", check_columns(relid, columns, n),
						   sg_relation_name(relid), role_name(role)));
		return false;
	}
	if (has_row_security(relid) && !has_bypassrls_privilege(role) &&
		!sg_owns_relation(relid, role))
	{
		check_row(cs, "validation", CHECK_WARN,
				  psprintf("row security of %s applies to role %s: VALIDATE checks row by row, which takes about 16 times as long",
						   sg_relation_name(relid), role_name(role)),
				  psprintf("Run the plan as the owner of both tables, or:\nALTER ROLE %s BYPASSRLS;", role_name(role)));
		return false;
	}
	return true;
}

/*
 * Checks a table and partitions for policies that VALIDATE would obey; returns
 * false if there is a row about them
 */
static bool
check_forced_security(CheckStep *cs, const CheckTable *table)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, table->relids)
	{
		if (check_enable_rls(lfirst_oid(lc), GetUserId(), true) != RLS_ENABLED ||
			!sg_owns_relation(lfirst_oid(lc), GetUserId()))
			continue;
		found = true;
		check_row(cs, "validation", CHECK_BLOCK,
				  psprintf("row security of %s is forced on its owner: VALIDATE would not see all rows",
						   sg_relation_name(lfirst_oid(lc))),
				  psprintf("Run the plan as a role with BYPASSRLS, or for as long as it runs:\nALTER TABLE %s NO FORCE ROW LEVEL SECURITY;",
						   sg_relation_name(lfirst_oid(lc))));
	}
	return !found;
}

static void
check_validation(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		fast = check_validation_of(cs, key->child, key->child_att);

	fast &= check_forced_security(cs, cs->child);
	if (key->parent != key->child)
	{
		fast &= check_validation_of(cs, key->parent, key->parent_att);
		fast &= check_forced_security(cs, cs->parent);
	}
	if (fast)
		check_row(cs, "validation", CHECK_OK, NULL, NULL);
}

/* Checks whether owners have the privileges on their own table that the key's triggers need */
static bool
check_owner_has(CheckStep *cs, Oid relid, AclMode mode, const char *word)
{
	Oid			owner = table_owner(relid);
	bool		schema = mode == ACL_USAGE;

	if (schema ? has_usage(relid, owner) : pg_class_aclcheck(relid, owner, mode) == ACLCHECK_OK)
		return true;
	check_row(cs, "owner_rights", CHECK_WARN,
			  psprintf("the key's triggers run as the owners of the tables, and role %s has no %s on %s%s: statements of the application will fail",
					   role_name(owner), word, schema ? "the schema of " : "", sg_relation_name(relid)),
			  psprintf("Grant it:\nGRANT %s ON %s TO %s;", word,
					   schema ? psprintf("SCHEMA %s", schema_name(relid)) : sg_relation_name(relid),
					   role_name(owner)));
	return false;
}

/*
 * Checks the owners: an insert locks the parent's row (FOR KEY SHARE, which
 * needs UPDATE); a change of the parent looks for rows of the child, and
 * changes them.
 */
static void
check_owner_rights(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		complete = check_owner_has(cs, key->parent, ACL_USAGE, "USAGE");

	complete &= check_owner_has(cs, key->parent, ACL_SELECT, "SELECT");
	complete &= check_owner_has(cs, key->parent, ACL_UPDATE, "UPDATE");
	if (key->parent != key->child)
	{
		complete &= check_owner_has(cs, key->child, ACL_USAGE, "USAGE");
		complete &= check_owner_has(cs, key->child, ACL_SELECT, "SELECT");
		complete &= check_owner_has(cs, key->child, ACL_UPDATE, "UPDATE");
	}
	if (key->on_delete == FKCONSTR_ACTION_CASCADE)
		complete &= check_owner_has(cs, key->child, ACL_DELETE, "DELETE");
	if (complete)
		check_row(cs, "owner_rights", CHECK_OK, NULL, NULL);
}

/* Checks access as far as possible while columns of the child are still to be added */
void
check_early_access(CheckStep *cs)
{
	FkKey	   *key = &cs->view.key;
	List	   *columns = cs->step->parent_columns ? cs->step->parent_columns : fk_primary_key(key->parent);
	ListCell   *lc;

	key->nkeys = 0;
	foreach(lc, columns)
		key->parent_att[key->nkeys++] = get_attnum(key->parent, lfirst(lc));
	check_privileges(cs, true);
}

void
check_access(CheckStep *cs)
{
	check_privileges(cs, cs->view.need == NEED_ADD);
	if (cs->step->enforced)
	{
		check_validation(cs);
		check_owner_rights(cs);
	}
}
