/*-------------------------------------------------------------------------
 *
 * discover_facts.c
 *	  What the catalogs say, once, for the whole database.
 *
 * One pass over pg_class, pg_attribute, pg_attrdef, pg_index and the foreign
 * keys of pg_constraint each.  Tables of extensions, temporary ones and the
 * system's own are left out; partitions are there, marked, since keys belong
 * to the table that they are partitions of.  No table is opened or locked.
 * Tables and keys are put in the order of their names and columns: where two
 * do alike, what is proposed must not hang on how the catalogs lie on disk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/quote.h"
#include "discover/discover_facts.h"
#include "discover/discover_words.h"
#include "fk/fk.h"

typedef struct TableEntry
{
	Oid			oid;			/* hash key */
	int			table;
} TableEntry;

typedef struct TypePair
{
	Oid			child;			/* hash key, with parent */
	Oid			parent;
	bool		match;
} TypePair;

/* A word of names, once for all of them */
typedef struct SharedWord
{
	char		word[NAMEDATALEN * 2];	/* hash key */
} SharedWord;

static HTAB *
oid_hash(const char *name, Size entry)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = entry,.hcxt = CurrentMemoryContext};

	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

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

/* The tables that belong to extensions, as a hash of OIDs */
static HTAB *
extension_tables(void)
{
	HTAB	   *members = oid_hash("extension tables", sizeof(Oid));
	SgCatalog	extensions;
	HeapTuple	tuple;

	sg_catalog_begin_all(&extensions, ExtensionRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&extensions)))
	{
		SgCatalog	depend;

		sg_catalog_begin_depend(&depend, true, ExtensionRelationId, ((Form_pg_extension) GETSTRUCT(tuple))->oid, 0);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
		{
			Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

			if (form->classid == RelationRelationId && form->deptype == DEPENDENCY_EXTENSION)
				(void) hash_search(members, &form->objid, HASH_ENTER, NULL);
		}
	}

	return members;
}

/* The same letters as one string: most words are in many names */
static char *
shared_word(Facts *facts, const char *word)
{
	SharedWord *entry = hash_search(facts->shared_words, word, HASH_ENTER, NULL);

	return entry->word;
}

Words
facts_keep_words(Facts *facts, const Words *words)
{
	Words		kept = {.n = words->n};

	if (words->n == 0)
		return kept;
	kept.word = MemoryContextAlloc(facts->context, words->n * (2 * sizeof(char *) + sizeof(int)));
	kept.stem = kept.word + words->n;
	kept.class = (int *) (kept.stem + words->n);
	for (int i = 0; i < words->n; i++)
	{
		kept.word[i] = shared_word(facts, words->word[i]);
		kept.stem[i] = shared_word(facts, words->stem[i]);
		kept.class[i] = words->class[i];
	}
	return kept;
}

/* The name of a table or a column, cut into words when it is met first */
static FactName *
shared_name(Facts *facts, const char *name)
{
	bool		found;
	FactName   *entry = hash_search(facts->names, name, HASH_ENTER, &found);

	if (!found)
	{
		WordsRoom	room;
		Words		words = words_split(facts->dictionary, name, &room);

		entry->words = facts_keep_words(facts, &words);
		for (int i = 0; i < words.n; i++)
		{
			pfree(words.word[i]);
			pfree(words.stem[i]);
		}
	}
	return entry;
}

static bool
is_denied(Oid relid)
{
	Oid			role = GetUserId();

	return pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, role, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK;
}

static void
add_table(Facts *facts, Form_pg_class form)
{
	FactTable  *table = &facts->tables[facts->ntables++];
	FactName   *name;

	memset(table, 0, sizeof(FactTable));
	table->oid = form->oid;
	table->schema = form->relnamespace;
	name = shared_name(facts, NameStr(form->relname));
	table->name = name->name;
	table->words = name->words;
	table->primary = -1;
	table->partition = form->relispartition;
	table->unlogged = form->relpersistence == RELPERSISTENCE_UNLOGGED;
	table->denied = is_denied(form->oid);
	table->asked = true;
	table->tuples = form->reltuples;
}

typedef struct SchemaEntry
{
	Oid			oid;			/* hash key */
	char		name[NAMEDATALEN];	/* empty: it is just dropped */
} SchemaEntry;

static const char *
schema_name(HTAB *schemas, Oid oid)
{
	bool		found;
	SchemaEntry *entry = hash_search(schemas, &oid, HASH_ENTER, &found);

	if (!found)
	{
		char	   *name = get_namespace_name(oid);

		strlcpy(entry->name, name ? name : "", NAMEDATALEN);
	}
	return entry->name;
}

