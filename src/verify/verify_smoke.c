/*-------------------------------------------------------------------------
 *
 * verify_smoke.c
 *	  sg_verify_fks: tests that users have written, schemaguard.smoke_test.
 *
 * A test runs as its author, whoever calls, as a security-restricted
 * operation, and only for who may SET ROLE to the author.  It is looked
 * through for code of others like a statement of a plan (change_reach.c).  A
 * query runs in a read-only subtransaction; an attempt is rolled back.  What
 * cannot be run is unknown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/scope.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "fk/fk.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_unit.h"
#include "verify/verify.h"
#include "verify/verify_live.h"

#define ATTEMPTS		3		/* attempts if a lock or a timeout interferes */
#define MOST_OBSERVED	200		/* bytes of a value that are shown, at most */

struct SmokeTest
{
	int64		id;
	bool		attempt;
	const char *statement;
	const char *expectation;	/* NULL: no row expected */
	const char *author;
	Oid			author_id;		/* OID of the author when the test was written */
	int64		mark;			/* hash of the test's texts */
	bool		of_plan;		/* whether it is a plan's, not the database's */
};

/* Running test */
typedef struct SmokeRun
{
	const SmokeTest *test;
	MemoryContext context;
	Oid			author;
	char	   *observed;		/* result of a query; NULL: no row */
	bool		same;			/* whether it equals the expectation */
	int64		processed;		/* rows of an attempt; -1: not begun */
} SmokeRun;

/* ---- the tests ---- */

static char *
text_of(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static int64
number_of(int row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/*
 * Returns whether the current role may read the test, as by row security: tests
 * of a plan are for all who may read the plan
 */
static bool
is_readable(const SmokeTest *test)
{
	Oid			role = get_role_oid(test->author, true);

	return test->of_plan || is_member_of_role(GetUserId(), ROLE_PG_MONITOR) || is_member_of_role(GetUserId(), ROLE_PG_DATABASE_OWNER) ||
		(OidIsValid(role) && is_member_of_role(GetUserId(), role));
}

static VerifyKey *
read_test(int row, bool of_plan)
{
	VerifyKey  *vk = palloc0(sizeof(VerifyKey));
	SmokeTest  *test = palloc(sizeof(SmokeTest));
	char	   *expectation = text_of(row, 5);

	test->id = number_of(row, 1);
	vk->fk_name = pstrdup(text_of(row, 2));
	test->attempt = strcmp(text_of(row, 3), "attempt") == 0;
	test->statement = pstrdup(text_of(row, 4));
	test->expectation = expectation ? pstrdup(expectation) : NULL;
	test->author = pstrdup(text_of(row, 6));
	test->author_id = (Oid) number_of(row, 7);
	test->mark = number_of(row, 8);
	test->of_plan = of_plan;
	vk->smoke = test;
	return vk;
}

List *
verify_smoke_tests(const FkPlan *plan)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {plan ? CStringGetTextDatum(plan->name) : (Datum) 0};
	const char *nulls = plan ? " " : "n";
	MemoryContext context = CurrentMemoryContext;
	List	   *tests = NIL;
	uint64		n;
	SgScope		scope;

	/* version 0.1.0 has no such table */
	if (!OidIsValid(get_relname_relid("smoke_test", sg_schema_oid())))
		return NIL;
	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT,
						 "SELECT t.id, t.name, t.kind, t.statement, t.expectation, t.author, t.author_id::bigint, t.mark"
						 " FROM schemaguard.smoke_test t WHERE t.plan IS NOT DISTINCT FROM $1 ORDER BY t.name COLLATE \"C\"",
						 lengthof(types), types, values, nulls);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		tests = lappend(tests, read_test((int) i, plan != NULL));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return tests;
}

/* ---- as the author ---- */

/* Raises an error unless the text is one statement of the test's kind */
static void
check_statement(const SmokeTest *test)
{
	List	   *statements = raw_parser(test->statement, RAW_PARSE_DEFAULT);
	Node	   *statement = list_length(statements) == 1 ? linitial_node(RawStmt, statements)->stmt : NULL;

	if (statement && (test->attempt ? change_written(statement) != NULL : IsA(statement, SelectStmt)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg(test->attempt ? "an attempt is one INSERT, UPDATE, DELETE or MERGE" : "a query is one SELECT")));
}

/*
 * Takes the author's role, and settings that give the text the same meaning in
 * every session: pg_catalog as search_path, fixed formats of values and
 * literals, row security of the author
 */
static void
begin_as_author(SgScope *scope, const SmokeRun *run)
{
	sg_check_may_become(run->author);
	live_begin_as(scope, run->author);
	sg_scope_pin();
	sg_scope_pin_source();
	sg_scope_pin_texts();
	run_set_local("row_security", "on");
	check_statement(run->test);
}

/* Returns the number of lines that the expectation has */
static int
expected_lines(const SmokeTest *test)
{
	int			lines = test->expectation ? 1 : 0;

	for (const char *c = test->expectation; c && *c; c++)
		lines += *c == '\n';
	return lines;
}

