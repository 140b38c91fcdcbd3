/*-------------------------------------------------------------------------
 *
 * discover_link.c
 *	  Link tables: which two tables does the name of one say?
 *
 * artist_recording (entity0, entity1), _CategoryToPost ("A", "B") and
 * user2user (left_id, right_id) tell which table each column means by their
 * own names and the order of the columns alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define TAIL_COVER 0.4			/* of a name that is only ended in */

typedef struct Pair
{
	const char *first;
	const char *second;
} Pair;

static const Pair pairs[] = {
	{"0", "1"}, {"1", "2"}, {"a", "b"}, {"left", "right"}, {"first", "second"}, {"from", "to"},
	{"source", "target"}, {"src", "dst"}, {"subject", "object"}, {"parent", "child"}, {"old", "new"},
};

/* All columns ask for all words, and hardly one begins like it */
static inline bool
is_word(const char *word, const char *listed)
{
	return word[0] == listed[0] && strcmp(word, listed) == 0;
}

/* Has the table a column of the same name but for this word? */
static bool
has_partner(const Facts *facts, int c, int at, const char *word)
{
	const FactColumn *column = &facts->columns[c];
	WordsRoom	room;
	Words		words = words_copy(&column->words, &room);
	char		name[WORD_KEY_SIZE];
	int			other;

	words.stem[at] = words_stem(word);
	words_join(&words, match_columns_begin_alike(facts, column) ? 1 : 0, words.n, name);
	pfree(words.stem[at]);
	other = match_column_named(facts, column->table, name);
	return other >= 0 && other != c && facts->columns[other].type == column->type;
}

int
link_place(const Facts *facts, int c, int *at)
{
	const Words *words = &facts->columns[c].words;

	/* left_id, but not left_count */
	*at = words->n - 1;
	if (*at > 0 && words_suffix(words->word[*at]) != SUFFIX_NONE)
		(*at)--;
	for (int i = 0; i < lengthof(pairs); i++)
	{
		if (is_word(words->word[*at], pairs[i].first) && has_partner(facts, c, *at, pairs[i].second))
			return 1;
		if (is_word(words->word[*at], pairs[i].second) && has_partner(facts, c, *at, pairs[i].first))
			return 2;
	}
	return 0;
}

/* The "2" of user2role, or NULL */
static const char *
joint(const char *name)
{
	for (const char *two = strchr(name, '2'); two; two = strchr(two + 1, '2'))
	{
		if (two > name && isalpha((unsigned char) two[-1]) && isalpha((unsigned char) two[1]))
			return two;
	}
	return NULL;
}

/* The words of a table's name, "2" and "to" between two of them left out */
static Words
name_of_link(const FactTable *table, WordsRoom *room)
{
	Words		words = words_copy(&table->words, room);
	int			n = 0;

	for (int i = 0; i < table->words.n; i++)
	{
		const char *word = table->words.word[i];
		const char *two = joint(word);

		if (i > table->prefix && i < table->words.n - 1 && strcmp(word, "to") == 0)
			continue;
		if (two && n + 1 < WORDS_MAX)
		{
			words.stem[n++] = words_stem(pnstrdup(word, two - word));
			words.stem[n++] = words_stem(two + 1);
		}
		else if (n < WORDS_MAX)
			words.stem[n++] = table->words.stem[i];
	}
	words.n = n;
	return words;
}

/* The table that goes by words lo..hi, or ends in them and is the only one: or -1 */
static int
end_of_link(const Facts *facts, const Words *words, int lo, int hi, int link)
{
	char		name[WORD_KEY_SIZE];
	int			whole = -1;
	int			tail = -1;
	int			wholes = 0;
	int			tails = 0;

	words_join(words, lo, hi, name);
	foreach_ptr(const NameForm, form, names_find(facts->by_table_name, name))
	{
		if (form->table == link || facts->tables[form->table].primary < 0 || joint(facts->tables[form->table].name))
			continue;
		if (form->match == MATCH_FULL)
		{
			whole = form->table;
			wholes++;
		}
		else if (form->match == MATCH_TAIL && form->cover >= TAIL_COVER)
		{
			tail = form->table;
			tails++;
		}
	}
	if (wholes > 0)
		return wholes == 1 ? whole : -1;
	return tails == 1 ? tail : -1;
}

bool
link_ends(const Facts *facts, int t, int ends[2])
{
	const FactTable *table = &facts->tables[t];
	WordsRoom	room;
	Words		words = name_of_link(table, &room);

	/* words before and after are those of all link tables: l_, rel_, _map */
	for (int lo = table->prefix; lo < Min(table->prefix + 2, words.n - 1); lo++)
	{
		for (int hi = words.n; hi > Max(words.n - 2, lo + 1); hi--)
		{
			for (int middle = lo + 1; middle < hi; middle++)
			{
				ends[0] = end_of_link(facts, &words, lo, middle, t);
				ends[1] = ends[0] < 0 ? -1 : end_of_link(facts, &words, middle, hi, t);
				if (ends[1] >= 0)
					return true;
			}
		}
	}
	return false;
}
