/*-------------------------------------------------------------------------
 *
 * sync_sandbox.c
 *	  Limits on code in a scratch database: only statements that make
 *	  structure run, and no one's code runs as somebody else.
 *
 *	  A script is made from snapshots, whose authors could have put any code
 *	  there, in a default as well as in a name.  The worker that runs it may
 *	  be a superuser's.  So in such a worker the library's hooks, which are
 *	  installed when it is loaded, check everything that runs, at any depth:
 *	  utility statements may only make objects of this database, and must not
 *	  touch shared objects, rows and other servers; queries may read, but no
 *	  foreign table; functions of the server itself may only compute or read
 *	  catalogs; any other function runs as its owner, restricted, and not as a
 *	  superuser, and only in a trusted language, because in another one it
 *	  could do whatever the operating system lets the server do.
 *
 *	  The tables are empty, so code runs only if the server computes a value
 *	  that does not depend on rows.  A materialized view is not filled, only
 *	  marked as filled.  Scripts of extensions are the server's own files, and
 *	  are not checked; functions that they call by mistake are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "commands/matview.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/scope.h"
#include "sync/sync_scratch.h"

static bool making = false;		/* a script is being run */
static bool looking = false;	/* functions are checked */
static bool bodies = true;		/* functions may run at all */

/* Hooks that were installed when the library was loaded */
static ProcessUtility_hook_type next_utility;
static ExecutorStart_hook_type next_start;
static object_access_hook_type next_access;
static needs_fmgr_hook_type next_needs;
static fmgr_hook_type next_call;

pg_noreturn static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s does not run in a scratch database", what)));
}

/* ---- utility statements ---- */

/* Returns whether an object is shared by all databases, or acts beyond this one */
static bool
is_shared(ObjectType type)
{
	switch (type)
	{
		case OBJECT_DATABASE:
		case OBJECT_ROLE:
		case OBJECT_TABLESPACE:
		case OBJECT_SUBSCRIPTION:
		case OBJECT_EVENT_TRIGGER:
		case OBJECT_PARAMETER_ACL:
			return true;
		default:
			return false;
	}
}

