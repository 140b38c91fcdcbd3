/*-------------------------------------------------------------------------
 *
 * spi.c
 *	  The extension's own tables, read and written as the owner of the
 *	  extension.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/planner.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/connection.h"
#include "base/errors.h"
#include "base/guard.h"
#include "base/meant.h"
#include "base/nametable.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"

static void
check_writable(const char *function, bool read_only)
{
	PreventCommandDuringRecovery(function);
	if (read_only)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s in a read-only transaction", function),
				 DefaultXactReadOnly ?
				 errhint("This session is read only by default. If nobody means to keep writes away, lift that:\nSET default_transaction_read_only = off;") : 0));
}

void
sg_check_procedure(FunctionCallInfo fcinfo, const char *procedure, const char *detail)
{
	CallContext *context = (CallContext *) fcinfo->context;

	if (context == NULL || !IsA(context, CallContext) || context->atomic ||
		IsSubTransaction())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s() cannot run inside a transaction block, a function or an exception block",
						procedure),
				 errdetail("%s", detail),
				 errhint("CALL it on its own: no BEGIN, autocommit on, no psql -1, no other statement in the same message, not from a function, nor from a block with EXCEPTION.")));

	/*
	 * transactions after the procedure's first use
	 * default_transaction_read_only
	 */
	check_writable(psprintf("%s()", procedure), XactReadOnly || DefaultXactReadOnly);
}

void
sg_check_writable(const char *function)
{
	check_writable(function, XactReadOnly);
}

Oid
sg_schema_oid(void)
{
	return get_namespace_oid("schemaguard", true);
}

/*
 * Returns the plan of a statement, prepared once per session: the extension has
 * few statements, and short calls would spend most of their time planning.
 */
SPIPlanPtr
sg_kept_plan(const char *sql, int nargs, Oid *argtypes)
{
	static SgNameTable *plans = NULL;
	SPIPlanPtr	plan;
	ErrorContextCallback callback;

	if (plans == NULL)
		plans = sg_names_create(TopMemoryContext);

	plan = sg_names_value(plans, "", sql);
	if (plan)
		return plan;

	sg_version_context_begin(&callback);
	plan = SPI_prepare(sql, nargs, argtypes);
	sg_version_context_end(&callback);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), sql);
	sg_names_enter(plans, "", MemoryContextStrdup(TopMemoryContext, sql))->value = plan;
	SPI_keepplan(plan);
	return plan;
}

uint64
sg_owner_execute(int expected, const char *sql, int nargs,
				 Oid *argtypes, Datum *values, const char *nulls)
{
	int			rc = SPI_execute_plan(sg_kept_plan(sql, nargs, argtypes), values, nulls, false, 0);

	if (rc != expected)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);

	return SPI_processed;
}

uint64
sg_caller_execute(SgScope *scope, const char *sql, int nargs, Oid *argtypes, Datum *values, const char *nulls)
{
	int			rc;

	sg_caller_begin(scope);
	SPI_connect();
	rc = SPI_execute_with_args(sql, nargs, argtypes, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	return SPI_processed;
}

void
sg_caller_finish(SgScope *scope)
{
	SPI_finish();
	sg_scope_end(scope);
}

bool
sg_owner_fetch(const char *sql, const char *argument, Datum *value)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(argument)};
	SgScope		scope;
	bool		found;

	sg_owner_begin(&scope);
	SPI_connect();
	found = sg_owner_execute(SPI_OK_SELECT, sql, 1, types, values, NULL) > 0;
	if (found)
	{
		bool		isnull;
		Datum		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(caller);

		if (isnull || TupleDescAttr(SPI_tuptable->tupdesc, 0)->attlen != -1)
			elog(ERROR, "null, or a type that is no varlena, from: %s", sql);
		*value = datumCopy(datum, false, -1);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);

	return found;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
receiver_nothing(DestReceiver *self)
{
}

DestReceiver
sg_receiver(bool (*receive) (TupleTableSlot *slot, DestReceiver *self))
{
	return (DestReceiver)
	{
		.receiveSlot = receive,
			.rStartup = receiver_startup,
			.rShutdown = receiver_nothing,
			.rDestroy = receiver_nothing,
		/* SPI compares the destination only with DestNone */
			.mydest = DestTuplestore,
	};
}

