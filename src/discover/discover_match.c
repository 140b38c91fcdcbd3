/*-------------------------------------------------------------------------
 *
 * discover_match.c
 *	  Which tables can the name of a column mean?
 *
 * A column's name is looked up, whole and in parts, among those of the tables
 * and of their keys (discover_names.c).  So the work grows with the number of
 * names, not with the number of pairs.  A column keeps at most SET_MAX
 * candidates.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_match.h"
#include "discover/discover_names.h"
#include "discover/discover_words.h"


#define FORMS_MAX 8				/* tables with one ending that are all looked
								 * at */
#define GLUED_MIN 4				/* letters of a name found inside of a word */

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

	return column->name && !column->sequence && !facts->tables[column->table].denied &&
		!facts->tables[column->table].partition && type_refers(column->type);
}

/* A sibling that says of which table the column's value is a key */
bool
match_polymorphic(const Facts *facts, int c)
{
	static const char *const kinds[] = {"type", "kind", "model", "class", "tabl"};
	const FactColumn *column = &facts->columns[c];
	int			hi = column->words.n;
	char		stem[WORD_KEY_SIZE];
	char		sibling[WORD_KEY_SIZE + 8];

	if (hi < 2 || words_suffix(column->words.word[hi - 1]) != SUFFIX_ID)
		return false;
	words_join(&column->words, match_columns_begin_alike(facts, column) ? 1 : 0, hi - 1, stem);
	for (int k = 0; k < lengthof(kinds); k++)
	{
		snprintf(sibling, sizeof(sibling), "%s%s", stem, strcmp(kinds[k], "type") == 0 ? "typ" : kinds[k]);
		if (match_column_named(facts, column->table, sibling) >= 0)
			return true;
	}
	return false;
}

/* ---- looking up ---- */

/* The column's place in the order of candidates that are kept */
double
match_rank(const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	double		rank = 0;

	switch (cand->table_match)
	{
		case MATCH_FULL:
			rank = 10;
			break;
		case MATCH_TAIL:
			rank = 2 + 4 * cand->cover + (cand->own_front ? 4 : cand->own_share > 0 ? 2 : 0);
			break;
		case MATCH_HEAD:
			rank = 2 + 3 * cand->cover + (cand->own_share > 0 ? 2 : 0);
			break;
		case MATCH_ACRONYM:
			rank = cand->cover > 0 ? 8 : 2;
			break;
		case MATCH_NONE:
			break;
	}
	rank -= 2 * cand->abbreviation + 2 * cand->glued + cand->table_glued + 0.5 * cand->before + 3 * (cand->after > 0);
	if (cand->key_match)
		rank += (cand->key_before ? 5 : 6) - (cand->key_glued ? 2 : 0);
	rank += 2 * key->owned - 2 * key->borrowed + (key->primary ? 1 : 0);
	if (cand->actor_word || cand->self_word || cand->picture || cand->about || cand->linked || cand->letter || cand->kinds)
		rank += 6;
	return rank;
}

/* The candidate of this key in the set, or NULL */
static Candidate *
find_candidate(MatchState *state, int key)
{
	for (int i = 0; i < state->nset; i++)
	{
		if (state->set[i]->key == key)
			return state->set[i];
	}
	return NULL;
}

void
match_keep(MatchState *state, const Candidate *cand)
{
	Candidate  *old = find_candidate(state, cand->key);
	int			worst = 0;

	if (old)
	{
		*old = *cand;
		return;
	}
	if (state->nset < SET_MAX)
	{
		state->set[state->nset] = palloc(sizeof(Candidate));
		*state->set[state->nset++] = *cand;
		return;
	}
	for (int i = 1; i < state->nset; i++)
	{
		if (state->set[i]->rank < state->set[worst]->rank)
			worst = i;
	}
	if (state->set[worst]->rank < cand->rank)
		*state->set[worst] = *cand;
}

