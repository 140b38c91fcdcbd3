/*-------------------------------------------------------------------------
 *
 * change_object.c
 *	  Renames and drops of objects.
 *
 *	  A dropped object is kept, unless the step says otherwise: a column under
 *	  another name and without NOT NULL and default, a table or view in a
 *	  schema of its own.  Rules that would still bind rows, its own or those
 *	  of other tables, are recorded and dropped: the table's foreign keys, the
 *	  column's rules.  So the object comes back with its data, its owner and
 *	  its privileges, until sg_prune() ends that.  Constraints, indexes and
 *	  triggers are definitions, which the deed remembers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/calls.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "commands/trigger.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/name.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "fk/fk_subscription.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_relation.h"

List	   *(*change_dependents_hook) (const ObjectAddress *object) = NULL;

/* ---- objects ---- */

static bool
is_relation(ChangedObject what)
{
	return what == CHANGED_TABLE || what == CHANGED_VIEW;
}

/* Returns a table's or view's name in another schema, or under another name */
static char *
sibling(const char *qualified, const char *schema, const char *name)
{
	SgTableName old = sg_parse_table_name(qualified);

	return quote_qualified_identifier(schema ? schema : old.schema, name ? name : old.name);
}

ObjectAddress
change_dropped_object(const PlanStep *step)
{
	return plan_step_target(step, step->fk_name);
}

/* Returns "table public.a", "column b of public.a" */
static char *
object_text(const PlanStep *step)
{
	return is_relation(plan_changed_object(step)) ? psprintf("%s %s", step->definition, step->child_table) :
		psprintf("%s %s of %s", step->definition, quote_identifier(step->fk_name), step->child_table);
}

/* Checks that the relation is of the step's kind: a table, or a view */
static bool
is_what_it_says(const PlanStep *step, Oid relid, ChangeMove *move)
{
	ChangedObject what = plan_changed_object(step);
	char		relkind = get_rel_relkind(relid);
	bool		is_view = relkind == RELKIND_VIEW || relkind == RELKIND_MATVIEW;

	if (!is_relation(what) ||
		(what == CHANGED_VIEW ? is_view : relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE))
		return true;
	change_problem(move, ERRCODE_WRONG_OBJECT_TYPE, psprintf("%s is no %s", step->child_table, step->definition), NULL);
	return false;
}

/*
 * Returns whether a partition has a trigger from the table above it; sets
 * *constraint to the name of the constraint that the server has made it for, or
 * NULL
 */
static bool
is_inherited_trigger(Oid trigger, char **constraint)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	bool		inherited = false;

	*constraint = NULL;
	sg_catalog_begin(&scan, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (form->tgisinternal)
			*constraint = get_constraint_name(form->tgconstraint);
		inherited = OidIsValid(form->tgparentid);
	}
	sg_catalog_end(&scan);
	return inherited;
}

/*
 * Sets a problem for an inherited column, constraint or trigger: the server
 * changes it at the parent, and here with it; and for a trigger of a constraint
 */
static bool
is_own(const PlanStep *step, ChangeMove *move)
{
	ChangedObject what = plan_changed_object(step);
	char	   *constraint = NULL;
	bool		inherited = what == CHANGED_TRIGGER && is_inherited_trigger(move->object.objectId, &constraint);

	if (constraint)
	{
		change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
					   psprintf("%s is a part of constraint %s", object_text(step), quote_identifier(constraint)),
					   psprintf("Change that constraint, by a step of its own, and leave this one out:\n%s",
								plan_skip_call(step, "it is a part of a constraint")));
		move->stands = true;
		return false;
	}
	if (what == CHANGED_COLUMN)
		inherited = sg_column(move->table, move->object.objectSubId).attinhcount > 0;
	else if (what == CHANGED_CONSTRAINT)
	{
		HeapTuple	tuple = change_constraint(move->table, step->fk_name);
		Form_pg_constraint form = tuple ? (Form_pg_constraint) GETSTRUCT(tuple) : NULL;

		/* an inherited key may be renamed by itself */
		inherited = form && form->coninhcount > 0 && (step->kind == STEP_DROP || form->contype == CONSTRAINT_CHECK);
	}
	if (inherited)
		change_problem(move, ERRCODE_INVALID_TABLE_DEFINITION, psprintf("%s is inherited", object_text(step)),
					   psprintf("Change it in the table that it is inherited from, by a step of its own, and leave this one out:\n%s",
								plan_skip_call(step, "it is inherited")));
	return !inherited;
}

/*
 * Sets a problem for a rename back to a name that publications would send from
 * then on, unless the caller accepts it.  The column is given by its present
 * name; NULL is the table itself.  A subscription that writes by names is only
 * noted: it may need the former ones.
 */
static bool
is_sent_so(const PlanStep *what, const char *column, const char *name, const char *statement, ChangeMove *move)
{
	List	   *tables = sg_all_inheritors(move->table);
	Oid			subscription = fk_subscription_of(list_concat_copy(tables, sg_partition_ancestors(move->table)));
	char	   *subscriber = OidIsValid(subscription) ? get_subscription_name(subscription, true) : NULL;
	char	   *publications = sg_accept_publication ? NULL : change_published(tables, column, false);

	if (subscriber)
		move->note = psprintf("subscription %s writes to it, and stops if rows come for another name than %s",
							  quote_identifier(subscriber), quote_identifier(name));

	if (publications)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("publication %s would send the %s as %s, and a subscription stops where there is no such %s",
								publications, what->definition, quote_identifier(name), what->definition),
					   psprintf("On each subscriber, when it has applied what was written before:\n%s;\nThen accept that, and roll back again:\n"
								"SET schemaguard.accept_publication = on;\n%s", statement, plan_rollback_call(what)));
	return publications != NULL;
}

/* ---- rename ---- */

/* Sets a problem for a system column's name */
static bool
is_free_name(const PlanStep *step, ChangeMove *move)
{
	if (plan_changed_object(step) != CHANGED_COLUMN || SystemAttributeByName(step->new_name) == NULL)
		return true;
	change_problem(move, ERRCODE_DUPLICATE_COLUMN, psprintf("%s is the name of a system column", quote_identifier(plan_given(step->new_name))),
				   psprintf("Give the step another name:\n%s", plan_rename_call(step, "new_name")));
	return false;
}

/* Finds the objects of the old and the new name; the caller judges if neither or both exist */
static void
look_at_names(const PlanStep *step, ChangeMove *move, ObjectAddress *from, ObjectAddress *to)
{
	*from = plan_step_target(step, step->fk_name);
	*to = plan_step_target(step, step->new_name);
	move->object = *from;
	if (is_relation(plan_changed_object(step)))
		move->table = from->objectId;
	if (OidIsValid(from->objectId) && OidIsValid(to->objectId))
		change_problem(move, ERRCODE_DUPLICATE_OBJECT,
					   psprintf("the name %s is taken", quote_identifier(plan_given(step->new_name))),
					   psprintf("Give the step another name:\n%s", plan_rename_call(step, "new_name")));
}

static void
rename_statement(const PlanStep *step, ChangeMove *move, StepState state)
{
	change_statement(move, MOVE_STATEMENT, "rename", AccessExclusiveLock, state, linitial(plan_change_statements(step)));
}

/* Returns whether a step of the plan has gone on to change the object that another one has renamed */
static bool
goes_on(const PlanStep *step, const PlanStep *other)
{
	bool		relation = is_relation(plan_changed_object(step));
	const char *table = relation ? sibling(step->child_table, NULL, step->new_name) : step->child_table;

	return (other->kind == STEP_RENAME || other->kind == STEP_DROP) && other->state == STEP_VALIDATED &&
		sg_same_text(other->child_table, table) && (relation || sg_same_text(other->fk_name, step->new_name));
}

/*
 * Returns whether the object that a finished step has renamed has another name
 * since, or is gone, not by the plan, and another object has its name
 */
