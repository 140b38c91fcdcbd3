/*-------------------------------------------------------------------------
 *
 * drift_rename.c
 *	  Tables and types that are called something else now.
 *
 * What only the reference has and what only the target has are held against
 * each other.  A score says how much speaks for one being the other; it has to
 * be high, and clearly higher than that of any other candidate.  Otherwise
 * the objects stay missing and extra: a wrong rename would hide a loss.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/varlena.h"

#include "compat.h"
#include "drift_compare.h"
#include "drift_rename.h"
#include "quote.h"

/* Least score of a rename, and how far it has to be ahead */
#define MIN_SCORE 0.65
#define MARGIN 0.08

/* Pairs of tables that are looked at, at most; more would take minutes */
#define MAX_PAIRS 4000000

/* A table with what belongs to it, as far as it is on one side only */
typedef struct Table
{
	DriftObject *object;
	List	   *columns;		/* of DriftObject * */
	List	   *parts;			/* constraints and indexes */
} Table;

/* ---- names ---- */

double
rename_name_likeness(const char *a, const char *b)
{
	int			la = strlen(a);
	int			lb = strlen(b);
	int			distance;
	double		letters;

	if (la == 0 || lb == 0 || la >= NAMEDATALEN || lb >= NAMEDATALEN)
		return 0;
	distance = varstr_levenshtein(a, la, b, lb, 1, 1, 1, true);
	letters = 1.0 - (double) distance / Max(la, lb);

	/* one within the other: customer, customers, old_customer */
	if (Min(la, lb) >= 3 && (strstr(a, b) || strstr(b, a)))
		letters = Max(letters, 0.5 + 0.5 * Min(la, lb) / Max(la, lb));
	return letters < 0.3 ? 0 : letters;
}

void
rename_say(Candidate *candidate, bool is_so, const char *what)
{
	if (is_so)
		candidate->evidence = candidate->evidence ? psprintf("%s, %s", candidate->evidence, what) : pstrdup(what);
}

/* ---- choosing ---- */

static int
compare_candidates(const ListCell *a, const ListCell *b)
{
	const Candidate *x = lfirst(a);
	const Candidate *y = lfirst(b);

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->reference != y->reference)
		return strcmp(x->reference->identity, y->reference->identity);
	return strcmp(x->target->identity, y->target->identity);
}

static void
note_candidate(DriftObject *object, const Candidate *candidate, const DriftObject *other)
{
	char	   *text = psprintf("perhaps %s (score %.2f)", other->identity, candidate->score);

	if (object->evidence == NULL)
		object->evidence = text;
	else if (strlen(object->evidence) < 400)
		object->evidence = psprintf("%s, %s", object->evidence, text);
}

void
rename_choose(DriftComparison *c, List *candidates, double min_score,
			  void (*pair) (DriftComparison *c, Candidate *candidate))
{
	ListCell   *lc;
	List	   *taken = NIL;

	list_sort(candidates, compare_candidates);
	for (int i = 0; i < list_length(candidates); i++)
	{
		Candidate  *best = list_nth(candidates, i);
		bool		ambiguous = best->score < min_score;

		CHECK_FOR_INTERRUPTS();
		if (best->reference->partner || best->target->partner)
			continue;

		/* they are sorted: those that come close follow or went before */
		for (int j = i - 1; j >= 0 && !ambiguous; j--)
		{
			Candidate  *other = list_nth(candidates, j);

			if (other->score > best->score + MARGIN)
				break;
			ambiguous = (other->reference == best->reference || other->target == best->target) &&
				!other->reference->partner && !other->target->partner;
		}
		for (int j = i + 1; j < list_length(candidates) && !ambiguous; j++)
		{
			Candidate  *other = list_nth(candidates, j);

			if (other->score < best->score - MARGIN)
				break;
			ambiguous = (other->reference == best->reference || other->target == best->target) &&
				!other->reference->partner && !other->target->partner;
		}
		if (!ambiguous)
		{
			best->reference->partner = best->target;
			best->target->partner = best->reference;
			taken = lappend(taken, best);
		}
	}

	foreach(lc, candidates)
	{
		Candidate  *candidate = lfirst(lc);

		if (candidate->reference->partner == NULL && candidate->target->partner == NULL)
		{
			note_candidate(candidate->reference, candidate, candidate->target);
			note_candidate(candidate->target, candidate, candidate->reference);
		}
	}
	foreach(lc, taken)
		pair(c, lfirst(lc));
}

/* ---- objects with a schema ---- */

static void
add_object_name(DriftComparison *c, const DriftObject *reference, const DriftObject *target)
{
	DriftName  *name = palloc0(sizeof(DriftName));
	SgTableName old = sg_parse_table_name(reference->identity);
	SgTableName new = sg_parse_table_name(target->identity);

	name->schema = old.schema;
	name->name = old.name;
	name->new_schema = new.schema;
	name->new_name = new.name;
	c->names = lappend(c->names, name);
}

