/*-------------------------------------------------------------------------
 *
 * check_twin.c
 *	  Compatibility of a step's key with other keys, of the catalog and of
 *	  steps: keys on equal columns, on shared ones, of the same name, and the
 *	  key that a step replaces.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/words.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "plan/plan_input.h"
#include "plan/plan_call.h"
#include "plan/plan_key.h"

/* Returns whether a step of the plan gives a key of the same child that name */
static bool
is_planned_name(const PlanCheck *check, const CheckStep *cs, const char *name)
{
	ListCell   *lc;

	foreach(lc, check->steps)
	{
		const PlanStep *step = ((CheckStep *) lfirst(lc))->step;

		if (sg_same_text(step->child_table, cs->step->child_table) &&
			(strcmp(step->fk_name, name) == 0 || sg_same_text(step->replaces, name)))
			return true;
	}
	return false;
}

/* Returns a name for the step's key that no constraint of the child has, or will have */
static char *
free_name(const PlanCheck *check, const CheckStep *cs)
{
	for (int n = 0;; n++)
	{
		char	   *name = plan_default_fk_name(cs->step, n);

		if (!is_planned_name(check, cs, name) &&
			!OidIsValid(get_relation_constraint_oid(cs->view.key.child, name, true)))
			return name;
	}
}

void
check_name(const PlanCheck *check, CheckStep *cs)
{
	Oid			taken = get_relation_constraint_oid(cs->view.key.child, cs->step->fk_name, true);

	if (OidIsValid(taken) && (cs->view.existing == NULL || cs->view.existing->conid != taken))
		check_row(cs, "name", CHECK_BLOCK,
				  psprintf("the name %s is taken by another constraint of %s",
						   quote_identifier(cs->step->fk_name), cs->step->child_table),
				  psprintf("Give the step another name:\n%s", check_set(cs, "fk_name", free_name(check, cs))));
	else
		check_row(cs, "name", CHECK_OK, NULL, NULL);
}

static char *
drop_statement(const FkKey *key)
{
	return psprintf("ALTER TABLE %s DROP CONSTRAINT %s;", sg_relation_name(key->child),
					quote_identifier(key->name));
}

/*
 * Returns a hint with the call that makes the step's key replace the existing
 * one, or take over its actions
 */
static char *
existing_hint(const CheckStep *cs, const FkKey *existing)
{
	const FkKey *key = &cs->view.key;
	char	   *set = NULL;

	if (!cs->step->enforced || cs->step->state == STEP_ADDED)
		return psprintf("Drop that key, and the plan adds it anew:\n%s", drop_statement(existing));
	if (existing->on_delete != key->on_delete)
		set = check_set(cs, "on_delete", sg_action_word(existing->on_delete));
	else if (existing->on_update != key->on_update)
		set = check_set(cs, "on_update", sg_action_word(existing->on_update));
	return psprintf("Have the step's key take the place of that one, which goes when the new one is valid, and which a rollback brings back:\n%s%s%s",
					plan_replace_call(cs->step, existing->name), set ? "\nOr keep what that key does:\n" : "", set ? set : "");
}

/* Checks for a key on the same columns, in the catalog or in an earlier step */
void
check_existing(PlanCheck *check, CheckStep *cs)
{
	const FkKey *existing = cs->view.existing;

	if (existing && cs->view.need == NEED_SKIP)
		check_row(cs, "existing_key", CHECK_BLOCK, cs->view.problem->reason, existing_hint(cs, existing));
	else if (existing)
		check_row(cs, "existing_key", CHECK_OK,
				  psprintf("key %s is there already, %s", quote_identifier(existing->name),
						   cs->view.need == NEED_VALIDATE ? "not valid: it will be validated" : fk_state_word(fk_state(existing))),
				  NULL);
	if (existing)
		return;

	foreach_ptr(CheckStep, other, sg_lists_of(check->steps_of, cs->view.key.child))
	{
		char	   *difference;

		if (other->place >= cs->place)
			break;
		if (!check_is_due(other) || other->blocked || !fk_same_columns(&cs->view.key, &other->view.key))
			continue;
		difference = fk_clause_difference(&cs->view.key, &other->view.key);
		check_row(cs, "existing_key", difference ? CHECK_BLOCK : CHECK_WARN,
				  psprintf("step %d adds a key on the same columns first%s%s", other->step->step,
						   difference ? ", but " : "", difference ? difference : ""),
				  psprintf("One of them is enough:\n%s",
						   check_skip(cs, psprintf("the same key as step %d", other->step->step))));
		return;
	}
	check_row(cs, "existing_key", CHECK_OK, NULL, NULL);
}

static bool
has_attnum(const AttrNumber *attnums, int n, AttrNumber attnum)
{
	for (int i = 0; i < n; i++)
	{
		if (attnums[i] == attnum)
			return true;
	}
	return false;
}

