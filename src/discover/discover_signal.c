/*-------------------------------------------------------------------------
 *
 * discover_signal.c
 *	  What speaks for and against a candidate, as numbers from 0 to 1.
 *
 * The list of signals is the contract with schemaguard.discovery_weight: a
 * signal without a row there weighs nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_score.h"
#include "discover/discover_words.h"


/* That a child has the id and the name of a parent that has little else says nothing */
#define COPIED_MIN 4

/* A copy of a table that has so many columns has this share of them */
#define COPY_COLUMNS 3
#define COPY_SHARE 0.7

#define SIGNALS \
	X(CANDIDATE, "candidate", "what speaks against any candidate, for most are wrong") \
	Y(TABLE, "table name", "the column's name is the table's") \
	Y(TABLE_ROLE, "table name after role", "the column's name ends in the table's, after words of a role") \
	Y(TABLE_TAIL, "end of table name", "the column's name is the end of the table's") \
	Y(TABLE_TAIL_ROLE, "end of table name after role", "the column's name ends in the end of the table's") \
	Y(OWN_FRONT, "own prefix", "the rest of the table's name is what the child's begins with") \
	X(OWN_REST, "rest in child's name", "the rest of the table's name is in the child's") \
	X(OWN_SHARE, "share of child's name", "how much of the child's name that is") \
	Y(TAIL_ONLY, "only one", "no other table's name ends like that") \
	Y(KEY, "key name", "the column has the name of the parent's key") \
	Y(KEY_ROLE, "key name after role", "the column's name ends in that of the parent's key") \
	Y(ACTOR, "somebody who acts", "the name says who acts, and the table is the one of people") \
	X(PICTURE, "picture", "the name says what a picture is for, and the table is the one of pictures and files") \
	Y(SELF_WORD, "another row", "the name says that it is another row of the same table") \
	X(TREE_WORD, "row before or above", "that word says so and nothing else") \
	X(SELF_NAMED, "row of the own name", "and the child's own name comes before it") \
	X(DECORATED, "decorated", "another table has that name without words that say nothing") \
	X(NAMED_BESIDE, "named by another column", "the child has a column with all of the parent's name") \
	X(TABLE_HEAD, "beginning of table name", "the column's name is the beginning of the table's") \
	X(TABLE_COVER, "share of table name", "how much of the table's name the column's name holds") \
	X(TABLE_GLUED, "inside of the table's word", "it begins inside of a word of the table's name") \
	X(SHORTER, "shorter", "another table or key has more of the column's name") \
	X(COUNTS, "number of", "the words before say number, most, sum, ...") \
	X(PLURAL, "plural", "a number that is called by a plural") \
	X(QUANTITY, "named as a quantity", "its own last word is of a quantity, a time or a text") \
	X(RECURS, "recurs", "how many tables have a column of that name") \
	X(STYLE, "style", "how many of the columns that bear a table's name have this ending and type") \
	X(OTHER_FAMILY, "other family", "the parent's name begins like those of a family that the child is not in") \
	X(OTHER_FAMILY_KEY, "other family, key name", "the same, but the column's name has that of the parent's key, which is called after its table") \
	X(SAME_FAMILY, "same family", "both tables' names begin like those of one family") \
	X(SELF_BEFORE, "other row of the same table", "the words before say that it is another row, of the same table") \
	X(SELF_KEY, "key of the same table after role", "and then all of its key's name") \
	X(SELF_ROLE, "same table after role", "the same table, after words of a role") \
	X(CHILD_OWN, "child's own key", "it is the child's key and bears the child's name") \
	X(CHILD_NAMED, "child's name", "it is called like the child, and the parent is not") \
	X(PART_OF, "child of the parent", "the child's name begins with the parent's") \
	X(PART_OF_KEY, "child of the key's table", "and the column has the name of the parent's key, which does not say whose it is") \
	X(KEY_INITIAL, "initials before key", "letters before the key's name are the table's initials") \
	X(KEY_SHORT, "key abbreviated", "a word of the key's name is abbreviated") \
	X(KEY_WHOLE, "whole key name", "with the letters that the parent's columns begin with") \
	X(BARE_KEY, "bare key name", "a text column without such a word, named as the key") \
	X(SUFFIX_KIN, "similar ending", "column and key end in similar words") \
	X(WORDS_AFTER, "words after", "words follow the table's name in the column's") \
	X(AFTER_SIBLING, "words after a sibling's", "and the child has a column of that name without them") \
	X(MEASURE, "quantity", "those words are of a quantity, a time or a text") \
	Y(ABBREVIATION, "abbreviation", "one name has the other's beginning") \
	X(LETTERS, "abbreviation by letters", "one name has letters of the other's") \
	X(ACRONYM, "initials", "the column's name is made of the table's initials") \
	X(HALF_ACRONYM, "initials and words", "it is made of the table's initials and its last words") \
	X(GLUED, "inside of a word", "the name begins inside of a word") \
	X(ROLE_WORDS, "words before", "how many words come before") \
	X(KEY_GLUED, "key name inside of a word", "the key's name begins inside of a word") \
	X(KEY_AND_TABLE, "key and table name", "it has the table's name as well") \
	X(KEY_SHARED, "shared key name", "other tables' keys have that name too") \
	X(KEY_FIRST, "first of that name", "and of those with the tables' names in it, this one's has the fewest words") \
	X(ACTOR_BEST, "table of people", "no other table does better as that of people") \
	X(ACTOR_PERSONAL, "table of personal data", "it holds as much of people as any other of those tables that is no customers': names, passwords, addresses") \
	X(ACTOR_OUTSIDER, "somebody from outside", "but the table is one of customers or the like") \
	X(ACTOR_WORKS, "somebody who works", "it is said of those who work here, and so is the table") \
	X(ACTOR_WORKS_NOT, "somebody else works", "it is said of those who work here, who have a table of their own") \
	X(ACTOR_BY, "by", "the name ends in 'by'") \
	X(ACTOR_AGENT, "doer", "it is not a known word for that, but made of a verb") \
	X(SELF, "same table", "child and parent are one table") \
	X(SELF_NEEDED, "same table, not null", "and each row needs another one") \
	X(SELF_PLAIN, "own name", "the column has the name of its own table or a part of it, and no role") \
	X(EXTENDS, "extension", "the child's name is the parent's and more, one to one") \
	X(EXTENDS_MORE, "extension by its word", "and that more is detail, meta or the like") \
	X(EXTENDS_SCHEMA, "extension in another schema", "and it is in another schema") \
	X(SUFFIX_ID, "ends in id", "the column's name ends in id or the like") \
	X(SUFFIX_KEY, "ends in key", "the column's name ends in key, number or the like") \
	X(SUFFIX_CODE, "ends in code", "the column's name ends in code") \
	X(SUFFIX_NAME, "ends in name", "the column's name ends in name") \
	X(PREFIX, "begins with id", "the column's name begins with id or fk") \
	X(BARE_TEXT, "bare text", "a text column without any such word") \
	X(BARE_TEXT_GENERIC, "bare general text", "and its name is a general word") \
	X(ID_TEXT, "text id", "a text column that ends in id") \
	X(SUFFIX_SAME, "same ending", "column and key end in the same word") \
	X(SUFFIX_OTHER, "other ending", "column and key end in different words") \
	X(SUFFIX_USUAL, "usual key", "column and key end in different words, but keys are called so here") \
	X(KEY_USUAL, "usual key name", "how many primary keys are called like the target") \
	X(KEY_ONLY, "name of one key", "no other table's key has the column's name") \
	X(KEY_RECURS, "name of one key recurs", "and many tables have a column of that name") \
	X(TARGET_REFERS, "target refers", "the target bears another table's name and is not the primary key") \
	X(TARGET_STRANGE, "target of another name", "it ends in id, is not called after its table, and is not the primary key") \
	X(TARGET_UNLIKE, "target unlike keys", "the target is a primary key that is not called after its table, and how much more usual another name is for these here") \
	X(GENERIC, "general word", "the name is a general word: type, status, ...") \
	X(TYPE_SAME, "same type", "the types are the same") \
	X(LENGTH_OTHER, "other length", "the types are the same, of different lengths") \
	X(TYPE_UUID, "uuid", "the column is a uuid") \
	X(TYPE_DATE, "date", "the column is a date") \
	X(CHILD_PRIMARY, "child's primary key", "the column alone is the child's primary key") \
	X(CHILD_UNLIKE, "unlike primary keys", "and how much more usual another name is for primary keys here") \
	X(CHILD_UNIQUE, "unique in child", "the column alone is unique in the child") \
	X(CHILD_IN_PRIMARY, "part of child's key", "the column is part of the child's primary key") \
	X(NOT_NULL, "not null", "the column is not null") \
	X(INDEXED, "indexed", "an index begins with the column") \
	X(UNINDEXED, "not indexed", "no index begins with it, in a database that has indexes on columns like it") \
	X(POLYMORPHIC, "type column", "another column says which table it refers to") \
	X(PARENT_PRIMARY, "parent's primary key", "the target is the parent's primary key") \
	X(KEY_OWNED, "parent's own key", "and that name has the parent's name in it") \
	X(CHILD_LOG, "log", "the child is a log, a history, a cache or the like") \
	X(CHILD_COPY, "copy", "and of a table whose columns it has") \
	X(CHILD_KEYLESS, "child without key", "the child has no primary key") \
	X(PARENT_LOG, "parent is a log", "the parent is a log, a history, a cache or the like") \
	X(BARE_STYLE, "style of bare names", "the same, for a name without ending") \
	X(PARENT_BORROWED, "borrowed key", "the target's name is that of another table") \
	X(PARENT_CENTRAL, "central parent", "many columns bear the parent's name") \
	X(PARENT_GENERIC, "parent with a general name", "the parent's own name is a general word") \
	X(OTHER_SCHEMA, "other schema", "child and parent are in different schemas") \
	X(PARENT_HAS, "parent has it too", "the parent has a column of that name, which is no key of its own") \
	X(TOLD, "told beside", "a text of the child has that name without its ending, and more: what the parent says is repeated there") \
	X(PARENT_COPIED, "parent's columns in child", "share of the parent's columns whose names the child has, too") \
	X(ABOUT, "what the child is about", "the child's name begins with the parent's, and the column names another row of that or what the child adds") \
	X(LINKED, "link table", "the child is named after two tables, and the column is one of two that are told by their order") \
	X(KINDS, "kinds of the column", "the parent's name is the child's and the column's and one more word") \
	X(LETTER, "first letter", "the column is a letter and id, and only one table begins with it") \
	X(CONVENTION, "habit", "how many columns of this ending and type bear a table's name here") \
	X(DECLARED_SAME, "declared elsewhere", "columns of that name are declared to refer to it") \
	X(DECLARED_OTHER, "declared otherwise", "columns of that name are declared to refer elsewhere") \
	X(GROUP_PREFIXED, "group with prefix", "its columns bear the name of the parent before that of the key") \
	X(GROUP, "group", "a reference of several columns") \
	X(GROUP_LEAD, "group with a name", "one of its columns bears the parent's name") \
	X(GROUP_PRIMARY, "whole primary key", "the group refers to a primary key") \
	X(GROUP_REDUNDANT, "key made for references", "the target is more than it needs to be unique, as only a reference needs") \
	X(GROUP_SPLIT, "unique in part", "a part of the target is unique alone") \
	X(GROUP_RARE, "rare names", "few tables have columns of these names") \
	X(GROUP_CHILD_KEY, "child's key too", "the same columns are unique in the child") \
	X(GROUP_IN_KEY, "in the child's key", "the columns are part of the child's primary key") \
	X(GROUP_RELATED, "related names", "one table's name begins with the other's") \
	X(GROUP_EXTENDS, "part of the child's name", "the child's name has all words of the parent's, and more") \
	X(GROUP_EXTENDED, "child's name within", "the parent's name has all words of the child's, and more") \
	X(GROUP_OWNED, "parent's name in the group", "share of the key's columns that bear the parent's name") \
	X(GROUP_GENERIC, "general names", "share of the columns that have general names") \
	X(GROUP_REFERENCES, "made of references", "share of the columns that have a table to refer to alone") \
	X(GROUP_WITHIN, "within a wider group", "the child has all columns of a wider key, and these among them")

