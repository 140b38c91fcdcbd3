/*-------------------------------------------------------------------------
 *
 * discover_learn.c
 *	  What the names and the declared keys of this database teach.
 *
 * Endings that references have here, words that stand before the names of
 * tables, whether columns leave out the prefix of a table, and how many of
 * each kind are references: by how often it occurs.  Declared keys, and those
 * that a user has accepted, say what columns of the same name or of the same
 * last words refer to.
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
#define FAMILY_EXPECTED 3		/* declared keys whose absence says something */
#define TAUGHT_LOOKED 64		/* declared references of one name that are
								 * looked at */

/* How often a word is at one end of a name, and the rest is a table's */
typedef struct WordCount
{
	char		word[WORD_KEY_SIZE];	/* hash key */
	int			all;
	int			named;
} WordCount;

static HTAB *
count_hash(const char *name)
{
	HASHCTL		control = {.keysize = WORD_KEY_SIZE,.entrysize = sizeof(WordCount),.hcxt = CurrentMemoryContext};

	return hash_create(name, 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Counts the word of a name at one end; the rest is lo..hi */
static void
count_word(const Facts *facts, HTAB *counts, const Words *words, int at, int lo, int hi)
{
	char		key[WORD_KEY_SIZE];
	Reading		rest = {.n = hi - lo};
	bool		found;
	bool		whole;
	WordCount  *count;

	strlcpy(key, words->stem[at], sizeof(key));
	count = hash_search(counts, key, HASH_ENTER, &found);
	if (!found)
		count->all = count->named = 0;
	memcpy(rest.stem, words->stem + lo, (hi - lo) * sizeof(char *));
	count->all++;
	count->named += names_a_table(facts, &rest, 0, &whole);
}

static HTAB *
habits_of(const Facts *facts, HTAB *counts, const char *name)
{
	HTAB	   *habits = names_hash(name);
	HASH_SEQ_STATUS all;
	WordCount  *count;

	hash_seq_init(&all, counts);
	while ((count = hash_seq_search(&all)) != NULL)
	{
		if (count->named >= HABIT_COLUMNS && count->named >= HABIT_SHARE * count->all &&
			names_find(facts->names_of->whole, count->word) == NIL)
			names_add(habits, count->word, count->named);
	}
	hash_destroy(counts);
	return habits;
}

static void
learn_words(Facts *facts)
{
	HTAB	   *last = count_hash("last words");
	HTAB	   *first = count_hash("first words");

	for (int c = 0; c < facts->ncolumns; c++)
	{
		const Words *words = &facts->columns[c].words;
		int			hi = words->n;

		CHECK_FOR_INTERRUPTS();

		/* a name that recurs counts once */
		if (hi < 2 || linitial_int(names_columns(facts, facts->columns[c].joined)) != c)
			continue;
		if (words_suffix(words->class[hi - 1]) != SUFFIX_NONE)
			hi--;
		if (hi > 1 && words->class[hi - 1] == 0)
			count_word(facts, last, words, hi - 1, 0, hi - 1);
		if (hi > 1)
			count_word(facts, first, words, 0, 1, hi);
	}
	facts->names_of->endings = habits_of(facts, last, "endings of references");
	facts->names_of->markers = habits_of(facts, first, "words before tables");
}

/* Of the tables that end in one word: columns that end in id, and those that are declared */
static void
count_family(Facts *facts, int c)
{
	const Words *words = &facts->tables[facts->columns[c].table].words;
	bool		found;
	char		key[WORD_KEY_SIZE];
	WordCount  *count;

	strlcpy(key, words->stem[words->n - 1], sizeof(key));
	count = hash_search(facts->names_of->families, key, HASH_ENTER, &found);
	if (!found)
		count->all = count->named = 0;
	count->all++;
	count->named += facts->columns[c].declared;
}

double
learn_rarely_declares(const Facts *facts, const FactTable *table)
{
	char		key[WORD_KEY_SIZE];
	const WordCount *count;
	double		expected;

	strlcpy(key, table->words.stem[table->words.n - 1], sizeof(key));
	count = hash_search(facts->names_of->families, key, HASH_FIND, NULL);
	expected = count ? count->all * facts->names_of->declared_share : 0;
	return expected < FAMILY_EXPECTED ? 0 : Max(1 - count->named / expected, 0);
}

/* Do columns leave out the prefix of the table, and how many of those that look like references are declared? */
static void
learn_habits(Facts *facts)
{
	Names	   *names = facts->names_of;
	int			wholes = 0;
	int			rests = 0;
	int			declared = 0;
	int			all = 0;

	for (int c = 0; c < facts->ncolumns; c++)
	{
		Reading		readings[READINGS_MAX];
		bool		whole = false;

		CHECK_FOR_INTERRUPTS();
		if (!match_eligible(facts, c) || facts->columns[c].alone_primary || names_read(facts, c, readings) == 0 ||
			readings[0].suffix != SUFFIX_ID)
			continue;
		count_family(facts, c);
		all++;
		declared += facts->columns[c].declared;
		if (names_a_table(facts, &readings[0], 0, &whole))
			*(whole ? &wholes : &rests) += 1;
	}
	names->declared_share = declared / (double) Max(all, 1);
	names->leaves_out = (rests + PRIOR * PRIOR_LEAVES_OUT) / (rests + wholes + PRIOR);
}

/* ---- declared keys ---- */

/* What its whole name says is twice the number of a reference, and what the last words say, one more */
static void
learn_declared(Facts *facts)
{
	facts->names_of->taught = names_hash("declared names");
	for (int r = 0; r < facts->nreferences; r++)
	{
		const FactReference *reference = &facts->references[r];
		Reading		readings[READINGS_MAX];
		char		key[WORD_KEY_SIZE];

		CHECK_FOR_INTERRUPTS();
		if (reference->n > 1 || names_read(facts, reference->child_columns[0], readings) == 0)
			continue;
		for (int lo = 0; lo < readings[0].n; lo++)
		{
			names_join(&readings[0], lo, key);
			names_add(facts->names_of->taught, key, 2 * r + (lo > 0));
		}
	}
}

static int
key_of_reference(const Facts *facts, const FactReference *reference)
{
	foreach_int(k, facts->tables[reference->parent].keys)
	{
		if (facts->keys[k].n == 1 && facts->keys[k].columns[0] == reference->parent_columns[0])
			return k;
	}
	return -1;
}

/* Adds what the declared references of one name say */
static int
add_taught(const Facts *facts, int column, List *references, bool whole, Taught *taught, int n)
{
	int			all = 0;
	int			first = n;

	foreach_int(number, references)
	{
		const FactReference *reference = &facts->references[number / 2];
		int			key = key_of_reference(facts, reference);
		int			i = first;

		if (key < 0 || (whole && number % 2 == 1) || reference->child_columns[0] == column || all == TAUGHT_LOOKED)
			continue;

		/* what refers to its own table does so elsewhere, too */
		if (reference->parent == reference->child && facts->columns[column].table != reference->child)
			key = facts->tables[facts->columns[column].table].primary;
		if (key < 0 || facts->keys[key].n > 1)
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
		*(whole ? &taught[i].by_name : &taught[i].by_word) += 1;
		taught[i].columns++;
	}
	for (int i = first; i < n; i++)
	{
		double	   *share = whole ? &taught[i].by_name : &taught[i].by_word;

		*share = *share / all * all / (all + 1.0);
	}
	return n;
}

int
learn_taught(Facts *facts, int column, Taught *taught)
{
	Reading		readings[READINGS_MAX];
	char		key[WORD_KEY_SIZE];

	if (facts->nreferences == 0 || names_read(facts, column, readings) == 0 || readings[0].suffix == SUFFIX_NAME)
		return 0;
	for (int lo = 0; lo < readings[0].n; lo++)
	{
		List	   *references;
		int			n = 0;

		names_join(&readings[0], lo, key);
		references = names_find(facts->names_of->taught, key);
		if (references == NIL)
			continue;
		if (lo == 0)
			n = add_taught(facts, column, references, true, taught, 0);
		if (n == 0)
			n = add_taught(facts, column, references, false, taught, 0);
		return n;
	}
	return 0;
}

void
learn_names(Facts *facts)
{
	facts->names_of->families = count_hash("families of tables");
	learn_words(facts);
	learn_habits(facts);
	learn_declared(facts);
}
