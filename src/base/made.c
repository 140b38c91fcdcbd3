/*-------------------------------------------------------------------------
 *
 * made.c
 *	  Code from which a statement makes an object.  An index is checked at
 *	  once, because its build may commit in the middle; other objects when the
 *	  deed ends, because the server records what a partition key or statistics
 *	  object uses only after its hook.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/made.h"
#include "base/quote.h"

struct SgSeen
{
	SnapshotData snapshot;		/* only its transactions are used */
	SgSeen	   *outer;			/* moment of the call in which this call began */
	MemoryContext context;
	List	   *own;			/* XIDs, as OIDs, that this session has
								 * committed since */
	Oid			role;			/* role of the call */
	HTAB	   *theirs;			/* objects that others' code has made or
								 * altered in this session's transactions, or
								 * NULL */
};

typedef struct TheirKey
{
	Oid			classId;
	Oid			objectId;
} TheirKey;

/* Latest of the moments whose memory context exists */
static SgSeen *kept;

static SgSeen *session;

/* An object that was made or altered */
typedef struct Made
{
	ObjectAddress object;
	Oid			role;			/* role that made or altered it */
	Oid			owner;			/* owner before that, of a relation; else
								 * InvalidOid */
	bool		created;
} Made;

/* A deed under way */
typedef struct Making
{
	const SgSeen *seen;
	MemoryContext context;
	List	   *objects;		/* of Made * */
	Oid			kept_for;		/* owner of an object that is recreated from a
								 * recorded text, or InvalidOid */
	const List *known;			/* ObjectAddress *: objects that the text used
								 * before */
} Making;

static Making *making;

static object_access_hook_type next_access;

/* ---- code that an object uses ---- */

static bool
is_code(Oid classid)
{
	return classid == ProcedureRelationId || classid == OperatorRelationId || classid == OperatorClassRelationId ||
		classid == TypeRelationId;
}

/*
 * Returns the row of a function, operator, operator class, type or relation,
 * for ReleaseSysCache(), or NULL
 */
