/*-------------------------------------------------------------------------
 *
 * discover_stats.c
 *	  Evidence for and against candidates from the planner's statistics.
 *	  No row is read.
 *
 * Statistics are old, and a sample: only clear excesses count, and how much
 * is for the weights to say.  They are taken as pg_stats would show them to
 * the current role: not without SELECT, and not of a table with row security.
 * Those of parents are kept, for many children ask for them; those of a child
 * until its next column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "discover/discover_candidate.h"

#define UNIQUE_ROWS 20			/* rows from which on "all differ" means
								 * something */
#define OUTLIER_OF 50			/* number of values of which one may be an
								 * outlier */

typedef struct ColumnStats
{
	int			column;			/* hash key */
	bool		known;
	double		rows;			/* rows with a value */
	double		distinct;
	bool		all_differ;

	/* the most common values and the bounds of the histogram, in order */
	Oid			type;
	Datum	   *values;
	int			nvalues;
	bool		complete;		/* the values are complete */
	bool		ranged;			/* lowest and highest are numbers */
	double		lowest;
	double		highest;
} ColumnStats;

struct StatsCache
{
	MemoryContext child_context;
	ColumnStats child;
	HTAB	   *parents;
};

/* Converts a number or a date to a double; returns false for other types */
static bool
stats_number(Oid type, Datum value, double *number)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			*number = DatumGetInt16(value);
			return true;
		case INT4OID:
		case DATEOID:
			*number = DatumGetInt32(value);
			return true;
		case INT8OID:
			*number = (double) DatumGetInt64(value);
			return true;
		case OIDOID:
			*number = DatumGetObjectId(value);
			return true;
		case NUMERICOID:
			*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
			return !isnan(*number);
	}
	return false;
}

/* Returns whether the current role may know the statistics; false for a dropped table */
static bool
may_know(const Facts *facts, const FactColumn *column)
{
	Oid			table = facts->tables[column->table].oid;
	bool		gone = false;

	return (pg_class_aclcheck_ext(table, GetUserId(), ACL_SELECT, &gone) == ACLCHECK_OK ||
			pg_attribute_aclcheck_ext(table, column->attnum, GetUserId(), ACL_SELECT, &gone) == ACLCHECK_OK) &&
		check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	TypeCacheEntry *type = arg;

	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, type->typcollation,
										   *(const Datum *) a, *(const Datum *) b));
}

/* Reads the values of a statistics tuple, in order, and whether they are complete */
static void
read_values(ColumnStats *stats, HeapTuple tuple)
{
	static const int kinds[] = {STATISTIC_KIND_MCV, STATISTIC_KIND_HISTOGRAM};
	TypeCacheEntry *type = NULL;

	for (int k = 0; k < lengthof(kinds); k++)
	{
		AttStatsSlot slot;
		Size		size;

		if (!get_attstatsslot(&slot, tuple, kinds[k], InvalidOid, ATTSTATSSLOT_VALUES))
			continue;
		type = lookup_type_cache(slot.valuetype, TYPECACHE_CMP_PROC_FINFO);
		stats->type = slot.valuetype;
		size = (stats->nvalues + slot.nvalues) * sizeof(Datum);
		stats->values = stats->values ? repalloc(stats->values, size) : palloc(size);
		for (int i = 0; i < slot.nvalues && OidIsValid(type->cmp_proc_finfo.fn_oid); i++)
			stats->values[stats->nvalues++] = datumCopy(slot.values[i], type->typbyval, type->typlen);
		free_attstatsslot(&slot);
	}
	if (stats->nvalues == 0)
		return;
	stats->complete = stats->nvalues >= stats->distinct - 0.5;
	qsort_arg(stats->values, stats->nvalues, sizeof(Datum), compare_values, type);

	/*
	 * of many values the last one may be an outlier, with a share of a
	 * hundredth or less
	 */
	stats->ranged = stats_number(stats->type, stats->values[0], &stats->lowest) &&
		stats_number(stats->type, stats->values[stats->nvalues - (stats->nvalues > OUTLIER_OF ? 2 : 1)], &stats->highest);
}

/* Reads the statistics of a column, in the current memory context */
static void
read_stats(const Facts *facts, int c, ColumnStats *stats)
{
	const FactColumn *column = &facts->columns[c];
	const FactTable *table = &facts->tables[column->table];
	HeapTuple	tuple;
	Form_pg_statistic form;

	memset(stats, 0, sizeof(ColumnStats));
	stats->column = c;
	if (table->tuples <= 0 || !may_know(facts, column))
		return;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table->oid), Int16GetDatum(column->attnum),
							BoolGetDatum(get_rel_relkind(table->oid) == RELKIND_PARTITIONED_TABLE));
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_statistic) GETSTRUCT(tuple);
	stats->known = true;
	stats->rows = table->tuples * (1 - form->stanullfrac);
	stats->distinct = form->stadistinct < 0 ? -form->stadistinct * table->tuples : form->stadistinct;
	stats->all_differ = form->stadistinct == -1 || stats->distinct > 0.99 * stats->rows;
	read_values(stats, tuple);
	ReleaseSysCache(tuple);
}

