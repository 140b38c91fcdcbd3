/*-------------------------------------------------------------------------
 *
 * discover_names.c
 *	  Cuts names into words, and indexes the names of tables, keys and
 *	  columns for lookup.
 *
 * Names are cut into words, which have stems and classes.  Which words say
 * something, and how plurals are made, is in schemaguard.discovery_word: this
 * file knows no word of any language.
 *
 * Names of tables are put into hash tables whole and in parts; what many of
 * them begin with and no table is called is a prefix.  Endings of references
 * are learned from how often they occur, and what columns of the same name or
 * of the same last words refer to from the keys that are declared, or that a
 * user has accepted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "base/compat.h"
#include "discover/discover_names.h"

#define ENDING_MARK '-'			/* mark before an ending */
#define STEM_MIN 2				/* letters before such an ending, at least */
#define PREFIX_TABLES 3			/* tables that make a common prefix, at least */
#define PREFIX_WORDS 2
#define GLUED_MIN 3				/* letters before an ending in the same word,
								 * at least */
#define GLUED_READINGS 2
#define PERSONS_MAX 2			/* tables of people that "created_by" may
								 * mean, at most */
#define PERSON_NAME 3			/* weight of such a table's name, in columns
								 * about people */
#define LOGIN_COLUMN 3			/* weight of a column that people log in with */
#define PERSON_COLUMNS 5		/* weight that makes a table one of people,
								 * whatever its name */
#define HABIT_COLUMNS 4			/* columns that make a habit, at least */
#define HABIT_SHARE 0.5			/* share of the columns with the word */
#define TAUGHT_LOOKED 64		/* declared references of one name that are
								 * examined, at most */

/* ---- words ---- */

typedef struct Ending
{
	const char *text;
	const char *becomes;
} Ending;

struct Dictionary
{
	HTAB	   *words;
	List	   *plurals;		/* Ending *, the longest first */
	List	   *singulars;		/* Ending *, for words whose singular is
								 * another existing name */
};

static const struct
{
	const char *name;
	int			class;
}			classes[] = {
	{"id", WORD_ID}, {"number", WORD_NUMBER}, {"name", WORD_NAME}, {"self", WORD_SELF}, {"actor", WORD_ACTOR},
	{"person", WORD_PERSON}, {"personal", WORD_PERSONAL}, {"login", WORD_LOGIN}, {"external", WORD_EXTERNAL},
	{"measure", WORD_MEASURE}, {"general", WORD_GENERAL}, {"kind", WORD_KIND},
	{"plural", WORD_PLURAL}, {"singular", WORD_SINGULAR},
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

/* Returns the word of the dictionary for a text that ends another word, or NULL */
static Word *
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
	char	   *means = nulls[2] ? NULL : TextDatumGetCString(row[2]);
	bool		plural = strcmp(class, "plural") == 0;

	for (int c = 0; c < lengthof(classes); c++)
	{
		if (strcmp(class, classes[c].name) == 0)
			word->class |= classes[c].class;
	}
	if (plural)
		word->means = means;
	if ((plural || strcmp(class, "singular") == 0) && word->text[0] == ENDING_MARK)
	{
		List	  **endings = plural ? &dictionary->plurals : &dictionary->singulars;
		Ending	   *ending = palloc(sizeof(Ending));

		ending->text = word->text +1;
		ending->becomes = means ? means : "";
		*endings = lappend(*endings, ending);
	}
}

Dictionary *
words_read(void)
{
	Dictionary *dictionary = palloc0(sizeof(Dictionary));

	dictionary->words = facts_hash("words", WORD_KEY_SIZE, sizeof(Word));
	facts_query("SELECT word, class, means FROM schemaguard.discovery_word w"
				" WHERE source = 'user' OR NOT EXISTS ("
				"SELECT FROM schemaguard.discovery_word u WHERE u.word = w.word AND u.source = 'user')"
				" ORDER BY length(word) DESC, word COLLATE \"C\"",
				-1, take_word, dictionary);
	return dictionary;
}

