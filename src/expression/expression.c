/*-------------------------------------------------------------------------
 *
 * expression.c
 *	  Do two texts that a catalog printed say the same?
 *
 * First the cheap question, then the one that this catalog can answer, then
 * the grammar alone.  A snapshot may come from anywhere: whatever its texts
 * contain, they are parsed, perhaps analysed, and never executed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "expression/expression.h"

/* Longer texts are compared as text, without parsing */
#define MAX_PARSED (1024 * 1024)

Node *
expression_parse(const char *text)
{
	List	   *statements = raw_parser(psprintf("SELECT %s", text), RAW_PARSE_DEFAULT);
	SelectStmt *select;
	SelectStmt	bare = {.type = T_SelectStmt};
	ResTarget  *target;

	select = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	if (select == NULL || !IsA(select, SelectStmt) || list_length(select->targetList) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("not one expression")));
	target = linitial_node(ResTarget, select->targetList);
	bare.targetList = select->targetList;
	bare.limitOption = select->limitOption;
	if (!equal(select, &bare) || target->name != NULL || target->indirection != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("more than an expression")));

	return target->val;
}

/* Parses a CREATE FUNCTION that may have arguments and a body, and nothing else */
static CreateFunctionStmt *
parse_function(const char *sql)
{
	List	   *statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	CreateFunctionStmt *function = list_length(statements) == 1 ?
		(CreateFunctionStmt *) linitial_node(RawStmt, statements)->stmt : NULL;

	if (function == NULL || !IsA(function, CreateFunctionStmt) || function->returnType || function->options)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("more than a part of a function")));
	return function;
}

Node *
expression_parse_sql_body(const char *text)
{
	CreateFunctionStmt *function = parse_function(psprintf("CREATE FUNCTION f() %s", text));

	if (function->sql_body == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("not the body of a function")));
	return function->sql_body;
}

List *
expression_parse_arguments(const char *text)
{
	CreateFunctionStmt *function = parse_function(psprintf("CREATE FUNCTION f(%s\n)", text));

	if (function->sql_body)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("more than arguments")));
	return function->parameters;
}

char *
expression_try_memory_only(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool failed = false;
	ErrorData  *edata = NULL;

	PG_TRY();
	{
		fn(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		failed = true;
	}
	PG_END_TRY();

	if (!failed)
		return NULL;
	sg_rethrow_cancel(edata);
	return sg_error_message(edata);
}

static DriftVerdict
compare(const DriftScope *scope, const char *expected, const char *actual, char **reason)
{
	DriftVerdict verdict;
	char	   *why_not = NULL;
	bool		is_query = scope->kind == DRIFT_TEXT_QUERY || scope->kind == DRIFT_TEXT_SQL_BODY;

	if (scope->kind == DRIFT_TEXT_BODY || scope->kind == DRIFT_TEXT_LINES)
		return expression_compare_body(scope->kind == DRIFT_TEXT_BODY, expected, actual);

	if (strlen(expected) > MAX_PARSED || strlen(actual) > MAX_PARSED)
	{
		*reason = psprintf("texts of more than %d kB are compared as written", MAX_PARSED / 1024);
		return DRIFT_UNDECIDED;
	}

	/* with renames the texts do not name the same columns */
	if (!is_query && scope->names == NIL && !RecoveryInProgress())
	{
		verdict = expression_compare_analysed(scope, expected, actual, &why_not);
		if (verdict != DRIFT_UNDECIDED)
			return verdict;
	}
	else if (!is_query && RecoveryInProgress())
		why_not = "a standby does not analyse them";

	verdict = expression_compare_raw(scope, expected, actual, reason);
	if (verdict == DRIFT_DIFFERENT && why_not)
	{
		*reason = psprintf("compared as written, not by meaning: %s", why_not);
		verdict = DRIFT_UNDECIDED;
	}
	return verdict;
}

DriftVerdict
expression_compare_text(const DriftScope *scope, const char *expected, const char *actual, char **reason)
{
	MemoryContext context;
	MemoryContext old;
	DriftVerdict verdict;
	char	   *why = NULL;

	*reason = NULL;
	if (strcmp(expected, actual) == 0)
		return DRIFT_SAME;

	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard texts", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	verdict = compare(scope, expected, actual, &why);
	MemoryContextSwitchTo(old);
	if (why)
		*reason = pstrdup(why);
	MemoryContextDelete(context);

	return verdict;
}
