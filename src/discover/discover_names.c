/*-------------------------------------------------------------------------
 *
 * discover_names.c
 *	  The names of tables, keys and columns, ready to be looked up.
 *
 * The names of tables and of their keys are put into hash tables, whole and
 * in parts; what is no part of their meaning, such as the application's name
 * before each table's, is found by how often it occurs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define GLUED_MIN 4				/* letters of a name found inside of a word */
#define EXPANSIONS_MAX 8		/* words that an abbreviation may stand for */
#define EXTENDED_MAX 8			/* of other schemas' tables that one may
								 * extend */
#define PERSON_GLUED 150		/* how well appuser does as the table of
								 * people: not as well as users, better than
								 * clients */
#define PERSON_LOGIN 60			/* how much a password adds to that.. */
#define PERSON_TOLD 5			/* .. and each column about a person.. */
#define PERSON_TOLD_MAX 6
#define PERSON_OUTSIDE 60		/* .. and customers take away */
#define LOGIN_COLUMNS 2			/* that tell of people whose table is called
								 * otherwise */
#define LOGIN_TIMES 3			/* as many as in one that is called by a word
								 * for people */
#define PERSONS_MAX 2			/* tables of people that "created_by" may mean */

typedef struct NameEntry
{
	char		key[WORD_KEY_SIZE]; /* hash key */
	List	   *forms;			/* of NameForm *; of int for keys and columns */
	NameCrowd  *crowd;			/* see names_crowd(); NULL: not yet counted */
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
	{
		entry->forms = NIL;
		entry->crowd = NULL;
	}
	return entry;
}

void
names_add(HTAB *hash, const char *key, int value)
{
	NameEntry  *entry = name_entry(hash, key);

	entry->forms = lappend_int(entry->forms, value);
}

List *
names_find(HTAB *hash, const char *key)
{
	NameEntry  *entry = hash_search(hash, key, HASH_FIND, NULL);

	return entry ? entry->forms : NIL;
}

bool
names_extended(const Facts *facts, int front, int table)
{
	const FactTable *a = &facts->tables[front];
	const FactTable *b = &facts->tables[table];
	int			n = a->words.n - a->prefix;

	return b->words.n - b->prefix >= n && words_same(&a->words, a->prefix, &b->words, b->prefix, n);
}

/* hold is short for hold_request beside hold_request_note */
static const NameForm *
root_of_family(const Facts *facts, List *forms)
{
	const NameForm *root = NULL;

	foreach_ptr(const NameForm, form, forms)
	{
		if (form->match == MATCH_HEAD && (root == NULL || form->back < root->back))
			root = form;
	}
	foreach_ptr(const NameForm, form, forms)
	{
		if (root && form->match == MATCH_HEAD && !names_extended(facts, root->table, form->table))
			return NULL;
	}
	return root;
}

const NameCrowd *
names_crowd(Facts *facts, const char *name)
{
	NameEntry  *entry = hash_search(facts->by_table_name, name, HASH_FIND, NULL);
	ListCell   *lc;

	if (entry->crowd == NULL)
	{
		entry->crowd = MemoryContextAllocZero(facts->context, sizeof(NameCrowd));
		foreach(lc, entry->forms)
			entry->crowd->n[((const NameForm *) lfirst(lc))->match]++;
		entry->crowd->root = root_of_family(facts, entry->forms);
	}
	return entry->crowd;
}

bool
words_is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0';
}

/* Words of no meaning of their own, at either end of a table's name */
static bool
is_decoration(const Words *words, int i)
{
	return words_is_number(words->stem[i]) || (words->class[i] & WORD_DECORATION);
}

/*
 * How do the columns of a table begin?  With one word for nearly all of them
 * (c_name, c_address, ...), that word is no part of what they mean.
 */
static void
find_column_prefix(Facts *facts, FactTable *table)
{
	const char *first = NULL;
	int			all = 0;
	int			same = 0;

	for (int i = 0; i < table->ncolumns; i++)
	{
		FactColumn *column = &facts->columns[table->columns + i];

		if (column->name == NULL)
			continue;
		all++;
		if (column->words.n < 2)
			continue;
		if (first == NULL)
			first = column->words.stem[0];
		if (strcmp(first, column->words.stem[0]) == 0)
			same++;
	}
	if (all >= 3 && same >= all * 0.8)
		table->column_prefix = 1;
}