/*
 * How much a name says depends on its ending, so these count for each kind of
 * ending apart, too.
 */
#define Y(id, name, words) \
	X(id, name, words) \
	X(id##_ID, name ", id", words ", and ends in id or the like") \
	X(id##_NUMBER, name ", bare number", words ", without such an ending, and is a number") \
	X(id##_TEXT, name ", bare text", words ", without such an ending, and is a text")

enum
{
#define X(id, name, words) SIGNAL_##id,
	SIGNALS
#undef X
	SIGNAL_COUNT
};

const SignalName signal_names[] = {
#define X(id, name, words) {name, words},
	SIGNALS
	EVIDENCE_SIGNALS
#undef X
};

int
signal_count(void)
{
	return SIGNAL_COUNT + EVIDENCE_COUNT;
}

static void
put_signal(Candidate *cand, int signal, float value)
{
	int			i = 0;

	while (i < cand->nsignals && cand->signals[i].signal != signal)
		i++;
	if (i == cand->nsignals)
	{
		if (value == 0)
			return;
		cand->signals = repalloc(cand->signals, ++cand->nsignals * sizeof(SignalValue));
	}
	if (value == 0)
		cand->signals[i] = cand->signals[--cand->nsignals];
	else
	{
		cand->signals[i].signal = signal;
		cand->signals[i].value = value;
	}
}

void
signals_set(Candidate *cand, EvidenceSignal signal, float value)
{
	put_signal(cand, SIGNAL_COUNT + signal, value);
}

/* There may be a million candidates, and most signals are 0 */
static void
pack_signals(Candidate *cand, const float *s)
{
	SignalValue values[SIGNAL_COUNT + EVIDENCE_COUNT];
	int			n = 0;

	for (int i = 0; i < lengthof(values); i++)
	{
		values[n].signal = i;
		values[n].value = s[i];
		n += s[i] != 0;
	}
	cand->signals = palloc(Max(n, 1) * sizeof(SignalValue));
	memcpy(cand->signals, values, n * sizeof(SignalValue));
	cand->nsignals = n;
}

/* Those of the leading column of a group that the rows refute, without the rest of it */
void
signals_alone(Facts *facts, Candidate *cand, const Candidate *group)
{
	float	   *s = palloc0(signal_count() * sizeof(float));

	for (int i = 0; i < group->nsignals; i++)
	{
		if (group->signals[i].signal < SIGNAL_COUNT)
			s[group->signals[i].signal] = group->signals[i].value;
	}
	s[SIGNAL_COUNT + EVIDENCE_ALONE] = 1;
	cand->level = stats_fill(facts, cand, s + SIGNAL_COUNT) ? LEVEL_STATISTICS : LEVEL_NAMES;
	pack_signals(cand, s);
	pfree(s);
}

/* What is learned from all columns before any candidate is judged */
struct Habits
{
	int			all[5][2];		/* columns, by suffix; is it text? */
	int			hits[5][2];		/* of these, bear a table's name */
	double		shape[5][2];
	double		style[5][2];
	bool	   *named;			/* columns that bear a table's name */
	HTAB	   *declared;		/* names of declared references */
	int		   *first;			/* the first column of the same name, or -1 */
};

/* The names of the columns of one child */
typedef struct ChildNames
{
	int			child;
	int		   *of;				/* by first column of a name: the last child
								 * that was found to have it */
	int			column;			/* the last one that was asked for.. */
	bool		told;			/* .. what it refers to is told beside it */
	bool		copy;			/* a log or the like of a table whose columns
								 * it has */
} ChildNames;

static bool
bears_name(const Facts *facts, const Candidate *cand)
{
	return (cand->table_match == MATCH_FULL && !cand->after && !cand->abbreviation && !cand->glued) ||
		(cand->key_match && !cand->key_glued && !facts->keys[cand->key].borrowed);
}

Habits *
habits_begin(const Facts *facts)
{
	Habits	   *habits = palloc0(sizeof(Habits));

	habits->first = MemoryContextAllocHuge(CurrentMemoryContext, (facts->ncolumns + 1) * sizeof(int));
	for (int c = 0; c < facts->ncolumns; c++)
	{
		List	   *same = facts->columns[c].name ? match_columns_named(facts, facts->columns[c].joined) : NIL;

		CHECK_FOR_INTERRUPTS();
		habits->first[c] = same ? linitial_int(same) : -1;
	}
	habits->named = MemoryContextAllocExtended(CurrentMemoryContext, facts->ncolumns + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return habits;
}

void
habits_count(Facts *facts, Habits *habits, List *candidates)
{
	int			last = -1;

	foreach_ptr(Candidate, cand, candidates)
	{
		const FactColumn *column = &facts->columns[cand->column];
		int text = facts_is_text(column->type);

		CHECK_FOR_INTERRUPTS();
		if (cand->set >= facts->ncolumns)
			continue;
		if (cand->column != last)
			habits->all[cand->suffix][text] ++;
		last = cand->column;
		if (!bears_name(facts, cand) || column->alone_primary)
			continue;
		if (!habits->named[cand->column])
			habits->hits[cand->suffix][text] ++;
		habits->named[cand->column] = true;
		facts->tables[facts->keys[cand->key].table].central++;
	}
}

void
habits_end(const Facts *facts, Habits *habits)
{
	int			total = 0;

	/* columns without any candidate count as well */
	for (int c = 0; c < facts->ncolumns; c++)
	{
		const FactColumn *column = &facts->columns[c];
		Suffix		suffix;

		if (!match_eligible(facts, c) || column->alone_primary || habits->named[c])
			continue;
		suffix = words_suffix(column->words.word[column->words.n - 1]);
		habits->all[suffix][facts_is_text(column->type)]++;
	}
	for (int s = 0; s < 5; s++)
		total += habits->hits[s][0] + habits->hits[s][1];
	for (int s = 0; s < 5; s++)
	{
		for (int t = 0; t < 2; t++)
		{
			habits->shape[s][t] = habits->hits[s][t] / (habits->all[s][t] + 2.0);
			habits->style[s][t] = habits->hits[s][t] / (total + 2.0);
		}
	}
	habits->declared = names_hash("declared references");
	for (int r = 0; r < facts->nreferences; r++)
	{
		if (facts->references[r].n == 1)
			names_add(habits->declared, facts->columns[facts->references[r].child_columns[0]].joined, r);
	}
}

static bool
begins_with(const Words *a, const Words *b)
{
	char		ka[WORD_KEY_SIZE];
	char		kb[WORD_KEY_SIZE];

	words_join(a, 0, a->n, ka);
	words_join(b, 0, b->n, kb);
	return strncmp(ka, kb, strlen(kb)) == 0;
}

/* The last word of a name, a glued ending cut off */
static const char *
ending(const FactColumn *column)
{
	int			n = column->words.n;
	const char *word = column->words.word[n > 1 && isdigit((unsigned char) column->words.word[n - 1][0]) ? n - 2 : n - 1];
	Suffix		suffix;
	int			glued = words_suffix(word) == SUFFIX_NONE ? words_glued_suffix(word, &suffix) : 0;

	return word + glued;
}

/* batch_task_run_id beside task_run_id: that one is a batch's, this one is not */
static bool
is_named_beside(const Facts *facts, const Candidate *cand)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactTable *parent = &facts->tables[facts->keys[cand->key].table];
	char		name[WORD_KEY_SIZE];
	int			other;

	if (cand->table_match == MATCH_NONE || (cand->table_match == MATCH_FULL && !cand->abbreviation))
		return false;
	words_join(&parent->words, parent->prefix, parent->words.n, name);
	if (cand->suffix != SUFFIX_NONE)
		strlcat(name, ending(column), sizeof(name));
	other = match_column_named(facts, column->table, name);
	return other >= 0 && other != cand->column;
}

static void
name_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactTable *child = &facts->tables[column->table];
	const FactKey *key = &facts->keys[cand->key];
	const FactTable *parent = &facts->tables[key->table];
	bool		self = key->table == column->table;

	bool		by_key = cand->key_match && (cand->after > 0 || cand->table_match == MATCH_ACRONYM);

	switch (by_key ? MATCH_NONE : cand->table_match)
	{
		case MATCH_FULL:
			s[cand->before ? SIGNAL_TABLE_ROLE : SIGNAL_TABLE] = 1;
			break;
		case MATCH_TAIL:
			s[cand->before ? SIGNAL_TABLE_TAIL_ROLE : SIGNAL_TABLE_TAIL] = 1;
			break;
		case MATCH_HEAD:
			s[SIGNAL_TABLE_HEAD] = 1;
			break;
		case MATCH_ACRONYM:
			s[SIGNAL_ACRONYM] = cand->cover == 0;
			s[SIGNAL_HALF_ACRONYM] = cand->cover > 0;
			break;
		case MATCH_NONE:
			break;
	}
	if (cand->table_match == MATCH_TAIL || cand->table_match == MATCH_HEAD)
		s[SIGNAL_TABLE_COVER] = cand->cover;
	s[SIGNAL_TABLE_GLUED] = cand->table_glued;
	s[SIGNAL_TAIL_ONLY] = cand->table_match == MATCH_TAIL && cand->sharing == 1;
	s[SIGNAL_COUNTS] = cand->counts;

	/* id_noun_role puts the noun first, so what follows is no other noun */
	s[SIGNAL_WORDS_AFTER] = !by_key && cand->after > 0 && (!cand->prefix || cand->measure);
	s[SIGNAL_AFTER_SIBLING] = !by_key && cand->sibling;
	s[SIGNAL_MEASURE] = !by_key && cand->measure;
	s[SIGNAL_OWN_FRONT] = cand->own_front;
	s[SIGNAL_OWN_REST] = cand->own_share > 0 && !cand->own_front;
	s[SIGNAL_OWN_SHARE] = cand->own_share;
	s[SIGNAL_DECORATED] = cand->decorated;
	s[SIGNAL_NAMED_BESIDE] = is_named_beside(facts, cand);
	s[SIGNAL_ABBREVIATION] = cand->abbreviation == 1;
	s[SIGNAL_LETTERS] = cand->abbreviation == 2;
	s[SIGNAL_GLUED] = cand->table_match != MATCH_NONE && cand->glued;
	s[SIGNAL_ROLE_WORDS] = Min(cand->table_match != MATCH_NONE ? cand->before : cand->key_before, 4) / 4.0;
	if (cand->key_match)
	{
		s[cand->key_before ? SIGNAL_KEY_ROLE : SIGNAL_KEY] = 1;
		s[SIGNAL_KEY_GLUED] = cand->key_glued;
		s[SIGNAL_KEY_INITIAL] = cand->key_initial;
		s[SIGNAL_KEY_SHORT] = cand->key_short;
		s[SIGNAL_KEY_WHOLE] = cand->key_whole;
		s[SIGNAL_KEY_AND_TABLE] = cand->table_match == MATCH_FULL;
		s[SIGNAL_KEY_FIRST] = key->first;
		s[SIGNAL_KEY_SHARED] = Min(log2(Max(key->sharing, 1)), 4) / 4.0;
	}
	if (cand->actor_word && cand->table_match == MATCH_NONE && !cand->key_match)
	{
		s[SIGNAL_ACTOR] = 1;
		s[SIGNAL_ACTOR_AGENT] = cand->agent;
		s[SIGNAL_ACTOR_BEST] = linitial_int(facts->persons) == key->table;
		s[SIGNAL_ACTOR_PERSONAL] = parent->personal;
		s[SIGNAL_ACTOR_OUTSIDER] = !cand->buys && names_outsiders(parent);
		s[SIGNAL_ACTOR_WORKS] = cand->works && key->table == facts->staff;
		s[SIGNAL_ACTOR_WORKS_NOT] = cand->works && facts->staff >= 0 && key->table != facts->staff;
		s[SIGNAL_ACTOR_BY] = strcmp(column->words.word[column->words.n - 1], "by") == 0;
	}
	s[SIGNAL_PART_OF] = !self && !s[SIGNAL_ACTOR] && begins_with(&child->words, &parent->words);
	s[SIGNAL_PART_OF_KEY] = s[SIGNAL_PART_OF] && cand->key_match && cand->key_before == 0 && (key->borrowed || !key->owned);
	s[SIGNAL_PICTURE] = cand->picture && cand->table_match == MATCH_NONE && !cand->key_match;
	s[SIGNAL_SELF_WORD] = cand->self_word;
	s[SIGNAL_TREE_WORD] = cand->tree_word;
	s[SIGNAL_SELF_NAMED] = cand->self_named;
	s[SIGNAL_SELF] = self && !cand->self_word && !cand->actor_word;
	s[SIGNAL_SELF_BEFORE] = self && cand->self_before;
	s[SIGNAL_SELF_KEY] = self && cand->self_before && cand->key_before > 0 && !cand->key_glued && !cand->key_short;
	s[SIGNAL_SELF_ROLE] = self && (cand->before > 0 || cand->key_before > 0);
	s[SIGNAL_SELF_NEEDED] = self && cand->n == 1 && column->not_null;
	s[SIGNAL_SELF_PLAIN] = self && !cand->before && !cand->self_word &&
		(cand->table_match == MATCH_FULL || cand->table_match == MATCH_TAIL || cand->table_match == MATCH_HEAD);
	s[SIGNAL_EXTENDS] = cand->extends;
	s[SIGNAL_EXTENDS_MORE] = cand->extends && (child->words.class[child->words.n - 1] & WORD_MORE) != 0;
	s[SIGNAL_ABOUT] = cand->about;
	s[SIGNAL_LETTER] = cand->letter;
	s[SIGNAL_KINDS] = cand->kinds;
	s[SIGNAL_LINKED] = cand->linked;
	s[SIGNAL_EXTENDS_SCHEMA] = cand->extends && child->schema != parent->schema;
}

/* Does a name end in a plural? */
static bool
is_plural(const FactColumn *column)
{
	const char *word = column->words.word[column->words.n - 1];
	int			n = strlen(word);

	return n > 3 && word[n - 1] == 's' && strchr("sui", word[n - 2]) == NULL;
}

static bool
ends_alike(const Words *a, const Words *b)
{
	return strcmp(a->word[a->n - 1], b->word[b->n - 1]) == 0;
}

/* Is a column the only one of a unique key that bears its own table's name? */
static bool
is_own_key(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];
	ListCell   *lc;

	if (!column->alone_unique)
		return false;
	foreach(lc, facts->tables[column->table].keys)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];

		if (key->n == 1 && key->columns[0] == c)
			return key->owned;
	}
	return false;
}