/* Start from what is known of this key already */
bool
match_begin(MatchState *state, int k, Candidate *cand)
{
	Facts	   *facts = state->facts;
	FactKey    *key = &facts->keys[k];
	Candidate  *old;

	if (facts->tables[key->table].denied)
		return false;
	old = find_candidate(state, k);
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
	cand->suffix = state->suffix;
	cand->prefix = state->prefix;
	if (key->n > 1)
	{
		cand->leads = true;
		if (!match_lead(facts, state->column, k, cand->columns))
			return false;
		while (cand->columns[cand->lead] != state->column)
			cand->lead++;
		cand->redundant = match_is_key(facts, key->table, key->columns[cand->lead]);
		return true;
	}
	cand->columns[0] = state->column;
	return key->columns[0] != state->column &&
		facts_types_match(facts, facts->columns[state->column].type,
						  facts->columns[key->columns[0]].type);
}

/* Are the words that a table's name has more than the match those of the child? */
static bool
front_is_childs(const Facts *facts, const NameForm *form, int child)
{
	const FactTable *parent = &facts->tables[form->table];
	const FactTable *table = &facts->tables[child];
	int			more = form->front - parent->prefix;
	int			n;

	if (form->glued)
	{
		const char *whole = parent->words.stem[parent->words.n - 1];
		const char *first = table->words.stem[table->prefix < table->words.n ? table->prefix : 0];

		return strncmp(whole, first, form->front) == 0 && strcmp(whole, first) != 0;
	}
	if (form->match != MATCH_TAIL || more <= 0 || table->prefix + more > table->words.n)
		return false;
	if (!words_same(&parent->words, parent->prefix, &table->words, table->prefix, more))
		return false;

	/*
	 * l_artist_artist: what comes before is no family, but the same once
	 * more; and l_artist_release has nothing before it in artist_release
	 */
	n = parent->words.n - parent->prefix;
	if (n == 2 * more && words_same(&parent->words, parent->prefix, &parent->words, parent->prefix + more, more))
		return false;

	/* collections_subjects links the two, and is no kind of subjects */
	if (more == table->words.n - table->prefix && names_another(facts, parent, form->front, parent->words.n))
		return false;
	return n != table->words.n - table->prefix ||
		!words_same(&parent->words, parent->prefix, &table->words, table->prefix, n);
}

/*
 * server_package (name) to package_name: are all words that a table's name has
 * more than the match in the child's name, and the others not?  How much of
 * that are they?
 */
static double
share_of_child(const Facts *facts, const NameForm *form, int child)
{
	const FactTable *parent = &facts->tables[form->table];
	const FactTable *table = &facts->tables[child];
	int			lo = form->front;
	int			hi = parent->words.n - form->back;
	int			more = 0;
	bool		other = false;

	if (form->glued || (form->match != MATCH_TAIL && form->match != MATCH_HEAD))
		return 0;
	for (int i = parent->prefix; i < parent->words.n; i++)
	{
		bool		found = words_have(&table->words, table->prefix, table->words.n, parent->words.stem[i]);

		if (i >= lo && i < hi)
			other |= !found;
		else if (!found)
			return 0;
		else
			more++;
	}
	return other ? Min((double) more / (table->words.n - table->prefix), 1) : 0;
}

/* How many words before the match has the parent's name as well? */
static int
before_inside(const MatchState *state, const NameForm *form, int before)
{
	const FactTable *parent = &state->facts->tables[form->table];
	int			inside = 0;

	if (form->glued || form->match != MATCH_TAIL)
		return 0;
	for (int i = state->lo; i < state->lo + before && i < state->words->n; i++)
	{
		if (words_have(&parent->words, parent->prefix, form->front, state->words->stem[i]))
			inside++;
	}
	return inside;
}

/* partner_id beside partner_invoice_id: has the child a column of this name without the words after? */
static bool
has_shorter_sibling(const MatchState *state, int after)
{
	const Facts *facts = state->facts;
	char		name[WORD_KEY_SIZE];
	int			length;

	if (after != 1 || state->suffix != SUFFIX_ID || state->hi == state->words->n)
		return false;

	/* unless that names a table: partner_bank_id */
	words_join(state->words, state->hi - 1, state->hi, name);
	if (names_find(facts->by_table_name, name) != NIL || facts->columns[state->column].alone_unique)
		return false;
	words_join(state->words, state->lo, state->hi - after, name);
	length = strlen(name);
	strlcpy(name + length, state->words->stem[state->hi], sizeof(name) - length);
	return match_column_named(facts, facts->columns[state->column].table, name) >= 0;
}