/* The first column's word of that prefix */
bool
match_columns_begin_alike(const Facts *facts, const FactColumn *column)
{
	const FactTable *table = &facts->tables[column->table];

	if (table->column_prefix == 0 || column->words.n < 2)
		return false;
	for (int i = 0; i < table->ncolumns; i++)
	{
		const FactColumn *other = &facts->columns[table->columns + i];

		if (other->name && other->words.n >= 2)
			return strcmp(other->words.stem[0], column->words.stem[0]) == 0;
	}
	return false;
}

static void
prepare_columns(Facts *facts)
{
	char		key[WORD_KEY_SIZE];

	facts->by_column_name = names_hash("column names");
	for (int t = 0; t < facts->ntables; t++)
	{
		CHECK_FOR_INTERRUPTS();
		find_column_prefix(facts, &facts->tables[t]);
	}
	for (int c = 0; c < facts->ncolumns; c++)
	{
		FactColumn *column = &facts->columns[c];
		NameEntry  *entry;

		CHECK_FOR_INTERRUPTS();
		if (column->name == NULL)
			continue;
		words_join(&column->words, match_columns_begin_alike(facts, column) ? 1 : 0, column->words.n, key);
		if (facts->tables[column->table].partition)
		{
			column->joined = pstrdup(key);
			continue;
		}
		entry = name_entry(facts->by_column_name, key);
		column->joined = entry->key;
		entry->forms = lappend_int(entry->forms, c);
	}
}

/* How many tables' names begin with the same word, a common prefix left out? */
static void
find_families(Facts *facts)
{
	HTAB	   *firsts = names_hash("families");

	for (int pass = 0; pass < 2; pass++)
	{
		for (int t = 0; t < facts->ntables; t++)
		{
			FactTable  *table = &facts->tables[t];
			NameEntry  *entry;

			if (table->words.n <= table->prefix || table->partition)
				continue;
			entry = name_entry(firsts, table->words.stem[table->prefix]);
			if (pass == 0)
				entry->forms = lappend_int(entry->forms, t);
			else if (table->words.n > table->prefix + 1)
				table->family = list_length(entry->forms);
		}
	}
	hash_destroy(firsts);
}

bool
names_another(const Facts *facts, const FactTable *table, int lo, int hi)
{
	char		name[WORD_KEY_SIZE];

	words_join(&table->words, lo, hi, name);
	return names_find(facts->by_whole_name, name) != NIL;
}

/* The words with which many tables begin: the name of the application, unless a table has just that name */
static void
find_table_prefixes(Facts *facts)
{
	HTAB	   *firsts = names_hash("first words");
	char		name[WORD_KEY_SIZE];

	facts->by_whole_name = names_hash("whole names");
	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];

		if (table->partition)
			continue;
		if (table->words.n > 1)
			names_add(firsts, table->words.stem[0], t);
		words_join(&table->words, 0, table->words.n, name);
		names_add(facts->by_whole_name, name, t);
	}
	for (int t = 0; t < facts->ntables; t++)
	{
		FactTable  *table = &facts->tables[t];
		int			sharing;

		if (table->words.n < 2)
			continue;
		sharing = list_length(names_find(firsts, table->words.stem[0]));
		if (!names_another(facts, table, 0, 1) &&
			((sharing >= 4 && sharing >= facts->ntables * 0.4) || is_decoration(&table->words, 0)))
			table->prefix = 1;
	}
	hash_destroy(firsts);
	find_families(facts);
}

static void
add_form(Facts *facts, int table, int front, int back, NameMatch match)
{
	const Words *words = &facts->tables[table].words;
	NameForm   *form = palloc(sizeof(NameForm));
	NameEntry  *entry;
	char		key[WORD_KEY_SIZE];
	char		whole[WORD_KEY_SIZE];

	words_join(words, front, words->n - back, key);
	words_join(words, 0, words->n, whole);
	form->table = table;
	form->front = front;
	form->back = back;
	form->glued = false;
	form->match = match;
	form->cover = (double) strlen(key) / Max(strlen(whole), 1);
	entry = name_entry(facts->by_table_name, key);
	entry->forms = lappend(entry->forms, form);
}

