/*-------------------------------------------------------------------------
 *
 * expression_body.c
 *	  Bodies of functions: what is left when white space and comments are gone.
 *
 * PL/pgSQL and SQL share the server's scanner: two bodies with the same
 * tokens do the same.  Of other languages we know nothing but what a line is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/scanner.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "expression/expression.h"

/*
 * Token codes, which the grammar does not export.  Tokens with a value come
 * first, in an order that PL/pgSQL relies on, too: eight kinds of text, two of
 * numbers.  Keywords get codes by their position in the list.
 */
#define FIRST_TEXT_TOKEN 258
#define FIRST_NUMBER_TOKEN 266
#define LAST_NUMBER_TOKEN 267
#define KEYWORD_BASE 20000

typedef struct Body
{
	core_yyscan_t scanner;
	core_yy_extra_type extra;
	core_YYSTYPE value;
	int			offset;
	int			token;
} Body;

typedef struct Pair
{
	const char *text[2];
	bool		same;
} Pair;

static const uint16 *
keyword_codes(void)
{
	static uint16 *codes = NULL;

	if (codes == NULL)
	{
		uint16	   *made = MemoryContextAlloc(TopMemoryContext, sizeof(uint16) * ScanKeywords.num_keywords);

		for (int i = 0; i < ScanKeywords.num_keywords; i++)
			made[i] = KEYWORD_BASE + i;
		codes = made;
	}
	return codes;
}

static void
body_begin(Body *body, const char *text)
{
	body->scanner = scanner_init(text, &body->extra, &ScanKeywords, keyword_codes());
}

static void
body_next(Body *body)
{
	body->token = core_yylex(&body->value, &body->offset, body->scanner);
}

static bool
same_token(const Body *a, const Body *b)
{
	if (a->token != b->token)
		return false;
	if (a->token >= FIRST_TEXT_TOKEN && a->token < FIRST_NUMBER_TOKEN)
		return strcmp(a->value.str, b->value.str) == 0;
	if (a->token >= FIRST_NUMBER_TOKEN && a->token <= LAST_NUMBER_TOKEN)
		return a->value.ival == b->value.ival;
	return true;
}

static void
compare_tokens(void *arg)
{
	Pair	   *pair = arg;
	Body		a,
				b;

	body_begin(&a, pair->text[0]);
	body_begin(&b, pair->text[1]);
	do
	{
		body_next(&a);
		body_next(&b);
		pair->same = same_token(&a, &b);
	} while (pair->same && a.token != 0);
}

/* Compares texts line by line, without trailing blanks and trailing empty lines */
static bool
same_lines(const char *a, const char *b)
{
	while (*a || *b)
	{
		size_t		na = strcspn(a, "\n");
		size_t		nb = strcspn(b, "\n");
		size_t		la = na;
		size_t		lb = nb;

		while (la > 0 && isspace((unsigned char) a[la - 1]))
			la--;
		while (lb > 0 && isspace((unsigned char) b[lb - 1]))
			lb--;
		if (la != lb || memcmp(a, b, la) != 0)
			return false;
		a += na + (a[na] != '\0');
		b += nb + (b[nb] != '\0');
	}
	return true;
}

DriftVerdict
expression_compare_body(bool scan, const char *expected, const char *actual)
{
	Pair		pair = {.text = {expected, actual}};

	if (same_lines(expected, actual))
		return DRIFT_COSMETIC;
	if (scan && expression_try_memory_only(compare_tokens, &pair) == NULL && pair.same)
		return DRIFT_COSMETIC;
	return DRIFT_DIFFERENT;
}