static int
compare_tables(const void *a, const void *b, void *schemas)
{
	const FactTable *ta = a;
	const FactTable *tb = b;
	int			order = strcmp(ta->name, tb->name);

	if (order == 0)
		order = strcmp(schema_name(schemas, ta->schema), schema_name(schemas, tb->schema));
	return order != 0 ? order : ta->oid < tb->oid ? -1 : ta->oid > tb->oid;
}

static void
sort_tables(Facts *facts)
{
	HTAB	   *schemas = oid_hash("schemas", sizeof(SchemaEntry));

	if (facts->ntables > 0)
		qsort_arg(facts->tables, facts->ntables, sizeof(FactTable), compare_tables, schemas);
	hash_destroy(schemas);
	facts->table_index = oid_hash("tables", sizeof(TableEntry));
	for (int t = 0; t < facts->ntables; t++)
	{
		TableEntry *entry = hash_search(facts->table_index, &facts->tables[t].oid, HASH_ENTER, NULL);

		entry->table = t;
	}
}

static void
read_tables(Facts *facts)
{
	HTAB	   *members = extension_tables();
	SgCatalog	pass;
	HeapTuple	tuple;
	int			room = 0;

	sg_catalog_begin_all(&pass, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if ((form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE) ||
			form->oid < FirstNormalObjectId || IsCatalogNamespace(form->relnamespace) ||
			IsToastNamespace(form->relnamespace) || sg_is_attic(form->relnamespace) ||
			form->relpersistence == RELPERSISTENCE_TEMP ||
			hash_search(members, &form->oid, HASH_FIND, NULL) ||
			fk_citus_hides(form->oid))
			continue;
		if (facts->ntables == room)
		{
			room = room ? room * 2 : 256;
			facts->tables = facts->tables ?
				repalloc_huge(facts->tables, room * sizeof(FactTable)) :
				MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(FactTable));
		}
		add_table(facts, form);
	}
	hash_destroy(members);
	sort_tables(facts);
}

/*
 * Columns end up table by table, by number: the tuples of one table come in
 * any order, so they are counted first and put in place after.
 */
static void
count_columns(Facts *facts)
{
	SgCatalog	pass;
	HeapTuple	tuple;

	sg_catalog_begin_all(&pass, AttributeRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
		int			table;

		if (form->attnum > 0 && (table = facts_find_table(facts, form->attrelid)) >= 0)
			facts->tables[table].ncolumns = Max(facts->tables[table].ncolumns, form->attnum);
	}

	for (int i = 0; i < facts->ntables; i++)
	{
		facts->tables[i].columns = facts->ncolumns;
		facts->ncolumns += facts->tables[i].ncolumns;
	}
}

/* Columns that are dropped keep their place, without a name */
static void
read_columns(Facts *facts)
{
	SgCatalog	pass;
	HeapTuple	tuple;

	count_columns(facts);
	facts->columns = MemoryContextAllocHuge(CurrentMemoryContext,
											(facts->ncolumns + 1) * sizeof(FactColumn));
	memset(facts->columns, 0, (facts->ncolumns + 1) * sizeof(FactColumn));

	sg_catalog_begin_all(&pass, AttributeRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
		FactColumn *column;
		FactName   *name;
		int			table;

		if (form->attnum <= 0 || form->attisdropped || sg_is_dropped_column(NameStr(form->attname)) ||
			(table = facts_find_table(facts, form->attrelid)) < 0)
			continue;

		/* a column that came between the two passes waits for the next call */
		if (form->attnum > facts->tables[table].ncolumns)
			continue;
		column = &facts->columns[facts->tables[table].columns + form->attnum - 1];
		column->table = table;
		column->attnum = form->attnum;
		name = shared_name(facts, NameStr(form->attname));
		column->name = name->name;
		column->words = name->words;
		column->type = form->atttypid;
		column->typmod = form->atttypmod;
		column->collation = form->attcollation;
		column->not_null = form->attnotnull;
		column->own = form->attidentity != '\0';
	}

	for (int t = 0; t < facts->ntables; t++)
	{
		for (int i = 0; i < facts->tables[t].ncolumns; i++)
			facts->columns[facts->tables[t].columns + i].table = t;
	}
}

/* The column of a table by number, or -1 */
static int
find_column(const Facts *facts, int table, AttrNumber attnum)
{
	int			column;

	if (attnum <= 0 || attnum > facts->tables[table].ncolumns)
		return -1;
	column = facts->tables[table].columns + attnum - 1;
	return facts->columns[column].name ? column : -1;
}