/* bu_class or buc is short for business_unit_class: initials of the words before rest, and the others whole */
static void
add_acronym(Facts *facts, int table, int rest)
{
	const FactTable *t = &facts->tables[table];
	NameForm   *form = palloc0(sizeof(NameForm));
	NameEntry  *entry;
	char		key[WORD_KEY_SIZE];
	char		name[WORD_KEY_SIZE];
	int			n = 0;

	for (int i = t->prefix; i < rest; i++)
		key[n++] = t->words.stem[i][0];
	words_join(&t->words, rest, t->words.n, name);
	strlcpy(key + n, name, WORD_KEY_SIZE - n);
	form->table = table;
	form->match = MATCH_ACRONYM;
	form->cover = rest < t->words.n;
	entry = name_entry(facts->by_table_name, key);
	entry->forms = lappend(entry->forms, form);
}

/*
 * A name written as one word ("salesorder") may end in a word that another
 * name has alone.
 */
static void
add_glued_forms(Facts *facts, int table)
{
	const Words *words = &facts->tables[table].words;
	const char *last = words->stem[words->n - 1];
	int			length = strlen(last);

	for (int p = 2; length - p >= GLUED_MIN; p++)
	{
		NameForm   *form = palloc0(sizeof(NameForm));
		char		key[WORD_KEY_SIZE];
		NameEntry  *entry;

		strlcpy(key, last + p, sizeof(key));
		form->table = table;
		form->front = p;
		form->glued = true;
		form->match = MATCH_TAIL;
		form->cover = (double) (length - p) / length;
		entry = name_entry(facts->by_table_name, key);
		entry->forms = lappend(entry->forms, form);
	}
}

static void
add_vocabulary(Facts *facts, const char *stem)
{
	List	  **list = &facts->vocabulary[(unsigned char) stem[0]];
	ListCell   *lc;

	if (strlen(stem) < 3)
		return;
	foreach(lc, *list)
	{
		if (strcmp(lfirst(lc), stem) == 0)
			return;
	}
	*list = lappend(*list, unconstify(char *, stem));
}

int
names_end(const FactTable *table)
{
	int			end = table->words.n;

	while (end > table->prefix + 1 && is_decoration(&table->words, end - 1))
		end--;
	return end;
}

static void
prepare_table(Facts *facts, int t)
{
	FactTable  *table = &facts->tables[t];
	int			n = table->words.n;
	int			end = names_end(table);

	for (int front = 0; front < n; front++)
	{
		/* unit_unit is the unit of the module of that name */
		bool		whole = front <= table->prefix ||
			(n == 2 && front == 1 && strcmp(table->words.stem[0], table->words.stem[1]) == 0);

		add_form(facts, t, front, 0, whole ? MATCH_FULL : MATCH_TAIL);
		add_vocabulary(facts, table->words.stem[front]);
		if (end < n && front < end)
			add_form(facts, t, front, n - end, front <= table->prefix ? MATCH_FULL : MATCH_TAIL);
	}
	for (int back = 1; back < n - table->prefix; back++)
	{
		if (n - back != end)
			add_form(facts, t, table->prefix, back, MATCH_HEAD);
	}
	if (n - table->prefix == 1)
		add_glued_forms(facts, t);
	for (int rest = n; rest >= table->prefix + 2; rest--)
		add_acronym(facts, t, rest);
}

/* Is a key's name too general to say whose key it is? */
bool
match_generic_name(const Facts *facts, int c)
{
	const Words *words = &facts->columns[c].words;

	for (int i = match_columns_begin_alike(facts, &facts->columns[c]) ? 1 : 0; i < words->n; i++)
	{
		if (words_suffix(words->word[i]) == SUFFIX_NONE &&
			!(words->class[i] & WORD_GENERIC))
			return false;
	}
	return true;
}

/* Does a table go by this name? */
static bool
form_of_table(Facts *facts, const char *name, int table, NameMatch at_least)
{
	foreach_ptr(NameForm, form, names_find(facts->by_table_name, name))
	{
		if (form->table == table && form->match >= at_least)
			return true;
	}
	return false;
}

static bool
form_of_another(Facts *facts, const char *name, int table, NameMatch match)
{
	foreach_ptr(NameForm, form, names_find(facts->by_table_name, name))
	{
		if (form->table != table && form->match == match && !form->glued)
			return true;
	}
	return false;
}

