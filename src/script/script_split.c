/*-------------------------------------------------------------------------
 *
 * script_split.c
 *	  Cutting a SQL script, as psql would read it, into statements.
 *
 *	  PostgreSQL's own scanner finds the semicolons, so quotes, dollar quotes
 *	  and comments are what they are to the server.  Text that psql would not
 *	  send, or not as a statement, is blanked out before the scanner gets
 *	  there, byte by byte and with its line breaks kept: the lines after COPY
 *	  ... FROM STDIN and psql's backslash commands.  So offsets in the blanked
 *	  text are offsets in the script.
 *
 *	  Invariants: one pass, and the scanner is set up once.  It counts offsets
 *	  from extra.scanbuf, which moves on with each statement, because
 *	  otherwise the position of each error would be counted from the start of
 *	  the script.  The byte after the current token belongs to the scanner,
 *	  which keeps its value elsewhere; this file never writes there.
 *	  Everything that lives as long as the Script is in the memory context of
 *	  script_split()'s caller; the values of tokens are in a context that is
 *	  emptied after each statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scanner.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "plan/plan.h"
#include "script/script.h"

/*
 * Codes of the scanner's tokens, from the comment in parser/scanner.h.  Besides
 * single characters, only two matter here.
 */
#define TOKEN_END 0
#define TOKEN_IDENT 258
#define TOKEN_UIDENT 259

/* Greater than all codes of the scanner's own */
#define KEYWORD_BASE 1000

/* After more consecutive errors, the scanner counts as lost inside a literal */
#define MAX_ERRORS_IN_A_ROW 1000

typedef enum Keyword
{
	KW_AS,
	KW_ATOMIC,
	KW_BEGIN,
	KW_CASE,
	KW_COPY,
	KW_CREATE,
	KW_END,
	KW_FROM,
	KW_FUNCTION,
	KW_OR,
	KW_PROCEDURE,
	KW_REPLACE,
	KW_RULE,
	KW_STDIN,
	KW_COUNT
} Keyword;

static const char *const keyword_words[KW_COUNT] = {
	"as", "atomic", "begin", "case", "copy", "create", "end", "from",
	"function", "or", "procedure", "replace", "rule", "stdin"
};

/* Kind of a statement by its first words */
typedef enum StatementKind
{
	STATEMENT_START,			/* undecided: no word yet, or CREATE [OR
								 * [REPLACE]] */
	STATEMENT_ROUTINE,			/* CREATE FUNCTION or PROCEDURE: may have
								 * BEGIN ATOMIC */
	STATEMENT_RULE,				/* CREATE RULE: may have (...; ...) */
	STATEMENT_COPY,
	STATEMENT_OTHER
} StatementKind;

typedef struct Splitter
{
	Script	   *script;
	int			allocated;		/* allocated length of script->statements */
	MemoryContext context;		/* memory context of the script */
	MemoryContext tokens;		/* memory context for the values of the
								 * current statement's tokens */

	core_yyscan_t scanner;
	core_yy_extra_type extra;
	int			keyword[KW_COUNT];	/* their codes */

	char	   *buffer;			/* initial value of extra.scanbuf */
	int			base;			/* offset in the script of its present value */
	YYLTYPE		offset;			/* offset of the current token, from base;
								 * outlives an error in it */

	/* current statement */
	ScriptStatement current;
	StatementKind kind;
	int			ntokens;
	int			previous;		/* code of the last token */
	int			depth;			/* depth of parentheses */
	int			atomic;			/* depth of BEGIN ATOMIC and CASE */
	bool		from_stdin;

	int			last_end;		/* end of the previous statement */
	int			skip;			/* tokens up to this offset are not SQL */

	ErrorData  *first_error;	/* first of consecutive errors, without a
								 * token between */
	int			last_error;		/* position of the last error */
	int			errors_in_a_row;
	bool		done;
} Splitter;

/*
 * Returns an error's position; for a caller by SPI the error's context takes it
 * for a position inside of the calling query, which is kept internally.
 */
static int
error_position(const ErrorData *error)
{
	return error->cursorpos > 0 ? error->cursorpos : error->internalpos;
}

int
script_error_offset(const char *sql, const ErrorData *error)
{
	const char *p = sql;

	for (int i = 1; i < error_position(error) && *p; i++)
		p += pg_mblen(p);

	return p - sql;
}

/* ---- statements ---- */

static void
begin_statement(Splitter *s)
{
	memset(&s->current, 0, sizeof(s->current));
	s->kind = STATEMENT_START;
	s->ntokens = 0;
	s->previous = TOKEN_END;
	s->depth = 0;
	s->atomic = 0;
	s->from_stdin = false;
	MemoryContextReset(s->tokens);
}