static HeapTuple
code_row(Oid classid, Oid objectid)
{
	if (!is_code(classid) && classid != RelationRelationId)
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

/*
 * Returns the code that an object uses, and on request the relations; includes
 * what this command has just written to pg_depend
 */
static List *
code_used(const ObjectAddress *object, bool relations)
{
	List	   *used = NIL;
	SgCatalog	depend;
	HeapTuple	tuple;

	sg_catalog_begin_depend_now(&depend, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *code = palloc(sizeof(ObjectAddress));

		if (!is_code(form->refclassid) && !(relations && form->refclassid == RelationRelationId))
			continue;
		ObjectAddressSet(*code, form->refclassid, form->refobjid);
		used = lappend(used, code);
	}
	return used;
}

List *
sg_code_used(Oid classid, Oid objectid)
{
	ObjectAddress object = {classid, objectid, 0};

	return code_used(&object, true);
}

/*
 * Calls visit() for each function, operator, operator class, type and, on
 * request, relation that an object depends on in pg_depend
 */
static void
visit_used(const ObjectAddress *object, bool relations, Oid role,
		   void (*visit) (const ObjectAddress *code, HeapTuple row, Oid role))
{
	foreach_ptr(const ObjectAddress, code, code_used(object, relations))
	{
		HeapTuple	row = code_row(code->classId, code->objectId);

		if (!HeapTupleIsValid(row))
			continue;
		visit(code, row, role);
		ReleaseSysCache(row);
	}
}

/* ---- looks that came too early ---- */

static bool
is_theirs(const SgSeen *seen, const ObjectAddress *code)
{
	TheirKey	key = {code->classId, code->objectId};

	return seen->theirs && hash_search(seen->theirs, &key, HASH_FIND, NULL) != NULL;
}

/*
 * Returns whether other sessions or roles made or changed the code after that
 * moment; xid is the transaction of its row
 */
static bool
is_later_than(const SgSeen *seen, const ObjectAddress *code, TransactionId xid)
{
	bool		later;

	if (is_theirs(seen, code))
		return true;

	/*
	 * a frozen row, too, keeps the number of its transaction, perhaps an old
	 * one
	 */
	if (TransactionIdFollowsOrEquals(xid, ReadNextTransactionId()))
		return false;
	if (TransactionIdIsCurrentTransactionId(xid))
		return false;

	/*
	 * the server has forgotten which transaction this subtransaction belongs
	 * to
	 */
	later = (seen->snapshot.suboverflowed && TransactionIdFollowsOrEquals(xid, seen->snapshot.xmin) &&
			 TransactionIdPrecedes(xid, TransactionXmin)) ||
		XidInMVCCSnapshot(xid, unconstify(SnapshotData *, &seen->snapshot));
	/* last, because each transaction of the call adds an entry */
	return later && !list_member_oid(seen->own, xid);
}

/*
 * Returns whether this transaction has replaced the row.  Some statements
 * (GRANT, DROP OWNED, the other operator of a commutator) call no hook, but the
 * server keeps replaced rows until their transaction ends.
 */
static bool
is_replaced(HeapTupleHeader version)
{
	return (version->t_infomask & HEAP_XMAX_INVALID) == 0 && !HEAP_XMAX_IS_LOCKED_ONLY(version->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(version));
}

/*
 * Returns whether this transaction has replaced a catalog row that others had
 * made or changed since; the row's OID column has the object's OID
 */
static bool
was_later(const ObjectAddress *object, Oid catalog, Oid index, AttrNumber column)
{
	SgCatalog	versions;
	HeapTuple	version;
	bool		later = false;

	sg_catalog_begin(&versions, catalog, index, column, object->objectId, SnapshotAny);
	while (!later && HeapTupleIsValid(version = sg_catalog_next(&versions)))
		later = is_replaced(version->t_data) && is_later_than(making->seen, object, HeapTupleHeaderGetRawXmin(version->t_data));
	sg_catalog_end(&versions);
	return later;
}

static bool
is_later(const ObjectAddress *code, TransactionId xid)
{
	return is_later_than(making->seen, code, xid) ||
		(TransactionIdIsCurrentTransactionId(xid) &&
		 was_later(code, code->classId, get_object_oid_index(code->classId), get_object_attnum_oid(code->classId)));
}

/* Returns whether a role that could gain by it has created or renamed the schema since */
static bool
is_schema_later(const ObjectAddress *code, HeapTuple row, Oid role)
{
	ObjectAddress schema = {NamespaceRelationId, InvalidOid, 0};
	HeapTuple	tuple;
	bool		result;
	bool		isnull;

	schema.objectId = DatumGetObjectId(SysCacheGetAttr(get_object_catcache_oid(code->classId), row,
													   get_object_attnum_namespace(code->classId), &isnull));
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema.objectId));
	if (!HeapTupleIsValid(tuple))
		return true;
	result = sg_could_gain(owner_of(&schema, tuple), role) && is_later(&schema, HeapTupleHeaderGetRawXmin(tuple->t_data));
	ReleaseSysCache(tuple);
	return result;
}

pg_noreturn static void
refuse(const ObjectAddress *used)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s would be used, which has come or changed since it was looked at", getObjectDescription(used, false)),
			 errhint("Examine that object, and make the same call again if it may be used.")));
}

/*
 * Returns the object of a catalog row: its first column is the OID; a column is
 * represented by its table
 */
static ObjectAddress
object_of(Oid catalog, HeapTuple row)
{
	bool		is_class = catalog == AttributeRelationId || catalog == IndexRelationId;
	ObjectAddress object = {is_class ? RelationRelationId : catalog, *(Oid *) GETSTRUCT(row), 0};

	return object;
}

/* Catalogs of parts of relations: the index that finds the parts, and the column with the relation */
static const struct
{
	Oid			catalog;
	Oid			index;
	AttrNumber	column;
}			parts_of_relations[] = {
	{AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid},
	{IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid},
	{StatisticExtRelationId, StatisticExtRelidIndexId, Anum_pg_statistic_ext_stxrelid},
	{RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class},
	{TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid},
	{PolicyRelationId, PolicyPolrelidPolnameIndexId, Anum_pg_policy_polrelid},
	{AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid},
	{ForeignTableRelationId, ForeignTableRelidIndexId, Anum_pg_foreign_table_ftrelid},
	{ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid},
	{InheritsRelationId, InheritsParentIndexId, Anum_pg_inherits_inhparent},
};