/* Is a key named after its own table, or after another one? */
static void
find_owner(Facts *facts, FactKey *key)
{
	const FactTable *table = &facts->tables[key->table];
	const FactColumn *column = &facts->columns[key->columns[0]];
	WordsRoom	room;
	Words		words = words_copy(&column->words, &room);
	int			lo = match_columns_begin_alike(facts, column) ? 1 : 0;
	int			hi = words.n;
	Suffix		suffix;
	int			glued;
	char		name[WORD_KEY_SIZE];

	/* user_id in users, whose other columns begin with user_ as well */
	if (lo == 1)
	{
		words_join(&words, 0, 1, name);
		key->owned = form_of_table(facts, name, key->table, MATCH_HEAD);
		if (key->owned && hi == 2)
			return;
	}
	if (hi - lo > 1 && words_reference_prefix(words.word[lo]))
		lo++;
	if (hi - lo > 1 && words_suffix(words.word[hi - 1]) != SUFFIX_NONE)
		hi--;
	else if ((glued = words_glued_suffix(words.word[hi - 1], &suffix)) > 0)
		words.stem[hi - 1] = words_stem(pnstrdup(words.word[hi - 1], glued));
	words_join(&words, lo, hi, name);

	/*
	 * area of country_area, beside a table area, is that one's; and worker of
	 * worker_token, beside node_worker, is at least not the token's own
	 */
	if (!form_of_table(facts, name, key->table, MATCH_FULL) &&
		form_of_another(facts, name, key->table, MATCH_FULL))
		key->borrowed = true;
	else if (form_of_table(facts, name, key->table, MATCH_TAIL) ||
			 !form_of_another(facts, name, key->table, MATCH_TAIL))
		key->owned = form_of_table(facts, name, key->table, MATCH_ACRONYM) ||
			words_abbreviates(words.stem[hi - 1], table->words.stem[table->words.n - 1]) == 1;
}

/* What do primary keys of one column go by here: id, pk, uuid? */
static void
find_usual_names(Facts *facts)
{
	HTAB	   *names = names_hash("names of primary keys");
	int			all = 0;
	double		most = 0;

	facts->by_key_word = names_hash("words that are names of keys");
	for (int pass = 0; pass < 2; pass++)
	{
		for (int k = 0; k < facts->nkeys; k++)
		{
			FactKey    *key = &facts->keys[k];
			const FactColumn *column = &facts->columns[key->columns[0]];

			if (key->n > 1 || facts->tables[key->table].partition)
				continue;
			if (pass == 1)
			{
				key->usual = (double) list_length(names_find(names, column->joined)) / Max(all, 1);
				most = Max(most, key->usual);
			}
			else if (key->primary)
			{
				names_add(names, column->joined, k);
				if (column->words.n == 1 && !match_generic_name(facts, key->columns[0]) &&
					!(column->words.class[0] & WORD_MEASURE))
					names_add(facts->by_key_word, column->words.stem[0], k);
				all++;
			}
		}
	}
	hash_destroy(names);
	for (int k = 0; k < facts->nkeys; k++)
		facts->keys[k].unlike = most - facts->keys[k].usual;
}

/* Words of the name of a key's table */
static int
own_words(const Facts *facts, const FactKey *key)
{
	const FactTable *table = &facts->tables[key->table];

	return table->words.n - table->prefix;
}

/* Does a table's name have more words before all those of another's? */
static bool
ends_in_all_of(const FactTable *table, const FactTable *other)
{
	int			n = other->words.n - other->prefix;

	return table->words.n - table->prefix > n &&
		words_same(&table->words, table->words.n - n, &other->words, other->prefix, n);
}

/*
 * Of several keys with one name, those that bear their table's count.  Of
 * these the ones whose table has the fewest words are the first, unless
 * another one of the same schema has as few; catalog_eav_attribute adds to
 * eav_attribute.
 */