/* Is all of the column's name matched, word by word? */
static bool
matches_whole(const Candidate *cand)
{
	return (cand->table_match == MATCH_FULL && !cand->before && !cand->after && !cand->abbreviation && !cand->glued) ||
		(cand->key_match && !cand->key_before && !cand->key_glued && !cand->key_short);
}

/* product_review_id of product_review is that table's own, and no product's */
static bool
is_named_after_child(const Facts *facts, const Candidate *cand)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactTable *child = &facts->tables[column->table];
	const char *last = column->words.word[column->words.n - 1];
	char		name[WORD_KEY_SIZE];
	char		own[WORD_KEY_SIZE];
	Suffix		suffix;
	int			length;
	int			rest;

	if (column->table == facts->keys[cand->key].table || matches_whole(cand))
		return false;
	words_join(&child->words, child->prefix, child->words.n, own);
	words_join(&column->words, 0, column->words.n - 1, name);
	length = strlen(name);
	if (strncmp(name, own, length) != 0)
		return false;
	if (words_suffix(last) != SUFFIX_NONE)
		return own[length] == '\0';
	rest = words_glued_suffix(last, &suffix);
	if (rest > 0)
	{
		char	   *word = pnstrdup(last, rest);
		char	   *stem = words_stem(word);
		bool		same = strcmp(own + length, stem) == 0;

		pfree(stem);
		pfree(word);
		return same;
	}
	return false;
}

