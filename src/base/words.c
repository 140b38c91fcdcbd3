/*-------------------------------------------------------------------------
 *
 * words.c
 *	  Enums as words, and words that belong to no room.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/formatting.h"

#include "base/compat.h"
#include "base/nearest.h"
#include "base/words.h"

const SgWord sg_action_words[] = {
	{FKCONSTR_ACTION_NOACTION, "no action"},
	{FKCONSTR_ACTION_RESTRICT, "restrict"},
	{FKCONSTR_ACTION_CASCADE, "cascade"},
	{FKCONSTR_ACTION_SETNULL, "set null"},
	{FKCONSTR_ACTION_SETDEFAULT, "set default"},
	{0}
};

const SgWord sg_match_words[] = {
	{FKCONSTR_MATCH_SIMPLE, "simple"},
	{FKCONSTR_MATCH_FULL, "full"},
	{0}
};

const char *
sg_word(const SgWord *words, int code)
{
	for (; words->word; words++)
	{
		if (words->code == code)
			return words->word;
	}
	elog(ERROR, "there is no word for %d", code);
}

int
sg_word_code(const SgWord *words, const char *word)
{
	for (; words->word; words++)
	{
		if (strcmp(words->word, word) == 0)
			return words->code;
	}
	return -1;
}

int
sg_parse_word(const SgWord *words, const char *option, const char *value)
{
	SgNearest	nearest = {asc_tolower(value, strlen(value))};
	int			code = sg_word_code(words, nearest.wanted);
	StringInfoData valid;

	if (code >= 0)
		return code;

	initStringInfo(&valid);
	for (; words->word; words++)
	{
		appendStringInfo(&valid, "%s%s", valid.len ? ", " : "", words->word);
		sg_nearest_try(&nearest, words->word);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for %s: \"%s\"", option, value),
			 nearest.found ? errhint("Perhaps you meant \"%s\". Valid values are: %s.", nearest.found, valid.data) :
			 errhint("Valid values are: %s.", valid.data)));
}

const char *
sg_action_word(char action)
{
	return sg_word(sg_action_words, action);
}

const char *
sg_match_word(char match)
{
	return sg_word(sg_match_words, match);
}
