/*-------------------------------------------------------------------------
 *
 * drift_rename_column.c
 *	  Columns that are called something else now.
 *
 * Within a table that both sides have, by type, place, keys and name.  A
 * column that was dropped while another one was added looks much the same,
 * but the new one is the last; and where the target is this database, the
 * catalog still has a number for what was dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift_compare.h"
#include "drift/drift_rename.h"

#define MIN_SCORE 0.7

/* Weights of generated names that outlived a rename, and of new ones */
#define NAME_KEPT_WEIGHT 0.3
#define NAME_ANEW_WEIGHT 0.4

/* First version in which NOT NULL is a named constraint */
#define VERSION_18 180000

/* Columns of a table that only one side has, by position */
typedef struct Group
{
	const char *table;			/* table in the target */
	const char *reference;		/* table in the reference */
	List	   *columns[2];
	List	   *parts[2];		/* constraints, indexes and sequences without
								 * a partner */
	List	   *changes;		/* changes of this table's column lists */
	List	   *fates;			/* result of drift_column_fates() */
} Group;

static int
position(const DriftObject *column)
{
	return (int) drift_number(column->properties, "position");
}

/* Returns the number of a column, which is not its position if columns were dropped */
static int
number(const DriftObject *column)
{
	return drift_value(column->properties, "number") ? (int) drift_number(column->properties, "number") : position(column);
}

static int
compare_positions(const ListCell *a, const ListCell *b)
{
	return position(lfirst(a)) - position(lfirst(b));
}

/* Returns how many columns of both sides precede the one at this place of the list */
static int
columns_before(List *columns, int place)
{
	return position(list_nth(columns, place)) - 1 - place;
}

static bool
same_property(const DriftObject *a, const DriftObject *b, const char *property)
{
	Jsonb	   *x = drift_value(a->properties, property);
	Jsonb	   *y = drift_value(b->properties, property);

	return x == y || (x && y && compareJsonbContainers(&x->root, &y->root) == 0);
}

/* Returns whether two lists of names are equal, except for old in the one where the other has new */
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

/* Returns whether a key or index has the new column instead of the old one */
static bool
is_used_alike(const Group *group, const char *old, const char *new)
{
	foreach_ptr(DriftChange, change, group->changes)
	{
		if (stands_for(change->expected, change->actual, old, new))
			return true;
	}

	/*
	 * parts without a partner, because they contain this column
	 */
	foreach_ptr(DriftObject, part, group->parts[0])
	{
		foreach_ptr(DriftObject, other, group->parts[1])
		{
			if (part->partner == NULL && other->partner == NULL &&
				other->kind == part->kind && same_property(part, other, "type") &&
				stands_for(drift_value(part->properties, "columns"), drift_value(other->properties, "columns"), old, new))
				return true;
		}
	}
	return false;
}

/* Returns whether the old column's sequence belongs to the new one */
static bool
is_sequence_of(SnapshotKind kind, Jsonb *reference, Jsonb *target, const DriftObject *a, const DriftObject *b)
{
	char	   *from = kind == KIND_SEQUENCE ? drift_string(reference, "owned_by") : NULL;
	char	   *to = from ? drift_string(target, "owned_by") : NULL;

	return to && strcmp(from, a->identity) == 0 && strcmp(to, b->identity) == 0;
}

/* Returns the sign of the name of a NOT NULL constraint (18+), which is not listed as an object */
static NameSign
not_null_sign(DriftComparison *c, const DriftObject *a, const DriftObject *b)
{
	char	   *new_name = drift_string(b->properties, "not_null_name");

	if (c->info[0]->server_version_num < VERSION_18 || c->info[1]->server_version_num < VERSION_18 ||
		!drift_flag(a->properties, "not_null") || !drift_flag(b->properties, "not_null") ||
		drift_string(a->properties, "not_null_name"))
		return NAME_SILENT;
	if (new_name == NULL)
		return NAME_ANEW;
	return strcmp(new_name, makeObjectName(drift_name(a->parent), drift_local_name(a), "not_null")) == 0 ?
		NAME_KEPT : NAME_SILENT;
}

