/*-------------------------------------------------------------------------
 *
 * script_cut.c
 *	  Parts of a statement's own text: expressions, types, definitions.
 *
 *	  The server cannot write a raw parse tree as SQL, so the text in a step
 *	  is cut from the script.  The parser says where a part begins, the
 *	  scanner's tokens where it ends: at the same depth of parentheses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/scanner.h"
#include "utils/builtins.h"

#include "base/quote.h"
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
		/* the scanner has put a null byte after the token */
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

		if (token->left_out)
			continue;
		if (text.len > 0 && token->start > token[-1].end)
			appendStringInfoChar(&text, ' ');
		if (token->schema)
			appendStringInfo(&text, "%s.", quote_identifier(token->schema));
		appendBinaryStringInfo(&text, tokens->sql + token->start, token->end - token->start);
	}
	return text.data;
}

char *
script_text(const ScriptTokens *tokens, int length)
{
	StringInfoData text;
	int			at = 0;

	initStringInfo(&text);
	for (int i = 0; i < tokens->n; i++)
	{
		const ScriptToken *token = &tokens->token[i];

		if (token->schema == NULL)
			continue;
		appendBinaryStringInfo(&text, tokens->sql + at, token->start - at);
		appendStringInfo(&text, "%s.", quote_identifier(token->schema));
		at = token->start;
	}
	appendBinaryStringInfo(&text, tokens->sql + at, length - at);
	return text.data;
}

/* ---- names ---- */

typedef struct QualifyArg
{
	ScriptTokens *tokens;
	ScriptPath *path;
	List	   *with;			/* names of WITH queries, which are no tables */
} QualifyArg;

static bool
collect_with(Node *node, void *context)
{
	QualifyArg *arg = context;

	if (node == NULL)
		return false;
	if (IsA(node, CommonTableExpr))
		arg->with = lappend(arg->with, ((CommonTableExpr *) node)->ctename);
	return raw_expression_tree_walker(node, collect_with, context);
}

/* Returns the schema of a qualified table, if its name needs one once search_path is pg_catalog alone */
static const char *
needed_schema(const char *qualified)
{
	const char *schema = sg_parse_table_name(qualified).schema;

	return script_path_is_temporary(qualified) || strcmp(schema, "pg_catalog") == 0 ? NULL : schema;
}

void
script_qualify_table(ScriptTokens *tokens, ScriptPath *path, const RangeVar *name, bool is_new)
{
	int			token;

	if (name == NULL || name->schemaname || name->location < 0)
		return;
	token = script_token_at(tokens, name->location);
	if (token < tokens->n)
		tokens->token[token].schema = needed_schema(is_new ? script_path_new_table(path, name) : script_path_table(path, name));
}

void
script_qualify_words(ScriptTokens *tokens, ScriptPath *path, ScriptObject object, List *names, Oid method, int from)
{
	const char *name = strVal(linitial(names));

	for (int i = from; i < tokens->n; i++)
	{
		const ScriptToken *token = &tokens->token[i];
		char	   *text = pnstrdup(tokens->sql + token->start, token->end - token->start);

		/*
		 * skips a token that has a schema, and types of arguments, which are
		 * in parentheses
		 */
		if (token->depth > 0 || token->schema || token[-1].code == '.')
			continue;
		if (pg_strcasecmp(text, name) != 0 && strcmp(text, quote_identifier(name)) != 0 && strcmp(text, psprintf("\"%s\"", name)) != 0)
			continue;
		tokens->token[i].schema = object == SCRIPT_TABLE ? needed_schema(script_path_table(path, makeRangeVar(NULL, pstrdup(name), -1))) :
			script_path_schema(path, object, name, method);
		return;
	}
}

/* Gives a schema to the name that begins so many tokens after a location */
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
	else if (IsA(node, RangeVar))
	{
		if (!sg_has_name(arg->with, ((RangeVar *) node)->relname))
			script_qualify_table(arg->tokens, arg->path, (RangeVar *) node, false);
		return false;
	}
	else if (IsA(node, CollateClause))
		qualify_token(arg, SCRIPT_COLLATION, ((CollateClause *) node)->collname, ((CollateClause *) node)->location, 1);

	return raw_expression_tree_walker(node, qualify, context);
}

void
script_qualify(ScriptTokens *tokens, ScriptPath *path, Node *node)
{
	QualifyArg	arg = {tokens, path};

	(void) collect_with(node, &arg);
	(void) qualify(node, &arg);
}
