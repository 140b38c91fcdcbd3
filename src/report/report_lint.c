/*-------------------------------------------------------------------------
 *
 * report_lint.c
 *	  Runs the queries of schemaguard.lint_rule.
 *
 * A shipped rule reads catalogs as the caller.  A rule that a role has added
 * runs as that role, restricted, for callers who could SET ROLE to it, and
 * only if it reaches no code of anybody else (change_reach.c); its rows and
 * its time are limited, and it runs no rules itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/rowsink.h"
#include "base/scope.h"
#include "base/spi.h"
#include "change/change.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_lint_query);
SG_FUNCTION(sg_schemas);

/* Limits of the result of a rule that was added */
#define MOST_ROWS	10000
#define MOST_BYTES	(16 * 1024 * 1024)

static bool running = false;	/* whether a rule that was added runs */

/* A rule's query, and its result */
typedef struct LintQuery
{
	const char *sql;
	const char *rule;			/* its name, for errors that end the call */
	Oid			author;			/* role of a rule that was added; InvalidOid:
								 * a shipped rule */
	MemoryContext context;		/* of the rows */
	List	   *rows;			/* ArrayType *: text[] */
	char	   *problem;		/* why there is no result, or NULL */
} LintQuery;

static void
check_columns(TupleDesc desc)
{
	for (int i = 1; i <= desc->natts; i++)
	{
		Oid			type = SPI_gettypeid(desc, i);

		if (type != TEXTOID && type != NAMEOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of the rule's query is of type %s, not text", SPI_fname(desc, i), format_type_be(type))));
	}
	if (desc->natts < 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the rule's query has no two columns: the schema and the object")));
}

/* Runs the query and copies its rows; SPI is connected */
static void
read_rows(void *p)
{
	LintQuery  *query = p;
	bool		added = OidIsValid(query->author);
	int64		bytes = 0;
	MemoryContext old;

	if (SPI_execute(query->sql, true, added ? MOST_ROWS + 1 : 0) != SPI_OK_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the rule is no query")));
	check_columns(SPI_tuptable->tupdesc);
	if (added && SPI_processed > MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rule's query returns more than %d rows", MOST_ROWS)));
	old = MemoryContextSwitchTo(query->context);
	query->rows = NIL;
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		ArrayBuildState *row = initArrayResult(TEXTOID, query->context, false);

		for (int i = 1; i <= SPI_tuptable->tupdesc->natts; i++)
		{
			char	   *part = SPI_getvalue(SPI_tuptable->vals[n], SPI_tuptable->tupdesc, i);

			if (part == NULL && i <= 2)
				ereport(ERROR,
						(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						 errmsg("the rule's query returns a row without %s", i == 1 ? "schema" : "object")));
			bytes += part ? strlen(part) : 0;
			if (added && bytes > MOST_BYTES)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("the rule's query returns more than %d bytes", MOST_BYTES)));
			row = accumArrayResult(row, part ? CStringGetTextDatum(part) : (Datum) 0, part == NULL, TEXTOID, query->context);
		}
		query->rows = lappend(query->rows, DatumGetPointer(makeArrayResult(row, query->context)));
	}
	MemoryContextSwitchTo(old);
}

/* Pins settings, because names are compared with those of the library, and with those of the last run */
static void
pin_names(void)
{
	sg_scope_set("quote_all_identifiers", "off");
}

/*
 * Runs a shipped query as the caller, with bounded waits for locks, as
 * pg_sequences may wait for a sequence that is being altered
 */
static void
run_shipped(void *p)
{
	SgScope		scope;

	sg_caller_begin(&scope);
	pin_names();
	sg_scope_set("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	SPI_connect();
	read_rows(p);
	SPI_finish();
	sg_scope_end(&scope);
}

/* Runs a query for at most so many milliseconds, or without a limit, and keeps the error as its problem */
static void
run_bounded(LintQuery *query, void (*run) (void *p), int ms)
{
	ErrorData  *edata = run_try_undo(ms, run, query);

	if (edata == NULL)
		return;
	if (run_timeout_struck())
		query->problem = psprintf("it took longer than %d ms", ms);
	else
	{
		sg_rethrow_cancel(edata);
		query->problem = sg_error_message(edata);
	}
}

/* Runs the query as its author, within sg_try_undo() */
static void
ask(void *p)
{
	LintQuery  *query = p;
	ChangeMove	move = {.action = "the rule"};
	List	   *statements = raw_parser(query->sql, RAW_PARSE_DEFAULT);
	SgScope		scope;

	if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the rule is no query")));
	sg_role_begin(&scope, query->author);
	sg_scope_pin();
	pin_names();
	if (!change_reach_statement(&move, query->sql))
		query->problem = MemoryContextStrdup(query->context, move.problem->reason);
	else
	{
		change_check_caller(&move);
		run_check_names(query->sql);
		SPI_connect();
		code_run_as_meant(move.reach, query->sql, read_rows, query);
		SPI_finish();
	}
	sg_scope_end(&scope);
}

static void
ask_locked(void *arg)
{
	run_deed_reading(ask, arg);
}

static void
run_of_author(LintQuery *query)
{
	/*
	 * without a subtransaction, because an error in one would end a session
	 * of a standby
	 */
	if (RecoveryInProgress())
	{
		query->problem = "a rule of a role's is not run on a standby";
		return;
	}
	if (!member_can_set_role(GetUserId(), query->author))
	{
		query->problem = psprintf("it runs for roles that may become role %s", quote_identifier(GetUserNameFromId(query->author, false)));
		return;
	}
	running = true;
	PG_TRY();
	{
		run_bounded(query, ask_locked, run_query_limit());
	}
	PG_FINALLY();
	{
		running = false;
	}
	PG_END_TRY();
}

static void
say_rule(void *arg)
{
	errcontext("rule \"%s\" of sg_lint()", ((LintQuery *) arg)->rule);
}

/* Runs the query, and names the rule in the context of an error */
static void
run_query(LintQuery *query)
{
	ErrorContextCallback context = {error_context_stack, say_rule, query};

	error_context_stack = &context;
	if (OidIsValid(query->author))
		run_of_author(query);
	else if (RecoveryInProgress())
		run_shipped(query);
	else
		run_bounded(query, run_shipped, sg_statement_timeout);
	error_context_stack = context.previous;
}

/*
 * sg_lint_query(query text, author text, rule text)
 *
 * Runs the query of a rule, with names looked up in pg_catalog: as its author,
 * under the conditions in this file's head, or as the caller if author is NULL;
 * as no role for an empty name.  Its columns are of type text or name: schema,
 * object, and parts of the message.  Returns each row as an array; or one row
 * with a problem, the reason why the query could not be run.  The query's locks
 * are waited for as long as DDL waits.  Errors of a shipped rule are raised
 * only on a standby, where no subtransaction can catch them.  0A000: the query
 * of a rule that was added calls this.  The context of an error names the rule.
 */
static Datum
sg_lint_query_entered(PG_FUNCTION_ARGS)
{
	LintQuery	query = {.sql = sg_arg_text(fcinfo, 0),.rule = sg_arg_text(fcinfo, 2),.context = CurrentMemoryContext};
	char	   *author = sg_arg_optional_text(fcinfo, 1);
	SgRowSink	sink;

	if (running)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a rule's query runs no rules")));
	if (author && author[0] == '\0')
		query.problem = "its author is gone, or another role has that name";
	else if (author && !OidIsValid(query.author = get_role_oid(author, true)))
		query.problem = psprintf("its author, role %s, is gone", quote_identifier(author));
	else
		run_query(&query);

	sg_sink_begin(&sink, fcinfo);
	if (query.problem)
	{
		sg_sink_null(&sink);
		sg_sink_text(&sink, query.problem);
		sg_sink_emit(&sink);
		return (Datum) 0;
	}
	foreach_ptr(ArrayType, row, query.rows)
	{
		sg_sink_datum(&sink, PointerGetDatum(row));
		sg_sink_null(&sink);
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}

/*
 * sg_schemas(schemas schemaguard.names)
 *
 * Returns the names without duplicates, or null for null. 3F000: a schema does
 * not exist; 22023: the list is empty.
 */
static Datum
sg_schemas_entered(PG_FUNCTION_ARGS)
{
	List	   *schemas = sg_arg_schemas(fcinfo, 0);

	if (schemas == NIL)
		PG_RETURN_NULL();
	return sg_text_array(schemas);
}
