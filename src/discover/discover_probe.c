/*-------------------------------------------------------------------------
 *
 * discover_probe.c
 *	  A sample of a child's rows, and its values looked up in the parents.
 *
 * A few blocks of the child are read once for all of its candidates, always
 * the same ones while the table does not change.  The values go to the parent
 * as arrays and are looked up through its unique index, a few at first, for
 * most candidates that are wrong show it at once.
 *
 * That all values are there says much for texts and uuids, and little for
 * numbers: a key of 1 to n holds every small number.  So of numbers it is
 * found out, too, how much of the parent's range they reach, and whether keys
 * are missing there that they avoid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "audit/audit.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/spi.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_rows.h"

#define SAMPLE_ROWS 1000		/* of a large child, about */
#define SAMPLE_ROWS_MAX 4000	/* a child that has no more is read as a whole */
#define BLOCK_ROWS 60			/* of a block, where nobody has counted */
#define FETCH_ROWS 100
#define FIRST_LOOK 64			/* values looked up before all of them are */
#define HOPELESS 0.3			/* share of orphans in these */
#define DENSITY_PROBES 200
#define OUTLIERS_MAX 100		/* keys far beyond the rest */
#define DATED_ROWS 500
#define ORPHANS_MOST 0.5		/* where times are compared */
#define KEY_SIZE_MAX 8160		/* bytes: no index holds longer values */

typedef enum ValueState
{
	VALUE_NULL,
	VALUE_HELD,
	VALUE_LONG					/* too long for a key */
} ValueState;

typedef struct SampleColumn
{
	int			column;			/* in Facts.columns */
	int16		len;
	bool		byval;
	char		align;
	Datum	   *values;
	char	   *states;			/* ValueState */
} SampleColumn;

struct RowSample
{
	Facts	   *facts;
	Oid			child;
	MemoryContext context;
	MemoryContext work;			/* of one candidate */
	SgScope		scope;
	SampleColumn *columns;
	int			ncolumns;
	int			created;		/* which of them says when a row was made; -1 */
	int			nrows;
	int64		bytes;
	bool		whole;
};

/* Values for one run of a query, as parameters */
typedef struct Probe
{
	int			n;				/* values of each */
	int			nparams;
	Oid			types[GROUP_MAX + 2];
	Datum		arrays[GROUP_MAX + 2];
} Probe;

/* ---- which columns ---- */

/* A column that says when the row was made, and that may be read; -1: none */
static int
created_column(const Facts *facts, int t)
{
	const FactTable *table = &facts->tables[t];

	for (int c = table->columns; c < table->columns + table->ncolumns; c++)
	{
		const FactColumn *column = &facts->columns[c];
		Oid			base = column->name ? getBaseType(column->type) : InvalidOid;

		if (base != TIMESTAMPTZOID && base != TIMESTAMPOID && base != DATEOID)
			continue;
		if (words_any(&column->words, 0, column->words.n, WORD_CREATED) &&
			(pg_class_aclcheck(table->oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
			 pg_attribute_aclcheck(table->oid, column->attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK))
			return c;
	}
	return -1;
}

static int
sample_column(RowSample *sample, int column)
{
	SampleColumn *new;

	for (int i = 0; i < sample->ncolumns; i++)
	{
		if (sample->columns[i].column == column)
			return i;
	}
	new = &sample->columns[sample->ncolumns];
	new->column = column;
	get_typlenbyvalalign(sample->facts->columns[column].type, &new->len, &new->byval, &new->align);
	new->values = palloc(SAMPLE_ROWS_MAX * sizeof(Datum));
	new->states = palloc(SAMPLE_ROWS_MAX);
	return sample->ncolumns++;
}

static void
choose_columns(RowSample *sample, List *candidates)
{
	int			n = 1;
	int			created;
	ListCell   *lc;

	foreach(lc, candidates)
		n += ((Candidate *) lfirst(lc))->n;
	sample->columns = palloc(n * sizeof(SampleColumn));
	foreach_ptr(const Candidate, cand, candidates)
	{
		for (int i = 0; i < cand->n; i++)
			(void) sample_column(sample, cand->columns[i]);
	}
	created = created_column(sample->facts,
							 sample->facts->columns[((Candidate *) linitial(candidates))->column].table);
	sample->created = created < 0 ? -1 : sample_column(sample, created);
}

/* ---- reading ---- */

/* Blocks of a table and its partitions */
static double
count_blocks(Oid relid)
{
	double		blocks = 0;
	ListCell   *lc;

	foreach(lc, sg_with_partitions(relid))
	{
		Relation	rel = try_table_open(lfirst_oid(lc), AccessShareLock);

		if (rel == NULL)
			continue;
		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
			blocks += RelationGetNumberOfBlocks(rel);
		table_close(rel, NoLock);
	}
	return blocks;
}

/* So many percent of the blocks hold as many rows as we want; 100: read them all */
static double
sample_percent(const RowSample *sample)
{
	double		blocks = count_blocks(sample->child);
	double		tuples = sample->facts->tables[facts_find_table(sample->facts, sample->child)].tuples;
	double		rows = tuples > 0 && blocks > 0 ? tuples / blocks : BLOCK_ROWS;
	double		wanted = SAMPLE_ROWS / Max(rows, 1);

	/* few blocks may be all alike, many take long */
	wanted = Max(Min(wanted, 100), 10);
	return blocks <= 4 * wanted ? 100 : 100 * wanted / blocks;
}

static char *
sample_query(const RowSample *sample, double percent)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 0; i < sample->ncolumns; i++)
		appendStringInfo(&buf, "%sfk.%s", i ? ", " : "",
						 quote_identifier(sample->facts->columns[sample->columns[i].column].name));
	appendStringInfoString(&buf, " FROM ");
	audit_sql_table(&buf, sample->child, "fk");
	if (percent < 100)
		appendStringInfo(&buf, " TABLESAMPLE pg_catalog.system (%.8f) REPEATABLE (1)", percent);
	return buf.data;
}

