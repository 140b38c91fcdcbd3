/*-------------------------------------------------------------------------
 *
 * drift_rename_column.c
 *	  Columns that are called something else now.
 *
 * Within a table that both sides have, by type, place, keys and name.  A
 * column that was dropped while another one was added looks much the same,
 * but the new one is the last; and where the target is this database, the
 * catalog still knows the place of what was dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "compat.h"
#include "drift_compare.h"
#include "drift_rename.h"
#include "quote.h"

#define MIN_SCORE 0.7

/* The columns that only one side of a table has, by position */
typedef struct Group
{
	const char *table;			/* in the target */
	const char *reference;		/* in the reference */
	List	   *columns[2];
	List	   *parts[2];		/* constraints and indexes without a partner */
	List	   *changes;		/* of lists of columns that are this table's */
} Group;

/* What this database knows about columns that were dropped */
typedef struct Dropped
{
	bool		known;
	int			last;			/* the highest attribute number in use */
	Bitmapset  *numbers;		/* of dropped columns */
} Dropped;

static int
position(const DriftObject *column)
{
	return (int) drift_number(column->properties, "position");
}

static int
compare_positions(const ListCell *a, const ListCell *b)
{
	return position(lfirst(a)) - position(lfirst(b));
}

/* How many columns that both sides have come before the one at this place in the list */
static int
columns_before(List *columns, int place)
{
	return position(list_nth(columns, place)) - 1 - place;
}

static Dropped
dropped_columns(DriftComparison *c, const char *table)
{
	Dropped		dropped = {0};
	Oid			relid = c->live ? sg_find_qualified(table) : InvalidOid;
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	int			natts;

	if (!HeapTupleIsValid(tuple))
		return dropped;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);

	dropped.known = true;
	for (int i = 1; i <= natts; i++)
	{
		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(i));
		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
			dropped.numbers = bms_add_member(dropped.numbers, i);
		else
			dropped.last = i;
		ReleaseSysCache(tuple);
	}
	return dropped;
}

/* The attribute number of the n-th column that is there */
static int
number_of(const Dropped *dropped, int n)
{
	int			number = 0;

	while (n > 0 && number < dropped->last)
	{
		number++;
		if (!bms_is_member(number, dropped->numbers))
			n--;
	}
	return number;
}

/*
 * Was a column dropped just where this one would have been, and is there a
 * newer one?  Then this is not it.
 */
static bool
was_dropped(const Dropped *dropped, const DriftObject *target, int before)
{
	int			number = number_of(dropped, position(target));

	for (int i = number - 1; i > 0 && i > number_of(dropped, before); i--)
	{
		if (bms_is_member(i, dropped->numbers))
			return true;
	}
	return false;
}

static bool
same_property(const DriftObject *a, const DriftObject *b, const char *property)
{
	Jsonb	   *x = drift_value(a->properties, property);
	Jsonb	   *y = drift_value(b->properties, property);

	return x == y || (x && y && compareJsonbContainers(&x->root, &y->root) == 0);
}

/* Does a list of names have the one where the other list has the other, and is it else the same? */
static bool
stands_for(Jsonb *expected, Jsonb *actual, const char *old, const char *new)
{
	List	   *a,
			   *b;
	ListCell   *la,
			   *lb;
	bool		found = false;

	if (expected == NULL || actual == NULL ||
		JB_ROOT_IS_SCALAR(expected) || JB_ROOT_IS_SCALAR(actual) ||
		!JB_ROOT_IS_ARRAY(expected) || !JB_ROOT_IS_ARRAY(actual))
		return false;
	a = drift_elements(expected);
	b = drift_elements(actual);
	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		const char *x = lfirst(la);
		const char *y = lfirst(lb);

		if (x && y && strcmp(x, old) == 0 && strcmp(y, new) == 0)
			found = true;
	}
	return found;
}

/* Does a key or an index have the new column in the place of the old one? */
static bool
is_used_alike(const Group *group, const char *old, const char *new)
{
	ListCell   *la,
			   *lb;

	foreach(la, group->changes)
	{
		DriftChange *change = lfirst(la);

		if (stands_for(change->expected, change->actual, old, new))
			return true;
	}

	/* those that are still without a partner, because they are about this column */
	foreach(la, group->parts[0])
	{
		DriftObject *part = lfirst(la);

		foreach(lb, group->parts[1])
		{
			DriftObject *other = lfirst(lb);

			if (part->partner == NULL && other->partner == NULL &&
				strcmp(other->kind, part->kind) == 0 && same_property(part, other, "type") &&
				stands_for(drift_value(part->properties, "columns"), drift_value(other->properties, "columns"), old, new))
				return true;
		}
	}
	return false;
}

/* Default, collation and the like, as far as they are not what most columns have */
static double
attributes_alike(const DriftObject *a, const DriftObject *b, bool *telling)
{
	static const char *const attributes[] = {"not_null", "default", "generated", "identity", "collation", "comment", "storage"};
	int			same = 0;

	*telling = false;
	for (int i = 0; i < lengthof(attributes); i++)
	{
		if (!same_property(a, b, attributes[i]))
			continue;
		same++;
		if (strcmp(attributes[i], "not_null") != 0 && drift_value(a->properties, attributes[i]))
			*telling = true;
	}
	return (double) same / lengthof(attributes);
}

