/*-------------------------------------------------------------------------
 *
 * discover_signal.c
 *	  What speaks for and against a candidate, as numbers from 0 to 1.
 *
 * The list of signals is the contract with schemaguard.discovery_weight: a
 * signal without a row there weighs nothing.  Each has a direction, and the
 * fit gives it no weight of the other sign.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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

enum
{
#define X(id, name, direction, words) SIGNAL_##id,
	NAME_SIGNALS
#undef X
	SIGNAL_COUNT
};

const SignalName signal_names[] = {
#define X(id, name, direction, words) {name, direction, words},
	NAME_SIGNALS
	EVIDENCE_SIGNALS
#undef X
};

int
signal_count(void)
{
	return SIGNAL_COUNT + EVIDENCE_COUNT;
}

void
signals_set(Candidate *cand, EvidenceSignal evidence, float value)
{
	int			signal = SIGNAL_COUNT + evidence;
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

/* ---- the column's name ---- */

/* Is the column its table's own key, called after it? */
static bool
is_own_key(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];

	foreach_int(k, facts->tables[column->table].keys)
	{
		if (facts->keys[k].n == 1 && facts->keys[k].columns[0] == c && (facts->keys[k].owned || facts->keys[k].primary))
			return facts->keys[k].owned;
	}
	return false;
}

static void
name_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];
	bool		role = cand->before > 0;

	if (cand->match == MATCH_WHOLE)
		s[role ? SIGNAL_TABLE_ROLE : SIGNAL_TABLE] = 1;
	else if (cand->match == MATCH_TAIL)
	{
		s[SIGNAL_TAIL] = 1;
		s[SIGNAL_PREFIX_LEFT] = cand->prefix_left ? facts->names_of->leaves_out : 0;
		s[SIGNAL_OWN_FRONT] = cand->own_front;
		s[SIGNAL_TAIL_ONLY] = cand->sharing == 1;
	}
	s[SIGNAL_HEAD] = cand->match == MATCH_HEAD;
	s[SIGNAL_COVER] = cand->match == MATCH_NONE ? 0 : cand->cover;
	s[SIGNAL_ABBREVIATED] = cand->abbreviated;
	s[SIGNAL_BEFORE] = Min(cand->match != MATCH_NONE ? cand->before - cand->marked : cand->key_before, 3) / 3.0;
	if (cand->key_match)
	{
		int			sharing = list_length(names_find(facts->names_of->keys, facts->columns[key->columns[0]].joined));

		s[SIGNAL_KEY] = cand->key_before == 0;
		s[SIGNAL_KEY_SHARED] = Min(log2(Max(sharing, 1)), 4) / 4.0;
	}
	if (cand->actor_word && cand->match == MATCH_NONE && !cand->key_match)
		s[SIGNAL_ACTOR_BEST] = linitial_int(names_persons(facts, cand->column)) == key->table;
	s[SIGNAL_SELF_WORD] = cand->self_word;
	s[SIGNAL_SELF] = key->table == column->table;
	s[SIGNAL_SELF_NEEDED] = s[SIGNAL_SELF] && column->not_null;
	s[SIGNAL_TAUGHT] = Max(cand->taught_name, cand->taught_word / 2);
}

/* ---- the column ---- */

static const char *
last_stem(const FactColumn *column)
{
	return column->words.stem[column->words.n - 1];
}

static void
column_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];
	const FactColumn *target = &facts->columns[key->columns[cand->lead]];
	bool text = facts_is_text(column->type);
	bool		bare = cand->suffix == SUFFIX_NONE;

	s[SIGNAL_SUFFIX_NAME] = cand->suffix == SUFFIX_NAME;
	s[SIGNAL_BARE_TEXT] = bare && text;

	s[SIGNAL_PLURAL] = bare && !text &&cand->plural;
	s[SIGNAL_MEASURE] = bare && (column->words.class[column->words.n - 1] & WORD_MEASURE) != 0;
	s[SIGNAL_GENERAL] = names_is_general(facts, cand->column);
	if (!bare && words_suffix(column->words.class[column->words.n - 1]) != SUFFIX_NONE)
		s[strcmp(last_stem(column), last_stem(target)) == 0 ? SIGNAL_SUFFIX_SAME : SIGNAL_SUFFIX_OTHER] = 1;
	s[SIGNAL_TYPE_SAME] = column->type == target->type;
	s[SIGNAL_CHILD_PRIMARY] = column->alone_primary;
	s[SIGNAL_CHILD_OWN] = is_own_key(facts, cand->column);
	s[SIGNAL_CHILD_IN_PRIMARY] = column->in_primary && !column->alone_primary;
	s[SIGNAL_NOT_NULL] = column->not_null && !column->in_primary;
	s[SIGNAL_UNINDEXED] = facts->indexed > 0 && !column->leads_index && !column->in_primary && !column->alone_unique;
}

/* ---- both tables ---- */

/* What the last child and parent that were asked for have in common */
typedef struct Common
{
	int			child;
	int			parent;
	int			columns;
} Common;

static int
common_columns(const Facts *facts, Common *common, int child, int parent)
{
	const FactTable *table = &facts->tables[parent];

	if (common->child == child && common->parent == parent)
		return common->columns;
	*common = (Common)
	{
		.child = child,.parent = parent
	};
	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
		common->columns += facts->columns[c].name && names_column_of(facts, child, facts->columns[c].joined) >= 0;
	return common->columns;
}

