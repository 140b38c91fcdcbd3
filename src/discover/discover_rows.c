/*-------------------------------------------------------------------------
 *
 * discover_rows.c
 *	  Evidence for and against candidates from their rows.
 *
 * First a few blocks of the child are read once for all of its candidates,
 * always the same ones while the table does not change, into a store that
 * queries see as a table "sample", with the child's columns.  Its values are
 * looked up in the parent through its unique index, a few at first, for most
 * candidates that are wrong show it at once.
 *
 * That all values are there says much for texts and uuids, and little for
 * numbers: a key of 1 to n holds every small number.  So of numbers it is
 * found out, too, whether keys are missing that they avoid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "audit/audit.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/meant.h"
#include "base/progress.h"
#include "base/spi.h"
#include "discover/discover.h"

#define SAMPLE_KEYS 64			/* candidates that one sample serves, at most */
#define WORTH_LOOKING 0.02		/* score below which rows are not sampled,
								 * unless such scores are wanted */
#define REFUTED 0.05			/* share of orphans in a sample that refutes a
								 * candidate */
#define ORPHANS_USUAL 0.01		/* usual share of orphans of a reference */
#define BY_CHANCE_LEAST 0.002	/* share of values that the parent has by
								 * chance, at least */
#define BY_CHANCE_NUMBER 0.9	/* that share for numbers, if it can't be told */
#define BY_CHANCE_OTHER 0.02	/* that share for texts and similar values */
#define BY_CHANCE_NAME 0.15		/* that share for texts that are unique beside
								 * a primary key */
#define SURE 10.0				/* log of the odds that suffices */
#define SURE_ALONE 0.75			/* share of SURE that suffices without a name:
								 * two texts */

#define SAMPLE_ROWS 1000		/* sampled rows of a large child, about */
#define SAMPLE_ROWS_MAX 4000	/* a child with at most as many rows is read
								 * completely */
#define BLOCK_ROWS 60			/* assumed rows of a block */
#define FIRST_LOOK 64			/* number of values that are looked up first */
#define HOPELESS 0.3			/* share of orphans among these that ends the
								 * look-up */
#define BLOCKS_COUNTED 100		/* blocks of a parent up to which its rows are
								 * counted */
#define DENSITY_PROBES 200
#define CHANGED "the table was changed meanwhile"
#define KEY_SIZE_MAX 8160		/* bytes: no index holds longer values */
#define GOLDEN 0.6180339887498949	/* golden ratio: spreads numbers evenly,
									 * without hitting a period */

/* Share of a candidate's values that its parent would have by chance */
typedef struct Chance
{
	double		share;			/* share of the numbers between the child's
								 * ends, or of several columns each with
								 * another row's value; -1: unknown */
	bool		numbers;		/* most values are numbers, or texts of
								 * numbers */
} Chance;

/* Sample of a child's rows, which queries see as a table "sample" */
typedef struct RowSample
{
	const Facts *facts;
	MemoryContext work;			/* context of one candidate */
	SgScope		scope;
	List	   *columns;		/* int: indexes into Facts.columns */
	EphemeralNamedRelationData rows;
	int64		nrows;
	bool		whole;
} RowSample;

/* Candidates of one child that are sampled together */
typedef struct Batch
{
	Facts	   *facts;
	Oid			child;
	List	   *candidates;
	RowProgress *progress;		/* progress of all batches */
} Batch;

FkProblem *
rows_resolve(const Facts *facts, Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];

	cand->fk = palloc0(sizeof(FkKey));
	cand->fk->name = "inferred";
	cand->fk->match = FKCONSTR_MATCH_SIMPLE;
	cand->fk->on_update = cand->fk->on_delete = FKCONSTR_ACTION_NOACTION;
	cand->fk->enforced = true;
	return fk_resolve(facts->tables[facts->columns[cand->column].table].oid,
					  facts_column_names(facts, cand->columns, cand->n),
					  facts->tables[key->table].oid,
					  facts_column_names(facts, key->columns, key->n), cand->fk);
}

