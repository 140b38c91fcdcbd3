/*-------------------------------------------------------------------------
 *
 * script_path.c
 *	  Meaning of the unqualified names of a script.
 *
 *	  The script's own SET search_path and set_config() are followed, else the
 *	  caller's search_path applies.  A name means an object of this database
 *	  or one that the script has created before; without either, the table is
 *	  assumed where CREATE TABLE would put it.  Nothing is executed.
 *	  Conditions, functions and ROLLBACK TO that change the search_path go
 *	  unnoticed; SET LOCAL ends with its transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "script/script.h"

#define TEMP_SCHEMA "pg_temp"

struct ScriptPath
{
	MemoryContext context;		/* memory context of all fields */
	List	   *schemas;		/* char *: the search_path in effect */
	List	   *session;		/* search_path after the transaction */
	List	   *outer;			/* search_path outside of CREATE SCHEMA ...
								 * CREATE TABLE */
	List	   *new_schemas;	/* schemas that the script creates */
	HTAB	   *tables;			/* PathTable: tables that the script creates
								 * or drops */
};

typedef struct PathTable
{
	char		name[PLAN_QUALIFIED_MAX];	/* hash key: qualified name */
	bool		gone;			/* the script has dropped it */
} PathTable;

/* Appends a schema of search_path: "$user" is the role; "" names nothing */
static List *
append_schema(List *schemas, const char *name)
{
	if (strcmp(name, "$user") == 0)
		name = GetUserNameFromId(GetUserId(), false);

	return name[0] ? lappend(schemas, pstrdup(name)) : schemas;
}

/* Parses the text of a search_path, as set_config() and the setting have it */
static List *
parse_path(const char *text)
{
	List	   *names;
	List	   *schemas = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(text), ',', &names))
		return NIL;
	foreach(lc, names)
		schemas = append_schema(schemas, lfirst(lc));

	return schemas;
}

ScriptPath *
script_path_begin(void)
{
	ScriptPath *path = palloc0(sizeof(ScriptPath));
	HASHCTL		ctl = {0};

	path->context = CurrentMemoryContext;
	path->schemas = path->session = parse_path(namespace_search_path);
	ctl.keysize = PLAN_QUALIFIED_MAX;
	ctl.entrysize = sizeof(PathTable);
	ctl.hcxt = CurrentMemoryContext;
	path->tables = hash_create("schemaguard script tables", 256, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);

	return path;
}

ScriptPath *
script_path_copy(const ScriptPath *path)
{
	ScriptPath *copy = script_path_begin();
	HASH_SEQ_STATUS tables;
	const PathTable *table;

	copy->schemas = path->schemas;
	copy->session = path->session;
	copy->outer = path->outer;
	copy->new_schemas = list_copy(path->new_schemas);
	hash_seq_init(&tables, path->tables);
	while ((table = hash_seq_search(&tables)) != NULL)
		*(PathTable *) hash_search(copy->tables, table->name, HASH_ENTER, NULL) = *table;
	return copy;
}

/* ---- following ---- */

static const char *
string_constant(Node *node)
{
	A_Const    *constant = (A_Const *) node;

	if (!IsA(node, A_Const) || constant->isnull || !IsA(&constant->val, String))
		return NULL;

	return strVal(&constant->val);
}

static void
set_path(ScriptPath *path, List *schemas, bool local)
{
	path->schemas = schemas;
	if (!local)
		path->session = schemas;
}

static void
follow_set(ScriptPath *path, VariableSetStmt *stmt)
{
	List	   *schemas = NIL;
	ListCell   *lc;

	if (stmt->kind != VAR_RESET_ALL &&
		(stmt->name == NULL || pg_strcasecmp(stmt->name, "search_path") != 0))
		return;

	switch (stmt->kind)
	{
		case VAR_SET_VALUE:
			foreach(lc, stmt->args)
			{
				const char *name = string_constant(lfirst(lc));

				if (name)
					schemas = append_schema(schemas, name);
			}
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
		case VAR_RESET_ALL:
			schemas = parse_path(GetConfigOptionResetString("search_path"));
			break;
		default:
			return;
	}
	set_path(path, schemas, stmt->is_local);
}

/* Returns whether a node is the boolean constant true; 't'::boolean would be a cast */
static bool
is_true(Node *node)
{
	A_Const    *constant = (A_Const *) node;

	return IsA(node, A_Const) && !constant->isnull &&
		IsA(&constant->val, Boolean) && boolVal(&constant->val);
}

