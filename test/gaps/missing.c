/*-------------------------------------------------------------------------
 *
 * missing.c
 *	  Answers the library's looks into the catalogs with "there is none".
 *
 * test/t/049_missing.pl links this file into a library of its own.  The linker
 * replaces functions that look up an object (ld --wrap) by the wrappers below,
 * so that a look at a user's object finds what it finds when another session
 * dropped the object a moment before.  Functions that raise an error then look
 * for an object that no database has, and raise their own.
 *
 * A session with setting gaps.missing, the name of a file, gets such an answer
 * once at each site: a wrapped function with its callers' addresses in the
 * library.  The file has a line for each site that was served, written before
 * the answer is given, and is read by the sessions that come later.  With
 * gaps.wrapped, the name of a wrapped function, others answer as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/spi.h"

#include "callers.h"

#define SITE_SIZE 100

/* An OID that no object has */
#define GONE ((Oid) PG_UINT32_MAX)

#define IS_USERS(oid) ((oid) >= FirstNormalObjectId)

#if PG_VERSION_NUM >= 170000
#define LOCK_HELD(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define LOCK_HELD(tag, mode) LockHeldByMe(tag, mode)
#endif

static HTAB *served;

/* Reads the sites that earlier sessions were served at */
static void
read_served(const char *path)
{
	HASHCTL		control = {.keysize = SITE_SIZE, .entrysize = SITE_SIZE, .hcxt = TopMemoryContext};
	char		line[SITE_SIZE];
	FILE	   *file = fopen(path, "r");

	served = hash_create("missing answers", 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	while (file && fgets(line, sizeof(line), file))
	{
		line[strcspn(line, "\n")] = '\0';
		hash_search(served, line, HASH_ENTER, NULL);
	}
	if (file)
		fclose(file);
}

static pg_noinline bool
is_missing(const char *wrapped)
{
	const char *path = GetConfigOption("gaps.missing", true, false);
	const char *only = GetConfigOption("gaps.wrapped", true, false);
	char		site[SITE_SIZE];
	bool		found;
	FILE	   *file;

	if (path == NULL || path[0] == '\0' || (only && strcmp(only, wrapped) != 0))
		return false;
	if (served == NULL)
		read_served(path);
	strlcpy(site, wrapped, sizeof(site));
	append_callers(site, SITE_SIZE);
	hash_search(served, site, HASH_ENTER, &found);
	if (found || (file = fopen(path, "a")) == NULL)
		return false;
	fprintf(file, "%s\n", site);
	fclose(file);
	return true;
}

extern Oid	__real_get_rel_namespace(Oid relid);

/* Returns whether another session can drop a relation: a user's, no table of ours, that this session has not locked */
static bool
can_go(Oid relid)
{
	LOCKTAG		tag;

	if (!IS_USERS(relid) || __real_get_rel_namespace(relid) == sg_schema_oid())
		return false;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
	{
		if (LOCK_HELD(&tag, mode))
			return false;
	}
	return true;
}

/* Returns whether the row that a cache is asked for is that of an object that another session can drop; the key is an OID */
static bool
row_can_go(int cache, Datum key)
{
	Oid			oid = DatumGetObjectId(key);

	return cache == RELOID || cache == ATTNUM || cache == ATTNAME || cache == INDEXRELID ? can_go(oid) : IS_USERS(oid);
}

extern Oid	__real_get_func_namespace(Oid function);

/* Returns whether another session can drop what a role's privileges are looked up of */
static bool
object_can_go(Oid classid, Oid object)
{
	return IS_USERS(object) && object != sg_schema_oid() &&
		(classid != ProcedureRelationId || __real_get_func_namespace(object) != sg_schema_oid());
}

/* A wrapper that answers with nothing, if the look is at an object that somebody can drop */
#define MISSING(type, name, parameters, arguments, if_true, nothing) \
	extern type __real_##name parameters; \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return (if_true) && is_missing(#name) ? (nothing) : __real_##name arguments; \
	}

/* A wrapper that looks for an object that is not there */
#define RAISING(type, name, parameters, arguments, if_true, oid) \
	extern type __real_##name parameters; \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		if ((if_true) && is_missing(#name)) \
			oid = GONE; \
		return __real_##name arguments; \
	}

