/*-------------------------------------------------------------------------
 *
 * discover_match.c
 *	  Which tables can the name of a column mean?
 *
 * A column's name is read without its ending, whole and from each of its
 * words on, and looked up among those of the tables and of their keys, and
 * among those that declared keys have (discover_names.c).  So the work grows
 * with the number of names, not with the number of pairs.  A column keeps at
 * most SET_MAX candidates.
 *
 * Of several columns, either one names the parent and the others are in the
 * child by the names that they have there (user_id, tenant_id to users (id,
 * tenant_id)): such a group competes with what else the naming column may
 * mean.  Or all columns have the names of the key's: such a group competes
 * with nothing but other parents for the same columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "discover/discover.h"
#include "discover/discover_names.h"

#define SET_MAX 8				/* candidates that a column keeps, at most */
#define SHARING_MAX 1024		/* tables tried for one key, at most */

/* State of the search for a column's candidates */
typedef struct MatchState
{
	Facts	   *facts;
	int			column;
	Candidate  *set[SET_MAX];
	int			nset;
	Reading    *reading;		/* reading that is being tried */
} MatchState;

/* ---- what can be a reference at all ---- */

bool
match_eligible(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];

	return column->name && !column->own && !facts->tables[column->table].denied &&
		!facts->tables[column->table].partition && column->refers;
}

bool
match_polymorphic(const Facts *facts, int c)
{
	const FactTable *table = &facts->tables[facts->columns[c].table];
	const Words *words = &facts->columns[c].words;
	int			n = words->n - 1;

	if (n < 1 || words_suffix(words_class(words, n)) != SUFFIX_ID)
		return false;
	for (int o = table->columns; o < table->columns + table->ncolumns; o++)
	{
		const Words *other = &facts->columns[o].words;

		if (other->n == n + 1 && (words_class(other, n) & WORD_KIND) && words_begin_alike(words, other, n))
			return true;
	}
	return false;
}

/* ---- candidates that are kept ---- */

static void
candidate_init(Candidate *cand, int key, const int *columns, int n)
{
	memset(cand, 0, sizeof(Candidate));
	cand->rows_checked = cand->orphan_rows = -1;
	cand->key = key;
	cand->n = n;
	cand->set = cand->column = columns[0];
	memcpy(cand->columns, columns, n * sizeof(int));
}

Candidate *
candidate_new(int key, const int *columns, int n)
{
	Candidate  *cand = palloc(sizeof(Candidate));

	candidate_init(cand, key, columns, n);
	return cand;
}

/* Returns the rank by which a column keeps its candidates */
static double
rank_of(const Facts *facts, const Candidate *cand)
{
	double		rank = facts->keys[cand->key].primary - cand->before;

	if (cand->match != MATCH_NONE)
		rank += cand->match == MATCH_WHOLE ? 10 : 4 * cand->cover + 2 * cand->own_front;
	if (cand->key_match)
		rank += 6;
	if (cand->actor_word || cand->self_word || cand->taught_columns > 0)
		rank += 8;
	return rank;
}

static Candidate *
find_candidate(const MatchState *state, int key)
{
	for (int i = 0; i < state->nset; i++)
	{
		if (state->set[i]->key == key)
			return state->set[i];
	}
	return NULL;
}

/* ---- a key of several columns, and a column that names its table ---- */

/* Returns whether a key's column has a general name, such as id, or is named after its own table */
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

/* Writes the name that a key's column has in a child that prefixes it with the parent's name */
static void
prefixed_name(const Facts *facts, const FactKey *key, int i, char *name)
{
	const FactTable *parent = &facts->tables[key->table];

	words_join(&parent->words, parent->prefix, parent->words.n, name);
	strlcat(name, facts->columns[key->columns[i]].joined, WORD_KEY_SIZE);
}

/* Returns the child's column that has the name of the key's, with the parent's name as prefix or without, or -1 */
static int
child_column(const Facts *facts, const FactKey *key, int i, int child)
{
	char		name[WORD_KEY_SIZE];
	int			column;

	prefixed_name(facts, key, i, name);
	column = names_column_of(facts, child, name);
	return column >= 0 ? column : names_column_of(facts, child, facts->columns[key->columns[i]].joined);
}

