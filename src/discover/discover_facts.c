/*-------------------------------------------------------------------------
 *
 * discover_facts.c
 *	  Reads the facts of the catalogs, once, for the whole database.
 *
 * One query each for tables, columns and keys (sql/parts/70_discover.sql), and
 * the declared foreign keys.  No table is opened or locked.
 *
 * What came between two of the queries waits for the next call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "base/version.h"
#include "discover/discover_facts.h"
#include "fk/fk.h"

/* DestReceiver for the rows of a query */
typedef struct FactReader
{
	DestReceiver pub;
	MemoryContext context;
	void		(*take) (void *arg, const Datum *row, const bool *nulls);
	void	   *arg;
} FactReader;

typedef struct TableEntry
{
	Oid			oid;			/* hash key */
	int			table;
} TableEntry;

typedef struct TypePair
{
	Oid			types[2];		/* hash key: types of child and parent */
	bool		match;
} TypePair;

int
facts_find_table(const Facts *facts, Oid oid)
{
	TableEntry *entry = hash_search(facts->table_index, &oid, HASH_FIND, NULL);

	return entry ? entry->table : -1;
}

const char *
facts_table_name(const Facts *facts, int table)
{
	FactTable  *t = &facts->tables[table];

	if (t->shown == NULL)
		t->shown = MemoryContextStrdup(facts->context, sg_relation_name(t->oid));
	return t->shown;
}

List *
facts_column_names(const Facts *facts, const int *columns, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, facts->columns[columns[i]].name);
	return names;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	FactReader *reader = (FactReader *) self;
	MemoryContext caller = MemoryContextSwitchTo(reader->context);

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	reader->take(reader->arg, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(caller);
	return true;
}

void
facts_query(const char *query, int64 argument, void (*take) (void *, const Datum *, const bool *), void *arg)
{
	FactReader	reader = {.pub = sg_receiver(receive_row),.context = CurrentMemoryContext,.take = take,.arg = arg};
	ErrorContextCallback callback;
	SgScope		scope;

	sg_owner_begin(&scope);
	sg_version_context_begin(&callback);
	sg_spi_receive(query, NIL, argument, false, &reader.pub);
	sg_version_context_end(&callback);
	sg_scope_end(&scope);
}

/* Returns the array with room for one more element: doubles it when it is full, at powers of two */
static void *
reserve(void *array, int n, Size size)
{
	if (n == 0)
		return palloc(size);
	return (n & (n - 1)) == 0 ? repalloc_huge(array, 2 * n * size) : array;
}

/* Returns the shared FactName of a name, which is split into words the first time */
static FactName *
shared_name(Facts *facts, Datum name)
{
	bool		found;
	FactName   *entry = hash_search(facts->names, NameStr(*DatumGetName(name)), HASH_ENTER, &found);

	if (!found)
		entry->words = words_split(facts->dictionary, entry->name);
	return entry;
}

static void
take_table(void *arg, const Datum *row, const bool *nulls)
{
	Facts	   *facts = arg;
	Oid			oid = DatumGetObjectId(row[0]);
	FactName   *name = shared_name(facts, row[2]);
	FactTable  *table;
	TableEntry *entry;

	if (fk_citus_hides(oid))
		return;
	facts->tables = reserve(facts->tables, facts->ntables, sizeof(FactTable));
	table = &facts->tables[facts->ntables];
	memset(table, 0, sizeof(FactTable));
	table->oid = oid;
	table->schema = DatumGetObjectId(row[1]);
	table->name = name->name;
	table->words = name->words;
	table->partition = DatumGetBool(row[3]);
	table->unlogged = DatumGetBool(row[4]);
	table->tuples = DatumGetFloat4(row[5]);
	table->columns = facts->ncolumns;
	table->ncolumns = DatumGetInt16(row[6]);
	table->denied = !DatumGetBool(row[7]);
	table->asked = true;
	table->primary = -1;
	facts->ncolumns += table->ncolumns;
	entry = hash_search(facts->table_index, &oid, HASH_ENTER, NULL);
	entry->table = facts->ntables++;
}

/* Returns the column of a table by number, -1 if there is none */
static int
column_at(const Facts *facts, Oid relid, AttrNumber attnum)
{
	int			table = facts_find_table(facts, relid);

	if (table < 0 || attnum <= 0 || attnum > facts->tables[table].ncolumns)
		return -1;
	return facts->tables[table].columns + attnum - 1;
}