static void
consider_table(MatchState *state, const NameForm *form, int sharing, int before, int after, int abbreviation, bool glued)
{
	Facts	   *facts = state->facts;
	int			child = facts->columns[state->column].table;
	ListCell   *lc;

	foreach(lc, facts->tables[form->table].keys)
	{
		Candidate	cand;
		Candidate	was;

		if (!match_begin(state, lfirst_int(lc), &cand))
			continue;
		was = cand;
		cand.table_match = form->match;
		cand.front = form->glued ? 1 : Max(form->front - facts->tables[form->table].prefix, 0);
		cand.table_glued = form->glued;
		cand.sharing = sharing;
		cand.counts = words_any(state->words, state->lo, state->lo + before, WORD_NUMBER);
		cand.self_before = words_any(state->words, state->lo, state->lo + before, WORD_SELF);
		cand.back = form->back;
		cand.cover = form->cover;
		cand.own_front = state->own_front || front_is_childs(facts, form, child);
		cand.own_share = abbreviation || facts->keys[cand.key].borrowed ? 0 : share_of_child(facts, form, child);
		cand.roles_inside = before_inside(state, form, before);
		cand.decorated = form->match == MATCH_FULL && !form->glued && (form->front > 0 || form->back > 0) &&
			names_another(facts, &facts->tables[form->table], form->front, facts->tables[form->table].words.n - form->back);
		cand.sibling = has_shorter_sibling(state, after);
		cand.before = before;
		cand.after = after;
		cand.abbreviation = abbreviation;
		cand.glued = glued;
		cand.suffix = state->suffix;
		cand.prefix = state->prefix;
		cand.external = words_any(state->words, state->lo, state->lo + before, WORD_EXTERNAL);
		cand.measure = words_any(state->words, state->hi - after, state->hi, WORD_MEASURE);
		cand.rank = match_rank(facts, &cand);
		if (was.table_match == MATCH_NONE || cand.rank > was.rank)
			match_keep(state, &cand);
	}
}

/*
 * A part of a word is one if the rest is, too: a name of its own, or what the
 * child's name begins with.
 */
static bool
is_glued_word(MatchState *state, const NameForm *form)
{
	const FactTable *parent = &state->facts->tables[form->table];
	char		rest[WORD_KEY_SIZE];

	if (front_is_childs(state->facts, form, state->facts->columns[state->column].table))
		return true;
	strlcpy(rest, parent->words.stem[parent->words.n - 1], Min(sizeof(rest), form->front + 1));
	return form->front >= 3 && names_find(state->facts->by_table_name, rest) != NIL;
}

/* website_id beside store_website (website_id): is it the column's name, or its end, that the table's key has? */
static bool
bears_key_name(MatchState *state, int table)
{
	int			primary = state->facts->tables[table].primary;
	const Candidate *cand = primary >= 0 ? find_candidate(state, primary) : NULL;

	return cand && cand->key_match && !cand->key_glued && !cand->key_short;
}

static void
look_up(MatchState *state, const char *name, int before, int after, int abbreviation, bool glued)
{
	Facts	   *facts = state->facts;
	List	   *forms = names_find(facts->by_table_name, name);
	int			child = facts->columns[state->column].table;
	const NameCrowd *crowd = list_length(forms) > FORMS_MAX ? names_crowd(facts, name) : NULL;

	foreach_ptr(NameForm, form, forms)
	{
		/*
		 * what is a part of so many names means those of the child's own
		 * family, what the child's name extends, the child, or one whose key
		 * is called like the column
		 */
		if (crowd && crowd->n[form->match] > FORMS_MAX && (form->match != MATCH_FULL || form->back > 0) &&
			!bears_key_name(state, form->table) && form->match != MATCH_ACRONYM && form->table != child && form != crowd->root &&
			!(form->match == MATCH_HEAD ? names_extended(facts, form->table, child) : front_is_childs(facts, form, child)) &&
			share_of_child(facts, form, child) == 0)
			continue;

		/*
		 * initials are too short to be part of anything, and id or pos are
		 * none
		 */
		if (form->match == MATCH_ACRONYM &&
			(before || after || abbreviation || glued ||
			 (state->suffix == SUFFIX_NONE && !state->prefix && form->cover == 0)))
			continue;
		if (form->glued && (glued || !is_glued_word(state, form)))
			continue;
		if (state->own_front && (form->match != MATCH_HEAD || form->table == child))
			continue;
		consider_table(state, form, list_length(forms), before, after, abbreviation, glued);
	}
}

