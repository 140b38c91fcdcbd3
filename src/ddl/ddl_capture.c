/*-------------------------------------------------------------------------
 *
 * ddl_capture.c
 *	  Functions of the event triggers that capture DDL.
 *
 * Everything is gathered in a subtransaction that writes nothing, so it gets
 * no xid; an error there is lost with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/calls.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/deparse_utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "ddl/ddl.h"
#include "snapshot/snapshot_object.h"

SG_FUNCTION(sg_ddl_event);

static DdlObject *
add_object(DdlCommand *command, const char *kind, char *identity)
{
	DdlObject  *object;

	if (identity && snapshot_identity_is_temporary(identity))
		return NULL;

	object = palloc0(sizeof(DdlObject));
	object->kind = kind;
	object->identity = identity;
	command->objects = lappend(command->objects, object);
	return object;
}

DdlObject *
ddl_add_address(DdlCommand *command, Oid classid, Oid objid, int objsubid)
{
	ObjectAddress address;
	char	   *identity;

	ObjectAddressSubSet(address, classid, objid, objsubid);
	identity = snapshot_object_identity(&address);
	return identity ? add_object(command, snapshot_object_kind(&address), identity) : NULL;
}

/* ---- objects that have an end ---- */

static bool
is_column(const ObjectAddress *address)
{
	FormData_pg_attribute column;

	return address->objectSubId != 0 && sg_read_column(address->objectId, address->objectSubId, &column);
}

/* Columns and constraints that ALTER TABLE has touched */
static void
add_parts(DdlObject *object, CollectedCommand *collected)
{
	ListCell   *lc;

	foreach(lc, collected->d.alterTable.subcmds)
	{
		ObjectAddress *address = &((CollectedATSubcmd *) lfirst(lc))->address;
		char	   *identity;
		ListCell   *part;

		if (!OidIsValid(address->objectId) ||
			(address->classId == RelationRelationId && !is_column(address)))
			continue;
		identity = snapshot_object_identity(address);
		if (identity == NULL)
			continue;
		foreach(part, object->parts)
		{
			if (strcmp(lfirst(part), identity) == 0)
				break;
		}
		if (part == NULL)
			object->parts = lappend(object->parts, identity);
	}
}

/* Adds the partitions that were attached to a table or an index, or detached */
static void
add_partitions(DdlCommand *command, const char *parent, CollectedCommand *collected)
{
	foreach_ptr(const CollectedATSubcmd, part, collected->d.alterTable.subcmds)
	{
		AlterTableCmd *subcommand = (AlterTableCmd *) part->parsetree;
		bool		attached = subcommand->subtype == AT_AttachPartition;
		Oid			relid;
		DdlObject  *object;

		if (!attached && subcommand->subtype != AT_DetachPartition && subcommand->subtype != AT_DetachPartitionFinalize)
			continue;
		relid = RangeVarGetRelid(castNode(PartitionCmd, subcommand->def)->name, NoLock, true);
		object = OidIsValid(relid) ? ddl_add_address(command, RelationRelationId, relid, 0) : NULL;
		if (object)
			object->detail = psprintf("%s %s", attached ? "attached to" : "detached from", parent);
	}
}

static void
add_granted(DdlCommand *command, InternalGrant *grant)
{
	Oid			classid = ddl_grant_class(grant->objtype);
	ListCell   *lc;

	foreach(lc, OidIsValid(classid) ? grant->objects : NIL)
		ddl_add_address(command, classid, lfirst_oid(lc), 0);
	if (!OidIsValid(classid))
		add_object(command, NULL, NULL);
}

/* Default privileges are an object for each role and schema */
static void
add_default_privileges(DdlCommand *command, AlterDefaultPrivilegesStmt *statement)
{
	List	   *roles = NIL;
	List	   *schemas = NIL;
	const char *objects = NULL;
	ListCell   *lr,
			   *ls;

	foreach_ptr(DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "roles") == 0)
			roles = (List *) option->arg;
		else if (strcmp(option->defname, "schemas") == 0)
			schemas = (List *) option->arg;
	}
	switch (statement->action->objtype)
	{
		case OBJECT_TABLE:
			objects = "TABLES";
			break;
		case OBJECT_SEQUENCE:
			objects = "SEQUENCES";
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			objects = "FUNCTIONS";
			break;
		case OBJECT_TYPE:
			objects = "TYPES";
			break;
		case OBJECT_SCHEMA:
			objects = "SCHEMAS";
			break;
		default:
			objects = "LARGE OBJECTS";
			break;
	}
	if (roles == NIL)
		roles = list_make1(NULL);
	if (schemas == NIL)
		schemas = list_make1(NULL);

	foreach(lr, roles)
	{
		Oid			role = lfirst(lr) ? get_rolespec_oid(lfirst_node(RoleSpec, lr), true) : GetUserId();
		char	   *name = OidIsValid(role) ? GetUserNameFromId(role, true) : NULL;

		foreach(ls, schemas)
		{
			if (name)
				add_object(command, "default privilege",
						   snapshot_default_privilege_identity(name, lfirst(ls) ? strVal(lfirst(ls)) : NULL, objects));
		}
	}
}

