/*-------------------------------------------------------------------------
 *
 * fkdiff_match.c
 *	  Which key of one side is which of the other.
 *
 * Keys are paired within a child table, the surest evidence first: the same
 * columns to the same columns of the same parent; then a column that only has
 * another name, which takes the same place and type in the table, and a name
 * that the other side does not know; then the same columns to something else.
 * What is left over is on one side only, or a duplicate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/compat.h"
#include "base/quote.h"
#include "fk/fk.h"
#include "fkdiff/fkdiff.h"

/* Returns whether two keys have the same pairs of columns and the same parent */
static bool
same_shape(const SideKey *a, const SideKey *b)
{
	return sg_same_text(a->step->child_table, b->step->child_table) &&
		sg_same_text(a->step->parent_table, b->step->parent_table) &&
		fk_same_pairs(a->step->child_columns, a->step->parent_columns,
					  b->step->child_columns, b->step->parent_columns);
}

/* ---- clauses ---- */

static List *
add_difference(List *differences, bool differs, const char *name)
{
	return differs ? lappend(differences, unconstify(char *, name)) : differences;
}

/* Returns whether two keys differ by name; a generated name does not count */
static bool
names_differ(const SideKey *a, const SideKey *b)
{
	return !a->automatic && !b->automatic && strcmp(a->step->fk_name, b->step->fk_name) != 0;
}

/* Returns whether one of them is enforced by its triggers and the other is not */
static bool
differently_switched(const SideKey *a, const SideKey *b)
{
	return strcmp(a->triggers ? a->triggers : "", b->triggers ? b->triggers : "") != 0;
}

/*
 * Returns the clauses in which two keys of one shape differ.  The caller has
 * translated renamed columns, also those of ON DELETE SET (...).
 */
static List *
clause_differences(const SideKey *reference, const SideKey *target, List *delete_columns)
{
	const PlanStep *r = reference->step;
	const PlanStep *t = target->step;
	List	   *differences = NIL;

	differences = add_difference(differences, names_differ(reference, target), "name");
	differences = add_difference(differences, r->match != t->match, "match");
	differences = add_difference(differences, r->on_update != t->on_update, "on_update");
	differences = add_difference(differences, r->on_delete != t->on_delete, "on_delete");
	differences = add_difference(differences, !sg_same_names(r->on_delete_columns, delete_columns),
								 "on_delete_columns");
	differences = add_difference(differences, reference->period != target->period, "period");
	differences = add_difference(differences, r->deferrable != t->deferrable, "deferrable");
	differences = add_difference(differences, r->initially_deferred != t->initially_deferred,
								 "initially_deferred");
	differences = add_difference(differences, r->enforced != t->enforced, "enforced");

	differences = add_difference(differences, differently_switched(reference, target), "triggers");

	/* a key that is not enforced is never valid */
	if (r->enforced && t->enforced)
		differences = add_difference(differences, reference->validated != target->validated, "validated");

	return differences;
}

/* ---- pairs ---- */

/* Keys of one table that are not paired yet */
typedef struct TableMatch
{
	KeyComparison *comparison;
	List	   *references;		/* SideKey * */
	List	   *targets;
	List	   *pairs;			/* of KeyPair * */
} TableMatch;

static KeyPair *
make_pair(TableMatch *match, KeyStatus status, SideKey *reference, SideKey *target)
{
	KeyPair    *pair = palloc0(sizeof(KeyPair));

	pair->status = status;
	pair->reference = reference;
	pair->target = target;
	if (reference)
		reference->paired = true;
	if (target)
		target->paired = true;
	match->pairs = lappend(match->pairs, pair);
	return pair;
}

/* Returns the renames of a key's tables */
static List *
table_renames(KeyComparison *comparison, const SideKey *target)
{
	const char *tables[] = {target->step->child_table, target->step->parent_table};
	List	   *renames = NIL;

	for (int i = 0; i < lengthof(tables); i++)
	{
		KeyTable   *table = fkdiff_table(&comparison->target, tables[i]);

		renames = list_concat_unique_ptr(renames, table ? table->renames : NIL);
	}
	return renames;
}

/* Describes the renamed schemas, tables and columns of a pair */
static void
name_renames(KeyPair *pair)
{
	foreach_ptr(KeyRename, rename, pair->renames)
	{
		const char *word = rename->what == RENAMED_SCHEMA ? "schema" : rename->what == RENAMED_COLUMN ? "columns" :
			sg_same_text(rename->to, pair->target->step->child_table) ? "child_table" : "parent_table";

		pair->differences = add_difference(pair->differences, !sg_has_name(pair->differences, word), word);
	}
}