/* The last word may be short for, or have as its short form, a word of a table */
static void
look_up_abbreviations(MatchState *state)
{
	const char *last = state->words->stem[state->hi - 1];

	foreach_ptr(char, stem, names_expansions(state->facts, last))
	{
		int			kind = Max(words_abbreviates(last, stem), words_abbreviates(stem, last));
		char		name[2 * WORD_KEY_SIZE];

		/*
		 * "parent" is a word of the craft, and not part with letters in
		 * between
		 */
		if (kind == 0 || (kind == 2 && strlen(stem) < strlen(last) && state->words->class[state->hi - 1] != 0))
			continue;
		for (int i = state->lo; i < state->hi; i++)
		{
			words_join(state->words, i, state->hi - 1, name);
			snprintf(name + strlen(name), WORD_KEY_SIZE, "%s", stem);
			name[WORD_KEY_SIZE - 1] = '\0';
			look_up(state, name, i - state->lo, 0, kind, false);
		}
	}
}

/* The same of a word before the last, org_membership for organization_memberships */
static void
look_up_abbreviated_front(MatchState *state)
{
	for (int i = state->lo; i < state->hi - 1; i++)
	{
		const char *first = state->words->stem[i];

		foreach_ptr(const char, stem, names_expansions(state->facts, first))
		{
			int			kind = words_abbreviates(first, stem);
			char		rest[WORD_KEY_SIZE];
			char		name[WORD_KEY_SIZE];

			if (kind == 0)
				continue;
			words_join(state->words, i + 1, state->hi, rest);
			snprintf(name, sizeof(name), "%s%s", stem, rest);
			look_up(state, name, i - state->lo, 0, kind, false);
		}
	}
}

/*
 * In a family of tables, the beginning of another one's name without that of
 * the family: time, in wh_fact, of wh_time_of_day.
 */
static void
look_up_in_family(MatchState *state)
{
	const FactTable *table = &state->facts->tables[state->facts->columns[state->column].table];
	char		family[WORD_KEY_SIZE];
	char		rest[WORD_KEY_SIZE];
	char		name[2 * WORD_KEY_SIZE];

	if (table->family < 2)
		return;
	words_join(&table->words, table->prefix, table->prefix + 1, family);
	state->own_front = true;
	for (int i = state->lo; i < state->hi; i++)
	{
		words_join(state->words, i, state->hi, rest);
		snprintf(name, sizeof(name), "%s%s", family, rest);
		name[WORD_KEY_SIZE - 1] = '\0';
		look_up(state, name, i - state->lo, 0, 0, false);
	}
	state->own_front = false;
}

/* One way of reading the name: which spans of its words are tables? */
static void
look_up_spans(MatchState *state)
{
	char		name[WORD_KEY_SIZE];
	const char *last;

	if (state->lo >= state->hi)
		return;
	for (int i = state->lo; i < state->hi; i++)
	{
		words_join(state->words, i, state->hi, name);
		look_up(state, name, i - state->lo, 0, 0, false);
	}
	for (int j = state->hi - 1; j > state->lo; j--)
	{
		words_join(state->words, state->lo, j, name);
		look_up(state, name, 0, state->hi - j, 0, false);
	}
	last = state->words->stem[state->hi - 1];
	for (int p = 1; last[p] && strlen(last + p) >= GLUED_MIN; p++)
	{
		strlcpy(name, last + p, sizeof(name));
		look_up(state, name, state->hi - state->lo, 0, 0, true);
	}
	look_up_in_family(state);
	look_up_abbreviations(state);
	look_up_abbreviated_front(state);
}

