/*-------------------------------------------------------------------------
 *
 * discover_values.c
 *	  Candidates that no name suggests, of columns whose values can tell.
 *
 * That uuids, texts of many kinds or numbers far apart are all keys of a
 * table is no chance.  So where the names bring up nothing that is likely,
 * each such column gets a sketch: the least hashes of its values, in a sample
 * of its table.  Then each key of these types is read once, and its hashes are
 * looked for in all sketches together.  Where four fifths of a sketch are
 * found, there is a candidate; what it is worth is for its rows to say
 * (discover_rows.c).
 *
 * Nothing but hash functions of built-in types runs, and only where reading
 * the table runs nobody else's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "audit/audit.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

#define LIKELY 0.3				/* score of a candidate that needs no others */
#define SKETCH 64				/* values of a sketch.. */
#define SKETCH_LEAST 3			/* .. and fewer say nothing */
#define SPARSE_OF 64			/* numbers that could be for each one that is */
#define KEY_SPARSE_OF 2			/* .. of a key's: all of its are known */
#define COLUMNS_AT_ONCE 64
#define VALUE_BYTES 16			/* of memory that a value of a sketch takes */

/* The sketches of some columns */
typedef struct Sketches
{
	Discovery  *d;
	MemoryContext context;
	int			n;				/* values of all of them */
	int			room;
	Datum	   *columns;		/* of each value: int4 */
	Datum	   *hashes;			/* int8 */
	int		   *sizes;			/* by column, from d->from */
	List	   *types;			/* Oids: of the columns that have one */
	List	  **known;			/* keys that its names have brought up */
	List	   *added;
} Sketches;

/* A table that is to be read */
typedef struct TableRead
{
	Sketches   *sketches;
	int			table;
	List	   *columns;		/* of int: of the child; or.. */
	int			key;			/* ..the parent's */
} TableRead;

/* The hash of a column's values, as an expression with search_path pinned; NULL: of that type there is none */
static char *
hash_of(const FactColumn *column, const char *alias)
{
	const char *name = quote_identifier(column->name);

	switch (getBaseType(column->type))
	{
		case UUIDOID:
			return psprintf("uuid_hash_extended(%s.%s, 0)", alias, name);
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return psprintf("hashint8extended(%s.%s, 0)", alias, name);
		case NUMERICOID:
			return psprintf("hash_numeric_extended(%s.%s, 0)", alias, name);
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return psprintf("CASE WHEN pg_column_size(%s.%s) < %d THEN hashtextextended(CAST(%s.%s AS text) COLLATE \"C\", 0) END",
							alias, name, BLCKSZ, alias, name);
	}
	return NULL;
}

/* ---- reading a table ---- */

/* Where anything is in the way, the column is left out: no name speaks for it */
static bool
may_read(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];
	Oid			relid = facts->tables[column->table].oid;

	return get_attgenerated(relid, column->attnum) != ATTRIBUTE_GENERATED_VIRTUAL &&
		audit_readable(relid, GetUserId(), &column->attnum, 1, false) == NULL;
}

static bool
runs_no_code(Oid relid)
{
	CodeReach  *reach = code_reach();
	Oid			role;

	code_reach_read(reach, relid);
	return code_role(reach, code_table_owner(relid), &role) == NULL && !OidIsValid(role);
}

static void
note_type(Sketches *s, Oid type)
{
	MemoryContext caller = MemoryContextSwitchTo(s->context);

	s->types = list_append_unique_oid(s->types, type);
	MemoryContextSwitchTo(caller);
}

