/*-------------------------------------------------------------------------
 *
 * body.c
 *	  Functions that people call, whose bodies are SQL or PL/pgSQL.
 *
 * The body of sg_name, and of its sg_name_details, is sg_name_body of schema
 * schemaguard, which has the same arguments.  A body with settings of its own,
 * such as search_path, is given qualified names of tables: what the caller means
 * by one is found before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/body.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"

SG_FUNCTION(sg_body);

/* Runs fn(arg), and drops from an error's context the lines of all frames inside of this call */
void
sg_call_alone(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		fn(arg);
	}
	PG_CATCH();
	{
		ErrorData  *edata = sg_caught(context);

		edata->context = GetErrorContextStack();
		ReThrowError(edata);
	}
	PG_END_TRY();
}

typedef struct AloneArg
{
	PGFunction	function;
	FunctionCallInfo fcinfo;
	Datum		result;
} AloneArg;

static void
enter_alone(void *p)
{
	AloneArg   *arg = p;

	arg->result = arg->function(arg->fcinfo);
}

Datum
sg_enter_alone(PGFunction function, FunctionCallInfo fcinfo)
{
	AloneArg	arg = {function, fcinfo};

	sg_call_alone(enter_alone, &arg);
	return arg.result;
}

typedef struct Body
{
	FmgrInfo	function;
	int			required;		/* number of arguments without a default */
	int			ntables;		/* number of arguments that are table names */
	int			tables[FUNC_MAX_ARGS];	/* positions of the arguments that are
										 * table names */
} Body;

/*
 * Records the arguments of type schemaguard.table_name, which a body with a
 * search_path of its own could not resolve
 */
static void
note_tables(Body *body, HeapTuple function)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);
	Oid			table_name = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("table_name"), ObjectIdGetDatum(sg_schema_oid()));

	if (heap_attisnull(function, Anum_pg_proc_proconfig, NULL))
		return;
	for (int i = 0; i < form->pronargs; i++)
	{
		if (form->proargtypes.values[i] == table_name)
			body->tables[body->ntables++] = i;
	}
}

/* Finds the body of a function; raises 42501 if the caller may not execute the body */
static Oid
find_body(Oid function, Body *found)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char	   *suffix;
	NameData	name;
	Oid			body;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	form = (Form_pg_proc) GETSTRUCT(tuple);
	found->required = form->pronargs - form->pronargdefaults;
	suffix = strstr(NameStr(form->proname), "_details");
	snprintf(NameStr(name), NAMEDATALEN, "%.*s_body",
			 suffix ? (int) (suffix - NameStr(form->proname)) : NAMEDATALEN, NameStr(form->proname));
	body = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, NameGetDatum(&name),
						   PointerGetDatum(&form->proargtypes), ObjectIdGetDatum(sg_schema_oid()));
	if (!OidIsValid(body))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	if (object_aclcheck(ProcedureRelationId, body, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, NameStr(name));
	ReleaseSysCache(tuple);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(body));
	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_FUNCTION, "a function");
	note_tables(found, tuple);
	ReleaseSysCache(tuple);
	return body;
}

/*
 * Calls a body with row_security on, because with off the server would refuse
 * to read our tables, which have policies, and without jit, because compiling a
 * query of the catalogs takes longer than running it
 */
static Datum
call_body(FunctionCallInfo fcinfo)
{
	int			level = NewGUCNestLevel();
	Datum		result;

	sg_scope_set("row_security", "on");
	sg_scope_set("jit", "off");
	result = FunctionCallInvoke(fcinfo);
	AtEOXact_GUC(true, level);
	return result;
}

/*
 * Entry point of all functions with a body.  Raises the body's errors, 22004
 * for a null argument without a default, and 42P01, with the nearest name as a
 * hint, for a missing table.
 */
static Datum
sg_body_entered(PG_FUNCTION_ARGS)
{
	FmgrInfo   *function = fcinfo->flinfo;
	Body	   *body = function->fn_extra;
	FunctionCallInfo call = palloc(SizeForFunctionCallInfo(fcinfo->nargs));
	Datum		result;

	if (body == NULL)
	{
		body = MemoryContextAllocZero(function->fn_mcxt, sizeof(Body));
		fmgr_info_cxt(find_body(function->fn_oid, body), &body->function, function->fn_mcxt);
		fmgr_info_set_expr(function->fn_expr, &body->function);
		function->fn_extra = body;
	}
	for (int i = 0; i < body->required; i++)
		sg_arg_check(fcinfo, i);
	/* copied, because the executor sets constant arguments only once */
	memcpy(call, fcinfo, SizeForFunctionCallInfo(fcinfo->nargs));
	call->flinfo = &body->function;
	for (int i = 0; i < body->ntables; i++)
	{
		NullableDatum *arg = &call->args[body->tables[i]];

		if (!arg->isnull)
			arg->value = CStringGetTextDatum(sg_relation_name(sg_arg_table(fcinfo, body->tables[i], NULL)));
	}
	result = sg_enter_alone(call_body, call);
	fcinfo->isnull = call->isnull;
	return result;
}