/* Are the letters before a key's name the initials of its table? */
static bool
begins_initials(const Facts *facts, int key, const char *letters)
{
	const FactTable *table = &facts->tables[facts->keys[key].table];

	for (int i = 0; letters[i]; i++)
	{
		if (table->prefix + i >= table->words.n || table->words.stem[table->prefix + i][0] != letters[i])
			return false;
	}
	return true;
}

/* Is a name all of the key's, with the letters that its table's columns begin with (s_symb)? */
static bool
is_whole_key_name(const Facts *facts, int key, const char *name)
{
	const FactColumn *column = &facts->columns[facts->keys[key].columns[0]];
	char		whole[WORD_KEY_SIZE];

	if (!match_columns_begin_alike(facts, column))
		return false;
	words_join(&column->words, 0, column->words.n, whole);
	return strcmp(whole, name) == 0;
}

/* Keys that have a name of their own: does the column end in it? */
static void
consider_keys(MatchState *state, const char *name, int before, const char *leftover, bool shortened)
{
	ListCell   *lc;

	foreach(lc, names_find(state->facts->by_key_name, name))
	{
		Candidate	cand;

		if (!match_begin(state, lfirst_int(lc), &cand))
			continue;
		if (cand.key_match && cand.key_before <= before)
			continue;
		cand.key_match = true;
		cand.key_before = before;
		cand.key_glued = leftover != NULL;
		cand.key_initial = leftover && begins_initials(state->facts, lfirst_int(lc), leftover);
		cand.key_short = shortened;
		cand.key_whole = !leftover && !shortened && is_whole_key_name(state->facts, lfirst_int(lc), name);
		cand.external |= words_any(state->words, state->lo, state->lo + before, WORD_EXTERNAL);
		cand.rank = match_rank(state->facts, &cand);
		match_keep(state, &cand);
	}
}

/* The word that says most in lo..hi: the one before a suffix */
static int
telling_word(const Words *words, int lo, int hi)
{
	return hi - lo > 1 && words_suffix(words->word[hi - 1]) != SUFFIX_NONE ? hi - 2 : hi - 1;
}

static void
look_up_keys(MatchState *state, int lo, int hi)
{
	const Words *words = state->words;
	int			telling = telling_word(words, lo, hi);
	const char *word = words->stem[telling];
	char		rest[WORD_KEY_SIZE];
	char		name[2 * WORD_KEY_SIZE];

	for (int i = lo; i < hi; i++)
	{
		words_join(words, i, hi, name);
		consider_keys(state, name, i - lo, NULL, false);
	}
	words_join(words, telling + 1, hi, rest);
	for (int p = 1; word[p] && strlen(word + p) + strlen(rest) > GLUED_MIN; p++)
	{
		snprintf(name, WORD_KEY_SIZE, "%s%s", word + p, rest);
		consider_keys(state, name, telling - lo + 1, pnstrdup(word, p), false);
	}
	foreach_ptr(const char, stem, names_expansions(state->facts, word))
	{
		for (int i = lo; i <= telling; i++)
		{
			words_join(words, i, telling, name);
			snprintf(name + strlen(name), WORD_KEY_SIZE, "%s%s", stem, rest);
			name[WORD_KEY_SIZE - 1] = '\0';
			consider_keys(state, name, i - lo, NULL, true);
		}
	}
}

/* "to" in reports_to says no role, the word before it does; and rows are superseded by rows */
int
match_role_word(const MatchState *state)
{
	static const char *const prepositions[] = {"to", "of", "from", "for", "via"};
	int			last = state->hi - 1;

	if (last > state->lo && strcmp(state->words->word[last], "by") == 0 && (state->words->class[last - 1] & WORD_TREE))
		return last - 1;
	for (int i = 0; i < lengthof(prepositions); i++)
	{
		if (last > state->lo && strcmp(state->words->word[last], prepositions[i]) == 0)
			return last - 1;
	}
	return last;
}

/* Are the words that the parent's name has before the match another table's? */
static bool
links_another(const Facts *facts, const Candidate *cand)
{
	const FactTable *parent = &facts->tables[facts->keys[cand->key].table];

	return !cand->table_glued && cand->front > 0 &&
		names_another(facts, parent, parent->prefix, parent->prefix + cand->front);
}

