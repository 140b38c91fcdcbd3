/*-------------------------------------------------------------------------
 *
 * audit_orphans.c
 *	  sg_fk_orphans and sg_orphans: the rows that break a key, declared or not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"

SG_FUNCTION(sg_orphans);
SG_FUNCTION(sg_fk_orphans);

void
audit_raise_problem(const FkProblem *problem, const char *what, Oid child)
{
	ereport(ERROR,
			(errcode(problem->sqlerrcode),
			 errmsg("%s of %s can't be listed: %s", what, sg_relation_name(child), problem->reason),
			 problem->hint ? errhint("%s", problem->hint) : 0));
}

/* DestReceiver that emits rows unchanged */
typedef struct OrphanReceiver
{
	DestReceiver pub;
	SgRowSink  *sink;
	Oid			child;
	int64		rows;
} OrphanReceiver;

static bool
receive_orphan(TupleTableSlot *slot, DestReceiver *self)
{
	OrphanReceiver *receiver = (OrphanReceiver *) self;

	slot_getallattrs(slot);
	sg_sink_datum(receiver->sink, slot->tts_isnull[0] ? ObjectIdGetDatum(receiver->child) : slot->tts_values[0]);
	for (int i = 1; i < slot->tts_tupleDescriptor->natts; i++)
	{
		if (slot->tts_isnull[i])
			sg_sink_null(receiver->sink);
		else
			sg_sink_datum(receiver->sink, slot->tts_values[i]);
	}
	sg_sink_emit(receiver->sink);
	receiver->rows++;
	return true;
}

int64
audit_run_list(SgRowSink *sink, const FkKey *key, const char *query, int64 max_rows)
{
	OrphanReceiver receiver = {.pub = sg_receiver(receive_orphan),.sink = sink,.child = key->child};

	sg_spi_receive(query, fk_tables(key), max_rows, true, &receiver.pub);
	return receiver.rows;
}

/* Finds the key that a call's arguments name; raises an error if there is none */
typedef const FkKey *(*FindKey) (FunctionCallInfo fcinfo);

/*
 * Lists the rows that break a key, as the role and in the snapshot of an audit,
 * with or without their keys.  Finds the key again under the locks, because the
 * tables may have changed while it waited.
 */
static void
list_orphans(FunctionCallInfo fcinfo, const FkKey *key, FindKey find, int64 max_rows, bool keys)
{
	SgRowSink	sink;
	FkProblem  *problem;
	Oid			busy;

	if (find)
		key = find(fcinfo);
	problem = audit_caller_problem(key, true);
	sg_sink_begin(&sink, fcinfo);
	foreach_ptr(const FkKey, part, problem ? NIL : audit_key_parts(key))
	{
		if (problem == NULL)
			problem = audit_access_problem(part, true);
	}
	if (problem == NULL)
		problem = audit_lock(key, true, &busy);
	if (problem)
		audit_raise_problem(problem, "the orphans", key->child);
	if (find)
	{
		Oid			parent = key->parent;

		key = find(fcinfo);
		if (key->parent != parent)
			sg_gone(ERRCODE_UNDEFINED_OBJECT, "the key");
	}
	audit_push_snapshot();
	foreach_ptr(const FkKey, part, audit_key_parts(key))
	{
		char	   *query;
		SgScope		scope;

		audit_scope_begin(&scope, part, true);
		query = audit_sql_orphans(part);
		if (!keys)
			query = psprintf("SELECT o.t, o.i, o.d FROM (%s) o (t, i, k, d)", query);
		max_rows -= audit_run_list(&sink, part, query, max_rows);
		sg_scope_end(&scope);
	}
	PopActiveSnapshot();
}

void
audit_list_orphans(FunctionCallInfo fcinfo, const FkKey *key, int64 max_rows)
{
	list_orphans(fcinfo, key, NULL, max_rows, false);
}

/* Returns an argument's column names: at least one, none longer than a name can be */
static List *
columns_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	List	   *columns = sg_text_array_list(PG_GETARG_DATUM(n));
	ListCell   *lc;

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sg_orphans: \"%s\" must not be empty", name),
				 errhint("Name the columns, as in ARRAY['a', 'b'].")));
	foreach(lc, columns)
		sg_check_name(lfirst(lc), "column name");
	return columns;
}

static const FkKey *
key_on_columns(FunctionCallInfo fcinfo)
{
	FkKey	   *key = palloc0(sizeof(FkKey));
	Oid			child = sg_arg_table(fcinfo, 0, NULL);
	Oid			parent;
	FkProblem  *problem;

	sg_arg_check(fcinfo, 1);
	parent = sg_arg_table(fcinfo, 2, NULL);
	key->match = FKCONSTR_MATCH_SIMPLE;
	key->enforced = true;
	problem = fk_resolve(child, columns_argument(fcinfo, 1, "columns"), parent,
						 sg_arg_is_null(fcinfo, 3) ? NIL : columns_argument(fcinfo, 3, "parent_columns"),
						 key);
	if (problem)
		audit_raise_problem(problem, "the orphans", child);
	return key;
}

/*
 * sg_orphans(child regclass, columns text[], parent regclass, parent_columns
 * text[] DEFAULT NULL, max_rows bigint DEFAULT 1000)
 *
 * Returns the rows that a key on these columns would refuse (MATCH SIMPLE).
 * Needs SELECT on the child and on the parent's columns, and no row security on
 * either (42501); locks both in ACCESS SHARE until the end of the transaction.
 * Raises ALTER TABLE's errors for an impossible key.
 */
static Datum
sg_orphans_entered(PG_FUNCTION_ARGS)
{
	sg_check_version();
	list_orphans(fcinfo, NULL, key_on_columns, sg_arg_count(fcinfo, 4, INT8OID), true);

	PG_RETURN_NULL();
}

static const FkKey *
key_by_name(FunctionCallInfo fcinfo)
{
	Oid			child = sg_arg_table(fcinfo, 0, NULL);
	char	   *name = sg_arg_text(fcinfo, 1);
	FkKey	   *key;

	sg_check_name(name, "constraint name");
	key = fk_by_name(child, name);
	if (key == NULL)
	{
		SgNearest	nearest = {name};

		foreach_ptr(FkKey, other, fk_declared(child))
		{
			sg_nearest_try(&nearest, other->name);
		}
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table %s has no foreign key \"%s\"", sg_relation_name(child), name),
				 nearest.found ? errhint("Perhaps you meant \"%s\".", nearest.found) :
				 errhint("A key that a partition has from its partitioned table is found there; a planned key by its columns, with the function sg_orphans. The table has these:\n"
						 "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass;",
						 quote_literal_cstr(sg_relation_name(child)))));
	}
	return key;
}

/*
 * sg_fk_orphans(child regclass, fk_name text, max_rows bigint DEFAULT 1000)
 *
 * Like sg_orphans(), for a declared key, by its name (42704 if there is none).
 */
static Datum
sg_fk_orphans_entered(PG_FUNCTION_ARGS)
{
	sg_check_version();
	list_orphans(fcinfo, NULL, key_by_name, sg_arg_count(fcinfo, 2, INT8OID), true);

	PG_RETURN_NULL();
}