/* The values of a sketch follow each other, column after column */
static void
sketch_columns(TableRead *read)
{
	Sketches   *s = read->sketches;
	const Facts *facts = s->d->facts;
	double		percent = probe_percent(facts, read->table);
	StringInfoData query;
	ListCell   *lc;

	if (percent == 0)
		return;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT v.k, v.h FROM (SELECT v.k, v.h, row_number() OVER (PARTITION BY v.k ORDER BY v.h) AS place"
						   " FROM (SELECT DISTINCT u.k, u.h FROM (SELECT ARRAY[");
	foreach(lc, read->columns)
		appendStringInfo(&query, "%s%s", foreach_current_index(lc) ? ", " : "", hash_of(&facts->columns[lfirst_int(lc)], "fk"));
	appendStringInfoString(&query, "] AS hashes");
	probe_from(&query, facts, read->table, percent);
	appendStringInfo(&query, ") r, unnest(r.hashes) WITH ORDINALITY u (h, k) WHERE u.h IS NOT NULL) v) v WHERE v.place <= %d", SKETCH);
	if (SPI_execute(query.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no sketch");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		int64		k = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
		int			c = list_nth_int(read->columns, k - 1);

		if (s->sizes[c - s->d->from] == 0)
			note_type(s, facts->columns[c].type);
		s->columns[s->n] = Int32GetDatum(c);
		s->hashes[s->n++] = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull);
		s->sizes[c - s->d->from]++;
	}
}

/* A column whose sketch has enough of the key */
static void
add_candidate(Sketches *s, int c, int k, int64 found)
{
	Facts	   *facts = s->d->facts;
	const FactKey *key = &facts->keys[k];
	int			at = c - s->d->from;
	MemoryContext caller;
	Candidate  *cand;

	if (s->sizes[at] < SKETCH_LEAST || 5 * found < 4 * s->sizes[at] || list_length(s->added) >= s->d->room ||
		key->columns[0] == c || list_member_int(s->known[at], k) ||
		!facts_types_match(facts, facts->columns[c].type, facts->columns[key->columns[0]].type))
		return;
	caller = MemoryContextSwitchTo(s->d->context);
	cand = candidate_new(k, &c, 1);
	cand->by_rows = true;
	signals_fill(facts, cand);
	s->added = lappend(s->added, cand);
	MemoryContextSwitchTo(caller);
}

static void
match_key(TableRead *read)
{
	Sketches   *s = read->sketches;
	const Facts *facts = s->d->facts;
	Oid			types[] = {INT4ARRAYOID, INT8ARRAYOID};
	Datum		values[] = {PointerGetDatum(construct_array(s->columns, s->n, INT4OID, sizeof(int32), true, TYPALIGN_INT)),
	PointerGetDatum(construct_array(s->hashes, s->n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))};
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT s.c, count(*) FROM (SELECT %s AS h FROM ", hash_of(&facts->columns[facts->keys[read->key].columns[0]], "pk"));
	audit_sql_table(&query, facts->tables[read->table].oid, "pk");
	appendStringInfo(&query, ") p JOIN ROWS FROM (unnest($1), unnest($2)) s (c, h) ON s.h = p.h GROUP BY s.c HAVING count(*) >= %d",
					 SKETCH_LEAST);
	if (SPI_execute_with_args(query.data, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no hashes of a key");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		add_candidate(s, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)), read->key,
					  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull)));
	}
}

/* Waits for nobody's lock */
static void
lock_and_read(void *arg)
{
	TableRead  *read = arg;
	Oid			relid = read->sketches->d->facts->tables[read->table].oid;
	Oid			busy = InvalidOid;
	SgScope		scope;

	if (audit_lock_rows(relid, false, false, &busy) != NULL || OidIsValid(busy) || !runs_no_code(relid))
		return;
	audit_push_snapshot();
	probe_scope_begin(&scope);
	SPI_connect();
	if (read->columns)
		sketch_columns(read);
	else
		match_key(read);
	SPI_finish();
	sg_scope_end(&scope);
	PopActiveSnapshot();
}