static void
column_signals(Facts *facts, const Habits *habits, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];
	const FactColumn *target = &facts->columns[key->columns[cand->lead]];
	bool text = facts_is_text(column->type);
	bool		generic = match_generic_name(facts, cand->column);
	bool		bare = cand->suffix == SUFFIX_NONE && !cand->prefix;
	bool		acts;
	Oid			base = getBaseType(column->type);

	s[SIGNAL_SUFFIX_ID] = cand->suffix == SUFFIX_ID;
	s[SIGNAL_SUFFIX_KEY] = cand->suffix == SUFFIX_KEY;
	s[SIGNAL_SUFFIX_CODE] = cand->suffix == SUFFIX_CODE;
	s[SIGNAL_SUFFIX_NAME] = cand->suffix == SUFFIX_NAME;
	s[SIGNAL_PREFIX] = cand->prefix;
	s[SIGNAL_BARE_TEXT] = bare && text &&!cand->key_match;
	s[SIGNAL_BARE_KEY] = bare && text &&cand->key_match;
	s[SIGNAL_BARE_TEXT_GENERIC] = bare && text &&generic;

	s[SIGNAL_PLURAL] = bare && !text &&is_plural(column) &&
		(cand->before > 0 || !ends_alike(&column->words, &facts->tables[key->table].words));
	s[SIGNAL_QUANTITY] = bare && (column->words.class[column->words.n - 1] & WORD_MEASURE) != 0 &&
		!(cand->table_match == MATCH_FULL && matches_whole(cand) && column->words.n > 1);
	s[SIGNAL_RECURS] = Min(log2(list_length(match_columns_named(facts, column->joined))), 5) / 5.0;
	acts = cand->actor_word && cand->table_match == MATCH_NONE && !cand->key_match;
	if (!(bare && acts))
		s[bare ? SIGNAL_BARE_STYLE : SIGNAL_STYLE] = habits->style[cand->suffix][text];
	s[SIGNAL_CHILD_OWN] = is_own_key(facts, cand->column);
	s[SIGNAL_CHILD_NAMED] = is_named_after_child(facts, cand);
	s[SIGNAL_ID_TEXT] = cand->suffix == SUFFIX_ID && text;

	if ((cand->n == 1 || cand->leads) && cand->suffix != SUFFIX_NONE)
		s[strcmp(ending(column), ending(target)) == 0 ? SIGNAL_SUFFIX_SAME :
		  words_suffix(ending(target)) == cand->suffix ? SIGNAL_SUFFIX_KIN :
		  key->usual >= 0.2 ? SIGNAL_SUFFIX_USUAL : SIGNAL_SUFFIX_OTHER] = 1;
	s[SIGNAL_KEY_USUAL] = key->usual;
	s[SIGNAL_TARGET_REFERS] = cand->n == 1 && !key->primary && habits->named[key->columns[0]];
	s[SIGNAL_TARGET_STRANGE] = cand->n == 1 && !key->primary && !key->owned &&
		(words_suffix(ending(target)) == SUFFIX_ID) && target->words.n > 1;
	s[SIGNAL_TARGET_UNLIKE] = cand->n == 1 && key->primary && !key->owned ? key->unlike : 0;
	if (cand->key_match && cand->key_before == 0 && !cand->key_glued && !cand->key_short && !key->borrowed &&
		key->sharing <= 1)
	{
		s[SIGNAL_KEY_ONLY] = 1;
		s[SIGNAL_KEY_RECURS] = s[SIGNAL_RECURS];
	}
	s[SIGNAL_GENERIC] = generic;
	s[SIGNAL_TYPE_SAME] = (cand->n == 1 || cand->leads) && column->type == target->type;
	s[SIGNAL_LENGTH_OTHER] = s[SIGNAL_TYPE_SAME] && column->typmod != target->typmod;
	s[SIGNAL_TYPE_UUID] = base == UUIDOID;
	s[SIGNAL_TYPE_DATE] = base == DATEOID;
	s[SIGNAL_CHILD_PRIMARY] = column->alone_primary;
	s[SIGNAL_CHILD_UNLIKE] = column->alone_primary ? facts->keys[facts->tables[column->table].primary].unlike : 0;
	s[SIGNAL_CHILD_UNIQUE] = column->alone_unique && !column->alone_primary;
	s[SIGNAL_CHILD_IN_PRIMARY] = column->in_primary && !column->alone_primary;
	s[SIGNAL_NOT_NULL] = column->not_null && !column->in_primary;
	if (facts->indexed > 0)
		s[column->leads_index || column->in_primary || column->alone_unique ? SIGNAL_INDEXED : SIGNAL_UNINDEXED] = 1;
	s[SIGNAL_POLYMORPHIC] = cand->polymorphic;
	if (!(bare && acts))
		s[SIGNAL_CONVENTION] = habits->shape[cand->suffix][text];
}