/*
 * Returns the relation or type that a catalog row is a part of; InvalidOid as
 * OID if the row is no part
 */
static ObjectAddress
whole_of(Relation catalog, HeapTuple row)
{
	ObjectAddress whole = {RelationRelationId, InvalidOid, 0};
	bool		isnull;

	for (int i = 0; i < lengthof(parts_of_relations); i++)
	{
		if (parts_of_relations[i].catalog == RelationGetRelid(catalog))
			whole.objectId = DatumGetObjectId(heap_getattr(row, parts_of_relations[i].column, RelationGetDescr(catalog), &isnull));
	}
	if (RelationGetRelid(catalog) == ConstraintRelationId && !OidIsValid(whole.objectId))
		ObjectAddressSet(whole, TypeRelationId, ((Form_pg_constraint) GETSTRUCT(row))->contypid);
	return whole;
}

/*
 * Returns whether a catalog row about an object was made or changed since; the
 * row's OID column has the object's OID
 */
static bool
is_part_later(Oid catalog, Oid index, AttrNumber column, Oid object)
{
	ObjectAddress whole = {InvalidOid, object, 0};
	SgCatalog	parts;
	HeapTuple	tuple;
	bool		later = false;

	sg_catalog_begin(&parts, catalog, index, column, object, NULL);
	while (!later && HeapTupleIsValid(tuple = sg_catalog_next(&parts)))
	{
		ObjectAddress part = object_of(catalog, tuple);

		later = is_later_than(making->seen, &part, HeapTupleHeaderGetRawXmin(tuple->t_data));
	}
	sg_catalog_end(&parts);
	return later || was_later(&whole, catalog, index, column);
}

/*
 * Raises 42501 for later code, or code whose schema or CHECK is later, whose
 * owner could gain by running it as that role
 */
static void
check_seen(const ObjectAddress *code, HeapTuple row, Oid role)
{
	if (sg_could_gain(owner_of(code, row), role) &&
		(is_later(code, HeapTupleHeaderGetRawXmin(row->t_data)) || is_schema_later(code, row, role) ||
		 (code->classId == TypeRelationId &&
		  is_part_later(ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, code->objectId))))
		refuse(code);
}

static bool
type_could_gain(Oid type, Oid role)
{
	ObjectAddress object = {TypeRelationId, type, 0};
	HeapTuple	row = code_row(TypeRelationId, type);
	bool		result = false;

	if (HeapTupleIsValid(row))
	{
		result = sg_could_gain(owner_of(&object, row), role);
		ReleaseSysCache(row);
	}
	return result;
}

/*
 * Raises 42501 for a later cast from that type (InvalidOid: any) or to it,
 * whose owner could gain: by a cast a name may lead to another function, and
 * pg_depend does not tell which expressions use it
 */
static void
check_casts(Oid role, Oid type)
{
	SgCatalog	casts;
	HeapTuple	tuple;

	sg_catalog_begin_all(&casts, CastRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&casts)))
	{
		Form_pg_cast form = (Form_pg_cast) GETSTRUCT(tuple);
		ObjectAddress cast = {CastRelationId, form->oid, 0};

		if ((!OidIsValid(type) || type == form->castsource || type == form->casttarget) &&
			is_later(&cast, HeapTupleHeaderGetRawXmin(tuple->t_data)) &&
			(type_could_gain(form->castsource, role) || type_could_gain(form->casttarget, role)))
			refuse(&cast);
	}
}

/*
 * Returns whether a relation was created, renamed, moved to another schema, or
 * had options changed since
 */
static bool
is_class_later(Oid relid, Oid role)
{
	ObjectAddress relation = {RelationRelationId, relid, 0};
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		later;

	if (!HeapTupleIsValid(row))
		return true;
	later = is_later(&relation, HeapTupleHeaderGetRawXmin(row->t_data)) || is_schema_later(&relation, row, role);
	ReleaseSysCache(row);
	return later;
}

/* Returns whether a relation, or one of its columns, was created or changed since */
static bool
is_relation_later(Oid relid, Oid role)
{
	return is_class_later(relid, role) || is_part_later(AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, relid);
}