static bool
another_has_name(const PlanStep *step, const ObjectAddress *to)
{
	const PlanDeed *deed = change_deed_of(step);

	if (deed == NULL || plan_deed_made(deed, to))
		return false;
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (goes_on(step, other))
			return false;
	}
	return true;
}

/*
 * Returns whether a finished step is known to have renamed another object than
 * the present one of the old name
 */
static bool
is_anothers(const PlanStep *step, const ObjectAddress *from)
{
	const PlanDeed *deed = change_deed_of(step);

	return deed && !plan_deed_made(deed, from);
}

/* Returns whether a step makes the constraint, column or table that another one renames */
static bool
makes(const PlanStep *step, const PlanStep *rename)
{
	ChangedObject what = plan_changed_object(rename);

	if (!sg_same_text(step->child_table, rename->child_table) || !sg_same_text(step->fk_name, rename->fk_name))
		return false;
	switch (step->kind)
	{
		case STEP_FOREIGN_KEY:
		case STEP_CHECK:
		case STEP_UNIQUE:
			return what == CHANGED_CONSTRAINT;
		case STEP_COLUMN:
			return what == CHANGED_COLUMN;
		case STEP_TABLE:
			return what == CHANGED_TABLE;
		default:
			return false;
	}
}

/* Returns the step of the plan that makes the object of a rename, and is not done; or NULL */
static const PlanStep *
unfinished_maker(const PlanStep *step)
{
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (other->step != step->step && !other->skipped_by && other->state != STEP_VALIDATED &&
			(other->state != STEP_ADDED || sg_same_text(other->replaces, step->new_name)) && makes(other, step) && !plan_step_frees(step, other))
			return other;
	}
	return NULL;
}

/* Returns the step of the plan that frees a name, which a step gives, and is not done; or NULL */
static const PlanStep *
unfinished_freer(const PlanStep *step)
{
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (!other->skipped_by && other->state != STEP_VALIDATED && plan_step_frees(other, step))
			return other;
	}
	return NULL;
}

void
change_look_rename(const PlanStep *step, ChangeMove *move)
{
	ObjectAddress from;
	ObjectAddress to;
	const PlanStep *maker;
	const PlanStep *freer;
	bool		renamed;

	memset(move, 0, sizeof(ChangeMove));
	move->table = sg_find_qualified(step->child_table);
	look_at_names(step, move, &from, &to);
	if (step->state == STEP_VALIDATED && OidIsValid(from.objectId) && is_anothers(step, &from))
	{
		from.objectId = InvalidOid;
		move->kind = MOVE_NONE;
	}
	renamed = OidIsValid(to.objectId) && !OidIsValid(from.objectId);
	maker = move->kind == MOVE_PROBLEM || renamed ? unfinished_maker(step) : NULL;
	freer = renamed && maker == NULL && step->state != STEP_VALIDATED ? unfinished_freer(step) : NULL;
	if (freer)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("step %d, which takes the name %s away, is not done", freer->step, quote_identifier(plan_given(step->new_name))),
					   "Have that step done first, then make the same call again.");
	if (maker)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("step %d, which makes %s, is not done", maker->step, object_text(step)),
					   "Have that step done first, then make the same call again.");
	if (move->kind == MOVE_PROBLEM)
		return;
	if (step->missing && !OidIsValid(from.objectId) && step->state != STEP_VALIDATED && change_deed_of(step) == NULL)
		change_problem(move, ERRCODE_UNDEFINED_OBJECT, psprintf("%s does not exist, and did not when the step was added", object_text(step)),
					   change_nearest_hint(step, is_relation(plan_changed_object(step)) ? InvalidOid : move->table));
	else if (OidIsValid(to.objectId) && another_has_name(step, &to))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("the object that this step renamed to %s has another name now, and another object has that name",
															   quote_identifier(plan_given(step->new_name))),
					   "Give both objects the names that they should have, then make the same call again.");
	else if (OidIsValid(to.objectId))
		move->note = psprintf("it is called %s already", quote_identifier(plan_given(step->new_name)));
	else if (!OidIsValid(from.objectId))
		change_problem(move, ERRCODE_UNDEFINED_OBJECT, psprintf("%s does not exist", object_text(step)),
					   psprintf("Correct the step, or leave it out:\n%s", plan_skip_call(step, "there is no such object")));
	else if (is_what_it_says(step, move->table, move) && is_own(step, move) && is_free_name(step, move))
	{
		rename_statement(step, move, STEP_VALIDATED);
		move->first = true;
	}
}

void
change_undo_rename(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	PlanStep	back = *deed->what;
	PlanStep   *keeper;
	char	   *now;
	ObjectAddress from;
	ObjectAddress to;

	now = plan_deed_renamed(deed);
	back.fk_name = deed->what->new_name;
	back.new_name = deed->what->fk_name;
	if (is_relation(plan_changed_object(&back)))
		back.child_table = sibling(deed->what->child_table, NULL, back.fk_name);
	memset(move, 0, sizeof(ChangeMove));
	move->table = sg_find_qualified(back.child_table);
	look_at_names(&back, move, &from, &to);
	if (move->kind == MOVE_PROBLEM)
		move->problem->hint = "Give the other one another name, then make the same call again.";
	else if (now && !sg_same_text(now, back.fk_name) && !sg_same_text(now, back.new_name) && (keeper = plan_deed_keeper(deed)))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("it was dropped since, and is kept as %s", quote_identifier(now)),
					   psprintf("Have it back, and make the same call again:\n%s", plan_rollback_call(keeper)));
	else if (now && !sg_same_text(now, back.fk_name) && !sg_same_text(now, back.new_name))
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("it is called %s by now", quote_identifier(now)),
					   psprintf("Give it the name %s again, and make the same call. If it is to keep its own:\n%s", quote_identifier(back.fk_name),
								plan_skip_call(step, "it has another name")));
	else if (!plan_deed_made(deed, OidIsValid(from.objectId) ? &from : &to))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, "it is gone, or has another name by now", NULL);
	else if (OidIsValid(from.objectId) &&
			 !((plan_changed_object(&back) == CHANGED_COLUMN || plan_changed_object(&back) == CHANGED_TABLE) &&
			   is_sent_so(deed->what, plan_changed_object(&back) == CHANGED_COLUMN ? back.fk_name : NULL, back.new_name,
						  linitial(plan_change_statements(&back)), move)))
		rename_statement(&back, move, STEP_ROLLED_BACK);
}

/* Returns whether a step renames an object to the name that another step gives to its column or table */
static bool
gives_name_of(const PlanStep *rename, const PlanStep *step)
{
	if (rename->kind != STEP_RENAME)
		return false;
	if (step->kind == STEP_TABLE)
		return is_relation(plan_changed_object(rename)) && sg_same_text(plan_renamed_table(rename), step->child_table);
	return plan_changed_object(rename) == CHANGED_COLUMN && sg_same_text(rename->new_name, step->fk_name);
}

bool
change_is_renamed(const PlanStep *step, AttrNumber column, ChangeMove *move)
{
	ObjectAddress object;

	if (step->state == STEP_VALIDATED || change_deed_of(step))
		return false;
	ObjectAddressSubSet(object, RelationRelationId, move->table, column);
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		const PlanDeed *deed = gives_name_of(other, step) ? change_deed_of(other) : NULL;

		if (deed == NULL || plan_deed_follow(deed) == DEED_TABLE_GONE || !plan_deed_made(deed, &object) ||
			(column != 0 && sg_find_qualified(deed->what->child_table) != move->table))
			continue;
		change_problem(move, step->kind == STEP_TABLE ? ERRCODE_DUPLICATE_TABLE : ERRCODE_DUPLICATE_COLUMN,
					   psprintf("step %d, %s, has given the name to another one", other->step, plan_step_object(other)),
					   psprintf("Leave this step out, and add one with another name:\n%s", plan_skip_call(step, "another one has the name")));
		return true;
	}
	return false;
}

/* ---- drop: what stands in the way ---- */