/* Follows SELECT [pg_catalog.]set_config('search_path', '...', false) */
static void
follow_select(ScriptPath *path, SelectStmt *stmt)
{
	foreach_ptr(ResTarget, target, stmt->targetList)
	{
		FuncCall   *call = (FuncCall *) target->val;
		const char *setting;
		const char *value;

		if (!IsA(target, ResTarget) || call == NULL || !IsA(call, FuncCall) ||
			strcmp(strVal(llast(call->funcname)), "set_config") != 0 ||
			list_length(call->args) != 3)
			continue;
		setting = string_constant(linitial(call->args));
		value = string_constant(lsecond(call->args));
		if (setting && value && pg_strcasecmp(setting, "search_path") == 0)
			set_path(path, parse_path(value), is_true(lthird(call->args)));
	}
}

void
script_path_follow(ScriptPath *path, Node *statement)
{
	MemoryContext old = MemoryContextSwitchTo(path->context);

	switch (nodeTag(statement))
	{
		case T_VariableSetStmt:
			follow_set(path, (VariableSetStmt *) statement);
			break;
		case T_SelectStmt:
			follow_select(path, (SelectStmt *) statement);
			break;
		case T_TransactionStmt:
			{
				TransactionStmtKind kind = ((TransactionStmt *) statement)->kind;

				if (kind == TRANS_STMT_COMMIT || kind == TRANS_STMT_ROLLBACK ||
					kind == TRANS_STMT_PREPARE)
					path->schemas = path->session;
				break;
			}
		case T_DiscardStmt:
			if (((DiscardStmt *) statement)->target == DISCARD_ALL)
				set_path(path, parse_path(GetConfigOptionResetString("search_path")), false);
			break;
		default:
			break;
	}
	MemoryContextSwitchTo(old);
}

/* ---- names ---- */

static bool
schema_exists(ScriptPath *path, const char *schema)
{
	return sg_has_name(path->new_schemas, schema) || OidIsValid(get_namespace_oid(schema, true));
}

static const PathTable *
find_table(ScriptPath *path, const char *qualified)
{
	return hash_search(path->tables, qualified, HASH_FIND, NULL);
}

/* Returns whether the table exists by then: in the database, unless the script drops it, or made by the script */
static bool
table_exists(ScriptPath *path, const char *schema, const char *table)
{
	Oid			nspid = get_namespace_oid(schema, true);
	const PathTable *known = find_table(path, sg_qualified_name(schema, table));

	return known ? !known->gone : OidIsValid(nspid) && OidIsValid(get_relname_relid(table, nspid));
}

/* Returns the schema in which CREATE TABLE would put a table */
static const char *
creation_schema(ScriptPath *path)
{
	ListCell   *lc;

	foreach(lc, path->schemas)
	{
		if (schema_exists(path, lfirst(lc)))
			return lfirst(lc);
	}

	return path->schemas ? linitial(path->schemas) : "public";
}

char *
script_path_table(ScriptPath *path, const RangeVar *name)
{
	ListCell   *lc;

	if (name->schemaname)
		return sg_qualified_name(name->schemaname, name->relname);

	/*
	 * temporary tables, then pg_catalog, are searched first unless
	 * search_path lists them
	 */
	if (script_path_has_made(path, sg_qualified_name(TEMP_SCHEMA, name->relname)))
		return sg_qualified_name(TEMP_SCHEMA, name->relname);
	if (!sg_has_name(path->schemas, "pg_catalog") &&
		table_exists(path, "pg_catalog", name->relname))
		return sg_qualified_name("pg_catalog", name->relname);

	foreach(lc, path->schemas)
	{
		if (table_exists(path, lfirst(lc), name->relname))
			return sg_qualified_name(lfirst(lc), name->relname);
	}

	return sg_qualified_name(creation_schema(path), name->relname);
}

char *
script_path_new_name(ScriptPath *path, const RangeVar *name)
{
	const char *schema = name->schemaname;

	if (name->relpersistence == RELPERSISTENCE_TEMP)
		schema = TEMP_SCHEMA;
	else if (schema == NULL)
		schema = creation_schema(path);

	return sg_qualified_name(schema, name->relname);
}

static void
set_table(ScriptPath *path, const char *qualified, bool gone)
{
	PathTable  *table = hash_search(path->tables, qualified, HASH_ENTER, NULL);

	table->gone = gone;
}

char *
script_path_new_table(ScriptPath *path, const RangeVar *name)
{
	char	   *qualified = script_path_new_name(path, name);

	set_table(path, qualified, false);

	return qualified;
}

/* ---- other objects ---- */

void
script_path_new_type(ScriptPath *path, List *names)
{
	RangeVar   *name = makeRangeVarFromNameList(names);

	/*
	 * a type goes into the same list, because a table has a type of its name
	 */
	(void) script_path_new_table(path, name);
}