/* Has a table been found that bears the last words of the name? */
bool
match_names_a_table(const MatchState *state)
{
	bool		person = state->hi > state->lo && (state->words->class[state->hi - 1] & WORD_PERSON) != 0;

	for (int i = 0; i < state->nset; i++)
	{
		const Candidate *cand = state->set[i];

		/*
		 * employee_id beside hr_employee is that, and not just anybody; but
		 * post_author links posts with authors, whoever these are
		 */
		bool		whole = cand->table_match == MATCH_FULL ||
			(person && cand->table_match == MATCH_TAIL && !cand->before && !links_another(state->facts, cand));

		if ((whole && !cand->after && !cand->abbreviation && !cand->glued) ||
			(cand->key_match && !cand->key_glued && !cand->key_short))
			return true;
	}
	return false;
}

/* Does the name end in that of a table or key that has been found, or of a part of one? */
static bool
ends_in_a_table(const MatchState *state)
{
	for (int i = 0; i < state->nset; i++)
	{
		const Candidate *cand = state->set[i];

		if ((cand->table_match != MATCH_NONE && !cand->after && !cand->abbreviation) ||
			(cand->key_match && !cand->key_short))
			return true;
	}
	return false;
}

/* create_uid: the id of a user */
static int
uid_class(const MatchState *state)
{
	return state->hi < state->words->n && strcmp(state->words->word[state->hi], "uid") == 0 ? WORD_ACTOR : 0;
}

/* A role means the primary key of its table, if the types allow it */
bool
match_primary_fits(const MatchState *state, int table)
{
	Facts	   *facts = state->facts;
	int			primary = facts->tables[table].primary;

	return primary >= 0 && facts->keys[primary].n == 1 &&
		facts_types_match(facts, facts->columns[state->column].type,
						  facts->columns[facts->keys[primary].columns[0]].type);
}

/* from_id and to_id of a message */
static bool
is_correspondent(const MatchState *state)
{
	return state->hi - state->lo == 1 && state->suffix == SUFFIX_ID && state->nset == 0 &&
		(strcmp(state->words->word[state->lo], "from") == 0 || strcmp(state->words->word[state->lo], "to") == 0);
}

/* comment_parent in a table of comments: is what comes before the role the name of the child? */
static bool
follows_own_name(const MatchState *state)
{
	const FactTable *table = &state->facts->tables[state->facts->columns[state->column].table];
	int			last = match_role_word(state);

	return last > 0 && strcmp(state->words->stem[last - 1], table->words.stem[table->words.n - 1]) == 0;
}

/* is_operator says whether, not who; and total_children says how many */
static bool
is_flag(const MatchState *state)
{
	static const char *const verbs[] = {"is", "has", "can", "was"};

	if (words_any(state->words, state->lo, state->hi - 1, WORD_NUMBER))
		return true;
	for (int i = 0; i < lengthof(verbs); i++)
	{
		if (strcmp(state->words->word[state->lo], verbs[i]) == 0)
			return true;
	}
	return false;
}

/* A manager_id in a table of employees is another one; in one of offices it is none of these */
static bool
is_of_people(const Facts *facts, int table)
{
	const FactTable *t = &facts->tables[table];

	return list_member_int(facts->persons, table) ||
		(t->words.class[names_end(t) - 1] & (WORD_PERSON | WORD_STAFF | WORD_JOB)) != 0;
}