/* Caches the answer for all columns of the same kind. */
bool
rows_possible(Facts *facts, Candidate *cand)
{
	const FactColumn *column = &facts->columns[cand->column];
	uint32		kind[] = {cand->key, column->type, column->collation, facts->tables[column->table].unlogged};
	struct
	{
		uint32		kind[lengthof(kind)];	/* hash key */
		bool		possible;
	}		   *entry = cand->n > 1 ? NULL : hash_search(facts->possible, kind, HASH_FIND, NULL);
	MemoryContext context;
	MemoryContext caller;
	bool		possible;

	if (entry)
		return entry->possible;
	context = AllocSetContextCreate(CurrentMemoryContext, "discovery key", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	possible = rows_resolve(facts, cand) == NULL;
	cand->fk = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	if (cand->n > 1)
		return possible;
	entry = hash_search(facts->possible, kind, HASH_ENTER, NULL);
	return entry->possible = possible;
}

/* ---- signals ---- */

/*
 * Compares the shares of values that the parent has, and lacks, with chance.  A
 * reference lacks few; for values unrelated to the parent, its share is that of
 * all possible values.  Returns 1 for surely a reference, down to -1.
 */
static double
beyond_chance(const Facts *facts, const Candidate *cand, const Chance *chance)
{
	double		share = chance->share;
	double		missing = (double) cand->orphan_rows / cand->rows_checked;
	double		sure;

	/*
	 * missing numbers that are not due to gaps in the parent's show another
	 * reference, or orphans
	 */
	if (chance->numbers && missing > 2 * (1 - share))
		return missing > REFUTED ? -1 : 0;
	if (share < 0)
		share = chance->numbers ? BY_CHANCE_NUMBER :
			facts->columns[cand->column].base == UUIDOID ? BY_CHANCE_LEAST :
			cand->by_rows && !facts->keys[cand->key].primary ? BY_CHANCE_NAME : BY_CHANCE_OTHER;
	share = Max(Min(share, 1 - ORPHANS_USUAL), BY_CHANCE_LEAST);
	sure = (1 - missing) * log((1 - ORPHANS_USUAL) / share) + missing * log(ORPHANS_USUAL / (1 - share));
	return Max(Min(cand->distinct * sure / SURE, 1), -1);
}

/* Sets the signals of a sample, which replace those of statistics or an earlier sample */
static void
sample_signals(const Facts *facts, Candidate *cand, const Chance *chance)
{
	float	   *s = EVIDENCE_OF(cand);
	double		rows = cand->rows_checked;
	double		few = s[EVIDENCE_FEW];
	double		beyond;

	if (rows == 0)
		return;
	beyond = beyond_chance(facts, cand, chance);

	/* without a name the values must be sure */
	if (cand->by_rows && beyond < SURE_ALONE)
		beyond = -1;
	cand->refuted = beyond < 0 && (beyond <= -1 || cand->orphan_rows > rows * REFUTED);
	memset(s, 0, EVIDENCE_COUNT * sizeof(float));
	s[EVIDENCE_KNOWN] = 1;
	s[EVIDENCE_NAMES] = cand->sum / 10;
	s[EVIDENCE_MISSING] = cand->orphan_rows / rows;
	s[EVIDENCE_CHANCE] = Max(-beyond, 0);
	s[EVIDENCE_FITS] = Max(beyond, 0);
	cand->level = LEVEL_ROWS;
	if (cand->refuted || cand->parents <= 0)
		return;

	/*
	 * take the least of both: rows of one block are often alike, and
	 * statistics underestimate many values
	 */
	s[EVIDENCE_FEW] = Min(stats_few(cand->distinct, rows, cand->parents), cand->by_rows ? 0 : cand->whole ? 1 : few);
	s[EVIDENCE_COVERS] = Min(cand->distinct / cand->parents, 1) * Min(log2(1 + cand->distinct), 8) / 8;
	s[EVIDENCE_UNIQUE] = cand->n == 1 && !facts->columns[cand->column].alone_unique &&
		stats_never_recurs(cand->distinct == rows, rows, cand->parents);
}

/* ---- reading a sample ---- */

/* Returns the number of blocks of a table and its partitions */
static double
count_blocks(Oid relid)
{
	double		blocks = 0;

	foreach_oid(part, sg_with_partitions(relid))
		blocks += get_rel_relkind(part) == RELKIND_RELATION ? audit_pages(part) : 0;
	return blocks;
}

double
probe_from(StringInfo query, const Facts *facts, int child)
{
	double		blocks = count_blocks(facts->tables[child].oid);
	double		tuples = facts->tables[child].tuples;
	double		rows = tuples > 0 && blocks > 0 ? tuples / blocks : BLOCK_ROWS;

	/* few blocks may all be alike, many take long */
	double		wanted = Max(Min(SAMPLE_ROWS / Max(rows, 1), 100), 10);
	double		percent = blocks == 0 ? 0 : blocks <= 4 * wanted ? 100 : 100 * wanted / blocks;

	appendStringInfoString(query, " FROM ");
	audit_sql_table(query, facts->tables[child].oid, "fk");
	if (percent < 100)
		appendStringInfo(query, " TABLESAMPLE system (%.8f) REPEATABLE (1)", percent);
	appendStringInfo(query, " LIMIT %d", SAMPLE_ROWS_MAX + 1);
	return percent;
}

static TupleDesc
sample_desc(const RowSample *sample)
{
	TupleDesc	desc = CreateTemplateTupleDesc(list_length(sample->columns));
	AttrNumber	n = 0;
	ListCell   *lc;

	foreach(lc, sample->columns)
	{
		const FactColumn *column = &sample->facts->columns[lfirst_int(lc)];

		TupleDescInitEntry(desc, ++n, column->name, column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, n, column->collation);
	}
	TupleDescFinalize(desc);
	return desc;
}

void
probe_store(EphemeralNamedRelation rows, const char *name, TupleDesc desc)
{
	rows->md.name = unconstify(char *, name);
	rows->md.tupdesc = desc;
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows->reldata = tuplestore_begin_heap(false, false, Max(sg_audit_memory_bytes() / 1024 / 8, 64));
}

void
probe_fill(EphemeralNamedRelation rows, Oid table, const char *query)
{
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);

	SetTuplestoreDestReceiverParams(receiver, rows->reldata, CurrentMemoryContext, false, NULL, NULL);
	sg_spi_receive(query, list_make1_oid(table), -1, false, receiver);
	receiver->rDestroy(receiver);
	rows->md.enrtuples = tuplestore_tuple_count(rows->reldata);
}

