/*-------------------------------------------------------------------------
 *
 * meant.c
 *	  A text, and the relations and functions that it is meant to lead to.  A
 *	  parallel worker of the server is not checked: its leader has prepared
 *	  the same expressions before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/code_internal.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/meant.h"
#include "base/quote.h"

static const char replaced_message[] = "%s was renamed or replaced while it was looked at";

/* Meaning of the text that is analysed or run now, or NULL */
static const SgMeant *meant;

static post_parse_analyze_hook_type next_analyzed;
static object_access_hook_type next_access;

void
sg_raise_replaced(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg(replaced_message, name),
			 errhint("Make the same call again: it looks the names up again.")));
}

bool
sg_was_replaced(const ErrorData *error)
{
	return error->message_id == replaced_message;
}

/* ---- tables ---- */

static bool
check_tables(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind == RTE_RELATION && entry->relid >= FirstNormalObjectId &&
			!list_member_oid(meant->relations, entry->relid))
			sg_raise_replaced(sg_relation_name(entry->relid));
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, check_tables, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, check_tables, context);
}

/* Compares the tables of the text itself, or all tables; queries of its functions are theirs */
static void
look_at_analyzed(ParseState *pstate, Query *query, SG_JUMBLE * jumble)
{
	if (next_analyzed)
		next_analyzed(pstate, query, jumble);
	if (meant == NULL || meant->sql == NULL || pstate->p_sourcetext == NULL || strcmp(pstate->p_sourcetext, meant->sql) != 0)
		return;
	if (meant->relations)
		(void) check_tables((Node *) query, NULL);
	if (meant->query && !equal(query, meant->query))
		sg_raise_replaced("something that the statement names");
	if (meant->keep)
	{
		MemoryContext old = MemoryContextSwitchTo(meant->context);

		*meant->keep = copyObject(query);
		MemoryContextSwitchTo(old);
	}
}

/* ---- functions that fmgr_hook does not see ---- */

/* Adds the functions that a raw query may call */
static bool
add_named(Node *node, void *functions)
{
	CatCList   *list;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(((FuncCall *) node)->funcname))));
		for (int i = 0; i < list->n_members; i++)
			*(List **) functions = list_append_unique_oid(*(List **) functions, ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid);
		ReleaseSysCacheList(list);
	}
	if (IsA(node, A_Expr))
	{
		list = SearchSysCacheList1(OPERNAMENSP, CStringGetDatum(strVal(llast(((A_Expr *) node)->name))));
		for (int i = 0; i < list->n_members; i++)
			*(List **) functions = list_append_unique_oid(*(List **) functions, ((Form_pg_operator) GETSTRUCT(&list->members[i]->tuple))->oprcode);
		ReleaseSysCacheList(list);
	}
	return raw_expression_tree_walker(node, add_named, functions);
}

List *
sg_functions_named(const char *sql)
{
	List	   *functions = NIL;

	foreach_ptr(const RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
	{
		(void) add_named(raw->stmt, &functions);
	}
	return functions;
}

/* Returns whether Citus' planner puts the function into queries of distributed tables */
static bool
is_planned_by_citus(Form_pg_proc form)
{
	return form->pronamespace == PG_CATALOG_NAMESPACE && form->prolang == ClanguageId &&
		(strcmp(NameStr(form->proname), "read_intermediate_result") == 0 ||
		 strcmp(NameStr(form->proname), "read_intermediate_results") == 0);
}

/*
 * Returns whether a function is harmless, or is checked by fmgr_hook, which
 * knows its owner: all but superusers' functions in C
 */
static bool
is_harmless(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_proc) GETSTRUCT(tuple);

	/*
	 * the hook checks the functions that it calls for polymorphic arguments
	 * itself
	 */
	result = form->provolatile == PROVOLATILE_IMMUTABLE || code_is_harmless(form) || is_planned_by_citus(form) ||
		(function >= FirstNormalObjectId && form->prolang != ClanguageId && form->prolang != INTERNALlanguageId);
	ReleaseSysCache(tuple);
	return result;
}

static void
look_at_function(ObjectAccessType access, Oid classid, Oid objectid, int subid, void *arg)
{
	if (next_access)
		next_access(access, classid, objectid, subid, arg);
	if (meant == NULL || meant->query || access != OAT_FUNCTION_EXECUTE || !sg_guard_is_callers() ||
		list_member_oid(meant->harmful, objectid) || is_harmless(objectid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("it could run function %s as role %s, by a name that leads elsewhere now, or a check of a type",
					quote_identifier(sg_function_name(objectid)), sg_role_name(GetUserId())),
			 errhint("Make the same call again: it looks the names up again.")));
}

/* ---- texts ---- */

const SgMeant *
sg_meant_set(const SgMeant *what)
{
	const SgMeant *outer = meant;

	meant = what;
	return outer;
}

void
sg_as_meant(const SgMeant *what, void (*run) (void *arg), void *arg)
{
	const SgMeant *outer = sg_meant_set(what);

	PG_TRY();
	{
		run(arg);
	}
	PG_FINALLY();
	{
		(void) sg_meant_set(outer);
	}
	PG_END_TRY();
}

typedef struct Reading
{
	const char *sql;
	bool		read_only;
	long		count;
	int			rc;
} Reading;

static void
read_meant(void *arg)
{
	Reading    *reading = arg;

	reading->rc = SPI_execute(reading->sql, reading->read_only, reading->count);
}

int
sg_spi_execute_meant(const char *sql, const List *relations, bool read_only, long count)
{
	Reading		reading = {sql, read_only, count, 0};
	SgMeant		read = {sql, relations, sg_functions_named(sql)};

	sg_as_meant(&read, read_meant, &reading);
	return reading.rc;
}

void
sg_meant_init(void)
{
	next_analyzed = post_parse_analyze_hook;
	post_parse_analyze_hook = look_at_analyzed;
	next_access = object_access_hook;
	object_access_hook = look_at_function;
}
