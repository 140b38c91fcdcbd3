/*-------------------------------------------------------------------------
 *
 * portable.c
 *	  Statements as texts that every server and psql read alike, whatever
 *	  their settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/portable.h"

/* Returns the position after a literal or quoted name that begins at p */
static const char *
skip_quoted(const char *p, bool escapes)
{
	char		quote = *p++;

	while (*p && (*p != quote || p[1] == quote))
		p += (*p == quote || (escapes && *p == '\\' && p[1])) ? 2 : 1;
	return *p ? p + 1 : p;
}

/* Returns the position after a dollar-quoted text that begins at p, or NULL if none begins there */
static const char *
skip_dollars(const char *p)
{
	const char *end = p + 1;
	char	   *tag;

	while (isalnum((unsigned char) *end) || *end == '_' || IS_HIGHBIT_SET(*end))
		end++;
	if (*end != '$' || isdigit((unsigned char) p[1]))
		return NULL;
	tag = pnstrdup(p, end + 1 - p);
	end = strstr(end + 1, tag);
	return end ? end + strlen(tag) : p + strlen(p);
}

/* Returns the position after a comment that begins at p, with nested comments */
static const char *
skip_comment(const char *p)
{
	int			depth = 0;

	do
	{
		if (p[0] == '/' && p[1] == '*')
		{
			depth++;
			p++;
		}
		else if (p[0] == '*' && p[1] == '/')
		{
			depth--;
			p++;
		}
		p++;
	} while (*p && depth > 0);
	return p;
}

bool
sg_is_word_character(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

const char *
sg_skip_token(const char *start, const char *p)
{
	bool		begins = p == start || !sg_is_word_character(p[-1]);
	const char *end = NULL;

	if (p[0] == '-' && p[1] == '-')
		return p + strcspn(p, "\n\r");
	if (p[0] == '/' && p[1] == '*')
		return skip_comment(p);
	if (*p == '\'' || *p == '"')
		return skip_quoted(p, false);
	if (begins && (*p == 'e' || *p == 'E') && p[1] == '\'')
		return skip_quoted(p + 1, true);
	if (begins && *p == '$')
		end = skip_dollars(p);
	return end ? end : p + 1;
}

/*
 * Appends the plain literal between p and end with its backslashes kept,
 * whatever standard_conforming_strings is
 */
static void
append_literal(StringInfo buf, const char *p, const char *end)
{
	bool		escapes = memchr(p, '\\', end - p) != NULL;

	/* the space separates E from a preceding word */
	if (escapes)
		appendStringInfoString(buf, " E");
	for (; p < end; p++)
	{
		appendStringInfoChar(buf, *p);
		if (*p == '\\')
			appendStringInfoChar(buf, '\\');
	}
}

/* Returns whether psql would read the text at p, after a colon, as one of its variables, quoted or not */
static bool
is_variable(const char *p)
{
	return sg_is_word_character(*p) || *p == '\'' || *p == '"' || *p == '{';
}

const char *
sg_unportable(const char *text)
{
	bool		behind_literal = false;
	const char *end;

	for (const char *p = text; *p; p = end)
	{
		bool		begins = p == text ||!(sg_is_word_character(p[-1]) || p[-1] == '&');

		end = sg_skip_token(text, p);
		if (*p == '\'' && !begins && memchr(p, '\\', end - p))
			return "a backslash in a literal with a prefix";
		if (end[-1] == '\'' && behind_literal)
			return "a literal in two parts";
		if (!isspace((unsigned char) *p) && *p != '-' && *p != '/')
			behind_literal = end[-1] == '\'';
	}
	return NULL;
}

bool
sg_holds(const char *text, char c)
{
	for (const char *p = text; *p; p = sg_skip_token(text, p))
	{
		if (*p == c)
			return true;
	}
	return false;
}

bool
sg_ends_in_comment(const char *text)
{
	const char *end;

	for (const char *p = text; *p; p = end)
	{
		end = sg_skip_token(text, p);
		if (p[0] == '-' && p[1] == '-' && *end == '\0')
			return true;
	}
	return false;
}

char *
sg_portable(const char *text)
{
	StringInfoData buf;
	const char *end;

	initStringInfo(&buf);
	for (const char *p = text; *p; p = end)
	{
		end = sg_skip_token(text, p);
		if (*p == ':' && p[1] == ':')
			end = p + 2;
		if (*p == '\'')
			append_literal(&buf, p, end);
		else if (*p == '\f')
			appendStringInfoString(&buf, p[1] == '\n' ? "" : " ");
		else
			appendBinaryStringInfo(&buf, p, end - p);
		if (*p == ':' && end == p + 1 && is_variable(end))
			appendStringInfoChar(&buf, ' ');
	}
	return buf.data;
}
