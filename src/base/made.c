/*-------------------------------------------------------------------------
 *
 * made.c
 *	  Code that a statement makes something of.
 *
 * An index is asked about at once, for a build may commit in the middle; all else
 * when the deed ends, for the server writes down what a key of partitions and
 * statistics use only after its hook.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/made.h"
#include "base/quote.h"

struct SgSeen
{
	SnapshotData snapshot;		/* no more than its transactions */
};

/* A deed under way */
typedef struct Making
{
	const SgSeen *seen;
	MemoryContext context;
	List	   *objects;		/* ObjectAddress of what was made or altered */
} Making;

static Making *making;

static object_access_hook_type next_access;

/* ---- what an object uses ---- */

/* Returns the row of a function, operator, operator class or type, for ReleaseSysCache(), or NULL */
static HeapTuple
code_row(Oid classid, Oid objectid)
{
	if (classid != ProcedureRelationId && classid != OperatorRelationId && classid != OperatorClassRelationId &&
		classid != TypeRelationId)
		return NULL;
	return SearchSysCache1(get_object_catcache_oid(classid), ObjectIdGetDatum(objectid));
}

static Oid
owner_of(const ObjectAddress *code, HeapTuple row)
{
	bool		isnull;

	return DatumGetObjectId(SysCacheGetAttr(get_object_catcache_oid(code->classId), row,
											get_object_attnum_owner(code->classId), &isnull));
}

/* Calls visit() for each function, operator, operator class and type that pg_depend has for an object, also what this command has written there */
static void
visit_used(const ObjectAddress *object, void (*visit) (const ObjectAddress *code, HeapTuple row))
{
	SgCatalog	depend;
	HeapTuple	tuple;

	sg_catalog_begin_depend_now(&depend, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress code = {form->refclassid, form->refobjid, 0};
		HeapTuple	row = code_row(code.classId, code.objectId);

		if (!HeapTupleIsValid(row))
			continue;
		visit(&code, row);
		ReleaseSysCache(row);
	}
}

/* ---- looks that came too early ---- */

/* Were the changes of a transaction not there yet at that moment? */
static bool
is_later(TransactionId xid)
{
	if (TransactionIdIsCurrentTransactionId(xid))
		return false;
	/* the server has forgotten which transaction that is a part of */
	if (making->seen->snapshot.suboverflowed && TransactionIdFollowsOrEquals(xid, making->seen->snapshot.xmin) &&
		TransactionIdPrecedes(xid, TransactionXmin))
		return true;
	return XidInMVCCSnapshot(xid, unconstify(SnapshotData *, &making->seen->snapshot));
}

/* Could the owner of that gain by what the caller makes of it? */
static bool
is_trap(const ObjectAddress *code, HeapTuple row)
{
	Oid			owner = owner_of(code, row);

	return !superuser_arg(owner) && !has_privs_of_role(owner, GetUserId());
}

static void
check_seen(const ObjectAddress *code, HeapTuple row)
{
	if (is_later(HeapTupleHeaderGetXmin(row->t_data)) && is_trap(code, row))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s would be used, which has come or changed since it was looked at", getObjectDescription(code, false)),
				 errhint("Look at it, and make the same call again if it may be used.")));
}

static TransactionId *
copy_of(const TransactionId *xids, int n)
{
	TransactionId *copy = palloc((n + 1) * sizeof(TransactionId));

	if (n > 0)
		memcpy(copy, xids, n * sizeof(TransactionId));
	return copy;
}

SgSeen *
sg_seen_now(MemoryContext context)
{
	Snapshot	latest = GetLatestSnapshot();
	MemoryContext old = MemoryContextSwitchTo(context);
	SgSeen	   *seen = palloc(sizeof(SgSeen));

	seen->snapshot = *latest;
	seen->snapshot.xip = copy_of(latest->xip, latest->xcnt);
	seen->snapshot.subxip = copy_of(latest->subxip, latest->subxcnt);
	MemoryContextSwitchTo(old);
	return seen;
}

/* The hook has a default by its column, which itself uses what generates its values */
static void
check_made(const ObjectAddress *object)
{
	ObjectAddress expression = *object;

	if (object->classId == AttrDefaultRelationId)
	{
		expression.classId = RelationRelationId;
		visit_used(&expression, check_seen);
		expression.classId = AttrDefaultRelationId;
		expression.objectId = GetAttrDefaultOid(object->objectId, object->objectSubId);
		expression.objectSubId = 0;
	}
	visit_used(&expression, check_seen);
}

void
sg_make_as_seen(const SgSeen *seen, void (*fn) (void *arg), void *arg)
{
	Making	   *outer = making;
	Making		m = {.seen = seen,.context = CurrentMemoryContext};

	PG_TRY();
	{
		making = &m;
		fn(arg);
		foreach_ptr(const ObjectAddress, object, m.objects)
		{
			check_made(object);
		}
	}
	PG_FINALLY();
	{
		making = outer;
	}
	PG_END_TRY();
}

/* ---- indexes ---- */

/* The server computes an index as the table's owner, and is that role now.  Types are the look's: columns have them, too. */
static void
check_trusted(const ObjectAddress *code, HeapTuple row)
{
	Oid			owner = owner_of(code, row);

	if (code->classId == TypeRelationId || superuser_arg(owner) || has_privs_of_role(owner, GetUserId()) ||
		(!superuser_arg(GetUserId()) && has_privs_of_role(GetUserId(), owner)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("no index is built: it could run %s of role %s as role %s", getObjectDescription(code, false),
					sg_role_name(owner), sg_role_name(GetUserId())),
			 errhint("Give what it belongs to to the owner of that code, or have that role run it.")));
}

static void
look_at_made(ObjectAccessType access, Oid classid, Oid objectid, int subid, void *arg)
{
	ObjectAddress object = {classid, objectid, subid};

	if (next_access)
		next_access(access, classid, objectid, subid, arg);
	if (access != OAT_POST_CREATE && access != OAT_POST_ALTER)
		return;
	/* of relations, only an index has any functions by now */
	if (access == OAT_POST_CREATE && classid == RelationRelationId && sg_guard_is_on())
		visit_used(&object, check_trusted);
	if (making)
	{
		MemoryContext old = MemoryContextSwitchTo(making->context);
		ObjectAddress *made = palloc(sizeof(ObjectAddress));

		*made = object;
		making->objects = lappend(making->objects, made);
		MemoryContextSwitchTo(old);
	}
}

void
sg_made_init(void)
{
	next_access = object_access_hook;
	object_access_hook = look_at_made;
}