/*
 * Adds a row for the name that an object had before RENAME or SET SCHEMA: the
 * name under which it is missing now.
 */
static void
add_old_name(DdlCommand *command, Node *parsetree, CollectedCommand *collected, const ObjectAddress *address,
			 const char *kind, const char *identity)
{
	List	   *names = NIL;
	List	   *arguments = NIL;
	DdlObject  *object;

	if (!IsA(parsetree, RenameStmt) && !IsA(parsetree, AlterObjectSchemaStmt))
		return;
	/* names of functions and types come with more than names */
	if (address->classId != RelationRelationId && address->classId != NamespaceRelationId &&
		!snapshot_object_has_table(address->classId))
		return;
	if (getObjectIdentityParts(address, &names, &arguments, true) == NULL || names == NIL || arguments != NIL)
		return;

	if (IsA(parsetree, RenameStmt))
	{
		RenameStmt *rename = (RenameStmt *) parsetree;
		char	   *old = rename->subname;

		if (address->classId == RelationRelationId && address->objectSubId == 0)
			old = rename->relation ? rename->relation->relname : NULL;
		if (old == NULL)
			return;
		llast(names) = old;
	}
	else
	{
		ObjectAddress *schema = &collected->d.simple.secondaryObject;
		char	   *old;

		if (collected->type != SCT_Simple || schema->classId != NamespaceRelationId)
			return;
		old = get_namespace_name(schema->objectId);
		if (old == NULL)
			return;
		linitial(names) = old;
	}

	object = add_object(command, kind, snapshot_join_names(names));
	if (object)
		object->detail = psprintf("now %s", identity);
}

/* CREATE TABLE makes a sequence, and changes it later on */
static bool
is_known(DdlCommand *command, const char *kind, const char *identity)
{
	foreach_ptr(DdlObject, object, command->objects)
	{
		if (object->identity && strcmp(object->identity, identity) == 0 && strcmp(object->kind, kind) == 0)
			return true;
	}
	return false;
}

/* The index of a key that comes with a table is a part of what the command is about */
static bool
add_index(DdlCommand *command, char *identity)
{
	for (int i = list_length(command->objects) - 1; i >= 0; i--)
	{
		DdlObject  *object = list_nth(command->objects, i);

		if (object->kind && strcmp(object->kind, "table") == 0)
		{
			object->parts = lappend(object->parts, identity);
			return true;
		}
	}
	return false;
}

static void
read_command(void *arg, EventTriggerData *event, Datum *values, bool *nulls)
{
	DdlCommand *command = arg;
	CollectedCommand *collected = (CollectedCommand *) DatumGetPointer(values[COMMAND_COMMAND]);
	DdlObject  *object;
	ObjectAddress address;
	const char *kind;
	char	   *identity;

	if (nulls[COMMAND_CLASSID])
	{
		if (collected->type == SCT_Grant)
			add_granted(command, collected->d.grant.istmt);
		else if (IsA(event->parsetree, AlterDefaultPrivilegesStmt))
			add_default_privileges(command, (AlterDefaultPrivilegesStmt *) event->parsetree);
		else
			add_object(command, NULL, NULL);
		return;
	}

	ObjectAddressSubSet(address, DatumGetObjectId(values[COMMAND_CLASSID]),
						DatumGetObjectId(values[COMMAND_OBJID]), DatumGetInt32(values[COMMAND_OBJSUBID]));
	if (address.classId == RelationRelationId || address.classId == ProcedureRelationId)
		kind = snapshot_kind_of_description(TextDatumGetCString(values[COMMAND_TYPE]));
	else
		kind = snapshot_object_kind(&address);
	identity = snapshot_object_identity(&address);

	if (identity == NULL || is_known(command, kind, identity) ||
		(strcmp(kind, "index") == 0 &&
		 strcmp(TextDatumGetCString(values[COMMAND_TAG]), command->tag) != 0 &&
		 add_index(command, identity)))
		return;

	object = add_object(command, kind, identity);
	if (object == NULL)
		return;
	if (collected->type == SCT_AlterTable)
	{
		add_parts(object, collected);
		add_partitions(command, identity, collected);
	}
	add_old_name(command, event->parsetree, collected, &address, kind, identity);
}

/* ---- objects that are gone ---- */

/*
 * Was a type that is gone a domain?  The snapshot of the command, which is
 * older than what it did, still has the type.
 */