/* Appends a value with backslashes, so that no other value, column or row is written so */
static void
append_value(StringInfo text, const char *value)
{
	if (strcmp(value, "NULL") == 0)
		appendStringInfoChar(text, '\\');
	for (const char *c = value; *c; c++)
	{
		if (*c == '|' || *c == '\\' || *c == '\n')
			appendStringInfoChar(text, '\\');
		appendStringInfoChar(text, *c == '\n' ? 'n' : *c);
	}
}

/* Appends a row as `psql -At` prints it, except for null, and for characters that separate values */
static void
append_row(StringInfo text, int row)
{
	for (int i = 1; i <= SPI_tuptable->tupdesc->natts; i++)
	{
		char	   *value = text_of(row, i);

		appendStringInfoString(text, i > 1 ? "|" : "");
		if (value)
			append_value(text, value);
		else
			appendStringInfoString(text, "NULL");
	}
}

static char *
cut(const char *text)
{
	int			length = (int) strlen(text);
	int			clipped = pg_mbcliplen(text, length, MOST_OBSERVED);

	return clipped == length ? pstrdup(text) : psprintf("%.*s...", clipped, text);
}

/* Runs the test's query and reads its rows; for change_ask() */
static void
read_rows(void *arg)
{
	SmokeRun   *run = arg;
	const SmokeTest *test = run->test;
	StringInfoData text;
	MemoryContext old;

	/*
	 * read only until the subtransaction ends, which the author's functions
	 * can't revoke
	 */
	XactReadOnly = true;
	if (SPI_execute(test->statement, true, expected_lines(test) + 1) != SPI_OK_SELECT)
		elog(ERROR, "a query is one SELECT");
	initStringInfo(&text);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		appendStringInfoString(&text, i > 0 ? "\n" : "");
		append_row(&text, (int) i);
	}
	run->same = SPI_processed == 0 ? test->expectation == NULL :
		test->expectation != NULL && strcmp(text.data, test->expectation) == 0;
	old = MemoryContextSwitchTo(run->context);
	run->observed = SPI_processed == 0 ? NULL : cut(text.data);
	MemoryContextSwitchTo(old);
}

static void
raise_problem(const ChangeMove *move)
{
	if (move->kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(move->problem->sqlerrcode),
				 errmsg("%s", move->problem->reason)));
}

/* Asks the query, in a subtransaction that is rolled back */
static void
ask(void *arg)
{
	SmokeRun   *run = arg;
	ChangeMove	move = {.action = "the test"};
	SgScope		scope;

	begin_as_author(&scope, run);
	PushActiveSnapshot(GetTransactionSnapshot());
	change_ask(run->test->statement, &move, read_rows, run);
	PopActiveSnapshot();
	raise_problem(&move);
	sg_scope_end(&scope);
}

/* Returns whether a WITH contains INSERT, UPDATE, DELETE or MERGE */
static bool
writes_along(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CommonTableExpr) && change_written(((CommonTableExpr *) node)->ctequery))
		return true;
	return raw_expression_tree_walker(node, writes_along, context);
}

/* Returns whether a relation is a table, partitioned or not, without rules */
static bool
is_plain_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form = HeapTupleIsValid(tuple) ? (Form_pg_class) GETSTRUCT(tuple) : NULL;
	bool		plain = form && (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) && !form->relhasrules;

	if (form)
		ReleaseSysCache(tuple);
	return plain;
}

/* Raises an error unless the statement changes rows of exactly one plain table */
static void
check_target(const SmokeTest *test)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(test->statement, RAW_PARSE_DEFAULT))->stmt;
	Oid			relid = RangeVarGetRelid(change_written(statement), NoLock, false);

	if (!is_plain_table(relid) || writes_along(statement, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an attempt changes rows of one table that has no rules")));
}

static void
do_attempt(void *arg)
{
	SmokeRun   *run = arg;
	ChangeMove	move = {.action = "the test",.statements = list_make1(unconstify(char *, run->test->statement)),
	.processed = &run->processed};

	(void) change_reach_statement(&move, run->test->statement);
	raise_problem(&move);
	check_target(run->test);
	change_run(&move);
}

/*
 * Runs an attempt as its author; for sg_try().  Fires triggers that the
 * caller's transaction has deferred first, as the caller, and checks keys at
 * once afterwards.
 */
static void
try_statement(void *arg)
{
	SmokeRun   *run = arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	run_fire_deferred();
	sg_scope_end(&scope);
	begin_as_author(&scope, run);
	PushActiveSnapshot(GetTransactionSnapshot());
	run_deed_alone(do_attempt, run);
	PopActiveSnapshot();
	sg_scope_end(&scope);
}

/* ---- verdicts ---- */

static void
add_verdict(VerifyKey *vk, const char *observed, AuditResult result, const char *reason)
{
	const SmokeTest *test = vk->smoke;

	verify_add_test(vk, test->attempt ? "smoke test: attempt" : "smoke test: query",
					!is_readable(test) ? NULL : test->expectation ? cut(test->expectation) : "no row", observed, result, reason);
}

static void
run_query(VerifyKey *vk, SmokeRun *run)
{
	ErrorData  *edata;

	edata = run_try_undo(run_query_limit(), ask, run);
	if (edata == NULL)
		add_verdict(vk, run->observed ? run->observed : "no row", run->same ? AUDIT_PASS : AUDIT_FAIL, NULL);
	else if (run_timeout_struck())
		add_verdict(vk, NULL, AUDIT_UNKNOWN, psprintf("the query took longer than %d ms", run_query_limit()));
	else
	{
		sg_rethrow_cancel(edata);
		add_verdict(vk, NULL, AUDIT_UNKNOWN, psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode), sg_error_message(edata)));
	}
}