/* The signals that depend on the ending once more, by the kind of ending */
static void
ending_signals(const Facts *facts, const Candidate *cand, float *s)
{
	static const int split[] = {
#define X(id, name, words)
#undef Y
#define Y(id, name, words) SIGNAL_##id,
		SIGNALS
#undef X
#undef Y
	};
	bool		bare = cand->suffix == SUFFIX_NONE && !cand->prefix;
	int			kind;

	/* a uuid is as good as an id */
	if (cand->suffix == SUFFIX_ID || cand->suffix == SUFFIX_KEY || cand->prefix ||
		getBaseType(facts->columns[cand->column].type) == UUIDOID)
		kind = 1;
	else if (bare)
		kind = facts_is_text(facts->columns[cand->column].type) ? 3 : 2;
	else
		return;
	for (int i = 0; i < lengthof(split); i++)
		s[split[i] + kind] = s[split[i]];
}

static bool
is_log(const FactTable *table)
{
	return words_any(&table->words, table->prefix, table->words.n, WORD_LOG);
}

/* How many columns of a table has the child whose names are marked? */
static int
count_common(const Facts *facts, const Habits *habits, const ChildNames *names, const FactTable *table)
{
	int			common = 0;

	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
		common += habits->first[c] >= 0 && names->of[habits->first[c]] == names->child;
	return common;
}