/* Ends the statement before this offset; empty ones are dropped */
static void
end_statement(Splitter *s, int end)
{
	Script	   *script = s->script;

	if (s->ntokens > 0)
	{
		if (script->nstatements == s->allocated)
		{
			s->allocated *= 2;
			script->statements = repalloc_huge(script->statements,
											   sizeof(ScriptStatement) * s->allocated);
		}
		s->current.length = end - s->current.start;
		script->statements[script->nstatements++] = s->current;
	}
	s->last_end = s->base = Min(end + 1, script->length);
	s->extra.scanbuf = s->buffer + s->base;
	s->offset = 0;
	begin_statement(s);
}

/* Returns the kind of the statement by its words so far */
static StatementKind
statement_kind(Splitter *s, int token)
{
	if (token == s->keyword[KW_COPY] && s->ntokens == 0)
		return STATEMENT_COPY;
	if (s->ntokens == 0)
		return token == s->keyword[KW_CREATE] ? STATEMENT_START : STATEMENT_OTHER;
	if (token == s->keyword[KW_OR] || token == s->keyword[KW_REPLACE])
		return STATEMENT_START;
	if (token == s->keyword[KW_FUNCTION] || token == s->keyword[KW_PROCEDURE])
		return STATEMENT_ROUTINE;
	return token == s->keyword[KW_RULE] ? STATEMENT_RULE : STATEMENT_OTHER;
}

/* Tracks BEGIN ATOMIC ... END, where CASE has an END of its own */
static void
track_atomic(Splitter *s, int token)
{
	/* after a dot or AS, CASE and END are names of columns */
	if (s->previous == '.' || s->previous == s->keyword[KW_AS])
		return;

	if (s->atomic == 0)
		s->atomic = token == s->keyword[KW_ATOMIC] && s->previous == s->keyword[KW_BEGIN];
	else if (token == s->keyword[KW_CASE])
		s->atomic++;
	else if (token == s->keyword[KW_END])
		s->atomic--;
}

/*
 * Records an identifier that was longer than a name can be, with its truncated
 * form, because the parser truncates silently.
 */
static void
check_identifier(Splitter *s, int token, const char *value, int offset)
{
	const char *p = s->script->sql + offset;
	int			length = strlen(value);
	MemoryContext old;

	/* truncation removes at most part of a character too much */
	if (length < NAMEDATALEN - MAX_MULTIBYTE_CHAR_LEN)
		return;

	if (token == TOKEN_UIDENT)
	{
		s->current.cut_unicode |= length >= NAMEDATALEN;
		return;
	}

	/* the length as written, with "" for one quote */
	if (*p == '"')
	{
		int			written = 0;

		for (p++; *p && (*p != '"' || p[1] == '"'); p++, written++)
			p += *p == '"';
		length = written;
	}
	else
	{
		for (length = 0; p[length] == '_' || p[length] == '$' || IS_HIGHBIT_SET(p[length]) ||
			 isalnum((unsigned char) p[length]);)
			length++;
	}
	if (length < NAMEDATALEN)
		return;

	old = MemoryContextSwitchTo(s->context);
	s->current.cut_names = lappend(s->current.cut_names, pstrdup(value));
	MemoryContextSwitchTo(old);
}

static void
add_token(Splitter *s, int token, const core_YYSTYPE *value, int offset)
{
	if (s->ntokens == 0)
		s->current.start = offset;
	if (s->kind == STATEMENT_START)
		s->kind = statement_kind(s, token);

	if (token == '(')
		s->depth++;
	else if (token == ')')
		s->depth--;
	else if (token == TOKEN_IDENT || token == TOKEN_UIDENT)
		check_identifier(s, token, value->str, offset);
	else if (s->kind == STATEMENT_ROUTINE)
		track_atomic(s, token);
	else if (s->kind == STATEMENT_COPY && s->depth == 0 &&
			 token == s->keyword[KW_STDIN] && s->previous == s->keyword[KW_FROM])
		s->from_stdin = true;

	s->previous = token;
	s->ntokens++;
}

/* ---- text that is not SQL ---- */

static int
end_of_line(const Script *script, int offset)
{
	while (offset < script->length && script->sql[offset] != '\n')
		offset++;

	return offset;
}

/* Blanks out a part of the script, also for the scanner; line breaks stay */
static void
blank(Splitter *s, int from, int to)
{
	for (int i = from; i < to; i++)
	{
		char		c = s->script->sql[i];

		if (c != '\n' && c != '\r')
			s->script->sql[i] = s->buffer[i] = ' ';
	}
}

/* Returns whether the line is \. and nothing else */
static bool
is_end_of_copy(const char *line, int length)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;

	return length == 2 && line[0] == '\\' && line[1] == '.';
}

