/*-------------------------------------------------------------------------
 *
 * discover_score.c
 *	  From signals to a score: the chance that a proposal is right.
 *
 * The candidates of a set and "no reference" compete: each has the share
 * exp(sum of its weighted signals), "no reference" has 1, or less in a
 * database whose names promise too few references.  The share is then
 * calibrated along a line with a few knots, so that of the proposals with
 * score 0.8 eight in ten are right in databases that the weights were not
 * fitted on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "executor/spi.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "base/spi.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"

#define LIMIT 30.0				/* of a sum: exp() of it is still a number */
#define SHIFT_MAX 4.0			/* of a whole database, on the log of odds */
#define SHIFT_STEPS 40
#define SHIFT_SPREAD 1.0		/* how far databases differ in it */

/* What the rows of discovery_weight with the knots of each level end in */
static const char *const calibrations[] = {
	[LEVEL_NAMES] = "",
	[LEVEL_STATISTICS] = ", statistics",
	[LEVEL_ROWS] = ", rows"
};

/* "calibration 0.3, rows" is a knot */
static void
set_knot(Weights *weights, const char *name, double weight)
{
	for (int l = 0; l < lengthof(weights->calibration); l++)
	{
		for (int k = 0; k < CALIBRATION_KNOTS; k++)
		{
			char		knot[64];

			snprintf(knot, sizeof(knot), "calibration %d.%d%s", k / 10, k % 10, calibrations[l]);
			if (strcmp(name, knot) == 0)
				weights->calibration[l].right[k] = Max(Min(weight, 1), 0);
		}
	}
}

/* Weights by signal, the user's own before those that were fitted */
Weights *
weights_read(void)
{
	Weights    *weights = palloc0(sizeof(Weights));
	SgScope		scope;

	weights->signal = palloc0(signal_count() * sizeof(double));
	for (int l = 0; l < lengthof(weights->calibration); l++)
	{
		for (int k = 0; k < CALIBRATION_KNOTS; k++)
			weights->calibration[l].right[k] = k / (CALIBRATION_KNOTS - 1.0);
	}
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT DISTINCT ON (signal) signal, weight FROM schemaguard.discovery_weight"
					 " ORDER BY signal, (source OPERATOR(pg_catalog.=) 'user') DESC",
					 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		char	   *name = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);
		bool		isnull;
		double		weight = DatumGetFloat8(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));

		if (strcmp(name, "references per table") == 0)
			weights->density = weight;
		else if (strcmp(name, "references per table, spread") == 0)
			weights->density_spread = weight;
		if (strncmp(name, "calibration ", strlen("calibration ")) == 0)
			set_knot(weights, name, weight);
		for (int s = 0; s < signal_count(); s++)
		{
			if (strcmp(name, signal_names[s].name) == 0)
				weights->signal[s] = weight;
		}
	}
	SPI_finish();
	sg_scope_end(&scope);
	return weights;
}

/* Between two knots, the line from one to the other */
static double
calibrated(const Calibration *calibration, double share)
{
	double		place = Max(Min(share, 1), 0) * (CALIBRATION_KNOTS - 1);
	int			knot = Min((int) place, CALIBRATION_KNOTS - 2);

	return calibration->right[knot] + (place - knot) * (calibration->right[knot + 1] - calibration->right[knot]);
}

/* The weighted signals of names alone: statistics and rows are about one candidate, not about the names of all */
static double
sum_by_names(const Weights *weights, const Candidate *cand)
{
	double		sum = 0;

	for (int i = 0; i < cand->nsignals; i++)
	{
		if (cand->signals[i].signal < signal_count() - EVIDENCE_COUNT)
			sum += weights->signal[cand->signals[i].signal] * cand->signals[i].value;
	}
	return Max(Min(sum, LIMIT), -LIMIT);
}

