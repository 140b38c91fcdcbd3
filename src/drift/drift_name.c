/*-------------------------------------------------------------------------
 *
 * drift_name.c
 *	  Names that the reference has, as the target would have them.
 *
 * What is known to be renamed is found in any text that names it with its
 * schema: identities, signatures of functions, what a catalog prints.  Names
 * within literals are left alone, but for those that stand for an object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/quote.h"
#include "drift/drift_compare.h"

/* Key of schemas in the table of new names; not a table's identity */
#define SCHEMAS "."

/* ---- parts of identities ---- */

/* Returns the position behind a printed name, or the same position if there is none */
static const char *
skip_name(const char *p)
{
	if (*p == '"')
	{
		for (p++; *p && !(*p == '"' && p[1] != '"'); p++)
			p += *p == '"';
		return *p ? p + 1 : p;
	}
	if (!isalpha((unsigned char) *p) && *p != '_' && !IS_HIGHBIT_SET(*p))
		return p;
	while (isalnum((unsigned char) *p) || *p == '_' || *p == '$' || IS_HIGHBIT_SET(*p))
		p++;
	return p;
}

/* Returns the part of an identity behind the schema, as printed; NULL for an identity of one part */
char *
drift_within_schema(const char *identity)
{
	const char *p = skip_name(identity);

	return *p == '.' ? unconstify(char *, p + 1) : NULL;
}

/* Returns the schema of an identity, as printed */
char *
drift_schema(const char *identity)
{
	return pnstrdup(identity, skip_name(identity) - identity);
}

/* ---- what is renamed ---- */

/* Registers a rename */
void
drift_add_name(DriftComparison *c, DriftName *name)
{
	SgNameEntry *entry;

	if (c->new_names == NULL)
		c->new_names = sg_names_create(CurrentMemoryContext);
	if (name->owner)
		entry = sg_names_enter(c->new_names, name->owner, name->name);
	else if (name->name)
		entry = sg_names_enter(c->new_names, "", sg_qualified_name(name->schema, name->name));
	else
		entry = sg_names_enter(c->new_names, SCHEMAS, name->schema);
	entry->value = name;
	c->names = lappend(c->names, name);
}

/*
 * Registers the names of two objects that are the same, without the arguments
 * of a function or the access method of an operator class
 */
void
drift_add_object_name(DriftComparison *c, const DriftObject *reference, const DriftObject *target)
{
	DriftName  *name = palloc0(sizeof(DriftName));
	const char *old = drift_within_schema(reference->identity);
	const char *new = drift_within_schema(target->identity);

	/* names of operators do not occur before other names */
	if (old == NULL || new == NULL || skip_name(old) == old || skip_name(new) == new)
		return;
	name->schema = drift_name(drift_schema(reference->identity));
	name->name = drift_name(pnstrdup(old, skip_name(old) - old));
	name->new_schema = drift_name(drift_schema(target->identity));
	name->new_name = drift_name(pnstrdup(new, skip_name(new) - new));
	drift_add_name(c, name);
}

static const DriftName *
find_name(DriftComparison *c, const char *owner, const char *name)
{
	return c->new_names ? sg_names_value(c->new_names, owner, name) : NULL;
}

char *
drift_new_column(DriftComparison *c, const char *table, char *column)
{
	const DriftName *name = table ? find_name(c, table, column) : NULL;

	return name ? name->new_name : column;
}

char *
drift_new_schema(DriftComparison *c, char *schema)
{
	const DriftName *name = find_name(c, SCHEMAS, drift_name(schema));

	return name ? pstrdup(quote_identifier(name->new_schema)) : schema;
}

/* Maximum number of names joined by dots: database, schema, table, column */
#define CHAIN_MAX 4

/* Translates names with dots between them: an object, or a column of a table; returns the argument if nothing changes */
static char *
new_chain(DriftComparison *c, char *chain)
{
	const DriftName *name = find_name(c, "", chain);
	char	   *owner = drift_owner(chain);
	char	   *last = drift_name(chain);
	char	   *new_owner;
	char	   *new_last;

	if (name)
		return sg_qualified_name(name->new_schema, name->new_name);
	if (owner == NULL)
		return drift_new_schema(c, chain);
	new_owner = new_chain(c, owner);
	new_last = drift_new_column(c, owner, last);
	if (strcmp(new_owner, owner) == 0 && new_last == last)
		return chain;
	return psprintf("%s.%s", new_owner, quote_identifier(new_last));
}

