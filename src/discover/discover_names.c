/*-------------------------------------------------------------------------
 *
 * discover_names.c
 *	  The names of tables, keys and columns, ready to be looked up.
 *
 * Names of tables are put into hash tables whole and in parts; what many of
 * them begin with and no table is called is a prefix.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"

#define PREFIX_TABLES 3			/* tables that make a prefix */
#define EXPANSIONS_MAX 8		/* words that an abbreviation may stand for */
#define COLUMN_PREFIX_SHARE 0.7 /* of a table's columns */
#define COLUMN_PREFIX_COLUMNS 3
#define PERSONS_MAX 2			/* tables of people that "created_by" may mean */
#define PERSON_NAME 3			/* what the name of such a table counts, in
								 * columns that tell of people */
#define GLUED_READINGS 2
#define LOGIN_COLUMN 3			/* so many columns that tell of people, one
								 * counts that they log in with */
#define PERSON_COLUMNS 5		/* columns that make a table one of people,
								 * whatever it is called */

typedef struct NameEntry
{
	char		key[WORD_KEY_SIZE]; /* hash key */
	List	   *values;			/* of int; of char * where words are kept */
} NameEntry;

HTAB *
names_hash(const char *name)
{
	HASHCTL		control = {.keysize = WORD_KEY_SIZE,.entrysize = sizeof(NameEntry),.hcxt = CurrentMemoryContext};

	return hash_create(name, 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static NameEntry *
name_entry(HTAB *hash, const char *key)
{
	bool		found;
	NameEntry  *entry = hash_search(hash, key, HASH_ENTER, &found);

	if (!found)
		entry->values = NIL;
	return entry;
}

void
names_add(HTAB *hash, const char *key, int value)
{
	NameEntry  *entry = name_entry(hash, key);

	entry->values = lappend_int(entry->values, value);
}

List *
names_find(HTAB *hash, const char *key)
{
	NameEntry  *entry = hash_search(hash, key, HASH_FIND, NULL);

	return entry ? entry->values : NIL;
}

/* ---- tables ---- */

int
names_sharing_prefix(const Facts *facts, const FactTable *table, int n)
{
	char		key[WORD_KEY_SIZE];
	List	   *count;

	words_join(&table->words, 0, n, key);
	count = names_find(facts->names_of->prefixes, key);
	return count ? linitial_int(count) : 0;
}

bool
names_is_prefix(const Facts *facts, const FactTable *table, int n)
{
	char		key[WORD_KEY_SIZE];

	if (n == 0)
		return true;
	words_join(&table->words, 0, n, key);
	return names_sharing_prefix(facts, table, n) >= PREFIX_TABLES && names_find(facts->names_of->whole, key) == NIL;
}

static void
count_prefixes(Facts *facts)
{
	for (int t = 0; t < facts->ntables; t++)
	{
		const Words *words = &facts->tables[t].words;

		for (int n = 1; n < words->n && !facts->tables[t].partition; n++)
		{
			char		key[WORD_KEY_SIZE];
			NameEntry  *entry;

			words_join(words, 0, n, key);
			entry = name_entry(facts->names_of->prefixes, key);
			if (entry->values == NIL)
				entry->values = list_make1_int(1);
			else
				linitial_int(entry->values)++;
		}
	}
}

static void
add_vocabulary(Names *names, const char *stem)
{
	List	  **list = &names->vocabulary[(unsigned char) stem[0]];

	foreach_ptr(const char, known, *list)
	{
		if (strcmp(known, stem) == 0)
			return;
	}
	*list = lappend(*list, unconstify(char *, stem));
}

static void
add_table(Facts *facts, int t)
{
	Names	   *names = facts->names_of;
	const Words *words = &facts->tables[t].words;
	char		key[WORD_KEY_SIZE];

	for (int front = 0; front < words->n; front++)
	{
		words_join(words, front, words->n, key);
		names_add(front == 0 ? names->whole : names->tails, key, t);
		add_vocabulary(names, words->stem[front]);
	}
	for (int end = 1; end < words->n; end++)
	{
		words_join(words, 0, end, key);
		names_add(names->heads, key, t);
	}
}

/* The longest prefix of a table's name that leaves a word of it */
static void
find_prefix(const Facts *facts, FactTable *table)
{
	char		rest[WORD_KEY_SIZE];

	for (int n = 1; n < table->words.n && n <= 2; n++)
	{
		if (names_is_prefix(facts, table, n))
			table->prefix = n;
	}
	if (table->prefix == 0 || table->partition)
		return;
	words_join(&table->words, table->prefix, table->words.n, rest);
	names_add(facts->names_of->rests, rest, table - facts->tables);
}

/* ---- columns and keys ---- */

/* One letter or word that the names of most columns of a table begin with */
static void
find_column_prefix(const Facts *facts, FactTable *table)
{
	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
	{
		const Words *first = &facts->columns[c].words;
		int			same = 0;
		int			all = 0;

		if (facts->columns[c].name == NULL || first->n < 2)
			continue;
		for (int o = table->columns; o < table->columns + table->ncolumns; o++)
		{
			const FactColumn *other = &facts->columns[o];

			all += other->name != NULL;
			same += other->name && other->words.n > 1 && strcmp(other->words.stem[0], first->stem[0]) == 0;
		}
		if (all >= COLUMN_PREFIX_COLUMNS && same >= COLUMN_PREFIX_SHARE * all)
		{
			table->column_prefix = first->stem[0];
			return;
		}

		/* more than a third of the columns would have begun so by now */
		if (c - table->columns > all / 3)
			return;
	}
}

static int
words_of_prefix(const Facts *facts, const FactColumn *column)
{
	const char *prefix = facts->tables[column->table].column_prefix;

	return prefix && column->words.n > 1 && strcmp(column->words.stem[0], prefix) == 0;
}

static void
add_column(Facts *facts, int c)
{
	FactColumn *column = &facts->columns[c];
	char		key[WORD_KEY_SIZE];
	NameEntry  *entry;

	words_join(&column->words, words_of_prefix(facts, column), column->words.n, key);
	entry = name_entry(facts->names_of->columns, key);
	column->joined = entry->key;
	if (!facts->tables[column->table].partition)
		entry->values = lappend_int(entry->values, c);
}

/* Whose name is in that of a key of one column: its table's, or another's? */
static void
add_key(Facts *facts, int k)
{
	FactKey    *key = &facts->keys[k];
	const FactColumn *column = &facts->columns[key->columns[0]];
	Reading		readings[READINGS_MAX];
	char		name[WORD_KEY_SIZE];

	if (key->n > 1 || facts->tables[key->table].partition)
		return;
	names_add(facts->names_of->keys, column->joined, k);
	if (words_of_prefix(facts, column))
	{
		words_join(&column->words, 0, column->words.n, name);
		names_add(facts->names_of->keys, name, k);
	}
	for (int r = names_read(facts, key->columns[0], readings) - 1; r >= 0 && !key->owned; r--)
	{
		List	   *whole;

		names_join(&readings[r], 0, name);
		whole = names_find(facts->names_of->whole, name);
		key->owned = list_member_int(whole, key->table) ||
			(list_length(names_find(facts->names_of->tails, name)) < EXPANSIONS_MAX &&
			 list_member_int(names_find(facts->names_of->tails, name), key->table));
		key->borrowed = !key->owned && whole != NIL && readings[r].suffix != SUFFIX_NONE;
	}
}

bool
names_is_key(const Facts *facts, int column)
{
	foreach_int(k, facts->tables[facts->columns[column].table].keys)
	{
		if (facts->keys[k].n == 1 && facts->keys[k].columns[0] == column)
			return true;
	}
	return false;
}

List *
names_columns(const Facts *facts, const char *joined)
{
	return names_find(facts->names_of->columns, joined);
}

int
names_column_of(const Facts *facts, int table, const char *joined)
{
	const FactTable *t = &facts->tables[table];
	List	   *columns = names_columns(facts, joined);
	int			lo = 0;
	int			hi = list_length(columns);

	/* they were put there in order */
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

	for (int i = words_of_prefix(facts, column); i < column->words.n; i++)
	{
		if (!(column->words.class[i] & (WORD_GENERAL | WORD_ID | WORD_NUMBER | WORD_NAME)))
			return false;
	}
	return true;
}

/* ---- reading a column's name ---- */

void
names_join(Reading *reading, int lo, char *key)
{
	Words		words = {.n = reading->n,.stem = reading->stem};

	words_join(&words, lo, reading->n, key);
}

static Suffix
suffix_of(const Facts *facts, const Words *words, int i)
{
	if (facts->names_of->endings && names_find(facts->names_of->endings, words->stem[i]) != NIL)
		return SUFFIX_ID;
	return words_suffix(words->class[i]);
}

/* The words lo..hi of a name; false if there is none */
static bool
make_reading(const Words *words, int lo, int hi, Suffix suffix, Reading *reading)
{
	reading->n = hi - lo;
	reading->suffix = suffix;
	if (hi <= lo)
		return false;
	memcpy(reading->stem, words->stem + lo, (hi - lo) * sizeof(char *));
	memcpy(reading->class, words->class + lo, (hi - lo) * sizeof(int));
	reading->plural = words_is_plural(words, hi - 1);
	return true;
}

/* From one word on: without its endings, and as it stands where these may be no ending */
static int
read_from(const Facts *facts, const Words *words, int lo, Reading *readings)
{
	int			hi = words->n;
	int			n = 0;
	Suffix		suffix = SUFFIX_NONE;
	bool		marked;
	int			stem_hi;

	if (hi - lo > 1 && words_is_number(words->word[hi - 1]))
		hi--;
	stem_hi = hi;
	marked = hi - lo > 1 && words_suffix(words->class[lo]) == SUFFIX_ID && suffix_of(facts, words, hi - 1) != SUFFIX_ID;
	if (marked)
	{
		suffix = SUFFIX_ID;
		lo++;
	}
	while (stem_hi - lo > 1 && suffix != SUFFIX_NAME)
	{
		Suffix		next = suffix_of(facts, words, stem_hi - 1);

		if (next == SUFFIX_NONE || (suffix != SUFFIX_NONE && next != SUFFIX_ID))
			break;
		suffix = next;
		stem_hi--;
	}
	n += make_reading(words, lo, stem_hi, suffix, &readings[n]);

	/* id_noun_role has the noun first */
	if (marked && stem_hi - lo > 1)
		n += make_reading(words, lo, stem_hi - 1, suffix, &readings[n]);
	if (n > 0 && suffix == SUFFIX_NONE)
	{
		Suffix		glued;

		/* videoid ends in id, and in oid */
		for (int length = 0, made = 0; made < GLUED_READINGS &&
			 (length = words_glued_suffix(facts->dictionary, words->word[hi - 1], length + 1, &glued)) > 0; made++)
		{
			char	   *word = pnstrdup(words->word[hi - 1], length);

			n += make_reading(words, lo, hi, glued, &readings[n]);
			readings[n - 1].stem[hi - lo - 1] = words_stem(facts->dictionary, word);
			readings[n - 1].class[hi - lo - 1] = words_class(facts->dictionary, word, readings[n - 1].stem[hi - lo - 1]);
			readings[n - 1].plural = false;
		}
	}
	else if (n > 0 && suffix != SUFFIX_ID)
		n += make_reading(words, lo, hi, SUFFIX_NONE, &readings[n]);
	return n;
}

int
names_read(const Facts *facts, int c, Reading *readings)
{
	const FactColumn *column = &facts->columns[c];
	int			n = 0;

	if (words_of_prefix(facts, column))
		n = read_from(facts, &column->words, 1, readings);
	return n + read_from(facts, &column->words, 0, readings + n);
}

bool
names_a_table(const Facts *facts, Reading *reading, int lo, bool *whole)
{
	char		name[WORD_KEY_SIZE];

	names_join(reading, lo, name);
	*whole = names_find(facts->names_of->whole, name) != NIL;
	return *whole || names_find(facts->names_of->rests, name) != NIL;
}

/* ---- people ---- */

/* How well does a table do as that of people?  Its name, and what it has columns of */
static int
person_rank(const Facts *facts, const FactTable *table)
{
	const Words *words = &table->words;
	bool		named = (words->class[words->n - 1] & WORD_PERSON) != 0;
	int			personal = 0;

	if (table->partition || table->primary < 0 || facts->keys[table->primary].n > 1)
		return 0;
	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
	{
		const Words *column = &facts->columns[c].words;

		if (facts->columns[c].name && facts_is_text(facts->columns[c].type))
			personal += words_any(column, 0, column->n, WORD_LOGIN) ? LOGIN_COLUMN : words_any(column, 0, column->n, WORD_PERSONAL);
	}
	if (!named && personal < PERSON_COLUMNS)
		return 0;
	return 1 + personal + (named ? PERSON_NAME : 0) +
		(named && words->n - table->prefix == 1 ? 2 * PERSON_NAME : 0);
}

static int
compare_persons(const ListCell *a, const ListCell *b)
{
	const FactTable *x = lfirst(a);
	const FactTable *y = lfirst(b);

	return x->person_rank != y->person_rank ? (x->person_rank > y->person_rank ? -1 : 1) : (x > y) - (x < y);
}

static void
find_persons(Facts *facts)
{
	List	   *tables = NIL;

	for (int t = 0; t < facts->ntables; t++)
	{
		facts->tables[t].person_rank = person_rank(facts, &facts->tables[t]);
		if (facts->tables[t].person_rank > 0)
			tables = lappend(tables, &facts->tables[t]);
	}
	list_sort(tables, compare_persons);
	foreach_ptr(const FactTable, table, tables)
		facts->names_of->persons = lappend_int(facts->names_of->persons, table - facts->tables);
}

typedef struct PersonsOf
{
	Oid			schema;			/* hash key */
	List	   *persons;
} PersonsOf;

/* The first ones of a schema, or of any */
static List *
first_persons(const Facts *facts, Oid schema)
{
	List	   *persons = NIL;

	foreach_int(t, facts->names_of->persons)
	{
		if (list_length(persons) < PERSONS_MAX && (!OidIsValid(schema) || facts->tables[t].schema == schema))
			persons = lappend_int(persons, t);
	}
	return persons;
}

List *
names_persons(const Facts *facts, int column)
{
	Oid			schema = facts->tables[facts->columns[column].table].schema;
	bool		found;
	PersonsOf  *entry = hash_search(facts->names_of->persons_of, &schema, HASH_ENTER, &found);

	if (!found)
	{
		MemoryContext caller = MemoryContextSwitchTo(facts->context);

		entry->persons = first_persons(facts, schema);
		if (entry->persons == NIL)
			entry->persons = first_persons(facts, InvalidOid);
		MemoryContextSwitchTo(caller);
	}
	return entry->persons;
}

/*
 * Words of tables' names that a stem may be short for, or that are short for
 * it.  The same stems come again and again, so it is looked for once.
 */
List *
names_expansions(Facts *facts, const char *stem)
{
	bool		found;
	char		key[WORD_KEY_SIZE];
	NameEntry  *entry;

	strlcpy(key, stem, sizeof(key));
	entry = hash_search(facts->names_of->expansions, key, HASH_ENTER, &found);
	if (!found)
	{
		MemoryContext caller = MemoryContextSwitchTo(facts->context);

		entry->values = NIL;
		foreach_ptr(char, word, facts->names_of->vocabulary[(unsigned char) stem[0]])
		{
			if (words_abbreviate(stem, word))
				entry->values = lappend(entry->values, word);
			if (list_length(entry->values) == EXPANSIONS_MAX)
				break;
		}
		MemoryContextSwitchTo(caller);
	}
	return entry->values;
}

void
names_prepare(Facts *facts)
{
	Names	   *names = palloc0(sizeof(Names));
	HASHCTL		persons = {.keysize = sizeof(Oid),.entrysize = sizeof(PersonsOf),.hcxt = CurrentMemoryContext};

	facts->names_of = names;
	names->persons_of = hash_create("people by schema", 16, &persons, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	names->whole = names_hash("whole table names");
	names->tails = names_hash("ends of table names");
	names->rests = names_hash("table names after prefixes");
	names->heads = names_hash("beginnings of table names");
	names->columns = names_hash("column names");
	names->keys = names_hash("key names");
	names->prefixes = names_hash("prefixes of tables");
	names->expansions = names_hash("what is short for what");
	count_prefixes(facts);
	for (int t = 0; t < facts->ntables; t++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!facts->tables[t].partition)
			add_table(facts, t);
	}
	for (int t = 0; t < facts->ntables; t++)
	{
		CHECK_FOR_INTERRUPTS();
		find_prefix(facts, &facts->tables[t]);
		find_column_prefix(facts, &facts->tables[t]);
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
	find_persons(facts);
	learn_names(facts);
}