static void
consider_roles(MatchState *state)
{
	Facts	   *facts = state->facts;
	const FactColumn *column = &facts->columns[state->column];
	int			class = state->words->class[match_role_word(state)] | uid_class(state);
	bool		agent = (class & ~WORD_PICTURE) == 0 && state->hi > state->lo && !state->prefix &&
		(state->suffix == SUFFIX_ID ? state->hi < state->words->n :
		 state->suffix == SUFFIX_NONE && state->hi == 1 && !facts_is_text(column->type)) &&
		words_is_agent(state->words->word[state->hi - 1]) && !ends_in_a_table(state);
	bool		flag = is_flag(state);
	List	   *tables = NIL;

	if (agent || is_correspondent(state))
		class |= WORD_ACTOR;
	if ((class & WORD_ACTOR) && !match_names_a_table(state) && !column->alone_primary && !flag)
		tables = list_copy(facts->persons);
	if ((class & WORD_SELF) && !flag && ((class & WORD_TREE) || !match_names_a_table(state)) &&
		(!(class & WORD_ACTOR) || is_of_people(facts, column->table)))
		tables = list_append_unique_int(tables, column->table);
	if ((class & WORD_PICTURE) && facts->pictures >= 0 && !match_names_a_table(state) &&
		(state->suffix == SUFFIX_ID || !facts_is_text(column->type)))
		tables = list_append_unique_int(tables, facts->pictures);
	foreach_int(t, tables)
	{
		ListCell   *key;

		foreach(key, facts->tables[t].keys)
		{
			Candidate	cand;

			if (!match_begin(state, lfirst_int(key), &cand) ||
				(facts->keys[lfirst_int(key)].n == 1 && !facts->keys[lfirst_int(key)].primary && match_primary_fits(state, t)))
				continue;
			cand.actor_word = (class & WORD_ACTOR) && !match_names_a_table(state) && list_member_int(facts->persons, t);
			cand.agent = agent;
			cand.buys = (class & WORD_BUYER) != 0;
			cand.works = (class & WORD_JOB) != 0;
			cand.picture = (class & WORD_PICTURE) && t == facts->pictures;
			cand.self_word = (class & WORD_SELF) && t == column->table;
			cand.tree_word = cand.self_word && (class & WORD_TREE);
			cand.self_named = cand.self_word && follows_own_name(state);
			cand.external |= words_any(state->words, state->lo, state->hi - 1, WORD_EXTERNAL);
			cand.rank = match_rank(facts, &cand);
			match_keep(state, &cand);
		}
	}
}

/* Read the words of the column's name in every way, from lo on */
static void
match_from(MatchState *state, const Words *words, int lo)
{
	WordsRoom	room;
	Words		trimmed;
	int			hi = words->n;
	Suffix		suffix = SUFFIX_NONE;
	int			stem_hi;
	int			glued;

	state->words = words;
	if (hi - lo > 1 && words_is_number(words->word[hi - 1]))
		hi--;
	state->lo = lo;
	state->hi = hi;
	state->suffix = words_suffix(words->word[hi - 1]);
	if (state->suffix == SUFFIX_NONE)
		(void) words_glued_suffix(words->word[hi - 1], &state->suffix);
	look_up_keys(state, lo, hi);

	state->prefix = hi - lo > 1 && words_reference_prefix(words->word[lo]) &&
		words_suffix(words->word[lo + 1]) == SUFFIX_NONE;
	if (state->prefix)
		state->lo++;
	if (hi - state->lo > 1)
		suffix = words_suffix(words->word[hi - 1]);
	stem_hi = suffix == SUFFIX_NONE ? hi : hi - 1;

	state->suffix = suffix;
	state->hi = stem_hi;
	look_up_spans(state);
	consider_roles(state);
	about_subject(state);
	about_kinds(state);
	if (suffix == SUFFIX_NONE && hi - state->lo > 1 && names_find(state->facts->by_key_word, words->stem[hi - 1]) != NIL)
	{
		/* row_checksum to the checksum of a row */
		state->suffix = SUFFIX_KEY;
		state->hi = hi - 1;
		look_up_spans(state);
	}
	if (suffix == SUFFIX_CODE || suffix == SUFFIX_NAME || suffix == SUFFIX_KEY)
	{
		state->suffix = SUFFIX_NONE;
		state->hi = hi;
		look_up_spans(state);
	}
	else if (suffix == SUFFIX_NONE &&
			 (glued = words_glued_suffix(words->word[hi - 1], &state->suffix)) > 0)
	{
		trimmed = words_copy(words, &room);
		trimmed.word[hi - 1] = pnstrdup(words->word[hi - 1], glued);
		trimmed.stem[hi - 1] = words_stem(trimmed.word[hi - 1]);
		trimmed.class[hi - 1] = words_class(trimmed.word[hi - 1], trimmed.stem[hi - 1]);
		state->words = &trimmed;
		look_up_spans(state);
		consider_roles(state);
	}
}

