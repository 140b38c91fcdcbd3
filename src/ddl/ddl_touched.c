/*-------------------------------------------------------------------------
 *
 * ddl_touched.c
 *	  Objects that a command has made, changed or dropped, read from core's
 *	  collection for event triggers.
 *
 * Invariant: objects are told by OID, under the locks that the command has taken,
 * and not by names, which can mean something else than at its beginning.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "tcop/deparse_utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "ddl/ddl.h"

/* ---- rows of core's ---- */

/* Set-returning function of core */
typedef struct RowSource
{
	Oid			function;
	int			columns;		/* at least */
} RowSource;

static const RowSource commands = {F_PG_EVENT_TRIGGER_DDL_COMMANDS, COMMAND_COLUMNS};
static const RowSource dropped = {F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, DROPPED_COLUMNS};

/* Reads the function's rows without a query, which would cost more than everything else */
void
ddl_read_rows(EventTriggerData *event, DdlRowReader reader, void *arg)
{
	const RowSource *source = strcmp(event->event, "sql_drop") == 0 ? &dropped : &commands;

	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo	flinfo;
	ReturnSetInfo result = {.type = T_ReturnSetInfo};
	TupleTableSlot *slot;

	fmgr_info(source->function, &flinfo);
	result.econtext = CreateStandaloneExprContext();
	result.allowedModes = SFRM_Materialize;
	InitFunctionCallInfoData(*fcinfo, &flinfo, 0, InvalidOid, NULL, (Node *) &result);
	(void) FunctionCallInvoke(fcinfo);

	if (result.returnMode != SFRM_Materialize || result.setResult == NULL)
		elog(ERROR, "function %u returned no rows to read", source->function);
	if (result.setDesc->natts < source->columns)
		elog(ERROR, "function %u returns %d columns", source->function, result.setDesc->natts);
	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		slot_getallattrs(slot);
		reader(arg, event, slot->tts_values, slot->tts_isnull);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(result.econtext, true);
}

List *
ddl_text_list(Datum array, bool isnull)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *list = NIL;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			list = lappend(list, TextDatumGetCString(elements[i]));
	}
	return list;
}

Oid
ddl_grant_class(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			return RelationRelationId;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return ProcedureRelationId;
		case OBJECT_SCHEMA:
			return NamespaceRelationId;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return TypeRelationId;
		case OBJECT_LANGUAGE:
			return LanguageRelationId;
		case OBJECT_FDW:
			return ForeignDataWrapperRelationId;
		case OBJECT_FOREIGN_SERVER:
			return ForeignServerRelationId;
		default:
			return InvalidOid;
	}
}

/* ---- objects ---- */

/* Adds the two tables of a foreign key, the table of another constraint, or the schema of a domain */
static void
add_constraint(DdlTarget *target, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	FormData_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_constraint) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	ddl_target_add_schema(target, form.connamespace);
	if (OidIsValid(form.confrelid))
		ddl_target_add(target, form.confrelid, NULL);
}

/* Returns the table of a trigger, or InvalidOid */
static Oid
table_of_trigger(Oid trigger)
{
	SgCatalog	rows;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	sg_catalog_begin(&rows, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
	return relid;
}

bool
ddl_is_of_temporary(Oid statistics)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	Oid			relid = HeapTupleIsValid(tuple) ? ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return isAnyTempNamespace(get_rel_namespace(relid));
}