static void
find_first(Facts *facts, List *sharing)
{
	List	   *shortest = NIL;
	ListCell   *lc;

	foreach(lc, sharing)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];
		int			longer = shortest ? own_words(facts, key) - own_words(facts, &facts->keys[linitial_int(shortest)]) : 0;

		if (!key->owned || longer > 0)
			continue;
		if (longer < 0)
			shortest = NIL;
		shortest = lappend_int(shortest, lfirst_int(lc));
	}
	foreach(lc, sharing)
	{
		FactKey    *key = &facts->keys[lfirst_int(lc)];
		const FactTable *table = &facts->tables[key->table];
		bool		among = false;
		bool		another = false;

		CHECK_FOR_INTERRUPTS();
		key->borrowed |= shortest && !key->owned;
		for (int i = 0; i < list_length(shortest); i++)
		{
			const FactKey *other = &facts->keys[list_nth_int(shortest, i)];
			bool		same_schema = facts->tables[other->table].schema == table->schema;

			among |= other == key;
			another |= other != key && same_schema;

			/* many schemas have the same tables */
			if (same_schema || i < EXTENDED_MAX)
				key->borrowed |= ends_in_all_of(table, &facts->tables[other->table]);
		}
		key->first |= among && !another && list_length(sharing) > 1;
	}
	list_free(shortest);
}

static void
prepare_keys(Facts *facts)
{
	HASH_SEQ_STATUS scan;
	NameEntry  *entry;

	facts->by_key_name = names_hash("key names");
	find_usual_names(facts);
	for (int k = 0; k < facts->nkeys; k++)
	{
		FactKey    *key = &facts->keys[k];
		const FactColumn *column = &facts->columns[key->columns[0]];
		char		name[WORD_KEY_SIZE];

		if (key->n > 1 || facts->tables[key->table].partition)
			continue;
		find_owner(facts, key);
		if (match_columns_begin_alike(facts, column))
		{
			/* c_id of customer may be ca_c_id of its account */
			words_join(&column->words, 0, column->words.n, name);
			entry = name_entry(facts->by_key_name, name);
			entry->forms = lappend_int(entry->forms, k);
		}
		if (match_generic_name(facts, key->columns[0]) ||
			(!key->primary && strcmp(column->words.word[column->words.n - 1], "fk") == 0))
			continue;
		entry = name_entry(facts->by_key_name, column->joined);
		entry->forms = lappend_int(entry->forms, k);
	}
	for (int k = 0; k < facts->nkeys; k++)
	{
		FactKey    *key = &facts->keys[k];
		List	   *sharing = key->n > 1 ? NIL :
			names_find(facts->by_key_name, facts->columns[key->columns[0]].joined);

		key->sharing = list_length(sharing);
	}
	hash_seq_init(&scan, facts->by_key_name);
	while ((entry = hash_seq_search(&scan)) != NULL)
		find_first(facts, entry->forms);
}

/* appuser, eperson, userinfo: does one word hold that of people and a bit more? */
static bool
is_person_glued(const char *stem)
{
	static const char *const ends[] = {"user", "person", "employe", "benutzer", "usuario"};
	int			length = strlen(stem);

	for (int i = 0; i < lengthof(ends); i++)
	{
		int			n = strlen(ends[i]);

		if (length > n && strcmp(stem + length - n, ends[i]) == 0)
			return true;
	}
	return strcmp(stem, "userinfo") == 0 || strcmp(stem, "userdata") == 0 || strcmp(stem, "useraccount") == 0;
}

/* How well does a table do as the one of people?  0: not at all */
static int
person_rank(const FactTable *table)
{
	int			n = table->words.n;
	int			end = names_end(table);
	const char *last = table->words.stem[Min(end, n) - 1];
	static const char *const best[] = {"user", "utilisateur", "usuario", "benutzer", "account", "person", "employe", "member"};
	int			rank;

	if (table->partition)
		return 0;
	if (!(table->words.class[Min(end, n) - 1] & WORD_PERSON))
		return end - table->prefix == 1 && is_person_glued(last) ? PERSON_GLUED : 0;
	rank = end - table->prefix == 1 ? 100 : 50 - 5 * n;
	for (int i = 0; i < lengthof(best); i++)
	{
		if (strcmp(last, best[i]) == 0)
			rank += 80 - 8 * i;
	}
	return Max(rank, 1);
}

/* Is it one of customers, or of a customer's users? */
bool
names_outsiders(const FactTable *table)
{
	return words_any(&table->words, table->prefix, table->words.n, WORD_OUTSIDER);
}

