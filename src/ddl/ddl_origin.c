/*-------------------------------------------------------------------------
 *
 * ddl_origin.c
 *	  The text of a DDL statement, and where it comes from.
 *
 * An event trigger is told the parse tree and no text.  Two places have the
 * text: the portal that runs what the client has sent, which knows where in
 * it each statement is, and the innermost error context of SPI, for what a
 * function or DO block runs.  Where neither is sure to hold this very
 * statement, there is none: an outer text could carry another's secrets.
 *
 * Invariant: no text leaves this file with a string constant or a comment in
 * it.  Connection strings, bodies of functions and what was put together for
 * EXECUTE are all of them string constants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/secrets.h"
#include "ddl/ddl.h"

/* Maximum length of a statement; longer ones are cut, with a mark */
#define STATEMENT_MAX (64 * 1024)

/* ---- the text ---- */

/* Returns a part of a text, trimmed; length 0 means up to the end */
static char *
cut_text(const char *text, int start, int length)
{
	int			end;

	if (start < 0)
		start = length = 0;
	end = length > 0 ? start + length : (int) strlen(text);

	while (start < end && scanner_isspace(text[start]))
		start++;
	while (end > start && (scanner_isspace(text[end - 1]) || text[end - 1] == ';'))
		end--;

	return pnstrdup(text +start, end - start);
}

/*
 * Returns the statement of the event's kind from a text that SPI runs, which
 * may contain several; NULL if two of them match
 */
static char *
pick_statement(const char *text, EventTriggerData *event)
{
	const char *semicolon = strchr(text, ';');
	RawStmt    *found = NULL;
	ListCell   *lc;

	if (semicolon == NULL || semicolon[1 + strspn(semicolon + 1, " \t\r\n\f;")] == '\0')
		return cut_text(text, 0, 0);

	foreach(lc, raw_parser(text, RAW_PARSE_DEFAULT))
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);

		if (CreateCommandTag(raw->stmt) != event->tag)
			continue;
		if (found)
			return NULL;
		found = raw;
	}

	return found ? cut_text(text, found->stmt_location, found->stmt_len) : NULL;
}

/*
 * Returns the format of SPI's error context for a statement, translated.  Kept,
 * because looking a translation up takes a tenth of the time that capturing a
 * command costs.
 */
static const char *
spi_format(void)
{
	static char *language = NULL;
	static char *format = NULL;

	if (format == NULL || strcmp(language, locale_messages) != 0)
	{
		char	   *now = MemoryContextStrdup(TopMemoryContext, locale_messages);
		char	   *words = MemoryContextStrdup(TopMemoryContext,
												dgettext(PG_TEXTDOMAIN("postgres"), "SQL statement \"%s\""));

		if (format)
		{
			pfree(format);
			pfree(language);
		}
		format = words;
		language = now;
	}
	return format;
}

/*
 * Returns the SPI query that runs the command, or NULL: calls SPI's error
 * context callback alone, and removes its words, which may be translated
 */
static char *
spi_text(void)
{
	ErrorContextCallback *frames = error_context_stack;
	ErrorContextCallback top;
	const char *format;
	const char *value;
	char	   *context;
	int			before;
	int			after;
	int			length;

	if (frames == NULL)
		return NULL;
	format = spi_format();
	value = strstr(format, "%s");
	if (value == NULL)
		return NULL;

	top = *frames;
	top.previous = NULL;
	PG_TRY();
	{
		error_context_stack = &top;
		context = GetErrorContextStack();
	}
	PG_FINALLY();
	{
		error_context_stack = frames;
	}
	PG_END_TRY();

	before = value - format;
	after = strlen(value + 2);
	length = context ? (int) strlen(context) : 0;
	if (length < before + after || strncmp(context, format, before) != 0 ||
		strcmp(context + length - after, value + 2) != 0)
		return NULL;
	return pnstrdup(context + before, length - before - after);
}

/* Returns the client's statement, or NULL if that only calls code which runs the command */
static char *
client_statement(EventTriggerData *event)
{
	Portal		portal = ActivePortal;
	ListCell   *lc;

	if (portal == NULL || portal->status != PORTAL_ACTIVE || portal->sourceText == NULL)
		return NULL;

	foreach(lc, portal->stmts)
	{
		PlannedStmt *statement = lfirst_node(PlannedStmt, lc);

		if (statement->commandType == CMD_UTILITY && statement->utilityStmt &&
			CreateCommandTag(statement->utilityStmt) == event->tag)
			return cut_text(portal->sourceText, statement->stmt_location, statement->stmt_len);
	}
	return NULL;
}

/* ---- secrets ---- */

static bool
sets_foreign_options(AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_GenericOptions || command->subtype == AT_AlterColumnGenericOptions)
			return true;
	}
	return false;
}

/* Returns whether CREATE or ALTER FUNCTION sets parameters, whose values may be written as names */
static bool
sets_parameters(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "set") == 0)
			return true;
	}
	return false;
}