static DefElem *
option_named(List *options, const char *name)
{
	foreach_ptr(DefElem, option, options)
	{
		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

/*
 * Returns whether an option of CREATE FUNCTION names a library of the operating
 * system, or a planner support function
 */
static bool
is_native(List *options)
{
	DefElem    *language = option_named(options, "language");

	return option_named(options, "support") ||
		(language && (pg_strcasecmp(strVal(language->arg), "c") == 0 || pg_strcasecmp(strVal(language->arg), "internal") == 0));
}

/*
 * Returns whether CREATE makes an object whose functions the server calls with
 * arguments that no catalog describes: a wrong function would crash the server
 */
static bool
is_support(const DefineStmt *statement)
{
	switch (statement->kind)
	{
		case OBJECT_TSTEMPLATE:
		case OBJECT_TSPARSER:
			return true;
		case OBJECT_TYPE:
			/* except a name only, a shell type */
			return statement->definition != NIL;
		default:
			return false;
	}
}

/* Returns whether DO is in the server's own PL/pgSQL; another language's code is not visible here */
static bool
is_plpgsql(const DoStmt *statement)
{
	DefElem    *language = option_named(statement->args, "language");
	HeapTuple	tuple = SearchSysCache1(LANGNAME, CStringGetDatum(language ? strVal(language->arg) : "plpgsql"));
	bool		is = HeapTupleIsValid(tuple) && ((Form_pg_language) GETSTRUCT(tuple))->laninline < FirstNormalObjectId;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is;
}

bool
sync_sandbox_is_structure(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_AlterTableStmt:
		case T_IndexStmt:
		case T_CreateSeqStmt:
		case T_AlterSeqStmt:
		case T_ViewStmt:
		case T_RefreshMatViewStmt:
		case T_RuleStmt:
		case T_CreateTrigStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateStatsStmt:
		case T_AlterStatsStmt:
		case T_CreateSchemaStmt:
		case T_CreateDomainStmt:
		case T_AlterDomainStmt:
		case T_CompositeTypeStmt:
		case T_CreateEnumStmt:
		case T_AlterEnumStmt:
		case T_CreateRangeStmt:
		case T_AlterTypeStmt:
		case T_AlterCollationStmt:
		case T_CreateConversionStmt:
		case T_AlterOperatorStmt:
		case T_CreateOpFamilyStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_AlterTSDictionaryStmt:
		case T_AlterTSConfigurationStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_AlterObjectDependsStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
			return true;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->objtype == OBJECT_MATVIEW;
		case T_DefineStmt:
			return !is_support((DefineStmt *) statement);
		case T_CreateCastStmt:
			return ((CreateCastStmt *) statement)->func || ((CreateCastStmt *) statement)->inout;
		case T_CreateFdwStmt:
			return ((CreateFdwStmt *) statement)->func_options == NIL;
		case T_AlterFdwStmt:
			return ((AlterFdwStmt *) statement)->func_options == NIL;
		case T_CreateFunctionStmt:
			return !is_native(((CreateFunctionStmt *) statement)->options);
		case T_AlterFunctionStmt:
			return !is_native(((AlterFunctionStmt *) statement)->actions);
		case T_DoStmt:
			return is_plpgsql((DoStmt *) statement);
		case T_GrantStmt:
			return !is_shared(((GrantStmt *) statement)->objtype);
		case T_DropStmt:
			return !is_shared(((DropStmt *) statement)->removeType);
		case T_RenameStmt:
			return !is_shared(((RenameStmt *) statement)->renameType);
		case T_CommentStmt:
			return !is_shared(((CommentStmt *) statement)->objtype);
		case T_AlterOwnerStmt:
			return !is_shared(((AlterOwnerStmt *) statement)->objectType);
		case T_AlterObjectSchemaStmt:
			return !is_shared(((AlterObjectSchemaStmt *) statement)->objectType);
		default:
			return false;
	}
}

/* Marks a materialized view as populated: its query is not run, because there are no rows */
static void
mark_populated(RangeVar *name, bool populated)
{
	Relation	view = table_openrv(name, AccessExclusiveLock);

	if (view->rd_rel->relkind != RELKIND_MATVIEW)
		refuse("REFRESH of what is no materialized view");
	SetMatViewPopulatedState(view, populated);
	table_close(view, NoLock);
}

/* Runs a statement of a file of migrations */
static void
run_file_statement(PlannedStmt *plan, const char *text, bool keep, ProcessUtilityContext context, ParamListInfo params,
				   QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	ProcessUtility_hook_type utility = next_utility ? next_utility : standard_ProcessUtility;
	PlannedStmt *adapted = sync_replay_statement(plan);

	if (adapted == NULL)
	{
		/* SPI wants to know that COPY ran */
		if (completion)
			SetQueryCompletion(completion, CreateCommandTag(plan->utilityStmt), 0);
		return;
	}
	/* an error ends the transaction, and with it the role */
	sync_replay_extension(adapted->utilityStmt);
	utility(adapted, text, keep, context, params, environment, receiver, completion);
	sync_replay_enter();
}

static void
make_structure(PlannedStmt *plan, const char *text, bool keep, ProcessUtilityContext context, ParamListInfo params,
			   QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	ProcessUtility_hook_type utility = next_utility ? next_utility : standard_ProcessUtility;
	Node	   *statement = plan->utilityStmt;

	if (making && !creating_extension && sync_replay_runs())
	{
		run_file_statement(plan, text, keep, context, params, environment, receiver, completion);
		return;
	}
	if (making && !creating_extension)
	{
		if (!sync_sandbox_is_structure(statement))
			refuse(CreateCommandName(statement));
		if (IsA(statement, RefreshMatViewStmt))
		{
			mark_populated(((RefreshMatViewStmt *) statement)->relation, !((RefreshMatViewStmt *) statement)->skipData);
			return;
		}
		if (IsA(statement, CreateTableAsStmt) && !((CreateTableAsStmt *) statement)->into->skipData)
			refuse("CREATE MATERIALIZED VIEW ... WITH DATA");
	}
	utility(plan, text, keep, context, params, environment, receiver, completion);
}

/* ---- queries ---- */

static void
start_query(QueryDesc *query, int flags)
{
	ExecutorStart_hook_type start = next_start ? next_start : standard_ExecutorStart;

	if (making && !creating_extension)
	{
		if ((query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE) && !sync_replay_runs())
			refuse("a statement that writes rows");
		foreach_ptr(const RangeTblEntry, entry, query->plannedstmt->rtable)
		{
			if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_FOREIGN_TABLE)
				refuse("a query of a foreign table");
		}
	}
	start(query, flags);
}

/* ---- functions ---- */

/*
 * Volatile functions that change nothing except a sequence; volatility does not
 * tell functions that run queries
 */