/* Has a table a column with another's name and id? */
static bool
has_id_of(const Facts *facts, int table, const FactTable *other)
{
	char		name[WORD_KEY_SIZE];

	words_join(&other->words, other->prefix, names_end(other), name);
	strlcat(name, "id", sizeof(name));
	return match_column_named(facts, table, name) >= 0;
}

/* Is a column about a person?  email_protected is a flag of anything. */
static bool
tells_of_person(const FactColumn *column)
{
	return column->name && words_personal(&column->words) && facts_type_category(column->type) != TYPCATEGORY_BOOLEAN;
}

/* Columns about a person besides the password: -1 if there is none */
static int
login_columns(const Facts *facts, const FactTable *table)
{
	bool		secret = false;
	int			personal = 0;

	for (int c = table->columns; c < table->columns + table->ncolumns && !secret; c++)
		secret = facts->columns[c].name && words_secret(&facts->columns[c].words) == 1;
	for (int c = table->columns; c < table->columns + table->ncolumns && secret; c++)
		personal += tells_of_person(&facts->columns[c]) && words_secret(&facts->columns[c].words) == 0;
	return secret ? personal : -1;
}

/*
 * People are in the table that holds passwords with their names and addresses,
 * whatever it is called, if no table that is called by a word for people holds
 * a password; or none called just that, and those that do hold hardly anything
 * else: borrowers, and not vendor_accounts.
 */
static void
find_logins(Facts *facts)
{
	int			best = -1;
	int			most = LOGIN_COLUMNS - 1;
	ListCell   *lc;

	foreach(lc, facts->persons)
	{
		const FactTable *table = &facts->tables[lfirst_int(lc)];
		int			personal = login_columns(facts, table);

		if (personal >= 0 && names_end(table) - table->prefix == 1)
			return;
		most = Max(most, LOGIN_TIMES * personal);
	}
	for (int t = 0; t < facts->ntables; t++)
	{
		int			n = facts->tables[t].partition || facts->tables[t].primary < 0 ? 0 :
			login_columns(facts, &facts->tables[t]);

		if (n > most)
		{
			best = t;
			most = n;
		}
	}
	if (best >= 0)
		facts->persons = lcons_int(best, facts->persons);
}

/*
 * Of the tables of people, one holds more than the others of what people log
 * in with and are called.  What is in a table about another's rows is the
 * other's, and more is known of customers than of those who work with them.
 */
static void
find_personal(Facts *facts)
{
	double		most = 0;
	double		all = 0;
	ListCell   *lc;
	ListCell   *lo;

	foreach(lc, facts->persons)
	{
		FactTable  *table = &facts->tables[lfirst_int(lc)];

		for (int c = table->columns; c < table->columns + table->ncolumns; c++)
			table->personal += tells_of_person(&facts->columns[c]);
	}
	foreach(lc, facts->persons)
	{
		FactTable  *table = &facts->tables[lfirst_int(lc)];

		foreach(lo, facts->persons)
		{
			FactTable  *other = &facts->tables[lfirst_int(lo)];

			/* but the users of a customer are no customers */
			if (other != table && person_rank(other) >= person_rank(table) &&
				has_id_of(facts, lfirst_int(lc), other) && !has_id_of(facts, lfirst_int(lo), table))
			{
				other->personal += table->personal;
				table->personal = 0;
			}
		}
	}
	foreach(lc, facts->persons)
	{
		const FactTable *table = &facts->tables[lfirst_int(lc)];

		all = Max(all, table->personal);
		if (!names_outsiders(table))
			most = Max(most, table->personal);
	}
	if (most == 0)
		most = all;
	foreach(lc, facts->persons)
	{
		FactTable  *table = &facts->tables[lfirst_int(lc)];

		/* where none holds any of that, they are alike */
		table->personal = most > 0 ? Min(table->personal / most, 1) : 1;
	}
}

/* person_rank() with what the table holds: a password speaks for it, and whatever is told of people */
static int
person_standing(const Facts *facts, const FactTable *table)
{
	int			rank = person_rank(table);
	int			personal = 0;

	/* nothing refers to what has no key */
	if (rank == 0 || table->primary < 0 || facts->keys[table->primary].n > 1)
		return 0;
	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
		personal += tells_of_person(&facts->columns[c]);
	rank += PERSON_TOLD * Min(personal, PERSON_TOLD_MAX) + (login_columns(facts, table) >= 0 ? PERSON_LOGIN : 0) -
		(names_outsiders(table) ? PERSON_OUTSIDE : 0);
	return Max(rank, 1);
}