/* Returns a score of how well two keys of one shape fit, to choose among several */
static int
likeness(const SideKey *reference, const SideKey *target)
{
	int			score = 1;

	if (!same_shape(reference, target))
		return 0;
	if (strcmp(reference->step->fk_name, target->step->fk_name) == 0)
		score += 1;
	if (clause_differences(reference, target, target->step->on_delete_columns) == NIL)
		score += 2;
	return score;
}

static void
match_shapes(TableMatch *match)
{
	for (int score = 4; score > 0; score--)
	{
		foreach_ptr(SideKey, reference, match->references)
		{
			CHECK_FOR_INTERRUPTS();
			foreach_ptr(SideKey, target, match->targets)
			{
				KeyPair    *pair;

				if (reference->paired || target->paired || likeness(reference, target) != score)
					continue;
				pair = make_pair(match, KEY_COMMON, reference, target);
				pair->renames = table_renames(match->comparison, target);
				name_renames(pair);
				pair->differences = list_concat(pair->differences,
												clause_differences(reference, target, target->step->on_delete_columns));
				if (pair->differences)
					pair->status = pair->renames ? KEY_RENAMED : KEY_CHANGED;
			}
		}
	}
}

/* ---- renamed columns ---- */

/* Returns the rename that makes a column of the target the reference's, or NULL */
static KeyRename *
find_rename(KeyComparison *comparison, const char *identity, const char *to, const char *from)
{
	foreach_ptr(KeyRename, rename, comparison->columns)
	{
		if (strcmp(rename->table, identity) == 0 && strcmp(rename->to, to) == 0 && strcmp(rename->from, from) == 0)
			return rename;
	}
	return NULL;
}

/*
 * Collects the renames that turn one list of columns into the other, both of
 * one table; returns false if there are none
 */
static bool
list_renames(KeyComparison *comparison, const char *identity, List *to, List *from, List **renames)
{
	ListCell   *lt;
	ListCell   *lf;

	if (list_length(to) != list_length(from))
		return false;
	forboth(lt, to, lf, from)
	{
		KeyRename  *rename;

		if (strcmp(lfirst(lt), lfirst(lf)) == 0)
			continue;
		rename = find_rename(comparison, identity, lfirst(lt), lfirst(lf));
		if (rename == NULL)
			return false;
		*renames = list_append_unique_ptr(*renames, rename);
	}
	return true;
}

/* Returns the target's columns under the reference's names */
static List *
translate(List *columns, const char *identity, List *renames)
{
	List	   *result = NIL;

	foreach_ptr(char, name, columns)
	{
		foreach_ptr(KeyRename, rename, renames)
		{
			if (strcmp(rename->table, identity) == 0 && strcmp(rename->from, name) == 0)
				name = rename->to;
		}
		result = lappend(result, name);
	}
	return result;
}

static bool
try_rename(TableMatch *match, SideKey *reference, SideKey *target)
{
	const PlanStep *r = reference->step;
	const PlanStep *t = target->step;
	List	   *renames = NIL;
	KeyPair    *pair;

	if (!sg_same_text(r->parent_table, t->parent_table) ||
		!list_renames(match->comparison, r->child_table, r->child_columns, t->child_columns, &renames) ||
		!list_renames(match->comparison, r->parent_table, r->parent_columns, t->parent_columns, &renames) ||
		renames == NIL)
		return false;

	pair = make_pair(match, KEY_RENAMED, reference, target);
	pair->renames = list_concat(table_renames(match->comparison, target), renames);
	match->comparison->renames = list_concat_unique_ptr(match->comparison->renames, renames);
	name_renames(pair);
	pair->differences = list_concat(pair->differences,
									clause_differences(reference, target,
													   translate(t->on_delete_columns, t->child_table,
																 pair->renames)));
	return true;
}

/*
 * Pairs keys that differ by renamed columns; by_name: only those of the same
 * name, because there may be duplicates
 */
static void
match_renames(TableMatch *match, bool by_name)
{
	foreach_ptr(SideKey, reference, match->references)
	{
		foreach_ptr(SideKey, target, match->targets)
		{
			if (!reference->paired && !target->paired &&
				(!by_name || strcmp(reference->step->fk_name, target->step->fk_name) == 0))
				(void) try_rename(match, reference, target);
		}
	}
}

/* ---- the rest ---- */