/*
 * Returns whether an object is a relation that a step has dropped and kept;
 * objects that it depends on can be kept, too
 */
static bool
is_kept(const ObjectAddress *object)
{
	Oid			schema = object->classId == RelationRelationId ? get_rel_namespace(object->objectId) : InvalidOid;

	return OidIsValid(schema) && sg_is_attic(schema);
}

/* Returns the step of the plan that drops a column of a table and keeps it, done or not; or NULL */
static const PlanStep *
keeper_of(const PlanStep *step, const ObjectAddress *column)
{
	const char *name = column->classId == RelationRelationId && column->objectSubId > 0 ?
		sg_column_name(column->objectId, column->objectSubId) : NULL;

	foreach_ptr(const PlanStep, other, name ? plan_steps(step->plan) : NIL)
	{
		if (other->kind == STEP_DROP && !other->discard && !other->skipped_by && plan_changed_object(other) == CHANGED_COLUMN &&
			sg_find_qualified(other->child_table) == column->objectId &&
			sg_same_text(name, other->state == STEP_VALIDATED ? change_kept_column(other) : other->fk_name))
			return other;
	}
	return NULL;
}

static char *
blocking_hint(const PlanStep *step, const ChangeDependent *dependent)
{
	const PlanStep *keeper = keeper_of(step, &dependent->address);
	const char *plan;
	char	   *ending = dependent->address.classId == TriggerRelationId ?
		plan_filler_ending(dependent->address.objectId, &plan) : NULL;

	if (ending)
		return psprintf("It fills rows for a plan. What ends it:\n%s", ending);
	if (keeper && keeper->state == STEP_VALIDATED)
		return psprintf("Step %d keeps it. Have it back first, to drop it with keep => false:\n%s", keeper->step, plan_rollback_call(keeper));
	if (keeper)
		return psprintf("Step %d would keep it. Have that step drop it for good:\n%s", keeper->step, plan_set_call(keeper, "keep", "false", NULL));
	return psprintf(sg_calls("Drop that first, by a step of its own. What depends on the table:\nSELECT * FROM sg_impact(%s);"),
					quote_literal_cstr(plan_given(step->child_table)));
}

/*
 * Looks for every object on which a DROP without CASCADE would fail, except
 * keys and triggers that the step itself drops
 */
bool
change_is_free(const PlanStep *step, const char *called, ChangeMove *move)
{
	List	   *dependents = change_dependents_hook ? change_dependents_hook(&move->object) : NIL;
	List	   *blocking = NIL;
	const ChangeDependent *first = NULL;
	bool		keeps = step->kind == STEP_DROP && !step->discard && move->object.classId == RelationRelationId &&
		(is_relation(plan_changed_object(step)) || move->object.objectSubId != 0);

	foreach_ptr(const ChangeDependent, dependent, dependents)
	{
		bool		stays = keeps && (dependent->along || is_kept(&dependent->address));

		foreach_ptr(const FkKey, key, move->keys)
		{
			if (dependent->address.classId == ConstraintRelationId && dependent->address.objectId == key->conid)
				stays = true;
		}
		/* the step drops the triggers that fill rows from the object */
		if (!dependent->blocks || stays || plan_filler_is_of(dependent->identity, step->plan))
			continue;
		first = first ? first : dependent;
		blocking = lappend(blocking, dependent->identity);
	}
	if (blocking == NIL)
		return true;
	change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, psprintf("%s depends on %s", first->identity, called),
				   blocking_hint(step, first));
	move->problem->dependents = blocking;
	return false;
}

static bool
is_free(const PlanStep *step, ChangeMove *move)
{
	return change_is_free(step, "it", move);
}

/*
 * Returns whether a table can be moved to another schema; false with a problem:
 * it has parents or children by inheritance
 */
static bool
may_move(Oid relid, ChangeMove *move)
{
	const char *why = NULL;
	const char *hint = NULL;

	if (sg_children(relid) != NIL)
	{
		why = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "it has partitions" : "tables inherit from it";
		hint = "Drop those first, by steps of their own.";
	}
	else if (!get_rel_relispartition(relid) && has_superclass(relid))
	{
		why = "it inherits from another table";
		hint = "End that first: ALTER TABLE ... NO INHERIT, as a statement of the plan with its undo.";
	}
	if (why)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, psprintf("it can't be kept: %s", why), hint);
	return why == NULL;
}

/* ---- drop: tables and views ---- */

/* Takes every key of the table, and every key to it, because they bind rows that stay */
static void
take_keys(Oid relid, ChangeMove *move)
{
	foreach_ptr(FkKey, key, fk_declared(InvalidOid))
	{
		if (key->child != relid && key->parent != relid)
			continue;
		move->keys = lappend(move->keys, key);
		move->tables = list_append_unique_oid(move->tables, key->child);
		move->tables = list_append_unique_oid(move->tables, key->parent);
		move->statements = lappend(move->statements,
								   psprintf("ALTER TABLE %s DROP CONSTRAINT %s", sg_relation_name(key->child),
											quote_identifier(key->name)));
	}
	move->tables = list_delete_oid(move->tables, relid);
}

char *
change_move_statement(const PlanStep *step, const char *from, const char *schema)
{
	return psprintf("ALTER %s %s SET SCHEMA %s", plan_relation_word(step, from), from,
					quote_identifier(schema));
}

static void
keep_relation(const PlanStep *step, ChangeMove *move)
{
	Oid			relid = move->object.objectId;

	if (!is_what_it_says(step, relid, move) || !may_move(relid, move))
		return;
	if (get_rel_relispartition(relid))
	{
		change_detach(step, relid, move);
		if (move->kind != MOVE_PROBLEM)
			(void) is_free(step, move);
		return;
	}
	take_keys(relid, move);
	if (!is_free(step, move))
		return;
	if (change_into_attic(step, relid, move))
		change_move(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_VALIDATED);
}

/* ---- drop: columns ---- */

char *
change_kept_column(const PlanStep *what)
{
	return what->new_name ? what->new_name : sg_make_name(SG_DROPPED, what->fk_name, NULL);
}

/* Returns a name for a kept column that no column of the table has */
static char *
free_column_name(Oid table, const char *column)
{
	for (int n = 0;; n++)
	{
		char	   *name = sg_make_nth_name(SG_DROPPED, column, NULL, n);

		if (!sg_name_is_used(SG_NAME_COLUMN, table, name))
			return name;
	}
}

/* Returns the dropped object as the step's latest deed remembers it, else as the step names it */
static const PlanStep *
what_was_dropped(const PlanStep *step)
{
	const PlanDeed *deed = change_deed_of(step);

	return deed ? deed->what : step;
}

/* Follows DEED_NOT_NULL if that was not valid; the default comes last */
#define WAS_NOT_VALID "not valid "

static bool
takes_word(const char **text, const char *word)
{
	bool		found = strncmp(*text, word, strlen(word)) == 0;

	if (found)
		*text +=strlen(word);
	return found;
}

static bool
is_identity(Oid table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(table, attnum, &column) && column.attidentity != '\0';
}

/*
 * Sets a problem for a kept column that publications go on to send, unless the
 * caller accepts it: the subscriber does not know its new name, and its apply
 * worker stops.
 */
static bool
is_not_sent(const PlanStep *step, ChangeMove *move)
{
	char	   *publications = sg_accept_publication ? NULL : change_published(sg_all_inheritors(move->table), step->fk_name, false);

	if (publications)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("publication %s would send the column as %s, and a subscription stops where a table has no such column",
								publications, quote_identifier(move->kept_as)),
					   psprintf("If its values may go with it:\n%s\n"
								"To keep them, have the publication send a list of columns without it (ALTER PUBLICATION ... SET TABLE), or add a column %s on each subscriber and accept that here:\n"
								"SET schemaguard.accept_publication = on;",
								plan_set_call(step, "discard", "true", NULL), quote_identifier(move->kept_as)));
	move->stands = publications != NULL;
	return publications == NULL;
}

