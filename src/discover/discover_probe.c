/*-------------------------------------------------------------------------
 *
 * discover_probe.c
 *	  A sample of a child's rows, and its values looked up in the parents.
 *
 * A few blocks of the child are read once for all of its candidates, always
 * the same ones while the table does not change, into a store that queries
 * see as a table "sample", with the child's columns.  Its values are looked
 * up in the parent through its unique index, a few at first, for most
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

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "audit/audit.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/spi.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

#define SAMPLE_ROWS 1000		/* of a large child, about */
#define SAMPLE_ROWS_MAX 4000	/* a child that has no more is read as a whole */
#define BLOCK_ROWS 60			/* of a block, where nobody has counted */
#define FIRST_LOOK 64			/* values looked up before all of them are */
#define HOPELESS 0.3			/* share of orphans in these */
#define BLOCKS_COUNTED 100		/* of a parent whose rows nobody has counted */
#define DENSITY_PROBES 200
#define KEY_SIZE_MAX 8160		/* bytes: no index holds longer values */
#define GOLDEN 0.6180339887498949	/* spreads numbers evenly, and hits no
									 * rhythm of theirs */

struct RowSample
{
	Facts	   *facts;
	MemoryContext work;			/* of one candidate */
	SgScope		scope;
	List	   *columns;		/* of int: in Facts.columns */
	EphemeralNamedRelationData rows;
	int64		nrows;
	bool		whole;
};