/*
 * Skips COPY data in the lines after this offset, up to \. or the end.  The
 * byte after the offset is the scanner's; a line that begins after it is not.
 */
static void
skip_copy_data(Splitter *s, int offset)
{
	Script	   *script = s->script;
	int			line = end_of_line(script, offset) + 1;

	while (line < script->length)
	{
		int			end = end_of_line(script, line);
		bool		last = is_end_of_copy(script->sql + line, end - line);

		CHECK_FOR_INTERRUPTS();
		blank(s, line, end);
		line = end + 1;
		if (last)
			break;
		script->copy_lines++;
	}
}

static bool
is_one_of_commands(const char *name, int length, const char *const *names)
{
	for (; *names; names++)
	{
		if (strlen(*names) == length && strncmp(*names, name, length) == 0)
			return true;
	}
	return false;
}

/* Returns whether the command is \copy ... from stdin, whose data follow in the script, too */
static bool
is_copy_from_stdin(const char *command, int length)
{
	char	   *line = pnstrdup(command, length);
	const char *from;
	bool		result = false;

	for (char *p = line; *p; p++)
		*p = *p == '\t' ? ' ' : pg_tolower((unsigned char) *p);
	from = strstr(line, " from ");
	if (strncmp(line, "copy ", 5) == 0 && from)
	{
		from += 6;
		while (*from == ' ')
			from++;
		result = strncmp(from, "stdin", 5) == 0;
	}
	pfree(line);

	return result;
}

/*
 * Returns where a command of psql ends: at the next backslash, unless that is
 * quoted or the command takes the whole line
 */
static int
end_of_command(const Script *script, int offset, const char *name)
{
	static const char *const of_lines[] = {"!", "copy", "ef", "ev", "h", "help", "sf", "sv", NULL};
	int			end = end_of_line(script, offset);
	char		quote = '\0';

	if (is_one_of_commands(name, strlen(name), of_lines))
		return end;
	for (int i = offset + 1; i < end; i++)
	{
		char		c = script->sql[i];

		if (quote)
		{
			if (c == '\\' && quote == '\'')
				i++;
			else if (c == quote)
				quote = '\0';
		}
		else if (c == '\\')
			return i;
		else if (c == '\'' || c == '"' || c == '`')
			quote = c;
	}
	return end;
}

/* Records a command of psql, and returns its name: a word, or else a character */
static const char *
add_command(Splitter *s, int offset)
{
	MemoryContext old = MemoryContextSwitchTo(s->context);
	ScriptCommand *command = palloc0(sizeof(ScriptCommand));
	const char *name = s->script->sql + offset + 1;
	int			length = 0;

	while (isalpha((unsigned char) name[length]) || name[length] == '_')
		length++;
	if (length == 0 && (unsigned char) *name > ' ')
		length = pg_mblen(name);
	command->name = pnstrdup(name, length);
	command->offset = offset;
	s->script->commands = lappend(s->script->commands, command);
	MemoryContextSwitchTo(old);
	return command->name;
}

/*
 * Skips a command of psql, from the backslash on.  Some commands end the
 * statement before, as a semicolon does, or discard it.
 */
static void
skip_command(Splitter *s, int offset)
{
	static const char *const senders[] = {"g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch", NULL};
	static const char *const droppers[] = {"r", "reset", NULL};
	static const char *const choosers[] = {"i", "ir", "include", "if", "elif", "else", NULL};
	Script	   *script = s->script;
	char	   *sql = script->sql;
	const char *name;
	int			length;
	int			end;
	bool		data = false;

	if (sql[offset + 1] == ';')
	{
		/* \; is a semicolon to the server, and the scanner's next token */
		sql[offset] = ' ';
		return;
	}
	if (sql[offset + 1] == '\\')
	{
		/* the end of a command's arguments */
		sql[offset] = sql[offset + 1] = ' ';
		s->skip = offset + 1;
		return;
	}

	name = add_command(s, offset);
	length = strlen(name);
	end = end_of_command(script, offset, name);
	if (is_one_of_commands(name, length, choosers))
		script->unfollowed++;
	if (is_one_of_commands(name, length, senders))
		end_statement(s, offset);
	else if (is_one_of_commands(name, length, droppers))
		begin_statement(s);
	else
		data = is_copy_from_stdin(sql + offset + 1, end - offset - 1);

	/*
	 * The scanner holds the next byte, so it comes back as a token; a quote
	 * needs another one to end.
	 */
	s->skip = offset + 1;
	sql[offset] = ' ';
	if (offset + 1 < end)
	{
		char		held = sql[offset + 1];

		if (held != '\r')
			sql[offset + 1] = ' ';
		blank(s, offset + 2, end);
		if ((held == '\'' || held == '"') && offset + 2 < script->length)
			s->buffer[offset + 2] = held;
		if (data)
			skip_copy_data(s, offset + 2);
	}
}