/* Returns the sign of generated names of keys, checks, indexes and sequences of the column */
static NameSign
column_sign(DriftComparison *c, const Group *group, const DriftObject *a, const DriftObject *b)
{
	char	   *old = drift_local_name(a);
	char	   *new = drift_local_name(b);
	NameSign	sign = not_null_sign(c, a, b);

	foreach_ptr(DriftChange, change, group->changes)
	{
		if ((strcmp(change->property->name, "columns") == 0 && stands_for(change->expected, change->actual, old, new)) ||
			is_sequence_of(change->kind, change->reference, change->target, a, b))
			sign = Max(sign, rename_name_sign(change->reference, drift_name(change->identity),
											  change->target, drift_name(change->target_identity)));
	}
	foreach_ptr(DriftObject, part, group->parts[0])
	{
		foreach_ptr(DriftObject, other, group->parts[1])
		{
			if (part->kind == other->kind && part->partner == NULL && other->partner == NULL &&
				(is_sequence_of(part->kind, part->properties, other->properties, a, b) ||
				 (same_property(part, other, "type") &&
				  stands_for(drift_value(part->properties, "columns"), drift_value(other->properties, "columns"), old, new))))
				sign = Max(sign, rename_name_sign(part->properties, drift_local_name(part),
												  other->properties, drift_local_name(other)));
		}
	}
	return sign;
}

/* Returns how far default, collation and similar properties agree, if they differ from most columns' */
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
judge_columns(DriftComparison *c, const Group *group, int i, int j, List **candidates)
{
	DriftObject *a = list_nth(group->columns[0], i);
	DriftObject *b = list_nth(group->columns[1], j);
	char	   *old = drift_local_name(a);
	char	   *new = drift_local_name(b);
	char	   *old_type = drift_new_identity(c, drift_string(a->properties, "type"));
	char	   *new_type = drift_string(b->properties, "type");
	bool		same_type = old_type && new_type && strcmp(old_type, new_type) == 0;
	bool		same_place = columns_before(group->columns[0], i) == columns_before(group->columns[1], j);
	bool		telling;
	double		attributes = attributes_alike(a, b, &telling);
	double		name = rename_name_likeness(old, new);
	bool		used = is_used_alike(group, old, new);
	bool		known = number(a) > 0 && number(a) <= list_length(group->fates);
	char	   *fate = known ? list_nth(group->fates, number(a) - 1) : NULL;
	bool		there = fate && strcmp(fate, new) == 0;
	NameSign	sign = column_sign(c, group, a, b);
	Candidate	candidate = {.reference = a,.target = b};

	if (known && !there)
		return;

	/* if the type changed, too, the position is not enough */
	if (!same_type && name < 0.5 && !used && !there)
		return;
	if (!same_place && !used && !there && name < 0.5)
		return;

	candidate.score = (same_type ? 0.3 : 0) + (same_place ? 0.35 : 0) + 0.1 * attributes + 0.25 * name +
		(used ? 0.25 : 0) + (telling ? 0.1 : 0);
	if (there)
		candidate.score = 1;
	else if (sign == NAME_KEPT)
		candidate.score += NAME_KEPT_WEIGHT;

	/*
	 * a rebuilt database has only new names: ask all the same
	 */
	else if (sign == NAME_ANEW && c->renames != RENAMES_ASK)
		candidate.score -= NAME_ANEW_WEIGHT;
	candidate.proven = there || sign == NAME_KEPT;
	if (candidate.score < 0.5)
		return;

	rename_say(&candidate, there, "the column's number in the table");
	rename_say(&candidate, same_type, "the same type");
	rename_say(&candidate, same_place, "the same place");
	rename_say(&candidate, used, "a key or an index has it in the same place");
	rename_say(&candidate, telling, "the same default or the like");
	rename_say(&candidate, sign == NAME_KEPT, "names made of the old column's name");
	rename_say(&candidate, sign == NAME_ANEW, "but names made of the new column's name");
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
	drift_pair(c, candidate->reference, candidate->target, rename_score(candidate), candidate->evidence);
}

