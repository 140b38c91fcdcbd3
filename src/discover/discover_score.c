/*-------------------------------------------------------------------------
 *
 * discover_score.c
 *	  From signals to a score: the chance that a proposal is right.
 *
 * The candidates of a set and "no reference" compete: each has the share
 * exp(sum of its weighted signals), "no reference" has 1.  The share is then
 * calibrated along a line with a few knots, so that of the proposals with
 * score 0.8 eight in ten are right in databases that the weights were not
 * fitted on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_names.h"

#define LIMIT 30.0				/* bound of a sum, so that exp() does not
								 * overflow */

/* ---- signals ---- */

const SignalName signal_names[] = {
#define X(id, name, direction, words) {name, direction, words},
	NAME_SIGNALS
	EVIDENCE_SIGNALS
#undef X
};

/* Sets the signals of the column's name */
static void
name_signals(const Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->column];
	const FactKey *key = &facts->keys[cand->key];

	if (cand->match == MATCH_WHOLE)
		s[cand->before > 0 ? SIGNAL_TABLE_ROLE : SIGNAL_TABLE] = 1;
	s[SIGNAL_PREFIX_LEFT] = cand->prefix_left;
	s[SIGNAL_OWN_FRONT] = cand->own_front;
	s[SIGNAL_OWN_NAME] = cand->own_name;
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
	bool		is_text = column->category == TYPCATEGORY_STRING;
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

/*
 * Returns whether the parent has the column, too, beside its key and not as a
 * key of its own; false if most tables have it
 */
static bool
parent_has(const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	const char *joined = facts->columns[cand->column].joined;
	int			same;
	int			k;

	if (cand->n > 1 || cand->actor_word || facts->columns[cand->column].table == key->table)
		return false;
	same = names_column_of(facts, key->table, joined);
	if (same < 0 || same == key->columns[0] || 2 * list_length(names_find(facts, NAME_COLUMN, joined)) > facts->ntables)
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
	s[SIGNAL_PARENT_PRIMARY] = key->primary || redundant || cand->by_rows;
	s[SIGNAL_OTHER_SCHEMA] = facts->tables[key->table].schema != facts->tables[facts->columns[cand->column].table].schema;
	s[SIGNAL_PARENT_HAS] = parent_has(facts, cand);
}

void
signals_fill(Facts *facts, Candidate *cand)
{
	float	   *s = cand->signals;

	/*
	 * groups have no competing names, and names say nothing about candidates
	 * that only rows suggest
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
	cand->level = stats_fill(facts, cand, EVIDENCE_OF(cand)) ? LEVEL_STATISTICS : LEVEL_NAMES;
}

/* ---- scores ---- */

/* Takes the weight of a signal, or of a calibration knot */
static void
take_weight(void *arg, const Datum *row, const bool *nulls)
{
	Weights    *weights = arg;
	char	   *name = TextDatumGetCString(row[0]);
	double		weight = DatumGetFloat8(row[1]);

	/* ignore NaN and infinity */
	if (!isfinite(weight))
		return;
	for (int i = 0; i < SIGNAL_COUNT; i++)
	{
		if (strcmp(name, signal_names[i].name) == 0)
			weights->signal[i] = weight;
	}
	if (!nulls[2] && DatumGetInt32(row[2]) < CALIBRATION_KNOTS)
		weights->calibration[DatumGetInt32(row[3])][DatumGetInt32(row[2])] = Max(Min(weight, 1), 0);
}

/* Reads the weights by signal; users' own replace the fitted ones */
Weights *
weights_read(void)
{
	Weights    *weights = palloc0(sizeof(Weights));

	/* "calibration 0.3, rows" names a knot */
	facts_query("SELECT DISTINCT ON (signal) signal, weight, CAST(10 * CAST(substring(signal FROM '^calibration ([01][.][0-9])') AS numeric) AS int4),"
				" CASE WHEN signal LIKE '%, rows' THEN 2 WHEN signal LIKE '%, statistics' THEN 1 ELSE 0 END"
				" FROM schemaguard.discovery_weight ORDER BY signal, source = 'user' DESC",
				-1, take_weight, weights);
	return weights;
}

/* Interpolates linearly between two knots */
static double
calibrated(const double *right, double share)
{
	double		place = Max(Min(share, 1), 0) * (CALIBRATION_KNOTS - 1);
	int			knot = Min((int) place, CALIBRATION_KNOTS - 2);

	return right[knot] + (place - knot) * (right[knot + 1] - right[knot]);
}

/*
 * Compares candidates so that sets are in one piece, grouped by table; checks
 * for interrupts, because sorting a million takes long
 */
static int
compare_candidates(const ListCell *a, const ListCell *b)
{
	const Candidate *ca = lfirst(a);
	const Candidate *cb = lfirst(b);

	CHECK_FOR_INTERRUPTS();
	if (ca->column != cb->column)
		return ca->column < cb->column ? -1 : 1;
	if (ca->set != cb->set)
		return ca->set < cb->set ? -1 : 1;
	return (ca->key > cb->key) - (ca->key < cb->key);
}

static bool
is_better(const Candidate *cand, const Candidate *than)
{
	return than == NULL || cand->score > than->score || (cand->score == than->score && cand->sum > than->sum);
}

/* Scores the set of candidates from `first` to `last` */
static void
score_set(const Weights *weights, List *candidates, int first, int last)
{
	EvidenceLevel level = LEVEL_NAMES;
	double		total = 1;
	Candidate  *best = NULL;
	Candidate  *second = NULL;

	for (int i = first; i <= last; i++)
	{
		const Candidate *cand = list_nth(candidates, i);

		total += exp(cand->sum);
		level = Max(level, cand->level);
	}
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		cand->score = cand->accepted ? 1 : calibrated(weights->calibration[level], exp(cand->sum) / total);
		if (!is_better(cand, best))
		{
			second = is_better(cand, second) ? cand : second;
			continue;
		}
		second = best;
		best = cand;
	}
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		cand->rival = cand == best ? second : best;
	}
}

void
score_all(const Weights *weights, List *candidates)
{
	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		cand->sum = 0;
		for (int i = 0; i < SIGNAL_COUNT; i++)
			cand->sum += weights->signal[i] * cand->signals[i];
		cand->sum = Max(Min(cand->sum, LIMIT), -LIMIT);
	}
	list_sort(candidates, compare_candidates);
	for (int first = 0, last = 0; first < list_length(candidates); first = ++last)
	{
		CHECK_FOR_INTERRUPTS();
		while (last + 1 < list_length(candidates) &&
			   ((Candidate *) list_nth(candidates, last + 1))->set == ((Candidate *) list_nth(candidates, first))->set)
			last++;
		score_set(weights, candidates, first, last);
	}
}