/* A table that can't be read is left out */
static void
read_table(Sketches *s, int table, List *columns, int key)
{
	TableRead	read = {.sketches = s,.table = table,.columns = columns,.key = key};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery sketch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	CHECK_FOR_INTERRUPTS();
	(void) rows_try(lock_and_read, &read);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---- all tables ---- */

/* Are its values, at most one of so many that could be, in another table hardly by chance? */
static bool
can_tell(Facts *facts, int c, double of)
{
	const FactColumn *column = &facts->columns[c];

	return hash_of(column, "t") && may_read(facts, c) &&
		(facts_type_category(column->type) != TYPCATEGORY_NUMERIC || stats_sparse(facts, c, of));
}

/* Is there a sketch of a column that may have this one's values? */
static bool
is_wanted(const Sketches *s, Oid type)
{
	foreach_oid(child, s->types)
	{
		if (facts_types_match(s->d->facts, child, type))
			return true;
	}
	return false;
}

/* Each key that there is is looked for in the sketches, which are gone then */
static void
match_keys(Sketches *s)
{
	Facts	   *facts = s->d->facts;

	for (int k = 0; k < facts->nkeys && s->n > 0; k++)
	{
		const FactKey *key = &facts->keys[k];
		const FactTable *table = &facts->tables[key->table];

		/*
		 * a text that is unique beside a primary key is a name, of words that
		 * others use
		 */
		if (key->n == 1 && !table->denied && !table->partition && table->tuples != 0 &&
			(key->primary || !facts_is_text(facts->columns[key->columns[0]].type)) &&
			is_wanted(s, facts->columns[key->columns[0]].type) && can_tell(facts, key->columns[0], KEY_SPARSE_OF))
			read_table(s, key->table, NIL, k);
	}
	s->n = 0;
	s->types = NIL;
}

/* The columns of a table that no name explains, from c on; returns the next table's first column */
static int
sketch_table(Sketches *s, int c, const bool *likely)
{
	Facts	   *facts = s->d->facts;
	int			table = facts->columns[c].table;
	List	   *columns = NIL;

	for (; c < s->d->next && facts->columns[c].table == table; c++)
	{
		const FactColumn *column = &facts->columns[c];

		if (likely[c - s->d->from] || !facts->tables[table].asked || !match_eligible(facts, c) ||
			column->declared || column->alone_primary || !can_tell(facts, c, SPARSE_OF))
			continue;
		columns = lappend_int(columns, c);
		if (list_length(columns) < COLUMNS_AT_ONCE)
			continue;
		read_table(s, table, columns, -1);
		columns = NIL;
		if (s->n + COLUMNS_AT_ONCE * SKETCH > s->room)
			match_keys(s);
	}
	if (columns)
		read_table(s, table, columns, -1);
	return c;
}

/* To the candidates at hand; a column that has a likely one gets no others */
void
values_add(Discovery *d)
{
	int			n = d->next - d->from;
	bool	   *likely = MemoryContextAllocExtended(d->context, n + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Sketches	s = {.d = d,.context = CurrentMemoryContext,.room = Min(sg_audit_memory_bytes() / 8 / VALUE_BYTES, n * SKETCH) + COLUMNS_AT_ONCE * SKETCH};

	s.columns = palloc_extended(s.room * sizeof(Datum), MCXT_ALLOC_HUGE);
	s.hashes = palloc_extended(s.room * sizeof(Datum), MCXT_ALLOC_HUGE);
	s.sizes = palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.known = palloc_extended((n + 1) * sizeof(List *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	foreach_ptr(const Candidate, cand, d->candidates)
	{
		for (int i = 0; i < cand->n; i++)
			likely[cand->columns[i] - d->from] |= cand->score >= LIKELY;
		if (cand->n == 1)
			s.known[cand->column - d->from] = lappend_int(s.known[cand->column - d->from], cand->key);
	}
	for (int c = d->from; c < d->next;)
	{
		if (s.n + COLUMNS_AT_ONCE * SKETCH > s.room)
			match_keys(&s);
		c = sketch_table(&s, c, likely);
	}
	match_keys(&s);
	d->candidates = list_concat(d->candidates, feedback_apply(d->facts, d->rules, s.added));
	score_all(d->weights, d->candidates);
}