/* Returns a word with the ending replaced, or NULL if it has another ending */
static char *
change_ending(const Word *word, const Ending *ending)
{
	size_t		n = strlen(word->text);
	size_t		length = strlen(ending->text);

	if (n < length + STEM_MIN || strcmp(word->text +n - length, ending->text) != 0)
		return NULL;
	return psprintf("%.*s%s", (int) (n - length), word->text, ending->becomes);
}

/* Returns the stem that singular and plural share, which need not be a word */
static Word *
find_stem(Dictionary *dictionary, Word *word)
{
	if ((word->class & WORD_PLURAL) && word->means)
		return enter_word(dictionary, word->means);
	foreach_ptr(const Ending, ending, dictionary->plurals)
	{
		char	   *text = change_ending(word, ending);

		if (text)
			return enter_word(dictionary, text);
	}
	return word;
}

static Word *
words_find(Dictionary *dictionary, const char *text)
{
	Word	   *word = enter_word(dictionary, text);

	if (word->stem == NULL)
		word->stem = find_stem(dictionary, word);
	return word;
}

/* Returns an existing word that is this one's singular by one of the endings, or NULL */
static Word *
find_singular(const Dictionary *dictionary, const Word *word, List *endings)
{
	foreach_ptr(const Ending, ending, endings)
	{
		char	   *text = change_ending(word, ending);
		Word	   *singular = text ? words_known(dictionary, text) : NULL;

		if (singular && singular->named && singular != word)
			return singular;
	}
	return NULL;
}

/*
 * Corrects stems by other names: the longest ending makes a stem of each word
 * alone ("areas" of "areas").  If that is not a word of another name, but a
 * shorter or less certain ending gives one (area), the two get one stem.  All
 * are found before any is changed, so that the order does not matter.
 */
void
words_settle(Dictionary *dictionary)
{
	HASH_SEQ_STATUS status;
	Word	   *word;
	List	   *plurals = NIL;
	List	   *stems = NIL;
	ListCell   *plural;
	ListCell   *stem;

	hash_seq_init(&status, dictionary->words);
	while ((word = hash_seq_search(&status)) != NULL)
	{
		Word	   *singular;

		if (!word->named || (word->class & WORD_PLURAL) || (word->stem != word && word->stem->named))
			continue;
		singular = find_singular(dictionary, word, dictionary->plurals);
		if (singular == NULL)
			singular = find_singular(dictionary, word, dictionary->singulars);
		if (singular == NULL)
			continue;
		plurals = lappend(plurals, word);
		stems = lappend(stems, singular->stem);
	}
	forboth(plural, plurals, stem, stems)
		((Word *) lfirst(plural))->stem = lfirst(stem);
}

int
words_class(const Words *words, int i)
{
	return (words->word[i]->class | words->word[i]->stem->class) & ~(WORD_PLURAL | WORD_SINGULAR);
}

static bool
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

	/* append what does not fit to the last word */
	if (words->n == WORDS_MAX)
		lower = psprintf("%s%s", words->word[--words->n]->text, lower);
	words->word[words->n] = words_find(dictionary, lower);
	words->word[words->n++]->named = true;
	pfree(lower);
}

/* Returns whether a new word begins at s[i], within one that began at s[start] */
static bool
begins_word(const char *s, int start, int i)
{
	unsigned char c = s[i];
	unsigned char before = s[i - 1];

	if (isupper(c))
		return islower(before) || isdigit(before) ||
			(isupper(before) && islower((unsigned char) s[i + 1]) && i - start > 1);

	/* a number at the end of the name is a word of its own */
	if (isdigit(c) && !isdigit(before))
		return s[i + strspn(s + i, "0123456789")] == '\0';
	return false;
}

/*
 * Splits a name into words: at underscores and other marks, between lower and
 * upper case, before a number at its end.  Bytes outside of ASCII count as
 * letters.  A name of marks alone is one word.
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

/* ---- names that are looked up ---- */

typedef struct NameEntry
{
	char		key[WORD_KEY_SIZE]; /* hash key */
	List	   *values;			/* of int */
} NameEntry;