static void
judge_columns(DriftComparison *c, const Group *group, const Dropped *dropped, int i, int j, List **candidates)
{
	DriftObject *a = list_nth(group->columns[0], i);
	DriftObject *b = list_nth(group->columns[1], j);
	char	   *old = drift_local_name(a);
	char	   *new = drift_local_name(b);
	bool		same_type = strcmp(drift_new_identity(c, drift_string(a->properties, "type")), drift_string(b->properties, "type")) == 0;
	bool		same_place = columns_before(group->columns[0], i) == columns_before(group->columns[1], j);
	bool		telling;
	double		attributes = attributes_alike(a, b, &telling);
	double		name = rename_name_likeness(old, new);
	bool		used = is_used_alike(group, old, new);
	Candidate	candidate = {.reference = a,.target = b};

	/* a type that changed along with the name needs more than the place */
	if (!same_type && name < 0.5 && !used)
		return;
	if (!same_place && !used && name < 0.5)
		return;

	candidate.score = (same_type ? 0.3 : 0) + (same_place ? 0.35 : 0) + 0.1 * attributes + 0.25 * name +
		(used ? 0.25 : 0) + (telling ? 0.1 : 0);
	if (same_place && dropped->known)
	{
		/* a table that lost no column got none in the place of one, either */
		if (was_dropped(dropped, b, columns_before(group->columns[1], j) + j))
			candidate.score -= 0.3;
		else if (same_type)
		{
			candidate.score += 0.1;
			rename_say(&candidate, true, "no column was dropped there");
		}
	}
	candidate.score = Max(Min(candidate.score, 1.0), 0);
	if (candidate.score < 0.5)
		return;

	rename_say(&candidate, same_type, "the same type");
	rename_say(&candidate, same_place, "the same place");
	rename_say(&candidate, used, "a key or an index has it in the same place");
	rename_say(&candidate, telling, "the same default or the like");
	rename_say(&candidate, name > 0, psprintf("names alike by %.2f", name));
	*candidates = lappend(*candidates, memcpy(palloc(sizeof(Candidate)), &candidate, sizeof(Candidate)));
}

static void
pair_columns(DriftComparison *c, Candidate *candidate)
{
	DriftName  *name = palloc0(sizeof(DriftName));

	name->owner = candidate->reference->parent;
	name->name = drift_local_name(candidate->reference);
	name->new_name = drift_local_name(candidate->target);
	drift_add_name(c, name);
	drift_pair(c, candidate->reference, candidate->target, candidate->score, candidate->evidence);
}

static void
find_in_table(DriftComparison *c, Group *group)
{
	List	   *candidates = NIL;
	Dropped		dropped;

	for (int side = 0; side < 2; side++)
		list_sort(group->columns[side], compare_positions);
	dropped = dropped_columns(c, group->table);

	for (int i = 0; i < list_length(group->columns[0]); i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < list_length(group->columns[1]); j++)
			judge_columns(c, group, &dropped, i, j, &candidates);
	}
	rename_choose(c, candidates, MIN_SCORE, pair_columns);
}

/* What is known by table, on the way to the groups */
static void
add_to(HTAB *table, const char *what, const char *name, void *value)
{
	DriftNameEntry *entry = drift_name_entry(table, what, name, HASH_ENTER);

	entry->value = lappend(entry->value, value);
}

static List *
get_from(HTAB *table, const char *what, const char *name)
{
	DriftNameEntry *entry = drift_name_entry(table, what, name, HASH_FIND);

	return entry ? entry->value : NIL;
}

static const char *const sides[] = {"reference", "target"};
static const char *const side_parts[] = {"parts of reference", "parts of target"};

/* Sort what is on one side only by its table; the tables of the reference with such columns, each once */
static List *
sort_by_table(DriftComparison *c, HTAB *table)
{
	List	   *names = NIL;
	ListCell   *lc;

	for (int side = 0; side < 2; side++)
	{
		foreach(lc, c->objects[side])
		{
			DriftObject *object = lfirst(lc);
			DriftObject *parent;

			if (object->partner || object->parent == NULL)
				continue;
			if (strcmp(object->kind, "column") == 0)
			{
				parent = drift_parent(c, object);
				if (parent && parent->partner == NULL)
					continue;
				if (side == DRIFT_REFERENCE && get_from(table, sides[side], object->parent) == NIL)
					names = lappend(names, object->parent);
				add_to(table, sides[side], object->parent, object);
			}
			else if (drift_value(object->properties, "columns"))
				add_to(table, side_parts[side], object->parent, object);
		}
	}
	foreach(lc, c->changes)
	{
		DriftChange *change = lfirst(lc);

		if (strcmp(change->property, "columns") == 0 && change->parent)
			add_to(table, "changes", change->parent, change);
		else if (strcmp(change->property, "referenced_columns") == 0 && drift_string(change->reference, "references"))
			add_to(table, "changes", drift_string(change->reference, "references"), change);
	}
	return names;
}

void
drift_find_renamed_columns(DriftComparison *c)
{
	HTAB	   *table = drift_name_table("differences by table");
	List	   *names = sort_by_table(c, table);
	ListCell   *lc;

	foreach(lc, names)
	{
		Group		group = {.reference = lfirst(lc)};
		DriftObject *first;
		DriftObject *parent;

		group.columns[0] = get_from(table, sides[0], group.reference);
		first = linitial(group.columns[0]);
		parent = drift_parent(c, first);
		group.table = parent ? parent->partner->identity : group.reference;
		group.columns[1] = get_from(table, sides[1], group.table);
		group.parts[0] = get_from(table, side_parts[0], group.reference);
		group.parts[1] = get_from(table, side_parts[1], group.table);
		group.changes = get_from(table, "changes", group.reference);
		if (group.columns[1])
			find_in_table(c, &group);
	}
}