/* ---- planned with other settings than it is run with ---- */

struct SgPlanned
{
	const char *sql;
	CachedPlan *plan;
};

SgPlanned *
sg_spi_plan(const char *sql, int nargs, Oid *argtypes)
{
	SgPlanned  *planned = palloc(sizeof(SgPlanned));
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, argtypes);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), sql);
	planned->sql = sql;
	planned->plan = SPI_plan_get_cached_plan(plan);
	if (planned->plan == NULL)
		elog(ERROR, "no statement, or several: %s", sql);
	return planned;
}

/*
 * Runs one of the queries that rewriting produced from a statement; returns the
 * number of rows if the query is the statement's own
 */
static uint64
run_planned_query(PlannedStmt *stmt, const char *sql, ParamListInfo params, DestReceiver *receiver)
{
	QueryDesc  *query;
	uint64		processed;

	if (stmt->commandType == CMD_UTILITY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a rule of the table runs a command that is no query")));
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	query = CreateQueryDesc(stmt, sql, GetActiveSnapshot(), InvalidSnapshot,
							stmt->canSetTag ? receiver : None_Receiver, params, NULL, 0);
	ExecutorStart(query, 0);
	SG_EXECUTOR_RUN(query);
	ExecutorFinish(query);
	processed = stmt->canSetTag ? query->estate->es_processed : 0;
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return processed;
}

uint64
sg_spi_run_planned(SgPlanned *planned, ParamListInfo params, DestReceiver *receiver)
{
	uint64		processed = 0;

	foreach_ptr(PlannedStmt, stmt, planned->plan->stmt_list)
	{
		processed += run_planned_query(stmt, planned->sql, params, receiver);
	}
	ReleaseCachedPlan(planned->plan, NULL);
	return processed;
}

/* ---- queries that nobody plans ---- */

static planner_hook_type next_planner;
static ExecutorRun_hook_type next_run;
static ExecutorFinish_hook_type next_finish;

/* Points to whether queries are planned as no role; NULL outside of sg_plan_apart_if() */
static const bool *plans_apart;

/* Nesting depth of queries that are being planned as no role */
static int	nobody_plans;

static object_access_hook_type next_access;

/*
 * Raises 0A000 if a plan reads a foreign table, because the caller would run
 * it, with the caller's user mapping.
 */
static void
check_no_foreign(const PlannedStmt *planned)
{
	foreach_ptr(const RangeTblEntry, entry, planned->rtable)
	{
		if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("foreign table %s can be read as its owner only", sg_relation_name(entry->relid))));
	}
}

static bool
is_of_another(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	/* the planner raises for a dropped table */
	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner != GetUserId() && !superuser_arg(owner);
}

typedef struct RelationTest
{
	bool		(*holds) (Oid relid);
} RelationTest;

/* Returns whether the test holds for a relation of a query, or for one that inherits from it */
static bool
any_relation(Node *node, void *context)
{
	const RelationTest *test = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind != RTE_RELATION)
			return false;
		if (!entry->inh || !sg_has_subclass(entry->relid))
			return test->holds(entry->relid);
		foreach_oid(member, sg_all_inheritors(entry->relid))
		{
			if (test->holds(member))
				return true;
		}
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, any_relation, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, any_relation, context);
}

/*
 * Returns whether a query reads a table of another role, which could add an
 * index at this moment; superusers do not count
 */
static bool
reads_of_others(Query *query)
{
	RelationTest test = {is_of_another};

	return any_relation((Node *) query, &test);
}

/* Raises the planner's error again, and explains it if current_user was asked for */
pg_noreturn static void
rethrow(MemoryContext context)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	if (edata->sqlerrcode != ERRCODE_UNDEFINED_OBJECT || edata->funcname == NULL ||
		strcmp(edata->funcname, "GetUserNameFromId") != 0)
		PG_RE_THROW();
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("an expression asks for current_user while the query is planned, which is done in nobody's name")));
}