/*
 * Returns whether a column of the child can reference a key's column.  So can a
 * column that both sides of a reference to the same table share, if `shared`.
 */
static bool
can_refer(Facts *facts, int column, int target, bool shared)
{
	return column >= 0 && (shared || column != target) &&
		facts_types_match(facts, facts->columns[column].base, facts->columns[target].base);
}

/*
 * Finds the columns that reference a key of several columns together with
 * `lead`; returns false unless the child has each of the others under its name
 * in the parent.
 */
static bool
match_lead(Facts *facts, int lead, int k, int *columns)
{
	const FactKey *key = &facts->keys[k];
	int			child = facts->columns[lead].table;
	int			open = -1;

	if (key->n > GROUP_MAX)
		return false;

	/*
	 * `lead` references the column that is named after the parent, or is
	 * missing in the child
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

/* ---- candidates that are kept ---- */

/* Starts a candidate from the known facts about a key; returns false if the column can't reference it */
static bool
begin(MatchState *state, int k, Candidate *cand)
{
	Facts	   *facts = state->facts;
	FactKey    *key = &facts->keys[k];
	Candidate  *old = find_candidate(state, k);
	const Words *words = &state->reading->words;

	if (facts->tables[key->table].denied)
		return false;
	if (old)
	{
		*cand = *old;
		return true;
	}
	candidate_init(cand, k, &state->column, 1);
	cand->n = key->n;
	cand->suffix = state->reading->suffix;
	cand->plural = words_is_plural(words->word[words->n - 1]);
	if (key->n > 1)
	{
		cand->leads = true;
		if (!match_lead(facts, state->column, k, cand->columns))
			return false;
		while (cand->columns[cand->lead] != state->column)
			cand->lead++;
		cand->redundant = facts_find_key(facts, key->table, &key->columns[cand->lead], 1) >= 0;
		return true;
	}
	return key->columns[0] != state->column &&
		facts_types_match(facts, facts->columns[state->column].base, facts->columns[key->columns[0]].base);
}

static void
keep(MatchState *state, Candidate *cand)
{
	Candidate  *old = find_candidate(state, cand->key);
	int			worst = 0;

	cand->rank = rank_of(state->facts, cand);
	if (old == NULL && state->nset < SET_MAX)
		old = state->set[state->nset++] = palloc(sizeof(Candidate));
	for (int i = 1; i < state->nset && old == NULL; i++)
		worst = state->set[i]->rank < state->set[worst]->rank ? i : worst;
	if (old == NULL && state->set[worst]->rank < cand->rank)
		old = state->set[worst];
	if (old)
		*old = *cand;
}

/* ---- by the name of a table ---- */

/* Considers a table whose name, or the end of it, is the reading from one of its words on */
static void
consider_table(MatchState *state, int t, NameMatch match, int before)
{
	Facts	   *facts = state->facts;
	const Words *words = &state->reading->words;
	const FactTable *parent = &facts->tables[t];
	const FactTable *child = &facts->tables[facts->columns[state->column].table];
	int			front = match == MATCH_TAIL ? parent->words.n - (words->n - before) : 0;

	foreach_int(k, parent->keys)
	{
		Candidate	cand;
		Candidate  *old = find_candidate(state, k);

		if (!begin(state, k, &cand))
			continue;
		cand.suffix = state->reading->suffix;
		cand.plural = words_is_plural(words->word[words->n - 1]);
		cand.match = match;
		cand.before = before;
		cand.cover = Min((double) (words->n - before) / parent->words.n, 1);
		cand.own_front = front > 0 && words_begin_alike(&parent->words, &child->words, front);
		cand.own_name = cand.own_front && front == child->words.n && before == 0;
		cand.prefix_left = front > 0 && names_is_prefix(facts, parent, front);
		for (int i = 0; i < before; i++)
		{
			cand.external |= (words_class(words, i) & WORD_EXTERNAL) != 0;
			cand.self_word |= parent == child && (words_class(words, i) & WORD_SELF) != 0;
		}
		if (old == NULL || old->match == MATCH_NONE || rank_of(facts, &cand) > old->rank)
			keep(state, &cand);
	}
}

/*
 * Looks up the child's name followed by the reading: bench.kind references
 * bench_kind, however many tables end in "kind"
 */
static void
look_up_own(MatchState *state, const char *name)
{
	Facts	   *facts = state->facts;
	const Words *child = &facts->tables[facts->columns[state->column].table].words;
	char		own[WORD_KEY_SIZE];

	words_join(child, 0, child->n, own);
	strlcat(own, name, sizeof(own));
	foreach_int(t, names_find(facts, NAME_TABLE, own))
		consider_table(state, t, MATCH_TAIL, 0);
}

/*
 * Looks up tables by the reading from each word on: as the whole name, the name
 * without prefix, and the end of the name
 */
static void
look_up_tables(MatchState *state)
{
	const Words *words = &state->reading->words;

	for (int lo = 0; lo < words->n; lo++)
	{
		char		name[WORD_KEY_SIZE];
		List	   *tails;

		words_join(words, lo, words->n, name);
		tails = names_find(state->facts, NAME_TAIL, name);
		foreach_int(t, names_find(state->facts, NAME_TABLE, name))
			consider_table(state, t, MATCH_WHOLE, lo);
		foreach_int(t, list_length(tails) <= TAILS_MAX ? tails : names_find(state->facts, NAME_REST, name))
			consider_table(state, t, MATCH_TAIL, lo);
		if (lo == 0 && list_length(tails) > TAILS_MAX)
			look_up_own(state, name);
	}
}

/* ---- by the name of a key ---- */

/*
 * Looks up keys by the whole name with its ending; after other words only names
 * with more meaning than "id"
 */
static void
look_up_keys(MatchState *state)
{
	Facts	   *facts = state->facts;
	const Words *words = &facts->columns[state->column].words;

	for (int lo = 0; lo < words->n; lo++)
	{
		char		name[WORD_KEY_SIZE];

		words_join(words, lo, words->n, name);
		if (lo > 0 && list_length(names_find(facts, NAME_KEY, name)) > TAILS_MAX)
			continue;
		foreach_int(k, names_find(facts, NAME_TELLING, name))
		{
			Candidate	cand;

			if (!begin(state, k, &cand) || (cand.key_match && cand.key_before <= lo))
				continue;
			cand.key_match = true;
			cand.key_before = lo;
			keep(state, &cand);
			if (find_candidate(state, k) == NULL)
				break;
		}
	}
}

/* ---- by what the name says of a role, and by declared keys ---- */

static void
consider_role(MatchState *state, int t, bool self)
{
	foreach_int(k, state->facts->tables[t].keys)
	{
		const FactKey *key = &state->facts->keys[k];
		Candidate	cand;

		if ((key->n == 1 && !key->primary) || !begin(state, k, &cand))
			continue;
		cand.self_word |= self;
		cand.actor_word |= !self;
		keep(state, &cand);
	}
}

/* Returns whether a table has the whole reading as its name, apart from a prefix */
static bool
is_called(const MatchState *state)
{
	for (int i = 0; i < state->nset; i++)
	{
		const Candidate *cand = state->set[i];

		if (cand->before == 0 && (cand->match == MATCH_WHOLE || cand->own_front || cand->prefix_left))
			return true;
	}
	return false;
}

static void
look_up_roles(MatchState *state)
{
	const Words *words = &state->reading->words;
	int			class = words_class(words, words->n - 1);

	if (state->reading->suffix == SUFFIX_NAME || state->reading->suffix == SUFFIX_NUMBER)
		return;

	/*
	 * assigned_to, reply_to: use the word before, if no table has the last
	 * one's name
	 */
	if (state->nset == 0 && words->n > 1 && !(class & (WORD_SELF | WORD_ACTOR)))
		class = words_class(words, words->n - 2);
	if (class & WORD_SELF)
		consider_role(state, state->facts->columns[state->column].table, true);
	if ((class & WORD_ACTOR) && !is_called(state))
	{
		foreach_int(t, names_persons(state->facts, state->column))
			consider_role(state, t, false);
	}
}

static void
look_up_taught(MatchState *state)
{
	Taught		taught[TAUGHT_MAX];
	int			n = learn_taught(state->facts, state->column, taught);

	for (int i = 0; i < n; i++)
	{
		Candidate	cand;

		if (!begin(state, taught[i].key, &cand))
			continue;
		cand.taught_name = taught[i].by_name;
		cand.taught_word = taught[i].by_word;
		cand.taught_columns = taught[i].columns;
		keep(state, &cand);
	}
}

/* ---- what is left of them ---- */

/*
 * Marks candidates that can't be right: the column is a key of another system
 * (stripe_customer_id), or of a table that a sibling names (commentable_type
 * and commentable_id).  Only the table of exactly that name, references like
 * declared keys, and those that a user accepted (discover_feedback.c) stay
 * possible.
 */
static void
mark_impossible(MatchState *state)
{
	bool		polymorphic = state->nset > 0 && match_polymorphic(state->facts, state->column);

	for (int i = 0; i < state->nset; i++)
	{
		Candidate  *cand = state->set[i];
		bool		exact = cand->match == MATCH_WHOLE && cand->before == 0;

		cand->polymorphic = polymorphic;
		cand->impossible = !exact && (cand->external || polymorphic) && cand->taught_name == 0;
	}
}

static List *
match_column(Facts *facts, int c, List *candidates)
{
	MatchState	state = {.facts = facts,.column = c};
	Reading		readings[READINGS_MAX];
	int			n = names_read(facts, c, readings);

	CHECK_FOR_INTERRUPTS();
	for (int r = 0; r < n; r++)
	{
		state.reading = &readings[r];
		if (r == 0)
			look_up_keys(&state);
		look_up_tables(&state);
		look_up_roles(&state);
	}
	if (n > 0)
	{
		state.reading = &readings[0];
		look_up_taught(&state);
	}
	mark_impossible(&state);
	for (int i = 0; i < state.nset; i++)
		candidates = lappend(candidates, state.set[i]);
	return candidates;
}

/* ---- groups ---- */

/*
 * Returns the columns of other tables that may reference the key's column with
 * the rarest name: those of that name, also with the parent's name before it
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

/* Finds all columns of the key by name in one table */
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

/* Returns the number of a set of columns, which all parents share */
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

/* Returns the groups of columns from..to - 1, which are whole tables; singles are the other candidates */
static List *
match_groups(Facts *facts, int from, int to, List *singles)
{
	HTAB	   *sets = facts_hash("groups", GROUP_MAX * sizeof(int), (GROUP_MAX + 1) * sizeof(int));
	Bitmapset **led = MemoryContextAllocExtended(CurrentMemoryContext, (facts->nkeys + 1) * sizeof(Bitmapset *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	List	   *groups = NIL;

	/* tables in which a naming column leads to the key already */
	foreach_ptr(const Candidate, cand, singles)
	{
		if (cand->n > 1 && !cand->impossible)
			led[cand->key] = bms_add_member(led[cand->key], facts->columns[cand->column].table);
	}

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
			int			columns[GROUP_MAX];
			Candidate  *cand;

			if (looked++ >= SHARING_MAX)
				break;
			if (c < from || c >= to || child == key->table || facts->tables[child].denied ||
				bms_is_member(child, led[k]) ||
				!same_columns(facts, key, child, columns) ||
				facts_is_declared(facts, child, -1, columns, key->n))
				continue;
			cand = candidate_new(k, columns, key->n);
			cand->set = set_of(sets, facts->ncolumns + from, columns, key->n);
			for (int i = 1; i < key->n; i++)
				cand->column = Min(cand->column, columns[i]);
			groups = lappend(groups, cand);
		}
	}
	return groups;
}

/* ---- all columns ---- */

List *
match_candidates(Facts *facts, int *next, int64 room)
{
	List	   *candidates = NIL;
	int			c = *next;

	for (; c < facts->ncolumns; c++)
	{
		/* do not divide a table: its rows are read once */
		if (list_length(candidates) >= room && facts->columns[c].table != facts->columns[c - 1].table)
			break;
		if (match_eligible(facts, c) && !facts->columns[c].declared)
			candidates = match_column(facts, c, candidates);
	}
	candidates = list_concat(candidates, match_groups(facts, *next, c, candidates));
	*next = c;
	return candidates;
}