static void
prepare_persons(Facts *facts)
{
	int			best[PERSONS_MAX];
	int			standing[PERSONS_MAX];
	int			n = 0;
	int			staff_rank = 0;

	facts->staff = -1;
	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];
		int			rank = person_standing(facts, table);
		int			at;

		if (rank == 0)
			continue;
		if (rank > staff_rank && (table->words.class[names_end(table) - 1] & WORD_STAFF))
		{
			facts->staff = t;
			staff_rank = rank;
		}
		for (at = n; at > 0 && standing[at - 1] < rank; at--)
		{
			if (at < PERSONS_MAX)
			{
				best[at] = best[at - 1];
				standing[at] = standing[at - 1];
			}
		}
		if (at < PERSONS_MAX)
		{
			best[at] = t;
			standing[at] = rank;
		}
		n = Min(n + 1, PERSONS_MAX);
	}
	for (int i = 0; i < n; i++)
		facts->persons = lappend_int(facts->persons, best[i]);
	if (facts->staff >= 0)
		facts->persons = list_append_unique_int(facts->persons, facts->staff);
	find_logins(facts);
	find_personal(facts);
}

/* The table of pictures and files */
static void
prepare_pictures(Facts *facts)
{
	int			best = 0;

	facts->pictures = -1;
	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];
		int			last = names_end(table) - 1;
		int			rank;

		if (table->partition || table->primary < 0)
			continue;
		rank = last == table->prefix ? words_pictures(table->words.stem[last]) : 0;
		if (rank > best)
		{
			best = rank;
			facts->pictures = t;
		}
	}
}

/*
 * Words of tables' names that a stem may be short for, or that are short for
 * it.  The same stems come again and again, so it is looked for once.
 */
List *
names_expansions(Facts *facts, const char *stem)
{
	bool		found;
	NameEntry  *entry = hash_search(facts->expansions, stem, HASH_ENTER, &found);
	MemoryContext old;
	ListCell   *lc;

	if (found)
		return entry->forms;
	entry->forms = NIL;
	old = MemoryContextSwitchTo(facts->context);
	foreach(lc, facts->vocabulary[(unsigned char) stem[0]])
	{
		const char *word = lfirst(lc);

		if (!words_abbreviates(stem, word) && !words_abbreviates(word, stem))
			continue;
		entry->forms = lappend(entry->forms, lfirst(lc));
		if (list_length(entry->forms) == EXPANSIONS_MAX)
			break;
	}
	MemoryContextSwitchTo(old);
	return entry->forms;
}

/* The tables that one letter can mean */
static void
prepare_letters(Facts *facts)
{
	int			sharing[256] = {0};

	memset(facts->by_letter, -1, sizeof(facts->by_letter));
	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];
		unsigned char letter;

		if (table->partition || table->primary < 0 || table->words.n != table->prefix + 1)
			continue;
		letter = table->words.stem[table->prefix][0];
		facts->by_letter[letter] = sharing[letter]++ == 0 ? t : -1;
	}
}

void
match_prepare(Facts *facts)
{
	split_names(facts);
	prepare_columns(facts);
	find_table_prefixes(facts);
	facts->by_table_name = names_hash("table names");
	facts->expansions = names_hash("what is short for what");
	for (int t = 0; t < facts->ntables; t++)
	{
		if (!facts->tables[t].partition)
			prepare_table(facts, t);
	}
	prepare_keys(facts);
	prepare_persons(facts);
	prepare_pictures(facts);
	prepare_letters(facts);
}

bool
match_is_key(const Facts *facts, int table, int column)
{
	ListCell   *lc;

	foreach(lc, facts->tables[table].keys)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];

		if (key->n == 1 && key->columns[0] == column)
			return true;
	}
	return false;
}

List *
match_columns_named(const Facts *facts, const char *joined)
{
	return names_find(facts->by_column_name, joined);
}

int
match_column_named(const Facts *facts, int table, const char *joined)
{
	const FactTable *t = &facts->tables[table];
	List	   *columns = match_columns_named(facts, joined);
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