/*
 * account_from_id and account_to_id, node_a and node_b: a column with a
 * partner is read without the word that tells the two apart.
 */
static void
match_side(MatchState *state, int at)
{
	const FactColumn *column = &state->facts->columns[state->column];
	int			lo = match_columns_begin_alike(state->facts, column) ? 1 : 0;
	WordsRoom	room;
	Words		words;

	if (at <= lo)
		return;
	words = words_copy(&column->words, &room);
	for (int i = at; i < words.n - 1; i++)
	{
		words.word[i] = words.word[i + 1];
		words.stem[i] = words.stem[i + 1];
		words.class[i] = words.class[i + 1];
	}
	words.n--;
	match_from(state, &words, lo);
	state->words = &column->words;
}

/*
 * A unique key that is more than it needs to be, (id, tenant_id) beside (id),
 * is there to be referred to: it takes the place of the smaller one.
 */
static void
prefer_groups(MatchState *state)
{
	int			kept = 0;

	for (int i = 0; i < state->nset; i++)
	{
		bool		replaced = false;

		for (int j = 0; j < state->nset && state->set[i]->n == 1; j++)
		{
			const Candidate *group = state->set[j];

			if (group->n > 1 && group->redundant &&
				state->facts->keys[group->key].columns[group->lead] ==
				state->facts->keys[state->set[i]->key].columns[0])
				replaced = true;
		}
		if (!replaced)
			state->set[kept++] = state->set[i];
	}
	state->nset = kept;
}

/* Is a column of that name declared as a reference elsewhere? */
static bool
declared_elsewhere(const Facts *facts, int c)
{
	ListCell   *lc;

	foreach(lc, match_columns_named(facts, facts->columns[c].joined))
	{
		if (facts->columns[lfirst_int(lc)].declared)
			return true;
	}
	return false;
}

/*
 * No foreign key is right for the key of another system (stripe_customer_id),
 * nor for one of the table that a sibling names (commentable_type and
 * commentable_id): only the table of exactly that name remains, and what a
 * user has accepted (discover_feedback.c).
 */
static void
mark_impossible(MatchState *state)
{
	bool		polymorphic;

	if (state->nset == 0)
		return;
	polymorphic = match_polymorphic(state->facts, state->column);
	for (int i = 0; i < state->nset; i++)
	{
		Candidate  *cand = state->set[i];
		bool		exact = cand->table_match == MATCH_FULL && cand->before == 0 && cand->after == 0 &&
			cand->abbreviation == 0 && !cand->glued;

		cand->polymorphic = polymorphic;
		cand->impossible = !exact && (cand->external || polymorphic) && !declared_elsewhere(state->facts, state->column);
	}
}

static List *
match_column(Facts *facts, int c, List *candidates)
{
	MatchState	state = {.facts = facts,.column = c};
	const FactColumn *column = &facts->columns[c];
	int			at;
	int			place = link_place(facts, c, &at);

	CHECK_FOR_INTERRUPTS();
	match_from(&state, &column->words, 0);
	if (match_columns_begin_alike(facts, column))
		match_from(&state, &column->words, 1);
	if (place > 0)
		match_side(&state, at);
	about_extension(&state);
	if (place > 0)
		about_link(&state, place);
	about_letter(&state);
	prefer_groups(&state);
	mark_impossible(&state);
	for (int i = 0; i < state.nset; i++)
		candidates = lappend(candidates, state.set[i]);
	return candidates;
}

List *
match_candidates(Facts *facts, int *next, int64 room)
{
	List	   *candidates = NIL;
	int64		taken = 0;
	int			counted = 0;
	int			c = *next;

	for (; c < facts->ncolumns; c++)
	{
		for (; counted < list_length(candidates); counted++)
			taken += 1 + beyond_may_follow(list_nth(candidates, counted));
		/* a table is not divided: its rows are read once */
		if (taken >= room && facts->columns[c].table != facts->columns[c - 1].table)
			break;
		if (match_eligible(facts, c) && !facts->columns[c].declared)
			candidates = match_column(facts, c, candidates);
	}
	*next = c;
	return candidates;
}
