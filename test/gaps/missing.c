/*-------------------------------------------------------------------------
 *
 * missing.c
 *	  Answers the library's looks into the catalogs with "there is none".
 *
 * test/t/049_missing.pl links this file into a library of its own.  The linker
 * replaces functions that look up an object (ld --wrap) by the wrappers below,
 * so that a look at a user's object finds what it finds when another session
 * dropped the object a moment before.
 *
 * A session with setting gaps.missing, the name of a file, gets such an answer
 * once at each site: a wrapped function with its callers' addresses in the
 * library.  The file has a line for each site that was served, written before
 * the answer is given, and is read by the sessions that come later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/spi.h"

#include "callers.h"

#define SITE_SIZE 100

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
	char		site[SITE_SIZE];
	bool		found;
	FILE	   *file;

	if (path == NULL || path[0] == '\0')
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

/* A wrapper that answers with nothing, if the look is at an object that somebody can drop */
#define MISSING(type, name, parameters, arguments, if_true, nothing) \
	extern type __real_##name parameters; \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return (if_true) && is_missing(#name) ? (nothing) : __real_##name arguments; \
	}

/* Rows */
MISSING(HeapTuple, SearchSysCache1, (int cache, Datum key), (cache, key), row_can_go(cache, key), NULL)
MISSING(HeapTuple, SearchSysCache2, (int cache, Datum a, Datum b), (cache, a, b), row_can_go(cache, a), NULL)
MISSING(HeapTuple, SearchSysCache3, (int cache, Datum a, Datum b, Datum c), (cache, a, b, c), row_can_go(cache, a), NULL)
MISSING(HeapTuple, SearchSysCacheAttName, (Oid relid, const char *column), (relid, column), can_go(relid), NULL)
MISSING(HeapTuple, SearchSysCacheCopy, (int cache, Datum a, Datum b, Datum c, Datum d), (cache, a, b, c, d), row_can_go(cache, a), NULL)
MISSING(HeapTuple, systable_getnext, (SysScanDesc scan), (scan), true, NULL)
MISSING(Relation, RelationIdGetRelation, (Oid relid), (relid), can_go(relid), NULL)
MISSING(Relation, try_relation_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), NULL)
MISSING(Relation, try_table_open, (Oid relid, LOCKMODE mode), (relid, mode), can_go(relid), NULL)

/* Names */
MISSING(char *, get_rel_name, (Oid relid), (relid), can_go(relid), NULL)
MISSING(char *, get_namespace_name, (Oid schema), (schema), IS_USERS(schema), NULL)
MISSING(char *, get_attname, (Oid relid, AttrNumber attnum, bool missing_ok), (relid, attnum, missing_ok), can_go(relid) && missing_ok, NULL)
MISSING(char *, get_func_name, (Oid function), (function), IS_USERS(function), NULL)
MISSING(char *, get_opname, (Oid operator), (operator), IS_USERS(operator), NULL)
MISSING(char *, get_collation_name, (Oid collation), (collation), IS_USERS(collation), NULL)
MISSING(char *, get_constraint_name, (Oid constraint), (constraint), IS_USERS(constraint), NULL)
MISSING(char *, get_extension_name, (Oid extension), (extension), IS_USERS(extension), NULL)
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