/* Pairs keys of the same columns and another parent, by name first */
static void
match_parents(TableMatch *match, bool by_name)
{
	foreach_ptr(SideKey, reference, match->references)
	{
		foreach_ptr(SideKey, target, match->targets)
		{
			bool		same_parent = sg_same_text(reference->step->parent_table, target->step->parent_table);
			KeyPair    *pair;

			if (reference->paired || target->paired ||
				!sg_same_names(reference->step->child_columns, target->step->child_columns) ||
				(by_name && strcmp(reference->step->fk_name, target->step->fk_name) != 0))
				continue;
			pair = make_pair(match, KEY_CHANGED, reference, target);
			pair->differences = list_concat(list_make1(same_parent ? "parent_columns" : "parent"),
											clause_differences(reference, target,
															   target->step->on_delete_columns));
		}
	}
}

/*
 * Returns the key of the same side that this one duplicates: of the same shape,
 * and either paired, or on this side only and earlier in the list
 */
static SideKey *
find_twin(List *keys, const SideKey *key)
{
	foreach_ptr(SideKey, other, keys)
	{
		if (other != key && other->paired && same_shape(key, other))
			return other;
	}
	return NULL;
}

/* Returns whether the other side may have the key, because it could not be read */
static bool
is_unknown(const KeySide *other, const SideKey *key)
{
	return fkdiff_presence(other, key->step->child_table) == KEY_TABLE_UNKNOWN;
}

static void
take_rest(TableMatch *match, List *keys, const KeySide *other, KeyStatus status)
{
	bool		on_reference = status == KEY_ONLY_REFERENCE;

	foreach_ptr(SideKey, key, keys)
	{
		SideKey    *twin;

		if (key->paired)
			continue;
		twin = find_twin(keys, key);
		make_pair(match, is_unknown(other, key) ? KEY_UNKNOWN : status,
				  on_reference ? key : NULL, on_reference ? NULL : key)->twin = twin;
	}
}

/* Marks pairs that repeat an earlier pair: both sides have the key twice */
static void
find_common_twins(TableMatch *match)
{
	foreach_ptr(KeyPair, pair, match->pairs)
	{
		if (pair->status != KEY_COMMON)
			continue;
		foreach_ptr(KeyPair, earlier, match->pairs)
		{
			if (earlier == pair)
				break;
			if (earlier->reference && earlier->target &&
				same_shape(earlier->target, pair->target) &&
				same_shape(earlier->reference, pair->reference))
			{
				pair->twin = earlier->target;
				break;
			}
		}
	}
}

static const SideKey *
any_key(const KeyPair *pair)
{
	return pair->reference ? pair->reference : pair->target;
}

static int
compare_pairs(const ListCell *a, const ListCell *b)
{
	const SideKey *x = any_key(lfirst(a));
	const SideKey *y = any_key(lfirst(b));
	int			order = strcmp(x->step->fk_name, y->step->fk_name);

	if (order == 0)
		order = ((KeyPair *) lfirst(a))->status - ((KeyPair *) lfirst(b))->status;
	return order;
}

static KeyTablePair *
match_table(TableMatch *match, char *identity)
{
	KeyTablePair *table = palloc0(sizeof(KeyTablePair));

	match_shapes(match);
	match_renames(match, true);
	match_renames(match, false);
	match_parents(match, true);
	match_parents(match, false);
	find_common_twins(match);
	take_rest(match, match->references, &match->comparison->target, KEY_ONLY_REFERENCE);
	take_rest(match, match->targets, &match->comparison->reference, KEY_ONLY_TARGET);

	list_sort(match->pairs, compare_pairs);
	table->identity = identity;
	table->pairs = match->pairs;
	return table;
}

/* Returns the keys of a table from the n-th of a sorted list on, and advances *next behind them */
static List *
take_table(List *keys, int *next, const char *identity)
{
	List	   *taken = NIL;

	for (; *next < list_length(keys); (*next)++)
	{
		SideKey    *key = list_nth(keys, *next);

		if (!sg_same_text(key->step->child_table, identity))
			break;
		taken = lappend(taken, key);
	}
	return taken;
}

static char *
table_at(List *keys, int next)
{
	return next < list_length(keys) ? ((SideKey *) list_nth(keys, next))->step->child_table : NULL;
}

void
fkdiff_match(KeyComparison *comparison)
{
	int			r = 0;
	int			t = 0;

	for (;;)
	{
		char	   *a = table_at(comparison->reference.keys, r);
		char	   *b = table_at(comparison->target.keys, t);
		char	   *identity = a == NULL || (b && strcmp(b, a) < 0) ? b : a;
		TableMatch	match = {comparison};

		if (identity == NULL)
			break;
		CHECK_FOR_INTERRUPTS();
		match.references = take_table(comparison->reference.keys, &r, identity);
		match.targets = take_table(comparison->target.keys, &t, identity);
		comparison->tables = lappend(comparison->tables, match_table(&match, identity));
	}
}