static NameEntry *
enter_name(const Facts *facts, NameKind kind, const char *name)
{
	bool		found;
	NameEntry  *entry = hash_search(facts->names_of->kind[kind], name, HASH_ENTER, &found);

	if (!found)
		entry->values = NIL;
	return entry;
}

static void
names_add(const Facts *facts, NameKind kind, const char *name, int value)
{
	NameEntry  *entry = enter_name(facts, kind, name);

	entry->values = lappend_int(entry->values, value);
}

List *
names_find(const Facts *facts, NameKind kind, const char *name)
{
	NameEntry  *entry = hash_search(facts->names_of->kind[kind], name, HASH_FIND, NULL);

	return entry ? entry->values : NIL;
}

/* ---- tables ---- */

static void
add_table(const Facts *facts, int t)
{
	const Words *words = &facts->tables[t].words;
	char		key[WORD_KEY_SIZE];

	for (int at = 0; at < words->n; at++)
	{
		words_join(words, at, words->n, key);
		names_add(facts, at == 0 ? NAME_TABLE : NAME_TAIL, key, t);
		words_join(words, 0, at, key);
		if (at > 0)
			names_add(facts, NAME_HEAD, key, t);
	}
}

bool
names_is_prefix(const Facts *facts, const FactTable *table, int n)
{
	char		key[WORD_KEY_SIZE];

	words_join(&table->words, 0, n, key);
	return list_length(names_find(facts, NAME_HEAD, key)) >= PREFIX_TABLES && names_find(facts, NAME_TABLE, key) == NIL;
}

/* Finds the longest prefix of a table's name that leaves at least one word */
static void
find_prefix(const Facts *facts, FactTable *table)
{
	char		rest[WORD_KEY_SIZE];

	for (int n = 1; n < table->words.n && n <= PREFIX_WORDS; n++)
	{
		if (names_is_prefix(facts, table, n))
			table->prefix = n;
	}
	if (table->prefix == 0 || table->partition)
		return;
	words_join(&table->words, table->prefix, table->words.n, rest);
	names_add(facts, NAME_REST, rest, table - facts->tables);
}

/* ---- columns and keys ---- */

static void
add_column(Facts *facts, int c)
{
	FactColumn *column = &facts->columns[c];
	char		key[WORD_KEY_SIZE];
	NameEntry  *entry;

	words_join(&column->words, 0, column->words.n, key);
	entry = enter_name(facts, NAME_COLUMN, key);
	column->joined = entry->key;
	if (!facts->tables[column->table].partition)
		entry->values = lappend_int(entry->values, c);
}

/* Adds a key of one column under its names, and notes whether its name contains the table's */
static void
add_key(const Facts *facts, int k)
{
	FactKey    *key = &facts->keys[k];
	const FactColumn *column = &facts->columns[key->columns[0]];
	Reading		readings[READINGS_MAX];
	char		name[WORD_KEY_SIZE];

	if (key->n > 1 || facts->tables[key->table].partition)
		return;
	names_add(facts, NAME_KEY, column->joined, k);
	for (int r = names_read(facts, key->columns[0], readings) - 1; r >= 0 && !key->owned; r--)
	{
		List	   *tails;

		words_join(&readings[r].words, 0, readings[r].words.n, name);
		tails = names_find(facts, NAME_TAIL, name);
		key->owned = list_member_int(names_find(facts, NAME_TABLE, name), key->table) ||
			(list_length(tails) < TAILS_MAX && list_member_int(tails, key->table));
	}
	if (key->owned || !names_is_general(facts, key->columns[0]))
		names_add(facts, NAME_TELLING, column->joined, k);
}

int
names_column_of(const Facts *facts, int table, const char *joined)
{
	const FactTable *t = &facts->tables[table];
	List	   *columns = names_find(facts, NAME_COLUMN, joined);
	int			lo = 0;
	int			hi = list_length(columns);

	/* sorted, because they were added in order */
	while (lo < hi)
	{
		int			middle = (lo + hi) / 2;

		if (list_nth_int(columns, middle) < t->columns)
			lo = middle + 1;
		else
			hi = middle;
	}
	if (lo == list_length(columns) || list_nth_int(columns, lo) >= t->columns + t->ncolumns)
		return -1;
	return list_nth_int(columns, lo);
}