/* Reads the sample; values out of line are not fetched if they are too long for a key */
static void
read_sample(RowSample *sample, int child)
{
	double		percent;
	StringInfoData query;
	ListCell   *lc;

	probe_store(&sample->rows, "sample", sample_desc(sample));
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	foreach(lc, sample->columns)
		appendStringInfo(&query, "%sfk.%s", foreach_current_index(lc) ? ", " : "",
						 quote_identifier(sample->facts->columns[lfirst_int(lc)].name));
	percent = probe_from(&query, sample->facts, child);
	if (percent > 0)
		probe_fill(&sample->rows, sample->facts->tables[child].oid, query.data);
	sample->nrows = sample->rows.md.enrtuples;
	sample->whole = (percent == 0 || percent >= 100) && sample->nrows <= SAMPLE_ROWS_MAX;
}

void
probe_scope_begin(SgScope *scope)
{
	char		memory[32];

	sg_caller_begin(scope);
	snprintf(memory, sizeof(memory), "%d", (int) Max(sg_audit_memory_bytes() / 1024 / 8, 64));
	sg_scope_set("work_mem", memory);
	sg_scope_set("hash_mem_multiplier", "1");
	sg_scope_set("row_security", "off");
	sg_scope_set("max_parallel_workers_per_gather", "0");
	/* always begin with the same rows */
	sg_scope_set("synchronize_seqscans", "off");

	/*
	 * planning must not evaluate CHECK constraints, which may be anybody's
	 * code
	 */
	sg_scope_set("constraint_exclusion", "off");
}

/*
 * Reads a sample of a child's rows, with the columns of these candidates, in
 * the active snapshot and under locks that the caller holds.  Rows beyond an
 * eighth of schemaguard.audit_memory go to a file.
 */