static void
table_signals(const Facts *facts, Common *common, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];
	const FactTable *parent = &facts->tables[key->table];
	const FactTable *child = &facts->tables[column->table];
	bool		extends = parent != child && parent->words.n < child->words.n &&
		words_begin_alike(&child->words, &parent->words, parent->words.n);
	int			same;

	s[SIGNAL_PARENT_PRIMARY] = key->primary || (cand->leads && cand->redundant);
	s[SIGNAL_BORROWED] = key->borrowed;
	s[SIGNAL_PART_OF] = extends && !cand->actor_word;
	s[SIGNAL_OTHER_PREFIX] = cand->match != MATCH_WHOLE && parent->prefix > 0 &&
		!words_begin_alike(&parent->words, &child->words, parent->prefix);
	s[SIGNAL_OTHER_SCHEMA] = parent->schema != child->schema;
	s[SIGNAL_CHILD_LOG] = words_any(&child->words, 0, child->words.n, WORD_LOG);
	s[SIGNAL_RARELY_DECLARES] = learn_rarely_declares(facts, child);
	if (parent == child)
		return;
	s[SIGNAL_PARENT_COPIED] = (double) common_columns(facts, common, column->table, key->table) /
		Max(parent->ncolumns, COPIED_MIN);
	same = cand->n > 1 || cand->actor_word ? -1 : names_column_of(facts, key->table, column->joined);
	s[SIGNAL_PARENT_HAS] = same >= 0 && same != key->columns[0] && !is_own_key(facts, same);
}

/* ---- groups ---- */

/* Is some unique key of the table made of all these columns? */
static bool
is_key_of(const Facts *facts, int table, const int *columns, int n)
{
	foreach_int(k, facts->tables[table].keys)
	{
		const FactKey *key = &facts->keys[k];
		int			found = 0;

		for (int i = 0; i < key->n; i++)
		{
			for (int j = 0; j < n; j++)
				found += key->columns[i] == columns[j];
		}
		if (found == key->n && key->n == n)
			return true;
	}
	return false;
}

static void
group_signals(const Facts *facts, const Candidate *cand, float *s)
{
	int			general = 0;

	s[SIGNAL_GROUP_REDUNDANT] = cand->leads && cand->redundant;
	if (s[SIGNAL_GROUP_REDUNDANT])
		return;
	for (int i = 0; i < cand->n; i++)
		general += names_is_general(facts, cand->columns[i]);
	s[SIGNAL_GROUP] = 1;
	s[SIGNAL_GROUP_LEAD] = cand->leads;
	s[SIGNAL_GROUP_CHILD_KEY] = is_key_of(facts, facts->columns[cand->column].table, cand->columns, cand->n);
	s[SIGNAL_GROUP_GENERAL] = (double) general / cand->n;
}

/* ---- the candidates of a set beside each other ---- */

/* How many words of the column's name does the candidate not explain? */
static double
words_unmatched(const Candidate *cand)
{
	double		by_table = cand->match == MATCH_NONE ? 99 :
		cand->before + 0.5 * cand->glued + 0.4 * cand->abbreviated +
		(cand->match == MATCH_WHOLE || cand->own_front ? 0 :
		 cand->match == MATCH_TAIL && cand->prefix_left ? 0.1 :
		 cand->match == MATCH_TAIL && cand->sharing == 1 ? 0.2 : 0.6);
	double		by_key = cand->key_match ? cand->key_before : 99;

	return Min(by_table, by_key);
}

static void
compare_candidates(const Facts *facts, List *candidates, int first, int last)
{
	double		best = 99;
	double		taught = 0;

	for (int i = first; i <= last; i++)
	{
		const Candidate *cand = list_nth(candidates, i);

		best = Min(best, words_unmatched(cand));
		taught = Max(taught, Max(cand->taught_name, cand->taught_word));
	}
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);
		float		s[SIGNAL_COUNT + EVIDENCE_COUNT] = {0};

		for (int j = 0; j < cand->nsignals; j++)
			s[cand->signals[j].signal] = cand->signals[j].value;
		s[SIGNAL_SHORTER] = words_unmatched(cand) < 99 && words_unmatched(cand) > best;
		s[SIGNAL_TAUGHT_OTHER] = Max(taught - Max(cand->taught_name, cand->taught_word), 0);
		pfree(cand->signals);
		pack_signals(cand, s);
	}
}

void
signals_alone(Facts *facts, Candidate *cand)
{
	float		s[SIGNAL_COUNT + EVIDENCE_COUNT] = {0};
	Common		common = {.child = -1};

	if (cand->n > 1)
		group_signals(facts, cand, s);
	if (cand->set < facts->ncolumns)
	{
		s[SIGNAL_CANDIDATE] = 1;
		/* of what only rows bring up, the name says nothing, for or against */
		s[SIGNAL_TYPE_SAME] = cand->by_rows;
		if (!cand->by_rows)
		{
			name_signals(facts, cand, s);
			column_signals(facts, cand, s);
		}
	}
	table_signals(facts, &common, cand, s);
	cand->level = stats_fill(facts, cand, s + SIGNAL_COUNT) ? LEVEL_STATISTICS : LEVEL_NAMES;
	pack_signals(cand, s);
}

void
signals_fill(Facts *facts, List *candidates)
{
	int			first = 0;

	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		signals_alone(facts, cand);
	}
	for (int i = 0; i < list_length(candidates); i++)
	{
		const Candidate *cand = list_nth(candidates, i);

		if (i + 1 < list_length(candidates) && ((Candidate *) list_nth(candidates, i + 1))->set == cand->set)
			continue;
		if (cand->set < facts->ncolumns)
			compare_candidates(facts, candidates, first, i);
		first = i + 1;
	}
}