/*
 * Returns whether a function changes session state, or uses the session's open
 * large objects.  In a restricted operation the server itself refuses PREPARE,
 * LISTEN, temporary tables and types, and cursors WITH HOLD; settings end with
 * the scope, and cursors are hidden.
 */
static bool
is_of_session(Oid function)
{
	switch (function)
	{
		case F_PG_ADVISORY_LOCK_INT8:
		case F_PG_ADVISORY_LOCK_INT4_INT4:
		case F_PG_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_INT8:
		case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_INT8:
		case F_PG_ADVISORY_UNLOCK_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT8:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_ALL:
		case F_SETSEED:
		case F_PG_EXPORT_SNAPSHOT:
		case F_LO_OPEN:
		case F_LO_CLOSE:
		case F_LOREAD:
		case F_LOWRITE:
		case F_LO_LSEEK:
		case F_LO_LSEEK64:
		case F_LO_TELL:
		case F_LO_TELL64:
		case F_LO_TRUNCATE:
		case F_LO_TRUNCATE64:
			return true;
		default:
			return false;
	}
}

/* Returns whether a function uses sequences or notifies; triggers that run as a table's owner may */
static bool
is_of_sequence(Oid function)
{
	return function == F_NEXTVAL || function == F_SETVAL_REGCLASS_INT8 || function == F_SETVAL_REGCLASS_INT8_BOOL ||
		function == F_PG_NOTIFY;
}

/* Returns whether a function reads a cursor by its name, whoever opened the cursor */
static bool
is_of_cursor(Oid function)
{
	return function == F_CURSOR_TO_XML || function == F_CURSOR_TO_XMLSCHEMA;
}

pg_noreturn static void
refuse_of_session(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("code of another role must not use the session's advisory locks, seed, snapshot, cursors or open large objects")));
}

/* Raises 42501 for functions by which others' code would change the caller's session */
static void
refuse_session_state(ObjectAccessType access, Oid classid, Oid objectid, int subid, void *arg)
{
	if (next_access)
		next_access(access, classid, objectid, subid, arg);
	if (access != OAT_FUNCTION_EXECUTE)
		return;
	if (nobody_plans > 0 && is_of_sequence(objectid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("code that runs while a query is planned must not use sequences or notify")));
	if (nobody_plans == 0 && !sg_guard_is_others() && !(sg_guard_is_on() && InSecurityRestrictedOperation()))
		return;
	if (sg_uses_connections(objectid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("code of another role must not use dblink, whose connections are the session's")));

	/*
	 * in a restricted operation, the caller's cursors are hidden, and code
	 * may open its own
	 */
	if (is_of_session(objectid) || (!InSecurityRestrictedOperation() && is_of_cursor(objectid)))
		refuse_of_session();
}

static bool
is_refused(Oid relid)
{
	sg_guard_foreign(relid);
	return false;
}

/* Raises 42501 for a foreign table that must not be read as the caller, also as a partition of a table */
static void
check_foreign(void *query)
{
	RelationTest test = {is_refused};

	if (sg_guard_is_callers())
		(void) any_relation(query, &test);
}

/*
 * Returns whether an operator's function, or its negator's or commutator's,
 * changes session state: selectivity estimators call it for values of
 * statistics without the object access hook
 */
static bool
is_of_session_any(Oid function, void *context)
{
	return is_of_session(function);
}

static bool
is_pair_of_session(Oid operator)
{
	Oid			commutator = get_commutator(operator);
	Oid			others[] = {get_negator(operator), commutator, OidIsValid(commutator) ? get_negator(commutator) : InvalidOid};

	for (int i = 0; i < lengthof(others); i++)
	{
		if (OidIsValid(others[i]) && is_of_session(get_opcode(others[i])))
			return true;
	}
	return false;
}

static bool
any_of_session(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_of_session_any, NULL))
		return true;
	/* DistinctExpr and NullIfExpr have OpExpr's struct */
	if ((IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr)) && is_pair_of_session(((OpExpr *) node)->opno))
		return true;
	if (IsA(node, ScalarArrayOpExpr) && is_pair_of_session(((ScalarArrayOpExpr *) node)->opno))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, any_of_session, NULL, 0);
	return expression_tree_walker(node, any_of_session, NULL);
}