/* Which columns have a default that calls nextval()? */
static void
read_defaults(Facts *facts)
{
	char	   *call = psprintf(":funcid %u ", F_NEXTVAL);
	SgCatalog	pass;
	HeapTuple	tuple;

	sg_catalog_begin_all(&pass, AttrDefaultRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);
		int			table = facts_find_table(facts, form->adrelid);
		int			column = table < 0 ? -1 : find_column(facts, table, form->adnum);
		bool		isnull;
		Datum		expression;
		char	   *definition;

		if (column < 0)
			continue;
		expression = heap_getattr(tuple, Anum_pg_attrdef_adbin, RelationGetDescr(pass.rel), &isnull);
		if (isnull)
			continue;
		definition = TextDatumGetCString(expression);
		if (strstr(definition, call))
			facts->columns[column].own = true;
		pfree(definition);
	}
}

/* The table's key of the same columns, in any order, or -1 */
static int
find_key(const Facts *facts, const FactKey *key)
{
	ListCell   *lc;

	foreach(lc, facts->tables[key->table].keys)
	{
		const FactKey *other = &facts->keys[lfirst_int(lc)];
		int			same = 0;

		for (int i = 0; i < key->n; i++)
		{
			for (int j = 0; j < other->n; j++)
				same += key->columns[i] == other->columns[j];
		}
		if (same == key->n && other->n == key->n)
			return lfirst_int(lc);
	}
	return -1;
}

/* By table and columns, which are in the order of tables */
static int
compare_keys(const void *a, const void *b)
{
	const FactKey *ka = a;
	const FactKey *kb = b;

	for (int i = 0; i < Min(ka->n, kb->n); i++)
	{
		if (ka->columns[i] != kb->columns[i])
			return ka->columns[i] < kb->columns[i] ? -1 : 1;
	}
	return ka->n - kb->n;
}

static void
sort_keys(Facts *facts)
{
	if (facts->nkeys > 0)
		qsort(facts->keys, facts->nkeys, sizeof(FactKey), compare_keys);
	for (int t = 0; t < facts->ntables; t++)
	{
		list_free(facts->tables[t].keys);
		facts->tables[t].keys = NIL;
	}
	for (int k = 0; k < facts->nkeys; k++)
	{
		FactTable  *table = &facts->tables[facts->keys[k].table];

		table->keys = lappend_int(table->keys, k);
		if (facts->keys[k].primary)
			table->primary = k;
	}
}

/* Keep an index that a foreign key could refer to; several of the same columns are one, the primary or the first */
static void
add_key(Facts *facts, int table, Form_pg_index form, int *room)
{
	FactKey    *key;
	int			number;

	if (facts->nkeys == *room)
	{
		*room = *room ? *room * 2 : 256;
		facts->keys = facts->keys ? repalloc_huge(facts->keys, *room * sizeof(FactKey)) :
			MemoryContextAllocHuge(CurrentMemoryContext, *room * sizeof(FactKey));
	}
	key = &facts->keys[facts->nkeys];
	memset(key, 0, sizeof(FactKey));
	key->table = table;
	key->n = form->indnkeyatts;
	key->primary = form->indisprimary;
	for (int i = 0; i < key->n; i++)
	{
		key->columns[i] = find_column(facts, table, form->indkey.values[i]);
		if (key->columns[i] < 0)
			return;
	}
	for (int i = 0; i < key->n; i++)
	{
		FactColumn *column = &facts->columns[key->columns[i]];

		column->in_primary |= key->primary;
		column->alone_unique |= key->n == 1;
		column->alone_primary |= key->n == 1 && key->primary;
	}
	number = find_key(facts, key);
	if (number < 0)
	{
		number = facts->nkeys++;
		facts->tables[table].keys = lappend_int(facts->tables[table].keys, number);
	}
	else if (key->primary || (!facts->keys[number].primary && compare_keys(key, &facts->keys[number]) < 0))
		facts->keys[number] = *key;
}

