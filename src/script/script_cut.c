/*-------------------------------------------------------------------------
 *
 * script_cut.c
 *	  Parts of a statement's own text: expressions, types, definitions.
 *
 * The server has nothing that writes a raw parse tree as SQL, so what a step
 * keeps is cut from the script.  The parser says where a part begins, the
 * scanner's tokens where it ends: at the same depth of parentheses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/scanner.h"
#include "utils/builtins.h"

#include "script/script.h"

static bool
opens(int code)
{
	return code == '(' || code == '[';
}

static bool
closes(int code)
{
	return code == ')' || code == ']';
}

ScriptTokens *
script_tokens(const char *sql)
{
	ScriptTokens *tokens = palloc0(sizeof(ScriptTokens));
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(sql, &extra, &ScanKeywords, script_keyword_codes());
	core_YYSTYPE value;
	int			allocated = 64;
	int			depth = 0;
	ScriptToken token = {0};

	tokens->sql = sql;
	tokens->token = palloc(sizeof(ScriptToken) * allocated);
	while ((token.code = core_yylex(&value, &token.start, scanner)) != 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (tokens->n == allocated)
		{
			allocated *= 2;
			tokens->token = repalloc_huge(tokens->token, sizeof(ScriptToken) * allocated);
		}
		/* the scanner has put a null byte behind the token */
		token.end = token.start + strlen(extra.scanbuf + token.start);
		depth -= closes(token.code);
		token.depth = depth;
		depth += opens(token.code);
		tokens->token[tokens->n++] = token;
	}
	scanner_finish(scanner);

	return tokens;
}

int
script_token_at(const ScriptTokens *tokens, int offset)
{
	int			low = 0;
	int			high = tokens->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (tokens->token[middle].start < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
script_token_find(const ScriptTokens *tokens, int from, int end, int code)
{
	for (int i = from; i < end; i++)
	{
		if (tokens->token[i].code == code && tokens->token[i].depth == tokens->token[from].depth)
			return i;
	}
	return end;
}

char *
script_cut(const ScriptTokens *tokens, int from, int end)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = from; i < end; i++)
	{
		const ScriptToken *token = &tokens->token[i];

		if (i > from && token->start > token[-1].end)
			appendStringInfoChar(&text, ' ');
		if (token->schema)
			appendStringInfo(&text, "%s.", quote_identifier(token->schema));
		appendBinaryStringInfo(&text, tokens->sql + token->start, token->end - token->start);
	}
	return text.data;
}

/* ---- names ---- */

typedef struct QualifyArg
{
	ScriptTokens *tokens;
	ScriptPath *path;
} QualifyArg;

/* The name begins so many tokens after a location */
static void
qualify_token(QualifyArg *arg, ScriptObject object, List *names, int location, int after)
{
	int			token = script_token_at(arg->tokens, location) + after;

	if (location >= 0 && list_length(names) == 1 && token < arg->tokens->n)
		arg->tokens->token[token].schema = script_path_schema(arg->path, object, strVal(linitial(names)), InvalidOid);
}

static bool
qualify(Node *node, void *context)
{
	QualifyArg *arg = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
		qualify_token(arg, SCRIPT_FUNCTION, ((FuncCall *) node)->funcname, ((FuncCall *) node)->location, 0);
	else if (IsA(node, TypeName))
		qualify_token(arg, SCRIPT_TYPE, ((TypeName *) node)->names, ((TypeName *) node)->location, 0);
	else if (IsA(node, CollateClause))
		qualify_token(arg, SCRIPT_COLLATION, ((CollateClause *) node)->collname, ((CollateClause *) node)->location, 1);

	return raw_expression_tree_walker(node, qualify, context);
}

void
script_qualify(ScriptTokens *tokens, ScriptPath *path, Node *node)
{
	QualifyArg	arg = {tokens, path};

	(void) qualify(node, &arg);
}
