/*-------------------------------------------------------------------------
 *
 * discover_values.c
 *	  Candidates that no name suggests, of columns whose values can tell.
 *
 * That uuids, texts of many kinds or numbers far apart are all keys of a
 * table is no chance.  So where the names bring up nothing that is likely,
 * each such column gets a sketch: the least hashes of its values, in a sample
 * of its table, in a store that queries see as a table.  Then each key of
 * these types is read once, and its hashes are looked for in all sketches
 * together.  Where four fifths of a sketch's rows are found, there is a
 * candidate; what it is worth is for its rows to say (discover_rows.c).  Of
 * several that fit, the likeliest is chosen.
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
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "audit/audit.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/meant.h"
#include "discover/discover.h"

#define LIKELY 0.3				/* score from which on a candidate by name
								 * needs no others */
#define SKETCH 64				/* values of a sketch, at most */
#define SKETCH_LEAST 2			/* values of a sketch, at least */
#define SPARSE_OF 64			/* range of numbers per value, at least */
#define KEY_SPARSE_OF 2			/* the same for a key, all of whose values are
								 * known */
#define CHILD_AS_PARENT 3.0		/* log of the odds against a table that
								 * extends another one */
#define ORPHAN 6.9				/* log of the odds against a missing value */
#define SIZE_MOST 10.0			/* log of the odds for a smaller key, at most,
								 * because values are not drawn evenly */
#define FEW 5.0					/* log of the odds for referencing few of many
								 * parents */
#define ORIGIN 2.3				/* log of the odds for a primary key, or one
								 * with generated values */
#define CHOICE 2.2				/* log of the odds that suffices to choose */

/* Sketches of some columns, which queries see as a table "sketch" */
typedef struct Sketches
{
	Discovery  *d;
	EphemeralNamedRelationData rows;	/* rows: column, hash, number of rows
										 * with it, number of rows in the
										 * sketch */
	List	   *types;			/* types of the columns that have a sketch */
	List	  **known;			/* keys suggested by names, indexed by column
								 * from d->from on */
	Bitmapset  *referred;		/* columns that others reference */
	Bitmapset  *likely;			/* columns that are likely to reference others */
	List	   *added;
} Sketches;

/* Table to read */
typedef struct TableRead
{
	Sketches   *sketches;
	int			table;
	List	   *columns;		/* int: columns of a child to sketch */
	int			key;			/* key of a parent to look up */
} TableRead;

/*
 * Returns an expression that hashes a column's values under a pinned
 * search_path; NULL if the type has none.
 */