static const ColumnStats *
child_stats(Facts *facts, int c)
{
	struct StatsCache *cache = facts->stats;

	if (cache->child.column != c)
	{
		MemoryContext caller = MemoryContextSwitchTo(cache->child_context);

		MemoryContextReset(cache->child_context);
		read_stats(facts, c, &cache->child);
		MemoryContextSwitchTo(caller);
	}
	return &cache->child;
}

static const ColumnStats *
parent_stats(Facts *facts, int c)
{
	bool		found;
	ColumnStats *stats = hash_search(facts->stats->parents, &c, HASH_ENTER, &found);

	if (!found)
	{
		MemoryContext caller = MemoryContextSwitchTo(facts->context);

		read_stats(facts, c, stats);
		/* of a long list the ends suffice */
		if (!stats->complete && stats->nvalues > 2)
		{
			stats->values[1] = stats->values[stats->nvalues - 1];
			stats->nvalues = 2;
		}
		MemoryContextSwitchTo(caller);
	}
	return stats;
}

/* Returns the share of the child's values that can't be the parent's, or -1 if it is unknown */
static double
share_outside(const ColumnStats *child, const ColumnStats *parent)
{
	TypeCacheEntry *type = NULL;
	int			outside = 0;
	bool		same = child->type == parent->type;

	if (child->nvalues == 0 || parent->nvalues == 0 || (!same && !(child->ranged && parent->ranged)))
		return -1;
	if (same)
		type = lookup_type_cache(child->type, TYPECACHE_CMP_PROC_FINFO);
	for (int i = 0; i < child->nvalues; i++)
	{
		Datum	   *value = &child->values[i];
		double		number;

		if (!same)
			outside += stats_number(child->type, *value, &number) &&
				(number < parent->lowest || number > parent->highest);
		else if (parent->complete)
			outside += bsearch_arg(value, parent->values, parent->nvalues, sizeof(Datum), compare_values, type) == NULL;
		else
			outside += compare_values(value, &parent->values[0], type) < 0 ||
				compare_values(value, &parent->values[parent->nvalues - 1], type) > 0;
	}
	return (double) outside / child->nvalues;
}

/* Returns how many different parents that many rows would reference, if all were equally likely */
static double
stats_expected(double rows, double parents)
{
	return parents > 0 ? parents * (1 - exp(-rows / parents)) : 0;
}

/* Returns how far the distinct values stay below the expected number; 1: a thousandth or less */
double
stats_few(double distinct, double rows, double parents)
{
	double		expected = stats_expected(rows, parents);

	return distinct <= 0 || distinct >= expected ? 0 : Min(log10(expected / distinct) / 3, 1);
}

/* Returns whether all values differ although those of a reference would recur */
bool
stats_never_recurs(bool all_differ, double rows, double parents)
{
	return all_differ && rows >= UNIQUE_ROWS && stats_expected(rows, parents) < 0.8 * rows;
}

void
stats_begin(Facts *facts)
{
	facts->stats = palloc0(sizeof(struct StatsCache));
	facts->stats->child.column = -1;
	facts->stats->child_context = AllocSetContextCreate(facts->context, "statistics of a column", ALLOCSET_SMALL_SIZES);
	facts->stats->parents = facts_hash("statistics of keys", sizeof(int), sizeof(ColumnStats));
}

bool
stats_sparse(Facts *facts, int c, double of)
{
	const ColumnStats *stats = child_stats(facts, c);

	return stats->known && stats->ranged && stats->highest - stats->lowest + 1 >= of * stats->distinct;
}

bool
stats_fill(Facts *facts, const Candidate *cand, float *s)
{
	const FactColumn *column = &facts->columns[cand->columns[0]];
	const FactKey *key = &facts->keys[cand->key];
	double		parents = facts->tables[key->table].tuples;
	const ColumnStats *child;
	const ColumnStats *parent;
	double		outside;

	if (cand->n > 1)
		return false;
	child = child_stats(facts, cand->columns[0]);
	if (!child->known || child->rows <= 0 || parents < 0)
		return false;
	s[EVIDENCE_KNOWN] = 1;
	if (parents == 0)
	{
		s[EVIDENCE_MISSING] = 1;
		return true;
	}
	s[EVIDENCE_FEW] = stats_few(child->distinct, child->rows, parents);
	s[EVIDENCE_UNIQUE] = !column->alone_unique && stats_never_recurs(child->all_differ, child->rows, parents);
	parent = parent_stats(facts, key->columns[0]);
	outside = share_outside(child, parent);
	if (outside > 0)
		s[EVIDENCE_MISSING] = outside;
	else if (outside == 0 && !child->ranged && parent->complete)
		s[EVIDENCE_FITS] = 1;
	return true;
}
