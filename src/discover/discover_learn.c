/*-------------------------------------------------------------------------
 *
 * discover_learn.c
 *	  What the names and the declared keys of this database teach.
 *
 * Endings that references have here, words that stand before the names of
 * tables, and whether columns leave out the prefix of a table: by how often
 * it occurs.  Declared keys, and those that a user has accepted, say what
 * columns of the same name or of the same last words refer to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"

#define HABIT_COLUMNS 4			/* columns that make a habit */
#define HABIT_SHARE 0.5			/* of those that have the word */
#define PRIOR 4					/* columns that are as elsewhere, beside those
								 * at hand */
#define PRIOR_LEAVES_OUT 0.5
#define TAUGHT_LOOKED 64		/* declared references of one name that are
								 * looked at */

/* Which end of a name a word is at */
enum
{
	FIRST,
	LAST
};

/* Are lo..hi the name of a table, whole or without its prefix? */
static bool
names_a_table(const Facts *facts, const Words *words, int lo, int hi, bool *whole)
{
	char		name[WORD_KEY_SIZE];

	words_join(words, lo, hi, name);
	*whole = names_find(facts, NAME_TABLE, name) != NIL;
	return *whole || names_find(facts, NAME_REST, name) != NIL;
}

/* Counts a word at one end of a name; the rest is lo..hi */
static void
count_word(const Facts *facts, const Words *words, int end, int at, int lo, int hi)
{
	Word	   *word = words->word[at]->stem;
	bool		whole;

	word->seen[end]++;
	word->named[end] += names_a_table(facts, words, lo, hi, &whole);
}

static void
learn_habit(const Facts *facts, Word *word, int end, int class)
{
	if (word->named[end] >= HABIT_COLUMNS && word->named[end] >= HABIT_SHARE * word->seen[end] &&
		names_find(facts, NAME_TABLE, word->text) == NIL)
		word->class |= class;
}

static void
learn_words(const Facts *facts)
{
	for (int c = 0; c < facts->ncolumns; c++)
	{
		const Words *words = &facts->columns[c].words;
		List	   *same = words->n < 2 ? NIL : names_find(facts, NAME_COLUMN, facts->columns[c].joined);
		int			hi = words->n;

		CHECK_FOR_INTERRUPTS();

		/* a name that recurs counts once */
		if (same == NIL || linitial_int(same) != c)
			continue;
		if (words_suffix(words_class(words, hi - 1)) != SUFFIX_NONE)
			hi--;
		if (hi > 1 && words_class(words, hi - 1) == 0)
			count_word(facts, words, LAST, hi - 1, 0, hi - 1);
		if (hi > 1)
			count_word(facts, words, FIRST, 0, 1, hi);
	}
	for (int c = 0; c < facts->ncolumns; c++)
	{
		for (int i = 0; i < facts->columns[c].words.n; i++)
		{
			learn_habit(facts, facts->columns[c].words.word[i]->stem, FIRST, WORD_MARKER);
			learn_habit(facts, facts->columns[c].words.word[i]->stem, LAST, WORD_ID);
		}
	}
}

/* Do columns leave out the prefix of the table? */
static void
learn_prefixes(Facts *facts)
{
	int			wholes = 0;
	int			rests = 0;

	for (int c = 0; c < facts->ncolumns; c++)
	{
		Reading		readings[READINGS_MAX];
		bool		whole = false;

		CHECK_FOR_INTERRUPTS();
		if (!match_eligible(facts, c) || facts->columns[c].alone_primary || names_read(facts, c, readings) == 0 ||
			readings[0].suffix != SUFFIX_ID)
			continue;
		if (names_a_table(facts, &readings[0].words, 0, readings[0].words.n, &whole))
			*(whole ? &wholes : &rests) += 1;
	}
	facts->names_of->leaves_out = (rests + PRIOR * PRIOR_LEAVES_OUT) / (rests + wholes + PRIOR);
}

/* ---- declared keys ---- */

/* What its whole name says is twice the number of a reference, and what the last words say, one more */
static void
learn_declared(const Facts *facts)
{
	for (int r = 0; r < facts->nreferences; r++)
	{
		const FactReference *reference = &facts->references[r];
		Reading		readings[READINGS_MAX];
		char		key[WORD_KEY_SIZE];

		CHECK_FOR_INTERRUPTS();
		if (reference->n > 1 || names_read(facts, reference->child_columns[0], readings) == 0)
			continue;
		for (int lo = 0; lo < readings[0].words.n; lo++)
		{
			words_join(&readings[0].words, lo, readings[0].words.n, key);
			names_add(facts, NAME_TAUGHT, key, 2 * r + (lo > 0));
		}
	}
}

/* The key that a column refers to if it does as a reference, or -1: what refers to its own table does so elsewhere, too */
static int
key_taught(const Facts *facts, int column, const FactReference *reference)
{
	int			table = facts->columns[column].table;
	int			key = facts_find_key(facts, reference->parent, reference->parent_columns, 1);

	if (reference->parent == reference->child && table != reference->child)
		key = facts->tables[table].primary;
	return key < 0 || facts->keys[key].n > 1 ? -1 : key;
}

/* What the declared references of one name say */
static int
count_taught(const Facts *facts, int column, List *references, bool by_name, Taught *taught)
{
	int			all = 0;
	int			n = 0;

	foreach_int(number, references)
	{
		const FactReference *reference = &facts->references[number / 2];
		int			key = key_taught(facts, column, reference);
		int			i = 0;

		if (key < 0 || (by_name && number % 2 == 1) || reference->child_columns[0] == column || all == TAUGHT_LOOKED)
			continue;
		all++;
		while (i < n && taught[i].key != key)
			i++;
		if (i == TAUGHT_MAX)
			continue;
		if (i == n)
			taught[n++] = (Taught)
		{
			.key = key
		};
		taught[i].columns++;
	}
	for (int i = 0; i < n; i++)
		*(by_name ? &taught[i].by_name : &taught[i].by_word) = taught[i].columns / (all + 1.0);
	return n;
}

int
learn_taught(Facts *facts, int column, Taught *taught)
{
	Reading		readings[READINGS_MAX];
	char		key[WORD_KEY_SIZE];

	if (facts->nreferences == 0 || names_read(facts, column, readings) == 0 || readings[0].suffix == SUFFIX_NAME)
		return 0;
	for (int lo = 0; lo < readings[0].words.n; lo++)
	{
		List	   *references;
		int			n = 0;

		words_join(&readings[0].words, lo, readings[0].words.n, key);
		references = names_find(facts, NAME_TAUGHT, key);
		if (references == NIL)
			continue;
		if (lo == 0)
			n = count_taught(facts, column, references, true, taught);
		return n > 0 ? n : count_taught(facts, column, references, false, taught);
	}
	return 0;
}

void
learn_names(Facts *facts)
{
	learn_words(facts);
	learn_prefixes(facts);
	learn_declared(facts);
}