/* Keeps a copy that is no longer than a key can be */
static void
keep_value(RowSample *sample, SampleColumn *column, Datum value, bool isnull)
{
	int			row = sample->nrows;

	column->states[row] = isnull ? VALUE_NULL : VALUE_HELD;
	if (isnull)
		return;
	if (column->len == -1)
	{
		if (toast_datum_size(value) > KEY_SIZE_MAX)
		{
			column->states[row] = VALUE_LONG;
			return;
		}
		sample->bytes += toast_raw_datum_size(value);
		column->values[row] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	else
	{
		column->values[row] = datumCopy(value, column->byval, column->len);
		sample->bytes += column->byval ? 0 : datumGetSize(value, false, column->len);
	}
}

/* False when there is room for no more */
static bool
keep_row(RowSample *sample, HeapTuple tuple, TupleDesc desc)
{
	MemoryContext caller;

	if (sample->nrows == SAMPLE_ROWS_MAX || sample->bytes > sg_audit_memory_bytes() / 8)
		return false;
	caller = MemoryContextSwitchTo(sample->context);
	for (int i = 0; i < sample->ncolumns; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(tuple, desc, i + 1, &isnull);

		keep_value(sample, &sample->columns[i], value, isnull);
	}
	MemoryContextSwitchTo(caller);
	sample->nrows++;
	return true;
}

static void
read_sample(RowSample *sample)
{
	double		percent = sample_percent(sample);
	Portal		portal = SPI_cursor_open_with_args(NULL, sample_query(sample, percent), 0, NULL, NULL, NULL, true, 0);
	bool		room = true;

	while (room)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed && room; i++)
			room = keep_row(sample, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	sample->whole = room && percent >= 100;
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

RowSample *
probe_begin(Facts *facts, Oid child, List *candidates)
{
	RowSample  *sample = palloc0(sizeof(RowSample));
	char		memory[32];

	sample->facts = facts;
	sample->child = child;
	sample->context = CurrentMemoryContext;
	sample->work = AllocSetContextCreate(CurrentMemoryContext, "discovery probe", ALLOCSET_DEFAULT_SIZES);
	choose_columns(sample, candidates);

	sg_caller_begin(&sample->scope);
	snprintf(memory, sizeof(memory), "%d", (int) Max(sg_audit_memory_bytes() / 1024 / 8, 64));
	set_local("work_mem", memory);
	set_local("hash_mem_multiplier", "1");
	set_local("row_security", "off");
	set_local("max_parallel_workers_per_gather", "0");
	set_local("jit", "off");
	/* planning must not look into CHECK constraints: anybody's code */
	set_local("constraint_exclusion", "off");
	SPI_connect();
	read_sample(sample);
	return sample;
}

void
probe_end(RowSample *sample)
{
	SPI_finish();
	sg_scope_end(&sample->scope);
}

/* ---- looking up ---- */

static void
append_collation_of(StringInfo buf, const Facts *facts, const FactColumn *column)
{
	Oid			type;
	Oid			collation;
	int32		typmod;

	get_atttypetypmodcoll(facts->tables[column->table].oid, column->attnum, &type, &typmod, &collation);
	if (OidIsValid(collation))
		appendStringInfo(buf, " COLLATE %s", generate_collation_name(collation));
}

/* (SELECT u.c1 AS name, ... FROM ROWS FROM (unnest($1), ...) u (c1, ...)) fk: as if they were the child's rows */
static void
append_values(StringInfo buf, const Facts *facts, const Candidate *cand, int nparams)
{
	appendStringInfoString(buf, "(SELECT ");
	for (int i = 0; i < cand->n; i++)
	{
		const FactColumn *column = &facts->columns[cand->columns[i]];

		appendStringInfo(buf, "%su.c%d", i ? ", " : "", i + 1);
		append_collation_of(buf, facts, column);
		appendStringInfo(buf, " AS %s", quote_identifier(column->name));
	}
	for (int i = cand->n; i < nparams; i++)
		appendStringInfo(buf, ", u.c%d AS \"time %d\"", i + 1, i - cand->n + 1);
	appendStringInfoString(buf, " FROM ROWS FROM (");
	for (int i = 0; i < nparams; i++)
		appendStringInfo(buf, "%spg_catalog.unnest($%d)", i ? ", " : "", i + 1);
	appendStringInfoString(buf, ") u (");
	for (int i = 0; i < nparams; i++)
		appendStringInfo(buf, "%sc%d", i ? ", " : "", i + 1);
	appendStringInfoString(buf, ")) fk");
}

static bool
is_ranged(Oid type)
{
	Oid			base = getBaseType(type);

	return base == INT2OID || base == INT4OID || base == INT8OID || base == NUMERICOID;
}

/*
 * One end of the parent's numbers.  A few may be far beyond the rest, such as
 * orphans where the key is itself a reference: those do not count.
 */
static void
append_parent_end(StringInfo buf, const Facts *facts, const Candidate *cand, bool last)
{
	const FkKey *key = cand->fk;
	const char *column = audit_sql_column("pk", key->parent, key->parent_att[0]);
	double		tuples = facts->tables[facts->keys[cand->key].table].tuples;

	appendStringInfo(buf, ", (SELECT CAST(%s AS pg_catalog.float8) FROM ", column);
	audit_sql_table(buf, key->parent, "pk");
	appendStringInfo(buf, " WHERE %s IS NOT NULL ORDER BY %s%s OFFSET %d LIMIT 1)",
					 column, column, last ? " DESC" : "", last ? (int) Max(Min(tuples / 100, OUTLIERS_MAX), 0) : 0);
}

/* What is counted to know how many different ones there are */
static void
append_different(StringInfo buf, const Facts *facts, const Candidate *cand)
{
	appendStringInfoString(buf, cand->n > 1 ? "ROW(" : "");
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(buf, "%sfk.%s", i ? ", " : "", quote_identifier(facts->columns[cand->columns[i]].name));
	appendStringInfoString(buf, cand->n > 1 ? ")" : "");
}

/* rows, those without a parent, different ones; of numbers, the ends on both sides */
static char *
lookup_query(const Facts *facts, const Candidate *cand, bool ranged)
{
	const FkKey *key = cand->fk;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT q.found),"
						   " pg_catalog.count(DISTINCT q.v)");
	if (ranged)
	{
		static const char *const ends[] = {"min", "max"};

		for (int e = 0; e < 2; e++)
			appendStringInfo(&buf, ", CAST(pg_catalog.%s(q.v) FILTER (WHERE q.found) AS pg_catalog.float8)", ends[e]);
		for (int e = 0; e < 2; e++)
			append_parent_end(&buf, facts, cand, e == 1);
	}
	appendStringInfoString(&buf, " FROM (SELECT ");
	append_different(&buf, facts, cand);
	appendStringInfoString(&buf, " AS v, EXISTS (SELECT FROM ");
	audit_sql_table(&buf, key->parent, "pk");
	appendStringInfoString(&buf, " WHERE ");
	audit_sql_match(&buf, key);

	/*
	 * OFFSET here, or all of the parent would be read into a hash table; and
	 * there, or each FILTER would look the value up again.
	 */
	appendStringInfoString(&buf, " OFFSET 0) AS found FROM ");
	append_values(&buf, facts, cand, cand->n);
	appendStringInfoString(&buf, " OFFSET 0) q");
	return buf.data;
}