/* Raises 42501 for others' queries, before they are planned */
static void
check_others(Query *query)
{
	if (sg_guard_is_others() && any_of_session((Node *) query, NULL))
		refuse_of_session();
}

/*
 * Checks before and after planning, because the planner may ask a foreign
 * server, and a partition may be added while the planner waits for a lock
 */
static PlannedStmt *
plan_guarded(planner_hook_type plan, Query *parse, const char *query, int options,
			 ParamListInfo params SG_PLANNER_MORE(ExplainState *es))
{
	PlannedStmt *planned;

	check_foreign(parse);
	planned = plan(parse, query, options, params SG_PLANNER_MORE(es));
	check_foreign(planned->rtable);
	return planned;
}

static PlannedStmt *
plan_query(Query *parse, const char *query, int options, ParamListInfo params SG_PLANNER_MORE(ExplainState *es))
{
	planner_hook_type plan = next_planner ? next_planner : standard_planner;
	MemoryContext context = CurrentMemoryContext;
	PlannedStmt *planned;
	SgScope		scope;

	check_others(parse);
	if (plans_apart == NULL || !*plans_apart || (InSecurityRestrictedOperation() && !reads_of_others(parse)))
		return plan_guarded(plan, parse, query, options, params SG_PLANNER_MORE(es));
	sg_nobody_begin(&scope);
	PG_TRY();
	{
		nobody_plans++;
		planned = plan(parse, query, options, params SG_PLANNER_MORE(es));
		nobody_plans--;
	}
	PG_CATCH();
	{
		nobody_plans--;
		rethrow(context);
	}
	PG_END_TRY();
	sg_scope_end(&scope);
	check_no_foreign(planned);
	return planned;
}

static void
run_query(QueryDesc *query, ScanDirection direction, uint64 count SG_RUN_MORE(bool once))
{
	sg_guard_within(true);
	PG_TRY();
	{
		(next_run ? next_run : standard_ExecutorRun) (query, direction, count SG_RUN_MORE(once));
	}
	PG_FINALLY();
	{
		sg_guard_within(false);
	}
	PG_END_TRY();
}

static void
finish_query(QueryDesc *query)
{
	sg_guard_within(true);
	PG_TRY();
	{
		(next_finish ? next_finish : standard_ExecutorFinish) (query);
	}
	PG_FINALLY();
	{
		sg_guard_within(false);
	}
	PG_END_TRY();
}

void
sg_plan_apart_if(const bool *apart, void (*run) (void *), void *arg)
{
	const bool *outer = plans_apart;

	PG_TRY();
	{
		plans_apart = apart;
		run(arg);
	}
	PG_FINALLY();
	{
		plans_apart = outer;
	}
	PG_END_TRY();
}

void
sg_plan_apart(void (*run) (void *), void *arg)
{
	bool		apart = true;

	sg_plan_apart_if(&apart, run, arg);
}

void
sg_plan_apart_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan_query;
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = run_query;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_query;
	next_access = object_access_hook;
	object_access_hook = refuse_session_state;
}

/* ---- receiving rows ---- */

typedef struct ReceivedQuery
{
	const char *query;
	const List *relations;
	int64		argument;
	bool		parallel;
	DestReceiver *receiver;
} ReceivedQuery;

static void
receive_query(void *arg)
{
	const ReceivedQuery *received = arg;
	SPIExecuteOptions options = {.read_only = true,.dest = received->receiver};
	Oid			types[] = {INT8OID};
	int			nargs = received->argument < 0 ? 0 : 1;
	SPIPlanPtr	plan;
	int			rc;

	if (nargs > 0)
	{
		options.params = makeParamList(1);
		options.params->params[0].value = Int64GetDatum(received->argument);
		options.params->params[0].isnull = false;
		options.params->params[0].pflags = PARAM_FLAG_CONST;
		options.params->params[0].ptype = INT8OID;
	}
	SPI_connect();
	plan = SPI_prepare_cursor(received->query, nargs, types, received->parallel ? CURSOR_OPT_PARALLEL_OK : 0);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor returned %s for: %s", SPI_result_code_string(SPI_result), received->query);
	rc = SPI_execute_plan_extended(plan, &options);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), received->query);
	SPI_finish();
}

