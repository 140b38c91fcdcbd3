/*-------------------------------------------------------------------------
 *
 * report_lint_sql.c
 *	  Statements of a script that the server would refuse, for sg_lint_sql().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/errors.h"
#include "base/scope.h"
#include "check/check.h"

SG_FUNCTION(sg_lint_refusal);

/*
 * sg_lint_refusal(statement text)
 *
 * Returns the error by which the server would refuse the statement as things
 * are, or null: none, or unknown, as where a lock is not free.  Names without a
 * schema are of pg_catalog.
 */
static Datum
sg_lint_refusal_entered(PG_FUNCTION_ARGS)
{
	List	   *statements = raw_parser(sg_arg_text(fcinfo, 0), RAW_PARSE_DEFAULT);
	char	   *refusal = NULL;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_set("lock_timeout", "1ms");
	if (list_length(statements) == 1)
		refusal = check_refusal(linitial_node(RawStmt, statements)->stmt);
	sg_scope_end(&scope);
	if (refusal == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(refusal));
}
