/*-------------------------------------------------------------------------
 *
 * discover_split.c
 *	  Names written as one word, "deliveryzoneid", cut into words.
 *
 * The words are those that the database writes apart somewhere else, and the
 * few that say a role or an ending.  A word is cut only if all of it is made
 * of them, and not if a table's name has it among other words while its parts
 * nowhere stand side by side: user_database has nothing of data and base.  Its
 * parts are cut the same way, so that a table's name and a
 * column that holds it come out alike wherever the writer left out a mark.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "miscadmin.h"

#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define SPLIT_MIN 6				/* letters of a word that may be two */
#define PART_MIN 3
#define PREFIX_MAX 5			/* letters before the names of most tables */
#define LETTERS_MAX 63

typedef struct SplitWord
{
	char		key[WORD_KEY_SIZE]; /* hash key: the word */
	int			n;				/* parts, 0 if it stays whole */
	char	   *part[WORDS_MAX];
} SplitWord;

typedef struct SplitState
{
	HTAB	   *known;			/* stems of words written apart */
	HTAB	   *among;			/* stems of words among others in the names of
								 * tables */
	HTAB	   *beside;			/* and of words written apart, two that follow
								 * each other joined */
	HTAB	   *done;			/* of SplitWord */
	char		prefix[PREFIX_MAX + 1];
} SplitState;

static const char *const joining_words =
" by to of last first default parent created updated modified changed edited deleted assigned approved requested"
" reviewed managed owned closed locked published resolved submitted completed verified confirmed rejected received ";

static bool
is_joining(const char *word)
{
	char		padded[LETTERS_MAX + 3];

	snprintf(padded, sizeof(padded), " %s ", word);
	return strstr(joining_words, padded) != NULL;
}

static HTAB *
word_set(const char *name)
{
	HASHCTL		control = {.keysize = WORD_KEY_SIZE,.entrysize = WORD_KEY_SIZE,.hcxt = CurrentMemoryContext};

	return hash_create(name, 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
learn(HTAB *set, const char *word)
{
	(void) hash_search(set, word, HASH_ENTER, NULL);
}

static bool
is_learned(HTAB *set, const char *word)
{
	return hash_search(set, word, HASH_FIND, NULL) != NULL;
}

static void
learn_words(SplitState *state, const Words *words)
{
	for (int i = 0; i < words->n; i++)
	{
		if (strlen(words->word[i]) >= PART_MIN)
			learn(state->known, words->stem[i]);
		if (i > 0)
		{
			char		both[WORD_KEY_SIZE];

			snprintf(both, sizeof(both), "%s%s", words->stem[i - 1], words->stem[i]);
			learn(state->beside, both);
		}
	}
}

/* Numbers and words such as tbl are no others */
static void
learn_tables(SplitState *state, const Facts *facts)
{
	for (int t = 0; t < facts->ntables; t++)
	{
		const Words *words = &facts->tables[t].words;
		int			telling = 0;

		for (int i = 0; i < words->n; i++)
			telling += !words_is_number(words->word[i]) && !(words->class[i] & WORD_DECORATION);
		for (int i = 0; i < words->n && telling > 1 && !facts->tables[t].partition; i++)
			learn(state->among, words->stem[i]);
	}
}

/* Letters that begin nearly all names of one word, "rhn" in rhnserver */
static void
learn_prefix(const Facts *facts, SplitState *state)
{
	HTAB	   *begin = names_hash("beginnings of tables");
	int			all = 0;
	int			best = 0;

	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];

		if (table->partition)
			continue;
		all++;
		if (table->words.n > 1 || strlen(table->words.word[0]) < PREFIX_MAX + PART_MIN)
			continue;
		for (int n = 2; n <= PREFIX_MAX; n++)
			names_add(begin, pnstrdup(table->words.word[0], n), t);
	}
	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];

		if (table->partition || table->words.n != 1 || strlen(table->words.word[0]) < PREFIX_MAX + PART_MIN)
			continue;
		for (int n = 2; n <= PREFIX_MAX; n++)
		{
			char	   *letters = pnstrdup(table->words.word[0], n);
			int			sharing = list_length(names_find(begin, letters));

			/* the longest that is as common as what it extends */
			if (sharing >= 8 && sharing >= all * 0.4 && sharing >= best * 0.9 && n > (int) strlen(state->prefix))
			{
				best = sharing;
				strlcpy(state->prefix, letters, sizeof(state->prefix));
			}
		}
	}
	hash_destroy(begin);
}

/* May the letters be a word of a longer one, at its beginning or end? */
static bool
is_part(const SplitState *state, const char *letters, bool first, bool last)
{
	int			n = strlen(letters);
	char	   *stem;
	bool		known;

	if (first && n > 0 && strcmp(letters, state->prefix) == 0)
		return true;
	if (is_joining(letters))
		return !first || n > 2;

	/* userid is no rid of a use */
	if (last && words_suffix(letters) != SUFFIX_NONE && !(n == 3 && strcmp(letters + 1, "id") == 0))
		return !first;
	if (n < PART_MIN)
		return false;
	stem = words_stem(letters);
	known = is_learned(state->known, stem);
	pfree(stem);
	return known;
}

/*
 * Has a table's name it among other words, while no two of its parts, the last
 * one first, stand side by side?
 */