static void
sample_begin(RowSample *sample, List *candidates)
{
	foreach_ptr(const Candidate, cand, candidates)
	{
		for (int i = 0; i < cand->n; i++)
			sample->columns = list_append_unique_int(sample->columns, cand->columns[i]);
	}
	sample->work = AllocSetContextCreate(CurrentMemoryContext, "discovery probe", ALLOCSET_DEFAULT_SIZES);
	probe_scope_begin(&sample->scope);
	read_sample(sample, sample->facts->columns[linitial_int(sample->columns)].table);
	SPI_connect();
	if (SPI_register_relation(&sample->rows) != SPI_OK_REL_REGISTER)
		elog(ERROR, "a sample can't be seen");
}

static void
sample_end(RowSample *sample)
{
	SPI_finish();
	tuplestore_end(sample->rows.reldata);
	sg_scope_end(&sample->scope);
}

/* ---- looking values up: search_path is pinned to pg_catalog ---- */

static const char *
column_name(const RowSample *sample, int column)
{
	return quote_identifier(sample->facts->columns[column].name);
}

/*
 * Returns (SELECT a, b, ... FROM sample WHERE none is null LIMIT n) for a
 * candidate's columns; values too long for a key are null in it
 */
static char *
sample_rows(const RowSample *sample, const Candidate *cand, int limit)
{
	StringInfoData values;
	StringInfoData known;

	initStringInfo(&values);
	initStringInfo(&known);
	for (int i = 0; i < cand->n; i++)
	{
		const char *name = column_name(sample, cand->columns[i]);

		appendStringInfoString(&values, i ? ", " : "");
		if (get_typlen(sample->facts->columns[cand->columns[i]].type) == -1)
			appendStringInfo(&values, "CASE WHEN pg_column_size(%s) <= %d THEN %s END AS ", name, KEY_SIZE_MAX, name);
		appendStringInfoString(&values, name);
		appendStringInfo(&known, "%s%s IS DISTINCT FROM NULL", i ? " AND " : "", name);
	}
	return psprintf("(SELECT %s FROM sample WHERE %s LIMIT %d)", values.data, known.data, limit);
}

/* Returns (SELECT ...) of the sample's rows, with each column of a candidate taken from another row */
static char *
shifted_rows(const RowSample *sample, const Candidate *cand)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "(WITH numbered (");
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&buf, "c%d, ", i);
	appendStringInfo(&buf, "number, rows) AS MATERIALIZED (SELECT s.*, row_number() OVER () - 1, count(*) OVER () FROM %s s) SELECT ",
					 sample_rows(sample, cand, SAMPLE_ROWS_MAX));
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&buf, "%ss%d.c%d AS %s", i ? ", " : "", i, i, column_name(sample, cand->columns[i]));
	appendStringInfoString(&buf, " FROM numbered s0");
	for (int i = 1; i < cand->n; i++)
		appendStringInfo(&buf, " JOIN numbered s%d ON s%d.number = (s0.number + CAST(floor(s0.rows * %.16f) AS int8)) %% s0.rows",
						 i, i, fmod(i * GOLDEN, 1));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * Returns TYPCATEGORY_NUMERIC if a candidate's values are numbers,
 * TYPCATEGORY_STRING if they may be texts of numbers, else 0
 */
static char
number_kind(const RowSample *sample, const Candidate *cand)
{
	char		kind = sample->facts->columns[cand->column].category;

	return cand->n == 1 && (kind == TYPCATEGORY_NUMERIC || kind == TYPCATEGORY_STRING) ? kind : 0;
}

/*
 * Returns (SELECT ...) of values that might occur by chance: for several
 * columns each with another row's value; for numbers some that are spread
 * between the ends s.low and s.high of those found, with at least as many
 * digits.  NULL: unknown.
 */
