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

#include "executor/spi.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "base/spi.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"

#define LIMIT 30.0				/* of a sum: exp() of it is still a number */

/* What the rows of discovery_weight with the knots of each level end in */
static const char *const calibrations[] = {
	[LEVEL_NAMES] = "",
	[LEVEL_STATISTICS] = ", statistics",
	[LEVEL_ROWS] = ", rows"
};

/* The place that a row of discovery_weight is about; "calibration 0.3, rows" is a knot */
static double *
find_weight(Weights *weights, const char *name)
{
	for (int i = 0; i < SIGNAL_COUNT; i++)
	{
		if (strcmp(name, signal_names[i].name) == 0)
			return &weights->signal[i];
	}
	for (int l = 0; l < lengthof(weights->calibration); l++)
	{
		for (int k = 0; k < CALIBRATION_KNOTS; k++)
		{
			char		knot[64];

			snprintf(knot, sizeof(knot), "calibration %d.%d%s", k / 10, k % 10, calibrations[l]);
			if (strcmp(name, knot) == 0)
				return &weights->calibration[l][k];
		}
	}
	return NULL;
}

/* Weights by signal, the user's own before those that were fitted */
Weights *
weights_read(void)
{
	Weights    *weights = palloc0(sizeof(Weights));
	SgScope		scope;

	for (int l = 0; l < lengthof(weights->calibration); l++)
	{
		for (int k = 0; k < CALIBRATION_KNOTS; k++)
			weights->calibration[l][k] = k / (CALIBRATION_KNOTS - 1.0);
	}
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT DISTINCT ON (signal) signal, CASE WHEN signal ~ '^calibration' THEN greatest(least(weight, 1), 0) ELSE weight END"
					 " FROM schemaguard.discovery_weight ORDER BY signal, source = 'user' DESC",
					 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		double	   *place = find_weight(weights, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1));

		if (place)
			*place = DatumGetFloat8(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
	}
	SPI_finish();
	sg_scope_end(&scope);
	return weights;
}

/* Between two knots, the line from one to the other */
static double
calibrated(const double *right, double share)
{
	double		place = Max(Min(share, 1), 0) * (CALIBRATION_KNOTS - 1);
	int			knot = Min((int) place, CALIBRATION_KNOTS - 2);

	return right[knot] + (place - knot) * (right[knot + 1] - right[knot]);
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

/* The candidates from `first` to `last` are one set */
static void
score_set(const Weights *weights, List *candidates, int first, int last)
{
	EvidenceLevel level = LEVEL_NAMES;
	double		total = 1;

	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		total += exp(cand->sum);
		level = Max(level, cand->level);
	}
	for (int i = first; i <= last; i++)
	{
		Candidate  *cand = list_nth(candidates, i);

		cand->score = cand->accepted ? 1 : calibrated(weights->calibration[level], exp(cand->sum) / total);
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
score_all(const Weights *weights, List *candidates)
{
	int			first = 0;

	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		cand->sum = 0;
		for (int i = 0; i < SIGNAL_COUNT; i++)
			cand->sum += weights->signal[i] * cand->signals[i];
		cand->sum = Max(Min(cand->sum, LIMIT), -LIMIT);
	}
	list_sort(candidates, compare_sets);
	for (int i = 0; i < list_length(candidates); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + 1 == list_length(candidates) ||
			((Candidate *) list_nth(candidates, i + 1))->set != ((Candidate *) list_nth(candidates, i))->set)
		{
			score_set(weights, candidates, first, i);
			first = i + 1;
		}
	}
}
