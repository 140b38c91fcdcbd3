/*-------------------------------------------------------------------------
 *
 * discover_learn.c
 *	  What the names and the declared keys of this database teach.
 *
 * Endings that references have here, by how often they occur.  Declared keys,
 * and those that a user has accepted, say what columns of the same name or of
 * the same last words refer to.
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
#define TAUGHT_LOOKED 64		/* declared references of one name that are
								 * looked at */

/* Are the words before hi the name of a table, whole or without its prefix? */
static bool
names_a_table(const Facts *facts, const Words *words, int hi)
{
	char		name[WORD_KEY_SIZE];

	words_join(words, 0, hi, name);
	return names_find(facts, NAME_TABLE, name) != NIL || names_find(facts, NAME_REST, name) != NIL;
}

/* Words that no list has, and that stand behind the names of tables */
static void
learn_endings(const Facts *facts)
{
	for (int c = 0; c < facts->ncolumns; c++)
	{
		const Words *words = &facts->columns[c].words;
		List	   *same = words->n < 2 ? NIL : names_find(facts, NAME_COLUMN, facts->columns[c].joined);
		Word	   *last;

		CHECK_FOR_INTERRUPTS();

		/* a name that recurs counts once */
		if (same == NIL || linitial_int(same) != c || words_class(words, words->n - 1) != 0)
			continue;
		last = words->word[words->n - 1]->stem;
		last->seen++;
		last->behind += names_a_table(facts, words, words->n - 1);
	}
	for (int c = 0; c < facts->ncolumns; c++)
	{
		for (int i = 0; i < facts->columns[c].words.n; i++)
		{
			Word	   *word = facts->columns[c].words.word[i]->stem;

			if (word->behind >= HABIT_COLUMNS && word->behind >= HABIT_SHARE * word->seen &&
				names_find(facts, NAME_TABLE, word->text) == NIL)
				word->class |= WORD_ID;
		}
	}
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
	learn_endings(facts);
	learn_declared(facts);
}