static char *
chance_rows(const RowSample *sample, const Candidate *cand, char kind)
{
	Oid			type = sample->facts->columns[cand->column].base;

	if (cand->n > 1)
		return shifted_rows(sample, cand);
	if (kind != TYPCATEGORY_STRING && type != INT2OID && type != INT4OID && type != INT8OID)
		return NULL;
	/* not "character", which means one character */
	return psprintf("(SELECT CAST(%s AS %s) AS %s FROM (SELECT w.low + CASE WHEN w.width <= %d THEN g ELSE CAST(floor(w.width * (p - floor(p))) AS int8) END AS number"
					" FROM (SELECT CAST(s.low AS int8) AS low, CAST(CAST(s.high AS numeric) - CAST(s.low AS numeric) + 1 AS float8) AS width) w,"
					" generate_series(0, CAST(least(w.width, %d) AS int4) - 1) g, LATERAL (SELECT (CAST(g AS float8) + 0.5) * %.16f AS p) p"
					" WHERE w.width BETWEEN 2 AND 1e15 OFFSET 0) n)",
					kind == TYPCATEGORY_STRING ? "lpad(CAST(n.number AS text), greatest(s.digits, length(CAST(n.number AS text))), '0')" : "n.number",
					type == BPCHAROID ? "bpchar" : format_type_be_qualified(type), column_name(sample, cand->column), DENSITY_PROBES, DENSITY_PROBES, GOLDEN);
}

/*
 * Returns EXISTS (the row of the parent that fk references), looked up by
 * index: without OFFSET the whole parent would be read into a hash table
 */
static char *
found_sql(const FkKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "EXISTS (SELECT FROM ");
	audit_sql_table(&buf, key->parent, "pk");
	appendStringInfoString(&buf, " WHERE ");
	audit_sql_match(&buf, key);
	appendStringInfoString(&buf, " OFFSET 0)");
	return buf.data;
}

/*
 * Returns an expression for the parent's rows if statistics lack them: counted
 * for a small table, estimated for a large one
 */
static char *
parent_rows(const Facts *facts, const Candidate *cand)
{
	double		rows = facts->tables[facts->keys[cand->key].table].tuples;
	double		blocks = rows < 0 ? count_blocks(cand->fk->parent) : 0;
	StringInfoData query;

	if (rows >= 0 || blocks > BLOCKS_COUNTED)
		return psprintf("%.0f", rows >= 0 ? rows : blocks * BLOCK_ROWS);
	initStringInfo(&query);
	appendStringInfoString(&query, "(SELECT count(*) FROM ");
	audit_sql_table(&query, cand->fk->parent, "pk");
	appendStringInfoChar(&query, ')');
	return query.data;
}

/*
 * Returns, under the locks, whether the rows may be read and the columns are
 * still those of the facts; keeps the reason otherwise.
 */
static bool
readable(const Facts *facts, Candidate *cand)
{
	FkProblem  *problem;
	bool		changed = false;

	if (rows_resolve(facts, cand) != NULL)
		return false;
	problem = audit_access_problem(cand->fk, false);
	for (int i = 0; i < cand->n && !changed; i++)
	{
		const FactColumn *column = &facts->columns[cand->columns[i]];
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(cand->fk->child, cand->fk->child_att[i], &type, &typmod, &collation);
		changed = type != column->type || typmod != column->typmod || collation != column->collation;
	}
	if (changed)
		cand->reason = CHANGED;
	else if (problem)
		cand->reason = MemoryContextStrdup(facts->reasons, problem->reason);
	else if (audit_key_is_foreign(cand->fk))
		cand->reason = "a table or a partition is foreign: only a full audit reads it";
	else if (audit_needs_owner(cand->fk, false))
		cand->reason = "comparing these columns runs code that is not built in: only a full audit does it";
	return cand->reason == NULL;
}

/*
 * Looks up `limit` values of a candidate in its parent; without OFFSET each
 * FILTER would look up the value again
 */
