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
#include "executor/spi.h"
#include "utils/formatting.h"

#include "base/compat.h"
#include "base/spi.h"
#include "discover/discover_words.h"

#define ENDING_MARK '-'			/* before what is the end of a word only */
#define STEM_MIN 2				/* letters before such an end */
#define GLUED_MIN 3				/* letters before an ending in the same word */
#define ABBREVIATION_MIN 3
#define ABBREVIATION_MAX 6

typedef struct DictionaryWord
{
	char		word[NAMEDATALEN];	/* hash key */
	int			class;
	char	   *means;			/* of a plural, what it stands for */
} DictionaryWord;

struct Dictionary
{
	HTAB	   *words;
	List	   *endings;		/* of DictionaryWord *: of plurals, and of
								 * what may be glued, the longest first */
};

static const struct
{
	const char *name;
	int			class;
}			classes[] = {
	{"id", WORD_ID}, {"number", WORD_NUMBER}, {"name", WORD_NAME}, {"self", WORD_SELF}, {"actor", WORD_ACTOR},
	{"person", WORD_PERSON}, {"personal", WORD_PERSONAL}, {"login", WORD_LOGIN}, {"external", WORD_EXTERNAL}, {"measure", WORD_MEASURE},
	{"general", WORD_GENERAL}, {"log", WORD_LOG}, {"kind", WORD_KIND}, {"created", WORD_CREATED},
	{"plural", WORD_PLURAL},
};

static void
add_class(Dictionary *dictionary, const char *word, int class, const char *means)
{
	bool		found;
	DictionaryWord *entry = hash_search(dictionary->words, word, HASH_ENTER, &found);

	if (!found)
	{
		entry->class = 0;
		entry->means = NULL;
	}
	entry->class |= class;
	if (means)
		entry->means = pstrdup(means);
}

static int
longest_first(const ListCell *a, const ListCell *b)
{
	const char *x = ((const DictionaryWord *) lfirst(a))->word;
	const char *y = ((const DictionaryWord *) lfirst(b))->word;
	size_t		nx = strlen(x);
	size_t		ny = strlen(y);

	return nx != ny ? (nx > ny ? -1 : 1) : strcmp(x, y);
}

/* Words of the other classes are found by their stems, too */
static void
add_rows(Dictionary *dictionary, uint64 rows, bool plurals)
{
	for (uint64 i = 0; i < rows; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *word = sg_spi_text(tuple, desc, "word");
		char	   *class = sg_spi_text(tuple, desc, "class");
		char	   *means = sg_spi_text(tuple, desc, "means");

		for (int c = 0; c < lengthof(classes); c++)
		{
			if (strcmp(class, classes[c].name) != 0 || (classes[c].class == WORD_PLURAL) != plurals)
				continue;
			add_class(dictionary, word, classes[c].class, means);
			if (!plurals)
				add_class(dictionary, words_stem(dictionary, word), classes[c].class, NULL);
		}
	}
}

Dictionary *
words_read(void)
{
	MemoryContext caller = CurrentMemoryContext;
	HASHCTL		control = {.keysize = NAMEDATALEN,.entrysize = sizeof(DictionaryWord),.hcxt = CurrentMemoryContext};
	Dictionary *dictionary = palloc0(sizeof(Dictionary));
	HASH_SEQ_STATUS all;
	DictionaryWord *entry;
	SgScope		scope;

	dictionary->words = hash_create("dictionary", 512, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT word, class, means FROM schemaguard.discovery_word w"
					 " WHERE source OPERATOR(pg_catalog.=) 'user' OR NOT EXISTS ("
					 "SELECT FROM schemaguard.discovery_word u"
					 " WHERE u.word OPERATOR(pg_catalog.=) w.word AND u.source OPERATOR(pg_catalog.=) 'user')",
					 0, NULL, NULL, NULL);
	MemoryContextSwitchTo(caller);
	add_rows(dictionary, SPI_processed, true);
	hash_seq_init(&all, dictionary->words);
	while ((entry = hash_seq_search(&all)) != NULL)
	{
		if (entry->word[0] == ENDING_MARK)
			dictionary->endings = lappend(dictionary->endings, entry);
	}
	list_sort(dictionary->endings, longest_first);
	add_rows(dictionary, SPI_processed, false);
	SPI_finish();
	sg_scope_end(&scope);
	return dictionary;
}