/* An identity column stays one, and generates values for rows that are written meanwhile */
static void
keep_column(const PlanStep *step, ChangeMove *move)
{
	AttrNumber	attnum = move->object.objectSubId;
	const char *name = quote_identifier(step->fk_name);
	char	   *initial = sg_column(move->table, attnum).attgenerated ? NULL : change_current_default(move->table, attnum);
	bool		not_null = change_is_not_null(move->table, attnum) && !is_identity(move->table, attnum);

	move->kept_as = free_column_name(move->table, step->fk_name);
	if (!change_take_rules(step, move) || !is_free(step, move) || !is_not_sent(step, move))
		return;

	/*
	 * inheriting tables have the column renamed, too, and may have a NOT NULL
	 * or a default of their own
	 */
	foreach_oid(heir, sg_all_inheritors(move->table))
	{
		if (heir != move->table)
			move->tables = list_append_unique_oid(move->tables, heir);
	}
	if (not_null)
		move->statements = lappend(move->statements, psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL",
															  step->child_table, name));
	foreach_ptr(const char, table, is_identity(move->table, attnum) ? NIL : change_own_not_null(step, move->table))
	{
		move->statements = lappend(move->statements, psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL", table, name));
	}
	if (initial)
		move->statements = lappend(move->statements, psprintf("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT",
															  step->child_table, name));
	change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_VALIDATED,
					 psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", step->child_table, name,
							  quote_identifier(move->kept_as)));
	move->was = psprintf("%s%s%s", not_null ? DEED_NOT_NULL : "",
						 not_null && !change_is_proved_not_null(move->table, attnum) ? WAS_NOT_VALID : "", initial ? initial : "");
}

/*
 * Restores a column's name and default; NOT NULL like a step of that kind,
 * because rows have been written without it
 */
static void
bring_column_back(const PlanDeed *deed, ChangeMove *move)
{
	const PlanStep *what = deed->what;
	const char *name = quote_identifier(what->fk_name);
	const char *initial = deed->was ? deed->was : "";
	bool		not_null = takes_word(&initial, DEED_NOT_NULL);
	bool		not_valid = takes_word(&initial, WAS_NOT_VALID);
	AttrNumber	attnum = plan_deed_column(deed, 0, change_kept_column(what));
	AttrNumber	named = get_attnum(move->table, what->fk_name);
	char	   *now = attnum == InvalidAttrNumber ? NULL : sg_column_name(move->table, attnum);
	PlanStep	step = *what;

	if (now == NULL)
	{
		const char *format = get_attnum(move->table, change_kept_column(what)) == InvalidAttrNumber ?
			"the column is not found: %s has no column %s, which it was kept as" :
			"the column is not found: in %s, column %s, which it was kept as, is another one by now";

		change_problem(move, ERRCODE_UNDEFINED_COLUMN,
					   psprintf(format, what->child_table, quote_identifier(change_kept_column(what))),
					   psprintf("If it has another name, rename it in %s to %s.", what->child_table,
								quote_identifier(change_kept_column(what))));
		return;
	}
	if (named != attnum && named != InvalidAttrNumber)
	{
		change_problem(move, ERRCODE_DUPLICATE_COLUMN, psprintf("there is another column %s by now", quote_identifier(what->fk_name)),
					   psprintf("This one is kept as %s. Rename the other one, and roll back again:\n%s",
								quote_identifier(now), plan_rollback_call(what)));
		return;
	}
	if (named != attnum)
	{
		char	   *statement = psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", what->child_table, quote_identifier(now), name);

		if (is_sent_so(what, now, what->fk_name, statement, move))
			return;
		change_statement(move, MOVE_STATEMENT, "restore", AccessExclusiveLock, STEP_ROLLED_BACK, statement);
	}
	if (initial[0] && change_current_default(move->table, attnum) == NULL)
	{
		char	   *statement = psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", what->child_table, name, initial);

		if (change_kept_command(what, statement, AT_ColumnDefault, move) == NULL)
			return;
		change_statement(move, MOVE_STATEMENT, "restore", AccessExclusiveLock, STEP_ROLLED_BACK, statement);
		change_reach(move, plan_change_expression(initial));
	}
	move->ends = move->statements && !not_null;
	if (move->statements || !not_null)
		return;
	step.kind = STEP_NOT_NULL;
	step.child_columns = list_make1(what->fk_name);
	step.definition = NULL;
	step.new_name = NULL;
	step.fk_name = change_not_null_name(move->table, what->fk_name);
	change_look_not_null(&step, move);

	/*
	 * the move that makes the constraint checks the rows, unless it held for
	 * new rows only
	 */
	if (!move->first || not_valid)
		move->rule = NULL;
	move->first = false;
	if (not_valid && move->kind == MOVE_VALIDATE)
		move->kind = MOVE_NONE;
}

/* ---- drop: definitions ---- */

/* Returns the foreign key of the move's constraint, or NULL */
static FkKey *
key_of(const ChangeMove *move)
{
	return move->object.classId == ConstraintRelationId ? fk_by_oid(move->object.objectId) : NULL;
}

/*
 * Begin the definition of a constraint, and a CHECK's properties besides its
 * condition, which begins with none of these words
 */
#define WAS_CONSTRAINT "constraint "
#define WAS_NO_INHERIT "no inherit "
#define WAS_NOT_ENFORCED "not enforced "

/*
 * First word of the definition of an index or constraint that was the table's
 * replica identity by REPLICA IDENTITY USING INDEX
 */
#define WAS_IDENTITY "replica identity "

/*
 * Properties that CREATE does not set precede all of these: that CLUSTER goes by
 * the index, the comment in quotes, an index column's statistics target, and
 * the catalog and OID of code that it uses
 */
#define WAS_CLUSTERED "clustered "
#define WAS_COMMENT "comment "
#define WAS_STATISTICS "statistics "
#define WAS_USES "uses "

/*
 * Returns the SET STATISTICS target of an index column, -1 if none is set; sets
 * *there if the column exists
 */
static int
statistics_of(Oid index, int n, bool *there)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(index), Int16GetDatum(n));
	Datum		target;
	bool		isnull;

	*there = HeapTupleIsValid(tuple);
	if (!*there)
		return -1;
	target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
	ReleaseSysCache(tuple);
	/* at most 10000; an int2 from 16 on, before an int4 */
	return isnull ? -1 : DatumGetInt16(target);
}

/*
 * Appends a value in single quotes, with quotes doubled: a restore into another
 * encoding changes lengths, but no quotes
 */
static void
append_quoted(StringInfo text, const char *value)
{
	appendStringInfoChar(text, '\'');
	for (const char *c = value; *c; c++)
	{
		if (*c == '\'')
			appendStringInfoChar(text, '\'');
		appendStringInfoChar(text, *c);
	}
	appendStringInfoChar(text, '\'');
}

/* Moves past a value written by append_quoted(), and returns it; NULL if there is none */
static char *
takes_quoted(const char **text)
{
	const char *c = *text;
	StringInfoData value;

	if (*c++ != '\'')
		return NULL;
	initStringInfo(&value);
	for (; *c; c++)
	{
		if (*c == '\'' && *++c != '\'')
		{
			*text = c;
			return value.data;
		}
		appendStringInfoChar(&value, *c);
	}
	return NULL;
}

/* Returns the index of an object, or InvalidOid */
static Oid
index_of(const ObjectAddress *object)
{
	return object->classId == ConstraintRelationId ? get_constraint_index(object->objectId) :
		object->classId == RelationRelationId ? object->objectId : InvalidOid;
}