/* Returns whether the schema has a function, or an operator, of that name */
static bool
has_overloaded(int cache, AttrNumber namespace, const char *name, Oid schema)
{
	CatCList   *all = SearchSysCacheList1(cache, CStringGetDatum(name));
	bool		found = false;
	bool		is_null;

	for (int i = 0; i < all->n_members && !found; i++)
		found = DatumGetObjectId(SysCacheGetAttr(cache, &all->members[i]->tuple, namespace, &is_null)) == schema;
	ReleaseSysCacheList(all);

	return found;
}

static bool
object_exists(ScriptPath *path, ScriptObject object, const char *schema, const char *name, Oid method)
{
	static const int caches[] = {
		[SCRIPT_STATISTICS] = STATEXTNAMENSP,[SCRIPT_CONVERSION] = CONNAMENSP,[SCRIPT_TS_CONFIGURATION] = TSCONFIGNAMENSP,
		[SCRIPT_TS_DICTIONARY] = TSDICTNAMENSP,[SCRIPT_TS_PARSER] = TSPARSERNAMENSP,[SCRIPT_TS_TEMPLATE] = TSTEMPLATENAMENSP
	};
	Oid			nspid = get_namespace_oid(schema, true);

	switch (object)
	{
		case SCRIPT_TABLE:
			return table_exists(path, schema, name);
		case SCRIPT_FUNCTION:
			return OidIsValid(nspid) && has_overloaded(PROCNAMEARGSNSP, Anum_pg_proc_pronamespace, name, nspid);
		case SCRIPT_OPERATOR:
			return OidIsValid(nspid) && has_overloaded(OPERNAMENSP, Anum_pg_operator_oprnamespace, name, nspid);
		case SCRIPT_TYPE:
			return table_exists(path, schema, name) ||
				(OidIsValid(nspid) && SearchSysCacheExists2(TYPENAMENSP, CStringGetDatum(name), ObjectIdGetDatum(nspid)));
		case SCRIPT_COLLATION:
			return OidIsValid(nspid) &&
				(SearchSysCacheExists3(COLLNAMEENCNSP, CStringGetDatum(name), Int32GetDatum(GetDatabaseEncoding()), ObjectIdGetDatum(nspid)) ||
				 SearchSysCacheExists3(COLLNAMEENCNSP, CStringGetDatum(name), Int32GetDatum(-1), ObjectIdGetDatum(nspid)));
		case SCRIPT_OPCLASS:
		case SCRIPT_OPFAMILY:
			return OidIsValid(nspid) &&
				SearchSysCacheExists3(object == SCRIPT_OPCLASS ? CLAAMNAMENSP : OPFAMILYAMNAMENSP,
									  ObjectIdGetDatum(method), CStringGetDatum(name), ObjectIdGetDatum(nspid));
		default:
			return OidIsValid(nspid) && SearchSysCacheExists2(caches[object], CStringGetDatum(name), ObjectIdGetDatum(nspid));
	}
}

const char *
script_path_schema(ScriptPath *path, ScriptObject object, const char *name, Oid method)
{
	ListCell   *lc;

	if (!sg_has_name(path->schemas, "pg_catalog") && object_exists(path, object, "pg_catalog", name, method))
		return NULL;
	foreach(lc, path->schemas)
	{
		if (object_exists(path, object, lfirst(lc), name, method))
			return strcmp(lfirst(lc), "pg_catalog") == 0 ? NULL : lfirst(lc);
	}
	return NULL;
}

/* ---- tables that go ---- */

char *
script_path_drop_table(ScriptPath *path, const RangeVar *name)
{
	char	   *qualified = script_path_table(path, name);

	set_table(path, qualified, true);

	return qualified;
}

bool
script_path_has_made(ScriptPath *path, const char *qualified)
{
	const PathTable *table = find_table(path, qualified);

	return table && !table->gone;
}

bool
script_path_is_temporary(const char *qualified)
{
	return strncmp(qualified, TEMP_SCHEMA ".", strlen(TEMP_SCHEMA ".")) == 0;
}

void
script_path_enter_schema(ScriptPath *path, const char *schema)
{
	MemoryContext old = MemoryContextSwitchTo(path->context);

	if (!sg_has_name(path->new_schemas, schema))
		path->new_schemas = lappend(path->new_schemas, pstrdup(schema));
	path->outer = path->schemas;
	path->schemas = lcons(pstrdup(schema), list_copy(path->outer));
	MemoryContextSwitchTo(old);
}

void
script_path_leave_schema(ScriptPath *path)
{
	path->schemas = path->outer;
}
