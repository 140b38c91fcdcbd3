/*-------------------------------------------------------------------------
 *
 * discover_values.c
 *	  Candidates that no name suggests, of columns whose values can tell.
 *
 * That uuids, texts of many kinds or numbers far apart are all keys of a
 * table is no chance.  So where the names bring up nothing that is likely,
 * each such column gets a sketch: the least hashes of its values, in a sample
 * of its table.  Then each key of these types is read once, and its hashes are
 * looked for in all sketches together.  Where four fifths of a sketch's rows
 * are found, there is a candidate; what it is worth is for its rows to say
 * (discover_rows.c).  Of several that fit, the likeliest is chosen.
 *
 * Nothing but hash functions of built-in types runs, and only where reading
 * the table runs nobody else's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

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

#define LIKELY 0.3				/* score of a candidate that needs no others */
#define SKETCH 64				/* values of a sketch.. */
#define SKETCH_LEAST 2			/* .. and fewer say nothing */
#define SPARSE_OF 64			/* numbers that could be for each one that is */
#define KEY_SPARSE_OF 2			/* .. of a key's: all of its are known */
#define CHILD_AS_PARENT 3.0		/* log of the odds against a table that
								 * extends another one */
#define ORPHAN 6.9				/* ... against a value that is missing */
#define SIZE_MOST 10.0			/* ... for a smaller key, at most: values are
								 * not drawn evenly */
#define CHOICE 2.2				/* ... that are enough to choose */
#define COLUMNS_AT_ONCE 64
#define VALUE_BYTES 24			/* of memory that a value of a sketch takes */