/* Returns whether statements of this kind can have passwords or similar secrets among their options */
static bool
carries_secrets(Node *parsetree)
{
	switch (nodeTag(parsetree))
	{
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateFdwStmt:
		case T_AlterFdwStmt:
		case T_CreateForeignTableStmt:
		case T_ImportForeignSchemaStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
			return true;
		case T_AlterTableStmt:
			return sets_foreign_options((AlterTableStmt *) parsetree);
		case T_CreateFunctionStmt:
			return sets_parameters(((CreateFunctionStmt *) parsetree)->options);
		case T_AlterFunctionStmt:
			return sets_parameters(((AlterFunctionStmt *) parsetree)->actions);
		default:
			return false;
	}
}

/* Returns whether a token is a string constant of any kind, not a quoted name nor $1 */
static bool
is_string(const char *token)
{
	if (*token == '$')
		return !isdigit((unsigned char) token[1]);
	return *token == '\'' || (strchr("bBeExX", *token) && token[1] == '\'') ||
		pg_strncasecmp(token, "U&'", 3) == 0;
}

/* Appends the white space between two tokens, without comments */
static void
append_space(StringInfo out, const char *text, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (!scanner_isspace(text[i]))
		{
			appendStringInfoChar(out, memchr(text, '\n', length) ? '\n' : ' ');
			return;
		}
	}
	appendBinaryStringInfo(out, text, length);
}

/*
 * Returns a statement without comments, its string constants replaced by dots.
 * NULL if it has a backslash before a quote: the end of such a constant depends
 * on standard_conforming_strings at the time of parsing.
 */
static char *
without_strings(const char *text)
{
	StringInfoData out;
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		start;
	int			end = 0;

	if (strstr(text, "\\'"))
		return NULL;

	initStringInfo(&out);
	scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	SG_SCANNER_QUIET(extra);
	while (core_yylex(&value, &start, scanner) != 0)
	{
		append_space(&out, text +end, start - end);

		/* the scanner ends the token with a zero byte */
		end = start + strlen(extra.scanbuf + start);
		if (is_string(text +start))
			appendStringInfoString(&out, "'...'");
		else
			appendBinaryStringInfo(&out, text +start, end - start);
	}
	scanner_finish(scanner);
	return out.data;
}

/* Returns whether code runs with lent rights, so that the session may not see its text */
bool
ddl_has_lent_rights(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	return (sec_context & (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)) != 0;
}

void
ddl_set_statement(DdlCommand *command, EventTriggerData *event)
{
	char	   *text;

	if (carries_secrets(event->parsetree))
	{
		command->withheld = "statement withheld: this kind can carry secrets";
		return;
	}
	/* an extension's statements are in its script file */
	if (creating_extension)
		return;

	if (ddl_has_lent_rights())
	{
		command->withheld = "statement withheld: it was run with lent rights, as by a SECURITY DEFINER function";
		return;
	}

	text = spi_text();
	text = text ? pick_statement(text, event) : client_statement(event);

	if (text == NULL)
		return;
	text = without_strings(text);

	if (text == NULL)
	{
		command->withheld = "statement withheld: it has a backslash before a quote";
		return;
	}
	if (strlen(text) > STATEMENT_MAX)
		text = psprintf("%.*s ...", pg_mbcliplen(text, strlen(text), STATEMENT_MAX), text);

	/* a name can be a connection string */
	command->statement = unconstify(char *, sg_hide_secrets(text));
}

/* ---- where it comes from ---- */

/* Returns whether application_name belongs to a migration tool */
static bool
is_migration_tool(const char *name)
{
	List	   *patterns;
	ListCell   *lc;

	if (sg_migration_applications[0] == '\0' ||
		!SplitGUCList(pstrdup(sg_migration_applications), ',', &patterns))
		return false;

	foreach(lc, patterns)
	{
		if (DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
												 CStringGetTextDatum(name),
												 CStringGetTextDatum((char *) lfirst(lc)))))
			return true;
	}
	return false;
}

bool
ddl_has_reason(void)
{
	return sg_reason[0] != '\0' && !ddl_has_lent_rights();
}

bool
ddl_says_migration(void)
{
	return sg_migration[0] != '\0' || (application_name && is_migration_tool(application_name));
}

void
ddl_set_origin(DdlCommand *command)
{
	if (creating_extension)
	{
		command->origin = "extension";
		command->origin_name = get_extension_name(CurrentExtensionObject);
	}
	else if (ddl_is_ours())
	{
		const char *plan = ddl_plan();

		command->origin = "schemaguard";
		if (plan && plan[0] != '\0')
			command->origin_name = pstrdup(plan);
	}
	else if (ddl_says_migration())
	{
		command->origin = "migration";
		command->origin_name = sg_migration[0] != '\0' ? pstrdup(sg_migration) : command->application;
	}
	else if (ddl_is_migration_role())
	{
		command->origin = "migration";
		command->origin_name = command->role;
	}
	else if (application_name && strcmp(application_name, "pg_restore") == 0)
	{
		/* the log alone believes the name; the guard does not */
		command->origin = "migration";
		command->origin_name = command->application;
	}
	else
	{
		command->origin = "direct";
		if (ddl_has_reason())
			command->origin_name = pstrdup(sg_reason);
	}
}