static int
shared_columns(const FkKey *a, const FkKey *b)
{
	int			n = 0;

	for (int i = 0; i < a->nkeys; i++)
		n += has_attnum(b->child_att, b->nkeys, a->child_att[i]);
	return n;
}

/* Returns whether an action of a writes columns that b needs */
static bool
writes_into(const FkKey *a, const FkKey *b)
{
	for (int i = 0; i < a->nkeys; i++)
	{
		if (!has_attnum(b->child_att, b->nkeys, a->child_att[i]))
			continue;
		if (a->on_update == FKCONSTR_ACTION_CASCADE || check_writes_columns(a->on_update) ||
			(check_writes_columns(a->on_delete) && check_in_delete_set(a, a->child_att[i])))
			return true;
	}
	return false;
}

/* Returns the effect of two keys of one child that share columns; NULL if it is all right */
static char *
overlap_text(const FkKey *key, const FkKey *other)
{
	int			shared = shared_columns(key, other);

	if (shared == key->nkeys && shared == other->nkeys && key->parent != other->parent)
		return psprintf("the same columns reference %s, so each value has to be in both tables%s",
						sg_relation_name(other->parent),
						key->on_delete != other->on_delete || key->on_update != other->on_update ?
						", and their actions contradict each other" : "");
	if (key->parent == other->parent && (shared == key->nkeys || shared == other->nkeys))
		return psprintf("%s of its columns reference the same parent, %s",
						shared == other->nkeys ? "some" : "more", sg_relation_name(other->parent));
	if (writes_into(key, other) || writes_into(other, key))
		return "they share columns, and an action of one writes what the other one checks";
	return NULL;
}

static bool
is_replaced(const CheckStep *cs, const FkKey *other)
{
	return cs->step->replaces && OidIsValid(other->conid) && strcmp(cs->step->replaces, other->name) == 0;
}

/* Checks another key, of the catalog or of a step; returns whether there is a row about it */
static bool
check_overlap_with(CheckStep *cs, const FkKey *other, const CheckStep *step)
{
	char	   *text;

	if (other->child != cs->view.key.child || shared_columns(&cs->view.key, other) == 0 ||
		fk_same_columns(&cs->view.key, other) || is_replaced(cs, other))
		return false;
	text = overlap_text(&cs->view.key, other);

	if (text == NULL)
		return false;
	check_row(cs, "overlap", CHECK_WARN,
			  psprintf("key %s%s: %s", quote_identifier(step ? step->step->fk_name : other->name),
					   step ? psprintf(" of step %d", step->step->step) : "", text),
			  step ? psprintf("If one is enough, leave the other one out:\n%s",
							  check_skip(step, psprintf("step %d is enough", cs->step->step))) :
			  psprintf("If this key takes its place, say so:\n%s", check_set(cs, "replaces", other->name)));
	return true;
}

void
check_overlap(PlanCheck *check, CheckStep *cs)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, sg_lists_of(check->keys_of, cs->view.key.child))
		found |= check_overlap_with(cs, lfirst(lc), NULL);
	foreach_ptr(CheckStep, other, sg_lists_of(check->steps_of, cs->view.key.child))
	{
		if (other != cs && !other->left_alone && other->view.need == NEED_ADD)
			found |= check_overlap_with(cs, &other->view.key, other);
	}
	if (!found)
		check_row(cs, "overlap", CHECK_OK, NULL, NULL);
}

/* Checks that the key which a step replaces exists, unless the step has replaced it already */
void
check_replaces(CheckStep *cs)
{
	const char *replaces = cs->step->replaces;
	const FkKey *old;

	if (replaces == NULL)
		return;
	old = fk_by_name(cs->view.key.child, replaces);
	if (old && cs->view.existing && old->conid == cs->view.existing->conid)
		check_row(cs, "replaces", CHECK_BLOCK,
				  psprintf("key %s, which the step replaces, is the very key that it adds", quote_identifier(replaces)),
				  psprintf("Keep it:\n%s", check_set(cs, "replaces", NULL)));
	else if (old)
		check_row(cs, "replaces", CHECK_OK,
				  psprintf("key %s to %s is there and goes last", quote_identifier(replaces),
						   sg_relation_name(old->parent)), NULL);
	else if (cs->view.existing)
		check_row(cs, "replaces", CHECK_OK, psprintf("key %s is gone already", quote_identifier(replaces)), NULL);
	else
		check_row(cs, "replaces", CHECK_BLOCK,
				  psprintf("child %s has no foreign key %s, which the step replaces",
						   cs->step->child_table, quote_identifier(replaces)),
				  psprintf("Correct the name, or replace nothing:\n%s", check_set(cs, "replaces", NULL)));
}
