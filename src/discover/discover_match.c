/*-------------------------------------------------------------------------
 *
 * discover_match.c
 *	  Which tables can the name of a column mean?
 *
 * A column's name is read without its ending, whole and from each of its
 * words on, and looked up among those of the tables and of their keys
 * (discover_names.c), and among those that declared keys have
 * (discover_learn.c).  So the work grows with the number of names, not with
 * the number of pairs.  A column keeps at most SET_MAX candidates.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"

#define SET_MAX 8				/* candidates that a column keeps */
#define TAILS_MAX 8				/* tables with one ending that are all looked
								 * at */
#define HEADS_MAX 2
#define OWN_FRONT_MAX 3			/* words of the child's name that a parent's
								 * may begin with */
#define GLUED_MIN 4				/* letters of a name found inside of a word */
#define GLUED_REST 3			/* ... and before it */

/* A column whose candidates are being looked for */
typedef struct MatchState
{
	Facts	   *facts;
	int			column;
	Candidate  *set[SET_MAX];
	int			nset;
	Reading    *reading;		/* the one that is being tried */
} MatchState;

/* How a table was found */
typedef struct TableMatch
{
	NameMatch	match;
	int			words;			/* of the table's name that are matched */
	int			before;
	int			sharing;
	bool		own_front;
	bool		abbreviated;
	bool		glued;
} TableMatch;

/* ---- what can be a reference at all ---- */

static bool
type_refers(Oid type)
{
	Oid			base = getBaseType(type);

	switch (base)
	{
		case FLOAT4OID:
		case FLOAT8OID:
		case CASHOID:
		case JSONOID:
		case JSONBOID:
		case XMLOID:
		case TSVECTOROID:
		case TSQUERYOID:
			return false;
		case DATEOID:
			return true;
	}
	return strchr("NSUEIV", facts_type_category(base)) != NULL;
}

bool
match_eligible(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];

	return column->name && !column->own && !facts->tables[column->table].denied &&
		!facts->tables[column->table].partition && type_refers(column->type);
}

/* Has the child a sibling that says of which table the column's value is a key: commentable_type beside commentable_id? */
bool
match_polymorphic(const Facts *facts, int c)
{
	const FactTable *table = &facts->tables[facts->columns[c].table];
	const Words *words = &facts->columns[c].words;
	int			n = words->n - 1;

	if (n < 1 || words_suffix(words->class[n]) != SUFFIX_ID)
		return false;
	for (int o = table->columns; o < table->columns + table->ncolumns; o++)
	{
		const Words *other = &facts->columns[o].words;

		if (facts->columns[o].name && other->n == n + 1 && (other->class[n] & WORD_KIND) && words_begin_alike(words, other, n))
			return true;
	}
	return false;
}

/* ---- candidates that are kept ---- */

Candidate *
candidate_new(const Facts *facts, int key, const int *columns, int n)
{
	Candidate  *cand = palloc0(sizeof(Candidate));

	cand->rows_checked = cand->orphan_rows = -1;
	cand->key = key;
	cand->n = n;
	cand->set = cand->column = columns[0];
	memcpy(cand->columns, columns, n * sizeof(int));
	return cand;
}

