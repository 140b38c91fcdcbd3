/*-------------------------------------------------------------------------
 *
 * drift_planned.c
 *	  Differences that steps of plans have made since the reference was taken.
 *
 * A difference is planned where a deed of a plan, done since and not taken
 * back, made its object, and the object is as the step says, and nothing more
 * than that: one property that the step says nothing about, such as a comment
 * or options of storage, makes it drift.  The reference has to be a snapshot
 * of this database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "change/change.h"
#include "drift/drift.h"
#include "drift/drift_compare.h"
#include "plan/plan.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"

/* Properties that a step of some kind sets; a snapshot leaves out defaults */
static const char *const key_says[] = {
	"type", "match", "columns", "enforced", "on_delete", "on_update", "on_delete_columns", "validated", "references",
	"referenced_columns", "deferrable", "deferred", NULL
};
static const char *const rule_says[] = {
	"type", "columns", "enforced", "validated", "expression", "deferrable", "deferred", "nulls_not_distinct", "index_name", NULL
};
static const char *const index_says[] = {
	"access_method", "columns", "valid", "unique", "predicate", "expressions", "ordering", NULL
};
static const char *const column_says[] = {
	"type", "not_null", "default", NULL
};

/* Properties of a partition's clone of such an object, which the server sets */
static const char *const clone_says[] = {
	"partition_of", "type", "match", "columns", "enforced", "on_delete", "on_update", "on_delete_columns", "validated", "references",
	"referenced_columns", "deferrable", "deferred", "expression", "nulls_not_distinct", "index_name", "access_method", "valid",
	"unique", "predicate", "expressions", "ordering", NULL
};

/* Row, and the deed that may have made it */
typedef struct Judgement
{
	const DriftRow *row;
	const PlanDeed *deed;
	const PlanStep *step;
	bool		planned;
} Judgement;

/* ---- which row a deed is about ---- */

/* Returns the identity of a part of the deed's table */
static char *
part_of_table(const PlanDeed *deed, const char *name)
{
	return psprintf("%s.%s", deed->what->child_table, quote_identifier(name));
}

/* Returns the kind of a dropped or renamed object, by its name, and its identity */
static const char *
object_kind(const PlanDeed *deed, const char *name, char **identity)
{
	switch (plan_changed_object(deed->what))
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
		case CHANGED_INDEX:
			*identity = quote_qualified_identifier(sg_parse_table_name(deed->what->child_table).schema, name);
			break;
		case CHANGED_COLUMN:
		case CHANGED_CONSTRAINT:
		case CHANGED_TRIGGER:
			*identity = part_of_table(deed, name);
			break;
	}
	return deed->what->definition;
}

/*
 * Returns the kind of the object that a deed has made, changed or dropped, and
 * its identity; NULL if unknown
 */
static const char *
concerned_kind(const PlanDeed *deed, char **identity)
{
	if (deed->kind == DEED_INDEX)
	{
		*identity = deed->object;
		return "index";
	}
	if (deed->kind == DEED_ADD || deed->kind == DEED_REPLACE)
	{
		*identity = part_of_table(deed, deed->what->fk_name);
		return "constraint";
	}
	switch (deed->what->kind)
	{
		case STEP_CHECK:
		case STEP_UNIQUE:
			*identity = part_of_table(deed, deed->what->fk_name);
			return "constraint";
		case STEP_NOT_NULL:
		case STEP_COLUMN:
		case STEP_DEFAULT:
			*identity = part_of_table(deed, linitial(deed->what->child_columns));
			return "column";
		case STEP_DROP:
		case STEP_RENAME:
			return object_kind(deed, deed->what->fk_name, identity);
		default:
			return NULL;
	}
}

/* ---- is it as the step says? ---- */

/* Returns whether the property is one that the step sets, or one without meaning of its own */
static bool
is_known(const char *property, int length, const char *const *known)
{
	static const char *const aside[] = {"automatic_name", "depends", "number", "position", NULL};
	const char *const *lists[] = {known, aside};

	for (int i = 0; i < lengthof(lists); i++)
	{
		for (const char *const *name = lists[i]; *name; name++)
		{
			if (strlen(*name) == length && memcmp(*name, property, length) == 0)
				return true;
		}
	}
	return false;
}