/* Rows of the sample that have all of the candidate's columns, at most `most`, from the first */
static int
rows_with_values(const RowSample *sample, const int *slots, int n, int *rows, int most, int64 *too_long)
{
	int			found = 0;

	for (int r = 0; r < sample->nrows && found < most; r++)
	{
		bool		null = false;
		bool		lengthy = false;

		for (int i = 0; i < n; i++)
		{
			null |= sample->columns[slots[i]].states[r] == VALUE_NULL;
			lengthy |= sample->columns[slots[i]].states[r] == VALUE_LONG;
		}
		if (lengthy && !null && too_long)
			(*too_long)++;
		if (!null && !lengthy)
			rows[found++] = r;
	}
	return found;
}

static void
add_array(Probe *probe, const RowSample *sample, int slot, const int *rows, int n, int shift)
{
	const SampleColumn *column = &sample->columns[slot];
	Oid			type = sample->facts->columns[column->column].type;
	Datum	   *values = palloc(Max(n, 1) * sizeof(Datum));
	Oid			array = get_array_type(type);

	if (!OidIsValid(array))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type %s has no array type: its values can't be sampled", format_type_be(type))));
	for (int i = 0; i < n; i++)
		values[i] = column->values[rows[(i + shift) % n]];
	probe->types[probe->nparams] = array;
	probe->arrays[probe->nparams++] =
		PointerGetDatum(construct_array(values, n, type, column->len, column->byval, column->align));
	probe->n = n;
}

