/*-------------------------------------------------------------------------
 *
 * secrets.c
 *	  Passwords in texts that people see.
 *
 *	  A body, a default or an option may contain one, and its text goes into
 *	  logs, histories and notifications.  Only a value after a word for
 *	  secrets, or in an address, can be recognised; hiding too much costs a
 *	  look into the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"

#include "base/secrets.h"

#define HIDDEN "***"

/* Text that replaces a secret in a snapshot */
#define HIDDEN_BEFORE "(hidden)"

static const char *const words[] = {
	"passw", "passphrase", "pwd", "secret", "token", "credential", "api_key", "apikey", "access_key", "private_key"
};

/* Returns whether the character ends an unquoted value */
static bool
ends_value(char c)
{
	return c == '\0' || isspace((unsigned char) c) || strchr("'\"\\,;&)}]", c) != NULL;
}

static bool
is_quote(char c)
{
	return c == '\'' || c == '"' || c == '\\';
}

/* Returns the length of the word for secrets that begins here and ends as a name does, or 0 */
static size_t
secret_word(const char *text)
{
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		length = strlen(words[i]);

		if (pg_strncasecmp(text, words[i], length) != 0)
			continue;
		while (isalnum((unsigned char) text[length]) || text[length] == '_' || text[length] == '-')
			length++;
		return length;
	}
	return 0;
}

/* Finds the offset and length of the secret after the word; returns false if there is none */
static bool
secret_value(const char *text, size_t *start, size_t *length)
{
	const char *p = text;
	bool		quoted = is_quote(*p);
	bool		close;
	char		end[3] = "\\";

	while (is_quote(*p))
		p++;
	close = *p == '=';
	while (*p == ' ')
		p++;
	if (!(*p == '=' || (*p == ':' && p[1] != ':') || (*p == ',' && quoted)))
		return false;
	while (*p && strchr("=:>,", *p))
		p++;
	if (close && !ends_value(*p))
	{
		*start = p - text;

		*length = strncmp(p, HIDDEN_BEFORE, strlen(HIDDEN_BEFORE)) == 0 ? strlen(HIDDEN_BEFORE) : 0;
		while (!ends_value(p[*length]))
			(*length)++;
		return true;
	}
	while (*p == ' ')
		p++;
	if (!is_quote(*p))
		return false;
	while (is_quote(*p))
		p++;
	end[1] = p[-1];
	*start = p - text;

	*length = strcspn(p, end);
	return *length > 0;
}

/* Finds the password in an address (scheme://user:password@host); `text` is at its "://" */
static bool
address_value(const char *text, size_t *start, size_t *length)
{
	size_t		end = 3 + strcspn(text +3, " \t\r\n'\"\\<>");
	size_t		colon = 3 + strcspn(text +3, ":/@");
	size_t		at = 0;

	for (size_t i = colon; i < end; i++)
	{
		if (text[i] == '@')
			at = i;
	}
	if (colon >= end || text[colon] != ':' || at <= colon + 1)
		return false;
	*start = colon + 1;
	*length = at - *start;
	return true;
}

const char *
sg_hide_secrets(const char *text)
{
	StringInfoData out;
	const char *done = text;

	if (text == NULL)
		return NULL;
	out.data = NULL;
	for (const char *p = text; *p;)
	{
		size_t		word = secret_word(p);
		size_t		start;
		size_t		length;

		if (!(word > 0 && secret_value(p + word, &start, &length)) &&
			!(strncmp(p, "://", 3) == 0 && address_value(p, &start, &length)))
		{
			p += Max(word, 1);
			continue;
		}
		if (out.data == NULL)
			initStringInfo(&out);
		p += word + start;
		appendBinaryStringInfo(&out, done, p - done);
		appendStringInfoString(&out, HIDDEN);
		p += length;
		done = p;
	}
	if (out.data == NULL)
		return text;

	appendStringInfoString(&out, done);
	return out.data;
}