/* Returns whether the object has other properties than these, apart from flags that are off */
static bool
has_others(Jsonb *properties, const char *const *known)
{
	JsonbIterator *it = JsonbIteratorInit(&properties->root);
	JsonbIteratorToken token;
	JsonbValue	key,
				value;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (!(value.type == jbvBool && !value.val.boolean) && !is_known(key.val.string.val, key.val.string.len, known))
			return true;
	}
	return false;
}

static bool
same_key(const PlanStep *step)
{
	FkKey		planned;
	const FkKey *key;

	if (plan_step_key(step, &planned) != NULL)
		return false;
	key = fk_by_name(planned.child, step->fk_name);
	return key && fk_same_columns(&planned, key) && fk_same_match(&planned, key) &&
		planned.on_delete == key->on_delete && planned.on_update == key->on_update &&
		sg_equal_names(sg_attribute_names(planned.child, planned.delete_set, planned.ndelete_set),
					   sg_attribute_names(key->child, key->delete_set, key->ndelete_set)) &&
		planned.deferrable == key->deferrable && planned.initially_deferred == key->initially_deferred &&
		planned.enforced == key->enforced && planned.period == key->period &&
		(key->validated || step->state != STEP_VALIDATED);
}

/* Returns whether the step has nothing left to do */
static bool
is_done(const PlanStep *step)
{
	ChangeMove	move;

	change_look(step, &move);
	return move.kind == MOVE_NONE;
}

/* Judges an object that only the target has */
static bool
made_as_planned(const Judgement *j)
{
	const DriftRow *row = j->row;

	if (row->change != DRIFT_EXTRA || row->properties == NULL)
		return false;
	if (j->deed->kind == DEED_ADD)
		return !has_others(row->properties, key_says) && same_key(j->step);
	if (j->deed->kind == DEED_INDEX && j->step->kind == STEP_FOREIGN_KEY)
		return !has_others(row->properties, index_says) && !drift_flag(row->properties, "unique") &&
			drift_value(row->properties, "predicate") == NULL && drift_value(row->properties, "ordering") == NULL &&
			sg_equal_names(drift_strings(row->properties, "columns"), j->step->child_columns);
	if (j->deed->kind == DEED_INDEX)
		return j->step->kind == STEP_INDEX && !has_others(row->properties, index_says) && is_done(j->step);
	if (j->step->kind == STEP_COLUMN)
		return !has_others(row->properties, column_says) &&
			change_column_is_as_defined(j->step, drift_flag(row->properties, "not_null"));
	return !has_others(row->properties, rule_says) && is_done(j->step) &&
		(j->step->kind != STEP_UNIQUE || sg_equal_names(drift_strings(row->properties, "columns"), j->step->child_columns));
}

/*
 * Judges a replaced object: it is gone as planned while the replacement exists,
 * which may have been paired with it under another name.
 */
static bool
replaced_as_planned(const Judgement *j)
{
	const DriftRow *row = j->row;
	bool		is_key = j->step->kind == STEP_FOREIGN_KEY;

	if (!(is_key ? same_key(j->step) : is_done(j->step)))
		return false;
	if (row->change == DRIFT_MISSING)
		return true;
	return row->target && strcmp(row->target, part_of_table(j->deed, j->step->fk_name)) == 0 &&
		(row->change == DRIFT_RENAMED || is_known(row->property, strlen(row->property), is_key ? key_says : rule_says));
}

static bool
is_planned(const Judgement *j)
{
	char	   *renamed;

	if (j->deed->kind == DEED_REPLACE)
		return replaced_as_planned(j);
	if (j->deed->kind != DEED_CHANGE)
		return made_as_planned(j);
	switch (j->step->kind)
	{
		case STEP_NOT_NULL:
			return j->row->property && strcmp(j->row->property, "not_null") == 0 && is_done(j->step);
		case STEP_DEFAULT:
			return j->row->property && strcmp(j->row->property, "default") == 0 && is_done(j->step);
		case STEP_DROP:
			return j->row->change == DRIFT_MISSING;
		case STEP_RENAME:
			(void) object_kind(j->deed, j->deed->what->new_name, &renamed);
			return j->row->change == DRIFT_RENAMED && strcmp(j->row->actual, renamed) == 0;
		default:
			return made_as_planned(j);
	}
}

/* Judges one row; for sg_read(), because its objects may be dropped meanwhile */
static void
judge(void *arg)
{
	Judgement  *j = arg;

	j->planned = is_planned(j);
}