static void
receive_as_meant(void *arg)
{
	const ReceivedQuery *received = arg;
	SgMeant		meant = {.sql = received->query,.relations = received->relations};

	meant.harmful = sg_functions_named(received->query);
	sg_as_meant(&meant, receive_query, arg);
}

void
sg_spi_receive(const char *query, const List *relations, int64 argument, bool parallel, DestReceiver *receiver)
{
	ReceivedQuery received = {query, relations, argument, parallel, receiver};

	sg_plan_apart(relations ? receive_as_meant : receive_query, &received);
}

/* Returns a column of an SPI row; the memory context that SPI_connect() replaced is unknown here */
static Datum
spi_column(HeapTuple tuple, TupleDesc desc, const char *column, bool *isnull)
{
	static int	last = 0;		/* most readers ask for the columns in order */
	int			attno = last + 1;

	if (attno > desc->natts || strcmp(NameStr(TupleDescAttr(desc, last)->attname), column) != 0)
		attno = SPI_fnumber(desc, column);
	if (attno <= 0)
		elog(ERROR, "no column \"%s\" in the result", column);
	last = attno;

	return SPI_getbinval(tuple, desc, attno, isnull);
}

char *
sg_spi_text(HeapTuple tuple, TupleDesc desc, const char *column)
{
	bool		isnull;
	Datum		datum = spi_column(tuple, desc, column, &isnull);
	char	   *copy;
	char	   *value;

	if (isnull)
		return NULL;

	value = TextDatumGetCString(datum);
	copy = SPI_palloc(strlen(value) + 1);
	strcpy(copy, value);

	return copy;
}

List *
sg_spi_text_array(HeapTuple tuple, TupleDesc desc, const char *column)
{
	bool		isnull;
	Datum		datum = spi_column(tuple, desc, column, &isnull);
	Datum	   *elements;
	int			n;
	char	   *copy;
	List	   *strings;

	if (isnull)
		return NIL;

	/* SPI_palloc() reveals the caller's memory context, which gets everything */
	copy = SPI_palloc(1);
	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &n);
	strings = NIL;
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(copy));

		for (int i = 0; i < n; i++)
			strings = lappend(strings, TextDatumGetCString(elements[i]));
		MemoryContextSwitchTo(old);
	}
	pfree(copy);

	return strings;
}

bool
sg_spi_bool(HeapTuple tuple, TupleDesc desc, const char *column)
{
	bool		isnull;
	Datum		datum = spi_column(tuple, desc, column, &isnull);

	return !isnull && DatumGetBool(datum);
}

int64
sg_spi_int64(HeapTuple tuple, TupleDesc desc, const char *column)
{
	bool		isnull;
	Datum		datum = spi_column(tuple, desc, column, &isnull);

	if (isnull)
		return 0;

	/* the extension's tables have counts of type int or bigint */
	return SPI_gettypeid(desc, SPI_fnumber(desc, column)) == INT4OID ?
		DatumGetInt32(datum) : DatumGetInt64(datum);
}

Datum
sg_text_array(List *strings)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, strings)
		elements[n++] = CStringGetTextDatum((char *) lfirst(lc));

	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

List *
sg_text_array_list(Datum array)
{
	ArrayType  *arr = DatumGetArrayTypeP(array);
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *strings = NIL;

	if (ARR_NDIM(arr) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("an array of names has one dimension, not %d", ARR_NDIM(arr)),
				 errhint("Write ARRAY['a', 'b'].")));

	deconstruct_array(arr, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("element %d of an array of names is null", i + 1),
					 errhint("Each element is a name: leave the null out.")));
		strings = lappend(strings, TextDatumGetCString(elements[i]));
	}

	return strings;
}

List *
sg_int_array_list(Datum array)
{
	List	   *numbers = NIL;
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		numbers = lappend_int(numbers, DatumGetInt32(elements[i]));
	return numbers;
}
