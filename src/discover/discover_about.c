/*-------------------------------------------------------------------------
 *
 * discover_about.c
 *	  What a column means in the table that it is in.
 *
 * The name of a column may say little or nothing of the parent's, and the
 * child's name the rest: what the table extends, what it is about, the kinds
 * of its rows, the two tables that it links.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_match.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define LETTER_RECURS 3			/* tables that have a column called by a
								 * letter */
#define KINDS_COLUMNS 3			/* of a table of kinds: a name and what it
								 * means */

/* The primary key of a table, or the only other one that is of the column's type: or -1 */
static int
fitting_key(const MatchState *state, int table)
{
	Facts	   *facts = state->facts;
	Oid			type = facts->columns[state->column].type;
	int			fitting = -1;
	ListCell   *lc;

	if (match_primary_fits(state, table))
		return facts->tables[table].primary;
	foreach(lc, facts->tables[table].keys)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];

		if (key->n > 1 || facts_is_text(type) || facts->columns[key->columns[0]].type != type)
			continue;
		if (fitting >= 0 && facts->keys[fitting].columns[0] != key->columns[0])
			return -1;
		fitting = lfirst_int(lc);
	}
	return fitting;
}

/* Other tables whose whole name is the first n words of a table's, with a primary key: list of int */
static List *
tables_at_front(const Facts *facts, const FactTable *table, int n)
{
	List	   *tables = NIL;
	char		name[WORD_KEY_SIZE];

	words_join(&table->words, table->prefix, n, name);
	foreach_ptr(const NameForm, form, names_find(facts->by_table_name, name))
	{
		const FactTable *other = &facts->tables[form->table];

		if (form->match == MATCH_FULL && other != table && other->primary >= 0)
			tables = lappend_int(tables, form->table);
	}
	return tables;
}

/* A key named id, in a table whose name is that of another and more */
void
about_extension(MatchState *state)
{
	Facts	   *facts = state->facts;
	const FactColumn *column = &facts->columns[state->column];
	const FactTable *table = &facts->tables[column->table];

	if ((!column->in_primary && table->primary >= 0) || column->words.n > 1 ||
		words_suffix(column->words.word[0]) == SUFFIX_NONE)
		return;
	for (int n = table->words.n - 1; n > table->prefix; n--)
	{
		bool		found = false;
		ListCell   *lc;

		foreach(lc, tables_at_front(facts, table, n))
		{
			Candidate	cand;

			if (!match_begin(state, facts->tables[lfirst_int(lc)].primary, &cand))
				continue;
			cand.extends = true;
			cand.rank = match_rank(facts, &cand);
			match_keep(state, &cand);
			found = true;
		}
		if (found)
			return;
	}
}

/* Is the column's name what the table's has after the first n words, or short for it? */
static bool
is_rest_of_name(const MatchState *state, const FactTable *table, int n)
{
	char		rest[WORD_KEY_SIZE];
	char		name[WORD_KEY_SIZE];

	words_join(&table->words, n, table->words.n, rest);
	words_join(state->words, state->lo, state->hi, name);
	return strcmp(rest, name) == 0 || words_abbreviates(name, rest);
}

/* The tables that the longest beginning of a table's name means: all of its columns ask */
static void
find_subjects(Facts *facts, FactTable *table)
{
	table->subject_end = 0;
	for (int n = table->words.n - 1; n > table->prefix && table->subjects == NIL; n--)
	{
		ListCell   *lc;

		foreach(lc, tables_at_front(facts, table, n))
		{
			MemoryContext old;

			if (facts->keys[facts->tables[lfirst_int(lc)].primary].n > 1)
				continue;
			old = MemoryContextSwitchTo(facts->context);
			table->subjects = lappend_int(table->subjects, lfirst_int(lc));
			MemoryContextSwitchTo(old);
			table->subject_end = n;
		}
	}
}

/*
 * A table about the rows of another, class_dependency or feature_relationship:
 * its dependency_id, or its parent_id, subject_id and the like, are rows of
 * that.
 */
void
about_subject(MatchState *state)
{
	Facts	   *facts = state->facts;
	FactTable  *table = &facts->tables[facts->columns[state->column].table];
	ListCell   *lc;

	if (table->subject_end < 0)
		find_subjects(facts, table);
	if (table->subjects == NIL || state->hi == state->lo || match_names_a_table(state) ||
		(!(state->words->class[match_role_word(state)] & (WORD_SELF | WORD_ROLE)) &&
		 !is_rest_of_name(state, table, table->subject_end)))
		return;
	foreach(lc, table->subjects)
	{
		int			key = fitting_key(state, lfirst_int(lc));
		Candidate	cand;

		if (key < 0 || !match_begin(state, key, &cand))
			continue;
		cand.about = true;
		cand.rank = match_rank(facts, &cand);
		match_keep(state, &cand);
	}
}