/* Returns "clustered comment 'text' statistics 1 100 statistics 3 50 uses 1255 16402 " */
static char *
properties_of(const ChangeMove *move)
{
	char	   *comment = GetComment(move->object.objectId, move->object.classId, 0);
	Oid			index = index_of(&move->object);
	StringInfoData text;
	bool		there = move->object.classId == RelationRelationId;

	initStringInfo(&text);
	if (OidIsValid(index) && get_index_isclustered(index))
		appendStringInfoString(&text, WAS_CLUSTERED);
	if (comment)
	{
		appendStringInfoString(&text, WAS_COMMENT);
		append_quoted(&text, comment);
		appendStringInfoChar(&text, ' ');
	}
	for (int n = 1; there; n++)
	{
		int			target = statistics_of(move->object.objectId, n, &there);

		if (target >= 0)
			appendStringInfo(&text, WAS_STATISTICS "%d %d ", n, target);
	}
	foreach_ptr(const ObjectAddress, code, sg_code_used(move->object.classId, move->object.objectId))
	{
		appendStringInfo(&text, WAS_USES "%u %u ", code->classId, code->objectId);
	}
	return text.data;
}

/*
 * Moves past a text of properties_of(), and returns the comment, or NULL,
 * targets (int: column and target in turn), code, and whether CLUSTER went by it
 */
static char *
takes_properties(const char **text, List **targets, List **uses, bool *clustered)
{
	const char *rest = *text;
	char	   *comment = NULL;
	int			n;
	int			target;
	int			end = 0;
	ObjectAddress code = {0};

	*targets = NIL;
	*uses = NIL;
	*clustered = takes_word(&rest, WAS_CLUSTERED);
	if (takes_word(&rest, WAS_COMMENT))
	{
		comment = takes_quoted(&rest);
		(void) takes_word(&rest, " ");
	}
	while (sscanf(rest, WAS_STATISTICS "%d %d%n", &n, &target, &end) == 2)
	{
		*targets = lappend_int(lappend_int(*targets, n), target);
		rest += end;
		(void) takes_word(&rest, " ");
	}
	while (sscanf(rest, WAS_USES "%u %u%n", &code.classId, &code.objectId, &end) == 2)
	{
		*uses = lappend(*uses, memcpy(palloc(sizeof(code)), &code, sizeof(code)));
		rest += end;
		(void) takes_word(&rest, " ");
	}
	*text = rest;
	return comment;
}

/* Returns whether CLUSTER goes by an index of the table */
static bool
is_clustered(Oid table)
{
	foreach_oid(index, fk_table_indexes(table))
	{
		if (get_index_isclustered(index))
			return true;
	}
	return false;
}

/*
 * Restores comment, statistics targets and CLUSTER ON of a restored object,
 * perhaps restored by hand, unless it has others now
 */
static void
bring_properties_back(const PlanStep *step, const char *comment, List *targets, bool clustered, ChangeMove *move)
{
	const char *table = sg_relation_name(move->table);
	List	   *statements = NIL;
	const char *name = quote_identifier(step->fk_name);

	move->object = plan_step_target(step, step->fk_name);
	if (move->kind != MOVE_NONE || !OidIsValid(move->object.objectId))
		return;
	if (plan_changed_object(step) == CHANGED_INDEX)
		name = sg_relation_name(move->object.objectId);
	else
		name = psprintf("%s ON %s", name, table);
	if (comment && GetComment(move->object.objectId, move->object.classId, 0) == NULL)
		statements = lappend(statements, psprintf("COMMENT ON %s %s IS %s", step->definition, name, quote_literal_cstr(comment)));
	for (int i = 0; i < list_length(targets); i += 2)
	{
		bool		there;

		if (statistics_of(move->object.objectId, list_nth_int(targets, i), &there) < 0 && there)
			statements = lappend(statements, psprintf("ALTER INDEX %s ALTER COLUMN %d SET STATISTICS %d", name,
													  list_nth_int(targets, i), list_nth_int(targets, i + 1)));
	}
	if (clustered && OidIsValid(index_of(&move->object)) && !is_clustered(move->table))
		statements = lappend(statements, psprintf("ALTER TABLE %s CLUSTER ON %s", table, quote_identifier(step->fk_name)));
	move->rule = NULL;
	foreach_ptr(char, statement, statements)
		change_statement(move, MOVE_STATEMENT, "restore", ShareUpdateExclusiveLock, STEP_ROLLED_BACK, statement);
}

static bool
ends_with(const char *definition, const char *end)
{
	size_t		n = strlen(definition);

	return n >= strlen(end) && strcmp(definition + n - strlen(end), end) == 0;
}

/* Returns the definition of an EXCLUDE constraint after the place of its tablespace */
static char *
end_of_exclusion(Oid conid, Oid index)
{
	HeapTuple	constraint = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	char	   *condition = "";
	char	   *deferred;
	bool		isnull;
	Datum		predicate;

	if (!HeapTupleIsValid(constraint) || !HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "an index");
	deferred = !((Form_pg_constraint) GETSTRUCT(constraint))->condeferrable ? "" :
		((Form_pg_constraint) GETSTRUCT(constraint))->condeferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
	predicate = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isnull);
	if (!isnull)
		condition = psprintf(" WHERE (%s)", change_deparse(((Form_pg_index) GETSTRUCT(tuple))->indrelid,
														   stringToNode(TextDatumGetCString(predicate))));
	ReleaseSysCache(tuple);
	ReleaseSysCache(constraint);
	return psprintf("%s%s", condition, deferred);
}

/*
 * Returns the definition of a constraint with the tablespace of its index,
 * which the server omits only for EXCLUDE
 */
static char *
with_tablespace(Oid conid, char *definition)
{
	Oid			index = get_constraint_index(conid);
	Oid			tablespace = OidIsValid(index) ? get_rel_tablespace(index) : InvalidOid;
	char	   *name = OidIsValid(tablespace) ? get_tablespace_name(tablespace) : NULL;
	char	   *end;

	if (name == NULL || strncmp(definition, "EXCLUDE ", strlen("EXCLUDE ")) != 0)
		return definition;
	end = end_of_exclusion(conid, index);
	if (!ends_with(definition, end))
		elog(ERROR, "constraint %u does not end with \"%s\": %s", conid, end, definition);
	return psprintf("%.*s USING INDEX TABLESPACE %s%s", (int) (strlen(definition) - strlen(end)), definition, quote_identifier(name), end);
}

/* Returns "constraint UNIQUE (a)": the text after the head, whose words the table's name may have, too */
static char *
constraint_definition(const PlanStep *step, const ChangeMove *move)
{
	char	   *command = pg_get_constraintdef_command(move->object.objectId);
	char	   *head = psprintf("ALTER TABLE %s ADD CONSTRAINT %s ", sg_relation_name(move->table), quote_identifier(step->fk_name));

	/* the constraint may have been renamed */
	if (strncmp(command, head, strlen(head)) != 0)
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a constraint");
	return psprintf(WAS_CONSTRAINT "%s", with_tablespace(move->object.objectId, command + strlen(head)));
}

/* Returns the text after CREATE that recreates the object, fully qualified; for a CHECK, only its condition */
static char *
definition_of(const PlanStep *step, const ChangeMove *move)
{
	Oid			object = move->object.objectId;
	HeapTuple	constraint = change_constraint(move->table, step->fk_name);
	char	   *definition;
	SgScope		scope;

	if (plan_changed_object(step) == CHANGED_CONSTRAINT)
	{
		Form_pg_constraint con;

		if (!HeapTupleIsValid(constraint))
			sg_gone(ERRCODE_UNDEFINED_OBJECT, "a constraint");
		con = (Form_pg_constraint) GETSTRUCT(constraint);
		if (con->contype == CONSTRAINT_CHECK)
			return psprintf("%s%s%s", con->connoinherit ? WAS_NO_INHERIT : "",
							!SG_CON_ENFORCED(con) ? WAS_NOT_ENFORCED : con->convalidated ? "" : WAS_NOT_VALID,
							change_condition(constraint));
	}
	change_text_begin(&scope);
	switch (plan_changed_object(step))
	{
		case CHANGED_CONSTRAINT:
			definition = constraint_definition(step, move);
			break;
		case CHANGED_TRIGGER:
			definition = psprintf("%s%s", change_fires(move->table, step->fk_name),
								  sg_definition(pg_get_triggerdef, object) + strlen("CREATE "));
			break;
		default:
			definition = pg_get_indexdef_string(object) + strlen("CREATE ");
	}
	sg_scope_end(&scope);
	return definition;
}

