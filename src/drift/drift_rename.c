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

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "drift/drift_compare.h"
#include "drift/drift_rename.h"

/* Minimum score of a rename, and its minimum lead over the next candidate */
#define MIN_SCORE 0.65
#define MARGIN 0.08

/* Weights of generated names that outlived a rename, and of new ones */
#define NAME_KEPT_WEIGHT 0.3
#define NAME_ANEW_WEIGHT 0.2

/* Weight of a table that is older than the reference, which lacks it under this name */
#define OLDER_WEIGHT 0.2

/* Number of candidates that a detail names */
#define NAMED_CANDIDATES 3

/* Maximum number of pairs of tables to compare; more would take minutes */
#define MAX_PAIRS 4000000

/* Number of passes that look for tables; each knows the renames of the passes before */
#define ROUNDS 3

/* Table of one side only, with its parts */
typedef struct Table
{
	DriftObject *object;
	char	   *name;
	char	   *shape;			/* properties that must be equal: kind, parent
								 * and bound of a partition */
	char	   *key;			/* partition key */
	char	   *comment;
	int			ncolumns;
	int			nparts;
	char	  **columns;		/* names, sorted */
	char	  **types;			/* by column */
	char	  **order;			/* types by position */
	char	  **parts;			/* constraints and indexes as text, sorted */
	DriftAge	age;			/* age of the target's table */
	List	   *named;			/* DriftObject *: parts with names, and
								 * sequences of its columns */
} Table;

typedef struct Search
{
	DriftComparison *c;
	SgNameTable *arrows;		/* from formerly referenced tables to those
								 * referenced now */
	SgNameTable *kept;			/* from tables to those that have their
								 * indexes and sequences now */
	List	   *candidates;
} Search;

/* ---- names ---- */

/*
 * Returns whether two names differ only in numbers of about as many digits,
 * like sales_2024 and sales_2025
 */
static bool
is_series(const char *a, const char *b)
{
	static const char digits[] = "0123456789";
	bool		differs = false;

	for (; *a && *b; a++, b++)
	{
		size_t		na = strspn(a, digits);
		size_t		nb = strspn(b, digits);

		if (na > 0 && nb > 0 && Max(na, nb) - Min(na, nb) <= 1)
		{
			differs = differs || na != nb || memcmp(a, b, na) != 0;
			a += na - 1;
			b += nb - 1;
		}
		else if (*a != *b)
			return false;
	}
	return differs && *a == *b;
}

double
rename_name_likeness(const char *a, const char *b)
{
	int			la = strlen(a);
	int			lb = strlen(b);
	int			distance;
	double		letters;

	if (la == 0 || lb == 0 || la >= NAMEDATALEN || lb >= NAMEDATALEN || is_series(a, b))
		return 0;
	distance = varstr_levenshtein(a, la, b, lb, 1, 1, 1, true);
	letters = 1.0 - (double) distance / Max(la, lb);

	/* one contains the other: customer, customers, old_customer */
	if (Min(la, lb) >= 3 && (strstr(a, b) || strstr(b, a)))
		letters = Max(letters, 0.5 + 0.5 * Min(la, lb) / Max(la, lb));
	return letters < 0.3 ? 0 : letters;
}

NameSign
rename_name_sign(Jsonb *reference, const char *old_name, Jsonb *target, const char *new_name)
{
	bool		same = strcmp(old_name, new_name) == 0;

	if (!drift_flag(reference, "automatic_name") || same == drift_flag(target, "automatic_name"))
		return NAME_SILENT;
	return same ? NAME_KEPT : drift_flag(target, "automatic_name") ? NAME_ANEW : NAME_SILENT;
}