static void
read_indexes(Facts *facts)
{
	SgCatalog	pass;
	HeapTuple	tuple;
	int			room = 0;

	sg_catalog_begin_all(&pass, IndexRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		int			table = facts_find_table(facts, form->indrelid);
		int			leading;

		if (table < 0 || !form->indislive || !form->indisvalid)
			continue;
		leading = find_column(facts, table, form->indkey.values[0]);
		if (leading >= 0 && heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			facts->columns[leading].leads_any = true;
		if (form->indisunique && form->indimmediate && !form->indisexclusion &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
			heap_attisnull(tuple, Anum_pg_index_indexprs, NULL))
			add_key(facts, table, form, &room);
		else if (!form->indisunique &&
				 leading >= 0 &&
				 !facts->columns[leading].leads_index)
		{
			facts->columns[leading].leads_index = true;
			facts->indexed++;
		}
	}
	sort_keys(facts);
}

static void
read_references(Facts *facts)
{
	List	   *declared = fk_declared(InvalidOid);

	facts->references_room = list_length(declared) + 1;
	facts->references = palloc_extended(facts->references_room * sizeof(FactReference), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	foreach_ptr(FkKey, key, declared)
	{
		FactReference *reference = &facts->references[facts->nreferences];
		bool		complete = true;

		reference->child = facts_find_table(facts, key->child);
		reference->parent = facts_find_table(facts, key->parent);
		if (reference->child < 0 || reference->parent < 0)
			continue;
		reference->n = key->nkeys;
		reference->on_delete = key->on_delete;
		for (int i = 0; i < key->nkeys; i++)
		{
			reference->child_columns[i] = find_column(facts, reference->child, key->child_att[i]);
			reference->parent_columns[i] = find_column(facts, reference->parent, key->parent_att[i]);
			complete &= reference->child_columns[i] >= 0 && reference->parent_columns[i] >= 0;
		}
		if (!complete)
			continue;
		if (reference->n == 1)
			facts->columns[reference->child_columns[0]].declared = true;
		facts->tables[reference->child].references =
			lappend_int(facts->tables[reference->child].references, facts->nreferences);
		facts->nreferences++;
	}
}

/* What is a key in a table is taken for one in those that inherit from it, though no foreign key can refer to it there */
static void
read_inheritance(Facts *facts)
{
	SgCatalog	pass;
	HeapTuple	tuple;

	sg_catalog_begin_all(&pass, InheritsRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&pass)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);
		int			child = facts_find_table(facts, form->inhrelid);
		int			parent = facts_find_table(facts, form->inhparent);

		if (child < 0 || parent < 0 || facts->tables[child].partition)
			continue;
		for (int p = facts->tables[parent].columns; p < facts->tables[parent].columns + facts->tables[parent].ncolumns; p++)
		{
			const FactColumn *from = &facts->columns[p];

			for (int c = facts->tables[child].columns; c < facts->tables[child].columns + facts->tables[child].ncolumns; c++)
			{
				FactColumn *to = &facts->columns[c];

				if (from->name == NULL || to->name == NULL || strcmp(from->name, to->name) != 0)
					continue;
				to->alone_primary |= from->alone_primary;
				to->alone_unique |= from->alone_unique;
				to->in_primary |= from->in_primary;
				to->own |= from->own || from->alone_unique;
			}
		}
	}
}

static Oid
btree_family(Oid type)
{
	Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);

	return OidIsValid(opclass) ? get_opclass_family(opclass) : InvalidOid;
}

char
facts_type_category(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(type), &category, &preferred);
	return category;
}

bool
facts_is_text(Oid type)
{
	return facts_type_category(type) == TYPCATEGORY_STRING;
}

bool
facts_types_match(Facts *facts, Oid child, Oid parent)
{
	struct
	{
		Oid			child;
		Oid			parent;
	}			key = {child, parent};
	TypePair   *pair;
	bool		found;

	pair = hash_search(facts->type_pairs, &key, HASH_ENTER, &found);
	if (!found)
	{
		Oid			c = getBaseType(child);
		Oid			p = getBaseType(parent);
		Oid			family = btree_family(p);

		pair->match = OidIsValid(family) &&
			(c == p || family == btree_family(c) || can_coerce_type(1, &c, &p, COERCION_IMPLICIT));
	}
	return pair->match;
}

Facts *
facts_read(void)
{
	Facts	   *facts = palloc0(sizeof(Facts));
	HASHCTL		pairs = {.keysize = 2 * sizeof(Oid),.entrysize = sizeof(TypePair),.hcxt = CurrentMemoryContext};
	HASHCTL		names = {.keysize = NAMEDATALEN,.entrysize = sizeof(FactName),.hcxt = CurrentMemoryContext};
	HASHCTL		words = {.keysize = sizeof(SharedWord),.entrysize = sizeof(SharedWord),.hcxt = CurrentMemoryContext};

	facts->context = CurrentMemoryContext;
	facts->reasons = CurrentMemoryContext;
	facts->dictionary = words_read();
	facts->shared_words = hash_create("words", 1024, &words, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	facts->names = hash_create("names", 1024, &names, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	facts->type_pairs = hash_create("type pairs", 64, &pairs, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	read_tables(facts);
	read_columns(facts);
	read_defaults(facts);
	read_indexes(facts);
	read_inheritance(facts);
	read_references(facts);

	return facts;
}

void
facts_ask(Facts *facts, Oid child, List *schemas)
{
	List	   *oids = NIL;
	ListCell   *lc;

	foreach(lc, schemas)
		oids = lappend_oid(oids, get_namespace_oid(lfirst(lc), true));
	for (int t = 0; t < facts->ntables; t++)
	{
		FactTable  *table = &facts->tables[t];

		table->asked = (!OidIsValid(child) || table->oid == child) &&
			(schemas == NIL || list_member_oid(oids, table->schema));
	}
}