/* Rows */
MISSING(HeapTuple, SearchSysCache1, (int cache, Datum key), (cache, key), row_can_go(cache, key), NULL)
MISSING(HeapTuple, SearchSysCache2, (int cache, Datum a, Datum b), (cache, a, b), row_can_go(cache, a), NULL)
MISSING(HeapTuple, SearchSysCache3, (int cache, Datum a, Datum b, Datum c), (cache, a, b, c), row_can_go(cache, a), NULL)
MISSING(HeapTuple, SearchSysCacheAttName, (Oid relid, const char *column), (relid, column), can_go(relid), NULL)
MISSING(HeapTuple, SearchSysCacheCopy, (int cache, Datum a, Datum b, Datum c, Datum d), (cache, a, b, c, d), row_can_go(cache, a), NULL)
MISSING(HeapTuple, systable_getnext, (SysScanDesc scan), (scan), true, NULL)
MISSING(Relation, try_relation_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), NULL)
MISSING(Relation, try_table_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), NULL)

MISSING(bool, SearchSysCacheExists, (int cache, Datum a, Datum b, Datum c, Datum d), (cache, a, b, c, d), row_can_go(cache, a), false)

/* Names */
MISSING(char *, get_rel_name, (Oid relid), (relid), can_go(relid), NULL)
MISSING(char *, get_namespace_name, (Oid schema), (schema), IS_USERS(schema), NULL)
MISSING(char *, get_attname, (Oid relid, AttrNumber attnum, bool missing_ok), (relid, attnum, missing_ok), can_go(relid) && missing_ok, NULL)
MISSING(char *, get_func_name, (Oid function), (function), IS_USERS(function), NULL)
MISSING(char *, get_opname, (Oid operator), (operator), IS_USERS(operator), NULL)
MISSING(char *, get_collation_name, (Oid collation), (collation), IS_USERS(collation), NULL)
MISSING(char *, get_constraint_name, (Oid constraint), (constraint), IS_USERS(constraint), NULL)
MISSING(char *, get_extension_name, (Oid extension), (extension), IS_USERS(extension), NULL)
MISSING(char *, get_publication_name, (Oid publication, bool missing_ok), (publication, missing_ok), IS_USERS(publication) && missing_ok, NULL)
MISSING(char *, get_subscription_name, (Oid subscription, bool missing_ok), (subscription, missing_ok), IS_USERS(subscription) && missing_ok, NULL)
MISSING(char *, get_tablespace_name, (Oid tablespace), (tablespace), IS_USERS(tablespace), NULL)
MISSING(char *, GetUserNameFromId, (Oid role, bool missing_ok), (role, missing_ok), IS_USERS(role) && missing_ok, NULL)