static void
look_up(const RowSample *sample, Candidate *cand, int limit, Chance *by_chance)
{
	char		kind = number_kind(sample, cand);
	const char *number = kind == TYPCATEGORY_STRING ? "q.number" : kind == TYPCATEGORY_NUMERIC ? "q.v" : "CAST(NULL AS int4)";
	char	   *chance = by_chance ? chance_rows(sample, cand, kind) : NULL;
	char	   *found = found_sql(cand->fk);
	char	   *looked;
	double		numbers[6];
	StringInfoData value;

	initStringInfo(&value);
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&value, "%sfk.%s", i ? ", " : "", column_name(sample, cand->columns[i]));
	looked = psprintf("(SELECT %s%s%s AS v, %s AS found FROM %s fk OFFSET 0) q", cand->n > 1 ? "ROW(" : "", value.data, cand->n > 1 ? ")" : "",
					  found, sample_rows(sample, cand, limit));
	if (chance)
		chance = psprintf("(SELECT avg(CAST(c.found AS int4)) FROM (SELECT %s AS found FROM %s fk WHERE s.rows > 0 OFFSET 0) c)", found, chance);
	if (kind == TYPCATEGORY_STRING)
		looked = psprintf("(SELECT q.v, q.found, CASE WHEN octet_length(CAST(q.v AS text)) <= 15 AND CAST(q.v AS text) COLLATE \"C\" ~ '^[0-9]+$' THEN CAST(CAST(q.v AS text) AS float8) END AS number"
						  " FROM %s OFFSET 0) q", looked);
	if (sg_spi_execute_meant(psprintf("SELECT CAST(s.rows AS float8), CAST(s.orphans AS float8), CAST(s.values AS float8), CAST(%s AS float8), CAST(s.numbers AS float8),"
									  " CAST(%s AS float8)"
									  " FROM (SELECT count(*) AS rows, count(*) FILTER (WHERE NOT q.found) AS orphans, count(DISTINCT q.v) AS values,"
									  " min(%s) FILTER (WHERE q.found) AS low, max(%s) FILTER (WHERE q.found) AS high, %s AS numbers, min(%s) AS digits FROM %s) s",
									  by_chance ? parent_rows(sample->facts, cand) : "-1", chance ? chance : "NULL",
									  number, number, kind == TYPCATEGORY_STRING ? "count(q.number) / greatest(CAST(count(*) AS float8), 1)" : kind == TYPCATEGORY_NUMERIC ? "1" : "0",
									  kind == TYPCATEGORY_STRING ? "CASE WHEN q.number >= 0 THEN length(CAST(q.v AS text)) END" : "CAST(NULL AS int4)", looked), list_make1_oid(cand->fk->parent), true, 1) != SPI_OK_SELECT)
		elog(ERROR, "a sample gave no row");
	for (int i = 0; i < lengthof(numbers); i++)
	{
		bool		isnull;
		Datum		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull);

		numbers[i] = isnull ? -1 : DatumGetFloat8(datum);
	}
	SPI_freetuptable(SPI_tuptable);
	cand->rows_checked = numbers[0];
	cand->orphan_rows = numbers[1];
	cand->distinct = numbers[2];
	cand->parents = numbers[3];
	cand->whole = sample->whole && (limit == SAMPLE_ROWS_MAX || cand->rows_checked < limit);
	if (by_chance == NULL)
		return;
	by_chance->numbers = numbers[4] > 0.5;
	by_chance->share = numbers[5];
}

/*
 * Looks up the values of a candidate, of many values a few first; an error
 * leaves the candidate unchanged
 */
static void
look_at_values(const RowSample *sample, Candidate *cand)
{
	bool		many = sample->nrows > 4 * FIRST_LOOK;
	Candidate	looked = *cand;
	Chance		by_chance = {-1, false};

	looked.rows_checked = looked.orphan_rows = 0;
	looked.whole = sample->whole;
	if (many)
		look_up(sample, &looked, FIRST_LOOK, NULL);
	many &= looked.rows_checked < FIRST_LOOK || looked.orphan_rows > HOPELESS * FIRST_LOOK;
	if (sample->nrows > 0)
		look_up(sample, &looked, many ? FIRST_LOOK : SAMPLE_ROWS_MAX, &by_chance);
	sample_signals(sample->facts, &looked, &by_chance);
	*cand = looked;
}

/* ---- the sample of each child ---- */

static bool
is_worth_it(const Facts *facts, const Candidate *cand, double min_score)
{
	return (cand->by_rows || cand->score >= Min(min_score, WORTH_LOOKING)) && run_concerns(facts, cand);
}