/* Returns the child */
static int
choose_columns(RowSample *sample, List *candidates)
{
	foreach_ptr(const Candidate, cand, candidates)
	{
		for (int i = 0; i < cand->n; i++)
			sample->columns = list_append_unique_int(sample->columns, cand->columns[i]);
	}
	return sample->facts->columns[linitial_int(sample->columns)].table;
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

double
probe_percent(const Facts *facts, int child)
{
	double		blocks = count_blocks(facts->tables[child].oid);
	double		tuples = facts->tables[child].tuples;
	double		rows = tuples > 0 && blocks > 0 ? tuples / blocks : BLOCK_ROWS;
	double		wanted = SAMPLE_ROWS / Max(rows, 1);

	if (blocks == 0)
		return 0;

	/* few blocks may be all alike, many take long */
	wanted = Max(Min(wanted, 100), 10);
	return blocks <= 4 * wanted ? 100 : 100 * wanted / blocks;
}

void
probe_from(StringInfo query, const Facts *facts, int child, double percent)
{
	appendStringInfoString(query, " FROM ");
	audit_sql_table(query, facts->tables[child].oid, "fk");
	if (percent < 100)
		appendStringInfo(query, " TABLESAMPLE system (%.8f) REPEATABLE (1)", percent);
	appendStringInfo(query, " LIMIT %d", SAMPLE_ROWS_MAX + 1);
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

/* Values that are stored apart stay where they are: what is too long for a key is never fetched */
static void
read_sample(RowSample *sample, int child)
{
	double		percent = probe_percent(sample->facts, child);
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, Max(sg_audit_memory_bytes() / 1024 / 8, 64));
	DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
	StringInfoData query;
	ListCell   *lc;

	SetTuplestoreDestReceiverParams(receiver, rows, CurrentMemoryContext, false, NULL, NULL);
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	foreach(lc, sample->columns)
		appendStringInfo(&query, "%sfk.%s", foreach_current_index(lc) ? ", " : "",
						 quote_identifier(sample->facts->columns[lfirst_int(lc)].name));
	probe_from(&query, sample->facts, child, percent);
	if (percent > 0)
		sg_spi_receive(query.data, -1, false, receiver);
	receiver->rDestroy(receiver);

	sample->nrows = tuplestore_tuple_count(rows);
	sample->whole = (percent == 0 || percent >= 100) && sample->nrows <= SAMPLE_ROWS_MAX;
	sample->rows.md.name = "sample";
	sample->rows.md.tupdesc = sample_desc(sample);
	sample->rows.md.enrtype = ENR_NAMED_TUPLESTORE;
	sample->rows.md.enrtuples = sample->nrows;
	sample->rows.reldata = rows;
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
	sg_scope_set("jit", "off");
	/* the first rows are always the same */
	sg_scope_set("synchronize_seqscans", "off");
	/* planning must not look into CHECK constraints: anybody's code */
	sg_scope_set("constraint_exclusion", "off");
}

RowSample *
probe_begin(Facts *facts, List *candidates)
{
	RowSample  *sample = palloc0(sizeof(RowSample));
	int			child;

	sample->facts = facts;
	sample->work = AllocSetContextCreate(CurrentMemoryContext, "discovery probe", ALLOCSET_DEFAULT_SIZES);
	child = choose_columns(sample, candidates);
	probe_scope_begin(&sample->scope);
	read_sample(sample, child);
	SPI_connect();
	if (SPI_register_relation(&sample->rows) != SPI_OK_REL_REGISTER)
		elog(ERROR, "a sample can't be seen");
	return sample;
}

void
probe_end(RowSample *sample)
{
	SPI_finish();
	tuplestore_end(sample->rows.reldata);
	sg_scope_end(&sample->scope);
}

/* ---- looking up: search_path is pinned to pg_catalog ---- */

static const char *
column_name(const RowSample *sample, int column)
{
	return quote_identifier(sample->facts->columns[column].name);
}

/*
 * (SELECT a, b, ... FROM sample WHERE none is null LIMIT n) with an alias, of
 * a candidate's columns; what is too long for a key is null in it.  Numbered:
 * with the columns "row number", from 0, and "rows", how many there are.
 */
static void
append_sample(StringInfo buf, const RowSample *sample, const Candidate *cand, bool numbered, int limit, const char *alias)
{
	appendStringInfo(buf, "(SELECT s.*%s FROM (SELECT ", numbered ?
					 ", row_number() OVER () - 1 AS \"row number\", count(*) OVER () AS \"rows\"" : "");
	for (int i = 0; i < cand->n; i++)
	{
		const char *name = column_name(sample, cand->columns[i]);
		const char *comma = i ? ", " : "";

		if (get_typlen(sample->facts->columns[cand->columns[i]].type) == -1)
			appendStringInfo(buf, "%sCASE WHEN pg_column_size(%s) <= %d THEN %s END AS %s",
							 comma, name, KEY_SIZE_MAX, name, name);
		else
			appendStringInfo(buf, "%s%s", comma, name);
	}
	appendStringInfoString(buf, " FROM sample WHERE ");
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(buf, "%s%s IS DISTINCT FROM NULL", i ? " AND " : "", column_name(sample, cand->columns[i]));
	appendStringInfo(buf, " LIMIT %d) s) %s", limit, alias);
}

/* (SELECT ...) fk: the sample's rows, but each column of a candidate with the value of another row */
static void
append_shifted(StringInfo buf, const RowSample *sample, const Candidate *cand)
{
	appendStringInfoString(buf, "(WITH numbered AS MATERIALIZED (SELECT * FROM ");
	append_sample(buf, sample, cand, true, SAMPLE_ROWS_MAX, "n");
	appendStringInfoString(buf, ") SELECT ");
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(buf, "%ss%d.%s", i ? ", " : "", i, column_name(sample, cand->columns[i]));
	appendStringInfoString(buf, " FROM numbered s0");
	for (int i = 1; i < cand->n; i++)
		appendStringInfo(buf, " JOIN numbered s%d ON s%d.\"row number\" = (s0.\"row number\" + CAST(floor(s0.\"rows\" * %.16f) AS int8)) %% s0.\"rows\"",
						 i, i, fmod(i * GOLDEN, 1));
	appendStringInfoString(buf, ") fk");
}

static bool
is_ranged(Oid type)
{
	Oid			base = getBaseType(type);

	return base == INT2OID || base == INT4OID || base == INT8OID || base == NUMERICOID;
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

/* EXISTS (the row of the parent that fk names), looked up: without OFFSET all of the parent would be read into a hash table */
static void
append_found(StringInfo buf, const FkKey *key)
{
	appendStringInfoString(buf, "EXISTS (SELECT FROM ");
	audit_sql_table(buf, key->parent, "pk");
	appendStringInfoString(buf, " WHERE ");
	audit_sql_match(buf, key);
	appendStringInfoString(buf, " OFFSET 0)");
}

/* rows, those without a parent, different ones; of numbers, the ends */
static void
lookup_query(StringInfo buf, const RowSample *sample, const Candidate *cand, bool ranged, int limit)
{
	appendStringInfoString(buf, "SELECT count(*), count(*) FILTER (WHERE NOT q.found),"
						   " count(DISTINCT q.v)");
	if (ranged)
		appendStringInfoString(buf, ", CAST(min(q.v) FILTER (WHERE q.found) AS float8), CAST(max(q.v) FILTER (WHERE q.found) AS float8)");
	appendStringInfoString(buf, " FROM (SELECT ");
	append_different(buf, sample->facts, cand);
	appendStringInfoString(buf, " AS v, ");
	append_found(buf, cand->fk);
	appendStringInfoString(buf, " AS found FROM ");
	append_sample(buf, sample, cand, false, limit, "fk");

	/* or each FILTER would look the value up again */
	appendStringInfoString(buf, " OFFSET 0) q");
}

/* What share of the rows of a FROM clause has a parent? */
static void
share_query(StringInfo buf, const FkKey *key, const char *from)
{
	appendStringInfoString(buf, "SELECT CAST(avg(CAST(q.found AS int4)) AS float8) FROM (SELECT ");
	append_found(buf, key);
	appendStringInfo(buf, " AS found FROM %s OFFSET 0) q", from);
}

/* It has one row */
static void
run(StringInfo query)
{
	if (SPI_execute(query->data, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
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
look_up(const RowSample *sample, const Candidate *cand, bool ranged, int limit, RowFindings *found)
{
	StringInfoData query;

	initStringInfo(&query);
	lookup_query(&query, sample, cand, ranged, limit);
	run(&query);
	found->rows = result_count(1);
	found->orphans = result_count(2);
	found->distinct = result_count(3);
	found->ranged = ranged && result_number(4, &found->lowest) && result_number(5, &found->highest);
	SPI_freetuptable(SPI_tuptable);
}

static double
run_share(const FkKey *key, const char *from)
{
	StringInfoData query;
	double		share;

	initStringInfo(&query);
	share_query(&query, key, from);
	run(&query);
	if (!result_number(1, &share))
		share = -1;
	SPI_freetuptable(SPI_tuptable);
	return share;
}

/* What share of the numbers between the child's ends are keys of the parent? */
static double
density(const RowSample *sample, const Candidate *cand, const RowFindings *found)
{
	Oid			type = getBaseType(sample->facts->columns[cand->column].type);
	double		width = found->highest - found->lowest + 1;
	StringInfoData from;

	if (type == NUMERICOID || width < 2 || width > 1e15)
		return -1;
	initStringInfo(&from);
	appendStringInfo(&from, "(SELECT CAST(CAST(%.0f AS float8) + CASE WHEN %.0f <= %d THEN i ELSE"
					 " floor(%.0f * (p - floor(p))) END AS %s) AS %s"
					 " FROM (SELECT CAST(g AS float8), (CAST(g AS float8) + 0.5) * %.16f"
					 " FROM generate_series(0, %d) g) g (i, p)) fk",
					 found->lowest, width, DENSITY_PROBES, width, format_type_be_qualified(type), column_name(sample, cand->column),
					 GOLDEN, (int) Min(width, DENSITY_PROBES) - 1);
	return run_share(cand->fk, from.data);
}

/*
 * Would the parent have them as well if each column had its value from
 * another row?  Then it says nothing that it has all of them.
 */
static double
found_by_chance(const RowSample *sample, const Candidate *cand)
{
	StringInfoData from;

	initStringInfo(&from);
	append_shifted(&from, sample, cand);
	return run_share(cand->fk, from.data);
}

/* ---- a candidate ---- */

/* Where nobody has counted them: those of a small table, and of a large one about */
static double
parent_rows(const Facts *facts, const Candidate *cand)
{
	double		rows = facts->tables[facts->keys[cand->key].table].tuples;
	double		blocks = rows < 0 ? count_blocks(cand->fk->parent) : 0;
	StringInfoData query;

	if (rows >= 0 || blocks > BLOCKS_COUNTED)
		return rows >= 0 ? rows : blocks * BLOCK_ROWS;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT count(*) FROM ");
	audit_sql_table(&query, cand->fk->parent, "pk");
	run(&query);
	rows = result_count(1);
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

static void
probe_values(RowSample *sample, const Candidate *cand, RowFindings *found)
{
	const Facts *facts = sample->facts;
	bool		ranged = cand->n == 1 && is_ranged(facts->columns[cand->column].type) &&
		is_ranged(get_atttype(cand->fk->parent, cand->fk->parent_att[0]));
	int			limit = sample->nrows > 4 * FIRST_LOOK ? FIRST_LOOK : SAMPLE_ROWS_MAX;

	if (sample->nrows > 0)
		look_up(sample, cand, ranged, limit, found);
	if (found->rows == limit && limit == FIRST_LOOK && found->orphans <= HOPELESS * limit)
	{
		limit = SAMPLE_ROWS_MAX;
		look_up(sample, cand, ranged, limit, found);
	}
	found->whole = sample->whole && (limit == SAMPLE_ROWS_MAX || found->rows < limit);
	if (found->rows == 0)
		return;
	found->parents = parent_rows(facts, cand);
	if (found->ranged)
		found->density = density(sample, cand, found);
	if (cand->n > 1)
		found->by_chance = found_by_chance(sample, cand);
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