static void
pair_objects(DriftComparison *c, Candidate *candidate)
{
	add_object_name(c, candidate->reference, candidate->target);
	drift_pair(c, candidate->reference, candidate->target, candidate->score, candidate->evidence);
}

/* ---- tables ---- */

static int
compare_tables(const void *a, const void *b)
{
	return strcmp((*(Table *const *) a)->object->identity, (*(Table *const *) b)->object->identity);
}

static Table *
find_table(Table **tables, int n, const char *identity)
{
	int			low = 0,
				high = n - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(identity, tables[middle]->object->identity);

		if (order == 0)
			return tables[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The tables of one side, in order, with what they have */
static Table **
lone_tables(DriftComparison *c, DriftSide side, int *count)
{
	Table	  **tables;
	ListCell   *lc;
	int			n = 0;

	tables = palloc(sizeof(Table *) * Max(list_length(c->objects[side]), 1));
	foreach(lc, c->objects[side])
	{
		DriftObject *object = lfirst(lc);

		if (strcmp(object->kind, "table") == 0 && object->partner == NULL &&
			!drift_value(object->properties, "extension"))
		{
			tables[n] = palloc0(sizeof(Table));
			tables[n++]->object = object;
		}
	}
	qsort(tables, n, sizeof(Table *), compare_tables);

	foreach(lc, c->objects[side])
	{
		DriftObject *object = lfirst(lc);
		Table	   *table = object->parent ? find_table(tables, n, object->parent) : NULL;

		if (table && strcmp(object->kind, "column") == 0)
			table->columns = lappend(table->columns, object);
		else if (table && (strcmp(object->kind, "constraint") == 0 || strcmp(object->kind, "index") == 0))
			table->parts = lappend(table->parts, object);
	}
	*count = n;
	return tables;
}

static bool
same_property(const DriftObject *a, const DriftObject *b, const char *property)
{
	Jsonb	   *x = drift_value(a->properties, property);
	Jsonb	   *y = drift_value(b->properties, property);

	return x == y || (x && y && compareJsonbContainers(&x->root, &y->root) == 0);
}

/* Columns in common: 1 each with the type, half without; sorted by name on both sides */
static double
common_columns(const Table *a, const Table *b)
{
	double		common = 0;
	size_t		pa = strlen(a->object->identity);
	size_t		pb = strlen(b->object->identity);

	for (int i = 0, j = 0; i < list_length(a->columns) && j < list_length(b->columns);)
	{
		DriftObject *x = list_nth(a->columns, i);
		DriftObject *y = list_nth(b->columns, j);
		int			order = strcmp(x->identity + pa, y->identity + pb);

		if (order == 0)
			common += same_property(x, y, "type") ? 1 : 0.5;
		i += order <= 0;
		j += order >= 0;
	}
	return common;
}

/* Constraints and indexes in common, by their columns and what they refer to */
static int
common_parts(const Table *a, const Table *b)
{
	int			common = 0;
	ListCell   *la,
			   *lb;

	foreach(la, a->parts)
	{
		foreach(lb, b->parts)
		{
			DriftObject *x = lfirst(la);
			DriftObject *y = lfirst(lb);

			if (strcmp(x->kind, y->kind) == 0 && same_property(x, y, "type") && same_property(x, y, "columns") &&
				same_property(x, y, "references") && same_property(x, y, "unique"))
			{
				common++;
				break;
			}
		}
	}
	return common;
}

/* Do keys of other tables, or columns of a type, lead to the one as they led to the other? */
static bool
is_referred_alike(DriftComparison *c, const char *property, const DriftObject *reference, const DriftObject *target)
{
	ListCell   *lc;

	foreach(lc, c->changes)
	{
		DriftChange *change = lfirst(lc);

		if (strcmp(change->property, property) == 0 && change->expected && change->actual &&
			strcmp(drift_text(change->expected), reference->identity) == 0 &&
			strcmp(drift_text(change->actual), target->identity) == 0)
			return true;
	}
	return false;
}

static void
judge_tables(DriftComparison *c, const Table *a, const Table *b, List **candidates)
{
	int			columns = list_length(a->columns) + list_length(b->columns);
	int			parts = list_length(a->parts) + list_length(b->parts);
	double		common = common_columns(a, b);
	double		alike = columns ? 2 * common / columns : 1;
	double		name = rename_name_likeness(drift_local_name(a->object), drift_local_name(b->object));
	bool		moved = strcmp(drift_local_name(a->object), drift_local_name(b->object)) == 0;
	int			same_parts;
	bool		referred;
	Candidate	candidate = {.reference = a->object,.target = b->object};

	if (alike < 0.5 || !same_property(a->object, b->object, "type"))
		return;

	/* partitions of one table are all alike: only their bounds tell them apart */
	if (!same_property(a->object, b->object, "partition_of") ||
		!same_property(a->object, b->object, "partition_bound"))
		return;
	same_parts = common_parts(a, b);
	referred = is_referred_alike(c, "references", a->object, b->object);

	/* two columns and nothing else are what any table may have */
	if (common < 3 && !referred && name < 0.5 && !same_property(a->object, b->object, "comment"))
		return;

	candidate.score = 0.6 * alike + 0.1 * (parts ? 2.0 * same_parts / parts : alike) + 0.15 * name +
		(referred ? 0.15 : 0) + (common >= 3 ? 0.1 : 0);
	if (!same_property(a->object, b->object, "partition_key"))
		candidate.score -= 0.3;
	candidate.score = Min(candidate.score, 1.0);
	if (candidate.score < MIN_SCORE - 0.1)
		return;

	rename_say(&candidate, true, psprintf("%g of %d columns alike", common, Max(list_length(a->columns), list_length(b->columns))));
	rename_say(&candidate, same_parts > 0, psprintf("%d of %d constraints and indexes alike", same_parts, Max(list_length(a->parts), list_length(b->parts))));
	rename_say(&candidate, referred, "a foreign key leads there as it led to the old one");
	rename_say(&candidate, moved, "the same name in another schema");
	rename_say(&candidate, !moved && name > 0, psprintf("names alike by %.2f", name));
	*candidates = lappend(*candidates, memcpy(palloc(sizeof(Candidate)), &candidate, sizeof(Candidate)));
}

static void
find_tables(DriftComparison *c)
{
	int			n[2];
	Table	  **tables[2];
	List	   *candidates = NIL;

	for (int side = 0; side < 2; side++)
		tables[side] = lone_tables(c, side, &n[side]);
	if ((double) n[0] * n[1] > MAX_PAIRS)
		return;

	for (int i = 0; i < n[0]; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < n[1]; j++)
			judge_tables(c, tables[0][i], tables[1][j], &candidates);
	}
	rename_choose(c, candidates, MIN_SCORE, pair_objects);
}

/* ---- types ---- */

/* How much two types have in common, of what makes a type */
static double
type_likeness(const DriftObject *a, const DriftObject *b, int *weight)
{
	static const char *const makings[] = {"labels", "attributes", "base_type", "subtype", "default", "not_null", "collation"};
	int			same = 0,
				all = 0;

	*weight = 0;
	for (int i = 0; i < lengthof(makings); i++)
	{
		Jsonb	   *x = drift_value(a->properties, makings[i]);
		Jsonb	   *y = drift_value(b->properties, makings[i]);

		if (x == NULL && y == NULL)
			continue;
		all++;
		if (same_property(a, b, makings[i]))
		{
			same++;
			*weight += JB_ROOT_IS_SCALAR(x) ? 1 : JB_ROOT_COUNT(x);
		}
	}
	return all ? (double) same / all : 0;
}

static void
judge_types(DriftComparison *c, DriftObject *a, DriftObject *b, List **candidates)
{
	int			weight;
	double		alike;
	double		name = rename_name_likeness(drift_local_name(a), drift_local_name(b));
	bool		used = is_referred_alike(c, "type", a, b);
	Candidate	candidate = {.reference = a,.target = b};

	if (strcmp(a->kind, b->kind) != 0 || !same_property(a, b, "type"))
		return;
	alike = type_likeness(a, b, &weight);
	if (alike < 0.5 || (weight < 2 && !used && name < 0.5))
		return;

	candidate.score = Min(0.65 * alike + (used ? 0.25 : 0) + 0.2 * name + (weight >= 2 ? 0.05 : 0), 1.0);
	rename_say(&candidate, true, alike == 1 ? "the same definition" : "much of the same definition");
	rename_say(&candidate, used, "columns of the one are of the other now");
	rename_say(&candidate, name > 0, psprintf("names alike by %.2f", name));
	*candidates = lappend(*candidates, memcpy(palloc(sizeof(Candidate)), &candidate, sizeof(Candidate)));
}

static bool
is_type(const DriftObject *object)
{
	return object->partner == NULL && !drift_value(object->properties, "extension") &&
		(strcmp(object->kind, "type") == 0 || strcmp(object->kind, "domain") == 0);
}

static void
find_types(DriftComparison *c)
{
	List	   *candidates = NIL;
	ListCell   *la,
			   *lb;

	foreach(la, c->objects[DRIFT_REFERENCE])
	{
		if (!is_type(lfirst(la)))
			continue;
		CHECK_FOR_INTERRUPTS();
		foreach(lb, c->objects[DRIFT_TARGET])
		{
			if (is_type(lfirst(lb)))
				judge_types(c, lfirst(la), lfirst(lb), &candidates);
		}
	}
	rename_choose(c, candidates, MIN_SCORE, pair_objects);
}

void
drift_find_renamed_tables(DriftComparison *c)
{
	find_types(c);
	find_tables(c);
}

void
drift_find_renamed_parts(DriftComparison *c)
{
	rename_find_columns(c);
}
