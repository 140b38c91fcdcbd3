/*-------------------------------------------------------------------------
 *
 * ddl_reassign.c
 *	  REASSIGN OWNED, for which PostgreSQL fires no event trigger.
 *
 * It is a command on roles to the server, though it changes objects of the
 * database.  So a session that has the library watches for it: one that
 * loaded it when it began, or that has run other DDL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_shdepend.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "base/compat.h"
#include "ddl/ddl.h"

typedef struct Reassigned
{
	ReassignOwnedStmt *statement;
	MemoryContext context;
	List	   *objects;		/* of ObjectAddress *: what will have another
								 * owner */
} Reassigned;

static ProcessUtility_hook_type next_utility = NULL;

/* Finds the objects that a role owns in this database */
static void
find_owned(Reassigned *reassigned, Relation rel, Oid role)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&key[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, SharedDependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(reassigned->context);
		ObjectAddress *object;

		/* default privileges stay whose they are */
		if (form->dbid == MyDatabaseId && form->deptype == SHARED_DEPENDENCY_OWNER &&
			form->classid != DefaultAclRelationId)
		{
			object = palloc(sizeof(ObjectAddress));
			ObjectAddressSubSet(*object, form->classid, form->objid, form->objsubid);
			reassigned->objects = lappend(reassigned->objects, object);
		}
		MemoryContextSwitchTo(old);
	}
	systable_endscan(scan);
}

static void
before(void *arg)
{
	Reassigned *reassigned = arg;
	Relation	rel;

	if (!ddl_is_caught())
		return;
	rel = table_open(SharedDependRelationId, AccessShareLock);
	foreach_ptr(const RoleSpec, spec, reassigned->statement->roles)
	{
		Oid			role = get_rolespec_oid(spec, true);

		if (OidIsValid(role))
			find_owned(reassigned, rel, role);
	}
	table_close(rel, AccessShareLock);
}

static void
after(void *arg)
{
	Reassigned *reassigned = arg;
	EventTriggerData event = {
		.type = T_EventTriggerData,.event = "ddl_command_end",
		.parsetree = (Node *) reassigned->statement,.tag = CMDTAG_REASSIGN_OWNED
	};
	DdlCommand	command = {.event = "command",.tag = GetCommandTagName(event.tag)};
	char	   *owner = GetUserNameFromId(get_rolespec_oid(reassigned->statement->newrole, false), false);

	foreach_ptr(const ObjectAddress, address, reassigned->objects)
	{
		DdlObject  *object = ddl_add_address(&command, address->classId, address->objectId, address->objectSubId);

		if (object)
			object->detail = psprintf("now owned by %s", quote_identifier(owner));
	}
	ddl_finish(&command, &event);
}

static void
utility(PlannedStmt *planned, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Reassigned	reassigned = {.context = CurrentMemoryContext};
	bool		noted = IsA(planned->utilityStmt, ReassignOwnedStmt);

	if (noted)
	{
		reassigned.statement = copyObject((ReassignOwnedStmt *) planned->utilityStmt);
		(void) ddl_try(before, &reassigned);
	}
	if (next_utility)
		next_utility(planned, query, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(planned, query, read_only_tree, context, params, environment, dest, completion);
	if (reassigned.objects && ddl_try(after, &reassigned))
		ddl_bound_memory();
}

void
ddl_reassign_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
