/*-------------------------------------------------------------------------
 *
 * hold.c
 *	  Names of schemas and types that stay unchanged during a deed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/hold.h"
#include "base/quote.h"

/* Number of reads, at most, of a row that other sessions keep changing */
#define MOST_READS 10

/* Returns whether the row is locked or needs no lock; false: the caller reads it again */
static bool
lock_row(Relation rel, HeapTuple row)
{
	HeapTupleData target = {.t_self = row->t_self};
	TM_FailureData failure;
	Buffer		buffer;
	TM_Result	result = heap_lock_tuple(rel, &target, GetCurrentCommandId(true), LockTupleKeyShare,
										 LockWaitError, true, &buffer, &failure);

	ReleaseBuffer(buffer);
	return result == TM_Ok || result == TM_Invisible || result == TM_SelfModified;
}

/* Returns whether the row is held, gone, or changeable by superusers only */
static bool
try_hold(Relation rel, Oid index, AttrNumber column, Oid object, Oid (*owner_of) (HeapTuple row))
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		done = true;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row) && !superuser_arg(owner_of(row)))
		done = lock_row(rel, row);
	systable_endscan(scan);
	return done;
}

/* Returns whether rows of the catalog can be locked at all */
static bool
can_hold(void)
{
	return !RecoveryInProgress() && !XactReadOnly && !IsInParallelMode();
}

static Oid
schema_owner(HeapTuple row)
{
	return ((Form_pg_namespace) GETSTRUCT(row))->nspowner;
}

static Oid
type_owner(HeapTuple row)
{
	return ((Form_pg_type) GETSTRUCT(row))->typowner;
}

/* Locks the row of an object; `what` names the object in errors */
static void
hold(Oid catalog, Oid index, AttrNumber column, Oid object, Oid (*owner_of) (HeapTuple row), const char *what)
{
	Relation	rel = table_open(catalog, RowShareLock);

	for (int reads = 0; !try_hold(rel, index, column, object, owner_of); reads++)
	{
		if (reads == MOST_READS)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not lock %s", what)));
		AcceptInvalidationMessages();
	}
	table_close(rel, NoLock);
}

void
sg_hold_schema(Oid schema)
{
	if (OidIsValid(schema) && !isAnyTempNamespace(schema) && can_hold())
		hold(NamespaceRelationId, NamespaceOidIndexId, Anum_pg_namespace_oid, schema, schema_owner,
			 psprintf("schema %s", quote_identifier(sg_schema_name(schema))));
}

void
sg_hold_type(Oid type)
{
	HeapTuple	tuple = type < FirstNormalObjectId ? NULL : SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char	   *what;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_type) GETSTRUCT(tuple);
	sg_hold_schema(form->typnamespace);
	what = psprintf("type %s", sg_qualified_name(sg_schema_name(form->typnamespace), NameStr(form->typname)));
	ReleaseSysCache(tuple);
	if (can_hold())
		hold(TypeRelationId, TypeOidIndexId, Anum_pg_type_oid, type, type_owner, what);
}