/* Returns whether the expectation contains the SQLSTATE */
static bool
is_expected(const SmokeTest *test, int sqlerrcode)
{
	return strstr(test->expectation, unpack_sql_state(sqlerrcode)) != NULL;
}

/* Returns whether an error is about rows and rules, not about rights, names or the server */
static bool
is_refusal(int sqlerrcode)
{
	static const int classes[] = {
		MAKE_SQLSTATE('2', '2', '0', '0', '0'), MAKE_SQLSTATE('2', '3', '0', '0', '0'),
		MAKE_SQLSTATE('4', '4', '0', '0', '0'), MAKE_SQLSTATE('P', '0', '0', '0', '0')
	};

	for (int i = 0; i < lengthof(classes); i++)
	{
		if (ERRCODE_TO_CATEGORY(sqlerrcode) == classes[i])
			return true;
	}
	return false;
}

static void
judge_refused(VerifyKey *vk, const SmokeRun *run, ErrorData *edata)
{
	bool		begun = run->processed >= 0;
	char	   *state = pstrdup(unpack_sql_state(edata->sqlerrcode));

	if (begun && is_expected(run->test, edata->sqlerrcode))
		add_verdict(vk, state, AUDIT_PASS, NULL);
	else
		add_verdict(vk, begun ? state : NULL, begun && is_refusal(edata->sqlerrcode) ? AUDIT_FAIL : AUDIT_UNKNOWN,
					begun ? sg_error_message(edata) : psprintf("%s: %s", state, sg_error_message(edata)));
}

static void
run_attempt_of(VerifyKey *vk, SmokeRun *run)
{
	ErrorData  *edata = NULL;
	bool		struck = false;

	for (int i = 0; i < ATTEMPTS; i++)
	{
		run->processed = -1;
		edata = run_try_undo(live_attempt_limit(), try_statement, run);
		struck = edata && run_timeout_struck();
		if (edata && !struck)
			sg_rethrow_cancel(edata);
		if (!struck && !(edata && run_is_lock_failure(edata)))
			break;
	}
	if (struck)
		add_verdict(vk, NULL, AUDIT_UNKNOWN, psprintf(LIVE_TIMEOUT_TEXT, live_attempt_limit()));
	else if (edata)
		judge_refused(vk, run, edata);
	else if (run->processed == 0)
		add_verdict(vk, "accepted", AUDIT_UNKNOWN, "the statement came to no row, so nothing was tried");
	else
		add_verdict(vk, "accepted", strcmp(run->test->expectation, "accepted") == 0 ? AUDIT_PASS : AUDIT_FAIL, NULL);
}

/* Returns why the test can't be run, or NULL */
static const char *
problem_of(const SmokeTest *test, Oid author)
{
	if (!OidIsValid(author))
		return psprintf("role %s, its author, is gone", quote_identifier(test->author));
	if (author != test->author_id)
		return psprintf("role %s is not the one that wrote it, but has its name", quote_identifier(test->author));

	/*
	 * on a standby an error of a query in a subtransaction would end the
	 * session
	 */
	if (!test->attempt && !RecoveryInProgress())
		return NULL;
	return live_session_problem();
}

void
verify_smoke(VerifyKey *vk, bool live)
{
	const SmokeTest *test = vk->smoke;
	SmokeRun	run = {.test = test,.context = CurrentMemoryContext,.author = get_role_oid(test->author, true)};
	const char *problem = problem_of(test, run.author);

	if (!live)
		add_verdict(vk, NULL, AUDIT_SKIPPED, "live => true runs it");
	else if (problem)
		add_verdict(vk, NULL, AUDIT_UNKNOWN, problem);
	else if (test->attempt)
		run_attempt_of(vk, &run);
	else
		run_query(vk, &run);
}

void
verify_smoke_figures(StringInfo json, const VerifyKey *vk)
{
	foreach_ptr(const VerifyTest, row, vk->tests)
	{
		appendStringInfo(json, "%s{\"id\": " INT64_FORMAT ", \"mark\": \"" INT64_FORMAT "\", \"result\": \"%s\"}",
						 json->len ? ", " : "", vk->smoke->id, vk->smoke->mark, audit_result_word(row->result));
	}
}