static void
run_probe(Probe *probe, const char *query)
{
	if (SPI_execute_with_args(query, probe->nparams, probe->types, probe->arrays, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "a sample gave no row");
}

static int64
result_count(int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

static bool
result_number(int column, double *number)
{
	bool		isnull;

	*number = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
	return !isnull;
}

static void
look_up(Probe *probe, const char *query, bool ranged, RowFindings *found)
{
	run_probe(probe, query);
	found->rows = result_count(1);
	found->orphans = result_count(2);
	found->distinct = result_count(3);
	found->ranged = ranged && result_number(4, &found->lowest) && result_number(5, &found->highest) &&
		result_number(6, &found->parent_lowest) && result_number(7, &found->parent_highest);
	SPI_freetuptable(SPI_tuptable);
}

static Datum
integer_datum(Oid type, int64 number)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		default:
			return Int64GetDatum(number);
	}
}

/* What share of the numbers between the child's ends are keys of the parent? */
static double
density(const RowSample *sample, const char *query, int slot, const RowFindings *found)
{
	const SampleColumn *column = &sample->columns[slot];
	Oid			type = getBaseType(sample->facts->columns[column->column].type);
	double		width = found->highest - found->lowest + 1;
	int			n = (int) Min(width, DENSITY_PROBES);
	Datum		values[DENSITY_PROBES];
	Probe		probe = {.n = n,.nparams = 1};
	double		share;

	if (type == NUMERICOID || width < 2 || width > 1e15)
		return -1;
	for (int i = 0; i < n; i++)
	{
		/*
		 * the golden section spreads them evenly, and hits no rhythm of the
		 * keys
		 */
		double		at = width <= n ? i : floor(width * fmod((i + 0.5) * 0.6180339887498949, 1));

		values[i] = integer_datum(type, (int64) (found->lowest + at));
	}
	probe.types[0] = get_array_type(type);
	probe.arrays[0] = PointerGetDatum(construct_array(values, n, type, column->len, column->byval, column->align));
	run_probe(&probe, query);
	share = 1 - (double) result_count(2) / n;
	SPI_freetuptable(SPI_tuptable);
	return share;
}

/*
 * Would the parent have them as well if each column had its value from
 * another row?  Then it says nothing that it has all of them.
 */
static double
found_by_chance(const RowSample *sample, const Candidate *cand, const char *query, const int *slots, const int *rows, int n)
{
	Probe		probe = {0};
	double		share;

	/* the golden section again: rows may come round and round */
	for (int i = 0; i < cand->n; i++)
		add_array(&probe, sample, slots[i], rows, n, (int) (n * fmod(i * 0.6180339887498949, 1)));
	run_probe(&probe, query);
	share = 1 - (double) result_count(2) / n;
	SPI_freetuptable(SPI_tuptable);
	return share;
}

/* ---- time ---- */