/* Like column_at(), but -1 for a dropped column */
int
facts_find_column(const Facts *facts, Oid relid, AttrNumber attnum)
{
	int			column = column_at(facts, relid, attnum);

	return column >= 0 && facts->columns[column].name ? column : -1;
}

/* Adds a column; dropped ones keep their position, without a name */
static void
take_column(void *arg, const Datum *row, const bool *nulls)
{
	Facts	   *facts = arg;
	int			number = column_at(facts, DatumGetObjectId(row[0]), DatumGetInt16(row[1]));
	FactColumn *column;
	FactName   *name;

	if (number < 0)
		return;
	column = &facts->columns[number];
	name = shared_name(facts, row[2]);
	column->attnum = DatumGetInt16(row[1]);
	column->name = name->name;
	column->words = name->words;
	column->type = DatumGetObjectId(row[3]);
	column->typmod = DatumGetInt32(row[4]);
	column->collation = DatumGetObjectId(row[5]);
	column->not_null = DatumGetBool(row[6]);
	column->has_default = DatumGetBool(row[7]);
	column->own = DatumGetBool(row[8]);
	column->base = nulls[9] ? column->type : DatumGetObjectId(row[9]);
	column->category = nulls[9] ? '\0' : DatumGetChar(row[10]);
	column->refers = !nulls[9] && DatumGetBool(row[11]);
}

/* Records the indexes of a column, and of the tables from which it is inherited */
static void
take_indexed(void *arg, const Datum *row, const bool *nulls)
{
	Facts	   *facts = arg;
	int			number = facts_find_column(facts, DatumGetObjectId(row[0]), DatumGetInt16(row[1]));
	FactColumn *column = &facts->columns[Max(number, 0)];

	if (number < 0)
		return;
	column->own |= DatumGetBool(row[2]);
	column->leads_any |= DatumGetBool(row[3]);
	column->leads_index |= DatumGetBool(row[4]);
	column->in_primary |= DatumGetBool(row[5]);
	column->alone_unique |= DatumGetBool(row[6]);
	column->alone_primary |= DatumGetBool(row[7]);
	facts->indexed |= column->leads_index;
}

/* Returns whether two lists have the same columns, in any order */
static bool
same_columns(const int *a, int na, const int *b, int nb)
{
	int			same = 0;

	for (int i = 0; i < na; i++)
	{
		for (int j = 0; j < nb; j++)
			same += a[i] == b[j];
	}
	return same == na && na == nb;
}

int
facts_find_key(const Facts *facts, int table, const int *columns, int n)
{
	foreach_int(k, facts->tables[table].keys)
	{
		if (same_columns(facts->keys[k].columns, facts->keys[k].n, columns, n))
			return k;
	}
	return -1;
}

bool
facts_is_declared(const Facts *facts, int child, int parent, const int *columns, int n)
{
	foreach_int(r, facts->tables[child].references)
	{
		const FactReference *reference = &facts->references[r];

		if ((parent < 0 || reference->parent == parent) && same_columns(reference->child_columns, reference->n, columns, n))
			return true;
	}
	return false;
}

/*
 * Adds a unique index that a foreign key could reference; of several on the
 * same columns the primary key, else the first
 */
static void
take_key(void *arg, const Datum *row, const bool *nulls)
{
	Facts	   *facts = arg;
	Oid			relid = DatumGetObjectId(row[0]);
	const int2vector *attnums = (const int2vector *) DatumGetPointer(row[3]);
	FactKey		key = {.table = facts_find_table(facts, relid),.primary = DatumGetBool(row[1]),.n = DatumGetInt16(row[2])};

	for (int i = 0; i < key.n; i++)
	{
		key.columns[i] = facts_find_column(facts, relid, attnums->values[i]);
		if (key.columns[i] < 0)
			return;
	}
	if (facts_find_key(facts, key.table, key.columns, key.n) >= 0)
		return;
	if (key.primary)
		facts->tables[key.table].primary = facts->nkeys;
	facts->tables[key.table].keys = lappend_int(facts->tables[key.table].keys, facts->nkeys);
	facts->keys = reserve(facts->keys, facts->nkeys, sizeof(FactKey));
	facts->keys[facts->nkeys++] = key;
}