/* A word as both its singular and its plural have it; what that gives need not be a word */
char *
words_stem(const Dictionary *dictionary, const char *word)
{
	size_t		n = strlen(word);
	char		key[NAMEDATALEN];
	DictionaryWord *entry;

	strlcpy(key, word, sizeof(key));
	entry = hash_search(dictionary->words, key, HASH_FIND, NULL);
	if (entry && (entry->class & WORD_PLURAL) && entry->means)
		return pstrdup(entry->means);
	foreach_ptr(const DictionaryWord, ending, dictionary->endings)
	{
		size_t		length = strlen(ending->word) - 1;

		if (n >= length + STEM_MIN && strcmp(word + n - length, ending->word + 1) == 0)
			return psprintf("%.*s%s", (int) (n - length), word, ending->means ? ending->means : "");
	}
	return pstrdup(word);
}

int
words_class(const Dictionary *dictionary, const char *word, const char *stem)
{
	const char *forms[] = {word, stem};
	int			class = 0;

	for (int i = 0; i < lengthof(forms); i++)
	{
		char		key[NAMEDATALEN];
		DictionaryWord *entry;

		strlcpy(key, forms[i], sizeof(key));
		entry = hash_search(dictionary->words, key, HASH_FIND, NULL);
		class |= entry ? entry->class : 0;
	}
	return class & ~WORD_PLURAL;
}

bool
words_is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0';
}

bool
words_is_plural(const Words *words, int i)
{
	return strlen(words->stem[i]) < strlen(words->word[i]);
}

Suffix
words_suffix(int class)
{
	return class & WORD_ID ? SUFFIX_ID : class & WORD_NUMBER ? SUFFIX_NUMBER : class & WORD_NAME ? SUFFIX_NAME : SUFFIX_NONE;
}

int
words_glued_suffix(const Dictionary *dictionary, const char *word, int least, Suffix *suffix)
{
	int			length = strlen(word);

	for (int n = Max(GLUED_MIN, least); n <= length - 2; n++)
	{
		*suffix = words_suffix(words_class(dictionary, word + n, word + n) & (WORD_ID | WORD_NUMBER));
		if (*suffix != SUFFIX_NONE)
			return n;
	}
	*suffix = SUFFIX_NONE;
	return 0;
}

static bool
is_short_for(const char *a, const char *b)
{
	int			na = strlen(a);
	int			nb = strlen(b);
	const char *p = b;

	if (na < ABBREVIATION_MIN || na > ABBREVIATION_MAX || na >= nb || nb > na * 5 || a[0] != b[0])
		return false;
	if (strncmp(a, b, na) == 0)
		return true;

	/*
	 * letters are left out, but not from the beginning, and no vowel is kept
	 * after that
	 */
	while (*a && *a == *p)
		a++, p++;
	for (; *a; a++, p++)
	{
		if (strchr("aeiou", *a) || nb > na * 3 || (p = strchr(p, *a)) == NULL)
			return false;
	}
	return true;
}

bool
words_abbreviate(const char *a, const char *b)
{
	return is_short_for(a, b) || (strncmp(a, b, strlen(b)) != 0 && is_short_for(b, a));
}

void
words_join(const Words *words, int lo, int hi, char *key)
{
	int			length = 0;

	for (int i = lo; i < hi; i++)
	{
		int			n = strlen(words->stem[i]);

		n = Min(n, WORD_KEY_SIZE - 1 - length);
		memcpy(key + length, words->stem[i], n);
		length += n;
	}
	key[length] = '\0';
}

bool
words_any(const Words *words, int lo, int hi, int class)
{
	for (int i = lo; i < hi; i++)
	{
		if (words->class[i] & class)
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
		if (strcmp(a->stem[i], b->stem[i]) != 0)
			return false;
	}
	return true;
}

static void
add_word(const Dictionary *dictionary, Words *words, const char *from, int length)
{
	char	   *lower;

	if (length == 0)
		return;
	lower = str_tolower(from, length, DEFAULT_COLLATION_OID);
	if (words->n == WORDS_MAX)
	{
		/* what does not fit belongs to the last word */
		lower = psprintf("%s%s", words->word[words->n - 1], lower);
		words->n--;
	}
	words->word[words->n] = lower;
	words->stem[words->n] = words_stem(dictionary, lower);
	words->class[words->n] = words_class(dictionary, lower, words->stem[words->n]);
	words->n++;
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
words_split(const Dictionary *dictionary, const char *name, WordsRoom *room)
{
	Words		words = {.word = room->word,.stem = room->stem,.class = room->class};
	int			start = 0;
	int			i;

	for (i = 0; name[i]; i++)
	{
		unsigned char c = name[i];
		bool		letter = IS_HIGHBIT_SET(c) || isalnum(c);

		if (!letter)
		{
			add_word(dictionary, &words, name + start, i - start);
			start = i + 1;
		}
		else if (i > start && begins_word(name, start, i))
		{
			add_word(dictionary, &words, name + start, i - start);
			start = i;
		}
	}
	add_word(dictionary, &words, name + start, i - start);
	if (words.n == 0)
		add_word(dictionary, &words, name, i);
	return words;
}