static void
find_in_table(DriftComparison *c, Group *group)
{
	List	   *candidates = NIL;

	/* the table was recreated: no old column is in it */
	if (drift_table_age(c, group->table) == DRIFT_NEWER)
		return;

	for (int side = 0; side < 2; side++)
		list_sort(group->columns[side], compare_positions);
	group->fates = drift_column_fates(c, group->table);

	for (int i = 0; i < list_length(group->columns[0]); i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < list_length(group->columns[1]); j++)
			judge_columns(c, group, i, j, &candidates);
	}
	rename_choose(c, candidates, MIN_SCORE, pair_columns);
}

/* Adds a value to the list of a table; an unknown owner of a forged document has no list */
static void
add_to(SgNameTable *table, const char *what, const char *name, void *value)
{
	SgNameEntry *entry;

	if (name == NULL)
		return;
	entry = sg_names_enter(table, what, name);
	entry->value = lappend(entry->value, value);
}

static const char *const sides[] = {"reference", "target"};
static const char *const side_parts[] = {"parts of reference", "parts of target"};

/*
 * Sorts objects of one side by their table; returns the reference's tables with
 * such columns, each once
 */
static List *
sort_by_table(DriftComparison *c, SgNameTable *table)
{
	List	   *names = NIL;

	for (int side = 0; side < 2; side++)
	{
		foreach_ptr(DriftObject, object, c->objects[side])
		{
			DriftObject *parent;

			if (object->partner || object->parent == NULL)
				continue;
			if (object->kind == KIND_COLUMN)
			{
				parent = drift_parent(c, object);
				if (parent && parent->partner == NULL)
					continue;
				if (side == DRIFT_REFERENCE && sg_names_value(table, sides[side], object->parent) == NIL)
					names = lappend(names, object->parent);
				add_to(table, sides[side], object->parent, object);
			}
			else if (drift_value(object->properties, "columns"))
				add_to(table, side_parts[side], object->parent, object);
			else if (object->kind == KIND_SEQUENCE && drift_string(object->properties, "owned_by"))
				add_to(table, side_parts[side], drift_owner(drift_string(object->properties, "owned_by")), object);
		}
	}
	foreach_ptr(DriftChange, change, c->changes)
	{
		if (strcmp(change->property->name, "columns") == 0 && change->parent)
			add_to(table, "changes", change->parent, change);
		else if (strcmp(change->property->name, "referenced_columns") == 0 && drift_string(change->reference, "references"))
			add_to(table, "changes", drift_string(change->reference, "references"), change);
		else if (strcmp(change->property->name, "owned_by") == 0 && change->expected)
			add_to(table, "changes", drift_owner(drift_text(change->expected)), change);
	}
	return names;
}

void
drift_find_renamed_columns(DriftComparison *c)
{
	SgNameTable *table = sg_names_create(CurrentMemoryContext);
	List	   *names = sort_by_table(c, table);
	ListCell   *lc;

	foreach(lc, names)
	{
		Group		group = {.reference = lfirst(lc)};
		DriftObject *first;
		DriftObject *parent;

		group.columns[0] = sg_names_value(table, sides[0], group.reference);
		first = linitial(group.columns[0]);
		parent = drift_parent(c, first);
		group.table = parent ? parent->partner->identity : group.reference;
		group.columns[1] = sg_names_value(table, sides[1], group.table);
		group.parts[0] = sg_names_value(table, side_parts[0], group.reference);
		group.parts[1] = sg_names_value(table, side_parts[1], group.table);
		group.changes = sg_names_value(table, "changes", group.reference);
		if (group.columns[1])
			find_in_table(c, &group);
	}
}