static char *
dated_query(const Facts *facts, const Candidate *cand, int created)
{
	const FkKey *key = cand->fk;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT pg_catalog.count(*)");
	for (int i = 1; i <= 2; i++)
		appendStringInfo(&buf, ", pg_catalog.count(*) FILTER (WHERE CAST(fk.\"time %d\" AS pg_catalog.timestamptz)"
						 " OPERATOR(pg_catalog.<) CAST(pk.%s AS pg_catalog.timestamptz))",
						 i, quote_identifier(facts->columns[created].name));
	appendStringInfoString(&buf, " FROM ");
	append_values(&buf, facts, cand, cand->n + 2);
	appendStringInfoString(&buf, " JOIN ");
	audit_sql_table(&buf, key->parent, "pk");
	appendStringInfoString(&buf, " ON ");
	audit_sql_match(&buf, key);
	return buf.data;
}

/* Are rows younger than their parents, and would other rows be, too? */
static void
compare_times(const RowSample *sample, const Candidate *cand, const int *slots, RowFindings *found)
{
	const Facts *facts = sample->facts;
	int			created = created_column(facts, facts->keys[cand->key].table);
	int			all[GROUP_MAX + 1];
	int			rows[DATED_ROWS];
	Probe		probe = {0};
	int			n;

	if (sample->created < 0 || created < 0 || cand->fk->parent == cand->fk->child)
		return;
	memcpy(all, slots, cand->n * sizeof(int));
	all[cand->n] = sample->created;
	n = rows_with_values(sample, all, cand->n + 1, rows, DATED_ROWS, NULL);
	if (n == 0)
		return;
	for (int i = 0; i <= cand->n; i++)
		add_array(&probe, sample, all[i], rows, n, 0);
	add_array(&probe, sample, sample->created, rows, n, n / 2);
	run_probe(&probe, dated_query(facts, cand, created));
	found->dated = result_count(1);
	found->older = result_count(2);
	found->older_by_chance = result_count(3);
	SPI_freetuptable(SPI_tuptable);
}

/* ---- a candidate ---- */

static double
parent_rows(const Facts *facts, const Candidate *cand, const RowFindings *found)
{
	double		tuples = facts->tables[facts->keys[cand->key].table].tuples;

	if (tuples >= 0)
		return tuples;
	return found->ranged ? found->parent_highest - found->parent_lowest + 1 : -1;
}

static void
probe_values(RowSample *sample, const Candidate *cand, RowFindings *found)
{
	const Facts *facts = sample->facts;
	const FkKey *key = cand->fk;
	bool		ranged = cand->n == 1 && is_ranged(facts->columns[cand->columns[0]].type) &&
		is_ranged(get_atttype(key->parent, key->parent_att[0]));
	char	   *query = lookup_query(facts, cand, ranged);
	int		   *rows = palloc(SAMPLE_ROWS_MAX * sizeof(int));
	int			slots[GROUP_MAX];
	int64		too_long = 0;
	bool		all;
	int			n;

	for (int i = 0; i < cand->n; i++)
		slots[i] = sample_column(sample, cand->columns[i]);
	n = rows_with_values(sample, slots, cand->n, rows, SAMPLE_ROWS_MAX, &too_long);
	all = n == 0;
	for (int look = n > 4 * FIRST_LOOK ? FIRST_LOOK : n; n > 0; look = n)
	{
		Probe		probe = {0};

		for (int i = 0; i < cand->n; i++)
			add_array(&probe, sample, slots[i], rows, look, 0);
		look_up(&probe, query, ranged, found);
		all = look == n;
		if (all || found->orphans > HOPELESS * look)
			break;
	}
	found->whole = sample->whole && all;
	if (all)
	{
		found->rows += too_long;
		found->orphans += too_long;
	}
	found->parents = parent_rows(facts, cand, found);
	if (n == 0)
		return;
	if (found->ranged)
		found->density = density(sample, query, slots[0], found);
	if (cand->n > 1)
		found->by_chance = found_by_chance(sample, cand, query, slots, rows, n);
	if (found->orphans < ORPHANS_MOST * found->rows)
		compare_times(sample, cand, slots, found);
}

void
probe_candidate(RowSample *sample, const Candidate *cand, RowFindings *found)
{
	MemoryContext caller = MemoryContextSwitchTo(sample->work);

	memset(found, 0, sizeof(RowFindings));
	found->density = found->parents = found->by_chance = -1;
	probe_values(sample, cand, found);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(sample->work);
}
