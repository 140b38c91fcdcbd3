/*-------------------------------------------------------------------------
 *
 * discover_words.c
 *	  What names are made of: words, their stems and classes.
 *
 * Which words say something, and how plurals are made, is in
 * schemaguard.discovery_word: this file knows no word of any language.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "base/compat.h"
#include "discover/discover_facts.h"

#define ENDING_MARK '-'			/* before what is the end of a word only */
#define STEM_MIN 2				/* letters before such an end */

struct Dictionary
{
	HTAB	   *words;
	List	   *endings;		/* of Word *: of plurals, the longest first */
};

static const struct
{
	const char *name;
	int			class;
}			classes[] = {
	{"id", WORD_ID}, {"number", WORD_NUMBER}, {"name", WORD_NAME}, {"self", WORD_SELF}, {"actor", WORD_ACTOR},
	{"person", WORD_PERSON}, {"personal", WORD_PERSONAL}, {"login", WORD_LOGIN}, {"external", WORD_EXTERNAL},
	{"measure", WORD_MEASURE}, {"general", WORD_GENERAL}, {"kind", WORD_KIND},
	{"plural", WORD_PLURAL},
};

static Word *
enter_word(Dictionary *dictionary, const char *text)
{
	char		key[WORD_KEY_SIZE];
	bool		found;
	Word	   *word;

	strlcpy(key, text, sizeof(key));
	word = hash_search(dictionary->words, key, HASH_ENTER, &found);
	if (!found)
		memset((char *) word + sizeof(key), 0, sizeof(Word) - sizeof(key));
	return word;
}

Word *
words_known(const Dictionary *dictionary, const char *text)
{
	char		key[WORD_KEY_SIZE];

	strlcpy(key, text, sizeof(key));
	return hash_search(dictionary->words, key, HASH_FIND, NULL);
}

static void
take_word(void *arg, const Datum *row, const bool *nulls)
{
	Dictionary *dictionary = arg;
	Word	   *word = enter_word(dictionary, TextDatumGetCString(row[0]));
	char	   *class = TextDatumGetCString(row[1]);

	for (int c = 0; c < lengthof(classes); c++)
	{
		if (strcmp(class, classes[c].name) == 0)
			word->class |= classes[c].class;
	}
	if (strcmp(class, "plural") != 0)
		return;
	word->means = nulls[2] ? NULL : TextDatumGetCString(row[2]);
	if (word->text[0] == ENDING_MARK)
		dictionary->endings = lappend(dictionary->endings, word);
}

static int
longest_first(const ListCell *a, const ListCell *b)
{
	const char *x = ((const Word *) lfirst(a))->text;
	const char *y = ((const Word *) lfirst(b))->text;
	size_t		nx = strlen(x);
	size_t		ny = strlen(y);

	return nx != ny ? (nx > ny ? -1 : 1) : strcmp(x, y);
}

Dictionary *
words_read(void)
{
	Dictionary *dictionary = palloc0(sizeof(Dictionary));

	dictionary->words = facts_hash("words", WORD_KEY_SIZE, sizeof(Word));
	facts_query("SELECT word, class, means FROM schemaguard.discovery_word w"
				" WHERE source = 'user' OR NOT EXISTS ("
				"SELECT FROM schemaguard.discovery_word u WHERE u.word = w.word AND u.source = 'user')",
				-1, take_word, dictionary);
	list_sort(dictionary->endings, longest_first);
	return dictionary;
}

/* As both its singular and its plural have it; what that gives need not be a word */
static Word *
find_stem(Dictionary *dictionary, Word *word)
{
	size_t		n = strlen(word->text);

	if ((word->class & WORD_PLURAL) && word->means)
		return enter_word(dictionary, word->means);
	foreach_ptr(const Word, ending, dictionary->endings)
	{
		size_t		length = strlen(ending->text) - 1;

		if (n >= length + STEM_MIN && strcmp(word->text +n - length, ending->text +1) == 0)
			return enter_word(dictionary, psprintf("%.*s%s", (int) (n - length), word->text,
												   ending->means ? ending->means : ""));
	}
	return word;
}

Word *
words_find(Dictionary *dictionary, const char *text)
{
	Word	   *word = enter_word(dictionary, text);

	if (word->stem == NULL)
		word->stem = find_stem(dictionary, word);
	return word;
}

int
words_class(const Words *words, int i)
{
	return (words->word[i]->class | words->word[i]->stem->class) & ~WORD_PLURAL;
}

bool
words_is_number(const Word *word)
{
	return word->text[strspn(word->text, "0123456789")] == '\0';
}

bool
words_is_plural(const Word *word)
{
	return strlen(word->stem->text) < strlen(word->text);
}

Suffix
words_suffix(int class)
{
	return class & WORD_ID ? SUFFIX_ID : class & WORD_NUMBER ? SUFFIX_NUMBER : class & WORD_NAME ? SUFFIX_NAME : SUFFIX_NONE;
}

void
words_join(const Words *words, int lo, int hi, char *key)
{
	key[0] = '\0';
	for (int i = lo; i < hi; i++)
		strlcat(key, words->word[i]->stem->text, WORD_KEY_SIZE);
}

bool
words_any(const Words *words, int class)
{
	for (int i = 0; i < words->n; i++)
	{
		if (words_class(words, i) & class)
			return true;
	}
	return false;
}

bool
words_begin_alike(const Words *a, const Words *b, int n)
{
	if (n > a->n || n > b->n)
		return false;
	for (int i = 0; i < n; i++)
	{
		if (a->word[i]->stem != b->word[i]->stem)
			return false;
	}
	return true;
}

static void
add_word(Dictionary *dictionary, Words *words, const char *from, int length)
{
	char	   *lower;

	if (length == 0)
		return;
	lower = str_tolower(from, length, DEFAULT_COLLATION_OID);

	/* what does not fit belongs to the last word */
	if (words->n == WORDS_MAX)
		lower = psprintf("%s%s", words->word[--words->n]->text, lower);
	words->word[words->n++] = words_find(dictionary, lower);
	pfree(lower);
}

/* Does a new word begin at s[i], within one that began at s[start]? */
static bool
begins_word(const char *s, int start, int i)
{
	unsigned char c = s[i];
	unsigned char before = s[i - 1];

	if (isupper(c))
		return islower(before) || isdigit(before) ||
			(isupper(before) && islower((unsigned char) s[i + 1]) && i - start > 1);

	/* a number that ends the name is a word of its own */
	if (isdigit(c) && !isdigit(before))
		return s[i + strspn(s + i, "0123456789")] == '\0';
	return false;
}

/*
 * Cut a name where its writer did: at underscores and other marks, between
 * lower and upper case, before a number at its end.  Bytes of other than
 * ASCII characters count as letters.  A name of marks alone is one word.
 */
Words
words_split(Dictionary *dictionary, const char *name)
{
	Word	   *room[WORDS_MAX];
	Words		words = {.word = room};
	int			start = 0;
	int			i;

	for (i = 0; name[i]; i++)
	{
		unsigned char c = name[i];
		bool		letter = IS_HIGHBIT_SET(c) || isalnum(c);

		if (letter && (i == start || !begins_word(name, start, i)))
			continue;
		add_word(dictionary, &words, name + start, i - start);
		start = letter ? i : i + 1;
	}
	add_word(dictionary, &words, name + start, i - start);
	if (words.n == 0)
		add_word(dictionary, &words, name, i);
	words.word = memcpy(palloc(words.n * sizeof(Word *)), room, words.n * sizeof(Word *));
	return words;
}