static bool
was_domain(Oid oid)
{
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found;

	if (!ActiveSnapshotSet())
		return false;
	rel = table_open(TypeRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_type_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(rel, TypeOidIndexId, true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) && ((Form_pg_type) GETSTRUCT(tuple))->typtype == TYPTYPE_DOMAIN;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static void
read_dropped(void *arg, EventTriggerData *event, Datum *values, bool *nulls)
{
	DdlCommand *command = arg;
	Oid			classid = DatumGetObjectId(values[DROPPED_CLASSID]);
	bool		original = DatumGetBool(values[DROPPED_ORIGINAL]);
	bool		normal = DatumGetBool(values[DROPPED_NORMAL]) &&
		classid != RewriteRelationId && classid != AttrDefaultRelationId;
	const char *kind = snapshot_kind_of_description(TextDatumGetCString(values[DROPPED_TYPE]));
	DdlObject  *object;

	/*
	 * the rest are parts of what is named here: a table's indexes, a view's
	 * rule; but for partitions
	 */
	if (DatumGetBool(values[DROPPED_TEMPORARY]) || nulls[DROPPED_IDENTITY] ||
		!(original || normal || (classid == RelationRelationId && strcmp(kind, "table") == 0 &&
								 strcmp(TextDatumGetCString(values[DROPPED_TYPE]), "toast table") != 0)))
		return;

	if (classid == TypeRelationId && was_domain(DatumGetObjectId(values[DROPPED_OBJID])))
		kind = "domain";
	object = add_object(command, kind,
						snapshot_identity_of_parts(classid, TextDatumGetCString(values[DROPPED_IDENTITY]),
												   ddl_text_list(values[DROPPED_NAMES], nulls[DROPPED_NAMES]),
												   ddl_text_list(values[DROPPED_ARGUMENTS], nulls[DROPPED_ARGUMENTS])));
	if (object && !original)
		object->detail = normal ? "dropped by CASCADE" : "dropped with the table that it was a partition of";
}

/* ---- tables that are rewritten ---- */

static void
read_rewrite(DdlCommand *command)
{
	LOCAL_FCINFO(fcinfo, 0);
	Oid			relid;
	int			reason;
	DdlObject  *object;
	StringInfoData detail;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	relid = DatumGetObjectId(pg_event_trigger_table_rewrite_oid(fcinfo));
	reason = DatumGetInt32(pg_event_trigger_table_rewrite_reason(fcinfo));
	object = ddl_add_address(command, RelationRelationId, relid, 0);
	if (object == NULL)
		return;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "rewritten: ");
	if (reason & AT_REWRITE_ALTER_PERSISTENCE)
		appendStringInfoString(&detail, "persistence, ");
	if (reason & AT_REWRITE_DEFAULT_VAL)
		appendStringInfoString(&detail, "default of a new column, ");
	if (reason & AT_REWRITE_COLUMN_REWRITE)
		appendStringInfoString(&detail, "type of a column, ");
	if (reason & AT_REWRITE_ACCESS_METHOD)
		appendStringInfoString(&detail, "access method, ");
	detail.data[detail.len - 2] = '\0';
	object->detail = detail.data;
}

/* ---- the trigger ---- */

static Datum
client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum		address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	return fcinfo->isnull ? (Datum) 0 : address;
}

void
ddl_finish(DdlCommand *command, EventTriggerData *event)
{
	if (command->objects == NIL)
		return;
	command->at = GetCurrentTimestamp();
	command->session_role = sg_role_name(GetSessionUserId());
	command->role = sg_role_name(GetUserId());
	if (application_name && application_name[0])
		command->application = pstrdup(application_name);
	command->client_addr = client_address();
	ddl_set_statement(command, event);
	ddl_set_origin(command);
	ddl_keep(command);
}

static void
gather(void *arg)
{
	EventTriggerData *event = arg;
	DdlCommand *command = palloc0(sizeof(DdlCommand));

	command->tag = GetCommandTagName(event->tag);
	if (strcmp(event->event, "ddl_command_end") == 0)
	{
		command->event = "command";
		ddl_read_rows(event, read_command, command);
	}
	else if (strcmp(event->event, "sql_drop") == 0)
	{
		command->event = "drop";
		ddl_read_rows(event, read_dropped, command);
	}
	else
	{
		command->event = "rewrite";
		read_rewrite(command);
	}

	ddl_finish(command, event);
}

bool
ddl_try(void (*note) (void *arg), void *arg)
{
	bool		quote_all = quote_all_identifiers;
	ErrorData  *error;

	quote_all_identifiers = false;
	error = sg_try(note, arg);
	quote_all_identifiers = quote_all;
	if (error == NULL)
		return true;
	sg_rethrow_cancel(error);
	ddl_lost(1, error);
	return false;
}

/*
 * sg_ddl_event() event trigger: note what a command did for the log.  Raises
 * no error but cancels.
 */
static Datum
sg_ddl_event_entered(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_ddl_event is an event trigger function"),
				 errhint(sg_calls("Have the event triggers made:\nSELECT sg_capture_ddl(true);"))));

	/* these change no definition */
	if (event->tag == CMDTAG_REFRESH_MATERIALIZED_VIEW || event->tag == CMDTAG_REINDEX)
		PG_RETURN_NULL();

	if (ddl_try(gather, event))
		ddl_bound_memory();

	PG_RETURN_NULL();
}