bool
names_is_general(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];

	for (int i = 0; i < column->words.n; i++)
	{
		if (!(words_class(&column->words, i) & (WORD_GENERAL | WORD_ID | WORD_NUMBER | WORD_NAME)))
			return false;
	}
	return true;
}

/* ---- reading a column's name ---- */

/* Makes a reading of the words lo..hi of a name; returns the number of readings, 0 or 1 */
static int
make_reading(const Words *words, int lo, int hi, Suffix suffix, Reading *reading)
{
	reading->words.n = hi - lo;
	reading->words.word = words->word + lo;
	reading->suffix = suffix;
	return hi > lo;
}

/* Makes readings of a last word with an ending without a separator: videoid ends in id, and in oid */
static int
read_glued(const Facts *facts, const Words *words, int lo, int hi, Reading *readings)
{
	const char *last = words->word[hi - 1]->text;
	int			n = 0;

	for (int length = GLUED_MIN; length <= (int) strlen(last) - 2 && n < GLUED_READINGS; length++)
	{
		const Word *ending = words_known(facts->dictionary, last + length);
		Suffix		suffix = ending ? words_suffix(ending->class & (WORD_ID | WORD_NUMBER)) : SUFFIX_NONE;
		Words		cut = {.n = hi - lo};

		if (suffix == SUFFIX_NONE)
			continue;
		cut.word = memcpy(palloc(cut.n * sizeof(Word *)), words->word + lo, cut.n * sizeof(Word *));
		cut.word[cut.n - 1] = words_find(facts->dictionary, pnstrdup(last, length));
		n += make_reading(&cut, 0, cut.n, suffix, &readings[n]);
	}
	return n;
}

/*
 * Makes the readings of a column's name without its endings, and of the whole
 * name if these may be none
 */
int
names_read(const Facts *facts, int c, Reading *readings)
{
	const Words *words = &facts->columns[c].words;
	int			lo = 0;
	int			hi = words->n;
	int			end;
	int			n = 0;
	Suffix		suffix = SUFFIX_NONE;
	bool		marked;

	if (hi - lo > 1 && words_is_number(words->word[hi - 1]))
		hi--;
	end = hi;
	marked = hi - lo > 1 && (words_class(words, lo) & WORD_ID) && !(words_class(words, hi - 1) & WORD_ID);
	if (marked)
	{
		suffix = SUFFIX_ID;
		lo++;
	}
	while (end - lo > 1 && suffix != SUFFIX_NAME)
	{
		Suffix		next = words_suffix(words_class(words, end - 1));

		if (next == SUFFIX_NONE || (suffix != SUFFIX_NONE && next != SUFFIX_ID))
			break;
		suffix = next;
		end--;
	}
	n += make_reading(words, lo, end, suffix, &readings[n]);

	/* in id_noun_role the noun comes first */
	if (marked && end - lo > 1)
		n += make_reading(words, lo, end - 1, suffix, &readings[n]);
	if (n > 0 && suffix == SUFFIX_NONE)
		n += read_glued(facts, words, lo, hi, &readings[n]);
	else if (n > 0 && suffix != SUFFIX_ID)
		n += make_reading(words, lo, hi, SUFFIX_NONE, &readings[n]);
	return n;
}

/* ---- people ---- */

/*
 * Returns how likely a table is one of people, by its name and its columns.  A
 * name of several words alone does not suffice: a "pipe_profile" is no person.
 */