/* Returns whether a table below is later: a statement reaches each table below, and fires its triggers */
static bool
has_later_child(Oid relid)
{
	foreach_oid(table, sg_all_inheritors(relid))
	{
		if (is_part_later(InheritsRelationId, InheritsParentIndexId, Anum_pg_inherits_inhparent, table))
			return true;
	}
	return false;
}

/*
 * Returns whether a part of a relation was created or changed since, or a table
 * below it, or one above it, whose owner may build indexes on it
 */
static bool
has_later_part(Oid relid)
{
	for (int i = 0; i < lengthof(parts_of_relations); i++)
	{
		if (is_part_later(parts_of_relations[i].catalog, parts_of_relations[i].index, parts_of_relations[i].column, relid))
			return true;
	}
	return has_later_child(relid) ||
		is_part_later(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, relid);
}

/*
 * Raises 42501 for a relation that an owner, who could gain by it, has changed
 * since and given to another role
 */
static void
check_handed_over(const Made *made)
{
	Oid			was = made->owner;
	Oid			relid = made->object.objectId;
	Oid			owner = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ? code_table_owner(relid) : was;

	if (owner != was && sg_could_gain(was, owner) &&
		(is_class_later(relid, made->role) || has_later_part(relid)))
		refuse(&made->object);
}

/*
 * Raises 42501 for a query or body that reads a relation which its owner has
 * changed since, because a name may lead to another function by that change
 */
static void
check_read(const ObjectAddress *object, Oid role)
{
	SgCatalog	depend;
	HeapTuple	tuple;

	sg_catalog_begin_depend_now(&depend, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress relation = {RelationRelationId, form->refobjid, 0};

		if (form->refclassid == RelationRelationId && sg_could_gain(code_table_owner(form->refobjid), role) &&
			is_relation_later(form->refobjid, role))
			refuse(&relation);
	}
}

static TransactionId *
copy_of(const TransactionId *xids, int n)
{
	TransactionId *copy = palloc((n + 1) * sizeof(TransactionId));

	if (n > 0)
		memcpy(copy, xids, n * sizeof(TransactionId));
	return copy;
}

/* Memory context callback: removes the moment from the list */
static void
forget(void *arg)
{
	SgSeen	  **link = &kept;

	while (*link && *link != arg)
		link = &(*link)->outer;
	if (*link)
		*link = (*link)->outer;
}

static void
keep_theirs(SgSeen *seen, const ObjectAddress *object)
{
	TheirKey	key = {object->classId, object->objectId};

	if (seen->theirs == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(TheirKey),.entrysize = sizeof(TheirKey),.hcxt = seen->context};

		seen->theirs = hash_create("schemaguard objects of others", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(seen->theirs, &key, HASH_ENTER, NULL);
}

/* Catalogs that decide what a name leads to, besides those of parts of relations */
static const Oid judged[] = {ProcedureRelationId, OperatorRelationId, OperatorClassRelationId, TypeRelationId, RelationRelationId,
NamespaceRelationId, CastRelationId, ForeignServerRelationId, ForeignDataWrapperRelationId, SubscriptionRelationId};

/* Which versions of rows a look searches for */
typedef struct Written
{
	bool		(*is_it) (const struct Written *written, HeapTupleHeader version);
	CommandId	first;			/* written by commands from this one on; for
								 * is_written() */
	Oid			role;			/* role that has written the rows; InvalidOid:
								 * judged by each row's own transaction */
} Written;

static bool
is_replaced_now(const Written *written, HeapTupleHeader version)
{
	return is_replaced(version);
}

/* Returns whether this transaction made, replaced or deleted the row by one of these commands */
static bool
is_written(const Written *written, HeapTupleHeader version)
{
	return (!HeapTupleHeaderXminFrozen(version) && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(version)) &&
			HeapTupleHeaderGetCmin(version) >= written->first) ||
		(is_replaced(version) && HeapTupleHeaderGetCmax(version) >= written->first);
}

/*
 * Returns whether a written row counts as others' for a call: rows that a given
 * role wrote do, unless the call is its own
 */
static bool
is_theirs_for(const SgSeen *seen, const Written *written, const ObjectAddress *object, HeapTupleHeader version)
{
	return OidIsValid(written->role) ? written->role != seen->role :
		is_later_than(seen, object, HeapTupleHeaderGetRawXmin(version));
}