static bool
is_one_word(const SplitState *state, const char *word, char **pieces, int npieces)
{
	char	   *stem = words_stem(word);
	bool		one = is_learned(state->among, stem) && strcmp(pieces[npieces - 1], state->prefix) != 0;

	pfree(stem);
	for (int i = 1; i < npieces && one; i++)
	{
		char	   *before = words_stem(pieces[i]);
		char	   *after = words_stem(pieces[i - 1]);
		char		both[WORD_KEY_SIZE];

		snprintf(both, sizeof(both), "%s%s", before, after);
		one = !is_learned(state->beside, both);
		pfree(before);
		pfree(after);
	}
	return one;
}

static void split_word(SplitState *state, char *word, int *n, char **parts);

/* The fewest parts that make up the word; cut[i] is where the one ending at i begins */
static int
fewest_parts(const SplitState *state, const char *word, int length, int *cut)
{
	int			parts[LETTERS_MAX + 1];

	parts[0] = 0;
	for (int end = 1; end <= length; end++)
	{
		parts[end] = WORDS_MAX;
		for (int from = 0; from < end; from++)
		{
			char		letters[LETTERS_MAX + 1];

			if (parts[from] + 1 >= parts[end] || (from == 0 && end == length))
				continue;
			memcpy(letters, word + from, end - from);
			letters[end - from] = '\0';
			if (is_part(state, letters, from == 0, end == length))
			{
				parts[end] = parts[from] + 1;
				cut[end] = from;
			}
		}
	}
	return parts[length];
}

static SplitWord *
split_entry(SplitState *state, const char *word)
{
	int			length = strlen(word);
	int			cut[LETTERS_MAX + 1];
	bool		found;
	SplitWord  *entry = hash_search(state->done, word, HASH_ENTER, &found);
	char	   *pieces[WORDS_MAX];
	int			npieces = 0;
	int			n = 0;

	if (found)
		return entry;
	entry->n = 0;
	if (fewest_parts(state, word, length, cut) >= WORDS_MAX)
		return entry;
	for (int end = length; end > 0; end = cut[end])
		pieces[npieces++] = pnstrdup(word + cut[end], end - cut[end]);
	if (is_one_word(state, word, pieces, npieces))
		return entry;
	while (npieces > 0)
		split_word(state, pieces[--npieces], &n, entry->part);
	entry = hash_search(state->done, word, HASH_FIND, NULL);
	entry->n = n;
	return entry;
}

/* Append the parts of a word, or the word itself */
static void
split_word(SplitState *state, char *word, int *n, char **parts)
{
	int			length = strlen(word);
	char	   *stem = words_stem(word);
	SplitWord  *entry = NULL;

	if (length >= SPLIT_MIN && length <= LETTERS_MAX && word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] == '\0' &&
		words_class(word, stem) == 0 && words_suffix(word) == SUFFIX_NONE)
		entry = split_entry(state, word);
	pfree(stem);
	for (int i = 0; i < (entry && entry->n ? entry->n : 1); i++)
	{
		if (*n < WORDS_MAX)
			parts[(*n)++] = entry && entry->n ? entry->part[i] : word;
	}
}

/* Cut the words of a name further; those that are cut are others' as well, so new ones are made */
static void
split_words(SplitState *state, Facts *facts, FactName *name)
{
	WordsRoom	room;
	Words		words = words_copy(&name->words, &room);
	int			n = 0;

	for (int i = 0; i < name->words.n; i++)
		split_word(state, name->words.word[i], &n, words.word);
	if (n == words.n)
		return;
	words.n = n;
	for (int i = 0; i < n; i++)
	{
		words.stem[i] = words_stem(words.word[i]);
		words.class[i] = words_class(words.word[i], words.stem[i]);
	}
	name->words = facts_keep_words(facts, &words);
	for (int i = 0; i < n; i++)
		pfree(words.stem[i]);
}

static void
each_name(SplitState *state, Facts *facts, bool split)
{
	HASH_SEQ_STATUS scan;
	FactName   *name;

	hash_seq_init(&scan, facts->names);
	while ((name = hash_seq_search(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (split)
			split_words(state, facts, name);
		else
			learn_words(state, &name->words);
	}
}

void
split_names(Facts *facts)
{
	HASHCTL		control = {.keysize = WORD_KEY_SIZE,.entrysize = sizeof(SplitWord),.hcxt = CurrentMemoryContext};
	SplitState	state = {0};

	state.known = word_set("words");
	state.among = word_set("words among others");
	state.beside = word_set("words side by side");
	state.done = hash_create("split words", 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	each_name(&state, facts, false);
	learn_tables(&state, facts);
	learn_prefix(facts, &state);
	each_name(&state, facts, true);
	hash_destroy(state.known);
	hash_destroy(state.among);
	hash_destroy(state.beside);
	hash_destroy(state.done);

	for (int t = 0; t < facts->ntables; t++)
		facts->tables[t].words = facts_find_name(facts, facts->tables[t].name)->words;
	for (int c = 0; c < facts->ncolumns; c++)
	{
		CHECK_FOR_INTERRUPTS();
		if (facts->columns[c].name)
			facts->columns[c].words = facts_find_name(facts, facts->columns[c].name)->words;
	}
}