double
rename_score(const Candidate *candidate)
{
	double		score = Min(candidate->score, 1.0);

	if (drift_has_trait(candidate->reference->kind, KIND_HOLDS_DATA) && !candidate->proven)
		score = Min(score, RENAME_GUESS);
	return score;
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

/* Notes the best candidates of an object without partner in its detail */
static void
note_candidates(DriftObject *object)
{
	StringInfoData text;
	int			n = 0;

	if (object->partner || object->candidates == NIL)
		return;

	initStringInfo(&text);
	foreach_ptr(Candidate, candidate, object->candidates)
	{
		DriftObject *other = object->side == DRIFT_REFERENCE ? candidate->target : candidate->reference;

		if (other->partner == NULL && n++ < NAMED_CANDIDATES)
			appendStringInfo(&text, "%s%s (score %.2f)", text.len ? ", " : "perhaps ", other->identity, rename_score(candidate));
	}
	if (n > NAMED_CANDIDATES)
		appendStringInfo(&text, ", or one of %d others", n - NAMED_CANDIDATES);
	object->evidence = text.len ? text.data : NULL;
}

/*
 * Notes for an object without partner the pair that it may belong to, so that
 * it waits for the answer about that pair
 */
static void
note_perhaps(const Candidate *candidate)
{
	DriftObject *reference = candidate->reference;
	DriftObject *target = candidate->target;

	if (reference->partner && target->partner == NULL && target->perhaps == NULL)
		target->perhaps = reference->identity;
	if (target->partner && reference->partner == NULL && reference->perhaps == NULL)
		reference->perhaps = target->partner->identity;
}

/* Returns whether another candidate without partner for the same object is almost as good */
static bool
has_rival(const Candidate *best, List *candidates)
{
	foreach_ptr(Candidate, other, candidates)
	{
		if (other->score < best->score - MARGIN)
			break;
		if (other != best && !other->reference->partner && !other->target->partner)
			return true;
	}
	return false;
}

/* ---- what somebody says to be two objects ---- */

/* Returns two names as one text, in sorted order */
static char *
both_names(const char *one, const char *other)
{
	return strcmp(one, other) < 0 ? psprintf("%s\n%s", one, other) : psprintf("%s\n%s", other, one);
}

static void
load_refused(DriftComparison *c)
{
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;

	c->refused = sg_names_create(context);
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, "SELECT kind, old, new FROM schemaguard.rename r WHERE NOT r.same", 0, NULL, NULL, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[row];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(context);

		(void) sg_names_enter(c->refused, SPI_getvalue(tuple, desc, 1),
							  both_names(SPI_getvalue(tuple, desc, 2), SPI_getvalue(tuple, desc, 3)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns the candidates that schemaguard.rename does not refuse */
static List *
not_refused(DriftComparison *c, List *candidates)
{
	List	   *result = NIL;

	if (candidates && c->refused == NULL)
		load_refused(c);
	foreach_ptr(Candidate, candidate, candidates)
	{
		if (!sg_names_has(c->refused, snapshot_kinds[candidate->reference->kind].word,
						  both_names(candidate->reference->identity, candidate->target->identity)))
			result = lappend(result, candidate);
	}
	return result;
}

void
rename_choose(DriftComparison *c, List *candidates, double min_score,
			  void (*pair) (DriftComparison *c, Candidate *candidate))
{
	ListCell   *lc;
	List	   *taken = NIL;

	bool		asks = c->renames == RENAMES_ASK;

	candidates = not_refused(c, candidates);
	if (asks)
		min_score = RENAME_ASK;
	list_sort(candidates, compare_candidates);
	foreach_ptr(Candidate, candidate, candidates)
	{
		candidate->reference->candidates = lappend(candidate->reference->candidates, candidate);
		candidate->target->candidates = lappend(candidate->target->candidates, candidate);
	}
	foreach_ptr(Candidate, best, candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (best->score < min_score)
			break;
		if (best->reference->partner || best->target->partner ||
			(!asks && (has_rival(best, best->reference->candidates) || has_rival(best, best->target->candidates))))
			continue;
		best->reference->partner = best->target;
		best->target->partner = best->reference;
		best->reference->guessed = true;
		taken = lappend(taken, best);
	}

	foreach_ptr(Candidate, candidate, candidates)
	{
		note_candidates(candidate->reference);
		note_candidates(candidate->target);
		if (asks && candidate->score >= min_score)
			note_perhaps(candidate);
		candidate->reference->candidates = candidate->target->candidates = NIL;
	}
	foreach(lc, taken)
		pair(c, lfirst(lc));
}

/* ---- objects with a schema ---- */

static void
pair_objects(DriftComparison *c, Candidate *candidate)
{
	drift_add_object_name(c, candidate->reference, candidate->target);
	drift_pair(c, candidate->reference, candidate->target, rename_score(candidate), candidate->evidence);
}

/* ---- what leads to an object ---- */

static void
add_arrow(Search *search, const char *property, Jsonb *reference, Jsonb *target)
{
	char	   *from = drift_string(reference, property);
	char	   *to = drift_string(target, property);

	if (from && to && strcmp(from, to) != 0)
		(void) sg_names_enter(search->arrows, from, to);
}

/*
 * Collects foreign keys and columns that are unchanged but reference another
 * object, which suggests that it is the former one renamed.  Keys with
 * generated names have no partner yet.
 */
static void
find_arrows(Search *search, SnapshotKind kind, const char *property)
{
	DriftComparison *c = search->c;

	search->arrows = sg_names_create(CurrentMemoryContext);
	foreach_ptr(DriftChange, change, c->changes)
	{
		if (change->kind == kind && strcmp(change->property->name, property) == 0)
			add_arrow(search, property, change->reference, change->target);
	}
	foreach_ptr(DriftObject, object, c->objects[DRIFT_REFERENCE])
	{
		DriftObject *target;

		if (object->kind != kind || object->partner)
			continue;
		target = drift_find(c, DRIFT_TARGET, kind, object->identity);
		if (target)
			add_arrow(search, property, object->properties, target->properties);
	}
}

static bool
is_referred_alike(Search *search, const DriftObject *reference, const DriftObject *target)
{
	return sg_names_has(search->arrows, reference->identity, target->identity);
}

/* ---- tables ---- */

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Describes a constraint or an index with the target's names */
static char *
part_text(DriftComparison *c, const DriftObject *part)
{
	char	   *references = drift_string(part->properties, "references");
	StringInfoData text;

	if (references && part->side == DRIFT_REFERENCE)
		references = drift_new_identity(c, references);
	initStringInfo(&text);
	appendStringInfo(&text, "%s %s", snapshot_kinds[part->kind].word, references ? references : "");
	for (int i = 0; i < 4; i++)
	{
		static const char *const properties[] = {"type", "unique", "columns", "expression"};
		char	   *value = drift_string(part->properties, properties[i]);

		appendStringInfo(&text, " %s", value ? value : "-");
	}
	return text.data;
}

static char *
property_text(const DriftObject *object, const char *property)
{
	char	   *text = drift_string(object->properties, property);

	return text ? text : "";
}

static Table *
describe_table(DriftComparison *c, DriftObject *object, List *children)
{
	Table	   *table = palloc0(sizeof(Table));

	table->object = object;
	table->name = drift_local_name(object);
	if (object->side == DRIFT_TARGET)
		table->age = drift_table_age(c, object->identity);
	table->shape = psprintf("%s %s %s", property_text(object, "type"), property_text(object, "partition_of"),
							property_text(object, "partition_bound"));
	table->key = property_text(object, "partition_key");
	table->comment = property_text(object, "comment");
	table->columns = palloc(sizeof(char *) * (list_length(children) + 1));
	table->types = palloc(sizeof(char *) * (list_length(children) + 1));
	table->order = palloc0(sizeof(char *) * (list_length(children) + 1));
	table->parts = palloc(sizeof(char *) * (list_length(children) + 1));

	/* sorted by identity, hence by name */
	foreach_ptr(DriftObject, child, children)
	{
		/* with the dot, as within the table */
		if (child->kind == KIND_COLUMN &&
			strncmp(child->identity, object->identity, strlen(object->identity)) == 0)
		{
			table->columns[table->ncolumns] = child->identity + strlen(object->identity);
			table->types[table->ncolumns++] = property_text(child, "type");
		}
		else if (drift_has_trait(child->kind, KIND_PART))
			table->parts[table->nparts++] = part_text(c, child);
		if (child->kind == KIND_SEQUENCE || drift_has_trait(child->kind, KIND_PART))
			table->named = lappend(table->named, child);
	}
	foreach_ptr(DriftObject, child, children)
	{
		int			n = child->kind == KIND_COLUMN ? (int) drift_number(child->properties, "position") : 0;

		if (n > 0 && n <= table->ncolumns)
			table->order[n - 1] = property_text(child, "type");
	}
	qsort(table->parts, table->nparts, sizeof(char *), compare_strings);
	return table;
}

/* Returns the table whose column owns a sequence, or NULL */
static char *
owner_table(Jsonb *sequence)
{
	char	   *column = drift_string(sequence, "owned_by");

	return column ? drift_owner(column) : NULL;
}

/* Returns the tables of one side without a partner, with their parts */
static List *
lone_tables(DriftComparison *c, DriftSide side)
{
	SgNameTable *children = sg_names_create(CurrentMemoryContext);
	List	   *tables = NIL;

	foreach_ptr(DriftObject, object, c->objects[side])
	{
		char	   *parent = object->kind == KIND_SEQUENCE ? owner_table(object->properties) : object->parent;

		if (parent)
		{
			SgNameEntry *entry = sg_names_enter(children, "", parent);

			entry->value = lappend(entry->value, object);
		}
	}
	foreach_ptr(DriftObject, object, c->objects[side])
	{
		if (object->kind == KIND_TABLE && object->partner == NULL &&
			!drift_value(object->properties, "extension"))
			tables = lappend(tables, describe_table(c, object, sg_names_value(children, "", object->identity)));
	}
	return tables;
}

/* Returns the number of common columns; a column of another type counts half */
static double
common_columns(const Table *a, const Table *b)
{
	double		common = 0;

	for (int i = 0, j = 0; i < a->ncolumns && j < b->ncolumns;)
	{
		int			order = strcmp(a->columns[i], b->columns[j]);

		if (order == 0)
			common += strcmp(a->types[i], b->types[j]) == 0 ? 1 : 0.5;
		i += order <= 0;
		j += order >= 0;
	}
	return common;
}

/* Returns whether two tables have the same types in the same order */
static bool
is_same_order(const Table *a, const Table *b)
{
	if (a->ncolumns != b->ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		if (a->order[i] == NULL || b->order[i] == NULL || strcmp(a->order[i], b->order[i]) != 0)
			return false;
	}
	return true;
}

static int
common_parts(const Table *a, const Table *b)
{
	int			common = 0;

	for (int i = 0, j = 0; i < a->nparts && j < b->nparts;)
	{
		int			order = strcmp(a->parts[i], b->parts[j]);

		common += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	return common;
}

/*
 * Collects names that outlived a rename: a name that PostgreSQL generated from
 * one table's name, on a part of another table.  Indexes and sequences that
 * kept their names are on both sides by now.
 */
static void
find_kept(Search *search)
{
	search->kept = sg_names_create(CurrentMemoryContext);
	foreach_ptr(DriftChange, change, search->c->changes)
	{
		bool		is_sequence = change->kind == KIND_SEQUENCE && strcmp(change->property->name, "owned_by") == 0;
		char	   *from = is_sequence ? owner_table(change->reference) : change->parent;
		char	   *to = is_sequence ? owner_table(change->target) : change->target_parent;

		if ((is_sequence || (change->kind == KIND_INDEX && change->property == &drift_parent_property)) && from && to &&
			rename_name_sign(change->reference, "", change->target, "") == NAME_KEPT)
			(void) sg_names_enter(search->kept, from, to);
	}
}

/* Describes a part of a table without the table's name */
static char *
relative_part(DriftComparison *c, const DriftObject *part)
{
	if (part->kind == KIND_SEQUENCE)
		return drift_name(drift_string(part->properties, "owned_by"));
	return part_text(c, part);
}

static NameSign
table_sign(Search *search, const Table *a, const Table *b)
{
	NameSign	sign = NAME_SILENT;

	if (sg_names_has(search->kept, a->object->identity, b->object->identity))
		return NAME_KEPT;
	foreach_ptr(DriftObject, part, a->named)
	{
		foreach_ptr(DriftObject, other, b->named)
		{
			NameSign	said;

			if (part->kind != other->kind)
				continue;
			said = rename_name_sign(part->properties, drift_local_name(part), other->properties, drift_local_name(other));
			if (said == NAME_KEPT ||
				(said == NAME_ANEW && strcmp(relative_part(search->c, part), relative_part(search->c, other)) == 0))
				sign = Max(sign, said);
		}
	}
	return sign;
}

static void
judge_tables(Search *search, const Table *a, const Table *b)
{
	int			columns = a->ncolumns + b->ncolumns;
	int			parts = a->nparts + b->nparts;
	double		common = common_columns(a, b);
	double		alike = columns ? 2 * common / columns : 1;
	bool		moved = strcmp(a->name, b->name) == 0;
	bool		remarked = *a->comment && strcmp(a->comment, b->comment) == 0;
	double		name;
	int			same_parts;
	bool		referred;
	NameSign	sign;
	DriftAge	age = b->age;
	Candidate  *candidate;
	double		score;

	if (age == DRIFT_NEWER)
		return;

	/*
	 * partitions of one table differ only by their bounds
	 */
	if (strcmp(a->shape, b->shape) != 0)
		return;
	name = rename_name_likeness(a->name, b->name);
	referred = is_referred_alike(search, a->object, b->object);

	/* columns may have been renamed, too */
	if ((name >= 0.5 || referred) && is_same_order(a, b))
		alike = Max(alike, 0.75);
	if (alike < 0.5)
		return;
	same_parts = common_parts(a, b);

	/* any two tables may have two columns in common */
	if (common < 3 && !referred && !remarked && name < 0.5 &&
		!(alike == 1 && parts > 0 && 2 * same_parts == parts))
		return;

	score = 0.5 * alike + 0.2 * (parts ? 2.0 * same_parts / parts : alike) + 0.15 * name +
		(referred ? 0.15 : 0) + (remarked ? 0.1 : 0) + (common >= 3 ? 0.1 : 0);
	if (strcmp(a->key, b->key) != 0)
		score -= 0.3;
	if (score < RENAME_ASK - NAME_KEPT_WEIGHT - OLDER_WEIGHT)
		return;
	sign = table_sign(search, a, b);
	score += age == DRIFT_OLDER ? OLDER_WEIGHT : 0;
	if (sign == NAME_KEPT)
		score += NAME_KEPT_WEIGHT;

	/*
	 * a rebuilt database has only new names: ask all the same
	 */
	else if (sign == NAME_ANEW && search->c->renames != RENAMES_ASK)
		score -= NAME_ANEW_WEIGHT;
	/* only one partition has this bound */
	if (search->c->renames == RENAMES_ASK && drift_value(a->object->properties, "partition_of"))
		score = Max(score, RENAME_ASK);
	if (score < RENAME_ASK)
		return;

	candidate = palloc0(sizeof(Candidate));
	candidate->reference = a->object;
	candidate->target = b->object;
	candidate->score = score;
	candidate->proven = age == DRIFT_OLDER || sign == NAME_KEPT;
	rename_say(candidate, true, psprintf("%g of %d columns alike", common, Max(a->ncolumns, b->ncolumns)));
	rename_say(candidate, is_same_order(a, b), "the same types in the same order");
	rename_say(candidate, same_parts > 0, psprintf("%d of %d constraints and indexes alike", same_parts, Max(a->nparts, b->nparts)));
	rename_say(candidate, referred, "a foreign key leads there as it led to the old one");
	rename_say(candidate, remarked, "the same comment");
	rename_say(candidate, age == DRIFT_OLDER, "it was there before the snapshot");
	rename_say(candidate, sign == NAME_KEPT, "names made of the old table's name");
	rename_say(candidate, sign == NAME_ANEW, "but names made of the new table's name");
	rename_say(candidate, moved, "the same name in another schema");
	rename_say(candidate, !moved && name > 0, psprintf("names alike by %.2f", name));
	search->candidates = lappend(search->candidates, candidate);
}

/* Looks for renamed tables once; returns whether it found any */
static bool
find_tables(DriftComparison *c)
{
	Search		search = {.c = c};
	List	   *reference = lone_tables(c, DRIFT_REFERENCE);
	List	   *target = lone_tables(c, DRIFT_TARGET);
	int			known = list_length(c->names);
	ListCell   *la,
			   *lb;

	if (reference == NIL || target == NIL || (double) list_length(reference) * list_length(target) > MAX_PAIRS)
		return false;

	find_arrows(&search, KIND_CONSTRAINT, "references");
	find_kept(&search);
	foreach(la, reference)
	{
		CHECK_FOR_INTERRUPTS();
		foreach(lb, target)
			judge_tables(&search, lfirst(la), lfirst(lb));
	}
	rename_choose(c, search.candidates, MIN_SCORE, pair_objects);
	return list_length(c->names) > known;
}

/* ---- types ---- */

static bool
same_property(const DriftObject *a, const DriftObject *b, const char *property)
{
	return strcmp(property_text(a, property), property_text(b, property)) == 0;
}

/* Returns how much two types have in common */
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
		if (x && y && same_property(a, b, makings[i]))
		{
			same++;
			*weight += JB_ROOT_IS_SCALAR(x) ? 1 : JB_ROOT_COUNT(x);
		}
	}
	return all ? (double) same / all : 0;
}

static void
judge_types(Search *search, DriftObject *a, DriftObject *b)
{
	int			weight;
	double		alike;
	double		name = rename_name_likeness(drift_local_name(a), drift_local_name(b));
	bool		used = is_referred_alike(search, a, b);
	Candidate  *candidate;

	if (a->kind != b->kind || strcmp(property_text(a, "type"), property_text(b, "type")) != 0)
		return;
	alike = type_likeness(a, b, &weight);
	if (alike < 0.5 || (weight < 2 && !used && name < 0.5))
		return;

	candidate = palloc0(sizeof(Candidate));
	candidate->reference = a;
	candidate->target = b;
	candidate->score = Min(0.65 * alike + (used ? 0.25 : 0) + 0.2 * name + (weight >= 2 ? 0.05 : 0), 1.0);
	rename_say(candidate, true, alike == 1 ? "the same definition" : "much of the same definition");
	rename_say(candidate, used, "columns of the one are of the other now");
	rename_say(candidate, name > 0, psprintf("names alike by %.2f", name));
	search->candidates = lappend(search->candidates, candidate);
}

static List *
lone_types(DriftComparison *c, DriftSide side)
{
	List	   *types = NIL;

	foreach_ptr(DriftObject, object, c->objects[side])
	{
		if (object->partner == NULL && !drift_value(object->properties, "extension") &&
			(object->kind == KIND_TYPE || object->kind == KIND_DOMAIN))
			types = lappend(types, object);
	}
	return types;
}

static void
find_types(DriftComparison *c)
{
	Search		search = {.c = c};
	List	   *reference = lone_types(c, DRIFT_REFERENCE);
	List	   *target = lone_types(c, DRIFT_TARGET);
	ListCell   *la,
			   *lb;

	if (reference == NIL || target == NIL || (double) list_length(reference) * list_length(target) > MAX_PAIRS)
		return;

	find_arrows(&search, KIND_COLUMN, "type");
	foreach(la, reference)
	{
		CHECK_FOR_INTERRUPTS();
		foreach(lb, target)
			judge_types(&search, lfirst(la), lfirst(lb));
	}
	rename_choose(c, search.candidates, MIN_SCORE, pair_objects);
}

void
drift_find_renamed_tables(DriftComparison *c)
{
	find_types(c);
	for (int i = 0; i < ROUNDS && find_tables(c); i++)
		;
}
