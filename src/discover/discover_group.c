/*-------------------------------------------------------------------------
 *
 * discover_group.c
 *	  References of several columns.
 *
 * Either one column names the parent and the others are in the child by the
 * names that they have there (user_id, tenant_id to users (id, tenant_id)):
 * such a group competes with what else the naming column may mean.  Or all
 * columns have the names of the key's: such a group competes with nothing but
 * other parents for the same columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define SHARING_MAX 1024		/* tables looked at for one key */

/* Is the name of a key's column the parent's own business? */
static bool
is_own_part(const Facts *facts, int column, int table)
{
	const FactTable *t = &facts->tables[table];
	const Words *words = &facts->columns[column].words;
	char		name[WORD_KEY_SIZE];
	char		whole[WORD_KEY_SIZE];

	if (names_is_general(facts, column))
		return true;
	words_join(words, 0, Max(words->n - 1, 1), name);
	words_join(&t->words, t->prefix, t->words.n, whole);
	return strcmp(name, whole) == 0;
}

/* What a key's column may be called in a child that puts the parent's name before */
static void
prefixed_name(const Facts *facts, const FactKey *key, int i, char *name)
{
	const FactTable *parent = &facts->tables[key->table];

	words_join(&parent->words, parent->prefix, parent->words.n, name);
	strlcat(name, facts->columns[key->columns[i]].joined, WORD_KEY_SIZE);
}

/* What is called so in the child, with the parent's name before it or without, or -1 */
static int
child_column(const Facts *facts, const FactKey *key, int i, int child)
{
	char		name[WORD_KEY_SIZE];
	int			column;

	prefixed_name(facts, key, i, name);
	column = names_column_of(facts, child, name);
	return column >= 0 ? column : names_column_of(facts, child, facts->columns[key->columns[i]].joined);
}

/* Can a column of the child refer to that of a key?  A part that both sides of a reference to the same table share can. */
static bool
can_refer(Facts *facts, int column, int target, bool shared)
{
	return column >= 0 && (shared || column != target) &&
		facts_types_match(facts, facts->columns[column].type, facts->columns[target].type);
}

bool
match_lead(Facts *facts, int lead, int k, int *columns)
{
	const FactKey *key = &facts->keys[k];
	int			child = facts->columns[lead].table;
	int			open = -1;

	if (key->n > GROUP_MAX)
		return false;

	/*
	 * the lead stands for the one that is the parent's own, or is not in the
	 * child
	 */
	for (int i = 0; i < key->n; i++)
	{
		columns[i] = is_own_part(facts, key->columns[i], key->table) ? -1 : child_column(facts, key, i, child);
		if (columns[i] >= 0)
			continue;
		if (open >= 0)
			return false;
		open = i;
	}
	if (open < 0)
		return false;
	columns[open] = lead;
	for (int i = 0; i < key->n; i++)
	{
		if (!can_refer(facts, columns[i], key->columns[i], i != open) || (i != open && columns[i] == lead))
			return false;
	}
	return true;
}

/*
 * Columns that may be one of the key's in other tables: those of the name
 * that the fewest tables have, and those with the parent's name before it.
 */
static List *
rarest_column(const Facts *facts, const FactKey *key)
{
	List	   *rarest = NIL;
	char		name[WORD_KEY_SIZE];

	for (int i = 0; i < key->n; i++)
	{
		List	   *columns = names_find(facts, NAME_COLUMN, facts->columns[key->columns[i]].joined);

		if (i == 0 || list_length(columns) < list_length(rarest))
			rarest = columns;
	}
	prefixed_name(facts, key, 0, name);
	return list_concat_copy(names_find(facts, NAME_COLUMN, name), rarest);
}

/* All columns of the key by name in one table */
static bool
same_columns(Facts *facts, const FactKey *key, int child, int *columns)
{
	for (int i = 0; i < key->n; i++)
	{
		columns[i] = child_column(facts, key, i, child);
		for (int j = 0; j < i; j++)
		{
			if (columns[j] == columns[i])
				return false;
		}
		if (!can_refer(facts, columns[i], key->columns[i], false))
			return false;
	}
	return true;
}

static bool
is_declared(const Facts *facts, int child, const int *columns, int n)
{
	foreach_int(r, facts->tables[child].references)
	{
		if (facts_same_columns(facts->references[r].child_columns, facts->references[r].n, columns, n))
			return true;
	}
	return false;
}

/* The number of a set of columns: one for all parents of the same columns */
static int
set_of(HTAB *sets, int base, const int *columns, int n)
{
	struct
	{
		int			columns[GROUP_MAX];
		int			set;
	}		   *entry;
	int			sorted[GROUP_MAX] = {0};
	bool		found;

	for (int i = 0; i < n; i++)
	{
		int			at = i;

		for (; at > 0 && sorted[at - 1] > columns[i] + 1; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = columns[i] + 1;
	}
	entry = hash_search(sets, sorted, HASH_ENTER, &found);
	if (!found)
		entry->set = base + (int) hash_get_num_entries(sets);
	return entry->set;
}

/* Which keys of several columns the naming columns of a child lead to already */
static HTAB *
led_groups(const Facts *facts, List *singles)
{
	HASHCTL		control = {.keysize = 2 * sizeof(int),.entrysize = 2 * sizeof(int),.hcxt = CurrentMemoryContext};
	HTAB	   *led = hash_create("led groups", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	foreach_ptr(const Candidate, cand, singles)
	{
		int			pair[2] = {facts->columns[cand->column].table, cand->key};

		if (cand->n > 1 && !cand->impossible)
			(void) hash_search(led, pair, HASH_ENTER, NULL);
	}
	return led;
}

List *
match_groups(Facts *facts, int from, int to, List *singles)
{
	HASHCTL		control = {.keysize = GROUP_MAX * sizeof(int),.entrysize = (GROUP_MAX + 1) * sizeof(int),.hcxt = CurrentMemoryContext};
	HTAB	   *sets = hash_create("groups", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HTAB	   *led = led_groups(facts, singles);
	List	   *groups = NIL;

	for (int k = 0; k < facts->nkeys; k++)
	{
		const FactKey *key = &facts->keys[k];
		int			looked = 0;

		CHECK_FOR_INTERRUPTS();
		if (key->n < 2 || key->n > GROUP_MAX || facts->tables[key->table].partition ||
			facts->tables[key->table].denied)
			continue;
		foreach_int(c, rarest_column(facts, key))
		{
			int			child = facts->columns[c].table;
			int			pair[2] = {child, k};
			int			columns[GROUP_MAX];
			Candidate  *cand;

			if (looked++ >= SHARING_MAX)
				break;
			if (c < from || c >= to || child == key->table || facts->tables[child].denied ||
				hash_search(led, pair, HASH_FIND, NULL) ||
				!same_columns(facts, key, child, columns) ||
				is_declared(facts, child, columns, key->n))
				continue;
			cand = candidate_new(k, columns, key->n);
			cand->set = set_of(sets, facts->ncolumns + from, columns, key->n);
			groups = lappend(groups, cand);
		}
	}
	return groups;
}