/* Adds the tables that a new table inherits from */
static void
add_parents(DdlTarget *target, Oid relid, Node *statement)
{
	SgCatalog	rows;
	HeapTuple	tuple;
	List	   *parents = NIL;

	sg_catalog_begin(&rows, InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	foreach_oid(parent, parents)
		ddl_target_add(target, parent, statement);
}

static void
add_relation(DdlTarget *target, Oid relid, Node *statement)
{
	if (!OidIsValid(get_rel_namespace(relid)))
		return;
	if (statement && (IsA(statement, CreateStmt) || IsA(statement, CreateForeignTableStmt)))
		add_parents(target, relid, statement);

	ddl_target_add(target, relid, statement);
}

/* Adds an object by its identity, which begins with its schema, or is one name */
static void
add_identity(DdlTarget *target, Oid classid, List *names)
{
	if (list_length(names) > 1 || (names && classid == NamespaceRelationId))
		target->schemas = lappend(target->schemas, linitial(names));
	else
		target->unknown = true;
}

/* Adds an object, and the others that the statement changes with it */
static void
add_object(DdlTarget *target, const ObjectAddress *address, Node *statement)
{
	List	   *names = NIL;
	List	   *arguments = NIL;
	Oid			relid;

	switch (address->classId)
	{
		case RelationRelationId:
			add_relation(target, address->objectId, statement);
			break;
		case ConstraintRelationId:
			add_constraint(target, address->objectId);
			break;
		case TriggerRelationId:
			relid = table_of_trigger(address->objectId);
			if (OidIsValid(relid))
				add_relation(target, relid, statement);
			break;
		case TypeRelationId:
			ddl_target_add_schema(target, GetSysCacheOid1(TYPEOID, Anum_pg_type_typnamespace, ObjectIdGetDatum(address->objectId)));
			break;
		default:
			if (address->classId == StatisticExtRelationId && ddl_is_of_temporary(address->objectId))
				break;
			if (getObjectIdentityParts(address, &names, &arguments, true))
				add_identity(target, address->classId, names);
			break;
	}
}

/* Adds the objects that ALTER TABLE has changed, including partitions and parents that it named */
static void
add_parts(DdlTarget *target, const CollectedCommand *collected)
{
	foreach_ptr(const CollectedATSubcmd, part, collected->d.alterTable.subcmds)
	{
		if (OidIsValid(part->address.objectId))
			add_object(target, &part->address, NULL);
	}
}

/*
 * Returns whether ALTER TABLE has found nothing to do, by IF EXISTS or IF NOT
 * EXISTS.  What it has dropped is judged as such.
 */
static bool
has_altered_nothing(const CollectedCommand *collected)
{
	foreach_ptr(const CollectedATSubcmd, part, collected->type == SCT_AlterTable ? collected->d.alterTable.subcmds : NIL)
	{
		if (OidIsValid(part->address.objectId) || !castNode(AlterTableCmd, part->parsetree)->missing_ok)
			return false;
	}
	return collected->type == SCT_AlterTable;
}

static void
add_granted(DdlTarget *target, const InternalGrant *grant)
{
	ObjectAddress address = {.classId = ddl_grant_class(grant->objtype)};

	foreach_oid(object, OidIsValid(address.classId) ? grant->objects : NIL)
	{
		address.objectId = object;
		add_object(target, &address, NULL);
	}
}

static void
add_command(DdlTarget *target, Datum *values, bool *nulls)
{
	CollectedCommand *collected = (CollectedCommand *) DatumGetPointer(values[COMMAND_COMMAND]);
	ObjectAddress address;

	if (collected->type == SCT_Grant)
		add_granted(target, collected->d.grant.istmt);
	if (nulls[COMMAND_CLASSID] || has_altered_nothing(collected))
		return;
	target->name = nulls[COMMAND_IDENTITY] ? NULL : TextDatumGetCString(values[COMMAND_IDENTITY]);
	ObjectAddressSubSet(address, DatumGetObjectId(values[COMMAND_CLASSID]), DatumGetObjectId(values[COMMAND_OBJID]),
						DatumGetInt32(values[COMMAND_OBJSUBID]));
	add_object(target, &address, collected->parsetree);
	/* SET SCHEMA: add the former schema */
	if (collected->type == SCT_Simple && collected->d.simple.secondaryObject.classId == NamespaceRelationId)
		ddl_target_add_schema(target, collected->d.simple.secondaryObject.objectId);
	if (collected->type == SCT_AlterTable)
		add_parts(target, collected);
}

/*
 * Adds a dropped object.  Partitions and indexes that go with their table count
 * like the table; objects dropped by CASCADE do not count.
 */
static void
add_dropped(DdlTarget *target, Datum *values, bool *nulls)
{
	Oid			classid = DatumGetObjectId(values[DROPPED_CLASSID]);
	List	   *names = ddl_text_list(values[DROPPED_NAMES], nulls[DROPPED_NAMES]);

	if (DatumGetBool(values[DROPPED_TEMPORARY]) ||
		!(DatumGetBool(values[DROPPED_ORIGINAL]) || (classid == RelationRelationId && !DatumGetBool(values[DROPPED_NORMAL]))))
		return;
	target->name = nulls[DROPPED_IDENTITY] ? NULL : TextDatumGetCString(values[DROPPED_IDENTITY]);
	if (!nulls[DROPPED_SCHEMA])
		target->schemas = list_make1(TextDatumGetCString(values[DROPPED_SCHEMA]));
	else
		add_identity(target, classid, names);
}

DdlTarget
ddl_touched(EventTriggerData *event, Datum *values, bool *nulls)
{
	DdlTarget	target = {0};

	if (strcmp(event->event, "sql_drop") == 0)
		add_dropped(&target, values, nulls);
	else
		add_command(&target, values, nulls);
	return target;
}