/* ---- the pass ---- */

/* Reads tokens to the end, or to the scanner's next error */
static void
split_run(void *arg)
{
	Splitter   *s = arg;
	int			token;

	MemoryContextSwitchTo(s->tokens);
	do
	{
		core_YYSTYPE value;
		int			offset;

		CHECK_FOR_INTERRUPTS();
		token = core_yylex(&value, &s->offset, s->scanner);
		offset = s->base + s->offset;
		s->errors_in_a_row = 0;

		if (token == TOKEN_END || offset <= s->skip)
			continue;
		if (token == '\\')
			skip_command(s, offset);
		else if (token == ';' && s->atomic <= 0 &&
				 !(s->kind == STATEMENT_RULE && s->depth > 0))
		{
			bool		data = s->from_stdin;

			end_statement(s, offset);
			if (data)
				skip_copy_data(s, offset);
		}
		else
			add_token(s, token, &value, offset);
	} while (token != TOKEN_END);

	end_statement(s, s->script->length);
	s->done = true;
}

/*
 * Handles an error of the scanner.  Mostly the scanner has read past the bad
 * text, so it goes on, and the parser will complain about that statement alone.
 * In an unterminated quote or comment, it raises the same error again; then
 * splitting stops, and the last statement is dropped.
 */
static void
handle_error(Splitter *s, ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (category != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) &&
		category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_FEATURE_NOT_SUPPORTED)
		ReThrowError(error);

	if ((s->errors_in_a_row > 0 && s->last_error == error_position(error)) ||
		s->errors_in_a_row == MAX_ERRORS_IN_A_ROW)
	{
		s->script->error = s->first_error;
		s->script->error_offset = s->base + script_error_offset(s->script->sql + s->base, s->first_error);
		s->done = true;
		return;
	}

	if (s->errors_in_a_row++ == 0)
		s->first_error = error;
	s->last_error = error_position(error);
	if (s->ntokens == 0)
	{
		/* the statement begins with the bad text, and must keep it */
		s->current.start = s->last_end;
		s->kind = STATEMENT_OTHER;
		s->ntokens = 1;
	}
}

const uint16 *
script_keyword_codes(void)
{
	uint16	   *codes = palloc(sizeof(uint16) * ScanKeywords.num_keywords);

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = KEYWORD_BASE + i;

	return codes;
}

int
script_keyword(const char *word)
{
	int			n = ScanKeywordLookup(word, &ScanKeywords);

	return n < 0 ? -1 : KEYWORD_BASE + n;
}

static void
init_scanner(Splitter *s, const char *sql)
{
	/* a server without a keyword has no syntax that needs it */
	for (int i = 0; i < KW_COUNT; i++)
		s->keyword[i] = script_keyword(keyword_words[i]);
	s->scanner = scanner_init(sql, &s->extra, &ScanKeywords, script_keyword_codes());
	s->buffer = s->extra.scanbuf;
}

/* Skips a UTF-8 byte order mark, as psql does */
static void
skip_byte_order_mark(Splitter *s)
{
	if (GetDatabaseEncoding() == PG_UTF8 && strncmp(s->script->sql, "\xEF\xBB\xBF", 3) == 0)
	{
		memset(s->script->sql, ' ', 3);
		memset(s->buffer, ' ', 3);
	}
}

Script *
script_split(const char *script)
{
	Script	   *result = palloc0(sizeof(Script));
	Splitter	s = {0};

	result->sql = pstrdup(script);
	result->length = strlen(script);
	s.script = result;
	s.allocated = 64;
	result->statements = palloc(sizeof(ScriptStatement) * s.allocated);
	s.context = CurrentMemoryContext;
	s.tokens = AllocSetContextCreate(CurrentMemoryContext, "schemaguard script tokens",
									 ALLOCSET_DEFAULT_SIZES);
	s.skip = -1;
	init_scanner(&s, script);
	skip_byte_order_mark(&s);
	begin_statement(&s);

	while (!s.done)
	{
		ErrorData  *error = sg_try(split_run, &s);

		if (error)
			handle_error(&s, error);
	}
	s.extra.scanbuf = s.buffer;
	scanner_finish(s.scanner);
	MemoryContextDelete(s.tokens);

	for (int i = 0; i < result->nstatements; i++)
	{
		ScriptStatement *statement = &result->statements[i];

		result->sql[statement->start + statement->length] = '\0';
	}

	return result;
}