static double
rank_of(const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	double		rank = 0;

	if (cand->match == MATCH_WHOLE)
		rank = 10;
	else if (cand->match != MATCH_NONE)
		rank = (cand->match == MATCH_TAIL ? 2 : 1) + 4 * cand->cover + (cand->own_front ? 5 : cand->prefix_left ? 3 : 0);
	rank -= 2 * cand->abbreviated + 2 * cand->glued + 0.5 * cand->before;
	if (cand->key_match)
		rank += cand->key_before ? 5 : 6;
	rank += 2 * key->owned - 2 * key->borrowed + key->primary;
	if (cand->actor_word || cand->self_word)
		rank += 6;
	return rank + 12 * cand->taught_name + 6 * cand->taught_word;
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

/* Start from what is known of this key already; false if the column can't refer to it */
static bool
begin(MatchState *state, int k, Candidate *cand)
{
	Facts	   *facts = state->facts;
	FactKey    *key = &facts->keys[k];
	Candidate  *old = find_candidate(state, k);

	if (facts->tables[key->table].denied)
		return false;
	if (old)
	{
		*cand = *old;
		return true;
	}
	memset(cand, 0, sizeof(Candidate));
	cand->rows_checked = cand->orphan_rows = -1;
	cand->set = cand->column = state->column;
	cand->key = k;
	cand->n = key->n;
	cand->suffix = state->reading->suffix;
	cand->plural = state->reading->plural;
	if (key->n > 1)
	{
		cand->leads = true;
		if (!match_lead(facts, state->column, k, cand->columns))
			return false;
		while (cand->columns[cand->lead] != state->column)
			cand->lead++;
		cand->redundant = names_is_key(facts, key->columns[cand->lead]);
		return true;
	}
	cand->columns[0] = state->column;
	return key->columns[0] != state->column &&
		facts_types_match(facts, facts->columns[state->column].type, facts->columns[key->columns[0]].type);
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
	{
		if (state->set[i]->rank < state->set[worst]->rank)
			worst = i;
	}
	if (old == NULL && state->set[worst]->rank < cand->rank)
		old = state->set[worst];
	if (old)
		*old = *cand;
}

/* ---- by the name of a table ---- */

/* Is what a parent's name has before the match what the child's begins with? */
static bool
is_own_front(const Facts *facts, const FactTable *parent, const FactTable *child, int front)
{
	return front > 0 && front <= child->words.n && words_begin_alike(&parent->words, &child->words, front);
}

static void
consider_table(MatchState *state, int t, const TableMatch *how)
{
	Facts	   *facts = state->facts;
	const FactTable *parent = &facts->tables[t];
	const FactTable *child = &facts->tables[facts->columns[state->column].table];
	int			front = how->match == MATCH_TAIL ? parent->words.n - how->words : 0;

	foreach_int(k, parent->keys)
	{
		Candidate	cand;
		Candidate  *old = find_candidate(state, k);

		if (!begin(state, k, &cand))
			continue;
		cand.suffix = state->reading->suffix;
		cand.plural = state->reading->plural;
		cand.match = how->match;
		cand.before = how->before;
		cand.marked = how->before > 0 && names_find(facts->names_of->markers, state->reading->stem[0]) != NIL;
		cand.abbreviated = how->abbreviated;
		cand.glued = how->glued;
		cand.sharing = how->sharing;
		cand.cover = (double) Min(how->words, parent->words.n) / parent->words.n;
		cand.own_front = is_own_front(facts, parent, child, front);
		cand.prefix_left = front > 0 && names_is_prefix(facts, parent, front);
		for (int i = 0; i < how->before; i++)
		{
			cand.external |= (state->reading->class[i] & WORD_EXTERNAL) != 0;
			cand.self_word |= parent == child && (state->reading->class[i] & WORD_SELF) != 0;
		}
		if (old == NULL || old->match == MATCH_NONE || rank_of(facts, &cand) > old->rank)
			keep(state, &cand);
	}
}

/* The tables of a name, as a whole, without their prefix, or in parts */
static void
look_up(MatchState *state, const char *name, int words, TableMatch how)
{
	const Facts *facts = state->facts;
	Names	   *names = facts->names_of;
	const FactTable *child = &facts->tables[facts->columns[state->column].table];
	List	   *tails = names_find(names->tails, name);
	List	   *heads = how.before || how.abbreviated ? NIL : names_find(names->heads, name);

	how.words = words;
	how.match = MATCH_WHOLE;
	foreach_int(t, names_find(names->whole, name))
		consider_table(state, t, &how);
	if (how.glued)
		return;
	how.match = MATCH_TAIL;
	how.sharing = list_length(tails);
	foreach_int(t, names_find(names->rests, name))
		consider_table(state, t, &how);

	/*
	 * what is the end of so many names means those that begin as the child's
	 * does
	 */
	if (list_length(tails) > TAILS_MAX)
	{
		for (int front = 1; front <= Min(OWN_FRONT_MAX, child->words.n); front++)
		{
			char		whole[2 * WORD_KEY_SIZE];

			words_join(&child->words, 0, front, whole);
			strlcat(whole, name, WORD_KEY_SIZE);
			foreach_int(t, names_find(names->whole, whole))
				consider_table(state, t, &how);
		}
		return;
	}
	foreach_int(t, tails)
		consider_table(state, t, &how);
	how.match = MATCH_HEAD;
	how.sharing = list_length(heads);
	foreach_int(t, list_length(heads) <= HEADS_MAX ? heads : NIL)
		consider_table(state, t, &how);
}

/* The last word, or the first of those that are left, may be short for a word of a table, or the other way round */
static void
look_up_abbreviations(MatchState *state, int lo)
{
	Reading    *reading = state->reading;

	for (int at = lo; at < reading->n; at = at == lo && reading->n - 1 > lo ? reading->n - 1 : reading->n)
	{
		foreach_ptr(char, stem, names_expansions(state->facts, reading->stem[at]))
		{
			Reading		other = *reading;
			TableMatch	match = {.before = lo,.abbreviated = true};
			char		name[WORD_KEY_SIZE];

			other.stem[at] = stem;
			names_join(&other, lo, name);
			look_up(state, name, reading->n - lo, match);
		}
	}
}

/* deliveryzone in homedeliveryzoneid: the longest such end */
static void
look_up_glued(MatchState *state)
{
	Reading    *reading = state->reading;
	const char *last = reading->stem[reading->n - 1];
	int			length = strlen(last);
	TableMatch	match = {.before = reading->n,.glued = true};

	for (int at = GLUED_REST; at + GLUED_MIN <= length; at++)
	{
		if (names_find(state->facts->names_of->whole, last + at) == NIL)
			continue;
		look_up(state, last + at, 1, match);
		return;
	}
}

static void
look_up_tables(MatchState *state)
{
	Reading    *reading = state->reading;
	char		name[WORD_KEY_SIZE];
	bool		found = false;

	for (int lo = 0; lo < reading->n; lo++)
	{
		TableMatch	match = {.before = lo};

		names_join(reading, lo, name);
		look_up(state, name, reading->n - lo, match);
	}
	for (int i = 0; i < state->nset; i++)
		found |= state->set[i]->match >= MATCH_TAIL && state->set[i]->before == 0;
	if (found)
		return;
	look_up_glued(state);
	for (int lo = 0; lo < reading->n; lo++)
		look_up_abbreviations(state, lo);
}

/* ---- by the name of a key ---- */

/* The whole name, its ending too; after other words only what says more than "id" */
static void
look_up_keys(MatchState *state)
{
	Facts	   *facts = state->facts;
	const FactColumn *column = &facts->columns[state->column];

	for (int lo = 0; lo < column->words.n; lo++)
	{
		char		name[WORD_KEY_SIZE];
		List	   *keys;

		words_join(&column->words, lo, column->words.n, name);
		keys = names_find(facts->names_of->keys, name);
		if (list_length(keys) > TAILS_MAX && lo > 0)
			continue;
		foreach_int(k, keys)
		{
			Candidate	cand;

			if (names_is_general(facts, facts->keys[k].columns[0]) && !facts->keys[k].owned)
				continue;
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

static void
look_up_roles(MatchState *state)
{
	Reading    *reading = state->reading;
	int			class = 0;

	/*
	 * assigned_to, reply_to: the last word but one, if no table goes by the
	 * last one
	 */
	for (int i = reading->n - 1; i >= Max(reading->n - (state->nset == 0 ? 2 : 1), 0) && !(class & (WORD_SELF | WORD_ACTOR)); i--)
		class |= reading->class[i];
	if (reading->suffix == SUFFIX_NAME || reading->suffix == SUFFIX_NUMBER)
		return;
	if (class & WORD_SELF)
		consider_role(state, state->facts->columns[state->column].table, true);
	if (class & WORD_ACTOR)
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
 * No foreign key is right for the key of another system (stripe_customer_id),
 * nor for one of the table that a sibling names (commentable_type and
 * commentable_id): only the table of exactly that name remains, what declared
 * keys say, and what a user has accepted (discover_feedback.c).
 */
static void
mark_impossible(MatchState *state)
{
	bool		polymorphic = state->nset > 0 && match_polymorphic(state->facts, state->column);

	for (int i = 0; i < state->nset; i++)
	{
		Candidate  *cand = state->set[i];
		bool		exact = cand->match == MATCH_WHOLE && cand->before == 0 && !cand->abbreviated && !cand->glued;

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

List *
match_candidates(Facts *facts, int *next, int64 room)
{
	List	   *candidates = NIL;
	int			c = *next;

	for (; c < facts->ncolumns; c++)
	{
		/* a table is not divided: its rows are read once */
		if (list_length(candidates) >= room && facts->columns[c].table != facts->columns[c - 1].table)
			break;
		if (match_eligible(facts, c) && !facts->columns[c].declared)
			candidates = match_column(facts, c, candidates);
	}
	*next = c;
	return candidates;
}