/* Locks the candidates' tables without waiting; returns those that may be read */
static List *
lock_candidates(const Batch *batch)
{
	List	   *locked = NIL;

	foreach_ptr(Candidate, cand, batch->candidates)
	{
		FkKey		key = {.child = batch->child,.parent = batch->facts->tables[batch->facts->keys[cand->key].table].oid};
		Oid			busy = InvalidOid;
		FkProblem  *problem = audit_lock(&key, false, &busy);

		if (OidIsValid(busy))
			cand->reason = "another session has one of the tables locked";
		else if (problem)
			cand->reason = MemoryContextStrdup(batch->facts->reasons, problem->reason);
		else if (readable(batch->facts, cand))
			locked = lappend(locked, cand);
	}
	return locked;
}

/* Reads rows in a snapshot that is taken under the locks */
static void
lock_and_look(void *arg)
{
	Batch	   *batch = arg;
	RowSample	sample = {.facts = batch->facts};
	List	   *locked = lock_candidates(batch);
	int			n = 0;

	if (locked == NIL)
		return;
	sg_progress_tables(SG_PHASE_SCANNING, batch->child, 0);
	audit_push_snapshot();
	sample_begin(&sample, locked);
	foreach_ptr(Candidate, cand, locked)
	{
		MemoryContext caller = MemoryContextSwitchTo(sample.work);

		CHECK_FOR_INTERRUPTS();
		look_at_values(&sample, cand);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(sample.work);
		batch->progress->orphans += cand->orphan_rows;
		sg_progress_done(batch->progress->done + ++n, batch->progress->orphans);
	}
	sample_end(&sample);
	PopActiveSnapshot();
}

/* Attempt to read, and the error that it raised */
typedef struct Attempt
{
	void		(*read) (void *);
	void	   *arg;
	ErrorData  *error;
} Attempt;

/* Runs an attempt without a subtransaction: on a standby, an error within one may end the session */
static void
attempt(void *arg)
{
	Attempt    *attempt = arg;

	if (RecoveryInProgress())
		attempt->read(attempt->arg);
	else
		attempt->error = sg_try_undo(attempt->read, attempt->arg);
}

ErrorData *
rows_try(void (*read) (void *), void *arg)
{
	Attempt		attempted = {read, arg};

	sg_plan_apart(attempt, &attempted);
	if (attempted.error)
		sg_rethrow_cancel(attempted.error);
	return attempted.error;
}

/* Tries a batch; after an error, each of its remaining candidates alone */
static void
look_at_each(Batch *batch)
{
	ErrorData  *error = rows_try(lock_and_look, batch);

	if (error == NULL)
		return;
	foreach_ptr(Candidate, cand, batch->candidates)
	{
		Batch		alone = *batch;

		if (cand->reason || cand->rows_checked >= 0)
			continue;
		alone.candidates = list_make1(cand);
		if (list_length(batch->candidates) > 1)
			look_at_each(&alone);
		else
			cand->reason = MemoryContextStrdup(batch->facts->reasons, sg_error_text(error));
	}
}

/*
 * Samples a batch.  Its memory is freed afterwards, including the candidates'
 * keys, which only proposals need again.
 */
static void
look_at(Batch *batch)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery sample", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	look_at_each(batch);
	foreach_ptr(Candidate, cand, batch->candidates)
		cand->fk = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	batch->progress->done += list_length(batch->candidates);
	list_free(batch->candidates);
	batch->candidates = NIL;
}

void
rows_sample(Discovery *d, double min_score)
{
	Facts	   *facts = d->facts;
	RowProgress progress = {0};
	Batch		batch = {.facts = facts,.progress = &progress};
	int64		total = 0;

	foreach_ptr(const Candidate, cand, d->candidates)
		total += is_worth_it(facts, cand, min_score);
	sg_progress_begin(SG_PROGRESS_DISCOVER, 0, total);
	foreach_ptr(Candidate, cand, d->candidates)
	{
		Oid			its = facts->tables[facts->columns[cand->column].table].oid;

		CHECK_FOR_INTERRUPTS();
		if (!is_worth_it(facts, cand, min_score))
			continue;
		if (batch.candidates != NIL && (its != batch.child || list_length(batch.candidates) == SAMPLE_KEYS))
			look_at(&batch);
		batch.child = its;
		batch.candidates = lappend(batch.candidates, cand);
	}
	if (batch.candidates != NIL)
		look_at(&batch);
	sg_progress_end();
}