static int
person_rank(const Facts *facts, const FactTable *table)
{
	bool		named = (words_class(&table->words, table->words.n - 1) & WORD_PERSON) != 0;
	int			personal = 0;

	if (table->partition || table->primary < 0 || facts->keys[table->primary].n > 1)
		return 0;
	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
	{
		const FactColumn *column = &facts->columns[c];

		if (column->name && words_any(&column->words, WORD_LOGIN | WORD_PERSONAL) && column->category == TYPCATEGORY_STRING)
			personal += words_any(&column->words, WORD_LOGIN) ? LOGIN_COLUMN : 1;
	}
	if (personal < (named ? table->words.n > 1 : PERSON_COLUMNS))
		return 0;
	return 1 + personal + (named ? PERSON_NAME : 0) +
		(named && table->words.n - table->prefix == 1 ? 2 * PERSON_NAME : 0);
}

/* Inserts a table among those of its rank, in order */
static void
add_person(const Facts *facts, int t)
{
	int			at = 0;

	foreach_int(other, facts->names_of->persons)
		at += facts->tables[other].person_rank >= facts->tables[t].person_rank;
	facts->names_of->persons = list_insert_nth_int(facts->names_of->persons, at, t);
}

List *
names_persons(const Facts *facts, int column)
{
	Oid			schema = facts->tables[facts->columns[column].table].schema;
	List	   *its = NIL;

	foreach_int(t, facts->names_of->persons)
	{
		if (facts->tables[t].schema == schema && list_length(its) < PERSONS_MAX)
			its = lappend_int(its, t);
	}
	return its ? its : list_truncate(list_copy(facts->names_of->persons), PERSONS_MAX);
}

/* ---- what the names and the declared keys teach ---- */

/* Returns whether the words before hi are the name of a table, whole or without its prefix */
static bool
names_a_table(const Facts *facts, const Words *words, int hi)
{
	char		name[WORD_KEY_SIZE];

	words_join(words, 0, hi, name);
	return names_find(facts, NAME_TABLE, name) != NIL || names_find(facts, NAME_REST, name) != NIL;
}

/* Learns endings of references: words without a class that often follow a table's name */
static void
learn_endings(const Facts *facts)
{
	for (int c = 0; c < facts->ncolumns; c++)
	{
		const Words *words = &facts->columns[c].words;
		List	   *same = words->n < 2 ? NIL : names_find(facts, NAME_COLUMN, facts->columns[c].joined);
		Word	   *last;

		CHECK_FOR_INTERRUPTS();

		/* count each name once */
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

/*
 * Learns names from declared references: 2 * r is for the whole name of the
 * column of reference r, 2 * r + 1 for its last words
 */
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

/*
 * Returns the key that a column references if it follows a declared reference,
 * or -1; a reference to its own table is followed by one to the column's own
 * table
 */
static int
key_taught(const Facts *facts, int column, const FactReference *reference)
{
	int			table = facts->columns[column].table;
	int			key = facts_find_key(facts, reference->parent, reference->parent_columns, 1);

	if (reference->parent == reference->child && table != reference->child)
		key = facts->tables[table].primary;
	return key < 0 || facts->keys[key].n > 1 ? -1 : key;
}

/* Counts the keys to which the declared references of one name lead */
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

/* ---- all of it ---- */

void
names_prepare(Facts *facts)
{
	facts->names_of = palloc0(sizeof(Names));
	for (int kind = 0; kind < NAME_KINDS; kind++)
		facts->names_of->kind[kind] = facts_hash("names", WORD_KEY_SIZE, sizeof(NameEntry));
	for (int t = 0; t < facts->ntables; t++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!facts->tables[t].partition)
			add_table(facts, t);
	}
	for (int t = 0; t < facts->ntables; t++)
	{
		FactTable  *table = &facts->tables[t];

		CHECK_FOR_INTERRUPTS();
		find_prefix(facts, table);
		table->person_rank = person_rank(facts, table);
		if (table->person_rank > 0)
			add_person(facts, t);
	}
	for (int c = 0; c < facts->ncolumns; c++)
	{
		CHECK_FOR_INTERRUPTS();
		if (facts->columns[c].name)
			add_column(facts, c);
	}
	for (int k = 0; k < facts->nkeys; k++)
	{
		CHECK_FOR_INTERRUPTS();
		add_key(facts, k);
	}
	learn_endings(facts);
	learn_declared(facts);
}