/* The sketches of some columns */
typedef struct Sketches
{
	Discovery  *d;
	int			n;				/* values of all of them */
	int			room;
	Datum	   *hashes;			/* int8: the values, column after column */
	int		   *columns;		/* of each.. */
	int64	   *rows;			/* ..and how many have it */
	int64	   *sizes;			/* rows by column, from d->from */
	List	   *types;			/* Oids: of the columns that have one */
	List	  **known;			/* keys that its names have brought up */
	Bitmapset  *referred;		/* columns that others refer to */
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

/*
 * The hash of a column's values, as an expression with search_path pinned;
 * NULL: of that type there is none.
 */
static char *
hash_of(const FactColumn *column, const char *alias)
{
	const char *value = psprintf("%s.%s", alias, quote_identifier(column->name));

	switch (getBaseType(column->type))
	{
		case UUIDOID:
			return psprintf("uuid_hash_extended(%s, 0)", value);
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return psprintf("hashint8extended(%s, 0)", value);
		case NUMERICOID:
			return psprintf("hash_numeric_extended(%s, 0)", value);
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return psprintf("CASE WHEN pg_column_size(%s) < %d THEN hashtextextended(CAST(%s AS text) COLLATE \"C\", 0) END", value, BLCKSZ, value);
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

/* A value of the current row of a query */
static int64
number_at(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
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
	appendStringInfoString(&query, "SELECT v.k, v.h, v.n FROM (SELECT u.k, u.h, count(*) AS n, row_number() OVER (PARTITION BY u.k ORDER BY u.h) AS place"
						   " FROM (SELECT ARRAY[");
	foreach(lc, read->columns)
		appendStringInfo(&query, "%s%s", foreach_current_index(lc) ? ", " : "", hash_of(&facts->columns[lfirst_int(lc)], "fk"));
	appendStringInfoString(&query, "] AS hashes");
	probe_from(&query, facts, read->table, percent);
	appendStringInfo(&query, ") r, unnest(r.hashes) WITH ORDINALITY u (h, k) WHERE u.h IS NOT NULL GROUP BY u.k, u.h) v WHERE v.place <= %d", SKETCH);
	if (SPI_execute(query.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no sketch");
	for (uint64 i = 0; i < SPI_processed; i++, s->n++)
	{
		int			c = list_nth_int(read->columns, number_at(i, 1) - 1);

		s->columns[s->n] = c;
		s->hashes[s->n] = Int64GetDatum(number_at(i, 2));
		s->rows[s->n] = number_at(i, 3);
		s->sizes[c - s->d->from] += number_at(i, 3);
	}
}

/* A column that has so many rows of its sketch in the key */
static void
add_candidate(Sketches *s, int c, int k, int64 found)
{
	Facts	   *facts = s->d->facts;
	const FactKey *key = &facts->keys[k];
	int			at = c - s->d->from;
	MemoryContext caller;
	Candidate  *cand;

	if (5 * found < 4 * s->sizes[at] || list_length(s->added) >= s->d->room ||
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
	Oid			type = INT8ARRAYOID;
	Datum		hashes = PointerGetDatum(construct_array(s->hashes, s->n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	StringInfoData query;
	int			values = 0;
	int64		rows = 0;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT s.i FROM (SELECT %s AS h FROM ", hash_of(&facts->columns[facts->keys[read->key].columns[0]], "pk"));
	audit_sql_table(&query, facts->tables[read->table].oid, "pk");
	appendStringInfoString(&query, ") p JOIN unnest($1) WITH ORDINALITY s (h, i) ON s.h = p.h ORDER BY s.i");
	if (SPI_execute_with_args(query.data, 1, &type, &hashes, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no hashes of a key");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		at = number_at(i, 1) - 1;

		values++;
		rows += s->rows[at];
		if (i + 1 < SPI_processed && s->columns[number_at(i + 1, 1) - 1] == s->columns[at])
			continue;
		if (values >= SKETCH_LEAST)
			add_candidate(s, s->columns[at], read->key, rows);
		values = 0;
		rows = 0;
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

/*
 * The columns of a table that no name explains, from c on, and its key, if no
 * other table refers to it, as far as is known: it may extend another table.
 * Returns the next table's first column.
 */
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
			column->declared || (column->alone_primary && (column->has_default || bms_is_member(c, s->referred))) ||
			!can_tell(facts, c, SPARSE_OF))
			continue;
		columns = lappend_int(columns, c);
		s->types = list_append_unique_oid(s->types, column->type);
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
	Sketches	s = {.d = d,.room = Min(sg_audit_memory_bytes() / 8 / VALUE_BYTES, n * SKETCH) + COLUMNS_AT_ONCE * SKETCH};

	s.columns = palloc_extended(s.room * sizeof(int), MCXT_ALLOC_HUGE);
	s.hashes = palloc_extended(s.room * sizeof(Datum), MCXT_ALLOC_HUGE);
	s.rows = palloc_extended(s.room * sizeof(int64), MCXT_ALLOC_HUGE);
	s.sizes = palloc_extended((n + 1) * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.known = palloc_extended((n + 1) * sizeof(List *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int r = 0; r < d->facts->nreferences; r++)
		s.referred = bms_add_member(s.referred, d->facts->references[r].parent_columns[0]);
	foreach_ptr(const Candidate, cand, d->candidates)
	{
		if (cand->score >= LIKELY)
			s.referred = bms_add_member(s.referred, d->facts->keys[cand->key].columns[0]);
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

/* ---- which of several keys ---- */

/* Of two keys that have all of a column's values, is it the first one that it refers to? */
static bool
is_likelier(const Candidate *cand, const Candidate *other)
{
	double		size = cand->distinct * log(other->parents / cand->parents);
	double		odds = Max(Min(size, SIZE_MOST), -SIZE_MOST) + (other->orphan_rows - cand->orphan_rows) * ORPHAN;

	if (cand->parents != other->parents)
		odds += cand->parents > other->parents ? CHILD_AS_PARENT : -CHILD_AS_PARENT;
	return odds >= CHOICE;
}

/* Of one column */
static void
choose_key(List *candidates)
{
	Candidate  *best = linitial(candidates);

	foreach_ptr(Candidate, cand, candidates)
		best = cand == best || is_likelier(best, cand) ? best : cand;
	foreach_ptr(const Candidate, other, candidates)
	{
		if (other != best && !is_likelier(best, other))
			return;
	}
	best->others = list_length(candidates) - 1;
	foreach_ptr(Candidate, other, candidates)
	{
		other->refuted = other != best;
		if (other == best)
			continue;
		signals_set(other, EVIDENCE_FITS, 0);
		signals_set(other, EVIDENCE_CHANCE, 1);
	}
}

/*
 * Where a column's values are in several tables' keys, these tables extend
 * one another: the smaller one refers to the larger one, and few others refer
 * to it.  But that all of the values are in the smaller one as well is the
 * less likely the more of them there are.
 */
void
values_choose(List *candidates)
{
	List	   *open = NIL;

	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (open != NIL && ((Candidate *) linitial(open))->set != cand->set)
		{
			choose_key(open);
			open = NIL;
		}
		if (cand->by_rows && cand->rows_checked > 0 && !cand->refuted && cand->parents > 0)
			open = lappend(open, cand);
	}
	if (open != NIL)
		choose_key(open);
}