static int
compare_sets(const ListCell *a, const ListCell *b)
{
	const Candidate *ca = lfirst(a);
	const Candidate *cb = lfirst(b);

	/* a million take longer to sort than a cancel should wait */
	CHECK_FOR_INTERRUPTS();
	if (ca->set != cb->set)
		return ca->set < cb->set ? -1 : 1;
	return (ca->key > cb->key) - (ca->key < cb->key);
}

/* Candidates of some sets: what they come to together, against 1 for none of them; they are sorted by set */
void
odds_add(SetOdds *odds, const Weights *weights, List *candidates)
{
	int			last = -1;

	list_sort(candidates, compare_sets);
	foreach_ptr(const Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (cand->set != last)
		{
			if (odds->n == odds->room)
			{
				odds->room = odds->room ? 2 * odds->room : 1024;
				odds->odds = odds->odds ? repalloc_huge(odds->odds, odds->room * sizeof(double)) :
					MemoryContextAllocHuge(CurrentMemoryContext, odds->room * sizeof(double));
			}
			odds->odds[odds->n++] = 0;
		}
		last = cand->set;
		odds->odds[odds->n - 1] += exp(sum_by_names(weights, cand));
	}
}

/*
 * How much likelier references are in this database than in those that the
 * weights come from, on the log of odds.  Nearly all databases have about as
 * many references as tables: where the candidates promise far fewer, the names
 * there are of a kind that says more than elsewhere.  That they promise more
 * is believed: a fact table of a hundred references is one.
 */
double
odds_shift(const SetOdds *odds, const Facts *facts, const Weights *weights)
{
	int			tables = 0;
	double		best = 0;
	double		best_loss = DBL_MAX;

	for (int t = 0; t < facts->ntables; t++)
		tables += !facts->tables[t].partition;
	for (int step = 0; step <= SHIFT_STEPS && tables > 0 && weights->density_spread > 0; step++)
	{
		double		shift = step * SHIFT_MAX / SHIFT_STEPS;
		double		more = exp(shift);
		double		expected = facts->nreferences + 1e-3;
		double		away;
		double		loss;

		CHECK_FOR_INTERRUPTS();
		for (int s = 0; s < odds->n; s++)
			expected += odds->odds[s] * more / (1 + odds->odds[s] * more);
		away = log(expected / tables) - weights->density;
		loss = shift * shift / (2 * SHIFT_SPREAD * SHIFT_SPREAD) +
			away * away / (2 * (weights->density_spread * weights->density_spread + 1.0 / tables));
		if (loss < best_loss)
		{
			best = shift;
			best_loss = loss;
		}
	}
	return best;
}

/* The candidates from `first` to `last` are one set */
static void
score_set(const Weights *weights, double shift, List *candidates, int first, int last)
{
	EvidenceLevel level = LEVEL_NAMES;
	double		total = 0;

	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		total += exp(cand->sum);
		level = Max(level, cand->level);
	}

	/* rows say more than what is usual, and were fitted without it */
	total += level == LEVEL_NAMES ? exp(-shift) : 1;
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		cand->score = cand->accepted ? 1 : calibrated(&weights->calibration[level], exp(cand->sum) / total);
		cand->rival = NULL;
		for (int j = first; j <= last; j++)
		{
			Candidate  *other = list_nth(candidates, j);

			if (j != i && (cand->rival == NULL || other->sum > cand->rival->sum))
				cand->rival = other;
		}
	}
}

void
score_all(const Weights *weights, double shift, List *candidates)
{
	int			first = 0;

	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		cand->sum = 0;
		for (int i = 0; i < cand->nsignals; i++)
			cand->sum += weights->signal[cand->signals[i].signal] * cand->signals[i].value;
		cand->sum = Max(Min(cand->sum, LIMIT), -LIMIT);
	}
	list_sort(candidates, compare_sets);
	for (int i = 0; i < list_length(candidates); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + 1 == list_length(candidates) ||
			((Candidate *) list_nth(candidates, i + 1))->set != ((Candidate *) list_nth(candidates, i))->set)
		{
			score_set(weights, shift, candidates, first, i);
			first = i + 1;
		}
	}
}