/* OIDs, numbers and kinds */
MISSING(char, get_rel_relkind, (Oid relid), (relid), can_go(relid), '\0')
MISSING(Oid, get_rel_namespace, (Oid relid), (relid), can_go(relid), InvalidOid)
MISSING(Oid, get_rel_type_id, (Oid relid), (relid), can_go(relid), InvalidOid)
MISSING(Oid, get_relname_relid, (const char *name, Oid schema), (name, schema), IS_USERS(schema) && schema != sg_schema_oid(), InvalidOid)
MISSING(AttrNumber, get_attnum, (Oid relid, const char *column), (relid, column), can_go(relid), InvalidAttrNumber)
MISSING(Oid, get_atttype, (Oid relid, AttrNumber attnum), (relid, attnum), can_go(relid), InvalidOid)
MISSING(char, get_typtype, (Oid typid), (typid), IS_USERS(typid), '\0')
MISSING(Oid, get_func_namespace, (Oid function), (function), IS_USERS(function), InvalidOid)
MISSING(Oid, get_index_constraint, (Oid index), (index), can_go(index), InvalidOid)
MISSING(Oid, IndexGetRelation, (Oid index, bool missing_ok), (index, missing_ok), can_go(index) && missing_ok, InvalidOid)
MISSING(List *, get_partition_ancestors, (Oid relid), (relid), can_go(relid), NIL)
MISSING(bool, get_rel_relispartition, (Oid relid), (relid), can_go(relid), false)
MISSING(Oid, get_opcode, (Oid operator), (operator), IS_USERS(operator), InvalidOid)
MISSING(Oid, get_typcollation, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_element_type, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_base_element_type, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_array_type, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_multirange_range, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_typ_typrelid, (Oid type), (type), IS_USERS(type), InvalidOid)
MISSING(Oid, get_constraint_index, (Oid constraint), (constraint), IS_USERS(constraint), InvalidOid)
MISSING(Oid, get_default_partition_oid, (Oid relid), (relid), can_go(relid), InvalidOid)
MISSING(List *, getOwnedSequences, (Oid relid), (relid), can_go(relid), NIL)
MISSING(Oid, GetDefaultOpClass, (Oid type, Oid method), (type, method), IS_USERS(type), InvalidOid)
MISSING(Oid, get_commutator, (Oid operator), (operator), IS_USERS(operator), InvalidOid)
MISSING(Oid, get_opfamily_member, (Oid family, Oid left, Oid right, int16 strategy), (family, left, right, strategy), IS_USERS(family), InvalidOid)
MISSING(Oid, get_opfamily_proc, (Oid family, Oid left, Oid right, int16 number), (family, left, right, number), IS_USERS(family), InvalidOid)
MISSING(int, get_op_opfamily_strategy, (Oid operator, Oid family), (operator, family), IS_USERS(operator), 0)
MISSING(bool, op_in_opfamily, (Oid operator, Oid family), (operator, family), IS_USERS(operator), false)
MISSING(bool, op_hashjoinable, (Oid operator, Oid type), (operator, type), IS_USERS(operator), false)
MISSING(bool, get_op_hash_functions, (Oid operator, RegProcedure *left, RegProcedure *right), (operator, left, right), IS_USERS(operator), false)
MISSING(List *, get_mergejoin_opfamilies, (Oid operator), (operator), IS_USERS(operator), NIL)
MISSING(char *, getObjectTypeDescription, (const ObjectAddress *object, bool missing_ok), (object, missing_ok), IS_USERS(object->objectId) && missing_ok, NULL)
MISSING(char *, getObjectIdentityParts, (const ObjectAddress *object, List **names, List **arguments, bool missing_ok), (object, names, arguments, missing_ok), IS_USERS(object->objectId) && missing_ok, NULL)

/* Functions of SQL that return null */
#define NULLING(name) \
	MISSING(Datum, name, (PG_FUNCTION_ARGS), (fcinfo), IS_USERS(PG_GETARG_OID(0)), (fcinfo->isnull = true, (Datum) 0))
NULLING(pg_get_indexdef)
NULLING(pg_get_triggerdef)
NULLING(pg_relation_filenode)
NULLING(pg_total_relation_size)