/* Returns the names of the table's columns in a constraint, index or trigger */
static List *
columns_under(const ChangeMove *move)
{
	List	   *columns = NIL;
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin_depend(&scan, false, move->object.classId, move->object.objectId, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId && form->refobjid == move->table && form->refobjsubid > 0)
			columns = lappend(columns, sg_column_name(move->table, form->refobjsubid));
	}
	sg_catalog_end(&scan);
	return columns;
}

char *
change_definition(const PlanStep *step, const ChangeMove *move, List **columns)
{
	*columns = columns_under(move);
	return psprintf("%s%s%s", properties_of(move), move->identity ? WAS_IDENTITY : "", definition_of(step, move));
}

/* Drops the definition; a foreign key gets a deed of its own, by which it comes back */
static void
drop_definition(const PlanStep *step, ChangeMove *move)
{
	FkKey	   *key = key_of(move);

	if (!is_free(step, move))
		return;
	if (key)
	{
		move->keys = list_make1(key);
		move->tables = list_make1_oid(key->parent);
	}
	else
		move->was = change_definition(step, move, &move->columns);
	change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_VALIDATED,
					 linitial(plan_change_statements(step)));
}

/* Sets a problem if another object has the name: nothing is taken back before that one is renamed */
static void
name_is_taken(const PlanStep *step, ChangeMove *move)
{
	change_problem(move, ERRCODE_DUPLICATE_OBJECT, psprintf("the name %s is taken by another one", quote_identifier(step->fk_name)),
				   "Rename that one, then make the same call again.");
}

static void
bring_check_back(PlanStep *step, const char *was, ChangeMove *move)
{
	bool		no_inherit = takes_word(&was, WAS_NO_INHERIT);
	bool		enforced = !takes_word(&was, WAS_NOT_ENFORCED);
	bool		not_valid = takes_word(&was, WAS_NOT_VALID) || !enforced;

	step->kind = STEP_CHECK;
	step->definition = pstrdup(was);
	change_check_back(step, move, no_inherit, enforced);
	if (move->kind == MOVE_PROBLEM && move->problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT)
		name_is_taken(step, move);
	if (not_valid)
		move->rule = NULL;
	if (not_valid && move->kind == MOVE_VALIDATE)
	{
		/* its comment may still have to be restored */
		move->kind = MOVE_NONE;
		move->statements = NIL;
	}
}

/* Sets a problem if a deed's text is no definition of its object, which a restored dump could contain */
static void
no_definition(const PlanStep *step, ChangeMove *move)
{
	change_problem(move, ERRCODE_DATA_CORRUPTED, "the recorded text is not its definition",
				   psprintf("Make the %s anew by hand, and skip the step:\n%s", step->definition, plan_skip_call(step, "made anew by hand")));
}

Node *
change_kept_statement(const PlanStep *step, const char *statement, NodeTag kind, ChangeMove *move)
{
	SgScope		scope;
	ErrorData  *edata;
	List	   *parsed;

	change_text_begin(&scope);
	parsed = plan_parse(statement, &edata);
	sg_scope_end(&scope);
	if (list_length(parsed) == 1 && nodeTag(linitial_node(RawStmt, parsed)->stmt) == kind)
		return linitial_node(RawStmt, parsed)->stmt;
	no_definition(step, move);
	return NULL;
}

static bool
is_named(const RangeVar *name, Oid relid)
{
	return name->schemaname && sg_find_qualified(sg_qualified_name(name->schemaname, name->relname)) == relid;
}

AlterTableCmd *
change_kept_command(const PlanStep *step, const char *statement, AlterTableType subtype, ChangeMove *move)
{
	AlterTableStmt *alter = (AlterTableStmt *) change_kept_statement(step, statement, T_AlterTableStmt, move);
	AlterTableCmd *command = alter ? linitial_node(AlterTableCmd, alter->cmds) : NULL;

	if (command == NULL || (list_length(alter->cmds) == 1 && command->subtype == subtype && is_named(alter->relation, move->table)))
		return command;
	no_definition(step, move);
	return NULL;
}

/*
 * Returns the statement that recreates a trigger or an index, on the table's
 * present name; NULL if there is none
 */
static char *
create_statement(const PlanStep *step, const char *was, ChangeMove *move)
{
	const char *table = sg_relation_name(move->table);
	char	   *statement = psprintf("CREATE %s", was);
	bool		is_trigger = plan_changed_object(step) == CHANGED_TRIGGER;
	Node	   *parsed = change_kept_statement(step, statement, is_trigger ? T_CreateTrigStmt : T_IndexStmt, move);
	RangeVar   *relation;
	const char *name;

	if (parsed == NULL)
		return NULL;
	relation = is_trigger ? ((CreateTrigStmt *) parsed)->relation : ((IndexStmt *) parsed)->relation;
	name = quote_qualified_identifier(relation->schemaname, relation->relname);
	if (sg_same_text(is_trigger ? ((CreateTrigStmt *) parsed)->trigname : ((IndexStmt *) parsed)->idxname, step->fk_name))
	{
		if (strncmp(statement + relation->location, name, strlen(name)) == 0)
			return psprintf("%.*s%s%s", relation->location, statement, table, statement + relation->location + strlen(name));
		if (is_named(relation, move->table))
			return statement;
	}
	no_definition(step, move);
	return NULL;
}

/*
 * Returns the statement that adds a constraint again, and whether it reads no
 * rows; NULL if there is none
 */
static char *
add_statement(const PlanStep *step, const char *was, ChangeMove *move, bool *not_valid)
{
	char	   *statement = psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", step->child_table, quote_identifier(step->fk_name), was);
	AlterTableCmd *command = change_kept_command(step, statement, AT_AddConstraint, move);
	const Constraint *con = command ? castNode(Constraint, command->def) : NULL;

	if (con == NULL)
		return NULL;
	*not_valid = con->skip_validation;
	if (sg_same_text(con->conname, step->fk_name) && con->indexname == NULL &&
		(con->contype == CONSTR_UNIQUE || con->contype == CONSTR_PRIMARY || con->contype == CONSTR_EXCLUSION || con->contype == CONSTR_NOTNULL))
		return statement;
	no_definition(step, move);
	return NULL;
}

/* Recreates the trigger, and makes it fire as it did */
static void
bring_trigger_back(char *statement, List *fires, ChangeMove *move)
{
	change_statement(move, MOVE_STATEMENT, "restore", ShareRowExclusiveLock, STEP_ROLLED_BACK, statement);
	foreach_ptr(char, again, fires)
	{
		change_statement(move, MOVE_STATEMENT, "restore", ShareRowExclusiveLock, STEP_ROLLED_BACK, again);
	}
}

/*
 * Restores a trigger, a CHECK, or a NOT VALID constraint as it was; a person
 * has to decide about one that would read the table under a lock
 */