/* order_archive, staging_order: what is left of its name without such words is a table whose columns it has */
static bool
is_copy(const Facts *facts, const Habits *habits, const ChildNames *names)
{
	const FactTable *table = &facts->tables[names->child];
	WordsRoom	room;
	Words		words;
	int			n = 0;
	char		name[WORD_KEY_SIZE];

	if (!is_log(table))
		return false;
	words = words_copy(&table->words, &room);
	for (int i = table->prefix; i < table->words.n; i++)
	{
		if (!(table->words.class[i] & WORD_LOG))
			words.stem[n++] = table->words.stem[i];
	}
	for (int i = 0; i < n; i++)
	{
		words_join(&words, i, n, name);
		foreach_ptr(const NameForm, form, names_find(facts->by_table_name, name))
		{
			const FactTable *other = &facts->tables[form->table];

			if (form->match == MATCH_FULL && form->table != names->child &&
				other->ncolumns >= COPY_COLUMNS &&
				count_common(facts, habits, names, other) >= COPY_SHARE * other->ncolumns)
				return true;
		}
	}
	return false;
}

static void
mark_names(const Facts *facts, const Habits *habits, int child, ChildNames *names)
{
	const FactTable *table = &facts->tables[child];

	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
	{
		if (habits->first[c] >= 0)
			names->of[habits->first[c]] = child;
	}
	names->child = child;
	names->copy = is_copy(facts, habits, names);
}