/* nid or n_id: the letter of a name that says no more than a letter and id, or 0 */
static unsigned char
letter_of_id(const Words *words, int lo)
{
	if (words->n - lo == 1 && strlen(words->word[lo]) == 3 && strcmp(words->word[lo] + 1, "id") == 0)
		return words->word[lo][0];
	if (words->n - lo == 2 && strlen(words->word[lo]) == 1 && strcmp(words->word[lo + 1], "id") == 0)
		return words->word[lo][0];
	return 0;
}

/*
 * A column of a letter and id, in many tables: the table that the letter
 * begins, if there is one only.
 */
void
about_letter(MatchState *state)
{
	Facts	   *facts = state->facts;
	const FactColumn *column = &facts->columns[state->column];
	unsigned char letter = letter_of_id(&column->words, match_columns_begin_alike(facts, column) ? 1 : 0);
	int			primary;
	Candidate	cand;

	if (letter == 0 || facts->by_letter[letter] < 0 || match_names_a_table(state) || column->alone_primary ||
		list_length(match_columns_named(facts, column->joined)) < LETTER_RECURS)
		return;
	primary = facts->tables[facts->by_letter[letter]].primary;
	if (facts->keys[primary].n > 1 || !match_begin(state, primary, &cand))
		return;
	cand.letter = true;
	cand.suffix = SUFFIX_ID;
	cand.rank = match_rank(facts, &cand);
	match_keep(state, &cand);
}

/*
 * The kinds that a column may be of: job_run (status) to job_run_status_enum,
 * where the child's name, or its beginning, and the column's come before one
 * more word.
 */
void
about_kinds(MatchState *state)
{
	Facts	   *facts = state->facts;
	const FactTable *table = &facts->tables[facts->columns[state->column].table];
	char		name[WORD_KEY_SIZE];
	char		column[WORD_KEY_SIZE];

	if (state->hi == state->lo || state->suffix != SUFFIX_NONE || state->prefix || match_names_a_table(state) ||
		!facts_is_text(facts->columns[state->column].type))
		return;
	words_join(state->words, state->lo, state->hi, column);
	for (int n = table->words.n; n > table->prefix; n--)
	{
		words_join(&table->words, table->prefix, n, name);
		strlcpy(name + strlen(name), column, WORD_KEY_SIZE - strlen(name));
		foreach_ptr(const NameForm, form, names_find(facts->by_table_name, name))
		{
			Candidate	cand;

			if (form->match != MATCH_HEAD || form->back != 1 || facts->tables[form->table].primary < 0 ||
				facts->tables[form->table].ncolumns > KINDS_COLUMNS || &facts->tables[form->table] == table ||
				!match_begin(state, facts->tables[form->table].primary, &cand))
				continue;
			cand.kinds = true;
			cand.rank = match_rank(facts, &cand);
			match_keep(state, &cand);
		}
	}
}

/*
 * Prisma's link tables have the two in "A" and "B" by the alphabet, whatever
 * their order in a name that somebody gave: in _UserTopics, "A" is a topic.
 * In a name that Prisma gives, _TopicToUser, they are in that order.
 */
static bool
goes_by_alphabet(const Facts *facts, const FactColumn *column)
{
	const FactTable *table = &facts->tables[column->table];

	if (table->name[0] != '_' || column->words.n > 1 ||
		(strcmp(column->words.word[0], "a") != 0 && strcmp(column->words.word[0], "b") != 0))
		return false;
	for (int i = 1; i < table->words.n - 1; i++)
	{
		if (strcmp(table->words.word[i], "to") == 0)
			return false;
	}
	return true;
}

/* Of two columns that are only numbered, the first means the first table that a link table is named after, but for Prisma's */
void
about_link(MatchState *state, int place)
{
	Facts	   *facts = state->facts;
	const FactColumn *column = &facts->columns[state->column];
	int			ends[2];
	int			key;
	Candidate	cand;

	if (match_names_a_table(state) || !link_ends(facts, column->table, ends))
		return;
	if (goes_by_alphabet(facts, column) && strcmp(facts->tables[ends[0]].name, facts->tables[ends[1]].name) > 0)
		place = 3 - place;
	key = fitting_key(state, ends[place - 1]);
	if (key < 0 || !match_begin(state, key, &cand))
		return;
	cand.linked = true;
	cand.rank = match_rank(facts, &cand);
	match_keep(state, &cand);
}