static void
bring_definition_back(const PlanDeed *deed, const char *was, ChangeMove *move)
{
	PlanStep	step = *deed->what;
	bool		identity = takes_word(&was, WAS_IDENTITY);
	bool		is_constraint = takes_word(&was, WAS_CONSTRAINT);
	char	   *identify = identity ? change_identity_statement(move->table, step.child_table, step.fk_name) : NULL;
	char	   *moved = plan_deed_moved_column(deed);
	List	   *fires;
	bool		not_valid = false;
	char	   *statement;

	if (moved)
	{
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, moved,
					   psprintf("Give the column its name again, or make the %s anew by hand, and skip the step:\n%s", step.definition,
								plan_skip_call(&step, "made anew by hand")));
		return;
	}
	fires = change_fires_again(&was, move->table, step.fk_name);
	if (plan_changed_object(&step) == CHANGED_CONSTRAINT && !is_constraint)
	{
		bring_check_back(&step, was, move);
		return;
	}
	statement = is_constraint ? add_statement(&step, was, move, &not_valid) : create_statement(&step, was, move);
	if (statement == NULL)
		return;
	move->object = plan_step_target(&step, step.fk_name);
	if (OidIsValid(move->object.objectId))
	{
		const char *now = definition_of(&step, move);

		if (is_constraint)
			(void) takes_word(&now, WAS_CONSTRAINT);
		else
			(void) change_fires_again(&now, move->table, step.fk_name);
		if (strcmp(now, is_constraint ? was : statement + strlen("CREATE ")) != 0)
			name_is_taken(&step, move);
		else if (identify)
			change_statement(move, MOVE_STATEMENT, "restore", AccessExclusiveLock, STEP_ROLLED_BACK, identify);
	}
	else if (plan_changed_object(&step) == CHANGED_TRIGGER)
		bring_trigger_back(statement, fires, move);
	else if (not_valid)
		change_statement(move, MOVE_STATEMENT, "restore", AccessExclusiveLock, STEP_ROLLED_BACK, statement);
	else
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "making it anew would read the whole table",
					   change_owner_hint("Make it in a quiet hour, then make the same call again", move->table, statement, identify));
}

/* ---- drop ---- */

/*
 * Returns a step about the object that a step is to drop, under the object's
 * present name; NULL if the object is gone, was dropped by the step, or is known
 * by name only
 */
static PlanStep *
under_present_name(const PlanStep *step)
{
	ObjectAddress object = plan_marked_object(step);
	PlanStep   *now = memcpy(palloc(sizeof(PlanStep)), step, sizeof(PlanStep));
	FormData_pg_attribute column;
	List	   *names = NIL;
	List	   *args;

	if (!OidIsValid(object.objectId) || change_deed_of(step) ||
		(object.objectSubId && !sg_read_column(object.objectId, object.objectSubId, &column)) ||
		getObjectIdentityParts(&object, &names, &args, true) == NULL || list_length(names) < 2)
		return NULL;
	now->child_table = plan_changed_object(step) == CHANGED_INDEX ? sg_relation_name(IndexGetRelation(object.objectId, true)) :
		quote_qualified_identifier(linitial(names), lsecond(names));
	now->fk_name = llast(names);
	return now;
}

/* Sets the problem that the object of a drop has another name, which another object may have now */
static void
has_other_name(const PlanStep *step, PlanStep *now, bool taken, ChangeMove *move)
{
	change_problem(move, taken ? ERRCODE_SG_KEY_CONFLICT : ERRCODE_UNDEFINED_OBJECT,
				   psprintf("%s is %s now%s", object_text(step), object_text(now), taken ? ", and another object has its name" : ""),
				   psprintf("To drop it under that name:\n%s\n%sTo leave it:\n%s",
							plan_set_call(step, "child_table", now->child_table, "fk_name", now->fk_name, NULL),
							taken ? psprintf("To drop the other object:\n%s\n", plan_set_call(step, "fk_name", step->fk_name, NULL)) : "",
							plan_skip_call(step, "it has another name")));
}

/* Finds the move if the object is gone, kept, or has another name */
static void
look_at_gone(const PlanStep *step, ChangeMove *move)
{
	bool		relation = is_relation(plan_changed_object(step));
	char	   *kept = relation ? change_kept_as(step) : NULL;
	PlanStep   *now = under_present_name(step);
	ObjectAddress object = plan_marked_object(step);

	/* a step of another plan has kept it */
	if (now && relation && is_kept(&object))
		kept = now->child_table;
	if (step->missing && kept == NULL && step->state != STEP_VALIDATED && change_deed_of(step) == NULL)
		change_problem(move, ERRCODE_UNDEFINED_OBJECT, psprintf("%s does not exist, and did not when the step was added", object_text(step)),
					   change_nearest_hint(step, move->table));
	else if (kept)
		move->note = psprintf("kept as %s", kept);
	else if (plan_changed_object(step) == CHANGED_COLUMN && OidIsValid(move->table) &&
			 get_attnum(move->table, change_kept_column(what_was_dropped(step))) != InvalidAttrNumber)
		move->note = psprintf("kept as column %s", quote_identifier(change_kept_column(what_was_dropped(step))));
	else if (now)
		has_other_name(step, now, false, move);
	else
		move->note = "it is gone";
}

/* Returns whether a table is partitioned by a column, or by an expression over it */
static bool
is_partitioned_by(Oid table, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	Form_pg_partitioned_table form;
	Bitmapset  *columns = NULL;
	Datum		expressions;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
		columns = bms_add_member(columns, form->partattrs.values[i] - FirstLowInvalidHeapAttributeNumber);
	expressions = SysCacheGetAttr(PARTRELID, tuple, Anum_pg_partitioned_table_partexprs, &isnull);
	if (!isnull)
		pull_varattnos(stringToNode(TextDatumGetCString(expressions)), 1, &columns);
	ReleaseSysCache(tuple);
	return attnum != InvalidAttrNumber && bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns);
}

/*
 * Sets a problem for a column of a partition key, because keeping it under
 * another name, without values, would keep all new rows out
 */
static bool
is_no_partition_key(const PlanStep *step, ChangeMove *move)
{
	foreach_oid(table, plan_changed_object(step) == CHANGED_COLUMN ? sg_all_inheritors(move->table) : NIL)
	{
		if (!is_partitioned_by(table, get_attnum(table, step->fk_name)))
			continue;
		change_problem(move, ERRCODE_INVALID_OBJECT_DEFINITION, psprintf("%s is partitioned by it", sg_relation_name(table)),
					   psprintf("Move the rows to a table that is partitioned in another way, or leave the step out:\n%s",
								plan_skip_call(step, "the table is partitioned by it")));
		return false;
	}
	return true;
}

/* Returns whether somebody has put back an object that a step has dropped and kept */
static bool
is_put_back(const PlanStep *step, const ChangeMove *move)
{
	const PlanDeed *deed = change_deed_of(step);
	char	   *kept;

	if (deed == NULL)
		return false;
	if (is_relation(plan_changed_object(step)))
		return change_kept_relation(deed, &kept) == move->object.objectId;
	return plan_changed_object(step) == CHANGED_COLUMN &&
		plan_deed_column(deed, 0, change_kept_column(deed->what)) == move->object.objectSubId;
}

/*
 * Returns whether an object has the name of one that a step has dropped, and is
 * another one: a column by its number, a relation by its OID.  A constraint,
 * index or trigger that is made anew is what the step was to drop, unless the
 * plan has given it the name.
 */
static bool
is_successor(const PlanStep *step, const ChangeMove *move)
{
	const PlanDeed *deed = change_deed_of(step);
	char	   *kept;

	if (deed == NULL)
		return false;
	if (is_relation(plan_changed_object(step)))
	{
		Oid			relid = change_kept_relation(deed, &kept);

		return step->discard || (OidIsValid(relid) && relid != move->object.objectId);
	}
	if (plan_changed_object(step) == CHANGED_COLUMN)
		return !plan_deed_made(deed, &move->object);
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (other->state == STEP_VALIDATED && plan_step_frees(step, other))
			return true;
	}
	return false;
}

/* Returns whether a rollback has restored the column, but not each rule that went with it */
static bool
is_half_back(const PlanStep *step)
{
	return plan_changed_object(step) == CHANGED_COLUMN && change_deed_of(step) == NULL && plan_deeds_of_step(step, DEED_CHANGE) != NIL;
}

