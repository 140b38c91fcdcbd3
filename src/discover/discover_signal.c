/*-------------------------------------------------------------------------
 *
 * discover_signal.c
 *	  The signals of a candidate from names, types and keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_score.h"
#include "discover/discover_words.h"

const SignalName signal_names[] = {
#define X(id, name, direction, words) {name, direction, words},
	NAME_SIGNALS
	EVIDENCE_SIGNALS
#undef X
};

void
signals_set(Candidate *cand, EvidenceSignal signal, float value)
{
	cand->signals[NAME_SIGNAL_COUNT + signal] = value;
}

/* What the column's name says */
static void
name_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];

	if (cand->match == MATCH_WHOLE)
		s[cand->before > 0 ? SIGNAL_TABLE_ROLE : SIGNAL_TABLE] = 1;
	s[SIGNAL_PREFIX_LEFT] = cand->prefix_left;
	s[SIGNAL_OWN_FRONT] = cand->own_front;
	s[SIGNAL_COVER] = cand->cover;
	s[SIGNAL_BEFORE] = Min(cand->match != MATCH_NONE ? cand->before : cand->key_before, 3) / 3.0;
	if (cand->key_match)
	{
		int			sharing = list_length(names_find(facts, NAME_KEY, facts->columns[key->columns[0]].joined));

		s[SIGNAL_KEY_SHARED] = Min(log2(Max(sharing, 1)), 4) / 4.0;
	}
	if (cand->actor_word && cand->match == MATCH_NONE && !cand->key_match)
		s[SIGNAL_ACTOR_BEST] = linitial_int(names_persons(facts, cand->column)) == key->table;
	s[SIGNAL_SELF_WORD] = cand->self_word;
	s[SIGNAL_SELF] = key->table == column->table;
	s[SIGNAL_SELF_NEEDED] = s[SIGNAL_SELF] && column->not_null;
	s[SIGNAL_TAUGHT] = cand->taught_name;
	s[SIGNAL_TAUGHT_WORD] = cand->taught_word;
	if (cand->match == MATCH_NONE && !cand->key_match && !cand->actor_word && !cand->self_word)
		s[SIGNAL_TAUGHT_ALONE] = Max(cand->taught_name, cand->taught_word);
}

static void
column_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];
	const FactColumn *target = &facts->columns[key->columns[cand->lead]];
	const Word *last = column->words.word[column->words.n - 1];
	int			class = words_class(&column->words, column->words.n - 1);
	bool		is_text = facts_is_text(column->type);
	bool		bare = cand->suffix == SUFFIX_NONE;

	s[SIGNAL_BARE_TEXT] = bare && is_text;
	s[SIGNAL_PLURAL] = bare && !is_text && cand->plural;
	s[SIGNAL_MEASURE] = bare && (class & WORD_MEASURE) != 0;
	if (!bare && words_suffix(class) != SUFFIX_NONE)
		s[last->stem == target->words.word[target->words.n - 1]->stem ? SIGNAL_SUFFIX_SAME : SIGNAL_SUFFIX_OTHER] = 1;
	s[SIGNAL_TYPE_SAME] = column->type == target->type;
	s[SIGNAL_CHILD_PRIMARY] = column->alone_primary;
	s[SIGNAL_CHILD_IN_PRIMARY] = column->in_primary && !column->alone_primary;
	s[SIGNAL_NOT_NULL] = column->not_null && !column->in_primary;
	s[SIGNAL_UNINDEXED] = facts->indexed && !column->leads_index && !column->in_primary && !column->alone_unique;
}

/* Has the parent the column, too, beside its key, and not as a key of its own? */
static bool
parent_has(const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	int			same;
	int			k;

	if (cand->n > 1 || cand->actor_word || facts->columns[cand->column].table == key->table)
		return false;
	same = names_column_of(facts, key->table, facts->columns[cand->column].joined);
	if (same < 0 || same == key->columns[0])
		return false;
	k = facts_find_key(facts, key->table, &same, 1);
	return k < 0 || !facts->keys[k].owned;
}

static void
table_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactKey *key = &facts->keys[cand->key];
	bool		redundant = cand->leads && cand->redundant;

	s[SIGNAL_GROUP] = cand->n > 1 && !redundant;
	s[SIGNAL_GROUP_LEAD] = cand->leads && !redundant;
	s[SIGNAL_GROUP_REDUNDANT] = redundant;
	s[SIGNAL_PARENT_PRIMARY] = key->primary || redundant;
	s[SIGNAL_OTHER_SCHEMA] = facts->tables[key->table].schema != facts->tables[facts->columns[cand->column].table].schema;
	s[SIGNAL_PARENT_HAS] = parent_has(facts, cand);
}

void
signals_fill(Facts *facts, Candidate *cand)
{
	float	   *s = cand->signals;

	/*
	 * groups compete with no name, and of what only rows bring up the name
	 * says nothing
	 */
	if (cand->set < facts->ncolumns)
	{
		s[SIGNAL_CANDIDATE] = 1;
		s[SIGNAL_TYPE_SAME] = cand->by_rows;
		if (!cand->by_rows)
		{
			name_signals(facts, cand, s);
			column_signals(facts, cand, s);
		}
	}
	table_signals(facts, cand, s);
	cand->level = stats_fill(facts, cand, s + NAME_SIGNAL_COUNT) ? LEVEL_STATISTICS : LEVEL_NAMES;
}
