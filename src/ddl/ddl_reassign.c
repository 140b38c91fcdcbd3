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

#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/depend.h"
#include "ddl/ddl.h"

typedef struct Reassigned
{
	ReassignOwnedStmt *statement;
	MemoryContext context;
	List	   *objects;		/* ObjectAddress *: objects that will get
								 * another owner */
} Reassigned;

static ProcessUtility_hook_type next_utility = NULL;

static void
before(void *arg)
{
	Reassigned *reassigned = arg;
	MemoryContext old;

	if (!ddl_is_caught())
		return;
	old = MemoryContextSwitchTo(reassigned->context);
	foreach_ptr(const RoleSpec, spec, reassigned->statement->roles)
	{
		Oid			role = get_rolespec_oid(spec, true);

		/* default privileges are not reassigned */
		if (OidIsValid(role))
			reassigned->objects = list_concat(reassigned->objects, sg_owned_by(role));
	}
	MemoryContextSwitchTo(old);
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