void
change_look_drop(const PlanStep *step, ChangeMove *move)
{
	PlanStep   *now;
	ObjectAddress marked;

	memset(move, 0, sizeof(ChangeMove));
	move->table = sg_find_qualified(step->child_table);
	move->object = plan_step_target(step, step->fk_name);
	if (!OidIsValid(move->object.objectId))
	{
		look_at_gone(step, move);
		return;
	}
	now = under_present_name(step);
	marked = plan_marked_object(step);
	if (now && (marked.objectId != move->object.objectId || marked.objectSubId != move->object.objectSubId))
	{
		has_other_name(step, now, true, move);
		return;
	}
	if ((step->state == STEP_VALIDATED || step->state == STEP_SKIPPED) && is_put_back(step, move))
	{
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("somebody has put back %s", object_text(step)),
					   psprintf("To drop it, roll back the step, and run it again:\n%s", plan_rollback_call(step)));
		return;
	}
	if ((step->state == STEP_VALIDATED || step->state == STEP_SKIPPED) && is_half_back(step))
	{
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("%s is back, but not all rules that went with it", object_text(step)),
					   psprintf("Have these come back, too:\n%s", plan_rollback_call(step)));
		return;
	}
	if ((step->state == STEP_VALIDATED || step->state == STEP_SKIPPED) && is_successor(step, move))
	{
		look_at_gone(step, move);
		return;
	}
	move->first = true;
	if (!is_own(step, move) || !is_no_partition_key(step, move) || !change_keeps_identity(step, move))
		return;
	if (step->discard)
	{
		if (is_what_it_says(step, move->table, move) && is_free(step, move) &&
			(plan_changed_object(step) != CHANGED_COLUMN || change_take_rules(step, move)))
			change_statement(move, MOVE_STATEMENT, "drop", AccessExclusiveLock, STEP_VALIDATED,
							 linitial(plan_change_statements(step)));
		return;
	}
	switch (plan_changed_object(step))
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
			keep_relation(step, move);
			break;
		case CHANGED_COLUMN:
			keep_column(step, move);
			break;
		case CHANGED_CONSTRAINT:
		case CHANGED_INDEX:
		case CHANGED_TRIGGER:
			drop_definition(step, move);
			break;
	}
}

/* Returns whether a kept object can go back to its former schema and name */
static bool
has_place(const PlanStep *what, Oid schema, Oid relid, ChangeMove *move)
{
	SgTableName was = sg_parse_table_name(what->child_table);
	Oid			here = get_rel_namespace(relid);
	char	   *used = NULL;

	if (OidIsValid(schema) && schema != here)
		used = change_name_in_use(schema, relid, was.name);
	if (used == NULL && OidIsValid(schema) && strcmp(sg_rel_name(relid), was.name) != 0 && OidIsValid(get_relname_relid(was.name, here)))
		used = sg_qualified_name(sg_schema_name(here), was.name);
	if (!OidIsValid(schema))
		change_problem(move, ERRCODE_UNDEFINED_SCHEMA, psprintf("schema %s, where it was, does not exist", quote_identifier(was.schema)),
					   psprintf("If it has another name, give it that one again, or create it, and roll back again:\n%s",
								plan_rollback_call(what)));
	else if (used)
		change_problem(move, ERRCODE_DUPLICATE_OBJECT, psprintf("the name %s is taken", used),
					   psprintf("Rename what has that name, and roll back again:\n%s", plan_rollback_call(what)));
	return OidIsValid(schema) && used == NULL;
}

/* Sets the problem that a kept relation is not found, with what may be it; no hint moves a relation that is not known to be it */
static void
is_not_found(const PlanDeed *deed, const char *kept, ChangeMove *move)
{
	const char *schema = sg_parse_table_name(kept).schema;
	const char *attic = quote_identifier(schema);
	bool		exists = OidIsValid(get_namespace_oid(schema, true));
	Oid			taken = sg_find_qualified(kept);
	char	   *alike = change_like_kept(deed, taken);

	change_problem(move, ERRCODE_UNDEFINED_TABLE,
				   psprintf(OidIsValid(taken) ? "the %s is not found: %s, which it was kept as, is another one by now" :
							"the %s is not found: there is no %s, nor one with the OID and the columns that it was kept with", deed->what->definition, kept),
				   psprintf("%s%smove it %s%s, and roll back again:\n%s",
							alike ? psprintf("Relations with its name and columns, which an application may use: %s. If it is one of them, ", alike) :
							"If it is elsewhere, ",
							OidIsValid(taken) ? psprintf("move %s to another schema meanwhile, ", kept) : exists ? "" : psprintf("create schema %s, ", attic),
							exists ? "into schema " : "there", exists ? attic : "", plan_rollback_call(deed->what)));
}

void
change_undo_drop(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	const PlanStep *what = deed->what;
	char	   *renamed = NULL;
	char	   *sent;
	char	   *kept;
	Oid			schema;
	Oid			relid;

	memset(move, 0, sizeof(ChangeMove));
	move->table = sg_find_qualified(what->child_table);
	if (what->discard)
	{
		char	   *gone = change_stays_gone_text(deed, step);

		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("it was dropped for good, as the step wanted it%s%s", gone ? ": " : "", gone ? gone : ""), NULL);
		return;
	}
	if (!is_relation(plan_changed_object(what)))
	{
		if (!OidIsValid(move->table))
			return;
		if (plan_changed_object(what) == CHANGED_COLUMN)
			bring_column_back(deed, move);
		else if (deed->was)
		{
			const char *was = deed->was;
			List	   *targets;
			List	   *uses;
			bool		clustered;
			char	   *comment = takes_properties(&was, &targets, &uses, &clustered);

			bring_definition_back(deed, was, move);
			move->known = plan_deed_follow(deed) == DEED_BY_OID ? uses : NIL;
			bring_properties_back(what, comment, targets, clustered, move);
		}
		return;
	}
	if (change_is_detached(deed))
	{
		change_attach(deed, move);
		return;
	}
	relid = change_kept_relation(deed, &kept);
	schema = change_schema_before(what, deed->was);
	if (OidIsValid(schema))
		deed->what->child_table = sibling(what->child_table, sg_schema_name(schema), NULL);
	move->table = sg_find_qualified(what->child_table);
	/* the relation is back in its schema */
	if (OidIsValid(relid) && relid == move->table)
		return;
	if (!OidIsValid(relid))
	{
		is_not_found(deed, kept, move);
		return;
	}
	if (OidIsValid(move->table))
	{
		change_problem(move, ERRCODE_DUPLICATE_TABLE, psprintf("there is another %s by now", what->child_table),
					   psprintf("This one is kept as %s. Rename the other one, and roll back again:\n%s%s", kept, plan_rollback_call(what),
								plan_changed_object(what) == CHANGED_VIEW ?
								psprintf("\nIf the other one is to stay in its place:\nDROP %s %s;\n%s\n%s", plan_relation_word(what, kept), kept,
										 plan_skip_call(step, "another one has its place"), plan_rollback_call(what)) : ""));
		return;
	}
	if (!has_place(what, schema, relid, move))
		return;
	move->table = relid;
	if (strcmp(sg_rel_name(relid), sg_parse_table_name(what->child_table).name) != 0)
	{
		renamed = psprintf("ALTER %s %s RENAME TO %s", plan_relation_word(what, kept), kept,
						   quote_identifier(sg_parse_table_name(what->child_table).name));
		kept = sibling(kept, NULL, sg_parse_table_name(what->child_table).name);
	}
	move->owner_statements = lappend(change_move_statistics(relid, sg_parse_table_name(what->child_table).schema),
									 change_move_statement(what, kept, sg_parse_table_name(what->child_table).schema));
	if (renamed)
		move->owner_statements = lcons(renamed, move->owner_statements);
	if (plan_changed_object(what) == CHANGED_VIEW)
	{
		char	   *again = change_view_again(deed, move);

		if (again)
			move->last_statements = list_make1(again);
	}
	else
		change_publish_again(deed, move);
	if (move->kind == MOVE_PROBLEM)
		return;
	change_move(move, MOVE_STATEMENT, "restore", AccessExclusiveLock, STEP_ROLLED_BACK);
	sent = change_published_in(schema, relid);
	if (sent)
		change_note(move, psprintf("publication %s sends it, and a subscription stops where there is no %s", sent, what->child_table));
	move->ends = true;
}
