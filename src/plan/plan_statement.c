/*-------------------------------------------------------------------------
 *
 * plan_statement.c
 *	  A step from a FOREIGN KEY clause, and from an existing key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/compat.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_key.h"

List *
plan_node_strings(List *nodes)
{
	List	   *strings = NIL;
	ListCell   *lc;

	foreach(lc, nodes)
		strings = lappend(strings, pstrdup(strVal(lfirst(lc))));

	return strings;
}

PlanStep *
plan_step_of_constraint(const char *plan, const char *child_table,
						const char *parent_table, const Constraint *c)
{
	PlanStep   *step = plan_step_default(plan);

	step->child_table = pstrdup(child_table);
	step->child_columns = plan_node_strings(c->fk_attrs);
	step->parent_table = pstrdup(parent_table);
	step->parent_columns = plan_node_strings(c->pk_attrs);
	step->fk_name = c->conname ? pstrdup(c->conname) : NULL;
	step->on_delete = c->fk_del_action;
	step->on_update = c->fk_upd_action;
	step->on_delete_columns = plan_node_strings(c->fk_del_set_cols);
	step->match = c->fk_matchtype;
	step->deferrable = c->deferrable;
	step->initially_deferred = c->initdeferred;
	step->enforced = SG_CONSTRAINT_ENFORCED(c);
	step->period = SG_CONSTRAINT_PERIOD(c);
	if (c->skip_validation || !step->enforced)
		step->orphans = ORPHANS_LEAVE;

	return step;
}

PlanStep *
plan_step_of_key(const char *plan, const FkKey *key)
{
	PlanStep   *step = plan_step_default(plan);

	step->child_table = sg_relation_name(key->child);
	step->child_columns = sg_attribute_names(key->child, key->child_att, key->nkeys);
	step->parent_table = sg_relation_name(key->parent);
	step->parent_columns = sg_attribute_names(key->parent, key->parent_att, key->nkeys);
	step->fk_name = pstrdup(key->name);
	step->on_delete = key->on_delete;
	step->on_update = key->on_update;
	step->on_delete_columns = sg_attribute_names(key->child, key->delete_set, key->ndelete_set);
	step->match = key->match;
	step->deferrable = key->deferrable;
	step->initially_deferred = key->initially_deferred;
	step->enforced = key->enforced;
	step->period = key->period;

	return step;
}