bool
sync_sandbox_is_harmless(Oid function)
{
	static const char *const harmless[] = {
		"nextval", "currval", "lastval", "random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7",
		"clock_timestamp", "timeofday", "txid_current", "pg_current_xact_id", "pg_sequence_last_value"
	};
	char	   *name = get_func_name(function);

	if (name == NULL || strstr(name, "_to_xml"))
		return false;
	if (func_volatile(function) != PROVOLATILE_VOLATILE)
		return true;
	for (int i = 0; i < lengthof(harmless); i++)
	{
		if (strcmp(name, harmless[i]) == 0)
			return true;
	}
	return false;
}

static void
look_at_access(ObjectAccessType access, Oid classid, Oid objectid, int subid, void *arg)
{
	if (next_access)
		next_access(access, classid, objectid, subid, arg);
	if (making && access == OAT_FUNCTION_EXECUTE && objectid < FirstNormalObjectId && !creating_extension && !sync_sandbox_is_harmless(objectid) &&
		!(sync_replay_runs() && sync_replay_allows(objectid)))
		refuse(psprintf("function %s", format_procedure_qualified(objectid)));
}

static bool
wants_look(Oid function)
{
	return (looking && function >= FirstNormalObjectId) || (next_needs && next_needs(function));
}

/*
 * Returns whether an extension's function may run: in the extension's script,
 * if the server itself calls it (for a type, an option), or if it only
 * computes.  In an expression another function could be made to do anything as
 * a superuser.
 */
static bool
is_trusted(const FmgrInfo *function, char volatility)
{
	return OidIsValid(getExtensionOfObject(ProcedureRelationId, function->fn_oid)) &&
		(creating_extension || function->fn_expr == NULL || volatility == PROVOLATILE_IMMUTABLE || !superuser());
}

static bool
is_trusted_language(Oid language)
{
	HeapTuple	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	bool		trusted = HeapTupleIsValid(tuple) && ((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return trusted;
}

static void
look_at_call(FmgrHookEventType event, FmgrInfo *function, Datum *arg)
{
	HeapTuple	tuple;
	FormData_pg_proc form;
	SgScope    *scope;

	if (!looking)
	{
		if (next_call)
			next_call(event, function, arg);
		return;
	}
	/* an error ends the scope by itself */
	if (event == FHET_ABORT)
		return;
	if (event == FHET_END)
	{
		if (*arg != (Datum) 0)
			sg_scope_end((SgScope *) DatumGetPointer(*arg));
		return;
	}
	*arg = (Datum) 0;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function->fn_oid));
	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	form = *(Form_pg_proc) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	if (sync_replay_is_planted(form.proowner))
		refuse(psprintf("function %s of the files, as another role,", format_procedure_qualified(form.oid)));
	if (sync_replay_runs() && !creating_extension && sync_replay_refuses(form.oid, form.prolang, form.provolatile))
		refuse(psprintf("function %s of an extension that is not trusted", format_procedure_qualified(form.oid)));
	if (is_trusted(function, form.provolatile))
		return;
	if (!bodies || superuser_arg(form.proowner))
		refuse(psprintf("function %s of role %s", format_procedure_qualified(form.oid),
						quote_identifier(sg_role_name(form.proowner))));
	if (!is_trusted_language(form.prolang))
		refuse(psprintf("function %s, in a language that is not trusted,", format_procedure_qualified(form.oid)));

	/*
	 * the server has switched to the owner of a SECURITY DEFINER function,
	 * and switches back itself
	 */
	if (form.prosecdef || (sync_replay_runs() && form.proowner == GetUserId()))
		return;
	scope = MemoryContextAlloc(TopTransactionContext, sizeof(SgScope));
	*arg = PointerGetDatum(scope);
	sg_role_begin(scope, form.proowner);
}

void
sync_sandbox_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = make_structure;
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = start_query;
	next_access = object_access_hook;
	object_access_hook = look_at_access;
	next_needs = needs_fmgr_hook;
	needs_fmgr_hook = wants_look;
	next_call = fmgr_hook;
	fmgr_hook = look_at_call;
}

void
sync_sandbox_begin(void)
{
	making = true;
	looking = true;
}

void
sync_sandbox_end_making(void)
{
	making = false;
}

void
sync_sandbox_forbid_bodies(void)
{
	bodies = false;
}

void
sync_sandbox_check(const char *sql)
{
	foreach_ptr(RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
	{
		if (IsA(raw->stmt, DoStmt) || !sync_sandbox_is_structure(raw->stmt))
			refuse(CreateCommandName(raw->stmt));
	}
}