/* ---- rows ---- */

static void
mark(DriftRow *row, const FkPlan *plan, const PlanDeed *deed)
{
	Judgement	j = {.row = row,.deed = deed};

	j.step = plan_step_get(plan->name, deed->step, true);
	if (j.step == NULL || !plan_step_is_there(j.step))
		return;
	sg_read(judge, &j);
	if (!j.planned)
		return;
	row->class = CLASS_PLANNED;
	row->detail = psprintf("%s%sby step %d of plan %s", row->detail ? row->detail : "", row->detail ? "; " : "", deed->step,
						   plan_is_readable(plan) ? quote_identifier(plan->name) : "of another role");
}

static void
mark_of_plan(SgNameTable *rows, const FkPlan *plan, TimestampTz since)
{
	foreach_ptr(PlanDeed, deed, plan_deeds(plan, DEED_BIT(DEED_ADD) | DEED_BIT(DEED_REPLACE) |
										   DEED_BIT(DEED_INDEX) | DEED_BIT(DEED_CHANGE)))
	{
		char	   *identity = NULL;
		const char *kind;

		CHECK_FOR_INTERRUPTS();
		if (deed->done_at <= since)
			continue;
		kind = concerned_kind(deed, &identity);
		if (kind == NULL)
			continue;
		foreach_ptr(DriftRow, row, sg_names_value(rows, kind, identity))
		{
			if (row->class == CLASS_DRIFT || row->class == CLASS_EXTRA)
				mark(row, plan, deed);
		}
	}
}

/* Returns the row of the planned change that also changed the clone, or NULL */
static const DriftRow *
planned_change(List *all, const DriftRow *row, const char *origin)
{
	if (row->class != CLASS_DRIFT || !is_known(row->property, strlen(row->property), clone_says))
		return NULL;
	foreach_ptr(const DriftRow, other, all)
	{
		if (other->class == CLASS_PLANNED && other->change == DRIFT_CHANGED && strcmp(other->kind, row->kind) == 0 &&
			strcmp(other->target, origin) == 0 && strcmp(other->property, row->property) == 0)
			return other;
	}
	return NULL;
}

/* Returns the row of the planned object that the row's object is a clone of, or NULL */
static const DriftRow *
planned_origin(SgNameTable *rows, List *all, const DriftRow *row)
{
	char	   *origin = row->properties ? drift_string(row->properties, "partition_of") : NULL;

	if (origin && row->change == DRIFT_CHANGED)
		return planned_change(all, row, origin);
	if (origin == NULL || row->class != CLASS_EXTRA || has_others(row->properties, clone_says))
		return NULL;
	foreach_ptr(const DriftRow, other, sg_names_value(rows, row->kind, origin))
	{
		if (other->class == CLASS_PLANNED)
			return other;
	}
	return NULL;
}

/* Marks clones, on partitions, of planned objects of their tables, level by level */
static void
mark_clones(SgNameTable *rows, List *all)
{
	bool		again = true;

	while (again)
	{
		again = false;
		foreach_ptr(DriftRow, row, all)
		{
			const DriftRow *origin = planned_origin(rows, all, row);

			if (origin == NULL)
				continue;
			row->class = CLASS_PLANNED;
			row->detail = psprintf("%s%swith %s", row->detail ? row->detail : "", row->detail ? "; " : "", origin->object);
			again = true;
		}
	}
}

void
drift_mark_planned(DriftComparison *c)
{
	TimestampTz since = c->info[DRIFT_REFERENCE]->taken_at;
	List	   *plans;
	SgNameTable *rows;

	if (!c->live || c->rows == NIL || !drift_one_history(c))
		return;
	plans = plans_with_deeds_since(since);
	if (plans == NIL)
		return;
	rows = sg_names_create(CurrentMemoryContext);
	foreach_ptr(DriftRow, row, c->rows)
	{
		SgNameEntry *entry = sg_names_enter(rows, row->kind, row->object);

		entry->value = lappend(entry->value, row);
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach_ptr(const char, name, plans)
	{
		const FkPlan *plan = plan_find(name);

		if (plan)
			mark_of_plan(rows, plan, since);
	}
	PopActiveSnapshot();
	mark_clones(rows, c->rows);
	sg_names_destroy(rows);
}