/* Where the last word of a name has its ending, in its stems joined, the prefix of the table left out; or 0 */
static int
ending_at(const FactColumn *column)
{
	const Words *words = &column->words;
	const char *last = words->word[words->n - 1];
	Suffix		suffix;
	int			rest = words_suffix(last) == SUFFIX_NONE ? words_glued_suffix(last, &suffix) : 0;

	if (rest == 0 && words_suffix(last) == SUFFIX_NONE)
		return 0;
	return strlen(column->joined) - strlen(words->stem[words->n - 1]) + rest;
}

/* Do words of a column's name begin there? */
static bool
begins_at(const FactColumn *column, int length)
{
	int			at = strlen(column->joined);

	for (int i = column->words.n - 1; i >= 0 && at > length; i--)
		at -= strlen(column->words.stem[i]);
	return at == length || ending_at(column) == length;
}

/* vendor_name beside vendor_id: so a row can outlive the vendor */
static bool
is_told_beside(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];
	const FactTable *table = &facts->tables[column->table];
	int			length = ending_at(column);

	for (int i = table->columns; length > 0 && i < table->columns + table->ncolumns; i++)
	{
		const FactColumn *other = &facts->columns[i];

		if (i != c && other->joined && strncmp(other->joined, column->joined, length) == 0 &&
			facts_is_text(other->type) && begins_at(other, length) &&
			words_suffix(other->words.word[other->words.n - 1]) != SUFFIX_ID)
			return true;
	}
	return false;
}

/* A child that has the parent's columns too is more often a copy of it, or its like, than a reference to it */
static void
common_signals(const Facts *facts, const Habits *habits, ChildNames *names, const Candidate *cand, float *s)
{
	int			child = facts->columns[cand->column].table;
	const FactKey *key = &facts->keys[cand->key];
	const FactTable *parent = &facts->tables[key->table];
	int			common = 0;

	/* the candidates of one child follow each other */
	if (names->child != child)
		mark_names(facts, habits, child, names);
	s[SIGNAL_CHILD_COPY] = names->copy;
	if (names->column != cand->column)
	{
		names->column = cand->column;
		names->told = is_told_beside(facts, cand->column);
	}
	s[SIGNAL_TOLD] = cand->n == 1 && names->told;
	if (child == key->table)
		return;
	for (int c = parent->columns; c < parent->columns + parent->ncolumns; c++)
	{
		if (habits->first[c] < 0 || names->of[habits->first[c]] != child)
			continue;
		common++;

		/* who made a row is told of people as of anything else */
		if (cand->n == 1 && !cand->actor_word && habits->first[c] == habits->first[cand->column] &&
			c != key->columns[0] && !is_own_key(facts, c))
			s[SIGNAL_PARENT_HAS] = 1;
	}
	s[SIGNAL_PARENT_COPIED] = (double) common / Max(parent->ncolumns, COPIED_MIN);
}

static void
parent_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactKey *key = &facts->keys[cand->key];
	const FactTable *parent = &facts->tables[key->table];
	const FactTable *child = &facts->tables[facts->columns[cand->column].table];

	s[SIGNAL_PARENT_PRIMARY] = key->primary || (cand->leads && cand->redundant);
	s[SIGNAL_KEY_OWNED] = cand->key_match && key->owned;
	s[SIGNAL_CHILD_LOG] = is_log(child);
	s[SIGNAL_PARENT_LOG] = is_log(parent);
	s[SIGNAL_CHILD_KEYLESS] = child->primary < 0;
	s[SIGNAL_PARENT_BORROWED] = key->borrowed;
	s[SIGNAL_PARENT_CENTRAL] = Min(log2(1 + parent->central), 6) / 6.0;
	s[SIGNAL_PARENT_GENERIC] = parent->words.n - parent->prefix == 1 &&
		(parent->words.class[parent->words.n - 1] & WORD_GENERIC) != 0;
	s[SIGNAL_OTHER_SCHEMA] = parent->schema != child->schema;
	if (parent->family > 2 && cand->table_match != MATCH_FULL)
		s[parent->words.n > parent->prefix && child->words.n > child->prefix &&
		  strcmp(parent->words.stem[parent->prefix], child->words.stem[child->prefix]) == 0 ?
		  SIGNAL_SAME_FAMILY : cand->key_match && key->owned ? SIGNAL_OTHER_FAMILY_KEY : SIGNAL_OTHER_FAMILY] = 1;
}

/* What the declared keys say of columns of this name */
static void
declared_signals(const Facts *facts, HTAB *declared, const Candidate *cand, float *s)
{
	const FactKey *key = &facts->keys[cand->key];
	int			same = 0;
	int			other = 0;
	ListCell   *lc;

	foreach(lc, names_find(declared, facts->columns[cand->column].joined))
	{
		if (facts->references[lfirst_int(lc)].parent_columns[0] == key->columns[0])
			same++;
		else
			other++;
	}
	if (same + other > 0)
	{
		s[SIGNAL_DECLARED_SAME] = (double) same / (same + other);
		s[SIGNAL_DECLARED_OTHER] = (double) other / (same + other);
	}
}

/* Is some unique key of the table made of a part of these columns, or of all? */
static bool
has_key_within(const Facts *facts, int table, const int *columns, int n, bool all)
{
	ListCell   *lc;

	foreach(lc, facts->tables[table].keys)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];
		int			found = 0;

		for (int i = 0; i < key->n; i++)
		{
			for (int j = 0; j < n; j++)
				found += key->columns[i] == columns[j];
		}
		if (found == key->n && (all ? key->n == n : key->n < n))
			return true;
	}
	return false;
}

