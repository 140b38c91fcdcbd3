/*-------------------------------------------------------------------------
 *
 * fk_text.c
 *	  Two keys compared in words, and the columns of one in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/quote.h"
#include "base/words.h"
#include "fk/fk.h"

bool
fk_same_columns(const FkKey *a, const FkKey *b)
{
	if (a->child != b->child || a->parent != b->parent || a->nkeys != b->nkeys)
		return false;

	/* pairs may be in another order; a column occurs once in each list */
	for (int i = 0; i < a->nkeys; i++)
	{
		bool		found = false;

		for (int j = 0; j < b->nkeys && !found; j++)
			found = a->child_att[i] == b->child_att[j] &&
				a->parent_att[i] == b->parent_att[j];
		if (!found)
			return false;
	}
	return true;
}

bool
fk_same_pairs(List *child_a, List *parent_a, List *child_b, List *parent_b)
{
	int			n = list_length(child_a);
	bool		known = list_length(parent_a) == n && list_length(parent_b) == n;

	if (list_length(child_b) != n)
		return false;
	for (int i = 0; i < n; i++)
	{
		bool		found = false;

		for (int j = 0; j < n && !found; j++)
			found = strcmp(list_nth(child_a, i), list_nth(child_b, j)) == 0 &&
				(!known || strcmp(list_nth(parent_a, i), list_nth(parent_b, j)) == 0);
		if (!found)
			return false;
	}
	return true;
}

bool
fk_same_match(const FkKey *a, const FkKey *b)
{
	return a->match == b->match || a->nkeys == 1;
}

static bool
same_delete_set(const FkKey *a, const FkKey *b)
{
	if (a->ndelete_set != b->ndelete_set)
		return false;
	for (int i = 0; i < a->ndelete_set; i++)
	{
		bool		found = false;

		for (int j = 0; j < b->ndelete_set && !found; j++)
			found = a->delete_set[i] == b->delete_set[j];
		if (!found)
			return false;
	}
	return true;
}

static void
append_difference(StringInfo buf, const char *what, const char *of_b, const char *of_a)
{
	appendStringInfo(buf, "%s%s %s instead of %s", buf->len ? ", " : "",
					 what, of_b, of_a);
}

static const char *
timing_word(const FkKey *key)
{
	if (!key->deferrable)
		return "not deferrable";
	return key->initially_deferred ? "initially deferred" : "deferrable";
}

char *
fk_clause_difference(const FkKey *a, const FkKey *b)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (a->on_delete != b->on_delete)
		append_difference(&buf, "on delete", sg_action_word(b->on_delete), sg_action_word(a->on_delete));
	else if (!same_delete_set(a, b))
		append_difference(&buf, "on delete", "sets other columns", "those planned");
	if (a->on_update != b->on_update)
		append_difference(&buf, "on update", sg_action_word(b->on_update), sg_action_word(a->on_update));
	if (!fk_same_match(a, b))
		append_difference(&buf, "match", sg_match_word(b->match), sg_match_word(a->match));
	if (a->deferrable != b->deferrable || a->initially_deferred != b->initially_deferred)
		append_difference(&buf, "is", timing_word(b), timing_word(a));
	if (a->enforced != b->enforced)
		append_difference(&buf, "is", b->enforced ? "enforced" : "not enforced",
						  a->enforced ? "enforced" : "not enforced");

	if (a->period != b->period)
		append_difference(&buf, "compares", b->period ? "periods" : "values",
						  a->period ? "periods" : "values");

	return buf.len ? buf.data : NULL;
}

void
fk_append_equal(StringInfo buf, const FkKey *key, int i, const char *parent, const char *child)
{
	Oid			parent_type,
				child_type,
				parent_coll,
				child_coll;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[i], &parent_type, &typmod, &parent_coll);
	get_atttypetypmodcoll(key->child, key->child_att[i], &child_type, &typmod, &child_coll);
	generate_operator_clause(buf, parent, parent_type, key->pf_eq_op[i], child, child_type);
	if (parent_coll != child_coll && OidIsValid(parent_coll))
		sg_append_collation(buf, parent_coll);
}