/*
 * Keeps the objects in a block of a catalog that others have made or changed,
 * and this transaction has written
 */
static void
keep_written_in(Relation rel, BlockNumber block, const Written *written)
{
	Buffer		buffer = ReadBuffer(rel, block);
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	for (OffsetNumber place = FirstOffsetNumber; place <= PageGetMaxOffsetNumber(page); place++)
	{
		ItemId		item = PageGetItemId(page, place);
		HeapTupleData version = {0};
		ObjectAddress object;
		ObjectAddress whole;

		if (!ItemIdIsNormal(item))
			continue;
		version.t_data = (HeapTupleHeader) PageGetItem(page, item);
		version.t_len = ItemIdGetLength(item);
		if (!written->is_it(written, version.t_data))
			continue;
		object = object_of(RelationGetRelid(rel), &version);
		whole = whole_of(rel, &version);
		for (SgSeen *seen = kept; seen; seen = seen->outer)
		{
			if (!is_theirs_for(seen, written, &object, version.t_data))
				continue;
			keep_theirs(seen, &object);

			/*
			 * a dropped part may be recreated from its text, as another
			 * object
			 */
			if (OidIsValid(whole.objectId))
				keep_theirs(seen, &whole);
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * Returns whether this transaction may have written rows of a catalog; new rows
 * do not count in a search for replaced rows
 */
static bool
may_have_written(Relation rel, const Written *written)
{
	const PgStat_TableXactStatus *trans;

	if (!pgstat_should_count_relation(rel))
		return true;
	trans = rel->pgstat_info->trans;
	return trans && trans->tuples_updated + trans->tuples_deleted + (written->is_it == is_written ? trans->tuples_inserted : 0) > 0;
}

/*
 * Skips all-visible pages, most pages of a large catalog, which have no such
 * row, so that a commit does not take longer with the number of tables
 */
static void
keep_written(Oid catalog, const Written *written)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	BlockNumber blocks = may_have_written(rel, written) ? RelationGetNumberOfBlocks(rel) : 0;
	Buffer		map = InvalidBuffer;

	for (BlockNumber block = 0; block < blocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((visibilitymap_get_status(rel, block, &map) & VISIBILITYMAP_ALL_VISIBLE) == 0)
			keep_written_in(rel, block, written);
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	table_close(rel, AccessShareLock);
}

static void
keep_all_written(const Written *written)
{
	for (int i = 0; i < lengthof(judged); i++)
		keep_written(judged[i], written);
	for (int i = 0; i < lengthof(parts_of_relations); i++)
		keep_written(parts_of_relations[i].catalog, written);
}

/* Reads the rows, because not every statement, such as GRANT, calls a hook for its changes */
void
sg_note_written(CommandId first)
{
	Written		written = {.is_it = is_written,.first = first};
	int			context;

	GetUserIdAndSecContext(&written.role, &context);
	if ((context & (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)) == 0)
		return;
	for (const SgSeen *seen = kept; seen; seen = seen->outer)
	{
		if (seen->role == written.role)
			continue;
		keep_all_written(&written);
		return;
	}
}

/*
 * Records the transactions that this session commits: others have not planted
 * the objects that these make
 */
static void
note_commit(XactEvent event, void *arg)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	Written		replaced = {.is_it = is_replaced_now};
	TransactionId *children;
	int			n;

	if (event != XACT_EVENT_PRE_COMMIT || kept == NULL || !TransactionIdIsValid(xid))
		return;
	/* replaced rows, before the commit makes them untraceable */
	keep_all_written(&replaced);
	n = xactGetCommittedChildren(&children);
	for (SgSeen *seen = kept; seen; seen = seen->outer)
	{
		MemoryContext old = MemoryContextSwitchTo(seen->context);

		seen->own = lappend_oid(seen->own, xid);
		for (int i = 0; i < n; i++)
			seen->own = lappend_oid(seen->own, children[i]);
		MemoryContextSwitchTo(old);
	}
}

SgSeen *
sg_seen_now(MemoryContext context)
{
	static bool noting = false;
	Snapshot	latest = GetLatestSnapshot();
	MemoryContext old = MemoryContextSwitchTo(context);
	SgSeen	   *seen = palloc0(sizeof(SgSeen));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	if (!noting)
		RegisterXactCallback(note_commit, NULL);
	noting = true;
	seen->snapshot = *latest;
	seen->snapshot.xip = copy_of(latest->xip, latest->xcnt);
	seen->snapshot.subxip = copy_of(latest->subxip, latest->subxcnt);
	seen->context = context;
	seen->role = GetUserId();
	callback->func = forget;
	callback->arg = seen;
	MemoryContextRegisterResetCallback(context, callback);
	seen->outer = kept;
	kept = seen;
	MemoryContextSwitchTo(old);
	return seen;
}

bool
sg_is_making(void)
{
	return making != NULL;
}

void
sg_seen_session(bool on)
{
	Assert(making == NULL);
	if (session)
		MemoryContextDelete(session->context);
	session = NULL;
	session = on ? sg_seen_now(AllocSetContextCreate(TopMemoryContext, "schemaguard guarded session", ALLOCSET_SMALL_SIZES)) : NULL;
}

const SgSeen *
sg_seen_by_session(void)
{
	return session;
}

/* Raises 42501 for code whose owner is not trusted by a role as which the server could run it */
static void
check_owner(const ObjectAddress *code, HeapTuple row, Oid role)
{
	Oid			owner = owner_of(code, row);

	if (!sg_could_gain(owner, role) || (!superuser_arg(role) && has_privs_of_role(role, owner)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg(code->classId == RelationRelationId ? "it would use %s of role %s for role %s" :
					"it could run %s of role %s as role %s", getObjectDescription(code, false),
					sg_role_name(owner), sg_role_name(role)),
			 errhint("Give the table or other object that uses that code to the code's owner, or make the call as that owner.")));
}

/*
 * Checks the owner of code that the server runs at once.  Types are left to the
 * look: columns have them, too.
 */
static void
check_trusted(const ObjectAddress *code, HeapTuple row, Oid role)
{
	if (code->classId != TypeRelationId)
		check_owner(code, row, role);
}

/* Checks the owner of code that names in a recorded text lead to, unless they led to it before */
static void
check_kept(const ObjectAddress *code, HeapTuple row, Oid role)
{
	foreach_ptr(const ObjectAddress, known, making->known)
	{
		if (known->classId == code->classId && known->objectId == code->objectId)
			return;
	}
	if (owner_of(code, row) != GetUserId())
		check_owner(code, row, role);
}

/*
 * Returns whether a name in the text of a recreated object could lead to
 * another relation than before, without a check.  Names in views are read with
 * their owners' privileges; names recorded before relations were recorded are
 * unknown.
 */
static bool
has_kept_relations(const ObjectAddress *object)
{
	if (object->classId == AttrDefaultRelationId)
		return true;
	if (object->classId != TriggerRelationId && object->classId != ConstraintRelationId && object->classId != PolicyRelationId)
		return false;
	foreach_ptr(const ObjectAddress, known, making->known)
	{
		if (known->classId == RelationRelationId)
			return true;
	}
	return false;
}

void
sg_make_of_kept(Oid owner, const List *known)
{
	if (making == NULL)
		return;
	making->kept_for = owner;
	making->known = known;
}

static Oid
table_owner_of(Oid statistics)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	Oid			owner = GetUserId();

	if (HeapTupleIsValid(tuple))
	{
		owner = code_table_owner(((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid);
		ReleaseSysCache(tuple);
	}
	return owner;
}

static void
check_made(const Made *made)
{
	const ObjectAddress *object = &made->object;
	ObjectAddress expression = *object;
	Oid			role = made->role;

	/*
	 * the hook reports a default by its column, which itself depends on the
	 * sequence that generates its values
	 */
	if (object->classId == AttrDefaultRelationId)
	{
		expression.classId = RelationRelationId;
		visit_used(&expression, false, role, check_seen);
		expression.classId = AttrDefaultRelationId;
		expression.objectId = GetAttrDefaultOid(object->objectId, object->objectSubId);
		expression.objectSubId = 0;
	}
	visit_used(&expression, false, role, check_seen);
	if (made->created && OidIsValid(making->kept_for))
		visit_used(&expression, has_kept_relations(&expression), making->kept_for, check_kept);
	if (object->classId == RewriteRelationId || object->classId == ProcedureRelationId || object->classId == PolicyRelationId)
		check_read(object, role);
	if (object->classId == StatisticExtRelationId)
		visit_used(object, false, table_owner_of(object->objectId), check_trusted);
}

/*
 * Returns whether the object can have an expression or query, in which a name
 * may lead to a function by a cast
 */
static bool
has_expression(const ObjectAddress *object)
{
	char		kind;

	switch (object->classId)
	{
		case RelationRelationId:
			kind = get_rel_relkind(object->objectId);
			return kind == RELKIND_INDEX || RELKIND_HAS_PARTITIONS(kind) || object->objectSubId != 0;
		case TypeRelationId:
			return get_typtype(object->objectId) == TYPTYPE_DOMAIN;
		case NamespaceRelationId:
			return false;
		default:
			return true;
	}
}

void
sg_make_as_seen(const SgSeen *seen, void (*fn) (void *arg), void *arg)
{
	Making	   *outer = making;
	Making		m = {.seen = seen,.context = CurrentMemoryContext};
	Oid			role = InvalidOid;

	PG_TRY();
	{
		making = &m;
		fn(arg);
		foreach_ptr(const Made, made, m.objects)
		{
			if (made->role != role && has_expression(&made->object))
			{
				check_casts(made->role, InvalidOid);
				role = made->role;
			}
			check_made(made);
			if (OidIsValid(made->owner))
				check_handed_over(made);
		}
	}
	PG_FINALLY();
	{
		making = outer;
	}
	PG_END_TRY();
}

/*
 * Raises 42501 for a schema, server, wrapper or subscription that was created
 * or changed later, and whose owner could gain
 */
static void
check_place(const ObjectAddress *object)
{
	HeapTuple	row;

	if (object->classId != NamespaceRelationId && object->classId != ForeignServerRelationId &&
		object->classId != ForeignDataWrapperRelationId && object->classId != SubscriptionRelationId)
		return;
	row = SearchSysCache1(get_object_catcache_oid(object->classId), ObjectIdGetDatum(object->objectId));
	if (!HeapTupleIsValid(row))
		return;
	if (sg_could_gain(owner_of(object, row), GetUserId()) && is_later(object, HeapTupleHeaderGetRawXmin(row->t_data)))
		refuse(object);
	ReleaseSysCache(row);
}

/*
 * Raises 42501 for code or a place that a statement alters, replaces or gives
 * to another owner although it is not as it was seen.  The hook cannot read its
 * new row yet.
 */
static void
check_altered(const ObjectAddress *object)
{
	HeapTuple	row = is_code(object->classId) ? code_row(object->classId, object->objectId) : NULL;

	check_place(object);
	if (!HeapTupleIsValid(row))
		return;
	check_seen(object, row, GetUserId());

	/*
	 * checked now, because nobody checks the casts of a type once it has
	 * another owner
	 */
	if (object->classId == TypeRelationId && sg_could_gain(owner_of(object, row), GetUserId()))
		check_casts(GetUserId(), object->objectId);
	ReleaseSysCache(row);
}

static void
look_at_made(ObjectAccessType access, Oid classid, Oid objectid, int subid, void *arg)
{
	ObjectAddress object = {classid, objectid, subid};

	if (next_access)
		next_access(access, classid, objectid, subid, arg);
	if (access != OAT_POST_CREATE && access != OAT_POST_ALTER)
		return;

	/*
	 * among relations, only an index has functions at this point; an internal
	 * constraint is recreated from its text when a column's type changes
	 */
	if (access == OAT_POST_CREATE && sg_guard_is_on() &&
		(classid == RelationRelationId || (classid == ConstraintRelationId && ((ObjectAccessPostCreate *) arg)->is_internal)))
		visit_used(&object, false, GetUserId(), check_trusted);
	if (making)
		check_altered(&object);
	if (making)
	{
		MemoryContext old = MemoryContextSwitchTo(making->context);
		Made	   *made = palloc(sizeof(Made));

		made->object = object;
		made->role = GetUserId();
		made->created = access == OAT_POST_CREATE;
		made->owner = access == OAT_POST_ALTER && classid == RelationRelationId ? code_table_owner(objectid) : InvalidOid;
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