static char *
hash_of(const FactColumn *column, const char *alias)
{
	const char *value = psprintf("%s.%s", alias, quote_identifier(column->name));

	switch (column->base)
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

/* Returns whether a column has values in the table's rows; one that was dropped since the facts were read has none */
static bool
is_stored(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(relid, attnum, &column) && column.attgenerated != ATTRIBUTE_GENERATED_VIRTUAL;
}

/* Returns whether a column may be read; in doubt false, because no name suggests it */
static bool
may_read(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];
	Oid			relid = facts->tables[column->table].oid;

	return is_stored(relid, column->attnum) &&
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
sketch_columns(TableRead *read)
{
	Sketches   *s = read->sketches;
	const Facts *facts = s->d->facts;
	StringInfoData columns;
	StringInfoData hashes;
	ListCell   *lc;

	initStringInfo(&columns);
	initStringInfo(&hashes);
	foreach(lc, read->columns)
	{
		appendStringInfo(&columns, "%s%d", foreach_current_index(lc) ? ", " : "", lfirst_int(lc));
		appendStringInfo(&hashes, "%s%s", foreach_current_index(lc) ? ", " : "", hash_of(&facts->columns[lfirst_int(lc)], "fk"));
	}
	appendStringInfoString(&hashes, "] AS hashes");
	if (probe_from(&hashes, facts, read->table) == 0)
		return;
	probe_fill(&s->rows, facts->tables[read->table].oid, psprintf("SELECT v.c, v.h, v.n, CAST(sum(v.n) OVER (PARTITION BY v.c) AS int8)"
																  " FROM (SELECT u.c, u.h, count(*) AS n, row_number() OVER (PARTITION BY u.c ORDER BY u.h) AS place"
																  " FROM (SELECT ARRAY[%s) r, unnest(ARRAY[%s], r.hashes) u (c, h) WHERE u.h IS NOT NULL GROUP BY u.c, u.h) v WHERE v.place <= %d",
																  hashes.data, columns.data, SKETCH));
}

/* Adds a candidate: a column most of whose sketch is found in the key */
static void
add_candidate(Sketches *s, int c, int k)
{
	Facts	   *facts = s->d->facts;
	const FactKey *key = &facts->keys[k];
	MemoryContext caller;
	Candidate  *cand;

	/* two unique names of a row are often equal */
	if (list_length(s->added) >= s->d->room || key->columns[0] == c ||
		(key->table == facts->columns[c].table && facts->columns[c].alone_unique) || list_member_int(s->known[c - s->d->from], k) ||
		!facts_types_match(facts, facts->columns[c].base, facts->columns[key->columns[0]].base))
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
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT s.c FROM (SELECT %s AS h FROM ", hash_of(&facts->columns[facts->keys[read->key].columns[0]], "pk"));
	audit_sql_table(&query, facts->tables[read->table].oid, "pk");
	appendStringInfo(&query, ") p JOIN sketch s ON s.h = p.h GROUP BY s.c HAVING count(*) >= %d AND 5 * sum(s.n) >= 4 * max(s.size) ORDER BY s.c",
					 SKETCH_LEAST);
	if (SPI_register_relation(&s->rows) != SPI_OK_REL_REGISTER || sg_spi_execute_meant(query.data, list_make1_oid(facts->tables[read->table].oid), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no hashes of a key");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		add_candidate(s, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)), read->key);
	}
}

/* Locks without waiting, and reads */
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

/*
 * Reads a table; leaves it out if it can't be read.  An error while a file is
 * written is raised, because the store would be damaged.
 */
static void
read_table(Sketches *s, int table, List *columns, int key)
{
	TableRead	read = {.sketches = s,.table = table,.columns = columns,.key = key};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery sketch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ErrorData  *error;

	CHECK_FOR_INTERRUPTS();
	error = rows_try(lock_and_read, &read);
	if (error && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---- all tables ---- */

/* Returns whether a column's values are so sparse that they are hardly in another table by chance */
static bool
can_tell(Facts *facts, int c, double of)
{
	const FactColumn *column = &facts->columns[c];

	return hash_of(column, "t") && may_read(facts, c) &&
		(column->category != TYPCATEGORY_NUMERIC || stats_sparse(facts, c, of));
}

/* Returns whether a sketch exists of a column that may have a key's values */
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

/* Looks up each key in the sketches */
static void
match_keys(Sketches *s)
{
	Facts	   *facts = s->d->facts;

	for (int k = 0; k < facts->nkeys && s->rows.md.enrtuples > 0; k++)
	{
		const FactKey *key = &facts->keys[k];
		const FactTable *table = &facts->tables[key->table];

		if (key->n == 1 && !table->denied && !table->partition && table->tuples != 0 &&
			is_wanted(s, facts->columns[key->columns[0]].base) && can_tell(facts, key->columns[0], KEY_SPARSE_OF))
			read_table(s, key->table, NIL, k);
	}
}

/*
 * Makes sketches of the columns of a table, from c on, that no name explains,
 * and of its key if no other table is known to reference it, because it may
 * extend another table.  Returns the next table's first column.
 */
static int
sketch_table(Sketches *s, int c)
{
	Facts	   *facts = s->d->facts;
	int			table = facts->columns[c].table;
	List	   *columns = NIL;

	for (; c < s->d->next && facts->columns[c].table == table; c++)
	{
		const FactColumn *column = &facts->columns[c];

		if (bms_is_member(c, s->likely) || !facts->tables[table].asked || !match_eligible(facts, c) ||
			column->declared || (column->alone_primary && (column->has_default || bms_is_member(c, s->referred))) ||
			!can_tell(facts, c, SPARSE_OF))
			continue;
		columns = lappend_int(columns, c);
		s->types = list_append_unique_oid(s->types, column->base);
	}
	if (columns)
		read_table(s, table, columns, -1);
	return c;
}

static TupleDesc
sketch_desc(void)
{
	static const char *const names[] = {"c", "h", "n", "size"};
	TupleDesc	desc = CreateTemplateTupleDesc(lengthof(names));

	for (AttrNumber i = 1; i <= lengthof(names); i++)
		TupleDescInitEntry(desc, i, names[i - 1], i == 1 ? INT4OID : INT8OID, -1, 0);
	TupleDescFinalize(desc);
	return desc;
}

/* Columns that have a likely candidate get no others. */
void
values_add(Discovery *d)
{
	int			n = d->next - d->from;
	Sketches	s = {.d = d};

	probe_store(&s.rows, "sketch", sketch_desc());
	s.known = palloc_extended((n + 1) * sizeof(List *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int r = 0; r < d->facts->nreferences; r++)
		s.referred = bms_add_member(s.referred, d->facts->references[r].parent_columns[0]);
	foreach_ptr(const Candidate, cand, d->candidates)
	{
		if (cand->score >= LIKELY)
			s.referred = bms_add_member(s.referred, d->facts->keys[cand->key].columns[0]);
		for (int i = 0; i < cand->n && cand->score >= LIKELY; i++)
			s.likely = bms_add_member(s.likely, cand->columns[i]);
		if (cand->n == 1)
			s.known[cand->column - d->from] = lappend_int(s.known[cand->column - d->from], cand->key);
	}
	for (int c = d->from; c < d->next;)
		c = sketch_table(&s, c);
	match_keys(&s);
	tuplestore_end(s.rows.reldata);
	d->candidates = list_concat(d->candidates, feedback_apply(d->facts, s.added));
	score_all(d->weights, d->candidates);
}

/* ---- which of several keys ---- */

/*
 * Returns whether a column more likely references the first of two keys that
 * both have all of its values
 */
static bool
is_likelier(const Facts *facts, const Candidate *cand, const Candidate *other)
{
	const FactKey *key = &facts->keys[cand->key];
	const FactKey *others = &facts->keys[other->key];
	double		size = cand->distinct * log(other->parents / cand->parents);
	double		odds = Max(Min(size, SIZE_MOST), -SIZE_MOST) + (other->orphan_rows - cand->orphan_rows) * ORPHAN +
		FEW * (stats_few(other->distinct, other->rows_checked, other->parents) - stats_few(cand->distinct, cand->rows_checked, cand->parents)) +
		ORIGIN * (key->primary - others->primary) +
		ORIGIN * (facts->columns[key->columns[0]].has_default - facts->columns[others->columns[0]].has_default);

	if (cand->parents != other->parents)
		odds += cand->parents > other->parents ? CHILD_AS_PARENT : -CHILD_AS_PARENT;
	return odds >= CHOICE;
}

/* Chooses among the candidates of one column, and refutes the others */
static void
choose_key(const Facts *facts, List *candidates)
{
	Candidate  *best = linitial(candidates);

	foreach_ptr(Candidate, cand, candidates)
		best = cand == best || is_likelier(facts, best, cand) ? best : cand;
	foreach_ptr(const Candidate, other, candidates)
	{
		if (other != best && !is_likelier(facts, best, other))
			return;
	}
	best->others = list_length(candidates) - 1;
	foreach_ptr(Candidate, other, candidates)
	{
		other->refuted = other != best;
		if (other == best)
			continue;
		EVIDENCE_OF(other)[EVIDENCE_FITS] = 0;
		EVIDENCE_OF(other)[EVIDENCE_CHANCE] = 1;
	}
}

/*
 * If a column's values are in several tables' keys, these tables extend one
 * another: the smaller one references the larger one, and few others reference
 * it.  But the more values there are, the less likely all of them are in the
 * smaller one by chance.
 */
void
values_choose(const Facts *facts, List *candidates)
{
	List	   *open = NIL;

	foreach_ptr(Candidate, cand, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (open != NIL && ((Candidate *) linitial(open))->set != cand->set)
		{
			choose_key(facts, open);
			open = NIL;
		}
		if (cand->by_rows && cand->rows_checked > 0 && !cand->refuted && cand->parents > 0)
			open = lappend(open, cand);
	}
	if (open != NIL)
		choose_key(facts, open);
}
