/*-------------------------------------------------------------------------
 *
 * fix_keep.c
 *	  DROP EXTENSION does not take rows of users along unasked.
 *
 * The event trigger that asks here is a member of the extension and fires for
 * DROP EXTENSION alone, before it begins: at sql_drop the rows are gone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/calls.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/spi.h"

SG_FUNCTION(sg_drop_extension_event);

/* Without CASCADE, which says that whatever is there may go */
static bool
drops_schemaguard(const Node *statement)
{
	const DropStmt *drop = (const DropStmt *) statement;
	ListCell   *lc;

	if (!IsA(statement, DropStmt) || drop->removeType != OBJECT_EXTENSION || drop->behavior == DROP_CASCADE)
		return false;
	foreach(lc, drop->objects)
	{
		if (strcmp(strVal(lfirst(lc)), "schemaguard") == 0)
			return true;
	}
	return false;
}

/* Dropped tables that are kept would stay; what is theirs, and on record with us, would not */
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
			 errdetail("It would stay, but where it was, and its foreign keys, are on record in the extension."),
			 errhint(sg_calls("A rollback of its plan brings it back. To drop it for good:\nCALL sg_prune(now(), 'attic');\n"
							  "Without a row in schemaguard.plan_deed, after a restore without the extension's rows, neither knows of it. To leave it where it is:\n"
							  "DROP EXTENSION schemaguard CASCADE;"))));
}

/* Raises 2BP01 while a plan keeps old values of policy "set", which are nowhere else */
static void
refuse_for_values(void)
{
	Datum		plan;

	if (!sg_owner_fetch("SELECT name FROM schemaguard.plan WHERE $1 OPERATOR(pg_catalog.=) ''"
						" AND EXISTS (SELECT FROM schemaguard.plan_value WHERE plan_id OPERATOR(pg_catalog.=) plan.id) ORDER BY name LIMIT 1",
						"", &plan))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("extension schemaguard keeps old values of your rows in schemaguard.plan_value"),
			 errdetail("DROP EXTENSION would take them along."),
			 errhint(sg_calls("To have plan %s forget them, with all that it has done:\nSELECT sg_plan_drop(%s, force => true);\n"
							  "To have all of them go:\nDROP EXTENSION schemaguard CASCADE;"),
					 quote_identifier(TextDatumGetCString(plan)), quote_literal_cstr(TextDatumGetCString(plan)))));
}

/*
 * sg_drop_extension_event() event trigger: refuse DROP EXTENSION while there
 * are rows in quarantine, old values of rows, or tables of users' that were
 * dropped and are kept.
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

	/* the server refuses everybody else, who is not told a plan's name */
	if (IsBinaryUpgrade || !drops_schemaguard(event->parsetree) ||
		!object_ownercheck(ProcedureRelationId, fcinfo->flinfo->fn_oid, GetUserId()))
		PG_RETURN_NULL();
	refuse_for_attic();
	if (sg_owner_fetch("SELECT plan FROM schemaguard.quarantine WHERE $1 OPERATOR(pg_catalog.=) '' ORDER BY id LIMIT 1",
					   "", &plan))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("extension schemaguard keeps rows of your tables in schemaguard.quarantine"),
				 errdetail("DROP EXTENSION would take them along."),
				 errhint(sg_calls("Copy them (\\copy schemaguard.quarantine TO 'quarantine.txt') and use DROP EXTENSION ... CASCADE, or put them back plan by plan:\nCALL sg_restore_quarantine(%s);"),
						 quote_literal_cstr(TextDatumGetCString(plan)))));
	refuse_for_values();

	PG_RETURN_NULL();
}