/* Appends a literal, translated if it is the name of an object */
static const char *
append_literal(DriftComparison *c, StringInfo text, const char *literal)
{
	const char *end = literal + 1;

	while (*end && !(*end == '\'' && end[1] != '\''))
		end += *end == '\'' ? 2 : 1;
	if (*end)
		end++;
	if (strncmp(end, "::reg", 5) == 0)
		appendStringInfo(text, "'%s'", drift_new_text(c, pnstrdup(literal + 1, end - literal - 2)));
	else
		appendBinaryStringInfo(text, literal, end - literal);
	return end;
}

/* Returns a text with new names; a name alone may be a column of the table */
static char *
new_text(DriftComparison *c, char *old, const char *table)
{
	StringInfoData text;
	const char *p = old;

	if (old == NULL || c->names == NIL)
		return old;
	initStringInfo(&text);
	while (*p)
	{
		const char *end = skip_name(p);

		if (*p == '\'')
			p = append_literal(c, &text, p);
		else if (end == p)
			appendStringInfoChar(&text, *p++);
		else
		{
			const char *dot = end;
			int			names = 1;

			while (*dot == '.')
			{
				names++;
				end = skip_name(dot + 1);
				if (end == dot + 1)
				{
					end = dot;
					break;
				}
				dot = end;
			}
			if (names > CHAIN_MAX)
				appendBinaryStringInfo(&text, p, end - p);
			else if (names > 1)
				appendStringInfoString(&text, new_chain(c, pnstrdup(p, end - p)));
			else
			{
				char	   *column = drift_name(pnstrdup(p, end - p));
				char	   *new_column = drift_new_column(c, table, column);

				appendStringInfoString(&text, new_column == column ? pnstrdup(p, end - p) : quote_identifier(new_column));
			}
			p = end;
		}
	}
	return text.data;
}

char *
drift_new_text(DriftComparison *c, char *old)
{
	return new_text(c, old, NULL);
}

char *
drift_new_identity(DriftComparison *c, char *identity)
{
	if (identity == NULL || c->names == NIL)
		return identity;
	return *skip_name(identity) == '\0' ? drift_new_schema(c, identity) : drift_new_text(c, identity);
}

/* ---- values ---- */

/* Translates a text within a value, under a key of it or under none */
static char *
new_leaf(DriftComparison *c, const DriftChange *change, const char *key, char *text)
{
	const char *property = change->property->name;

	if (strcmp(property, "table_columns") == 0)
		return drift_new_column(c, key, text);
	if (strcmp(property, "schema") == 0 || strcmp(property, "schemas") == 0)
	{
		const DriftName *name = find_name(c, SCHEMAS, text);

		return name ? name->new_schema : text;
	}
	return new_text(c, text, strcmp(property, "partition_key") == 0 ? change->identity : NULL);
}

/* Returns the texts in a value, each with its key and position */
static List *
leaves(DriftComparison *c, const DriftChange *change, Jsonb *value, bool renamed)
{
	JsonbIterator *it = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *key = "";
	int			place = 0;
	List	   *list = NIL;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		char	   *leaf;

		if (token == WJB_BEGIN_ARRAY)
			place = 0;
		if (token == WJB_KEY)
			key = sg_json_scalar(&v);
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		leaf = sg_json_scalar(&v);
		if (renamed && leaf)
			leaf = new_leaf(c, change, key, leaf);
		list = lappend(list, psprintf("%s\001%d\001%s", renamed ? drift_new_identity(c, key) : key, place++,
									  leaf ? leaf : "\001"));
	}
	list_sort(list, sg_compare_names);
	return list;
}

bool
drift_same_renamed(DriftComparison *c, const DriftChange *change)
{
	if (c->names == NIL || change->expected == NULL || change->actual == NULL)
		return false;
	return sg_equal_names(leaves(c, change, change->expected, true), leaves(c, change, change->actual, false));
}