static void
read_catalogs(Facts *facts)
{
	facts_query("SELECT * FROM schemaguard.sg_discovery_tables(CAST($1 AS oid))", GetUserId(), take_table, facts);
	facts->columns = palloc_extended((facts->ncolumns + 1) * sizeof(FactColumn), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int t = 0; t < facts->ntables; t++)
	{
		for (int c = 0; c < facts->tables[t].ncolumns; c++)
			facts->columns[facts->tables[t].columns + c].table = t;
	}
	facts_query("SELECT * FROM schemaguard.sg_discovery_columns()", -1, take_column, facts);
	facts_query("SELECT * FROM schemaguard.sg_discovery_indexed()", -1, take_indexed, facts);
	facts_query("SELECT * FROM schemaguard.sg_discovery_keys()", -1, take_key, facts);
}

static void
read_references(Facts *facts)
{
	List	   *declared = fk_declared(InvalidOid);

	facts->references = palloc_extended((list_length(declared) + 1) * sizeof(FactReference), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	foreach_ptr(FkKey, key, declared)
	{
		FactReference *reference = &facts->references[facts->nreferences];
		bool		complete = true;

		reference->child = facts_find_table(facts, key->child);
		reference->parent = facts_find_table(facts, key->parent);
		reference->n = key->nkeys;
		for (int i = 0; i < key->nkeys; i++)
		{
			reference->child_columns[i] = facts_find_column(facts, key->child, key->child_att[i]);
			reference->parent_columns[i] = facts_find_column(facts, key->parent, key->parent_att[i]);
			complete &= reference->child_columns[i] >= 0 && reference->parent_columns[i] >= 0;
		}
		if (!complete)
			continue;
		facts->columns[reference->child_columns[0]].declared |= reference->n == 1;
		facts->tables[reference->child].references =
			lappend_int(facts->tables[reference->child].references, facts->nreferences);
		facts->nreferences++;
	}
}

HTAB *
facts_hash(const char *name, Size keysize, Size entrysize)
{
	HASHCTL		control = {.keysize = keysize,.entrysize = entrysize,.hcxt = CurrentMemoryContext};

	return hash_create(name, 256, &control, HASH_ELEM | HASH_CONTEXT | (keysize >= NAMEDATALEN ? HASH_STRINGS : HASH_BLOBS));
}

/* Reads all facts; for sg_read(), which looks again if an object is dropped meanwhile */
static void
read_all(void *arg)
{
	Facts	   *facts = palloc0(sizeof(Facts));

	facts->context = CurrentMemoryContext;
	facts->dictionary = words_read();
	facts->names = facts_hash("names", NAMEDATALEN, sizeof(FactName));
	facts->type_pairs = facts_hash("type pairs", 2 * sizeof(Oid), sizeof(TypePair));
	facts->possible = facts_hash("possible keys", 4 * sizeof(uint32), 5 * sizeof(uint32));
	facts->table_index = facts_hash("tables", sizeof(Oid), sizeof(TableEntry));
	read_catalogs(facts);
	words_settle(facts->dictionary);
	read_references(facts);
	*(Facts **) arg = facts;
}

Facts *
facts_read(void)
{
	Facts	   *facts;

	sg_read(read_all, &facts);
	return facts;
}

void
facts_ask(Facts *facts, Oid child, List *schemas)
{
	List	   *oids = NIL;

	foreach_ptr(const char, schema, schemas)
		oids = lappend_oid(oids, get_namespace_oid(schema, true));
	for (int t = 0; t < facts->ntables; t++)
	{
		FactTable  *table = &facts->tables[t];

		table->asked = (!OidIsValid(child) || table->oid == child) &&
			(schemas == NIL || list_member_oid(oids, table->schema));
	}
}

/* ---- types ---- */

static Oid
btree_family(Oid type)
{
	Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);

	return OidIsValid(opclass) ? get_opclass_family(opclass) : InvalidOid;
}

bool
facts_types_match(Facts *facts, Oid child, Oid parent)
{
	Oid			types[2] = {child, parent};
	bool		found;
	TypePair   *pair = hash_search(facts->type_pairs, types, HASH_ENTER, &found);

	if (!found)
	{
		Oid			family = btree_family(parent);

		pair->match = OidIsValid(family) &&
			(child == parent || family == btree_family(child) || can_coerce_type(1, &child, &parent, COERCION_IMPLICIT));
	}
	return pair->match;
}