/* What raises an error */
RAISING(Relation, relation_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), relid)
RAISING(Relation, table_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), relid)
RAISING(Relation, index_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), relid)
RAISING(void, get_atttypetypmodcoll, (Oid relid, AttrNumber attnum, Oid *type, int32 *typmod, Oid *collation), (relid, attnum, type, typmod, collation), can_go(relid), relid)
RAISING(char, get_attgenerated, (Oid relid, AttrNumber attnum), (relid, attnum), can_go(relid), relid)
RAISING(char, get_rel_persistence, (Oid relid), (relid), can_go(relid), relid)
RAISING(bool, get_index_isvalid, (Oid index), (index), can_go(index), index)
RAISING(AclResult, pg_class_aclcheck, (Oid relid, Oid role, AclMode mode), (relid, role, mode), can_go(relid), relid)
RAISING(AclResult, pg_attribute_aclcheck, (Oid relid, AttrNumber attnum, Oid role, AclMode mode), (relid, attnum, role, mode), can_go(relid), relid)
RAISING(char *, format_type_be, (Oid type), (type), IS_USERS(type), type)
RAISING(char *, format_type_be_qualified, (Oid type), (type), IS_USERS(type), type)
RAISING(char *, format_type_with_typemod, (Oid type, int32 typmod), (type, typmod), IS_USERS(type), type)
RAISING(char *, format_type_extended, (Oid type, int32 typmod, uint16 flags), (type, typmod, flags), IS_USERS(type), type)
RAISING(char *, format_operator, (Oid operator), (operator), IS_USERS(operator), operator)
RAISING(char *, format_procedure_qualified, (Oid function), (function), IS_USERS(function), function)
RAISING(Oid, getBaseType, (Oid type), (type), IS_USERS(type), type)
RAISING(Oid, getBaseTypeAndTypmod, (Oid type, int32 *typmod), (type, typmod), IS_USERS(type), type)
RAISING(bool, type_is_rowtype, (Oid type), (type), IS_USERS(type), type)
RAISING(int16, get_typlen, (Oid type), (type), IS_USERS(type), type)
RAISING(bool, get_typbyval, (Oid type), (type), IS_USERS(type), type)
RAISING(void, get_typlenbyval, (Oid type, int16 *length, bool *by_value), (type, length, by_value), IS_USERS(type), type)
RAISING(void, getTypeInputInfo, (Oid type, Oid *input, Oid *parameter), (type, input, parameter), IS_USERS(type), type)
RAISING(void, getTypeOutputInfo, (Oid type, Oid *output, bool *is_varlena), (type, output, is_varlena), IS_USERS(type), type)
RAISING(TypeCacheEntry *, lookup_type_cache, (Oid type, int flags), (type, flags), IS_USERS(type), type)
RAISING(Oid, get_opclass_family, (Oid opclass), (opclass), IS_USERS(opclass), opclass)
RAISING(void, op_input_types, (Oid operator, Oid *left, Oid *right), (operator, left, right), IS_USERS(operator), operator)
RAISING(bool, get_collation_isdeterministic, (Oid collation), (collation), IS_USERS(collation), collation)
RAISING(char *, generate_collation_name, (Oid collation), (collation), IS_USERS(collation), collation)
RAISING(char, func_volatile, (Oid function), (function), IS_USERS(function), function)
RAISING(char, func_parallel, (Oid function), (function), IS_USERS(function), function)
RAISING(Oid, get_func_signature, (Oid function, Oid **types, int *n), (function, types, n), IS_USERS(function), function)
RAISING(void, fmgr_info, (Oid function, FmgrInfo *info), (function, info), IS_USERS(function), function)
RAISING(char, get_func_prokind, (Oid function), (function), IS_USERS(function), function)
RAISING(List *, find_all_inheritors, (Oid relid, LOCKMODE mode, List **numbers), (relid, mode, numbers), can_go(relid), relid)
RAISING(bool, IsBinaryCoercible, (Oid source, Oid target), (source, target), IS_USERS(source), source)
RAISING(CoercionPathType, find_coercion_pathway, (Oid target, Oid source, CoercionContext context, Oid *function), (target, source, context, function), IS_USERS(source), source)
RAISING(TYPCATEGORY, TypeCategory, (Oid type), (type), IS_USERS(type), type)
RAISING(void, generate_operator_clause, (StringInfo text, const char *left, Oid left_type, Oid operator, const char *right, Oid right_type), (text, left, left_type, operator, right, right_type), IS_USERS(operator), operator)
RAISING(char *, pg_get_constraintdef_command, (Oid constraint), (constraint), IS_USERS(constraint), constraint)
RAISING(char *, pg_get_indexdef_string, (Oid index), (index), can_go(index), index)
RAISING(AclMode, pg_class_aclmask, (Oid relid, Oid role, AclMode mask, AclMaskHow how), (relid, role, mask, how), can_go(relid), relid)
RAISING(AclResult, pg_attribute_aclcheck_all, (Oid relid, Oid role, AclMode mode, AclMaskHow how), (relid, role, mode, how), can_go(relid), relid)
#if PG_VERSION_NUM >= 160000
RAISING(AclResult, object_aclcheck, (Oid classid, Oid object, Oid role, AclMode mode), (classid, object, role, mode), object_can_go(classid, object), object)
RAISING(bool, object_ownercheck, (Oid classid, Oid object, Oid role), (classid, object, role), object_can_go(classid, object), object)
#else
RAISING(AclResult, pg_namespace_aclcheck, (Oid schema, Oid role, AclMode mode), (schema, role, mode), object_can_go(NamespaceRelationId, schema), schema)
RAISING(AclResult, pg_proc_aclcheck, (Oid function, Oid role, AclMode mode), (function, role, mode), object_can_go(ProcedureRelationId, function), function)
RAISING(bool, pg_proc_ownercheck, (Oid function, Oid role), (function, role), object_can_go(ProcedureRelationId, function), function)
#endif