/* Has a table's name all words of another's, and more? */
static bool
has_words_of(const FactTable *table, const FactTable *other)
{
	for (int i = other->prefix; i < other->words.n; i++)
	{
		if (!words_have(&table->words, table->prefix, table->words.n, other->words.stem[i]))
			return false;
	}
	return table->words.n - table->prefix > other->words.n - other->prefix;
}

static void
group_signals(const Facts *facts, const Habits *habits, const Candidate *cand, float *s)
{
	const FactKey *key = &facts->keys[cand->key];
	int			child = facts->columns[cand->column].table;
	const Words *cw = &facts->tables[child].words;
	const FactTable *parent = &facts->tables[key->table];
	const Words *pw = &parent->words;
	bool		in_primary = true;
	int			generic = 0;
	int			named = 0;
	int			owned = 0;

	for (int i = 0; i < cand->n; i++)
	{
		in_primary &= facts->columns[cand->columns[i]].in_primary;
		generic += match_generic_name(facts, cand->columns[i]);
		named += habits->named[cand->columns[i]];
	}
	if (cand->leads && cand->redundant)
	{
		s[SIGNAL_GROUP_REDUNDANT] = 1;
		return;
	}
	s[SIGNAL_GROUP] = 1;
	s[SIGNAL_GROUP_PREFIXED] = !cand->leads &&
		strcmp(facts->columns[cand->columns[0]].joined, facts->columns[key->columns[0]].joined) != 0;
	s[SIGNAL_GROUP_LEAD] = cand->leads;
	s[SIGNAL_GROUP_PRIMARY] = key->primary;
	s[SIGNAL_GROUP_SPLIT] = has_key_within(facts, key->table, key->columns, key->n, false);
	s[SIGNAL_GROUP_RARE] = cand->leads ? 0 : 2.0 / Max(cand->rarity, 2);
	s[SIGNAL_GROUP_CHILD_KEY] = has_key_within(facts, child, cand->columns, cand->n, true);
	s[SIGNAL_GROUP_IN_KEY] = in_primary;
	s[SIGNAL_GROUP_RELATED] = begins_with(cw, pw) || begins_with(pw, cw);
	s[SIGNAL_GROUP_EXTENDS] = has_words_of(&facts->tables[child], parent);
	s[SIGNAL_GROUP_EXTENDED] = has_words_of(parent, &facts->tables[child]);
	for (int i = 0; i < key->n; i++)
	{
		const Words *words = &facts->columns[key->columns[i]].words;

		owned += words_have(words, 0, words->n, pw->stem[names_end(parent) - 1]);
	}
	s[SIGNAL_GROUP_OWNED] = (double) owned / key->n;
	s[SIGNAL_GROUP_GENERIC] = (double) generic / cand->n;
	s[SIGNAL_GROUP_REFERENCES] = (double) named / cand->n;
	s[SIGNAL_GROUP_WITHIN] = cand->within;
}

/* How many words of the column's name stand before what the candidate matches? */
static double
words_unmatched(const Candidate *cand)
{
	double		by_table = cand->table_match == MATCH_NONE ? 99 :
		cand->before - cand->roles_inside + cand->after + 0.5 * cand->glued + 0.4 * (cand->abbreviation > 0) +
		(cand->table_match == MATCH_FULL ? (cand->back > 0 ? 0.3 : 0) :
		 cand->table_match == MATCH_TAIL && cand->own_front ? 0 :
		 cand->own_share > 0 ? 0.1 :
		 cand->table_match == MATCH_TAIL && cand->sharing == 1 ? 0.2 : 0.6);
	double		by_key = cand->key_match ?
		cand->key_before + 0.4 * cand->key_short - (cand->key_initial ? 0.6 : cand->key_glued ? 0.5 : 0) : 99;

	return Min(by_table, by_key);
}

/* Mark those for which another one of the set matches more of the name */
static void
compare_matches(List *candidates, int first, int last)
{
	double		best = 99;

	for (int i = first; i <= last; i++)
		best = Min(best, words_unmatched(list_nth(candidates, i)));
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		if (words_unmatched(cand) < 99 && words_unmatched(cand) > best)
			put_signal(cand, SIGNAL_SHORTER, 1);
	}
}

void
signals_fill(Facts *facts, const Habits *habits, List *candidates)
{
	float	   *s = palloc(signal_count() * sizeof(float));
	ChildNames	names = {.child = -1,.column = -1};
	int			first = 0;

	names.of = MemoryContextAllocHuge(CurrentMemoryContext, (facts->ncolumns + 1) * sizeof(int));
	memset(names.of, -1, facts->ncolumns * sizeof(int));
	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		memset(s, 0, signal_count() * sizeof(float));
		if (cand->n > 1)
			group_signals(facts, habits, cand, s);
		if (cand->set < facts->ncolumns)
		{
			s[SIGNAL_CANDIDATE] = 1;
			name_signals(facts, cand, s);
			column_signals(facts, habits, cand, s);
			ending_signals(facts, cand, s);
		}
		if (cand->n == 1)
			declared_signals(facts, habits->declared, cand, s);
		parent_signals(facts, cand, s);
		common_signals(facts, habits, &names, cand, s);
		if (stats_fill(facts, cand, s + SIGNAL_COUNT))
			cand->level = LEVEL_STATISTICS;
		pack_signals(cand, s);
	}

	for (int i = 0; i < list_length(candidates); i++)
	{
		if (i + 1 == list_length(candidates) ||
			((Candidate *) list_nth(candidates, i + 1))->set != ((Candidate *) list_nth(candidates, i))->set)
		{
			if (((Candidate *) list_nth(candidates, i))->set < facts->ncolumns)
				compare_matches(candidates, first, i);
			first = i + 1;
		}
	}
}
