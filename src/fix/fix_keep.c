/*-------------------------------------------------------------------------
 *
 * fix_keep.c
 *	  Keeps DROP from deleting users' rows with the extension unasked.
 *
 *	  The event trigger that calls this is a member of the extension and fires
 *	  before DROP EXTENSION, DROP OWNED and DROP SCHEMA begin: at sql_drop the
 *	  rows are gone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/spi.h"

SG_FUNCTION(sg_drop_extension_event);

/* Sets owner and schema of an extension; InvalidOid: not installed */
static void
find_extension(const char *name, Oid *owner, Oid *schema)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	*owner = *schema = InvalidOid;
	sg_catalog_begin_all(&scan, ExtensionRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		if (strcmp(NameStr(form->extname), name) != 0)
			continue;
		*owner = form->extowner;
		*schema = form->extnamespace;
	}
}

static bool
owns_schema(Oid role, Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool		owns = HeapTupleIsValid(tuple) && ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner == role;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owns;
}

/* Returns whether DROP OWNED drops the extension, or its schema */
static bool
drops_owned(const DropOwnedStmt *drop)
{
	Oid			owner;
	Oid			schema;

	find_extension("schemaguard", &owner, &schema);
	foreach_ptr(RoleSpec, role, drop->roles)
	{
		Oid			one = get_rolespec_oid(role, true);

		if ((one == owner || (drop->behavior == DROP_CASCADE && owns_schema(one, schema))) && has_privs_of_role(GetUserId(), one))
			return true;
	}
	return false;
}

static bool
drops_schema(const DropStmt *drop)
{
	Oid			owner;
	Oid			schema;

	find_extension("schemaguard", &owner, &schema);
	foreach_ptr(Node, name, drop->objects)
	{
		if (get_namespace_oid(strVal(name), true) == schema && object_ownercheck(NamespaceRelationId, schema, GetUserId()))
			return true;
	}
	return false;
}

/*
 * Returns whether a DROP LANGUAGE CASCADE would drop functions of the
 * extension, and the extension with them
 */
static bool
drops_language(const DropStmt *drop)
{
	bool		found = false;
	Oid			owner;
	Oid			schema;

	find_extension("plpgsql", &owner, &schema);
	foreach_ptr(Node, name, drop->objects)
	{
		if (strcmp(strVal(name), "schemaguard") == 0)
			return false;
		found |= strcmp(strVal(name), "plpgsql") == 0;
	}
	return found && OidIsValid(owner) && has_privs_of_role(GetUserId(), owner);
}

/*
 * Returns whether a statement drops the extension, except by DROP EXTENSION ...
 * CASCADE, which accepts the loss; false for a role that may not drop it, which
 * must not learn a plan's name
 */
static bool
drops_schemaguard(const Node *statement, Oid own_function)
{
	const DropStmt *drop = (const DropStmt *) statement;

	if (IsA(statement, DropOwnedStmt))
		return drops_owned((const DropOwnedStmt *) statement);
	if (!IsA(statement, DropStmt))
		return false;
	if (drop->removeType == OBJECT_SCHEMA)
		return drop->behavior == DROP_CASCADE && drops_schema(drop);
	if (drop->removeType != OBJECT_EXTENSION)
		return false;
	if (drop->behavior == DROP_CASCADE)
		return drops_language(drop);
	foreach_ptr(Node, name, drop->objects)
	{
		if (strcmp(strVal(name), "schemaguard") == 0)
			return object_ownercheck(ProcedureRelationId, own_function, GetUserId());
	}
	return false;
}

/*
 * Raises an error if dropped tables are kept: they would survive, but not their
 * record in the extension
 */
static void
refuse_for_attic(void)
{
	Datum		name;

	if (!sg_owner_fetch("SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
						" WHERE pg_catalog.starts_with(n.nspname::text, $1) AND c.relkind IN ('r', 'v', 'm') ORDER BY 1 LIMIT 1",
						SG_ATTIC, &name))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("schema schemaguard_attic keeps what plans have dropped, such as %s",
					quote_identifier(TextDatumGetCString(name))),
			 errdetail("The schema would stay, but the records of former places and foreign keys of what it keeps would go with the extension."),
			 errhint(sg_calls("A rollback of its plan brings it back. To drop it for good:\nCALL sg_prune(now(), 'attic');\n"
							  "Without a row in schemaguard.plan_deed, after a restore without the extension's rows, neither knows of it. To leave it where it is:\n"
							  "DROP EXTENSION schemaguard CASCADE;"))));
}

/* Raises 2BP01 while a plan keeps old values of policy "set", the only copies */
static void
refuse_for_values(const char *command)
{
	Datum		plan;

	if (!sg_owner_fetch("SELECT name FROM schemaguard.plan WHERE $1 OPERATOR(pg_catalog.=) ''"
						" AND EXISTS (SELECT FROM schemaguard.plan_value WHERE plan_id OPERATOR(pg_catalog.=) plan.id) ORDER BY name LIMIT 1",
						"", &plan))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("extension schemaguard keeps old values of your rows in schemaguard.plan_value"),
			 errdetail("%s would take them along.", command),
			 errhint(sg_calls("To have plan %s forget them, with all that it has done:\nSELECT sg_plan_drop(%s, force => true);\n"
							  "To have all of them go:\nDROP EXTENSION schemaguard CASCADE;"),
					 quote_identifier(TextDatumGetCString(plan)), quote_literal_cstr(TextDatumGetCString(plan)))));
}

/*
 * sg_drop_extension_event() event trigger
 *
 * Raises an error for DROP EXTENSION, and for DROP OWNED and DROP SCHEMA ...
 * CASCADE that include it, while rows are in quarantine, old values of rows are
 * kept, or users' dropped tables are kept.
 */
static Datum
sg_drop_extension_event_entered(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = (EventTriggerData *) fcinfo->context;
	Datum		plan;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_drop_extension_event is an event trigger function"),
				 errhint("CREATE EXTENSION makes its event trigger.")));

	if (IsBinaryUpgrade || !drops_schemaguard(event->parsetree, fcinfo->flinfo->fn_oid))
		PG_RETURN_NULL();
	if (sg_owner_fetch("SELECT plan FROM schemaguard.quarantine WHERE $1 OPERATOR(pg_catalog.=) '' ORDER BY id LIMIT 1",
					   "", &plan))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("extension schemaguard keeps rows of your tables in schemaguard.quarantine"),
				 errdetail("%s would take them along.", GetCommandTagName(event->tag)),
				 errhint(sg_calls("Copy them (\\copy schemaguard.quarantine TO 'quarantine.txt') and use DROP EXTENSION ... CASCADE, or put them back plan by plan:\nCALL sg_restore_quarantine(%s);"),
						 quote_literal_cstr(TextDatumGetCString(plan)))));
	refuse_for_values(GetCommandTagName(event->tag));

	/*
	 * last, because its hint has the statement that takes along all that the
	 * others keep
	 */
	refuse_for_attic();

	PG_RETURN_NULL();
}
